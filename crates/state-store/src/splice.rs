//! Byte splices: how one text comes from another.
//!
//! Owns finding them, applying them, and turning them round. Knows nothing of what the texts mean. A splice carries what
//! it removes as well as what it inserts, so that a list of them leads both ways.

use std::collections::BTreeMap;
use std::ops::Range;

pub use maestro_session_model::Splice;

/// Where a splice ends in the text before.
fn end(splice: &Splice) -> usize {
    splice.at.saturating_add(splice.remove.len())
}

/// How far ahead, in lines, the texts are searched for a place where they agree again; the next only when the one
/// before found none.
const WINDOWS: [usize; 3] = [16, 128, 1024];

/// How many lines must agree for the texts to count as being in step again: fewer would let the stock lines that every
/// phase of a document has pass for a place.
const MIN_RUN: usize = 3;

/// Where a longer agreement would no longer matter.
const MAX_RUN: usize = 32;

/// Returns splices that lead from `before` to `after`, in order and without overlap.
///
/// Cheap rather than minimal: time grows with the length of the texts and the number of changed places, and a place
/// where more than a thousand lines changed becomes one splice.
pub fn diff(before: &str, after: &str) -> Vec<Splice> {
    let mut splices = Vec::new();
    // Everything before these two places is dealt with.
    let (mut b, mut a) = (0, 0);
    while b < before.len() || a < after.len() {
        let same = common_prefix(&before[b..], &after[a..]);
        if b + same == before.len() && a + same == after.len() {
            break;
        }
        // Back to the beginning of the line, which is the same in both texts.
        let line = before[b..b + same].rfind('\n').map_or(0, |newline| newline + 1);
        (b, a) = (b + line, a + line);
        let (removed, inserted) = match resync(&before[b..], &after[a..]) {
            Some(found) => found,
            None => (before.len() - b, after.len() - a),
        };
        splices.push(trimmed(b, &before[b..b + removed], &after[a..a + inserted]));
        (b, a) = (b + removed, a + inserted);
    }
    splices
}

/// The splice that replaces `remove` by `insert`, without what both begin and end with.
fn trimmed(at: usize, remove: &str, insert: &str) -> Splice {
    let start = common_prefix(remove, insert);
    let (remove, insert) = (&remove[start..], &insert[start..]);
    let same = common_suffix(remove, insert);
    Splice {
        at: at + start,
        remove: remove[..remove.len() - same].to_owned(),
        insert: insert[..insert.len() - same].to_owned(),
    }
}

/// Finds how much to drop from the front of both texts, which begin with different lines, for them to agree again.
fn resync(before: &str, after: &str) -> Option<(usize, usize)> {
    WINDOWS.into_iter().find_map(|window| {
        let old = line_starts(before, window);
        let new = line_starts(after, window);
        let mut places = BTreeMap::new();
        for start in &old {
            places.entry(first_line(&before[*start..])).or_insert(*start);
        }
        let mut best: Option<(usize, (usize, usize))> = None;
        for start in &new {
            let Some(place) = places.get(first_line(&after[*start..])) else { continue };
            let run = agreement(&before[*place..], &after[*start..]);
            if MIN_RUN <= run && best.is_none_or(|(longest, _)| longest < run) {
                best = Some((run, (*place, *start)));
            }
            if MAX_RUN <= run {
                break;
            }
        }
        best.map(|(_, found)| found)
    })
}

/// Where the first `most` lines begin.
fn line_starts(text: &str, most: usize) -> Vec<usize> {
    let ends = text.match_indices('\n').map(|(newline, _)| newline + 1);
    std::iter::once(0).chain(ends).filter(|start| *start < text.len()).take(most).collect()
}

fn first_line(text: &str) -> &str {
    text.find('\n').map_or(text, |newline| &text[..=newline])
}

/// How many lines the texts have in common at the front; reaching the end of both is as good as any number.
fn agreement(before: &str, after: &str) -> usize {
    let (mut old, mut new) = (before.split_inclusive('\n'), after.split_inclusive('\n'));
    let mut run = 0;
    while run < MAX_RUN {
        match (old.next(), new.next()) {
            (Some(old), Some(new)) if old == new => run += 1,
            (None, None) => return MAX_RUN,
            (Some(_) | None, Some(_)) | (Some(_), None) => break,
        }
    }
    run
}

/// The length of what both texts begin with, on a character boundary.
fn common_prefix(a: &str, b: &str) -> usize {
    const BLOCK: usize = 256;
    let (x, y) = (a.as_bytes(), b.as_bytes());
    // Whole blocks first: comparing memory is an order of magnitude faster than comparing bytes.
    let blocks = x.chunks_exact(BLOCK).zip(y.chunks_exact(BLOCK));
    let mut len = blocks.take_while(|(x, y)| x == y).count() * BLOCK;
    len += x[len..].iter().zip(&y[len..]).take_while(|(x, y)| x == y).count();
    while !a.is_char_boundary(len) || !b.is_char_boundary(len) {
        len -= 1;
    }
    len
}

/// The length of what both texts end with, on a character boundary.
fn common_suffix(a: &str, b: &str) -> usize {
    let pairs = a.bytes().rev().zip(b.bytes().rev());
    let mut len = pairs.take_while(|(x, y)| x == y).count();
    while !a.is_char_boundary(a.len() - len) || !b.is_char_boundary(b.len() - len) {
        len -= 1;
    }
    len
}

/// Returns the text that `splices` make of `before`.
///
/// They must be in order, must not overlap, and what each removes must stand there.
pub fn apply(before: &str, splices: &[Splice]) -> Result<String, SpliceError> {
    let inserted: usize = splices.iter().map(|splice| splice.insert.len()).sum();
    let mut after = String::with_capacity(before.len() + inserted);
    let mut at = 0;
    for (index, splice) in splices.iter().enumerate() {
        after.push_str(kept(before, at, splice, index)?);
        after.push_str(&splice.insert);
        at = end(splice);
    }
    after.push_str(&before[at..]);
    Ok(after)
}

/// Whether `splices` lead from `before` to `after`; builds no text.
pub(crate) fn leads_to(before: &str, splices: &[Splice], after: &str) -> bool {
    let mut rest = after;
    let mut at = 0;
    for (index, splice) in splices.iter().enumerate() {
        let Ok(kept) = kept(before, at, splice, index) else { return false };
        let after_both =
            rest.strip_prefix(kept).and_then(|rest| rest.strip_prefix(splice.insert.as_str()));
        let Some(after_both) = after_both else { return false };
        rest = after_both;
        at = end(splice);
    }
    rest == &before[at..]
}

/// What stands between `at` and the splice, when the splice may be applied.
fn kept<'t>(
    before: &'t str,
    at: usize,
    splice: &Splice,
    index: usize,
) -> Result<&'t str, SpliceError> {
    let kept = before.get(at..splice.at).ok_or(SpliceError::OutOfPlace { index })?;
    if before.get(splice.at..end(splice)) == Some(splice.remove.as_str()) {
        Ok(kept)
    } else {
        Err(SpliceError::Mismatch { index })
    }
}

/// Returns the splices that lead back from the text after to the text before.
pub fn reverse(splices: &[Splice]) -> Vec<Splice> {
    let (mut grown, mut shrunk) = (0, 0);
    let turned = splices.iter().map(|splice| {
        let at = (splice.at + grown).saturating_sub(shrunk);
        grown += splice.insert.len();
        shrunk += splice.remove.len();
        Splice { at, remove: splice.insert.clone(), insert: splice.remove.clone() }
    });
    turned.collect()
}

/// Returns what becomes of `splices` once `other` was done; both fit `base`, and what is returned fits the text after
/// `other`.
///
/// Nothing where both change the same line: which of them is meant, only their authors know. What both do alike is done
/// once. Where both insert whole lines at the same place, those of `other` come first.
pub fn rebase(base: &str, splices: &[Splice], other: &[Splice]) -> Option<Vec<Splice>> {
    let mut rebased = Vec::with_capacity(splices.len());
    let mut passed = 0;
    let (mut grown, mut shrunk) = (0, 0);
    for splice in splices {
        // What lies before this splice moves it.
        while let Some(before) = other.get(passed).filter(|before| end(before) <= splice.at) {
            grown += before.insert.len();
            shrunk += before.remove.len();
            passed += 1;
        }
        let lines = lines_of(base, splice);
        // The lines of a splice may reach back over those that were passed.
        let near = other[passed.saturating_sub(1)..].iter().take_while(|o| o.at <= lines.range.end);
        let near: Vec<&Splice> = near.collect();
        if near.contains(&splice) {
            continue;
        }
        if near.iter().any(|other| collide(&lines, &lines_of(base, other))) {
            return None;
        }
        rebased.push(Splice { at: (splice.at + grown).saturating_sub(shrunk), ..splice.clone() });
    }
    Some(rebased)
}

/// The lines that a splice changes: none, at a place between two lines, for one that only inserts.
struct Lines {
    range: Range<usize>,
    /// Where it inserts, if it removes nothing.
    inserts_at: Option<usize>,
    /// Whether what is inserted is lines too, so that another such insertion can stand beside it.
    whole: bool,
}

fn lines_of(base: &str, splice: &Splice) -> Lines {
    let is_line_start = |at: usize| at == 0 || base.as_bytes().get(at - 1) == Some(&b'\n');
    let inserts_lines = splice.insert.is_empty() || splice.insert.ends_with('\n');
    let (start, end) = (splice.at.min(base.len()), end(splice).min(base.len()));
    let inserts_at = splice.remove.is_empty().then_some(start);
    if inserts_lines && is_line_start(start) && is_line_start(end) {
        return Lines { range: start..end, inserts_at, whole: inserts_lines };
    }
    let start = base[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let end = base[end..].find('\n').map_or(base.len(), |newline| end + newline + 1);
    Lines { range: start..end, inserts_at, whole: false }
}

fn collide(a: &Lines, b: &Lines) -> bool {
    let (x, y) = (&a.range, &b.range);
    if a.inserts_at.is_some() && a.inserts_at == b.inserts_at {
        return !(a.whole && b.whole);
    }
    match (x.is_empty(), y.is_empty()) {
        (true, true) => false,
        (true, false) => y.start < x.start && x.start < y.end,
        (false, true) => x.start < y.start && y.start < x.end,
        (false, false) => x.start < y.end && y.start < x.end,
    }
}

/// A list of splices that does not fit a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpliceError {
    /// A splice overlaps the one before it or begins outside the text.
    #[error("splice {index} is out of place")]
    OutOfPlace {
        /// Which splice, from 0.
        index: usize,
    },
    /// What a splice removes is not what stands in the text.
    #[error("splice {index} removes a text that is not there")]
    Mismatch {
        /// Which splice, from 0.
        index: usize,
    },
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn splice(at: usize, remove: &str, insert: &str) -> Splice {
        Splice { at, remove: remove.to_owned(), insert: insert.to_owned() }
    }

    #[test]
    fn equal_texts_need_no_splice() {
        assert_eq!(diff("a\nb\n", "a\nb\n"), []);
        assert_eq!(diff("", ""), []);
    }

    #[test]
    fn places_far_from_each_other_become_splices_of_their_own() {
        let middle: String = (0..100_u32).map(|n| n.to_string() + ": line\n").collect();
        let before = format!("updated: 1\n{middle}status: pending\n{middle}");
        let after = format!("updated: 2\n{middle}status: completed\n{middle}## Phase 1\n");
        assert_eq!(
            diff(&before, &after),
            [
                splice(9, "1", "2"),
                splice(11 + middle.len() + 8, "pending", "completed"),
                splice(before.len(), "", "## Phase 1\n"),
            ]
        );
    }

    #[test]
    fn a_splice_never_cuts_a_character() {
        // These two characters share their first byte.
        assert_eq!(diff("é", "è"), [splice(0, "é", "è")]);
        assert_eq!(diff("aéb", "aèb"), [splice(1, "é", "è")]);
    }

    #[test]
    fn splices_that_do_not_fit_are_refused() {
        let refused = |splices: &[Splice]| apply("abcé", splices).unwrap_err();
        assert_eq!(refused(&[splice(9, "", "x")]), SpliceError::OutOfPlace { index: 0 });
        assert_eq!(refused(&[splice(4, "", "x")]), SpliceError::OutOfPlace { index: 0 });
        assert_eq!(refused(&[splice(0, "b", "x")]), SpliceError::Mismatch { index: 0 });
        assert_eq!(refused(&[splice(usize::MAX, "b", "")]), SpliceError::OutOfPlace { index: 0 });
        let overlapping = [splice(0, "ab", "x"), splice(1, "b", "y")];
        assert_eq!(refused(&overlapping), SpliceError::OutOfPlace { index: 1 });
        assert!(!leads_to("abcé", &overlapping, "xy"));
    }

    #[test]
    fn changes_of_different_lines_go_together() {
        let base = "a: 1\nb: 2\nc: 3\n";
        let ours = [splice(13, "3", "4")];
        let theirs = [splice(5, "", "x: 9\n"), splice(15, "", "end\n")];
        let rebased = rebase(base, &ours, &theirs).unwrap();
        let theirs = apply(base, &theirs).unwrap();
        assert_eq!(apply(&theirs, &rebased).unwrap(), "a: 1\nx: 9\nb: 2\nc: 4\nend\n");
    }

    #[test]
    fn changes_of_one_line_collide() {
        let base = "a: 1\nb: 2\n";
        for (ours, theirs) in [
            ("a: 2\nb: 2\n", "a: 3\nb: 2\n"),
            // Neither touches what the other does, but both the line.
            ("a: 11\nb: 2\n", "aa: 1\nb: 2\n"),
            ("b: 2\n", "a: 3\nb: 2\n"),
            ("a: 3\nb: 2\n", "b: 2\n"),
            ("a: 1\nb: 2\nend", "a: 1\nb: 2\nend\n"),
        ] {
            let (ours, theirs) = (diff(base, ours), diff(base, theirs));
            assert_eq!(rebase(base, &ours, &theirs), None, "{ours:?} {theirs:?}");
        }
    }

    #[test]
    fn whole_lines_at_one_place_follow_each_other() {
        let base = "a\nz\n";
        let rebased =
            rebase(base, &diff(base, "a\nours\nz\n"), &diff(base, "a\ntheirs\nz\n")).unwrap();
        assert_eq!(apply("a\ntheirs\nz\n", &rebased).unwrap(), "a\ntheirs\nours\nz\n");
    }

    #[test]
    fn what_both_did_is_done_once() {
        let (base, after) = ("a\nb\n", "a\nnew\nc\n");
        let splices = diff(base, after);
        assert_eq!(rebase(base, &splices, &splices), Some(Vec::new()));
    }

    /// Texts of few different lines, so that they have much in common and many false friends.
    fn arb_text() -> impl Strategy<Value = String> {
        let line = prop_oneof![
            Just("errors: []\n".to_owned()),
            Just("status: x\r\n".to_owned()),
            Just("é\n".to_owned()),
            Just("è".to_owned()),
            "[ab\\n]{0,3}",
        ];
        vec(line, 0..60).prop_map(|lines| lines.concat())
    }

    proptest! {
        #[test]
        fn applying_the_difference_gives_the_text_after(before in arb_text(), after in arb_text()) {
            let splices = diff(&before, &after);
            prop_assert_eq!(apply(&before, &splices), Ok(after.clone()));
            prop_assert!(leads_to(&before, &splices, &after));
        }

        #[test]
        fn the_reverse_leads_back(before in arb_text(), after in arb_text()) {
            let back = reverse(&diff(&before, &after));
            prop_assert_eq!(apply(&after, &back), Ok(before));
        }

        #[test]
        fn rebased_splices_fit(base in arb_text(), ours in arb_text(), theirs in arb_text()) {
            let (to_ours, to_theirs) = (diff(&base, &ours), diff(&base, &theirs));
            if let Some(rebased) = rebase(&base, &to_ours, &to_theirs) {
                let both = apply(&theirs, &rebased).unwrap();
                // Whoever came first, the same lines are there.
                let back = rebase(&base, &to_theirs, &to_ours).unwrap();
                let mut lines: Vec<&str> = both.split_inclusive('\n').collect();
                let other = apply(&ours, &back).unwrap();
                let mut others: Vec<&str> = other.split_inclusive('\n').collect();
                lines.sort_unstable();
                others.sort_unstable();
                prop_assert_eq!(lines, others);
            }
        }

        #[test]
        fn nothing_changes_where_the_other_does_nothing(base in arb_text(), ours in arb_text()) {
            let splices = diff(&base, &ours);
            prop_assert_eq!(rebase(&base, &splices, &[]), Some(splices.clone()));
            prop_assert_eq!(rebase(&base, &[], &splices), Some(Vec::new()));
        }

        #[test]
        fn splices_lead_to_no_other_text(before in arb_text(), after in arb_text(), other in arb_text()) {
            let splices = diff(&before, &after);
            prop_assert_eq!(leads_to(&before, &splices, &other), other == after);
        }
    }
}
