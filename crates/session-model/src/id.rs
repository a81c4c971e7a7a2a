//! The identities of sessions, phases and agents.
//!
//! Owns the rules for what such a name may look like. Makes no ids of its own from chance or clock: a session id is
//! built from a date and a topic that the caller brings.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

use crate::Timestamp;

/// The longest session id, in bytes. Ids become file names, with suffixes of up to 24 bytes.
pub const MAX_SESSION_ID_BYTES: usize = 128;

/// The longest agent name or phase id, in bytes. Agent names are YAML keys, which must stay below 1,024 characters.
pub const MAX_NAME_BYTES: usize = 256;

/// The identity of a session: `YYYY-MM-DD-<topic-slug>` for the ones we make, ASCII letters, digits, `-` and `_` for
/// the ones we read.
///
/// ```
/// use maestro_session_model::SessionId;
///
/// assert!("2026-01-15-rate-limiter".parse::<SessionId>().is_ok());
/// assert!("../x".parse::<SessionId>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(String);

impl SessionId {
    /// Builds `YYYY-MM-DD-<slug of topic>`; the date is that of `now` in UTC.
    pub fn from_topic(now: Timestamp, topic: &str) -> Self {
        let mut slug = slug(topic);
        slug.truncate(80);
        let slug = slug.trim_end_matches('-');
        let slug = if slug.is_empty() { "session" } else { slug };
        Self(format!("{}-{slug}", now.date()))
    }

    /// Returns this id with `-<n>` after it, for when the plain one is taken.
    #[must_use]
    pub fn with_suffix(&self, n: u32) -> Self {
        Self(format!("{}-{n}", self.0))
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Lowercase words of ASCII letters and digits, joined by single hyphens.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') && c != '\'' {
            slug.push('-');
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

impl FromStr for SessionId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if text.is_empty() || text.len() > MAX_SESSION_ID_BYTES || !text.bytes().all(legal) {
            return Err(InvalidId::Session { text: excerpt(text) });
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for SessionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SessionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer, "a session id")
    }
}

/// The identity of a phase: a positive integer or a non-empty string.
///
/// `1` and `"1"` are the same phase; which of the two was written is kept, so that a document keeps its form.
/// Integers sort by value and before strings.
///
/// ```
/// use maestro_session_model::PhaseId;
///
/// let number = PhaseId::from_number(1).expect("one is positive");
/// assert_eq!(number, "1".parse().expect("a digit is not empty"));
/// ```
#[derive(Clone, Debug)]
pub struct PhaseId(Written);

#[derive(Clone, Debug)]
enum Written {
    Number(u64),
    Text(String),
}

impl PhaseId {
    /// Returns the id for `number`, or an error for zero.
    pub fn from_number(number: u64) -> Result<Self, InvalidId> {
        if number == 0 {
            return Err(InvalidId::Phase { text: "0".to_owned() });
        }
        Ok(Self(Written::Number(number)))
    }

    /// Returns the id that is written as the string `text`, even if it looks like a number.
    pub fn from_text(text: &str) -> Result<Self, InvalidId> {
        let legal = !text.trim().is_empty()
            && text.trim() == text
            && text.len() <= MAX_NAME_BYTES
            && !text.contains(is_line_breaking);
        if !legal {
            return Err(InvalidId::Phase { text: excerpt(text) });
        }
        Ok(Self(Written::Text(text.to_owned())))
    }

    /// Returns the integer, if the id is one in value, whichever way it is written.
    pub fn number(&self) -> Option<u64> {
        match &self.0 {
            Written::Number(number) => Some(*number),
            Written::Text(text) => canonical_number(text),
        }
    }

    /// Whether the id is written as a bare number.
    pub fn is_written_as_number(&self) -> bool {
        matches!(self.0, Written::Number(_))
    }

    fn text(&self) -> &str {
        match &self.0 {
            Written::Number(_) => "",
            Written::Text(text) => text,
        }
    }
}

/// `7` for `"7"`, nothing for `"07"`: only the form that a number would be written in is the same phase.
fn canonical_number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    if plain { text.parse().ok() } else { None }
}

/// Reads what a person types: digits are a number, anything else a string.
impl FromStr for PhaseId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        match canonical_number(text) {
            Some(number) => Self::from_number(number),
            None => Self::from_text(text),
        }
    }
}

impl PartialEq for PhaseId {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for PhaseId {}

impl PartialOrd for PhaseId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PhaseId {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.number(), other.number()) {
            (Some(a), Some(b)) => a.cmp(&b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => self.text().cmp(other.text()),
        }
    }
}

impl Hash for PhaseId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.number() {
            Some(number) => number.hash(state),
            None => self.text().hash(state),
        }
    }
}

impl fmt::Display for PhaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Written::Number(number) => write!(f, "{number}"),
            Written::Text(text) => f.write_str(text),
        }
    }
}

impl Serialize for PhaseId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Written::Number(number) => serializer.serialize_u64(*number),
            Written::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for PhaseId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = PhaseId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a phase id (a positive integer or a non-empty string)")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<PhaseId, E> {
                PhaseId::from_number(number).map_err(E::custom)
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<PhaseId, E> {
                let number = u64::try_from(number)
                    .map_err(|_| E::invalid_value(de::Unexpected::Signed(number), &self))?;
                self.visit_u64(number)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<PhaseId, E> {
                PhaseId::from_text(text).map_err(E::custom)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// The name of an agent, such as `coder` or `technical-writer`.
///
/// Hosts write the same name with `-` or `_` and in any case; [`AgentName::same_agent`] compares accordingly, while
/// equality is exact, so that a document keeps the name as it was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentName(String);

impl AgentName {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the form under which all spellings of one agent are equal: lowercase, with `_` for `-`.
    pub fn key(&self) -> String {
        agent_key(&self.0)
    }

    /// Whether `self` and `other` are spellings of one agent.
    pub fn same_agent(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

/// Returns the form of `name` under which all spellings of one agent are equal.
pub fn agent_key(name: &str) -> String {
    name.trim().to_lowercase().replace('-', "_")
}

impl FromStr for AgentName {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let text = text.trim();
        if text.is_empty() || text.len() > MAX_NAME_BYTES || text.contains(is_line_breaking) {
            return Err(InvalidId::Agent { text: excerpt(text) });
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for AgentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for AgentName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for AgentName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer, "an agent name")
    }
}

/// Reads a string and parses it, within the visitor, so that readers know the place of an error.
pub(crate) fn parsed<'de, D, T>(deserializer: D, expected: &'static str) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    struct Parsed<T>(&'static str, PhantomData<T>);

    impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for Parsed<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }

    deserializer.deserialize_str(Parsed(expected, PhantomData))
}

/// Control characters and the Unicode line separators: none of them belongs in a name or a path.
pub(crate) fn is_line_breaking(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// The first characters of `text`, so that an error about a megabyte stays readable.
pub(crate) fn excerpt(text: &str) -> String {
    const SHOWN: usize = 60;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text[..end].escape_debug()),
        None => text.escape_debug().to_string(),
    }
}

/// A name that breaks the rules for its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidId {
    /// Not a session id.
    #[error(
        "`{text}` is not a session id: use 1 to {MAX_SESSION_ID_BYTES} ASCII letters, digits, `-` and `_`"
    )]
    Session {
        /// The text, shortened.
        text: String,
    },
    /// Not a phase id.
    #[error(
        "`{text}` is not a phase id: use a positive integer or a text of up to {MAX_NAME_BYTES} bytes in one line"
    )]
    Phase {
        /// The text, shortened.
        text: String,
    },
    /// Not an agent name.
    #[error(
        "`{text}` is not an agent name: use a text of up to {MAX_NAME_BYTES} bytes in one line"
    )]
    Agent {
        /// The text, shortened.
        text: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_id_is_made_of_the_date_and_the_topic() {
        let now: Timestamp = "2026-01-15T10:00:00Z".parse().unwrap();
        let id = |topic| SessionId::from_topic(now, topic).to_string();
        assert_eq!(
            id("Add a \"token bucket\" rate limiter!"),
            "2026-01-15-add-a-token-bucket-rate-limiter"
        );
        assert_eq!(id("Don't panic"), "2026-01-15-dont-panic");
        assert_eq!(id("日本"), "2026-01-15-session");
        assert!(id(&"x".repeat(500)).len() < MAX_SESSION_ID_BYTES);
    }

    #[test]
    fn a_session_id_cannot_leave_its_directory() {
        for bad in ["", "../x", "a/b", "a\\b", "a.b", "a b", "é", "a\0", &"x".repeat(129)] {
            assert!(bad.parse::<SessionId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_number_and_its_text_are_the_same_phase_and_keep_their_form() {
        let number: PhaseId = serde_json::from_str("1").unwrap();
        let text: PhaseId = serde_json::from_str("\"1\"").unwrap();
        assert_eq!(number, text);
        assert_eq!(serde_json::to_string(&number).unwrap(), "1");
        assert_eq!(serde_json::to_string(&text).unwrap(), "\"1\"");
        assert_ne!(text, PhaseId::from_text("01").unwrap());
    }

    #[test]
    fn phase_ids_sort_by_value_then_by_name() {
        let mut ids: Vec<PhaseId> =
            ["review", "10", "2", "a"].iter().map(|id| id.parse().unwrap()).collect();
        ids.sort();
        let shown: Vec<String> = ids.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["2", "10", "a", "review"]);
    }

    #[test]
    fn a_phase_id_is_neither_zero_nor_negative_nor_empty() {
        for bad in ["0", "-1", "1.5", "\"\"", "\" \"", "null", "true", "[]", "\"a\\nb\""] {
            assert!(serde_json::from_str::<PhaseId>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn spellings_of_one_agent_are_the_same_agent() {
        let a: AgentName = "technical-writer".parse().unwrap();
        let b: AgentName = "Technical_Writer".parse().unwrap();
        assert!(a.same_agent(&b));
        assert_ne!(a, b);
    }
}
