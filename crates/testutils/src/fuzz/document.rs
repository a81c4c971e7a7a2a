//! The session document: reading it, and changing it without touching what the change is not about.

use granit_parser::{Options, Parser};
use maestro_session_model::{
    Adjustment, Command, Configuration, Document, DownstreamContext, ErrorKind, ExecutionMode,
    Failure, FrontMatter, Handoff, Phase, PhaseError, PhaseId, PhaseStatus, PlanRules, RelPath,
    Rules, Session, SessionStatus, Timestamp, UpdateError, decide,
};
use maestro_state_store::splice;

use super::assert_explains;
use crate::{Operation, operate};

/// Texts that break careless writers of YAML.
const AWKWARD: [&str; 5] = [
    "---\nkey: 'value' # \"no\" comment\n",
    "- [é, 日本, 😀]: {*a: &b}",
    "tab\there, nul\0, \u{2028}, \u{feff}, \u{85}",
    " blanks at both ends ",
    "yes",
];

/// Reads a document and, if it is one, changes it in every way that its last byte chooses.
pub fn document(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    let document = match Document::parse(text.clone()) {
        Ok(document) => document,
        Err(error) => return assert_explains(&error, error.line(), &text),
    };
    assert_eq!(document.text(), text, "reading changes nothing");
    assert!(text.ends_with(document.body()));
    assert_nothing_changes(&document);
    for style in [FrontMatter::Yaml, FrontMatter::Json] {
        let written = Document::create(document.session().clone(), style);
        assert_reads_back(&written, document.session());
        assert!(written.is_canonical());
    }

    let dice = usize::from(data.last().copied().unwrap_or_default());
    let basic = Operation::Move(PhaseStatus::Failed, now());
    let operations = operations();
    let chosen = &operations[dice % operations.len()];
    for operation in [&basic, chosen] {
        let after = operate(document.session(), dice / operations.len(), operation, now());
        assert_changes_only(&document, &after, "");
    }
    assert_changes_only(&document, document.session(), "## Section\n");
    let phases = &document.session().phases;
    if let Some(phase) = phases.get(dice % phases.len().max(1)) {
        decided(&document, phase, dice);
    }
}

fn now() -> Timestamp {
    "2026-02-01T12:00:00.000Z".parse().expect("a time in the form that is written")
}

/// An update to the same session is the same text.
fn assert_nothing_changes(document: &Document) {
    let update = document.update(document.session().clone(), "");
    let update = match update {
        Ok(update) => update,
        Err(error) => return assert!(may_be_refused(document), "refused: {error}"),
    };
    assert_eq!(update.document.text(), document.text());
    assert_eq!(update.splices, []);
}

/// Whether an update may be refused. Not where the front matter is JSON, nor where it is YAML of which the parser that
/// locates values and the one that reads them have the same idea.
fn may_be_refused(document: &Document) -> bool {
    let text = document.text();
    let front = &text[..text.len() - document.body().len()];
    let front = front.trim_start_matches(['\u{feff}', '-', ' ', '\t', '\r']);
    let front = front.trim_end().trim_end_matches('-');
    let is_json = serde_json::from_str::<serde_json::Value>(front).is_ok();
    // Versions 1.1 and 1.2 of YAML differ in these, in what ends a line, and in what may be left out around them.
    let is_plain = |c: char| {
        matches!(c, '\n' | ' '..='~') && !matches!(c, '?' | '&' | '*' | '!' | '|' | '>' | '%' | '@')
    };
    let is_shared = || {
        front.replace("\r\n", "\n").chars().all(is_plain)
            && Parser::new_from_str_with_options(front, Options::default()).all(|at| at.is_ok())
    };
    !is_json && !is_shared()
}

/// What is written is read as the session that it was written from.
fn assert_reads_back(written: &Document, session: &Session) {
    let read = Document::parse(written.text().to_owned());
    let read = read.unwrap_or_else(|error| panic!("{error}\n{}", written.text()));
    assert_eq!(read.session(), session, "{}", written.text());
    assert_eq!(read.is_canonical(), written.is_canonical());
    assert_eq!(read.body(), written.body());
}

/// An update says what was meant and keeps the rest, or is refused.
fn assert_changes_only(document: &Document, after: &Session, log: &str) {
    let update = match document.update(after.clone(), log) {
        Ok(update) => update,
        Err(UpdateError::Refused(error)) => panic!("a change of small size is too large: {error}"),
        Err(error) => {
            assert!(!document.is_canonical(), "what we would write can be changed: {error}");
            assert!(may_be_refused(document), "refused: {error}");
            return;
        }
    };
    let text = update.document.text();
    assert_eq!(splice::apply(document.text(), &update.splices).as_deref(), Ok(text));
    assert_eq!(update.document.session(), after);
    assert_eq!(update.document.is_canonical(), document.is_canonical());
    assert_reads_back(&update.document, after);
    assert!(update.document.body().starts_with(document.body()), "the body lost something");
}

/// Carries out a command, as the command line would.
fn decided(document: &Document, phase: &Phase, dice: usize) {
    let rules = Rules { max_retries: 2, max_concurrent: 0, plan: PlanRules::default() };
    let commands = commands(&phase.id);
    let command = &commands[dice % commands.len()];
    match decide(document.session(), command, &rules, now()) {
        Ok(decision) => {
            assert!(decision.session.updated >= document.session().updated.next());
            assert_changes_only(document, &decision.session, &decision.log);
        }
        Err(error) => assert_explains(&error, None, ""),
    }
}

fn texts() -> Vec<String> {
    AWKWARD.map(str::to_owned).to_vec()
}

fn context() -> DownstreamContext {
    DownstreamContext {
        warnings: texts(),
        assumptions: vec!["none".to_owned()],
        ..DownstreamContext::default()
    }
}

fn error() -> PhaseError {
    PhaseError {
        agent: "coder".to_owned(),
        timestamp: now(),
        kind: ErrorKind::Runtime,
        message: AWKWARD[0].to_owned(),
        resolution: AWKWARD[1].to_owned(),
        resolved: false,
    }
}

fn operations() -> Vec<Operation> {
    vec![
        Operation::Deliver(texts(), context()),
        Operation::Fail(error()),
        Operation::Retry(error()),
        Operation::Resolve,
        Operation::Count("coder".to_owned(), u64::MAX),
        Operation::Count(AWKWARD[1].to_owned(), 0),
        Operation::Adjust(AWKWARD[2].to_owned(), Vec::new(), Vec::new()),
        Operation::Adjust(String::new(), texts(), vec![id("1"), id("review # 2")]),
        Operation::Reconcile(AWKWARD[0].to_owned()),
        Operation::Session(SessionStatus::Completed, Some(AWKWARD[3].to_owned())),
        Operation::Session(SessionStatus::Failed, None),
    ]
}

fn id(text: &str) -> PhaseId {
    text.parse().expect("a legal id")
}

fn commands(phase: &PhaseId) -> Vec<Command> {
    let phase = || phase.clone();
    let file = |path: &str| vec![RelPath::parse(path).expect("a path of the workspace")];
    let handoff = Handoff {
        agent: Some("code-reviewer".parse().expect("a legal name")),
        files_created: file("src/a b.rs"),
        downstream_context: context(),
        blockers: texts(),
        validation: Some(AWKWARD[0].to_owned()),
        output: Some(AWKWARD.concat()),
        ..Handoff::default()
    };
    let failure = Failure {
        agent: Some("coder".parse().expect("a legal name")),
        kind: ErrorKind::Timeout,
        message: AWKWARD[0].to_owned(),
        tokens: None,
        output: Some(AWKWARD.concat()),
    };
    let reason = Some(AWKWARD.concat());
    let changes = Adjustment {
        name: Some(AWKWARD[1].to_owned()),
        planned_files: Some(file("src/c.rs")),
        ..Adjustment::default()
    };
    let configuration = Configuration {
        execution_mode: Some(ExecutionMode::Sequential),
        execution_backend: Some(AWKWARD[0].to_owned()),
        current_batch: Some(Some(AWKWARD[1].to_owned())),
    };
    vec![
        Command::Start { phase: phase() },
        Command::Complete { phase: phase(), handoff: handoff.clone() },
        Command::Transition {
            phase: Some(phase()),
            handoff: handoff.clone(),
            start: Vec::new(),
            batch: Some(None),
        },
        Command::Transition {
            phase: None,
            handoff: Handoff::default(),
            start: vec![phase()],
            batch: Some(Some(AWKWARD[0].to_owned())),
        },
        Command::Fail { phase: phase(), failure: failure.clone() },
        Command::RecordError { phase: phase(), failure, resolution: reason.clone() },
        Command::Retry { phase: phase(), by_user: true, resolution: reason.clone() },
        Command::Skip { phase: phase(), by_user: true, reason: reason.clone() },
        Command::Redelegate { phase: phase(), agent: None, reason: reason.clone() },
        Command::Adjust { phase: phase(), changes },
        Command::Reconcile { phase: phase(), handoff, reason: reason.clone() },
        Command::Configure { changes: configuration },
        Command::Abort { by_user: true, reason },
    ]
}
