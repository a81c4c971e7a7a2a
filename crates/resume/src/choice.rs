//! What can be done about a phase, and whether it can be done now.
//!
//! Owns which actions there are for a phase in each status, and what they mean. Whether one is possible is asked of
//! [`Guards`], the conditions that the decision itself goes by, so that nothing is offered that would be refused.

use maestro_session_model::{CommandError, CommandLine, Guards, Phase, PhaseEvent};
use serde::Serialize;

use crate::action::Action;

/// Something that can be done, and what it takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// What is done.
    #[serde(flatten)]
    pub action: Action,
    /// What that means, in a few words and none of anybody else's.
    pub means: String,
    /// The command that carries it out.
    pub command: CommandLine,
    /// The command that has to follow before an agent is at work again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub then: Option<CommandLine>,
    /// Whether only the user may decide it.
    pub needs_user: bool,
    /// Whether it is possible now. What is handed over with it is judged when it comes.
    pub possible: bool,
    /// Why it is not possible.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
}

/// Why something is not possible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The stable code for programs.
    pub code: &'static str,
    /// Why, in one sentence.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl From<CommandError> for Refusal {
    fn from(error: CommandError) -> Self {
        Self { code: error.code(), message: error.to_string(), hint: error.hint() }
    }
}

/// Returns what can be done about a phase where something went wrong: retry, skip, abort and adjust, whether they are possible
/// or not.
pub(crate) fn after_failure(phase: &Phase, guards: &Guards<'_>, max_retries: u32) -> Vec<Choice> {
    let id = || phase.id.clone();
    let retries = phase.retry_count;
    let by_user = u64::from(max_retries) <= retries;
    let means = if by_user {
        format!("try it once more, though it was retried {retries} of {max_retries} times")
    } else {
        let next = retries + 1;
        format!("try it again with the same scope, retry {next} of {max_retries}")
    };
    let retry = choice(Action::Retry { phase: id(), by_user }, guards, &means);
    let mut adjust = choice(Action::Adjust { phase: id() }, guards, ADJUST);
    adjust.then = Some(retry.command.clone());
    let skip = choice(Action::Skip { phase: id() }, guards, SKIP);
    vec![retry, skip, choice(Action::Abort, guards, ABORT), adjust]
}

/// Returns what can be done about a phase in progress, whose agent was interrupted.
pub(crate) fn after_interruption(phase: &Phase, guards: &Guards<'_>) -> Vec<Choice> {
    let id = || phase.id.clone();
    let lacks_agent = phase.agents.is_empty();
    let redelegate = choice(Action::Redelegate { phase: id() }, guards, REDELEGATE);
    let mut adjust = choice(Action::Adjust { phase: id() }, guards, ADJUST);
    adjust.then = Some(redelegate.command.clone());
    let complete = choice(Action::Complete { phase: id() }, guards, COMPLETE);
    let fail = choice(Action::Fail { phase: id(), lacks_agent }, guards, FAIL);
    vec![redelegate, complete, fail, adjust]
}

/// Returns what can be done about a phase that can begin.
pub(crate) fn to_begin(phase: &Phase, guards: &Guards<'_>) -> Vec<Choice> {
    vec![choice(Action::Start { phase: phase.id.clone() }, guards, START)]
}

/// Returns what can be done about a phase whose record has to be put right.
pub(crate) fn to_reconcile(phase: &Phase, guards: &Guards<'_>) -> Vec<Choice> {
    vec![choice(Action::Reconcile { phase: phase.id.clone() }, guards, RECONCILE)]
}

const START: &str = "begin with it";
const REDELEGATE: &str = "give the work out again, with the same scope";
const COMPLETE: &str = "if the agent's report came after all";
const FAIL: &str = "if the agent gave up";
const ADJUST: &str = "change the agent, name, blockers or planned files first";
const SKIP: &str = "leave it out; what waits for it can begin then";
const ABORT: &str = "give the whole session up";
const RECONCILE: &str = "say which files it touched and what later phases need to know";

fn choice(action: Action, guards: &Guards<'_>, means: &str) -> Choice {
    let refusal = allow(&action, guards).err().map(Refusal::from);
    Choice {
        means: means.to_owned(),
        command: action.command_line(),
        then: None,
        needs_user: needs_user(&action),
        possible: refusal.is_none(),
        refusal,
        action,
    }
}

/// Retries beyond the limit and leaving something out are the user's, and so is the end of a session.
fn needs_user(action: &Action) -> bool {
    match action {
        Action::Retry { by_user, .. } => *by_user,
        Action::Skip { .. } | Action::Abort => true,
        Action::Start { .. }
        | Action::Redelegate { .. }
        | Action::Complete { .. }
        | Action::Fail { .. }
        | Action::Adjust { .. }
        | Action::Reconcile { .. }
        | Action::Archive { .. } => false,
    }
}

/// Returns why `action` is not possible.
fn allow(action: &Action, guards: &Guards<'_>) -> Result<(), CommandError> {
    let event = |phase, event, by_user| guards.allow(phase, event, by_user).map(|_| ());
    match action {
        Action::Start { phase } => event(phase, PhaseEvent::Start, false),
        Action::Redelegate { phase } => event(phase, PhaseEvent::Redelegate, false),
        Action::Complete { phase } => event(phase, PhaseEvent::Complete, false),
        Action::Fail { phase, .. } => event(phase, PhaseEvent::Fail, false),
        Action::Retry { phase, by_user } => event(phase, PhaseEvent::Retry, *by_user),
        Action::Skip { phase } => event(phase, PhaseEvent::Skip, true),
        Action::Adjust { phase } => guards.allow_adjustment(phase),
        Action::Reconcile { phase } => guards.allow_reconciliation(phase),
        Action::Abort => guards.allow_changes(),
        // What the archive demands is the archive's to say.
        Action::Archive { .. } => Ok(()),
    }
}
