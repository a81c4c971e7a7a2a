//! Which workspace a call is about.
//!
//! The first of these that says so:
//!
//! 1. `workspace_path` of the call itself;
//! 2. the last `initialize_workspace` of this process;
//! 3. the first of `MAESTRO_WORKSPACE_PATH`, the roots of the client, and the current directory that lies in a workspace: in a
//!    directory with a marker file or a state dir. So a server that was started again finds it.
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

/// Returns the directory that a caller names as workspace, without links.
pub(crate) fn named(path: &str, cwd: &Path, disk: &dyn Disk) -> Result<PathBuf, ToolError> {
    if path.trim().is_empty() || path.contains("${") {
        return Err(required(path));
    }
    let missing = || {
        ToolError::new("WORKSPACE_NOT_FOUND", format!("the workspace does not exist: {path}"))
            .hint("give the absolute path of an existing directory")
            .detail("workspace_path", path)
    };
    let found = disk.canonicalize(&cwd.join(path)).map_err(|_| missing())?;
    if !is_directory(&found, disk) {
        return Err(missing());
    }
    if is_extension(&found) {
        return Err(ToolError::new(
            "WORKSPACE_IN_EXTENSION_CACHE",
            format!("`{path}` is where a host keeps its extensions, and no project"),
        )
        .hint("give the absolute path of the project directory that the user has open")
        .detail("workspace_path", path));
    }
    Ok(found)
}

/// The failure of a call that names no directory, but `given`.
pub(crate) fn required(given: &str) -> ToolError {
    ToolError::new(
        "WORKSPACE_REQUIRED",
        format!("workspace_path is required: `{given}` is no directory"),
    )
    .hint("give the absolute path of the project directory")
}

/// The directories that may lie in the workspace, the most telling first.
pub(crate) fn candidates(environment: &Environment, roots: &[PathBuf], cwd: &Path) -> Vec<PathBuf> {
    let variable = environment.get(WORKSPACE_VARIABLE).map(PathBuf::from);
    let all = variable.into_iter().chain(roots.iter().cloned()).chain([cwd.to_owned()]);
    let mut candidates: Vec<PathBuf> = Vec::new();
    for path in all {
        let is_usable = path.is_absolute() && !path.to_string_lossy().contains("${");
        if is_usable && !is_extension(&path) && !candidates.contains(&path) {
            candidates.push(path);
        }
    }
    candidates
}

/// Returns the workspace that the first of the candidates lies in that lies in one.
pub(crate) fn find(
    candidates: &[PathBuf],
    environment: &Environment,
    disk: &dyn Disk,
) -> Option<PathBuf> {
    candidates.iter().find_map(|start| find_workspace(start, environment, disk))
}

/// Returns the first of the candidates that is a directory, for a caller to choose.
pub(crate) fn suggestion(candidates: &[PathBuf], disk: &dyn Disk) -> Option<PathBuf> {
    candidates.iter().find(|path| is_directory(path, disk)).cloned()
}

/// The failure of a call that nobody has said the workspace of.
pub(crate) fn unknown(tool: &str, suggestion: Option<PathBuf>) -> ToolError {
    let error = ToolError::new(
        "WORKSPACE_NOT_INITIALIZED",
        format!("`{tool}` needs a workspace: call `initialize_workspace` first, or give `workspace_path`"),
    )
    .hint("call `initialize_workspace` with the absolute path of the project directory")
    .detail("tool_name", tool);
    match suggestion {
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

    #[test]
    fn what_may_be_the_workspace_is_in_order_and_no_extension() {
        let variables = [(WORKSPACE_VARIABLE.to_owned(), "/home/u/app".to_owned())];
        let environment: Environment = variables.into_iter().collect();
        let roots = ["/home/u/.gemini/extensions/maestro", "/home/u/b", "relative", "/home/u/app"];
        let roots = roots.map(PathBuf::from);
        let cwd = Path::new("/home/u/.qwen/extensions/maestro");
        let expected = ["/home/u/app", "/home/u/b"].map(PathBuf::from);
        assert_eq!(candidates(&environment, &roots, cwd), expected);
    }

    #[test]
    fn a_variable_that_nobody_has_replaced_is_none() {
        let variables = [(WORKSPACE_VARIABLE.to_owned(), "/${workspacePath}".to_owned())];
        let environment: Environment = variables.into_iter().collect();
        let cwd = Path::new("/a");
        assert_eq!(candidates(&environment, &[], cwd), [cwd.to_owned()]);
    }
}
