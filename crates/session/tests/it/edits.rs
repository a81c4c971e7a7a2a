//! Hand edits are recorded, never lost, and never guessed about.

use maestro_session::LogFilter;
use maestro_session_model::{DocumentError, PhaseStatus};
use maestro_state_store::ActorKind;

use crate::fixture::{Fixture, code, complete, start};

#[test]
fn an_edit_by_hand_is_recorded_before_the_next_operation() {
    let fixture = Fixture::begun();
    let edited = fixture
        .text("docs/maestro/state/active-session.md")
        .replace("name: \"Docs\"", "name: Docs and more  # by hand\n    x_owner: ada")
        .replace("Orchestration Log\n", "Orchestration Log\n\nA note.\n");
    fixture.write("docs/maestro/state/active-session.md", &edited);
    let started = fixture.apply(&start("1")).unwrap();
    assert!(started.warnings[0].contains("edited by hand"), "{:?}", started.warnings);
    let text = fixture.text("docs/maestro/state/active-session.md");
    assert!(text.contains("name: Docs and more  # by hand\n    x_owner: ada\n"), "{text}");
    assert!(text.ends_with("A note.\n"));
    let log = fixture.workspace().log(&LogFilter::default()).unwrap();
    let actors: Vec<ActorKind> = log.entries.iter().map(|entry| entry.actor).collect();
    assert_eq!(actors, [ActorKind::Cli, ActorKind::External, ActorKind::Cli]);
    assert_eq!(fixture.workspace().recorded_document(Some("2")).unwrap(), edited);
}

#[test]
fn a_retry_keeps_what_someone_noted_in_an_error_record() {
    let fixture = Fixture::begun();
    let file = "docs/maestro/state/active-session.md";
    fixture.apply(&start("1")).unwrap();
    fixture.apply(&crate::fixture::fail("1", "boom")).unwrap();
    let noted = fixture
        .text(file)
        .replace("message: \"boom\"\n", "message: boom   # my note\n        ticket: JIRA-7\n");
    fixture.write(file, noted);
    fixture.apply(&crate::fixture::retry("1")).unwrap();
    let text = fixture.text(file);
    assert!(text.contains("message: boom   # my note\n        ticket: JIRA-7\n"), "{text}");
    assert_eq!(fixture.document().session().phases[0].errors.len(), 2);
}

#[test]
fn an_edit_that_was_recorded_is_told_even_when_the_command_is_refused() {
    let fixture = Fixture::begun();
    let file = "docs/maestro/state/active-session.md";
    fixture.write(file, fixture.text(file) + "by hand\n");
    let refused = fixture.apply(&start("2")).unwrap_err();
    assert_eq!(refused.code(), "PHASE_BLOCKED");
    assert!(refused.notes()[0].contains("edited by hand"), "{refused:?}");
    fixture.write(file, fixture.text(file) + "again\n");
    let refused = fixture.workspace().archive(crate::fixture::ARCHIVE).unwrap_err();
    assert!(refused.notes()[0].contains("edited by hand"), "{refused:?}");
    fixture.write(file, fixture.text(file) + "and again\n");
    let receipt = fixture.workspace().archive(crate::fixture::FORCE).unwrap();
    assert!(receipt.notes[0].contains("edited by hand"), "{receipt:?}");
}

#[test]
fn an_edit_that_breaks_a_rule_is_recorded_and_reported_and_blocks_what_it_touches() {
    let fixture = Fixture::begun();
    let text = fixture.text("docs/maestro/state/active-session.md");
    fixture.write(
        "docs/maestro/state/active-session.md",
        text.replacen("blocked_by:\n      - 1\n", "blocked_by:\n      - 77\n", 1),
    );
    let view = fixture.workspace().status().unwrap();
    let view = serde_json::to_value(&view).unwrap();
    assert!(view["violations"][0].as_str().unwrap().contains("77"), "{}", view["violations"]);
    fixture.apply(&start("1")).unwrap();
    fixture.apply(&complete("1", "a.rs")).unwrap();
    assert_eq!(code(fixture.apply(&start("2"))), "PHASE_BLOCKED");
    fixture.apply(&start("3")).unwrap();
}

#[test]
fn a_recorded_change_that_an_edit_overtook_is_made_again_on_the_edit() {
    let fixture = Fixture::begun();
    let file = "docs/maestro/state/active-session.md";
    let before = fixture.text(file);
    let started = fixture.apply(&start("1")).unwrap();
    // As if the machine had stopped right after the commit point, and someone had then edited the old text.
    let temp = format!("docs/maestro/state/.active-session.md.{}.tmp", started.operation);
    fixture.write(&temp, fixture.text(file));
    let journal = "docs/maestro/state/journal/2026-01-15-add-a-token-bucket-rate-limiter.jsonl";
    let lines = fixture.text(journal);
    fixture.write(journal, lines.trim_end().rsplit_once('\n').unwrap().0.to_owned() + "\n");
    fixture.write(file, before + "\nby hand\n");
    let completed = fixture.apply(&complete("1", "a.rs")).unwrap();
    assert!(completed.warnings.iter().any(|note| note.contains("made again")), "{completed:?}");
    let document = fixture.document();
    assert_eq!(document.session().phases[0].status, PhaseStatus::Completed);
    assert!(document.body().contains("by hand"));
}

#[test]
fn a_session_file_that_cannot_be_read_is_left_alone_and_explained() {
    let good = Fixture::begun().text("docs/maestro/state/active-session.md");
    let cut = &good[..good.len() / 2];
    for (name, text) in [
        ("empty", String::new()),
        ("cut off", cut.to_owned()),
        ("two keys", good.replacen("task:", "task: twice\ntask:", 1)),
        ("status", good.replacen("status: \"pending\"", "status: \"bogus\"", 1)),
        ("no front matter", "# Notes\n".to_owned()),
    ] {
        let fixture = Fixture::begun();
        fixture.write("docs/maestro/state/active-session.md", &text);
        let before = fixture.snapshot();
        let error = fixture.apply(&start("1")).unwrap_err();
        assert_eq!(error.code(), "CORRUPT", "{name}");
        assert!(error.hint().unwrap().contains("maestro doctor --fix"), "{name}");
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.starts_with("line "), "{name}: {source}");
        assert_eq!(fixture.workspace().status().unwrap_err().code(), "CORRUPT", "{name}");
        assert_eq!(fixture.snapshot(), before, "{name}: nothing on the disk has changed");
        // A way out by hand; the one that the hint shows is the doctor's.
        let last = fixture.workspace().recorded_document(None).unwrap();
        fixture.workspace().write_state("state/active-session.md", last.as_bytes()).unwrap();
        fixture.apply(&start("1")).unwrap();
        assert_eq!(fixture.document().session().phases[0].status, PhaseStatus::InProgress);
    }
}

#[test]
fn a_text_that_is_no_session_cannot_become_the_session_file() {
    let fixture = Fixture::begun();
    let before = fixture.snapshot();
    for text in [&b""[..], b"# Notes\n", b"---\nstatus: [\n---\n", b"\xff\xfe"] {
        let error = fixture.workspace().write_state("state/active-session.md", text).unwrap_err();
        assert_eq!(error.code(), "NOT_A_SESSION");
    }
    assert_eq!(fixture.snapshot(), before);
    assert!(DocumentError::Empty.line().is_some());
}
