//! A workspace in a temporary directory, with a clock and ids that count.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use maestro_session::{
    ArchiveOptions, Changed, CreatedSession, Env, NewSessionRequest, SessionError, Workspace,
};
use maestro_session_model::{
    Command, Document, DownstreamContext, ErrorKind, Failure, Handoff, PhaseId, RelPath, Timestamp,
};
use maestro_state_store::{Actor, ActorKind, Environment, Holder, OsDisk};
use uuid::Uuid;

/// A plan of four phases: two that may run beside each other between a first and a last one.
pub(crate) const PLAN: &str = "\
---
phases:
  - {id: 1, name: Core bucket, agent: coder, files: [src/bucket.rs]}
  - {id: 2, name: HTTP middleware, agent: coder, parallel: true, blocked_by: [1], files: [src/mw.rs]}
  - {id: 3, name: Docs, agent: technical-writer, parallel: true, blocked_by: [1], files: [README.md]}
  - {id: review, name: Review, agent: code-reviewer, blocked_by: [2, 3]}
---
# Rate limiter
";

pub(crate) struct Fixture {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) variables: Vec<(String, String)>,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let fixture = Self { dir, variables: Vec::new() };
        fixture.write("plan.md", PLAN);
        fixture
    }

    /// Another directory with the same files, none of which is made durable.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self { dir: tempfile::tempdir().unwrap(), variables: self.variables.clone() };
        for (name, bytes) in self.snapshot() {
            copy.write(&name, bytes);
        }
        for dir in ["state/archive", "state/journal", "plans/archive"] {
            fs_err::create_dir_all(copy.path("docs/maestro").join(dir)).unwrap();
        }
        copy
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    pub(crate) fn session_file(&self) -> PathBuf {
        self.path("docs/maestro/state/active-session.md")
    }

    #[expect(clippy::disallowed_methods, reason = "a test writes files as any program would")]
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs_err::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn env(&self) -> Env {
        static PROCESSES: AtomicU64 = AtomicU64::new(1);
        // Each call stands for a process, and the ids of two processes differ.
        env_of(&self.variables, PROCESSES.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn workspace(&self) -> Workspace {
        self.try_workspace().unwrap()
    }

    pub(crate) fn try_workspace(&self) -> Result<Workspace, SessionError> {
        Workspace::open(self.root(), self.env(), Arc::new(OsDisk))
    }

    pub(crate) fn request(&self) -> NewSessionRequest {
        NewSessionRequest {
            from: self.root().to_owned(),
            ..NewSessionRequest::new("Add a token bucket rate limiter", "plan.md")
        }
    }

    pub(crate) fn create(&self) -> Result<CreatedSession, SessionError> {
        self.workspace().create_session(&self.request())
    }

    /// A fixture with a session in it.
    pub(crate) fn begun() -> Self {
        let fixture = Self::new();
        fixture.create().unwrap();
        fixture
    }

    pub(crate) fn apply(&self, command: &Command) -> Result<Changed, SessionError> {
        self.workspace().apply(command)
    }

    pub(crate) fn document(&self) -> Arc<Document> {
        self.workspace().read().unwrap().unwrap()
    }

    /// Everything below the root: names and contents, without the lock's holder.
    pub(crate) fn snapshot(&self) -> Vec<(String, Vec<u8>)> {
        let mut found = Vec::new();
        let mut open = vec![self.root().to_owned()];
        while let Some(dir) = open.pop() {
            for entry in fs_err::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(self.root()).unwrap().to_string_lossy().into_owned();
                if path.is_dir() && !path.is_symlink() {
                    open.push(path);
                } else if !name.ends_with("lock.holder") {
                    found.push((name, fs_err::read(&path).unwrap_or_default()));
                }
            }
        }
        found.sort();
        found
    }
}

/// What a process knows: its environment, a clock and ids that count.
pub(crate) fn env_of(variables: &[(String, String)], process: u64) -> Env {
    let ticks = AtomicU64::new(0);
    let ids = AtomicU64::new(1);
    let clock = move || {
        let seconds = 1_768_471_200 + ticks.fetch_add(1, Ordering::Relaxed);
        Timestamp::from(UNIX_EPOCH + Duration::from_secs(seconds))
    };
    let process = u128::from(process);
    let holder = Holder {
        pid: 1,
        host: "test".to_owned(),
        command: "test".to_owned(),
        started: Timestamp::from(UNIX_EPOCH),
    };
    let mut env = Env::new(
        variables.iter().cloned().collect::<Environment>(),
        Actor { kind: ActorKind::Cli, name: None },
        holder,
        clock,
        move || Uuid::from_u128((process << 64) + u128::from(ids.fetch_add(1, Ordering::Relaxed))),
    );
    // Not at once: another test that starts a program holds a copy of every lock for an instant, until the program runs.
    env.lock_wait = Duration::from_secs(5);
    env
}

pub(crate) fn id(text: &str) -> PhaseId {
    text.parse().unwrap()
}

pub(crate) fn start(phase: &str) -> Command {
    Command::Start { phase: id(phase) }
}

/// Completes a phase with one file and one warning.
pub(crate) fn complete(phase: &str, file: &str) -> Command {
    let context = DownstreamContext {
        warnings: vec![format!("from {phase}")],
        ..DownstreamContext::default()
    };
    let handoff = Handoff {
        files_created: vec![RelPath::parse(file).unwrap()],
        downstream_context: context,
        ..Handoff::default()
    };
    Command::Complete { phase: id(phase), handoff }
}

/// Completes a phase as [`complete`] does, and starts others.
pub(crate) fn transition(ended: &str, file: &str, started: &[&str]) -> Command {
    let Command::Complete { phase, handoff } = complete(ended, file) else { unreachable!() };
    let start = started.iter().map(|phase| id(phase)).collect();
    Command::Transition { phase: Some(phase), handoff, start, batch: None }
}

/// Starts phases in one step.
pub(crate) fn begin(phases: &[&str]) -> Command {
    let start = phases.iter().map(|phase| id(phase)).collect();
    Command::Transition { phase: None, handoff: Handoff::default(), start, batch: None }
}

pub(crate) fn fail(phase: &str, message: &str) -> Command {
    let failure = Failure {
        agent: None,
        kind: ErrorKind::Runtime,
        message: message.to_owned(),
        tokens: None,
        output: None,
    };
    Command::Fail { phase: id(phase), failure }
}

pub(crate) fn retry(phase: &str) -> Command {
    Command::Retry { phase: id(phase), by_user: false, resolution: None }
}

pub(crate) fn skip(phase: &str, by_user: bool) -> Command {
    Command::Skip { phase: id(phase), by_user, reason: None }
}

pub(crate) const ARCHIVE: ArchiveOptions =
    ArchiveOptions { force: false, status: None, unfinished: None };
pub(crate) const FORCE: ArchiveOptions =
    ArchiveOptions { force: true, status: None, unfinished: None };

/// The stable code of a failure.
pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, SessionError>) -> &'static str {
    result.unwrap_err().code()
}
