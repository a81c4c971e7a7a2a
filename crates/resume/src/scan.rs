//! Walks through the workspace, and sees what every file of it is.
//!
//! Follows no link. Leaves out what git ignores, repositories' own files, and the directories that it is told to leave out;
//! says how much it left out, and everything that it could not look at. Knows no limit. Changes nothing and decides nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use maestro_session_model::RelPath;
use maestro_state_store::Disk;
use maestro_state_store::disk::Kind;
use serde::Serialize;

use crate::found::Times;
use crate::ignored::{IgnoreRules, is_linked_worktree};
use crate::survey::times;

/// What was seen of a workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walked {
    /// The files and links.
    pub files: BTreeMap<RelPath, WalkedFile>,
    /// How many entries git ignores; a directory counts once, whatever is in it.
    pub ignored: usize,
    /// Directories that were left out, in the order of their paths.
    pub skipped: Vec<Skipped>,
    /// What could not be looked at, or not be named.
    pub unreadable: Vec<Skipped>,
}

/// A file or a link that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalkedFile {
    /// Its own times: those of a link are not those of what it leads to.
    pub times: Times,
    /// Whether it is a link.
    pub is_link: bool,
}

/// Something that was not looked at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Skipped {
    /// What, relative to the workspace.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// Walks through the workspace `root`, an absolute path without links.
///
/// `left_out` are directories that are not entered, each with the reason; `everywhere` are files with rules of what git
/// ignores besides those that the repository has. `tick` is told how many files were seen so far.
pub fn walk(
    disk: &dyn Disk,
    root: &Path,
    left_out: &[(RelPath, &str)],
    everywhere: &[PathBuf],
    tick: &mut dyn FnMut(usize),
) -> Walked {
    let mut walk = Walk { disk, root, left_out, walked: Walked::default(), open: Vec::new() };
    walk.open.push((root.to_owned(), IgnoreRules::at(root, everywhere)));
    while let Some((dir, rules)) = walk.open.pop() {
        walk.directory(&dir, &rules);
        tick(walk.walked.files.len());
    }
    walk.walked.skipped.sort();
    walk.walked.unreadable.sort();
    walk.walked
}

struct Walk<'w> {
    disk: &'w dyn Disk,
    root: &'w Path,
    left_out: &'w [(RelPath, &'w str)],
    walked: Walked,
    /// Directories to enter, each with the rules that hold in it.
    open: Vec<(PathBuf, IgnoreRules)>,
}

impl Walk<'_> {
    fn directory(&mut self, dir: &Path, rules: &IgnoreRules) {
        let entries = match fs_err::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) => return self.fail(dir, error.kind().to_string()),
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return self.fail(dir, error.kind().to_string()),
            };
            if entry.file_name() == ".git" {
                continue;
            }
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if rules.leave_out(&path, kind.is_dir()) => self.walked.ignored += 1,
                Ok(kind) if kind.is_dir() => self.enter(path, rules),
                Ok(kind) if kind.is_file() || kind.is_symlink() => self.file(&path),
                // A pipe, a socket, a device: nothing that a phase records.
                Ok(_) => {}
                Err(error) => self.fail(&path, error.kind().to_string()),
            }
        }
    }

    fn enter(&mut self, dir: PathBuf, rules: &IgnoreRules) {
        let name = self.name(&dir);
        if let Some((_, reason)) = self.left_out.iter().find(|(path, _)| path.as_str() == name) {
            self.walked.skipped.push(Skipped { path: name, reason: (*reason).to_owned() });
        } else if is_linked_worktree(&dir) {
            let reason = "a worktree of a git repository".to_owned();
            self.walked.skipped.push(Skipped { path: name, reason });
        } else {
            let rules = rules.in_directory(&dir);
            self.open.push((dir, rules));
        }
    }

    fn file(&mut self, path: &Path) {
        let Some(named) = self.rel_path(path) else {
            return self.fail(path, "its name cannot be written in a session".to_owned());
        };
        match self.disk.entry(path) {
            Ok(Some(entry)) => {
                let is_link = entry.kind == Kind::Symlink;
                self.walked.files.insert(named, WalkedFile { times: times(&entry), is_link });
            }
            // Removed since its directory was read.
            Ok(None) => {}
            Err(error) => self.fail(path, error.kind().to_string()),
        }
    }

    /// The path relative to the workspace, if it names this very file: a session has only UTF-8, and knows one separator.
    fn rel_path(&self, path: &Path) -> Option<RelPath> {
        let text = path.strip_prefix(self.root).ok()?.to_str()?;
        let named = RelPath::parse(text).ok()?;
        (cfg!(windows) || named.as_str() == text).then_some(named)
    }

    fn name(&self, path: &Path) -> String {
        let path = path.strip_prefix(self.root).unwrap_or(path).to_string_lossy();
        if path.is_empty() {
            ".".to_owned()
        } else if cfg!(windows) {
            path.replace('\\', "/")
        } else {
            path.into_owned()
        }
    }

    fn fail(&mut self, path: &Path, reason: String) {
        let path = self.name(path);
        self.walked.unreadable.push(Skipped { path, reason });
    }
}
