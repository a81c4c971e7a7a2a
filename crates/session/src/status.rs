//! What a session looks like from outside: the view that `status` and `next` show.
//!
//! The first fields are those of the Node server's `get_session_status`, in its order and with its names; ours follow.

use maestro_session_model::{
    ExecutionMode, Phase, PhaseId, PhaseStatus, Progress, RelPath, Session, SessionId,
    SessionStatus, TaskComplexity, Timestamp, TokenUsage, WorkflowMode, all_wait_for, broken_rules,
    ready_phases, slots, waits_for,
};
use serde::Serialize;

/// The active session, or that there is none.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Status {
    /// There is an active session.
    Active(Box<SessionView>),
    /// There is none.
    None(NoSession),
}

/// That there is no active session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NoSession {
    exists: bool,
    message: &'static str,
}

impl Default for NoSession {
    fn default() -> Self {
        Self { exists: false, message: "No active session found" }
    }
}

/// A session as `status` shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SessionView {
    exists: bool,
    /// The identity.
    pub session_id: SessionId,
    /// Where it stands.
    pub status: SessionStatus,
    /// Standard or express.
    pub workflow_mode: WorkflowMode,
    /// The phase that is being carried out or comes next.
    pub current_phase: Option<PhaseId>,
    /// How many phases there are.
    pub total_phases: u64,
    /// The phases, in the order of the plan.
    pub phases: Vec<PhaseView>,
    /// How demanding the task was judged to be.
    pub task_complexity: Option<TaskComplexity>,
    /// Whether phases may run side by side.
    pub execution_mode: Option<ExecutionMode>,
    /// The parallel batch that is being carried out.
    pub current_batch: Option<String>,
    /// Tokens used.
    pub token_usage: TokenUsage,
    /// What the user asked for.
    pub task: String,
    /// When the session was created.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// What runs the agents.
    pub execution_backend: Option<String>,
    /// The design document.
    pub design_document: Option<String>,
    /// The implementation plan.
    pub implementation_plan: Option<String>,
    /// How many phases are in each status.
    pub progress: Progress,
    /// The phases that can begin now: none while no slot is free.
    pub ready: Vec<PhaseId>,
    /// Whether all phases are done and none waits for reconciliation.
    pub ready_to_archive: bool,
    /// Rules that the document breaks, after a hand edit.
    pub violations: Vec<String>,
    /// The state dir, relative to the workspace.
    pub state_dir: RelPath,
}

/// A phase as `status` shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PhaseView {
    /// The identity.
    pub id: PhaseId,
    /// What the phase is called.
    pub name: String,
    /// Where it stands.
    pub status: PhaseStatus,
    /// Who carries it out, the first of them.
    pub agent: Option<String>,
    /// All who carry it out.
    pub agents: Vec<String>,
    /// Whether it may run beside others.
    pub parallel: bool,
    /// Its blockers.
    pub blocked_by: Vec<PhaseId>,
    /// Those of them that are not done.
    pub waits_for: Vec<PhaseId>,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended well.
    pub completed: Option<Timestamp>,
    /// How often it was retried.
    pub retry_count: u64,
    /// How many of its errors are unresolved.
    pub open_errors: usize,
    /// Whether its record has to be put right.
    pub requires_reconciliation: bool,
    /// The files that the plan gives to it.
    pub planned_files: Vec<String>,
    /// How many files its manifest names.
    pub files: usize,
}

/// The phases that can begin now: unblocked, while a slot is free.
pub(crate) fn startable(session: &Session, max_concurrent: u32) -> Vec<PhaseId> {
    let running = session.count(PhaseStatus::InProgress) as u64;
    let is_full = slots(session, max_concurrent).is_some_and(|(slots, _)| running >= slots.into());
    if is_full || session.status != SessionStatus::InProgress {
        return Vec::new();
    }
    ready_phases(session).iter().map(|phase| phase.id.clone()).collect()
}

impl SessionView {
    pub(crate) fn of(session: &Session, state_dir: &RelPath, max_concurrent: u32) -> Self {
        let phases = session.phases.iter().zip(all_wait_for(session));
        let phases = phases.map(|(phase, waits_for)| PhaseView::of(phase, waits_for));
        Self {
            exists: true,
            session_id: session.session_id.clone(),
            status: session.status,
            workflow_mode: session.workflow_mode,
            current_phase: session.current_phase.clone(),
            total_phases: session.total_phases,
            phases: phases.collect(),
            task_complexity: session.task_complexity,
            execution_mode: session.execution_mode,
            current_batch: session.current_batch.clone(),
            token_usage: session.token_usage.clone(),
            task: session.task.clone(),
            created: session.created,
            updated: session.updated,
            execution_backend: session.execution_backend.clone(),
            design_document: session.design_document.clone(),
            implementation_plan: session.implementation_plan.clone(),
            progress: Progress::of(session),
            ready: startable(session, max_concurrent),
            ready_to_archive: session.is_ready_to_archive(),
            violations: broken_rules(session),
            state_dir: state_dir.clone(),
        }
    }

    /// Returns the phases that can begin now, as they are shown.
    pub fn ready_phases(&self) -> impl Iterator<Item = &PhaseView> {
        // Both are in the order of the plan.
        let mut ready = self.ready.iter().peekable();
        self.phases.iter().filter(move |phase| ready.next_if(|id| **id == phase.id).is_some())
    }

    /// The phases that have this status, in the order of the plan.
    pub fn phases_in(&self, status: PhaseStatus) -> impl Iterator<Item = &PhaseView> {
        self.phases.iter().filter(move |phase| phase.status == status)
    }

    /// The phases whose records have to be put right before the session is archived, in the order of the plan.
    pub fn phases_to_reconcile(&self) -> impl Iterator<Item = &PhaseView> {
        self.phases.iter().filter(|phase| phase.requires_reconciliation)
    }
}

impl PhaseView {
    pub(crate) fn in_session(session: &Session, phase: &Phase) -> Self {
        Self::of(phase, waits_for(session, phase))
    }

    fn of(phase: &Phase, waits_for: Vec<(PhaseId, Option<PhaseStatus>)>) -> Self {
        Self {
            id: phase.id.clone(),
            name: phase.name.clone(),
            status: phase.status,
            agent: phase.agents.first().cloned(),
            agents: phase.agents.clone(),
            parallel: phase.parallel,
            blocked_by: phase.blocked_by.clone(),
            waits_for: waits_for.into_iter().map(|(id, _)| id).collect(),
            planned_files: phase.planned_files.clone(),
            started: phase.started,
            completed: phase.completed,
            retry_count: phase.retry_count,
            open_errors: phase.errors.iter().filter(|error| !error.resolved).count(),
            requires_reconciliation: phase.needs_reconciliation(),
            files: phase.files_created.len()
                + phase.files_modified.len()
                + phase.files_deleted.len(),
        }
    }
}
