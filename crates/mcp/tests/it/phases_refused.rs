//! What cannot happen to a phase: the code, why, what to do next, and not a byte changed.

use insta::{allow_duplicates, assert_snapshot};
use serde_json::{Value, json};

use crate::fixture::{Called, Client, Fixture, create};

/// The tools that change one phase or the session, with arguments that would do.
fn each_change() -> [(&'static str, Value); 7] {
    [
        ("fail_phase", json!({ "phase_id": 1, "message": "gave up" })),
        ("retry_phase", json!({ "phase_id": 1 })),
        ("skip_phase", json!({ "phase_id": 1, "user_decided": true })),
        ("redelegate_phase", json!({ "phase_id": 1 })),
        ("adjust_phase", json!({ "phase_id": 1, "name": "Bucket" })),
        ("record_error", json!({ "phase_id": 1, "message": "no network" })),
        ("abort_session", json!({ "user_decided": true })),
    ]
}

/// Calls a tool on the session of most tests. It must be refused, say what to do next, and change nothing.
fn refused(fixture: &Fixture, client: &mut Client, tool: &str, arguments: Value) -> Called {
    let before = fixture.snapshot();
    let called = client.of_session(tool, arguments);
    assert!(called.is_error, "{tool}: {called}");
    assert!(called.value["recovery_hint"].is_string(), "{tool}: {called}");
    assert_eq!(fixture.snapshot(), before, "{tool} was refused and changed something");
    called
}

/// One line for each: the tool, the code, why, and what to do next.
fn on_a_line(tool: &str, called: &Called) -> String {
    let text = |name: &str| called.value[name].as_str().unwrap_or("-").to_owned();
    format!("{tool}: {} {} -> {}", text("code"), text("error"), text("recovery_hint"))
}

fn each_refused(
    fixture: &Fixture,
    client: &mut Client,
    is_meant: fn(&(&'static str, Value)) -> bool,
) -> String {
    let lines = each_change().into_iter().filter(is_meant).map(|(tool, arguments)| {
        let called = refused(fixture, client, tool, arguments);
        on_a_line(tool, &called)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether a call is about a phase, and not the whole session.
fn is_of_a_phase((tool, _): &(&'static str, Value)) -> bool {
    *tool != "abort_session"
}

#[test]
fn without_a_session_nothing_changes() {
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    client.code("retry_phase", json!({ "phase_id": "makes the lock's file" }));
    assert_snapshot!(each_refused(&fixture, &mut client, |_| true), @"
    fail_phase: NO_SESSION no active session: there is no active session in `[root]/app/docs/maestro` -> call `get_session_status` to see whether there is a session in this workspace; `create_session` begins one
    retry_phase: NO_SESSION no active session: there is no active session in `[root]/app/docs/maestro` -> call `get_session_status` to see whether there is a session in this workspace; `create_session` begins one
    skip_phase: NO_SESSION no active session: there is no active session in `[root]/app/docs/maestro` -> call `get_session_status` to see whether there is a session in this workspace; `create_session` begins one
    redelegate_phase: NO_SESSION no active session: there is no active session in `[root]/app/docs/maestro` -> call `get_session_status` to see whether there is a session in this workspace; `create_session` begins one
    adjust_phase: NO_SESSION no active session: there is no active session in `[root]/app/docs/maestro` -> call `get_session_status` to see whether there is a session in this workspace; `create_session` begins one
    record_error: NO_SESSION no active session: there is no active session in `[root]/app/docs/maestro` -> call `get_session_status` to see whether there is a session in this workspace; `create_session` begins one
    abort_session: NO_SESSION no active session: there is no active session in `[root]/app/docs/maestro` -> call `get_session_status` to see whether there is a session in this workspace; `create_session` begins one
    ");
    assert_snapshot!(refused(&fixture, &mut client, "get_next_phases", json!({})), @r#"
    ERROR {
      "error": "no active session: there is no active session in `[root]/app/docs/maestro`",
      "code": "NO_SESSION",
      "recovery_hint": "call `get_session_status` to see whether there is a session in this workspace; `create_session` begins one"
    }
    "#);
}

#[test]
fn another_session_is_not_the_one_that_is_meant() {
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    client.ok("create_session", create("2026-01-16-other"));
    assert_snapshot!(each_refused(&fixture, &mut client, |_| true), @"
    fail_phase: STATE_ERROR Session ID mismatch: active session is `2026-01-16-other`, not `2026-01-15-rate-limiter` -> call `get_session_status` for the id of the active session, and check that the workspace is the right one
    retry_phase: STATE_ERROR Session ID mismatch: active session is `2026-01-16-other`, not `2026-01-15-rate-limiter` -> call `get_session_status` for the id of the active session, and check that the workspace is the right one
    skip_phase: STATE_ERROR Session ID mismatch: active session is `2026-01-16-other`, not `2026-01-15-rate-limiter` -> call `get_session_status` for the id of the active session, and check that the workspace is the right one
    redelegate_phase: STATE_ERROR Session ID mismatch: active session is `2026-01-16-other`, not `2026-01-15-rate-limiter` -> call `get_session_status` for the id of the active session, and check that the workspace is the right one
    adjust_phase: STATE_ERROR Session ID mismatch: active session is `2026-01-16-other`, not `2026-01-15-rate-limiter` -> call `get_session_status` for the id of the active session, and check that the workspace is the right one
    record_error: STATE_ERROR Session ID mismatch: active session is `2026-01-16-other`, not `2026-01-15-rate-limiter` -> call `get_session_status` for the id of the active session, and check that the workspace is the right one
    abort_session: STATE_ERROR Session ID mismatch: active session is `2026-01-16-other`, not `2026-01-15-rate-limiter` -> call `get_session_status` for the id of the active session, and check that the workspace is the right one
    ");
    assert_snapshot!(refused(&fixture, &mut client, "get_next_phases", json!({})), @r#"
    ERROR {
      "error": "Session ID mismatch: active session is `2026-01-16-other`, not `2026-01-15-rate-limiter`",
      "code": "STATE_ERROR",
      "recovery_hint": "call `get_session_status` for the id of the active session, and check that the workspace is the right one",
      "details": {
        "active_session_id": "2026-01-16-other",
        "reason": "OTHER_SESSION",
        "requested_session_id": "2026-01-15-rate-limiter"
      }
    }
    "#);
}

#[test]
fn in_a_session_that_has_ended_nothing_happens() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    client.of_session("abort_session", json!({ "user_decided": true }));
    assert_snapshot!(each_refused(&fixture, &mut client, |_| true), @"
    fail_phase: SESSION_ENDED the session is aborted -> call `archive_session`, then begin another with `create_session`
    retry_phase: SESSION_ENDED the session is aborted -> call `archive_session`, then begin another with `create_session`
    skip_phase: SESSION_ENDED the session is aborted -> call `archive_session`, then begin another with `create_session`
    redelegate_phase: SESSION_ENDED the session is aborted -> call `archive_session`, then begin another with `create_session`
    adjust_phase: SESSION_ENDED the session is aborted -> call `archive_session`, then begin another with `create_session`
    record_error: SESSION_ENDED the session is aborted -> call `archive_session`, then begin another with `create_session`
    abort_session: SESSION_ENDED the session is aborted -> call `archive_session`, then begin another with `create_session`
    ");
}

#[test]
fn a_phase_that_is_not_there_is_told_with_those_that_are() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    for (tool, mut arguments) in each_change().into_iter().filter(is_of_a_phase) {
        arguments["phase_id"] = json!(9);
        let called = refused(&fixture, &mut client, tool, arguments);
        allow_duplicates!(assert_snapshot!(called, @r#"
        ERROR {
          "error": "Phase not found: 9",
          "code": "NOT_FOUND",
          "recovery_hint": "call `get_session_status` to verify the session and its phase ids",
          "details": {"known_phase_ids":[1,2,3,"review"],"phase_id":9,"reason":"PHASE_NOT_FOUND"}
        }
        "#));
    }
}

#[test]
fn what_does_not_fit_the_status_is_told_with_what_would() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let pending = json!({ "phase_id": 2, "message": "gave up" });
    assert_snapshot!(refused(&fixture, &mut client, "fail_phase", pending.clone()), @r#"
    ERROR {
      "error": "phase 2 cannot fail: it is pending",
      "code": "ILLEGAL_TRANSITION",
      "recovery_hint": "start it with `transition_phase` (`next_phase_id`), or `skip_phase` if the user decided so",
      "details": {"event":"fail","legal_events":["start","skip"],"phase_id":2,"status":"pending"}
    }
    "#);
    assert_snapshot!(refused(&fixture, &mut client, "retry_phase", json!({ "phase_id": 1 })), @r#"
    ERROR {
      "error": "phase 1 cannot retry: it is in_progress",
      "code": "ILLEGAL_TRANSITION",
      "recovery_hint": "complete it with `transition_phase` (`completed_phase_id`), or record with `fail_phase` that it failed",
      "details": {
        "event": "retry",
        "legal_events": ["complete","fail","redelegate"],
        "phase_id": 1,
        "status": "in_progress"
      }
    }
    "#);
    let skip = json!({ "phase_id": 1, "user_decided": true });
    assert_snapshot!(refused(&fixture, &mut client, "skip_phase", skip.clone()), @r#"
    ERROR {
      "error": "phase 1 cannot skip: it is in_progress",
      "code": "ILLEGAL_TRANSITION",
      "recovery_hint": "complete it with `transition_phase` (`completed_phase_id`), or record with `fail_phase` that it failed",
      "details": {"event":"skip","legal_events":["complete","fail","redelegate"],"phase_id":1,"status":"in_progress"}
    }
    "#);
    let again = json!({ "phase_id": 2 });
    assert_snapshot!(refused(&fixture, &mut client, "redelegate_phase", again), @r#"
    ERROR {
      "error": "phase 2 cannot redelegate: it is pending",
      "code": "ILLEGAL_TRANSITION",
      "recovery_hint": "start it with `transition_phase` (`next_phase_id`), or `skip_phase` if the user decided so",
      "details": {"event":"redelegate","legal_events":["start","skip"],"phase_id":2,"status":"pending"}
    }
    "#);
    assert_snapshot!(refused(&fixture, &mut client, "record_error", pending), @r#"
    ERROR {
      "error": "no error of phase 2 can be recorded: it is pending",
      "code": "ERROR_NOT_RECORDABLE",
      "recovery_hint": "start it first with `transition_phase` (`next_phase_id`)"
    }
    "#);
    client.ok("transition_phase", json!({ "completed_phase_id": 1 }));
    assert_snapshot!(each_refused(&fixture, &mut client, is_of_a_phase), @"
    fail_phase: ILLEGAL_TRANSITION phase 1 cannot fail: it is completed -> a completed phase is history; `reconcile_phase` adds to its record
    retry_phase: ILLEGAL_TRANSITION phase 1 cannot retry: it is completed -> a completed phase is history; `reconcile_phase` adds to its record
    skip_phase: ILLEGAL_TRANSITION phase 1 cannot skip: it is completed -> a completed phase is history; `reconcile_phase` adds to its record
    redelegate_phase: ILLEGAL_TRANSITION phase 1 cannot redelegate: it is completed -> a completed phase is history; `reconcile_phase` adds to its record
    adjust_phase: NOT_ADJUSTABLE phase 1 cannot be adjusted: it is completed -> what has been completed is history; adjust a phase that depends on it
    record_error: ERROR_NOT_RECORDABLE no error of phase 1 can be recorded: it is completed -> name a phase that is in progress or failed; `reconcile_phase` adds to the record of a completed one
    ");
    client.ok("skip_phase", json!({ "phase_id": 2, "user_decided": true }));
    let again = json!({ "phase_id": 2 });
    assert_snapshot!(refused(&fixture, &mut client, "retry_phase", again), @r#"
    ERROR {
      "error": "phase 2 cannot retry: it is skipped",
      "code": "ILLEGAL_TRANSITION",
      "recovery_hint": "a skipped phase stays skipped; `undo_operation` takes the skip back",
      "details": {"event":"retry","legal_events":[],"phase_id":2,"status":"skipped"}
    }
    "#);
}

#[test]
fn a_failure_without_a_word_is_none() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    for arguments in [
        json!({ "phase_id": 1 }),
        json!({ "phase_id": 1, "message": " \n" }),
        json!({ "phase_id": 1, "report": "# Heading\n" }),
    ] {
        let called = refused(&fixture, &mut client, "fail_phase", arguments);
        allow_duplicates!(assert_snapshot!(called, @r#"
        ERROR {
          "error": "the error record of phase 1 lacks a message",
          "code": "ERROR_INCOMPLETE",
          "recovery_hint": "say who failed (`agent`) and what went wrong (`message`)"
        }
        "#));
    }
    let blank = json!({ "phase_id": 1, "message": " " });
    assert_snapshot!(refused(&fixture, &mut client, "record_error", blank), @r#"
    ERROR {
      "error": "the error record of phase 1 lacks a message",
      "code": "ERROR_INCOMPLETE",
      "recovery_hint": "say who failed (`agent`) and what went wrong (`message`)"
    }
    "#);
}

#[test]
fn a_failure_of_nobody_is_none() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let text = fixture.session_file();
    let path = "app/docs/maestro/state/active-session.md";
    let edited = text.replacen("    agents:\n      - \"coder\"\n", "    agents: []\n", 1);
    assert_ne!(edited, text);
    fixture.write(path, edited);
    client.ok(
        "update_session",
        json!({ "session_id": crate::fixture::SESSION, "current_batch": "b" }),
    );
    let failure = json!({ "phase_id": 1, "message": "gave up" });
    assert_snapshot!(refused(&fixture, &mut client, "fail_phase", failure.clone()), @r#"
    ERROR {
      "error": "the error record of phase 1 lacks an agent",
      "code": "ERROR_INCOMPLETE",
      "recovery_hint": "say who failed (`agent`) and what went wrong (`message`)"
    }
    "#);
    let named =
        client.of_session("fail_phase", json!({ "phase_id": 1, "message": "x", "agent": "coder" }));
    assert!(!named.is_error, "{named}");
}

#[test]
fn tokens_that_cannot_be_are_refused() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let tokens = json!({ "input": 1, "cached": 2 });
    let arguments = json!({ "phase_id": 1, "message": "gave up", "token_usage": tokens });
    assert_snapshot!(refused(&fixture, &mut client, "fail_phase", arguments), @r#"
    ERROR {
      "error": "2 cached input tokens are more than the 1 input tokens they are part of",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "give all input tokens as `input`, those read from a cache included",
      "details": {"field":"token_usage","reason":"BAD_TOKENS"}
    }
    "#);
}

#[test]
fn only_the_user_skips() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let arguments = json!({ "phase_id": 2, "user_decided": false, "reason": "too hard" });
    assert_snapshot!(refused(&fixture, &mut client, "skip_phase", arguments), @r#"
    ERROR {
      "error": "only the user may skip phase 2",
      "code": "USER_DECISION_REQUIRED",
      "recovery_hint": "ask the user; if the user decides so, call it again with `user_decided` true"
    }
    "#);
    let unsaid = json!({ "phase_id": 2 });
    assert_snapshot!(refused(&fixture, &mut client, "skip_phase", unsaid), @r#"
    ERROR {
      "error": "`user_decided`: missing field",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "correct the arguments of `skip_phase`; its input schema has each of them, with an example",
      "details": {"field":"user_decided","tool":"skip_phase"}
    }
    "#);
}

#[test]
fn an_agent_that_is_disabled_is_not_assigned() {
    let fixture = Fixture::new().with("MAESTRO_DISABLED_AGENTS", "refactor");
    let mut client = fixture.begun();
    let again = json!({ "phase_id": 1, "agent": "refactor" });
    assert_snapshot!(refused(&fixture, &mut client, "redelegate_phase", again), @r#"
    ERROR {
      "error": "agent `refactor` of phase 1 is disabled",
      "code": "AGENT_DISABLED",
      "recovery_hint": "assign another agent with `adjust_phase`; the user decides in MAESTRO_DISABLED_AGENTS who is disabled"
    }
    "#);
    let adjust = json!({ "phase_id": 2, "agents": ["refactor"] });
    assert_snapshot!(refused(&fixture, &mut client, "adjust_phase", adjust), @r#"
    ERROR {
      "error": "the plan would break a rule: phase 2 is given to `refactor`, which is disabled",
      "code": "PLAN_VIOLATED",
      "recovery_hint": "`validate_plan` explains the rules of a plan",
      "details": {
        "violations": [
          {
            "detail": "phase 2 is given to `refactor`, which is disabled",
            "hint": "choose another agent, or take it out of MAESTRO_DISABLED_AGENTS",
            "phase_id": 2,
            "rule": "disabled_agent",
            "severity": "error"
          }
        ]
      }
    }
    "#);
}

#[test]
fn an_adjustment_keeps_the_rules_of_a_plan() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let mut adjust = |mut changes: Value| {
        changes["phase_id"] = json!(2);
        refused(&fixture, &mut client, "adjust_phase", changes)
    };
    assert_snapshot!(adjust(json!({})), @r#"
    ERROR {
      "error": "nothing is to be adjusted in phase 2",
      "code": "NOTHING_TO_ADJUST",
      "recovery_hint": "name what is to change: `name`, `agents`, `blocked_by`, `planned_files`"
    }
    "#);
    assert_snapshot!(adjust(json!({ "blocked_by": ["review"] })), @r#"
    ERROR {
      "error": "the plan would break a rule: phases wait for each other in a circle: 2 → review → 2",
      "code": "PLAN_VIOLATED",
      "recovery_hint": "`validate_plan` explains the rules of a plan",
      "details": {
        "violations": [
          {
            "detail": "phases wait for each other in a circle: 2 → review → 2",
            "hint": "remove one of these blockers",
            "phase_id": 2,
            "rule": "cyclic_dependency",
            "severity": "error"
          }
        ]
      }
    }
    "#);
    assert_snapshot!(adjust(json!({ "blocked_by": [7] })), @r#"
    ERROR {
      "error": "the plan would break a rule: phase 2 waits for 7, which is no phase",
      "code": "PLAN_VIOLATED",
      "recovery_hint": "`validate_plan` explains the rules of a plan",
      "details": {
        "violations": [
          {
            "detail": "phase 2 waits for 7, which is no phase",
            "hint": "the phases are 1, 2, 3, review",
            "phase_id": 2,
            "rule": "dangling_dependency",
            "severity": "error"
          }
        ]
      }
    }
    "#);
    assert_snapshot!(adjust(json!({ "planned_files": ["docs/limits.md"] })), @r#"
    ERROR {
      "error": "the plan would break a rule: `docs/limits.md` belongs to phases 2 and 3, which may run at the same time",
      "code": "PLAN_VIOLATED",
      "recovery_hint": "`validate_plan` explains the rules of a plan",
      "details": {
        "violations": [
          {
            "detail": "`docs/limits.md` belongs to phases 2 and 3, which may run at the same time",
            "hint": "let one wait for the other (`Blocked by: 2` in phase 3), or give the file to one of them",
            "phase_id": 3,
            "rule": "file_overlap",
            "severity": "error"
          }
        ]
      }
    }
    "#);
    assert_snapshot!(adjust(json!({ "planned_files": ["src/mw.rs", "../outside.rs"] })), @r#"
    ERROR {
      "error": "`planned_files[1]`: `../outside.rs` lies outside the workspace",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "give paths relative to the workspace, or absolute ones inside it",
      "details": {"field":"planned_files[1]"}
    }
    "#);
    assert_snapshot!(adjust(json!({ "name": " " })), @r#"
    ERROR {
      "error": "the plan would break a rule: phase 2 has no name",
      "code": "PLAN_VIOLATED",
      "recovery_hint": "`validate_plan` explains the rules of a plan",
      "details": {
        "violations": [
          {
            "detail": "phase 2 has no name",
            "hint": "say in a few words what the step is",
            "phase_id": 2,
            "rule": "empty_name",
            "severity": "error"
          }
        ]
      }
    }
    "#);
    assert_snapshot!(adjust(json!({ "agents": [] })), @r#"
    ERROR {
      "error": "the plan would break a rule: phase 2 has no agent",
      "code": "PLAN_VIOLATED",
      "recovery_hint": "`validate_plan` explains the rules of a plan",
      "details": {
        "violations": [
          {
            "detail": "phase 2 has no agent",
            "hint": "name who carries it out",
            "phase_id": 2,
            "rule": "no_agent",
            "severity": "error"
          }
        ]
      }
    }
    "#);
}

#[test]
fn a_retry_waits_for_a_free_slot() {
    let fixture = Fixture::new().with("MAESTRO_MAX_CONCURRENT", "1");
    let mut client = fixture.begun();
    client.ok("transition_phase", json!({ "completed_phase_id": 1, "next_phase_id": 2 }));
    client.ok("fail_phase", json!({ "phase_id": 2, "message": "gave up" }));
    client.ok("transition_phase", json!({ "next_phase_id": 3 }));
    let retry = json!({ "phase_id": 2 });
    assert_snapshot!(refused(&fixture, &mut client, "retry_phase", retry), @r#"
    ERROR {
      "error": "no slot is free for phase 2: 1 of 1 in progress (3)",
      "code": "NO_FREE_SLOT",
      "recovery_hint": "complete or fail a phase in progress first; the user can raise MAESTRO_MAX_CONCURRENT",
      "details": {"limit":1,"phase_id":2,"running":[3]}
    }
    "#);
}

#[test]
fn a_session_file_that_cannot_be_read_is_told_with_what_was_recorded_last() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let path = "app/docs/maestro/state/active-session.md";
    fixture.write(
        path,
        fixture.session_file().replacen("status: \"in_progress\"", "status: \"on\"", 1),
    );
    assert_snapshot!(refused(&fixture, &mut client, "get_next_phases", json!({})), @r#"
    ERROR {
      "error": "`[root]/app/docs/maestro/state/active-session.md` is not a valid session: line 6, column 9: `status`: unknown variant `on`, expected one of `in_progress`, `completed`, `failed`, `aborted`",
      "code": "CORRUPT",
      "recovery_hint": "mend the file where the error points, or let `maestro doctor --fix` put the last recorded text back (what is there now goes to the quarantine); `archive_session` ends the session as it was recorded last",
      "details": {
        "last_recorded_at": "2026-01-15T10:00:00.000Z",
        "last_recorded_operation": 1,
        "session_id": "2026-01-15-rate-limiter"
      }
    }
    "#);
    let failure = json!({ "phase_id": 1, "message": "gave up" });
    assert_snapshot!(refused(&fixture, &mut client, "fail_phase", failure), @r#"
    ERROR {
      "error": "`[root]/app/docs/maestro/state/active-session.md` is not a valid session: line 6, column 9: `status`: unknown variant `on`, expected one of `in_progress`, `completed`, `failed`, `aborted`",
      "code": "CORRUPT",
      "recovery_hint": "correct `[root]/app/docs/maestro/state/active-session.md` by hand, or let `maestro doctor --fix` put the last recorded text back (what is there now goes to the quarantine); `archive_session` ends the session as it was recorded last",
      "details": {
        "last_recorded_at": "2026-01-15T10:00:00.000Z",
        "last_recorded_operation": 1,
        "session_id": "2026-01-15-rate-limiter"
      }
    }
    "#);
}
