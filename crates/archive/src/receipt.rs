//! What an archiving did, and whether everything is where it belongs.

use maestro_session_model::{RelPath, SessionId, SessionStatus};
use maestro_state_store::StateDir;
use maestro_state_store::disk::Kind;
use maestro_state_store::journal::Operation;
use maestro_state_store::store::LockedStore;
use serde::Serialize;
use uuid::Uuid;

use crate::archived::archived_file;
use crate::execute::{ArchiveError, Intent, entries_in_plans};
use crate::plan::KeptDocument;
use crate::verify::{Check, verify_now};

/// What an archiving did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ArchiveReceipt {
    /// The session.
    pub session_id: SessionId,
    /// The operation, as the journal knows it.
    pub operation: Uuid,
    /// The status that the session was archived with.
    pub status: SessionStatus,
    /// The archived session, relative to the workspace.
    pub archive_path: String,
    /// Everything that was archived, at its new place: the session, then its design and its plan.
    pub archived_files: Vec<String>,
    /// What got another name because its own was taken: old place, new place.
    pub renamed: Vec<(String, String)>,
    /// Documents of the session that were not moved, and why.
    pub kept: Vec<KeptDocument>,
    /// Files in `plans/` that do not belong to this session.
    pub strangers: Vec<String>,
    /// The checks of the archive protocol.
    pub checks: Vec<Check>,
    /// What else the user should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Why it has not come to its end yet. The next command that changes something finishes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<String>,
}

impl ArchiveReceipt {
    /// The receipt of an archiving that is recorded and could be brought neither to its end nor back.
    pub(crate) fn unfinished(
        dir: &StateDir,
        session_id: &SessionId,
        intent: &Intent,
        operation: Uuid,
        because: &ArchiveError,
    ) -> Self {
        let pending = Some(because.to_string());
        Self { pending, ..Self::unchecked(dir, session_id, intent, operation) }
    }

    /// What the intent says, with nothing looked at yet.
    pub(crate) fn unchecked(
        dir: &StateDir,
        session_id: &SessionId,
        intent: &Intent,
        operation: Uuid,
    ) -> Self {
        let archive_path = dir.show(&archived_file(dir, &intent.archived_as));
        let mut archived_files = vec![archive_path.clone()];
        archived_files.extend(intent.documents.iter().map(|moved| moved.to.to_string()));
        Self {
            session_id: session_id.clone(),
            operation,
            status: intent.status,
            archive_path,
            archived_files,
            renamed: renamed(dir, session_id, intent),
            kept: intent.kept.clone(),
            strangers: Vec::new(),
            checks: Vec::new(),
            notes: Vec::new(),
            pending: None,
        }
    }

    /// Whether all checks passed.
    pub fn is_verified(&self) -> bool {
        self.pending.is_none() && self.checks.iter().all(|check| check.passed)
    }
}

/// Checks that everything is where it belongs. A leftover is removed if its copy in the archive is identical.
pub(crate) fn verify(
    locked: &mut LockedStore<'_>,
    session_id: &SessionId,
    intent: &Intent,
    operation: &Operation,
) -> Result<ArchiveReceipt, ArchiveError> {
    let checks = verify_now(locked, intent)?;
    let dir = locked.dir().clone();
    let ours = |file: &RelPath| intent.documents.iter().any(|moved| moved.from == *file);
    let entries = entries_in_plans(locked.store())?.into_iter();
    let strangers = entries.filter(|(path, kind)| *kind == Kind::File && !ours(path));
    Ok(ArchiveReceipt {
        strangers: strangers.map(|(path, _)| path.to_string()).collect(),
        checks,
        ..ArchiveReceipt::unchecked(&dir, session_id, intent, operation.id)
    })
}

/// What got another name than its own: the session, then its documents.
fn renamed(dir: &StateDir, session_id: &SessionId, intent: &Intent) -> Vec<(String, String)> {
    let place = |name: &str| dir.show(&archived_file(dir, name));
    let session = (intent.archived_as != session_id.as_str())
        .then(|| (place(session_id.as_str()), place(&intent.archived_as)));
    let documents =
        intent.documents.iter().filter(|moved| moved.from.file_name() != moved.to.file_name());
    let documents = documents.map(|moved| (moved.from.to_string(), moved.to.to_string()));
    session.into_iter().chain(documents).collect()
}
