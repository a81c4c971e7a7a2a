//! The calls of a [`SimDisk`]: counted, recorded, failed and weakened on the way to the tree.

use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use maestro_state_store::disk::{Access, Disk, DiskFile, Entry, Exchange, Kind, Listed, Privacy};

use crate::sim_disk::SimDisk;
use crate::sim_disk::call::{Call, failure};
use crate::sim_disk::node::{Bytes, DataChange, Inode, Node};
use crate::sim_disk::tree::{Tree, not_open_for_this};

impl Disk for SimDisk {
    fn entry(&self, path: &Path) -> io::Result<Option<Entry>> {
        self.begin(Call::Entry, path)?;
        let tree = &self.machine().tree;
        match tree.resolve(path) {
            Ok(inode) => Ok(Some(entry(tree, inode))),
            Err(ErrorKind::NotFound) => Ok(None),
            Err(kind) => Err(failure(kind, Call::Entry, path)),
        }
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>> {
        let call = Call::to_open(access);
        let inode = self.change(call, path, |tree| match access {
            Access::Read | Access::ReadFollowing => tree.resolve(path),
            Access::Append => {
                let inode = tree.resolve(path)?;
                tree.file(inode).map(|_| inode)
            }
            Access::CreateNew => tree.create_file(path),
            Access::Overwrite => tree.open_or_create_file(path),
        })?;
        let disk = self.clone();
        Ok(Box::new(SimFile { disk, inode, access, path: path.to_owned(), position: 0 }))
    }

    fn open_lock(&self, path: &Path) -> io::Result<fs_err::File> {
        let inode = self.change(Call::OpenLock, path, |tree| tree.open_or_create_file(path))?;
        self.open_real_lock(inode)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(Call::Rename, from, |tree| tree.rename(from, to, true))
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(Call::RenameNew, from, |tree| tree.rename(from, to, false))
    }

    fn exchange(&self, a: &Path, b: &Path) -> io::Result<Exchange> {
        if !self.can_exchange() {
            return Ok(Exchange::Unsupported);
        }
        self.change(Call::Exchange, a, |tree| tree.exchange(a, b))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.change(Call::Remove, path, |tree| tree.remove_file(path))
    }

    fn create_dir(&self, path: &Path, privacy: Privacy) -> io::Result<()> {
        let mode = match privacy {
            Privacy::Private => 0o700,
            Privacy::Shared => 0o755,
        };
        self.change(Call::CreateDir, path, |tree| tree.create_dir(path, mode))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.begin(Call::SyncDir, path)?;
        let found = self.machine().tree.resolve(path);
        let inode = found.map_err(|kind| failure(kind, Call::SyncDir, path))?;
        self.sync(Call::SyncDir, path, inode);
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Listed>> {
        self.change(Call::List, path, |tree| tree.list(path))
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        // There are no links, so going back by `..` is going back by name.
        let mut plain = PathBuf::new();
        for part in path.components() {
            match part {
                Component::ParentDir => drop(plain.pop()),
                Component::CurDir => {}
                part => plain.push(part),
            }
        }
        self.change(Call::Canonicalize, path, |tree| tree.resolve(&plain))?;
        Ok(plain)
    }
}

impl SimDisk {
    /// Makes a call.
    fn change<T>(
        &self,
        call: Call,
        path: &Path,
        effect: impl FnOnce(&mut Tree) -> Result<T, ErrorKind>,
    ) -> io::Result<T> {
        self.begin(call, path)?;
        effect(&mut self.machine().tree).map_err(|kind| failure(kind, call, path))
    }
}

fn entry(tree: &Tree, inode: Inode) -> Entry {
    // No identity: the lock is on a real file that has another.
    match tree.node(inode) {
        Node::File(file) => Entry {
            kind: Kind::File,
            len: u64::try_from(file.bytes.data.len()).unwrap_or(u64::MAX),
            id: None,
            mode: Some(file.mode),
            modified: Some(SystemTime::UNIX_EPOCH + tree.stamp_of(file.modified)),
            changed: None,
            born: None,
        },
        Node::Dir(dir) => Entry {
            kind: Kind::Directory,
            len: 0,
            id: None,
            mode: Some(dir.mode),
            modified: None,
            changed: None,
            born: None,
        },
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    inode: Inode,
    access: Access,
    path: PathBuf,
    /// Where the next write goes, unless the file was opened to be written at its end.
    position: usize,
}

impl SimFile {
    fn is_writable(&self) -> bool {
        !matches!(self.access, Access::Read | Access::ReadFollowing)
    }

    fn change(&self, call: Call, change: DataChange) -> io::Result<()> {
        let changed = self.disk.machine().tree.change_file(self.inode, change);
        changed.map_err(|kind| failure(kind, call, &self.path))
    }
}

impl DiskFile for SimFile {
    fn entry(&self) -> io::Result<Entry> {
        self.disk.begin(Call::EntryOfOpen, &self.path)?;
        Ok(entry(&self.disk.machine().tree, self.inode))
    }

    fn read_at(&mut self, offset: u64, max: usize) -> io::Result<Vec<u8>> {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        // There is one position for reading and writing.
        self.position = offset;
        self.disk.change(Call::Read, &self.path, |tree| {
            if matches!(self.access, Access::CreateNew | Access::Overwrite) {
                return Err(not_open_for_this());
            }
            let bytes = &tree.file(self.inode)?.bytes.data;
            let start = offset.min(bytes.len());
            let end = start.saturating_add(max).min(bytes.len());
            Ok(bytes[start..end].to_vec())
        })
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let begun = self.disk.begin(Call::Write, &self.path);
        if !self.is_writable() {
            begun?;
            return Err(failure(not_open_for_this(), Call::Write, &self.path));
        }
        let at = match self.access {
            Access::Append => {
                let machine = self.disk.machine();
                machine.tree.file(self.inode).map_or(0, |file| file.bytes.data.len())
            }
            _ => self.position,
        };
        let (first, rest) = bytes.split_at(bytes.len() / 2);
        let write = |at, bytes: &[u8]| DataChange::Write { at, bytes: Bytes::new(bytes.to_vec()) };
        if let Err(error) = begun {
            if self.disk.leaves_half_of_a_write() {
                self.change(Call::Write, write(at, first))?;
                self.position = at + first.len();
            }
            return Err(error);
        }
        if self.disk.has_deed_within() {
            self.change(Call::Write, write(at, first))?;
            self.disk.do_deeds_within();
            self.change(Call::Write, write(at + first.len(), rest))?;
        } else {
            let half = |tree: &mut Tree| tree.change_file(self.inode, write(at, first));
            let recorded = self.disk.record_half(&self.path, half);
            recorded.map_err(|kind| failure(kind, Call::Write, &self.path))?;
            self.change(Call::Write, write(at, bytes))?;
        }
        self.position = at + bytes.len();
        Ok(())
    }

    fn sync_all(&mut self) -> io::Result<()> {
        self.disk.begin(Call::Sync, &self.path)?;
        self.disk.sync(Call::Sync, &self.path, self.inode);
        Ok(())
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.disk.begin(Call::SyncData, &self.path)?;
        self.disk.sync(Call::SyncData, &self.path, self.inode);
        Ok(())
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.disk.begin(Call::SetLen, &self.path)?;
        if !self.is_writable() {
            return Err(failure(ErrorKind::InvalidInput, Call::SetLen, &self.path));
        }
        let len = usize::try_from(len)
            .map_err(|_| failure(ErrorKind::FileTooLarge, Call::SetLen, &self.path))?;
        self.change(Call::SetLen, DataChange::SetLen(len))
    }

    fn set_mode(&mut self, mode: u32) -> io::Result<()> {
        self.disk.begin(Call::SetMode, &self.path)?;
        self.change(Call::SetMode, DataChange::SetMode(mode))
    }
}
