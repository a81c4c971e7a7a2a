//! `--json`: one versioned object for every command, failures included.

use insta::assert_snapshot;
use serde_json::Value;

use crate::env::{Ended, Input, SMALL_PLAN, TestEnv};

/// Parses the one object, whose version comes first.
fn object(ended: &Ended) -> Value {
    assert_eq!(ended.stderr, "", "stderr stays empty: {ended}");
    assert!(ended.stdout.starts_with("{\"version\":1,"), "the version comes first: {ended}");
    assert_eq!(ended.stdout.matches('\n').count(), 1, "one line: {ended}");
    serde_json::from_str(&ended.stdout).unwrap()
}

fn keys(value: &Value) -> String {
    value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_command_prints_one_versioned_object() {
    let env = TestEnv::new();
    env.write("plan.md", crate::env::PLAN);
    let mut shown = String::new();
    let mut show = |name: &str, ended: Ended| {
        let value = object(&ended);
        assert!(value.get("error").is_none(), "{name}: {ended}");
        shown += &format!("{name}: {}\n", keys(&value));
    };
    let handoff = ["phase", "complete", "1", "--warning", "w", "--json"];
    show("init", env.ok(["init", "--json"]));
    show("settings", env.ok(["settings", "--json"]));
    show("plan check", env.ok(["plan", "check", "plan.md", "--json"]));
    show("new", env.ok(["new", "Rate limiting", "--plan", "plan.md", "--json"]));
    show("status", env.ok(["status", "--json"]));
    show("next", env.ok(["next", "--json"]));
    show("resume", env.ok(["resume", "--json"]));
    show("phase start", env.ok(["phase", "start", "1", "--json"]));
    show("phase redelegate", env.ok(["phase", "redelegate", "1", "--json"]));
    show("phase fail", env.ok(["phase", "fail", "1", "--message", "x", "--json"]));
    show("phase retry", env.ok(["--json", "phase", "retry", "1"]));
    show("phase complete", env.ok(handoff));
    show("phase reconcile", env.ok(["phase", "reconcile", "1", "--warning", "w2", "--json"]));
    show("phase reconcile --scan", env.ok(["phase", "reconcile", "1", "--scan", "--json"]));
    show("phase skip", env.ok(["phase", "skip", "2", "--by-user", "--json"]));
    show("phase adjust", env.ok(["phase", "adjust", "3", "--name", "HTTP", "--json"]));
    show("log", env.ok(["log", "--json"]));
    show("log --document", env.ok(["log", "--document", "--json"]));
    show("state read", env.ok(["state", "read", "state/active-session.md", "--json"]));
    show("state active", env.ok(["state", "active", "--json"]));
    let input = Input { stdin: b"text", ..Input::default() };
    show("state write", env.run_with(&input, ["state", "write", "state/note.md", "--json"]));
    show("abort", env.ok(["abort", "--json"]));
    show("archive", env.ok(["archive", "--json"]));
    show("archive list", env.ok(["archive", "list", "--json"]));
    show("archive show", env.ok(["archive", "show", "2026", "--json"]));
    show("archive show --log", env.ok(["archive", "show", "2026", "--log", "--json"]));
    show("archive show --document", env.ok(["archive", "show", "2026", "--document", "--json"]));
    show("archive search", env.ok(["--json", "archive", "search", "rate"]));
    show("archive restore", env.ok(["archive", "--json", "restore", "2026"]));
    show("archive", env.ok(["archive", "--force", "--json"]));
    show("state active", env.ok(["state", "active", "--json"]));
    assert_snapshot!(shown, @"
    init: already_existed created marker state_dir version workspace
    settings: settings state_dir version workspace
    plan check: accepted plan profile version violations
    new: archived copied operation path session version warnings
    status: created current_batch current_phase design_document execution_backend execution_mode exists implementation_plan phases progress ready ready_to_archive session_id state_dir status task task_complexity token_usage total_phases updated version violations workflow_mode
    next: exists failed in_progress ready ready_to_archive session_id status to_reconcile version waiting
    resume: active applied blocked blockers broken_rules conflicts exists failed next other_errors position prompt ready session to_reconcile version warnings
    phase start: before current_phase operation phase progress ready ready_to_archive session_id started version warnings
    phase redelegate: before current_phase operation phase progress ready ready_to_archive session_id started version warnings
    phase fail: before current_phase operation phase progress ready ready_to_archive session_id started version warnings
    phase retry: before current_phase operation phase progress ready ready_to_archive session_id started version warnings
    phase complete: archive_error archived before current_phase operation phase progress ready ready_to_archive session_id started version warnings
    phase reconcile: archive_error archived before current_phase operation phase progress ready ready_to_archive session_id started version warnings
    phase reconcile --scan: basis candidates ignored_count left_to_others max_files phase_id recorded scanned_at scanned_files skipped started_at truncated unreadable version
    phase skip: archive_error archived before current_phase operation phase progress ready ready_to_archive session_id started version warnings
    phase adjust: before current_phase operation phase progress ready ready_to_archive session_id started version warnings
    log: entries session_id version
    log --document: document version
    state read: content path version
    state active: content exists version
    state write: bytes is_session notes path version
    abort: before current_phase operation phase progress ready ready_to_archive session_id started version warnings
    archive: archive_path archived_files checks kept operation renamed session_id status strangers version
    archive list: archived offset sessions total version
    archive show: archived created current_batch current_phase design_document execution_backend execution_mode exists files id implementation_plan phases progress ready ready_to_archive session_id state_dir status task task_complexity token_usage total_phases updated version violations workflow_mode
    archive show --log: entries session_id version
    archive show --document: document version
    archive search: hits offset searched total unread version
    archive restore: continues_journal documents kept operation path renamed restored_from session_id version was_edited
    archive: archive_path archived_files checks kept operation renamed session_id status strangers version
    state active: content exists version
    ");
}

#[test]
fn the_status_has_the_fields_of_the_node_server_first() {
    let env = TestEnv::new();
    env.begin(SMALL_PLAN);
    assert_snapshot!(env.run(["status", "--json"]), @r#"
    {"version":1,"exists":true,"session_id":"2026-01-15-rate-limiting","status":"in_progress","workflow_mode":"standard","current_phase":1,"total_phases":1,"phases":[{"id":1,"name":"All of it","status":"pending","agent":"coder","agents":["coder"],"parallel":false,"blocked_by":[],"waits_for":[],"started":null,"completed":null,"retry_count":0,"open_errors":0,"requires_reconciliation":false,"planned_files":["src/lib.rs"],"files":0}],"task_complexity":null,"execution_mode":null,"current_batch":null,"token_usage":{"total_input":0,"total_output":0,"total_cached":0,"by_agent":{}},"task":"Rate limiting","created":"2026-01-15T10:00:00.000Z","updated":"2026-01-15T10:00:00.000Z","execution_backend":null,"design_document":null,"implementation_plan":"docs/maestro/plans/plan.md","progress":{"pending":1,"in_progress":0,"completed":0,"failed":0,"skipped":0},"ready":[1],"ready_to_archive":false,"violations":[],"state_dir":"docs/maestro"}
    [exit status: 0]
    "#);
}

#[test]
fn the_last_phase_tells_of_the_archive_in_the_same_object() {
    let env = TestEnv::new();
    env.begin(SMALL_PLAN);
    let value = object(&env.ok(["phase", "skip", "1", "--by-user", "--json"]));
    assert_eq!(value["ready_to_archive"], true);
    assert_eq!(value["archived"]["status"], "completed");
    assert_eq!(value["archive_error"], Value::Null);
}

#[test]
fn an_archive_that_fails_does_not_hide_what_was_done() {
    let env = TestEnv::new();
    env.begin(SMALL_PLAN);
    env.write("docs/maestro/plans/archive/plan.md/in/the/way", "");
    fs_err::remove_dir_all(env.path("docs/maestro/plans/archive")).unwrap();
    env.write("docs/maestro/plans/archive", "a file where a directory belongs");
    let ended = env.run(["phase", "skip", "1", "--by-user", "--json"]);
    let value = object(&ended);
    assert_eq!(value["phase"]["status"], "skipped");
    assert_eq!(value["archived"], Value::Null);
    assert_eq!(value["archive_error"]["code"], "STATE_DIR_UNUSABLE", "{ended}");
    assert_eq!(ended.code, maestro_cli::ExitCode::REFUSED);
}

#[test]
fn a_failure_is_an_object_too() {
    let env = TestEnv::with_session();
    assert_snapshot!(env.run(["phase", "start", "4", "--json"]), @r#"
    {"version":1,"error":{"code":"PHASE_BLOCKED","message":"phase 4 waits for phase 2 (pending), phase 3 (pending)","causes":[],"hint":"complete or skip 2, 3 first; `maestro next` shows what can be started"}}
    [exit status: 1]
    "#);
    assert_snapshot!(env.run(["phase", "complete", "1", "--report", "absent", "--json"]), @r#"
    {"version":1,"error":{"code":"INPUT_UNREADABLE","message":"`[root]/project/absent` cannot be read","causes":["failed to open file `[root]/project/absent`: [os error]"],"hint":"give an existing file, relative to the current directory (or to `-C DIR`), or `-` for stdin"}}
    [exit status: 2]
    "#);
    assert_snapshot!(env.run(["phase", "strat", "4", "--json"]), @r#"
    {"version":1,"error":{"code":"USAGE","message":"unrecognized subcommand 'strat'","causes":[],"hint":"tip: a similar subcommand exists: 'start'\n\nUsage: maestro phase [OPTIONS] <COMMAND>\n\nFor more information, try '--help'."}}
    [exit status: 2]
    "#);
    assert_snapshot!(env.run(["--json"]), @r#"
    {"version":1,"error":{"code":"USAGE","message":"'maestro' requires a subcommand but one was not provided\n  [subcommands: init, new, status, next, phase, resume, abort, archive, log, undo, doctor, settings, plan, state, mcp, help]","causes":[],"hint":"Usage: maestro [OPTIONS] <COMMAND>\n\nFor more information, try '--help'."}}
    [exit status: 2]
    "#);
    env.write("docs/maestro/state/active-session.md", "---\nsession_id: 1\n");
    assert_snapshot!(env.run(["status", "--json"]), @r#"
    {"version":1,"error":{"code":"CORRUPT","message":"`[root]/project/docs/maestro/state/active-session.md` is not a valid session","causes":["line 2: the front matter is not closed: a line `---` is missing, the file may be cut off"],"hint":"mend the file where the error points, or let `maestro doctor --fix` put the last recorded text back (what is there now goes to the quarantine)","recorded":{"seq":1,"time":"2026-01-15T10:00:00.000Z","session":{"exists":true,"session_id":"2026-01-15-rate-limiting","status":"in_progress","workflow_mode":"standard","current_phase":1,"total_phases":4,"phases":[{"id":1,"name":"Contract","status":"pending","agent":"architect","agents":["architect"],"parallel":false,"blocked_by":[],"waits_for":[],"started":null,"completed":null,"retry_count":0,"open_errors":0,"requires_reconciliation":false,"planned_files":[],"files":0},{"id":2,"name":"Token buckets","status":"pending","agent":"coder","agents":["coder"],"parallel":true,"blocked_by":[1],"waits_for":[1],"started":null,"completed":null,"retry_count":0,"open_errors":0,"requires_reconciliation":false,"planned_files":["src/limit.rs"],"files":0},{"id":3,"name":"HTTP layer","status":"pending","agent":"coder","agents":["coder"],"parallel":true,"blocked_by":[1],"waits_for":[1],"started":null,"completed":null,"retry_count":0,"open_errors":0,"requires_reconciliation":false,"planned_files":["src/http.rs"],"files":0},{"id":4,"name":"End to end","status":"pending","agent":"tester","agents":["tester"],"parallel":false,"blocked_by":[2,3],"waits_for":[2,3],"started":null,"completed":null,"retry_count":0,"open_errors":0,"requires_reconciliation":false,"planned_files":["tests/end_to_end.rs"],"files":0}],"task_complexity":null,"execution_mode":null,"current_batch":null,"token_usage":{"total_input":0,"total_output":0,"total_cached":0,"by_agent":{}},"task":"Rate limiting","created":"2026-01-15T10:00:00.000Z","updated":"2026-01-15T10:00:00.000Z","execution_backend":null,"design_document":null,"implementation_plan":"docs/maestro/plans/plan.md","progress":{"pending":4,"in_progress":0,"completed":0,"failed":0,"skipped":0},"ready":[1],"ready_to_archive":false,"violations":[],"state_dir":"docs/maestro"}}}}
    [exit status: 5]
    "#);
    for args in [["phase", "start", "4", "--json"], ["phase", "strat", "4", "--json"]] {
        object(&env.run(args));
    }
}

#[test]
fn after_two_hyphens_json_is_a_word_like_any_other() {
    let env = TestEnv::new();
    let ended = env.run(["plan", "check", "--", "--json"]);
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.starts_with("error: "), "{ended}");
}
