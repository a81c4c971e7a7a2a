//! Where a session stands: what waits for what, what can begin, which phase is the current one.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::decide::SlotLimit;
use crate::plan;
use crate::rules::{PlanRules, Strictness};
use crate::session::{ExecutionMode, Phase, Session};
use crate::{PhaseId, PhaseStatus, SessionStatus};

/// How many phases are in each status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Not started.
    pub pending: usize,
    /// Being carried out.
    pub in_progress: usize,
    /// Ended well.
    pub completed: usize,
    /// Ended badly.
    pub failed: usize,
    /// Left out.
    pub skipped: usize,
}

impl Progress {
    /// Counts the phases of a session.
    pub fn of(session: &Session) -> Self {
        Self {
            pending: session.count(PhaseStatus::Pending),
            in_progress: session.count(PhaseStatus::InProgress),
            completed: session.count(PhaseStatus::Completed),
            failed: session.count(PhaseStatus::Failed),
            skipped: session.count(PhaseStatus::Skipped),
        }
    }

    /// Returns how many phases are completed or skipped.
    pub fn done(&self) -> usize {
        self.completed + self.skipped
    }
}

/// Returns the phases that can begin or be retried now, in the order of the plan: pending, with every blocker completed
/// or skipped.
pub fn ready_phases(session: &Session) -> Vec<&Phase> {
    let statuses = statuses(session);
    let pending = session.phases.iter().filter(|phase| phase.status == PhaseStatus::Pending);
    pending.filter(|phase| phase.blocked_by.iter().all(|id| unblocks(&statuses, id))).collect()
}

/// Returns how many phases may be in progress and what says so; nothing if any number may.
pub fn slots(session: &Session, max_concurrent: u32) -> Option<(u32, SlotLimit)> {
    if session.execution_mode == Some(ExecutionMode::Sequential) {
        return Some((1, SlotLimit::Sequential));
    }
    (max_concurrent > 0).then_some((max_concurrent, SlotLimit::MaxConcurrent))
}

/// Returns the blockers of `phase` that are not done, with their status; one that does not exist has none.
pub fn waits_for(session: &Session, phase: &Phase) -> Vec<(PhaseId, Option<PhaseStatus>)> {
    if phase.blocked_by.is_empty() { Vec::new() } else { open_blockers(&statuses(session), phase) }
}

/// Returns what [`waits_for`] returns, for every phase at once.
pub fn all_wait_for(session: &Session) -> Vec<Vec<(PhaseId, Option<PhaseStatus>)>> {
    let statuses = statuses(session);
    session.phases.iter().map(|phase| open_blockers(&statuses, phase)).collect()
}

pub(crate) fn open_blockers(
    statuses: &BTreeMap<&PhaseId, PhaseStatus>,
    phase: &Phase,
) -> Vec<(PhaseId, Option<PhaseStatus>)> {
    let open = phase.blocked_by.iter().filter(|id| !unblocks(statuses, id));
    open.map(|id| (id.clone(), statuses.get(id).copied())).collect()
}

pub(crate) fn statuses(session: &Session) -> BTreeMap<&PhaseId, PhaseStatus> {
    // Of two phases with one id (a slip of the hand) the first counts, as everywhere.
    session.phases.iter().rev().map(|phase| (&phase.id, phase.status)).collect()
}

fn unblocks(statuses: &BTreeMap<&PhaseId, PhaseStatus>, id: &PhaseId) -> bool {
    statuses.get(id).is_some_and(|status| status.unblocks())
}

/// Returns the rules that the session breaks, each in one sentence. Only a hand edit, or another program, gets it there.
pub fn broken_rules(session: &Session) -> Vec<String> {
    let rules =
        PlanRules { disabled_agents: Vec::new(), roster: None, strictness: Strictness::Normal };
    let errors = plan::errors(&plan::session_outlines(session), &rules);
    let mut broken: Vec<String> = errors.into_iter().map(|violation| violation.message).collect();
    for (phase, waits_for) in session.phases.iter().zip(all_wait_for(session)) {
        let has_begun = matches!(phase.status, PhaseStatus::InProgress | PhaseStatus::Completed);
        if let Some((blocker, _)) = waits_for.first().filter(|_| has_begun) {
            broken.push(format!(
                "phase {} is {}, and phase {blocker}, which comes first, is not done",
                phase.id, phase.status
            ));
        }
    }
    let open = session.phases.iter().find(|phase| !phase.status.unblocks());
    if let Some(phase) = open.filter(|_| session.status == SessionStatus::Completed) {
        broken
            .push(format!("the session is completed, and phase {} is {}", phase.id, phase.status));
    }
    if let Some(current) = &session.current_phase
        && session.phase(current).is_none()
    {
        broken.push(format!("`current_phase` is {current}, and there is no such phase"));
    }
    let phases = session.phases.len();
    if session.total_phases != phases as u64 {
        broken.push(format!("`total_phases` is {}, and there are {phases}", session.total_phases));
    }
    broken
}

/// Returns the current phase after something happened to `changed`: the one that is being carried out, else the failed
/// one that waits for a decision, else the next that can begin.
pub fn current_phase(session: &Session, changed: &PhaseId) -> Option<PhaseId> {
    let status_of = |id: &PhaseId| session.phase(id).map(|phase| phase.status);
    // As it is written there, in whatever form it was named.
    let written = || session.phase(changed).map(|phase| phase.id.clone());
    let first = |status| session.phases.iter().find(|phase| phase.status == status);
    let present = session.current_phase.as_ref();
    match status_of(changed) {
        // Who begins, or fails, gets the attention.
        Some(PhaseStatus::InProgress | PhaseStatus::Failed) => written(),
        _ if present.and_then(status_of) == Some(PhaseStatus::InProgress) => present.cloned(),
        _ => {
            let next = first(PhaseStatus::InProgress).or_else(|| first(PhaseStatus::Failed));
            let next = next.or_else(|| ready_phases(session).first().copied());
            next.map(|phase| phase.id.clone()).or_else(|| present.cloned())
        }
    }
}
