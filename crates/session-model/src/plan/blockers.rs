//! The phases that a line of a plan says another one waits for.
//!
//! Owns how ids are told from the words around them, which needs all ids of the plan. Words that name no phase are kept
//! as an id, so that the check of the plan reports them.

use std::collections::BTreeMap;

use super::PlanError;
use crate::PhaseId;
use crate::markdown::{means_nothing, top_level, without_note};

/// One phase or range of phases, as written.
pub(super) struct Blocker<'a> {
    pub(super) field: &'a str,
    pub(super) line: usize,
    pub(super) text: &'a str,
}

/// How many ids ranges are written out to in one plan; a few bytes can stand for any number of them.
const MOST_FROM_RANGES: u64 = 1_000_000;

/// Splits `Phase 1, 2 and [3]`; of `None` nothing is left.
pub(super) fn split_blockers(text: &str) -> impl Iterator<Item = &str> {
    let text = if means_nothing(text) { "" } else { text };
    let text = unmarked(text);
    let sign = |rest: &str| {
        let signs = [",", ";", " and ", " & ", " + "];
        signs.into_iter().find(|sign| rest.starts_with(sign)).map(str::len)
    };
    top_level(text, usize::MAX, sign)
        .into_iter()
        .map(|text| unmarked(text.trim().strip_prefix("and ").unwrap_or(text)))
        .filter(|text| !means_nothing(text))
}

/// Takes off brackets, emphasis and quotes.
fn unmarked(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || "[]<>`*_\"'#.".contains(c))
}

/// The ids of a plan, by what they come down to.
pub(super) struct KnownIds {
    ids: BTreeMap<String, PhaseId>,
    left_for_ranges: u64,
}

impl KnownIds {
    pub(super) fn new(ids: impl DoubleEndedIterator<Item = PhaseId>) -> Self {
        // Of two phases with one id, the first is meant.
        let ids = ids.rev().map(|id| (essence(&id.to_string()), id)).collect();
        Self { ids, left_for_ranges: MOST_FROM_RANGES }
    }

    /// Adds to `ids` the phases that `blocker` means.
    pub(super) fn meant_by(
        &mut self,
        blocker: &Blocker<'_>,
        ids: &mut Vec<PhaseId>,
    ) -> Result<(), PlanError> {
        let text = without_word(blocker.text);
        let named = without_note(text.split(" (").next().unwrap_or(text));
        let first = named.split_whitespace().next().unwrap_or(named);
        let id = |text: &str| match self.get(text) {
            Some(id) => Ok(id.clone()),
            None => text.parse().map_err(|source| PlanError::Id {
                line: blocker.line,
                field: blocker.field.to_owned(),
                source,
            }),
        };
        if let Some(known) = self.get(text).or_else(|| self.get(named)) {
            ids.push(known.clone());
        } else if let Some((from, to)) =
            range(named).filter(|(from, to)| to - from < self.left_for_ranges)
        {
            for number in from..=to {
                ids.push(id(&number.to_string())?);
            }
            self.left_for_ranges -= to - from;
        } else if let Some(known) = self.get(first) {
            ids.push(known.clone());
        } else {
            ids.push(id(named)?);
        }
        Ok(())
    }

    fn get(&self, text: &str) -> Option<&PhaseId> {
        self.ids.get(&essence(text))
    }
}

/// The form in which `02`, `2` and `[2]` are the same, and so are `Review` and `review`.
fn essence(id: &str) -> String {
    let id = unmarked(id).to_lowercase();
    let significant = id.trim_start_matches('0');
    if significant.starts_with(|c: char| c.is_ascii_digit()) { significant.to_owned() } else { id }
}

/// Takes off the word "phase" in front.
fn without_word(text: &str) -> &str {
    for word in ["phases", "phase"] {
        let rest = text.get(word.len()..).unwrap_or_default();
        if rest.starts_with([' ', '#']) && text[..word.len()].eq_ignore_ascii_case(word) {
            return unmarked(rest);
        }
    }
    text
}

/// Reads `1-3`, `1 to 3` and `1 through 3`.
fn range(text: &str) -> Option<(u64, u64)> {
    let (from, to) =
        ["–", "—", " to ", " through ", "-"].into_iter().find_map(|sign| text.split_once(sign))?;
    let (from, to) = (from.trim().parse().ok()?, without_word(to.trim()).trim().parse().ok()?);
    (from <= to).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(text: &str, known: &[&str]) -> String {
        let mut known = KnownIds::new(known.iter().map(|id| id.parse::<PhaseId>().unwrap()));
        let mut ids = Vec::new();
        for text in split_blockers(text) {
            let blocker = Blocker { field: "Blocked by", line: 1, text };
            known.meant_by(&blocker, &mut ids).unwrap();
        }
        ids.iter().map(ToString::to_string).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn ids_are_told_from_the_words_around_them() {
        let known = ["1", "2", "3", "3a", "04", "review", "data model", "1-2"];
        for (text, expected) in [
            ("1, 2", "1|2"),
            ("[1, 2]", "1|2"),
            ("Phase 1, Phase 2", "1|2"),
            ("Phases 1, 2 and 3", "1|2|3"),
            ("1 and 2", "1|2"),
            ("phase 1 (types, traits), Phase 3a", "1|3a"),
            ("Phase 1: Foundation", "1"),
            ("Phase 1 Foundation", "1"),
            ("`review`, \"Phase 2\"", "review|2"),
            ("Phase Review", "review"),
            ("Data Model — its tables", "data model"),
            ("4, 003, #2", "04|3|2"),
            ("1-2", "1-2"),
            ("Phases 2-4", "2|3|04"),
            ("1 to 3", "1|2|3"),
            ("None", ""),
            ("[Phase IDs or \"None\"]", "IDs or \"None"),
            ("None — can start at once", ""),
            ("N/A", ""),
            ("[]", ""),
            ("—", ""),
            ("", ""),
            ("9, all the others", "9|all the others"),
            ("3-1", "3-1"),
            ("0-99999999999", "0-99999999999"),
        ] {
            assert_eq!(meant(text, &known), expected, "{text}");
        }
    }
}
