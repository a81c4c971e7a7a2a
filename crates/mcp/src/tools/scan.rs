//! What a phase did, where nobody has said it.

use maestro_session::model::{Command, Handoff};
use maestro_session::{ScanReport, Skipped};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::args::{self, DownstreamArgs, Files, Id, ids};
use crate::context::Context;
use crate::error::ToolError;
use crate::tool::{Effect, Scope, Tool};

/// Looks for the files that changed since a phase began.
pub(crate) struct Scan;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScanArgs {
    /// The phase.
    phase_id: Id,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Scanned {
    /// The phase.
    phase_id: Id,
    /// When it began.
    started_at: String,
    /// When the scan began.
    scanned_at: String,
    /// The files that it may have created, modified and deleted, and that are not recorded as they are now.
    candidates: CandidateFiles,
    /// How many entries were left out because git ignores them.
    ignored_count: usize,
    /// Whether there may be more. There is no limit, so there are none.
    truncated: bool,
    /// The limit; null, because there is none.
    max_files: Option<usize>,
    /// Files that changed since, but that another phase plans.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_to_others: Vec<OthersFile>,
    /// Why not all that could be known is known of the files that were there before.
    #[serde(skip_serializing_if = "Option::is_none")]
    limitation: Option<String>,
    /// Directories that were not entered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    skipped: Vec<Unseen>,
    /// What could not be looked at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<Unseen>,
}

/// Files, relative to the workspace and sorted.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CandidateFiles {
    created: Vec<String>,
    modified: Vec<String>,
    deleted: Vec<String>,
}

/// A file that another phase plans.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OthersFile {
    path: String,
    phase_id: Id,
}

/// Something that was not looked at.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Unseen {
    path: String,
    reason: String,
}

impl Tool for Scan {
    const NAME: &'static str = "scan_phase_changes";
    const TITLE: &'static str = "Scan phase changes";
    const DESCRIPTION: &'static str = "Find the files that were created, modified and deleted since a phase began and are not recorded. Use it when a phase requires reconciliation, or when an agent \
        did not say what it did; then call `reconcile_phase` with what is right. Changes nothing.";
    const SCOPE: Scope = Scope::NamedSession;
    const EFFECT: Effect = Effect::Reads;
    const EXAMPLE: &'static str = r#"{"session_id": "2026-01-15-rate-limiter", "phase_id": 1}"#;

    type Args = ScanArgs;
    type Answer = Scanned;

    fn call(context: &mut Context<'_>, args: ScanArgs) -> Result<Scanned, ToolError> {
        let report = context.workspace()?.scan_phase(&args.phase_id.0, &mut |_, _| {})?;
        Ok(scanned(report))
    }
}

fn scanned(report: ScanReport) -> Scanned {
    let texts = |files: std::collections::BTreeSet<maestro_session::model::RelPath>| {
        files.iter().map(ToString::to_string).collect()
    };
    let unseen = |skipped: Vec<Skipped>| {
        let unseen = skipped.into_iter();
        unseen.map(|skipped| Unseen { path: skipped.path, reason: skipped.reason }).collect()
    };
    let others = report.left_to_others.iter();
    Scanned {
        phase_id: Id(report.phase_id),
        started_at: report.started_at.to_string(),
        scanned_at: report.scanned_at.to_string(),
        candidates: CandidateFiles {
            created: texts(report.candidates.created),
            modified: texts(report.candidates.modified),
            deleted: texts(report.candidates.deleted),
        },
        ignored_count: report.ignored_count,
        truncated: report.truncated,
        max_files: report.max_files,
        left_to_others: others
            .map(|left| OthersFile { path: left.path.to_string(), phase_id: Id::from(&left.phase) })
            .collect(),
        limitation: report.basis.limitation,
        skipped: unseen(report.skipped),
        unreadable: unseen(report.unreadable),
    }
}

/// Puts the record of a completed phase right.
pub(crate) struct Reconcile;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReconcileArgs {
    /// The phase. It must be completed.
    phase_id: Id,
    /// Files that it created, relative to the workspace. They are added to what is recorded.
    #[serde(default)]
    files_created: Option<Vec<String>>,
    /// Files that it modified.
    #[serde(default)]
    files_modified: Option<Vec<String>>,
    /// Files that it deleted.
    #[serde(default)]
    files_deleted: Option<Vec<String>>,
    /// What later phases need to know of it.
    #[serde(default)]
    downstream_context: Option<DownstreamArgs>,
    /// Why the record was not right.
    #[serde(default)]
    reason: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Reconciled {
    success: bool,
    /// The phase.
    phase_id: Id,
    /// The files that are recorded as created now.
    files_created: Vec<String>,
    /// The files that are recorded as modified now.
    files_modified: Vec<String>,
    /// The files that are recorded as deleted now.
    files_deleted: Vec<String>,
    /// Whether all phases are done and none waits for reconciliation: review, then call `archive_session`.
    ready_to_archive: bool,
    /// The phases that can start now.
    ready_phase_ids: Vec<Id>,
    /// The operation: `undo_operation` takes it back.
    operation: String,
    /// What the user should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Tool for Reconcile {
    const NAME: &'static str = "reconcile_phase";
    const TITLE: &'static str = "Reconcile phase";
    const DESCRIPTION: &'static str = "Put the record of a completed phase right: add files and downstream context that it did not report. Needs at least one file or some context. A phase that \
        requires reconciliation blocks archiving until then.";
    const SCOPE: Scope = Scope::NamedSession;
    const EFFECT: Effect = Effect::Adds;
    const EXAMPLE: &'static str = r#"{"session_id": "2026-01-15-rate-limiter", "phase_id": 1, "files_created": ["src/bucket.rs"],
        "downstream_context": {"warnings": ["not async-safe"]}, "reason": "the agent reported nothing"}"#;

    type Args = ReconcileArgs;
    type Answer = Reconciled;

    fn call(context: &mut Context<'_>, args: ReconcileArgs) -> Result<Reconciled, ToolError> {
        let workspace = context.workspace()?;
        let mut handoff = Handoff::default();
        let files = Files {
            created: args.files_created.as_deref().unwrap_or_default(),
            modified: args.files_modified.as_deref().unwrap_or_default(),
            deleted: args.files_deleted.as_deref().unwrap_or_default(),
        };
        files.add_to(&mut handoff, &workspace)?;
        if let Some(context) = &args.downstream_context {
            args::add_context(&mut handoff, context);
        }
        let reason = args.reason.filter(|reason| !reason.trim().is_empty());
        let phase = args.phase_id.0;
        let changed =
            workspace.apply(&Command::Reconcile { phase: phase.clone(), handoff, reason })?;
        let document = workspace.last_seen();
        let recorded = document.as_ref().and_then(|seen| seen.session().phase(&phase));
        Ok(Reconciled {
            success: true,
            phase_id: Id::from(recorded.map_or(&phase, |phase| &phase.id)),
            files_created: recorded.map(|phase| phase.files_created.clone()).unwrap_or_default(),
            files_modified: recorded.map(|phase| phase.files_modified.clone()).unwrap_or_default(),
            files_deleted: recorded.map(|phase| phase.files_deleted.clone()).unwrap_or_default(),
            ready_to_archive: changed.ready_to_archive,
            ready_phase_ids: ids(&changed.ready),
            operation: changed.operation.to_string(),
            warnings: changed.warnings,
        })
    }
}
