//! `maestro phase start`

use clap::Args;
use maestro_session_model::{Command, PhaseId};

use crate::commands::changed;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::invocation::Place;
use crate::terminal::Terminal;

/// Start a phase
///
/// Its blockers must be completed or skipped, and a slot must be free: one in a
/// sequential session, else as many as `MAESTRO_MAX_CONCURRENT` allows.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  maestro phase start 1"
)]
pub(super) struct StartArgs {
    /// The phase
    #[arg(value_name = "ID")]
    phase: PhaseId,
}

pub(super) fn run(
    args: &StartArgs,
    place: Place,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    let workspace = place.workspace()?;
    let changed = workspace.apply(&Command::Start { phase: args.phase.clone() })?;
    changed::show(&changed, "started", terminal)
}
