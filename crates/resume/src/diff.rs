//! How one text becomes another, for people.

use similar::TextDiff;

/// The most lines of a difference that are shown.
pub const MAX_DIFF_LINES: usize = 200;

/// The longest line of a difference that is shown whole, in bytes.
const MAX_LINE_BYTES: usize = 1_000;

/// The longest text that is compared line by line, in bytes.
const MAX_COMPARED_BYTES: usize = 1024 * 1024;

/// How many lines there may be between the first and the last that differ, of both texts together. Finding the lines that
/// are the same among them can take as many steps as the square of that: a part of a second.
const MAX_COMPARED_LINES: usize = 10_000;

/// Returns the unified difference of two texts of the document `path`, with three lines around each change.
///
/// It has at most [`MAX_DIFF_LINES`] lines, each of limited length; what was left out is said at the end of the line, or in a
/// last one.
pub(crate) fn unified_diff(path: &str, then: &str, now: &str) -> String {
    let header = (format!("{path} (when the session was created)"), format!("{path} (now)"));
    if MAX_COMPARED_BYTES < then.len().max(now.len()) {
        let (then, now) = (then.len(), now.len());
        return format!(
            "--- {}\n+++ {}\n… too large to compare line by line: {then} bytes then, {now} now\n",
            header.0, header.1
        );
    }
    let then: Vec<&str> = then.split_inclusive('\n').collect();
    let now: Vec<&str> = now.split_inclusive('\n').collect();
    if let Some(extent) = too_many_lines(&then, &now) {
        return format!("--- {}\n+++ {}\n{extent}", header.0, header.1);
    }
    let diff = TextDiff::configure().newline_terminated(true).diff_slices(&then, &now);
    let whole = diff.unified_diff().context_radius(3).header(&header.0, &header.1).to_string();
    let mut shown = String::new();
    let mut lines = whole.lines();
    for line in lines.by_ref().take(MAX_DIFF_LINES) {
        let end = line.floor_char_boundary(MAX_LINE_BYTES);
        shown.push_str(&line[..end]);
        if end < line.len() {
            shown.push_str(&format!("… ({} more bytes)", line.len() - end));
        }
        shown.push('\n');
    }
    let left_out = lines.count();
    if left_out > 0 {
        let lines = if left_out == 1 { "line" } else { "lines" };
        shown.push_str(&format!("… {left_out} more {lines} of this difference\n"));
    }
    shown
}

/// Says where two texts differ if that are too many lines to be compared with each other; nothing if they are not.
fn too_many_lines(then: &[&str], now: &[&str]) -> Option<String> {
    let same = |(a, b): &(&&str, &&str)| a == b;
    let before = then.iter().zip(now).take_while(same).count();
    let (then_left, now_left) = (&then[before..], &now[before..]);
    let after = then_left.iter().rev().zip(now_left.iter().rev()).take_while(same).count();
    let (then_left, now_left) = (then_left.len() - after, now_left.len() - after);
    // Where one text only has more, there is nothing to be searched.
    if then_left == 0 || now_left == 0 || then_left + now_left <= MAX_COMPARED_LINES {
        return None;
    }
    let lines = |count: usize| match count {
        1 => format!("line {}", before + 1),
        count => format!("lines {} to {}", before + 1, before + count),
    };
    Some(format!(
        "… too many lines differ to compare each: {} then, {} now\n",
        lines(then_left),
        lines(now_left)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_change_is_shown_with_what_is_around_it() {
        let then = "# Plan\n\none\ntwo\nthree\nfour\nfive\n";
        let diff = unified_diff("plan.md", then, &then.replace("four", "4"));
        insta::assert_snapshot!(diff, @r"
        --- plan.md (when the session was created)
        +++ plan.md (now)
        @@ -3,5 +3,5 @@
         one
         two
         three
        -four
        +4
         five
        ");
    }

    #[test]
    fn of_a_large_change_is_said_how_much_was_left_out() {
        let then = "line\n".repeat(1_000);
        let diff = unified_diff("plan.md", &then, "nothing\n");
        assert_eq!(diff.lines().count(), MAX_DIFF_LINES + 1);
        assert_eq!(diff.lines().last(), Some("… 804 more lines of this difference"));
        let long = "ä".repeat(MAX_LINE_BYTES);
        let diff = unified_diff("plan.md", "", &long);
        assert!(diff.lines().all(|line| line.len() < MAX_LINE_BYTES + 40), "{diff}");
        assert!(diff.contains("more bytes)"));
    }

    #[test]
    fn texts_that_are_too_large_are_not_compared() {
        let diff = unified_diff("plan.md", &"x\n".repeat(MAX_COMPARED_BYTES), "");
        assert!(diff.ends_with("too large to compare line by line: 2097152 bytes then, 0 now\n"));
    }

    #[test]
    fn of_too_many_lines_that_differ_is_said_only_where_they_are() {
        let line = |n: usize| format!("{:07}\n", n * 7);
        let plan: String = (0..31_500).map(line).collect();
        assert_eq!(plan.len(), 252_000);
        let diff = unified_diff("plan.md", &plan, &"x\n".repeat(130_000));
        insta::assert_snapshot!(diff, @"
        --- plan.md (when the session was created)
        +++ plan.md (now)
        … too many lines differ to compare each: lines 1 to 31500 then, lines 1 to 130000 now
        ");
        // What is the same before and after them does not count, and what is only more is shown.
        let edited = plan.replacen(&line(9), "ten\n", 1);
        assert!(unified_diff("plan.md", &plan, &edited).contains("-0000063\n+ten\n"));
        let longer = format!("{plan}{}", "x\n".repeat(20_000));
        assert!(unified_diff("plan.md", &plan, &longer).contains("\n+x\n+x\n"));
        let other_ends = plan.replace('\n', "\r\n");
        assert!(unified_diff("plan.md", &plan, &other_ends).contains("too many lines"));
        let ends = edited.replacen(&line(30_000), "end\n", 1);
        let diff = unified_diff("plan.md", &plan, &ends);
        assert!(diff.ends_with("each: lines 10 to 30001 then, lines 10 to 30001 now\n"), "{diff}");
    }
}
