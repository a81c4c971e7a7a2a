//! What must hold for every input, however broken.
//!
//! One function for each reader of bytes that others wrote. It takes one input and panics where a promise is not kept.
//! The fuzz targets hand it what they make up, and ordinary tests hand it the kept inputs of `fuzz/corpus/`, so that what
//! was once found stays found. Nothing here depends on time, chance or the disk: an input always has the same fate.

mod document;
mod handoff;
mod journal;
mod plan;

use std::path::Path;

use fs_err::{read, read_dir};

pub use self::document::document;
pub use self::handoff::handoff;
pub use self::journal::journal;
pub use self::plan::plan;

/// An input that is kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kept {
    /// The name of its file.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// Returns the kept inputs of a target, in the order of their names.
///
/// Panics if there are none: a test of nothing always passes.
pub fn corpus(target: &str) -> Vec<Kept> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let files = read_dir(&folder).expect("the corpus of a target is part of the repository");
    let mut kept: Vec<Kept> = files
        .map(|file| {
            let file = file.expect("the corpus can be listed");
            let name = file.file_name().to_string_lossy().into_owned();
            Kept { name, bytes: read(file.path()).expect("the corpus is made of files") }
        })
        .collect();
    assert!(!kept.is_empty(), "the corpus of `{target}` is empty");
    kept.sort_unstable();
    kept
}

/// Replays the kept inputs of a target. The name of each is printed, so that it stands above the message of a failure.
#[expect(clippy::print_stdout, reason = "tests show it when they fail")]
pub fn replay(target: &str, property: fn(&[u8])) {
    for input in corpus(target) {
        println!("fuzz/corpus/{target}/{}", input.name);
        property(&input.bytes);
    }
}

/// Returns the number of the last line that an error about `text` may name. For the readers of YAML and Markdown more
/// characters end a line than for an editor.
fn last_line(text: &str) -> usize {
    let ends = text.replace("\r\n", "\n");
    1 + ends.matches(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count()
}

/// Checks what every error must have: a message in one line, and a line of the text if it names one.
fn assert_explains(error: &dyn std::error::Error, line: Option<usize>, text: &str) {
    let message = error.to_string();
    assert!(!message.trim().is_empty(), "an error says nothing: {error:?}");
    if let Some(line) = line {
        let last = last_line(text);
        assert!((1..=last).contains(&line), "line {line} of {last}: {message}");
    }
}
