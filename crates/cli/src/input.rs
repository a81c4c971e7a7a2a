//! Reads what the command line names: files, and stdin for `-`.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::terminal::Terminal;

/// The most that is read from a file or from stdin: as much as a session file may have.
pub(crate) const MAX_INPUT_BYTES: u64 = 64 * 1024 * 1024;

/// Where a text comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// From stdin.
    Stdin,
    /// From a file; a relative path refers to the current directory.
    File(PathBuf),
}

impl From<&str> for Source {
    fn from(text: &str) -> Self {
        if text == "-" { Self::Stdin } else { Self::File(text.into()) }
    }
}

impl Source {
    /// Reads the text.
    pub(crate) fn read(&self, cwd: &Path, terminal: &mut Terminal) -> Result<String, Failure> {
        let (name, bytes) = match self {
            Self::Stdin => ("stdin".to_owned(), terminal.read_stdin()?),
            Self::File(path) => (path.display().to_string(), read_file(&cwd.join(path))?),
        };
        String::from_utf8(bytes).map_err(|error| {
            let good = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..good].split(|byte| *byte == b'\n').count();
            Failure::NotUtf8 { name, line }
        })
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let unreadable = |source| Failure::Input { path: path.to_owned(), source };
    let file = fs_err::File::open(path).map_err(unreadable)?;
    read_limited(file, &path.display().to_string()).map_err(|failure| match failure {
        Failure::Stdin { source } => unreadable(source),
        other => other,
    })
}

/// Reads to the end, or to the point where it is too much.
pub(crate) fn read_limited(stream: impl Read, name: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let most = MAX_INPUT_BYTES + 1;
    let read = stream.take(most).read_to_end(&mut bytes);
    read.map_err(|source: io::Error| Failure::Stdin { source })?;
    if bytes.len() as u64 == most {
        return Err(Failure::TooLarge { name: name.to_owned(), limit: MAX_INPUT_BYTES });
    }
    Ok(bytes)
}
