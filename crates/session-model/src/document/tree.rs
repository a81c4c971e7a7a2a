//! Where everything in a front matter stands.
//!
//! A tree of nodes with byte ranges, kept in one vector: nesting is bounded by memory, not by the stack. Says where a
//! value is, never what it means; meaning is for the reader.

use std::borrow::Cow;
use std::collections::BTreeSet;

use granit_parser::{Event, Options, Parser, ScalarStyle};

/// Index of a node in its [`Tree`].
pub(super) type NodeId = usize;

/// The nodes of a front matter.
pub(super) struct Tree<'t> {
    pub(super) text: &'t str,
    nodes: Vec<Node>,
    root: NodeId,
}

pub(super) struct Node {
    pub(super) kind: Kind,
    /// Where the value begins, after anchor and tag. For a block collection: where its first entry begins.
    pub(super) start: usize,
    /// Where its last byte ends. A value that was left out is empty.
    pub(super) end: usize,
    /// The anchor it defines.
    pub(super) anchor: Option<usize>,
    /// Whether it carries a tag.
    pub(super) tagged: bool,
}

pub(super) enum Kind {
    Scalar { style: ScalarStyle, value: String },
    Alias(usize),
    List { items: Vec<NodeId>, flow: bool },
    Map { entries: Vec<(NodeId, NodeId)>, flow: bool },
}

/// A collection that is still being read.
struct Open {
    node: NodeId,
    /// The key that waits for its value, in a map.
    key: Option<NodeId>,
}

impl<'t> Tree<'t> {
    /// Locates the values of `text`; nothing where the text is beyond the locating parser.
    pub(super) fn locate(text: &'t str) -> Option<Self> {
        let mut options = Options::default();
        options.set_emit_comments(false);
        // The reader accepts long keys in flow style and deep nesting of its own accord; what it refuses never gets here.
        let mut tree = Self { text, nodes: Vec::new(), root: 0 };
        let mut open: Vec<Open> = Vec::new();
        let mut root = None;
        let legible = legible(text);
        for event in Parser::new_from_str_with_options(&legible, options) {
            let (event, span) = event.ok()?;
            let range = span.byte_range()?;
            let node = |kind, anchor, tagged| Node {
                kind,
                start: range.start,
                end: range.end,
                anchor: (anchor != 0).then_some(anchor),
                tagged,
            };
            let (node, opens) = match event {
                Event::Scalar(value, style, anchor, tag) => {
                    let kind = Kind::Scalar { style, value: value.into_owned() };
                    let mut scalar = node(kind, anchor, tag.is_some());
                    if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
                        // Reported with the indentation of what follows.
                        scalar.end = scalar.start + text[range.clone()].trim_end_matches(' ').len();
                    }
                    (scalar, false)
                }
                Event::Alias(id) => (node(Kind::Alias(id), 0, false), false),
                Event::SequenceStart(style, anchor, tag) => {
                    let flow = is_flow(text, range.start, style);
                    (node(Kind::List { items: Vec::new(), flow }, anchor, tag.is_some()), true)
                }
                Event::MappingStart(style, anchor, tag) => {
                    let flow = is_flow(text, range.start, style);
                    (node(Kind::Map { entries: Vec::new(), flow }, anchor, tag.is_some()), true)
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    let closed = open.pop()?.node;
                    tree.close(closed, range.end);
                    continue;
                }
                _ => continue,
            };
            let id = tree.nodes.len();
            tree.nodes.push(node);
            match open.last_mut() {
                Some(parent) => {
                    if let Some(key) = parent.key {
                        tree.settle(key, id);
                    }
                    tree.nodes.get_mut(parent.node)?.adopt(&mut parent.key, id);
                }
                None if root.is_none() => root = Some(id),
                None => return None,
            }
            if opens {
                open.push(Open { node: id, key: None });
            }
        }
        tree.root = root?;
        Some(tree)
    }

    /// Returns where a key stands that its map already has, the first such.
    pub(super) fn repeated_key(text: &str) -> Option<usize> {
        let tree = Tree::locate(text)?;
        let repeated = tree.nodes.iter().filter_map(|node| {
            let Kind::Map { entries, .. } = &node.kind else { return None };
            let mut seen = BTreeSet::new();
            entries.iter().find_map(|(key, _)| match &tree.nodes[*key].kind {
                Kind::Scalar { value, .. } if !seen.insert(value) => Some(tree.nodes[*key].start),
                _ => None,
            })
        });
        repeated.min()
    }

    pub(super) fn root(&self) -> NodeId {
        self.root
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter()
    }

    /// Puts the value of a `key` that has not even a colon right behind it. (The parser reports it where the next token
    /// begins, comments and blank lines later.)
    fn settle(&mut self, key: NodeId, value: NodeId) {
        let after = self.nodes[key].end;
        let Node { ref kind, start, end, anchor, tagged } = self.nodes[value];
        let is_plain = matches!(kind, Kind::Scalar { style: ScalarStyle::Plain, .. });
        let is_left_out = start == end && start > after && anchor.is_none() && !tagged;
        if is_plain && is_left_out && !self.text[start..].starts_with(':') {
            self.nodes[value].start = after;
            self.nodes[value].end = after;
        }
    }

    /// Sets the end of a collection: the bracket of a flow one, the last content of a block one. (The parser reports the
    /// end of a block collection where the next token begins, comments and blank lines later.)
    fn close(&mut self, id: NodeId, bracket_end: usize) {
        let node = &self.nodes[id];
        let (flow, last) = match &node.kind {
            Kind::List { items, flow } => (*flow, items.last()),
            Kind::Map { entries, flow } => (*flow, entries.last().map(|(_, value)| value)),
            Kind::Scalar { .. } | Kind::Alias(_) => return,
        };
        let end = match last {
            _ if flow => bracket_end,
            Some(last) => self.nodes[*last].end.max(node.start),
            None => node.start,
        };
        self.nodes[id].end = end;
    }
}

/// Returns JSON without what YAML has no room for: bare characters that are not printable, and halves of characters in
/// escapes. What takes their place is as long as they are.
fn legible(text: &str) -> Cow<'_, str> {
    let is_bare = |c: char| matches!(c, '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    let is_half = |escape: &str| {
        let digits = escape.get(2..4).unwrap_or_default().as_bytes();
        matches!(digits, [b'd' | b'D', b'8' | b'9' | b'a'..=b'f' | b'A'..=b'F'])
    };
    let is_json = text.trim_start().starts_with('{');
    if !is_json || !(text.contains(is_bare) || text.contains("\\ud") || text.contains("\\uD")) {
        return Cow::Borrowed(text);
    }
    let mut legible = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let len = match c {
            '\\' if rest.starts_with("\\u") && is_half(rest) => 6,
            '\\' => 2,
            _ => c.len_utf8(),
        };
        let (piece, behind) = rest.split_at_checked(len).unwrap_or((rest, ""));
        if len == 6 || is_bare(c) {
            legible.extend(std::iter::repeat_n('_', piece.len()));
        } else {
            legible.push_str(piece);
        }
        rest = behind;
    }
    Cow::Owned(legible)
}

/// The start of a block collection is reported at its first entry, that of a flow collection at its bracket.
fn is_flow(text: &str, start: usize, style: granit_parser::StructureStyle) -> bool {
    matches!(style, granit_parser::StructureStyle::Flow) && text[start..].starts_with(['[', '{'])
}

impl Node {
    fn adopt(&mut self, key: &mut Option<NodeId>, child: NodeId) {
        match &mut self.kind {
            Kind::List { items, .. } => items.push(child),
            Kind::Map { entries, .. } => match key.take() {
                Some(key) => entries.push((key, child)),
                None => *key = Some(child),
            },
            Kind::Scalar { .. } | Kind::Alias(_) => {}
        }
    }
}
