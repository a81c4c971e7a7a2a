//! `transition_phase`.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fixture::{Called, Client, Fixture, SESSION, without};

fn transition(client: &mut Client, arguments: Value) -> Called {
    client.of_session("transition_phase", arguments)
}

fn refused(fixture: &Fixture, client: &mut Client, mut arguments: Value) -> Called {
    arguments["session_id"] = json!(SESSION);
    fixture.refused(client, "transition_phase", arguments)
}

/// A handoff of phase 1, with some more.
fn first_done(more: Value) -> Value {
    let mut arguments =
        json!({ "completed_phase_id": 1, "downstream_context": { "warnings": ["careful"] } });
    if let Value::Object(more) = more {
        for (name, value) in more {
            arguments[name] = value;
        }
    }
    arguments
}

/// What is recorded of the phase that completed first, in the session file.
fn first_phase(fixture: &Fixture) -> String {
    let text = fixture.session_file();
    let phases = text.split("\nphases:\n").nth(1).unwrap();
    let end = phases.find("\n  - id: 2\n").unwrap();
    phases[..end].to_owned()
}

#[test]
fn a_phase_completes_and_the_next_one_begins() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let arguments = first_done(json!({
        "next_phase_id": 2,
        "files_created": ["src/bucket.rs", "./src/bucket.rs"],
        "files_modified": [fixture.path("app/src/lib.rs")],
        "files_deleted": ["src/old.rs"],
        "token_usage": { "input": 12000, "output": 3400, "cached": 9000 },
    }));
    assert_snapshot!(transition(&mut client, arguments), @r#"
    {
      "success": true,
      "session_state_summary": {
        "current_phase": 2,
        "completed_phases": [1],
        "pending_phases": [3,"review"],
        "in_progress_phases": [2],
        "failed_phases": []
      },
      "ready_phase_ids": [3],
      "ready_to_archive": false,
      "operation": "00000000-0000-0000-0000-000000000008"
    }
    "#);
    assert_snapshot!(first_phase(&fixture), @r#"
    - id: 1
      name: "Core bucket"
      status: "completed"
      agents:
        - "coder"
      parallel: false
      started: "2026-01-15T10:00:00.000Z"
      completed: "2026-01-15T10:00:06.000Z"
      blocked_by: []
      files_created:
        - "src/bucket.rs"
      files_modified:
        - "src/lib.rs"
      files_deleted:
        - "src/old.rs"
      planned_files:
        - "src/bucket.rs"
      downstream_context:
        key_interfaces_introduced: []
        patterns_established: []
        integration_points: []
        assumptions: []
        warnings:
          - "careful"
      errors: []
      retry_count: 0
      requires_reconciliation: false
    "#);
    assert_snapshot!(client.ok("get_session_status", json!({}))["token_usage"], @r#"{"by_agent":{"coder":{"cached":9000,"input":12000,"output":3400}},"total_cached":9000,"total_input":12000,"total_output":3400}"#);
}

#[test]
fn a_batch_begins_as_one() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let arguments = first_done(json!({ "next_phase_ids": [2, "3"], "batch_id": "batch-1" }));
    assert_snapshot!(transition(&mut client, arguments), @r#"
    {
      "success": true,
      "session_state_summary": {
        "current_phase": 2,
        "completed_phases": [1],
        "pending_phases": ["review"],
        "in_progress_phases": [2,3],
        "failed_phases": []
      },
      "started_phase_ids": [2,3],
      "ready_phase_ids": [],
      "ready_to_archive": false,
      "operation": "00000000-0000-0000-0000-000000000008"
    }
    "#);
    assert_eq!(client.ok("get_session_status", json!({}))["current_batch"], "batch-1");
    // One of them ends while the other one goes on; then there is no batch any more.
    let second = json!({ "completed_phase_id": 2, "files_modified": ["src/mw.rs"], "downstream_context": { "assumptions": "none of note" } });
    assert_snapshot!(transition(&mut client, second), @r#"
    {
      "success": true,
      "session_state_summary": {
        "current_phase": 3,
        "completed_phases": [1,2],
        "pending_phases": ["review"],
        "in_progress_phases": [3],
        "failed_phases": []
      },
      "ready_phase_ids": [],
      "ready_to_archive": false,
      "operation": "00000000-0000-0000-0000-00000000000c"
    }
    "#);
    let third = json!({ "completed_phase_id": 3, "next_phase_id": "review", "batch_id": null });
    assert_snapshot!(transition(&mut client, third), @r#"
    {
      "success": true,
      "session_state_summary": {
        "current_phase": "review",
        "completed_phases": [1,2,3],
        "pending_phases": [],
        "in_progress_phases": ["review"],
        "failed_phases": []
      },
      "ready_phase_ids": [],
      "ready_to_archive": false,
      "operation": "00000000-0000-0000-0000-000000000010",
      "warnings": ["phase 3 says nothing of what it did and has to be reconciled before the session is archived"]
    }
    "#);
    assert_eq!(client.ok("get_session_status", json!({}))["current_batch"], Value::Null);
}

#[test]
fn an_id_is_a_number_or_its_text() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let answer = transition(
        &mut client,
        first_done(json!({ "completed_phase_id": "1", "next_phase_id": "2" })),
    );
    assert_eq!(answer.value["session_state_summary"]["completed_phases"], json!([1]), "{answer}");
    assert_eq!(answer.value["session_state_summary"]["in_progress_phases"], json!([2]), "{answer}");
}

#[test]
fn a_phase_that_is_in_progress_is_left_alone() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    transition(&mut client, first_done(json!({ "next_phase_ids": [2, 3] })));
    let started =
        |client: &mut Client| client.ok("get_session_status", json!({}))["phases"].clone();
    let before = started(&mut client);
    let called = transition(&mut client, json!({ "next_phase_id": 3 }));
    assert_eq!(called.value["session_state_summary"]["current_phase"], 3, "{called}");
    assert_eq!(started(&mut client), before);
    let called = transition(&mut client, json!({ "next_phase_ids": [2, 3] }));
    assert_eq!(called.value["started_phase_ids"], json!([]), "{called}");
}

#[test]
fn the_session_need_not_be_named() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    client.ok(
        "transition_phase",
        first_done(json!({ "next_phase_id": 2, "next_phase_ids": [], "token_usage": null })),
    );
    let other = json!({ "session_id": "2026-01-15-other", "completed_phase_id": 2 });
    assert_snapshot!(fixture.refused(&mut client, "transition_phase", other), @r#"
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
fn context_says_what_is_worth_saying() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let context = json!({
        "key_interfaces_introduced": "  TokenBucket::take(n) -> bool ",
        "patterns_established": ["", " None ", "N/A", "not applicable", "errors are enums"],
        "integration_points": null,
        "assumptions": ["None.", "-", "nothing to report", "None (read-only)"],
        "warnings": "no warnings",
    });
    transition(&mut client, first_done(json!({ "downstream_context": context })));
    let text = first_phase(&fixture);
    let context = &text[text.find("downstream_context").unwrap()..text.find("errors:").unwrap()];
    assert_snapshot!(context, @r#"
    downstream_context:
          key_interfaces_introduced:
            - "TokenBucket::take(n) -> bool"
          patterns_established:
            - "errors are enums"
          integration_points: []
          assumptions: []
          warnings: []
    "#);
}

#[test]
fn files_without_context_are_no_handoff() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let nothing = json!({ "completed_phase_id": 1, "files_created": ["a.rs"], "files_modified": ["b.rs", "c.rs"] });
    assert_snapshot!(refused(&fixture, &mut client, nothing.clone()), @r#"
    ERROR {
      "error": "phase 1 cannot be completed: downstream_context is empty after normalization",
      "code": "HANDOFF_INCOMPLETE",
      "recovery_hint": "say in `downstream_context` what later phases need to know of these files",
      "details": {
        "files_created_count": 1,
        "files_deleted_count": 0,
        "files_modified_count": 2,
        "phase_id": 1,
        "received_downstream_context": null
      }
    }
    "#);
    let mut empty = nothing;
    empty["downstream_context"] = json!({ "warnings": "none", "assumptions": [" n/a "] });
    assert_snapshot!(refused(&fixture, &mut client, empty), @r#"
    ERROR {
      "error": "phase 1 cannot be completed: downstream_context is empty after normalization",
      "code": "HANDOFF_INCOMPLETE",
      "recovery_hint": "say in `downstream_context` what later phases need to know of these files",
      "details": {
        "files_created_count": 1,
        "files_deleted_count": 0,
        "files_modified_count": 2,
        "phase_id": 1,
        "received_downstream_context": {"assumptions":[" n/a "],"warnings":"none"}
      }
    }
    "#);
}

#[test]
fn a_handoff_of_nothing_completes_and_has_to_be_reconciled() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    assert_snapshot!(transition(&mut client, json!({ "completed_phase_id": 1 })), @r#"
    {
      "success": true,
      "session_state_summary": {
        "current_phase": 2,
        "completed_phases": [1],
        "pending_phases": [2,3,"review"],
        "in_progress_phases": [],
        "failed_phases": []
      },
      "ready_phase_ids": [2,3],
      "ready_to_archive": false,
      "operation": "00000000-0000-0000-0000-000000000008",
      "warnings": ["phase 1 says nothing of what it did and has to be reconciled before the session is archived"]
    }
    "#);
    assert_eq!(
        client.ok("get_session_status", json!({}))["phases"][0]["requires_reconciliation"],
        true
    );
    // Unless the user wants to know more.
    let fixture = Fixture::new().with("MAESTRO_VALIDATION_STRICTNESS", "strict");
    let mut client = fixture.begun();
    assert_snapshot!(refused(&fixture, &mut client, json!({ "completed_phase_id": 1 })), @r#"
    ERROR {
      "error": "phase 1 cannot be completed: downstream_context is empty after normalization",
      "code": "HANDOFF_INCOMPLETE",
      "recovery_hint": "name the files, and say in `downstream_context` what later phases need to know",
      "details": {
        "files_created_count": 0,
        "files_deleted_count": 0,
        "files_modified_count": 0,
        "phase_id": 1,
        "received_downstream_context": null
      }
    }
    "#);
}

#[test]
fn what_says_nothing_or_contradicts_itself_is_refused() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    assert_snapshot!(refused(&fixture, &mut client, json!({})), @r#"
    ERROR {
      "error": "transition_phase needs at least one of completed_phase_id, next_phase_id and next_phase_ids",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "give completed_phase_id, next_phase_id or next_phase_ids; the last two exclude each other"
    }
    "#);
    assert_snapshot!(refused(&fixture, &mut client, json!({ "next_phase_id": 2, "next_phase_ids": [3] })), @r#"
    ERROR {
      "error": "next_phase_id and next_phase_ids are mutually exclusive",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "give completed_phase_id, next_phase_id or next_phase_ids; the last two exclude each other"
    }
    "#);
    assert_snapshot!(refused(&fixture, &mut client, json!({ "next_phase_id": null, "next_phase_ids": [], "batch_id": "b" })), @r#"
    ERROR {
      "error": "transition_phase needs at least one of completed_phase_id, next_phase_id and next_phase_ids",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "give completed_phase_id, next_phase_id or next_phase_ids; the last two exclude each other"
    }
    "#);
    assert_snapshot!(refused(&fixture, &mut client, json!({ "next_phase_id": 1, "files_created": ["a.rs"] })), @r#"
    ERROR {
      "error": "something is handed over, but no phase is named that ended",
      "code": "HANDOFF_WITHOUT_PHASE",
      "recovery_hint": "name the phase that it is of in `completed_phase_id`"
    }
    "#);
    assert_snapshot!(refused(&fixture, &mut client, json!({ "next_phase_id": 1, "token_usage": { "input": 1 } })), @r#"
    ERROR {
      "error": "neither an agent nor a phase is named to count the tokens for",
      "code": "AGENT_UNKNOWN",
      "recovery_hint": "name the agent in `token_usage.agent`, or the phase that ended in `completed_phase_id`"
    }
    "#);
    assert_snapshot!(refused(&fixture, &mut client, json!({ "next_phase_id": 1, "report": "## Task Report\n" })), @r#"
    ERROR {
      "error": "`report`: it is of no phase",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "name the phase that it is of in completed_phase_id",
      "details": {"field":"report"}
    }
    "#);
}

#[test]
fn phases_that_are_not_there_are_refused() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    assert_snapshot!(refused(&fixture, &mut client, json!({ "completed_phase_id": 9 })), @r#"
    ERROR {
      "error": "Phase not found: 9",
      "code": "NOT_FOUND",
      "recovery_hint": "call `get_session_status` to verify the session and its phase ids",
      "details": {"known_phase_ids":[1,2,3,"review"],"phase_id":9,"reason":"PHASE_NOT_FOUND"}
    }
    "#);
    for next in [json!({ "next_phase_id": "nine" }), json!({ "next_phase_ids": [2, "nine"] })] {
        let called = refused(&fixture, &mut client, first_done(next));
        assert_eq!(
            (&called.value["code"], &called.value["details"]["phase_id"]),
            (&json!("NOT_FOUND"), &json!("nine"))
        );
        assert_eq!(called.value["error"], "Phase not found: nine");
    }
}

#[test]
fn only_a_phase_in_progress_completes() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    assert_snapshot!(refused(&fixture, &mut client, json!({ "completed_phase_id": 2 })), @r#"
    ERROR {
      "error": "phase 2 cannot complete: it is pending",
      "code": "ILLEGAL_TRANSITION",
      "recovery_hint": "start it with `transition_phase` (`next_phase_id`), or `skip_phase` if the user decided so",
      "details": {"event":"complete","legal_events":["start","skip"],"phase_id":2,"status":"pending"}
    }
    "#);
    // Completing twice wipes nothing.
    let done = first_done(json!({ "files_created": ["src/bucket.rs"], "next_phase_id": 2 }));
    transition(&mut client, done.clone());
    assert_snapshot!(refused(&fixture, &mut client, json!({ "completed_phase_id": 1 })), @r#"
    ERROR {
      "error": "phase 1 cannot complete: it is completed",
      "code": "ILLEGAL_TRANSITION",
      "recovery_hint": "a completed phase is history; `reconcile_phase` adds to its record",
      "details": {"event":"complete","legal_events":[],"phase_id":1,"status":"completed"}
    }
    "#);
    assert_eq!(refused(&fixture, &mut client, done).value["code"], "ILLEGAL_TRANSITION");
    client.ok("fail_phase", json!({ "phase_id": 2, "message": "no luck" }));
    assert_snapshot!(refused(&fixture, &mut client, json!({ "completed_phase_id": 2 })), @r#"
    ERROR {
      "error": "phase 2 cannot complete: it is failed",
      "code": "ILLEGAL_TRANSITION",
      "recovery_hint": "`retry_phase` tries it again, `skip_phase` leaves it out if the user decided so",
      "details": {"event":"complete","legal_events":["retry","skip"],"phase_id":2,"status":"failed"}
    }
    "#);
}

#[test]
fn only_a_phase_that_waits_for_nothing_begins() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    assert_snapshot!(refused(&fixture, &mut client, json!({ "next_phase_id": "review" })), @r#"
    ERROR {
      "error": "phase review waits for phase 2 (pending), phase 3 (pending)",
      "code": "PHASE_BLOCKED",
      "recovery_hint": "complete or skip what it waits for first; `get_next_phases` lists what can start now",
      "details": {
        "phase_id": "review",
        "waits_for": [{"phase_id":2,"status":"pending"},{"phase_id":3,"status":"pending"}]
      }
    }
    "#);
    // All steps are taken or none.
    let called =
        refused(&fixture, &mut client, first_done(json!({ "next_phase_ids": [2, "review"] })));
    assert_eq!(called.value["code"], "PHASE_BLOCKED", "{called}");
    transition(&mut client, first_done(json!({ "next_phase_id": 2 })));
    for next in [json!({ "next_phase_id": 1 }), json!({ "next_phase_ids": [1] })] {
        assert_eq!(refused(&fixture, &mut client, next).value["code"], "STATE_ERROR");
    }
    client.ok("fail_phase", json!({ "phase_id": 2, "message": "no luck" }));
    for next in [json!({ "next_phase_id": 2 }), json!({ "next_phase_ids": [2] })] {
        assert_eq!(refused(&fixture, &mut client, next).value["code"], "STATE_ERROR");
    }
    assert_snapshot!(refused(&fixture, &mut client, json!({ "next_phase_id": 2 })), @r#"
    ERROR {
      "error": "phase 2 cannot start: it is failed",
      "code": "STATE_ERROR",
      "recovery_hint": "`retry_phase` tries it again, `skip_phase` leaves it out if the user decided so",
      "details": {
        "event": "start",
        "legal_events": ["retry","skip"],
        "phase_id": 2,
        "reason": "ILLEGAL_TRANSITION",
        "status": "failed"
      }
    }
    "#);
}

#[test]
fn only_as_many_phases_run_as_may() {
    let fixture = Fixture::new().with("MAESTRO_MAX_CONCURRENT", "1");
    let mut client = fixture.begun();
    let both = first_done(json!({ "next_phase_ids": [2, 3] }));
    assert_snapshot!(refused(&fixture, &mut client, both.clone()), @r#"
    ERROR {
      "error": "no slot is free for phase 3: 1 of 1 in progress (2)",
      "code": "NO_FREE_SLOT",
      "recovery_hint": "complete or fail a phase in progress first; the user can raise MAESTRO_MAX_CONCURRENT",
      "details": {"limit":1,"phase_id":3,"running":[2]}
    }
    "#);
    let fixture = Fixture::new().with("MAESTRO_EXECUTION_MODE", "sequential");
    let mut client = fixture.begun();
    assert_snapshot!(refused(&fixture, &mut client, both), @r#"
    ERROR {
      "error": "no slot is free for phase 3: 1 of 1 in progress (2)",
      "code": "NO_FREE_SLOT",
      "recovery_hint": "complete or fail the phase in progress first; with `execution_mode` \"parallel\" (`update_session`) phases may run side by side",
      "details": {"limit":1,"phase_id":3,"running":[2]}
    }
    "#);
    assert!(!transition(&mut client, first_done(json!({ "next_phase_id": 2 }))).is_error);
}

#[test]
fn nothing_happens_without_a_session_or_after_its_end() {
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    assert_snapshot!(transition(&mut client, first_done(json!({}))), @r#"
    ERROR {
      "error": "no active session: there is no active session in `[root]/app/docs/maestro`",
      "code": "NO_SESSION",
      "recovery_hint": "call `get_session_status` to see whether there is a session in this workspace; `create_session` begins one"
    }
    "#);
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    client.ok("abort_session", json!({ "session_id": SESSION, "user_decided": true }));
    assert_snapshot!(refused(&fixture, &mut client, first_done(json!({}))), @r#"
    ERROR {
      "error": "the session is aborted",
      "code": "SESSION_ENDED",
      "recovery_hint": "call `archive_session`, then begin another with `create_session`"
    }
    "#);
}

#[test]
fn tokens_are_numbers_that_can_be() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let mut rejected = |tokens: Value| {
        let called = refused(&fixture, &mut client, first_done(json!({ "token_usage": tokens })));
        assert_eq!(called.value["code"], "VALIDATION_ERROR", "{called}");
        format!("{}: {}", called.value["details"]["field"], called.value["error"].as_str().unwrap())
    };
    let lines = [
        rejected(json!({ "input": -1 })),
        rejected(json!({ "input": "100" })),
        rejected(json!({ "output": 1.5 })),
        rejected(json!({ "cached": 1e30 })),
        rejected(json!({ "input": 1, "cached": 2 })),
        rejected(json!({ "reasoning": 5 })),
        rejected(json!({ "input": 1, "agent": "" })),
        rejected(json!([1])),
        rejected(json!(5)),
    ];
    assert_snapshot!(lines.join("\n"), @r#"
    "token_usage.input": `token_usage.input`: invalid value: integer `-1`, expected a whole number that is not negative
    "token_usage.input": `token_usage.input`: invalid type: string "100", expected a whole number that is not negative
    "token_usage.output": `token_usage.output`: invalid type: floating point `1.5`, expected a whole number that is not negative
    "token_usage.cached": `token_usage.cached`: invalid type: floating point `1e+30`, expected a whole number that is not negative
    "token_usage": 2 cached input tokens are more than the 1 input tokens they are part of
    "token_usage.reasoning": `token_usage.reasoning`: unknown field `reasoning`, expected one of `input`, `output`, `cached`, `agent`
    "token_usage.agent": `token_usage.agent`: `` is not an agent name: use a text of up to 256 bytes in one line
    "token_usage": `token_usage`: invalid type: array, expected an object
    "token_usage": `token_usage`: invalid type: integer `5`, expected an object
    "#);
    // The largest number is one, and no sum is more.
    let most = json!({ "input": u64::MAX, "output": null, "agent": "debugger" });
    assert!(
        !transition(&mut client, first_done(json!({ "token_usage": most, "next_phase_id": 2 })))
            .is_error
    );
    let more =
        json!({ "completed_phase_id": 2, "token_usage": { "input": 1, "agent": "debugger" } });
    assert_snapshot!(refused(&fixture, &mut client, more), @r#"
    ERROR {
      "error": "the tokens of agent `debugger` are more than can be counted",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "check the counts that were given",
      "details": {"field":"token_usage","reason":"BAD_TOKENS"}
    }
    "#);
}

#[test]
fn tokens_are_those_of_agents_and_the_totals_are_their_sums() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    transition(
        &mut client,
        first_done(
            json!({ "next_phase_ids": [2, 3], "token_usage": { "input": 10, "output": 2, "cached": 4 } }),
        ),
    );
    let tokens = json!({ "input": 5, "output": 1 });
    transition(&mut client, json!({ "completed_phase_id": 2, "token_usage": tokens }));
    let tokens = json!({ "input": 7, "agent": "technical_writer" });
    transition(&mut client, json!({ "completed_phase_id": 3, "token_usage": tokens }));
    assert_snapshot!(client.ok("get_session_status", json!({}))["token_usage"], @r#"{"by_agent":{"coder":{"cached":4,"input":15,"output":3},"technical_writer":{"cached":0,"input":7,"output":0}},"total_cached":4,"total_input":22,"total_output":3}"#);
}

#[test]
fn paths_that_leave_the_workspace_are_refused_by_their_place() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let deleted = json!({ "files_deleted": ["ok.rs", "../../etc/passwd"] });
    assert_snapshot!(refused(&fixture, &mut client, first_done(deleted)), @r#"
    ERROR {
      "error": "`files_deleted[1]`: `../../etc/passwd` lies outside the workspace",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "give paths relative to the workspace, or absolute ones inside it",
      "details": {"field":"files_deleted[1]"}
    }
    "#);
    for bad in ["", "/etc/passwd", "a/../../b", ".."] {
        let called = refused(&fixture, &mut client, first_done(json!({ "files_created": [bad] })));
        assert_eq!(called.value["details"]["field"], "files_created[0]", "{called}");
    }
}

#[test]
fn a_report_is_read_and_kept_beside_what_is_named() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let report = "## Task Report\n- **Status**: success\n- **Files Created**: `src/bucket.rs`\n\n## Downstream Context\n\
         - **Key Interfaces Introduced**: `TokenBucket` in `src/bucket.rs`\n- **Warnings**: none\n";
    let arguments =
        json!({ "completed_phase_id": 1, "report": report, "files_modified": ["src/lib.rs"] });
    let called = transition(&mut client, arguments);
    let answer = without(called.value, &["operation"]);
    assert_eq!((&answer["success"], &answer["ready_phase_ids"]), (&json!(true), &json!([2, 3])));
    let text = first_phase(&fixture);
    assert!(
        text.contains("src/bucket.rs")
            && text.contains("src/lib.rs")
            && text.contains("TokenBucket"),
        "{text}"
    );
}

#[test]
fn a_report_of_a_failure_is_told_with_the_way_back() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let report = "## Task Report\n- **Status**: failure\n";
    let called = transition(&mut client, json!({ "completed_phase_id": 1, "report": report }));
    assert_snapshot!(called.value["warnings"][1], @r#""the report says that the agent failed, and the phase is completed all the same; `undo_operation` takes that back, then `fail_phase` records the failure""#);
    client.ok("undo_operation", json!({}));
    client.ok("fail_phase", json!({ "phase_id": 1, "report": report, "agent": "coder" }));
}

#[test]
fn a_report_that_is_none_completes_nothing() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let report = |text: &str| json!({ "completed_phase_id": 1, "report": text });
    assert_snapshot!(refused(&fixture, &mut client, report("I am done.")), @r#"
    ERROR {
      "error": "the handoff report of phase 1 cannot be read: the report has no section `Task Report` and no `Downstream Context`",
      "code": "HANDOFF_UNREADABLE",
      "recovery_hint": "write the whole report again, with the headings `## Task Report` and `## Downstream Context`"
    }
    "#);
    assert_eq!(refused(&fixture, &mut client, report("")).value["code"], "HANDOFF_UNREADABLE");
}

#[test]
fn an_agent_that_was_disabled_since_begins_nothing() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    fixture.write("app/.env", "MAESTRO_DISABLED_AGENTS=technical_writer\n");
    assert_snapshot!(refused(&fixture, &mut client, first_done(json!({ "next_phase_ids": [2, 3] }))), @r#"
    ERROR {
      "error": "agent `technical-writer` of phase 3 is disabled",
      "code": "AGENT_DISABLED",
      "recovery_hint": "assign another agent with `adjust_phase`; the user decides in MAESTRO_DISABLED_AGENTS who is disabled"
    }
    "#);
}

#[test]
fn tokens_of_a_phase_without_an_agent_need_one() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let edited = fixture.session_file().replacen("agents:\n      - \"coder\"", "agents: []", 1);
    fixture.write("app/docs/maestro/state/active-session.md", edited);
    let tokens = first_done(json!({ "token_usage": { "input": 5 } }));
    assert_snapshot!(transition(&mut client, tokens), @r#"
    ERROR {
      "error": "phase 1 has no agent to count the tokens for",
      "code": "AGENT_UNKNOWN",
      "recovery_hint": "name the agent in `token_usage.agent`",
      "details": {
        "notes": [
          "the session file was edited by hand; the edit was recorded as operation 00000000-0000-0000-0000-000000000007"
        ]
      }
    }
    "#);
}
