//! Checking archived sessions on demand.

use maestro_archive::{
    Active, Surroundings, VerifiedSession, archived_name, archived_sessions, present_documents,
    remove_leftovers, verify_archived,
};
use serde::Serialize;

use crate::error::SessionError;
use crate::workspace::Workspace;

/// Which archived sessions to check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhichArchived {
    /// The one that changed last.
    Newest,
    /// The one of this id, or the only one whose id begins so.
    One(String),
    /// Every one.
    All,
}

/// What was found about archived sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Verification {
    /// The sessions that were checked, the newest first.
    pub sessions: Vec<VerifiedSession>,
    /// Documents that had been left in `plans/` and were removed, because the archive has an identical copy. Relative to the
    /// workspace.
    pub removed: Vec<String>,
}

impl Verification {
    /// Whether all checks of all sessions passed.
    pub fn is_verified(&self) -> bool {
        self.sessions.iter().all(VerifiedSession::is_verified)
    }
}

impl Workspace {
    /// Makes the checks of the archive protocol for archived sessions, as they are made after every archiving.
    ///
    /// With `fix`, a document that was left in `plans/` is removed under the lock if the archive has an identical copy and no
    /// other session needs it; then the session is checked again. Without, nothing is changed and no lock taken. `progress`
    /// is told how many sessions were checked, of how many.
    pub fn verify_archived(
        &self,
        which: &WhichArchived,
        fix: bool,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Verification, SessionError> {
        let ids = match which {
            WhichArchived::One(id) => vec![archived_name(&self.store, id)?],
            WhichArchived::All | WhichArchived::Newest => {
                let all = archived_sessions(&self.store, &mut |_, _| {})?;
                let many = if *which == WhichArchived::All { all.len() } else { 1 };
                all.into_iter().map(|session| session.id).take(many).collect()
            }
        };
        let around = self.surroundings()?;
        let mut found = Verification { sessions: Vec::with_capacity(ids.len()), removed: vec![] };
        for (done, id) in ids.iter().enumerate() {
            progress(done, ids.len());
            found.sessions.push(verify_archived(&self.store, id, &around)?);
        }
        if fix && found.sessions.iter().any(|session| !session.leftovers.is_empty()) {
            self.remove_leftovers(&mut found)?;
        }
        Ok(found)
    }

    fn remove_leftovers(&self, found: &mut Verification) -> Result<(), SessionError> {
        let mut locked = self.lock()?;
        // Whoever had the lock until now may have begun a session with them.
        let around = self.surroundings()?;
        for session in &mut found.sessions {
            if session.leftovers.is_empty() {
                continue;
            }
            let leftovers = verify_archived(&self.store, &session.id, &around)?.leftovers;
            let removed = remove_leftovers(&mut locked, &leftovers)?;
            found.removed.extend(removed.iter().map(ToString::to_string));
            *session = verify_archived(&self.store, &session.id, &around)?;
        }
        Ok(())
    }

    fn surroundings(&self) -> Result<Surroundings, SessionError> {
        let read = self.for_any().read();
        let active = match &read {
            Ok(Some(document)) => Active::Session(document),
            Ok(None) => Active::None,
            Err(_) => Active::Unreadable,
        };
        let present = present_documents(&self.store)?;
        Ok(Surroundings::look(&self.store, active, present)?)
    }
}
