//! The session as a value: what its front matter says.
//!
//! Plain data without behaviour beyond reading it. Fields that a person can write by hand (files, agents, names) hold
//! what the document holds, legal or not, so that a slip of the hand never makes a session unreadable; what enters
//! through a command goes through [`RelPath`](crate::RelPath) and [`AgentName`](crate::AgentName) first.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{PhaseId, PhaseStatus, SessionId, SessionStatus, Timestamp};

/// One orchestration, from creation to archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Session {
    /// The identity.
    pub session_id: SessionId,
    /// What the user asked for.
    pub task: String,
    /// When the session was created.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// Where it stands.
    pub status: SessionStatus,
    /// Standard, or express with a single phase.
    pub workflow_mode: WorkflowMode,
    /// The design document: relative to the workspace when we wrote it, in either form when read.
    pub design_document: Option<String>,
    /// The implementation plan, likewise.
    pub implementation_plan: Option<String>,
    /// The phase that is being carried out or comes next.
    pub current_phase: Option<PhaseId>,
    /// How many phases there are.
    pub total_phases: u64,
    /// Whether phases may run side by side; not yet decided when absent.
    pub execution_mode: Option<ExecutionMode>,
    /// What runs the agents.
    pub execution_backend: Option<String>,
    /// The parallel batch that is being carried out.
    pub current_batch: Option<String>,
    /// How demanding the task was judged to be.
    pub task_complexity: Option<TaskComplexity>,
    /// Tokens used.
    pub token_usage: TokenUsage,
    /// The phases, in the order of the plan.
    pub phases: Vec<Phase>,
}

impl Session {
    /// Returns the phase with this id; of two with the same id, the first.
    pub fn phase(&self, id: &PhaseId) -> Option<&Phase> {
        self.phases.iter().find(|phase| phase.id == *id)
    }

    /// Whether every phase is completed or skipped and none waits for reconciliation.
    pub fn is_ready_to_archive(&self) -> bool {
        self.phases.iter().all(|phase| phase.status.unblocks() && !phase.needs_reconciliation())
    }

    /// Returns how many phases are in `status`.
    pub fn count(&self, status: PhaseStatus) -> usize {
        self.phases.iter().filter(|phase| phase.status == status).count()
    }
}

/// A step of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Phase {
    /// The identity within the session.
    pub id: PhaseId,
    /// What the step is called.
    pub name: String,
    /// Where it stands.
    pub status: PhaseStatus,
    /// Who carries it out.
    pub agents: Vec<String>,
    /// Whether it may run beside others of its depth.
    pub parallel: bool,
    /// When work on it began.
    pub started: Option<Timestamp>,
    /// When it ended well.
    pub completed: Option<Timestamp>,
    /// The phases that must be completed or skipped first.
    pub blocked_by: Vec<PhaseId>,
    /// Manifest: files created.
    pub files_created: Vec<String>,
    /// Manifest: files modified.
    pub files_modified: Vec<String>,
    /// Manifest: files deleted.
    pub files_deleted: Vec<String>,
    /// The files that the plan gives to this phase.
    pub planned_files: Vec<String>,
    /// What the phases that depend on this one need to know.
    pub downstream_context: DownstreamContext,
    /// What went wrong, in order.
    pub errors: Vec<PhaseError>,
    /// How often the phase was retried.
    pub retry_count: u64,
    /// Whether the phase ended without saying what it did; absent until it ended.
    pub requires_reconciliation: Option<bool>,
    /// Why the record of the phase was put right by hand.
    pub reconciliation_reason: Option<String>,
}

impl Phase {
    /// Returns a pending phase with nothing recorded.
    pub fn pending(id: PhaseId, name: String) -> Self {
        Self {
            id,
            name,
            status: PhaseStatus::Pending,
            agents: Vec::new(),
            parallel: false,
            started: None,
            completed: None,
            blocked_by: Vec::new(),
            files_created: Vec::new(),
            files_modified: Vec::new(),
            files_deleted: Vec::new(),
            planned_files: Vec::new(),
            downstream_context: DownstreamContext::default(),
            errors: Vec::new(),
            retry_count: 0,
            requires_reconciliation: None,
            reconciliation_reason: None,
        }
    }

    /// Whether the phase ended without saying what it did.
    pub fn needs_reconciliation(&self) -> bool {
        self.requires_reconciliation == Some(true)
    }
}

/// The five lists that a phase passes to the phases that depend on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DownstreamContext {
    /// Signatures and where they are.
    #[serde(default)]
    pub key_interfaces_introduced: Vec<String>,
    /// Patterns to follow.
    #[serde(default)]
    pub patterns_established: Vec<String>,
    /// Where later work connects.
    #[serde(default)]
    pub integration_points: Vec<String>,
    /// What was taken for granted.
    #[serde(default)]
    pub assumptions: Vec<String>,
    /// What to look out for.
    #[serde(default)]
    pub warnings: Vec<String>,
}

impl DownstreamContext {
    /// Whether all five lists are empty.
    pub fn is_empty(&self) -> bool {
        self.lists().iter().all(|(_, list)| list.is_empty())
    }

    /// Returns the five lists with the titles that handoff reports give them.
    pub fn lists(&self) -> [(&'static str, &[String]); 5] {
        [
            ("Key Interfaces Introduced", &self.key_interfaces_introduced),
            ("Patterns Established", &self.patterns_established),
            ("Integration Points", &self.integration_points),
            ("Assumptions", &self.assumptions),
            ("Warnings", &self.warnings),
        ]
    }
}

/// One thing that went wrong in a phase, or one retry of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseError {
    /// The agent to whom it happened.
    pub agent: String,
    /// When.
    pub timestamp: Timestamp,
    /// What kind of failure.
    #[serde(rename = "type")]
    pub kind: ErrorKind,
    /// The full description.
    pub message: String,
    /// What was done about it, or `pending`.
    pub resolution: String,
    /// Whether it is dealt with.
    pub resolved: bool,
}

/// The kinds of failure that a phase can record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The result did not pass its checks.
    Validation,
    /// The agent took too long.
    Timeout,
    /// Two agents wanted the same file.
    FileConflict,
    /// Something broke while it ran.
    Runtime,
    /// Something it needs was missing.
    Dependency,
}

impl ErrorKind {
    /// All kinds, in the order of the documentation.
    pub const ALL: [Self; 5] =
        [Self::Validation, Self::Timeout, Self::FileConflict, Self::Runtime, Self::Dependency];

    /// Returns the kind as the documents write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Validation => "validation",
            Self::Timeout => "timeout",
            Self::FileConflict => "file_conflict",
            Self::Runtime => "runtime",
            Self::Dependency => "dependency",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Tokens used, in total and by agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TokenUsage {
    /// All input, cached or not.
    pub total_input: u64,
    /// All output.
    pub total_output: u64,
    /// Input that was read from a cache; part of the input.
    pub total_cached: u64,
    /// The same by agent.
    pub by_agent: BTreeMap<String, TokenCounts>,
}

impl TokenUsage {
    /// Returns the same with totals that are at least the sums of what the agents used; nothing if a sum is too large.
    pub fn at_least_the_sums(&self) -> Option<Self> {
        let add = |count: fn(&TokenCounts) -> u64| {
            self.by_agent.values().map(count).try_fold(0_u64, u64::checked_add)
        };
        Some(Self {
            total_input: add(|counts| counts.input)?.max(self.total_input),
            total_output: add(|counts| counts.output)?.max(self.total_output),
            total_cached: add(|counts| counts.cached)?.max(self.total_cached),
            by_agent: self.by_agent.clone(),
        })
    }
}

/// Tokens of one agent or of one report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenCounts {
    /// All input, cached or not.
    #[serde(default)]
    pub input: u64,
    /// All output.
    #[serde(default)]
    pub output: u64,
    /// Input that was read from a cache; part of the input.
    #[serde(default)]
    pub cached: u64,
}

/// How much ceremony a session has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkflowMode {
    /// Design, plan, phases.
    #[default]
    Standard,
    /// A brief and a single phase.
    Express,
}

/// Whether phases may run side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionMode {
    /// Phases whose blockers are done may run at the same time.
    Parallel,
    /// One phase at a time.
    Sequential,
}

/// How demanding a task was judged to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskComplexity {
    /// A few files, no design questions.
    Simple,
    /// Several parts that must fit together.
    Medium,
    /// Many parts, or hard ones.
    Complex,
}
