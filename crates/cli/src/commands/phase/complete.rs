//! `maestro phase complete`

use clap::Args;
use maestro_session_model::{Command, PhaseId};

use crate::commands::changed;
use crate::commands::handoff::HandoffArgs;
use crate::commands::looking;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::invocation::Place;
use crate::terminal::Terminal;

/// Record that a phase ended well, with what its agent hands over
///
/// Takes the agent's handoff report, or its parts as options, or both. Files without a
/// word for the phases that depend on this one are refused; a handoff without anything
/// leaves a record that has to be reconciled before the session is archived.
///
/// When this was the last phase, the session is archived at once, or with
/// `MAESTRO_AUTO_ARCHIVE=false` after a question.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  maestro phase complete 2 --report handoff.md
  maestro phase complete 2 --report - --tokens input=12000,output=3400,cached=9000 < handoff.md
  maestro phase complete 2 --created src/limit.rs --interface \"KeyedLimiter::check in src/limit.rs\""
)]
pub(super) struct CompleteArgs {
    /// The phase
    #[arg(value_name = "ID")]
    phase: PhaseId,
    #[command(flatten)]
    handoff: HandoffArgs,
}

pub(super) fn run(
    args: &CompleteArgs,
    place: Place,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    let cwd = place.cwd.clone();
    let workspace = place.workspace()?;
    let phase = args.phase.clone();
    let (handoff, notes) = args.handoff.read(&phase, &workspace, &cwd, terminal)?;
    let command = Command::Complete { phase, handoff };
    let changed = workspace.apply_with_progress(&command, &mut looking::at_files(terminal));
    terminal.progress("");
    let mut changed = changed?;
    changed.warnings.splice(0..0, notes);
    changed::show_and_archive(&workspace, &changed, "completed", terminal)
}
