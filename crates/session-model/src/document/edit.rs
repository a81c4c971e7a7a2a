//! Changes values in a front matter and nothing else.
//!
//! Compares what the session was with what it is to be, finds the place of each difference, and replaces only the bytes
//! there. Everything that is not the operation's business (comments, unknown keys, quoting, key order, blank lines, line
//! ends) keeps its bytes because nobody touches them. Guesses about layout are safe: the caller reads the result again
//! and refuses it unless exactly the intended values changed.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;

use granit_parser::ScalarStyle;

use super::emit;
use super::tree::{Kind, Node, NodeId, Tree};
use super::value::Value;

/// Replace these bytes by this text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) range: Range<usize>,
    pub(super) insert: String,
}

/// Returns the edits to the front matter that turn `before` into `after`, in the order of the text; nothing if the place
/// of some difference cannot be found.
pub(super) fn edits(
    text: &str,
    before: &Value,
    after: &Value,
    newline: &'static str,
) -> Option<Vec<Edit>> {
    let tree = Tree::locate(text)?;
    let mut editor = Editor {
        tree: &tree,
        newline,
        edits: Vec::new(),
        replaced: Vec::new(),
        shared: Vec::new(),
    };
    let place = Place { depth: 0, after: 0, indent: 0, in_flow: false, multi_line: false };
    editor.change(tree.root(), before, after, place)?;
    editor.keep_aliases();
    let mut edits = editor.edits;
    // Where two insertions meet, what goes into a collection comes before what follows the collection.
    edits.sort_by_key(|(depth, edit)| (edit.range.start, Reverse(*depth)));
    Some(edits.into_iter().map(|(_, edit)| edit).collect())
}

/// Where a value stands in its parent.
#[derive(Clone, Copy)]
struct Place {
    /// How many collections it is in.
    depth: usize,
    /// The end of what introduces the value: a colon, a dash, a bracket or a comma.
    after: usize,
    /// The column of the entry or dash; in flow style, the indentation of its line.
    indent: usize,
    in_flow: bool,
    /// In flow style: whether entries have lines of their own, as in pretty-printed JSON.
    multi_line: bool,
}

struct Editor<'t> {
    tree: &'t Tree<'t>,
    newline: &'static str,
    /// With the depth of the collection that each is for.
    edits: Vec<(usize, Edit)>,
    /// Ranges that are gone, with the aliases in them.
    replaced: Vec<Range<usize>>,
    /// Anchors whose value changes while aliases elsewhere rely on the old one.
    shared: Vec<NodeId>,
}

impl<'t> Editor<'t> {
    fn change(&mut self, id: NodeId, before: &Value, after: &Value, place: Place) -> Option<()> {
        if before == after {
            return Some(());
        }
        let node = self.tree.node(id);
        if node.anchor.is_some() {
            self.shared.push(id);
        }
        match (&node.kind, before, after) {
            (Kind::Map { entries, flow }, Value::Map(old), Value::Map(new)) => {
                self.change_map(node, entries, *flow, old, new, place)
            }
            (Kind::List { items, flow }, Value::List(old), Value::List(new))
                if !items.is_empty() && items.len() == old.len() && new.len() >= old.len() =>
            {
                for ((item, old), new) in items.iter().zip(old).zip(new) {
                    if old != new {
                        let place = self.item_place(*item, *flow, node, place);
                        self.change(*item, old, new, place)?;
                    }
                }
                self.append(node, items, *flow, &new[old.len()..], place);
                Some(())
            }
            // Nothing is in it but a comment, which stays.
            (Kind::List { items, flow: true }, _, Value::List(new))
                if items.is_empty() && self.tree.text[node.start..node.end].contains('#') =>
            {
                let indent = self.line_indent(node.end - 1) + emit::INDENT;
                let inner = Place {
                    depth: place.depth + 1,
                    indent,
                    in_flow: true,
                    multi_line: true,
                    ..place
                };
                self.insert_before_bracket(node, new, inner);
                Some(())
            }
            _ => {
                self.replace(node, after, place);
                Some(())
            }
        }
    }

    fn change_map(
        &mut self,
        node: &Node,
        entries: &[(NodeId, NodeId)],
        flow: bool,
        old: &[(String, Value)],
        new: &[(String, Value)],
        place: Place,
    ) -> Option<()> {
        let tree: &'t Tree<'t> = self.tree;
        let known: BTreeMap<&str, (NodeId, NodeId)> =
            entries.iter().filter_map(|(k, v)| Some((key_text(tree, *k)?, (*k, *v)))).collect();
        if old.iter().any(|(key, _)| !new.iter().any(|(k, _)| k == key)) {
            // No operation takes a key away.
            return None;
        }
        if entries.is_empty() {
            self.replace(node, &Value::Map(new.to_vec()), place);
            return Some(());
        }
        let inner = self.entry_place(node, entries, flow, place);
        // New keys follow the nearest key before them in our order that is there.
        let mut predecessor = None;
        for (key, value) in new {
            let was = old.iter().find(|(k, _)| k == key).map(|(_, value)| value);
            match known.get(key.as_str()) {
                Some((key_id, value_id)) => {
                    if was != Some(value) {
                        let after = self.colon(*key_id, *value_id)?;
                        if !flow && after == tree.node(*key_id).end {
                            self.add_value(after, value, inner);
                        } else {
                            let was = was.unwrap_or(&Value::Null);
                            self.change(*value_id, was, value, Place { after, ..inner })?;
                        }
                    }
                    predecessor = Some((*key_id, *value_id));
                }
                None if was == Some(value) => {}
                None => {
                    let last = entries.last().copied();
                    self.insert_entry(predecessor.or(last)?, flow, key, value, inner)?;
                }
            }
        }
        Some(())
    }

    /// The place of the values of a map, all but where each begins.
    fn entry_place(
        &self,
        node: &Node,
        entries: &[(NodeId, NodeId)],
        flow: bool,
        place: Place,
    ) -> Place {
        let first = entries.first().map_or(node.start, |(key, _)| self.tree.node(*key).start);
        let depth = place.depth + 1;
        if flow {
            let multi_line = self.tree.text[node.start..first].contains('\n');
            let indent = if multi_line { self.line_indent(first) } else { place.indent };
            Place { depth, after: first, indent, in_flow: true, multi_line }
        } else {
            // Not of the key: a question mark, an anchor or a tag may stand before it.
            let indent = self.column(node.start);
            Place { depth, after: first, indent, in_flow: false, multi_line: false }
        }
    }

    fn item_place(&self, item: NodeId, flow: bool, list: &Node, place: Place) -> Place {
        let start = self.tree.node(item).start;
        let depth = place.depth + 1;
        if flow {
            let multi_line = self.tree.text[list.start..start].contains('\n');
            let indent = if multi_line { self.line_indent(start) } else { place.indent };
            return Place { depth, after: start, indent, in_flow: true, multi_line };
        }
        let dash = self.dash(start);
        let indent = self.column(dash);
        Place { depth, after: dash + 1, indent, in_flow: false, multi_line: false }
    }

    /// Puts new items behind the last one of a list that has some.
    fn append(&mut self, list: &Node, items: &[NodeId], flow: bool, new: &[Value], place: Place) {
        let (Some(first), Some(newest)) = (items.first(), items.last()) else { return };
        if new.is_empty() {
            return;
        }
        let inner = self.item_place(*first, flow, list, place);
        let mut text = String::new();
        let end = self.tree.node(*newest).end;
        let tail = &self.tree.text[end..list.end];
        let outside_comments = |line: &'t str| line.split('#').next().unwrap_or_default();
        let has_comma = tail.lines().any(|line| outside_comments(line).contains(','));
        if flow && (has_comma || tail.contains('#')) {
            // A comment behind the last item is about that item, and stays behind it.
            if !has_comma {
                let comma = Edit { range: end..end, insert: ",".to_owned() };
                self.edits.push((inner.depth, comma));
            }
            self.insert_before_bracket(list, new, inner);
            return;
        }
        let at = if flow {
            for item in new {
                text.push(',');
                self.flow_break(&mut text, inner);
                self.flow_value(&mut text, item, inner);
            }
            self.tree.node(*newest).end
        } else {
            let at = self.next_line(self.tree.node(*newest).end);
            self.complete_line(&mut text, at);
            emit::block_list(&mut text, new, inner.indent, self.newline);
            at
        };
        self.edits.push((inner.depth, Edit { range: at..at, insert: text }));
    }

    /// Puts a value behind a block key that has not even a colon: `? key`.
    fn add_value(&mut self, key_end: usize, value: &Value, place: Place) {
        let mut text = String::new();
        let at = self.next_line(key_end);
        self.complete_line(&mut text, at);
        emit::pad(&mut text, place.indent);
        text.push(':');
        emit::block_value(&mut text, value, place.indent, self.newline);
        self.edits.push((place.depth + 1, Edit { range: at..at, insert: text }));
    }

    /// Puts items in front of the bracket that ends a flow list.
    fn insert_before_bracket(&mut self, list: &Node, new: &[Value], inner: Place) {
        let bracket = list.end - 1;
        let line = self.line_start(bracket);
        let on_own_line = self.tree.text[line..bracket].trim().is_empty();
        let mut text = String::new();
        for (i, item) in new.iter().enumerate() {
            let is_last = i + 1 == new.len();
            if on_own_line {
                emit::pad(&mut text, inner.indent);
            } else {
                text.push(' ');
            }
            self.flow_value(&mut text, item, inner);
            text.push_str(if is_last { "" } else { "," });
            if on_own_line {
                text.push_str(self.newline);
            }
        }
        let at = if on_own_line { line } else { bracket };
        self.edits.push((inner.depth, Edit { range: at..at, insert: text }));
    }

    /// Puts a new key behind an entry of a map.
    fn insert_entry(
        &mut self,
        (key_id, value_id): (NodeId, NodeId),
        flow: bool,
        key: &str,
        value: &Value,
        place: Place,
    ) -> Option<()> {
        let mut text = String::new();
        let end = self.tree.node(value_id).end.max(self.tree.node(key_id).end);
        let at = if flow {
            text.push(',');
            self.flow_break(&mut text, place);
            emit::quoted(&mut text, key);
            text.push_str(": ");
            self.flow_value(&mut text, value, place);
            end
        } else {
            let end = end.max(self.colon(key_id, value_id)?);
            let at = self.next_line(end);
            self.complete_line(&mut text, at);
            emit::pad(&mut text, place.indent);
            emit::block_entry(&mut text, key, value, place.indent, self.newline);
            at
        };
        self.edits.push((place.depth, Edit { range: at..at, insert: text }));
        Some(())
    }

    /// Writes a value in the place of another.
    fn replace(&mut self, node: &Node, value: &Value, place: Place) {
        let text = self.tree.text;
        // What stands before the value: nothing but blanks, or an anchor or a tag, which describe the old value.
        let prefix = place.after.max(self.skip_blank(place.after.min(node.start)));
        let has_prefix = node.anchor.is_some() || node.tagged;
        let from = if node.start == node.end || !(has_prefix || is_block_scalar(node)) {
            node.start
        } else {
            prefix
        };
        let mut insert = String::new();
        if place.in_flow {
            let left_out = node.start == node.end;
            let from = if left_out { place.after.max(node.start) } else { from };
            if left_out {
                insert.push_str(if text[..from].ends_with(':') { " " } else { ": " });
            }
            self.flow_value(&mut insert, value, place);
            self.push_replaced(from..node.end.max(from), insert);
            return;
        }
        let mut end = node.end;
        // A block scalar, and what ends with one, ends with its line.
        if end > node.start && text[..end].ends_with('\n') {
            end -= if text[..end].ends_with("\r\n") { 2 } else { 1 };
        }
        let rest_of_line = text[end..].split(['\n', '\r']).next().unwrap_or_default();
        let is_collection = !value.is_leaf();
        if is_collection && rest_of_line.trim().is_empty() {
            // From the colon on, so that no blank is left at the end of its line.
            emit::block_value(&mut insert, value, place.indent, self.newline);
            insert.truncate(insert.trim_end_matches(['\n', '\r']).len());
            self.push_replaced(place.after..end.max(place.after), insert);
        } else {
            let left_out = node.start == node.end;
            let is_block_collection =
                matches!(node.kind, Kind::List { flow: false, .. } | Kind::Map { flow: false, .. });
            let from = if left_out || is_block_collection { place.after } else { from };
            if left_out || is_block_collection {
                insert.push(' ');
            }
            scalar_like(&mut insert, node, value);
            self.push_replaced(from..end.max(from), insert);
        }
    }

    fn push_replaced(&mut self, range: Range<usize>, insert: String) {
        self.replaced.push(range.clone());
        self.edits.push((0, Edit { range, insert }));
    }

    fn flow_break(&self, out: &mut String, place: Place) {
        if place.multi_line {
            out.push_str(self.newline);
            emit::pad(out, place.indent);
        } else {
            out.push(' ');
        }
    }

    fn flow_value(&self, out: &mut String, value: &Value, place: Place) {
        if place.multi_line {
            emit::pretty(out, value, place.indent, self.newline);
        } else {
            emit::flow(out, value);
        }
    }

    /// Lets aliases keep the value that they had: the first that is left takes the anchor over, with the old value.
    fn keep_aliases(&mut self) {
        let is_gone = |node: &Node| self.replaced.iter().any(|gone| gone.contains(&node.start));
        let mut heirs = BTreeMap::new();
        for node in self.tree.nodes() {
            if let Kind::Alias(of) = node.kind
                && !is_gone(node)
            {
                heirs.entry(of).or_insert(node);
            }
        }
        for (id, node) in self.tree.nodes().enumerate() {
            // The value itself changes, or what it is in was written anew.
            if node.anchor.is_none() || !(self.shared.contains(&id) || is_gone(node)) {
                continue;
            }
            let Some(heir) = node.anchor.and_then(|anchor| heirs.get(&anchor)) else { continue };
            let name = self.tree.text[heir.start..heir.end].trim_start_matches('*');
            let definition = format!("&{name}");
            let mut insert = format!("{definition} ");
            self.flow_copy(&mut insert, id);
            self.edits.push((0, Edit { range: heir.start..heir.end, insert }));
            let taken = self.replaced.iter().any(|gone| {
                gone.contains(&node.start.saturating_sub(1)) && gone.start < node.start
            });
            if taken {
                continue;
            }
            if let Some(at) = self.tree.text[..node.start].rfind(&definition) {
                let end = at + definition.len();
                let rest = &self.tree.text[end..];
                // One of the blanks around it goes with it.
                let range = if rest.starts_with(' ') {
                    at..end + 1
                } else {
                    at - usize::from(self.tree.text[..at].ends_with(' '))..end
                };
                self.edits.push((0, Edit { range, insert: String::new() }));
            }
        }
    }

    /// Writes a node on one line. Depth is bounded: the reader refuses more than 128 levels before an edit begins.
    fn flow_copy(&self, out: &mut String, id: NodeId) {
        let node = self.tree.node(id);
        match &node.kind {
            Kind::Alias(_) => {
                out.push_str(&self.tree.text[node.start..node.end]);
                out.push(' ');
            }
            Kind::Scalar { style: ScalarStyle::Plain, value } if is_plain_in_flow(value) => {
                out.push_str(value);
            }
            Kind::Scalar { value, .. } => emit::quoted(out, value),
            Kind::List { items, .. } => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    out.push_str(if i == 0 { "" } else { ", " });
                    self.flow_copy(out, *item);
                }
                out.push(']');
            }
            Kind::Map { entries, .. } => {
                out.push('{');
                for (i, (key, value)) in entries.iter().enumerate() {
                    out.push_str(if i == 0 { "" } else { ", " });
                    self.flow_copy(out, *key);
                    out.push_str(": ");
                    self.flow_copy(out, *value);
                }
                out.push('}');
            }
        }
    }

    /// The end of the colon between a key and its value; the end of the key where there is none.
    fn colon(&self, key: NodeId, value: NodeId) -> Option<usize> {
        let from = self.tree.node(key).end;
        let value = self.tree.node(value);
        let at = self.skip_blank(from);
        if self.tree.text[at..].starts_with(':') {
            return Some(at + 1);
        }
        // A key alone, which in block style must be explicit.
        (value.start == value.end).then_some(from)
    }

    /// The first byte at or after `at` that is neither blank nor comment.
    fn skip_blank(&self, mut at: usize) -> usize {
        let text = self.tree.text;
        loop {
            let blank = text[at..].len() - text[at..].trim_start().len();
            at += blank;
            let starts_comment =
                text[at..].starts_with('#') && (at == 0 || text[..at].ends_with([' ', '\t', '\n']));
            if !starts_comment {
                return at;
            }
            at += text[at..].find('\n').unwrap_or(text.len() - at);
        }
    }

    /// The dash of the block list item whose value begins at `start`.
    fn dash(&self, start: usize) -> usize {
        let text = self.tree.text;
        let line = self.line_start(start);
        let mut lead = &text[line..start];
        let mut base = line;
        loop {
            // The innermost dash on the line belongs to the item: `- - a` is a list in a list.
            if let Some(dash) =
                lead.rfind("- ").or_else(|| lead.trim_end().strip_suffix('-').map(str::len))
            {
                let before = &lead[..dash];
                if before.is_empty() || before.ends_with([' ', '-']) {
                    return base + dash;
                }
            }
            if base == 0 {
                return start;
            }
            // A dash on a line of its own, perhaps with comments in between.
            let previous = self.line_start(base - 1);
            lead = text[previous..base].split('#').next().unwrap_or_default().trim_end();
            base = previous;
        }
    }

    fn line_start(&self, at: usize) -> usize {
        self.tree.text[..at].rfind('\n').map_or(0, |newline| newline + 1)
    }

    fn column(&self, at: usize) -> usize {
        self.tree.text[self.line_start(at)..at].chars().count()
    }

    fn line_indent(&self, at: usize) -> usize {
        let line = &self.tree.text[self.line_start(at)..];
        line.len() - line.trim_start_matches(' ').len()
    }

    /// The start of the line after the one that ends at or after `at`.
    fn next_line(&self, at: usize) -> usize {
        let text = self.tree.text;
        if at > 0 && text[..at].ends_with('\n') {
            return at;
        }
        text[at..].find('\n').map_or(text.len(), |newline| at + newline + 1)
    }

    /// Ends the last line of the text where an insertion comes behind it and it has no end.
    fn complete_line(&self, out: &mut String, at: usize) {
        if at > 0 && !self.tree.text[..at].ends_with('\n') {
            out.push_str(self.newline);
        }
    }
}

/// The text of a key, where it is a scalar.
fn key_text<'t>(tree: &'t Tree<'t>, id: NodeId) -> Option<&'t str> {
    match &tree.node(id).kind {
        Kind::Scalar { value, .. } => Some(value),
        Kind::Alias(_) | Kind::List { .. } | Kind::Map { .. } => None,
    }
}

/// Writes a value in the manner of the one that it replaces, where that is safe.
fn scalar_like(out: &mut String, old: &Node, value: &Value) {
    match (&old.kind, value) {
        (Kind::Scalar { style: ScalarStyle::Plain, value: was }, Value::Text(text))
            if emit::is_plain_word(text) && was != "~" && was != "null" && !was.is_empty() =>
        {
            out.push_str(text);
        }
        (Kind::Scalar { style: ScalarStyle::SingleQuoted, .. }, Value::Text(text))
            if text.chars().all(|c| (' '..='~').contains(&c) && c != '\'') =>
        {
            out.push('\'');
            out.push_str(text);
            out.push('\'');
        }
        _ => emit::flow(out, value),
    }
}

fn is_block_scalar(node: &Node) -> bool {
    matches!(node.kind, Kind::Scalar { style: ScalarStyle::Literal | ScalarStyle::Folded, .. })
}

fn is_plain_in_flow(value: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || "_./+-~".contains(c);
    !value.is_empty() && value.chars().all(legal)
}
