//! Phases, statuses, the transition table, plans, handoff reports and the session document, as pure values.
//!
//! A [`Session`] is what the front matter of a Markdown file says. [`Document`] reads such a file and changes it without
//! touching what a change is not about. [`decide()`] says what a [`Command`] does to a session, or why it is refused.
//! A [`Plan`] is what a session is made of, a [`HandoffReport`] what an agent brings back.
//!
//! # Guarantees
//!
//! * Pure: no file, no clock, no environment, no randomness. Time and ids are arguments.
//! * No panic and no unbounded recursion, whatever the input; sizes and nesting have limits that are errors.
//! * An update of a document keeps every byte that it is not about, or is an error.
//!
//! # Limitations
//!
//! A list that gets shorter is written anew, with the loss of comments inside it. YAML is 1.2 as `yaml_serde` reads it:
//! merge keys are ordinary keys.
//!
//! ```
//! use maestro_session_model::{Command, Document, PhaseId, PlanRules, Rules, decide};
//!
//! let text = "---\n\
//!     session_id: 2026-01-15-typo\n\
//!     created: 2026-01-15T10:00:00Z\n\
//!     updated: 2026-01-15T10:00:00Z\n\
//!     status: in_progress\n\
//!     phases:\n\
//!     - {id: 1, name: Fix it, status: pending}  # a small one\n\
//!     ---\n";
//! let document = Document::parse(text.to_owned())?;
//! let rules = Rules { max_retries: 2, max_concurrent: 0, plan: PlanRules::default() };
//! let start = Command::Start { phase: PhaseId::from_number(1)? };
//!
//! let decision = decide(document.session(), &start, &rules, "2026-01-15T10:05:00Z".parse()?)?;
//! let update = document.update(decision.session, &decision.log)?;
//! assert!(update.document.text().contains("status: in_progress"));
//! assert!(update.document.text().contains("# a small one"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod body;
mod command;
mod command_line;
mod create;
mod decide;
mod document;
mod gate;
mod graph;
mod handoff;
mod id;
mod listed;
mod markdown;
mod path;
mod plan;
mod position;
mod quote;
mod roster;
mod rules;
mod session;
mod splice;
mod status;
mod timestamp;

pub use crate::command::{Adjustment, Command, Configuration, Failure, Handoff};
pub use crate::command_line::CommandLine;
pub use crate::create::{CreateError, NewSession};
pub use crate::decide::{CommandError, Decision, Guards, Rules, SlotLimit, decide, find_phase};
pub use crate::document::{
    Document, DocumentError, FrontMatter, MAX_DOCUMENT_BYTES, Update, UpdateError,
};
pub use crate::gate::{DesignGate, InvalidGate};
pub use crate::graph::{
    Circle, CircularBlockers, DanglingBlocker, DuplicateId, PhaseGraph, PhaseOrder,
    RedundantBlocker, UnorderedPair,
};
pub use crate::handoff::{
    HandoffError, HandoffReport, MAX_REPORT_BYTES, ReportProblem, ReportStatus, Section,
    Validation, read_report,
};
pub use crate::id::{
    AgentName, InvalidId, MAX_NAME_BYTES, MAX_SESSION_ID_BYTES, PhaseId, SessionId, agent_key,
};
pub use crate::listed::{and_more, listed};
pub use crate::markdown::means_nothing;
pub use crate::path::{DocumentName, InvalidPath, MAX_PATH_BYTES, RelPath, free_name};
pub use crate::plan::{
    Batch, MAX_PLAN_BYTES, PhaseOutline, Plan, PlanError, PlanReport, PlanRule, PlannedPhase,
    Profile, Severity, Violation, check as check_plan, check_for as check_plan_for, read_plan,
    session_outlines,
};
pub use crate::position::{
    Progress, all_wait_for, broken_rules, current_phase, ready_phases, slots, waits_for,
};
pub use crate::quote::{escape, escapes, fenced, one_line};
pub use crate::roster::{read_agent, task_complexity_of};
pub use crate::rules::{AgentRole, InvalidStrictness, PlanRules, Roster, Strictness};
pub use crate::session::{
    DownstreamContext, ErrorKind, ExecutionMode, Phase, PhaseError, Session, TaskComplexity,
    TokenCounts, TokenUsage, WorkflowMode,
};
pub use crate::splice::Splice;
pub use crate::status::{IllegalTransition, PhaseEvent, PhaseStatus, SessionStatus};
pub use crate::timestamp::{InvalidTimestamp, Timestamp};
