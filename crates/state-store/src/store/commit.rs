//! Changing the document: create, commit, restore, replace.

use std::io;
use std::path::PathBuf;

use maestro_session_model::SessionId;

use crate::disk::{Kind, io_hint};
use crate::hash::ContentHash;
use crate::journal::{
    AppendError, Durability, JournalError, Line, Newest, Operation, Record, SNAPSHOT_INTERVAL, Tail,
};
use crate::splice::{self, Splice};
use crate::state_dir::StateDirError;
use crate::store::install::{Place, Swap, SwapError};
use crate::store::journals::Journals;
use crate::store::{
    Current, LockedStore, MAX_DOCUMENT_BYTES, OpenError, OpenSession, ReadError, read_contents,
};

/// A new text of the document and the operation that made it.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The document after.
    pub text: String,
    /// How it comes from the document before.
    pub splices: Vec<Splice>,
    /// The operation.
    pub operation: Operation,
}

impl Change {
    /// Returns the change from `current` to `text`.
    pub fn between(current: &Current, text: String, operation: Operation) -> Self {
        let splices = splice::diff(&current.text, &text);
        Self { text, splices, operation }
    }
}

/// What became of a commit.
#[derive(Debug)]
#[must_use = "a displaced change has to be decided again"]
pub enum Outcome {
    /// The change is made, and survives whatever comes.
    Committed(Committed),
    /// Someone edited the file after it was opened. The file has that edit, the operation is abandoned, and the session
    /// must be opened again to decide anew.
    Displaced,
}

/// A change that is made.
#[derive(Debug)]
pub struct Committed {
    /// The document after.
    pub current: Current,
    /// Why the file does not show the change yet, or not durably. The journal has it: the next command that opens the
    /// session finishes it. Until then no other change can be built on it.
    pub finish_pending: Option<io::Error>,
}

/// What a write does to the document.
struct Write<'t> {
    operation: Operation,
    text: String,
    splices: Vec<Splice>,
    /// Whether the journal needs the whole text, because it has no other way to it.
    whole: bool,
    place: Place<'t>,
    before: Option<ContentHash>,
    mode: Option<u32>,
}

/// Whether a journal that already has operations may be gone on with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Continue {
    Never,
    IfArchived,
}

impl LockedStore<'_> {
    /// Creates the session `id` with the document `text`.
    ///
    /// Nothing is ever overwritten: if there is a document, or one appears meanwhile, the creation does not happen. On an
    /// error other than [`CommitError::InDoubt`], nothing of it is left.
    pub fn create(
        &mut self,
        id: &SessionId,
        text: String,
        operation: Operation,
    ) -> Result<Committed, CommitError> {
        self.begin(id, text, operation, Continue::Never)
    }

    /// Makes `text` the document of the session `id`, which was archived and whose journal, if it still has one, is back
    /// in its place.
    ///
    /// The operation goes to the end of that journal; otherwise the same as [`create`](Self::create). For repairs: whoever has
    /// more to bring back than the document begins with [`begin_restoring`](Self::begin_restoring).
    pub fn restore(
        &mut self,
        id: &SessionId,
        text: String,
        operation: Operation,
    ) -> Result<Committed, CommitError> {
        self.begin(id, text, operation, Continue::IfArchived)
    }

    fn begin(
        &mut self,
        id: &SessionId,
        text: String,
        operation: Operation,
        when_known: Continue,
    ) -> Result<Committed, CommitError> {
        let active = self.dir.active_session();
        let archived = self.refuse_another(&text)?;
        let known = archived.into_iter().find(|session| session.id == *id);
        let is_new = known.is_none();
        let session = match known {
            Some(known) if when_known == Continue::Never => {
                return Err(CommitError::IdTaken { journal: known.journal.path().to_owned() });
            }
            Some(known) => known,
            None => self.new_journal(id)?,
        };
        self.session = Some(session);
        // The journal of an archived session may end in the middle of a line, behind which nothing would be found again.
        if let Err(error) = self.cut_torn() {
            self.session = None;
            return Err(error.into());
        }

        let outcome = self.write(Write {
            operation,
            text,
            splices: Vec::new(),
            whole: true,
            place: Place::Free,
            before: None,
            mode: None,
        });
        let nothing_happened = match &outcome {
            Ok(Outcome::Displaced) => true,
            Ok(Outcome::Committed(_)) => false,
            Err(error) => !matches!(error, CommitError::InDoubt { .. }),
        };
        if nothing_happened {
            self.session = None;
            // Only tidiness: a journal without an operation that counts is removed by whoever opens the next session. And
            // not before the temporary file is gone for good: without a journal, it would be taken for an edit.
            if is_new && self.dir.disk().sync_dir(&self.dir.state()).is_ok() {
                drop(self.dir.disk().remove_file(&self.dir.journal(id)));
            }
        }
        match outcome? {
            Outcome::Committed(committed) => Ok(committed),
            Outcome::Displaced => Err(CommitError::AlreadyExists { path: active }),
        }
    }

    /// Refuses `text` as that of a new active session if it is too large, or if there is a session that is not archived.
    /// Returns the archived ones whose journals are still in their old place.
    pub(super) fn refuse_another(&mut self, text: &str) -> Result<Vec<OpenSession>, CommitError> {
        refuse_large_text(text)?;
        let active = self.dir.active_session();
        self.forget_others();
        self.session = None;
        if self.dir.entry(&active)?.is_some() {
            return Err(CommitError::AlreadyExists { path: active });
        }
        let Journals { live, archived, dead } = self.scan()?;
        if let Some(live) = live.first() {
            let journal = live.journal.path().to_owned();
            return Err(CommitError::Unfinished { journal, session_id: live.id.clone() });
        }
        self.remove_dead(&dead)?;
        Ok(archived)
    }

    /// Makes `change` to the document that was opened as `current`.
    ///
    /// On an error other than [`CommitError::InDoubt`], document and journal are what they were. When an operation waits to
    /// be decided again, the first change after it, other than an external one, is taken to be just that.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a change is built on a text once: whatever becomes of it, that text is not current any more"
    )]
    pub fn commit(&mut self, current: Current, change: Change) -> Result<Outcome, CommitError> {
        self.forget_others();
        let Change { text, splices, operation } = change;
        refuse_large_text(&text)?;
        let session = self.session.as_ref().ok_or(CommitError::Stale)?;
        let is_newest = !session.unfinished
            && session.id == current.session_id
            && session.tail.hash() == Some(current.hash);
        if !is_newest {
            return Err(CommitError::Stale);
        }
        if !splice::leads_to(&current.text, &splices, &text) {
            return Err(CommitError::SplicesDisagree);
        }
        self.begin_segment_if_long(&current.text)?;
        let seq = self.session.as_ref().map_or(1, |session| session.tail.next_seq());
        self.write(Write {
            operation,
            text,
            splices,
            whole: seq.is_multiple_of(SNAPSHOT_INTERVAL),
            place: Place::Holds(current.text.as_bytes()),
            before: Some(current.hash),
            mode: current.mode,
        })
    }

    /// Makes `text` the document of the session `id`, whatever the present document is: for one that is gone or cannot
    /// be read.
    ///
    /// A present document that the journal does not have is copied to the quarantine first; one that is too large to
    /// read is moved there.
    pub fn replace(
        &mut self,
        id: &SessionId,
        text: String,
        operation: Operation,
    ) -> Result<Outcome, CommitError> {
        refuse_large_text(&text)?;
        let active = self.dir.active_session();
        self.forget_others();
        self.session = None;
        let Journals { mut live, archived: _, dead } = self.scan()?;
        let session = match (live.pop(), live.first()) {
            (Some(_), Some(_)) => return Err(CommitError::Stale),
            (Some(session), None) if session.id != *id => {
                let journal = session.journal.path().to_owned();
                return Err(CommitError::Unfinished { journal, session_id: session.id });
            }
            (Some(session), None) => session,
            (None, _) if self.dir.entry(&active)?.is_none() => {
                return self.restore(id, text, operation).map(Outcome::Committed);
            }
            (None, _) => {
                self.remove_dead(&dead)?;
                self.new_journal(id)?
            }
        };
        self.session = Some(session);
        self.cut_torn()?;
        self.discard_newest_temp()?;

        let known = self.known_hashes();
        let present = match read_contents(self.dir, &active) {
            Ok(present) => present,
            Err(ReadError::TooLarge { .. }) => {
                self.set_aside(&active)?;
                None
            }
            Err(error) => return Err(error.into()),
        };
        let before = present.as_ref().map(|present| ContentHash::of(&present.bytes));
        if let (Some(present), Some(before)) = (&present, before)
            && !known.contains(&before)
        {
            self.set_copy_aside(&active, &present.bytes)?;
        }
        self.write(Write {
            operation,
            text,
            splices: Vec::new(),
            whole: true,
            place: present.as_ref().map_or(Place::Free, |present| Place::Holds(&present.bytes)),
            before,
            mode: present.as_ref().and_then(|present| present.entry.mode),
        })
    }

    /// The order of effects of every write, which the documentation of [`store`](crate::store) explains.
    fn write(&mut self, write: Write<'_>) -> Result<Outcome, CommitError> {
        let Write { operation, text, splices, whole, place, before, mode } = write;
        let Some(session) = &mut self.session else { return Err(CommitError::Stale) };
        let document = if whole { Some(text.clone()) } else { None };
        let seq = session.tail.next_seq();
        let is_second_try = session.tail.waiting.is_some();
        let session_id = session.id.clone();
        let temp = self.temp_path(operation.id);
        let after = self.write_and_hash(&temp, text.as_bytes(), mode)?;

        let kept = Box::new(operation.clone());
        let record = Record { seq, operation, before, after, splices, document, carried: None };
        if let Err(error) = self.append_record(record) {
            if !matches!(error, CommitError::InDoubt { .. }) {
                drop(self.dir.disk().remove_file(&temp));
            }
            return Err(error);
        }
        // The commit point. From here on nothing is refused.

        let finished = match self.swap_in(&temp, place) {
            Ok(Swap::Done) => self.settle(&temp),
            Ok(swap @ (Swap::Refused | Swap::Displaced)) => {
                return match self.give_way(&temp, swap, is_second_try) {
                    Ok(()) => Ok(Outcome::Displaced),
                    Err(error) => Err(CommitError::InDoubt { source: Box::new(error) }),
                };
            }
            Err(SwapError::NotMoved(error)) => Err(error),
            // What came out may be an edit, for which the next command would give our text up.
            Err(SwapError::NotCompared(error)) => {
                return Err(CommitError::InDoubt { source: Box::new(error.into()) });
            }
        };
        let mode = mode.or(Some(0o600));
        let current = Current {
            session_id,
            text,
            hash: after,
            operation: kept,
            seq,
            recovered: Vec::new(),
            mode,
        };
        Ok(Outcome::Committed(Committed { current, finish_pending: finished.err() }))
    }

    /// Appends an operation durably. From then on it is unfinished.
    fn append_record(&mut self, record: Record) -> Result<(), CommitError> {
        let Some(session) = &mut self.session else { return Err(CommitError::Stale) };
        let line = Line::Operation(record);
        let appended = session.journal.append(std::slice::from_ref(&line), Durability::Synced);
        match appended {
            Ok(()) => {}
            Err(AppendError::Undone(error)) => return Err(error.into()),
            Err(AppendError::InDoubt(error)) => {
                session.unfinished = true;
                return Err(CommitError::InDoubt { source: Box::new(error.into()) });
            }
        }
        let effective = session.tail.effective().cloned();
        if let Line::Operation(record) = line {
            let waiting = session.waiting_after(&record);
            let newest = Some(Newest::new(record));
            session.tail = Tail { newest, effective, waiting, torn: None };
        }
        session.unfinished = true;
        Ok(())
    }
}

pub(super) fn refuse_large_text(text: &str) -> Result<(), CommitError> {
    match u64::try_from(text.len()) {
        Ok(len) if len <= MAX_DOCUMENT_BYTES => Ok(()),
        Ok(_) | Err(_) => Err(CommitError::TooLarge { len: text.len() }),
    }
}

/// An error from changing the document.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// There is a document already.
    #[error("there is an active session already: `{}`", path.display())]
    AlreadyExists {
        /// The document.
        path: PathBuf,
    },
    /// There is a journal of a session that is not archived.
    #[error("the session {session_id} is not archived: its journal is `{}`", journal.display())]
    Unfinished {
        /// The journal.
        journal: PathBuf,
        /// The session.
        session_id: SessionId,
    },
    /// A session of this id has been there before.
    #[error("the session id is taken by the journal `{}`", journal.display())]
    IdTaken {
        /// The journal.
        journal: PathBuf,
    },
    /// The document would be larger than any that is read.
    #[error(
        "the document would have {len} bytes, more than the {MAX_DOCUMENT_BYTES} that are read"
    )]
    TooLarge {
        /// The length.
        len: usize,
    },
    /// The session was not opened, or something has happened since.
    #[error("the session has changed since it was opened")]
    Stale,
    /// The splices of the change do not lead to its text.
    #[error("BUG: the splices of the change do not lead to its text")]
    SplicesDisagree,
    /// It cannot be said whether the change is made. The next command that opens the session makes it or drops it.
    #[error("it is not certain that the change was made")]
    InDoubt {
        /// What failed.
        source: Box<ReadError>,
    },
    /// What is there cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The journals cannot be opened.
    #[error(transparent)]
    Open(Box<OpenError>),
    /// The file system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<OpenError> for CommitError {
    fn from(error: OpenError) -> Self {
        Self::Open(Box::new(error))
    }
}

impl From<JournalError> for CommitError {
    fn from(error: JournalError) -> Self {
        Self::Read(error.into())
    }
}

impl From<StateDirError> for CommitError {
    fn from(error: StateDirError) -> Self {
        match error {
            // A directory at the place of the document is a document that is in the way.
            StateDirError::NotAFile { path, kind: Kind::Directory } => Self::AlreadyExists { path },
            error => Self::Read(error.into()),
        }
    }
}

impl From<AppendError> for CommitError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Undone(error) => error.into(),
            AppendError::InDoubt(error) => Self::InDoubt { source: Box::new(error.into()) },
        }
    }
}

impl CommitError {
    /// Returns the stable code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AlreadyExists { .. } | Self::IdTaken { .. } => "SESSION_EXISTS",
            Self::Unfinished { .. } | Self::Stale => "CONFLICT",
            Self::TooLarge { .. } => "TOO_LARGE",
            Self::SplicesDisagree => "INTERNAL",
            Self::InDoubt { .. } => "IN_DOUBT",
            Self::Read(error) => error.code(),
            Self::Open(error) => error.code(),
            Self::Io(_) => "IO",
        }
    }

    /// Returns the next step for the user.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::AlreadyExists { .. } => Some(
                "see it with `maestro status`; end it with `maestro archive` or `maestro abort`"
                    .to_owned(),
            ),
            Self::Unfinished { session_id, .. } => Some(format!(
                "archive session {session_id} first (`maestro archive --force`), or write a document whose session_id \
                 is {session_id}"
            )),
            Self::IdTaken { .. } => Some("give the new session another topic".to_owned()),
            Self::TooLarge { .. } => Some("shorten the body of the document".to_owned()),
            Self::Stale => Some("try again".to_owned()),
            Self::InDoubt { .. } => Some(
                "run `maestro status`, and repeat the command if it shows no change".to_owned(),
            ),
            Self::SplicesDisagree => None,
            Self::Io(error) => io_hint(error),
            Self::Read(error) => error.hint(),
            Self::Open(error) => error.hint(),
        }
    }
}
