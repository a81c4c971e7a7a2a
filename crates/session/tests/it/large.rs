//! Ten thousand phases: the failure W12 of the Node server (`docs/NODE-SERVER.md`) does not happen here. And journals that
//! have grown long.

use std::fmt::Write as _;

use maestro_session_model::{Adjustment, Command, PhaseStatus, RelPath};

use crate::conflicts::fill_the_journal;
use crate::fixture::{Fixture, code, complete, id, skip, start};
use crate::power::world;

const PHASES: usize = 10_000;

/// A chain in which every phase waits for the one before it, written backwards.
fn plan() -> String {
    let mut plan = "---\nphases:\n".to_owned();
    for i in (1..=PHASES).rev() {
        let blockers = if i == 1 { String::new() } else { (i - 1).to_string() };
        writeln!(plan, "  - {{id: {i}, name: Step {i}, agent: coder, blocked_by: [{blockers}], files: [src/{i}.rs]}}")
            .unwrap();
    }
    plan + "---\n"
}

#[test]
fn w12_ten_thousand_phases_are_created_read_and_changed() {
    let fixture = Fixture::new();
    fixture.write("plan.md", plan());
    // A small stack, so that recursion over phases would show.
    let work = move || {
        fixture.create().unwrap();
        fixture.apply(&start("1")).unwrap();
        fixture.apply(&complete("1", "src/1.rs")).unwrap();
        let started = fixture.apply(&start("2")).unwrap();
        assert_eq!(started.progress.pending, PHASES - 2);
        let document = fixture.document();
        let last = document.session().phases.last().unwrap();
        assert_eq!((last.id.to_string().as_str(), last.status), ("1", PhaseStatus::Completed));
        let journal = fixture.path("docs/maestro/state/journal");
        let journal = fs_err::read_dir(journal).unwrap().next().unwrap().unwrap().path();
        let lines = fs_err::read_to_string(journal).unwrap();
        let longest = lines.lines().skip(1).map(str::len).max().unwrap();
        assert!(
            longest < 8_000,
            "a change of one phase is journalled as such, not as {longest} bytes"
        );
    };
    std::thread::Builder::new().stack_size(512 * 1024).spawn(work).unwrap().join().unwrap();
}

/// How many calls a command makes that only opens the session, when the journal has so many operations.
fn calls_to_open(operations: u64) -> usize {
    let disk = world::begun();
    let workspace = world::open(&disk);
    for n in 1..operations {
        let name = Some(format!("Step {n}"));
        let changes = Adjustment { name, ..Adjustment::default() };
        workspace.apply(&Command::Adjust { phase: id("2"), changes }).unwrap();
    }
    disk.count_calls();
    assert_eq!(code(world::open(&disk).apply(&start("no such phase"))), "PHASE_NOT_FOUND");
    disk.log().len()
}

#[test]
fn opening_a_session_does_not_depend_on_the_length_of_its_journal() {
    // As many operations after the last whole document, so that the end of the journal is as long.
    assert_eq!(calls_to_open(10), calls_to_open(10 + 10 * 64));
}

#[test]
fn fifty_thousand_files_of_a_manifest_are_recorded_and_compared() {
    const FILES: usize = 50_000;
    let fixture = Fixture::begun();
    let name = |n: usize| format!("src/d{:02}/{n}.rs", n % 100);
    for n in 0..FILES {
        fixture.write(&name(n), "text");
    }
    fixture.apply(&start("1")).unwrap();
    let Command::Complete { phase, mut handoff } = complete("1", &name(0)) else { unreachable!() };
    handoff.files_created = (0..FILES).map(|n| RelPath::parse(&name(n)).unwrap()).collect();
    let mut told = 0;
    let complete = Command::Complete { phase, handoff };
    fixture.workspace().apply_with_progress(&complete, &mut |done, _| told = done).unwrap();
    assert_eq!(told, FILES);
    fixture.write(&name(7), "edit");
    let conflicts = || {
        let mut told = (0, 0);
        let found = fixture.workspace().conflicts(&mut |done, all| told = (done, all)).unwrap();
        assert_eq!(told, (FILES, FILES));
        found
    };
    assert_eq!(conflicts().len(), 1);
    // A segment begins with all that, and the changes after it do not begin one each.
    while journal_files(&fixture) == 1 {
        fill_the_journal(&fixture);
        fixture.apply(&start("2")).unwrap();
        fixture.workspace().undo(None).unwrap();
    }
    for phase in ["2", "3"] {
        fixture.apply(&skip(phase, true)).unwrap();
    }
    assert_eq!(journal_files(&fixture), 2);
    assert_eq!(conflicts().len(), 1);
}

fn journal_files(fixture: &Fixture) -> usize {
    fs_err::read_dir(fixture.path("docs/maestro/state/journal")).unwrap().count()
}
