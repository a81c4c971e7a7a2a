//! The resume report for a person: where it stands and what to do first, then what is in the way, then the rest.

use maestro_session::{BlockedPhase, Choice, Conflict, PhaseFacts, ResumeReport, Resumed, Step};
use maestro_session_model::{PhaseError, PhaseId, listed, one_line};

use crate::commands::step;
use crate::commands::words::{count, list, mode, more, named, phases, shortened, status, tokens};
use crate::table::Table;
use crate::text::{Text, bold, dim, plain, red, yellow};

/// How many phases or conflicts are shown of each kind.
const SHOWN: usize = 8;
/// How many errors of a phase are shown, the newest.
const ERRORS: usize = 2;
/// How much of a message is shown.
const MESSAGE_CHARS: usize = 160;

/// How much of the task is shown; `--json` has all of it.
const TASK_CHARS: usize = 200;
/// How many lines of a diff are shown.
const DIFF_LINES: usize = 16;

/// Returns the whole report.
pub(super) fn report(report: &ResumeReport) -> Text {
    let mut text = Text::default();
    head(&mut text, report);
    text.gap();
    for note in &report.notes {
        text.line([yellow("note: "), plain(note)]);
    }
    next(&mut text, report);
    add_conflicts(&mut text, report);
    add_phases(&mut text, "Failed: the user chooses what becomes of them", &report.failed);
    add_phases(&mut text, "Interrupted", &report.active);
    if report.goes_on() {
        add_ready(&mut text, report);
    }
    add_phases(&mut text, "To be reconciled", &report.to_reconcile);
    add_phases(&mut text, "Unresolved errors elsewhere", &report.other_errors);
    if report.goes_on() {
        add_waiting(&mut text, &report.blocked);
    }
    if !report.broken_rules.is_empty() {
        text.gap();
        for rule in report.broken_rules.iter().take(SHOWN) {
            text.line([yellow("broken rule: "), plain(rule)]);
        }
        add_more(&mut text, "", report.broken_rules.len());
    }
    text.gap();
    details(report).write_to(&mut text, "");
    text
}

/// Returns what became of the step.
pub(super) fn resumed(resumed: &Resumed) -> Text {
    let mut text = Text::default();
    let (report, recorded) = (&resumed.report, resumed.phases());
    let facts =
        |id: &PhaseId| report.active.iter().chain(&report.ready).find(|phase| phase.id == *id);
    let did = match report.next.step {
        Step::Redelegate { .. } => "given out again",
        _ => "started",
    };
    for id in recorded.iter().take(SHOWN) {
        let what = facts(id).map_or_else(String::new, name_and_agents);
        text.line([plain("Phase "), bold(id), plain(format!(" {did}: {what}"))]);
        if let Some(phase) = facts(id) {
            if !phase.planned_files.is_empty() {
                text.line([dim("  files: "), plain(listed(&phase.planned_files, SHOWN, ", "))]);
            }
            if !phase.errors.is_empty() {
                let errors = count(phase.errors.len(), "unresolved error", "unresolved errors");
                text.line([plain("  "), red(errors)]);
            }
        }
    }
    add_more(&mut text, "", recorded.len());
    let shown = report.conflicts_to_confirm().count();
    if 0 < shown {
        let what = count(shown, "conflict", "conflicts");
        text.line([yellow(format!("despite {what}; `maestro resume` shows them"))]);
    }
    if let [first] = recorded.as_slice() {
        let command = step::complete(first.clone()).command_line().shell;
        step::Step { command, about: "when the agent's report is there".to_owned() }
            .write_to(&mut text);
    }
    text
}

fn head(text: &mut Text, report: &ResumeReport) {
    let (session, position) = (&report.session, &report.position);
    let mut head = Table::default();
    head.row([dim("Session"), bold(&session.session_id)]);
    head.row([dim("Task"), plain(shortened(&session.task, TASK_CHARS))]);
    let standing = format!(
        "{}, {} of {} done, last change {}",
        status(session.status.as_str()),
        position.done,
        count(position.phases, "phase", "phases"),
        session.updated_seconds_ago.ago()
    );
    head.row([dim("Status"), plain(standing)]);
    head.write_to(text, "");
}

/// What to do, with the command where there is one.
fn next(text: &mut Text, report: &ResumeReport) {
    let in_list = |list: &[PhaseFacts], ids: &[PhaseId]| match ids {
        [id] => list.iter().find(|phase| phase.id == *id).map(name_and_agents),
        _ => None,
    };
    let those = |list: &[PhaseFacts], ids: &[PhaseId], how: &str| match in_list(list, ids) {
        Some(name) => format!("{}{how}: {name}", phases(ids)),
        None => format!("{}{how}", phases(ids)),
    };
    let first = report.next.commands.first().map(|command| command.shell.clone());
    let apply = |about| ("maestro resume --apply".to_owned(), about);
    let (command, about) = match &report.next.step {
        Step::Choose { phases: ids } => {
            text.line([plain("Next: "), bold(format!("choose what becomes of {}", phases(ids)))]);
            return;
        }
        Step::Stuck { obstacles } => {
            text.line([plain("Next: "), bold(&report.next.means)]);
            for obstacle in obstacles.iter().take(SHOWN) {
                text.line([red("  in the way: "), plain(&obstacle.message)]);
                text.line([plain("    "), plain(&obstacle.hint)]);
            }
            add_more(text, "  ", obstacles.len());
            return;
        }
        Step::Redelegate { phases: ids } => {
            apply(format!("gives {}", those(&report.active, ids, " out again")))
        }
        Step::Approve { phases: ids } => {
            apply(format!("begins {}", those(&report.ready, ids, ", once its brief is approved")))
        }
        Step::Start { phases: ids } => apply(format!("begins {}", those(&report.ready, ids, ""))),
        Step::Reconcile { phases: ids } => {
            let about = in_list(&report.to_reconcile, ids);
            let about = about.unwrap_or_else(|| format!("and so on for {}", phases(ids)));
            (first.unwrap_or_default(), about)
        }
        Step::Review { .. } => {
            let about = "all phases are done; review the code first".to_owned();
            (first.unwrap_or_default(), about)
        }
        Step::Archive { because, asks } => {
            let asks = if *asks { ", if the user wants that" } else { "" };
            (first.unwrap_or_default(), format!("{}{asks}", because.as_str()))
        }
    };
    step::Step { command, about }.write_to(text);
}

fn add_conflicts(text: &mut Text, report: &ResumeReport) {
    let conflicts: Vec<&Conflict> = report.conflicts_to_confirm().collect();
    if conflicts.is_empty() {
        return;
    }
    text.gap();
    text.line([bold("Conflicts"), plain(": the user has to know of them before anything goes on")]);
    let mut table = Table::default();
    for conflict in conflicts.iter().take(SHOWN) {
        add_conflict(&mut table, conflict);
    }
    table.write_to(text, "  ");
    for conflict in conflicts.iter().take(SHOWN) {
        if let Conflict::DocumentChanged { diff: Some(diff), .. } = conflict {
            text.gap();
            for line in diff.lines().take(DIFF_LINES) {
                text.line([plain("    "), plain(cut(&line.replace('\t', "    ")))]);
            }
            let left = diff.lines().count().saturating_sub(DIFF_LINES);
            if 0 < left {
                text.line([plain("    "), dim(more(left))]);
            }
        }
    }
    add_more(text, "  ", conflicts.len());
}

fn add_conflict(table: &mut Table, conflict: &Conflict) {
    match conflict {
        Conflict::PartialPhase { phase, files, .. } => {
            let touched = files.iter().filter(|file| file.state.is_for_the_user());
            let all = touched.clone().count();
            for file in touched.take(SHOWN) {
                let what = in_words(file.state.in_words());
                table.row([plain(format!("phase {phase}")), plain(&file.path), yellow(what)]);
            }
            if SHOWN < all {
                table.row([plain(format!("phase {phase}")), dim(more(all - SHOWN))]);
            }
        }
        Conflict::File(file) => {
            let what = in_words(file.kind.in_words());
            table.row([plain(format!("phase {}", file.phase)), plain(&file.path), yellow(what)]);
        }
        Conflict::DocumentChanged { role, path, diff } => {
            let what = match diff {
                Some(_) => "changed since the session was created",
                None => "changed since the session was created; the text of then is not known",
            };
            table.row([plain(role.as_str()), plain(path), yellow(what)]);
        }
        Conflict::DocumentMissing { role, path, reason } => {
            let what = match reason {
                Some(reason) => format!("cannot be read: {reason}"),
                None => "is gone".to_owned(),
            };
            table.row([plain(role.as_str()), plain(path), yellow(what)]);
        }
        // What is not known here is at least counted.
        _ => table.row([plain("other"), plain(""), yellow("`--json` has it")]),
    }
}

fn in_words((what, detail): (&str, Option<&str>)) -> String {
    match detail {
        Some(detail) => format!("{what}: {detail}"),
        None => what.to_owned(),
    }
}

/// Appends phases with their errors and what can be done about each.
fn add_phases(text: &mut Text, heading: &str, list: &[PhaseFacts]) {
    if list.is_empty() {
        return;
    }
    text.gap();
    text.line([bold(heading)]);
    for phase in list.iter().take(SHOWN) {
        let mut about = Vec::new();
        if let Some(elapsed) = phase.started_seconds_ago {
            about.push(format!("started {}", elapsed.ago()));
        }
        if 0 < phase.retry_count {
            about.push(format!("retried {} of {} times", phase.retry_count, phase.max_retries));
        }
        text.line([
            plain("  "),
            bold(&phase.id),
            plain(format!("  {}", name_and_agents(phase))),
            dim(if about.is_empty() { String::new() } else { format!("  {}", about.join(", ")) }),
        ]);
        let older = phase.errors.len().saturating_sub(ERRORS);
        if 0 < older {
            let older = count(older, "older error", "older errors");
            text.line([dim(format!("     {older} (`--json` has them all)"))]);
        }
        for error in &phase.errors[older..] {
            add_error(text, error);
        }
        let mut choices = Table::default();
        for choice in &phase.choices {
            add_choice(&mut choices, choice);
        }
        choices.write_to(text, "     ");
    }
    add_more(text, "  ", list.len());
}

fn add_error(text: &mut Text, error: &PhaseError) {
    let about = format!("{} {}, {}: ", error.timestamp, error.kind, error.agent);
    text.line([plain("     "), dim(about), red(cut(&one_line(&error.message)))]);
    if error.resolution != "pending" && !error.resolution.is_empty() {
        let done = cut(&one_line(&error.resolution));
        text.line([plain("     "), dim("done about it so far: "), plain(done)]);
    }
}

fn add_choice(table: &mut Table, choice: &Choice) {
    let (verb, command) = (dim(choice.action.verb()), &choice.command.shell);
    match (&choice.refusal, &choice.then) {
        (Some(refusal), _) => {
            let why = format!("not possible now: {}", refusal.message);
            table.row([verb, dim(command), yellow(cut(&why))]);
        }
        (None, Some(then)) => table.row([verb, bold(command), dim(format!("then {}", then.shell))]),
        (None, None) => table.row([verb, bold(command), dim(&choice.means)]),
    }
}

fn add_ready(text: &mut Text, report: &ResumeReport) {
    if report.ready.is_empty() {
        return;
    }
    text.gap();
    text.line([bold("Ready")]);
    let mut table = Table::default();
    for phase in report.ready.iter().take(SHOWN) {
        let agents = dim(phase.agents.join(", "));
        let last = match phase.choices.first() {
            Some(Choice { refusal: Some(refusal), .. }) => yellow(cut(&refusal.message)),
            Some(choice) => bold(&choice.command.shell),
            None => plain(""),
        };
        table.row([plain(&phase.id), plain(&phase.name), agents, last]);
    }
    table.write_to(text, "  ");
    add_more(text, "  ", report.ready.len());
    if let Step::Approve { phases: ids } = &report.next.step {
        // What the user is to approve.
        let of_brief = report.ready.iter().filter(|phase| ids.contains(&phase.id));
        for phase in of_brief.filter(|phase| !phase.planned_files.is_empty()) {
            text.line([dim("  files: "), plain(listed(&phase.planned_files, SHOWN, ", "))]);
        }
    }
}

fn add_waiting(text: &mut Text, blocked: &[BlockedPhase]) {
    if blocked.is_empty() {
        return;
    }
    text.gap();
    text.line([bold("Waiting")]);
    let mut table = Table::default();
    for phase in blocked.iter().take(SHOWN) {
        let waits_for: Vec<PhaseId> = phase.waits_for.iter().map(|open| open.id.clone()).collect();
        let agents = dim(phase.agents.join(", "));
        let waits = plain(format!("waits for {}", list(&waits_for)));
        table.row([plain(&phase.id), plain(&phase.name), agents, waits]);
    }
    table.write_to(text, "  ");
    add_more(text, "  ", blocked.len());
}

fn details(report: &ResumeReport) -> Table {
    let (session, position) = (&report.session, &report.position);
    let mut details = Table::default();
    let mut row = |name: &str, value: String| details.row([dim(name), plain(value)]);
    if let Some(last) = &position.last_completed {
        let ago = last.completed_seconds_ago.map(|elapsed| format!(", {}", elapsed.ago()));
        row("Last done", format!("{} {}{}", last.id, last.name, ago.unwrap_or_default()));
    }
    row("Mode", mode(session.workflow_mode, session.execution_mode));
    if let Some(batch) = &position.current_batch {
        row("Batch", batch.clone());
    }
    if let Some(design) = &session.design_document {
        row("Design", design.clone());
    }
    if let Some(plan) = &session.implementation_plan {
        row("Plan", plan.clone());
    }
    row("Created", format!("{} ({})", session.created, session.created_seconds_ago.ago()));
    row("Updated", format!("{} ({})", session.updated, session.updated_seconds_ago.ago()));
    if let Some(tokens) = tokens(&session.token_usage) {
        row("Tokens", tokens);
    }
    details
}

fn name_and_agents(phase: &PhaseFacts) -> String {
    named(&phase.name, &phase.agents)
}

fn add_more(text: &mut Text, indent: &str, all: usize) {
    if SHOWN < all {
        text.line([plain(indent), dim(more(all - SHOWN))]);
    }
}

fn cut(line: &str) -> String {
    shortened(line, MESSAGE_CHARS)
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use maestro_resume::ResumeSettings;
    use maestro_session::{
        ConflictKind, DocumentRole, Evidence, FileConflict, PartialFile, PartialState,
    };
    use maestro_session_model::{Document, PlanRules, RelPath, Rules};

    use super::*;

    const SESSION: &str = "---\n\
        session_id: 2026-01-15-rate-limiting\n\
        task: Rate limiting\n\
        created: 2026-01-15T10:00:00Z\n\
        updated: 2026-01-15T10:30:00Z\n\
        status: in_progress\n\
        phases:\n\
        - {id: 1, name: Contract, status: completed, agents: [architect]}\n\
        - {id: 2, name: Buckets, status: in_progress, agents: [coder], started: 2026-01-15T10:20:00Z}\n\
        total_phases: 2\n\
        ---\n";

    fn shown(conflicts: Vec<Conflict>) -> String {
        let document = Document::parse(SESSION.to_owned()).unwrap();
        let settings = ResumeSettings {
            rules: Rules { max_retries: 2, max_concurrent: 0, plan: PlanRules::default() },
            auto_archive: true,
        };
        let now = "2026-02-05T12:00:00Z".parse().unwrap();
        let report = maestro_resume::report(document.session(), conflicts, &settings, now);
        anstream::adapter::strip_str(super::report(&report).as_ansi()).to_string()
    }

    fn path(path: &str) -> RelPath {
        RelPath::parse(path).unwrap()
    }

    fn file(name: &str, kind: ConflictKind) -> Conflict {
        Conflict::File(FileConflict { phase: "1".parse().unwrap(), path: path(name), kind })
    }

    fn partial(files: &[(&str, PartialState)]) -> Conflict {
        let file = |(name, state): &(&str, PartialState)| PartialFile {
            path: path(name),
            state: state.clone(),
        };
        Conflict::PartialPhase {
            phase: "2".parse().unwrap(),
            started: None,
            files: files.iter().map(file).collect(),
        }
    }

    #[test]
    fn conflicts_of_files() {
        assert_snapshot!(shown(vec![
            partial(&[
                ("src/http.rs", PartialState::Created),
                ("src/lib.rs", PartialState::Changed),
                ("src/gone.rs", PartialState::Deleted),
                ("src/place.rs", PartialState::TypeChanged { now: "a directory".to_owned() }),
                ("src/shut.rs", PartialState::Unreadable { reason: "permission denied".to_owned() }),
                ("src/main.rs", PartialState::Untouched),
            ]),
            file("a.rs", ConflictKind::Modified { evidence: Evidence::Contents }),
            file("src/b.rs", ConflictKind::Modified { evidence: Evidence::Time }),
            file("c.rs", ConflictKind::Deleted),
            file("d.rs", ConflictKind::Recreated),
            file("e.rs", ConflictKind::TypeChanged { now: "a directory".to_owned() }),
            file("f.rs", ConflictKind::Unreadable { reason: "permission\u{1b}[2J denied".to_owned() }),
        ]), @r"
        Session  2026-01-15-rate-limiting
        Task     Rate limiting
        Status   in progress, 1 of 2 phases done, last change 3 weeks ago

        Next: maestro resume --apply  gives phase 2 out again: Buckets (coder)

        Conflicts: the user has to know of them before anything goes on
          phase 2  src/http.rs   created since the phase began
          phase 2  src/lib.rs    changed since the phase began
          phase 2  src/gone.rs   deleted
          phase 2  src/place.rs  replaced: a directory
          phase 2  src/shut.rs   not comparable: permission denied
          phase 1  a.rs          modified
          phase 1  src/b.rs      written after its phase ended
          phase 1  c.rs          deleted
          phase 1  d.rs          deleted by its phase, and there again
          phase 1  e.rs          replaced: a directory
          phase 1  f.rs          not comparable: permission\u{1b}[2J denied

        Interrupted
          2  Buckets (coder)  started 3 weeks ago
             redelegate  maestro phase redelegate 2              give the work out again, with the same scope
             complete    maestro phase complete 2 --report FILE  if the agent's report came after all
             fail        maestro phase fail 2 --message TEXT     if the agent gave up
             adjust      maestro phase adjust 2 --agent NAME     then maestro phase redelegate 2

        Last done  1 Contract
        Mode       standard
        Created    2026-01-15T10:00:00.000Z (3 weeks ago)
        Updated    2026-01-15T10:30:00.000Z (3 weeks ago)
        ");
    }

    #[test]
    fn conflicts_of_documents() {
        let changed = |role, diff: Option<&str>| Conflict::DocumentChanged {
            role,
            path: "docs/maestro/plans/x.md".to_owned(),
            diff: diff.map(str::to_owned),
        };
        let missing = |role, reason: Option<&str>| Conflict::DocumentMissing {
            role,
            path: "docs/maestro/plans/x.md".to_owned(),
            reason: reason.map(str::to_owned),
        };
        let long = "@@ -1 +1 @@\n".to_owned() + &"+\tx\n".repeat(20);
        assert_snapshot!(shown(vec![
            changed(DocumentRole::Plan, Some("--- x.md\n+++ x.md\n@@ -1,2 +1,2 @@\n # Plan\n-two\n+three\n")),
            changed(DocumentRole::Design, Some(&long)),
            changed(DocumentRole::Design, None),
            missing(DocumentRole::Plan, None),
            missing(DocumentRole::Design, Some("permission denied")),
        ]), @"
        Session  2026-01-15-rate-limiting
        Task     Rate limiting
        Status   in progress, 1 of 2 phases done, last change 3 weeks ago

        Next: maestro resume --apply  gives phase 2 out again: Buckets (coder)

        Conflicts: the user has to know of them before anything goes on
          plan    docs/maestro/plans/x.md  changed since the session was created
          design  docs/maestro/plans/x.md  changed since the session was created
          design  docs/maestro/plans/x.md  changed since the session was created; the text of then is not known
          plan    docs/maestro/plans/x.md  is gone
          design  docs/maestro/plans/x.md  cannot be read: permission denied

            --- x.md
            +++ x.md
            @@ -1,2 +1,2 @@
             # Plan
            -two
            +three

            @@ -1 +1 @@
            +    x
            +    x
            +    x
            +    x
            +    x
            +    x
            +    x
            +    x
            +    x
            +    x
            +    x
            +    x
            +    x
            +    x
            +    x
            … and 5 more (`--json` has them all)

        Interrupted
          2  Buckets (coder)  started 3 weeks ago
             redelegate  maestro phase redelegate 2              give the work out again, with the same scope
             complete    maestro phase complete 2 --report FILE  if the agent's report came after all
             fail        maestro phase fail 2 --message TEXT     if the agent gave up
             adjust      maestro phase adjust 2 --agent NAME     then maestro phase redelegate 2

        Last done  1 Contract
        Mode       standard
        Created    2026-01-15T10:00:00.000Z (3 weeks ago)
        Updated    2026-01-15T10:30:00.000Z (3 weeks ago)
        ");
    }

    #[test]
    fn an_agent_that_has_touched_nothing_is_no_conflict_to_show() {
        let text = shown(vec![partial(&[("src/main.rs", PartialState::Untouched)])]);
        assert!(!text.contains("Conflicts"), "{text}");
    }

    #[test]
    fn of_many_conflicts_the_first_are_shown() {
        let many = (0..50).map(|n| file(&format!("src/{n}.rs"), ConflictKind::Deleted));
        let text = shown(many.collect());
        assert!(
            text.contains("src/7.rs  deleted\n  … and 42 more (`--json` has them all)\n"),
            "{text}"
        );
    }
}
