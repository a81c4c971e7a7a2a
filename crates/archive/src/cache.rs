//! What was found out about archived files, kept so that a list need not read them again. Pure: bytes in, bytes out.
//!
//! A cache is worth as much as what it saves: one that is absent, torn, of another version or of no use is the same as none.
//! An entry counts only while length, times and inode of its file are what they were when it was read, and it is kept only
//! if that was long enough after the file's last change: within one tick of the file system's clock, a file can change
//! without a trace.

use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use maestro_session_model::{SessionStatus, Timestamp, WorkflowMode};
use maestro_state_store::disk::Entry;

use crate::archived::{Content, Summary};
use crate::cache::bytes::{Taker, put, put_text};

mod bytes;

/// The file, in `state/archive/`. No session is called so.
pub(crate) const CACHE: &str = ".index";

/// What it begins with: the version of the format, and which program wrote it, because what that read out of a file may be
/// another. Then the CRC-32 of all that follows, and the entries.
const HEAD: &str = concat!("maestro archive index 1, by ", env!("CARGO_PKG_VERSION"), "\n");

/// The coarsest clock of a file system that we know, FAT's.
const TICK: Duration = Duration::from_secs(2);

/// An entry that is longer is not kept: reading its file takes no longer.
const MAX_ENTRY_BYTES: usize = 16 * 1024;

/// What the system says about a file, in as much as it tells whether the file changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    len: u64,
    /// Not the device: its number may be another after each start of the machine.
    inode: Option<u64>,
    modified: Duration,
    changed: Option<(i64, i64)>,
}

impl Stamp {
    /// Nothing for a file about which the system says too little.
    pub(crate) fn of(entry: &Entry) -> Option<Self> {
        let modified = entry.modified?.duration_since(UNIX_EPOCH).ok()?;
        let inode = entry.id.map(|id| id.inode);
        Some(Self { len: entry.len, inode, modified, changed: entry.changed })
    }

    /// Whether the file had been left alone for longer than a tick at `time`. From then on, a change shows in the stamp.
    fn is_older_than(&self, time: SystemTime) -> bool {
        let Ok(time) = time.duration_since(UNIX_EPOCH) else { return false };
        let Some(limit) = time.checked_sub(TICK) else { return false };
        let changed = match self.changed {
            Some((seconds, nanos)) => match (u64::try_from(seconds), u32::try_from(nanos)) {
                (Ok(seconds), Ok(nanos)) => Duration::new(seconds, nanos),
                (Ok(_) | Err(_), _) => return false,
            },
            None => self.modified,
        };
        self.modified < limit && changed < limit
    }

    fn put_to(&self, bytes: &mut Vec<u8>) {
        let Self { len, inode, modified, changed } = *self;
        put(bytes, len.to_le_bytes());
        put(bytes, [u8::from(inode.is_some())]);
        put(bytes, inode.unwrap_or_default().to_le_bytes());
        put(bytes, modified.as_secs().to_le_bytes());
        put(bytes, modified.subsec_nanos().to_le_bytes());
        put(bytes, [u8::from(changed.is_some())]);
        let (seconds, nanos) = changed.unwrap_or_default();
        put(bytes, seconds.to_le_bytes());
        put(bytes, nanos.to_le_bytes());
    }

    fn take_from(bytes: &mut Taker<'_>) -> Option<Self> {
        let len = u64::from_le_bytes(bytes.take()?);
        let has_inode = bytes.take()? == [1];
        let inode = u64::from_le_bytes(bytes.take()?);
        let seconds = u64::from_le_bytes(bytes.take()?);
        let modified = Duration::new(seconds, u32::from_le_bytes(bytes.take()?));
        let has_changed = bytes.take()? == [1];
        let changed = (i64::from_le_bytes(bytes.take()?), i64::from_le_bytes(bytes.take()?));
        let (inode, changed) = (has_inode.then_some(inode), has_changed.then_some(changed));
        Some(Self { len, inode, modified, changed })
    }
}

/// What is kept about a file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kept {
    pub(crate) id: String,
    pub(crate) stamp: Stamp,
    pub(crate) content: Content,
}

impl Kept {
    fn put_to(&self, bytes: &mut Vec<u8>) {
        put_text(bytes, &self.id);
        let mut rest = Vec::new();
        self.stamp.put_to(&mut rest);
        match &self.content {
            Content::Session(summary) => {
                put(&mut rest, [1]);
                summary.put_to(&mut rest);
            }
            Content::Unreadable { problem } => {
                put(&mut rest, [0]);
                put_text(&mut rest, problem);
            }
        }
        put(bytes, u32::try_from(rest.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.append(&mut rest);
    }
}

impl Summary {
    fn put_to(&self, bytes: &mut Vec<u8>) {
        put_text(bytes, self.session_id.as_str());
        put_text(bytes, &self.task);
        put_text(bytes, self.status.as_str());
        put(bytes, [u8::from(self.workflow_mode == WorkflowMode::Express)]);
        for number in [self.done, self.phases] {
            put(bytes, u64::try_from(number).unwrap_or(u64::MAX).to_le_bytes());
        }
        for time in [self.created, self.updated] {
            put(bytes, time.unix_millis().to_le_bytes());
        }
    }

    fn take_from(bytes: &mut Taker<'_>) -> Option<Self> {
        let mut summary = Self {
            session_id: bytes.take_text()?.parse().ok()?,
            task: bytes.take_text()?.to_owned(),
            status: status_of(bytes.take_text()?)?,
            workflow_mode: match bytes.take()? {
                [1] => WorkflowMode::Express,
                _ => WorkflowMode::Standard,
            },
            done: 0,
            phases: 0,
            created: Timestamp::from_unix_millis(0)?,
            updated: Timestamp::from_unix_millis(0)?,
        };
        for number in [&mut summary.done, &mut summary.phases] {
            *number = usize::try_from(u64::from_le_bytes(bytes.take()?)).ok()?;
        }
        for time in [&mut summary.created, &mut summary.updated] {
            *time = Timestamp::from_unix_millis(i64::from_le_bytes(bytes.take()?))?;
        }
        Some(summary)
    }
}

fn status_of(text: &str) -> Option<SessionStatus> {
    use SessionStatus::{Aborted, Completed, Failed, InProgress};
    [InProgress, Completed, Failed, Aborted].into_iter().find(|status| status.as_str() == text)
}

/// What is kept, in the order of ids. An entry is understood when it is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cache {
    bytes: Vec<u8>,
    entries: Vec<Place>,
}

/// Where an entry is in the bytes: its id, and the rest of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    id: Range<usize>,
    rest: Range<usize>,
}

impl Cache {
    /// Reads a cache; an empty one where the bytes are not exactly what this version wrote.
    pub(crate) fn parse(bytes: Vec<u8>) -> Self {
        let entries = places_in(&bytes);
        entries.map(|entries| Self { bytes, entries }).unwrap_or_default()
    }

    /// Puts together what is worth keeping of `found`, which was read after `begun`.
    pub(crate) fn of(mut found: Vec<Kept>, begun: SystemTime) -> Self {
        // Names of files are in another order: a suffix comes before the ending.
        found.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        let mut entries = Vec::new();
        for kept in found.iter().filter(|kept| kept.stamp.is_older_than(begun)) {
            let before = entries.len();
            kept.put_to(&mut entries);
            if MAX_ENTRY_BYTES < entries.len() - before {
                entries.truncate(before);
            }
        }
        let mut bytes = HEAD.as_bytes().to_vec();
        put(&mut bytes, crc32fast::hash(&entries).to_le_bytes());
        bytes.append(&mut entries);
        Self::parse(bytes)
    }

    /// Returns the cache as it is written.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What is kept about the file of `id`, if it still has this stamp. Whoever asks for one after the other says how many
    /// came before.
    pub(crate) fn get(&self, id: &str, stamp: Stamp, before: usize) -> Option<Content> {
        let is_it = |place: &&Place| self.bytes[place.id.clone()] == *id.as_bytes();
        let by_id = |place: &Place| self.bytes[place.id.clone()].cmp(id.as_bytes());
        let searched = || self.entries.get(self.entries.binary_search_by(by_id).ok()?);
        let place = self.entries.get(before).filter(is_it).or_else(searched)?;
        let mut rest = Taker::of(&self.bytes[place.rest.clone()]);
        if Stamp::take_from(&mut rest)? != stamp {
            return None;
        }
        let content = match rest.take()? {
            [1] => Content::Session(Summary::take_from(&mut rest)?),
            _ => Content::Unreadable { problem: rest.take_text()?.to_owned() },
        };
        rest.is_empty().then_some(content)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}

/// Finds the entries of a cache; nothing where it is not exactly what this version wrote.
fn places_in(bytes: &[u8]) -> Option<Vec<Place>> {
    let mut rest = Taker::of(bytes.strip_prefix(HEAD.as_bytes())?);
    let crc = u32::from_le_bytes(rest.take()?);
    let mut at = HEAD.len() + size_of::<u32>();
    if crc != crc32fast::hash(&bytes[at..]) {
        return None;
    }
    let mut places: Vec<Place> = Vec::new();
    while !rest.is_empty() {
        let (id, entry) = (rest.take_bytes()?, rest.take_bytes()?);
        let begin = at + size_of::<u32>();
        let id = begin..begin + id.len();
        let begin = id.end + size_of::<u32>();
        let place = Place { id, rest: begin..begin + entry.len() };
        at = place.rest.end;
        if places.last().is_some_and(|last| bytes[place.id.clone()] <= bytes[last.id.clone()]) {
            return None;
        }
        places.push(place);
    }
    Some(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_hours(491_242);

    fn stamp(age: Duration) -> Stamp {
        let time = NOW.checked_sub(age).unwrap();
        let changed =
            Some((i64::try_from(time.as_secs()).unwrap(), i64::from(time.subsec_nanos())));
        Stamp { len: 1, inode: Some(7), modified: time, changed }
    }

    fn kept(id: &str, age: Duration) -> Kept {
        let content = Content::Unreadable { problem: format!("\"{id}\"\twith\nall") };
        Kept { id: id.to_owned(), stamp: stamp(age), content }
    }

    fn cache(ids: &[(&str, u64)]) -> Cache {
        let found = ids.iter().map(|(id, seconds)| kept(id, Duration::from_secs(*seconds)));
        Cache::of(found.collect(), UNIX_EPOCH + NOW)
    }

    #[test]
    fn what_is_kept_comes_back_while_the_stamp_is_the_same() {
        let cache = Cache::parse(cache(&[("a", 10), ("b", 10)]).as_bytes().to_vec());
        assert_eq!(cache.len(), 2);
        let old = stamp(Duration::from_secs(10));
        assert_eq!(cache.get("a", old, 0), Some(kept("a", NOW).content));
        assert_eq!(cache.get("c", old, 1), None);
        for changed in [
            Stamp { len: 2, ..old },
            Stamp { inode: Some(8), ..old },
            Stamp { modified: old.modified + Duration::from_nanos(1), ..old },
            Stamp { changed: old.changed.map(|(seconds, nanos)| (seconds, nanos + 1)), ..old },
        ] {
            assert_eq!(cache.get("a", changed, 1), None, "{changed:?}");
        }
    }

    /// A file that was changed just before it was read can change again without another stamp.
    #[test]
    fn what_had_just_changed_is_not_kept() {
        let cache = cache(&[("a", 10), ("b", 2), ("c", 1), ("d", 0)]);
        assert_eq!(cache.len(), 1);
        let faked = Stamp { modified: Duration::from_secs(1), ..stamp(Duration::ZERO) };
        assert!(!faked.is_older_than(UNIX_EPOCH + NOW), "a time that was set says nothing");
    }

    #[test]
    fn what_is_not_exactly_what_was_written_is_nothing() {
        let whole = cache(&[("a", 10), ("b", 10)]).as_bytes().to_vec();
        for end in 0..whole.len() {
            assert_eq!(Cache::parse(whole[..end].to_vec()), Cache::default(), "cut at {end}");
        }
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            let cache = Cache::parse(damaged);
            assert!(cache.len() == 0, "damaged at {at}");
        }
        for (from, to) in [("index 1", "index 2"), (env!("CARGO_PKG_VERSION"), "0.0.1")] {
            let at = HEAD.find(from).unwrap();
            let mut other = whole.clone();
            other.splice(at..at + from.len(), to.bytes());
            assert_eq!(Cache::parse(other).len(), 0, "{to}");
        }
    }

    #[test]
    fn a_session_comes_back_as_it_was_read() {
        let samples = maestro_testutils::samples();
        let found: Vec<Kept> = samples
            .iter()
            .map(|sample| Kept {
                id: sample.name.to_owned(),
                stamp: stamp(Duration::from_secs(9)),
                content: Content::of(sample.text.as_bytes().to_vec()),
            })
            .collect();
        let cache = Cache::of(found.clone(), UNIX_EPOCH + NOW);
        for (n, kept) in found.iter().enumerate() {
            let content = kept.content.session().cloned().map(Content::Session);
            assert_eq!(cache.get(&kept.id, kept.stamp, n), content, "{}", kept.id);
            assert_eq!(cache.get(&kept.id, kept.stamp, 99), content, "{}", kept.id);
        }
    }
}
