//! Which crate may use which.
//!
//! The table of this module is the architecture: a crate may use what is in a lower layer, never its neighbours. An
//! edge that is not in it is a decision, to be made here and in the design, not in a manifest.

use super::{Finding, Rule, line_where, manifest_of};
use crate::metadata::{Dependency, Graph, Kind, Package};
use crate::project::File;

/// The layers, lowest first. A crate may use every crate of the layers below its own.
const LAYERS: [&[&str]; 5] = [
    &["maestro-session-model"],
    &["maestro-state-store"],
    &["maestro-archive", "maestro-resume", "maestro-token-ledger", "maestro-context-chain"],
    &["maestro-session"],
    &["maestro-cli", "maestro-mcp", "maestro-hook"],
];

/// The edges inside a layer, from and to: `maestro mcp` starts the server.
const EDGES_IN_A_LAYER: [(&str, &str); 1] = [("maestro-cli", "maestro-mcp")];

/// What only tests may use.
const TEST_PACKAGE: &str = "maestro-testutils";

/// What the package for tests may use.
const BELOW_TEST_PACKAGE: [&str; 2] = ["maestro-session-model", "maestro-state-store"];

/// The tasks, which may use every crate and which no crate may use.
const TASKS: [&str; 2] = ["xtask", "xtask-product"];

/// The package that is started at every agent boundary, and so must start fast.
pub const LEAN_PACKAGE: &str = "maestro-hook";

/// What the lean package must not pull in, however far down: async runtimes, MCP, databases.
const HEAVY: [&str; 8] =
    ["tokio", "async-std", "rmcp", "maestro-mcp", "sqlx", "postgres", "tokio-postgres", "rusqlite"];

/// Returns the packages and edges that the table doesn't have.
///
/// `files` serves to name the line of a manifest.
pub fn check(packages: &[Package], files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages {
        let path = manifest_of(&package.folder);
        let manifest = files.iter().find(|file| file.path == path);
        let mut find = |needle: &str, message: String, remedy: String| {
            let line = manifest.map_or(1, |file| line_where(file, |line| line.contains(needle)));
            findings.push(Finding { file: path.clone(), line, rule: Rule::Arrow, message, remedy });
        };

        if !is_known(&package.name) {
            find(
                "name",
                format!("`{}` is in no layer", package.name),
                "add it to the table in xtask/src/tidy/arrows.rs, at the lowest layer that serves"
                    .to_owned(),
            );
            continue;
        }
        let folder = folder_of(&package.name);
        if package.folder != folder {
            find(
                "name",
                format!("`{}` lives in `{}`", package.name, package.folder),
                format!("move it to `{folder}`: a package is called `maestro-` and its folder"),
            );
        }
        let for_tests = package.name == TEST_PACKAGE || TASKS.contains(&package.name.as_str());
        if for_tests && package.published {
            find(
                "publish",
                format!("`{}` could be published", package.name),
                "write `publish = false`".to_owned(),
            );
        }
        for dependency in &package.dependencies {
            if let Err(why) = may_use(&package.name, dependency) {
                find(
                    &dependency.name,
                    format!("`{}` uses `{}`, {why}", package.name, dependency.name),
                    "move the code to where both may use it".to_owned(),
                );
            }
        }
    }
    findings
}

/// Returns the way by which the lean package pulls in something heavy.
pub fn check_lean(graph: &Graph) -> Option<Finding> {
    let path = graph.path(LEAN_PACKAGE, &HEAVY)?;
    Some(Finding {
        file: manifest_of(&folder_of(LEAN_PACKAGE)),
        line: 1,
        rule: Rule::Arrow,
        message: format!("pulls in what is too heavy for a hook: {}", path.join(" → ")),
        remedy: "cut the first arrow that can be cut, or put it behind a feature".to_owned(),
    })
}

/// Returns why the package `from` may not have the dependency.
fn may_use(from: &str, dependency: &Dependency) -> Result<(), &'static str> {
    let to = dependency.name.as_str();
    if !to.starts_with("maestro-") && !TASKS.contains(&to) {
        return Ok(());
    }
    if to == TEST_PACKAGE {
        let by_tests = dependency.kind == Kind::Dev || TASKS.contains(&from);
        return if by_tests { Ok(()) } else { Err("which is for dev-dependencies only") };
    }
    if TASKS.contains(&to) && !TASKS.contains(&from) {
        return Err("which is the end of the line");
    }
    if TASKS.contains(&from) || EDGES_IN_A_LAYER.contains(&(from, to)) {
        return Ok(());
    }
    if from == TEST_PACKAGE {
        let allowed = BELOW_TEST_PACKAGE.contains(&to);
        return if allowed { Ok(()) } else { Err("which crates that it tests are built on") };
    }
    match (layer(from), layer(to)) {
        (Some(upper), Some(lower)) if lower < upper => Ok(()),
        (Some(own), Some(other)) if own == other => Err("which is in the same layer"),
        (Some(_), Some(_)) => Err("which is in a higher layer"),
        // The package that is in no layer has a finding of its own.
        (None, _) | (_, None) => Ok(()),
    }
}

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&name))
}

fn is_known(name: &str) -> bool {
    name == TEST_PACKAGE || TASKS.contains(&name) || layer(name).is_some()
}

/// Returns where a package of the table lives.
fn folder_of(name: &str) -> String {
    match name.strip_prefix("maestro-") {
        Some(role) => format!("crates/{role}"),
        None => name.replace('-', "/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::parse_graph;

    fn package(name: &str, uses: &[(&str, Kind)]) -> Package {
        let dependency =
            |(name, kind): &(&str, Kind)| Dependency { name: (*name).to_owned(), kind: *kind };
        Package {
            name: name.to_owned(),
            folder: folder_of(name),
            published: name != TEST_PACKAGE && !TASKS.contains(&name),
            dependencies: uses.iter().map(dependency).collect(),
        }
    }

    fn messages(packages: &[Package]) -> Vec<String> {
        check(packages, &[]).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn the_arrows_of_the_design_are_legal() {
        let normal = |names: &[&'static str]| -> Vec<(&str, Kind)> {
            names.iter().map(|name| (*name, Kind::Normal)).collect()
        };
        let found = messages(&[
            package("maestro-session-model", &[("maestro-testutils", Kind::Dev)]),
            package("maestro-state-store", &normal(&["maestro-session-model", "rustix"])),
            package("maestro-archive", &normal(&["maestro-state-store", "maestro-session-model"])),
            package("maestro-session", &normal(&["maestro-archive", "maestro-session-model"])),
            package("maestro-cli", &normal(&["maestro-session", "maestro-mcp"])),
            package("maestro-hook", &normal(&["maestro-session"])),
            package("maestro-testutils", &normal(&["maestro-state-store", "proptest"])),
            package("xtask", &normal(&["maestro-cli", "maestro-testutils"])),
        ]);
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn every_other_arrow_is_a_finding() {
        for (from, to, kind) in [
            ("maestro-session-model", "maestro-state-store", Kind::Normal),
            ("maestro-archive", "maestro-resume", Kind::Normal),
            ("maestro-archive", "maestro-session", Kind::Dev),
            ("maestro-mcp", "maestro-cli", Kind::Normal),
            ("maestro-hook", "maestro-mcp", Kind::Normal),
            ("maestro-cli", "maestro-hook", Kind::Build),
            ("maestro-session", "maestro-testutils", Kind::Normal),
            ("maestro-testutils", "maestro-session", Kind::Normal),
            ("maestro-cli", "xtask", Kind::Dev),
        ] {
            let found = messages(&[package(from, &[(to, kind)])]);
            assert_eq!(found.len(), 1, "{from} → {to}: {found:?}");
            assert!(found[0].starts_with(&format!("`{from}` uses `{to}`, which")), "{found:?}");
        }
    }

    #[test]
    fn an_unknown_package_must_be_put_into_the_table() {
        let findings = check(&[package("maestro-common", &[])], &[]);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].message, "`maestro-common` is in no layer");
        assert!(findings[0].remedy.contains("arrows.rs"), "{}", findings[0].remedy);
    }

    #[test]
    fn the_folder_is_the_role_and_what_serves_tests_stays_here() {
        let mut moved = package("maestro-archive", &[]);
        moved.folder = "crates/archiving".to_owned();
        let mut published = package("maestro-testutils", &[]);
        published.published = true;
        assert_eq!(
            messages(&[moved, published]),
            [
                "`maestro-archive` lives in `crates/archiving`",
                "`maestro-testutils` could be published"
            ]
        );
    }

    #[test]
    fn a_finding_names_the_line_of_the_manifest() {
        let manifest = File {
            path: "crates/archive/Cargo.toml".to_owned(),
            text: "[package]\nname = \"maestro-archive\"\n\n[dependencies]\nmaestro-resume = { workspace = true }\n"
                .to_owned(),
        };
        let packages = [package("maestro-archive", &[("maestro-resume", Kind::Normal)])];
        assert_eq!(check(&packages, &[manifest])[0].line, 5);
    }

    #[test]
    fn a_runtime_far_below_the_hook_is_found() {
        let graph = |below: &str| {
            parse_graph(&format!(
                r#"{{"packages": [
                    {{"id": "1", "name": "maestro-hook"}}, {{"id": "2", "name": "maestro-session"}},
                    {{"id": "3", "name": "{below}"}}
                ], "resolve": {{"nodes": [
                    {{"id": "1", "deps": [{{"pkg": "2", "dep_kinds": [{{"kind": null}}]}}]}},
                    {{"id": "2", "deps": [{{"pkg": "3", "dep_kinds": [{{"kind": null}}]}}]}},
                    {{"id": "3", "deps": []}}
                ]}}}}"#
            ))
            .unwrap()
        };
        let found = check_lean(&graph("tokio")).unwrap();
        assert!(found.message.ends_with("maestro-hook → maestro-session → tokio"), "{found}");
        assert_eq!(check_lean(&graph("serde")), None);
    }
}
