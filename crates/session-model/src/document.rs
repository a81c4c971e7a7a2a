//! The session document: a Markdown file with a YAML front matter.
//!
//! Reading is generous, writing is canonical, and an update is lossless: it touches the bytes of what changed and no
//! others. Works on text alone; where the text comes from and how it gets to the disk is for the state store.
//!
//! An update takes one of two ways. A text that is byte for byte what we would write is rendered again, phase by phase,
//! which costs time in proportion to what changed. Any other text (a hand edit, another tool's style, a comment) is
//! edited in place, and the result is read back and compared before it is let out.

mod edit;
mod emit;
mod fence;
mod layout;
mod read;
mod record;
mod tree;
mod value;

use std::sync::OnceLock;

use self::edit::Edit;
use self::fence::Fences;
use self::layout::Layout;
use self::record::Unknown;
use crate::Splice;
use crate::session::Session;

pub(crate) use self::read::check_nesting;

/// The largest document that is read or written, in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 64 << 20;

/// How a front matter is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FrontMatter {
    /// Block YAML with all strings quoted.
    #[default]
    Yaml,
    /// JSON as the Node server writes it; JSON is YAML.
    Json,
}

/// A session document that was read or made: its text, and the session that the text says.
///
/// ```
/// use maestro_session_model::Document;
///
/// let text = "---\n\
///     session_id: 2026-01-15-typo   # by hand\n\
///     created: 2026-01-15T10:00:00Z\n\
///     updated: 2026-01-15T10:00:00Z\n\
///     status: in_progress\n\
///     phases: []\n\
///     ---\n";
/// let document = Document::parse(text.to_owned())?;
/// let mut after = document.session().clone();
/// after.updated = "2026-01-15T11:00:00Z".parse()?;
///
/// let update = document.update(after, "")?;
/// let expected = text.replace("updated: 2026-01-15T10:00:00Z", "updated: \"2026-01-15T11:00:00.000Z\"");
/// assert_eq!(update.document.text(), expected);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Document {
    text: String,
    fences: Fences,
    session: Session,
    unknown: Unknown,
    /// Where the phases stand, if the front matter is byte for byte what we would write. Found out when first needed.
    layout: OnceLock<Option<Layout>>,
}

impl Document {
    /// Reads a document.
    pub fn parse(text: String) -> Result<Self, DocumentError> {
        read::check_size(text.len())?;
        let fences = fence::split(&text)?;
        let read = read::read(&text[fences.front.clone()], 2)?;
        Ok(Self {
            text,
            fences,
            session: read.session,
            unknown: read.unknown,
            layout: OnceLock::new(),
        })
    }

    /// Makes the document of a new session, with a body of one heading.
    pub fn create(session: Session, front_matter: FrontMatter) -> Self {
        let (front, layout) = layout::render(&session, front_matter);
        let mut text = String::with_capacity(front.len() + 256);
        text.push_str("---\n");
        let start = text.len();
        text.push_str(&front);
        let end = text.len();
        text.push_str("---\n");
        let body = text.len();
        text.push_str(&crate::body::title(&session.task));
        let fences = Fences { front: start..end, body, newline: "\n" };
        let layout = OnceLock::from(Some(layout));
        Self { text, fences, session, unknown: Unknown::default(), layout }
    }

    /// Returns the whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns what the front matter says.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Returns what stands below the front matter.
    pub fn body(&self) -> &str {
        &self.text[self.fences.body..]
    }

    /// Whether the front matter is byte for byte what we would write for this session, so that writing it anew loses
    /// nothing.
    pub fn is_canonical(&self) -> bool {
        self.layout().is_some()
    }

    /// Returns the document of the session `after`, with `log` at the end of its body, and the splices that lead there.
    ///
    /// What did not change keeps its bytes. The result is one that [`Document::parse`] reads as `after`; an edit that
    /// would not be, or that would change anything else, is an error and no document.
    pub fn update(&self, after: Session, log: &str) -> Result<Update, UpdateError> {
        let front = &self.text[self.fences.front.clone()];
        let (mut edits, layout) = match self.layout() {
            Some(layout) => {
                let (edits, layout) = layout.edits(front, &self.session, &after);
                (edits, Some(layout))
            }
            None => (self.edits_in_place(front, &after)?, None),
        };
        for edit in &mut edits {
            edit.range.start += self.fences.front.start;
            edit.range.end += self.fences.front.start;
        }
        if let Some(edit) = self.log_entry(log) {
            edits.push(edit);
        }
        let text = self.edited(&edits)?;
        let document = if let Some(layout) = layout {
            self.rendered(text, after, layout)
        } else {
            // A line of a text that does not exist helps nobody, unlike its size.
            let document = Self::parse(text).map_err(|error| match error {
                DocumentError::TooLarge { .. } => UpdateError::Refused(error),
                _ => UpdateError::NotLossless,
            })?;
            document.check_against(self, &after)?;
            document
        };
        Ok(Update { splices: self.splices(&edits), document })
    }

    fn layout(&self) -> Option<&Layout> {
        let find = || {
            if !self.unknown.is_empty() || self.fences.newline != "\n" {
                return None;
            }
            let front = &self.text[self.fences.front.clone()];
            let style = if front.starts_with('{') { FrontMatter::Json } else { FrontMatter::Yaml };
            let (rendered, layout) = layout::render(&self.session, style);
            (rendered == front).then_some(layout)
        };
        self.layout.get_or_init(find).as_ref()
    }

    fn edits_in_place(&self, front: &str, after: &Session) -> Result<Vec<Edit>, UpdateError> {
        let was = value::session(&self.session);
        let is = value::session(after);
        edit::edits(front, &was, &is, self.fences.newline).ok_or(UpdateError::PlaceNotFound)
    }

    /// The edit that puts a section at the end of the body, behind one blank line.
    fn log_entry(&self, log: &str) -> Option<Edit> {
        if log.is_empty() {
            return None;
        }
        let newline = self.fences.newline;
        let mut insert = String::new();
        if !self.text.ends_with('\n') {
            insert.push_str(newline);
        }
        let body = self.body();
        if !body.is_empty() && !body.ends_with("\n\n") && !body.ends_with("\n\r\n") {
            insert.push_str(newline);
        }
        if newline == "\n" {
            insert.push_str(log);
        } else {
            insert.push_str(&log.replace("\r\n", "\n").replace('\n', newline));
        }
        let end = self.text.len();
        Some(Edit { range: end..end, insert })
    }

    fn edited(&self, edits: &[Edit]) -> Result<String, UpdateError> {
        let grown: usize = edits.iter().map(|edit| edit.insert.len()).sum();
        read::check_size(self.text.len() + grown).map_err(UpdateError::Refused)?;
        let mut text = String::with_capacity(self.text.len() + grown);
        let mut at = 0;
        for edit in edits {
            let kept = self.text.get(at..edit.range.start).ok_or(UpdateError::PlaceNotFound)?;
            text.push_str(kept);
            text.push_str(&edit.insert);
            at = edit.range.end;
        }
        text.push_str(&self.text[at..]);
        Ok(text)
    }

    /// The document of a text whose front matter was rendered from `session`.
    fn rendered(&self, text: String, session: Session, layout: Layout) -> Self {
        // The fences moved by what the front matter grew or shrank.
        let front_end = self.fences.front.start + layout.len();
        let body = front_end + (self.fences.body - self.fences.front.end);
        let front = self.fences.front.start..front_end;
        let fences = Fences { front, body, newline: self.fences.newline };
        let layout = OnceLock::from(Some(layout));
        Self { text, fences, session, unknown: Unknown::default(), layout }
    }

    /// Makes sure that an edit in place did what was meant and nothing else.
    fn check_against(&self, before: &Self, after: &Session) -> Result<(), UpdateError> {
        let same_body = self.body().starts_with(before.body());
        if self.session == *after && self.unknown == before.unknown && same_body {
            Ok(())
        } else {
            Err(UpdateError::NotLossless)
        }
    }

    fn splices(&self, edits: &[Edit]) -> Vec<Splice> {
        let splice = |edit: &Edit| Splice {
            at: edit.range.start,
            remove: self.text[edit.range.clone()].to_owned(),
            insert: edit.insert.clone(),
        };
        edits.iter().map(splice).collect()
    }
}

/// A document after an update.
#[must_use = "an update changes nothing until its document is stored"]
#[derive(Clone, Debug)]
pub struct Update {
    /// The document as it is to be.
    pub document: Document,
    /// How its text comes from the old one, in the order of the text.
    pub splices: Vec<Splice>,
}

/// Why a text is not a session document. Lines and columns count from 1, in the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// Nothing but blanks.
    #[error("line 1: the file is empty")]
    Empty,
    /// No front matter.
    #[error("line 1: there is no front matter: the first line must be `---`")]
    NoFrontMatter,
    /// The front matter does not end.
    #[error(
        "line {lines}: the front matter is not closed: a line `---` is missing, the file may be cut off"
    )]
    Unterminated {
        /// How many lines there are.
        lines: usize,
    },
    /// Larger than [`MAX_DOCUMENT_BYTES`].
    #[error(
        "the file has {bytes} bytes, more than the {MAX_DOCUMENT_BYTES} that a session may have"
    )]
    TooLarge {
        /// Its size.
        bytes: u64,
    },
    /// Not YAML, or not a map.
    #[error("line {line}, column {column}: {message}")]
    Syntax {
        /// The line in the file.
        line: usize,
        /// The column.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// A value that cannot be.
    #[error("line {line}, column {column}: `{field}`: {message}")]
    Field {
        /// The line in the file.
        line: usize,
        /// The column.
        column: usize,
        /// The path of the field, such as `phases[1].status`.
        field: String,
        /// What is wrong with its value.
        message: String,
    },
}

impl DocumentError {
    /// Returns the line of the file to look at, if it is known.
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::Empty | Self::NoFrontMatter => Some(1),
            Self::Unterminated { lines } => Some(*lines),
            Self::TooLarge { .. } => None,
            Self::Syntax { line, .. } | Self::Field { line, .. } => Some(*line),
        }
    }
}

/// Why a document could not be updated. The document is as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UpdateError {
    /// The YAML is written in a way that hides where a value stands.
    #[error("the place of a value to change was not found in the front matter")]
    PlaceNotFound,
    /// An edit in place would have changed something else too, or left no session.
    #[error("the front matter cannot be changed without changing something else in it")]
    NotLossless,
    /// The result would be larger than a session may be.
    #[error("the changed document would not be a session")]
    Refused(#[source] DocumentError),
}
