//! Which workspace a call is about, and where its state is.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use insta::assert_snapshot;
use maestro_session::Workspace;
use maestro_session::store::OsDisk;
use serde_json::{Value, json};

use crate::fixture::{Client, Fixture, SESSION, create, exists};

const STATE: &str = "docs/maestro/state/active-session.md";

/// Creates a session in a workspace that the call names.
fn begin_in(client: &mut Client, workspace: &Path, session_id: &str) {
    client.ok("initialize_workspace", json!({ "workspace_path": workspace }));
    let mut arguments = create(session_id);
    arguments["workspace_path"] = json!(workspace);
    client.ok("create_session", arguments);
}

/// The session that a server finds which has just been started and is told nothing.
fn found(fixture: &Fixture) -> Value {
    session_of(&mut fixture.client())
}

fn session_of(client: &mut Client) -> Value {
    client.ok("get_session_status", json!({}))["session_id"].clone()
}

/// The session that a command finds which is run in `dir`, relative to the root.
fn found_by_command(fixture: &Fixture, dir: &str) -> Option<String> {
    let workspace =
        Workspace::discover(&fixture.path(dir), fixture.env(), Arc::new(OsDisk)).unwrap();
    let document = workspace.read().unwrap()?;
    Some(document.session().session_id.to_string())
}

/// A URI of a path below the root.
fn uri(fixture: &Fixture, name: &str) -> String {
    format!("file://{}", fixture.path(name).display())
}

/// A client that says it has roots, and the id under which it is asked for them.
fn with_roots(fixture: &Fixture) -> (Client, Value) {
    let mut client = fixture.connect();
    client.initialize("2025-06-18", &json!({ "roots": { "listChanged": true } }));
    let id = asked_for_roots(&mut client);
    (client, id)
}

fn asked_for_roots(client: &mut Client) -> Value {
    let asked = client.next();
    assert_eq!(asked["method"], "roots/list", "{asked}");
    asked["id"].clone()
}

fn answer_roots(client: &Client, id: &Value, uris: &[String]) {
    let roots: Vec<Value> = uris.iter().map(|uri| json!({ "uri": uri, "name": "x" })).collect();
    client.send(&json!({ "jsonrpc": "2.0", "id": id, "result": { "roots": roots } }));
}

// Named by the caller.

#[test]
fn a_call_can_say_which_workspace_it_is_about() {
    let fixture = Fixture::new().having("other/a.txt", "");
    let mut client = fixture.begun();
    begin_in(&mut client, &fixture.path("other"), "2026-01-16-other");
    // `initialize_workspace` came last for the other one.
    assert_eq!(session_of(&mut client), "2026-01-16-other");
    let named = client.ok("get_session_status", json!({ "workspace_path": fixture.app() }));
    assert_eq!(named["session_id"], SESSION);
    let named = client.ok("get_session_status", json!({ "workspace_path": "../app" }));
    assert_eq!(named["session_id"], SESSION);
    // It holds for that call.
    assert_eq!(session_of(&mut client), "2026-01-16-other");
}

#[test]
fn two_workspaces_take_turns_over_one_connection() {
    let fixture = Fixture::new().having("other/a.txt", "");
    let mut client = fixture.client();
    let places = [(fixture.app(), SESSION), (fixture.path("other"), "2026-01-16-other")];
    for (path, id) in &places {
        begin_in(&mut client, path, id);
    }
    for phase in [json!(1), json!(2), json!(3), json!("review")] {
        for (path, id) in &places {
            let arguments = json!({
                "workspace_path": path, "session_id": id, "completed_phase_id": phase,
                "downstream_context": { "warnings": [id] },
            });
            client.ok("transition_phase", arguments);
            let next = client.ok("get_next_phases", json!({ "workspace_path": path }));
            if let Some(next) = next["ready"].as_array().unwrap().first() {
                let arguments = json!({ "workspace_path": path, "next_phase_ids": [next["id"]] });
                client.ok("transition_phase", arguments);
            }
        }
    }
    for ((path, id), (_, other)) in [(&places[0], &places[1]), (&places[1], &places[0])] {
        let text = fs_err::read_to_string(path.join(STATE)).unwrap();
        assert!(text.contains(&format!("- \"{id}\"")) && !text.contains(other), "{text}");
        let status = client.ok("get_session_status", json!({ "workspace_path": path }));
        assert_eq!(status["progress"]["completed"], 4);
    }
}

#[test]
fn what_is_no_directory_is_no_workspace() {
    let fixture = Fixture::new().having("app/file.txt", "");
    let mut client = fixture.client();
    for path in ["", "  ", "${workspacePath}", "/home/${USER}/app"] {
        assert_eq!(
            client.code("initialize_workspace", json!({ "workspace_path": path })),
            "WORKSPACE_REQUIRED"
        );
        assert_eq!(
            client.code("get_session_status", json!({ "workspace_path": path })),
            "WORKSPACE_REQUIRED"
        );
    }
    let arguments = json!({ "workspace_path": "${workspacePath}" });
    assert_snapshot!(client.call("initialize_workspace", arguments), @r#"
    ERROR {
      "error": "workspace_path is required: `${workspacePath}` is no directory",
      "code": "WORKSPACE_REQUIRED",
      "recovery_hint": "give the absolute path of the project directory"
    }
    "#);
    let arguments = json!({ "workspace_path": fixture.path("gone") });
    assert_snapshot!(client.call("get_session_status", arguments), @r#"
    ERROR {
      "error": "the workspace does not exist: [root]/gone",
      "code": "WORKSPACE_NOT_FOUND",
      "recovery_hint": "give the absolute path of an existing directory",
      "details": {"workspace_path":"[root]/gone"}
    }
    "#);
    let arguments = json!({ "workspace_path": fixture.path("app/file.txt") });
    assert_eq!(client.code("initialize_workspace", arguments), "WORKSPACE_NOT_FOUND");
}

#[test]
fn a_failed_choice_leaves_the_one_before() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    client.code("initialize_workspace", json!({ "workspace_path": fixture.path("gone") }));
    assert_eq!(session_of(&mut client), SESSION);
    // As clients of the Node server mean it.
    let again = client.ok("initialize_workspace", json!({ "workspace_path": "" }));
    assert_eq!(again["workspace_path"], "[root]/app");
}

/// W22: no host's extension is taken for a project, by whatever name.
#[cfg(unix)]
#[test]
fn an_extension_of_a_host_is_no_workspace() {
    let places = [".codex/plugins", ".claude/plugins", ".gemini/extensions", ".qwen/extensions"];
    for place in places {
        let extension = format!("{place}/maestro/mcp");
        let fixture = Fixture::new().having(&format!("{extension}/server.js"), "");
        std::os::unix::fs::symlink(fixture.path(&extension), fixture.path("link")).unwrap();
        let mut client = fixture.client();
        for path in [fixture.path(&extension), fixture.path("link")] {
            let arguments = json!({ "workspace_path": path });
            let called = client.call("initialize_workspace", arguments.clone());
            assert_eq!(called.value["code"], "WORKSPACE_IN_EXTENSION_CACHE", "{called}");
            assert!(called.value["details"]["workspace_path"].is_string(), "{called}");
            assert_eq!(
                client.code("get_session_status", arguments),
                "WORKSPACE_IN_EXTENSION_CACHE"
            );
        }
        // Nor is it suggested, though hosts start the server there.
        for cwd in [extension.as_str(), "link"] {
            let fixture = Fixture::new().having(&format!("{extension}/server.js"), "");
            std::os::unix::fs::symlink(fixture.path(&extension), fixture.path("link")).unwrap();
            fs_err::create_dir_all(fixture.path(&extension).join("docs/maestro/state")).unwrap();
            let fixture = fixture.started_in(cwd);
            let called = fixture.client().call("get_session_status", json!({}));
            assert_eq!(
                called.value["details"],
                json!({ "tool_name": "get_session_status" }),
                "{called}"
            );
        }
    }
}

// Found by the server.

#[test]
fn without_a_workspace_the_tool_and_a_suggestion_are_told() {
    let fixture = Fixture::new();
    let mut client = fixture.client();
    assert_snapshot!(client.call("get_session_status", json!({})), @r#"
    ERROR {
      "error": "`get_session_status` needs a workspace: call `initialize_workspace` first, or give `workspace_path`",
      "code": "WORKSPACE_NOT_INITIALIZED",
      "recovery_hint": "call `initialize_workspace` with the absolute path of the project directory",
      "details": {"tool_name":"get_session_status","workspace_suggestion":"[root]/app"}
    }
    "#);
    let before = fixture.snapshot();
    assert_eq!(client.code("create_session", create(SESSION)), "WORKSPACE_NOT_INITIALIZED");
    assert_eq!(fixture.snapshot(), before);
}

#[test]
fn what_exists_is_suggested_the_most_telling_first() {
    let fixture = Fixture::new().having("b/x", "").having("c/x", "").started_in("c");
    let variable = fixture.path("gone").to_string_lossy().into_owned();
    let fixture = fixture.with("MAESTRO_WORKSPACE_PATH", &variable);
    let (mut client, id) = with_roots(&fixture);
    answer_roots(&client, &id, &["https://example.com".to_owned(), uri(&fixture, "b")]);
    let called = client.call("get_session_status", json!({}));
    assert_eq!(called.value["details"]["workspace_suggestion"], "[root]/b", "{called}");
}

/// W10: a server that was started again finds the workspace, and nobody has to initialise it again.
#[test]
fn a_server_that_was_started_again_finds_the_workspace_by_its_directory() {
    let fixture = Fixture::new();
    fixture.begun().end();
    assert_eq!(found(&fixture), SESSION);
    let fixture = fixture.started_in("app/src/deep");
    assert_eq!(found(&fixture), SESSION);
    let mut client = fixture.client();
    client.ok("fail_phase", json!({ "phase_id": 1, "message": "gave up" }));
    assert!(!exists(&fixture.path("app/src/deep"), "docs"), "nothing is written beside it");
    let fixture = fixture.started_in("elsewhere");
    assert_eq!(fixture.client().code("get_session_status", json!({})), "WORKSPACE_NOT_INITIALIZED");
}

#[test]
fn a_server_that_was_started_again_finds_the_workspace_by_the_variable() {
    let fixture = Fixture::new();
    fixture.begun().end();
    let fixture = fixture.started_in(".qwen/extensions/maestro");
    let path = fixture.app().join("src");
    fs_err::create_dir_all(&path).unwrap();
    let fixture = fixture.with("MAESTRO_WORKSPACE_PATH", &path.to_string_lossy());
    assert_eq!(found(&fixture), SESSION);
}

#[test]
fn a_variable_that_names_no_workspace_is_passed_by() {
    for value in ["${workspacePath}", "app", "/nonexistent/app", ""] {
        let fixture = Fixture::new();
        fixture.begun().end();
        let fixture = fixture.with("MAESTRO_WORKSPACE_PATH", value);
        assert_eq!(found(&fixture), SESSION, "{value}");
    }
}

/// Another workspace would be changed unasked.
#[test]
fn where_the_host_says_which_project_is_open_no_other_one_is_taken() {
    let fixture = Fixture::new().having("new/a.txt", "");
    fixture.begun().end();
    let before = fixture.snapshot();
    let refused = |client: &mut Client| {
        let called = client.call("create_session", create("2026-01-16-new"));
        assert_eq!(called.value["code"], "WORKSPACE_NOT_INITIALIZED", "{called}");
        assert_eq!(called.value["details"]["workspace_suggestion"], "[root]/new");
    };
    let (mut client, id) = with_roots(&fixture);
    answer_roots(&client, &id, &[uri(&fixture, "new")]);
    refused(&mut client);
    let variable = fixture.path("new").to_string_lossy().into_owned();
    let fixture = fixture.with("MAESTRO_WORKSPACE_PATH", &variable);
    let (mut client, id) = with_roots(&fixture);
    answer_roots(&client, &id, &[uri(&fixture, "app")]);
    refused(&mut client);
    assert_eq!(fixture.snapshot(), before);
}

#[test]
fn a_chosen_workspace_that_is_gone_is_told_and_needed_no_more_than_before() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    fs_err::remove_dir_all(fixture.app()).unwrap();
    let plan = json!({ "plan": { "phases": [] }, "task_complexity": "simple" });
    assert_eq!(client.code("get_session_status", json!({})), "WORKSPACE_NOT_FOUND");
    assert_eq!(client.ok("validate_plan", plan)["valid"], false);
    client.ok("resolve_settings", json!({}));
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "it could wait for seconds and be right all the same"
)]
fn the_end_of_the_input_waits_for_no_roots() {
    let fixture = Fixture::new();
    fixture.begun().end();
    let (mut client, _) = with_roots(&fixture);
    client.begin("get_session_status", json!({}));
    let begin = Instant::now();
    let answers = client.end();
    assert_eq!(answers[0]["result"]["structuredContent"]["session_id"], SESSION);
    assert!(begin.elapsed() < Duration::from_secs(4), "it waited for the roots");
}

#[test]
fn a_variable_that_names_a_directory_that_is_gone_does_not_name_what_is_above_it() {
    let fixture = Fixture::new().having("other/a.txt", "");
    let mut client = fixture.client();
    begin_in(&mut client, &fixture.app(), SESSION);
    begin_in(&mut client, &fixture.path("other"), "2026-01-16-other");
    let gone = fixture.path("other/gone").to_string_lossy().into_owned();
    let fixture = fixture.with("MAESTRO_WORKSPACE_PATH", &gone);
    assert_eq!(found(&fixture), SESSION);
}

#[test]
fn a_server_that_was_started_again_finds_the_workspace_by_the_roots() {
    let fixture = Fixture::new().having("app/src/a b.rs", "");
    fixture.begun().end();
    let fixture = fixture.started_in("elsewhere");
    let (mut client, id) = with_roots(&fixture);
    // Asked before the roots are known: it waits for them.
    let status = client.begin("get_session_status", json!({}));
    answer_roots(&client, &id, &[uri(&fixture, "elsewhere"), uri(&fixture, "app/src")]);
    assert_eq!(client.called(status).value["session_id"], SESSION);
}

#[test]
fn the_variable_comes_before_the_roots_and_those_before_the_directory() {
    let fixture = Fixture::new().having("b/x", "").having("c/x", "");
    let mut client = fixture.client();
    for (dir, id) in [("app", "2026-01-15-a"), ("b", "2026-01-15-b"), ("c", "2026-01-15-c")] {
        begin_in(&mut client, &fixture.path(dir), id);
    }
    client.end();
    let (mut client, id) = with_roots(&fixture);
    answer_roots(&client, &id, &[uri(&fixture, "b")]);
    assert_eq!(session_of(&mut client), "2026-01-15-b");
    let variable = fixture.path("c").to_string_lossy().into_owned();
    let fixture = fixture.with("MAESTRO_WORKSPACE_PATH", &variable);
    let (mut client, id) = with_roots(&fixture);
    answer_roots(&client, &id, &[uri(&fixture, "b")]);
    assert_eq!(session_of(&mut client), "2026-01-15-c");
    // What was chosen comes before all of them.
    client.ok("initialize_workspace", json!({ "workspace_path": fixture.app() }));
    assert_eq!(session_of(&mut client), "2026-01-15-a");
}

#[test]
fn calls_that_need_no_roots_do_not_wait_for_them() {
    let fixture = Fixture::new();
    fixture.begun().end();
    let fixture = fixture.started_in("elsewhere");
    let (mut client, id) = with_roots(&fixture);
    let named = json!({ "workspace_path": fixture.app() });
    client.ok("get_session_status", named.clone());
    client.request("tools/list", json!({}));
    // Had one of them waited until nobody waits any more, this answer would come too late.
    answer_roots(&client, &id, &[uri(&fixture, "app")]);
    assert_eq!(session_of(&mut client), SESSION);
    // Once a workspace is chosen, roots do not matter, and an answer that never comes keeps nobody.
    let (mut client, id) = with_roots(&fixture);
    client.ok("initialize_workspace", named);
    assert_eq!(session_of(&mut client), SESSION);
    client.notify("notifications/roots/list_changed", json!({}));
    assert_ne!(asked_for_roots(&mut client), id);
    assert_eq!(session_of(&mut client), SESSION);
    assert_eq!(client.end(), Vec::<Value>::new());
}

#[test]
fn a_client_that_fails_to_say_its_roots_has_none() {
    let fixture = Fixture::new();
    fixture.begun().end();
    let (mut client, id) = with_roots(&fixture);
    let status = client.begin("get_session_status", json!({}));
    let error = json!({ "code": -32603, "message": "no roots today" });
    client.send(&json!({ "jsonrpc": "2.0", "id": id, "error": error }));
    assert_eq!(client.called(status).value["session_id"], SESSION);
}

#[test]
fn roots_that_changed_are_asked_for_again() {
    let fixture = Fixture::new().having("b/x", "");
    let mut client = fixture.client();
    begin_in(&mut client, &fixture.app(), SESSION);
    begin_in(&mut client, &fixture.path("b"), "2026-01-15-b");
    client.end();
    let fixture = fixture.started_in("elsewhere");
    let (mut client, id) = with_roots(&fixture);
    answer_roots(&client, &id, &[uri(&fixture, "app")]);
    assert_eq!(session_of(&mut client), SESSION);
    client.notify("notifications/roots/list_changed", json!({}));
    let status = client.begin("get_session_status", json!({}));
    let id = asked_for_roots(&mut client);
    answer_roots(&client, &id, &[uri(&fixture, "b")]);
    assert_eq!(client.called(status).value["session_id"], "2026-01-15-b");
}

#[test]
fn a_client_without_roots_is_not_asked_for_them() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    client.notify("notifications/roots/list_changed", json!({}));
    assert_eq!(session_of(&mut client), SESSION);
    assert_eq!(client.end(), Vec::<Value>::new());
}

// A part of a larger repository.

/// W10: a package of a repository stays the workspace, also when the repository has a session of its own.
#[test]
fn a_package_of_a_repository_stays_the_workspace() {
    for repository_has_session in [false, true] {
        let fixture = Fixture::new()
            .having("app/.git/HEAD", "ref: refs/heads/main\n")
            .having("app/packages/a/package.json", "{}");
        let package = fixture.app().join("packages/a");
        let mut client = fixture.client();
        if repository_has_session {
            begin_in(&mut client, &fixture.app(), "2026-01-15-repository");
        }
        let initialised = client.ok("initialize_workspace", json!({ "workspace_path": package }));
        assert_eq!(initialised["workspace_path"], "[root]/app/packages/a");
        client.ok("create_session", create(SESSION));
        assert!(exists(&package, STATE));
        assert_eq!(exists(&fixture.app(), STATE), repository_has_session);
        client.end();
        let fixture = fixture.started_in("app/packages/a/src");
        assert_eq!(found(&fixture), SESSION);
        assert_eq!(found_by_command(&fixture, "app/packages/a/src").as_deref(), Some(SESSION));
    }
}

#[test]
fn a_project_does_not_take_over_the_session_of_the_one_around_it() {
    let fixture = Fixture::new().having("app/vendor/lib/.git/HEAD", "ref: refs/heads/main\n");
    fixture.begun().end();
    let fixture = fixture.started_in("app/vendor/lib/src");
    assert_eq!(fixture.client().code("get_session_status", json!({})), "WORKSPACE_NOT_INITIALIZED");
}

// Names.

#[test]
fn names_may_have_blanks_and_any_letters() {
    for name in ["with blank", "Übung/プロジェクト", "a'b\"c", "100%25 done"] {
        let fixture = Fixture::new().having(&format!("{name}/x"), "").started_in("elsewhere");
        let mut client = fixture.client();
        begin_in(&mut client, &fixture.path(name), SESSION);
        client.end();
        let (mut client, id) = with_roots(&fixture);
        let escaped = name.bytes().fold(String::new(), |all, byte| all + &format!("%{byte:02X}"));
        answer_roots(&client, &id, &[uri(&fixture, &escaped)]);
        assert_eq!(session_of(&mut client), SESSION, "{name}");
    }
}

#[cfg(unix)]
#[test]
fn a_workspace_goes_by_all_its_names() {
    let fixture = Fixture::new().having("app/src/bucket.rs", "");
    let link = fixture.path("link");
    std::os::unix::fs::symlink(fixture.app(), &link).unwrap();
    let fixture = fixture.started_in("link");
    let mut client = fixture.client();
    client.ok("get_session_status", json!({ "workspace_path": fixture.app() }));
    let initialised = client.ok("initialize_workspace", json!({ "workspace_path": link }));
    assert_eq!(initialised["workspace_path"], "[root]/app");
    client.ok("create_session", create(SESSION));
    for path in [&link, &fixture.app()] {
        let status = client.ok("get_session_status", json!({ "workspace_path": path }));
        assert_eq!(status["session_id"], SESSION);
    }
    // Files are named as the one who names them sees them.
    client.ok(
        "transition_phase",
        json!({
            "completed_phase_id": 1,
            "files_created": [link.join("src/bucket.rs"), fixture.app().join("src/clock.rs")],
            "downstream_context": { "warnings": "not async-safe" },
        }),
    );
    let text = fixture.session_file();
    assert!(text.contains("- \"src/bucket.rs\"\n      - \"src/clock.rs\""), "{text}");
    client.end();
    let mut client = fixture.client();
    client.ok("transition_phase", json!({ "next_phase_id": 2 }));
    let arguments = json!({
        "completed_phase_id": 2, "files_modified": [link.join("src/mw.rs")],
        "downstream_context": { "warnings": "order matters" },
    });
    client.ok("transition_phase", arguments);
}
