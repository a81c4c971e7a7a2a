//! Putting a new text in its place, and getting it out again when the place was not what it seemed.
//!
//! Owns the temporary files: how they come, how they take their place, and what becomes of leftovers.

use std::io;
use std::path::{Path, PathBuf};
use std::thread;

use uuid::Uuid;

use crate::disk::{Access, Exchange, Kind, Listed};
use crate::hash::ContentHash;
use crate::journal::{AppendError, Durability, History, Line, MarkKind, Newest, Tail, to_u64};
use crate::state_dir::{StateDirError, is_gitignore_temp};
use crate::store::decide::TempState;
use crate::store::journals::marks_when_done;
use crate::store::{
    LockedStore, OpenSession, PREPARED_PREFIX, ReadError, Recovered, Store, TEMP_PREFIX,
    TEMP_SUFFIX, journal_paths, read_contents,
};

/// How much is compared at once.
const COMPARED_BYTES: usize = 64 * 1024;

/// From which size on a text is hashed in another thread: below, starting one takes longer than hashing.
const HASHED_ASIDE_BYTES: usize = 256 * 1024;

/// How often edits may overtake each other while one of them is put back.
const MAX_SWAPS: u32 = 16;

/// What should be at the place of the document.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'t> {
    /// Nothing.
    Free,
    /// A file with these bytes.
    Holds(&'t [u8]),
}

/// What became of putting a text in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Swap {
    /// It is there, and what should have been there is gone or in the temporary file.
    Done,
    /// The place was not what it should be, and nothing moved.
    Refused,
    /// It is there, but what came out is not what should have been there.
    Displaced,
}

/// How putting a text in its place failed.
#[derive(Debug)]
pub(super) enum SwapError {
    /// Nothing moved.
    NotMoved(io::Error),
    /// It is there, but what came out could not be read.
    NotCompared(io::Error),
}

impl SwapError {
    pub(super) fn into_io(self) -> io::Error {
        match self {
            Self::NotMoved(error) | Self::NotCompared(error) => error,
        }
    }
}

impl Store {
    /// Says what is at the place of a temporary file, compared with an operation.
    pub(super) fn temp_state(
        &self,
        temp: &Path,
        before: Option<ContentHash>,
        after: ContentHash,
    ) -> Result<TempState, ReadError> {
        Ok(match self.hash_of(temp)? {
            Found::Nothing => TempState::Absent,
            Found::Text(hash) if hash == after => TempState::After,
            Found::Text(hash) if Some(hash) == before => TempState::Before,
            Found::Text(_) | Found::Other => TempState::Displaced,
        })
    }

    fn hash_of(&self, path: &Path) -> Result<Found, ReadError> {
        match read_contents(&self.dir, path) {
            Ok(Some(contents)) => Ok(Found::Text(ContentHash::of(&contents.bytes))),
            Ok(None) => Ok(Found::Nothing),
            // Whatever an exchange brought out, it was at the place of the document.
            Err(
                ReadError::TooLarge { .. }
                | ReadError::StateDir(StateDirError::Symlink { .. } | StateDirError::NotAFile { .. }),
            ) => Ok(Found::Other),
            Err(error) => Err(error),
        }
    }
}

impl LockedStore<'_> {
    /// Writes `bytes` to a new file and makes it durable. Nothing is left behind on an error.
    pub(super) fn write_temp(
        &self,
        temp: &Path,
        bytes: &[u8],
        mode: Option<u32>,
    ) -> io::Result<()> {
        let disk = self.dir.disk();
        let mut file = disk.open(temp, Access::CreateNew)?;
        let written = file
            .write_all(bytes)
            .and_then(|()| match mode {
                Some(mode) if mode != 0o600 => file.set_mode(mode),
                Some(_) | None => Ok(()),
            })
            .and_then(|()| file.sync_all());
        if written.is_err() {
            drop(file);
            // The error that is reported is the one that came first; the next command sweeps what is left.
            drop(disk.remove_file(temp));
        }
        written
    }

    /// Does the same, and returns the hash of `bytes`.
    ///
    /// A large text is hashed while the disk is busy with it.
    pub(super) fn write_and_hash(
        &self,
        temp: &Path,
        bytes: &[u8],
        mode: Option<u32>,
    ) -> io::Result<ContentHash> {
        thread::scope(|scope| {
            let hash = if HASHED_ASIDE_BYTES <= bytes.len() {
                thread::Builder::new().spawn_scoped(scope, || ContentHash::of(bytes)).ok()
            } else {
                None
            };
            self.write_temp(temp, bytes, mode)?;
            let hash = hash.and_then(|hashing| hashing.join().ok());
            Ok(hash.unwrap_or_else(|| ContentHash::of(bytes)))
        })
    }

    /// Puts the file `temp` in the place of the document.
    pub(super) fn swap_in(&self, temp: &Path, place: Place<'_>) -> Result<Swap, SwapError> {
        let (disk, active) = (self.dir.disk(), self.dir.active_session());
        let expected = match place {
            Place::Holds(expected) => expected,
            Place::Free => {
                return match disk.rename_new(temp, &active) {
                    Ok(()) => Ok(Swap::Done),
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Swap::Refused),
                    Err(error) => Err(SwapError::NotMoved(error)),
                };
            }
        };
        match disk.exchange(temp, &active) {
            Ok(Exchange::Done) => {
                let same = self.holds(temp, expected).map_err(SwapError::NotCompared)?;
                Ok(if same { Swap::Done } else { Swap::Displaced })
            }
            Ok(Exchange::Unsupported) => {
                if !self.holds(&active, expected).map_err(SwapError::NotMoved)? {
                    return Ok(Swap::Refused);
                }
                disk.rename(temp, &active).map_err(SwapError::NotMoved)?;
                Ok(Swap::Done)
            }
            // Someone removed the document.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Swap::Refused),
            Err(error) => Err(SwapError::NotMoved(error)),
        }
    }

    /// Whether `path` is a file with exactly these bytes.
    fn holds(&self, path: &Path, expected: &[u8]) -> io::Result<bool> {
        let disk = self.dir.disk();
        let Some(entry) = disk.entry(path)? else { return Ok(false) };
        let len = usize::try_from(entry.len).ok();
        if entry.kind != Kind::File || len != Some(expected.len()) {
            return Ok(false);
        }
        let mut file = disk.open(path, Access::Read)?;
        // In pieces that stay in the cache: a buffer for the whole would cost more than the comparison.
        let mut offset = 0;
        for piece in expected.chunks(COMPARED_BYTES) {
            if file.read_at(offset, piece.len())? != piece {
                return Ok(false);
            }
            offset += to_u64(piece.len());
        }
        Ok(file.entry()?.len == offset)
    }

    /// Makes the document durable in its place, removes the temporary file, and marks the newest operation as done.
    pub(super) fn settle(&mut self, temp: &Path) -> io::Result<()> {
        match self.dir.disk().remove_file(temp) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        self.dir.disk().sync_dir(&self.dir.state())?;
        let tail = self.session.as_ref().map(|session| &session.tail);
        let newest = tail.and_then(|tail| Some((tail, tail.newest.as_ref()?)));
        let marks = newest.map_or(&[][..], |(tail, newest)| {
            marks_when_done(&newest.record, tail.waiting.as_ref())
        });
        self.mark_newest(marks, Durability::Unsynced)?;
        if let Some(session) = &mut self.session {
            session.unfinished = false;
        }
        Ok(())
    }

    /// Marks the newest operation of the open session.
    pub(super) fn mark_newest(
        &mut self,
        kinds: &[MarkKind],
        durability: Durability,
    ) -> io::Result<()> {
        let Some(OpenSession { journal, tail: Tail { newest: Some(newest), .. }, .. }) =
            &mut self.session
        else {
            return Ok(());
        };
        let seq = newest.record.seq;
        let lines: Vec<Line> = kinds.iter().map(|kind| Line::mark(seq, *kind, None)).collect();
        journal.append(&lines, durability).map_err(AppendError::into_io)?;
        for kind in kinds {
            newest.mark(*kind);
        }
        Ok(())
    }

    /// Gives the newest operation up: marks it, and after an exchange puts back what it displaced.
    ///
    /// Its caller is told to decide again, so it does not wait for that, unless it is itself the second try of one that
    /// did: that must not be forgotten if the caller dies now.
    ///
    /// Closes the session, because what the journal says is now older than the file.
    pub(super) fn give_way(
        &mut self,
        temp: &Path,
        swap: Swap,
        is_second_try: bool,
    ) -> Result<(), ReadError> {
        let marks: &[MarkKind] = if is_second_try {
            &[MarkKind::Abandoned]
        } else {
            &[MarkKind::Abandoned, MarkKind::Settled]
        };
        self.mark_newest(marks, Durability::Synced)?;
        if let (Swap::Displaced, Some(ours)) = (swap, self.newest().map(|newest| newest.after)) {
            self.swap_back(temp, ours)?;
            // Before anything is removed: the edit must be durable where it is now.
            self.dir.disk().sync_dir(&self.dir.state())?;
        }
        let known = self.known_hashes();
        self.set_aside_since.extend(self.discard(temp, &known)?);
        self.dir.disk().sync_dir(&self.dir.state())?;
        self.session = None;
        Ok(())
    }

    /// Puts what is in the temporary file back in the place of the document, and takes our text, whose hash is `ours`, out.
    ///
    /// What comes out instead of ours was saved on top of it, and is newer than what has just been put back: it returns to
    /// its place, and the older edit stays in the temporary file, for whoever discards it to set aside.
    pub(super) fn swap_back(&self, temp: &Path, ours: ContentHash) -> Result<(), ReadError> {
        let (disk, active) = (self.dir.disk(), self.dir.active_session());
        let mut put_back = self.text_hash(temp)?;
        for _ in 0..MAX_SWAPS {
            match disk.exchange(temp, &active) {
                Ok(Exchange::Done) => {}
                Ok(Exchange::Unsupported) => return Ok(disk.rename(temp, &active)?),
                // Someone has removed our text meanwhile, so the place is free.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok(disk.rename_new(temp, &active)?);
                }
                Err(error) => return Err(error.into()),
            }
            let came_out = self.text_hash(temp)?;
            if came_out == Some(ours) || came_out == put_back {
                return Ok(());
            }
            // The newer edit came out: the next exchange puts it in its place, and what comes out then is the older one.
            put_back = self.text_hash(&active)?;
        }
        Ok(())
    }

    fn text_hash(&self, path: &Path) -> Result<Option<ContentHash>, ReadError> {
        Ok(match self.store.hash_of(path)? {
            Found::Text(hash) => Some(hash),
            Found::Nothing | Found::Other => None,
        })
    }

    /// The hashes of all texts that the end of the journal can give back.
    pub(super) fn known_hashes(&self) -> Vec<ContentHash> {
        let Some(session) = &self.session else { return Vec::new() };
        let newest = session.tail.newest.as_ref().map(|newest| &newest.record);
        let effective = session.tail.effective();
        let before = newest.and_then(|record| record.before);
        newest
            .map(|record| record.after)
            .into_iter()
            .chain(before)
            .chain(effective.map(|e| e.after))
            .collect()
    }

    /// Removes a temporary file whose text is known, and sets any other aside: it may be an edit that exists nowhere
    /// else. Returns where it was set aside.
    pub(super) fn discard(
        &self,
        temp: &Path,
        known: &[ContentHash],
    ) -> Result<Option<PathBuf>, ReadError> {
        match self.store.hash_of(temp)? {
            Found::Nothing => Ok(None),
            Found::Text(hash) if known.contains(&hash) => {
                self.dir.disk().remove_file(temp)?;
                Ok(None)
            }
            Found::Text(_) | Found::Other => self.set_aside(temp).map(Some),
        }
    }

    /// Moves a file to the quarantine, under a name that is free, and makes the move durable. What has a copy there already
    /// is not put there twice: whoever did that died before the old name was gone.
    pub(super) fn set_aside(&self, path: &Path) -> Result<PathBuf, ReadError> {
        let is_file = self.dir.entry(path)?.is_some_and(|entry| entry.kind == Kind::File);
        let is_it = |place: &Path| Ok(is_file && self.have_same_bytes(path, place)?);
        let place = match self.quarantine_place(path, &is_it)? {
            Quarantined::Already(place) => {
                self.sync_quarantined(&place)?;
                self.dir.disk().remove_file(path)?;
                place
            }
            Quarantined::NotYet(place) => {
                self.dir.disk().rename_new(path, &place)?;
                self.dir.disk().sync_dir(&self.dir.quarantine())?;
                place
            }
        };
        if let Some(parent) = path.parent() {
            self.dir.disk().sync_dir(parent)?;
        }
        Ok(place)
    }

    /// Copies bytes to the quarantine, under a name that is free, and makes the copy durable; not twice either.
    pub(super) fn set_copy_aside(&self, path: &Path, bytes: &[u8]) -> Result<PathBuf, ReadError> {
        let hash = ContentHash::of(bytes);
        let is_it = |place: &Path| Ok(self.text_hash(place)? == Some(hash));
        match self.quarantine_place(path, &is_it)? {
            Quarantined::Already(place) => {
                self.sync_quarantined(&place)?;
                Ok(place)
            }
            Quarantined::NotYet(place) => {
                // By way of a rename: half of a text would be taken for one of its own.
                let temp = self.prepare(&place, bytes, None)?;
                self.dir.disk().rename_new(&temp, &place)?;
                self.dir.disk().sync_dir(&self.dir.quarantine())?;
                Ok(place)
            }
        }
    }

    fn sync_quarantined(&self, place: &Path) -> io::Result<()> {
        self.dir.disk().open(place, Access::Read)?.sync_all()?;
        self.dir.disk().sync_dir(&self.dir.quarantine())
    }

    /// Finds the place in the quarantine for a file that was at `path`: one that has it already, says `is_it`, or a free one.
    fn quarantine_place(
        &self,
        path: &Path,
        is_it: &dyn Fn(&Path) -> Result<bool, ReadError>,
    ) -> Result<Quarantined, ReadError> {
        let quarantine = self.dir.quarantine();
        self.dir.ensure_directory(&quarantine)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.trim_start_matches('.').trim_end_matches(TEMP_SUFFIX);
        let names =
            std::iter::once(name.to_owned()).chain((2_u32..).map(|n| format!("{name}.{n}")));
        for name in names {
            let place = quarantine.join(name);
            match self.dir.disk().entry(&place)? {
                None => return Ok(Quarantined::NotYet(place)),
                Some(entry) if entry.kind == Kind::File && is_it(&place)? => {
                    return Ok(Quarantined::Already(place));
                }
                Some(_) => {}
            }
        }
        Err(io::Error::from(io::ErrorKind::AlreadyExists).into())
    }

    /// Clears the temporary files of operations that came to no end.
    ///
    /// What an operation wrote that is not in the journal was never acknowledged and never exchanged with anything, so it
    /// is removed. Of all others only a known text is removed, and the rest is set aside. Where no session is open, the
    /// operation may have been one to restore a session, so the journals in `archived` are asked as well.
    pub(super) fn sweep(
        &self,
        archived: &[OpenSession],
        recovered: &mut Vec<Recovered>,
    ) -> Result<(), ReadError> {
        let listed = self.dir.disk().list(&self.dir.state())?;
        for (id, temp) in self.temps(&listed) {
            let known = match self.hashes_of(id, archived)? {
                Sought::NotInJournal => {
                    self.dir.disk().remove_file(&temp)?;
                    continue;
                }
                Sought::NoJournal => Vec::new(),
                Sought::Hashes(hashes) => hashes,
            };
            if let Some(path) = self.discard(&temp, &known)? {
                recovered.push(Recovered::SetAside { path });
            }
        }
        for listed in listed.iter().filter(|listed| listed.is_file && is_rubbish(&listed.name)) {
            self.dir.disk().remove_file(&self.dir.state().join(&listed.name))?;
        }
        Ok(())
    }

    /// Clears the temporary files of creations that never came about, durably: a creation displaces nothing.
    pub(super) fn sweep_dead(&self) -> Result<(), ReadError> {
        let listed = self.dir.disk().list(&self.dir.state())?;
        for (_, temp) in self.temps(&listed) {
            self.dir.disk().remove_file(&temp)?;
        }
        // Those as well that someone removed who died before that was durable.
        Ok(self.dir.disk().sync_dir(&self.dir.state())?)
    }

    /// The temporary files of operations on the document.
    fn temps(&self, listed: &[Listed]) -> impl Iterator<Item = (Uuid, PathBuf)> {
        let state = self.dir.state();
        listed
            .iter()
            .filter_map(move |listed| Some((operation_of(&listed.name)?, state.join(&listed.name))))
    }

    /// The hashes of the texts that an operation had to do with.
    fn hashes_of(&self, id: Uuid, archived: &[OpenSession]) -> Result<Sought, ReadError> {
        let newest = self.newest();
        if newest.is_some_and(|newest| newest.operation.id == id) {
            return Ok(Sought::Hashes(self.known_hashes()));
        }
        let is_it = |op: &Newest| op.record.operation.id == id;
        let mut sought = Sought::NoJournal;
        for session in self.session.iter().chain(archived) {
            let files = journal_paths(self.dir, &session.id)?;
            let lacks_it = |history: &History| !history.operations().iter().any(is_it);
            let history = History::read(self.dir.disk(), &files, &lacks_it)?;
            if let Some(op) =
                history.as_ref().and_then(|h| h.operations().iter().find(|op| is_it(op)))
            {
                let hashes = op.record.before.into_iter().chain([op.record.after]);
                return Ok(Sought::Hashes(hashes.collect()));
            }
            sought = Sought::NotInJournal;
        }
        Ok(sought)
    }
}

/// Whether a file in `state/` was on its way to another place when its process died: its content is nowhere needed.
fn is_rubbish(name: &str) -> bool {
    is_gitignore_temp(name) || name.starts_with(PREPARED_PREFIX) && name.ends_with(TEMP_SUFFIX)
}

/// The operation that a temporary file in `state/` belongs to, if it belongs to one on the document.
fn operation_of(name: &str) -> Option<Uuid> {
    name.strip_prefix(TEMP_PREFIX)?.strip_suffix(TEMP_SUFFIX)?.parse().ok()
}

/// Whether a file in `state/` is one that every opening clears away or sets aside.
pub(super) fn is_swept(name: &str) -> bool {
    is_rubbish(name) || operation_of(name).is_some()
}

/// A place in the quarantine.
enum Quarantined {
    /// It has what is to be put there.
    Already(PathBuf),
    /// It is free.
    NotYet(PathBuf),
}

/// What the journal knows of an operation.
enum Sought {
    NoJournal,
    NotInJournal,
    Hashes(Vec<ContentHash>),
}

/// What was found at a path.
enum Found {
    Nothing,
    Text(ContentHash),
    Other,
}
