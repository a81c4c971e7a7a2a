//! `maestro status` and `maestro next`

use insta::assert_snapshot;

use crate::env::TestEnv;

#[test]
fn without_a_session_it_says_so_and_exits_with_3() {
    let env = TestEnv::new();
    assert_snapshot!(env.run(["status"]), @"
    No active session
    [exit status: 3]
    ");
    assert_snapshot!(env.run(["next"]), @"
    No active session
    [exit status: 3]
    ");
    assert_snapshot!(env.run(["status", "--json"]), @r#"
    {"version":1,"exists":false,"message":"No active session found"}
    [exit status: 3]
    "#);
    assert_snapshot!(env.run(["next", "--json"]), @r#"
    {"version":1,"exists":false,"message":"No active session found"}
    [exit status: 3]
    "#);
}

#[test]
fn every_kind_of_phase_is_shown() {
    let env = TestEnv::with_session();
    env.ok(["phase", "start", "1"]);
    env.ok(["phase", "complete", "1"]);
    env.ok(["phase", "start", "2"]);
    env.ok(["phase", "fail", "2", "--message", "no answer", "--tokens", "input=1200,output=30"]);
    env.ok(["phase", "start", "3"]);
    assert_snapshot!(env.run(["status"]), @"
    Session  2026-01-15-rate-limiting
    Task     Rate limiting
    Status   in progress, 1 of 4 phases done
    Mode     standard
    Plan     docs/maestro/plans/plan.md
    Updated  2026-01-15T10:00:05.000Z
    Tokens   1200 in (0 cached), 30 out

    ✓ completed    1  Contract       architect  has to be reconciled
    ✗ failed       2  Token buckets  coder      1 open error
    ◯ in progress  3  HTTP layer     coder
    □ pending      4  End to end     tester     waits for 2, 3

    Next: maestro phase complete 3 --report FILE  HTTP layer (coder)
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["next"]), @"
    In progress
      3  HTTP layer  coder  maestro phase complete 3 --report FILE

    Failed
      2  Token buckets  coder  maestro phase retry 2

    To be reconciled
      1  Contract  architect  maestro phase reconcile 1 --report FILE

    Waiting
      4  End to end  tester  waits for 2, 3

    If an agent was interrupted: maestro resume
    [exit status: 0]
    ");
    env.ok(["phase", "skip", "2", "--by-user"]);
    env.ok(["phase", "complete", "3", "--modified", "src/http.rs", "--warning", "slow"]);
    assert_snapshot!(env.run(["status"]), @"
    Session  2026-01-15-rate-limiting
    Task     Rate limiting
    Status   in progress, 3 of 4 phases done
    Mode     standard
    Plan     docs/maestro/plans/plan.md
    Updated  2026-01-15T10:00:09.000Z
    Tokens   1200 in (0 cached), 30 out

    ✓ completed  1  Contract       architect  has to be reconciled
    – skipped    2  Token buckets  coder
    ✓ completed  3  HTTP layer     coder      1 file
    □ pending    4  End to end     tester

    Next: maestro phase start 4  End to end (tester)
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["next"]), @"
    Ready
      4  End to end  tester  maestro phase start 4

    To be reconciled
      1  Contract  architect  maestro phase reconcile 1 --report FILE
    [exit status: 0]
    ");
}

#[test]
fn a_session_that_is_done_can_be_archived() {
    let mut env = TestEnv::new();
    env.set("MAESTRO_AUTO_ARCHIVE", "false");
    env.begin(crate::env::SMALL_PLAN);
    env.ok(["phase", "skip", "1", "--by-user"]);
    assert_snapshot!(env.run(["status"]), @"
    Session  2026-01-15-rate-limiting
    Task     Rate limiting
    Status   in progress, 1 of 1 phase done
    Mode     standard
    Plan     docs/maestro/plans/plan.md
    Updated  2026-01-15T10:00:01.000Z

    – skipped  1  All of it  coder

    Next: maestro archive  all phases are done
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["next"]), @"
    All phases are done: maestro archive
    [exit status: 0]
    ");
}

#[test]
fn a_session_that_was_given_up_can_only_be_archived() {
    let env = TestEnv::with_session();
    assert_snapshot!(env.run(["abort", "--reason", "the design was rejected"]), @"
    Session 2026-01-15-rate-limiting aborted
    Next: maestro archive
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["next"]), @"
    The session is aborted: maestro archive
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["phase", "start", "1"]), @"
    ------- stderr
    error: the session is aborted

    hint: archive it with `maestro archive` (`--force` if phases are open), then begin a new one; if a hand ended it by mistake, set `status` back to `in_progress` in the session file
    [exit status: 1]
    ");
    assert_snapshot!(env.run(["abort"]), @"
    ------- stderr
    error: the session is aborted

    hint: archive it with `maestro archive` (`--force` if phases are open), then begin a new one; if a hand ended it by mistake, set `status` back to `in_progress` in the session file
    [exit status: 1]
    ");
}

#[test]
fn rules_that_a_hand_edit_broke_are_shown() {
    let env = TestEnv::with_session();
    env.edit("blocked_by:\n      - 2\n", "blocked_by:\n      - 9\n");
    assert_snapshot!(env.run(["status"]), @"
    Session  2026-01-15-rate-limiting
    Task     Rate limiting
    Status   in progress, 0 of 4 phases done
    Mode     standard
    Plan     docs/maestro/plans/plan.md
    Updated  2026-01-15T10:00:00.000Z

    □ pending  1  Contract       architect
    □ pending  2  Token buckets  coder      waits for 1
    □ pending  3  HTTP layer     coder      waits for 1
    □ pending  4  End to end     tester     waits for 9, 3

    broken rule: phase 4 waits for 9, which is no phase

    Next: maestro phase start 1  Contract (architect)
    [exit status: 0]
    ");
}

#[test]
fn a_workspace_is_found_from_below() {
    let env = TestEnv::with_session();
    env.write("src/deep/file", "");
    let ended = env.run(["-C", "src/deep", "status"]);
    assert_eq!(ended.stdout, env.ok(["status"]).stdout);
}
