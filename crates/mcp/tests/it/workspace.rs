//! `initialize_workspace`, `resolve_settings` and `assess_task_complexity`.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fixture::{Client, Fixture, SESSION, create, exists};

fn initialize(path: impl serde::Serialize) -> Value {
    json!({ "workspace_path": path })
}

#[test]
fn a_directory_becomes_the_workspace_once_and_again() {
    let fixture = Fixture::new();
    let mut client = fixture.client();
    let called = client.call("initialize_workspace", initialize(fixture.app()));
    assert_snapshot!(called, @r#"
    {
      "success": true,
      "workspace_path": "[root]/app",
      "state_dir": "docs/maestro",
      "created_directories": [
        "docs/maestro/state/",
        "docs/maestro/state/archive/",
        "docs/maestro/state/journal/",
        "docs/maestro/plans/",
        "docs/maestro/plans/archive/"
      ],
      "already_existed": false
    }
    "#);
    let state = fixture.app().join("docs/maestro");
    for name in ["state/archive", "state/.gitignore", "plans/archive"] {
        assert!(exists(&state, name), "{name}");
    }
    let before = fixture.snapshot();
    let again = client.ok("initialize_workspace", initialize(fixture.app()));
    assert_eq!(again["already_existed"], true);
    assert!(fixture.snapshot() == before, "nothing is made twice");
}

#[test]
fn what_is_no_project_is_not_taken() {
    let fixture = Fixture::new()
        .having("home/.gemini/extensions/maestro/gemini-extension.json", "{}")
        .having("home/.claude/plugins/maestro/plugin.json", "{}");
    let mut client = fixture.client();
    let mut refused = |arguments: Value| {
        fixture.refused(&mut client, "initialize_workspace", arguments).to_string()
    };
    assert_snapshot!(refused(json!({})), @r#"
    ERROR {
      "error": "workspace_path is required: `` is no directory",
      "code": "WORKSPACE_REQUIRED",
      "recovery_hint": "give the absolute path of the project directory"
    }
    "#);
    assert_snapshot!(refused(initialize("")), @r#"
    ERROR {
      "error": "workspace_path is required: `` is no directory",
      "code": "WORKSPACE_REQUIRED",
      "recovery_hint": "give the absolute path of the project directory"
    }
    "#);
    assert_snapshot!(refused(initialize("${workspacePath}")), @r#"
    ERROR {
      "error": "workspace_path is required: `${workspacePath}` is no directory",
      "code": "WORKSPACE_REQUIRED",
      "recovery_hint": "give the absolute path of the project directory"
    }
    "#);
    assert_snapshot!(refused(initialize(fixture.path("nowhere"))), @r#"
    ERROR {
      "error": "the workspace does not exist: [root]/nowhere",
      "code": "WORKSPACE_NOT_FOUND",
      "recovery_hint": "give the absolute path of an existing directory",
      "details": {"workspace_path":"[root]/nowhere"}
    }
    "#);
    assert_snapshot!(refused(initialize(fixture.path("app/README.md"))), @r#"
    ERROR {
      "error": "the workspace does not exist: [root]/app/README.md",
      "code": "WORKSPACE_NOT_FOUND",
      "recovery_hint": "give the absolute path of an existing directory",
      "details": {"workspace_path":"[root]/app/README.md"}
    }
    "#);
    assert_snapshot!(refused(initialize(fixture.path("home/.gemini/extensions/maestro"))), @r#"
    ERROR {
      "error": "`[root]/home/.gemini/extensions/maestro` is where a host keeps its extensions, and no project",
      "code": "WORKSPACE_IN_EXTENSION_CACHE",
      "recovery_hint": "give the absolute path of the project directory that the user has open",
      "details": {"workspace_path":"[root]/home/.gemini/extensions/maestro"}
    }
    "#);
    assert_snapshot!(refused(initialize(fixture.path("home/.claude/plugins/maestro"))), @r#"
    ERROR {
      "error": "`[root]/home/.claude/plugins/maestro` is where a host keeps its extensions, and no project",
      "code": "WORKSPACE_IN_EXTENSION_CACHE",
      "recovery_hint": "give the absolute path of the project directory that the user has open",
      "details": {"workspace_path":"[root]/home/.claude/plugins/maestro"}
    }
    "#);
    assert_snapshot!(refused(initialize(Value::Null)), @r#"
    ERROR {
      "error": "workspace_path is required: `` is no directory",
      "code": "WORKSPACE_REQUIRED",
      "recovery_hint": "give the absolute path of the project directory"
    }
    "#);
    assert_snapshot!(refused(initialize(5)), @r#"
    ERROR {
      "error": "workspace_path is required: `5` is no directory",
      "code": "WORKSPACE_REQUIRED",
      "recovery_hint": "give the absolute path of the project directory"
    }
    "#);
}

#[test]
fn a_call_that_fails_keeps_the_workspace_of_before() {
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    fixture.refused(&mut client, "initialize_workspace", initialize("nowhere"));
    let same = client.ok("initialize_workspace", initialize(""));
    assert_eq!(same["workspace_path"], "[root]/app");
    assert_eq!(client.ok("get_session_status", json!({}))["exists"], false);
}

#[test]
fn a_relative_path_is_relative_to_where_the_server_was_started() {
    let fixture = Fixture::new().started_in("app/crates");
    let answer = fixture.client().ok("initialize_workspace", initialize(".."));
    assert_eq!(answer["workspace_path"], "[root]/app");
}

#[test]
fn a_package_of_a_larger_repository_stays_the_workspace() {
    let fixture = Fixture::new().having(".git/HEAD", "ref: refs/heads/main\n");
    let answer = fixture.client().ok("initialize_workspace", initialize(fixture.app()));
    assert_eq!(answer["workspace_path"], "[root]/app");
    assert!(!exists(&fixture.root(), "docs"));
}

#[test]
fn a_state_dir_that_is_chosen_is_the_one_of_all_tools_and_of_the_next_server() {
    let fixture = Fixture::new();
    let mut client = fixture.client();
    let chosen = json!({ "workspace_path": fixture.app(), "state_dir": "work/state" });
    assert_snapshot!(client.call("initialize_workspace", chosen), @r#"
    {
      "success": true,
      "workspace_path": "[root]/app",
      "state_dir": "work/state",
      "created_directories": [
        "work/state/state/",
        "work/state/state/archive/",
        "work/state/state/journal/",
        "work/state/plans/",
        "work/state/plans/archive/"
      ],
      "already_existed": false
    }
    "#);
    let path = client.ok("create_session", create(SESSION))["path"].clone();
    assert_eq!(path, "[root]/app/work/state/state/active-session.md");
    assert!(!exists(&fixture.app(), "docs"));
    assert_eq!(fixture.client().ok("get_session_status", json!({}))["session_id"], SESSION);
    // An absolute path inside the workspace is the same one.
    let same =
        json!({ "workspace_path": fixture.app(), "state_dir": fixture.path("app/work/state") });
    assert_eq!(client.ok("initialize_workspace", same)["state_dir"], "work/state");
}

#[test]
fn a_state_dir_of_the_env_file_is_the_one_of_all_tools() {
    let fixture = Fixture::new().having("app/.env", "MAESTRO_STATE_DIR=work\n");
    let mut client = fixture.client();
    let answer = client.ok("initialize_workspace", initialize(fixture.app()));
    assert_eq!(answer["state_dir"], "work");
    client.ok("create_session", create(SESSION));
    assert!(exists(&fixture.app(), "work/state/active-session.md"));
    assert!(!exists(&fixture.app(), "docs"));
}

#[test]
fn a_state_dir_elsewhere_is_refused() {
    let fixture = Fixture::new();
    let mut client = fixture.ready();
    let mut refused = |state_dir: Value| {
        let arguments = json!({ "workspace_path": fixture.app(), "state_dir": state_dir });
        fixture.refused(&mut client, "initialize_workspace", arguments)
    };
    assert_snapshot!(refused(json!("../elsewhere")), @r#"
    ERROR {
      "error": "`state_dir`: `../elsewhere` does not stay inside the workspace",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "give a path inside the workspace, without `..`",
      "details": {"field":"state_dir"}
    }
    "#);
    assert_snapshot!(refused(json!(".git/state")), @r#"
    ERROR {
      "error": "the state dir cannot be `.git/state`: that name has a meaning of its own",
      "code": "BAD_SETTING",
      "recovery_hint": "give another path inside the workspace, `docs/maestro` for example"
    }
    "#);
    for state_dir in ["/etc/maestro", "a/../b", "a\\..\\b"] {
        assert_eq!(refused(json!(state_dir)).value["code"], "VALIDATION_ERROR", "{state_dir}");
    }
    assert_snapshot!(refused(json!(5)), @r#"
    ERROR {
      "error": "`state_dir`: invalid type: integer `5`, expected a string",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "correct the arguments of `initialize_workspace`; its input schema has each of them, with an example",
      "details": {"field":"state_dir","tool":"initialize_workspace"}
    }
    "#);
}

#[test]
fn a_state_dir_beside_the_one_that_is_set_or_in_use_is_a_conflict() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let other = json!({ "workspace_path": fixture.app(), "state_dir": "other" });
    assert_snapshot!(fixture.refused(&mut client, "initialize_workspace", other), @r#"
    ERROR {
      "error": "the state dir cannot be `other` while `docs/maestro` has the active session",
      "code": "CONFLICT",
      "recovery_hint": "leave `state_dir` out to go on with that session, or end it with `archive_session` first"
    }
    "#);
    let fixture = Fixture::new().with("MAESTRO_STATE_DIR", "work");
    let mut client = fixture.client();
    let other = json!({ "workspace_path": fixture.app(), "state_dir": "other" });
    assert_snapshot!(fixture.refused(&mut client, "initialize_workspace", other), @r#"
    ERROR {
      "error": "the state dir cannot be `other` while MAESTRO_STATE_DIR is `work`",
      "code": "CONFLICT",
      "recovery_hint": "choose `work`, or take MAESTRO_STATE_DIR out of the environment"
    }
    "#);
}

#[cfg(unix)]
#[test]
fn a_state_dir_that_is_a_link_is_refused() {
    let fixture = Fixture::new().having("elsewhere/file", "");
    std::os::unix::fs::symlink(fixture.path("elsewhere"), fixture.path("app/docs")).unwrap();
    let mut client = fixture.client();
    let called = fixture.refused(&mut client, "initialize_workspace", initialize(fixture.app()));
    assert_snapshot!(called, @r#"
    ERROR {
      "error": "`[root]/app/docs` is a symbolic link, which is not followed inside the state dir",
      "code": "STATE_DIR_UNUSABLE",
      "recovery_hint": "replace `[root]/app/docs` by what it points to, or set MAESTRO_STATE_DIR to a path without links"
    }
    "#);
}

#[test]
fn a_state_dir_that_cannot_be_made_says_where() {
    let fixture = Fixture::new().having("app/docs", "a file\n");
    let mut client = fixture.client();
    let called = fixture.refused(&mut client, "initialize_workspace", initialize(fixture.app()));
    assert_snapshot!(called, @r#"
    ERROR {
      "error": "`[root]/app/docs` is not a directory",
      "code": "STATE_DIR_UNUSABLE",
      "recovery_hint": "move `[root]/app/docs` out of the way, or set MAESTRO_STATE_DIR to another path"
    }
    "#);
}

/// The tools of the Node server that need a workspace, each with arguments that it takes.
fn in_a_workspace() -> [(&'static str, Value); 11] {
    let id = || json!({ "session_id": SESSION });
    let with = |name: &str, value: Value| json!({ "session_id": SESSION, name: value });
    [
        ("assess_task_complexity", json!({})),
        ("create_session", create(SESSION)),
        ("get_session_status", json!({})),
        ("update_session", with("current_batch", json!("b"))),
        ("transition_phase", with("next_phase_id", json!(1))),
        ("archive_session", id()),
        ("enter_design_gate", id()),
        ("record_design_approval", with("design_document_path", json!("d.md"))),
        ("get_design_gate_status", id()),
        ("scan_phase_changes", with("phase_id", json!(1))),
        (
            "reconcile_phase",
            json!({ "session_id": SESSION, "phase_id": 1, "files_created": ["a"] }),
        ),
    ]
}

#[test]
fn without_a_workspace_tools_say_how_to_come_by_one() {
    let fixture = Fixture::new();
    let mut client = fixture.client();
    for (tool, arguments) in in_a_workspace() {
        let called = fixture.refused(&mut client, tool, arguments);
        assert_eq!(called.value["code"], "WORKSPACE_NOT_INITIALIZED", "{tool}");
        assert_eq!(called.value["details"]["tool_name"], tool);
    }
    assert_snapshot!(fixture.refused(&mut client, "get_session_status", json!({})), @r#"
    ERROR {
      "error": "`get_session_status` needs a workspace: call `initialize_workspace` first, or give `workspace_path`",
      "code": "WORKSPACE_NOT_INITIALIZED",
      "recovery_hint": "call `initialize_workspace` with the absolute path of the project directory",
      "details": {"tool_name":"get_session_status","workspace_suggestion":"[root]/app"}
    }
    "#);
}

#[test]
fn a_workspace_that_a_call_names_is_the_one_of_that_call() {
    let fixture = Fixture::new().having("other/README.md", "# Other\n");
    let mut client = fixture.ready();
    let mut arguments = create("2026-01-15-other");
    arguments["workspace_path"] = json!(fixture.path("other"));
    client.ok("create_session", arguments);
    assert!(exists(&fixture.root(), "other/docs/maestro/state/active-session.md"));
    assert_eq!(client.ok("get_session_status", json!({}))["exists"], false);
    let named = json!({ "workspace_path": fixture.path("other") });
    assert_eq!(client.ok("get_session_status", named)["session_id"], "2026-01-15-other");
    assert_snapshot!(
        fixture.refused(&mut client, "get_session_status", json!({ "workspace_path": "nowhere" })),
        @r#"
        ERROR {
          "error": "the workspace does not exist: nowhere",
          "code": "WORKSPACE_NOT_FOUND",
          "recovery_hint": "give the absolute path of an existing directory",
          "details": {"workspace_path":"nowhere"}
        }
        "#
    );
}

fn settings(client: &mut Client, names: Value) -> String {
    client.call("resolve_settings", json!({ "settings": names })).to_string()
}

#[test]
fn settings_are_what_is_set_and_what_holds() {
    let fixture = Fixture::new()
        .with("MAESTRO_MAX_RETRIES", "5")
        .having("app/.env", "# ours\nMAESTRO_AUTO_ARCHIVE=false\nMAESTRO_MAX_RETRIES=7\nMAESTRO_DISABLED_AGENTS=\" db2_dba , zos-sysprog,\"\n");
    let mut client = fixture.ready();
    assert_snapshot!(client.call("resolve_settings", json!({})), @r#"
    {
      "settings": {
        "MAESTRO_AUTO_ARCHIVE": "false",
        "MAESTRO_DISABLED_AGENTS": "db2_dba, zos-sysprog",
        "MAESTRO_EXECUTION_MODE": null,
        "MAESTRO_MAX_CONCURRENT": null,
        "MAESTRO_MAX_RETRIES": "5",
        "MAESTRO_STATE_DIR": null,
        "MAESTRO_VALIDATION_STRICTNESS": null
      },
      "disabled_agents": ["db2_dba","zos-sysprog"],
      "effective": {
        "MAESTRO_AUTO_ARCHIVE": "false",
        "MAESTRO_DISABLED_AGENTS": "db2_dba, zos-sysprog",
        "MAESTRO_EXECUTION_MODE": "ask",
        "MAESTRO_MAX_CONCURRENT": "0",
        "MAESTRO_MAX_RETRIES": "5",
        "MAESTRO_STATE_DIR": "docs/maestro",
        "MAESTRO_VALIDATION_STRICTNESS": "normal"
      },
      "sources": {
        "MAESTRO_AUTO_ARCHIVE": "[root]/app/.env:2",
        "MAESTRO_DISABLED_AGENTS": "[root]/app/.env:4",
        "MAESTRO_EXECUTION_MODE": "default",
        "MAESTRO_MAX_CONCURRENT": "default",
        "MAESTRO_MAX_RETRIES": "environment",
        "MAESTRO_STATE_DIR": "default",
        "MAESTRO_VALIDATION_STRICTNESS": "default"
      }
    }
    "#);
}

#[test]
fn settings_that_are_asked_for_are_the_ones_that_are_answered() {
    let fixture = Fixture::new().with("MAESTRO_DISABLED_AGENTS", "coder");
    let mut client = fixture.client();
    let two = json!(["MAESTRO_MAX_CONCURRENT", "HOME", "MAESTRO_EXECUTION_MODE"]);
    assert_snapshot!(settings(&mut client, two), @r#"
    {
      "settings": {"MAESTRO_EXECUTION_MODE":null,"MAESTRO_MAX_CONCURRENT":null},
      "disabled_agents": [],
      "effective": {"MAESTRO_EXECUTION_MODE":"ask","MAESTRO_MAX_CONCURRENT":"0"},
      "sources": {"MAESTRO_EXECUTION_MODE":"default","MAESTRO_MAX_CONCURRENT":"default"}
    }
    "#);
    let all = settings(&mut client, json!([]));
    assert_eq!(settings(&mut client, Value::Null), all);
    assert_eq!(client.ok("resolve_settings", json!({}))["settings"].as_object().unwrap().len(), 7);
}

#[test]
fn a_bad_setting_is_an_error_of_whoever_needs_it() {
    let fixture = Fixture::new().having("app/.env", "\nMAESTRO_MAX_RETRIES=many\n");
    let mut client = fixture.client();
    let named = json!({ "workspace_path": fixture.app() });
    assert_snapshot!(fixture.refused(&mut client, "resolve_settings", named), @r#"
    ERROR {
      "error": "MAESTRO_MAX_RETRIES is `many` ([root]/app/.env:2), which must be a whole number",
      "code": "BAD_SETTING",
      "recovery_hint": "ask the user to correct it where it is set, or to remove it"
    }
    "#);
    // It is of no other workspace.
    client.ok("resolve_settings", json!({ "workspace_path": fixture.root() }));
    let fixture = Fixture::new().with("MAESTRO_AUTO_ARCHIVE", "perhaps");
    let mut client = fixture.client();
    assert_snapshot!(client.call("resolve_settings", json!({})), @r#"
    ERROR {
      "error": "MAESTRO_AUTO_ARCHIVE is `perhaps` (environment), which must be true or false",
      "code": "BAD_SETTING",
      "recovery_hint": "ask the user to correct it where it is set, or to remove it"
    }
    "#);
}

#[test]
fn a_workspace_is_counted() {
    let package = json!({ "dependencies": { "react": "19", "express": "5" } }).to_string();
    let fixture = Fixture::new()
        .having("app/package.json", &package)
        .having("app/tsconfig.json", "{}")
        .having("app/Dockerfile", "FROM scratch\n")
        .having("app/src/deep/er/index.ts", "export {};\n")
        .having("app/tests/index.test.ts", "\n")
        .having("app/node_modules/react/index.js", "\n")
        .having("app/target/debug/app", "\n");
    let mut client = fixture.ready();
    let before = fixture.snapshot();
    let asked = json!({ "task_description": "Add a page" });
    assert_snapshot!(client.call("assess_task_complexity", asked), @r#"
    {
      "file_count": 6,
      "directory_depth": 3,
      "has_package_json": true,
      "has_config_files": ["tsconfig.json","Dockerfile"],
      "frameworks_detected": ["react","express"],
      "existing_test_infrastructure": true,
      "lines_of_code_estimate": "low",
      "repo_is_empty": false,
      "repo_size_estimate": "small"
    }
    "#);
    assert!(fixture.snapshot() == before, "counting changes nothing");
}

#[test]
fn an_empty_workspace_is_counted() {
    let fixture = Fixture::new().started_in("empty");
    let mut client = fixture.client();
    let named = json!({ "workspace_path": fixture.path("empty") });
    assert_snapshot!(client.call("assess_task_complexity", named), @r#"
    {
      "file_count": 0,
      "directory_depth": 0,
      "has_package_json": false,
      "has_config_files": [],
      "frameworks_detected": [],
      "existing_test_infrastructure": false,
      "lines_of_code_estimate": "low",
      "repo_is_empty": true,
      "repo_size_estimate": "empty"
    }
    "#);
}
