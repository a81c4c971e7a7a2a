//! Decides what comes back with a session, and where it goes. Touches nothing.

use std::collections::BTreeSet;

use maestro_session_model::{RelPath, Session, SessionStatus, Timestamp, free_name};
use maestro_state_store::ContentHash;
use serde::{Deserialize, Serialize};

use crate::plan::{DocumentMove, DocumentPlace, KeepReason, KeptDocument};

/// What is there, as far as restoring has to know.
#[derive(Clone, Debug, Default)]
pub struct PresentDocuments {
    /// The workspace, an absolute path.
    pub workspace: String,
    /// Where plans lie, relative to the workspace.
    pub plans: Option<RelPath>,
    /// What is below `plans/` and is no folder, except in `plans/archive/`, relative to the workspace.
    pub in_plans: BTreeSet<RelPath>,
    /// The folders there.
    pub folders: BTreeSet<RelPath>,
    /// The names of the files in `plans/archive/`.
    pub in_archived_plans: BTreeSet<String>,
}

/// What comes back, and where it goes.
#[must_use = "a plan moves nothing"]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestorePlan {
    /// The documents that come back.
    pub documents: Vec<ReturningDocument>,
    /// The documents that stay where they are, and why.
    pub kept: Vec<KeptDocument>,
    /// The session as its document says it then.
    pub session: Session,
}

/// A document on its way back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturningDocument {
    /// Where it is, relative to the workspace.
    pub from: RelPath,
    /// Where it goes, relative to the workspace.
    pub to: RelPath,
    /// What is copied; known once the document was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<ContentHash>,
    /// Whether it had another name before it was archived, which is taken now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_renamed: bool,
    /// Whether it stays in the archive as well, because nothing says that it is this session's alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_copied: bool,
}

/// Where a document of an archived session is.
enum Whereabouts {
    /// In `plans/archive/`, whether the session says so or says that it is in `plans/`, as the Node server leaves it.
    Archived(String),
    /// In `plans/`.
    InPlans,
    Elsewhere(KeepReason),
}

/// Decides what restoring `session` at `now` brings back, whose archiving moved `archived` before.
///
/// Documents in `plans/archive/` go back under the names that they had. A taken name gets a suffix. A document that is both
/// design and plan comes back once.
pub fn plan_restoring(
    session: &Session,
    archived: &[DocumentMove],
    present: &PresentDocuments,
    now: Timestamp,
) -> RestorePlan {
    let mut after = session.clone();
    after.status = SessionStatus::InProgress;
    after.updated = now.max(session.updated.next());
    let mut taken: BTreeSet<RelPath> = present.in_plans.union(&present.folders).cloned().collect();
    let mut documents: Vec<ReturningDocument> = Vec::new();
    let mut kept = Vec::new();
    for document in [&mut after.design_document, &mut after.implementation_plan] {
        let (Some(path), Some(plans)) = (document, &present.plans) else { continue };
        let name = match whereabouts(path, plans, present) {
            Whereabouts::Archived(name) => name,
            Whereabouts::InPlans => continue,
            Whereabouts::Elsewhere(reason) => {
                kept.push(KeptDocument { path: path.clone(), reason });
                continue;
            }
        };
        let Ok(from) = plans.join(&format!("archive/{name}")) else { continue };
        let known = documents.iter().find(|other| other.from == from).map(|other| other.to.clone());
        let to = known.or_else(|| {
            let moved = archived.iter().find(|moved| moved.to == from);
            // Where nothing says that it came with this session, another one may need it there.
            let is_copied = moved.is_none();
            let before = moved.map_or_else(|| plans.join(&name).ok(), |m| Some(m.from.clone()))?;
            let to = free_place(&before, plans, present, &taken)?;
            let is_renamed = to != before;
            taken.insert(to.clone());
            let to_plan = to.clone();
            documents.push(ReturningDocument { from, to, hash: None, is_renamed, is_copied });
            Some(to_plan)
        });
        if let Some(to) = to {
            *path = to.to_string();
        }
    }
    RestorePlan { documents, kept, session: after }
}

/// The place that a document had, or with a suffix. Where a file has come in the place of its folder, it is one in `plans/`.
fn free_place(
    before: &RelPath,
    plans: &RelPath,
    present: &PresentDocuments,
    taken: &BTreeSet<RelPath>,
) -> Option<RelPath> {
    let same = |a: &str, b: &RelPath| a.to_lowercase() == b.as_str().to_lowercase();
    let is_reachable = |folder: &str| {
        let ancestors = folder.match_indices('/').map(|(end, _)| &folder[..end]);
        !ancestors.chain([folder]).any(|a| present.in_plans.iter().any(|file| same(a, file)))
    };
    let folder = before.as_str().rsplit_once('/').map(|(folder, _)| folder);
    let folder = folder.filter(|folder| is_reachable(folder)).unwrap_or(plans.as_str());
    let name = free_name(before.file_name(), |name| {
        let place = format!("{folder}/{name}");
        taken.iter().any(|taken| same(&place, taken))
    });
    RelPath::parse(&format!("{folder}/{name}")).ok()
}

/// Where a document is that a session names.
fn whereabouts(path: &str, plans: &RelPath, present: &PresentDocuments) -> Whereabouts {
    let elsewhere = Whereabouts::Elsewhere;
    let Ok(path) = RelPath::within(&present.workspace, path) else {
        return elsewhere(KeepReason::OutsidePlans);
    };
    let name = path.file_name().to_owned();
    let is_archived = present.in_archived_plans.contains(&name);
    match DocumentPlace::of(&path, plans) {
        DocumentPlace::Outside => elsewhere(KeepReason::OutsidePlans),
        DocumentPlace::Plans if present.in_plans.contains(&path) => Whereabouts::InPlans,
        DocumentPlace::Plans | DocumentPlace::Archive if is_archived => Whereabouts::Archived(name),
        DocumentPlace::Plans | DocumentPlace::Archive => elsewhere(KeepReason::Missing),
    }
}

/// Returns where the document is that an archived session names, relative to the workspace; nothing where it is neither in
/// `plans/` nor in its archive.
pub fn whereabouts_of(path: &str, present: &PresentDocuments) -> Option<String> {
    let plans = present.plans.as_ref()?;
    match whereabouts(path, plans, present) {
        Whereabouts::Archived(name) => {
            plans.join(&format!("archive/{name}")).ok().map(|path| path.to_string())
        }
        Whereabouts::InPlans => {
            RelPath::within(&present.workspace, path).ok().map(|path| path.to_string())
        }
        Whereabouts::Elsewhere(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use maestro_session_model::Document;

    use super::*;

    fn session(design: Option<&str>, plan: Option<&str>) -> Session {
        let text = "---\nsession_id: 2026-01-15-a\ncreated: 2026-01-15T10:00:00Z\n\
                    updated: 2026-01-15T10:00:00Z\nstatus: completed\nphases: []\n---\n";
        let mut session = Document::parse(text.to_owned()).unwrap().session().clone();
        session.design_document = design.map(str::to_owned);
        session.implementation_plan = plan.map(str::to_owned);
        session
    }

    fn planned(
        session: &Session,
        archived: &[(&str, &str)],
        in_plans: &[&str],
        in_archived_plans: &[&str],
    ) -> RestorePlan {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let path = |name: &str| RelPath::parse(&format!("docs/maestro/plans/{name}")).unwrap();
        let archived: Vec<DocumentMove> = archived
            .iter()
            .map(|(from, to)| DocumentMove {
                from: path(from),
                to: path(to),
                hash: None,
                stays: false,
            })
            .collect();
        let present = PresentDocuments {
            workspace: "/home/u/app".to_owned(),
            plans: Some(RelPath::parse("docs/maestro/plans").unwrap()),
            in_plans: in_plans.iter().copied().map(path).collect(),
            folders: [path("archive")].into(),
            in_archived_plans: names(in_archived_plans),
        };
        plan_restoring(session, &archived, &present, session.updated)
    }

    #[test]
    fn documents_come_back_under_the_names_they_had() {
        let session = session(
            Some("docs/maestro/plans/archive/design.md"),
            Some("docs/maestro/plans/archive/plan-2.md"),
        );
        let plan = planned(
            &session,
            &[("plan.md", "archive/plan-2.md")],
            &[],
            &["design.md", "plan.md", "plan-2.md"],
        );
        let to: Vec<&str> = plan.documents.iter().map(|back| back.to.as_str()).collect();
        assert_eq!(to, ["docs/maestro/plans/design.md", "docs/maestro/plans/plan.md"]);
        assert!(plan.documents.iter().all(|back| !back.is_renamed));
        // The journal says nothing of the design: it may have come with another session.
        let is_copied: Vec<bool> = plan.documents.iter().map(|back| back.is_copied).collect();
        assert_eq!(is_copied, [true, false]);
        assert_eq!(plan.session.design_document.as_deref(), Some(to[0]));
        assert_eq!(plan.session.implementation_plan.as_deref(), Some(to[1]));
        assert_eq!(plan.session.status, SessionStatus::InProgress);
        assert!(session.updated < plan.session.updated);
    }

    #[test]
    fn a_taken_name_gets_a_suffix() {
        let session = session(None, Some("docs/maestro/plans/archive/plan.md"));
        let plan = planned(&session, &[], &["Plan.md"], &["plan.md"]);
        assert_eq!(plan.documents[0].to.file_name(), "plan-2.md");
        assert!(plan.documents[0].is_renamed);
    }

    #[test]
    fn a_document_comes_back_to_its_folder_unless_a_file_is_there() {
        let session = session(None, Some("docs/maestro/plans/archive/plan.md"));
        let moved = [("a/b/plan.md", "archive/plan.md")];
        for (in_plans, to, is_renamed) in [
            (&[][..], "a/b/plan.md", false),
            (&["a/b/PLAN.md"], "a/b/plan-2.md", true),
            (&["a"], "plan.md", true),
            (&["A/b"], "plan.md", true),
        ] {
            let plan = planned(&session, &moved, in_plans, &["plan.md"]);
            let back = &plan.documents[0];
            assert_eq!(back.to.as_str(), format!("docs/maestro/plans/{to}"));
            assert_eq!(back.is_renamed, is_renamed, "{to}");
        }
    }

    #[test]
    fn one_file_that_is_design_and_plan_comes_back_once() {
        let path = Some("docs/maestro/plans/archive/both.md");
        let plan = planned(&session(path, path), &[], &[], &["both.md"]);
        assert_eq!(plan.documents.len(), 1);
        assert_eq!(plan.session.design_document, plan.session.implementation_plan);
    }

    #[test]
    fn what_the_node_server_archived_is_copied_because_it_may_be_of_two_sessions() {
        let session = session(Some("/home/u/app/docs/maestro/plans/design.md"), None);
        let plan = planned(&session, &[], &[], &["design.md"]);
        assert!(plan.documents[0].is_copied);
        assert_eq!(plan.documents[0].to.as_str(), "docs/maestro/plans/design.md");
    }

    #[test]
    fn what_is_elsewhere_stays_there() {
        let session = session(Some("docs/design.md"), Some("docs/maestro/plans/archive/gone.md"));
        let plan = planned(&session, &[], &[], &[]);
        let reasons: Vec<KeepReason> = plan.kept.iter().map(|kept| kept.reason).collect();
        assert_eq!(reasons, [KeepReason::OutsidePlans, KeepReason::Missing]);
        assert_eq!(plan.session.design_document, session.design_document);
        let session = self::session(Some("docs/maestro/plans/never-moved.md"), None);
        let plan = planned(&session, &[], &["never-moved.md"], &["never-moved.md"]);
        assert_eq!((plan.documents, plan.kept), (vec![], vec![]));
    }
}
