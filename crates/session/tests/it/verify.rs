//! The checks of the archive protocol find what they are for, at any time.

use std::sync::Arc;

use maestro_session::{KeepReason, Verification, VerifiedSession, WhichArchived, Workspace};
use maestro_testutils::FaultyDisk;

use crate::fixture::{FORCE, Fixture};

const PLAN: &str = "docs/maestro/plans/plan.md";
const ARCHIVED_PLAN: &str = "docs/maestro/plans/archive/plan.md";
const ARCHIVED: &str = "docs/maestro/state/archive/2026-01-15-add-a-token-bucket-rate-limiter.md";

fn archived() -> Fixture {
    let fixture = Fixture::begun();
    fixture.workspace().archive(FORCE).unwrap();
    fixture
}

fn verify(fixture: &Fixture, fix: bool) -> Verification {
    let newest = WhichArchived::Newest;
    fixture.workspace().verify_archived(&newest, fix, &mut |_, _| {}).unwrap()
}

fn only(fixture: &Fixture) -> VerifiedSession {
    let before = fixture.snapshot();
    let mut found = verify(fixture, false);
    assert_eq!(fixture.snapshot(), before, "looking changes nothing");
    assert_eq!(found.sessions.len(), 1);
    found.sessions.remove(0)
}

/// The checks that did not pass, and what was found.
fn failed(session: &VerifiedSession) -> Vec<(&'static str, String)> {
    let failed = session.checks.iter().filter(|check| !check.passed);
    failed.map(|check| (check.name, check.found.clone().unwrap_or_default())).collect()
}

#[test]
fn an_archived_session_is_whole() {
    let session = only(&archived());
    assert!(session.is_verified());
    assert_eq!((session.checks.len(), session.notes.len()), (4, 0));
    let none = verify(&Fixture::new(), false);
    assert!(none.sessions.is_empty() && none.is_verified());
}

#[test]
fn a_session_that_is_active_again_is_found() {
    let fixture = archived();
    fixture.write("docs/maestro/state/active-session.md", fixture.text(ARCHIVED));
    assert_eq!(
        failed(&only(&fixture)),
        [("no active session file", "docs/maestro/state/active-session.md".to_owned())]
    );
}

#[test]
fn a_document_that_was_left_is_found_and_removed_once_it_is_known_to_be_a_copy() {
    let fixture = archived();
    fixture.write(PLAN, fixture.text(ARCHIVED_PLAN));
    let name = "no document of this session left in plans";
    assert_eq!(failed(&only(&fixture)), [(name, PLAN.to_owned())]);
    let found = verify(&fixture, true);
    assert_eq!(found.removed, [PLAN]);
    assert!(found.is_verified());
    assert!(!fixture.path(PLAN).exists() && fixture.path(ARCHIVED_PLAN).exists());
    assert_eq!(verify(&fixture, true).removed, [""; 0]);
}

#[test]
fn what_only_has_the_name_of_an_archived_document_is_no_leftover() {
    let fixture = archived();
    fixture.write(PLAN, "another plan");
    assert!(verify(&fixture, true).is_verified());
    assert_eq!(fixture.text(PLAN), "another plan");
    // The last copy of a text is none.
    fixture.write(PLAN, fixture.text(ARCHIVED_PLAN));
    fs_err::remove_file(fixture.path(ARCHIVED_PLAN)).unwrap();
    let found = verify(&fixture, true);
    assert_eq!(
        failed(&found.sessions[0]),
        [("archived documents are readable", format!("{ARCHIVED_PLAN} is gone"))]
    );
    assert!(fixture.path(PLAN).exists());
}

#[test]
fn a_document_that_the_active_session_needs_is_no_leftover() {
    let fixture = archived();
    fixture.create().unwrap();
    assert_eq!(fixture.text(PLAN), fixture.text(ARCHIVED_PLAN));
    assert!(verify(&fixture, true).is_verified());
    assert!(fixture.path(PLAN).exists());
}

#[test]
fn what_was_edited_since_is_said_and_what_cannot_be_read_is_found() {
    let fixture = archived();
    fixture.write(ARCHIVED, fixture.text(ARCHIVED) + "a note\n");
    fixture.write(ARCHIVED_PLAN, "edited");
    let session = only(&fixture);
    assert!(session.is_verified());
    assert_eq!(
        session.notes,
        [
            format!("{ARCHIVED} was edited since it was archived"),
            format!("{ARCHIVED_PLAN} was edited since it was archived"),
        ]
    );
    fixture.write(ARCHIVED, "garbage");
    let session = only(&fixture);
    let found = failed(&session);
    assert_eq!((found.len(), found[0].0), (1, "archived session is readable"));
    assert!(found[0].1.starts_with(ARCHIVED), "{}", found[0].1);
}

#[test]
fn every_archived_session_is_checked_when_all_are_asked_for() {
    let fixture = archived();
    fixture.create().unwrap();
    fixture.workspace().archive(FORCE).unwrap();
    fs_err::remove_file(fixture.path("docs/maestro/plans/archive/plan-2.md")).unwrap();
    let mut told = Vec::new();
    let found = fixture
        .workspace()
        .verify_archived(&WhichArchived::All, false, &mut |done, all| told.push((done, all)))
        .unwrap();
    let whole = found.sessions.iter().filter(|session| session.is_verified());
    let whole: Vec<&str> = whole.map(|session| session.id.as_str()).collect();
    assert_eq!(
        (found.sessions.len(), whole),
        (2, vec!["2026-01-15-add-a-token-bucket-rate-limiter"])
    );
    assert_eq!(told, [(0, 2), (1, 2)]);
    let one = WhichArchived::One("2026-01-15-add-a-token-bucket-rate-limiter".to_owned());
    let found = fixture.workspace().verify_archived(&one, false, &mut |_, _| {}).unwrap();
    assert!(found.is_verified());
}

#[test]
fn of_a_session_without_a_journal_it_is_said_what_nobody_knows() {
    let fixture = archived();
    fs_err::remove_file(fixture.path(&ARCHIVED.replace(".md", ".journal.jsonl"))).unwrap();
    let session = only(&fixture);
    assert!(session.is_verified());
    assert_eq!(session.notes, ["no journal says what was archived with it"]);
    fs_err::remove_file(fixture.path(ARCHIVED_PLAN)).unwrap();
    let found = failed(&only(&fixture));
    assert_eq!(found, [("archived documents are readable", format!("{ARCHIVED_PLAN} is gone"))]);
}

#[test]
fn another_session_with_the_same_id_is_no_leftover() {
    let fixture = archived();
    // The same session once more, from a copy that somebody had kept.
    let twin = ARCHIVED.replace(".md", "-2.md");
    fixture.write(&twin, fixture.text(ARCHIVED));
    let id = "2026-01-15-add-a-token-bucket-rate-limiter";
    fixture.workspace().restore(&format!("{id}-2")).unwrap();
    let session = only(&fixture);
    assert!(session.is_verified(), "{session:?}");
    assert_eq!(session.notes[0], "another session with the same id is active");
}

#[test]
fn an_active_session_that_cannot_be_read_keeps_nobody_from_looking() {
    let fixture = archived();
    fixture.write(PLAN, fixture.text(ARCHIVED_PLAN));
    fixture.write("docs/maestro/state/active-session.md", "garbage");
    // Whose the document is, nobody can say; so it stays.
    let found = verify(&fixture, true);
    assert!(found.is_verified());
    assert_eq!(found.removed, [""; 0]);
    assert!(fixture.path(PLAN).exists());
    assert!(found.sessions[0].notes[0].contains("cannot be read"), "{:?}", found.sessions[0].notes);
}

#[test]
fn what_a_session_needs_that_was_begun_meanwhile_is_not_removed() {
    let fixture = archived();
    fixture.write(PLAN, fixture.text(ARCHIVED_PLAN));
    let disk = FaultyDisk::new();
    let workspace = Workspace::open(fixture.root(), fixture.env(), Arc::new(disk.clone())).unwrap();
    let (other, request) = (fixture.workspace(), fixture.request());
    disk.before("open lock", move || drop(other.create_session(&request).unwrap()));
    let found = workspace.verify_archived(&WhichArchived::All, true, &mut |_, _| {}).unwrap();
    assert_eq!(found.removed, [""; 0]);
    assert_eq!(fixture.document().session().implementation_plan.as_deref(), Some(PLAN));
    assert!(fixture.path(PLAN).exists());
}

#[test]
fn a_document_that_was_lost_before_is_not_said_to_be_there() {
    let fixture = archived();
    fs_err::remove_file(fixture.path(ARCHIVED_PLAN)).unwrap();
    fixture.workspace().restore("2026").unwrap();
    let receipt = fixture.workspace().archive(FORCE).unwrap();
    assert_eq!(receipt.kept[0].reason, KeepReason::Missing);
    let session = only(&fixture);
    assert_eq!(session.notes, [format!("{ARCHIVED_PLAN} was gone when the session was archived")]);
}
