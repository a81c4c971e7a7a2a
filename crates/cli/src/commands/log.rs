//! `maestro log`

use clap::{Args, ValueEnum};
use maestro_session::{EntryState, Log, LogEntry, LogFilter};
use maestro_session_model::PhaseId;
use maestro_state_store::journal::ActorKind;
use serde::Serialize;

use crate::commands::words::shortened;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::invocation::Place;
use crate::table::Table;
use crate::terminal::Terminal;
use crate::text::{Text, bold, dim, plain, red, yellow};

/// Show what happened to the active session, the oldest first
///
/// Reads the journal, which also has the text of the session file after each operation:
/// `--document` prints it.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  maestro log
  maestro log --phase 3 -n 5
  maestro log --actor external
  maestro log --document --op 4 > before.md"
)]
pub(crate) struct LogArgs {
    /// Only operations on this phase
    #[arg(long, value_name = "ID")]
    phase: Option<PhaseId>,
    /// Only operations by KIND: cli, mcp, hook, external
    #[arg(long, value_name = "KIND", hide_possible_values = true)]
    actor: Option<Kind>,
    /// Only the newest N operations
    #[arg(short = 'n', value_name = "N")]
    limit: Option<usize>,
    /// Print the session file instead, as the journal has it
    #[arg(long, conflicts_with_all = ["phase", "actor", "limit"])]
    document: bool,
    /// The operation after which to print the session file [default: the newest]
    ///
    /// Its number in the log, or the beginning of its id.
    #[arg(long, value_name = "OP", requires = "document")]
    op: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Cli,
    Mcp,
    Hook,
    External,
}

impl From<Kind> for ActorKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Cli => Self::Cli,
            Kind::Mcp => Self::Mcp,
            Kind::Hook => Self::Hook,
            Kind::External => Self::External,
        }
    }
}

pub(crate) fn run(
    args: &LogArgs,
    place: Place,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    let workspace = place.workspace()?;
    if args.document {
        let document = workspace.recorded_document(args.op.as_deref())?;
        if terminal.is_json() {
            terminal.show(&DocumentFields { document }, |_| Text::default())?;
        } else {
            terminal.print_bytes(document.as_bytes())?;
        }
        return Ok(ExitCode::DONE);
    }
    let log = workspace.log(&LogFilter {
        phase: args.phase.clone(),
        actor: args.actor.map(Into::into),
        limit: args.limit,
    })?;
    terminal.show(&log, text)?;
    Ok(ExitCode::DONE)
}

/// The session file as the journal has it.
#[derive(Serialize)]
struct DocumentFields {
    document: String,
}

fn text(log: &Log) -> Text {
    let mut text = Text::default();
    let mut table = Table::default();
    for entry in &log.entries {
        let state = match entry.state {
            EntryState::Done => plain(""),
            EntryState::Pending => yellow("pending"),
            EntryState::Abandoned => red("abandoned"),
            EntryState::Undone => yellow("undone"),
            EntryState::Overtaken => yellow("overtaken"),
        };
        table.row([
            dim(entry.seq),
            dim(entry.time),
            dim(actor(entry)),
            bold(command(entry)),
            state,
            plain(shortened(&entry.summary, SUMMARY_CHARS)),
        ]);
    }
    table.write_to(&mut text, "");
    text
}

pub(super) fn actor(entry: &LogEntry) -> String {
    let kind = match entry.actor {
        ActorKind::Cli => "cli",
        ActorKind::Mcp => "mcp",
        ActorKind::Hook => "hook",
        ActorKind::External => "external",
    };
    match &entry.name {
        Some(name) => format!("{kind} ({name})"),
        None => kind.to_owned(),
    }
}

pub(super) fn command(entry: &LogEntry) -> String {
    match &entry.phase {
        // Its summary says what was undone, the phase included.
        Some(_) if entry.command == "undo" => entry.command.clone(),
        Some(phase) => format!("{} {phase}", entry.command),
        None => entry.command.clone(),
    }
}

/// How much of a summary is shown; `--json` has all of it.
const SUMMARY_CHARS: usize = 80;
