//! `maestro phase reconcile`

use clap::Args;
use maestro_session::{Changed, LeftToOther, ScanReport, Workspace};
use maestro_session_model::{Command, CommandLine, Handoff, PhaseId, PhaseStatus, RelPath};
use serde::Serialize;

use crate::commands::changed;
use crate::commands::handoff::HandoffArgs;
use crate::commands::looking;
use crate::commands::words::{self, count};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::invocation::Place;
use crate::terminal::Terminal;
use crate::text::{Span, Text, bold, dim, green, plain, red, yellow};

/// Put the record of a completed phase right
///
/// Adds files and context to what is recorded, and takes nothing away. At least one file
/// or some context is needed.
///
/// With --scan, looks for the files in the workspace: what was created, modified and
/// deleted since the phase began and is not recorded as it is now. Leaves out what git
/// ignores, the state dir, and what other phases plan that were under way since. Asks on
/// a terminal whether to record them; elsewhere shows them, and records them with --yes.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  maestro phase reconcile 2 --scan
  maestro phase reconcile 2 --scan --yes --reason \"the agent reported nothing\"
  maestro phase reconcile 2 --created src/limit.rs --reason \"the agent reported nothing\"
  maestro phase reconcile 2 --report handoff.md"
)]
pub(super) struct ReconcileArgs {
    /// The phase
    #[arg(value_name = "ID")]
    phase: PhaseId,
    /// Look for the files that changed since the phase began
    #[arg(long)]
    scan: bool,
    /// Record what the scan finds without asking
    #[arg(long, requires = "scan")]
    yes: bool,
    /// Why the record was not right, for the log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    handoff: HandoffArgs,
}

pub(super) fn run(
    args: &ReconcileArgs,
    place: Place,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    let cwd = place.cwd.clone();
    let workspace = place.workspace()?;
    let (handoff, notes) = args.handoff.read(&args.phase, &workspace, &cwd, terminal)?;
    if args.scan {
        return scan(args, &workspace, handoff, notes, terminal);
    }
    let changed = record(args, &workspace, handoff, notes, terminal)?;
    changed::show_and_archive(&workspace, &changed, "reconciled", terminal)
}

fn record(
    args: &ReconcileArgs,
    workspace: &Workspace,
    handoff: Handoff,
    notes: Vec<String>,
    terminal: &mut Terminal,
) -> Result<Changed, Failure> {
    let (phase, reason) = (args.phase.clone(), args.reason.clone());
    let command = Command::Reconcile { phase, handoff, reason };
    let changed = workspace.apply_with_progress(&command, &mut looking::at_files(terminal));
    terminal.progress("");
    let mut changed = changed?;
    changed.warnings.splice(0..0, notes);
    Ok(changed)
}

/// What a scan found, and what became of it.
#[derive(Serialize)]
struct Fields<'f> {
    #[serde(flatten)]
    report: &'f ScanReport,
    /// What recording it did; nothing if it was not recorded.
    recorded: Option<changed::Fields<'f>>,
}

fn scan(
    args: &ReconcileArgs,
    workspace: &Workspace,
    mut handoff: Handoff,
    notes: Vec<String>,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    let report = workspace.scan_phase(&args.phase, &mut looking::at_files(terminal));
    terminal.progress("");
    let report = report?;
    if !terminal.is_json() {
        terminal.print(&text(&report))?;
    }
    let is_completed = status_of(workspace, &args.phase)? == Some(PhaseStatus::Completed);
    let found = report.candidates.count();
    let is_wanted = found > 0 || !handoff.is_empty();
    if !is_wanted || !is_to_be_recorded(args, found, is_completed, terminal)? {
        terminal.warn(&notes);
        if terminal.is_json() {
            terminal.show(&Fields { report: &report, recorded: None }, |_| Text::default())?;
        }
        return Ok(ExitCode::DONE);
    }
    let candidates = &report.candidates;
    handoff.files_created.extend(candidates.created.iter().cloned());
    handoff.files_modified.extend(candidates.modified.iter().cloned());
    handoff.files_deleted.extend(candidates.deleted.iter().cloned());
    let changed = record(args, workspace, handoff, notes, terminal)?;
    if !terminal.is_json() {
        return changed::show_and_archive(workspace, &changed, "reconciled", terminal);
    }
    let (recorded, code) = changed::fields(workspace, &changed, terminal);
    let fields = Fields { report: &report, recorded: Some(recorded) };
    terminal.show(&fields, |_| Text::default())?;
    Ok(code)
}

fn status_of(workspace: &Workspace, phase: &PhaseId) -> Result<Option<PhaseStatus>, Failure> {
    let document = workspace.read()?;
    Ok(document.and_then(|document| Some(document.session().phase(phase)?.status)))
}

/// Whether what was found is to be recorded: the option says it, or the user does.
fn is_to_be_recorded(
    args: &ReconcileArgs,
    found: usize,
    is_completed: bool,
    terminal: &mut Terminal,
) -> Result<bool, Failure> {
    let phase = &args.phase;
    if args.yes || found == 0 {
        // Of a phase that is not completed, the refusal says what to do.
        return Ok(true);
    }
    let mut note = Text::default();
    if !is_completed {
        note.line([plain(format!(
            "Phase {phase} is not completed: its files are recorded when it is"
        ))]);
        terminal.note(&note);
        return Ok(false);
    }
    let files = count(found, "file", "files");
    if let Some(answer) = terminal.ask(&format!("Record {files} for phase {phase}?"))? {
        return Ok(answer);
    }
    note.line([
        plain("To record them: "),
        bold(CommandLine::of_phase("reconcile", phase, &["--scan", "--yes"])),
    ]);
    terminal.note(&note);
    Ok(false)
}

/// How many files of a kind are shown; `--json` has them all.
const SHOWN: usize = 40;

fn text(report: &ScanReport) -> Text {
    let mut text = Text::default();
    let candidates = &report.candidates;
    let phase = &report.phase_id;
    let since = format!("since phase {phase} began ({})", report.started_at);
    if candidates.count() == 0 {
        text.line([plain(format!("Everything that has changed {since} is recorded as it is now"))]);
    } else {
        let files = count(candidates.count(), "file has", "files have");
        text.line([plain(format!("{files} changed {since}, and not been recorded like that"))]);
        add(&mut text, &candidates.created, |path| [green("  created   "), plain(path)]);
        add(&mut text, &candidates.modified, |path| [yellow("  modified  "), plain(path)]);
        add(&mut text, &candidates.deleted, |path| [red("  deleted   "), plain(path)]);
    }
    for LeftToOther { path, phase } in report.left_to_others.iter().take(SHOWN) {
        text.line([dim(format!("left to phase {phase}, which plans it: {path}"))]);
    }
    if let more @ 1.. = report.left_to_others.len().saturating_sub(SHOWN) {
        text.line([dim(words::more(more))]);
    }
    let files = count(report.scanned_files, "file", "files");
    let ignored = match report.ignored_count {
        0 => String::new(),
        n => format!("; {} left out that git ignores", count(n, "entry", "entries")),
    };
    text.line([dim(format!("{files} looked at{ignored}"))]);
    if let Some(limitation) = &report.basis.limitation {
        text.line([dim(format!(
            "of files that are gone, only those of earlier phases are found: {limitation}"
        ))]);
    }
    for skipped in &report.skipped {
        text.line([dim(format!("not entered: {} ({})", skipped.path, skipped.reason))]);
    }
    for unreadable in &report.unreadable {
        let what = format!("not looked at: {} ({})", unreadable.path, unreadable.reason);
        text.line([yellow(what)]);
    }
    text
}

fn add(
    text: &mut Text,
    paths: &std::collections::BTreeSet<RelPath>,
    line: impl Fn(&RelPath) -> [Span; 2],
) {
    for path in paths.iter().take(SHOWN) {
        text.line(line(path));
    }
    if let more @ 1.. = paths.len().saturating_sub(SHOWN) {
        text.line([plain("            "), dim(words::more(more))]);
    }
}
