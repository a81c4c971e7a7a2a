//! What can happen to a phase besides starting and ending well, and the end of a session that is given up.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fixture::{Client, Fixture, SESSION, create, phase};

/// A session whose first phase has failed.
fn failed(fixture: &Fixture) -> Client {
    let mut client = fixture.begun();
    let message = "cargo test: 2 of 14 failed";
    client.ok("fail_phase", json!({ "phase_id": 1, "message": message }));
    client
}

/// The errors of a phase, as the session file has them.
fn errors(fixture: &Fixture, index: usize) -> String {
    let text = fixture.session_file();
    let of_phase = text.split("\n  - id: ").nth(index + 1).unwrap();
    let (_, errors) = of_phase.split_once("    errors:").unwrap();
    let (errors, _) = errors.split_once("    retry_count:").unwrap();
    errors.trim_end().replace("\n      ", "\n").trim_start().to_owned()
}

#[test]
fn what_can_be_done_next_is_told_with_what_agents_need() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    assert_snapshot!(client.call("get_next_phases", json!({})), @r#"
    {
      "session_id": "2026-01-15-rate-limiter",
      "status": "in_progress",
      "ready": [],
      "in_progress": [
        {
          "id": 1,
          "name": "Core bucket",
          "agents": ["coder"],
          "parallel": false,
          "planned_files": ["src/bucket.rs"],
          "retry_count": 0,
          "open_errors": 0
        }
      ],
      "failed": [],
      "blocked": [
        {"id":2,"name":"HTTP middleware","waits_for":[1]},
        {"id":3,"name":"Docs","waits_for":[1]},
        {"id":"review","name":"Review","waits_for":[2,3]}
      ],
      "to_reconcile": [],
      "ready_to_archive": false
    }
    "#);
    client.ok("transition_phase", json!({ "completed_phase_id": 1, "next_phase_ids": [2, 3] }));
    client.ok("fail_phase", json!({ "phase_id": 2, "message": "gave up" }));
    assert_snapshot!(client.of_session("get_next_phases", json!({})), @r#"
    {
      "session_id": "2026-01-15-rate-limiter",
      "status": "in_progress",
      "ready": [],
      "in_progress": [
        {
          "id": 3,
          "name": "Docs",
          "agents": ["technical-writer"],
          "parallel": true,
          "planned_files": ["docs/limits.md"],
          "retry_count": 0,
          "open_errors": 0
        }
      ],
      "failed": [
        {
          "id": 2,
          "name": "HTTP middleware",
          "agents": ["coder"],
          "parallel": true,
          "planned_files": ["src/mw.rs"],
          "retry_count": 0,
          "open_errors": 1
        }
      ],
      "blocked": [{"id":"review","name":"Review","waits_for":[2,3]}],
      "to_reconcile": [1],
      "ready_to_archive": false
    }
    "#);
}

#[test]
fn when_all_is_done_nothing_is_next() {
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    let mut arguments = create(SESSION);
    arguments["phases"] = json!([phase(&json!(1), "All", "coder", false, &json!([]), &[])]);
    client.ok("create_session", arguments);
    let context = json!({ "warnings": "none of the limits is persistent" });
    client
        .ok("transition_phase", json!({ "completed_phase_id": 1, "downstream_context": context }));
    assert_snapshot!(client.call("get_next_phases", json!({})), @r#"
    {
      "session_id": "2026-01-15-rate-limiter",
      "status": "in_progress",
      "ready": [],
      "in_progress": [],
      "failed": [],
      "blocked": [],
      "to_reconcile": [],
      "ready_to_archive": true
    }
    "#);
}

#[test]
fn a_failure_is_recorded_with_all_that_is_said_of_it() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let arguments = json!({
        "phase_id": "1",
        "error_type": "validation",
        "message": "cargo test: 2 of 14 failed",
        "agent": "debugger",
        "token_usage": { "input": 900, "output": 80, "cached": 500 },
    });
    assert_snapshot!(client.of_session("fail_phase", arguments), @r#"
    {
      "success": true,
      "operation": "00000000-0000-0000-0000-000000000008",
      "session_id": "2026-01-15-rate-limiter",
      "phase": {"id":1,"name":"Core bucket","status":"failed","agent":"coder","open_errors":1},
      "before": "in_progress",
      "current_phase": 1,
      "ready_phase_ids": [],
      "progress": {"pending":3,"in_progress":0,"completed":0,"failed":1,"skipped":0},
      "ready_to_archive": false
    }
    "#);
    assert_snapshot!(errors(&fixture, 0), @r#"
    - agent: "debugger"
      timestamp: "2026-01-15T10:00:05.000Z"
      type: "validation"
      message: "cargo test: 2 of 14 failed"
      resolution: "pending"
      resolved: false
    "#);
    let status = client.ok("get_session_status", json!({}));
    assert_eq!(
        status["token_usage"]["by_agent"],
        json!({ "debugger": { "input": 900, "output": 80, "cached": 500 } })
    );
}

#[test]
fn a_failure_is_a_runtime_error_of_the_agent_of_the_phase_unless_it_is_told() {
    let fixture = Fixture::new();
    failed(&fixture);
    assert_snapshot!(errors(&fixture, 0), @r#"
    - agent: "coder"
      timestamp: "2026-01-15T10:00:05.000Z"
      type: "runtime"
      message: "cargo test: 2 of 14 failed"
      resolution: "pending"
      resolved: false
    "#);
}

#[test]
fn who_used_the_tokens_is_who_failed_unless_both_are_named() {
    for (named, expected) in [(json!("debugger"), "debugger"), (Value::Null, "refactor")] {
        let fixture = Fixture::new();
        let mut client = fixture.begun();
        let tokens = json!({ "input": 7, "agent": "refactor" });
        let arguments =
            json!({ "phase_id": 1, "message": "x", "agent": named, "token_usage": tokens });
        client.ok("fail_phase", arguments);
        assert!(errors(&fixture, 0).contains(&format!("agent: \"{expected}\"")), "{expected}");
    }
}

#[test]
fn what_went_wrong_is_read_from_the_report() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let report = "\
## Task Report
- Status: failure
- Objective Achieved: no
- Files Created: none
- Files Modified: none
- Files Deleted: none
- Decisions Made: none
- Validation: fail
- Errors: linker `cc` not found
- Scope Deviations: none

## Downstream Context
- Key Interfaces Introduced: none
- Patterns Established: none
- Integration Points: none
- Assumptions: none
- Warnings: none
";
    client.ok("fail_phase", json!({ "phase_id": 1, "report": report }));
    assert_snapshot!(errors(&fixture, 0), @r#"
    - agent: "coder"
      timestamp: "2026-01-15T10:00:05.000Z"
      type: "runtime"
      message: "linker `cc` not found"
      resolution: "pending"
      resolved: false
    "#);
    let (_, body) =
        fixture.session_file().split_once("\n---\n").map(|(a, b)| (a.len(), b.to_owned())).unwrap();
    assert_snapshot!(body, @"
    # Add a token bucket rate limiter Orchestration Log

    ## Phase 1: Core bucket ✗ failed

    ### coder Output

    ```text
    ## Task Report
    - Status: failure
    - Objective Achieved: no
    - Files Created: none
    - Files Modified: none
    - Files Deleted: none
    - Decisions Made: none
    - Validation: fail
    - Errors: linker `cc` not found
    - Scope Deviations: none

    ## Downstream Context
    - Key Interfaces Introduced: none
    - Patterns Established: none
    - Integration Points: none
    - Assumptions: none
    - Warnings: none
    ```

    ### Validation Result

    Fail (runtime):

    ```text
    linker `cc` not found
    ```
    ");
}

#[test]
fn of_a_report_without_form_the_first_line_is_what_went_wrong() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let report = "# Sorry\n\nThe sandbox has no network.\nI stopped.\n";
    client.ok("fail_phase", json!({ "phase_id": 1, "report": report }));
    assert_snapshot!(errors(&fixture, 0), @r#"
    - agent: "coder"
      timestamp: "2026-01-15T10:00:05.000Z"
      type: "runtime"
      message: "The sandbox has no network."
      resolution: "pending"
      resolved: false
    "#);
}

#[test]
fn a_message_comes_before_what_the_report_says() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let arguments = json!({ "phase_id": 1, "message": "timed out", "report": "Half done.\n" });
    client.ok("fail_phase", arguments);
    assert!(errors(&fixture, 0).contains("message: \"timed out\""));
    assert!(fixture.session_file().contains("Half done."));
}

#[test]
fn a_failed_phase_is_tried_again_and_what_is_different_is_kept() {
    let fixture = Fixture::new();
    let mut client = failed(&fixture);
    let arguments = json!({ "phase_id": 1, "resolution": "smaller scope: only the parser" });
    assert_snapshot!(client.of_session("retry_phase", arguments), @r#"
    {
      "success": true,
      "operation": "00000000-0000-0000-0000-00000000000c",
      "session_id": "2026-01-15-rate-limiter",
      "phase": {"id":1,"name":"Core bucket","status":"in_progress","agent":"coder","retry_count":1,"open_errors":2},
      "before": "failed",
      "current_phase": 1,
      "ready_phase_ids": [],
      "progress": {"pending":3,"in_progress":1,"completed":0,"failed":0,"skipped":0},
      "ready_to_archive": false
    }
    "#);
    assert_snapshot!(errors(&fixture, 0), @r#"
    - agent: "coder"
      timestamp: "2026-01-15T10:00:05.000Z"
      type: "runtime"
      message: "cargo test: 2 of 14 failed"
      resolution: "retry 1 of 2"
      resolved: false
    - agent: "coder"
      timestamp: "2026-01-15T10:00:08.000Z"
      type: "runtime"
      message: "retry 1 of 2 after: cargo test: 2 of 14 failed"
      resolution: "smaller scope: only the parser"
      resolved: false
    "#);
}

/// W04: a phase fails and is tried again until only the user can order more, to a good end.
#[test]
fn after_the_last_retry_only_the_user_orders_one_more() {
    let fixture = Fixture::new();
    let mut client = failed(&fixture);
    for retry in 1..=2 {
        let retried = client.ok("retry_phase", json!({ "phase_id": 1 }));
        assert_eq!(retried["phase"]["retry_count"], retry);
        assert_eq!(retried["phase"]["status"], "in_progress");
        client.ok("fail_phase", json!({ "phase_id": 1, "message": format!("failure {retry}") }));
    }
    let before = fixture.snapshot();
    let undecided = json!({ "phase_id": 1, "user_decided": false });
    assert_eq!(client.code("retry_phase", undecided), "RETRIES_EXHAUSTED");
    assert_snapshot!(client.of_session("retry_phase", json!({ "phase_id": 1 })), @r#"
    ERROR {
      "error": "phase 1 was retried as often as it may be (2 of 2)",
      "code": "RETRIES_EXHAUSTED",
      "recovery_hint": "ask the user; if the user orders it: `retry_phase` with `user_decided` true, or `skip_phase`",
      "details": {"max_retries":2,"phase_id":1,"retry_count":2}
    }
    "#);
    assert_eq!(fixture.snapshot(), before);
    let ordered = json!({ "phase_id": 1, "user_decided": true, "resolution": "by hand" });
    assert_snapshot!(client.of_session("retry_phase", ordered), @r#"
    {
      "success": true,
      "operation": "00000000-0000-0000-0000-000000000022",
      "session_id": "2026-01-15-rate-limiter",
      "phase": {"id":1,"name":"Core bucket","status":"in_progress","agent":"coder","retry_count":3,"open_errors":6},
      "before": "failed",
      "current_phase": 1,
      "ready_phase_ids": [],
      "progress": {"pending":3,"in_progress":1,"completed":0,"failed":0,"skipped":0},
      "ready_to_archive": false
    }
    "#);
    client.ok("transition_phase", json!({ "completed_phase_id": 1, "next_phase_id": 2 }));
    let status = client.ok("get_session_status", json!({}));
    assert_eq!(status["phases"][0]["retry_count"], 3);
    assert_eq!(status["phases"][0].get("open_errors"), None, "{}", status["phases"][0]);
    assert_snapshot!(errors(&fixture, 0), @r#"
    - agent: "coder"
      timestamp: "2026-01-15T10:00:05.000Z"
      type: "runtime"
      message: "cargo test: 2 of 14 failed"
      resolution: "retry 1 of 2; phase completed"
      resolved: true
    - agent: "coder"
      timestamp: "2026-01-15T10:00:08.000Z"
      type: "runtime"
      message: "retry 1 of 2 after: cargo test: 2 of 14 failed"
      resolution: "same scope, same agent; phase completed"
      resolved: true
    - agent: "coder"
      timestamp: "2026-01-15T10:00:11.000Z"
      type: "runtime"
      message: "failure 1"
      resolution: "retry 2 of 2; phase completed"
      resolved: true
    - agent: "coder"
      timestamp: "2026-01-15T10:00:14.000Z"
      type: "runtime"
      message: "retry 2 of 2 after: failure 1"
      resolution: "same scope, same agent; phase completed"
      resolved: true
    - agent: "coder"
      timestamp: "2026-01-15T10:00:17.000Z"
      type: "runtime"
      message: "failure 2"
      resolution: "retry 3 of 2, ordered by the user; phase completed"
      resolved: true
    - agent: "coder"
      timestamp: "2026-01-15T10:00:26.000Z"
      type: "runtime"
      message: "retry 3 of 2, ordered by the user after: failure 2"
      resolution: "by hand; phase completed"
      resolved: true
    "#);
}

#[test]
fn the_limit_of_retries_is_the_setting() {
    for (limit, code) in [("0", "RETRIES_EXHAUSTED"), ("1", "ok")] {
        let fixture = Fixture::new().with("MAESTRO_MAX_RETRIES", limit);
        let called = failed(&fixture).call("retry_phase", json!({ "phase_id": 1 }));
        let found = called.value["code"].as_str().unwrap_or("ok");
        assert_eq!(found, code, "{called}");
    }
}

#[test]
fn what_waits_for_a_skipped_phase_can_start() {
    let fixture = Fixture::new();
    let mut client = failed(&fixture);
    let reason = "the guide is written elsewhere";
    let arguments = json!({ "phase_id": 1, "user_decided": true, "reason": reason });
    assert_snapshot!(client.of_session("skip_phase", arguments), @r#"
    {
      "success": true,
      "operation": "00000000-0000-0000-0000-00000000000c",
      "session_id": "2026-01-15-rate-limiter",
      "phase": {"id":1,"name":"Core bucket","status":"skipped","agent":"coder"},
      "before": "failed",
      "current_phase": 2,
      "ready_phase_ids": [2,3],
      "progress": {"pending":3,"in_progress":0,"completed":0,"failed":0,"skipped":1},
      "ready_to_archive": false
    }
    "#);
    assert_snapshot!(errors(&fixture, 0), @r#"
    - agent: "coder"
      timestamp: "2026-01-15T10:00:05.000Z"
      type: "runtime"
      message: "cargo test: 2 of 14 failed"
      resolution: "phase skipped by the user: the guide is written elsewhere"
      resolved: true
    "#);
    client.ok("transition_phase", json!({ "next_phase_id": 2 }));
}

#[test]
fn a_pending_phase_can_be_skipped() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let skipped = client.ok("skip_phase", json!({ "phase_id": 3, "user_decided": true }));
    assert_eq!(skipped["before"], "pending");
    assert_eq!(skipped["phase"]["status"], "skipped");
    assert_eq!(skipped["progress"]["skipped"], 1);
}

#[test]
fn interrupted_work_is_given_out_again() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let arguments = json!({ "phase_id": 1, "agent": "refactor", "reason": "the host crashed" });
    assert_snapshot!(client.of_session("redelegate_phase", arguments), @r#"
    {
      "success": true,
      "operation": "00000000-0000-0000-0000-000000000008",
      "session_id": "2026-01-15-rate-limiter",
      "phase": {"id":1,"name":"Core bucket","status":"in_progress","agent":"refactor"},
      "before": "in_progress",
      "current_phase": 1,
      "ready_phase_ids": [],
      "progress": {"pending":3,"in_progress":1,"completed":0,"failed":0,"skipped":0},
      "ready_to_archive": false
    }
    "#);
    let again = client.ok("redelegate_phase", json!({ "phase_id": 1 }));
    assert_eq!(again["phase"]["agent"], "refactor");
    let log = client.ok("get_session_log", json!({ "phase_id": 1 }));
    let log = log["entries"].as_array().unwrap().iter().map(|entry| entry["summary"].to_string());
    assert_snapshot!(log.collect::<Vec<_>>().join("\n"), @r#"
    "the host crashed"
    ""
    "#);
}

#[test]
fn a_phase_is_adjusted_and_what_is_not_named_stays() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let arguments = json!({
        "phase_id": "review",
        "name": "Final review",
        "agents": ["code-reviewer", "security-engineer"],
        "blocked_by": ["2"],
        "planned_files": [fixture.app().join("REVIEW.md"), "./notes//review.md"],
    });
    assert_snapshot!(client.of_session("adjust_phase", arguments), @r#"
    {
      "success": true,
      "operation": "00000000-0000-0000-0000-000000000008",
      "session_id": "2026-01-15-rate-limiter",
      "phase": {"id":"review","name":"Final review","status":"pending","agent":"code-reviewer","waits_for":[2]},
      "before": "pending",
      "current_phase": 1,
      "ready_phase_ids": [],
      "progress": {"pending":3,"in_progress":1,"completed":0,"failed":0,"skipped":0},
      "ready_to_archive": false
    }
    "#);
    let text = fixture.session_file();
    let (_, review) = text.split_once("  - id: \"review\"\n").unwrap();
    let (review, _) = review.split_once("    downstream_context:").unwrap();
    assert_snapshot!(review, @r#"
    name: "Final review"
    status: "pending"
    agents:
      - "code-reviewer"
      - "security-engineer"
    parallel: false
    started: null
    completed: null
    blocked_by:
      - 2
    files_created: []
    files_modified: []
    files_deleted: []
    planned_files:
      - "REVIEW.md"
      - "notes/review.md"
    "#);
    let adjusted = client.ok("adjust_phase", json!({ "phase_id": "review", "blocked_by": [] }));
    assert_eq!(adjusted["phase"]["name"], "Final review");
    assert_eq!(adjusted["phase"].get("waits_for"), None);
}

#[test]
fn an_error_of_a_phase_that_goes_on_is_recorded() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let open =
        json!({ "phase_id": 1, "error_type": "file_conflict", "message": "src/bucket.rs changed" });
    assert_snapshot!(client.of_session("record_error", open), @r#"
    {
      "success": true,
      "operation": "00000000-0000-0000-0000-000000000008",
      "session_id": "2026-01-15-rate-limiter",
      "phase": {"id":1,"name":"Core bucket","status":"in_progress","agent":"coder","open_errors":1},
      "before": "in_progress",
      "current_phase": 1,
      "ready_phase_ids": [],
      "progress": {"pending":3,"in_progress":1,"completed":0,"failed":0,"skipped":0},
      "ready_to_archive": false
    }
    "#);
    let resolved = json!({
        "phase_id": 1, "error_type": "dependency", "message": "redis is not installed", "agent": "tester",
        "resolution": "mocked",
    });
    let recorded = client.ok("record_error", resolved);
    assert_eq!(recorded["phase"]["open_errors"], 1);
    assert_snapshot!(errors(&fixture, 0), @r#"
    - agent: "coder"
      timestamp: "2026-01-15T10:00:05.000Z"
      type: "file_conflict"
      message: "src/bucket.rs changed"
      resolution: "pending"
      resolved: false
    - agent: "tester"
      timestamp: "2026-01-15T10:00:08.000Z"
      type: "dependency"
      message: "redis is not installed"
      resolution: "mocked"
      resolved: true
    "#);
}

#[test]
fn errors_of_a_failed_phase_can_be_recorded() {
    let fixture = Fixture::new();
    let mut client = failed(&fixture);
    let recorded =
        client.ok("record_error", json!({ "phase_id": 1, "message": "found the cause" }));
    assert_eq!(recorded["phase"]["open_errors"], 2);
    assert_eq!(recorded["phase"]["status"], "failed");
}

#[test]
fn a_session_is_given_up_only_by_the_user() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let before = fixture.snapshot();
    let undecided = json!({ "session_id": SESSION, "user_decided": false, "reason": "tired" });
    assert_eq!(client.code("abort_session", undecided), "USER_DECISION_REQUIRED");
    assert_snapshot!(client.of_session("abort_session", json!({})), @r#"
    ERROR {
      "error": "giving a session up needs the decision of the user",
      "code": "USER_DECISION_REQUIRED",
      "recovery_hint": "ask the user; if the user decides so, call it again with `user_decided` true"
    }
    "#);
    assert_eq!(fixture.snapshot(), before);
    let arguments = json!({ "user_decided": true, "reason": "the design was rejected" });
    assert_snapshot!(client.of_session("abort_session", arguments), @r#"
    {
      "success": true,
      "operation": "00000000-0000-0000-0000-00000000000e",
      "session_id": "2026-01-15-rate-limiter",
      "phase": null,
      "before": null,
      "current_phase": 1,
      "ready_phase_ids": [],
      "progress": {"pending":3,"in_progress":1,"completed":0,"failed":0,"skipped":0},
      "ready_to_archive": false
    }
    "#);
    let status = client.ok("get_session_status", json!({}));
    assert_eq!(status["status"], "aborted");
    let archived = client.ok("archive_session", json!({ "session_id": SESSION }));
    assert_eq!(archived["status"], "aborted");
    client.ok("create_session", create("2026-01-16-next"));
}
