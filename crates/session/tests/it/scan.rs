//! A scan finds what a phase did, and says what it does not know.

use std::path::{Path, PathBuf};
use std::process::Command as Program;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use maestro_session::{Env, ScanReport, Workspace};
use maestro_session_model::{Command, Handoff, PhaseStatus, RelPath, Timestamp};
use maestro_state_store::{Disk, Environment, OsDisk};
use maestro_testutils::{FaultyDisk, Plan};
use uuid::Uuid;

use crate::fixture::{Fixture, code, complete, fail, id, skip, start};

/// A workspace whose clock is that of its files, so that what is written after a phase began is newer than the phase.
pub(crate) struct Scanned {
    pub(crate) fixture: Fixture,
    git: Option<PathBuf>,
    clock: tempfile::TempDir,
}

/// The binary that the shell finds.
fn git_binary() -> Option<PathBuf> {
    let found = Program::new("sh").args(["-c", "command -v git"]).output().unwrap();
    let path = String::from_utf8(found.stdout).unwrap();
    found.status.success().then(|| PathBuf::from(path.trim()))
}

/// Long before every phase.
fn long_ago() -> SystemTime {
    UNIX_EPOCH + Duration::from_hours(24 * 365 * 50)
}

impl Scanned {
    pub(crate) fn without_git() -> Self {
        let clock = tempfile::tempdir().unwrap();
        Self { fixture: Fixture::new(), git: None, clock }
    }

    /// A workspace that is a repository with one commit from long ago: `files` with their names as contents. Nothing on a
    /// machine that has no git; there, nothing can be said of it.
    pub(crate) fn with_commit(files: &[&str]) -> Option<Self> {
        let scanned = Self { git: Some(git_binary()?), ..Self::without_git() };
        for file in files {
            scanned.fixture.write(file, file);
        }
        scanned.run_git(&["init", "--quiet"]);
        scanned.run_git(&["add", "--all"]);
        scanned.run_git(&["commit", "--quiet", "--allow-empty", "--message", "first"]);
        for file in files.iter().chain(&["plan.md"]) {
            scanned.set_time(file, long_ago());
        }
        Some(scanned)
    }

    pub(crate) fn run_git(&self, arguments: &[&str]) {
        self.run_git_at("2020-01-01T00:00:00Z", arguments);
    }

    /// Runs git long after every phase.
    fn run_git_later(&self, arguments: &[&str]) {
        self.run_git_at("2090-01-01T00:00:00Z", arguments);
    }

    fn run_git_at(&self, date: &str, arguments: &[&str]) {
        let done = Program::new(self.git.as_ref().unwrap())
            .args(["-c", "user.name=x", "-c", "user.email=x@example.com"])
            .args(arguments)
            .current_dir(self.fixture.root())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_AUTHOR_DATE", date)
            .env("GIT_COMMITTER_DATE", date)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    pub(crate) fn set_time(&self, name: &str, time: SystemTime) {
        let file = fs_err::File::open(self.fixture.path(name)).unwrap();
        file.into_parts().0.set_modified(time).unwrap();
    }

    pub(crate) fn workspace(&self) -> Workspace {
        self.workspace_on(Arc::new(OsDisk))
    }

    fn workspace_on(&self, disk: Arc<dyn Disk>) -> Workspace {
        // Far from the ids of the fixture.
        static PROCESSES: AtomicU64 = AtomicU64::new(1 << 32);
        let Env { actor, holder, .. } = self.fixture.env();
        let home = ("HOME".to_owned(), self.clock.path().to_str().unwrap().to_owned());
        let variables = self.fixture.variables.iter().cloned();
        let environment: Environment = variables.chain([home]).collect();
        let file = self.clock.path().join("clock");
        let ids = AtomicU64::new(1);
        let process = u128::from(PROCESSES.fetch_add(1, Ordering::Relaxed));
        let next_id = move || {
            let n = u128::from(ids.fetch_add(1, Ordering::Relaxed));
            Uuid::from_u128((process << 64) + n)
        };
        let mut env = Env::new(environment, actor, holder, move || file_time(&file), next_id);
        env.git.clone_from(&self.git);
        Workspace::open(self.fixture.root(), env, disk).unwrap()
    }

    pub(crate) fn begin(&self) {
        self.workspace().create_session(&self.fixture.request()).unwrap();
    }

    pub(crate) fn apply(&self, command: &Command) {
        self.workspace().apply(command).unwrap();
    }

    pub(crate) fn scan(&self, phase: &str) -> ScanReport {
        self.workspace().scan_phase(&id(phase), &mut |_, _| {}).unwrap()
    }
}

/// The time that a file gets that is written now.
#[expect(clippy::disallowed_methods, reason = "a test writes files as any program would")]
fn file_time(file: &Path) -> Timestamp {
    fs_err::write(file, "").unwrap();
    Timestamp::from(fs_err::metadata(file).unwrap().modified().unwrap())
}

fn texts(paths: &std::collections::BTreeSet<RelPath>) -> Vec<&str> {
    paths.iter().map(RelPath::as_str).collect()
}

/// Created, modified and deleted files.
pub(crate) fn lists(report: &ScanReport) -> [Vec<&str>; 3] {
    let candidates = &report.candidates;
    [texts(&candidates.created), texts(&candidates.modified), texts(&candidates.deleted)]
}

#[test]
fn what_is_new_what_differs_and_what_is_gone_is_found() {
    let Some(scanned) = Scanned::with_commit(&["src/a.rs", "src/b.rs", "src/old.rs", "lib/c.rs"])
    else {
        return;
    };
    scanned.begin();
    scanned.apply(&start("1"));
    assert_eq!(lists(&scanned.scan("1")), [vec![""; 0], vec![], vec![]]);
    scanned.fixture.write("src/a.rs", "other");
    scanned.fixture.write("src/deep/new.rs", "new");
    fs_err::remove_file(scanned.fixture.path("src/old.rs")).unwrap();
    fs_err::remove_dir_all(scanned.fixture.path("lib")).unwrap();
    let report = scanned.scan("1");
    assert_eq!(
        lists(&report),
        [vec!["src/deep/new.rs"], vec!["src/a.rs"], vec!["lib/c.rs", "src/old.rs"]]
    );
    assert_eq!(report.basis.limitation, None);
    assert!(report.basis.git_commit.is_some());
    assert!(report.skipped.iter().any(|skipped| skipped.path == "docs/maestro"));
}

#[test]
fn what_is_recorded_as_it_is_now_is_no_candidate() {
    let Some(scanned) = Scanned::with_commit(&["src/a.rs"]) else { return };
    scanned.begin();
    scanned.apply(&start("1"));
    scanned.fixture.write("src/bucket.rs", "one");
    scanned.apply(&complete("1", "src/bucket.rs"));
    scanned.apply(&start("2"));
    scanned.fixture.write("src/mw.rs", "two");
    scanned.fixture.write("src/loose.rs", "who knows");
    let report = scanned.scan("1");
    assert_eq!(lists(&report), [vec!["src/loose.rs"], vec![], vec![]]);
    assert_eq!(report.left_to_others[0].path.as_str(), "src/mw.rs", "phase 2 plans it");
    assert_eq!(report.left_to_others[0].phase, id("2"));
    fs_err::remove_file(scanned.fixture.path("src/loose.rs")).unwrap();
    scanned.fixture.write("src/bucket.rs", "changed by phase 2");
    assert_eq!(
        lists(&scanned.scan("2")),
        [vec!["src/mw.rs"], vec!["src/bucket.rs"], vec![]],
        "phase 1 had left it"
    );
    fs_err::remove_file(scanned.fixture.path("src/bucket.rs")).unwrap();
    assert_eq!(lists(&scanned.scan("2"))[2], ["src/bucket.rs"], "no commit has it");
    // Somebody else has recorded that already.
    let Command::Complete { phase, handoff } = complete("2", "src/mw.rs") else { unreachable!() };
    let files_deleted = vec![RelPath::parse("src/bucket.rs").unwrap()];
    scanned.apply(&Command::Complete { phase, handoff: Handoff { files_deleted, ..handoff } });
    assert_eq!(lists(&scanned.scan("2")), [vec![""; 0], vec![], vec![]]);
}

#[test]
fn without_git_the_manifests_say_what_was_there() {
    let scanned = Scanned::without_git();
    scanned.begin();
    scanned.apply(&start("1"));
    scanned.fixture.write("src/bucket.rs", "one");
    scanned.fixture.write("left.rs", "nobody knows it");
    scanned.apply(&complete("1", "src/bucket.rs"));
    scanned.apply(&start("2"));
    scanned.fixture.write(".gitignore", "*.log\n");
    scanned.fixture.write("build.log", "left out");
    fs_err::remove_file(scanned.fixture.path("src/bucket.rs")).unwrap();
    fs_err::remove_file(scanned.fixture.path("left.rs")).unwrap();
    let report = scanned.scan("2");
    assert_eq!(lists(&report)[2], ["src/bucket.rs"]);
    assert!(!lists(&report)[0].contains(&"build.log"));
    assert_eq!(report.ignored_count, 1);
    assert_eq!(report.basis.limitation.as_deref(), Some("git was not found"));
}

#[test]
fn what_git_cannot_say_is_a_limitation_and_no_error() {
    let Some(git) = git_binary() else { return };
    let scanned = Scanned { git: Some(git), ..Scanned::without_git() };
    scanned.begin();
    scanned.apply(&start("1"));
    let limitation = scanned.scan("1").basis.limitation.unwrap();
    assert!(limitation.contains("not a git repository"), "{limitation}");
    // A repository without a commit knows that there was nothing.
    scanned.run_git(&["init", "--quiet"]);
    let report = scanned.scan("1");
    assert_eq!((report.basis.git_commit, report.basis.limitation), (None, None));
    let gone = Scanned { git: Some(PathBuf::from("/nowhere/git")), ..scanned };
    let limitation = gone.scan("1").basis.limitation.unwrap();
    assert!(limitation.starts_with("git cannot be started"), "{limitation}");
}

#[cfg(unix)]
#[test]
fn nothing_that_a_repository_names_is_run() {
    use std::os::unix::fs::PermissionsExt as _;

    let Some(scanned) = Scanned::with_commit(&["src/a.rs"]) else { return };
    scanned.begin();
    scanned.apply(&start("1"));
    let (program, trace) =
        (scanned.clock.path().join("program"), scanned.clock.path().join("it-ran"));
    scanned.fixture.write("program", format!("#!/bin/sh\ntouch '{}'\n", trace.display()));
    fs_err::rename(scanned.fixture.path("program"), &program).unwrap();
    fs_err::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let text = program.to_str().unwrap();
    for name in [
        "core.fsmonitor",
        "core.pager",
        "pager.ls-tree",
        "pager.rev-parse",
        "core.sshCommand",
        "core.gitProxy",
        "diff.external",
        "filter.x.smudge",
        "filter.x.clean",
        "credential.helper",
        "alias.ls-tree",
    ] {
        scanned.run_git(&["config", name, text]);
    }
    for hook in ["post-index-change", "reference-transaction", "post-checkout"] {
        let place = scanned.fixture.path(".git/hooks").join(hook);
        fs_err::create_dir_all(place.parent().unwrap()).unwrap();
        fs_err::copy(&program, place).unwrap();
    }
    fs_err::remove_file(scanned.fixture.path("src/a.rs")).unwrap();
    assert_eq!(lists(&scanned.scan("1"))[2], ["src/a.rs"]);
    assert!(!trace.exists());
}

#[test]
fn the_commit_is_the_one_of_the_time_when_the_phase_began() {
    let Some(scanned) = Scanned::with_commit(&["src/a.rs"]) else { return };
    scanned.begin();
    scanned.apply(&start("1"));
    let commit = scanned.scan("1").basis.git_commit;
    // The phase commits what it did: it is created all the same, and what it removed is deleted.
    scanned.fixture.write("src/new.rs", "new");
    fs_err::remove_file(scanned.fixture.path("src/a.rs")).unwrap();
    scanned.run_git_later(&["commit", "--quiet", "--all", "--message", "second"]);
    let report = scanned.scan("1");
    assert_eq!(report.basis.git_commit, commit);
    assert_eq!(lists(&report), [vec!["src/new.rs"], vec![], vec!["src/a.rs"]]);
    // Without the log of HEAD, the times of its commits say it.
    fs_err::remove_dir_all(scanned.fixture.path(".git/logs")).unwrap();
    assert_eq!(scanned.scan("1").basis.git_commit, commit);
}

#[test]
fn a_repository_that_came_later_knew_nothing_when_the_phase_began() {
    let Some(git) = git_binary() else { return };
    let scanned = Scanned { git: Some(git), ..Scanned::without_git() };
    scanned.begin();
    scanned.apply(&start("1"));
    scanned.fixture.write("src/new.rs", "new");
    scanned.run_git_later(&["init", "--quiet"]);
    scanned.run_git_later(&["add", "src"]);
    scanned.run_git_later(&["commit", "--quiet", "--message", "first"]);
    let report = scanned.scan("1");
    assert_eq!(report.basis.git_commit, None);
    assert!(lists(&report)[0].contains(&"src/new.rs"), "{report:?}");
}

#[test]
fn rules_of_the_repository_around_the_workspace_count() {
    let repository = tempfile::tempdir().unwrap();
    let workspace = repository.path().join("packages/app");
    fs_err::create_dir_all(repository.path().join(".git/info")).unwrap();
    fs_err::create_dir_all(&workspace).unwrap();
    let inner = Fixture::new();
    let files = [
        (repository.path().join(".gitignore"), "*.tmp\n/packages/app/out/\n"),
        (repository.path().join("packages/.gitignore"), "generated\n!keep.tmp\n"),
        (repository.path().join(".git/info/exclude"), "notes.txt\n"),
        (workspace.join(".gitignore"), "!notes.txt\n"),
        (workspace.join("a.tmp"), ""),
        (workspace.join("keep.tmp"), ""),
        (workspace.join("out/x.rs"), ""),
        (workspace.join("src/out/x.rs"), ""),
        (workspace.join("src/generated"), ""),
        (workspace.join("notes.txt"), ""),
        (workspace.join("sub/.git"), "gitdir: ../../../.git/modules/sub\n"),
        (workspace.join("sub/lib.rs"), ""),
        (workspace.join("tree/.git"), "gitdir: /elsewhere/.git/worktrees/tree\n"),
        (workspace.join("tree/lib.rs"), ""),
    ];
    for (path, text) in files {
        inner.write("file", text);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::rename(inner.path("file"), path).unwrap();
    }
    let root = fs_err::canonicalize(&workspace).unwrap();
    let walked = maestro_resume::walk(&OsDisk, &root, &[], &[], &mut |_| {});
    let names: Vec<&str> = walked.files.keys().map(RelPath::as_str).collect();
    assert_eq!(names, [".gitignore", "keep.tmp", "notes.txt", "src/out/x.rs", "sub/lib.rs"]);
    assert_eq!(walked.ignored, 3, "a.tmp, out and generated");
    assert_eq!(walked.skipped.len(), 1);
    assert_eq!(walked.skipped[0].path, "tree");
}

#[test]
fn what_a_commit_has_counts_though_git_ignores_it() {
    let Some(scanned) =
        Scanned::with_commit(&["target/kept.rs", "target/gone.rs", "src/a.rs", "src/b"])
    else {
        return;
    };
    scanned.begin();
    scanned.apply(&start("1"));
    scanned.fixture.write(".git/info/exclude", "target/\n*.plan\n");
    scanned.fixture.write("target/debug/app", "left out");
    scanned.fixture.write("target/kept.rs", "other");
    fs_err::remove_file(scanned.fixture.path("target/gone.rs")).unwrap();
    // A file that becomes a directory is gone, and a directory is no candidate.
    fs_err::remove_file(scanned.fixture.path("src/b")).unwrap();
    fs_err::create_dir_all(scanned.fixture.path("src/b/c")).unwrap();
    fs_err::create_dir_all(scanned.fixture.path("src/bucket.rs")).unwrap();
    assert_eq!(
        lists(&scanned.scan("1")),
        [vec![], vec!["target/kept.rs"], vec!["src/b", "target/gone.rs"]]
    );
    // So does what the phase plans.
    fs_err::remove_dir(scanned.fixture.path("src/bucket.rs")).unwrap();
    scanned.fixture.write(".git/info/exclude", "target/\nbucket.rs\n");
    scanned.fixture.write("src/bucket.rs", "planned");
    assert_eq!(lists(&scanned.scan("1"))[0], ["src/bucket.rs"]);
}

#[test]
fn a_changed_file_that_cannot_be_read_is_told() {
    let scanned = Scanned::without_git();
    scanned.begin();
    scanned.apply(&start("1"));
    scanned.fixture.write("src/bucket.rs", "one");
    scanned.apply(&complete("1", "src/bucket.rs"));
    scanned.apply(&start("2"));
    // Of the same length: only its contents say whether it is as phase 1 left it.
    scanned.fixture.write("src/bucket.rs", "two");
    let disk = FaultyDisk::new();
    let workspace = scanned.workspace_on(Arc::new(disk.clone()));
    let scan = || workspace.scan_phase(&id("2"), &mut |_, _| {}).unwrap();
    disk.arm(Plan::Work);
    assert_eq!(scan().unreadable, []);
    let call = disk.log().iter().position(|call| call == "open bucket.rs").unwrap();
    disk.arm(Plan::FailAt(call));
    let report = scan();
    assert!(disk.has_failed());
    let unreadable: Vec<&str> = report.unreadable.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(unreadable, ["src/bucket.rs"]);
}

#[cfg(unix)]
#[test]
fn a_planned_file_out_of_reach_is_told() {
    let scanned = Scanned::without_git();
    scanned.begin();
    scanned.apply(&start("1"));
    let outside = tempfile::tempdir().unwrap();
    fs_err::os::unix::fs::symlink(outside.path(), scanned.fixture.path("src")).unwrap();
    let report = scanned.scan("1");
    let told: Vec<_> =
        report.unreadable.iter().map(|it| (it.path.as_str(), it.reason.as_str())).collect();
    assert_eq!(told, [("src/bucket.rs", "`src` is a link that leads out of the workspace")]);
}

#[test]
fn what_is_in_another_worktree_is_not_deleted() {
    let Some(scanned) = Scanned::with_commit(&["tree/lib.rs", "tree/deep/a.rs", "trees/b.rs"])
    else {
        return;
    };
    scanned.begin();
    scanned.apply(&start("1"));
    scanned.fixture.write("tree/.git", "gitdir: /elsewhere/.git/worktrees/tree\n");
    for file in ["tree/lib.rs", "tree/deep/a.rs", "trees/b.rs"] {
        fs_err::remove_file(scanned.fixture.path(file)).unwrap();
    }
    let report = scanned.scan("1");
    assert!(report.skipped.iter().any(|skipped| skipped.path == "tree"));
    assert_eq!(lists(&report)[2], ["trees/b.rs"], "its name only begins the same");
}

#[test]
fn what_a_sparse_checkout_lacks_is_not_deleted() {
    let Some(scanned) = Scanned::with_commit(&["src/a.rs", "src/b.rs"]) else { return };
    scanned.begin();
    scanned.apply(&start("1"));
    scanned.fixture.write(".git/info/sparse-checkout", "/src/a.rs\n");
    scanned.run_git(&["config", "core.sparseCheckout", "true"]);
    fs_err::remove_file(scanned.fixture.path("src/b.rs")).unwrap();
    let report = scanned.scan("1");
    assert_eq!(lists(&report)[2], [""; 0]);
    assert_eq!(report.basis.limitation.as_deref(), Some("the checkout is a sparse one"));
    // It is switched off, as `git sparse-checkout disable` does: its list stays.
    scanned.run_git(&["config", "core.sparseCheckout", "false"]);
    let report = scanned.scan("1");
    assert_eq!(lists(&report)[2], ["src/b.rs"]);
    assert_eq!(report.basis.limitation, None);
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_session_cannot_name_is_told() {
    use std::os::unix::ffi::OsStrExt as _;

    let Some(scanned) = Scanned::with_commit(&["src/a.rs"]) else { return };
    scanned.begin();
    scanned.apply(&start("1"));
    scanned.fixture.write("src/b", "");
    let name = std::ffi::OsStr::from_bytes(b"src/\xff");
    fs_err::rename(scanned.fixture.path("src/b"), scanned.fixture.root().join(name)).unwrap();
    scanned.fixture.write("src/c\\d", "");
    fs_err::os::unix::fs::symlink("a.rs", scanned.fixture.path("src/link")).unwrap();
    fs_err::os::unix::fs::symlink("../src", scanned.fixture.path("src/folder")).unwrap();
    let report = scanned.scan("1");
    assert_eq!(lists(&report), [vec!["src/folder", "src/link"], vec![], vec![]]);
    let unreadable: Vec<&str> = report.unreadable.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(unreadable, ["src/c\\d", "src/\u{fffd}"]);
}

#[cfg(unix)]
#[test]
fn a_link_that_was_recorded_is_no_candidate_any_more() {
    let scanned = Scanned::without_git();
    scanned.begin();
    scanned.apply(&start("1"));
    for (target, link) in [("../src", "src/folder"), ("nowhere", "src/dangling")] {
        fs_err::create_dir_all(scanned.fixture.path("src")).unwrap();
        fs_err::os::unix::fs::symlink(target, scanned.fixture.path(link)).unwrap();
    }
    let links = ["src/dangling", "src/folder"];
    // The fixture's own plan is as new as the phase.
    let with_plan = [vec!["plan.md"], links.to_vec()].concat();
    assert_eq!(lists(&scanned.scan("1")), [with_plan, vec![], vec![]]);
    let Command::Complete { phase, handoff } = complete("1", links[0]) else { unreachable!() };
    let files_created = links.iter().map(|link| RelPath::parse(link).unwrap()).collect();
    scanned.apply(&Command::Complete { phase, handoff: Handoff { files_created, ..handoff } });
    assert_eq!(lists(&scanned.scan("1")), [vec!["plan.md"], vec![], vec![]]);
}

#[test]
fn only_a_phase_that_began_can_be_scanned() {
    let scanned = Scanned::without_git();
    let scan = |phase: &str| scanned.workspace().scan_phase(&id(phase), &mut |_, _| {});
    assert_eq!(code(scan("1")), "NO_SESSION");
    scanned.begin();
    assert_eq!(code(scan("1")), "PHASE_NOT_STARTED");
    assert_eq!(code(scan("7")), "PHASE_NOT_FOUND");
    scanned.apply(&start("1"));
    scanned.apply(&fail("1", "no answer"));
    scanned.scan("1");
    scanned.apply(&skip("2", true));
    let error = scan("2").unwrap_err();
    assert_eq!((error.code(), error.hint()), ("PHASE_NOT_STARTED", None));
    let document = scanned.workspace().read().unwrap().unwrap();
    assert_eq!(document.session().phase(&id("1")).unwrap().status, PhaseStatus::Failed);
}
