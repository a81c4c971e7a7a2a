//! Why a call failed, in the form that clients get.
//!
//! Owns the codes and the texts. Where the Node server has a code for a situation, it is that one, and `details.reason` has
//! ours; where it has none, the code is ours. What to do next is said in the words of this server's tools.

use std::error::Error;

use maestro_session::model::{CommandError, CreateError, PhaseEvent, Violation};
use maestro_session::{ErrorClass, SessionError, Workspace, causes};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::hint;
use crate::phases::violation_of;

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ToolError {
    /// What is wrong, in one line.
    pub(crate) error: String,
    /// The stable code for programs.
    pub(crate) code: &'static str,
    /// What to do next.
    pub(crate) recovery_hint: Option<String>,
    /// What else is known, for programs.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub(crate) details: Value,
    /// Whether a session could not be read, so that how it was recorded last is worth knowing.
    #[serde(skip)]
    pub(crate) is_corrupt: bool,
}

impl ToolError {
    pub(crate) fn new(code: &'static str, error: impl Into<String>) -> Self {
        Self {
            error: error.into(),
            code,
            recovery_hint: None,
            details: Value::Null,
            is_corrupt: false,
        }
    }

    /// Arguments that cannot be used.
    pub(crate) fn invalid(error: impl Into<String>) -> Self {
        Self::new("VALIDATION_ERROR", error)
    }

    #[must_use]
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { recovery_hint: Some(hint.into()), ..self }
    }

    /// Adds to what is known.
    #[must_use]
    pub(crate) fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        let mut details = match self.details {
            Value::Object(details) => details,
            _ => Map::new(),
        };
        details.insert(name.to_owned(), value.into());
        self.details = Value::Object(details);
        self
    }

    /// Adds how the session was recorded last, where it could not be read.
    #[must_use]
    pub(crate) fn with_last_record(self, workspace: &Workspace) -> Self {
        if !self.is_corrupt {
            return self;
        }
        match workspace.last_recorded() {
            Ok(Some(recorded)) => self
                .detail("last_recorded_operation", recorded.seq)
                .detail("last_recorded_at", recorded.time.to_string())
                .detail("session_id", recorded.session.session_id.as_str()),
            Ok(None) | Err(_) => self,
        }
    }

    /// Replaces what is known.
    #[must_use]
    pub(crate) fn details(self, details: Value) -> Self {
        Self { details, ..self }
    }
}

impl From<SessionError> for ToolError {
    fn from(error: SessionError) -> Self {
        let notes = error.notes();
        let failed = Self {
            recovery_hint: hint::after(error.bare()),
            is_corrupt: error.class() == ErrorClass::Corrupt,
            ..of_bare(error.bare())
        };
        if notes.is_empty() { failed } else { failed.detail("notes", notes) }
    }
}

/// The error with its causes on one line, each said once.
fn whole(error: &dyn Error) -> String {
    let mut text = error.to_string();
    for cause in causes(error) {
        text += &format!(": {cause}");
    }
    text
}

fn of_bare(error: &SessionError) -> ToolError {
    let failed = |code| ToolError::new(code, whole(error));
    let reason = |code| failed(code).detail("reason", error.code());
    match error {
        SessionError::Command(command) => of_command(command),
        SessionError::Create(CreateError::PlanRejected { violations }) => rejected(violations),
        SessionError::OtherSession { meant, active } => ToolError::new(
            "STATE_ERROR",
            format!("Session ID mismatch: active session is `{active}`, not `{meant}`"),
        )
        .detail("reason", error.code())
        .detail("requested_session_id", meant.as_str())
        .detail("active_session_id", active.as_str()),
        SessionError::SessionExists { session_id, status } => ToolError::new(
            "STATE_ERROR",
            format!("an active session already exists: `{session_id}` ({status})"),
        )
        .detail("reason", error.code())
        .detail("active_session_id", session_id.as_str()),
        SessionError::NoSession { .. } => {
            ToolError::new("NO_SESSION", format!("no active session: {error}"))
        }
        SessionError::DocumentMissing { role, path, .. } => {
            let (kind, more) = match role {
                maestro_session::DocumentRole::Design => (
                    "design_document",
                    "write it, or give its text to `record_design_approval`, before `create_session`",
                ),
                maestro_session::DocumentRole::Plan => {
                    ("implementation_plan", "write it before `create_session`, or give its text")
                }
            };
            let text = format!("{kind} does not exist: {} ({more})", path.display());
            ToolError::new("NOT_FOUND", text).detail("reason", error.code())
        }
        SessionError::ReconciliationPending { phase } => {
            failed("RECONCILIATION_PENDING").detail("phase_id", json!(phase))
        }
        SessionError::GateUnapproved { session_id } => {
            failed("DESIGN_GATE_UNAPPROVED").detail("session_id", session_id.as_str())
        }
        SessionError::NotStarted { phase, .. } => {
            reason("STATE_ERROR").detail("phase_id", json!(phase))
        }
        _ => match error.code() {
            "OPERATION_NOT_FOUND" => reason("NOT_FOUND"),
            // Two began at the same moment.
            "SESSION_EXISTS" => ToolError::new(
                "STATE_ERROR",
                format!("an active session already exists: {}", whole(error)),
            )
            .detail("reason", error.code()),
            "NOT_INITIALISED" => reason("WORKSPACE_NOT_INITIALIZED"),
            "BAD_ID"
            | "BAD_PATH"
            | "TASK_MISSING"
            | "EXPRESS_NEEDS_ONE_PHASE"
            | "OUTSIDE_WORKSPACE"
            | "DOCUMENT_UNUSABLE" => reason("VALIDATION_ERROR"),
            code => failed(code),
        },
    }
}

/// A plan that breaks rules.
fn rejected(violations: &[Violation]) -> ToolError {
    let errors = violations.iter().filter(|violation| violation.is_error());
    let messages: Vec<&str> = errors.map(|violation| violation.message.as_str()).collect();
    let details: Vec<_> = violations.iter().map(violation_of).collect();
    ToolError::invalid(format!("Invalid phases payload: {}", messages.join("; ")))
        .details(json!(details))
}

fn of_command(error: &CommandError) -> ToolError {
    let failed = |code| ToolError::new(code, error.to_string());
    match error {
        CommandError::PhaseNotFound { phase, known } => {
            ToolError::new("NOT_FOUND", format!("Phase not found: {phase}"))
                .detail("reason", error.code())
                .detail("phase_id", json!(phase))
                .detail("known_phase_ids", json!(known))
        }
        CommandError::IllegalTransition { phase, illegal } => {
            let legal: Vec<&str> = illegal.from.legal_events().map(PhaseEvent::as_str).collect();
            // The one step that the Node server checks.
            let refused = match illegal.event {
                PhaseEvent::Start => failed("STATE_ERROR").detail("reason", error.code()),
                _ => failed(error.code()),
            };
            refused
                .detail("phase_id", json!(phase))
                .detail("status", illegal.from.as_str())
                .detail("event", illegal.event.as_str())
                .detail("legal_events", legal)
        }
        CommandError::Blocked { phase, waits_for } => {
            let waits_for: Vec<Value> = waits_for
                .iter()
                .map(|(id, status)| json!({ "phase_id": id, "status": status }))
                .collect();
            failed(error.code())
                .detail("phase_id", json!(phase))
                .detail("waits_for", waits_for)
        }
        CommandError::NoFreeSlot { phase, running, limit, .. } => failed(error.code())
            .detail("phase_id", json!(phase))
            .detail("running", json!(running))
            .detail("limit", *limit),
        CommandError::HandoffIncomplete { phase, .. } => ToolError::new(
            "HANDOFF_INCOMPLETE",
            format!("phase {phase} cannot be completed: downstream_context is empty after normalization"),
        )
        .detail("phase_id", json!(phase)),
        CommandError::ReconciliationEmpty { phase } => ToolError::new(
            "RECONCILIATION_EMPTY_PAYLOAD",
            format!("reconcile_phase requires at least one file or some downstream_context (phase {phase})"),
        )
        .detail("phase_id", json!(phase)),
        CommandError::RetriesExhausted { phase, retries, limit } => failed(error.code())
            .detail("phase_id", json!(phase))
            .detail("retry_count", *retries)
            .detail("max_retries", *limit),
        CommandError::PlanViolated { violations } => {
            let details: Vec<_> = violations.iter().map(violation_of).collect();
            failed(error.code()).detail("violations", json!(details))
        }
        CommandError::CachedExceedsInput { .. } | CommandError::TokensOverflow { .. } => {
            failed("VALIDATION_ERROR")
                .detail("reason", error.code())
                .detail("field", "token_usage")
        }
        CommandError::NotReconcilable { phase, status } => failed(error.code())
            .detail("phase_id", json!(phase))
            .detail("status", status.as_str()),
        _ => failed(error.code()),
    }
}
