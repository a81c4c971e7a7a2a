//! Times of files, and how far they can be trusted.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use maestro_session_model::Timestamp;
use serde::de::{self, Deserialize, Deserializer};
use serde::{Serialize, Serializer};

/// How far the time of a file may be from the moment of the clock at which it was written.
///
/// FAT counts in two seconds, some network file systems in one, and the kernel stamps files with a clock that lags behind
/// by some milliseconds. Where two moments are nearer to each other than this, nobody can say which came first.
pub const SLACK: Duration = Duration::from_secs(2);

const SLACK_NANOS: i128 = 2_000_000_000;

const NANOS: i128 = 1_000_000_000;

/// A time of a file, in nanoseconds since the Unix epoch; written as seconds with nine decimals.
///
/// ```
/// use maestro_resume::FileTime;
///
/// let time: FileTime = "1768471200.000000001".parse()?;
/// assert_eq!(time.to_string(), "1768471200.000000001");
/// # Ok::<(), maestro_resume::InvalidFileTime>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileTime(i128);

impl FileTime {
    /// Returns the time that a system gives as seconds and nanoseconds.
    pub fn from_parts(seconds: i64, nanos: i64) -> Self {
        Self(i128::from(seconds) * NANOS + i128::from(nanos))
    }

    /// Whether it may be that of something that was done at `moment` or later.
    pub fn may_be_since(self, moment: Timestamp) -> bool {
        Self::from(moment).0 - SLACK_NANOS <= self.0
    }

    /// Whether it can only be that of something that was done after `moment`.
    pub fn is_surely_after(self, moment: Timestamp) -> bool {
        Self::from(moment).0 + SLACK_NANOS < self.0
    }
}

impl From<SystemTime> for FileTime {
    fn from(time: SystemTime) -> Self {
        let nanos = |duration: Duration| i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX);
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Self(nanos(after)),
            Err(before) => Self(-nanos(before.duration())),
        }
    }
}

impl From<Timestamp> for FileTime {
    fn from(time: Timestamp) -> Self {
        Self(i128::from(time.unix_millis()) * 1_000_000)
    }
}

impl fmt::Display for FileTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}", self.0.div_euclid(NANOS), self.0.rem_euclid(NANOS))
    }
}

impl FromStr for FileTime {
    type Err = InvalidFileTime;

    fn from_str(text: &str) -> Result<Self, InvalidFileTime> {
        let parts = text.split_once('.').filter(|(_, nanos)| nanos.len() == 9);
        let parsed = parts.and_then(|(seconds, nanos)| {
            let nanos: u32 = nanos.parse().ok()?;
            Some(Self::from_parts(seconds.parse().ok()?, nanos.into()))
        });
        // Only as we write it: `+1` is a number too.
        parsed.filter(|time| time.to_string() == text).ok_or(InvalidFileTime)
    }
}

impl Serialize for FileTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FileTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A text that is not a time of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a time in seconds with nine decimals")]
pub struct InvalidFileTime;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_it_is_written() {
        for nanos in [0, 1, -1, NANOS, -NANOS, 1_768_471_200_123_456_789] {
            let time = FileTime(nanos);
            assert_eq!(time.to_string().parse(), Ok(time));
        }
        assert_eq!(FileTime(-1).to_string(), "-1.999999999");
        for bad in ["", "1", "1.0", "+1.000000000", "1.00000000x", "1.-00000001", "x.000000000"] {
            assert_eq!(bad.parse::<FileTime>(), Err(InvalidFileTime), "{bad}");
        }
    }

    #[test]
    fn between_two_near_moments_nothing_is_sure() {
        let moment: Timestamp = "2026-01-15T10:00:00Z".parse().unwrap();
        let at = |millis: i128| FileTime(FileTime::from(moment).0 + millis * 1_000_000);
        for (millis, may_be_since, is_surely_after) in [
            (-2_001, false, false),
            (-2_000, true, false),
            (0, true, false),
            (2_000, true, false),
            (2_001, true, true),
        ] {
            assert_eq!(at(millis).may_be_since(moment), may_be_since, "{millis}");
            assert_eq!(at(millis).is_surely_after(moment), is_surely_after, "{millis}");
        }
    }
}
