//! `maestro phase`, but for what needs the user (see `user.rs`)

use insta::assert_snapshot;

use crate::env::{Endless, Input, TestEnv, run};

/// A handoff report as agents write it.
const REPORT: &str = "\
## Task Report

- **Status**: success
- **Objective Achieved**: Yes.
- **Files Created**:
  - `src/limit.rs` — the limiter
- **Files Modified**: none
- **Files Deleted**: none
- **Validation**: pass
- **Validation Output**: `cargo test limit`: 14 passed

## Downstream Context

- **Key Interfaces Introduced**: `KeyedLimiter::check(&self, key: &str) -> Verdict` in `src/limit.rs`
- **Patterns Established**: time is an argument
- **Integration Points**: none
- **Assumptions**: none
- **Warnings**: none
";

fn at_phase_2() -> TestEnv {
    let env = TestEnv::with_session();
    env.ok(["phase", "start", "1"]);
    env.ok(["phase", "complete", "1", "--pattern", "time is an argument"]);
    env.ok(["phase", "start", "2"]);
    env
}

#[test]
fn start_says_what_else_can_start() {
    let env = TestEnv::with_session();
    assert_snapshot!(env.run(["phase", "start", "1"]), @"
    Phase 1 started: Contract (architect)
    0 of 4 phases done
    [exit status: 0]
    ");
    env.ok(["phase", "complete", "1", "--pattern", "time is an argument"]);
    assert_snapshot!(env.run(["phase", "start", "2"]), @"
    Phase 2 started: Token buckets (coder)
    1 of 4 phases done; ready to start: phase 3
    [exit status: 0]
    ");
}

#[test]
fn a_phase_that_cannot_start_says_why() {
    let env = TestEnv::with_session();
    let before = env.listing();
    assert_snapshot!(env.run(["phase", "start", "4"]), @"
    ------- stderr
    error: phase 4 waits for phase 2 (pending), phase 3 (pending)

    hint: complete or skip 2, 3 first; `maestro next` shows what can be started
    [exit status: 1]
    ");
    assert_snapshot!(env.run(["phase", "start", "9"]), @"
    ------- stderr
    error: there is no phase 9

    hint: the phases are 1, 2, 3, 4
    [exit status: 1]
    ");
    assert_snapshot!(env.run(["phase", "start", ""]), @"
    ------- stderr
    error: invalid value '' for '<ID>': `` is not a phase id: use a positive integer or a text of up to 256 bytes in one line

    For more information, try '--help'.
    [exit status: 2]
    ");
    assert_eq!(env.listing(), before);
    env.ok(["phase", "start", "1"]);
    assert_snapshot!(env.run(["phase", "start", "1"]), @"
    ------- stderr
    error: phase 1 cannot start: it is in_progress

    hint: what can happen to a phase that is in_progress: complete, fail, redelegate
    [exit status: 1]
    ");
}

#[test]
fn a_slot_must_be_free() {
    let mut env = at_phase_2();
    env.set("MAESTRO_MAX_CONCURRENT", "1");
    assert_snapshot!(env.run(["phase", "start", "3"]), @"
    ------- stderr
    error: no slot is free for phase 3: 1 of 1 in progress (2)

    hint: end a phase that is in progress first, or raise MAESTRO_MAX_CONCURRENT
    [exit status: 1]
    ");
}

#[test]
fn a_report_comes_from_a_file_or_from_stdin() {
    let handed_over = |from: &str| {
        let env = at_phase_2();
        env.write("handoff.md", REPORT);
        let input = Input { stdin: REPORT.as_bytes(), ..Input::default() };
        let ended = env.run_with(&input, ["phase", "complete", "2", "--report", from]);
        (ended, env.read("docs/maestro/state/active-session.md"))
    };
    let (ended, text) = handed_over("handoff.md");
    assert_snapshot!(ended, @"
    Phase 2 completed: Token buckets (coder)
    2 of 4 phases done; ready to start: phase 3
    [exit status: 0]
    ");
    assert!(text.contains("files_created:\n      - \"src/limit.rs\"\n"), "{text}");
    assert!(text.contains("KeyedLimiter::check"), "{text}");
    assert_eq!(handed_over("-"), (ended, text));
}

#[test]
fn options_are_added_to_what_the_report_says() {
    let env = at_phase_2();
    env.write("handoff.md", REPORT);
    env.ok([
        "phase",
        "complete",
        "2",
        "--report",
        "handoff.md",
        "--modified",
        "src/lib.rs",
        "--deleted",
        "src/old.rs",
        "--warning",
        "slow",
        "--assumption",
        "one process",
        "--integration",
        "app::limits",
        "--agent",
        "refactor",
        "--validation",
        "pass: by hand",
        "--tokens",
        "cached=800,input=1200",
    ]);
    let text = env.read("docs/maestro/state/active-session.md");
    let head = text.split("\n---\n").next().unwrap_or_default();
    let phase = head.split("- id: 2").nth(1).unwrap().split("- id: 3").next().unwrap();
    assert_snapshot!(phase, @r#"

    name: "Token buckets"
    status: "completed"
    agents:
      - "coder"
    parallel: true
    started: "2026-01-15T10:00:03.000Z"
    completed: "2026-01-15T10:00:04.000Z"
    blocked_by:
      - 1
    files_created:
      - "src/limit.rs"
    files_modified:
      - "src/lib.rs"
    files_deleted:
      - "src/old.rs"
    planned_files:
      - "src/limit.rs"
    downstream_context:
      key_interfaces_introduced:
        - "`KeyedLimiter::check(&self, key: &str) -> Verdict` in `src/limit.rs`"
      patterns_established:
        - "time is an argument"
      integration_points:
        - "app::limits"
      assumptions:
        - "one process"
      warnings:
        - "slow"
    errors: []
    retry_count: 0
    requires_reconciliation: false
    "#);
    assert_snapshot!(head.split("token_usage:").nth(1).unwrap().split("phases:").next().unwrap(), @"

    total_input: 1200
    total_output: 0
    total_cached: 800
    by_agent:
      refactor:
        input: 1200
        output: 0
        cached: 800
    ");
}

#[test]
fn paths_may_be_absolute_but_not_outside() {
    let env = at_phase_2();
    let inside = env.path("src/limit.rs").display().to_string();
    let before = env.listing();
    let args = ["phase", "complete", "2", "--created", "../limit.rs", "--warning", "w"];
    assert_snapshot!(env.run(args), @"
    ------- stderr
    error: `../limit.rs` lies outside the workspace
    [exit status: 2]
    ");
    assert_eq!(env.listing(), before);
    env.ok(["phase", "complete", "2", "--created", &inside, "--warning", "w"]);
    let text = env.read("docs/maestro/state/active-session.md");
    assert!(text.contains("files_created:\n      - \"src/limit.rs\"\n"), "{text}");
}

#[test]
fn files_without_a_word_for_later_phases_are_refused() {
    let env = at_phase_2();
    let before = env.listing();
    assert_snapshot!(env.run(["phase", "complete", "2", "--created", "src/limit.rs"]), @"
    ------- stderr
    error: the handoff of phase 2 is incomplete: it names files, but downstream_context is empty after normalization

    hint: say what later phases need to know (`--interface`, `--pattern`, `--integration`, `--assumption`, `--warning`, or a `## Downstream Context` section in the report); MAESTRO_VALIDATION_STRICTNESS=lenient accepts it as it is
    [exit status: 1]
    ");
    assert_eq!(env.listing(), before);
}

#[test]
fn a_scan_shows_what_a_phase_did_and_records_it_when_told() {
    let env = at_phase_2();
    env.run(["phase", "complete", "2"]);
    env.write(".gitignore", "target/\n");
    env.write("src/limit.rs", "new");
    env.write("target/debug/app", "left out");
    let before = env.listing();
    assert_snapshot!(env.run(["phase", "reconcile", "2", "--scan"]), @"
    3 files have changed since phase 2 began (2026-01-15T10:00:03.000Z), and not been recorded like that
      created   .gitignore
      created   plan.md
      created   src/limit.rs
    3 files looked at; 1 entry left out that git ignores
    of files that are gone, only those of earlier phases are found: git was not found
    not entered: docs/maestro (the state dir)
    ------- stderr
    To record them: maestro phase reconcile 2 --scan --yes
    [exit status: 0]
    ");
    assert_snapshot!(env.run_asked("n\n", ["phase", "reconcile", "2", "--scan"]), @"
    3 files have changed since phase 2 began (2026-01-15T10:00:03.000Z), and not been recorded like that
      created   .gitignore
      created   plan.md
      created   src/limit.rs
    3 files looked at; 1 entry left out that git ignores
    of files that are gone, only those of earlier phases are found: git was not found
    not entered: docs/maestro (the state dir)
    ------- stderr
    Record 3 files for phase 2? [y/N] [no line end]
    [exit status: 0]
    ");
    assert_eq!(env.listing(), before, "looking and saying no change nothing");
    assert_snapshot!(env.run_asked("y\n", ["phase", "reconcile", "2", "--scan"]), @"
    3 files have changed since phase 2 began (2026-01-15T10:00:03.000Z), and not been recorded like that
      created   .gitignore
      created   plan.md
      created   src/limit.rs
    3 files looked at; 1 entry left out that git ignores
    of files that are gone, only those of earlier phases are found: git was not found
    not entered: docs/maestro (the state dir)
    Phase 2 reconciled: Token buckets (coder)
    2 of 4 phases done; ready to start: phase 3
    ------- stderr
    Record 3 files for phase 2? [y/N] [no line end]
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["phase", "reconcile", "2", "--scan"]), @"
    Everything that has changed since phase 2 began (2026-01-15T10:00:03.000Z) is recorded as it is now
    3 files looked at; 1 entry left out that git ignores
    of files that are gone, only those of earlier phases are found: git was not found
    not entered: docs/maestro (the state dir)
    [exit status: 0]
    ");
    env.write("src/more.rs", "more");
    let args = ["phase", "reconcile", "2", "--scan", "--yes", "--reason", "found by a scan"];
    assert_snapshot!(env.run(args), @"
    1 file has changed since phase 2 began (2026-01-15T10:00:03.000Z), and not been recorded like that
      created   src/more.rs
    4 files looked at; 1 entry left out that git ignores
    of files that are gone, only those of earlier phases are found: git was not found
    not entered: docs/maestro (the state dir)
    Phase 2 reconciled: Token buckets (coder)
    2 of 4 phases done; ready to start: phase 3
    [exit status: 0]
    ");
}

#[test]
fn a_scan_of_many_files_is_cut_and_says_so() {
    let env = at_phase_2();
    (0..60).for_each(|n| env.write(&format!("src/{n:02}.rs"), "x"));
    let shown = env.run(["phase", "reconcile", "2", "--scan"]);
    assert!(shown.stdout.contains("… and 21 more (`--json` has them all)"), "{shown}");
    assert!(shown.stderr.contains("Phase 2 is not completed"), "{shown}");
    assert_snapshot!(env.run(["phase", "reconcile", "2", "--scan", "--yes"]).stderr, @"
    error: phase 2 cannot be reconciled: it is in_progress

    hint: hand the work over with `maestro phase complete 2`
    ");
    assert_snapshot!(env.run(["phase", "reconcile", "3", "--scan"]), @"
    ------- stderr
    error: phase 3 was not started: it is pending

    hint: a scan finds what changed since a phase began; begin it with `maestro phase start 3`
    [exit status: 1]
    ");
    assert_snapshot!(env.run(["phase", "reconcile", "3", "--yes"]), @"
    ------- stderr
    error: the following required arguments were not provided:
      --scan

    Usage: maestro phase reconcile --scan --yes <ID>

    For more information, try '--help'.
    [exit status: 2]
    ");
}

#[test]
fn a_handoff_without_anything_has_to_be_reconciled() {
    let env = at_phase_2();
    assert_snapshot!(env.run(["phase", "complete", "2"]), @"
    Phase 2 completed: Token buckets (coder)
    2 of 4 phases done; ready to start: phase 3
    ------- stderr
    warning: phase 2 says nothing of what it did and has to be reconciled before the session is archived
    [exit status: 0]
    ");
    let args = ["phase", "reconcile", "2", "--created", "src/limit.rs", "--reason", "found by git"];
    assert_snapshot!(env.run(args), @"
    Phase 2 reconciled: Token buckets (coder)
    2 of 4 phases done; ready to start: phase 3
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["phase", "reconcile", "2"]), @"
    ------- stderr
    error: the reconciliation of phase 2 requires at least one file or some downstream context

    hint: name the files (`--created`, `--modified`, `--deleted`), the context, or a report (`--report FILE`)
    [exit status: 1]
    ");
    assert_snapshot!(env.run(["phase", "reconcile", "3", "--created", "a"]), @"
    ------- stderr
    error: phase 3 cannot be reconciled: it is pending

    hint: only completed phases have a record that can be put right
    [exit status: 1]
    ");
}

#[test]
fn a_report_that_cannot_be_read_is_named() {
    let env = at_phase_2();
    env.write("latin1.md", b"## Task Report\n\n\xe9\n");
    let before = env.listing();
    assert_snapshot!(env.run(["phase", "complete", "2", "--report", "absent.md"]), @"
    ------- stderr
    error: `[root]/project/absent.md` cannot be read
      caused by: failed to open file `[root]/project/absent.md`: [os error]

    hint: give an existing file, relative to the current directory (or to `-C DIR`), or `-` for stdin
    [exit status: 2]
    ");
    assert_snapshot!(env.run(["phase", "complete", "2", "--report", "latin1.md"]), @"
    ------- stderr
    error: `latin1.md` is not UTF-8 text: line 3 has other bytes

    hint: save it as UTF-8
    [exit status: 2]
    ");
    assert_snapshot!(env.run(["phase", "complete", "2", "--report", "docs"]), @"
    ------- stderr
    error: `[root]/project/docs` cannot be read
      caused by: failed to read from file `[root]/project/docs`: [os error]

    hint: give an existing file, relative to the current directory (or to `-C DIR`), or `-` for stdin
    [exit status: 2]
    ");
    assert_snapshot!(env.run_with(&Input { stdin: b"hello\n", ..Input::default() },
        ["phase", "complete", "2", "--report", "-"]), @"
    ------- stderr
    error: the handoff report of phase 2 cannot be read
      caused by: the report has no section `Task Report` and no `Downstream Context`

    hint: write the whole report again, with the headings `## Task Report` and `## Downstream Context`
    [exit status: 1]
    ");
    assert_eq!(env.listing(), before);
}

#[test]
fn a_report_without_end_is_refused() {
    let env = at_phase_2();
    let mut invocation = env.invocation(env.env());
    invocation.stdin = Box::new(Endless);
    let code = run(invocation, ["phase", "complete", "2", "--report", "-"]);
    assert_eq!(code, maestro_cli::ExitCode::USAGE);
}

#[test]
fn token_counts_that_make_no_sense_are_refused() {
    let env = at_phase_2();
    assert_snapshot!(env.run(["phase", "complete", "2", "--tokens", "input=-5"]), @"
    ------- stderr
    error: invalid value 'input=-5' for '--tokens <COUNTS>': `-5` is not a whole number from 0 to 18446744073709551615 for `input`

    For more information, try '--help'.
    [exit status: 2]
    ");
    assert_snapshot!(env.run(["phase", "complete", "2", "--tokens", "in=5"]), @"
    ------- stderr
    error: invalid value 'in=5' for '--tokens <COUNTS>': `in` is not a count; the counts are `input`, `output` and `cached`

    For more information, try '--help'.
    [exit status: 2]
    ");
    let args = ["phase", "complete", "2", "--warning", "w", "--tokens", "input=1,cached=2"];
    assert_snapshot!(env.run(args), @"
    ------- stderr
    error: 2 cached input tokens are more than the 1 input tokens they are part of

    hint: give all input tokens as `input`, those read from a cache included
    [exit status: 1]
    ");
}

#[test]
fn a_failure_needs_a_message() {
    let env = at_phase_2();
    assert_snapshot!(env.run(["phase", "fail", "2"]), @"
    ------- stderr
    error: the error record of phase 2 lacks a message

    hint: say what went wrong with `--message TEXT` or `--report FILE`
    [exit status: 1]
    ");
    assert_snapshot!(env.run(["phase", "fail", "2", "--type", "bad luck", "--message", "x"]), @"
    ------- stderr
    error: invalid value 'bad luck' for '--type <TYPE>'
      [possible values: validation, timeout, file_conflict, runtime, dependency]

    For more information, try '--help'.
    [exit status: 2]
    ");
    let args =
        ["phase", "fail", "2", "--type", "file_conflict", "--message", "src/lib.rs is taken"];
    assert_snapshot!(env.run(args), @"
    Phase 2 failed: Token buckets (coder)
    1 of 4 phases done; ready to start: phase 3
    Next: maestro phase retry 2 or maestro phase skip 2
    [exit status: 0]
    ");
}

#[test]
fn the_message_of_a_failure_can_come_from_the_report() {
    for (report, message) in [
        (
            REPORT.replace(
                "- **Validation**",
                "- **Errors**:\n  - runtime: no lock\n- **Validation**",
            ),
            "runtime: no lock",
        ),
        ("# Sorry\n\nThe disk is full.\nAnd more.\n".to_owned(), "The disk is full."),
    ] {
        let env = at_phase_2();
        env.write("handoff.md", &report);
        env.ok(["phase", "fail", "2", "--report", "handoff.md"]);
        let log = env.ok(["log", "-n", "1"]).stdout;
        assert!(log.trim_end().ends_with(message), "{log}");
    }
}

#[test]
fn a_failed_phase_is_retried_and_given_to_another() {
    let env = at_phase_2();
    env.ok(["phase", "fail", "2", "--message", "no answer", "--type", "timeout"]);
    assert_snapshot!(env.run(["phase", "complete", "2"]), @"
    ------- stderr
    error: phase 2 cannot complete: it is failed

    hint: what can happen to a phase that is failed: retry, skip
    [exit status: 1]
    ");
    assert_snapshot!(env.run(["phase", "retry", "2", "--resolution", "half the scope"]), @"
    Phase 2 in progress again: Token buckets (coder)
    1 of 4 phases done; ready to start: phase 3
    [exit status: 0]
    ");
    let args = ["phase", "redelegate", "2", "--agent", "debugger", "--reason", "the host died"];
    assert_snapshot!(env.run(args), @"
    Phase 2 given out again: Token buckets (debugger)
    1 of 4 phases done; ready to start: phase 3
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["phase", "redelegate", "3"]), @"
    ------- stderr
    error: phase 3 cannot redelegate: it is pending

    hint: what can happen to a phase that is pending: start, skip
    [exit status: 1]
    ");
}

#[test]
fn the_plan_of_a_phase_can_be_adjusted_under_its_rules() {
    let env = at_phase_2();
    assert_snapshot!(env.run([
        "phase", "adjust", "3", "--name", "HTTP", "--agent", "refactor", "--blocked-by", "1,2",
        "--files", "src/http.rs,src/limit.rs",
    ]), @"
    Phase 3 adjusted: HTTP (refactor)
    1 of 4 phases done
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["phase", "adjust", "3", "--blocked-by", "4"]), @"
    ------- stderr
    error: the plan would break a rule: phases wait for each other in a circle: 3 → 4 → 3

    hint: `maestro plan check` explains the rules of a plan
    [exit status: 1]
    ");
    assert_snapshot!(env.run(["phase", "adjust", "3", "--blocked-by", "none"]), @"
    ------- stderr
    error: the plan would break a rule: `src/limit.rs` belongs to phases 2 and 3, which may run at the same time

    hint: `maestro plan check` explains the rules of a plan
    [exit status: 1]
    ");
    let args = ["phase", "adjust", "3", "--blocked-by", "none", "--files", "none"];
    assert_snapshot!(env.run(args), @"
    Phase 3 adjusted: HTTP (refactor)
    1 of 4 phases done; ready to start: phase 3
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["phase", "adjust", "3"]), @"
    ------- stderr
    error: nothing is to be adjusted in phase 3

    hint: name what is to change: `--name`, `--agent`, `--blocked-by`, `--files`
    [exit status: 1]
    ");
    assert_snapshot!(env.run(["phase", "adjust", "1", "--name", "x"]), @"
    ------- stderr
    error: phase 1 cannot be adjusted: it is completed

    hint: what has been completed is history; adjust a phase that depends on it
    [exit status: 1]
    ");
}
