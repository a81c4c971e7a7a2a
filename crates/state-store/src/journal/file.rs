//! The file of a journal: its end, and how lines get there.

use std::io;
use std::path::{Path, PathBuf};

use crate::disk::{Access, Disk, DiskFile, io_hint};
use crate::hash::ContentHash;
use crate::journal::JOURNAL_VERSION;
use crate::journal::line::{Line, LineError, Mark, MarkKind, Operation, Record};

/// How much is read from the end at first. Each further step doubles it, so that a long last line costs little more
/// than its own length.
const FIRST_CHUNK: u64 = 8 * 1024;

/// How much is read at once from the beginning.
const FORWARD_CHUNK: usize = 64 * 1024;

/// A journal that is open for reading and appending. Only the holder of the lock has one.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: Box<dyn DiskFile>,
    /// Where the next line goes.
    len: u64,
    /// Where bytes begin, or may begin, that are no whole line: an append would make one line of them and its own.
    torn: Option<u64>,
    /// Whether the newest operation was found at the very beginning.
    has_only_its_head: bool,
}

/// Whether an append must be durable before it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    Synced,
    Unsynced,
}

/// What a journal ends with.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tail {
    /// The newest operation, whatever became of it.
    pub(crate) newest: Option<Newest>,
    /// The newest operation that was not abandoned, if it is another.
    pub(crate) effective: Option<Record>,
    /// The abandoned operation that waits to be decided again.
    pub(crate) waiting: Option<Waiting>,
    /// Where the bytes begin that are no whole line; nothing when there are none.
    pub(crate) torn: Option<u64>,
}

/// An abandoned operation whose command was neither carried out again nor refused since.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Waiting {
    pub(crate) seq: u64,
    pub(crate) operation: Operation,
}

/// The newest operation of a journal, and what became of it.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each says whether one kind of mark is there")]
pub struct Newest {
    /// The operation.
    pub record: Record,
    /// Whether the document's file is known to show it.
    pub done: bool,
    /// Whether it never took effect.
    pub abandoned: bool,
    /// Whether the session was archived after it.
    pub archived: bool,
    /// Whether neither it nor any operation before it waits to be decided again. Not every such operation says so.
    pub settled: bool,
}

impl Newest {
    pub(crate) fn new(record: Record) -> Self {
        Self { record, done: false, abandoned: false, archived: false, settled: false }
    }

    pub(crate) fn mark(&mut self, kind: MarkKind) {
        match kind {
            MarkKind::Done => self.done = true,
            MarkKind::Abandoned => self.abandoned = true,
            MarkKind::Archived => self.archived = true,
            MarkKind::Settled => self.settled = true,
        }
    }

    /// Whether it says which operation waits to be decided again: itself or none.
    fn says_what_waits(&self) -> bool {
        self.settled || self.archived || !self.record.is_external()
    }

    fn waits(&self) -> bool {
        self.abandoned && !self.settled && !self.archived && !self.record.is_external()
    }
}

impl Tail {
    /// The newest operation that was not abandoned.
    pub(crate) fn effective(&self) -> Option<&Record> {
        match &self.newest {
            Some(newest) if !newest.abandoned => Some(&newest.record),
            Some(_) | None => self.effective.as_ref(),
        }
    }

    /// The hash of the document as the journal knows it.
    pub(crate) fn hash(&self) -> Option<ContentHash> {
        self.effective().map(|record| record.after)
    }

    pub(crate) fn next_seq(&self) -> u64 {
        self.newest.as_ref().map_or(1, |newest| newest.record.seq + 1)
    }
}

impl Journal {
    /// Opens a journal that exists.
    pub(crate) fn open(disk: &dyn Disk, path: &Path) -> Result<Self, JournalError> {
        Self::open_for(Access::Append, disk, path)
    }

    /// Opens a journal that is only to be read.
    pub(crate) fn open_to_read(disk: &dyn Disk, path: &Path) -> Result<Self, JournalError> {
        Self::open_for(Access::Read, disk, path)
    }

    fn open_for(access: Access, disk: &dyn Disk, path: &Path) -> Result<Self, JournalError> {
        let file = disk.open(path, access)?;
        let len = file.entry()?.len;
        Ok(Self { path: path.to_owned(), file, len, torn: None, has_only_its_head: false })
    }

    /// Creates an empty journal; its entry in the directory is not durable yet.
    pub(crate) fn create(disk: &dyn Disk, path: &Path) -> Result<Self, JournalError> {
        drop(disk.open(path, Access::CreateNew)?);
        Self::open(disk, path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Whether the end that was read last had no more than one operation in front of it: itself.
    pub(crate) fn has_only_its_head(&self) -> bool {
        self.has_only_its_head
    }

    /// Returns the length of the first line, its newline included: what the file was begun with.
    pub(crate) fn first_line_len(&mut self) -> io::Result<u64> {
        let mut at = 0;
        while at < self.len {
            let bytes = self.file.read_at(at, FORWARD_CHUNK)?;
            if let Some(newline) = bytes.iter().position(|byte| *byte == b'\n') {
                return Ok(at + to_u64(newline) + 1);
            }
            if bytes.is_empty() {
                break;
            }
            at += to_u64(bytes.len());
        }
        Ok(self.len)
    }

    /// Refuses a segment that does not begin with an operation: it appears whole, so someone has damaged it.
    pub(crate) fn refuse_without_head(&self, tail: &Tail) -> Result<(), JournalError> {
        if tail.effective().is_some() {
            return Ok(());
        }
        let reason = "it has no operation".to_owned();
        Err(JournalError::Corrupt { path: self.path.clone(), line: 1, reason })
    }

    /// Reads backwards until it has the newest operation that was not abandoned and knows which one waits to be decided
    /// again, and no further.
    pub(crate) fn tail(&mut self) -> Result<Tail, JournalError> {
        let mut tail = Tail::default();
        let mut marks: Vec<Mark> = Vec::new();
        let (mut has_effective, mut knows_waiting) = (false, false);
        let mut only_head = false;
        let mut never_written = None;
        let len = self.len;
        let mut lines = LinesBackward::new(self.file.as_mut(), len);
        while let Some(LineAt { at, bytes, whole }) = lines.next()? {
            let is_last = at + to_u64(bytes.len()) + u64::from(whole) == len;
            let line = match Line::parse(&bytes) {
                Ok(line) if whole => line,
                // Before the question whether it is torn: what a newer version wrote is not ours to cut off.
                Err(LineError::TooNew(found)) => {
                    return Err(JournalError::TooNew { path: self.path.clone(), found });
                }
                Ok(_) | Err(_) if is_last => {
                    tail.torn = Some(at);
                    continue;
                }
                Ok(_) => return Err(self.corrupt(at, &LineError::Incomplete)),
                Err(_) if was_never_written(&bytes) => {
                    never_written = Some(at);
                    continue;
                }
                Err(error) => return Err(self.corrupt(at, &error)),
            };
            match line {
                Line::Mark(mark) => marks.push(mark),
                Line::Operation(record) => {
                    let mut newest = Newest::new(record);
                    let seq = newest.record.seq;
                    marks.extract_if(.., |mark| mark.seq == seq).for_each(|m| newest.mark(m.kind));
                    let counts = !newest.abandoned;
                    if !knows_waiting && newest.says_what_waits() {
                        knows_waiting = true;
                        let operation = newest.waits().then(|| newest.record.operation.clone());
                        tail.waiting = operation.map(|operation| Waiting { seq, operation });
                    }
                    if tail.newest.is_none() {
                        only_head = at == 0;
                        tail.newest = Some(newest);
                    } else if counts && !has_effective {
                        tail.effective = Some(newest.record);
                    }
                    has_effective |= counts;
                    if has_effective && knows_waiting {
                        break;
                    }
                }
            }
        }
        let newest = tail.newest.as_ref().map_or(0, |newest| newest.record.seq);
        if let Some(at) = never_written
            && marks.iter().any(|mark| newest < mark.seq)
        {
            // An operation is marked when it is durable, so this one was.
            return Err(self.corrupt(at, &LineError::Checksum));
        }
        self.torn = tail.torn;
        self.has_only_its_head = only_head;
        Ok(tail)
    }

    /// Appends `lines` in one write.
    ///
    /// When it fails, the file is cut back to what it was, durably if the lines were to be; only if that fails as well
    /// is the outcome in doubt. Refuses to append behind bytes that are no whole line, and may be none: [`cut`](Self::cut)
    /// them off first.
    pub(crate) fn append(
        &mut self,
        lines: &[Line],
        durability: Durability,
    ) -> Result<(), AppendError> {
        if self.torn.is_some() {
            let path = self.path.display();
            let what = format!("the journal `{path}` ends with bytes that no append completed");
            return Err(AppendError::Undone(io::Error::new(io::ErrorKind::InvalidData, what)));
        }
        let mut bytes = Vec::new();
        for line in lines {
            line.write_to(&mut bytes);
        }
        let written = self.file.write_all(&bytes).and_then(|()| match durability {
            Durability::Synced => self.file.sync_data(),
            Durability::Unsynced => Ok(()),
        });
        let Err(source) = written else {
            self.len += to_u64(bytes.len());
            return Ok(());
        };
        let end = self.len;
        if self.cut(end, durability).is_ok() {
            return Err(AppendError::Undone(source));
        }
        self.torn = Some(end);
        Err(AppendError::InDoubt(source))
    }

    /// Makes durable whatever is there.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Cuts off everything from `len` on, and returns how many bytes that was.
    pub(crate) fn cut(&mut self, len: u64, durability: Durability) -> io::Result<u64> {
        self.file.set_len(len)?;
        let bytes = self.len.saturating_sub(len);
        self.len = len;
        if durability == Durability::Synced {
            self.file.sync_data()?;
        }
        self.torn.take_if(|torn| len <= *torn);
        Ok(bytes)
    }

    fn corrupt(&mut self, at: u64, reason: &LineError) -> JournalError {
        // Counting the lines takes reading everything in front, which only this error is worth.
        let before = usize::try_from(at).ok().and_then(|len| self.file.read_at(0, len).ok());
        let line = before.map_or(1, |bytes| bytes.split(|byte| *byte == b'\n').count());
        JournalError::Corrupt { path: self.path.clone(), line, reason: reason.to_string() }
    }
}

/// A line and where it begins, without its newline.
struct LineAt {
    at: u64,
    bytes: Vec<u8>,
    /// Whether a newline ends it.
    whole: bool,
}

/// Whether some bytes that are no line are none because they never came to the disk.
///
/// Marks are not made durable at once, and an append may be cut short by the loss of power. Where a file system then has
/// what was written later but not what was written earlier, it has zeros, which are in no line. What lacks is a mark that
/// nobody relied on, or an operation that nobody was told of: if it were another, the operation after it would not follow.
pub(crate) fn was_never_written(line: &[u8]) -> bool {
    line.contains(&0)
}

/// The lines of a file from the last to the first.
struct LinesBackward<'j> {
    file: &'j mut dyn DiskFile,
    /// What was read but not handed out: the bytes from `start` on.
    pending: Vec<u8>,
    start: u64,
    chunk: u64,
}

impl<'j> LinesBackward<'j> {
    fn new(file: &'j mut dyn DiskFile, len: u64) -> Self {
        Self { file, pending: Vec::new(), start: len, chunk: FIRST_CHUNK }
    }

    fn next(&mut self) -> io::Result<Option<LineAt>> {
        loop {
            let whole = self.pending.last() == Some(&b'\n');
            let text = &self.pending[..self.pending.len() - usize::from(whole)];
            let newline = text.iter().rposition(|byte| *byte == b'\n');
            let begin = match newline {
                Some(newline) => newline + 1,
                None if self.start == 0 && self.pending.is_empty() => return Ok(None),
                None if self.start == 0 => 0,
                None => {
                    self.read_more()?;
                    continue;
                }
            };
            let bytes = text[begin..].to_vec();
            self.pending.truncate(begin);
            return Ok(Some(LineAt { at: self.start + to_u64(begin), bytes, whole }));
        }
    }

    fn read_more(&mut self) -> io::Result<()> {
        let len = self.chunk.min(self.start);
        self.chunk *= 2;
        self.start -= len;
        let wanted = usize::try_from(len).unwrap_or(usize::MAX);
        let mut bytes = self.file.read_at(self.start, wanted)?;
        if bytes.len() < wanted {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.append(&mut self.pending);
        self.pending = bytes;
        Ok(())
    }
}

pub(crate) fn to_u64(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// How an append failed.
#[derive(Debug)]
pub(crate) enum AppendError {
    /// The journal is as it was.
    Undone(io::Error),
    /// The lines may or may not be there.
    InDoubt(io::Error),
}

impl AppendError {
    pub(crate) fn into_io(self) -> io::Error {
        match self {
            Self::Undone(error) | Self::InDoubt(error) => error,
        }
    }
}

/// An error from reading a journal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// A line is damaged, and it is not the last, which a crash could have cut short.
    #[error("line {line} of the journal `{}` is damaged: {reason}", path.display())]
    Corrupt {
        /// The journal.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The operations do not lead from one text to the next.
    #[error("operation {seq} of the journal `{}` does not follow from the one before", path.display())]
    Broken {
        /// The journal.
        path: PathBuf,
        /// The sequence number of the operation.
        seq: u64,
    },
    /// The journal was written by a newer version.
    #[error(
        "the journal `{}` has format {found}, but this version reads up to {JOURNAL_VERSION}",
        path.display()
    )]
    TooNew {
        /// The journal.
        path: PathBuf,
        /// The version found.
        found: u64,
    },
    /// There is no such operation.
    #[error("the journal `{}` has no operation {seq}", path.display())]
    NoSuchOperation {
        /// The journal.
        path: PathBuf,
        /// The sequence number that was asked for.
        seq: u64,
    },
    /// The file system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl JournalError {
    /// Returns the stable code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Corrupt { .. } | Self::Broken { .. } => "CORRUPT",
            Self::TooNew { .. } => "TOO_NEW",
            Self::NoSuchOperation { .. } => "NOT_FOUND",
            Self::Io(_) => "IO",
        }
    }

    /// Returns the next step for the user.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Corrupt { .. } | Self::Broken { .. } => Some(
                "the session file is not affected; `maestro doctor --fix` moves what is damaged to the quarantine and keeps \
                 what is sound"
                    .to_owned(),
            ),
            Self::TooNew { .. } => Some("update maestro".to_owned()),
            Self::NoSuchOperation { .. } => {
                Some("run `maestro log` to see the operations".to_owned())
            }
            Self::Io(error) => io_hint(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::disk::OsDisk;
    use crate::journal::{Actor, ActorKind, History};

    fn record(seq: u64, command: &str) -> Line {
        Line::Operation(Record {
            seq,
            operation: Operation {
                id: Uuid::from_u128(seq.into()),
                time: "2026-01-15T10:00:00Z".parse().unwrap(),
                actor: Actor::EXTERNAL,
                command: json!({ "command": command }),
                canonical: false,
            },
            before: None,
            after: ContentHash::of(&seq.to_le_bytes()),
            splices: Vec::new(),
            document: None,
            carried: None,
        })
    }

    fn journal(lines: &[Line]) -> (tempfile::TempDir, Journal) {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::create(&OsDisk, &dir.path().join("x.jsonl")).unwrap();
        journal.append(lines, Durability::Unsynced).unwrap();
        (dir, journal)
    }

    #[test]
    fn an_empty_journal_has_no_newest_operation() {
        let (_dir, mut journal) = journal(&[]);
        let tail = journal.tail().unwrap();
        assert_eq!((tail.newest.clone(), tail.next_seq(), tail.hash()), (None, 1, None));
    }

    #[test]
    fn marks_belong_to_the_operation_with_their_number() {
        let done = |seq| Line::mark(seq, MarkKind::Done, None);
        let abandoned = Line::mark(2, MarkKind::Abandoned, None);
        let (_dir, mut journal) = journal(&[record(1, "a"), done(1), record(2, "b"), abandoned]);
        let tail = journal.tail().unwrap();
        assert_eq!(tail.effective().unwrap().seq, 1);
        assert_eq!(tail.next_seq(), 3);
        let newest = tail.newest.unwrap();
        assert_eq!((newest.done, newest.abandoned, newest.archived), (false, true, false));
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test writes what a crash would leave")]
    fn the_end_of_a_kept_journal_is_what_reading_all_of_it_finds() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.jsonl");
        for kept in maestro_testutils::fuzz::corpus("journal") {
            let Ok(history) = History::parse(&path, &kept.bytes) else { continue };
            fs_err::write(&path, &kept.bytes).unwrap();
            let tail = Journal::open(&OsDisk, &path).unwrap().tail().unwrap();
            let operations = history.operations();
            assert_eq!(tail.newest.as_ref(), operations.last(), "{}", kept.name);
            let effective = operations.iter().rfind(|found| !found.abandoned);
            assert_eq!(tail.effective(), effective.map(|found| &found.record), "{}", kept.name);
        }
    }

    #[test]
    fn nothing_is_appended_behind_bytes_that_are_no_line() {
        let (dir, mut journal) = journal(&[record(1, "a")]);
        let good = journal.len;
        journal.file.write_all(b"{\"v\":1,").unwrap();
        let mut journal = Journal::open(&OsDisk, &dir.path().join("x.jsonl")).unwrap();
        assert_eq!(journal.tail().unwrap().torn, Some(good));
        let refused = journal.append(&[record(2, "b")], Durability::Synced).unwrap_err();
        assert!(matches!(refused, AppendError::Undone(_)));
        journal.cut(good, Durability::Synced).unwrap();
        journal.append(&[record(2, "b")], Durability::Synced).unwrap();
        assert_eq!(journal.tail().unwrap().next_seq(), 3);
    }

    #[test]
    fn the_newest_operation_that_is_not_external_says_what_waits() {
        let external = |seq| record(seq, "edit");
        let ordered = |seq| match record(seq, "order") {
            Line::Operation(mut record) => {
                record.operation.actor.kind = ActorKind::Mcp;
                Line::Operation(record)
            }
            mark @ Line::Mark(_) => mark,
        };
        let mark = |seq, kind| Line::mark(seq, kind, None);
        let abandoned = |seq| mark(seq, MarkKind::Abandoned);
        let settled = |seq| mark(seq, MarkKind::Settled);
        let archived = |seq| mark(seq, MarkKind::Archived);
        for (lines, waits) in [
            (vec![], None),
            (vec![external(1)], None),
            (vec![ordered(1)], None),
            (vec![ordered(1), abandoned(1)], Some(1)),
            (vec![ordered(1), abandoned(1), external(2), external(3)], Some(1)),
            (vec![ordered(1), abandoned(1), external(2), abandoned(2)], Some(1)),
            (vec![ordered(1), abandoned(1), external(2), settled(1)], None),
            (vec![ordered(1), abandoned(1), external(2), settled(2)], None),
            (vec![ordered(1), abandoned(1), ordered(2), external(3)], None),
            (vec![ordered(1), abandoned(1), ordered(2), abandoned(2), external(3)], Some(2)),
            (vec![ordered(1), abandoned(1), ordered(2), abandoned(2), settled(2)], None),
            (vec![ordered(1), abandoned(1), external(2), archived(2)], None),
        ] {
            let (_dir, mut journal) = journal(&lines);
            let waiting = journal.tail().unwrap().waiting;
            assert_eq!(waiting.map(|waiting| waiting.seq), waits, "{lines:?}");
        }
    }

    #[test]
    fn the_search_for_what_waits_ends_at_a_mark() {
        let mut lines = Vec::new();
        for seq in 1..2000 {
            lines.push(record(seq, "edit"));
        }
        lines.push(Line::mark(1999, MarkKind::Settled, None));
        let (_dir, mut journal) = journal(&lines);
        // Were more read than the end, it would be found out.
        journal.file = Box::new(OnlyTheEnd { file: journal.file, from: journal.len - FIRST_CHUNK });
        assert_eq!(journal.tail().unwrap().next_seq(), 2000);
    }

    /// A file that may be read only from some place on.
    #[derive(Debug)]
    struct OnlyTheEnd {
        file: Box<dyn DiskFile>,
        from: u64,
    }

    impl DiskFile for OnlyTheEnd {
        fn entry(&self) -> io::Result<crate::disk::Entry> {
            self.file.entry()
        }

        fn read_at(&mut self, offset: u64, max: usize) -> io::Result<Vec<u8>> {
            assert!(self.from <= offset, "{offset} is before {}", self.from);
            self.file.read_at(offset, max)
        }

        fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.file.write_all(bytes)
        }

        fn sync_all(&mut self) -> io::Result<()> {
            self.file.sync_all()
        }

        fn sync_data(&mut self) -> io::Result<()> {
            self.file.sync_data()
        }

        fn set_len(&mut self, len: u64) -> io::Result<()> {
            self.file.set_len(len)
        }

        fn set_mode(&mut self, mode: u32) -> io::Result<()> {
            self.file.set_mode(mode)
        }
    }

    #[test]
    fn a_line_longer_than_any_chunk_is_read_whole() {
        let long = "x".repeat(100_000);
        let (_dir, mut journal) = journal(&[record(1, "a"), record(2, &long)]);
        let newest = journal.tail().unwrap().newest.unwrap();
        assert_eq!(newest.record.operation.command["command"], long);
    }

    #[test]
    fn reading_the_end_does_not_depend_on_the_length() {
        let lines: Vec<Line> = (1..2000).map(|seq| record(seq, "a")).collect();
        let (_dir, mut journal) = journal(&lines);
        let len = journal.len;
        let mut lines = LinesBackward::new(journal.file.as_mut(), len);
        assert!(lines.next().unwrap().is_some());
        let read = len - lines.start;
        assert!(read <= FIRST_CHUNK, "{read} of {len} bytes were read");
    }

    #[test]
    fn lines_come_back_whatever_the_chunks_cut() {
        let lines: Vec<Line> = (1..300).map(|seq| record(seq, &"é".repeat(97))).collect();
        let (_dir, mut journal) = journal(&lines);
        let len = journal.len;
        let mut backward = LinesBackward::new(journal.file.as_mut(), len);
        backward.chunk = 7;
        for line in lines.iter().rev() {
            let found = backward.next().unwrap().unwrap();
            assert_eq!(&Line::parse(&found.bytes).unwrap(), line);
        }
        assert!(backward.next().unwrap().is_none());
    }
}
