//! Makes a new session of a plan.
//!
//! Decides whether a plan may become a session. What it is called and where its documents lie is for the caller.

use crate::plan::{self, PlannedPhase, Violation};
use crate::rules::PlanRules;
use crate::session::{ExecutionMode, Phase, Session, TaskComplexity, TokenUsage, WorkflowMode};
use crate::{PhaseStatus, RelPath, SessionId, SessionStatus, Timestamp};

/// What a session is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSession {
    /// The identity.
    pub session_id: SessionId,
    /// What the user asked for.
    pub task: String,
    /// Standard, or express with a single phase.
    pub workflow_mode: WorkflowMode,
    /// The design document.
    pub design_document: Option<RelPath>,
    /// The implementation plan.
    pub implementation_plan: Option<RelPath>,
    /// Whether phases may run side by side; not yet decided when absent.
    pub execution_mode: Option<ExecutionMode>,
    /// What runs the agents.
    pub execution_backend: Option<String>,
    /// How demanding the task was judged to be.
    pub task_complexity: Option<TaskComplexity>,
    /// The phases of the plan.
    pub phases: Vec<PlannedPhase>,
    /// Whether the first phase that can begin does so at once.
    pub begins: bool,
}

impl NewSession {
    /// Returns the session with every phase pending, but for the one that begins at once, and what the user should know about
    /// its plan.
    pub fn create(
        &self,
        rules: &PlanRules,
        now: Timestamp,
    ) -> Result<(Session, Vec<Violation>), CreateError> {
        if self.task.trim().is_empty() {
            return Err(CreateError::TaskMissing);
        }
        if self.workflow_mode == WorkflowMode::Express && self.phases.len() != 1 {
            return Err(CreateError::ExpressNeedsOnePhase { phases: self.phases.len() });
        }
        let outlines: Vec<_> = self.phases.iter().map(PlannedPhase::outline).collect();
        let report = plan::check(&outlines, rules);
        if !report.is_accepted() {
            return Err(CreateError::PlanRejected { violations: report.violations });
        }
        let mut phases: Vec<Phase> = self.phases.iter().map(pending).collect();
        let mut current = phases.first().map(|phase| phase.id.clone());
        // Where nobody waits for somebody in a circle, somebody waits for nobody.
        let first = phases.iter_mut().find(|phase| phase.blocked_by.is_empty());
        if let Some(phase) = first.filter(|_| self.begins) {
            phase.status = PhaseStatus::InProgress;
            phase.started = Some(now);
            current = Some(phase.id.clone());
        }
        let session = Session {
            session_id: self.session_id.clone(),
            task: self.task.clone(),
            created: now,
            updated: now,
            status: SessionStatus::InProgress,
            workflow_mode: self.workflow_mode,
            design_document: self.design_document.as_ref().map(ToString::to_string),
            implementation_plan: self.implementation_plan.as_ref().map(ToString::to_string),
            current_phase: current,
            total_phases: phases.len() as u64,
            execution_mode: self.execution_mode,
            execution_backend: self.execution_backend.clone(),
            current_batch: None,
            task_complexity: self.task_complexity,
            token_usage: TokenUsage::default(),
            phases,
        };
        Ok((session, report.violations))
    }
}

fn pending(planned: &PlannedPhase) -> Phase {
    let mut phase = Phase::pending(planned.id.clone(), planned.name.clone());
    phase.agents = planned.agents.iter().map(ToString::to_string).collect();
    phase.parallel = planned.parallel;
    phase.blocked_by.clone_from(&planned.blocked_by);
    phase.planned_files = planned.planned_files().iter().map(ToString::to_string).collect();
    phase
}

/// Why a session cannot be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// There is nothing to do.
    #[error("the task is empty")]
    TaskMissing,
    /// The plan breaks rules.
    #[error("the plan breaks {} of the rules", violations.iter().filter(|v| v.is_error()).count())]
    PlanRejected {
        /// Which, with the warnings among them.
        violations: Vec<Violation>,
    },
    /// An express session has exactly one phase.
    #[error("an express session has one phase, and this plan has {phases}")]
    ExpressNeedsOnePhase {
        /// How many the plan has.
        phases: usize,
    },
}

impl CreateError {
    /// Returns the stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TaskMissing => "TASK_MISSING",
            Self::PlanRejected { .. } => "PLAN_REJECTED",
            Self::ExpressNeedsOnePhase { .. } => "EXPRESS_NEEDS_ONE_PHASE",
        }
    }

    /// Returns what to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::TaskMissing => "say what is to be done: `maestro new \"<task>\" --plan FILE`",
            Self::PlanRejected { .. } => {
                "mend the plan, then try `maestro plan check FILE` until nothing is left"
            }
            Self::ExpressNeedsOnePhase { .. } => {
                "leave `--express` out, or put all the work into one phase"
            }
        }
        .to_owned()
    }
}
