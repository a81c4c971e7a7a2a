//! Ten thousand phases: the failure W12 of the Node server (`docs/NODE-SERVER.md`) does not happen here.

use std::fmt::Write as _;

use maestro_session_model::PhaseStatus;

use crate::fixture::{Fixture, complete, start};

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
