//! The checks of the archive protocol, for one session: right after it was archived, and at any time later.
//!
//! Looking changes nothing. What was left behind though its copy is in the archive, and identical, can be removed after that.

use std::collections::BTreeSet;

use maestro_session_model::{Document, RelPath, SessionId};
use maestro_state_store::store::{FileError, LockedStore, Removal};
use maestro_state_store::{ContentHash, Store};
use serde::Serialize;

use crate::archived::archived_file;
use crate::execute::{Intent, approved_designs, place};
use crate::finish::hash_of;
use crate::journal::{JournalOfArchived, JournalStems};
use crate::plan::{DocumentMove, DocumentPlace, KeepReason};
use crate::restore::plan::{PresentDocuments, whereabouts_of};

/// One check of the archive protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What has to be so.
    pub name: &'static str,
    /// Whether it is.
    pub passed: bool,
    /// What was found where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
}

impl Check {
    /// The check that an archived session can be read; `found` is what cannot.
    pub(crate) fn session_is_readable(found: Option<String>) -> Self {
        Self { name: "archived session is readable", passed: found.is_none(), found }
    }
}

/// What speaks against an archived session being where it belongs, whole. Paths are relative to the workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Objections {
    /// The session file, if the session is still active.
    pub(crate) active: Option<String>,
    /// Its documents that are still in `plans/`.
    pub(crate) left: Vec<String>,
    /// Its archived documents that cannot be read, or are not what was copied.
    pub(crate) documents: Vec<String>,
    /// The archived session, if it cannot be read, or is not what was written.
    pub(crate) session: Option<String>,
}

impl Objections {
    /// Returns the four checks of the protocol.
    pub(crate) fn into_checks(self) -> Vec<Check> {
        let listed =
            |files: Vec<String>| if files.is_empty() { None } else { Some(files.join(", ")) };
        let check = |name, found: Option<String>| Check { name, passed: found.is_none(), found };
        vec![
            check("no active session file", self.active),
            check("no document of this session left in plans", listed(self.left)),
            check("archived documents are readable", listed(self.documents)),
            Check::session_is_readable(self.session),
        ]
    }
}

/// An archived session that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerifiedSession {
    /// The name of its file without the ending.
    pub id: String,
    /// The checks.
    pub checks: Vec<Check>,
    /// What is no fault, but worth knowing: what was edited since, or cannot be said.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Documents that were left in `plans/` though the archive has an identical copy, and what is in them.
    #[serde(skip)]
    pub leftovers: Vec<(RelPath, ContentHash)>,
}

impl VerifiedSession {
    /// Whether all checks passed.
    pub fn is_verified(&self) -> bool {
        self.checks.iter().all(|check| check.passed)
    }
}

/// The active session, as whoever looks at archived ones has to know it.
#[derive(Clone, Copy, Debug)]
pub enum Active<'d> {
    /// There is none.
    None,
    /// There is one, with this document.
    Session(&'d Document),
    /// There is one, and it cannot be read. So nobody can say which documents it needs.
    Unreadable,
}

/// What is around archived sessions, looked at once for all of them.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The active session, and whether it has a journal: then it is no leftover of an archived one.
    active: Option<(SessionId, bool)>,
    /// Documents in `plans/` that are needed there: by the active session, or by one that waits to be begun. Nothing if that
    /// cannot be said.
    in_use: Option<BTreeSet<RelPath>>,
    present: PresentDocuments,
    journals: JournalStems,
}

impl Surroundings {
    /// Looks around.
    pub fn look(
        store: &Store,
        active: Active<'_>,
        present: PresentDocuments,
    ) -> Result<Self, FileError> {
        let session = match active {
            Active::Session(document) => Some(document.session()),
            Active::None | Active::Unreadable => None,
        };
        let in_use = match active {
            Active::Unreadable => None,
            Active::None | Active::Session(_) => {
                let documents =
                    session.map(|session| [&session.design_document, &session.implementation_plan]);
                let named = documents.into_iter().flatten().flatten();
                let needed =
                    named.filter_map(|path| RelPath::within(&present.workspace, path).ok());
                Some(needed.chain(approved_designs(store, None)?).collect())
            }
        };
        let journals = JournalStems::list(store)?;
        let active = match session.map(|session| session.session_id.clone()) {
            Some(id) => {
                let has_journal = store.journals()?.contains(&id);
                Some((id, has_journal))
            }
            None => None,
        };
        Ok(Self { active, in_use, present, journals })
    }
}

/// Checks that the archived session `id`, exactly that name, is where it belongs, whole. Changes nothing.
pub fn verify_archived(
    store: &Store,
    id: &str,
    around: &Surroundings,
) -> Result<VerifiedSession, FileError> {
    let dir = store.dir();
    let path = archived_file(dir, id);
    let mut objections = Objections::default();
    let mut notes = Vec::new();
    let bytes = match store.read_file(&path) {
        Ok(bytes) => bytes,
        Err(error) => {
            objections.session = Some(format!("{}: {error}", dir.show(&path)));
            None
        }
    };
    let parsed = bytes.as_ref().map(|bytes| {
        let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        Document::parse(text.to_owned()).map_err(|error| error.to_string())
    });
    let document = match parsed {
        Some(Ok(document)) => Some(document),
        Some(Err(problem)) => {
            objections.session = Some(format!("{}: {problem}", dir.show(&path)));
            None
        }
        None => {
            let gone = || format!("{} is gone", dir.show(&path));
            objections.session.get_or_insert_with(gone);
            None
        }
    };
    let session = document.as_ref().map(Document::session);
    let session_id = session.map(|session| &session.session_id);
    match around.active.as_ref().filter(|(active, _)| Some(active) == session_id) {
        Some((_, true)) => notes.push("another session with the same id is active".to_owned()),
        Some((_, false)) => objections.active = Some(dir.show(&dir.active_session())),
        None => {}
    }
    if around.in_use.is_none() {
        notes.push(
            "the active session cannot be read, so nobody can say what in plans it needs"
                .to_owned(),
        );
    }
    let journal = around.journals.find(store, id, session_id)?;
    let intent = journal.as_ref().and_then(JournalOfArchived::intent);
    let mut leftovers = Vec::new();
    if let Some(intent) = &intent {
        if bytes.is_some_and(|bytes| ContentHash::of(&bytes) != intent.after) {
            notes.push(format!("{} was edited since it was archived", dir.show(&path)));
        }
        for moved in &intent.documents {
            let copy = look_at_copy(store, moved, &mut objections, &mut notes);
            leftovers.extend(leftover(store, moved, copy, around));
        }
        for kept in &intent.kept {
            let is_gone = whereabouts_of(&kept.path, &around.present).is_none();
            match kept.reason {
                KeepReason::InArchive if is_gone => {
                    objections.documents.push(format!("{} is gone", kept.path));
                }
                KeepReason::Missing => {
                    notes.push(format!("{} was gone when the session was archived", kept.path));
                }
                KeepReason::InArchive
                | KeepReason::OutsidePlans
                | KeepReason::NotAFile
                | KeepReason::InUse => {}
            }
        }
    } else if let Some(session) = session {
        notes.push("no journal says what was archived with it".to_owned());
        for named in [&session.design_document, &session.implementation_plan].into_iter().flatten()
        {
            if is_in_plans(named, around) && whereabouts_of(named, &around.present).is_none() {
                objections.documents.push(format!("{named} is gone"));
            }
        }
    }
    objections.left = leftovers.iter().map(|(path, _)| path.to_string()).collect();
    Ok(VerifiedSession { id: id.to_owned(), checks: objections.into_checks(), notes, leftovers })
}

/// Looks at the archived copy of a document, and returns the hash of what is in it.
fn look_at_copy(
    store: &Store,
    moved: &DocumentMove,
    objections: &mut Objections,
    notes: &mut Vec<String>,
) -> Option<ContentHash> {
    let path = place(store.dir().workspace(), &moved.to);
    match store.read_file(&path) {
        Ok(Some(bytes)) => {
            let hash = ContentHash::of(&bytes);
            if Some(hash) != moved.hash {
                notes.push(format!("{} was edited since it was archived", moved.to));
            }
            Some(hash)
        }
        Ok(None) => {
            objections.documents.push(format!("{} is gone", moved.to));
            None
        }
        Err(error) => {
            objections.documents.push(format!("{}: {error}", moved.to));
            None
        }
    }
}

/// The original of an archived document, if it is still there, is what was archived, and nobody needs it.
fn leftover(
    store: &Store,
    moved: &DocumentMove,
    copy: Option<ContentHash>,
    around: &Surroundings,
) -> Option<(RelPath, ContentHash)> {
    if moved.stays || around.in_use.as_ref()?.contains(&moved.from) {
        return None;
    }
    let original = store.read_file(&place(store.dir().workspace(), &moved.from)).ok().flatten()?;
    let hash = ContentHash::of(&original);
    // Another text under the name is another document.
    (Some(hash) == moved.hash && copy == Some(hash)).then(|| (moved.from.clone(), hash))
}

/// Whether a document that a session names lies below `plans/`, in the archive or not.
fn is_in_plans(named: &str, around: &Surroundings) -> bool {
    let path = RelPath::within(&around.present.workspace, named).ok();
    let place = path.zip(around.present.plans.as_ref());
    place.is_some_and(|(path, plans)| DocumentPlace::of(&path, plans) != DocumentPlace::Outside)
}

/// Removes what was left behind, where it is still the same; returns what was removed, relative to the workspace.
pub fn remove_leftovers(
    locked: &mut LockedStore<'_>,
    leftovers: &[(RelPath, ContentHash)],
) -> Result<Vec<RelPath>, FileError> {
    let workspace = locked.dir().workspace().to_owned();
    let mut removed = Vec::new();
    for (path, hash) in leftovers {
        if locked.remove_if_hash(&place(&workspace, path), *hash)? == Removal::Removed {
            removed.push(path.clone());
        }
    }
    Ok(removed)
}

/// Looks at a session that was archived just now, whose leftovers are removed on the way.
pub(crate) fn verify_now(
    locked: &mut LockedStore<'_>,
    intent: &Intent,
) -> Result<Vec<Check>, FileError> {
    let dir = locked.dir().clone();
    let workspace = dir.workspace();
    let mut objections = Objections::default();
    for moved in &intent.documents {
        let Some(hash) = moved.hash else { continue };
        let original = place(workspace, &moved.from);
        if !moved.stays && locked.remove_if_hash(&original, hash)? == Removal::Changed {
            objections.left.push(moved.from.to_string());
        }
        if hash_of(locked, &place(workspace, &moved.to))? != Some(hash) {
            objections.documents.push(moved.to.to_string());
        }
    }
    let archived = archived_file(&dir, &intent.archived_as);
    let is_there = hash_of(locked, &archived)? == Some(intent.after);
    objections.session = (!is_there).then(|| dir.show(&archived));
    let active = dir.active_session();
    objections.active = locked.read_file(&active)?.map(|_| dir.show(&active));
    Ok(objections.into_checks())
}
