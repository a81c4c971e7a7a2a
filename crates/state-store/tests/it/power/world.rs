//! A workspace on a disk in memory, and what a test tells about a command.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use maestro_state_store::journal::SEGMENT_BYTES;
use maestro_state_store::store::{FileError, StateFileError};
use maestro_state_store::{
    CommitError, Committed, Current, Environment, JournalError, LockError, LockedStore, OpenError,
    Outcome, ReadError, Settings, SettingsError, StateDir, StateDirError, Store,
};
use maestro_testutils::{Call, Reach, SimDisk, Trouble};

use crate::fixture::{doc, holder, open, operation, session_id, try_commit};

const ROOT: &str = "/home/u/app";

/// A path in the state dir.
pub(crate) fn at(name: &str) -> PathBuf {
    Path::new(ROOT).join("docs/maestro").join(name)
}

pub(crate) fn active() -> PathBuf {
    at("state/active-session.md")
}

pub(crate) fn journal() -> PathBuf {
    at("state/journal/2026-01-15-x.jsonl")
}

/// A workspace without a state dir.
pub(crate) fn bare() -> SimDisk {
    SimDisk::new(Path::new(ROOT))
}

/// A workspace with a state dir and no session.
pub(crate) fn initialised() -> SimDisk {
    let disk = bare();
    state_dir(&disk).unwrap().create().unwrap();
    was_locked(&disk);
    disk
}

/// Leaves the lock file and its holder, which are there from the first command on, durably, so that they are not among what
/// a crash may leave out.
pub(crate) fn was_locked(disk: &SimDisk) {
    let store = store(disk).unwrap();
    drop(lock(&store).unwrap());
    disk.sync_everything();
}

/// A workspace with a session whose document was committed `texts.len()` times.
pub(crate) fn with_texts(texts: &[&str]) -> SimDisk {
    let disk = initialised();
    let store = store(&disk).unwrap();
    let mut locked = lock(&store).unwrap();
    let made = locked.create(&session_id(), doc(texts[0]), operation(1)).unwrap();
    let mut current = made.current;
    for (n, text) in (2..).zip(&texts[1..]) {
        current = committed(try_commit(&mut locked, current, n, &doc(text))).unwrap();
    }
    disk.sync_everything();
    disk
}

/// A workspace whose next operation begins a segment of the journal. What makes it long is quickly passed by: a line that
/// never came to the disk.
pub(crate) fn with_long_journal(text: &str) -> SimDisk {
    let disk = with_texts(&[text]);
    let mut long = vec![0; usize::try_from(SEGMENT_BYTES).unwrap()];
    long.push(b'\n');
    long.extend(disk.bytes(&journal()).unwrap());
    disk.put(&journal(), &long, Reach::Disk);
    disk
}

/// A workspace whose session has an operation 2 that was acknowledged and had to give way to the edit `hand`.
pub(crate) fn with_waiting_operation() -> SimDisk {
    let disk = with_texts(&["v1"]);
    let store = store(&disk).unwrap();
    {
        let mut locked = lock(&store).unwrap();
        let current = open(&mut locked, 500).unwrap().unwrap();
        let failing = disk.clone();
        // What is called next is the exchange.
        disk.before(Call::SyncData, move || failing.fail_at(0, Trouble::Io));
        committed(try_commit(&mut locked, current, 2, &doc("v2"))).unwrap();
        disk.heal();
    }
    disk.put(&active(), doc("hand").as_bytes(), Reach::Disk);
    let mut locked = lock(&store).unwrap();
    open(&mut locked, 501).unwrap();
    disk.sync_everything();
    disk
}

pub(crate) fn state_dir(disk: &SimDisk) -> Result<StateDir, Failure> {
    let (root, environment) = (Path::new(ROOT), Environment::default());
    let settings = Settings::resolve(root, &environment, disk).map_err(|error| match error {
        SettingsError::Io(error) => error.into(),
        error => Failure::new(error.to_string(), None),
    })?;
    Ok(StateDir::locate(root, &settings, Arc::new(disk.clone()))?)
}

pub(crate) fn store(disk: &SimDisk) -> Result<Store, Failure> {
    Ok(Store::new(state_dir(disk)?))
}

/// Takes the lock, which is free.
pub(crate) fn lock(store: &Store) -> Result<LockedStore<'_>, Failure> {
    Ok(store.lock(&holder("test"), Duration::ZERO)?)
}

/// How a command failed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) text: String,
    /// The kind of the error that the disk gave.
    pub(crate) kind: Option<io::ErrorKind>,
    pub(crate) in_doubt: bool,
}

impl Failure {
    pub(crate) fn new(text: String, kind: Option<io::ErrorKind>) -> Self {
        Self { text, kind, in_doubt: false }
    }
}

/// What a command returns.
pub(crate) type Ran = Result<(), Failure>;

/// Returns the document of a change that was acknowledged and needs nothing more.
pub(crate) fn finished(outcome: Result<Outcome, CommitError>) -> Result<Current, Failure> {
    match outcome? {
        Outcome::Committed(Committed { finish_pending: Some(error), .. }) => Err(error.into()),
        outcome => committed(Ok(outcome)),
    }
}

/// Returns the document of a change that was acknowledged.
pub(crate) fn committed(outcome: Result<Outcome, CommitError>) -> Result<Current, Failure> {
    match outcome? {
        Outcome::Committed(committed) => Ok(committed.current),
        Outcome::Displaced => Err(Failure::new("displaced".to_owned(), None)),
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(error.to_string(), Some(error.kind()))
    }
}

impl From<CommitError> for Failure {
    fn from(error: CommitError) -> Self {
        let in_doubt = matches!(error, CommitError::InDoubt { .. });
        Self { text: error.to_string(), kind: of_commit(&error), in_doubt }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self::new(format!("{}: {error}", error.code()), of_open(&error))
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::new(error.to_string(), of_read(&error))
    }
}

impl From<StateDirError> for Failure {
    fn from(error: StateDirError) -> Self {
        Self::new(error.to_string(), of_state_dir(&error))
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Self::new(error.to_string(), of_file(&error))
    }
}

impl From<StateFileError> for Failure {
    fn from(error: StateFileError) -> Self {
        let kind = match &error {
            StateFileError::File(error) => of_file(error),
            StateFileError::InDoubt { source, .. } => Some(source.kind()),
            _ => None,
        };
        let in_doubt = matches!(error, StateFileError::InDoubt { .. });
        Self { text: error.to_string(), kind, in_doubt }
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        let kind = match &error {
            LockError::Io(error) => Some(error.kind()),
            LockError::StateDir(error) => of_state_dir(error),
            _ => None,
        };
        Self::new(format!("{}: {error}", error.code()), kind)
    }
}

fn of_commit(error: &CommitError) -> Option<io::ErrorKind> {
    match error {
        CommitError::Io(error) => Some(error.kind()),
        CommitError::Read(error) => of_read(error),
        CommitError::InDoubt { source } => of_read(source),
        CommitError::Open(error) => of_open(error),
        _ => None,
    }
}

fn of_open(error: &OpenError) -> Option<io::ErrorKind> {
    match error {
        OpenError::Io(error) => Some(error.kind()),
        OpenError::Read(error) => of_read(error),
        OpenError::Commit(error) => of_commit(error),
        _ => None,
    }
}

fn of_read(error: &ReadError) -> Option<io::ErrorKind> {
    match error {
        ReadError::Io(error) | ReadError::Journal(JournalError::Io(error)) => Some(error.kind()),
        ReadError::StateDir(error) => of_state_dir(error),
        _ => None,
    }
}

fn of_state_dir(error: &StateDirError) -> Option<io::ErrorKind> {
    match error {
        StateDirError::Io(error) => Some(error.kind()),
        _ => None,
    }
}

fn of_file(error: &FileError) -> Option<io::ErrorKind> {
    match error {
        FileError::Io(error) => Some(error.kind()),
        FileError::Read(error) => of_read(error),
        FileError::StateDir(error) => of_state_dir(error),
        _ => None,
    }
}
