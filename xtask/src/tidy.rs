//! The rules of the repository that no compiler knows.
//!
//! Each group of rules is a pure function from text to findings, in a module of its own:
//!
//! * [`arrows`]: which crate may use which, and what `maestro-hook` must not pull in;
//! * [`manifests`]: what a manifest inherits from the workspace;
//! * [`sources`]: how a Rust file begins, how long it is, what it may not contain, how things are named;
//! * [`texts`]: what no file may mention, and how many packages the lock file may hold.
//!
//! A rule that has to bend bends in [`EXCEPTIONS`], by name and with a reason, and nowhere else.

pub mod arrows;
pub mod manifests;
pub mod mask;
pub mod sources;
pub mod texts;

use std::fmt;

use crate::project::File;
use crate::{Failure, Project, metadata};

/// The files for which a rule is waived, and why. One that waives nothing any more is a finding itself.
pub const EXCEPTIONS: &[Exception] = &[];

/// A file for which a rule is waived.
#[derive(Clone, Copy, Debug)]
pub struct Exception {
    /// The path of the file from the root.
    pub file: &'static str,
    /// The rule that it breaks.
    pub rule: Rule,
    /// Why that is right.
    pub reason: &'static str,
}

/// The name of a rule, for exceptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Crates use only what is below them.
    Arrow,
    /// A manifest inherits from the workspace.
    Manifest,
    /// A Rust file begins with its module's documentation.
    ModuleDoc,
    /// A file stays short enough to be read.
    Length,
    /// Modules are `foo.rs` and `foo/bar.rs`.
    ModuleFile,
    /// Names say what a thing is about.
    Naming,
    /// Some constructs are never committed.
    Construct,
    /// Nothing depends on one machine.
    MachinePath,
    /// The tree of dependencies stays small.
    LockFile,
    /// Exceptions are needed.
    Exception,
}

/// A place that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The path of the file from the root.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The rule.
    pub rule: Rule,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {} — {}", self.file, self.line, self.message, self.remedy)
    }
}

/// Prints every finding in `project`; fails if there is one.
pub fn run(project: &Project) -> Result<(), Failure> {
    let findings = check(project)?;
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        1 => Err(Failure::Found("tidy: 1 finding".to_owned())),
        n => Err(Failure::Found(format!("tidy: {n} findings"))),
    }
}

/// Returns every finding in `project`, sorted by file and line.
pub fn check(project: &Project) -> Result<Vec<Finding>, Failure> {
    let files = project.text_files()?;
    let packages = metadata::packages(project)?;

    let mut findings = arrows::check(&packages, &files);
    if packages.iter().any(|package| package.name == arrows::LEAN_PACKAGE) {
        findings.extend(arrows::check_lean(&metadata::graph(project)?));
    }
    for package in &packages {
        let path = manifest_of(&package.folder);
        if let Some(manifest) = files.iter().find(|file| file.path == path) {
            findings.extend(manifests::check(manifest));
        }
    }
    for file in &files {
        findings.extend(sources::check(file));
        findings.extend(texts::check(file));
    }
    let mut findings = waive(findings, EXCEPTIONS);
    findings.sort_unstable();
    Ok(findings)
}

/// Drops what the exceptions allow, and reports the exceptions that allow nothing.
fn waive(findings: Vec<Finding>, exceptions: &[Exception]) -> Vec<Finding> {
    let waives = |exception: &Exception, finding: &Finding| {
        exception.file == finding.file && exception.rule == finding.rule
    };
    let stale = exceptions
        .iter()
        .filter(|exception| !findings.iter().any(|finding| waives(exception, finding)))
        .map(|exception| Finding {
            file: exception.file.to_owned(),
            line: 1,
            rule: Rule::Exception,
            message: format!("keeps the rule {:?}, but has an exception from it", exception.rule),
            remedy: "remove it from EXCEPTIONS in xtask/src/tidy.rs".to_owned(),
        });
    let mut kept: Vec<Finding> = stale.collect();
    kept.extend(
        findings
            .into_iter()
            .filter(|finding| !exceptions.iter().any(|exception| waives(exception, finding))),
    );
    kept
}

/// Returns the path of the manifest in `folder`.
fn manifest_of(folder: &str) -> String {
    if folder.is_empty() { "Cargo.toml".to_owned() } else { format!("{folder}/Cargo.toml") }
}

/// Returns the number, from 1, of the first line of `file` for which `found` holds; 1 if there is none.
fn line_where(file: &File, found: impl Fn(&str) -> bool) -> usize {
    file.text.lines().position(found).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(file: &str, rule: Rule) -> Finding {
        Finding {
            file: file.to_owned(),
            line: 7,
            rule,
            message: "is long".to_owned(),
            remedy: "split it".to_owned(),
        }
    }

    #[test]
    fn a_finding_says_where_what_and_what_to_do() {
        let text = finding("crates/a/src/lib.rs", Rule::Length).to_string();
        assert_eq!(text, "crates/a/src/lib.rs:7: is long — split it");
    }

    #[test]
    fn an_exception_waives_one_rule_in_one_file() {
        let exceptions = [Exception { file: "a.rs", rule: Rule::Length, reason: "a table" }];
        let findings = vec![
            finding("a.rs", Rule::Length),
            finding("a.rs", Rule::Naming),
            finding("b.rs", Rule::Length),
        ];
        let kept = waive(findings.clone(), &exceptions);
        assert_eq!(kept, findings[1..]);
    }

    #[test]
    fn an_exception_that_waives_nothing_is_a_finding() {
        let exceptions = [Exception { file: "a.rs", rule: Rule::Length, reason: "was a table" }];
        let kept = waive(Vec::new(), &exceptions);
        assert_eq!(kept.len(), 1);
        assert_eq!((kept[0].file.as_str(), kept[0].rule), ("a.rs", Rule::Exception));
    }
}
