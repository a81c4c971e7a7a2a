//! What the server says on stderr, for people and for clients that wait for it.
//!
//! It is written in a thread of its own: a client that does not read it must not keep the server from its work.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread::Builder;
use std::time::Duration;

use maestro_session::model::escape;

/// How many lines wait to be written; what is said beyond that is lost.
const WAITING_LINES: usize = 1 << 10;

/// How long the last lines may take to be written.
const FINISH_WAIT: Duration = Duration::from_millis(500);

/// Where log lines go. They have the form that clients of the Node server know: `[level] maestro: text`.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    lines: SyncSender<String>,
}

/// The thread that writes the log.
#[derive(Debug)]
#[must_use = "lines that wait are lost if the process ends before `finish`"]
pub(crate) struct Logging {
    /// Closed when all is written.
    end: Receiver<()>,
}

impl Log {
    /// Begins to write a log.
    pub(crate) fn begin(mut stream: Box<dyn Write + Send>) -> io::Result<(Self, Logging)> {
        let (lines, written) = sync_channel::<String>(WAITING_LINES);
        let (at_end, end) = channel();
        Builder::new().name("stderr".to_owned()).spawn(move || {
            for line in written {
                // A log that cannot be written is no reason to stop.
                drop(stream.write_all(line.as_bytes()).and_then(|()| stream.flush()));
            }
            drop(at_end);
        })?;
        Ok((Self { lines }, Logging { end }))
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
        // Where nobody reads, nobody misses it.
        drop(self.lines.try_send(format!("[{level}] maestro: {}\n", escape(&text))));
    }
}

impl Logging {
    /// Waits until everything is written, but not for a reader that is not there. All logs must be gone.
    pub(crate) fn finish(self) {
        self.end.recv_timeout(FINISH_WAIT).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream that takes nothing until its other end is gone.
    struct Stuck(Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().unwrap_or_default();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_log_that_nobody_reads_keeps_nobody() {
        let (reader, stream) = channel();
        let (log, logging) = Log::begin(Box::new(Stuck(stream))).unwrap();
        for n in 0..2 * WAITING_LINES {
            log.error(&format!("line {n}"));
        }
        drop(log);
        logging.finish();
        drop(reader);
    }
}
