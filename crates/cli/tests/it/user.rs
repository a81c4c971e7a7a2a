//! What only the user may decide: skipping a phase, a retry too many, archiving when the setting says to ask.

use insta::assert_snapshot;

use crate::env::{Input, SMALL_PLAN, TestEnv};

#[test]
fn skipping_asks_on_a_terminal() {
    let env = TestEnv::with_session();
    let before = env.listing();
    assert_snapshot!(env.run_asked("n\n", ["phase", "skip", "1"]), @"
    ------- stderr
    Skip phase 1? Only you can decide it. [y/N] error: nothing was changed: the answer was no
    [exit status: 1]
    ");
    assert_snapshot!(env.run_asked("", ["phase", "skip", "1"]), @"
    ------- stderr
    Skip phase 1? Only you can decide it. [y/N] 
    error: nothing was changed: the answer was no
    [exit status: 1]
    ");
    assert_eq!(env.listing(), before, "everything but a clear yes is a no");
    assert_snapshot!(env.run_asked("yes\n", ["phase", "skip", "1", "--reason", "known"]), @"
    Phase 1 skipped: Contract (architect)
    1 of 4 phases done; ready to start: phases 2, 3
    ------- stderr
    Skip phase 1? Only you can decide it. [y/N] [no line end]
    [exit status: 0]
    ");
}

#[test]
fn skipping_needs_the_option_elsewhere() {
    let env = TestEnv::with_session();
    let before = env.listing();
    let piped = Input { stdin: b"y\n", ..Input::default() };
    assert_snapshot!(env.run_with(&piped, ["phase", "skip", "1"]), @"
    ------- stderr
    error: only the user may skip phase 1

    hint: if the user decided so: `maestro phase skip 1 --by-user`
    [exit status: 1]
    ");
    let json = Input { stdin: b"y\n", terminal: true, ..Input::default() };
    assert_snapshot!(env.run_with(&json, ["phase", "skip", "1", "--json"]), @r#"
    {"version":1,"error":{"code":"USER_DECISION_REQUIRED","message":"only the user may skip phase 1","causes":[],"hint":"if the user decided so: `maestro phase skip 1 --by-user`"}}
    [exit status: 1]
    "#);
    assert_eq!(env.listing(), before);
    assert_snapshot!(env.run(["phase", "skip", "1", "--by-user"]), @"
    Phase 1 skipped: Contract (architect)
    1 of 4 phases done; ready to start: phases 2, 3
    [exit status: 0]
    ");
}

#[test]
fn what_cannot_be_skipped_is_not_asked_about() {
    let env = TestEnv::with_session();
    env.ok(["phase", "start", "1"]);
    assert_snapshot!(env.run_asked("y\n", ["phase", "skip", "1"]), @"
    ------- stderr
    error: phase 1 cannot skip: it is in_progress

    hint: what can happen to a phase that is in_progress: complete, fail, redelegate
    [exit status: 1]
    ");
    assert_snapshot!(env.run_asked("y\n", ["phase", "skip", "9"]), @"
    ------- stderr
    error: there is no phase 9

    hint: the phases are 1, 2, 3, 4
    [exit status: 1]
    ");
}

#[test]
fn a_retry_too_many_asks_on_a_terminal_and_needs_the_option_elsewhere() {
    let mut env = TestEnv::with_session();
    env.set("MAESTRO_MAX_RETRIES", "1");
    env.ok(["phase", "start", "1"]);
    env.ok(["phase", "fail", "1", "--message", "first"]);
    assert_snapshot!(env.run_asked("", ["phase", "retry", "1"]), @"
    Phase 1 in progress again: Contract (architect)
    0 of 4 phases done
    [exit status: 0]
    ");
    env.ok(["phase", "fail", "1", "--message", "second"]);
    assert_snapshot!(env.run(["phase", "retry", "1"]), @"
    ------- stderr
    error: phase 1 was retried as often as it may be (1 of 1)

    hint: ask the user: `maestro phase retry 1 --by-user` tries once more, `maestro phase skip 1 --by-user` leaves it out
    [exit status: 1]
    ");
    assert_snapshot!(env.run_asked("n\n", ["phase", "retry", "1"]), @"
    ------- stderr
    Phase 1 was retried as often as it may be (1 of 1). Try once more? [y/N] error: nothing was changed: the answer was no
    [exit status: 1]
    ");
    assert_snapshot!(env.run_asked("Y\n", ["phase", "retry", "1"]), @"
    Phase 1 in progress again: Contract (architect)
    0 of 4 phases done
    ------- stderr
    Phase 1 was retried as often as it may be (1 of 1). Try once more? [y/N] [no line end]
    [exit status: 0]
    ");
    env.ok(["phase", "fail", "1", "--message", "third"]);
    assert_snapshot!(env.run(["phase", "retry", "1", "--by-user"]), @"
    Phase 1 in progress again: Contract (architect)
    0 of 4 phases done
    [exit status: 0]
    ");
}

#[test]
fn the_last_phase_archives_the_session() {
    let env = TestEnv::new();
    env.begin(SMALL_PLAN);
    env.ok(["phase", "start", "1"]);
    let args = ["phase", "complete", "1", "--created", "src/lib.rs", "--interface", "fn all()"];
    assert_snapshot!(env.run(args), @"
    Phase 1 completed: All of it (coder)
    All phases are done
    Session 2026-01-15-rate-limiting archived as completed
      docs/maestro/state/archive/2026-01-15-rate-limiting.md
      docs/maestro/plans/archive/plan.md
    [exit status: 0]
    ");
    assert_snapshot!(env.files(), @"
    docs/maestro/plans/archive/plan.md
    docs/maestro/state/.gitignore
    docs/maestro/state/archive/2026-01-15-rate-limiting.journal.jsonl
    docs/maestro/state/archive/2026-01-15-rate-limiting.md
    plan.md
    ");
}

#[test]
fn the_last_phase_archives_nothing_while_a_record_is_missing() {
    let env = TestEnv::new();
    env.begin(SMALL_PLAN);
    env.ok(["phase", "start", "1"]);
    assert_snapshot!(env.run(["phase", "complete", "1"]), @"
    Phase 1 completed: All of it (coder)
    1 of 1 phase done
    ------- stderr
    warning: phase 1 says nothing of what it did and has to be reconciled before the session is archived
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["phase", "reconcile", "1", "--created", "src/lib.rs"]), @"
    Phase 1 reconciled: All of it (coder)
    All phases are done
    Session 2026-01-15-rate-limiting archived as completed
      docs/maestro/state/archive/2026-01-15-rate-limiting.md
      docs/maestro/plans/archive/plan.md
    [exit status: 0]
    ");
}

#[test]
fn without_auto_archive_the_user_is_asked_on_a_terminal() {
    let mut env = TestEnv::new();
    env.set("MAESTRO_AUTO_ARCHIVE", "false");
    env.begin(SMALL_PLAN);
    let skip = ["phase", "skip", "1", "--by-user"];
    assert_snapshot!(env.run_asked("n\n", skip), @"
    Phase 1 skipped: All of it (coder)
    All phases are done
    ------- stderr
    Session complete. Auto-archive is disabled. Would you like to archive this session? [y/N] [no line end]
    [exit status: 0]
    ");
    assert!(env.session_file().exists());

    env.ok(["archive"]);
    env.begin(SMALL_PLAN);
    assert_snapshot!(env.run_asked("y\n", skip), @"
    Phase 1 skipped: All of it (coder)
    All phases are done
    Session 2026-01-15-rate-limiting-2 archived as completed
      docs/maestro/state/archive/2026-01-15-rate-limiting-2.md
      docs/maestro/plans/archive/plan-2.md
    renamed: docs/maestro/plans/plan.md is now docs/maestro/plans/archive/plan-2.md
    ------- stderr
    Session complete. Auto-archive is disabled. Would you like to archive this session? [y/N] [no line end]
    [exit status: 0]
    ");
    assert!(!env.session_file().exists());
}

#[test]
fn without_auto_archive_the_user_is_told_elsewhere() {
    let mut env = TestEnv::new();
    env.set("MAESTRO_AUTO_ARCHIVE", "false");
    env.begin(SMALL_PLAN);
    assert_snapshot!(env.run(["phase", "skip", "1", "--by-user"]), @"
    Phase 1 skipped: All of it (coder)
    All phases are done
    ------- stderr
    Session complete. Auto-archive is disabled. Would you like to archive this session?
    To do so: maestro archive
    [exit status: 0]
    ");
    assert!(env.session_file().exists());
}
