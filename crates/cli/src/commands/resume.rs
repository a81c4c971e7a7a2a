//! `maestro resume`

mod text;

use clap::Args;
use maestro_session::{
    AcceptedConflicts, Changed, Consent, NoSession, ResumeError, ResumeReport, Resumed,
    SessionError, Workspace, prompt,
};
use maestro_session_model::PhaseId;
use serde::Serialize;

use crate::commands::looking;
use crate::commands::status::{as_recorded, no_session};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::invocation::Place;
use crate::terminal::Terminal;

/// Show how an interrupted session goes on, and go on with it
///
/// Says where it stands, what is in the way (failed phases, conflicts with what is on
/// disk), which commands deal with that, and what comes next. Changes nothing without
/// `--apply`, which takes the next step: interrupted phases are given out again, all of
/// a batch, or what is ready begins. Where the user has to choose or agree first, it
/// asks on a terminal and refuses elsewhere. Exits with 3 when there is no session, and
/// `--apply` with 6 when there are conflicts that nobody has agreed to.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  maestro resume
  maestro resume --apply
  maestro resume --apply --despite-conflicts
  maestro resume --prompt
  maestro resume --json"
)]
pub(crate) struct ResumeArgs {
    /// Take the next step: start phases, or give interrupted ones out again
    #[arg(long)]
    apply: bool,
    #[command(flatten)]
    consent: ConsentArgs,
    /// Print the report for a model, as Markdown of at most 25000 characters
    #[arg(long)]
    prompt: bool,
}

/// What the user has agreed to.
#[derive(Debug, Args)]
struct ConsentArgs {
    /// The user knows the conflicts and goes on
    #[arg(long, requires = "apply")]
    despite_conflicts: bool,
    /// The user approved the brief of the express session
    #[arg(long, requires = "apply")]
    approved: bool,
}

impl From<&ConsentArgs> for Consent {
    fn from(args: &ConsentArgs) -> Self {
        let conflicts =
            if args.despite_conflicts { AcceptedConflicts::All } else { AcceptedConflicts::None };
        Self { brief: args.approved, conflicts }
    }
}

pub(crate) fn run(
    args: &ResumeArgs,
    place: Place,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    let workspace = place.workspace()?;
    if args.apply {
        return apply(args, &workspace, terminal);
    }
    let report = workspace.resume_report(&mut looking::at_files(terminal));
    terminal.progress("");
    match report {
        Ok(Some(report)) => {
            show(args, &report, None, terminal)?;
            Ok(ExitCode::DONE)
        }
        Ok(None) => {
            terminal.show(&NoSession::default(), |_| no_session())?;
            Ok(ExitCode::NO_SESSION)
        }
        Err(error) => Err(as_recorded(&workspace, error, terminal)?),
    }
}

fn apply(
    args: &ResumeArgs,
    workspace: &Workspace,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    let mut consent = Consent::from(&args.consent);
    loop {
        let resumed = workspace.resume(&consent, &mut looking::at_files(terminal));
        terminal.progress("");
        let refusal = match resumed {
            Ok(resumed) => {
                show(args, &resumed.report, Some(&resumed), terminal)?;
                terminal.warn(&resumed.warnings);
                for changed in &resumed.recorded {
                    terminal.warn(&changed.warnings);
                }
                return Ok(ExitCode::DONE);
            }
            Err(refusal) => refusal,
        };
        match refusal.bare() {
            SessionError::Resume(ResumeError::ConflictsFound { report }) => {
                let question = match report.conflicts_to_confirm().count() {
                    1 => "Go on despite this conflict?".to_owned(),
                    n => format!("Go on despite these {n} conflicts?"),
                };
                if !agrees(report, &question, terminal)? {
                    return Err(refusal.into());
                }
                // Whatever turns up after this has not been agreed to.
                let these = report.conflicts_to_confirm().cloned().collect();
                consent.conflicts = AcceptedConflicts::These(these);
            }
            SessionError::Resume(ResumeError::ApprovalRequired { report }) => {
                if !agrees(report, "Is this brief approved?", terminal)? {
                    return Err(refusal.into());
                }
                consent.brief = true;
            }
            _ => return Err(refusal.into()),
        }
    }
}

/// Shows the report and asks whether to go on; not where nobody can be asked. A no is a failure.
fn agrees(report: &ResumeReport, question: &str, terminal: &mut Terminal) -> Result<bool, Failure> {
    if !terminal.is_interactive() {
        return Ok(false);
    }
    // To where the question goes: stdout is for what comes of it.
    terminal.note(&text::report(report));
    match terminal.ask(question)? {
        Some(false) => Err(Failure::Declined),
        answer => Ok(answer.is_some()),
    }
}

/// The report on a session, as JSON has it.
#[derive(Serialize)]
struct Fields<'a> {
    exists: bool,
    #[serde(flatten)]
    report: &'a ResumeReport,
    /// The report for a model, if that was asked for.
    prompt: Option<&'a str>,
    /// What was recorded, if the next step was to be taken.
    applied: Option<&'a [Changed]>,
    /// What the user should know.
    warnings: &'a [String],
}

fn show(
    args: &ResumeArgs,
    report: &ResumeReport,
    resumed: Option<&Resumed>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let recorded: Vec<PhaseId> = resumed.map(Resumed::phases).unwrap_or_default();
    let prompt = args.prompt.then(|| prompt(report, &recorded));
    if let Some(prompt) = prompt.as_ref().filter(|_| !terminal.is_json()) {
        return terminal.print_bytes(prompt.as_bytes());
    }
    let fields = Fields {
        exists: true,
        report,
        prompt: prompt.as_deref(),
        applied: resumed.map(|resumed| resumed.recorded.as_slice()),
        warnings: resumed.map_or(&[], |resumed| &resumed.warnings),
    };
    terminal.show(&fields, |_| match resumed {
        Some(resumed) => text::resumed(resumed),
        None => text::report(report),
    })
}
