//! The journal of a session: every operation on its document, in order.
//!
//! Owns the form of a line, appending, finding the end, and replay. Decides nothing about the document itself. A file
//! only grows, except that bytes after the last whole line are cut off: nobody was ever told that they were written. A
//! journal that has grown long goes on in a new file, which begins with the newest operation once more, with the whole
//! document and with what still holds of the operations before it; of its files, the last [`MAX_SEGMENTS`] are kept.
//!
//! A line is one JSON object whose last member, `crc`, is the CRC-32 of the bytes in front of it, in eight hexadecimal
//! digits. It is either an operation,
//!
//! ```json
//! {"v":1,"seq":2,"op":"0198…","time":"2026-01-15T10:00:00.000Z","actor":{"kind":"cli"},"command":{"name":"start"},
//!  "canonical":true,"before":"ba78…","after":"3f79…","splices":[{"at":9,"remove":"1","insert":"2"}],"crc":"8c1e0d2a"}
//! ```
//!
//! or a mark on the operation with the same sequence number: `done` (the file shows it), `abandoned` (it never took
//! effect), `archived` (the session is archived, and the journal ends here unless the session is restored), `settled`
//! (neither it nor any operation before it waits to be decided again).
//!
//! ```json
//! {"v":1,"seq":2,"mark":"done","crc":"51e5a0c7"}
//! ```
//!
//! An operation that was abandoned without its caller being told waits to be decided again, until a later operation that is
//! no external one, or a mark, says otherwise: whatever was ordered after it was ordered once it had been made again. So at
//! most one waits, and the end of the journal says which. External edits say nothing about it; one that is recorded while
//! none waits is marked `settled`, so that nobody has to read beyond it.
//!
//! Operations whose text before is not in the journal carry the whole document; so does every [`SNAPSHOT_INTERVAL`]th,
//! which bounds how many splices a replay has to apply.

mod file;
mod line;
mod replay;
mod segments;

pub use crate::journal::file::{JournalError, Newest};
pub use crate::journal::line::{Actor, ActorKind, MarkKind, Operation, Record};
pub use crate::journal::replay::{History, Replay, Step};
pub use crate::journal::segments::{MAX_SEGMENTS, SEGMENT_BYTES, SEGMENT_DOCUMENTS};

pub(crate) use crate::journal::file::{AppendError, Durability, Journal, Tail, Waiting, to_u64};
pub(crate) use crate::journal::line::Line;
pub(crate) use crate::journal::segments::{
    head, is_long, journals_in, last_settled, paths, segment_name,
};

/// The version of the line format that is written, and the newest that is read.
pub const JOURNAL_VERSION: u64 = 1;

/// Every operation whose sequence number is a multiple of this carries the whole document.
pub const SNAPSHOT_INTERVAL: u64 = 64;
