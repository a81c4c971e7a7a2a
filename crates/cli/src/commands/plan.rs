//! `maestro plan`

use clap::{Args, Subcommand};

use crate::commands::plan_check;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::invocation::Place;
use crate::terminal::Terminal;

/// Look at a plan
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  maestro plan check plan.md")]
pub(crate) struct PlanArgs {
    #[command(subcommand)]
    command: PlanCommand,
}

#[derive(Debug, Subcommand)]
enum PlanCommand {
    Check(plan_check::CheckArgs),
}

pub(crate) fn run(
    args: &PlanArgs,
    place: Place,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    match &args.command {
        PlanCommand::Check(args) => plan_check::run(args, place, terminal),
    }
}
