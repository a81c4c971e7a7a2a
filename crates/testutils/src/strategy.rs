//! Sessions at random, and changes to them of the kinds that operations make.

use std::collections::BTreeMap;

use maestro_session_model::{
    DownstreamContext, ErrorKind, ExecutionMode, Phase, PhaseError, PhaseId, PhaseStatus, Session,
    SessionStatus, TaskComplexity, Timestamp, TokenCounts, TokenUsage, WorkflowMode,
};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// Texts that break careless writers of YAML, beside ordinary ones.
fn arb_text() -> impl Strategy<Value = String> {
    let awkward = select(vec![
        "yes",
        "null",
        "~",
        "1.0",
        "2026-01-01",
        "- dash",
        "key: value",
        "#no comment",
        "a #b",
        "---",
        "'single'",
        "\"double\"",
        "back\\slash",
        "{brace",
        "[bracket",
        "*star",
        "&and",
        "!bang",
        "%p",
        "@at",
        "`tick",
        "|",
        ">",
        "multi\nline",
        "multi\n\n  line\n",
        " leading",
        "trailing ",
        "é 日本 😀",
        "tab\there",
        "\u{2028}",
        "nul\0",
        "a, b",
        "x: ",
        ": x",
        "?",
        "<<",
        "=",
        "",
        "\r\n",
        "\u{feff}x",
    ]);
    prop_oneof![3 => "[a-zA-Z][a-zA-Z0-9_ ./-]{0,20}", 2 => awkward.prop_map(str::to_owned)]
}

fn arb_name() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-z][a-z0-9_-]{0,10}", 1 => "[a-z #:'\"]{1,8}"]
}

fn arb_texts() -> impl Strategy<Value = Vec<String>> {
    vec(arb_text(), 0..3)
}

fn arb_time() -> impl Strategy<Value = Timestamp> {
    (0_u32..60, 0_u32..1000).prop_map(|(s, ms)| {
        format!("2026-01-15T10:00:{s:02}.{ms:03}Z").parse().expect("a time in the form we write")
    })
}

fn arb_context() -> impl Strategy<Value = DownstreamContext> {
    (arb_texts(), arb_texts(), arb_texts(), arb_texts(), arb_texts()).prop_map(
        |(interfaces, patterns, points, assumptions, warnings)| DownstreamContext {
            key_interfaces_introduced: interfaces,
            patterns_established: patterns,
            integration_points: points,
            assumptions,
            warnings,
        },
    )
}

fn arb_error() -> impl Strategy<Value = PhaseError> {
    (arb_name(), arb_time(), select(ErrorKind::ALL.to_vec()), arb_text(), arb_text(), any::<bool>())
        .prop_map(|(agent, timestamp, kind, message, resolution, resolved)| PhaseError {
            agent,
            timestamp,
            kind,
            message,
            resolution,
            resolved,
        })
}

fn arb_phase() -> impl Strategy<Value = Phase> {
    let record =
        (vec(arb_name(), 0..3), any::<bool>(), option::of(arb_time()), option::of(arb_time()));
    let files = (arb_texts(), arb_texts(), arb_texts(), arb_texts());
    let end = (arb_context(), vec(arb_error(), 0..3), 0_u64..4, option::of(any::<bool>()));
    let name_and_status = (arb_text(), select(PhaseStatus::ALL.to_vec()), option::of(arb_text()));
    (name_and_status, record, files, end).prop_map(|(first, record, files, end)| {
        let (name, status, reconciliation_reason) = first;
        let (agents, parallel, started, completed) = record;
        let (files_created, files_modified, files_deleted, planned_files) = files;
        let (downstream_context, errors, retry_count, requires_reconciliation) = end;
        Phase {
            // Replaced by the place in the session.
            id: PhaseId::from_number(1).expect("one is positive"),
            name,
            status,
            agents,
            parallel,
            started,
            completed,
            blocked_by: Vec::new(),
            files_created,
            files_modified,
            files_deleted,
            planned_files,
            downstream_context,
            errors,
            retry_count,
            requires_reconciliation,
            reconciliation_reason,
        }
    })
}

fn arb_counts() -> impl Strategy<Value = TokenCounts> {
    (any::<u64>(), any::<u64>(), 0_u64..9).prop_map(|(input, output, cached)| TokenCounts {
        input,
        output,
        cached,
    })
}

/// Returns sessions with up to four phases, with awkward texts in every field.
pub fn arb_session() -> impl Strategy<Value = Session> {
    let modes = (
        select(vec![WorkflowMode::Standard, WorkflowMode::Express]),
        option::of(select(vec![ExecutionMode::Parallel, ExecutionMode::Sequential])),
        option::of(select(vec![
            TaskComplexity::Simple,
            TaskComplexity::Medium,
            TaskComplexity::Complex,
        ])),
    );
    let texts =
        (arb_text(), option::of(arb_text()), option::of(arb_text()), option::of(arb_text()));
    let usage = (any::<u32>(), btree_map(arb_name(), arb_counts(), 0..3));
    (texts, arb_time(), modes, usage, vec(arb_phase(), 0..4), option::of(arb_text())).prop_map(
        |(texts, created, modes, usage, phases, batch)| {
            let (task, design_document, implementation_plan, execution_backend) = texts;
            let (workflow_mode, execution_mode, task_complexity) = modes;
            let (total, by_agent): (u32, BTreeMap<String, TokenCounts>) = usage;
            let phases: Vec<Phase> = phases.into_iter().enumerate().map(place).collect();
            Session {
                session_id: "2026-01-15-made-up".parse().expect("a legal id"),
                task,
                created,
                updated: created,
                status: SessionStatus::InProgress,
                workflow_mode,
                design_document,
                implementation_plan,
                current_phase: phases.first().map(|phase| phase.id.clone()),
                total_phases: phases.len() as u64,
                execution_mode,
                execution_backend,
                current_batch: batch,
                task_complexity,
                token_usage: TokenUsage {
                    total_input: total.into(),
                    total_output: 1,
                    total_cached: 0,
                    by_agent,
                },
                phases,
            }
        },
    )
}

/// Gives a phase its id, a number or a word, and makes it wait for the one before it.
fn place((i, mut phase): (usize, Phase)) -> Phase {
    let id = |i: usize| {
        let id =
            if i == 2 { PhaseId::from_text("review") } else { PhaseId::from_number(i as u64 + 1) };
        id.expect("a legal id")
    };
    phase.id = id(i);
    phase.blocked_by = (i > 0).then(|| id(i - 1)).into_iter().collect();
    phase
}

/// A change of the kind that operations make.
#[derive(Clone, Debug)]
pub enum Operation {
    /// A phase gets a new status, with its times.
    Move(PhaseStatus, Timestamp),
    /// Files and context are appended.
    Deliver(Vec<String>, DownstreamContext),
    /// An error is recorded.
    Fail(PhaseError),
    /// The last error is answered, and another follows it.
    Retry(PhaseError),
    /// All errors are marked as resolved.
    Resolve,
    /// An agent's tokens are counted.
    Count(String, u64),
    /// The phase is planned anew.
    Adjust(String, Vec<String>, Vec<PhaseId>),
    /// The record of the phase is put right.
    Reconcile(String),
    /// The session as a whole moves.
    Session(SessionStatus, Option<String>),
}

/// Returns such changes.
pub fn arb_operation() -> impl Strategy<Value = Operation> {
    let id = select(vec!["1", "2", "review", "x"]).prop_map(|id| id.parse().expect("a legal id"));
    prop_oneof![
        (select(PhaseStatus::ALL.to_vec()), arb_time()).prop_map(|(s, t)| Operation::Move(s, t)),
        (arb_texts(), arb_context()).prop_map(|(f, c)| Operation::Deliver(f, c)),
        arb_error().prop_map(Operation::Fail),
        arb_error().prop_map(Operation::Retry),
        Just(Operation::Resolve),
        (arb_name(), any::<u64>()).prop_map(|(a, n)| Operation::Count(a, n)),
        (arb_text(), arb_texts(), vec(id, 0..3)).prop_map(|(n, f, b)| Operation::Adjust(n, f, b)),
        arb_text().prop_map(Operation::Reconcile),
        (
            select(vec![SessionStatus::Completed, SessionStatus::Failed, SessionStatus::Aborted]),
            option::of(arb_text())
        )
            .prop_map(|(s, d)| Operation::Session(s, d)),
    ]
}

/// Returns `session` after `operation` on the phase at `index` (modulo their number).
pub fn operate(session: &Session, index: usize, operation: &Operation, now: Timestamp) -> Session {
    let mut after = session.clone();
    after.updated = now;
    if let Operation::Session(status, document) = operation {
        after.status = *status;
        after.design_document.clone_from(document);
    }
    if let Operation::Count(agent, input) = operation {
        after.token_usage.total_input = *input;
        after.token_usage.by_agent.entry(agent.clone()).or_default().input = *input;
    }
    if after.phases.is_empty() {
        return after;
    }
    let index = index % after.phases.len();
    let phase = &mut after.phases[index];
    match operation {
        Operation::Session(..) | Operation::Count(..) => {}
        Operation::Move(status, time) => {
            phase.status = *status;
            phase.started = phase.started.or(Some(*time));
            phase.completed = Some(*time);
            phase.retry_count = phase.retry_count.saturating_add(1);
            after.current_phase = Some(phase.id.clone());
        }
        Operation::Deliver(files, context) => {
            phase.files_created.extend(files.iter().cloned());
            let into = &mut phase.downstream_context;
            into.key_interfaces_introduced
                .extend(context.key_interfaces_introduced.iter().cloned());
            into.warnings.extend(context.warnings.iter().cloned());
            phase.requires_reconciliation = Some(files.is_empty());
        }
        Operation::Fail(error) => phase.errors.push(error.clone()),
        Operation::Retry(error) => {
            if let Some(last) = phase.errors.last_mut() {
                last.resolution.clone_from(&error.resolution);
            }
            phase.errors.push(error.clone());
        }
        Operation::Resolve => phase.errors.iter_mut().for_each(|error| error.resolved = true),
        Operation::Adjust(name, files, blockers) => {
            phase.name.clone_from(name);
            phase.planned_files.clone_from(files);
            phase.blocked_by.clone_from(blockers);
        }
        Operation::Reconcile(reason) => {
            phase.requires_reconciliation = Some(false);
            phase.reconciliation_reason = Some(reason.clone());
        }
    }
    after
}
