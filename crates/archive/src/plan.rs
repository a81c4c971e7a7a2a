//! Decides what archiving a session would move, and where to. Touches nothing.

use std::collections::BTreeSet;

use maestro_session_model::{RelPath, Session, SessionStatus, Timestamp, free_name};
use maestro_state_store::ContentHash;
use serde::{Deserialize, Serialize};

/// What is there, as far as archiving has to know.
#[derive(Clone, Debug, Default)]
pub struct Present {
    /// The workspace, an absolute path.
    pub workspace: String,
    /// Where plans lie, relative to the workspace.
    pub plans: Option<RelPath>,
    /// The files below `plans/`, except those below `plans/archive/`, relative to the workspace.
    pub in_plans: BTreeSet<RelPath>,
    /// What else is there: folders and links.
    pub no_files: BTreeSet<RelPath>,
    /// The files in `plans/` that another session needs as well.
    pub in_use: BTreeSet<RelPath>,
    /// The names in `plans/archive/` that are taken.
    pub in_archived_plans: BTreeSet<String>,
    /// The names in `state/archive/` that are taken.
    pub in_archive: BTreeSet<String>,
}

/// What is to be moved where.
#[must_use = "a plan moves nothing"]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivePlan {
    /// The name of the archived session, without its ending: the session id, with a suffix if that is taken.
    pub archived_as: String,
    /// The documents that move.
    pub documents: Vec<DocumentMove>,
    /// The documents that stay where they are, and why.
    pub kept: Vec<KeptDocument>,
    /// The session as its archived document says it.
    pub session: Session,
}

/// A document on its way to the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentMove {
    /// Where it is, relative to the workspace.
    pub from: RelPath,
    /// Where it goes, relative to the workspace.
    pub to: RelPath,
    /// What is copied; known once the document was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<ContentHash>,
    /// Whether the original stays, because another session needs it as well: then the archive gets a copy.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stays: bool,
}

/// A document of the session that archiving leaves where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptDocument {
    /// Its path, as the session has it.
    pub path: String,
    /// Why it stays.
    pub reason: KeepReason,
}

/// Why a document stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeepReason {
    /// It does not lie in `plans/`.
    OutsidePlans,
    /// It lies in `plans/archive/` already.
    InArchive,
    /// It is not there.
    Missing,
    /// It is no regular file: a link is not followed.
    NotAFile,
    /// Another session needs it as well. The archive has a copy.
    InUse,
}

/// Decides what archiving `session` with `status` at `now` moves.
///
/// Only files below `plans/` move. A taken name gets a suffix. A document that is both design and plan moves once. One that
/// another session needs as well is copied.
pub fn plan(
    session: &Session,
    present: &Present,
    status: SessionStatus,
    now: Timestamp,
) -> ArchivePlan {
    let mut after = session.clone();
    after.status = status;
    after.updated = now.max(session.updated.next());
    let mut taken = present.in_archived_plans.clone();
    let mut documents: Vec<DocumentMove> = Vec::new();
    let mut kept = Vec::new();
    for document in [&mut after.design_document, &mut after.implementation_plan] {
        let Some(path) = document else { continue };
        let from = match in_plans(path, present) {
            Ok(from) => from,
            Err(reason) => {
                let path = path.clone();
                kept.push(KeptDocument { path, reason });
                continue;
            }
        };
        let Some(plans) = &present.plans else { continue };
        let known = documents.iter().find(|moved| moved.from == from).map(|moved| moved.to.clone());
        let to = known.or_else(|| {
            let free = free(from.file_name(), &taken);
            let to = plans.join(&format!("archive/{free}")).ok()?;
            taken.insert(free);
            let stays = present.in_use.contains(&from);
            if stays {
                kept.push(KeptDocument { path: from.to_string(), reason: KeepReason::InUse });
            }
            documents.push(DocumentMove { from, to: to.clone(), hash: None, stays });
            Some(to)
        });
        if let Some(to) = to {
            *path = to.to_string();
        }
    }
    let archived_as = free_stem(session.session_id.as_str(), &present.in_archive);
    ArchivePlan { archived_as, documents, kept, session: after }
}

/// Where a document lies, as far as its path says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentPlace {
    /// Below `plans/`, and not below `plans/archive/`.
    Plans,
    /// Below `plans/archive/`.
    Archive,
    /// Anywhere else in the workspace.
    Outside,
}

impl DocumentPlace {
    /// Says where `path` lies; `plans` is the folder of plans, and both are relative to the workspace.
    pub fn of(path: &RelPath, plans: &RelPath) -> Self {
        if path == plans || !path.starts_with(plans) {
            Self::Outside
        } else if plans.join("archive").is_ok_and(|archive| path.starts_with(&archive)) {
            Self::Archive
        } else {
            Self::Plans
        }
    }
}

/// The place of a document that lies below `plans/` and is there.
fn in_plans(path: &str, present: &Present) -> Result<RelPath, KeepReason> {
    let path = RelPath::within(&present.workspace, path).map_err(|_| KeepReason::OutsidePlans)?;
    let plans = present.plans.as_ref().ok_or(KeepReason::OutsidePlans)?;
    match DocumentPlace::of(&path, plans) {
        DocumentPlace::Outside => return Err(KeepReason::OutsidePlans),
        DocumentPlace::Archive => {
            let is_there = present.in_archived_plans.contains(path.file_name());
            return Err(if is_there { KeepReason::InArchive } else { KeepReason::Missing });
        }
        DocumentPlace::Plans => {}
    }
    if present.in_plans.contains(&path) {
        Ok(path)
    } else if present.no_files.contains(&path) {
        Err(KeepReason::NotAFile)
    } else {
        Err(KeepReason::Missing)
    }
}

/// The stem, or with a suffix, under which neither a session nor its journal nor its ledger is in the archive.
pub(crate) fn free_stem(stem: &str, in_archive: &BTreeSet<String>) -> String {
    let name = free_name(&format!("{stem}.md"), |name| {
        let prefix = name.trim_end_matches("md").to_lowercase();
        in_archive.iter().any(|other| other.to_lowercase().starts_with(&prefix))
    });
    name.trim_end_matches(".md").to_owned()
}

/// The name, or with a suffix, that is free without regard to case, because some file systems have none.
pub(crate) fn free(name: &str, taken: &BTreeSet<String>) -> String {
    free_name(name, |name| taken.iter().any(|other| other.to_lowercase() == name.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use maestro_session_model::{Document, FrontMatter};

    use super::*;

    fn session(design: Option<&str>, plan: Option<&str>) -> Session {
        let text = "---\nsession_id: 2026-01-15-a\ncreated: 2026-01-15T10:00:00Z\n\
                    updated: 2026-01-15T10:00:00Z\nstatus: in_progress\nphases: []\n---\n";
        let mut session = Document::parse(text.to_owned()).unwrap().session().clone();
        session.design_document = design.map(str::to_owned);
        session.implementation_plan = plan.map(str::to_owned);
        assert!(Document::create(session.clone(), FrontMatter::Yaml).is_canonical());
        session
    }

    fn present(in_plans: &[&str], in_archived_plans: &[&str], in_archive: &[&str]) -> Present {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let plans = RelPath::parse("docs/maestro/plans").unwrap();
        Present {
            workspace: "/home/u/app".to_owned(),
            in_plans: in_plans.iter().map(|name| plans.join(name).unwrap()).collect(),
            no_files: [plans.join("link.md").unwrap()].into(),
            in_use: BTreeSet::new(),
            plans: Some(plans),
            in_archived_plans: names(in_archived_plans),
            in_archive: names(in_archive),
        }
    }

    fn planned(session: &Session, present: &Present) -> ArchivePlan {
        plan(session, present, SessionStatus::Completed, session.updated)
    }

    #[test]
    fn documents_move_to_the_archive_and_the_session_points_there() {
        let session = session(
            Some("/home/u/app/docs/maestro/plans/design.md"),
            Some("docs/maestro/plans/plan.md"),
        );
        let plan = planned(&session, &present(&["design.md", "plan.md", "other.md"], &[], &[]));
        let moved: Vec<&str> = plan.documents.iter().map(|moved| moved.to.as_str()).collect();
        assert_eq!(
            moved,
            ["docs/maestro/plans/archive/design.md", "docs/maestro/plans/archive/plan.md"]
        );
        assert_eq!(plan.session.design_document.as_deref(), Some(moved[0]));
        assert_eq!(plan.session.implementation_plan.as_deref(), Some(moved[1]));
        assert_eq!(plan.session.status, SessionStatus::Completed);
        assert_eq!(plan.archived_as, "2026-01-15-a");
    }

    #[test]
    fn a_taken_name_gets_a_suffix() {
        let session = session(None, Some("docs/maestro/plans/plan.md"));
        let plan = planned(
            &session,
            &present(&["plan.md"], &["Plan.md", "plan-2.md"], &["2026-01-15-a.md"]),
        );
        assert_eq!(plan.documents[0].to.file_name(), "plan-3.md");
        assert_eq!(plan.archived_as, "2026-01-15-a-2");
    }

    #[test]
    fn one_file_that_is_design_and_plan_moves_once() {
        let path = Some("docs/maestro/plans/both.md");
        let plan = planned(&session(path, path), &present(&["both.md"], &[], &[]));
        assert_eq!(plan.documents.len(), 1);
        assert_eq!(plan.session.design_document, plan.session.implementation_plan);
    }

    #[test]
    fn what_is_not_in_plans_stays_where_it_is() {
        let reasons = |design, implementation| {
            let session = session(Some(design), Some(implementation));
            let plan = planned(&session, &present(&["x.md"], &["old.md"], &[]));
            assert_eq!(plan.documents, []);
            assert_eq!(plan.session.design_document, session.design_document);
            plan.kept.iter().map(|kept| kept.reason).collect::<Vec<_>>()
        };
        assert_eq!(
            reasons("docs/design.md", "docs/maestro/plans/gone.md"),
            [KeepReason::OutsidePlans, KeepReason::Missing]
        );
        assert_eq!(
            reasons("docs/maestro/plans", "docs/maestro/plans/archive/old.md"),
            [KeepReason::OutsidePlans, KeepReason::InArchive]
        );
        assert_eq!(
            reasons("docs/maestro/plans/link.md", "docs/maestro/plans/archive/gone.md"),
            [KeepReason::NotAFile, KeepReason::Missing]
        );
    }

    #[test]
    fn a_document_in_a_folder_of_plans_moves_too() {
        let session = session(Some("docs/maestro/plans/a/x.md"), Some("docs/maestro/plans/b/x.md"));
        let plan = planned(&session, &present(&["a/x.md", "b/x.md"], &[], &[]));
        let moved: Vec<&str> = plan.documents.iter().map(|moved| moved.to.file_name()).collect();
        assert_eq!(moved, ["x.md", "x-2.md"]);
    }

    #[test]
    fn a_document_that_another_session_needs_is_copied() {
        let session = session(Some("docs/maestro/plans/both.md"), None);
        let mut present = present(&["both.md"], &[], &[]);
        present.in_use.clone_from(&present.in_plans);
        let plan = planned(&session, &present);
        assert!(plan.documents[0].stays);
        assert_eq!(plan.kept[0].reason, KeepReason::InUse);
        assert_eq!(
            plan.session.design_document.as_deref(),
            Some("docs/maestro/plans/archive/both.md")
        );
    }

    #[test]
    fn a_session_without_documents_moves_alone() {
        let plan = planned(&session(None, None), &present(&[], &[], &[]));
        assert_eq!((plan.documents, plan.kept), (vec![], vec![]));
    }
}
