//! The files that a piece of text names, and the ways to say that there are none.
//!
//! Owns how a path is told from the words around it. Does not judge the path: whether it lies in the workspace is for
//! [`RelPath`](crate::RelPath).

use super::top_level::top_level;

/// What a piece of text is expected to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// A file, or several, each perhaps with a note.
    Several,
    /// The files of one list item; what follows the first note is prose.
    Item,
    /// Words that may name files in passing; only what cannot be anything else is one.
    Prose,
}

/// What was found where a file was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named<'a> {
    /// A path, as written.
    File(&'a str),
    /// Words that do not tell a path from the rest.
    Unclear(&'a str),
}

/// Finds the files that `text` names, such as ``a.rs, `b c.rs` — note, [d](src/d.rs) (new)``.
pub(super) fn named_files(text: &str, expected: Expected) -> Vec<Named<'_>> {
    let text = unwrapped(text);
    let text = match expected {
        Expected::Item => head_and_note(text).0,
        Expected::Several | Expected::Prose => text,
    };
    let mut found = Vec::new();
    let mut in_prose = false;
    let separator = |rest: &str| rest.starts_with([',', ';']).then_some(1);
    for segment in top_level(text, usize::MAX, separator) {
        let segment = segment.trim();
        let (head, note) = head_and_note(segment.strip_prefix("and ").unwrap_or(segment));
        if says_none(head) {
            in_prose |= !segment.is_empty();
            continue;
        }
        for piece in joined_by_and(head) {
            match path_in(piece) {
                // Commas in a note look like commas between files.
                Some(path) if in_prose && !stands_out(path, note) => {}
                Some(path) if expected == Expected::Prose && !has_extension(path) => {}
                Some(path) => found.push(Named::File(path)),
                None if in_prose || expected == Expected::Prose => {}
                None if expected == Expected::Item && !found.is_empty() => {}
                None => found.push(Named::Unclear(piece)),
            }
        }
        in_prose |= note.is_some();
    }
    found
}

/// Whether what looks like a path among the words of a note is one.
fn stands_out(path: &str, note: Option<&str>) -> bool {
    has_extension(path) && (has_slash(path) || note.is_some())
}

/// Finds the files in the lines of a code block, one in each; the lines of a drawn tree name none.
pub(super) fn files_in_code(code: &str) -> Vec<Named<'_>> {
    let drawn = |line: &&str| !line.contains(['│', '├', '└', '─']);
    let mut found = Vec::new();
    for line in code.lines().filter(drawn) {
        let line = line.trim().trim_start_matches("- ");
        // A comment stands apart from the path.
        let line = line.split_once("  ").map_or(line, |(path, _)| path);
        let line = line.split_once(" #").map_or(line, |(path, _)| path);
        if !line.is_empty() && !line.starts_with('#') {
            found.extend(named_files(line, Expected::Item));
        }
    }
    found
}

/// Whether `text` says that there is nothing to say: `none`, `N/A`, `-`, `[]`, `None (read-only)` and their like.
///
/// Reports are read so, and whatever else takes the words of an agent should ask here too, so that one answer counts the
/// same by every way.
///
/// ```
/// use maestro_session_model::means_nothing;
///
/// assert!(means_nothing("") && means_nothing("None.") && means_nothing("nothing to report"));
/// assert!(!means_nothing("none of the tests pass") && !means_nothing("None, but mind the cache"));
/// ```
pub fn means_nothing(text: &str) -> bool {
    if says_none(text) {
        return true;
    }
    let signs = [" — ", " – ", " - ", ": ", ", ", ". ", "; "];
    let Some(end) = signs.into_iter().filter_map(|sign| text.find(sign)).min() else {
        return false;
    };
    let (head, rest) = text.split_at(end);
    // "No. The layer does not compile" answers a question, and "None, but mind the cache" says something after all.
    let answers = head.trim().eq_ignore_ascii_case("no");
    let turns = ["but", "however", "except", "though", "although", "unless"];
    let mut words = rest.split(|c: char| !c.is_alphanumeric());
    let turns = words.any(|word| turns.contains(&word.to_lowercase().as_str()));
    says_none(head) && !answers && !turns
}

fn says_none(text: &str) -> bool {
    /// The longest way to say so, in bytes, without a note.
    const LONGEST: usize = 40;
    let wrapping = |c: char| c.is_whitespace() || "*_`\"'[]<>{}.,;:!-–—".contains(c);
    // `n.a` and `_.no` are files.
    if has_extension(text.trim().trim_matches(['`', '*', '"'])) {
        return false;
    }
    let mut text = text.trim_matches(wrapping);
    if let Some(inner) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        text = inner;
    } else if text.ends_with(')') {
        text = text.split('(').next().unwrap_or_default().trim_matches(wrapping);
    }
    if text.len() > LONGEST {
        return false;
    }
    let text = text.to_lowercase();
    if text == "n/a" {
        return true;
    }
    if text.contains(['/', '\\', '`', '.']) {
        return false;
    }
    let countable = |noun: &str| {
        let nouns =
            "files changes errors issues blockers deviations decisions warnings assumptions";
        nouns.split(' ').any(|known| known == noun)
    };
    match text.split_whitespace().collect::<Vec<_>>().as_slice() {
        []
        | ["na" | "nil" | "null" | "no" | "none" | "nothing"]
        | ["not", "applicable" | "available"]
        | ["nothing", "to", _] => true,
        // "None yet", "none at this time", but not "none of the tests pass".
        ["none", second] | ["none", second, _] | ["none", second, _, _] => *second != "of",
        ["no", noun] | ["no", noun, _] | ["no", noun, "were" | "was", _] => countable(noun),
        _ => false,
    }
}

/// Takes off a task box, and brackets around the whole.
fn unwrapped(text: &str) -> &str {
    let mut text = text.trim();
    for task in ["[ ] ", "[x] ", "[X] "] {
        text = text.strip_prefix(task).unwrap_or(text).trim_start();
    }
    match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        Some(inner) if !inner.contains(['[', ']']) => inner.trim(),
        _ => text,
    }
}

/// Returns what stands before the first note.
pub(crate) fn without_note(text: &str) -> &str {
    top_level(text, 2, note_sign)[0].trim()
}

/// Splits text where a note begins.
fn head_and_note(text: &str) -> (&str, Option<&str>) {
    match top_level(text, 2, note_sign).as_slice() {
        // "New: `a.rs` — note" names the file after the first sign.
        [head, rest] if is_filler(head.trim()) => match top_level(rest, 2, note_sign).as_slice() {
            [head, note] => (head.trim(), Some(note.trim())),
            _ => (rest.trim(), None),
        },
        [head, note] => (head.trim(), Some(note.trim())),
        _ => (text.trim(), None),
    }
}

/// The length of the sign at the start of `rest` that begins a note, if there is one.
fn note_sign(rest: &str) -> Option<usize> {
    let signs = [" — ", " – ", " - ", " -- ", "—", ": "];
    let sign = signs.into_iter().find(|sign| rest.starts_with(sign));
    sign.map(str::len).or((rest == ":").then_some(1))
}

/// Splits "`a.rs` and b.rs", but leaves words such as "the parser and its tests.md" alone.
fn joined_by_and(head: &str) -> Vec<&str> {
    let sign = |rest: &str| {
        let signs = [" and ", " & ", " + "];
        signs.into_iter().find(|sign| rest.starts_with(sign)).map(str::len)
    };
    let pieces = top_level(head, usize::MAX, sign);
    let single =
        |piece: &&str| piece.starts_with(['`', '[']) || !piece.trim().contains(char::is_whitespace);
    let path =
        |piece: &&str| piece.starts_with(['`', '[']) || has_slash(piece) || has_extension(piece);
    let several = pieces.iter().all(single) && pieces.iter().any(path);
    if several { pieces } else { vec![head] }
}

/// Returns the path in a piece of text: a link's target, a code span, or the words that look like one.
fn path_in(piece: &str) -> Option<&str> {
    let piece = piece.trim().trim_matches('*').trim_matches(['"', '\'']).trim();
    let path = match linked(piece) {
        Some(target) => target,
        None => spanned(piece).or_else(|| bare(piece))?,
    };
    let path = path.trim().strip_prefix("file://").unwrap_or(path.trim());
    let path = without_location(path);
    // Some hosts let people refer to files as `@path`.
    let path = path.strip_prefix('@').unwrap_or(path);
    (!path.is_empty() && !path.contains("://") && !says_none(path)).then_some(path)
}

/// Returns the target of `[text](target "title")`.
fn linked(piece: &str) -> Option<&str> {
    let (_, target) = piece.strip_prefix('[')?.split_once("](")?;
    let target = target.split(')').next()?.split(" \"").next()?.trim();
    let inner = target.strip_prefix('<').and_then(|target| target.strip_suffix('>'));
    Some(inner.unwrap_or(target))
}

/// Returns the first code span, unless a path stands before it.
fn spanned(piece: &str) -> Option<&str> {
    let (before, rest) = piece.split_at(piece.find('`')?);
    if before.split_whitespace().any(has_extension) {
        return None;
    }
    let width = rest.len() - rest.trim_start_matches('`').len();
    let (ticks, rest) = rest.split_at(width);
    rest.split_once(ticks).map(|(path, _)| path)
}

/// Returns the path at the start of plain words.
fn bare(piece: &str) -> Option<&str> {
    let mut text = piece;
    for opening in [" (", " ["] {
        if let Some((path, _)) = text.split_once(opening) {
            text = path.trim_end();
        }
    }
    text = text.strip_suffix('.').unwrap_or(text).trim_matches('*');
    let whole = text.len();
    while let Some((filler, rest)) = text.split_once(char::is_whitespace) {
        if !is_filler(filler) {
            break;
        }
        text = rest.trim_start();
    }
    let Some((first, _)) = text.split_once(char::is_whitespace) else {
        let alone = text.len() == whole;
        return (alone || has_slash(text) || has_extension(text)).then_some(text);
    };
    if has_extension(first) || (has_slash(first) && !has_extension(text)) {
        return Some(first);
    }
    has_extension(text).then_some(text)
}

/// Whether a word before a path only says what happened to it.
fn is_filler(word: &str) -> bool {
    const FILLERS: [&str; 18] = [
        "add", "added", "changed", "create", "created", "delete", "deleted", "edited", "file",
        "files", "modified", "modify", "new", "remove", "removed", "the", "update", "updated",
    ];
    let word = word.trim_matches(['*', '_', ':']);
    FILLERS.iter().any(|filler| word.eq_ignore_ascii_case(filler))
}

fn has_slash(word: &str) -> bool {
    word.contains(['/', '\\'])
}

/// Whether a name ends like `a.rs`; numbers such as `1.5` do not.
fn has_extension(name: &str) -> bool {
    /// The longest extension, in bytes.
    const LONGEST: usize = 12;
    let Some((_, extension)) = without_location(name).rsplit_once('.') else {
        return false;
    };
    (1..=LONGEST).contains(&extension.len())
        && extension.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && extension.bytes().any(|b| b.is_ascii_alphabetic())
}

/// Takes off `:12`, `:12-34`, `:12:5` and `#L12`.
fn without_location(path: &str) -> &str {
    let number = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_digit())
            && text.bytes().all(|b| b.is_ascii_digit() || b == b'-')
    };
    let mut path = path;
    while let Some((before, _)) = path.rsplit_once(':').filter(|(_, after)| number(after)) {
        path = before;
    }
    match path.rsplit_once("#L") {
        Some((before, line)) if line.starts_with(|c: char| c.is_ascii_digit()) => before,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn files(text: &str, expected: Expected) -> Vec<String> {
        let show = |named: Named<'_>| match named {
            Named::File(path) => path.to_owned(),
            Named::Unclear(words) => format!("?{words}"),
        };
        named_files(text, expected).into_iter().map(show).collect()
    }

    #[test]
    fn files_are_told_from_the_words_around_them() {
        for (text, expected) in [
            ("a.txt, b.txt", ["a.txt", "b.txt"].as_slice()),
            ("[a.txt, `b.txt`]", &["a.txt", "b.txt"]),
            ("[\"a.txt\", \"b.txt\"]", &["a.txt", "b.txt"]),
            ("`/ws/src/a.rs` — the parser, with tests", &["/ws/src/a.rs"]),
            ("src/a.rs — calls `foo`, `self.bar`", &["src/a.rs"]),
            ("src/a.rs: calls `foo`", &["src/a.rs"]),
            ("src/a.rs (new), src/b.rs (updated, twice)", &["src/a.rs", "src/b.rs"]),
            ("src/a.rs — one, src/b.rs — two", &["src/a.rs", "src/b.rs"]),
            ("`a, b.txt`", &["a, b.txt"]),
            ("`my notes.txt`", &["my notes.txt"]),
            ("my notes.txt", &["my notes.txt"]),
            ("docs/My File.md", &["docs/My File.md"]),
            ("``a`b.rs``", &["a`b.rs"]),
            ("[a.rs](src/a.rs)", &["src/a.rs"]),
            ("[`a.rs`](<src/a b.rs> \"title\") (new)", &["src/a b.rs"]),
            ("[a.rs](file:///ws/src/a.rs#L10)", &["/ws/src/a.rs"]),
            ("src/a.rs:10-20, src/b.rs:3:7", &["src/a.rs", "src/b.rs"]),
            ("`@docs\\architecture\\v2.md` — plan", &["docs\\architecture\\v2.md"]),
            ("Makefile", &["Makefile"]),
            ("Makefile and src/a.rs", &["Makefile", "src/a.rs"]),
            ("`a.rs`, `b.rs`, and c.rs.", &["a.rs", "b.rs", "c.rs"]),
            ("this and that.txt", &["this", "that.txt"]),
            ("New: `src/a.rs`", &["src/a.rs"]),
            ("**Create**: `src/a.rs` (300 lines)", &["src/a.rs"]),
            ("Created src/a.rs", &["src/a.rs"]),
            ("**src/a.rs**: the parser", &["src/a.rs"]),
            ("[x] `src/a.rs`", &["src/a.rs"]),
            ("__init__.py", &["__init__.py"]),
            (".env.example", &[".env.example"]),
            ("C:\\app\\a.rs: the parser", &["C:\\app\\a.rs"]),
            ("updated the docs", &["?updated the docs"]),
            ("see https://example.org/a.rs", &["?see https://example.org/a.rs"]),
            ("none", &[]),
            ("None (analysis only)", &[]),
            ("`None`", &[]),
            ("no files created", &[]),
            ("[]", &[]),
            ("", &[]),
            ("`n.a` — new", &["n.a"]),
            ("_.no", &["_.no"]),
            ("(((((`[", &["(((((`["]),
        ] {
            assert_eq!(files(text, Expected::Several), expected, "{text}");
        }
    }

    #[test]
    fn what_follows_the_note_of_an_item_is_prose() {
        let item = |text| files(text, Expected::Item);
        assert_eq!(item("`src/a.rs` — like src/b.rs, src/c.rs: both"), ["src/a.rs"]);
        assert_eq!(item("`a.rs`, `b.rs` — both"), ["a.rs", "b.rs"]);
        assert_eq!(item("a.rs, which is new"), ["a.rs"]);
        assert_eq!(item("*Unwanted legacy files* — Isolate"), ["?*Unwanted legacy files*"]);
    }

    #[test]
    fn a_code_block_names_a_file_in_each_line() {
        let code =
            "src/a.rs      (new)\n- src/b.rs # tests\n# comment\n\nmobile/\n├── x.json\n└── y/\n";
        let files: Vec<_> = files_in_code(code);
        assert_eq!(
            files,
            [Named::File("src/a.rs"), Named::File("src/b.rs"), Named::File("mobile/")]
        );
    }

    #[test]
    fn there_are_many_words_for_nothing() {
        for text in [
            "none",
            "None.",
            "NONE",
            "n/a",
            "N/A",
            "NA",
            "nothing",
            "-",
            "—",
            "not applicable",
            "no files",
            "[]",
            "",
            " ",
            "**none**",
            "`none`",
            "[none yet]",
            "(none)",
            "none (read-only)",
            "None (a (b))",
            "None — analysis only",
            "None, this was a review.",
            "no errors encountered",
            "No files were modified",
            "nothing to report",
            "\"\"",
            "none at this time",
            "_N/A_",
            "null",
        ] {
            assert!(means_nothing(text), "{text:?}");
        }
        for text in [
            "none of the tests pass",
            "No. The layer does not compile.",
            "no, not at all",
            "None, but mind the cache",
            "nonexistent.rs",
            "no/errors.rs",
            "no",
            "(see below)",
            "no breaking changes",
            "none.md",
            "nothing works",
            "a",
            "x (none)",
            "none of it",
        ] {
            assert_eq!(means_nothing(text), text == "no", "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_path_in_a_code_span_is_found_whatever_follows(
            path in "[a-z]{1,8}(/[a-z ,(]{0,5}[a-z]){0,3}\\.[a-z]{1,4}",
            note in "( — |: | - )[a-z `,/.()]{0,40}| \\([a-z `,/.]{0,40}\\)",
        ) {
            let text = format!("`{path}`{note}");
            let found = named_files(&text, Expected::Item);
            prop_assert_eq!(found, vec![Named::File(path.as_str())]);
        }

        #[test]
        fn what_is_found_is_a_piece_of_the_text(text in "[-a-c`\\[\\](){}<>*_\"',;:.@#/\\\\ —é\\n]{0,80}") {
            for named in named_files(&text, Expected::Several) {
                let (Named::File(piece) | Named::Unclear(piece)) = named;
                prop_assert!(text.contains(piece));
            }
        }
    }
}
