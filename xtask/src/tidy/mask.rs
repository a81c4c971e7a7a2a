//! Rust source without what is not code.
//!
//! The rules about constructs and names must not trip over a comment that explains them or a test's string that breaks
//! them. This is a scanner for comments and literals, not a parser; it never fails.

/// Returns `source` with comments blanked and the inside of literals replaced by `~`.
///
/// Lines stay lines: what is found in the result is on the same line of the source.
///
/// ```
/// use xtask::tidy::mask::mask;
///
/// assert_eq!(mask("f(\"a\") // b"), "f(~~~)     ");
/// ```
pub fn mask(source: &str) -> String {
    let mut masked = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let (length, filler) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), Some(' '))
        } else if rest.starts_with("/*") {
            (block_comment(rest), Some(' '))
        } else if first == '"' {
            (string(rest), Some('~'))
        } else if first == '\'' {
            char_literal(rest).map_or((1, None), |length| (length, Some('~')))
        } else if is_word(first) {
            let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            match raw_string(&rest[word..]) {
                Some(length) if matches!(&rest[..word], "r" | "br" | "cr") => {
                    (word + length, Some('~'))
                }
                _ => (word, None),
            }
        } else {
            (first.len_utf8(), None)
        };
        let (piece, after) = rest.split_at(length);
        match filler {
            Some(filler) => {
                masked.extend(piece.chars().map(|c| if c == '\n' { c } else { filler }));
            }
            None => masked.push_str(piece),
        }
        rest = after;
    }
    masked
}

/// Whether `c` can be part of an identifier.
pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of the comment that `text` begins with. Block comments nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(next) = text[at..].find("/*").into_iter().chain(text[at..].find("*/")).min() {
        at += next;
        depth = if text[at..].starts_with("/*") { depth + 1 } else { depth.saturating_sub(1) };
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// The length of the string literal that `text` begins with.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (index, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return index + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of the hashes, quotes and content of a raw string whose `r` stands before `text`.
fn raw_string(text: &str) -> Option<usize> {
    let hashes = text.len() - text.trim_start_matches('#').len();
    let content = text[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = content.find(&end).map_or(content.len(), |at| at + end.len());
    Some(hashes + 1 + length)
}

/// The length of the character literal that `text` begins with; nothing if it is a lifetime.
fn char_literal(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().skip(1);
    match chars.next()?.1 {
        '\\' => {
            // The escaped character may be the quote itself.
            chars.next()?;
            chars.find(|(_, c)| *c == '\'').map(|(index, _)| index + 1)
        }
        _ => chars.next().filter(|(_, c)| *c == '\'').map(|(index, _)| index + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_go_and_code_stays() {
        assert_eq!(mask("a /* b /* c */ d\n*/ e // f\ng"), "a               \n   e     \ng");
        assert_eq!(mask("a / b * c"), "a / b * c");
        assert_eq!(mask("x /* never closed"), "x                ");
    }

    #[test]
    fn the_inside_of_every_kind_of_string_goes() {
        for (source, code) in [
            (r#"f("a // \" b")"#, "f(~~~~~~~~~~~)"),
            (r##"f(r#"a " b"#, c)"##, "f(~~~~~~~~~~, c)"),
            (r#"f(br"\", c)"#, "f(~~~~~, c)"),
            (r#"f(b"a", c"b")"#, "f(b~~~, c~~~)"),
            ("f(\"a\nb\")", "f(~~\n~~)"),
            ("f(\"open", "f(~~~~~"),
        ] {
            assert_eq!(mask(source), code, "{source}");
        }
    }

    #[test]
    fn a_lifetime_is_not_a_character() {
        assert_eq!(
            mask("fn f<'a>(x: &'a str, y: char) { y == 'a' || y == '\\'' }"),
            "fn f<'a>(x: &'a str, y: char) { y == ~~~ || y == ~~~~ }"
        );
        assert_eq!(mask(r"'\u{1F600}' 'é' b'x' 'outer: loop"), "~~~~~~~~~~~ ~~~ b~~~ 'outer: loop");
    }

    #[test]
    fn a_raw_identifier_is_code() {
        assert_eq!(mask("r#type = for_r#\"x\""), "r#type = for_r#~~~");
    }
}
