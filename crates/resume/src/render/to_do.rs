//! What a model is told to do, step by step.

use maestro_session_model::PhaseId;

use crate::conflict::Conflict;
use crate::report::{PhaseFacts, ResumeReport};
use crate::step::{ArchiveReason, Step};

use super::page::{code, data, joined, words};
use super::{AGENTS, IDS, LINE_CHARS, id, ids};

/// How many obstacles are told.
const OBSTACLES: usize = 4;
/// How many commands are told.
const COMMANDS: usize = 4;

/// Returns the lines of the numbered list.
pub(super) fn lines(report: &ResumeReport, recorded: &[PhaseId]) -> Vec<String> {
    let mut lines = Vec::new();
    let has_conflicts = report.conflicts_to_confirm().next().is_some();
    if has_conflicts && recorded.is_empty() {
        lines.push(
            "Report the conflicts below to the user before you go on, and wait for the answer."
                .to_owned(),
        );
    }
    match &report.next.step {
        Step::Choose { phases } => {
            lines.push(format!(
                "Present each error of {} below with its options to the user, and wait for the choice. Begin nothing \
                 before.",
                these(phases)
            ));
            lines.push("Carry the choice out with the command of the option.".to_owned());
        }
        Step::Redelegate { phases } => {
            if recorded.is_empty() {
                lines.push(record(has_conflicts, "", "that the work is given out again"));
            } else {
                lines.push(format!(
                    "That {} given out again is recorded.",
                    do_what(recorded, "was", "were")
                ));
            }
            let (taken, left) = taken_and_left(phases, recorded);
            lines.push(delegate(&report.active, &taken, " again, with the same scope"));
            lines.extend(not_taken(&left));
            if report.conflicts_to_confirm().any(|c| matches!(c, Conflict::PartialPhase { .. })) {
                lines.push("Tell each agent which of its files may be half done.".to_owned());
            }
            lines.push(
                "If an agent's report comes after all, record it instead of delegating again."
                    .to_owned(),
            );
        }
        Step::Approve { phases } => {
            if recorded.is_empty() {
                lines.push(format!(
                    "Present the brief of {} (task, scope, planned files) to the user again, and wait for the approval.",
                    these(phases)
                ));
                lines.push(record(has_conflicts, " --approved", "that it begins"));
            } else {
                lines.push(format!("That {} is recorded.", do_what(recorded, "begins", "begin")));
            }
            let (taken, left) = taken_and_left(phases, recorded);
            lines.push(delegate(&report.ready, &taken, ", as approved"));
            lines.extend(not_taken(&left));
        }
        Step::Start { phases } => {
            if recorded.is_empty() {
                lines.push(record(
                    has_conflicts,
                    "",
                    &format!("that {}", do_what(phases, "begins", "begin")),
                ));
            } else {
                lines.push(format!("That {} is recorded.", do_what(recorded, "begins", "begin")));
            }
            let (taken, left) = taken_and_left(phases, recorded);
            let begins = |phase: &&PhaseFacts| taken.contains(&&phase.id);
            let is_first = report.ready.iter().filter(begins).all(|p| p.blocked_by.is_empty());
            let how = if is_first { "" } else { ", with what the phases before have left" };
            lines.push(delegate(&report.ready, &taken, how));
            lines.extend(not_taken(&left));
        }
        Step::Reconcile { phases } => {
            lines.push(format!(
                "Find out which files {} touched and what later phases need to know.",
                these(phases)
            ));
            lines.push(format!("Put the records right: {}.", commands(report)));
        }
        Step::Review { phases } => {
            lines.push(format!("Run the code review of what {} changed.", these(phases)));
            lines.push(format!("Archive the session: {}.", commands(report)));
        }
        Step::Archive { because, asks } => {
            if *because == ArchiveReason::Done {
                lines.push(
                    "If the code was not reviewed yet, run the code review first.".to_owned(),
                );
            }
            lines.push(if *asks {
                format!("Ask the user whether to archive the session; if so: {}.", commands(report))
            } else {
                format!("Archive the session: {}.", commands(report))
            });
        }
        Step::Stuck { obstacles } => {
            lines.push(
                "Nothing can be done as things stand. Tell the user what is in the way.".to_owned(),
            );
            for obstacle in obstacles.iter().take(OBSTACLES) {
                lines.push(format!(
                    "In the way: {}. What helps: {}.",
                    data(&obstacle.message, LINE_CHARS),
                    data(&obstacle.hint, LINE_CHARS)
                ));
            }
            let more = obstacles.len().saturating_sub(OBSTACLES);
            if 0 < more {
                lines.push(format!("{more} more obstacles are left out here."));
            }
        }
    }
    lines
}

/// The phases that are to be delegated, and those that were left when the rest of the step was recorded: the session was
/// edited meanwhile, and they were not possible any more.
fn taken_and_left<'p>(
    phases: &'p [PhaseId],
    recorded: &[PhaseId],
) -> (Vec<&'p PhaseId>, Vec<PhaseId>) {
    let (taken, left): (Vec<_>, Vec<_>) =
        phases.iter().partition(|phase| recorded.is_empty() || recorded.contains(phase));
    (taken, left.into_iter().cloned().collect())
}

/// Keeps a model from work that nobody has recorded.
fn not_taken(left: &[PhaseId]) -> Option<String> {
    (!left.is_empty()).then(|| {
        format!(
            "Nothing is recorded of {}: do not delegate {} now. {} says what comes next.",
            these(left),
            if left.len() == 1 { "it" } else { "them" },
            code("maestro resume")
        )
    })
}

fn do_what(phases: &[PhaseId], of_one: &str, of_many: &str) -> String {
    format!("{} {}", these(phases), if phases.len() == 1 { of_one } else { of_many })
}

fn these(phases: &[PhaseId]) -> String {
    let noun = if phases.len() == 1 { "phase" } else { "phases" };
    format!("{noun} {}", ids(phases))
}

fn record(has_conflicts: bool, option: &str, what: &str) -> String {
    let apply = format!("maestro resume --apply{option}");
    if has_conflicts {
        let apply = code(&format!("{apply} --despite-conflicts"));
        format!("Once the user has agreed to go on, record {what}: {apply}.")
    } else {
        format!("Record {what}: {}.", code(&apply))
    }
}

fn delegate(facts: &[PhaseFacts], phases: &[&PhaseId], how: &str) -> String {
    let to = |phase: &PhaseFacts| match phase.agents.as_slice() {
        [] => format!("phase {} to an agent of your choice", id(&phase.id)),
        agents => format!("phase {} to {}", id(&phase.id), words(agents, AGENTS)),
    };
    let chosen: Vec<String> =
        facts.iter().filter(|phase| phases.contains(&&phase.id)).map(to).collect();
    format!("Delegate {}{how}.", joined(chosen.into_iter(), IDS, "; "))
}

fn commands(report: &ResumeReport) -> String {
    let all = report.next.commands.iter().map(|command| code(&command.shell));
    joined(all, COMMANDS, ", then ")
}
