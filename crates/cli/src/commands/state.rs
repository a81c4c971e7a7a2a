//! `maestro state`

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::commands::status::no_session;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::invocation::Place;
use crate::terminal::Terminal;
use crate::text::{Text, bold, plain};

/// Read and write files of the state dir, in place of the legacy scripts
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  maestro state active
  maestro state read state/active-session.md
  maestro state write state/active-session.md < edited.md")]
pub(crate) struct StateArgs {
    #[command(subcommand)]
    command: StateCommand,
}

#[derive(Debug, Subcommand)]
enum StateCommand {
    /// Print a file of the state dir exactly as it is
    #[command(after_help = "\
Examples:
  maestro state read state/active-session.md")]
    Read {
        /// The file: `state/…` or `plans/…`, or its path from the workspace
        path: String,
    },
    /// Replace a file of the state dir by what comes from stdin, in one step
    ///
    /// The active session is checked first, and the change is journalled as an edit from
    /// outside. Lock, journal, ledger, archive and quarantine are refused.
    #[command(
        verbatim_doc_comment,
        after_help = "\
Examples:
  maestro state write state/active-session.md < edited.md"
    )]
    Write {
        /// The file: `state/…` or `plans/…`, or its path from the workspace
        path: String,
    },
    /// Print the active session's file, or `No active session`
    #[command(after_help = "\
Examples:
  maestro state active")]
    Active,
}

pub(crate) fn run(
    args: &StateArgs,
    place: Place,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    let workspace = place.workspace()?;
    match &args.command {
        StateCommand::Read { path } => {
            let bytes = workspace.read_state(path)?;
            if !terminal.is_json() {
                terminal.print_bytes(&bytes)?;
                return Ok(ExitCode::DONE);
            }
            let content =
                String::from_utf8(bytes).map_err(|_| Failure::NotText { path: path.clone() })?;
            terminal.show(&ReadFields { path, content }, |_| Text::default())?;
        }
        StateCommand::Write { path } => {
            let content = terminal.read_stdin()?;
            let written = workspace.write_state(path, &content)?;
            terminal.show(&written, |written| {
                let mut text = Text::default();
                let bytes = format!(" ({} bytes)", written.bytes);
                text.line([plain("Wrote "), bold(&written.path), plain(bytes)]);
                text
            })?;
            terminal.warn(&written.notes);
        }
        StateCommand::Active => {
            let content = workspace.active()?;
            if let (Some(content), false) = (&content, terminal.is_json()) {
                terminal.print_bytes(content.as_bytes())?;
                return Ok(ExitCode::DONE);
            }
            let fields = ActiveFields { exists: content.is_some(), content };
            terminal.show(&fields, |_| no_session())?;
        }
    }
    Ok(ExitCode::DONE)
}

/// A file of the state dir.
#[derive(Serialize)]
struct ReadFields<'a> {
    path: &'a str,
    content: String,
}

/// The active session's file.
#[derive(Serialize)]
struct ActiveFields {
    exists: bool,
    content: Option<String>,
}
