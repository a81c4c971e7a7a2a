//! Going on with a journal in a new file, and moving all its files.

use std::path::Path;

use maestro_session_model::SessionId;
use serde_json::Value;

use crate::journal::{
    History, Journal, JournalError, MAX_SEGMENTS, head, is_long, last_settled, segment_name, to_u64,
};
use crate::store::commit::CommitError;
use crate::store::files::FileError;
use crate::store::{LockedStore, journal_paths};

impl LockedStore<'_> {
    /// Goes on in a new segment when the present one is long; `text` is the document.
    ///
    /// On an error the journal says what it said before, but nothing may be built on what was opened: the segment may be
    /// there, and then it is the one to go on with.
    pub(super) fn begin_segment_if_long(&mut self, text: &str) -> Result<(), CommitError> {
        let Some(session) = &mut self.session else { return Ok(()) };
        let (len, document) = (session.journal.len(), to_u64(text.len()));
        // Only then is it worth finding out how much of it is its beginning.
        if is_long(len, document)
            && is_long(len.saturating_sub(session.journal.first_line_len()?), document)
        {
            self.begin_segment(text)?;
        }
        Ok(())
    }

    /// Goes on in a new segment, if everything is settled; `text` is the document.
    pub(super) fn begin_segment(&mut self, text: &str) -> Result<(), CommitError> {
        let Some(session) = &self.session else { return Ok(()) };
        let Some(last) = last_settled(&session.tail) else { return Ok(()) };
        // What cannot be read now may be readable later, and would be lost in a segment without it.
        let Ok(carried) = self.carried(session.journal.path()) else { return Ok(()) };
        let id = session.id.clone();
        let path = self.dir.journals().join(segment_name(id.as_str(), Some(last.seq)));
        let mut bytes = Vec::new();
        for line in head(last, text, carried) {
            line.write_to(&mut bytes);
        }
        // A disk on which that fails has room for a line, perhaps, but for no second journal: the first one goes on.
        let Ok(temp) = self.prepare(&path, &bytes, None) else { return Ok(()) };
        let placed = self.dir.disk().rename_new(&temp, &path);
        if placed.is_err() && self.dir.disk().entry(&path).is_ok_and(|found| found.is_none()) {
            drop(self.dir.disk().remove_file(&temp));
            return Ok(());
        }
        let began = placed
            .and_then(|()| self.dir.disk().sync_dir(&self.dir.journals()))
            .map_err(CommitError::from)
            .and_then(|()| Ok(Journal::open(self.dir.disk(), &path)?));
        match (began, &mut self.session) {
            (Ok(journal), Some(session)) => session.journal = journal,
            (Ok(_), None) => {}
            (Err(error), _) => {
                self.session = None;
                return Err(error);
            }
        }
        self.remove_old_segments(&id);
        Ok(())
    }

    /// What the segment after the one at `path` begins with. Of one that is damaged, what is sound of it counts.
    pub(super) fn carried(&self, path: &Path) -> Result<Option<Value>, JournalError> {
        let disk = self.dir.disk();
        let history = match History::read(disk, &[path.to_owned()], &|_| false) {
            Err(JournalError::Corrupt { .. }) => Some(History::sound_lines(disk, path)?),
            history => history?,
        };
        Ok(history.and_then(|history| (self.store.carry)(&history)))
    }

    /// Removes the oldest segments of a journal that has many. What cannot be removed now is removed by the next one.
    fn remove_old_segments(&self, id: &SessionId) {
        let Ok(files) = journal_paths(self.dir, id) else { return };
        for old in files.iter().rev().skip(MAX_SEGMENTS) {
            drop(self.dir.disk().remove_file(old));
        }
    }

    /// Moves the journal of a session to the directory `to`, where its files are named after `stem`: `<stem>.jsonl` and
    /// its segments. The newest goes last, because it says what the session has come to.
    ///
    /// Can be interrupted and begun again. A file whose new place is taken stays where it is, and is an error.
    pub fn move_journal(&mut self, id: &SessionId, to: &Path, stem: &str) -> Result<(), FileError> {
        let files = journal_paths(self.dir, id)?;
        if files.is_empty() {
            return Err(FileError::Missing { path: self.dir.journal(id) });
        }
        for file in files {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let rest = name.strip_prefix(id.as_str()).unwrap_or_default();
            self.move_new(&file, &to.join(format!("{stem}{rest}")))?;
        }
        Ok(())
    }
}
