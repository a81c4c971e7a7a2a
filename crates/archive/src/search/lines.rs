//! Which line of an archived file says what. Pure.
//!
//! Goes by the key in front of a line, or of the list or block that the line is in, and so reads block YAML and JSON alike,
//! in files that are damaged too. Does not parse: what is written in flow style on one line counts as what the line begins
//! with.

/// What a line is about, the most telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HitPlace {
    /// The session's id or its task.
    Task,
    /// The name of a phase.
    Phase,
    /// What a phase passed on, and what went wrong in it.
    Decision,
    /// A file: of a manifest or a plan, or a document of the session.
    File,
    /// The log, and whatever else someone wrote.
    Body,
}

impl HitPlace {
    /// All places, the most telling first.
    pub(crate) const ALL: [Self; 5] =
        [Self::Task, Self::Phase, Self::Decision, Self::File, Self::Body];
}

/// A line of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line<'b> {
    /// Its number, from 1.
    pub(crate) number: usize,
    /// Where it begins in the file.
    pub(crate) at: usize,
    /// All of it, without the line end.
    pub(crate) bytes: &'b [u8],
    /// Where the part of `bytes` begins that is searched: behind the key.
    pub(crate) value_at: usize,
    /// What it is about; nothing for a line that is not searched.
    pub(crate) place: Option<HitPlace>,
}

/// The lines of a file.
pub(crate) struct Lines<'b> {
    bytes: &'b [u8],
    at: usize,
    number: usize,
    part: Part,
    /// What lines are about that have no key of their own.
    place: Option<HitPlace>,
    /// The column that a block is indented further than.
    block: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Beginning,
    FrontMatter,
    Body,
}

impl<'b> Lines<'b> {
    pub(crate) fn of(bytes: &'b [u8]) -> Self {
        let at = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        Self { bytes, at, number: 0, part: Part::Beginning, place: None, block: None }
    }

    /// Where the value of a line of the front matter begins; remembers what the lines that follow are about.
    fn read_front_matter(&mut self, line: &[u8]) -> usize {
        let indent = line.iter().take_while(|byte| **byte == b' ').count();
        if let Some(column) = self.block {
            if indent == line.len() || column < indent {
                return indent;
            }
            self.block = None;
        }
        let (mut at, mut column) = (indent, indent);
        // The parent of a block in a list is the dash.
        while line[at..].starts_with(b"- ") {
            column = at;
            at += 2;
            at += line[at..].iter().take_while(|byte| **byte == b' ').count();
        }
        let value = match key(&line[at..]) {
            Some((key, len)) => {
                self.place = place_of(key);
                column = at;
                let blanks = line[at + len..].iter().take_while(|byte| **byte == b' ').count();
                at + len + blanks
            }
            None if line[at..].starts_with(b"#") => {
                self.place = Some(HitPlace::Body);
                at
            }
            None if line[at..].starts_with(b"{") && at + 1 < line.len() => {
                self.place = Some(HitPlace::Phase);
                at
            }
            None => at,
        };
        if matches!(line.get(value), Some(b'|' | b'>')) {
            self.block = Some(column);
        }
        value
    }
}

impl<'b> Iterator for Lines<'b> {
    type Item = Line<'b>;

    fn next(&mut self) -> Option<Line<'b>> {
        let at = self.at;
        let rest = &self.bytes[at..];
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', rest);
        let line = &rest[..end.unwrap_or(rest.len())];
        self.at += end.map_or(rest.len(), |end| end + 1);
        self.number += 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let is_fence = line.trim_ascii_end() == b"---";
        let (value_at, place) = match self.part {
            Part::Beginning if is_fence => {
                self.part = Part::FrontMatter;
                (0, None)
            }
            Part::FrontMatter if is_fence => {
                self.part = Part::Body;
                (0, None)
            }
            Part::Beginning | Part::Body => {
                self.part = Part::Body;
                (0, Some(HitPlace::Body))
            }
            Part::FrontMatter => {
                let value_at = self.read_front_matter(line);
                (value_at, self.place)
            }
        };
        Some(Line { number: self.number, at, bytes: line, value_at, place })
    }
}

/// The key that some text begins with, quoted or not, and how long it is with its colon.
fn key(text: &[u8]) -> Option<(&[u8], usize)> {
    let quote = text.first().copied().filter(|byte| matches!(byte, b'"' | b'\''));
    let begin = usize::from(quote.is_some());
    let is_of_key = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let len = text[begin..].iter().take_while(|byte| is_of_key(byte)).count();
    let key = &text[begin..begin + len];
    let mut end = begin + len;
    if let Some(quote) = quote {
        if text.get(end) != Some(&quote) {
            return None;
        }
        end += 1;
    }
    let is_key = !key.is_empty()
        && text.get(end) == Some(&b':')
        && matches!(text.get(end + 1), None | Some(b' '));
    is_key.then_some((key, end + 1))
}

/// What the value of a key is about; nothing for values that nobody searches for.
fn place_of(key: &[u8]) -> Option<HitPlace> {
    match key {
        b"session_id" | b"task" => Some(HitPlace::Task),
        b"name" => Some(HitPlace::Phase),
        b"key_interfaces_introduced"
        | b"patterns_established"
        | b"integration_points"
        | b"assumptions"
        | b"warnings"
        | b"message"
        | b"resolution"
        | b"reconciliation_reason" => Some(HitPlace::Decision),
        b"files_created"
        | b"files_modified"
        | b"files_deleted"
        | b"planned_files"
        | b"design_document"
        | b"implementation_plan" => Some(HitPlace::File),
        b"created"
        | b"updated"
        | b"status"
        | b"workflow_mode"
        | b"current_phase"
        | b"total_phases"
        | b"execution_mode"
        | b"execution_backend"
        | b"current_batch"
        | b"task_complexity"
        | b"token_usage"
        | b"total_input"
        | b"total_output"
        | b"total_cached"
        | b"by_agent"
        | b"input"
        | b"output"
        | b"cached"
        | b"phases"
        | b"id"
        | b"agents"
        | b"agent"
        | b"parallel"
        | b"started"
        | b"completed"
        | b"blocked_by"
        | b"downstream_context"
        | b"errors"
        | b"timestamp"
        | b"type"
        | b"resolved"
        | b"retry_count"
        | b"requires_reconciliation" => None,
        _ => Some(HitPlace::Body),
    }
}

#[cfg(test)]
mod tests {
    use maestro_testutils::samples;

    use super::*;

    fn places(text: &str) -> Vec<String> {
        let lines = Lines::of(text.as_bytes()).filter_map(|line| {
            let value = std::str::from_utf8(&line.bytes[line.value_at..]).unwrap();
            Some(format!("{} {:?} {value}", line.number, line.place?))
        });
        lines.collect()
    }

    #[test]
    fn block_yaml_and_json_say_the_same() {
        let yaml = "---\nsession_id: \"a\"\ntask: |-\n  Two lines,\n\n  name: of one task\nstatus: done\nphases:\n\
            \x20 - id: 1\n    name: 'Core'\n    agents:\n      - coder\n    files_created:\n      - src/a.rs\n\
            \x20   downstream_context:\n      warnings:\n      - |-\n        multi\n        files_created: no\n      - 'key: value'\n\
            \x20   errors: []\nticket: ABC-1 # mine\n# name: none\n---\n## Phase 1: Core\nname: x\n";
        assert_eq!(
            places(yaml),
            [
                "2 Task \"a\"",
                "3 Task |-",
                "4 Task Two lines,",
                "5 Task ",
                "6 Task name: of one task",
                "10 Phase 'Core'",
                "13 File ",
                "14 File src/a.rs",
                "16 Decision ",
                "17 Decision |-",
                "18 Decision multi",
                "19 Decision files_created: no",
                "20 Decision 'key: value'",
                "22 Body ABC-1 # mine",
                "23 Body # name: none",
                "25 Body ## Phase 1: Core",
                "26 Body name: x"
            ]
        );
        let json = "---\n{\n  \"session_id\": \"a\",\n  \"task\": \"T\",\n  \"phases\": [\n    {\n      \"id\": 1,\n      \"name\": \"Core\",\n\
            \x20     \"agents\": [\n        \"coder\"\n      ],\n      \"files_created\": [\n        \"src/a.rs\"\n      ]\n    }\n  ]\n}\n---\n";
        let found = places(json);
        assert!(found.contains(&"8 Phase \"Core\",".to_owned()), "{found:?}");
        assert!(found.contains(&"13 File \"src/a.rs\"".to_owned()), "{found:?}");
        assert!(!found.iter().any(|line| line.contains("coder")), "{found:?}");
    }

    #[test]
    fn what_is_no_session_is_searched_all_the_same() {
        assert_eq!(places("# Notes\nname: x"), ["1 Body # Notes", "2 Body name: x"]);
        assert_eq!(places("---\r\ntask: cut\r\n"), ["2 Task cut"]);
        assert_eq!(places(""), [""; 0]);
        assert_eq!(places("\u{feff}---\ntask: x\n---\n"), ["2 Task x"]);
    }

    #[test]
    fn every_sample_has_its_task_and_its_phases() {
        for sample in samples() {
            let lines: Vec<Line<'_>> = Lines::of(sample.text.as_bytes()).collect();
            for place in [HitPlace::Task, HitPlace::Phase, HitPlace::Body] {
                let is_there = lines.iter().any(|line| line.place == Some(place));
                assert!(is_there, "{}: {place:?}", sample.name);
            }
        }
    }
}
