//! How long ago something was, for people who come back after a pause.
//!
//! Owns the rounding and the words. Reads no clock.

use std::fmt;

use maestro_session_model::Timestamp;
use serde::Serialize;

/// A stretch of time, in whole seconds; less than none where the clocks disagree on what came first. Its length is shown in the
/// largest unit that still says something: `3 weeks`.
///
/// ```
/// use maestro_resume::Elapsed;
///
/// let elapsed = Elapsed::between("2026-01-15T10:00:00Z".parse()?, "2026-02-06T12:00:00Z".parse()?);
/// assert_eq!(elapsed.to_string(), "3 weeks");
/// assert_eq!(elapsed.ago(), "3 weeks ago");
/// # Ok::<(), maestro_session_model::InvalidTimestamp>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Elapsed {
    seconds: i64,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;
const MONTH: u64 = 30 * DAY;
const YEAR: u64 = 365 * DAY;

// Days, weeks, months and years are used from the second one on: `1 week` would hide half of thirteen days.
const TWO_DAYS: u64 = 2 * DAY;
const TWO_WEEKS: u64 = 2 * WEEK;
const TWO_MONTHS: u64 = 2 * MONTH;
const TWO_YEARS: u64 = 2 * YEAR;

impl Elapsed {
    /// Returns the time from `earlier` to `later`.
    pub fn between(earlier: Timestamp, later: Timestamp) -> Self {
        Self { seconds: later.unix_millis().saturating_sub(earlier.unix_millis()) / 1000 }
    }

    /// Returns the number of seconds, below zero if the clocks disagree on what came first.
    pub fn seconds(self) -> i64 {
        self.seconds
    }

    /// Whether it leads so far into the future that the clock is wrong, or the time was written by hand.
    pub fn is_ahead(self) -> bool {
        self.seconds.unsigned_abs() >= MINUTE && self.seconds < 0
    }

    /// Returns `3 weeks ago`, or that the time has not come yet.
    pub fn ago(self) -> String {
        if self.is_ahead() { format!("{self} ahead of the clock") } else { format!("{self} ago") }
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = match self.seconds.unsigned_abs() {
            0..MINUTE => return f.write_str("less than a minute"),
            MINUTE..HOUR => (MINUTE, "minute"),
            HOUR..TWO_DAYS => (HOUR, "hour"),
            TWO_DAYS..TWO_WEEKS => (DAY, "day"),
            TWO_WEEKS..TWO_MONTHS => (WEEK, "week"),
            TWO_MONTHS..TWO_YEARS => (MONTH, "month"),
            _ => (YEAR, "year"),
        };
        let n = self.seconds.unsigned_abs() / unit;
        write!(f, "{n} {name}{}", if n == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stretch_has_a_word() {
        let show = |seconds: u64| Elapsed { seconds: i64::try_from(seconds).unwrap() }.to_string();
        let shown: Vec<String> = [
            0,
            59,
            60,
            119,
            HOUR - 1,
            HOUR,
            2 * DAY - 1,
            2 * DAY,
            2 * WEEK - 1,
            2 * WEEK,
            2 * MONTH - 1,
            2 * MONTH,
            2 * YEAR - 1,
            2 * YEAR,
            i64::MAX.unsigned_abs(),
        ]
        .into_iter()
        .map(show)
        .collect();
        assert_eq!(
            shown,
            [
                "less than a minute",
                "less than a minute",
                "1 minute",
                "1 minute",
                "59 minutes",
                "1 hour",
                "47 hours",
                "2 days",
                "13 days",
                "2 weeks",
                "8 weeks",
                "2 months",
                "24 months",
                "2 years",
                "292471208677 years",
            ]
        );
    }

    #[test]
    fn a_time_that_has_not_come_yet_is_said_to_be_one() {
        let between = |earlier: &str, later: &str| {
            Elapsed::between(earlier.parse().unwrap(), later.parse().unwrap())
        };
        let ahead = between("2026-01-15T13:00:00Z", "2026-01-15T12:00:00Z");
        assert_eq!((ahead.seconds(), ahead.is_ahead()), (-3600, true));
        assert_eq!(ahead.ago(), "1 hour ahead of the clock");
        // Two machines are never quite of one mind.
        let skewed = between("2026-01-15T12:00:05Z", "2026-01-15T12:00:00Z");
        assert_eq!(skewed.ago(), "less than a minute ago");
    }
}
