//! The log for people: what is appended to the body of the document.
//!
//! Agents' text goes in verbatim, but in a fence that it cannot close, so that it can forge neither a heading nor the
//! end of the front matter. Everything else is folded onto one line, and where that line begins with their text, it begins
//! nothing but a sentence: [`quote`](crate::quote) has the ways.

use crate::quote::{fenced, one_line, sentence};
use crate::session::{Phase, PhaseError};
use crate::{DownstreamContext, PhaseStatus};

/// The heading of a new document.
pub(crate) fn title(task: &str) -> String {
    format!("# {} Orchestration Log\n", one_line(task))
}

/// What an agent handed over, as far as the log shows it.
pub(crate) struct Delivery<'a> {
    pub(crate) agent: Option<&'a str>,
    pub(crate) output: Option<&'a str>,
    pub(crate) created: Vec<String>,
    pub(crate) modified: Vec<String>,
    pub(crate) deleted: Vec<String>,
    pub(crate) context: &'a DownstreamContext,
    pub(crate) blockers: &'a [String],
    pub(crate) validation: Option<&'a str>,
}

/// The section of a phase that ended well, or whose record was put right.
pub(crate) fn delivered(
    phase: &Phase,
    delivery: &Delivery<'_>,
    reconciled: Option<&str>,
) -> String {
    let mut out = heading(phase, PhaseStatus::Completed);
    if let Some(reason) = reconciled {
        section(&mut out, "Reconciliation");
        out += &format!("{}\n", sentence(reason));
    }
    output(&mut out, delivery.agent.or(phase.agents.first().map(String::as_str)), delivery.output);
    section(&mut out, "Files Changed");
    bullet(&mut out, "Created", &delivery.created);
    bullet(&mut out, "Modified", &delivery.modified);
    bullet(&mut out, "Deleted", &delivery.deleted);
    section(&mut out, "Downstream Context");
    for (title, items) in delivery.context.lists() {
        bullet(&mut out, title, items);
    }
    if !delivery.blockers.is_empty() {
        section(&mut out, "Blockers");
        for blocker in delivery.blockers {
            out += &format!("- {}\n", sentence(blocker));
        }
    }
    section(&mut out, "Validation Result");
    out += &format!("{}\n", delivery.validation.map_or("Not reported.".to_owned(), sentence));
    out
}

/// The section of a phase that failed, or of which an error was recorded while it stays where it is.
pub(crate) fn failed(phase: &Phase, error: &PhaseError, report: Option<&str>) -> String {
    let mut out = heading(phase, phase.status);
    output(&mut out, Some(&error.agent), report);
    section(&mut out, "Validation Result");
    out += &format!("Fail ({}):\n\n", error.kind);
    out += &fenced("text", &error.message);
    if error.resolved {
        section(&mut out, "Resolution");
        out += &format!("{}\n", sentence(&error.resolution));
    }
    out
}

/// The section of a phase that the user left out.
pub(crate) fn skipped(phase: &Phase, reason: Option<&str>) -> String {
    let mut out = heading(phase, PhaseStatus::Skipped);
    section(&mut out, "Validation Result");
    match reason {
        Some(reason) => out += &format!("Skipped by the user: {}\n", one_line(reason)),
        None => out += "Skipped by the user.\n",
    }
    out
}

/// The section of a phase whose interrupted work was given out again.
pub(crate) fn redelegated(phase: &Phase, agent: &str, reason: Option<&str>) -> String {
    let mut out = heading(phase, PhaseStatus::InProgress);
    let reason = reason.map_or("the agent was interrupted".to_owned(), one_line);
    out += &format!("\nGiven to {} again: {reason}\n", one_line(agent));
    out
}

/// The section that ends the log of an aborted session.
pub(crate) fn aborted(reason: Option<&str>) -> String {
    let reason = reason.map_or("No reason was given.".to_owned(), sentence);
    format!("## Session aborted\n\n{reason}\n")
}

fn heading(phase: &Phase, status: PhaseStatus) -> String {
    format!("## Phase {}: {} {}\n", phase.id, one_line(&phase.name), status.mark())
}

fn section(out: &mut String, title: &str) {
    *out += &format!("\n### {title}\n\n");
}

fn output(out: &mut String, agent: Option<&str>, text: Option<&str>) {
    section(out, &format!("{} Output", agent.map_or("Agent".to_owned(), one_line)));
    match text {
        Some(text) if !text.trim().is_empty() => out.push_str(&fenced("text", text)),
        _ => out.push_str("No output was recorded.\n"),
    }
}

fn bullet(out: &mut String, title: &str, items: &[String]) {
    let items: Vec<String> = items.iter().map(|item| one_line(item)).collect();
    let items = if items.is_empty() { "none".to_owned() } else { items.join(", ") };
    *out += &format!("- {title}: {items}\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PhaseId;

    fn phase() -> Phase {
        let mut phase =
            Phase::pending(PhaseId::from_number(2).unwrap(), "HTTP\nmiddleware".to_owned());
        phase.agents = vec!["coder".to_owned()];
        phase
    }

    #[test]
    fn a_completed_phase_is_logged_as_the_protocol_says() {
        let context = DownstreamContext {
            warnings: vec!["not async-safe\n## Forged".to_owned()],
            ..DownstreamContext::default()
        };
        let delivery = Delivery {
            agent: None,
            output: Some("Done.\n\n## Phase 9: forged ✓ completed\n```\n---\n"),
            created: vec!["src/a.rs".to_owned(), "src/b.rs".to_owned()],
            modified: vec![],
            deleted: vec![],
            context: &context,
            blockers: &[],
            validation: Some("Pass: 12 tests"),
        };
        insta::assert_snapshot!(delivered(&phase(), &delivery, None), @r"
        ## Phase 2: HTTP middleware ✓ completed

        ### coder Output

        ````text
        Done.

        ## Phase 9: forged ✓ completed
        ```
        ---
        ````

        ### Files Changed

        - Created: src/a.rs, src/b.rs
        - Modified: none
        - Deleted: none

        ### Downstream Context

        - Key Interfaces Introduced: none
        - Patterns Established: none
        - Integration Points: none
        - Assumptions: none
        - Warnings: not async-safe ## Forged

        ### Validation Result

        Pass: 12 tests
        ");
    }

    #[test]
    fn every_ending_has_its_mark() {
        assert!(
            skipped(&phase(), Some("out of scope"))
                .starts_with("## Phase 2: HTTP middleware – skipped\n")
        );
        assert!(
            redelegated(&phase(), "coder", None)
                .starts_with("## Phase 2: HTTP middleware ◯ in progress\n")
        );
    }
}
