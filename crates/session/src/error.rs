//! Why an operation failed.
//!
//! One type over the error families of the crates below, so that a caller has one place to ask for the code, the kind
//! and the next step.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use maestro_archive::{ArchiveError, NoWords, RetrieveError};
use maestro_resume::DocumentRole;
use maestro_session_model::{
    CommandError, CommandLine, CreateError, DocumentError, HandoffError, InvalidGate, InvalidId,
    InvalidPath, PhaseId, PhaseStatus, PlanError, RelPath, SessionId, SessionStatus, UpdateError,
    listed,
};
use maestro_state_store::journal::JournalError;
use maestro_state_store::store::{FileError, StateFileError};
use maestro_state_store::{
    CommitError, LockError, OpenError, ReadError, SettingsError, StateDirError,
};

use crate::resume::ResumeError;
use crate::undo::UndoError;

/// Why an operation failed. Unless a variant says otherwise, nothing has changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// An operation failed after something had been put in order that the user should know of, such as an edit by hand
    /// that was recorded.
    #[error("{source}")]
    Noted {
        /// What had been put in order.
        notes: Vec<String>,
        /// Why the operation failed.
        source: Box<Self>,
    },
    /// A setting has a bad value.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The state dir cannot be used.
    #[error(transparent)]
    StateDir(#[from] StateDirError),
    /// The lock could not be had.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The session file could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The session could not be opened for a change.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A change could not be stored.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The journal could not be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A file of the state dir could not be read or written.
    #[error(transparent)]
    StateFile(#[from] StateFileError),
    /// A file of the state dir could not be read, written or moved.
    #[error(transparent)]
    File(#[from] FileError),
    /// A session could not be archived.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// Something cannot be had from the archive, or brought back from it.
    #[error(transparent)]
    Retrieve(#[from] RetrieveError),
    /// Nothing was given to search for.
    #[error(transparent)]
    NoWords(#[from] NoWords),
    /// The state of the session forbids it.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// Something cannot be undone.
    #[error(transparent)]
    Undo(#[from] UndoError),
    /// A session does not go on.
    #[error(transparent)]
    Resume(#[from] ResumeError),
    /// A session cannot be made of this.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// A name breaks the rules for its kind.
    #[error(transparent)]
    Id(#[from] InvalidId),
    /// A path cannot be used.
    #[error(transparent)]
    Path(#[from] InvalidPath),
    /// The session file is not a session.
    #[error("`{}` is not a valid session", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: DocumentError,
    },
    /// The session file cannot be changed without damage to what someone wrote in it.
    #[error("`{}` cannot be changed", path.display())]
    Uneditable {
        /// The file.
        path: PathBuf,
        /// What is in the way.
        #[source]
        source: UpdateError,
    },
    /// A plan cannot be read.
    #[error("`{}` is not a readable plan", path.display())]
    Plan {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: PlanError,
    },
    /// A handoff report cannot be read.
    #[error("the handoff report of phase {phase} cannot be read")]
    Report {
        /// The phase that it was for.
        phase: PhaseId,
        /// What is wrong with it.
        #[source]
        source: HandoffError,
    },
    /// There is no active session.
    #[error("there is no active session in `{}`", dir.display())]
    NoSession {
        /// The state dir.
        dir: PathBuf,
    },
    /// Another session is active than the one that the operation was meant for.
    #[error("session `{meant}` is not the active one; `{active}` is")]
    OtherSession {
        /// The session that was meant.
        meant: SessionId,
        /// The one that is active.
        active: SessionId,
    },
    /// A state dir was chosen while the environment sets another one, where everybody would go on looking.
    #[error("the state dir cannot be `{chosen}` while MAESTRO_STATE_DIR is `{set}`")]
    StateDirSet {
        /// The one that was chosen.
        chosen: RelPath,
        /// The one that is set.
        set: RelPath,
    },
    /// A state dir was chosen while another one has the active session, which nobody would find any more.
    #[error("the state dir cannot be `{chosen}` while `{present}` has the active session")]
    StateDirInUse {
        /// The one that was chosen.
        chosen: RelPath,
        /// The one that has a session.
        present: RelPath,
    },
    /// The design of the session is being worked out, and the user has not approved it.
    #[error("the design of session `{session_id}` has not been approved")]
    GateUnapproved {
        /// Which session.
        session_id: SessionId,
    },
    /// The design gate of a session is damaged, so that nobody knows whether its design was approved.
    #[error("the design gate of session `{session_id}` cannot be read (`{}`)", path.display())]
    GateUnreadable {
        /// Which session.
        session_id: SessionId,
        /// The gate.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: InvalidGate,
    },
    /// There is an active session, and so none can be begun or come back from the archive.
    #[error("session `{session_id}` is active ({status})")]
    SessionExists {
        /// Which.
        session_id: SessionId,
        /// Where it stands.
        status: SessionStatus,
    },
    /// The id is that of an archived session, or of one that is to be archived first.
    #[error("the session id `{session_id}` is taken by another session")]
    IdTaken {
        /// The id.
        session_id: SessionId,
    },
    /// Phases are not done yet.
    #[error("session `{session_id}` is not finished: {}", open_phases(open))]
    Unfinished {
        /// Which session.
        session_id: SessionId,
        /// The phases that are neither completed nor skipped.
        open: Vec<PhaseId>,
    },
    /// A phase ended without saying what it did.
    #[error("phase {phase} has to be reconciled before the session is archived")]
    ReconciliationPending {
        /// The first such phase.
        phase: PhaseId,
    },
    /// The active session is being archived, to make room for another, and that could not be brought to its end. The other
    /// one was not begun.
    #[error(
        "the archiving of session `{session_id}` is recorded, but could not be finished: {because}"
    )]
    ArchivePending {
        /// Which session.
        session_id: SessionId,
        /// What stood in the way.
        because: String,
    },
    /// A document that a session is to be made of is not there.
    #[error("the {} document `{}` cannot be found", role.as_str(), path.display())]
    DocumentMissing {
        /// What it is to the session.
        role: DocumentRole,
        /// The path as it was named.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The phase has not begun, so nothing can have changed since.
    #[error("phase {phase} was not started: it is {status}")]
    NotStarted {
        /// The phase.
        phase: PhaseId,
        /// Where it stands.
        status: PhaseStatus,
    },
    /// What was to become the session file is no session. The file is as it was.
    #[error("what was to be written to `{}` is not a session", path.display())]
    Rejected {
        /// The session file.
        path: PathBuf,
        /// What is wrong with the text.
        #[source]
        source: DocumentError,
    },
    /// What was to become the session file is not UTF-8. The file is as it was.
    #[error("what was to be written to `{}` is not UTF-8 text", path.display())]
    NotText {
        /// The session file.
        path: PathBuf,
    },
    /// The state dir has no such file.
    #[error("`{path}` does not exist in the state dir")]
    NoSuchFile {
        /// The file, as it was named.
        path: String,
    },
    /// The session has no journal yet: nothing has changed it through this program.
    #[error("session `{session_id}` has no journal yet")]
    NoJournal {
        /// The session.
        session_id: SessionId,
    },
    /// An archived session has no journal, or none that can be read.
    #[error("the archived session `{id}` has no journal that can be read")]
    NoArchivedJournal {
        /// The session, as it is archived.
        id: String,
    },
    /// The journal has no such operation, or several.
    #[error("{} operation `{operation}`", if *is_ambiguous { "there is more than one" } else { "there is no" })]
    OperationNotFound {
        /// What was given: a number, or the beginning of an id.
        operation: String,
        /// Whether several begin like that.
        is_ambiguous: bool,
    },
    /// The file changed under us again and again.
    #[error("`{}` was changed by someone else {attempts} times while it was being changed", path.display())]
    Contended {
        /// The file.
        path: PathBuf,
        /// How often we tried.
        attempts: u32,
    },
}

fn open_phases(open: &[PhaseId]) -> String {
    const SHOWN: usize = 8;
    let phases: Vec<String> = open.iter().map(|id| format!("phase {id}")).collect();
    let are = if open.len() == 1 { "is" } else { "are" };
    format!("{} {are} open", listed(&phases, SHOWN, ", "))
}

/// What kind of failure it is; the command line has an exit code for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// A rule of the state forbids it.
    Refused,
    /// The request itself is wrong.
    Usage,
    /// There is no session.
    NoSession,
    /// Someone else has the lock.
    Locked,
    /// A file cannot be understood.
    Corrupt,
    /// Two things contradict each other, and only a person can say which holds.
    Conflict,
}

impl SessionError {
    /// Returns the error without the notes on it.
    pub fn bare(&self) -> &Self {
        match self {
            Self::Noted { source, .. } => source.bare(),
            error => error,
        }
    }

    /// Returns what had been put in order before the operation failed.
    pub fn notes(&self) -> &[String] {
        match self {
            Self::Noted { notes, .. } => notes,
            _ => &[],
        }
    }

    /// Puts notes on the error, if there are any.
    pub(crate) fn noting(self, notes: Vec<String>) -> Self {
        if notes.is_empty() { self } else { Self::Noted { notes, source: Box::new(self) } }
    }

    /// Returns the stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Noted { source, .. } => source.code(),
            Self::Settings(error) => error.code(),
            Self::StateDir(error) => error.code(),
            Self::Lock(error) => error.code(),
            Self::Read(error) => error.code(),
            Self::Open(error) => error.code(),
            Self::Commit(error) => error.code(),
            Self::Journal(error) => error.code(),
            Self::StateFile(error) => error.code(),
            Self::File(error) => error.code(),
            Self::Archive(error) => error.code(),
            Self::Retrieve(error) => error.code(),
            Self::NoWords(_) => "NO_WORDS",
            Self::Command(error) => error.code(),
            Self::Undo(error) => error.code(),
            Self::Resume(error) => error.code(),
            Self::Create(error) => error.code(),
            Self::Id(_) => "BAD_ID",
            Self::Path(_) => "BAD_PATH",
            Self::Corrupt { .. } => "CORRUPT",
            Self::Uneditable { source: UpdateError::Refused(_), .. } => "SESSION_TOO_LARGE",
            Self::Uneditable { .. } => "UNEDITABLE",
            Self::Plan { source, .. } => source.code(),
            Self::Report { source, .. } => source.code(),
            Self::NoSession { .. } => "NO_SESSION",
            Self::OtherSession { .. } => "OTHER_SESSION",
            Self::GateUnapproved { .. } => "DESIGN_GATE_UNAPPROVED",
            Self::GateUnreadable { .. } => "DESIGN_GATE_UNREADABLE",
            Self::SessionExists { .. } => "SESSION_EXISTS",
            Self::IdTaken { .. } => "SESSION_ID_TAKEN",
            Self::Unfinished { .. } => "SESSION_UNFINISHED",
            Self::ReconciliationPending { .. } => "RECONCILIATION_PENDING",
            Self::ArchivePending { .. } => "IN_DOUBT",
            Self::DocumentMissing { .. } => "DOCUMENT_MISSING",
            Self::NotStarted { .. } => "PHASE_NOT_STARTED",
            Self::Rejected { .. } | Self::NotText { .. } => "NOT_A_SESSION",
            Self::NoSuchFile { .. } => "NOT_FOUND",
            Self::NoJournal { .. } | Self::NoArchivedJournal { .. } => "NO_JOURNAL",
            Self::OperationNotFound { .. } => "OPERATION_NOT_FOUND",
            Self::Contended { .. } | Self::StateDirSet { .. } | Self::StateDirInUse { .. } => {
                "CONFLICT"
            }
        }
    }

    /// Returns what kind of failure it is.
    pub fn class(&self) -> ErrorClass {
        match self.code() {
            "NO_SESSION" | "NOT_INITIALISED" => ErrorClass::NoSession,
            "LOCKED" => ErrorClass::Locked,
            "CORRUPT" | "TOO_NEW" | "TOO_LARGE" | "NOT_UTF8" | "SESSION_FILE_MISSING" => {
                ErrorClass::Corrupt
            }
            "CONFLICT" | "CONFLICTS_FOUND" => ErrorClass::Conflict,
            "BAD_ID" | "BAD_PATH" | "BAD_SETTING" | "DOCUMENT_MISSING" | "DOCUMENT_UNUSABLE"
            | "OUTSIDE_WORKSPACE" | "TASK_MISSING" | "NO_WORDS" => ErrorClass::Usage,
            _ => ErrorClass::Refused,
        }
    }

    /// Returns what to do next, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Noted { source, .. } => source.hint(),
            Self::Settings(error) => error.hint(),
            Self::StateDir(error) => error.hint(),
            Self::Lock(error) => error.hint(),
            Self::Read(error) => error.hint(),
            Self::Open(error) => error.hint(),
            Self::Commit(error) => error.hint(),
            Self::Journal(error) => error.hint(),
            Self::StateFile(error) => error.hint(),
            Self::File(error) => error.hint(),
            Self::Archive(error) => error.hint(),
            Self::Retrieve(error) => error.hint(),
            Self::NoWords(_) => Some("give at least one word".to_owned()),
            Self::Command(error) => Some(error.hint()),
            Self::Undo(error) => error.hint(),
            Self::Resume(error) => Some(error.hint()),
            Self::Create(error) => Some(error.hint()),
            Self::NotStarted { phase, status: PhaseStatus::Pending } => Some(format!(
                "a scan finds what changed since a phase began; begin it with `{}`",
                CommandLine::of_phase("start", phase, &[])
            )),
            Self::DocumentMissing { .. } => {
                Some("give the path of an existing file, relative to the workspace".to_owned())
            }
            Self::Id(_)
            | Self::Path(_)
            | Self::NoSuchFile { .. }
            | Self::NotStarted { .. } => None,
            Self::Corrupt { .. } => Some(CORRUPT_HINT.to_owned()),
            Self::Uneditable { source: UpdateError::Refused(_), .. } => {
                Some("say it in fewer words; what is long belongs into a file of its own".to_owned())
            }
            Self::Uneditable { .. } => Some(
                "write the values that are to change as plain `key: value` lines in the front matter, \
                 then try again"
                    .to_owned(),
            ),
            Self::Plan { source, .. } => source.hint(),
            Self::Report { source, .. } => source.hint(),
            Self::NoSession { .. } => {
                Some("begin one with `maestro new \"<task>\" --plan FILE`".to_owned())
            }
            Self::SessionExists { .. } => Some(
                "go on with it: `maestro resume`; or archive it first: `maestro archive` (`--force` if it is \
                 unfinished), which `maestro new --archive-active` does too"
                    .to_owned(),
            ),
            Self::OtherSession { .. } => {
                Some("`maestro status` shows the active session, `maestro archive list` the others".to_owned())
            }
            Self::StateDirSet { set, .. } => {
                Some(format!("choose `{set}`, or take MAESTRO_STATE_DIR out of the environment"))
            }
            // It may be one that the settings do not name.
            Self::StateDirInUse { present, .. } => Some(format!(
                "archive that session first: `MAESTRO_STATE_DIR={present} maestro archive`"
            )),
            Self::GateUnapproved { .. } => {
                Some("let the user approve the design, and record that; or give the session another id".to_owned())
            }
            Self::GateUnreadable { .. } => Some(
                "`maestro doctor --fix` puts it into the quarantine; then have the design approved again"
                    .to_owned(),
            ),
            Self::IdTaken { .. } => Some("leave `--id` out, or give another one".to_owned()),
            Self::Unfinished { .. } => Some(
                "complete or skip what is open, or archive it as it is with `maestro archive --force`"
                    .to_owned(),
            ),
            Self::ArchivePending { .. } => {
                Some("try again: the next command that changes something finishes it".to_owned())
            }
            Self::ReconciliationPending { phase } => Some(format!(
                "say what it did: `{}` finds what changed since it began; or say it yourself, with `--report FILE` or \
                 `--created FILE --reason TEXT`",
                CommandLine::of_phase("reconcile", phase, &["--scan"])
            )),
            Self::Rejected { .. } | Self::NotText { .. } => {
                Some("nothing was written; mend the text and try again".to_owned())
            }
            Self::NoJournal { .. } => {
                Some("the first command that changes the session begins one".to_owned())
            }
            Self::NoArchivedJournal { .. } => {
                Some("`maestro archive show` says where its files are".to_owned())
            }
            Self::OperationNotFound { .. } => {
                Some("`maestro log` lists the operations with their numbers".to_owned())
            }
            Self::Contended { .. } => {
                Some("find out what keeps writing the session file, then try again".to_owned())
            }
        }
    }
}

/// Returns what lies behind an error, the nearest first, leaving out what is already said.
pub fn causes(error: &dyn Error) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut said = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let message = cause.to_string();
        // Some I/O errors repeat the message of the error below them.
        if !said.contains(&message) {
            causes.push(message.clone());
            said = message;
        }
        next = cause.source();
    }
    causes
}

/// What to do about a session file that cannot be read.
pub(crate) const CORRUPT_HINT: &str = "mend the file where the error points, or let `maestro doctor --fix` put the last \
    recorded text back (what is there now goes to the quarantine)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_that_would_be_too_large_is_no_damaged_one() {
        let of = |source| SessionError::Uneditable { path: PathBuf::from("a.md"), source };
        let too_large = of(UpdateError::Refused(DocumentError::TooLarge { bytes: 1 << 30 }));
        assert_eq!(too_large.code(), "SESSION_TOO_LARGE");
        assert_eq!(too_large.class(), ErrorClass::Refused);
        assert!(too_large.hint().unwrap().starts_with("say it in fewer words"));
        assert_eq!(of(UpdateError::PlaceNotFound).code(), "UNEDITABLE");
    }
}
