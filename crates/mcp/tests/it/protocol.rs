//! The protocol: both eras, what is answered to what is no call, order, ends.

use std::collections::BTreeSet;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fixture::{Fixture, SESSION, create};

/// The revisions that begin with a handshake.
const WITH_HANDSHAKE: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

/// What a request of the stateless revision brings along.
fn stateless(mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    params
}

fn status() -> Value {
    json!({ "name": "get_session_status", "arguments": {} })
}

#[test]
fn every_revision_with_a_handshake_is_spoken() {
    for revision in WITH_HANDSHAKE {
        let fixture = Fixture::new();
        let mut client = fixture.connect();
        let answer = client.initialize(revision, &json!({}));
        let result = &answer["result"];
        assert_eq!(result["protocolVersion"], revision);
        assert_eq!(result["capabilities"], json!({ "tools": {} }));
        assert_eq!(result["serverInfo"]["name"], "maestro");
        assert!(result["instructions"].as_str().unwrap().starts_with("Maestro keeps the thread"));
        client.ok("initialize_workspace", json!({ "workspace_path": fixture.app() }));
        client.ok("create_session", create(SESSION));
        let listed = client.request("tools/list", json!({}));
        assert_eq!(listed["result"]["tools"].as_array().unwrap().len(), 26);
        assert_eq!(listed["result"].get("resultType"), None, "{revision}");
        let called = client.request("tools/call", status());
        assert_eq!(called["result"].get("resultType"), None, "{revision}");
        assert_eq!(called["result"]["structuredContent"]["exists"], true);
        assert_eq!(client.end(), Vec::<Value>::new());
    }
}

#[test]
fn a_revision_that_is_not_known_gets_the_newest_with_a_handshake() {
    for revision in ["1999-01-01", "2099-01-01"] {
        let fixture = Fixture::new();
        let answer = fixture.connect().initialize(revision, &json!({}));
        assert_eq!(answer["result"]["protocolVersion"], "2025-11-25");
    }
}

#[test]
fn the_stateless_revision_is_spoken_without_a_handshake() {
    let fixture = Fixture::new();
    let mut client = fixture.connect();
    let answer = client.request("server/discover", stateless(json!({})));
    let result = &answer["result"];
    assert_eq!(result["resultType"], "complete");
    let versions = result["supportedVersions"].as_array().unwrap();
    assert!(versions.contains(&json!("2026-07-28")));
    assert_eq!(result["capabilities"], json!({ "tools": {} }));
    assert!(result["ttlMs"].is_number() && result["cacheScope"].is_string(), "{result}");

    let listed = client.request("tools/list", stateless(json!({})));
    assert_eq!(listed["result"]["resultType"], "complete");
    assert_eq!(listed["result"]["tools"].as_array().unwrap().len(), 26);

    let mut call = |name: &str, arguments: Value| {
        let params = stateless(json!({ "name": name, "arguments": arguments }));
        client.request("tools/call", params)["result"].clone()
    };
    // Nothing is remembered but what is on disk: every call can say where.
    let path = json!({ "workspace_path": fixture.app() });
    call("initialize_workspace", path.clone());
    let mut arguments = create(SESSION);
    arguments["workspace_path"] = path["workspace_path"].clone();
    let created = call("create_session", arguments);
    assert_eq!(created["resultType"], "complete");
    assert_eq!(created["structuredContent"]["success"], true);
    assert_eq!(call("get_session_status", path)["structuredContent"]["exists"], true);
}

#[test]
fn the_stateless_revision_needs_what_it_says_and_no_other() {
    let fixture = Fixture::new();
    let mut client = fixture.connect();
    let answer = client.request("tools/list", json!({}));
    assert_eq!(answer["error"]["code"], -32602);
    let mut params = stateless(json!({}));
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2099-01-01".into();
    let answer = client.request("tools/list", params);
    assert_eq!(answer["error"]["code"], -32022);
    // The connection is as good as new: what belongs to none is still passed by.
    client.notify("notifications/cancelled", json!({ "requestId": 1 }));
    client.send(&json!({ "jsonrpc": "2.0", "id": 99, "result": {} }));
    let answer = client.initialize("2025-06-18", &json!({}));
    assert_eq!(answer["result"]["protocolVersion"], "2025-06-18");
    assert!(client.request("tools/list", json!({}))["result"]["tools"].is_array());
}

#[test]
fn a_client_that_probes_for_the_stateless_revision_may_shake_hands_after_all() {
    let fixture = Fixture::new();
    let mut client = fixture.connect();
    assert_eq!(client.request("ping", json!({}))["result"], json!({}));
    assert!(client.request("server/discover", stateless(json!({})))["result"].is_object());
    let answer = client.initialize("2025-11-25", &json!({}));
    assert_eq!(answer["result"]["protocolVersion"], "2025-11-25");
    assert_eq!(client.request("ping", json!({}))["result"], json!({}));
}

#[test]
fn the_list_of_tools_is_the_same_every_time_with_those_of_the_node_server_first() {
    let fixture = Fixture::new();
    let list = || fixture.client().request("tools/list", json!({}))["result"].clone();
    let first = list();
    assert_eq!(first, list());
    let tools = first["tools"].as_array().unwrap();
    let names: Vec<&str> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_snapshot!(names.join("\n"), @r"
    initialize_workspace
    assess_task_complexity
    validate_plan
    resolve_settings
    create_session
    get_session_status
    update_session
    transition_phase
    archive_session
    enter_design_gate
    record_design_approval
    get_design_gate_status
    scan_phase_changes
    reconcile_phase
    get_next_phases
    fail_phase
    retry_phase
    skip_phase
    redelegate_phase
    adjust_phase
    record_error
    abort_session
    get_resume_report
    get_session_log
    undo_operation
    run_doctor
    ");
    for tool in tools {
        let name = &tool["name"];
        let members: BTreeSet<&str> =
            tool.as_object().unwrap().keys().map(String::as_str).collect();
        let expected =
            ["annotations", "description", "inputSchema", "name", "outputSchema", "title"];
        assert_eq!(members, expected.into(), "{name}");
        let input = &tool["inputSchema"];
        assert_eq!(input["type"], "object", "{name}");
        assert_eq!(input["additionalProperties"], false, "{name}");
        assert_eq!(tool["outputSchema"]["type"], "object", "{name}");
        let text = tool.to_string();
        for word in ["$ref", "$defs", "$schema", "uint"] {
            assert!(!text.contains(word), "{name} has {word}");
        }
        for (argument, schema) in input["properties"].as_object().unwrap() {
            assert!(schema["description"].is_string(), "{name}: {argument} says nothing of itself");
        }
    }
}

#[test]
fn what_clients_ask_for_at_their_start_is_answered_at_once() {
    let fixture = Fixture::new();
    let mut client = fixture.client();
    assert_eq!(client.request("prompts/list", json!({}))["result"], json!({ "prompts": [] }));
    assert_eq!(client.request("resources/list", json!({}))["result"], json!({ "resources": [] }));
    let templates = client.request("resources/templates/list", json!({}));
    assert_eq!(templates["result"], json!({ "resourceTemplates": [] }));
    let answer = client.request("no/such/method", json!({ "a": 1 }));
    assert_eq!(answer["error"]["code"], -32601);
    assert_eq!(answer["error"]["message"], "Method not found: no/such/method");
}

#[test]
fn a_tool_that_is_not_there_is_an_error_of_the_tool() {
    let fixture = Fixture::new();
    let mut client = fixture.client();
    assert_snapshot!(client.call("get_agent", json!({ "agents": ["coder"] })), @r#"
    ERROR {
      "error": "Unknown tool: get_agent",
      "code": "UNKNOWN_TOOL",
      "recovery_hint": "this server keeps sessions; agents and skills come with the host's extension"
    }
    "#);
    assert_eq!(client.code("nope", json!({})), "UNKNOWN_TOOL");
}

#[test]
fn whatever_comes_in_is_answered_under_its_id() {
    let fixture = Fixture::new();
    let mut client = fixture.client();
    let mut answer = |line: &[u8]| {
        client.send_bytes(line);
        client.send_bytes(b"\n");
        let answer = client.next();
        format!("{} {} {}", answer["id"], answer["error"]["code"], answer["error"]["message"])
    };
    let lines: [&[u8]; 21] = [
        b"{not json",
        br#"{"jsonrpc":"2.0","id":7,"method":"tools/list""#,
        br#"{"jsonrpc":"2.0","id":8,"method":"tools/list","params":{"a":"\ud800"}}"#,
        b"{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"tools/call\",\"params\":{\"name\":\"\xff\xfe\"}}",
        b"\xff\xfe",
        b"[]",
        br#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#,
        b"null",
        b"17",
        br#""text""#,
        br#"{"jsonrpc":"2.0","id":10,"method":"tools/call","params":{"name":"get_session_status","arguments":[1]}}"#,
        br#"{"jsonrpc":"2.0","id":11,"method":"tools/call","params":"x"}"#,
        br#"{"id":12,"method":"ping"}"#,
        br#"{"jsonrpc":"2.0","id":13}"#,
        br#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
        br#"{"jsonrpc":"2.0","id":99999999999999999999,"method":"tools/call"}"#,
        br#"{"jsonrpc":"2.0","id":[1],"method":"tools/list"}"#,
        br#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
        br#"{"jsonrpc":"2.0","id":1.5,"method":"notifications/initialized"}"#,
        br#"{"jsonrpc":"2.0","id":null,"method":"unheard/of"}"#,
        br#"{"jsonrpc":"2.0","id":14,"method":"logging/setLevel","params":{"level":"info"}}"#,
    ];
    let answers: Vec<String> = lines.iter().map(|line| answer(line)).collect();
    assert_snapshot!(answers.join("\n"), @r#"
    null -32700 "the message is not JSON: key must be a string at line 1 column 2"
    7 -32700 "the message is not JSON: EOF while parsing an object at line 1 column 45"
    8 -32700 "the message is not JSON: unexpected end of hex escape at line 1 column 68"
    9 -32700 "the message is not UTF-8 text from byte 64 on"
    null -32700 "the message is not UTF-8 text from byte 0 on"
    null -32600 "batches are not supported: send one message a line"
    null -32600 "batches are not supported: send one message a line"
    null -32600 "the message is not JSON-RPC: `jsonrpc` must be \"2.0\""
    null -32600 "the message is not JSON-RPC: `jsonrpc` must be \"2.0\""
    null -32600 "the message is not JSON-RPC: `jsonrpc` must be \"2.0\""
    10 -32602 "the parameters of `tools/call` are not those of the protocol"
    11 -32602 "the parameters of `tools/call` are not those of the protocol"
    12 -32600 "the message is not JSON-RPC: `jsonrpc` must be \"2.0\""
    13 -32600 "the message is neither a request nor an answer"
    null -32600 "the id of a request must be a whole number or a string"
    null -32600 "the id of a request must be a whole number or a string"
    null -32600 "the id of a request must be a whole number or a string"
    null -32600 "the id of a request must be a whole number or a string"
    null -32600 "the id of a request must be a whole number or a string"
    null -32600 "the id of a request must be a whole number or a string"
    14 -32601 "Method not found: logging/setLevel"
    "#);
    // And it goes on.
    assert_eq!(client.request("ping", json!({}))["result"], json!({}));
    assert_eq!(client.end(), Vec::<Value>::new());
}

#[test]
fn blank_lines_carriage_returns_and_byte_order_marks_are_no_obstacle() {
    let fixture = Fixture::new();
    let mut client = fixture.client();
    client.send_bytes(
        b"\n\r\n   \n\xef\xbb\xbf{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"ping\"}\r\n",
    );
    assert_eq!(client.next(), json!({ "jsonrpc": "2.0", "id": "a", "result": {} }));
}

#[test]
fn what_comes_before_the_first_request_is_passed_by() {
    let fixture = Fixture::new();
    let mut client = fixture.connect();
    client.notify("notifications/initialized", json!({}));
    client.notify("notifications/cancelled", json!({ "requestId": 1 }));
    client.send(&json!({ "jsonrpc": "2.0", "id": 99, "result": {} }));
    client.send(&json!({ "jsonrpc": "2.0", "id": 98, "error": { "code": 1, "message": "x" } }));
    client.send(&json!({ "jsonrpc": "2.0", "method": "$/unheard/of" }));
    let answer = client.initialize("2025-06-18", &json!({}));
    assert_eq!(answer["result"]["protocolVersion"], "2025-06-18");
    // Afterwards too.
    client.notify("notifications/unheard/of", json!({}));
    client.send(&json!({ "jsonrpc": "2.0", "id": 99, "result": {} }));
    assert_eq!(client.request("ping", json!({}))["result"], json!({}));
}

#[test]
fn a_handshake_may_leave_out_what_the_node_server_does_without() {
    let fixture = Fixture::new();
    for params in [json!({}), Value::Null, json!({ "clientInfo": { "name": "old" } })] {
        let mut client = fixture.connect();
        let answer = client.request("initialize", params.clone());
        assert_eq!(answer["result"]["protocolVersion"], "2025-11-25", "{params}");
        assert!(client.request("tools/list", json!({}))["result"]["tools"].is_array());
    }
    let mut client = fixture.connect();
    let answer = client.request("initialize", json!({ "protocolVersion": 3 }));
    assert_snapshot!(answer["error"], @r#"{"code":-32602,"message":"the parameters of `initialize` are not those of the protocol"}"#);
    let answer = client.request("tools/list", json!({}));
    assert_snapshot!(answer["error"], @r#"{"code":-32602,"message":"nothing is known of the client yet: send `initialize` first, or add io.modelcontextprotocol/protocolVersion, io.modelcontextprotocol/clientCapabilities to `_meta` of every request"}"#);
}

#[test]
fn an_id_that_is_in_use_is_refused_and_free_again_afterwards() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let params = json!({ "name": "get_session_status", "arguments": {} });
    let call = json!({ "jsonrpc": "2.0", "id": "a", "method": "tools/call", "params": params });
    // Nothing is carried out before the lock is free, so the first one is still open when the second one is read.
    let held = hold(&fixture);
    let waits =
        client.begin("update_session", json!({ "session_id": SESSION, "current_batch": "b" }));
    client.send(&call);
    client.send(&call);
    let refused = client.next();
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!("a"), &json!(-32600)));
    drop(held);
    client.called(waits);
    assert_eq!(client.next()["result"]["isError"], false);
    client.send(&call);
    assert_eq!(client.next()["result"]["isError"], false);
    assert_eq!(client.end(), Vec::<Value>::new());
}

#[test]
fn a_client_that_says_nothing_is_no_error() {
    let fixture = Fixture::new();
    assert_eq!(fixture.connect().end(), Vec::<Value>::new());
}

#[test]
fn the_log_has_the_lines_that_clients_wait_for() {
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    client.call("archive_session", json!({ "session_id": SESSION }));
    client.send_bytes(b"{\x1b[31m\n");
    client.next();
    assert_snapshot!(client.end_with_log(), @r"
    [info] maestro: MCP server starting
    [info] maestro: MCP server connected
    [error] maestro: Tool archive_session failed: no active session: there is no active session in `[root]/app/docs/maestro`
    [error] maestro: Failed to parse MCP message: the message is not JSON: key must be a string at line 1 column 2
    ");
}

#[test]
fn calls_under_way_at_once_have_the_result_of_one_after_the_other() {
    let fixture = Fixture::new();
    let mut client = fixture.client();
    // Nobody waits for an answer before the next is sent.
    let mut ids = vec![
        client.begin("initialize_workspace", json!({ "workspace_path": fixture.app() })),
        client.begin("create_session", create(SESSION)),
    ];
    let context = json!({ "warnings": ["careful"] });
    let done = |phase: Value, next: Value| {
        json!({
            "session_id": SESSION, "completed_phase_id": phase, "next_phase_ids": next,
            "downstream_context": context,
        })
    };
    ids.push(client.begin("transition_phase", done(json!(1), json!([2, 3]))));
    ids.push(client.begin("transition_phase", done(json!(2), json!([]))));
    ids.push(client.begin("transition_phase", done(json!(3), json!(["review"]))));
    ids.push(client.begin("get_session_status", json!({})));
    ids.push(client.begin("transition_phase", done(json!("review"), json!([]))));
    ids.push(client.begin("archive_session", json!({ "session_id": SESSION })));
    ids.push(client.begin("get_session_status", json!({})));
    let results: Vec<_> = ids.iter().map(|id| client.called(*id)).collect();
    for result in &results {
        assert!(!result.is_error, "{result}");
    }
    assert_eq!(results[5].value["progress"]["completed"], 3);
    assert_eq!(results[5].value["current_phase"], "review");
    assert_eq!(results[8].value["exists"], false);
}

#[test]
fn the_end_of_the_input_loses_no_answer() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let ids: BTreeSet<i64> = (0..50)
        .map(|n| {
            let batch = format!("batch {n}");
            client.begin("update_session", json!({ "session_id": SESSION, "current_batch": batch }))
        })
        .collect();
    let answered: BTreeSet<i64> =
        client.end().iter().map(|answer| answer["id"].as_i64().unwrap()).collect();
    assert_eq!(answered, ids);
    assert!(fixture.session_file().contains("batch 49"));
}

#[test]
fn a_last_line_without_an_end_is_read_too() {
    let fixture = Fixture::new();
    let client = fixture.client();
    client.send_bytes(br#"{"jsonrpc":"2.0","id":"last","method":"ping"}"#);
    assert_eq!(client.end(), [json!({ "jsonrpc": "2.0", "id": "last", "result": {} })]);
}

/// Takes the lock, until it is dropped.
fn hold(fixture: &Fixture) -> fs_err::File {
    let lock = fs_err::OpenOptions::new()
        .read(true)
        .write(true)
        .open(fixture.path("app/docs/maestro/state/lock"))
        .unwrap();
    lock.file().lock().unwrap();
    lock
}

#[test]
fn a_call_that_is_cancelled_before_its_turn_is_not_begun() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    // The lock is ours, so the first call waits and the second one has not begun.
    let lock = hold(&fixture);
    let update = |batch: &str| json!({ "session_id": SESSION, "current_batch": batch });
    let first = client.begin("update_session", update("first"));
    let second = client.begin("update_session", update("second"));
    client.notify("notifications/cancelled", json!({ "requestId": second, "reason": "enough" }));
    // What the protocol answers itself overtakes the calls: by now the cancellation has been read.
    assert_eq!(client.request("ping", json!({}))["result"], json!({}));
    drop(lock);
    assert!(!client.called(first).is_error);
    assert_eq!(client.end(), Vec::<Value>::new());
    let text = fixture.session_file();
    assert!(text.contains("first") && !text.contains("second"), "{text}");
}

#[test]
fn a_request_of_many_megabytes_is_answered_and_nothing_of_it_gets_into_the_session() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let large = "x".repeat(20 << 20);
    let report = format!(
        "## Task Report\n- **Status**: success\n- **Files Created**: `src/a.rs`\n\n{large}\n\n## Downstream Context\n\
         - **Warnings**: careful\n"
    );
    // A report may have 4 MiB.
    let code = client.code(
        "transition_phase",
        json!({ "session_id": SESSION, "completed_phase_id": 1, "report": report }),
    );
    assert_eq!(code, "HANDOFF_TOO_LARGE");
    let text = fixture.session_file();
    assert!(text.len() < 10_000);
    // A plan may have as many as it likes, as long as nobody has to read it.
    client.ok("archive_session", json!({ "session_id": SESSION }));
    let mut arguments = create("2026-01-15-large");
    arguments["implementation_plan_content"] = large.clone().into();
    arguments["implementation_plan_filename"] = "large.md".into();
    client.ok("create_session", arguments);
    assert_eq!(fixture.text("app/docs/maestro/plans/large.md").len(), large.len());
}

#[test]
fn ten_thousand_calls_in_a_row_are_answered() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    for _ in 0..10_000 {
        let id = client.begin("get_session_status", json!({}));
        assert_eq!(client.answer(id)["result"]["isError"], false);
    }
    assert_eq!(client.end(), Vec::<Value>::new());
}

#[test]
fn ten_thousand_calls_at_once_are_answered() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    for _ in 0..10_000 {
        client.begin("get_design_gate_status", json!({ "session_id": SESSION }));
    }
    assert_eq!(client.end().len(), 10_000);
}

#[test]
fn deep_nesting_is_an_error_and_no_overflow() {
    let fixture = Fixture::new();
    let mut client = fixture.client();
    let deep = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"tools/call\",\"params\":{}1{}}}\n",
        "[".repeat(200_000),
        "]".repeat(200_000)
    );
    client.send_bytes(deep.as_bytes());
    let answer = client.next();
    assert_eq!((answer["id"].as_i64(), answer["error"]["code"].as_i64()), (Some(5), Some(-32700)));
}

#[test]
fn a_client_that_no_longer_reads_ends_the_server() {
    let fixture = Fixture::new();
    let mut client = fixture.client();
    client.stop_reading();
    client.ask("ping", json!({}));
    client.ask("ping", json!({}));
    client.wait();
}
