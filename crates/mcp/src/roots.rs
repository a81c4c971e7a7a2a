//! The roots of the client: the directories that it says it works in.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How long a client may take to say what its roots are.
pub(crate) const ROOTS_WAIT: Duration = Duration::from_secs(5);

/// What is known of the client's roots. Clones know the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roots {
    shared: Arc<(Mutex<Known>, Condvar)>,
}

#[derive(Debug, Default)]
struct Known {
    roots: Vec<PathBuf>,
    /// Whether the client was asked and has not answered.
    is_asked: bool,
}

impl Roots {
    /// Notes that the client has been asked, so that whoever wants to know waits for the answer.
    pub(crate) fn ask(&self) {
        let (known, _) = &*self.shared;
        known.lock().unwrap_or_else(PoisonError::into_inner).is_asked = true;
    }

    /// Notes what the client has answered. One that did not answer has no roots.
    pub(crate) fn answer(&self, uris: &[String]) {
        let (known, answered) = &*self.shared;
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        known.roots = uris.iter().filter_map(|uri| path_of(uri)).collect();
        known.is_asked = false;
        answered.notify_all();
    }

    /// Notes that no answer will come: the roots stay what they were.
    pub(crate) fn give_up(&self) {
        let (known, answered) = &*self.shared;
        known.lock().unwrap_or_else(PoisonError::into_inner).is_asked = false;
        answered.notify_all();
    }

    /// Returns the roots, after waiting for them if the client has been asked. Must not be called where tasks run.
    pub(crate) fn wait(&self) -> Vec<PathBuf> {
        let (known, answered) = &*self.shared;
        let known = known.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = answered.wait_timeout_while(known, ROOTS_WAIT, |known| known.is_asked);
        waited.unwrap_or_else(PoisonError::into_inner).0.roots.clone()
    }
}

/// The path of a `file:` URI of this machine.
fn path_of(uri: &str) -> Option<PathBuf> {
    let rest = uri.strip_prefix("file://")?;
    let path = rest.strip_prefix("localhost").filter(|path| path.starts_with('/')).unwrap_or(rest);
    if !path.starts_with('/') {
        return None;
    }
    let path = unescaped(path)?;
    // `file:///C:/project` names a drive.
    let drive = path.as_bytes().get(2) == Some(&b':');
    Some(PathBuf::from(if cfg!(windows) && drive { &path[1..] } else { path.as_str() }))
}

/// The text with its percent-encoded bytes as they are meant.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (high, low) = (digit()?, digit()?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_file_uris() {
        let path = |uri| path_of(uri).map(|path| path.to_string_lossy().into_owned());
        for (uri, expected) in [
            ("file:///home/u/app", Some("/home/u/app")),
            ("file://localhost/home/u", Some("/home/u")),
            ("file:///a%20b/%C3%A9", Some("/a b/é")),
            ("file://server/share", None),
            ("https://example.com", None),
            ("file:///bad%2", None),
            ("file:///bad%zz", None),
            ("/home/u", None),
        ] {
            assert_eq!(path(uri).as_deref(), expected, "{uri}");
        }
    }

    #[test]
    fn roots_that_nobody_asked_for_are_none() {
        assert!(Roots::default().wait().is_empty());
    }

    #[test]
    fn whoever_wants_to_know_waits_for_the_answer() {
        let roots = Roots::default();
        roots.ask();
        let waiting = std::thread::spawn({
            let roots = roots.clone();
            move || roots.wait()
        });
        roots.answer(&["file:///a".to_owned()]);
        assert_eq!(waiting.join().unwrap(), [PathBuf::from("/a")]);
    }
}
