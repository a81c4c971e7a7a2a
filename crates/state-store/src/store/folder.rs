//! Reading many files of one directory, and keeping what was found out about them in a cache.
//!
//! For directories with thousands of files, of which each counts: the way there is checked for links once, and not again for
//! every file. Takes no lock. A cache is a file that nobody relies on: it appears whole, is not made durable, and whoever
//! cannot write it goes on without it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::disk::{Access, Disk, DiskFile, Entry, Kind};
use crate::state_dir::StateDirError;
use crate::store::files::FileError;
use crate::store::{PREPARED_PREFIX, Store, TEMP_SUFFIX, refuse_large};

/// How many processes may write the same cache at once. One that comes to more goes on without.
const MAX_DRAFTS: u32 = 8;

/// A directory of the state dir, reached without links.
#[derive(Clone, Debug)]
pub struct Folder<'s> {
    disk: &'s dyn Disk,
    path: PathBuf,
}

/// A file as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadFile {
    /// Its content.
    pub bytes: Vec<u8>,
    /// What the system said about it before its content was read.
    pub stamp: Entry,
}

/// A cache that is being written. Dropped without [`put`](Self::put), it comes to nothing.
#[derive(Debug)]
#[must_use = "a cache counts once it was put in its place"]
pub struct CacheDraft<'s> {
    disk: &'s dyn Disk,
    /// Until it is in its place: then the name is free for somebody else.
    temp: Option<PathBuf>,
    place: PathBuf,
    file: Box<dyn DiskFile>,
    begun: Option<SystemTime>,
}

impl Store {
    /// Opens a directory of the state dir for reading its files; nothing when it is absent.
    pub fn folder(&self, path: &Path) -> Result<Option<Folder<'_>>, FileError> {
        self.dir.within(path)?;
        let is_there = self.dir.check_directory(path)?;
        Ok(is_there.then(|| Folder { disk: self.dir.disk(), path: path.to_owned() }))
    }

    /// Begins to write the cache `place`, in a directory that is there.
    pub fn begin_cache(&self, place: &Path) -> Result<CacheDraft<'_>, FileError> {
        self.dir.within(place)?;
        if let Some(entry) = self.dir.entry(place)?.filter(|entry| entry.kind != Kind::File) {
            let path = place.to_owned();
            return Err(StateDirError::NotAFile { path, kind: entry.kind }.into());
        }
        let (disk, state) = (self.dir.disk(), self.dir.state());
        self.dir.check_directory(&state)?;
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        let name = name.trim_start_matches('.');
        let mut n = 0;
        loop {
            // Where the next command finds it should we die.
            let temp = state.join(format!("{PREPARED_PREFIX}{name}.{n}{TEMP_SUFFIX}"));
            n += 1;
            match disk.open(&temp, Access::CreateNew) {
                Ok(file) => {
                    let begun = file.entry().ok().and_then(|entry| entry.modified);
                    let place = place.to_owned();
                    return Ok(CacheDraft { disk, temp: Some(temp), place, file, begun });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && n < MAX_DRAFTS => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Folder<'_> {
    /// Returns where the directory is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lists its regular files whose names `wants`, in the order of names, with what the system says about each.
    pub fn stamped(&self, wants: &dyn Fn(&str) -> bool) -> Result<Vec<(String, Entry)>, FileError> {
        let mut listed = self.disk.list_entries(&self.path, wants)?;
        listed.retain(|(_, entry)| entry.kind == Kind::File);
        Ok(listed)
    }

    /// Reads the file `name`, which was [listed](Self::stamped); nothing when it is gone. Refuses links, and what is larger than
    /// any document.
    pub fn read(&self, name: &str) -> Result<Option<ReadFile>, FileError> {
        let path = self.path.join(name);
        let mut file = match self.disk.open(&path, Access::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let stamp = file.entry()?;
        if stamp.kind != Kind::File {
            return Err(StateDirError::NotAFile { path, kind: stamp.kind }.into());
        }
        refuse_large(&path, stamp.len)?;
        // One byte more than there should be, to see the end without growing the buffer.
        let bytes = file.read_at(0, usize::try_from(stamp.len).map_or(usize::MAX, |n| n + 1))?;
        Ok(Some(ReadFile { bytes, stamp }))
    }
}

impl CacheDraft<'_> {
    /// Returns when it was begun, by the clock that also stamps the files beside it; nothing where the system does not say.
    pub fn begun(&self) -> Option<SystemTime> {
        self.begun
    }

    /// Writes the content and puts it in its place, over whatever cache is there.
    pub fn put(mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.file.write_all(bytes)?;
        if let Some(temp) = &self.temp {
            self.disk.rename(temp, &self.place)?;
        }
        self.temp = None;
        Ok(())
    }
}

impl Drop for CacheDraft<'_> {
    fn drop(&mut self) {
        if let Some(temp) = &self.temp {
            // Only tidiness: the next command that changes something sweeps what is left.
            drop(self.disk.remove_file(temp));
        }
    }
}
