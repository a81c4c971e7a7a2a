//! An edit that was made on an older text takes nothing back that was acknowledged.

use std::sync::Arc;

use maestro_session::{LogFilter, Workspace};
use maestro_session_model::{Command, PhaseStatus};
use maestro_testutils::FaultyDisk;

use crate::fixture::{Fixture, code, complete, id, skip, start};

const FILE: &str = "docs/maestro/state/active-session.md";

fn status(fixture: &Fixture, phase: &str) -> PhaseStatus {
    fixture.document().session().phase(&id(phase)).unwrap().status
}

/// What the log says was done, in order.
fn commands(fixture: &Fixture) -> Vec<String> {
    let log = fixture.workspace().log(&LogFilter::default()).unwrap();
    log.entries.into_iter().map(|entry| entry.command).collect()
}

/// A session in which phase 1 is done, and a text from before that with a line by hand.
fn with_a_late_edit() -> (Fixture, String) {
    let fixture = Fixture::begun();
    let late = fixture.text(FILE) + "\nby hand\n";
    fixture.apply(&start("1")).unwrap();
    fixture.apply(&complete("1", "src/a.rs")).unwrap();
    (fixture, late)
}

#[test]
fn what_a_late_edit_took_back_is_made_again_on_it() {
    let (fixture, late) = with_a_late_edit();
    fixture.write(FILE, &late);
    let started = fixture.apply(&start("2")).unwrap();
    let notes = started.warnings.join("\n");
    assert!(
        notes.contains("made on the text of operation 1, before the last 2 changes"),
        "{notes}"
    );
    assert_eq!(notes.matches("was made again").count(), 2, "{notes}");
    let document = fixture.document();
    assert!(document.body().contains("by hand"));
    assert!(document.body().contains("## Phase 1: Core bucket"));
    let first = document.session().phase(&id("1")).unwrap();
    assert_eq!(first.status, PhaseStatus::Completed);
    assert_eq!(first.files_created, ["src/a.rs"]);
    assert_eq!(status(&fixture, "2"), PhaseStatus::InProgress);
    assert_eq!(
        commands(&fixture),
        ["create", "start", "complete", "external_edit", "start", "complete", "start"]
    );
    assert_eq!(fixture.workspace().recorded_document(Some("4")).unwrap(), late);
}

#[test]
fn an_editor_that_saves_its_old_text_again_and_again_takes_nothing_back() {
    let (fixture, mut text) = with_a_late_edit();
    for round in 0..3 {
        fixture.write(FILE, &text);
        let error = fixture.apply(&start("1")).unwrap_err();
        assert_eq!(error.code(), "ILLEGAL_TRANSITION");
        assert_eq!(status(&fixture, "1"), PhaseStatus::Completed, "{round}");
        assert_eq!(fixture.document().body().matches("by hand").count(), round + 1);
        text += "by hand\n";
    }
}

#[test]
fn an_edit_of_the_last_text_may_take_back_what_it_likes() {
    let (fixture, _) = with_a_late_edit();
    let text = fixture.text(FILE);
    fixture.write(FILE, text.replacen("status: \"completed\"", "status: \"pending\"", 1));
    fixture.apply(&skip("3", true)).unwrap();
    assert_eq!(status(&fixture, "1"), PhaseStatus::Pending);
}

#[test]
fn an_older_text_that_was_put_back_as_it_was_stays() {
    let (fixture, _) = with_a_late_edit();
    let old = fixture.workspace().recorded_document(Some("1")).unwrap();
    fixture.write(FILE, old);
    let skipped = fixture.apply(&skip("3", true)).unwrap();
    let notes = skipped.warnings.join("\n");
    assert!(notes.contains("again as operation 1 left it"), "{notes}");
    assert_eq!(status(&fixture, "1"), PhaseStatus::Pending);
}

#[test]
fn a_late_text_that_is_written_by_command_takes_nothing_back_either() {
    let (fixture, late) = with_a_late_edit();
    let written =
        fixture.workspace().write_state("state/active-session.md", late.as_bytes()).unwrap();
    let notes = written.notes.join("\n");
    assert_eq!(notes.matches("was made again").count(), 2, "{notes}");
    assert_eq!(status(&fixture, "1"), PhaseStatus::Completed);
    assert!(fixture.document().body().contains("by hand"));
}

#[test]
fn what_was_undone_is_not_made_again() {
    let (fixture, late) = with_a_late_edit();
    fixture.workspace().undo(None).unwrap();
    fixture.write(FILE, late);
    fixture.apply(&skip("3", true)).unwrap();
    assert_eq!(status(&fixture, "1"), PhaseStatus::InProgress);
    assert_eq!(status(&fixture, "3"), PhaseStatus::Skipped);
}

#[test]
fn an_undo_that_a_late_edit_took_back_is_made_again() {
    let fixture = Fixture::begun();
    fixture.apply(&skip("3", true)).unwrap();
    let late = fixture.text(FILE) + "\nby hand\n";
    fixture.workspace().undo(None).unwrap();
    fixture.apply(&start("1")).unwrap();
    fixture.write(FILE, late);
    fixture.apply(&complete("1", "src/a.rs")).unwrap();
    assert_eq!(status(&fixture, "3"), PhaseStatus::Pending);
    assert_eq!(status(&fixture, "1"), PhaseStatus::Completed);
    assert!(fixture.document().body().contains("by hand"));
}

#[test]
fn what_was_made_again_is_undone_where_it_holds() {
    let (fixture, late) = with_a_late_edit();
    fixture.write(FILE, &late);
    fixture.apply(&start("2")).unwrap();
    let error = fixture.workspace().undo(Some("3")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "operation 3 was made again after an edit by hand, as operation 6"
    );
    fixture.workspace().undo(None).unwrap();
    assert_eq!(fixture.workspace().undo(None).unwrap().undid.seq, 6);
    assert_eq!(fixture.workspace().undo(None).unwrap().undid.seq, 5);
    assert_eq!(fixture.text(FILE), late);
    let log = fixture.workspace().log(&LogFilter::default()).unwrap();
    assert_eq!(log.entries[2].state, maestro_session::EntryState::Overtaken);
}

#[test]
fn what_can_no_longer_be_made_is_said_once() {
    let (fixture, late) = with_a_late_edit();
    // The edit itself leaves phase 1 out, so it can be neither started nor completed.
    fixture.write(FILE, late.replacen("status: \"pending\"", "status: \"skipped\"", 1));
    let started = fixture.apply(&start("2")).unwrap();
    let notes = started.warnings.join("\n");
    assert_eq!(notes.matches("can no longer be made").count(), 2, "{notes}");
    assert_eq!(commands(&fixture)[4..], ["not_made_again", "start"]);
    let next = fixture.apply(&start("3")).unwrap();
    assert_eq!(next.warnings, Vec::<String>::new());
}

/// Leaves the journal as a process does that dies after so many lines of it.
fn cut_journal(fixture: &Fixture, lines: usize) {
    let journal = "docs/maestro/state/journal/2026-01-15-add-a-token-bucket-rate-limiter.jsonl";
    let kept: Vec<String> =
        fixture.text(journal).split_inclusive('\n').take(lines).map(str::to_owned).collect();
    fixture.write(journal, kept.concat());
}

#[test]
fn whoever_comes_next_goes_on_with_what_is_left_to_be_made_again() {
    let (fixture, late) = with_a_late_edit();
    fixture.write(FILE, &late);
    let copy = fixture.copy();
    copy.apply(&skip("3", true)).unwrap();
    let history = commands(&copy);
    assert_eq!(history[3..], ["external_edit", "start", "complete", "skip"]);
    // One line for each operation and one for its mark; an external edit has two.
    for (lines, text) in [
        // Only the edit was recorded.
        (3 * 2 + 3, late.clone()),
        // The first change was made again, the second was not.
        (3 * 2 + 3 + 2, copy.workspace().recorded_document(Some("5")).unwrap()),
    ] {
        let died = copy.copy();
        died.write(FILE, &text);
        cut_journal(&died, lines);
        died.apply(&skip("3", true)).unwrap();
        assert_eq!(commands(&died)[3..], history[3..], "{lines}");
        assert_eq!(status(&died, "1"), PhaseStatus::Completed, "{lines}");
    }
}

#[test]
fn an_edit_between_two_changes_that_are_made_again_does_not_end_that() {
    let (fixture, late) = with_a_late_edit();
    fixture.write(FILE, &late);
    let copy = fixture.copy();
    copy.apply(&skip("3", true)).unwrap();
    // The first change was made again; then someone edited that text.
    let text = copy.workspace().recorded_document(Some("5")).unwrap() + "\nand again\n";
    copy.write(FILE, text);
    cut_journal(&copy, 3 * 2 + 3 + 2);
    copy.apply(&skip("3", true)).unwrap();
    assert_eq!(status(&copy, "1"), PhaseStatus::Completed);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test writes what an editor would")]
fn an_edit_of_a_text_that_had_to_give_way_is_late_too() {
    let fixture = Fixture::begun();
    // What a reader can see for an instant: the change, before it gives way to an edit.
    let seen = fixture.copy();
    seen.apply(&start("1")).unwrap();
    let seen = seen.text(FILE) + "\nby another hand\n";

    let disk = FaultyDisk::new();
    let workspace = Workspace::open(fixture.root(), fixture.env(), Arc::new(disk.clone())).unwrap();
    let (file, edited) = (fixture.path(FILE), fixture.text(FILE) + "\nby hand\n");
    disk.before("exchange", move || fs_err::write(&file, &edited).unwrap());
    workspace.apply(&start("1")).unwrap();
    fixture.apply(&complete("1", "src/a.rs")).unwrap();
    fixture.write(FILE, &seen);
    fixture.apply(&skip("3", true)).unwrap();
    assert_eq!(status(&fixture, "1"), PhaseStatus::Completed);
}

#[test]
fn what_was_just_being_made_again_is_made_again_once() {
    let fixture = Fixture::begun();
    let late = fixture.text(FILE) + "\nby hand\n";
    fixture.apply(&start("1")).unwrap();
    let again = Command::Redelegate { phase: id("1"), agent: None, reason: None };
    fixture.apply(&again).unwrap();
    fixture.write(FILE, &late);
    let copy = fixture.copy();
    copy.apply(&skip("3", true)).unwrap();
    let given_out = |fixture: &Fixture| fixture.document().body().matches("in progress").count();
    assert_eq!(given_out(&copy), 1);

    // The process died when the second change was recorded but not in the file, and someone edited the text before it.
    let log = copy.workspace().log(&LogFilter::default()).unwrap();
    let workspace = copy.workspace();
    let [before, after] =
        ["5", "6"].map(|operation| workspace.recorded_document(Some(operation)).unwrap());
    let temp = format!("docs/maestro/state/.active-session.md.{}.tmp", log.entries[5].operation);
    copy.write(&temp, after);
    copy.write(FILE, before + "\nand again\n");
    cut_journal(&copy, 3 * 2 + 3 + 2 + 1);
    copy.apply(&skip("3", true)).unwrap();
    assert_eq!(status(&copy, "1"), PhaseStatus::InProgress);
    assert_eq!(given_out(&copy), 1);
}

#[test]
fn a_late_text_that_is_saved_twice_is_as_late_as_it_was() {
    let (fixture, late) = with_a_late_edit();
    for _ in 0..2 {
        fixture.write(FILE, &late);
        assert_eq!(code(fixture.apply(&start("none"))), "PHASE_NOT_FOUND");
        assert_eq!(status(&fixture, "1"), PhaseStatus::Completed);
    }
}

#[test]
fn a_text_that_is_put_back_on_purpose_stays_though_an_edit_followed_it() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    let old = fixture.text(FILE);
    fixture.write(FILE, old.clone() + "by hand\n");
    fixture.apply(&complete("1", "src/a.rs")).unwrap();
    fixture.write(FILE, &old);
    assert_eq!(code(fixture.apply(&start("none"))), "PHASE_NOT_FOUND");
    assert_eq!(fixture.text(FILE), old);
}

#[test]
fn a_late_text_takes_nothing_back_though_the_file_was_unreadable_or_gone() {
    for is_there in [true, false] {
        let (fixture, late) = with_a_late_edit();
        if is_there {
            fixture.write(FILE, "garbage");
        } else {
            fs_err::remove_file(fixture.session_file()).unwrap();
        }
        fixture.workspace().write_state("state/active-session.md", late.as_bytes()).unwrap();
        assert_eq!(status(&fixture, "1"), PhaseStatus::Completed);
        assert!(fixture.document().body().contains("by hand"));
    }
}

#[test]
fn damage_in_the_past_of_the_journal_does_not_hide_that_an_edit_is_late() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    let late = fixture.text(FILE) + "by hand\n";
    fixture.apply(&complete("1", "src/a.rs")).unwrap();
    let journal = "docs/maestro/state/journal/2026-01-15-add-a-token-bucket-rate-limiter.jsonl";
    fixture.write(journal, fixture.text(journal).replacen("\"v\":1", "\"v\";1", 1));
    fixture.write(FILE, late);
    assert_eq!(code(fixture.apply(&start("none"))), "PHASE_NOT_FOUND");
    assert_eq!(status(&fixture, "1"), PhaseStatus::Completed);
    assert!(fixture.document().body().contains("by hand"));
}

#[test]
fn a_repair_does_not_forget_what_is_left_to_be_made_again() {
    let (fixture, late) = with_a_late_edit();
    fixture.write(FILE, &late);
    assert_eq!(code(fixture.apply(&start("none"))), "PHASE_NOT_FOUND");
    // As a process leaves it that dies once the edit is recorded; then somebody makes a typing error.
    cut_journal(&fixture, 3 * 2 + 3);
    fixture.write(FILE, late.replacen("---", "--", 1));
    assert!(fixture.workspace().doctor(true, &mut |_, _| {}).unwrap().findings.is_empty());
    assert_eq!(code(fixture.apply(&start("none"))), "PHASE_NOT_FOUND");
    assert_eq!(status(&fixture, "1"), PhaseStatus::Completed);
    assert!(fixture.document().body().contains("by hand"));
}

#[test]
fn what_is_made_again_keeps_its_order_however_often_that_begins_anew() {
    let fixture = Fixture::begun();
    let [oldest, old] = [(); 2].map(|()| {
        let text = fixture.text(FILE) + "\nby hand\n";
        // After the first of the two texts.
        drop(fixture.apply(&skip("3", true)));
        text
    });
    fixture.apply(&start("1")).unwrap();
    fixture.apply(&complete("1", "src/a.rs")).unwrap();
    fixture.write(FILE, &old);
    let copy = fixture.copy();
    copy.apply(&start("2")).unwrap();
    assert_eq!(
        commands(&copy),
        ["create", "skip", "start", "complete", "external_edit", "start", "complete", "start"]
    );
    // Only the first change was made again when the next edit came, on one of the texts from before.
    for text in [&old, &oldest] {
        let died = copy.copy();
        cut_journal(&died, 4 * 2 + 3 + 2);
        died.write(FILE, text.to_owned() + "and again\n");
        died.apply(&start("2")).unwrap();
        assert_eq!(status(&died, "1"), PhaseStatus::Completed);
        assert_eq!(status(&died, "3"), PhaseStatus::Skipped);
    }
}
