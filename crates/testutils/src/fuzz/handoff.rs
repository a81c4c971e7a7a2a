//! Handoff reports, and what of an agent's text gets into the body of the document.

use maestro_session_model::{
    Command, Document, ErrorKind, ExecutionMode, Failure, FrontMatter, Handoff, HandoffReport,
    Phase, PhaseId, PhaseStatus, PlanRules, RelPath, Rules, Session, SessionStatus, Strictness,
    Timestamp, TokenUsage, WorkflowMode, decide, read_report,
};
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::{assert_explains, last_line};

const WORKSPACE: &str = "/home/u/app";

/// Reads a report, records it, and records its text wherever a command takes one.
pub fn handoff(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    let handoff = match read_report(&text, WORKSPACE) {
        Ok(report) => {
            assert_is_sound(&report, &text);
            Handoff::from_report(&report, &text)
        }
        Err(error) => {
            let _hint = error.hint();
            assert_explains(&error, None, &text);
            Handoff { output: Some(text.clone()), ..Handoff::default() }
        }
    };
    assert_is_written(&handoff);
    assert_is_recorded(handoff, &text);
}

/// What a report says is about this text, and is of use as it is.
fn assert_is_sound(report: &HandoffReport, text: &str) {
    let last = last_line(text);
    for problem in &report.problems {
        assert!((1..=last).contains(&problem.line), "{problem:?}");
        assert!(!problem.message.trim().is_empty());
    }
    assert_eq!(report.notes().len(), report.missing.len() + report.problems.len());
    assert!(serde_json::to_string(report).is_ok(), "a report is plain data");
    for files in [&report.files_created, &report.files_modified, &report.files_deleted] {
        for (index, path) in files.iter().enumerate() {
            assert_eq!(RelPath::parse(path.as_str()).as_ref(), Ok(path), "a path has one form");
            assert!(!files[..index].contains(path), "`{path}` is there twice");
        }
    }
    if !text.contains('\r') {
        let elsewhere = read_report(&text.replace('\n', "\r\n"), WORKSPACE);
        assert_eq!(elsewhere.as_ref(), Ok(report), "line ends change what a report says");
    }
}

/// The document says what was handed over, and nothing of the text gets out of its body.
fn assert_is_written(handoff: &Handoff) {
    let document = Document::create(session(PhaseStatus::InProgress), FrontMatter::Yaml);
    let command = Command::Complete { phase: phase_id(), handoff: handoff.clone() };
    let now = document.session().updated;
    let decision = decide(document.session(), &command, &rules(), now);
    let decision = decision.expect("a lenient rule lets every handoff pass");
    let update = document.update(decision.session.clone(), &decision.log);
    let update = update.expect("a document of ours can be changed");
    let read = Document::parse(update.document.text().to_owned());
    let read = read.expect("an update of ours can be read");
    assert_eq!(read.session(), &decision.session);
    assert_eq!(read.body(), format!("{}\n{}", document.body(), decision.log));
}

fn rules() -> Rules {
    let plan = PlanRules { strictness: Strictness::Lenient, ..PlanRules::default() };
    Rules { max_retries: 2, max_concurrent: 0, plan }
}

/// Every command that puts the text into the log adds the headings and the fences that it is made of, and no others.
fn assert_is_recorded(handoff: Handoff, text: &str) {
    use PhaseStatus::{Completed, InProgress};
    let phase = phase_id;
    let some = || Some(text.to_owned());
    let has_blockers = !handoff.blockers.is_empty();
    let is_said = usize::from(!text.trim().is_empty());

    let mut delivered = vec!["coder Output", "Files Changed", "Downstream Context"];
    delivered.extend(has_blockers.then_some("Blockers"));
    delivered.push("Validation Result");
    let command = Command::Complete { phase: phase(), handoff: handoff.clone() };
    assert_logs(InProgress, &command, "Phase 1: Work ✓ completed", &delivered, is_said);

    let spoken = Handoff { validation: some(), blockers: vec![text.to_owned()], ..handoff };
    let complete = Command::Complete { phase: phase(), handoff: spoken.clone() };
    let transition = Command::Transition {
        phase: Some(phase()),
        handoff: spoken.clone(),
        start: Vec::new(),
        batch: None,
    };
    let mut outspoken = delivered.clone();
    if !has_blockers {
        outspoken.insert(3, "Blockers");
    }
    for command in [complete, transition] {
        assert_logs(InProgress, &command, "Phase 1: Work ✓ completed", &outspoken, is_said);
    }

    let command = Command::Reconcile { phase: phase(), handoff: spoken, reason: some() };
    outspoken.insert(0, "Reconciliation");
    assert_logs(Completed, &command, "Phase 1: Work ✓ completed", &outspoken, is_said);

    let failure = Failure {
        agent: None,
        kind: ErrorKind::Validation,
        message: text.to_owned(),
        tokens: None,
        output: some(),
    };
    let command = Command::Fail { phase: phase(), failure: failure.clone() };
    let failed = ["coder Output", "Validation Result"];
    assert_logs(InProgress, &command, "Phase 1: Work ✗ failed", &failed, 2 * is_said);

    // Where the agent wrote nothing, the log has nothing to show.
    if is_said == 1 {
        let command = Command::RecordError { phase: phase(), failure, resolution: some() };
        let resolved = ["coder Output", "Validation Result", "Resolution"];
        assert_logs(InProgress, &command, "Phase 1: Work ◯ in progress", &resolved, 2);
    }

    let command = Command::Skip { phase: phase(), by_user: true, reason: some() };
    assert_logs(InProgress, &command, "Phase 1: Work – skipped", &["Validation Result"], 0);

    let command = Command::Redelegate { phase: phase(), agent: None, reason: some() };
    assert_logs(InProgress, &command, "Phase 1: Work ◯ in progress", &[], 0);

    let command = Command::Abort { by_user: true, reason: some() };
    assert_logs(InProgress, &command, "Session aborted", &[], 0);
}

fn phase_id() -> PhaseId {
    PhaseId::from_number(1).expect("one is positive")
}

fn session(status: PhaseStatus) -> Session {
    let now: Timestamp = "2026-01-15T10:00:00Z".parse().expect("a time");
    let mut phase = Phase::pending(phase_id(), "Work".to_owned());
    phase.status = status;
    phase.agents = vec!["coder".to_owned()];
    Session {
        session_id: "2026-01-15-fuzz".parse().expect("a legal id"),
        task: "fuzz".to_owned(),
        created: now,
        updated: now,
        status: SessionStatus::InProgress,
        workflow_mode: WorkflowMode::Express,
        design_document: None,
        implementation_plan: None,
        current_phase: Some(phase_id()),
        total_phases: 1,
        execution_mode: Some(ExecutionMode::Sequential),
        execution_backend: None,
        current_batch: None,
        task_complexity: None,
        token_usage: TokenUsage::default(),
        phases: vec![phase],
    }
}

/// Carries out `command`, if it is allowed, and checks what it adds to the log: the section `heading` with these
/// `parts` and so many fenced texts, closed at its end.
fn assert_logs(
    status: PhaseStatus,
    command: &Command,
    heading: &str,
    parts: &[&str],
    fenced: usize,
) {
    let session = session(status);
    let decision = match decide(&session, command, &rules(), session.updated) {
        Ok(decision) => decision,
        Err(error) => return assert_explains(&error, None, ""),
    };
    let mut expected = vec![(HeadingLevel::H2, heading.to_owned())];
    expected.extend(parts.iter().map(|part| (HeadingLevel::H3, (*part).to_owned())));
    expected.push((HeadingLevel::H2, "The next section".to_owned()));
    let body = format!("{}\n## The next section\n", decision.log);
    let outline = Outline::of(&body);
    assert_eq!(outline, Outline { headings: expected, fenced, html: 0 }, "{body}");
}

/// What a reader of Markdown sees of a text at first glance.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outline {
    headings: Vec<(HeadingLevel, String)>,
    fenced: usize,
    html: usize,
}

impl Outline {
    fn of(text: &str) -> Self {
        let mut outline = Self::default();
        let mut heading = None;
        for event in Parser::new_ext(text, Options::empty()) {
            match event {
                Event::Start(Tag::Heading { level, .. }) => heading = Some((level, String::new())),
                Event::End(TagEnd::Heading(_)) => outline.headings.extend(heading.take()),
                Event::Start(Tag::CodeBlock(_)) => outline.fenced += 1,
                Event::Start(Tag::HtmlBlock) => outline.html += 1,
                Event::Text(text) | Event::Code(text) => {
                    if let Some((_, title)) = &mut heading {
                        *title += &text;
                    }
                }
                _ => {}
            }
        }
        outline
    }
}
