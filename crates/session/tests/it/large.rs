//! Ten thousand phases: the failure W12 of the Node server (`docs/NODE-SERVER.md`) does not happen here. And journals that
//! have grown long.

use std::fmt::Write as _;

use maestro_session_model::{Adjustment, Command, PhaseStatus};

use crate::fixture::{Fixture, code, complete, id, start};
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
