//! The law: the report offers what the decision would accept, and says no where the decision would refuse.

use maestro_resume::{Action, Choice, PhaseFacts, ResumeReport, ResumeSettings, Step, report};
use maestro_session_model::{
    Adjustment, Command, CommandError, DownstreamContext, ErrorKind, Failure, Handoff, PhaseStatus,
    Session, decide,
};
use proptest::prelude::*;
use proptest::sample::select;

use crate::any_session::{arb_any_session, arb_settings, now, with_few_agents};

fn phases(report: &ResumeReport) -> impl Iterator<Item = &PhaseFacts> {
    [&report.failed, &report.active, &report.ready, &report.to_reconcile, &report.other_errors]
        .into_iter()
        .flatten()
}

/// A command that carries the action out, with what only the caller knows made up.
fn command(action: &Action) -> Option<Command> {
    let context =
        DownstreamContext { warnings: vec!["careful".to_owned()], ..DownstreamContext::default() };
    let handoff = Handoff { downstream_context: context, ..Handoff::default() };
    let someone = || "someone-else".parse().unwrap();
    Some(match action {
        Action::Complete { phase } => Command::Complete { phase: phase.clone(), handoff },
        Action::Fail { phase, lacks_agent } => Command::Fail {
            phase: phase.clone(),
            failure: Failure {
                agent: lacks_agent.then(someone),
                kind: ErrorKind::Runtime,
                message: "it broke".to_owned(),
                tokens: None,
                output: None,
            },
        },
        Action::Adjust { phase } => Command::Adjust {
            phase: phase.clone(),
            changes: Adjustment { agents: Some(vec![someone()]), ..Adjustment::default() },
        },
        Action::Reconcile { phase } => {
            Command::Reconcile { phase: phase.clone(), handoff, reason: None }
        }
        Action::Archive { .. } => return None,
        action => return action.command(),
    })
}

fn assert_law(
    session: &Session,
    settings: &ResumeSettings,
    choice: &Choice,
) -> Result<(), TestCaseError> {
    let Some(command) = command(&choice.action) else { return Ok(()) };
    let decided = decide(session, &command, &settings.rules, now());
    prop_assert_eq!(choice.possible, decided.is_ok(), "{:?}: {:?}", choice, decided.err());
    prop_assert_eq!(choice.refusal.is_none(), choice.possible);
    if let (Some(refusal), Err(error)) = (&choice.refusal, decided) {
        prop_assert_eq!(refusal.code, error.code());
        prop_assert_eq!(&refusal.message, &error.to_string());
    }
    // What needs the user is refused to everybody else, and only that.
    let without = match &command {
        Command::Retry { phase, resolution, .. } => {
            Command::Retry { phase: phase.clone(), by_user: false, resolution: resolution.clone() }
        }
        Command::Skip { phase, reason, .. } => {
            Command::Skip { phase: phase.clone(), by_user: false, reason: reason.clone() }
        }
        Command::Abort { reason, .. } => Command::Abort { by_user: false, reason: reason.clone() },
        _ => return Ok(()),
    };
    if choice.possible {
        let refused = match decide(session, &without, &settings.rules, now()) {
            Err(
                CommandError::RetriesExhausted { .. }
                | CommandError::UserDecisionRequired { .. }
                | CommandError::AbortUndecided,
            ) => true,
            Ok(_) => false,
            Err(other) => return Err(TestCaseError::fail(other.to_string())),
        };
        prop_assert_eq!(refused, choice.needs_user, "{:?}", choice);
    }
    // That retries are exhausted is never the last word: the user may order one more.
    prop_assert_ne!(choice.refusal.as_ref().map(|refusal| refusal.code), Some("RETRIES_EXHAUSTED"));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn nothing_is_offered_that_would_be_refused_and_nothing_refused_that_would_be_done(
        session in arb_any_session(),
        settings in arb_settings(),
        names in proptest::collection::vec(select(vec!["a", "b", "B", "someone"]), 9),
        few in any::<bool>(),
    ) {
        let session = if few { with_few_agents(session, &names) } else { session };
        let report = report(&session, Vec::new(), &settings, now());
        for phase in phases(&report) {
            prop_assert!(!phase.choices.is_empty());
            for choice in &phase.choices {
                assert_law(&session, &settings, choice)?;
            }
        }
    }

    #[test]
    fn the_step_can_be_taken_to_its_end(
        session in arb_any_session(),
        settings in arb_settings(),
    ) {
        let report = report(&session, Vec::new(), &settings, now());
        let orders = report.orders();
        prop_assert_eq!(report.next.applies, !orders.is_empty());
        let mut after = session;
        for order in orders {
            let decided = decide(&after, &order, &settings.rules, now());
            prop_assert!(decided.is_ok(), "{:?}: {:?}", order, decided.err());
            after = decided.unwrap().session;
        }
        if report.next.applies {
            prop_assert!(after.count(PhaseStatus::InProgress) > 0, "an agent is at work");
        }
    }

    #[test]
    fn every_open_phase_is_in_one_list_and_every_open_error_in_some(
        session in arb_any_session(),
        settings in arb_settings(),
    ) {
        let report = report(&session, Vec::new(), &settings, now());
        let progress = report.position.progress;
        let open = progress.pending + progress.in_progress + progress.failed;
        let listed = report.failed.len() + report.active.len() + report.ready.len();
        prop_assert_eq!(listed + report.blocked.len(), open);
        prop_assert_eq!(report.position.done + open, session.phases.len());
        let unresolved = |phase: &maestro_session_model::Phase| {
            phase.errors.iter().filter(|error| !error.resolved).count()
        };
        let there: usize = session.phases.iter().map(unresolved).sum();
        let told: usize = [&report.failed, &report.active, &report.other_errors]
            .into_iter().flatten().map(|phase| phase.errors.len()).sum();
        prop_assert_eq!(told, there);
    }

    #[test]
    fn a_failed_phase_stops_everything_but_the_user(
        session in arb_any_session(),
        settings in arb_settings(),
    ) {
        let report = report(&session, Vec::new(), &settings, now());
        let is_running = report.session.status.as_str() == "in_progress";
        let chooses = matches!(report.next.step, Step::Choose { .. });
        prop_assert_eq!(chooses, is_running && !report.failed.is_empty());
        if chooses {
            prop_assert_eq!(report.orders(), Vec::new());
        }
    }
}
