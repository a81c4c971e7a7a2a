//! What a change of the session is answered with.

use maestro_session::Changed;
use maestro_session::model::PhaseStatus;
use schemars::JsonSchema;
use serde::Serialize;

use crate::args::{Id, ids};
use crate::tools::status::{PhaseStatusAnswer, ProgressAnswer, phase_answer};

/// What a change did.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ChangedAnswer {
    success: bool,
    /// The operation: `undo_operation` takes it back.
    operation: String,
    /// The session.
    session_id: String,
    /// The phase that the call was about, as it is now.
    phase: Option<PhaseStatusAnswer>,
    /// The status that the phase had before.
    before: Option<&'static str>,
    /// The phase that is being carried out or comes next.
    current_phase: Option<Id>,
    /// The phases that can start now.
    ready_phase_ids: Vec<Id>,
    /// How many phases are in each status.
    progress: ProgressAnswer,
    /// Whether all phases are done and none waits for reconciliation: review, then call `archive_session`.
    ready_to_archive: bool,
    /// What the user should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl From<Changed> for ChangedAnswer {
    fn from(changed: Changed) -> Self {
        Self {
            success: true,
            operation: changed.operation.to_string(),
            session_id: changed.session_id.to_string(),
            phase: changed.phase.map(phase_answer),
            before: changed.before.map(PhaseStatus::as_str),
            current_phase: changed.current_phase.as_ref().map(Id::from),
            ready_phase_ids: ids(&changed.ready),
            progress: changed.progress.into(),
            ready_to_archive: changed.ready_to_archive,
            warnings: changed.warnings,
        }
    }
}
