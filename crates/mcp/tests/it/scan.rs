//! `scan_phase_changes` and `reconcile_phase`.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fixture::{Called, Client, Fixture, SESSION};

fn scan(phase: Value) -> Value {
    json!({ "session_id": SESSION, "phase_id": phase })
}

/// A session whose first phase said nothing of what it did.
fn silent(fixture: &Fixture) -> Client {
    let mut client = fixture.begun();
    client.ok("transition_phase", json!({ "completed_phase_id": 1, "next_phase_id": 2 }));
    client
}

fn reconcile(client: &mut Client, arguments: Value) -> Called {
    client.of_session("reconcile_phase", arguments)
}

#[test]
fn a_scan_finds_what_changed_since_a_phase_began() {
    let fixture = Fixture::new().having("app/.gitignore", "target/\n");
    let mut client = fixture.begun();
    // The clock of the test is long past, so that every file is newer.
    fixture.write("app/src/bucket.rs", "pub struct Bucket;\n");
    fixture.write("app/src/mw.rs", "// of phase 2\n");
    fixture.write("app/target/debug/app", "binary");
    let before = fixture.snapshot();
    let called = client.call("scan_phase_changes", scan(json!(1)));
    assert_snapshot!(called, @r#"
    {
      "phase_id": 1,
      "started_at": "2026-01-15T10:00:00.000Z",
      "scanned_at": "2026-01-15T10:00:03.000Z",
      "candidates": {"created":[".gitignore","README.md","src/bucket.rs","src/mw.rs"],"modified":[],"deleted":[]},
      "ignored_count": 1,
      "truncated": false,
      "max_files": null,
      "limitation": "git was not found",
      "skipped": [{"path":"docs/maestro","reason":"the state dir"}]
    }
    "#);
    assert!(fixture.snapshot() == before, "looking changes nothing");
    assert_eq!(client.ok("scan_phase_changes", scan(json!("1")))["phase_id"], 1);
}

#[test]
fn what_cannot_be_scanned_is_refused() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let mut refused = |arguments: Value| {
        fixture.refused(&mut client, "scan_phase_changes", arguments).to_string()
    };
    assert_snapshot!(refused(scan(json!(9))), @r#"
    ERROR {
      "error": "Phase not found: 9",
      "code": "NOT_FOUND",
      "recovery_hint": "call `get_session_status` to verify the session and its phase ids",
      "details": {"known_phase_ids":[1,2,3,"review"],"phase_id":9,"reason":"PHASE_NOT_FOUND"}
    }
    "#);
    assert_snapshot!(refused(scan(json!(2))), @r#"
    ERROR {
      "error": "phase 2 was not started: it is pending",
      "code": "STATE_ERROR",
      "recovery_hint": "a scan finds what changed since a phase began; start it with `transition_phase`",
      "details": {"phase_id":2,"reason":"PHASE_NOT_STARTED"}
    }
    "#);
    assert_snapshot!(refused(scan(json!(0))), @r#"
    ERROR {
      "error": "`phase_id`: `0` is not a phase id: use a positive integer or a text of up to 256 bytes in one line",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "correct the arguments of `scan_phase_changes`; its input schema has each of them, with an example",
      "details": {"field":"phase_id","tool":"scan_phase_changes"}
    }
    "#);
    assert_snapshot!(refused(scan(json!(""))), @r#"
    ERROR {
      "error": "`phase_id`: `` is not a phase id: use a positive integer or a text of up to 256 bytes in one line",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "correct the arguments of `scan_phase_changes`; its input schema has each of them, with an example",
      "details": {"field":"phase_id","tool":"scan_phase_changes"}
    }
    "#);
    assert_snapshot!(refused(scan(Value::Null)), @r#"
    ERROR {
      "error": "`phase_id`: invalid type: null, expected a phase id (a positive integer or a non-empty string)",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "correct the arguments of `scan_phase_changes`; its input schema has each of them, with an example",
      "details": {"field":"phase_id","tool":"scan_phase_changes"}
    }
    "#);
    assert_snapshot!(refused(json!({ "session_id": "2026-01-15-other", "phase_id": 1 })), @r#"
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
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    assert_eq!(client.code("scan_phase_changes", scan(json!(1))), "NO_SESSION");
}

#[test]
fn a_record_is_put_right() {
    let fixture = Fixture::new();
    let mut client = silent(&fixture);
    let arguments = json!({
        "phase_id": "1", "files_created": ["src/bucket.rs"], "downstream_context": { "warnings": "not async-safe" },
        "reason": "the agent reported nothing",
    });
    assert_snapshot!(reconcile(&mut client, arguments), @r#"
    {
      "success": true,
      "phase_id": 1,
      "files_created": ["src/bucket.rs"],
      "files_modified": [],
      "files_deleted": [],
      "ready_to_archive": false,
      "ready_phase_ids": [3],
      "operation": "00000000-0000-0000-0000-00000000000c"
    }
    "#);
    assert!(
        fixture.session_file().contains("reconciliation_reason: \"the agent reported nothing\"")
    );
    let status = client.ok("get_session_status", json!({}));
    assert_eq!(status["phases"][0].get("requires_reconciliation"), None);
    // What is recorded stays, and is added to.
    let more = json!({ "phase_id": 1, "files_created": ["src/bucket.rs", "src/lib.rs"], "files_deleted": ["old.rs"], "reason": null });
    assert_snapshot!(reconcile(&mut client, more), @r#"
    {
      "success": true,
      "phase_id": 1,
      "files_created": ["src/bucket.rs","src/lib.rs"],
      "files_modified": [],
      "files_deleted": ["old.rs"],
      "ready_to_archive": false,
      "ready_phase_ids": [3],
      "operation": "00000000-0000-0000-0000-000000000010"
    }
    "#);
}

#[test]
fn context_alone_puts_a_record_right() {
    let fixture = Fixture::new();
    let mut client = silent(&fixture);
    let context =
        json!({ "phase_id": 1, "downstream_context": { "assumptions": ["one process"] } });
    assert!(!reconcile(&mut client, context).is_error);
}

#[test]
fn a_record_is_not_put_right_by_nothing() {
    let fixture = Fixture::new();
    let mut client = silent(&fixture);
    let mut refused = |more: Value| {
        let mut arguments = scan(json!(1));
        for (name, value) in more.as_object().unwrap() {
            arguments[name] = value.clone();
        }
        fixture.refused(&mut client, "reconcile_phase", arguments).to_string()
    };
    assert_snapshot!(refused(json!({})), @r#"
    ERROR {
      "error": "reconcile_phase requires at least one file or some downstream_context (phase 1)",
      "code": "RECONCILIATION_EMPTY_PAYLOAD",
      "recovery_hint": "`scan_phase_changes` finds the files that the phase created, modified and deleted",
      "details": {"phase_id":1}
    }
    "#);
    let nothing = json!({ "files_created": [], "downstream_context": { "warnings": ["none"] }, "reason": "because" });
    assert_eq!(refused(nothing), refused(json!({})));
    assert_snapshot!(refused(json!({ "phase_id": 9, "files_created": ["a.rs"] })), @r#"
    ERROR {
      "error": "Phase not found: 9",
      "code": "NOT_FOUND",
      "recovery_hint": "call `get_session_status` to verify the session and its phase ids",
      "details": {"known_phase_ids":[1,2,3,"review"],"phase_id":9,"reason":"PHASE_NOT_FOUND"}
    }
    "#);
    assert_snapshot!(refused(json!({ "phase_id": 2, "files_created": ["a.rs"] })), @r#"
    ERROR {
      "error": "phase 2 cannot be reconciled: it is in_progress",
      "code": "NOT_RECONCILABLE",
      "recovery_hint": "complete it with `transition_phase`",
      "details": {"phase_id":2,"status":"in_progress"}
    }
    "#);
    assert_snapshot!(refused(json!({ "phase_id": "review", "files_created": ["a.rs"] })), @r#"
    ERROR {
      "error": "phase review cannot be reconciled: it is pending",
      "code": "NOT_RECONCILABLE",
      "recovery_hint": "only completed phases have a record to put right",
      "details": {"phase_id":"review","status":"pending"}
    }
    "#);
    assert_snapshot!(refused(json!({ "files_modified": ["a.rs", "../b.rs"] })), @r#"
    ERROR {
      "error": "`files_modified[1]`: `../b.rs` lies outside the workspace",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "give paths relative to the workspace, or absolute ones inside it",
      "details": {"field":"files_modified[1]"}
    }
    "#);
    assert_snapshot!(refused(json!({ "session_id": "2026-01-15-other", "files_created": ["a.rs"] })), @r#"
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
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    let lone = json!({ "phase_id": 1, "files_created": ["a.rs"] });
    assert_eq!(reconcile(&mut client, lone).value["code"], "NO_SESSION");
}
