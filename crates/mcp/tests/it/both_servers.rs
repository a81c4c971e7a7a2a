//! Taking turns with the Node server on one session, and going on with the sessions that it has left.

use insta::assert_snapshot;
use maestro_testutils::samples;
use serde_json::{Value, json};

use crate::both_servers::node::{Json, SESSION_FILE, Transition, read, replace, session};
use crate::fixture::{Client, Fixture, SESSION, create};

mod node;

/// A workspace where new sessions have JSON between the fences.
fn with_json() -> Fixture {
    Fixture::new().with("MAESTRO_FRONT_MATTER", "json")
}

fn text(value: &str) -> Json {
    Json::Text(value.to_owned())
}

/// A phase of the session, as the Node server reads it.
fn phase(fixture: &Fixture, index: usize) -> Json {
    session(fixture).get("phases").items()[index].clone()
}

#[test]
fn the_reader_of_the_node_server_reads_what_it_wrote_and_nothing_else() {
    for sample in samples() {
        let front = read(sample.text);
        assert_eq!(front.is_ok(), !sample.name.starts_with("v140"), "{}", sample.name);
        if let Ok((front, body)) = front {
            assert_eq!(node::written(&front, &body), sample.text, "{}", sample.name);
        }
    }
}

#[test]
fn a_new_session_is_one_that_the_node_server_can_read() {
    let fixture = with_json();
    let mut arguments = create(SESSION);
    arguments["task"] = json!("Über \"quotes\"\\, tabs\t, line\nfeeds, \u{1} and ---\n---\n, 日本");
    fixture.ready().ok("create_session", arguments.clone());
    let front = session(&fixture);
    assert_eq!(front.keys(), node::SESSION_KEYS);
    for phase in front.get("phases").items() {
        assert_eq!(phase.keys(), node::PHASE_KEYS[..15]);
    }
    assert_eq!(*front.get("task"), text(arguments["task"].as_str().unwrap()));
    assert_eq!(*front.get("status"), text("in_progress"));
    assert_eq!(*front.get("current_phase"), Json::Number(1));
    assert_eq!(*front.get("execution_backend"), text("native"));
    assert_eq!(*phase(&fixture, 0).get("status"), text("in_progress"));
    assert_eq!(phase(&fixture, 3).get("blocked_by").items(), [Json::Number(2), Json::Number(3)]);
}

/// What ends a line in YAML but not in JSON is written so that it is the same in both, and read as either writes it.
#[test]
fn separators_of_lines_are_the_same_for_both_servers() {
    let fixture = with_json();
    let mut arguments = create(SESSION);
    arguments["task"] = json!("one\u{2028}two\u{2029}three\u{85}four");
    let mut client = fixture.ready();
    client.ok("create_session", arguments.clone());
    let (front, _) = read(&fixture.session_file()).unwrap();
    assert_eq!(*front.get("task"), text(arguments["task"].as_str().unwrap()));
    replace(&fixture, &front);
    assert!(fixture.session_file().contains('\u{2028}'));
    let status = client.ok("get_session_status", json!({}));
    assert_eq!(status["task"], arguments["task"]);
}

#[test]
fn without_the_setting_a_new_session_is_yaml() {
    let fixture = Fixture::new();
    fixture.begun();
    assert!(fixture.session_file().starts_with("---\nsession_id: \"2026-01-15-rate-limiter\"\n"));
}

/// Calls of every tool that changes a session, in an order in which each can be made.
fn every_change() -> Vec<(&'static str, Value)> {
    let context = json!({ "warnings": ["not \"async\"-safe", "--- is no fence"] });
    vec![
        (
            "record_error",
            json!({ "phase_id": 1, "message": "no network", "error_type": "timeout" }),
        ),
        (
            "fail_phase",
            json!({ "phase_id": 1, "message": "gave\nup", "report": "---\nHalf done.\n---\n" }),
        ),
        ("retry_phase", json!({ "phase_id": 1, "resolution": "again" })),
        ("redelegate_phase", json!({ "phase_id": 1, "agent": "refactor", "reason": "crash" })),
        (
            "adjust_phase",
            json!({ "phase_id": 3, "name": "Guide", "planned_files": ["docs/guide.md"] }),
        ),
        (
            "transition_phase",
            json!({
                "completed_phase_id": 1, "next_phase_ids": [2, 3], "batch_id": "b-1", "downstream_context": context,
                "files_created": ["src/bucket.rs"], "token_usage": { "input": 9, "output": 4, "cached": 2 },
            }),
        ),
        ("update_session", json!({ "execution_mode": "parallel", "current_batch": null })),
        ("transition_phase", json!({ "completed_phase_id": 2 })),
        (
            "reconcile_phase",
            json!({ "phase_id": 2, "files_modified": ["src/mw.rs"], "reason": "found by scan" }),
        ),
        ("fail_phase", json!({ "phase_id": 3, "message": "gave up" })),
        ("skip_phase", json!({ "phase_id": 3, "user_decided": true, "reason": "later" })),
        ("undo_operation", json!({})),
        ("abort_session", json!({ "user_decided": true, "reason": "enough" })),
    ]
}

#[test]
fn json_stays_as_the_node_server_writes_it_whatever_the_tool() {
    let fixture = with_json();
    fixture.begun().end();
    // Another server, which does not have the setting.
    let fixture = fixture.with("MAESTRO_FRONT_MATTER", "yaml");
    let mut client = fixture.client();
    for (tool, arguments) in every_change() {
        let before = fixture.session_file();
        let called = client.of_session(tool, arguments);
        assert!(!called.is_error, "{tool}: {called}");
        assert_ne!(fixture.session_file(), before, "{tool}");
        session(&fixture);
    }
    assert_snapshot!(phase(&fixture, 0), @r#"
    {
      "id": 1,
      "name": "Core bucket",
      "status": "completed",
      "agents": [
        "refactor"
      ],
      "parallel": false,
      "started": "2026-01-15T10:00:00.000Z",
      "completed": "2026-01-15T10:00:21.000Z",
      "blocked_by": [],
      "files_created": [
        "src/bucket.rs"
      ],
      "files_modified": [],
      "files_deleted": [],
      "planned_files": [
        "src/bucket.rs"
      ],
      "downstream_context": {
        "key_interfaces_introduced": [],
        "patterns_established": [],
        "integration_points": [],
        "assumptions": [],
        "warnings": [
          "not \"async\"-safe",
          "--- is no fence"
        ]
      },
      "errors": [
        {
          "agent": "coder",
          "timestamp": "2026-01-15T10:00:05.000Z",
          "type": "timeout",
          "message": "no network",
          "resolution": "retry 1 of 2; phase completed",
          "resolved": true
        },
        {
          "agent": "coder",
          "timestamp": "2026-01-15T10:00:08.000Z",
          "type": "runtime",
          "message": "gave\nup",
          "resolution": "retry 1 of 2; phase completed",
          "resolved": true
        },
        {
          "agent": "coder",
          "timestamp": "2026-01-15T10:00:11.000Z",
          "type": "runtime",
          "message": "retry 1 of 2 after: gave\nup",
          "resolution": "again; phase completed",
          "resolved": true
        }
      ],
      "retry_count": 1,
      "requires_reconciliation": false
    }
    "#);
}

#[test]
fn both_servers_take_turns_on_one_session() {
    let fixture = with_json();
    let mut ours = fixture.begun();
    Transition {
        completed: 1,
        next: Json::Number(2),
        files_created: &["src/bucket.rs", "./src/clock.rs"],
        warnings: &["not async-safe"],
        tokens: 900,
        now: "2026-01-15T12:00:00.000Z",
    }
    .carry_out(&fixture);
    let status = ours.ok("get_session_status", json!({}));
    assert_eq!(status["current_phase"], 2);
    assert_eq!(status["token_usage"]["total_input"], 900);
    // Ours on theirs.
    ours.ok("fail_phase", json!({ "phase_id": 2, "message": "gave up" }));
    ours.ok("retry_phase", json!({ "phase_id": 2 }));
    let tokens = json!({ "input": 100, "output": 10 });
    let context = json!({ "integration_points": "layer()" });
    let done = json!({
        "completed_phase_id": 2, "next_phase_id": 3, "files_modified": ["src/mw.rs"],
        "downstream_context": context, "token_usage": tokens,
    });
    ours.ok("transition_phase", done);
    let first = phase(&fixture, 0);
    assert_eq!(*first.get("files_created"), Json::texts(&["src/bucket.rs", "./src/clock.rs"]));
    assert_eq!(*first.get("completed"), text("2026-01-15T12:00:00.000Z"));
    // Theirs on ours: it has kept what only we know of.
    Transition {
        completed: 3,
        next: text("review"),
        files_created: &[],
        warnings: &[],
        tokens: 50,
        now: "2026-01-15T13:00:00.000Z",
    }
    .carry_out(&fixture);
    let second = phase(&fixture, 1);
    assert_eq!(*second.get("retry_count"), Json::Number(1));
    assert_eq!(second.get("errors").items().len(), 2);
    assert_eq!(*second.get("files_modified"), Json::texts(&["src/mw.rs"]));
    // And to the end.
    let report = ours.ok("get_resume_report", json!({}));
    assert_eq!(report["next_step"], "redelegate");
    let reconciled = ours.of_session(
        "reconcile_phase",
        json!({ "phase_id": 3, "files_created": ["docs/limits.md"] }),
    );
    assert!(!reconciled.is_error, "{reconciled}");
    let end = json!({ "completed_phase_id": "review", "downstream_context": context });
    assert_eq!(ours.ok("transition_phase", end)["ready_to_archive"], true);
    assert_snapshot!(session(&fixture).get("token_usage"), @r#"
    {
      "total_input": 1050,
      "total_output": 10,
      "total_cached": 0,
      "by_agent": {
        "coder": {
          "input": 100,
          "output": 10,
          "cached": 0
        }
      }
    }
    "#);
    let log = ours.ok("get_session_log", json!({}));
    let log = log["entries"].as_array().unwrap().iter().map(|entry| {
        let of = |name: &str| entry[name].as_str().unwrap_or("-").to_owned();
        format!("{} {}: {}", of("actor"), of("command"), of("summary")).trim_end().to_owned()
    });
    assert_snapshot!(log.collect::<Vec<_>>().join("\n"), @"
    mcp create: Add a token bucket rate limiter
    external external_edit:
    mcp fail: gave up
    mcp retry:
    mcp transition: 1 modified, starts 3
    external external_edit:
    mcp reconcile: 1 created
    mcp transition:
    ");
    ours.ok("archive_session", json!({ "session_id": SESSION }));
    let archived = fixture.text("app/docs/maestro/state/archive/2026-01-15-rate-limiter.md");
    let (front, _) = read(&archived).unwrap();
    assert_eq!(*front.get("status"), text("completed"));
}

/// W03, W05: what it can do to a session that no rule allows is kept, told, and in nobody's way.
#[test]
fn a_rule_that_the_node_server_broke_is_told_and_holds_up_only_what_it_touches() {
    let fixture = with_json();
    let mut ours = fixture.begun();
    // A phase is completed whose blockers are not done, and the current one is where it was.
    Transition {
        completed: 2,
        next: Json::Number(1),
        files_created: &[],
        warnings: &["hasty"],
        tokens: -5,
        now: "2026-01-15T12:00:00.000Z",
    }
    .carry_out(&fixture);
    assert_snapshot!(ours.call("get_session_status", json!({})), @r#"
    ERROR {
      "error": "`[root]/app/docs/maestro/state/active-session.md` is not a valid session: line 18, column 20: `token_usage.total_input`: invalid type: integer `-5`, expected u64",
      "code": "CORRUPT",
      "recovery_hint": "mend the file where the error points, or let `maestro doctor --fix` put the last recorded text back (what is there now goes to the quarantine); `archive_session` ends the session as it was recorded last",
      "details": {
        "last_recorded_at": "2026-01-15T10:00:00.000Z",
        "last_recorded_operation": 1,
        "session_id": "2026-01-15-rate-limiter"
      }
    }
    "#);
    fixture.write(
        SESSION_FILE,
        fixture.session_file().replace("\"total_input\": -5", "\"total_input\": 0"),
    );
    let status = ours.ok("get_session_status", json!({}));
    assert_eq!(status["phases"][1]["status"], "completed");
    let done = json!({ "completed_phase_id": 1, "downstream_context": { "warnings": "x" } });
    ours.ok("transition_phase", done);
    session(&fixture);
}

/// W11: a value of a wrong type, which it stores, is told with its place; nothing is overwritten.
#[test]
fn a_value_of_a_wrong_type_is_told_with_its_place() {
    let fixture = with_json();
    let mut ours = fixture.begun();
    let mut front = session(&fixture);
    let mut phases = front.get("phases").items().to_vec();
    phases[0].set("files_created", text("src/a.rs"));
    front.set("phases", Json::List(phases));
    replace(&fixture, &front);
    let before = fixture.snapshot();
    let failure = json!({ "phase_id": 1, "message": "gave up" });
    assert_snapshot!(ours.call("fail_phase", failure), @r#"
    ERROR {
      "error": "`[root]/app/docs/maestro/state/active-session.md` is not a valid session: line 35, column 24: `phases[0].files_created`: invalid type: string \"src/a.rs\", expected a sequence",
      "code": "CORRUPT",
      "recovery_hint": "correct `[root]/app/docs/maestro/state/active-session.md` by hand, or let `maestro doctor --fix` put the last recorded text back (what is there now goes to the quarantine); `archive_session` ends the session as it was recorded last",
      "details": {
        "last_recorded_at": "2026-01-15T10:00:00.000Z",
        "last_recorded_operation": 1,
        "session_id": "2026-01-15-rate-limiter"
      }
    }
    "#);
    assert_eq!(ours.code("create_session", create("2026-01-16-next")), "CORRUPT");
    assert_eq!(fixture.snapshot(), before);
}

// Sessions that it left.

/// Goes on with the session to the archive, as a model would that asks how it goes on.
fn go_on(client: &mut Client, mut after_each: impl FnMut()) {
    for _ in 0..30 {
        let report = client.ok("get_resume_report", json!({}));
        if report["exists"] == false {
            return;
        }
        let status = client.ok("get_session_status", json!({}));
        let running = status["phases"].as_array().unwrap().iter();
        let running = running.filter(|phase| phase["status"] == "in_progress");
        let running: Vec<Value> = running.map(|phase| phase["id"].clone()).collect();
        match report["next_step"].as_str().unwrap() {
            "redelegate" => {
                for id in running {
                    let context = json!({ "patterns_established": ["so it goes on"] });
                    let done = json!({
                        "completed_phase_id": id, "files_created": ["src/new.rs"], "downstream_context": context,
                        "token_usage": { "input": 10, "output": 5, "cached": 1 },
                    });
                    client.ok("transition_phase", done);
                    after_each();
                }
            }
            "choose" => panic!("nothing has failed: {report}"),
            _ => {
                for call in report["calls"].as_array().unwrap() {
                    let mut arguments = call["arguments"].clone();
                    if arguments.get("files_created").is_some() {
                        arguments["files_created"] = json!(["src/found.rs"]);
                    }
                    let tool = call["tool"].as_str().unwrap();
                    client.ok(tool, arguments);
                    if tool != "archive_session" {
                        after_each();
                    }
                }
            }
        }
    }
    panic!("it goes on and on");
}

#[test]
fn every_session_of_the_node_server_goes_on_to_the_archive() {
    for sample in samples() {
        let fixture = Fixture::new().having(SESSION_FILE, sample.text);
        let mut client = fixture.ready();
        let id = client.ok("get_session_status", json!({}))["session_id"].clone();
        let is_json = read(sample.text).is_ok();
        go_on(&mut client, || {
            if is_json {
                session(&fixture);
            }
        });
        let id = id.as_str().unwrap();
        let archived = fixture.text(&format!("app/docs/maestro/state/archive/{id}.md"));
        assert_eq!(read(&archived).is_ok(), is_json, "{}:\n{archived}", sample.name);
        let status = if is_json { "\"status\": \"completed\"" } else { "status: completed" };
        assert!(archived.contains(status), "{}:\n{archived}", sample.name);
        client.ok("create_session", create("2026-01-16-next"));
    }
}

/// W24: a session whose archiving was interrupted is replaced by nobody.
#[test]
fn w24_a_session_that_says_that_it_is_completed_is_not_replaced() {
    for name in ["3-after-archive.md", "6-express-archived.md", "v140-3-after-archive.md"] {
        let sample = samples().into_iter().find(|sample| sample.name == name).unwrap();
        let fixture = Fixture::new().having(SESSION_FILE, sample.text);
        let mut client = fixture.ready();
        let called = client.call("create_session", create("2026-01-16-next"));
        assert_eq!(called.value["code"], "STATE_ERROR", "{called}");
        assert!(called.value["error"].as_str().unwrap().contains("already exists"), "{called}");
        assert_eq!(fixture.session_file(), sample.text);
        let id = called.value["details"]["active_session_id"].clone();
        client.ok("archive_session", json!({ "session_id": id }));
        client.ok("create_session", create("2026-01-16-next"));
    }
}

/// W09: what the Node server cannot read.
#[test]
fn w09_other_forms_of_the_front_matter_are_read_and_kept() {
    let sample =
        |name: &str| samples().into_iter().find(|sample| sample.name == name).unwrap().text;
    let json = sample("4-express-after-create.md");
    let forms = [
        ("YAML", sample("v140-1-after-create.md").to_owned(), 1),
        ("CRLF", json.replace('\n', "\r\n"), 1),
        ("BOM", format!("\u{feff}{json}"), 1),
        ("a blank after the fence", json.replacen("---\n", "--- \n", 1), 1),
        ("a trailing comma", json.replacen("\n}\n---", ",\n}\n---", 1), 1),
    ];
    for (form, text, phase) in forms {
        let fixture = Fixture::new().having(SESSION_FILE, &text);
        let mut client = fixture.ready();
        let status = client.ok("get_session_status", json!({}));
        assert_eq!(status["exists"], true, "{form}");
        assert_eq!(
            client.code("create_session", create("2026-01-16-next")),
            "STATE_ERROR",
            "{form}"
        );
        assert_eq!(fixture.session_file(), text, "{form}");
        let update = json!({ "session_id": status["session_id"], "current_batch": "b-1" });
        client.ok("update_session", update);
        client.ok("fail_phase", json!({ "phase_id": phase, "message": "gave up" }));
        let changed = fixture.session_file();
        assert_eq!(changed.contains("\r\n"), text.contains("\r\n"), "{form}");
        assert_eq!(changed.starts_with('\u{feff}'), text.starts_with('\u{feff}'), "{form}");
        client.ok("retry_phase", json!({ "phase_id": phase }));
        client.ok("archive_session", json!({ "session_id": status["session_id"] }));
    }
}

/// W09: what nobody can read is explained by every tool, and overwritten by none.
#[test]
fn w09_what_cannot_be_read_is_explained_and_never_overwritten() {
    let sample = samples()[0].text;
    let forms = [
        "",
        "# Notes\n",
        "---\n[]\n---\n",
        &sample[..sample.len() / 2],
        "---\n{\"session_id\": }\n---\n",
    ];
    for text in forms {
        let fixture = Fixture::new();
        let mut client = fixture.ready();
        fixture.write(SESSION_FILE, text);
        client.code("fail_phase", json!({ "phase_id": 1, "message": "makes the lock's file" }));
        let before = fixture.snapshot();
        let session = json!({ "session_id": SESSION });
        for (tool, arguments) in [
            ("get_session_status", json!({})),
            ("create_session", create(SESSION)),
            ("update_session", json!({ "session_id": SESSION, "current_batch": "b" })),
            ("transition_phase", json!({ "session_id": SESSION, "completed_phase_id": 1 })),
            ("get_resume_report", session),
        ] {
            let called = client.call(tool, arguments);
            assert_eq!(called.value["code"], "CORRUPT", "{tool}: {called}");
            assert!(called.value["recovery_hint"].is_string(), "{tool}: {called}");
        }
        assert_eq!(fixture.snapshot(), before);
        // And it is in nobody's way: the archive takes it as it is, under the id that is told.
        let called = client.call("archive_session", json!({ "session_id": SESSION }));
        if called.is_error {
            let id = called.value["details"]["active_session_id"].clone();
            client.ok("archive_session", json!({ "session_id": id }));
        }
        client.ok("create_session", create("2026-01-16-next"));
    }
}
