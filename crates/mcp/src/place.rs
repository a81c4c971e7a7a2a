//! Which workspace a call is about.
//!
//! The first of these that says so:
//!
//! 1. `workspace_path` of the call itself;
//! 2. the last `initialize_workspace` of this process;
//! 3. `MAESTRO_WORKSPACE_PATH`, or else the roots of the client, or else the current directory: the first of these that names
//!    a directory at all. It has to lie in a workspace: in a directory with a marker file or a state dir. So a server that was
//!    started again finds it. Where a host says which project is open, no other one is looked for: it would be changed unasked.
//!
//! What a caller names is taken as it is: a package of a larger repository stays the workspace. A directory that only holds
//! an extension of a host is never one.

use std::path::{Component, Path, PathBuf};

use maestro_session::store::disk::{Disk, Kind};
use maestro_session::store::{Environment, find_workspace};

use crate::error::ToolError;

/// The variable by which an extension says which workspace its host has open.
const WORKSPACE_VARIABLE: &str = "MAESTRO_WORKSPACE_PATH";

/// Where hosts keep extensions: two directories, one in the other.
const EXTENSION_DIRS: [(&str, &str); 4] = [
    (".codex", "plugins"),
    (".claude", "plugins"),
    (".gemini", "extensions"),
    (".qwen", "extensions"),
];

/// Returns the directory that a caller names as workspace, under the name that the caller has for it.
pub(crate) fn named(path: &str, cwd: &Path, disk: &dyn Disk) -> Result<PathBuf, ToolError> {
    if path.trim().is_empty() || path.contains("${") {
        return Err(required(path));
    }
    let named = cwd.join(path);
    let found = disk.canonicalize(&named).map_err(|_| missing(path))?;
    if !is_directory(&found, disk) {
        return Err(missing(path));
    }
    if is_extension(&named) || is_extension(&found) {
        return Err(ToolError::new(
            "WORKSPACE_IN_EXTENSION_CACHE",
            format!("`{path}` is where a host keeps its extensions, and no project"),
        )
        .hint("give the absolute path of the project directory that the user has open")
        .detail("workspace_path", path));
    }
    Ok(named)
}

/// The failure of a call about a workspace that is not there.
pub(crate) fn missing(path: &str) -> ToolError {
    ToolError::new("WORKSPACE_NOT_FOUND", format!("the workspace does not exist: {path}"))
        .hint("give the absolute path of an existing directory")
        .detail("workspace_path", path)
}

/// The failure of a call that names no directory, but `given`.
pub(crate) fn required(given: &str) -> ToolError {
    ToolError::new(
        "WORKSPACE_REQUIRED",
        format!("workspace_path is required: `{given}` is no directory"),
    )
    .hint("give the absolute path of the project directory")
}

/// The directories that may lie in the workspace, the most telling first: those of the first who has something to say.
pub(crate) fn candidates(
    environment: &Environment,
    roots: &[PathBuf],
    cwd: &Path,
    disk: &dyn Disk,
) -> Vec<PathBuf> {
    let variable = environment.get(WORKSPACE_VARIABLE).map(PathBuf::from);
    let said = [variable.into_iter().collect(), roots.to_vec(), vec![cwd.to_owned()]];
    let mut usable = said.into_iter().map(|mut paths: Vec<PathBuf>| {
        paths.retain(|path| may_lie_in_a_workspace(path, disk));
        paths
    });
    usable.find(|paths| !paths.is_empty()).unwrap_or_default()
}

fn may_lie_in_a_workspace(path: &Path, disk: &dyn Disk) -> bool {
    let is_usable = path.is_absolute() && !path.to_string_lossy().contains("${");
    if !is_usable || is_extension(path) {
        return false;
    }
    // What is gone lies in nothing, and a link may lead to an extension.
    let found = disk.canonicalize(path);
    found.is_ok_and(|found| is_directory(&found, disk) && !is_extension(&found))
}

/// Returns the workspace that the first of the candidates lies in that lies in one.
pub(crate) fn find(
    candidates: &[PathBuf],
    environment: &Environment,
    disk: &dyn Disk,
) -> Option<PathBuf> {
    candidates.iter().find_map(|start| find_workspace(start, environment, disk))
}

/// The failure of a call that nobody has said the workspace of.
///
/// The most telling of the candidates is suggested to the caller.
pub(crate) fn unknown(tool: &str, candidates: &[PathBuf]) -> ToolError {
    let error = ToolError::new(
        "WORKSPACE_NOT_INITIALIZED",
        format!("`{tool}` needs a workspace: call `initialize_workspace` first, or give `workspace_path`"),
    )
    .hint("call `initialize_workspace` with the absolute path of the project directory")
    .detail("tool_name", tool);
    match candidates.first() {
        Some(path) => error.detail("workspace_suggestion", path.to_string_lossy().into_owned()),
        None => error,
    }
}

fn is_directory(path: &Path, disk: &dyn Disk) -> bool {
    disk.entry(path).ok().flatten().is_some_and(|entry| entry.kind == Kind::Directory)
}

fn is_extension(path: &Path) -> bool {
    let names: Vec<_> = path
        .components()
        .filter_map(|component| match component {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect();
    names.windows(2).any(|pair| EXTENSION_DIRS.contains(&(pair[0], pair[1])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use maestro_session::store::OsDisk;

    #[test]
    fn what_may_be_the_workspace_is_in_order_there_and_no_extension() {
        let dir = tempfile::tempdir().unwrap();
        let [app, b, gemini, qwen] =
            ["app", "b", ".gemini/extensions/maestro", ".qwen/extensions/maestro"].map(|name| {
                let path = dir.path().join(name);
                fs_err::create_dir_all(&path).unwrap();
                path
            });
        let variable = app.to_string_lossy().into_owned();
        let environment = Environment::from_iter([(WORKSPACE_VARIABLE.to_owned(), variable)]);
        let roots = [gemini, dir.path().join("gone"), b.clone(), "relative".into(), app.clone()];
        let of = |environment, roots: &[PathBuf]| candidates(environment, roots, &app, &OsDisk);
        let app_alone = [app.clone()];
        assert_eq!(of(&environment, &roots), app_alone);
        let none = Environment::default();
        assert_eq!(of(&none, &roots), [b, app.clone()]);
        assert_eq!(of(&none, &roots[..2]), app_alone);
        assert!(candidates(&none, &roots[..2], &qwen, &OsDisk).is_empty());
    }

    #[test]
    fn a_variable_that_nobody_has_replaced_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let odd = dir.path().join("${workspacePath}");
        fs_err::create_dir_all(&odd).unwrap();
        let odd = odd.to_string_lossy().into_owned();
        let environment = Environment::from_iter([(WORKSPACE_VARIABLE.to_owned(), odd)]);
        assert_eq!(candidates(&environment, &[], dir.path(), &OsDisk), [dir.path()]);
    }
}
