//! What the loss of power and the death of the process leave at every instant of every command, what the next command makes
//! of it, and what it makes of what its own interruption leaves.

mod edits;
mod exclusion;
mod init;
mod judge;
mod other_files;
mod rows;
mod scenario;
mod weak;
mod world;
mod writes;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use maestro_testutils::{Call, Explorer, Role, SecondCrash, Violation, Weakness};

use crate::power::scenario::Scenario;

/// Tries every instant of every scenario.
fn assert_survive(scenarios: &[Scenario]) {
    let rows = RefCell::new(BTreeSet::new());
    let mut report = Report::default();
    for scenario in scenarios {
        let mut explorer = Explorer::new().with_second_crash(scenario.second_crash);
        let ran = scenario.explore(&mut explorer, None, &rows);
        report.add(&scenario.name, ran.err().map(|failure| failure.to_string()));
        for Violation { when, what } in explorer.violations() {
            report.add(&format!("{}, {when}", scenario.name), Some(what.clone()));
        }
        assert!(3 < explorer.counts().judged, "{}: {:?}", scenario.name, explorer.counts());
    }
    report.assert_empty();
}

/// Fails every call of every scenario in every way.
fn assert_told_right(scenarios: &[Scenario]) {
    let rows = RefCell::new(BTreeSet::new());
    let mut report = Report::default();
    for scenario in scenarios {
        let mut explorer = Explorer::new().with_second_crash(SecondCrash::Never);
        let (shown, violations) = scenario.explore_faults(&mut explorer, &rows);
        for Violation { when, what } in violations {
            report.add(&format!("{}, {when}", scenario.name), Some(what));
        }
        assert!(50 < shown, "{}: {shown} faults have shown", scenario.name);
    }
    report.assert_empty();
}

/// What went wrong, each kind of it with the first time.
#[derive(Default)]
struct Report {
    found: BTreeMap<String, (usize, String)>,
}

impl Report {
    fn add(&mut self, when: &str, what: Option<String>) {
        if let Some(what) = what {
            self.found.entry(what).or_insert_with(|| (0, when.to_owned())).0 += 1;
        }
    }

    fn assert_empty(self) {
        let lines = self
            .found
            .iter()
            .map(|(what, (times, when))| format!("{what}\n    {times} times, first: {when}"));
        let lines: Vec<String> = lines.collect();
        assert!(lines.is_empty(), "\n{}", lines.join("\n"));
    }
}

#[test]
fn a_creation_survives_the_loss_of_power_at_any_instant() {
    assert_survive(&writes::creations());
}

#[test]
fn a_commit_survives_the_loss_of_power_at_any_instant() {
    assert_survive(&writes::commits_of_texts());
}

#[test]
fn a_replacement_survives_the_loss_of_power_at_any_instant() {
    assert_survive(&writes::replacements());
}

#[test]
fn an_edit_that_is_opened_survives_the_loss_of_power_at_any_instant() {
    assert_survive(&edits::before_the_command());
}

#[test]
fn an_edit_during_a_change_survives_the_loss_of_power_at_any_instant() {
    assert_survive(&edits::during_a_change());
}

#[test]
fn an_operation_that_waits_survives_the_loss_of_power_at_any_instant() {
    assert_survive(&edits::waiting_operations());
}

#[test]
fn what_is_recorded_survives_the_loss_of_power_at_any_instant() {
    assert_survive(&other_files::records());
}

#[test]
fn an_archiving_survives_the_loss_of_power_at_any_instant() {
    assert_survive(&other_files::archiving());
}

#[test]
fn other_files_survive_the_loss_of_power_at_any_instant() {
    assert_survive(&other_files::files());
}

#[test]
fn a_new_state_dir_survives_the_loss_of_power_at_any_instant() {
    let mut report = Report::default();
    for Violation { when, what } in init::explore(None) {
        report.add(&when, Some(what));
    }
    report.assert_empty();
}

#[test]
fn a_write_that_fails_leaves_what_its_answer_says() {
    assert_told_right(&writes::creations());
    assert_told_right(&writes::commits_of_texts());
    assert_told_right(&writes::replacements());
}

#[test]
fn a_change_that_meets_an_edit_and_fails_leaves_what_its_answer_says() {
    assert_told_right(&edits::before_the_command());
    assert_told_right(&edits::during_a_change());
    assert_told_right(&edits::waiting_operations());
}

#[test]
fn another_change_that_fails_leaves_what_its_answer_says() {
    assert_told_right(&other_files::records());
    assert_told_right(&other_files::archiving());
    assert_told_right(&other_files::files());
}

#[test]
fn every_row_of_the_recovery_table_is_reached() {
    let mut scenarios = writes::creations();
    scenarios.truncate(1);
    scenarios.extend(writes::commits_of_texts().into_iter().take(1));
    scenarios.extend(edits::during_a_change().into_iter().take(1));
    scenarios.extend(edits::waiting_operations().into_iter().take(1));
    let (rows, violations) = rows::explore(&scenarios);
    assert_eq!(violations, Vec::<String>::new());
    assert_eq!(rows, BTreeSet::from(rows::ROWS));
}

#[test]
fn no_kind_of_sync_can_be_left_out() {
    assert_eq!(weak::unnoticed(Weakness::Skip), []);
}

/// Kinds of syncs that may come one call too late, and why: what relies on them comes later still.
const NOT_URGENT: [(Call, Role, &str); 3] = [
    (
        Call::SyncDir,
        Role::QuarantineDir,
        "then a temporary file is created; the journal is written after that",
    ),
    (Call::Sync, Role::Session, "then its directory is synced; the journal is written after that"),
    (
        Call::Sync,
        Role::Quarantined,
        "then its directory is synced; the journal is written after that",
    ),
];

#[test]
fn no_kind_of_sync_can_come_too_late_but_those_that_are_not_urgent() {
    let not_urgent = NOT_URGENT.map(|(call, role, _)| (call, role));
    assert_eq!(weak::unnoticed(Weakness::Late), not_urgent);
}

/// Single syncs that can be left out, and why.
const SPARED: [(&str, &str); 14] = [
    ("archive: sync dir of the state dir, 1", EMPTY),
    ("attach to a torn journal: sync data of the journal, 1", "what comes back is cut off again"),
    ("copy a file: sync dir of the plans dir, 1", EMPTY),
    (
        "create, after a creation that never was: sync dir of the journal dir, 1",
        "a journal without an operation that comes back is removed again",
    ),
    ("create, after a creation that never was: sync dir of the state dir, 2", EMPTY),
    ("create: sync dir of the state dir, 1", EMPTY),
    ("move a file: sync dir of the plans dir, 1", EMPTY),
    ("replace what is corrupt and has no journal: sync dir of the state dir, 1", EMPTY),
    ("replace what is corrupt and has no journal: sync dir of the state dir, 2", TWICE),
    ("replace what is corrupt and has no journal: sync dir of the state dir, 3", TWICE),
    ("replace what is corrupt: sync dir of the state dir, 1", TWICE),
    ("replace what is corrupt: sync dir of the state dir, 2", TWICE),
    ("restore, no journal: sync dir of the state dir, 1", EMPTY),
    (
        "restore: sync data of the journal, 1",
        "whoever archived the session lived to make it durable",
    ),
];

/// Why the parent of an empty directory need not be synced in those scenarios: whoever made it lived to do so. In another,
/// they did not.
const EMPTY: &str = "the entry of the empty directory is durable already";

/// Why one of two syncs may be left out.
const TWICE: &str =
    "once when the directory is made, once more because it is still empty when a file is put there";

#[test]
fn no_single_sync_can_be_left_out_but_those_that_others_have_done() {
    let mut scenarios = writes::creations();
    scenarios.extend(writes::commits_of_texts().into_iter().take(1));
    scenarios.extend(writes::replacements());
    scenarios.extend(other_files::files());
    scenarios.extend(other_files::archiving());
    scenarios.extend(other_files::records());
    scenarios.extend(edits::waiting_operations());
    let spared = SPARED.map(|(sync, _)| sync.to_owned());
    assert_eq!(weak::single_unnoticed(&scenarios), BTreeSet::from(spared));
}

#[test]
fn another_process_is_kept_out_while_the_lock_is_held_and_nothing_is_lost() {
    let mut held = 0;
    for (index, meeting) in exclusion::meetings(None).into_iter().enumerate() {
        assert_eq!(meeting.violation, None, "call {index}");
        meeting.first.unwrap_or_else(|failure| panic!("call {index}: {failure}"));
        let told = meeting.second.map_err(|failure| failure.text.starts_with("LOCKED"));
        assert_eq!(told, if meeting.is_held { Err(true) } else { Ok(()) }, "call {index}");
        held += usize::from(meeting.is_held);
    }
    assert!(30 < held, "it is held during {held} calls");
}

#[test]
fn without_the_lock_something_is_lost() {
    let meetings = exclusion::meetings(Some(Weakness::NoLock));
    let violations: Vec<String> =
        meetings.into_iter().filter_map(|meeting| meeting.violation).collect();
    assert_ne!(violations, Vec::<String>::new());
}
