//! Settings that change under a process that goes on running, and the choice of a state dir.

use std::sync::Arc;

use maestro_session::{ArchiveOptions, Initialised, SessionError, Workspace};
use maestro_session_model::{Command, RelPath, SessionStatus};
use maestro_state_store::{Disk, OsDisk};

use crate::fixture::{ARCHIVE, FORCE, Fixture, code, complete, skip, start};

fn init(fixture: &Fixture, state_dir: &str) -> Result<Initialised, SessionError> {
    let state_dir = RelPath::parse(state_dir).unwrap();
    let disk: Arc<dyn Disk> = Arc::new(OsDisk);
    Workspace::init(fixture.root(), Some(&state_dir), &fixture.env(), &disk)
}

/// The session file, of the version that had its state dir in `.gemini`.
const LEGACY: &str = ".gemini/state/active-session.md";
const FILE: &str = "docs/maestro/state/active-session.md";
const MARKER: &str = ".maestro-state-dir";

#[test]
fn a_workspace_that_is_opened_again_has_the_settings_of_now_and_parses_nothing_twice() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    fixture.apply(&complete("1", "a.rs")).unwrap();
    fixture.apply(&start("2")).unwrap();
    let workspace = fixture.workspace();
    let known = workspace.read().unwrap().unwrap();
    fixture.write(".env", "MAESTRO_MAX_CONCURRENT=1\n");
    assert!(workspace.apply(&start("3")).is_ok(), "it was opened before");
    workspace.undo(None).unwrap();
    let known_again = workspace.read().unwrap().unwrap();
    assert!(!Arc::ptr_eq(&known, &known_again), "the session changed");

    let reopened = workspace.reopened(Arc::new(OsDisk)).unwrap();
    assert_eq!(reopened.settings().max_concurrent.value, 1);
    assert!(Arc::ptr_eq(&reopened.read().unwrap().unwrap(), &known_again));
    assert!(Arc::ptr_eq(&reopened.last_seen().unwrap(), &known_again));
    assert_eq!(code(reopened.apply(&start("3"))), "NO_FREE_SLOT");
    // What one of them has written, the other knows.
    reopened.apply(&skip("3", true)).unwrap();
    let written = reopened.last_seen().unwrap();
    assert!(Arc::ptr_eq(&workspace.read().unwrap().unwrap(), &written));
}

#[test]
fn a_workspace_that_is_opened_again_is_meant_for_any_session() {
    let fixture = Fixture::begun();
    let only = fixture.workspace().only_for("other".parse().unwrap());
    assert_eq!(code(only.status()), "OTHER_SESSION");
    assert!(only.reopened(Arc::new(OsDisk)).unwrap().read().unwrap().is_some());
}

#[test]
fn another_state_dir_makes_another_session_known() {
    let fixture = Fixture::new();
    let workspace = fixture.workspace();
    assert!(workspace.read().unwrap().is_none());
    fixture.write(".env", "MAESTRO_STATE_DIR=elsewhere\n");
    let reopened = workspace.reopened(Arc::new(OsDisk)).unwrap();
    assert_eq!(reopened.state_dir().relative().as_str(), "elsewhere");
    reopened.create_session(&fixture.request()).unwrap();
    assert!(fixture.path("elsewhere/state/active-session.md").exists());
    assert!(workspace.last_seen().is_none());
    fixture.write(".env", "MAESTRO_MAX_RETRIES=many\n");
    assert_eq!(code(reopened.reopened(Arc::new(OsDisk))), "BAD_SETTING");
}

#[test]
fn an_unfinished_session_gets_the_status_that_was_asked_for() {
    let completed = ArchiveOptions { unfinished: Some(SessionStatus::Completed), ..FORCE };
    let fixture = Fixture::begun();
    let refused = ArchiveOptions { force: false, ..completed };
    assert_eq!(code(fixture.workspace().archive(refused)), "SESSION_UNFINISHED");
    assert_eq!(fixture.workspace().archive(completed).unwrap().status, SessionStatus::Completed);
    // One that was given up stays so, and one that is done is completed, whatever is said of an unfinished one.
    let aborted = Fixture::begun();
    aborted.apply(&Command::Abort { by_user: true, reason: None }).unwrap();
    assert_eq!(aborted.workspace().archive(completed).unwrap().status, SessionStatus::Aborted);
    let done = Fixture::begun();
    for phase in ["1", "2", "3", "review"] {
        done.apply(&skip(phase, true)).unwrap();
    }
    let failed = ArchiveOptions { unfinished: Some(SessionStatus::Failed), ..ARCHIVE };
    assert_eq!(done.workspace().archive(failed).unwrap().status, SessionStatus::Completed);
    // A status that is ordered goes before all that.
    let ordered = Fixture::begun();
    let options = ArchiveOptions { status: Some(SessionStatus::Failed), ..completed };
    assert_eq!(ordered.workspace().archive(options).unwrap().status, SessionStatus::Failed);
}

#[test]
fn a_chosen_state_dir_is_remembered() {
    let fixture = Fixture::new();
    let done = init(&fixture, "agents/state").unwrap();
    assert_eq!(done.state_dir.as_str(), "agents/state");
    assert_eq!(fs_err::read_to_string(done.marker.unwrap()).unwrap(), "agents/state\n");
    assert_eq!(fixture.workspace().state_dir().relative().as_str(), "agents/state");
    fixture.create().unwrap();
    assert!(fixture.path("agents/state/state/active-session.md").exists());
    // It can be said again, and with a session in it.
    init(&fixture, "agents/state").unwrap();
    let before = fixture.snapshot();
    let error = init(&fixture, "docs/maestro").unwrap_err();
    assert_eq!(error.code(), "CONFLICT");
    assert_eq!(
        error.to_string(),
        "the state dir cannot be `docs/maestro` while `agents/state` has the active session"
    );
    assert_eq!(fixture.snapshot(), before);
    fixture.workspace().archive(FORCE).unwrap();
    init(&fixture, "docs/maestro").unwrap();
    assert_eq!(fixture.workspace().state_dir().relative().as_str(), "docs/maestro");
}

#[test]
fn w10_a_state_dir_is_not_chosen_against_the_environment() {
    let fixture = Fixture::new().with("MAESTRO_STATE_DIR", "agents/state");
    let before = fixture.snapshot();
    let error = init(&fixture, "docs/maestro").unwrap_err();
    assert_eq!(error.code(), "CONFLICT");
    assert_eq!(
        error.to_string(),
        "the state dir cannot be `docs/maestro` while MAESTRO_STATE_DIR is `agents/state`"
    );
    assert!(error.hint().unwrap().contains("agents/state"));
    assert_eq!(fixture.snapshot(), before);
    init(&fixture, "./agents//state").unwrap();
}

#[test]
fn w10_a_state_dir_is_not_chosen_while_any_other_has_the_session() {
    for (set, session, chosen) in [
        (None, LEGACY, "docs/maestro"),
        (None, LEGACY, "agents/state"),
        (None, FILE, "agents/state"),
        (None, FILE, ".gemini"),
        // What is set has no session, and one of those that are known by their names has.
        (Some("elsewhere"), FILE, "agents/state"),
        (Some("elsewhere"), LEGACY, "agents/state"),
    ] {
        let fixture = Fixture::new();
        if let Some(set) = set {
            fixture.write(".env", format!("MAESTRO_STATE_DIR={set}\n"));
        }
        fixture.write(session, maestro_testutils::samples()[0].text);
        let before = fixture.snapshot();
        let Err(SessionError::StateDirInUse { present, .. }) = init(&fixture, chosen) else {
            panic!("{set:?} {session} {chosen}");
        };
        assert!(session.starts_with(present.as_str()), "{present}");
        assert_eq!(fixture.snapshot(), before);
        // The one that has it can be chosen.
        init(&fixture, present.as_str()).unwrap();
        assert!(fixture.workspace().read().unwrap().is_some());
    }
}

#[test]
fn w10_no_state_dir_is_chosen_between_two_sessions() {
    let fixture = Fixture::new();
    let text = maestro_testutils::samples()[0].text;
    fixture.write(FILE, text);
    fixture.write(LEGACY, text);
    let before = fixture.snapshot();
    for chosen in ["docs/maestro", ".gemini", "agents/state"] {
        assert_eq!(init(&fixture, chosen).unwrap_err().code(), "CONFLICT", "{chosen}");
    }
    assert_eq!(fixture.snapshot(), before);
    let disk: Arc<dyn Disk> = Arc::new(OsDisk);
    let nowhere = fixture.path("nowhere");
    let chosen = RelPath::parse("agents/state").unwrap();
    assert!(Workspace::init(&nowhere, Some(&chosen), &fixture.env(), &disk).is_err());
    assert!(!nowhere.exists());
    assert!(!fixture.path(MARKER).exists());
}
