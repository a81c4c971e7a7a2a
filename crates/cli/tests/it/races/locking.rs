//! A process that holds the lock and does not go on.

use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{self, Child, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use maestro_state_store::{Environment, Holder, OsDisk, Settings, StateDir, Store};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use crate::processes::{Project, Ran};

/// Names the workspace to the process that is to hold its lock.
const HELD: &str = "HOLD_THE_LOCK_OF";

/// What that process says when it has the lock.
const HOLDING: &str = "the lock is held";

/// Not a fact, but the process that the facts below are about, which is a process of this very program. Without its
/// variable, there is nothing to hold.
#[test]
#[expect(clippy::disallowed_methods, reason = "this is the beginning of a process of its own")]
fn hold_the_lock() {
    let Some(workspace) = std::env::var_os(HELD) else { return };
    let disk = Arc::new(OsDisk);
    let workspace = Path::new(&workspace);
    let settings = Settings::resolve(workspace, &Environment::default(), disk.as_ref()).unwrap();
    let store = Store::new(StateDir::locate(workspace, &settings, disk).unwrap());
    let holder = Holder {
        pid: process::id(),
        host: "here".to_owned(),
        command: "the one who stopped".to_owned(),
        started: "2026-01-15T10:00:00Z".parse().unwrap(),
    };
    let locked = store.lock(&holder, Duration::ZERO).unwrap();
    println!("{HOLDING}");
    // Comes to an end with the process that began this one.
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
    drop(locked);
}

/// A process that holds a lock; killed when dropped.
struct Holding(Child);

impl Holding {
    fn begin(project: &Project) -> Self {
        let this = std::env::current_exe().unwrap();
        let mut child = Command::new(this)
            .args(["--exact", "races::locking::hold_the_lock", "--nocapture", "--test-threads=1"])
            .env(HELD, project.root())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let holding = Self(child);
        let said: Vec<String> =
            lines.map(Result::unwrap).take_while(|line| !line.contains(HOLDING)).collect();
        assert!(!said.iter().any(|line| line.contains("test result")), "{said:?}");
        holding
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.0)
    }

    /// Stops the process, and returns when it stands still.
    fn stop(&self) {
        kill_process(self.pid(), Signal::STOP).unwrap();
        let (_, status) = waitpid(Some(self.pid()), WaitOptions::UNTRACED).unwrap().unwrap();
        assert!(status.stopped(), "{status:?}");
    }

    /// Kills the process, and returns when it is gone.
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Runs a command that waits for the lock as long as `wait` says, and fails if it does not come to an end.
fn run(project: &Project, args: &[&str], wait: &str) -> Ran {
    let mut command = project.command_with(args, wait);
    let (sender, receiver) = mpsc::channel();
    // Stays behind when the command does.
    thread::spawn(move || drop(sender.send(command.output())));
    let output = receiver.recv_timeout(Duration::from_mins(5)).expect("the command hangs");
    Ran::of(args, &output.unwrap())
}

#[test]
fn whoever_waits_too_long_is_told_who_has_the_lock() {
    let project = Project::begun(2);
    let mut holding = Holding::begin(&project);
    holding.stop();

    for wait in ["0", "0.3"] {
        let ran = run(&project, &["phase", "start", "1"], wait);
        assert_eq!((ran.code, ran.error()), (Some(4), Some("LOCKED")), "{ran:?}");
        let message = ran.answer["error"]["message"].as_str().unwrap();
        let holder = format!("`the one who stopped` (process {} on here)", holding.0.id());
        assert!(message.contains(&holder), "{message}");
    }
    for args in [&["status"][..], &["next"], &["log"], &["log", "--document"]] {
        let ran = run(&project, args, "0");
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }

    holding.kill();
    let ran = run(&project, &["phase", "start", "1"], "0");
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn whoever_waits_goes_on_when_the_holder_is_killed() {
    let project = Project::begun(2);
    let mut holding = Holding::begin(&project);
    holding.stop();
    let args = ["phase", "start", "1"];
    let waiting = project.command(&args).spawn().unwrap();
    // Gives the one before time to come to the lock.
    let ran = run(&project, &["phase", "start", "2"], "0.05");
    assert_eq!(ran.error(), Some("LOCKED"), "{ran:?}");
    holding.kill();
    let ran = Ran::of(&args, &waiting.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(project.journal().count(ran.operation().unwrap()), 1);
}
