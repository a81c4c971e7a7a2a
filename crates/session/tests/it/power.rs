//! Every operation survives the death of the process and the loss of power at every instant, and says the truth about
//! every failure of the disk.
//!
//! Each scenario is an operation on a state dir in memory. What it does undisturbed is the *new* state, what was there is the
//! *old* one. Whatever happens in the middle of it: the next command of anyone finds one of the two, whole, and the new one
//! if it was acknowledged.

mod judge;
mod scenarios;
pub(crate) mod world;

use std::collections::{BTreeMap, BTreeSet};

use maestro_session::SessionError;
use maestro_testutils::{Call, Explorer, Role, SecondCrash, SimDisk, Trouble, Weakness};

use crate::power::judge::{Expectation, Judge};
use crate::power::scenarios::Scenario;
use crate::power::world::{State, open, state};

/// Tries every instant of the operation of a scenario; returns what is not as it should be.
fn crashes(scenario: &Scenario) -> Vec<String> {
    let explorer =
        explored(scenario, None, Explorer::new().with_second_crash(scenario.second_crash));
    let found = explorer.violations().iter();
    found.map(|violation| format!("{}: {violation}", scenario.name)).collect()
}

/// Tries every instant of the operation of a scenario, on a disk that may do without something.
fn explored(
    scenario: &Scenario,
    weakness: Option<Weakness>,
    mut explorer: Explorer<Expectation>,
) -> Explorer<Expectation> {
    let judge = Judge::of(scenario);
    let disk = scenario.prepared();
    if let Some(weakness) = weakness {
        disk.weaken(weakness);
    }
    disk.record();
    (scenario.operation)(&open(&disk)).unwrap();
    disk.acknowledge();
    explorer.explore(
        &disk.stop_recording(),
        |progress| if progress.acknowledged > 0 { Expectation::New } else { Expectation::Either },
        |disk, expectation| judge.judge(disk, *expectation),
    );
    explorer
}

/// The kinds of syncs in the operation of a scenario that nobody misses.
fn syncs_that_nobody_misses(scenario: &Scenario) -> Vec<String> {
    let disk = scenario.prepared();
    disk.count_calls();
    (scenario.operation)(&open(&disk)).unwrap();
    let kinds: BTreeSet<(Call, Role)> =
        disk.calls().into_iter().filter(|(call, _)| call.is_sync()).collect();
    assert!(kinds.len() > 3, "{}: {kinds:?}", scenario.name);
    let weaknesses = kinds.into_iter().map(|(call, role)| Weakness::Skip(call, role));
    let is_missed = |weakness: &Weakness| {
        let explorer = Explorer::new().with_second_crash(scenario.second_crash).until_violated();
        !explored(scenario, Some(*weakness), explorer).violations().is_empty()
    };
    weaknesses
        .filter(|weakness| !is_missed(weakness))
        .map(|weakness| weakness.to_string())
        .collect()
}

/// Fails every call of the operation of a scenario, once for each kind of trouble; returns what is not as it should be.
fn failures(scenario: &Scenario) -> Vec<String> {
    let judge = Judge::of(scenario);
    let mut found = Vec::new();
    let mut explorer = Explorer::new().with_second_crash(SecondCrash::Never);
    let mut tried = 0;
    for index in 0.. {
        let mut has_failed = false;
        for plan in [
            |disk: &SimDisk, index| disk.fail_at(index, Trouble::Full),
            |disk: &SimDisk, index| disk.fail_at(index, Trouble::ReadOnly),
            |disk: &SimDisk, index| disk.fail_at(index, Trouble::Io),
            |disk: &SimDisk, index| disk.fail_at(index, Trouble::TooManyFiles),
            |disk: &SimDisk, index| disk.fail_from(index, Trouble::ReadOnly),
            |disk: &SimDisk, index| disk.fill_from(index),
        ] {
            let disk = scenario.prepared();
            let workspace = open(&disk);
            plan(&disk, index);
            let outcome = (scenario.operation)(&workspace);
            if !disk.has_failed() {
                continue;
            }
            has_failed = true;
            tried += 1;
            let call = disk.log().get(index).cloned().unwrap_or_default();
            disk.heal();
            let expectation = match &outcome {
                Ok(()) => Expectation::New,
                Err(error) if error.code() == "IN_DOUBT" => Expectation::Either,
                Err(error) => {
                    found.extend(unclear(error).map(|what| {
                        format!("{}, failure {index} ({call}): {what}", scenario.name)
                    }));
                    Expectation::Old
                }
            };
            let before = explorer.violations().len();
            disk.record();
            explorer.explore(
                &disk.stop_recording(),
                |_| expectation,
                |disk, expectation| judge.judge(disk, *expectation),
            );
            for violation in &explorer.violations()[before..] {
                let told = outcome.as_ref().map_err(SessionError::code);
                found.push(format!(
                    "{}, failure {index} ({call}), told {told:?}: {violation}",
                    scenario.name
                ));
            }
        }
        if !has_failed {
            break;
        }
    }
    assert!(tried > 0, "{}: nothing failed", scenario.name);
    found
}

/// Why an error does not tell a person what has happened.
fn unclear(error: &SessionError) -> Option<String> {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text += &format!(": {cause}");
        source = cause.source();
    }
    let names_the_place = text.contains("/home/u/app");
    let is_known = ["IO", "IN_DOUBT"].contains(&error.code());
    (!names_the_place || !is_known).then(|| format!("an unclear error, {}: {text}", error.code()))
}

/// Fails with one line for each kind of violation, where and when it was found first, and how often.
fn assert_none(found: &[String]) {
    let mut kinds: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for violation in found {
        let what = violation.rsplit_once(": ").map_or(violation.as_str(), |(_, what)| what);
        kinds.entry(what).or_insert((0, violation)).0 += 1;
    }
    let kinds: Vec<String> =
        kinds.into_values().map(|(times, first)| format!("{times} times: {first}")).collect();
    assert!(found.is_empty(), "{} violations:\n{}", found.len(), kinds.join("\n"));
}

#[test]
fn every_operation_survives_a_crash_at_any_instant() {
    let found: Vec<String> = scenarios::operations().iter().flat_map(crashes).collect();
    assert_none(&found);
}

#[test]
fn a_beginning_survives_a_crash_at_any_instant() {
    let found: Vec<String> = scenarios::beginnings().iter().flat_map(crashes).collect();
    assert_none(&found);
}

#[test]
fn an_archiving_survives_a_crash_at_any_instant() {
    let found: Vec<String> = scenarios::archivings().iter().flat_map(crashes).collect();
    assert_none(&found);
}

#[test]
fn a_restoration_survives_a_crash_at_any_instant() {
    let found: Vec<String> = scenarios::restorations().iter().flat_map(crashes).collect();
    assert_none(&found);
}

/// If one could be left out and nobody noticed, either it or this campaign would be worth nothing.
#[test]
fn no_sync_of_an_archiving_or_a_creation_can_be_left_out() {
    let archive = scenarios::archivings().swap_remove(0);
    // When the old name of a journal comes back, the next command sees that it is archived, and removes it again.
    assert_eq!(syncs_that_nobody_misses(&archive), ["no sync dir of the journal dir"]);
    let create = scenarios::operations().swap_remove(0);
    assert_eq!(syncs_that_nobody_misses(&create), Vec::<String>::new());
}

#[test]
fn no_sync_of_a_restoration_can_be_left_out() {
    for restoration in scenarios::restorations() {
        // Whoever opens a journal whose end is not done makes it durable; here it was before it had its name.
        let expected = ["no sync data of the journal"];
        assert_eq!(syncs_that_nobody_misses(&restoration), expected, "{}", restoration.name);
    }
}

#[test]
fn a_repair_survives_a_crash_at_any_instant() {
    let found: Vec<String> = scenarios::repairs().iter().flat_map(crashes).collect();
    assert_none(&found);
}

#[test]
fn a_disk_that_fails_anywhere_gives_a_clear_error_and_keeps_the_old_state() {
    let mut found: Vec<String> = scenarios::operations().iter().flat_map(failures).collect();
    found.extend(scenarios::beginnings().iter().flat_map(failures));
    found.extend(scenarios::archivings().iter().flat_map(failures));
    found.extend(scenarios::restorations().iter().flat_map(failures));
    assert_none(&found);
}

/// What the states of a scenario are, so that a scenario that does nothing is found out.
#[test]
fn every_scenario_changes_something() {
    let all = [
        scenarios::operations(),
        scenarios::beginnings(),
        scenarios::archivings(),
        scenarios::restorations(),
        scenarios::repairs(),
    ];
    for scenario in all.iter().flatten() {
        let disk = scenario.prepared();
        let before: State = state(&disk);
        (scenario.operation)(&open(&disk)).unwrap();
        assert_ne!(state(&disk), before, "{}", scenario.name);
    }
}
