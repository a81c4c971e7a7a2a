//! Archiving moves everything, loses nothing, and can be finished by whoever comes next.

use std::sync::Arc;

use maestro_session::{DocumentSource, KeepReason, PlanSource, Status, Workspace};
use maestro_session_model::{Command, Handoff, SessionStatus};
use maestro_testutils::{FaultyDisk, Plan};

use crate::fixture::{ARCHIVE, FORCE, Fixture, PLAN, code, complete, id, skip, start};

/// A session whose phases are all done.
fn finished() -> Fixture {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    fixture.apply(&complete("1", "src/a.rs")).unwrap();
    for phase in ["2", "3", "review"] {
        fixture.apply(&skip(phase, true)).unwrap();
    }
    fixture
}

#[test]
fn two_sessions_with_one_plan_name_keep_both_plans() {
    let fixture = finished();
    fixture.workspace().archive(ARCHIVE).unwrap();
    fixture.write("plan.md", PLAN.replace("Rate limiter", "Another one"));
    let second = fixture.create().unwrap();
    assert_eq!(second.session.session_id.as_str(), "2026-01-15-add-a-token-bucket-rate-limiter-2");
    let receipt = fixture.workspace().archive(FORCE).unwrap();
    assert_eq!(
        receipt.renamed,
        [(
            "docs/maestro/plans/plan.md".to_owned(),
            "docs/maestro/plans/archive/plan-2.md".to_owned()
        )]
    );
    assert!(fixture.text("docs/maestro/plans/archive/plan.md").contains("Rate limiter"));
    assert!(fixture.text("docs/maestro/plans/archive/plan-2.md").contains("Another one"));
}

#[test]
fn a_document_that_a_waiting_session_was_designed_with_stays_for_it() {
    let fixture = finished();
    let plan = "docs/maestro/plans/plan.md";
    let design = DocumentSource::File(plan.to_owned());
    fixture.workspace().approve_design(&"next".parse().unwrap(), &design).unwrap();
    let text = fixture.text(plan);
    let receipt = fixture.workspace().archive(ARCHIVE).unwrap();
    assert!(receipt.is_verified(), "{receipt:?}");
    assert_eq!(receipt.kept[0].reason, KeepReason::InUse);
    assert_eq!(receipt.strangers, Vec::<String>::new());
    assert_eq!(fixture.text(plan), text);
    assert_eq!(fixture.text("docs/maestro/plans/archive/plan.md"), text);
    assert!(fixture.text(&receipt.archive_path).contains("plans/archive/plan.md"));
}

#[test]
fn a_huge_ledger_goes_with_its_session() {
    let fixture = finished();
    let id = fixture.document().session().session_id.clone();
    let ledger = format!("docs/maestro/state/ledger/{id}.jsonl");
    fixture.write(&ledger, "");
    let file = fs_err::OpenOptions::new().write(true).open(fixture.path(&ledger)).unwrap();
    file.set_len(100 * 1024 * 1024).unwrap();
    let receipt = fixture.workspace().archive(ARCHIVE).unwrap();
    assert_eq!((receipt.pending, receipt.notes.len()), (None, 0));
    assert!(fixture.path(&format!("docs/maestro/state/archive/{id}.ledger.jsonl")).exists());
}

#[test]
fn what_is_no_ledger_and_no_gate_keeps_nobody_from_working() {
    let fixture = finished();
    let id = fixture.document().session().session_id.clone();
    for folder in ["design-gate.json", "ledger"] {
        let path = match folder {
            "ledger" => format!("docs/maestro/state/ledger/{id}.jsonl"),
            ending => format!("docs/maestro/state/{id}.{ending}"),
        };
        fs_err::create_dir_all(fixture.path(&path)).unwrap();
    }
    let receipt = fixture.workspace().archive(ARCHIVE).unwrap();
    assert_eq!((receipt.pending, receipt.notes.len()), (None, 2));
    assert!(receipt.notes.iter().all(|note| note.contains("stays where it is")));
    fixture.create().unwrap();
}

#[test]
fn a_session_that_says_it_is_completed_is_archived_by_force_whatever_its_records_say() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    fixture.apply(&Command::Complete { phase: id("1"), handoff: Handoff::default() }).unwrap();
    for phase in ["2", "3", "review"] {
        fixture.apply(&skip(phase, true)).unwrap();
    }
    let file = "docs/maestro/state/active-session.md";
    let text = fixture.text(file);
    fixture.write(file, text.replacen("status: \"in_progress\"", "status: \"completed\"", 1));
    assert_eq!(code(fixture.workspace().archive(ARCHIVE)), "SESSION_UNFINISHED");
    let receipt = fixture.workspace().archive(FORCE).unwrap();
    assert_eq!(receipt.status, SessionStatus::Completed);
}

#[test]
fn documents_in_folders_of_plans_are_archived_and_strangers_there_reported() {
    let fixture = Fixture::new();
    fixture.workspace().create_session(&fixture.request()).unwrap();
    fixture.workspace().archive(FORCE).unwrap();
    fixture.write("docs/maestro/plans/second/plan.md", PLAN);
    fixture.write("docs/maestro/plans/second/notes.md", "mine");
    let mut request = fixture.request();
    request.plan = PlanSource::file("docs/maestro/plans/second/plan.md");
    let created = fixture.workspace().create_session(&request).unwrap();
    assert_eq!(created.copied, []);
    let receipt = fixture.workspace().archive(FORCE).unwrap();
    assert!(receipt.is_verified(), "{receipt:?}");
    assert!(!fixture.path("docs/maestro/plans/second/plan.md").exists());
    assert!(fixture.path("docs/maestro/plans/archive/plan-2.md").exists());
    assert_eq!(receipt.strangers, ["docs/maestro/plans/second/notes.md"]);
}

#[test]
fn a_new_session_archives_the_old_one_first_if_it_is_told_to() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    let old = fixture.document().session().session_id.clone();
    let mut request = fixture.request();
    assert_eq!(code(fixture.workspace().create_session(&request)), "SESSION_EXISTS");
    request.archive_active = Some(FORCE);
    let created = fixture.workspace().create_session(&request).unwrap();
    let receipt = created.archived.unwrap();
    assert_eq!((receipt.session_id, receipt.status), (old.clone(), SessionStatus::Aborted));
    assert!(fixture.text(&receipt.archive_path).contains("status: \"aborted\""));
    assert_eq!(created.session.session_id.as_str(), format!("{old}-2"));
    // Each has its own plan, though they have one name.
    assert!(fixture.path("docs/maestro/plans/archive/plan.md").exists());
    assert!(fixture.path("docs/maestro/plans/plan.md").exists());
}

#[test]
fn a_plan_of_the_old_session_can_be_that_of_the_new_one() {
    let fixture = Fixture::begun();
    let plan = "docs/maestro/plans/plan.md";
    let mut request = fixture.request();
    request.plan = PlanSource::file(plan);
    request.archive_active = Some(FORCE);
    let created = fixture.workspace().create_session(&request).unwrap();
    assert_eq!(created.session.implementation_plan.as_deref(), Some(plan));
    assert_eq!(fixture.text(plan), fixture.text("docs/maestro/plans/archive/plan.md"));
    assert!(created.archived.unwrap().is_verified());
}

#[test]
fn nothing_is_archived_for_a_session_that_cannot_be_begun() {
    let fixture = Fixture::begun();
    let id = fixture.document().session().session_id.clone();
    fixture.write("bad.md", PLAN.replace("blocked_by: [1]", "blocked_by: [7]"));
    let before = fixture.snapshot();
    let mut request = fixture.request();
    request.archive_active = Some(FORCE);
    request.plan = PlanSource::file("bad.md");
    assert_eq!(code(fixture.workspace().create_session(&request)), "PLAN_REJECTED");
    request.plan = PlanSource::file("plan.md");
    request.id = Some(id);
    assert_eq!(code(fixture.workspace().create_session(&request)), "SESSION_ID_TAKEN");
    assert_eq!(fixture.snapshot(), before);
    // With no session there is nothing to archive, and no reason to refuse.
    fixture.workspace().archive(FORCE).unwrap();
    request.id = None;
    assert!(fixture.workspace().create_session(&request).unwrap().archived.is_none());
}

#[test]
fn a_session_that_cannot_be_archived_is_not_replaced() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    fixture.apply(&Command::Complete { phase: id("1"), handoff: Handoff::default() }).unwrap();
    let mut request = fixture.request();
    request.archive_active = Some(FORCE);
    let before = fixture.snapshot();
    assert_eq!(code(fixture.workspace().create_session(&request)), "RECONCILIATION_PENDING");
    assert_eq!(fixture.snapshot(), before);
}

#[test]
fn a_given_id_that_is_taken_is_refused() {
    let fixture = finished();
    let receipt = fixture.workspace().archive(ARCHIVE).unwrap();
    let before = fixture.snapshot();
    let mut request = fixture.request();
    request.id = Some(receipt.session_id);
    assert_eq!(code(fixture.workspace().create_session(&request)), "SESSION_ID_TAKEN");
    assert_eq!(fixture.snapshot(), before);
}

#[test]
fn strangers_in_plans_stay_and_are_reported() {
    let fixture = finished();
    fixture.write("docs/maestro/plans/notes.md", "mine");
    let receipt = fixture.workspace().archive(ARCHIVE).unwrap();
    assert_eq!(receipt.strangers, ["docs/maestro/plans/notes.md"]);
    assert_eq!(fixture.text("docs/maestro/plans/notes.md"), "mine");
    assert!(receipt.is_verified());
}

#[test]
fn a_design_gate_ends_with_its_session() {
    let fixture = finished();
    let id = fixture.document().session().session_id.clone();
    let gate = format!("docs/maestro/state/{id}.design-gate.json");
    fixture.write(&gate, "{}");
    fixture.workspace().archive(ARCHIVE).unwrap();
    assert!(!fixture.path(&gate).exists());
}

#[test]
fn the_journal_goes_with_its_session() {
    let fixture = finished();
    let id = fixture.document().session().session_id.clone();
    fixture.workspace().archive(ARCHIVE).unwrap();
    assert!(fixture.path(&format!("docs/maestro/state/archive/{id}.journal.jsonl")).exists());
    assert!(!fixture.path(&format!("docs/maestro/state/journal/{id}.jsonl")).exists());
}

/// Puts back the files that an archiving removed last, as if the machine had stopped before it.
#[test]
fn an_archiving_that_was_interrupted_is_finished_by_the_next_command() {
    let file = "docs/maestro/state/active-session.md";
    let plan = "docs/maestro/plans/plan.md";
    for restored in 0..5 {
        let fixture = finished();
        let id = fixture.document().session().session_id.clone();
        let (active, plan_text) = (fixture.text(file), fixture.text(plan));
        let receipt = fixture.workspace().archive(ARCHIVE).unwrap();
        let archived = fixture.snapshot();

        let journal = format!("docs/maestro/state/journal/{id}.jsonl");
        let moved = format!("docs/maestro/state/archive/{id}.journal.jsonl");
        let lines = fixture.text(&moved);
        fs_err::remove_file(fixture.path(&moved)).unwrap();
        // Before the journal moved; before the mark; before the session, the plan, the archived session.
        let without_mark = lines.trim_end().rsplit_once('\n').unwrap().0.to_owned() + "\n";
        fixture.write(&journal, if restored == 0 { &lines } else { &without_mark });
        if restored >= 2 {
            fixture.write(file, &active);
        }
        if restored >= 3 {
            fixture.write(plan, &plan_text);
        }
        if restored >= 4 {
            fs_err::remove_file(fixture.path(&receipt.archive_path)).unwrap();
        }
        let is_active = matches!(fixture.workspace().status().unwrap(), Status::Active(_));
        assert_eq!(is_active, restored >= 2, "step {restored}");
        // Any command that takes the lock; this one finds no session once all is finished.
        assert_eq!(code(fixture.apply(&start("1"))), "NO_SESSION", "step {restored}");
        let names = |files: &[(String, Vec<u8>)]| -> Vec<String> {
            files.iter().map(|(name, _)| name.clone()).collect()
        };
        let found = fixture.snapshot();
        assert_eq!(names(&found), names(&archived), "step {restored}");
        let same = found.iter().zip(&archived).filter(|(a, b)| a == b).count();
        assert!(same >= archived.len() - 1, "only the journal's mark may have another time");
        assert!(matches!(fixture.workspace().status().unwrap(), Status::None(_)));
    }
}

#[test]
fn an_archiving_is_withdrawn_when_a_file_was_edited_after_it_began() {
    for is_marked in [true, false] {
        withdraws(is_marked);
    }
}

/// The intent is in the journal; that it is done may be marked, or not have come to the disk.
fn withdraws(is_marked: bool) {
    let fixture = finished();
    let id = fixture.document().session().session_id.clone();
    let file = "docs/maestro/state/active-session.md";
    let (active, plan) = (fixture.text(file), fixture.text("docs/maestro/plans/plan.md"));
    let receipt = fixture.workspace().archive(ARCHIVE).unwrap();
    // As if the machine had stopped after the intent, and someone had edited both files since.
    let moved = format!("docs/maestro/state/archive/{id}.journal.jsonl");
    let lines = fixture.text(&moved);
    fs_err::remove_file(fixture.path(&moved)).unwrap();
    let mut lines: Vec<&str> = lines.lines().collect();
    assert!(lines.pop().unwrap().contains("\"archived\""));
    assert!(lines.last().unwrap().contains("\"done\""));
    if !is_marked {
        lines.pop();
    }
    fixture.write(&format!("docs/maestro/state/journal/{id}.jsonl"), lines.join("\n") + "\n");
    fixture.write(file, active.clone() + "\nedited\n");
    fixture.write("docs/maestro/plans/plan.md", plan + "\nedited\n");
    let changed = fixture.apply(&start("1")).unwrap_err();
    assert_eq!(changed.code(), "ILLEGAL_TRANSITION", "the session is active again");
    assert!(!fixture.path(&receipt.archive_path).exists());
    assert!(fixture.text(file).ends_with("edited\n"));
    assert!(fixture.text("docs/maestro/plans/plan.md").ends_with("edited\n"));
    let again = fixture.workspace().archive(ARCHIVE).unwrap();
    assert_eq!(again.status, SessionStatus::Completed);
    assert!(fixture.text(&again.archive_path).ends_with("edited\n"));
    // The copy of the text before the edit stays: it is nowhere else.
    assert_eq!(fixture.text("docs/maestro/plans/archive/plan.md"), PLAN);
    assert!(fixture.text("docs/maestro/plans/archive/plan-2.md").ends_with("edited\n"));
    assert!(fixture.text(&again.archive_path).contains("plans/archive/plan-2.md"));
}

/// Puts a file of another text in the way of an archiving that was interrupted after its intent.
#[test]
fn what_somebody_made_of_the_archived_file_is_kept() {
    let archived = "docs/maestro/state/archive/2026-01-15-add-a-token-bucket-rate-limiter.md";
    // The session is still active: the archiving is withdrawn, and the next one takes another name.
    let fixture = intended();
    fixture.write(archived, "by hand");
    assert_eq!(code(fixture.apply(&start("1"))), "ILLEGAL_TRANSITION");
    let receipt = fixture.workspace().archive(ARCHIVE).unwrap();
    assert_eq!(receipt.archive_path, archived.replace(".md", "-2.md"));
    assert_eq!(receipt.renamed[0], (archived.to_owned(), receipt.archive_path));
    assert_eq!(fixture.text(archived), "by hand");
    // The session is gone from its place: the archived file is what is left of it, edited or not.
    let fixture = finished();
    let id = fixture.document().session().session_id.clone();
    fixture.workspace().archive(ARCHIVE).unwrap();
    let moved = archived.replace(".md", ".journal.jsonl");
    let lines = fixture.text(&moved);
    fs_err::remove_file(fixture.path(&moved)).unwrap();
    let without_mark = lines.trim_end().rsplit_once('\n').unwrap().0.to_owned() + "\n";
    fixture.write(&format!("docs/maestro/state/journal/{id}.jsonl"), without_mark);
    fixture.write(archived, fixture.text(archived) + "by hand\n");
    assert_eq!(code(fixture.apply(&start("1"))), "NO_SESSION");
    assert!(fixture.text(archived).ends_with("by hand\n"));
    assert!(fixture.path(&moved).exists());
}

/// A session whose archiving stopped right after its intent.
fn intended() -> Fixture {
    let fixture = finished();
    let id = fixture.document().session().session_id.clone();
    let names = ["docs/maestro/state/active-session.md", "docs/maestro/plans/plan.md"];
    let texts = names.map(|name| fixture.text(name));
    let receipt = fixture.workspace().archive(ARCHIVE).unwrap();
    for (name, text) in names.iter().zip(texts) {
        fixture.write(name, text);
    }
    let moved = format!("docs/maestro/state/archive/{id}.journal.jsonl");
    let lines = fixture.text(&moved).trim_end().rsplit_once('\n').unwrap().0.to_owned() + "\n";
    fixture.write(&format!("docs/maestro/state/journal/{id}.jsonl"), lines);
    for name in [&moved, &receipt.archive_path, "docs/maestro/plans/archive/plan.md"] {
        fs_err::remove_file(fixture.path(name)).unwrap();
    }
    fixture
}

#[test]
fn a_plan_is_not_removed_for_another_file_at_the_place_of_its_copy() {
    let fixture = intended();
    fixture.write("docs/maestro/plans/archive/plan.md", "mine");
    assert_eq!(code(fixture.apply(&start("1"))), "ILLEGAL_TRANSITION", "it was withdrawn");
    assert_eq!(fixture.text("docs/maestro/plans/plan.md"), PLAN);
    fixture.workspace().archive(ARCHIVE).unwrap();
    assert_eq!(fixture.text("docs/maestro/plans/archive/plan.md"), "mine");
    assert_eq!(fixture.text("docs/maestro/plans/archive/plan-2.md"), PLAN);
}

#[test]
fn an_archiving_is_withdrawn_when_a_plan_was_removed_before_it_was_copied() {
    let fixture = intended();
    fs_err::remove_file(fixture.path("docs/maestro/plans/plan.md")).unwrap();
    assert_eq!(code(fixture.apply(&start("1"))), "ILLEGAL_TRANSITION", "it was withdrawn");
    let receipt = fixture.workspace().archive(ARCHIVE).unwrap();
    assert_eq!(receipt.kept.len(), 1, "{receipt:?}");
    assert!(receipt.is_verified(), "{receipt:?}");
}

#[test]
fn an_intent_is_enough_to_finish_an_archiving() {
    let fixture = intended();
    assert_eq!(code(fixture.apply(&start("1"))), "NO_SESSION");
    assert_eq!(fixture.text("docs/maestro/plans/archive/plan.md"), PLAN);
    assert!(!fixture.path("docs/maestro/plans/plan.md").exists());
}

/// A session whose archiving stopped after the session file was gone and before the journal said so.
fn gone_but_not_marked() -> Fixture {
    let fixture = finished();
    fixture.workspace().archive(ARCHIVE).unwrap();
    let id = "2026-01-15-add-a-token-bucket-rate-limiter";
    let moved = format!("docs/maestro/state/archive/{id}.journal.jsonl");
    let lines = fixture.text(&moved);
    fs_err::remove_file(fixture.path(&moved)).unwrap();
    let lines = lines.trim_end().rsplit_once('\n').unwrap().0.to_owned() + "\n";
    fixture.write(&format!("docs/maestro/state/journal/{id}.jsonl"), lines);
    fixture
}

#[test]
fn a_new_file_at_the_place_of_an_archived_plan_does_not_undo_the_archive() {
    let fixture = gone_but_not_marked();
    fixture.write("docs/maestro/plans/plan.md", "from a checkout");
    assert_eq!(code(fixture.apply(&start("1"))), "NO_SESSION");
    assert_eq!(fixture.text("docs/maestro/plans/plan.md"), "from a checkout");
    assert_eq!(fixture.text("docs/maestro/plans/archive/plan.md"), PLAN);
    let id = "2026-01-15-add-a-token-bucket-rate-limiter";
    assert!(fixture.path(&format!("docs/maestro/state/archive/{id}.md")).exists());
}

#[test]
fn a_session_that_another_tool_began_meanwhile_does_not_undo_the_archive() {
    let fixture = gone_but_not_marked();
    let other = maestro_testutils::samples()[0].text;
    fixture.write("docs/maestro/state/active-session.md", other);
    let log = fixture.apply(&start("2"));
    assert_eq!(log.unwrap_err().code(), "PHASE_BLOCKED", "the other session is the active one");
    assert_eq!(fixture.text("docs/maestro/state/active-session.md"), other);
    let id = "2026-01-15-add-a-token-bucket-rate-limiter";
    assert!(fixture.path(&format!("docs/maestro/state/archive/{id}.md")).exists());
    assert!(fixture.path(&format!("docs/maestro/state/archive/{id}.journal.jsonl")).exists());
    assert_eq!(fixture.text("docs/maestro/plans/archive/plan.md"), PLAN);
}

/// Archives on a disk with faults; returns what was told.
fn archived_on(fixture: &Fixture, disk: &FaultyDisk, plan: Plan) -> Result<bool, &'static str> {
    let workspace = Workspace::open(fixture.root(), fixture.env(), Arc::new(disk.clone())).unwrap();
    disk.arm(plan);
    workspace
        .archive(ARCHIVE)
        .map(|receipt| receipt.pending.is_none())
        .map_err(|error| error.code())
}

/// What there is of a session: in its place, in the archive.
fn places(fixture: &Fixture, id: &str) -> [(bool, bool); 2] {
    let exists = |path: &str| fixture.path(path).exists();
    [
        (
            exists("docs/maestro/state/active-session.md"),
            exists(&format!("docs/maestro/state/archive/{id}.md")),
        ),
        (exists("docs/maestro/plans/plan.md"), exists("docs/maestro/plans/archive/plan.md")),
    ]
}

#[test]
fn an_archiving_that_fails_anywhere_has_not_happened_or_is_finished_by_the_next_command() {
    let id = "2026-01-15-add-a-token-bucket-rate-limiter";
    let template = finished();
    for n in 0.. {
        let (fixture, disk) = (template.copy(), FaultyDisk::new());
        let text = fixture.text("docs/maestro/state/active-session.md");
        let told = archived_on(&fixture, &disk, Plan::FailAt(n));
        let context = format!("call {n}, told {told:?}: {:?}", disk.log());
        if told == Err("IN_DOUBT") {
            // It is recorded, and the answer says that it may be.
            assert_eq!(code(fixture.apply(&start("1"))), "NO_SESSION", "{context}");
        } else if told.is_err() {
            assert_eq!(places(&fixture, id), [(true, false), (true, false)], "{context}");
            assert_eq!(fixture.text("docs/maestro/state/active-session.md"), text, "{context}");
            assert_eq!(code(fixture.apply(&start("1"))), "ILLEGAL_TRANSITION", "{context}");
            assert!(fixture.workspace().archive(ARCHIVE).unwrap().is_verified(), "{context}");
        } else {
            assert_eq!(code(fixture.apply(&start("1"))), "NO_SESSION", "{context}");
        }
        assert_eq!(places(&fixture, id), [(false, true), (false, true)], "{context}");
        let journal = format!("docs/maestro/state/archive/{id}.journal.jsonl");
        assert!(fixture.path(&journal).exists(), "{context}");
        if !disk.has_failed() {
            assert!(50 < n, "there are calls to fail: {context}");
            return;
        }
    }
}

#[test]
fn an_archiving_that_stops_anywhere_is_finished_or_forgotten_and_loses_nothing() {
    let id = "2026-01-15-add-a-token-bucket-rate-limiter";
    let template = finished();
    for n in 0.. {
        let (fixture, disk) = (template.copy(), FaultyDisk::new());
        let told = archived_on(&fixture, &disk, Plan::StopAt(n));
        let context = format!("call {n}, told {told:?}: {:?}", disk.log());
        let stopped = disk.has_failed();
        // Another process, on a disk that works.
        let active = match code(fixture.apply(&start("1"))) {
            "NO_SESSION" => false,
            "ILLEGAL_TRANSITION" => true,
            other => panic!("{other}: {context}"),
        };
        let leftovers = || -> Vec<String> {
            let names = fixture.snapshot().into_iter().map(|(name, _)| name);
            names.filter(|name| name.contains(".tmp") || name.contains("quarantine")).collect()
        };
        assert_eq!(leftovers(), [""; 0], "{context}");
        if active {
            assert_eq!(places(&fixture, id), [(true, false), (true, false)], "{context}");
            assert!(fixture.workspace().archive(ARCHIVE).unwrap().is_verified(), "{context}");
        }
        let [session, plan] = places(&fixture, id);
        assert_eq!((session, plan), ((false, true), (false, true)), "{context}");
        assert_eq!(fixture.text("docs/maestro/plans/archive/plan.md"), PLAN, "{context}");
        assert_eq!(leftovers(), [""; 0], "{context}");
        if !stopped {
            return;
        }
    }
}

#[test]
fn documents_that_are_not_in_plans_stay_where_they_are() {
    let fixture = finished();
    let file = "docs/maestro/state/active-session.md";
    fixture.write("docs/design.md", "design");
    let text =
        fixture.text(file).replace("design_document: null", "design_document: docs/design.md");
    fixture.write(file, text);
    let receipt = fixture.workspace().archive(ARCHIVE).unwrap();
    assert_eq!(receipt.kept.len(), 1);
    assert!(fixture.path("docs/design.md").exists());
    assert!(receipt.is_verified());
}
