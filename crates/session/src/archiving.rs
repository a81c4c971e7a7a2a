//! Putting the active session into the archive.

use std::collections::BTreeSet;

use maestro_archive::{
    ArchiveError, ArchiveReceipt, ArchiveRequest as Request, Archiver, Finished, archive,
    archive_unreadable, documents_in_archive, finish,
};
use maestro_session_model::{Phase, PhaseId, RelPath, Session, SessionId, SessionStatus};
use maestro_state_store::journal::Newest;
use maestro_state_store::store::LockedStore;
use maestro_state_store::{OpenError, ReadError};

use crate::change::Opened;
use crate::error::SessionError;
use crate::workspace::Workspace;

/// How often an archiving begins anew because someone edited a file meanwhile.
const MAX_ATTEMPTS: u32 = 4;

/// How a session is to be archived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArchiveOptions {
    /// Whether to archive it though phases are open.
    pub force: bool,
    /// The status that it gets, whatever it is. When absent, one that was given up keeps its status, one that is done is
    /// `completed`, and for any other `unfinished` decides.
    pub status: Option<SessionStatus>,
    /// The status that an unfinished session gets that was not given up; `aborted` when absent.
    pub unfinished: Option<SessionStatus>,
}

impl Workspace {
    /// Archives the active session, with its design and its plan, and checks that everything is where it belongs.
    ///
    /// A session with open phases is archived only when `force` says so, one with a phase that has to be reconciled never.
    /// With `force`, a session file that cannot be read stands in nobody's way: the session is archived as its journal has it,
    /// and the file goes to the quarantine; without a journal, the file is archived as it is.
    pub fn archive(&self, options: ArchiveOptions) -> Result<ArchiveReceipt, SessionError> {
        let mut locked = self.lock()?;
        self.archive_locked(&mut locked, options, &BTreeSet::new())
    }

    /// Does what [`archive`](Self::archive) does, and copies the documents that are `in_use` instead of moving them.
    pub(crate) fn archive_locked(
        &self,
        locked: &mut LockedStore<'_>,
        options: ArchiveOptions,
        in_use: &BTreeSet<RelPath>,
    ) -> Result<ArchiveReceipt, SessionError> {
        let finished = finish(locked, &self.archiver())?;
        let mut notes: Vec<String> = told(&finished).into_iter().collect();
        if let Finished::Archived(receipt) = finished
            && self.refuse_other(&receipt.session_id).is_ok()
        {
            // Someone had begun what is asked for.
            return Ok(*receipt);
        }
        let mut attempt = 1;
        loop {
            let opened = match self.open_or_refuse(locked) {
                Err(error) if options.force && is_unreadable(&error) && attempt < MAX_ATTEMPTS => {
                    attempt += 1;
                    match self.put_away(locked, error)? {
                        PutAway::Rebuilt(done) => {
                            notes.extend(done);
                            continue;
                        }
                        PutAway::AsItIs(receipt) => return Ok(noting(*receipt, notes)),
                    }
                }
                Err(error) => return Err(error.noting(notes)),
                Ok(opened) => opened,
            };
            let Opened { current, document, notes: found } = opened;
            notes.extend(found);
            let status = match status_for(document.session(), options) {
                Ok(status) => status,
                Err(error) => return Err(error.noting(notes)),
            };
            let archiver = self.archiver();
            let request = Request { status, in_use: in_use.clone() };
            match archive(locked, &current, &document, &request, &archiver) {
                Err(ArchiveError::EditedMeanwhile { .. }) if attempt < MAX_ATTEMPTS => attempt += 1,
                Ok(receipt) => return Ok(noting(receipt, notes)),
                Err(error) => return Err(SessionError::from(error).noting(notes)),
            }
        }
    }

    /// Deals with a session file that cannot be opened because of `error`, so that the session can be archived.
    fn put_away(
        &self,
        locked: &mut LockedStore<'_>,
        error: SessionError,
    ) -> Result<PutAway, SessionError> {
        let live = locked.survey().map_err(SessionError::from)?.live;
        match live.map(|live| live.session_id) {
            Some(id) if self.last_text(&id).is_some() => {
                self.refuse_other(&id)?;
                self.rebuild(locked, &id, error.code()).map(PutAway::Rebuilt)
            }
            Some(_) => Err(error),
            None => {
                let file = self.state_dir().active_session();
                let text = locked.read_file(&file).ok().flatten().unwrap_or_default();
                let id = named_in(&String::from_utf8_lossy(&text));
                let id = id
                    .unwrap_or_else(|| SessionId::from_topic(self.env.now(), "unreadable session"));
                self.refuse_other(&id)?;
                let receipt = archive_unreadable(locked, &id, &self.archiver())?;
                Ok(PutAway::AsItIs(Box::new(receipt)))
            }
        }
    }

    /// The documents that an archiving has moved that `newest` begins and that has not come to its end.
    pub(crate) fn moved_documents(&self, newest: &Newest) -> Result<Vec<RelPath>, SessionError> {
        Ok(documents_in_archive(&self.store, newest)?)
    }

    /// Whether a path of the session is one of these.
    pub(crate) fn is_among(&self, path: &str, paths: &[RelPath]) -> bool {
        self.relative(path).is_ok_and(|path| paths.contains(&path))
    }

    pub(crate) fn archiver(&self) -> Archiver {
        Archiver {
            actor: self.env.actor.clone(),
            now: self.env.now(),
            operation: self.env.new_id(),
            withdrawal: self.env.new_id(),
        }
    }

    /// Brings an archiving that was begun to its end, or the way back of a session, whoever began it; says so if there was one.
    pub(crate) fn finish_archiving(
        &self,
        locked: &mut LockedStore<'_>,
    ) -> Result<Option<String>, SessionError> {
        Ok(told(&finish(locked, &self.archiver())?))
    }
}

/// A receipt that says first what had to be put in order.
fn noting(mut receipt: ArchiveReceipt, notes: Vec<String>) -> ArchiveReceipt {
    receipt.notes.splice(0..0, notes);
    receipt
}

/// Says what was finished, for the user; nothing if nothing was.
pub(crate) fn told(finished: &Finished) -> Option<String> {
    let (done, notes) = match finished {
        Finished::Nothing | Finished::JournalMoved => return None,
        Finished::Archived(receipt) => (
            format!(
                "the archiving of session {}, which had been interrupted, was finished: `{}`",
                receipt.session_id, receipt.archive_path
            ),
            receipt.notes.as_slice(),
        ),
        Finished::Restored(receipt) => (
            format!(
                "the way back of session {} from the archive, which had been interrupted, was finished",
                receipt.session_id
            ),
            receipt.notes.as_slice(),
        ),
        Finished::Withdrawn { because } => {
            let because = because.display();
            let done = format!(
                "an interrupted archiving was taken back, because `{because}` had been edited since"
            );
            (done, &[][..])
        }
    };
    Some([&[done][..], notes].concat().join("; "))
}

/// What was done about a session file that cannot be opened.
enum PutAway {
    /// It was written again from the journal.
    Rebuilt(Vec<String>),
    /// It was archived as it is.
    AsItIs(Box<ArchiveReceipt>),
}

/// Whether the session file itself stands in the way.
pub(crate) fn is_unreadable(error: &SessionError) -> bool {
    match error.bare() {
        SessionError::Corrupt { .. } => true,
        SessionError::Open(error) => matches!(
            error,
            OpenError::Corrupt { .. }
                | OpenError::SessionFileMissing { .. }
                | OpenError::Read(ReadError::TooLarge { .. } | ReadError::NotUtf8 { .. })
        ),
        _ => false,
    }
}

/// The session that a damaged document says it is of.
fn named_in(text: &str) -> Option<SessionId> {
    let (_, rest) = text.split_once("session_id")?;
    let value = rest.lines().next()?.trim_start_matches(['"', '\'', ' ', ':']);
    let end = value.find(['"', '\'', ' ', ',']).unwrap_or(value.len());
    value[..end].parse().ok()
}

/// The status that an archived session gets, if it may be archived.
///
/// What was given up needs neither finished phases nor records in order.
fn status_for(session: &Session, options: ArchiveOptions) -> Result<SessionStatus, SessionError> {
    let was = session.status;
    let given_up = matches!(was, SessionStatus::Aborted | SessionStatus::Failed);
    // Nothing can be put in order any more where a session says that it is completed: there it is one more open phase.
    let says_completed = was == SessionStatus::Completed;
    let to_reconcile = session.phases.iter().find(|phase| phase.needs_reconciliation());
    if let Some(phase) = to_reconcile.filter(|_| !given_up && !says_completed) {
        return Err(SessionError::ReconciliationPending { phase: phase.id.clone() });
    }
    let is_open =
        |phase: &&Phase| !phase.status.unblocks() || says_completed && phase.needs_reconciliation();
    let open: Vec<PhaseId> =
        session.phases.iter().filter(is_open).map(|phase| phase.id.clone()).collect();
    let is_done = session.phases.iter().all(|phase| phase.status.unblocks());
    if !open.is_empty() && !given_up && !options.force {
        let session_id = session.session_id.clone();
        return Err(SessionError::Unfinished { session_id, open });
    }
    Ok(options.status.unwrap_or(match was {
        SessionStatus::Aborted | SessionStatus::Failed => was,
        SessionStatus::InProgress | SessionStatus::Completed if is_done => SessionStatus::Completed,
        SessionStatus::InProgress | SessionStatus::Completed => {
            options.unfinished.unwrap_or(SessionStatus::Aborted)
        }
    }))
}
