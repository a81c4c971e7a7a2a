//! `maestro undo`

use clap::Args;
use maestro_session::Undone;

use crate::commands::log::{actor, command};
use crate::commands::words::phases;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::invocation::Place;
use crate::terminal::Terminal;
use crate::text::{Text, bold, plain};

/// Undo the newest operation on the active session that is not undone
///
/// Takes back what the operation changed in the session file, also when it was an edit by
/// hand. Files that an agent wrote stay, and so do the tokens that were counted. An undo is
/// an operation itself: `maestro undo --op` with its number brings back what it undid.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  maestro undo
  maestro log
  maestro undo --op 12"
)]
pub(crate) struct UndoArgs {
    /// The operation to undo [default: the newest that is not undone]
    ///
    /// Its number in the log, or the beginning of its id. What came after it stays, unless it
    /// changed the same lines: then nothing is undone.
    #[arg(long, value_name = "OP", verbatim_doc_comment)]
    op: Option<String>,
}

pub(crate) fn run(
    args: &UndoArgs,
    place: Place,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    let workspace = place.workspace()?;
    let undone = workspace.undo(args.op.as_deref())?;
    terminal.show(&undone, text)?;
    terminal.warn(&undone.warnings);
    Ok(ExitCode::DONE)
}

fn text(undone: &Undone) -> Text {
    let undid = &undone.undid;
    let mut text = Text::default();
    text.line([
        plain(format!("Undid operation {}: ", undid.seq)),
        bold(command(undid)),
        plain(if undid.command == "undo" {
            format!(" of {}", undid.summary)
        } else {
            String::new()
        }),
        plain(format!(", {}, by {}", undid.time, actor(undid))),
    ]);
    if let Some(phase) = &undone.phase {
        text.line([plain("Phase "), bold(&phase.id), plain(format!(" is {}", phase.status))]);
    }
    if !undone.ready.is_empty() {
        text.line([plain(format!("Ready to start: {}", phases(&undone.ready)))]);
    }
    text.line([plain("To bring it back: "), bold(format!("maestro undo --op {}", undone.seq))]);
    text
}
