//! The values of a report's fields.
//!
//! Owns what agents mean by their words: which are files, which say how it went, and which say nothing. What is not
//! understood becomes a problem of the report.

use super::{ReportProblem, ReportStatus, Validation, task_key};
use crate::RelPath;
use crate::id::excerpt;
use crate::markdown::{Lines, Listed, Named, Part, folded, listed_files, means_nothing};

pub(super) struct Values<'a> {
    pub(super) workspace: &'a str,
    pub(super) lines: &'a Lines,
    pub(super) problems: Vec<ReportProblem>,
}

impl Values<'_> {
    fn problem(&mut self, offset: usize, message: String) {
        self.problems.push(ReportProblem { line: self.lines.of(offset), message });
    }

    /// Adds the files that `parts` name.
    pub(super) fn add_files(&mut self, files: &mut Vec<RelPath>, parts: &[Part<'_>]) {
        let is_other = |name: &str| task_key(name).is_some_and(|key| !key.lists_files());
        for (offset, listed) in listed_files(parts, is_other) {
            match listed {
                Listed::Named(Named::File(path)) => match RelPath::within(self.workspace, path) {
                    Ok(path) => files.push(path),
                    Err(error) => self.problem(offset, error.to_string()),
                },
                Listed::Named(Named::Unclear(words)) | Listed::Field(words) => {
                    self.problem(offset, format!("`{}` does not name a file", excerpt(words)));
                }
            }
        }
    }

    /// Adds the texts that `parts` are, without those that say nothing.
    pub(super) fn add_texts(texts: &mut Vec<String>, parts: &[Part<'_>]) {
        let mut can_continue = false;
        for part in parts {
            let text = text_of(part);
            let last = texts.last_mut().filter(|_| can_continue && part.continues);
            if let Some(last) = last {
                last.push_str(if part.starts_item { "\n- " } else { "\n\n" });
                last.push_str(&text);
                continue;
            }
            can_continue = !means_nothing(&text);
            if can_continue {
                texts.push(text);
            }
        }
    }

    /// Sets a text of which there is one, unless it is set already.
    pub(super) fn set_text(text: &mut Option<String>, parts: &[Part<'_>]) {
        if text.is_none() {
            *text = joined(parts);
        }
    }

    pub(super) fn set_status(&mut self, status: &mut Option<ReportStatus>, parts: &[Part<'_>]) {
        let Some(part) = parts.first().filter(|_| status.is_none()) else {
            return;
        };
        *status = status_of(part.text);
        if status.is_none() {
            let found = excerpt(part.text);
            self.problem(
                part.offset,
                format!("`{found}` is no status: use `success`, `partial` or `failure`"),
            );
        }
    }

    /// Sets the result of the checks, and returns what is said beside it.
    pub(super) fn set_validation(
        &mut self,
        validation: &mut Option<Validation>,
        parts: &[Part<'_>],
    ) -> Option<String> {
        let (part, rest) = parts.split_first().filter(|_| validation.is_none())?;
        *validation = validation_of(part.text);
        if validation.is_none() {
            let found = excerpt(part.text);
            self.problem(
                part.offset,
                format!("`{found}` is no validation: use `pass`, `fail` or `skipped`"),
            );
        }
        // "Pass — 12 tests" says more than its first word.
        let says_more = words(part.text).nth(1).is_some();
        joined(if says_more { parts } else { rest })
    }
}

/// Returns a piece of text as one line, or a code block with its fences.
fn text_of(part: &Part<'_>) -> String {
    let Some(code) = part.code else {
        return folded(part.text, part.quoted);
    };
    let opening = part.text.lines().next().unwrap_or_default();
    let fence = opening.len() - opening.trim_start_matches(['`', '~']).len();
    let (opening, closing) = if fence < 3 { ("```", "```") } else { (opening, &opening[..fence]) };
    format!("{opening}\n{}\n{closing}", code.trim_end_matches('\n'))
}

/// Joins all pieces of one text.
fn joined(parts: &[Part<'_>]) -> Option<String> {
    let mut text = String::new();
    for part in parts {
        let piece = match part.code {
            Some(code) => code.trim_matches('\n').to_owned(),
            None => folded(part.text, part.quoted),
        };
        if !text.is_empty() {
            text.push_str(if part.starts_item { "\n- " } else { "\n\n" });
        } else if part.starts_item && parts.len() > 1 {
            text.push_str("- ");
        }
        text.push_str(&piece);
    }
    (!means_nothing(&text)).then_some(text)
}

fn words(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase)
}

/// Returns whether a sign such as ✅ says that all is well.
fn sign_of(text: &str) -> Option<bool> {
    match text.trim().chars().next()? {
        '✅' | '✓' | '✔' | '☑' | '🟢' => Some(true),
        '❌' | '✗' | '✘' | '🔴' => Some(false),
        _ => None,
    }
}

fn status_of(text: &str) -> Option<ReportStatus> {
    // A template that was not filled in says nothing.
    if text.contains('|') {
        return None;
    }
    let mut words = words(text);
    let Some(first) = words.next() else {
        let well = |well| if well { ReportStatus::Success } else { ReportStatus::Failure };
        return sign_of(text).map(well);
    };
    if words.next().is_some_and(|second| second.starts_with("partial")) {
        return Some(ReportStatus::Partial);
    }
    match first.as_str() {
        "success" | "successful" | "successfully" | "succeeded" | "complete" | "completed"
        | "done" | "ok" | "okay" | "finished" | "pass" | "passed" | "achieved" => {
            Some(ReportStatus::Success)
        }
        "partial" | "partially" | "incomplete" | "mostly" => Some(ReportStatus::Partial),
        "failure" | "failed" | "fail" | "failing" | "unsuccessful" | "error" | "blocked"
        | "aborted" | "not" => Some(ReportStatus::Failure),
        _ => None,
    }
}

fn validation_of(text: &str) -> Option<Validation> {
    if text.contains('|') {
        return None;
    }
    let words: Vec<String> = words(text).collect();
    let Some(first) = words.first() else {
        let well = |well| if well { Validation::Pass } else { Validation::Fail };
        return sign_of(text).map(well);
    };
    if let Some(validation) = validation_word(first) {
        return Some(validation);
    }
    if means_nothing(text) {
        return Some(Validation::Skipped);
    }
    // "All 12 tests pass, 0 failed": a failure that happened outweighs what went well.
    let mut found = None;
    let mut before = "";
    for word in &words {
        let denied = matches!(before, "0" | "no" | "zero" | "without" | "not" | "never" | "t");
        let here = match validation_word(word) {
            Some(Validation::Pass) if denied => Some(Validation::Fail),
            Some(Validation::Fail) if denied => None,
            None if denied && word == "run" => Some(Validation::Skipped),
            here => here,
        };
        if found.is_none() || here == Some(Validation::Fail) {
            found = here.or(found);
        }
        before = word;
    }
    found
}

fn validation_word(word: &str) -> Option<Validation> {
    match word {
        "pass" | "passed" | "passes" | "passing" | "ok" | "okay" | "success" | "successful"
        | "succeeded" | "green" => Some(Validation::Pass),
        "fail" | "failed" | "fails" | "failing" | "failure" | "failures" | "red" => {
            Some(Validation::Fail)
        }
        "skipped" | "skip" => Some(Validation::Skipped),
        _ => None,
    }
}
