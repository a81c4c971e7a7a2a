//! Finds the journal of an archived session.
//!
//! A journal is named after its session, but where that name was taken, after another. So what counts is what its last
//! operation says: which file the session was archived as.

use std::collections::BTreeMap;

use maestro_session_model::{Document, SessionId};
use maestro_state_store::Store;
use maestro_state_store::disk::Listed;
use maestro_state_store::journal::{History, Newest};
use maestro_state_store::store::FileError;

use crate::execute::Intent;

/// The journal of an archived session.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalOfArchived {
    /// The name that its files begin with.
    pub stem: String,
    /// Its newest operation.
    pub newest: Newest,
}

impl JournalOfArchived {
    /// What its newest operation says about the archiving, if that is what it is.
    pub(crate) fn intent(&self) -> Option<Intent> {
        Intent::from_command(&self.newest.record.operation.command)
    }
}

/// The files of the journals in the archive, by the names that they begin with, listed once for many searches.
#[derive(Clone, Debug)]
pub(crate) struct JournalStems(BTreeMap<String, Vec<Listed>>);

impl JournalStems {
    /// Lists them.
    pub(crate) fn list(store: &Store) -> Result<Self, FileError> {
        let mut stems: BTreeMap<String, Vec<Listed>> = BTreeMap::new();
        for listed in store.list(&store.dir().archive())? {
            let stem = listed.name.split_once(".journal.").map(|(stem, _)| stem.to_owned());
            if let Some(stem) = stem.filter(|_| listed.name.ends_with("jsonl")) {
                stems.entry(stem).or_default().push(listed);
            }
        }
        Ok(Self(stems))
    }

    /// Does what [`find_journal`] does.
    pub(crate) fn find(
        &self,
        store: &Store,
        archived_as: &str,
        session_id: Option<&SessionId>,
    ) -> Result<Option<JournalOfArchived>, FileError> {
        let from = self.0.range(archived_as.to_owned()..);
        let named = from.take_while(|(stem, _)| stem.starts_with(archived_as));
        let mut stems: Vec<(&String, &Vec<Listed>)> =
            named.filter(|(stem, _)| is_named_after(stem, archived_as)).collect();
        // That of the very name comes first, because it is the shortest.
        stems.sort_by_key(|(stem, _)| stem.len());
        let mut by_name = None;
        for (stem, files) in stems {
            let history = match store.archived_history_of(stem, files, &|_| false) {
                // One that cannot be read just now is not lost.
                Err(error) if error.code() == "IO" => return Err(error.into()),
                // One that is damaged is as good as none.
                Err(_) | Ok(None) => continue,
                Ok(Some(history)) => history,
            };
            let Some(newest) = history.operations().last().cloned() else { continue };
            if newest.abandoned || !matches!(history.last_document(), Ok(Some(_))) {
                continue;
            }
            let is_exact = stem == archived_as;
            let journal = JournalOfArchived { stem: stem.clone(), newest };
            match journal.intent() {
                Some(intent) if intent.archived_as == archived_as => return Ok(Some(journal)),
                None if is_exact && is_of(&history, session_id) => by_name = Some(journal),
                Some(_) | None => {}
            }
        }
        Ok(by_name)
    }
}

/// Finds the journal of the session that is archived as `archived_as`; nothing where it has none that can be read.
///
/// One that says so is taken first, and else one of that very name that says nothing else and whose document is of the
/// session `session_id`. That of another session is never taken.
pub fn find_journal(
    store: &Store,
    archived_as: &str,
    session_id: Option<&SessionId>,
) -> Result<Option<JournalOfArchived>, FileError> {
    JournalStems::list(store)?.find(store, archived_as, session_id)
}

/// Whether a stem is a name, or the name with a number behind it.
fn is_named_after(stem: &str, name: &str) -> bool {
    let Some(rest) = stem.strip_prefix(name) else { return false };
    rest.is_empty() || rest.strip_prefix('-').is_some_and(|n| n.parse::<u32>().is_ok())
}

fn is_of(history: &History, session_id: Option<&SessionId>) -> bool {
    let document = history.last_document().ok().flatten();
    let document = document.and_then(|text| Document::parse(text).ok());
    document.is_some_and(|document| Some(&document.session().session_id) == session_id)
}
