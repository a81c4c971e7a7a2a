//! What an archiving did.

use maestro_session::{ArchiveReceipt, KeepReason, KeptDocument};

use crate::commands::words::status;
use crate::text::{Text, bold, plain, red, yellow};

pub(super) fn text(receipt: &ArchiveReceipt) -> Text {
    let mut text = Text::default();
    let ended = format!(" archived as {}", status(receipt.status.as_str()));
    text.line([plain("Session "), bold(&receipt.session_id), plain(ended)]);
    for file in &receipt.archived_files {
        text.line([plain("  "), plain(file)]);
    }
    for (from, to) in &receipt.renamed {
        text.line([yellow("renamed: "), plain(format!("{from} is now {to}"))]);
    }
    add_kept(&mut text, &receipt.kept);
    for stranger in &receipt.strangers {
        text.line([yellow("left in plans: "), plain(stranger), plain(" (not of this session)")]);
    }
    for note in &receipt.notes {
        text.line([yellow("note: "), plain(note)]);
    }
    if let Some(pending) = &receipt.pending {
        text.line([yellow("not finished: "), plain(pending)]);
        text.line([plain(
            "  it is recorded, and the next command that changes something finishes it",
        )]);
    }
    for check in receipt.checks.iter().filter(|check| !check.passed) {
        let found = check.found.as_deref().unwrap_or_default();
        text.line([red("check failed: "), plain(format!("{}: {found}", check.name))]);
    }
    text
}

/// Says which documents stay where they are.
pub(super) fn add_kept(text: &mut Text, kept: &[KeptDocument]) {
    for kept in kept {
        text.line([yellow("kept: "), plain(format!("{} ({})", kept.path, reason(kept.reason)))]);
    }
}

fn reason(reason: KeepReason) -> &'static str {
    match reason {
        KeepReason::OutsidePlans => "it does not lie in plans",
        KeepReason::InArchive => "it lies in the archive already",
        KeepReason::Missing => "there is no such file",
        KeepReason::NotAFile => "it is no regular file",
        KeepReason::InUse => "another session needs it too; the archive has a copy",
    }
}
