//! The disk at one instant, and what is left of it when something happens then.

use std::fmt;
use std::io::ErrorKind;

use maestro_state_store::ContentHash;

use crate::sim_disk::lock::LockFiles;
use crate::sim_disk::power::after_power_loss;
use crate::sim_disk::tree::Tree;
use crate::sim_disk::{Control, SimDisk, Weakness};

/// What had happened up to an instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Progress {
    /// How often someone was told that something is done ([`SimDisk::acknowledge`]).
    pub acknowledged: usize,
    /// How many deeds were done ([`SimDisk::before`]).
    pub deeds: usize,
}

/// A disk as it was at one instant.
pub struct Snapshot {
    when: String,
    tree: Tree,
    progress: Progress,
    locks: LockFiles,
    weaknesses: Vec<Weakness>,
    cannot_exchange: bool,
}

/// What something has left of a disk: another disk.
pub struct Image {
    /// When it happened, and what is left.
    what: String,
    tree: Tree,
    digest: ContentHash,
    progress: Progress,
    locks: LockFiles,
    weaknesses: Vec<Weakness>,
    cannot_exchange: bool,
}

impl Snapshot {
    pub(super) fn new(
        when: String,
        tree: Tree,
        progress: Progress,
        locks: LockFiles,
        control: Control,
    ) -> Self {
        let Control { weaknesses, cannot_exchange, .. } = control;
        Self { when, tree, progress, locks, weaknesses, cannot_exchange }
    }

    pub(super) fn change(
        &mut self,
        change: impl FnOnce(&mut Tree) -> Result<(), ErrorKind>,
    ) -> Result<(), ErrorKind> {
        change(&mut self.tree)
    }

    /// Returns what had happened up to this instant.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// Returns what the death of the process leaves: everything, and what was not durable may still be lost.
    pub fn after_kill(&self) -> Image {
        let is_durable = self.tree.is_durable();
        let digest = if is_durable { self.tree.digest() } else { self.tree.state_digest() };
        self.image(format!("death {}", self.when), self.tree.clone(), digest)
    }

    /// Returns everything that the loss of power may leave, or a selection where that is too much: first what is there
    /// when nothing has reached the disk that was not synced, last what is there when everything has. Each image is
    /// wholly durable, and none is there twice.
    pub fn after_power_loss(&self) -> Vec<Image> {
        let left = after_power_loss(&self.tree).into_iter();
        left.map(|left| {
            let what = format!("loss of power {}, left: {}", self.when, left.what);
            self.image(what, left.tree, left.digest)
        })
        .collect()
    }

    fn image(&self, what: String, tree: Tree, digest: ContentHash) -> Image {
        Image {
            what,
            tree,
            digest,
            progress: self.progress,
            locks: self.locks.for_another(),
            weaknesses: self.weaknesses.clone(),
            cannot_exchange: self.cannot_exchange,
        }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Snapshot({})", self.when)
    }
}

impl Image {
    /// Returns a disk with what is left.
    pub fn disk(&self) -> SimDisk {
        let control = Control {
            weaknesses: self.weaknesses.clone(),
            cannot_exchange: self.cannot_exchange,
            ..Control::default()
        };
        SimDisk::with(self.tree.clone(), self.locks.for_another(), control)
    }

    /// Returns what had happened before.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// Returns a hash of what is left. Two images with the same are the same.
    pub fn digest(&self) -> ContentHash {
        self.digest
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Image({})", self.what)
    }
}
