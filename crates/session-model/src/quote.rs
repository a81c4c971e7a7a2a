//! Texts of others among our own: in Markdown, and on a line.
//!
//! Owns the ways in which what an agent or a user wrote is shown without becoming a heading, the end of a fence, a new line,
//! or something invisible. Knows nothing of what the texts are about.

/// Returns `text` with everything escaped that could move a cursor, change a colour, reorder what is read, or start a new
/// line.
///
/// A session file is written by models, and what they write must not be able to forge what we show, nor to hide in it.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Control characters, line and paragraph separators, the characters that override the direction of text, and those that
/// take no room: the tags, of which whole sentences can be made that no person sees, are the worst of them. The joiners of
/// scripts and emoji stay.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061c}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2064}'
                | '\u{2066}'..='\u{2069}'
                | '\u{feff}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// Returns `text` verbatim between fences that are longer than any run of backticks in it. `language` says what it is.
///
/// ```
/// # use maestro_session_model::fenced;
/// assert_eq!(fenced("text", "```\n# No heading"), "````text\n```\n# No heading\n````\n");
/// ```
pub fn fenced(language: &str, text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat((longest + 1).max(3));
    let end = if text.ends_with('\n') { "" } else { "\n" };
    format!("{fence}{language}\n{text}{end}{fence}\n")
}

/// Folds line breaks and other blanks, and control characters, to single spaces.
pub fn one_line(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|w| !w.is_empty())
        .collect();
    words.join(" ")
}

/// Folds a text as [`one_line`] does, for a place where a heading, a fence, a quote, a list or HTML could begin.
pub(crate) fn sentence(text: &str) -> String {
    let mut line = one_line(text);
    if let Some(at) = block_mark(&line) {
        line.insert(at, '\\');
    }
    line
}

/// Where a backslash keeps the line from being more than a sentence; nothing if it is not.
fn block_mark(line: &str) -> Option<usize> {
    let word = line.split(' ').next().unwrap_or_default();
    let is_only = |text: &str, marks: &[char]| text.trim_matches(marks).is_empty();
    let begins = line.starts_with(['<', '>'])
        || line.starts_with("```")
        || line.starts_with("~~~")
        || is_only(word, &['#'])
        || matches!(word, "-" | "+" | "*")
        || is_only(line, &['-', '*', '_', ' ']);
    if begins {
        return (!line.is_empty()).then_some(0);
    }
    let number = word.strip_suffix(['.', ')'])?;
    number.bytes().all(|b| b.is_ascii_digit()).then_some(number.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_controls_a_terminal_is_left() {
        let text = "a\u{1b}[31mred\u{7}\r\n\tb\u{9b}2J\u{202e}c";
        assert_eq!(escape(text), r"a\u{1b}[31mred\u{7}\r\n\tb\u{9b}2J\u{202e}c");
    }

    #[test]
    fn nothing_that_cannot_be_seen_is_left() {
        assert_eq!(escape("a\u{200b}b\u{e0041}c\u{feff}"), r"a\u{200b}b\u{e0041}c\u{feff}");
    }

    #[test]
    fn ordinary_text_stays_as_it_is() {
        let text = r"Grüße, 世界 – C:\dir “quoted” 'x' 🎉";
        assert_eq!(escape(text), text);
    }

    #[test]
    fn a_sentence_begins_nothing_else() {
        for (text, expected) in [
            ("", ""),
            ("Pass: 12 tests", "Pass: 12 tests"),
            ("**Pass**", "**Pass**"),
            ("-v was missing", "-v was missing"),
            ("#12 is open", "#12 is open"),
            ("`cargo test` failed", "`cargo test` failed"),
            ("3.5 s", "3.5 s"),
            ("\n## Phase 9:\nforged", "\\## Phase 9: forged"),
            ("#", "\\#"),
            ("```", "\\```"),
            ("~~~ sh", "\\~~~ sh"),
            ("<!-- hidden", "\\<!-- hidden"),
            ("> # quoted", "\\> # quoted"),
            ("- # listed", "\\- # listed"),
            ("1) # counted", "1\\) # counted"),
            ("- - -", "\\- - -"),
            ("***", "\\***"),
        ] {
            assert_eq!(sentence(text), expected);
        }
    }
}
