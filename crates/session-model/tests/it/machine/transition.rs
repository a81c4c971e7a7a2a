//! A transition is a completion and beginnings, one after the other, or nothing.

use maestro_session_model::{
    Command, CommandError, Decision, ExecutionMode, Handoff, PhaseId, PhaseStatus, Rules, Session,
    decide,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::{PHASES, Step, arb_blockers, command, id, now, plan_rules, session};

/// The steps of a transition, each decided on what the one before it left.
fn one_by_one(
    session: &Session,
    phase: Option<&PhaseId>,
    handoff: &Handoff,
    start: &[PhaseId],
    rules: &Rules,
) -> Result<Decision, CommandError> {
    let mut so_far =
        Decision { session: session.clone(), log: String::new(), warnings: Vec::new() };
    let complete =
        phase.map(|phase| Command::Complete { phase: phase.clone(), handoff: handoff.clone() });
    let starts = start.iter().map(|phase| Command::Start { phase: phase.clone() });
    for command in complete.into_iter().chain(starts) {
        let begins = matches!(command, Command::Start { .. }).then(|| command.phase()).flatten();
        let running = begins.and_then(|phase| so_far.session.phase(phase));
        if running.is_some_and(|phase| phase.status == PhaseStatus::InProgress) {
            continue;
        }
        let Decision { session: after, log, warnings } =
            decide(&so_far.session, &command, rules, now())?;
        so_far.session = after;
        so_far.log += &log;
        so_far.warnings.extend(warnings);
    }
    Ok(so_far)
}

/// Statuses with which something can be done, more often than those with which nothing can.
fn arb_status() -> impl Strategy<Value = PhaseStatus> {
    use PhaseStatus::{Completed, Failed, InProgress, Pending, Skipped};
    select(vec![Pending, Pending, Pending, InProgress, InProgress, Completed, Failed, Skipped])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, ..ProptestConfig::default() })]

    #[test]
    fn a_transition_is_its_steps_one_by_one(
        blockers in arb_blockers(),
        statuses in vec(arb_status(), PHASES),
        sequential in any::<bool>(),
        max_concurrent in 0_u32..4,
        ends in any::<bool>(),
        (file, context) in any::<(bool, bool)>(),
        start in vec(0..PHASES, 0..4),
    ) {
        let mut session = session(&blockers, sequential.then_some(ExecutionMode::Sequential));
        for (phase, status) in session.phases.iter_mut().zip(statuses) {
            phase.status = status;
        }
        let running = session.phases.iter().position(|p| p.status == PhaseStatus::InProgress);
        let completion = command(running.unwrap_or_default(), &Step::Complete { file, context });
        let Command::Complete { phase, handoff } = completion else { unreachable!() };
        let (phase, handoff) =
            if ends { (Some(phase), handoff) } else { (None, Handoff::default()) };
        let start: Vec<PhaseId> = start.into_iter().map(id).collect();
        prop_assume!(ends || !start.is_empty());
        let rules = Rules { max_retries: 2, max_concurrent, plan: plan_rules() };

        let one_by_one = one_by_one(&session, phase.as_ref(), &handoff, &start, &rules);
        let first = start.first().cloned();
        let transition = Command::Transition { phase, handoff, start, batch: None };
        match (decide(&session, &transition, &rules, now()), one_by_one) {
            (Ok(at_once), Ok(mut one_by_one)) => {
                let after = &mut one_by_one.session;
                after.updated = session.updated.next();
                after.current_phase = first.or(after.current_phase.take());
                prop_assert_eq!(at_once, one_by_one);
            }
            (at_once, one_by_one) => prop_assert_eq!(at_once.err(), one_by_one.err()),
        }
    }
}
