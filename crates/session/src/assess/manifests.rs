//! What the manifests of a project say it depends on.
//!
//! Knows of each format what is simple and certain in it, and no more: what cannot be read that way depends on nothing.
//! Reads no file.

use std::collections::BTreeSet;

/// The manifests that are understood.
pub(super) const MANIFESTS: [&str; 6] =
    ["package.json", "requirements.txt", "pyproject.toml", "Gemfile", "Cargo.toml", "go.mod"];

/// Whose packages a manifest names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ecosystem {
    Node,
    Python,
    Ruby,
    Rust,
    Go,
}

use Ecosystem::{Go, Node, Python, Ruby, Rust};

/// The frameworks in the order in which they are listed, each with the packages that it is known by.
const FRAMEWORKS: [(&str, &[(Ecosystem, &str)]); 15] = [
    ("react", &[(Node, "react"), (Node, "react-dom")]),
    ("vue", &[(Node, "vue")]),
    ("angular", &[(Node, "@angular/core")]),
    ("next", &[(Node, "next")]),
    ("express", &[(Node, "express")]),
    ("fastify", &[(Node, "fastify")]),
    ("django", &[(Node, "django"), (Python, "django")]),
    ("flask", &[(Node, "flask"), (Python, "flask")]),
    ("rails", &[(Node, "rails"), (Ruby, "rails")]),
    ("fastapi", &[(Python, "fastapi")]),
    ("axum", &[(Rust, "axum")]),
    ("actix-web", &[(Rust, "actix-web")]),
    ("rocket", &[(Rust, "rocket")]),
    ("gin", &[(Go, "github.com/gin-gonic/gin")]),
    ("echo", &[(Go, "github.com/labstack/echo")]),
];

/// The packages that a project depends on.
#[derive(Debug, Default)]
pub(super) struct Dependencies(BTreeSet<(Ecosystem, String)>);

impl Dependencies {
    /// Adds what the manifest called `name` says.
    pub(super) fn add(&mut self, name: &str, text: &str) {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let (ecosystem, packages) = match name {
            "package.json" => (Node, package_json(text)),
            "requirements.txt" => (Python, text.lines().filter_map(requirement).collect()),
            "pyproject.toml" => (Python, pyproject(text)),
            "Gemfile" => (Ruby, text.lines().filter_map(gem).collect()),
            "Cargo.toml" => (Rust, keys_of_tables(text, is_cargo_table)),
            "go.mod" => (Go, go_mod(text)),
            _ => return,
        };
        self.0.extend(packages.into_iter().map(|package| (ecosystem, package)));
    }

    /// Returns the frameworks among the packages, each once.
    pub(super) fn frameworks(&self) -> impl Iterator<Item = &'static str> {
        let is_used = |packages: &[(Ecosystem, &str)]| {
            packages.iter().any(|(ecosystem, name)| self.0.contains(&(*ecosystem, (*name).into())))
        };
        FRAMEWORKS.into_iter().filter(move |(_, packages)| is_used(packages)).map(|(name, _)| name)
    }
}

fn package_json(text: &str) -> Vec<String> {
    let Ok(manifest) = serde_json::from_str::<serde_json::Value>(text) else { return Vec::new() };
    let lists = ["dependencies", "devDependencies"].into_iter();
    let lists = lists.filter_map(|list| manifest.get(list)?.as_object());
    lists.flat_map(serde_json::Map::keys).cloned().collect()
}

/// The package that a line such as `Django[argon2]>=5 ; python_version > "3"` names, in its common spelling.
fn requirement(line: &str) -> Option<String> {
    let line = line.trim();
    let is_in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let (name, rest) = line.split_at(line.find(|c| !is_in_name(c)).unwrap_or(line.len()));
    let is_one = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && rest.trim_start().chars().next().is_none_or(|c| "[=<>!~;@(,#".contains(c));
    is_one.then(|| name.to_ascii_lowercase().replace(['_', '.'], "-"))
}

fn gem(line: &str) -> Option<String> {
    let rest = line.trim().strip_prefix("gem")?;
    let rest = rest.strip_prefix([' ', '(', '\t'])?.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    rest[1..].split_once(quote).map(|(name, _)| name.to_owned())
}

fn is_cargo_table(table: &str) -> bool {
    let (owner, kind) = table.rsplit_once('.').unwrap_or(("", table));
    let is_cargos = matches!(owner, "" | "workspace") || owner.starts_with("target.");
    is_cargos && matches!(kind, "dependencies" | "dev-dependencies")
}

fn is_poetry_table(table: &str) -> bool {
    table.starts_with("tool.poetry.") && table.ends_with("dependencies")
}

/// The lists of the standard that hold requirements, not one package a key.
fn is_list_of_requirements(table: &str, key: &str) -> bool {
    match table {
        "project" => key == "dependencies",
        "project.optional-dependencies" | "dependency-groups" => true,
        _ => false,
    }
}

fn pyproject(text: &str) -> Vec<String> {
    let keys = keys_of_tables(text, is_poetry_table).into_iter();
    let mut packages: Vec<String> = keys.filter_map(|key| requirement(&key)).collect();
    for (table, key, value) in assignments(text) {
        if is_list_of_requirements(table, key) {
            packages.extend(strings_of_list(value).into_iter().filter_map(requirement));
        }
    }
    packages
}

/// The keys of the tables that `is_wanted`, and of the form `[<wanted>.<key>]`.
fn keys_of_tables(text: &str, is_wanted: fn(&str) -> bool) -> Vec<String> {
    let keys = assignments(text).into_iter().filter(|(table, ..)| is_wanted(table));
    // Of `axum.workspace = true` the first part.
    let keys = keys.map(|(_, key, _)| key.split('.').next().unwrap_or(key));
    let headers = tables(text).into_iter().filter_map(|(table, _)| table.rsplit_once('.'));
    let headers = headers.filter(|(table, _)| is_wanted(table)).map(|(_, key)| key);
    keys.chain(headers).map(|key| key.trim().trim_matches(['"', '\'']).to_owned()).collect()
}

/// The tables of a TOML file, each with the text below its header; none if strings of several lines could look like some.
fn tables(text: &str) -> Vec<(&str, &str)> {
    if text.contains("\"\"\"") || text.contains("'''") {
        return Vec::new();
    }
    let mut tables = Vec::new();
    let (mut name, mut start, mut at) = ("", 0, 0);
    for line in text.split_inclusive('\n') {
        let header = line.trim().strip_prefix('[').and_then(|rest| rest.split_once(']'));
        // What lists have on lines of their own is quoted, or a list with a comma behind it.
        let header = header.filter(|(_, rest)| is_blank(rest.strip_prefix(']').unwrap_or(rest)));
        if let Some((header, _)) = header {
            tables.push((name, &text[start..at]));
            (name, start) = (header.trim(), at + line.len());
        }
        at += line.len();
    }
    tables.push((name, &text[start..]));
    tables
}

fn is_blank(rest: &str) -> bool {
    let rest = rest.trim_start();
    rest.is_empty() || rest.starts_with('#')
}

/// The table, the key and the value of each line that begins with a key. A value goes on to the next such line.
fn assignments(text: &str) -> Vec<(&str, &str, &str)> {
    let mut found = Vec::new();
    for (table, body) in tables(text) {
        // Where the key begins, where it ends.
        let mut keys: Vec<(usize, usize)> = Vec::new();
        let mut at = 0;
        for line in body.split_inclusive('\n') {
            if let Some((key, _)) = line.split_once('=').filter(|(key, _)| is_key(key)) {
                keys.push((at, at + key.len()));
            }
            at += line.len();
        }
        let ends = keys.iter().skip(1).map(|(start, _)| *start).chain([body.len()]);
        for ((start, sign), end) in keys.iter().zip(ends) {
            found.push((table, body[*start..*sign].trim(), &body[sign + 1..end]));
        }
    }
    found
}

/// Whether `text` could be a key of TOML; what a list has on a line of its own could not.
fn is_key(text: &str) -> bool {
    let is_closed = |quote: char| text.matches(quote).count().is_multiple_of(2);
    text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.\"' \t".contains(c))
        && is_closed('"')
        && is_closed('\'')
}

/// The strings of a list that `text` begins with, without those of the tables in it.
fn strings_of_list(text: &str) -> Vec<&str> {
    let mut strings = Vec::new();
    let Some(mut rest) = text.trim_start().strip_prefix('[') else { return strings };
    let mut braces = 0_usize;
    while let Some(at) = rest.find(['"', '\'', ']', '#', '{', '}']) {
        let (mark, after) = (rest.as_bytes()[at], &rest[at + 1..]);
        rest = match mark {
            b'"' | b'\'' => {
                let Some((string, after)) = after.split_once(char::from(mark)) else { break };
                if braces == 0 {
                    strings.push(string);
                }
                after
            }
            b'#' => after.split_once('\n').map_or("", |(_, after)| after),
            b'{' => {
                braces += 1;
                after
            }
            b'}' => {
                braces = braces.saturating_sub(1);
                after
            }
            _ => break,
        };
    }
    strings
}

/// The modules that are required for the project itself, without the number of their major version.
fn go_mod(text: &str) -> Vec<String> {
    let mut modules = Vec::new();
    let mut block = None;
    for line in text.lines() {
        let (line, comment) = line.split_once("//").unwrap_or((line, ""));
        let mut words = line.split_whitespace();
        let (directive, first) = match (block, words.next()) {
            (_, None) => continue,
            (_, Some(")")) => {
                block = None;
                continue;
            }
            (Some(directive), first) => (directive, first),
            (None, Some(directive)) => (directive, words.next()),
        };
        if first == Some("(") {
            block = Some(directive);
        } else if let Some(module) = first.filter(|_| directive == "require")
            && comment.trim() != "indirect"
        {
            modules.push(without_major_version(module).to_owned());
        }
    }
    modules
}

fn without_major_version(module: &str) -> &str {
    match module.rsplit_once("/v") {
        Some((module, version)) if version.bytes().all(|byte| byte.is_ascii_digit()) => module,
        _ => module,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(manifests: &[(&str, &str)]) -> String {
        let mut dependencies = Dependencies::default();
        for (name, text) in manifests {
            dependencies.add(name, text);
        }
        dependencies.frameworks().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_package_json_names_its_frameworks_in_one_order_and_each_once() {
        let text = r#"{
            "dependencies": {"next": "15", "react-dom": "19", "react": "19", "left-pad": "1"},
            "devDependencies": {"@angular/core": "1", "fastify": "5", "express": "5", "vue": "3"},
            "peerDependencies": {"flask": "1"}
        }"#;
        assert_eq!(found(&[("package.json", text)]), "react vue angular next express fastify");
        let text = "\u{feff}{\"dependencies\": {\"rails\": \"1\", \"django\": \"1\"}}";
        assert_eq!(found(&[("package.json", text)]), "django rails");
    }

    #[test]
    fn a_malformed_package_json_names_nothing() {
        for text in [
            "",
            "{",
            "[]",
            "3",
            r#"{"dependencies": ["react"]}"#,
            r#"{"dependencies": "react"}"#,
            r#"{"dependencies": {"react": "1"},}"#,
        ] {
            assert_eq!(found(&[("package.json", text)]), "", "{text}");
        }
    }

    #[test]
    fn requirements_are_read_in_every_spelling() {
        for (text, expected) in [
            ("Django", "django"),
            ("django>=5", "django"),
            (" FLASK==3 # web", "flask"),
            ("flask [async] ~= 3", "flask"),
            ("fastapi @ https://x/y", "fastapi"),
            ("fast.api", ""),
        ] {
            assert_eq!(found(&[("requirements.txt", text)]), expected, "{text}");
        }
        let text = "# django\n-r flask\n-e git+https://x/flask\nflask-login==1\ndjango is nice\n";
        assert_eq!(found(&[("requirements.txt", text)]), "");
        assert_eq!(found(&[("requirements.txt", "a\r\nfastapi[all]\r\n")]), "fastapi");
    }

    #[test]
    fn a_pyproject_has_lists_or_tables_of_requirements() {
        let lists = "[project]\nname = \"flask\"\ndependencies = [\n  \"uvicorn[standard]>=1\", # \"flask\"\n  'django==5',\n]\n\
                     keywords = [\"flask\"]\n[project.optional-dependencies]\nweb = [\"fastapi\"]\n";
        assert_eq!(found(&[("pyproject.toml", lists)]), "django fastapi");
        let groups = "[dependency-groups]\ndev = [{include-group = \"flask\"}, \"django\"]\n";
        assert_eq!(found(&[("pyproject.toml", groups)]), "django");
        let poetry = "[tool.poetry.dependencies]\npython = \"^3\"\nDjango = \"^5\"\n\
                      [tool.poetry.group.dev.dependencies]\nflask = {version = \"*\"}\n[tool.poetry]\nfastapi = 1\n";
        assert_eq!(found(&[("pyproject.toml", poetry)]), "django flask");
        let text =
            "[project]\ndescription = \"\"\"\n[tool.poetry.dependencies]\nflask = 1\n\"\"\"\n";
        assert_eq!(found(&[("pyproject.toml", text)]), "");
    }

    /// A megabyte of lists that never end.
    #[test]
    fn lists_without_an_end_are_read_once() {
        let text = format!("[dependency-groups]\n{}a=['flask'", "a=[\n".repeat(260_000));
        assert_eq!(found(&[("pyproject.toml", &text)]), "flask");
    }

    #[test]
    fn a_gemfile_names_gems() {
        assert_eq!(found(&[("Gemfile", "source 'x'\n  gem 'rails', '~> 8'\n")]), "rails");
        assert_eq!(found(&[("Gemfile", "gem(\"rails\")")]), "rails");
        let text = "# gem 'rails'\ngem 'rails-i18n'\ngemspec 'rails'\ngem rails\ngem 'rails";
        assert_eq!(found(&[("Gemfile", text)]), "");
    }

    #[test]
    fn a_cargo_manifest_has_tables_of_dependencies() {
        let text = "[package]\nname = \"rocket\"\n[dependencies]\naxum = \"0.8\"\n";
        assert_eq!(found(&[("Cargo.toml", text)]), "axum");
        let text = "[dependencies.actix-web]\nversion = \"4\"\n[dev-dependencies]\nrocket.workspace = true\n";
        assert_eq!(found(&[("Cargo.toml", text)]), "actix-web rocket");
        let text = "[workspace.dependencies] # ours\r\naxum = { version = \"1\" }\r\n[features]\r\nrocket = []\r\n";
        assert_eq!(found(&[("Cargo.toml", text)]), "axum");
        let text = "[dependencies]\n# axum = \"1\"\nx = { features = [\n  \"rocket\",\n] }\n";
        assert_eq!(found(&[("Cargo.toml", text)]), "");
    }

    #[test]
    fn what_only_looks_like_a_table_of_dependencies_is_none() {
        let text =
            "[package.metadata.x.dependencies]\naxum = 1\n[features.dependencies]\nrocket = 1\n";
        assert_eq!(found(&[("Cargo.toml", text)]), "");
        let text =
            "  [dependencies]\n  serde = \"1\"\n[[bin]]\naxum = 1\n [features]\nrocket = []\n";
        assert_eq!(found(&[("Cargo.toml", text)]), "");
        let text = "[target.'cfg(unix)'.dependencies]\nrocket = \"1\"\n";
        assert_eq!(found(&[("Cargo.toml", text)]), "rocket");
        let text = "[tool.poetry.dependencies]\nx = {extras = [\n\"django>=5\",\n]}\n";
        assert_eq!(found(&[("pyproject.toml", text)]), "");
    }

    #[test]
    fn a_go_module_requires_others() {
        let text = "module x\n\nrequire github.com/labstack/echo/v4 v4.1.0\n\
                    require (\n\tgithub.com/gin-gonic/gin v1.9.0\n)\n";
        assert_eq!(found(&[("go.mod", text)]), "gin echo");
        let text = "module github.com/gin-gonic/gin\nexclude (\n\tgithub.com/gin-gonic/gin v1\n)\n\
                    require (\n\tgithub.com/labstack/echo v4 // indirect\n\t// github.com/gin-gonic/gin v1\n)\n";
        assert_eq!(found(&[("go.mod", text)]), "");
    }

    #[test]
    fn a_framework_that_two_manifests_name_is_listed_once() {
        let manifests = [
            ("go.mod", "require github.com/gin-gonic/gin v1"),
            ("requirements.txt", "django"),
            ("pyproject.toml", "[project]\ndependencies = ['django']"),
            ("package.json", r#"{"dependencies": {"django": "1"}}"#),
        ];
        assert_eq!(found(&manifests), "django gin");
    }

    proptest! {
        #[test]
        fn no_manifest_makes_the_readers_panic(
            text in "([\\[\\]{}\"'#=.,() \n]|axum|gem|require|dependencies|project|é){0,40}",
        ) {
            for name in MANIFESTS {
                found(&[(name, &text)]);
            }
        }
    }
}
