//! A workspace of its own for each test, with a fixed clock, counted ids, no ambient environment, and scripted answers.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::hash::{DefaultHasher, Hasher as _};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use maestro_cli::{ExitCode, Invocation, Output};
use maestro_session::Env;
use maestro_session_model::Timestamp;
use maestro_state_store::{Actor, ActorKind, Environment, Holder, OsDisk};
use uuid::Uuid;

/// 2026-01-15T10:00:00Z in seconds since the epoch.
const START: u64 = 1_768_471_200;

/// A temporary directory with a workspace in it, and everything else that a command sees.
pub(crate) struct TestEnv {
    root: tempfile::TempDir,
    variables: BTreeMap<String, String>,
    commands: AtomicU64,
    ids: Arc<AtomicU64>,
}

/// What a test gives to a command besides its arguments.
#[derive(Default)]
pub(crate) struct Input<'a> {
    /// What comes from stdin.
    pub(crate) stdin: &'a [u8],
    /// Whether stdin and stderr are a terminal.
    pub(crate) terminal: bool,
    /// Whether stdout and stderr show colours.
    pub(crate) colour: bool,
}

impl TestEnv {
    /// Makes an empty workspace.
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let env = Self {
            root,
            variables: BTreeMap::new(),
            commands: AtomicU64::new(0),
            ids: Arc::new(AtomicU64::new(1)),
        };
        fs_err::create_dir(env.workspace()).unwrap();
        env
    }

    /// Makes a workspace with a session from [`PLAN`].
    pub(crate) fn with_session() -> Self {
        let env = Self::new();
        env.begin(PLAN);
        env
    }

    /// Begins a session from a plan.
    pub(crate) fn begin(&self, plan: &str) {
        self.write("plan.md", plan);
        self.ok(["new", "Rate limiting", "--plan", "plan.md"]);
    }

    /// Sets an environment variable for the commands to come.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// Lets time pass before the next command.
    pub(crate) fn pass(&self, seconds: u64) {
        self.commands.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Returns the workspace.
    pub(crate) fn workspace(&self) -> PathBuf {
        self.root.path().canonicalize().unwrap().join("project")
    }

    /// Returns a path in the workspace.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.workspace().join(name)
    }

    /// Returns the session file.
    pub(crate) fn session_file(&self) -> PathBuf {
        self.path("docs/maestro/state/active-session.md")
    }

    /// Writes a file of the workspace, with the directories it lies in.
    #[expect(clippy::disallowed_methods, reason = "a test writes what a user would")]
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, content).unwrap();
    }

    /// Reads a file of the workspace.
    pub(crate) fn read(&self, name: &str) -> String {
        fs_err::read_to_string(self.path(name)).unwrap()
    }

    /// Replaces a text in the session file, which must have it, as someone with an editor would.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let name = "docs/maestro/state/active-session.md";
        let text = self.read(name);
        assert!(text.contains(from), "the session file does not have `{from}`:\n{text}");
        self.write(name, text.replace(from, to));
    }

    /// Runs a command that must succeed.
    pub(crate) fn ok<const N: usize>(&self, args: [&str; N]) -> Ended {
        let ended = self.run(args);
        assert_eq!(ended.code, ExitCode::DONE, "maestro {}\n{ended}", args.join(" "));
        ended
    }

    /// Runs a command with its output going to files, as a script would.
    pub(crate) fn run<const N: usize>(&self, args: [&str; N]) -> Ended {
        self.run_with(&Input::default(), args)
    }

    /// Runs a command on a terminal whose user types `answers`.
    pub(crate) fn run_asked<const N: usize>(&self, answers: &str, args: [&str; N]) -> Ended {
        let input = Input { stdin: answers.as_bytes(), terminal: true, ..Input::default() };
        self.run_with(&input, args)
    }

    /// Runs a command.
    pub(crate) fn run_with<const N: usize>(&self, input: &Input<'_>, args: [&str; N]) -> Ended {
        self.run_line(input, &args)
    }

    /// Runs a command whose number of arguments is not known before.
    pub(crate) fn run_line(&self, input: &Input<'_>, args: &[&str]) -> Ended {
        let (stdout, stderr) = (Capture::default(), Capture::default());
        let invocation = Invocation {
            stdin: Box::new(io::Cursor::new(input.stdin.to_vec())),
            stdin_is_terminal: input.terminal,
            stdout: Output { stream: Box::new(stdout.clone()), colour: input.colour },
            stderr: Output { stream: Box::new(stderr.clone()), colour: input.colour },
            stderr_is_terminal: input.terminal,
            ..self.invocation(self.env())
        };
        let args = ["maestro"].iter().chain(args).map(OsString::from);
        let code = maestro_cli::run(invocation, args);
        Ended { stdout: self.relative(&stdout.text()), stderr: self.relative(&stderr.text()), code }
    }

    /// Returns what surrounds a command that gets nothing and is heard by nobody.
    pub(crate) fn invocation(&self, env: Env) -> Invocation {
        Invocation {
            env,
            cwd: self.workspace(),
            stdin: Box::new(io::empty()),
            stdin_is_terminal: false,
            stdout: Output { stream: Box::new(io::sink()), colour: false },
            stderr: Output { stream: Box::new(io::sink()), colour: false },
            stderr_is_terminal: false,
            disk: Arc::new(OsDisk),
        }
    }

    /// The next command comes a second after the one before; within a command, the clock stands still.
    pub(crate) fn env(&self) -> Env {
        let seconds = START + self.commands.fetch_add(1, Ordering::Relaxed);
        let now = Timestamp::from(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        let ids = Arc::clone(&self.ids);
        let holder = Holder {
            pid: 4711,
            host: "test".to_owned(),
            command: "maestro".to_owned(),
            started: now,
        };
        let actor = Actor { kind: ActorKind::Cli, name: Some("tester".to_owned()) };
        let environment = Environment::from(self.variables.clone());
        Env::new(environment, actor, holder, move || now, move || id(&ids))
    }

    fn relative(&self, text: &str) -> String {
        let root = self.root.path().canonicalize().unwrap();
        let text = text.replace(&root.display().to_string(), "[root]");
        let text = if cfg!(windows) { text.replace('\\', "/") } else { text };
        without_system_messages(&text)
    }

    /// Returns every file and directory of the workspace with what is in it, but for the lock, which every command that
    /// may change something takes.
    pub(crate) fn listing(&self) -> BTreeMap<PathBuf, Option<(u64, u64)>> {
        let mut found = BTreeMap::new();
        let mut open = vec![self.root.path().to_owned()];
        while let Some(dir) = open.pop() {
            for entry in fs_err::read_dir(&dir).unwrap() {
                let path = entry.unwrap().path();
                let kind = fs_err::symlink_metadata(&path).unwrap().file_type();
                if kind.is_dir() {
                    open.push(path.clone());
                    found.insert(path, None);
                } else if kind.is_symlink() {
                    let target = fs_err::read_link(&path).unwrap();
                    found.insert(path, Some(digest(target.as_os_str().as_encoded_bytes())));
                } else if !is_lock(&path) {
                    let content = fs_err::read(&path).unwrap();
                    found.insert(path, Some(digest(&content)));
                }
            }
        }
        found
    }

    /// Returns the files of the workspace, one a line, for a snapshot.
    pub(crate) fn files(&self) -> String {
        let workspace = self.workspace();
        let files = self.listing();
        let files = files.iter().filter(|(_, content)| content.is_some());
        let names = files.map(|(path, _)| {
            let path = path.canonicalize().unwrap_or_else(|_| path.clone());
            path.strip_prefix(&workspace).unwrap_or(&path).display().to_string()
        });
        names.collect::<Vec<_>>().join("\n")
    }
}

fn is_lock(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "lock" || name == "lock.holder")
}

/// The length and a hash; of a large file, the hash of its two ends.
fn digest(content: &[u8]) -> (u64, u64) {
    const LARGE: usize = 1024 * 1024;
    let mut hasher = DefaultHasher::new();
    hasher.write(&content[..content.len().min(LARGE)]);
    hasher.write(&content[content.len().saturating_sub(LARGE)..]);
    (content.len() as u64, hasher.finish())
}

/// Runs a command in what surrounds it.
pub(crate) fn run<const N: usize>(invocation: Invocation, args: [&str; N]) -> ExitCode {
    maestro_cli::run(invocation, ["maestro"].into_iter().chain(args).map(OsString::from))
}

/// Puts `[os error]` in the place of what the system says, which each says in its own words.
fn without_system_messages(text: &str) -> String {
    let mut parts = text.split(" (os error ");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shown.truncate(shown.rfind(": ").map_or(0, |colon| colon + 2));
        shown += "[os error]";
        shown += part.split_once(')').map_or("", |(_, rest)| rest);
    }
    shown
}

/// The n-th id, in the form of version 7.
fn id(ids: &AtomicU64) -> Uuid {
    let n = ids.fetch_add(1, Ordering::Relaxed);
    Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0000 | u128::from(n))
}

/// What a command printed, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: ExitCode,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.stdout)?;
        if !self.stdout.is_empty() && !self.stdout.ends_with('\n') {
            f.write_str("[no line end]\n")?;
        }
        if !self.stderr.is_empty() {
            write!(f, "------- stderr\n{}", self.stderr)?;
            if !self.stderr.ends_with('\n') {
                f.write_str("[no line end]\n")?;
            }
        }
        write!(f, "[exit status: {}]", self.code.get())
    }
}

/// A stream that keeps what is written to it.
#[derive(Clone, Default)]
pub(crate) struct Capture(Arc<Mutex<Vec<u8>>>);

impl Capture {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A small plan: two phases side by side after the first, one after both.
pub(crate) const PLAN: &str = "\
# Rate limiting

## Phase 1: Contract

### Agent: architect

### Parallel: No

### Dependencies

- Blocked by: None

## Phase 2: Token buckets

### Agent: coder

### Parallel: Yes

### Files to Create

- `src/limit.rs` — the limiter

### Dependencies

- Blocked by: 1

## Phase 3: HTTP layer

### Agent: coder

### Parallel: Yes

### Files to Create

- `src/http.rs` — the layer

### Dependencies

- Blocked by: 1

## Phase 4: End to end

### Agent: tester

### Parallel: No

### Files to Create

- `tests/end_to_end.rs` — everything together

### Dependencies

- Blocked by: 2, 3
";

/// A plan of a single phase.
pub(crate) const SMALL_PLAN: &str = "\
## Phase 1: All of it

### Agent: coder

### Files to Create

- `src/lib.rs`
";

/// Someone who reads nothing: the stream fails with a broken pipe.
pub(crate) struct GoneReader;

impl Write for GoneReader {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A stream that never ends.
pub(crate) struct Endless;

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        buffer.fill(b'x');
        Ok(buffer.len())
    }
}
