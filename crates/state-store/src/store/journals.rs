//! The journals of a state dir: finding the one that counts, beginning one, and appending what leaves the document alone.

use std::io;
use std::path::PathBuf;

use maestro_session_model::{SessionId, Timestamp};
use uuid::Uuid;

use crate::journal::{
    AppendError, Durability, Journal, JournalError, Line, MarkKind, Newest, Operation, Record,
    Tail, Waiting, journals_in, paths,
};
use crate::store::commit::CommitError;
use crate::store::decide::{Action, FileState, decide};
use crate::store::recovery::{OpenError, Recovered};
use crate::store::{LockedStore, OpenSession, ReadError, Store};

/// What the ends of the journals say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attached {
    /// The session that is not archived, if there is one.
    pub live: Option<LiveSession>,
    /// The journals of archived sessions that are not with their sessions yet, in the order of their names.
    pub archived: Vec<ArchivedJournal>,
}

/// The session of a journal that is not archived.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveSession {
    /// The session.
    pub session_id: SessionId,
    /// The newest operation, and what became of it.
    pub newest: Newest,
}

/// A journal of an archived session that is still in its old place.
#[derive(Clone, Debug, PartialEq)]
pub struct ArchivedJournal {
    /// The session.
    pub session_id: SessionId,
    /// The newest operation: the one after which the session was archived.
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

/// Opens the newest of the files of a journal and reads its end; nothing where there is none.
type OpenJournal<'o> = dyn Fn(SessionId, &[PathBuf]) -> Result<Option<OpenSession>, OpenError> + 'o;

/// The journals of a state dir besides that of the open session.
#[derive(Debug)]
pub(super) struct Others {
    pub(super) archived: Vec<OpenSession>,
    pub(super) dead: Vec<PathBuf>,
}

impl LockedStore<'_> {
    /// Opens the journal of the session that is not archived, if there is one, whatever the state of its document, and
    /// says which journals of archived sessions are still in their old place.
    ///
    /// For whoever has to finish an operation that touches more files than the document. Reads no more than the end of
    /// each journal, and an [`open`](Self::open) that follows with no change in between reads none of them again. Bytes
    /// that no append to the open journal completed are cut off.
    pub fn attach(&mut self) -> Result<Attached, OpenError> {
        self.forget_others();
        let others = self.open_journals()?;
        self.cut_torn()?;
        let attached = self.attached(&others);
        if let Some(session) = &mut self.session
            && let Some(newest) = &session.tail.newest
        {
            let changes_document = newest.record.before != Some(newest.record.after);
            session.unfinished = changes_document && !newest.done && !newest.abandoned;
        }
        self.others = Some(others);
        Ok(attached)
    }

    fn attached(&self, others: &Others) -> Attached {
        let mut attached = Attached::default();
        for OpenSession { id, tail, .. } in &others.archived {
            if let Some(newest) = tail.newest.clone() {
                attached.archived.push(ArchivedJournal { session_id: id.clone(), newest });
            }
        }
        attached.live = self
            .session
            .as_ref()
            .zip(self.newest_of_session())
            .map(|(session, newest)| LiveSession { session_id: session.id.clone(), newest });
        attached
    }

    fn newest_of_session(&self) -> Option<Newest> {
        self.session.as_ref()?.tail.newest.clone()
    }

    /// Says the same as [`attach`](Self::attach), and changes nothing. Closes the session that is open.
    pub fn survey(&mut self) -> Result<Attached, OpenError> {
        self.forget_others();
        let others = self.open_journals()?;
        let attached = self.attached(&others);
        self.session = None;
        Ok(attached)
    }

    /// Opens the journal of the session `id`, which is not archived, whatever other journals there are.
    pub fn attach_session(&mut self, id: &SessionId) -> Result<Option<LiveSession>, OpenError> {
        self.forget_others();
        self.session = self.scan()?.live.into_iter().find(|session| session.id == *id);
        self.cut_torn()?;
        let Some(newest) = self.newest_of_session() else { return Ok(None) };
        Ok(Some(LiveSession { session_id: id.clone(), newest }))
    }

    /// Opens the journal of the session that is not archived, as the last scan knows it, or else after a new one.
    pub(super) fn open_journals(&mut self) -> Result<Others, OpenError> {
        if let Some(others) = self.others.take() {
            if let Some(session) = &mut self.session {
                session.unfinished = false;
            }
            return Ok(others);
        }
        self.session = None;
        let Journals { live, archived, dead } = self.scan()?;
        self.session = single(live)?;
        Ok(Others { archived, dead })
    }

    /// To be called by whatever changes something: the journals may not be what they were.
    pub(super) fn forget_others(&mut self) {
        self.others = None;
    }

    /// Reads the end of every journal.
    pub(super) fn scan(&self) -> Result<Journals, OpenError> {
        self.store.scan_with(&|id, files| self.open_journal(id, files))
    }

    /// Opens the newest segment of a journal and reads its end.
    fn open_journal(
        &self,
        id: SessionId,
        files: &[PathBuf],
    ) -> Result<Option<OpenSession>, OpenError> {
        let Some((newest, older)) = files.split_last() else { return Ok(None) };
        let mut journal = Journal::open(self.dir.disk(), newest)?;
        let tail = journal.tail()?;
        if tail.newest.as_ref().is_some_and(|newest| !newest.done || newest.archived) {
            // Whoever wrote that may have died before it was durable, and what is done about it must not outlive it.
            journal.sync()?;
        }
        if !older.is_empty() {
            journal.refuse_without_head(&tail)?;
            if journal.has_only_its_head() {
                // Whoever began it may have died before its entry was durable.
                self.dir.disk().sync_dir(&self.dir.journals())?;
            }
        }
        Ok(Some(OpenSession { id, journal, tail, unfinished: false }))
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
        self.forget_others();
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
            carried: None,
        };
        session.append_finished(record)?;
        Ok(seq)
    }

    /// Says that an operation that [`open`](Self::open) returned as abandoned need not be decided again: its command was
    /// carried out again, or refused. Until then every `open` returns it.
    ///
    /// Does nothing about an operation that does not wait. Any operation that follows, other than an external one, says
    /// the same about it, so a command that was carried out again needs no more. The session must have been opened or
    /// [attached](Self::attach). A [`Current`](crate::Current) from before stays usable.
    pub fn settle_abandoned(&mut self, operation: Uuid) -> Result<(), CommitError> {
        self.forget_others();
        let Some(OpenSession { journal, tail, .. }) = &mut self.session else {
            return Err(CommitError::Stale);
        };
        let Some(waiting) = &tail.waiting else { return Ok(()) };
        if waiting.operation.id != operation {
            return Ok(());
        }
        let seq = waiting.seq;
        journal.append(&[Line::mark(seq, MarkKind::Settled, None)], Durability::Synced)?;
        tail.waiting = None;
        if let Some(newest) = tail.newest.as_mut().filter(|newest| newest.record.seq == seq) {
            newest.mark(MarkKind::Settled);
        }
        Ok(())
    }

    /// Marks the session as archived, durably. Its journal can then be moved.
    pub fn append_archived(&mut self, time: Timestamp) -> Result<(), CommitError> {
        self.forget_others();
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

impl Store {
    /// Says which session has lost its document, as every opening would say that finds none; nothing where there is a
    /// document, or no session, or where an opening would put the document in its place. Takes no lock and changes nothing.
    ///
    /// For readers that have found no document. Reads the end of each journal, but only then.
    pub fn without_document(&self) -> Result<Option<LiveSession>, OpenError> {
        let Journals { live, .. } = self.scan_with(&|id, files| self.look_at_journal(id, files))?;
        let Some(mut session) = single(live)? else { return Ok(None) };
        // After the journals: whoever begins a session writes its journal first.
        if self.stamp()?.is_some() {
            return Ok(None);
        }
        // An opening cuts that off and looks again.
        session.tail.torn = None;
        let file = FileState::Absent;
        let (last, temp) = self.last_line(Some(&session), file)?;
        if decide(last, file, temp) != Action::FileMissing {
            return Ok(None);
        }
        let OpenSession { id, tail, .. } = session;
        Ok(tail.newest.map(|newest| LiveSession { session_id: id, newest }))
    }

    /// Sorts the journals by what their ends say, as `open` reads them.
    fn scan_with(&self, open: &OpenJournal<'_>) -> Result<Journals, OpenError> {
        let mut found = Journals { live: Vec::new(), archived: Vec::new(), dead: Vec::new() };
        let dir = self.dir.journals();
        if !self.dir.check_directory(&dir)? {
            return Ok(found);
        }
        let listed = self.dir.disk().list(&dir)?;
        for (id, segments) in journals_in(&listed) {
            for other in listed.iter().filter(|other| !other.is_file) {
                if segments.iter().any(|segment| segment.name == other.name) {
                    // Says what is wrong with it.
                    self.dir.file_entry(&dir.join(&other.name))?;
                }
            }
            let files = paths(&dir, &segments);
            let Some(session) = open(id, &files)? else { continue };
            let is_archived = session.tail.newest.as_ref().is_some_and(|newest| newest.archived);
            let counts = session.tail.effective().is_some();
            match (is_archived, counts) {
                (true, _) => found.archived.push(session),
                (false, true) => found.live.push(session),
                (false, false) => found.dead.extend(files),
            }
        }
        Ok(found)
    }

    /// Reads the end of the newest segment of a journal; nothing if it is gone by now, to the archive with its session.
    fn look_at_journal(
        &self,
        id: SessionId,
        files: &[PathBuf],
    ) -> Result<Option<OpenSession>, OpenError> {
        let Some((newest, older)) = files.split_last() else { return Ok(None) };
        let mut journal = match Journal::open_to_read(self.dir.disk(), newest) {
            Err(JournalError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(None);
            }
            opened => opened?,
        };
        let tail = journal.tail()?;
        if !older.is_empty() {
            journal.refuse_without_head(&tail)?;
        }
        Ok(Some(OpenSession { id, journal, tail, unfinished: false }))
    }
}

impl OpenSession {
    /// Appends an operation that the file already shows, durably, and marks it.
    ///
    /// The marks are not part of the same write: of that, the loss of power might leave the marks without the operation,
    /// and then nobody could tell it from one that was damaged later.
    pub(super) fn append_finished(&mut self, record: Record) -> Result<(), AppendError> {
        let seq = record.seq;
        let waiting = self.waiting_after(&record);
        let kinds = marks_when_done(&record, waiting.as_ref());
        let line = Line::Operation(record);
        let appended = self.journal.append(std::slice::from_ref(&line), Durability::Synced);
        self.unfinished = appended.is_err();
        appended?;
        if let Line::Operation(record) = line {
            let mut newest = Newest::new(record);
            let marks: Vec<Line> = kinds.iter().map(|kind| Line::mark(seq, *kind, None)).collect();
            let marked = self.journal.append(&marks, Durability::Unsynced);
            if marked.is_ok() {
                for kind in kinds {
                    newest.mark(*kind);
                }
            }
            self.tail = Tail { newest: Some(newest), effective: None, waiting, torn: None };
            // It is recorded, but nothing can be built on it before the next command has finished it.
            self.unfinished = marked.is_err();
            marked.map_err(|error| AppendError::InDoubt(error.into_io()))?;
        }
        Ok(())
    }

    /// What still waits to be decided again once `record` is the newest operation.
    pub(super) fn waiting_after(&self, record: &Record) -> Option<Waiting> {
        if record.is_external() { self.tail.waiting.clone() } else { None }
    }
}

/// The marks of an operation that the file shows.
pub(super) fn marks_when_done(record: &Record, waiting: Option<&Waiting>) -> &'static [MarkKind] {
    if record.is_external() && waiting.is_none() {
        // Or else every later look at the end of the journal would go on to the operation before.
        &[MarkKind::Done, MarkKind::Settled]
    } else {
        &[MarkKind::Done]
    }
}

fn single(mut live: Vec<OpenSession>) -> Result<Option<OpenSession>, OpenError> {
    match live.as_slice() {
        [] | [_] => Ok(live.pop()),
        [first, second, ..] => Err(OpenError::TwoSessions {
            first: first.journal.path().to_owned(),
            second: second.journal.path().to_owned(),
        }),
    }
}
