//! The design gate: `enter_design_gate`, `record_design_approval` and `get_design_gate_status`.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fixture::{Fixture, SESSION, create};

fn id() -> Value {
    json!({ "session_id": SESSION })
}

fn gate_file() -> String {
    format!("app/docs/maestro/state/{SESSION}.design-gate.json")
}

#[test]
fn a_gate_is_entered_once_and_approved() {
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    assert_snapshot!(client.call("get_design_gate_status", id()), @r#"
    {
      "session_id": null,
      "entered_at": null,
      "approved_at": null,
      "design_document_path": null
    }
    "#);
    assert_snapshot!(client.call("enter_design_gate", id()), @r#"
    {
      "success": true,
      "entered_at": "2026-01-15T10:00:01.000Z",
      "already_entered": false
    }
    "#);
    assert_snapshot!(client.call("get_design_gate_status", id()), @r#"
    {
      "session_id": "2026-01-15-rate-limiter",
      "entered_at": "2026-01-15T10:00:01.000Z",
      "approved_at": null,
      "design_document_path": null
    }
    "#);
    let before = fixture.snapshot();
    assert_snapshot!(client.call("enter_design_gate", id()), @r#"
    {
      "success": true,
      "entered_at": "2026-01-15T10:00:01.000Z",
      "already_entered": true
    }
    "#);
    assert!(fixture.snapshot() == before, "it is entered once");
    let approval = json!({ "design_document_path": "notes/design.md" });
    assert_snapshot!(client.of_session("record_design_approval", approval), @r#"
    {
      "success": true,
      "entered_at": "2026-01-15T10:00:01.000Z",
      "approved_at": "2026-01-15T10:00:04.000Z",
      "design_document_path": "notes/design.md"
    }
    "#);
    assert_snapshot!(client.call("get_design_gate_status", id()), @r#"
    {
      "session_id": "2026-01-15-rate-limiter",
      "entered_at": "2026-01-15T10:00:01.000Z",
      "approved_at": "2026-01-15T10:00:04.000Z",
      "design_document_path": "notes/design.md"
    }
    "#);
    assert_snapshot!(fixture.text(&gate_file()), @r#"
    {
      "session_id": "2026-01-15-rate-limiter",
      "entered_at": "2026-01-15T10:00:01.000Z",
      "approved_at": "2026-01-15T10:00:04.000Z",
      "design_document_path": "notes/design.md"
    }
    "#);
}

#[test]
fn a_design_may_be_approved_as_text_without_a_gate_and_again() {
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    let text = |text: &str| json!({ "design_document_content": text, "design_document_filename": "design.md" });
    assert_snapshot!(client.of_session("record_design_approval", text("# One\n")), @r#"
    {
      "success": true,
      "entered_at": "2026-01-15T10:00:01.000Z",
      "approved_at": "2026-01-15T10:00:01.000Z",
      "design_document_path": "docs/maestro/plans/design.md"
    }
    "#);
    assert_eq!(fixture.text("app/docs/maestro/plans/design.md"), "# One\n");
    // What was approved before is not overwritten, and counts no more.
    assert_snapshot!(client.of_session("record_design_approval", text("# Two\n")), @r#"
    {
      "success": true,
      "entered_at": "2026-01-15T10:00:01.000Z",
      "approved_at": "2026-01-15T10:00:03.000Z",
      "design_document_path": "docs/maestro/plans/design-2.md",
      "warnings": [
        "`docs/maestro/plans/design.md` is another document, so the design was written to `docs/maestro/plans/design-2.md`"
      ]
    }
    "#);
    assert_eq!(fixture.text("app/docs/maestro/plans/design.md"), "# One\n");
    assert_eq!(fixture.text("app/docs/maestro/plans/design-2.md"), "# Two\n");
}

#[test]
fn a_design_is_given_in_one_of_two_ways() {
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    let mut refused = |more: Value| {
        let mut arguments = id();
        for (name, value) in more.as_object().unwrap() {
            arguments[name] = value.clone();
        }
        fixture.refused(&mut client, "record_design_approval", arguments).to_string()
    };
    let (path, content, name) =
        ("design_document_path", "design_document_content", "design_document_filename");
    assert_snapshot!(refused(json!({})), @r#"
    ERROR {
      "error": "record_design_approval needs either design_document_path or both design_document_content and design_document_filename",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "give the path of the design document, or its text and a file name"
    }
    "#);
    assert_snapshot!(refused(json!({ path: "" })), @r#"
    ERROR {
      "error": "record_design_approval needs either design_document_path or both design_document_content and design_document_filename",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "give the path of the design document, or its text and a file name"
    }
    "#);
    assert_snapshot!(refused(json!({ content: "# D\n" })), @r#"
    ERROR {
      "error": "design_document_filename is required when design_document_content is given",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "give either `design_document_path`, or both `design_document_content` and `design_document_filename`",
      "details": {"field":"design_document_filename"}
    }
    "#);
    assert_snapshot!(refused(json!({ name: "d.md" })), @r#"
    ERROR {
      "error": "design_document_content is required when design_document_filename is given",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "give either `design_document_path`, or both `design_document_content` and `design_document_filename`",
      "details": {"field":"design_document_content"}
    }
    "#);
    assert_snapshot!(refused(json!({ path: "d.md", content: "# D\n", name: "d.md" })), @r#"
    ERROR {
      "error": "design_document_path and design_document_content are mutually exclusive",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "give either `design_document_path`, or both `design_document_content` and `design_document_filename`",
      "details": {"field":"design_document_path"}
    }
    "#);
    assert_snapshot!(refused(json!({ content: "# D\n", name: "plans/d.md" })), @r#"
    ERROR {
      "error": "design_document_filename must be a basename such as `plan.md`, without directories: `plans/d.md`",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "give either `design_document_path`, or both `design_document_content` and `design_document_filename`",
      "details": {"field":"design_document_filename"}
    }
    "#);
    assert_snapshot!(refused(json!({ path: "../d.md" })), @r#"
    ERROR {
      "error": "`../d.md` lies outside the workspace",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "give a path inside the workspace, relative to it",
      "details": {"reason":"BAD_PATH"}
    }
    "#);
}

#[test]
fn what_has_no_name_has_no_gate() {
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    for tool in ["enter_design_gate", "record_design_approval", "get_design_gate_status"] {
        for arguments in [json!({}), json!({ "session_id": "../x" }), json!({ "session_id": 5 })] {
            let called = fixture.refused(&mut client, tool, arguments);
            assert_eq!(called.value["code"], "VALIDATION_ERROR", "{called}");
            assert_eq!(called.value["details"]["field"], "session_id", "{called}");
        }
    }
    let bad = json!({ "session_id": "a b" });
    assert_snapshot!(fixture.refused(&mut client, "enter_design_gate", bad), @r#"
    ERROR {
      "error": "`session_id`: `a b` is not a session id: use 1 to 128 ASCII letters, digits, `-` and `_`",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "correct the arguments of `enter_design_gate`; its input schema has each of them, with an example",
      "details": {"field":"session_id","tool":"enter_design_gate","value":"a b"}
    }
    "#);
}

#[test]
fn a_gate_that_is_damaged_is_said_and_can_be_entered_anew() {
    let fixture = Fixture::new().having(&gate_file(), "{\"session_id\": \"2026");
    let mut client = fixture.ready();
    assert_snapshot!(fixture.refused(&mut client, "get_design_gate_status", id()), @r#"
    ERROR {
      "error": "the design gate of session `2026-01-15-rate-limiter` cannot be read (`[root]/app/docs/maestro/state/2026-01-15-rate-limiter.design-gate.json`): it is no design gate of this session: EOF while parsing a string at line 1 column 20",
      "code": "DESIGN_GATE_UNREADABLE",
      "recovery_hint": "call `enter_design_gate`, which puts the damaged file into the quarantine, and have the design approved again"
    }
    "#);
    assert_snapshot!(client.call("enter_design_gate", id()), @r#"
    {
      "success": true,
      "entered_at": "2026-01-15T10:00:01.000Z",
      "already_entered": false,
      "warnings": [
        "the design gate `docs/maestro/state/2026-01-15-rate-limiter.design-gate.json` was damaged; what it was is in `docs/maestro/state/quarantine/2026-01-15-rate-limiter.design-gate.json`, and the design has to be approved again"
      ]
    }
    "#);
    assert_eq!(client.ok("get_design_gate_status", id())["session_id"], SESSION);
}

#[test]
fn a_session_that_is_archived_gets_no_gate() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    client.ok("archive_session", id());
    assert_snapshot!(fixture.refused(&mut client, "enter_design_gate", id()), @r#"
    ERROR {
      "error": "the session id `2026-01-15-rate-limiter` is taken by another session",
      "code": "SESSION_ID_TAKEN",
      "recovery_hint": "an archived session has this id; give another `session_id`"
    }
    "#);
    let approval = json!({ "session_id": SESSION, "design_document_path": "d.md" });
    assert_snapshot!(fixture.refused(&mut client, "record_design_approval", approval), @r#"
    ERROR {
      "error": "the session id `2026-01-15-rate-limiter` is taken by another session",
      "code": "SESSION_ID_TAKEN",
      "recovery_hint": "an archived session has this id; give another `session_id`"
    }
    "#);
}

#[test]
fn a_gate_goes_with_its_session_and_others_stay() {
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    client.ok("enter_design_gate", json!({ "session_id": "2026-01-16-next" }));
    let design = json!({ "design_document_content": "# D\n", "design_document_filename": "d.md" });
    assert!(!client.of_session("record_design_approval", design).is_error);
    client.ok("create_session", create(SESSION));
    client.ok("archive_session", id());
    assert_eq!(client.ok("get_design_gate_status", id())["session_id"], Value::Null);
    let next = json!({ "session_id": "2026-01-16-next" });
    assert_eq!(client.ok("get_design_gate_status", next)["session_id"], "2026-01-16-next");
}

#[test]
fn a_session_that_is_begun_with_another_design_says_so() {
    let fixture = Fixture::new().having("app/other.md", "# Other\n");
    let mut client = fixture.ready();
    let approval =
        json!({ "design_document_content": "# Good\n", "design_document_filename": "good.md" });
    client.of_session("record_design_approval", approval);
    let mut other = create(SESSION);
    other["design_document"] = "other.md".into();
    let created = client.ok("create_session", other);
    assert_snapshot!(created["warnings"], @r#"["the user approved `docs/maestro/plans/good.md`, and the session is begun with `other.md`"]"#);
    // A gate that comes too late is said to.
    let late = client.call("enter_design_gate", id());
    assert_snapshot!(late.value["warnings"], @r#"["the session `2026-01-15-rate-limiter` has begun already, and goes on with the design that it has"]"#);
}

#[test]
fn a_session_that_is_begun_with_its_design_has_nothing_to_say() {
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    let approval =
        json!({ "design_document_content": "# Good\n", "design_document_filename": "good.md" });
    client.of_session("record_design_approval", approval);
    let mut named = create(SESSION);
    named["design_document"] = "docs/maestro/plans/good.md".into();
    assert_eq!(client.ok("create_session", named).get("warnings"), None);
}

#[test]
fn a_directory_is_no_design() {
    let fixture = Fixture::new().having("app/notes/a.md", "");
    let mut client = fixture.ready();
    let approval = json!({ "session_id": SESSION, "design_document_path": "notes" });
    assert_snapshot!(fixture.refused(&mut client, "record_design_approval", approval), @r#"
    ERROR {
      "error": "the document `[root]/app/notes` cannot be used: it is no file",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "give a Markdown file",
      "details": {"reason":"DOCUMENT_UNUSABLE"}
    }
    "#);
    let mut arguments = create(SESSION);
    arguments["design_document"] = "notes".into();
    assert_snapshot!(fixture.refused(&mut client, "create_session", arguments.clone()), @r#"
    ERROR {
      "error": "the document `[root]/app/notes` cannot be used: it is no file",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "give a Markdown file",
      "details": {"reason":"DOCUMENT_UNUSABLE"}
    }
    "#);
    arguments["design_document"] = "a\0b".into();
    assert_eq!(
        fixture.refused(&mut client, "create_session", arguments).value["code"],
        "VALIDATION_ERROR"
    );
}
