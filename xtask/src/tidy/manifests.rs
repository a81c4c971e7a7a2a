//! What a manifest inherits from the workspace.
//!
//! Reads the small part of TOML that our manifests use, line by line. What it can't make sense of it reports, so that
//! a manifest in an unusual style is never taken for a good one.

use super::{Finding, Rule};
use crate::project::File;

/// What every package takes from `[workspace.package]`.
const INHERITED: [&str; 4] = ["version", "edition", "rust-version", "license"];

/// Returns what the manifest of a package says for itself though the workspace says it, or leaves out.
pub fn check(manifest: &File) -> Vec<Finding> {
    let entries = entries(&manifest.text);
    let mut findings = Vec::new();
    let mut find = |line: usize, message: String, remedy: String| {
        let file = manifest.path.clone();
        findings.push(Finding { file, line, rule: Rule::Manifest, message, remedy });
    };

    let package_line =
        entries.iter().find(|entry| entry.section == "package").map_or(1, |entry| entry.line);
    for key in INHERITED {
        let entry = entries.iter().find(|entry| entry.section == "package" && entry.name() == key);
        if !entry.is_some_and(Entry::is_inherited) {
            find(
                entry.map_or(package_line, |entry| entry.line),
                format!("`{key}` is not that of the workspace"),
                format!("write `{key}.workspace = true`"),
            );
        }
    }
    let described = entries.iter().any(|entry| {
        entry.section == "package" && entry.key == "description" && entry.value.len() > 2
    });
    if !described {
        find(
            package_line,
            "the package has no description".to_owned(),
            "say in one line what it is for".to_owned(),
        );
    }
    if !entries.iter().any(|entry| entry.section == "lints" && entry.is_inherited()) {
        find(
            1,
            "the lints are not those of the workspace".to_owned(),
            "add `[lints]` with `workspace = true`".to_owned(),
        );
    }
    for entry in &entries {
        match dependency(entry) {
            Some(Declared::Inline) if !entry.is_inherited() => find(
                entry.line,
                format!("`{}` does not come from the workspace", entry.name()),
                "put it into `[workspace.dependencies]` and write `workspace = true` here"
                    .to_owned(),
            ),
            Some(Declared::AsTable) => find(
                entry.line,
                format!("`[{}]` is a table of its own", entry.section),
                "write it on one line, as `name = { workspace = true }`".to_owned(),
            ),
            Some(Declared::Inline) | None => {}
        }
    }
    findings
}

/// A `key = value` of a manifest.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    line: usize,
    /// The table that it is in, as written between the brackets.
    section: String,
    /// The key as written, dots included.
    key: String,
    /// The value on its first line.
    value: String,
}

impl Entry {
    /// The key without `.workspace`.
    fn name(&self) -> &str {
        self.key.strip_suffix(".workspace").unwrap_or(&self.key)
    }

    /// Whether it is written as `key.workspace = true`, as `key = { workspace = true }` or, in a table of its own, as
    /// `workspace = true`.
    fn is_inherited(&self) -> bool {
        let dotted = self.key == "workspace" || self.key.ends_with(".workspace");
        let fields = self.value.trim_start_matches('{').trim_end_matches('}');
        let in_braces = self.value.starts_with('{')
            && fields.split(',').any(|field| {
                field.split_once('=').map(|(key, value)| (key.trim(), value.trim()))
                    == Some(("workspace", "true"))
            });
        (dotted && self.value == "true") || in_braces
    }
}

/// How a dependency is declared.
enum Declared {
    /// As an entry of a table of dependencies.
    Inline,
    /// As a table with its name in the header.
    AsTable,
}

/// Returns how `entry` declares a dependency, if it does.
fn dependency(entry: &Entry) -> Option<Declared> {
    let tables = ["dependencies", "dev-dependencies", "build-dependencies"];
    // `target.'cfg(unix)'.dependencies` ends like `dependencies`.
    let ends_in =
        |section: &str| tables.iter().any(|t| section == *t || section.ends_with(&format!(".{t}")));
    if ends_in(&entry.section) {
        return Some(Declared::Inline);
    }
    let (table, _) = entry.section.rsplit_once('.')?;
    ends_in(table).then_some(Declared::AsTable)
}

/// Splits a manifest into its entries.
fn entries(text: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut section = String::new();
    // How many brackets of a value that spans lines are still open.
    let mut open = 0_usize;
    for (index, line) in text.lines().enumerate() {
        let line = without_comment(line).trim();
        if open > 0 {
            open = open.saturating_add(line.matches('[').count());
            open = open.saturating_sub(line.matches(']').count());
        } else if let Some(header) = line.strip_prefix('[') {
            header.trim_matches(['[', ']']).trim().clone_into(&mut section);
        } else if let Some((key, value)) = line.split_once('=') {
            let value = value.trim();
            open = value.matches('[').count().saturating_sub(value.matches(']').count());
            entries.push(Entry {
                line: index + 1,
                section: section.clone(),
                key: key.trim().to_owned(),
                value: value.to_owned(),
            });
        }
    }
    entries
}

/// Cuts off a comment; a `#` in a string begins none.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    for (index, c) in line.char_indices() {
        match (quote, c) {
            (None, '#') => return &line[..index],
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"[package]
name = "maestro-archive"
description = "Moves a finished session # away"
version.workspace = true
edition = { workspace = true }
rust-version.workspace = true # as tested
license.workspace = true

[features]
default = [
    "a = b",
]

[dependencies]
serde = { workspace = true, features = ["rc"] }
thiserror.workspace = true

[target.'cfg(unix)'.dependencies]
rustix = { workspace = true }

[lints]
workspace = true
"#;

    fn findings(text: &str) -> Vec<(usize, String)> {
        let manifest = File { path: "crates/a/Cargo.toml".to_owned(), text: text.to_owned() };
        check(&manifest).into_iter().map(|finding| (finding.line, finding.message)).collect()
    }

    #[test]
    fn a_manifest_that_inherits_everything_passes() {
        assert_eq!(findings(GOOD), []);
    }

    #[test]
    fn what_the_workspace_says_is_not_said_again() {
        let own = GOOD
            .replace("version.workspace = true\nedition", "version = \"0.2.0\"\nedition")
            .replace("license.workspace = true\n", "")
            .replace("workspace = true, features", "version = \"1\", features")
            .replace("rustix = { workspace = true }", "rustix = \"1.1\"");
        assert_eq!(
            findings(&own),
            [
                (4, "`version` is not that of the workspace".to_owned()),
                (2, "`license` is not that of the workspace".to_owned()),
                (14, "`serde` does not come from the workspace".to_owned()),
                (18, "`rustix` does not come from the workspace".to_owned()),
            ]
        );
    }

    #[test]
    fn a_package_has_a_description_and_the_lints() {
        let bare = GOOD
            .replace("Moves a finished session # away", "")
            .replace("[lints]\nworkspace = true\n", "");
        assert_eq!(
            findings(&bare),
            [
                (2, "the package has no description".to_owned()),
                (1, "the lints are not those of the workspace".to_owned()),
            ]
        );
    }

    #[test]
    fn a_dependency_in_a_table_of_its_own_is_reported_rather_than_missed() {
        let table = format!("{GOOD}\n[dev-dependencies.insta]\nversion = \"1\"\n");
        assert_eq!(
            findings(&table),
            [(25, "`[dev-dependencies.insta]` is a table of its own".to_owned())]
        );
    }
}
