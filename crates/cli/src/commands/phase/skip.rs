//! `maestro phase skip`

use clap::Args;
use maestro_session_model::{Command, PhaseId};

use crate::commands::{by_user, changed};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::invocation::Place;
use crate::terminal::Terminal;

/// Leave a phase out, which only the user can decide
///
/// Phases that wait for it can start then. Asks on a terminal; elsewhere --by-user says
/// that the user decided so.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  maestro phase skip 4
  maestro phase skip 4 --by-user --reason \"the guide is written elsewhere\""
)]
pub(super) struct SkipArgs {
    /// The phase
    #[arg(value_name = "ID")]
    phase: PhaseId,
    /// Why, for the log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The user decided it
    #[arg(long)]
    by_user: bool,
}

pub(super) fn run(
    args: &SkipArgs,
    place: Place,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    let workspace = place.workspace()?;
    let changed = by_user::apply(&workspace, terminal, args.by_user, |by_user| Command::Skip {
        phase: args.phase.clone(),
        by_user,
        reason: args.reason.clone(),
    })?;
    changed::show_and_archive(&workspace, &changed, "skipped", terminal)
}
