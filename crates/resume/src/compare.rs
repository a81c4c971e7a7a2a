//! What the files of a session are compared with, and what comes of it.
//!
//! Pure: takes the session, what it remembers, and what was found. A file is the concern of one phase: of one that was begun
//! and has not ended well and that has it in its plan, else of the phase that completed last with it in its manifest. So what
//! later phases did to it is no conflict of an earlier one.

use std::collections::{BTreeMap, BTreeSet};

use maestro_session_model::{Phase, PhaseId, PhaseStatus, RelPath, Session, Timestamp};
use maestro_state_store::ContentHash;

use crate::baseline::{Baselines, DocumentRecord, RecordedState, Remembered};
use crate::conflict::{
    Conflict, ConflictKind, DocumentRole, Evidence, FileConflict, PartialFile, PartialState,
};
use crate::diff::unified_diff;
use crate::found::{Found, FoundFile};

/// What has to be looked at to find the conflicts of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Questions {
    /// Phases that were begun and have not ended well, in the order of the plan.
    partial: Vec<Partial>,
    /// Files of manifests.
    claims: BTreeMap<RelPath, Claim>,
    /// What completed phases say of files that are now the concern of phases in `partial`.
    left: BTreeMap<RelPath, Claim>,
}

/// A phase that was begun and has not ended well.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Partial {
    phase: PhaseId,
    started: Option<Timestamp>,
    files: BTreeSet<RelPath>,
}

/// What a phase says of a file in its manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Claim {
    phase: PhaseId,
    completed: Option<Timestamp>,
    /// Whether it says that it deleted the file.
    is_deleted: bool,
}

impl Claim {
    /// Whether a record says what this phase left, or somebody after it: one from before says what another phase left.
    fn allows(&self, remembered: &Remembered) -> bool {
        self.completed.is_none_or(|at| at <= remembered.recorded)
    }
}

impl Questions {
    /// Finds out what has to be looked at. `to_path` reads what a session says of a file; what it refuses is no file of the
    /// workspace, and is left out.
    pub fn of(session: &Session, to_path: &dyn Fn(&str) -> Option<RelPath>) -> Self {
        let paths = |files: &[String]| -> Vec<RelPath> {
            files.iter().filter_map(|file| to_path(file)).collect()
        };
        let mut questions = Self::default();
        let mut completed = Vec::new();
        for phase in &session.phases {
            match phase.status {
                PhaseStatus::InProgress | PhaseStatus::Failed => {
                    let lists = [&phase.planned_files, &phase.files_created, &phase.files_modified];
                    questions.partial.push(Partial {
                        phase: phase.id.clone(),
                        started: phase.started,
                        files: lists.into_iter().flat_map(|files| paths(files)).collect(),
                    });
                }
                PhaseStatus::Completed => completed.push(phase),
                PhaseStatus::Pending | PhaseStatus::Skipped => {}
            }
        }
        // Later ones come later, and of two that ended at once the later one of the plan.
        completed.sort_by_key(|phase| phase.completed);
        for phase in completed {
            questions.claim(phase, &paths);
        }
        for file in questions.partial.iter().flat_map(|partial| &partial.files) {
            if let Some(claim) = questions.claims.remove(file) {
                questions.left.insert(file.clone(), claim);
            }
        }
        questions
    }

    fn claim(&mut self, phase: &Phase, paths: &dyn Fn(&[String]) -> Vec<RelPath>) {
        let claim =
            |is_deleted| Claim { phase: phase.id.clone(), completed: phase.completed, is_deleted };
        for file in paths(&phase.files_deleted) {
            self.claims.insert(file, claim(true));
        }
        // A file that a phase deleted and made again is there.
        for file in paths(&phase.files_created).into_iter().chain(paths(&phase.files_modified)) {
            self.claims.insert(file, claim(false));
        }
    }

    /// Returns the files to look at, in the order of their paths.
    pub fn files(&self) -> BTreeSet<&RelPath> {
        let partial = self.partial.iter().flat_map(|partial| &partial.files);
        partial.chain(self.claims.keys()).collect()
    }
}

/// Whether the contents of a file have to be read to know whether they are those that are remembered.
///
/// Not if size and time say it. They do not if the file was written so shortly before it was recorded that it may have been
/// written once more within the same tick of the file system, if its time lies in the future, or if anything about the file
/// changed after it was recorded: its time may have been set back.
pub fn needs_contents(remembered: &Remembered, found: &FoundFile, now: Timestamp) -> bool {
    let RecordedState::File { size, modified, .. } = &remembered.state else { return false };
    if *size != found.size {
        return false;
    }
    let Some(time) = found.times.modified.filter(|time| Some(*time) == *modified) else {
        return true;
    };
    let taken = remembered.taken;
    time.may_be_since(taken)
        || time.is_surely_after(now)
        || found.times.changed.is_some_and(|changed| changed.may_be_since(taken))
}

/// Whether a file has the contents that are remembered; nothing if that cannot be said.
///
/// `found` must have a hash wherever [`needs_contents`] asks for it.
pub fn has_contents_of(remembered: &Remembered, found: &FoundFile) -> Option<bool> {
    let RecordedState::File { size, hash, .. } = &remembered.state else { return None };
    Some(*size == found.size && found.hash.is_none_or(|found| found == *hash))
}

/// Compares what was found with what is remembered.
///
/// First the phases that were begun and have not ended well, in the order of the plan, then files in the order of their
/// paths. A file that is not in `found` is taken to be as it should be.
pub fn file_conflicts(
    questions: &Questions,
    baselines: &Baselines,
    found: &BTreeMap<RelPath, Found>,
) -> Vec<Conflict> {
    let partial = questions.partial.iter().map(|partial| {
        let files = partial.files.iter().filter_map(|path| {
            let left = questions.left.get(path);
            let state = partial_state(partial.started, left, baselines.of(path), found.get(path)?)?;
            Some(PartialFile { path: path.clone(), state })
        });
        Conflict::PartialPhase {
            phase: partial.phase.clone(),
            started: partial.started,
            files: files.collect(),
        }
    });
    let files = questions.claims.iter().filter_map(|(path, claim)| {
        let kind = change(claim, baselines.of(path), found.get(path)?)?;
        Some(Conflict::File(FileConflict { phase: claim.phase.clone(), path: path.clone(), kind }))
    });
    partial.chain(files).collect()
}

/// What is known of a file that an unfinished phase plans; nothing if it is not there and was not. `left` is what an earlier
/// phase says of it.
fn partial_state(
    started: Option<Timestamp>,
    left: Option<&Claim>,
    remembered: Option<&Remembered>,
    found: &Found,
) -> Option<PartialState> {
    let remembered =
        remembered.filter(|remembered| left.is_none_or(|left| left.allows(remembered)));
    let was_known = match remembered.map(|remembered| &remembered.state) {
        Some(RecordedState::Absent) => false,
        Some(
            RecordedState::File { .. }
            | RecordedState::Other { .. }
            | RecordedState::Unreadable { .. },
        ) => true,
        None => left.is_some_and(|left| !left.is_deleted),
    };
    let times = match found {
        Found::Absent => return was_known.then_some(PartialState::Deleted),
        Found::Unreadable { reason } => {
            return Some(PartialState::Unreadable { reason: reason.clone() });
        }
        Found::Other { times, .. } => times,
        Found::File(file) => &file.times,
    };
    if let Some(remembered) = remembered {
        if let Some(now) = other_type(&remembered.state, found) {
            return Some(PartialState::TypeChanged { now });
        }
        if let Found::File(file) = found
            && let Some(is_same) = has_contents_of(remembered, file)
        {
            return Some(if is_same { PartialState::Untouched } else { PartialState::Changed });
        }
    }
    let Some(started) = started else { return Some(PartialState::Untouched) };
    let is_since = |time: Option<crate::FileTime>| time.is_some_and(|t| t.may_be_since(started));
    Some(if !was_known && is_since(times.born) {
        PartialState::Created
    } else if is_since(times.modified) {
        PartialState::Changed
    } else {
        PartialState::Untouched
    })
}

/// Says what is in the place of something that was recorded, if it is of another type.
fn other_type(recorded: &RecordedState, found: &Found) -> Option<String> {
    match (recorded, found) {
        (RecordedState::Other { kind: then }, Found::Other { kind, .. }) if then == kind => None,
        (RecordedState::File { .. } | RecordedState::Other { .. }, Found::Other { kind, .. }) => {
            Some(kind.clone())
        }
        (RecordedState::Other { .. }, Found::File(_)) => Some("a file".to_owned()),
        (RecordedState::File { is_link: false, .. }, Found::File(file)) if file.is_link => {
            Some("a symbolic link".to_owned())
        }
        _ => None,
    }
}

/// What happened to a file of a manifest, if something did.
fn change(claim: &Claim, remembered: Option<&Remembered>, found: &Found) -> Option<ConflictKind> {
    if let Found::Unreadable { reason } = found {
        return Some(ConflictKind::Unreadable { reason: reason.clone() });
    }
    let contents = ConflictKind::Modified { evidence: Evidence::Contents };
    let Some(remembered) = remembered.filter(|remembered| claim.allows(remembered)) else {
        return change_by_time(claim.is_deleted, claim.completed, found);
    };
    if let Some(now) = other_type(&remembered.state, found) {
        return Some(ConflictKind::TypeChanged { now });
    }
    match (&remembered.state, found) {
        (RecordedState::Unreadable { .. }, found) => {
            change_by_time(claim.is_deleted, Some(remembered.taken), found)
        }
        (RecordedState::Absent, Found::Absent) => None,
        (RecordedState::Absent, _) if claim.is_deleted => Some(ConflictKind::Recreated),
        // The phase said that it made the file, and had not.
        (RecordedState::Absent, Found::File(_)) => Some(contents),
        (RecordedState::Absent, Found::Other { kind, .. }) => {
            Some(ConflictKind::TypeChanged { now: kind.clone() })
        }
        (RecordedState::File { .. } | RecordedState::Other { .. }, Found::Absent) => {
            (!claim.is_deleted).then_some(ConflictKind::Deleted)
        }
        (RecordedState::File { .. }, Found::File(file)) => {
            (has_contents_of(remembered, file) == Some(false)).then_some(contents)
        }
        // Of the same type, and nothing more was recorded of it.
        (RecordedState::Other { .. }, _) | (_, Found::Other { .. } | Found::Unreadable { .. }) => {
            None
        }
    }
}

/// What can be said without a record: what is gone, what is back, and what was written since `moment`.
fn change_by_time(
    is_deleted: bool,
    moment: Option<Timestamp>,
    found: &Found,
) -> Option<ConflictKind> {
    match found {
        Found::Absent => (!is_deleted).then_some(ConflictKind::Deleted),
        Found::File(_) | Found::Other { .. } if is_deleted => Some(ConflictKind::Recreated),
        Found::File(file) => {
            let written = file.times.modified.zip(moment);
            written
                .is_some_and(|(time, moment)| time.is_surely_after(moment))
                .then_some(ConflictKind::Modified { evidence: Evidence::Time })
        }
        // It may have been that all along; agents name directories too.
        Found::Other { .. } | Found::Unreadable { .. } => None,
    }
}

/// What is at the place of the design or the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundDocument {
    /// Nothing.
    Missing,
    /// Something that cannot be read as a document.
    Unreadable {
        /// Why.
        reason: String,
    },
    /// A text.
    Text(String),
}

/// Compares a document, which the session names `path`, with its record. Without a record, nothing is claimed of its text.
pub fn document_conflict(
    role: DocumentRole,
    path: &str,
    record: Option<&DocumentRecord>,
    found: &FoundDocument,
) -> Option<Conflict> {
    let path = path.to_owned();
    match found {
        FoundDocument::Missing => Some(Conflict::DocumentMissing { role, path, reason: None }),
        FoundDocument::Unreadable { reason } => {
            Some(Conflict::DocumentMissing { role, path, reason: Some(reason.clone()) })
        }
        FoundDocument::Text(text) => {
            let record = record.filter(|record| record.hash != ContentHash::of(text.as_bytes()))?;
            let diff = record.text.as_deref().map(|then| unified_diff(&path, then, text));
            Some(Conflict::DocumentChanged { role, path, diff })
        }
    }
}

#[cfg(test)]
mod tests {
    use maestro_session_model::{SessionStatus, TokenUsage, WorkflowMode};

    use super::*;
    use crate::baseline::{Baseline, FileRecord};
    use crate::file_time::FileTime;
    use crate::found::Times;

    fn at(minute: u32) -> Timestamp {
        format!("2026-01-15T10:{minute:02}:00Z").parse().unwrap()
    }

    fn path(text: &str) -> RelPath {
        RelPath::parse(text).unwrap()
    }

    fn id(n: u64) -> PhaseId {
        PhaseId::from_number(n).unwrap()
    }

    /// A phase that created `files` and ended at `minute`.
    fn completed(n: u64, minute: u32, files: &[&str]) -> Phase {
        Phase {
            status: PhaseStatus::Completed,
            started: Some(at(minute - 1)),
            completed: Some(at(minute)),
            files_created: files.iter().map(ToString::to_string).collect(),
            ..Phase::pending(id(n), "x".to_owned())
        }
    }

    fn begun(n: u64, minute: u32, planned: &[&str]) -> Phase {
        Phase {
            status: PhaseStatus::InProgress,
            started: Some(at(minute)),
            planned_files: planned.iter().map(ToString::to_string).collect(),
            ..Phase::pending(id(n), "x".to_owned())
        }
    }

    fn questions(phases: &[Phase]) -> Questions {
        let session = Session {
            session_id: "2026-01-15-x".parse().unwrap(),
            task: "x".to_owned(),
            created: at(0),
            updated: at(0),
            status: SessionStatus::InProgress,
            workflow_mode: WorkflowMode::Standard,
            design_document: None,
            implementation_plan: None,
            current_phase: None,
            total_phases: 0,
            execution_mode: None,
            execution_backend: None,
            current_batch: None,
            task_complexity: None,
            token_usage: TokenUsage::default(),
            phases: phases.to_vec(),
        };
        Questions::of(&session, &|text| RelPath::parse(text).ok())
    }

    fn record(text: &str, minute: u32) -> RecordedState {
        RecordedState::File {
            size: text.len() as u64,
            modified: Some(at(minute).into()),
            hash: ContentHash::of(text.as_bytes()),
            is_link: false,
        }
    }

    /// Baselines of one file each: phase, minute, path, state.
    fn baselines(records: &[(u64, u32, &str, RecordedState)]) -> Baselines {
        let mut baselines = Baselines::default();
        for (n, minute, file, state) in records {
            let files = vec![FileRecord { path: path(file), state: state.clone() }];
            baselines.add(&id(*n), at(*minute), Baseline { taken: at(*minute), files });
        }
        baselines
    }

    fn file(text: &str, minute: u32) -> FoundFile {
        let time: FileTime = at(minute).into();
        FoundFile {
            size: text.len() as u64,
            times: Times { modified: Some(time), changed: Some(time), born: None },
            is_link: false,
            hash: Some(ContentHash::of(text.as_bytes())),
        }
    }

    fn kind_of(
        phases: &[Phase],
        baselines: &Baselines,
        found: Found,
    ) -> Option<(PhaseId, ConflictKind)> {
        let found = BTreeMap::from([(path("a"), found)]);
        let conflicts = file_conflicts(&questions(phases), baselines, &found);
        assert!(conflicts.len() < 2, "{conflicts:?}");
        match conflicts.into_iter().next()? {
            Conflict::File(conflict) => Some((conflict.phase, conflict.kind)),
            other => panic!("{other:?}"),
        }
    }

    fn directory() -> Found {
        Found::Other { kind: "a directory".to_owned(), is_link: false, times: Times::default() }
    }

    #[test]
    fn a_file_is_compared_with_what_its_phase_left() {
        let phases = [completed(1, 5, &["a"])];
        let modified = ConflictKind::Modified { evidence: Evidence::Contents };
        let changed = |now: &str| ConflictKind::TypeChanged { now: now.to_owned() };
        let link = Found::File(FoundFile { is_link: true, ..file("x", 4) });
        let unreadable = Found::Unreadable { reason: "no".to_owned() };
        let is_unreadable = ConflictKind::Unreadable { reason: "no".to_owned() };
        for (then, now, expected) in [
            (record("x", 4), Found::File(file("x", 4)), None),
            (record("x", 4), Found::File(file("x", 9)), None),
            (record("x", 4), Found::File(file("y", 4)), Some(modified.clone())),
            (record("x", 4), Found::File(file("xx", 4)), Some(modified.clone())),
            (record("x", 4), Found::Absent, Some(ConflictKind::Deleted)),
            (record("x", 4), directory(), Some(changed("a directory"))),
            (record("x", 4), link, Some(changed("a symbolic link"))),
            (record("x", 4), unreadable.clone(), Some(is_unreadable.clone())),
            (RecordedState::Absent, Found::Absent, None),
            (RecordedState::Absent, Found::File(file("x", 9)), Some(modified)),
            (RecordedState::Other { kind: "a directory".to_owned() }, directory(), None),
            (
                RecordedState::Other { kind: "a directory".to_owned() },
                Found::File(file("x", 4)),
                Some(changed("a file")),
            ),
            (RecordedState::Unreadable { reason: String::new() }, unreadable, Some(is_unreadable)),
            (
                RecordedState::Unreadable { reason: String::new() },
                Found::File(file("x", 9)),
                Some(ConflictKind::Modified { evidence: Evidence::Time }),
            ),
        ] {
            let baselines = baselines(&[(1, 5, "a", then.clone())]);
            let found = kind_of(&phases, &baselines, now.clone());
            assert_eq!(found, expected.map(|kind| (id(1), kind)), "{then:?} {now:?}");
        }
    }

    #[test]
    fn what_a_phase_deleted_is_back_or_is_not() {
        let mut phase = completed(1, 5, &[]);
        phase.files_deleted = vec!["a".to_owned()];
        let remembered = baselines(&[(1, 5, "a", RecordedState::Absent)]);
        for baselines in [remembered, Baselines::default()] {
            let phases = [phase.clone()];
            assert_eq!(kind_of(&phases, &baselines, Found::Absent), None);
            for now in [Found::File(file("x", 1)), directory()] {
                let expected = Some((id(1), ConflictKind::Recreated));
                assert_eq!(kind_of(&phases, &baselines, now), expected);
            }
        }
    }

    #[test]
    fn without_a_record_the_time_counts() {
        let phases = [completed(1, 5, &["a"])];
        let none = Baselines::default();
        let by_time = Some((id(1), ConflictKind::Modified { evidence: Evidence::Time }));
        assert_eq!(kind_of(&phases, &none, Found::File(file("x", 5))), None);
        assert_eq!(kind_of(&phases, &none, Found::File(file("x", 6))), by_time);
        assert_eq!(kind_of(&phases, &none, Found::Absent), Some((id(1), ConflictKind::Deleted)));
        assert_eq!(kind_of(&phases, &none, directory()), None, "it may have been one");
    }

    #[test]
    fn the_phase_that_completed_last_says_what_a_file_should_be() {
        let remembered = [(1, 5, "a", record("one", 4)), (2, 8, "a", record("two", 7))];
        // The later phase stands first in the plan.
        let phases = [completed(2, 8, &["a"]), completed(1, 5, &["a"])];
        let kept = baselines(&remembered);
        assert_eq!(kind_of(&phases, &kept, Found::File(file("two", 7))), None);
        let edited = kind_of(&phases, &kept, Found::File(file("one", 4)));
        assert_eq!(edited.map(|(phase, _)| phase), Some(id(2)));
        // Phase 2 is undone: it is pending, and its record does not hold.
        let phases = [Phase::pending(id(2), "x".to_owned()), completed(1, 5, &["a"])];
        let earlier = baselines(&remembered[..1]);
        assert_eq!(kind_of(&phases, &earlier, Found::File(file("one", 4))), None);
        let left = kind_of(&phases, &earlier, Found::File(file("two", 7)));
        assert_eq!(left.map(|(phase, _)| phase), Some(id(1)));
    }

    #[test]
    fn a_record_from_before_the_phase_ended_says_nothing_of_it() {
        // Phase 2 was completed by another program, which records nothing.
        let phases = [completed(1, 5, &["a"]), completed(2, 8, &["a"])];
        let baselines = baselines(&[(1, 5, "a", record("one", 4))]);
        assert_eq!(kind_of(&phases, &baselines, Found::File(file("two", 7))), None);
        let later = kind_of(&phases, &baselines, Found::File(file("two", 9)));
        let by_time = ConflictKind::Modified { evidence: Evidence::Time };
        assert_eq!(later, Some((id(2), by_time)));
    }

    #[test]
    fn every_unfinished_phase_says_what_became_of_its_files() {
        let mut failed = begun(3, 6, &["b", "d"]);
        failed.status = PhaseStatus::Failed;
        let phases = [completed(1, 5, &["a", "b"]), begun(2, 7, &["a", "c", "gone"]), failed];
        let baselines = baselines(&[(1, 5, "a", record("one", 4))]);
        let born = |minute| {
            let mut file = file("new", minute);
            file.times.born = Some(at(minute).into());
            Found::File(file)
        };
        let found = BTreeMap::from([
            (path("a"), Found::File(file("two", 4))),
            (path("b"), born(8)),
            (path("c"), born(8)),
            (path("d"), born(2)),
            (path("gone"), Found::Absent),
        ]);
        let conflicts = file_conflicts(&questions(&phases), &baselines, &found);
        let files = |states: &[(&str, PartialState)]| -> Vec<PartialFile> {
            let file = |(file, state): &(&str, PartialState)| PartialFile {
                path: path(file),
                state: state.clone(),
            };
            states.iter().map(file).collect()
        };
        let expected = [
            Conflict::PartialPhase {
                phase: id(2),
                started: Some(at(7)),
                files: files(&[("a", PartialState::Changed), ("c", PartialState::Created)]),
            },
            Conflict::PartialPhase {
                phase: id(3),
                started: Some(at(6)),
                // One that an earlier phase left is not created, even if it was written anew.
                files: files(&[("b", PartialState::Changed), ("d", PartialState::Untouched)]),
            },
        ];
        assert_eq!(conflicts, expected, "and no file of phase 1 besides");
    }

    /// What phase 2, which is in progress and plans the file, says of it; phase 1 has left it, as `then` records.
    fn partial_of(then: Option<RecordedState>, now: Found) -> Option<PartialState> {
        let phases = [completed(1, 5, &["a"]), begun(2, 7, &["a"])];
        let records: Vec<_> = then.into_iter().map(|then| (1, 5, "a", then)).collect();
        let found = BTreeMap::from([(path("a"), now)]);
        let conflicts =
            file_conflicts(&questions(&phases), &baselines(&records), &found).into_iter();
        match conflicts.collect::<Vec<_>>().as_slice() {
            [Conflict::PartialPhase { files, .. }] => files.first().map(|file| file.state.clone()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_that_was_left_is_not_silently_gone_or_replaced_while_another_phase_plans_it() {
        let replaced = |now: &str| Some(PartialState::TypeChanged { now: now.to_owned() });
        let link = Found::File(FoundFile { is_link: true, ..file("x", 4) });
        let other = || RecordedState::Other { kind: "a directory".to_owned() };
        let closed = RecordedState::Unreadable { reason: String::new() };
        let gone = Some(PartialState::Deleted);
        for (then, now, expected) in [
            (Some(record("x", 4)), Found::Absent, gone.clone()),
            (None, Found::Absent, gone.clone()),
            (Some(closed), Found::Absent, gone),
            (Some(RecordedState::Absent), Found::Absent, None),
            (Some(record("x", 4)), directory(), replaced("a directory")),
            (Some(record("x", 4)), link, replaced("a symbolic link")),
            (Some(other()), Found::File(file("x", 4)), replaced("a file")),
            (Some(other()), directory(), Some(PartialState::Untouched)),
            (None, directory(), Some(PartialState::Untouched)),
        ] {
            assert_eq!(partial_of(then.clone(), now.clone()), expected, "{then:?} {now:?}");
        }
    }

    #[test]
    fn a_planned_file_that_nobody_can_read_is_not_said_to_be_untouched() {
        let reason = "permission denied".to_owned();
        for then in [Some(record("x", 4)), Some(RecordedState::Absent), None] {
            let found = Found::Unreadable { reason: reason.clone() };
            let expected = PartialState::Unreadable { reason: reason.clone() };
            assert_eq!(partial_of(then, found), Some(expected));
        }
    }

    #[test]
    fn what_a_later_phase_deleted_is_not_missed_because_of_an_older_record() {
        let mut deletes = completed(3, 6, &[]);
        deletes.files_deleted = vec!["a".to_owned()];
        let phases = [completed(1, 5, &["a"]), deletes, begun(2, 7, &["a"])];
        let baselines = baselines(&[(1, 5, "a", record("x", 4))]);
        let found = BTreeMap::from([(path("a"), Found::Absent)]);
        let conflicts = file_conflicts(&questions(&phases), &baselines, &found);
        let nothing = Vec::new();
        let expected =
            Conflict::PartialPhase { phase: id(2), started: Some(at(7)), files: nothing };
        assert_eq!(conflicts, [expected]);
    }

    #[test]
    fn contents_are_read_where_size_and_time_do_not_say_enough() {
        let remembered = |minute, taken| {
            let baselines = baselines(&[(1, taken, "a", record("x", minute))]);
            baselines.of(&path("a")).cloned().unwrap()
        };
        let (old, fresh, future) = (remembered(4, 5), remembered(5, 5), remembered(50, 55));
        let now = at(30);
        assert!(!needs_contents(&old, &file("x", 4), now));
        assert!(!needs_contents(&old, &file("longer", 9), now), "the size says it");
        assert!(needs_contents(&old, &file("y", 9), now), "the time differs");
        // Where the system does not say when anything about a file changed.
        let without = |text: &str, minute| {
            let mut file = file(text, minute);
            file.times.changed = None;
            file
        };
        assert!(!needs_contents(&old, &without("x", 4), now));
        assert!(needs_contents(&fresh, &without("y", 5), now), "written as it was recorded");
        assert!(!needs_contents(&future, &without("y", 50), at(59)), "it is past by now");
        assert!(needs_contents(&future, &without("y", 50), now), "the clock is wrong");
        let mut set_back = file("y", 4);
        set_back.times.changed = Some(at(9).into());
        assert!(needs_contents(&old, &set_back, now), "the time was set back");
    }

    #[test]
    fn a_document_is_compared_with_its_text_of_then() {
        let role = DocumentRole::Plan;
        let record = DocumentRecord::of(&path("plan.md"), "one\n");
        let compare =
            |record, found: &FoundDocument| document_conflict(role, "plan.md", record, found);
        let text = |text: &str| FoundDocument::Text(text.to_owned());
        assert_eq!(compare(Some(&record), &text("one\n")), None);
        assert_eq!(compare(None, &text("two\n")), None, "nothing is known, nothing is claimed");
        let path = "plan.md".to_owned();
        let Some(Conflict::DocumentChanged { diff, .. }) = compare(Some(&record), &text("two\n"))
        else {
            panic!("it has changed");
        };
        assert!(diff.unwrap().contains("-one\n+two\n"));
        let long = DocumentRecord { text: None, ..record.clone() };
        let changed = Conflict::DocumentChanged { role, path: path.clone(), diff: None };
        assert_eq!(compare(Some(&long), &text("two\n")), Some(changed));
        let missing = Conflict::DocumentMissing { role, path, reason: None };
        assert_eq!(compare(None, &FoundDocument::Missing), Some(missing));
    }
}
