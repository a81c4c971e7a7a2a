//! What can be asked of a session.
//!
//! Commands are data: they are decided on by [`decide`](crate::decide()), and recorded in the journal as they are.

use serde::{Deserialize, Serialize};

use crate::handoff::{HandoffReport, Validation};
use crate::session::{DownstreamContext, ErrorKind, TokenCounts};
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
    /// The session is given up.
    Abort {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}

impl Command {
    /// Returns the phase that the command is about.
    pub fn phase(&self) -> Option<&PhaseId> {
        match self {
            Self::Start { phase }
            | Self::Complete { phase, .. }
            | Self::Fail { phase, .. }
            | Self::Retry { phase, .. }
            | Self::Skip { phase, .. }
            | Self::Redelegate { phase, .. }
            | Self::Adjust { phase, .. }
            | Self::Reconcile { phase, .. } => Some(phase),
            Self::Abort { .. } => None,
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
