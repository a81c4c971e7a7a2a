//! `maestro undo`

use insta::assert_snapshot;

use crate::env::TestEnv;

#[test]
fn the_newest_operation_is_undone_and_can_be_brought_back() {
    let env = TestEnv::with_session();
    env.ok(["phase", "start", "1"]);
    let started = env.read("docs/maestro/state/active-session.md");
    assert_snapshot!(env.run(["undo"]), @"
    Undid operation 2: start 1, 2026-01-15T10:00:01.000Z, by cli (tester)
    Phase 1 is pending
    Ready to start: phase 1
    To bring it back: maestro undo --op 3
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["log"]), @"
    1  2026-01-15T10:00:00.000Z  cli (tester)  create           Rate limiting
    2  2026-01-15T10:00:01.000Z  cli (tester)  start 1  undone
    3  2026-01-15T10:00:02.000Z  cli (tester)  undo             operation 2: start 1
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["undo", "--op", "3"]), @"
    Undid operation 3: undo of operation 2: start 1, 2026-01-15T10:00:02.000Z, by cli (tester)
    Phase 1 is in_progress
    To bring it back: maestro undo --op 4
    [exit status: 0]
    ");
    assert_eq!(env.read("docs/maestro/state/active-session.md"), started);
}

#[test]
fn undo_as_json_has_a_version() {
    let env = TestEnv::with_session();
    env.ok(["phase", "start", "1"]);
    assert_snapshot!(env.run(["undo", "--json"]), @r#"
    {"version":1,"operation":"01980000-0000-7000-8000-00000000000c","seq":3,"session_id":"2026-01-15-rate-limiting","undid":{"seq":2,"operation":"01980000-0000-7000-8000-000000000008","time":"2026-01-15T10:00:01.000Z","actor":"cli","name":"tester","command":"start","phase":1,"summary":"","state":"done","changed_bytes":[12,38]},"phase":{"id":1,"name":"Contract","status":"pending","agent":"architect","agents":["architect"],"parallel":false,"blocked_by":[],"waits_for":[],"started":null,"completed":null,"retry_count":0,"open_errors":0,"requires_reconciliation":false,"planned_files":[],"files":0},"current_phase":1,"ready":[1],"progress":{"pending":4,"in_progress":0,"completed":0,"failed":0,"skipped":0},"warnings":[]}
    [exit status: 0]
    "#);
}

#[test]
fn a_refused_undo_says_what_stands_in_the_way_and_what_to_do() {
    let env = TestEnv::with_session();
    env.ok(["phase", "start", "1"]);
    env.ok(["phase", "complete", "1", "--created", "src/a.rs", "--warning", "w"]);
    assert_snapshot!(env.run(["undo", "--op", "2"]), @"
    ------- stderr
    error: what operation 2 changed was changed again since, by operation 3

    hint: undo what came after it first, the newest first: `maestro undo --op 3`
    [exit status: 1]
    ");
    assert_snapshot!(env.run(["undo", "--op", "1"]), @"
    ------- stderr
    error: operation 1 began the session

    hint: to give the session up, archive it: `maestro archive --force`
    [exit status: 1]
    ");
    assert_snapshot!(env.run(["undo", "--op", "7"]), @"
    ------- stderr
    error: there is no operation `7`

    hint: `maestro log` lists the operations with their numbers
    [exit status: 1]
    ");
}

#[test]
fn without_a_session_there_is_nothing_to_undo() {
    let env = TestEnv::new();
    env.ok(["init"]);
    assert_snapshot!(env.run(["undo"]), @r#"
    ------- stderr
    error: there is no active session in `[root]/project/docs/maestro`

    hint: begin one with `maestro new "<task>" --plan FILE`
    [exit status: 3]
    "#);
}
