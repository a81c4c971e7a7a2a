//! Text for people, built so that nothing unescaped can get into it.
//!
//! Every piece goes through [`escape`](escape()) when it becomes a [`Span`]; there is no other way to print
//! human output.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};
use maestro_session_model::escape;

/// Lines of styled text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text {
    rendered: String,
}

impl Text {
    /// Appends a line.
    pub(crate) fn line(&mut self, spans: impl IntoIterator<Item = Span>) {
        for span in spans {
            span.render_to(&mut self.rendered);
        }
        self.rendered.push('\n');
    }

    /// Appends an empty line, unless nothing has been written yet.
    pub(crate) fn gap(&mut self) {
        if !self.rendered.is_empty() {
            self.rendered.push('\n');
        }
    }

    /// Returns the text with its ANSI codes.
    pub(crate) fn as_ansi(&self) -> &str {
        &self.rendered
    }
}

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    text: String,
    style: Style,
}

impl Span {
    fn new(text: &impl ToString, style: Style) -> Self {
        Self { text: escape(&text.to_string()), style }
    }

    /// Returns how many characters it shows.
    pub(crate) fn width(&self) -> usize {
        self.text.chars().count()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub(crate) fn render_to(&self, out: &mut String) {
        use std::fmt::Write as _;

        if self.style.is_plain() || self.text.is_empty() {
            out.push_str(&self.text);
        } else {
            let style = self.style;
            write!(out, "{style}{}{style:#}", self.text).expect("writing to memory cannot fail");
        }
    }
}

/// Returns unstyled text.
pub(crate) fn plain(text: impl Display) -> Span {
    Span::new(&text, Style::new())
}

/// Returns text that stands out.
pub(crate) fn bold(text: impl Display) -> Span {
    Span::new(&text, Style::new().bold())
}

/// Returns text that stands back.
pub(crate) fn dim(text: impl Display) -> Span {
    Span::new(&text, Style::new().dimmed())
}

/// Returns text that says that all is well.
pub(crate) fn green(text: impl Display) -> Span {
    Span::new(&text, AnsiColor::Green.on_default())
}

/// Returns text that asks for attention.
pub(crate) fn yellow(text: impl Display) -> Span {
    Span::new(&text, AnsiColor::Yellow.on_default())
}

/// Returns text that says what went wrong.
pub(crate) fn red(text: impl Display) -> Span {
    Span::new(&text, AnsiColor::Red.on_default())
}

/// Returns text that says what to do.
pub(crate) fn cyan(text: impl Display) -> Span {
    Span::new(&text, AnsiColor::Cyan.on_default())
}

/// Returns a label such as `error:` in bold and colour.
pub(crate) fn label(text: &str, color: AnsiColor) -> Span {
    Span::new(&text, color.on_default().bold())
}
