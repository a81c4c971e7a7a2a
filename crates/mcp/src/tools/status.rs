//! Where the session stands.

use std::collections::BTreeMap;
use std::sync::Arc;

use maestro_session::model::{Document, Phase};
use maestro_session::{PhaseView, SessionView};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::args::{Id, ids};
use crate::context::Context;
use crate::error::ToolError;
use crate::tool::{Effect, Scope, Tool, rendered};

/// Says where the session stands.
pub(crate) struct GetStatus;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoArgs {}

/// Where the session stands. Without a session, only `exists` and `message` are there.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct StatusAnswer {
    /// Whether there is an active session.
    exists: bool,
    /// What there is to say if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    session: Option<SessionStatusAnswer>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SessionStatusAnswer {
    /// The session.
    session_id: String,
    /// in_progress, completed, failed or aborted.
    status: &'static str,
    /// standard or express.
    workflow_mode: String,
    /// The phase that is being carried out or comes next.
    current_phase: Option<Id>,
    /// How many phases there are.
    total_phases: u64,
    /// The phases, in the order of the plan.
    phases: Vec<PhaseStatusAnswer>,
    /// simple, medium or complex.
    task_complexity: Option<String>,
    /// parallel or sequential.
    execution_mode: Option<String>,
    /// The parallel batch that is being carried out.
    current_batch: Option<String>,
    /// Tokens used.
    token_usage: UsageAnswer,
    /// What the user asked for.
    task: String,
    /// When the session was created.
    created: String,
    /// When it last changed.
    updated: String,
    /// The design document.
    design_document: Option<String>,
    /// The implementation plan.
    implementation_plan: Option<String>,
    /// How many phases are in each status.
    progress: ProgressAnswer,
    /// The phases that can start now: none while no slot is free.
    ready_phase_ids: Vec<Id>,
    /// Whether all phases are done and none waits for reconciliation: review, then call `archive_session`.
    ready_to_archive: bool,
    /// Rules that the session file breaks, after an edit by hand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    violations: Vec<String>,
}

/// A phase. What is zero, empty or false is left out beyond the first four.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PhaseStatusAnswer {
    id: Id,
    name: String,
    /// pending, in_progress, completed, failed or skipped.
    status: &'static str,
    /// Who carries it out.
    agent: Option<String>,
    /// Its blockers that are not done.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    waits_for: Vec<Id>,
    /// How often it was retried.
    #[serde(skip_serializing_if = "is_zero")]
    retry_count: u64,
    /// How many of its errors are not resolved.
    #[serde(skip_serializing_if = "is_zero")]
    open_errors: usize,
    /// Whether its record has to be put right with `reconcile_phase`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    requires_reconciliation: bool,
}

fn is_zero<N: Default + PartialEq>(count: &N) -> bool {
    *count == N::default()
}

/// Tokens, in total and by agent.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct UsageAnswer {
    total_input: u64,
    total_output: u64,
    total_cached: u64,
    by_agent: BTreeMap<String, CountsAnswer>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CountsAnswer {
    input: u64,
    output: u64,
    cached: u64,
}

/// How many phases are in each status.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ProgressAnswer {
    pending: usize,
    in_progress: usize,
    completed: usize,
    failed: usize,
    skipped: usize,
}

impl From<maestro_session::Progress> for ProgressAnswer {
    fn from(progress: maestro_session::Progress) -> Self {
        let maestro_session::Progress { pending, in_progress, completed, failed, skipped } =
            progress;
        Self { pending, in_progress, completed, failed, skipped }
    }
}

/// A status that was shown, and of what: as long as nothing changed, it is shown again.
#[derive(Debug)]
pub(crate) struct Shown {
    document: Arc<Document>,
    max_concurrent: u32,
    text: String,
}

impl Tool for GetStatus {
    const NAME: &'static str = "get_session_status";
    const TITLE: &'static str = "Get session status";
    const DESCRIPTION: &'static str = "Show where the active session stands: its phases with their status, what each waits for, retries, open errors, tokens, what can \
        start now. Use it whenever you need to know the state; never guess it or read the file instead. Takes no lock.";
    const SCOPE: Scope = Scope::Session;
    const EFFECT: Effect = Effect::Reads;
    const EXAMPLE: &'static str = "{}";

    type Args = NoArgs;
    type Answer = StatusAnswer;

    fn call(context: &mut Context<'_>, _: NoArgs) -> Result<StatusAnswer, ToolError> {
        let workspace = context.workspace()?;
        let document = workspace.read()?;
        Ok(document.map_or_else(none, |document| some(workspace.view(&document))))
    }

    fn answer(context: &mut Context<'_>, _: NoArgs) -> Result<String, ToolError> {
        let workspace = context.workspace()?;
        let document = workspace.read()?;
        let max_concurrent = workspace.settings().max_concurrent.value;
        let shown = &mut context.worker().shown;
        let is_same = |shown: &&Shown| {
            shown.max_concurrent == max_concurrent
                && document.as_ref().is_some_and(|document| Arc::ptr_eq(document, &shown.document))
        };
        if let Some(shown) = shown.as_ref().filter(is_same) {
            return Ok(shown.text.clone());
        }
        let Some(document) = document else { return rendered(&none()) };
        let text = rendered(&some(workspace.view(&document)))?;
        *shown = Some(Shown { document, max_concurrent, text: text.clone() });
        Ok(text)
    }
}

fn none() -> StatusAnswer {
    StatusAnswer { message: Some("No active session found"), ..StatusAnswer::default() }
}

fn some(view: SessionView) -> StatusAnswer {
    StatusAnswer { exists: true, message: None, session: Some(session_answer(view)) }
}

fn session_answer(view: SessionView) -> SessionStatusAnswer {
    let by_agent = view.token_usage.by_agent.into_iter();
    let by_agent = by_agent.map(|(agent, counts)| {
        (agent, CountsAnswer { input: counts.input, output: counts.output, cached: counts.cached })
    });
    SessionStatusAnswer {
        session_id: view.session_id.to_string(),
        status: view.status.as_str(),
        workflow_mode: word(&view.workflow_mode),
        current_phase: view.current_phase.as_ref().map(Id::from),
        total_phases: view.total_phases,
        ready_phase_ids: ids(&view.ready),
        phases: view.phases.into_iter().map(phase_answer).collect(),
        task_complexity: view.task_complexity.as_ref().map(word),
        execution_mode: view.execution_mode.as_ref().map(word),
        current_batch: view.current_batch,
        token_usage: UsageAnswer {
            total_input: view.token_usage.total_input,
            total_output: view.token_usage.total_output,
            total_cached: view.token_usage.total_cached,
            by_agent: by_agent.collect(),
        },
        task: view.task,
        created: view.created.to_string(),
        updated: view.updated.to_string(),
        design_document: view.design_document,
        implementation_plan: view.implementation_plan,
        progress: view.progress.into(),
        ready_to_archive: view.ready_to_archive,
        violations: view.violations,
    }
}

/// Returns a phase as it is answered.
pub(crate) fn phase_answer(phase: PhaseView) -> PhaseStatusAnswer {
    PhaseStatusAnswer {
        id: Id(phase.id),
        name: phase.name,
        status: phase.status.as_str(),
        agent: phase.agent,
        waits_for: phase.waits_for.into_iter().map(Id).collect(),
        retry_count: phase.retry_count,
        open_errors: phase.open_errors,
        requires_reconciliation: phase.requires_reconciliation,
    }
}

/// A value that is a word in JSON.
pub(crate) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(_) | Err(_) => String::new(),
    }
}

/// The ids of the phases of a session that are so.
pub(crate) fn ids_where(document: &Document, is_so: impl Fn(&Phase) -> bool) -> Vec<Id> {
    ids(document.session().phases.iter().filter(|phase| is_so(phase)).map(|phase| &phase.id))
}
