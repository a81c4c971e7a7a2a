//! `maestro archive`

use clap::{Args, Subcommand, ValueEnum};
use maestro_session::ArchiveOptions;
use maestro_session_model::SessionStatus;

use crate::commands::receipt;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::invocation::Place;
use crate::terminal::Terminal;

mod list;
mod restore;
mod search;
mod show;
mod verify;

/// Move the active session and its documents to the archive, or look into it
///
/// A session with open phases is archived only with --force, and then as aborted unless
/// --status says otherwise. Nothing in the archive is ever overwritten. Archived sessions
/// are listed, shown and searched where they are.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  maestro archive
  maestro archive --force
  maestro archive --force --status failed
  maestro archive list
  maestro archive search limiter
  maestro archive restore 2026-01-15"
)]
pub(crate) struct ArchiveArgs {
    /// Archive it though phases are open
    #[arg(long)]
    force: bool,
    /// The status to archive it with [default: completed, or aborted]
    #[arg(long, value_name = "completed|failed|aborted", hide_possible_values = true)]
    status: Option<Ended>,
    #[command(subcommand)]
    command: Option<ArchiveCommand>,
}

#[derive(Debug, Subcommand)]
enum ArchiveCommand {
    List(list::ListArgs),
    Show(show::ShowArgs),
    Search(search::SearchArgs),
    Restore(restore::RestoreArgs),
    Verify(verify::VerifyArgs),
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
    if args.command.is_some() && (args.force || args.status.is_some()) {
        // Not left to the parser, which would refuse the global options as well.
        return Err(Failure::Usage {
            message: "`--force` and `--status` in front of another command say nothing".to_owned(),
            hint: Some(
                "put options behind the command: `maestro archive list --status failed`".to_owned(),
            ),
        });
    }
    match &args.command {
        Some(ArchiveCommand::List(args)) => return list::run(args, place, terminal),
        Some(ArchiveCommand::Show(args)) => return show::run(args, place, terminal),
        Some(ArchiveCommand::Search(args)) => return search::run(args, place, terminal),
        Some(ArchiveCommand::Restore(args)) => return restore::run(args, place, terminal),
        Some(ArchiveCommand::Verify(args)) => return verify::run(args, place, terminal),
        None => {}
    }
    let workspace = place.workspace()?;
    let options =
        ArchiveOptions { force: args.force, status: args.status.map(Into::into), unfinished: None };
    let receipt = workspace.archive(options)?;
    terminal.show(&receipt, receipt::text)?;
    Ok(ExitCode::DONE)
}
