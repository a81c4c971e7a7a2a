//! What the settings and the installed agents demand of a plan.
//!
//! Owns how strict to be, who may not work, and what each known agent may do. Reads no settings and no agent files:
//! whoever knows them builds these values.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::excerpt;
use crate::{AgentName, agent_key};

/// The rules that a plan must keep beyond those of its own shape.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanRules {
    /// Agents that may not be assigned, in any spelling.
    pub disabled_agents: Vec<AgentName>,
    /// The agents there are; without it, no agent is unknown and none is read-only.
    pub roster: Option<Roster>,
    /// Whether violations of the roster are errors.
    pub strictness: Strictness,
}

/// How much is demanded of plans and handoff reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strictness {
    /// Incomplete handoffs and violations of the roster are warnings.
    Lenient,
    /// They are errors.
    #[default]
    Normal,
    /// So is a handoff without any content.
    Strict,
}

impl Strictness {
    /// Returns the strictness as the settings write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lenient => "lenient",
            Self::Normal => "normal",
            Self::Strict => "strict",
        }
    }
}

impl fmt::Display for Strictness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Reads the setting, in any case and with blanks around it.
impl FromStr for Strictness {
    type Err = InvalidStrictness;

    fn from_str(text: &str) -> Result<Self, InvalidStrictness> {
        match text.trim().to_lowercase().as_str() {
            "lenient" => Ok(Self::Lenient),
            "normal" => Ok(Self::Normal),
            "strict" => Ok(Self::Strict),
            _ => Err(InvalidStrictness { text: excerpt(text) }),
        }
    }
}

/// The agents that a host has installed, under any of their spellings.
///
/// ```
/// use maestro_session_model::{AgentRole, Roster};
///
/// let roster: Roster =
///     [("technical-writer".parse()?, AgentRole { read_only: false })].into_iter().collect();
/// assert_eq!(roster.role("Technical_Writer"), Some(AgentRole { read_only: false }));
/// assert_eq!(roster.role("coder"), None);
/// # Ok::<(), maestro_session_model::InvalidId>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    agents: BTreeMap<String, (AgentName, AgentRole)>,
}

/// What an agent may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentRole {
    /// Whether the agent has no tool that writes files.
    pub read_only: bool,
}

impl Roster {
    /// Adds `agent`, or replaces the role it had.
    pub fn insert(&mut self, agent: AgentName, role: AgentRole) {
        self.agents.insert(agent.key(), (agent, role));
    }

    /// Returns the role of the agent called `name`, if there is one.
    pub fn role(&self, name: &str) -> Option<AgentRole> {
        self.agents.get(&agent_key(name)).map(|(_, role)| *role)
    }

    /// Returns the names as they were given, sorted by their common spelling.
    pub fn names(&self) -> impl Iterator<Item = &AgentName> {
        self.agents.values().map(|(name, _)| name)
    }
}

impl FromIterator<(AgentName, AgentRole)> for Roster {
    fn from_iter<I: IntoIterator<Item = (AgentName, AgentRole)>>(agents: I) -> Self {
        let mut roster = Self::default();
        for (agent, role) in agents {
            roster.insert(agent, role);
        }
        roster
    }
}

/// A text that is not a strictness.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a strictness: use `lenient`, `normal` or `strict`")]
pub struct InvalidStrictness {
    /// The text, shortened.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strictness_is_read_as_it_is_written() {
        for strictness in [Strictness::Lenient, Strictness::Normal, Strictness::Strict] {
            let text = strictness.to_string();
            assert_eq!(text.parse(), Ok(strictness));
            assert_eq!(serde_json::to_string(&strictness).unwrap(), format!("\"{text}\""));
        }
        assert_eq!(" STRICT ".parse(), Ok(Strictness::Strict));
        assert_eq!(
            "loose".parse::<Strictness>().unwrap_err().to_string(),
            "`loose` is not a strictness: use `lenient`, `normal` or `strict`"
        );
    }
}
