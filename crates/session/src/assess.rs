//! A first look at a workspace, for judging how demanding a task in it is.
//!
//! Joins the walk through the workspace with what lies in its root. Counts and recognises; how demanding the task is, says
//! whoever asks.

use maestro_resume::walk;
use maestro_state_store::disk::{Access, Kind};
use maestro_state_store::{StateDir, StateDirError};
use serde::Serialize;

use crate::assess::manifests::{Dependencies, MANIFESTS};
use crate::error::SessionError;
use crate::workspace::Workspace;

mod manifests;

/// The largest manifest that is read, in bytes.
const MAX_MANIFEST_BYTES: usize = 1 << 20;

/// The most files that a small repository has.
const MOST_IF_SMALL: usize = 20;

/// The most files that a medium repository has.
const MOST_IF_MEDIUM: usize = 200;

/// Names of what is installed or made: neither a directory of such a name counts, with all that is in it, nor a file.
const NOT_COUNTED: [&str; 15] = [
    "node_modules",
    ".git",
    "dist",
    "build",
    ".next",
    "__pycache__",
    "venv",
    ".venv",
    "target",
    "vendor",
    ".cache",
    ".output",
    "coverage",
    ".nyc_output",
    ".pytest_cache",
];

/// Files that say how a project is built and kept in order, in the order in which they are listed.
const CONFIG_FILES: [&str; 10] = [
    ".eslintrc",
    ".prettierrc",
    "tsconfig.json",
    "webpack.config.js",
    "vite.config.js",
    "next.config.js",
    ".env",
    "docker-compose.yml",
    "Dockerfile",
    "Makefile",
];

/// Where a project has its tests.
const TEST_DIRS: [&str; 3] = ["tests", "__tests__", "test"];

/// What a workspace looks like from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Assessment {
    /// How many files there are. Links are none; what git ignores, what is installed or built, and the state dir don't count.
    pub file_count: usize,
    /// How many directories the deepest of them lies in; 0 if all lie in the root.
    pub directory_depth: usize,
    /// Whether there is a `package.json` in the root.
    pub has_package_json: bool,
    /// The well-known configuration files in the root, also those that git ignores.
    pub has_config_files: Vec<String>,
    /// The frameworks that the manifests in the root depend on.
    pub frameworks_detected: Vec<String>,
    /// Whether the root has a directory of tests, by its name.
    pub existing_test_infrastructure: bool,
    /// How much code there may be, judged by the number of files alone.
    pub lines_of_code_estimate: CodeSize,
    /// Whether there is no file.
    pub repo_is_empty: bool,
    /// How large the repository is, by the number of files.
    pub repo_size_estimate: RepoSize,
}

/// How much code there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeSize {
    /// At most 20 files.
    Low,
    /// At most 200 files.
    Moderate,
    /// More.
    High,
}

/// How large a repository is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RepoSize {
    /// No file.
    Empty,
    /// At most 20 files.
    Small,
    /// At most 200 files.
    Medium,
    /// More.
    Large,
}

impl Workspace {
    /// Looks at the workspace from outside: how many files there are, and what the root says of how it is built and tested.
    /// Changes nothing and takes no lock.
    ///
    /// Follows no link, except that a manifest may be one that leads to another place in the workspace. What cannot be read
    /// is left out; only a root that cannot be listed is an error. `progress` is told how many files were seen so far.
    pub fn assess(&self, progress: &mut dyn FnMut(usize)) -> Result<Assessment, SessionError> {
        let dir = self.state_dir();
        let listed = dir.disk().list(dir.workspace()).map_err(StateDirError::from)?;
        let in_root: Vec<&str> = listed.iter().map(|entry| entry.name.as_str()).collect();
        let left_out = [(dir.relative().clone(), "the state dir")];
        let walked = walk(dir.disk(), dir.workspace(), &left_out, &self.excludes(), progress);
        let files = walked.files.iter().filter(|(_, file)| !file.is_link);
        let mut dependencies = Dependencies::default();
        for name in MANIFESTS.into_iter().filter(|name| in_root.contains(name)) {
            if let Some(text) = read_manifest(dir, name) {
                dependencies.add(name, &text);
            }
        }
        Ok(Assessment::of(files.map(|(path, _)| path.as_str()), &in_root, &dependencies))
    }
}

impl Assessment {
    /// Judges a workspace by the paths of its files, the names in its root, and what its manifests say.
    fn of<'p>(
        files: impl Iterator<Item = &'p str>,
        in_root: &[&str],
        dependencies: &Dependencies,
    ) -> Self {
        let (mut file_count, mut directory_depth) = (0, 0);
        for path in files.filter(|path| !path.split('/').any(|name| NOT_COUNTED.contains(&name))) {
            file_count += 1;
            directory_depth = directory_depth.max(path.matches('/').count());
        }
        let present = |names: &[&str]| -> Vec<String> {
            names.iter().filter(|name| in_root.contains(name)).map(ToString::to_string).collect()
        };
        let (repo_size_estimate, lines_of_code_estimate) = match file_count {
            0 => (RepoSize::Empty, CodeSize::Low),
            few if few <= MOST_IF_SMALL => (RepoSize::Small, CodeSize::Low),
            some if some <= MOST_IF_MEDIUM => (RepoSize::Medium, CodeSize::Moderate),
            _ => (RepoSize::Large, CodeSize::High),
        };
        Self {
            file_count,
            directory_depth,
            has_package_json: in_root.contains(&"package.json"),
            has_config_files: present(&CONFIG_FILES),
            frameworks_detected: dependencies.frameworks().map(str::to_owned).collect(),
            existing_test_infrastructure: !present(&TEST_DIRS).is_empty(),
            lines_of_code_estimate,
            repo_is_empty: file_count == 0,
            repo_size_estimate,
        }
    }
}

/// Reads a manifest in the root; nothing if it is no small text file of this workspace.
fn read_manifest(dir: &StateDir, name: &str) -> Option<String> {
    let disk = dir.disk();
    let place = disk.canonicalize(&dir.workspace().join(name)).ok()?;
    if !place.starts_with(dir.workspace()) {
        return None;
    }
    // Before it is opened, too: a pipe could keep us waiting.
    if disk.entry(&place).ok()??.kind != Kind::File {
        return None;
    }
    let mut file = disk.open(&place, Access::Read).ok()?;
    if file.entry().ok()?.kind != Kind::File {
        return None;
    }
    let bytes = file.read_at(0, MAX_MANIFEST_BYTES + 1).ok()?;
    if MAX_MANIFEST_BYTES < bytes.len() {
        return None;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assess(files: &[&str], in_root: &[&str]) -> Assessment {
        Assessment::of(files.iter().copied(), in_root, &Dependencies::default())
    }

    #[test]
    fn the_fields_are_those_that_clients_know_in_their_order() {
        let mut dependencies = Dependencies::default();
        dependencies.add("package.json", r#"{"dependencies": {"vue": "3", "react": "19"}}"#);
        let in_root = ["Makefile", ".env", "package.json", "tests", "src"];
        let found = Assessment::of(["src/a/b.rs", "Makefile"].into_iter(), &in_root, &dependencies);
        insta::assert_snapshot!(serde_json::to_string_pretty(&found).unwrap(), @r#"
        {
          "file_count": 2,
          "directory_depth": 2,
          "has_package_json": true,
          "has_config_files": [
            ".env",
            "Makefile"
          ],
          "frameworks_detected": [
            "react",
            "vue"
          ],
          "existing_test_infrastructure": true,
          "lines_of_code_estimate": "low",
          "repo_is_empty": false,
          "repo_size_estimate": "small"
        }
        "#);
    }

    #[test]
    fn the_number_of_files_says_how_large_it_is() {
        let sizes = |count: usize| {
            let found = assess(&vec!["a"; count], &[]);
            (found.repo_size_estimate, found.lines_of_code_estimate, found.repo_is_empty)
        };
        assert_eq!(sizes(0), (RepoSize::Empty, CodeSize::Low, true));
        assert_eq!(sizes(1), (RepoSize::Small, CodeSize::Low, false));
        assert_eq!(sizes(20), (RepoSize::Small, CodeSize::Low, false));
        assert_eq!(sizes(21), (RepoSize::Medium, CodeSize::Moderate, false));
        assert_eq!(sizes(200), (RepoSize::Medium, CodeSize::Moderate, false));
        assert_eq!(sizes(201), (RepoSize::Large, CodeSize::High, false));
    }

    #[test]
    fn what_is_installed_or_built_does_not_count() {
        let files = [
            "src/lib.rs",
            "node_modules/a/b/c/index.js",
            "app/vendor/x.php",
            "target",
            "tools/.cache",
            "builder/distance.rs",
        ];
        let found = assess(&files, &[]);
        assert_eq!((found.file_count, found.directory_depth), (2, 1));
    }

    #[test]
    fn tests_are_known_by_where_they_lie() {
        for name in ["tests", "__tests__", "test"] {
            assert!(assess(&[], &[name]).existing_test_infrastructure);
        }
        assert!(!assess(&["src/tests/a.rs"], &["src", "testing"]).existing_test_infrastructure);
    }

    #[test]
    fn configuration_is_listed_in_one_order_and_looked_for_in_the_root() {
        let in_root = ["Makefile", "Dockerfile", ".eslintrc", "tsconfig.json"];
        let expected = [".eslintrc", "tsconfig.json", "Dockerfile", "Makefile"];
        assert_eq!(assess(&["web/vite.config.js"], &in_root).has_config_files, expected);
    }
}
