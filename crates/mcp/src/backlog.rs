//! The requests that are not answered yet, on both sides of a connection.
//!
//! Owns the limits of how many may wait, and of how large they may be together: what waits is kept in memory.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use rmcp::model::RequestId;

/// How many requests may wait for their answers; more are read when some of those are answered.
const MAX_REQUESTS: usize = 1 << 16;

/// How many bytes of requests may wait for their answers. One that is larger waits alone.
const MAX_BYTES: usize = 64 << 20;

/// What is not answered yet.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    /// The client's requests, with their sizes in bytes.
    open: BTreeMap<String, usize>,
    bytes: usize,
    /// What the client was asked.
    asked: BTreeSet<String>,
}

impl Backlog {
    /// Notes a request of so many bytes; says whether its id was free, and notes nothing if it was not.
    #[must_use]
    pub(crate) fn opened(&mut self, id: &RequestId, bytes: usize) -> bool {
        let Entry::Vacant(place) = self.open.entry(key(id)) else { return false };
        place.insert(bytes);
        self.bytes += bytes;
        true
    }

    /// Notes that a request gets no answer any more, because it has one or because nobody wants it.
    pub(crate) fn closed(&mut self, id: &RequestId) {
        self.bytes -= self.open.remove(&key(id)).unwrap_or_default();
    }

    /// Whether everything is answered that the client asked.
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether so much waits that no more should be read.
    pub(crate) fn is_full(&self) -> bool {
        MAX_REQUESTS <= self.open.len() || MAX_BYTES <= self.bytes
    }

    /// Notes that the client was asked something.
    pub(crate) fn asked(&mut self, id: &RequestId) {
        self.asked.insert(key(id));
    }

    /// Notes that the client has answered.
    pub(crate) fn told(&mut self, id: &RequestId) {
        self.asked.remove(&key(id));
    }

    /// Whether the client has yet to answer something.
    pub(crate) fn awaits_the_client(&self) -> bool {
        !self.asked.is_empty()
    }
}

/// A request's id in a form that can be sorted. A number and a string never have the same one.
fn key(id: &RequestId) -> String {
    format!("{id:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_wait_until_each_is_answered() {
        let mut backlog = Backlog::default();
        let [number, text] = [RequestId::Number(1), RequestId::String("1".into())];
        assert!(backlog.opened(&number, 10));
        assert!(!backlog.opened(&number, 20));
        assert!(backlog.opened(&text, 30));
        assert_eq!(backlog.bytes, 40);
        for id in [&text, &text, &number] {
            assert!(!backlog.is_empty());
            backlog.closed(id);
        }
        assert!(backlog.is_empty());
        assert_eq!(backlog.bytes, 0);
    }

    #[test]
    fn it_is_full_by_number_or_by_size() {
        let mut backlog = Backlog::default();
        let large = RequestId::String("large".into());
        assert!(backlog.opened(&large, MAX_BYTES));
        assert!(backlog.is_full());
        backlog.closed(&large);
        assert!(!backlog.is_full());
        for n in 0..MAX_REQUESTS {
            assert!(!backlog.is_full());
            assert!(backlog.opened(&RequestId::Number(n.try_into().unwrap()), 1));
        }
        assert!(backlog.is_full());
    }
}
