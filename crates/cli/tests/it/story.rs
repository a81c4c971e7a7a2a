//! A whole session, from the plan of the documentation to the archive.

use std::fmt::Write as _;

use insta::assert_snapshot;

use crate::env::{Input, TestEnv};

/// The example of the documentation.
const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/examples/rate-limiter");

#[test]
fn from_the_plan_to_the_archive() {
    let env = TestEnv::new();
    for file in ["plan.md", "design.md"] {
        env.write(file, fs_err::read(format!("{EXAMPLE}/{file}")).unwrap());
    }
    for entry in fs_err::read_dir(format!("{EXAMPLE}/reports")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        env.write(&format!("reports/{name}"), fs_err::read(entry.path()).unwrap());
    }
    let mut story = String::new();
    let mut tell = |line: &str| {
        let args: Vec<&str> = line.split(' ').collect();
        let ended = env.run_line(&Input::default(), &args);
        write!(story, "$ maestro {line}\n{ended}\n\n").unwrap();
    };
    tell("init");
    tell("new Rate-limiting-for-the-gateway --plan plan.md --design design.md --mode parallel");
    tell("next");
    tell("phase start 1");
    tell(
        "phase complete 1 --report reports/phase-1.md --tokens input=12000,output=3400,cached=9000",
    );
    tell("phase start 2");
    tell("phase start 3");
    tell("phase start 4");
    tell("phase complete 2 --report reports/phase-2.md");
    tell("phase fail 4 --type runtime --report reports/phase-4-failed.md");
    tell("phase retry 4 --resolution synchronous-again");
    tell("status");
    tell("phase complete 3 --report reports/phase-3.md");
    tell("phase complete 4 --report reports/phase-4.md");
    tell("phase start 5");
    tell("phase redelegate 5 --reason the-host-was-restarted");
    tell("phase complete 5 --report reports/phase-5.md");
    tell("phase start 6");
    tell("phase complete 6 --report reports/phase-6.md");
    tell("phase skip 7");
    tell("phase skip 7 --by-user --reason the-guide-is-written-elsewhere");
    tell("phase start 8");
    tell("log");
    tell("phase complete 8 --report reports/phase-8.md");
    tell("status");
    assert_snapshot!(story);
    assert_snapshot!(env.files(), @"
    design.md
    docs/maestro/plans/archive/design.md
    docs/maestro/plans/archive/plan.md
    docs/maestro/state/.gitignore
    docs/maestro/state/archive/2026-01-15-rate-limiting-for-the-gateway.journal.jsonl
    docs/maestro/state/archive/2026-01-15-rate-limiting-for-the-gateway.md
    plan.md
    reports/phase-1.md
    reports/phase-2.md
    reports/phase-3.md
    reports/phase-4-failed.md
    reports/phase-4.md
    reports/phase-5.md
    reports/phase-6.md
    reports/phase-7.md
    reports/phase-8.md
    ");
}
