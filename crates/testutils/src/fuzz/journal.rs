//! Journals: reading one, and getting every document back from it.
//!
//! A line has a checksum and its documents have hashes, which no chance finds. So an input is read three times: as it
//! is; with the checksums that its lines should have; and as the outline of a journal that is written here, from the
//! description of the format and not by the code under test, with the documents known that it must give back.

use std::path::Path;

use maestro_session_model::Splice;
use maestro_state_store::journal::{History, Newest};
use maestro_state_store::{ContentHash, JournalError, splice};
use serde_json::{Value, json};

use super::assert_explains;

/// Reads a journal in three ways, and all documents of those that can be read.
pub fn journal(data: &[u8]) {
    for bytes in [data.to_vec(), sealed(data)] {
        match parse(&bytes) {
            Ok(history) => {
                assert_agrees_with_itself(&history);
                assert_survives_a_crash(&bytes, &history);
            }
            Err(error) => {
                let _hint = error.hint();
                let line =
                    if let JournalError::Corrupt { line, .. } = error { Some(line) } else { None };
                assert_explains(&error, line, &String::from_utf8_lossy(&bytes));
            }
        }
    }
    let outlined = Outlined::of(data);
    let history = parse(&outlined.bytes).expect("a journal that follows the format is read");
    assert_eq!(history.operations().len(), outlined.documents.len());
    for (operation, document) in history.operations().iter().zip(&outlined.documents) {
        assert_eq!(operation.abandoned, document.abandoned);
        let found = history.text_after(operation.record.seq);
        assert_eq!(found.ok(), document.text, "after operation {}", operation.record.seq);
    }
    assert_eq!(history.carried(), outlined.carried.as_ref());
    let last = outlined.documents.iter().rfind(|document| !document.abandoned);
    assert_eq!(history.last_document().ok(), Some(last.and_then(|last| last.text.clone())));
    assert_agrees_with_itself(&history);
    assert_survives_a_crash(&outlined.bytes, &history);
    let noise = [&outlined.bytes[..], b"\0\0{\"v\":1,\n"].concat();
    assert_eq!(parse(&noise).expect("the last line may be anything"), history);
    assert_differences_lead_both_ways(&outlined.documents);
}

fn parse(bytes: &[u8]) -> Result<History, JournalError> {
    History::parse(Path::new("fuzz.jsonl"), bytes)
}

/// The two ways to a document lead to the same one.
fn assert_agrees_with_itself(history: &History) {
    let operations = history.operations();
    let mut replay = history.replay();
    let mut has_whole = false;
    let mut is_sound = true;
    // A segment goes on from where the one before it ended, with the whole document.
    let first = operations.first().map_or(1, |operation| operation.record.seq);
    let begins = operations.first().is_none_or(|operation| operation.record.document.is_some());
    assert!(first == 1 || begins, "what is before operation {first} is needed");
    for (seq, operation) in (first..).zip(operations) {
        assert_eq!(operation.record.seq, seq, "operations are counted one by one");
        has_whole |= operation.record.document.is_some() && !operation.abandoned;
        let read = history.text_after(seq);
        if is_sound {
            match replay.advance() {
                Ok(step) => {
                    let step = step.expect("there is a step for each operation");
                    assert_eq!(step.operation, operation);
                    if has_whole {
                        assert_eq!(read.as_deref().ok(), Some(step.text), "operation {seq}");
                    }
                }
                Err(error) => {
                    assert_explains(&error, None, "");
                    is_sound = false;
                }
            }
        }
        if let Err(error) = read {
            assert_explains(&error, None, "");
        }
    }
    let next = first + operations.len() as u64;
    assert!(matches!(history.text_after(next), Err(JournalError::NoSuchOperation { .. })));
    assert!(operations.iter().any(|op| !op.abandoned) || history.last_document().is_ok());
}

/// Of a journal whose end was never written, everything is there that was written whole.
fn assert_survives_a_crash(bytes: &[u8], history: &History) {
    for end in [bytes.len() / 2, bytes.len().saturating_sub(1)] {
        let torn = parse(&bytes[..end]).expect("a line that is not whole is left out");
        let records = |history: &History| -> Vec<_> {
            history.operations().iter().map(|op| op.record.clone()).collect()
        };
        assert!(records(history).starts_with(&records(&torn)));
        // The marks of the last one may be missing.
        let marks = |op: &Newest| [op.done, op.abandoned, op.archived, op.settled];
        for (torn, whole) in torn.operations().iter().zip(history.operations()) {
            assert!(marks(torn).iter().zip(marks(whole)).all(|(torn, whole)| *torn <= whole));
        }
    }
}

/// The difference of two documents leads from one to the other, and back.
fn assert_differences_lead_both_ways(documents: &[Left]) {
    let texts: Vec<&str> = documents.iter().filter_map(|left| left.text.as_deref()).collect();
    for pair in texts.windows(2) {
        let splices = splice::diff(pair[0], pair[1]);
        assert_eq!(splice::apply(pair[0], &splices).as_deref(), Ok(pair[1]));
        let back = splice::reverse(&splices);
        assert_eq!(splice::apply(pair[1], &back).as_deref(), Ok(pair[0]));
    }
}

/// Gives each line the checksum that it should have.
fn sealed(data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        let (line, end) = line.strip_suffix(b"\n").map_or((line, &b""[..]), |line| (line, b"\n"));
        let body = match line.len().checked_sub(r#","crc":"00000000"}"#.len()) {
            Some(len) if line[len..].starts_with(br#","crc":""#) => &line[..len],
            _ => line.strip_suffix(b"}").unwrap_or(line),
        };
        bytes.extend(with_checksum(body));
        bytes.extend(end);
    }
    bytes
}

/// Ends an object of which all but the last brace is there.
fn with_checksum(body: &[u8]) -> Vec<u8> {
    let end = format!(r#","crc":"{:08x}"}}"#, crc32fast::hash(body));
    [body, end.as_bytes()].concat()
}

/// A journal that follows the format, and the documents that it must give back.
#[derive(Default)]
struct Outlined {
    bytes: Vec<u8>,
    documents: Vec<Left>,
    /// The operation that counts last, by its place.
    effective: Option<usize>,
    /// What the first operation carries.
    carried: Option<Value>,
}

/// What an operation left.
struct Left {
    text: Option<String>,
    abandoned: bool,
}

impl Outlined {
    /// Takes from `data` what becomes of the documents, and does the counting and the hashing itself.
    fn of(data: &[u8]) -> Self {
        let mut outlined = Self::default();
        for line in data.split(|byte| *byte == b'\n') {
            let Ok(value) = serde_json::from_slice::<Value>(line) else { continue };
            match value["mark"].as_str() {
                Some(mark) => outlined.mark(mark),
                None if value.is_object() => outlined.operation(&value),
                None => {}
            }
        }
        outlined
    }

    fn push(&mut self, value: &Value) {
        let line = value.to_string();
        let body = line.strip_suffix('}').expect("the line is an object");
        self.bytes.extend(with_checksum(body.as_bytes()));
        self.bytes.push(b'\n');
    }

    /// Marks the last operation. One that others build on is not abandoned any more.
    fn mark(&mut self, mark: &str) {
        let seq = self.documents.len();
        if seq == 0 || !matches!(mark, "done" | "abandoned" | "archived" | "settled") {
            return;
        }
        if mark == "abandoned" && !self.documents[seq - 1].abandoned {
            let before = self.documents[..seq - 1].iter().rposition(|left| !left.abandoned);
            self.effective = before;
            self.documents[seq - 1].abandoned = true;
            self.documents[seq - 1].text =
                before.and_then(|before| self.documents[before].text.clone());
        }
        self.push(&json!({ "v": 1, "seq": seq, "mark": mark }));
    }

    fn operation(&mut self, value: &Value) {
        let before = self.effective.and_then(|at| self.documents[at].text.clone());
        let splices = before.as_deref().map(|before| fitting(before, &value["splices"]));
        let whole = value["document"].as_str().map(str::to_owned);
        let (text, whole) = match (whole, &before, &splices) {
            (None, Some(before), Some(splices)) if !splices.is_empty() => {
                (applied(before, splices), None)
            }
            // Without a text before, only a whole one says what it is.
            (whole, ..) => {
                let text = whole.unwrap_or_default();
                (text.clone(), Some(text))
            }
        };
        let hash = |text: &str| ContentHash::of(text.as_bytes()).to_string();
        let mut line = json!({
            "v": 1,
            "seq": self.documents.len() + 1,
            "op": "01980000-0000-7000-8000-000000000000",
            "time": "2026-01-15T10:00:00.000Z",
            "actor": { "kind": if value["actor"]["kind"] == "external" { "external" } else { "cli" } },
            "command": value["command"],
            "canonical": value["canonical"].as_bool().unwrap_or_default(),
            "after": hash(&text),
        });
        if let Some(before) = &before {
            line["before"] = json!(hash(before));
        }
        match whole {
            Some(whole) => line["document"] = json!(whole),
            None => line["splices"] = json!(splices),
        }
        // A reader keeps it, whatever it is. As text: numbers with fractions may come back as their neighbours.
        if !value["carried"].is_null() {
            let carried = json!(value["carried"].to_string());
            line["carried"] = carried.clone();
            if self.documents.is_empty() {
                self.carried = Some(carried);
            }
        }
        self.push(&line);
        self.effective = Some(self.documents.len());
        self.documents.push(Left { text: Some(text), abandoned: false });
    }
}

/// Moves the splices of `value` to places that `before` has, in order, and lets them remove what stands there.
fn fitting(before: &str, value: &Value) -> Vec<Splice> {
    let boundary = |at: u64, least: usize| {
        let mut at = usize::try_from(at).unwrap_or(usize::MAX).clamp(least, before.len());
        while !before.is_char_boundary(at) {
            at += 1;
        }
        at
    };
    let mut free = 0;
    let mut splices = Vec::new();
    for value in value.as_array().map(Vec::as_slice).unwrap_or_default() {
        let at = boundary(value["at"].as_u64().unwrap_or_default(), free);
        let removed = value["remove"].as_str().unwrap_or_default().len();
        free = boundary((at + removed) as u64, at);
        let insert = value["insert"].as_str().unwrap_or_default().to_owned();
        splices.push(Splice { at, remove: before[at..free].to_owned(), insert });
    }
    splices
}

/// Applies splices that fit, from the last to the first, which needs no counting.
fn applied(before: &str, splices: &[Splice]) -> String {
    let mut text = before.to_owned();
    for splice in splices.iter().rev() {
        text.replace_range(splice.at..splice.at + splice.remove.len(), &splice.insert);
    }
    text
}
