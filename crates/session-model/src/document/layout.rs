//! The canonical form of a front matter, and where each phase stands in it.
//!
//! Knowing that, a change renders the header and the phases that changed, and nothing else: the cost of a transition in
//! a session of thousands of phases is that of one phase.

use std::ops::Range;

use super::FrontMatter;
use super::edit::Edit;
use super::emit::{self, INDENT};
use super::value::{self, Value};
use crate::session::{Phase, Session};

/// Where the parts of a canonical front matter are.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    style: FrontMatter,
    /// Everything before the phases.
    header: Range<usize>,
    /// Each phase, without what separates it from the next.
    phases: Vec<Range<usize>>,
    len: usize,
}

/// Writes the front matter of `session` and says where its parts are.
pub(super) fn render(session: &Session, style: FrontMatter) -> (String, Layout) {
    let mut out = header(session, style);
    let header = 0..out.len();
    let mut phases = Vec::with_capacity(session.phases.len());
    match style {
        FrontMatter::Yaml => {
            out.push_str(if session.phases.is_empty() { "phases: []\n" } else { "phases:\n" });
        }
        FrontMatter::Json => {
            out.push_str(if session.phases.is_empty() {
                "  \"phases\": []"
            } else {
                "  \"phases\": ["
            });
        }
    }
    for phase in &session.phases {
        if style == FrontMatter::Json {
            out.push_str(if phases.is_empty() { "\n" } else { ",\n" });
        }
        let start = out.len();
        push_phase(&mut out, phase, style);
        phases.push(start..out.len());
    }
    if style == FrontMatter::Json {
        out.push_str(if session.phases.is_empty() { "\n}\n" } else { "\n  ]\n}\n" });
    }
    let len = out.len();
    (out, Layout { style, header, phases, len })
}

fn header(session: &Session, style: FrontMatter) -> String {
    let mut out = String::new();
    let Value::Map(entries) = value::header(session) else { return out };
    match style {
        FrontMatter::Yaml => emit::block_map(&mut out, &entries, 0, "\n"),
        FrontMatter::Json => {
            out.push_str("{\n");
            for (key, value) in &entries {
                emit::pad(&mut out, INDENT);
                emit::pretty_entry(&mut out, key, value, INDENT, "\n");
                out.push_str(",\n");
            }
        }
    }
    out
}

fn push_phase(out: &mut String, phase: &Phase, style: FrontMatter) {
    let phase = value::phase(phase);
    match style {
        FrontMatter::Yaml => emit::block_list(out, std::slice::from_ref(&phase), INDENT, "\n"),
        FrontMatter::Json => {
            emit::pad(out, 2 * INDENT);
            emit::pretty(out, &phase, 2 * INDENT, "\n");
        }
    }
}

impl Layout {
    /// Returns the length of the front matter.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Returns the edits to `front` that lead from `before` to `after`, and the layout after them.
    pub(super) fn edits(
        &self,
        front: &str,
        before: &Session,
        after: &Session,
    ) -> (Vec<Edit>, Self) {
        if before.phases.len() != after.phases.len() {
            let (insert, layout) = render(after, self.style);
            return (narrowed(front, 0..front.len(), &insert).into_iter().collect(), layout);
        }
        let mut edits = Vec::new();
        let mut layout = self.clone();
        let mut moved = Moved::default();
        let new_header = header(after, self.style);
        layout.header = 0..new_header.len();
        moved.by(self.header.len(), new_header.len());
        edits.extend(narrowed_lines(front, self.header.clone(), &new_header));
        for (i, (was, is)) in before.phases.iter().zip(&after.phases).enumerate() {
            let range = self.phases[i].clone();
            let start = moved.place(range.start);
            if was == is {
                layout.phases[i] = start..start + range.len();
                continue;
            }
            let mut insert = String::new();
            push_phase(&mut insert, is, self.style);
            moved.by(range.len(), insert.len());
            layout.phases[i] = start..start + insert.len();
            edits.extend(narrowed_lines(front, range, &insert));
        }
        layout.len = moved.place(self.len);
        (edits, layout)
    }
}

/// How far everything behind an edit has moved.
#[derive(Default)]
struct Moved {
    grown: usize,
    shrunk: usize,
}

impl Moved {
    fn by(&mut self, removed: usize, inserted: usize) {
        self.grown += inserted;
        self.shrunk += removed;
    }

    fn place(&self, at: usize) -> usize {
        at + self.grown - self.shrunk
    }
}

/// The edits that turn the text in `range` into `insert`: line by line where both have the same lines, else one.
fn narrowed_lines(front: &str, range: Range<usize>, insert: &str) -> Vec<Edit> {
    let old = &front[range.clone()];
    if old.lines().count() != insert.lines().count() {
        return narrowed(front, range, insert).into_iter().collect();
    }
    let mut at = range.start;
    let mut edits = Vec::new();
    for (old, new) in old.split_inclusive('\n').zip(insert.split_inclusive('\n')) {
        edits.extend(narrowed(front, at..at + old.len(), new));
        at += old.len();
    }
    edits
}

/// The edit without what stays the same at both ends of it; nothing if all stays the same.
fn narrowed(front: &str, range: Range<usize>, insert: &str) -> Option<Edit> {
    let old = &front[range.clone()];
    if old == insert {
        return None;
    }
    let common = |pair: &(char, char)| pair.0 == pair.1;
    let head: usize =
        old.chars().zip(insert.chars()).take_while(common).map(|(c, _)| c.len_utf8()).sum();
    let tail: usize = old[head..]
        .chars()
        .rev()
        .zip(insert[head..].chars().rev())
        .take_while(common)
        .map(|(c, _)| c.len_utf8())
        .sum();
    Some(Edit {
        range: range.start + head..range.end - tail,
        insert: insert[head..insert.len() - tail].to_owned(),
    })
}
