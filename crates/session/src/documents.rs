//! The design and plan documents that a session is made of.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use maestro_archive::DocumentPlace;
use maestro_session_model::{
    DocumentName, Plan, PlanReport, RelPath, check_plan, free_name, read_plan,
};
use maestro_state_store::ContentHash;
use maestro_state_store::store::{LockedStore, Removal};

use crate::error::SessionError;
use crate::workspace::Workspace;

/// Where a document comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentSource {
    /// A file, relative to where the request is from, or absolute; it must lie in the workspace.
    File(String),
    /// A text that is to be written to `plans/`.
    Text {
        /// What the file is to be called; a name that is taken by another text gets a suffix.
        name: DocumentName,
        /// What it says.
        text: String,
    },
}

/// A document that was read, or that is still to be written.
pub(crate) struct FoundDocument {
    /// Where it is, relative to the workspace; for one that is to be written, where that would be.
    pub(crate) path: RelPath,
    pub(crate) text: String,
    /// Whether it is still to be written.
    pub(crate) is_new: bool,
}

/// Where a document of a session lies, and whether it was put there.
pub(crate) struct PlacedDocument {
    pub(crate) path: RelPath,
    /// The copy that was made, with its hash.
    pub(crate) copied: Option<(PathBuf, ContentHash)>,
}

impl Workspace {
    /// Checks a plan against the rules, without making anything of it.
    ///
    /// `file` is relative to `from`, or absolute; it must lie in the workspace.
    pub fn check_plan(&self, file: &str, from: &Path) -> Result<PlanReport, SessionError> {
        let plan = self.plan(&self.document(&DocumentSource::File(file.to_owned()), from)?)?;
        Ok(check_plan(&plan.outlines(), &self.plan_rules()))
    }

    pub(crate) fn plan(&self, document: &FoundDocument) -> Result<Plan, SessionError> {
        let path = self.state_dir().workspace().join(document.path.as_str());
        read_plan(&document.text).map_err(|source| SessionError::Plan { path, source })
    }

    /// Reads a document of the workspace that the user named, or takes the one that was given.
    pub(crate) fn document(
        &self,
        source: &DocumentSource,
        from: &Path,
    ) -> Result<FoundDocument, SessionError> {
        let dir = self.state_dir();
        match source {
            DocumentSource::File(file) => {
                let named = from.join(file);
                let (path, text) = dir.read_document(&named.to_string_lossy())?;
                Ok(FoundDocument { path, text, is_new: false })
            }
            DocumentSource::Text { name, text } => {
                let path = dir.relative().join("plans")?.join(name.as_str())?;
                Ok(FoundDocument { path, text: text.clone(), is_new: true })
            }
        }
    }

    /// Makes sure that a document lies in `plans/`: one from elsewhere is copied there.
    ///
    /// Nothing is overwritten. A copy that is there already is used; another file of that name makes the copy get a
    /// suffix.
    pub(crate) fn place(
        &self,
        locked: &mut LockedStore<'_>,
        document: &FoundDocument,
    ) -> Result<PlacedDocument, SessionError> {
        let dir = self.state_dir();
        let plans = dir.relative().join("plans")?;
        let name = document.path.file_name();
        let is_in_plans = !document.is_new
            && DocumentPlace::of(&document.path, &plans) == DocumentPlace::Plans
            // An archiving that was finished just now may have taken it along.
            && locked.is_there(&dir.workspace().join(document.path.as_str()))?;
        if is_in_plans {
            return Ok(PlacedDocument { path: document.path.clone(), copied: None });
        }
        // Without regard to case, because some file systems have none.
        let listed = locked.list(&dir.plans())?.into_iter();
        let taken: BTreeMap<String, String> =
            listed.map(|listed| (listed.name.to_lowercase(), listed.name)).collect();
        // A place that has this very text counts as free.
        let has_other_text = |name: &String| {
            let found = locked.read_file(&dir.plans().join(name)).ok().flatten();
            found.is_none_or(|bytes| bytes != document.text.as_bytes())
        };
        let name =
            free_name(name, |name| taken.get(&name.to_lowercase()).is_some_and(has_other_text));
        let (place, path) = (dir.plans().join(&name), plans.join(&name)?);
        if taken.contains_key(&name.to_lowercase()) {
            // Left by a process that died, perhaps, before it was durable; and now a session is to rely on it.
            locked.make_durable(&place)?;
            return Ok(PlacedDocument { path, copied: None });
        }
        let hash = locked.write_new(&place, document.text.as_bytes())?;
        Ok(PlacedDocument { path, copied: Some((place, hash)) })
    }
}

impl PlacedDocument {
    /// Takes the copy away again, for a session that did not come about.
    pub(crate) fn take_back(&self, locked: &mut LockedStore<'_>) {
        if let Some((place, hash)) = &self.copied {
            // Only tidiness: what is left does no harm, and the error that led here is the one to report.
            let _left: Result<Removal, _> = locked.remove_if_hash(place, *hash);
        }
    }
}
