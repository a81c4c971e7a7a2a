//! Finding the workspace that a directory belongs to.

use std::path::{Path, PathBuf};

use crate::disk::{Disk, Kind};
use crate::environment::Environment;
use crate::settings::{MARKER_FILE, state_dir_for_search};
use crate::state_dir::LEGACY_STATE_DIR;

/// Returns the workspace that `start` belongs to: the nearest directory at or above it that has a marker file, an
/// initialised state dir, or the active session of an older version.
///
/// The search ends with the directory that has `.git`, so that a project never takes over the session of the project
/// around it. Without any of these, `start` itself is the workspace. The state dir that is looked for is the one of the
/// environment, else of the directory's own `.env`, else the default. Never fails: what cannot be read is passed by, and
/// shows when the settings of the workspace are read.
pub fn discover_workspace(start: &Path, environment: &Environment, disk: &dyn Disk) -> PathBuf {
    find_workspace(start, environment, disk).unwrap_or_else(|| start.to_owned())
}

/// Returns what [`discover_workspace`] finds, and nothing where it would have to take `start` itself.
pub fn find_workspace(start: &Path, environment: &Environment, disk: &dyn Disk) -> Option<PathBuf> {
    for dir in start.ancestors() {
        if is_workspace(dir, environment, disk) {
            return Some(dir.to_owned());
        }
        if kind(&dir.join(".git"), disk).is_some() {
            break;
        }
    }
    None
}

fn is_workspace(dir: &Path, environment: &Environment, disk: &dyn Disk) -> bool {
    let initialised = || {
        let state_dir = state_dir_for_search(dir, environment, disk)?;
        kind(&dir.join(state_dir.as_str()).join("state"), disk)
    };
    let legacy = || kind(&dir.join(LEGACY_STATE_DIR).join("state/active-session.md"), disk);
    kind(&dir.join(MARKER_FILE), disk) == Some(Kind::File)
        || initialised() == Some(Kind::Directory)
        || legacy() == Some(Kind::File)
}

fn kind(path: &Path, disk: &dyn Disk) -> Option<Kind> {
    disk.entry(path).ok().flatten().map(|entry| entry.kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::OsDisk;

    fn discover(start: &Path, variables: &[(&str, &str)]) -> PathBuf {
        let environment: Environment =
            variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        discover_workspace(start, &environment, &OsDisk)
    }

    #[expect(clippy::disallowed_methods, reason = "a test writes what a user would")]
    fn write(path: &Path, text: &str) {
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }

    #[test]
    fn the_nearest_initialised_directory_is_the_workspace() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("packages/a/src");
        fs_err::create_dir_all(&deep).unwrap();
        assert_eq!(discover(&deep, &[]), deep);
        fs_err::create_dir_all(dir.path().join("docs/maestro/state")).unwrap();
        assert_eq!(discover(&deep, &[]), dir.path());
        let package = dir.path().join("packages/a");
        write(&package.join(MARKER_FILE), "x\n");
        assert_eq!(discover(&deep, &[]), package);
    }

    #[test]
    fn the_search_ends_at_the_repository() {
        let dir = tempfile::tempdir().unwrap();
        fs_err::create_dir_all(dir.path().join("docs/maestro/state")).unwrap();
        let inner = dir.path().join("vendor/inner");
        fs_err::create_dir_all(inner.join(".git")).unwrap();
        fs_err::create_dir_all(inner.join("src")).unwrap();
        assert_eq!(discover(&inner.join("src"), &[]), inner.join("src"));
    }

    #[test]
    fn the_state_dir_of_the_environment_or_of_an_env_file_marks_a_workspace() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("src");
        fs_err::create_dir_all(&deep).unwrap();
        fs_err::create_dir_all(dir.path().join("notes/state")).unwrap();
        assert_eq!(discover(&deep, &[]), deep);
        assert_eq!(discover(&deep, &[("MAESTRO_STATE_DIR", "notes")]), dir.path());
        write(&dir.path().join(".env"), "MAESTRO_STATE_DIR=notes\n");
        assert_eq!(discover(&deep, &[]), dir.path());
    }

    #[test]
    fn the_session_of_an_older_version_marks_a_workspace() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("src");
        fs_err::create_dir_all(&deep).unwrap();
        write(&dir.path().join(".gemini/state/active-session.md"), "---\n---\n");
        assert_eq!(discover(&deep, &[]), dir.path());
    }
}
