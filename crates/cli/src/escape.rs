//! Makes text from files safe to show on a terminal.

/// Returns `text` with everything escaped that could move a cursor, change a colour, reorder what is read, or start a new
/// line.
///
/// A session file is written by models, and what they write must not be able to forge what we print.
pub(crate) fn escape(text: &str) -> String {
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

/// Control characters, line and paragraph separators, and the characters that override the direction of text.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn nothing_that_controls_a_terminal_is_left() {
        let text = "a\u{1b}[31mred\u{7}\r\n\tb\u{9b}2J\u{202e}c";
        assert_eq!(escape(text), r"a\u{1b}[31mred\u{7}\r\n\tb\u{9b}2J\u{202e}c");
    }

    #[test]
    fn ordinary_text_stays_as_it_is() {
        let text = r"Grüße, 世界 – C:\dir “quoted” 'x' 🎉";
        assert_eq!(escape(text), text);
    }
}
