//! Handoff reports.
//!
//! Owns the way from what an agent wrote to what a phase records. Agents are sloppy, so everything that can be
//! understood is, whatever its form; what cannot be is named with its line and changes nothing else. Whether a report
//! suffices to complete a phase is for [`decide`](crate::decide()).

mod sections;
mod values;

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use self::sections::sections;
use self::values::Values;
use crate::markdown::{
    Field, FieldKind, Lines, Part, Place, fields, label, outline, simplified, with_plain_line_ends,
};
use crate::{DownstreamContext, RelPath};

/// The largest report that is read, in bytes.
pub const MAX_REPORT_BYTES: usize = 8 << 20;

/// What an agent reports at the end of its work.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HandoffReport {
    /// How it went.
    pub status: Option<ReportStatus>,
    /// What was to be done, and whether it was.
    pub objective: Option<String>,
    /// Files created.
    pub files_created: Vec<RelPath>,
    /// Files modified.
    pub files_modified: Vec<RelPath>,
    /// Files deleted.
    pub files_deleted: Vec<RelPath>,
    /// What the agent decided by itself.
    pub decisions: Vec<String>,
    /// How the checks went.
    pub validation: Option<Validation>,
    /// What the checks said.
    pub validation_output: Option<String>,
    /// What went wrong.
    pub errors: Vec<String>,
    /// What was asked for and not done, or found and left.
    pub scope_deviations: Vec<String>,
    /// What the phases that depend on this one need to know.
    pub downstream_context: DownstreamContext,
    /// What only the user can resolve.
    pub blockers: Vec<String>,
    /// Fields that are none of the above, with their values; text that belongs to no field stands under the title of
    /// its section.
    pub other: Vec<(String, Vec<String>)>,
    /// The sections that the report should have and has not.
    pub missing: Vec<Section>,
    /// What could not be understood, in the order of the text.
    pub problems: Vec<ReportProblem>,
}

/// A section that every report should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// What was done.
    TaskReport,
    /// What later phases need to know.
    DownstreamContext,
}

impl Section {
    /// Returns the title of the section.
    pub fn title(self) -> &'static str {
        match self {
            Self::TaskReport => "Task Report",
            Self::DownstreamContext => "Downstream Context",
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.title())
    }
}

/// How the work went, in the agent's judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportStatus {
    /// All was done.
    Success,
    /// Some of it was done.
    Partial,
    /// It was not done.
    Failure,
}

/// How the checks went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Validation {
    /// They passed.
    Pass,
    /// At least one failed.
    Fail,
    /// None was made.
    Skipped,
}

/// A value that could not be understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReportProblem {
    /// The line of the report, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for ReportProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

/// Reads the report in `text`, an agent's answer; `workspace` is the absolute path of the workspace.
///
/// A section may be missing, which the report says. Of a section that is there several times, the last one counts:
/// agents repeat their instructions before they answer.
///
/// ```
/// use maestro_session_model::{Section, read_report};
///
/// let report = read_report(
///     "Done!\n\n## Task Report\n- Status: success\n- Files Created: /app/a.txt, b.txt (new)\n",
///     "/app",
/// )?;
/// assert_eq!(report.files_created[0].as_str(), "a.txt");
/// assert_eq!(report.missing, [Section::DownstreamContext]);
/// # Ok::<(), maestro_session_model::HandoffError>(())
/// ```
pub fn read_report(text: &str, workspace: &str) -> Result<HandoffReport, HandoffError> {
    if text.len() > MAX_REPORT_BYTES {
        return Err(HandoffError::TooLarge { bytes: text.len() });
    }
    let text = with_plain_line_ends(text);
    let blocks = outline(&text);
    let sections = sections(&blocks);
    let lines = Lines::new(&text);
    let mut values = Values { workspace, lines: &lines, problems: Vec::new() };
    let mut report = HandoffReport::default();
    match sections.task_report {
        Some(section) => {
            let (fields, loose) = fields(section, |name, _| task_key(name));
            report.take(Section::TaskReport, &fields, &loose, &mut values);
        }
        None => report.missing.push(Section::TaskReport),
    }
    match sections.downstream_context {
        Some(section) => {
            let (fields, loose) = fields(section, |name, _| context_key(name));
            report.take(Section::DownstreamContext, &fields, &loose, &mut values);
        }
        None => report.missing.push(Section::DownstreamContext),
    }
    if report.missing.len() == 2 {
        return Err(HandoffError::MissingSections { missing: report.missing });
    }
    if let Some(section) = sections.blockers {
        Values::add_texts(&mut report.blockers, &sections::parts(section));
    }
    report.drop_duplicates();
    report.problems = values.problems;
    report.problems.sort_by_key(|problem| problem.line);
    Ok(report)
}

/// What a field of a report says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Status,
    Objective,
    Created,
    Modified,
    Deleted,
    /// Files with what happened to them.
    Files,
    Decisions,
    Validation,
    ValidationOutput,
    Errors,
    Deviations,
    Blockers,
    Interfaces,
    Patterns,
    Integration,
    Assumptions,
    Warnings,
}

impl Key {
    fn lists_files(self) -> bool {
        matches!(self, Self::Created | Self::Modified | Self::Deleted | Self::Files)
    }
}

impl FieldKind for Key {
    fn is_prose(self) -> bool {
        self != Self::Status && !self.lists_files()
    }
}

fn task_key(name: &str) -> Option<Key> {
    Some(match simplified(name).as_str() {
        "status" | "overall status" | "task status" => Key::Status,
        "objective achieved" | "objective" | "objective status" => Key::Objective,
        "files created" | "created files" | "new files" => Key::Created,
        "files modified" | "modified files" | "files updated" | "files edited" => Key::Modified,
        "files deleted" | "deleted files" | "files removed" => Key::Deleted,
        "files" | "files changed" | "changed files" | "files touched" => Key::Files,
        "decisions made" | "decisions" | "key decisions" | "decision" => Key::Decisions,
        "validation" | "validation result" | "validation results" | "validation status" => {
            Key::Validation
        }
        "validation output" | "validation details" => Key::ValidationOutput,
        "errors" | "error" | "errors encountered" => Key::Errors,
        "scope deviations" | "scope deviation" | "deviations" => Key::Deviations,
        "blockers" | "blocker" => Key::Blockers,
        _ => return context_key(name),
    })
}

fn context_key(name: &str) -> Option<Key> {
    Some(match simplified(name).as_str() {
        "key interfaces introduced"
        | "key interfaces"
        | "key interface"
        | "interfaces introduced"
        | "interfaces" => Key::Interfaces,
        "patterns established" | "patterns" | "pattern established" | "pattern" => Key::Patterns,
        "integration points" | "integration point" | "integration" => Key::Integration,
        "assumptions" | "assumption" | "assumptions made" => Key::Assumptions,
        "warnings" | "warning" => Key::Warnings,
        _ => return None,
    })
}

impl HandoffReport {
    /// Returns what is odd about the report, each in one sentence: missing sections, then what was not understood.
    pub fn notes(&self) -> Vec<String> {
        let missing =
            self.missing.iter().map(|section| format!("the report has no section `{section}`"));
        missing.chain(self.problems.iter().map(ToString::to_string)).collect()
    }

    fn take(
        &mut self,
        section: Section,
        fields: &[Field<'_, Key>],
        loose: &[Part<'_>],
        values: &mut Values<'_>,
    ) {
        let mut said_of_checks = None;
        for field in fields {
            let parts = &field.parts;
            let context = &mut self.downstream_context;
            match field.kind {
                Some(Key::Status) => values.set_status(&mut self.status, parts),
                Some(Key::Objective) => Values::set_text(&mut self.objective, parts),
                Some(Key::Created) => values.add_files(&mut self.files_created, parts),
                Some(Key::Modified) => values.add_files(&mut self.files_modified, parts),
                Some(Key::Deleted) => values.add_files(&mut self.files_deleted, parts),
                Some(Key::Files) => self.take_files(parts, values),
                Some(Key::Decisions) => Values::add_texts(&mut self.decisions, parts),
                Some(Key::Validation) => {
                    let beside = values.set_validation(&mut self.validation, parts);
                    said_of_checks = said_of_checks.or(beside);
                }
                Some(Key::ValidationOutput) => {
                    Values::set_text(&mut self.validation_output, parts);
                }
                Some(Key::Errors) => Values::add_texts(&mut self.errors, parts),
                Some(Key::Deviations) => Values::add_texts(&mut self.scope_deviations, parts),
                Some(Key::Blockers) => Values::add_texts(&mut self.blockers, parts),
                Some(Key::Interfaces) => {
                    Values::add_texts(&mut context.key_interfaces_introduced, parts);
                }
                Some(Key::Patterns) => Values::add_texts(&mut context.patterns_established, parts),
                Some(Key::Integration) => Values::add_texts(&mut context.integration_points, parts),
                Some(Key::Assumptions) => Values::add_texts(&mut context.assumptions, parts),
                Some(Key::Warnings) => Values::add_texts(&mut context.warnings, parts),
                None => self.keep(field.name, parts),
            }
        }
        self.validation_output = self.validation_output.take().or(said_of_checks);
        // Whoever ignores the five lists and writes prose has passed context on all the same.
        if section == Section::DownstreamContext && self.downstream_context.is_empty() {
            Values::add_texts(&mut self.downstream_context.integration_points, loose);
        } else {
            self.keep(section.title(), loose);
        }
    }

    /// Takes `- Created: a.rs` and the like; of other files it is not known that they are new or gone.
    fn take_files(&mut self, parts: &[Part<'_>], values: &mut Values<'_>) {
        let mut grouped = None;
        for part in parts {
            let labelled = label(part.text).filter(|_| part.place != Place::Code);
            let group = labelled.and_then(|(name, value)| {
                let key = match simplified(name).as_str() {
                    "created" | "added" | "new" => Key::Created,
                    "modified" | "updated" | "changed" | "edited" => Key::Modified,
                    "deleted" | "removed" => Key::Deleted,
                    _ => return None,
                };
                Some((key, value))
            });
            let (place, text) = match group {
                Some((key, value)) => {
                    grouped = Some(key);
                    (Place::Line, value)
                }
                None if part.place == Place::Detail && grouped.is_some() => {
                    (Place::Item, part.text)
                }
                None => {
                    grouped = None;
                    (part.place, part.text)
                }
            };
            let files = match grouped {
                Some(Key::Created) => &mut self.files_created,
                Some(Key::Deleted) => &mut self.files_deleted,
                _ => &mut self.files_modified,
            };
            let offset = part.offset + part.text.len() - text.len();
            values.add_files(files, &[Part { place, text, offset, ..*part }]);
        }
    }

    fn drop_duplicates(&mut self) {
        for files in [&mut self.files_created, &mut self.files_modified, &mut self.files_deleted] {
            keep_first(files);
        }
        let context = &mut self.downstream_context;
        for texts in [
            &mut self.decisions,
            &mut self.errors,
            &mut self.scope_deviations,
            &mut self.blockers,
            &mut context.key_interfaces_introduced,
            &mut context.patterns_established,
            &mut context.integration_points,
            &mut context.assumptions,
            &mut context.warnings,
        ] {
            keep_first(texts);
        }
    }

    fn keep(&mut self, name: &str, parts: &[Part<'_>]) {
        let mut texts = Vec::new();
        Values::add_texts(&mut texts, parts);
        keep_first(&mut texts);
        if !texts.is_empty() {
            self.other.push((name.to_owned(), texts));
        }
    }
}

/// Drops each item that is there before.
fn keep_first<T: Ord + Clone>(items: &mut Vec<T>) {
    let mut seen = BTreeSet::new();
    items.retain(|item| seen.insert(item.clone()));
}

/// Why a report cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandoffError {
    /// The text is too large to be a report.
    #[error("the report has {bytes} bytes, which is more than {MAX_REPORT_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The text has none of the sections that make a report.
    #[error("the report has no section {}", titles(missing))]
    MissingSections {
        /// Which.
        missing: Vec<Section>,
    },
}

impl HandoffError {
    /// Returns the stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "HANDOFF_TOO_LARGE",
            Self::MissingSections { .. } => "HANDOFF_UNREADABLE",
        }
    }

    /// Returns what to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::TooLarge { .. } => {
                "report what was done, and leave long output in files".to_owned()
            }
            Self::MissingSections { missing } => {
                let headings: Vec<String> =
                    missing.iter().map(|section| format!("`## {section}`")).collect();
                format!(
                    "write the whole report again, with the headings {}",
                    headings.join(" and ")
                )
            }
        })
    }
}

fn titles(sections: &[Section]) -> String {
    let titles: Vec<String> = sections.iter().map(|section| format!("`{section}`")).collect();
    titles.join(" and no ")
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    const WORKSPACE: &str = "/home/u/app";

    fn read(text: &str) -> HandoffReport {
        read_report(text, WORKSPACE).unwrap()
    }

    /// Shows what a report says, without what it leaves out.
    fn shown(text: &str) -> String {
        let report = match read_report(text, WORKSPACE) {
            Ok(report) => report,
            Err(error) => return format!("{} {error}", error.code()),
        };
        let serde_json::Value::Object(fields) = serde_json::to_value(report).unwrap() else {
            unreachable!("a struct is an object");
        };
        let mut shown = String::new();
        for (name, value) in fields {
            let members = value.as_object().cloned().unwrap_or_default();
            let said = |value: &serde_json::Value| {
                !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty())
            };
            if members.is_empty() && said(&value) {
                writeln!(shown, "{name}: {value}").unwrap();
            }
            for (name, value) in members.iter().filter(|(_, value)| said(value)) {
                writeln!(shown, "  {name}: {value}").unwrap();
            }
        }
        shown
    }

    #[test]
    fn what_agents_of_today_write_is_read() {
        insta::assert_snapshot!(shown(
            "# Result of A (answer 1)\n\n## Task Report\n- Status: success\n- Files Created: sub-A.txt, sub-A-shell.txt\n- Validation: pass\n\n## Downstream Context\n- Key interface: greet(name) in sub-A.txt\n- Marker: REPORT-A-1"
        ), @r#"
          key_interfaces_introduced: ["greet(name) in sub-A.txt"]
        files_created: ["sub-A.txt","sub-A-shell.txt"]
        other: [["Marker",["REPORT-A-1"]]]
        status: "success"
        validation: "pass"
        "#);
    }

    #[test]
    fn the_contract_is_read() {
        insta::assert_snapshot!(shown(
            "All done.\n\n\
            ## Task Report\n\
            - **Status**: partial\n\
            - **Objective Achieved**: Add a limiter; all but the\n  docs.\n\
            - **Files Created**: `/home/u/app/src/limiter.rs` — the bucket, with `f(a, b)`\n\
            - **Files Modified**: [/home/u/app/Cargo.toml — one dependency, /home/u/app/src/main.rs (two lines)]\n\
            - **Files Deleted**: none\n\
            - **Decisions Made**: Used `Instant`, not a clock\n\
            - **Validation**: pass\n\
            - **Validation Output**: N/A\n\
            - **Errors**: [none]\n\
            - **Scope Deviations**: Docs are left\n\n\
            ## Blockers\n\
            - BLOCKER: Which licence?\n  Context: two remain.\n  Required to proceed: a name.\n\n\
            ## Downstream Context\n\
            - **Key Interfaces Introduced**: `fn take(&self, n: u32) -> bool` in `src/limiter.rs`\n\
            - **Patterns Established**: none\n\
            - **Integration Points**: Not applicable\n\
            - **Assumptions**: None (read-only)\n\
            - **Warnings**: None, but mind the clock\n"
        ), @r#"
        blockers: ["BLOCKER: Which licence? Context: two remain. Required to proceed: a name."]
        decisions: ["Used `Instant`, not a clock"]
          key_interfaces_introduced: ["`fn take(&self, n: u32) -> bool` in `src/limiter.rs`"]
          warnings: ["None, but mind the clock"]
        files_created: ["src/limiter.rs"]
        files_modified: ["Cargo.toml","src/main.rs"]
        objective: "Add a limiter; all but the docs."
        scope_deviations: ["Docs are left"]
        status: "partial"
        validation: "pass"
        "#);
    }

    #[test]
    fn values_stand_in_lists_paragraphs_and_code() {
        insta::assert_snapshot!(shown(
            "### Task Report:\n\n\
            #### Status\n✅ Complete\n\n\
            #### Objective Achieved\nFirst.\n\nSecond\nline.\n\n\
            #### Files Created\n- **src/a.rs**: the parser\n  - `src/no.rs` is not touched\n- `my notes.txt`\n- other notes.txt\n- [`b.rs`](/home/u/app/src/b.rs#L3) (new)\n- None else\n\n\
            **Files Modified**:\n```\nsrc/c.rs   (twice)\nsrc/d.rs\n```\n\n\
            **Errors**: two\n  - E1: bad\n    - because\n\n    of this\n  - E2\n  - E2\n\n\
            **Validation**: All 12 tests pass, 0 failed\n**Validation Output**:\n```sh\n$ cargo test\nok\n```\n\n\
            # Downstream context (for phase 2)\n\n\
            * **Key Interfaces Introduced:**\n  ```ts\n  interface A {\n    b: string;\n  }\n  ```\n  in `a.ts`\n\
            * **Warnings**:\n* first\n* second: **bold**\n"
        ), @r#"
          key_interfaces_introduced: ["```ts\ninterface A {\n  b: string;\n}\n```\n\nin `a.ts`"]
          warnings: ["first","second: **bold**"]
        errors: ["two","E1: bad\n- because\n\nof this","E2"]
        files_created: ["src/a.rs","my notes.txt","other notes.txt","src/b.rs"]
        files_modified: ["src/c.rs","src/d.rs"]
        objective: "First.\n\nSecond line."
        status: "success"
        validation: "pass"
        validation_output: "$ cargo test\nok"
        "#);
    }

    #[test]
    fn paths_outside_and_words_are_problems_and_nothing_else() {
        insta::assert_snapshot!(shown(
            "## Task Report\n- Status: success | partial | failure\n- Files Created: /etc/passwd, a.rs, updated the docs\n- Files Modified:\n  - ../b.rs\n  - c.rs\n- Validation: dunno\n"
        ), @r#"
        files_created: ["a.rs"]
        files_modified: ["c.rs"]
        missing: ["downstream_context"]
        problems: [{"line":2,"message":"`success | partial | failure` is no status: use `success`, `partial` or `failure`"},{"line":3,"message":"`/etc/passwd` lies outside the workspace"},{"line":3,"message":"`updated the docs` does not name a file"},{"line":5,"message":"`../b.rs` lies outside the workspace"},{"line":7,"message":"`dunno` is no validation: use `pass`, `fail` or `skipped`"}]
        "#);
    }

    #[test]
    fn changed_files_are_sorted_by_what_happened_to_them() {
        insta::assert_snapshot!(shown(
            "## Task Report\n### Files Changed\n- Created: a.rs, b.rs\n- Modified:\n  - c.rs\n  - d.rs\n- Deleted: `e.rs`\n- f.rs: small\n- **New**: none\n"
        ), @r#"
        files_created: ["a.rs","b.rs"]
        files_deleted: ["e.rs"]
        files_modified: ["c.rs","d.rs","f.rs"]
        missing: ["downstream_context"]
        "#);
    }

    #[test]
    fn a_section_has_many_headings() {
        for heading in [
            "# Task Report",
            "###### task report",
            "Task Report\n===",
            "TASK REPORT\n---",
            "## **Task Report**",
            "## 1. Task Report:",
            "### Part 1 — Task Report",
            "## 📋 Task Report (phase 2)",
            "## Task Report for phase 2",
            "## Task Report - coder",
            "  ## Task Report ##",
        ] {
            let text = format!("{heading}\nStatus: done\n");
            assert_eq!(read(&text).status, Some(ReportStatus::Success), "{heading}");
        }
        for text in [
            "```\n## Task Report\n```",
            "    ## Task Report",
            "> ## Task Report",
            "- ## Task Report",
            "## Task Reporting",
            "## The Task Report Format",
            "## No Task Report",
            "no # Task Report here",
            "**Task Report**",
            "<!--\n## Task Report\n-->",
            "",
        ] {
            assert_eq!(
                shown(text),
                "HANDOFF_UNREADABLE the report has no section `Task Report` and no `Downstream Context`",
                "{text}"
            );
        }
    }

    #[test]
    fn a_section_ends_where_another_begins() {
        insta::assert_snapshot!(shown(
            "# Task Report\n## Status\nsuccess\n## Downstream Context\n- Warnings: hot\n## Summary\n- Warnings: not this\n### Status\nfailed\n"
        ), @r#"
          warnings: ["hot"]
        status: "success"
        "#);
        insta::assert_snapshot!(shown(
            "## Task Report\n### Errors\nbad\n### Blockers\n- key\n### Decisions Made\n- x\n\nEnd: of it\n---\n## Blockers: none\n### Errors\n- no error\n## Status\nno"
        ), @r#"
        blockers: ["key","Errors","no error"]
        decisions: ["x","End: of it"]
        errors: ["bad"]
        missing: ["downstream_context"]
        "#);
    }

    #[test]
    fn the_last_report_counts() {
        let text = "## Task Report\n- Status: success | failure\n- Files Created: [paths]\n## Downstream Context\n- Warnings: [list]\n\nNow mine:\n\n## Task Report\n- Status: success\n## Downstream Context\n- Warnings: hot";
        insta::assert_snapshot!(shown(text), @r#"
          warnings: ["hot"]
        status: "success"
        "#);
    }

    #[test]
    fn line_ends_change_nothing() {
        // One value is quoted by a problem, one is just short enough to say nothing.
        let text = "## Task Report\n- Status: may\n  be\n- Errors: none\n  (of all that were in the plan)\n";
        let report = read(text);
        assert_eq!(report.problems.len(), 1);
        assert_eq!(read(&text.replace('\n', "\r\n")), report);
    }

    #[test]
    fn a_known_field_behind_a_list_is_read() {
        let report =
            read("## Task Report\n- Files Modified:\n  - src/b.rs\nFiles Deleted: src/c.rs");
        assert_eq!(report.files_modified, [RelPath::parse("src/b.rs").unwrap()]);
        assert_eq!(report.files_deleted, [RelPath::parse("src/c.rs").unwrap()]);
        assert_eq!(report.problems, []);
        insta::assert_snapshot!(shown(
            "## Task Report\n### Errors\n- E1\nNote: see below\n\nStatus: partial\n### Validation\nStatus: pass\n### Files Created\n- a.rs\n\nFiles Deleted:\n- b.rs\n"
        ), @r#"
        errors: ["E1 Note: see below"]
        files_created: ["a.rs"]
        files_deleted: ["b.rs"]
        missing: ["downstream_context"]
        status: "partial"
        validation: "pass"
        validation_output: "Status: pass"
        "#);
    }

    #[test]
    fn a_field_among_files_is_a_problem() {
        insta::assert_snapshot!(shown(
            "## Task Report\n### Files Created\n- a.rs\n- Status: success\n### Files Changed\n- Deleted:\n  - b.rs\n    Errors: one\n### Files Modified\nOwner: bob"
        ), @r#"
        files_created: ["a.rs"]
        files_deleted: ["b.rs"]
        missing: ["downstream_context"]
        problems: [{"line":4,"message":"`Status: success` does not name a file"},{"line":8,"message":"`Errors: one` does not name a file"},{"line":10,"message":"`Owner: bob` does not name a file"}]
        "#);
    }

    #[test]
    fn what_is_below_an_item_belongs_to_it() {
        let warnings = |text: &str| {
            read(&format!("## Downstream Context\n{text}")).downstream_context.warnings
        };
        assert_eq!(
            warnings("- Warnings:\n  - hot\n    - very\n\n    indeed\n  - cold"),
            ["hot\n- very\n\nindeed", "cold"]
        );
        assert_eq!(warnings("- Warnings:\n  - hot\n  - none\n    - really"), ["hot", "really"]);
        assert_eq!(warnings("- Warnings: hot\n\n  and wet\n- Notes: x"), ["hot\n\nand wet"]);
        assert_eq!(warnings("### Warnings\nhot\n\ncold"), ["hot", "cold"]);
        assert_eq!(warnings("### Warnings\n#### Indoors\n- hot\n### Notes\n- cold"), ["hot"]);
    }

    #[test]
    fn context_in_prose_is_context() {
        insta::assert_snapshot!(shown("## Downstream Context\nThe limiter is in `src/l.rs`.\n\n- Call `take`.\n- none\n- Port: 8080"), @r#"
          integration_points: ["The limiter is in `src/l.rs`.","Call `take`."]
        missing: ["task_report"]
        other: [["Port",["8080"]]]
        "#);
        insta::assert_snapshot!(shown("## Task Report\nDone.\n## Downstream Context\n- Warnings: hot\n\nBye."), @r#"
          warnings: ["hot"]
        other: [["Task Report",["Done."]],["Downstream Context",["Bye."]]]
        "#);
        assert!(read("## Downstream Context\nNone.").downstream_context.is_empty());
    }

    #[test]
    fn a_missing_section_is_named() {
        let report = read("## Task Report\n- Status: success");
        assert_eq!(report.missing, [Section::DownstreamContext]);
        assert_eq!(report.notes(), ["the report has no section `Downstream Context`"]);
        let report = read("## Downstream Context\n- Warnings: x");
        assert_eq!(report.missing, [Section::TaskReport]);
        let error = read_report("## Blockers\n- x", WORKSPACE).unwrap_err();
        insta::assert_snapshot!(error.hint().unwrap(), @"write the whole report again, with the headings `## Task Report` and `## Downstream Context`");
    }

    #[test]
    fn a_status_has_many_words() {
        use ReportStatus::{Failure, Partial, Success};
        for (text, status) in [
            ("success", Some(Success)),
            ("**Success** (all of it)", Some(Success)),
            ("COMPLETE", Some(Success)),
            ("✅ done", Some(Success)),
            ("✅", Some(Success)),
            ("Partially complete", Some(Partial)),
            ("mostly done", Some(Partial)),
            ("success (partial)", Some(Partial)),
            ("failed: no network", Some(Failure)),
            ("Not complete", Some(Failure)),
            ("blocked", Some(Failure)),
            ("❌", Some(Failure)),
            ("success | partial | failure", None),
            ("pending", None),
        ] {
            assert_eq!(read(&format!("## Task Report\n- Status: {text}")).status, status, "{text}");
        }
    }

    #[test]
    fn a_validation_has_many_words() {
        use Validation::{Fail, Pass, Skipped};
        for (text, validation) in [
            ("pass", Some(Pass)),
            ("Pass — 12 tests, no failures", Some(Pass)),
            ("`cargo test` passed", Some(Pass)),
            ("ok", Some(Pass)),
            ("12 passed, 0 failed", Some(Pass)),
            ("12 passed; 1 failed", Some(Fail)),
            ("tests did not pass", Some(Fail)),
            ("FAILED", Some(Fail)),
            ("skipped (analysis only)", Some(Skipped)),
            ("N/A", Some(Skipped)),
            ("not run", Some(Skipped)),
            ("pass | fail | skipped", None),
            ("later", None),
        ] {
            let report = read(&format!("## Task Report\n- Validation: {text}"));
            assert_eq!(report.validation, validation, "{text}");
        }
        let output = |text: &str| read(&format!("## Task Report\n{text}")).validation_output;
        assert_eq!(output("- Validation: pass"), None);
        assert_eq!(
            output("- Validation Output: two findings\n  1. **Low.** a\n  2. b").as_deref(),
            Some("two findings\n- **Low.** a\n- b")
        );
        assert_eq!(output("- Validation: pass — 12 tests").as_deref(), Some("pass — 12 tests"));
        assert_eq!(
            output("- Validation: pass (all)\n- Validation Output: 12 ok").as_deref(),
            Some("12 ok")
        );
    }

    #[test]
    fn a_report_of_many_megabytes_is_refused() {
        let bytes = MAX_REPORT_BYTES + 1;
        assert_eq!(
            read_report(&"a".repeat(bytes), WORKSPACE),
            Err(HandoffError::TooLarge { bytes })
        );
    }

    #[test]
    fn a_megabyte_of_anything_is_read_in_one_pass() {
        for unit in ["[", ">", "- ", "*", "`", "(,", "- a\n", "- Errors: x\n", "> - ", "\r"] {
            let field = "## Task Report\n- **Files Created**: ";
            let text = format!("{field}{}", unit.repeat(1_000_000 / unit.len()));
            assert_eq!(read(&text).missing, [Section::DownstreamContext], "{unit:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,200}", workspace in "\\PC{0,20}") {
            let read = read_report(&format!("## Task Report\n{text}"), &workspace);
            prop_assert!(read.is_ok());
        }

        #[test]
        fn no_text_that_looks_like_a_report_makes_the_reader_panic(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    "## Task Report\n", "## Downstream Context\n", "### Files Created", "- **Status**: ", "Validation:", "- ", "  ", "    ", "\n", "`a.rs`",
                    "*", "**", "none", "[", "]", "(", ")", "```\n", "> ", "---\n", "===\n", ", ", ": ", " — ", "é", "\r\n", "\0", "<a>", "<!-- ", "- - ", "and ",
                ]),
                0..60,
            ),
        ) {
            let text = pieces.concat();
            if let Ok(report) = read_report(&text, WORKSPACE) {
                let lines = text.lines().count();
                prop_assert!(report.problems.iter().all(|problem| (1..=lines).contains(&problem.line)));
            }
        }

        #[test]
        fn a_rendered_report_is_read_back(report in report(), style in 0..3_usize) {
            let read = read_report(&rendered(&report, style), WORKSPACE).unwrap();
            prop_assert_eq!(read, report);
        }
    }

    fn report() -> impl Strategy<Value = HandoffReport> {
        let path = "[a-z_]{1,6}(/[a-zA-Z0-9_ ,(é-]{0,6}[a-z]){0,2}\\.[a-z]{1,3}"
            .prop_map(|path| RelPath::parse(&path).unwrap());
        let paths = prop::collection::btree_set(path, 0..4)
            .prop_map(|paths| paths.into_iter().collect::<Vec<_>>());
        let text = "[A-Z][a-z]{3,8}( [a-z`:,()]{1,6}){0,4} end";
        let texts = prop::collection::btree_set(text, 0..4)
            .prop_map(|texts| texts.into_iter().collect::<Vec<_>>());
        let status = prop::option::of(prop::sample::select(vec![
            ReportStatus::Success,
            ReportStatus::Partial,
            ReportStatus::Failure,
        ]));
        let validation = prop::option::of(prop::sample::select(vec![
            Validation::Pass,
            Validation::Fail,
            Validation::Skipped,
        ]));
        (
            (status, prop::option::of(text), validation, prop::option::of(text)),
            [paths.clone(), paths.clone(), paths],
            prop::collection::vec(texts, 9),
        )
            .prop_map(
                |((status, objective, validation, validation_output), files, texts)| {
                    let [files_created, files_modified, files_deleted] = files;
                    let mut texts = texts.into_iter();
                    let mut next = || texts.next().unwrap();
                    HandoffReport {
                        status,
                        objective,
                        files_created,
                        files_modified,
                        files_deleted,
                        decisions: next(),
                        validation,
                        validation_output,
                        errors: next(),
                        scope_deviations: next(),
                        downstream_context: DownstreamContext {
                            key_interfaces_introduced: next(),
                            patterns_established: next(),
                            integration_points: next(),
                            assumptions: next(),
                            warnings: next(),
                        },
                        blockers: next(),
                        ..HandoffReport::default()
                    }
                },
            )
    }

    fn rendered(report: &HandoffReport, style: usize) -> String {
        let name = |name: &str| match style {
            0 => format!("- **{name}**:"),
            1 => format!("* **{name}:**"),
            _ => format!("### {name}\n"),
        };
        let items = |items: &[String]| match (items, style) {
            ([], 0 | 1) => " none\n".to_owned(),
            ([], _) => "\nNone.\n".to_owned(),
            ([one], 0 | 1) => format!(" {one}\n"),
            (_, 0 | 1) => {
                items.iter().fold("\n".to_owned(), |text, item| text + &format!("  - {item}\n"))
            }
            _ => {
                items.iter().fold("\n".to_owned(), |text, item| text + &format!("- {item}\n"))
                    + "\n"
            }
        };
        let one = |text: Option<String>| items(&text.map(|text| vec![text]).unwrap_or_default());
        let mut text = "## Task Report\n".to_owned();
        let add = |text: &mut String, field: &str, value: String| *text += &(name(field) + &value);
        if let Some(status) = report.status {
            add(&mut text, "Status", one(Some(format!("{status:?}"))));
        }
        add(&mut text, "Objective Achieved", one(report.objective.clone()));
        for (what, files) in [
            ("Created", &report.files_created),
            ("Modified", &report.files_modified),
            ("Deleted", &report.files_deleted),
        ] {
            let files: Vec<String> = files
                .iter()
                .map(|file| format!("`{WORKSPACE}/{file}` — what `f(x)`, does: it"))
                .collect();
            add(&mut text, &format!("Files {what}"), items(&files));
        }
        add(&mut text, "Decisions Made", items(&report.decisions));
        if let Some(validation) = report.validation {
            add(&mut text, "Validation", one(Some(format!("{validation:?}").to_lowercase())));
        }
        add(&mut text, "Validation Output", one(report.validation_output.clone()));
        add(&mut text, "Errors", items(&report.errors));
        add(&mut text, "Scope Deviations", items(&report.scope_deviations));
        text += "\n## Blockers\n";
        for blocker in &report.blockers {
            writeln!(text, "- {blocker}").unwrap();
        }
        text += "\n## Downstream Context\n";
        for (field, list) in report.downstream_context.lists() {
            add(&mut text, field, items(list));
        }
        text
    }
}
