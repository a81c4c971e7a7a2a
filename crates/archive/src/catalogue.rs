//! Reads what there is in the archive, from the files or as it is known of them.
//!
//! Takes no lock. Owns when the cache is read and written; without it everything is the same, but slower.

use std::collections::BTreeSet;
use std::thread;
use std::time::SystemTime;

use maestro_state_store::Store;
use maestro_state_store::disk::Entry;
use maestro_state_store::store::{FileError, Folder};

use crate::archived::{ArchivedSession, Content, file_name, stem_of};
use crate::cache::{CACHE, Cache, Kept, Stamp};
use crate::each::each;
use crate::error::RetrieveError;
use crate::select::named;

/// From how many archived sessions on a cache is worth its file.
const CACHED_FROM: usize = 200;

/// Returns all archived sessions, the newest first. A file that cannot be read is among them, and says why.
///
/// `progress` is told of files that had to be read: how many, of how many.
pub fn archived_sessions(
    store: &Store,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<ArchivedSession>, FileError> {
    read_all(store, CACHED_FROM, progress)
}

/// Returns the names of all archived sessions, without their ending, in order.
pub(crate) fn archived_names(store: &Store) -> Result<BTreeSet<String>, FileError> {
    let listed = store.list(&store.dir().archive())?;
    let names = listed.iter().filter(|listed| listed.is_file);
    Ok(names.filter_map(|listed| stem_of(&listed.name)).map(str::to_owned).collect())
}

/// Returns the name of the archived session that is called `id`, or of the only one that begins so.
pub fn archived_name(store: &Store, id: &str) -> Result<String, RetrieveError> {
    named(&archived_names(store)?, id)
}

/// A file that was found.
enum Found {
    /// It is as it is known.
    Known(ArchivedSession, Stamp),
    /// It has to be read.
    Unknown { id: String, modified: Option<SystemTime> },
}

fn read_all(
    store: &Store,
    cached_from: usize,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<ArchivedSession>, FileError> {
    let Some(folder) = store.folder(&store.dir().archive())? else { return Ok(Vec::new()) };
    let (cache, listed) = thread::scope(|scope| {
        let read = || folder.read(CACHE).ok().flatten().map(|file| Cache::parse(file.bytes));
        let reading = thread::Builder::new().spawn_scoped(scope, read);
        let listed = folder.stamped(&|name| stem_of(name).is_some());
        let cache = match reading {
            Ok(reading) => reading.join().unwrap_or_default(),
            Err(_) => read(),
        };
        (cache.unwrap_or_default(), listed)
    });
    let listed = listed?;
    let found: Vec<Found> =
        listed.iter().enumerate().map(|(n, listed)| look(listed, &cache, n)).collect();
    let unknown: Vec<(&str, Option<SystemTime>)> = found
        .iter()
        .filter_map(|found| match found {
            Found::Unknown { id, modified } => Some((id.as_str(), *modified)),
            Found::Known(..) => None,
        })
        .collect();
    let is_stale = !unknown.is_empty() || found.len() < cache.len();
    // Begun before anything is read, because its time says what was read too early to be kept.
    let draft = if is_stale && cached_from <= found.len() {
        store.begin_cache(&folder.path().join(CACHE)).ok()
    } else {
        None
    };
    let read = each(unknown.len(), |n| read(&folder, unknown[n].0, unknown[n].1), progress);

    let mut read = read.into_iter();
    let mut sessions = Vec::with_capacity(found.len());
    let mut keep = Vec::new();
    for found in found {
        let (session, stamp) = match found {
            Found::Known(session, stamp) => (session, Some(stamp)),
            Found::Unknown { .. } => match read.next().flatten() {
                Some(read) => read,
                // It is gone.
                None => continue,
            },
        };
        if let (Some(stamp), Some(_)) = (stamp, &draft) {
            let (id, content) = (session.id.clone(), session.content.clone());
            keep.push(Kept { id, stamp, content });
        }
        sessions.push(session);
    }
    if let Some(draft) = draft
        && let Some(begun) = draft.begun()
    {
        let next = Cache::of(keep, begun);
        if next != cache {
            // Whoever cannot write it does without.
            drop(draft.put(next.as_bytes()));
        }
    }
    sessions.sort_by(ArchivedSession::newest_first);
    Ok(sessions)
}

/// Looks whether a file is as it is known. `before` is how many were looked at before it.
fn look((name, entry): &(String, Entry), cache: &Cache, before: usize) -> Found {
    let id = stem_of(name).unwrap_or_default().to_owned();
    let modified = entry.modified;
    let known = Stamp::of(entry).and_then(|stamp| Some((cache.get(&id, stamp, before)?, stamp)));
    match known {
        Some((content, stamp)) => Found::Known(ArchivedSession::new(id, content, modified), stamp),
        None => Found::Unknown { id, modified },
    }
}

/// Reads the file of `id`, which was changed when `modified` says; nothing if it is gone.
fn read(
    folder: &Folder<'_>,
    id: &str,
    modified: Option<SystemTime>,
) -> Option<(ArchivedSession, Option<Stamp>)> {
    match folder.read(&file_name(id)) {
        Ok(Some(file)) => {
            let content = Content::of(file.bytes);
            let session = ArchivedSession::new(id.to_owned(), content, file.stamp.modified);
            Some((session, Stamp::of(&file.stamp)))
        }
        Ok(None) => None,
        // Not kept: the error may not be one of the file.
        Err(error) => {
            let content = Content::unreadable(&error);
            Some((ArchivedSession::new(id.to_owned(), content, modified), None))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use maestro_state_store::{Environment, Settings, StateDir};
    use maestro_testutils::{Reach, SimDisk, Trouble};
    use proptest::prelude::*;

    use super::*;

    const ROOT: &str = "/home/u/app";
    const NAMES: [&str; 4] = ["a", "a-2", "b", "c"];

    fn place(name: &str) -> PathBuf {
        Path::new(ROOT).join("docs/maestro/state/archive").join(name)
    }

    fn store(disk: &SimDisk) -> Store {
        let disk = Arc::new(disk.clone());
        let settings = Settings::resolve(Path::new(ROOT), &Environment::default(), disk.as_ref());
        let dir = StateDir::locate(Path::new(ROOT), &settings.unwrap(), disk).unwrap();
        dir.create().unwrap();
        Store::new(dir)
    }

    /// Sessions, and something that is none, of one length: so nothing but times tells them apart.
    fn content(n: usize) -> String {
        let text = format!(
            "---\nsession_id: s\ntask: task {n}\ncreated: 2026-01-15T10:00:00Z\nupdated: 2026-01-1{n}T10:00:00Z\n\
             status: completed\nphases: []\n---\n"
        );
        if n == 4 { text.replace("session_id", "session-id") } else { text }
    }

    fn with_cache(disk: &SimDisk) -> Vec<ArchivedSession> {
        read_all(&store(disk), 0, &mut |_, _| {}).unwrap()
    }

    fn without_cache(disk: &SimDisk) -> Vec<ArchivedSession> {
        let copy = disk.copy();
        if copy.bytes(&place(CACHE)).is_some() {
            copy.take_away(&place(CACHE), Reach::Disk);
        }
        read_all(&store(&copy), usize::MAX, &mut |_, _| {}).unwrap()
    }

    #[derive(Clone, Debug)]
    enum Deed {
        Put {
            name: usize,
            content: usize,
        },
        Replace {
            name: usize,
            content: usize,
        },
        Remove {
            name: usize,
        },
        Journal {
            name: usize,
        },
        Flip {
            at: usize,
        },
        Cut {
            at: usize,
        },
        RemoveCache,
        /// Puts back a cache as it was.
        OldCache {
            which: usize,
        },
        Wait,
        List,
    }

    fn arb_deed() -> impl Strategy<Value = Deed> {
        let name = 0..NAMES.len();
        prop_oneof![
            4 => (name.clone(), 0..5_usize).prop_map(|(name, content)| Deed::Put { name, content }),
            4 => (name.clone(), 0..5_usize)
                .prop_map(|(name, content)| Deed::Replace { name, content }),
            2 => name.clone().prop_map(|name| Deed::Remove { name }),
            1 => name.prop_map(|name| Deed::Journal { name }),
            1 => (0..1_000_usize).prop_map(|at| Deed::Flip { at }),
            1 => (0..1_000_usize).prop_map(|at| Deed::Cut { at }),
            1 => Just(Deed::RemoveCache),
            2 => (0..8_usize).prop_map(|which| Deed::OldCache { which }),
            4 => Just(Deed::Wait),
            8 => Just(Deed::List),
        ]
    }

    fn do_to(disk: &SimDisk, deed: &Deed, caches: &mut Vec<Vec<u8>>) {
        let file = |name: usize| place(&file_name(NAMES[name]));
        let cache = disk.bytes(&place(CACHE));
        match deed {
            Deed::Put { name, content: n } => {
                disk.put(&file(*name), content(*n).as_bytes(), Reach::Disk);
            }
            Deed::Replace { name, content: n } => {
                disk.replace(&file(*name), content(*n).as_bytes(), Reach::Disk);
            }
            Deed::Remove { name } => {
                if disk.bytes(&file(*name)).is_some() {
                    disk.take_away(&file(*name), Reach::Disk);
                }
            }
            Deed::Journal { name } => {
                let journal = format!("{}.journal.jsonl", NAMES[*name]);
                disk.put(&place(&journal), b"{}\n", Reach::Disk);
            }
            Deed::Flip { at } => {
                if let Some(mut bytes) = cache.filter(|bytes| !bytes.is_empty()) {
                    let at = at % bytes.len();
                    bytes[at] ^= 0x10;
                    disk.put(&place(CACHE), &bytes, Reach::Disk);
                }
            }
            Deed::Cut { at } => {
                if let Some(bytes) = cache {
                    let end = at % (bytes.len() + 1);
                    disk.put(&place(CACHE), &bytes[..end], Reach::Disk);
                }
            }
            Deed::RemoveCache => {
                if cache.is_some() {
                    disk.take_away(&place(CACHE), Reach::Disk);
                }
            }
            Deed::OldCache { which } => {
                if let Some(bytes) = caches.get(*which) {
                    disk.put(&place(CACHE), bytes, Reach::Disk);
                }
            }
            Deed::Wait => {
                for n in 0..12 {
                    disk.put(&Path::new(ROOT).join("clock"), &[n], Reach::Cache);
                }
            }
            Deed::List => {
                caches.extend(disk.bytes(&place(CACHE)));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

        /// Whatever happens to the files and to the cache, the list is what the files say.
        #[test]
        fn the_list_is_the_same_with_and_without_cache(
            deeds in prop::collection::vec(arb_deed(), 1..40),
        ) {
            let disk = SimDisk::new(Path::new(ROOT));
            drop(store(&disk));
            // As long as the coarsest clock that is known.
            disk.coarsen_clock(16, 2);
            let mut caches = Vec::new();
            for deed in &deeds {
                do_to(&disk, deed, &mut caches);
                if matches!(deed, Deed::List) {
                    let expected = without_cache(&disk);
                    prop_assert_eq!(with_cache(&disk), expected);
                }
            }
        }
    }

    #[test]
    fn what_is_known_is_not_read_again() {
        let disk = SimDisk::new(Path::new(ROOT));
        drop(store(&disk));
        for (n, name) in NAMES.iter().enumerate() {
            disk.put(&place(&file_name(name)), content(n).as_bytes(), Reach::Disk);
        }
        do_to(&disk, &Deed::Wait, &mut Vec::new());
        let first = with_cache(&disk);
        disk.count_calls();
        assert_eq!(with_cache(&disk), first);
        let read: Vec<String> =
            disk.log().into_iter().filter(|call| call.starts_with("read ")).collect();
        assert_eq!(read, ["read .gitignore", "read .index"]);
    }

    #[test]
    fn a_cache_that_cannot_be_written_is_done_without() {
        let disk = SimDisk::new(Path::new(ROOT));
        drop(store(&disk));
        disk.put(&place("a.md"), content(1).as_bytes(), Reach::Disk);
        do_to(&disk, &Deed::Wait, &mut Vec::new());
        disk.make_dir(&place(CACHE), Reach::Disk);
        assert_eq!(with_cache(&disk).len(), 1);
        assert_eq!(disk.bytes(&place(CACHE)), None);

        let disk = SimDisk::new(Path::new(ROOT));
        let store = store(&disk);
        disk.put(&place("a.md"), content(1).as_bytes(), Reach::Disk);
        do_to(&disk, &Deed::Wait, &mut Vec::new());
        disk.fail_from(0, Trouble::ReadOnly);
        assert_eq!(read_all(&store, 0, &mut |_, _| {}).unwrap().len(), 1);
        assert!(disk.has_failed());
        assert_eq!(disk.bytes(&place(CACHE)), None);
    }

    #[test]
    fn few_sessions_need_no_cache() {
        let disk = SimDisk::new(Path::new(ROOT));
        drop(store(&disk));
        disk.put(&place("a.md"), content(1).as_bytes(), Reach::Disk);
        do_to(&disk, &Deed::Wait, &mut Vec::new());
        assert_eq!(archived_sessions(&store(&disk), &mut |_, _| {}).unwrap().len(), 1);
        assert_eq!(disk.bytes(&place(CACHE)), None);
    }
}
