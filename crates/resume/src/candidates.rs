//! Which files a phase may have created, modified and deleted, as far as times and earlier knowledge tell.
//!
//! Pure. A file was *known* when the phase began if it was in the commit that was checked out then, if a phase that had
//! completed by then left it, or, of a file that neither knows, if it is older than the phase. What changed since the phase
//! began is *modified* if it was known, else *created*; what was known and is gone is *deleted*. What is exactly as some phase
//! recorded it is that phase's, and no candidate; what another phase plans that was under way since is left to that.

use std::collections::{BTreeMap, BTreeSet};

use maestro_session_model::{Phase, PhaseId, PhaseStatus, RelPath, Session, Timestamp};
use serde::Serialize;

use crate::baseline::{Baselines, RecordedState};
use crate::compare::{has_contents_of, needs_contents};
use crate::file_time::FileTime;
use crate::found::{Found, FoundFile, Times};

/// The files that a phase may have changed, each list in the order of paths.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Candidates {
    /// Those that were not known when the phase began.
    pub created: BTreeSet<RelPath>,
    /// Those that were.
    pub modified: BTreeSet<RelPath>,
    /// Those that were, and are gone.
    pub deleted: BTreeSet<RelPath>,
}

/// A file that changed, but that another phase plans, which was under way at some time since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftToOther {
    /// The file.
    pub path: RelPath,
    /// The phase that plans it.
    pub phase: PhaseId,
}

impl Candidates {
    /// Returns how many files there are.
    pub fn count(&self) -> usize {
        self.created.len() + self.modified.len() + self.deleted.len()
    }
}

/// What was known of the workspace when a phase began.
#[derive(Clone, Debug)]
pub struct Beginning<'b> {
    started: Timestamp,
    known: BTreeSet<RelPath>,
    /// What some phase says that it deleted.
    deleted: BTreeSet<RelPath>,
    /// What the phase plans: it is looked at even where git ignores it.
    planned: BTreeSet<RelPath>,
    /// What other phases plan that were under way at some time since.
    planned_by_others: BTreeMap<RelPath, PhaseId>,
    baselines: &'b Baselines,
}

impl<'b> Beginning<'b> {
    /// Returns what was known when `phase` began, at the time `started`: `tree` are the files of the commit that was checked
    /// out then, as far as git says it.
    pub fn of(
        session: &Session,
        phase: &PhaseId,
        started: Timestamp,
        tree: BTreeSet<RelPath>,
        baselines: &'b Baselines,
        to_path: &dyn Fn(&str) -> Option<RelPath>,
    ) -> Self {
        let paths = |files: &[String]| -> Vec<RelPath> {
            files.iter().filter_map(|file| to_path(file)).collect()
        };
        let mut known = tree;
        let mut completed: Vec<&Phase> = session
            .phases
            .iter()
            .filter(|other| other.id != *phase && other.status == PhaseStatus::Completed)
            .collect();
        completed.sort_by_key(|other| other.completed);
        for other in completed.into_iter().filter(|other| other.completed <= Some(started)) {
            for file in paths(&other.files_deleted) {
                known.remove(&file);
            }
            known.extend(paths(&other.files_created));
            known.extend(paths(&other.files_modified));
        }
        for (path, remembered) in baselines.files() {
            match remembered.state {
                _ if started < remembered.recorded => {}
                RecordedState::Absent => {
                    known.remove(path);
                }
                RecordedState::File { .. }
                | RecordedState::Other { .. }
                | RecordedState::Unreadable { .. } => {
                    known.insert(path.clone());
                }
            }
        }
        let deleted = session.phases.iter().flat_map(|phase| paths(&phase.files_deleted)).collect();
        let planned = session.phase(phase).map(|phase| paths(&phase.planned_files));
        let planned: BTreeSet<RelPath> = planned.into_iter().flatten().collect();
        let mut planned_by_others = BTreeMap::new();
        for other in session.phases.iter().filter(|other| other.id != *phase) {
            if was_under_way(other, started) {
                let files = paths(&other.planned_files).into_iter();
                let files = files.filter(|file| !planned.contains(file));
                planned_by_others.extend(files.map(|file| (file, other.id.clone())));
            }
        }
        Self { started, known, deleted, planned, planned_by_others, baselines }
    }

    /// Returns the files that have to be looked at even if nobody came by them: what was known, and what is planned.
    pub fn expected(&self) -> impl Iterator<Item = &RelPath> {
        self.known.union(&self.planned)
    }

    /// Whether the contents of a file have to be read to know whether it is a candidate.
    pub fn needs_contents(&self, path: &RelPath, found: &FoundFile, now: Timestamp) -> bool {
        self.baselines.of(path).is_some_and(|remembered| {
            needs_contents(remembered, found, now) && self.may_be_changed(found.times)
        })
    }

    /// Whether anything about a file with these times may have changed since the phase began.
    pub fn may_be_changed(&self, times: Times) -> bool {
        [times.modified, times.changed, times.born].into_iter().any(|time| self.is_since(time))
    }

    fn is_since(&self, time: Option<FileTime>) -> bool {
        time.is_some_and(|time| time.may_be_since(self.started))
    }

    /// Says which of the files that were found are candidates; what cannot be read is none. `directory_changed` says when the entries of the nearest
    /// directory changed that is there on the way to a file.
    pub fn candidates(
        &self,
        found: &BTreeMap<RelPath, Found>,
        mut directory_changed: impl FnMut(&RelPath) -> Option<FileTime>,
    ) -> Candidates {
        let mut candidates = Candidates::default();
        for (path, found) in found {
            match found {
                Found::Absent => {
                    let was_there = self.known.contains(path) && !self.deleted.contains(path);
                    if was_there && self.is_since(directory_changed(path)) {
                        candidates.deleted.insert(path.clone());
                    }
                }
                Found::File(file) if self.is_as_recorded(path, file) == Some(true) => {}
                Found::Other { kind, .. } if self.was_recorded_as(path, kind) => {}
                Found::File(FoundFile { times, .. }) | Found::Other { times, .. } => {
                    let is_recorded_otherwise = match found {
                        Found::File(file) => self.is_as_recorded(path, file) == Some(false),
                        _ => false,
                    };
                    match self.change(path, *times, is_recorded_otherwise, &mut directory_changed) {
                        Some(Change::Created) => candidates.created.insert(path.clone()),
                        Some(Change::Modified) => candidates.modified.insert(path.clone()),
                        None => false,
                    };
                }
                // Whoever looked says that it cannot be read: it may have changed, and nobody knows.
                Found::Unreadable { .. } => {}
            }
        }
        candidates
    }

    /// Takes out of the candidates what other phases plan, and returns it.
    pub fn leave_to_others(&self, candidates: &mut Candidates) -> Vec<LeftToOther> {
        let mut left = BTreeMap::new();
        for list in [&mut candidates.created, &mut candidates.modified, &mut candidates.deleted] {
            list.retain(|path| match self.planned_by_others.get(path) {
                Some(phase) => {
                    left.insert(path.clone(), phase.clone());
                    false
                }
                None => true,
            });
        }
        left.into_iter().map(|(path, phase)| LeftToOther { path, phase }).collect()
    }

    /// Whether a file has the contents that were recorded last; nothing if none were.
    fn is_as_recorded(&self, path: &RelPath, file: &FoundFile) -> Option<bool> {
        has_contents_of(self.baselines.of(path)?, file)
    }

    /// Whether the same kind of thing was recorded: of a link that leads to no file, no more is known.
    fn was_recorded_as(&self, path: &RelPath, kind: &str) -> bool {
        let recorded = self.baselines.of(path).map(|remembered| &remembered.state);
        matches!(recorded, Some(RecordedState::Other { kind: recorded }) if recorded == kind)
    }

    fn change(
        &self,
        path: &RelPath,
        times: Times,
        is_recorded_otherwise: bool,
        directory_changed: &mut dyn FnMut(&RelPath) -> Option<FileTime>,
    ) -> Option<Change> {
        let is_written = self.is_since(times.modified);
        if self.known.contains(path) {
            // A change of permissions alone is none; other contents with an old time are one.
            let is_modified = is_written || is_recorded_otherwise && self.may_be_changed(times);
            return is_modified.then_some(Change::Modified);
        }
        if self.is_since(times.born) {
            Some(Change::Created)
        } else if is_written {
            Some(if times.born.is_some() { Change::Modified } else { Change::Created })
        } else if self.is_since(times.changed) && self.is_since(directory_changed(path)) {
            // An older file that was moved here: its name is new, and its directory has a new entry.
            Some(Change::Created)
        } else {
            None
        }
    }
}

/// Whether a phase was carried out at some time since `moment`.
fn was_under_way(phase: &Phase, moment: Timestamp) -> bool {
    match phase.status {
        PhaseStatus::InProgress | PhaseStatus::Failed => true,
        PhaseStatus::Completed => phase.completed.is_some_and(|completed| moment <= completed),
        PhaseStatus::Pending | PhaseStatus::Skipped => false,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Created,
    Modified,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::{Baseline, FileRecord};

    const STARTED: &str = "2026-01-15T10:10:00Z";

    fn at(minute: u32) -> Timestamp {
        format!("2026-01-15T10:{minute:02}:00Z").parse().unwrap()
    }

    fn path(text: &str) -> RelPath {
        RelPath::parse(text).unwrap()
    }

    /// What is said of the file `a` with these times: modified, changed, born; `directory` is when its directory changed.
    fn said_of(known: bool, times: [Option<u32>; 3], directory: u32) -> Option<Change> {
        let tree = if known { BTreeSet::from([path("a")]) } else { BTreeSet::new() };
        let baselines = Baselines::default();
        let beginning = Beginning {
            started: STARTED.parse().unwrap(),
            known: tree,
            deleted: BTreeSet::new(),
            planned: BTreeSet::new(),
            planned_by_others: BTreeMap::new(),
            baselines: &baselines,
        };
        let [modified, changed, born] = times.map(|minute| minute.map(|m| FileTime::from(at(m))));
        let times = Times { modified, changed, born };
        let file = FoundFile { size: 1, times, is_link: false, hash: None };
        let found = BTreeMap::from([(path("a"), Found::File(file))]);
        let candidates = beginning.candidates(&found, |_| Some(at(directory).into()));
        let (created, modified) = (!candidates.created.is_empty(), !candidates.modified.is_empty());
        match (created, modified) {
            (false, false) => None,
            (true, false) => Some(Change::Created),
            (false, true) => Some(Change::Modified),
            (true, true) => panic!("it cannot be both"),
        }
    }

    #[test]
    fn times_tell_what_became_of_a_file() {
        let (old, new) = (Some(5), Some(15));
        for (what, known, times, directory, expected) in [
            ("an old file", true, [old, old, old], 15, None),
            ("written", true, [new, new, old], 5, Some(Change::Modified)),
            ("replaced by a new file", true, [new, new, new], 15, Some(Change::Modified)),
            ("permissions changed", true, [old, new, old], 15, None),
            ("copied with everything", true, [old, new, new], 15, None),
            (
                "where nobody knows when it was made",
                true,
                [new, None, None],
                15,
                Some(Change::Modified),
            ),
            ("an old file that git does not have", false, [old, old, old], 15, None),
            ("a new one", false, [new, new, new], 15, Some(Change::Created)),
            ("unpacked with its old time", false, [old, new, new], 15, Some(Change::Created)),
            ("an older one, written", false, [new, new, old], 15, Some(Change::Modified)),
            (
                "a new one where that is not known",
                false,
                [new, None, None],
                15,
                Some(Change::Created),
            ),
            ("moved here", false, [old, new, old], 15, Some(Change::Created)),
            ("an older one with other permissions", false, [old, new, old], 5, None),
        ] {
            assert_eq!(said_of(known, times, directory), expected, "{what}");
        }
    }

    #[test]
    fn what_was_known_is_gone_only_if_its_directory_has_changed_since() {
        let baselines = Baselines::default();
        let mut beginning = Beginning {
            started: STARTED.parse().unwrap(),
            known: BTreeSet::from([path("a")]),
            deleted: BTreeSet::new(),
            planned: BTreeSet::new(),
            planned_by_others: BTreeMap::new(),
            baselines: &baselines,
        };
        let found = BTreeMap::from([(path("a"), Found::Absent), (path("b"), Found::Absent)]);
        let gone = |beginning: &Beginning<'_>, directory: Option<u32>| {
            let changed = directory.map(|minute| FileTime::from(at(minute)));
            beginning.candidates(&found, |_| changed).deleted
        };
        assert_eq!(gone(&beginning, Some(15)), BTreeSet::from([path("a")]));
        assert_eq!(gone(&beginning, Some(5)), BTreeSet::new(), "it was gone before");
        assert_eq!(gone(&beginning, None), BTreeSet::new(), "nobody can say");
        beginning.deleted.insert(path("a"));
        assert_eq!(gone(&beginning, Some(15)), BTreeSet::new(), "somebody has said so");
    }

    #[test]
    fn what_is_as_some_phase_recorded_it_is_no_candidate() {
        use maestro_state_store::ContentHash;

        let phase = PhaseId::from_number(2).unwrap();
        let hash = ContentHash::of(b"x");
        let state =
            RecordedState::File { size: 1, modified: Some(at(12).into()), hash, is_link: false };
        let mut baselines = Baselines::default();
        let files = vec![FileRecord { path: path("a"), state }];
        baselines.add(&phase, at(13), Baseline { taken: at(13), files });
        let beginning = Beginning {
            started: STARTED.parse().unwrap(),
            known: BTreeSet::new(),
            deleted: BTreeSet::new(),
            planned: BTreeSet::new(),
            planned_by_others: BTreeMap::new(),
            baselines: &baselines,
        };
        let file = |minute: u32, text: &[u8]| FoundFile {
            size: 1,
            times: Times {
                modified: Some(at(minute).into()),
                changed: Some(at(minute).into()),
                born: Some(at(minute).into()),
            },
            is_link: false,
            hash: Some(ContentHash::of(text)),
        };
        let count = |file: FoundFile| {
            let found = BTreeMap::from([(path("a"), Found::File(file))]);
            beginning.candidates(&found, |_| None).count()
        };
        assert!(!beginning.needs_contents(&path("a"), &file(12, b"x"), at(30)));
        assert!(beginning.needs_contents(&path("a"), &file(15, b"x"), at(30)));
        assert_eq!(count(file(15, b"x")), 0);
        assert_eq!(count(file(15, b"y")), 1);
    }
}
