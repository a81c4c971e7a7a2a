//! What git would leave out of a directory tree, found out without git.
//!
//! Reads `.gitignore` files from the top of the repository downwards and `info/exclude`. Without a repository, the
//! `.gitignore` files of the tree itself count.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// The longest file that is read to find where a repository has its files, in bytes.
const MAX_POINTER_BYTES: u64 = 4096;

/// The rules that hold in a directory: its own, and below them those of the directories above.
#[derive(Clone, Debug)]
pub(crate) struct IgnoreRules {
    own: Arc<Gitignore>,
    above: Option<Arc<Self>>,
}

impl IgnoreRules {
    /// Returns the rules that hold in `root`. `everywhere` are files with rules that count least.
    pub(crate) fn at(root: &Path, everywhere: &[PathBuf]) -> Self {
        let top = repository_top(root).unwrap_or_else(|| root.to_owned());
        let exclude = git_dir(&top).map(|dir| dir.join("info/exclude"));
        let files: Vec<PathBuf> = everywhere.iter().cloned().chain(exclude).collect();
        let mut rules =
            Self { own: Arc::new(read_rules(&top, &files, fs_err::metadata)), above: None };
        let mut dirs: Vec<&Path> =
            root.ancestors().take_while(|dir| dir.starts_with(&top)).collect();
        dirs.reverse();
        for dir in dirs {
            rules = rules.in_directory(dir);
        }
        rules
    }

    /// Returns the rules that hold in `dir`, a directory in the one that these are of.
    pub(crate) fn in_directory(&self, dir: &Path) -> Self {
        // Like git, which follows no link in the tree: whoever wrote it could have named any file.
        let own = read_rules(dir, &[dir.join(".gitignore")], fs_err::symlink_metadata);
        if own.is_empty() {
            return self.clone();
        }
        Self { own: Arc::new(own), above: Some(Arc::new(self.clone())) }
    }

    /// Whether the rules leave out `path`, an entry of the directory that they are of.
    pub(crate) fn leave_out(&self, path: &Path, is_dir: bool) -> bool {
        let mut rules = Some(self);
        while let Some(found) = rules {
            match found.own.matched(path, is_dir) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => rules = found.above.as_deref(),
            }
        }
        false
    }
}

/// Reads the rules of `files`, which are relative to `dir`. A rule that makes no sense is left out, as git does; so is what
/// `describe` does not call a file.
fn read_rules(
    dir: &Path,
    files: &[PathBuf],
    describe: fn(PathBuf) -> io::Result<Metadata>,
) -> Gitignore {
    let mut builder = GitignoreBuilder::new(dir);
    for file in files {
        // What is no file could keep us waiting.
        if describe(file.clone()).is_ok_and(|found| found.is_file()) {
            drop(builder.add(file));
        }
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

/// The nearest directory upwards that has a repository.
fn repository_top(dir: &Path) -> Option<PathBuf> {
    let has_repository = |dir: &&Path| fs_err::symlink_metadata(dir.join(".git")).is_ok();
    dir.ancestors().find(has_repository).map(Path::to_owned)
}

/// Where the repository of the directory `top` has its files: those that all its worktrees share.
fn git_dir(top: &Path) -> Option<PathBuf> {
    let dot_git = top.join(".git");
    if dot_git.is_dir() {
        return Some(dot_git);
    }
    let dir = top.join(pointer(&dot_git)?);
    match read_short(&dir.join("commondir")) {
        Some(common) => Some(dir.join(common.trim())),
        None => Some(dir),
    }
}

/// Whether the directory `dir` is a worktree of a repository that lies elsewhere: the same files once more.
pub(crate) fn is_linked_worktree(dir: &Path) -> bool {
    pointer(&dir.join(".git"))
        .is_some_and(|target| target.replace('\\', "/").contains("/worktrees/"))
}

/// Where the file `.git` of a worktree or a submodule leads.
fn pointer(dot_git: &Path) -> Option<String> {
    Some(read_short(dot_git)?.strip_prefix("gitdir:")?.trim().to_owned())
}

fn read_short(file: &Path) -> Option<String> {
    let found = fs_err::symlink_metadata(file).ok()?;
    let is_short = found.is_file() && found.len() <= MAX_POINTER_BYTES;
    is_short.then(|| fs_err::read_to_string(file).ok())?
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use fs_err::os::unix::fs::symlink;

    use super::*;

    #[expect(clippy::disallowed_methods, reason = "a test writes files as any program would")]
    fn write(path: &Path, text: &str) {
        fs_err::write(path, text).unwrap();
    }

    #[test]
    fn the_users_own_rules_may_be_links_and_those_in_the_tree_may_not() {
        let (home, tree) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let everywhere = home.path().join("ignore");
        for (name, rule) in [("a", "*.a"), ("b", "*.b"), ("c", "*.c")] {
            write(&home.path().join(name), rule);
        }
        symlink(home.path().join("a"), &everywhere).unwrap();
        fs_err::create_dir_all(tree.path().join(".git/info")).unwrap();
        symlink(home.path().join("b"), tree.path().join(".git/info/exclude")).unwrap();
        symlink(home.path().join("c"), tree.path().join(".gitignore")).unwrap();
        let rules = IgnoreRules::at(tree.path(), &[everywhere]);
        let left_out =
            ["x.a", "x.b", "x.c"].map(|name| rules.leave_out(&tree.path().join(name), false));
        assert_eq!(left_out, [true, true, false]);
    }

    #[test]
    fn rules_in_a_pipe_are_not_waited_for() {
        let home = tempfile::tempdir().unwrap();
        let (pipe, link) = (home.path().join("pipe"), home.path().join("link"));
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        symlink(&pipe, &link).unwrap();
        let rules = IgnoreRules::at(home.path(), &[pipe, link]);
        assert!(!rules.leave_out(&home.path().join("x"), false));
    }
}
