//! Resuming finds what others changed, and nothing that the session did itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use maestro_session::{
    Conflict, ConflictKind, DocumentRole, Env, Evidence, PartialFile, PartialState, Workspace,
};
use maestro_session_model::{Command, Handoff, RelPath, Timestamp};
use maestro_state_store::Store;
use maestro_state_store::journal::{Operation, SEGMENT_BYTES};
use maestro_testutils::{FaultyDisk, Plan};
use serde_json::json;
use uuid::Uuid;

use crate::fixture::{Fixture, code, complete, fail, id, retry, skip, start};

const FILE: &str = "docs/maestro/state/active-session.md";
const PLAN: &str = "docs/maestro/plans/plan.md";

fn conflicts(fixture: &Fixture) -> Vec<Conflict> {
    fixture.workspace().conflicts(&mut |done, all| assert!(done <= all)).unwrap()
}

/// The conflicts of files: phase, path, what happened.
fn files(fixture: &Fixture) -> Vec<(String, String, ConflictKind)> {
    let found = conflicts(fixture).into_iter().map(|conflict| match conflict {
        Conflict::File(file) => (file.phase.to_string(), file.path.to_string(), file.kind),
        other => panic!("{other:?}"),
    });
    found.collect()
}

fn modified(phase: &str, path: &str) -> (String, String, ConflictKind) {
    let kind = ConflictKind::Modified { evidence: Evidence::Contents };
    (phase.to_owned(), path.to_owned(), kind)
}

/// A session whose phase 1 has made `src/a.rs` with the text `one`.
fn with_one_phase() -> Fixture {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    fixture.write("src/a.rs", "one");
    fixture.apply(&complete("1", "src/a.rs")).unwrap();
    fixture
}

/// Completes a phase that modified and deleted files.
fn completes(phase: &str, modified: &[&str], deleted: &[&str]) -> Command {
    let paths = |texts: &[&str]| texts.iter().map(|text| RelPath::parse(text).unwrap()).collect();
    let Command::Complete { phase, handoff } = complete(phase, "src/new.rs") else {
        unreachable!()
    };
    let handoff = Handoff {
        files_created: Vec::new(),
        files_modified: paths(modified),
        files_deleted: paths(deleted),
        ..handoff
    };
    Command::Complete { phase, handoff }
}

#[test]
fn what_the_session_did_itself_is_no_conflict() {
    let fixture = with_one_phase();
    assert_eq!(conflicts(&fixture), []);
    // Written again with the same contents.
    fixture.write("src/a.rs", "one");
    assert_eq!(conflicts(&fixture), []);
    // A later phase writes it, and says so.
    fixture.apply(&start("2")).unwrap();
    fixture.write("src/a.rs", "two");
    fixture.apply(&completes("2", &["src/a.rs"], &[])).unwrap();
    assert_eq!(conflicts(&fixture), []);
}

#[test]
fn reconciling_a_phase_says_nothing_of_its_other_files() {
    let fixture = with_one_phase();
    fixture.write("src/a.rs", "by somebody else");
    fixture.write("src/b.rs", "forgotten");
    let Command::Complete { phase, handoff } = complete("1", "src/b.rs") else { unreachable!() };
    fixture.apply(&Command::Reconcile { phase, handoff, reason: None }).unwrap();
    assert_eq!(files(&fixture), [modified("1", "src/a.rs")]);
    fixture.write("src/b.rs", "by somebody else");
    assert_eq!(files(&fixture), [modified("1", "src/a.rs"), modified("1", "src/b.rs")]);
}

#[test]
fn without_a_session_there_is_nothing_to_compare() {
    assert_eq!(code(Fixture::new().workspace().conflicts(&mut |_, _| {})), "NO_SESSION");
}

/// Sets the time of a file back or forth.
fn set_time(fixture: &Fixture, name: &str, time: SystemTime) {
    let file = fs_err::OpenOptions::new().write(true).open(fixture.path(name)).unwrap();
    file.into_parts().0.set_modified(time).unwrap();
}

#[test]
fn a_large_file_is_compared_to_its_last_byte() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    // Two pieces and a half of those that are read at once.
    let mut bytes = vec![b'x'; 5 * 512 * 1024];
    fixture.write("src/a.rs", &bytes);
    fixture.apply(&complete("1", "src/a.rs")).unwrap();
    let time = fs_err::metadata(fixture.path("src/a.rs")).unwrap().modified().unwrap();
    fixture.write("src/a.rs", &bytes);
    set_time(&fixture, "src/a.rs", time);
    assert_eq!(conflicts(&fixture), []);
    *bytes.last_mut().unwrap() = b'y';
    fixture.write("src/a.rs", &bytes);
    set_time(&fixture, "src/a.rs", time);
    assert_eq!(files(&fixture), [modified("1", "src/a.rs")]);
}

#[test]
fn a_file_whose_size_and_times_are_those_that_were_recorded_is_not_read() {
    let fixture = Fixture::begun();
    fixture.write("src/a.rs", "one");
    let written = fs_err::metadata(fixture.path("src/a.rs")).unwrap().modified().unwrap();
    let disk = FaultyDisk::new();
    // A clock by which the file is old, as it is when a session goes on the next day.
    let workspace = |hours| {
        let Env { environment, actor, holder, .. } = fixture.env();
        let now = Timestamp::from(written + Duration::from_hours(hours));
        let ids = AtomicU64::new(1);
        let next_id = move || {
            let n = ids.fetch_add(1, Ordering::Relaxed);
            Uuid::from_u128((u128::from(hours) << 96) + u128::from(n))
        };
        let env = Env::new(environment, actor, holder, move || now, next_id);
        Workspace::open(fixture.root(), env, Arc::new(disk.clone())).unwrap()
    };
    let is_read_by = |deed: &dyn Fn()| {
        disk.arm(Plan::Work);
        deed();
        disk.log().iter().any(|call| call == "open a.rs")
    };
    workspace(1).apply(&start("1")).unwrap();
    let ends = || drop(workspace(1).apply(&complete("1", "src/a.rs")).unwrap());
    assert!(is_read_by(&ends), "to be recorded");
    let compare = || assert_eq!(workspace(24).conflicts(&mut |_, _| {}).unwrap(), []);
    assert!(!is_read_by(&compare));
    set_time(&fixture, "src/a.rs", written + Duration::from_secs(1));
    assert!(is_read_by(&compare), "it was written since");
}

#[test]
fn a_command_that_is_refused_reads_no_file() {
    let fixture = Fixture::begun();
    fixture.write("src/a.rs", "one");
    let disk = FaultyDisk::new();
    let workspace = Workspace::open(fixture.root(), fixture.env(), Arc::new(disk.clone())).unwrap();
    disk.arm(Plan::Work);
    assert_eq!(code(workspace.apply(&complete("1", "src/a.rs"))), "ILLEGAL_TRANSITION");
    let log = disk.log();
    assert!(!log.iter().any(|call| call == "open a.rs"), "{log:?}");
    fixture.apply(&start("1")).unwrap();
    disk.arm(Plan::Work);
    workspace.apply(&complete("1", "src/a.rs")).unwrap();
    assert!(disk.log().iter().any(|call| call == "open a.rs"));
}

#[test]
fn what_becomes_possible_at_the_last_moment_is_recorded_with_its_files() {
    let fixture = Arc::new(Fixture::begun());
    fixture.write("src/a.rs", "one");
    let disk = FaultyDisk::new();
    let workspace = Workspace::open(fixture.root(), fixture.env(), Arc::new(disk.clone())).unwrap();
    let other = Arc::clone(&fixture);
    disk.before("open lock", move || drop(other.apply(&start("1")).unwrap()));
    workspace.apply(&complete("1", "src/a.rs")).unwrap();
    assert_eq!(conflicts(&fixture), []);
    fixture.write("src/a.rs", "two");
    assert_eq!(files(&fixture), [modified("1", "src/a.rs")], "by its contents");
}

#[test]
fn what_others_did_is_told_with_the_phase_whose_file_it_is() {
    let fixture = with_one_phase();
    fixture.write("src/a.rs", "two");
    assert_eq!(files(&fixture), [modified("1", "src/a.rs")]);
    fs_err::remove_file(fixture.path("src/a.rs")).unwrap();
    let gone = |kind| ("1".to_owned(), "src/a.rs".to_owned(), kind);
    assert_eq!(files(&fixture), [gone(ConflictKind::Deleted)]);
    fs_err::create_dir(fixture.path("src/a.rs")).unwrap();
    let now = "a directory".to_owned();
    assert_eq!(files(&fixture), [gone(ConflictKind::TypeChanged { now })]);
    fs_err::remove_dir(fixture.path("src/a.rs")).unwrap();

    fixture.apply(&start("2")).unwrap();
    fixture.apply(&completes("2", &[], &["src/a.rs"])).unwrap();
    assert_eq!(conflicts(&fixture), []);
    fixture.write("src/a.rs", "back");
    let back = ("2".to_owned(), "src/a.rs".to_owned(), ConflictKind::Recreated);
    assert_eq!(files(&fixture), [back]);
}

#[cfg(unix)]
#[test]
fn nothing_outside_the_workspace_is_read_and_nothing_blocks() {
    use fs_err::os::unix::fs::symlink;

    let fixture = with_one_phase();
    let outside = tempfile::tempdir().unwrap();
    let kind = |fixture: &Fixture| files(fixture).remove(0).2;
    // The file becomes a link to a file of the same contents elsewhere.
    fs_err::rename(fixture.path("src/a.rs"), outside.path().join("a.rs")).unwrap();
    symlink(outside.path().join("a.rs"), fixture.path("src/a.rs")).unwrap();
    let now = "a symbolic link that leads out of the workspace".to_owned();
    assert_eq!(kind(&fixture), ConflictKind::TypeChanged { now });
    // Its directory becomes one.
    fs_err::remove_file(fixture.path("src/a.rs")).unwrap();
    fs_err::remove_dir(fixture.path("src")).unwrap();
    symlink(outside.path(), fixture.path("src")).unwrap();
    let reason = "`src` is a link that leads out of the workspace".to_owned();
    assert_eq!(kind(&fixture), ConflictKind::Unreadable { reason });
    // And then one inside of it, where the file is what it was.
    fs_err::remove_file(fixture.path("src")).unwrap();
    fixture.write("elsewhere/a.rs", "one");
    symlink(fixture.path("elsewhere"), fixture.path("src")).unwrap();
    assert_eq!(conflicts(&fixture), []);
    // A pipe that nobody writes to.
    fs_err::remove_file(fixture.path("src/a.rs")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(fixture.path("src/a.rs")).status();
    assert!(made.unwrap().success());
    let now = "neither a file nor a directory".to_owned();
    assert_eq!(kind(&fixture), ConflictKind::TypeChanged { now });
}

#[test]
fn a_record_comes_and_goes_with_its_operation() {
    let fixture = with_one_phase();
    fixture.apply(&start("2")).unwrap();
    fixture.write("src/a.rs", "two");
    fixture.apply(&completes("2", &["src/a.rs"], &[])).unwrap();
    let undo = || fixture.workspace().undo(None).unwrap();
    undo();
    // Back in progress; it does not plan the file, so it is phase 1's, and not as that left it.
    let of_files = |fixture: &Fixture| {
        let found = conflicts(fixture).into_iter();
        let found = found.filter(|conflict| matches!(conflict, Conflict::File(_)));
        found.map(|conflict| format!("{conflict:?}")).collect::<Vec<_>>()
    };
    assert_eq!(of_files(&fixture).len(), 1, "{:?}", conflicts(&fixture));
    let undone = undo();
    assert_eq!(undone.undid.command, "start");
    assert_eq!(files(&fixture), [modified("1", "src/a.rs")]);
    fixture.write("src/a.rs", "one");
    assert_eq!(conflicts(&fixture), [], "the older record counts again");
    // The undos are undone: what phase 2 left counts again.
    let seq = undone.seq;
    fixture.workspace().undo(Some(&seq.to_string())).unwrap();
    fixture.workspace().undo(Some(&(seq - 1).to_string())).unwrap();
    assert_eq!(files(&fixture), [modified("2", "src/a.rs")]);
    fixture.write("src/a.rs", "two");
    assert_eq!(conflicts(&fixture), []);
}

#[test]
fn reconciling_a_file_says_that_it_is_right_as_it_is_now() {
    let fixture = with_one_phase();
    fixture.write("src/a.rs", "mended");
    assert_eq!(files(&fixture).len(), 1);
    let Command::Complete { phase, handoff } = completes("1", &["src/a.rs"], &[]) else {
        unreachable!()
    };
    fixture.apply(&Command::Reconcile { phase, handoff, reason: None }).unwrap();
    assert_eq!(conflicts(&fixture), []);
}

#[test]
fn what_a_phase_left_half_done_is_taken_as_it_is_when_it_is_skipped() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    fixture.write("src/mw.rs", "one");
    fixture.apply(&complete("1", "src/mw.rs")).unwrap();
    fixture.apply(&start("2")).unwrap();
    fixture.write("src/mw.rs", "half");
    fixture.apply(&fail("2", "no answer")).unwrap();
    let file = |state| PartialFile { path: RelPath::parse("src/mw.rs").unwrap(), state };
    let [Conflict::PartialPhase { phase, files: found, .. }] = &conflicts(&fixture)[..] else {
        panic!("{:?}", conflicts(&fixture))
    };
    assert_eq!((phase, &found[..]), (&id("2"), &[file(PartialState::Changed)][..]));
    fixture.apply(&skip("2", true)).unwrap();
    assert_eq!(conflicts(&fixture), []);
    fixture.write("src/mw.rs", "edited");
    assert_eq!(files(&fixture), [modified("1", "src/mw.rs")]);
}

#[test]
fn what_a_phase_left_is_missed_though_another_one_is_to_write_it() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    fixture.write("src/mw.rs", "one");
    fixture.apply(&complete("1", "src/mw.rs")).unwrap();
    fixture.apply(&start("2")).unwrap();
    let state = || match conflicts(&fixture).remove(0) {
        Conflict::PartialPhase { mut files, .. } => files.remove(0).state,
        other => panic!("{other:?}"),
    };
    assert_eq!(state(), PartialState::Untouched);
    fs_err::remove_file(fixture.path("src/mw.rs")).unwrap();
    assert_eq!(state(), PartialState::Deleted);
    let report = fixture.workspace().resume_report(&mut |_, _| {}).unwrap().unwrap();
    assert_eq!(report.conflicts_to_confirm().count(), 1);
    fs_err::create_dir(fixture.path("src/mw.rs")).unwrap();
    assert_eq!(state(), PartialState::TypeChanged { now: "a directory".to_owned() });
}

#[cfg(unix)]
#[test]
fn a_planned_file_out_of_reach_is_told() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs_err::os::unix::fs::symlink(outside.path(), fixture.path("src")).unwrap();
    let report = fixture.workspace().resume_report(&mut |_, _| {}).unwrap().unwrap();
    let told: Vec<_> = report.conflicts_to_confirm().collect();
    let [Conflict::PartialPhase { files, .. }] = &told[..] else { panic!("{told:?}") };
    let reason = "`src` is a link that leads out of the workspace".to_owned();
    assert_eq!(files[0].state, PartialState::Unreadable { reason });
}

#[test]
fn every_phase_that_is_under_way_tells_of_its_files() {
    let fixture = with_one_phase();
    for phase in ["2", "3"] {
        fixture.apply(&start(phase)).unwrap();
    }
    fixture.write("src/mw.rs", "half");
    fixture.apply(&fail("3", "no answer")).unwrap();
    let found = conflicts(&fixture);
    let parts: Vec<(String, bool, Vec<PartialState>)> = found
        .into_iter()
        .map(|conflict| match conflict {
            Conflict::PartialPhase { phase, started, files } => {
                (phase.to_string(), started.is_some(), files.into_iter().map(|f| f.state).collect())
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let created = vec![PartialState::Created];
    assert_eq!(parts, [("2".to_owned(), true, created), ("3".to_owned(), true, Vec::new())]);
    fixture.apply(&retry("3")).unwrap();
    assert_eq!(conflicts(&fixture).len(), 2);
}

#[test]
fn a_changed_plan_is_shown_as_a_difference() {
    let fixture = with_one_phase();
    let plan = fixture.text(PLAN);
    fixture.write(PLAN, plan.replace("Core bucket", "Better bucket"));
    let found = conflicts(&fixture);
    let [Conflict::DocumentChanged { role: DocumentRole::Plan, path, diff: Some(diff) }] =
        &found[..]
    else {
        panic!("{found:?}")
    };
    assert_eq!(path, PLAN);
    insta::assert_snapshot!(diff, @"
    --- docs/maestro/plans/plan.md (when the session was created)
    +++ docs/maestro/plans/plan.md (now)
    @@ -1,6 +1,6 @@
     ---
     phases:
    -  - {id: 1, name: Core bucket, agent: coder, files: [src/bucket.rs]}
    +  - {id: 1, name: Better bucket, agent: coder, files: [src/bucket.rs]}
       - {id: 2, name: HTTP middleware, agent: coder, parallel: true, blocked_by: [1], files: [src/mw.rs]}
       - {id: 3, name: Docs, agent: technical-writer, parallel: true, blocked_by: [1], files: [README.md]}
       - {id: review, name: Review, agent: code-reviewer, blocked_by: [2, 3]}
    ");
    fs_err::remove_file(fixture.path(PLAN)).unwrap();
    let missing =
        Conflict::DocumentMissing { role: DocumentRole::Plan, path: PLAN.to_owned(), reason: None };
    assert_eq!(conflicts(&fixture), [missing]);
    fixture.write(PLAN, plan);
    assert_eq!(conflicts(&fixture), []);
}

#[test]
fn of_a_session_that_was_taken_over_only_times_are_known() {
    let fixture = with_one_phase();
    let journal = fixture.path("docs/maestro/state/journal");
    fs_err::remove_dir_all(journal).unwrap();
    fixture.write(PLAN, "another plan");
    // The clock of the fixture stands in the past: every file was written after that.
    let kind = ConflictKind::Modified { evidence: Evidence::Time };
    assert_eq!(files(&fixture), [("1".to_owned(), "src/a.rs".to_owned(), kind)]);
    let old = SystemTime::UNIX_EPOCH;
    set_time(&fixture, "src/a.rs", old);
    assert_eq!(conflicts(&fixture), []);
    // What it does from now on is recorded.
    fixture.apply(&start("2")).unwrap();
    fixture.write("src/b.rs", "two");
    fixture.apply(&complete("2", "src/b.rs")).unwrap();
    assert_eq!(conflicts(&fixture), []);
}

#[test]
fn a_completion_that_is_made_again_remembers_the_files_of_the_first_time() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    let late = fixture.text(FILE);
    fixture.write("src/a.rs", "one");
    fixture.apply(&complete("1", "src/a.rs")).unwrap();
    fixture.write("src/a.rs", "edited");
    fixture.write(FILE, late + "\nwritten by someone who was late\n");
    fixture.apply(&start("2")).unwrap();
    assert!(fixture.text(FILE).contains("someone who was late"));
    let found = conflicts(&fixture);
    let kinds: Vec<_> = found
        .into_iter()
        .filter_map(|conflict| match conflict {
            Conflict::File(file) => Some((file.phase.to_string(), file.kind)),
            _ => None,
        })
        .collect();
    let kind = ConflictKind::Modified { evidence: Evidence::Contents };
    assert_eq!(kinds, [("1".to_owned(), kind)]);
}

/// Makes the journal so long that the next change begins a segment.
pub(crate) fn fill_the_journal(fixture: &Fixture) {
    let store = Store::new(fixture.workspace().state_dir().clone());
    let env = fixture.env();
    let mut locked = store.lock(&env.holder, env.lock_wait).unwrap();
    let newest = locked.attach().unwrap().live.unwrap().newest.record.operation;
    let bytes = usize::try_from(SEGMENT_BYTES).unwrap();
    let command = json!({ "command": "much", "of": "x".repeat(bytes) });
    let id = Uuid::from_u128(newest.id.as_u128() + 1);
    locked.append_operation(Operation { id, command, time: newest.time.next(), ..newest }).unwrap();
}

#[test]
fn what_a_phase_left_is_known_forty_segments_later() {
    let fixture = with_one_phase();
    let segments = || fs_err::read_dir(fixture.path("docs/maestro/state/journal")).unwrap().count();
    let adjust = |n: u32| Command::Adjust {
        phase: id("3"),
        changes: maestro_session_model::Adjustment {
            name: Some(format!("Step {n}")),
            ..maestro_session_model::Adjustment::default()
        },
    };
    for n in 0..40 {
        fill_the_journal(&fixture);
        fixture.apply(&adjust(n)).unwrap();
    }
    assert_eq!(segments(), 16);
    assert_eq!(conflicts(&fixture), []);
    fixture.write("src/a.rs", "edited");
    fixture.write(PLAN, "another plan");
    let found = conflicts(&fixture);
    let Conflict::File(file) = &found[0] else { panic!("{found:?}") };
    assert_eq!(file.kind, ConflictKind::Modified { evidence: Evidence::Contents });
    assert!(matches!(found[1], Conflict::DocumentChanged { diff: Some(_), .. }));
}
