//! The parts of a handoff, as options.

use std::path::Path;

use clap::Args;
use maestro_session::{SessionError, Workspace};
use maestro_session_model::{AgentName, CommandLine, Handoff, PhaseId, RelPath, TokenCounts};

use crate::failure::Failure;
use crate::input::Source;
use crate::terminal::Terminal;
use crate::tokens;

/// What an agent hands over. Options are added to what the report says.
#[derive(Debug, Args)]
#[command(next_help_heading = "Handoff")]
pub(super) struct HandoffArgs {
    /// Read the agent's handoff report from FILE, or from stdin with `-`
    #[arg(long, value_name = "FILE", value_parser = source)]
    report: Option<Source>,
    /// A file that was created (relative to the workspace; repeatable)
    #[arg(long, value_name = "PATH")]
    created: Vec<String>,
    /// A file that was modified (relative to the workspace; repeatable)
    #[arg(long, value_name = "PATH")]
    modified: Vec<String>,
    /// A file that was deleted (relative to the workspace; repeatable)
    #[arg(long, value_name = "PATH")]
    deleted: Vec<String>,
    /// An interface that was introduced: signature and place (repeatable)
    #[arg(long, value_name = "TEXT")]
    interface: Vec<String>,
    /// A pattern to follow (repeatable)
    #[arg(long, value_name = "TEXT")]
    pattern: Vec<String>,
    /// A place where later work connects (repeatable)
    #[arg(long, value_name = "TEXT")]
    integration: Vec<String>,
    /// Something that was taken for granted (repeatable)
    #[arg(long, value_name = "TEXT")]
    assumption: Vec<String>,
    /// Something to look out for (repeatable)
    #[arg(long, value_name = "TEXT")]
    warning: Vec<String>,
    /// The agent that hands over [default: the agent of the phase]
    #[arg(long, value_name = "NAME")]
    agent: Option<AgentName>,
    /// The tokens used: `input=N,output=N,cached=N`, any of them
    ///
    /// `input` counts all input tokens; `cached` says how many of them came from a cache.
    #[arg(long, value_name = "COUNTS", value_parser = tokens::parse)]
    tokens: Option<TokenCounts>,
    /// The result of the checks, as pass or fail and details
    #[arg(long, value_name = "TEXT")]
    validation: Option<String>,
}

/// Reads `-` as stdin, anything else as a path.
#[expect(clippy::unnecessary_wraps, reason = "the form of a value parser")]
pub(super) fn source(text: &str) -> Result<Source, std::convert::Infallible> {
    Ok(Source::from(text))
}

impl HandoffArgs {
    /// Reads the report and adds the options; also returns what is odd about the report.
    pub(super) fn read(
        &self,
        phase: &PhaseId,
        workspace: &Workspace,
        cwd: &Path,
        terminal: &mut Terminal,
    ) -> Result<(Handoff, Vec<String>), Failure> {
        let (mut handoff, notes) = match &self.report {
            Some(source) => {
                let mut read = workspace.read_report(phase, &source.read(cwd, terminal)?)?;
                if read.says_failed {
                    read.notes.push(format!(
                        "the report says that the agent failed; `{}` would record that",
                        CommandLine::of_phase("fail", phase, &[])
                    ));
                }
                (read.handoff, read.notes)
            }
            None => (Handoff::default(), Vec::new()),
        };
        handoff.files_created.extend(paths(workspace, &self.created)?);
        handoff.files_modified.extend(paths(workspace, &self.modified)?);
        handoff.files_deleted.extend(paths(workspace, &self.deleted)?);
        let context = &mut handoff.downstream_context;
        context.key_interfaces_introduced.extend_from_slice(&self.interface);
        context.patterns_established.extend_from_slice(&self.pattern);
        context.integration_points.extend_from_slice(&self.integration);
        context.assumptions.extend_from_slice(&self.assumption);
        context.warnings.extend_from_slice(&self.warning);
        if let Some(agent) = &self.agent {
            handoff.agent = Some(agent.clone());
        }
        if let Some(tokens) = self.tokens {
            handoff.tokens = Some(tokens);
        }
        if let Some(validation) = &self.validation {
            handoff.validation = Some(validation.clone());
        }
        Ok((handoff, notes))
    }
}

/// Reads paths that are relative to the workspace, or absolute and inside it.
pub(super) fn paths(workspace: &Workspace, texts: &[String]) -> Result<Vec<RelPath>, Failure> {
    let path = |text: &String| workspace.relative(text);
    Ok(texts.iter().map(path).collect::<Result<_, _>>().map_err(SessionError::from)?)
}
