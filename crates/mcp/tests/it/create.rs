//! `create_session`.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fixture::{Called, Client, Fixture, SESSION, create, exists, phase};

/// Arguments that create the session of most tests, with some more.
fn having(more: Value) -> Value {
    let mut arguments = create(SESSION);
    let Value::Object(more) = more else { return arguments };
    for (name, value) in more {
        arguments[name] = value;
    }
    arguments
}

/// Arguments with these phases.
fn of(phases: Value) -> Value {
    having(json!({ "phases": phases }))
}

fn one(id: Value, blocked_by: Value) -> Value {
    phase(&id, "Step", "coder", false, &blocked_by, &[])
}

fn refused(fixture: &Fixture, client: &mut Client, arguments: Value) -> Called {
    fixture.refused(client, "create_session", arguments)
}

#[test]
fn a_session_begins_with_its_first_phase() {
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    assert_snapshot!(client.call("create_session", create(SESSION)), @r#"
    {
      "success": true,
      "path": "[root]/app/docs/maestro/state/active-session.md",
      "session_id": "2026-01-15-rate-limiter",
      "current_phase": 1,
      "ready_phase_ids": [],
      "design_document": null,
      "implementation_plan": null
    }
    "#);
    assert_snapshot!(client.call("get_session_status", json!({})), @r#"
    {
      "exists": true,
      "session_id": "2026-01-15-rate-limiter",
      "status": "in_progress",
      "workflow_mode": "standard",
      "current_phase": 1,
      "total_phases": 4,
      "phases": [
        {"id":1,"name":"Core bucket","status":"in_progress","agent":"coder"},
        {"id":2,"name":"HTTP middleware","status":"pending","agent":"coder","waits_for":[1]},
        {"id":3,"name":"Docs","status":"pending","agent":"technical-writer","waits_for":[1]},
        {"id":"review","name":"Review","status":"pending","agent":"code-reviewer","waits_for":[2,3]}
      ],
      "task_complexity": null,
      "execution_mode": null,
      "current_batch": null,
      "token_usage": {"total_input":0,"total_output":0,"total_cached":0,"by_agent":{}},
      "task": "Add a token bucket rate limiter",
      "created": "2026-01-15T10:00:00.000Z",
      "updated": "2026-01-15T10:00:00.000Z",
      "design_document": null,
      "implementation_plan": null,
      "progress": {"pending":3,"in_progress":1,"completed":0,"failed":0,"skipped":0},
      "ready_phase_ids": [],
      "ready_to_archive": false
    }
    "#);
    assert!(
        fixture.session_file().ends_with("\n# Add a token bucket rate limiter Orchestration Log\n")
    );
}

#[test]
fn the_first_phase_that_waits_for_nothing_is_the_one_that_begins() {
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    let phases = json!([one(json!(2), json!([1])), one(json!(1), json!([]))]);
    let answer = client.ok("create_session", of(phases));
    assert_eq!((&answer["current_phase"], &answer["ready_phase_ids"]), (&json!(1), &json!([])));
}

#[test]
fn how_a_session_is_carried_out_can_be_said() {
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    let more = json!({
        "task_complexity": "complex", "execution_mode": "sequential", "workflow_mode": "standard",
        "design_document": null, "implementation_plan": null,
    });
    client.ok("create_session", having(more));
    let status = client.ok("get_session_status", json!({}));
    let said = |name: &str| status[name].clone();
    assert_eq!(said("task_complexity"), "complex");
    assert_eq!(said("execution_mode"), "sequential");
    assert_eq!(said("workflow_mode"), "standard");
    assert!(fixture.session_file().contains("execution_backend: \"native\""));
}

#[test]
fn an_express_session_has_one_phase() {
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    let two = having(json!({ "workflow_mode": "express" }));
    assert_snapshot!(refused(&fixture, &mut client, two), @r#"
    ERROR {
      "error": "an express session has one phase, and this plan has 4",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "leave `workflow_mode` out, or put all the work into one phase",
      "details": {"reason":"EXPRESS_NEEDS_ONE_PHASE"}
    }
    "#);
    let mut single = of(json!([one(json!(1), json!([]))]));
    single["workflow_mode"] = json!("express");
    assert_snapshot!(client.call("create_session", single), @r#"
    {
      "success": true,
      "path": "[root]/app/docs/maestro/state/active-session.md",
      "session_id": "2026-01-15-rate-limiter",
      "current_phase": 1,
      "ready_phase_ids": [],
      "design_document": null,
      "implementation_plan": null
    }
    "#);
    assert_eq!(client.ok("get_session_status", json!({}))["workflow_mode"], "express");
}

#[test]
fn nothing_is_stored_that_breaks_a_rule() {
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    let mut rejected = |arguments: Value| refused(&fixture, &mut client, arguments).to_string();
    assert_snapshot!(rejected(of(json!([]))), @r#"
    ERROR {
      "error": "Invalid phases payload: the plan has no phases",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "correct the phases as `details` says; `validate_plan` checks them without creating anything",
      "details": [
        {
          "detail": "the plan has no phases",
          "hint": "describe at least one phase",
          "rule": "no_phases",
          "severity": "error"
        }
      ]
    }
    "#);
    assert_snapshot!(rejected(of(json!([one(json!(1), json!([])), one(json!("1"), json!([]))]))), @r#"
    ERROR {
      "error": "Invalid phases payload: the id 1 is taken by another phase",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "correct the phases as `details` says; `validate_plan` checks them without creating anything",
      "details": [
        {
          "detail": "the id 1 is taken by another phase",
          "hint": "give each phase an id of its own; 1 and \"1\" are one id",
          "phase_id": "1",
          "rule": "duplicate_id",
          "severity": "error"
        }
      ]
    }
    "#);
    assert_snapshot!(rejected(of(json!([one(json!(1), json!([2]))]))), @r#"
    ERROR {
      "error": "Invalid phases payload: phase 1 waits for 2, which is no phase",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "correct the phases as `details` says; `validate_plan` checks them without creating anything",
      "details": [
        {
          "detail": "phase 1 waits for 2, which is no phase",
          "hint": "the phases are 1",
          "phase_id": 1,
          "rule": "dangling_dependency",
          "severity": "error"
        }
      ]
    }
    "#);
    assert_snapshot!(rejected(of(json!([one(json!(1), json!([2])), one(json!(2), json!([1]))]))), @r#"
    ERROR {
      "error": "Invalid phases payload: phases wait for each other in a circle: 1 → 2 → 1",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "correct the phases as `details` says; `validate_plan` checks them without creating anything",
      "details": [
        {
          "detail": "phases wait for each other in a circle: 1 → 2 → 1",
          "hint": "remove one of these blockers",
          "phase_id": 1,
          "rule": "cyclic_dependency",
          "severity": "error"
        }
      ]
    }
    "#);
    let mut untyped = one(json!(1), json!([]));
    untyped["parallel"] = json!("yes");
    untyped["files"] = json!(["../x"]);
    assert_snapshot!(rejected(of(json!([untyped, 5]))), @r#"
    ERROR {
      "error": "Invalid phases payload: phases[0].parallel: expected a boolean, not a string; phases[0].files[0]: `../x` lies outside the workspace; phases[1]: expected an object, not a number",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "correct the phases as `details` says; `validate_plan` checks them without creating anything",
      "details": [
        {
          "detail": "phases[0].parallel: expected a boolean, not a string",
          "field": "phases[0].parallel",
          "phase_id": 1,
          "rule": "invalid_field_type",
          "severity": "error"
        },
        {
          "detail": "phases[0].files[0]: `../x` lies outside the workspace",
          "field": "phases[0].files[0]",
          "phase_id": 1,
          "rule": "invalid_field_value",
          "severity": "error"
        },
        {
          "detail": "phases[1]: expected an object, not a number",
          "field": "phases[1]",
          "rule": "invalid_field_type",
          "severity": "error"
        }
      ]
    }
    "#);
    let shared = json!([
        phase(&json!(1), "A", "coder", true, &json!([]), &["src/a.rs"]),
        phase(&json!(2), "B", "coder", true, &json!([]), &["./src/a.rs"]),
    ]);
    assert_snapshot!(rejected(of(shared)), @r#"
    ERROR {
      "error": "Invalid phases payload: `src/a.rs` belongs to phases 1 and 2, which may run at the same time",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "correct the phases as `details` says; `validate_plan` checks them without creating anything",
      "details": [
        {
          "detail": "`src/a.rs` belongs to phases 1 and 2, which may run at the same time",
          "hint": "let one wait for the other (`Blocked by: 1` in phase 2), or give the file to one of them",
          "phase_id": 2,
          "rule": "file_overlap",
          "severity": "error"
        }
      ]
    }
    "#);
}

#[test]
fn agents_that_are_not_there_get_nothing_to_do() {
    let agent = "---\nname: coder\ndescription: d\ntools: Read, Write\n---\n";
    let fixture = Fixture::new()
        .with("MAESTRO_DISABLED_AGENTS", "tester")
        .having("app/.claude/agents/coder.md", agent);
    let mut client = fixture.ready();
    let phases = json!([
        phase(&json!(1), "A", "codre", false, &json!([]), &[]),
        phase(&json!(2), "B", "tester", false, &json!([1]), &[]),
    ]);
    assert_snapshot!(refused(&fixture, &mut client, of(phases)), @r#"
    ERROR {
      "error": "Invalid phases payload: phase 1 is given to `codre`, which is no agent; phase 2 is given to `tester`, which is disabled; phase 2 is given to `tester`, which is no agent",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "correct the phases as `details` says; `validate_plan` checks them without creating anything",
      "details": [
        {
          "detail": "phase 1 is given to `codre`, which is no agent",
          "hint": "choose an agent that the host has",
          "phase_id": 1,
          "rule": "unknown_agent",
          "severity": "error"
        },
        {
          "detail": "phase 2 is given to `tester`, which is disabled",
          "hint": "choose another agent, or take it out of MAESTRO_DISABLED_AGENTS",
          "phase_id": 2,
          "rule": "disabled_agent",
          "severity": "error"
        },
        {
          "detail": "phase 2 is given to `tester`, which is no agent",
          "hint": "choose an agent that the host has",
          "phase_id": 2,
          "rule": "unknown_agent",
          "severity": "error"
        }
      ]
    }
    "#);
}

#[test]
fn arguments_that_are_none_are_refused_by_name() {
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    let mut rejected = |more: Value| {
        let called = refused(&fixture, &mut client, having(more));
        assert_eq!(called.value["code"], "VALIDATION_ERROR");
        called.value["error"].as_str().unwrap().to_owned()
    };
    let lines = [
        rejected(json!({ "task": "  " })),
        rejected(json!({ "task": null })),
        rejected(json!({ "phases": null })),
        rejected(json!({ "phases": { "1": {} } })),
        rejected(json!({ "workflow_mode": "banana" })),
        rejected(json!({ "task_complexity": "banana" })),
        rejected(json!({ "execution_mode": "ask" })),
        rejected(json!({ "design_document": 5 })),
        rejected(json!({ "session_id": "a/b" })),
        rejected(json!({ "session_id": "" })),
        rejected(json!({ "session_id": null })),
        rejected(json!({ "session_id": "x".repeat(129) })),
    ];
    assert_snapshot!(lines.join("\n"), @r"
    the task is empty
    `task`: invalid type: null, expected a string
    `phases`: invalid type: null, expected an array
    `phases`: invalid type: object, expected an array
    `workflow_mode`: unknown variant `banana`, expected `standard` or `express`
    `task_complexity`: unknown variant `banana`, expected one of `simple`, `medium`, `complex`
    `execution_mode`: unknown variant `ask`, expected `parallel` or `sequential`
    `design_document`: invalid type: integer `5`, expected a string
    `session_id`: `a/b` is not a session id: use 1 to 128 ASCII letters, digits, `-` and `_`
    `session_id`: `` is not a session id: use 1 to 128 ASCII letters, digits, `-` and `_`
    `session_id`: missing field: name the session
    `session_id`: `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…` is not a session id: use 1 to 128 ASCII letters, digits, `-` and `_`
    ");
}

#[test]
fn a_session_that_is_there_is_never_replaced() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let other = create("2026-01-15-other");
    assert_snapshot!(refused(&fixture, &mut client, other.clone()), @r#"
    ERROR {
      "error": "an active session already exists: `2026-01-15-rate-limiter` (in_progress)",
      "code": "STATE_ERROR",
      "recovery_hint": "call `get_session_status`; go on with that session (`get_resume_report`), or end it with `archive_session` first",
      "details": {"active_session_id":"2026-01-15-rate-limiter","reason":"SESSION_EXISTS"}
    }
    "#);
    // Whatever became of it.
    let text = fixture.session_file();
    for status in ["completed", "failed", "aborted"] {
        let ended = text.replacen("status: \"in_progress\"", &format!("status: \"{status}\""), 1);
        assert!(text != ended);
        fixture.write("app/docs/maestro/state/active-session.md", ended);
        let called = refused(&fixture, &mut client, other.clone());
        let details = json!({ "reason": "SESSION_EXISTS", "active_session_id": SESSION });
        assert_eq!(
            (&called.value["code"], &called.value["details"]),
            (&json!("STATE_ERROR"), &details)
        );
        assert!(called.value["error"].as_str().unwrap().contains("already exists"), "{called}");
    }
}

#[test]
fn an_id_is_used_once() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    client.ok("archive_session", json!({ "session_id": SESSION }));
    assert_snapshot!(refused(&fixture, &mut client, create(SESSION)), @r#"
    ERROR {
      "error": "the session id `2026-01-15-rate-limiter` is taken by another session",
      "code": "SESSION_ID_TAKEN",
      "recovery_hint": "an archived session has this id; give another `session_id`"
    }
    "#);
}

#[test]
fn a_session_file_that_cannot_be_read_is_not_replaced() {
    let fixture =
        Fixture::new().having("app/docs/maestro/state/active-session.md", "---\nsession_id: [\n");
    let mut client = fixture.ready();
    assert_snapshot!(refused(&fixture, &mut client, create(SESSION)), @r#"
    ERROR {
      "error": "`[root]/app/docs/maestro/state/active-session.md` is not a valid session: line 2: the front matter is not closed: a line `---` is missing, the file may be cut off",
      "code": "CORRUPT",
      "recovery_hint": "mend the file where the error points, or let `maestro doctor --fix` put the last recorded text back (what is there now goes to the quarantine); `archive_session` ends the session as it was recorded last"
    }
    "#);
}

#[test]
fn documents_from_elsewhere_are_copied_and_those_in_place_stay() {
    let fixture = Fixture::new()
        .having("app/notes/design.md", "# Design\n")
        .having("app/docs/maestro/plans/plan.md", "# Plan\n");
    let mut client = fixture.ready();
    let plan = fixture.path("app/docs/maestro/plans/plan.md");
    let more = json!({ "design_document": "notes/design.md", "implementation_plan": plan });
    assert_snapshot!(client.call("create_session", having(more)), @r#"
    {
      "success": true,
      "path": "[root]/app/docs/maestro/state/active-session.md",
      "session_id": "2026-01-15-rate-limiter",
      "current_phase": 1,
      "ready_phase_ids": [],
      "design_document": "docs/maestro/plans/design.md",
      "implementation_plan": "docs/maestro/plans/plan.md"
    }
    "#);
    assert_eq!(fixture.text("app/docs/maestro/plans/design.md"), "# Design\n");
    assert_eq!(fixture.text("app/notes/design.md"), "# Design\n");
}

#[test]
fn a_plan_may_be_given_as_text_and_overwrites_nothing() {
    let fixture = Fixture::new().having("app/docs/maestro/plans/plan.md", "# Older\n");
    let mut client = fixture.ready();
    let more = json!({ "implementation_plan_content": "# Plan\n", "implementation_plan_filename": "plan.md" });
    let answer = client.ok("create_session", having(more));
    assert_eq!(answer["implementation_plan"], "docs/maestro/plans/plan-2.md");
    assert_eq!(fixture.text("app/docs/maestro/plans/plan-2.md"), "# Plan\n");
    assert_eq!(fixture.text("app/docs/maestro/plans/plan.md"), "# Older\n");
}

#[test]
fn a_design_and_a_plan_of_one_name_stay_two_files() {
    let fixture =
        Fixture::new().having("app/a/doc.md", "# Design\n").having("app/b/doc.md", "# Plan\n");
    let mut client = fixture.ready();
    let more = json!({ "design_document": "a/doc.md", "implementation_plan": "b/doc.md" });
    let answer = client.ok("create_session", having(more));
    for (name, text) in [("design_document", "# Design\n"), ("implementation_plan", "# Plan\n")] {
        let path = answer[name].as_str().unwrap();
        assert_eq!(fixture.text(&format!("app/{path}")), text, "{name}");
    }
}

#[test]
fn documents_that_cannot_be_used_are_refused() {
    let fixture = Fixture::new().having("secret.txt", "s\n").having("app/notes/d.md", "# D\n");
    let mut client = fixture.ready();
    let mut rejected = |more: Value| refused(&fixture, &mut client, having(more)).to_string();
    assert_snapshot!(rejected(json!({ "design_document": "notes/nowhere.md" })), @r#"
    ERROR {
      "error": "design_document does not exist: [root]/app/notes/nowhere.md (write it, or give its text to `record_design_approval`, before `create_session`)",
      "code": "NOT_FOUND",
      "recovery_hint": "give the path of an existing file of the workspace, or the document's text and file name",
      "details": {"reason":"DOCUMENT_MISSING"}
    }
    "#);
    assert_snapshot!(rejected(json!({ "implementation_plan": "notes/nowhere.md" })), @r#"
    ERROR {
      "error": "implementation_plan does not exist: [root]/app/notes/nowhere.md (write it before `create_session`, or give its text)",
      "code": "NOT_FOUND",
      "recovery_hint": "give the path of an existing file of the workspace, or the document's text and file name",
      "details": {"reason":"DOCUMENT_MISSING"}
    }
    "#);
    assert_snapshot!(rejected(json!({ "design_document": "../secret.txt" })), @r#"
    ERROR {
      "error": "`[root]/secret.txt` lies outside the directory that it must stay in",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "give a path that stays inside after links are resolved",
      "details": {"reason":"OUTSIDE_WORKSPACE"}
    }
    "#);
    assert_snapshot!(rejected(json!({ "implementation_plan": "/etc/hostname" })), @r#"
    ERROR {
      "error": "`/etc/hostname` lies outside the directory that it must stay in",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "give a path that stays inside after links are resolved",
      "details": {"reason":"OUTSIDE_WORKSPACE"}
    }
    "#);
    assert_snapshot!(rejected(json!({ "implementation_plan": "notes" })), @r#"
    ERROR {
      "error": "the document `[root]/app/notes` cannot be used: it is no file",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "give a Markdown file",
      "details": {"reason":"DOCUMENT_UNUSABLE"}
    }
    "#);
}

#[test]
fn a_plan_is_given_in_one_of_two_ways() {
    let fixture = Fixture::new().having("app/notes/plan.md", "# Plan\n");
    let mut client = fixture.ready();
    let mut rejected = |more: Value| refused(&fixture, &mut client, having(more)).to_string();
    let (path, content, name) =
        ("implementation_plan", "implementation_plan_content", "implementation_plan_filename");
    assert_snapshot!(rejected(json!({ path: "notes/plan.md", content: "# P\n", name: "p.md" })), @r#"
    ERROR {
      "error": "implementation_plan and implementation_plan_content are mutually exclusive",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "give either `implementation_plan`, or both `implementation_plan_content` and `implementation_plan_filename`",
      "details": {"field":"implementation_plan"}
    }
    "#);
    assert_snapshot!(rejected(json!({ content: "# P\n" })), @r#"
    ERROR {
      "error": "implementation_plan_filename is required when implementation_plan_content is given",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "give either `implementation_plan`, or both `implementation_plan_content` and `implementation_plan_filename`",
      "details": {"field":"implementation_plan_filename"}
    }
    "#);
    assert_snapshot!(rejected(json!({ name: "p.md" })), @r#"
    ERROR {
      "error": "implementation_plan_content is required when implementation_plan_filename is given",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "give either `implementation_plan`, or both `implementation_plan_content` and `implementation_plan_filename`",
      "details": {"field":"implementation_plan_content"}
    }
    "#);
    for bad in ["a/p.md", "a\\p.md", ".", "..", "", "p\u{0}.md", "/p.md"] {
        let called = rejected(json!({ content: "# P\n", name: bad }));
        assert!(called.contains("basename") && called.contains("VALIDATION_ERROR"), "{called}");
    }
    assert_snapshot!(rejected(json!({ content: "# P\n", name: "../p.md" })), @r#"
    ERROR {
      "error": "implementation_plan_filename must be a basename such as `plan.md`, without directories: `../p.md`",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "give either `implementation_plan`, or both `implementation_plan_content` and `implementation_plan_filename`",
      "details": {"field":"implementation_plan_filename"}
    }
    "#);
}

#[test]
fn an_empty_path_is_no_document() {
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    let answer = client
        .ok("create_session", having(json!({ "design_document": "", "implementation_plan": " " })));
    assert_eq!(
        (&answer["design_document"], &answer["implementation_plan"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn the_design_that_was_approved_is_the_one_of_the_session() {
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    client.ok("enter_design_gate", json!({ "session_id": SESSION }));
    assert_snapshot!(refused(&fixture, &mut client, create(SESSION)), @r#"
    ERROR {
      "error": "the design of session `2026-01-15-rate-limiter` has not been approved",
      "code": "DESIGN_GATE_UNAPPROVED",
      "recovery_hint": "let the user approve the design, call `record_design_approval`, then `create_session` again",
      "details": {"session_id":"2026-01-15-rate-limiter"}
    }
    "#);
    let design = json!({
        "session_id": SESSION, "design_document_content": "# Design\n", "design_document_filename": "design.md",
    });
    client.ok("record_design_approval", design);
    let answer = client.ok("create_session", create(SESSION));
    assert_eq!(answer["design_document"], "docs/maestro/plans/design.md");
    assert!(exists(&fixture.app(), "docs/maestro/plans/design.md"));
}

#[test]
fn a_design_that_was_approved_before_it_was_written_must_be_there() {
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    let approval = json!({ "session_id": SESSION, "design_document_path": "notes/design.md" });
    client.ok("record_design_approval", approval);
    let called = refused(&fixture, &mut client, create(SESSION));
    assert_eq!(called.value["code"], "NOT_FOUND");
    fixture.write("app/notes/design.md", "# Design\n");
    let answer = client.ok("create_session", create(SESSION));
    assert_eq!(answer["design_document"], "docs/maestro/plans/design.md");
}

#[test]
fn the_gate_of_another_session_holds_nothing_back() {
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    let approval = json!({
        "session_id": "2026-01-14-forgotten", "design_document_content": "# D\n",
        "design_document_filename": "d.md",
    });
    client.ok("record_design_approval", approval);
    let answer = client.ok("create_session", create(SESSION));
    assert_snapshot!(answer["warnings"], @r#"["this session has no design; an approved one waits for a session called `2026-01-14-forgotten`"]"#);
}

#[test]
fn a_gate_that_is_damaged_holds_its_session_back() {
    let gate = format!("app/docs/maestro/state/{SESSION}.design-gate.json");
    let fixture = Fixture::new().having(&gate, "{\"session_id\": \"2026");
    let mut client = fixture.ready();
    assert_snapshot!(refused(&fixture, &mut client, create(SESSION)), @r#"
    ERROR {
      "error": "the design gate of session `2026-01-15-rate-limiter` cannot be read (`[root]/app/docs/maestro/state/2026-01-15-rate-limiter.design-gate.json`): it is no design gate of this session: EOF while parsing a string at line 1 column 20",
      "code": "DESIGN_GATE_UNREADABLE",
      "recovery_hint": "call `enter_design_gate`, which puts the damaged file into the quarantine, and have the design approved again"
    }
    "#);
}
