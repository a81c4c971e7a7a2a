//! Statuses and the transition table.
//!
//! One total function, [`PhaseStatus::after`], says what may happen to a phase. It serves recording, replaying and
//! the table in the docs. Guards that need more than the status (blockers, slots, retries) are in
//! [`decide`](crate::decide).

use std::fmt;

use serde::{Deserialize, Serialize};

/// The status of a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhaseStatus {
    /// Not started.
    Pending,
    /// An agent is at work, or was when the host went away.
    InProgress,
    /// Ended well.
    Completed,
    /// Ended badly; waits for retry or skip.
    Failed,
    /// Left out by the user's decision.
    Skipped,
}

impl PhaseStatus {
    /// All statuses, in the order of the documentation.
    pub const ALL: [Self; 5] =
        [Self::Pending, Self::InProgress, Self::Completed, Self::Failed, Self::Skipped];

    /// Returns the status after `event`, or why it may not happen.
    ///
    /// ```
    /// use maestro_session_model::{PhaseEvent, PhaseStatus};
    ///
    /// assert_eq!(PhaseStatus::Pending.after(PhaseEvent::Start), Ok(PhaseStatus::InProgress));
    /// assert!(PhaseStatus::Completed.after(PhaseEvent::Complete).is_err());
    /// ```
    pub fn after(self, event: PhaseEvent) -> Result<Self, IllegalTransition> {
        use PhaseEvent as Event;
        match (self, event) {
            (Self::Pending, Event::Start)
            | (Self::Failed, Event::Retry)
            | (Self::InProgress, Event::Redelegate) => Ok(Self::InProgress),
            (Self::InProgress, Event::Complete) => Ok(Self::Completed),
            (Self::InProgress, Event::Fail) => Ok(Self::Failed),
            (Self::Pending | Self::Failed, Event::Skip) => Ok(Self::Skipped),
            // No `_` for the status: a new one does not compile until it has been thought about.
            (
                Self::Pending | Self::InProgress | Self::Completed | Self::Failed | Self::Skipped,
                _,
            ) => Err(IllegalTransition { from: self, event }),
        }
    }

    /// Returns the events that may happen in this status.
    pub fn legal_events(self) -> impl Iterator<Item = PhaseEvent> {
        PhaseEvent::ALL.into_iter().filter(move |event| self.after(*event).is_ok())
    }

    /// Whether phases that wait for this one may start.
    pub fn unblocks(self) -> bool {
        match self {
            Self::Completed | Self::Skipped => true,
            Self::Pending | Self::InProgress | Self::Failed => false,
        }
    }

    /// Returns the mark that the body of the document shows for this status.
    pub fn mark(self) -> &'static str {
        match self {
            Self::Pending => "□ pending",
            Self::InProgress => "◯ in progress",
            Self::Completed => "✓ completed",
            Self::Failed => "✗ failed",
            Self::Skipped => "– skipped",
        }
    }

    /// Returns the status as the documents write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

impl fmt::Display for PhaseStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What can happen to a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhaseEvent {
    /// An agent begins.
    Start,
    /// The agent handed its work over.
    Complete,
    /// The agent gave up or its work was refused.
    Fail,
    /// The interrupted agent's work is given out again, with the same scope.
    Redelegate,
    /// A failed phase is tried again.
    Retry,
    /// The user leaves the phase out.
    Skip,
}

impl PhaseEvent {
    /// All events, in the order of the documentation.
    pub const ALL: [Self; 6] =
        [Self::Start, Self::Complete, Self::Fail, Self::Redelegate, Self::Retry, Self::Skip];

    /// Returns the event as a verb, which is also the name of its command.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Complete => "complete",
            Self::Fail => "fail",
            Self::Redelegate => "redelegate",
            Self::Retry => "retry",
            Self::Skip => "skip",
        }
    }
}

impl fmt::Display for PhaseEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// An event that may not happen in the status a phase is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a phase that is {from} cannot {event}")]
pub struct IllegalTransition {
    /// The status the phase is in.
    pub from: PhaseStatus,
    /// The event that was asked for.
    pub event: PhaseEvent,
}

/// The status of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// Being worked on, or waiting to be archived.
    InProgress,
    /// Archived with its work done.
    Completed,
    /// Archived as failed.
    Failed,
    /// Given up by the user.
    Aborted,
}

impl SessionStatus {
    /// Returns the status as the documents write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Aborted => "aborted",
        }
    }
}

impl fmt::Display for SessionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole table, every status with every event.
    #[test]
    fn the_transition_table() {
        let mut table = format!("{:<12}", "from");
        for event in PhaseEvent::ALL {
            table += &format!(" {event:<12}");
        }
        for from in PhaseStatus::ALL {
            table += &format!("\n{from:<12}");
            for event in PhaseEvent::ALL {
                let to = from.after(event).map_or("-", PhaseStatus::as_str);
                table += &format!(" {to:<12}");
            }
        }
        let table: Vec<&str> = table.lines().map(str::trim_end).collect();
        insta::assert_snapshot!(table.join("\n"), @r"
        from         start        complete     fail         redelegate   retry        skip
        pending      in_progress  -            -            -            -            skipped
        in_progress  -            completed    failed       in_progress  -            -
        completed    -            -            -            -            -            -
        failed       -            -            -            -            in_progress  skipped
        skipped      -            -            -            -            -            -
        ");
    }

    #[test]
    fn what_is_ended_by_success_or_by_the_user_stays_ended() {
        for from in [PhaseStatus::Completed, PhaseStatus::Skipped] {
            assert_eq!(from.legal_events().count(), 0, "{from}");
        }
    }
}
