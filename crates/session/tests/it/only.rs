//! What is meant for one session is refused as long as another one is active.

use maestro_session::{
    AcceptedConflicts, Consent, DocumentSource, LogFilter, SessionError, Status, Workspace,
};
use maestro_session_model::{Command, SessionId};

use crate::fixture::{ARCHIVE, FORCE, Fixture, code, complete, id, skip, start};

const FILE: &str = "docs/maestro/state/active-session.md";
const ACTIVE: &str = "2026-01-15-add-a-token-bucket-rate-limiter";

fn other() -> SessionId {
    "2026-01-14-other".parse().unwrap()
}

fn consent() -> Consent {
    Consent { brief: true, conflicts: AcceptedConflicts::All }
}

type Deed = fn(&Workspace) -> Result<(), SessionError>;

/// Everything that is about the active session.
const DEEDS: [(&str, Deed); 14] = [
    ("apply", |w| w.apply(&start("2")).map(drop)),
    ("complete", |w| w.apply(&complete("1", "src/a.rs")).map(drop)),
    ("abort", |w| w.apply(&Command::Abort { by_user: true, reason: None }).map(drop)),
    ("archive", |w| w.archive(ARCHIVE).map(drop)),
    ("archive by force", |w| w.archive(FORCE).map(drop)),
    ("undo", |w| w.undo(None).map(drop)),
    ("resume", |w| w.resume(&consent(), &mut |_, _| {}).map(drop)),
    ("report", |w| w.resume_report(&mut |_, _| {}).map(drop)),
    ("scan", |w| w.scan_phase(&id("1"), &mut |_, _| {}).map(drop)),
    ("log", |w| w.log(&LogFilter::default()).map(drop)),
    ("document", |w| w.recorded_document(None).map(drop)),
    ("operation", |w| w.recorded_document(Some("1")).map(drop)),
    ("read", |w| w.read().map(drop)),
    ("status", |w| w.status().map(drop)),
];

/// A session with a phase that is under way.
fn running() -> Fixture {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    fixture
}

#[test]
fn what_is_meant_for_another_session_changes_nothing() {
    let fixture = running();
    let before = fixture.snapshot();
    for (name, deed) in DEEDS {
        let error = deed(&fixture.workspace().only_for(other())).unwrap_err();
        assert_eq!(error.code(), "OTHER_SESSION", "{name}");
        assert_eq!(
            error.to_string(),
            format!("session `2026-01-14-other` is not the active one; `{ACTIVE}` is")
        );
        assert!(error.hint().is_some());
        assert_eq!(fixture.snapshot(), before, "{name}");
    }
}

#[test]
fn what_is_meant_for_the_active_session_is_done() {
    for (name, deed) in DEEDS {
        let fixture = running();
        let workspace = fixture.workspace().only_for(ACTIVE.parse().unwrap());
        let told = deed(&workspace).map_err(|error| error.code());
        let expected = match name {
            "apply" => Err("PHASE_BLOCKED"),
            "archive" => Err("SESSION_UNFINISHED"),
            _ => Ok(()),
        };
        assert_eq!(told, expected, "{name}");
    }
}

#[test]
fn where_no_session_is_active_none_is_another_one() {
    let fixture = Fixture::new();
    fixture.workspace().state_dir().create().unwrap();
    for (name, deed) in DEEDS {
        let told = deed(&fixture.workspace().only_for(other())).map_err(|error| error.code());
        let expected =
            if ["report", "read", "status"].contains(&name) { Ok(()) } else { Err("NO_SESSION") };
        assert_eq!(told, expected, "{name}");
    }
}

#[test]
fn an_unreadable_session_of_another_id_is_not_archived_either() {
    // With a journal, and without one.
    for has_journal in [true, false] {
        let fixture = running();
        fixture.write(FILE, format!("---\nsession_id: {ACTIVE}\nphases: [\n"));
        if !has_journal {
            let journal = format!("docs/maestro/state/journal/{ACTIVE}.jsonl");
            fs_err::remove_file(fixture.path(&journal)).unwrap();
        }
        let before = fixture.snapshot();
        let workspace = fixture.workspace().only_for(other());
        assert_eq!(code(workspace.archive(FORCE)), "OTHER_SESSION");
        if has_journal {
            assert_eq!(code(workspace.log(&LogFilter::default())), "OTHER_SESSION");
            assert_eq!(code(workspace.recorded_document(None)), "OTHER_SESSION");
        }
        assert_eq!(fixture.snapshot(), before);
        let meant = fixture.workspace().only_for(ACTIVE.parse().unwrap());
        assert_eq!(meant.archive(FORCE).unwrap().session_id.as_str(), ACTIVE);
    }
}

#[test]
fn a_session_that_was_replaced_meanwhile_is_not_taken_for_the_other() {
    let fixture = running();
    let meant = fixture.workspace().only_for(ACTIVE.parse().unwrap());
    // It knows the session that it is meant for.
    assert!(matches!(meant.status().unwrap(), Status::Active(_)));
    let mut request = fixture.request();
    request.archive_active = Some(FORCE);
    let second = fixture.workspace().create_session(&request).unwrap().session.session_id;
    fixture.apply(&start("1")).unwrap();
    let before = fixture.snapshot();
    for (name, deed) in DEEDS {
        let Err(SessionError::OtherSession { meant, active }) = deed(&meant) else {
            panic!("{name}");
        };
        assert_eq!((meant.as_str(), &active), (ACTIVE, &second), "{name}");
    }
    assert_eq!(fixture.snapshot(), before);
}

/// Takes back the end of the archiving of a session, so that only its mark and its journal's move are left to be done.
fn stopped_before_the_mark(fixture: &Fixture) {
    let moved = format!("docs/maestro/state/archive/{ACTIVE}.journal.jsonl");
    let lines = fixture.text(&moved).trim_end().rsplit_once('\n').unwrap().0.to_owned() + "\n";
    fs_err::remove_file(fixture.path(&moved)).unwrap();
    fixture.write(&format!("docs/maestro/state/journal/{ACTIVE}.jsonl"), lines);
}

#[test]
fn the_interrupted_archiving_of_another_session_is_finished_and_is_not_what_was_asked_for() {
    let fixture = running();
    fixture.workspace().archive(FORCE).unwrap();
    stopped_before_the_mark(&fixture);
    let interrupted = fixture.copy();
    // That one is in the archive: it is not active.
    let error = fixture.workspace().only_for(other()).archive(FORCE).unwrap_err();
    assert_eq!((error.code(), error.notes().len()), ("NO_SESSION", 1));
    assert!(error.notes()[0].contains(ACTIVE), "{:?}", error.notes());
    assert!(fixture.path(&format!("docs/maestro/state/archive/{ACTIVE}.journal.jsonl")).exists());
    // Whoever asks for it has it.
    let meant = interrupted.workspace().only_for(ACTIVE.parse().unwrap());
    assert_eq!(meant.archive(FORCE).unwrap().session_id.as_str(), ACTIVE);
}

#[test]
fn what_was_put_in_order_is_told_with_the_refusal() {
    let fixture = running();
    fixture.write(FILE, fixture.text(FILE) + "by hand\n");
    let text = fixture.text(FILE);
    let error = fixture.workspace().only_for(other()).apply(&start("2")).unwrap_err();
    // The edit is recorded, as by any command.
    assert_eq!((error.code(), error.notes().len()), ("OTHER_SESSION", 1));
    assert_eq!(fixture.text(FILE), text);
}

#[test]
fn one_workspace_is_meant_for_one_session_and_the_next_for_any() {
    let fixture = running();
    let any = fixture.workspace();
    let only = any.only_for(other());
    assert_eq!(code(only.read()), "OTHER_SESSION");
    any.apply(&skip("3", true)).unwrap();
    assert_eq!(code(only.read()), "OTHER_SESSION");
    let design = DocumentSource::File("design.md".to_owned());
    only.approve_design(&other(), &design).unwrap();
}

#[test]
fn the_session_file_of_another_session_is_not_written() {
    let fixture = running();
    let before = fixture.snapshot();
    let text = fixture.text(FILE) + "by hand\n";
    let workspace = fixture.workspace().only_for(other());
    assert_eq!(
        code(workspace.write_state("state/active-session.md", text.as_bytes())),
        "OTHER_SESSION"
    );
    assert_eq!(fixture.snapshot(), before);
}

#[test]
fn the_doctor_looks_after_any_session() {
    let fixture = running();
    let journal = format!("docs/maestro/state/journal/{ACTIVE}.jsonl");
    let text = fixture.text(FILE);
    // The end of it says what is no operation: a sound session file is worth more than its sound lines.
    let lines = fixture.text(&journal);
    let (at, _) = lines.trim_end().rmatch_indices("\"v\":1").nth(1).unwrap();
    fixture
        .write(&journal, lines[..at].to_owned() + &lines[at..].replacen("\"v\":1", "\"v\";1", 1));
    let findings =
        |workspace: &Workspace| workspace.doctor(false, &mut |_, _| {}).unwrap().findings;
    let workspace = fixture.workspace().only_for(other());
    assert_eq!(findings(&workspace), findings(&fixture.workspace()));
    assert_eq!(workspace.doctor(true, &mut |_, _| {}).unwrap().findings, []);
    assert_eq!(fixture.text(FILE), text);
    assert_eq!(code(workspace.read()), "OTHER_SESSION");
}
