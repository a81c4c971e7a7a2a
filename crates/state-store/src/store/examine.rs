//! Looking at what a crash or a hand edit has left, without touching it, and setting aside what only a person can judge.
//!
//! For whoever diagnoses a state dir. Decides nothing new: what is wrong with the document says the same function that
//! every opening carries out.

use std::io;
use std::path::{Path, PathBuf};

use maestro_session_model::SessionId;

use crate::journal::{History, Journal, JournalError, Operation, Tail};
use crate::store::commit::CommitError;
use crate::store::decide::{Action, decide};
use crate::store::files::FileError;
use crate::store::install::is_swept;
use crate::store::recovery::{Inspect, OpenError};
use crate::store::{Current, LockedStore, ReadError, Store, TEMP_SUFFIX, journal_paths};

/// How things stand with the document of the active session and its journal.
#[derive(Debug)]
#[non_exhaustive]
pub enum Condition {
    /// There is no session.
    NoSession,
    /// All is in order.
    Sound,
    /// The journal ends with bytes that no append completed. The next opening cuts them off.
    TornJournal,
    /// An operation was interrupted. The next opening finishes it or takes it back.
    Unfinished,
    /// The document was edited by hand. The next opening records it.
    Edited,
    /// There is a document without a journal. The next opening begins one.
    NoJournal,
    /// The journal has a session whose document is gone.
    FileMissing {
        /// The session.
        session_id: SessionId,
    },
    /// The document cannot be read.
    Unreadable {
        /// The session of the journal, if there is one.
        session_id: Option<SessionId>,
        /// What is wrong with it.
        because: OpenError,
    },
    /// The document is of another session than the journal.
    OtherSession {
        /// The session of the journal.
        session_id: SessionId,
        /// What is wrong.
        because: OpenError,
    },
}

/// A temporary file that somebody has left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// The file.
    pub path: PathBuf,
    /// Whether the next opening clears it away, or sets it aside if it may be an edit.
    pub is_swept: bool,
}

impl Store {
    /// Lists what is in the quarantine. Takes no lock.
    pub fn quarantined(&self) -> Result<Vec<String>, FileError> {
        let listed = self.list(&self.dir.quarantine())?;
        Ok(listed.into_iter().map(|listed| listed.name).collect())
    }

    /// Reads the newest document that the sound lines of a damaged journal give back; nothing when they give none. Takes
    /// no lock.
    pub fn salvage(&self, id: &SessionId) -> Result<Option<String>, ReadError> {
        let files = journal_paths(&self.dir, id)?;
        Ok(History::salvage(self.dir.disk(), &files)?)
    }

    /// Reads the operations behind the last damaged line of a journal's newest file. Takes no lock.
    pub fn sound_end(&self, id: &SessionId) -> Result<Option<History>, ReadError> {
        match journal_paths(&self.dir, id)?.last() {
            Some(newest) => Ok(Some(History::sound_end(self.dir.disk(), newest)?)),
            None => Ok(None),
        }
    }

    /// Reads every sound operation of a journal's newest file, whatever lies between them. Takes no lock.
    pub fn sound_operations(&self, id: &SessionId) -> Result<Option<History>, ReadError> {
        match journal_paths(&self.dir, id)?.last() {
            Some(newest) => Ok(Some(History::sound_lines(self.dir.disk(), newest)?)),
            None => Ok(None),
        }
    }

    /// Whether a journal ends with the mark that its session is archived, as far as its end can be read. Takes no lock.
    pub fn is_archived_journal(&self, id: &SessionId) -> bool {
        let end = self.sound_end(id).ok().flatten();
        end.is_some_and(|end| end.operations().last().is_some_and(|newest| newest.archived))
    }

    /// Whether the end of a journal can be read, which is all that commands need.
    pub fn tail_is_sound(&self, id: &SessionId) -> bool {
        let tail = || -> Result<Tail, ReadError> {
            match journal_paths(&self.dir, id)?.last() {
                Some(newest) => Ok(Journal::open(self.dir.disk(), newest)?.tail()?),
                None => Ok(Tail::default()),
            }
        };
        tail().is_ok_and(|tail| tail.effective().is_some())
    }

    /// Reads every file of a journal to its end; an error says which line is damaged. Takes no lock.
    pub fn check_journal(&self, id: &SessionId) -> Result<(), ReadError> {
        if let Some(history) = self.history(id)? {
            let mut replay = history.replay();
            while replay.advance()?.is_some() {}
        }
        Ok(())
    }
}

impl LockedStore<'_> {
    /// Says how things stand, and changes nothing. Closes the session that is open.
    pub fn examine(&mut self, inspect: &Inspect<'_>) -> Result<Condition, OpenError> {
        self.forget_others();
        drop(self.open_journals()?);
        let session_id = self.session.as_ref().map(|session| session.id.clone());
        let mut seen = match self.look(inspect) {
            Err(because @ OpenError::Read(ReadError::TooLarge { .. })) => {
                self.session = None;
                return Ok(Condition::Unreadable { session_id, because });
            }
            seen => seen?,
        };
        let action = decide(seen.last, seen.file, seen.temp);
        let refusal = self.refusal(action, &mut seen);
        self.session = None;
        Ok(match (action, session_id, refusal) {
            (Action::NoSession, ..) => Condition::NoSession,
            (Action::Nothing, ..) => Condition::Sound,
            (Action::CutOff, ..) => Condition::TornJournal,
            (Action::RecordEdit, ..) => Condition::Edited,
            (Action::Adopt, ..) => Condition::NoJournal,
            (Action::Corrupt, session_id, Some(because)) => {
                Condition::Unreadable { session_id, because }
            }
            (Action::Conflict, Some(session_id), Some(because)) => {
                Condition::OtherSession { session_id, because }
            }
            (Action::FileMissing, Some(session_id), _) => Condition::FileMissing { session_id },
            (
                Action::Finish
                | Action::FinishCreation
                | Action::RollForward
                | Action::TakeBack
                | Action::SwapBack
                | Action::Abandon
                | Action::Corrupt
                | Action::Conflict
                | Action::FileMissing,
                ..,
            ) => Condition::Unfinished,
        })
    }

    /// Finds temporary files that somebody has left behind.
    pub fn leftovers(&self) -> Result<Vec<Leftover>, FileError> {
        let dir = self.dir;
        let mut found = Vec::new();
        for folder in [
            dir.state(),
            dir.journals(),
            dir.ledgers(),
            dir.archive(),
            dir.contexts(),
            dir.plans(),
            dir.archived_plans(),
        ] {
            for listed in self.list(&folder)? {
                let is_temp = listed.name.starts_with('.') && listed.name.ends_with(TEMP_SUFFIX);
                if listed.is_file && is_temp {
                    let is_swept = folder == dir.state() && is_swept(&listed.name);
                    found.push(Leftover { path: folder.join(listed.name), is_swept });
                }
            }
        }
        Ok(found)
    }

    /// Whether there is anything at a path of the state dir.
    pub fn is_there(&self, path: &Path) -> Result<bool, FileError> {
        self.dir.within(path)?;
        Ok(self.dir.entry(path)?.is_some())
    }

    /// Moves a file of the state dir to the quarantine, durably, and returns where it is now.
    pub fn quarantine(&mut self, path: &Path) -> Result<PathBuf, FileError> {
        self.forget_others();
        self.dir.within(path)?;
        if self.dir.entry(path)?.is_none() {
            return Err(FileError::Missing { path: path.to_owned() });
        }
        Ok(self.set_aside(path)?)
    }

    /// Copies a file of the state dir to the quarantine, durably, and returns where the copy is; for one that is about to be
    /// replaced, and must not be absent in between. What has a copy there already is not copied twice.
    pub fn quarantine_copy(&mut self, path: &Path) -> Result<PathBuf, FileError> {
        self.forget_others();
        let missing = || FileError::Missing { path: path.to_owned() };
        let bytes = self.read_file(path)?.ok_or_else(missing)?;
        Ok(self.set_copy_aside(path, &bytes)?)
    }

    /// Moves all files of a journal to the quarantine. The document, if there is one, is then one without a journal.
    pub fn quarantine_journal(&mut self, id: &SessionId) -> Result<Vec<PathBuf>, FileError> {
        self.forget_others();
        self.session = None;
        // The newest goes last: as long as it is there, nobody takes an older one for the end of the journal.
        let mut places = Vec::new();
        for file in journal_paths(self.dir, id)? {
            places.push(self.set_aside(&file)?);
        }
        Ok(places)
    }

    /// Moves the file `damaged` of the journal of the session that was opened as `current`, and the files before it, to the
    /// quarantine. `operation`, which leaves the document as it is, says so in what is left of the journal.
    pub fn quarantine_segments(
        &mut self,
        current: &Current,
        damaged: &Path,
        operation: Operation,
    ) -> Result<Vec<PathBuf>, CommitError> {
        self.append_operation(operation)?;
        let Some(session) = &self.session else { return Err(CommitError::Stale) };
        let id = session.id.clone();
        if session.journal.path() == damaged {
            self.begin_segment(&current.text)?;
            let goes_on_in = self.session.as_ref().map(|session| session.journal.path());
            if goes_on_in.is_none_or(|path| path == damaged) {
                // Or else what is recorded last would go to the quarantine as well.
                let what =
                    format!("no new file can be begun for the journal `{}`", damaged.display());
                return Err(io::Error::other(what).into());
            }
        }
        let files = journal_paths(self.dir, &id)?;
        let Some(at) = files.iter().position(|file| file == damaged) else {
            return Ok(Vec::new());
        };
        let mut places = Vec::new();
        for file in &files[..=at] {
            places.push(self.set_aside(file)?);
        }
        Ok(places)
    }
}

impl ReadError {
    /// Returns the file of a journal that is damaged, if that is what is wrong.
    pub fn damaged_journal(&self) -> Option<&Path> {
        match self {
            Self::Journal(
                JournalError::Corrupt { path, .. } | JournalError::Broken { path, .. },
            ) => Some(path),
            _ => None,
        }
    }
}
