//! Splitting a piece of text at signs that stand in the open.
//!
//! Owns what code spans and brackets hide: a comma in `` `f(a, b)` `` separates nothing.

use std::collections::BTreeMap;

/// Splits `text` into at most `limit` pieces where `sign` finds one outside code spans and brackets.
///
/// `sign` is given the rest of the text and returns how long the sign at its start is. Quotation marks, ticks and
/// brackets without a counterpart hide nothing.
pub(crate) fn top_level(
    text: &str,
    limit: usize,
    sign: impl Fn(&str) -> Option<usize>,
) -> Vec<&str> {
    let hidden = hidden(text);
    let mut pieces = Vec::new();
    let mut start = 0;
    for (at, _) in text.char_indices() {
        if pieces.len() + 1 >= limit {
            break;
        }
        if at < start || hidden[at] {
            continue;
        }
        if let Some(length) = sign(&text[at..]) {
            pieces.push(&text[start..at]);
            start = at + length;
        }
    }
    pieces.push(&text[start..]);
    pieces
}

/// Tells for each byte whether a code span or brackets hide it.
fn hidden(text: &str) -> Vec<bool> {
    let spans = code_spans(text);
    let mut opened: Vec<(u8, usize)> = Vec::new();
    let mut changes = vec![0_isize; text.len() + 1];
    let mut spans_left = spans.iter().peekable();
    let mut at = 0;
    while let Some(&byte) = text.as_bytes().get(at) {
        if let Some(span) = spans_left.next_if(|span| span.0 == at) {
            changes[span.0] += 1;
            changes[span.1] -= 1;
            at = span.1;
            continue;
        }
        match byte {
            b'(' | b'[' | b'{' => opened.push((byte, at)),
            b')' | b']' | b'}' => {
                let counterpart = match byte {
                    b')' => b'(',
                    b']' => b'[',
                    _ => b'{',
                };
                if let Some((_, start)) = opened.pop_if(|open| open.0 == counterpart) {
                    changes[start] += 1;
                    changes[at + 1] -= 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    let mut depth = 0;
    let depths = changes[..text.len()].iter().map(|change| {
        depth += change;
        depth > 0
    });
    depths.collect()
}

/// Returns where code spans start and end, with their ticks.
fn code_spans(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut runs = Vec::new();
    let mut last_of_width = BTreeMap::new();
    let mut at = 0;
    while at < bytes.len() {
        let width = bytes[at..].iter().take_while(|b| **b == b'`').count();
        if width > 0 {
            last_of_width.insert(width, runs.len());
            runs.push((at, width));
        }
        at += width.max(1);
    }
    let mut spans = Vec::new();
    let mut run = 0;
    while let Some(&(start, width)) = runs.get(run) {
        // Only a run that is closed further on is followed to its end, so each run is looked at twice at most.
        if last_of_width.get(&width).is_some_and(|last| *last > run) {
            let closing = runs[run + 1..].iter().position(|(_, other)| *other == width);
            run += closing.map_or(0, |steps| steps + 1);
            spans.push((start, runs[run].0 + width));
        }
        run += 1;
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        top_level(text, usize::MAX, |rest| rest.starts_with(',').then_some(1))
    }

    #[test]
    fn code_and_brackets_hide_signs() {
        assert_eq!(split("a,`b,c`,(d,[e,f]),g"), ["a", "`b,c`", "(d,[e,f])", "g"]);
        assert_eq!(split("``a`,b``,c"), ["``a`,b``", "c"]);
        assert_eq!(split("é,`ü,`,"), ["é", "`ü,`", ""]);
        assert_eq!(top_level("a,b,c", 2, |rest| rest.starts_with(',').then_some(1)), ["a", "b,c"]);
    }

    #[test]
    fn what_is_not_closed_hides_nothing() {
        assert_eq!(split("(a,`b,[c"), ["(a", "`b", "[c"]);
        assert_eq!(split("a),b]"), ["a)", "b]"]);
        assert_eq!(split("(a,b]"), ["(a", "b]"]);
    }

    #[test]
    fn a_megabyte_of_signs_is_split_in_one_pass() {
        for unit in ["(", "[", "`", "` ", "()", "(]", ",", "(,)`,`"] {
            let text = unit.repeat(1_000_000 / unit.len());
            assert!(!split(&text).is_empty());
        }
        let growing: String =
            (1..1400).flat_map(|width| ["`".repeat(width), ",".to_owned()]).collect();
        assert_eq!(split(&growing).len(), 1400);
    }
}
