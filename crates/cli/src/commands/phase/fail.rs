//! `maestro phase fail`

use clap::{Args, ValueEnum};
use maestro_session_model::{
    AgentName, Command, ErrorKind, Failure as PhaseFailure, PhaseId, TokenCounts,
};

use crate::commands::changed;
use crate::commands::handoff::source;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::input::Source;
use crate::invocation::Place;
use crate::terminal::Terminal;
use crate::tokens;

/// Record that a phase ended badly
///
/// The message is what the next attempt gets to know. It comes from --message, else from
/// the section `Errors` of the report, else from the report's first line.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  maestro phase fail 3 --message \"cargo test: 2 of 14 failed in tests/limit.rs\"
  maestro phase fail 3 --type validation --report handoff.md"
)]
pub(super) struct FailArgs {
    /// The phase
    #[arg(value_name = "ID")]
    phase: PhaseId,
    /// What kind of failure
    ///
    /// One of `validation`, `timeout`, `file_conflict`, `runtime`, `dependency`.
    #[arg(
        long = "type",
        value_name = "TYPE",
        default_value = "runtime",
        hide_possible_values = true
    )]
    kind: Kind,
    /// What went wrong, in full
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// The agent to whom it happened [default: the agent of the phase]
    #[arg(long, value_name = "NAME")]
    agent: Option<AgentName>,
    /// The tokens used: `input=N,output=N,cached=N`, any of them
    #[arg(long, value_name = "COUNTS", value_parser = tokens::parse)]
    tokens: Option<TokenCounts>,
    /// Read the agent's report from FILE, or from stdin with `-`
    #[arg(long, value_name = "FILE", value_parser = source)]
    report: Option<Source>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Validation,
    Timeout,
    #[value(name = "file_conflict", alias = "file-conflict")]
    FileConflict,
    Runtime,
    Dependency,
}

impl From<Kind> for ErrorKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Validation => Self::Validation,
            Kind::Timeout => Self::Timeout,
            Kind::FileConflict => Self::FileConflict,
            Kind::Runtime => Self::Runtime,
            Kind::Dependency => Self::Dependency,
        }
    }
}

pub(super) fn run(
    args: &FailArgs,
    place: Place,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    let cwd = place.cwd.clone();
    let workspace = place.workspace()?;
    let output = args.report.as_ref().map(|report| report.read(&cwd, terminal)).transpose()?;
    let in_report = || output.as_deref().map(|report| workspace.failure_in_report(report));
    let message = args.message.clone().or_else(in_report).unwrap_or_default();
    let failure = PhaseFailure {
        agent: args.agent.clone(),
        kind: args.kind.into(),
        message,
        tokens: args.tokens,
        output,
    };
    let changed = workspace.apply(&Command::Fail { phase: args.phase.clone(), failure })?;
    changed::show(&changed, "failed", terminal)
}
