//! Paths inside the workspace, as pure text.
//!
//! Decides which spellings name a file of the workspace and gives each one form. Never asks the disk: a link that
//! leads out of the workspace is for the state store to find.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer};
use serde::{Serialize, Serializer};

use crate::id::{excerpt, is_line_breaking};

/// The longest path, in bytes.
pub const MAX_PATH_BYTES: usize = 4096;

/// A path of a file relative to the workspace: forward slashes, no `.`, no `..`, not empty.
///
/// ```
/// use maestro_session_model::RelPath;
///
/// assert_eq!(RelPath::parse("./src//a/../b.rs")?.as_str(), "src/b.rs");
/// assert!(RelPath::parse("../secret").is_err());
/// # Ok::<(), maestro_session_model::InvalidPath>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelPath(String);

impl RelPath {
    /// Normalises a path that is relative to the workspace.
    ///
    /// Both `/` and `\` separate components, so that a report from Windows names the same file.
    pub fn parse(text: &str) -> Result<Self, InvalidPath> {
        check_text(text)?;
        if is_absolute(text) {
            return Err(InvalidPath::Absolute { text: excerpt(text) });
        }
        normalise(text)
    }

    /// Normalises a path that may also be absolute; then it must lie in `workspace`, an absolute path.
    pub fn within(workspace: &str, text: &str) -> Result<Self, InvalidPath> {
        check_text(text)?;
        if !is_absolute(text) {
            return normalise(text);
        }
        let inside = components(workspace)
            .ok()
            .zip(components(text).ok())
            .and_then(|(root, path)| joined(below(&root, &path)?));
        inside.ok_or_else(|| InvalidPath::Outside { text: excerpt(text) })
    }

    /// Returns the path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns `self/name`.
    pub fn join(&self, name: &str) -> Result<Self, InvalidPath> {
        Self::parse(&format!("{}/{name}", self.0))
    }

    /// Returns the last component.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// Whether `self` is `other` or lies below it.
    pub fn starts_with(&self, other: &Self) -> bool {
        self.0.strip_prefix(&other.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// The name of a document that is to lie in `plans/`: one component of a path.
///
/// ```
/// use maestro_session_model::DocumentName;
///
/// assert!("2026-01-15-limits-design.md".parse::<DocumentName>().is_ok());
/// assert!("../plan.md".parse::<DocumentName>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentName(String);

/// The longest document name, in bytes: file systems take 255, and a taken name gets a suffix.
const MAX_DOCUMENT_NAME_BYTES: usize = 200;

impl DocumentName {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DocumentName {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        let is_one = RelPath::parse(text).is_ok_and(|path| path.as_str() == text)
            && !text.contains(['/', '\\', '\0'])
            && text.len() <= MAX_DOCUMENT_NAME_BYTES;
        if is_one {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidPath::NoName { text: excerpt(text) })
        }
    }
}

/// Returns `name`, or `name` with the first of `-2`, `-3`, … in front of its ending that is free.
///
/// ```
/// use maestro_session_model::free_name;
///
/// assert_eq!(free_name("plan.md", |name| name == "plan.md"), "plan-2.md");
/// ```
pub fn free_name(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    if !is_taken(name) {
        return name.to_owned();
    }
    let (stem, ending) = match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => (stem, format!(".{ending}")),
        _ => (name, String::new()),
    };
    let mut n = 2_u64;
    loop {
        let candidate = format!("{stem}-{n}{ending}");
        if !is_taken(&candidate) {
            return candidate;
        }
        n += 1;
    }
}

/// The components of `path` below `root`. The letter of a drive is the same in either case.
fn below<'p, 't>(root: &[&str], path: &'p [&'t str]) -> Option<&'p [&'t str]> {
    let (start, rest) = path.split_at_checked(root.len())?;
    let same = |(a, b): (&&str, &&str)| a == b || (a.ends_with(':') && a.eq_ignore_ascii_case(b));
    root.iter().zip(start).all(same).then_some(rest)
}

fn check_text(text: &str) -> Result<(), InvalidPath> {
    if text.trim().is_empty() {
        return Err(InvalidPath::Empty);
    }
    if text.len() > MAX_PATH_BYTES || text.contains(is_line_breaking) {
        return Err(InvalidPath::Unusable { text: excerpt(text) });
    }
    Ok(())
}

fn normalise(text: &str) -> Result<RelPath, InvalidPath> {
    match components(text) {
        Ok(parts) if parts.is_empty() => Err(InvalidPath::Empty),
        Ok(parts) => joined(&parts).ok_or_else(|| InvalidPath::Outside { text: excerpt(text) }),
        Err(Escapes) => Err(InvalidPath::Outside { text: excerpt(text) }),
    }
}

/// The path of these components; nothing if it is empty, or begins like a drive once what stood before is gone: `./c:/x`.
fn joined(parts: &[&str]) -> Option<RelPath> {
    let path = parts.join("/");
    (!path.is_empty() && !is_absolute(&path)).then_some(RelPath(path))
}

fn is_absolute(text: &str) -> bool {
    let drive = text.as_bytes().get(1) == Some(&b':')
        && text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
    text.starts_with(['/', '\\']) || drive
}

struct Escapes;

fn components(text: &str) -> Result<Vec<&str>, Escapes> {
    let mut parts = Vec::new();
    for part in text.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or(Escapes)?;
            }
            name => parts.push(name),
        }
    }
    Ok(parts)
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for RelPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RelPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// A text that does not name a file of the workspace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPath {
    /// Nothing is left of the path, or it names the workspace itself.
    #[error("the path is empty")]
    Empty,
    /// A name was asked for, and this is a path, or nothing that a file can be called.
    #[error(
        "`{text}` is not the basename of a document; give a name such as `plan.md`, without directories"
    )]
    NoName {
        /// The text, shortened.
        text: String,
    },
    /// A relative path was asked for.
    #[error("`{text}` is an absolute path; give it relative to the workspace")]
    Absolute {
        /// The text, shortened.
        text: String,
    },
    /// The path leads out of the workspace.
    #[error("`{text}` lies outside the workspace")]
    Outside {
        /// The text, shortened.
        text: String,
    },
    /// Too long, or with control characters or line breaks.
    #[error(
        "`{text}` is not a usable path: it has control characters or more than {MAX_PATH_BYTES} bytes"
    )]
    Unusable {
        /// The text, shortened.
        text: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_has_one_form() {
        for text in
            ["src/a.rs", "./src/a.rs", "src//a.rs", "src/x/../a.rs", "src\\a.rs", "src/./a.rs/"]
        {
            assert_eq!(RelPath::parse(text).unwrap().as_str(), "src/a.rs", "{text}");
        }
        for text in ["/home/u/app/src/a.rs", "/home/u/app/./src/a.rs", "src/a.rs"] {
            assert_eq!(RelPath::within("/home/u/app", text).unwrap().as_str(), "src/a.rs");
        }
        assert_eq!(RelPath::within(r"C:\app", r"c:\app\src\a.rs").unwrap().as_str(), "src/a.rs");
    }

    #[test]
    fn a_path_cannot_leave_the_workspace() {
        for text in ["..", "../x", "a/../../x", "a\\..\\..\\x"] {
            assert!(matches!(RelPath::parse(text), Err(InvalidPath::Outside { .. })), "{text}");
        }
        for text in ["/etc/passwd", "/home/u/application/x", "/home/u/app/../x", "/home/u/app"] {
            let found = RelPath::within("/home/u/app", text);
            assert!(matches!(found, Err(InvalidPath::Outside { .. })), "{text}");
        }
        for text in ["./c:/x", "a/../c:x", "/home/u/app/c:/x"] {
            let found = RelPath::within("/home/u/app", text);
            assert!(matches!(found, Err(InvalidPath::Outside { .. })), "{text} becomes a drive");
        }
        for text in ["/a", "\\a", "c:/a", "\\\\host\\a"] {
            assert!(matches!(RelPath::parse(text), Err(InvalidPath::Absolute { .. })), "{text}");
        }
        for text in ["", " ", ".", "a/.."] {
            assert_eq!(RelPath::parse(text), Err(InvalidPath::Empty), "{text}");
        }
        assert!(matches!(RelPath::parse("a\nb"), Err(InvalidPath::Unusable { .. })));
    }
}
