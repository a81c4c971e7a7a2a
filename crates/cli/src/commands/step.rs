//! What can be done next, as a command to type.

use maestro_session::{PhaseView, SessionView};
use maestro_session_model::{PhaseStatus, SessionStatus};

use crate::commands::words::{name_and_agents, status};

/// A command that the state of the session allows, and what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) command: String,
    pub(super) about: String,
}

/// Returns the most useful thing that can be done next; nothing if the session only waits.
pub(super) fn next_step(session: &SessionView) -> Option<Step> {
    let archive = |about: String| Step { command: "maestro archive".to_owned(), about };
    if session.status != SessionStatus::InProgress {
        return Some(archive(format!("the session is {}", status(session.status.as_str()))));
    }
    if session.ready_to_archive {
        return Some(archive("all phases are done".to_owned()));
    }
    let report = " --report FILE";
    let ready = session.ready_phases().map(|phase| step("start", phase, ""));
    let running = session.phases_in(PhaseStatus::InProgress);
    let running = running.map(|phase| step("complete", phase, report));
    let failed = session.phases_in(PhaseStatus::Failed).map(|phase| step("retry", phase, ""));
    let open = session.phases_to_reconcile().map(|phase| step("reconcile", phase, report));
    ready.chain(running).chain(failed).chain(open).next()
}

fn step(verb: &str, phase: &PhaseView, rest: &str) -> Step {
    Step {
        command: format!("maestro phase {verb} {}{rest}", phase.id),
        about: name_and_agents(phase),
    }
}
