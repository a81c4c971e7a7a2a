//! What the loss of power may leave of a tree.

use std::collections::BTreeSet;
use std::sync::Arc;

use maestro_state_store::ContentHash;

use crate::sim_disk::node::{
    Bytes, DataChange, DirNode, EntryChange, EntryChangeKind, FileNode, Inode, Move, Node, Written,
};
use crate::sim_disk::tree::{ROOT, Tree};

/// Up to how many changes of one directory every subset of them is tried.
const MAX_SUBSETS: usize = 6;

/// Up to how many combinations of what may be left of each file and directory all of them are tried.
const MAX_PRODUCT: usize = 256;

/// How many combinations are drawn when there are more.
const DRAWN: usize = 48;

/// A tree as the loss of power may leave it, and how it differs from the one before.
pub(super) struct Left {
    pub(super) tree: Tree,
    pub(super) what: String,
    pub(super) digest: ContentHash,
}

/// Returns every tree that the loss of power may leave of `tree`, or a selection when they are too many. What none of the
/// changes has reached comes first, what all have reached last.
pub(super) fn after_power_loss(tree: &Tree) -> Vec<Left> {
    let axes = axes(tree);
    let pending = tree.pending_arrivals();
    let mut seen = BTreeSet::new();
    let mut left = Vec::new();
    for combination in combinations(&axes) {
        let chosen: Vec<&Choice> =
            axes.iter().zip(&combination).map(|(axis, choice)| &axis.choices[*choice]).collect();
        let has_arrived =
            |by: &Move| !pending.contains(by) || chosen.iter().any(|c| c.arrived.contains(by));
        if !chosen.iter().all(|choice| choice.departed.iter().all(has_arrived)) {
            continue;
        }
        let mut image = tree.clone();
        for (axis, choice) in axes.iter().zip(&chosen) {
            image.nodes[axis.inode] = Arc::clone(&choice.node);
        }
        let digest = image.digest();
        if seen.insert(digest) {
            let labels: Vec<&str> = chosen.iter().map(|choice| choice.label.as_str()).collect();
            let what = if labels.is_empty() { "all".to_owned() } else { labels.join(", ") };
            left.push(Left { tree: image, what, digest });
        }
    }
    left
}

/// A file or directory of which more than one thing may be left.
struct Axis {
    inode: Inode,
    /// The first is what is durable, the last what is there now.
    choices: Vec<Choice>,
}

/// What may be left of a file or directory.
struct Choice {
    node: Arc<Node>,
    label: String,
    arrived: Vec<Move>,
    departed: Vec<Move>,
}

impl Choice {
    fn is_like(&self, other: &Self) -> bool {
        let same_node = match (&*self.node, &*other.node) {
            (Node::File(a), Node::File(b)) => a.bytes == b.bytes && a.mode == b.mode,
            (Node::Dir(a), Node::Dir(b)) => a.entries == b.entries,
            (Node::File(_), Node::Dir(_)) | (Node::Dir(_), Node::File(_)) => false,
        };
        same_node && self.arrived == other.arrived && self.departed == other.departed
    }
}

fn axes(tree: &Tree) -> Vec<Axis> {
    let mut axes = Vec::new();
    for inode in reachable(tree) {
        let choices = match tree.node(inode) {
            Node::File(file) if !file.pending.is_empty() => {
                file_choices(file, &name_of(tree, inode))
            }
            Node::Dir(dir) if !dir.pending.is_empty() => dir_choices(dir, &name_of(tree, inode)),
            Node::File(_) | Node::Dir(_) => continue,
        };
        axes.push(Axis { inode, choices });
    }
    axes
}

/// Everything that a name leads to, may lead to, or led to when the disk was last synced.
fn reachable(tree: &Tree) -> BTreeSet<Inode> {
    let mut found = BTreeSet::new();
    let mut rest = vec![ROOT];
    while let Some(inode) = rest.pop() {
        if !found.insert(inode) {
            continue;
        }
        let Node::Dir(dir) = tree.node(inode) else { continue };
        rest.extend(dir.durable.values());
        for change in &dir.pending {
            match &change.what {
                EntryChangeKind::Set(names) => {
                    rest.extend(names.iter().filter_map(|(_, inode)| *inode));
                }
                EntryChangeKind::Arrive { inode, .. } => rest.push(*inode),
                EntryChangeKind::Depart { .. } => {}
            }
        }
    }
    found
}

/// A name by which people recognise a file or directory.
fn name_of(tree: &Tree, inode: Inode) -> String {
    let mut names = tree.nodes.iter().filter_map(|node| match &**node {
        Node::Dir(dir) => {
            let now = dir.entries.iter().chain(&dir.durable);
            now.filter(|(_, found)| **found == inode).map(|(name, _)| name.to_string()).next()
        }
        Node::File(_) => None,
    });
    names.next().unwrap_or_else(|| format!("#{inode}"))
}

fn file_choices(file: &FileNode, name: &str) -> Vec<Choice> {
    let (changes, len) = (&file.pending, file.pending.len());
    let left = |written: &dyn Fn(usize) -> Option<Written>| {
        let mut bytes = file.durable.data.to_vec();
        let mut mode = file.durable_mode;
        for (index, change) in changes.iter().enumerate() {
            let Some(written) = written(index) else { break };
            change.apply(&mut bytes, written);
            if let DataChange::SetMode(new) = change {
                mode = *new;
            }
        }
        (Bytes::new(bytes), mode)
    };
    let is_write = |index: &usize| matches!(changes[*index], DataChange::Write { .. });
    let whole = |_: usize| Some(Written::Whole);

    let mut found = vec![(left(&|_| None), "as it was synced".to_owned())];
    for count in 1..len {
        let written = |index| (index < count).then_some(Written::Whole);
        found.push((left(&written), format!("with the first {count} changes")));
    }
    for torn in (0..len).filter(is_write) {
        let written = |index: usize| match index.cmp(&torn) {
            std::cmp::Ordering::Less => Some(Written::Whole),
            std::cmp::Ordering::Equal => Some(Written::FirstHalf),
            std::cmp::Ordering::Greater => None,
        };
        found.push((left(&written), format!("torn in change {}", torn + 1)));
    }
    for at in (0..len).filter(is_write) {
        for (part, how) in [
            (Written::Lost, "with zeros for change"),
            (Written::SecondHalf, "with zeros for the first half of change"),
        ] {
            let written = |index| Some(if index == at { part } else { Written::Whole });
            found.push((left(&written), format!("{how} {}", at + 1)));
        }
    }
    found.push((left(&|_| Some(Written::Lost)), "with zeros".to_owned()));
    found.push((left(&whole), "as it is".to_owned()));

    let choices = found.into_iter().map(|((bytes, mode), how)| Choice {
        node: Arc::new(Node::File(FileNode::durable(bytes, mode, file.modified))),
        label: format!("{name} {how}"),
        arrived: Vec::new(),
        departed: Vec::new(),
    });
    distinct(choices.collect())
}

fn dir_choices(dir: &DirNode, name: &str) -> Vec<Choice> {
    let changes = &dir.pending;
    let mut choices = Vec::new();
    for mask in masks(changes.len()) {
        let mut arrived = Vec::new();
        let mut entries = dir.durable.clone();
        for EntryChange { what, .. } in chosen(changes, &mask) {
            what.apply(&mut entries);
            if let EntryChangeKind::Arrive { by, .. } = what {
                arrived.push(*by);
            }
        }
        // An old name is gone as well where another file has taken it since.
        let departs = changes.iter().filter_map(|change| match &change.what {
            EntryChangeKind::Depart { name, inode, by, .. } => Some((name, inode, by)),
            EntryChangeKind::Set(_) | EntryChangeKind::Arrive { .. } => None,
        });
        let departed = departs
            .filter(|(name, inode, _)| entries.get(*name) != Some(*inode))
            .map(|(_, _, by)| *by)
            .collect();
        // A file has one name in a directory: when the second of two renames is there, so is the first.
        let files: BTreeSet<Inode> = entries.values().copied().collect();
        if files.len() < entries.len() {
            continue;
        }
        let labels: Vec<&str> =
            chosen(changes, &mask).map(|change| change.label.as_str()).collect();
        choices.push(Choice {
            node: Arc::new(Node::Dir(DirNode::durable(entries, dir.mode))),
            label: format!("{name} with [{}]", labels.join("; ")),
            arrived,
            departed,
        });
    }
    distinct(choices)
}

fn chosen<'c>(
    changes: &'c [EntryChange],
    mask: &'c [bool],
) -> impl Iterator<Item = &'c EntryChange> {
    changes.iter().zip(mask).filter(|(_, chosen)| **chosen).map(|(change, _)| change)
}

/// Which of `len` changes of a directory came to the disk: every subset of a few; else none, all, each prefix, all but
/// one, only one.
fn masks(len: usize) -> Vec<Vec<bool>> {
    if len <= MAX_SUBSETS {
        let subset = |bits: usize| (0..len).map(|index| bits >> index & 1 == 1).collect();
        return (0..1 << len).map(subset).collect();
    }
    let mut masks: Vec<Vec<bool>> = vec![vec![false; len]];
    for n in 0..len {
        masks.push((0..len).map(|index| index < n).collect());
        masks.push((0..len).map(|index| index == n).collect());
        masks.push((0..len).map(|index| index != n).collect());
    }
    masks.push(vec![true; len]);
    masks
}

/// Drops choices that are like another, but neither the first nor the last.
fn distinct(mut choices: Vec<Choice>) -> Vec<Choice> {
    let Some(last) = choices.pop() else { return choices };
    let mut kept: Vec<Choice> = Vec::new();
    for choice in choices {
        let is_known = kept.iter().any(|kept| kept.is_like(&choice));
        if kept.is_empty() || !(is_known || last.is_like(&choice)) {
            kept.push(choice);
        }
    }
    kept.push(last);
    kept
}

/// Every way to choose one from each axis, or when there are too many, a selection that is always the same: all first, all
/// last, each choice with all others first and with all others last, and some that are drawn.
fn combinations(axes: &[Axis]) -> Vec<Vec<usize>> {
    let counts: Vec<usize> = axes.iter().map(|axis| axis.choices.len()).collect();
    let product = counts.iter().try_fold(1_usize, |product, count| product.checked_mul(*count));
    if let Some(product) = product
        && product <= MAX_PRODUCT
    {
        return (0..product)
            .map(|mut n| {
                let digit = |count: &usize| {
                    let digit = n % count;
                    n /= count;
                    digit
                };
                counts.iter().map(digit).collect()
            })
            .collect();
    }
    let first = vec![0; counts.len()];
    let last: Vec<usize> = counts.iter().map(|count| count - 1).collect();
    let mut combinations = vec![first.clone()];
    for (axis, count) in counts.iter().enumerate() {
        for choice in 0..*count {
            for others in [&first, &last] {
                let mut combination = others.clone();
                combination[axis] = choice;
                combinations.push(combination);
            }
        }
    }
    let mut draws = Draws(0x9e37_79b9_7f4a_7c15);
    for _ in 0..DRAWN {
        combinations.push(counts.iter().map(|count| draws.below(*count)).collect());
    }
    combinations.push(last);
    combinations
}

/// Numbers that look drawn and are always the same (xorshift64).
struct Draws(u64);

impl Draws {
    fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % count
    }
}
