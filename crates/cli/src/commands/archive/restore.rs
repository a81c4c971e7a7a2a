//! `maestro archive restore`

use clap::Args;
use maestro_session::RestoreReceipt;

use crate::commands::receipt::add_kept;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::invocation::Place;
use crate::terminal::Terminal;
use crate::text::{Text, bold, plain, yellow};

/// Bring an archived session back, with its documents and its journal
///
/// It is in progress then. Refused while there is an active session. A file that was edited
/// in the archive comes back as it is now; nothing is overwritten. Archiving it again undoes
/// this.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  maestro archive restore 2026-01-15-rate-limiting
  maestro archive restore 2026-01-15"
)]
pub(crate) struct RestoreArgs {
    /// The id as it is archived, or its beginning if that is enough
    id: String,
}

pub(super) fn run(
    args: &RestoreArgs,
    place: Place,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    let workspace = place.workspace()?;
    let receipt = workspace.restore(&args.id)?;
    terminal.show(&receipt, text)?;
    Ok(ExitCode::DONE)
}

fn text(receipt: &RestoreReceipt) -> Text {
    let mut text = Text::default();
    text.line([plain("Session "), bold(&receipt.session_id), plain(" is active again")]);
    text.line([plain("  "), plain(&receipt.path)]);
    for (_, to) in &receipt.documents {
        text.line([plain("  "), plain(to)]);
    }
    for (from, to) in &receipt.renamed {
        text.line([yellow("renamed: "), plain(format!("{from} is now {to}"))]);
    }
    add_kept(&mut text, &receipt.kept);
    if receipt.was_edited {
        text.line([
            yellow("note: "),
            plain("it was edited while it was archived, and is as it was then"),
        ]);
    }
    for note in &receipt.notes {
        text.line([yellow("note: "), plain(note)]);
    }
    if let Some(pending) = &receipt.pending {
        text.line([yellow("not finished: "), plain(pending)]);
        text.line([plain(
            "  the session is back; the next command that changes something does the rest",
        )]);
    }
    text.line([plain("Next: "), bold("maestro status")]);
    text
}
