//! What no file may mention, and how many packages the lock file may hold.

use super::{Finding, Rule};
use crate::project::File;

/// How many packages `Cargo.lock` may hold. Raise it in the change that needs it, knowing what that brings.
pub const MAX_PACKAGES: usize = 170;

/// Places that exist on one machine only. In pieces, so that this file does not mention them either.
const MACHINE_PATHS: [&str; 3] =
    [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("..", "/shared")];

/// Returns what is wrong with a file of any kind.
pub fn check(file: &File) -> Vec<Finding> {
    if file.path == "Cargo.lock" {
        return packages(&file.text).into_iter().collect();
    }
    // Lock files and snapshots are written by programs.
    if matches!(file.extension(), "lock" | "snap") {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        for path in MACHINE_PATHS {
            if mentions(line, path) {
                findings.push(Finding {
                    file: file.path.clone(),
                    line: index + 1,
                    rule: Rule::MachinePath,
                    message: format!("mentions `{path}`, which exists on one machine"),
                    remedy: "write a path relative to the repository, or `/home/u/app`".to_owned(),
                });
            }
        }
    }
    findings
}

/// Whether `line` has `path` as a path of its own, and not as the middle of a longer one.
fn mentions(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let inside =
            |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '~' | '}' | '>');
        !line[..at].ends_with(inside)
    })
}

fn packages(lock: &str) -> Option<Finding> {
    let count = lock.lines().filter(|line| line.trim() == "[[package]]").count();
    (count > MAX_PACKAGES).then(|| Finding {
        file: "Cargo.lock".to_owned(),
        line: 1,
        rule: Rule::LockFile,
        message: format!("has {count} packages, more than {MAX_PACKAGES}"),
        remedy: "do without the newest, or raise the limit in xtask/src/tidy/texts.rs".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let file = File { path: path.to_owned(), text: text.to_owned() };
        check(&file).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn no_file_mentions_a_place_on_one_machine() {
        let [work, root, shared] = MACHINE_PATHS;
        let text = format!("fine\nsee `{work}main`\n\n({root}.cargo)\n{shared}/notes.md\n");
        assert_eq!(lines("docs/a.md", &text), [2, 4, 5]);
        assert_eq!(lines("crates/a/src/a.rs", &format!("\"file://{root}x\"")), [1]);
    }

    #[test]
    fn the_middle_of_a_longer_path_is_no_such_place() {
        let [work, root, shared] = MACHINE_PATHS;
        let text = format!("docs{work}x\n~{root}x\n${{HOME}}{work}x\na{shared}\n");
        assert_eq!(lines("docs/a.md", &text), Vec::<usize>::new());
    }

    #[test]
    fn what_programs_write_is_left_alone() {
        let text = MACHINE_PATHS.join("\n");
        for path in ["other.lock", "crates/a/src/snapshots/a.snap"] {
            assert_eq!(lines(path, &text), Vec::<usize>::new(), "{path}");
        }
    }

    #[test]
    fn the_lock_file_has_a_ceiling() {
        let lock = |n| "[[package]]\nname = \"x\"\n".repeat(n);
        assert_eq!(lines("Cargo.lock", &lock(MAX_PACKAGES)), Vec::<usize>::new());
        assert_eq!(lines("Cargo.lock", &lock(MAX_PACKAGES + 1)), [1]);
    }
}
