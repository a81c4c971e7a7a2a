//! `maestro mcp`: serves the operations to a model.

use clap::Args;
use maestro_mcp::Server;
use maestro_state_store::{Actor, ActorKind};

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::invocation::Place;
use crate::terminal::{Streams, Terminal};

/// Serve sessions to an agent CLI over MCP
///
/// Speaks the Model Context Protocol over stdin and stdout, in every revision, until stdin
/// ends; stderr has a log. An agent CLI starts it: docs/MCP.md says how to register it in
/// each, and which tools it has. It can be killed at any moment.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  maestro mcp
  MAESTRO_WORKSPACE_PATH=/home/u/app maestro mcp"
)]
pub(crate) struct McpArgs {}

pub(crate) fn run(place: Place, terminal: &mut Terminal) -> Result<ExitCode, Failure> {
    let Place { mut env, cwd, disk } = place;
    env.actor = Actor { kind: ActorKind::Mcp, ..env.actor };
    let Streams { stdin, stdout, stderr } = terminal.give_away();
    let server = Server { env, cwd, disk, stdin, stdout, stderr };
    server.serve().map_err(|source| Failure::NoServer { source })?;
    Ok(ExitCode::DONE)
}
