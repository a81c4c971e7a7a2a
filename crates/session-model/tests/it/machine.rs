//! The session as a state machine, against a model that knows nothing but statuses, blockers, slots and retries.

mod transition;

use maestro_session_model::{
    Command, CommandError, DownstreamContext, ErrorKind, ExecutionMode, Failure, Handoff,
    NewSession, PhaseId, PhaseStatus, PlanRules, PlannedPhase, RelPath, Rules, Session, Strictness,
    Timestamp, TokenCounts, WorkflowMode, decide,
};
use proptest::collection::vec;
use proptest::prelude::*;

const PHASES: usize = 5;

fn now() -> Timestamp {
    "2026-01-15T10:00:00.000Z".parse().unwrap()
}

fn id(index: usize) -> PhaseId {
    PhaseId::from_number(index as u64 + 1).unwrap()
}

/// What happens to which phase.
#[derive(Clone, Debug)]
enum Step {
    Start,
    Complete { file: bool, context: bool },
    Fail,
    Retry { by_user: bool },
    Skip { by_user: bool },
    Redelegate,
    Reconcile { file: bool },
}

fn arb_step() -> impl Strategy<Value = (usize, Step)> {
    let step = prop_oneof![
        4 => Just(Step::Start),
        4 => (any::<bool>(), any::<bool>()).prop_map(|(file, context)| Step::Complete { file, context }),
        2 => Just(Step::Fail),
        2 => any::<bool>().prop_map(|by_user| Step::Retry { by_user }),
        1 => any::<bool>().prop_map(|by_user| Step::Skip { by_user }),
        1 => Just(Step::Redelegate),
        1 => any::<bool>().prop_map(|file| Step::Reconcile { file }),
    ];
    (0..PHASES, step)
}

/// The least that can be known of a session.
#[derive(Clone, Debug)]
struct Model {
    statuses: [PhaseStatus; PHASES],
    retries: [u64; PHASES],
    open_errors: [usize; PHASES],
    files: [usize; PHASES],
    waits: [bool; PHASES],
    blockers: Vec<Vec<usize>>,
    slots: usize,
    max_retries: u64,
    tokens: u64,
}

impl Model {
    fn may_run(&self, phase: usize) -> bool {
        use PhaseStatus::{Completed, InProgress, Skipped};
        let unblocked =
            self.blockers[phase].iter().all(|b| matches!(self.statuses[*b], Completed | Skipped));
        let running = self.statuses.iter().filter(|status| **status == InProgress).count();
        unblocked && running < self.slots
    }

    /// Takes the step if it is legal, and says whether it was.
    fn take(&mut self, phase: usize, step: &Step) -> bool {
        use PhaseStatus::{Completed, Failed, InProgress, Pending, Skipped};
        let status = self.statuses[phase];
        match step {
            Step::Start if status == Pending && self.may_run(phase) => {
                self.statuses[phase] = InProgress;
            }
            Step::Complete { file, context } if status == InProgress => {
                if self.files[phase] + usize::from(*file) > 0 && !context {
                    return false;
                }
                self.statuses[phase] = Completed;
                self.files[phase] += usize::from(*file);
                self.waits[phase] = !file && !context;
                self.open_errors[phase] = 0;
                self.tokens += 10;
            }
            Step::Fail if status == InProgress => {
                self.statuses[phase] = Failed;
                self.open_errors[phase] += 1;
            }
            Step::Retry { by_user } if status == Failed && self.may_run(phase) => {
                if self.retries[phase] >= self.max_retries && !by_user {
                    return false;
                }
                self.statuses[phase] = InProgress;
                self.retries[phase] += 1;
                self.open_errors[phase] += 1;
            }
            Step::Skip { by_user: true } if matches!(status, Pending | Failed) => {
                self.statuses[phase] = Skipped;
                self.open_errors[phase] = 0;
            }
            Step::Redelegate if status == InProgress => {}
            Step::Reconcile { file: true } if status == Completed => {
                self.files[phase] = self.files[phase].max(1);
                self.waits[phase] = false;
            }
            _ => return false,
        }
        true
    }
}

fn command(phase: usize, step: &Step) -> Command {
    let phase = id(phase);
    let file = RelPath::parse("src/a.rs").unwrap();
    match step {
        Step::Start => Command::Start { phase },
        Step::Complete { file: with_file, context } => {
            let warnings = if *context { vec!["careful".to_owned()] } else { Vec::new() };
            let handoff = Handoff {
                files_created: if *with_file { vec![file] } else { Vec::new() },
                downstream_context: DownstreamContext { warnings, ..DownstreamContext::default() },
                tokens: Some(TokenCounts { input: 10, output: 1, cached: 3 }),
                ..Handoff::default()
            };
            Command::Complete { phase, handoff }
        }
        Step::Fail => Command::Fail {
            phase,
            failure: Failure {
                agent: None,
                kind: ErrorKind::Runtime,
                message: "it broke".to_owned(),
                tokens: None,
                output: None,
            },
        },
        Step::Retry { by_user } => Command::Retry { phase, by_user: *by_user, resolution: None },
        Step::Skip { by_user } => Command::Skip { phase, by_user: *by_user, reason: None },
        Step::Redelegate => Command::Redelegate { phase, agent: None, reason: None },
        Step::Reconcile { file: with_file } => Command::Reconcile {
            phase,
            handoff: Handoff {
                files_created: if *with_file { vec![file] } else { Vec::new() },
                ..Handoff::default()
            },
            reason: None,
        },
    }
}

fn session(blockers: &[Vec<usize>], mode: Option<ExecutionMode>) -> Session {
    let phases = blockers.iter().enumerate().map(|(i, blockers)| PlannedPhase {
        id: id(i),
        name: format!("phase {i}"),
        agents: vec!["coder".parse().unwrap()],
        parallel: true,
        blocked_by: blockers.iter().map(|b| id(*b)).collect(),
        files_to_create: Vec::new(),
        files_to_modify: Vec::new(),
        files_to_delete: Vec::new(),
        line: Some(1),
    });
    let new = NewSession {
        session_id: "2026-01-15-model".parse().unwrap(),
        task: "model".to_owned(),
        workflow_mode: WorkflowMode::Standard,
        design_document: None,
        implementation_plan: None,
        execution_mode: mode,
        execution_backend: None,
        task_complexity: None,
        phases: phases.collect(),
        begins: false,
    };
    new.create(&plan_rules(), now()).unwrap().0
}

fn plan_rules() -> PlanRules {
    PlanRules { disabled_agents: Vec::new(), roster: None, strictness: Strictness::Normal }
}

/// Blockers that point backwards, so that there is no cycle.
fn arb_blockers() -> impl Strategy<Value = Vec<Vec<usize>>> {
    vec(any::<u8>(), PHASES).prop_map(|masks| {
        let of = |(i, mask): (usize, u8)| (0..i).filter(|b| mask >> b & 1 == 1).collect();
        masks.into_iter().enumerate().map(of).collect()
    })
}

proptest! {
    #[test]
    fn the_session_does_what_the_model_does(
        blockers in arb_blockers(),
        max_concurrent in 0_u32..3,
        sequential in any::<bool>(),
        max_retries in 0_u32..3,
        steps in vec(arb_step(), 1..60),
    ) {
        let rules = Rules { max_retries, max_concurrent, plan: plan_rules() };
        let mode = sequential.then_some(ExecutionMode::Sequential);
        let mut session = session(&blockers, mode);
        let mut model = Model {
            statuses: [PhaseStatus::Pending; PHASES],
            retries: [0; PHASES],
            open_errors: [0; PHASES],
            files: [0; PHASES],
            waits: [false; PHASES],
            blockers,
            slots: match (sequential, max_concurrent) {
                (true, _) => 1,
                (false, 0) => PHASES,
                (false, limit) => limit as usize,
            },
            max_retries: max_retries.into(),
            tokens: 0,
        };
        for (phase, step) in steps {
            let legal = model.take(phase, &step);
            let decided = decide(&session, &command(phase, &step), &rules, now());
            prop_assert_eq!(decided.is_ok(), legal, "{:?} {:?}: {:?}", phase, step, decided.err());
            let Ok(decision) = decided else { continue };
            prop_assert!(decision.session.updated > session.updated, "every operation moves `updated`");
            session = decision.session;
            for (i, phase) in session.phases.iter().enumerate() {
                prop_assert_eq!(phase.status, model.statuses[i]);
                prop_assert_eq!(phase.retry_count, model.retries[i]);
                prop_assert_eq!(phase.needs_reconciliation(), model.waits[i]);
                prop_assert_eq!(
                    phase.errors.iter().filter(|error| !error.resolved).count(),
                    model.open_errors[i]
                );
                prop_assert_eq!(phase.files_created.len().min(1), model.files[i].min(1));
                prop_assert_eq!(phase.completed.is_some(), phase.status == PhaseStatus::Completed);
            }
            prop_assert_eq!(session.token_usage.total_input, model.tokens);
            let by_agent: u64 = session.token_usage.by_agent.values().map(|counts| counts.input).sum();
            prop_assert_eq!(by_agent, model.tokens, "totals are the sums of the agents");
            if session.phases.iter().any(|phase| phase.status == PhaseStatus::InProgress) {
                let current = session.current_phase.clone().unwrap();
                let status = session.phase(&current).unwrap().status;
                prop_assert!(
                    matches!(status, PhaseStatus::InProgress | PhaseStatus::Failed),
                    "phase {} is current and {}", current, status
                );
            }
        }
    }
}

#[test]
fn an_illegal_step_names_the_phase_both_statuses_and_what_is_legal() {
    let rules = Rules { max_retries: 2, max_concurrent: 0, plan: plan_rules() };
    let session = session(&vec![Vec::new(); PHASES], None);
    let error =
        decide(&session, &command(0, &Step::Complete { file: true, context: true }), &rules, now());
    let error = error.unwrap_err();
    assert_eq!(error.code(), "ILLEGAL_TRANSITION");
    assert_eq!(error.to_string(), "phase 1 cannot complete: it is pending");
    assert_eq!(error.hint(), "what can happen to a phase that is pending: start, skip");
    assert!(matches!(error, CommandError::IllegalTransition { .. }));
}

#[test]
fn a_number_of_retries_that_a_hand_wrote_can_be_the_last_there_is() {
    let rules = Rules { max_retries: 2, max_concurrent: 0, plan: plan_rules() };
    let mut session = session(&vec![Vec::new(); PHASES], None);
    session.phases[0].status = PhaseStatus::Failed;
    session.phases[0].retry_count = u64::MAX;
    let decision = decide(&session, &command(0, &Step::Retry { by_user: true }), &rules, now());
    assert_eq!(decision.unwrap().session.phases[0].retry_count, u64::MAX);
}
