//! A design gate holds back its own session until the user has approved the design, and no other session.

use std::sync::Arc;

use maestro_session::{DocumentSource, GateChanged, SessionError, Workspace};
use maestro_session_model::{DesignGate, SessionId, TaskComplexity, Timestamp};
use maestro_testutils::FaultyDisk;

use crate::fixture::{ARCHIVE, FORCE, Fixture, PLAN, code, skip, start};

const ID: &str = "2026-01-15-limits";
const GATE: &str = "docs/maestro/state/2026-01-15-limits.design-gate.json";
const PUT_AWAY: &str = "docs/maestro/state/quarantine/2026-01-15-limits.design-gate.json";

fn session() -> SessionId {
    ID.parse().unwrap()
}

fn file(path: &str) -> DocumentSource {
    DocumentSource::File(path.to_owned())
}

fn text(name: &str, text: &str) -> DocumentSource {
    DocumentSource::Text { name: name.parse().unwrap(), text: text.to_owned() }
}

fn enter(fixture: &Fixture) -> Result<GateChanged, SessionError> {
    fixture.workspace().enter_design_gate(&session())
}

fn approve(fixture: &Fixture, design: &DocumentSource) -> Result<GateChanged, SessionError> {
    fixture.workspace().approve_design(&session(), design)
}

/// Begins the session whose gate it is; returns its design document.
fn begin(fixture: &Fixture) -> Result<Option<String>, SessionError> {
    let mut request = fixture.request();
    request.id = Some(session());
    Ok(fixture.workspace().create_session(&request)?.session.design_document)
}

/// The time of the first thing that a process does.
fn first() -> Timestamp {
    "2026-01-15T10:00:00Z".parse().unwrap()
}

#[test]
fn a_gate_is_entered_once() {
    let fixture = Fixture::new();
    assert_eq!(fixture.workspace().design_gate(&session()).unwrap(), None);
    let gate = enter(&fixture).unwrap().gate;
    assert_eq!(gate.session_id, session());
    assert!(!gate.is_approved());
    assert_eq!(fixture.text(GATE), gate.to_text());
    let before = fixture.snapshot();
    let again = enter(&fixture).unwrap();
    assert!(again.was_entered && again.warnings.is_empty());
    assert_eq!(again.gate, gate);
    assert_eq!(fixture.workspace().design_gate(&session()).unwrap(), Some(gate));
    assert_eq!(fixture.snapshot(), before);
}

#[test]
fn a_gate_holds_back_its_own_session_and_no_other() {
    let fixture = Fixture::new();
    enter(&fixture).unwrap();
    let before = fixture.snapshot();
    assert_eq!(code(begin(&fixture)), "DESIGN_GATE_UNAPPROVED");
    assert_eq!(fixture.snapshot(), before);
    let created = fixture.create().unwrap();
    assert_eq!(created.warnings, Vec::<String>::new());
    assert_eq!(created.session.design_document, None);
}

#[test]
fn a_design_of_its_own_does_not_help_a_session_past_its_gate() {
    let fixture = Fixture::new();
    enter(&fixture).unwrap();
    fixture.write("mine.md", "# Mine\n");
    let mut request = fixture.request();
    request.id = Some(session());
    request.design = Some(file("mine.md"));
    assert_eq!(code(fixture.workspace().create_session(&request)), "DESIGN_GATE_UNAPPROVED");
}

#[test]
fn a_gate_holds_back_a_session_whose_id_is_made() {
    let fixture = Fixture::new();
    let mut request = fixture.request();
    request.topic = Some("limits".to_owned());
    enter(&fixture).unwrap();
    assert_eq!(code(fixture.workspace().create_session(&request)), "DESIGN_GATE_UNAPPROVED");
    approve(&fixture, &text("design.md", "# Design\n")).unwrap();
    let created = fixture.workspace().create_session(&request).unwrap();
    assert_eq!(created.session.session_id, session());
    assert_eq!(created.session.design_document.as_deref(), Some("docs/maestro/plans/design.md"));
}

#[test]
fn the_gate_of_another_session_is_not_that_of_one_that_gets_a_suffix() {
    let fixture = Fixture::new();
    approve(&fixture, &text("design.md", "# Design\n")).unwrap();
    begin(&fixture).unwrap();
    let mut request = fixture.request();
    request.topic = Some("limits".to_owned());
    request.archive_active = Some(FORCE);
    let second = fixture.workspace().create_session(&request).unwrap().session;
    assert_eq!(second.session_id.as_str(), "2026-01-15-limits-2");
    assert_eq!(second.design_document, None);
    // One that somebody left behind for the archived session holds back nobody.
    fixture.write(GATE, DesignGate::entered(session(), first()).to_text());
    let third = fixture.workspace().create_session(&request).unwrap().session;
    assert_eq!(third.session_id.as_str(), "2026-01-15-limits-3");
}

#[test]
fn an_approved_design_is_used_by_a_session_that_names_none() {
    let fixture = Fixture::new();
    fixture.write("notes/design.md", "# Design\n");
    let approved = approve(&fixture, &file("notes/design.md")).unwrap();
    // Nobody had entered the gate.
    let now = approved.gate.entered_at;
    let gate = DesignGate::entered(session(), now).approved("notes/design.md".to_owned(), now);
    assert!(!approved.was_entered && approved.warnings.is_empty());
    assert_eq!(approved.gate, gate);
    assert_eq!(begin(&fixture).unwrap().as_deref(), Some("docs/maestro/plans/design.md"));
    assert_eq!(fixture.text("docs/maestro/plans/design.md"), "# Design\n");
}

#[test]
fn a_design_that_the_request_names_is_used_rather_than_the_approved_one() {
    let fixture = Fixture::new();
    approve(&fixture, &text("design.md", "# Design\n")).unwrap();
    fixture.write("mine.md", "# Mine\n");
    let mut request = fixture.request();
    request.id = Some(session());
    request.design = Some(file("mine.md"));
    let created = fixture.workspace().create_session(&request).unwrap();
    assert_eq!(created.session.design_document.as_deref(), Some("docs/maestro/plans/mine.md"));
    assert_eq!(fixture.text("docs/maestro/plans/design.md"), "# Design\n");
}

#[test]
fn an_approved_file_need_not_be_there_before_the_session_is_begun() {
    let fixture = Fixture::new();
    approve(&fixture, &file("notes/design.md")).unwrap();
    let before = fixture.snapshot();
    let error = begin(&fixture).unwrap_err();
    assert_eq!(error.code(), "DOCUMENT_MISSING");
    assert!(error.to_string().contains("the design document"), "{error}");
    assert_eq!(fixture.snapshot(), before);
    fixture.write("notes/design.md", "# Design\n");
    assert_eq!(begin(&fixture).unwrap().as_deref(), Some("docs/maestro/plans/design.md"));
}

#[test]
fn a_path_is_kept_relative_to_the_workspace_and_one_that_leads_out_is_refused() {
    let fixture = Fixture::new();
    for outside in ["../design.md", "/etc/hostname", "", "."] {
        let before = fixture.snapshot();
        assert!(approve(&fixture, &file(outside)).is_err(), "{outside}");
        assert_eq!(fixture.snapshot(), before, "{outside}");
    }
    let absolute = fixture.path("notes/design.md").to_string_lossy().into_owned();
    let gate = approve(&fixture, &file(&absolute)).unwrap().gate;
    assert_eq!(gate.design_document_path.as_deref(), Some("notes/design.md"));
}

#[test]
fn a_gate_of_the_node_server_has_an_absolute_path() {
    let fixture = Fixture::new();
    fixture.write("docs/maestro/plans/design.md", "# Design\n");
    let path = fixture.path("docs/maestro/plans/design.md").to_string_lossy().into_owned();
    let gate = DesignGate::entered(session(), first()).approved(path, first());
    fixture.write(GATE, gate.to_text());
    assert_eq!(begin(&fixture).unwrap().as_deref(), Some("docs/maestro/plans/design.md"));
}

#[test]
fn a_text_is_written_at_once_and_overwrites_nothing() {
    let fixture = Fixture::new();
    fixture.write("docs/maestro/plans/design.md", "someone else's");
    fs_err::create_dir_all(fixture.path("docs/maestro/plans/folder.md")).unwrap();
    let named = |source: &DocumentSource| {
        let changed = approve(&fixture, source).unwrap();
        (changed.gate.design_document_path.unwrap(), changed.warnings)
    };
    let beside = "docs/maestro/plans/design-2.md".to_owned();
    let warning = "`docs/maestro/plans/design.md` is another document, so the design was written to \
                   `docs/maestro/plans/design-2.md`";
    // The same text is used again.
    for _ in 0..2 {
        let found = named(&text("design.md", "# Design\n"));
        assert_eq!(found, (beside.clone(), vec![warning.to_owned()]));
    }
    assert_eq!(fixture.text("docs/maestro/plans/design.md"), "someone else's");
    assert_eq!(fixture.text(&beside), "# Design\n");
    assert_eq!(named(&text("design.md", "someone else's")).1, Vec::<String>::new());
    let (path, warnings) = named(&text("folder.md", "# Design\n"));
    assert_eq!((path.as_str(), warnings.len()), ("docs/maestro/plans/folder-2.md", 1));
    assert!(fixture.path("docs/maestro/plans/folder.md").is_dir());
}

#[test]
fn what_is_approved_last_counts() {
    let fixture = Fixture::new();
    let entered = enter(&fixture).unwrap().gate.entered_at;
    approve(&fixture, &text("first.md", "# First\n")).unwrap();
    let second = approve(&fixture, &text("second.md", "# Second\n")).unwrap();
    assert!(second.was_entered);
    assert_eq!(second.gate.entered_at, entered);
    // Entering it again takes nothing back.
    assert_eq!(enter(&fixture).unwrap().gate, second.gate);
    assert_eq!(begin(&fixture).unwrap().as_deref(), Some("docs/maestro/plans/second.md"));
    assert_eq!(fixture.text("docs/maestro/plans/first.md"), "# First\n");
}

/// Texts that are no gate of the session: cut off, of another session, of no session, empty, no text.
fn damaged() -> Vec<Vec<u8>> {
    let gate = DesignGate::entered(session(), first()).approved("design.md".to_owned(), first());
    let foreign = DesignGate::entered("other".parse().unwrap(), first())
        .approved("design.md".to_owned(), first());
    let whole = gate.to_text();
    vec![
        whole.as_bytes()[..whole.len() / 2].to_vec(),
        foreign.to_text().into_bytes(),
        b"{}".to_vec(),
        Vec::new(),
        vec![0xff; 3],
    ]
}

/// Begins the session whose gate it is, where others do `meanwhile` to the workspace just before the lock is taken.
fn begin_late(
    fixture: &Fixture,
    meanwhile: impl FnOnce(&Workspace) + Send + 'static,
) -> Result<Option<String>, SessionError> {
    let disk = FaultyDisk::new();
    let env = Arc::new(fixture.env());
    let late = Workspace::open(fixture.root(), env, Arc::new(disk.clone())).unwrap();
    let other = fixture.workspace();
    disk.before("open lock", move || meanwhile(&other));
    let mut request = fixture.request();
    request.id = Some(session());
    Ok(late.create_session(&request)?.session.design_document)
}

#[test]
fn a_gate_that_is_entered_at_the_last_moment_holds_back_its_session() {
    let fixture = Fixture::new();
    let begun = begin_late(&fixture, |other| {
        other.enter_design_gate(&session()).unwrap();
    });
    assert_eq!(code(begun), "DESIGN_GATE_UNAPPROVED");
    assert!(!fixture.session_file().exists());
}

#[test]
fn a_design_that_is_approved_at_the_last_moment_is_that_of_the_session() {
    let fixture = Fixture::new();
    let approve_text = |name, words| {
        move |other: &Workspace| {
            other.approve_design(&session(), &text(name, words)).unwrap();
        }
    };
    let first = begin_late(&fixture, approve_text("first.md", "# First\n")).unwrap();
    assert_eq!(first.as_deref(), Some("docs/maestro/plans/first.md"));

    let fixture = Fixture::new();
    approve(&fixture, &text("first.md", "# First\n")).unwrap();
    let complex = "---\ntask_complexity: complex\n---\n# Second\n";
    let second = begin_late(&fixture, approve_text("second.md", complex)).unwrap();
    assert_eq!(second.as_deref(), Some("docs/maestro/plans/second.md"));
    let created = fixture.document();
    assert_eq!(created.session().task_complexity, Some(TaskComplexity::Complex));
}

#[test]
fn a_damaged_gate_holds_back_its_session_and_says_so() {
    for damaged in damaged() {
        let fixture = Fixture::new();
        fixture.write(GATE, &damaged);
        let before = fixture.snapshot();
        assert_eq!(code(begin(&fixture)), "DESIGN_GATE_UNREADABLE");
        let error = fixture.workspace().design_gate(&session()).unwrap_err();
        assert_eq!(error.code(), "DESIGN_GATE_UNREADABLE");
        assert!(error.hint().is_some());
        assert_eq!(fixture.snapshot(), before);
        fixture.create().unwrap();
    }
}

#[test]
fn a_damaged_gate_is_entered_anew_and_what_it_was_is_kept() {
    for damaged in damaged() {
        let fixture = Fixture::new();
        fixture.write(GATE, &damaged);
        let entered = enter(&fixture).unwrap();
        assert!(!entered.was_entered && !entered.gate.is_approved());
        let warning = format!(
            "the design gate `{GATE}` was damaged; what it was is in `{PUT_AWAY}`, and the design has to be approved \
             again"
        );
        assert_eq!(entered.warnings, [warning]);
        assert_eq!(fs_err::read(fixture.path(PUT_AWAY)).unwrap(), damaged);
        assert_eq!(code(begin(&fixture)), "DESIGN_GATE_UNAPPROVED");
    }
}

#[test]
fn a_damaged_gate_can_be_approved() {
    let fixture = Fixture::new();
    fixture.write(GATE, "{");
    let approved = approve(&fixture, &text("design.md", "# Design\n")).unwrap();
    let warning = format!("the design gate `{GATE}` was damaged; what it was is in `{PUT_AWAY}`");
    assert_eq!((approved.was_entered, approved.warnings), (false, vec![warning]));
    assert_eq!(fixture.text(PUT_AWAY), "{");
    assert_eq!(begin(&fixture).unwrap().as_deref(), Some("docs/maestro/plans/design.md"));
}

#[test]
fn what_is_no_file_is_no_gate_and_the_doctor_puts_it_away() {
    let fixture = Fixture::new();
    enter(&fixture).unwrap();
    fs_err::remove_file(fixture.path(GATE)).unwrap();
    fs_err::create_dir(fixture.path(GATE)).unwrap();
    for refused in [
        code(begin(&fixture)),
        code(enter(&fixture)),
        code(approve(&fixture, &text("design.md", "# Design\n"))),
        code(fixture.workspace().design_gate(&session())),
    ] {
        assert_eq!(refused, "STATE_DIR_UNUSABLE");
    }
    assert!(!fixture.path("docs/maestro/plans/design.md").exists());
    fixture.create().unwrap();
    fixture.workspace().doctor(true, &mut |_, _| {}).unwrap();
    assert!(fixture.path(PUT_AWAY).is_dir());
    enter(&fixture).unwrap();
}

#[test]
fn a_huge_file_is_no_gate() {
    let fixture = Fixture::new();
    enter(&fixture).unwrap();
    let gate = fs_err::OpenOptions::new().write(true).open(fixture.path(GATE)).unwrap();
    gate.set_len(100 * 1024 * 1024).unwrap();
    assert_eq!(code(begin(&fixture)), "TOO_LARGE");
    assert_eq!(code(enter(&fixture)), "TOO_LARGE");
    fixture.workspace().doctor(true, &mut |_, _| {}).unwrap();
    assert!(fixture.path(PUT_AWAY).exists());
    enter(&fixture).unwrap();
}

#[cfg(unix)]
#[test]
fn a_gate_behind_a_link_is_neither_read_nor_written() {
    use std::os::unix::fs::symlink;
    let fixture = Fixture::new();
    let elsewhere = DesignGate::entered(session(), first()).approved("d.md".to_owned(), first());
    fixture.write("elsewhere.json", elsewhere.to_text());
    fixture.workspace().state_dir().create().unwrap();
    symlink(fixture.path("elsewhere.json"), fixture.path(GATE)).unwrap();
    assert_eq!(code(begin(&fixture)), "STATE_DIR_UNUSABLE");
    assert_eq!(code(enter(&fixture)), "STATE_DIR_UNUSABLE");
    assert_eq!(code(approve(&fixture, &file("other.md"))), "STATE_DIR_UNUSABLE");
    assert_eq!(fixture.text("elsewhere.json"), elsewhere.to_text());
}

#[test]
fn an_archived_session_has_no_gate() {
    let fixture = Fixture::new();
    approve(&fixture, &text("design.md", "# Design\n")).unwrap();
    begin(&fixture).unwrap();
    assert!(fixture.path(GATE).exists());
    for phase in ["1", "2", "3", "review"] {
        fixture.apply(&skip(phase, true)).unwrap();
    }
    fixture.workspace().archive(ARCHIVE).unwrap();
    assert!(!fixture.path(GATE).exists());
    let before = fixture.snapshot();
    assert_eq!(code(enter(&fixture)), "SESSION_ID_TAKEN");
    assert_eq!(code(approve(&fixture, &text("new.md", "# New\n"))), "SESSION_ID_TAKEN");
    // Also on file systems that make a difference: a session could not be begun with it.
    let shouted = "2026-01-15-LIMITS".parse().unwrap();
    assert_eq!(code(fixture.workspace().enter_design_gate(&shouted)), "SESSION_ID_TAKEN");
    assert_eq!(fixture.snapshot(), before);
}

#[test]
fn an_approved_design_of_another_session_is_only_a_warning() {
    let fixture = Fixture::new();
    approve(&fixture, &text("design.md", "# Design\n")).unwrap();
    fixture.workspace().enter_design_gate(&"unapproved".parse().unwrap()).unwrap();
    fixture.write("docs/maestro/state/damaged.design-gate.json", "{");
    let created = fixture.create().unwrap();
    let waits = "this session has no design; an approved one waits for a session called `2026-01-15-limits`";
    assert_eq!(created.warnings, [waits]);
    fixture.workspace().archive(FORCE).unwrap();
    assert!(fixture.path(GATE).exists(), "it is of another session");
    assert!(begin(&fixture).is_ok());
}

#[test]
fn a_design_that_lies_in_the_archive_is_copied_from_there() {
    let fixture = Fixture::begun();
    fixture.workspace().archive(FORCE).unwrap();
    approve(&fixture, &file("docs/maestro/plans/archive/plan.md")).unwrap();
    let mut request = fixture.request();
    request.id = Some(session());
    let created = fixture.workspace().create_session(&request).unwrap();
    // The plan has the same text, and so one file is enough for both.
    assert_eq!(created.session.design_document.as_deref(), Some("docs/maestro/plans/plan.md"));
    assert_eq!(fixture.text("docs/maestro/plans/archive/plan.md"), PLAN);
    assert_eq!(fixture.text("docs/maestro/plans/plan.md"), PLAN);
}

/// A session whose archiving stopped right after its intent.
fn intended(fixture: &Fixture) {
    let id = fixture.document().session().session_id.clone();
    let names = ["docs/maestro/state/active-session.md", "docs/maestro/plans/plan.md"];
    let texts = names.map(|name| fixture.text(name));
    let receipt = fixture.workspace().archive(FORCE).unwrap();
    for (name, text) in names.iter().zip(texts) {
        fixture.write(name, text);
    }
    let moved = format!("docs/maestro/state/archive/{id}.journal.jsonl");
    let lines = fixture.text(&moved).trim_end().rsplit_once('\n').unwrap().0.to_owned() + "\n";
    fixture.write(&format!("docs/maestro/state/journal/{id}.jsonl"), lines);
    for name in [&moved, &receipt.archive_path, "docs/maestro/plans/archive/plan.md"] {
        fs_err::remove_file(fixture.path(name)).unwrap();
    }
}

#[test]
fn no_gate_is_entered_for_a_session_that_is_on_its_way_to_the_archive() {
    let fixture = Fixture::new();
    begin(&fixture).unwrap();
    intended(&fixture);
    let error = enter(&fixture).unwrap_err();
    assert_eq!((error.code(), error.notes().len()), ("SESSION_ID_TAKEN", 1));
    assert!(!fixture.path(GATE).exists());
    assert_eq!(code(fixture.apply(&start("1"))), "NO_SESSION");
}

#[test]
fn an_interrupted_archiving_does_not_take_an_approved_design_along() {
    let fixture = Fixture::begun();
    intended(&fixture);
    // The name and the text of the plan that is about to be moved.
    let approved = approve(&fixture, &text("plan.md", PLAN)).unwrap();
    assert_eq!(approved.warnings.len(), 1, "{:?}", approved.warnings);
    assert_eq!(fixture.text("docs/maestro/plans/archive/plan.md"), PLAN);
    assert_eq!(code(fixture.apply(&start("1"))), "NO_SESSION");
    assert_eq!(begin(&fixture).unwrap().as_deref(), Some("docs/maestro/plans/plan.md"));
}

#[test]
fn a_gate_is_entered_whatever_session_is_active() {
    let fixture = Fixture::begun();
    let before = fixture.text("docs/maestro/state/active-session.md");
    let only: Workspace = fixture.workspace().only_for(session());
    only.enter_design_gate(&session()).unwrap();
    assert_eq!(fixture.text("docs/maestro/state/active-session.md"), before);
    assert_eq!(code(begin(&fixture)), "SESSION_EXISTS");
}
