//! Sessions as they are found after a pause.

use maestro_resume::{ResumeReport, ResumeSettings, report};
use maestro_session_model::{
    DownstreamContext, ErrorKind, ExecutionMode, Phase, PhaseError, PhaseId, PhaseStatus,
    PlanRules, Rules, Session, SessionStatus, Strictness, Timestamp, TokenUsage, WorkflowMode,
};

/// Three weeks after the last change.
pub(crate) fn now() -> Timestamp {
    "2026-02-05T12:00:00Z".parse().unwrap()
}

pub(crate) fn at(minute: u32) -> Timestamp {
    format!("2026-01-15T10:{minute:02}:00Z").parse().unwrap()
}

pub(crate) fn id(text: &str) -> PhaseId {
    text.parse().unwrap()
}

pub(crate) fn settings() -> ResumeSettings {
    let plan =
        PlanRules { disabled_agents: Vec::new(), roster: None, strictness: Strictness::Normal };
    ResumeSettings { rules: Rules { max_retries: 2, max_concurrent: 0, plan }, auto_archive: true }
}

pub(crate) fn reported(session: &Session) -> ResumeReport {
    report(session, Vec::new(), &settings(), now())
}

/// A phase of a plan in which each waits for the one before.
pub(crate) fn phase(n: u64, name: &str, agent: &str, status: PhaseStatus) -> Phase {
    let mut phase = Phase::pending(PhaseId::from_number(n).unwrap(), name.to_owned());
    phase.agents = vec![agent.to_owned()];
    phase.planned_files = vec![format!("src/part_{n}.rs")];
    phase.blocked_by = (1 < n).then(|| PhaseId::from_number(n - 1).unwrap()).into_iter().collect();
    let minute = u32::try_from(n).unwrap() % 60;
    phase.status = status;
    if status != PhaseStatus::Pending {
        phase.started = Some(at(minute));
    }
    if status == PhaseStatus::Completed {
        phase.completed = Some(at(minute + 1));
        phase.requires_reconciliation = Some(false);
        phase.files_created = vec![format!("src/part_{n}.rs")];
        phase.downstream_context = DownstreamContext {
            key_interfaces_introduced: vec![format!("Part{n}::run(&self) -> Result<Vec<u8>>")],
            warnings: vec![format!("part {n} is not async-safe")],
            ..DownstreamContext::default()
        };
    }
    phase
}

pub(crate) fn session(phases: Vec<Phase>) -> Session {
    Session {
        session_id: "2026-01-15-rate-limiter".parse().unwrap(),
        task: "Add a token bucket rate limiter".to_owned(),
        created: at(0),
        updated: at(30),
        status: SessionStatus::InProgress,
        workflow_mode: WorkflowMode::Standard,
        design_document: Some("docs/maestro/plans/design.md".to_owned()),
        implementation_plan: Some("docs/maestro/plans/plan.md".to_owned()),
        current_phase: phases.first().map(|phase| phase.id.clone()),
        total_phases: phases.len() as u64,
        execution_mode: Some(ExecutionMode::Parallel),
        execution_backend: None,
        current_batch: None,
        task_complexity: None,
        token_usage: TokenUsage::default(),
        phases,
    }
}

/// Four phases in these statuses, one after the other.
pub(crate) fn chain(statuses: &[PhaseStatus]) -> Session {
    const NAMES: [&str; 4] = ["Contract", "Token buckets", "HTTP layer", "End to end"];
    const AGENTS: [&str; 4] = ["architect", "coder", "coder", "tester"];
    let phases = statuses.iter().enumerate();
    let phases = phases.map(|(i, status)| {
        phase(i as u64 + 1, NAMES[i % NAMES.len()], AGENTS[i % AGENTS.len()], *status)
    });
    session(phases.collect())
}

/// The same with the phases after the first side by side.
pub(crate) fn fan(statuses: &[PhaseStatus]) -> Session {
    let mut session = chain(statuses);
    for phase in session.phases.iter_mut().skip(1) {
        phase.parallel = true;
        phase.blocked_by = vec![id("1")];
    }
    session
}

pub(crate) fn express(statuses: &[PhaseStatus]) -> Session {
    Session {
        workflow_mode: WorkflowMode::Express,
        execution_mode: None,
        design_document: None,
        implementation_plan: None,
        ..chain(statuses)
    }
}

pub(crate) fn error(message: &str, resolution: &str) -> PhaseError {
    PhaseError {
        agent: "coder".to_owned(),
        timestamp: at(20),
        kind: ErrorKind::Validation,
        message: message.to_owned(),
        resolution: resolution.to_owned(),
        resolved: false,
    }
}
