//! What there is to say of the server, as data: its tools with their schemas, and the codes of its errors. The page
//! `docs/MCP.md` is made of it.

use serde_json::{Map, Value};

use crate::schema::{SESSION_ID, WORKSPACE_PATH};
use crate::tool::Effect;
use crate::tools::entries;

/// A tool, as the reference describes it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ToolReference {
    /// The name that clients call.
    pub name: &'static str,
    /// The name that people see.
    pub title: &'static str,
    /// When to use it.
    pub description: &'static str,
    /// Whether it changes nothing.
    pub reads_only: bool,
    /// The schema of its arguments.
    pub input: Map<String, Value>,
    /// The schema of its answer.
    pub output: Map<String, Value>,
}

/// The arguments that many tools take, described once.
pub const COMMON_ARGUMENTS: [&str; 2] = [SESSION_ID, WORKSPACE_PATH];

/// Returns all tools, in the order in which clients see them.
///
/// ```
/// let tools = maestro_mcp::tools();
/// assert_eq!(tools[0].name, "initialize_workspace");
/// ```
pub fn tools() -> Vec<ToolReference> {
    let tools = entries().iter().map(|entry| ToolReference {
        name: entry.name,
        title: entry.title,
        description: entry.description,
        reads_only: entry.effect == Effect::Reads,
        input: (entry.input)(),
        output: (entry.output)(),
    });
    tools.collect()
}

/// The codes of errors, each with what it means. The first part are those that the Node server has.
pub const CODES: &[(&str, &str)] = &[
    (
        "VALIDATION_ERROR",
        "arguments that cannot be used; `details.field` is the way to the one that is wrong, or `details` lists the violations of a plan",
    ),
    (
        "STATE_ERROR",
        "the session does not allow it: another one is active, one exists already, the phase was not started; `details.reason` says which",
    ),
    ("NOT_FOUND", "a phase, a document or an operation that is not there"),
    ("UNKNOWN_TOOL", "no tool of this name"),
    ("INTERNAL_TOOL_ERROR", "a bug of maestro"),
    (
        "WORKSPACE_NOT_INITIALIZED",
        "nobody has said which workspace (`details.workspace_suggestion` may have one), or it has no state dir",
    ),
    (
        "WORKSPACE_REQUIRED",
        "`workspace_path` is empty, or has a `${variable}` that nobody has replaced",
    ),
    ("WORKSPACE_NOT_FOUND", "`workspace_path` is no directory"),
    ("WORKSPACE_IN_EXTENSION_CACHE", "`workspace_path` is where a host keeps its extensions"),
    (
        "DESIGN_GATE_UNAPPROVED",
        "the design gate was entered, and the user has not approved the design",
    ),
    ("HANDOFF_INCOMPLETE", "files were handed over without downstream context"),
    ("RECONCILIATION_PENDING", "a phase has to be reconciled before the session is archived"),
    ("RECONCILIATION_EMPTY_PAYLOAD", "a reconciliation without files and context"),
    ("NO_SESSION", "there is no active session"),
    (
        "ILLEGAL_TRANSITION",
        "the phase has a status in which this cannot happen; `details` has the events that can",
    ),
    ("PHASE_BLOCKED", "the phase waits for others, which `details.waits_for` lists"),
    ("NO_FREE_SLOT", "as many phases are in progress as may be"),
    (
        "RETRIES_EXHAUSTED",
        "the phase was retried as often as MAESTRO_MAX_RETRIES allows; only the user can order one more",
    ),
    ("USER_DECISION_REQUIRED", "only the user can decide it, and nobody says that the user did"),
    ("ERROR_INCOMPLETE", "an error record without a message or an agent"),
    ("MESSAGE_TOO_LARGE", "an error record with a message of more than 1 MiB"),
    ("ERROR_NOT_RECORDABLE", "an error of a phase that is neither in progress nor failed"),
    ("PHASE_AMBIGUOUS", "two phases have this id, after an edit by hand"),
    ("NOT_ADJUSTABLE", "the plan of a completed phase is history"),
    ("NOT_RECONCILABLE", "only a completed phase can be reconciled"),
    ("NOTHING_TO_ADJUST", "an adjustment that changes nothing"),
    ("NOTHING_TO_CHANGE", "a change of nothing"),
    ("PLAN_VIOLATED", "an adjustment after which the plan would break a rule"),
    ("AGENT_DISABLED", "the agent is on MAESTRO_DISABLED_AGENTS"),
    ("AGENT_UNKNOWN", "tokens of nobody"),
    ("HANDOFF_WITHOUT_PHASE", "files or context that no completed phase hands over"),
    ("SESSION_ENDED", "the session was aborted, or says that it is completed or failed"),
    ("SESSION_ID_TAKEN", "an archived session has this id"),
    (
        "DESIGN_GATE_UNREADABLE",
        "the design gate is damaged, so that nobody knows what was approved",
    ),
    ("HANDOFF_TOO_LARGE", "a handoff report of more than 4 MiB"),
    ("HANDOFF_UNREADABLE", "a handoff report that cannot be read"),
    ("NOTHING_TO_UNDO", "no operation is left to be undone"),
    ("UNDO_BLOCKED", "what came later changed the same lines, or a rule would be broken"),
    ("NOT_UNDOABLE", "this operation cannot be undone, or not twice"),
    ("NO_JOURNAL", "the session has no journal yet"),
    ("LOCKED", "another process is changing the session; the text names it"),
    ("CORRUPT", "the session file or the journal cannot be understood; `run_doctor` explains it"),
    ("SESSION_FILE_MISSING", "the session file is gone; `maestro doctor --fix` brings it back"),
    ("TOO_NEW", "a file is from a newer version"),
    ("TOO_LARGE", "a file is larger than any session"),
    (
        "SESSION_TOO_LARGE",
        "with this change the session file would be larger than a session may be",
    ),
    ("NOT_UTF8", "a file is no text"),
    ("CONFLICT", "two things contradict each other, and a person has to say which is right"),
    ("IN_DOUBT", "the disk failed at the last moment; the next call shows what has happened"),
    ("UNEDITABLE", "the session file is written in a form that cannot be changed without damage"),
    ("BAD_SETTING", "a setting has a value that it cannot have"),
    ("STATE_DIR_UNUSABLE", "a link or a file is where the state dir belongs"),
    ("IO", "the file system refused"),
];
