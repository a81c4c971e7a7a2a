//! A session that comes back from the archive is the one that went there, and nothing of another comes with it.

use std::sync::Arc;

use maestro_session::{ArchivedFilter, ErrorClass, LogFilter, Page, Status, Workspace};
use maestro_session_model::SessionStatus;
use maestro_testutils::{FaultyDisk, Plan, samples};

use crate::fixture::{ARCHIVE, FORCE, Fixture, code, complete, skip, start};

const ID: &str = "2026-01-15-add-a-token-bucket-rate-limiter";
const FILE: &str = "docs/maestro/state/active-session.md";
const PLAN: &str = "docs/maestro/plans/plan.md";

fn archived(name: &str) -> String {
    format!("docs/maestro/state/archive/{name}")
}

/// A session with a phase completed, archived by force.
fn put_away() -> Fixture {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    fixture.apply(&complete("1", "src/a.rs")).unwrap();
    fixture.workspace().archive(FORCE).unwrap();
    fixture
}

fn commands(fixture: &Fixture) -> Vec<String> {
    let log = fixture.workspace().log(&LogFilter::default()).unwrap();
    log.entries.into_iter().map(|entry| entry.command).collect()
}

fn names(fixture: &Fixture) -> Vec<String> {
    let names = fixture.snapshot().into_iter().map(|(name, _)| name);
    names.filter(|name| !name.ends_with("/lock")).collect()
}

#[test]
fn a_session_comes_back_as_it_went() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    fixture.apply(&complete("1", "src/a.rs")).unwrap();
    let ledger = format!("docs/maestro/state/ledger/{ID}.jsonl");
    fixture.write(&ledger, "{}\n");
    let before = (names(&fixture), fixture.document());
    fixture.workspace().archive(FORCE).unwrap();

    let receipt = fixture.workspace().restore("2026-01").unwrap();
    assert_eq!(receipt.pending, None);
    assert_eq!(receipt.notes, [""; 0]);
    assert_eq!(receipt.restored_from, archived(&format!("{ID}.md")));
    assert_eq!(receipt.documents.len(), 1);
    assert!(receipt.continues_journal && !receipt.was_edited);

    let after = fixture.document();
    let (was, is) = (before.1.session(), after.session());
    assert_eq!((is.status, &is.phases), (SessionStatus::InProgress, &was.phases));
    assert_eq!(is.implementation_plan.as_deref(), Some(PLAN));
    assert!(was.updated < is.updated);
    assert_eq!(fixture.text(PLAN), crate::fixture::PLAN);
    let mut expected = before.0;
    // The journal goes on in another file.
    expected.push(format!("docs/maestro/state/journal/{ID}.0000000004.jsonl"));
    expected.sort();
    assert_eq!(names(&fixture), expected);
    assert_eq!(commands(&fixture), ["create", "start", "complete", "archive", "restore"]);
    assert_eq!(fixture.workspace().recorded_document(None).unwrap(), fixture.text(FILE));
    assert!(fixture.workspace().doctor(false, &mut |_, _| {}).unwrap().findings.is_empty());
    fixture.apply(&start("2")).unwrap();
}

#[test]
fn it_can_be_archived_and_restored_again_and_again() {
    let fixture = put_away();
    for round in 0_usize..20 {
        fixture.workspace().restore(ID).unwrap();
        let receipt = fixture.workspace().archive(FORCE).unwrap();
        assert_eq!(receipt.archive_path, archived(&format!("{ID}.md")), "round {round}");
        assert_eq!(receipt.renamed, []);
    }
    assert_eq!(fixture.text("docs/maestro/plans/archive/plan.md"), crate::fixture::PLAN);
    let view = fixture.workspace().archived_session(ID).unwrap();
    assert_eq!(view.files.plan.as_deref(), Some("docs/maestro/plans/archive/plan.md"));
    let log = fixture.workspace().archived_log(ID, &LogFilter::default()).unwrap();
    assert_eq!(log.entries.last().unwrap().command, "archive");
    assert_eq!((log.entries.first().unwrap().seq, log.entries.len()), (1, 4 + 20 * 2));
}

#[test]
fn a_session_that_is_active_is_in_the_way() {
    let fixture = put_away();
    fixture.create().unwrap();
    let before = fixture.snapshot();
    let error = fixture.workspace().restore(ID).unwrap_err();
    assert_eq!((error.code(), error.class()), ("SESSION_EXISTS", ErrorClass::Refused));
    assert_eq!(fixture.snapshot(), before);
    assert_eq!(code(fixture.workspace().restore("2025")), "SESSION_EXISTS");
}

#[test]
fn what_cannot_be_restored_changes_nothing() {
    let fixture = put_away();
    fixture.write(&archived("2026-01-15-broken.md"), "---\nsession_id: x\n");
    fixture.write(&archived("2026-01-15-bytes.md"), b"\xff\xfe");
    let before = fixture.snapshot();
    for (id, expected) in [
        ("2025", "ARCHIVED_NOT_FOUND"),
        ("../2026", "ARCHIVED_NOT_FOUND"),
        ("", "ARCHIVED_NOT_FOUND"),
        ("2026-01-15", "ARCHIVED_AMBIGUOUS"),
        ("2026-01-15-br", "CORRUPT"),
        ("2026-01-15-by", "NOT_UTF8"),
    ] {
        assert_eq!(code(fixture.workspace().restore(id)), expected, "{id}");
    }
    assert_eq!(fixture.snapshot(), before);
}

#[test]
fn a_taken_name_gets_a_suffix_and_the_session_points_there() {
    let fixture = put_away();
    fixture.write(PLAN, "another\n");
    let receipt = fixture.workspace().restore(ID).unwrap();
    let place = "docs/maestro/plans/plan-2.md";
    assert_eq!(
        receipt.renamed,
        [("docs/maestro/plans/archive/plan.md".to_owned(), place.to_owned())]
    );
    assert_eq!(fixture.text(PLAN), "another\n");
    assert_eq!(fixture.text(place), crate::fixture::PLAN);
    assert_eq!(fixture.document().session().implementation_plan.as_deref(), Some(place));
}

#[test]
fn a_document_goes_back_to_the_name_it_had_before_it_was_archived() {
    let fixture = Fixture::begun();
    fixture.write("docs/maestro/plans/archive/plan.md", "another\n");
    fixture.workspace().archive(FORCE).unwrap();
    assert!(fixture.path("docs/maestro/plans/archive/plan-2.md").exists());
    fixture.workspace().restore(ID).unwrap();
    assert_eq!(fixture.text(PLAN), crate::fixture::PLAN);
    assert_eq!(fixture.text("docs/maestro/plans/archive/plan.md"), "another\n");
}

#[test]
fn an_archived_file_that_was_edited_comes_back_as_it_is() {
    let fixture = put_away();
    let file = archived(&format!("{ID}.md"));
    let edited = fixture.text(&file).replace("task: \"", "ticket: ABC-1 # mine\ntask: \"By hand: ");
    fixture.write(&file, &edited);
    fixture.write("docs/maestro/plans/archive/plan.md", "edited\n");
    let receipt = fixture.workspace().restore(ID).unwrap();
    assert!(receipt.was_edited);
    let text = fixture.text(FILE);
    assert!(text.contains("ticket: ABC-1 # mine") && text.contains("By hand: Add"), "{text}");
    assert_eq!(fixture.text(PLAN), "edited\n");
    let log = fixture.workspace().log(&LogFilter::default()).unwrap();
    assert_eq!(log.entries.last().unwrap().summary, "edited while it was archived");
    fixture.apply(&start("2")).unwrap();
}

#[test]
fn operations_after_it_are_undone_and_it_itself_is_not() {
    let fixture = put_away();
    let error = fixture.workspace().undo(None).unwrap_err();
    assert_eq!((error.code(), error.class()), ("NO_SESSION", ErrorClass::NoSession));
    assert!(error.hint().unwrap().contains(&format!("`maestro archive restore {ID}`")));

    fixture.workspace().restore(ID).unwrap();
    fixture.apply(&start("2")).unwrap();
    fixture.workspace().undo(None).unwrap();
    let before = fixture.snapshot();
    for operation in [None, Some("5")] {
        let error = fixture.workspace().undo(operation).unwrap_err();
        assert_eq!(error.code(), "NOT_UNDOABLE");
        assert!(error.hint().unwrap().contains("maestro archive --force"));
    }
    assert_eq!(fixture.snapshot(), before);
    // What was done before it went to the archive can be undone by its number.
    fixture.workspace().undo(Some("3")).unwrap();
    assert_eq!(fixture.document().session().phases[0].status.as_str(), "in_progress");
}

#[test]
fn sessions_of_the_node_server_come_back() {
    for sample in samples() {
        let fixture = Fixture::new();
        fixture.workspace().state_dir().create().unwrap();
        fixture.write(&archived("old.md"), sample.text);
        let design = "2026-01-15-rate-limiter-design.md";
        fixture.write(&format!("docs/maestro/plans/archive/{design}"), "design\n");
        let text = sample.text.replace("/home/u/app/", "");
        fixture.write(&archived("old.md"), &text);
        let receipt = fixture.workspace().restore("old").unwrap();
        assert!(!receipt.continues_journal, "{}", sample.name);
        let document = fixture.document();
        assert_eq!(document.session().status, SessionStatus::InProgress, "{}", sample.name);
        assert_eq!(commands(&fixture), ["restore"], "{}", sample.name);
        if document.session().design_document.is_some() {
            assert_eq!(fixture.text(&format!("docs/maestro/plans/{design}")), "design\n");
            let copy = fixture.text(&format!("docs/maestro/plans/archive/{design}"));
            assert_eq!(copy, "design\n", "another session may have it too");
        }
        assert!(matches!(fixture.workspace().status().unwrap(), Status::Active(_)));
        if let Err(error) = fixture.workspace().archive(FORCE) {
            assert_eq!(error.code(), "RECONCILIATION_PENDING", "{}", sample.name);
        }
    }
}

/// Two sessions of one id, each archived with its journal; returns what tells them apart.
fn twins() -> Fixture {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    fixture.workspace().archive(FORCE).unwrap();
    let first = [
        (archived(&format!("{ID}.md")), fixture.text(&archived(&format!("{ID}.md")))),
        (
            archived(&format!("{ID}.journal.jsonl")),
            fixture.text(&archived(&format!("{ID}.journal.jsonl"))),
        ),
    ];
    for (name, _) in &first {
        fs_err::remove_file(fixture.path(name)).unwrap();
    }
    fixture.write("plan.md", crate::fixture::PLAN.replace("Rate limiter", "Second"));
    fixture.create().unwrap();
    fixture.apply(&skip("1", true)).unwrap();
    for (name, text) in &first {
        fixture.write(name, text);
    }
    let receipt = fixture.workspace().archive(FORCE).unwrap();
    assert_eq!(receipt.archive_path, archived(&format!("{ID}-2.md")));
    fixture
}

#[test]
fn of_two_sessions_with_one_id_each_keeps_its_journal() {
    for (name, other, second) in [(ID, "-2", "start"), ("-2", ID, "skip")] {
        let full = |name: &str| if name == "-2" { format!("{ID}-2") } else { name.to_owned() };
        let (name, other) = (full(name), full(other));
        let fixture = twins();
        let journal = archived(&format!("{other}.journal.jsonl"));
        let kept = fixture.text(&journal);
        fixture.workspace().restore(&name).unwrap();
        assert_eq!(commands(&fixture), ["create", second, "archive", "restore"]);
        assert_eq!(fixture.text(&journal), kept);
        let receipt = fixture.workspace().archive(FORCE).unwrap();
        assert_eq!(receipt.archive_path, archived(&format!("{name}.md")));
        assert_eq!(fixture.text(&journal), kept);
        for id in [ID.to_owned(), format!("{ID}-2")] {
            let log = fixture.workspace().archived_log(&id, &LogFilter::default()).unwrap();
            assert_eq!(log.entries[1].command, if id == ID { "start" } else { "skip" });
        }
    }
}

#[test]
fn a_journal_under_another_name_is_found_and_that_of_another_session_is_not() {
    // A file of someone's has the name that the journal would have had.
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    let stranger = archived(&format!("{ID}.journal.jsonl"));
    fixture.write(&stranger, "mine\n");
    fixture.workspace().archive(FORCE).unwrap();
    let all = ArchivedFilter::default();
    let list = fixture.workspace().archived(&all, Page::default(), &mut |_, _| {});
    let name = list.unwrap().sessions[0].id.clone();
    fixture.workspace().restore(&name).unwrap();
    assert_eq!(commands(&fixture), ["create", "start", "archive", "restore"]);
    assert_eq!(fixture.text(&stranger), "mine\n");

    // The journal of one session under the name of another, whose own is lost.
    let fixture = put_away();
    let journal = fixture.text(&archived(&format!("{ID}.journal.jsonl")));
    fixture.write(&archived("other.journal.jsonl"), &journal);
    let text = fixture.text(&archived(&format!("{ID}.md")));
    fixture.write(&archived("other.md"), text.replace(ID, "2026-01-16-other"));
    let receipt = fixture.workspace().restore("other").unwrap();
    assert!(!receipt.continues_journal);
    assert_eq!(commands(&fixture), ["restore"]);
    assert_eq!(fixture.text(&archived("other.journal.jsonl")), journal);
}

#[test]
fn a_damaged_journal_stays_and_a_new_one_begins() {
    let fixture = put_away();
    let journal = archived(&format!("{ID}.journal.jsonl"));
    let damaged = fixture.text(&journal).replacen("\"v\":1", "\"v\";1", 1);
    fixture.write(&journal, &damaged);
    let receipt = fixture.workspace().restore(ID).unwrap();
    assert!(!receipt.continues_journal);
    assert!(receipt.notes[0].contains(".journal.jsonl"), "{:?}", receipt.notes);
    assert_eq!(fixture.text(&journal), damaged);
    fixture.workspace().archive(FORCE).unwrap();
    assert_eq!(fixture.text(&journal), damaged);
    assert_eq!(
        fixture.workspace().archived_log("2026", &LogFilter::default()).unwrap().entries.len(),
        2
    );
}

#[test]
fn a_journal_of_several_parts_comes_back_whole() {
    let fixture = Fixture::begun();
    // Long enough to go on in another file.
    let padding = "x".repeat(300 * 1024);
    for n in 0..17 {
        let text = format!("{}\n{n} {padding}\n", fixture.text(FILE).split("\n0 ").next().unwrap());
        fixture.write(FILE, text);
        fixture
            .apply(&maestro_session_model::Command::Adjust {
                phase: "2".parse().unwrap(),
                changes: maestro_session_model::Adjustment {
                    name: Some(format!("Name {n}")),
                    ..Default::default()
                },
            })
            .unwrap();
    }
    let before = commands(&fixture);
    fixture.workspace().archive(FORCE).unwrap();
    let view = fixture.workspace().archived_session(ID).unwrap();
    assert!(view.files.journal.len() > 1, "{:?}", view.files.journal);
    fixture.workspace().restore(ID).unwrap();
    let mut expected = before;
    expected.extend(["archive".to_owned(), "restore".to_owned()]);
    assert_eq!(commands(&fixture), expected);
    assert!(fixture.workspace().doctor(false, &mut |_, _| {}).unwrap().findings.is_empty());
    fixture.workspace().archive(ARCHIVE).unwrap_err();
    fixture.workspace().archive(FORCE).unwrap();
    let log = fixture.workspace().archived_log(ID, &LogFilter::default()).unwrap();
    assert_eq!(log.entries.len(), expected.len() + 1);
}

/// Restores on a disk that stops at a call; says whether that call was made, and what the caller was told.
fn stopped_at(fixture: &Fixture, call: usize) -> Option<Result<(), &'static str>> {
    let disk = FaultyDisk::new();
    let workspace = Workspace::open(fixture.root(), fixture.env(), Arc::new(disk.clone())).unwrap();
    disk.arm(Plan::StopAt(call));
    let told = workspace.restore(ID).map(drop).map_err(|error| error.code());
    disk.has_failed().then_some(told)
}

/// Whether some file has this text in it.
fn is_somewhere(fixture: &Fixture, text: &str) -> bool {
    fixture.snapshot().iter().any(|(_, bytes)| String::from_utf8_lossy(bytes).contains(text))
}

#[test]
fn what_is_edited_after_the_process_has_died_is_kept() {
    let file = archived(&format!("{ID}.md"));
    let places = ["docs/maestro/plans/archive/plan.md", PLAN, &file, FILE];
    let template = put_away();
    for call in 0.. {
        let fixture = template.copy();
        if stopped_at(&fixture, call).is_none() {
            assert!(call > 20, "it makes more calls");
            break;
        }
        let there: Vec<&str> =
            places.into_iter().filter(|place| fixture.path(place).exists()).collect();
        for place in &there {
            fixture.write(place, format!("{}edited in {place}\n", fixture.text(place)));
        }
        let outcome = fixture.apply(&start("no such phase")).map_err(|error| error.code());
        let code = outcome.unwrap_err();
        assert!(["PHASE_NOT_FOUND", "NO_SESSION"].contains(&code), "call {call}: {code}");
        for place in there {
            assert!(is_somewhere(&fixture, &format!("edited in {place}\n")), "{call}: {place}");
        }
        if code == "PHASE_NOT_FOUND" {
            let recorded = fixture.workspace().recorded_document(None).unwrap();
            assert_eq!(recorded, fixture.text(FILE), "call {call}");
            assert!(fixture.path(PLAN).exists(), "call {call}");
        }
    }
}

#[test]
fn a_session_file_of_another_is_never_replaced() {
    let other = put_away();
    other.workspace().restore(ID).unwrap();
    let text = other.text(FILE).replace(ID, "2026-01-16-other");
    let text = text.replace(&format!("\"{PLAN}\""), "null");
    let template = put_away();
    for call in 0.. {
        let fixture = template.copy();
        if stopped_at(&fixture, call).is_none() {
            break;
        }
        if fixture.path(FILE).exists() {
            continue;
        }
        fixture.write(FILE, &text);
        let outcome = fixture.apply(&start("2")).map(drop).map_err(|error| error.code());
        assert!([Ok(()), Err("CONFLICT")].contains(&outcome), "call {call}: {outcome:?}");
        assert!(is_somewhere(&fixture, "2026-01-16-other"), "call {call}");
        assert!(fixture.path(&archived(&format!("{ID}.md"))).exists(), "call {call}");
        assert!(fixture.path("docs/maestro/plans/archive/plan.md").exists(), "call {call}");
        let diagnosis = fixture.workspace().doctor(true, &mut |_, _| {}).unwrap();
        assert!(diagnosis.findings.is_empty(), "call {call}: {:?}", diagnosis.findings);
        assert!(fixture.text(FILE).contains("2026-01-16-other"), "call {call}");
    }
}

#[test]
fn a_session_file_that_appears_meanwhile_wins_and_nothing_else_happens() {
    for call in ["rename new", "sync dir"] {
        let fixture = put_away();
        let disk = FaultyDisk::new();
        let workspace =
            Workspace::open(fixture.root(), fixture.env(), Arc::new(disk.clone())).unwrap();
        let (file, text) = (fixture.session_file(), samples()[0].text);
        disk.before(call, move || {
            let mut options = fs_err::OpenOptions::new();
            let mut file = options.create_new(true).write(true).open(file).unwrap();
            std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        });
        let before = names(&fixture);
        let error = workspace.restore(ID).unwrap_err();
        assert_eq!(error.code(), "CONFLICT", "{call}: {error}");
        let mut expected = before;
        expected.push(FILE.to_owned());
        expected.sort();
        assert_eq!(names(&fixture), expected, "{call}");
        assert_eq!(fixture.text(FILE), samples()[0].text);
        fixture.workspace().archive(FORCE).unwrap();
        fixture.workspace().restore(ID).unwrap();
        assert_eq!(commands(&fixture), ["create", "start", "complete", "archive", "restore"]);
    }
}
