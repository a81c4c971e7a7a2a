//! Putting the active session into the archive.

use maestro_archive::{
    ArchiveError, ArchiveReceipt, ArchiveRequest as Request, Archiver, Finished, archive, finish,
};
use maestro_session_model::{PhaseId, Session, SessionStatus};
use maestro_state_store::store::LockedStore;

use crate::change::Opened;
use crate::error::SessionError;
use crate::workspace::Workspace;

/// How often an archiving begins anew because someone edited a file meanwhile.
const MAX_ATTEMPTS: u32 = 4;

/// How a session is to be archived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArchiveOptions {
    /// Whether to archive it though phases are open.
    pub force: bool,
    /// The status that it gets; `completed` if all phases are done and `aborted` if not, when absent.
    pub status: Option<SessionStatus>,
}

impl Workspace {
    /// Archives the active session, with its design and its plan, and checks that everything is where it belongs.
    ///
    /// A session with open phases is archived only when `force` says so, one with a phase that has to be reconciled never.
    pub fn archive(&self, options: ArchiveOptions) -> Result<ArchiveReceipt, SessionError> {
        let mut locked = self.lock()?;
        if let Finished::Archived(receipt) = finish(&mut locked, &self.archiver())? {
            // Someone had begun what is asked for.
            return Ok(*receipt);
        }
        let mut attempt = 1;
        let mut notes = Vec::new();
        loop {
            let Opened { current, document, notes: found } = self.open_or_refuse(&mut locked)?;
            notes.extend(found);
            let status = match status_for(document.session(), options) {
                Ok(status) => status,
                Err(error) => return Err(error.noting(notes)),
            };
            let archiver = self.archiver();
            match archive(&mut locked, &current, &document, Request { status }, &archiver) {
                Err(ArchiveError::EditedMeanwhile { .. }) if attempt < MAX_ATTEMPTS => attempt += 1,
                Ok(receipt) => return Ok(ArchiveReceipt { notes, ..receipt }),
                Err(error) => return Err(SessionError::from(error).noting(notes)),
            }
        }
    }

    fn archiver(&self) -> Archiver {
        Archiver {
            actor: self.env.actor.clone(),
            now: self.env.now(),
            operation: self.env.new_id(),
            withdrawal: self.env.new_id(),
        }
    }

    /// Brings an archiving that was begun to its end, whoever began it; says so if there was one.
    pub(crate) fn finish_archiving(
        &self,
        locked: &mut LockedStore<'_>,
    ) -> Result<Option<String>, SessionError> {
        Ok(match finish(locked, &self.archiver())? {
            Finished::Nothing | Finished::JournalMoved => None,
            Finished::Archived(receipt) => Some(format!(
                "the archiving of session {}, which had been interrupted, was finished: `{}`",
                receipt.session_id, receipt.archive_path
            )),
            Finished::Withdrawn { because } => Some(format!(
                "an interrupted archiving was taken back, because `{}` had been edited since",
                because.display()
            )),
        })
    }
}

/// The status that an archived session gets, if it may be archived.
///
/// What was given up needs neither finished phases nor records in order.
fn status_for(session: &Session, options: ArchiveOptions) -> Result<SessionStatus, SessionError> {
    let was = session.status;
    let given_up = matches!(was, SessionStatus::Aborted | SessionStatus::Failed);
    let to_reconcile = session.phases.iter().find(|phase| phase.needs_reconciliation());
    if let Some(phase) = to_reconcile.filter(|_| !given_up) {
        return Err(SessionError::ReconciliationPending { phase: phase.id.clone() });
    }
    let open: Vec<PhaseId> = session
        .phases
        .iter()
        .filter(|phase| !phase.status.unblocks())
        .map(|phase| phase.id.clone())
        .collect();
    let is_done = open.is_empty();
    if !is_done && !given_up && !options.force {
        let session_id = session.session_id.clone();
        return Err(SessionError::Unfinished { session_id, open });
    }
    Ok(options.status.unwrap_or(match was {
        SessionStatus::Aborted | SessionStatus::Failed => was,
        SessionStatus::InProgress | SessionStatus::Completed if is_done => SessionStatus::Completed,
        SessionStatus::InProgress | SessionStatus::Completed => SessionStatus::Aborted,
    }))
}
