//! What the settings and the hosts say about plans and commands.

use maestro_session_model::{
    Command, PhaseOutline, PlanReport, PlanRules, PlannedPhase, Rules, TaskComplexity,
    check_plan_for,
};
use maestro_state_store::{Disk, Environment, Settings};

use crate::error::SessionError;
use crate::roster;
use crate::workspace::Workspace;

impl Workspace {
    /// The rules for a command. Who is on the roster matters to those alone that change the plan, so that all others are
    /// spared the reading.
    pub(crate) fn rules(&self, command: &Command) -> Rules {
        Rules {
            max_retries: self.settings.max_retries.value,
            max_concurrent: self.settings.max_concurrent.value,
            plan: match command {
                Command::Adjust { .. } => self.plan_rules(),
                _ => self.rules_without_roster(),
            },
        }
    }

    /// Checks phases that come from no document against the rules for plans, and, if the task has a `complexity`, that they
    /// are not too many for it. No violation names a line.
    pub fn check_phases(
        &self,
        phases: &[PlannedPhase],
        complexity: Option<TaskComplexity>,
    ) -> PlanReport {
        check_plan_for(&outlines(phases), complexity, &self.plan_rules())
    }

    pub(crate) fn plan_rules(&self) -> PlanRules {
        let dir = self.state_dir();
        let roster = roster::find(dir.workspace(), &self.env.environment, dir.disk());
        PlanRules { roster, ..self.rules_without_roster() }
    }

    pub(crate) fn rules_without_roster(&self) -> PlanRules {
        plan_rules_of(&self.settings)
    }
}

/// Does what [`Workspace::check_phases`] does for someone who has no workspace yet: with
/// [these settings](settings_of_no_workspace), and with the agents of the extension, if an absolute path names it.
pub fn check_phases_of_no_workspace(
    phases: &[PlannedPhase],
    complexity: Option<TaskComplexity>,
    environment: &Environment,
    disk: &dyn Disk,
) -> Result<PlanReport, SessionError> {
    let settings = settings_of_no_workspace(environment, disk)?;
    let roster = roster::of_extension(environment, disk);
    let rules = PlanRules { roster, ..plan_rules_of(&settings) };
    Ok(check_plan_for(&outlines(phases), complexity, &rules))
}

/// Reads the settings of someone who has no workspace yet ([`Settings::without_workspace`]).
pub fn settings_of_no_workspace(
    environment: &Environment,
    disk: &dyn Disk,
) -> Result<Settings, SessionError> {
    Ok(Settings::without_workspace(environment, disk)?)
}

fn outlines(phases: &[PlannedPhase]) -> Vec<PhaseOutline<'_>> {
    phases.iter().map(|phase| PhaseOutline { line: None, ..phase.outline() }).collect()
}

fn plan_rules_of(settings: &Settings) -> PlanRules {
    PlanRules {
        disabled_agents: settings.disabled_agents.value.clone(),
        roster: None,
        strictness: settings.strictness.value,
    }
}
