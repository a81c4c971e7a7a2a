//! The checks of the archive protocol find what they are for, at any time.

use maestro_session::{Verification, VerifiedSession, WhichArchived};

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
