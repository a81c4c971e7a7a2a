//! `get_session_status` and `update_session`.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fixture::{Fixture, SESSION};

const FILE: &str = "app/docs/maestro/state/active-session.md";

#[test]
fn without_a_session_the_status_says_so() {
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    let before = fixture.snapshot();
    assert_snapshot!(client.call("get_session_status", json!({})), @r#"
    {
      "exists": false,
      "message": "No active session found"
    }
    "#);
    let of_none = json!({ "session_id": SESSION });
    assert_eq!(client.ok("get_session_status", of_none)["exists"], false);
    assert!(fixture.snapshot() == before, "looking changes nothing");
}

#[test]
fn the_status_has_what_a_session_needs_to_go_on() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    // Phase 1 reports nothing, phase 2 fails, is tried again and fails again, phase 3 goes on.
    client.ok(
        "transition_phase",
        json!({ "completed_phase_id": 1, "next_phase_ids": [2, 3], "batch_id": "b1" }),
    );
    client.ok("fail_phase", json!({ "phase_id": 2, "message": "no redis" }));
    client.ok("retry_phase", json!({ "phase_id": 2, "resolution": "mocked" }));
    client.ok(
        "fail_phase",
        json!({ "phase_id": 2, "message": "no luck", "token_usage": { "input": 9, "output": 2 } }),
    );
    client.ok("record_error", json!({ "phase_id": 3, "message": "a link is dead" }));
    let before = fixture.snapshot();
    assert_snapshot!(client.call("get_session_status", json!({ "session_id": SESSION })), @r#"
    {
      "exists": true,
      "session_id": "2026-01-15-rate-limiter",
      "status": "in_progress",
      "workflow_mode": "standard",
      "current_phase": 2,
      "total_phases": 4,
      "phases": [
        {"id":1,"name":"Core bucket","status":"completed","agent":"coder","requires_reconciliation":true},
        {"id":2,"name":"HTTP middleware","status":"failed","agent":"coder","retry_count":1,"open_errors":3},
        {"id":3,"name":"Docs","status":"in_progress","agent":"technical-writer","open_errors":1},
        {"id":"review","name":"Review","status":"pending","agent":"code-reviewer","waits_for":[2,3]}
      ],
      "task_complexity": null,
      "execution_mode": null,
      "current_batch": "b1",
      "token_usage": {
        "total_input": 9,
        "total_output": 2,
        "total_cached": 0,
        "by_agent": {"coder":{"input":9,"output":2,"cached":0}}
      },
      "task": "Add a token bucket rate limiter",
      "created": "2026-01-15T10:00:00.000Z",
      "updated": "2026-01-15T10:00:17.000Z",
      "design_document": null,
      "implementation_plan": null,
      "progress": {"pending":1,"in_progress":1,"completed":1,"failed":1,"skipped":0},
      "ready_phase_ids": [],
      "ready_to_archive": false
    }
    "#);
    assert!(fixture.snapshot() == before, "looking changes nothing");
}

#[test]
fn the_status_of_another_session_is_not_that_of_the_active_one() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let other = json!({ "session_id": "2026-01-15-other" });
    assert_snapshot!(fixture.refused(&mut client, "get_session_status", other), @r#"
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
}

#[test]
fn a_session_that_is_done_can_be_archived() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let done = |phase: Value, next: Value| json!({ "completed_phase_id": phase, "next_phase_ids": next, "downstream_context": { "warnings": ["w"] } });
    client.ok("transition_phase", done(json!(1), json!([2, 3])));
    client.ok("transition_phase", done(json!(2), json!([])));
    client.ok("transition_phase", done(json!(3), json!(["review"])));
    let last = client.ok("transition_phase", done(json!("review"), json!([])));
    assert_eq!(last["ready_to_archive"], true);
    let status = client.ok("get_session_status", json!({}));
    assert_eq!(
        (&status["ready_to_archive"], &status["status"]),
        (&json!(true), &json!("in_progress"))
    );
    assert_eq!(status["progress"]["completed"], 4);
}

/// The session as the Node server writes it.
fn as_json(status: &str) -> String {
    let phase = json!({
        "id": 1, "name": "Core", "status": "in_progress", "agents": ["coder"], "parallel": false,
        "started": "2026-01-15T09:00:00.000Z", "completed": null, "blocked_by": [], "files_created": [],
        "files_modified": [], "files_deleted": [], "planned_files": [],
        "downstream_context": {
            "key_interfaces_introduced": [], "patterns_established": [], "integration_points": [],
            "assumptions": [], "warnings": []
        },
        "errors": [], "retry_count": 0
    });
    let session = json!({
        "session_id": SESSION, "task": "Limit", "created": "2026-01-15T09:00:00.000Z",
        "updated": "2026-01-15T09:00:00.000Z", "status": status, "workflow_mode": "standard",
        "design_document": null, "implementation_plan": null, "current_phase": 1, "total_phases": 1,
        "execution_mode": null, "execution_backend": "native", "current_batch": null,
        "task_complexity": null,
        "token_usage": { "total_input": 0, "total_output": 0, "total_cached": 0, "by_agent": {} },
        "phases": [phase]
    });
    format!(
        "---\n{}\n---\n# Limit Orchestration Log\n",
        serde_json::to_string_pretty(&session).unwrap()
    )
}

#[test]
fn a_session_of_the_node_server_goes_on_in_whatever_form_it_is() {
    let text = as_json("in_progress");
    let yaml = format!(
        "---\nsession_id: {SESSION}\ncreated: 2026-01-15T09:00:00Z\nupdated: 2026-01-15T09:00:00Z\nstatus: in_progress\n\
         current_phase: 1\ntotal_phases: 1\nphases:\n  - id: 1\n    name: Core\n    status: in_progress\n    agents: [coder]\n---\n# Log\n"
    );
    let forms = [
        text.clone(),
        text.replace('\n', "\r\n"),
        format!("\u{feff}{text}"),
        text.replacen("---\n", "--- \n", 1),
        yaml,
    ];
    for form in forms {
        let fixture = Fixture::new().having(FILE, &form);
        // A server that is started in it finds it.
        let mut client = fixture.client();
        assert_eq!(
            client.ok("get_session_status", json!({}))["phases"][0]["status"],
            "in_progress"
        );
        let done = json!({ "completed_phase_id": 1, "downstream_context": { "warnings": "w" } });
        let answer = client.ok("transition_phase", done);
        assert_eq!(answer["session_state_summary"]["completed_phases"], json!([1]), "{form}");
        let after = fixture.session_file();
        assert_eq!(after.contains("\r\n"), form.contains("\r\n"), "{after}");
        assert_eq!(
            after.contains("{\n") || after.contains("{\r\n"),
            form.contains("\"session_id\""),
            "{after}"
        );
        client.ok("archive_session", json!({ "session_id": SESSION }));
    }
}

#[test]
fn a_session_file_that_is_damaged_is_said_with_what_was_recorded_and_can_be_archived() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    client.ok("transition_phase", json!({ "completed_phase_id": 1, "next_phase_id": 2 }));
    let text = fixture.session_file();
    fixture.write(FILE, &text[..text.len() / 2]);
    assert_snapshot!(fixture.refused(&mut client, "get_session_status", json!({})), @r#"
    ERROR {
      "error": "`[root]/app/docs/maestro/state/active-session.md` is not a valid session: line 63: the front matter is not closed: a line `---` is missing, the file may be cut off",
      "code": "CORRUPT",
      "recovery_hint": "mend the file where the error points, or let `maestro doctor --fix` put the last recorded text back (what is there now goes to the quarantine); `archive_session` ends the session as it was recorded last",
      "details": {
        "last_recorded_at": "2026-01-15T10:00:05.000Z",
        "last_recorded_operation": 2,
        "session_id": "2026-01-15-rate-limiter"
      }
    }
    "#);
    let update = json!({ "session_id": SESSION, "current_batch": "b" });
    assert_snapshot!(fixture.refused(&mut client, "update_session", update), @r#"
    ERROR {
      "error": "`[root]/app/docs/maestro/state/active-session.md` is not a valid session: line 63: the front matter is not closed: a line `---` is missing, the file may be cut off",
      "code": "CORRUPT",
      "recovery_hint": "correct `[root]/app/docs/maestro/state/active-session.md` by hand, or let `maestro doctor --fix` put the last recorded text back (what is there now goes to the quarantine); `archive_session` ends the session as it was recorded last",
      "details": {
        "last_recorded_at": "2026-01-15T10:00:05.000Z",
        "last_recorded_operation": 2,
        "session_id": "2026-01-15-rate-limiter"
      }
    }
    "#);
    // Phase 1 reported nothing, and what reported nothing is not archived, however it is read.
    let archive = json!({ "session_id": SESSION });
    assert_snapshot!(client.call("archive_session", archive.clone()), @r#"
    ERROR {
      "error": "phase 1 has to be reconciled before the session is archived",
      "code": "RECONCILIATION_PENDING",
      "recovery_hint": "call `scan_phase_changes` for the phase, then `reconcile_phase` with what it did",
      "details": {
        "notes": [
          "the session file was written again as it was recorded last",
          "what was there is now `docs/maestro/state/quarantine/active-session.md`"
        ],
        "phase_id": 1
      }
    }
    "#);
    let reconciled = json!({ "phase_id": 1, "downstream_context": { "warnings": ["w"] } });
    assert!(!client.of_session("reconcile_phase", reconciled).is_error);
    assert_eq!(client.ok("archive_session", archive)["status"], "completed");
}

#[test]
fn every_damage_is_told_from_absence() {
    for damage in ["", "---\n", "no session", "---\n[1]\n---\n", "---\n{\"a\": 1,}\n---\n", "\u{0}"]
    {
        let fixture = Fixture::new().having(FILE, damage);
        let mut client = fixture.client();
        let named = json!({ "workspace_path": fixture.app() });
        let called = fixture.refused(&mut client, "get_session_status", named);
        assert_eq!(called.value["code"], "CORRUPT", "{damage:?}: {called}");
        assert!(called.value["recovery_hint"].as_str().unwrap().contains("archive_session"));
        let archive = json!({ "session_id": SESSION, "workspace_path": fixture.app() });
        let refused = client.call("archive_session", archive);
        assert!(
            !refused.is_error || refused.value["details"]["reason"] == "OTHER_SESSION",
            "{refused}"
        );
    }
}

#[test]
fn how_a_session_is_carried_out_can_be_changed() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let all = json!({ "current_batch": "batch 1", "execution_backend": "native", "execution_mode": "parallel" });
    assert_snapshot!(client.of_session("update_session", all), @r#"
    {
      "success": true,
      "updated_fields": ["execution_mode","execution_backend","current_batch"],
      "operation": "00000000-0000-0000-0000-000000000008"
    }
    "#);
    assert_eq!(client.ok("get_session_status", json!({}))["current_batch"], "batch 1");
    assert_snapshot!(client.of_session("update_session", json!({ "current_batch": null })), @r#"
    {
      "success": true,
      "updated_fields": ["current_batch"],
      "operation": "00000000-0000-0000-0000-00000000000c"
    }
    "#);
    assert_eq!(client.ok("get_session_status", json!({}))["current_batch"], Value::Null);
}

#[test]
fn a_change_that_changes_nothing_or_is_none_is_refused() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let mut refused = |more: Value| {
        let mut arguments = json!({ "session_id": SESSION });
        for (name, value) in more.as_object().unwrap() {
            arguments[name] = value.clone();
        }
        fixture.refused(&mut client, "update_session", arguments).to_string()
    };
    assert_snapshot!(refused(json!({})), @r#"
    ERROR {
      "error": "update_session needs at least one updatable field",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "give execution_mode, execution_backend or current_batch"
    }
    "#);
    assert_eq!(refused(json!({})), refused(json!({ "execution_mode": null })));
    assert_snapshot!(refused(json!({ "execution_mode": "ask" })), @r#"
    ERROR {
      "error": "`execution_mode`: unknown variant `ask`, expected `parallel` or `sequential`",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "correct the arguments of `update_session`; its input schema has each of them, with an example",
      "details": {"field":"execution_mode","tool":"update_session"}
    }
    "#);
    assert_snapshot!(refused(json!({ "current_batch": 5 })), @r#"
    ERROR {
      "error": "`current_batch`: invalid type: integer `5`, expected a string",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "correct the arguments of `update_session`; its input schema has each of them, with an example",
      "details": {"field":"current_batch","tool":"update_session"}
    }
    "#);
    assert_snapshot!(refused(json!({ "status": "completed" })), @r#"
    ERROR {
      "error": "`status`: unknown field `status`, expected one of `execution_mode`, `execution_backend`, `current_batch`",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "correct the arguments of `update_session`; its input schema has each of them, with an example",
      "details": {"field":"status","tool":"update_session"}
    }
    "#);
    assert_snapshot!(refused(json!({ "session_id": "2026-01-15-other", "current_batch": "b" })), @r#"
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
}

#[test]
fn a_change_of_no_session_is_refused() {
    let fixture = Fixture::new().having("bare/README.md", "# Bare\n");
    let mut client = fixture.ready();
    let update = json!({ "session_id": SESSION, "current_batch": "b" });
    assert_snapshot!(client.call("update_session", update), @r#"
    ERROR {
      "error": "no active session: there is no active session in `[root]/app/docs/maestro`",
      "code": "NO_SESSION",
      "recovery_hint": "call `get_session_status` to see whether there is a session in this workspace; `create_session` begins one"
    }
    "#);
    // Nor where there is not even a state dir.
    let bare = json!({ "session_id": SESSION, "current_batch": "b", "workspace_path": fixture.path("bare") });
    assert_snapshot!(fixture.refused(&mut client, "update_session", bare), @r#"
    ERROR {
      "error": "`[root]/bare/docs/maestro` is not initialised",
      "code": "WORKSPACE_NOT_INITIALIZED",
      "recovery_hint": "call `initialize_workspace` with the absolute path of the project directory",
      "details": {"reason":"NOT_INITIALISED"}
    }
    "#);
}

#[test]
fn a_session_file_that_is_gone_is_told_from_no_session() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    fs_err::remove_file(fixture.path(FILE)).unwrap();
    for reads in ["get_session_status", "get_next_phases", "get_resume_report"] {
        let answer = fixture.refused(&mut client, reads, json!({}));
        assert_eq!(answer.value["code"], "SESSION_FILE_MISSING", "{reads}: {answer}");
    }
    let update = json!({ "session_id": SESSION, "current_batch": "b" });
    assert_snapshot!(fixture.refused(&mut client, "update_session", update), @r#"
    ERROR {
      "error": "the document of the session 2026-01-15-rate-limiter is missing: `[root]/app/docs/maestro/state/active-session.md`",
      "code": "SESSION_FILE_MISSING",
      "recovery_hint": "put the file back, or let `maestro doctor --fix` write the last recorded text again; `archive_session` ends the session as it was recorded last",
      "details": {
        "last_recorded_at": "2026-01-15T10:00:00.000Z",
        "last_recorded_operation": 1,
        "session_id": "2026-01-15-rate-limiter"
      }
    }
    "#);
    let answer = client.ok("archive_session", json!({ "session_id": SESSION }));
    assert_snapshot!(answer["warnings"], @r#"["the session file was written again as it was recorded last"]"#);
}

#[test]
fn an_edit_that_breaks_rules_is_shown() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let edited = fixture.session_file().replace("- id: 3\n", "- id: 2\n");
    fixture.write(FILE, edited);
    let status = client.ok("get_session_status", json!({}));
    assert_snapshot!(serde_json::to_string_pretty(&status["violations"]).unwrap(), @r#"
    [
      "the id 2 is taken by another phase",
      "phase review waits for 3, which is no phase"
    ]
    "#);
    let ambiguous = json!({ "session_id": SESSION, "completed_phase_id": 2 });
    assert_snapshot!(client.call("transition_phase", ambiguous), @r#"
    ERROR {
      "error": "two phases have the id 2",
      "code": "PHASE_AMBIGUOUS",
      "recovery_hint": "give one of the phases with the id 2 another id in the session file",
      "details": {
        "notes": [
          "the session file was edited by hand; the edit was recorded as operation 00000000-0000-0000-0000-000000000007"
        ]
      }
    }
    "#);
}

#[test]
fn an_edit_that_makes_another_session_of_it_is_a_conflict() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    fixture.write(FILE, fixture.session_file().replace(SESSION, "2026-01-15-renamed"));
    let update = json!({ "session_id": "2026-01-15-renamed", "current_batch": "b" });
    assert_snapshot!(fixture.refused(&mut client, "update_session", update), @r#"
    ERROR {
      "error": "`[root]/app/docs/maestro/state/active-session.md` is the session 2026-01-15-renamed, but the session of the journal `[root]/app/docs/maestro/state/journal/2026-01-15-rate-limiter.jsonl` is not archived",
      "code": "CONFLICT",
      "recovery_hint": "put the right session file back, or let `maestro doctor --fix` archive the session of the journal and keep the file"
    }
    "#);
}

#[test]
fn two_active_sessions_are_a_conflict() {
    let fixture = Fixture::new()
        .having(FILE, &as_json("in_progress"))
        .having("app/.gemini/state/active-session.md", &as_json("in_progress"));
    let mut client = fixture.client();
    assert_snapshot!(fixture.refused(&mut client, "get_session_status", json!({})), @r#"
    ERROR {
      "error": "there are two active sessions: `[root]/app/docs/maestro/state/active-session.md` and `[root]/app/.gemini/state/active-session.md`",
      "code": "CONFLICT",
      "recovery_hint": "keep one of them: archive the other with `MAESTRO_STATE_DIR=… maestro archive`, or move `[root]/app/docs/maestro/state/active-session.md` or `[root]/app/.gemini/state/active-session.md` out of the workspace"
    }
    "#);
}
