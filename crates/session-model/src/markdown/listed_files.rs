//! The files that the value of a field lists.
//!
//! Owns what each piece of such a value can name, and which lines stand among files but are none: a field that was
//! written in the wrong place must not be lost. What to do about those is for the caller.

use super::fields::{Part, Place, label};
use super::named_files::{Expected, Named, files_in_code, means_nothing, named_files};

/// What was found in a value that lists files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listed<'a> {
    Named(Named<'a>),
    /// A line that looks like a field.
    Field(&'a str),
}

/// Finds what stands in `parts`, the value of a field that lists files, each with its place in the text.
///
/// `is_other_field` knows the names of the fields that list no files. What is below an item is a comment on its file.
pub(crate) fn listed_files<'a>(
    parts: &[Part<'a>],
    is_other_field: impl Fn(&str) -> bool,
) -> Vec<(usize, Listed<'a>)> {
    let mut found = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let listed = |named| (part.offset, Listed::Named(named));
        let expected = match part.place {
            Place::Line => Expected::Several,
            Place::Paragraph => Expected::Prose,
            Place::Item => Expected::Item,
            Place::Code => {
                let named = files_in_code(part.code.unwrap_or_default());
                found.extend(named.into_iter().map(listed));
                continue;
            }
            // A comment on the file above; a field that was indented by mistake is none.
            Place::Detail => {
                let first = part.text.lines().next().unwrap_or_default().trim_end();
                let is_field = label(first)
                    .is_some_and(|(name, value)| is_other_field(name) && !means_nothing(value));
                if is_field && !part.quoted {
                    found.push((part.offset, Listed::Field(first)));
                }
                continue;
            }
        };
        if part.quoted {
            found.extend(named_files(part.text, expected).into_iter().map(listed));
            continue;
        }
        let fields: Vec<(usize, &str)> = lines(part.text)
            .filter(|(_, line)| {
                !line.starts_with('`') && label(line).is_some_and(|(name, _)| is_other_field(name))
            })
            .collect();
        let end = fields.first().map_or(part.text.len(), |(line_at, _)| *line_at);
        let files = part.text[..end].trim_end();
        let named = named_files(files, expected);
        let names_file = named.iter().any(|named| matches!(named, Named::File(_)));
        // A paragraph behind other pieces is a comment on them.
        let is_value = part.place != Place::Paragraph || at == 0;
        match files
            .lines()
            .next()
            .map(str::trim_end)
            .filter(|line| !names_file && is_value && says_something(line))
        {
            Some(line) => found.push((part.offset, Listed::Field(line))),
            None => found.extend(named.into_iter().map(listed)),
        }
        // "Blocked by: none" is no loss, unlike "Blocked by:" with a list below.
        let is_loss =
            |line| label(line).is_some_and(|(_, value)| value.is_empty() || !means_nothing(value));
        for (line_at, line) in fields.into_iter().filter(|(_, line)| is_loss(line)) {
            found.push((part.offset + line_at, Listed::Field(line)));
        }
    }
    found
}

/// Whether a line looks like `Name: value`.
fn says_something(line: &str) -> bool {
    let has_value =
        |value: &str| !means_nothing(value) && line[..line.len() - value.len()].contains(':');
    !means_nothing(line) && label(line).is_some_and(|(_, value)| has_value(value))
}

/// Returns the lines of `text`, without blanks around them, with their places.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = at + line.len() - line.trim_start().len();
        at += line.len();
        (start, line.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::super::{FieldKind, fields, outline, simplified};
    use super::*;

    #[derive(Clone, Copy)]
    struct Files;

    impl FieldKind for Files {
        fn is_prose(self) -> bool {
            false
        }
    }

    /// Shows what a list of files names, each with its place in the text.
    fn shown(text: &str) -> String {
        let blocks = outline(text);
        let known = |name: &str, _| (simplified(name) == "files").then_some(Files);
        let (fields, _) = fields(&blocks, known);
        let found = listed_files(&fields[0].parts, |name| simplified(name) == "agent");
        let show = |(offset, listed): &(usize, Listed<'_>)| match listed {
            Listed::Named(named) => format!("{offset}:{named:?} "),
            Listed::Field(_) => format!("{offset}:{listed:?} "),
        };
        found.iter().map(show).collect::<String>().trim_end().to_owned()
    }

    #[test]
    fn a_line_that_looks_like_a_field_and_names_no_file_is_no_file() {
        for (text, expected) in [
            ("### Files\n- Agent: coder", "12:Field(\"Agent: coder\")"),
            ("### Files\n- **Agent**:\n  - coder", "12:Field(\"**Agent**:\")"),
            ("- Files: a,\n  Agent: coder", "9:File(\"a\") 14:Field(\"Agent: coder\")"),
            ("### Files\n- a.rs\n  Agent: x", "12:File(\"a.rs\") 19:Field(\"Agent: x\")"),
            ("### Files\n- Depends on: 2", "12:Field(\"Depends on: 2\")"),
            ("### Files\nNote: see below", "10:Field(\"Note: see below\")"),
            ("### Files\n- a.rs\n\n  Agent: x", "12:File(\"a.rs\") 20:Field(\"Agent: x\")"),
            ("### Files\n- a.rs\n  - Agent: x", "12:File(\"a.rs\") 21:Field(\"Agent: x\")"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn a_comment_on_files_is_no_field() {
        for text in [
            "### Files\n- a.rs — does the\n  following: all of it",
            "### Files\n- a.rs\n  - it has an Agent: coder",
            "### Files\n- a.rs\n\nNote: see below",
            "### Files\n- a.rs\n- Agent: none",
            "### Files\n- a.rs\n- None: no more",
            "### Files\n- a.rs\n\n> Agent: coder",
        ] {
            assert_eq!(shown(text), "12:File(\"a.rs\")", "{text}");
        }
        assert_eq!(shown("### Files\n**Backend:**\n- a.rs"), "25:File(\"a.rs\")");
        assert_eq!(shown("### Files\n- `agent`: x"), "12:File(\"agent\")");
    }
}
