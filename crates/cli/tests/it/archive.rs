//! `maestro archive`

use insta::assert_snapshot;

use crate::env::{PLAN, SMALL_PLAN, TestEnv};

#[test]
fn an_unfinished_session_is_archived_only_when_forced() {
    let env = TestEnv::with_session();
    let before = env.listing();
    assert_snapshot!(env.run(["archive"]), @"
    ------- stderr
    error: session `2026-01-15-rate-limiting` is not finished: phase 1, phase 2, phase 3, phase 4 are open

    hint: complete or skip what is open, or archive it as it is with `maestro archive --force`
    [exit status: 1]
    ");
    assert_eq!(env.listing(), before);
    assert_snapshot!(env.run(["archive", "--force"]), @"
    Session 2026-01-15-rate-limiting archived as aborted
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
    assert_snapshot!(env.run(["archive"]), @r#"
    ------- stderr
    error: there is no active session in `[root]/project/docs/maestro`

    hint: begin one with `maestro new "<task>" --plan FILE`
    [exit status: 3]
    "#);
}

#[test]
fn the_status_can_be_given() {
    let env = TestEnv::with_session();
    assert_snapshot!(env.run(["archive", "--force", "--status", "failed"]), @"
    Session 2026-01-15-rate-limiting archived as failed
      docs/maestro/state/archive/2026-01-15-rate-limiting.md
      docs/maestro/plans/archive/plan.md
    [exit status: 0]
    ");
}

#[test]
fn a_session_that_was_given_up_is_archived_as_aborted() {
    let env = TestEnv::with_session();
    env.ok(["abort"]);
    assert_snapshot!(env.run(["archive"]), @"
    Session 2026-01-15-rate-limiting archived as aborted
      docs/maestro/state/archive/2026-01-15-rate-limiting.md
      docs/maestro/plans/archive/plan.md
    [exit status: 0]
    ");
}

#[test]
fn a_phase_that_has_to_be_reconciled_is_in_the_way() {
    let env = TestEnv::new();
    env.begin(SMALL_PLAN);
    env.ok(["phase", "start", "1"]);
    env.ok(["phase", "complete", "1"]);
    let before = env.listing();
    assert_snapshot!(env.run(["archive", "--force"]), @"
    ------- stderr
    error: phase 1 has to be reconciled before the session is archived

    hint: say what it did: `maestro phase reconcile 1 --scan` finds what changed since it began; or say it yourself, with `--report FILE` or `--created FILE --reason TEXT`
    [exit status: 1]
    ");
    assert_eq!(env.listing(), before);
}

#[test]
fn strangers_in_plans_stay_and_taken_names_get_a_suffix() {
    let env = TestEnv::new();
    env.write("docs/maestro/plans/stranger.md", "not ours");
    env.write("docs/maestro/plans/archive/plan.md", "an older plan");
    env.begin(PLAN);
    assert_snapshot!(env.run(["archive", "--force"]), @"
    Session 2026-01-15-rate-limiting archived as aborted
      docs/maestro/state/archive/2026-01-15-rate-limiting.md
      docs/maestro/plans/archive/plan-2.md
    renamed: docs/maestro/plans/plan.md is now docs/maestro/plans/archive/plan-2.md
    left in plans: docs/maestro/plans/stranger.md (not of this session)
    [exit status: 0]
    ");
    assert_eq!(env.read("docs/maestro/plans/stranger.md"), "not ours");
    assert_eq!(env.read("docs/maestro/plans/archive/plan.md"), "an older plan");
}

#[test]
fn the_same_task_on_the_same_day_gets_another_id() {
    let env = TestEnv::new();
    env.begin(SMALL_PLAN);
    env.ok(["archive", "--force"]);
    env.begin(SMALL_PLAN);
    assert_snapshot!(env.run(["archive", "--force"]), @"
    Session 2026-01-15-rate-limiting-2 archived as aborted
      docs/maestro/state/archive/2026-01-15-rate-limiting-2.md
      docs/maestro/plans/archive/plan-2.md
    renamed: docs/maestro/plans/plan.md is now docs/maestro/plans/archive/plan-2.md
    [exit status: 0]
    ");
    let args = ["new", "x", "--plan", "plan.md", "--id", "2026-01-15-rate-limiting"];
    assert_snapshot!(env.run(args), @"
    ------- stderr
    error: the session id `2026-01-15-rate-limiting` is taken by another session

    hint: leave `--id` out, or give another one
    [exit status: 1]
    ");
}

#[test]
fn an_archived_session_is_verified_on_demand() {
    let env = TestEnv::with_session();
    assert_snapshot!(env.run(["archive", "verify"]), @"
    There are no archived sessions
    [exit status: 0]
    ");
    env.ok(["archive", "--force"]);
    assert_snapshot!(env.run(["archive", "verify"]), @"
    Session 2026-01-15-rate-limiting
      ✓ no active session file
      ✓ no document of this session left in plans
      ✓ archived documents are readable
      ✓ archived session is readable
    [exit status: 0]
    ");
    env.write("docs/maestro/plans/plan.md", env.read("docs/maestro/plans/archive/plan.md"));
    assert_snapshot!(env.run(["archive", "verify", "2026"]), @"
    Session 2026-01-15-rate-limiting
      ✓ no active session file
      ✗ no document of this session left in plans: docs/maestro/plans/plan.md
      ✓ archived documents are readable
      ✓ archived session is readable
    To remove what is left in plans: maestro archive verify 2026-01-15-rate-limiting --fix
    [exit status: 1]
    ");
    assert_snapshot!(env.run(["archive", "verify", "--all", "--fix"]), @"
    removed: docs/maestro/plans/plan.md (the archive has an identical copy)
    Session 2026-01-15-rate-limiting
      ✓ no active session file
      ✓ no document of this session left in plans
      ✓ archived documents are readable
      ✓ archived session is readable
    [exit status: 0]
    ");
    env.ok(["new", "Another", "--plan", "plan.md", "--archive-active"]);
    env.ok(["archive", "--force"]);
    assert_snapshot!(env.run(["archive", "verify", "--all"]), @"
    ✓ 2 archived sessions, each where it belongs, whole
    [exit status: 0]
    ");
    fs_err::remove_file(env.path("docs/maestro/plans/archive/plan.md")).unwrap();
    assert_snapshot!(env.run(["archive", "verify", "--all"]), @"
    Session 2026-01-15-rate-limiting
      ✓ no active session file
      ✓ no document of this session left in plans
      ✗ archived documents are readable: docs/maestro/plans/archive/plan.md is gone
      ✓ archived session is readable
    1 of 2 archived sessions are not whole
    [exit status: 1]
    ");
    assert_snapshot!(env.run(["archive", "verify", "--all", "--json"]), @r#"
    {"version":1,"sessions":[{"id":"2026-01-15-another","checks":[{"name":"no active session file","passed":true},{"name":"no document of this session left in plans","passed":true},{"name":"archived documents are readable","passed":true},{"name":"archived session is readable","passed":true}]},{"id":"2026-01-15-rate-limiting","checks":[{"name":"no active session file","passed":true},{"name":"no document of this session left in plans","passed":true},{"name":"archived documents are readable","passed":false,"found":"docs/maestro/plans/archive/plan.md is gone"},{"name":"archived session is readable","passed":true}]}],"removed":[]}
    [exit status: 1]
    "#);
}
