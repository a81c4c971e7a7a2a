//! Drives the MCP server with clients that others wrote: both generations of the official TypeScript SDK, and the
//! MCP Inspector.
//!
//! The clients' versions are those of `xtask/e2e/package.json`; npm installs them into a scratch directory, where the
//! scripts beside it run against the program. They say what is expected; here is only what it takes to run them.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::{Failure, Project};

/// The files that make the clients, by name.
const FILES: [(&str, &str); 8] = [
    ("package.json", include_str!("../e2e/package.json")),
    ("hosts.mjs", include_str!("../e2e/hosts.mjs")),
    ("inspector.mjs", include_str!("../e2e/inspector.mjs")),
    ("life.mjs", include_str!("../e2e/life.mjs")),
    ("main.mjs", include_str!("../e2e/main.mjs")),
    ("schemas.mjs", include_str!("../e2e/schemas.mjs")),
    ("steps.mjs", include_str!("../e2e/steps.mjs")),
    ("trouble.mjs", include_str!("../e2e/trouble.mjs")),
];

/// The clients, as npm names them.
const CLIENTS: [&str; 3] = [
    "@modelcontextprotocol/sdk",
    "@modelcontextprotocol/client",
    "@modelcontextprotocol/inspector",
];

/// How npm is called.
const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// How it is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct E2e {
    /// Whether the scratch directory stays when everything went well.
    pub keep: bool,
}

impl E2e {
    /// Reads the arguments of the task.
    pub fn parse(args: &[&str]) -> Result<Self, Failure> {
        match args {
            [] => Ok(Self { keep: false }),
            ["--keep"] => Ok(Self { keep: true }),
            words => Err(Failure::Usage(format!("`{}` is not an option", words.join(" ")))),
        }
    }
}

/// Builds the program, installs the clients, and has them do everything.
#[expect(clippy::disallowed_methods, reason = "the time is shown, nothing depends on it")]
pub fn run(project: &Project, e2e: &E2e) -> Result<(), Failure> {
    let began = Instant::now();
    let node = version_of("node")?;
    version_of(NPM)?;
    println!("==> build");
    let program = build(project)?;
    println!("==> install the clients");
    let scratch = scratch(&project.root.join("target/e2e"))?;
    install(&scratch)?;
    println!("==> run");
    let steps = drive(&scratch, &program)?;

    println!("\nsummary");
    println!("  {:32}{node}", "node");
    for client in CLIENTS {
        println!("  {client:32}{}", installed(&scratch, client)?);
    }
    println!("  {steps} steps in {} s", began.elapsed().as_secs());
    if e2e.keep {
        println!("  kept {}", scratch.display());
    } else {
        fs_err::remove_dir_all(&scratch)?;
    }
    Ok(())
}

/// Returns the version of a program, or that it is missing.
fn version_of(program: &str) -> Result<String, Failure> {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output();
    match output {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).trim().trim_start_matches('v').to_owned())
        }
        Ok(_) | Err(_) => Err(Failure::Program {
            command: format!("{program} --version"),
            detail: "it is not installed; Node.js 20 or newer has both node and npm".to_owned(),
        }),
    }
}

/// Builds `maestro`, and returns where it is.
fn build(project: &Project) -> Result<PathBuf, Failure> {
    let args = ["build", "--profile", "quick", "--package", "maestro-cli", "--bin", "maestro"];
    let mut command = project.cargo(args);
    // What it builds is said on stdout, what it is doing on stderr.
    let output = command
        .arg("--message-format=json")
        .stderr(Stdio::inherit())
        .stdin(Stdio::null())
        .output()?;
    if !output.status.success() {
        let command = format!("cargo {}", args.join(" "));
        return Err(Failure::Program { command, detail: output.status.to_string() });
    }
    executable(&String::from_utf8_lossy(&output.stdout))
        .ok_or(Failure::Unreadable { what: "what cargo built", detail: "no program".to_owned() })
}

/// Finds the program in the messages of cargo.
fn executable(messages: &str) -> Option<PathBuf> {
    messages.lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let path = message.get("executable")?.as_str()?;
        Some(PathBuf::from(path))
    })
}

/// Makes the directory anew, with the files in it. Nothing is left of an earlier run.
fn scratch(dir: &Path) -> Result<PathBuf, Failure> {
    if fs_err::symlink_metadata(dir).is_ok() {
        fs_err::remove_dir_all(dir)?;
    }
    fs_err::create_dir_all(dir)?;
    for (name, text) in FILES {
        fs_err::File::create(dir.join(name))?.write_all(text.as_bytes())?;
    }
    Ok(dir.to_owned())
}

fn install(scratch: &Path) -> Result<(), Failure> {
    let args = ["install", "--no-audit", "--no-fund", "--ignore-scripts"];
    let status = Command::new(NPM).args(args).current_dir(scratch).stdin(Stdio::null()).status()?;
    if status.success() {
        return Ok(());
    }
    let command = format!("npm {}", args.join(" "));
    Err(Failure::Program { command, detail: format!("{status}, in {}", scratch.display()) })
}

/// Runs the clients against the program, and returns how many steps they took.
fn drive(scratch: &Path, program: &Path) -> Result<usize, Failure> {
    let mut node = Command::new("node")
        .arg(scratch.join("main.mjs"))
        .args([program, scratch])
        .current_dir(scratch)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut steps = 0;
    if let Some(stdout) = node.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            println!("  {line}");
            steps += usize::from(line.starts_with("ok "));
        }
    }
    if node.wait()?.success() {
        return Ok(steps);
    }
    let kept = scratch.join("projects");
    Err(Failure::Found(format!(
        "e2e failed after {steps} steps; the projects are in {}",
        kept.display()
    )))
}

/// Returns the version of a package that is installed.
fn installed(scratch: &Path, package: &str) -> Result<String, Failure> {
    let path = scratch.join("node_modules").join(package).join("package.json");
    let unreadable = |detail: String| Failure::Unreadable { what: "a package of npm", detail };
    let text = fs_err::read_to_string(path)?;
    let value: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
    let version = value.get("version").and_then(serde_json::Value::as_str);
    version.map(str::to_owned).ok_or_else(|| unreadable(format!("{package} has no version")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scratch_directory_goes_or_stays() {
        let parsed = |args: &[&str]| E2e::parse(args).map_err(|failure| failure.to_string());
        assert_eq!(parsed(&[]), Ok(E2e { keep: false }));
        assert_eq!(parsed(&["--keep"]), Ok(E2e { keep: true }));
        for args in [&["--kept"][..], &["--keep", "3"], &["sdk"]] {
            assert_eq!(parsed(args), Err(format!("`{}` is not an option", args.join(" "))));
        }
    }

    #[test]
    fn every_script_is_among_the_files() -> Result<(), Failure> {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e");
        let mut names = fs_err::read_dir(dir)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<Result<Vec<_>, Failure>>()?;
        let mut known = FILES.map(|(name, _)| name.to_owned());
        names.sort_unstable();
        known.sort_unstable();
        assert_eq!(names, known);
        Ok(())
    }

    #[test]
    fn versions_are_exact() {
        let (_, text) = FILES[0];
        let package: serde_json::Value = serde_json::from_str(text).expect("it is JSON");
        let dependencies = package["dependencies"].as_object().expect("it has dependencies");
        for client in CLIENTS {
            assert!(dependencies.contains_key(client), "{client}");
        }
        for (name, version) in dependencies {
            let version = version.as_str().expect("a version is a text");
            assert!(version.split('.').all(|part| part.parse::<u32>().is_ok()), "{name} {version}");
        }
    }

    #[test]
    fn nothing_is_left_of_an_earlier_run() -> Result<(), Failure> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("e2e");
        fs_err::create_dir_all(path.join("projects"))?;
        scratch(&path)?;
        assert!(!path.join("projects").exists());
        assert_eq!(fs_err::read_dir(&path)?.count(), FILES.len());
        Ok(())
    }

    #[test]
    fn the_program_is_where_cargo_says() {
        let messages = r#"{"reason":"compiler-artifact","executable":null}
{"reason":"compiler-artifact","executable":"/home/u/app/target/quick/maestro"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages), Some(PathBuf::from("/home/u/app/target/quick/maestro")));
        assert_eq!(executable("{}"), None);
    }
}
