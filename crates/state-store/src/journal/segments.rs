//! The files of a journal: which they are, when a new one begins, and how many are kept.
//!
//! A journal begins as one file. When that is long, the next operation goes to a new file, a *segment*, which begins with
//! the newest operation once more, this time with the whole document and its marks, and with what still holds of the
//! operations before it: so the newest segment alone says how things stand. A segment appears whole, by a rename, and the files before it are never written again. Old ones are
//! removed once there are many.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use maestro_session_model::SessionId;
use serde_json::Value;

use crate::disk::Listed;
use crate::journal::file::Tail;
use crate::journal::line::{Line, MarkKind, Record};

/// From which length on a segment is long, in bytes.
pub const SEGMENT_BYTES: u64 = 4 * 1024 * 1024;

/// How many documents a segment holds at least, for documents so large that few of them make it long.
pub const SEGMENT_DOCUMENTS: u64 = 8;

/// How many segments are kept, the one that is written included.
pub const MAX_SEGMENTS: usize = 16;

const ENDING: &str = ".jsonl";

/// The digits of the number in the name of a segment, so that names sort like numbers.
const DIGITS: usize = 10;

/// A file of a journal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Segment {
    /// The number of the operation that it begins with; nothing for the file that the journal began with.
    pub(crate) first: Option<u64>,
    /// The name of the file.
    pub(crate) name: String,
}

/// The name of the file that a journal of `stem` begins with, or of the segment that begins with operation `first`.
pub(crate) fn segment_name(stem: &str, first: Option<u64>) -> String {
    match first {
        None => format!("{stem}{ENDING}"),
        Some(first) => format!("{stem}.{first:0DIGITS$}{ENDING}"),
    }
}

/// Finds the journals in a directory, with their segments from the oldest to the newest.
pub(crate) fn journals_in(listed: &[Listed]) -> BTreeMap<SessionId, Vec<Segment>> {
    let mut journals: BTreeMap<SessionId, Vec<Segment>> = BTreeMap::new();
    for name in listed.iter().map(|listed| &listed.name) {
        if let Some((id, first)) = parse_name(name) {
            journals.entry(id).or_default().push(Segment { first, name: name.clone() });
        }
    }
    for segments in journals.values_mut() {
        segments.sort();
    }
    journals
}

fn parse_name(name: &str) -> Option<(SessionId, Option<u64>)> {
    let stem = name.strip_suffix(ENDING)?;
    let (id, first) = match stem.split_once('.') {
        None => (stem, None),
        Some((id, digits)) if digits.len() >= DIGITS => (id, Some(digits.parse().ok()?)),
        Some(_) => return None,
    };
    // Only as we write them: `+1` is a number too.
    let id = id.parse().ok()?;
    (segment_name(SessionId::as_str(&id), first) == name).then_some((id, first))
}

/// Whether a segment with `len` bytes of operations is long, when documents are of `document` bytes.
///
/// What a segment begins with does not count: it is as long as what still holds, and would otherwise, once that is much,
/// make every operation begin a segment.
pub(crate) fn is_long(len: u64, document: u64) -> bool {
    SEGMENT_BYTES.max(document.saturating_mul(SEGMENT_DOCUMENTS)) <= len
}

/// The operation that a segment begins with that goes on after `tail`; nothing while the newest operation is not settled,
/// because then what is in front of it still matters.
pub(crate) fn last_settled(tail: &Tail) -> Option<&Record> {
    let newest = tail.newest.as_ref()?;
    let is_settled = newest.done && !newest.abandoned && !newest.archived;
    (is_settled && tail.waiting.is_none() && tail.torn.is_none()).then_some(&newest.record)
}

/// What a segment begins with: the operation `last` once more, with the document `text` and with what still holds of the
/// operations before it.
pub(crate) fn head(last: &Record, text: &str, carried: Option<Value>) -> Vec<Line> {
    let record = Record {
        splices: Vec::new(),
        document: Some(text.to_owned()),
        carried: carried.map(Box::new),
        ..last.clone()
    };
    let marks = [MarkKind::Done, MarkKind::Settled].map(|kind| Line::mark(last.seq, kind, None));
    [Line::Operation(record)].into_iter().chain(marks).collect()
}

/// The paths of `segments` in `dir`.
pub(crate) fn paths(dir: &Path, segments: &[Segment]) -> Vec<PathBuf> {
    segments.iter().map(|segment| dir.join(&segment.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(names: &[&str]) -> Vec<Listed> {
        names.iter().map(|name| Listed { name: (*name).to_owned(), is_file: true }).collect()
    }

    #[test]
    fn segments_are_found_in_the_order_of_their_numbers() {
        let found = journals_in(&listed(&[
            "a.0000000100.jsonl",
            "a.0000000020.jsonl",
            "a.12345678901.jsonl",
            "a.jsonl",
            "b.jsonl",
        ]));
        let names: Vec<&str> =
            found[&"a".parse().unwrap()].iter().map(|segment| segment.name.as_str()).collect();
        assert_eq!(
            names,
            ["a.jsonl", "a.0000000020.jsonl", "a.0000000100.jsonl", "a.12345678901.jsonl"]
        );
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn other_names_are_no_segments() {
        for name in [
            "a.1.jsonl",
            "a.+000000001.jsonl",
            "a.00000000001.jsonl",
            "a.x.jsonl",
            ".a.jsonl",
            "a.json",
            "a.0000000001.jsonl.tmp",
            "a.0000000001.0000000002.jsonl",
        ] {
            assert!(journals_in(&listed(&[name])).is_empty(), "{name}");
        }
    }

    #[test]
    fn a_large_document_does_not_make_every_operation_begin_a_segment() {
        assert!(!is_long(SEGMENT_BYTES - 1, 10));
        assert!(is_long(SEGMENT_BYTES, 10));
        assert!(!is_long(SEGMENT_BYTES, SEGMENT_BYTES));
        assert!(is_long(SEGMENT_BYTES * SEGMENT_DOCUMENTS, SEGMENT_BYTES));
    }
}
