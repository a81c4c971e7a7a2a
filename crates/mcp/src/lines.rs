//! The lines of a connection: what comes in on one stream, what goes out on the other.
//!
//! Each stream has a thread of its own, because reading and writing may block for as long as the client likes, and neither
//! may keep the other waiting. Owns the limit of a line's length; knows nothing of what is in a line.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{Builder, JoinHandle};

use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, channel, unbounded_channel};

/// The longest line that is read, in bytes: the largest document that a session can have, written as JSON.
pub(crate) const MAX_LINE_BYTES: usize = 128 << 20;

/// How much of a line that is too long is kept, so that it can be told which request it was.
const KEPT_BYTES: usize = 4 << 10;

/// How many lines wait to be looked at. Each may be as long as a line can be.
const WAITING_LINES: usize = 1;

/// How many bytes may wait to be written before no more should be read.
const WAITING_BYTES: usize = 64 << 20;

/// A line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// All of it.
    Whole(Vec<u8>),
    /// The beginning of one that is too long.
    TooLong(Vec<u8>),
}

/// Reads lines in a thread of its own, until there are no more or nobody wants them.
pub(crate) fn read_lines(
    stream: Box<dyn Read + Send>,
) -> io::Result<tokio::sync::mpsc::Receiver<Line>> {
    let (sender, receiver) = channel(WAITING_LINES);
    Builder::new().name("stdin".to_owned()).spawn(move || {
        let mut stream = BufReader::with_capacity(64 << 10, stream);
        // A stream that cannot be read any more has ended.
        while let Ok(Some(line)) = read_line(&mut stream, MAX_LINE_BYTES) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    })?;
    Ok(receiver)
}

/// Reads a line of at most `limit` bytes, or what is left when the stream ends; nothing if nothing is left.
fn read_line(stream: &mut impl BufRead, limit: usize) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    let mut is_too_long = false;
    loop {
        let found = match stream.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            found => found?,
        };
        let end = found.iter().position(|byte| *byte == b'\n');
        let piece = &found[..end.unwrap_or(found.len())];
        if !is_too_long && limit < line.len() + piece.len() {
            is_too_long = true;
            let room = KEPT_BYTES.saturating_sub(line.len()).min(piece.len());
            line.extend_from_slice(&piece[..room]);
            line.truncate(KEPT_BYTES);
            line.shrink_to_fit();
        } else if !is_too_long {
            line.extend_from_slice(piece);
        }
        let has_ended = found.is_empty();
        let read = end.map_or(found.len(), |end| end + 1);
        stream.consume(read);
        if end.is_some() || has_ended && (is_too_long || !line.is_empty()) {
            return Ok(Some(if is_too_long { Line::TooLong(line) } else { Line::Whole(line) }));
        }
        if has_ended {
            return Ok(None);
        }
    }
}

/// Where lines are put that are to go out.
#[derive(Clone, Debug)]
pub(crate) struct LineSender {
    queue: UnboundedSender<Vec<u8>>,
    way_out: Arc<WayOut>,
}

/// What is known of the stream.
#[derive(Debug, Default)]
struct WayOut {
    /// How many bytes wait.
    waiting: AtomicUsize,
    /// Whether nobody reads any more.
    is_closed: AtomicBool,
    /// Told when either has changed.
    changed: Notify,
}

impl LineSender {
    /// Puts a line, which has its end, behind those that wait.
    pub(crate) fn send(&self, line: Vec<u8>) {
        self.way_out.waiting.fetch_add(line.len(), Ordering::Relaxed);
        // Once the thread is gone, nobody reads any more.
        drop(self.queue.send(line));
    }

    /// Whether nobody reads any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.way_out.is_closed.load(Ordering::Relaxed)
    }

    /// Waits until few enough bytes wait to be written, or nobody reads any more. Only one may wait.
    pub(crate) async fn room(&self) {
        while WAITING_BYTES <= self.way_out.waiting.load(Ordering::Relaxed) && !self.is_closed() {
            self.way_out.changed.notified().await;
        }
    }
}

/// The thread that writes.
#[derive(Debug)]
#[must_use = "lines that wait are lost if the process ends before `finish`"]
pub(crate) struct Writing {
    thread: JoinHandle<()>,
}

/// Begins to write lines in a thread of its own, each in one piece.
pub(crate) fn write_lines(stream: Box<dyn Write + Send>) -> io::Result<(LineSender, Writing)> {
    let (queue, lines) = unbounded_channel();
    let way_out = Arc::new(WayOut::default());
    let sender = LineSender { queue, way_out: Arc::clone(&way_out) };
    let thread = Builder::new()
        .name("stdout".to_owned())
        .spawn(move || write_all(stream, lines, &way_out))?;
    Ok((sender, Writing { thread }))
}

fn write_all(
    mut stream: Box<dyn Write + Send>,
    mut lines: UnboundedReceiver<Vec<u8>>,
    way_out: &WayOut,
) {
    while let Some(line) = lines.blocking_recv() {
        if stream.write_all(&line).and_then(|()| stream.flush()).is_err() {
            way_out.is_closed.store(true, Ordering::Relaxed);
            way_out.changed.notify_one();
            return;
        }
        way_out.waiting.fetch_sub(line.len(), Ordering::Relaxed);
        way_out.changed.notify_one();
    }
}

impl Writing {
    /// Waits until everything has left. All senders must be gone.
    pub(crate) fn finish(self) {
        // A thread that panicked has written what it could.
        drop(self.thread.join());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8], capacity: usize, limit: usize) -> Vec<Line> {
        let mut stream = BufReader::with_capacity(capacity, text);
        std::iter::from_fn(|| read_line(&mut stream, limit).unwrap()).collect()
    }

    fn whole(text: &str) -> Line {
        Line::Whole(text.as_bytes().to_vec())
    }

    #[test]
    fn lines_are_cut_at_their_ends_whatever_the_pieces() {
        for capacity in 1..8 {
            let found = lines(b"one\n\ntwo\r\nthree", capacity, 10);
            assert_eq!(found, [whole("one"), whole(""), whole("two\r"), whole("three")]);
        }
        assert_eq!(lines(b"", 4, 10), []);
    }

    #[test]
    fn of_a_line_that_is_too_long_the_beginning_is_kept_and_the_next_is_read() {
        for capacity in 1..8 {
            let found = lines(b"12345\n123456\n1\n1234567", capacity, 5);
            assert_eq!(found[0], whole("12345"));
            assert!(matches!(&found[1], Line::TooLong(begins) if b"123456".starts_with(begins)));
            assert_eq!(found[2], whole("1"));
            assert!(matches!(&found[3], Line::TooLong(begins) if b"1234567".starts_with(begins)));
            assert_eq!(found.len(), 4);
        }
    }

    #[test]
    fn there_is_room_until_too_much_waits_and_again_once_it_has_left() {
        /// Takes a line whenever it is told to.
        struct Slow(std::sync::mpsc::Receiver<()>);
        impl Write for Slow {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.recv().map_err(io::Error::other)?;
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (reader, stream) = std::sync::mpsc::channel();
        let (sender, writing) = write_lines(Box::new(Slow(stream))).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let has_room = || {
            let mut room = std::pin::pin!(sender.room());
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            room.as_mut().poll(&mut context).is_ready()
        };
        assert!(has_room());
        for _ in 0..2 {
            sender.send(vec![b'x'; WAITING_BYTES / 2]);
        }
        assert!(!has_room());
        reader.send(()).unwrap();
        runtime.block_on(sender.room());
        assert!(has_room());
        // Nobody will read the other one.
        sender.send(vec![b'x'; WAITING_BYTES / 2]);
        drop(reader);
        runtime.block_on(sender.room());
        assert!(sender.is_closed());
        drop(sender);
        writing.finish();
    }

    #[test]
    fn a_stream_that_nobody_reads_is_closed() {
        struct Broken;
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (sender, writing) = write_lines(Box::new(Broken)).unwrap();
        sender.send(b"x\n".to_vec());
        let way_out = Arc::clone(&sender.way_out);
        drop(sender);
        writing.finish();
        assert!(way_out.is_closed.load(Ordering::Relaxed));
    }
}
