//! Diagnosing a state dir, and repairing it.
//!
//! Whatever is found is explained, whether or not it is to be repaired. A repair never deletes: what is in the way goes to the
//! quarantine. Every repair of a session is in its journal, so that it can be seen and undone. What is repaired is examined
//! again, so a repair that did not help is still found.

use maestro_state_store::Operation;
use maestro_state_store::store::LockedStore;
use serde::Serialize;
use serde_json::json;

use crate::error::SessionError;
use crate::workspace::Workspace;

mod archived;
mod examine;
mod finding;
mod repair;

pub use crate::doctor::finding::{Finding, Remedy};

/// How many repairs are tried in one go.
const MAX_REPAIRS: usize = 64;

/// What is wrong with a state dir, and what was done about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Diagnosis {
    /// The state dir, relative to the workspace.
    pub state_dir: String,
    /// Whether there is one.
    pub initialised: bool,
    /// What was repaired, in order.
    pub repaired: Vec<Repaired>,
    /// What is wrong now, the most pressing first.
    pub findings: Vec<Finding>,
    /// What is in the quarantine, relative to the workspace.
    pub quarantine: Vec<String>,
}

impl Diagnosis {
    /// Whether nothing is wrong, or nothing that the next command does not put in order by itself.
    pub fn is_healthy(&self) -> bool {
        self.findings.iter().all(|finding| finding.remedy == Remedy::ByItself)
    }
}

/// Something that was found and repaired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Repaired {
    /// What was found.
    pub finding: Finding,
    /// What was done, one sentence each.
    pub done: Vec<String>,
}

impl Workspace {
    /// Examines the state dir, and with `fix` repairs what can be repaired without a person's judgement.
    ///
    /// Takes the lock, so that nothing is in the middle of being changed. `progress` is told of archived sessions: how many
    /// were read, of how many. An error means that nothing could be examined; a repair that fails is still a finding.
    pub fn doctor(
        &self,
        fix: bool,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Diagnosis, SessionError> {
        if self.only.is_some() {
            // A session that is not meant would look like one that cannot be read.
            return self.for_any().doctor(fix, progress);
        }
        let dir = self.state_dir();
        let mut diagnosis = Diagnosis {
            state_dir: dir.relative().to_string(),
            initialised: self.is_initialised()?,
            repaired: Vec::new(),
            findings: Vec::new(),
            quarantine: Vec::new(),
        };
        if !diagnosis.initialised {
            return Ok(diagnosis);
        }
        let mut locked = self.lock()?;
        diagnosis.findings = self.examine(&mut locked);
        if fix {
            self.repair_all(&mut locked, &mut diagnosis);
        }
        diagnosis.findings.extend(self.examine_archived(&locked, progress));
        let names = self.store.quarantined()?;
        let quarantine = format!("{}/state/quarantine", dir.relative());
        diagnosis.quarantine =
            names.into_iter().map(|name| format!("{quarantine}/{name}")).collect();
        Ok(diagnosis)
    }

    /// Repairs one finding after the other, and examines everything again after each: a repair may bring up the next problem.
    fn repair_all(&self, locked: &mut LockedStore<'_>, diagnosis: &mut Diagnosis) {
        let mut tried: Vec<Finding> = Vec::new();
        for _ in 0..MAX_REPAIRS {
            let next = diagnosis
                .findings
                .iter()
                .find(|found| found.remedy != Remedy::ByPerson && !tried.contains(found))
                .cloned();
            let Some(finding) = next else { break };
            let outcome = self.repair(locked, &finding);
            tried.push(finding.clone());
            diagnosis.findings = self.examine(locked);
            match outcome {
                Ok(done) => diagnosis.repaired.push(Repaired { finding, done }),
                Err(error) => {
                    let failed = diagnosis.findings.iter_mut().filter(|found| **found == finding);
                    failed.for_each(|found| found.could_not_be_repaired(&error));
                    // It is another value now, and must not be tried again.
                    tried.extend(
                        diagnosis.findings.iter().filter(|f| f.code == finding.code).cloned(),
                    );
                }
            }
        }
        if let Err(error) = self.record_repairs(locked, &diagnosis.repaired) {
            diagnosis.findings.push(Finding::not_recorded(&error));
        }
    }

    /// Records what was repaired beside the session file in the journal of the session, if there is one.
    fn record_repairs(
        &self,
        locked: &mut LockedStore<'_>,
        repaired: &[Repaired],
    ) -> Result<(), SessionError> {
        let beside: Vec<&Repaired> =
            repaired.iter().filter(|repaired| !repaired.finding.repair.is_recorded()).collect();
        if beside.is_empty() {
            return Ok(());
        }
        let Ok((Some(opened), _)) = self.open_session(locked) else { return Ok(()) };
        let done: Vec<&String> = beside.iter().flat_map(|repaired| &repaired.done).collect();
        let found: Vec<&str> = beside.iter().map(|repaired| repaired.finding.code).collect();
        locked.append_operation(Operation {
            id: self.env.new_id(),
            time: self.now_after(&opened.current),
            actor: self.env.actor.clone(),
            command: json!({ "command": "repair", "found": found, "done": done }),
            canonical: opened.current.operation.canonical,
        })?;
        Ok(())
    }

    fn is_initialised(&self) -> Result<bool, SessionError> {
        let missing = self.state_dir().missing()?;
        let state = format!("{}/state", self.state_dir().relative());
        Ok(!missing.contains(&state))
    }
}
