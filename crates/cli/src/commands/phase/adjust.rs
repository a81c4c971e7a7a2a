//! `maestro phase adjust`

use clap::Args;
use maestro_session::{SessionError, Workspace};
use maestro_session_model::{Adjustment, AgentName, Command, PhaseId};

use crate::commands::changed;
use crate::commands::handoff::paths;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::invocation::Place;
use crate::terminal::Terminal;

/// The value that stands for an empty list.
const NONE: &str = "none";

/// Change the plan of a phase that is not completed
///
/// What is not named stays. The plan must keep its rules: no cycle, no file that is
/// owned by two phases that may run at the same time.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  maestro phase adjust 3 --agent debugger
  maestro phase adjust 5 --blocked-by 2,3
  maestro phase adjust 5 --blocked-by none --files src/app.rs,tests/app.rs"
)]
pub(super) struct AdjustArgs {
    /// The phase
    #[arg(value_name = "ID")]
    phase: PhaseId,
    /// What the phase is called
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// The agent that carries it out (repeatable)
    #[arg(long, value_name = "NAME")]
    agent: Vec<AgentName>,
    /// The phases it waits for, separated by commas, or `none`
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    blocked_by: Vec<String>,
    /// The files it owns, separated by commas, or `none`
    #[arg(long, value_name = "PATHS", value_delimiter = ',')]
    files: Vec<String>,
}

pub(super) fn run(
    args: &AdjustArgs,
    place: Place,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    let workspace = place.workspace()?;
    let command =
        Command::Adjust { phase: args.phase.clone(), changes: changes(args, &workspace)? };
    let changed = workspace.apply(&command)?;
    changed::show(&changed, "adjusted", terminal)
}

fn changes(args: &AdjustArgs, workspace: &Workspace) -> Result<Adjustment, Failure> {
    let ids = |texts: &[String]| {
        let ids = texts.iter().map(|text| text.trim().parse::<PhaseId>());
        ids.collect::<Result<Vec<_>, _>>().map_err(SessionError::from)
    };
    Ok(Adjustment {
        name: args.name.clone(),
        agents: Some(args.agent.clone()).filter(|agents| !agents.is_empty()),
        blocked_by: listed(&args.blocked_by).map(ids).transpose()?,
        planned_files: listed(&args.files).map(|files| paths(workspace, files)).transpose()?,
    })
}

/// Returns what an option lists: nothing when it is not given, an empty list for `none`.
fn listed(values: &[String]) -> Option<&[String]> {
    match values {
        [] => None,
        [only] if only == NONE => Some(&[]),
        all => Some(all),
    }
}
