//! The command line of Maestro sessions.
//!
//! Parses what was typed, calls one operation of [`maestro_session::Workspace`], and displays what it returns. No rule of
//! a session is known here, and nothing ambient is read: clock, ids, environment, streams and the current directory come
//! in one [`Invocation`], so that a test runs a command in its own process.
//!
//! # Guarantees
//!
//! * Data goes to stdout, messages go to stderr. With `--json`, stdout is one versioned object, also when the command
//!   fails, and stderr stays empty.
//! * [`ExitCode`] lists every code; each kind of failure has one of its own.
//! * Control characters in texts that come from a file are escaped before they reach a terminal.
//! * A reader that goes away (`maestro log | head`) is no failure.
//!
//! # Limitations
//!
//! Columns are aligned by counting characters: text with wide or combining characters stands a little out of line.
//!
//! # Example
//!
//! ```
//! let help = maestro_cli::command().render_help().to_string();
//! assert!(help.contains("maestro phase start 1"));
//! ```

mod cli;
mod commands;
mod exit_code;
mod failure;
mod input;
mod invocation;
mod json;
mod run;
mod table;
mod terminal;
mod text;
mod tokens;
mod violations;

pub use crate::cli::command;
pub use crate::exit_code::ExitCode;
pub use crate::invocation::{Invocation, Output};
pub use crate::json::OUTPUT_VERSION;
pub use crate::run::run;
