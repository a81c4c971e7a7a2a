//! Guessing which name was meant.
//!
//! Owns when two names are near enough that one may be a slip of the other. Only hints come from here, never decisions.

use std::collections::BTreeMap;

/// How many names are compared letter by letter before hints are given up; a plan full of slips must not take long.
const MOST_COMPARISONS: usize = 10_000;

/// The names there are, for guessing which one was meant.
pub(super) struct Suggestions {
    names: Vec<String>,
    by_key: BTreeMap<String, usize>,
    comparisons_left: usize,
}

impl Suggestions {
    pub(super) fn new(names: impl Iterator<Item = String>) -> Self {
        let names: Vec<String> = names.collect();
        let by_key = names.iter().enumerate().rev().map(|(at, name)| (plain(name), at)).collect();
        Self { names, by_key, comparisons_left: MOST_COMPARISONS }
    }

    /// Returns the name that `wanted` is a slip of, if one is near enough.
    pub(super) fn nearest(&mut self, wanted: &str) -> Option<&str> {
        let wanted = plain(wanted);
        let mut found = self.by_key.get(&wanted).copied();
        // The digits next to each other on a keyboard say nothing about which phase was meant.
        let is_number = wanted.bytes().all(|b| b.is_ascii_digit());
        if found.is_none() && !is_number && self.by_key.len() <= self.comparisons_left {
            self.comparisons_left -= self.by_key.len();
            let allowed = wanted.chars().count() / 3;
            let distances = self.by_key.iter().map(|(key, at)| (edits(key, &wanted), *at));
            found = distances.filter(|(edits, _)| *edits <= allowed).min().map(|(_, at)| at);
        }
        found.map(|at| self.names[at].as_str())
    }
}

/// The letters and digits of a name, so that `Phase 03`, `phase-3` and `3` are alike.
fn plain(name: &str) -> String {
    let name: String =
        name.to_lowercase().chars().filter(|c| c.is_alphanumeric()).take(64).collect();
    let rest = name.strip_prefix("phase").filter(|rest| !rest.is_empty()).unwrap_or(&name);
    let rest = rest.trim_start_matches('0');
    if rest.is_empty() { name } else { rest.to_owned() }
}

/// How many letters must be added, removed or replaced to turn `one` into `other`.
fn edits(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, c) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (column, o) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(c != *o);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_finds_its_name() {
        let mut names = Suggestions::new(
            ["coder", "tester", "3", "100", "design-review"].map(str::to_owned).into_iter(),
        );
        for (slip, meant) in [
            ("codr", Some("coder")),
            ("Tester", Some("tester")),
            ("Phase 03", Some("3")),
            ("design_reviw", Some("design-review")),
            ("33", None),
            ("101", None),
            ("gardener", None),
            ("", None),
        ] {
            assert_eq!(names.nearest(slip), meant, "{slip}");
        }
    }
}
