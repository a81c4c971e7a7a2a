//! `maestro status`

use clap::Args;
use maestro_session::{ErrorClass, PhaseView, SessionError, SessionView, Status, Workspace};
use maestro_session_model::PhaseStatus;

use crate::commands::step::next_step;
use crate::commands::words::{count, list, mark, mode, status, tokens};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::invocation::Place;
use crate::table::Table;
use crate::terminal::Terminal;
use crate::text::{Span, Text, bold, dim, plain, red, yellow};

/// Show where the active session stands
///
/// Takes no lock. Exits with 3 when there is no session.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  maestro status
  maestro status --json
  maestro -C ../other-project status"
)]
pub(crate) struct StatusArgs {}

pub(crate) fn run(place: Place, terminal: &mut Terminal) -> Result<ExitCode, Failure> {
    let workspace = place.workspace()?;
    let status = match workspace.status() {
        Err(error) => return Err(as_recorded(&workspace, error, terminal)?),
        Ok(status) => status,
    };
    terminal.show(&status, |status| match status {
        Status::Active(session) => text(session),
        Status::None(_) => no_session(),
    })?;
    Ok(match status {
        Status::Active(_) => ExitCode::DONE,
        Status::None(_) => ExitCode::NO_SESSION,
    })
}

/// Shows the session as it was recorded last, if its file cannot be read, and returns what to fail with.
pub(super) fn as_recorded(
    workspace: &Workspace,
    error: SessionError,
    terminal: &mut Terminal,
) -> Result<Failure, Failure> {
    if error.class() != ErrorClass::Corrupt {
        return Ok(error.into());
    }
    // Better the last that is known than nothing; a journal that cannot be read either adds nothing.
    let recorded = workspace.last_recorded().ok().flatten();
    let Some(recorded) = recorded else { return Ok(error.into()) };
    if !terminal.is_json() {
        let mut shown = Text::default();
        shown.line([yellow(format!(
            "As it was recorded last, by operation {} of {}:",
            recorded.seq, recorded.time
        ))]);
        shown.gap();
        terminal.print(&shown)?;
        terminal.print(&text(&recorded.session))?;
    }
    Ok(Failure::Unreadable { error: Box::new(error), recorded: Box::new(recorded) })
}

/// Returns what is shown where a session would be.
pub(super) fn no_session() -> Text {
    let mut text = Text::default();
    text.line([plain("No active session")]);
    text
}

fn text(session: &SessionView) -> Text {
    let mut text = Text::default();
    add_session(&mut text, session);
    if let Some(step) = next_step(session) {
        text.gap();
        step.write_to(&mut text);
    }
    text
}

/// Shows a session, active or not.
pub(super) fn add_session(text: &mut Text, session: &SessionView) {
    head(session).write_to(text, "");
    text.gap();
    let mut table = Table::default();
    for phase in &session.phases {
        table.row([
            mark(phase.status),
            plain(&phase.id),
            plain(&phase.name),
            dim(phase.agents.join(", ")),
            notes(phase),
        ]);
    }
    table.write_to(text, "");
    if !session.violations.is_empty() {
        text.gap();
        for violation in &session.violations {
            text.line([yellow("broken rule: "), plain(violation)]);
        }
    }
}

fn head(session: &SessionView) -> Table {
    let mut head = Table::default();
    let mut row = |name: &str, value: Span| head.row([dim(name), value]);
    row("Session", bold(&session.session_id));
    row("Task", plain(&session.task));
    let done = format!(
        "{}, {} of {} done",
        status(session.status.as_str()),
        session.progress.done(),
        count(session.phases.len(), "phase", "phases")
    );
    row("Status", plain(done));
    row("Mode", plain(mode(session.workflow_mode, session.execution_mode)));
    if let Some(design) = &session.design_document {
        row("Design", plain(design));
    }
    if let Some(plan) = &session.implementation_plan {
        row("Plan", plain(plan));
    }
    row("Updated", plain(session.updated));
    if let Some(tokens) = tokens(&session.token_usage) {
        row("Tokens", plain(tokens));
    }
    head
}

/// What is to be known of a phase beyond its status.
fn notes(phase: &PhaseView) -> Span {
    let mut notes = Vec::new();
    if phase.status == PhaseStatus::Pending && !phase.waits_for.is_empty() {
        notes.push(format!("waits for {}", list(&phase.waits_for)));
    }
    if phase.requires_reconciliation {
        notes.push("has to be reconciled".to_owned());
    }
    if 0 < phase.open_errors {
        notes.push(count(phase.open_errors, "open error", "open errors"));
    }
    match phase.retry_count {
        0 => {}
        1 => notes.push("retried once".to_owned()),
        n => notes.push(format!("retried {n} times")),
    }
    if 0 < phase.files {
        notes.push(count(phase.files, "file", "files"));
    }
    let notes = notes.join(", ");
    if 0 < phase.open_errors || phase.requires_reconciliation { red(notes) } else { plain(notes) }
}
