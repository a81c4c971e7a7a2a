//! The outline of a Markdown text written by a model or a person.
//!
//! Owns the way from text to headings, list items, paragraphs and code blocks, in the order of the text and without a
//! tree, so that no depth of nesting costs more than its length. Knows nothing of plans or handoff reports.

mod fields;
mod listed_files;
mod named_files;
mod top_level;

use std::borrow::Cow;
use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

pub(crate) use self::fields::{Field, FieldKind, Part, Place, fields, label, simplified};
pub(crate) use self::listed_files::{Listed, listed_files};
pub use self::named_files::means_nothing;
pub(crate) use self::named_files::{Named, without_note};
pub(crate) use self::top_level::top_level;

/// One piece of a text.
#[derive(Clone, Debug)]
pub(crate) struct Block<'a> {
    pub(crate) kind: BlockKind,
    /// The piece as written, without the marks of its heading, item or fence.
    pub(crate) text: &'a str,
    /// Where it starts in the whole text, in bytes.
    pub(crate) offset: usize,
    /// How many lists it lies in.
    pub(crate) depth: usize,
    /// Whether it is the first piece of its list item.
    pub(crate) starts_item: bool,
    /// Whether it lies in a block quote, and so is somebody else's words.
    pub(crate) quoted: bool,
    /// Lines that are not indented as far as their list item, each with its start in `text` and the number of lists
    /// that it is indented for. Markdown counts them as the item's; whoever wrote them may not have.
    lazy: Vec<(usize, usize)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BlockKind {
    Heading {
        level: usize,
        /// Whether it is made by underlining, which a `---` meant as a rule can do by accident.
        underlined: bool,
        /// The text without its markup.
        plain: String,
    },
    Text,
    /// A code block, with its content.
    Code(String),
}

impl Block<'_> {
    /// Whether the block is part of the text's own structure, rather than quoted or inside a list.
    pub(crate) fn is_structure(&self) -> bool {
        self.depth == 0 && !self.quoted
    }

    /// Returns how many lists the line that starts at `line_at` in the text is indented for.
    fn depth_of_line(&self, line_at: usize) -> usize {
        match self.lazy.binary_search_by_key(&line_at, |(at, _)| *at) {
            Ok(found) => self.lazy[found].1,
            Err(_) => self.depth,
        }
    }
}

/// Reads the outline of `text`.
pub(crate) fn outline(text: &str) -> Vec<Block<'_>> {
    let mut reader = Reader { text, ..Reader::default() };
    for (event, range) in Parser::new_ext(text, Options::empty()).into_offset_iter() {
        reader.event(event, range);
    }
    reader.flush();
    reader.blocks
}

#[derive(Default)]
struct Reader<'a> {
    text: &'a str,
    blocks: Vec<Block<'a>>,
    /// The inline text that is being read.
    run: Option<Range<usize>>,
    heading: Option<(usize, bool)>,
    plain: String,
    code: Option<String>,
    /// For each list item that is open, the column of what it contains.
    columns: Vec<usize>,
    cursor: Cursor,
    quotes: usize,
    fresh_item: bool,
}

impl<'a> Reader<'a> {
    fn event(&mut self, event: Event<'a>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(&tag, range),
            Event::End(tag) => self.end(tag, range),
            Event::Rule => self.flush(),
            Event::Text(text) | Event::Code(text) | Event::InlineHtml(text) => {
                if let Some(code) = &mut self.code {
                    code.push_str(&text);
                    return;
                }
                if self.heading.is_some() {
                    self.plain.push_str(&text);
                }
                self.extend(range);
            }
            Event::SoftBreak | Event::HardBreak => {
                if self.heading.is_some() {
                    self.plain.push(' ');
                }
                self.extend(range);
            }
            _ => self.extend(range),
        }
    }

    fn start(&mut self, tag: &Tag<'a>, range: Range<usize>) {
        match tag {
            Tag::Paragraph | Tag::List(_) | Tag::HtmlBlock => self.flush(),
            Tag::Heading { level, .. } => {
                self.flush();
                let underlined = !self.text[range].starts_with('#');
                self.heading = Some((*level as usize, underlined));
                self.plain.clear();
            }
            Tag::BlockQuote(_) => {
                self.flush();
                self.quotes += 1;
            }
            Tag::Item => {
                self.flush();
                let column = self.content_column(range.start);
                self.columns.push(column);
                self.fresh_item = true;
            }
            Tag::CodeBlock(_) => {
                self.flush();
                self.code = Some(String::new());
            }
            _ => self.extend(range),
        }
    }

    fn end(&mut self, tag: TagEnd, range: Range<usize>) {
        match tag {
            TagEnd::Paragraph | TagEnd::List(_) => self.flush(),
            TagEnd::Heading(_) => {
                let run = self.run.take().unwrap_or(range.start..range.start);
                if let Some((level, underlined)) = self.heading.take() {
                    let plain = std::mem::take(&mut self.plain);
                    self.push(BlockKind::Heading { level, underlined, plain }, run);
                }
            }
            TagEnd::BlockQuote(_) => {
                self.flush();
                self.quotes = self.quotes.saturating_sub(1);
            }
            TagEnd::Item => {
                self.flush();
                self.columns.pop();
                self.fresh_item = false;
            }
            TagEnd::CodeBlock => {
                let content = self.code.take().unwrap_or_default();
                self.push(BlockKind::Code(content), range);
            }
            TagEnd::HtmlBlock => {
                let is_comment =
                    self.run.as_ref().is_some_and(|run| self.text[run.clone()].starts_with("<!--"));
                if is_comment {
                    self.run = None;
                }
                self.flush();
            }
            _ => self.extend(range),
        }
    }

    fn extend(&mut self, range: Range<usize>) {
        self.run = Some(match self.run.take() {
            Some(run) => run.start.min(range.start)..run.end.max(range.end),
            None => range,
        });
    }

    fn flush(&mut self) {
        if let Some(run) = self.run.take() {
            self.push(BlockKind::Text, run);
        }
    }

    fn push(&mut self, kind: BlockKind, range: Range<usize>) {
        let text = self.text[range.clone()].trim_end();
        if text.is_empty() && kind == BlockKind::Text {
            return;
        }
        let quoted = self.quotes > 0;
        let lazy = if quoted || kind != BlockKind::Text { Vec::new() } else { self.lazy(text) };
        self.blocks.push(Block {
            kind,
            text,
            offset: range.start,
            depth: self.columns.len(),
            starts_item: std::mem::take(&mut self.fresh_item),
            quoted,
            lazy,
        });
    }

    /// Finds the lines of `text` that are not indented as far as the list item that they are in.
    fn lazy(&self, text: &str) -> Vec<(usize, usize)> {
        let Some(own) = self.columns.last() else { return Vec::new() };
        let mut lazy = Vec::new();
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let indent = line.chars().take_while(|c| matches!(c, ' ' | '\t')).fold(0, column_after);
            if at > 0 && indent < *own {
                lazy.push((at, self.columns.partition_point(|column| *column <= indent)));
            }
            at += line.len();
        }
        lazy
    }

    /// Returns the column of what the list item whose mark is at `start` contains.
    fn content_column(&mut self, start: usize) -> usize {
        /// Blanks beyond these belong to what the item contains.
        const MOST_BLANKS: usize = 4;
        let rest = self.text[start..].trim_start_matches([' ', '\t']);
        let mark = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let mark_end = self.text.len() - mark.len() + mark.chars().next().map_or(0, char::len_utf8);
        let after_mark = self.cursor.column(self.text, mark_end);
        let blanks = self.text[mark_end..].chars().take_while(|c| matches!(c, ' ' | '\t'));
        let content = blanks.take(MOST_BLANKS + 1).fold(after_mark, column_after);
        let is_empty =
            self.text[mark_end..].trim_start_matches([' ', '\t']).starts_with(['\n', '\r']);
        let in_reach = after_mark + 1..=after_mark + MOST_BLANKS;
        if in_reach.contains(&content) && !is_empty { content } else { after_mark + 1 }
    }
}

/// A place in a text with its column, which only goes forwards, so that many on one line cost one pass.
#[derive(Default)]
struct Cursor {
    at: usize,
    column: usize,
}

impl Cursor {
    /// Moves to `at` and returns the column there.
    fn column(&mut self, text: &str, at: usize) -> usize {
        let passed = text.get(self.at..at).unwrap_or_default();
        self.column = passed.chars().fold(self.column, column_after);
        self.at = self.at.max(at);
        self.column
    }
}

/// Returns the column behind `c`, which stands in `column`.
fn column_after(column: usize, c: char) -> usize {
    const TAB: usize = 4;
    match c {
        '\n' => 0,
        '\t' => column + TAB - column % TAB,
        _ => column + 1,
    }
}

/// Returns `text` with line ends of one character, so that nothing that is measured or shown depends on them.
pub(crate) fn with_plain_line_ends(text: &str) -> Cow<'_, str> {
    if text.contains("\r\n") { text.replace("\r\n", "\n").into() } else { text.into() }
}

/// Joins the words of `text` with single blanks; of quoted text the marks of further lines go.
pub(crate) fn folded(text: &str, quoted: bool) -> String {
    let mut folded = String::with_capacity(text.len());
    for line in text.lines() {
        let line = if quoted { line.trim_start_matches(['>', ' ']) } else { line };
        for word in line.split_whitespace() {
            if !folded.is_empty() {
                folded.push(' ');
            }
            folded.push_str(word);
        }
    }
    folded
}

/// Finds the line of a byte.
pub(crate) struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    pub(crate) fn new(text: &str) -> Self {
        Self { starts: text.match_indices('\n').map(|(at, _)| at + 1).collect() }
    }

    /// Returns the line, counted from 1, that the byte at `offset` lies in.
    pub(crate) fn of(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset) + 1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> String {
        let lines = Lines::new(text);
        let show = |block: &Block<'_>| {
            let kind = match &block.kind {
                BlockKind::Heading { level, underlined: false, plain } => {
                    format!("h{level} {plain:?}")
                }
                BlockKind::Heading { level, underlined: true, plain } => {
                    format!("u{level} {plain:?}")
                }
                BlockKind::Text => "text".to_owned(),
                BlockKind::Code(content) => format!("code {content:?}"),
            };
            let item = if block.starts_item { "-" } else { " " };
            let quoted = if block.quoted { ">" } else { "" };
            let line = lines.of(block.offset);
            format!("{line}:{} {quoted}{item} {kind} {:?}\n", block.depth, block.text)
        };
        outline(text).iter().map(show).collect()
    }

    #[test]
    fn every_piece_has_its_line_and_depth() {
        let text = "# A **b** `c`\n\nU\n---\ntext\nmore\n\n- one *x*\n  still\n  - two\n\n    para\n- three\n\n```rs\nlet x;\n```\n> # q\n\n<!-- # no -->\n\n1. ```\n   in\n   ```\n";
        insta::assert_snapshot!(shown(text), @r##"
        1:0   h1 "A b c" "A **b** `c`"
        3:0   u2 "U" "U"
        5:0   text "text\nmore"
        8:1 - text "one *x*\n  still"
        10:2 - text "two"
        12:2   text "para"
        13:1 - text "three"
        15:0   code "let x;\n" "```rs\nlet x;\n```"
        18:0 >  h1 "q" "q"
        22:1 - code "in\n" "```\n   in\n   ```"
        "##);
    }

    #[test]
    fn folding_leaves_one_line() {
        assert_eq!(folded("a \n\t b\r\nc", false), "a b c");
        assert_eq!(folded("a\n> b", true), "a b");
    }

    proptest! {
        #[test]
        fn blocks_are_pieces_of_the_text_in_its_order(text in "[-#>*`a \\n1.\\[\\]<!=_\\\\~\u{e9}]{0,200}") {
            let mut last = 0;
            for block in outline(&text) {
                prop_assert!(text[block.offset..].starts_with(block.text));
                prop_assert!(last <= block.offset);
                last = block.offset;
            }
        }
    }
}
