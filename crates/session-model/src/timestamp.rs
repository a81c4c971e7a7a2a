//! Points in time, as the documents write them.
//!
//! The only module that knows which date library is underneath. Reads no clock.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use chrono::{DateTime, Datelike as _, SecondsFormat, SubsecRound as _, Utc};
use serde::de::{Deserialize, Deserializer};
use serde::{Serialize, Serializer};

/// A point in time in UTC with millisecond precision, written `YYYY-MM-DDTHH:MM:SS.mmmZ`.
///
/// Any RFC 3339 form is read; finer fractions are cut off.
///
/// ```
/// use maestro_session_model::Timestamp;
///
/// let noon: Timestamp = "2026-01-15T13:00:00+01:00".parse()?;
/// assert_eq!(noon.to_string(), "2026-01-15T12:00:00.000Z");
/// # Ok::<(), maestro_session_model::InvalidTimestamp>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// Returns the calendar date in UTC, `YYYY-MM-DD`.
    pub fn date(self) -> String {
        self.0.format("%Y-%m-%d").to_string()
    }

    /// Returns the time a millisecond later; the last time that can be written stays what it is.
    #[must_use]
    pub fn next(self) -> Self {
        let next = self.0.checked_add_signed(chrono::TimeDelta::milliseconds(1));
        next.filter(has_four_digits).map_or(self, Self)
    }

    /// Returns the milliseconds since the Unix epoch.
    pub fn unix_millis(self) -> i64 {
        self.0.timestamp_millis()
    }

    /// Returns the time so many milliseconds after the Unix epoch; nothing for one that cannot be written.
    pub fn from_unix_millis(millis: i64) -> Option<Self> {
        DateTime::<Utc>::from_timestamp_millis(millis).filter(has_four_digits).map(Self)
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        Self(DateTime::<Utc>::from(time).trunc_subsecs(3))
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        let invalid = |source| InvalidTimestamp { text: crate::id::excerpt(text), source };
        let time =
            DateTime::parse_from_rfc3339(text.trim()).map_err(|source| invalid(Some(source)))?;
        let time = time.with_timezone(&Utc).trunc_subsecs(3);
        if has_four_digits(&time) { Ok(Self(time)) } else { Err(invalid(None)) }
    }
}

/// Whether the year can be written, and so read again. The first and the last one are left within hours by a time zone.
fn has_four_digits(time: &DateTime<Utc>) -> bool {
    (0..=9999).contains(&time.year())
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::id::parsed(deserializer, "a time")
    }
}

/// A text that is not an RFC 3339 time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a time such as 2026-01-15T10:00:00.000Z")]
pub struct InvalidTimestamp {
    /// The text, shortened.
    text: String,
    source: Option<chrono::ParseError>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rfc_3339_form_is_read_and_one_form_is_written() {
        for text in [
            "2026-11-20T10:10:32.705Z",
            "2026-11-20T10:10:32.705999Z",
            "2026-11-20 10:10:32.705Z",
            "2026-11-20T12:10:32.705+02:00",
        ] {
            let time: Timestamp = text.parse().unwrap();
            assert_eq!(time.to_string(), "2026-11-20T10:10:32.705Z", "{text}");
        }
    }

    #[test]
    fn a_date_without_a_time_is_refused() {
        for text in ["", "2026-11-20", "2026-11-20T10:10", "yesterday", "10:10:32Z"] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_read_can_be_written_and_read_again() {
        for text in ["9999-12-31T23:59:59-00:01", "0000-01-01T00:00:00+00:01"] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
        let last: Timestamp = "9999-12-31T23:59:59.999Z".parse().unwrap();
        assert_eq!(last.next(), last);
        assert_eq!(Timestamp::from_unix_millis(last.unix_millis()), Some(last));
        assert_eq!(Timestamp::from_unix_millis(last.unix_millis() + 1), None);
        assert_eq!(Timestamp::from_unix_millis(i64::MIN), None);
    }
}
