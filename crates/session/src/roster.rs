//! Finds the agents that the hosts of this workspace know.

use std::path::{Path, PathBuf};

use maestro_session_model::{Roster, read_agent};
use maestro_state_store::disk::{Access, Disk};
use maestro_state_store::{Environment, extension_path};

/// Where hosts keep agent definitions, relative to the workspace.
const AGENT_DIRS: [&str; 4] = [".gemini/agents", ".claude/agents", ".qwen/agents", ".codex/agents"];

/// The largest agent definition that is read.
const MAX_DEFINITION_BYTES: usize = 1 << 20;

/// Returns the agents that are defined for `workspace` and by the extension; nothing where there are none.
pub(crate) fn find(workspace: &Path, environment: &Environment, disk: &dyn Disk) -> Option<Roster> {
    let mut dirs: Vec<PathBuf> = AGENT_DIRS.iter().map(|dir| workspace.join(dir)).collect();
    dirs.extend(extension_path(environment).map(|extension| extension.join("agents")));
    defined_in(&dirs, disk)
}

/// Returns the agents that the extension defines; nothing where there are none, or where its path is relative, which says
/// nothing without a workspace.
pub(crate) fn of_extension(environment: &Environment, disk: &dyn Disk) -> Option<Roster> {
    let extension = extension_path(environment).filter(|path| path.is_absolute())?;
    defined_in(&[extension.join("agents")], disk)
}

/// A definition that cannot be read is left out: it is the host's, and not ours to complain about.
fn defined_in(dirs: &[PathBuf], disk: &dyn Disk) -> Option<Roster> {
    let mut roster = Roster::default();
    let mut found = false;
    for dir in dirs {
        let Ok(listed) = disk.list(dir) else { continue };
        for entry in listed {
            let Some(stem) = entry.name.strip_suffix(".md") else { continue };
            let read = || {
                let mut file = disk.open(&dir.join(&entry.name), Access::ReadFollowing)?;
                file.read_at(0, MAX_DEFINITION_BYTES)
            };
            let Ok(bytes) = read() else { continue };
            if let Some((name, role)) = read_agent(&String::from_utf8_lossy(&bytes), stem) {
                roster.insert(name, role);
                found = true;
            }
        }
    }
    found.then_some(roster)
}
