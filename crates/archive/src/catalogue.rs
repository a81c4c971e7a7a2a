//! Reads what there is in the archive, from the files or as it is known of them.
//!
//! Takes no lock. Owns when the cache is read and written; without it everything is the same, but slower.

use std::collections::BTreeSet;
use std::thread;

use maestro_state_store::Store;
use maestro_state_store::store::{FileError, Folder};

use crate::archived::{ArchivedSession, Content, stem_of};
use crate::cache::{CACHE, Cache, Kept, Stamp};
use crate::each::each;
use crate::error::ArchivedError;
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
pub fn archived_session(store: &Store, id: &str) -> Result<String, ArchivedError> {
    named(&archived_names(store)?, id)
}

/// A file as it was found: known, or still to be read.
enum Found {
    Known(ArchivedSession, Stamp),
    Unknown,
    Gone,
}

fn read_all(
    store: &Store,
    cached_from: usize,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<ArchivedSession>, FileError> {
    let Some(folder) = store.folder(&store.dir().archive())? else { return Ok(Vec::new()) };
    let (cache, listed) = thread::scope(|scope| {
        let read = || folder.read(CACHE).ok().flatten().map(|file| Cache::parse(&file.bytes));
        let reading = thread::Builder::new().spawn_scoped(scope, read);
        let listed = folder.list();
        let cache = match reading {
            Ok(reading) => reading.join().unwrap_or_default(),
            Err(_) => read(),
        };
        (cache.unwrap_or_default(), listed)
    });
    let ids: Vec<String> = listed?
        .iter()
        .filter(|listed| listed.is_file)
        .filter_map(|listed| stem_of(&listed.name).map(str::to_owned))
        .collect();

    let found = each(ids.len(), |n| look(&folder, &ids[n], &cache), &mut |_, _| {});
    let unknown: Vec<usize> =
        (0..ids.len()).filter(|n| matches!(found[*n], Found::Unknown)).collect();
    let known = found.iter().filter(|found| matches!(found, Found::Known(..))).count();
    let is_stale = !unknown.is_empty() || known < cache.len();
    // Begun before anything is read, because its time says what was read too early to be kept.
    let draft = if is_stale && cached_from <= ids.len() {
        store.begin_cache(&folder.path().join(CACHE)).ok()
    } else {
        None
    };
    let read = each(unknown.len(), |n| read(&folder, &ids[unknown[n]]), progress);

    let mut read = read.into_iter();
    let mut sessions = Vec::with_capacity(ids.len());
    let mut keep = Vec::new();
    for found in found {
        let (session, stamp) = match found {
            Found::Known(session, stamp) => (session, Some(stamp)),
            Found::Unknown => match read.next().flatten() {
                Some(read) => read,
                None => continue,
            },
            Found::Gone => continue,
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
            drop(draft.put(&next.to_bytes()));
        }
    }
    sessions.sort_by(ArchivedSession::newest_first);
    Ok(sessions)
}

/// Looks whether the file of `id` is as it is known.
fn look(folder: &Folder<'_>, id: &str, cache: &Cache) -> Found {
    match folder.stamp(&file_name(id)) {
        Ok(Some(entry)) => {
            let stamp = Stamp::of(&entry);
            let known = stamp.and_then(|stamp| Some((cache.get(id, stamp)?, stamp)));
            match known {
                Some((content, stamp)) => {
                    let (id, content) = (id.to_owned(), content.clone());
                    Found::Known(ArchivedSession::new(id, content, entry.modified), stamp)
                }
                None => Found::Unknown,
            }
        }
        Ok(None) => Found::Gone,
        // Reading it will say the same.
        Err(_) => Found::Unknown,
    }
}

/// Reads the file of `id`; nothing if it is gone.
fn read(folder: &Folder<'_>, id: &str) -> Option<(ArchivedSession, Option<Stamp>)> {
    match folder.read(&file_name(id)) {
        Ok(Some(file)) => {
            let content = Content::of(file.bytes);
            let session = ArchivedSession::new(id.to_owned(), content, file.stamp.modified);
            Some((session, Stamp::of(&file.stamp)))
        }
        Ok(None) => None,
        Err(error) => {
            let entry = folder.stamp(&file_name(id)).ok().flatten();
            let modified = entry.and_then(|entry| entry.modified);
            let content = Content::unreadable(&error);
            // Not kept: the error may not be one of the file.
            Some((ArchivedSession::new(id.to_owned(), content, modified), None))
        }
    }
}

/// The name of the file of an archived session.
pub(crate) fn file_name(id: &str) -> String {
    format!("{id}{}", crate::archived::ENDING)
}
