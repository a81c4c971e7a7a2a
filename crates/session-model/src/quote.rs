//! Texts of others among our own: in Markdown, and on a line.
//!
//! Owns the ways in which what an agent or a user wrote is shown without becoming a heading, the end of a fence, a new line,
//! or something invisible. Knows nothing of what the texts are about.

use std::ops::RangeInclusive;

/// Returns `text` with everything escaped that could move a cursor, change a colour, reorder what is read, start a new
/// line, or not be seen at all.
///
/// A session file is written by models, and what they write must not be able to forge what we show, nor to hide in it.
///
/// ```
/// # use maestro_session_model::escape;
/// assert_eq!(escape("red\u{1b}[31m, \u{200b}hidden"), r"red\u{1b}[31m, \u{200b}hidden");
/// assert_eq!(escape("Grüße 👩\u{200d}🚀"), "Grüße 👩\u{200d}🚀");
/// ```
pub fn escape(text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut escaped = String::with_capacity(text.len());
    for (c, is_escaped) in escapes(text) {
        if is_escaped {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Returns the characters of `text`, each with whether [`escape`] escapes it. That can depend on what stands before it.
pub fn escapes(text: &str) -> impl Iterator<Item = (char, bool)> {
    text.chars().scan(None, |before, c| {
        let is_escaped = match c {
            ZWNJ | ZWJ => !before.is_some_and(can_be_joined),
            TEXT_STYLE | EMOJI_STYLE => !before.is_some_and(can_be_styled),
            c => c.is_control() || is_hidden(c),
        };
        *before = (!is_escaped).then_some(c);
        Some((c, is_escaped))
    })
}

const ZWNJ: char = '\u{200c}';
const ZWJ: char = '\u{200d}';
/// Variation selector 15: the character before it is text.
const TEXT_STYLE: char = '\u{fe0e}';
/// Variation selector 16: the character before it is an emoji.
const EMOJI_STYLE: char = '\u{fe0f}';

/// The characters that cannot be seen: `Default_Ignorable_Code_Point`, and the general categories Cf, Zl and Zp, of
/// Unicode 16.0. Only the numerals and marks of Cf that are drawn around others (`Prepended_Concatenation_Mark`) are missing.
///
/// Each of them can carry what no person reads; of the tags and of the variation selectors whole sentences can be made. The
/// joiners and the styles of emoji are among them, but stay where they do their work.
const HIDDEN: [RangeInclusive<char>; 18] = [
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{61c}'..='\u{61c}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{3164}'..='\u{3164}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fffb}',
    '\u{13430}'..='\u{1343f}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{e0fff}',
];

fn is_hidden(c: char) -> bool {
    let at = HIDDEN.partition_point(|range| *range.end() < c);
    HIDDEN.get(at).is_some_and(|range| range.contains(&c))
}

/// Whether a joiner can stand behind a character: Persian words, Indic syllables and emoji are made with them. One at a time,
/// so that nothing can be written in runs of them, and never in ASCII, where they do nothing but make two names look the same.
fn can_be_joined(before: char) -> bool {
    !before.is_ascii() && !before.is_whitespace() && !matches!(before, ZWNJ | ZWJ)
}

/// Whether a character can be told to be text or an emoji.
fn can_be_styled(before: char) -> bool {
    let is_keycap = matches!(before, '0'..='9' | '#' | '*');
    let is_style = matches!(before, TEXT_STYLE | EMOJI_STYLE);
    is_keycap || (can_be_joined(before) && !is_style)
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_that_controls_a_terminal_is_left() {
        let text = "a\u{1b}[31mred\u{7}\r\n\tb\u{9b}2J\u{202e}c";
        assert_eq!(escape(text), r"a\u{1b}[31mred\u{7}\r\n\tb\u{9b}2J\u{202e}c");
    }

    #[test]
    fn nothing_that_cannot_be_seen_is_left() {
        assert_eq!(escape("a\u{200b}b\u{e0041}c\u{feff}"), r"a\u{200b}b\u{e0041}c\u{feff}");
        for c in [
            '\u{ad}',
            '\u{34f}',
            '\u{115f}',
            '\u{180e}',
            '\u{206a}',
            '\u{3164}',
            '\u{ffa0}',
            '\u{fff9}',
            '\u{e0100}',
        ] {
            assert_eq!(escape(&format!("世{c}b")), format!("世{}b", c.escape_default()));
        }
    }

    #[test]
    fn ordinary_text_stays_as_it_is() {
        for text in [
            r"Grüße, 世界 – C:\dir “quoted” 'x' 🎉",
            // Persian, with a non-joiner in the word; Bengali and Sinhala, with joiners.
            "می\u{200c}خواهم",
            "র\u{200d}্যাব",
            "ශ්\u{200d}රී",
            // A family, a heart on fire, a keycap, a heart of text, a skin tone, a flag.
            "👩\u{200d}👩\u{200d}👧 ❤\u{fe0f}\u{200d}🔥 1\u{fe0f}\u{20e3} ❤\u{fe0e} 👍🏽 🇫🇷",
            // A number sign of Arabic, which is drawn.
            "\u{600}١٢",
        ] {
            assert_eq!(escape(text), text);
        }
    }

    #[test]
    fn nothing_is_written_in_joiners_and_styles() {
        for (text, expected) in [
            ("a\u{200d}b", r"a\u{200d}b"),
            ("\u{200c}می", "\\u{200c}می"),
            ("🎉\u{200d}\u{200c}\u{200d}", "🎉\u{200d}\\u{200c}\\u{200d}"),
            ("🎉\u{fe0f}\u{fe0e}", "🎉\u{fe0f}\\u{fe0e}"),
            ("🎉\u{200d}\u{fe0f}", "🎉\u{200d}\\u{fe0f}"),
            ("a\u{fe0f}", r"a\u{fe0f}"),
            ("\u{3000}\u{200d}", "\u{3000}\\u{200d}"),
        ] {
            assert_eq!(escape(text), expected);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1_024, ..ProptestConfig::default() })]

        /// The table is that of Unicode, as the regular expressions of the test know it.
        #[test]
        fn whatever_unicode_calls_hidden_is_escaped(
            low in r"[[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}\p{Zl}\p{Zp}]--\p{Prepended_Concatenation_Mark}&&[\x00-\x{ffff}]]",
            high in r"[[\p{Default_Ignorable_Code_Point}\p{Cf}]--\p{Prepended_Concatenation_Mark}&&[\x{10000}-\x{10ffff}]]",
        ) {
            let escaped = escape(&format!("a{low}b{high}"));
            prop_assert!(escaped.is_ascii(), "{}", escaped);
        }

        #[test]
        fn whatever_can_be_seen_stays(
            text in r"[[\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}]--\p{Default_Ignorable_Code_Point}]{0,40}",
        ) {
            prop_assert_eq!(escape(&text), text);
        }
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
