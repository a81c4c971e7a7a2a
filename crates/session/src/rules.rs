//! What the settings and the hosts say about plans and commands.

use maestro_session_model::{Command, PlanRules, Rules};

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

    pub(crate) fn plan_rules(&self) -> PlanRules {
        let dir = self.state_dir();
        let roster = roster::find(dir.workspace(), &self.env.environment, dir.disk());
        PlanRules { roster, ..self.rules_without_roster() }
    }

    pub(crate) fn rules_without_roster(&self) -> PlanRules {
        PlanRules {
            disabled_agents: self.settings.disabled_agents.value.clone(),
            roster: None,
            strictness: self.settings.strictness.value,
        }
    }
}
