//! Writes a session the way no program would: by hand, in a mix of styles.
//!
//! Every choice is a throw of the dice. The dice are a plain list of bytes, so that a failing document shrinks towards
//! the one where every throw is zero, which is plain block YAML.

use std::fmt::Write as _;

use maestro_session_model::Session;
use serde_json::Value;

/// A source of choices that runs out into zeros.
#[derive(Clone, Debug)]
pub struct Dice {
    throws: std::vec::IntoIter<u8>,
    comments: usize,
}

impl Dice {
    /// Makes dice that throw these numbers, then zeros.
    pub fn new(throws: Vec<u8>) -> Self {
        Self { throws: throws.into_iter(), comments: 0 }
    }

    /// Returns a number below `sides`.
    fn throw(&mut self, sides: u8) -> u8 {
        self.throws.next().unwrap_or(0) % sides
    }

    /// True once in `sides` throws, never once the throws have run out.
    fn once_in(&mut self, sides: u8) -> bool {
        self.throw(sides) == sides - 1
    }

    fn comment(&mut self) -> String {
        self.comments += 1;
        format!("# note {} [x]: 'by' \"hand\"", self.comments)
    }
}

/// Returns a document that says what `session` says, in a mix of styles, and how many comments (`# note N …`) it has.
pub fn written_by_hand(session: &Session, mut dice: Dice) -> (String, usize) {
    let value = serde_json::to_value(session).expect("a session is plain data");
    let bom = if dice.once_in(8) { "\u{feff}" } else { "" };
    let crlf = dice.once_in(4);
    let fence = if dice.once_in(4) { "---  \n" } else { "---\n" };
    let front = match dice.throw(8) {
        6 => serde_json::to_string_pretty(&value).expect("plain data") + "\n",
        7 => serde_json::to_string(&value).expect("plain data") + "\n",
        _ => {
            let mut hand = Hand { dice: &mut dice, anchored: Vec::new(), crlf, names: false };
            let mut out = String::new();
            hand.map(&mut out, &value, 0);
            out
        }
    };
    let body = match dice.throw(4) {
        0 => "# Log\n",
        1 => "",
        2 => "\n# Log\n\n---\nsession_id: forged\n---\n\n```\n---\n```",
        _ => "text without an end\n\n---\n",
    };
    let text = format!("{bom}{fence}{front}---\n{body}");
    (if crlf { text.replace('\n', "\r\n") } else { text }, dice.comments)
}

struct Hand<'d> {
    dice: &'d mut Dice,
    /// Values that carry an anchor, with its name.
    anchored: Vec<(Value, String)>,
    crlf: bool,
    /// Whether the map that is being written has names of agents for keys: nothing unknown may stand there.
    names: bool,
}

/// Keys whose values may be left out where they say nothing.
fn may_be_absent(key: &str, value: &Value) -> bool {
    let says_nothing = match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Array(items) => items.is_empty(),
        Value::Object(_) | Value::Number(_) | Value::String(_) => false,
    };
    says_nothing && !matches!(key, "phases" | "resolved" | "requires_reconciliation")
}

impl Hand<'_> {
    /// A block map at `indent`, each entry on lines of its own.
    fn map(&mut self, out: &mut String, map: &Value, indent: usize) {
        let Value::Object(map) = map else { return };
        let mut entries: Vec<(&String, &Value)> = map.iter().collect();
        if self.dice.once_in(3) {
            entries.reverse();
        }
        let names = std::mem::take(&mut self.names);
        let last = entries.len().saturating_sub(1);
        for (i, (key, value)) in entries.into_iter().enumerate() {
            let first = i == 0;
            if !first && may_be_absent(key, value) && self.dice.once_in(3) {
                continue;
            }
            self.between(out, indent, first || names);
            if !first {
                pad(out, indent);
            }
            self.entry(out, key, value, indent);
            if i == last && !names && self.dice.once_in(6) {
                pad(out, indent);
                *out += "\"x last\": [1, {a: b}] # kept\n";
            }
        }
    }

    /// Comments, blank lines and unknown keys between two entries.
    fn between(&mut self, out: &mut String, indent: usize, first: bool) {
        if first {
            return;
        }
        if self.dice.once_in(8) {
            *out += "\n";
        }
        if self.dice.once_in(6) {
            let comment = self.dice.comment();
            pad(out, indent);
            let _infallible = writeln!(out, "{comment}");
        }
        if self.dice.once_in(10) {
            let n = self.anchored.len() + out.len();
            pad(out, indent);
            let kept = match self.dice.throw(5) {
                0 => format!("x_owner_{n}: ada  # kept"),
                1 => format!("x_deep_{n}: {{a: [1, 2, {{b: c}}], 'd': }}"),
                2 => format!("x_text_{n}: |+\n{:w$}kept\n\n", "", w = indent + 3),
                3 => format!("? x_odd_{n}\n{:w$}: [kept,\n{:w$} lines]", "", "", w = indent),
                _ => format!("'x {n}': !!str 1.0"),
            };
            *out += kept.trim_end_matches('\n');
            *out += "\n";
        }
    }

    fn entry(&mut self, out: &mut String, key: &str, value: &Value, indent: usize) {
        let explicit = self.dice.once_in(8);
        if explicit {
            *out += "? ";
        }
        if is_word(key) && !self.dice.once_in(6) {
            *out += key;
        } else {
            *out += &json(key);
        }
        if explicit {
            self.end_line(out);
            if value.is_null() && self.dice.once_in(2) {
                return;
            }
            pad(out, indent);
        }
        *out += ":";
        self.names = key == "by_agent";
        if explicit && self.dice.once_in(2) {
            self.compact(out, value, indent);
        } else {
            self.value(out, value, indent, indent + 2);
        }
        self.names = false;
    }

    /// What follows the colon of an explicit key, with its line end; a collection begins in the same line.
    fn compact(&mut self, out: &mut String, value: &Value, indent: usize) {
        let inner = indent + 2;
        match value {
            Value::Object(map) if !map.is_empty() => {
                *out += " ";
                self.map(out, value, inner);
            }
            Value::Array(items) if !items.is_empty() => {
                for (i, item) in items.iter().enumerate() {
                    pad(out, if i == 0 { 1 } else { inner });
                    self.item(out, item, inner);
                }
            }
            leaf => self.value(out, leaf, indent, inner),
        }
    }

    /// What follows a colon or a dash, with its line end.
    fn value(&mut self, out: &mut String, value: &Value, indent: usize, inner: usize) {
        if self.alias(out, value) {
            return self.end_line(out);
        }
        match value {
            Value::Object(map) if !map.is_empty() && !self.dice.once_in(5) => {
                self.anchor(out, value);
                *out += "\n";
                pad(out, inner);
                self.map(out, value, inner);
            }
            Value::Array(items) if !items.is_empty() && !self.dice.once_in(4) => {
                self.anchor(out, value);
                self.end_line(out);
                let dash = if self.dice.once_in(3) { indent } else { inner };
                for item in items {
                    pad(out, dash);
                    self.item(out, item, dash);
                }
            }
            Value::Object(_) | Value::Array(_) => {
                self.anchor(out, value);
                *out += " ";
                let lines = self.dice.once_in(3).then_some(inner);
                self.flow(out, value, lines);
                self.end_line(out);
            }
            Value::String(text) if self.fits_literal(text) && self.dice.throw(2) == 0 => {
                *out += " |-\n";
                for line in text.lines() {
                    pad(out, inner);
                    *out += line;
                    *out += "\n";
                }
            }
            Value::Null if self.dice.once_in(3) => self.end_line(out),
            scalar => {
                self.anchor(out, value);
                *out += " ";
                self.scalar(out, scalar, false);
                self.end_line(out);
            }
        }
    }

    fn item(&mut self, out: &mut String, item: &Value, dash: usize) {
        *out += "-";
        match item {
            Value::Object(map) if !map.is_empty() && !self.dice.once_in(4) => {
                if self.dice.once_in(5) {
                    self.end_line(out);
                    pad(out, dash + 3);
                    self.map(out, item, dash + 3);
                } else {
                    *out += " ";
                    self.map(out, item, dash + 2);
                }
            }
            Value::Null => *out += " null\n",
            item => self.value(out, item, dash, dash + 2),
        }
    }

    fn flow(&mut self, out: &mut String, value: &Value, lines: Option<usize>) {
        let next = |out: &mut String, first: bool| match lines {
            Some(indent) => {
                *out += if first { "\n" } else { ",\n" };
                pad(out, indent + 1);
            }
            None => *out += if first { "" } else { ", " },
        };
        match value {
            Value::Array(items) => {
                *out += "[";
                for (i, item) in items.iter().enumerate() {
                    next(out, i == 0);
                    self.flow(out, item, lines.map(|indent| indent + 2));
                }
                *out += if !items.is_empty() && self.dice.once_in(5) { ", ]" } else { "]" };
            }
            Value::Object(map) => {
                *out += "{";
                for (i, (key, value)) in map.iter().enumerate() {
                    next(out, i == 0);
                    *out += &json(key);
                    *out += ": ";
                    self.flow(out, value, lines.map(|indent| indent + 2));
                }
                *out += "}";
            }
            scalar => self.scalar(out, scalar, true),
        }
    }

    fn scalar(&mut self, out: &mut String, value: &Value, in_flow: bool) {
        match value {
            Value::String(text) if is_word(text) && self.dice.once_in(2) => *out += text,
            Value::String(text) if is_printable(text) && self.dice.once_in(3) => {
                let _infallible = write!(out, "'{}'", text.replace('\'', "''"));
            }
            Value::String(text) => *out += &json(text),
            Value::Null if !in_flow && self.dice.once_in(3) => *out += "~",
            other => *out += &other.to_string(),
        }
    }

    fn end_line(&mut self, out: &mut String) {
        if self.dice.once_in(7) {
            let comment = self.dice.comment();
            let _infallible = write!(out, " {comment}");
        }
        *out += "\n";
    }

    fn anchor(&mut self, out: &mut String, value: &Value) {
        let worth_it = value.is_array() || value.is_string() || value.is_object();
        if worth_it && self.dice.once_in(8) {
            let name = format!("a{}", self.anchored.len());
            let _infallible = write!(out, " &{name}");
            self.anchored.push((value.clone(), name));
        }
    }

    fn alias(&mut self, out: &mut String, value: &Value) -> bool {
        let Some((_, name)) = self.anchored.iter().find(|(anchored, _)| anchored == value) else {
            return false;
        };
        let name = name.clone();
        if !self.dice.once_in(2) {
            return false;
        }
        let _infallible = write!(out, " *{name}");
        true
    }

    fn fits_literal(&self, text: &str) -> bool {
        !self.crlf && text.contains('\n') && text.lines().all(is_word) && !text.ends_with('\n')
    }
}

/// A string that needs no quotes.
fn is_word(text: &str) -> bool {
    !matches!(text, "yes" | "no" | "null" | "true" | "false" | "on" | "off" | "y" | "n")
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

fn is_printable(text: &str) -> bool {
    text.chars().all(|c| !c.is_control() && !matches!(c, '\u{feff}' | '\u{2028}'))
}

/// A double-quoted string. YAML has JSON's escapes.
fn json(text: &str) -> String {
    let quoted = serde_json::to_string(text).expect("a string is plain data");
    // Legal in JSON as they are, but line breaks or no content in YAML.
    quoted
        .replace('\u{2028}', "\\u2028")
        .replace('\u{feff}', "\\ufeff")
        .replace('\u{7f}', "\\u007f")
}

fn pad(out: &mut String, columns: usize) {
    out.extend(std::iter::repeat_n(' ', columns));
}
