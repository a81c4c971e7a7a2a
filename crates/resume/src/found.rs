//! What is at a path of the workspace, as far as comparing needs it. Plain data.

use maestro_state_store::ContentHash;

use crate::file_time::FileTime;

/// What is at a path now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Absent,
    /// A regular file, or a link to one inside the workspace.
    File(FoundFile),
    /// Something else.
    Other {
        /// What, such as `a directory`.
        kind: String,
        /// Whether it is a link.
        is_link: bool,
        /// Its times.
        times: Times,
    },
    /// It cannot be read, or its path leads out of the workspace.
    Unreadable {
        /// Why.
        reason: String,
    },
}

/// A regular file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFile {
    /// The length in bytes.
    pub size: u64,
    /// Its times; those of the file that a link leads to.
    pub times: Times,
    /// Whether a link is in its place.
    pub is_link: bool,
    /// The hash of its contents, if it was asked for.
    pub hash: Option<ContentHash>,
}

/// The times of something, as far as the file system knows them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// When the contents changed.
    pub modified: Option<FileTime>,
    /// When anything changed: contents, name, permissions.
    pub changed: Option<FileTime>,
    /// When it came to be.
    pub born: Option<FileTime>,
}
