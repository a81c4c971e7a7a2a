//! The disk in memory does what the disk of the system does.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use maestro_state_store::disk::{
    Access, Disk, DiskFile, Entry, Exchange, Kind, Listed, OsDisk, Privacy,
};
use maestro_testutils::SimDisk;
use proptest::prelude::*;

/// Files, directories, and paths through what is missing or no directory.
const PATHS: [&str; 11] =
    ["a", "b", "d", "e", "d/a", "d/b", "d/f", "d/f/a", "e/a", "a/b", "missing/a"];

#[derive(Clone, Debug)]
enum Step {
    Entry(&'static str),
    Open(&'static str, Access),
    Lock(&'static str),
    Rename(&'static str, &'static str),
    RenameNew(&'static str, &'static str),
    Exchange(&'static str, &'static str),
    Remove(&'static str),
    CreateDir(&'static str),
    SyncDir(&'static str),
    List(&'static str),
    Canonicalize(&'static str),
    EntryOfOpen(usize),
    Read(usize, u64, usize),
    Write(usize, Vec<u8>),
    Sync(usize),
    SyncData(usize),
    SetLen(usize, u64),
    SetMode(usize, u32),
}

fn arb_step() -> impl Strategy<Value = Step> {
    let path = || proptest::sample::select(&PATHS[..]);
    let access = proptest::sample::select(vec![
        Access::Read,
        Access::ReadFollowing,
        Access::Append,
        Access::CreateNew,
        Access::CreateNew,
        Access::Overwrite,
        Access::Overwrite,
    ]);
    // Of the files that are open.
    let handle = || 0..4_usize;
    let mode = proptest::sample::select(vec![0o600, 0o640, 0o644]);
    prop_oneof![
        1 => path().prop_map(Step::Entry),
        6 => (path(), access).prop_map(|(path, access)| Step::Open(path, access)),
        1 => path().prop_map(Step::Lock),
        3 => (path(), path()).prop_map(|(from, to)| Step::Rename(from, to)),
        3 => (path(), path()).prop_map(|(from, to)| Step::RenameNew(from, to)),
        4 => (path(), path()).prop_map(|(a, b)| Step::Exchange(a, b)),
        2 => path().prop_map(Step::Remove),
        4 => path().prop_map(Step::CreateDir),
        1 => path().prop_map(Step::SyncDir),
        1 => path().prop_map(Step::List),
        1 => path().prop_map(Step::Canonicalize),
        1 => handle().prop_map(Step::EntryOfOpen),
        3 => (handle(), 0..12_u64, 1..12_usize)
            .prop_map(|(handle, offset, max)| Step::Read(handle, offset, max)),
        6 => (handle(), prop::collection::vec(any::<u8>(), 1..8))
            .prop_map(|(handle, bytes)| Step::Write(handle, bytes)),
        1 => handle().prop_map(Step::Sync),
        1 => handle().prop_map(Step::SyncData),
        2 => (handle(), 0..12_u64).prop_map(|(handle, len)| Step::SetLen(handle, len)),
        1 => (handle(), mode).prop_map(|(handle, mode)| Step::SetMode(handle, mode)),
    ]
}

/// A disk and the files that are open on it.
struct Side<'d> {
    disk: &'d dyn Disk,
    root: PathBuf,
    open: Vec<Box<dyn DiskFile>>,
}

impl Side<'_> {
    /// Takes a step, and returns what came out, without what differs between two disks.
    fn take(&mut self, step: &Step) -> String {
        let at = |path: &str| self.root.join(path);
        let disk = self.disk;
        match step {
            Step::Entry(path) => {
                told(disk.entry(&at(path)).map(|entry| entry.as_ref().map(describe)))
            }
            Step::Open(path, access) => match disk.open(&at(path), *access) {
                Ok(file) => {
                    self.open.insert(0, file);
                    self.open.truncate(4);
                    "open".to_owned()
                }
                Err(error) => told::<()>(Err(error)),
            },
            Step::Lock(path) => told(disk.open_lock(&at(path)).map(drop)),
            Step::Rename(from, to) => told(disk.rename(&at(from), &at(to))),
            Step::RenameNew(from, to) => told(disk.rename_new(&at(from), &at(to))),
            Step::Exchange(a, b) => told(disk.exchange(&at(a), &at(b))),
            Step::Remove(path) => told(disk.remove_file(&at(path))),
            Step::CreateDir(path) => told(disk.create_dir(&at(path), Privacy::Private)),
            Step::SyncDir(path) => told(disk.sync_dir(&at(path))),
            Step::List(path) => told(disk.list(&at(path))),
            Step::Canonicalize(path) => {
                let found = disk.canonicalize(&at(path));
                told(found.map(|path| path.strip_prefix(&self.root).unwrap().to_owned()))
            }
            Step::EntryOfOpen(handle) => {
                self.on(*handle, |file| file.entry().map(|entry| describe(&entry)))
            }
            Step::Read(handle, offset, max) => self.on(*handle, |file| file.read_at(*offset, *max)),
            Step::Write(handle, bytes) => self.on(*handle, |file| file.write_all(bytes)),
            Step::Sync(handle) => self.on(*handle, |file| file.sync_all()),
            Step::SyncData(handle) => self.on(*handle, |file| file.sync_data()),
            Step::SetLen(handle, len) => self.on(*handle, |file| file.set_len(*len)),
            Step::SetMode(handle, mode) => self.on(*handle, |file| file.set_mode(*mode)),
        }
    }

    fn on<T: std::fmt::Debug>(
        &mut self,
        handle: usize,
        call: impl FnOnce(&mut dyn DiskFile) -> io::Result<T>,
    ) -> String {
        match self.open.get_mut(handle) {
            Some(file) => told(call(file.as_mut())),
            None => "no such file is open".to_owned(),
        }
    }

    fn tree(&self) -> BTreeMap<PathBuf, String> {
        let mut found = BTreeMap::new();
        let mut rest = vec![self.root.clone()];
        while let Some(dir) = rest.pop() {
            for Listed { name, is_file } in self.disk.list(&dir).unwrap() {
                let path = dir.join(name);
                let inside = path.strip_prefix(&self.root).unwrap().to_owned();
                let what = if is_file {
                    let mut file = self.disk.open(&path, Access::Read).unwrap();
                    let entry = describe(&file.entry().unwrap());
                    format!("{entry} {:?}", file.read_at(0, 100).unwrap())
                } else {
                    rest.push(path);
                    "directory".to_owned()
                };
                found.insert(inside, what);
            }
        }
        found
    }
}

/// What an entry says about the file alone.
fn describe(entry: &Entry) -> String {
    match entry.kind {
        Kind::Directory => format!("directory {:?}", entry.mode),
        kind => format!("{kind} of {} bytes, {:?}", entry.len, entry.mode),
    }
}

fn told<T: std::fmt::Debug>(result: io::Result<T>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("error: {:?}", error.kind()),
    }
}

/// Whether a step is one that the model leaves out.
fn is_left_out(step: &Step, can_exchange: bool) -> bool {
    match step {
        Step::Exchange(a, b) => !can_exchange || Path::new(a).parent() != Path::new(b).parent(),
        _ => false,
    }
}

fn can_exchange() -> bool {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    for path in [&a, &b] {
        drop(OsDisk.open(path, Access::CreateNew).unwrap());
    }
    OsDisk.exchange(&a, &b).unwrap() == Exchange::Done
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_calls_have_the_same_results(steps in prop::collection::vec(arb_step(), 1..60)) {
        let dir = tempfile::tempdir().unwrap();
        let root = OsDisk.canonicalize(dir.path()).unwrap();
        let mut real = Side { disk: &OsDisk, root, open: Vec::new() };
        let root = PathBuf::from("/home/u/app");
        let disk = SimDisk::new(&root);
        let mut simulated = Side { disk: &disk, root, open: Vec::new() };
        let can_exchange = can_exchange();
        for step in steps.iter().filter(|step| !is_left_out(step, can_exchange)) {
            prop_assert_eq!(simulated.take(step), real.take(step), "{:?}", step);
        }
        prop_assert_eq!(simulated.tree(), real.tree());
        // What was synced in between makes no difference to whoever looks.
        disk.sync_everything();
        prop_assert_eq!(simulated.tree(), real.tree());
    }
}

#[test]
fn errors_name_the_path() {
    let disk = SimDisk::new(Path::new("/home/u/app"));
    let error = disk.remove_file(Path::new("/home/u/app/absent")).unwrap_err();
    assert_eq!(error.to_string(), "failed to remove `/home/u/app/absent`: entity not found");
}
