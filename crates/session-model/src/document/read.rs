//! Turns the text between the fences into a session, or into an error that says where to look.
//!
//! The guards here run before any parser sees the text, so that hostile input costs little.

use granit_parser::{Options, Parser};
use serde_yaml::Value;

use super::record::{Read, SessionRecord};
use super::tree::Tree;
use super::{DocumentError, MAX_DOCUMENT_BYTES};

/// Nesting from which on brackets are looked at more closely. Unmatched brackets in recorded terminal output count too,
/// so this is no limit yet.
const SUSPICIOUS_NESTING: usize = 512;

/// How deep flow collections may really nest; the YAML parser takes time quadratic in this
/// (<https://github.com/yaml/yaml-serde/issues/1>).
const MAX_FLOW_NESTING: usize = 255;

/// Reads the front matter `front`, which begins on line `first_line` of its file.
pub(super) fn read(front: &str, first_line: usize) -> Result<Read, DocumentError> {
    check_size(front.len())?;
    // JSON is YAML, but its own parser is ten times faster. Whatever it does not like is for the YAML reader, which is
    // more generous and explains better.
    if front.trim_start().starts_with('{')
        && let Ok(record) = serde_json::from_str::<SessionRecord>(front)
    {
        return Ok(record.into());
    }
    check_nesting(front, first_line)?;
    match serde_yaml::from_str::<SessionRecord>(front) {
        Ok(record) => Ok(record.into()),
        // Unknown keys are collected by way of a buffer that has no room for tags.
        Err(error) if error.to_string().contains("do not support enum input") => {
            let value: Value =
                serde_yaml::from_str(front).map_err(|error| explain(&error, front, first_line))?;
            serde_yaml::from_value::<SessionRecord>(untagged(value))
                .map(Into::into)
                .map_err(|error| explain(&error, front, first_line))
        }
        Err(error) => Err(explain(&error, front, first_line)),
    }
}

/// The value without the tags on it. The reader has refused deep nesting by now, so recursion is bounded.
fn untagged(value: Value) -> Value {
    match value {
        Value::Tagged(tagged) => untagged(tagged.value),
        Value::Sequence(items) => Value::Sequence(items.into_iter().map(untagged).collect()),
        Value::Mapping(entries) => Value::Mapping(
            entries.into_iter().map(|(key, value)| (untagged(key), untagged(value))).collect(),
        ),
        plain => plain,
    }
}

/// Refuses what is too large to be a session.
pub(super) fn check_size(bytes: usize) -> Result<(), DocumentError> {
    if bytes > MAX_DOCUMENT_BYTES {
        return Err(DocumentError::TooLarge { bytes: bytes as u64 });
    }
    Ok(())
}

/// Refuses flow collections that nest so deep that parsing them would take minutes.
pub(crate) fn check_nesting(yaml: &str, first_line: usize) -> Result<(), DocumentError> {
    let mut depth = 0_usize;
    let mut deepest = 0;
    for byte in yaml.bytes() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => continue,
        }
        deepest = deepest.max(depth);
    }
    if deepest < SUSPICIOUS_NESTING {
        return Ok(());
    }
    // This parser is linear and knows brackets from text in quotes.
    let mut options = Options::default();
    options.flow_nesting_limit = MAX_FLOW_NESTING;
    options.set_emit_comments(false);
    for event in Parser::new_from_str_with_options(yaml, options) {
        if let Err(error) = event {
            let line = first_line + error.marker().line().saturating_sub(1);
            return Err(DocumentError::Syntax {
                line,
                column: error.marker().col() + 1,
                message: error.info(),
            });
        }
    }
    Ok(())
}

/// Makes our error of the YAML reader's, with the line in the file instead of the line in the front matter.
fn explain(error: &serde_yaml::Error, front: &str, first_line: usize) -> DocumentError {
    let text = error.to_string();
    let text = text.split_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    let (line, column) = error
        .location()
        .map_or((first_line, 1), |at| (first_line + at.line().saturating_sub(1), at.column()));
    // The reader reports a repeated key where its map begins, which is no help in a long one.
    let repeated = if text.contains("duplicate") { Tree::repeated_key(front) } else { None };
    let (line, column) = repeated.map_or((line, column), |at| {
        let before = &front[..at];
        let column = before.rsplit('\n').next().map_or(0, |start| start.chars().count());
        (first_line + before.matches('\n').count(), column + 1)
    });
    if let Some(line) = second_document(front) {
        let message = "a second YAML document begins here; a session is one".to_owned();
        return DocumentError::Syntax { line: first_line + line, column: 1, message };
    }
    match text.split_once(": ") {
        Some((field, message)) if is_field_path(field) => DocumentError::Field {
            line,
            column,
            field: field.to_owned(),
            message: message.to_owned(),
        },
        _ => DocumentError::Syntax { line, column, message: text.to_owned() },
    }
}

/// The line, from 0, of a `...` that ends one YAML document and has another behind it.
fn second_document(front: &str) -> Option<usize> {
    let line = front.lines().position(|line| line.trim_end() == "...")?;
    let rest = front.lines().skip(line + 1);
    let has_more = rest.map(str::trim).any(|rest| !rest.is_empty() && !rest.starts_with('#'));
    has_more.then_some(line)
}

/// `phases[1].status` or `status`, but not `invalid type`. Behind its first word a path can hold anything: names of
/// agents are keys too.
fn is_field_path(text: &str) -> bool {
    let word = text.split(['.', '[']).next().unwrap_or_default();
    !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}
