//! The document of the active session: reading it, and changing it so that no acknowledged change is ever lost.
//!
//! Owns the order of effects of a write, and the way back from a write that did not come to its end. Knows documents as
//! text: whether a text is a session, and which, it asks of its caller.
//!
//! # A write
//!
//! Under the exclusive lock, and after what is there was brought in order ([`LockedStore::open`]):
//!
//! 1. The new text goes to `state/.active-session.md.<operation>.tmp`, which is made durable.
//! 2. The operation is appended to the journal, which is made durable: **the commit point**.
//! 3. The temporary file and `active-session.md` change places in one step, and what came out is compared with the text
//!    before. If it is another, someone edited the file in between: the operation is marked `abandoned`, the files change
//!    back, and the caller decides again on the edited text.
//! 4. The temporary file, which now has the text before, is removed, and the directory is made durable.
//! 5. The operation is marked `done`, which need not be durable.
//!
//! | the process dies after | the next command sees | and |
//! |---|---|---|
//! | 1, or during 2 | the text before, perhaps a torn journal line | cuts the line off, removes the temporary file |
//! | 2 | the text before, an operation without `done` | does 3 to 5 |
//! | 3 | the text after, an operation without `done` | does 4 and 5 |
//! | 3, with an edit in between | the text after, a temporary file that nobody wrote for us | does the rest of 3 |
//! | the mark `abandoned` | the same, and the mark | changes the files back, records the edit |
//! | 4 | the text after, an operation without `done` | does 5 |
//!
//! An operation that a later command abandons may have been acknowledged, so it waits in the journal to be decided again:
//! every [`LockedStore::open`] returns it until that was done or [`LockedStore::settle_abandoned`] says that it was refused.
//!
//! A creation has no text before: its journal is created and its entry made durable before step 1, step 3 is a rename
//! that never replaces, and a file that is there already makes it `abandoned`.
//!
//! # What remains
//!
//! An editor that holds the old file open and writes into it after step 3 writes into a file that is gone. Where the
//! system cannot exchange files (anything but Linux and macOS, and some of their file systems), the text is compared
//! just before a plain rename, and an edit in the instant between the two is lost.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use maestro_session_model::SessionId;
use serde_json::Value;

use crate::disk::{Access, Entry, io_hint};
use crate::hash::ContentHash;
use crate::journal::{History, Journal, JournalError, Operation, Tail, journals_in, paths};
use crate::lock::{Holder, Lock, LockError};
use crate::state_dir::{StateDir, StateDirError};
use crate::store::journals::Others;

mod archived;
mod commit;
mod decide;
mod examine;
mod files;
mod folder;
mod install;
mod journals;
mod look;
mod recovery;
mod segments;
mod state_file;

pub use crate::store::archived::Placed;
pub use crate::store::commit::{Change, CommitError, Committed, Outcome};
pub use crate::store::examine::{Condition, Leftover};
pub use crate::store::files::{Below, FileError, MAX_DEPTH, Removal};
pub use crate::store::folder::{CacheDraft, Folder, ReadFile};
pub use crate::store::journals::{ArchivedJournal, Attached, LiveSession};
pub use crate::store::recovery::{Inspect, Inspected, OpenError, Recovered};
pub use crate::store::state_file::StateFileError;

/// The largest document that is read or written.
pub const MAX_DOCUMENT_BYTES: u64 = 64 * 1024 * 1024;

/// Says what still holds of the operations of a journal, for the next segment to begin with: those that were read, and
/// what was [carried](History::carried) over to the first of them. Nothing where there is nothing worth keeping.
///
/// Segments are forgotten, and readers read the newest alone; so whatever must outlive its segment, or be found in time,
/// goes from head to head.
pub type Carry = fn(&History) -> Option<Value>;

/// The sessions of a state dir.
#[derive(Clone, Debug)]
pub struct Store {
    dir: StateDir,
    carry: Carry,
}

/// The document of the active session, as a reader without a lock found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredText {
    /// The document.
    pub text: String,
    /// What the system says about the file. While [`Store::stamp`] returns the same, the document is the same.
    pub stamp: Entry,
}

impl Store {
    /// Returns the store of `dir`, which carries nothing over to new segments of a journal.
    pub fn new(dir: StateDir) -> Self {
        Self { dir, carry: |_| None }
    }

    /// Returns the store that begins each segment of a journal with what `carry` says of the one before.
    ///
    /// The store keeps the value and never looks inside. It should stay small beside a segment.
    #[must_use]
    pub fn carrying(self, carry: Carry) -> Self {
        Self { carry, ..self }
    }

    /// Returns the state dir.
    pub fn dir(&self) -> &StateDir {
        &self.dir
    }

    /// Reads the document of the active session; nothing when there is none.
    ///
    /// Takes no lock and repairs nothing. A write is seen whole or not at all. A write that a hand edit makes us take
    /// back can be seen for an instant.
    pub fn read(&self) -> Result<Option<StoredText>, ReadError> {
        let path = self.dir.active_session();
        let Some(Contents { bytes, entry }) = read_contents(&self.dir, &path)? else {
            return Ok(None);
        };
        Ok(Some(StoredText { text: into_text(&path, bytes)?, stamp: entry }))
    }

    /// Says what [`StoredText::stamp`] of the document would be now, without reading it.
    pub fn stamp(&self) -> Result<Option<Entry>, ReadError> {
        Ok(self.dir.file_entry(&self.dir.active_session())?)
    }

    /// Reads the journal of a session that is not archived, with every operation that is kept; nothing when there is
    /// none. Takes no lock.
    pub fn history(&self, id: &SessionId) -> Result<Option<History>, ReadError> {
        self.recent_history(id, &|_| true)
    }

    /// Reads the newest segment of that journal, and those before it while `wants_more` of what was read. Takes no lock.
    pub fn recent_history(
        &self,
        id: &SessionId,
        wants_more: &dyn Fn(&History) -> bool,
    ) -> Result<Option<History>, ReadError> {
        let paths = journal_paths(&self.dir, id)?;
        Ok(History::read(self.dir.disk(), &paths, wants_more)?)
    }

    /// Lists the sessions that have a journal in its place, archived or not. Takes no lock.
    pub fn journals(&self) -> Result<Vec<SessionId>, ReadError> {
        let dir = self.dir.journals();
        if !self.dir.check_directory(&dir)? {
            return Ok(Vec::new());
        }
        Ok(journals_in(&self.dir.disk().list(&dir)?).into_keys().collect())
    }

    /// Where the text of an operation is before it takes its place.
    fn temp_path(&self, operation: uuid::Uuid) -> PathBuf {
        self.dir.state().join(format!("{TEMP_PREFIX}{operation}{TEMP_SUFFIX}"))
    }

    /// Takes the exclusive lock, waiting for it at most `wait`. Everything that changes something is on what it returns.
    pub fn lock(&self, holder: &Holder, wait: Duration) -> Result<LockedStore<'_>, LockError> {
        let lock = self.dir.lock(holder, wait)?;
        Ok(LockedStore {
            dir: &self.dir,
            store: self,
            session: None,
            set_aside_since: Vec::new(),
            others: None,
            _lock: lock,
        })
    }
}

/// The sessions of a state dir, locked: the only way to change them.
#[derive(Debug)]
#[must_use = "the lock is released when this is dropped"]
pub struct LockedStore<'s> {
    dir: &'s StateDir,
    store: &'s Store,
    /// The session whose journal is open.
    session: Option<OpenSession>,
    /// The other journals, as long as nothing was changed since they were looked at.
    others: Option<Others>,
    /// Edits that had to be set aside since the last opening, for the next one to report.
    set_aside_since: Vec<PathBuf>,
    _lock: Lock,
}

/// A session whose journal is open for appending.
#[derive(Debug)]
struct OpenSession {
    id: SessionId,
    journal: Journal,
    tail: Tail,
    /// Whether the newest operation still has to be finished, so that nothing may be built on it.
    unfinished: bool,
}

/// The document of the active session, and what the journal knows about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Current {
    /// The session.
    pub session_id: SessionId,
    /// The document.
    pub text: String,
    /// The hash of the document.
    pub hash: ContentHash,
    /// The operation that left it so.
    pub operation: Box<Operation>,
    /// The number of that operation.
    pub seq: u64,
    /// What had to be done before the document could be opened, in order.
    pub recovered: Vec<Recovered>,
    /// The permission bits of the file, which a new one gets too.
    mode: Option<u32>,
}

impl LockedStore<'_> {
    /// Returns the state dir.
    pub fn dir(&self) -> &StateDir {
        self.dir
    }

    /// Where the text of an operation is before it takes its place.
    fn temp_path(&self, operation: uuid::Uuid) -> PathBuf {
        self.store.temp_path(operation)
    }
}

/// The temporary file of an operation on the document.
const TEMP_PREFIX: &str = ".active-session.md.";
/// What is on its way to a place that is free, or to replace a file that is not the document: nobody has been told of it,
/// and it never changes places with anything.
const PREPARED_PREFIX: &str = ".prepared-";
const TEMP_SUFFIX: &str = ".tmp";

/// The files of the journal of a session, from the oldest to the newest.
fn journal_paths(dir: &StateDir, id: &SessionId) -> Result<Vec<PathBuf>, ReadError> {
    let journals = dir.journals();
    if !dir.check_directory(&journals)? {
        return Ok(Vec::new());
    }
    let mut found = journals_in(&dir.disk().list(&journals)?);
    let files = paths(&journals, &found.remove(id).unwrap_or_default());
    for file in &files {
        dir.file_entry(file)?;
    }
    Ok(files)
}

/// The bytes of a file.
struct Contents {
    bytes: Vec<u8>,
    entry: Entry,
}

/// Reads a file of at most [`MAX_DOCUMENT_BYTES`], refusing links on the way; nothing when it is absent.
fn read_contents(dir: &StateDir, path: &Path) -> Result<Option<Contents>, ReadError> {
    let Some(found) = dir.file_entry(path)? else { return Ok(None) };
    refuse_large(path, found.len)?;
    let mut file = match dir.disk().open(path, Access::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let entry = file.entry()?;
    refuse_large(path, entry.len)?;
    // One byte more than there should be, to see the end without growing the buffer.
    let bytes = file.read_at(0, usize::try_from(entry.len).map_or(usize::MAX, |len| len + 1))?;
    Ok(Some(Contents { bytes, entry }))
}

fn refuse_large(path: &Path, len: u64) -> Result<(), ReadError> {
    if MAX_DOCUMENT_BYTES < len {
        return Err(ReadError::TooLarge { path: path.to_owned(), len });
    }
    Ok(())
}

fn into_text(path: &Path, bytes: Vec<u8>) -> Result<String, ReadError> {
    String::from_utf8(bytes)
        .map_err(|error| not_utf8(path, error.as_bytes(), error.utf8_error().valid_up_to()))
}

fn as_text<'b>(path: &Path, bytes: &'b [u8]) -> Result<&'b str, ReadError> {
    std::str::from_utf8(bytes).map_err(|error| not_utf8(path, bytes, error.valid_up_to()))
}

fn not_utf8(path: &Path, bytes: &[u8], offset: usize) -> ReadError {
    let line = bytes[..offset].split(|byte| *byte == b'\n').count();
    ReadError::NotUtf8 { path: path.to_owned(), offset, line }
}

/// An error from reading the document or the journal of a session.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file is larger than any document.
    #[error("`{}` has {len} bytes, more than the {MAX_DOCUMENT_BYTES} of the largest document", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its length.
        len: u64,
    },
    /// The file is not UTF-8.
    #[error("`{}` is not UTF-8 text: line {line} has an illegal byte at offset {offset}", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Where the first illegal byte is, from 0.
        offset: usize,
        /// In which line, from 1.
        line: usize,
    },
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The state dir cannot be used.
    #[error(transparent)]
    StateDir(#[from] StateDirError),
    /// The file system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl ReadError {
    /// Returns the stable code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "TOO_LARGE",
            Self::NotUtf8 { .. } => "NOT_UTF8",
            Self::Journal(error) => error.code(),
            Self::StateDir(error) => error.code(),
            Self::Io(_) => "IO",
        }
    }

    /// Returns the next step for the user.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::TooLarge { path, .. } | Self::NotUtf8 { path, .. } => Some(put_back(path)),
            Self::Journal(error) => error.hint(),
            Self::StateDir(error) => error.hint(),
            Self::Io(error) => io_hint(error),
        }
    }
}

/// How to get a readable document back.
fn put_back(path: &Path) -> String {
    format!(
        "correct `{}` by hand, or let `maestro doctor --fix` put the last recorded text back (what is there now goes to the \
         quarantine)",
        path.display()
    )
}
