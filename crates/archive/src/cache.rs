//! What was found out about archived files, kept so that a list need not read them again. Pure: bytes in, bytes out.
//!
//! A cache is worth as much as what it saves: one that is absent, torn, of another version or of no use is the same as none.
//! An entry counts only while length, times and inode of its file are what they were when it was read, and it is kept only
//! if that was long enough after the file's last change: within one tick of the file system's clock, a file can change
//! without a trace.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use maestro_state_store::disk::Entry;
use serde::{Deserialize, Serialize};

use crate::archived::Content;

/// The file, in `state/archive/`. No session is called so.
pub(crate) const CACHE: &str = ".index";

/// The version of the format; also counts which program wrote it, because what it read out of a file may be another.
const VERSION: u32 = 1;
const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// The coarsest clock of a file system that we know, FAT's.
const TICK: Duration = Duration::from_secs(2);

/// An entry that is longer is not kept: reading its file takes no longer.
const MAX_ENTRY_BYTES: usize = 16 * 1024;

/// What the system says about a file, in as much as it tells whether the file changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    len: u64,
    /// Not the device: its number may be another after each start of the machine.
    inode: Option<u64>,
    modified: (u64, u32),
    changed: Option<(i64, i64)>,
}

impl Stamp {
    /// Nothing for a file about which the system says too little.
    pub(crate) fn of(entry: &Entry) -> Option<Self> {
        let modified = entry.modified?.duration_since(UNIX_EPOCH).ok()?;
        Some(Self {
            len: entry.len,
            inode: entry.id.map(|id| id.inode),
            modified: (modified.as_secs(), modified.subsec_nanos()),
            changed: entry.changed,
        })
    }

    /// Whether the file had been left alone for longer than a tick at `time`. From then on, a change shows in the stamp.
    fn is_older_than(&self, time: SystemTime) -> bool {
        let Ok(time) = time.duration_since(UNIX_EPOCH) else { return false };
        let Some(limit) = time.checked_sub(TICK) else { return false };
        let modified = Duration::new(self.modified.0, self.modified.1);
        let changed = match self.changed {
            Some((seconds, nanos)) => {
                let (Ok(seconds), Ok(nanos)) = (u64::try_from(seconds), u32::try_from(nanos))
                else {
                    return false;
                };
                Duration::new(seconds, nanos)
            }
            None => modified,
        };
        modified < limit && changed < limit
    }
}

/// What is kept about a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) id: String,
    pub(crate) stamp: Stamp,
    pub(crate) content: Content,
}

/// What is kept, in the order of names.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cache {
    kept: Vec<Kept>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    archive_index: u32,
    by: String,
    entries: usize,
    /// CRC-32 of all that follows the first line.
    crc: u32,
}

impl Cache {
    /// Reads a cache; an empty one where the bytes are not exactly what this version wrote.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        Self::try_parse(bytes).unwrap_or_default()
    }

    fn try_parse(bytes: &[u8]) -> Option<Self> {
        let newline = bytes.iter().position(|byte| *byte == b'\n')?;
        let (head, rest) = (&bytes[..newline], &bytes[newline + 1..]);
        let head: Head = serde_json::from_slice(head).ok()?;
        let is_ours = head.archive_index == VERSION && head.by == PROGRAM;
        if !is_ours || head.crc != crc32fast::hash(rest) {
            return None;
        }
        let lines = rest.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let kept: Vec<Kept> = lines.map(serde_json::from_slice).collect::<Result<_, _>>().ok()?;
        let is_in_order = kept.is_sorted_by(|a, b| a.id < b.id);
        (kept.len() == head.entries && is_in_order).then_some(Self { kept })
    }

    /// Puts together what is worth keeping of `found`, which is in the order of names and was read after `begun`.
    pub(crate) fn of(found: impl IntoIterator<Item = Kept>, begun: SystemTime) -> Self {
        let kept = found.into_iter().filter(|kept| kept.stamp.is_older_than(begun));
        Self { kept: kept.collect() }
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut rest = Vec::new();
        let mut entries = 0;
        for kept in &self.kept {
            // Plain data with text keys: it always fits.
            let line = serde_json::to_vec(kept).unwrap_or_default();
            if (1..=MAX_ENTRY_BYTES).contains(&line.len()) {
                rest.extend_from_slice(&line);
                rest.push(b'\n');
                entries += 1;
            }
        }
        let crc = crc32fast::hash(&rest);
        let head = Head { archive_index: VERSION, by: PROGRAM.to_owned(), entries, crc };
        let mut bytes = serde_json::to_vec(&head).unwrap_or_default();
        bytes.push(b'\n');
        bytes.append(&mut rest);
        bytes
    }

    /// What is kept about the file of `id`, if it still has this stamp.
    pub(crate) fn get(&self, id: &str, stamp: Stamp) -> Option<&Content> {
        let at = self.kept.binary_search_by(|kept| kept.id.as_str().cmp(id)).ok()?;
        Some(&self.kept[at]).filter(|kept| kept.stamp == stamp).map(|kept| &kept.content)
    }

    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }
}
