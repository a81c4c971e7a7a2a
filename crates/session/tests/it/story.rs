//! A session from its plan to its archive.

use maestro_session::{LogFilter, Status};
use maestro_session_model::{Command, PhaseStatus, SessionStatus};

use crate::fixture::{ARCHIVE, Fixture, complete, fail, id, retry, skip, start};

#[test]
fn a_session_goes_from_its_plan_to_the_archive() {
    let fixture = Fixture::new();
    let created = fixture.create().unwrap();
    assert_eq!(created.session.session_id.as_str(), "2026-01-15-add-a-token-bucket-rate-limiter");
    assert_eq!(created.copied, [("plan.md".to_owned(), "docs/maestro/plans/plan.md".to_owned())]);
    assert!(created.session.phases.iter().all(|phase| phase.status == PhaseStatus::Pending));
    assert_eq!(created.session.ready, [id("1")]);

    fixture.apply(&start("1")).unwrap();
    let done = fixture.apply(&complete("1", "src/bucket.rs")).unwrap();
    assert_eq!(done.ready, [id("2"), id("3")]);
    fixture.apply(&start("2")).unwrap();
    fixture.apply(&start("3")).unwrap();
    fixture.apply(&fail("2", "it does not compile")).unwrap();
    fixture.apply(&retry("2")).unwrap();
    fixture.apply(&complete("2", "src/mw.rs")).unwrap();
    fixture.apply(&complete("3", "README.md")).unwrap();
    let skipped = fixture.apply(&skip("review", true)).unwrap();
    assert!(skipped.ready_to_archive);

    let receipt = fixture.workspace().archive(ARCHIVE).unwrap();
    assert!(receipt.is_verified(), "{receipt:?}");
    assert_eq!(receipt.status, SessionStatus::Completed);
    assert_eq!(
        receipt.archived_files,
        [
            "docs/maestro/state/archive/2026-01-15-add-a-token-bucket-rate-limiter.md",
            "docs/maestro/plans/archive/plan.md",
        ]
    );
    assert!(!fixture.session_file().exists());
    assert!(!fixture.path("docs/maestro/plans/plan.md").exists());
    assert!(fixture.path("plan.md").exists(), "the user's own file stays");
    let archive = fixture.text(&receipt.archive_path);
    assert!(
        archive.contains("implementation_plan: \"docs/maestro/plans/archive/plan.md\""),
        "{archive}"
    );
    insta::assert_snapshot!(archive);
    assert!(matches!(fixture.workspace().status().unwrap(), Status::None(_)));
}

#[test]
fn the_log_says_what_happened() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    fixture.apply(&fail("1", "no\nspace")).unwrap();
    let log = fixture.workspace().log(&LogFilter::default()).unwrap();
    let lines: Vec<String> = log
        .entries
        .iter()
        .map(|entry| format!("{} {} {}", entry.seq, entry.command, entry.summary))
        .collect();
    assert_eq!(lines, ["1 create Add a token bucket rate limiter", "2 start ", "3 fail no space"]);
    let filter = LogFilter { phase: Some(id("1")), limit: Some(1), actor: None };
    assert_eq!(fixture.workspace().log(&filter).unwrap().entries.len(), 1);
}

#[test]
fn an_aborted_session_is_archived_as_aborted() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    fixture
        .apply(&Command::Abort { by_user: true, reason: Some("the customer left".to_owned()) })
        .unwrap();
    assert_eq!(crate::fixture::code(fixture.apply(&complete("1", "a.rs"))), "SESSION_ENDED");
    let receipt = fixture.workspace().archive(ARCHIVE).unwrap();
    assert_eq!(receipt.status, SessionStatus::Aborted);
    assert!(fixture.text(&receipt.archive_path).contains("the customer left"));
}

#[test]
fn what_was_given_up_is_archived_whatever_its_records_lack() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    let nothing = maestro_session_model::Handoff::default();
    fixture.apply(&Command::Complete { phase: id("1"), handoff: nothing }).unwrap();
    fixture.apply(&Command::Abort { by_user: true, reason: None }).unwrap();
    assert_eq!(fixture.workspace().archive(ARCHIVE).unwrap().status, SessionStatus::Aborted);
}

#[test]
fn a_session_that_a_hand_has_called_completed_is_not_archived_with_open_phases() {
    let fixture = Fixture::begun();
    let file = "docs/maestro/state/active-session.md";
    let text = fixture.text(file).replacen("status: \"in_progress\"", "status: \"completed\"", 1);
    fixture.write(file, text);
    let view = serde_json::to_value(fixture.workspace().status().unwrap()).unwrap();
    assert!(view["violations"][0].as_str().unwrap().contains("phase 1 is pending"), "{view}");
    assert_eq!(crate::fixture::code(fixture.workspace().archive(ARCHIVE)), "SESSION_UNFINISHED");
    let receipt = fixture.workspace().archive(crate::fixture::FORCE).unwrap();
    assert_eq!(receipt.status, SessionStatus::Aborted);
}

#[test]
fn nothing_is_ready_while_no_slot_is_free() {
    let fixture = Fixture::new().with("MAESTRO_EXECUTION_MODE", "sequential");
    fixture.create().unwrap();
    fixture.apply(&start("1")).unwrap();
    fixture.apply(&complete("1", "a.rs")).unwrap();
    let started = fixture.apply(&start("2")).unwrap();
    assert_eq!(started.ready, []);
}

#[test]
fn an_unfinished_session_is_archived_only_when_asked() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    let before = fixture.snapshot();
    let error = fixture.workspace().archive(ARCHIVE).unwrap_err();
    assert_eq!(error.code(), "SESSION_UNFINISHED");
    assert!(error.hint().unwrap().contains("--force"));
    assert_eq!(fixture.snapshot(), before);
    let receipt = fixture.workspace().archive(crate::fixture::FORCE).unwrap();
    assert_eq!(receipt.status, SessionStatus::Aborted);
}

#[cfg(unix)]
#[test]
fn an_agent_may_name_files_under_any_name_of_the_workspace() {
    let fixture = Fixture::begun();
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("link");
    std::os::unix::fs::symlink(fixture.root(), &link).unwrap();
    let env = fixture.env();
    let disk = std::sync::Arc::new(maestro_state_store::OsDisk);
    let workspace = maestro_session::Workspace::open(&link, env, disk).unwrap();
    for name in [link.as_path(), &fs_err::canonicalize(fixture.root()).unwrap()] {
        let file = name.join("src/a.rs");
        let found = workspace.relative(file.to_str().unwrap()).unwrap();
        assert_eq!(found.as_str(), "src/a.rs");
        let report = format!("## Task Report\n- **Files Created**: {}\n", file.display());
        let read = workspace.read_report(&id("1"), &report).unwrap();
        assert_eq!(read.handoff.files_created, [found], "{:?}", read.notes);
    }
    assert!(workspace.relative("/etc/passwd").is_err());
}

#[test]
fn a_manifest_of_many_files_is_recorded_in_order_and_once() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    let mut complete = complete("1", "src/0.rs");
    if let Command::Complete { handoff, .. } = &mut complete {
        let file =
            |n: usize| maestro_session_model::RelPath::parse(&format!("src/{n}.rs")).unwrap();
        handoff.files_created = (0..20_000).chain(0..20_000).map(file).collect();
    }
    fixture.apply(&complete).unwrap();
    let document = fixture.document();
    let files = &document.session().phases[0].files_created;
    assert_eq!((files.len(), files[19_999].as_str()), (20_000, "src/19999.rs"));
}
