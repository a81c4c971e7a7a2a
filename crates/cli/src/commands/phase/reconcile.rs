//! `maestro phase reconcile`

use clap::Args;
use maestro_session_model::{Command, PhaseId};

use crate::commands::changed;
use crate::commands::handoff::HandoffArgs;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::invocation::Place;
use crate::terminal::Terminal;

/// Put the record of a completed phase right
///
/// Adds files and context to what is recorded, and takes nothing away. At least one file
/// or some context is needed.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  maestro phase reconcile 2 --created src/limit.rs --reason \"the agent reported nothing\"
  maestro phase reconcile 2 --report handoff.md"
)]
pub(super) struct ReconcileArgs {
    /// The phase
    #[arg(value_name = "ID")]
    phase: PhaseId,
    /// Why the record was not right, for the log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    handoff: HandoffArgs,
}

pub(super) fn run(
    args: &ReconcileArgs,
    place: Place,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    let cwd = place.cwd.clone();
    let workspace = place.workspace()?;
    let phase = args.phase.clone();
    let (handoff, notes) = args.handoff.read(&phase, &workspace, &cwd, terminal)?;
    let reason = args.reason.clone();
    let mut changed = workspace.apply(&Command::Reconcile { phase, handoff, reason })?;
    changed.warnings.splice(0..0, notes);
    changed::show_and_archive(&workspace, &changed, "reconciled", terminal)
}
