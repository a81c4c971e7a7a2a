//! `maestro doctor`

use insta::assert_snapshot;

use crate::env::TestEnv;

const FILE: &str = "docs/maestro/state/active-session.md";

fn with_a_corrupt_file() -> TestEnv {
    let env = TestEnv::with_session();
    env.ok(["phase", "start", "1"]);
    env.write(FILE, "---\nstatus: [\n---\n");
    env
}

#[test]
fn a_sound_state_dir_is_in_order() {
    let env = TestEnv::with_session();
    assert_snapshot!(env.run(["doctor"]), @"
    ✓ docs/maestro is in order
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["doctor", "--json"]), @r#"
    {"version":1,"healthy":true,"state_dir":"docs/maestro","initialised":true,"repaired":[],"findings":[],"quarantine":[]}
    [exit status: 0]
    "#);
    assert_snapshot!(TestEnv::new().run(["doctor"]), @"
    There is no state dir yet: docs/maestro
    Next: maestro init
    [exit status: 0]
    ");
}

#[test]
fn what_is_found_is_explained_and_repaired_on_order() {
    let env = with_a_corrupt_file();
    assert_snapshot!(env.run(["doctor"]), @"
    ✗ SESSION_FILE_CORRUPT  the session file cannot be read
        in docs/maestro/state/active-session.md
        `[root]/project/docs/maestro/state/active-session.md` is not a valid session
        line 2, column 9: `status`: invalid type: sequence, expected a YAML tag starting with '!'
        --fix: moves it to the quarantine and writes the last recorded text; or mend it yourself, where the error points

    Next: maestro doctor --fix
    [exit status: 5]
    ");
    assert_snapshot!(env.run(["doctor", "--fix"]), @"
    ✓ SESSION_FILE_CORRUPT  the session file cannot be read
        in docs/maestro/state/active-session.md
        the session file was written again as it was recorded last
        what was there is now `docs/maestro/state/quarantine/active-session.md`
    ✓ docs/maestro is in order
    1 file in docs/maestro/state/quarantine, kept until you remove them
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["doctor"]), @"
    ✓ docs/maestro is in order
    1 file in docs/maestro/state/quarantine, kept until you remove them
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["log"]), @"
    1  2026-01-15T10:00:00.000Z  cli (tester)  create   Rate limiting
    2  2026-01-15T10:00:01.000Z  cli (tester)  start 1
    3  2026-01-15T10:00:03.000Z  cli (tester)  repair   SESSION_FILE_CORRUPT
    [exit status: 0]
    ");
}

#[test]
fn what_the_next_command_does_by_itself_is_no_failure() {
    let env = TestEnv::with_session();
    env.edit("name: \"HTTP layer\"", "name: \"HTTP\"");
    assert_snapshot!(env.run(["doctor"]), @"
    · EDIT_NOT_RECORDED  the session file was edited by hand since the last operation
        in docs/maestro/state/active-session.md
        the next command that changes something records the edit
    [exit status: 0]
    ");
}

#[test]
fn a_repair_as_json_says_what_was_found_and_done() {
    let env = with_a_corrupt_file();
    assert_snapshot!(env.run(["doctor", "--fix", "--json"]), @r#"
    {"version":1,"healthy":true,"state_dir":"docs/maestro","initialised":true,"repaired":[{"finding":{"code":"SESSION_FILE_CORRUPT","message":"the session file cannot be read","because":["`[root]/project/docs/maestro/state/active-session.md` is not a valid session","line 2, column 9: `status`: invalid type: sequence, expected a YAML tag starting with '!'"],"path":"docs/maestro/state/active-session.md","remedy":"by_repair","advice":"moves it to the quarantine and writes the last recorded text; or mend it yourself, where the error points"},"done":["the session file was written again as it was recorded last","what was there is now `docs/maestro/state/quarantine/active-session.md`"]}],"findings":[],"quarantine":["docs/maestro/state/quarantine/active-session.md"]}
    [exit status: 0]
    "#);
}

#[test]
fn the_status_of_an_unreadable_session_is_the_last_that_is_known() {
    let env = with_a_corrupt_file();
    assert_snapshot!(env.run(["status"]), @"
    As it was recorded last, by operation 2 of 2026-01-15T10:00:01.000Z:

    Session  2026-01-15-rate-limiting
    Task     Rate limiting
    Status   in progress, 0 of 4 phases done
    Mode     standard
    Plan     docs/maestro/plans/plan.md
    Updated  2026-01-15T10:00:01.000Z

    ◯ in progress  1  Contract       architect
    □ pending      2  Token buckets  coder      waits for 1
    □ pending      3  HTTP layer     coder      waits for 1
    □ pending      4  End to end     tester     waits for 2, 3

    Next: maestro phase complete 1 --report FILE  Contract (architect)
    ------- stderr
    error: `[root]/project/docs/maestro/state/active-session.md` is not a valid session
      caused by: line 2, column 9: `status`: invalid type: sequence, expected a YAML tag starting with '!'

    hint: mend the file where the error points, or let `maestro doctor --fix` put the last recorded text back (what is there now goes to the quarantine)
    [exit status: 5]
    ");
    assert_snapshot!(env.run(["status", "--json"]), @r#"
    {"version":1,"error":{"code":"CORRUPT","message":"`[root]/project/docs/maestro/state/active-session.md` is not a valid session","causes":["line 2, column 9: `status`: invalid type: sequence, expected a YAML tag starting with '!'"],"hint":"mend the file where the error points, or let `maestro doctor --fix` put the last recorded text back (what is there now goes to the quarantine)","recorded":{"seq":2,"time":"2026-01-15T10:00:01.000Z","session":{"exists":true,"session_id":"2026-01-15-rate-limiting","status":"in_progress","workflow_mode":"standard","current_phase":1,"total_phases":4,"phases":[{"id":1,"name":"Contract","status":"in_progress","agent":"architect","agents":["architect"],"parallel":false,"blocked_by":[],"waits_for":[],"started":"2026-01-15T10:00:01.000Z","completed":null,"retry_count":0,"open_errors":0,"requires_reconciliation":false,"planned_files":[],"files":0},{"id":2,"name":"Token buckets","status":"pending","agent":"coder","agents":["coder"],"parallel":true,"blocked_by":[1],"waits_for":[1],"started":null,"completed":null,"retry_count":0,"open_errors":0,"requires_reconciliation":false,"planned_files":["src/limit.rs"],"files":0},{"id":3,"name":"HTTP layer","status":"pending","agent":"coder","agents":["coder"],"parallel":true,"blocked_by":[1],"waits_for":[1],"started":null,"completed":null,"retry_count":0,"open_errors":0,"requires_reconciliation":false,"planned_files":["src/http.rs"],"files":0},{"id":4,"name":"End to end","status":"pending","agent":"tester","agents":["tester"],"parallel":false,"blocked_by":[2,3],"waits_for":[2,3],"started":null,"completed":null,"retry_count":0,"open_errors":0,"requires_reconciliation":false,"planned_files":["tests/end_to_end.rs"],"files":0}],"task_complexity":null,"execution_mode":null,"current_batch":null,"token_usage":{"total_input":0,"total_output":0,"total_cached":0,"by_agent":{}},"task":"Rate limiting","created":"2026-01-15T10:00:00.000Z","updated":"2026-01-15T10:00:01.000Z","execution_backend":null,"design_document":null,"implementation_plan":"docs/maestro/plans/plan.md","progress":{"pending":3,"in_progress":1,"completed":0,"failed":0,"skipped":0},"ready":[],"ready_to_archive":false,"violations":[],"state_dir":"docs/maestro"}}}}
    [exit status: 5]
    "#);
    assert_snapshot!(env.run(["log"]), @"
    1  2026-01-15T10:00:00.000Z  cli (tester)  create   Rate limiting
    2  2026-01-15T10:00:01.000Z  cli (tester)  start 1
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["archive", "--force"]), @"
    Session 2026-01-15-rate-limiting archived as aborted
      docs/maestro/state/archive/2026-01-15-rate-limiting.md
      docs/maestro/plans/archive/plan.md
    note: the session file was written again as it was recorded last
    note: what was there is now `docs/maestro/state/quarantine/active-session.md`
    [exit status: 0]
    ");
}
