//! How a Rust file begins, how long it is, what it may not contain, how things are named.

use super::mask::{is_word, mask};
use super::{Finding, Rule};
use crate::project::File;

/// How many lines of code a file may have, its unit tests not counted.
pub const MAX_CODE_LINES: usize = 500;

/// How many lines of code a file of integration tests may have.
pub const MAX_TEST_LINES: usize = 800;

/// Words that say that something does something, but not what.
const EMPTY_WORDS: [&str; 10] = [
    "handler",
    "handlers",
    "helper",
    "helpers",
    "manager",
    "managers",
    "util",
    "utils",
    "utility",
    "utilities",
];

/// The keywords after which a name is defined.
const DEFINING: [&str; 8] =
    ["enum", "fn", "macro_rules", "mod", "struct", "trait", "type", "union"];

/// Constructs that are never committed, and what to write instead.
const CONSTRUCTS: [(&str, &str); 8] = [
    ("todo!", "finish it, or return an error that says what is missing"),
    ("unimplemented!", "finish it, or return an error that says what is missing"),
    ("#[ignore", "make the test pass, or remove it"),
    (", ignore)]", "make the test pass, or leave it out with `cfg`"),
    (", allow(", "write `expect(…, reason = \"…\")`"),
    ("thread::sleep", "wait for the event itself, with a time limit"),
    ("#[allow(", "write `#[expect(…, reason = \"…\")]`"),
    ("#![allow(", "write `#![expect(…, reason = \"…\")]`"),
];

/// Returns what is wrong with a file, if it is one of our Rust files.
pub fn check(file: &File) -> Vec<Finding> {
    let ours = ["crates/", "fuzz/", "xtask/"].iter().any(|folder| file.path.starts_with(folder));
    if !ours || file.extension() != "rs" {
        return Vec::new();
    }
    let masked = mask(&file.text);
    let mut findings = Vec::new();
    let mut find = |line: usize, rule: Rule, message: String, remedy: &str| {
        let (file, remedy) = (file.path.clone(), remedy.to_owned());
        findings.push(Finding { file, line, rule, message, remedy });
    };

    if !file.text.starts_with("//!") {
        find(
            1,
            Rule::ModuleDoc,
            "does not begin with `//!`".to_owned(),
            "say what the module owns and what it refuses to do",
        );
    }

    let (lines, max) = if file.path.contains("/tests/") {
        (code_lines(&masked), MAX_TEST_LINES)
    } else {
        (code_lines(without_unit_tests(&masked)), MAX_CODE_LINES)
    };
    if lines > max {
        find(
            1,
            Rule::Length,
            format!("has {lines} lines of code, more than {max}"),
            "split it along what its parts are about",
        );
    }

    if file.path.ends_with("/mod.rs") {
        let folder = file.path.trim_end_matches("/mod.rs");
        find(1, Rule::ModuleFile, "is a `mod.rs`".to_owned(), &format!("move it to `{folder}.rs`"));
    }
    for name in file.path.trim_end_matches(".rs").split('/').skip(1) {
        if let Some(word) = empty_word(name) {
            find(1, Rule::Naming, named(name, word), NAMING_REMEDY);
        }
    }

    for (index, line) in masked.lines().enumerate() {
        for (construct, remedy) in CONSTRUCTS {
            if contains_construct(line, construct) {
                find(index + 1, Rule::Construct, format!("has `{construct}`"), remedy);
            }
        }
        for name in defined(line) {
            if let Some(word) = empty_word(name) {
                find(index + 1, Rule::Naming, named(name, word), NAMING_REMEDY);
            }
        }
    }
    findings
}

const NAMING_REMEDY: &str = "name it after what it is, or its verb after what it achieves";

fn named(name: &str, word: &str) -> String {
    format!("`{name}` says “{word}”, which says nothing")
}

/// Whether a line of masked code has the construct, and not as the end of a longer word.
fn contains_construct(line: &str, construct: &str) -> bool {
    line.match_indices(construct)
        .any(|(at, _)| !construct.starts_with(is_word) || !line[..at].ends_with(is_word))
}

/// Counts the lines that have code; comments and blank lines are free.
fn code_lines(masked: &str) -> usize {
    masked.lines().filter(|line| !line.trim().is_empty()).count()
}

/// Cuts off the module of unit tests that a file ends with.
fn without_unit_tests(masked: &str) -> &str {
    let mut offset = 0;
    let mut attribute = None;
    for line in masked.split_inclusive('\n') {
        if line.starts_with("#[cfg(test)]") {
            attribute = Some(offset);
        } else if line.starts_with("mod tests {") {
            if let Some(start) = attribute {
                return &masked[..start];
            }
        } else if !line.starts_with("#[") && !line.trim().is_empty() {
            attribute = None;
        }
        offset += line.len();
    }
    masked
}

/// Returns the names that a line of masked code defines.
fn defined(line: &str) -> impl Iterator<Item = &str> {
    let words: Vec<&str> = line.split(|c| !is_word(c)).filter(|word| !word.is_empty()).collect();
    let pairs: Vec<(&str, &str)> = words.windows(2).map(|pair| (pair[0], pair[1])).collect();
    pairs.into_iter().filter(|(keyword, _)| DEFINING.contains(keyword)).map(|(_, name)| name)
}

/// Returns the word of `name`, in any case style, that is empty of meaning.
fn empty_word(name: &str) -> Option<&'static str> {
    let chars: Vec<char> = name.chars().collect();
    let mut spaced = String::new();
    for (index, c) in chars.iter().copied().enumerate() {
        // `aB` is two words, and so is `HTTPError`, before the last capital.
        let after_lower = index > 0 && !chars[index - 1].is_uppercase();
        let before_lower = chars.get(index + 1).is_some_and(|next| next.is_lowercase());
        if !c.is_alphanumeric() || (c.is_uppercase() && (after_lower || before_lower)) {
            spaced.push(' ');
        }
        spaced.extend(c.to_lowercase().filter(|c| c.is_alphanumeric()));
    }
    EMPTY_WORDS.into_iter().find(|empty| spaced.split(' ').any(|word| word == *empty))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<(usize, Rule)> {
        let file = File { path: path.to_owned(), text: text.to_owned() };
        check(&file).into_iter().map(|finding| (finding.line, finding.rule)).collect()
    }

    #[test]
    fn a_good_file_has_no_findings() {
        let text =
            "//! Phases.\n\n/// Handles `todo!` and the manager.\nfn phase() { x(\"#[allow(\") }\n";
        assert_eq!(findings("crates/a/src/phase.rs", text), []);
    }

    #[test]
    fn a_file_begins_with_what_its_module_is_for() {
        assert_eq!(findings("crates/a/src/a.rs", "use x;\n"), [(1, Rule::ModuleDoc)]);
        assert_eq!(findings("crates/a/tests/it/main.rs", "\n//! A.\n"), [(1, Rule::ModuleDoc)]);
    }

    #[test]
    fn other_files_are_not_ours_to_judge() {
        for path in ["docs/examples/a.rs", "crates/a/README.md"] {
            assert_eq!(findings(path, "fn main() { todo!() }"), []);
        }
    }

    #[test]
    fn code_is_counted_and_comments_and_unit_tests_are_not() {
        let code = "fn f() {}\n".repeat(MAX_CODE_LINES);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "    fn t() {}\n".repeat(400));
        let long_enough = format!("//! A.\n{}\n{code}\n{tests}", "// Why.\n".repeat(300));
        assert_eq!(findings("crates/a/src/a.rs", &long_enough), []);
        let too_long = format!("//! A.\nfn one_more() {{}}\n{code}{tests}");
        assert_eq!(findings("crates/a/src/a.rs", &too_long), [(1, Rule::Length)]);
    }

    #[test]
    fn a_test_attribute_elsewhere_hides_no_code() {
        let code = "fn f() {}\n".repeat(MAX_CODE_LINES + 1);
        let text = format!("//! A.\n#[cfg(test)]\nuse a::b;\nmod tests_of_time;\n{code}");
        assert_eq!(findings("crates/a/src/a.rs", &text), [(1, Rule::Length)]);
    }

    #[test]
    fn integration_tests_may_be_longer() {
        let lines = |n| format!("//! A.\n{}", "fn f() {}\n".repeat(n));
        assert_eq!(findings("crates/a/tests/it/a.rs", &lines(MAX_TEST_LINES)), []);
        let found = findings("crates/a/tests/it/a.rs", &lines(MAX_TEST_LINES + 1));
        assert_eq!(found, [(1, Rule::Length)]);
    }

    #[test]
    fn there_is_one_style_of_module_files() {
        assert_eq!(findings("crates/a/src/lock/mod.rs", "//! A.\n"), [(1, Rule::ModuleFile)]);
        assert_eq!(findings("crates/a/src/mod_rs.rs", "//! A.\n"), []);
    }

    #[test]
    fn constructs_that_are_never_committed_are_found_in_code_only() {
        for (line, found) in [
            ("    todo!()", true),
            ("    not_todo!()", false),
            ("    // todo!()", false),
            ("    \"todo!()\"", false),
            ("    unimplemented!(\"later\")", true),
            ("#[ignore = \"slow\"]", true),
            ("#[ignore]", true),
            ("    std::thread::sleep(TICK);", true),
            ("#[allow(dead_code)]", true),
            ("#![allow(dead_code)]", true),
            ("#[cfg_attr(windows, ignore)]", true),
            ("#[cfg_attr(windows, allow(dead_code))]", true),
            ("    record(path, ignore);", false),
            ("#[expect(dead_code, reason = \"…\")]", false),
        ] {
            let expected = if found { vec![(2, Rule::Construct)] } else { Vec::new() };
            let text = format!("//! A.\n{line}\n");
            assert_eq!(findings("crates/a/src/a.rs", &text), expected, "{line}");
        }
    }

    #[test]
    fn names_say_what_a_thing_is_about() {
        for (line, found) in [
            ("pub struct SessionManager;", true),
            ("fn parse_helper() {}", true),
            ("    mod utils {", true),
            ("enum HTTPHandler {}", true),
            ("trait Handle {}", false),
            ("fn manage() {}", false),
            ("impl ServerHandler for Server {}", false),
            ("use lib::Manager;", false),
        ] {
            let expected = if found { vec![(2, Rule::Naming)] } else { Vec::new() };
            let text = format!("//! A.\n{line}\n");
            assert_eq!(findings("crates/a/src/a.rs", &text), expected, "{line}");
        }
        assert_eq!(findings("crates/a/src/path_utils.rs", "//! A.\n"), [(1, Rule::Naming)]);
        assert_eq!(findings("crates/a/src/helpers/x.rs", "//! A.\n"), [(1, Rule::Naming)]);
        assert_eq!(findings("crates/testutils/src/lib.rs", "//! A.\n"), []);
    }
}
