//! Finishes an archiving that was begun, or the way back of an archived session, by this process or by one that died.
//!
//! Every step looks before it acts, so that it can be done again. The order is: archived document, copies of the
//! documents, their originals, active document, design gate, ledger, mark, journal.

use std::path::{Path, PathBuf};

use maestro_session_model::{Document, RelPath, SessionId, Timestamp};
use maestro_state_store::journal::{Newest, Operation};
use maestro_state_store::store::{ArchivedJournal, FileError, LiveSession, LockedStore, Removal};
use maestro_state_store::{ContentHash, Store};

use crate::archived::archived_file;
use crate::execute::{ArchiveError, Archiver, Intent, archived_place, place};
use crate::receipt::{ArchiveReceipt, verify};
use crate::restore::{RestoreReceipt, go_on};

/// How many names are tried for a file whose name is taken.
const MAX_SUFFIX: u32 = 1_000;

/// What there was to finish.
#[derive(Debug)]
#[must_use = "a withdrawn archiving has archived nothing"]
pub enum Finished {
    /// Nothing.
    Nothing,
    /// The journal of a session that was archived; now it is with its session.
    JournalMoved,
    /// An archiving.
    Archived(Box<ArchiveReceipt>),
    /// The way back of an archived session. It is active.
    Restored(Box<RestoreReceipt>),
    /// An archiving that was withdrawn, because a file was edited after it began. The session is active.
    Withdrawn {
        /// The file.
        because: PathBuf,
    },
}

/// Finishes an archiving, or the way back of an archived session, that was begun and not brought to its end.
///
/// To be called under the lock before a session is opened. Closes the session that is open in `locked`.
pub fn finish(locked: &mut LockedStore<'_>, archiver: &Archiver) -> Result<Finished, ArchiveError> {
    let attached = locked.attach()?;
    let moved = move_archived_journals(locked, &attached.archived)?;
    let idle = if moved { Finished::JournalMoved } else { Finished::Nothing };
    let Some(LiveSession { session_id, newest }) = attached.live else { return Ok(idle) };
    if let Some(receipt) = go_on(locked, &session_id, &newest)? {
        return Ok(Finished::Restored(Box::new(receipt)));
    }
    let operation = &newest.record.operation;
    let Some(intent) = begun(&newest) else { return Ok(idle) };
    match carry_out(locked, &session_id, &intent, operation, archiver.now)? {
        Done::Archived(receipt) => Ok(Finished::Archived(receipt)),
        Done::Edited { file } => {
            withdraw(locked, &intent, archiver)?;
            Ok(Finished::Withdrawn { because: file })
        }
    }
}

/// Takes back what an archiving that was begun and cannot go on has done so far; says whether it could be.
///
/// Once the active document is gone there is only the way forward.
pub(crate) fn take_back(
    locked: &mut LockedStore<'_>,
    archiver: &Archiver,
) -> Result<bool, ArchiveError> {
    // Without a session that is not archived, the archiving has come as far as its mark.
    let Some(LiveSession { newest, .. }) = locked.attach()?.live else { return Ok(false) };
    let Some(intent) = Intent::from_command(&newest.record.operation.command) else {
        return Ok(true);
    };
    if locked.read_file(&locked.dir().active_session())?.is_none() {
        return Ok(false);
    }
    withdraw(locked, &intent, archiver)?;
    Ok(true)
}

/// How far an archiving came.
enum Done {
    Archived(Box<ArchiveReceipt>),
    /// Someone edited a file that was to be moved.
    Edited {
        file: PathBuf,
    },
}

fn carry_out(
    locked: &mut LockedStore<'_>,
    session_id: &SessionId,
    intent: &Intent,
    operation: &Operation,
    now: Timestamp,
) -> Result<Done, ArchiveError> {
    let dir = locked.dir().clone();
    let active = dir.active_session();
    let archived = archived_file(&dir, &intent.archived_as);

    let there = locked.read_file(&active)?;
    let copy = locked.read_file(&archived)?;
    let is_archived = copy.as_deref().map(ContentHash::of) == Some(intent.after);
    let ours = match &there {
        Some(bytes) if ContentHash::of(bytes) == intent.before => {
            match write_archived(locked, intent, bytes, &archived) {
                // Whatever somebody has put there, or made of it: nothing has been removed yet.
                Err(ArchiveError::PlaceTaken { path }) => return Ok(Done::Edited { file: path }),
                written => written?,
            }
            true
        }
        // What is there now came after our document had gone: there is only the way forward.
        Some(bytes) if is_archived && is_of_another(bytes, session_id) => {
            locked.make_durable(&archived)?;
            false
        }
        Some(_) => return Ok(Done::Edited { file: active }),
        None if copy.is_some_and(|copy| holds(&copy, intent, session_id)) => {
            locked.make_durable(&archived)?;
            false
        }
        None => return Err(ArchiveError::Lost { active, archived }),
    };
    if let Some(file) = move_documents(locked, intent, ours)? {
        return Ok(Done::Edited { file });
    }
    // Also when it is gone: whoever removed it may have died before that was durable.
    match locked.remove_if_hash(&active, intent.before)? {
        Removal::Changed if ours => return Ok(Done::Edited { file: active }),
        Removal::Changed => locked.make_durable(&active)?,
        Removal::Removed | Removal::Gone => {}
    }
    // From here on there is only the way forward; a gate that went before could not be brought back.
    let mut notes = Vec::new();
    notes.extend(remove_gate(locked, session_id)?);
    notes.extend(move_ledger(locked, session_id, &intent.archived_as)?);
    locked.append_archived(now)?;
    move_journal(locked, session_id, &intent.archived_as)?;
    let receipt = verify(locked, session_id, intent, operation)?;
    Ok(Done::Archived(Box::new(ArchiveReceipt { notes, ..receipt })))
}

/// Removes the design gate of a session. What is no file that can be read, and so no gate, must not keep everybody from
/// working: it stays, and is told.
fn remove_gate(
    locked: &mut LockedStore<'_>,
    session_id: &SessionId,
) -> Result<Option<String>, FileError> {
    let gate = locked.dir().design_gate(session_id);
    match hash_of(locked, &gate) {
        Ok(None) => Ok(None),
        Ok(Some(hash)) => {
            let _gone_or_changed = locked.remove_if_hash(&gate, hash)?;
            Ok(None)
        }
        Err(error) => stays(locked, &gate, error).map(Some),
    }
}

/// Moves the ledger of a session to it. What is no file stays, and is told; so is another name, where its own was taken.
fn move_ledger(
    locked: &mut LockedStore<'_>,
    session_id: &SessionId,
    archived_as: &str,
) -> Result<Option<String>, FileError> {
    let dir = locked.dir().clone();
    let ledger = dir.ledger(session_id);
    match locked.is_there(&ledger) {
        Ok(true) => {}
        Ok(false) => return Ok(None),
        Err(error) => return stays(locked, &ledger, error).map(Some),
    }
    let mut place = PathBuf::new();
    let moved = under_a_free_name(archived_as, |stem| {
        place = archived_place(&dir, stem, ".ledger.jsonl");
        locked.move_new(&ledger, &place)
    });
    match moved {
        Ok(()) if place == archived_place(&dir, archived_as, ".ledger.jsonl") => Ok(None),
        Ok(()) => Ok(Some(format!("the ledger is `{}`: its name was taken", dir.show(&place)))),
        Err(error) => stays(locked, &ledger, error).map(Some),
    }
}

/// Says that a file stays where it is because of what it is; an error of the disk stays an error.
fn stays(locked: &LockedStore<'_>, path: &Path, error: FileError) -> Result<String, FileError> {
    if error.code() == "IO" {
        return Err(error);
    }
    Ok(format!("`{}` stays where it is: {error}", locked.dir().show(path)))
}

/// Whether a text is the document of another session.
pub(crate) fn is_of_another(text: &[u8], session_id: &SessionId) -> bool {
    let document = Document::parse(String::from_utf8_lossy(text).into_owned());
    document.is_ok_and(|document| document.session().session_id != *session_id)
}

/// Whether what is in the place of the archived document is the session whose active document is gone: also one that somebody
/// edited, for where else could it be?
fn holds(copy: &[u8], intent: &Intent, session_id: &SessionId) -> bool {
    if ContentHash::of(copy) == intent.after {
        return true;
    }
    let document =
        String::from_utf8(copy.to_vec()).ok().and_then(|text| Document::parse(text).ok());
    document.is_some_and(|document| document.session().session_id == *session_id)
}

/// Whether a session whose active document is gone is in the archive: an archiving that was interrupted has brought it there,
/// and [`finish`] does the rest. Takes no lock.
///
/// Fails as [`finish`] would if the archiving says so, and it is not there either.
pub fn is_in_archive(store: &Store, live: &LiveSession) -> Result<bool, ArchiveError> {
    let LiveSession { session_id, newest } = live;
    let Some(intent) = begun(newest) else { return Ok(false) };
    let archived = archived_file(store.dir(), &intent.archived_as);
    if store.read_file(&archived)?.is_some_and(|copy| holds(&copy, &intent, session_id)) {
        return Ok(true);
    }
    Err(ArchiveError::Lost { active: store.dir().active_session(), archived })
}

/// Returns the documents that an archiving has brought to the archive, where they were; of one that `operation` begins and that
/// has not come to its end. Takes no lock.
pub fn documents_in_archive(store: &Store, operation: &Newest) -> Result<Vec<RelPath>, FileError> {
    let workspace = store.dir().workspace();
    let mut there = Vec::new();
    for moved in begun(operation).into_iter().flat_map(|intent| intent.documents) {
        let copy = store.read_file(&place(workspace, &moved.to))?;
        if copy.is_some() && copy.as_deref().map(ContentHash::of) == moved.hash {
            there.push(moved.from);
        }
    }
    Ok(there)
}

/// What an archiving is about to do that an operation begins, if it holds and has not come to its end.
pub(crate) fn begun(operation: &Newest) -> Option<Intent> {
    if operation.abandoned || operation.archived {
        return None;
    }
    Intent::from_command(&operation.record.operation.command)
}

/// Writes the archived document unless it is there.
fn write_archived(
    locked: &mut LockedStore<'_>,
    intent: &Intent,
    active: &[u8],
    archived: &Path,
) -> Result<(), ArchiveError> {
    match hash_of(locked, archived)? {
        // Whoever wrote it may have died before it was durable, and now the originals go.
        Some(hash) if hash == intent.after => return Ok(locked.make_durable(archived)?),
        Some(_) => return Err(ArchiveError::PlaceTaken { path: archived.to_owned() }),
        None => {}
    }
    let path = locked.dir().active_session();
    // Its hash is that of a text that was read as a session when the intent was written.
    let unreadable = |source| ArchiveError::Unreadable { path: path.clone(), source };
    let text = String::from_utf8_lossy(active).into_owned();
    let document = Document::parse(text).map_err(unreadable)?;
    let text = intent
        .archived_text(&document)
        .map_err(|source| ArchiveError::Uneditable { path, source })?;
    locked.write_new(archived, text.as_bytes())?;
    Ok(())
}

/// Copies the documents, and removes the originals when all of them are copied.
///
/// Returns the first that was edited since the intent, if the archiving can still be taken back; if not, what is at its
/// place now is somebody's new file and stays.
fn move_documents(
    locked: &mut LockedStore<'_>,
    intent: &Intent,
    can_take_back: bool,
) -> Result<Option<PathBuf>, ArchiveError> {
    let workspace = locked.dir().workspace().to_owned();
    let mut copied = Vec::new();
    for moved in &intent.documents {
        let Some(hash) = moved.hash else { continue };
        let (from, to) = (place(&workspace, &moved.from), place(&workspace, &moved.to));
        let (original, copy) = (hash_of(locked, &from)?, hash_of(locked, &to)?);
        if moved.stays && copy == Some(hash) {
            // The original is the other session's now, whatever became of it.
            locked.make_durable(&to)?;
            continue;
        }
        match original {
            Some(found) if found != hash && can_take_back => return Ok(Some(from)),
            Some(found) if found != hash => continue,
            Some(_) if copy.is_none() => {
                let written = locked.copy_to_new(&from, &to)?;
                if written != hash {
                    // Edited since we looked, so this copy belongs to nothing.
                    let _gone_or_changed = locked.remove_if_hash(&to, written)?;
                    if can_take_back {
                        return Ok(Some(from));
                    }
                    continue;
                }
            }
            Some(_) if copy != Some(hash) && can_take_back => return Ok(Some(to)),
            // Another file has taken the place, and what is nowhere else stays where it is.
            Some(_) if copy != Some(hash) => continue,
            None if copy.is_none() && can_take_back => return Ok(Some(from)),
            // Whoever made the copy may have died before it was durable.
            Some(_) => locked.make_durable(&to)?,
            None => {}
        }
        if !moved.stays {
            copied.push((from, hash));
        }
    }
    // Nothing is removed before all of them have been looked at.
    for (from, hash) in copied {
        if locked.remove_if_hash(&from, hash)? == Removal::Changed && can_take_back {
            return Ok(Some(from));
        }
    }
    Ok(None)
}

/// Takes back what was done so far: originals that are gone return, copies of those that are still there go, and so does the
/// archived document, whose text the journal has. Then the journal says so, and nobody will take the intent up again.
fn withdraw(
    locked: &mut LockedStore<'_>,
    intent: &Intent,
    archiver: &Archiver,
) -> Result<(), ArchiveError> {
    let workspace = locked.dir().workspace().to_owned();
    for moved in &intent.documents {
        let Some(hash) = moved.hash else { continue };
        let (from, to) = (place(&workspace, &moved.from), place(&workspace, &moved.to));
        if hash_of(locked, &to)? != Some(hash) {
            continue;
        }
        match hash_of(locked, &from)? {
            None => locked.move_new(&to, &from)?,
            Some(found) if found == hash => {
                let _gone_or_changed = locked.remove_if_hash(&to, hash)?;
            }
            // Edited since: the copy has a text that is nowhere else.
            Some(_) => {}
        }
    }
    let copy = archived_file(locked.dir(), &intent.archived_as);
    let _gone_or_changed = locked.remove_if_hash(&copy, intent.after)?;
    locked.append_operation(Operation {
        id: archiver.withdrawal,
        time: archiver.now,
        actor: archiver.actor.clone(),
        command: serde_json::json!({ "command": "archive_withdrawn" }),
        canonical: false,
    })?;
    Ok(())
}

/// Moves the journals of archived sessions that are still in their old place.
fn move_archived_journals(
    locked: &mut LockedStore<'_>,
    archived: &[ArchivedJournal],
) -> Result<bool, ArchiveError> {
    let mut moved = false;
    for ArchivedJournal { session_id, newest } in archived {
        let Some(intent) = Intent::from_command(&newest.record.operation.command) else { continue };
        move_journal(locked, session_id, &intent.archived_as)?;
        moved = true;
    }
    Ok(moved)
}

/// Moves the journal of an archived session to it. A name that is taken gets a suffix: what a person has put there must not
/// keep everybody from working.
pub(crate) fn move_journal(
    locked: &mut LockedStore<'_>,
    session_id: &SessionId,
    archived_as: &str,
) -> Result<(), FileError> {
    let archive = locked.dir().archive();
    under_a_free_name(archived_as, |stem| {
        locked.move_journal(session_id, &archive, &format!("{stem}.journal"))
    })
}

/// Tries `name`, then `name-2` and so on, until `put` finds one that is not taken.
fn under_a_free_name(
    name: &str,
    mut put: impl FnMut(&str) -> Result<(), FileError>,
) -> Result<(), FileError> {
    let mut outcome = put(name);
    for n in 2..=MAX_SUFFIX {
        if !matches!(outcome, Err(FileError::Taken { .. })) {
            break;
        }
        outcome = put(&format!("{name}-{n}"));
    }
    outcome
}

pub(crate) fn hash_of(
    locked: &LockedStore<'_>,
    path: &Path,
) -> Result<Option<ContentHash>, FileError> {
    Ok(locked.read_file(path)?.map(|bytes| ContentHash::of(&bytes)))
}
