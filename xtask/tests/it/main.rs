//! The repository as it is, under its own rules.

use std::path::Path;

use xtask::{Failure, Project, tidy};

#[test]
fn the_repository_is_tidy() -> Result<(), Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is in the workspace");
    let project = Project { root: root.to_owned(), cargo: env!("CARGO").into(), in_ci: false };
    let findings: Vec<String> = tidy::check(&project)?.iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "`cargo xtask tidy` has findings:\n{}", findings.join("\n"));
    Ok(())
}
