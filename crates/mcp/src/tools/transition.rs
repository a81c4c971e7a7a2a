//! From one phase to the next, in one step.

use maestro_session::Workspace;
use maestro_session::model::{Command, Handoff, PhaseId, PhaseStatus};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::args::{self, DownstreamArgs, Files, Id, Tokens, given, ids};
use crate::context::Context;
use crate::error::ToolError;
use crate::tool::{Effect, Scope, Tool};
use crate::tools::status::ids_where;

/// Completes a phase and starts others.
pub(crate) struct Transition;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TransitionArgs {
    /// The phase that ended well. It must be in progress.
    completed_phase_id: Option<Id>,
    /// The phase that starts. Its blockers must be completed or skipped.
    next_phase_id: Option<Id>,
    /// The phases that start, as a parallel batch; in place of next_phase_id.
    next_phase_ids: Option<Vec<Id>>,
    /// The parallel batch that is carried out from now on; null for none.
    #[serde(deserialize_with = "given")]
    #[schemars(with = "Option<String>")]
    batch_id: Option<Option<String>>,
    /// What later phases need to know of the completed one. Required when files are named.
    downstream_context: Option<DownstreamArgs>,
    /// Files that the completed phase created, relative to the workspace.
    files_created: Option<Vec<String>>,
    /// Files that it modified.
    files_modified: Option<Vec<String>>,
    /// Files that it deleted.
    files_deleted: Option<Vec<String>>,
    /// The tokens that it took.
    token_usage: Option<Tokens>,
    /// The agent's handoff report, word for word: files and context are read from it, in addition to those named.
    report: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Transitioned {
    success: bool,
    /// Where the session stands now.
    session_state_summary: Summary,
    /// The phases that have started. With next_phase_ids only.
    #[serde(skip_serializing_if = "Option::is_none")]
    started_phase_ids: Option<Vec<Id>>,
    /// The phases that can start now.
    ready_phase_ids: Vec<Id>,
    /// Whether all phases are done and none waits for reconciliation: review, then call `archive_session`.
    ready_to_archive: bool,
    /// The operation: `undo_operation` takes it back.
    operation: String,
    /// What the user should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// Where a session stands.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Summary {
    /// The phase that is being carried out or comes next.
    current_phase: Option<Id>,
    completed_phases: Vec<Id>,
    pending_phases: Vec<Id>,
    in_progress_phases: Vec<Id>,
    failed_phases: Vec<Id>,
}

impl Tool for Transition {
    const NAME: &'static str = "transition_phase";
    const TITLE: &'static str = "Transition phase";
    const DESCRIPTION: &'static str = "Complete a phase with what its agent handed over, and start the next one or a parallel batch, all in one step or not at all. Call it right after \
        each agent's report: with completed_phase_id, the files and the downstream_context (or the whole report), and with what starts \
        next. For a phase that failed use `fail_phase`.";
    const SCOPE: Scope = Scope::Session;
    const EFFECT: Effect = Effect::Adds;
    const EXAMPLE: &'static str = r#"{"session_id": "2026-01-15-rate-limiter", "completed_phase_id": 1, "next_phase_ids": [2, 3],
        "files_created": ["src/bucket.rs"], "downstream_context": {"key_interfaces_introduced": ["TokenBucket::take(n) -> bool"]},
        "token_usage": {"input": 12000, "output": 3400, "cached": 9000}}"#;

    type Args = TransitionArgs;
    type Answer = Transitioned;

    fn call(context: &mut Context<'_>, args: TransitionArgs) -> Result<Transitioned, ToolError> {
        let is_batch = args.next_phase_ids.as_ref().is_some_and(|ids| !ids.is_empty());
        let start = next_phases(&args)?;
        let workspace = context.workspace()?;
        let completed = args.completed_phase_id.as_ref().map(|id| id.0.clone());
        let (handoff, notes) = handoff(&workspace, completed.as_ref(), &args)?;
        let received = Received::of(&handoff, args.downstream_context.as_ref());
        let command =
            Command::Transition { phase: completed, handoff, start, batch: args.batch_id };
        let changed = workspace.apply(&command).map_err(|error| {
            let failed = ToolError::from(error);
            if failed.code == "HANDOFF_INCOMPLETE" { received.on(failed) } else { failed }
        })?;
        // What was written just now; should it have been edited since, the edit counts.
        let document = workspace.last_seen();
        let with = |status: PhaseStatus| {
            document
                .as_ref()
                .map_or_else(Vec::new, |seen| ids_where(seen, |phase| phase.status == status))
        };
        Ok(Transitioned {
            success: true,
            session_state_summary: Summary {
                current_phase: changed.current_phase.as_ref().map(Id::from),
                completed_phases: with(PhaseStatus::Completed),
                pending_phases: with(PhaseStatus::Pending),
                in_progress_phases: with(PhaseStatus::InProgress),
                failed_phases: with(PhaseStatus::Failed),
            },
            started_phase_ids: is_batch.then(|| ids(&changed.started)),
            ready_phase_ids: ids(&changed.ready),
            ready_to_archive: changed.ready_to_archive,
            operation: changed.operation.to_string(),
            warnings: notes.into_iter().chain(changed.warnings).collect(),
        })
    }
}

const SAYS_FAILED: &str = "the report says that the agent failed, and the phase is completed all the same; \
    `undo_operation` takes that back, then `fail_phase` records the failure";

/// The phases that are to start.
fn next_phases(args: &TransitionArgs) -> Result<Vec<PhaseId>, ToolError> {
    let several = args.next_phase_ids.as_deref().unwrap_or_default();
    let refused = |problem: &str| {
        ToolError::invalid(problem)
            .hint("give completed_phase_id, next_phase_id or next_phase_ids; the last two exclude each other")
    };
    if args.next_phase_id.is_some() && !several.is_empty() {
        return Err(refused("next_phase_id and next_phase_ids are mutually exclusive"));
    }
    if args.completed_phase_id.is_none() && args.next_phase_id.is_none() && several.is_empty() {
        return Err(refused(
            "transition_phase needs at least one of completed_phase_id, next_phase_id and next_phase_ids",
        ));
    }
    Ok(args.next_phase_id.iter().chain(several).map(|id| id.0.clone()).collect())
}

/// What the agent hands over: what its report says, and what the call names.
fn handoff(
    workspace: &Workspace,
    phase: Option<&PhaseId>,
    args: &TransitionArgs,
) -> Result<(Handoff, Vec<String>), ToolError> {
    let (mut handoff, notes) = match (&args.report, phase) {
        (Some(report), Some(phase)) => {
            let mut read = workspace.read_report(phase, report)?;
            if read.says_failed {
                read.notes.push(SAYS_FAILED.to_owned());
            }
            (read.handoff, read.notes)
        }
        (Some(_), None) => {
            return Err(ToolError::invalid("`report`: it is of no phase")
                .hint("name the phase that it is of in completed_phase_id")
                .detail("field", "report"));
        }
        (None, _) => (Handoff::default(), Vec::new()),
    };
    let files = Files {
        created: args.files_created.as_deref().unwrap_or_default(),
        modified: args.files_modified.as_deref().unwrap_or_default(),
        deleted: args.files_deleted.as_deref().unwrap_or_default(),
    };
    files.add_to(&mut handoff, workspace)?;
    if let Some(context) = &args.downstream_context {
        args::add_context(&mut handoff, context);
    }
    if let Some(tokens) = &args.token_usage {
        handoff.tokens = Some(tokens.counts());
        handoff.agent = tokens.agent.clone().map(|agent| agent.0).or(handoff.agent);
    }
    Ok((handoff, notes))
}

/// What was handed over, for a caller who finds it refused.
struct Received {
    created: usize,
    modified: usize,
    deleted: usize,
    /// The context as the call gave it; null where it gave none.
    context: Value,
}

impl Received {
    fn of(handoff: &Handoff, context: Option<&DownstreamArgs>) -> Self {
        Self {
            created: handoff.files_created.len(),
            modified: handoff.files_modified.len(),
            deleted: handoff.files_deleted.len(),
            context: context.map_or(Value::Null, DownstreamArgs::as_given),
        }
    }

    /// Puts it on an error.
    fn on(self, error: ToolError) -> ToolError {
        error
            .detail("files_created_count", self.created)
            .detail("files_modified_count", self.modified)
            .detail("files_deleted_count", self.deleted)
            .detail("received_downstream_context", self.context)
    }
}
