//! Where the state of a workspace is kept: the default, what a caller chose, what a setting says.

use std::sync::Arc;

use insta::assert_snapshot;
use maestro_session::Workspace;
use maestro_session::store::OsDisk;
use serde_json::{Value, json};

use crate::fixture::{Client, Fixture, SESSION, create};

/// Initialises the workspace with a state dir.
fn initialize(fixture: &Fixture, client: &mut Client, state_dir: &str) -> Value {
    let arguments = json!({ "workspace_path": fixture.app(), "state_dir": state_dir });
    client.ok("initialize_workspace", arguments)
}

/// Goes through a session from its gate to its archive.
fn whole_session(client: &mut Client) {
    let session = json!({ "session_id": SESSION });
    client.ok("enter_design_gate", session.clone());
    let approval = json!({
        "session_id": SESSION, "design_document_filename": "design.md", "design_document_content": "# Design\n",
    });
    client.ok("record_design_approval", approval);
    let mut arguments = create(SESSION);
    arguments["implementation_plan_filename"] = json!("plan.md");
    arguments["implementation_plan_content"] = json!("# Plan\n");
    client.ok("create_session", arguments);
    client.ok("fail_phase", json!({ "phase_id": 1, "message": "gave up" }));
    client.ok("archive_session", session);
}

/// The names below the workspace that are not about locking, one a line.
fn files(fixture: &Fixture) -> String {
    let app = fixture.app();
    let snapshot = fixture.snapshot();
    let names = snapshot.keys().filter_map(|path| path.strip_prefix(&app).ok());
    let names = names.map(|path| path.to_string_lossy().into_owned());
    names.collect::<Vec<_>>().join("\n")
}

/// The session that a command finds which is run in the workspace, and where its state is.
fn found_by_command(fixture: &Fixture) -> (String, String) {
    let start = fixture.app().join("src/deep");
    fs_err::create_dir_all(&start).unwrap();
    let workspace = Workspace::discover(&start, fixture.env(), Arc::new(OsDisk)).unwrap();
    let document = workspace.read().unwrap().unwrap();
    (document.session().session_id.to_string(), workspace.state_dir().relative().to_string())
}

fn session_of(client: &mut Client) -> Value {
    client.ok("get_session_status", json!({}))["session_id"].clone()
}

/// W10: everything is written to the one that was chosen, and everybody finds it.
#[test]
fn the_state_dir_that_a_caller_chose_is_where_everything_is() {
    let fixture = Fixture::new();
    let mut client = fixture.client();
    let arguments = json!({ "workspace_path": fixture.app(), "state_dir": ".maestro" });
    assert_snapshot!(client.call("initialize_workspace", arguments), @r#"
    {
      "success": true,
      "workspace_path": "[root]/app",
      "state_dir": ".maestro",
      "created_directories": [
        ".maestro/state/",
        ".maestro/state/archive/",
        ".maestro/state/journal/",
        ".maestro/plans/",
        ".maestro/plans/archive/"
      ],
      "already_existed": false
    }
    "#);
    whole_session(&mut client);
    assert_snapshot!(files(&fixture), @"
    .maestro/plans/archive/design.md
    .maestro/plans/archive/plan.md
    .maestro/state/.gitignore
    .maestro/state/archive/2026-01-15-rate-limiter.journal.jsonl
    .maestro/state/archive/2026-01-15-rate-limiter.md
    .maestro/state/lock
    .maestro-state-dir
    README.md
    ");
}

#[test]
fn the_state_dir_that_a_caller_chose_is_found_by_everyone() {
    let fixture = Fixture::new();
    let mut client = fixture.client();
    initialize(&fixture, &mut client, ".maestro");
    client.ok("create_session", create(SESSION));
    assert_eq!(found_by_command(&fixture), (SESSION.to_owned(), ".maestro".to_owned()));
    client.end();
    // A server that was started again, from its directory; and one that is told the workspace, but not the state dir.
    let mut client = fixture.client();
    assert_eq!(session_of(&mut client), SESSION);
    let again = client.ok("initialize_workspace", json!({ "workspace_path": fixture.app() }));
    assert_eq!(
        (&again["state_dir"], &again["already_existed"]),
        (&json!(".maestro"), &json!(true))
    );
    assert_eq!(session_of(&mut client), SESSION);
}

#[test]
fn a_state_dir_may_be_given_as_an_absolute_path_inside() {
    let fixture = Fixture::new();
    let mut client = fixture.client();
    let path = fixture.app().join("var/state").to_string_lossy().into_owned();
    assert_eq!(initialize(&fixture, &mut client, &path)["state_dir"], "var/state");
}

#[test]
fn a_state_dir_outside_is_refused() {
    let fixture = Fixture::new().having("outside/x", "");
    let mut client = fixture.client();
    let outside = fixture.path("outside").to_string_lossy().into_owned();
    let before = fixture.snapshot();
    for state_dir in [outside.as_str(), "../outside", "a/../../outside", "a\\..\\b", "/etc"] {
        let arguments = json!({ "workspace_path": fixture.app(), "state_dir": state_dir });
        assert_eq!(
            client.code("initialize_workspace", arguments),
            "VALIDATION_ERROR",
            "{state_dir}"
        );
        assert_eq!(fixture.snapshot(), before);
    }
    let arguments = json!({ "workspace_path": fixture.app(), "state_dir": "../outside" });
    assert_snapshot!(client.call("initialize_workspace", arguments), @r#"
    ERROR {
      "error": "`state_dir`: `../outside` does not stay inside the workspace",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "give a path inside the workspace, without `..`",
      "details": {"field":"state_dir"}
    }
    "#);
}

#[cfg(unix)]
#[test]
fn a_state_dir_behind_a_link_is_refused() {
    let fixture = Fixture::new().having("outside/x", "");
    std::os::unix::fs::symlink(fixture.path("outside"), fixture.app().join("link")).unwrap();
    let mut client = fixture.client();
    let before = fixture.snapshot();
    let arguments = json!({ "workspace_path": fixture.app(), "state_dir": "link/state" });
    assert_snapshot!(client.call("initialize_workspace", arguments), @r#"
    ERROR {
      "error": "`[root]/app/link` is a symbolic link, which is not followed inside the state dir",
      "code": "STATE_DIR_UNUSABLE",
      "recovery_hint": "replace `[root]/app/link` by what it points to, or set MAESTRO_STATE_DIR to a path without links"
    }
    "#);
    assert_eq!(fixture.snapshot(), before);
}

/// W10, W20: the setting is heeded wherever it stands.
#[test]
fn the_state_dir_of_the_env_file_is_where_everything_is() {
    let fixture = Fixture::new().having("app/.env", "MAESTRO_STATE_DIR=var/maestro\n");
    let mut client = fixture.ready();
    whole_session(&mut client);
    let files = files(&fixture);
    let strays: Vec<&str> =
        files.lines().filter(|name| !name.starts_with("var/maestro/")).collect();
    assert_eq!(strays, [".env", "README.md"]);
    client.ok("create_session", create("2026-01-16-next"));
    let expected = ("2026-01-16-next".to_owned(), "var/maestro".to_owned());
    assert_eq!(found_by_command(&fixture), expected);
    client.end();
    let fixture = fixture.started_in("app/src/deep");
    let mut client = fixture.client();
    assert_eq!(session_of(&mut client), "2026-01-16-next");
}

#[test]
fn the_environment_comes_before_the_env_file() {
    let fixture = Fixture::new()
        .having("app/.env", "MAESTRO_STATE_DIR=var/maestro\n")
        .with("MAESTRO_STATE_DIR", "state/here");
    let mut client = fixture.client();
    let answer = client.ok("initialize_workspace", json!({ "workspace_path": fixture.app() }));
    assert_eq!(answer["state_dir"], "state/here");
}

#[test]
fn a_setting_that_changed_holds_from_the_next_call_on() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    client.ok("fail_phase", json!({ "phase_id": 1, "message": "gave up" }));
    fixture.write("app/.env", "MAESTRO_MAX_RETRIES=0\n");
    assert_eq!(client.code("retry_phase", json!({ "phase_id": 1 })), "RETRIES_EXHAUSTED");
    fixture.write("app/.env", "MAESTRO_MAX_RETRIES=1\n");
    client.ok("retry_phase", json!({ "phase_id": 1 }));
    fixture.write("app/.env", "MAESTRO_MAX_RETRIES=many\n");
    assert_snapshot!(client.call("retry_phase", json!({ "phase_id": 1 })), @r#"
    ERROR {
      "error": "MAESTRO_MAX_RETRIES is `many` ([root]/app/.env:1), which must be a whole number",
      "code": "BAD_SETTING",
      "recovery_hint": "ask the user to correct it where it is set, or to remove it"
    }
    "#);
    fixture.write("app/.env", "MAESTRO_STATE_DIR=elsewhere\n");
    assert_eq!(client.ok("get_session_status", json!({}))["exists"], false);
    client.ok("initialize_workspace", json!({ "workspace_path": fixture.app() }));
    fixture.write("app/.env", "");
    assert_eq!(session_of(&mut client), SESSION);
}

#[test]
fn a_choice_against_the_environment_is_refused() {
    let fixture = Fixture::new().with("MAESTRO_STATE_DIR", "state/here");
    let mut client = fixture.client();
    let before = fixture.snapshot();
    let arguments = json!({ "workspace_path": fixture.app(), "state_dir": ".maestro" });
    assert_snapshot!(client.call("initialize_workspace", arguments), @r#"
    ERROR {
      "error": "the state dir cannot be `.maestro` while MAESTRO_STATE_DIR is `state/here`",
      "code": "CONFLICT",
      "recovery_hint": "choose `state/here`, or take MAESTRO_STATE_DIR out of the environment"
    }
    "#);
    assert_eq!(fixture.snapshot(), before);
    assert_eq!(initialize(&fixture, &mut client, "state/here")["state_dir"], "state/here");
}

#[test]
fn a_second_state_dir_beside_an_active_session_is_refused() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let before = fixture.snapshot();
    let arguments = json!({ "workspace_path": fixture.app(), "state_dir": ".maestro" });
    assert_snapshot!(client.call("initialize_workspace", arguments), @r#"
    ERROR {
      "error": "the state dir cannot be `.maestro` while `docs/maestro` has the active session",
      "code": "CONFLICT",
      "recovery_hint": "leave `state_dir` out to go on with that session, or end it with `archive_session` first"
    }
    "#);
    assert_eq!(fixture.snapshot(), before);
    client.ok("archive_session", json!({ "session_id": SESSION }));
    assert_eq!(initialize(&fixture, &mut client, ".maestro")["state_dir"], ".maestro");
}

/// A state dir with an active session, as a project of an older version has it, beside another one.
#[test]
fn two_active_sessions_are_told_and_neither_is_touched() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let text = fixture.session_file().replace(SESSION, "2026-01-01-older");
    fixture.write("app/.gemini/state/active-session.md", text);
    let before = fixture.snapshot();
    assert_snapshot!(client.call("get_session_status", json!({})), @r#"
    ERROR {
      "error": "there are two active sessions: `[root]/app/docs/maestro/state/active-session.md` and `[root]/app/.gemini/state/active-session.md`",
      "code": "CONFLICT",
      "recovery_hint": "keep one of them: archive the other with `MAESTRO_STATE_DIR=… maestro archive`, or move `[root]/app/docs/maestro/state/active-session.md` or `[root]/app/.gemini/state/active-session.md` out of the workspace"
    }
    "#);
    let failure = json!({ "phase_id": 1, "message": "gave up" });
    assert_eq!(client.code("fail_phase", failure), "CONFLICT");
    assert_eq!(fixture.snapshot(), before);
}

#[test]
fn the_session_of_an_older_version_is_found_where_it_is() {
    let fixture = Fixture::new();
    fixture.begun().end();
    let text = fixture.session_file();
    let fixture = Fixture::new().having("app/.gemini/state/active-session.md", &text);
    let mut client = fixture.client();
    assert_eq!(session_of(&mut client), SESSION);
    client.ok("fail_phase", json!({ "phase_id": 1, "message": "gave up" }));
    assert!(fixture.text("app/.gemini/state/active-session.md").contains("gave up"));
}
