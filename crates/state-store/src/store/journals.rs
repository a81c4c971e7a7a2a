//! The journals of a state dir: finding the one that counts, beginning one, and appending what leaves the document alone.

use std::path::PathBuf;

use maestro_session_model::{SessionId, Timestamp};

use crate::journal::{
    AppendError, Durability, Journal, Line, MarkKind, Newest, Operation, Record, Tail,
};
use crate::store::commit::CommitError;
use crate::store::recovery::{OpenError, Recovered};
use crate::store::{LockedStore, OpenSession, ReadError};

/// The session of a journal that is not archived, and the newest operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Attached {
    /// The session.
    pub session_id: SessionId,
    /// The newest operation, and what became of it.
    pub newest: Newest,
}

/// The journals of a state dir, by what their last line says.
pub(super) struct Journals {
    /// Neither archived nor dead: at most one in a sound state dir.
    pub(super) live: Vec<OpenSession>,
    pub(super) archived: Vec<OpenSession>,
    /// Without an operation that ever counted.
    pub(super) dead: Vec<PathBuf>,
}

impl LockedStore<'_> {
    /// Opens the journal of the session that is not archived, whatever the state of its document; nothing when there is
    /// none.
    ///
    /// For whoever has to finish an operation that touches more files than the document. Bytes that no append completed
    /// are cut off.
    pub fn attach(&mut self) -> Result<Option<Attached>, OpenError> {
        self.session = None;
        let Journals { live, archived: _, dead: _ } = self.scan()?;
        self.session = single(live)?;
        self.cut_torn()?;
        let Some(session) = &mut self.session else { return Ok(None) };
        let Some(newest) = session.tail.newest.clone() else { return Ok(None) };
        session.unfinished = !newest.done && !newest.abandoned;
        Ok(Some(Attached { session_id: session.id.clone(), newest }))
    }

    /// Reads the end of every journal.
    pub(super) fn scan(&self) -> Result<Journals, OpenError> {
        let mut found = Journals { live: Vec::new(), archived: Vec::new(), dead: Vec::new() };
        let dir = self.dir.journals();
        if !self.dir.check_directory(&dir)? {
            return Ok(found);
        }
        for listed in self.dir.disk().list(&dir)? {
            let id = listed.name.strip_suffix(".jsonl").and_then(|id| id.parse::<SessionId>().ok());
            let Some(id) = id else { continue };
            let path = dir.join(&listed.name);
            if !listed.is_file {
                // Says what is wrong with it.
                self.dir.file_entry(&path)?;
            }
            let mut journal = Journal::open(self.dir.disk(), &path)?;
            let tail = journal.tail()?;
            let is_archived = tail.newest.as_ref().is_some_and(|newest| newest.archived);
            let counts = tail.effective().is_some();
            let session = OpenSession { id, journal, tail, unfinished: false };
            match (is_archived, counts) {
                (true, _) => found.archived.push(session),
                (false, true) => found.live.push(session),
                (false, false) => found.dead.push(path),
            }
        }
        Ok(found)
    }

    /// Removes the journals of creations that never came about.
    pub(super) fn remove_dead(&self, dead: &[PathBuf]) -> Result<(), ReadError> {
        if dead.is_empty() {
            return Ok(());
        }
        if self.session.is_none() {
            // While the journal is there to say that they are rubbish.
            self.sweep_dead()?;
        }
        for path in dead {
            self.dir.disk().remove_file(path)?;
        }
        Ok(self.dir.disk().sync_dir(&self.dir.journals())?)
    }

    /// Creates an empty journal and makes its entry durable, so that the commit point commits something that is there.
    pub(super) fn new_journal(&self, id: &SessionId) -> Result<OpenSession, CommitError> {
        self.dir.ensure_directory(&self.dir.journals())?;
        let path = self.dir.journal(id);
        let made = Journal::create(self.dir.disk(), &path).and_then(|journal| {
            self.dir.disk().sync_dir(&self.dir.journals())?;
            Ok(journal)
        });
        match made {
            Ok(journal) => {
                let tail = Tail::default();
                Ok(OpenSession { id: id.clone(), journal, tail, unfinished: false })
            }
            Err(error) => {
                drop(self.dir.disk().remove_file(&path));
                Err(error.into())
            }
        }
    }

    /// Cuts off what no append completed.
    pub(super) fn cut_torn(&mut self) -> Result<Option<Recovered>, OpenError> {
        let Some(session) = &mut self.session else { return Ok(None) };
        let Some(offset) = session.tail.torn.take() else { return Ok(None) };
        let bytes = session.journal.cut(offset, Durability::Synced)?;
        Ok(Some(Recovered::CutOff { bytes }))
    }

    /// Records an operation that leaves the document as it is, durably, and returns its number.
    ///
    /// The session must have been opened or [attached](Self::attach). A
    /// [`Current`](crate::Current) from before stays usable.
    pub fn append_operation(&mut self, operation: Operation) -> Result<u64, CommitError> {
        let Some(session) = self.session.as_mut().filter(|session| !session.unfinished) else {
            return Err(CommitError::Stale);
        };
        let Some(hash) = session.tail.hash() else { return Err(CommitError::Stale) };
        let seq = session.tail.next_seq();
        let record = Record {
            seq,
            operation,
            before: Some(hash),
            after: hash,
            splices: Vec::new(),
            document: None,
        };
        session.append_finished(record)?;
        Ok(seq)
    }

    /// Marks the session as archived, durably. Its journal can then be moved.
    pub fn append_archived(&mut self, time: Timestamp) -> Result<(), CommitError> {
        let Some(OpenSession { journal, tail: Tail { newest: Some(newest), .. }, .. }) =
            &mut self.session
        else {
            return Err(CommitError::Stale);
        };
        let line = Line::mark(newest.record.seq, MarkKind::Archived, Some(time));
        let appended = journal.append(&[line], Durability::Synced);
        self.session = None;
        Ok(appended?)
    }
}

impl OpenSession {
    /// Appends an operation that the file already shows, durably, together with its mark.
    pub(super) fn append_finished(&mut self, record: Record) -> Result<(), AppendError> {
        let done = Line::mark(record.seq, MarkKind::Done, None);
        let lines = [Line::Operation(record), done];
        let appended = self.journal.append(&lines, Durability::Synced);
        self.unfinished = appended.is_err();
        appended?;
        let [line, _] = lines;
        if let Line::Operation(record) = line {
            let newest = Newest { done: true, ..Newest::new(record) };
            self.tail = Tail { newest: Some(newest), effective: None, torn: None };
        }
        Ok(())
    }
}

pub(super) fn single(mut live: Vec<OpenSession>) -> Result<Option<OpenSession>, OpenError> {
    match live.as_slice() {
        [] | [_] => Ok(live.pop()),
        [first, second, ..] => Err(OpenError::TwoSessions {
            first: first.journal.path().to_owned(),
            second: second.journal.path().to_owned(),
        }),
    }
}
