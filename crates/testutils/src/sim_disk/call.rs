//! What is called, on what kind of file, and how it fails.

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::path::Path;

use maestro_state_store::disk::Access;

/// A file-system call, named as [`FaultyDisk`](crate::FaultyDisk) names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is a method of `Disk` or `DiskFile`")]
pub enum Call {
    Entry,
    Open,
    Create,
    Append,
    Overwrite,
    OpenLock,
    Rename,
    RenameNew,
    Exchange,
    Remove,
    CreateDir,
    SyncDir,
    List,
    Canonicalize,
    EntryOfOpen,
    Read,
    Write,
    Sync,
    SyncData,
    SetLen,
    SetMode,
}

impl Call {
    pub(super) fn to_open(access: Access) -> Self {
        match access {
            Access::Read | Access::ReadFollowing => Self::Open,
            Access::Append => Self::Append,
            Access::CreateNew => Self::Create,
            Access::Overwrite => Self::Overwrite,
        }
    }

    /// Whether it changes what is there, or makes it durable.
    pub fn is_mutating(self) -> bool {
        match self {
            Self::Create
            | Self::Rename
            | Self::RenameNew
            | Self::Exchange
            | Self::Remove
            | Self::CreateDir
            | Self::SyncDir
            | Self::Write
            | Self::Sync
            | Self::SyncData
            | Self::SetLen
            | Self::SetMode => true,
            Self::Entry
            | Self::Open
            | Self::Append
            | Self::Overwrite
            | Self::OpenLock
            | Self::List
            | Self::Canonicalize
            | Self::EntryOfOpen
            | Self::Read => false,
        }
    }

    /// Whether it opens a file that is there, or creates it, for writing.
    pub fn opens_for_writing(self) -> bool {
        matches!(self, Self::Append | Self::Overwrite | Self::OpenLock)
    }

    /// Whether it takes room on the disk, or may.
    pub fn needs_room(self) -> bool {
        matches!(self, Self::Create | Self::CreateDir | Self::Write)
    }

    /// Whether it makes something durable.
    pub fn is_sync(self) -> bool {
        matches!(self, Self::SyncDir | Self::Sync | Self::SyncData)
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Entry => "entry",
            Self::Open => "open",
            Self::Create => "create",
            Self::Append => "open for append",
            Self::Overwrite => "overwrite",
            Self::OpenLock => "open lock",
            Self::Rename => "rename",
            Self::RenameNew => "rename new",
            Self::Exchange => "exchange",
            Self::Remove => "remove",
            Self::CreateDir => "create dir",
            Self::SyncDir => "sync dir",
            Self::List => "list",
            Self::Canonicalize => "canonicalize",
            Self::EntryOfOpen => "entry of open",
            Self::Read => "read",
            Self::Write => "write",
            Self::Sync => "sync",
            Self::SyncData => "sync data",
            Self::SetLen => "set len",
            Self::SetMode => "set mode",
        })
    }
}

/// What a path is for in a state dir, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The temporary file of an operation on the document.
    SessionTemp,
    /// Any other temporary file.
    OtherTemp,
    /// A journal that is not archived.
    Journal,
    /// The document of the active session.
    Session,
    /// A file in the quarantine.
    Quarantined,
    /// The directory `state/`.
    StateDir,
    /// The directory of the journals.
    JournalDir,
    /// The directory of what was set aside.
    QuarantineDir,
    /// The directory of archived sessions.
    ArchiveDir,
    /// The directory of plans.
    PlansDir,
    /// The directory of archived plans.
    PlansArchiveDir,
    /// Anything else.
    Other,
}

impl Role {
    /// Returns the role of `path`.
    pub fn of(path: &Path) -> Self {
        let as_str = |name: Option<&OsStr>| name.and_then(OsStr::to_str).map(str::to_owned);
        let name = as_str(path.file_name()).unwrap_or_default();
        let parent = as_str(path.parent().and_then(Path::file_name)).unwrap_or_default();
        match (parent.as_str(), name.as_str()) {
            (_, name) if path.extension().is_some_and(|extension| extension == "tmp") => {
                if name.starts_with(".active-session.md.") {
                    Self::SessionTemp
                } else {
                    Self::OtherTemp
                }
            }
            ("state", "active-session.md") => Self::Session,
            ("state", "journal") => Self::JournalDir,
            ("state", "quarantine") => Self::QuarantineDir,
            ("state", "archive") => Self::ArchiveDir,
            ("plans", "archive") => Self::PlansArchiveDir,
            ("journal", name) if name.contains(".jsonl") => Self::Journal,
            ("quarantine", _) => Self::Quarantined,
            (_, "state") => Self::StateDir,
            (_, "plans") => Self::PlansDir,
            (_, _) => Self::Other,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SessionTemp => "temporary session file",
            Self::OtherTemp => "temporary file",
            Self::Journal => "journal",
            Self::Session => "session file",
            Self::Quarantined => "quarantined file",
            Self::StateDir => "state dir",
            Self::JournalDir => "journal dir",
            Self::QuarantineDir => "quarantine dir",
            Self::ArchiveDir => "archive dir",
            Self::PlansDir => "plans dir",
            Self::PlansArchiveDir => "plans archive dir",
            Self::Other => "other",
        })
    }
}

/// Why a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// There is no room on the disk (`ENOSPC`).
    Full,
    /// The file system is, or has become, read-only (`EROFS`).
    ReadOnly,
    /// The device failed (`EIO`).
    Io,
    /// The process has too many files open (`EMFILE`).
    TooManyFiles,
}

impl Trouble {
    /// Every kind of trouble.
    pub const ALL: [Self; 4] = [Self::Full, Self::ReadOnly, Self::Io, Self::TooManyFiles];

    /// Returns the kind of its error.
    pub fn kind(self) -> io::ErrorKind {
        match self {
            Self::Full => io::ErrorKind::StorageFull,
            Self::ReadOnly => io::ErrorKind::ReadOnlyFilesystem,
            // Kinds without a name of their own; the numbers are those of every Unix.
            Self::Io => io::Error::from_raw_os_error(5).kind(),
            Self::TooManyFiles => io::Error::from_raw_os_error(24).kind(),
        }
    }

    /// Whether `call` can fail so.
    pub fn can_hit(self, call: Call) -> bool {
        match self {
            Self::Full => call.is_mutating(),
            Self::ReadOnly => call.is_mutating() || call.opens_for_writing(),
            Self::Io => true,
            Self::TooManyFiles => matches!(
                call,
                Call::Open
                    | Call::Create
                    | Call::Append
                    | Call::Overwrite
                    | Call::OpenLock
                    | Call::List
                    | Call::SyncDir
            ),
        }
    }

    pub(super) fn error(self, call: Call, path: &Path) -> io::Error {
        failure(self.kind(), call, path)
    }
}

/// An error of a call, which names the path.
pub(super) fn failure(kind: io::ErrorKind, call: Call, path: &Path) -> io::Error {
    io::Error::new(kind, format!("failed to {call} `{}`: {kind}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_known_by_the_name() {
        for (path, role) in [
            ("/w/d/state", Role::StateDir),
            ("/w/d/state/active-session.md", Role::Session),
            ("/w/d/state/.active-session.md.7.tmp", Role::SessionTemp),
            ("/w/d/state/.x.design-gate.json.tmp", Role::OtherTemp),
            ("/w/d/state/journal", Role::JournalDir),
            ("/w/d/state/journal/x.jsonl", Role::Journal),
            ("/w/d/state/quarantine", Role::QuarantineDir),
            ("/w/d/state/quarantine/active-session.md", Role::Quarantined),
            ("/w/d/state/archive", Role::ArchiveDir),
            ("/w/d/plans", Role::PlansDir),
            ("/w/d/plans/archive", Role::PlansArchiveDir),
            ("/w/d/plans/archive/x.md", Role::Other),
            ("/w/d", Role::Other),
            ("/", Role::Other),
        ] {
            assert_eq!(Role::of(Path::new(path)), role, "{path}");
        }
    }
}
