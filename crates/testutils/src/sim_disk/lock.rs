//! Real lock files for disks in memory: a lock is taken by the system, on a file that the system knows.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use maestro_state_store::Disk as _;
use maestro_state_store::OsDisk;
use tempfile::TempDir;

use crate::sim_disk::node::Inode;
use crate::sim_disk::{SimDisk, Weakness};

/// The lock files of one disk, in a directory that all disks share that come from one another.
#[derive(Debug)]
pub(super) struct LockFiles {
    shared: Arc<SharedDir>,
    disk: u64,
    made: Vec<PathBuf>,
}

#[derive(Debug)]
struct SharedDir {
    dir: TempDir,
    /// The number of the next disk, and of the next lock file where everybody gets one.
    next: AtomicU64,
}

impl LockFiles {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().expect("there is a place for temporary files");
        Self::of(Arc::new(SharedDir { dir, next: AtomicU64::new(0) }))
    }

    /// The lock files of another disk.
    pub(super) fn for_another(&self) -> Self {
        Self::of(Arc::clone(&self.shared))
    }

    fn of(shared: Arc<SharedDir>) -> Self {
        let disk = shared.number();
        Self { shared, disk, made: Vec::new() }
    }

    /// Opens the real file for a simulated one.
    fn open(&mut self, inode: Inode, is_own: bool) -> io::Result<fs_err::File> {
        let disk = if is_own { self.shared.number() } else { self.disk };
        let path = self.shared.dir.path().join(format!("{disk}-{inode}"));
        let file = OsDisk.open_lock(&path)?;
        if !self.made.contains(&path) {
            self.made.push(path);
        }
        Ok(file)
    }
}

impl SharedDir {
    fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }
}

impl Drop for LockFiles {
    fn drop(&mut self) {
        // Thousands of disks may come from one. A file that stays goes with the directory.
        for path in &self.made {
            remove(path);
        }
    }
}

fn remove(path: &Path) {
    drop(OsDisk.remove_file(path));
}

impl SimDisk {
    pub(super) fn open_real_lock(&self, inode: Inode) -> io::Result<fs_err::File> {
        let is_own = self.has(Weakness::NoLock);
        self.machine().locks.open(inode, is_own)
    }
}
