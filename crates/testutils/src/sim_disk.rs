//! A disk in memory that knows what is durable, so that a test can take the power away at every instant.
//!
//! [`SimDisk`] is a [`Disk`](maestro_state_store::Disk) like that of the operating system, without links. It can record
//! itself at every call that changes something ([`SimDisk::record`]); from each [`Snapshot`] it makes the disks that the
//! death of the process and the loss of power may leave, and those can be opened like any other. It also fails calls
//! ([`SimDisk::fail_at`], [`SimDisk::fail_from`]), does something just before one ([`SimDisk::before`]), and does without
//! a sync or a lock ([`SimDisk::weaken`], [`SimDisk::skip_sync_at`]), to see whether anybody notices.
//!
//! # What is durable
//!
//! * Of a file, the bytes of the last `sync_all` or `sync_data`. What was written since may have come to the disk in part:
//!   not at all; only the first of several writes; half of a write; the length, with zeros in the place of the bytes or of
//!   the first half of them; a later write, with zeros in the place of an earlier one. Permission bits are durable with
//!   `sync_all`.
//! * Of a directory, the entries of the last `sync_dir`. What happened since (create, remove, rename, exchange) happens as
//!   a whole or not at all, but each for itself: of several changes any may be there without the others. Only that a file
//!   never has two names in one directory: there are no links, and no file system tears a rename inside one directory.
//! * A rename to another directory is two halves. Each is made durable by syncing its own directory, in either order, but
//!   the old name is never gone before the new one is durable.
//! * Syncing a file does not make its entry durable, and syncing a directory says nothing about the files in it.
//! * What the process did is there for whoever comes after its death; only the loss of power loses something.
//! * A sync that fails has made nothing durable and lost nothing.
//!
//! That is what POSIX says: `fsync` forces the data of *this* file to the device, and `rename` is atomic for other
//! processes and says nothing of crashes. The Linux manual (`fsync(2)`) adds that the entry of a new file needs an `fsync`
//! of its directory. The journals of ext4, XFS and btrfs promise more, because each writes its changes of metadata in
//! order: then only prefixes of the pending changes of directories are ever left, `fsync` of a new file brings its entry
//! with it, ext4 (`data=ordered`, `auto_da_alloc`) writes the bytes of a file before a rename over another, and a rename
//! between directories is one transaction. Nothing here relies on that: which of it holds depends on the file system, its
//! options and its version (Pillai et al., *All File Systems Are Not Created Equal*, OSDI 2014). What is relied on is that
//! a rename, and an exchange, of two names in one directory is not torn, that bytes which were synced stay, and that a
//! name does not get lost between two directories.
//!
//! Not modelled: devices that lie about a flush, sectors that go bad, the loss of dirty pages after an `fsync` that failed,
//! links, the exchange of files in two directories, access times, owners.
//!
//! # How to use it
//!
//! ```
//! use std::path::Path;
//!
//! use maestro_state_store::Disk;
//! use maestro_state_store::disk::Access;
//! use maestro_testutils::SimDisk;
//!
//! # fn main() -> std::io::Result<()> {
//! let disk = SimDisk::new(Path::new("/home/u/app"));
//! let (temp, place) = (Path::new("/home/u/app/x.tmp"), Path::new("/home/u/app/x"));
//! disk.record();
//! let mut file = disk.open(temp, Access::CreateNew)?;
//! file.write_all(b"whole")?;
//! file.sync_all()?;
//! disk.rename(temp, place)?;
//! disk.sync_dir(Path::new("/home/u/app"))?;
//! disk.acknowledge();
//! for snapshot in disk.stop_recording() {
//!     for image in snapshot.after_power_loss() {
//!         let found = image.disk().bytes(place);
//!         let is_there = found.as_deref() == Some(b"whole");
//!         let may_be_absent = image.progress().acknowledged == 0 && found.is_none();
//!         assert!(is_there || may_be_absent, "{image}");
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`Explorer`] does this for a whole command and for the recovery after it.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

mod call;
mod explore;
mod hand;
mod lock;
mod mount;
mod node;
mod power;
mod snapshot;
mod tree;

pub use crate::sim_disk::call::{Call, Role, Trouble};
pub use crate::sim_disk::explore::{Counts, Explorer, SecondCrash, Verdict, Violation};
pub use crate::sim_disk::hand::Reach;
pub use crate::sim_disk::snapshot::{Image, Progress, Snapshot};

use crate::sim_disk::lock::LockFiles;
use crate::sim_disk::node::Inode;
use crate::sim_disk::tree::Tree;

/// A disk in memory that knows what is durable. The documentation of [`sim_disk`](self) says what that means.
///
/// Clones are handles on the same disk, and share what is planned; [`another`](Self::another) is one for a second process.
#[derive(Clone)]
pub struct SimDisk {
    machine: Arc<Mutex<Machine>>,
    control: Arc<Mutex<Control>>,
}

/// What all processes share.
struct Machine {
    tree: Tree,
    locks: LockFiles,
}

/// Something that a [`SimDisk`] does not do as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weakness {
    /// These syncs do nothing.
    Skip(Call, Role),
    /// These syncs take effect one call too late: after the next call that changes or syncs something, just before the
    /// one after that.
    Late(Call, Role),
    /// Everybody gets a lock file of their own.
    NoLock,
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skip(call, role) => write!(f, "no {call} of the {role}"),
            Self::Late(call, role) => write!(f, "{call} of the {role} too late"),
            Self::NoLock => f.write_str("no lock"),
        }
    }
}

/// When calls fail.
#[derive(Clone, Copy)]
enum Fault {
    At(usize, Trouble),
    From(usize, Trouble),
    /// Only what needs room.
    FillFrom(usize),
}

/// When a deed is done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Before(Call),
    At(usize),
}

type Deed = Box<dyn FnOnce() + Send>;

/// A sync that has yet to take effect.
struct LateSync {
    inode: Inode,
    with_metadata: bool,
    /// Whether the call after it was made.
    is_due: bool,
}

/// What is planned for the calls of one process, and what is known about them.
#[derive(Default)]
struct Control {
    fault: Option<Fault>,
    failures: usize,
    calls: Vec<(Call, Role, String)>,
    deeds: Vec<(When, Deed)>,
    /// To be done in the middle of the write that has begun.
    deeds_within: Vec<Deed>,
    recording: Option<Vec<Snapshot>>,
    /// The version of the tree that was recorded last.
    recorded: Option<(u64, Progress)>,
    progress: Progress,
    weaknesses: Vec<Weakness>,
    /// The call that does nothing, if it is a sync.
    skipped: Option<usize>,
    late: Vec<LateSync>,
    cannot_exchange: bool,
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimDisk")
    }
}

impl SimDisk {
    /// Returns a disk that has the directory `root` and nothing else.
    pub fn new(root: &Path) -> Self {
        let disk = Self::with(Tree::new(), LockFiles::new(), Control::default());
        disk.make_dirs(root);
        disk
    }

    fn with(tree: Tree, locks: LockFiles, control: Control) -> Self {
        Self {
            machine: Arc::new(Mutex::new(Machine { tree, locks })),
            control: Arc::new(Mutex::new(control)),
        }
    }

    /// Returns a handle on the same disk for another process: nothing is planned for its calls, and they are not counted
    /// among those of this one.
    #[must_use]
    pub fn another(&self) -> Self {
        let control = self.control().inherited();
        Self { machine: Arc::clone(&self.machine), control: Arc::new(Mutex::new(control)) }
    }

    /// Returns a disk of its own with what is on this one.
    #[must_use]
    pub fn copy(&self) -> Self {
        let control = self.control().inherited();
        let machine = self.machine();
        Self::with(machine.tree.clone(), machine.locks.for_another(), control)
    }

    /// Takes the system's call for the exchange of two files away.
    pub fn forbid_exchange(&self) {
        self.control().cannot_exchange = true;
    }

    fn machine(&self) -> MutexGuard<'_, Machine> {
        // What a test that panicked left behind is as good as anything.
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn control(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn can_exchange(&self) -> bool {
        !self.control().cannot_exchange
    }

    /// Begins to count calls anew.
    pub fn count_calls(&self) {
        self.control().count_calls();
    }

    /// The calls that were counted, and what each was about, as [`FaultyDisk`](crate::FaultyDisk) writes them.
    pub fn log(&self) -> Vec<String> {
        self.control().calls.iter().map(|(call, _, name)| format!("{call} {name}")).collect()
    }

    /// The calls that were counted, with the roles of their files.
    pub fn calls(&self) -> Vec<(Call, Role)> {
        self.control().calls.iter().map(|(call, role, _)| (*call, *role)).collect()
    }

    /// Counts calls anew, and fails call `index`, from 0, if it can fail so: once.
    pub fn fail_at(&self, index: usize, trouble: Trouble) {
        self.plan(Some(Fault::At(index, trouble)));
    }

    /// Counts calls anew, and fails from call `index` on everything that writes, syncs or opens for writing; of
    /// [`Trouble::TooManyFiles`], everything that opens.
    pub fn fail_from(&self, index: usize, trouble: Trouble) {
        self.plan(Some(Fault::From(index, trouble)));
    }

    /// Counts calls anew, and has no room from call `index` on: whatever needs some fails, and all else works.
    pub fn fill_from(&self, index: usize) {
        self.plan(Some(Fault::FillFrom(index)));
    }

    /// Lets everything work again.
    pub fn heal(&self) {
        self.control().fault = None;
    }

    fn plan(&self, fault: Option<Fault>) {
        let mut control = self.control();
        control.fault = fault;
        control.failures = 0;
        control.count_calls();
    }

    /// Whether a call has failed as planned.
    pub fn has_failed(&self) -> bool {
        self.control().failures > 0
    }

    /// Does without something, here and on all disks that snapshots of this one lead to.
    pub fn weaken(&self, weakness: Weakness) {
        self.control().weaknesses.push(weakness);
    }

    /// Counts calls anew, and lets call `index`, from 0, do nothing if it is a sync: here alone.
    pub fn skip_sync_at(&self, index: usize) {
        let mut control = self.control();
        control.skipped = Some(index);
        control.count_calls();
    }

    fn has(&self, weakness: Weakness) -> bool {
        self.control().weaknesses.contains(&weakness)
    }

    /// Does `deed` just before the next call of this kind.
    pub fn before(&self, call: Call, deed: impl FnOnce() + Send + 'static) {
        self.control().deeds.push((When::Before(call), Box::new(deed)));
    }

    /// Does `deed` at call `index`, from 0 since calls were counted anew: in the middle of a write, just before any other.
    pub fn at(&self, index: usize, deed: impl FnOnce() + Send + 'static) {
        self.control().deeds.push((When::At(index), Box::new(deed)));
    }

    /// Says, for the record, that someone was told that something is done.
    pub fn acknowledge(&self) {
        self.control().progress.acknowledged += 1;
        self.record_now(|| "acknowledged".to_owned());
    }

    /// Begins to record the disk at every call that changes something, and in the middle of each write.
    pub fn record(&self) {
        let mut control = self.control();
        control.recording = Some(Vec::new());
        control.recorded = None;
        control.progress = Progress::default();
    }

    /// Returns what was recorded, with the disk as it is now at the end, and records no more.
    pub fn stop_recording(&self) -> Vec<Snapshot> {
        self.record_now(|| "at the end".to_owned());
        let mut control = self.control();
        control.recorded = None;
        control.recording.take().unwrap_or_default()
    }

    /// Returns the disk as it is now.
    pub fn snapshot(&self) -> Snapshot {
        let control = self.control();
        take_snapshot(&control, &self.machine(), "now".to_owned())
    }

    fn record_now(&self, when: impl FnOnce() -> String) {
        let mut control = self.control();
        if control.recording.is_none() {
            return;
        }
        let machine = self.machine();
        let state = (machine.tree.version, control.progress);
        if control.recorded != Some(state) {
            control.recorded = Some(state);
            let snapshot = take_snapshot(&control, &machine, when());
            control.recording.get_or_insert_default().push(snapshot);
        }
    }

    /// Records the disk with half of a write, which `write` makes.
    fn record_half(
        &self,
        path: &Path,
        write: impl FnOnce(&mut Tree) -> Result<(), ErrorKind>,
    ) -> Result<(), ErrorKind> {
        let mut control = self.control();
        if control.recording.is_none() {
            return Ok(());
        }
        let when = format!("in the middle of write {}", name_of(path));
        let mut snapshot = take_snapshot(&control, &self.machine(), when);
        snapshot.change(write)?;
        control.recording.get_or_insert_default().push(snapshot);
        Ok(())
    }

    /// To be called first by every call.
    fn begin(&self, call: Call, path: &Path) -> io::Result<()> {
        let counts = call.is_mutating() || call.opens_for_writing();
        if counts {
            self.record_now(|| format!("before {call} {}", name_of(path)));
        }
        if call.is_mutating() {
            self.do_late_syncs();
        }
        let (index, due) = self.control().count(call, path);
        if call == Call::Write && due.iter().any(|(when, _)| *when == When::At(index)) {
            self.control().deeds_within = due.into_iter().map(|(_, deed)| deed).collect();
        } else if !due.is_empty() {
            self.do_deeds(due.into_iter().map(|(_, deed)| deed).collect());
            self.record_now(|| format!("after a deed before {call} {}", name_of(path)));
        }
        let mut control = self.control();
        match control.trouble(index, call) {
            Some(trouble) => {
                control.failures += 1;
                Err(trouble.error(call, path))
            }
            None => Ok(()),
        }
    }

    fn do_deeds(&self, deeds: Vec<Deed>) {
        for deed in deeds {
            deed();
            self.control().progress.deeds += 1;
        }
    }

    fn has_deed_within(&self) -> bool {
        !self.control().deeds_within.is_empty()
    }

    fn do_deeds_within(&self) {
        let deeds = std::mem::take(&mut self.control().deeds_within);
        self.do_deeds(deeds);
        self.record_now(|| "after a deed in the middle of a write".to_owned());
    }

    /// Whether the write that has just failed has written something: one that is refused has not, nor one that comes when
    /// there is no room any more.
    fn leaves_half_of_a_write(&self) -> bool {
        let control = self.control();
        let is_refused = matches!(
            control.fault,
            Some(Fault::At(_, Trouble::ReadOnly) | Fault::From(_, Trouble::ReadOnly))
        );
        !is_refused && control.failures == 1
    }

    /// Makes something durable, unless that is what the disk is weak in.
    fn sync(&self, call: Call, path: &Path, inode: Inode) {
        let role = Role::of(path);
        let with_metadata = call != Call::SyncData;
        let is_skipped = {
            let control = self.control();
            control.skipped.is_some_and(|index| index + 1 == control.calls.len())
        };
        if is_skipped || self.has(Weakness::Skip(call, role)) {
            return;
        }
        if self.has(Weakness::Late(call, role)) {
            self.control().late.push(LateSync { inode, with_metadata, is_due: false });
            return;
        }
        self.machine().tree.sync(inode, with_metadata);
    }

    fn do_late_syncs(&self) {
        let due: Vec<LateSync> = {
            let mut control = self.control();
            let due = control.late.extract_if(.., |late| late.is_due).collect();
            for late in &mut control.late {
                late.is_due = true;
            }
            due
        };
        for late in due {
            self.machine().tree.sync(late.inode, late.with_metadata);
        }
    }
}

impl Control {
    /// What holds on other disks too that come from this one.
    fn inherited(&self) -> Self {
        Self {
            weaknesses: self.weaknesses.clone(),
            cannot_exchange: self.cannot_exchange,
            ..Self::default()
        }
    }

    fn count_calls(&mut self) {
        self.calls.clear();
    }

    /// Counts a call, and returns its number and what is to be done before it.
    fn count(&mut self, call: Call, path: &Path) -> (usize, Vec<(When, Deed)>) {
        let index = self.calls.len();
        self.calls.push((call, Role::of(path), name_of(path)));
        let is_due = |when: &When| {
            matches!(when, When::Before(of) if *of == call)
                || matches!(when, When::At(at) if *at == index)
        };
        (index, self.deeds.extract_if(.., |(when, _)| is_due(when)).collect())
    }

    fn trouble(&self, index: usize, call: Call) -> Option<Trouble> {
        match self.fault? {
            Fault::At(at, trouble) => (at == index && trouble.can_hit(call)).then_some(trouble),
            Fault::From(from, trouble) => {
                let writes = call.is_mutating()
                    || call.opens_for_writing()
                    || trouble == Trouble::TooManyFiles;
                (from <= index && writes && trouble.can_hit(call)).then_some(trouble)
            }
            Fault::FillFrom(from) => (from <= index && call.needs_room()).then_some(Trouble::Full),
        }
    }
}

fn take_snapshot(control: &Control, machine: &Machine, when: String) -> Snapshot {
    let (tree, locks) = (machine.tree.clone(), machine.locks.for_another());
    Snapshot::new(when, tree, control.progress, locks, control.inherited())
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
