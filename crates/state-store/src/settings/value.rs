//! What may be in a setting.

use std::fmt;
use std::str::FromStr;

use maestro_session_model::AgentName;
use serde::{Deserialize, Serialize};

/// How phases that could run side by side are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionModeSetting {
    /// The user is asked for each session.
    Ask,
    /// Side by side.
    Parallel,
    /// One after the other.
    Sequential,
}

/// The form of the front matter of new documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FrontMatterForm {
    /// Block YAML.
    Yaml,
    /// JSON, which is YAML too, for people who run the Node server beside us.
    Json,
}

/// A word that is none of a setting's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of the values of this setting")]
pub struct UnknownWord;

/// Gives an enum of unit variants its words, in both directions; reading takes them in either case.
macro_rules! words {
    ($name:ident { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $word),+ })
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text.to_ascii_lowercase().as_str() {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(UnknownWord),
                }
            }
        }
    };
}

words!(ExecutionModeSetting { Ask => "ask", Parallel => "parallel", Sequential => "sequential" });
words!(FrontMatterForm { Yaml => "yaml", Json => "json" });

pub(super) const COUNT: &str = "a whole number";

pub(super) fn count(text: &str) -> Option<u32> {
    // `+2` would parse too, but is nobody's way to write a count.
    if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
}

pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

pub(super) fn agents(text: &str) -> Option<Vec<AgentName>> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(|name| name.parse().ok()).collect()
}

/// The first characters of `text`, so that an error about a long value stays readable.
pub(super) fn shortened(text: &str) -> String {
    const SHOWN: usize = 60;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text[..end].escape_debug()),
        None => text.escape_debug().to_string(),
    }
}
