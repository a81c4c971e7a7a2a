//! Reading and writing any file of the state dir on the order of a model or a person.
//!
//! Owns the decision which files may be written so: none that the store keeps in order itself, and not the document of
//! the active session, whose writer has to record an external edit.

use std::io;
use std::path::PathBuf;

use maestro_session_model::{InvalidPath, RelPath};

use crate::disk::io_hint;
use crate::state_dir::{StateDir, StateDirError};
use crate::store::files::FileError;
use crate::store::{LockedStore, Store, read_contents};

/// What may not be written from outside, below `state/`.
const PROTECTED: [&str; 7] =
    ["lock", "lock.holder", "journal", "ledger", "archive", "quarantine", "inbox"];

impl Store {
    /// Reads a file of the state dir; nothing when it is absent. Takes no lock.
    ///
    /// `path` is relative to the workspace, or to the state dir when it begins with `state/` or `plans/`; it may not be
    /// absolute or contain `..`.
    pub fn read_state_file(&self, path: &str) -> Result<Option<Vec<u8>>, StateFileError> {
        let path = locate(&self.dir, path)?.path;
        Ok(read_contents(&self.dir, &path).map_err(FileError::from)?.map(|found| found.bytes))
    }

    /// Whether `path`, understood as in [`read_state_file`](Self::read_state_file), is the document of the active
    /// session.
    pub fn is_active_session(&self, path: &str) -> bool {
        locate(&self.dir, path).is_ok_and(|found| found.is_active_session())
    }
}

impl LockedStore<'_> {
    /// Replaces a file of the state dir, or makes it, in one durable step.
    ///
    /// `path` is understood as in [`Store::read_state_file`]. Directories that are missing are made inside `plans/` only.
    pub fn write_state_file(&mut self, path: &str, bytes: &[u8]) -> Result<(), StateFileError> {
        self.forget_others();
        let found = locate(self.dir, path)?;
        if found.is_active_session() {
            return Err(StateFileError::ActiveSession { path: found.path });
        }
        if found.is_protected() {
            return Err(StateFileError::Protected { path: found.path });
        }
        let parent = found.path.parent().unwrap_or(self.dir.root());
        if !found.inside.starts_with("plans/")
            && !self.dir.check_directory(parent).map_err(FileError::from)?
        {
            return Err(FileError::Missing { path: parent.to_owned() }.into());
        }
        let entry = self.dir.file_entry(&found.path).map_err(FileError::from)?;
        let mode = entry.and_then(|entry| entry.mode);
        let temp = self.prepare(&found.path, bytes, mode).map_err(FileError::from)?;
        let disk = self.dir.disk();
        disk.rename(&temp, &found.path)
            .inspect_err(|_| drop(disk.remove_file(&temp)))
            .map_err(FileError::from)?;
        disk.sync_dir(parent)
            .map_err(|source| StateFileError::InDoubt { path: found.path.clone(), source })
    }
}

/// A file of the state dir.
struct StateFile {
    path: PathBuf,
    /// The path below the state dir, with forward slashes, in lower case: some file systems make no difference.
    inside: String,
}

impl StateFile {
    fn is_active_session(&self) -> bool {
        self.inside == "state/active-session.md"
    }

    fn is_protected(&self) -> bool {
        let below_state = self.inside.strip_prefix("state/").unwrap_or_default();
        // Windows drops dots and blanks at the end of a name.
        let name = below_state.split('/').next().unwrap_or_default().trim_end_matches(['.', ' ']);
        PROTECTED.contains(&name)
            || self.inside.starts_with("plans/archive/")
            || self.path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("tmp"))
    }
}

fn locate(dir: &StateDir, path: &str) -> Result<StateFile, StateFileError> {
    // A detour that leads back inside is refused too: with a link on the way it would lead elsewhere.
    if path.split(['/', '\\']).any(|component| component == "..") {
        return Err(StateFileError::Outside { path: dir.workspace().join(path) });
    }
    let path = RelPath::parse(path)?;
    let text = path.as_str();
    let below = text.strip_prefix(dir.relative().as_str()).and_then(|rest| rest.strip_prefix('/'));
    let inside = match below {
        Some(inside) => inside,
        None if text.starts_with("state/") || text.starts_with("plans/") => text,
        None => return Err(StateFileError::Outside { path: dir.workspace().join(text) }),
    };
    Ok(StateFile { path: dir.root().join(inside), inside: inside.to_lowercase() })
}

/// An error from reading or writing a file of the state dir on order.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateFileError {
    /// The path names no file.
    #[error(transparent)]
    Path(#[from] InvalidPath),
    /// The path is not in the state dir.
    #[error("`{}` is not in the state dir", path.display())]
    Outside {
        /// The path.
        path: PathBuf,
    },
    /// The file is kept in order by the store itself.
    #[error("`{}` cannot be written from outside", path.display())]
    Protected {
        /// The file.
        path: PathBuf,
    },
    /// The file is the document of the active session, which is written by recording an external edit.
    #[error("`{}` is the active session", path.display())]
    ActiveSession {
        /// The file.
        path: PathBuf,
    },
    /// The file is replaced, but it cannot be said whether that survives the loss of power.
    #[error("`{}` was written, but it is not certain that it is durable", path.display())]
    InDoubt {
        /// The file.
        path: PathBuf,
        /// What failed.
        source: io::Error,
    },
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl From<StateDirError> for StateFileError {
    fn from(error: StateDirError) -> Self {
        Self::File(error.into())
    }
}

impl StateFileError {
    /// Returns the stable code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Path(_) | Self::Outside { .. } => "OUTSIDE_WORKSPACE",
            Self::Protected { .. } => "PROTECTED",
            Self::ActiveSession { .. } => "CONFLICT",
            Self::InDoubt { .. } => "IN_DOUBT",
            Self::File(error) => error.code(),
        }
    }

    /// Returns the next step for the user.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Path(_) | Self::Outside { .. } => {
                Some("give a path inside the state dir, relative to the workspace".to_owned())
            }
            Self::Protected { .. } => Some(
                "use the command that the file belongs to, such as `maestro archive`".to_owned(),
            ),
            Self::ActiveSession { .. } => None,
            Self::InDoubt { source, .. } => io_hint(source),
            Self::File(error) => error.hint(),
        }
    }
}
