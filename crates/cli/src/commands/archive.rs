//! `maestro archive`

use clap::{Args, ValueEnum};
use maestro_session::ArchiveOptions;
use maestro_session_model::SessionStatus;

use crate::commands::receipt;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::invocation::Place;
use crate::terminal::Terminal;

/// Move the active session and its documents to the archive
///
/// A session with open phases is archived only with --force, and then as aborted unless
/// --status says otherwise. Nothing in the archive is ever overwritten.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  maestro archive
  maestro archive --force
  maestro archive --force --status failed"
)]
pub(crate) struct ArchiveArgs {
    /// Archive it though phases are open
    #[arg(long)]
    force: bool,
    /// The status to archive it with [default: completed, or aborted]
    #[arg(long, value_name = "completed|failed|aborted", hide_possible_values = true)]
    status: Option<Ended>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Ended {
    Completed,
    Failed,
    Aborted,
}

impl From<Ended> for SessionStatus {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Completed => Self::Completed,
            Ended::Failed => Self::Failed,
            Ended::Aborted => Self::Aborted,
        }
    }
}

pub(crate) fn run(
    args: &ArchiveArgs,
    place: Place,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    let workspace = place.workspace()?;
    let options = ArchiveOptions { force: args.force, status: args.status.map(Into::into) };
    let receipt = workspace.archive(options)?;
    terminal.show(&receipt, receipt::text)?;
    Ok(ExitCode::DONE)
}
