//! Going on with a session, while others change it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use maestro_resume::Step;
use maestro_session::{
    AcceptedConflicts, Consent, Env, ErrorClass, LogFilter, ResumeError, Resumed, SessionError,
    Status, Workspace,
};
use maestro_session_model::PhaseStatus;
use maestro_state_store::OsDisk;
use maestro_testutils::Trouble;

use crate::fixture::{Fixture, code, complete, env_of, fail, id, skip, start};
use crate::power::world::{begun, open};

fn resume(fixture: &Fixture) -> Result<Resumed, SessionError> {
    fixture.workspace().resume(&Consent::default(), &mut |_, _| {})
}

/// The session with phases 2 and 3 in progress.
fn interrupted() -> Fixture {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    fixture.write("src/bucket.rs", "bucket");
    fixture.apply(&complete("1", "src/bucket.rs")).unwrap();
    fixture.apply(&start("2")).unwrap();
    fixture.apply(&start("3")).unwrap();
    fixture
}

fn commands(fixture: &Fixture) -> Vec<String> {
    let log = fixture.workspace().log(&LogFilter::default()).unwrap();
    let phase = |id: &Option<_>| id.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
    log.entries.iter().map(|entry| format!("{}{}", entry.command, phase(&entry.phase))).collect()
}

#[test]
fn the_report_changes_nothing_and_needs_no_lock() {
    let fixture = interrupted();
    let before = fixture.snapshot();
    let lock = fs_err::File::open(fixture.path("docs/maestro/state/lock")).unwrap().into_file();
    lock.lock().unwrap();
    let report = fixture.workspace().resume_report(&mut |_, _| {}).unwrap().unwrap();
    assert_eq!(report.next.step, Step::Redelegate { phases: vec![id("2"), id("3")] });
    lock.unlock().unwrap();
    assert_eq!(fixture.snapshot(), before);
    assert!(Fixture::new().workspace().resume_report(&mut |_, _| {}).unwrap().is_none());
}

#[test]
fn each_phase_of_a_batch_is_given_out_again_by_an_operation_of_its_own() {
    let fixture = interrupted();
    let resumed = resume(&fixture).unwrap();
    assert_eq!(resumed.phases(), [id("2"), id("3")]);
    assert_eq!(commands(&fixture)[5..], ["redelegate 2", "redelegate 3"]);
}

#[test]
fn a_refusal_changes_nothing() {
    let fixture = interrupted();
    fixture.apply(&fail("2", "boom")).unwrap();
    let before = fixture.snapshot();
    assert_eq!(code(resume(&fixture)), "CHOICE_REQUIRED");
    assert_eq!(fixture.snapshot(), before);
    assert_eq!(code(resume(&Fixture::new())), "NOT_INITIALISED");
    fs_err::remove_file(fixture.session_file()).unwrap();
    assert_eq!(code(resume(&fixture)), "SESSION_FILE_MISSING");
}

#[test]
fn whoever_reads_a_session_whose_file_is_gone_is_told_so_as_whoever_changes_it() {
    let fixture = interrupted();
    fs_err::remove_file(fixture.session_file()).unwrap();
    let before = fixture.snapshot();
    let lock = fs_err::File::open(fixture.path("docs/maestro/state/lock")).unwrap().into_file();
    lock.lock().unwrap();
    let workspace = fixture.workspace();
    assert_eq!(code(workspace.read()), "SESSION_FILE_MISSING");
    assert_eq!(code(workspace.status()), "SESSION_FILE_MISSING");
    assert_eq!(code(workspace.resume_report(&mut |_, _| {})), "SESSION_FILE_MISSING");
    assert_eq!(code(workspace.conflicts(&mut |_, _| {})), "SESSION_FILE_MISSING");
    assert_eq!(code(workspace.create_session(&fixture.request())), "SESSION_FILE_MISSING");
    lock.unlock().unwrap();
    assert_eq!(fixture.snapshot(), before);
    assert_eq!(code(fixture.apply(&start("1"))), "SESSION_FILE_MISSING");
}

#[test]
fn a_journal_is_not_asked_about_a_session_whose_file_is_there() {
    let fixture = interrupted();
    let id = fixture.document().session().session_id.clone();
    let journal = format!("docs/maestro/state/journal/{id}.jsonl");
    fixture.write(&journal, fixture.text(&journal).replace("\"seq\"", "\"sec\""));
    assert!(matches!(fixture.workspace().status().unwrap(), Status::Active(_)));
    fs_err::remove_file(fixture.session_file()).unwrap();
    assert_eq!(code(fixture.workspace().status()), "CORRUPT");
    assert_eq!(code(fixture.apply(&start("1"))), "CORRUPT");
}

#[test]
fn the_step_is_that_of_the_session_as_it_is_when_the_lock_is_had() {
    let fixture = interrupted();
    let mut times = 0;
    // While files are compared, another process hands phase 2 over.
    let resumed = fixture
        .workspace()
        .resume(&Consent::default(), &mut |_, _| {
            times += 1;
            if times == 1 {
                fixture.write("src/mw.rs", "made");
                fixture.apply(&complete("2", "src/mw.rs")).unwrap();
            }
        })
        .unwrap();
    assert_eq!(resumed.phases(), [id("3")]);
    assert_eq!(resumed.report.position.done, 2, "the report is that of the step");
    let told = "the session changed meanwhile; the step is that of the session as it is now";
    assert_eq!(resumed.warnings, [told]);
    assert_eq!(commands(&fixture)[5..], ["complete 2", "redelegate 3"]);
}

#[test]
fn a_phase_that_fails_meanwhile_stops_it() {
    let fixture = interrupted();
    let mut times = 0;
    let refused = fixture.workspace().resume(&Consent::default(), &mut |_, _| {
        times += 1;
        if times == 1 {
            fixture.apply(&fail("3", "boom")).unwrap();
        }
    });
    match refused.unwrap_err().bare() {
        SessionError::Resume(ResumeError::ChoiceRequired { phases }) => {
            assert_eq!(*phases, [id("3")]);
        }
        other => panic!("{other}"),
    }
    assert_eq!(commands(&fixture).last().unwrap(), "fail 3");
}

#[test]
fn conflicts_are_agreed_to_as_they_were_shown() {
    let fixture = interrupted();
    fixture.write("src/bucket.rs", "someone else's");
    let before = fixture.snapshot();
    let refused = resume(&fixture).unwrap_err();
    assert_eq!((refused.code(), refused.class()), ("CONFLICTS_FOUND", ErrorClass::Conflict));
    assert_eq!(fixture.snapshot(), before);
    let shown = match refused.bare() {
        SessionError::Resume(ResumeError::ConflictsFound { report }) => {
            report.conflicts_to_confirm().cloned().collect::<Vec<_>>()
        }
        other => panic!("{other}"),
    };
    assert_eq!(shown.len(), 1, "{shown:?}");
    let agreed = |conflicts| Consent { brief: false, conflicts };
    let these = agreed(AcceptedConflicts::These(shown));
    // Something else turns up: the yes was not for that.
    fixture.write("src/mw.rs", "half done");
    let with = |consent: &Consent| fixture.workspace().resume(consent, &mut |_, _| {});
    assert_eq!(code(with(&these)), "CONFLICTS_FOUND");
    fs_err::remove_file(fixture.path("src/mw.rs")).unwrap();
    assert_eq!(with(&these).unwrap().phases(), [id("2"), id("3")]);
    fixture.write("src/mw.rs", "half done");
    assert_eq!(with(&agreed(AcceptedConflicts::All)).unwrap().phases(), [id("2"), id("3")]);
}

/// A workspace in which someone edits the session file at the moment when the n-th id is made: between a decision and what
/// becomes of it.
fn edited_at(fixture: &Fixture, n: u64, from: &'static str, to: &'static str) -> Workspace {
    let ids = AtomicU64::new(0);
    let file = fixture.session_file();
    let Env { environment, actor, holder, lock_wait, .. } = env_of(&fixture.variables, 0);
    let clock = || "2026-02-01T10:00:00Z".parse().unwrap();
    let mut env = Env::new(environment, actor, holder, clock, move || {
        let made = ids.fetch_add(1, Ordering::Relaxed);
        if made == n {
            let text = fs_err::read_to_string(&file).unwrap();
            assert!(text.contains(from), "{text}");
            let edited = text.replacen(from, to, 1);
            let mut there =
                fs_err::OpenOptions::new().write(true).truncate(true).open(&file).unwrap();
            std::io::Write::write_all(&mut there, edited.as_bytes()).unwrap();
        }
        uuid::Uuid::from_u128((77 << 64) + u128::from(made))
    });
    env.lock_wait = lock_wait;
    Workspace::open(fixture.root(), env, Arc::new(OsDisk)).unwrap()
}

/// Which id of the process is that of the first operation of the step.
fn first_id() -> u64 {
    let fixture = interrupted();
    let workspace = edited_at(&fixture, u64::MAX, "", "");
    let resumed = workspace.resume(&Consent::default(), &mut |_, _| {}).unwrap();
    let id = resumed.recorded[0].operation.as_u128();
    u64::try_from(id & u128::from(u64::MAX)).unwrap()
}

#[test]
fn an_edit_before_the_first_operation_makes_the_report_anew() {
    let fixture = interrupted();
    let workspace = edited_at(
        &fixture,
        first_id(),
        "name: \"HTTP middleware\"\n    status: \"in_progress\"",
        "name: \"HTTP middleware\"\n    status: \"skipped\"",
    );
    let resumed = workspace.resume(&Consent::default(), &mut |_, _| {}).unwrap();
    assert_eq!(resumed.phases(), [id("3")]);
    let told = resumed.warnings.join("\n");
    assert!(
        told.contains("the session changed meanwhile") && told.contains("edited by hand"),
        "{told}"
    );
    assert_eq!(fixture.document().session().phases[1].status, PhaseStatus::Skipped);
}

#[test]
fn an_edit_between_two_operations_is_kept_and_the_rest_decided_again_on_it() {
    let fixture = interrupted();
    let second = first_id() + 1;
    let (from, to) = ("name: \"Docs\"", "name: \"Docs and more\"");
    let resumed =
        edited_at(&fixture, second, from, to).resume(&Consent::default(), &mut |_, _| {}).unwrap();
    assert_eq!(resumed.phases(), [id("2"), id("3")]);
    assert_eq!(fixture.document().session().phases[2].name, "Docs and more");

    let fixture = interrupted();
    let (from, to) =
        ("name: \"Docs\"\n    status: \"in_progress\"", "name: \"Docs\"\n    status: \"skipped\"");
    let resumed =
        edited_at(&fixture, second, from, to).resume(&Consent::default(), &mut |_, _| {}).unwrap();
    assert_eq!(resumed.phases(), [id("2")]);
    let told = resumed.warnings.join("\n");
    assert!(told.contains("phase 3 cannot redelegate: it is skipped"), "{told}");
    assert_eq!(fixture.document().session().phases[2].status, PhaseStatus::Skipped);
}

/// An error after the first of a batch says what has happened all the same, whatever fails when.
#[test]
fn an_error_in_the_middle_of_a_batch_says_what_is_recorded() {
    let prepared = begun();
    for command in [skip("1", true), start("2"), start("3")] {
        open(&prepared).apply(&command).unwrap();
    }
    prepared.sync_everything();
    let mut halves = 0;
    for index in 0.. {
        let disk = prepared.copy();
        let workspace = open(&disk);
        disk.fail_at(index, Trouble::Io);
        // What cannot be read is a conflict, and no failure.
        let consent = Consent { brief: false, conflicts: AcceptedConflicts::All };
        let outcome = workspace.resume(&consent, &mut |_, _| {});
        if !disk.has_failed() {
            break;
        }
        disk.heal();
        let next = open(&disk);
        // Finishes what was begun, and is refused for its own sake.
        assert_eq!(code(next.apply(&start("no such phase"))), "PHASE_NOT_FOUND");
        let log = next.log(&LogFilter::default()).unwrap();
        let recorded = log.entries.iter().filter(|entry| entry.command == "redelegate").count();
        match outcome {
            Ok(resumed) => assert_eq!((resumed.recorded.len(), recorded), (2, 2), "call {index}"),
            Err(error) => {
                let told =
                    error.notes().iter().filter(|note| note.contains("came to be in progress"));
                let told = told.count();
                let may_be = error.code() == "IN_DOUBT" && recorded == told + 1;
                assert!(told == recorded || may_be, "call {index}, {error:?}: {recorded}");
                halves += usize::from(told == 1);
            }
        }
    }
    assert!(0 < halves, "it was interrupted in the middle");
}
