//! What can be done next, as a command to type.

use maestro_session::{Action, PhaseView, SessionView};
use maestro_session_model::{PhaseId, PhaseStatus, SessionStatus};

use crate::commands::words::{name_and_agents, status};
use crate::text::{Text, bold, plain};

/// A command that the state of the session allows, and what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) command: String,
    pub(super) about: String,
}

impl Step {
    /// Appends the line that says what to do next.
    pub(super) fn write_to(&self, text: &mut Text) {
        text.line([plain("Next: "), bold(&self.command), plain("  "), plain(&self.about)]);
    }
}

/// Returns the most useful thing that can be done next while agents are at work; nothing if the session only waits. What
/// to do after an interruption is another question: `maestro resume` answers it.
pub(super) fn next_step(session: &SessionView) -> Option<Step> {
    let archive = |about: String| Step {
        command: Action::Archive { force: false }.command_line().shell,
        about,
    };
    if session.status != SessionStatus::InProgress {
        return Some(archive(format!("the session is {}", status(session.status.as_str()))));
    }
    if session.ready_to_archive {
        return Some(archive("all phases are done".to_owned()));
    }
    let ready = session.ready_phases().map(|phase| step(start, phase));
    let running = session.phases_in(PhaseStatus::InProgress).map(|phase| step(complete, phase));
    let failed = session.phases_in(PhaseStatus::Failed).map(|phase| step(retry, phase));
    let open = session.phases_to_reconcile().map(|phase| step(reconcile, phase));
    ready.chain(running).chain(failed).chain(open).next()
}

fn step(action: fn(PhaseId) -> Action, phase: &PhaseView) -> Step {
    Step { command: command(action, phase), about: name_and_agents(phase) }
}

/// Returns the command that does this to a phase, as it is typed.
pub(super) fn command(action: fn(PhaseId) -> Action, phase: &PhaseView) -> String {
    action(phase.id.clone()).command_line().shell
}

pub(super) fn start(phase: PhaseId) -> Action {
    Action::Start { phase }
}

pub(super) fn complete(phase: PhaseId) -> Action {
    Action::Complete { phase }
}

pub(super) fn retry(phase: PhaseId) -> Action {
    Action::Retry { phase, by_user: false }
}

pub(super) fn reconcile(phase: PhaseId) -> Action {
    Action::Reconcile { phase }
}
