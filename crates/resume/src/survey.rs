//! Looks at files of the workspace: what they are, and what is in them.
//!
//! Follows links inside the workspace and never one that leads out of it, opens nothing but regular files, and reads a file
//! of any size in pieces. Changes nothing and decides nothing: whether the contents of a file matter, its caller says.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use maestro_session_model::RelPath;
use maestro_state_store::disk::{Access, Entry, Kind};
use maestro_state_store::{ContentHash, ContentHasher, Disk};

use crate::file_time::FileTime;
use crate::found::{Found, FoundFile, Times};

/// How much of a file is read at once, in bytes.
const CHUNK: u64 = 1024 * 1024;

/// A look at the files of a workspace, which remembers the directories that it came through.
///
/// Directories are looked at once: make a new one for a new look. Links are looked for before a file is opened, so that
/// someone who exchanges directories meanwhile can lead us astray, but only to read.
#[derive(Debug)]
pub struct Survey<'w> {
    disk: &'w dyn Disk,
    root: &'w Path,
    directories: BTreeMap<PathBuf, Directory>,
}

/// What is at the place of a directory.
#[derive(Clone, Debug)]
enum Directory {
    /// A directory in the workspace: the path to it without links.
    At(PathBuf),
    /// Nothing, or something that can have no files.
    Missing,
    /// It cannot be entered, or lies elsewhere.
    Closed(String),
}

impl<'w> Survey<'w> {
    /// Begins to look at the workspace `root`, an absolute path without links.
    pub fn new(disk: &'w dyn Disk, root: &'w Path) -> Self {
        let directories = BTreeMap::from([(root.to_owned(), Directory::At(root.to_owned()))]);
        Self { disk, root, directories }
    }

    /// Says what is at `path`. The contents are read if `wants_contents` of what is known without; `tick` is called for every
    /// piece of them.
    pub fn look(
        &mut self,
        path: &RelPath,
        wants_contents: impl FnOnce(&FoundFile) -> bool,
        tick: &mut dyn FnMut(),
    ) -> Found {
        let named = self.root.join(path.as_str());
        let (Some(parent), Some(name)) = (named.parent(), named.file_name()) else {
            return Found::Absent;
        };
        let place = match self.directory(parent) {
            Directory::At(directory) => directory.join(name),
            Directory::Missing => return Found::Absent,
            Directory::Closed(reason) => return Found::Unreadable { reason },
        };
        match self.disk.entry(&place) {
            Ok(None) => Found::Absent,
            Ok(Some(entry)) => match entry.kind {
                Kind::File => self.file(&place, &entry, false, wants_contents, tick),
                Kind::Symlink => self.linked(&place, &entry, wants_contents, tick),
                kind @ (Kind::Directory | Kind::Other) => {
                    Found::Other { kind: kind.to_string(), is_link: false, times: times(&entry) }
                }
            },
            Err(error) => absent_or_unreadable(&error),
        }
    }

    /// Returns when the entries of the nearest directory changed that is there on the way to `path`; nothing if that is not
    /// known.
    pub fn nearest_directory_changed(&mut self, path: &RelPath) -> Option<FileTime> {
        let named = self.root.join(path.as_str());
        for ancestor in named.ancestors().skip(1) {
            if let Directory::At(directory) = self.directory(ancestor) {
                return times(&self.disk.entry(&directory).ok()??).modified;
            }
        }
        None
    }

    fn directory(&mut self, path: &Path) -> Directory {
        if let Some(known) = self.directories.get(path) {
            return known.clone();
        }
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Directory::Missing;
        };
        let found = match self.directory(parent) {
            Directory::At(parent) => self.enter(&parent.join(name)),
            missing @ (Directory::Missing | Directory::Closed(_)) => missing,
        };
        self.directories.insert(path.to_owned(), found.clone());
        found
    }

    fn enter(&self, place: &Path) -> Directory {
        let entered = match self.disk.entry(place) {
            Ok(None) => return Directory::Missing,
            Ok(Some(entry)) => match entry.kind {
                Kind::Directory => return Directory::At(place.to_owned()),
                Kind::File | Kind::Other => return Directory::Missing,
                Kind::Symlink => self.disk.canonicalize(place),
            },
            Err(error) => Err(error),
        };
        match entered {
            Ok(target) if !target.starts_with(self.root) => {
                let link = self.relative(place);
                Directory::Closed(format!("`{link}` is a link that leads out of the workspace"))
            }
            Ok(target) => match self.disk.entry(&target) {
                Ok(Some(entry)) if entry.kind == Kind::Directory => Directory::At(target),
                Ok(_) => Directory::Missing,
                Err(error) => Directory::Closed(error.kind().to_string()),
            },
            Err(error) if is_absence(&error) => Directory::Missing,
            Err(error) => Directory::Closed(error.kind().to_string()),
        }
    }

    /// Says what a link leads to, if that is in the workspace.
    fn linked(
        &self,
        place: &Path,
        link: &Entry,
        wants_contents: impl FnOnce(&FoundFile) -> bool,
        tick: &mut dyn FnMut(),
    ) -> Found {
        let other =
            |kind: &str| Found::Other { kind: kind.to_owned(), is_link: true, times: times(link) };
        let target = match self.disk.canonicalize(place) {
            Ok(target) if !target.starts_with(self.root) => {
                return other("a symbolic link that leads out of the workspace");
            }
            Ok(target) => target,
            Err(error) if is_absence(&error) => return other("a symbolic link to nothing"),
            Err(_) => return other("a symbolic link that cannot be followed"),
        };
        match self.disk.entry(&target) {
            Ok(Some(entry)) if entry.kind == Kind::File => {
                self.file(&target, &entry, true, wants_contents, tick)
            }
            Ok(Some(entry)) => other(&format!("a symbolic link to {}", entry.kind)),
            Ok(None) => other("a symbolic link to nothing"),
            Err(error) => absent_or_unreadable(&error),
        }
    }

    fn file(
        &self,
        place: &Path,
        entry: &Entry,
        is_link: bool,
        wants_contents: impl FnOnce(&FoundFile) -> bool,
        tick: &mut dyn FnMut(),
    ) -> Found {
        let mut found = FoundFile { size: entry.len, times: times(entry), is_link, hash: None };
        if !wants_contents(&found) {
            return Found::File(found);
        }
        match self.read(place, tick) {
            // As it was before it was read: if it was written meanwhile, it has another time now, and is read again.
            Ok(Some((size, hash))) => {
                found.size = size;
                found.hash = Some(hash);
                Found::File(found)
            }
            Ok(None) => Found::Unreadable { reason: "it is being exchanged".to_owned() },
            Err(error) => absent_or_unreadable(&error),
        }
    }

    /// Reads a file as long as it was when it was opened; nothing if it is no file any more.
    fn read(&self, place: &Path, tick: &mut dyn FnMut()) -> io::Result<Option<(u64, ContentHash)>> {
        let mut file = self.disk.open(place, Access::Read)?;
        let entry = file.entry()?;
        if entry.kind != Kind::File {
            return Ok(None);
        }
        let mut hasher = ContentHasher::default();
        let mut at = 0;
        while at < entry.len {
            let wanted = CHUNK.min(entry.len - at);
            let bytes = file.read_at(at, usize::try_from(wanted).unwrap_or(usize::MAX))?;
            if bytes.is_empty() {
                break;
            }
            hasher.update(&bytes);
            at += u64::try_from(bytes.len()).unwrap_or(wanted);
            tick();
        }
        Ok(Some((at, hasher.finish())))
    }

    fn relative(&self, place: &Path) -> String {
        place.strip_prefix(self.root).unwrap_or(place).to_string_lossy().replace('\\', "/")
    }
}

pub(crate) fn times(entry: &Entry) -> Times {
    Times {
        modified: entry.modified.map(FileTime::from),
        changed: entry.changed.map(|(seconds, nanos)| FileTime::from_parts(seconds, nanos)),
        born: entry.born.map(FileTime::from),
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn absent_or_unreadable(error: &io::Error) -> Found {
    if is_absence(error) {
        Found::Absent
    } else {
        Found::Unreadable { reason: error.kind().to_string() }
    }
}
