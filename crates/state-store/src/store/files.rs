//! The other files of the state dir, for whoever moves a session to the archive and back.
//!
//! Owns primitives that each leave either nothing or a whole and durable result, so that a caller who does them in a good
//! order can be interrupted anywhere. Nothing is ever overwritten. Paths are absolute; a link, or a path outside the
//! state dir, is refused.

use std::io;
use std::path::{Path, PathBuf};

use crate::disk::{Access, Kind, Listed, io_hint};
use crate::hash::ContentHash;
use crate::journal::to_u64;
use crate::state_dir::{StateDir, StateDirError};
use crate::store::{LockedStore, PREPARED_PREFIX, ReadError, Store, TEMP_SUFFIX, read_contents};

/// How deep below a directory its files are looked for.
pub const MAX_DEPTH: u32 = 16;

/// Something below a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Below {
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub kind: Kind,
}

/// What became of a removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a file that has changed is still there"]
pub enum Removal {
    /// The file is removed, durably.
    Removed,
    /// There was no file, durably.
    Gone,
    /// The file has another content than expected, and is still there.
    Changed,
}

impl Store {
    /// Reads a file of the state dir; nothing when it is absent. Takes no lock.
    pub fn read_file(&self, path: &Path) -> Result<Option<Vec<u8>>, FileError> {
        read_file(&self.dir, path)
    }

    /// Lists a directory of the state dir in the order of names; nothing when it is absent. Takes no lock.
    pub fn list(&self, path: &Path) -> Result<Vec<Listed>, FileError> {
        list(&self.dir, path)
    }

    /// Finds what is below a directory of the state dir, in the order of paths; nothing when it is absent. Takes no lock.
    ///
    /// Goes into the directories that `enters` says, at most [`MAX_DEPTH`] deep, and follows no link.
    pub fn entries_below(
        &self,
        path: &Path,
        enters: &dyn Fn(&Path) -> bool,
    ) -> Result<Vec<Below>, FileError> {
        let mut entries = Vec::new();
        let mut directories = vec![(path.to_owned(), 0)];
        while let Some((directory, depth)) = directories.pop() {
            for listed in self.list(&directory)? {
                let path = directory.join(&listed.name);
                let kind = if listed.is_file { Kind::File } else { kind_of(&self.dir, &path)? };
                if kind == Kind::Directory && depth < MAX_DEPTH && enters(&path) {
                    directories.push((path.clone(), depth + 1));
                }
                entries.push(Below { path, kind });
            }
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(entries)
    }
}

impl<'s> LockedStore<'s> {
    /// Returns the store that is locked, for whoever only reads.
    pub fn store(&self) -> &'s Store {
        self.store
    }
}

impl LockedStore<'_> {
    /// Reads a file of the state dir; nothing when it is absent.
    pub fn read_file(&self, path: &Path) -> Result<Option<Vec<u8>>, FileError> {
        read_file(self.dir, path)
    }

    /// Lists a directory of the state dir in the order of names; nothing when it is absent.
    pub fn list(&self, path: &Path) -> Result<Vec<Listed>, FileError> {
        list(self.dir, path)
    }

    /// Copies a file to a new one, durably, and returns the hash of what was copied.
    ///
    /// The directory of `to` is made when it is missing.
    pub fn copy_to_new(&mut self, from: &Path, to: &Path) -> Result<ContentHash, FileError> {
        let missing = || FileError::Missing { path: from.to_owned() };
        let bytes = self.read_file(from)?.ok_or_else(missing)?;
        self.write_new(to, &bytes)
    }

    /// Writes a new file, durably, and returns the hash of its content.
    ///
    /// The file appears whole. The directory of `path` is made when it is missing.
    pub fn write_new(&mut self, path: &Path, bytes: &[u8]) -> Result<ContentHash, FileError> {
        self.forget_others();
        self.refuse_taken(path)?;
        let temp = self.prepare(path, bytes, None)?;
        let hash = ContentHash::of(bytes);
        if let Err(error) = self.place_new(&temp, path) {
            // Whichever name it has by now goes again: nobody is told of the file.
            let has_its_name = self.dir.disk().remove_file(&temp).is_err();
            if has_its_name && !matches!(error, FileError::Taken { .. }) {
                drop(self.remove_if_hash(path, hash));
            }
            return Err(error);
        }
        Ok(hash)
    }

    /// Moves a file to a place that is free, durably.
    ///
    /// The directory of `to` is made when it is missing. A file with the same content that is there already is the result of
    /// a move that the loss of power has left half done: then only the old name is removed.
    pub fn move_new(&mut self, from: &Path, to: &Path) -> Result<(), FileError> {
        self.forget_others();
        self.dir.within(from)?;
        self.dir.within(to)?;
        if self.dir.file_entry(from)?.is_none() {
            return Err(FileError::Missing { path: from.to_owned() });
        }
        if self.dir.entry(to)?.is_some() {
            return self.finish_move(from, to);
        }
        if let Some(parent) = to.parent() {
            self.dir.ensure_directory(parent)?;
        }
        self.place_new(from, to)?;
        match from.parent() {
            Some(parent) if to.parent() != Some(parent) => Ok(self.dir.disk().sync_dir(parent)?),
            Some(_) | None => Ok(()),
        }
    }

    /// Removes the old name of a file that has the new one already.
    fn finish_move(&self, from: &Path, to: &Path) -> Result<(), FileError> {
        if self.dir.file_entry(to).is_err() || !self.have_same_bytes(from, to)? {
            return Err(FileError::Taken { path: to.to_owned() });
        }
        // Nobody has said that the new name is durable, or what is in it.
        self.make_durable(to)?;
        self.dir.disk().remove_file(from)?;
        match from.parent() {
            Some(parent) => Ok(self.dir.disk().sync_dir(parent)?),
            None => Ok(()),
        }
    }

    /// Makes a file durable that somebody else has written, with its name.
    pub fn make_durable(&self, path: &Path) -> Result<(), FileError> {
        self.dir.within(path)?;
        self.dir.disk().open(path, Access::Read)?.sync_all()?;
        match path.parent() {
            Some(parent) => Ok(self.dir.disk().sync_dir(parent)?),
            None => Ok(()),
        }
    }

    /// Whether two files have the same bytes, whatever their size.
    pub(super) fn have_same_bytes(&self, a: &Path, b: &Path) -> Result<bool, ReadError> {
        const PIECE: usize = 64 * 1024;
        let disk = self.dir.disk();
        let (mut a, mut b) = (disk.open(a, Access::Read)?, disk.open(b, Access::Read)?);
        if a.entry()?.len != b.entry()?.len {
            return Ok(false);
        }
        let mut offset = 0;
        loop {
            let piece = a.read_at(offset, PIECE)?;
            if piece != b.read_at(offset, PIECE)? {
                return Ok(false);
            }
            if piece.len() < PIECE {
                return Ok(true);
            }
            offset += to_u64(piece.len());
        }
    }

    /// Removes a file, durably, if it still has the content that `hash` is of.
    pub fn remove_if_hash(&mut self, path: &Path, hash: ContentHash) -> Result<Removal, FileError> {
        self.forget_others();
        let found = self.read_file(path)?;
        let removal = match &found {
            Some(bytes) if ContentHash::of(bytes) != hash => return Ok(Removal::Changed),
            Some(_) => {
                self.dir.disk().remove_file(path)?;
                Removal::Removed
            }
            None => Removal::Gone,
        };
        // Also where it is gone: whoever removed it may have died before that was durable.
        if let Some(parent) = path.parent()
            && self.dir.check_directory(parent)?
        {
            self.dir.disk().sync_dir(parent)?;
        }
        Ok(removal)
    }

    fn refuse_taken(&self, path: &Path) -> Result<(), FileError> {
        self.dir.within(path)?;
        match self.dir.entry(path)? {
            Some(_) => Err(FileError::Taken { path: path.to_owned() }),
            None => Ok(()),
        }
    }

    /// Writes what is to become the file `path`, durably, to a temporary file in `state/`, where whoever comes next finds
    /// it should we die, and returns where it is. The directory of `path` is made when it is missing.
    pub(super) fn prepare(
        &self,
        path: &Path,
        bytes: &[u8],
        mode: Option<u32>,
    ) -> Result<PathBuf, ReadError> {
        if let Some(parent) = path.parent() {
            self.dir.ensure_directory(parent)?;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temp = self.dir.state().join(format!("{PREPARED_PREFIX}{name}{TEMP_SUFFIX}"));
        if self.dir.file_entry(&temp)?.is_some() {
            self.dir.disk().remove_file(&temp)?;
        }
        self.write_temp(&temp, bytes, mode)?;
        Ok(temp)
    }

    fn place_new(&self, from: &Path, to: &Path) -> Result<(), FileError> {
        self.dir.disk().rename_new(from, to).map_err(|error| {
            if error.kind() == io::ErrorKind::AlreadyExists {
                FileError::Taken { path: to.to_owned() }
            } else {
                error.into()
            }
        })?;
        match to.parent() {
            Some(parent) => Ok(self.dir.disk().sync_dir(parent)?),
            None => Ok(()),
        }
    }
}

fn read_file(dir: &StateDir, path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    dir.within(path)?;
    Ok(read_contents(dir, path)?.map(|contents| contents.bytes))
}

fn list(dir: &StateDir, path: &Path) -> Result<Vec<Listed>, FileError> {
    dir.within(path)?;
    match dir.entry(path)? {
        None => Ok(Vec::new()),
        Some(entry) if entry.kind == Kind::Directory => Ok(dir.disk().list(path)?),
        Some(_) => Err(StateDirError::NotADirectory { path: path.to_owned() }.into()),
    }
}

/// What is at a path that was listed, without following a link there.
fn kind_of(dir: &StateDir, path: &Path) -> Result<Kind, FileError> {
    match dir.entry(path) {
        Ok(entry) => Ok(entry.map_or(Kind::Other, |entry| entry.kind)),
        Err(StateDirError::Symlink { .. }) => Ok(Kind::Symlink),
        Err(error) => Err(error.into()),
    }
}

/// An error from reading, writing or moving a file of the state dir.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The place is not free.
    #[error("`{}` exists already", path.display())]
    Taken {
        /// The place.
        path: PathBuf,
    },
    /// There is no such file.
    #[error("`{}` does not exist", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The state dir cannot be used.
    #[error(transparent)]
    StateDir(#[from] StateDirError),
    /// The file system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl FileError {
    /// Returns the stable code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Taken { .. } => "CONFLICT",
            Self::Missing { .. } => "NOT_FOUND",
            Self::Read(error) => error.code(),
            Self::StateDir(error) => error.code(),
            Self::Io(_) => "IO",
        }
    }

    /// Returns the next step for the user.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Taken { .. } | Self::Missing { .. } => None,
            Self::Io(error) => io_hint(error),
            Self::Read(ReadError::TooLarge { path, .. } | ReadError::NotUtf8 { path, .. }) => {
                Some(format!("correct or move `{}`", path.display()))
            }
            Self::Read(error) => error.hint(),
            Self::StateDir(error) => error.hint(),
        }
    }
}
