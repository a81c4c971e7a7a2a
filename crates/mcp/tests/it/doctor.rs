//! What the doctor finds, who puts it in order, and that looking changes nothing.

use insta::assert_snapshot;
use serde_json::json;

use crate::fixture::{Called, Client, Fixture};

const SESSION_FILE: &str = "app/docs/maestro/state/active-session.md";

const JOURNAL: &str = "app/docs/maestro/state/journal/2026-01-15-rate-limiter.jsonl";

/// Asks the doctor, who changes nothing.
fn examined(fixture: &Fixture, client: &mut Client) -> Called {
    let before = fixture.snapshot();
    let called = client.call("run_doctor", json!({}));
    assert!(!called.is_error, "{called}");
    assert_eq!(fixture.snapshot(), before, "looking changes nothing");
    called
}

#[test]
fn a_sound_state_dir_is_healthy() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    assert_snapshot!(examined(&fixture, &mut client), @r#"
    {
      "healthy": true,
      "initialised": true,
      "state_dir": "docs/maestro",
      "findings": []
    }
    "#);
}

#[test]
fn a_workspace_without_a_state_dir_is_told_so() {
    let fixture = Fixture::new();
    let mut client = fixture.client();
    let before = fixture.snapshot();
    assert_snapshot!(client.call("run_doctor", json!({ "workspace_path": fixture.app() })), @r#"
    {
      "healthy": true,
      "initialised": false,
      "state_dir": "docs/maestro",
      "findings": []
    }
    "#);
    assert_eq!(fixture.snapshot(), before);
    assert_eq!(client.code("run_doctor", json!({})), "WORKSPACE_NOT_INITIALIZED");
}

#[test]
fn a_damaged_session_file_is_for_a_repair() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    fixture.write(SESSION_FILE, "---\nstatus: [\n---\n");
    assert_snapshot!(examined(&fixture, &mut client), @r#"
    {
      "healthy": false,
      "initialised": true,
      "state_dir": "docs/maestro",
      "findings": [
        {
          "code": "SESSION_FILE_CORRUPT",
          "message": "the session file cannot be read",
          "because": [
            "`[root]/app/docs/maestro/state/active-session.md` is not a valid session",
            "line 2, column 9: `status`: invalid type: sequence, expected a YAML tag starting with '!'"
          ],
          "path": "docs/maestro/state/active-session.md",
          "remedy": "by_repair",
          "advice": "moves it to the quarantine and writes the last recorded text; or mend it yourself, where the error points"
        }
      ],
      "recovery_hint": "tell the user; `maestro doctor --fix` repairs what needs no judgement, and deletes nothing"
    }
    "#);
    // Which is what the others point to.
    assert_snapshot!(client.call("get_session_status", json!({})), @r#"
    ERROR {
      "error": "`[root]/app/docs/maestro/state/active-session.md` is not a valid session: line 2, column 9: `status`: invalid type: sequence, expected a YAML tag starting with '!'",
      "code": "CORRUPT",
      "recovery_hint": "mend the file where the error points, or let `maestro doctor --fix` put the last recorded text back (what is there now goes to the quarantine); `archive_session` ends the session as it was recorded last",
      "details": {
        "last_recorded_at": "2026-01-15T10:00:00.000Z",
        "last_recorded_operation": 1,
        "session_id": "2026-01-15-rate-limiter"
      }
    }
    "#);
}

#[test]
fn a_missing_session_file_is_for_a_repair() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    fs_err::remove_file(fixture.path(SESSION_FILE)).unwrap();
    let found = examined(&fixture, &mut client);
    assert_eq!(found.value["findings"][0]["code"], "SESSION_FILE_MISSING", "{found}");
    assert_eq!(found.value["findings"][0]["remedy"], "by_repair");
    assert_eq!(found.value["healthy"], false);
    assert_snapshot!(client.call("get_session_status", json!({})), @r#"
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
}

#[test]
fn a_torn_journal_is_put_in_order_by_the_next_call() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let torn = fixture.text(JOURNAL) + "{\"v\":1,\"seq\":4";
    fixture.write(JOURNAL, torn);
    assert_snapshot!(examined(&fixture, &mut client), @r#"
    {
      "healthy": true,
      "initialised": true,
      "state_dir": "docs/maestro",
      "findings": [
        {
          "code": "JOURNAL_TORN",
          "message": "the journal ends in the middle of a line, which no command was told is written",
          "because": [],
          "path": "docs/maestro/state/active-session.md",
          "remedy": "by_itself",
          "advice": "the next command that changes something cuts it off"
        }
      ]
    }
    "#);
    client.ok("fail_phase", json!({ "phase_id": 1, "message": "gave up" }));
    let found = examined(&fixture, &mut client);
    assert_eq!(found.value["findings"], json!([]), "{found}");
}

#[test]
fn a_damaged_session_file_without_a_journal_is_for_a_person() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    fs_err::remove_file(fixture.path(JOURNAL)).unwrap();
    fixture.write(SESSION_FILE, "---\nsession_id: 2026-01-15-mine\nstatus: [\n---\n");
    assert_snapshot!(examined(&fixture, &mut client), @r#"
    {
      "healthy": false,
      "initialised": true,
      "state_dir": "docs/maestro",
      "findings": [
        {
          "code": "SESSION_FILE_CORRUPT",
          "message": "the session file cannot be read",
          "because": [
            "`[root]/app/docs/maestro/state/active-session.md` is not a valid session",
            "line 3, column 9: `status`: invalid type: sequence, expected a YAML tag starting with '!'"
          ],
          "path": "docs/maestro/state/active-session.md",
          "remedy": "by_person",
          "advice": "mend it where the error points; there is no journal to rebuild it from. `maestro archive --force` puts it away as it is"
        }
      ]
    }
    "#);
}

#[test]
fn what_was_set_aside_earlier_is_told() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    fixture.write("app/docs/maestro/state/quarantine/active-session.md", "# Notes\n");
    let found = examined(&fixture, &mut client);
    assert_eq!(found.value["healthy"], true);
    let expected = ["docs/maestro/state/quarantine/active-session.md"];
    assert_eq!(found.value["quarantine"], json!(expected));
}

#[test]
fn findings_of_several_kinds_are_told_the_most_pressing_first() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let tokens = json!({ "input": 900, "output": 80 });
    client.ok("fail_phase", json!({ "phase_id": 1, "message": "x", "token_usage": tokens }));
    // Totals that were edited, a temporary file of a process that was killed, and a rule that is broken.
    fixture.write("app/docs/maestro/state/.active-session.md.0.tmp", "half a session");
    let text = fixture.session_file().replacen("total_input: 900", "total_input: 7", 1);
    let text = text.replacen("    blocked_by:\n      - 2\n", "    blocked_by:\n      - 77\n", 1);
    fixture.write(SESSION_FILE, text);
    let found = examined(&fixture, &mut client);
    let findings = found.value["findings"].as_array().unwrap().iter().map(|finding| {
        let of = |name: &str| finding[name].as_str().unwrap_or("-").to_owned();
        format!(
            "{} {} {}\n  {}\n  {}",
            of("code"),
            of("remedy"),
            of("path"),
            of("message"),
            of("advice")
        )
    });
    assert_snapshot!(findings.collect::<Vec<_>>().join("\n"), @"
    EDIT_NOT_RECORDED by_itself docs/maestro/state/active-session.md
      the session file was edited by hand since the last operation
      the next command that changes something records the edit
    TEMP_FILE by_repair docs/maestro/state/.active-session.md.0.tmp
      a temporary file was left behind
      moves it to the quarantine: it may be the only copy of something
    TOTALS_DISAGREE by_repair docs/maestro/state/active-session.md
      the token totals are less than what the agents used
      makes them what the agents used
    RULE_BROKEN by_person docs/maestro/state/active-session.md
      phase review waits for 77, which is no phase
      correct it in the session file; until then it stands in the way of what it touches only
    ");
    assert_eq!(found.value["healthy"], false);
}
