//! The front door: every operation on a Maestro session, written once.
//!
//! A [`Workspace`] is a project directory with its state dir and settings. Its methods are the operations: each takes the
//! lock, brings in order what a crash or a hand edit has left, decides, stores, and lets go. Whoever speaks to people or
//! programs (a command line, a server, a hook) parses what they say and displays what comes back, and adds no rule.
//! Whatever is in a signature here can be named from here: what is said of archived sessions and of resuming directly, the
//! parts of a session in [`model`], disks and settings in [`store`].
//!
//! # Guarantees
//!
//! * An operation that returned `Ok` has survived, whatever happens to the process or the machine afterwards.
//! * An operation that returned an error has changed nothing, unless the error says otherwise.
//! * Edits of the session file by others, made before, after or during an operation, are recorded and kept.
//! * Nothing is read from the process: clock, ids and environment come in through [`Env`].
//!
//! # Limitations
//!
//! One active session for each state dir. What the disk and the platform guarantee is in `docs/ARCHITECTURE.md`.
//!
//! ```
//! use std::sync::Arc;
//!
//! use maestro_session::model::{Command, PhaseId, Timestamp};
//! use maestro_session::store::{Actor, ActorKind, Environment, Holder, OsDisk};
//! use maestro_session::{Env, NewSessionRequest, Workspace};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! fs_err::OpenOptions::new().create(true).write(true).open(folder.path().join("plan.md")).and_then(|mut file| {
//!     std::io::Write::write_all(&mut file, b"## Phase 1: Fix the typo\n### Agent: coder\n")
//! })?;
//! // In a program, `main` reads the clock and makes the ids.
//! let noon: Timestamp = "2026-01-15T12:00:00Z".parse()?;
//! let holder = Holder { pid: 1, host: "here".to_owned(), command: "example".to_owned(), started: noon };
//! let actor = Actor { kind: ActorKind::Cli, name: None };
//! let ids = std::sync::atomic::AtomicU64::new(1);
//! let next_id = move || uuid::Uuid::from_u128(ids.fetch_add(1, std::sync::atomic::Ordering::Relaxed).into());
//! let env = Env::new(Environment::default(), actor, holder, move || noon, next_id);
//!
//! let workspace = Workspace::open(folder.path(), env, Arc::new(OsDisk))?;
//! let created = workspace.create_session(&NewSessionRequest {
//!     from: folder.path().to_owned(),
//!     ..NewSessionRequest::new("Fix a typo", "plan.md")
//! })?;
//! assert_eq!(created.session.session_id.as_str(), "2026-01-15-fix-a-typo");
//!
//! let started = workspace.apply(&Command::Start { phase: PhaseId::from_number(1)? })?;
//! assert_eq!(started.progress.in_progress, 1);
//! # Ok(())
//! # }
//! ```

mod again;
mod archived;
mod archiving;
mod assess;
mod baselines;
mod change;
mod conflicts;
mod create;
mod doctor;
mod documents;
mod env;
mod error;
mod gate;
mod log;
mod overtaken;
mod resume;
mod roster;
mod rules;
mod scan;
mod state_files;
mod status;
mod undo;
mod verify;
mod workspace;

pub use crate::archived::{
    ArchivedBy, ArchivedFiles, ArchivedHits, ArchivedList, ArchivedView, Page,
};
pub use crate::archiving::ArchiveOptions;
pub use crate::assess::{Assessment, CodeSize, RepoSize};
pub use crate::change::{Changed, ReadReport};
pub use crate::create::{CreatedSession, NewSessionRequest, PlanSource};
pub use crate::doctor::{Diagnosis, Finding, Remedy, Repaired};
pub use crate::documents::DocumentSource;
pub use crate::env::{DEFAULT_LOCK_WAIT, Env};
pub use crate::error::{ErrorClass, SessionError, causes};
pub use crate::gate::GateChanged;
pub use crate::log::{EntryState, Log, LogEntry, LogFilter, Recorded};
pub use crate::resume::{AcceptedConflicts, Consent, ResumeError, Resumed};
pub use crate::rules::{check_phases_of_no_workspace, settings_of_no_workspace};
pub use crate::scan::{ScanBasis, ScanReport};
pub use crate::state_files::StateWritten;
pub use crate::status::{NoSession, PhaseView, SessionView, Status};
pub use crate::undo::{UndoError, Undone};
pub use crate::verify::{Verification, WhichArchived};
pub use crate::workspace::{Initialised, Workspace};
pub use maestro_archive::{
    ArchiveError, ArchiveReceipt, ArchivedFilter, ArchivedSession, Check, Content, Hit, HitLine,
    HitPlace, KeepReason, KeptDocument, NoWords, Query, RestoreReceipt, RetrieveError, Summary,
    VerifiedSession,
};
pub use maestro_resume::{
    Action, ArchiveReason, BlockedPhase, BlockerFacts, Candidates, Choice, CompletedPhase,
    Conflict, ConflictKind, DocumentRole, Elapsed, Evidence, FileConflict, LeftToOther,
    MAX_PROMPT_CHARS, NextStep, OpenBlocker, PartialFile, PartialState, PhaseFacts, Position,
    Refusal, ResumeReport, SessionFacts, Skipped, Step, prompt,
};
pub use maestro_session_model::{CommandLine, Progress};
#[doc(no_inline)]
pub use {maestro_session_model as model, maestro_state_store as store};
