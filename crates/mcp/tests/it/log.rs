//! What happened to a session, and taking it back.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fixture::{Client, Fixture, SESSION};

const SESSION_FILE: &str = "app/docs/maestro/state/active-session.md";

/// A session with an operation of each kind that most have: begun, a batch started, a failure, a retry.
fn worked_on(fixture: &Fixture) -> Client {
    let mut client = fixture.begun();
    client.ok("transition_phase", json!({ "completed_phase_id": 1, "next_phase_ids": [2, 3] }));
    client.ok("fail_phase", json!({ "phase_id": 2, "message": "gave up" }));
    client.ok("retry_phase", json!({ "phase_id": 2 }));
    client
}

/// One line for each operation.
fn lines(log: &Value) -> String {
    let entries = log["entries"].as_array().unwrap().iter();
    let lines = entries.map(|entry| {
        let text = |name: &str| entry[name].as_str().unwrap_or("-").to_owned();
        let (actor, command, state) = (text("actor"), text("command"), text("state"));
        format!(
            "{} {actor} {command} {} {state}: {}",
            entry["seq"],
            entry["phase_id"],
            text("summary")
        )
        .trim_end()
        .to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn log(client: &mut Client, arguments: Value) -> String {
    lines(&client.ok("get_session_log", arguments))
}

/// The session file without the time of its last change.
fn without_time(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with("updated:"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_operation_is_in_the_log() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    assert_snapshot!(client.of_session("get_session_log", json!({})), @r#"
    {
      "session_id": "2026-01-15-rate-limiter",
      "entries": [
        {
          "seq": 1,
          "operation": "00000000-0000-0000-0000-000000000004",
          "time": "2026-01-15T10:00:00.000Z",
          "actor": "mcp",
          "name": "tester",
          "command": "create",
          "phase_id": null,
          "summary": "Add a token bucket rate limiter",
          "state": "done"
        }
      ]
    }
    "#);
    let fixture = Fixture::new();
    let mut client = worked_on(&fixture);
    assert_snapshot!(log(&mut client, json!({})), @"
    1 mcp create null done: Add a token bucket rate limiter
    2 mcp transition 1 done: starts 2, 3
    3 mcp fail 2 done: gave up
    4 mcp retry 2 done:
    ");
}

#[test]
fn the_log_of_one_phase_or_one_kind_of_actor() {
    let fixture = Fixture::new();
    let mut client = worked_on(&fixture);
    fixture.write(SESSION_FILE, fixture.session_file().replace("Docs", "Documents"));
    client.ok("update_session", json!({ "session_id": SESSION, "current_batch": "b-2" }));
    let all = client.ok("get_session_log", json!({}));
    assert_snapshot!(log(&mut client, json!({ "phase_id": "2" })), @"
    2 mcp transition 1 done: starts 2, 3
    3 mcp fail 2 done: gave up
    4 mcp retry 2 done:
    ");
    assert_snapshot!(log(&mut client, json!({ "actor": "external" })), @"5 external external_edit null done:");
    let by_mcp = log(&mut client, json!({ "actor": "mcp" }));
    assert_eq!(by_mcp.lines().count() + 1, all["entries"].as_array().unwrap().len());
    assert_eq!(log(&mut client, json!({ "actor": "hook" })), "");
    assert_eq!(log(&mut client, json!({ "phase_id": 77 })), "");
    let none = json!({ "phase_id": 2, "actor": "external" });
    assert_eq!(log(&mut client, none), "");
}

#[test]
fn the_newest_so_many_are_shown_and_zero_is_all() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    for n in 0..60 {
        let batch = format!("b-{n}");
        client.ok("update_session", json!({ "session_id": SESSION, "current_batch": batch }));
    }
    let count = |log: &str| log.lines().count();
    let all = log(&mut client, json!({ "limit": 0 }));
    assert!(count(&all) > 60, "{all}");
    assert_eq!(count(&log(&mut client, json!({}))), 50);
    let newest = log(&mut client, json!({ "limit": 2 }));
    assert!(count(&newest) == 2 && all.ends_with(&newest), "{newest}");
    assert_eq!(log(&mut client, json!({ "limit": 1000 })), all);
}

#[test]
fn an_edit_by_hand_is_in_the_log_once_something_else_is() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    fixture.write(SESSION_FILE, fixture.session_file().replace("Core bucket", "The bucket"));
    client.ok("fail_phase", json!({ "phase_id": 1, "message": "gave up" }));
    assert_snapshot!(log(&mut client, json!({})), @"
    1 mcp create null done: Add a token bucket rate limiter
    2 external external_edit null done:
    3 mcp fail 1 done: gave up
    ");
}

#[test]
fn there_is_no_log_without_a_session() {
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    assert_snapshot!(client.call("get_session_log", json!({})), @r#"
    ERROR {
      "error": "no active session: there is no active session in `[root]/app/docs/maestro`",
      "code": "NO_SESSION",
      "recovery_hint": "call `get_session_status` to see whether there is a session in this workspace; `create_session` begins one"
    }
    "#);
    assert_snapshot!(client.call("undo_operation", json!({})), @r#"
    ERROR {
      "error": "no active session: there is no active session in `[root]/app/docs/maestro`",
      "code": "NO_SESSION",
      "recovery_hint": "call `get_session_status` to see whether there is a session in this workspace; `create_session` begins one"
    }
    "#);
}

#[test]
fn the_log_of_another_session_is_not_shown() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let other = json!({ "session_id": "2026-01-15-other" });
    assert_snapshot!(client.call("get_session_log", other.clone()), @r#"
    ERROR {
      "error": "Session ID mismatch: active session is `2026-01-15-rate-limiter`, not `2026-01-15-other`",
      "code": "STATE_ERROR",
      "recovery_hint": "call `get_session_status` for the id of the active session, and check that the workspace is the right one",
      "details": {
        "active_session_id": "2026-01-15-rate-limiter",
        "reason": "OTHER_SESSION",
        "requested_session_id": "2026-01-15-other"
      }
    }
    "#);
    let before = fixture.snapshot();
    assert_eq!(client.code("undo_operation", other), "STATE_ERROR");
    assert_eq!(fixture.snapshot(), before);
}

#[test]
fn the_newest_operation_is_taken_back() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let before = fixture.session_file();
    client.ok("fail_phase", json!({ "phase_id": 1, "message": "gave up" }));
    assert_snapshot!(client.of_session("undo_operation", json!({})), @r#"
    {
      "success": true,
      "operation": "00000000-0000-0000-0000-00000000000c",
      "seq": 3,
      "undid": {
        "seq": 2,
        "operation": "00000000-0000-0000-0000-000000000008",
        "time": "2026-01-15T10:00:05.000Z",
        "actor": "mcp",
        "name": "tester",
        "command": "fail",
        "phase_id": 1,
        "summary": "gave up",
        "state": "done"
      },
      "session_id": "2026-01-15-rate-limiter",
      "current_phase": 1,
      "ready_phase_ids": []
    }
    "#);
    assert_eq!(without_time(&fixture.session_file()), without_time(&before));
    assert_snapshot!(log(&mut client, json!({})), @"
    1 mcp create null done: Add a token bucket rate limiter
    2 mcp fail 1 undone: gave up
    3 mcp undo 1 done: operation 2: fail 1
    ");
}

#[test]
fn an_operation_is_named_by_number_or_id_in_any_form() {
    let named: [fn(&Value) -> Value; 4] = [
        |failed| failed["seq"].clone(),
        |failed| failed["seq"].to_string().into(),
        |failed| failed["operation"].clone(),
        |_| Value::Null,
    ];
    for name in named {
        let fixture = Fixture::new();
        let mut client = fixture.begun();
        let before = fixture.session_file();
        client.ok("fail_phase", json!({ "phase_id": 1, "message": "gave up" }));
        let log = client.ok("get_session_log", json!({ "limit": 1 }));
        let operation = name(&log["entries"][0]);
        let undone = client.ok("undo_operation", json!({ "operation": operation }));
        assert_eq!(undone["undid"]["command"], "fail", "{operation}");
        assert_eq!(without_time(&fixture.session_file()), without_time(&before), "{operation}");
    }
}

#[test]
fn an_earlier_operation_is_taken_back_and_the_later_ones_stay() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    client.ok("skip_phase", json!({ "phase_id": 3, "user_decided": true }));
    let skipped = client.ok("get_session_log", json!({ "limit": 1 }))["entries"][0]["seq"].clone();
    client.ok("update_session", json!({ "session_id": SESSION, "current_batch": "b-2" }));
    let undone = client.ok("undo_operation", json!({ "operation": skipped }));
    assert_eq!(undone["undid"]["command"], "skip");
    let status = client.ok("get_session_status", json!({}));
    assert_eq!(status["phases"][2]["status"], "pending");
    assert_eq!(status["current_batch"], "b-2");
}

#[test]
fn what_cannot_be_undone_changes_nothing() {
    let fixture = Fixture::new();
    let mut client = worked_on(&fixture);
    let before = fixture.snapshot();
    let mut refused = |operation: Value| {
        let called = client.of_session("undo_operation", json!({ "operation": operation }));
        assert_eq!(fixture.snapshot(), before);
        called
    };
    assert_snapshot!(refused(json!(99)), @r#"
    ERROR {
      "error": "there is no operation `99`",
      "code": "NOT_FOUND",
      "recovery_hint": "call `get_session_log` for the operations and their numbers",
      "details": {"reason":"OPERATION_NOT_FOUND"}
    }
    "#);
    assert_snapshot!(refused(json!("no-such-operation")), @r#"
    ERROR {
      "error": "there is no operation `no-such-operation`",
      "code": "NOT_FOUND",
      "recovery_hint": "call `get_session_log` for the operations and their numbers",
      "details": {"reason":"OPERATION_NOT_FOUND"}
    }
    "#);
    // The failure, which the retry builds upon.
    assert_snapshot!(refused(json!(3)), @r#"
    ERROR {
      "error": "what operation 3 changed was changed again since, by operation 4",
      "code": "UNDO_BLOCKED",
      "recovery_hint": "undo what came after it first, the newest first: `undo_operation` with `operation` 4"
    }
    "#);
    // The creation: a session that should not be is archived.
    assert_snapshot!(refused(json!(1)), @r#"
    ERROR {
      "error": "operation 1 began the session",
      "code": "NOT_UNDOABLE",
      "recovery_hint": "a session that should not be is ended with `archive_session`"
    }
    "#);
    for wrong in [json!(-1), json!(1.5), json!(""), json!([1]), json!({})] {
        assert!(refused(wrong.clone()).is_error, "{wrong}");
    }
}

#[test]
fn undoing_an_undo_brings_back_what_it_undid() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    client.ok("fail_phase", json!({ "phase_id": 1, "message": "gave up" }));
    let failed = fixture.session_file();
    let undone = client.ok("undo_operation", json!({}));
    client.ok("undo_operation", json!({ "operation": undone["seq"] }));
    assert_eq!(without_time(&fixture.session_file()), without_time(&failed));
    assert_snapshot!(log(&mut client, json!({})), @"
    1 mcp create null done: Add a token bucket rate limiter
    2 mcp fail 1 done: gave up
    3 mcp undo 1 undone: operation 2: fail 1
    4 mcp undo 1 done: operation 3: undo 1
    ");
    // The newest that is not undone is the failure again.
    let undone = client.ok("undo_operation", json!({}));
    assert_eq!(undone["undid"]["command"], "fail");
}

#[test]
fn a_transition_that_did_three_things_is_one_step_back() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let before = fixture.session_file();
    client.ok(
        "transition_phase",
        json!({
            "completed_phase_id": 1, "next_phase_ids": [2, 3], "batch_id": "b-1",
            "files_created": ["src/bucket.rs"], "downstream_context": { "warnings": "not async-safe" },
        }),
    );
    assert_snapshot!(client.of_session("undo_operation", json!({})), @r#"
    {
      "success": true,
      "operation": "00000000-0000-0000-0000-00000000000c",
      "seq": 3,
      "undid": {
        "seq": 2,
        "operation": "00000000-0000-0000-0000-000000000008",
        "time": "2026-01-15T10:00:06.000Z",
        "actor": "mcp",
        "name": "tester",
        "command": "transition",
        "phase_id": 1,
        "summary": "1 created, starts 2, 3, batch b-1",
        "state": "done"
      },
      "session_id": "2026-01-15-rate-limiter",
      "current_phase": 1,
      "ready_phase_ids": []
    }
    "#);
    assert_eq!(without_time(&fixture.session_file()), without_time(&before));
}

#[test]
fn tokens_stay_counted_when_what_they_were_used_for_is_undone() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let tokens = json!({ "input": 900, "output": 80, "cached": 500 });
    client.ok("fail_phase", json!({ "phase_id": 1, "message": "x", "token_usage": tokens }));
    client.ok("undo_operation", json!({}));
    let status = client.ok("get_session_status", json!({}));
    assert_eq!(status["phases"][0]["status"], "in_progress");
    assert_eq!(status["token_usage"]["by_agent"], json!({ "coder": tokens }));
}
