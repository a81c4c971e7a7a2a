//! Fields of a report or a plan: names with their values.
//!
//! Owns the ways in which models write them: `- **Name**: value`, `Name: value`, a heading with a list below, a name
//! alone with the list indented or not. Does not know which names there are; the caller does.

use std::ops::Range;

use super::{Block, BlockKind};

/// A name and what belongs to it.
#[derive(Debug)]
pub(crate) struct Field<'a, K> {
    /// The name as written, without markup around it.
    pub(crate) name: &'a str,
    /// What the caller knows it as.
    pub(crate) kind: Option<K>,
    pub(crate) parts: Vec<Part<'a>>,
    depth: usize,
    heading: Option<usize>,
    /// Whether nothing follows the name in its line, so that a list beside it may be meant to lie below it.
    bare: bool,
}

/// One piece of a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) place: Place,
    /// The piece as written.
    pub(crate) text: &'a str,
    /// Of a code block, the content.
    pub(crate) code: Option<&'a str>,
    pub(crate) offset: usize,
    /// Whether it is the first piece of a list item that is all value.
    pub(crate) starts_item: bool,
    /// Whether it belongs to the piece before it: what is below an item, and all but the first paragraph of one.
    pub(crate) continues: bool,
    pub(crate) quoted: bool,
}

/// Where a piece of a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Right after the name.
    Line,
    /// In a paragraph of its own.
    Paragraph,
    /// In an item of the list that is the value.
    Item,
    /// Below such an item.
    Detail,
    /// In a code block.
    Code,
}

/// What a caller knows a name as.
pub(crate) trait FieldKind: Copy {
    /// Whether the value is in somebody's own words, which must be something: right below a heading even "Status: bad"
    /// is that, and no field.
    fn is_prose(self) -> bool;
}

/// Reads the fields of `blocks`, and the pieces that belong to none.
///
/// `known` tells what the caller knows a name as; its second argument is whether the name is a heading. A known name
/// begins a field where it stands beside the name of the open field or further out, in a paragraph, an item or a line
/// that is not indented as far as the item that it goes on with. Deeper inside the value of a known name everything is
/// value, even if it looks like a field, and so is the list below a heading. An unknown name begins a field only where
/// it cannot be value.
pub(crate) fn fields<'a, K: FieldKind>(
    blocks: &'a [Block<'a>],
    known: impl Fn(&str, bool) -> Option<K>,
) -> (Vec<Field<'a, K>>, Vec<Part<'a>>) {
    let mut reader = Reader { known, fields: Vec::new(), open: false, loose: Vec::new() };
    for block in blocks {
        match &block.kind {
            BlockKind::Heading { level, underlined, .. } if block.is_structure() => {
                reader.heading(block, *level, *underlined);
            }
            BlockKind::Heading { .. } | BlockKind::Text => reader.text(block),
            BlockKind::Code(content) => reader.code(block, content),
        }
    }
    (reader.fields, reader.loose)
}

struct Reader<'a, K, F> {
    known: F,
    fields: Vec<Field<'a, K>>,
    /// Whether the last field can still get more.
    open: bool,
    loose: Vec<Part<'a>>,
}

impl<'a, K: FieldKind, F: Fn(&str, bool) -> Option<K>> Reader<'a, K, F> {
    fn current(&self) -> Option<&Field<'a, K>> {
        self.fields.last().filter(|_| self.open)
    }

    fn heading(&mut self, block: &'a Block<'a>, level: usize, underlined: bool) {
        let label = Label::read(block.text);
        let labelled = label.and_then(|label| Some((label, (self.known)(label.name, true)?)));
        let (name, value_at, kind) = match labelled {
            Some((label, kind)) => (label.name, label.value_at, Some(kind)),
            None => (block.text, block.text.len(), (self.known)(block.text, true)),
        };
        // A rule below a paragraph makes a heading of its last lines, which nobody meant.
        if underlined && (labelled.is_some() || kind.is_none() || block.text.contains('\n')) {
            self.text(block);
            return;
        }
        let groups_items = self.current().is_some_and(|field| {
            field.kind.is_some() && field.heading.is_some_and(|outer| outer < level)
        });
        if kind.is_none() && groups_items {
            return;
        }
        self.begin(block.depth, name, kind, Some(level));
        self.give(block, value_at..block.text.len(), Place::Line);
    }

    fn text(&mut self, block: &'a Block<'a>) {
        let mut place = None;
        let mut given = 0;
        let mut line_at = 0;
        for line in block.text.split_inclusive('\n') {
            let first = line_at == 0;
            if let Some(label) = Label::read(line).filter(|_| !block.quoted) {
                let kind = (self.known)(label.name, false);
                let depth = block.depth_of_line(line_at);
                if self.opens(block, depth, &label, kind, first) {
                    self.place(block, given..line_at, place);
                    self.begin(depth, label.name, kind, None);
                    given = line_at + label.value_at;
                    place = Some(Place::Line);
                }
            }
            line_at += line.len();
        }
        self.place(block, given..block.text.len(), place);
    }

    fn code(&mut self, block: &'a Block<'a>, content: &'a str) {
        let part = Part {
            place: Place::Code,
            text: block.text,
            code: Some(content),
            offset: block.offset,
            starts_item: false,
            continues: true,
            quoted: block.quoted,
        };
        match self.fields.last_mut().filter(|_| self.open) {
            Some(field) => field.parts.push(part),
            None => self.loose.push(part),
        }
    }

    /// Whether a line that looks like a name with a value begins a field; `depth` is how many lists it is indented for.
    fn opens(
        &self,
        block: &Block<'_>,
        depth: usize,
        label: &Label<'_>,
        kind: Option<K>,
        first: bool,
    ) -> bool {
        let emphasised = label.style == Style::Emphasised;
        let clear = first || emphasised || depth == 0 || depth < block.depth;
        let Some(field) = self.current() else {
            return match kind {
                Some(_) => clear,
                None => first && label.style != Style::OnlyIfKnown,
            };
        };
        match (kind, field.kind) {
            // The list below a heading is its value.
            (Some(_), Some(open)) if field.heading.is_some() => {
                let nothing_said = first && field.parts.is_empty();
                depth == 0 && (emphasised || !(nothing_said && open.is_prose()))
            }
            // A list below a paragraph such as "Status: ok" is not its value.
            (Some(_), Some(_)) => {
                let has_value = field.parts.first().is_some_and(|part| part.place == Place::Line);
                clear && (depth <= field.depth || (field.depth == 0 && has_value))
            }
            (Some(_), None) => clear,
            (None, _) if field.heading.is_some() => false,
            (None, _) => {
                depth <= field.depth
                    && first
                    && label.style != Style::OnlyIfKnown
                    && (emphasised || (block.starts_item && !field.bare))
            }
        }
    }

    fn begin(&mut self, depth: usize, name: &'a str, kind: Option<K>, heading: Option<usize>) {
        self.fields.push(Field { name, kind, parts: Vec::new(), depth, heading, bare: true });
        self.open = true;
    }

    /// Gives a piece of text to the open field, or to none.
    fn place(&mut self, block: &'a Block<'a>, range: Range<usize>, place: Option<Place>) {
        if block.text[range.clone()].trim().is_empty() {
            return;
        }
        let place = place.or_else(|| self.current().and_then(|field| field.place_of(block)));
        if let Some(place) = place {
            self.give(block, range, place);
        } else {
            self.open = false;
            let place = match (block.depth, block.starts_item) {
                (0, _) => Place::Paragraph,
                (1, true) => Place::Item,
                _ => Place::Detail,
            };
            self.loose.extend(part(block, range, place));
        }
    }

    fn give(&mut self, block: &'a Block<'a>, range: Range<usize>, place: Place) {
        if let (Some(mut part), Some(field)) = (part(block, range, place), self.fields.last_mut()) {
            // In an item, a further paragraph goes on with the value; below a heading it is one of its own.
            part.continues |=
                place == Place::Paragraph && block.depth > 0 && !field.parts.is_empty();
            if place == Place::Line || block.depth > field.depth {
                field.bare = false;
            }
            field.parts.push(part);
        }
    }
}

impl<K> Field<'_, K> {
    /// Returns where in this field's value a block without a name stands, or nothing if it lies outside.
    fn place_of(&self, block: &Block<'_>) -> Option<Place> {
        let own = if block.starts_item { Place::Item } else { Place::Paragraph };
        if block.depth > self.depth + 1 {
            Some(Place::Detail)
        } else if block.depth == self.depth + 1 {
            Some(if block.starts_item { Place::Item } else { Place::Detail })
        } else if block.depth == self.depth {
            (self.bare || !block.starts_item).then_some(own)
        } else {
            self.parts.is_empty().then_some(own)
        }
    }
}

fn part<'a>(block: &Block<'a>, range: Range<usize>, place: Place) -> Option<Part<'a>> {
    let text = &block.text[range.clone()];
    let offset = block.offset + range.start + (text.len() - text.trim_start().len());
    let text = text.trim();
    let quoted = block.quoted;
    let starts_item = block.starts_item && matches!(place, Place::Item | Place::Detail);
    let continues = place == Place::Detail;
    let part = Part { place, text, code: None, offset, starts_item, continues, quoted };
    (!text.is_empty()).then_some(part)
}

/// The beginning of a line that looks like a name with a value.
#[derive(Clone, Copy, Debug)]
struct Label<'a> {
    name: &'a str,
    /// Where the value starts in the line.
    value_at: usize,
    style: Style,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Emphasised,
    Plain,
    /// It is a name only to someone who expects it: most code spans and paths are not.
    OnlyIfKnown,
}

/// The longest name of a field, in bytes.
const MAX_NAME_BYTES: usize = 60;

impl<'a> Label<'a> {
    fn read(line: &'a str) -> Option<Self> {
        // Models put marks such as ✅ before names.
        let mark = |c: char| c.is_whitespace() || !(c.is_ascii() || c.is_alphanumeric());
        let start = line.len() - line.trim_start_matches(mark).len();
        let rest = &line[start..];
        let (name, style, value_at) = match rest.chars().next()? {
            sign @ ('*' | '_' | '`') => Self::marked(rest, sign)?,
            _ => Self::plain(rest)?,
        };
        let name = name.trim().trim_matches(['*', '_', '`']).trim();
        let usable = !name.is_empty() && name.len() <= MAX_NAME_BYTES;
        usable.then_some(Self { name, value_at: start + value_at, style })
    }

    /// Reads `**Name**: value`, `**Name:** value`, `**Name** — value` and `**Name**` alone.
    fn marked(line: &'a str, sign: char) -> Option<(&'a str, Style, usize)> {
        let width = line.len() - line.trim_start_matches(sign).len();
        let marker = &line[..width];
        let name_end = width + line[width..].find(marker)?;
        let name = &line[width..name_end];
        let after = name_end + width;
        let style = if sign == '`' { Style::OnlyIfKnown } else { Style::Emphasised };
        if let Some(colon) = name.find(':') {
            let inside = name[colon + 1..].trim().is_empty();
            return Some((&name[..colon], style, if inside { after } else { width + colon + 1 }));
        }
        let value = line[after..].trim_start();
        let value_at = line.len() - value.len();
        if value.is_empty() {
            return Some((name, style, line.len()));
        }
        let sign = [":", "— ", "– ", "- "].into_iter().find(|sign| value.starts_with(sign))?;
        Some((name, style, value_at + sign.len()))
    }

    /// Reads `Name: value`.
    fn plain(line: &'a str) -> Option<(&'a str, Style, usize)> {
        /// More words than this before a colon are a sentence.
        const MOST_WORDS: usize = 5;
        let colon = line.bytes().take(MAX_NAME_BYTES).position(|b| b == b':')?;
        let name = &line[..colon];
        let ends = line[colon + 1..].chars().next().is_none_or(char::is_whitespace);
        let words = name.split_whitespace().count();
        if !ends || words > MOST_WORDS || !name.starts_with(char::is_alphabetic) {
            return None;
        }
        let wordlike = |c: char| c.is_alphanumeric() || " -_&'()".contains(c);
        let style = if name.chars().all(wordlike) { Style::Plain } else { Style::OnlyIfKnown };
        Some((name, style, colon + 1))
    }
}

/// Returns the name and the value of a line that looks like a field.
pub(crate) fn label(line: &str) -> Option<(&str, &str)> {
    let label = Label::read(line)?;
    Some((label.name, line[label.value_at..].trim()))
}

/// Returns the words of a name in lowercase, without markup, punctuation and what stands in parentheses.
pub(crate) fn simplified(name: &str) -> String {
    let mut simplified = String::new();
    let mut parentheses = 0_usize;
    for c in name.chars() {
        match c {
            '(' => parentheses += 1,
            ')' => parentheses = parentheses.saturating_sub(1),
            _ if parentheses > 0 => {}
            c if c.is_alphanumeric() => simplified.extend(c.to_lowercase()),
            _ if simplified.is_empty() || simplified.ends_with(' ') => {}
            _ => simplified.push(' '),
        }
    }
    simplified.truncate(simplified.trim_end().len());
    simplified
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::super::outline;
    use super::*;

    #[derive(Clone, Copy)]
    struct Known {
        is_prose: bool,
    }

    impl FieldKind for Known {
        fn is_prose(self) -> bool {
            self.is_prose
        }
    }

    fn shown(text: &str) -> String {
        let known = |name: &str, _| match simplified(name).as_str() {
            "status" | "files" => Some(Known { is_prose: false }),
            "errors" | "notes" => Some(Known { is_prose: true }),
            _ => None,
        };
        let blocks = outline(text);
        let (fields, loose) = fields(&blocks, known);
        let mut shown = String::new();
        let mut show = |name: &str, parts: &[Part<'_>]| {
            write!(shown, "{name}").unwrap();
            for part in parts {
                write!(shown, " {:?}:{:?}", part.place, part.text).unwrap();
            }
            shown.push('\n');
        };
        for field in &fields {
            let sign = if field.kind.is_some() { "" } else { "?" };
            show(&format!("{}{sign}", field.name), &field.parts);
        }
        if !loose.is_empty() {
            show("loose", &loose);
        }
        shown
    }

    #[test]
    fn a_field_is_written_in_many_ways() {
        for text in [
            "- **Status**: ok",
            "- **Status:** ok",
            "* __Status__: ok",
            "- Status: ok",
            "**Status**: ok",
            "**Status** — ok",
            "Status: ok",
            "- `Status`: ok",
            "- ✅ **Status**: ok",
            "> intro\n\nStatus: ok",
            "### Status: ok",
            "Status: ok\n---\n",
        ] {
            let shown = shown(text);
            assert!(shown.starts_with("Status Line:\"ok\"\n"), "{text}: {shown}");
        }
        for text in
            ["### Status\nok", "**Status**\n\nok", "- **Status**:\n\n  ok", "- **Status**:\n\nok"]
        {
            assert_eq!(shown(text), "Status Paragraph:\"ok\"\n", "{text}");
        }
        for text in [
            "### Files\n- a\n- b",
            "**Files**:\n- a\n- b",
            "- Files:\n  - a\n  - b",
            "- **Files**:\n- a\n- b",
            "- Files:\n\n- a\n\n- b",
        ] {
            assert_eq!(shown(text), "Files Item:\"a\" Item:\"b\"\n", "{text}");
        }
    }

    #[test]
    fn lines_of_one_paragraph_are_fields_of_their_own() {
        assert_eq!(
            shown("**Status**: ok\nFiles: a,\n  b\n**Errors**: x: y"),
            "Status Line:\"ok\"\nFiles Line:\"a,\\n  b\"\nErrors Line:\"x: y\"\n"
        );
    }

    #[test]
    fn a_rule_below_a_paragraph_leaves_its_lines_fields() {
        assert_eq!(
            shown("Status: ok\nErrors: x\n---\n"),
            "Status Line:\"ok\"\nErrors Line:\"x\"\n"
        );
    }

    #[test]
    fn what_is_quoted_is_no_field() {
        assert_eq!(shown("> Status: ok"), "loose Paragraph:\"Status: ok\"\n");
        assert_eq!(shown("### Errors\n> Status: ok"), "Errors Paragraph:\"Status: ok\"\n");
    }

    #[test]
    fn below_a_known_name_everything_is_value() {
        insta::assert_snapshot!(shown(
            "- **Errors**:\n  - Status: bad\n  - **ERR-1** — worse\n    - Files: none\n\n    more\n- Files: `a`: x"
        ), @r#"
        Errors Item:"Status: bad" Item:"**ERR-1** — worse" Detail:"Files: none" Detail:"more"
        Files Line:"`a`: x"
        "#);
        insta::assert_snapshot!(shown("### Errors\n\nStatus: bad\n- Files: a\n#### Group\n- b\n\n**Status**: ok"), @r#"
        Errors Paragraph:"Status: bad" Item:"Files: a" Item:"b"
        Status Line:"ok"
        "#);
    }

    #[test]
    fn a_known_name_at_the_outer_level_ends_every_value() {
        for text in [
            "### Files\n- a\n**Status**: ok",
            "### Files\n- a\nStatus: ok",
            "### Files\n- a\n\nStatus: ok",
            "### Files\n1. a\n  Status: ok",
            "**Files**:\n- a\nStatus: ok",
            "Files:\n- a\nStatus: ok",
            "- Files:\n  - a\nStatus: ok",
            "- Files:\n  - a\n  Status: ok",
            "- Files:\n\t- a\n   Status: ok",
            "- Files:\n  - a\n\nStatus: ok",
            "- Files:\n  - a\n- Status: ok",
        ] {
            assert_eq!(shown(text), "Files Item:\"a\"\nStatus Line:\"ok\"\n", "{text}");
        }
        assert_eq!(
            shown("### Errors\nTwo.\nStatus: ok\nmore\n\nFiles: a"),
            "Errors Paragraph:\"Two.\"\nStatus Line:\"ok\\nmore\"\nFiles Line:\"a\"\n"
        );
        assert_eq!(
            shown("- Errors:\n  - x\nFiles:\n- a\n- b"),
            "Errors Item:\"x\"\nFiles Item:\"a\" Item:\"b\"\n"
        );
        assert_eq!(shown("### Files\nStatus: ok"), "Files\nStatus Line:\"ok\"\n");
    }

    #[test]
    fn a_name_inside_a_value_is_text() {
        for text in [
            "### Errors\n- a\n\n  Status: ok",
            "### Errors\n- a\n  Status: ok",
            "### Errors\n- a\n  - Status: ok",
            "### Errors\n- a\n  - b\n  Status: ok",
            "### Errors\n```\nStatus: ok\n```",
            "### Errors\n- a\nNote: see below",
            "### Errors\nx\n\nNote: see below\n**Hint**: none",
            "### Errors\nStatus: bad",
            "- Errors:\n  - a\n    Status: ok",
            "- Errors:\n  - a\nNote: see below",
        ] {
            let shown = shown(text);
            assert_eq!(shown.lines().count(), 1, "{text}: {shown}");
        }
    }

    #[test]
    fn a_list_below_a_paragraph_with_a_value_is_no_part_of_it() {
        assert_eq!(
            shown("**Status**: ok\n\n- **Files**: a"),
            "Status Line:\"ok\"\nFiles Line:\"a\"\n"
        );
        assert_eq!(shown("**Files**:\n- a\n- Status: b"), "Files Item:\"a\" Item:\"Status: b\"\n");
    }

    #[test]
    fn below_an_unknown_name_known_names_are_fields() {
        insta::assert_snapshot!(shown("Here it is:\n- Status: ok\n- Marker: 7\n- Files: a"), @r#"
        Here it is?
        Status Line:"ok"
        Marker? Line:"7"
        Files Line:"a"
        "#);
        insta::assert_snapshot!(shown("### Summary\n- Status: ok\n- src/a.rs: text\n- Other: x\n"), @r#"
        Summary?
        Status Line:"ok"
        Other? Line:"x"
        loose Item:"src/a.rs: text"
        "#);
    }

    #[test]
    fn what_follows_a_finished_field_belongs_to_none() {
        insta::assert_snapshot!(shown("- Status: ok\n- loose\n  - below\n\nThe end.\n```\nx\n```"), @r#"
        Status Line:"ok"
        loose Item:"loose" Detail:"below" Paragraph:"The end." Code:"```\nx\n```"
        "#);
        insta::assert_snapshot!(shown("- **Notes**:\n```\ncode\n```\n- Status: ok"), @r#"
        Notes Code:"```\ncode\n```"
        Status Line:"ok"
        "#);
    }

    #[test]
    fn a_simplified_name_is_its_words() {
        assert_eq!(simplified("**Files_Created** (2, new):"), "files created");
        assert_eq!(simplified("—"), "");
    }
}
