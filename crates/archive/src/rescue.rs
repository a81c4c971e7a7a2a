//! Archives what is left of a session: one whose document is gone or belongs to another, or a document that nobody can read.
//!
//! Moves no design and no plan: whether they are this session's, nobody can say any more.

use maestro_session_model::{Document, SessionId, SessionStatus};
use maestro_state_store::journal::{Newest, Operation};
use maestro_state_store::store::{FileError, LiveSession, LockedStore};
use maestro_state_store::{ContentHash, StateDir};

use crate::archived::archived_file;
use crate::execute::{ArchiveError, Archiver, Intent, archived_place, names_in_archive};
use crate::finish::{begun, hash_of, move_journal};
use crate::plan::free_stem;
use crate::receipt::ArchiveReceipt;
use crate::verify::Check;

/// Whether an operation is the beginning of an archiving that holds and has not come to its end.
pub fn begins_archiving(operation: &Newest) -> bool {
    begun(operation).is_some()
}

/// Archives the session `session_id`, which has a journal and whose document is gone or another session's, with `text`, its
/// last document.
///
/// Can be interrupted and begun again.
pub fn archive_from_journal(
    locked: &mut LockedStore<'_>,
    session_id: &SessionId,
    text: String,
    archiver: &Archiver,
) -> Result<ArchiveReceipt, ArchiveError> {
    let dir = locked.dir().clone();
    let active = dir.active_session();
    let unreadable = |source| ArchiveError::Unreadable { path: active.clone(), source };
    let before = ContentHash::of(text.as_bytes());
    let document = Document::parse(text).map_err(unreadable)?;
    let session = document.session();
    let given_up = session.status == SessionStatus::InProgress;
    let mut intent = Intent {
        status: if given_up { SessionStatus::Aborted } else { session.status },
        updated: session.updated,
        archived_as: String::new(),
        documents: Vec::new(),
        kept: Vec::new(),
        before,
        after: before,
        design_document: session.design_document.clone(),
        implementation_plan: session.implementation_plan.clone(),
    };
    let last = intent
        .archived_text(&document)
        .map_err(|source| ArchiveError::Uneditable { path: active.clone(), source })?;
    intent.after = ContentHash::of(last.as_bytes());
    intent.archived_as = place_for(locked, &dir, session_id, intent.after)?;
    let place = archived_file(&dir, &intent.archived_as);
    if hash_of(locked, &place)? == Some(intent.after) {
        locked.make_durable(&place)?;
    } else {
        locked.write_new(&place, last.as_bytes())?;
    }
    let Some(LiveSession { newest, .. }) = locked.attach_session(session_id)? else {
        return Err(FileError::Missing { path: dir.journal(session_id) }.into());
    };
    let operation = Operation {
        id: archiver.operation,
        time: archiver.now.max(newest.record.operation.time.next()),
        actor: archiver.actor.clone(),
        command: intent.to_command(),
        canonical: false,
    };
    locked.append_operation(operation)?;
    locked.append_archived(archiver.now)?;
    move_journal(locked, session_id, &intent.archived_as)?;
    Ok(ArchiveReceipt::unchecked(&dir, session_id, &intent, archiver.operation))
}

/// Puts a document that nobody can read, and that has no journal, into the archive as it is, named after `session_id`.
pub fn archive_unreadable(
    locked: &mut LockedStore<'_>,
    session_id: &SessionId,
    archiver: &Archiver,
) -> Result<ArchiveReceipt, ArchiveError> {
    let dir = locked.dir().clone();
    let active = dir.active_session();
    let in_archive = names_in_archive(locked)?;
    let intent = Intent {
        status: SessionStatus::Aborted,
        updated: archiver.now,
        archived_as: free_stem(session_id.as_str(), &in_archive),
        documents: Vec::new(),
        kept: Vec::new(),
        // Nobody looks at them: no operation is recorded.
        before: ContentHash::of(&[]),
        after: ContentHash::of(&[]),
        design_document: None,
        implementation_plan: None,
    };
    let place = archived_file(&dir, &intent.archived_as);
    locked.move_new(&active, &place)?;
    let readable = Check::session_is_readable(Some("it was archived as it was".to_owned()));
    Ok(ArchiveReceipt {
        checks: vec![readable],
        ..ArchiveReceipt::unchecked(&dir, session_id, &intent, archiver.operation)
    })
}

/// The name for an archived session: one that a rescue before this one has begun with, or else one that is free.
fn place_for(
    locked: &LockedStore<'_>,
    dir: &StateDir,
    session_id: &SessionId,
    hash: ContentHash,
) -> Result<String, ArchiveError> {
    let is_begun = hash_of(locked, &archived_file(dir, session_id.as_str()))? == Some(hash)
        && !locked.is_there(&archived_place(dir, session_id.as_str(), ".journal.jsonl"))?;
    if is_begun {
        return Ok(session_id.to_string());
    }
    Ok(free_stem(session_id.as_str(), &names_in_archive(locked)?))
}
