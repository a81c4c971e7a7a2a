//! What a command on a phase did, and what follows when it was the last one.

use maestro_session::{ArchiveOptions, ArchiveReceipt, Changed, PhaseView, Workspace};
use maestro_session_model::{CommandLine, PhaseEvent, PhaseStatus};
use serde::Serialize;

use crate::commands::receipt;
use crate::commands::words::{count, name_and_agents, phases};
use crate::exit_code::ExitCode;
use crate::failure::{ErrorReport, Failure};
use crate::terminal::Terminal;
use crate::text::{Text, bold, plain};

/// What the user is asked when a session is done and is not archived by itself.
const QUESTION: &str =
    "Session complete. Auto-archive is disabled. Would you like to archive this session?";

/// Shows what a command did to a phase; `did` is the past of its verb.
pub(super) fn show(
    changed: &Changed,
    did: &str,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    terminal.show(changed, |changed| text(changed, did))?;
    terminal.warn(&changed.warnings);
    Ok(ExitCode::DONE)
}

/// Like [`show`], for commands that can be the last of a session: then archives it, if the setting or the user says so.
///
/// That the session cannot be archived takes nothing back: what the command did is shown before the error.
pub(super) fn show_and_archive(
    workspace: &Workspace,
    changed: &Changed,
    did: &str,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    if terminal.is_json() {
        let (fields, code) = fields(workspace, changed, terminal);
        terminal.show(&fields, |_| Text::default())?;
        return Ok(code);
    }
    show(changed, did, terminal)?;
    if let Some(receipt) = archive_if_done(workspace, changed, terminal)? {
        terminal.print(&receipt::text(&receipt))?;
    }
    Ok(ExitCode::DONE)
}

/// Archives the session if the command was the last one and it is to be archived. Returns what came of it as data, and the
/// code that the process ends with.
pub(super) fn fields<'c>(
    workspace: &Workspace,
    changed: &'c Changed,
    terminal: &mut Terminal,
) -> (Fields<'c>, ExitCode) {
    let (archived, failure) = match archive_if_done(workspace, changed, terminal) {
        Ok(archived) => (archived, None),
        Err(failure) => (None, Some(failure)),
    };
    let archive_error = failure.as_ref().map(Failure::report);
    let code = failure.map_or(ExitCode::DONE, |failure| failure.exit_code());
    (Fields { changed, archived, archive_error }, code)
}

/// What a command did that may have been the last of a session.
#[derive(Serialize)]
pub(super) struct Fields<'a> {
    #[serde(flatten)]
    changed: &'a Changed,
    archived: Option<ArchiveReceipt>,
    archive_error: Option<ErrorReport>,
}

fn archive_if_done(
    workspace: &Workspace,
    changed: &Changed,
    terminal: &mut Terminal,
) -> Result<Option<ArchiveReceipt>, Failure> {
    if !changed.ready_to_archive {
        return Ok(None);
    }
    if !workspace.settings().auto_archive.value {
        match terminal.ask(QUESTION)? {
            Some(true) => {}
            Some(false) => return Ok(None),
            None => {
                let mut note = Text::default();
                note.line([plain(QUESTION)]);
                note.line([plain("To do so: "), bold("maestro archive")]);
                terminal.note(&note);
                return Ok(None);
            }
        }
    }
    Ok(Some(workspace.archive(ArchiveOptions::default())?))
}

fn text(changed: &Changed, did: &str) -> Text {
    let mut text = Text::default();
    if let Some(phase) = &changed.phase {
        let named = format!(" {did}: {}", name_and_agents(phase));
        text.line([plain("Phase "), bold(&phase.id), plain(named)]);
    }
    if changed.ready_to_archive {
        text.line([plain("All phases are done")]);
    } else if changed.ready.is_empty() {
        text.line([plain(done(changed))]);
    } else {
        let ready = format!("{}; ready to start: {}", done(changed), phases(&changed.ready));
        text.line([plain(ready)]);
    }
    if let Some(PhaseView { id, status: PhaseStatus::Failed, .. }) = &changed.phase {
        let command = |event: PhaseEvent| bold(CommandLine::of_phase(event.as_str(), id, &[]));
        let (retry, skip) = (command(PhaseEvent::Retry), command(PhaseEvent::Skip));
        text.line([plain("Next: "), retry, plain(" or "), skip]);
    }
    text
}

fn done(changed: &Changed) -> String {
    let progress = &changed.progress;
    let open = progress.pending + progress.in_progress + progress.failed;
    format!("{} of {} done", progress.done(), count(progress.done() + open, "phase", "phases"))
}
