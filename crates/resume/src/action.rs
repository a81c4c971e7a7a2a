//! What can be done about a phase or a session, as data.
//!
//! Owns the way from an action to the command that carries it out, typed or decided. Whether it is possible is not known
//! here.

use maestro_session_model::{Command, CommandLine, PhaseEvent, PhaseId};
use serde::Serialize;

/// Something that can be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// An agent begins with a phase.
    Start {
        /// Which phase.
        phase: PhaseId,
    },
    /// The interrupted agent's work is given out again, with the same scope.
    Redelegate {
        /// Which phase.
        phase: PhaseId,
    },
    /// What an agent handed over is recorded.
    Complete {
        /// Which phase.
        phase: PhaseId,
    },
    /// That an agent failed is recorded.
    Fail {
        /// Which phase.
        phase: PhaseId,
        /// Whether the phase names no agent, so that the record has to.
        lacks_agent: bool,
    },
    /// A failed phase is tried again.
    Retry {
        /// Which phase.
        phase: PhaseId,
        /// Whether only the user can order it, because it was retried as often as it may be.
        by_user: bool,
    },
    /// The user leaves a phase out.
    Skip {
        /// Which phase.
        phase: PhaseId,
    },
    /// The plan of a phase changes.
    Adjust {
        /// Which phase.
        phase: PhaseId,
    },
    /// The record of a completed phase is put right.
    Reconcile {
        /// Which phase.
        phase: PhaseId,
    },
    /// The session is given up.
    Abort,
    /// The session goes to the archive.
    Archive {
        /// Whether it goes there though phases are open.
        force: bool,
    },
}

impl Action {
    /// Returns the phase that it is about.
    pub fn phase(&self) -> Option<&PhaseId> {
        match self {
            Self::Start { phase }
            | Self::Redelegate { phase }
            | Self::Complete { phase }
            | Self::Fail { phase, .. }
            | Self::Retry { phase, .. }
            | Self::Skip { phase }
            | Self::Adjust { phase }
            | Self::Reconcile { phase } => Some(phase),
            Self::Abort | Self::Archive { .. } => None,
        }
    }

    /// Returns the verb, which is also the name of the command.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Start { .. } => PhaseEvent::Start.as_str(),
            Self::Redelegate { .. } => PhaseEvent::Redelegate.as_str(),
            Self::Complete { .. } => PhaseEvent::Complete.as_str(),
            Self::Fail { .. } => PhaseEvent::Fail.as_str(),
            Self::Retry { .. } => PhaseEvent::Retry.as_str(),
            Self::Skip { .. } => PhaseEvent::Skip.as_str(),
            Self::Adjust { .. } => "adjust",
            Self::Reconcile { .. } => "reconcile",
            Self::Abort => "abort",
            Self::Archive { .. } => "archive",
        }
    }

    /// Returns the command as it is typed.
    pub fn command_line(&self) -> CommandLine {
        const BY_USER: &[&str] = &["--by-user"];
        const REPORT: &[&str] = &["--report", "FILE"];
        let options: &[&'static str] = match self {
            Self::Start { .. } | Self::Redelegate { .. } | Self::Abort => &[],
            Self::Complete { .. } | Self::Reconcile { .. } => REPORT,
            Self::Fail { lacks_agent: false, .. } => &["--message", "TEXT"],
            Self::Fail { lacks_agent: true, .. } => &["--message", "TEXT", "--agent", "NAME"],
            Self::Retry { by_user, .. } => {
                if *by_user {
                    BY_USER
                } else {
                    &[]
                }
            }
            Self::Skip { .. } => BY_USER,
            Self::Adjust { .. } => &["--agent", "NAME"],
            Self::Archive { force } => {
                if *force {
                    &["--force"]
                } else {
                    &[]
                }
            }
        };
        match self.phase() {
            Some(phase) => CommandLine::of_phase(self.verb(), phase, options),
            None => CommandLine::new(&[self.verb()], None, options),
        }
    }

    /// Returns the command as it is decided on; nothing where it needs something that only the caller knows, or where it is
    /// more than a change of the session.
    pub fn command(&self) -> Option<Command> {
        Some(match self {
            Self::Start { phase } => Command::Start { phase: phase.clone() },
            Self::Redelegate { phase } => {
                Command::Redelegate { phase: phase.clone(), agent: None, reason: None }
            }
            Self::Retry { phase, by_user } => {
                Command::Retry { phase: phase.clone(), by_user: *by_user, resolution: None }
            }
            Self::Skip { phase } => {
                Command::Skip { phase: phase.clone(), by_user: true, reason: None }
            }
            Self::Abort => Command::Abort { by_user: true, reason: None },
            Self::Complete { .. }
            | Self::Fail { .. }
            | Self::Adjust { .. }
            | Self::Reconcile { .. }
            | Self::Archive { .. } => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_as_it_is_typed() {
        let phase = || PhaseId::from_number(3).unwrap();
        let actions = [
            Action::Start { phase: phase() },
            Action::Redelegate { phase: phase() },
            Action::Complete { phase: phase() },
            Action::Fail { phase: phase(), lacks_agent: false },
            Action::Fail { phase: phase(), lacks_agent: true },
            Action::Retry { phase: phase(), by_user: false },
            Action::Retry { phase: phase(), by_user: true },
            Action::Skip { phase: phase() },
            Action::Adjust { phase: phase() },
            Action::Reconcile { phase: phase() },
            Action::Abort,
            Action::Archive { force: false },
            Action::Archive { force: true },
        ];
        let lines: Vec<String> = actions.iter().map(|action| action.command_line().shell).collect();
        insta::assert_snapshot!(lines.join("\n"), @"
        maestro phase start 3
        maestro phase redelegate 3
        maestro phase complete 3 --report FILE
        maestro phase fail 3 --message TEXT
        maestro phase fail 3 --message TEXT --agent NAME
        maestro phase retry 3
        maestro phase retry 3 --by-user
        maestro phase skip 3 --by-user
        maestro phase adjust 3 --agent NAME
        maestro phase reconcile 3 --report FILE
        maestro abort
        maestro archive
        maestro archive --force
        ");
    }
}
