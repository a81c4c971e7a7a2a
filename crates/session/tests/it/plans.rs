//! Phases are checked under the rules of a workspace, and without one.

use maestro_session::{SessionError, check_phases_of_no_workspace, settings_of_no_workspace};
use maestro_session_model::{PlanReport, PlanRule, PlannedPhase, TaskComplexity, read_plan};
use maestro_state_store::settings::Origin;
use maestro_state_store::{Environment, OsDisk};

use crate::fixture::{Fixture, PLAN, code};

const READER: &str = "---\nname: code-reviewer\ntools: [read_file]\n---\nYou read.\n";
const WRITER: &str = "---\nname: coder\ntools: [write_file]\n---\nYou write.\n";

fn phases() -> Vec<PlannedPhase> {
    read_plan(PLAN).unwrap().phases
}

fn rules(report: &PlanReport) -> Vec<PlanRule> {
    report.violations.iter().map(|found| found.rule).collect()
}

fn of_no_workspace(variables: &[(&str, &str)]) -> Result<PlanReport, SessionError> {
    let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    let environment: Environment = variables.collect();
    check_phases_of_no_workspace(&phases(), Some(TaskComplexity::Simple), &environment, &OsDisk)
}

#[test]
fn a_workspace_checks_phases_under_its_settings_and_agents() {
    let fixture = Fixture::new().with("MAESTRO_DISABLED_AGENTS", "technical_writer");
    let check = |complexity| fixture.workspace().check_phases(&phases(), complexity);
    assert_eq!(rules(&check(None)), [PlanRule::DisabledAgent]);
    let simple = check(Some(TaskComplexity::Simple));
    assert_eq!(rules(&simple), [PlanRule::PhaseCount, PlanRule::DisabledAgent]);
    assert!(simple.violations.iter().all(|found| found.line.is_none()), "{simple:?}");
    assert_eq!(rules(&check(Some(TaskComplexity::Medium))), [PlanRule::DisabledAgent]);

    fixture.write(".claude/agents/coder.md", WRITER);
    fixture.write(".claude/agents/code-reviewer.md", READER);
    assert_eq!(rules(&check(None)), [PlanRule::DisabledAgent, PlanRule::UnknownAgent]);
    let lenient = fixture.with("MAESTRO_VALIDATION_STRICTNESS", "lenient");
    let report = lenient.workspace().check_phases(&phases(), None);
    let errors = report.violations.iter().filter(|found| found.is_error()).count();
    assert_eq!((report.violations.len(), errors), (2, 1));
}

#[test]
fn a_session_may_have_more_phases_than_its_complexity_suggests() {
    let fixture = Fixture::new();
    fixture.write("plan.md", PLAN.replacen("---\n", "---\ntask_complexity: simple\n", 1));
    assert_eq!(fixture.create().unwrap().warnings, Vec::<String>::new());
}

#[test]
fn a_redundant_blocker_is_told_when_a_session_is_created() {
    let fixture = Fixture::new();
    fixture.write("plan.md", PLAN.replace("[2, 3]", "[1, 2, 3]"));
    let created = fixture.create().unwrap();
    assert_eq!(created.warnings, ["phase review waits for 1 anyway, through 2"]);
}

#[test]
fn without_a_workspace_the_extension_says_who_there_is() {
    assert_eq!(rules(&of_no_workspace(&[]).unwrap()), [PlanRule::PhaseCount]);

    let extension = Fixture::new();
    extension.write("agents/coder.md", WRITER);
    extension.write("agents/code-reviewer.md", READER);
    extension.write(".env", "MAESTRO_DISABLED_AGENTS=coder\n");
    let variables = [("MAESTRO_EXTENSION_PATH", extension.root().to_str().unwrap())];
    let expected = [
        PlanRule::PhaseCount,
        PlanRule::DisabledAgent,
        PlanRule::DisabledAgent,
        PlanRule::UnknownAgent,
    ];
    assert_eq!(rules(&of_no_workspace(&variables).unwrap()), expected);

    // A path that leads there from the current directory says nothing.
    let relative = format!("{}{}", "../".repeat(40), extension.root().display());
    let report = of_no_workspace(&[("MAESTRO_EXTENSION_PATH", &relative)]).unwrap();
    assert_eq!(rules(&report), [PlanRule::PhaseCount]);
}

#[test]
fn without_a_workspace_a_bad_setting_is_an_error_all_the_same() {
    assert_eq!(code(of_no_workspace(&[("MAESTRO_MAX_RETRIES", "many")])), "BAD_SETTING");
}

#[test]
fn settings_without_a_workspace_say_what_was_set_and_what_was_not() {
    let variables = [("MAESTRO_EXECUTION_MODE", "parallel")];
    let environment: Environment =
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
    let settings = settings_of_no_workspace(&environment, &OsDisk).unwrap();
    let listed = settings.list().into_iter();
    let set: Vec<_> = listed.filter(|setting| setting.origin != Origin::Default).collect();
    assert_eq!(set.len(), 1);
    assert_eq!((set[0].name, set[0].value.as_str()), ("MAESTRO_EXECUTION_MODE", "parallel"));
}
