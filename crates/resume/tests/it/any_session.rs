//! Sessions at random, as orderly or as broken as hands and other programs leave them.

use maestro_resume::ResumeSettings;
use maestro_session_model::{
    AgentName, PhaseId, PhaseStatus, PlanRules, Rules, Session, SessionStatus, Strictness,
    Timestamp,
};
use maestro_testutils::arb_session;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// A week after everything that the strategies say happened.
pub(crate) fn now() -> Timestamp {
    "2026-01-22T10:00:00Z".parse().unwrap()
}

/// Ids of every kind: numbers, words, and texts that look like options or like several arguments.
const IDS: [&str; 9] = ["1", "2", "3", "review", "--by-user", "a b'c", "`$x`", "日本", "9"];

/// Sessions with up to nine phases, with blockers that may be missing or circular, ids that may be there twice, and any
/// status.
pub(crate) fn arb_any_session() -> impl Strategy<Value = Session> {
    let status = prop_oneof![
        6 => Just(SessionStatus::InProgress),
        1 => select(vec![SessionStatus::Completed, SessionStatus::Failed, SessionStatus::Aborted]),
    ];
    let wiring = vec((0..60_usize, vec(0..40_usize, 0..3)), 9);
    let fresh = prop_oneof![3 => Just(false), 1 => Just(true)];
    (vec(arb_session(), 1..4), status, wiring, any::<bool>(), fresh).prop_map(
        |(mut sessions, status, wiring, calm, fresh)| {
            let mut session = sessions.pop().unwrap();
            session.status = status;
            for other in sessions {
                session.phases.extend(other.phases);
            }
            for (i, (phase, (id, blockers))) in session.phases.iter_mut().zip(&wiring).enumerate() {
                if fresh {
                    phase.status = PhaseStatus::Pending;
                    phase.parallel |= i % 2 == 0;
                }
                // Mostly an id of its own.
                phase.id = IDS[if *id < 58 { i } else { 0 }].parse().unwrap();
                // In a calm session, blockers come before what they block.
                let blockers = blockers.iter().filter_map(|at| {
                    let at = if calm { at % (i + 1) } else { *at };
                    if calm && at == i { None } else { IDS.get(at) }
                });
                phase.blocked_by = blockers.map(|id| id.parse::<PhaseId>().unwrap()).collect();
            }
            session.total_phases = session.phases.len() as u64;
            session
        },
    )
}

/// Settings at random; every agent that a session happens to name may be disabled.
pub(crate) fn arb_settings() -> impl Strategy<Value = ResumeSettings> {
    let strictness = select(vec![Strictness::Lenient, Strictness::Normal, Strictness::Strict]);
    let disabled = vec("[a-c]", 0..2);
    (0_u32..4, 0_u32..3, strictness, disabled, any::<bool>()).prop_map(
        |(max_retries, max_concurrent, strictness, disabled, auto_archive)| {
            let disabled = disabled.iter().map(|name| name.parse::<AgentName>().unwrap());
            let plan = PlanRules { disabled_agents: disabled.collect(), roster: None, strictness };
            ResumeSettings { rules: Rules { max_retries, max_concurrent, plan }, auto_archive }
        },
    )
}

/// The session with agents of which some are disabled by [`arb_settings`].
pub(crate) fn with_few_agents(mut session: Session, names: &[&str]) -> Session {
    for (phase, name) in session.phases.iter_mut().zip(names) {
        phase.agents = vec![(*name).to_owned()];
    }
    session
}
