//! `maestro phase retry`

use clap::Args;
use maestro_session_model::{Command, PhaseId};

use crate::commands::{by_user, changed};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::invocation::Place;
use crate::terminal::Terminal;

/// Try a failed phase again
///
/// Beyond `MAESTRO_MAX_RETRIES` only the user can order it: asks on a terminal; elsewhere
/// --by-user says that the user ordered it.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  maestro phase retry 3
  maestro phase retry 3 --resolution \"smaller scope: only the parser\"
  maestro phase retry 3 --by-user"
)]
pub(super) struct RetryArgs {
    /// The phase
    #[arg(value_name = "ID")]
    phase: PhaseId,
    /// What is different this time
    #[arg(long, value_name = "TEXT")]
    resolution: Option<String>,
    /// The user ordered it
    #[arg(long)]
    by_user: bool,
}

pub(super) fn run(
    args: &RetryArgs,
    place: Place,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    let workspace = place.workspace()?;
    let changed = by_user::apply(&workspace, terminal, args.by_user, |by_user| Command::Retry {
        phase: args.phase.clone(),
        by_user,
        resolution: args.resolution.clone(),
    })?;
    changed::show(&changed, "in progress again", terminal)
}
