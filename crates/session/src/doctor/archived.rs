//! Archived sessions: whether they can still be read.

use maestro_session_model::Document;
use maestro_state_store::store::LockedStore;

use crate::doctor::finding::Finding;
use crate::workspace::Workspace;

impl Workspace {
    /// Returns which archived sessions cannot be read.
    pub(super) fn examine_archived(
        &self,
        locked: &LockedStore<'_>,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Vec<Finding> {
        let dir = self.state_dir();
        let listed = match locked.list(&dir.archive()) {
            Ok(listed) => listed,
            Err(error) => return vec![Finding::of_error(&error.into())],
        };
        let sessions: Vec<_> =
            listed.into_iter().filter(|listed| listed.name.strip_suffix(".md").is_some()).collect();
        let mut findings = Vec::new();
        for (done, listed) in sessions.iter().enumerate() {
            progress(done, sessions.len());
            let path = dir.archive().join(&listed.name);
            let unreadable = |finding: Finding| finding.at(dir.workspace(), &path);
            let message = || "an archived session cannot be read".to_owned();
            let advice = "it stays as it is; correct it where the error points, if it is needed";
            match locked.read_file(&path) {
                Err(error) => findings.push(Finding::of_error(&error.into())),
                Ok(bytes) => {
                    let text = String::from_utf8(bytes.unwrap_or_default());
                    let problem: Option<Box<dyn std::error::Error>> = match text {
                        Err(error) => Some(error.into()),
                        Ok(text) => Document::parse(text).err().map(Into::into),
                    };
                    if let Some(problem) = problem {
                        let finding = Finding::by_person("ARCHIVED_UNREADABLE", message(), advice);
                        findings.push(unreadable(finding.because_of(problem.as_ref())));
                    }
                }
            }
        }
        findings
    }
}
