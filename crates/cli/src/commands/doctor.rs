//! `maestro doctor`

use clap::Args;
use maestro_session::{Diagnosis, Finding, Remedy, Repaired};
use serde::Serialize;

use crate::commands::progress::reading;
use crate::commands::words::count;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::invocation::Place;
use crate::terminal::Terminal;
use crate::text::{Text, bold, dim, green, plain, red, yellow};

/// Check the state dir, explain what is wrong, and repair it with `--fix`
///
/// Nothing is ever deleted: what is in the way goes to `state/quarantine/`. Repairs of a
/// session are operations in its journal; `maestro log` shows them, and `maestro undo` takes
/// back those that changed the session file. Exits with 0 when nothing is left that needs a
/// repair or a person, with 5 when a file cannot be understood, with 6 when two things
/// contradict each other, else with 1.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  maestro doctor
  maestro doctor --fix
  maestro doctor --json"
)]
pub(crate) struct DoctorArgs {
    /// Repair what can be repaired without a person's judgement
    #[arg(long)]
    fix: bool,
}

/// A diagnosis, and what it comes to.
#[derive(Serialize)]
struct Fields<'a> {
    healthy: bool,
    #[serde(flatten)]
    diagnosis: &'a Diagnosis,
}

pub(crate) fn run(
    args: &DoctorArgs,
    place: Place,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    let workspace = place.workspace()?;
    let diagnosis = workspace.doctor(args.fix, &mut reading(terminal));
    terminal.progress("");
    let diagnosis = diagnosis?;
    let fields = Fields { healthy: diagnosis.is_healthy(), diagnosis: &diagnosis };
    terminal.show(&fields, |fields| text(fields.diagnosis, args.fix))?;
    Ok(exit_code(&diagnosis))
}

fn exit_code(diagnosis: &Diagnosis) -> ExitCode {
    let mut open = diagnosis.findings.iter().filter(|found| found.remedy != Remedy::ByItself);
    let of = |finding: &Finding| match finding.code {
        "SESSION_FILE_CORRUPT"
        | "SESSION_FILE_MISSING"
        | "JOURNAL_DAMAGED"
        | "TOO_NEW"
        | "ARCHIVED_UNREADABLE" => ExitCode::CORRUPT,
        "OTHER_SESSION" | "TWO_SESSIONS" | "CONFLICT" => ExitCode::CONFLICT,
        _ => ExitCode::REFUSED,
    };
    open.next().map_or(ExitCode::DONE, of)
}

fn text(diagnosis: &Diagnosis, fixed: bool) -> Text {
    let mut text = Text::default();
    if !diagnosis.initialised {
        text.line([plain(format!("There is no state dir yet: {}", diagnosis.state_dir))]);
        text.line([plain("Next: "), bold("maestro init")]);
        return text;
    }
    for repaired in &diagnosis.repaired {
        add_repaired(&mut text, repaired);
    }
    for finding in &diagnosis.findings {
        add(&mut text, finding);
    }
    let repairable =
        diagnosis.findings.iter().filter(|found| found.remedy == Remedy::ByRepair).count();
    if diagnosis.findings.is_empty() {
        text.line([green("✓"), plain(format!(" {} is in order", diagnosis.state_dir))]);
    } else if repairable > 0 && !fixed {
        text.gap();
        text.line([plain("Next: "), bold("maestro doctor --fix")]);
    }
    if !diagnosis.quarantine.is_empty() {
        let files = count(diagnosis.quarantine.len(), "file", "files");
        text.line([dim(format!(
            "{files} in {}/state/quarantine, kept until you remove them",
            diagnosis.state_dir
        ))]);
    }
    text
}

fn add_repaired(text: &mut Text, repaired: &Repaired) {
    let Repaired { finding, done, .. } = repaired;
    text.line([green("✓ "), bold(finding.code), plain(format!("  {}", finding.message))]);
    if let Some(path) = &finding.path {
        text.line([plain("    in "), plain(path)]);
    }
    for done in done {
        text.line([plain("    "), plain(done)]);
    }
}

fn add(text: &mut Text, finding: &Finding) {
    let mark = match finding.remedy {
        Remedy::ByItself => yellow("· "),
        Remedy::ByRepair | Remedy::ByPerson => red("✗ "),
    };
    text.line([mark, bold(finding.code), plain(format!("  {}", finding.message))]);
    if let Some(path) = &finding.path {
        text.line([plain("    in "), plain(path)]);
    }
    for because in finding.because.iter().flat_map(|because| because.lines()) {
        text.line([plain("    "), plain(because)]);
    }
    let who = match finding.remedy {
        Remedy::ByItself | Remedy::ByPerson => "",
        Remedy::ByRepair => "--fix: ",
    };
    text.line([plain("    "), dim(format!("{who}{}", finding.advice))]);
}
