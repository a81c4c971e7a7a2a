//! What the settings and the hosts say about plans and commands.

use maestro_session_model::{PlanRules, Rules};

use crate::roster;
use crate::workspace::Workspace;

impl Workspace {
    pub(crate) fn rules(&self) -> Rules {
        Rules {
            max_retries: self.settings.max_retries.value,
            max_concurrent: self.settings.max_concurrent.value,
            plan: self.plan_rules(),
        }
    }

    pub(crate) fn plan_rules(&self) -> PlanRules {
        let dir = self.state_dir();
        PlanRules {
            disabled_agents: self.settings.disabled_agents.value.clone(),
            roster: roster::find(dir.workspace(), &self.env.environment, dir.disk()),
            strictness: self.settings.strictness.value,
        }
    }
}
