//! `maestro phase`

use clap::{Args, Subcommand};

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::invocation::Place;
use crate::terminal::Terminal;

mod adjust;
mod complete;
mod fail;
mod reconcile;
mod redelegate;
mod retry;
mod skip;
mod start;

/// Carry a phase from one status to the next
///
///   pending      start -> in progress    skip -> skipped (by the user)
///   in progress  complete -> completed   fail -> failed   redelegate -> in progress
///   failed       retry -> in progress    skip -> skipped (by the user)
///   completed    reconcile (puts its record right)
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  maestro phase start 2
  maestro phase complete 2 --report handoff.md
  maestro phase fail 3 --type timeout --message \"no answer for 30 minutes\"
  maestro phase retry 3"
)]
pub(crate) struct PhaseArgs {
    #[command(subcommand)]
    command: PhaseCommand,
}

#[derive(Debug, Subcommand)]
enum PhaseCommand {
    Start(start::StartArgs),
    Complete(complete::CompleteArgs),
    Fail(fail::FailArgs),
    Retry(retry::RetryArgs),
    Skip(skip::SkipArgs),
    Redelegate(redelegate::RedelegateArgs),
    Adjust(adjust::AdjustArgs),
    Reconcile(reconcile::ReconcileArgs),
}

pub(crate) fn run(
    args: &PhaseArgs,
    place: Place,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    match &args.command {
        PhaseCommand::Start(args) => start::run(args, place, terminal),
        PhaseCommand::Complete(args) => complete::run(args, place, terminal),
        PhaseCommand::Fail(args) => fail::run(args, place, terminal),
        PhaseCommand::Retry(args) => retry::run(args, place, terminal),
        PhaseCommand::Skip(args) => skip::run(args, place, terminal),
        PhaseCommand::Redelegate(args) => redelegate::run(args, place, terminal),
        PhaseCommand::Adjust(args) => adjust::run(args, place, terminal),
        PhaseCommand::Reconcile(args) => reconcile::run(args, place, terminal),
    }
}
