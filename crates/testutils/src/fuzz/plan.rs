//! Plans in both forms, the rules for them, and the session that a plan becomes.

use std::fmt::Write as _;

use maestro_session_model::{
    AgentRole, Document, FrontMatter, NewSession, Plan, PlanReport, PlanRules, PlannedPhase,
    RelPath, Roster, Strictness, Timestamp, WorkflowMode, check_plan, read_plan, session_outlines,
};

use super::{assert_explains, last_line};

/// Reads a plan and, if it is one, takes it as far as a session.
pub fn plan(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    let plan = match read_plan(&text) {
        Ok(plan) => plan,
        Err(error) => {
            let has_line = error.line().is_some();
            let is_whole = matches!(error.code(), "PLAN_WITHOUT_PHASES" | "PLAN_TOO_LARGE");
            assert!(has_line || is_whole, "{error} has no line");
            let _hint = error.hint();
            return assert_explains(&error, error.line(), &text);
        }
    };
    let last = last_line(&text);
    assert!(!plan.phases.is_empty());
    let has_line = |line: &usize| (1..=last).contains(line);
    assert!(plan.phases.iter().all(|phase| phase.line.as_ref().is_some_and(has_line)), "{plan:?}");
    assert_reads_alike_elsewhere(&text, &plan);
    assert_reads_alike_as_front_matter(&plan);

    for rules in rules() {
        let report = check_plan(&plan.outlines(), &rules);
        assert_adds_up(&plan, &report, last);
        if report.is_accepted() {
            assert_becomes_a_session(&plan, &rules);
        }
    }
}

/// Line ends and a byte order mark change nothing.
fn assert_reads_alike_elsewhere(text: &str, plan: &Plan) {
    if !text.starts_with('\u{feff}') {
        assert_eq!(read_plan(&format!("\u{feff}{text}")).as_ref(), Ok(plan));
    }
    if !text.contains('\r') {
        assert_eq!(read_plan(&text.replace('\n', "\r\n")).as_ref(), Ok(plan));
    }
}

/// A plan says the same when it is written as front matter. Only the lines are others.
fn assert_reads_alike_as_front_matter(plan: &Plan) {
    let text = written(plan);
    let mut read = read_plan(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    for (read, phase) in read.phases.iter_mut().zip(&plan.phases) {
        read.line = phase.line;
    }
    assert_eq!(&read, plan, "{text}");
}

fn written(plan: &Plan) -> String {
    let mut out = "---\n".to_owned();
    let mut head = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            let _infallible = writeln!(out, "{key}: {}", quoted(&value));
        }
    };
    let word = |text: Result<String, _>| text.expect("a word").trim_matches('"').to_owned();
    head("title", plan.title.clone());
    head("design_ref", plan.design_ref.clone());
    head("task_complexity", plan.task_complexity.map(|is| word(serde_json::to_string(&is))));
    head("workflow_mode", plan.workflow_mode.map(|is| word(serde_json::to_string(&is))));
    out += "phases:\n";
    for phase in &plan.phases {
        let id = |id: &maestro_session_model::PhaseId| match id.number() {
            Some(number) if id.is_written_as_number() => number.to_string(),
            _ => quoted(&id.to_string()),
        };
        let paths = |paths: &[RelPath]| list(paths.iter().map(|path| quoted(path.as_str())));
        let _infallible = writeln!(
            out,
            "- id: {}\n  name: {}\n  agents: {}\n  parallel: {}\n  blocked_by: {}\n  \
             files_to_create: {}\n  files_to_modify: {}\n  files_to_delete: {}",
            id(&phase.id),
            quoted(&phase.name),
            list(phase.agents.iter().map(|agent| quoted(agent.as_str()))),
            phase.parallel,
            list(phase.blocked_by.iter().map(id)),
            paths(&phase.files_to_create),
            paths(&phase.files_to_modify),
            paths(&phase.files_to_delete),
        );
    }
    out + "---\n"
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// A double-quoted string of YAML with nothing in it but printable ASCII.
fn quoted(text: &str) -> String {
    let mut out = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            _ => {
                let _infallible = write!(out, "\\U{:08x}", u32::from(c));
            }
        }
    }
    out + "\""
}

fn rules() -> [PlanRules; 2] {
    let name = |name: &str| name.parse().expect("a legal name");
    let agents = [("coder", false), ("tester", false), ("architect", true)];
    let roster: Roster = agents
        .map(|(agent, read_only)| (name(agent), AgentRole { read_only }))
        .into_iter()
        .collect();
    [
        PlanRules::default(),
        PlanRules {
            disabled_agents: vec![name("tester")],
            roster: Some(roster),
            strictness: Strictness::Lenient,
        },
    ]
}

/// What is found about a plan is about this plan, and an order is one.
fn assert_adds_up(plan: &Plan, report: &PlanReport, last: usize) {
    for violation in &report.violations {
        assert!(!violation.message.trim().is_empty(), "{violation:?}");
        assert!(violation.line.is_none_or(|line| (1..=last).contains(&line)), "{violation:?}");
        if let Some(id) = &violation.phase {
            assert!(plan.phases.iter().any(|phase| phase.id == *id), "{violation:?}");
        }
    }
    let Some(profile) = &report.profile else {
        assert!(!report.is_accepted(), "phases without an order are accepted: {plan:?}");
        return;
    };
    assert_eq!(profile.total_phases, plan.phases.len());
    let batched: usize = profile.batches.iter().map(|batch| batch.phase_ids.len()).sum();
    assert_eq!(batched, plan.phases.len(), "each phase is in one batch");
    for phase in &plan.phases {
        let depth = profile.depths[&phase.id];
        assert!(profile.batches[depth].phase_ids.contains(&phase.id));
        assert!(phase.blocked_by.iter().all(|blocker| profile.depths[blocker] < depth));
    }
}

/// An accepted plan makes a session that can be written and read, and that is accepted as well.
fn assert_becomes_a_session(plan: &Plan, rules: &PlanRules) {
    let now: Timestamp = "2026-01-15T10:00:00Z".parse().expect("a time");
    let new = NewSession {
        session_id: "2026-01-15-fuzz".parse().expect("a legal id"),
        task: "fuzz".to_owned(),
        workflow_mode: WorkflowMode::Standard,
        design_document: None,
        implementation_plan: None,
        execution_mode: None,
        execution_backend: None,
        task_complexity: plan.task_complexity,
        phases: plan.phases.clone(),
        begins: false,
    };
    let (session, _) = new.create(rules, now).expect("the plan was accepted");
    for style in [FrontMatter::Yaml, FrontMatter::Json] {
        let written = Document::create(session.clone(), style);
        let read = Document::parse(written.text().to_owned());
        let read = read.unwrap_or_else(|error| panic!("{error}\n{}", written.text()));
        assert_eq!(read.session(), &session, "{}", written.text());
    }
    assert!(check_plan(&session_outlines(&session), rules).is_accepted());
    for (phase, planned) in session.phases.iter().zip(&plan.phases) {
        let owned = PlannedPhase::planned_files(planned);
        assert_eq!(phase.planned_files.len(), owned.len());
    }
}
