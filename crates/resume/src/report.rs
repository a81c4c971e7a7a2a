//! The resume report: everything there is to know about going on with a session.
//!
//! Owns what the report contains and where each phase is found in it. What would be done first is in
//! [`step`](crate::step), what can be done about a phase in [`choice`](crate::choice).

use std::collections::BTreeSet;

use maestro_session_model::{
    Command, DownstreamContext, ExecutionMode, Guards, Phase, PhaseError, PhaseId, PhaseStatus,
    Progress, Rules, Session, SessionId, SessionStatus, TaskComplexity, Timestamp, TokenUsage,
    WorkflowMode, all_wait_for, broken_rules, ready_phases,
};
use serde::Serialize;

use crate::choice::{self, Choice};
use crate::conflict::Conflict;
use crate::elapsed::Elapsed;
use crate::step::{NextStep, next_step};

/// What the settings say about resuming.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResumeSettings {
    /// What they say about commands: retries, slots, agents that may not work.
    pub rules: Rules,
    /// Whether a session that is done goes to the archive without a question.
    pub auto_archive: bool,
}

/// Where a session stands, what stands in its way, and how to go on.
///
/// Every phase that is neither completed nor skipped is in exactly one of `failed`, `active`, `ready` and `blocked`. All
/// lists are in the order of the plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResumeReport {
    /// The session.
    pub session: SessionFacts,
    /// How far it has come.
    pub position: Position,
    /// What resuming would do.
    pub next: NextStep,
    /// What is not as the session's record says.
    pub conflicts: Vec<Conflict>,
    /// The phases that failed and wait for the user's choice.
    pub failed: Vec<PhaseFacts>,
    /// The phases in progress: their agents were interrupted, unless their reports come after all. Several of them are a
    /// parallel batch.
    pub active: Vec<PhaseFacts>,
    /// The phases whose blockers are done. Not all of them need have a free slot.
    pub ready: Vec<PhaseFacts>,
    /// The phases that wait for others.
    pub blocked: Vec<BlockedPhase>,
    /// The completed phases whose records have to be put right before the session is archived.
    pub to_reconcile: Vec<PhaseFacts>,
    /// Other phases with unresolved errors, as only a hand edit or another program leaves them.
    pub other_errors: Vec<PhaseFacts>,
    /// What the direct blockers of failed, active and ready phases have left for them.
    pub blockers: Vec<BlockerFacts>,
    /// Rules that the document breaks, after a hand edit.
    pub broken_rules: Vec<String>,
    /// What has been begun and not brought to its end, and what becomes of it, for the user to know first. [`report`] knows of
    /// nothing: whoever reads the journal adds it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl ResumeReport {
    /// Returns the conflicts that the user is told of before anything goes on: all but phases whose agents have not
    /// touched anything.
    pub fn conflicts_to_confirm(&self) -> impl Iterator<Item = &Conflict> {
        self.conflicts.iter().filter(|conflict| is_for_the_user(conflict))
    }

    /// Whether the session has not ended, so that there is a point in what could begin.
    pub fn goes_on(&self) -> bool {
        self.session.status == SessionStatus::InProgress
    }

    /// Returns the commands that take the next step, one after the other, where it is one on phases that begin or are given
    /// out again; else nothing.
    pub fn orders(&self) -> Vec<Command> {
        if !self.next.applies {
            return Vec::new();
        }
        let commands = self.next.step.actions().into_iter().filter_map(|action| action.command());
        let pause = self.session.updated_seconds_ago;
        let why = if pause.is_ahead() {
            "resumed".to_owned()
        } else {
            format!("resumed {pause} after the last change")
        };
        commands
            .map(|command| match command {
                Command::Redelegate { phase, agent, .. } => {
                    Command::Redelegate { phase, agent, reason: Some(why.clone()) }
                }
                command => command,
            })
            .collect()
    }
}

/// The session, apart from its phases.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionFacts {
    /// The identity.
    pub session_id: SessionId,
    /// What the user asked for.
    pub task: String,
    /// Where it stands.
    pub status: SessionStatus,
    /// Standard or express.
    pub workflow_mode: WorkflowMode,
    /// Whether phases may run side by side.
    pub execution_mode: Option<ExecutionMode>,
    /// What runs the agents.
    pub execution_backend: Option<String>,
    /// How demanding the task was judged to be.
    pub task_complexity: Option<TaskComplexity>,
    /// When it was created.
    pub created: Timestamp,
    /// How many seconds ago that was.
    pub created_seconds_ago: Elapsed,
    /// When it last changed.
    pub updated: Timestamp,
    /// How many seconds ago that was: the length of the pause.
    pub updated_seconds_ago: Elapsed,
    /// The design document.
    pub design_document: Option<String>,
    /// The implementation plan.
    pub implementation_plan: Option<String>,
    /// Tokens used.
    pub token_usage: TokenUsage,
}

/// How far a session has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Position {
    /// The last phase in the order of the plan that is completed.
    ///
    /// Ids need not be numbers, and phases of a batch end in any order, so it is the plan that says which is last.
    pub last_completed: Option<CompletedPhase>,
    /// The phase that the document calls the current one.
    pub current_phase: Option<PhaseId>,
    /// The parallel batch that was being carried out.
    pub current_batch: Option<String>,
    /// How many phases there are.
    pub phases: usize,
    /// How many of them are completed or skipped.
    pub done: usize,
    /// How many are in each status.
    pub progress: Progress,
}

/// A phase that ended well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CompletedPhase {
    /// The identity.
    pub id: PhaseId,
    /// What it is called.
    pub name: String,
    /// When it ended.
    pub completed: Option<Timestamp>,
    /// How many seconds ago that was.
    pub completed_seconds_ago: Option<Elapsed>,
}

/// A phase that something can be done about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PhaseFacts {
    /// The identity.
    pub id: PhaseId,
    /// What it is called.
    pub name: String,
    /// Where it stands.
    pub status: PhaseStatus,
    /// Who carries it out.
    pub agents: Vec<String>,
    /// Whether it may run beside others.
    pub parallel: bool,
    /// When work on it began.
    pub started: Option<Timestamp>,
    /// How many seconds ago that was.
    pub started_seconds_ago: Option<Elapsed>,
    /// The phases that came first.
    pub blocked_by: Vec<PhaseId>,
    /// The files that the plan gives to it: its scope.
    pub planned_files: Vec<String>,
    /// How often it was retried.
    pub retry_count: u64,
    /// How often it may be retried without the user.
    pub max_retries: u32,
    /// What went wrong and is not resolved, in order.
    pub errors: Vec<PhaseError>,
    /// What can be done.
    pub choices: Vec<Choice>,
}

/// A phase that waits for others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BlockedPhase {
    /// The identity.
    pub id: PhaseId,
    /// What it is called.
    pub name: String,
    /// Who carries it out.
    pub agents: Vec<String>,
    /// What it waits for.
    pub waits_for: Vec<OpenBlocker>,
}

/// A phase that another one waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenBlocker {
    /// The identity.
    pub id: PhaseId,
    /// Where it stands; nothing if there is no such phase.
    pub status: Option<PhaseStatus>,
}

/// What a phase has left for those that depend on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BlockerFacts {
    /// The identity.
    pub id: PhaseId,
    /// What it is called.
    pub name: String,
    /// Where it stands.
    pub status: PhaseStatus,
    /// Manifest: files created.
    pub files_created: Vec<String>,
    /// Manifest: files modified.
    pub files_modified: Vec<String>,
    /// Manifest: files deleted.
    pub files_deleted: Vec<String>,
    /// What it passes on.
    pub downstream_context: DownstreamContext,
}

/// Reports on a session: where it stands, what stands in its way, what resuming would do.
///
/// Total: there is a report of every session that can be read, also of one that breaks rules.
pub fn report(
    session: &Session,
    conflicts: Vec<Conflict>,
    settings: &ResumeSettings,
    now: Timestamp,
) -> ResumeReport {
    let guards = Guards::for_all_phases(session, &settings.rules);
    let max_retries = settings.rules.max_retries;
    let facts = |phase, choices| PhaseFacts::of(phase, choices, max_retries, now);
    let troubled = |phase| facts(phase, choice::after_failure(phase, &guards, max_retries));
    let interrupted = |phase| facts(phase, choice::after_interruption(phase, &guards));
    let startable = |phase| facts(phase, choice::to_begin(phase, &guards));
    let unrecorded = |phase| facts(phase, choice::to_reconcile(phase, &guards));
    let in_status = |status| session.phases.iter().filter(move |phase| phase.status == status);
    let failed: Vec<PhaseFacts> = in_status(PhaseStatus::Failed).map(troubled).collect();
    let active: Vec<PhaseFacts> = in_status(PhaseStatus::InProgress).map(interrupted).collect();
    let ready: Vec<PhaseFacts> = ready_phases(session).into_iter().map(startable).collect();
    let to_reconcile = session.phases.iter().filter(|phase| phase.needs_reconciliation());
    let to_reconcile: Vec<PhaseFacts> = to_reconcile.map(unrecorded).collect();
    let waiting = session.phases.iter().zip(all_wait_for(session));
    let waiting = waiting
        .filter(|(phase, waits_for)| phase.status == PhaseStatus::Pending && !waits_for.is_empty());
    let blocked: Vec<BlockedPhase> = waiting.map(BlockedPhase::of).collect();
    let elsewhere = session.phases.iter().filter(|phase| {
        has_open_errors(phase)
            && !matches!(phase.status, PhaseStatus::Failed | PhaseStatus::InProgress)
    });
    let other_errors = elsewhere.map(troubled).collect();
    let wanted: BTreeSet<&PhaseId> =
        [&failed, &active, &ready].into_iter().flatten().flat_map(|p| &p.blocked_by).collect();
    let blockers = session.phases.iter().filter(|phase| wanted.contains(&phase.id));
    let blockers = blockers.map(BlockerFacts::of).collect();
    let next = next_step(session, settings, &active, &ready, &to_reconcile);
    ResumeReport {
        session: SessionFacts::of(session, now),
        position: Position::of(session, now),
        next,
        conflicts,
        failed,
        active,
        ready,
        blocked,
        to_reconcile,
        other_errors,
        blockers,
        broken_rules: broken_rules(session),
        notes: Vec::new(),
    }
}

fn is_for_the_user(conflict: &Conflict) -> bool {
    match conflict {
        Conflict::PartialPhase { files, .. } => {
            files.iter().any(|file| file.state.is_for_the_user())
        }
        Conflict::File(_) | Conflict::DocumentChanged { .. } | Conflict::DocumentMissing { .. } => {
            true
        }
    }
}

fn has_open_errors(phase: &Phase) -> bool {
    phase.errors.iter().any(|error| !error.resolved)
}

impl SessionFacts {
    fn of(session: &Session, now: Timestamp) -> Self {
        Self {
            session_id: session.session_id.clone(),
            task: session.task.clone(),
            status: session.status,
            workflow_mode: session.workflow_mode,
            execution_mode: session.execution_mode,
            execution_backend: session.execution_backend.clone(),
            task_complexity: session.task_complexity,
            created: session.created,
            created_seconds_ago: Elapsed::between(session.created, now),
            updated: session.updated,
            updated_seconds_ago: Elapsed::between(session.updated, now),
            design_document: session.design_document.clone(),
            implementation_plan: session.implementation_plan.clone(),
            token_usage: session.token_usage.clone(),
        }
    }
}

impl Position {
    fn of(session: &Session, now: Timestamp) -> Self {
        let progress = Progress::of(session);
        let last = session.phases.iter().rfind(|phase| phase.status == PhaseStatus::Completed);
        Self {
            last_completed: last.map(|phase| CompletedPhase {
                id: phase.id.clone(),
                name: phase.name.clone(),
                completed: phase.completed,
                completed_seconds_ago: phase.completed.map(|time| Elapsed::between(time, now)),
            }),
            current_phase: session.current_phase.clone(),
            current_batch: session.current_batch.clone(),
            phases: session.phases.len(),
            done: progress.done(),
            progress,
        }
    }
}

impl PhaseFacts {
    fn of(phase: &Phase, choices: Vec<Choice>, max_retries: u32, now: Timestamp) -> Self {
        Self {
            id: phase.id.clone(),
            name: phase.name.clone(),
            status: phase.status,
            agents: phase.agents.clone(),
            parallel: phase.parallel,
            started: phase.started,
            started_seconds_ago: phase.started.map(|time| Elapsed::between(time, now)),
            blocked_by: phase.blocked_by.clone(),
            planned_files: phase.planned_files.clone(),
            retry_count: phase.retry_count,
            max_retries,
            errors: phase.errors.iter().filter(|error| !error.resolved).cloned().collect(),
            choices,
        }
    }
}

impl BlockedPhase {
    fn of((phase, waits_for): (&Phase, Vec<(PhaseId, Option<PhaseStatus>)>)) -> Self {
        let waits_for = waits_for.into_iter().map(|(id, status)| OpenBlocker { id, status });
        Self {
            id: phase.id.clone(),
            name: phase.name.clone(),
            agents: phase.agents.clone(),
            waits_for: waits_for.collect(),
        }
    }
}

impl BlockerFacts {
    fn of(phase: &Phase) -> Self {
        Self {
            id: phase.id.clone(),
            name: phase.name.clone(),
            status: phase.status,
            files_created: phase.files_created.clone(),
            files_modified: phase.files_modified.clone(),
            files_deleted: phase.files_deleted.clone(),
            downstream_context: phase.downstream_context.clone(),
        }
    }
}
