//! What is recorded of the files of a phase when it ends, and of design and plan when a session begins.
//!
//! Owns the form of these records in the journal. Reading is generous: an entry that makes no sense is passed over, because
//! what is not known of one file must not hide what is known of the others.

use std::collections::BTreeMap;

use maestro_session_model::{PhaseId, RelPath, Timestamp};
use maestro_state_store::ContentHash;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::file_time::FileTime;
use crate::found::{Found, FoundFile};

/// The longest text of a design or a plan that is recorded, in bytes. Of a longer one only the hash is: that it has changed
/// can be said, but not how.
pub const MAX_RECORDED_TEXT: usize = 256 * 1024;

/// What a phase has left behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Baseline {
    /// When we began to look at the files.
    pub taken: Timestamp,
    /// The files.
    pub files: Vec<FileRecord>,
}

/// A file, and how it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Wire", try_from = "Wire")]
pub struct FileRecord {
    /// The file, relative to the workspace.
    pub path: RelPath,
    /// How it was.
    pub state: RecordedState,
}

/// How a file was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordedState {
    /// A regular file, or a link to one inside the workspace.
    File {
        /// The length in bytes.
        size: u64,
        /// When the contents had changed.
        modified: Option<FileTime>,
        /// The hash of the contents.
        hash: ContentHash,
        /// Whether a link was in its place.
        is_link: bool,
    },
    /// It was not there.
    Absent,
    /// Something else was there.
    Other {
        /// What, such as `a directory`.
        kind: String,
    },
    /// It could not be read.
    Unreadable {
        /// Why.
        reason: String,
    },
}

/// How a record of a file stands in the journal: one of `sha256`, `absent`, `is` and `unreadable` says which it is.
#[derive(Clone, Serialize, Deserialize)]
struct Wire {
    path: RelPath,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    modified: Option<FileTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<ContentHash>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    link: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    absent: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    is: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unreadable: Option<String>,
}

impl From<FileRecord> for Wire {
    fn from(FileRecord { path, state }: FileRecord) -> Self {
        let bare = Self {
            path,
            size: None,
            modified: None,
            sha256: None,
            link: false,
            absent: false,
            is: None,
            unreadable: None,
        };
        match state {
            RecordedState::File { size, modified, hash, is_link } => {
                Self { size: Some(size), modified, sha256: Some(hash), link: is_link, ..bare }
            }
            RecordedState::Absent => Self { absent: true, ..bare },
            RecordedState::Other { kind } => Self { is: Some(kind), ..bare },
            RecordedState::Unreadable { reason } => Self { unreadable: Some(reason), ..bare },
        }
    }
}

impl TryFrom<Wire> for FileRecord {
    type Error = &'static str;

    fn try_from(wire: Wire) -> Result<Self, Self::Error> {
        let Wire { path, size, modified, sha256, link, absent, is, unreadable } = wire;
        let state = match (size.zip(sha256), absent, is, unreadable) {
            (Some((size, hash)), ..) => RecordedState::File { size, modified, hash, is_link: link },
            (None, true, ..) => RecordedState::Absent,
            (None, false, Some(kind), _) => RecordedState::Other { kind },
            (None, false, None, Some(reason)) => RecordedState::Unreadable { reason },
            (None, false, None, None) => return Err("nothing is said of the file"),
        };
        Ok(Self { path, state })
    }
}

impl Baseline {
    /// Returns the record of what was found.
    ///
    /// A file whose contents nobody asked for counts as one that could not be read: without a hash nothing can be compared.
    pub fn of(taken: Timestamp, found: Vec<(RelPath, Found)>) -> Self {
        let record = |(path, found)| FileRecord { path, state: RecordedState::of(found) };
        Self { taken, files: found.into_iter().map(record).collect() }
    }

    /// Reads a record from the journal; nothing if it is none. Entries that make no sense are left out.
    pub fn read(value: &Value) -> Option<Self> {
        let taken = value.get("taken")?.as_str()?.parse().ok()?;
        let files = value.get("files")?.as_array()?.iter();
        let files = files.filter_map(|file| FileRecord::deserialize(file).ok()).collect();
        Some(Self { taken, files })
    }
}

impl RecordedState {
    fn of(found: Found) -> Self {
        match found {
            Found::Absent => Self::Absent,
            Found::File(FoundFile { size, times, is_link, hash: Some(hash) }) => {
                Self::File { size, modified: times.modified, hash, is_link }
            }
            Found::File(FoundFile { hash: None, .. }) => {
                Self::Unreadable { reason: "it was not read".to_owned() }
            }
            Found::Other { kind, .. } => Self::Other { kind },
            Found::Unreadable { reason } => Self::Unreadable { reason },
        }
    }
}

/// What design and plan were when the session was created.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentRecords {
    /// The design.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub design: Option<DocumentRecord>,
    /// The plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<DocumentRecord>,
}

/// A document, and what it said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentRecord {
    /// The document, relative to the workspace.
    pub path: RelPath,
    /// The hash of its text.
    #[serde(rename = "sha256")]
    pub hash: ContentHash,
    /// The text, unless it is longer than [`MAX_RECORDED_TEXT`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl DocumentRecord {
    /// Returns the record of a document.
    pub fn of(path: &RelPath, text: &str) -> Self {
        let hash = ContentHash::of(text.as_bytes());
        let text = (text.len() <= MAX_RECORDED_TEXT).then(|| text.to_owned());
        Self { path: path.clone(), hash, text }
    }
}

/// Everything that is remembered of a session: of each file the newest record that holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baselines {
    files: BTreeMap<RelPath, Remembered>,
    /// What design and plan were.
    pub documents: DocumentRecords,
}

/// The newest record of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// The phase that ended then.
    pub phase: PhaseId,
    /// The time of the operation that ended it.
    pub recorded: Timestamp,
    /// When we began to look at the files.
    pub taken: Timestamp,
    /// How the file was.
    pub state: RecordedState,
}

impl Baselines {
    /// Adds the baseline of an operation that ended `phase` at the time `recorded`, and came after all that were added.
    pub fn add(&mut self, phase: &PhaseId, recorded: Timestamp, baseline: Baseline) {
        let taken = baseline.taken;
        for FileRecord { path, state } in baseline.files {
            let remembered = Remembered { phase: phase.clone(), recorded, taken, state };
            self.files.insert(path, remembered);
        }
    }

    /// Returns the newest record of a file.
    pub fn of(&self, path: &RelPath) -> Option<&Remembered> {
        self.files.get(path)
    }

    /// Returns all files of which something is remembered, in the order of their paths.
    pub fn files(&self) -> impl Iterator<Item = (&RelPath, &Remembered)> {
        self.files.iter()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn path(text: &str) -> RelPath {
        RelPath::parse(text).unwrap()
    }

    #[test]
    fn every_record_is_read_as_it_is_written() {
        let hash = ContentHash::of(b"abc");
        let file = |is_link| RecordedState::File {
            size: 3,
            modified: Some(FileTime::from_parts(1_768_471_200, 5)),
            hash,
            is_link,
        };
        let states = [
            file(false),
            file(true),
            RecordedState::Absent,
            RecordedState::Other { kind: "a directory".to_owned() },
            RecordedState::Unreadable { reason: "permission denied".to_owned() },
        ];
        let files = states.map(|state| FileRecord { path: path("src/a.rs"), state }).to_vec();
        let baseline = Baseline { taken: "2026-01-15T10:00:00Z".parse().unwrap(), files };
        let value = serde_json::to_value(&baseline).unwrap();
        assert_eq!(Baseline::read(&value), Some(baseline));
        assert_eq!(
            value["files"][0],
            json!({
                "path": "src/a.rs",
                "size": 3,
                "modified": "1768471200.000000005",
                "sha256": hash.to_string(),
            })
        );
    }

    #[test]
    fn what_makes_no_sense_is_passed_over() {
        let value = json!({ "taken": "2026-01-15T10:00:00Z", "files": [
            { "path": "../out", "absent": true },
            { "path": "a" },
            { "path": "b", "size": 3, "sha256": "abc" },
            7,
            { "path": "c", "absent": true, "a newer version": "says more" },
        ] });
        let read = Baseline::read(&value).unwrap();
        assert_eq!(read.files, [FileRecord { path: path("c"), state: RecordedState::Absent }]);
        for none in [json!(null), json!({}), json!({ "taken": 1, "files": [] })] {
            assert_eq!(Baseline::read(&none), None);
        }
    }

    #[test]
    fn a_very_long_text_is_recorded_by_its_hash_alone() {
        let long = "x".repeat(MAX_RECORDED_TEXT + 1);
        assert_eq!(DocumentRecord::of(&path("plan.md"), &long).text, None);
        assert!(DocumentRecord::of(&path("plan.md"), &long[1..]).text.is_some());
    }
}
