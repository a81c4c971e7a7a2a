//! The grammar of `.env` files.
//!
//! Lines are trimmed; empty ones, those that begin with `#` and those without `=` are skipped; `export ` in front is
//! allowed. The key is what stands before the first `=`, without the blanks around it. In the value, ` #` outside quotes begins a comment, and one
//! pair of matching quotes around the whole is removed; there are no escapes. A value that begins with `"` and has no
//! second `"` in its line goes on to the first line that ends in `"` (but not in `\"`), or else to the end of the file.
//! Of two lines with one key, the later counts. Nothing is expanded.

/// One assignment of a `.env` file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    /// The line of the key, from 1.
    pub(super) line: usize,
    pub(super) key: String,
    pub(super) value: String,
}

/// Reads the assignments of a `.env` file, in order.
pub(super) fn parse(text: &str) -> Vec<Assignment> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut assignments = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let line = line.trim();
        if line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((key, value)) = line.split_once('=') else { continue };
        let (key, value) = (key.trim_end(), value.trim_start());
        let opened = value.strip_prefix('"').filter(|rest| !rest.contains('"'));
        let value = match opened {
            Some(first) => many_lines(first, &mut lines),
            None => unquote(without_comment(value)).to_owned(),
        };
        assignments.push(Assignment { line: index + 1, key: key.to_owned(), value });
    }
    assignments
}

/// Goes on to the line that closes the quote, or to the end.
fn many_lines<'t>(first: &str, lines: &mut impl Iterator<Item = (usize, &'t str)>) -> String {
    let mut value = first.to_owned();
    for (_, line) in lines {
        value.push('\n');
        let end = line.trim_end();
        match end.strip_suffix('"') {
            Some(last) if !last.ends_with('\\') => {
                value.push_str(last);
                break;
            }
            Some(_) | None => value.push_str(line),
        }
    }
    value
}

fn without_comment(value: &str) -> &str {
    let mut quote = None;
    let mut before = None;
    for (at, c) in value.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c == '#' && before == Some(' ') => return value[..at].trim_end(),
            Some(_) | None => {}
        }
        before = Some(c);
    }
    value
}

fn unquote(value: &str) -> &str {
    let inner = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(usize, String, String)> {
        parse(text).into_iter().map(|a| (a.line, a.key, a.value)).collect()
    }

    fn value(line: &str) -> String {
        pairs(line).remove(0).2
    }

    #[test]
    fn comments_blank_lines_and_lines_without_an_equals_sign_are_skipped() {
        let text = "\u{feff}# A=1\n\n  B=2  \nnothing\nexport C=3\r\n";
        let found = pairs(text);
        assert_eq!(found, [(3, "B".into(), "2".into()), (5, "C".into(), "3".into())]);
    }

    #[test]
    fn a_comment_begins_with_a_blank_and_a_hash_outside_quotes() {
        assert_eq!(value("A=x # y"), "x");
        assert_eq!(value("A=x#y"), "x#y");
        assert_eq!(value("A=\"x # y\""), "x # y");
        assert_eq!(value("A='x # y' # z"), "x # y");
    }

    #[test]
    fn one_pair_of_matching_quotes_is_removed() {
        assert_eq!(value("A=\"x\""), "x");
        assert_eq!(value("A='x'"), "x");
        assert_eq!(value("A='\"x\"'"), "\"x\"");
        assert_eq!(value("A='x\""), "'x\"");
        assert_eq!(value("A=\"a\\nb\""), "a\\nb");
        assert_eq!(value("A="), "");
        assert_eq!(value("A='"), "'");
    }

    #[test]
    fn an_open_quote_goes_on_to_the_line_that_closes_it() {
        let text = "A=\"one\ntwo \\\"\nthree\"\nB=x";
        let found = pairs(text);
        assert_eq!(found[0], (1, "A".into(), "one\ntwo \\\"\nthree".into()));
        assert_eq!(found[1], (4, "B".into(), "x".into()));
        assert_eq!(value("A=\"one\ntwo"), "one\ntwo");
    }

    #[test]
    fn blanks_around_the_sign_do_not_count() {
        assert_eq!(pairs("A = x"), [(1, "A".into(), "x".into())]);
        assert_eq!(pairs("A = \" x\""), [(1, "A".into(), " x".into())]);
    }
}
