//! The archived sessions: listing, showing, searching, and bringing one back.

use maestro_archive::{
    ArchivedFilter, ArchivedSession, Finished, Found, Hit, Query, RestoreReceipt, RetrieveError,
    archived_file, archived_name, archived_sessions, find_journal, finish, present_documents,
    restore, search, whereabouts_of,
};
use maestro_session_model::{Document, SessionId, Timestamp};
use maestro_state_store::Actor;
use maestro_state_store::journal::History;
use serde::Serialize;

use crate::archiving::told;
use crate::error::SessionError;
use crate::log::{Log, LogFilter, read_log};
use crate::status::SessionView;
use crate::workspace::Workspace;

/// Which part of a long answer to return.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// How many to leave out at the beginning.
    pub offset: usize,
    /// How many to return at most; all when absent.
    pub limit: Option<usize>,
}

impl Page {
    fn of<T>(self, all: Vec<T>) -> Vec<T> {
        all.into_iter().skip(self.offset).take(self.limit.unwrap_or(usize::MAX)).collect()
    }
}

/// Archived sessions, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ArchivedList {
    /// How many sessions are archived.
    pub archived: usize,
    /// How many of them the filter admits.
    pub total: usize,
    /// How many of those were left out at the beginning.
    pub offset: usize,
    /// The sessions.
    pub sessions: Vec<ArchivedSession>,
}

/// Archived sessions in which something was found, the best first.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ArchivedHits {
    /// How many sessions were searched.
    pub searched: usize,
    /// How many of them could not be read, so that nobody knows what is in them.
    pub unread: usize,
    /// In how many of them all words were found.
    pub total: usize,
    /// How many of those were left out at the beginning.
    pub offset: usize,
    /// The sessions.
    pub hits: Vec<Hit>,
}

/// An archived session.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ArchivedView {
    /// The name of its file without the ending.
    pub id: String,
    /// Where it stood.
    #[serde(flatten)]
    pub session: SessionView,
    /// Where its files are.
    pub files: ArchivedFiles,
    /// Who archived it, where its journal says so.
    pub archived: Option<ArchivedBy>,
}

/// Where the files of an archived session are, relative to the workspace. What is not there is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ArchivedFiles {
    /// The session.
    pub session: String,
    /// Its design.
    pub design: Option<String>,
    /// Its plan.
    pub plan: Option<String>,
    /// Its journal, from the oldest part to the newest.
    pub journal: Vec<String>,
    /// Its ledger.
    pub ledger: Option<String>,
}

/// Who archived a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ArchivedBy {
    /// When it was.
    pub time: Timestamp,
    /// Who it was.
    pub actor: Actor,
}

impl Workspace {
    /// Lists the archived sessions that `filter` admits, the newest first. Takes no lock.
    ///
    /// A file that cannot be read is listed too, and says why. `progress` is told of files that have to be read: how many
    /// were, of how many.
    pub fn archived(
        &self,
        filter: &ArchivedFilter,
        page: Page,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<ArchivedList, SessionError> {
        let mut all = archived_sessions(&self.store, progress)?;
        let archived = all.len();
        all.retain(|session| filter.admits(session));
        Ok(ArchivedList { archived, total: all.len(), offset: page.offset, sessions: page.of(all) })
    }

    /// Finds the archived sessions that `filter` admits and that have all words of `query`, the best first. Takes no lock.
    ///
    /// `progress` is told how many were read, of how many.
    pub fn search_archived(
        &self,
        query: &Query,
        filter: &ArchivedFilter,
        page: Page,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<ArchivedHits, SessionError> {
        let mut all = archived_sessions(&self.store, progress)?;
        all.retain(|session| filter.admits(session));
        let searched = all.len();
        let Found { hits, unread } = search(&self.store, query, all, progress)?;
        let (total, offset) = (hits.len(), page.offset);
        Ok(ArchivedHits { searched, unread, total, offset, hits: page.of(hits) })
    }

    /// Shows the archived session of this id, or the only one whose id begins so. Takes no lock.
    pub fn archived_session(&self, id: &str) -> Result<ArchivedView, SessionError> {
        let (id, bytes) = self.read_archived(id)?;
        let dir = self.state_dir();
        let path = archived_file(dir, &id);
        let text =
            String::from_utf8(bytes).map_err(|_| RetrieveError::NotText { path: path.clone() })?;
        let document = Document::parse(text)
            .map_err(|source| RetrieveError::Unreadable { path: path.clone(), source })?;
        let session = document.session();
        let journal = find_journal(&self.store, &id, Some(&session.session_id))?;
        let archive = format!("{}/state/archive", dir.relative());
        let present = present_documents(&self.store)?;
        let found = |path: &Option<String>| whereabouts_of(path.as_ref()?, &present);
        let mut files = ArchivedFiles {
            session: dir.show(&path),
            design: found(&session.design_document),
            plan: found(&session.implementation_plan),
            journal: Vec::new(),
            ledger: None,
        };
        if let Some(journal) = &journal {
            let parts = self.store.archived_journal(&journal.stem)?;
            let names = parts.iter().filter_map(|part| part.file_name()?.to_str());
            files.journal = names.map(|name| format!("{archive}/{name}")).collect();
        }
        let ledger = format!("{id}.ledger.jsonl");
        if self.store.list(&dir.archive())?.iter().any(|listed| listed.name == ledger) {
            files.ledger = Some(format!("{archive}/{ledger}"));
        }
        let archived = journal.filter(|journal| journal.newest.archived).map(|journal| {
            let operation = journal.newest.record.operation;
            ArchivedBy { time: operation.time, actor: operation.actor }
        });
        Ok(ArchivedView { id, session: self.view(&document), files, archived })
    }

    /// Returns the file of an archived session exactly as it is. Takes no lock.
    pub fn archived_document(&self, id: &str) -> Result<Vec<u8>, SessionError> {
        Ok(self.read_archived(id)?.1)
    }

    /// Returns what happened to an archived session, the oldest first. Takes no lock.
    pub fn archived_log(&self, id: &str, filter: &LogFilter) -> Result<Log, SessionError> {
        let (id, bytes) = self.read_archived(id)?;
        // A session that cannot be read can have a log all the same.
        let document = Document::parse(String::from_utf8_lossy(&bytes).into_owned()).ok();
        let named = document.map(|document| document.session().session_id.clone());
        let journal = find_journal(&self.store, &id, named.as_ref())?;
        let no_journal = || SessionError::NoArchivedJournal { id: id.clone() };
        let stem = journal.ok_or_else(no_journal)?.stem;
        let named: Option<SessionId> = named.or_else(|| id.parse().ok());
        let session_id = named.ok_or_else(no_journal)?;
        read_log(filter, |wants_more: &dyn Fn(&History) -> bool| {
            let history = self.store.archived_history(&stem, wants_more)?;
            Ok((session_id, history.ok_or_else(no_journal)?))
        })
    }

    /// Brings the archived session of this id back, or the only one whose id begins so, with its documents and its journal.
    ///
    /// It is in progress then. Refused while there is an active session. An archived file that was edited comes back as it is
    /// now. Should the process die in the middle of it, the next command of anyone finishes it.
    pub fn restore(&self, id: &str) -> Result<RestoreReceipt, SessionError> {
        let mut locked = self.lock()?;
        let finished = finish(&mut locked, &self.archiver())?;
        let found = told(&finished);
        if let Finished::Restored(receipt) = finished
            && receipt.restored_from.rsplit('/').next().is_some_and(|name| name.starts_with(id))
        {
            // Someone had begun what is asked for.
            return Ok(*receipt);
        }
        let (opened, mut notes) = self.open_session(&mut locked)?;
        notes.splice(0..0, found);
        if let Some(opened) = opened {
            let session = opened.document.session();
            let (session_id, status) = (session.session_id.clone(), session.status);
            let error = SessionError::SessionExists { session_id, status };
            return Err(error.noting(opened.notes));
        }
        match restore(&self.store, &mut locked, id, &self.archiver()) {
            Ok(mut receipt) => {
                receipt.notes.splice(0..0, notes);
                Ok(receipt)
            }
            Err(error) => Err(SessionError::from(error).noting(notes)),
        }
    }

    /// The archived session that changed last.
    pub(crate) fn newest_archived(&self) -> Option<String> {
        let all = archived_sessions(&self.store, &mut |_, _| {}).ok()?;
        all.into_iter().find(|session| session.content.session().is_some()).map(|found| found.id)
    }

    /// The name and the content of an archived file.
    fn read_archived(&self, id: &str) -> Result<(String, Vec<u8>), SessionError> {
        let name = archived_name(&self.store, id)?;
        let path = archived_file(self.state_dir(), &name);
        match self.store.read_file(&path)? {
            Some(bytes) => Ok((name, bytes)),
            None => Err(RetrieveError::NoSuch { name: id.to_owned() }.into()),
        }
    }
}
