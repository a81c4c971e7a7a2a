//! `maestro next`

use clap::Args;
use maestro_session::{PhaseView, SessionView, Status};
use maestro_session_model::{PhaseStatus, SessionId, SessionStatus};
use serde::Serialize;

use crate::commands::status::no_session;
use crate::commands::step::{command, complete, reconcile, retry, start};
use crate::commands::words::{list, status};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::invocation::Place;
use crate::table::Table;
use crate::terminal::Terminal;
use crate::text::{Span, Text, bold, dim, plain};

/// Show what can be done next
///
/// Lists the phases that can be started, those in progress, those that failed, and what
/// the others wait for. Takes no lock. Exits with 3 when there is no session.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  maestro next
  maestro next --json"
)]
pub(crate) struct NextArgs {}

pub(crate) fn run(place: Place, terminal: &mut Terminal) -> Result<ExitCode, Failure> {
    match place.workspace()?.status()? {
        Status::Active(session) => {
            terminal.show(&fields(&session), text)?;
            Ok(ExitCode::DONE)
        }
        Status::None(none) => {
            terminal.show(&none, |_| no_session())?;
            Ok(ExitCode::NO_SESSION)
        }
    }
}

/// What can be done next.
#[derive(Serialize)]
struct Fields<'s> {
    exists: bool,
    session_id: &'s SessionId,
    status: SessionStatus,
    ready: Vec<&'s PhaseView>,
    in_progress: Vec<&'s PhaseView>,
    failed: Vec<&'s PhaseView>,
    to_reconcile: Vec<&'s PhaseView>,
    waiting: Vec<&'s PhaseView>,
    ready_to_archive: bool,
}

fn fields(session: &SessionView) -> Fields<'_> {
    let pending = session.phases_in(PhaseStatus::Pending);
    Fields {
        exists: true,
        session_id: &session.session_id,
        status: session.status,
        ready: session.ready_phases().collect(),
        in_progress: session.phases_in(PhaseStatus::InProgress).collect(),
        failed: session.phases_in(PhaseStatus::Failed).collect(),
        to_reconcile: session.phases_to_reconcile().collect(),
        waiting: pending.filter(|phase| !phase.waits_for.is_empty()).collect(),
        ready_to_archive: session.ready_to_archive,
    }
}

fn text(next: &Fields<'_>) -> Text {
    let mut text = Text::default();
    if next.status != SessionStatus::InProgress {
        let ended = format!("The session is {}: ", status(next.status.as_str()));
        text.line([plain(ended), bold("maestro archive")]);
        return text;
    }
    if next.ready_to_archive {
        text.line([plain("All phases are done: "), bold("maestro archive")]);
        return text;
    }
    let bold_command = |action| move |phase: &PhaseView| bold(command(action, phase));
    section(&mut text, "Ready", &next.ready, bold_command(start));
    section(&mut text, "In progress", &next.in_progress, bold_command(complete));
    section(&mut text, "Failed", &next.failed, bold_command(retry));
    section(&mut text, "To be reconciled", &next.to_reconcile, bold_command(reconcile));
    section(&mut text, "Waiting", &next.waiting, |phase| {
        plain(format!("waits for {}", list(&phase.waits_for)))
    });
    if !next.in_progress.is_empty() {
        text.gap();
        text.line([plain("If an agent was interrupted: "), bold("maestro resume")]);
    }
    text
}

/// Appends a heading and a line for each phase, if there are any.
fn section(
    text: &mut Text,
    heading: &str,
    phases: &[&PhaseView],
    mut last: impl FnMut(&PhaseView) -> Span,
) {
    if phases.is_empty() {
        return;
    }
    text.gap();
    text.line([bold(heading)]);
    let mut table = Table::default();
    for phase in phases {
        let agents = dim(phase.agents.join(", "));
        table.row([plain(&phase.id), plain(&phase.name), agents, last(phase)]);
    }
    table.write_to(text, "  ");
}
