//! The command line: its grammar and its help.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::commands::abort::AbortArgs;
use crate::commands::archive::ArchiveArgs;
use crate::commands::doctor::DoctorArgs;
use crate::commands::init::InitArgs;
use crate::commands::log::LogArgs;
use crate::commands::mcp::McpArgs;
use crate::commands::new::NewArgs;
use crate::commands::next::NextArgs;
use crate::commands::phase::PhaseArgs;
use crate::commands::plan::PlanArgs;
use crate::commands::resume::ResumeArgs;
use crate::commands::settings::SettingsArgs;
use crate::commands::state::StateArgs;
use crate::commands::status::StatusArgs;
use crate::commands::undo::UndoArgs;

/// Returns the grammar of the command line, from which its documentation is generated.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Keep an orchestration of agents on its plan
///
/// A session is one plan that is carried out by agents, phase by phase. It lives in a
/// Markdown file in the state dir of the workspace; every change is journalled first.
#[derive(Debug, Parser)]
#[command(
    name = "maestro",
    version,
    verbatim_doc_comment,
    arg_required_else_help = true,
    after_help = "\
Examples:
  maestro init
  maestro new \"Rate limiting for the gateway\" --plan plan.md
  maestro next
  maestro phase start 1
  maestro phase complete 1 --report handoff.md
  maestro status --json

Exit codes:
  0   done
  1   refused by a rule of the state, or by the system
  2   wrong usage: arguments, settings, files that cannot be read
  3   no active session
  4   locked by another process
  5   a file of the state dir cannot be understood
  6   conflict that a person has to settle
  70  a bug of maestro"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// Run as if started in DIR
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub(crate) directory: Option<PathBuf>,
    /// Print one JSON object to stdout, also for a failure, and nothing to stderr
    ///
    /// A result is `{"version":1,…}`. A failure is
    /// `{"version":1,"error":{"code":…,"message":…,"causes":[…],"hint":…}}`, with the
    /// exit code as without `--json`. Nobody is asked anything.
    #[arg(long, global = true, verbatim_doc_comment)]
    pub(crate) json: bool,
    /// Wait at most SECONDS for another process to release the lock [default: 10]
    #[arg(long, value_name = "SECONDS", global = true, value_parser = seconds)]
    pub(crate) wait: Option<Duration>,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| "give a number of seconds from 0, such as 10 or 0.5".to_owned())
}

/// The commands, in the order in which a session needs them.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(InitArgs),
    New(NewArgs),
    Status(StatusArgs),
    Next(NextArgs),
    Phase(Box<PhaseArgs>),
    Resume(ResumeArgs),
    Abort(AbortArgs),
    Archive(ArchiveArgs),
    Log(LogArgs),
    Undo(UndoArgs),
    Doctor(DoctorArgs),
    Settings(SettingsArgs),
    Plan(PlanArgs),
    State(StateArgs),
    Mcp(McpArgs),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit_code::ExitCode;

    #[test]
    fn the_grammar_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn the_help_lists_every_exit_code() {
        let help = command().render_help().to_string();
        for (code, meaning) in ExitCode::ALL {
            let line = format!("  {:<3} {meaning}", code.get());
            assert!(help.contains(&line), "no line `{line}`");
        }
    }

    #[test]
    fn every_command_has_examples_and_a_line_without_full_stop() {
        fn check(command: &clap::Command) {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(!about.is_empty() && !about.ends_with('.'), "{}: {about}", command.get_name());
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(after.contains("Examples:\n"), "{} has no examples", command.get_name());
            for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
                check(sub);
            }
        }
        check(&command());
    }

    #[test]
    fn waiting_times_are_seconds() {
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        assert_eq!(seconds("0"), Ok(Duration::ZERO));
        for bad in ["", "-1", "NaN", "inf", "1e300", "10s"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
