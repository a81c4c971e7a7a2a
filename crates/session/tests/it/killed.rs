//! Processes that really die, at each of the file-system calls of an operation, and the next command that goes on.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use maestro_session::{Conflict, LogFilter, Remedy, SessionError, Status, Workspace};
use maestro_testutils::{FaultyDisk, Plan};

use crate::fixture::{ARCHIVE, Fixture, code, complete, env_of, skip, start};

/// Says to a process of this program where to work, what to do, and at which call to die.
const ORDER: &str = "MAESTRO_TEST_ORDER";

/// What is done while the process dies.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Archive,
    Restore,
}

impl Deed {
    fn named(name: &str) -> Self {
        match name {
            "archive" => Self::Archive,
            "restore" => Self::Restore,
            other => panic!("nobody can {other}"),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Archive => "archive",
            Self::Restore => "restore",
        }
    }

    fn carry_out(self, workspace: &Workspace) -> Result<(), SessionError> {
        match self {
            Self::Archive => workspace.archive(ARCHIVE).map(drop),
            Self::Restore => workspace.restore("2026").map(drop),
        }
    }
}

/// The process that dies. As a test of its own it has nothing to do.
#[test]
#[expect(clippy::disallowed_methods, reason = "an order comes from the process that waits for us")]
fn die_when_ordered() {
    let Ok(order) = std::env::var(ORDER) else { return };
    let (deed, order) = order.split_once(' ').unwrap();
    let (call, root) = order.split_once(' ').unwrap();
    let disk = FaultyDisk::new();
    let workspace =
        Workspace::open(Path::new(root), env_of(&[], 7), Arc::new(disk.clone())).unwrap();
    disk.arm(Plan::DieAt(call.parse().unwrap()));
    drop(Deed::named(deed).carry_out(&workspace));
}

/// Has a process begin the deed and die at `call`; says whether it came so far.
fn died(fixture: &Fixture, deed: Deed, call: usize) -> bool {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::die_when_ordered", "--test-threads=1"])
        .env(ORDER, format!("{} {call} {}", deed.name(), fixture.root().display()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    !status.success()
}

/// What is there, without the journals, whose times are others each time, and without times.
fn work(fixture: &Fixture) -> Vec<(String, String)> {
    let files = fixture.snapshot().into_iter();
    let files = files.filter(|(name, _)| !name.contains(".jsonl") && !name.contains("lock"));
    let text = |bytes: Vec<u8>| {
        let text = String::from_utf8(bytes).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with("updated:"));
        lines.collect::<Vec<_>>().join("\n")
    };
    files.map(|(name, bytes)| (name, text(bytes))).collect()
}

/// A session whose phases are all done, with a design gate.
fn finished() -> Fixture {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    fixture.apply(&complete("1", "src/a.rs")).unwrap();
    for phase in ["2", "3", "review"] {
        fixture.apply(&skip(phase, true)).unwrap();
    }
    let id = fixture.document().session().session_id.clone();
    fixture.write(&format!("docs/maestro/state/{id}.design-gate.json"), "{}");
    fixture
}

fn assert_in_order(fixture: &Fixture, call: usize) {
    let diagnosis = fixture.workspace().doctor(false, &mut |_, _| {}).unwrap();
    assert_eq!(diagnosis.findings, [], "call {call}");
}

/// Whether a reader finds a session; an error is none of both.
fn reads_session(fixture: &Fixture) -> bool {
    matches!(fixture.workspace().status().unwrap(), Status::Active(_))
}

/// Nobody is told to put back what is on its way to the archive.
fn assert_no_document_missing(fixture: &Fixture, call: usize) {
    let diagnosis = fixture.workspace().doctor(false, &mut |_, _| {}).unwrap();
    let by_person = diagnosis.findings.iter().find(|found| found.remedy == Remedy::ByPerson);
    assert_eq!(by_person, None, "call {call}");
    if let Some(report) = fixture.workspace().resume_report(&mut |_, _| {}).unwrap() {
        let mut conflicts = report.conflicts.iter();
        let missing = conflicts.find(|found| matches!(found, Conflict::DocumentMissing { .. }));
        assert_eq!(missing, None, "call {call}");
    }
}

#[test]
fn an_archiving_whose_process_dies_at_any_call_is_finished_by_the_next_command() {
    let prepared = finished();
    let undisturbed = prepared.copy();
    undisturbed.workspace().archive(ARCHIVE).unwrap();
    let archived = work(&undisturbed);

    let (mut withdrawn, mut finished_by_next) = (0, 0);
    for call in 0.. {
        let fixture = prepared.copy();
        let active = work(&fixture);
        if !died(&fixture, Deed::Archive, call) {
            break;
        }
        assert_eq!(reads_session(&fixture), fixture.session_file().exists(), "call {call}");
        assert_no_document_missing(&fixture, call);
        match code(fixture.apply(&start("1"))) {
            "NO_SESSION" => finished_by_next += 1,
            "ILLEGAL_TRANSITION" => {
                withdrawn += 1;
                assert_eq!(work(&fixture), active, "call {call}");
                fixture.workspace().archive(ARCHIVE).unwrap();
            }
            other => panic!("call {call}: {other}"),
        }
        assert_eq!(work(&fixture), archived, "call {call}");
        assert!(matches!(fixture.workspace().status().unwrap(), Status::None(_)));
        assert_in_order(&fixture, call);
    }
    assert!(withdrawn > 10 && finished_by_next > 50, "{withdrawn} {finished_by_next}");
}

#[test]
fn a_restoration_whose_process_dies_at_any_call_is_finished_by_the_next_command() {
    let prepared = finished();
    prepared.workspace().archive(ARCHIVE).unwrap();
    let undisturbed = prepared.copy();
    undisturbed.workspace().restore("2026").unwrap();
    let restored = work(&undisturbed);

    let (mut not_begun, mut finished_by_next) = (0, 0);
    for call in 0.. {
        let fixture = prepared.copy();
        let before = work(&fixture);
        if !died(&fixture, Deed::Restore, call) {
            break;
        }
        assert_eq!(reads_session(&fixture), fixture.session_file().exists(), "call {call}");
        match code(fixture.apply(&start("1"))) {
            "ILLEGAL_TRANSITION" => finished_by_next += 1,
            "NO_SESSION" => {
                not_begun += 1;
                assert_eq!(work(&fixture), before, "call {call}");
                fixture.workspace().restore("2026").unwrap();
            }
            other => panic!("call {call}: {other}"),
        }
        assert_eq!(work(&fixture), restored, "call {call}");
        assert_in_order(&fixture, call);
        assert_eq!(fixture.workspace().log(&LogFilter::default()).unwrap().entries.len(), 8);
    }
    assert!(not_begun > 10 && finished_by_next > 20, "{not_begun} {finished_by_next}");
}
