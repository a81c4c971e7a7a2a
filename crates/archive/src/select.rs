//! Which archived sessions are meant: by a filter, or by a name. Pure.

use std::collections::BTreeSet;

use maestro_session_model::{SessionStatus, Timestamp};

use crate::archived::ArchivedSession;
use crate::error::RetrieveError;
use crate::query::Query;

/// How many candidates an error names.
const NAMED: usize = 8;

/// Which archived sessions to return. What is absent admits all.
#[derive(Clone, Debug, Default)]
pub struct ArchivedFilter {
    /// Only those that ended so.
    pub status: Option<SessionStatus>,
    /// Only those that last changed at that time or later.
    pub since: Option<Timestamp>,
    /// Only those that last changed at that time or earlier.
    pub until: Option<Timestamp>,
    /// Only those with all of these words in id or task.
    pub text: Option<Query>,
}

impl ArchivedFilter {
    /// Whether a session is one that is meant. A file that cannot be read has no status, no task, and the time of the file.
    pub fn admits(&self, session: &ArchivedSession) -> bool {
        let summary = session.content.session();
        let task = summary.map_or("", |summary| &summary.task);
        let status = summary.map(|summary| summary.status);
        self.status.is_none_or(|wanted| status == Some(wanted))
            && self.since.is_none_or(|since| session.time.is_some_and(|time| since <= time))
            && self.until.is_none_or(|until| session.time.is_some_and(|time| time <= until))
            && self.text.as_ref().is_none_or(|text| text.is_in(&[&session.id, task]))
    }
}

/// Returns the one of `names` that is `name` or else the only one that begins so.
pub(crate) fn named(names: &BTreeSet<String>, name: &str) -> Result<String, RetrieveError> {
    if let Some(exact) = names.get(name) {
        return Ok(exact.clone());
    }
    let mut found = names.iter().filter(|other| !name.is_empty() && other.starts_with(name));
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only.clone()),
        (None, _) => Err(RetrieveError::NoSuch { name: name.to_owned() }),
        (Some(first), Some(second)) => {
            let mut candidates = vec![first.clone(), second.clone()];
            let more = found.by_ref();
            candidates.extend(more.take(NAMED - 2).cloned());
            Err(RetrieveError::Ambiguous { name: name.to_owned(), candidates, more: found.count() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> BTreeSet<String> {
        ["2026-01-15-a", "2026-01-15-a-2", "2026-01-15-b", "2026-02-01-c"].map(str::to_owned).into()
    }

    #[test]
    fn an_exact_name_wins_and_else_a_prefix_must_be_of_one() {
        let named = |name: &str| named(&names(), name);
        assert_eq!(named("2026-01-15-a").unwrap(), "2026-01-15-a");
        assert_eq!(named("2026-02").unwrap(), "2026-02-01-c");
        assert_eq!(named("2026-01-15-a-").unwrap(), "2026-01-15-a-2");
        assert_eq!(named("2025").unwrap_err().code(), "ARCHIVED_NOT_FOUND");
        assert_eq!(named("").unwrap_err().code(), "ARCHIVED_NOT_FOUND");
        match named("2026-01-15").unwrap_err() {
            RetrieveError::Ambiguous { candidates, more, .. } => {
                assert_eq!((candidates.len(), more), (3, 0));
            }
            other => panic!("{other}"),
        }
    }

    #[test]
    fn of_many_candidates_some_are_named() {
        let names: BTreeSet<String> = (10..40).map(|n| format!("x-{n}")).collect();
        match named(&names, "x").unwrap_err() {
            RetrieveError::Ambiguous { candidates, more, .. } => {
                assert_eq!((candidates.len(), more), (NAMED, 30 - NAMED));
            }
            other => panic!("{other}"),
        }
    }
}
