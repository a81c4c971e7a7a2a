//! Processes that are killed at any moment of their life leave something that the next command makes whole.

use std::collections::{BTreeMap, BTreeSet};
use std::hint;
use std::rc::Rc;
use std::time::{Duration, Instant};

use maestro_session_model::PhaseStatus;
use serde_json::Value;
use uuid::Uuid;

#[cfg(any(target_os = "linux", target_os = "macos"))]
use crate::editor::{Editor, Save};
use crate::processes::{Project, Ran, done, names};

/// Kills processes at moments that are spread over the time for which they run.
struct Killer {
    random: u64,
    /// In which time after its beginning a process is killed. Follows how long processes run on this machine just now.
    span: Duration,
    /// For each tenth of the span: how many processes were killed, and how many had ended before.
    moments: BTreeMap<u32, (u32, u32)>,
}

impl Killer {
    /// `seed` says which moments; `run` is how long a process runs.
    fn new(seed: u64, run: Duration) -> Self {
        Self { random: seed, span: run, moments: BTreeMap::new() }
    }

    /// A number below `end`, by the generator `SplitMix64`.
    fn below(&mut self, end: u32) -> u32 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((z ^ (z >> 31)) % u64::from(end)).unwrap()
    }

    /// Begins a command and kills it, or comes too late.
    fn run(&mut self, project: &Project, args: &[&str]) -> Ran {
        self.run_while(project, args, || ())
    }

    /// Begins a command, does something while it runs, and kills it, or comes too late.
    fn run_while(&mut self, project: &Project, args: &[&str], deed: impl FnOnce()) -> Ran {
        let part = self.below(1_000);
        let moment = self.span * part / 1_000;
        let moment_of_deed = moment * self.below(1_000) / 1_000;
        let mut child = project.command(args).spawn().unwrap();
        let begun = now();
        let wait_until = |moment| {
            while begun.elapsed() < moment {
                hint::spin_loop();
            }
        };
        wait_until(moment_of_deed);
        deed();
        wait_until(moment);
        child.kill().unwrap();
        let ran = Ran::of(args, &child.wait_with_output().unwrap());
        let (killed, ended) = self.moments.entry(part / 100).or_default();
        // Where one of five has ended, the span is a little more than what processes need.
        if ran.code.is_none() {
            *killed += 1;
            self.span = self.span.mul_f64(1.02);
        } else {
            *ended += 1;
            self.span = self.span.div_f64(1.08);
        }
        ran
    }

    /// Checks that processes were killed, and not only such as had ended anyway.
    #[expect(
        clippy::print_stdout,
        reason = "shows which moments were hit, where that is asked for"
    )]
    fn assert_has_killed(&self) {
        let (killed, ended) =
            self.moments.values().fold((0, 0), |sum, (k, e)| (sum.0 + k, sum.1 + e));
        println!(
            "{killed} killed, {ended} ended; by tenths of {:?}: {:?}",
            self.span, self.moments
        );
        assert!(killed * 10 >= killed + ended, "of {} only {killed} were killed", killed + ended);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a kill is to hit a moment; no test depends on which"
)]
fn now() -> Instant {
    Instant::now()
}

/// Runs a command that is to find the lock free.
fn run_at_once(project: &Project, args: &[&str]) -> Ran {
    Ran::of(args, &project.command_with(args, "0").output().unwrap())
}

/// How long a command runs, of several the one in the middle.
fn run_time(mut command: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..5)
        .map(|_| {
            let begun = now();
            command();
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

/// A session on which one command after the other is tried.
struct Life {
    project: Rc<Project>,
    /// Every command that was tried, in order, and the operation of those that were acknowledged.
    tried: Vec<(String, String, Option<Uuid>)>,
    /// The statuses that a phase can have: of a command that was killed, nobody knows what became of it.
    possible: BTreeMap<String, BTreeSet<PhaseStatus>>,
    /// Whether no command was killed since the last that came to its end.
    is_settled: bool,
    /// How many operations are of commands that were killed.
    survived: usize,
}

const PHASES: u32 = 8;

/// The phase that is in progress all the time.
const KEPT: &str = "9";

impl Life {
    /// A session in which one phase is in progress.
    fn new() -> Self {
        let project = Rc::new(Project::begun(PHASES as usize + 1));
        let operation = project.ok(&["phase", "start", KEPT]).operation();
        let tried = vec![("start".to_owned(), KEPT.to_owned(), operation)];
        Self { project, tried, possible: BTreeMap::new(), is_settled: true, survived: 0 }
    }

    fn copy(&self) -> Self {
        let (project, tried) = (Rc::new(self.project.copy()), self.tried.clone());
        Self { project, tried, possible: self.possible.clone(), ..*self }
    }

    /// Tries what the session file offers for a phase, and kills it.
    fn step(&mut self, killer: &mut Killer, deed: impl FnOnce()) {
        // Whatever was killed before, the file is one that someone wrote.
        let phase = (killer.below(PHASES) + 1).to_string();
        let document = self.project.document();
        let found = document.session().phase(&phase.parse().unwrap()).unwrap();
        let message = ["--message", "it broke"];
        let (command, options, status): (&str, &[&str], PhaseStatus) = match found.status {
            PhaseStatus::Pending => ("start", &[], PhaseStatus::InProgress),
            PhaseStatus::InProgress if found.retry_count == 0 => {
                ("fail", &message, PhaseStatus::Failed)
            }
            PhaseStatus::InProgress => {
                ("complete", &["--pattern", "kill and look"], PhaseStatus::Completed)
            }
            PhaseStatus::Failed => ("retry", &[], PhaseStatus::InProgress),
            PhaseStatus::Completed | PhaseStatus::Skipped => {
                ("reconcile", &["--modified", "src/lib.rs"], PhaseStatus::Completed)
            }
        };
        let args = [&["phase", command, &phase][..], options].concat();
        let ran = killer.run_while(&self.project, &args, deed);
        // Refused is only what a killed command had done, without the file showing it yet.
        let is_known = ran.code.is_none_or(|code| code == 0)
            || ran.error() == Some("ILLEGAL_TRANSITION") && !self.is_settled;
        assert!(is_known, "{ran:?}");
        self.is_settled = ran.code.is_some();
        let possible =
            self.possible.entry(phase.clone()).or_insert_with(|| [PhaseStatus::Pending].into());
        if ran.operation().is_some() {
            possible.clear();
        }
        if ran.operation().is_some() || ran.code.is_none() {
            possible.insert(status);
        }
        self.tried.push((command.to_owned(), phase, ran.operation()));
    }

    /// Runs a command to its end, and checks that every phase is where acknowledged commands have brought it, or one that was
    /// killed.
    fn settle(&mut self) {
        let ran = run_at_once(&self.project, &["phase", "redelegate", KEPT]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        self.is_settled = true;
        self.tried.push(("redelegate".to_owned(), KEPT.to_owned(), ran.operation()));
        let document = self.project.document();
        for (phase, possible) in &mut self.possible {
            let status = document.session().phase(&phase.parse().unwrap()).unwrap().status;
            assert!(possible.contains(&status), "phase {phase} is {status}, but not {possible:?}");
            *possible = [status].into();
        }
        assert_eq!(document.text(), self.project.journal().document());
        assert_eq!(self.project.temporaries(), [""; 0]);
    }

    /// Checks that everything that was acknowledged is in the journal, once, and nothing that was not tried.
    fn check_journal(&mut self) {
        let journal = self.project.journal();
        assert_eq!(journal.ordered().count(), journal.operations().len(), "nothing is abandoned");
        let mut tried = self.tried.iter();
        self.survived = 0;
        for operation in journal.ordered().skip(1) {
            let (command, phase) = done(operation);
            let id = operation.record.operation.id;
            let is_acknowledged = self.tried.iter().any(|(_, _, known)| *known == Some(id));
            let found = tried.by_ref().find(|(tried, on, known)| {
                let is_it = if is_acknowledged { *known == Some(id) } else { known.is_none() };
                assert!(is_it || known.is_none(), "{tried} {on} was acknowledged, and is lost");
                is_it && *tried == command && *on == phase
            });
            assert!(found.is_some(), "{command} {phase} was not tried, or not there");
            self.survived += usize::from(!is_acknowledged);
        }
        let lost = tried.find(|(_, _, known)| known.is_some());
        assert_eq!(lost, None, "was acknowledged, and is lost");
    }
}

#[test]
fn a_killed_command_has_done_all_or_nothing() {
    const LIVES: usize = 10;
    const STEPS: usize = 32;
    let prepared = Life::new();
    let measured = prepared.project.copy();
    let run = run_time(|| drop(measured.ok(&["phase", "redelegate", KEPT])));
    let mut killer = Killer::new(1, run);
    let mut survived = 0;
    for _ in 0..LIVES {
        let mut life = prepared.copy();
        for _ in 0..STEPS {
            life.step(&mut killer, || ());
            // Now and then the next command is killed as well, while it mends what the one before has left.
            if killer.below(3) > 0 {
                life.settle();
                life.check_journal();
            }
        }
        life.settle();
        life.check_journal();
        life.project.assert_in_order();
        survived += life.survived;
    }
    killer.assert_has_killed();
    println!("{survived} survived their kill");
    assert!(survived > 1, "no command was killed after its commit point");
}

#[cfg(any(target_os = "linux", target_os = "macos"))]
#[test]
fn an_edit_during_a_command_that_is_killed_is_kept_and_takes_nothing_back() {
    const LIVES: usize = 5;
    const STEPS: usize = 20;
    let prepared = Life::new();
    let measured = prepared.project.copy();
    let run = run_time(|| drop(measured.ok(&["phase", "redelegate", KEPT])));
    let mut killer = Killer::new(4, run);
    for _ in 0..LIVES {
        let mut life = prepared.copy();
        let project = Rc::clone(&life.project);
        let mut editor = Editor::new(&project);
        for _ in 0..STEPS {
            let edited = editor.edited(&editor.read());
            life.step(&mut killer, || assert!(editor.save(&edited, Save::ByRename)));
            life.settle();
            assert_eq!(editor.lacks(&project.text()), None, "{}", project.text());
        }
        project.assert_in_order();
    }
    killer.assert_has_killed();
}

const ROUNDS: usize = 60;

#[test]
fn a_killed_creation_makes_a_session_or_none() {
    let run = run_time(|| drop(Project::begun(2)));
    let mut killer = Killer::new(2, run);
    let prepared = [Project::new(2), Project::new(2)];
    prepared[1].ok(&["init"]);
    let mut survived = 0;
    for round in 0..ROUNDS {
        let project = prepared[round % 2].copy();
        let first = killer.run(&project, &["new", "First", "--plan", "plan.md"]);
        let next = run_at_once(&project, &["new", "Second", "--plan", "plan.md"]);
        let (task, operation) = if next.code == Some(0) {
            assert_eq!(first.operation(), None, "a session that was acknowledged is gone");
            ("Second", next.operation())
        } else {
            assert_eq!((next.code, next.error()), (Some(1), Some("SESSION_EXISTS")), "{next:?}");
            survived += usize::from(first.operation().is_none());
            ("First", first.operation())
        };
        let document = project.document();
        let session = document.session();
        assert_eq!(session.task, task);
        assert_eq!(session.implementation_plan.as_deref(), Some("docs/maestro/plans/plan.md"));
        let journal = project.journal();
        assert_eq!(journal.document(), document.text());
        assert_eq!(journal.operations().len(), 1);
        assert!(operation.is_none_or(|id| journal.count(id) == 1));
        assert_eq!(names(&project.state("plans")), ["archive", "plan.md"]);
        assert_eq!(names(&project.state("plans/archive")), [""; 0]);
        assert_eq!(project.env().read("docs/maestro/plans/plan.md"), project.env().read("plan.md"));
        // A session that exists is reason enough to refuse another, without putting it in order first.
        assert_eq!(run_at_once(&project, &["phase", "start", "1"]).code, Some(0));
        project.assert_in_order();
    }
    killer.assert_has_killed();
    println!("{survived} survived their kill");
}

#[test]
fn a_killed_archiving_leaves_the_session_active_or_archived() {
    let prepared = Project::begun(2);
    let started = prepared.ok(&["phase", "start", "1"]).operation().unwrap();
    let run = run_time(|| drop(prepared.copy().ok(&["archive", "--force"])));
    let mut killer = Killer::new(3, run);
    let mut survived = 0;
    for _ in 0..ROUNDS {
        let project = prepared.copy();
        let archived = killer.run(&project, &["archive", "--force"]);
        let next = run_at_once(&project, &["phase", "start", "2"]);
        project.assert_in_order();
        let in_archive = names(&project.state("state/archive"));
        let in_plans = names(&project.state("plans"));
        let in_archived_plans = names(&project.state("plans/archive"));
        if next.code == Some(0) {
            assert_eq!(archived.operation(), None, "an archiving that was acknowledged is gone");
            let journal = project.journal();
            assert_eq!(journal.count(started), 1);
            assert_eq!(journal.document(), project.text());
            assert_eq!((in_archive.len(), in_plans.len(), in_archived_plans.len()), (0, 2, 0));
        } else {
            assert_eq!((next.code, next.error()), (Some(3), Some("NO_SESSION")), "{next:?}");
            survived += usize::from(archived.operation().is_none());
            assert!(!project.env().session_file().exists());
            assert_eq!(names(&project.state("state/journal")), [""; 0]);
            assert_eq!((in_archive.len(), in_plans.len()), (2, 1));
            assert_eq!(in_archived_plans, ["plan.md"]);
        }
    }
    killer.assert_has_killed();
    println!("{survived} survived their kill");
}

#[test]
fn a_killed_restoration_leaves_the_session_archived_or_active() {
    let prepared = Project::begun(2);
    let started = prepared.ok(&["phase", "start", "1"]).operation().unwrap();
    prepared.ok(&["archive", "--force"]);
    let run = run_time(|| drop(prepared.copy().ok(&["archive", "restore", "20"])));
    let mut killer = Killer::new(5, run);
    let mut survived = 0;
    for _ in 0..ROUNDS {
        let project = prepared.copy();
        let restored = killer.run(&project, &["archive", "restore", "20"]);
        // Now and then the one that finishes it is killed as well.
        let again = (killer.below(3) == 0).then(|| killer.run(&project, &["phase", "start", "2"]));
        let next = run_at_once(&project, &["phase", "redelegate", "1"]);
        project.assert_in_order();
        let in_archive = names(&project.state("state/archive"));
        let in_plans = names(&project.state("plans"));
        let in_archived_plans = names(&project.state("plans/archive"));
        if next.code == Some(0) {
            survived += usize::from(restored.operation().is_none());
            // The journal is in two files now, which readers put together.
            let log = project.ok(&["log"]).answer;
            let entries = log["entries"].as_array().unwrap();
            let is_start = |entry: &&Value| entry["operation"] == started.to_string();
            assert_eq!(entries.iter().filter(is_start).count(), 1);
            assert_eq!(project.ok(&["log", "--document"]).answer["document"], project.text());
            assert_eq!(in_archive, [""; 0]);
            assert_eq!(
                (in_plans, in_archived_plans.len()),
                (vec!["archive".to_owned(), "plan.md".to_owned()], 0)
            );
        } else {
            assert_eq!((next.code, next.error()), (Some(3), Some("NO_SESSION")), "{next:?}");
            assert_eq!(restored.operation(), None, "a restoration that was acknowledged is gone");
            assert!(again.is_none_or(|again| again.operation().is_none()));
            assert!(!project.env().session_file().exists());
            assert_eq!(names(&project.state("state/journal")), [""; 0]);
            assert_eq!((in_archive.len(), in_plans.len()), (2, 1));
            assert_eq!(in_archived_plans, ["plan.md"]);
        }
    }
    killer.assert_has_killed();
    println!("{survived} survived their kill");
}
