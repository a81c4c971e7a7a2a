//! What the operations need from the world around them, read once by `main` and handed down.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use maestro_session_model::Timestamp;
use maestro_state_store::{Actor, Environment, Holder};
use uuid::Uuid;

/// How long an operation waits for the lock unless the caller says otherwise.
pub const DEFAULT_LOCK_WAIT: Duration = Duration::from_secs(10);

/// Clock, ids, environment, and who is asking.
pub struct Env {
    /// The environment variables.
    pub environment: Environment,
    /// Who is recorded as the author of a change.
    pub actor: Actor,
    /// What others are told who wait for our lock.
    pub holder: Holder,
    /// How long to wait for theirs.
    pub lock_wait: Duration,
    /// The git binary, an absolute path, if there is one. It is asked what a repository had in it at some time; without it,
    /// less is known, and nothing fails.
    pub git: Option<PathBuf>,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    ids: Box<dyn Fn() -> Uuid + Send + Sync>,
}

impl Env {
    /// Puts together what `main` has read. `ids` makes a new UUID of version 7 at each call.
    pub fn new(
        environment: Environment,
        actor: Actor,
        holder: Holder,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
        ids: impl Fn() -> Uuid + Send + Sync + 'static,
    ) -> Self {
        let lock_wait = DEFAULT_LOCK_WAIT;
        Self {
            environment,
            actor,
            holder,
            lock_wait,
            git: None,
            clock: Box::new(clock),
            ids: Box::new(ids),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(crate) fn new_id(&self) -> Uuid {
        (self.ids)()
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env")
            .field("actor", &self.actor)
            .field("holder", &self.holder)
            .field("lock_wait", &self.lock_wait)
            .field("git", &self.git)
            .finish_non_exhaustive()
    }
}
