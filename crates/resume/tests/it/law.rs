//! The law: whatever is done to files after they were recorded, exactly that is told.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use maestro_resume::{
    Baseline, Baselines, Conflict, ConflictKind, Evidence, Found, Questions, Survey,
    file_conflicts, needs_contents,
};
use maestro_session_model::{PhaseId, PhaseStatus, RelPath, Session, Timestamp};
use maestro_state_store::OsDisk;
use maestro_testutils::arb_session;
use proptest::prelude::*;

/// What is done to a file.
#[derive(Clone, Copy, Debug)]
enum Edit {
    Nothing,
    /// Written again with the same contents.
    Touch,
    Permissions,
    Longer,
    /// Other contents of the same length.
    SameLength,
    /// The same, and its time is set back.
    SameLengthAndTime,
    /// Replaced by another file of other contents, by a rename.
    Replaced,
    /// Replaced by another file of the same contents.
    ReplacedBySame,
    Removed,
    BecomesDirectory,
    BecomesPipe,
    /// Its directory is another, with a copy of the file.
    DirectoryReplaced,
}

const EDITS: [Edit; 12] = [
    Edit::Nothing,
    Edit::Touch,
    Edit::Permissions,
    Edit::Longer,
    Edit::SameLength,
    Edit::SameLengthAndTime,
    Edit::Replaced,
    Edit::ReplacedBySame,
    Edit::Removed,
    Edit::BecomesDirectory,
    Edit::BecomesPipe,
    Edit::DirectoryReplaced,
];

#[expect(clippy::disallowed_methods, reason = "a test writes files as any program would")]
fn write(path: &Path, text: &str) {
    fs_err::write(path, text).unwrap();
}

fn modified(path: &Path) -> SystemTime {
    fs_err::metadata(path).unwrap().modified().unwrap()
}

fn set_modified(path: &Path, time: SystemTime) {
    let file = fs_err::OpenOptions::new().write(true).open(path).unwrap();
    file.into_parts().0.set_modified(time).unwrap();
}

impl Edit {
    fn make(self, path: &Path) {
        let text = fs_err::read_to_string(path).unwrap();
        let other = "x".repeat(text.len());
        let time = modified(path);
        match self {
            Self::Nothing => {}
            Self::Touch => write(path, &text),
            Self::Permissions => {
                let mut permissions = fs_err::metadata(path).unwrap().permissions();
                permissions.set_readonly(!permissions.readonly());
                fs_err::set_permissions(path, permissions).unwrap();
            }
            Self::Longer => write(path, &(text + "more")),
            Self::SameLength => write(path, &other),
            Self::SameLengthAndTime => {
                write(path, &other);
                set_modified(path, time);
            }
            Self::Replaced | Self::ReplacedBySame => {
                let new = path.with_extension("new");
                write(&new, if matches!(self, Self::Replaced) { &other } else { &text });
                set_modified(&new, time);
                fs_err::rename(new, path).unwrap();
            }
            Self::Removed => fs_err::remove_file(path).unwrap(),
            Self::BecomesDirectory => {
                fs_err::remove_file(path).unwrap();
                fs_err::create_dir(path).unwrap();
            }
            Self::BecomesPipe => {
                fs_err::remove_file(path).unwrap();
                let made = std::process::Command::new("mkfifo").arg(path).status().unwrap();
                assert!(made.success());
            }
            Self::DirectoryReplaced => {
                let dir = path.parent().unwrap();
                fs_err::rename(dir, dir.with_extension("old")).unwrap();
                fs_err::create_dir(dir).unwrap();
                write(path, &text);
            }
        }
    }

    fn expected(self) -> Option<ConflictKind> {
        let changed = |now: &str| Some(ConflictKind::TypeChanged { now: now.to_owned() });
        match self {
            Self::Nothing
            | Self::Touch
            | Self::Permissions
            | Self::ReplacedBySame
            | Self::DirectoryReplaced => None,
            Self::Longer | Self::SameLength | Self::SameLengthAndTime | Self::Replaced => {
                Some(ConflictKind::Modified { evidence: Evidence::Contents })
            }
            Self::Removed => Some(ConflictKind::Deleted),
            Self::BecomesDirectory => changed("a directory"),
            Self::BecomesPipe => changed("neither a file nor a directory"),
        }
    }
}

/// A session with one completed phase that created `files`.
fn session(mut session: Session, files: &[String], completed: Timestamp) -> Session {
    let mut phase =
        maestro_session_model::Phase::pending(PhaseId::from_number(1).unwrap(), "x".to_owned());
    phase.status = PhaseStatus::Completed;
    phase.completed = Some(completed);
    phase.files_created = files.to_vec();
    session.phases = vec![phase];
    session
}

fn look(
    root: &Path,
    questions: &Questions,
    wants_contents: impl Fn(&RelPath, &maestro_resume::FoundFile) -> bool,
) -> BTreeMap<RelPath, Found> {
    let mut survey = Survey::new(&OsDisk, root);
    let files = questions.files().into_iter();
    let look = |path: &RelPath| {
        let found = survey.look(path, |file| wants_contents(path, file), &mut || {});
        (path.clone(), found)
    };
    files.map(look).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_conflicts_are_exactly_the_edits(
        edits in prop::collection::vec((prop::sample::select(&EDITS), 0_u64..20), 1..12),
        some_session in arb_session(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let root = fs_err::canonicalize(dir.path()).unwrap();
        let clock = |path: &Path| modified(path);
        // A directory for each, which may be replaced.
        let names: Vec<String> = (0..edits.len()).map(|n| format!("d{n}/file.rs")).collect();
        for (name, (_, age)) in names.iter().zip(&edits) {
            let path = root.join(name);
            fs_err::create_dir(path.parent().unwrap()).unwrap();
            write(&path, &format!("text of {name}"));
            let time = clock(&path) - Duration::from_secs(*age);
            set_modified(&path, time);
        }
        write(&root.join("clock"), "");
        let taken = Timestamp::from(clock(&root.join("clock")));
        let session = session(some_session, &names, taken);
        let questions = Questions::of(&session, &|text| RelPath::parse(text).ok());
        let found = look(&root, &questions, |_, _| true);
        let mut baselines = Baselines::default();
        let phase = PhaseId::from_number(1).unwrap();
        baselines.add(&phase, taken, Baseline::of(taken, found.into_iter().collect()));

        for (name, (edit, _)) in names.iter().zip(&edits) {
            edit.make(&root.join(name));
        }
        write(&root.join("clock"), "");
        let now = Timestamp::from(clock(&root.join("clock")));
        let found = look(&root, &questions, |path, file| {
            needs_contents(baselines.of(path).unwrap(), file, now)
        });
        let conflicts: BTreeMap<String, ConflictKind> = file_conflicts(&questions, &baselines, &found)
            .into_iter()
            .map(|conflict| match conflict {
                Conflict::File(file) => (file.path.to_string(), file.kind),
                other => panic!("{other:?}"),
            })
            .collect();
        let expected: BTreeMap<String, ConflictKind> = names
            .iter()
            .zip(&edits)
            .filter_map(|(name, (edit, _))| Some((name.clone(), edit.expected()?)))
            .collect();
        prop_assert_eq!(conflicts, expected);
    }
}
