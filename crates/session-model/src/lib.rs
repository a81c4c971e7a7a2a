//! Phases, statuses, the transition table, plans, handoff reports and the session document, as pure values.
mod id;
mod path;
mod session;
mod status;
mod timestamp;

pub use crate::id::{AgentName, InvalidId, PhaseId, SessionId, agent_key};
pub use crate::path::{InvalidPath, RelPath};
pub use crate::session::{
    DownstreamContext, ErrorKind, ExecutionMode, Phase, PhaseError, Session, TaskComplexity,
    TokenCounts, TokenUsage, WorkflowMode,
};
pub use crate::status::{IllegalTransition, PhaseEvent, PhaseStatus, SessionStatus};
pub use crate::timestamp::{InvalidTimestamp, Timestamp};
