//! Why something cannot be had from the archive, or brought back from it.

use std::path::PathBuf;

use maestro_session_model::{DocumentError, UpdateError, and_more};
use maestro_state_store::store::{FileError, OpenError, ReadError};
use maestro_state_store::{CommitError, StateDirError};

/// Why something cannot be had from the archive, or brought back from it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RetrieveError {
    /// No archived session is called so.
    #[error("there is no archived session whose id begins with `{name}`")]
    NoSuch {
        /// What was given.
        name: String,
    },
    /// More than one archived session is called so.
    #[error("more than one archived session begins with `{name}`: {}", and_more(candidates.join(", "), *more))]
    Ambiguous {
        /// What was given.
        name: String,
        /// Some that begin so.
        candidates: Vec<String>,
        /// How many more there are.
        more: usize,
    },
    /// The archived file is no session.
    #[error("`{}` cannot be read as a session", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: DocumentError,
    },
    /// The archived file is not UTF-8.
    #[error("`{}` is not UTF-8 text", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// The archived file cannot be made active without damage to what someone wrote in it.
    #[error("`{}` cannot be changed", path.display())]
    Uneditable {
        /// The file.
        path: PathBuf,
        /// What is in the way.
        #[source]
        source: UpdateError,
    },
    /// A session file has appeared meanwhile.
    #[error("`{}` appeared while the session was being restored", path.display())]
    PlaceTaken {
        /// The session file.
        path: PathBuf,
    },
    /// A file could not be read, copied, moved or removed.
    #[error(transparent)]
    File(#[from] FileError),
    /// The journal could not be written.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The journal could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The journal could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The state dir cannot be used.
    #[error(transparent)]
    StateDir(#[from] StateDirError),
}

impl RetrieveError {
    /// Returns the stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSuch { .. } => "ARCHIVED_NOT_FOUND",
            Self::Ambiguous { .. } => "ARCHIVED_AMBIGUOUS",
            Self::Unreadable { .. } => "CORRUPT",
            Self::NotText { .. } => "NOT_UTF8",
            Self::Uneditable { .. } => "UNEDITABLE",
            Self::PlaceTaken { .. } => "CONFLICT",
            Self::File(error) => error.code(),
            Self::Commit(error) => error.code(),
            Self::Open(error) => error.code(),
            Self::Read(error) => error.code(),
            Self::StateDir(error) => error.code(),
        }
    }

    /// Returns what to do next, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoSuch { .. } => Some("`maestro archive list` shows all of them".to_owned()),
            Self::Ambiguous { .. } => Some("give more of the id".to_owned()),
            Self::Unreadable { path, .. } => Some(format!(
                "correct `{}` where the error points; `maestro archive show ID --document` prints it as it is",
                path.display()
            )),
            Self::NotText { path } => Some(format!("save `{}` as UTF-8", path.display())),
            Self::Uneditable { path, .. } => Some(format!(
                "write `status`, `updated` and the document paths of `{}` as plain `key: value` lines, then try again",
                path.display()
            )),
            Self::PlaceTaken { .. } => {
                Some("nothing was restored; see what is there with `maestro status`".to_owned())
            }
            Self::File(error) => error.hint(),
            Self::Commit(error) => error.hint(),
            Self::Open(error) => error.hint(),
            Self::Read(error) => error.hint(),
            Self::StateDir(error) => error.hint(),
        }
    }
}
