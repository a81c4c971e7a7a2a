//! The repository that the tasks work on.
//!
//! Knows where it is, which programs to call and which files belong to it.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Failure;

/// The repository, as `main` found it.
#[derive(Clone, Debug)]
pub struct Project {
    /// The directory of the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// The cargo that runs this task, so that nested calls use the same toolchain.
    pub cargo: OsString,
    /// Whether this is an automatic run, where a missing tool is a defect and not bad luck.
    pub in_ci: bool,
}

/// A text file of the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The path relative to the root, with forward slashes.
    pub path: String,
    /// The content, with LF line ends.
    pub text: String,
}

impl File {
    /// Returns what follows the last dot of the name.
    pub fn extension(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or(&self.path);
        name.rsplit_once('.').map_or("", |(_, extension)| extension)
    }
}

impl Project {
    /// Returns a cargo command that runs in the root.
    pub fn cargo<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(&self.cargo);
        command.current_dir(&self.root).args(args);
        command
    }

    /// Runs cargo and returns what it wrote to stdout.
    pub fn cargo_output(&self, args: &[&str]) -> Result<String, Failure> {
        let failed = |detail: String| Failure::Program {
            command: format!("cargo {}", args.join(" ")),
            detail,
        };
        let output = self
            .cargo(args.iter().copied())
            .stdin(Stdio::null())
            .output()
            .map_err(|error| failed(error.to_string()))?;
        if !output.status.success() {
            return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        String::from_utf8(output.stdout).map_err(|error| failed(error.to_string()))
    }

    /// Returns the text files that are, or would be, in version control, sorted by path.
    ///
    /// Files that are not UTF-8 are left out. A file that disappears meanwhile is not an error.
    pub fn text_files(&self) -> Result<Vec<File>, Failure> {
        let mut paths = match self.git_files() {
            Some(paths) => paths,
            None => walk(&self.root)?,
        };
        paths.sort_unstable();
        paths.dedup();
        let mut files = Vec::new();
        for path in paths {
            let full = self.root.join(&path);
            let bytes = match fs_err::symlink_metadata(&full) {
                Ok(metadata) if metadata.is_file() => fs_err::read(&full),
                Ok(_) => continue,
                Err(error) => Err(error),
            };
            match bytes {
                Ok(bytes) if bytes.contains(&0) => {}
                Ok(bytes) => {
                    if let Ok(text) = String::from_utf8(bytes) {
                        files.push(File { path, text: text.replace("\r\n", "\n") });
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(files)
    }

    /// Asks git for the tracked files and those that are new and not ignored.
    ///
    /// Nothing if there is no git, or if this is not its checkout but, say, an unpacked archive of the sources.
    fn git_files(&self) -> Option<Vec<String>> {
        let output = Command::new("git")
            .arg("-C")
            .arg(&self.root)
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        let paths: Vec<String> =
            text.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
        // A surrounding repository that ignores this directory answers with an empty list.
        paths.iter().any(|path| path == "Cargo.toml").then_some(paths)
    }
}

/// Returns all files below `root` except build results and hidden version control.
fn walk(root: &Path) -> Result<Vec<String>, Failure> {
    let mut paths = Vec::new();
    let mut pending = vec![String::new()];
    while let Some(folder) = pending.pop() {
        for entry in fs_err::read_dir(root.join(&folder))? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            let kind = entry.file_type()?;
            if kind.is_dir() && !matches!(path.as_str(), "target" | ".git") {
                pending.push(path);
            } else if kind.is_file() {
                paths.push(path);
            }
        }
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_git_the_directory_is_walked() {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, bytes: &[u8]| {
            let path = dir.path().join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            let mut file = fs_err::File::create(path).unwrap();
            io::Write::write_all(&mut file, bytes).unwrap();
        };
        write("Cargo.toml", b"[workspace]\r\n");
        write("crates/a/src/lib.rs", b"//! A.\n");
        write("target/debug/out.txt", b"built\n");
        write("logo.png", b"\x89PNG\0");
        assert_eq!(
            walk(dir.path()).unwrap().len(),
            3,
            "everything but the build results, readable or not"
        );
        let project = Project { root: dir.path().to_owned(), cargo: "cargo".into(), in_ci: false };
        let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
        assert_eq!(
            project.text_files().unwrap(),
            [file("Cargo.toml", "[workspace]\n"), file("crates/a/src/lib.rs", "//! A.\n")]
        );
    }
}
