//! The doctor finds everything, repairs what needs no person, deletes nothing, and leaves nothing to find.

use insta::assert_snapshot;
use maestro_session::{ArchiveReceipt, Consent, Diagnosis, Remedy, Status, prompt};
use maestro_session_model::{Document, PhaseStatus, SessionStatus};

use crate::fixture::{ARCHIVE, FORCE, Fixture, code, complete, id, skip, start};

const FILE: &str = "docs/maestro/state/active-session.md";
const JOURNAL: &str = "docs/maestro/state/journal/2026-01-15-add-a-token-bucket-rate-limiter.jsonl";
const PLAN: &str = "docs/maestro/plans/plan.md";

fn doctor(fixture: &Fixture, fix: bool) -> Diagnosis {
    fixture.workspace().doctor(fix, &mut |_, _| {}).unwrap()
}

fn codes(diagnosis: &Diagnosis) -> Vec<&'static str> {
    diagnosis.findings.iter().map(|finding| finding.code).collect()
}

/// A session with a little history.
fn begun() -> Fixture {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    fixture.apply(&complete("1", "src/a.rs")).unwrap();
    fixture
}

/// Whatever was there before is still somewhere.
fn assert_nothing_deleted(before: &[(String, Vec<u8>)], fixture: &Fixture) {
    let after = fixture.snapshot();
    for (name, bytes) in before {
        let is_somewhere =
            after.iter().any(|(_, found)| found == bytes || found.starts_with(bytes));
        assert!(is_somewhere, "{name} is nowhere any more");
    }
}

/// Examines, repairs, examines again, and repairs again: what was found is `expected`, looking changes nothing, repairing
/// deletes nothing and leaves nothing to repair, and doing it again does nothing.
fn repairs(fixture: &Fixture, expected: &[&str]) -> Diagnosis {
    let before = fixture.snapshot();
    let found = doctor(fixture, false);
    assert_eq!(codes(&found), expected);
    assert_eq!(fixture.snapshot(), before, "looking changes nothing");
    let repaired = doctor(fixture, true);
    assert!(repaired.findings.is_empty(), "{:#?}", repaired.findings);
    assert!(!repaired.repaired.is_empty());
    assert_nothing_deleted(&before, fixture);
    let after = fixture.snapshot();
    let again = doctor(fixture, true);
    assert!(again.findings.is_empty() && again.repaired.is_empty(), "{again:#?}");
    assert_eq!(fixture.snapshot(), after, "a second repair does nothing");
    repaired
}

/// The commands in the log, in order.
fn logged(fixture: &Fixture) -> Vec<String> {
    let log = fixture.workspace().log(&maestro_session::LogFilter::default()).unwrap();
    log.entries.into_iter().map(|entry| entry.command).collect()
}

fn phase(fixture: &Fixture, phase: &str) -> PhaseStatus {
    fixture.document().session().phase(&id(phase)).unwrap().status
}

#[test]
fn a_sound_state_dir_has_nothing_to_find() {
    let fixture = begun();
    let before = fixture.snapshot();
    let diagnosis = doctor(&fixture, true);
    assert!(diagnosis.is_healthy() && diagnosis.initialised);
    assert_eq!(codes(&diagnosis), Vec::<&str>::new());
    assert_eq!(fixture.snapshot(), before);
    assert!(!doctor(&Fixture::new(), true).initialised);
}

#[test]
fn a_corrupt_session_file_goes_to_the_quarantine_and_comes_back_from_the_journal() {
    for garbage in ["", "---\nstatus: [\n---\n", "# Notes\n", "---\nsession_id: x\n"] {
        let fixture = begun();
        let good = fixture.text(FILE);
        fixture.write(FILE, garbage);
        let diagnosis = repairs(&fixture, &["SESSION_FILE_CORRUPT"]);
        assert_eq!(fixture.text(FILE), good);
        assert_eq!(logged(&fixture).last().unwrap(), "repair");
        assert_eq!(diagnosis.quarantine, ["docs/maestro/state/quarantine/active-session.md"]);
        assert_eq!(fixture.text(&diagnosis.quarantine[0]), garbage);
        fixture.apply(&start("2")).unwrap();
    }
}

#[test]
fn a_session_file_that_is_no_text_is_found_and_rebuilt() {
    let fixture = begun();
    let good = fixture.text(FILE);
    fixture.write(FILE, b"---\n\xff\xfe\n---\n");
    repairs(&fixture, &["SESSION_FILE_CORRUPT"]);
    assert_eq!(fixture.text(FILE), good);
}

#[test]
fn a_corrupt_session_file_without_a_journal_is_for_a_person() {
    let fixture = begun();
    fs_err::remove_file(fixture.path(JOURNAL)).unwrap();
    fixture.write(FILE, "---\nsession_id: 2026-01-15-mine\nstatus: [\n---\n");
    let before = fixture.snapshot();
    let diagnosis = doctor(&fixture, true);
    assert_eq!(codes(&diagnosis), ["SESSION_FILE_CORRUPT"]);
    assert_eq!(diagnosis.findings[0].remedy, Remedy::ByPerson);
    assert!(diagnosis.findings[0].because.iter().any(|because| because.starts_with("line ")));
    assert_eq!(fixture.snapshot(), before);
    // The way out that the advice names.
    let receipt = fixture.workspace().archive(FORCE).unwrap();
    assert_eq!(receipt.archive_path, "docs/maestro/state/archive/2026-01-15-mine.md");
    assert_nothing_deleted(&before, &fixture);
    assert!(matches!(fixture.workspace().status().unwrap(), Status::None(_)));
    fixture.create().unwrap();
}

#[test]
fn a_missing_session_file_comes_back_from_the_journal() {
    let fixture = begun();
    let good = fixture.text(FILE);
    fs_err::remove_file(fixture.path(FILE)).unwrap();
    repairs(&fixture, &["SESSION_FILE_MISSING"]);
    assert_eq!(fixture.text(FILE), good);
    assert_eq!(logged(&fixture).last().unwrap(), "repair");
}

#[test]
fn a_torn_journal_is_cut_off() {
    let fixture = begun();
    let good = fixture.text(JOURNAL);
    fixture.write(JOURNAL, good.clone() + "{\"v\":1,\"seq\":4");
    let before = fixture.text(FILE);
    let found = doctor(&fixture, false);
    assert_eq!(codes(&found), ["JOURNAL_TORN"]);
    assert!(found.is_healthy(), "the next command does it by itself");
    let repaired = doctor(&fixture, true);
    assert!(repaired.findings.is_empty());
    assert!(fixture.text(JOURNAL).starts_with(&good));
    assert_eq!(fixture.text(FILE), before);
    assert_eq!(logged(&fixture).last().unwrap(), "repair");
}

#[test]
fn an_unfinished_operation_is_finished() {
    let fixture = begun();
    let before = fixture.workspace().recorded_document(Some("2")).unwrap();
    let good = fixture.text(FILE);
    let journal = fixture.text(JOURNAL);
    // As if the machine had stopped right after the commit point of the last operation.
    fixture.write(JOURNAL, journal.trim_end().rsplit_once('\n').unwrap().0.to_owned() + "\n");
    fixture.write(FILE, before);
    assert_eq!(codes(&doctor(&fixture, false)), ["OPERATION_UNFINISHED"]);
    assert!(doctor(&fixture, true).findings.is_empty());
    assert_eq!(fixture.text(FILE), good);
}

#[test]
fn an_edit_by_hand_is_recorded() {
    let fixture = begun();
    fixture.write(FILE, fixture.text(FILE) + "by hand\n");
    repairs(&fixture, &["EDIT_NOT_RECORDED"]);
    assert_eq!(logged(&fixture)[3..], ["external_edit", "repair"]);
}

#[test]
fn a_session_file_without_a_journal_gets_one() {
    let fixture = begun();
    fs_err::remove_file(fixture.path(JOURNAL)).unwrap();
    let before = fixture.text(FILE);
    repairs(&fixture, &["NO_JOURNAL"]);
    assert_eq!(fixture.text(FILE), before);
    assert_eq!(logged(&fixture), ["adopt", "repair"]);
}

/// Destroys a byte of the line with this number, from 0.
fn damage(fixture: &Fixture, line: usize) {
    let text = fixture.text(JOURNAL);
    let damaged: Vec<String> = text
        .split_inclusive('\n')
        .enumerate()
        .map(
            |(at, text)| {
                if at == line { text.replacen("\"v\":1", "\"v\";1", 1) } else { text.into() }
            },
        )
        .collect();
    fixture.write(JOURNAL, damaged.concat());
}

#[test]
fn a_journal_that_is_damaged_in_the_past_keeps_its_end() {
    let fixture = begun();
    damage(&fixture, 1);
    let before = fixture.text(FILE);
    assert_eq!(code(fixture.workspace().log(&maestro_session::LogFilter::default())), "CORRUPT");
    let diagnosis = repairs(&fixture, &["JOURNAL_DAMAGED"]);
    assert_eq!(fixture.text(FILE), before);
    assert_eq!(diagnosis.quarantine.len(), 1);
    assert_eq!(logged(&fixture), ["repair"]);
    fixture.apply(&start("2")).unwrap();
    assert_eq!(logged(&fixture), ["repair", "start"]);
}

#[test]
fn a_journal_that_is_damaged_at_its_end_is_begun_anew() {
    let fixture = begun();
    let lines = fixture.text(JOURNAL).lines().count();
    // The last operation, which is not the last line.
    damage(&fixture, lines - 2);
    let before = fixture.text(FILE);
    assert_eq!(code(fixture.apply(&start("2"))), "CORRUPT");
    repairs(&fixture, &["JOURNAL_DAMAGED"]);
    assert_eq!(fixture.text(FILE), before);
    fixture.apply(&start("2")).unwrap();
}

#[test]
fn what_a_damaged_journal_gives_back_becomes_the_session_file_that_is_missing() {
    let fixture = begun();
    let lines = fixture.text(JOURNAL).lines().count();
    damage(&fixture, lines - 2);
    let last = fixture.document().text().to_owned();
    fs_err::remove_file(fixture.path(FILE)).unwrap();
    repairs(&fixture, &["JOURNAL_DAMAGED"]);
    assert_ne!(fixture.text(FILE), last, "the last operation is lost");
    assert_eq!(phase(&fixture, "1"), PhaseStatus::InProgress);
    fixture.apply(&complete("1", "src/a.rs")).unwrap();
}

#[test]
fn a_session_file_of_another_session_gets_its_own_journal_and_the_old_one_is_archived() {
    let fixture = begun();
    let old = fixture.text(FILE);
    // As the Node server does, which replaces an active session.
    fixture.write(FILE, old.replacen("2026-01-15-add-a", "2026-01-16-other", 1));
    assert_eq!(code(fixture.apply(&start("2"))), "CONFLICT");
    repairs(&fixture, &["OTHER_SESSION"]);
    let archived =
        fixture.text("docs/maestro/state/archive/2026-01-15-add-a-token-bucket-rate-limiter.md");
    let archived = Document::parse(archived).unwrap();
    assert_eq!(archived.session().status, SessionStatus::Aborted);
    assert_eq!(archived.session().phases[0].status, PhaseStatus::Completed);
    fixture.apply(&start("2")).unwrap();
    assert!(fixture.document().session().session_id.as_str().starts_with("2026-01-16-other"));
}

#[test]
fn of_two_journals_the_one_without_a_session_file_is_archived() {
    let fixture = begun();
    let other = "docs/maestro/state/journal/2026-01-16-other.jsonl";
    fixture.write(other, fixture.text(JOURNAL));
    assert_eq!(code(fixture.apply(&start("2"))), "CONFLICT");
    repairs(&fixture, &["TWO_SESSIONS"]);
    assert!(fixture.path("docs/maestro/state/archive/2026-01-16-other.journal.jsonl").exists());
    fixture.apply(&start("2")).unwrap();
}

/// A session whose archiving the machine has stopped after the intent, or after the plan was moved.
fn half_archived(is_moved: bool) -> (Fixture, ArchiveReceipt) {
    let fixture = begun();
    for phase in ["2", "3", "review"] {
        fixture.apply(&skip(phase, true)).unwrap();
    }
    let active = fixture.text(FILE);
    let receipt = fixture.workspace().archive(ARCHIVE).unwrap();
    let moved = receipt.archive_path.replace(".md", ".journal.jsonl");
    let lines = fixture.text(&moved);
    let lines: Vec<&str> = lines.split_inclusive('\n').collect();
    let upto = lines.iter().rposition(|line| line.contains("\"archived_as\"")).unwrap();
    fixture.write(JOURNAL, lines[..=upto].concat());
    fs_err::remove_file(fixture.path(&moved)).unwrap();
    if !is_moved {
        fs_err::remove_file(fixture.path(&receipt.archive_path)).unwrap();
        fixture.write(PLAN, fixture.text(&receipt.archived_files[1]));
        fs_err::remove_file(fixture.path(&receipt.archived_files[1])).unwrap();
    }
    fixture.write(FILE, active);
    (fixture, receipt)
}

#[test]
fn an_interrupted_archiving_is_finished() {
    for is_moved in [false, true] {
        let (fixture, receipt) = half_archived(is_moved);
        assert_eq!(codes(&doctor(&fixture, false)), ["ARCHIVE_INTERRUPTED"]);
        let repaired = doctor(&fixture, true);
        assert!(repaired.findings.is_empty(), "{:?}", repaired.findings);
        assert!(fixture.path(&receipt.archive_path).exists());
        assert!(!fixture.path(FILE).exists());
    }
}

#[test]
fn a_document_that_an_interrupted_archiving_has_not_moved_can_be_missing() {
    let (fixture, _) = half_archived(false);
    fs_err::remove_file(fixture.path(PLAN)).unwrap();
    assert_eq!(codes(&doctor(&fixture, false)), ["ARCHIVE_INTERRUPTED", "DOCUMENT_MISSING"]);
}

#[test]
fn a_resume_report_tells_of_an_interrupted_archiving_and_misses_no_document() {
    let mut notes = Vec::new();
    for is_moved in [false, true] {
        let (fixture, receipt) = half_archived(is_moved);
        let before = fixture.snapshot();
        let report = fixture.workspace().resume_report(&mut |_, _| {}).unwrap().unwrap();
        assert_eq!(report.conflicts_to_confirm().count(), 0);
        notes.push(report.notes.join("\n"));
        assert!(prompt(&report, &[]).contains("- Note: the archiving of this session was begun"));
        assert_eq!(fixture.snapshot(), before);
        // Nothing goes on that is on its way to the archive.
        let consent = Consent::default();
        let refused = fixture.workspace().resume(&consent, &mut |_, _| {}).unwrap_err();
        assert_eq!(refused.code(), "NO_SESSION");
        assert!(refused.notes()[0].contains("which had been interrupted, was finished"));
        assert!(fixture.path(&receipt.archive_path).exists());
    }
    notes.dedup();
    assert_snapshot!(notes.join("\n"), @"the archiving of this session was begun and has not come to its end; the next command that changes something finishes it, or takes it back for an edit that came first");
}

#[test]
fn the_journal_of_an_archived_session_joins_it() {
    let fixture = begun();
    let receipt = fixture.workspace().archive(FORCE).unwrap();
    let moved = receipt.archive_path.replace(".md", ".journal.jsonl");
    fixture.write(JOURNAL, fixture.text(&moved));
    fs_err::remove_file(fixture.path(&moved)).unwrap();
    repairs(&fixture, &["JOURNAL_LEFT"]);
    assert!(fixture.path(&moved).exists());
}

#[test]
fn temporary_files_that_nobody_knows_go_to_the_quarantine() {
    let fixture = begun();
    let op = "00000000-0000-0000-0000-0000000000ff";
    fixture.write("docs/maestro/state/.active-session.md.tmp", "an edit?");
    fixture.write("docs/maestro/plans/.plan.md.tmp", "half a plan");
    fixture.write(&format!("docs/maestro/state/.active-session.md.{op}.tmp"), "never recorded");
    let before = fixture.snapshot();
    assert_eq!(codes(&doctor(&fixture, false)), ["TEMP_FILE", "TEMP_FILE", "TEMP_FILE"]);
    assert_eq!(fixture.snapshot(), before);
    let repaired = doctor(&fixture, true);
    assert!(repaired.findings.is_empty(), "{:?}", repaired.findings);
    let kept: Vec<String> = repaired.quarantine.iter().map(|path| fixture.text(path)).collect();
    assert_eq!(kept, ["an edit?", "half a plan"]);
    assert_eq!(logged(&fixture).last().unwrap(), "repair");
    assert!(doctor(&fixture, true).repaired.is_empty());
}

#[test]
fn stranded_design_gates_go_to_the_quarantine_and_others_stay() {
    let fixture = begun();
    let gate = |id: &str| format!("docs/maestro/state/{id}.design-gate.json");
    let enter = |id: &str, time: &str| {
        let text = format!("{{\"session_id\":\"{id}\",\"entered_at\":\"{time}\"}}");
        fixture.write(&gate(id), text);
    };
    let own = fixture.document().session().session_id.clone();
    fixture.write(&gate(own.as_str()), "whatever");
    enter("2026-01-15-under-way", "2026-01-15T09:00:00Z");
    enter("2026-01-15-abandoned", "2026-01-13T09:00:00Z");
    let foreign = fixture.text(&gate("2026-01-15-under-way"));
    fixture.write(&gate("2026-01-15-foreign"), foreign);
    fixture.write(&gate("2026-01-15-cut-off"), "{\"session_id\":");
    enter("2026-01-10-done", "2026-01-15T09:00:00Z");
    fixture.write("docs/maestro/state/archive/2026-01-10-done.md", fixture.text(FILE));
    repairs(&fixture, &["STRANDED_GATE"; 4]);
    assert!(fixture.path(&gate(own.as_str())).exists());
    assert!(fixture.path(&gate("2026-01-15-under-way")).exists());
}

#[test]
fn totals_are_added_up_again() {
    let fixture = begun();
    let text = fixture.text(FILE);
    let usage = "total_input: 0\n  total_output: 0\n  total_cached: 0\n  by_agent: {}\n";
    assert!(text.contains(usage), "{text}");
    fixture.write(
        FILE,
        text.replace(
            usage,
            "total_input: 7\n  total_output: 20\n  total_cached: 0\n  by_agent:\n    coder:\n      input: 100\n      \
             output: 20\n      cached: 5\n",
        ),
    );
    assert_eq!(codes(&doctor(&fixture, false)), ["EDIT_NOT_RECORDED", "TOTALS_DISAGREE"]);
    let edited = fixture.text(FILE);
    assert!(doctor(&fixture, true).findings.is_empty());
    assert!(doctor(&fixture, true).repaired.is_empty());
    assert_eq!(fixture.workspace().recorded_document(Some("4")).unwrap(), edited);
    let usage = fixture.document().session().token_usage.clone();
    assert_eq!((usage.total_input, usage.total_output, usage.total_cached), (100, 20, 5));
}

#[test]
fn what_is_missing_of_the_state_dir_is_made() {
    let fixture = begun();
    fixture.write("docs/maestro/state/.gitignore", "active-session.md\n");
    fs_err::remove_dir(fixture.path("docs/maestro/plans/archive")).unwrap();
    let diagnosis = repairs(&fixture, &["LAYOUT_INCOMPLETE"]);
    assert!(diagnosis.repaired[0].finding.message.contains("plans/archive"));
    assert!(fixture.text("docs/maestro/state/.gitignore").starts_with("active-session.md\n"));
}

#[test]
fn what_only_a_person_can_judge_is_explained_and_left_alone() {
    let fixture = begun();
    fixture.write(
        FILE,
        fixture.text(FILE).replacen("blocked_by:\n      - 1\n", "blocked_by:\n      - 77\n", 1),
    );
    fixture.write("docs/maestro/state/archive/2026-01-10-old.md", "# Notes\n");
    fs_err::remove_file(fixture.path("docs/maestro/plans/plan.md")).unwrap();
    fixture.apply(&skip("3", true)).unwrap();
    let before = fixture.snapshot();
    let diagnosis = doctor(&fixture, true);
    let found = codes(&diagnosis);
    assert!(found.contains(&"RULE_BROKEN") && found.contains(&"DOCUMENT_MISSING"), "{found:?}");
    assert_eq!(found.last(), Some(&"ARCHIVED_UNREADABLE"));
    assert!(diagnosis.findings.iter().all(|finding| finding.remedy == Remedy::ByPerson));
    assert!(!diagnosis.is_healthy());
    assert_eq!(fixture.snapshot(), before);
}

#[test]
fn several_things_are_repaired_in_one_go() {
    let fixture = begun();
    let good = fixture.text(FILE);
    fixture.write(FILE, "garbage");
    fixture.write(JOURNAL, fixture.text(JOURNAL) + "{\"v\":1,");
    fixture.write("docs/maestro/plans/.plan.md.tmp", "half a plan");
    fs_err::remove_file(fixture.path("docs/maestro/state/.gitignore")).unwrap();
    let repaired = doctor(&fixture, true);
    assert!(repaired.findings.is_empty(), "{:#?}", repaired.findings);
    assert_eq!(fixture.text(FILE), good);
    assert!(doctor(&fixture, true).repaired.is_empty());
}

#[test]
fn an_unreadable_session_file_stands_in_nobodys_way() {
    let fixture = begun();
    let good = fixture.text(FILE);
    fixture.write(FILE, "garbage");
    let recorded = fixture.workspace().last_recorded().unwrap().unwrap();
    assert_eq!((recorded.seq, recorded.session.progress.completed), (3, 1));
    assert_eq!(logged(&fixture), ["create", "start", "complete"]);
    assert_eq!(code(fixture.workspace().archive(ARCHIVE)), "CORRUPT", "only when it is ordered");
    let receipt = fixture.workspace().archive(FORCE).unwrap();
    assert!(receipt.is_verified());
    let archived = Document::parse(fixture.text(&receipt.archive_path)).unwrap();
    assert_eq!(archived.session().phases, Document::parse(good).unwrap().session().phases);
    assert_eq!(fixture.text("docs/maestro/state/quarantine/active-session.md"), "garbage");
    fixture.create().unwrap();
}

#[test]
fn a_missing_session_file_does_not_keep_a_session_from_the_archive() {
    let fixture = begun();
    fs_err::remove_file(fixture.path(FILE)).unwrap();
    let receipt = fixture.workspace().archive(FORCE).unwrap();
    assert!(receipt.is_verified());
    assert_eq!(logged_archive(&fixture, &receipt.archive_path), 1);
}

/// How many sessions were archived there.
fn logged_archive(fixture: &Fixture, path: &str) -> usize {
    usize::from(Document::parse(fixture.text(path)).is_ok())
}

#[test]
fn an_archived_journal_whose_place_is_taken_blocks_nobody() {
    let fixture = begun();
    let receipt = fixture.workspace().archive(FORCE).unwrap();
    // Somebody brings the session back by hand, and archives it again.
    fs_err::rename(fixture.path(&receipt.archive_path), fixture.session_file()).unwrap();
    fixture
        .apply(&maestro_session_model::Command::Abort { by_user: true, reason: None })
        .unwrap_err();
    let again = fixture.workspace().archive(FORCE).unwrap();
    assert!(again.is_verified(), "{again:?}");
    assert_ne!(again.archive_path, receipt.archive_path);
    assert_eq!(doctor(&fixture, false).findings, []);
    fixture.create().unwrap();
    // And where only the journal's place is taken when it is to be moved.
    let receipt = fixture.workspace().archive(FORCE).unwrap();
    let moved = receipt.archive_path.replace(".md", ".journal.jsonl");
    let journal = moved.replace("/archive/", "/journal/").replace(".journal.jsonl", ".jsonl");
    fs_err::rename(fixture.path(&moved), fixture.path(&journal)).unwrap();
    fixture.write(&moved, "somebody's\n");
    assert!(doctor(&fixture, true).findings.is_empty());
    assert_eq!(fixture.text(&moved), "somebody's\n");
    fixture.create().unwrap();
}

#[test]
fn damage_beside_an_unreadable_session_file_is_for_a_person_first() {
    let fixture = begun();
    let good = fixture.text(FILE);
    damage(&fixture, 1);
    fixture.write(FILE, good.replacen("---", "--", 1));
    let before = fixture.snapshot();
    let diagnosis = doctor(&fixture, true);
    assert_eq!(codes(&diagnosis), ["JOURNAL_DAMAGED"]);
    assert_eq!(diagnosis.findings[0].remedy, Remedy::ByPerson);
    assert_eq!(fixture.snapshot(), before);
    fixture.write(FILE, &good);
    repairs(&fixture, &["JOURNAL_DAMAGED"]);
    assert_eq!(fixture.text(FILE), good);
}

#[test]
fn a_repair_of_the_totals_can_be_undone_and_more_than_the_sums_is_no_finding() {
    let fixture = begun();
    let usage = "total_input: 0\n  total_output: 0\n  total_cached: 0\n  by_agent: {}\n";
    let by_agent = "by_agent:\n    coder:\n      input: 100\n      output: 20\n      cached: 5\n";
    let with = |input: u64| {
        fixture.text(FILE).replace(
            usage,
            &format!("total_input: {input}\n  total_output: 20\n  total_cached: 5\n  {by_agent}"),
        )
    };
    let (more, less) = (with(1_000), with(7));
    fixture.write(FILE, more);
    assert_eq!(codes(&doctor(&fixture, false)), ["EDIT_NOT_RECORDED"]);
    fixture.write(FILE, &less);
    assert!(doctor(&fixture, true).findings.is_empty());
    assert_eq!(fixture.document().session().token_usage.total_input, 100);
    fixture.workspace().undo(None).unwrap();
    assert_eq!(fixture.text(FILE), less);
}
