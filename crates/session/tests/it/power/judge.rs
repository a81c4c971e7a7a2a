//! What must be found after something happened in the middle of an operation.

use std::collections::BTreeSet;

use maestro_session::{Status, Workspace};
use maestro_session_model::Command;
use maestro_testutils::{SimDisk, Verdict};

use crate::fixture::{id, start};
use crate::power::scenarios::{Operation, Scenario, Settles};
use crate::power::world::{FILE, State, open, request, state};

/// Which state may be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Expectation {
    Either,
    Old,
    New,
}

pub(crate) struct Judge {
    old: State,
    /// What may be found instead of the old state, because a part of the operation is one of its own.
    half: Option<State>,
    new: State,
    settles: Settles,
    may_leave: &'static [&'static str],
    is_recorded: bool,
    /// Everything that is somebody's work before the operation, wherever it is.
    works: BTreeSet<String>,
}

impl Judge {
    pub(crate) fn of(scenario: &Scenario) -> Self {
        let disk = scenario.prepared();
        let works = state(&disk).into_values().collect();
        // What the next command does by itself belongs to the old state.
        settle(&open(&disk), scenario.settles).unwrap();
        let old = state(&disk);
        let after = |operation: &Operation| {
            let disk = scenario.prepared();
            operation(&open(&disk)).unwrap();
            settle(&open(&disk), scenario.settles).unwrap();
            state(&disk)
        };
        let (half, new) = (scenario.half.as_ref().map(after), after(&scenario.operation));
        let Scenario { settles, may_leave, is_recorded, .. } = *scenario;
        Self { old, half, new, settles, may_leave, is_recorded, works }
    }

    /// Runs the next command on a disk, and says whether it found what it should.
    pub(crate) fn judge(
        &self,
        disk: &SimDisk,
        expectation: Expectation,
    ) -> Result<Verdict<Expectation>, String> {
        let workspace = open(disk);
        settle(&workspace, self.settles)?;
        disk.acknowledge();
        let recording = disk.stop_recording();

        let found = state(disk);
        let mut without_rest = found.clone();
        without_rest.retain(|name, _| !self.may_leave.contains(&name.as_str()));
        let is_new = found == self.new;
        let is_old = [Some(&self.old), self.half.as_ref()].into_iter().flatten().any(|old| {
            let mut old_without_rest = old.clone();
            old_without_rest.retain(|name, _| !self.may_leave.contains(&name.as_str()));
            found == *old || !is_new && without_rest == old_without_rest
        });
        let then = match expectation {
            Expectation::Either if (is_old || is_new) && !self.is_recorded => Expectation::Either,
            Expectation::Either | Expectation::Old if is_old => Expectation::Old,
            Expectation::Either | Expectation::New if is_new => Expectation::New,
            _ if is_old => return Err(format!("the old state, and not {expectation:?}")),
            _ if is_new => return Err(format!("the new state, and not {expectation:?}")),
            _ => {
                let differs = |from: &State| {
                    let names: BTreeSet<&String> = from.keys().chain(found.keys()).collect();
                    let names =
                        names.into_iter().filter(|name| from.get(*name) != found.get(*name));
                    names.cloned().collect::<Vec<_>>().join(", ")
                };
                let (old, new) = (differs(&self.old), differs(&self.new));
                return Err(format!("neither the old state ({old}) nor the new ({new})"));
            }
        };
        self.check_order(disk, &workspace, &found)?;
        // Work goes on.
        let copy = disk.copy();
        let next = open(&copy);
        let goes_on = match next.status() {
            Ok(Status::Active(_)) => next
                .undo(None)
                .map(drop)
                .or_else(|_| next.apply(&Command::Abort { by_user: true, reason: None }).map(drop)),
            _ => next.create_session(&request()).map(drop),
        };
        goes_on.map_err(|error| format!("work does not go on: {error}"))?;
        Ok(Verdict { recording, then })
    }

    fn check_order(
        &self,
        disk: &SimDisk,
        workspace: &Workspace,
        found: &State,
    ) -> Result<(), String> {
        for path in disk.files().into_keys() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with('.') && name.strip_suffix(".tmp").is_some() {
                return Err(format!("`{name}` was left behind"));
            }
        }
        let diagnosis = workspace.doctor(false, &mut |_, _| {}).map_err(|e| e.to_string())?;
        // Nothing lies in a state dir that was never finished; making it goes on where it was interrupted.
        let is_begun = |code: &str| code != "LAYOUT_INCOMPLETE" || !found.is_empty();
        if let Some(finding) = diagnosis.findings.iter().find(|finding| is_begun(finding.code)) {
            return Err(format!("not in order: {}, {}", finding.code, finding.message));
        }
        if let Some(session) = found.get(FILE) {
            let recorded = workspace.recorded_document(None).map_err(|error| error.to_string())?;
            let file = workspace.active().map_err(|error| error.to_string())?;
            if Some(recorded) != file {
                return Err(format!("the journal does not lead to the file: {}", session.len()));
            }
        }
        if self.settles == Settles::Repair {
            let lost = self.works.iter().find(|work| !found.values().any(|found| found == *work));
            if let Some(lost) = lost.filter(|lost| !self.old.values().any(|old| old == *lost)) {
                return Err(format!("a text is nowhere any more: {}", lost.len()));
            }
        }
        Ok(())
    }
}

/// Does what the next command of anyone does before its own work.
fn settle(workspace: &Workspace, settles: Settles) -> Result<(), String> {
    match settles {
        // A command that is refused for its own sake.
        Settles::NextCommand => match workspace.apply(&start("no such phase")) {
            Ok(_) => Err("a phase that is not there was started".to_owned()),
            Err(error)
                if ["PHASE_NOT_FOUND", "NO_SESSION", "NOT_INITIALISED", "SESSION_ENDED"]
                    .contains(&error.code()) =>
            {
                Ok(())
            }
            Err(error) => Err(format!("the next command failed: {}: {error}", error.code())),
        },
        Settles::Repair => {
            let diagnosis = workspace.doctor(true, &mut |_, _| {}).map_err(|e| e.to_string())?;
            let left: Vec<&str> = diagnosis.findings.iter().map(|found| found.code).collect();
            if left.is_empty() { Ok(()) } else { Err(format!("not repaired: {left:?}")) }
        }
    }
}

/// The phase that nobody has, for the name's sake.
#[test]
fn the_next_command_is_refused_for_its_own_sake() {
    let disk = crate::power::world::begun();
    assert_eq!(open(&disk).apply(&start("no such phase")).unwrap_err().code(), "PHASE_NOT_FOUND");
    assert_eq!(id("no such phase").to_string(), "no such phase");
}
