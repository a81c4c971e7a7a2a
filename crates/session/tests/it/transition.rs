//! A transition is one operation: in the journal, when it is undone, when it is made again, and when it is refused.

use maestro_session::{Conflict, EntryState, LogFilter, Undone};
use maestro_session_model::{
    Command, Configuration, ErrorKind, ExecutionMode, Failure, Handoff, PhaseId, PhaseStatus,
    TokenCounts,
};

use crate::fixture::{Fixture, begin, code, complete, fail, id, skip, start, transition};

const FILE: &str = "docs/maestro/state/active-session.md";

fn undo_one(fixture: &Fixture, seq: u64) -> Undone {
    fixture.workspace().undo(Some(&seq.to_string())).unwrap()
}

fn statuses(fixture: &Fixture) -> Vec<PhaseStatus> {
    fixture.document().session().phases.iter().map(|phase| phase.status).collect()
}

/// What the log shows: command, phase, summary.
fn logged(fixture: &Fixture, filter: &LogFilter) -> Vec<(String, Option<PhaseId>, String)> {
    let log = fixture.workspace().log(filter).unwrap();
    log.entries.into_iter().map(|entry| (entry.command, entry.phase, entry.summary)).collect()
}

/// The files that are not as the phase that ended had left them.
fn changed_files(fixture: &Fixture) -> Vec<String> {
    let conflicts = fixture.workspace().conflicts(&mut |_, _| {}).unwrap();
    let files = conflicts.into_iter().filter_map(|conflict| match conflict {
        Conflict::File(file) => Some(file.path.to_string()),
        _ => None,
    });
    files.collect()
}

fn entry(command: &str, phase: Option<&str>, summary: &str) -> (String, Option<PhaseId>, String) {
    (command.to_owned(), phase.map(id), summary.to_owned())
}

fn of_phase(phase: &str) -> LogFilter {
    LogFilter { phase: Some(id(phase)), ..LogFilter::default() }
}

fn configure(changes: Configuration) -> Command {
    Command::Configure { changes }
}

fn sequential() -> Command {
    let execution_mode = Some(ExecutionMode::Sequential);
    configure(Configuration { execution_mode, ..Configuration::default() })
}

fn record_error(phase: &str) -> Command {
    let failure = Failure {
        agent: None,
        kind: ErrorKind::Timeout,
        message: "it took\ntoo long".to_owned(),
        tokens: Some(TokenCounts { input: 10, output: 2, cached: 3 }),
        output: Some("no answer".to_owned()),
    };
    Command::RecordError { phase: id(phase), failure, resolution: None }
}

/// A session in which phase 1 is in progress, as operation 2 left it.
fn with_phase_1() -> Fixture {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    fixture.write("src/a.rs", "one");
    fixture
}

#[test]
fn a_transition_is_one_operation_and_says_what_it_started() {
    use PhaseStatus::{Completed, InProgress, Pending};
    let fixture = with_phase_1();
    let changed = fixture.apply(&transition("1", "src/a.rs", &["3", "2"])).unwrap();
    assert_eq!(changed.phase.unwrap().id, id("1"));
    assert_eq!(changed.before, Some(InProgress));
    assert_eq!(changed.started, [id("2"), id("3")], "in the order of the plan");
    assert_eq!(changed.current_phase, Some(id("3")));
    assert_eq!(changed.warnings, Vec::<String>::new());
    assert_eq!(statuses(&fixture), [Completed, InProgress, InProgress, Pending]);
    let made = entry("transition", Some("1"), "1 created, starts 3, 2");
    assert_eq!(logged(&fixture, &LogFilter::default())[2..], [made]);
}

#[test]
fn what_was_started_is_said_of_every_command() {
    let fixture = Fixture::begun();
    assert_eq!(fixture.apply(&start("1")).unwrap().started, [id("1")]);
    assert_eq!(fixture.apply(&fail("1", "no answer")).unwrap().started, []);
    assert_eq!(fixture.apply(&crate::fixture::retry("1")).unwrap().started, [id("1")]);
    let again = fixture.apply(&begin(&["1"])).unwrap();
    assert_eq!(again.started, [], "it was in progress");
    assert_eq!(again.phase.unwrap().id, id("1"));
    assert_eq!(again.before, Some(PhaseStatus::InProgress));
}

#[test]
fn the_files_of_the_phase_that_ends_are_remembered() {
    let fixture = with_phase_1();
    fixture.apply(&transition("1", "src/a.rs", &["2"])).unwrap();
    assert_eq!(changed_files(&fixture), [""; 0]);
    fixture.write("src/a.rs", "two");
    assert_eq!(changed_files(&fixture), ["src/a.rs"]);
    // One that ends no phase remembers nothing.
    fixture.apply(&begin(&["3"])).unwrap();
    let journal = "docs/maestro/state/journal/2026-01-15-add-a-token-bucket-rate-limiter.jsonl";
    assert_eq!(fixture.text(journal).matches("\"baseline\"").count(), 1);
}

#[test]
fn a_refused_transition_changes_no_byte() {
    let fixture = with_phase_1();
    let before = fixture.snapshot();
    for (command, expected) in [
        (transition("1", "src/a.rs", &["2", "review"]), "PHASE_BLOCKED"),
        (transition("1", "src/a.rs", &["2", "none"]), "PHASE_NOT_FOUND"),
        (transition("1", "src/a.rs", &["2", "1"]), "ILLEGAL_TRANSITION"),
        (begin(&["2"]), "PHASE_BLOCKED"),
        (begin(&[]), "NOTHING_TO_CHANGE"),
        (configure(Configuration::default()), "NOTHING_TO_CHANGE"),
        (record_error("2"), "ERROR_NOT_RECORDABLE"),
    ] {
        assert_eq!(code(fixture.apply(&command)), expected, "{command:?}");
        assert_eq!(fixture.snapshot(), before, "{command:?}");
    }
}

#[test]
fn the_newest_transition_is_undone_whole() {
    let fixture = with_phase_1();
    let before = fixture.text(FILE);
    fixture.apply(&transition("1", "src/a.rs", &["2", "3"])).unwrap();
    let after = fixture.text(FILE);
    let undone = fixture.workspace().undo(None).unwrap();
    assert_eq!(undone.undid.summary, "1 created, starts 2, 3");
    assert_eq!(fixture.text(FILE), before);
    undo_one(&fixture, undone.seq);
    assert_eq!(fixture.text(FILE), after);
}

#[test]
fn tokens_of_a_transition_stay_counted() {
    let fixture = with_phase_1();
    let Command::Transition { phase, mut handoff, start, batch } =
        transition("1", "src/a.rs", &["2"])
    else {
        unreachable!()
    };
    handoff.tokens = Some(TokenCounts { input: 100, output: 20, cached: 5 });
    fixture.apply(&Command::Transition { phase, handoff, start, batch }).unwrap();
    fixture.workspace().undo(None).unwrap();
    let document = fixture.document();
    assert_eq!(document.session().token_usage.by_agent["coder"].input, 100);
    assert_eq!(document.session().phases[0].status, PhaseStatus::InProgress);
}

#[test]
fn an_older_transition_goes_with_all_that_it_started() {
    use PhaseStatus::{InProgress, Pending, Skipped};
    let fixture = with_phase_1();
    let Command::Transition { phase, handoff, start, .. } =
        transition("1", "src/a.rs", &["2", "3"])
    else {
        unreachable!()
    };
    let batch = Some(Some("b1".to_owned()));
    fixture.apply(&Command::Transition { phase, handoff, start, batch }).unwrap();
    fixture.apply(&skip("review", true)).unwrap();
    undo_one(&fixture, 3);
    assert_eq!(statuses(&fixture), [InProgress, Pending, Pending, Skipped]);
    let document = fixture.document();
    let session = document.session();
    assert_eq!(session.current_phase, Some(id("1")));
    assert_eq!(session.current_batch, None);
    assert!(session.phases[1..3].iter().all(|phase| phase.started.is_none()));
    assert!(!document.body().contains("## Phase 1"), "{}", document.body());
    assert!(document.body().contains("## Phase review"));
}

#[test]
fn an_older_transition_that_only_started_phases_gives_the_attention_back() {
    use PhaseStatus::{Completed, InProgress, Pending, Skipped};
    let fixture = with_phase_1();
    fixture.apply(&transition("1", "src/a.rs", &["3"])).unwrap();
    fixture.apply(&begin(&["2"])).unwrap();
    fixture.apply(&skip("review", true)).unwrap();
    assert_eq!(fixture.document().session().current_phase, Some(id("2")));
    let undone = undo_one(&fixture, 4);
    assert_eq!(statuses(&fixture), [Completed, Pending, InProgress, Skipped]);
    assert_eq!(undone.phase.unwrap().id, id("2"));
    assert_eq!(undone.current_phase, Some(id("3")));
}

#[test]
fn a_transition_that_was_built_upon_is_not_undone_alone() {
    for (transition, later, expected) in [
        (
            transition("1", "src/a.rs", &["2", "3"]),
            complete("3", "src/b.rs"),
            "what operation 3 changed was changed again since, by operation 4",
        ),
        (
            transition("1", "src/a.rs", &[]),
            begin(&["3"]),
            "phase 3 is in_progress, and phase 1, which comes first, is not done",
        ),
    ] {
        let fixture = with_phase_1();
        fixture.apply(&transition).unwrap();
        fixture.apply(&later).unwrap();
        let before = fixture.snapshot();
        let error = fixture.workspace().undo(Some("3")).unwrap_err();
        assert_eq!(error.code(), "UNDO_BLOCKED");
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(fixture.snapshot(), before);
    }
}

#[test]
fn what_a_transition_changed_again_is_told_by_its_number() {
    let fixture = with_phase_1();
    fixture.apply(&transition("1", "src/a.rs", &["2"])).unwrap();
    fixture.apply(&transition("2", "src/b.rs", &["3"])).unwrap();
    // Phase 3 was begun by the transition before it, which names it besides another.
    fixture.apply(&complete("3", "src/c.rs")).unwrap();
    let error = fixture.workspace().undo(Some("4")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "what operation 4 changed was changed again since, by operation 5"
    );
}

#[test]
fn a_transition_that_a_late_edit_took_back_is_made_again() {
    use PhaseStatus::{Completed, InProgress, Skipped};
    let fixture = with_phase_1();
    let late = fixture.text(FILE) + "\nby hand\n";
    fixture.apply(&transition("1", "src/a.rs", &["2", "3"])).unwrap();
    fixture.write("src/a.rs", "two");
    fixture.write(FILE, late);
    let skipped = fixture.apply(&skip("review", true)).unwrap();
    let notes = skipped.warnings.join("\n");
    assert_eq!(notes.matches("was made again").count(), 1, "{notes}");
    assert_eq!(statuses(&fixture), [Completed, InProgress, InProgress, Skipped]);
    assert!(fixture.document().body().contains("by hand"));
    assert!(fixture.document().body().contains("## Phase 1: Core bucket"));
    // Its files are as they were at the first time.
    assert_eq!(changed_files(&fixture), ["src/a.rs"]);
    let log = fixture.workspace().log(&of_phase("3")).unwrap();
    let states: Vec<EntryState> = log.entries.iter().map(|entry| entry.state).collect();
    assert_eq!(states, [EntryState::Overtaken, EntryState::Done]);
}

#[test]
fn an_edit_in_which_a_phase_cannot_begin_has_none_of_the_transition() {
    use PhaseStatus::{InProgress, Pending, Skipped};
    let fixture = with_phase_1();
    let late = fixture.text(FILE);
    fixture.apply(&transition("1", "src/a.rs", &["2", "3"])).unwrap();
    // The edit leaves phase 3 out.
    let (before, after) = late.split_once("name: \"Docs\"").unwrap();
    let after = after.replacen("status: \"pending\"", "status: \"skipped\"", 1);
    fixture.write(FILE, format!("{before}name: \"Docs\"{after}"));
    let next = fixture.apply(&skip("review", true)).unwrap();
    let notes = next.warnings.join("\n");
    assert_eq!(notes.matches("can no longer be made").count(), 1, "{notes}");
    assert_eq!(statuses(&fixture), [InProgress, Pending, Skipped, Skipped]);
}

#[test]
fn the_log_of_a_phase_has_what_started_it_and_its_undo() {
    let fixture = with_phase_1();
    fixture.apply(&transition("1", "src/a.rs", &["2", "3"])).unwrap();
    fixture.workspace().undo(None).unwrap();
    fixture.apply(&skip("3", true)).unwrap();
    let expected = [
        entry("transition", Some("1"), "1 created, starts 2, 3"),
        entry("undo", Some("1"), "operation 3: transition 1"),
        entry("skip", Some("3"), ""),
    ];
    assert_eq!(logged(&fixture, &of_phase("3")), expected);
    assert_eq!(logged(&fixture, &of_phase("2")), expected[..2]);
    assert_eq!(logged(&fixture, &of_phase("review")), []);
}

#[test]
fn the_log_says_what_changed() {
    let fixture = with_phase_1();
    let batch = Some(Some("first\nbatch".to_owned()));
    let (phase, handoff) = (None, Handoff::default());
    fixture.apply(&Command::Transition { phase, handoff, start: Vec::new(), batch }).unwrap();
    fixture.apply(&record_error("1")).unwrap();
    fixture.apply(&sequential()).unwrap();
    let execution_backend = Some("native".to_owned());
    let current_batch = Some(None);
    let changes = Configuration { execution_backend, current_batch, ..Configuration::default() };
    fixture.apply(&configure(changes)).unwrap();
    fixture.apply(&begin(&["1"])).unwrap();
    assert_eq!(
        logged(&fixture, &LogFilter::default())[2..],
        [
            entry("transition", None, "batch first batch"),
            entry("record_error", Some("1"), "it took too long"),
            entry("configure", None, "execution_mode sequential"),
            entry("configure", None, "current_batch none, execution_backend native"),
            entry("transition", Some("1"), "starts 1"),
        ]
    );
}

#[test]
fn an_older_configuration_or_error_goes_and_what_came_after_it_stays() {
    let fixture = with_phase_1();
    fixture.apply(&sequential()).unwrap();
    fixture.apply(&record_error("1")).unwrap();
    fixture.apply(&skip("3", true)).unwrap();
    let mode = || fixture.document().session().execution_mode;
    assert_eq!(mode(), Some(ExecutionMode::Sequential));
    assert!(fixture.document().body().contains("no answer"));
    undo_one(&fixture, 3);
    assert_eq!(mode(), None);
    assert_eq!(fixture.document().session().phases[0].errors.len(), 1);
    undo_one(&fixture, 4);
    let document = fixture.document();
    assert_eq!(document.session().phases[0].errors, []);
    assert_eq!(document.session().phases[0].status, PhaseStatus::InProgress);
    assert_eq!(document.session().phases[2].status, PhaseStatus::Skipped);
    assert!(!document.body().contains("no answer"), "{}", document.body());
    assert_eq!(document.session().token_usage.total_input, 10, "tokens stay counted");
}

#[test]
fn configurations_of_neighbouring_fields_are_undone_one_by_one() {
    let fixture = with_phase_1();
    fixture.apply(&sequential()).unwrap();
    let execution_backend = Some("native".to_owned());
    fixture
        .apply(&configure(Configuration { execution_backend, ..Configuration::default() }))
        .unwrap();
    undo_one(&fixture, 3);
    let document = fixture.document();
    assert_eq!(document.session().execution_mode, None);
    assert_eq!(document.session().execution_backend.as_deref(), Some("native"));
}

#[test]
fn an_error_that_a_late_edit_took_back_is_recorded_again() {
    let fixture = with_phase_1();
    let late = fixture.text(FILE) + "\nby hand\n";
    fixture.apply(&record_error("1")).unwrap();
    fixture.apply(&sequential()).unwrap();
    fixture.write(FILE, late);
    fixture.apply(&skip("3", true)).unwrap();
    let document = fixture.document();
    assert_eq!(document.session().phases[0].errors.len(), 1);
    assert_eq!(document.session().execution_mode, Some(ExecutionMode::Sequential));
    assert!(document.body().contains("by hand") && document.body().contains("no answer"));
}
