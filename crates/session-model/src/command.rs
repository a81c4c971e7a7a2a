//! What can be asked of a session.
//!
//! Commands are data: they are decided on by [`decide`](crate::decide()), and recorded in the journal as they are.

use serde::{Deserialize, Deserializer, Serialize};

use crate::handoff::{HandoffReport, Validation};
use crate::session::{DownstreamContext, ErrorKind, ExecutionMode, TokenCounts};
use crate::{AgentName, PhaseId, RelPath};

/// A change of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// An agent begins with a phase.
    Start {
        /// Which phase.
        phase: PhaseId,
    },
    /// A phase ended well.
    Complete {
        /// Which phase.
        phase: PhaseId,
        /// What was handed over.
        handoff: Handoff,
    },
    /// A phase ended badly.
    Fail {
        /// Which phase.
        phase: PhaseId,
        /// What went wrong.
        failure: Failure,
    },
    /// A phase ends well and others begin, in one step: all of it, or nothing.
    Transition {
        /// Which phase ended; without it, none did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        phase: Option<PhaseId>,
        /// What it hands over; where no phase ended, no more than tokens and the agent that used them.
        #[serde(default, skip_serializing_if = "is_default")]
        handoff: Handoff,
        /// Which phases begin, in this order. One that is in progress stays as it is.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        start: Vec<PhaseId>,
        /// The parallel batch from now on, or that there is none; what is absent stays.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            deserialize_with = "absent_or_null"
        )]
        batch: Option<Option<String>>,
    },
    /// Something went wrong in a phase that goes on, or in one that failed.
    RecordError {
        /// Which phase.
        phase: PhaseId,
        /// What went wrong.
        failure: Failure,
        /// What was done about it; without it, that is still to come.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resolution: Option<String>,
    },
    /// A failed phase is tried again.
    Retry {
        /// Which phase.
        phase: PhaseId,
        /// Whether the user orders it, beyond the limit too.
        by_user: bool,
        /// What will be different this time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resolution: Option<String>,
    },
    /// The user leaves a phase out.
    Skip {
        /// Which phase.
        phase: PhaseId,
        /// Whether the user decided it; nobody else may.
        by_user: bool,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The interrupted agent's work is given out again.
    Redelegate {
        /// Which phase.
        phase: PhaseId,
        /// To whom, if not to the same agent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent: Option<AgentName>,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The plan of a phase changes.
    Adjust {
        /// Which phase.
        phase: PhaseId,
        /// How.
        changes: Adjustment,
    },
    /// The record of a completed phase is put right.
    Reconcile {
        /// Which phase.
        phase: PhaseId,
        /// What is to be added to the record.
        handoff: Handoff,
        /// Why it was missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// How the session is carried out changes.
    Configure {
        /// How.
        changes: Configuration,
    },
    /// The user gives the session up.
    Abort {
        /// Whether the user decided it; nobody else may. Where it is not recorded, the user did.
        #[serde(default = "yes")]
        by_user: bool,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}

impl Command {
    /// Returns the phase that the command is about: of a transition the one that ends, else the first that begins.
    pub fn phase(&self) -> Option<&PhaseId> {
        match self {
            Self::Start { phase }
            | Self::Complete { phase, .. }
            | Self::Fail { phase, .. }
            | Self::Retry { phase, .. }
            | Self::Skip { phase, .. }
            | Self::Redelegate { phase, .. }
            | Self::Adjust { phase, .. }
            | Self::RecordError { phase, .. }
            | Self::Reconcile { phase, .. } => Some(phase),
            Self::Transition { phase, start, .. } => phase.as_ref().or(start.first()),
            Self::Configure { .. } | Self::Abort { .. } => None,
        }
    }
}

/// What an agent hands over at the end of a phase.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Handoff {
    /// Who hands over; the agent of the phase where it is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
    /// Files created.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files_created: Vec<RelPath>,
    /// Files modified.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files_modified: Vec<RelPath>,
    /// Files deleted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files_deleted: Vec<RelPath>,
    /// What the phases that depend on this one need to know.
    #[serde(skip_serializing_if = "DownstreamContext::is_empty")]
    pub downstream_context: DownstreamContext,
    /// What stands in the way of later work.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blockers: Vec<String>,
    /// The result of the checks, in the agent's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<String>,
    /// The tokens that it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<TokenCounts>,
    /// The report as the agent wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
}

impl Handoff {
    /// Makes a handoff of a report that was read from `text`.
    pub fn from_report(report: &HandoffReport, text: &str) -> Self {
        let validation = match (report.validation, report.validation_output.as_deref()) {
            (None, None) => None,
            (None, Some(output)) => Some(output.to_owned()),
            (Some(result), None) => Some(verdict(result).to_owned()),
            (Some(result), Some(output)) => Some(format!("{}: {output}", verdict(result))),
        };
        Self {
            agent: None,
            files_created: report.files_created.clone(),
            files_modified: report.files_modified.clone(),
            files_deleted: report.files_deleted.clone(),
            downstream_context: report.downstream_context.clone(),
            blockers: report.blockers.clone(),
            validation,
            tokens: None,
            output: Some(text.to_owned()),
        }
    }

    /// Whether neither files nor context are handed over.
    pub fn is_empty(&self) -> bool {
        self.files().next().is_none() && self.downstream_context.is_empty()
    }

    /// Returns all files, created, modified and deleted.
    pub fn files(&self) -> impl Iterator<Item = &RelPath> {
        self.files_created.iter().chain(&self.files_modified).chain(&self.files_deleted)
    }
}

fn verdict(result: Validation) -> &'static str {
    match result {
        Validation::Pass => "Pass",
        Validation::Fail => "Fail",
        Validation::Skipped => "Skipped",
    }
}

/// What went wrong in a phase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// To whom it happened; the agent of the phase where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
    /// What kind of failure.
    #[serde(rename = "type")]
    pub kind: ErrorKind,
    /// The full description.
    pub message: String,
    /// The tokens that the attempt took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<TokenCounts>,
    /// What the agent wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
}

/// How the plan of a phase changes. What is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Adjustment {
    /// What the phase is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who carries it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agents: Option<Vec<AgentName>>,
    /// What it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked_by: Option<Vec<PhaseId>>,
    /// The files it owns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned_files: Option<Vec<RelPath>>,
}

impl Adjustment {
    /// Whether nothing is to change.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How a session is carried out, where that changes. What is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Configuration {
    /// Whether phases may run side by side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_mode: Option<ExecutionMode>,
    /// What runs the agents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_backend: Option<String>,
    /// The parallel batch that is being carried out, or that there is none.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "absent_or_null")]
    pub current_batch: Option<Option<String>>,
}

impl Configuration {
    /// Whether nothing is to change.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn yes() -> bool {
    true
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Reads a member that is there: `null` is a value of it, and not that it is absent.
fn absent_or_null<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn id(text: &str) -> PhaseId {
        text.parse().unwrap()
    }

    /// What is read from `json`, after it was found to be written as the same again.
    fn round_trip(json: &Value) -> Command {
        let command: Command = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&command).unwrap(), *json);
        command
    }

    #[test]
    fn a_batch_that_is_absent_is_another_one_than_none() {
        for (batch, expected) in [
            (None, None),
            (Some(Value::Null), Some(None)),
            (Some(json!("b1")), Some(Some("b1".to_owned()))),
        ] {
            let mut json = json!({ "command": "transition", "start": ["2"] });
            let mut changes = json!({});
            if let Some(batch) = batch {
                json["batch"] = batch.clone();
                changes["current_batch"] = batch;
            }
            let Command::Transition { batch, .. } = round_trip(&json) else { unreachable!() };
            assert_eq!(batch, expected);
            let json = json!({ "command": "configure", "changes": changes });
            let Command::Configure { changes } = round_trip(&json) else { unreachable!() };
            assert_eq!(changes.current_batch, expected);
            assert_eq!(changes.is_empty(), expected.is_none());
        }
    }

    #[test]
    fn of_a_transition_everything_can_be_left_out() {
        let nothing = round_trip(&json!({ "command": "transition" }));
        let expected = Command::Transition {
            phase: None,
            handoff: Handoff::default(),
            start: Vec::new(),
            batch: None,
        };
        assert_eq!(nothing, expected);
        assert_eq!(nothing.phase(), None);
        let begins = round_trip(&json!({ "command": "transition", "start": [2, "x"] }));
        assert_eq!(begins.phase(), Some(&id("2")));
        let both = json!({
            "command": "transition", "phase": 1, "start": [2], "handoff": { "files_created": ["a"] },
        });
        assert_eq!(round_trip(&both).phase(), Some(&id("1")));
    }

    #[test]
    fn an_abort_that_does_not_say_who_decided_it_was_the_users() {
        let unsaid: Command = serde_json::from_value(json!({ "command": "abort" })).unwrap();
        let said = json!({ "command": "abort", "by_user": true });
        assert_eq!(unsaid, round_trip(&said));
        let nobodys = round_trip(&json!({ "command": "abort", "by_user": false, "reason": "r" }));
        assert_eq!(nobodys, Command::Abort { by_user: false, reason: Some("r".to_owned()) });
    }

    #[test]
    fn a_recorded_error_is_read_as_it_is_written() {
        let open = json!({
            "command": "record_error", "phase": 2, "failure": { "type": "timeout", "message": "slow" },
        });
        assert_eq!(round_trip(&open).phase(), Some(&id("2")));
        let mut resolved = open.clone();
        resolved["resolution"] = json!("waited");
        assert_ne!(round_trip(&resolved), round_trip(&open));
    }
}
