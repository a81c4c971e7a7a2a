//! What resuming a session would do.
//!
//! Owns the order of the protocol: what has ended is archived; what failed waits for the user; what was interrupted is given
//! out again; what is ready begins; what is done is archived, after a review in an express session. Every session has
//! exactly one next step.

use std::collections::BTreeSet;

use maestro_session_model::{
    CommandLine, ExecutionMode, PhaseId, PhaseStatus, Session, SessionStatus, WorkflowMode, slots,
};
use serde::Serialize;

use crate::action::Action;
use crate::choice::Refusal;
use crate::report::{PhaseFacts, ResumeSettings};

/// What resuming a session would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NextStep {
    /// Which step of the protocol it is.
    #[serde(flatten)]
    pub step: Step,
    /// What it means.
    pub means: String,
    /// Whether `maestro resume --apply` takes it, perhaps after the user agreed.
    pub applies: bool,
    /// The commands that take it, in their order; none where the user has to choose first.
    pub commands: Vec<CommandLine>,
}

/// A step of the resume protocol.
///
/// May be matched whole, and has to be by whoever takes the step: a new one is a breaking change, and has to be told apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// The user chooses what becomes of the phases that failed.
    Choose {
        /// The phases that failed.
        phases: Vec<PhaseId>,
    },
    /// The agents of these phases were interrupted: their work is given out again, with the same scope.
    Redelegate {
        /// The phases, each of which may be given out again.
        phases: Vec<PhaseId>,
    },
    /// Nothing has begun in an express session: the brief is shown to the user, and these phases begin once it is approved.
    Approve {
        /// The phases.
        phases: Vec<PhaseId>,
    },
    /// These phases begin.
    Start {
        /// The phases, in the order in which they can be started.
        phases: Vec<PhaseId>,
    },
    /// All phases are done; the records of these are put right before the session is archived.
    Reconcile {
        /// The phases.
        phases: Vec<PhaseId>,
    },
    /// All phases of an express session are done: the code is reviewed, and then the session is archived.
    Review {
        /// The completed phases.
        phases: Vec<PhaseId>,
    },
    /// The session goes to the archive.
    Archive {
        /// What has become of it.
        because: ArchiveReason,
        /// Whether the user is asked first, as `MAESTRO_AUTO_ARCHIVE=false` demands.
        asks: bool,
    },
    /// Nothing can be done before somebody changes the plan, the settings or the document.
    Stuck {
        /// What is in the way, one for each phase that should go on.
        obstacles: Vec<Refusal>,
    },
}

/// Why a session goes to the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ArchiveReason {
    /// All phases are completed or skipped.
    Done,
    /// It has no phases.
    Empty,
    /// It was aborted, or has failed.
    Ended,
    /// It says that it is completed.
    SaysCompleted,
}

impl ArchiveReason {
    /// Returns the reason as a part of a sentence.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "all phases are done",
            Self::Empty => "the session has no phases",
            Self::Ended => "the session has ended",
            Self::SaysCompleted => "the session says that it is completed",
        }
    }
}

impl Step {
    /// Returns the actions that take the step; where `applies`, they are commands on phases.
    pub fn actions(&self) -> Vec<Action> {
        let each = |phases: &[PhaseId], action: fn(PhaseId) -> Action| -> Vec<Action> {
            phases.iter().cloned().map(action).collect()
        };
        match self {
            Self::Redelegate { phases } => each(phases, |phase| Action::Redelegate { phase }),
            Self::Approve { phases } | Self::Start { phases } => {
                each(phases, |phase| Action::Start { phase })
            }
            Self::Reconcile { phases } => each(phases, |phase| Action::Reconcile { phase }),
            Self::Review { .. }
            | Self::Archive { .. }
            | Self::Choose { .. }
            | Self::Stuck { .. } => Vec::new(),
        }
    }

    /// Whether `maestro resume --apply` takes it.
    fn applies(&self) -> bool {
        match self {
            Self::Redelegate { .. } | Self::Approve { .. } | Self::Start { .. } => true,
            Self::Choose { .. }
            | Self::Reconcile { .. }
            | Self::Review { .. }
            | Self::Archive { .. }
            | Self::Stuck { .. } => false,
        }
    }
}

/// Returns the next step of a session.
pub(crate) fn next_step(
    session: &Session,
    settings: &ResumeSettings,
    active: &[PhaseFacts],
    ready: &[PhaseFacts],
    to_reconcile: &[PhaseFacts],
) -> NextStep {
    let step = step(session, settings, active, ready, to_reconcile);
    let mut actions = step.actions();
    if matches!(step, Step::Archive { .. } | Step::Review { .. }) {
        let is_open = session
            .phases
            .iter()
            .any(|phase| !phase.status.unblocks() || phase.needs_reconciliation());
        actions
            .push(Action::Archive { force: is_open && session.status == SessionStatus::Completed });
    }
    NextStep {
        means: means(&step),
        applies: step.applies(),
        commands: actions.iter().map(Action::command_line).collect(),
        step,
    }
}

fn step(
    session: &Session,
    settings: &ResumeSettings,
    active: &[PhaseFacts],
    ready: &[PhaseFacts],
    to_reconcile: &[PhaseFacts],
) -> Step {
    match session.status {
        SessionStatus::InProgress => {}
        SessionStatus::Aborted | SessionStatus::Failed => {
            return Step::Archive { because: ArchiveReason::Ended, asks: false };
        }
        SessionStatus::Completed => {
            return Step::Archive { because: ArchiveReason::SaysCompleted, asks: false };
        }
    }
    let ids = |status| -> Vec<PhaseId> {
        let phases = session.phases.iter().filter(|phase| phase.status == status);
        phases.map(|phase| phase.id.clone()).collect()
    };
    let failed = ids(PhaseStatus::Failed);
    if !failed.is_empty() {
        return Step::Choose { phases: failed };
    }
    if !active.is_empty() {
        return possible(active)
            .map_or_else(|| stuck(active), |phases| Step::Redelegate { phases });
    }
    if session.phases.iter().any(|phase| phase.status == PhaseStatus::Pending) {
        let Some(possible) = possible(ready) else { return stuck_pending(session, ready) };
        let has_begun = session.phases.iter().any(|phase| phase.status == PhaseStatus::Completed);
        let phases = batch(session, settings, ready, possible);
        return if session.workflow_mode == WorkflowMode::Express && !has_begun {
            Step::Approve { phases }
        } else {
            Step::Start { phases }
        };
    }
    if !to_reconcile.is_empty() {
        return possible(to_reconcile)
            .map_or_else(|| stuck(to_reconcile), |phases| Step::Reconcile { phases });
    }
    let completed = ids(PhaseStatus::Completed);
    match session.workflow_mode {
        WorkflowMode::Express if !completed.is_empty() => Step::Review { phases: completed },
        WorkflowMode::Express | WorkflowMode::Standard => Step::Archive {
            because: if session.phases.is_empty() {
                ArchiveReason::Empty
            } else {
                ArchiveReason::Done
            },
            asks: !settings.auto_archive,
        },
    }
}

/// The phases whose first choice is possible, if there are any.
fn possible(phases: &[PhaseFacts]) -> Option<Vec<PhaseId>> {
    let is_possible = |phase: &&PhaseFacts| phase.choices.first().is_some_and(|c| c.possible);
    let ids: Vec<PhaseId> = phases.iter().filter(is_possible).map(|p| p.id.clone()).collect();
    (!ids.is_empty()).then_some(ids)
}

/// The first of the phases that can begin, and those that run beside it in a parallel session, as many as there are slots.
///
/// Nothing is in progress when this is asked.
fn batch(
    session: &Session,
    settings: &ResumeSettings,
    ready: &[PhaseFacts],
    mut possible: Vec<PhaseId>,
) -> Vec<PhaseId> {
    let beside: BTreeSet<&PhaseId> =
        ready.iter().filter(|phase| phase.parallel).map(|phase| &phase.id).collect();
    let runs_beside = session.execution_mode == Some(ExecutionMode::Parallel)
        && possible.first().is_some_and(|id| beside.contains(id));
    if !runs_beside {
        possible.truncate(1);
        return possible;
    }
    possible.retain(|id| beside.contains(id));
    if let Some((limit, _)) = slots(session, settings.rules.max_concurrent) {
        possible.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    possible
}

fn stuck(phases: &[PhaseFacts]) -> Step {
    let first = phases.iter().filter_map(|phase| phase.choices.first());
    let mut obstacles: Vec<Refusal> = first.filter_map(|choice| choice.refusal.clone()).collect();
    // Two phases with one id have one obstacle.
    obstacles.dedup();
    Step::Stuck { obstacles }
}

/// Nothing is in progress, something is pending, and none of it can begin: what is ready is refused, and the rest waits for
/// it, for phases that do not exist, or for itself.
fn stuck_pending(session: &Session, ready: &[PhaseFacts]) -> Step {
    if !ready.is_empty() {
        return stuck(ready);
    }
    let message = match session.count(PhaseStatus::Pending) {
        1 => "1 phase is pending, and waits for itself or for one that does not exist".to_owned(),
        n => format!(
            "{n} phases are pending, and wait for each other or for one that does not exist"
        ),
    };
    let hint =
        "change what they wait for with `maestro phase adjust ID --blocked-by IDS`".to_owned();
    Step::Stuck { obstacles: vec![Refusal { code: "PHASE_BLOCKED", message, hint }] }
}

/// What a step means, in words that are all ours: ids are texts of the plan's author.
fn means(step: &Step) -> String {
    let count = |n: usize| if n == 1 { "1 phase".to_owned() } else { format!("{n} phases") };
    match step {
        Step::Choose { phases } if phases.len() == 1 => {
            "a phase failed: the user chooses what becomes of it".to_owned()
        }
        Step::Choose { phases } => {
            format!("{} failed: the user chooses what becomes of each", count(phases.len()))
        }
        Step::Redelegate { phases } if phases.len() == 1 => {
            "an agent was interrupted: give its work out again, with the same scope".to_owned()
        }
        Step::Redelegate { phases } => format!(
            "the agents of {} were interrupted: give their work out again, with the same scope",
            count(phases.len())
        ),
        Step::Approve { .. } => {
            "nothing has begun: show the brief to the user, and begin once it is approved"
                .to_owned()
        }
        Step::Start { phases } if phases.len() == 1 => "begin with the next phase".to_owned(),
        Step::Start { phases } => format!("begin with {} side by side", count(phases.len())),
        Step::Reconcile { phases } if phases.len() == 1 => {
            "all phases are done, but one ended without saying what it did: put its record right"
                .to_owned()
        }
        Step::Reconcile { phases } => format!(
            "all phases are done, but {} ended without saying what they did: put their records right",
            count(phases.len())
        ),
        Step::Review { .. } => {
            "all phases are done: review the code, then archive the session".to_owned()
        }
        Step::Archive { because, asks } => {
            let then = if *asks { "archive it if the user wants that" } else { "archive it" };
            format!("{}: {then}", because.as_str())
        }
        Step::Stuck { .. } => "nothing can be done as things stand".to_owned(),
    }
}
