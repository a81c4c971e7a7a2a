//! What can be done next.

use maestro_session::model::PhaseStatus;
use maestro_session::{PhaseView, SessionError, Status};
use schemars::JsonSchema;
use serde::Serialize;

use crate::args::{Id, ids};
use crate::context::Context;
use crate::error::ToolError;
use crate::tool::{Effect, Scope, Tool};
use crate::tools::status::NoArgs;

/// Says what can be done next.
pub(crate) struct GetNext;

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct NextAnswer {
    /// The session.
    session_id: String,
    /// Its status. One that is not `in_progress` has ended: nothing is left but `archive_session`.
    status: &'static str,
    /// The phases that can start now, with what their agents need.
    ready: Vec<NextPhase>,
    /// The phases in progress.
    in_progress: Vec<NextPhase>,
    /// The phases that failed, and wait for `retry_phase` or `skip_phase`.
    failed: Vec<NextPhase>,
    /// The phases that wait for others.
    blocked: Vec<BlockedPhase>,
    /// The completed phases whose records have to be put right with `reconcile_phase`.
    to_reconcile: Vec<Id>,
    /// Whether all phases are done and none waits for reconciliation: review, then call `archive_session`.
    ready_to_archive: bool,
}

/// A phase that something can be done about.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct NextPhase {
    id: Id,
    name: String,
    agents: Vec<String>,
    /// Whether it may run beside others.
    parallel: bool,
    /// The files that the plan gives to it.
    planned_files: Vec<String>,
    /// How often it was retried.
    retry_count: u64,
    /// How many of its errors are not resolved.
    open_errors: usize,
}

/// A phase that waits for others.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BlockedPhase {
    id: Id,
    name: String,
    /// What it waits for.
    waits_for: Vec<Id>,
}

impl From<&PhaseView> for NextPhase {
    fn from(phase: &PhaseView) -> Self {
        Self {
            id: Id::from(&phase.id),
            name: phase.name.clone(),
            agents: phase.agents.clone(),
            parallel: phase.parallel,
            planned_files: phase.planned_files.clone(),
            retry_count: phase.retry_count,
            open_errors: phase.open_errors,
        }
    }
}

impl Tool for GetNext {
    const NAME: &'static str = "get_next_phases";
    const TITLE: &'static str = "Get next phases";
    const DESCRIPTION: &'static str = "List the phases that can start now, with agents and planned files; those in progress, those that failed and need a decision, and what the others wait for. Use it to decide \
        what to delegate next.";
    const SCOPE: Scope = Scope::Session;
    const EFFECT: Effect = Effect::Reads;
    const EXAMPLE: &'static str = "{}";

    type Args = NoArgs;
    type Answer = NextAnswer;

    fn call(context: &mut Context<'_>, _: NoArgs) -> Result<NextAnswer, ToolError> {
        let workspace = context.workspace()?;
        let Status::Active(view) = workspace.status()? else {
            let dir = workspace.state_dir().root().to_owned();
            return Err(SessionError::NoSession { dir }.into());
        };
        let with = |status| view.phases_in(status).map(NextPhase::from).collect();
        let waiting =
            view.phases_in(PhaseStatus::Pending).filter(|phase| !phase.waits_for.is_empty());
        let blocked = waiting.map(|phase| BlockedPhase {
            id: Id::from(&phase.id),
            name: phase.name.clone(),
            waits_for: ids(&phase.waits_for),
        });
        Ok(NextAnswer {
            session_id: view.session_id.to_string(),
            status: view.status.as_str(),
            ready: view.ready_phases().map(NextPhase::from).collect(),
            in_progress: with(PhaseStatus::InProgress),
            failed: with(PhaseStatus::Failed),
            blocked: blocked.collect(),
            to_reconcile: view.phases_to_reconcile().map(|phase| Id::from(&phase.id)).collect(),
            ready_to_archive: view.ready_to_archive,
        })
    }
}
