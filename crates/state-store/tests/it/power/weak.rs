//! Doing without a sync, to see whether the campaign notices.

use std::collections::BTreeSet;

use maestro_testutils::{Call, Role, Weakness};

use crate::power::scenario::{Scenario, Without};
use crate::power::{edits, init, other_files, writes};

/// A kind of sync.
pub(crate) type Kind = (Call, Role);

/// The scenarios that perform every kind of sync, those that notice most first.
pub(crate) fn scenarios() -> Vec<Scenario> {
    let mut scenarios = writes::commits_of_texts();
    // Its journal takes long to read.
    scenarios.retain(|scenario| !scenario.name.contains("segment"));
    scenarios.extend(writes::creations());
    scenarios.extend(writes::replacements());
    scenarios.extend(other_files::files());
    scenarios.extend(other_files::archiving());
    scenarios.extend(other_files::records());
    scenarios.extend(edits::before_the_command());
    scenarios.extend(edits::waiting_operations());
    scenarios
}

/// The kinds of syncs that a scenario performs.
fn kinds(scenario: &Scenario) -> BTreeSet<Kind> {
    scenario.record(None).calls.into_iter().filter(|(call, _)| call.is_sync()).collect()
}

/// Weakens each kind of sync that is performed, and returns the kinds of which no scenario notices.
pub(crate) fn unnoticed(weaken: impl Fn(Call, Role) -> Weakness) -> Vec<Kind> {
    let scenarios = scenarios();
    let performed: Vec<BTreeSet<Kind>> = scenarios.iter().map(kinds).collect();
    let mut all: BTreeSet<Kind> = performed.iter().flatten().copied().collect();
    all.extend(init::kinds());
    let is_noticed = |(call, role): Kind| {
        let weakness = weaken(call, role);
        let performing = scenarios.iter().zip(&performed);
        let mut performing = performing.filter(|(_, kinds)| kinds.contains(&(call, role)));
        performing.any(|(scenario, _)| scenario.first_violation(Without::Kind(weakness)).is_some())
            || !init::explore(Some(Without::Kind(weakness))).is_empty()
    };
    all.into_iter().filter(|kind| !is_noticed(*kind)).collect()
}

/// Leaves out each single sync of a command, and returns those of which the scenario does not notice, as
/// `scenario: sync`.
pub(crate) fn single_unnoticed(scenarios: &[Scenario]) -> BTreeSet<String> {
    let mut unnoticed = BTreeSet::new();
    for scenario in scenarios {
        let calls = scenario.record(None).calls;
        for (index, (call, role)) in
            calls.iter().enumerate().filter(|(_, (call, _))| call.is_sync())
        {
            if scenario.first_violation(Without::SyncAt(index)).is_none() {
                let before =
                    calls[..index].iter().filter(|before| **before == (*call, *role)).count();
                unnoticed.insert(format!(
                    "{}: {call} of the {role}, {}",
                    scenario.name,
                    before + 1
                ));
            }
        }
    }
    unnoticed
}
