//! What happened, and taking it back.

use maestro_session::store::ActorKind;
use maestro_session::{EntryState, LogEntry, LogFilter};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::args::{Id, ids};
use crate::context::Context;
use crate::error::ToolError;
use crate::tool::{Effect, Scope, Tool};
use crate::tools::status::word;

/// Says what happened.
pub(crate) struct GetLog;

/// How many operations are shown when nobody says how many.
const SHOWN: usize = 50;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LogArgs {
    /// Only operations on this phase.
    phase_id: Option<Id>,
    /// Only operations that came in this way.
    actor: Option<ActorArg>,
    /// Only the newest so many; 50 when absent, 0 for all.
    limit: Option<usize>,
}

/// The way in which an operation came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ActorArg {
    Cli,
    Mcp,
    Hook,
    External,
}

impl From<ActorArg> for ActorKind {
    fn from(actor: ActorArg) -> Self {
        match actor {
            ActorArg::Cli => Self::Cli,
            ActorArg::Mcp => Self::Mcp,
            ActorArg::Hook => Self::Hook,
            ActorArg::External => Self::External,
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct LogAnswer {
    /// The session.
    session_id: String,
    /// The operations, the oldest first.
    entries: Vec<EntryAnswer>,
}

/// An operation.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct EntryAnswer {
    /// The number in the log.
    seq: u64,
    /// The identity.
    operation: String,
    /// When it was decided.
    time: String,
    /// The way in which it came: cli, mcp, hook or external.
    actor: String,
    /// The agent or user, where known.
    name: Option<String>,
    /// What was asked for.
    command: String,
    /// The phase that it is about.
    phase_id: Option<Id>,
    /// What it says, on one line.
    summary: String,
    /// done, pending, abandoned, undone or overtaken.
    state: String,
}

impl From<LogEntry> for EntryAnswer {
    fn from(entry: LogEntry) -> Self {
        let state: EntryState = entry.state;
        Self {
            seq: entry.seq,
            operation: entry.operation.to_string(),
            time: entry.time.to_string(),
            actor: word(&entry.actor),
            name: entry.name,
            command: entry.command,
            phase_id: entry.phase.map(Id),
            summary: entry.summary,
            state: word(&state),
        }
    }
}

impl Tool for GetLog {
    const NAME: &'static str = "get_session_log";
    const TITLE: &'static str = "Get session log";
    const DESCRIPTION: &'static str = "Show what happened to the active session: every operation with time, actor and phase, edits by hand included, the oldest first. Use it to find out who changed what, \
        and for the number of an operation to undo.";
    const SCOPE: Scope = Scope::Session;
    const EFFECT: Effect = Effect::Reads;
    const EXAMPLE: &'static str = r#"{"phase_id": 3, "limit": 10}"#;

    type Args = LogArgs;
    type Answer = LogAnswer;

    fn call(context: &mut Context<'_>, args: LogArgs) -> Result<LogAnswer, ToolError> {
        let limit = args.limit.unwrap_or(SHOWN);
        let filter = LogFilter {
            phase: args.phase_id.map(|id| id.0),
            actor: args.actor.map(Into::into),
            limit: (limit > 0).then_some(limit),
        };
        let log = context.workspace()?.log(&filter)?;
        Ok(LogAnswer {
            session_id: log.session_id.to_string(),
            entries: log.entries.into_iter().map(Into::into).collect(),
        })
    }
}

/// Takes an operation back.
pub(crate) struct Undo;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct UndoArgs {
    /// The operation: its number in the log, or its id; the newest that is not undone when absent.
    #[schemars(with = "Option<Id>")]
    operation: Option<OperationName>,
}

/// The name of an operation: its number in the log, or the beginning of its id.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected the number of an operation, or its id as a string")]
enum OperationName {
    Number(u64),
    Id(String),
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct UndoneAnswer {
    success: bool,
    /// The operation that undid it. Undoing that brings back what it undid.
    operation: String,
    /// Its number in the log.
    seq: u64,
    /// What was undone.
    undid: EntryAnswer,
    /// The session.
    session_id: String,
    /// The phase that is being carried out or comes next.
    current_phase: Option<Id>,
    /// The phases that can start now.
    ready_phase_ids: Vec<Id>,
    /// What the user should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Tool for Undo {
    const NAME: &'static str = "undo_operation";
    const TITLE: &'static str = "Undo operation";
    const DESCRIPTION: &'static str = "Take an operation on the session back, by an operation of its own: the newest that is not undone, or the one that is named. Use it after a call with wrong arguments, or when the user \
        wants a step back. Files that agents wrote stay, and so do the tokens that were counted.";
    const SCOPE: Scope = Scope::Session;
    const EFFECT: Effect = Effect::Ends;
    const EXAMPLE: &'static str = r#"{"operation": 12}"#;

    type Args = UndoArgs;
    type Answer = UndoneAnswer;

    fn call(context: &mut Context<'_>, args: UndoArgs) -> Result<UndoneAnswer, ToolError> {
        let operation = args.operation.map(|name| match name {
            OperationName::Number(number) => number.to_string(),
            OperationName::Id(id) => id,
        });
        let undone = context.workspace()?.undo(operation.as_deref())?;
        Ok(UndoneAnswer {
            success: true,
            operation: undone.operation.to_string(),
            seq: undone.seq,
            undid: undone.undid.into(),
            session_id: undone.session_id.to_string(),
            current_phase: undone.current_phase.as_ref().map(Id::from),
            ready_phase_ids: ids(&undone.ready),
            warnings: undone.warnings,
        })
    }
}
