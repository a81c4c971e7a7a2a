//! The file-system calls that this crate makes, behind a trait.
//!
//! Owns the list of calls and what each promises, so that a test can fail or stop at any of them. Decides nothing: which
//! call comes after which, and what a failure means, is for [`store`](crate::store) to say. Not a general virtual file
//! system.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

mod os;

pub use crate::disk::os::OsDisk;

pub(crate) use crate::disk::os::file_id;

/// The file-system calls that this crate makes.
///
/// Every error names the path that it is about.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Describes what is at `path` without following a link there; nothing when the path does not exist.
    fn entry(&self, path: &Path) -> io::Result<Option<Entry>>;

    /// Opens the file at `path`.
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>>;

    /// Opens the lock file at `path` for reading and writing, and creates it (0600) when it is absent.
    ///
    /// Refuses a link where the system can. Locks nothing yet.
    fn open_lock(&self, path: &Path) -> io::Result<fs_err::File>;

    /// Renames `from` to `to`, over whatever file is there.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Renames `from` to `to`; fails with `AlreadyExists` when something is there, and then changes nothing.
    ///
    /// On a file system that can neither rename without replacing nor link, another process that creates `to` between
    /// the check and the rename is overwritten.
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Swaps the two files at `a` and `b` in one step.
    fn exchange(&self, a: &Path, b: &Path) -> io::Result<Exchange>;

    /// Removes the file at `path`.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Creates the directory `path`; its parent must be there.
    fn create_dir(&self, path: &Path, privacy: Privacy) -> io::Result<()>;

    /// Makes the entries of the directory `path` durable. Does nothing on Windows, which has no such call.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Lists the directory `path` in the order of names, without following links. Names that are not UTF-8 are left
    /// out: none of them is ours.
    fn list(&self, path: &Path) -> io::Result<Vec<Listed>>;

    /// Describes the entries of the directory `path` whose names `wants`, in the order of names, without following links.
    /// One that goes away meanwhile is left out.
    fn list_entries(
        &self,
        path: &Path,
        wants: &dyn Fn(&str) -> bool,
    ) -> io::Result<Vec<(String, Entry)>> {
        let mut found = Vec::new();
        for listed in self.list(path)?.into_iter().filter(|listed| wants(&listed.name)) {
            if let Some(entry) = self.entry(&path.join(&listed.name))? {
                found.push((listed.name, entry));
            }
        }
        Ok(found)
    }

    /// Returns `path` as an absolute path without links, and on Windows without the verbatim prefix (`\\?\`).
    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf>;
}

/// An open file of a [`Disk`].
pub trait DiskFile: fmt::Debug + Send {
    /// Describes the open file.
    fn entry(&self) -> io::Result<Entry>;

    /// Reads up to `max` bytes from `offset` on; fewer only at the end of the file.
    fn read_at(&mut self, offset: u64, max: usize) -> io::Result<Vec<u8>>;

    /// Writes all of `bytes`: at the end of a file opened with [`Access::Append`], else after what was written before.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes contents and metadata durable.
    fn sync_all(&mut self) -> io::Result<()>;

    /// Makes contents and length durable.
    fn sync_data(&mut self) -> io::Result<()>;

    /// Cuts the file off at `len` bytes, or fills it up to there with zeros.
    fn set_len(&mut self, len: u64) -> io::Result<()>;

    /// Sets the permission bits. Does nothing on Windows.
    fn set_mode(&mut self, mode: u32) -> io::Result<()>;
}

/// Returns what to do when the file system refused.
pub(crate) fn io_hint(error: &io::Error) -> Option<String> {
    let hint = match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "give yourself the right to read and write there, or name another state dir with MAESTRO_STATE_DIR"
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "make room on the disk, then try again"
        }
        io::ErrorKind::NotFound => "see that the directory is there, then try again",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// For reading; a link at the end of the path is refused.
    Read,
    /// For reading; links are followed. For files that belong to the user, such as `.env`.
    ReadFollowing,
    /// For reading and appending to an existing file; a link at the end of the path is refused.
    Append,
    /// For writing a file (0600) that must not exist yet.
    CreateNew,
    /// For writing over the beginning of a file (0600) that may exist; a link at the end of the path is refused.
    Overwrite,
}

/// Who may enter a new directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privacy {
    /// Only the owner (0700).
    Private,
    /// Whoever the user's umask lets in.
    Shared,
}

/// What [`Disk::exchange`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "an exchange that is not supported has swapped nothing"]
pub enum Exchange {
    /// The two files have changed places.
    Done,
    /// The system or the file system has no such call; nothing changed.
    Unsupported,
}

/// What a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A device, a pipe, a socket.
    Other,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "a file",
            Self::Directory => "a directory",
            Self::Symlink => "a symbolic link",
            Self::Other => "neither a file nor a directory",
        })
    }
}

/// What the system says about a path. Two equal entries of one path mean, as far as the system can tell, the same
/// contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// The length in bytes.
    pub len: u64,
    /// Device and inode; absent on Windows.
    pub id: Option<FileId>,
    /// The permission bits; absent on Windows.
    pub mode: Option<u32>,
    /// When the contents changed.
    pub modified: Option<SystemTime>,
    /// When anything about the file changed, in seconds and nanoseconds; absent on Windows.
    pub changed: Option<(i64, i64)>,
    /// When the file came to be; absent where the file system does not remember it.
    pub born: Option<SystemTime>,
}

/// The identity of a file on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileId {
    /// The device.
    pub device: u64,
    /// The inode.
    pub inode: u64,
}

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// The name within the directory.
    pub name: String,
    /// Whether it is a regular file; links are not.
    pub is_file: bool,
}
