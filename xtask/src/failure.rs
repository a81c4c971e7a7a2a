//! Why a task did not succeed.

use std::{error, fmt, io};

/// Why a task did not succeed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// The arguments are not those of a task.
    Usage(String),
    /// The task ran to its end and found something; the details are printed already.
    Found(String),
    /// A program that a task needs did not do its work.
    Program {
        /// The command line.
        command: String,
        /// What it said, or how it ended.
        detail: String,
    },
    /// The answer of a program is not what this version of xtask reads.
    Unreadable {
        /// What was read.
        what: &'static str,
        /// Where it stopped making sense.
        detail: String,
    },
    /// The system refused; the message names the file or program.
    Io(io::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(message) | Self::Found(message) => f.write_str(message),
            Self::Program { command, detail } => write!(f, "`{command}` failed: {detail}"),
            Self::Unreadable { what, detail } => write!(f, "{what} can't be read: {detail}"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl error::Error for Failure {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io(error) => error.source(),
            Self::Usage(_) | Self::Found(_) | Self::Program { .. } | Self::Unreadable { .. } => {
                None
            }
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
