//! Opening the session: finishing what the last command left undone, and recording what happened to the file without us.
//!
//! Carries out what [`decide`] says, one step at a time, looking again after each. Never repairs what it cannot read.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

use maestro_session_model::{SessionId, Timestamp};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::disk::{Access, io_hint};
use crate::hash::ContentHash;
use crate::journal::{Actor, AppendError, Durability, JournalError, MarkKind, Operation, Record};
use crate::splice;
use crate::state_dir::StateDirError;
use crate::store::commit::CommitError;
use crate::store::decide::{Action, TempState, decide};
use crate::store::install::{Place, Swap, SwapError};
use crate::store::journals::Others;
use crate::store::look::{Document, Seen};
use crate::store::{Current, LockedStore, OpenSession, ReadError, as_text, into_text, put_back};

/// How often the file may change under our hands before we give up.
const MAX_STEPS: u32 = 16;

/// What the caller finds in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected {
    /// The session that the text is of.
    pub session_id: SessionId,
    /// What the operation that records the text as an edit is to say besides.
    pub details: Map<String, Value>,
}

impl From<SessionId> for Inspected {
    fn from(session_id: SessionId) -> Self {
        Self { session_id, details: Map::new() }
    }
}

/// Says which session a text is of, or why it is none.
pub type Inspect<'i> = dyn Fn(&str) -> Result<Inspected, Box<dyn Error + Send + Sync>> + 'i;

/// Something that had to be done before the document could be opened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Recovered {
    /// Bytes at the end of the journal that no append completed were cut off.
    CutOff {
        /// How many.
        bytes: u64,
    },
    /// An operation whose text was already in place was marked as done.
    Finished {
        /// The operation.
        operation: Operation,
    },
    /// An operation was carried out to its end.
    RolledForward {
        /// The operation.
        operation: Operation,
    },
    /// An operation was given up for an edit of the file that came before its end. It may have been acknowledged, so its
    /// command is to be decided again, before any other; every `open` returns it until then, or until
    /// [`settle_abandoned`](LockedStore::settle_abandoned) says that it was refused.
    Abandoned {
        /// The operation.
        operation: Operation,
    },
    /// An edit of the file was recorded.
    ExternalEdit {
        /// The operation that records it.
        operation: Operation,
    },
    /// A document without a journal was taken over.
    Adopted {
        /// The operation that records it.
        operation: Operation,
    },
    /// A file with a text that is known to nobody was moved to the quarantine.
    SetAside {
        /// Where it is now.
        path: PathBuf,
    },
}

impl fmt::Display for Recovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutOff { bytes } => {
                write!(
                    f,
                    "{bytes} bytes at the end of the journal were cut off: no command had finished writing them"
                )
            }
            Self::Finished { operation } => {
                write!(
                    f,
                    "operation {}, which was interrupted at its end, was finished",
                    operation.id
                )
            }
            Self::RolledForward { operation } => {
                write!(f, "operation {}, which was interrupted, was carried out", operation.id)
            }
            Self::Abandoned { operation } => write!(
                f,
                "operation {}, which was interrupted, was given up, because the session file was edited meanwhile",
                operation.id
            ),
            Self::ExternalEdit { operation } => write!(
                f,
                "the session file was edited by hand; the edit was recorded as operation {}",
                operation.id
            ),
            Self::Adopted { operation } => write!(
                f,
                "the session file had no journal; it was taken over with operation {}",
                operation.id
            ),
            Self::SetAside { path } => {
                write!(f, "a text that may be an edit by hand was moved to `{}`", path.display())
            }
        }
    }
}

impl LockedStore<'_> {
    /// Opens the document of the active session, after finishing or dropping what a command before has left undone;
    /// nothing when there is no session.
    ///
    /// `inspect` is asked only about texts that the journal does not know. A text that someone else wrote becomes an
    /// operation `new_id` at the time `now`, with the whole document. What cannot be read, or is of another session than
    /// the journal, is an error, and then nothing was changed.
    ///
    /// An operation that was abandoned, by this `open` or one before, and was not decided again since, is returned among
    /// what was recovered. There is at most one.
    pub fn open(
        &mut self,
        inspect: &Inspect<'_>,
        now: Timestamp,
        new_id: Uuid,
    ) -> Result<Option<Current>, OpenError> {
        let Others { mut archived, dead } = self.open_journals()?;
        let mut recovered = Vec::new();
        recovered.extend(self.waiting().map(|operation| Recovered::Abandoned { operation }));
        for step in 0..MAX_STEPS {
            let mut seen = self.look(inspect)?;
            let action = decide(seen.last, seen.file, seen.temp);
            if let Some(error) = self.refusal(action, &mut seen) {
                return Err(error);
            }
            if step == 0 {
                self.remove_dead(&dead)?;
            }
            match action {
                Action::Nothing => return self.opened(seen, recovered).map(Some),
                Action::RecordEdit => {
                    // Times of operations only grow, also when the clock goes back.
                    let now =
                        self.newest().map_or(now, |newest| now.max(newest.operation.time.next()));
                    let operation = external("external_edit", &mut seen, now, new_id);
                    self.record_external(&seen, operation.clone())?;
                    recovered.push(Recovered::ExternalEdit { operation });
                    return self.opened(seen, recovered).map(Some);
                }
                Action::Adopt => {
                    let operation = external("adopt", &mut seen, now, new_id);
                    self.session = Some(self.journal_for(&seen, &mut archived)?);
                    self.cut_torn()?;
                    self.record_external(&seen, operation.clone())?;
                    recovered.push(Recovered::Adopted { operation });
                    return self.opened(seen, recovered).map(Some);
                }
                Action::CutOff => recovered.extend(self.cut_torn()?),
                Action::Finish => {
                    let operation = self.finish()?;
                    recovered.extend(operation.map(|operation| Recovered::Finished { operation }));
                }
                Action::FinishCreation | Action::RollForward => {
                    let operation = self.roll_forward(&seen)?;
                    recovered
                        .extend(operation.map(|operation| Recovered::RolledForward { operation }));
                }
                Action::TakeBack | Action::Abandon => {
                    let operation = self.newest().map(|newest| newest.operation.clone());
                    self.mark_newest(&[MarkKind::Abandoned], Durability::Synced)?;
                    self.read_tail_again()?;
                    recovered.extend(operation.map(|operation| Recovered::Abandoned { operation }));
                }
                Action::SwapBack => self.swap_newest_back()?,
                Action::NoSession => {
                    self.sweep_if_possible(&archived, &mut recovered);
                    return Ok(None);
                }
                // Returned as errors above.
                Action::Corrupt | Action::Conflict | Action::FileMissing => break,
            }
        }
        Err(OpenError::Unsettled { path: self.dir.active_session() })
    }

    pub(super) fn refusal(&self, action: Action, seen: &mut Seen) -> Option<OpenError> {
        let path = self.dir.active_session();
        match action {
            Action::Corrupt => seen.problem.take(),
            Action::Conflict => {
                let session = self.session.as_ref()?;
                Some(OpenError::OtherSession {
                    path,
                    journal: session.journal.path().to_owned(),
                    found: seen.document.as_ref()?.session_id.clone()?,
                })
            }
            Action::FileMissing => {
                let session_id = self.session.as_ref()?.id.clone();
                Some(OpenError::SessionFileMissing { path, session_id })
            }
            Action::Nothing
            | Action::NoSession
            | Action::CutOff
            | Action::Finish
            | Action::FinishCreation
            | Action::RollForward
            | Action::TakeBack
            | Action::SwapBack
            | Action::Abandon
            | Action::RecordEdit
            | Action::Adopt => None,
        }
    }

    fn opened(&mut self, seen: Seen, mut recovered: Vec<Recovered>) -> Result<Current, OpenError> {
        let set_aside = std::mem::take(&mut self.set_aside_since);
        recovered.extend(set_aside.into_iter().map(|path| Recovered::SetAside { path }));
        self.sweep_if_possible(&[], &mut recovered);
        let path = self.dir.active_session();
        let session = self.session.as_ref();
        let record = session.and_then(|session| session.tail.effective());
        let (Some(session), Some(record), Some(document)) = (session, record, seen.document) else {
            return Err(OpenError::Unsettled { path });
        };
        Ok(Current {
            session_id: session.id.clone(),
            text: into_text(&path, document.bytes)?,
            hash: document.hash,
            operation: Box::new(record.operation.clone()),
            seq: record.seq,
            recovered,
            mode: document.entry.mode,
        })
    }

    /// Sweeping is tidiness: what could not be removed or set aside now stays for the next command.
    fn sweep_if_possible(&self, archived: &[OpenSession], recovered: &mut Vec<Recovered>) {
        drop(self.sweep(archived, recovered));
    }

    /// The abandoned operation that still has to be decided again.
    fn waiting(&self) -> Option<Operation> {
        let waiting = self.session.as_ref()?.tail.waiting.as_ref()?;
        Some(waiting.operation.clone())
    }

    pub(super) fn newest(&self) -> Option<&Record> {
        let newest = self.session.as_ref()?.tail.newest.as_ref()?;
        Some(&newest.record)
    }

    fn read_tail_again(&mut self) -> Result<(), OpenError> {
        if let Some(session) = &mut self.session {
            session.tail = session.journal.tail()?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Option<Operation>, OpenError> {
        let Some(operation) = self.newest().map(|newest| newest.operation.clone()) else {
            return Ok(None);
        };
        let temp = self.temp_path(operation.id);
        self.discard_newest_temp()?;
        self.settle(&temp)?;
        Ok(Some(operation))
    }

    /// Removes or sets aside the temporary file of the newest operation.
    pub(super) fn discard_newest_temp(&mut self) -> Result<(), ReadError> {
        let Some(newest) = self.newest() else { return Ok(()) };
        let temp = self.temp_path(newest.operation.id);
        self.set_aside_since.extend(self.discard(&temp, &self.known_hashes())?);
        Ok(())
    }

    /// Carries the newest operation out to its end. Returns nothing when the file changed meanwhile.
    fn roll_forward(&mut self, seen: &Seen) -> Result<Option<Operation>, OpenError> {
        let Some((session, newest)) = self.session.as_ref().zip(self.newest()) else {
            return Ok(None);
        };
        let operation = newest.operation.clone();
        let temp = self.temp_path(operation.id);
        if seen.temp != TempState::After {
            let broken = || JournalError::Broken {
                path: session.journal.path().to_owned(),
                seq: newest.seq,
            };
            let bytes = text_of(newest, seen.document.as_ref()).ok_or_else(broken)?;
            self.discard_newest_temp()?;
            let mode = seen.document.as_ref().and_then(|document| document.entry.mode);
            // By way of a rename: half of a text in the place of the temporary file would be taken for an edit.
            let prepared = self.prepare(&self.dir.active_session(), bytes.as_bytes(), mode)?;
            self.dir.disk().rename_new(&prepared, &temp)?;
        }
        let place = seen.document.as_ref().map_or(Place::Free, |found| Place::Holds(&found.bytes));
        match self.swap_in(&temp, place).map_err(SwapError::into_io)? {
            Swap::Done => {}
            Swap::Refused | Swap::Displaced => return Ok(None),
        }
        self.settle(&temp)?;
        Ok(Some(operation))
    }

    fn swap_newest_back(&mut self) -> Result<(), OpenError> {
        let Some(newest) = self.newest() else { return Ok(()) };
        self.swap_back(&self.temp_path(newest.operation.id), newest.after)?;
        // Before anything is removed: the edit must be durable where it is now.
        self.dir.disk().sync_dir(&self.dir.state())?;
        self.discard_newest_temp()?;
        self.dir.disk().sync_dir(&self.dir.state())?;
        Ok(())
    }

    /// The journal for a document without one: that of an archived session of the same id, or a new one.
    fn journal_for(
        &self,
        seen: &Seen,
        archived: &mut Vec<OpenSession>,
    ) -> Result<OpenSession, OpenError> {
        let id = seen.document.as_ref().and_then(|document| document.session_id.as_ref());
        let unsettled = || OpenError::Unsettled { path: self.dir.active_session() };
        let id = id.ok_or_else(unsettled)?;
        match archived.extract_if(.., |session| session.id == *id).next() {
            Some(known) => Ok(known),
            None => Ok(self.new_journal(id)?),
        }
    }

    /// Records the document as it was seen, with its whole text.
    fn record_external(&mut self, seen: &Seen, operation: Operation) -> Result<(), OpenError> {
        let path = self.dir.active_session();
        let (Some(document), Some(session)) = (&seen.document, &mut self.session) else {
            return Err(OpenError::Unsettled { path });
        };
        // The journal is about to say that the file has this text, and whoever wrote it may not have made it durable.
        self.dir.disk().open(&path, Access::Read)?.sync_all()?;
        self.dir.disk().sync_dir(&self.dir.state())?;
        let record = Record {
            seq: session.tail.next_seq(),
            operation,
            before: session.tail.hash(),
            after: document.hash,
            splices: Vec::new(),
            document: Some(as_text(&path, &document.bytes)?.to_owned()),
            carried: None,
        };
        session.append_finished(record).map_err(AppendError::into_io)?;
        Ok(())
    }
}

/// The text after an operation, from the document before it.
fn text_of(record: &Record, before: Option<&Document>) -> Option<String> {
    let text = match (&record.document, before) {
        (Some(document), _) => document.clone(),
        (None, Some(before)) => {
            let before = std::str::from_utf8(&before.bytes).ok()?;
            splice::apply(before, &record.splices).ok()?
        }
        (None, None) => return None,
    };
    (ContentHash::of(text.as_bytes()) == record.after).then_some(text)
}

/// The operation that records what someone did without us.
fn external(command: &str, seen: &mut Seen, time: Timestamp, id: Uuid) -> Operation {
    let details = seen.document.as_mut().map(|document| std::mem::take(&mut document.details));
    let mut fields = details.unwrap_or_default();
    fields.insert("command".to_owned(), command.into());
    let command = Value::Object(fields);
    Operation { id, time, actor: Actor::EXTERNAL, command, canonical: false }
}

/// An error from opening the active session.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The document is not one of a session.
    #[error("`{}` is not a valid session", path.display())]
    Corrupt {
        /// The document.
        path: PathBuf,
        /// What the caller found wrong with it.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The document is of another session than the journal.
    #[error(
        "`{}` is the session {found}, but the session of the journal `{}` is not archived",
        path.display(),
        journal.display()
    )]
    OtherSession {
        /// The document.
        path: PathBuf,
        /// The journal.
        journal: PathBuf,
        /// The session that the document is of.
        found: SessionId,
    },
    /// There are two journals of sessions that are not archived.
    #[error(
        "there are two sessions that are not archived, with the journals `{}` and `{}`",
        first.display(),
        second.display()
    )]
    TwoSessions {
        /// One journal.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// The journal has a session whose document is gone.
    #[error("the document of the session {session_id} is missing: `{}`", path.display())]
    SessionFileMissing {
        /// Where it should be.
        path: PathBuf,
        /// The session.
        session_id: SessionId,
    },
    /// The file changed again and again while we opened it.
    #[error("`{}` keeps changing", path.display())]
    Unsettled {
        /// The document.
        path: PathBuf,
    },
    /// What is there cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What is there cannot be recorded.
    #[error(transparent)]
    Commit(Box<CommitError>),
    /// The file system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<StateDirError> for OpenError {
    fn from(error: StateDirError) -> Self {
        Self::Read(error.into())
    }
}

impl From<JournalError> for OpenError {
    fn from(error: JournalError) -> Self {
        Self::Read(error.into())
    }
}

impl From<CommitError> for OpenError {
    fn from(error: CommitError) -> Self {
        Self::Commit(Box::new(error))
    }
}

impl OpenError {
    /// Returns the stable code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Corrupt { .. } => "CORRUPT",
            Self::OtherSession { .. } | Self::TwoSessions { .. } | Self::Unsettled { .. } => {
                "CONFLICT"
            }
            Self::SessionFileMissing { .. } => "SESSION_FILE_MISSING",
            Self::Read(error) => error.code(),
            Self::Commit(error) => error.code(),
            Self::Io(_) => "IO",
        }
    }

    /// Returns the next step for the user.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Corrupt { path, .. } => Some(put_back(path)),
            Self::SessionFileMissing { .. } => Some(
                "put the file back, or let `maestro doctor --fix` write the last recorded text again"
                    .to_owned(),
            ),
            Self::OtherSession { .. } => Some(
                "put the right session file back, or let `maestro doctor --fix` archive the session of the journal and \
                 keep the file"
                    .to_owned(),
            ),
            Self::TwoSessions { .. } => Some(
                "`maestro doctor` says which of the two is in the session file; `--fix` archives the other".to_owned(),
            ),
            Self::Unsettled { path } => {
                Some(format!("find out what writes `{}`, and try again", path.display()))
            }
            Self::Read(error) => error.hint(),
            Self::Commit(error) => error.hint(),
            Self::Io(error) => io_hint(error),
        }
    }
}
