//! The front matter of a plan.
//!
//! Owns where it ends and what its fields mean. Plans are written by others, so the split is lenient; what is inside
//! must be YAML of the right types, and is surveyed before it is read.

use std::collections::BTreeSet;
use std::fmt;

use gray_matter::engine::Engine;
use gray_matter::{Matter, Pod};
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

use super::survey::Survey;
use super::{PlanError, PlannedPhase};
use crate::{AgentName, PhaseId, RelPath, TaskComplexity, WorkflowMode};

/// A plan with its front matter told from its body.
pub(super) struct Split<'a> {
    /// The front matter, if the plan has one.
    pub(super) matter: Option<FrontMatter>,
    pub(super) body: &'a str,
    /// The line of the plan in which the body starts.
    pub(super) body_line: usize,
    /// Whether the plan starts like a front matter that never ends.
    pub(super) is_open: bool,
}

/// The YAML between the fences, and the line of the plan in which it starts.
pub(super) struct FrontMatter {
    pub(super) yaml: String,
    pub(super) line: usize,
}

/// What the front matter says.
#[derive(Default)]
pub(super) struct Head {
    pub(super) title: Option<String>,
    pub(super) design_ref: Option<String>,
    pub(super) task_complexity: Option<TaskComplexity>,
    pub(super) workflow_mode: Option<WorkflowMode>,
    pub(super) phases: Option<Vec<PlannedPhase>>,
}

/// Hands the front matter over as it is: reading it needs types, limits and line numbers that an engine has not.
struct Verbatim;

impl Engine for Verbatim {
    fn parse(content: &str) -> gray_matter::Result<Pod> {
        Ok(Pod::String(content.to_owned()))
    }
}

/// Returns the YAML between the fences of `text`, if it starts with a front matter.
pub(crate) fn front_matter_of(text: &str) -> Option<String> {
    split(text.strip_prefix('\u{feff}').unwrap_or(text)).matter.map(|matter| matter.yaml)
}

pub(super) fn split(text: &str) -> Split<'_> {
    let is_fence = |line: &str| line.trim_end() == "---";
    let is_blank = |line: &&str| line.trim().is_empty();
    let without = |is_open| Split { matter: None, body: text, body_line: 1, is_open };
    if !text.lines().next().is_some_and(is_fence) {
        return without(false);
    }
    let Ok(parsed) = Matter::<Verbatim>::new().parse::<String>(text) else {
        return without(true);
    };
    // The parser trims what it returns, so where it stood is found by counting.
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let line = 1 + lines[1..].iter().take_while(|line| is_blank(line)).count();
    let end = line + parsed.matter.lines().count();
    let fence = end + lines[end..].iter().take_while(|line| is_blank(line)).count();
    if !lines.get(fence).is_some_and(|line| is_fence(line)) {
        return without(true);
    }
    let indentation = lines[line].len() - lines[line].trim_start().len();
    let mut yaml = parsed.matter;
    if !yaml.is_empty() {
        yaml.insert_str(0, &lines[line][..indentation]);
    }
    let body_at: usize = lines[..=fence].iter().map(|line| line.len()).sum();
    Split {
        matter: Some(FrontMatter { yaml, line: line + 1 }),
        body: &text[body_at..],
        body_line: fence + 2,
        is_open: false,
    }
}

pub(super) fn read(matter: &FrontMatter) -> Result<Head, PlanError> {
    let survey = Survey::of(matter)?;
    if !survey.is_mapping {
        return Ok(Head::default());
    }
    let entries: HeadEntries =
        serde_yaml::from_str(&matter.yaml).map_err(|error| field_error(&error, matter.line))?;
    let phases = entries.phases.map(|phases| {
        let lines = survey.phase_lines.into_iter().chain(std::iter::repeat(matter.line));
        phases.into_iter().zip(lines).map(|(phase, line)| phase.planned(line)).collect()
    });
    Ok(Head {
        title: entries.title,
        design_ref: entries.design_ref,
        task_complexity: entries.task_complexity,
        workflow_mode: entries.workflow_mode,
        phases,
    })
}

#[derive(Deserialize)]
struct HeadEntries {
    title: Option<String>,
    design_ref: Option<String>,
    task_complexity: Option<TaskComplexity>,
    workflow_mode: Option<WorkflowMode>,
    phases: Option<Vec<PhaseEntries>>,
}

#[derive(Deserialize)]
struct PhaseEntries {
    id: PhaseId,
    name: String,
    agent: Option<Checked<AgentName>>,
    agents: Option<Vec<Checked<AgentName>>>,
    parallel: Option<bool>,
    blocked_by: Option<Vec<PhaseId>>,
    files: Option<Vec<Checked<RelPath>>>,
    planned_files: Option<Vec<Checked<RelPath>>>,
    files_to_create: Option<Vec<Checked<RelPath>>>,
    files_to_modify: Option<Vec<Checked<RelPath>>>,
    files_to_delete: Option<Vec<Checked<RelPath>>>,
}

impl PhaseEntries {
    fn planned(self, line: usize) -> PlannedPhase {
        PlannedPhase {
            id: self.id,
            name: self.name.trim().to_owned(),
            agents: valid([self.agent.map(|agent| vec![agent]), self.agents]),
            parallel: self.parallel.unwrap_or_default(),
            blocked_by: distinct(self.blocked_by.into_iter().flatten()),
            files_to_create: valid([self.files_to_create]),
            files_to_modify: valid([self.files_to_modify, self.files, self.planned_files]),
            files_to_delete: valid([self.files_to_delete]),
            line: Some(line),
        }
    }
}

fn valid<T: Ord + Clone, const N: usize>(lists: [Option<Vec<Checked<T>>>; N]) -> Vec<T> {
    distinct(lists.into_iter().flatten().flatten().map(|checked| checked.0))
}

/// A value that is checked while its text is read, so that an error points to it and not to the list it is in.
struct Checked<T>(T);

impl<'de> Deserialize<'de> for Checked<AgentName> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Check { expected: "the name of an agent", read: str::parse })
    }
}

impl<'de> Deserialize<'de> for Checked<RelPath> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Check { expected: "a path", read: RelPath::parse })
    }
}

struct Check<T, E> {
    expected: &'static str,
    read: fn(&str) -> Result<T, E>,
}

impl<T, E: fmt::Display> Visitor<'_> for Check<T, E> {
    type Value = Checked<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<R: de::Error>(self, text: &str) -> Result<Checked<T>, R> {
        (self.read)(text).map(Checked).map_err(R::custom)
    }
}

/// Returns each of `items` once, in their order.
pub(super) fn distinct<T: Ord + Clone>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = BTreeSet::new();
    items.filter(|item| seen.insert(item.clone())).collect()
}

/// Makes our error of the typed reader's, which ends in a place within the front matter.
fn field_error(error: &serde_yaml::Error, first_line: usize) -> PlanError {
    let line = first_line + error.location().map_or(0, |at| at.line().saturating_sub(1));
    let text = error.to_string();
    let text = text.split_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    let is_path = |path: &str| {
        path.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.[]".contains(&b)) && !path.is_empty()
    };
    match text.split_once(": ").filter(|(path, _)| is_path(path)) {
        Some((field, problem)) => {
            PlanError::Field { line, field: field.to_owned(), problem: problem.to_owned() }
        }
        None => PlanError::NotYaml { line, reason: text.to_owned() },
    }
}

/// Returns what a field should look like.
pub(super) fn hint(field: &str) -> Option<&'static str> {
    let name = field.rsplit('.').next().unwrap_or(field);
    let hint = match name.split('[').next().unwrap_or(name) {
        "phases" => {
            "give each phase at least `id` and `name`: `- {id: 1, name: Types, agent: coder}`"
        }
        "id" => "use a positive integer or a text, such as `id: 1`",
        "name" => "use a text, such as `name: Types`",
        "agent" => "use one name, such as `agent: coder`; `agents` takes a list",
        "agents" => "use a list of names, such as `agents: [coder, tester]`",
        "parallel" => "use `true` or `false`",
        "blocked_by" => "use a list of phase ids, such as `blocked_by: [1, 2]`",
        "files" | "planned_files" | "files_to_create" | "files_to_modify" | "files_to_delete" => {
            "use a list of paths relative to the workspace, such as `[src/main.rs]`"
        }
        "task_complexity" => "use `simple`, `medium` or `complex`",
        "workflow_mode" => "use `standard` or `express`",
        _ => return None,
    };
    Some(hint)
}
