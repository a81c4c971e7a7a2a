//! How one text becomes another, for people.

use similar::TextDiff;

/// The most lines of a difference that are shown.
pub const MAX_DIFF_LINES: usize = 200;

/// The longest line of a difference that is shown whole, in bytes.
const MAX_LINE_BYTES: usize = 1_000;

/// The longest text that is compared line by line, in bytes: finding the lines that are the same can take as long as the
/// product of both lengths.
const MAX_COMPARED_BYTES: usize = 1024 * 1024;

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
    let diff = TextDiff::from_lines(then, now);
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
}
