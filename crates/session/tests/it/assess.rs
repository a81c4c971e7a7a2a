//! An assessment counts what is the project's own, and says what its root says.

use std::sync::Arc;

use maestro_session::{Assessment, CodeSize, RepoSize, Workspace};
use maestro_state_store::OsDisk;

use crate::fixture::{Fixture, code};

/// A fixture with nothing in it.
fn empty() -> Fixture {
    let fixture = Fixture::new();
    fs_err::remove_file(fixture.path("plan.md")).unwrap();
    fixture
}

fn assess(fixture: &Fixture) -> Assessment {
    fixture.workspace().assess(&mut |_| {}).unwrap()
}

#[test]
fn an_empty_workspace_is_empty() {
    let found = assess(&empty());
    insta::assert_snapshot!(format!("{found:#?}"), @r"
    Assessment {
        file_count: 0,
        directory_depth: 0,
        has_package_json: false,
        has_config_files: [],
        frameworks_detected: [],
        existing_test_infrastructure: false,
        lines_of_code_estimate: Low,
        repo_is_empty: true,
        repo_size_estimate: Empty,
    }
    ");
}

#[test]
fn a_session_adds_only_its_plan_and_is_not_touched() {
    let fixture = Fixture::begun();
    let before = fixture.snapshot();
    let found = assess(&fixture);
    assert_eq!((found.file_count, found.directory_depth), (1, 0), "plan.md, and no state dir");
    assert_eq!(fixture.snapshot(), before);
}

#[test]
fn what_git_ignores_and_what_is_installed_does_not_count() {
    let fixture = empty();
    for file in ["src/lib.rs", "src/deep/a/b.rs", "out/log/x/y/z.txt", "notes.tmp", ".env"] {
        fixture.write(file, file);
    }
    for file in ["node_modules/a/b/c/d/index.js", "app/node_modules/x.js", "target/debug/x"] {
        fixture.write(file, file);
    }
    fixture.write(".gitignore", "out/\n*.tmp\n.env\n");
    let found = assess(&fixture);
    assert_eq!((found.file_count, found.directory_depth), (3, 3));
    assert_eq!(found.has_config_files, [".env"], "it is there, whoever ignores it");
}

#[test]
fn a_session_in_a_large_project_is_told_how_far_the_look_is() {
    let fixture = empty();
    for n in 0..201 {
        fixture.write(&format!("src/{n}.rs"), "");
    }
    let mut told = Vec::new();
    let found = fixture.workspace().assess(&mut |seen| told.push(seen)).unwrap();
    assert_eq!(found.repo_size_estimate, RepoSize::Large);
    assert_eq!(found.lines_of_code_estimate, CodeSize::High);
    assert_eq!(told.last(), Some(&201));
}

#[test]
fn the_root_says_how_a_project_is_built_and_tested() {
    let fixture = empty();
    fixture.write("package.json", r#"{"dependencies": {"react": "19"}}"#);
    fixture.write("requirements.txt", "flask==3\n");
    fixture.write("pyproject.toml", "[project]\ndependencies = [\"fastapi\"]\n");
    fixture.write("Gemfile", "gem 'rails'\n");
    fixture.write("Cargo.toml", "[dependencies]\naxum = \"0.8\"\n");
    fixture.write("go.mod", "require github.com/gin-gonic/gin v1\n");
    fixture.write("web/package.json", r#"{"dependencies": {"vue": "3"}}"#);
    fixture.write("test/a.js", "");
    let found = assess(&fixture);
    assert!(found.has_package_json && found.existing_test_infrastructure);
    let expected = ["react", "flask", "rails", "fastapi", "axum", "gin"];
    assert_eq!(found.frameworks_detected, expected);
}

#[test]
fn a_manifest_that_cannot_be_read_names_nothing() {
    let fixture = empty();
    fixture.write("package.json", r#"{"dependencies": {"react": "19"}"#);
    let found = assess(&fixture);
    assert!(found.has_package_json && found.frameworks_detected.is_empty());
    let padding = " ".repeat(1 << 20);
    fixture.write("package.json", format!(r#"{{"dependencies": {{"react": "19"}}}}{padding}"#));
    fixture.write("requirements.txt", [b'f', b'l', b'a', b's', b'k', b'\n', 0xff]);
    fs_err::create_dir(fixture.path("Gemfile")).unwrap();
    assert!(assess(&fixture).frameworks_detected.is_empty());
}

#[cfg(unix)]
#[test]
fn links_are_no_files_and_lead_nowhere_outside() {
    use fs_err::os::unix::fs::symlink;

    let (fixture, outside) = (empty(), tempfile::tempdir().unwrap());
    let elsewhere = Fixture { dir: outside, variables: Vec::new() };
    elsewhere.write("package.json", r#"{"dependencies": {"react": "19"}}"#);
    elsewhere.write("src/a/b/c.rs", "");
    fixture.write("config/requirements.txt", "flask\n");
    symlink(elsewhere.path("package.json"), fixture.path("package.json")).unwrap();
    symlink(elsewhere.path("src"), fixture.path("src")).unwrap();
    symlink("config/requirements.txt", fixture.path("requirements.txt")).unwrap();
    symlink(".", fixture.path("loop")).unwrap();
    symlink("nowhere", fixture.path("Gemfile")).unwrap();
    let found = assess(&fixture);
    assert_eq!((found.file_count, found.directory_depth), (1, 1));
    assert_eq!(found.frameworks_detected, ["flask"]);
}

#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_a_manifest_is_not_waited_for() {
    let fixture = empty();
    let made = std::process::Command::new("mkfifo").arg(fixture.path("Cargo.toml")).status();
    assert!(made.unwrap().success());
    assert!(assess(&fixture).repo_is_empty);
}

#[test]
fn a_root_that_is_gone_is_an_error() {
    let fixture = empty();
    fs_err::create_dir(fixture.path("project")).unwrap();
    let root = fixture.path("project");
    let workspace = Workspace::open(&root, fixture.env(), Arc::new(OsDisk)).unwrap();
    fs_err::remove_dir(&root).unwrap();
    assert_eq!(code(workspace.assess(&mut |_| {})), "IO");
}
