//! Why a command failed, and how that is told.

use std::io;
use std::path::PathBuf;

use anstyle::AnsiColor;
use maestro_session::{Recorded, SessionError, causes};
use maestro_session_model::{CommandLine, Violation};
use serde::Serialize;

use crate::exit_code::ExitCode;
use crate::text::{Span, Text, label, plain};
use crate::violations;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The operation failed.
    #[error(transparent)]
    Session(Box<SessionError>),
    /// The session file cannot be read, and the session was shown as it was recorded last.
    #[error("{error}")]
    Unreadable {
        #[source]
        error: Box<SessionError>,
        recorded: Box<Recorded>,
    },
    /// The plan of a new session breaks rules.
    #[error("`{plan}` breaks the rules of plans, and nothing was made of it")]
    PlanRejected { plan: String, violations: Vec<Violation> },
    /// The command line is wrong.
    #[error("{message}")]
    Usage { message: String, hint: Option<String> },
    /// A directory cannot be used.
    #[error("`{}` is not a directory that can be entered", path.display())]
    Directory { path: PathBuf, source: io::Error },
    /// A file that the command line names cannot be read.
    #[error("`{}` cannot be read", path.display())]
    Input { path: PathBuf, source: io::Error },
    /// Stdin cannot be read.
    #[error("stdin cannot be read")]
    Stdin { source: io::Error },
    /// More was to be read than a session can hold.
    #[error("`{name}` has more than {limit} bytes")]
    TooLarge { name: String, limit: u64 },
    /// A text was to be read, and it is none.
    #[error("`{name}` is not UTF-8 text: line {line} has other bytes")]
    NotUtf8 { name: String, line: usize },
    /// A file cannot be put into JSON.
    #[error("`{path}` is not UTF-8 text and has no form in JSON")]
    NotText { path: String },
    /// The user was asked and said no.
    #[error("nothing was changed: the answer was no")]
    Declined,
    /// The system has no room for a server.
    #[error("the server cannot be started")]
    NoServer { source: io::Error },
    /// The result cannot be written.
    #[error("the command was carried out, but its result cannot be written to stdout")]
    Output { source: io::Error },
    /// The result has no form in JSON.
    #[error("the command was carried out, but its result cannot be written as JSON")]
    NotJson { source: serde_json::Error },
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        Self::Session(Box::new(error))
    }
}

impl Failure {
    /// Returns the code that the process ends with.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Session(error) | Self::Unreadable { error, .. } => error.class().into(),
            Self::Usage { .. }
            | Self::Directory { .. }
            | Self::Input { .. }
            | Self::TooLarge { .. }
            | Self::NotUtf8 { .. } => ExitCode::USAGE,
            Self::PlanRejected { .. }
            | Self::Stdin { .. }
            | Self::NoServer { .. }
            | Self::NotText { .. }
            | Self::Declined
            | Self::Output { .. }
            | Self::NotJson { .. } => ExitCode::REFUSED,
        }
    }

    /// Returns the failure as data.
    pub(crate) fn report(&self) -> ErrorReport {
        ErrorReport {
            code: self.code(),
            message: self.to_string(),
            causes: causes(self),
            hint: self.hint(),
            notes: self.notes(),
            plan: self.plan(),
            recorded: match self {
                Self::Unreadable { recorded, .. } => Some(recorded.clone()),
                _ => None,
            },
        }
    }

    fn notes(&self) -> Vec<String> {
        match self {
            Self::Session(error) | Self::Unreadable { error, .. } => error.notes().to_vec(),
            _ => Vec::new(),
        }
    }

    fn plan(&self) -> Option<RejectedPlan> {
        match self {
            Self::PlanRejected { plan, violations } => {
                Some(RejectedPlan { plan: plan.clone(), violations: violations.clone() })
            }
            _ => None,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Session(error) | Self::Unreadable { error, .. } => error.code(),
            Self::PlanRejected { .. } => "PLAN_REJECTED",
            Self::Usage { .. } => "USAGE",
            Self::Directory { .. } => "BAD_DIRECTORY",
            Self::Input { .. } | Self::Stdin { .. } => "INPUT_UNREADABLE",
            Self::TooLarge { .. } => "INPUT_TOO_LARGE",
            Self::NotUtf8 { .. } => "INPUT_NOT_UTF8",
            Self::NotText { .. } => "NOT_UTF8",
            Self::Declined => "DECLINED",
            Self::NoServer { .. } => "NO_SERVER",
            Self::Output { .. } | Self::NotJson { .. } => "OUTPUT_FAILED",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Session(error) | Self::Unreadable { error, .. } => error.hint(),
            Self::PlanRejected { plan, .. } => Some(format!(
                "mend the plan until `{}` accepts it",
                CommandLine::new(&["plan", "check"], Some(plan), &[])
            )),
            Self::Usage { hint, .. } => hint.clone(),
            Self::Directory { .. } => Some("give the path of an existing directory".to_owned()),
            Self::Input { .. } => Some(
                "give an existing file, relative to the current directory (or to `-C DIR`), or `-` for stdin"
                    .to_owned(),
            ),
            Self::NotUtf8 { .. } => Some("save it as UTF-8".to_owned()),
            Self::NotText { .. } | Self::NotJson { .. } => Some("leave `--json` out".to_owned()),
            Self::NoServer { .. } => Some("end other programs, then try again".to_owned()),
            Self::Stdin { .. } | Self::TooLarge { .. } | Self::Declined | Self::Output { .. } => None,
        }
    }
}

/// A failure as data: what `--json` prints, and what the text for people is made of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ErrorReport {
    /// The stable code for programs.
    pub(crate) code: &'static str,
    /// What is wrong.
    pub(crate) message: String,
    /// What lies behind it, the nearest first.
    pub(crate) causes: Vec<String>,
    /// What to do next.
    pub(crate) hint: Option<String>,
    /// What had been put in order before it failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<String>,
    /// The plan that was rejected, if it was one.
    #[serde(flatten)]
    pub(crate) plan: Option<RejectedPlan>,
    /// The session as it was recorded last, if its file cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) recorded: Option<Box<Recorded>>,
}

/// A plan, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RejectedPlan {
    pub(crate) plan: String,
    pub(crate) violations: Vec<Violation>,
}

impl ErrorReport {
    /// Returns the failure as text for people.
    pub(crate) fn text(&self) -> Text {
        let mut text = Text::default();
        for note in &self.notes {
            lines(&mut text, "note:", AnsiColor::Cyan, note);
        }
        lines(&mut text, "error:", AnsiColor::Red, &self.message);
        for cause in &self.causes {
            let mut cause = cause.lines();
            text.line([plain("  caused by: "), plain(cause.next().unwrap_or_default())]);
            for line in cause {
                text.line(indented("    ", line));
            }
        }
        if let Some(RejectedPlan { plan, violations }) = &self.plan {
            violations::append(&mut text, plan, violations);
        }
        if let Some(hint) = &self.hint {
            text.gap();
            lines(&mut text, "hint:", AnsiColor::Cyan, hint);
        }
        text
    }
}

/// A label and a message, whose further lines are indented.
fn lines(text: &mut Text, name: &str, color: AnsiColor, message: &str) {
    let mut message = message.lines();
    text.line([label(name, color), plain(" "), plain(message.next().unwrap_or_default())]);
    for line in message {
        text.line(indented("  ", line));
    }
}

fn indented(indent: &str, line: &str) -> Vec<Span> {
    if line.is_empty() { Vec::new() } else { vec![plain(indent), plain(line)] }
}
