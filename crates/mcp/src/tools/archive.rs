//! Ending a session.

use maestro_session::ArchiveOptions;
use maestro_session::model::SessionStatus;
use schemars::JsonSchema;
use serde::Serialize;

use crate::context::Context;
use crate::error::ToolError;
use crate::tool::{Effect, Scope, Tool};
use crate::tools::status::{NoArgs, word};

/// Archives the active session.
pub(crate) struct Archive;

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Archived {
    success: bool,
    /// The archived session, as an absolute path.
    archive_path: String,
    /// Everything that was archived, as absolute paths: the session, then its design and its plan.
    archived_files: Vec<String>,
    /// The session.
    session_id: String,
    /// The status that it was archived with.
    status: &'static str,
    /// Whether everything is where it belongs.
    verified: bool,
    /// What is not, one sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed_checks: Vec<String>,
    /// Documents of the session that were not moved, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    kept: Vec<Kept>,
    /// Files in `plans/` that belong to no session that is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    strangers: Vec<String>,
    /// Why it has not come to its end yet; the next call that changes something finishes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<String>,
    /// What the user should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// A document that stays where it is.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Kept {
    path: String,
    reason: String,
}

impl Tool for Archive {
    const NAME: &'static str = "archive_session";
    const TITLE: &'static str = "Archive session";
    const DESCRIPTION: &'static str = "End the active session: move it with its design and plan to the archive, verified, nothing overwritten. Use it when all phases are done and reviewed, or \
        when the user wants to end the session or begin another. Unfinished phases are no obstacle; a phase that has to be \
        reconciled is.";
    const SCOPE: Scope = Scope::NamedSession;
    const EFFECT: Effect = Effect::Ends;
    const EXAMPLE: &'static str = r#"{"session_id": "2026-01-15-rate-limiter"}"#;

    type Args = NoArgs;
    type Answer = Archived;

    fn call(context: &mut Context<'_>, _: NoArgs) -> Result<Archived, ToolError> {
        let workspace = context.workspace()?;
        // Clients archive unfinished sessions and expect them to be completed.
        let options = ArchiveOptions {
            force: true,
            status: None,
            unfinished: Some(SessionStatus::Completed),
        };
        let receipt = workspace.archive(options)?;
        let root = workspace.state_dir().workspace();
        let absolute = |path: &String| root.join(path).to_string_lossy().into_owned();
        let failed = receipt.checks.iter().filter(|check| !check.passed);
        let kept = receipt.kept.iter();
        Ok(Archived {
            success: true,
            archive_path: absolute(&receipt.archive_path),
            archived_files: receipt.archived_files.iter().map(absolute).collect(),
            session_id: receipt.session_id.to_string(),
            status: receipt.status.as_str(),
            verified: receipt.is_verified(),
            failed_checks: failed.map(|check| check.name.to_string()).collect(),
            kept: kept
                .map(|kept| Kept { path: kept.path.clone(), reason: word(&kept.reason) })
                .collect(),
            strangers: receipt.strangers,
            pending: receipt.pending,
            warnings: receipt.notes,
        })
    }
}
