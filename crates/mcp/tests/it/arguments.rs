//! Arguments: what is advertised is what is checked, and what is wrong is named by the way to it.

use insta::assert_snapshot;
use serde_json::{Map, Value, json};

use crate::fixture::{Client, Fixture, SESSION, create};

/// The tools with their input schemas, in the order of the list.
fn tools(client: &mut Client) -> Vec<(String, Map<String, Value>)> {
    let answer = client.request("tools/list", json!({}));
    let tools = answer["result"]["tools"].as_array().unwrap();
    let tool = |tool: &Value| {
        let name = tool["name"].as_str().unwrap().to_owned();
        (name, tool["inputSchema"].as_object().unwrap().clone())
    };
    tools.iter().map(tool).collect()
}

/// Why the arguments themselves are refused, if they are.
fn refusal(client: &mut Client, tool: &str, arguments: Value) -> Option<Value> {
    let called = client.call(tool, arguments);
    let is_refusal =
        called.value["code"] == "VALIDATION_ERROR" && called.value["details"]["tool"] == tool;
    is_refusal.then_some(called.value)
}

#[test]
fn every_example_is_read_by_its_tool() {
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    for (tool, schema) in tools(&mut client) {
        let examples = schema["examples"].as_array().unwrap();
        assert!(!examples.is_empty(), "{tool}");
        for example in examples {
            assert_eq!(refusal(&mut client, &tool, example.clone()), None, "{tool}");
        }
    }
}

#[test]
fn every_argument_that_is_not_known_is_refused_by_its_name() {
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    for (tool, schema) in tools(&mut client) {
        assert_eq!(schema["additionalProperties"], false, "{tool}");
        let mut arguments = schema["examples"][0].clone();
        arguments["surprise"] = json!(1);
        let refused = refusal(&mut client, &tool, arguments).unwrap_or_else(|| panic!("{tool}"));
        assert_eq!(refused["details"]["field"], "surprise", "{tool}");
    }
}

#[test]
fn every_argument_that_is_required_is_missed() {
    let fixture = Fixture::new();
    let mut client = fixture.client();
    let mut lines = Vec::new();
    for (tool, schema) in tools(&mut client) {
        let required =
            schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        for name in required {
            let name = name.as_str().unwrap();
            let mut arguments = schema["examples"][0].clone();
            arguments.as_object_mut().unwrap().remove(name);
            let called = fixture.refused(&mut client, &tool, arguments);
            let text = |name: &str| called.value[name].as_str().unwrap().to_owned();
            lines.push(format!("{tool} {name}: {} {}", text("code"), text("error")));
        }
    }
    assert_snapshot!(lines.join("\n"), @r"
    initialize_workspace workspace_path: WORKSPACE_REQUIRED workspace_path is required: `` is no directory
    validate_plan plan: VALIDATION_ERROR `plan`: missing field
    validate_plan task_complexity: VALIDATION_ERROR `task_complexity`: missing field
    create_session session_id: VALIDATION_ERROR `session_id`: missing field: name the session
    create_session task: VALIDATION_ERROR `task`: missing field
    create_session phases: VALIDATION_ERROR `phases`: missing field
    update_session session_id: VALIDATION_ERROR `session_id`: missing field: name the session
    archive_session session_id: VALIDATION_ERROR `session_id`: missing field: name the session
    enter_design_gate session_id: VALIDATION_ERROR `session_id`: missing field: name the session
    record_design_approval session_id: VALIDATION_ERROR `session_id`: missing field: name the session
    get_design_gate_status session_id: VALIDATION_ERROR `session_id`: missing field: name the session
    scan_phase_changes session_id: VALIDATION_ERROR `session_id`: missing field: name the session
    scan_phase_changes phase_id: VALIDATION_ERROR `phase_id`: missing field
    reconcile_phase session_id: VALIDATION_ERROR `session_id`: missing field: name the session
    reconcile_phase phase_id: VALIDATION_ERROR `phase_id`: missing field
    fail_phase phase_id: VALIDATION_ERROR `phase_id`: missing field
    retry_phase phase_id: VALIDATION_ERROR `phase_id`: missing field
    skip_phase phase_id: VALIDATION_ERROR `phase_id`: missing field
    skip_phase user_decided: VALIDATION_ERROR `user_decided`: missing field
    redelegate_phase phase_id: VALIDATION_ERROR `phase_id`: missing field
    adjust_phase phase_id: VALIDATION_ERROR `phase_id`: missing field
    record_error phase_id: VALIDATION_ERROR `phase_id`: missing field
    record_error message: VALIDATION_ERROR `message`: missing field
    abort_session session_id: VALIDATION_ERROR `session_id`: missing field: name the session
    ");
}

#[test]
fn every_argument_that_is_optional_may_be_null() {
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    for (tool, schema) in tools(&mut client) {
        let required = schema.get("required").cloned().unwrap_or_default();
        let required: Vec<String> = serde_json::from_value(required).unwrap_or_default();
        let mut arguments = schema["examples"][0].clone();
        for name in schema["properties"].as_object().unwrap().keys() {
            if !required.contains(name) {
                arguments[name] = Value::Null;
            }
        }
        assert_eq!(refusal(&mut client, &tool, arguments), None, "{tool}");
    }
}

#[test]
fn every_argument_of_another_type_is_refused_by_the_way_to_it() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let wrong = [
        ("resolve_settings", json!({ "settings": "MAESTRO_MAX_RETRIES" })),
        ("resolve_settings", json!({ "settings": ["MAESTRO_MAX_RETRIES", 5] })),
        ("assess_task_complexity", json!({ "task_description": 5 })),
        ("assess_task_complexity", json!({ "workspace_path": 5 })),
        ("get_session_status", json!({ "session_id": 5 })),
        ("get_session_status", json!({ "session_id": "a b" })),
        ("update_session", json!({ "execution_backend": ["native"] })),
        ("update_session", json!({ "session_id": [SESSION], "current_batch": "b" })),
        ("transition_phase", json!({ "completed_phase_id": 1.5 })),
        ("transition_phase", json!({ "completed_phase_id": -1 })),
        ("transition_phase", json!({ "completed_phase_id": true })),
        ("transition_phase", json!({ "next_phase_id": [2] })),
        ("transition_phase", json!({ "next_phase_id": "" })),
        ("transition_phase", json!({ "next_phase_ids": 2 })),
        ("transition_phase", json!({ "next_phase_ids": [2, null] })),
        ("transition_phase", json!({ "batch_id": 5 })),
        ("transition_phase", json!({ "files_created": "src/a.rs" })),
        ("transition_phase", json!({ "files_modified": ["src/a.rs", 5] })),
        ("transition_phase", json!({ "files_deleted": [null] })),
        ("transition_phase", json!({ "downstream_context": "careful" })),
        ("transition_phase", json!({ "downstream_context": ["careful"] })),
        ("transition_phase", json!({ "downstream_context": { "warnings": ["careful", 5] } })),
        ("transition_phase", json!({ "downstream_context": { "warnings": { "a": 1 } } })),
        ("transition_phase", json!({ "downstream_context": { "Warnings": ["careful"] } })),
        ("transition_phase", json!({ "token_usage": { "input": "100" } })),
        ("transition_phase", json!({ "token_usage": [100, 5] })),
        ("transition_phase", json!({ "report": {} })),
        (
            "record_design_approval",
            json!({ "session_id": SESSION, "design_document_path": ["d.md"] }),
        ),
        ("scan_phase_changes", json!({ "session_id": SESSION, "phase_id": {} })),
        (
            "reconcile_phase",
            json!({ "session_id": SESSION, "phase_id": 1, "files_created": { "a": 1 } }),
        ),
        ("reconcile_phase", json!({ "session_id": SESSION, "phase_id": 1, "reason": 5 })),
        ("create_session", json!({ "session_id": SESSION, "task": ["t"], "phases": [] })),
        ("create_session", json!({ "session_id": SESSION, "task": "t", "phases": {} })),
    ];
    let mut lines = Vec::new();
    for (tool, arguments) in wrong {
        let called = fixture.refused(&mut client, tool, arguments);
        assert_eq!(called.value["code"], "VALIDATION_ERROR", "{called}");
        assert!(called.value["recovery_hint"].is_string(), "{called}");
        assert!(called.value["details"]["field"].is_string(), "{called}");
        lines.push(format!("{tool}: {}", called.value["error"].as_str().unwrap()));
    }
    assert_snapshot!(lines.join("\n"), @r#"
    resolve_settings: `settings`: invalid type: string "MAESTRO_MAX_RETRIES", expected an array
    resolve_settings: `settings[1]`: invalid type: integer `5`, expected a string
    assess_task_complexity: `task_description`: invalid type: integer `5`, expected a string
    assess_task_complexity: `workspace_path`: expected a string, not a number
    get_session_status: `session_id`: expected a string, not a number
    get_session_status: `session_id`: `a b` is not a session id: use 1 to 128 ASCII letters, digits, `-` and `_`
    update_session: `execution_backend`: invalid type: array, expected a string
    update_session: `session_id`: expected a string, not an array
    transition_phase: `completed_phase_id`: invalid type: floating point `1.5`, expected a phase id (a positive integer or a non-empty string)
    transition_phase: `completed_phase_id`: invalid value: integer `-1`, expected a phase id (a positive integer or a non-empty string)
    transition_phase: `completed_phase_id`: invalid type: boolean `true`, expected a phase id (a positive integer or a non-empty string)
    transition_phase: `next_phase_id`: invalid type: array, expected a phase id (a positive integer or a non-empty string)
    transition_phase: `next_phase_id`: `` is not a phase id: use a positive integer or a text of up to 256 bytes in one line
    transition_phase: `next_phase_ids`: invalid type: integer `2`, expected an array
    transition_phase: `next_phase_ids[1]`: invalid type: null, expected a phase id (a positive integer or a non-empty string)
    transition_phase: `batch_id`: invalid type: integer `5`, expected a string
    transition_phase: `files_created`: invalid type: string "src/a.rs", expected an array
    transition_phase: `files_modified[1]`: invalid type: integer `5`, expected a string
    transition_phase: `files_deleted[0]`: invalid type: null, expected a string
    transition_phase: `downstream_context`: invalid type: string "careful", expected an object
    transition_phase: `downstream_context`: invalid type: array, expected an object
    transition_phase: `downstream_context.warnings[1]`: invalid type: integer `5`, expected a string
    transition_phase: `downstream_context.warnings`: invalid type: object, expected a list of strings, or a string
    transition_phase: `downstream_context.Warnings`: unknown field `Warnings`, expected one of `key_interfaces_introduced`, `patterns_established`, `integration_points`, `assumptions`, `warnings`
    transition_phase: `token_usage.input`: invalid type: string "100", expected a whole number that is not negative
    transition_phase: `token_usage`: invalid type: array, expected an object
    transition_phase: `report`: invalid type: object, expected a string
    record_design_approval: `design_document_path`: invalid type: array, expected a string
    scan_phase_changes: `phase_id`: invalid type: object, expected a phase id (a positive integer or a non-empty string)
    reconcile_phase: `files_created`: invalid type: object, expected an array
    reconcile_phase: `reason`: invalid type: integer `5`, expected a string
    create_session: `task`: invalid type: array, expected a string
    create_session: `phases`: invalid type: object, expected an array
    "#);
}

#[test]
fn a_refused_call_is_no_call() {
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    let mut arguments = create(SESSION);
    arguments["implementation_plan_content"] = json!("# Plan\n");
    arguments["implementation_plan_filename"] = json!("plan.md");
    arguments["phases"][3]["blocked_by"] = json!([2, 3, 7]);
    fixture.refused(&mut client, "create_session", arguments.clone());
    arguments["phases"][3]["blocked_by"] = json!([2, 3]);
    client.ok("create_session", arguments);
}

#[test]
fn a_whole_number_may_be_written_with_a_point() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let tokens = json!({ "input": 100.0, "output": 1e3, "cached": 0.0 });
    let arguments =
        json!({ "completed_phase_id": 1.0, "next_phase_ids": [2.0, 3], "token_usage": tokens });
    let done = client.ok("transition_phase", arguments);
    assert_eq!(done["started_phase_ids"], json!([2, 3]));
    let status = client.ok("get_session_status", json!({}));
    assert_eq!(status["token_usage"]["total_output"], 1000);
    for id in [json!(1.5), json!(1e300), json!(-1.0)] {
        let refused = refusal(&mut client, "fail_phase", json!({ "phase_id": id, "message": "x" }));
        assert!(refused.is_some(), "{id}");
    }
}

/// Whoever reads an answer knows JSON, and not the language of this server.
#[test]
fn no_answer_speaks_of_the_types_of_this_server() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let odd = [json!(-1), json!(1.5), json!(true), json!("?"), json!([[]]), json!({ "a": {} })];
    for (tool, schema) in tools(&mut client) {
        for name in schema["properties"].as_object().unwrap().keys() {
            for value in &odd {
                let mut arguments = schema["examples"][0].clone();
                arguments[name] = value.clone();
                let called = client.call(&tool, arguments);
                let text = called.value["error"].as_str().unwrap_or_default().to_owned();
                for word in ["untagged", " enum", "struct ", "u64", "u32", "i64", "newtype"] {
                    assert!(!text.contains(word), "{tool} {name} {value}: {text}");
                }
            }
        }
    }
}
