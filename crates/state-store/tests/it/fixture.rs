//! A state dir in a temporary workspace, and short ways to use it.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use maestro_session_model::{SessionId, Timestamp};
use maestro_state_store::journal::{Actor, ActorKind, Operation};
use maestro_state_store::store::Recovered;
use maestro_state_store::{
    Change, CommitError, Committed, Current, Disk, Environment, Holder, Inspected, LockedStore,
    OpenError, OsDisk, Outcome, Settings, StateDir, Store,
};
use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) struct Workspace {
    dir: TempDir,
}

impl Workspace {
    /// A workspace without a state dir.
    pub(crate) fn bare() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// A workspace with a state dir and no session.
    pub(crate) fn new() -> Self {
        let workspace = Self::bare();
        workspace.state_dir().create().unwrap();
        workspace
    }

    /// A workspace with a session whose document was committed `texts.len()` times.
    pub(crate) fn with_texts(texts: &[&str]) -> Self {
        let workspace = Self::new();
        let store = workspace.store();
        let mut locked = lock(&store);
        locked.create(&session_id(), doc(texts[0]), operation(1)).unwrap();
        for (seq, text) in (2_u128..).zip(&texts[1..]) {
            commit(&mut locked, seq, &doc(text));
        }
        workspace
    }

    pub(crate) fn root(&self) -> PathBuf {
        fs_err::canonicalize(self.dir.path()).unwrap()
    }

    pub(crate) fn state_dir(&self) -> StateDir {
        self.state_dir_on(Arc::new(OsDisk))
    }

    pub(crate) fn state_dir_on(&self, disk: Arc<dyn Disk>) -> StateDir {
        let environment = Environment::default();
        let settings = Settings::resolve(&self.root(), &environment, &OsDisk).unwrap();
        StateDir::locate(&self.root(), &settings, disk).unwrap()
    }

    pub(crate) fn store(&self) -> Store {
        Store::new(self.state_dir())
    }

    pub(crate) fn store_on(&self, disk: Arc<dyn Disk>) -> Store {
        Store::new(self.state_dir_on(disk))
    }

    pub(crate) fn active(&self) -> PathBuf {
        self.root().join("docs/maestro/state/active-session.md")
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.root().join("docs/maestro/state/journal/2026-01-15-x.jsonl")
    }

    pub(crate) fn temp(&self, n: u128) -> PathBuf {
        self.root()
            .join(format!("docs/maestro/state/.active-session.md.{}.tmp", Uuid::from_u128(n)))
    }

    /// The names in `state/` that are neither directories nor part of every state dir.
    pub(crate) fn strays(&self) -> Vec<String> {
        let known = ["active-session.md", "lock", "lock.holder", ".gitignore"];
        let entries = fs_err::read_dir(self.root().join("docs/maestro/state")).unwrap();
        entries
            .map(Result::unwrap)
            .filter(|entry| entry.file_type().unwrap().is_file())
            .map(|entry| entry.file_name().into_string().unwrap())
            .filter(|name| !known.contains(&name.as_str()))
            .collect()
    }

    pub(crate) fn quarantined(&self) -> Vec<String> {
        match fs_err::read_dir(self.root().join("docs/maestro/state/quarantine")) {
            Ok(entries) => entries
                .map(|entry| fs_err::read_to_string(entry.unwrap().path()).unwrap())
                .collect(),
            Err(_) => Vec::new(),
        }
    }

    /// Opens the session like the next command would.
    pub(crate) fn open(&self) -> Result<Option<Current>, OpenError> {
        let store = self.store();
        open(&mut lock(&store), 1000)
    }

    /// Says that operation `n` need not be decided again.
    pub(crate) fn settle(&self, n: u128) {
        let store = self.store();
        let mut locked = lock(&store);
        open(&mut locked, 1000).unwrap();
        locked.settle_abandoned(Uuid::from_u128(n)).unwrap();
    }

    pub(crate) fn text(&self) -> Option<String> {
        self.open().unwrap().map(|current| current.text)
    }

    /// Every document that the journal has, in order.
    pub(crate) fn replayed(&self) -> Vec<String> {
        let history = self.store().history(&session_id()).unwrap().unwrap();
        let mut replay = history.replay();
        let mut texts = Vec::new();
        while let Some(step) = replay.advance().unwrap() {
            texts.push(step.text.to_owned());
        }
        texts
    }
}

pub(crate) fn session_id() -> SessionId {
    "2026-01-15-x".parse().unwrap()
}

/// A document of the session with `text` as its body.
pub(crate) fn doc(text: &str) -> String {
    format!("session: 2026-01-15-x\n{text}\n")
}

pub(crate) fn now() -> Timestamp {
    "2026-01-15T10:00:00Z".parse().unwrap()
}

pub(crate) fn operation(n: u128) -> Operation {
    Operation {
        id: Uuid::from_u128(n),
        time: now(),
        actor: Actor { kind: ActorKind::Cli, name: None },
        command: json!({ "name": "test", "data": { "n": n.to_string() } }),
        canonical: true,
    }
}

pub(crate) fn holder(command: &str) -> Holder {
    Holder { pid: 42, host: "here".to_owned(), command: command.to_owned(), started: now() }
}

pub(crate) fn lock(store: &Store) -> LockedStore<'_> {
    store.lock(&holder("test"), Duration::from_mins(1)).unwrap()
}

/// A document is of the session in its first line, unless it says that it is broken.
pub(crate) fn inspect(text: &str) -> Result<Inspected, Box<dyn Error + Send + Sync>> {
    let line = text.lines().next().unwrap_or_default();
    let id = line.strip_prefix("session: ").ok_or("there is no session in the first line")?;
    if text.contains("BROKEN") {
        return Err("it says that it is broken".into());
    }
    Ok(Inspected::from(id.parse::<SessionId>()?))
}

pub(crate) fn open(locked: &mut LockedStore<'_>, id: u128) -> Result<Option<Current>, OpenError> {
    locked.open(&inspect, now(), Uuid::from_u128(id))
}

pub(crate) fn try_commit(
    locked: &mut LockedStore<'_>,
    current: Current,
    n: u128,
    text: &str,
) -> Result<Outcome, CommitError> {
    let change = Change::between(&current, text.to_owned(), operation(n));
    locked.commit(current, change)
}

/// Opens the session and commits `text`.
pub(crate) fn commit(locked: &mut LockedStore<'_>, n: u128, text: &str) -> Committed {
    let current = open(locked, n + 1_000_000).unwrap().unwrap();
    match try_commit(locked, current, n, text).unwrap() {
        Outcome::Committed(committed) => committed,
        Outcome::Displaced => panic!("nobody edits the file"),
    }
}

#[expect(clippy::disallowed_methods, reason = "a test writes what a user would")]
pub(crate) fn put(path: &Path, text: impl AsRef<[u8]>) {
    fs_err::write(path, text).unwrap();
}

/// The kinds of what was recovered, for short assertions.
pub(crate) fn kinds(recovered: &[Recovered]) -> Vec<&'static str> {
    let kind = |recovered: &Recovered| match recovered {
        Recovered::CutOff { .. } => "cut off",
        Recovered::Finished { .. } => "finished",
        Recovered::RolledForward { .. } => "rolled forward",
        Recovered::Abandoned { .. } => "abandoned",
        Recovered::ExternalEdit { .. } => "external edit",
        Recovered::Adopted { .. } => "adopted",
        Recovered::SetAside { .. } => "set aside",
        _ => "new",
    };
    recovered.iter().map(kind).collect()
}
