//! Where the sections of a report are.
//!
//! Owns which headings start and end them. Agents write the title at any level, with numbers, signs or a subject around
//! it; a heading in a code block, a quote or a list is somebody else's.

use super::task_key;
use crate::markdown::{Block, BlockKind, Part, Place, label};

/// The blocks of each section, where it is there.
#[derive(Default)]
pub(super) struct Sections<'a> {
    pub(super) task_report: Option<&'a [Block<'a>]>,
    pub(super) downstream_context: Option<&'a [Block<'a>]>,
    pub(super) blockers: Option<&'a [Block<'a>]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Title {
    TaskReport,
    DownstreamContext,
    Blockers,
}

const TITLES: [(&str, Title); 3] = [
    ("task report", Title::TaskReport),
    ("downstream context", Title::DownstreamContext),
    ("blockers", Title::Blockers),
];

/// Finds the last section of each kind.
pub(super) fn sections<'a>(blocks: &'a [Block<'a>]) -> Sections<'a> {
    let mut found = Sections::default();
    let mut open: Option<(Title, usize, usize)> = None;
    for (at, block) in blocks.iter().enumerate() {
        let BlockKind::Heading { level, plain, underlined } = &block.kind else { continue };
        if !block.is_structure() {
            continue;
        }
        let within = open.as_ref().filter(|(_, _, outer)| level > outer);
        // "### Blockers" below the task report is one of its fields.
        let title = title(plain).filter(|title| *title != Title::Blockers || within.is_none());
        if let Some((started, start, outer)) = open {
            let goes_on = started != Title::Blockers && is_part(block, *underlined);
            if title.is_some() || (*level <= outer && !goes_on) {
                found.set(started, &blocks[start..at]);
                open = None;
            }
        }
        if let Some(title) = title {
            // "## Blockers: none" has its value in the heading.
            let start = if title == Title::Blockers { at } else { at + 1 };
            open = Some((title, start, *level));
        }
    }
    if let Some((title, start, _)) = open {
        found.set(title, &blocks[start..]);
    }
    found
}

impl<'a> Sections<'a> {
    fn set(&mut self, title: Title, blocks: &'a [Block<'a>]) {
        let section = match title {
            Title::TaskReport => &mut self.task_report,
            Title::DownstreamContext => &mut self.downstream_context,
            Title::Blockers => &mut self.blockers,
        };
        *section = Some(blocks);
    }
}

/// Whether a heading that could end a section is one of its fields, written at the same level, or a paragraph with a
/// rule right below.
fn is_part(block: &Block<'_>, underlined: bool) -> bool {
    let name = label(block.text).map_or(block.text, |(name, _)| name);
    let is_field = task_key(name).is_some();
    is_field || (underlined && block.text.lines().any(|line| label(line).is_some()))
}

/// Returns which section a heading starts: `Task Report`, `1. Task report:`, `Part 1 — Task Report (phase 2)`.
fn title(heading: &str) -> Option<Title> {
    let heading = heading.to_lowercase();
    TITLES.into_iter().find_map(|(words, title)| {
        let (before, after) = heading.split_once(words)?;
        let number = |word: &str| word.bytes().all(|b| b.is_ascii_digit());
        let leads_to = |word: &str| {
            matches!(word, "part" | "section" | "handoff" | "report" | "final") || number(word)
        };
        let leads_on = |word: &str| matches!(word, "for" | "of" | "phase");
        let is_word = |c: char| c.is_alphanumeric();
        let mut before = before.split(|c| !is_word(c)).filter(|word| !word.is_empty());
        let next = after.trim_start().split(|c| !is_word(c)).next().unwrap_or_default();
        let ends = next.is_empty() || (leads_on(next) && !after.starts_with(is_word));
        (before.all(leads_to) && ends).then_some(title)
    })
}

/// Returns the pieces of a section that has no fields, with what its heading says beside the title.
pub(super) fn parts<'a>(blocks: &'a [Block<'a>]) -> Vec<Part<'a>> {
    let part = |(at, block): (usize, &'a Block<'a>)| {
        let (place, code) = match (&block.kind, block.depth) {
            (BlockKind::Code(content), _) => (Place::Code, Some(content.as_str())),
            (_, 0) => (Place::Paragraph, None),
            (_, 1) if block.starts_item => (Place::Item, None),
            _ => (Place::Detail, None),
        };
        let text = match at {
            0 => label(block.text).map_or("", |(_, value)| value),
            _ => block.text,
        };
        let Block { offset, starts_item, quoted, .. } = *block;
        let continues = matches!(place, Place::Detail | Place::Code);
        Part { place, text, code, offset, starts_item, continues, quoted }
    };
    blocks.iter().enumerate().map(part).collect()
}
