//! Brings an archived session back: decides, writes the intent, carries it out.
//!
//! The intent is the operation that brings the session back, with the whole document; committing it makes the session one that
//! is not archived. Every step after it looks before it acts, so that it can be done again. The order is: session file,
//! journal, ledger, documents, archived file, and then the operation is marked as done. So whoever reads meanwhile finds the
//! session at least once.

use std::path::Path;

use maestro_session_model::{Document, SessionId};
use maestro_state_store::disk::Kind;
use maestro_state_store::journal::{Newest, Operation};
use maestro_state_store::store::{FileError, LockedStore, Placed, Removal};
use maestro_state_store::{ContentHash, StateDir, Store};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::archived::archived_file;
use crate::catalogue::archived_name;
use crate::error::RetrieveError;
use crate::execute::{Archiver, archived_place, entries_in_plans, place};
use crate::finish::{Finished, finish, hash_of, is_of_another};
use crate::journal::{JournalOfArchived, find_journal};
use crate::plan::KeptDocument;
use crate::restore::plan::{PresentDocuments, RestorePlan, ReturningDocument, plan_restoring};

pub(crate) mod plan;

/// The name of the command in the journal.
pub(crate) const COMMAND: &str = "restore";

/// What restoring a session did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RestoreReceipt {
    /// The session.
    pub session_id: SessionId,
    /// The operation, as the journal knows it.
    pub operation: Uuid,
    /// Where it was archived, relative to the workspace.
    pub restored_from: String,
    /// The session file, relative to the workspace.
    pub path: String,
    /// The documents that came back: old place, new place.
    pub documents: Vec<(String, String)>,
    /// Those of them that got another name because theirs was taken: old place, new place.
    pub renamed: Vec<(String, String)>,
    /// Documents of the session that stay where they are, and why.
    pub kept: Vec<KeptDocument>,
    /// Whether the journal goes on; if not, a new one has begun.
    pub continues_journal: bool,
    /// Whether the file was edited while it was archived. It came back as it was then.
    pub was_edited: bool,
    /// What else the user should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Why it has not come to its end yet. The next command that changes something finishes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<String>,
}

/// What restoring a session is about to do, as the journal keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RestoreIntent {
    /// The name of the archived session, without its ending.
    archived_as: String,
    /// The archived document.
    archived: ContentHash,
    /// The name that the files of its journal in the archive begin with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    journal: Option<String>,
    /// Whether it has a ledger in the archive.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    has_ledger: bool,
    documents: Vec<ReturningDocument>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    kept: Vec<KeptDocument>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    was_edited: bool,
}

impl RestoreIntent {
    fn to_command(&self) -> serde_json::Value {
        // Plain data with text keys: it always fits.
        let mut command = serde_json::to_value(self).unwrap_or_default();
        if let Some(fields) = command.as_object_mut() {
            fields.insert("command".to_owned(), COMMAND.into());
            if self.was_edited {
                fields.insert("reason".to_owned(), "edited while it was archived".into());
            }
        }
        command
    }

    /// Reads the intent from the command of an operation; nothing if it is another command.
    fn from_command(command: &serde_json::Value) -> Option<Self> {
        if command.get("command")?.as_str()? != COMMAND {
            return None;
        }
        serde_json::from_value(command.clone()).ok()
    }
}

/// Whether an operation brings back a session from the archive, and not all of it is done.
pub fn begins_restoring(operation: &Newest) -> bool {
    intent_of(operation).is_some()
}

/// What is left to be done of an operation that brings back a session.
fn intent_of(operation: &Newest) -> Option<RestoreIntent> {
    if operation.done || operation.abandoned || operation.archived {
        return None;
    }
    RestoreIntent::from_command(&operation.record.operation.command)
}

/// Whether a recorded command brought a session back.
pub fn is_restoring(command: &serde_json::Value) -> bool {
    command.get("command").and_then(serde_json::Value::as_str) == Some(COMMAND)
}

/// Brings back the session that is archived as `id`, or as the only name that begins so.
///
/// That there is no active session, and nothing left unfinished, is for the caller to make sure of. An error means that
/// nothing has happened, unless its code is `IN_DOUBT`. A receipt with [`pending`](field@RestoreReceipt::pending) means that
/// the session is back, and that the rest is finished by the next command.
pub fn restore(
    store: &Store,
    locked: &mut LockedStore<'_>,
    id: &str,
    archiver: &Archiver,
) -> Result<RestoreReceipt, RetrieveError> {
    let archived_as = archived_name(store, id)?;
    let dir = store.dir();
    let path = archived_file(dir, &archived_as);
    let no_such = || RetrieveError::NoSuch { name: id.to_owned() };
    let bytes = locked.read_file(&path)?.ok_or_else(no_such)?;
    let hash = ContentHash::of(&bytes);
    let text =
        String::from_utf8(bytes).map_err(|_| RetrieveError::NotText { path: path.clone() })?;
    let document = Document::parse(text)
        .map_err(|source| RetrieveError::Unreadable { path: path.clone(), source })?;
    let session_id = &document.session().session_id;

    let journal = find_journal(store, &archived_as, Some(session_id))?;
    let archiving = journal.as_ref().and_then(JournalOfArchived::intent);
    let moved = archiving.as_ref().map_or(&[][..], |archiving| &archiving.documents);
    let last = journal.as_ref().map(|journal| journal.newest.record.operation.time.next());
    let now = last.map_or(archiver.now, |last| last.max(archiver.now));
    let RestorePlan { mut documents, kept, session } =
        plan_restoring(document.session(), moved, &present_documents(store)?, now);
    for document in &mut documents {
        document.hash = hash_of(locked, &place(dir.workspace(), &document.from))?;
    }
    let intent = RestoreIntent {
        archived: hash,
        journal: journal.map(|journal| journal.stem),
        has_ledger: locked.is_there(&archived_place(dir, &archived_as, ".ledger.jsonl"))?,
        documents,
        kept,
        was_edited: archiving.is_some_and(|archiving| archiving.after != hash),
        archived_as,
    };
    let time = session.updated;
    let update = document
        .update(session, "")
        .map_err(|source| RetrieveError::Uneditable { path, source })?;
    let operation = Operation {
        id: archiver.operation,
        time,
        actor: archiver.actor.clone(),
        command: intent.to_command(),
        canonical: update.document.is_canonical(),
    };
    let mut notes = Vec::new();
    let strange = if intent.journal.is_none() {
        store.archived_journal(&intent.archived_as)?.pop()
    } else {
        None
    };
    if let Some(strange) = strange {
        notes.push(format!(
            "a new journal has begun: `{}` is damaged, or that of another session, and stays",
            dir.show(&strange)
        ));
    }
    let stem = intent.journal.as_deref();
    locked.begin_restoring(session_id, stem, update.document.text(), operation)?;

    // From here on it is what anyone does who finds it begun.
    let receipt = RestoreReceipt::unfinished(dir, session_id, &intent, archiver.operation);
    match finish(locked, archiver) {
        Ok(Finished::Restored(receipt)) => {
            notes.extend(receipt.notes.clone());
            Ok(RestoreReceipt { notes, ..*receipt })
        }
        Ok(_) => {
            locked.take_back_restoring()?;
            Err(RetrieveError::PlaceTaken { path: dir.active_session() })
        }
        Err(error) => Ok(RestoreReceipt { notes, pending: Some(error.to_string()), ..receipt }),
    }
}

/// Looks at the directories of the documents.
pub fn present_documents(store: &Store) -> Result<PresentDocuments, FileError> {
    let dir = store.dir();
    let archived = store.list(&dir.archived_plans())?.into_iter().filter(|listed| listed.is_file);
    let mut present = PresentDocuments {
        workspace: dir.workspace().to_string_lossy().into_owned(),
        plans: dir.relative().join("plans").ok(),
        in_archived_plans: archived.map(|listed| listed.name).collect(),
        ..PresentDocuments::default()
    };
    for (path, kind) in entries_in_plans(store)? {
        match kind {
            Kind::Directory => present.folders.insert(path),
            Kind::File | Kind::Symlink | Kind::Other => present.in_plans.insert(path),
        };
    }
    Ok(present)
}

/// Goes on with a session that comes back, whose journal is open and whose newest operation is `newest`; nothing if it is no
/// such session, or if another one has taken the place of its file.
pub(crate) fn go_on(
    locked: &mut LockedStore<'_>,
    session_id: &SessionId,
    newest: &Newest,
) -> Result<Option<RestoreReceipt>, FileError> {
    let Some(intent) = intent_of(newest) else { return Ok(None) };
    let dir = locked.dir().clone();
    if locked.place_restored()? == Placed::Taken
        && let Some(bytes) = locked.read_file(&dir.active_session())?
        && is_of_another(&bytes, session_id)
    {
        return Ok(None);
    }
    let operation = newest.record.operation.id;
    let mut receipt = RestoreReceipt::unfinished(&dir, session_id, &intent, operation);
    let mut stays = |path: &Path, why: &str| {
        receipt.notes.push(format!("`{}` stays where it is: {why}", dir.show(path)));
    };
    if let Some(stem) = &intent.journal {
        for file in locked.move_journal_back(session_id, stem)? {
            stays(&file, "its place is taken");
        }
    }
    if intent.has_ledger {
        let ledger = archived_place(&dir, &intent.archived_as, ".ledger.jsonl");
        match locked.move_new(&ledger, &dir.ledger(session_id)) {
            Err(FileError::Taken { .. }) => stays(&ledger, "its place is taken"),
            // Moved already, perhaps by someone who died before that was durable.
            Err(FileError::Missing { .. }) if locked.is_there(&dir.ledger(session_id))? => {
                locked.make_durable(&dir.ledger(session_id))?;
            }
            Err(FileError::Missing { .. }) => {}
            moved => moved?,
        }
    }
    for document in &intent.documents {
        if let Some(why) = bring_back(locked, document)? {
            stays(&place(dir.workspace(), &document.from), why);
        }
    }
    // The last: until now, everything could be had from the archive as well.
    let archived = archived_file(&dir, &intent.archived_as);
    if locked.remove_if_hash(&archived, intent.archived)? == Removal::Changed {
        stays(&archived, "it was edited after the session had come back");
    }
    locked.end_restoring()?;
    Ok(Some(receipt))
}

/// Brings a document back; says why its original stays, if it does and should not.
fn bring_back(
    locked: &mut LockedStore<'_>,
    document: &ReturningDocument,
) -> Result<Option<&'static str>, FileError> {
    let workspace = locked.dir().workspace().to_owned();
    let (from, to) = (place(&workspace, &document.from), place(&workspace, &document.to));
    let copied = match (hash_of(locked, &from)?, hash_of(locked, &to)?) {
        (Some(_), None) => locked.copy_to_new(&from, &to)?,
        (Some(original), Some(copy)) if original != copy => {
            return Ok(Some("another text is where it belongs"));
        }
        (_, Some(copy)) => {
            // Whoever made the copy may have died before it was durable.
            locked.make_durable(&to)?;
            copy
        }
        (None, None) => return Ok(Some("it is gone")),
    };
    if !document.is_copied && locked.remove_if_hash(&from, copied)? == Removal::Changed {
        return Ok(Some("it was edited while it was copied"));
    }
    Ok(None)
}

impl RestoreReceipt {
    /// What the intent says, with nothing looked at yet.
    fn unfinished(
        dir: &StateDir,
        session_id: &SessionId,
        intent: &RestoreIntent,
        operation: Uuid,
    ) -> Self {
        let pair =
            |document: &ReturningDocument| (document.from.to_string(), document.to.to_string());
        let renamed = intent.documents.iter().filter(|document| document.is_renamed);
        Self {
            session_id: session_id.clone(),
            operation,
            restored_from: dir.show(&archived_file(dir, &intent.archived_as)),
            path: dir.show(&dir.active_session()),
            documents: intent.documents.iter().map(pair).collect(),
            renamed: renamed.map(pair).collect(),
            kept: intent.kept.clone(),
            continues_journal: intent.journal.is_some(),
            was_edited: intent.was_edited,
            notes: Vec::new(),
            pending: None,
        }
    }
}
