//! Begins an archiving: looks at the documents and writes the intent.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use maestro_session_model::{
    DesignGate, Document, DocumentError, RelPath, SessionId, SessionStatus, Timestamp, UpdateError,
};
use maestro_state_store::disk::Kind;
use maestro_state_store::journal::Operation;
use maestro_state_store::state_dir::DESIGN_GATE_ENDING;
use maestro_state_store::store::{
    CommitError, Current, FileError, LockedStore, OpenError, ReadError,
};
use maestro_state_store::{Actor, ContentHash, StateDir, Store};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::finish::{Finished, finish, hash_of, take_back};
use crate::plan::{ArchivePlan, DocumentMove, KeptDocument, Present, plan};
use crate::receipt::ArchiveReceipt;

/// Who archives, and when.
#[derive(Clone, Debug)]
pub struct Archiver {
    /// The author of the operations.
    pub actor: Actor,
    /// Their time.
    pub now: Timestamp,
    /// The identity of the operation that begins an archiving.
    pub operation: Uuid,
    /// The identity of the operation that takes one back, should it come to that.
    pub withdrawal: Uuid,
}

/// How a session is archived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveRequest {
    /// The status that the archived session gets.
    pub status: SessionStatus,
    /// Documents that another session is about to be begun with; they are copied instead of moved.
    pub in_use: BTreeSet<RelPath>,
}

/// What an archiving is about to do, as the journal keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Intent {
    pub(crate) status: SessionStatus,
    pub(crate) updated: Timestamp,
    /// The name of the archived session, without its ending.
    pub(crate) archived_as: String,
    pub(crate) documents: Vec<DocumentMove>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) kept: Vec<KeptDocument>,
    /// The active document that is archived.
    pub(crate) before: ContentHash,
    /// The archived document.
    pub(crate) after: ContentHash,
    pub(crate) design_document: Option<String>,
    pub(crate) implementation_plan: Option<String>,
}

/// The name of the command in the journal.
pub(crate) const COMMAND: &str = "archive";

impl Intent {
    fn of(plan: &ArchivePlan, before: ContentHash, after: ContentHash) -> Self {
        Self {
            status: plan.session.status,
            updated: plan.session.updated,
            archived_as: plan.archived_as.clone(),
            documents: plan.documents.clone(),
            kept: plan.kept.clone(),
            before,
            after,
            design_document: plan.session.design_document.clone(),
            implementation_plan: plan.session.implementation_plan.clone(),
        }
    }

    pub(crate) fn to_command(&self) -> serde_json::Value {
        // Plain data with text keys: it always fits.
        let mut command = serde_json::to_value(self).unwrap_or_default();
        if let Some(fields) = command.as_object_mut() {
            fields.insert("command".to_owned(), COMMAND.into());
        }
        command
    }

    /// Reads the intent from the command of an operation; nothing if it is another command.
    pub(crate) fn from_command(command: &serde_json::Value) -> Option<Self> {
        if command.get("command")?.as_str()? != COMMAND {
            return None;
        }
        serde_json::from_value(command.clone()).ok()
    }

    /// The text of the archived document, made from that of the active one.
    pub(crate) fn archived_text(&self, active: &Document) -> Result<String, UpdateError> {
        let mut after = active.session().clone();
        after.status = self.status;
        after.updated = self.updated;
        after.design_document.clone_from(&self.design_document);
        after.implementation_plan.clone_from(&self.implementation_plan);
        Ok(active.update(after, "")?.document.text().to_owned())
    }
}

/// Archives the session that was opened as `current`, whose document is `document`.
///
/// Whether it may be archived is for the caller to say. An error means that the session is active as before, and so does an
/// edit by someone else meanwhile: what had been done is taken back. A receipt with [`pending`](field@ArchiveReceipt::pending)
/// means that the archiving is recorded, could be brought neither to its end nor back, and is finished by the next command.
pub fn archive(
    locked: &mut LockedStore<'_>,
    current: &Current,
    document: &Document,
    request: &ArchiveRequest,
    archiver: &Archiver,
) -> Result<ArchiveReceipt, ArchiveError> {
    let present = look(locked, &document.session().session_id, &request.in_use)?;
    let plan = plan(document.session(), &present, request.status, archiver.now);
    let intent = begin(locked, current, document, plan, archiver)?;
    let active = locked.dir().active_session();
    match finish(locked, archiver) {
        Ok(Finished::Archived(receipt)) => Ok(*receipt),
        Ok(Finished::Withdrawn { because }) => Err(ArchiveError::EditedMeanwhile { path: because }),
        Ok(Finished::Nothing | Finished::JournalMoved | Finished::Restored(_)) => {
            Err(ArchiveError::EditedMeanwhile { path: active })
        }
        // An error means that nothing has happened, so what has is taken back. Where that cannot be done either, the
        // session is on its way, and the next command brings it there.
        Err(error) => match take_back(locked, archiver) {
            Ok(true) => Err(error),
            Ok(false) | Err(_) => Ok(ArchiveReceipt::unfinished(
                locked.dir(),
                &document.session().session_id,
                &intent,
                archiver.operation,
                &error,
            )),
        },
    }
}

/// Writes the intent. Nothing is copied before it: a copy that no intent names would stay for ever.
fn begin(
    locked: &mut LockedStore<'_>,
    current: &Current,
    document: &Document,
    mut plan: ArchivePlan,
    archiver: &Archiver,
) -> Result<Intent, ArchiveError> {
    let workspace = locked.dir().workspace().to_owned();
    for moved in &mut plan.documents {
        let from = place(&workspace, &moved.from);
        let hash = hash_of(locked, &from)?.ok_or(FileError::Missing { path: from })?;
        moved.hash = Some(hash);
    }
    let mut intent = Intent::of(&plan, current.hash, current.hash);
    let text = intent.archived_text(document).map_err(|source| ArchiveError::Uneditable {
        path: locked.dir().active_session(),
        source,
    })?;
    intent.after = ContentHash::of(text.as_bytes());
    locked.append_operation(Operation {
        id: archiver.operation,
        time: plan.session.updated,
        actor: archiver.actor.clone(),
        command: intent.to_command(),
        canonical: current.operation.canonical,
    })?;
    Ok(intent)
}

/// Looks at the directories that archiving the session `id` is about. `in_use` are documents that somebody needs besides.
pub(crate) fn look(
    locked: &LockedStore<'_>,
    id: &SessionId,
    in_use: &BTreeSet<RelPath>,
) -> Result<Present, FileError> {
    let dir = locked.dir();
    let archived_plans = locked.list(&dir.archived_plans())?;
    let mut in_use = in_use.clone();
    in_use.extend(approved_designs(locked.store(), Some(id))?);
    let (mut in_plans, mut no_files) = (BTreeSet::new(), BTreeSet::new());
    for (path, kind) in entries_in_plans(locked.store())? {
        match kind {
            Kind::File => in_plans.insert(path),
            Kind::Directory | Kind::Symlink | Kind::Other => no_files.insert(path),
        };
    }
    Ok(Present {
        workspace: dir.workspace().to_string_lossy().into_owned(),
        plans: dir.relative().join("plans").ok(),
        in_plans,
        no_files,
        in_use,
        in_archived_plans: archived_plans.into_iter().map(|listed| listed.name).collect(),
        in_archive: names_in_archive(locked)?,
    })
}

/// The names in `state/archive/` that are taken.
pub(crate) fn names_in_archive(locked: &LockedStore<'_>) -> Result<BTreeSet<String>, FileError> {
    let listed = locked.list(&locked.dir().archive())?;
    Ok(listed.into_iter().map(|listed| listed.name).collect())
}

/// What is below `plans/`, except below `plans/archive/`, relative to the workspace, in order.
pub(crate) fn entries_in_plans(store: &Store) -> Result<Vec<(RelPath, Kind)>, FileError> {
    let dir = store.dir();
    let archive = dir.archived_plans();
    let below = store.entries_below(&dir.plans(), &|below| below != archive)?.into_iter();
    Ok(below.filter_map(|below| Some((in_workspace(dir, &below.path)?, below.kind))).collect())
}

/// A path of the workspace as its sessions name it; nothing for one that has no such name.
pub(crate) fn in_workspace(dir: &StateDir, path: &Path) -> Option<RelPath> {
    RelPath::parse(path.strip_prefix(dir.workspace()).ok()?.to_str()?).ok()
}

/// The designs that were approved for sessions other than `id`, which are to be begun with them.
pub(crate) fn approved_designs(
    store: &Store,
    id: Option<&SessionId>,
) -> Result<Vec<RelPath>, FileError> {
    let dir = store.dir();
    let own = id.map(|id| dir.design_gate(id));
    let workspace = dir.workspace().to_string_lossy();
    let mut designs = Vec::new();
    for listed in store.list(&dir.state())? {
        let path = dir.state().join(&listed.name);
        if !listed.name.ends_with(DESIGN_GATE_ENDING) || Some(&path) == own.as_ref() {
            continue;
        }
        // A gate that cannot be read names nothing.
        let bytes = store.read_file(&path).ok().flatten();
        let gate = bytes.and_then(|bytes| DesignGate::parse(&bytes).ok());
        let named = gate.and_then(|gate| gate.design_document_path);
        designs.extend(named.and_then(|named| RelPath::within(&workspace, &named).ok()));
    }
    Ok(designs)
}

/// Where a path of the workspace is on the disk.
pub(crate) fn place(workspace: &Path, path: &RelPath) -> PathBuf {
    workspace.join(path.as_str())
}

/// Where a file is that goes with an archived session; [`archived_file`](crate::archived_file) is where the session is.
pub(crate) fn archived_place(dir: &StateDir, archived_as: &str, ending: &str) -> PathBuf {
    dir.archive().join(format!("{archived_as}{ending}"))
}

/// Why a session could not be archived, or an archiving not be finished.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// A file that was to be moved was edited meanwhile. The session is active as before.
    #[error("`{}` was edited while the session was being archived", path.display())]
    EditedMeanwhile {
        /// The file.
        path: PathBuf,
    },
    /// The archived document would differ from the active one in more than it should.
    #[error("`{}` cannot be changed", path.display())]
    Uneditable {
        /// The document.
        path: PathBuf,
        /// What is in the way.
        #[source]
        source: UpdateError,
    },
    /// The active document is not what it was when the archiving began.
    #[error("`{}` is not a valid session", path.display())]
    Unreadable {
        /// The document.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: DocumentError,
    },
    /// Neither the active document nor its archived copy is there.
    #[error("the session was being archived, but neither `{}` nor `{}` is there", active.display(), archived.display())]
    Lost {
        /// The active document.
        active: PathBuf,
        /// The archived one.
        archived: PathBuf,
    },
    /// Another file is where the archived session belongs.
    #[error("`{}` is not the session that was being archived there", path.display())]
    PlaceTaken {
        /// The place.
        path: PathBuf,
    },
    /// A file could not be read, copied, moved or removed.
    #[error(transparent)]
    File(#[from] FileError),
    /// The journal could not be written.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The journal could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The journal could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl ArchiveError {
    /// Returns the stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::EditedMeanwhile { .. } | Self::PlaceTaken { .. } => "CONFLICT",
            Self::Uneditable { .. } => "UNEDITABLE",
            Self::Unreadable { .. } => "CORRUPT",
            Self::Lost { .. } => "SESSION_FILE_MISSING",
            Self::File(error) => error.code(),
            Self::Commit(error) => error.code(),
            Self::Open(error) => error.code(),
            Self::Read(error) => error.code(),
        }
    }

    /// Returns what to do next, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::EditedMeanwhile { .. } => {
                Some("nothing was archived; try again once the file is no longer being edited".to_owned())
            }
            Self::Uneditable { .. } => Some(
                "write `status`, `updated` and the document paths as plain `key: value` lines in the \
                 front matter, then try again"
                    .to_owned(),
            ),
            Self::Unreadable { .. } => None,
            Self::Lost { active, .. } => Some(format!(
                "put the last recorded text back: `maestro log --document > last.md`, then copy it to `{}`",
                active.display()
            )),
            Self::PlaceTaken { path } => {
                Some(format!("move `{}` elsewhere, then try again", path.display()))
            }
            Self::File(error) => error.hint(),
            Self::Commit(error) => error.hint(),
            Self::Open(error) => error.hint(),
            Self::Read(error) => error.hint(),
        }
    }
}
