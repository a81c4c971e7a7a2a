//! What may have changed behind the back of the active session: the session and its journal, compared with the workspace.
//!
//! Joins what is recorded to what is there. What counts as a conflict decides `maestro_resume`.

use std::collections::BTreeMap;

use maestro_resume::{
    Conflict, DocumentRole, FoundDocument, Questions, Survey, document_conflict, file_conflicts,
    needs_contents,
};
use maestro_session_model::Session;
use maestro_state_store::StateDirError;

use crate::error::SessionError;
use crate::workspace::Workspace;

impl Workspace {
    /// Compares the files that the active session wrote and plans to write with what it recorded of them.
    ///
    /// The order is that in which people read it: phases that were begun and have not ended well, files of manifests by
    /// their paths, then design and plan. What the session itself did since is no conflict. Files are compared by their
    /// contents; one whose size and times are those that were recorded is not read again. Where nothing was recorded, as of
    /// a session that was taken over, a file conflicts that was written more than two seconds ([`maestro_resume::SLACK`])
    /// after its phase ended; a file that a phase plans counts as touched from two seconds before the phase began.
    ///
    /// `progress` is told how many of how many files have been looked at: after each, and again for every MiB that is read
    /// of a large one. Takes no lock and changes nothing. What cannot be read is a conflict, not an error. A manifest may
    /// name what is no file of the workspace; that is passed by.
    pub fn conflicts(
        &self,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Vec<Conflict>, SessionError> {
        let document = self.read()?.ok_or_else(|| self.no_session())?;
        self.conflicts_of(document.session(), progress)
    }

    /// Does the same for `session`, the active one as it was read.
    pub(crate) fn conflicts_of(
        &self,
        session: &Session,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Vec<Conflict>, SessionError> {
        let baselines = self.baselines(&session.session_id)?;
        let questions = Questions::of(session, &|text| self.relative(text).ok());
        let files = questions.files();
        let (dir, now, all) = (self.state_dir(), self.env.now(), files.len());
        let mut survey = Survey::new(dir.disk(), dir.workspace());
        let mut found = BTreeMap::new();
        progress(0, all);
        for path in files {
            let done = found.len();
            let remembered = baselines.of(path);
            let wants_contents = |file: &_| {
                remembered.is_some_and(|remembered| needs_contents(remembered, file, now))
            };
            let state = survey.look(path, wants_contents, &mut || progress(done, all));
            found.insert(path.clone(), state);
            progress(found.len(), all);
        }
        let mut conflicts = file_conflicts(&questions, &baselines, &found);
        let documents = &baselines.documents;
        for (role, path, record) in [
            (DocumentRole::Design, &session.design_document, &documents.design),
            (DocumentRole::Plan, &session.implementation_plan, &documents.plan),
        ] {
            let Some(path) = path else { continue };
            conflicts.extend(document_conflict(
                role,
                path,
                record.as_ref(),
                &self.found_document(path),
            ));
        }
        Ok(conflicts)
    }

    fn found_document(&self, path: &str) -> FoundDocument {
        match self.state_dir().read_document(path) {
            Ok((_, text)) => FoundDocument::Text(text),
            Err(StateDirError::DocumentMissing { .. }) => FoundDocument::Missing,
            Err(error) => FoundDocument::Unreadable { reason: error.to_string() },
        }
    }
}
