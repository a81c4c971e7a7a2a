//! The environment variables, as a value.
//!
//! Reads no variable itself: `main` does, once, and passes them down.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// The environment variables of the process, as `main` found them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Returns the value of `name`; an empty one counts as not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// Returns the directory of the extension that the host runs us from, if it says so.
pub fn extension_path(environment: &Environment) -> Option<PathBuf> {
    let named = environment.get("MAESTRO_EXTENSION_PATH");
    named.or_else(|| environment.get("CLAUDE_PLUGIN_ROOT")).map(PathBuf::from)
}

impl From<BTreeMap<String, String>> for Environment {
    fn from(variables: BTreeMap<String, String>) -> Self {
        Self(variables)
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}
