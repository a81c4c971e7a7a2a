//! Words that several commands use for the same things.

use maestro_session::PhaseView;
use maestro_session_model::{
    ExecutionMode, PhaseId, PhaseStatus, TokenUsage, WorkflowMode, listed,
};

use crate::text::{Span, dim, green, plain, red, yellow};

/// Returns `1 batch`, `2 batches`.
pub(super) fn count(n: usize, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}

/// How many phases are named in one line; `--json` has them all.
const NAMED: usize = 12;

/// Returns `1, 2, 3`; of many, the first and how many there are more.
pub(super) fn list(ids: &[PhaseId]) -> String {
    listed(ids, NAMED, ", ")
}

/// Returns `1 → 2 → 3`; of many, the first and how many there are more.
pub(super) fn path(ids: &[PhaseId]) -> String {
    listed(ids, NAMED, " → ")
}

/// Returns `phase 2`, `phases 2, 3`.
pub(super) fn phases(ids: &[PhaseId]) -> String {
    let noun = if ids.len() == 1 { "phase" } else { "phases" };
    format!("{noun} {}", list(ids))
}

/// Returns `HTTP middleware (coder)`.
pub(super) fn name_and_agents(phase: &PhaseView) -> String {
    named(&phase.name, &phase.agents)
}

/// Returns a name with the agents, if there are any, in parentheses.
pub(super) fn named(name: &str, agents: &[String]) -> String {
    if agents.is_empty() { name.to_owned() } else { format!("{name} ({})", agents.join(", ")) }
}

/// Returns the mark of a status, in its colour.
pub(super) fn mark(status: PhaseStatus) -> Span {
    match status {
        PhaseStatus::Pending => plain(status.mark()),
        PhaseStatus::InProgress => yellow(status.mark()),
        PhaseStatus::Completed => green(status.mark()),
        PhaseStatus::Failed => red(status.mark()),
        PhaseStatus::Skipped => dim(status.mark()),
    }
}

/// Returns the beginning of a text, on one line, with `…` where something is missing.
pub(super) fn shortened(text: &str, chars: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None if line.len() < text.trim_end().len() => format!("{line} …"),
        None => line.to_owned(),
    }
}

/// Returns a status in words rather than as the documents write it.
pub(super) fn status(status: &str) -> String {
    status.replace('_', " ")
}

/// Returns `standard, parallel`.
pub(super) fn mode(workflow: WorkflowMode, execution: Option<ExecutionMode>) -> String {
    let workflow = match workflow {
        WorkflowMode::Standard => "standard",
        WorkflowMode::Express => "express",
    };
    match execution {
        Some(ExecutionMode::Parallel) => format!("{workflow}, parallel"),
        Some(ExecutionMode::Sequential) => format!("{workflow}, sequential"),
        None => workflow.to_owned(),
    }
}

/// Returns `1200 in (0 cached), 30 out`; nothing where no tokens were used.
pub(super) fn tokens(usage: &TokenUsage) -> Option<String> {
    let (input, cached, output) = (usage.total_input, usage.total_cached, usage.total_output);
    (0 < input || 0 < output).then(|| format!("{input} in ({cached} cached), {output} out"))
}

/// Returns the line after what is shown of many.
pub(crate) fn more(n: usize) -> String {
    format!("… and {n} more (`--json` has them all)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_is_cut_and_says_so() {
        let ids = |n: u64| (1..=n).map(|n| PhaseId::from_number(n).unwrap()).collect::<Vec<_>>();
        assert_eq!(phases(&ids(1)), "phase 1");
        assert_eq!(phases(&ids(3)), "phases 1, 2, 3");
        assert_eq!(list(&ids(12)), "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12");
        assert_eq!(list(&ids(10_000)), "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 9988 more");
    }
}
