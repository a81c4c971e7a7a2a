//! `maestro new`

use std::path::Path;

use clap::{Args, ValueEnum};
use maestro_session::{
    ArchiveOptions, CreatedSession, DocumentSource, NewSessionRequest, SessionError, Status,
    Workspace,
};
use maestro_session_model::{CreateError, ExecutionMode, SessionId, TaskComplexity};
use maestro_state_store::settings::ExecutionModeSetting;

use crate::commands::words::{count, name_and_agents};
use crate::commands::{receipt, step};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::invocation::Place;
use crate::terminal::Terminal;
use crate::text::{Text, bold, plain};

/// Begin a session from a plan
///
/// Reads the phases from the plan's headings (`## Phase 1: Name`, with agent, files and
/// `Blocked by:`), or from a list `phases:` in its front matter. All phases are pending
/// at first; `maestro next` shows which can be started. Documents that lie outside the
/// state dir are copied into it, so that the archive finds them.
///
/// There is one active session at a time. One that is there is never replaced: it is gone
/// on with (`maestro resume`), or archived first, with --archive-active or after a question.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  maestro new \"Rate limiting for the gateway\" --plan plan.md
  maestro new \"Rate limiting\" --plan plan.md --design design.md --mode parallel
  maestro new \"Say which port is taken\" --plan brief.md --express --id 2026-01-16-port
  maestro new \"Something else\" --plan other.md --archive-active"
)]
pub(crate) struct NewArgs {
    /// What is to be done, in the user's words
    task: String,
    /// The implementation plan, relative to the current directory
    #[arg(long, value_name = "FILE")]
    plan: String,
    /// The design document, relative to the current directory
    #[arg(long, value_name = "FILE")]
    design: Option<String>,
    /// The id of the session [default: the date and the topic]
    #[arg(long)]
    id: Option<SessionId>,
    /// The words that the id is made of [default: the task]
    #[arg(long, value_name = "WORDS", conflicts_with = "id")]
    topic: Option<String>,
    /// Begin an express session, which has a single phase
    #[arg(long)]
    express: bool,
    /// Whether phases may run side by side [default: `MAESTRO_EXECUTION_MODE`]
    #[arg(long, value_name = "parallel|sequential", hide_possible_values = true)]
    mode: Option<Mode>,
    /// How demanding the task is [default: what design or plan say]
    #[arg(long, value_name = "simple|medium|complex", hide_possible_values = true)]
    complexity: Option<Complexity>,
    /// Archive the active session first, if there is one: an unfinished one as aborted
    #[arg(long)]
    archive_active: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    Parallel,
    Sequential,
}

impl From<Mode> for ExecutionMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Parallel => Self::Parallel,
            Mode::Sequential => Self::Sequential,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Complexity {
    Simple,
    Medium,
    Complex,
}

impl From<Complexity> for TaskComplexity {
    fn from(complexity: Complexity) -> Self {
        match complexity {
            Complexity::Simple => Self::Simple,
            Complexity::Medium => Self::Medium,
            Complexity::Complex => Self::Complex,
        }
    }
}

pub(crate) fn run(
    args: &NewArgs,
    place: Place,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    let cwd = place.cwd.clone();
    let workspace = place.workspace()?;
    let execution_mode = match args.mode {
        Some(mode) => Some(mode.into()),
        None => ask_for_mode(&workspace, &args.plan, &cwd, terminal)?,
    };
    let mut request = NewSessionRequest {
        id: args.id.clone(),
        topic: args.topic.clone(),
        design: args.design.clone().map(DocumentSource::File),
        express: args.express,
        execution_mode,
        complexity: args.complexity.map(Into::into),
        archive_active: args.archive_active.then_some(ARCHIVE_ACTIVE),
        from: cwd,
        ..NewSessionRequest::new(&args.task, &args.plan)
    };
    let created = match workspace.create_session(&request) {
        Err(error)
            if matches!(error.bare(), SessionError::SessionExists { .. })
                && may_archive_active(&workspace, terminal)? =>
        {
            request.archive_active = Some(ARCHIVE_ACTIVE);
            workspace.create_session(&request)
        }
        created => created,
    };
    let created = created.map_err(|error| match error.bare() {
        SessionError::Create(CreateError::PlanRejected { violations }) => {
            Failure::PlanRejected { plan: args.plan.clone(), violations: violations.clone() }
        }
        _ => error.into(),
    })?;
    terminal.show(&created, text)?;
    terminal.warn(&created.warnings);
    Ok(ExitCode::DONE)
}

/// How the active session is archived that makes room for a new one.
const ARCHIVE_ACTIVE: ArchiveOptions =
    ArchiveOptions { force: true, status: None, unfinished: None };

/// Asks whether the active session may be archived; no, where nobody can be asked.
fn may_archive_active(workspace: &Workspace, terminal: &mut Terminal) -> Result<bool, Failure> {
    let Ok(Status::Active(session)) = workspace.status() else { return Ok(false) };
    let how = if session.ready_to_archive { "" } else { " as it is" };
    let (done, all) = (session.progress.done(), session.phases.len());
    let phases = count(all, "phase", "phases");
    let question = format!(
        "Session {} is active, {done} of {phases} done. Archive it{how} and begin the new one?",
        session.session_id
    );
    Ok(terminal.ask(&question)?.unwrap_or(false))
}

/// Asks whether phases may run side by side, where the setting says so and the plan makes it a question.
fn ask_for_mode(
    workspace: &Workspace,
    plan: &str,
    cwd: &Path,
    terminal: &mut Terminal,
) -> Result<Option<ExecutionMode>, Failure> {
    let is_asked = workspace.settings().execution_mode.value == ExecutionModeSetting::Ask;
    if !is_asked || !terminal.is_interactive() {
        return Ok(None);
    }
    let report = workspace.check_plan(plan, cwd)?;
    if !report.is_accepted() || report.profile.is_none_or(|profile| profile.parallel_eligible == 0)
    {
        return Ok(None);
    }
    let question = "Some phases of this plan can run side by side. Run phases in parallel?";
    let answer = terminal.ask(question)?;
    Ok(answer.map(|yes| if yes { ExecutionMode::Parallel } else { ExecutionMode::Sequential }))
}

fn text(created: &CreatedSession) -> Text {
    let session = &created.session;
    let mut text = created.archived.as_ref().map(receipt::text).unwrap_or_default();
    text.line([
        plain("Session "),
        bold(&session.session_id),
        plain(format!(" created: {}", session.task)),
    ]);
    let phases = count(session.phases.len(), "phase", "phases");
    text.line([plain(format!("  {phases} in {}", created.path))]);
    for (from, to) in &created.copied {
        text.line([plain(format!("  copied {from} to {to}"))]);
    }
    for phase in session.ready_phases() {
        text.line([
            plain("Next: "),
            bold(step::command(step::start, phase)),
            plain(format!("  {}", name_and_agents(phase))),
        ]);
    }
    text
}
