//! The file system itself: what each call does to names and bytes, and what it makes durable.

use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use maestro_state_store::ContentHash;
use maestro_state_store::disk::{Exchange, Listed};

use crate::sim_disk::node::{
    Bytes, DataChange, DirNode, EntryChangeKind, FileNode, Inode, Move, Name, Node,
};

pub(super) const ROOT: Inode = 0;

type Result<T> = std::result::Result<T, ErrorKind>;

/// All files and directories. Cloning it shares their contents.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    /// By number; those that no name leads to stay, because someone may have them open.
    pub(super) nodes: Vec<Arc<Node>>,
    /// Counts changes of files.
    clock: u64,
    /// How many changes happen in a tick of the clock that files are stamped by, and how long that is in seconds.
    tick: (u64, u64),
    /// Counts renames between directories.
    moves: Move,
    /// Counts whatever makes the disk, or what is durable of it, another.
    pub(super) version: u64,
}

impl Tree {
    pub(super) fn new() -> Self {
        let root = Node::Dir(DirNode { mode: 0o755, ..DirNode::default() });
        Self { nodes: vec![Arc::new(root)], clock: 0, tick: (1, 1), moves: 0, version: 0 }
    }

    pub(super) fn coarsen_clock(&mut self, changes: u64, seconds: u64) {
        self.tick = (changes, seconds);
    }

    /// When a change happened, by the clock that files are stamped by.
    pub(super) fn stamp_of(&self, change: u64) -> Duration {
        let (changes, seconds) = self.tick;
        Duration::from_secs(change / changes * seconds)
    }

    pub(super) fn node(&self, inode: Inode) -> &Node {
        &self.nodes[inode]
    }

    pub(super) fn file(&self, inode: Inode) -> Result<&FileNode> {
        match self.node(inode) {
            Node::File(file) => Ok(file),
            Node::Dir(_) => Err(ErrorKind::IsADirectory),
        }
    }

    fn dir(&self, inode: Inode) -> Result<&DirNode> {
        match self.node(inode) {
            Node::Dir(dir) => Ok(dir),
            Node::File(_) => Err(ErrorKind::NotADirectory),
        }
    }

    fn is_dir(&self, inode: Inode) -> bool {
        matches!(self.node(inode), Node::Dir(_))
    }

    fn file_mut(&mut self, inode: Inode) -> Result<(&mut FileNode, &mut u64)> {
        match Arc::make_mut(&mut self.nodes[inode]) {
            Node::File(file) => Ok((file, &mut self.clock)),
            Node::Dir(_) => Err(ErrorKind::IsADirectory),
        }
    }

    fn dir_mut(&mut self, inode: Inode) -> Result<&mut DirNode> {
        match Arc::make_mut(&mut self.nodes[inode]) {
            Node::Dir(dir) => Ok(dir),
            Node::File(_) => Err(ErrorKind::NotADirectory),
        }
    }

    fn add(&mut self, node: Node) -> Inode {
        self.nodes.push(Arc::new(node));
        self.nodes.len() - 1
    }

    /// Finds what `path` leads to.
    pub(super) fn resolve(&self, path: &Path) -> Result<Inode> {
        let mut at = ROOT;
        for part in path.components() {
            if let Component::Normal(name) = part {
                let name = name.to_str().ok_or(ErrorKind::InvalidFilename)?;
                at = *self.dir(at)?.entries.get(name).ok_or(ErrorKind::NotFound)?;
            } else if part == Component::ParentDir {
                return Err(ErrorKind::Unsupported);
            }
        }
        Ok(at)
    }

    /// Finds the directory that `path` is in.
    fn parent(&self, path: &Path) -> Result<(Inode, Name)> {
        let parent = self.resolve(path.parent().ok_or(ErrorKind::ResourceBusy)?)?;
        self.dir(parent)?;
        let name = path.file_name().and_then(|name| name.to_str());
        Ok((parent, name.ok_or(ErrorKind::InvalidFilename)?.into()))
    }

    fn child(&self, dir: Inode, name: &str) -> Option<Inode> {
        self.dir(dir).ok()?.entries.get(name).copied()
    }

    fn set(&mut self, dir: Inode, label: String, names: Vec<(Name, Option<Inode>)>) -> Result<()> {
        self.version += 1;
        self.dir_mut(dir)?.change(label, EntryChangeKind::Set(names));
        Ok(())
    }

    /// Creates an empty file; `AlreadyExists` when something is there.
    pub(super) fn create_file(&mut self, path: &Path) -> Result<Inode> {
        let (dir, name) = self.parent(path)?;
        if self.child(dir, &name).is_some() {
            return Err(ErrorKind::AlreadyExists);
        }
        self.clock += 1;
        let empty = FileNode::durable(Bytes::new(Vec::new()), 0o600, self.clock);
        let inode = self.add(Node::File(empty));
        self.set(dir, format!("create {name}"), vec![(name, Some(inode))])?;
        Ok(inode)
    }

    /// Finds the file to be written over, or creates it.
    pub(super) fn open_or_create_file(&mut self, path: &Path) -> Result<Inode> {
        match self.create_file(path) {
            Err(ErrorKind::AlreadyExists) => {
                let inode = self.resolve(path)?;
                self.file(inode)?;
                Ok(inode)
            }
            created => created,
        }
    }

    pub(super) fn create_dir(&mut self, path: &Path, mode: u32) -> Result<()> {
        let (dir, name) = self.parent(path)?;
        if self.child(dir, &name).is_some() {
            return Err(ErrorKind::AlreadyExists);
        }
        let inode = self.add(Node::Dir(DirNode { mode, ..DirNode::default() }));
        self.set(dir, format!("create {name}"), vec![(name, Some(inode))])
    }

    pub(super) fn remove_file(&mut self, path: &Path) -> Result<()> {
        let (dir, name) = self.parent(path)?;
        let inode = self.child(dir, &name).ok_or(ErrorKind::NotFound)?;
        self.file(inode)?;
        self.set(dir, format!("remove {name}"), vec![(name, None)])
    }

    /// Renames, over a file or an empty directory that is there if `may_replace`.
    pub(super) fn rename(&mut self, from: &Path, to: &Path, may_replace: bool) -> Result<()> {
        let (from_dir, from_name) = self.parent(from)?;
        let (to_dir, to_name) = self.parent(to)?;
        let inode = self.child(from_dir, &from_name).ok_or(ErrorKind::NotFound)?;
        let replaced = self.child(to_dir, &to_name);
        if replaced.is_some() && !may_replace {
            return Err(ErrorKind::AlreadyExists);
        }
        if to.starts_with(from) && to != from {
            return Err(ErrorKind::InvalidInput);
        }
        if from.starts_with(to) && to != from {
            return Err(ErrorKind::DirectoryNotEmpty);
        }
        if replaced == Some(inode) {
            return Ok(());
        }
        if let Some(replaced) = replaced {
            match (self.node(inode), self.node(replaced)) {
                (Node::Dir(_), Node::File(_)) => return Err(ErrorKind::NotADirectory),
                (Node::File(_), Node::Dir(_)) => return Err(ErrorKind::IsADirectory),
                (Node::Dir(_), Node::Dir(dir)) if !dir.entries.is_empty() => {
                    return Err(ErrorKind::DirectoryNotEmpty);
                }
                (Node::Dir(_), Node::Dir(_)) | (Node::File(_), Node::File(_)) => {}
            }
        }
        let label = format!("rename {from_name} to {to_name}");
        if from_dir == to_dir {
            return self.set(from_dir, label, vec![(from_name, None), (to_name, Some(inode))]);
        }
        self.moves += 1;
        self.version += 1;
        let by = self.moves;
        let arrive = EntryChangeKind::Arrive { name: to_name, inode, by };
        self.dir_mut(to_dir)?.change(format!("{label}: new name"), arrive);
        let depart = EntryChangeKind::Depart { name: from_name, inode, by, synced: false };
        self.dir_mut(from_dir)?.change(format!("{label}: no old name"), depart);
        Ok(())
    }

    /// Swaps two names of one directory. Two directories are not modelled: nobody needs it.
    pub(super) fn exchange(&mut self, a: &Path, b: &Path) -> Result<Exchange> {
        let (a_dir, a_name) = self.parent(a)?;
        let (b_dir, b_name) = self.parent(b)?;
        let in_a = self.child(a_dir, &a_name).ok_or(ErrorKind::NotFound)?;
        let in_b = self.child(b_dir, &b_name).ok_or(ErrorKind::NotFound)?;
        if a != b && (a.starts_with(b) || b.starts_with(a)) {
            return Err(ErrorKind::InvalidInput);
        }
        if in_a == in_b {
            return Ok(Exchange::Done);
        }
        if a_dir != b_dir {
            return Ok(Exchange::Unsupported);
        }
        let label = format!("exchange {a_name} and {b_name}");
        self.set(a_dir, label, vec![(a_name, Some(in_b)), (b_name, Some(in_a))])?;
        Ok(Exchange::Done)
    }

    pub(super) fn list(&self, path: &Path) -> Result<Vec<Listed>> {
        let entries = &self.dir(self.resolve(path)?)?.entries;
        let listed = entries
            .iter()
            .map(|(name, inode)| Listed { name: name.to_string(), is_file: !self.is_dir(*inode) });
        Ok(listed.collect())
    }

    pub(super) fn change_file(&mut self, inode: Inode, change: DataChange) -> Result<()> {
        if let (DataChange::SetMode(mode), Ok(dir)) = (&change, self.dir_mut(inode)) {
            dir.mode = *mode;
            self.version += 1;
            return Ok(());
        }
        let (file, clock) = self.file_mut(inode)?;
        if file.change(change, clock) {
            self.version += 1;
        }
        Ok(())
    }

    /// Makes a file durable, or the entries of a directory.
    pub(super) fn sync(&mut self, inode: Inode, with_metadata: bool) {
        let pending = self.pending_arrivals();
        let has_arrived = |by| !pending.contains(&by);
        let (changed, arrived) = match Arc::make_mut(&mut self.nodes[inode]) {
            Node::File(file) => (file.sync(with_metadata), Vec::new()),
            Node::Dir(dir) => dir.sync(has_arrived),
        };
        if !arrived.is_empty() {
            for node in &mut self.nodes {
                if matches!(&**node, Node::Dir(dir) if !dir.pending.is_empty())
                    && let Node::Dir(dir) = Arc::make_mut(node)
                {
                    dir.release(&arrived);
                }
            }
        }
        if changed {
            self.version += 1;
        }
    }

    /// The renames whose new name is not durable yet.
    pub(super) fn pending_arrivals(&self) -> Vec<Move> {
        let mut pending = Vec::new();
        for node in &self.nodes {
            let Node::Dir(dir) = &**node else { continue };
            pending.extend(dir.pending.iter().filter_map(|change| match change.what {
                EntryChangeKind::Arrive { by, .. } => Some(by),
                EntryChangeKind::Set(_) | EntryChangeKind::Depart { .. } => None,
            }));
        }
        pending
    }

    /// Whether the loss of power would lose nothing.
    pub(super) fn is_durable(&self) -> bool {
        self.nodes.iter().all(|node| match &**node {
            Node::File(file) => file.pending.is_empty(),
            Node::Dir(dir) => dir.pending.is_empty(),
        })
    }

    /// Makes everything durable.
    pub(super) fn sync_everything(&mut self) {
        // What went to another directory is gone for good only when it is durable there.
        for _ in 0..2 {
            for inode in 0..self.nodes.len() {
                self.sync(inode, true);
            }
        }
    }

    /// Calls `visit` with every path that leads somewhere, each directory before what is in it.
    pub(super) fn walk(&self, visit: &mut dyn FnMut(&Path, &Node)) {
        let mut rest = vec![(PathBuf::from("/"), ROOT)];
        while let Some((path, inode)) = rest.pop() {
            let node = self.node(inode);
            visit(&path, node);
            if let Node::Dir(dir) = node {
                rest.extend(dir.entries.iter().map(|(name, inode)| (path.join(&**name), *inode)));
            }
        }
    }

    /// A hash of everything that a program can see.
    pub(super) fn digest(&self) -> ContentHash {
        let mut seen = Vec::with_capacity(4096);
        self.walk(&mut |path, node| {
            seen.extend_from_slice(path.as_os_str().as_encoded_bytes());
            match node {
                Node::Dir(dir) => seen.extend_from_slice(format!("/{:o}\n", dir.mode).as_bytes()),
                Node::File(file) => {
                    let what = format!(" {:o} {}\n", file.mode, file.bytes.hash);
                    seen.extend_from_slice(what.as_bytes());
                }
            }
        });
        ContentHash::of(&seen)
    }

    /// A hash of everything, with what is durable and what is not. Two trees that differ only in what nobody can reach
    /// may have different hashes.
    pub(super) fn state_digest(&self) -> ContentHash {
        ContentHash::of(format!("{:?}", self.nodes).as_bytes())
    }
}

/// The kind of error for a file that was not opened for what is done with it (`EBADF`), which has no name of its own.
pub(super) fn not_open_for_this() -> ErrorKind {
    io::Error::from_raw_os_error(9).kind()
}
