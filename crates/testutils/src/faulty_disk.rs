//! A disk that fails or stops at a chosen call, and lets something happen just before one.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use maestro_state_store::disk::{Access, Disk, DiskFile, Entry, Exchange, Listed, OsDisk, Privacy};

/// When the disk fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Never.
    Work,
    /// At one call, counted from 0 since the disk was armed.
    FailAt(usize),
    /// At one call and all that follow: the process is as good as dead.
    StopAt(usize),
    /// Ends this process at one call, as a crash would.
    DieAt(usize),
}

type Deed = Box<dyn FnOnce() + Send>;

struct State {
    plan: Plan,
    calls: usize,
    failed: bool,
    log: Vec<String>,
    deed: Option<(&'static str, Deed)>,
    can_exchange: bool,
}

/// The disk of the operating system, with faults.
///
/// Clones share what is planned, so that a test keeps one and gives the other away.
#[derive(Clone)]
pub struct FaultyDisk {
    state: Arc<Mutex<State>>,
}

impl fmt::Debug for FaultyDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultyDisk")
    }
}

impl Default for FaultyDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl FaultyDisk {
    /// Returns a disk that works.
    pub fn new() -> Self {
        let state = State {
            plan: Plan::Work,
            calls: 0,
            failed: false,
            log: Vec::new(),
            deed: None,
            can_exchange: true,
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// A disk that cannot exchange files.
    pub fn without_exchange() -> Self {
        let disk = Self::new();
        disk.state().can_exchange = false;
        disk
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What a test that panicked left behind is as good as anything.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to count calls, and fails as planned.
    pub fn arm(&self, plan: Plan) {
        let mut state = self.state();
        state.plan = plan;
        state.calls = 0;
        state.failed = false;
        state.log.clear();
    }

    /// Does `deed` just before the next call named `call`.
    pub fn before(&self, call: &'static str, deed: impl FnOnce() + Send + 'static) {
        self.state().deed = Some((call, Box::new(deed)));
    }

    /// Whether the planned failure has happened.
    pub fn has_failed(&self) -> bool {
        self.state().failed
    }

    /// The calls since the disk was armed.
    pub fn log(&self) -> Vec<String> {
        self.state().log.clone()
    }

    /// Whether the process is dead: then nothing has any effect.
    fn is_dead(&self) -> bool {
        let state = self.state();
        matches!(state.plan, Plan::StopAt(at) if at < state.calls)
    }

    fn call(&self, name: &'static str, path: &Path) -> io::Result<()> {
        let deed = {
            let mut state = self.state();
            state.deed.take_if(|(call, _)| *call == name)
        };
        if let Some((_, deed)) = deed {
            deed();
        }
        let mut state = self.state();
        let call = state.calls;
        state.calls += 1;
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        state.log.push(format!("{name} {file}"));
        let fails = match state.plan {
            Plan::DieAt(at) if call == at => std::process::abort(),
            Plan::Work | Plan::DieAt(_) => false,
            Plan::FailAt(at) => call == at,
            Plan::StopAt(at) => at <= call,
        };
        if fails {
            state.failed = true;
            return Err(io::Error::other(format!("planned failure of {name} {}", path.display())));
        }
        Ok(())
    }
}

impl Disk for FaultyDisk {
    fn entry(&self, path: &Path) -> io::Result<Option<Entry>> {
        self.call("entry", path)?;
        OsDisk.entry(path)
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>> {
        let name = match access {
            Access::CreateNew => "create",
            Access::Append => "open for append",
            Access::Overwrite => "overwrite",
            Access::Read | Access::ReadFollowing => "open",
        };
        self.call(name, path)?;
        let file = OsDisk.open(path, access)?;
        Ok(Box::new(FaultyFile { disk: self.clone(), file, path: path.to_owned() }))
    }

    fn open_lock(&self, path: &Path) -> io::Result<fs_err::File> {
        self.call("open lock", path)?;
        OsDisk.open_lock(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call("rename", from)?;
        OsDisk.rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call("rename new", from)?;
        OsDisk.rename_new(from, to)
    }

    fn exchange(&self, a: &Path, b: &Path) -> io::Result<Exchange> {
        if !self.state().can_exchange {
            return Ok(Exchange::Unsupported);
        }
        self.call("exchange", a)?;
        OsDisk.exchange(a, b)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.call("remove", path)?;
        OsDisk.remove_file(path)
    }

    fn create_dir(&self, path: &Path, privacy: Privacy) -> io::Result<()> {
        self.call("create dir", path)?;
        OsDisk.create_dir(path, privacy)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.call("sync dir", path)?;
        OsDisk.sync_dir(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Listed>> {
        self.call("list", path)?;
        OsDisk.list(path)
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        OsDisk.canonicalize(path)
    }
}

#[derive(Debug)]
struct FaultyFile {
    disk: FaultyDisk,
    file: Box<dyn DiskFile>,
    path: PathBuf,
}

impl DiskFile for FaultyFile {
    fn entry(&self) -> io::Result<Entry> {
        self.disk.call("entry of open", &self.path)?;
        self.file.entry()
    }

    fn read_at(&mut self, offset: u64, max: usize) -> io::Result<Vec<u8>> {
        self.disk.call("read", &self.path)?;
        self.file.read_at(offset, max)
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        // A write that fails has written something.
        let (first, rest) = bytes.split_at(bytes.len() / 2);
        let was_alive = !self.disk.is_dead();
        if let Err(error) = self.disk.call("write", &self.path) {
            if was_alive {
                self.file.write_all(first)?;
            }
            return Err(error);
        }
        self.file.write_all(first)?;
        self.file.write_all(rest)
    }

    fn sync_all(&mut self) -> io::Result<()> {
        self.disk.call("sync", &self.path)?;
        self.file.sync_all()
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.disk.call("sync data", &self.path)?;
        self.file.sync_data()
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.disk.call("set len", &self.path)?;
        self.file.set_len(len)
    }

    fn set_mode(&mut self, mode: u32) -> io::Result<()> {
        self.disk.call("set mode", &self.path)?;
        self.file.set_mode(mode)
    }
}
