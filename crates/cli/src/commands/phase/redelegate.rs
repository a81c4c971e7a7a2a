//! `maestro phase redelegate`

use clap::Args;
use maestro_session_model::{AgentName, Command, PhaseId};

use crate::commands::changed;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::invocation::Place;
use crate::terminal::Terminal;

/// Give the work of an interrupted agent out again
///
/// The phase stays in progress, with the same scope.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  maestro phase redelegate 3
  maestro phase redelegate 3 --agent debugger --reason \"the host crashed\""
)]
pub(super) struct RedelegateArgs {
    /// The phase
    #[arg(value_name = "ID")]
    phase: PhaseId,
    /// The agent that takes over [default: the same agent]
    #[arg(long, value_name = "NAME")]
    agent: Option<AgentName>,
    /// Why, for the log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

pub(super) fn run(
    args: &RedelegateArgs,
    place: Place,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    let workspace = place.workspace()?;
    let changed = workspace.apply(&Command::Redelegate {
        phase: args.phase.clone(),
        agent: args.agent.clone(),
        reason: args.reason.clone(),
    })?;
    changed::show(&changed, "given out again", terminal)
}
