//! A session as a tree of plain values, in the key order that documents are written in.
//!
//! The one place that knows this order; the writer and the editor follow it.

use crate::session::{DownstreamContext, Phase, PhaseError, Session, TokenCounts, TokenUsage};
use crate::{ExecutionMode, PhaseId, TaskComplexity, Timestamp, WorkflowMode};

/// What a front matter can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(u64),
    Text(String),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

impl Value {
    /// Whether nothing is inside, so that it is written on one line as `[]` or `{}`.
    pub(super) fn is_leaf(&self) -> bool {
        match self {
            Self::List(items) => items.is_empty(),
            Self::Map(entries) => entries.is_empty(),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) => true,
        }
    }
}

/// Everything before `phases`, as a map.
pub(super) fn header(session: &Session) -> Value {
    Value::Map(vec![
        entry("session_id", session.session_id.as_str()),
        entry("task", session.task.as_str()),
        entry("created", session.created),
        entry("updated", session.updated),
        entry("status", session.status.as_str()),
        entry("workflow_mode", workflow_mode(session.workflow_mode)),
        entry("design_document", session.design_document.as_deref()),
        entry("implementation_plan", session.implementation_plan.as_deref()),
        entry("current_phase", session.current_phase.as_ref()),
        entry("total_phases", session.total_phases),
        entry("execution_mode", session.execution_mode.map(execution_mode)),
        entry("execution_backend", session.execution_backend.as_deref()),
        entry("current_batch", session.current_batch.as_deref()),
        entry("task_complexity", session.task_complexity.map(task_complexity)),
        entry("token_usage", &session.token_usage),
    ])
}

/// The whole session, as a map.
pub(super) fn session(session: &Session) -> Value {
    let Value::Map(mut entries) = header(session) else { return Value::Null };
    entries.push(entry("phases", list(&session.phases)));
    Value::Map(entries)
}

/// One phase, as a map.
pub(super) fn phase(phase: &Phase) -> Value {
    let mut entries = vec![
        entry("id", &phase.id),
        entry("name", phase.name.as_str()),
        entry("status", phase.status.as_str()),
        entry("agents", list(&phase.agents)),
        entry("parallel", phase.parallel),
        entry("started", phase.started),
        entry("completed", phase.completed),
        entry("blocked_by", list(&phase.blocked_by)),
        entry("files_created", list(&phase.files_created)),
        entry("files_modified", list(&phase.files_modified)),
        entry("files_deleted", list(&phase.files_deleted)),
        entry("planned_files", list(&phase.planned_files)),
        entry("downstream_context", &phase.downstream_context),
        entry("errors", list(&phase.errors)),
        entry("retry_count", phase.retry_count),
    ];
    // These two exist only once they say something.
    if let Some(required) = phase.requires_reconciliation {
        entries.push(entry("requires_reconciliation", required));
    }
    if let Some(reason) = &phase.reconciliation_reason {
        entries.push(entry("reconciliation_reason", reason.as_str()));
    }
    Value::Map(entries)
}

fn workflow_mode(mode: WorkflowMode) -> &'static str {
    match mode {
        WorkflowMode::Standard => "standard",
        WorkflowMode::Express => "express",
    }
}

fn execution_mode(mode: ExecutionMode) -> &'static str {
    match mode {
        ExecutionMode::Parallel => "parallel",
        ExecutionMode::Sequential => "sequential",
    }
}

fn task_complexity(complexity: TaskComplexity) -> &'static str {
    match complexity {
        TaskComplexity::Simple => "simple",
        TaskComplexity::Medium => "medium",
        TaskComplexity::Complex => "complex",
    }
}

fn entry(key: &str, value: impl Into<Value>) -> (String, Value) {
    (key.to_owned(), value.into())
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Number(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}

impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Self {
        Self::Text(value.to_string())
    }
}

impl From<&PhaseId> for Value {
    fn from(id: &PhaseId) -> Self {
        match id.number() {
            Some(number) if id.is_written_as_number() => Self::Number(number),
            _ => Self::Text(id.to_string()),
        }
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

fn list<'a, T: 'a>(items: &'a [T]) -> Value
where
    Value: From<&'a T>,
{
    Value::List(items.iter().map(Value::from).collect())
}

impl From<&Phase> for Value {
    fn from(value: &Phase) -> Self {
        phase(value)
    }
}

impl From<&DownstreamContext> for Value {
    fn from(context: &DownstreamContext) -> Self {
        Self::Map(vec![
            entry("key_interfaces_introduced", list(&context.key_interfaces_introduced)),
            entry("patterns_established", list(&context.patterns_established)),
            entry("integration_points", list(&context.integration_points)),
            entry("assumptions", list(&context.assumptions)),
            entry("warnings", list(&context.warnings)),
        ])
    }
}

impl From<&PhaseError> for Value {
    fn from(error: &PhaseError) -> Self {
        Self::Map(vec![
            entry("agent", error.agent.as_str()),
            entry("timestamp", error.timestamp),
            entry("type", error.kind.as_str()),
            entry("message", error.message.as_str()),
            entry("resolution", error.resolution.as_str()),
            entry("resolved", error.resolved),
        ])
    }
}

impl From<&TokenUsage> for Value {
    fn from(usage: &TokenUsage) -> Self {
        let by_agent = usage.by_agent.iter().map(|(agent, counts)| entry(agent, counts));
        Self::Map(vec![
            entry("total_input", usage.total_input),
            entry("total_output", usage.total_output),
            entry("total_cached", usage.total_cached),
            ("by_agent".to_owned(), Self::Map(by_agent.collect())),
        ])
    }
}

impl From<&TokenCounts> for Value {
    fn from(counts: &TokenCounts) -> Self {
        Self::Map(vec![
            entry("input", counts.input),
            entry("output", counts.output),
            entry("cached", counts.cached),
        ])
    }
}
