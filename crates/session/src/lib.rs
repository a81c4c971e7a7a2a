//! The front door: every operation on a Maestro session, written once.
//!
//! (table of contents follows when the crates below have settled)

mod archiving;
mod change;
mod create;
mod documents;
mod env;
mod error;
mod log;
mod roster;
mod rules;
mod state_files;
mod status;
mod workspace;

pub use crate::archiving::ArchiveOptions;
pub use crate::change::Changed;
pub use crate::create::{CreatedSession, NewSessionRequest};
pub use crate::env::{DEFAULT_LOCK_WAIT, Env};
pub use crate::error::{ErrorClass, SessionError};
pub use crate::log::{EntryState, Log, LogEntry, LogFilter};
pub use crate::state_files::StateWritten;
pub use crate::status::{NoSession, PhaseView, Progress, SessionView, Status};
pub use crate::workspace::{Initialised, Workspace};
pub use maestro_archive::{ArchiveReceipt, Check, KeepReason, KeptDocument};
