//! Undo takes back one operation, whole, and nothing else.

use maestro_session::{EntryState, LogFilter, Undone};
use maestro_session_model::{Command, Configuration, PhaseStatus, SessionStatus};
use maestro_state_store::journal::ActorKind;

use crate::fixture::{ARCHIVE, Fixture, code, complete, fail, id, retry, skip, start, transition};

const FILE: &str = "docs/maestro/state/active-session.md";

fn undo(fixture: &Fixture) -> Undone {
    fixture.workspace().undo(None).unwrap()
}

fn undo_one(fixture: &Fixture, seq: u64) -> Undone {
    fixture.workspace().undo(Some(&seq.to_string())).unwrap()
}

fn status(fixture: &Fixture, phase: &str) -> PhaseStatus {
    fixture.document().session().phase(&id(phase)).unwrap().status
}

/// Every kind of operation, one after the other, each on what the one before left.
fn everything() -> Vec<Command> {
    let Command::Complete { phase, handoff } = complete("2", "src/more.rs") else { unreachable!() };
    let Command::Fail { phase: failing, failure } = fail("2", "slow") else { unreachable!() };
    let changes =
        Configuration { execution_backend: Some("native".to_owned()), ..Configuration::default() };
    vec![
        start("1"),
        Command::Configure { changes },
        transition("1", "src/a.rs", &["2", "3"]),
        Command::RecordError { phase: failing, failure, resolution: None },
        complete("3", "README.md"),
        Command::Redelegate { phase: id("2"), agent: None, reason: Some("it died".to_owned()) },
        fail("2", "no answer"),
        retry("2"),
        complete("2", "src/b.rs"),
        Command::Reconcile { phase, handoff, reason: None },
        Command::Adjust {
            phase: id("review"),
            changes: maestro_session_model::Adjustment {
                name: Some("Better review".to_owned()),
                ..maestro_session_model::Adjustment::default()
            },
        },
        skip("review", true),
        Command::Abort { by_user: true, reason: None },
    ]
}

#[test]
fn each_undo_in_turn_brings_back_the_text_before_byte_for_byte() {
    let fixture = Fixture::begun();
    let mut texts = vec![fixture.text(FILE)];
    for command in everything() {
        fixture.apply(&command).unwrap();
        texts.push(fixture.text(FILE));
    }
    fixture.write(FILE, texts.last().unwrap().clone() + "\nby hand\n");
    for expected in texts.iter().rev() {
        undo(&fixture);
        assert_eq!(fixture.text(FILE), *expected);
    }
    assert_eq!(code(fixture.workspace().undo(None)), "NOTHING_TO_UNDO");
    assert_eq!(fixture.text(FILE), texts[0]);
}

#[test]
fn undoing_an_undo_brings_back_what_it_undid() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    let started = fixture.text(FILE);
    let undone = undo(&fixture);
    assert_eq!((undone.undid.seq, undone.seq), (2, 3));
    assert_eq!(status(&fixture, "1"), PhaseStatus::Pending);
    let again = undo_one(&fixture, undone.seq);
    assert_eq!(again.undid.command, "undo");
    assert_eq!(fixture.text(FILE), started);
    // What was brought back is the newest that is not undone, once more.
    assert_eq!(undo(&fixture).undid.seq, 2);
    assert_eq!(undo_one(&fixture, 5).seq, 6);
    assert_eq!(fixture.text(FILE), started);
}

#[test]
fn an_edit_by_hand_can_be_undone() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    let before = fixture.text(FILE);
    fixture.write(FILE, before.replace("Core bucket", "Bucket # mine"));
    let undone = undo(&fixture);
    assert_eq!(undone.undid.actor, ActorKind::External);
    assert_eq!(fixture.text(FILE), before);
    undo_one(&fixture, undone.seq);
    assert!(fixture.text(FILE).contains("Bucket # mine"));
}

#[test]
fn an_older_operation_goes_and_what_came_after_it_stays() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    fixture.apply(&complete("1", "src/a.rs")).unwrap();
    fixture.apply(&skip("3", true)).unwrap();
    fixture.write(FILE, fixture.text(FILE).replace("HTTP middleware", "HTTP layer"));
    fixture.apply(&start("2")).unwrap();
    fixture.apply(&complete("2", "src/b.rs")).unwrap();
    let before = fixture.document();

    undo_one(&fixture, 4);
    let after = fixture.document();
    assert_eq!(status(&fixture, "3"), PhaseStatus::Pending);
    for phase in ["1", "2"] {
        assert_eq!(after.session().phase(&id(phase)), before.session().phase(&id(phase)));
    }
    assert!(after.body().contains("## Phase 2: HTTP layer"));
    assert!(after.body().contains("## Phase 1: Core bucket"));
    assert!(!after.body().contains("## Phase 3"));
    assert!(after.session().updated > before.session().updated);

    // The edit too, though two operations came after it.
    undo_one(&fixture, 5);
    assert!(fixture.text(FILE).contains("name: \"HTTP middleware\""));
    assert_eq!(status(&fixture, "2"), PhaseStatus::Completed);
}

#[test]
fn the_section_of_an_older_completion_leaves_the_body() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    fixture.apply(&complete("1", "src/a.rs")).unwrap();
    for phase in ["2", "3"] {
        fixture.apply(&start(phase)).unwrap();
        fixture.apply(&complete(phase, &format!("src/{phase}.rs"))).unwrap();
    }
    undo_one(&fixture, 5);
    let document = fixture.document();
    assert!(!document.body().contains("## Phase 2"), "{}", document.body());
    assert!(document.body().contains("## Phase 1") && document.body().contains("## Phase 3"));
    assert_eq!(document.session().phase(&id("2")).unwrap().status, PhaseStatus::InProgress);
    assert_eq!(document.session().current_phase, Some(id("2")));
}

#[test]
fn what_was_changed_again_since_is_not_undone_alone() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    fixture.apply(&complete("1", "src/a.rs")).unwrap();
    let before = fixture.snapshot();
    let error = fixture.workspace().undo(Some("2")).unwrap_err();
    assert_eq!(error.code(), "UNDO_BLOCKED");
    assert_eq!(
        error.to_string(),
        "what operation 2 changed was changed again since, by operation 3"
    );
    assert!(error.hint().unwrap().contains("maestro undo --op 3"));
    assert_eq!(fixture.snapshot(), before);
}

#[test]
fn an_undo_that_would_break_a_rule_is_refused() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    fixture.apply(&complete("1", "src/a.rs")).unwrap();
    fixture.apply(&start("2")).unwrap();
    let before = fixture.snapshot();
    let error = fixture.workspace().undo(Some("3")).unwrap_err();
    assert_eq!(error.code(), "UNDO_BLOCKED");
    assert!(error.to_string().contains("phase 2 is in_progress, and phase 1"), "{error}");
    assert_eq!(fixture.snapshot(), before);
}

#[test]
fn what_left_nothing_to_undo_is_refused_with_a_way_on() {
    let fixture = Fixture::begun();
    let refused = |name: &str, expected: &str| {
        let before = fixture.snapshot();
        let error = fixture.workspace().undo(Some(name)).unwrap_err();
        assert_eq!(error.code(), expected, "{name}");
        assert!(error.hint().is_some(), "{name}");
        assert_eq!(fixture.snapshot(), before);
    };
    refused("1", "NOT_UNDOABLE");
    fixture.apply(&start("1")).unwrap();
    undo(&fixture);
    refused("2", "NOT_UNDOABLE");
    refused("9", "OPERATION_NOT_FOUND");
    refused("0000", "OPERATION_NOT_FOUND");
    assert_eq!(code(Fixture::new().workspace().undo(None)), "NOT_INITIALISED");
}

#[test]
fn tokens_stay_counted() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    let Command::Complete { phase, mut handoff } = complete("1", "src/a.rs") else {
        unreachable!()
    };
    handoff.tokens = Some(maestro_session_model::TokenCounts { input: 100, output: 20, cached: 5 });
    fixture.apply(&Command::Complete { phase, handoff }).unwrap();
    let used = fixture.document().session().token_usage.clone();
    assert_eq!(used.total_input, 100);
    undo(&fixture);
    let document = fixture.document();
    assert_eq!(document.session().token_usage, used);
    assert_eq!(status(&fixture, "1"), PhaseStatus::InProgress);
    assert!(document.session().phase(&id("1")).unwrap().files_created.is_empty());
}

#[test]
fn an_aborted_session_comes_back_to_life() {
    let fixture = Fixture::begun();
    fixture.apply(&Command::Abort { by_user: true, reason: None }).unwrap();
    undo(&fixture);
    assert_eq!(fixture.document().session().status, SessionStatus::InProgress);
    fixture.apply(&start("1")).unwrap();
}

#[test]
fn the_log_says_what_is_undone() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    undo(&fixture);
    let log = fixture.workspace().log(&LogFilter::default()).unwrap();
    let shown: Vec<(&str, EntryState, &str)> = log
        .entries
        .iter()
        .map(|entry| (entry.command.as_str(), entry.state, entry.summary.as_str()))
        .collect();
    assert_eq!(
        shown[1..],
        [("start", EntryState::Undone, ""), ("undo", EntryState::Done, "operation 2: start 1")]
    );
    // An undo is about the phase that it is about.
    let filter = LogFilter { phase: Some(id("1")), ..LogFilter::default() };
    assert_eq!(fixture.workspace().log(&filter).unwrap().entries.len(), 2);
}

#[test]
fn after_the_archive_there_is_nothing_to_undo() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    fixture.apply(&complete("1", "src/a.rs")).unwrap();
    for phase in ["2", "3", "review"] {
        fixture.apply(&skip(phase, true)).unwrap();
    }
    fixture.workspace().archive(ARCHIVE).unwrap();
    assert_eq!(code(fixture.workspace().undo(None)), "NO_SESSION");
}
