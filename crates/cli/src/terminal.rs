//! The streams of a command, and the person who may be at the other end of them.

use std::io::{self, Read, Write};

use anstyle::AnsiColor;
use serde::Serialize;

use crate::failure::Failure;
use crate::input::read_limited;
use crate::invocation::Output;
use crate::json::Versioned;
use crate::text::{Text, bold, label, plain};

/// How much of a line progress may take.
const PROGRESS_COLUMNS: usize = 64;

/// The longest answer to a question that is looked at, in bytes.
const MAX_ANSWER_BYTES: usize = 1024;

/// The streams of a command, and in which form its result is wanted.
pub(crate) struct Terminal {
    stdin: Box<dyn Read + Send>,
    stdout: Stream,
    stderr: Stream,
    /// Whether a person can be asked.
    interactive: bool,
    /// Whether the line on the screen tells of something long.
    has_progress: bool,
    /// Whether stdout is to be one JSON object.
    json: bool,
}

impl Terminal {
    pub(crate) fn new(
        stdin: Box<dyn Read + Send>,
        stdout: Output,
        stderr: Output,
        is_terminal: bool,
        json: bool,
    ) -> Self {
        let (stdout, stderr) = (Stream::new(stdout), Stream::new(stderr));
        // Whoever wants JSON is a program, and a program cannot be asked.
        Self { stdin, stdout, stderr, interactive: is_terminal && !json, has_progress: false, json }
    }

    /// Whether stdout is to be one JSON object.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints the result of a command, in the form that is wanted.
    pub(crate) fn show<T: Serialize>(
        &mut self,
        fields: &T,
        text: impl FnOnce(&T) -> Text,
    ) -> Result<(), Failure> {
        if self.json {
            let mut json = serde_json::to_vec(&Versioned::new(fields))
                .map_err(|source| Failure::NotJson { source })?;
            json.push(b'\n');
            self.stdout.write(&json)
        } else {
            self.stdout.write_text(&text(fields))
        }
        .map_err(|source| Failure::Output { source })
    }

    /// Prints text to stdout.
    pub(crate) fn print(&mut self, text: &Text) -> Result<(), Failure> {
        self.stdout.write_text(text).map_err(|source| Failure::Output { source })
    }

    /// Prints bytes to stdout exactly as they are.
    pub(crate) fn print_bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.stdout.write(bytes).map_err(|source| Failure::Output { source })
    }

    /// Prints a text of clap's, which brings its own ANSI codes.
    pub(crate) fn print_ansi(&mut self, ansi: &str, to_stderr: bool) -> Result<(), Failure> {
        let stream = if to_stderr { &mut self.stderr } else { &mut self.stdout };
        stream.write_ansi(ansi).map_err(|source| Failure::Output { source })
    }

    /// Prints text to stderr. That a message cannot be shown never makes a command fail.
    pub(crate) fn say(&mut self, text: &Text) {
        drop(self.stderr.write_text(text));
    }

    /// Prints warnings to stderr. In JSON they are a part of the object.
    pub(crate) fn warn(&mut self, warnings: &[String]) {
        if self.json {
            return;
        }
        let mut text = Text::default();
        for warning in warnings {
            text.line([label("warning:", AnsiColor::Yellow), plain(" "), plain(warning)]);
        }
        self.say(&text);
    }

    /// Prints a note to stderr; in JSON the object says the same.
    pub(crate) fn note(&mut self, note: &Text) {
        if !self.json {
            self.say(note);
        }
    }

    /// Shows how far something long has come, in the place of what it showed before; an empty text clears it. Only where a
    /// person looks.
    pub(crate) fn progress(&mut self, text: &str) {
        if self.interactive && (self.has_progress || !text.is_empty()) {
            self.has_progress = !text.is_empty();
            // Blanks over what was there, which every terminal understands.
            let blank = " ".repeat(PROGRESS_COLUMNS.saturating_sub(text.chars().count()));
            drop(self.stderr.write(format!("\r{text}{blank}\r").as_bytes()));
            drop(self.stderr.flush());
        }
    }

    /// Whether a person can be asked.
    pub(crate) fn is_interactive(&self) -> bool {
        self.interactive
    }

    /// Asks a question that is answered with yes or no; nothing comes back when nobody can be asked.
    ///
    /// Everything but a clear yes is a no.
    pub(crate) fn ask(&mut self, question: &str) -> Result<Option<bool>, Failure> {
        if !self.interactive {
            return Ok(None);
        }
        let mut prompt = Text::default();
        prompt.line([bold(question), plain(" [y/N] ")]);
        drop(self.stderr.write_ansi(prompt.as_ansi().trim_end_matches('\n')));
        drop(self.stderr.flush());
        let (answer, ended) = self.read_line().map_err(|source| Failure::Stdin { source })?;
        if !ended {
            // Nobody pressed the key that would have ended the line on the screen.
            drop(self.stderr.write(b"\n"));
        }
        Ok(Some(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")))
    }

    /// Reads up to the next line break, byte by byte: what comes after it is for whoever reads next. Says whether there
    /// was one.
    fn read_line(&mut self) -> io::Result<(String, bool)> {
        let mut line = Vec::new();
        let mut byte = [0];
        let mut ended = false;
        while line.len() < MAX_ANSWER_BYTES {
            match self.stdin.read(&mut byte) {
                Ok(0) => break,
                Ok(_) if byte == *b"\n" => {
                    ended = true;
                    break;
                }
                Ok(_) => line.extend_from_slice(&byte),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok((String::from_utf8_lossy(&line).into_owned(), ended))
    }

    /// Reads all of stdin.
    pub(crate) fn read_stdin(&mut self) -> Result<Vec<u8>, Failure> {
        read_limited(&mut self.stdin, "stdin")
    }

    /// Gives the streams themselves away, for a conversation with a program. What is printed from then on is dropped.
    pub(crate) fn give_away(&mut self) -> Streams {
        let sink = || Output { stream: Box::new(io::sink()), colour: false };
        Streams {
            stdin: std::mem::replace(&mut self.stdin, Box::new(io::empty())),
            stdout: std::mem::replace(&mut self.stdout, Stream::new(sink())).output.stream,
            stderr: std::mem::replace(&mut self.stderr, Stream::new(sink())).output.stream,
        }
    }

    /// Makes sure that everything has left.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        drop(self.stderr.flush());
        self.stdout.flush().map_err(|source| Failure::Output { source })
    }
}

/// The streams of a command that speaks to a program.
pub(crate) struct Streams {
    pub(crate) stdin: Box<dyn Read + Send>,
    pub(crate) stdout: Box<dyn Write + Send>,
    pub(crate) stderr: Box<dyn Write + Send>,
}

/// A stream whose reader may go away: what is written after that is dropped.
struct Stream {
    output: Output,
    is_open: bool,
}

impl Stream {
    fn new(output: Output) -> Self {
        Self { output, is_open: true }
    }

    fn write_text(&mut self, text: &Text) -> io::Result<()> {
        self.write_ansi(text.as_ansi())
    }

    fn write_ansi(&mut self, ansi: &str) -> io::Result<()> {
        if self.output.colour {
            self.write(ansi.as_bytes())
        } else {
            self.write(anstream::adapter::strip_str(ansi).to_string().as_bytes())
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.attempt(|stream| stream.write_all(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.attempt(|stream| stream.flush())
    }

    fn attempt(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        if !self.is_open {
            return Ok(());
        }
        match write(self.output.stream.as_mut()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.is_open = false;
                Ok(())
            }
            outcome => outcome,
        }
    }
}
