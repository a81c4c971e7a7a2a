//! The journals of archived sessions, and the way of a session back from the archive.
//!
//! Owns how a restoration is committed. Its operation does not go to the end of the archived journal, which stays whole where
//! it is until the commit: it is the second one of a new segment that begins, as every segment does, with the operation
//! before it and the whole document. The segment appears in `state/journal/` by one rename: **the commit point**. From then
//! on the session is one that is not archived, and whoever comes next can finish what its newest operation says. That
//! operation is marked `done` only when all the rest is done.

use std::io;
use std::path::PathBuf;

use maestro_session_model::SessionId;

use crate::disk::Listed;
use crate::hash::ContentHash;
use crate::journal::{
    Durability, History, JournalError, Line, MarkKind, Operation, Record, head, paths,
    segment_name, segments_of,
};
use crate::store::commit::CommitError;
use crate::store::files::FileError;
use crate::store::{LockedStore, ReadError, Store, read_contents};

/// What is between the name of an archived session and the rest of the name of its journal.
const JOURNAL: &str = ".journal";

/// What is at the place of the document of a session that comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a document that found its place taken is nowhere but in the journal"]
pub enum Placed {
    /// The document, durably.
    There,
    /// Another text.
    Taken,
}

impl Store {
    /// Reads the journal in the archive whose files are named after `stem`, the newest of its files and those before it while
    /// `wants_more` of what was read; nothing when there is none. Takes no lock.
    pub fn archived_history(
        &self,
        stem: &str,
        wants_more: &dyn Fn(&History) -> bool,
    ) -> Result<Option<History>, ReadError> {
        let files = self.archived_journal(stem)?;
        Ok(History::read(self.dir.disk(), &files, wants_more)?)
    }

    /// Returns the files of the journal in the archive that are named after `stem`, from the oldest to the newest.
    pub fn archived_journal(&self, stem: &str) -> Result<Vec<PathBuf>, ReadError> {
        let archive = self.dir.archive();
        if !self.dir.check_directory(&archive)? {
            return Ok(Vec::new());
        }
        self.archived_files(stem, &self.dir.disk().list(&archive)?)
    }

    /// Does what [`archived_history`](Self::archived_history) does, where the archive was `listed` already.
    pub fn archived_history_of(
        &self,
        stem: &str,
        listed: &[Listed],
        wants_more: &dyn Fn(&History) -> bool,
    ) -> Result<Option<History>, ReadError> {
        Ok(History::read(self.dir.disk(), &self.archived_files(stem, listed)?, wants_more)?)
    }

    fn archived_files(&self, stem: &str, listed: &[Listed]) -> Result<Vec<PathBuf>, ReadError> {
        let files = paths(&self.dir.archive(), &segments_of(listed, &format!("{stem}{JOURNAL}")));
        for file in &files {
            self.dir.file_entry(file)?;
        }
        Ok(files)
    }
}

impl LockedStore<'_> {
    /// Commits that the session `id` comes back from the archive with the document `text`, and goes on with the journal in the
    /// archive that is named after `stem`, or, where that is nothing, with a new one. To be carried out from there on.
    ///
    /// On an error other than [`CommitError::InDoubt`], nothing has happened.
    pub fn begin_restoring(
        &mut self,
        id: &SessionId,
        stem: Option<&str>,
        text: &str,
        operation: Operation,
    ) -> Result<(), CommitError> {
        let archived = self.refuse_another(text)?;
        if let Some(left) = archived.iter().find(|session| session.id == *id) {
            return Err(CommitError::IdTaken { journal: left.journal.path().to_owned() });
        }
        let before = match stem {
            Some(stem) => self.head_after_archived(stem)?,
            None => None,
        };
        let first = before.as_ref().map(|(last, _)| *last);
        let seq = first.map_or(1, |last| last + 1);
        let mut lines = before.map(|(_, lines)| lines).unwrap_or_default();
        lines.push(Line::Operation(Record {
            seq,
            operation,
            before: None,
            after: ContentHash::of(text.as_bytes()),
            splices: Vec::new(),
            document: Some(text.to_owned()),
            carried: None,
        }));
        let mut bytes = Vec::new();
        for line in &lines {
            line.write_to(&mut bytes);
        }
        let place = self.dir.journals().join(segment_name(id.as_str(), first));
        let prepared = self.prepare(&place, &bytes, None)?;
        let disk = self.dir.disk();
        if let Err(error) = disk.rename_new(&prepared, &place) {
            drop(disk.remove_file(&prepared));
            return Err(error.into());
        }
        if let Err(error) = disk.sync_dir(&self.dir.journals()) {
            // Nobody has relied on it yet, so it can still be taken back.
            let undone =
                disk.remove_file(&place).and_then(|()| disk.sync_dir(&self.dir.journals()));
            return Err(match undone {
                Ok(()) => error.into(),
                Err(_) => CommitError::InDoubt { source: Box::new(error.into()) },
            });
        }
        Ok(())
    }

    /// What a segment begins with that goes on after a journal in the archive, and the number of the operation in it; nothing
    /// where there is no such operation.
    fn head_after_archived(&self, stem: &str) -> Result<Option<(u64, Vec<Line>)>, CommitError> {
        let lacks_text = |history: &History| !matches!(history.last_document(), Ok(Some(_)));
        let history = self.store.archived_history(stem, &lacks_text)?;
        let Some(history) = history else { return Ok(None) };
        let Some(last) = history.operations().last() else { return Ok(None) };
        let seq = last.record.seq;
        let document = history.text_after(seq)?;
        let path = self.store.archived_journal(stem)?.pop().unwrap_or_default();
        if last.abandoned || ContentHash::of(document.as_bytes()) != last.record.after {
            return Err(JournalError::Broken { path, seq }.into());
        }
        let mut lines = head(&last.record, &document, self.carried(&path)?);
        if last.archived {
            lines.push(Line::mark(seq, MarkKind::Archived, None));
        }
        Ok(Some((seq, lines)))
    }

    /// Makes durable that a session comes back, and puts its document in its place unless another text is there. The session
    /// must have been [attached](Self::attach), and its newest operation be the one that brings it back.
    pub fn place_restored(&mut self) -> Result<Placed, FileError> {
        self.forget_others();
        // Whoever committed it may have died before its entry was durable. What is in it was durable before.
        self.dir.disk().sync_dir(&self.dir.journals())?;
        let Some(newest) = self.newest() else { return Ok(Placed::Taken) };
        let Some(text) = newest.document.as_ref() else { return Ok(Placed::Taken) };
        let active = self.dir.active_session();
        match read_contents(self.dir, &active)? {
            Some(found) if ContentHash::of(&found.bytes) == newest.after => {
                self.make_durable(&active)?;
            }
            Some(_) => return Ok(Placed::Taken),
            None => {
                let prepared = self.prepare(&active, text.as_bytes(), None)?;
                match self.dir.disk().rename_new(&prepared, &active) {
                    Ok(()) => self.dir.disk().sync_dir(&self.dir.state())?,
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                        drop(self.dir.disk().remove_file(&prepared));
                        return Ok(Placed::Taken);
                    }
                    Err(error) => {
                        drop(self.dir.disk().remove_file(&prepared));
                        return Err(error.into());
                    }
                }
            }
        }
        Ok(Placed::There)
    }

    /// Takes back that a session comes back, before anything but its document was to be moved: the journal in the archive is
    /// still whole. If that fails, it is in doubt.
    pub fn take_back_restoring(&mut self) -> Result<(), CommitError> {
        self.forget_others();
        let Some(session) = self.session.take() else { return Ok(()) };
        let disk = self.dir.disk();
        let taken_back = disk
            .remove_file(session.journal.path())
            .and_then(|()| disk.sync_dir(&self.dir.journals()));
        taken_back.map_err(|error| CommitError::InDoubt { source: Box::new(error.into()) })
    }

    /// Moves the journal in the archive that is named after `stem` back to its place, and returns the files that stay because
    /// their place is taken. Can be interrupted and begun again.
    pub fn move_journal_back(
        &mut self,
        id: &SessionId,
        stem: &str,
    ) -> Result<Vec<PathBuf>, FileError> {
        let files = self.store.archived_journal(stem)?;
        let mut stay = Vec::new();
        for file in files {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let rest = name.strip_prefix(stem).and_then(|rest| rest.strip_prefix(JOURNAL));
            let place = self.dir.journals().join(format!("{id}{}", rest.unwrap_or_default()));
            match self.move_new(&file, &place) {
                Err(FileError::Taken { .. }) => stay.push(file),
                moved => moved?,
            }
        }
        Ok(stay)
    }

    /// Marks the operation that brought a session back as done, once everything is.
    pub fn end_restoring(&mut self) -> Result<(), FileError> {
        self.forget_others();
        Ok(self.mark_newest(&[MarkKind::Done], Durability::Unsynced)?)
    }
}
