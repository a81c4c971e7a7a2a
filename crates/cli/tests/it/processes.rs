//! Real processes on one workspace: starting them, and what the files say when they are done.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use maestro_session_model::Document;
use maestro_state_store::journal::{ActorKind, History, Newest};
use serde_json::Value;
use uuid::Uuid;

use crate::binary::maestro;
use crate::env::TestEnv;

/// Far longer than any command waits for the others, so that on a busy machine nothing fails but what is wrong.
const WAIT: &str = "600";

/// A workspace that processes work on.
pub(crate) struct Project {
    env: TestEnv,
}

impl Project {
    /// A workspace without a state dir, with a plan of so many phases that do not wait for each other.
    pub(crate) fn new(phases: usize) -> Self {
        let env = TestEnv::new();
        let mut plan = "---\nphases:\n".to_owned();
        for id in 1..=phases {
            writeln!(plan, "  - {{id: {id}, name: Step {id}, agent: coder, files: [src/{id}.rs]}}")
                .unwrap();
        }
        env.write("plan.md", plan + "---\n# Many steps\n");
        Self { env }
    }

    /// A workspace with a session of so many phases that do not wait for each other.
    pub(crate) fn begun(phases: usize) -> Self {
        let project = Self::new(phases);
        project.ok(&["new", "Many steps", "--plan", "plan.md", "--mode", "parallel"]);
        project
    }

    /// Another workspace with the same files.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self { env: TestEnv::new() };
        let (from, to) = (self.root(), copy.root());
        for path in everything_below(&from) {
            let place = to.join(path.strip_prefix(&from).unwrap());
            if path.is_dir() {
                fs_err::create_dir_all(place).unwrap();
            } else {
                fs_err::copy(path, place).unwrap();
            }
        }
        copy
    }

    pub(crate) fn env(&self) -> &TestEnv {
        &self.env
    }

    /// The workspace.
    pub(crate) fn root(&self) -> PathBuf {
        self.env.workspace()
    }

    /// A path below the state dir.
    pub(crate) fn state(&self, path: &str) -> PathBuf {
        self.root().join("docs/maestro").join(path)
    }

    /// A command that answers in JSON and waits for the lock as long as it takes.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        self.command_with(args, WAIT)
    }

    /// A command that answers in JSON and waits for the lock for so many seconds.
    pub(crate) fn command_with(&self, args: &[&str], wait: &str) -> Command {
        let mut command = maestro(&self.env);
        command.args(args).args(["--json", "--wait", wait]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::of(args, &self.command(args).output().unwrap())
    }

    /// Runs a command that must succeed.
    pub(crate) fn ok(&self, args: &[&str]) -> Ran {
        let ran = self.run(args);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        ran
    }

    /// The text of the session file.
    pub(crate) fn text(&self) -> String {
        fs_err::read_to_string(self.env.session_file()).unwrap()
    }

    /// What the session file says.
    pub(crate) fn document(&self) -> Document {
        Document::parse(self.text()).unwrap()
    }

    /// The only journal of a session that is not archived.
    pub(crate) fn journal(&self) -> Recorded {
        let journals = names(&self.state("state/journal"));
        let [journal] = journals.as_slice() else { panic!("not one journal but {journals:?}") };
        Recorded::read(&self.state("state/journal").join(journal))
    }

    /// Checks that nothing is left over, and that nothing contradicts anything.
    pub(crate) fn assert_in_order(&self) {
        assert_eq!(self.temporaries(), [""; 0]);
        let doctor = self.ok(&["doctor"]);
        assert_eq!(doctor.answer["findings"], serde_json::json!([]), "{doctor:?}");
    }

    /// What commands write before it takes its place, and should have cleared away.
    pub(crate) fn temporaries(&self) -> Vec<String> {
        let mut found = everything_below(&self.root());
        found.retain(|path| path.extension().is_some_and(|extension| extension == "tmp"));
        found.into_iter().map(|path| path.display().to_string()).collect()
    }
}

/// The names in a directory, in order.
pub(crate) fn names(dir: &Path) -> Vec<String> {
    let entries = fs_err::read_dir(dir).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Every file and directory below a directory, each after the directory that it is in.
fn everything_below(root: &Path) -> Vec<PathBuf> {
    let mut found = vec![root.to_owned()];
    let mut next = 0;
    while let Some(path) = found.get(next).cloned() {
        if path.is_dir() {
            found.extend(names(&path).into_iter().map(|name| path.join(name)));
        }
        next += 1;
    }
    found.remove(0);
    found
}

/// What became of a command.
#[derive(Debug)]
#[expect(dead_code, reason = "some fields are only shown, when a test fails")]
pub(crate) struct Ran {
    args: String,
    /// Nothing when it was killed.
    pub(crate) code: Option<i32>,
    /// What it printed; nothing when that is no JSON.
    pub(crate) answer: Value,
    stderr: String,
}

impl Ran {
    pub(crate) fn of(args: &[&str], output: &Output) -> Self {
        Self {
            args: args.join(" "),
            code: output.status.code(),
            answer: serde_json::from_slice(&output.stdout).unwrap_or_default(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The operation that a command says it made.
    pub(crate) fn operation(&self) -> Option<Uuid> {
        self.answer["operation"].as_str()?.parse().ok()
    }

    /// The code of the error that a command ended with.
    pub(crate) fn error(&self) -> Option<&str> {
        self.answer["error"]["code"].as_str()
    }
}

/// A journal that was read from its first line, with every hash checked on the way.
pub(crate) struct Recorded {
    history: History,
    /// The document after each operation.
    pub(crate) texts: Vec<String>,
}

impl Recorded {
    pub(crate) fn read(path: &Path) -> Self {
        let history = History::parse(path, &fs_err::read(path).unwrap()).unwrap();
        let mut replay = history.replay();
        let mut texts = Vec::new();
        while let Some(step) = replay.advance().unwrap() {
            texts.push(step.text.to_owned());
        }
        Self { history, texts }
    }

    pub(crate) fn operations(&self) -> &[Newest] {
        self.history.operations()
    }

    /// The operations that were ordered through a command, and count.
    pub(crate) fn ordered(&self) -> impl Iterator<Item = &Newest> {
        self.operations().iter().filter(|operation| {
            !operation.abandoned && operation.record.operation.actor.kind != ActorKind::External
        })
    }

    /// How often an operation is there, and counts.
    pub(crate) fn count(&self, id: Uuid) -> usize {
        self.ordered().filter(|operation| operation.record.operation.id == id).count()
    }

    /// The document that the journal ends with.
    pub(crate) fn document(&self) -> &str {
        self.texts.last().unwrap()
    }
}

/// What an operation did: the name of its command, and the phase.
pub(crate) fn done(operation: &Newest) -> (String, String) {
    let command = &operation.record.operation.command;
    let phase = match &command["phase"] {
        Value::String(id) => id.clone(),
        id => id.to_string(),
    };
    (command["command"].as_str().unwrap_or_default().to_owned(), phase)
}

/// Waits until something is so; gives up when that takes far longer than it ever does.
#[expect(
    clippy::disallowed_methods,
    reason = "no wait is without an end, and no test depends on when it is"
)]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_mins(5), "not in five minutes: {what}");
        thread::yield_now();
    }
}
