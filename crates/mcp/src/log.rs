//! What the server says on stderr, for people and for clients that wait for it.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use maestro_session::model::escape;

/// Where log lines go. They have the form that clients of the Node server know: `[level] maestro: text`.
#[derive(Clone)]
pub(crate) struct Log {
    stream: Arc<Mutex<Box<dyn Write + Send>>>,
}

impl Log {
    pub(crate) fn new(stream: Box<dyn Write + Send>) -> Self {
        Self { stream: Arc::new(Mutex::new(stream)) }
    }

    /// Says how things go.
    pub(crate) fn info(&self, text: &str) {
        self.line("info", text);
    }

    /// Says what went wrong.
    pub(crate) fn error(&self, text: &str) {
        self.line("error", text);
    }

    fn line(&self, level: &str, text: &str) {
        const SHOWN: usize = 500;
        let text: String = text.chars().take(SHOWN).collect();
        let line = format!("[{level}] maestro: {}\n", escape(&text));
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        // A log that cannot be written is no reason to stop.
        drop(stream.write_all(line.as_bytes()).and_then(|()| stream.flush()));
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").finish_non_exhaustive()
    }
}
