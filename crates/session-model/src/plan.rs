//! Implementation plans.
//!
//! Owns the way from the text of a plan to its phases, in both forms that a plan can have, and the rules that phases
//! must keep. What the text says and whether it may be carried out are two questions: a plan in which two phases have
//! one id is read here and refused by [`check`].

mod blockers;
mod check;
mod front_matter;
mod markdown;
mod nearest;
mod profile;
mod survey;

use std::collections::BTreeSet;

pub use self::check::{
    PhaseOutline, PlanReport, PlanRule, Severity, Violation, check, check_for, session_outlines,
};
pub(crate) use self::check::{errors, left_to_nobody};
use crate::markdown::with_plain_line_ends;
use crate::{AgentName, InvalidId, InvalidPath, PhaseId, RelPath, TaskComplexity, WorkflowMode};

pub(crate) use self::front_matter::front_matter_of;
pub use self::profile::{Batch, Profile};

/// The largest plan that is read, in bytes.
pub const MAX_PLAN_BYTES: usize = 16 << 20;

/// The phases of a task, and what is said of it as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What the plan is called: in the front matter, else in the first heading.
    pub title: Option<String>,
    /// The design document that it carries out, as written.
    pub design_ref: Option<String>,
    /// How demanding the task was judged to be.
    pub task_complexity: Option<TaskComplexity>,
    /// Standard, or express with a single phase.
    pub workflow_mode: Option<WorkflowMode>,
    /// The phases, in the order of the text; there is at least one in a plan that was read.
    pub phases: Vec<PlannedPhase>,
}

impl Plan {
    /// Returns a plan of these phases of which nothing else is said.
    pub fn of_phases(phases: Vec<PlannedPhase>) -> Self {
        Self { title: None, design_ref: None, task_complexity: None, workflow_mode: None, phases }
    }
}

/// A step of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedPhase {
    /// The identity within the plan.
    pub id: PhaseId,
    /// What the step is called; empty if the plan does not say.
    pub name: String,
    /// Who carries it out.
    pub agents: Vec<AgentName>,
    /// Whether it may run beside others of its depth.
    pub parallel: bool,
    /// The phases that must be completed or skipped first.
    pub blocked_by: Vec<PhaseId>,
    /// Files that are to come into being.
    pub files_to_create: Vec<RelPath>,
    /// Files that are to change, and those of which the plan does not say what happens to them.
    pub files_to_modify: Vec<RelPath>,
    /// Files that are to go.
    pub files_to_delete: Vec<RelPath>,
    /// The line of the plan, counted from 1, in which the phase starts; nothing if it comes from no text.
    pub line: Option<usize>,
}

impl PlannedPhase {
    /// Returns all files that the phase owns, each once.
    pub fn planned_files(&self) -> Vec<&RelPath> {
        let mut seen = BTreeSet::new();
        let all = [&self.files_to_create, &self.files_to_modify, &self.files_to_delete];
        all.into_iter().flatten().filter(|path| seen.insert(*path)).collect()
    }
}

/// Reads a plan: from the `phases:` of its front matter if it has any, else from its `## Phase` headings.
///
/// ```
/// use maestro_session_model::read_plan;
///
/// let lines = [
///     "## Phase 1: Types",
///     "### Agent: coder",
///     "### Files to Create",
///     "- `src/types.rs` — the nouns",
///     "## Phase 2: Tests",
///     "### Agent: tester",
///     "### Dependencies",
///     "- Blocked by: Phase 1",
/// ];
/// let plan = read_plan(&lines.join("\n"))?;
/// assert_eq!(plan.phases[0].files_to_create[0].as_str(), "src/types.rs");
/// assert_eq!(plan.phases[1].blocked_by, [plan.phases[0].id.clone()]);
/// # Ok::<(), maestro_session_model::PlanError>(())
/// ```
pub fn read_plan(text: &str) -> Result<Plan, PlanError> {
    if text.len() > MAX_PLAN_BYTES {
        return Err(PlanError::TooLarge { bytes: text.len() });
    }
    let text = with_plain_line_ends(text.strip_prefix('\u{feff}').unwrap_or(text));
    let split = front_matter::split(&text);
    let head = match &split.matter {
        Some(matter) => front_matter::read(matter)?,
        None => front_matter::Head::default(),
    };
    let (first_heading, phases) = match head.phases {
        Some(phases) => (None, phases),
        None => markdown::read(split.body, split.body_line)?,
    };
    if phases.is_empty() {
        return Err(if split.is_open { PlanError::Unclosed } else { PlanError::NoPhases });
    }
    Ok(Plan {
        title: head.title.or(first_heading),
        design_ref: head.design_ref,
        task_complexity: head.task_complexity,
        workflow_mode: head.workflow_mode,
        phases,
    })
}

/// Why a plan cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The text is too large to be a plan.
    #[error("the plan has {bytes} bytes, which is more than {MAX_PLAN_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The front matter has no end, and nothing below its start is a phase.
    #[error("line 1: the front matter has no closing `---`")]
    Unclosed,
    /// The front matter is not YAML.
    #[error("line {line}: the front matter is not YAML: {reason}")]
    NotYaml {
        /// Where.
        line: usize,
        /// What the YAML reader says.
        reason: String,
    },
    /// One mapping has a key twice.
    #[error("line {line}: `{key}` is there for the second time")]
    DuplicateKey {
        /// Where it is again.
        line: usize,
        /// The key.
        key: String,
    },
    /// Aliases make the front matter too large.
    #[error("line {line}: aliases make the front matter larger than {MAX_PLAN_BYTES} bytes")]
    TooManyAliases {
        /// Where the limit is passed.
        line: usize,
    },
    /// A field of the front matter has a value of the wrong kind, or is missing.
    #[error("line {line}: `{field}`: {problem}")]
    Field {
        /// Where.
        line: usize,
        /// The way to the field, such as `phases[1].blocked_by`.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A field below a phase heading has a value that cannot be understood.
    #[error("line {line}: `{field}` is `{found}`, not {expected}")]
    Value {
        /// Where.
        line: usize,
        /// The name of the field.
        field: String,
        /// The value, shortened.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A field below a phase heading names a file that cannot be one of the workspace.
    #[error("line {line}: `{field}` names a file that a phase cannot own")]
    Path {
        /// Where.
        line: usize,
        /// The name of the field.
        field: String,
        /// What is wrong with the path.
        source: InvalidPath,
    },
    /// A phase heading or a field below it has an id or an agent that cannot be one.
    #[error("line {line}: `{field}` has an unusable name")]
    Id {
        /// Where.
        line: usize,
        /// The name of the field.
        field: String,
        /// What is wrong with the id.
        source: InvalidId,
    },
    /// There are no phases in the text.
    #[error("the plan has no phases")]
    NoPhases,
}

impl PlanError {
    /// Returns the stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "PLAN_TOO_LARGE",
            Self::Unclosed
            | Self::NotYaml { .. }
            | Self::DuplicateKey { .. }
            | Self::TooManyAliases { .. } => "PLAN_UNREADABLE",
            Self::Field { .. } | Self::Value { .. } | Self::Path { .. } | Self::Id { .. } => {
                "PLAN_FIELD_INVALID"
            }
            Self::NoPhases => "PLAN_WITHOUT_PHASES",
        }
    }

    /// Returns the line of the plan, counted from 1, that is to be changed.
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::Unclosed => Some(1),
            Self::NotYaml { line, .. }
            | Self::DuplicateKey { line, .. }
            | Self::TooManyAliases { line }
            | Self::Field { line, .. }
            | Self::Value { line, .. }
            | Self::Path { line, .. }
            | Self::Id { line, .. } => Some(*line),
            Self::TooLarge { .. } | Self::NoPhases => None,
        }
    }

    /// Returns what to do next.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::TooLarge { .. } => "keep in the plan what the phases need, and link the rest",
            Self::Unclosed => "end the front matter with a line `---`",
            Self::NotYaml { .. } => "put values that contain `: ` or ` #` in quotes",
            Self::DuplicateKey { .. } => "remove one of the two",
            Self::TooManyAliases { .. } => "write the values out instead of using aliases",
            Self::Field { field, .. } => front_matter::hint(field)?,
            Self::Value { .. } | Self::Id { .. } => return None,
            Self::Path { .. } => "write the path relative to the workspace, such as `src/main.rs`",
            Self::NoPhases => {
                "write a heading for each phase:\n\n\
                 ## Phase 1: <name>\n\
                 ### Agent: <agent>\n\
                 ### Files to Create\n\
                 - `path/to/file`\n\
                 ### Dependencies\n\
                 - Blocked by: None\n\n\
                 or list the phases in the front matter:\n\n\
                 ---\n\
                 phases:\n\
                 \x20 - id: 1\n\
                 \x20   name: <name>\n\
                 \x20   agent: <agent>\n\
                 \x20   files: [path/to/file]\n\
                 \x20   blocked_by: []\n\
                 ---"
            }
        };
        Some(hint.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    fn join<T: ToString>(items: &[T]) -> String {
        items.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    /// Shows what a plan says, one phase a line.
    fn shown(text: &str) -> String {
        let plan = match read_plan(text) {
            Ok(plan) => plan,
            Err(error) => {
                let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
                return format!("{} {error}{}", error.code(), source.unwrap_or_default());
            }
        };
        let mut shown = format!(
            "{:?} {:?} {:?} {:?}",
            plan.title, plan.design_ref, plan.task_complexity, plan.workflow_mode
        );
        for phase in &plan.phases {
            write!(
                shown,
                "\n{}: {} {:?} [{}]{} after [{}] +[{}] ~[{}] -[{}]",
                phase.line.unwrap(),
                phase.id,
                phase.name,
                join(&phase.agents),
                if phase.parallel { " parallel" } else { "" },
                join(&phase.blocked_by),
                join(&phase.files_to_create),
                join(&phase.files_to_modify),
                join(&phase.files_to_delete),
            )
            .unwrap();
        }
        shown
    }

    const TEMPLATE: &str = r#"---
title: "Rate limiter Implementation Plan"
design_ref: "docs/maestro/plans/design.md"
created: "2026-01-15T10:00:00Z"
status: "draft"
total_phases: 3
task_complexity: "medium" # one of: simple, medium, complex
---

# Rate limiter

## Plan Overview

- **Total phases**: 3

## Dependency Graph

```
## Phase 9: not a phase
```

## Phase 1: Foundation: types and traits ✓ completed

### Objective
Agent: nobody, this is prose.

### Agent: `coder`
### Parallel: No

### Files to Create

- `src/limiter/types.rs` — `Bucket`, `Rate`
- src/limiter/mod.rs - exports

### Files to Modify

- `Cargo.toml` — dependencies
  - Add `src/not/a/file.rs` to nothing
- *Various legacy files* — only if needed

### Implementation Details

- **Agent**: nobody either
- Files to Create: `src/no.rs`

### Dependencies

- Blocked by: None
- Blocks: [2, 3]

---

## Phase 2: Middleware

### Agent: coder, tester
### Parallel: Yes

### Files to Create: None

### Files to Modify
- `src/server.rs`: plug it in
- `src/limiter/mod.rs`

### Dependencies
- Blocked by: [1]
- Blocks: Phase 3

## Phase 3: Documentation

### Agent: technical-writer
### Parallel: Yes
### Files to Create
- `docs/limits.md`
### Files to Delete
- `docs/old.md`
### Dependencies
- Blocked by: Phase 1 (types)

## File Inventory

| # | File | Phase |
|---|------|-------|
| 1 | `src/other.rs` | 1 |
"#;

    #[test]
    fn the_template_is_read() {
        insta::assert_snapshot!(shown(TEMPLATE), @r#"
        Some("Rate limiter Implementation Plan") Some("docs/maestro/plans/design.md") Some(Medium) None
        22: 1 "Foundation: types and traits" [coder] after [] +[src/limiter/types.rs src/limiter/mod.rs] ~[Cargo.toml] -[]
        53: 2 "Middleware" [coder tester] parallel after [1] +[] ~[src/server.rs src/limiter/mod.rs] -[]
        68: 3 "Documentation" [technical-writer] parallel after [1] +[docs/limits.md] ~[] -[docs/old.md]
        "#);
    }

    #[test]
    fn line_endings_and_a_byte_order_mark_change_nothing() {
        let expected = shown(TEMPLATE);
        assert_eq!(shown(&TEMPLATE.replace('\n', "\r\n")), expected);
        assert_eq!(shown(&format!("\u{feff}{TEMPLATE}")), expected);
        // The code goes on in the next line.
        let heading = "Phase 1: `A\nB`\n---\n";
        assert_eq!(shown(&heading.replace('\n', "\r\n")), shown(heading));
    }

    #[test]
    fn a_phase_is_written_in_many_ways() {
        let expected = "None None None None\n1: 1 \"Types\" [coder tester] parallel after [] +[a.rs] ~[b.rs] -[]";
        for text in [
            "## Phase 1: Types\n### Agents: coder, tester\n### Parallel: true\n### Files to Create\n- `a.rs`\n### Files to Modify\n- b.rs",
            "### phase 1 - Types ✅\n- Agents: coder and tester\n- Parallel: YES (with 2)\n- Files to Create: `a.rs`\n- Files to Modify:\n  - b.rs (small)",
            "## **Phase 1: *Types***\n**Agents**: `coder`, `tester`\n**Parallel**: yes\n**Files to Create**: a.rs\n**Files**: b.rs",
            "## Phase 1 Types\n\n### Agents\n- coder (lead)\n- @tester\n\n### Parallel\n\nYes, with phase 2\n\n#### Files to Create\n```\na.rs   (new)\n```\n#### Files to Modify\n1. [b](b.rs)",
            "## 🚀 Phase 1 of 3: Types\n**Agent:** coder/tester  \n**Parallel:** Yes\n\n* **Files to Create:** a.rs\n* **Files to Modify:** b.rs",
            "Phase 1: Types\n--------------\n### Agent: coder + tester — both\n### Parallel: Y\n### Files to Create\na.rs\n### Files to Change\nb.rs",
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn a_phase_may_have_a_text_as_its_id() {
        insta::assert_snapshot!(shown(
            "## Phase review: Look again\n**Blocked by**: 3a, Phase 1\n## Phase 3a\n## Phase Overview\n## Phase 1: X\n### Dependencies: Phase 3a\nmore"
        ), @r#"
        None None None None
        1: review "Look again" [] after [3a 1] +[] ~[] -[]
        3: 3a "" [] after [] +[] ~[] -[]
        5: 1 "X" [] after [3a] +[] ~[] -[]
        "#);
    }

    #[test]
    fn headings_of_another_level_or_place_are_no_phases() {
        insta::assert_snapshot!(shown(
            "# Phase 0: no\n> ## Phase 7: no\n\n- ## Phase 8: no\n\n## Phase plan: steps\n### Phase 1: A\n#### Phase 2: no\n    ## Phase 9: no\n### Phase 2: B\n## Risks\n### Agent: no"
        ), @r#"
        Some("Phase 0: no") None None None
        7: 1 "A" [] after [] +[] ~[] -[]
        10: 2 "B" [] after [] +[] ~[] -[]
        "#);
    }

    #[test]
    fn a_rule_below_the_dependencies_is_no_heading() {
        assert_eq!(
            shown("## Phase 1: A\nBlocked by: 2\nBlocks: 3\n---\n### Agent: coder\n## Phase 2: B"),
            "None None None None\n\
             1: 1 \"A\" [coder] after [2] +[] ~[] -[]\n\
             6: 2 \"B\" [] after [] +[] ~[] -[]"
        );
    }

    #[test]
    fn what_somebody_else_says_in_between_ends_no_phase() {
        assert_eq!(
            shown("## Phase 1: A\n> ## Note\n> ### Agent: nobody\n\n### Agent: coder"),
            "None None None None\n1: 1 \"A\" [coder] after [] +[] ~[] -[]"
        );
    }

    #[test]
    fn dependencies_are_phases_that_it_waits_for() {
        let after = |dependencies: &str| {
            let others = "## Phase 1: A\n## Phase 2: B\n## Phase 3: C\n## Phase 4: D\n";
            let plan = read_plan(&format!("{others}### Dependencies\n{dependencies}\n")).unwrap();
            join(&plan.phases[3].blocked_by)
        };
        for (dependencies, expected) in [
            ("- Blocked by: [1, 2]\n- Blocks: 3", "1 2"),
            ("- **Blocked by**: 1 and 2\n- **Blocks**:\n  - 3", "1 2"),
            ("- Blocked by:\n  - Phase 1\n  - Phase 2 (types)\n- serde 1.0\n- Phase 3", "1 2 3"),
            ("- Blocked by: 1\n- serde 1.0\n- tokio", "1"),
            ("Blocked by:\n- Phase 1\n- Phase 2", "1 2"),
            ("Blocked by: Phase 1,\nPhase 2\nBlocks: none", "1 2"),
            ("Depends on: 1", "1"),
            ("- Phase 1 (types)\n- Phase 2\n- the clock", "1 2"),
            ("[1, 2]", "1 2"),
            ("Phase 1, Phase 3", "1 3"),
            ("None", ""),
            ("- Blocks: Phase 1\n  - Phase 2", ""),
            ("```\nBlocked by: 1\n```", ""),
        ] {
            assert_eq!(after(dependencies), expected, "{dependencies}");
        }
    }

    #[test]
    fn a_front_matter_may_be_indented() {
        assert_eq!(
            shown("---\n\n  title: T\n  phases:\n  - id: 1\n    name: A\n---\n"),
            "Some(\"T\") None None None\n5: 1 \"A\" [] after [] +[] ~[] -[]"
        );
    }

    #[test]
    fn phases_of_the_front_matter_win() {
        insta::assert_snapshot!(shown(
            "---\n\ntitle: T\nworkflow_mode: express\nextra: {a: 1}\nphases:\n  - id: 1\n    name: A\n    agent: coder\n    files: [./src//a.rs, src/a.rs]\n  # second\n  - {id: b, name: ' B ', agents: [x, y, x], parallel: true, blocked_by: [1, \"1\"], files_to_create: [c], files_to_delete: [d], planned_files: [p], unknown: 7}\n---\n## Phase 1: other\n"
        ), @r#"
        Some("T") None None Some(Express)
        7: 1 "A" [coder] after [] +[] ~[src/a.rs] -[]
        12: b "B" [x y] parallel after [1] +[c] ~[p] -[d]
        "#);
        assert_eq!(
            shown("---\n{\"phases\": [{\"id\": 1, \"name\": \"A\"}]}\n---\n"),
            "None None None None\n2: 1 \"A\" [] after [] +[] ~[] -[]"
        );
    }

    #[test]
    fn an_error_says_where_and_what_and_how_to_mend_it() {
        let of = |yaml: &str| {
            let text = format!("---\n\n{yaml}\n---\n# x\n## Phase 1: A\n");
            let hint = read_plan(&text).unwrap_err().hint().unwrap_or_default();
            format!("{}\n  {hint}", shown(&text))
        };
        insta::assert_snapshot!(of("phases:\n- {id: 1, name: A}\n- {id: 2, name: B,\n   blocked_by: 1}"), @"
        PLAN_FIELD_INVALID line 6: `phases[1].blocked_by`: invalid type: integer `1`, expected a sequence
          use a list of phase ids, such as `blocked_by: [1, 2]`
        ");
        insta::assert_snapshot!(of("phases:\n- id: 0\n  name: A"), @"
        PLAN_FIELD_INVALID line 4: `phases[0].id`: `0` is not a phase id: use a positive integer or a text of up to 256 bytes in one line
          use a positive integer or a text, such as `id: 1`
        ");
        insta::assert_snapshot!(of("phases:\n- id: 1"), @"
        PLAN_FIELD_INVALID line 4: `phases[0]`: missing field `name`
          give each phase at least `id` and `name`: `- {id: 1, name: Types, agent: coder}`
        ");
        insta::assert_snapshot!(of("phases: {id: 1}"), @"
        PLAN_FIELD_INVALID line 3: `phases`: invalid type: map, expected a sequence
          give each phase at least `id` and `name`: `- {id: 1, name: Types, agent: coder}`
        ");
        insta::assert_snapshot!(of("phases:\n- id: 1\n  name: A\n  files_to_modify:\n  - a\n  - /etc/passwd"), @"
        PLAN_FIELD_INVALID line 8: `phases[0].files_to_modify[1]`: `/etc/passwd` is an absolute path; give it relative to the workspace
          use a list of paths relative to the workspace, such as `[src/main.rs]`
        ");
        insta::assert_snapshot!(of("phases:\n- id: 1\n  name: A\n  files: src/a.rs"), @r#"
        PLAN_FIELD_INVALID line 6: `phases[0].files`: invalid type: string "src/a.rs", expected a sequence
          use a list of paths relative to the workspace, such as `[src/main.rs]`
        "#);
        insta::assert_snapshot!(of("phases:\n- id: 1\n  name: A\n  parallel: maybe"), @r#"
        PLAN_FIELD_INVALID line 6: `phases[0].parallel`: invalid type: string "maybe", expected a boolean
          use `true` or `false`
        "#);
        insta::assert_snapshot!(of("task_complexity: banana"), @"
        PLAN_FIELD_INVALID line 3: `task_complexity`: unknown variant `banana`, expected one of `simple`, `medium`, `complex`
          use `simple`, `medium` or `complex`
        ");
        insta::assert_snapshot!(of("title: Limits: a plan"), @"
        PLAN_UNREADABLE line 3: the front matter is not YAML: mapping values are not allowed in this context
          put values that contain `: ` or ` #` in quotes
        ");
        insta::assert_snapshot!(of("title: A\nextra: {a: 1, a: 2}"), @"
        PLAN_UNREADABLE line 4: `a` is there for the second time
          remove one of the two
        ");
        insta::assert_snapshot!(of("title: A\n...\n%YAML"), @"
        PLAN_UNREADABLE line 5: the front matter is not YAML: while scanning a YAML directive, did not find expected version number
          put values that contain `: ` or ` #` in quotes
        ");
    }

    #[test]
    fn an_error_in_markdown_says_where_and_what() {
        let of = |fields: &str| shown(&format!("---\ntitle: x\n---\n\n## Phase 1: A\n{fields}"));
        insta::assert_snapshot!(of("### Files to Create\n- a.rs\n- `../b.rs`"), @"PLAN_FIELD_INVALID line 8: `Files to Create` names a file that a phase cannot own: `../b.rs` lies outside the workspace");
        insta::assert_snapshot!(of("### Files to Modify: /etc/passwd"), @"PLAN_FIELD_INVALID line 6: `Files to Modify` names a file that a phase cannot own: `/etc/passwd` is an absolute path; give it relative to the workspace");
        insta::assert_snapshot!(of("### Parallel: perhaps"), @"PLAN_FIELD_INVALID line 6: `Parallel` is `perhaps`, not `Yes` or `No`");
        insta::assert_snapshot!(of(&format!("### Agent: {}", "x".repeat(300))), @"PLAN_FIELD_INVALID line 6: `Agent` has an unusable name: `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…` is not an agent name: use a text of up to 256 bytes in one line");
    }

    #[test]
    fn a_known_field_behind_the_files_of_a_phase_is_read() {
        let after = |fields: &str| {
            let others = "## Phase 1: A\n## Phase 2: B\n## Phase 3: C\n## Phase 4: D\n";
            let plan = read_plan(&format!("{others}{fields}\n")).unwrap();
            let phase = &plan.phases[3];
            format!("{} {}", join(&phase.planned_files()), join(&phase.blocked_by))
        };
        for (fields, expected) in [
            ("### Files to Modify\n- `src/a.rs`\n**Blocked by**: 1", "src/a.rs 1"),
            ("Files to Create:\n- `src/b.rs`\nBlocked by: 2", "src/b.rs 2"),
            ("### Files to Create\n- `src/d.rs`\n\nBlocked by: 3", "src/d.rs 3"),
            ("### Files to Create\n- `src/d.rs`\nBlocked by:\n- 3\n- 1", "src/d.rs 3 1"),
            ("### Files to Create\r\n- `src/d.rs`\r\nBlocked by: 3\r\n", "src/d.rs 3"),
            ("### Objective\nBuild it.\nNote: see below\n\nBlocked by: 3", " 3"),
            ("### Details\nAgent: coder\nBlocked by: 3", " 3"),
        ] {
            assert_eq!(after(fields), expected, "{fields}");
        }
    }

    #[test]
    fn a_field_among_the_files_of_a_phase_is_an_error() {
        let of = |fields: &str| shown(&format!("## Phase 1: A\n{fields}"));
        insta::assert_snapshot!(of("### Files to Create\n- a.rs\n- Blocked by: 1"), @"PLAN_FIELD_INVALID line 4: `Files to Create` is `Blocked by: 1`, not the path of a file");
        insta::assert_snapshot!(of("- Files to Create: a.rs,\n  b.rs\n  Parallel: yes"), @"PLAN_FIELD_INVALID line 4: `Files to Create` is `Parallel: yes`, not the path of a file");
        insta::assert_snapshot!(of("### Files to Create\nWaits for: 1"), @"PLAN_FIELD_INVALID line 3: `Files to Create` is `Waits for: 1`, not the path of a file");
    }

    #[test]
    fn a_text_without_phases_is_told_what_phases_look_like() {
        for text in [
            "",
            "# Plan\nFirst we do this.",
            "---\ntitle: x\n---\n",
            "---\nphases: []\n---\n## Phase 1: A",
        ] {
            assert_eq!(read_plan(text), Err(PlanError::NoPhases), "{text}");
        }
        insta::assert_snapshot!(PlanError::NoPhases.hint().unwrap(), @"
        write a heading for each phase:

        ## Phase 1: <name>
        ### Agent: <agent>
        ### Files to Create
        - `path/to/file`
        ### Dependencies
        - Blocked by: None

        or list the phases in the front matter:

        ---
        phases:
          - id: 1
            name: <name>
            agent: <agent>
            files: [path/to/file]
            blocked_by: []
        ---
        ");
        assert_eq!(read_plan("---\nphases:\n- id: 1\n"), Err(PlanError::Unclosed));
        let rules = "---\n\n## Phase 1: A\n";
        assert_eq!(shown(rules), "None None None None\n3: 1 \"A\" [] after [] +[] ~[] -[]");
        let words = "---\nnot yaml\n---\n## Phase 1: A\n";
        assert_eq!(shown(words), "None None None None\n4: 1 \"A\" [] after [] +[] ~[] -[]");
    }

    #[test]
    fn the_hint_for_a_plan_without_phases_shows_two_readable_plans() {
        let hint = PlanError::NoPhases.hint().unwrap();
        let (_, markdown) = hint.split_once("\n\n").unwrap();
        let (markdown, yaml) = markdown.split_once("\n\nor list").unwrap();
        let (_, yaml) = yaml.split_once("\n\n").unwrap();
        assert_eq!(read_plan(markdown).unwrap().phases.len(), 1);
        assert_eq!(read_plan(yaml).unwrap().phases.len(), 1);
    }

    #[test]
    fn yaml_that_would_blow_up_is_refused_before_it_is_read() {
        let refused = |yaml: String| match read_plan(&format!("---\n{yaml}\n---\n")).unwrap_err() {
            PlanError::NotYaml { reason, .. } => reason,
            error => error.to_string(),
        };
        assert_eq!(refused("[".repeat(1_000_000)), "recursion limit exceeded");
        assert_eq!(refused(format!("a: {}", "{".repeat(1_000_000))), "recursion limit exceeded");
        assert_eq!(refused("? ".repeat(1_000_000)), "recursion limit exceeded");
        assert_eq!(refused("- ".repeat(1_000_000)), "recursion limit exceeded");
        let files = format!("f: &f [{}]\nphases:\n", "aaaaaaa,".repeat(10_000));
        let many = "- {id: 1, name: x, files: *f}\n".repeat(10_000);
        assert_eq!(
            refused(files + &many),
            "line 213: aliases make the front matter larger than 16777216 bytes"
        );
        assert_eq!(
            refused("phases: &p\n- id: 1\n  name: *p".to_owned()),
            "line 4: aliases make the front matter larger than 16777216 bytes"
        );
    }

    #[test]
    fn an_alias_in_measure_is_read() {
        assert_eq!(
            shown(
                "---\nphases:\n- {id: 1, name: &n A, files: &f [a, b]}\n- {id: 2, name: *n, files: *f}\n---\n"
            ),
            "None None None None\n3: 1 \"A\" [] after [] +[] ~[a b] -[]\n4: 2 \"A\" [] after [] +[] ~[a b] -[]"
        );
    }

    #[test]
    fn a_plan_of_many_megabytes_is_refused() {
        let bytes = MAX_PLAN_BYTES + 1;
        assert_eq!(read_plan(&" ".repeat(bytes)), Err(PlanError::TooLarge { bytes }));
    }

    #[test]
    fn a_megabyte_of_anything_is_read_in_one_pass() {
        for unit in ["[", ">", "- ", "*", "`", "(,", "- a\n", "## Phase 1: a\n", "1-9, ", "\r"] {
            let field = "## Phase 1: a\n### Dependencies\n- Blocked by: ";
            let text = format!("{field}{}", unit.repeat(1_000_000 / unit.len()));
            assert!(read_plan(&text).is_ok_and(|plan| !plan.phases.is_empty()), "{unit:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,200}") {
            let line = read_plan(&text).err().and_then(|error| error.line());
            prop_assert!(line.is_none_or(|line| line <= text.lines().count().max(1)));
        }

        #[test]
        fn no_text_that_looks_like_a_plan_makes_the_reader_panic(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    "## Phase 1: a\n", "### Phase b - c\n", "### Agent: ", "Parallel: ", "yes\n", "- ", "  ", "\n", "`a.rs`", "*", "**Files to Create**:",
                    "### Dependencies\n", "Blocked by: ", "1", "-", "2, ", "[", "]", "(", "```\n", "> ", "---\n", "phases:\n", "id: 1\n", "name: é\n", "&a ", "*a ", "{", "}", "\r\n", "\u{feff}",
                ]),
                0..60,
            ),
        ) {
            let text = pieces.concat();
            if let Ok(plan) = read_plan(&text) {
                let lines = text.lines().count();
                let has_line = |line: &usize| (1..=lines).contains(line);
                prop_assert!(plan.phases.iter().all(|phase| phase.line.as_ref().is_some_and(has_line)));
            }
        }

        #[test]
        fn a_rendered_plan_is_read_back(phases in prop::collection::vec(phase(), 1..6)) {
            let ids: Vec<u64> = (1..=phases.len() as u64).collect();
            let phases: Vec<PlannedPhase> = phases
                .into_iter()
                .zip(&ids)
                .map(|((name, agents, parallel, [create, modify, delete]), id)| PlannedPhase {
                    id: PhaseId::from_number(*id).unwrap(),
                    name,
                    agents: agents.iter().map(|agent| agent.parse().unwrap()).collect(),
                    parallel,
                    blocked_by: ids.iter().filter(|other| *other < id).map(|id| PhaseId::from_number(*id).unwrap()).collect(),
                    files_to_create: create,
                    files_to_modify: modify,
                    files_to_delete: delete,
                    line: None,
                })
                .collect();
            let mut read = read_plan(&markdown(&phases)).unwrap().phases;
            for phase in &mut read {
                phase.line = None;
            }
            prop_assert_eq!(&read, &phases);
            let mut read = read_plan(&yaml(&phases)).unwrap().phases;
            for phase in &mut read {
                phase.line = None;
            }
            prop_assert_eq!(&read, &phases);
        }
    }

    type Parts = (String, Vec<String>, bool, [Vec<RelPath>; 3]);

    fn phase() -> impl Strategy<Value = Parts> {
        let path = "[a-z_]{1,6}(/[a-zA-Z0-9_ ,(é-]{0,6}[a-z]){0,2}\\.[a-z]{1,3}";
        let path = path.prop_map(|path| RelPath::parse(&path).unwrap());
        let paths = || {
            prop::collection::btree_set(path.clone(), 0..3)
                .prop_map(|paths| paths.into_iter().collect())
        };
        (
            "[A-Z][a-z]{0,5}( [a-z:&(),]{1,5}){0,3}",
            prop::collection::btree_set("[a-z]{3,8}(_[a-z]{1,4})?x", 0..3)
                .prop_map(|names| names.into_iter().collect()),
            any::<bool>(),
            [paths(), paths(), paths()],
        )
    }

    fn markdown(phases: &[PlannedPhase]) -> String {
        let mut text = String::from("# Plan\n\n");
        for phase in phases {
            write!(text, "## Phase {}: {}\n\n", phase.id, phase.name).unwrap();
            let agents: Vec<&str> = phase.agents.iter().map(AgentName::as_str).collect();
            let agents = if agents.is_empty() { "None".to_owned() } else { agents.join(", ") };
            write!(
                text,
                "### Agent: {agents}\n### Parallel: {}\n",
                if phase.parallel { "Yes" } else { "No" }
            )
            .unwrap();
            for (what, files) in [
                ("Create", &phase.files_to_create),
                ("Modify", &phase.files_to_modify),
                ("Delete", &phase.files_to_delete),
            ] {
                write!(text, "\n### Files to {what}\n\n").unwrap();
                for file in files {
                    writeln!(text, "- `{file}` — what `f(x)`, does: it").unwrap();
                }
            }
            let blockers: Vec<String> =
                phase.blocked_by.iter().map(|id| format!("Phase {id}")).collect();
            write!(
                text,
                "\n### Dependencies\n\n- Blocked by: [{}]\n- Blocks: [7]\n\n---\n\n",
                blockers.join(", ")
            )
            .unwrap();
        }
        text
    }

    fn yaml(phases: &[PlannedPhase]) -> String {
        let phases: Vec<_> = phases
            .iter()
            .map(|phase| {
                serde_json::json!({
                    "id": phase.id, "name": phase.name, "agents": phase.agents, "parallel": phase.parallel,
                    "blocked_by": phase.blocked_by, "files_to_create": phase.files_to_create,
                    "files_to_modify": phase.files_to_modify, "files_to_delete": phase.files_to_delete,
                })
            })
            .collect();
        format!(
            "---\n{}---\n",
            serde_yaml::to_string(&serde_json::json!({ "phases": phases })).unwrap()
        )
    }
}
