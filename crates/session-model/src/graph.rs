//! Who waits for whom.
//!
//! Owns the order of phases: depth, batches, the critical path, circles, and which phases may run at the same time.
//! Knows ids and blockers and nothing else of a phase. Recurses nowhere, and the order takes time linear in phases and
//! blockers, so that a chain of many thousands is nothing special. Which owners of files may run at the same time takes
//! one such pass for every 64 of the phases that share a file with a later one; which blockers are redundant, one for every
//! 64 of those that stand beside a deeper one, and no pass goes further than these are named.

use std::collections::BTreeMap;
use std::fmt;

use crate::PhaseId;

/// Phases and their blockers, with what is wrong about the references between them.
///
/// Phases are known by their position in the input, because ids may be repeated. A blocker means the first phase with
/// its id.
#[derive(Clone, Debug)]
pub struct PhaseGraph<'a> {
    ids: Vec<&'a PhaseId>,
    blockers: Edges,
    duplicates: Vec<DuplicateId>,
    dangling: Vec<DanglingBlocker<'a>>,
}

/// Two phases with one id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DuplicateId {
    /// The position that keeps the id.
    pub first: usize,
    /// The position that has it again.
    pub again: usize,
}

/// A blocker that is no phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DanglingBlocker<'a> {
    /// The position of the phase that waits.
    pub phase: usize,
    /// What it waits for.
    pub blocker: &'a PhaseId,
}

impl<'a> PhaseGraph<'a> {
    /// Builds the graph from each phase's id and blockers.
    pub fn new(phases: impl IntoIterator<Item = (&'a PhaseId, &'a [PhaseId])>) -> Self {
        let (ids, blocked_by): (Vec<_>, Vec<_>) = phases.into_iter().unzip();
        let mut positions = BTreeMap::new();
        let mut duplicates = Vec::new();
        for (again, id) in ids.iter().enumerate() {
            let first = *positions.entry(*id).or_insert(again);
            if first != again {
                duplicates.push(DuplicateId { first, again });
            }
        }
        let mut blockers = Edges::default();
        let mut dangling = Vec::new();
        for (phase, wanted) in blocked_by.into_iter().enumerate() {
            for blocker in wanted {
                match positions.get(blocker) {
                    Some(position) => blockers.targets.push(*position),
                    None => dangling.push(DanglingBlocker { phase, blocker }),
                }
            }
            blockers.close_node();
        }
        Self { ids, blockers, duplicates, dangling }
    }

    /// Returns the phases whose id an earlier one has.
    pub fn duplicates(&self) -> &[DuplicateId] {
        &self.duplicates
    }

    /// Returns the blockers that are no phase; they count for nothing in the order.
    pub fn dangling(&self) -> &[DanglingBlocker<'a>] {
        &self.dangling
    }

    /// Puts the phases in an order in which each comes after its blockers.
    pub fn order(&self) -> Result<PhaseOrder<'_>, CircularBlockers> {
        let phases = self.ids.len();
        let dependants = self.blockers.reversed();
        let mut waits_for: Vec<usize> = (0..phases).map(|v| self.blockers.of(v).len()).collect();
        let mut depths = vec![0; phases];
        let mut sequence: Vec<usize> = (0..phases).filter(|v| waits_for[*v] == 0).collect();
        let mut done = 0;
        while let Some(&phase) = sequence.get(done) {
            done += 1;
            for &dependant in dependants.of(phase) {
                // Shallow phases come first, so the last blocker that is seen is the deepest.
                depths[dependant] = depths[phase] + 1;
                waits_for[dependant] -= 1;
                if waits_for[dependant] == 0 {
                    sequence.push(dependant);
                }
            }
        }
        if done < phases {
            return Err(self.circles(&waits_for));
        }
        let mut ranks = vec![0; phases];
        for (rank, phase) in sequence.iter().enumerate() {
            ranks[*phase] = rank;
        }
        Ok(PhaseOrder { graph: self, sequence, ranks, depths })
    }

    /// Finds circles among the phases that still wait for something.
    ///
    /// Each of them has a blocker that waits too. Following the first such blocker from phase to phase must run into
    /// itself, and no two circles found that way share a phase.
    fn circles(&self, waits_for: &[usize]) -> CircularBlockers {
        let stuck = |v: &usize| waits_for[*v] > 0;
        let mut seen = vec![false; self.ids.len()];
        let mut circles = Vec::new();
        for start in (0..self.ids.len()).filter(stuck) {
            let mut walk = Vec::new();
            let mut here = start;
            while !seen[here] {
                seen[here] = true;
                walk.push(here);
                here = self.blockers.of(here).iter().copied().find(stuck).unwrap_or(here);
            }
            if let Some(entry) = walk.iter().position(|v| *v == here) {
                let mut circle = walk.split_off(entry);
                let first_in_plan =
                    circle.iter().enumerate().min_by_key(|(_, v)| **v).map_or(0, |(at, _)| at);
                circle.rotate_left(first_in_plan);
                circles
                    .push(Circle { phases: circle.iter().map(|v| self.ids[*v].clone()).collect() });
            }
        }
        CircularBlockers { circles }
    }
}

/// The phases of a graph without circles, each after its blockers.
#[derive(Clone, Debug)]
pub struct PhaseOrder<'g> {
    graph: &'g PhaseGraph<'g>,
    sequence: Vec<usize>,
    ranks: Vec<usize>,
    depths: Vec<usize>,
}

/// Two owners of one file, neither of which waits for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnorderedPair {
    /// Which of the lists of owners.
    pub file: usize,
    /// The position of one owner.
    pub one: usize,
    /// The position of the other.
    pub other: usize,
}

/// A blocker that a phase waits for anyway, because another of its blockers does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct RedundantBlocker {
    /// The position of the phase that waits.
    pub phase: usize,
    /// The position of the blocker.
    pub blocker: usize,
    /// The position of the other one.
    pub through: usize,
}

impl<'g> PhaseOrder<'g> {
    /// Returns for each phase the length of its longest chain of blockers; 0 for one that waits for nothing.
    pub fn depths(&self) -> &[usize] {
        &self.depths
    }

    /// Returns the positions of the phases of each depth, in the order of the input.
    pub fn batches(&self) -> Vec<Vec<usize>> {
        let mut batches = Vec::new();
        for (phase, depth) in self.depths.iter().enumerate() {
            if batches.len() <= *depth {
                batches.resize_with(depth + 1, Vec::new);
            }
            batches[*depth].push(phase);
        }
        batches
    }

    /// Returns a longest chain of phases of which each waits for the one before.
    pub fn critical_path(&self) -> Vec<&'g PhaseId> {
        let deepest = (0..self.depths.len()).rev().max_by_key(|v| self.depths[*v]);
        let mut path = Vec::new();
        let mut next = deepest;
        while let Some(phase) = next {
            path.push(self.graph.ids[phase]);
            let blockers = self.graph.blockers.of(phase).iter().copied();
            next = blockers.into_iter().find(|v| self.depths[*v] + 1 == self.depths[phase]);
        }
        path.reverse();
        path
    }

    /// Returns for each file the owners that may run at the same time, because no path leads from one to the other.
    ///
    /// `owners` has a list of positions for each file. Of three or more owners, not every such pair is returned, but
    /// at least one exactly if there is one. Sorted by file.
    pub fn unordered_pairs(&self, owners: &[Vec<usize>]) -> Vec<UnorderedPair> {
        // Along the sequence a path can only lead forwards. So all owners are ordered if each reaches the next one,
        // and where one does not, those two are not ordered at all.
        let mut neighbours = Vec::new();
        for (file, owners) in owners.iter().enumerate() {
            let mut ranks: Vec<usize> = owners.iter().map(|phase| self.ranks[*phase]).collect();
            ranks.sort_unstable();
            neighbours.extend(ranks.windows(2).map(|pair| (pair[0], pair[1], file)));
        }
        neighbours.sort_unstable();
        let mut unordered = Vec::new();
        let mut reached_from = vec![0_u64; self.sequence.len()];
        let mut rest = neighbours.as_slice();
        while let Some((first, ..)) = rest.first() {
            let (from, block) = (*first, next_block(&mut rest));
            self.propagate(from, block, &mut reached_from);
            let mut bit = Bit::default();
            for &(one, other, file) in block {
                if reached_from[other] & bit.of(one) == 0 {
                    let (one, other) = (self.sequence[one], self.sequence[other]);
                    unordered.push(UnorderedPair {
                        file,
                        one: one.min(other),
                        other: one.max(other),
                    });
                }
            }
        }
        unordered.sort_unstable();
        unordered
    }

    /// Returns for each phase that has such a blocker the first that it waits for anyway, and the first other one through
    /// which it does. Both in the order of the input, and sorted by phase.
    ///
    /// A blocker that is named twice is none of them: no other one waits for it.
    pub fn redundant_blockers(&self) -> Vec<RedundantBlocker> {
        // For each phase the places in its list of the blocker and of the other one.
        let mut found: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
        let mut lead = Leads::none(self.sequence.len());
        for block in self.shallow_blockers().chunks(64) {
            let from = block.first().map_or(0, |(source, _)| *source);
            let to = block.iter().map(|(_, last)| *last).max().unwrap_or(from);
            lead.start_at(block.iter().map(|(source, _)| *source));
            for rank in from..=to {
                let phase = self.sequence[rank];
                let blockers = self.graph.blockers.of(phase);
                let ranks = || blockers.iter().map(|v| self.ranks[*v]);
                let (direct, indirect) = ranks().fold((0, 0), |(direct, indirect), rank| {
                    (direct | lead.own[rank], indirect | lead.to[rank])
                });
                lead.to[rank] = direct | indirect;
                let redundant = direct & indirect;
                let mut marks = ranks().map(|rank| lead.own[rank] & redundant).enumerate();
                let first = marks.find(|(_, source)| *source != 0);
                let Some((blocker, source)) = first else { continue };
                if let Some(through) = ranks().position(|rank| lead.to[rank] & source != 0) {
                    let best = found.entry(phase).or_insert((blocker, through));
                    *best = (*best).min((blocker, through));
                }
            }
        }
        let redundant = found.into_iter().map(|(phase, (blocker, through))| {
            let blockers = self.graph.blockers.of(phase);
            RedundantBlocker { phase, blocker: blockers[blocker], through: blockers[through] }
        });
        redundant.collect()
    }

    /// The ranks of the phases that are named beside a deeper blocker, which alone can wait for them, each with the last rank
    /// at which that happens.
    fn shallow_blockers(&self) -> Vec<(usize, usize)> {
        let mut last_named = vec![None; self.sequence.len()];
        for (rank, phase) in self.sequence.iter().enumerate() {
            let blockers = self.graph.blockers.of(*phase);
            let deepest = blockers.iter().map(|v| self.depths[*v]).max();
            for blocker in blockers.iter().filter(|v| Some(self.depths[**v]) < deepest) {
                last_named[self.ranks[*blocker]] = Some(rank);
            }
        }
        let named = last_named.into_iter().enumerate();
        named.filter_map(|(source, last)| Some((source, last?))).collect()
    }

    /// Sets for each rank from `from` on which sources of `block`, one bit each, lead to it.
    fn propagate(&self, from: usize, block: &[Neighbours], reached_from: &mut [u64]) {
        reached_from.fill(0);
        let mut bit = Bit::default();
        for (one, ..) in block {
            reached_from[*one] |= bit.of(*one);
        }
        for rank in from..self.sequence.len() {
            let blockers = self.graph.blockers.of(self.sequence[rank]).iter();
            reached_from[rank] |=
                blockers.map(|v| reached_from[self.ranks[*v]]).fold(0, |all, bits| all | bits);
        }
    }
}

/// Up to 64 sources, one bit each, and where they lead.
struct Leads {
    /// For each rank the bit of the source that it is.
    own: Vec<u64>,
    /// For each rank the bits of the sources that come before it.
    to: Vec<u64>,
}

impl Leads {
    fn none(ranks: usize) -> Self {
        Self { own: vec![0; ranks], to: vec![0; ranks] }
    }

    /// Forgets the sources there were, and takes these, which so far lead nowhere.
    fn start_at(&mut self, sources: impl Iterator<Item = usize>) {
        self.own.fill(0);
        self.to.fill(0);
        for (bit, source) in sources.enumerate() {
            self.own[source] = 1 << bit;
        }
    }
}

/// The ranks of two owners that follow each other, and their file.
type Neighbours = (usize, usize, usize);

/// Takes off the front of `rest`, which is sorted, the entries of the next 64 sources.
fn next_block<'n>(rest: &mut &'n [Neighbours]) -> &'n [Neighbours] {
    let mut sources = 0;
    let mut last = None;
    let end = rest.iter().position(|(one, ..)| {
        sources += u32::from(last != Some(*one));
        last = Some(*one);
        sources > u64::BITS
    });
    let (block, after) = rest.split_at(end.unwrap_or(rest.len()));
    *rest = after;
    block
}

/// Gives each distinct source of a sorted block its own bit.
#[derive(Default)]
struct Bit {
    last: Option<usize>,
    bit: u64,
}

impl Bit {
    fn of(&mut self, source: usize) -> u64 {
        if self.last.replace(source) != Some(source) {
            self.bit = if self.bit == 0 { 1 } else { self.bit << 1 };
        }
        self.bit
    }
}

/// Lists of positions, one for each phase, in one piece of memory.
#[derive(Clone, Debug, Default)]
struct Edges {
    targets: Vec<usize>,
    ends: Vec<usize>,
}

impl Edges {
    /// Ends the list of the next phase at what has been pushed so far.
    fn close_node(&mut self) {
        self.ends.push(self.targets.len());
    }

    fn of(&self, phase: usize) -> &[usize] {
        let start = if phase == 0 { 0 } else { self.ends[phase - 1] };
        &self.targets[start..self.ends[phase]]
    }

    fn reversed(&self) -> Self {
        let mut ends = vec![0; self.ends.len()];
        for target in &self.targets {
            ends[*target] += 1;
        }
        let mut sum = 0;
        for end in &mut ends {
            sum += *end;
            *end = sum;
        }
        // Filled from the back: each list starts at its end and grows towards its start.
        let mut free = ends.clone();
        let mut targets = vec![0; self.targets.len()];
        for source in (0..self.ends.len()).rev() {
            for target in self.of(source).iter().rev() {
                free[*target] -= 1;
                targets[free[*target]] = source;
            }
        }
        Self { targets, ends }
    }
}

/// Phases of which each waits for the next and the last for the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circle {
    /// The phases, from the one that stands first in the plan, each named once.
    pub phases: Vec<PhaseId>,
}

/// Shows the way round, such as `2 → 5 → 3 → 2`.
impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for phase in &self.phases {
            write!(f, "{phase} → ")?;
        }
        self.phases.first().map_or(Ok(()), |first| first.fmt(f))
    }
}

/// Phases that wait for each other, so that none of them can ever start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("phases wait for each other in a circle: {}", shown(circles))]
pub struct CircularBlockers {
    /// The circles that were found: at least one, and no phase in two of them.
    pub circles: Vec<Circle>,
}

fn shown(circles: &[Circle]) -> String {
    let shown: Vec<String> = circles.iter().map(ToString::to_string).collect();
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Phases `1..=n`; each line of `blockers` belongs to the next of them.
    struct Plan(Vec<(PhaseId, Vec<PhaseId>)>);

    impl Plan {
        fn new(blockers: &[Vec<u64>]) -> Self {
            let id = |n: &u64| PhaseId::from_number(*n).unwrap();
            let ids = (1..).map(|n| id(&n));
            Self(ids.zip(blockers.iter().map(|ids| ids.iter().map(id).collect())).collect())
        }

        fn graph(&self) -> PhaseGraph<'_> {
            PhaseGraph::new(self.0.iter().map(|(id, blockers)| (id, blockers.as_slice())))
        }
    }

    fn text<'a>(ids: impl IntoIterator<Item = &'a PhaseId>) -> Vec<String> {
        ids.into_iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_phase_is_one_deeper_than_its_deepest_blocker() {
        let plan = Plan::new(&[vec![], vec![1], vec![1], vec![2, 1], vec![]]);
        let graph = plan.graph();
        let order = graph.order().unwrap();
        assert_eq!(order.depths(), [0, 1, 1, 2, 0]);
        assert_eq!(order.batches(), [vec![0, 4], vec![1, 2], vec![3]]);
        assert_eq!(text(order.critical_path()), ["1", "2", "4"]);
    }

    #[test]
    fn no_phases_have_an_order() {
        let graph = PhaseGraph::new([]);
        let order = graph.order().unwrap();
        assert!(order.batches().is_empty());
        assert!(order.critical_path().is_empty());
        assert!(order.unordered_pairs(&[]).is_empty());
    }

    #[test]
    fn each_circle_is_shown_from_its_first_phase() {
        let plan =
            Plan::new(&[vec![], vec![1, 5], vec![2], vec![3], vec![3], vec![7], vec![6], vec![8]]);
        let error = plan.graph().order().unwrap_err();
        insta::assert_snapshot!(error, @"phases wait for each other in a circle: 2 → 5 → 3 → 2, 6 → 7 → 6, 8 → 8");
    }

    #[test]
    fn a_circle_that_is_found_from_outside_starts_at_its_first_phase_too() {
        let plan = Plan::new(&[vec![4], vec![3], vec![4], vec![2]]);
        let error = plan.graph().order().unwrap_err();
        assert_eq!(error.circles[0].to_string(), "2 → 3 → 4 → 2");
    }

    /// Phases `1..=128` wait for nothing, each of `129..=256` for one 64 further on, each of `257..` for its own.
    #[test]
    fn what_leads_to_a_phase_of_one_block_leads_to_none_of_the_next() {
        let first = (1..=128).map(|_| vec![]);
        let shifted = (0..128).map(|n| vec![(n + 64) % 128 + 1]);
        let own = (1..=128).map(|n| vec![n]);
        let plan = Plan::new(&first.chain(shifted).chain(own).collect::<Vec<_>>());
        let graph = plan.graph();
        let order = graph.order().unwrap();
        let with_shifted: Vec<Vec<usize>> = (0..128).map(|n| vec![n, n + 128]).collect();
        assert_eq!(order.unordered_pairs(&with_shifted).len(), 128);
        let with_own: Vec<Vec<usize>> = (0..128).map(|n| vec![n, n + 256]).collect();
        assert_eq!(order.unordered_pairs(&with_own), []);
    }

    #[test]
    fn a_number_and_its_text_are_duplicates() {
        let ids = [PhaseId::from_number(1).unwrap(), PhaseId::from_text("1").unwrap()];
        let graph = PhaseGraph::new(ids.iter().map(|id| (id, [].as_slice())));
        assert_eq!(graph.duplicates(), [DuplicateId { first: 0, again: 1 }]);
    }

    #[test]
    fn a_blocker_that_is_no_phase_dangles() {
        let plan = Plan::new(&[vec![], vec![9, 1]]);
        let graph = plan.graph();
        assert_eq!(graph.dangling(), [DanglingBlocker { phase: 1, blocker: &plan.0[1].1[0] }]);
        assert_eq!(graph.order().unwrap().depths(), [0, 1]);
    }

    #[test]
    fn owners_are_unordered_unless_a_path_leads_from_one_to_the_other() {
        let plan = Plan::new(&[vec![], vec![1], vec![2], vec![1]]);
        let graph = plan.graph();
        let order = graph.order().unwrap();
        let pairs = order.unordered_pairs(&[vec![2, 0], vec![3, 2], vec![1, 1], vec![0, 1, 3]]);
        assert_eq!(
            pairs,
            [
                UnorderedPair { file: 1, one: 2, other: 3 },
                UnorderedPair { file: 3, one: 1, other: 3 },
            ]
        );
    }

    #[test]
    fn eight_thousand_phases_in_a_reversed_chain_have_an_order() {
        let chain: Vec<Vec<u64>> =
            (1..=8000).map(|n| if n < 8000 { vec![n + 1] } else { vec![] }).collect();
        let plan = Plan::new(&chain);
        let graph = plan.graph();
        let order = graph.order().unwrap();
        assert_eq!(order.depths()[0], 7999);
        assert_eq!(order.critical_path().len(), 8000);
    }

    /// Ten thousand phases of two blockers each, five thousand files of three owners each: the slow way would look
    /// at every path. This must stay unnoticeable in a test run that is not optimised.
    #[test]
    fn many_shared_files_are_compared_in_blocks() {
        let blockers: Vec<Vec<u64>> = (1..=10_000_u64)
            .map(|n| [n / 2, n / 3].into_iter().filter(|b| *b > 0).collect())
            .collect();
        let plan = Plan::new(&blockers);
        let graph = plan.graph();
        let order = graph.order().unwrap();
        let owners: Vec<Vec<usize>> = (0..5000).map(|n| vec![n, n * 2, 9_999 - n]).collect();
        let unordered = order.unordered_pairs(&owners);
        assert!(unordered.iter().all(|pair| pair.one < pair.other));
        assert!(!unordered.is_empty() && unordered.len() < 10_000);
    }

    fn redundant(plan: &Plan) -> Vec<(usize, usize, usize)> {
        let graph = plan.graph();
        let found = graph.order().unwrap().redundant_blockers();
        found.iter().map(|it| (it.phase + 1, it.blocker + 1, it.through + 1)).collect()
    }

    #[test]
    fn a_blocker_is_redundant_if_another_one_waits_for_it() {
        let plan = Plan::new(&[vec![], vec![1], vec![2], vec![2, 1, 3], vec![1, 2], vec![3, 5]]);
        assert_eq!(redundant(&plan), [(4, 2, 3), (5, 1, 2)]);
    }

    #[test]
    fn a_blocker_that_is_named_twice_is_not_redundant() {
        let plan = Plan::new(&[vec![], vec![1, 1], vec![2, 2, 1, 1]]);
        assert_eq!(redundant(&plan), [(3, 1, 2)]);
    }

    /// The sources of one pass may not lead on into the next, and the first redundant blocker may be in a later one.
    #[test]
    fn of_many_redundant_blockers_the_first_that_is_written_is_found() {
        let chain = (1..=200).map(|n| if n == 1 { vec![] } else { vec![n - 1] });
        let all = chain.chain([(1..=200).rev().collect()]).collect::<Vec<_>>();
        assert_eq!(redundant(&Plan::new(&all)), [(201, 199, 200)]);
        let chain = (1..=200).map(|n| if n == 1 { vec![] } else { vec![n - 1] });
        let all = chain.chain([(1..=200).collect()]).collect::<Vec<_>>();
        assert_eq!(redundant(&Plan::new(&all)), [(201, 1, 2)]);
    }

    #[test]
    fn eight_thousand_phases_in_a_reversed_chain_that_all_name_the_first_are_no_work() {
        let chain: Vec<Vec<u64>> = (1..=8000)
            .map(|n| match n {
                8000 => vec![],
                7999 => vec![8000],
                _ => vec![8000, n + 1],
            })
            .collect();
        let found = redundant(&Plan::new(&chain));
        assert_eq!(found.len(), 7998);
        assert_eq!(found[0], (1, 8000, 2));
    }

    #[test]
    fn four_thousand_phases_of_two_blockers_each_are_searched_in_blocks() {
        let near: Vec<Vec<u64>> =
            (1..=4000_u64).map(|n| (n.saturating_sub(2).max(1)..n).collect()).collect();
        assert_eq!(redundant(&Plan::new(&near)).len(), 3998);
        let far: Vec<Vec<u64>> = (1..=4000_u64)
            .map(|n| [n / 2, n / 3].into_iter().filter(|b| *b > 0).collect())
            .collect();
        let found = redundant(&Plan::new(&far));
        assert!(!found.is_empty() && found.len() < 4000);
    }

    prop_compose! {
        /// A graph without circles, its phases in any order.
        fn acyclic()(size in 1..40_usize)(
            size in Just(size),
            names in Just((1..=size as u64).collect::<Vec<_>>()).prop_shuffle(),
            wanted in prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..4), size),
        ) -> Vec<Vec<u64>> {
            let mut blockers = vec![Vec::new(); size];
            for (at, picks) in wanted.iter().enumerate().skip(1) {
                let earlier = &names[..at];
                let own = usize::try_from(names[at] - 1).unwrap();
                blockers[own] = picks.iter().map(|pick| *pick.get(earlier)).collect();
            }
            blockers
        }
    }

    /// Whether a path leads from one position to another, found the slow way.
    fn closure(blockers: &[Vec<u64>]) -> Vec<Vec<bool>> {
        let size = blockers.len();
        let mut leads = vec![vec![false; size]; size];
        for (phase, ids) in blockers.iter().enumerate() {
            for id in ids {
                leads[usize::try_from(*id - 1).unwrap()][phase] = true;
            }
        }
        for via in 0..size {
            for from in 0..size {
                for to in 0..size {
                    leads[from][to] |= leads[from][via] && leads[via][to];
                }
            }
        }
        leads
    }

    proptest! {
        #[test]
        fn depth_is_the_longest_chain_of_blockers(blockers in acyclic()) {
            let plan = Plan::new(&blockers);
            let graph = plan.graph();
            let order = graph.order().unwrap();
            let mut expected = vec![0; blockers.len()];
            for _ in 0..blockers.len() {
                for (phase, ids) in blockers.iter().enumerate() {
                    for id in ids {
                        let behind = expected[usize::try_from(*id - 1).unwrap()] + 1;
                        expected[phase] = behind.max(expected[phase]);
                    }
                }
            }
            prop_assert_eq!(order.depths(), expected.as_slice());
            let path = order.critical_path();
            prop_assert_eq!(path.len(), expected.iter().max().unwrap() + 1);
            for step in path.windows(2) {
                let at = usize::try_from(step[1].number().unwrap() - 1).unwrap();
                prop_assert!(blockers[at].contains(&step[0].number().unwrap()));
            }
        }

        #[test]
        fn unordered_pairs_are_those_without_a_path(
            blockers in acyclic(),
            picks in prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..5), 0..100),
        ) {
            let plan = Plan::new(&blockers);
            let graph = plan.graph();
            let leads = closure(&blockers);
            let unordered = |a: usize, b: usize| a != b && !leads[a][b] && !leads[b][a];
            let owners: Vec<Vec<usize>> = picks
                .iter()
                .map(|file| file.iter().map(|pick| pick.index(blockers.len())).collect())
                .collect();
            let found = graph.order().unwrap().unordered_pairs(&owners);
            for pair in &found {
                prop_assert!(unordered(pair.one, pair.other));
                prop_assert!(owners[pair.file].contains(&pair.one));
                prop_assert!(owners[pair.file].contains(&pair.other));
            }
            for (file, owners) in owners.iter().enumerate() {
                let expected = owners.iter().any(|a| owners.iter().any(|b| unordered(*a, *b)));
                prop_assert_eq!(found.iter().any(|pair| pair.file == file), expected);
            }
        }

        #[test]
        fn redundant_are_the_blockers_from_which_a_path_leads_to_another(blockers in acyclic()) {
            let plan = Plan::new(&blockers);
            let leads = closure(&blockers);
            let at = |id: &u64| usize::try_from(*id - 1).unwrap();
            let first = |phase: usize| {
                let own = &blockers[phase];
                own.iter().find_map(|blocker| {
                    let through = own.iter().find(|other| leads[at(blocker)][at(other)])?;
                    Some((phase, at(blocker), at(through)))
                })
            };
            let expected: Vec<_> = (0..blockers.len()).filter_map(first).collect();
            let graph = plan.graph();
            let found = graph.order().unwrap().redundant_blockers();
            let found: Vec<_> = found.iter().map(|it| (it.phase, it.blocker, it.through)).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn a_circle_is_found_exactly_if_there_is_one(
            blockers in prop::collection::vec(prop::collection::vec(1..12_u64, 0..3), 11),
        ) {
            let plan = Plan::new(&blockers);
            let leads = closure(&blockers);
            let circular = (0..11).any(|v| leads[v][v]);
            match plan.graph().order() {
                Ok(_) => prop_assert!(!circular),
                Err(error) => {
                    prop_assert!(circular && !error.circles.is_empty());
                    let mut named: Vec<u64> = Vec::new();
                    for circle in &error.circles {
                        let ids: Vec<u64> = circle.phases.iter().map(|id| id.number().unwrap()).collect();
                        for (at, id) in ids.iter().enumerate() {
                            let next = ids[(at + 1) % ids.len()];
                            prop_assert!(blockers[usize::try_from(*id - 1).unwrap()].contains(&next));
                        }
                        named.extend(ids);
                    }
                    let distinct: std::collections::BTreeSet<&u64> = named.iter().collect();
                    prop_assert_eq!(distinct.len(), named.len());
                }
            }
        }
    }
}
