//! Asks the git binary which files a commit has: read-only plumbing, in a clean environment, for a bounded time.
//!
//! A repository may belong to somebody who means harm, and its configuration may name programs. None of the commands here
//! runs hooks, filters, pagers or monitors, what could be started is switched off besides, and nothing is fetched. Whether
//! the binary is there, and where, is the caller's to know.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use maestro_session_model::{RelPath, Timestamp};
use maestro_state_store::Environment;

/// How long one git command may take. The longest lists the files of a commit, which takes a second for a million of them.
pub const GIT_TIMEOUT: Duration = Duration::from_secs(30);

/// The most that is read of what a command prints, in bytes.
const MAX_OUTPUT_BYTES: u64 = 512 * 1024 * 1024;

/// The most that is read of its messages, in bytes.
const MAX_MESSAGE_BYTES: u64 = 64 * 1024;

/// What of our environment git gets to see: where the user's own configuration is (it says which repositories of others are
/// to be trusted), and what the system needs to start a program.
const VARIABLES: [&str; 7] =
    ["PATH", "HOME", "XDG_CONFIG_HOME", "USERPROFILE", "SYSTEMROOT", "SystemRoot", "TMPDIR"];

/// What is switched off, by variables.
const SWITCHED_OFF: [(&str, &str); 7] = [
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_ALLOW_PROTOCOL", "none"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_PAGER", "cat"),
    ("LC_ALL", "C"),
];

/// What is switched off, by options.
const OPTIONS: [&str; 6] = [
    "--no-pager",
    "--literal-pathspecs",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
];

/// A git binary, and the workspace that it is asked about.
#[derive(Clone, Debug)]
pub struct Git<'g> {
    binary: &'g Path,
    workspace: &'g Path,
    environment: &'g Environment,
    timeout: Duration,
}

/// The files of a commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GitTree {
    /// The commit that was checked out; nothing if there was none yet.
    pub commit: Option<String>,
    /// Its files and links below the workspace.
    pub files: BTreeSet<RelPath>,
    /// Whether the files that are checked out are only some of those of the commit, so that a missing one says nothing.
    pub is_sparse: bool,
}

/// What a command printed.
struct Answer {
    output: Vec<u8>,
    messages: String,
}

impl<'g> Git<'g> {
    /// Names the binary to ask about the workspace, both absolute paths.
    pub fn new(binary: &'g Path, workspace: &'g Path, environment: &'g Environment) -> Self {
        Self { binary, workspace, environment, timeout: GIT_TIMEOUT }
    }

    /// Waits for each answer so long, and no longer than [`GIT_TIMEOUT`].
    #[must_use]
    pub fn answering_within(self, timeout: Duration) -> Self {
        Self { timeout: timeout.min(GIT_TIMEOUT), ..self }
    }

    /// Returns the files of the commit that was checked out at `moment`; or, in words, why that cannot be said.
    pub fn tree_at(&self, moment: Timestamp) -> Result<GitTree, String> {
        self.line(&["rev-parse", "--git-dir"])?;
        // The list of what is checked out stays when it is switched off. Where nothing is said, git fails, and it is not sparse.
        let is_sparse = self
            .line(&["config", "--type=bool", "--get", "core.sparseCheckout"])
            .is_ok_and(|answer| answer == "true");
        let Some(commit) = self.commit_at(moment)? else {
            return Ok(GitTree { is_sparse, ..GitTree::default() });
        };
        let listed = self.ask(&["ls-tree", "-r", "-z", &commit])?;
        let files = listed.output.split(|byte| *byte == 0).filter_map(listed_file).collect();
        Ok(GitTree { commit: Some(commit), files, is_sparse })
    }

    /// Returns the file in which the user says what git is to ignore everywhere, if there is one.
    pub fn excludes_file(&self) -> Option<PathBuf> {
        let named = self.line(&["config", "--type=path", "--get", "core.excludesFile"]);
        match named.ok().filter(|named| !named.is_empty()) {
            Some(named) => Some(PathBuf::from(named)),
            None => default_excludes_file(self.environment),
        }
    }

    /// The commit that `HEAD` was then, by its own log; where that does not go back so far, by the times of its commits.
    fn commit_at(&self, moment: Timestamp) -> Result<Option<String>, String> {
        if self.line(&["rev-parse", "--verify", "HEAD^{commit}"]).is_err() {
            return Ok(None);
        }
        let then = format!("HEAD@{{{moment}}}");
        if let Ok(answer) = self.ask(&["rev-parse", "--verify", &then])
            && !answer.messages.contains("only goes back to")
            && let Some(commit) = object_name(&answer.output)
        {
            return Ok(Some(commit));
        }
        let before = format!("--before={moment}");
        let answer = self.ask(&["rev-list", "--max-count=1", &before, "HEAD"])?;
        Ok(object_name(&answer.output))
    }

    /// Asks for a single line.
    fn line(&self, arguments: &[&str]) -> Result<String, String> {
        let answer = self.ask(arguments)?;
        Ok(String::from_utf8_lossy(&answer.output).trim_end().to_owned())
    }

    fn ask(&self, arguments: &[&str]) -> Result<Answer, String> {
        let variables =
            VARIABLES.iter().filter_map(|name| Some((*name, self.environment.get(name)?)));
        let mut child = Command::new(self.binary)
            .args(OPTIONS)
            .args(arguments)
            .current_dir(self.workspace)
            .env_clear()
            .envs(variables.chain(SWITCHED_OFF))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("git cannot be started: {error}"))?;
        let messages = read_in_thread(child.stderr.take(), MAX_MESSAGE_BYTES);
        let output = read_in_thread(child.stdout.take(), MAX_OUTPUT_BYTES);
        let both = messages.and_then(|messages| Ok((output?, messages)));
        let answer = both.map_err(|error| format!("git cannot be listened to: {error}"));
        let answer = answer.and_then(|(output, messages)| {
            let both = output.recv_timeout(self.timeout).ok();
            both.zip(messages.recv_timeout(self.timeout).ok()).ok_or_else(|| {
                format!("git did not answer within {} seconds", self.timeout.as_secs())
            })
        });
        let (output, messages) = match answer {
            Ok(both) => both,
            Err(reason) => {
                drop(child.kill());
                drop(child.wait());
                return Err(reason);
            }
        };
        // It has closed both its streams, so it is at its end.
        let status = child.wait().map_err(|error| format!("git was lost: {error}"))?;
        let messages = String::from_utf8_lossy(&messages).into_owned();
        if !status.success() {
            let first = messages.lines().next().unwrap_or("it gave no reason");
            let trust = if first.contains("dubious ownership") {
                " (to trust it: `git config --global --add safe.directory PATH`)"
            } else {
                ""
            };
            return Err(format!("git refuses: {}{trust}", first.trim_start_matches("fatal: ")));
        }
        if usize::try_from(MAX_OUTPUT_BYTES).is_ok_and(|most| most <= output.len()) {
            return Err("git lists more files than can be kept in mind".to_owned());
        }
        Ok(Answer { output, messages })
    }
}

/// Where the user says what git is to ignore everywhere, unless the configuration names another file.
pub fn default_excludes_file(environment: &Environment) -> Option<PathBuf> {
    let config = environment.get("XDG_CONFIG_HOME").map(PathBuf::from);
    let config = config.or_else(|| Some(Path::new(environment.get("HOME")?).join(".config")));
    Some(config?.join("git/ignore"))
}

/// Reads all of a stream, up to a limit, without making anybody wait for its end. Fails if there can be no more threads.
fn read_in_thread(
    stream: Option<impl Read + Send + 'static>,
    limit: u64,
) -> io::Result<mpsc::Receiver<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    thread::Builder::new().name("git".to_owned()).spawn(move || {
        let mut bytes = Vec::new();
        if let Some(stream) = stream {
            // What came before an error is what there is.
            drop(stream.take(limit).read_to_end(&mut bytes));
        }
        // Whoever asked may have stopped waiting.
        drop(sender.send(bytes));
    })?;
    Ok(receiver)
}

/// The file or the link that a line of `ls-tree` names: `<mode> <type> <object>\t<path>`.
fn listed_file(line: &[u8]) -> Option<RelPath> {
    let line = std::str::from_utf8(line).ok()?;
    let (object, path) = line.split_once('\t')?;
    let is_file = object.split(' ').nth(1) == Some("blob");
    let named = RelPath::parse(path).ok().filter(|named| named.as_str() == path);
    named.filter(|_| is_file)
}

fn object_name(output: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(output).ok()?.trim();
    let is_name = text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_name.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_git_that_never_answers_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let binary = dir.path().join("git");
        // Written by a process of its own: none of ours may still have it open when it is started.
        let script = "printf '#!/bin/sh\\nexec tail -f /dev/null\\n' > git && chmod +x git";
        let made = Command::new("sh").args(["-c", script]).current_dir(dir.path()).status();
        assert!(made.unwrap().success());
        let environment = Environment::default();
        let git = Git::new(&binary, dir.path(), &environment)
            .answering_within(Duration::from_millis(100));
        let error = git.tree_at("2026-01-15T10:00:00Z".parse().unwrap()).unwrap_err();
        assert_eq!(error, "git did not answer within 0 seconds");
    }

    #[test]
    fn files_and_links_of_a_tree_are_listed_and_nothing_else() {
        for (line, expected) in [
            ("100644 blob 0123\tsrc/a b.rs", Some("src/a b.rs")),
            ("120000 blob 0123\tlink", Some("link")),
            ("160000 commit 0123\tvendored", None),
            ("100644 blob 0123\ta\\b", None),
            ("", None),
        ] {
            let found = listed_file(line.as_bytes());
            assert_eq!(found.as_ref().map(RelPath::as_str), expected, "{line}");
        }
        assert_eq!(listed_file(b"100644 blob 0123\t\xff"), None);
    }
}
