//! `maestro plan check`

use clap::Args;
use maestro_session_model::PlanReport;
use serde::Serialize;

use crate::commands::words::{count, path, phases};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::invocation::Place;
use crate::table::Table;
use crate::terminal::Terminal;
use crate::text::{Text, bold, green, plain, red};
use crate::violations;

/// Check a plan against the rules, without making anything of it
///
/// Exits with 1 when the plan would be refused. The rules: unique ids, names that are not
/// empty, blockers that exist, no cycle, no file that is owned by two phases that may run
/// at the same time; agents that are not disabled and, where a roster is known, on it.
/// Only warned is of a phase without an agent, and of a blocker that a phase waits for
/// anyway, through another one.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  maestro plan check plan.md
  maestro plan check plan.md --json"
)]
pub(super) struct CheckArgs {
    /// The plan, relative to the current directory
    #[arg(value_name = "FILE")]
    plan: String,
}

pub(super) fn run(
    args: &CheckArgs,
    place: Place,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    let cwd = place.cwd.clone();
    let report = place.workspace()?.check_plan(&args.plan, &cwd)?;
    let result = Fields { plan: &args.plan, accepted: report.is_accepted(), report };
    terminal.show(&result, text)?;
    Ok(if result.accepted { ExitCode::DONE } else { ExitCode::REFUSED })
}

/// What was found about a plan.
#[derive(Serialize)]
struct Fields<'a> {
    plan: &'a str,
    accepted: bool,
    #[serde(flatten)]
    report: PlanReport,
}

fn text(result: &Fields<'_>) -> Text {
    let mut text = Text::default();
    let verdict = if result.accepted { green("accepted") } else { red("refused") };
    text.line([bold(result.plan), plain(": "), verdict]);
    violations::append(&mut text, result.plan, &result.report.violations);
    let Some(profile) = &result.report.profile else { return text };
    let mut table = Table::default();
    for batch in &profile.batches {
        let side_by_side = if batch.parallel { "side by side" } else { "" };
        let ids = phases(&batch.phase_ids);
        table.row([plain(format!("batch {}", batch.depth + 1)), plain(ids), plain(side_by_side)]);
    }
    text.gap();
    let total = count(profile.total_phases, "phase", "phases");
    let batches = count(profile.effective_batches, "batch", "batches");
    text.line([plain(format!("{total} in {batches}"))]);
    table.write_to(&mut text, "  ");
    text.line([plain(format!("critical path: {}", path(&profile.critical_path)))]);
    text
}
