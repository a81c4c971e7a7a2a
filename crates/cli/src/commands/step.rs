//! What can be done next, as commands to type.

use maestro_session::{PhaseView, SessionView};
use maestro_session_model::{PhaseStatus, SessionStatus};

use crate::commands::words::{name_and_agents, status};

/// A command that the state of the session allows, and what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) command: String,
    pub(super) about: String,
}

/// Returns what can be done next, the most useful first.
pub(super) fn steps(session: &SessionView) -> Vec<Step> {
    if session.status != SessionStatus::InProgress {
        let about = format!("the session is {}", status(session.status.as_str()));
        return vec![Step { command: "maestro archive".to_owned(), about }];
    }
    if session.ready_to_archive {
        let about = "all phases are done".to_owned();
        return vec![Step { command: "maestro archive".to_owned(), about }];
    }
    let mut steps: Vec<Step> =
        session.ready_phases().map(|phase| step("start", phase, "")).collect();
    let with = |wanted: PhaseStatus| session.phases.iter().filter(move |p| p.status == wanted);
    let report = " --report FILE";
    steps.extend(with(PhaseStatus::InProgress).map(|phase| step("complete", phase, report)));
    steps.extend(with(PhaseStatus::Failed).map(|phase| step("retry", phase, "")));
    let open = session.phases.iter().filter(|phase| phase.requires_reconciliation);
    steps.extend(open.map(|phase| step("reconcile", phase, report)));
    steps
}

fn step(verb: &str, phase: &PhaseView, rest: &str) -> Step {
    Step {
        command: format!("maestro phase {verb} {}{rest}", phase.id),
        about: name_and_agents(phase),
    }
}
