//! The exclusive lock of a state dir.
//!
//! Owns taking it, waiting for it, and saying who holds it. The lock belongs to the open file and dies with its process;
//! the file itself stays where it is for ever, because a lock on a file that someone replaces protects nothing.

use std::fs::TryLockError;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use maestro_session_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::disk::{Access, file_id, io_hint};
use crate::state_dir::{StateDir, StateDirError};

/// How often the lock file may vanish from under us before we give up. Each time, the wait begins anew.
const MAX_RELOCKS: u32 = 8;

/// The largest holder file that is believed.
const MAX_HOLDER_BYTES: usize = 64 * 1024;

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// The machine.
    pub host: String,
    /// The command line, or what the process is for.
    pub command: String,
    /// When the process began.
    pub started: Timestamp,
}

/// The exclusive lock of a state dir, released when dropped.
#[derive(Debug)]
#[must_use = "the lock is released when this is dropped"]
pub struct Lock {
    _file: fs_err::File,
}

impl StateDir {
    /// Takes the exclusive lock, waiting for it at most `wait`.
    ///
    /// Two locks exclude each other within one process as well. A process that has to wait does so in a second thread,
    /// which blocks in the system until the lock is free; when the time is over, that thread stays behind, and when it
    /// gets the lock at last, it lets go of it at once. A holder file next to the lock says who has it: for people, not
    /// for correctness, so it is neither durable nor an error when it cannot be written.
    pub fn lock(&self, holder: &Holder, wait: Duration) -> Result<Lock, LockError> {
        let path = self.lock_file();
        for _ in 0..MAX_RELOCKS {
            self.file_entry(&path)?;
            let file = self.disk().open_lock(&path).map_err(|error| {
                if error.kind() == io::ErrorKind::NotFound {
                    LockError::NotInitialised { dir: self.root().to_owned() }
                } else {
                    error.into()
                }
            })?;
            let Some(file) = acquire(file, wait)? else {
                return Err(LockError::Held { path, holder: self.read_holder(), waited: wait });
            };
            if self.is_at(&file, &path)? {
                self.write_holder(holder);
                return Ok(Lock { _file: file });
            }
        }
        Err(LockError::Unstable { path })
    }

    /// Whether the file that we locked is still the one that others will lock: a `git clean` may have removed it while
    /// we waited.
    fn is_at(&self, file: &fs_err::File, path: &Path) -> Result<bool, LockError> {
        let Some(entry) = self.disk().entry(path)? else { return Ok(false) };
        Ok(entry.id.is_none() || entry.id == file_id(file)?)
    }

    fn write_holder(&self, holder: &Holder) {
        let write = || -> io::Result<()> {
            let json = serde_json::to_vec(holder)?;
            let mut file = self.disk().open(&self.lock_holder(), Access::Overwrite)?;
            // Cut after writing and not before: some file systems flush a file that was emptied and written again when
            // it is closed, and that would double the time of taking the lock.
            file.write_all(&json)?;
            file.set_len(json.len() as u64)
        };
        drop(write());
    }

    fn read_holder(&self) -> Option<Holder> {
        let mut file = self.disk().open(&self.lock_holder(), Access::Read).ok()?;
        serde_json::from_slice(&file.read_at(0, MAX_HOLDER_BYTES).ok()?).ok()
    }
}

/// Locks `file`, or returns nothing when it stays busy for `wait`.
///
/// The standard library has no lock with a time limit. Polling would be unfair to whoever waits longest and would need
/// a clock, so the blocking call gets its own thread.
fn acquire(file: fs_err::File, wait: Duration) -> io::Result<Option<fs_err::File>> {
    match file.try_lock() {
        Ok(()) => return Ok(Some(file)),
        Err(TryLockError::WouldBlock) if wait.is_zero() => return Ok(None),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) => {
            let text = format!("failed to lock `{}`: {error}", file.path().display());
            return Err(io::Error::new(error.kind(), text));
        }
    }
    let (sender, receiver) = mpsc::channel();
    thread::Builder::new().name("maestro-lock".to_owned()).spawn(move || {
        let outcome = file.lock().map(|()| file);
        // Nobody may be waiting any more: then the file comes back in the error, and dropping it unlocks it.
        drop(sender.send(outcome));
    })?;
    match receiver.recv_timeout(wait) {
        Ok(outcome) => outcome.map(Some),
        Err(mpsc::RecvTimeoutError::Timeout | mpsc::RecvTimeoutError::Disconnected) => Ok(None),
    }
}

/// An error from taking the lock.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Someone else has it.
    #[error(
        "`{}` is locked{}",
        path.display(),
        holder.as_ref().map(|h| format!(" by `{}` (process {} on {})", h.command, h.pid, h.host))
            .unwrap_or_default()
    )]
    Held {
        /// The lock file.
        path: PathBuf,
        /// Who has it, if that can be read.
        holder: Option<Holder>,
        /// How long we waited.
        waited: Duration,
    },
    /// There is no state dir yet.
    #[error("`{}` is not initialised", dir.display())]
    NotInitialised {
        /// The state dir.
        dir: PathBuf,
    },
    /// The lock file was replaced again and again while we took it.
    #[error("`{}` keeps being replaced", path.display())]
    Unstable {
        /// The lock file.
        path: PathBuf,
    },
    /// The state dir cannot be used.
    #[error(transparent)]
    StateDir(#[from] StateDirError),
    /// The file system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl LockError {
    /// Returns the stable code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Held { .. } | Self::Unstable { .. } => "LOCKED",
            Self::NotInitialised { .. } => "NOT_INITIALISED",
            Self::StateDir(error) => error.code(),
            Self::Io(_) => "IO",
        }
    }

    /// Returns the next step for the user.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Held { holder: Some(holder), waited, .. } => Some(format!(
                "waited {} ms; try again, or end process {} on {} (`{}`, running since {})",
                waited.as_millis(),
                holder.pid,
                holder.host,
                holder.command,
                holder.started
            )),
            Self::Held { holder: None, waited, .. } => Some(format!(
                "waited {} ms; try again when the other process is done, or wait longer with `--wait SECONDS`",
                waited.as_millis()
            )),
            Self::NotInitialised { .. } => Some("run `maestro init`".to_owned()),
            Self::Unstable { path } => {
                Some(format!("find out what removes `{}`, and try again", path.display()))
            }
            Self::StateDir(error) => error.hint(),
            Self::Io(error) => io_hint(error),
        }
    }
}
