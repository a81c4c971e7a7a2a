//! Reads what other people's Markdown says in its front matter: agent definitions and design documents.
//!
//! Of an agent definition it knows what the hosts share (`name`, `tools`) and the `capabilities` that the Node server's own
//! agents have; of a design document, how demanding the task is. Everything else is prompt or prose, and none of its
//! business. What cannot be read says nothing, and is no error: these files are not ours.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::document::check_nesting;
use crate::plan::front_matter_of;
use crate::rules::AgentRole;
use crate::{AgentName, TaskComplexity};

/// Tools of the hosts that write files, in lowercase.
const WRITING_TOOLS: [&str; 12] = [
    "*",
    "write",
    "edit",
    "multiedit",
    "notebookedit",
    "write_file",
    "replace",
    "edit_file",
    "create_file",
    "apply_patch",
    "insert_file",
    "shell_write",
];

#[derive(Deserialize)]
struct Definition {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    capabilities: Option<String>,
    #[serde(default)]
    tools: Option<Tools>,
}

/// A list, or names with commas between them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Tools {
    List(Vec<String>),
    Line(String),
}

impl Tools {
    fn write(&self) -> bool {
        let writes = |name: &str| WRITING_TOOLS.contains(&name.trim().to_lowercase().as_str());
        match self {
            Self::List(names) => names.iter().any(|name| writes(name)),
            Self::Line(names) => names.split(',').any(writes),
        }
    }
}

/// Returns the agent that the definition `text` in the file `<file_stem>.md` describes; nothing if it describes none.
///
/// An agent is read-only if its `capabilities` say so, or else if it has a list of tools with none among them that
/// writes files.
pub fn read_agent(text: &str, file_stem: &str) -> Option<(AgentName, AgentRole)> {
    let definition: Definition = read_front_matter(text)?;
    let name = definition.name.as_deref().unwrap_or(file_stem).parse().ok()?;
    let read_only = match definition.capabilities.as_deref() {
        Some(capabilities) => matches!(capabilities, "read_only" | "read_shell"),
        None => definition.tools.is_some_and(|tools| !tools.write()),
    };
    Some((name, AgentRole { read_only }))
}

/// Returns how demanding the design document `text` says the task is.
pub fn task_complexity_of(text: &str) -> Option<TaskComplexity> {
    #[derive(Deserialize)]
    struct Design {
        task_complexity: Option<TaskComplexity>,
    }

    read_front_matter::<Design>(text)?.task_complexity
}

fn read_front_matter<T: DeserializeOwned>(text: &str) -> Option<T> {
    let front = front_matter_of(text)?;
    check_nesting(&front, 1).ok()?;
    serde_yaml::from_str(&front).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(text: &str) -> Option<(String, bool)> {
        read_agent(text, "stem").map(|(name, role)| (name.to_string(), role.read_only))
    }

    #[test]
    fn an_agent_without_a_tool_that_writes_is_read_only() {
        let architect = "---\nname: architect\ntools:\n  - Read\n  - Grep\n---\nYou are…\n";
        assert_eq!(role(architect), Some(("architect".to_owned(), true)));
        let coder = "---\nname: coder\ntools: Read, Edit, Bash\n---\n";
        assert_eq!(role(coder), Some(("coder".to_owned(), false)));
        let all_tools = "---\ndescription: anything\n---\n";
        assert_eq!(role(all_tools), Some(("stem".to_owned(), false)));
        assert_eq!(
            task_complexity_of("---\ntask_complexity: medium\n---\n"),
            Some(TaskComplexity::Medium)
        );
        let stated = "---\nname: debugger\ntools: [write_file]\ncapabilities: read_shell\n---\n";
        assert_eq!(role(stated), Some(("debugger".to_owned(), true)));
    }

    #[test]
    fn what_is_no_agent_definition_is_left_out() {
        for text in ["", "# Agents\n", "---\nname: [\n---\n", "---\nname: \" \"\n---\n"] {
            assert_eq!(role(text), None, "{text:?}");
        }
    }
}
