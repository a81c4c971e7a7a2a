//! Reading a journal from a first line on: every operation, and the document after each.
//!
//! Needs no lock: a last line that is not whole is one that is being appended, and is left out. A journal of several
//! segments is read from the newest backwards, as far as the reader needs it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::disk::{Access, Disk};
use crate::hash::ContentHash;
use crate::journal::file::{JournalError, Newest, was_never_written};
use crate::journal::line::{Line, LineError, MarkKind, Record};
use crate::splice;

/// Operations of a journal, in order, each with what became of it: those of its newest segments, or of all that are
/// kept.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    path: PathBuf,
    operations: Vec<Newest>,
    is_complete: bool,
}

impl History {
    /// Reads the journal whose segments are `paths`, from the oldest to the newest, going back from the newest while
    /// `wants_more` of what was read.
    pub(crate) fn read(
        disk: &dyn Disk,
        paths: &[PathBuf],
        wants_more: &dyn Fn(&Self) -> bool,
    ) -> Result<Option<Self>, JournalError> {
        let Some((newest, older)) = paths.split_last() else { return Ok(None) };
        let mut history = Self::parse(newest, &read_all(disk, newest)?)?;
        for (unread, path) in older.iter().enumerate().rev() {
            history.is_complete = false;
            if !wants_more(&history) {
                break;
            }
            let mut before = Self::parse(path, &read_all(disk, path)?)?;
            before.append(history)?;
            before.is_complete = unread == 0;
            history = before;
        }
        Ok(Some(history))
    }

    /// Goes on with the next segment, which begins with the last operation once more.
    fn append(&mut self, next: Self) -> Result<(), JournalError> {
        let mut operations = next.operations.into_iter();
        let Some(mut head) = operations.next() else { return Ok(()) };
        let last = self.operations.last_mut();
        match last.filter(|last| last.record.operation.id == head.record.operation.id) {
            Some(last) => {
                // The head says what became of it and which document it left, the segment before how it got there, and
                // what held when that segment was begun.
                head.record.splices = std::mem::take(&mut last.record.splices);
                head.record.carried = last.record.carried.take();
                *last = head;
            }
            None => {
                return Err(JournalError::Broken { path: next.path, seq: head.record.seq });
            }
        }
        self.operations.extend(operations);
        self.path = next.path;
        Ok(())
    }

    /// Reads the bytes of one segment. `path` is for the errors.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, JournalError> {
        let mut operations: Vec<Newest> = Vec::new();
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').enumerate().peekable();
        while let Some((index, line)) = lines.next() {
            let corrupt = |reason: String| JournalError::Corrupt {
                path: path.to_owned(),
                line: index + 1,
                reason,
            };
            let is_last = lines.peek().is_none();
            let Some(line) = line.strip_suffix(b"\n") else {
                break;
            };
            match Line::parse(line) {
                Ok(Line::Operation(record)) => {
                    let expected = match operations.last() {
                        Some(last) => last.record.seq.checked_add(1),
                        // A segment may begin with any operation that needs nothing before it.
                        None if record.document.is_some() => Some(record.seq),
                        None => Some(1),
                    };
                    let Some(expected) = expected else {
                        return Err(corrupt("there is no number left for it".to_owned()));
                    };
                    if record.seq != expected {
                        return Err(corrupt(format!(
                            "it has number {} in the place of {expected}",
                            record.seq
                        )));
                    }
                    if let Some(last) = operations.last_mut().filter(|last| !last.abandoned) {
                        // Or else nothing would have been built on it. The mark that says so may be lost.
                        last.mark(MarkKind::Done);
                    }
                    operations.push(Newest::new(record));
                }
                Ok(Line::Mark(mark)) => {
                    let marked =
                        operations.iter_mut().rev().find(|found| found.record.seq == mark.seq);
                    let Some(marked) = marked else {
                        return Err(corrupt("it marks an operation that is not there".to_owned()));
                    };
                    marked.mark(mark.kind);
                }
                Err(LineError::TooNew(found)) => {
                    return Err(JournalError::TooNew { path: path.to_owned(), found });
                }
                Err(_) if is_last => break,
                Err(_) if was_never_written(line) => {}
                Err(error) => return Err(corrupt(error.to_string())),
            }
        }
        Ok(Self { path: path.to_owned(), operations, is_complete: true })
    }

    /// Reads the newest document that the sound lines of the segments `paths` give back; nothing when they give none.
    pub(crate) fn salvage(
        disk: &dyn Disk,
        paths: &[PathBuf],
    ) -> Result<Option<String>, JournalError> {
        let mut records: Vec<Newest> = Vec::new();
        for path in paths {
            let bytes = read_all(disk, path)?;
            let lines =
                bytes.split(|byte| *byte == b'\n').filter_map(|line| Line::parse(line).ok());
            for line in lines {
                match line {
                    Line::Operation(record) => records.push(Newest::new(record)),
                    Line::Mark(mark) => {
                        let marked = records.iter_mut().rev().find(|op| op.record.seq == mark.seq);
                        if let Some(marked) = marked {
                            marked.mark(mark.kind);
                        }
                    }
                }
            }
        }
        let path = paths.last().map_or(Path::new(""), PathBuf::as_path);
        let mut replay = Replay { path, rest: [].iter(), text: String::new(), hash: None };
        for operation in records.iter().filter(|operation| !operation.abandoned) {
            // One that does not follow from what is left is passed over; a later one may have the whole document.
            if let Ok(text) = replay.after(&operation.record) {
                replay.text = text;
                replay.hash = Some(operation.record.after);
            }
        }
        Ok(replay.hash.map(|_| replay.text))
    }

    /// Reads what is sound at the end of one segment: the operations behind the last line that is damaged.
    pub(crate) fn sound_end(disk: &dyn Disk, path: &Path) -> Result<Self, JournalError> {
        Self::sound(disk, path, &|operations| operations.clear())
    }

    /// Reads the sound operations of one segment, whatever lies between them.
    pub(crate) fn sound_lines(disk: &dyn Disk, path: &Path) -> Result<Self, JournalError> {
        Self::sound(disk, path, &|_| {})
    }

    /// Reads the sound operations of one segment; `at_a_gap` is given those that were read where the next one does not
    /// follow on them.
    fn sound(
        disk: &dyn Disk,
        path: &Path,
        at_a_gap: &dyn Fn(&mut Vec<Newest>),
    ) -> Result<Self, JournalError> {
        let bytes = read_all(disk, path)?;
        let mut operations: Vec<Newest> = Vec::new();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let Some(line) = line.strip_suffix(b"\n") else { break };
            match Line::parse(line) {
                Ok(Line::Operation(record)) => {
                    let follows = operations
                        .last()
                        .is_none_or(|last| last.record.seq.checked_add(1) == Some(record.seq));
                    if !follows {
                        at_a_gap(&mut operations);
                    }
                    operations.push(Newest::new(record));
                }
                Ok(Line::Mark(mark)) => {
                    let marked = operations.iter_mut().rev().find(|op| op.record.seq == mark.seq);
                    if let Some(marked) = marked {
                        marked.mark(mark.kind);
                    }
                }
                Err(_) if was_never_written(line) => {}
                Err(_) => at_a_gap(&mut operations),
            }
        }
        Ok(Self { path: path.to_owned(), operations, is_complete: false })
    }

    /// Whether it has every operation that is kept.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Returns the operations, the oldest first.
    pub fn operations(&self) -> &[Newest] {
        &self.operations
    }

    /// Returns what still held of the operations before those that were read, as the caller of the store summed it up when
    /// the oldest segment that was read was begun; nothing if that is the one that the journal began with.
    pub fn carried(&self) -> Option<&Value> {
        self.operations.first()?.record.carried.as_deref()
    }

    /// Goes through the documents from the beginning.
    pub fn replay(&self) -> Replay<'_> {
        Replay { path: &self.path, rest: self.operations.iter(), text: String::new(), hash: None }
    }

    /// Returns the document as the operation with number `seq` left it; an abandoned one left it as it was.
    ///
    /// Begins at the last whole document before it.
    pub fn text_after(&self, seq: u64) -> Result<String, JournalError> {
        let missing = || JournalError::NoSuchOperation { path: self.path.clone(), seq };
        let last =
            self.operations.iter().position(|op| op.record.seq == seq).ok_or_else(missing)?;
        let carries = |op: &Newest| op.record.document.is_some() && !op.abandoned;
        let first = self.operations[..=last].iter().rposition(carries).ok_or_else(missing)?;
        let rest = self.operations[first..=last].iter();
        let mut replay = Replay { path: &self.path, rest, text: String::new(), hash: None };
        while replay.advance()?.is_some() {}
        Ok(replay.text)
    }

    /// Returns the document as the operation with number `seq` found it; nothing where no operation that is kept left it so:
    /// for a creation, for an operation on a file that was in no journal, and for the oldest one that is kept.
    pub fn text_before(&self, seq: u64) -> Result<Option<String>, JournalError> {
        let missing = || JournalError::NoSuchOperation { path: self.path.clone(), seq };
        let at = self.operations.iter().position(|op| op.record.seq == seq).ok_or_else(missing)?;
        let before = self.operations[..at].iter().rfind(|op| !op.abandoned);
        match before {
            Some(before) if Some(before.record.after) == self.operations[at].record.before => {
                self.text_after(before.record.seq).map(Some)
            }
            Some(_) | None => Ok(None),
        }
    }

    /// Returns the document as the newest operation left it; nothing for an empty journal.
    pub fn last_document(&self) -> Result<Option<String>, JournalError> {
        match self.operations.iter().rfind(|op| !op.abandoned) {
            Some(newest) => self.text_after(newest.record.seq).map(Some),
            None => Ok(None),
        }
    }
}

fn read_all(disk: &dyn Disk, path: &Path) -> Result<Vec<u8>, JournalError> {
    let mut file = disk.open(path, Access::Read)?;
    let len = usize::try_from(file.entry()?.len).unwrap_or(usize::MAX);
    Ok(file.read_at(0, len)?)
}

/// The documents of a [`History`], one after the other.
#[derive(Clone, Debug)]
pub struct Replay<'h> {
    path: &'h Path,
    rest: std::slice::Iter<'h, Newest>,
    text: String,
    hash: Option<ContentHash>,
}

/// An operation and the document that it left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step<'r> {
    /// The operation, and what became of it.
    pub operation: &'r Newest,
    /// The document after it.
    pub text: &'r str,
}

impl Replay<'_> {
    /// Goes on to the next operation; nothing after the last.
    ///
    /// Checks that each document has the hash that the journal gives it.
    pub fn advance(&mut self) -> Result<Option<Step<'_>>, JournalError> {
        let Some(operation) = self.rest.next() else { return Ok(None) };
        if !operation.abandoned {
            self.text = self.after(&operation.record)?;
            self.hash = Some(operation.record.after);
        }
        Ok(Some(Step { operation, text: &self.text }))
    }

    fn after(&self, record: &Record) -> Result<String, JournalError> {
        let broken = || JournalError::Broken { path: self.path.to_owned(), seq: record.seq };
        let text = if let Some(document) = &record.document {
            // A whole document needs nothing before it: it may follow a file that nobody could read.
            document.clone()
        } else {
            if record.before != self.hash {
                return Err(broken());
            }
            splice::apply(&self.text, &record.splices).map_err(|_| broken())?
        };
        if ContentHash::of(text.as_bytes()) == record.after { Ok(text) } else { Err(broken()) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::disk::OsDisk;
    use crate::journal::{Actor, Operation};
    use crate::splice::diff;

    fn record(seq: u64, before: Option<&str>, after: &str) -> Record {
        Record {
            seq,
            operation: Operation {
                id: Uuid::from_u128(seq.into()),
                time: "2026-01-15T10:00:00Z".parse().unwrap(),
                actor: Actor::EXTERNAL,
                command: json!(null),
                canonical: false,
            },
            before: before.map(|text| ContentHash::of(text.as_bytes())),
            after: ContentHash::of(after.as_bytes()),
            splices: before.map(|text| diff(text, after)).unwrap_or_default(),
            document: if before.is_none() { Some(after.to_owned()) } else { None },
            carried: None,
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a test writes what a crash would leave")]
    fn history(lines: &[Line]) -> Result<History, JournalError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.jsonl");
        let mut bytes = Vec::new();
        for line in lines {
            line.write_to(&mut bytes);
        }
        fs_err::write(&path, bytes).unwrap();
        Ok(History::read(&OsDisk, &[path], &|_| true)?.unwrap())
    }

    #[test]
    fn an_operation_that_does_not_follow_is_found() {
        let one = Line::Operation(record(1, None, "a"));
        for broken in [
            record(2, Some("x"), "b"),
            Record { after: ContentHash::of(b"y"), ..record(2, Some("a"), "b") },
        ] {
            let history = history(&[one.clone(), Line::Operation(broken)]).unwrap();
            assert_eq!(history.text_after(1).unwrap(), "a");
            let error = history.text_after(2).unwrap_err();
            assert!(matches!(error, JournalError::Broken { seq: 2, .. }));
            assert_eq!(error.code(), "CORRUPT");
        }
    }

    #[test]
    fn a_missing_operation_is_found() {
        let one = Line::Operation(record(1, None, "a"));
        let error =
            history(&[one.clone(), Line::Operation(record(3, Some("a"), "b"))]).unwrap_err();
        assert!(matches!(error, JournalError::Corrupt { line: 2, .. }));
        let error = history(&[Line::mark(4, MarkKind::Done, None), one]).unwrap_err();
        assert!(matches!(error, JournalError::Corrupt { line: 1, .. }));
    }

    #[test]
    fn a_number_that_the_journal_does_not_have_is_an_error() {
        let history = history(&[Line::Operation(record(1, None, "a"))]).unwrap();
        assert_eq!(history.text_after(2).unwrap_err().code(), "NOT_FOUND");
        assert_eq!(history.last_document().unwrap().as_deref(), Some("a"));
    }

    #[test]
    fn the_text_before_is_the_one_that_the_operation_says() {
        let abandoned = [
            Line::Operation(record(2, Some("a"), "x")),
            Line::mark(2, MarkKind::Abandoned, None),
            Line::Operation(record(3, Some("a"), "b")),
            // Something put an unreadable file there, and this one put a readable one in its place.
            Line::Operation(Record {
                before: Some(ContentHash::of(b"unreadable")),
                ..record(4, None, "c")
            }),
        ];
        let lines: Vec<Line> =
            [Line::Operation(record(1, None, "a"))].into_iter().chain(abandoned).collect();
        let history = history(&lines).unwrap();
        let before = |seq| history.text_before(seq).unwrap();
        assert_eq!(before(1), None);
        assert_eq!(before(2).as_deref(), Some("a"));
        assert_eq!(before(3).as_deref(), Some("a"));
        assert_eq!(before(4), None);
        assert_eq!(history.text_before(5).unwrap_err().code(), "NOT_FOUND");
    }

    #[test]
    fn an_empty_journal_has_no_document() {
        assert_eq!(history(&[]).unwrap().last_document().unwrap(), None);
    }

    #[test]
    fn a_whole_document_needs_nothing_before_it() {
        let whole = Record {
            before: Some(ContentHash::of(b"what nobody could read")),
            ..record(2, None, "b")
        };
        let history = history(&[Line::Operation(record(1, None, "a")), Line::Operation(whole)]);
        assert_eq!(history.unwrap().text_after(2).unwrap(), "b");
    }
}
