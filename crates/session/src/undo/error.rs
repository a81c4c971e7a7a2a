//! Why something cannot be undone.

use maestro_session_model::CommandLine;

/// Why something cannot be undone. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UndoError {
    /// Every operation that can be undone is.
    #[error("there is nothing left to undo")]
    NothingLeft,
    /// It was abandoned.
    #[error("operation {seq} never took effect")]
    NeverTookEffect {
        /// Its number.
        seq: u64,
    },
    /// It is undone.
    #[error("operation {seq} is undone already, by operation {by}")]
    UndoneAlready {
        /// Its number.
        seq: u64,
        /// The number of the undo.
        by: u64,
    },
    /// An edit by hand took it back, and it was made again.
    #[error("operation {seq} was made again after an edit by hand, as operation {by}")]
    MadeAgain {
        /// Its number.
        seq: u64,
        /// The number of the operation that holds now.
        by: u64,
    },
    /// It left the session file as it was.
    #[error("operation {seq} did not change the session")]
    ChangedNothing {
        /// Its number.
        seq: u64,
    },
    /// It made the session.
    #[error("operation {seq} began the session")]
    IsTheBeginning {
        /// Its number.
        seq: u64,
    },
    /// It brought the session back from the archive.
    #[error("operation {seq} brought the session back from the archive")]
    BroughtBack {
        /// Its number.
        seq: u64,
    },
    /// There is no active session any more: it is archived.
    #[error("there is no active session; `{id}` was archived last")]
    Archived {
        /// The session, as it is archived.
        id: String,
    },
    /// The text before it is not known.
    #[error("the journal does not have the session file as it was before operation {seq}")]
    NotKept {
        /// Its number.
        seq: u64,
    },
    /// What came after it changed the same lines.
    #[error("what operation {seq} changed was changed again since{}", by(later))]
    Entangled {
        /// Its number.
        seq: u64,
        /// The numbers of operations that may have done that, the newest first.
        later: Vec<u64>,
    },
    /// The session would break rules that it keeps now.
    #[error("without operation {seq} the session would break a rule: {}", rules.join("; "))]
    BreaksRules {
        /// Its number.
        seq: u64,
        /// The rules.
        rules: Vec<String>,
    },
}

fn by(later: &[u64]) -> String {
    match later {
        [] => String::new(),
        [one] => format!(", by operation {one}"),
        [first, .., last] if later.len() > 3 => {
            format!(", by {} operations from {last} to {first}", later.len())
        }
        many => {
            let numbers: Vec<String> = many.iter().map(u64::to_string).collect();
            format!(", by operations {}", numbers.join(", "))
        }
    }
}

impl UndoError {
    /// Returns the stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NothingLeft => "NOTHING_TO_UNDO",
            Self::NeverTookEffect { .. }
            | Self::UndoneAlready { .. }
            | Self::MadeAgain { .. }
            | Self::ChangedNothing { .. }
            | Self::IsTheBeginning { .. }
            | Self::BroughtBack { .. }
            | Self::NotKept { .. } => "NOT_UNDOABLE",
            Self::Archived { .. } => "NO_SESSION",
            Self::Entangled { .. } | Self::BreaksRules { .. } => "UNDO_BLOCKED",
        }
    }

    /// Returns what to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NothingLeft | Self::IsTheBeginning { .. } => {
                "to give the session up, archive it: `maestro archive --force`".to_owned()
            }
            Self::BroughtBack { .. } => {
                "to put it back, archive it: `maestro archive --force`; what was done before that can be undone by its \
                 number: `maestro undo --op N`"
                    .to_owned()
            }
            Self::Archived { id } => format!(
                "to undo its archiving: `{}`",
                CommandLine::new(&["archive", "restore"], Some(id), &[])
            ),
            Self::NeverTookEffect { .. } | Self::ChangedNothing { .. } => {
                "`maestro log` lists the operations with their numbers".to_owned()
            }
            Self::UndoneAlready { by, .. } => {
                format!("to bring it back, undo the undo: `maestro undo --op {by}`")
            }
            Self::MadeAgain { by, .. } => format!("undo that one: `maestro undo --op {by}`"),
            Self::NotKept { .. } => {
                "texts that are kept can be put back as they are: `maestro log --document --op N > \
                 old.md`, then `maestro state write state/active-session.md < old.md`"
                    .to_owned()
            }
            Self::Entangled { later, .. } => match later.first() {
                Some(newest) => format!(
                    "undo what came after it first, the newest first: `maestro undo --op {newest}`"
                ),
                None => {
                    "undo what came after it first, the newest first: `maestro undo`".to_owned()
                }
            },
            Self::BreaksRules { .. } => {
                "undo what builds on it first; `maestro log` shows what came after it".to_owned()
            }
        })
    }
}
