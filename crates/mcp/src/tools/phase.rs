//! What can happen to a phase besides starting and ending well.

use maestro_session::model::{Adjustment, AgentName, Command, Failure, PhaseId};
use maestro_session::{Changed, Workspace};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::args::{Agent, FailureKind, Id, Tokens, null_is_none, paths};
use crate::context::Context;
use crate::error::ToolError;
use crate::tool::{Effect, Scope, Tool};
use crate::tools::changed::ChangedAnswer;

fn apply(workspace: &Workspace, command: &Command) -> Result<ChangedAnswer, ToolError> {
    let changed: Changed = workspace.apply(command)?;
    Ok(changed.into())
}

fn name(agent: Option<Agent>) -> Option<AgentName> {
    agent.map(|agent| agent.0)
}

/// Records that a phase failed.
pub(crate) struct Fail;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FailArgs {
    /// The phase. It must be in progress.
    phase_id: Id,
    /// What kind of failure.
    #[serde(default, deserialize_with = "null_is_none")]
    #[schemars(with = "Option<FailureKind>")]
    error_type: FailureKind,
    /// What went wrong, in full: the next attempt gets to know it. Read from the report when absent.
    #[serde(default)]
    message: Option<String>,
    /// To whom it happened; the agent of the phase when absent.
    #[serde(default)]
    agent: Option<Agent>,
    /// The tokens that the attempt took.
    #[serde(default)]
    token_usage: Option<Tokens>,
    /// The agent's report, word for word.
    #[serde(default)]
    report: Option<String>,
}

/// Makes the record of a failure of what a call says.
fn failure(
    workspace: &Workspace,
    kind: FailureKind,
    message: Option<String>,
    agent: Option<Agent>,
    tokens: Option<Tokens>,
    report: Option<String>,
) -> Failure {
    let in_report = || report.as_deref().map(|report| workspace.failure_in_report(report));
    let message = message.or_else(in_report).unwrap_or_default();
    let counts = tokens.as_ref().map(Tokens::counts);
    Failure {
        agent: name(agent.or_else(|| tokens?.agent)),
        kind: kind.into(),
        message,
        tokens: counts,
        output: report,
    }
}

impl Tool for Fail {
    const NAME: &'static str = "fail_phase";
    const TITLE: &'static str = "Fail phase";
    const DESCRIPTION: &'static str = "Record that a phase ended badly, with the full error. Use it when an agent gave up, timed out, or its work did not pass validation; then `retry_phase`, or ask the user \
        whether to skip it.";
    const SCOPE: Scope = Scope::Session;
    const EFFECT: Effect = Effect::Adds;
    const EXAMPLE: &'static str = r#"{"phase_id": 3, "error_type": "validation", "message": "cargo test: 2 of 14 failed in tests/limit.rs"}"#;

    type Args = FailArgs;
    type Answer = ChangedAnswer;

    fn call(context: &mut Context<'_>, args: FailArgs) -> Result<ChangedAnswer, ToolError> {
        let workspace = context.workspace()?;
        let FailArgs { phase_id, error_type, message, agent, token_usage, report } = args;
        let failure = failure(&workspace, error_type, message, agent, token_usage, report);
        apply(&workspace, &Command::Fail { phase: phase_id.0, failure })
    }
}

/// Tries a failed phase again.
pub(crate) struct Retry;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetryArgs {
    /// The phase. It must have failed.
    phase_id: Id,
    /// What is different this time.
    #[serde(default)]
    resolution: Option<String>,
    /// Whether the user ordered it, which is needed beyond MAESTRO_MAX_RETRIES. Never true without asking the user.
    #[serde(default, deserialize_with = "null_is_none")]
    #[schemars(with = "Option<bool>")]
    user_decided: bool,
}

impl Tool for Retry {
    const NAME: &'static str = "retry_phase";
    const TITLE: &'static str = "Retry phase";
    const DESCRIPTION: &'static str = "Try a failed phase again, and say what is different this time. Each retry is counted and recorded; after MAESTRO_MAX_RETRIES of them only the user can order one more.";
    const SCOPE: Scope = Scope::Session;
    const EFFECT: Effect = Effect::Adds;
    const EXAMPLE: &'static str =
        r#"{"phase_id": 3, "resolution": "smaller scope: only the parser"}"#;

    type Args = RetryArgs;
    type Answer = ChangedAnswer;

    fn call(context: &mut Context<'_>, args: RetryArgs) -> Result<ChangedAnswer, ToolError> {
        let RetryArgs { phase_id: Id(phase), resolution, user_decided: by_user } = args;
        apply(&context.workspace()?, &Command::Retry { phase, by_user, resolution })
    }
}

/// Leaves a phase out.
pub(crate) struct Skip;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SkipArgs {
    /// The phase. It must be pending or failed.
    phase_id: Id,
    /// Whether the user decided it, which is needed. Never true without asking the user.
    user_decided: bool,
    /// Why.
    #[serde(default)]
    reason: Option<String>,
}

impl Tool for Skip {
    const NAME: &'static str = "skip_phase";
    const TITLE: &'static str = "Skip phase";
    const DESCRIPTION: &'static str = "Leave a phase out, which only the user can decide; phases that wait for it can start then. Ask the user first.";
    const SCOPE: Scope = Scope::Session;
    const EFFECT: Effect = Effect::Ends;
    const EXAMPLE: &'static str =
        r#"{"phase_id": 4, "user_decided": true, "reason": "the guide is written elsewhere"}"#;

    type Args = SkipArgs;
    type Answer = ChangedAnswer;

    fn call(context: &mut Context<'_>, args: SkipArgs) -> Result<ChangedAnswer, ToolError> {
        let SkipArgs { phase_id: Id(phase), user_decided: by_user, reason } = args;
        apply(&context.workspace()?, &Command::Skip { phase, by_user, reason })
    }
}

/// Gives the work of an interrupted agent out again.
pub(crate) struct Redelegate;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RedelegateArgs {
    /// The phase. It must be in progress.
    phase_id: Id,
    /// Who takes over; the same agent when absent.
    #[serde(default)]
    agent: Option<Agent>,
    /// Why.
    #[serde(default)]
    reason: Option<String>,
}

impl Tool for Redelegate {
    const NAME: &'static str = "redelegate_phase";
    const TITLE: &'static str = "Redelegate phase";
    const DESCRIPTION: &'static str = "Record that the work of an interrupted agent is given out again, with the same scope. Use it after an interruption, for each phase that is still in progress.";
    const SCOPE: Scope = Scope::Session;
    const EFFECT: Effect = Effect::Adds;
    const EXAMPLE: &'static str = r#"{"phase_id": 3, "reason": "the host crashed"}"#;

    type Args = RedelegateArgs;
    type Answer = ChangedAnswer;

    fn call(context: &mut Context<'_>, args: RedelegateArgs) -> Result<ChangedAnswer, ToolError> {
        let RedelegateArgs { phase_id: Id(phase), agent, reason } = args;
        let agent = name(agent);
        apply(&context.workspace()?, &Command::Redelegate { phase, agent, reason })
    }
}

/// Changes the plan of a phase.
pub(crate) struct Adjust;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdjustArgs {
    /// The phase. It must not be completed.
    phase_id: Id,
    /// What it is called.
    #[serde(default)]
    name: Option<String>,
    /// Who carries it out.
    #[serde(default)]
    #[schemars(length(min = 1))]
    agents: Option<Vec<Agent>>,
    /// The phases that it waits for.
    #[serde(default)]
    blocked_by: Option<Vec<Id>>,
    /// The files that it owns, relative to the workspace.
    #[serde(default)]
    planned_files: Option<Vec<String>>,
}

impl Tool for Adjust {
    const NAME: &'static str = "adjust_phase";
    const TITLE: &'static str = "Adjust phase";
    const DESCRIPTION: &'static str = "Change the plan of a phase that is not completed: its name, agents, blockers or planned files. What is not named stays. The plan must keep its rules.";
    const SCOPE: Scope = Scope::Session;
    const EFFECT: Effect = Effect::AddsOnce;
    const EXAMPLE: &'static str = r#"{"phase_id": 3, "agents": ["debugger"]}"#;

    type Args = AdjustArgs;
    type Answer = ChangedAnswer;

    fn call(context: &mut Context<'_>, args: AdjustArgs) -> Result<ChangedAnswer, ToolError> {
        let workspace = context.workspace()?;
        let files = args.planned_files.as_deref();
        let planned_files =
            files.map(|files| paths(&workspace, "planned_files", files)).transpose()?;
        let ids = |ids: Vec<Id>| -> Vec<PhaseId> { ids.into_iter().map(|id| id.0).collect() };
        let changes = Adjustment {
            name: args.name,
            agents: args.agents.map(|agents| agents.into_iter().map(|agent| agent.0).collect()),
            blocked_by: args.blocked_by.map(ids),
            planned_files,
        };
        apply(&workspace, &Command::Adjust { phase: args.phase_id.0, changes })
    }
}

/// Records an error of a phase.
pub(crate) struct RecordError;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordErrorArgs {
    /// The phase. It must be in progress or have failed.
    phase_id: Id,
    /// What kind of error.
    #[serde(default, deserialize_with = "null_is_none")]
    #[schemars(with = "Option<FailureKind>")]
    error_type: FailureKind,
    /// What went wrong, in full.
    #[schemars(length(min = 1))]
    message: String,
    /// To whom it happened; the agent of the phase when absent.
    #[serde(default)]
    agent: Option<Agent>,
    /// What was done about it, if it is dealt with; it stays open when absent.
    #[serde(default)]
    resolution: Option<String>,
}

impl Tool for RecordError {
    const NAME: &'static str = "record_error";
    const TITLE: &'static str = "Record error";
    const DESCRIPTION: &'static str = "Record an error of a phase that goes on: a failed command, a conflict over a file, a missing dependency. The phase keeps its status; to end it \
        use `fail_phase`.";
    const SCOPE: Scope = Scope::Session;
    const EFFECT: Effect = Effect::Adds;
    const EXAMPLE: &'static str = r#"{"phase_id": 3, "error_type": "dependency", "message": "redis is not installed", "resolution": "mocked"}"#;

    type Args = RecordErrorArgs;
    type Answer = ChangedAnswer;

    fn call(context: &mut Context<'_>, args: RecordErrorArgs) -> Result<ChangedAnswer, ToolError> {
        let workspace = context.workspace()?;
        let RecordErrorArgs { phase_id: Id(phase), error_type, message, agent, resolution } = args;
        let failure = failure(&workspace, error_type, Some(message), agent, None, None);
        apply(&workspace, &Command::RecordError { phase, failure, resolution })
    }
}

/// Gives the session up.
pub(crate) struct Abort;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AbortArgs {
    /// Why.
    reason: Option<String>,
    /// Whether the user decided it, which is needed. Never true without asking the user.
    #[serde(deserialize_with = "null_is_none")]
    #[schemars(with = "Option<bool>")]
    user_decided: bool,
}

impl Tool for Abort {
    const NAME: &'static str = "abort_session";
    const TITLE: &'static str = "Abort session";
    const DESCRIPTION: &'static str = "Give the active session up, which only the user can decide. It stays where it is, as aborted, until `archive_session`. Ask the user first.";
    const SCOPE: Scope = Scope::NamedSession;
    const EFFECT: Effect = Effect::Ends;
    const EXAMPLE: &'static str = r#"{"session_id": "2026-01-15-rate-limiter", "user_decided": true, "reason": "the design was rejected"}"#;

    type Args = AbortArgs;
    type Answer = ChangedAnswer;

    fn call(context: &mut Context<'_>, args: AbortArgs) -> Result<ChangedAnswer, ToolError> {
        let AbortArgs { reason, user_decided: by_user } = args;
        apply(&context.workspace()?, &Command::Abort { by_user, reason })
    }
}
