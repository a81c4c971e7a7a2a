//! Looking for what a phase did, in the workspace itself, when nobody has said it.
//!
//! Joins the walk through the workspace, what git knows, and the records of the journal. What counts as created, modified and
//! deleted decides `maestro_resume`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use maestro_resume::{
    Baselines, Beginning, Candidates, Found, FoundFile, Git, GitTree, LeftToOther, Skipped, Survey,
    Walked, WalkedFile, default_excludes_file, walk,
};
use maestro_session_model::{PhaseId, RelPath, Timestamp, find_phase};
use maestro_state_store::StateDir;
use serde::Serialize;

use crate::error::SessionError;
use crate::workspace::Workspace;

/// What a scan found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ScanReport {
    /// The phase.
    pub phase_id: PhaseId,
    /// When it began. Changes from two seconds before that on count.
    pub started_at: Timestamp,
    /// When the scan began.
    pub scanned_at: Timestamp,
    /// The files that it may have created, modified and deleted, and that are not recorded as they are now.
    pub candidates: Candidates,
    /// Files that changed since, but that another phase plans, which was under way since: they are that phase's.
    pub left_to_others: Vec<LeftToOther>,
    /// How many entries were left out because git ignores them; a directory counts once, whatever is in it.
    pub ignored_count: usize,
    /// Whether there may be more candidates than these, because of a limit. There is none.
    pub truncated: bool,
    /// The limit; nothing, because there is none.
    pub max_files: Option<usize>,
    /// How many files were looked at.
    pub scanned_files: usize,
    /// What is known of the files that were there when the phase began.
    pub basis: ScanBasis,
    /// Directories that were not entered.
    pub skipped: Vec<Skipped>,
    /// What could not be looked at, or has a name that a session cannot hold, in the order of paths. What is in a directory
    /// that is named here is not named by itself.
    pub unreadable: Vec<Skipped>,
}

/// On what it rests which files were there when a phase began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ScanBasis {
    /// The commit that was checked out then.
    pub git_commit: Option<String>,
    /// Why it is not all that could be known, if it is not: only what earlier phases left can then be found to be deleted.
    pub limitation: Option<String>,
}

impl Workspace {
    /// Looks for files that changed since `phase` began. Changes nothing, records nothing and takes no lock.
    ///
    /// Sees what git ignores only where the phase plans it or the commit has it, and neither the state dir nor other worktrees
    /// of the repository. Which files were there when the phase began say git, if [`Env::git`](crate::Env::git) names the
    /// binary, the manifests of phases that had completed by then, and the files' own age. A file that is as some phase
    /// recorded it last is none of the candidates.
    ///
    /// A file that was known, and was replaced by an older one with its times, is only found if it was recorded. `progress` is
    /// told how many files were looked at, of how many; the second number is 0 while that is not known.
    pub fn scan_phase(
        &self,
        phase: &PhaseId,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<ScanReport, SessionError> {
        let document = self.read()?.ok_or_else(|| self.no_session())?;
        let session = document.session();
        let found = &session.phases[find_phase(session, phase)?];
        let Some(started) = found.started else {
            return Err(SessionError::NotStarted { phase: found.id.clone(), status: found.status });
        };
        let scanned_at = self.env.now();
        let dir = self.state_dir();
        let baselines = self.baselines(&session.session_id)?;
        let known = self.ask_git(started);
        let to_path = |text: &str| self.relative(text).ok();
        let beginning = Beginning::of(
            session,
            &found.id,
            started,
            known.tree.files.clone(),
            &baselines,
            &to_path,
        );
        let left_out = [(dir.relative().clone(), "the state dir")];
        let walked = walk(dir.disk(), dir.workspace(), &left_out, &known.excludes, &mut |seen| {
            progress(seen, 0);
        });
        let look = Look { dir, beginning: &beginning, baselines: &baselines, now: scanned_at };
        let (mut candidates, unread) = look.at_all(&walked, &known.tree, progress);
        let mut unreadable = walked.unreadable;
        unreadable.extend(unread);
        unreadable.sort();
        let left_to_others = beginning.leave_to_others(&mut candidates);
        Ok(ScanReport {
            phase_id: found.id.clone(),
            started_at: started,
            scanned_at,
            candidates,
            left_to_others,
            ignored_count: walked.ignored,
            truncated: false,
            max_files: None,
            scanned_files: walked.files.len(),
            basis: known.basis,
            skipped: walked.skipped,
            unreadable,
        })
    }

    /// The files in which the user says what git is to ignore everywhere.
    pub(crate) fn excludes(&self) -> Vec<PathBuf> {
        let environment = &self.env.environment;
        let file = match &self.env.git {
            Some(binary) => {
                Git::new(binary, self.state_dir().workspace(), environment).excludes_file()
            }
            None => default_excludes_file(environment),
        };
        file.into_iter().collect()
    }

    /// What git knows of the workspace at the time `started`.
    fn ask_git(&self, started: Timestamp) -> KnownToGit {
        let environment = &self.env.environment;
        let Some(binary) = &self.env.git else {
            return KnownToGit {
                tree: GitTree::default(),
                excludes: self.excludes(),
                basis: ScanBasis {
                    git_commit: None,
                    limitation: Some("git was not found".to_owned()),
                },
            };
        };
        let dir = self.state_dir();
        let git = Git::new(binary, dir.workspace(), environment);
        let (mut tree, limitation) = match git.tree_at(started) {
            Ok(tree) => {
                let limitation = tree.is_sparse.then(|| "the checkout is a sparse one".to_owned());
                (tree, limitation)
            }
            Err(reason) => (GitTree::default(), Some(reason)),
        };
        tree.files.retain(|path| !path.starts_with(dir.relative()));
        let basis = ScanBasis { git_commit: tree.commit.clone(), limitation };
        KnownToGit { tree, excludes: self.excludes(), basis }
    }
}

/// What git knows of a workspace.
struct KnownToGit {
    tree: GitTree,
    /// Files with what it ignores everywhere.
    excludes: Vec<PathBuf>,
    basis: ScanBasis,
}

/// Files and directories, to be asked what is in them. Asking takes as long as a path is deep, however many there are.
struct Places<'w>(BTreeSet<&'w str>);

impl<'w> Places<'w> {
    fn of(places: &'w [Skipped]) -> Self {
        Self(places.iter().map(|place| place.path.as_str()).collect())
    }

    /// Whether `path` is one of the places or lies below one.
    fn contain(&self, path: &RelPath) -> bool {
        let path = path.as_str();
        let above = path.match_indices('/').map(|(end, _)| &path[..end]);
        above.chain([path, "."]).any(|place| self.0.contains(place))
    }
}

/// What is needed to judge files.
struct Look<'l> {
    dir: &'l StateDir,
    beginning: &'l Beginning<'l>,
    baselines: &'l Baselines,
    now: Timestamp,
}

impl Look<'_> {
    /// Looks at everything that was walked by and may have changed, and at what should be there and nobody came by. Returns
    /// besides what cannot be read of that, and is in no directory that could not be looked at.
    fn at_all(
        &self,
        walked: &Walked,
        tree: &GitTree,
        progress: &mut dyn FnMut(usize, usize),
    ) -> (Candidates, Vec<Skipped>) {
        let (left_out, closed) = (Places::of(&walked.skipped), Places::of(&walked.unreadable));
        let missed = self.beginning.expected().filter(|path| !walked.files.contains_key(*path));
        let missed = missed.filter(|path| !left_out.contain(path)).map(|path| (path, None));
        let changed = walked.files.iter();
        let changed = changed.filter(|(_, file)| self.beginning.may_be_changed(file.times));
        let changed = changed.map(|(path, file)| (path, Some(file)));
        let files: Vec<_> = missed.chain(changed).collect();

        let mut survey = Survey::new(self.dir.disk(), self.dir.workspace());
        let (mut found, mut unread, all) = (BTreeMap::new(), Vec::new(), files.len());
        for (done, (path, file)) in files.into_iter().enumerate() {
            progress(done, all);
            let mut state = self.at_one(&mut survey, path, file, &mut || progress(done, all));
            if let (Found::File(found), Some(file)) = (&mut state, file) {
                // Of a link, what it leads to may be older or newer than itself.
                found.times = file.times;
            }
            if let Found::Unreadable { reason } = &state
                && !closed.contain(path)
            {
                unread.push(Skipped { path: path.to_string(), reason: reason.clone() });
            }
            // A file that was never checked out is not gone.
            let is_gone = state == Found::Absent && !(tree.is_sparse && tree.files.contains(path));
            if is_gone || state != Found::Absent {
                found.insert(path.clone(), state);
            }
        }
        progress(all, all);
        let candidates =
            self.beginning.candidates(&found, |path| survey.nearest_directory_changed(path));
        (candidates, unread)
    }

    fn at_one(
        &self,
        survey: &mut Survey<'_>,
        path: &RelPath,
        file: Option<&WalkedFile>,
        tick: &mut dyn FnMut(),
    ) -> Found {
        match file {
            // Only what was recorded of it can be compared.
            Some(file) if file.is_link && self.baselines.of(path).is_none() => {
                let (kind, times) = ("a symbolic link".to_owned(), file.times);
                Found::Other { kind, is_link: true, times }
            }
            _ => {
                let wants = |file: &FoundFile| self.beginning.needs_contents(path, file, self.now);
                match survey.look(path, wants, tick) {
                    // Manifests list files: where a directory or a pipe is now, the file is gone.
                    Found::Other { is_link: false, .. } => Found::Absent,
                    found => found,
                }
            }
        }
    }
}
