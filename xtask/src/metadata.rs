//! What `cargo metadata` says about the workspace, reduced to what the tasks ask.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use crate::{Failure, Project};

/// A package of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// The name in its manifest.
    pub name: String,
    /// The folder relative to the root, with forward slashes.
    pub folder: String,
    /// Whether it may be published.
    pub published: bool,
    /// What its manifest asks for, inside the workspace and outside.
    pub dependencies: Vec<Dependency>,
}

/// A dependency as a manifest declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The name of the package, also where the manifest gives it another.
    pub name: String,
    /// What it is needed for.
    pub kind: Kind,
}

/// What a dependency is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// To run.
    Normal,
    /// To test.
    Dev,
    /// To build.
    Build,
}

/// Returns the packages of the workspace, without asking for anything outside it.
pub fn packages(project: &Project) -> Result<Vec<Package>, Failure> {
    let args = ["metadata", "--format-version", "1", "--no-deps"];
    parse_packages(&project.cargo_output(&args)?)
}

/// Returns what is built together with what, for all platforms and features in use.
pub fn graph(project: &Project) -> Result<Graph, Failure> {
    parse_graph(&project.cargo_output(&["metadata", "--format-version", "1"])?)
}

/// Reads the packages from the JSON of `cargo metadata`.
pub fn parse_packages(json: &str) -> Result<Vec<Package>, Failure> {
    let document = parse(json)?;
    // On Windows, cargo writes backslashes.
    let slashes = |text: &str| text.replace('\\', "/");
    let root = slashes(text(&document, "workspace_root")?);
    list(&document, "packages")?
        .iter()
        .map(|package| {
            let manifest = slashes(text(package, "manifest_path")?);
            let folder = manifest.strip_suffix("/Cargo.toml").unwrap_or(&manifest);
            let folder = folder.strip_prefix(&root).unwrap_or(folder).trim_start_matches('/');
            let dependencies = list(package, "dependencies")?
                .iter()
                .map(|dependency| {
                    let name = text(dependency, "name")?.to_owned();
                    Ok(Dependency { name, kind: kind(&dependency["kind"])? })
                })
                .collect::<Result<_, Failure>>()?;
            Ok(Package {
                name: text(package, "name")?.to_owned(),
                folder: folder.to_owned(),
                // Absent means everywhere, an empty list means nowhere.
                published: package["publish"].as_array().is_none_or(|list| !list.is_empty()),
                dependencies,
            })
        })
        .collect()
}

/// The resolved packages and what each of them is built with.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    names: BTreeMap<String, String>,
    /// Package id to package ids, without what only tests need.
    edges: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// Returns the shortest way from the package `from` to one of the packages `to`, by names and with both ends.
    pub fn path(&self, from: &str, to: &[&str]) -> Option<Vec<&str>> {
        let start = self.names.iter().find(|(_, name)| *name == from)?.0;
        let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
        let mut queue = VecDeque::from([start.as_str()]);
        while let Some(id) = queue.pop_front() {
            let name = self.names.get(id)?;
            if to.contains(&name.as_str()) {
                let mut path = vec![name.as_str()];
                let mut at = id;
                while let Some(before) = came_from.get(at) {
                    at = before;
                    path.push(self.names.get(at)?);
                }
                path.reverse();
                return Some(path);
            }
            for next in self.edges.get(id).into_iter().flatten() {
                if next != start && !came_from.contains_key(next.as_str()) {
                    came_from.insert(next, id);
                    queue.push_back(next);
                }
            }
        }
        None
    }
}

/// Reads the resolved graph from the JSON of `cargo metadata`.
pub fn parse_graph(json: &str) -> Result<Graph, Failure> {
    let document = parse(json)?;
    let mut graph = Graph::default();
    for package in list(&document, "packages")? {
        graph.names.insert(text(package, "id")?.to_owned(), text(package, "name")?.to_owned());
    }
    for node in list(&document["resolve"], "nodes")? {
        let mut edges = BTreeSet::new();
        for dependency in list(node, "deps")? {
            for used in list(dependency, "dep_kinds")? {
                if kind(&used["kind"])? != Kind::Dev {
                    edges.insert(text(dependency, "pkg")?.to_owned());
                }
            }
        }
        graph.edges.insert(text(node, "id")?.to_owned(), edges);
    }
    Ok(graph)
}

fn parse(json: &str) -> Result<Value, Failure> {
    serde_json::from_str(json).map_err(|error| unreadable(error.to_string()))
}

fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str, Failure> {
    value[field].as_str().ok_or_else(|| unreadable(format!("`{field}` is not a string")))
}

fn list<'a>(value: &'a Value, field: &str) -> Result<&'a [Value], Failure> {
    let list = value[field].as_array().map(Vec::as_slice);
    list.ok_or_else(|| unreadable(format!("`{field}` is not a list")))
}

fn kind(value: &Value) -> Result<Kind, Failure> {
    match value {
        Value::Null => Ok(Kind::Normal),
        Value::String(kind) if kind == "dev" => Ok(Kind::Dev),
        Value::String(kind) if kind == "build" => Ok(Kind::Build),
        other => Err(unreadable(format!("{other} is not a kind of dependency"))),
    }
}

fn unreadable(detail: String) -> Failure {
    Failure::Unreadable { what: "the output of `cargo metadata`", detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_reduced_to_what_the_rules_ask() {
        let json = r#"{
            "workspace_root": "C:\\work\\app",
            "packages": [{
                "name": "maestro-testutils",
                "manifest_path": "C:\\work\\app\\crates\\testutils\\Cargo.toml",
                "publish": [],
                "dependencies": [
                    {"name": "maestro-session-model", "kind": null},
                    {"name": "insta", "kind": "dev"}
                ]
            }]
        }"#;
        let dependency = |name: &str, kind| Dependency { name: name.to_owned(), kind };
        assert_eq!(
            parse_packages(json).unwrap(),
            [Package {
                name: "maestro-testutils".to_owned(),
                folder: "crates/testutils".to_owned(),
                published: false,
                dependencies: vec![
                    dependency("maestro-session-model", Kind::Normal),
                    dependency("insta", Kind::Dev),
                ],
            }]
        );
    }

    #[test]
    fn a_path_is_the_shortest_and_ignores_what_only_tests_need() {
        let json = r#"{
            "packages": [
                {"id": "h", "name": "hook"}, {"id": "s", "name": "session"},
                {"id": "t", "name": "tokio"}, {"id": "x", "name": "insta"}
            ],
            "resolve": {"nodes": [
                {"id": "h", "deps": [
                    {"pkg": "s", "dep_kinds": [{"kind": null}]},
                    {"pkg": "x", "dep_kinds": [{"kind": "dev"}]}
                ]},
                {"id": "s", "deps": [{"pkg": "t", "dep_kinds": [{"kind": "dev"}, {"kind": "build"}]}]},
                {"id": "t", "deps": [{"pkg": "h", "dep_kinds": [{"kind": null}]}]}
            ]}
        }"#;
        let graph = parse_graph(json).unwrap();
        assert_eq!(graph.path("hook", &["tokio"]), Some(vec!["hook", "session", "tokio"]));
        assert_eq!(graph.path("hook", &["insta"]), None);
        assert_eq!(graph.path("absent", &["tokio"]), None);
    }

    #[test]
    fn output_of_another_shape_is_an_error_and_not_an_empty_workspace() {
        for json in ["", "{}", r#"{"workspace_root": "/", "packages": [{}]}"#] {
            assert!(parse_packages(json).is_err(), "{json}");
        }
        assert!(parse_graph(r#"{"packages": [], "resolve": null}"#).is_err());
    }
}
