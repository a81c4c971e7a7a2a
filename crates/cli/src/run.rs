//! Runs one command: parse, carry out, tell how it ended.

use std::any::Any;
use std::ffi::OsString;
use std::panic::{self, AssertUnwindSafe};

use clap::Parser as _;

use crate::cli::{Cli, Command};
use crate::commands;
use crate::exit_code::ExitCode;
use crate::failure::{ErrorReport, Failure};
use crate::invocation::{Invocation, Place};
use crate::json::ErrorObject;
use crate::terminal::Terminal;
use crate::text::Text;

/// Where bugs are reported.
const ISSUES: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/issues");

/// Runs the command that `args` name, the name of the program first.
///
/// Everything is printed when this returns. A panic inside is caught and told as the bug that it is.
pub fn run(invocation: Invocation, args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    // Needed before parsing, which may fail.
    let json = args.iter().take_while(|arg| *arg != "--").any(|arg| arg == "--json");
    let Invocation { env, cwd, stdin, stdout, stderr, disk, .. } = invocation;
    let is_terminal = invocation.stdin_is_terminal && invocation.stderr_is_terminal;
    let mut terminal = Terminal::new(stdin, stdout, stderr, is_terminal, json);
    let place = Place { env, cwd, disk };
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
        let code = parse_and_carry_out(&args, place, &mut terminal)?;
        terminal.finish()?;
        Ok::<_, Failure>(code)
    }));
    match outcome {
        Ok(Ok(code)) => code,
        Ok(Err(failure)) => {
            tell(&failure.report(), &mut terminal);
            failure.exit_code()
        }
        Err(panic) => {
            tell(&bug(panic.as_ref()), &mut terminal);
            ExitCode::BUG
        }
    }
}

fn parse_and_carry_out(
    args: &[OsString],
    mut place: Place,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return parse_failed(&error, terminal),
    };
    if let Some(dir) = &cli.global.directory {
        place.enter(dir)?;
    }
    if let Some(wait) = cli.global.wait {
        place.env.lock_wait = wait;
    }
    match &cli.command {
        Command::Init(args) => commands::init::run(args, place, terminal),
        Command::New(args) => commands::new::run(args, place, terminal),
        Command::Status(_) => commands::status::run(place, terminal),
        Command::Next(_) => commands::next::run(place, terminal),
        Command::Phase(args) => commands::phase::run(args, place, terminal),
        Command::Resume(args) => commands::resume::run(args, place, terminal),
        Command::Abort(args) => commands::abort::run(args, place, terminal),
        Command::Archive(args) => commands::archive::run(args, place, terminal),
        Command::Log(args) => commands::log::run(args, place, terminal),
        Command::Undo(args) => commands::undo::run(args, place, terminal),
        Command::Doctor(args) => commands::doctor::run(args, place, terminal),
        Command::Settings(_) => commands::settings::run(place, terminal),
        Command::Plan(args) => commands::plan::run(args, place, terminal),
        Command::State(args) => commands::state::run(args, place, terminal),
        Command::Mcp(_) => commands::mcp::run(place, terminal),
    }
}

/// Shows the help that was asked for, or what is wrong with the arguments.
fn parse_failed(error: &clap::Error, terminal: &mut Terminal) -> Result<ExitCode, Failure> {
    let rendered = error.render();
    if !error.use_stderr() {
        terminal.print_ansi(&rendered.ansi().to_string(), false)?;
        return Ok(ExitCode::DONE);
    }
    if !terminal.is_json() {
        terminal.print_ansi(&rendered.ansi().to_string(), true)?;
        return Ok(ExitCode::USAGE);
    }
    let text = rendered.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let (message, hint) = text.split_once("\n\n").unwrap_or((text, ""));
    let hint = Some(hint.trim().to_owned()).filter(|hint| !hint.is_empty());
    Err(Failure::Usage { message: message.trim().to_owned(), hint })
}

fn tell(report: &ErrorReport, terminal: &mut Terminal) {
    // When not even this can be written, the exit code says it.
    if terminal.is_json() {
        drop(terminal.show(&ErrorObject { error: report }, |_| Text::default()));
    } else {
        terminal.say(&report.text());
    }
    drop(terminal.finish());
}

fn bug(panic: &(dyn Any + Send)) -> ErrorReport {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    ErrorReport {
        plan: None,
        recorded: None,
        notes: Vec::new(),
        code: "BUG",
        message: "this is a bug in maestro".to_owned(),
        causes: text.into_iter().collect(),
        hint: Some(format!("please report it at {ISSUES}, with the command and what it printed")),
    }
}
