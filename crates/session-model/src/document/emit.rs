//! Writes values as block YAML, as flow YAML, or as JSON.
//!
//! Strings are always double-quoted (plain multi-line ones become literal blocks in block style), so that every YAML
//! reader of either version reads the same values; `yes`, `1.0` and dates stay what they are. Never reads.

use std::fmt::Write as _;

use super::value::Value;

/// How many spaces a level is indented by.
pub(super) const INDENT: usize = 2;

/// Appends the entries of a block map, each on lines of its own that begin with `indent` spaces and end with `newline`.
pub(super) fn block_map(
    out: &mut String,
    entries: &[(String, Value)],
    indent: usize,
    newline: &str,
) {
    for (key, value) in entries {
        pad(out, indent);
        block_entry(out, key, value, indent, newline);
    }
}

/// Appends `key: value` and a line end, from where the cursor is; the key stands at column `indent`.
pub(super) fn block_entry(
    out: &mut String,
    key: &str,
    value: &Value,
    indent: usize,
    newline: &str,
) {
    block_key(out, key);
    out.push(':');
    block_value(out, value, indent, newline);
}

/// Appends what follows the colon of a key at column `indent`, with its line end.
pub(super) fn block_value(out: &mut String, value: &Value, indent: usize, newline: &str) {
    match value {
        Value::List(items) if !items.is_empty() => {
            out.push_str(newline);
            block_list(out, items, indent + INDENT, newline);
        }
        Value::Map(entries) if !entries.is_empty() => {
            out.push_str(newline);
            block_map(out, entries, indent + INDENT, newline);
        }
        Value::Text(text) if newline == "\n" && fits_literal(text) => {
            out.push(' ');
            literal(out, text, indent + INDENT);
        }
        leaf => {
            out.push(' ');
            flow(out, leaf);
            out.push_str(newline);
        }
    }
}

/// Appends the items of a block list, their dashes at column `indent`.
pub(super) fn block_list(out: &mut String, items: &[Value], indent: usize, newline: &str) {
    for item in items {
        pad(out, indent);
        block_item(out, item, indent, newline);
    }
}

/// Appends `- item` and a line end, from where the cursor is; the dash stands at column `indent`.
pub(super) fn block_item(out: &mut String, item: &Value, indent: usize, newline: &str) {
    out.push_str("- ");
    match item {
        Value::Map(entries) => {
            let mut entries = entries.iter();
            if let Some((key, value)) = entries.next() {
                block_entry(out, key, value, indent + INDENT, newline);
            }
            for (key, value) in entries {
                pad(out, indent + INDENT);
                block_entry(out, key, value, indent + INDENT, newline);
            }
        }
        Value::Text(text) if newline == "\n" && fits_literal(text) => {
            literal(out, text, indent + INDENT);
        }
        leaf => {
            flow(out, leaf);
            out.push_str(newline);
        }
    }
}

/// Appends a value on one line; this is YAML flow style and JSON alike.
pub(super) fn flow(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => {
            // Writing into a string cannot fail.
            let _infallible = write!(out, "{number}");
        }
        Value::Text(text) => quoted(out, text),
        Value::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { ", " });
                flow(out, item);
            }
            out.push(']');
        }
        Value::Map(entries) => {
            out.push('{');
            for (i, (key, value)) in entries.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { ", " });
                quoted(out, key);
                out.push_str(": ");
                flow(out, value);
            }
            out.push('}');
        }
    }
}

/// Appends a value as JSON with one entry a line, as `JSON.stringify(value, null, 2)` does; the line it begins on is
/// indented by `indent` spaces.
pub(super) fn pretty(out: &mut String, value: &Value, indent: usize, newline: &str) {
    match value {
        Value::List(items) if !items.is_empty() => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { "," });
                out.push_str(newline);
                pad(out, indent + INDENT);
                pretty(out, item, indent + INDENT, newline);
            }
            out.push_str(newline);
            pad(out, indent);
            out.push(']');
        }
        Value::Map(entries) if !entries.is_empty() => {
            out.push('{');
            for (i, (key, value)) in entries.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { "," });
                out.push_str(newline);
                pad(out, indent + INDENT);
                pretty_entry(out, key, value, indent + INDENT, newline);
            }
            out.push_str(newline);
            pad(out, indent);
            out.push('}');
        }
        leaf => flow(out, leaf),
    }
}

/// Appends `"key": value` in the style of [`pretty`].
pub(super) fn pretty_entry(
    out: &mut String,
    key: &str,
    value: &Value,
    indent: usize,
    newline: &str,
) {
    quoted(out, key);
    out.push_str(": ");
    pretty(out, value, indent, newline);
}

pub(super) fn pad(out: &mut String, columns: usize) {
    out.extend(std::iter::repeat_n(' ', columns));
}

fn block_key(out: &mut String, key: &str) {
    if is_plain_word(key) { out.push_str(key) } else { quoted(out, key) }
}

/// Whether every YAML reader takes the bare text for a string.
pub(super) fn is_plain_word(text: &str) -> bool {
    const TAKEN: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "y", "n", "null"];
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
        && !TAKEN.contains(&text.to_ascii_lowercase().as_str())
}

/// Appends a double-quoted string that is legal in JSON and in YAML of both versions.
pub(super) fn quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if needs_escape(c) => {
                let _infallible = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Controls, the line breaks that only some readers know, the byte order mark, and what is no character at all.
fn needs_escape(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// Whether a text reads best, and reads back exactly, as a literal block.
fn fits_literal(text: &str) -> bool {
    let lines = text.strip_suffix('\n').unwrap_or(text);
    lines.contains('\n')
        && !lines.ends_with('\n')
        && !text.chars().any(|c| c != '\n' && needs_escape(c))
        && !lines.starts_with([' ', '\n'])
        && lines
            .lines()
            .all(|line| !line.starts_with('\t') && (line.is_empty() || !line.trim().is_empty()))
}

fn literal(out: &mut String, text: &str, indent: usize) {
    // `|` keeps one line end at the end of the text, `|-` none.
    out.push_str(if text.ends_with('\n') { "|\n" } else { "|-\n" });
    for line in text.lines() {
        if !line.is_empty() {
            pad(out, indent);
            out.push_str(line);
        }
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn in_a_map(text: &str) -> String {
        let mut out = String::new();
        block_map(&mut out, &[("k".to_owned(), Value::from(text))], 0, "\n");
        out
    }

    fn read(yaml: &str) -> String {
        #[derive(serde::Deserialize)]
        struct OneKey {
            k: String,
        }
        serde_yaml::from_str::<OneKey>(yaml).unwrap().k
    }

    #[test]
    fn a_word_that_yaml_1_1_reads_as_something_else_is_quoted() {
        for word in
            ["yes", "No", "null", "~", "1.0", "2026-01-01", "0x1F", "- dash", "a: b", "<<", "="]
        {
            assert_eq!(in_a_map(word), format!("k: \"{word}\"\n"));
        }
        assert!(!is_plain_word("yes") && !is_plain_word("on") && !is_plain_word("a b"));
    }

    #[test]
    fn lines_are_written_as_a_literal_block() {
        assert_eq!(in_a_map("lint failed:\n  line 3"), "k: |-\n  lint failed:\n    line 3\n");
        assert_eq!(in_a_map("a\n\nb\n"), "k: |\n  a\n\n  b\n");
    }

    proptest! {
        #[test]
        fn every_text_is_read_back_as_it_was(text in any::<String>()) {
            prop_assert_eq!(&read(&in_a_map(&text)), &text);
            let mut flowed = String::from("{\"k\": ");
            flow(&mut flowed, &Value::from(text.as_str()));
            flowed.push('}');
            prop_assert_eq!(&read(&flowed), &text);
            let json: serde_json::Value = serde_json::from_str(&flowed).unwrap();
            prop_assert_eq!(json["k"].as_str(), Some(text.as_str()));
        }

        #[test]
        fn every_text_of_awkward_lines_is_read_back_as_it_was(
            text in "([ \t#'\"|>:\\-a\u{85}\u{2028}é]{0,6}\n?){0,8}"
        ) {
            prop_assert_eq!(&read(&in_a_map(&text)), &text);
        }
    }
}
