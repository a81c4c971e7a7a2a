//! What can be wrong, in words.

use std::error::Error;
use std::path::{Path, PathBuf};

use maestro_session_model::SessionId;
use serde::Serialize;

use crate::error::SessionError;

/// Something that is wrong with a state dir.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The stable code for programs.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What lies behind it, the nearest first.
    pub because: Vec<String>,
    /// The file that it is about.
    pub path: Option<String>,
    /// Who puts it in order.
    pub remedy: Remedy,
    /// What will be done about it, or what a person can do.
    pub advice: String,
    #[serde(skip)]
    pub(crate) repair: Repair,
}

/// Who puts something in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// The next command that changes something.
    ByItself,
    /// A repair, when it is ordered.
    ByRepair,
    /// Only a person.
    ByPerson,
}

/// How something is repaired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Repair {
    /// By opening the session, as every command does.
    Open,
    /// By making what is missing of the state dir.
    Layout,
    /// By writing the last recorded document.
    Rebuild(SessionId),
    /// By archiving the session of a journal whose document is gone, as far as it is known.
    ArchiveFromJournal(SessionId),
    /// By setting a journal aside, so that the document gets a new one.
    NewJournal(SessionId),
    /// By setting the damaged part of a journal aside, and all before it.
    ShortenJournal(PathBuf),
    /// By setting a file aside.
    SetAside(PathBuf),
    /// By adding up the tokens again.
    Totals,
    /// Not by us.
    None,
}

impl Repair {
    /// Whether the repair itself leaves an operation in the journal.
    pub(crate) fn is_recorded(&self) -> bool {
        match self {
            Self::Rebuild(_) | Self::ShortenJournal(_) | Self::Totals | Self::None => true,
            Self::Open
            | Self::Layout
            | Self::ArchiveFromJournal(_)
            | Self::NewJournal(_)
            | Self::SetAside(_) => false,
        }
    }
}

impl Finding {
    /// Something that the next command puts in order.
    pub(crate) fn by_itself(code: &'static str, message: String, advice: &str) -> Self {
        Self::new(code, message, Remedy::ByItself, advice, Repair::Open)
    }

    /// Something that a repair puts in order.
    pub(crate) fn by_repair(
        code: &'static str,
        message: String,
        advice: &str,
        repair: Repair,
    ) -> Self {
        Self::new(code, message, Remedy::ByRepair, advice, repair)
    }

    /// Something that only a person can put in order.
    pub(crate) fn by_person(code: &'static str, message: String, advice: &str) -> Self {
        Self::new(code, message, Remedy::ByPerson, advice, Repair::None)
    }

    /// An error that stands in the way of examining something.
    pub(crate) fn of_error(error: &SessionError) -> Self {
        let advice =
            error.hint().unwrap_or_else(|| "see to it, then run the doctor again".to_owned());
        Self::by_person(error.code(), error.to_string(), &advice).because_of(error)
    }

    pub(crate) fn not_recorded(error: &SessionError) -> Self {
        let message = "what was repaired could not be recorded in the journal".to_owned();
        Self::by_person("IO", message, "nothing needs to be done; the repairs hold")
            .because_of(error)
    }

    fn new(
        code: &'static str,
        message: String,
        remedy: Remedy,
        advice: &str,
        repair: Repair,
    ) -> Self {
        let advice = advice.to_owned();
        Self { code, message, because: Vec::new(), path: None, remedy, advice, repair }
    }

    /// Names the file that it is about, relative to the workspace.
    pub(crate) fn at(mut self, workspace: &Path, path: &Path) -> Self {
        let path = path.strip_prefix(workspace).unwrap_or(path);
        self.path = Some(path.to_string_lossy().replace('\\', "/"));
        self
    }

    /// Adds what lies behind an error.
    pub(crate) fn because_of(mut self, error: &dyn Error) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            let text = error.to_string();
            let is_said = self.message.contains(&text) || self.because.contains(&text);
            if !is_said {
                self.because.push(text);
            }
            next = error.source();
        }
        self
    }

    /// Says that a repair was tried in vain.
    pub(crate) fn could_not_be_repaired(&mut self, error: &SessionError) {
        self.because.push(format!("it could not be repaired: {error}"));
        self.advice = error.hint().unwrap_or_else(|| {
            "remove what stands in the way, then run the doctor again".to_owned()
        });
        self.remedy = Remedy::ByPerson;
        self.repair = Repair::None;
    }
}
