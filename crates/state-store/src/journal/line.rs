//! The form of one line.

use maestro_session_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::hash::ContentHash;
use crate::journal::JOURNAL_VERSION;
use crate::splice::Splice;

/// An operation on a session, as its caller describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// The identity, a UUIDv7.
    pub id: Uuid,
    /// When it was decided.
    pub time: Timestamp,
    /// Who ordered it.
    pub actor: Actor,
    /// The command with its data. The store keeps it and never looks inside.
    pub command: Value,
    /// Whether the text is one that was rendered from the session, so that rendering again loses nothing.
    pub canonical: bool,
}

/// Who ordered an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The way in.
    pub kind: ActorKind,
    /// The agent or the user, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Actor {
    /// Someone who changed the file without us.
    pub const EXTERNAL: Self = Self { kind: ActorKind::External, name: None };
}

/// The way in which an operation reached us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// The command line.
    Cli,
    /// The MCP server.
    Mcp,
    /// A hook of an agent CLI.
    Hook,
    /// A change of the file that was not made through us.
    External,
}

/// An operation as the journal has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The place in the journal, from 1.
    pub seq: u64,
    /// The operation.
    pub operation: Operation,
    /// The hash of the document before; nothing when there was no file.
    pub before: Option<ContentHash>,
    /// The hash of the document after.
    pub after: ContentHash,
    /// How the document after comes from the one before; empty when only `document` says it.
    pub splices: Vec<Splice>,
    /// The whole document after.
    pub document: Option<String>,
    /// What still holds of the operations before it, as the caller of the store summed it up. Only the operation that a
    /// segment begins with has it.
    pub carried: Option<Box<Value>>,
}

impl Record {
    /// Whether it was made without us.
    pub(crate) fn is_external(&self) -> bool {
        self.operation.actor.kind == ActorKind::External
    }
}

/// What became of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// The document's file shows it.
    Done,
    /// It never took effect.
    Abandoned,
    /// The session was archived after it.
    Archived,
    /// Neither it nor any operation before it waits to be decided again.
    Settled,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) seq: u64,
    pub(crate) kind: MarkKind,
    pub(crate) time: Option<Timestamp>,
}

/// A line of a journal.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "lines are read and written one at a time")]
pub(crate) enum Line {
    Operation(Record),
    Mark(Mark),
}

/// The members of every kind of line, in the order in which they are written.
#[derive(Serialize, Deserialize)]
struct Wire<R, S, D, V> {
    v: u64,
    seq: u64,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    op: Option<Uuid>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    mark: Option<MarkKind>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    time: Option<Timestamp>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    actor: Option<R>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    command: Option<V>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    canonical: Option<bool>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    before: Option<ContentHash>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    after: Option<ContentHash>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    splices: Option<S>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    document: Option<D>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    carried: Option<V>,
}

type Written<'l> = Wire<&'l Actor, &'l [Splice], &'l str, &'l Value>;
type Found = Wire<Actor, Vec<Splice>, String, Value>;

fn none<T>() -> Option<T> {
    None
}

/// The highest number of an operation: what JSON readers in every language keep exactly.
const MAX_SEQ: u64 = (1 << 53) - 1;

/// What is in front of the eight digits of the checksum, and behind them.
const CRC_MEMBER: &[u8] = b",\"crc\":\"";
const CRC_END: &[u8] = b"\"}";
const CRC_BYTES: usize = CRC_MEMBER.len() + 8 + CRC_END.len();

impl Line {
    pub(crate) fn mark(seq: u64, kind: MarkKind, time: Option<Timestamp>) -> Self {
        Self::Mark(Mark { seq, kind, time })
    }

    /// Appends the line with its checksum and its newline to `bytes`.
    pub(crate) fn write_to(&self, bytes: &mut Vec<u8>) {
        let start = bytes.len();
        serde_json::to_writer(&mut *bytes, &self.wire())
            .expect("a journal line has only text keys and writing to memory cannot fail");
        bytes.pop();
        let crc = crc32fast::hash(&bytes[start..]);
        bytes.extend_from_slice(CRC_MEMBER);
        bytes.extend_from_slice(format!("{crc:08x}").as_bytes());
        bytes.extend_from_slice(CRC_END);
        bytes.push(b'\n');
    }

    fn wire(&self) -> Written<'_> {
        let empty = Wire {
            v: JOURNAL_VERSION,
            seq: 0,
            op: None,
            mark: None,
            time: None,
            actor: None,
            command: None,
            canonical: None,
            before: None,
            after: None,
            splices: None,
            document: None,
            carried: None,
        };
        match self {
            Self::Mark(mark) => {
                Wire { seq: mark.seq, mark: Some(mark.kind), time: mark.time, ..empty }
            }
            Self::Operation(record) => Wire {
                seq: record.seq,
                op: Some(record.operation.id),
                time: Some(record.operation.time),
                actor: Some(&record.operation.actor),
                command: Some(&record.operation.command),
                canonical: Some(record.operation.canonical),
                before: record.before,
                after: Some(record.after),
                splices: Some(record.splices.as_slice()).filter(|splices| !splices.is_empty()),
                document: record.document.as_deref(),
                carried: record.carried.as_deref(),
                ..empty
            },
        }
    }

    /// Reads a line without its newline.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, LineError> {
        let sound = is_sound(bytes);
        // A newer version may sum up its lines in another way, so the version counts before the checksum.
        if !sound {
            return Err(newer_version(bytes).unwrap_or(LineError::Checksum));
        }
        let wire: Found = match serde_json::from_slice(bytes) {
            Ok(wire) => wire,
            Err(error) => return Err(newer_version(bytes).unwrap_or(LineError::Json(error))),
        };
        match wire.v {
            JOURNAL_VERSION if !(1..=MAX_SEQ).contains(&wire.seq) => Err(LineError::Number),
            JOURNAL_VERSION => Self::from_wire(wire).ok_or(LineError::Incomplete),
            0 => Err(LineError::Incomplete),
            found => Err(LineError::TooNew(found)),
        }
    }

    fn from_wire(wire: Found) -> Option<Self> {
        if let Some(kind) = wire.mark {
            return Some(Self::mark(wire.seq, kind, wire.time));
        }
        let operation = Operation {
            id: wire.op?,
            time: wire.time?,
            actor: wire.actor?,
            command: wire.command.unwrap_or(Value::Null),
            canonical: wire.canonical?,
        };
        Some(Self::Operation(Record {
            seq: wire.seq,
            operation,
            before: wire.before,
            after: wire.after?,
            splices: wire.splices.unwrap_or_default(),
            document: wire.document,
            carried: wire.carried.map(Box::new),
        }))
    }
}

fn is_sound(bytes: &[u8]) -> bool {
    let Some(len) = bytes.len().checked_sub(CRC_BYTES) else { return false };
    let (body, end) = bytes.split_at(len);
    let digits = end.strip_prefix(CRC_MEMBER).and_then(|end| end.strip_suffix(CRC_END));
    digits == Some(format!("{:08x}", crc32fast::hash(body)).as_bytes())
}

fn newer_version(bytes: &[u8]) -> Option<LineError> {
    #[derive(Deserialize)]
    struct Head {
        v: u64,
    }
    let head: Head = serde_json::from_slice(bytes).ok()?;
    (JOURNAL_VERSION < head.v).then_some(LineError::TooNew(head.v))
}

/// Why some bytes are not a line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LineError {
    #[error("the checksum does not match")]
    Checksum,
    #[error("the line is not what its version looks like")]
    Json(#[source] serde_json::Error),
    #[error("the line lacks a member")]
    Incomplete,
    #[error("the line has a number that no operation has")]
    Number,
    #[error("the line has format {0}")]
    TooNew(u64),
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record() -> Record {
        Record {
            seq: 2,
            operation: Operation {
                id: Uuid::from_u128(7),
                time: "2026-01-15T10:00:00Z".parse().unwrap(),
                actor: Actor { kind: ActorKind::Cli, name: Some("ann".to_owned()) },
                command: json!({ "name": "start", "data": { "phase": 1 } }),
                canonical: true,
            },
            before: Some(ContentHash::of(b"a")),
            after: ContentHash::of(b"b"),
            splices: vec![Splice { at: 0, remove: "a".to_owned(), insert: "b".to_owned() }],
            document: None,
            carried: None,
        }
    }

    fn written(line: &Line) -> Vec<u8> {
        let mut bytes = Vec::new();
        line.write_to(&mut bytes);
        assert_eq!(bytes.pop(), Some(b'\n'));
        bytes
    }

    #[test]
    fn a_line_reads_as_it_was_written() {
        let whole = Record {
            before: None,
            splices: Vec::new(),
            document: Some("---\n\u{2028}\0\n".to_owned()),
            carried: Some(Box::new(json!({ "still": ["holds"] }))),
            ..record()
        };
        let time = Some("2026-01-15T10:00:00Z".parse().unwrap());
        for line in [
            Line::Operation(record()),
            Line::Operation(whole),
            Line::mark(2, MarkKind::Done, None),
            Line::mark(2, MarkKind::Archived, time),
        ] {
            assert_eq!(Line::parse(&written(&line)).unwrap(), line);
        }
    }

    #[test]
    fn the_form_of_a_line_is_stable() {
        let op = String::from_utf8(written(&Line::Operation(record()))).unwrap();
        insta::assert_snapshot!(op, @r#"{"v":1,"seq":2,"op":"00000000-0000-0000-0000-000000000007","time":"2026-01-15T10:00:00.000Z","actor":{"kind":"cli","name":"ann"},"command":{"data":{"phase":1},"name":"start"},"canonical":true,"before":"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb","after":"3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d","splices":[{"at":0,"remove":"a","insert":"b"}],"crc":"1e3d261f"}"#);
        let mark = String::from_utf8(written(&Line::mark(2, MarkKind::Done, None))).unwrap();
        insta::assert_snapshot!(mark, @r#"{"v":1,"seq":2,"mark":"done","crc":"9616c46c"}"#);
    }

    #[test]
    fn a_number_that_no_operation_has_is_refused() {
        for seq in [0, MAX_SEQ + 1, u64::MAX] {
            let line = written(&Line::mark(seq, MarkKind::Done, None));
            assert!(matches!(Line::parse(&line), Err(LineError::Number)), "{seq}");
        }
    }

    #[test]
    fn any_changed_byte_is_noticed() {
        let good = written(&Line::Operation(record()));
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(Line::parse(&bad).is_err(), "byte {at}");
            assert!(Line::parse(&good[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_newer_line_is_told_from_a_broken_one() {
        for newer in [
            &br#"{"v":2,"seq":1,"what":"else","sum":"x"}"#[..],
            br#"{"v":2,"seq":1,"op":3,"crc":"00000000"}"#,
        ] {
            assert!(matches!(Line::parse(newer), Err(LineError::TooNew(2))));
        }
        assert!(matches!(Line::parse(br#"{"v":1}"#), Err(LineError::Checksum)));
    }
}
