//! Files and directories, each with what is durable of it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use maestro_state_store::ContentHash;

/// The number of a file or directory.
pub(super) type Inode = usize;

/// The number of a rename from one directory to another.
pub(super) type Move = u64;

pub(super) type Name = Arc<str>;

pub(super) type Entries = BTreeMap<Name, Inode>;

/// Some bytes, shared between all states of the disk that have them.
#[derive(Clone)]
pub(super) struct Bytes {
    pub(super) data: Arc<[u8]>,
    pub(super) hash: ContentHash,
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.hash.fmt(f)
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

impl Bytes {
    pub(super) fn new(data: Vec<u8>) -> Self {
        Self { hash: ContentHash::of(&data), data: data.into() }
    }
}

#[derive(Clone, Debug)]
pub(super) enum Node {
    File(FileNode),
    Dir(DirNode),
}

#[derive(Clone, Debug)]
pub(super) struct FileNode {
    pub(super) bytes: Bytes,
    pub(super) mode: u32,
    pub(super) durable: Bytes,
    pub(super) durable_mode: u32,
    /// What leads from the durable bytes to the present ones.
    pub(super) pending: Vec<DataChange>,
    /// Grows with every change of the bytes, on the whole disk.
    pub(super) modified: u64,
}

/// A change of a file that is not durable yet.
#[derive(Clone, Debug)]
pub(super) enum DataChange {
    Write { at: usize, bytes: Bytes },
    SetLen(usize),
    SetMode(u32),
}

impl DataChange {
    /// Makes the change to `bytes`, as far as a write has come to the disk.
    pub(super) fn apply(&self, bytes: &mut Vec<u8>, written: Written) {
        match self {
            Self::SetLen(len) => bytes.resize(*len, 0),
            Self::SetMode(_) => {}
            Self::Write { at, bytes: new } => {
                let (len, half) = (new.data.len(), new.data.len() / 2);
                let (end, there) = match written {
                    Written::Whole => (len, 0..len),
                    Written::FirstHalf => (half, 0..half),
                    Written::SecondHalf => (len, half..len),
                    Written::Lost => (len, 0..0),
                };
                if bytes.len() < at + end {
                    bytes.resize(at + end, 0);
                }
                bytes[at + there.start..at + there.end].copy_from_slice(&new.data[there]);
            }
        }
    }
}

/// How much of a write came to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    Whole,
    /// The first half, and nothing behind it.
    FirstHalf,
    /// The second half: zeros are in front of it where nothing was before.
    SecondHalf,
    /// Only the length: zeros are where nothing was before.
    Lost,
}

impl FileNode {
    /// A file that is wholly durable.
    pub(super) fn durable(bytes: Bytes, mode: u32, modified: u64) -> Self {
        Self {
            durable: bytes.clone(),
            bytes,
            mode,
            durable_mode: mode,
            pending: Vec::new(),
            modified,
        }
    }

    /// Makes a change; says whether there was anything to change.
    pub(super) fn change(&mut self, change: DataChange, clock: &mut u64) -> bool {
        let changes_nothing = match &change {
            DataChange::Write { at, bytes } => {
                let new = &*bytes.data;
                self.bytes.data.get(*at..at + new.len()).is_some_and(|old| old == new)
            }
            DataChange::SetLen(len) => self.bytes.data.len() == *len,
            DataChange::SetMode(mode) => self.mode == *mode,
        };
        if changes_nothing {
            return false;
        }
        if let DataChange::SetMode(mode) = change {
            self.mode = mode;
        } else {
            let mut bytes = self.bytes.data.to_vec();
            change.apply(&mut bytes, Written::Whole);
            self.bytes = Bytes::new(bytes);
            *clock += 1;
            self.modified = *clock;
        }
        self.pending.push(change);
        true
    }

    /// Makes bytes and length durable, and the permission bits if `with_metadata`; says whether anything was not.
    pub(super) fn sync(&mut self, with_metadata: bool) -> bool {
        let before = self.pending.len();
        self.durable = self.bytes.clone();
        if with_metadata {
            self.durable_mode = self.mode;
            self.pending.clear();
        } else {
            self.pending.retain(|change| matches!(change, DataChange::SetMode(_)));
        }
        self.pending.len() < before
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct DirNode {
    pub(super) mode: u32,
    pub(super) entries: Entries,
    pub(super) durable: Entries,
    /// What leads from the durable entries to the present ones.
    pub(super) pending: Vec<EntryChange>,
}

/// A change of a directory that is not durable yet, and is made as a whole or not at all.
#[derive(Clone, Debug)]
pub(super) struct EntryChange {
    /// Says what it is, for people.
    pub(super) label: String,
    pub(super) what: EntryChangeKind,
}

#[derive(Clone, Debug)]
pub(super) enum EntryChangeKind {
    /// What these names stand for from then on.
    Set(Vec<(Name, Option<Inode>)>),
    /// A file that came from another directory.
    Arrive { name: Name, inode: Inode, by: Move },
    /// A file that went to another directory, where its new name must be durable before its old one is gone. `synced`
    /// says whether this directory was synced since.
    Depart { name: Name, inode: Inode, by: Move, synced: bool },
}

impl EntryChangeKind {
    pub(super) fn apply(&self, entries: &mut Entries) {
        match self {
            Self::Set(names) => {
                for (name, inode) in names {
                    match inode {
                        Some(inode) => entries.insert(name.clone(), *inode),
                        None => entries.remove(name),
                    };
                }
            }
            Self::Arrive { name, inode, .. } => {
                entries.insert(name.clone(), *inode);
            }
            // The name may stand for another file by now.
            Self::Depart { name, inode, .. } => {
                if entries.get(name) == Some(inode) {
                    entries.remove(name);
                }
            }
        }
    }
}

impl DirNode {
    /// A directory that is wholly durable.
    pub(super) fn durable(entries: Entries, mode: u32) -> Self {
        Self { mode, durable: entries.clone(), entries, pending: Vec::new() }
    }

    pub(super) fn change(&mut self, label: String, what: EntryChangeKind) {
        what.apply(&mut self.entries);
        self.pending.push(EntryChange { label, what });
    }

    /// Makes the entries durable, but for the files that went to directories where they are not durable yet; says
    /// whether anything was not. Returns which files have arrived durably.
    pub(super) fn sync(&mut self, has_arrived: impl Fn(Move) -> bool) -> (bool, Vec<Move>) {
        let mut arrived = Vec::new();
        let mut changed = false;
        let mut kept = Vec::new();
        for mut change in std::mem::take(&mut self.pending) {
            match &mut change.what {
                EntryChangeKind::Depart { by, synced, .. } if !has_arrived(*by) => {
                    changed |= !*synced;
                    *synced = true;
                    kept.push(change);
                    continue;
                }
                EntryChangeKind::Arrive { by, .. } => arrived.push(*by),
                EntryChangeKind::Set(_) | EntryChangeKind::Depart { .. } => {}
            }
            changed = true;
            change.what.apply(&mut self.durable);
        }
        self.pending = kept;
        (changed, arrived)
    }

    /// Forgets the old names of files that have arrived elsewhere.
    pub(super) fn release(&mut self, arrived: &[Move]) {
        let durable = &mut self.durable;
        self.pending.retain(|change| match &change.what {
            EntryChangeKind::Depart { by, synced: true, .. } if arrived.contains(by) => {
                change.what.apply(durable);
                false
            }
            _ => true,
        });
    }
}
