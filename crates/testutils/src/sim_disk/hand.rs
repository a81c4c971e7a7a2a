//! What people do to a [`SimDisk`] without us, and what a test wants to see of it. None of it is a call: nothing is
//! counted, recorded or failed.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::sim_disk::SimDisk;
use crate::sim_disk::node::{Bytes, DataChange, Node};
use crate::sim_disk::tree::Tree;

/// How far a change by hand has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Other programs see it.
    Cache,
    /// The bytes are durable as well, but not the entry.
    Bytes,
    /// All of it is durable, and with it whatever else has happened in the directory.
    Disk,
}

impl SimDisk {
    /// Makes the directory `path` and what is missing above it, durably.
    pub fn make_dirs(&self, path: &Path) {
        let above: Vec<&Path> = path.ancestors().collect();
        for dir in above.into_iter().rev().skip(1) {
            self.by_hand(dir, Reach::Disk, |tree| match tree.create_dir(dir, 0o755) {
                Err(ErrorKind::AlreadyExists) => Ok(()),
                made => made,
            });
        }
    }

    /// Makes a directory in one that is there.
    pub fn make_dir(&self, path: &Path, reach: Reach) {
        self.by_hand(path, reach, |tree| tree.create_dir(path, 0o755));
    }

    /// Writes a file in place, as an editor does that keeps the file: it is emptied, then written.
    pub fn put(&self, path: &Path, bytes: &[u8], reach: Reach) {
        self.by_hand(path, reach, |tree| write(tree, path, bytes, reach));
    }

    /// Replaces a file, as an editor does that writes a new one and renames it.
    pub fn replace(&self, path: &Path, bytes: &[u8], reach: Reach) {
        let new = path.with_extension("swp");
        self.by_hand(path, reach, |tree| {
            write(tree, &new, bytes, reach)?;
            tree.rename(&new, path, true)
        });
    }

    /// Removes a file.
    pub fn take_away(&self, path: &Path, reach: Reach) {
        self.by_hand(path, reach, |tree| tree.remove_file(path));
    }

    /// Renames a file, durably.
    pub fn put_elsewhere(&self, from: &Path, to: &Path) {
        self.by_hand(to, Reach::Disk, |tree| tree.rename(from, to, true));
        self.by_hand(from, Reach::Disk, |_| Ok(()));
    }

    fn by_hand(
        &self,
        path: &Path,
        reach: Reach,
        change: impl FnOnce(&mut Tree) -> Result<(), ErrorKind>,
    ) {
        let tree = &mut self.machine().tree;
        let changed = change(tree).and_then(|()| {
            if reach == Reach::Disk {
                let parent = tree.resolve(path.parent().unwrap_or(path))?;
                tree.sync(parent, true);
            }
            Ok(())
        });
        if let Err(kind) = changed {
            panic!("a hand cannot change `{}`: {kind}", path.display());
        }
    }

    /// Stamps files by a clock that ticks every `seconds`, while `changes` are made; otherwise each change has a second of its
    /// own.
    pub fn coarsen_clock(&self, changes: u64, seconds: u64) {
        self.machine().tree.coarsen_clock(changes, seconds);
    }

    /// Makes everything durable.
    pub fn sync_everything(&self) {
        self.machine().tree.sync_everything();
    }

    /// Returns the bytes of a file; nothing when there is none.
    pub fn bytes(&self, path: &Path) -> Option<Vec<u8>> {
        let tree = &self.machine().tree;
        let inode = tree.resolve(path).ok()?;
        tree.file(inode).ok().map(|file| file.bytes.data.to_vec())
    }

    /// Returns every file with its bytes.
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        self.machine().tree.walk(&mut |path, node| {
            if let Node::File(file) = node {
                files.insert(path.to_owned(), file.bytes.data.to_vec());
            }
        });
        files
    }
}

fn write(tree: &mut Tree, path: &Path, bytes: &[u8], reach: Reach) -> Result<(), ErrorKind> {
    let inode = tree.open_or_create_file(path)?;
    tree.change_file(inode, DataChange::SetLen(0))?;
    tree.change_file(inode, DataChange::Write { at: 0, bytes: Bytes::new(bytes.to_vec()) })?;
    if Reach::Bytes <= reach {
        tree.sync(inode, true);
    }
    Ok(())
}
