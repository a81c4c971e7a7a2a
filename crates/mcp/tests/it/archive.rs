//! `archive_session`.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fixture::{Client, Fixture, SESSION, create, exists};

fn id() -> Value {
    json!({ "session_id": SESSION })
}

/// A session with a design and a plan, of which every phase is done.
fn done(fixture: &Fixture) -> Client {
    let mut client = fixture.ready();
    let design =
        json!({ "design_document_content": "# Design\n", "design_document_filename": "design.md" });
    assert!(!client.of_session("record_design_approval", design).is_error);
    let mut arguments = create(SESSION);
    arguments["implementation_plan_content"] = json!("# Plan\n");
    arguments["implementation_plan_filename"] = json!("plan.md");
    client.ok("create_session", arguments);
    for (phase, next) in [
        (json!(1), json!([2, 3])),
        (json!(2), json!([])),
        (json!(3), json!(["review"])),
        (json!("review"), json!([])),
    ] {
        let context = json!({ "warnings": ["w"] });
        let done = json!({ "completed_phase_id": phase, "next_phase_ids": next, "downstream_context": context });
        client.ok("transition_phase", done);
    }
    client
}

#[test]
fn a_session_goes_to_the_archive_with_its_documents() {
    let fixture = Fixture::new();
    let mut client = done(&fixture);
    assert_snapshot!(client.call("archive_session", id()), @r#"
    {
      "success": true,
      "archive_path": "[root]/app/docs/maestro/state/archive/2026-01-15-rate-limiter.md",
      "archived_files": [
        "[root]/app/docs/maestro/state/archive/2026-01-15-rate-limiter.md",
        "[root]/app/docs/maestro/plans/archive/design.md",
        "[root]/app/docs/maestro/plans/archive/plan.md"
      ],
      "session_id": "2026-01-15-rate-limiter",
      "status": "completed",
      "verified": true
    }
    "#);
    let state = fixture.app().join("docs/maestro");
    for gone in ["state/active-session.md", "plans/design.md", "plans/plan.md"] {
        assert!(!exists(&state, gone), "{gone}");
    }
    assert!(!exists(&state, &format!("state/{SESSION}.design-gate.json")));
    let archived = fixture.text(&format!("app/docs/maestro/state/archive/{SESSION}.md"));
    assert!(archived.contains("status: \"completed\""), "{archived}");
    assert!(archived.contains("docs/maestro/plans/archive/design.md"), "{archived}");
    assert_eq!(client.ok("get_session_status", json!({}))["exists"], false);
}

#[test]
fn an_unfinished_session_is_archived_as_completed() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    assert_snapshot!(client.call("archive_session", id()), @r#"
    {
      "success": true,
      "archive_path": "[root]/app/docs/maestro/state/archive/2026-01-15-rate-limiter.md",
      "archived_files": ["[root]/app/docs/maestro/state/archive/2026-01-15-rate-limiter.md"],
      "session_id": "2026-01-15-rate-limiter",
      "status": "completed",
      "verified": true
    }
    "#);
    let archived = fixture.text(&format!("app/docs/maestro/state/archive/{SESSION}.md"));
    assert!(archived.contains("\nstatus: \"completed\"\n"), "{archived}");
}

#[test]
fn a_session_that_was_given_up_stays_so() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    assert!(!client.of_session("abort_session", json!({ "user_decided": true })).is_error);
    assert_eq!(client.ok("archive_session", id())["status"], "aborted");
}

#[test]
fn without_a_session_there_is_nothing_to_archive() {
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    assert_snapshot!(client.call("archive_session", id()), @r#"
    ERROR {
      "error": "no active session: there is no active session in `[root]/app/docs/maestro`",
      "code": "NO_SESSION",
      "recovery_hint": "call `get_session_status` to see whether there is a session in this workspace; `create_session` begins one"
    }
    "#);
    let mut client = fixture.begun();
    let other = json!({ "session_id": "2026-01-15-other" });
    assert_snapshot!(fixture.refused(&mut client, "archive_session", other), @r#"
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
    client.ok("archive_session", id());
    // Twice is once.
    let again = fixture.refused(&mut client, "archive_session", id());
    assert_eq!(again.value["code"], "NO_SESSION", "{again}");
}

#[test]
fn what_has_to_be_reconciled_comes_first() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    client.ok("transition_phase", json!({ "completed_phase_id": 1 }));
    assert_snapshot!(fixture.refused(&mut client, "archive_session", id()), @r#"
    ERROR {
      "error": "phase 1 has to be reconciled before the session is archived",
      "code": "RECONCILIATION_PENDING",
      "recovery_hint": "call `scan_phase_changes` for the phase, then `reconcile_phase` with what it did",
      "details": {"phase_id":1}
    }
    "#);
    let reconciled = json!({ "phase_id": 1, "files_modified": ["README.md"] });
    assert!(!client.of_session("reconcile_phase", reconciled).is_error);
    client.ok("archive_session", id());
}

#[test]
fn nothing_in_the_archive_is_overwritten() {
    let fixture = Fixture::new()
        .having("app/docs/maestro/plans/archive/plan.md", "# Of another session\n")
        .having("app/docs/maestro/plans/notes.md", "# Somebody's\n");
    let mut client = done(&fixture);
    let answer = client.ok("archive_session", id());
    assert_eq!(answer["archived_files"][2], "[root]/app/docs/maestro/plans/archive/plan-2.md");
    assert_eq!(fixture.text("app/docs/maestro/plans/archive/plan.md"), "# Of another session\n");
    assert_eq!(fixture.text("app/docs/maestro/plans/archive/plan-2.md"), "# Plan\n");
    assert_eq!(answer["strangers"], json!(["docs/maestro/plans/notes.md"]));
}

#[test]
fn a_document_that_is_gone_is_no_obstacle() {
    let fixture = Fixture::new();
    let mut client = done(&fixture);
    fs_err::remove_file(fixture.path("app/docs/maestro/plans/plan.md")).unwrap();
    let answer = client.ok("archive_session", id());
    assert_eq!(answer["archived_files"].as_array().unwrap().len(), 2);
    assert_snapshot!(answer["kept"], @r#"[{"path":"docs/maestro/plans/plan.md","reason":"missing"}]"#);
}

#[test]
fn a_session_file_that_cannot_be_read_is_archived_as_it_was_recorded() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let file = "app/docs/maestro/state/active-session.md";
    let text = fixture.session_file();
    fixture.write(file, &text[..200]);
    assert_snapshot!(client.call("archive_session", id()), @r#"
    {
      "success": true,
      "archive_path": "[root]/app/docs/maestro/state/archive/2026-01-15-rate-limiter.md",
      "archived_files": ["[root]/app/docs/maestro/state/archive/2026-01-15-rate-limiter.md"],
      "session_id": "2026-01-15-rate-limiter",
      "status": "completed",
      "verified": true,
      "warnings": [
        "the session file was written again as it was recorded last",
        "what was there is now `docs/maestro/state/quarantine/active-session.md`"
      ]
    }
    "#);
    // And where nothing was recorded, as it is.
    let fixture =
        Fixture::new().having(file, format!("---\nsession_id: {SESSION}\nstatus: [").as_str());
    let mut client = fixture.ready();
    assert_snapshot!(client.call("archive_session", id()), @r#"
    {
      "success": true,
      "archive_path": "[root]/app/docs/maestro/state/archive/2026-01-15-rate-limiter.md",
      "archived_files": ["[root]/app/docs/maestro/state/archive/2026-01-15-rate-limiter.md"],
      "session_id": "2026-01-15-rate-limiter",
      "status": "aborted",
      "verified": false,
      "failed_checks": ["archived session is readable"]
    }
    "#);
}
