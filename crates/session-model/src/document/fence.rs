//! Finds the front matter and the body of a document, byte for byte.
//!
//! Knows fences, line ends and the byte order mark; knows nothing of what is between the fences.

use std::ops::Range;

use super::DocumentError;

/// Where the parts of a document are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fences {
    /// The front matter, without its fences, with its last line end.
    pub(super) front: Range<usize>,
    /// Where the body begins: after the closing fence and its line end.
    pub(super) body: usize,
    /// How the front matter ends its lines.
    pub(super) newline: &'static str,
}

/// Splits `text` at its fences.
///
/// The first line (after a byte order mark) must be `---`, the front matter ends at the next line that is `---`;
/// blanks after either are tolerated.
pub(super) fn split(text: &str) -> Result<Fences, DocumentError> {
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    if text[start..].trim().is_empty() {
        return Err(DocumentError::Empty);
    }
    let mut lines = text[start..].split_inclusive('\n');
    let opening = lines.next().unwrap_or_default();
    if !is_fence(opening) {
        return Err(DocumentError::NoFrontMatter);
    }
    let newline = if opening.ends_with("\r\n") { "\r\n" } else { "\n" };
    let front_start = start + opening.len();
    let mut at = front_start;
    for line in lines {
        if is_fence(line) {
            return Ok(Fences { front: front_start..at, body: at + line.len(), newline });
        }
        at += line.len();
    }
    Err(DocumentError::Unterminated { lines: text.lines().count() })
}

fn is_fence(line: &str) -> bool {
    line.strip_prefix("---")
        .is_some_and(|rest| rest.trim_matches([' ', '\t', '\r', '\n']).is_empty())
}

#[cfg(test)]
mod tests {
    use gray_matter::engine::Engine;
    use gray_matter::{Matter, Pod};
    use proptest::prelude::*;

    use super::*;

    fn parts(text: &str) -> (&str, &str) {
        let fences = split(text).unwrap();
        (&text[fences.front], &text[fences.body..])
    }

    #[test]
    fn the_parts_keep_every_byte() {
        assert_eq!(parts("---\na: 1\n---\nbody\n"), ("a: 1\n", "body\n"));
        assert_eq!(parts("---\na: 1\n---"), ("a: 1\n", ""));
        assert_eq!(parts("\u{feff}--- \r\na: 1\r\n---\t\r\n\r\nx"), ("a: 1\r\n", "\r\nx"));
        assert_eq!(parts("---\n---\n\n---\nb: 2\n---\n"), ("", "\n---\nb: 2\n---\n"));
        assert_eq!(parts("---\na: |\n  ---\n----\n---\n"), ("a: |\n  ---\n----\n", ""));
    }

    #[test]
    fn a_document_without_both_fences_is_refused() {
        assert!(matches!(split(""), Err(DocumentError::Empty)));
        assert!(matches!(split("\u{feff} \n"), Err(DocumentError::Empty)));
        assert!(matches!(split("# Title\n"), Err(DocumentError::NoFrontMatter)));
        assert!(matches!(split("\n---\na: 1\n---\n"), Err(DocumentError::NoFrontMatter)));
        assert!(matches!(split("---\na: 1\n"), Err(DocumentError::Unterminated { lines: 2 })));
        assert!(matches!(split("---\na: 1\n...\n"), Err(DocumentError::Unterminated { lines: 3 })));
    }

    /// Hands the front matter on as it stands.
    struct Verbatim;

    impl Engine for Verbatim {
        fn parse(content: &str) -> gray_matter::Result<Pod> {
            Ok(Pod::String(content.to_owned()))
        }
    }

    proptest! {
        /// A splitter that others wrote finds the same front matter wherever it finds one at all.
        #[test]
        fn the_front_matter_is_the_one_that_gray_matter_finds(
            front in "([a-z]: [a-z0-9 -]{0,8}\n){1,6}",
            body in "([a-z# -]{0,8}\n){0,6}",
        ) {
            let text = format!("---\n{front}---\n{body}");
            let theirs = Matter::<Verbatim>::new().parse::<String>(&text).unwrap();
            prop_assert_eq!(theirs.matter, parts(&text).0.trim());
        }
    }
}
