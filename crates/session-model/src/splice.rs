//! Byte splices: how one text comes from another.
//!
//! A splice carries what it removes as well as what it inserts, so that a list of them leads both ways.

use serde::{Deserialize, Serialize};

/// Replace `remove`, which begins at byte `at` of the text before, by `insert`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Splice {
    /// The byte offset in the text before all splices of the list.
    pub at: usize,
    /// What stands there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remove: String,
    /// What is to stand there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub insert: String,
}

impl Splice {
    /// Returns where the splice ends in the text before.
    pub fn end(&self) -> usize {
        self.at.saturating_add(self.remove.len())
    }
}
