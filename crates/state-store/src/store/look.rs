//! Looking at what is there, without changing it.

use maestro_session_model::SessionId;
use serde_json::{Map, Value};

use crate::disk::Entry;
use crate::hash::ContentHash;
use crate::store::decide::{FileState, LastLine, TempState};
use crate::store::recovery::{Inspect, Inspected, OpenError};
use crate::store::{Contents, LockedStore, OpenSession, Store, as_text, read_contents};

impl LockedStore<'_> {
    /// Looks at the document, and as far as it matters at the temporary file of the newest operation.
    pub(super) fn look(&self, inspect: &Inspect<'_>) -> Result<Seen, OpenError> {
        let (file, document, problem) = match self.look_at_document(inspect)? {
            // Whoever writes it may be in the middle of it.
            (FileState::Unreadable, ..) => self.look_at_document(inspect)?,
            seen => seen,
        };
        let (last, temp) = self.store.last_line(self.session.as_ref(), file)?;
        Ok(Seen { last, file, temp, document, problem })
    }

    fn look_at_document(
        &self,
        inspect: &Inspect<'_>,
    ) -> Result<(FileState, Option<Document>, Option<OpenError>), OpenError> {
        let path = self.dir.active_session();
        let Some(Contents { bytes, entry }) = read_contents(self.dir, &path)? else {
            return Ok((FileState::Absent, None, None));
        };
        let hash = ContentHash::of(&bytes);
        let mut document = Document { bytes, hash, entry, session_id: None, details: Map::new() };
        if let Some(file) = self.known_state(hash) {
            return Ok((file, Some(document), None));
        }
        let text = match as_text(&path, &document.bytes) {
            Ok(text) => text,
            Err(error) => return Ok((FileState::Unreadable, None, Some(error.into()))),
        };
        match inspect(text) {
            Ok(Inspected { session_id, details }) => {
                let expected = self.session.as_ref().map(|session| &session.id);
                let other = expected.is_some_and(|expected| *expected != session_id);
                let file = if other { FileState::OtherSession } else { FileState::Edited };
                document.session_id = Some(session_id);
                document.details = details;
                Ok((file, Some(document), None))
            }
            Err(source) => {
                Ok((FileState::Unreadable, None, Some(OpenError::Corrupt { path, source })))
            }
        }
    }

    /// What the journal knows about a text.
    fn known_state(&self, hash: ContentHash) -> Option<FileState> {
        let tail = &self.session.as_ref()?.tail;
        let newest = tail.newest.as_ref()?;
        if tail.hash() == Some(hash) {
            Some(FileState::Current)
        } else if newest.record.after == hash {
            Some(FileState::Abandoned)
        } else if newest.record.before == Some(hash) {
            Some(FileState::Before)
        } else {
            None
        }
    }
}

impl Store {
    /// Says what the journal of the session ends with, and as far as it matters what is at the place of the temporary file of
    /// its newest operation.
    pub(super) fn last_line(
        &self,
        session: Option<&OpenSession>,
        file: FileState,
    ) -> Result<(LastLine, TempState), OpenError> {
        let Some(session) = session else {
            return Ok((LastLine::NoJournal, TempState::Absent));
        };
        let Some(newest) = &session.tail.newest else {
            return Ok((LastLine::NoJournal, TempState::Absent));
        };
        let record = &newest.record;
        let last = if session.tail.torn.is_some() {
            LastLine::Torn
        } else if newest.abandoned {
            LastLine::Abandoned
        } else if record.before.is_none() {
            LastLine::Creation { done: newest.done }
        } else {
            LastLine::Change { done: newest.done }
        };
        let is_undone = matches!(file, FileState::Before | FileState::Absent);
        let temp = if newest.done && !is_undone {
            // It was removed before the mark was written; whatever has its name is swept.
            TempState::Absent
        } else {
            self.temp_state(&self.temp_path(record.operation.id), record.before, record.after)?
        };
        Ok((last, temp))
    }
}

/// What [`LockedStore::look`] saw.
pub(super) struct Seen {
    pub(super) last: LastLine,
    pub(super) file: FileState,
    pub(super) temp: TempState,
    pub(super) document: Option<Document>,
    /// Why the file is unreadable, when it is.
    pub(super) problem: Option<OpenError>,
}

pub(super) struct Document {
    pub(super) bytes: Vec<u8>,
    pub(super) hash: ContentHash,
    pub(super) entry: Entry,
    /// Only for a text that the journal does not know, as what follows.
    pub(super) session_id: Option<SessionId>,
    /// What its caller wants recorded about it.
    pub(super) details: Map<String, Value>,
}
