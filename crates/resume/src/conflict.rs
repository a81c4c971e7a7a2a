//! What may have changed behind the back of a session.

use maestro_session_model::{PhaseId, RelPath, Timestamp};
use serde::Serialize;

/// Something that is not as the session's record says.
///
/// What the session itself did since is no conflict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "conflict", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Conflict {
    /// A phase was started and has not ended well: its agent may have left files half done.
    PartialPhase {
        /// Which phase.
        phase: PhaseId,
        /// When it began.
        started: Option<Timestamp>,
        /// Those of its files that are there, and those that earlier phases left and that are gone. May be empty.
        files: Vec<PartialFile>,
    },
    /// A file of a manifest is not as its phase left it.
    File(FileConflict),
    /// The design or the plan is not as it was when the session was created.
    DocumentChanged {
        /// Which of the two.
        role: DocumentRole,
        /// The document, as the session names it.
        path: String,
        /// How the text of then becomes that of now: a unified diff. Nothing if the text of then is not known.
        diff: Option<String>,
    },
    /// The design or the plan is gone, or cannot be read.
    DocumentMissing {
        /// Which of the two.
        role: DocumentRole,
        /// The document, as the session names it.
        path: String,
        /// Why it cannot be read, if it is there.
        reason: Option<String>,
    },
}

/// A file of a manifest that is not as its phase left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileConflict {
    /// The phase that had it last in its manifest.
    pub phase: PhaseId,
    /// The file, relative to the workspace.
    pub path: RelPath,
    /// What happened to it.
    #[serde(flatten)]
    pub kind: ConflictKind,
}

/// What happened to a file of a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConflictKind {
    /// Its contents differ.
    Modified {
        /// How that is known.
        evidence: Evidence,
    },
    /// It is gone.
    Deleted,
    /// The phase deleted it, and it is there again.
    Recreated,
    /// Something else than a regular file is in its place.
    TypeChanged {
        /// What is there, such as `a directory`.
        now: String,
    },
    /// It cannot be compared: it cannot be read, or its path leads out of the workspace.
    Unreadable {
        /// Why.
        reason: String,
    },
}

impl ConflictKind {
    /// Returns what happened to the file, in words of ours, and what the system says of it, where it says something.
    pub fn in_words(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Modified { evidence: Evidence::Contents } => ("modified", None),
            Self::Modified { evidence: Evidence::Time } => ("written after its phase ended", None),
            Self::Deleted => ("deleted", None),
            Self::Recreated => ("deleted by its phase, and there again", None),
            Self::TypeChanged { now } => ("replaced", Some(now)),
            Self::Unreadable { reason } => ("not comparable", Some(reason)),
        }
    }
}

/// How it is known that a file was modified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Evidence {
    /// Its contents have another length or another hash.
    Contents,
    /// Nothing was recorded of its contents, and it was written after its phase ended.
    Time,
}

/// A file of a phase that was started and has not ended well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartialFile {
    /// The file, relative to the workspace.
    pub path: RelPath,
    /// What is known of it.
    #[serde(flatten)]
    pub state: PartialState,
}

/// What is known of a file that a phase plans and may have touched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[non_exhaustive]
pub enum PartialState {
    /// It came to be after the phase began.
    Created,
    /// It was written after the phase began.
    Changed,
    /// An earlier phase left it, and it is gone.
    Deleted,
    /// Something of another type is in the place of what was recorded.
    TypeChanged {
        /// What is there, such as `a directory`.
        now: String,
    },
    /// It cannot be compared: it cannot be read, or its path leads out of the workspace.
    Unreadable {
        /// Why.
        reason: String,
    },
    /// It was there before the phase began, and nothing says that it was touched.
    Untouched,
}

impl PartialState {
    /// Returns what happened to the file, in words of ours, and what the system says of it, where it says something.
    pub fn in_words(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Created => ("created since the phase began", None),
            Self::Changed => ("changed since the phase began", None),
            Self::Deleted => ("deleted", None),
            Self::TypeChanged { now } => ("replaced", Some(now)),
            Self::Unreadable { reason } => ("not comparable", Some(reason)),
            Self::Untouched => ("untouched", None),
        }
    }

    /// Whether the user is told of it before anything goes on.
    pub fn is_for_the_user(&self) -> bool {
        !matches!(self, Self::Untouched)
    }
}

/// Which of a session's documents. There are these two: it may be matched whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentRole {
    /// The design document.
    Design,
    /// The implementation plan.
    Plan,
}

impl DocumentRole {
    /// Returns what the document is called.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Design => "design",
            Self::Plan => "plan",
        }
    }
}
