//! Finds archived sessions by what is written in them.
//!
//! Every word must be somewhere in the file, or in its name. A file's score is the sum over words and places of
//! `weight × n / (n + 1)`, where `n` is how many lines of that place have the word, and the weights are 256 for id and
//! task, 64 for names of phases, 16 for decisions, 4 for files and 1 for the rest. So a word that is once in a place counts
//! more than one that is in every line of all lesser places. Of equal scores, the newest comes first.

use std::borrow::Cow;
use std::ops::Range;

use maestro_state_store::Store;
use maestro_state_store::store::FileError;
use serde::Serialize;

use crate::archived::ArchivedSession;
use crate::archived::file_name;
use crate::each::each;
use crate::query::{Query, fold};
use crate::search::lines::{HitPlace, Line, Lines};

pub(crate) mod lines;

/// How much of a long line is shown, in bytes.
const MAX_LINE_BYTES: usize = 240;

/// How much of it is shown in front of what was found.
const LEAD_BYTES: usize = 40;

/// An archived session in which all words were found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hit {
    /// The session.
    #[serde(flatten)]
    pub session: ArchivedSession,
    /// How well it fits: more is better.
    pub score: f64,
    /// The line that fits best; nothing where only the name of the file does.
    pub line: Option<HitLine>,
}

/// A line in which words were found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HitLine {
    /// Its number in the file, from 1.
    pub number: usize,
    /// What it is about.
    pub place: HitPlace,
    /// What it says, without blanks around it. A long one is cut, with `…` where something is missing.
    pub text: String,
    /// Where words are in `text`, in bytes.
    pub matches: Vec<Range<usize>>,
}

/// What a search came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The sessions in which all words are, the best first.
    pub hits: Vec<Hit>,
    /// How many files could not be read, so that nobody knows what is in them.
    pub unread: usize,
}

/// Finds those of `sessions` in which all words of `query` are. Reads their files, each once.
///
/// `progress` is told how many were read, of how many.
pub fn search(
    store: &Store,
    query: &Query,
    sessions: Vec<ArchivedSession>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Found, FileError> {
    let Some(folder) = store.folder(&store.dir().archive())? else { return Ok(Found::default()) };
    let look = |n: usize| {
        let id = &sessions[n].id;
        let read = folder.read(&file_name(id));
        let is_read = read.is_ok();
        let bytes = read.ok().flatten().map(|file| file.bytes).unwrap_or_default();
        // Its name is known all the same.
        (find(query, id, &bytes), is_read)
    };
    let found = each(sessions.len(), look, progress);
    let unread = found.iter().filter(|(_, is_read)| !is_read).count();
    let mut hits: Vec<Hit> = sessions
        .into_iter()
        .zip(found)
        .filter_map(|(session, (found, _))| found.map(|(score, line)| Hit { session, score, line }))
        .collect();
    hits.sort_by(|a, b| {
        b.score.total_cmp(&a.score).then_with(|| a.session.newest_first(&b.session))
    });
    Ok(Found { hits, unread })
}

/// How often a word is in each place.
#[derive(Clone, Copy, Default)]
struct Tally([u32; HitPlace::ALL.len()]);

impl Tally {
    fn add(&mut self, place: HitPlace) {
        let n = &mut self.0[place as usize];
        *n = n.saturating_add(1);
    }

    fn is_empty(self) -> bool {
        self.0.iter().all(|n| *n == 0)
    }

    fn score(self) -> f64 {
        let places = HitPlace::ALL.iter().zip(self.0);
        places.map(|(place, n)| weight(*place) * f64::from(n) / (f64::from(n) + 1.0)).sum()
    }
}

fn weight(place: HitPlace) -> f64 {
    match place {
        HitPlace::Task => 256.0,
        HitPlace::Phase => 64.0,
        HitPlace::Decision => 16.0,
        HitPlace::File => 4.0,
        HitPlace::Body => 1.0,
    }
}

/// Looks for the words in a file; nothing if one is missing.
fn find(query: &Query, id: &str, bytes: &[u8]) -> Option<(f64, Option<HitLine>)> {
    let name = fold(id);
    let lowered = bytes.to_ascii_lowercase();
    let words = query.words();
    let in_name: Vec<bool> = words.iter().map(|word| word.is_in_folded(name.as_bytes())).collect();
    if !words.iter().zip(&in_name).all(|(word, in_name)| *in_name || word.may_be_in(&lowered)) {
        return None;
    }
    let is_plain = words.iter().all(|word| word.is_plain_in(&lowered));
    let mut tallies = vec![Tally::default(); words.len()];
    for (tally, in_name) in tallies.iter_mut().zip(&in_name) {
        if *in_name {
            tally.add(HitPlace::Task);
        }
    }
    let mut best: Option<(f64, Line<'_>, HitPlace)> = None;
    for line in Lines::of(bytes) {
        let Some(place) = line.place else { continue };
        let value = line.at + line.value_at..line.at + line.bytes.len();
        let folded: Cow<'_, [u8]> = if is_plain {
            Cow::Borrowed(&lowered[value])
        } else {
            Cow::Owned(fold(&String::from_utf8_lossy(&bytes[value])).into_bytes())
        };
        let mut fits = 0.0;
        for (word, tally) in words.iter().zip(&mut tallies) {
            if word.is_in_folded(&folded) {
                tally.add(place);
                fits += weight(place);
            }
        }
        let is_better = |(other, ..): &(f64, Line<'_>, HitPlace)| {
            // Of an id and a task that fit as well, the task says more; it is the later one.
            *other < fits || (place == HitPlace::Task && *other <= fits)
        };
        if 0.0 < fits && best.as_ref().is_none_or(is_better) {
            best = Some((fits, line, place));
        }
    }
    if tallies.iter().any(|tally| tally.is_empty()) {
        return None;
    }
    let score = tallies.iter().map(|tally| tally.score()).sum();
    Some((score, best.map(|(_, line, place)| shown(query, &line, place))))
}

/// A line as it is shown: trimmed, and cut around what was found if it is long. What is found in a key is not shown as found.
fn shown(query: &Query, line: &Line<'_>, place: HitPlace) -> HitLine {
    let (key, value) = line.bytes.split_at(line.value_at);
    let (key, value) = (String::from_utf8_lossy(key), String::from_utf8_lossy(value));
    let (key, value) = (key.trim_start(), value.trim_end());
    let mut matches = query.places_in(value);
    let first = matches.first().map_or(0, |place| place.start);
    let is_long = MAX_LINE_BYTES < key.len() + value.len();
    let begin =
        if is_long { value.floor_char_boundary(first.saturating_sub(LEAD_BYTES)) } else { 0 };
    let end = value.floor_char_boundary(value.len().min(begin + MAX_LINE_BYTES));
    let mut text = key.to_owned();
    if 0 < begin {
        text.push('…');
    }
    let moved = |at: usize| at.clamp(begin, end) - begin + text.len();
    for found in &mut matches {
        *found = moved(found.start)..moved(found.end);
    }
    matches.retain(|found| !found.is_empty());
    text.push_str(&value[begin..end]);
    if end < value.len() {
        text.push('…');
    }
    HitLine { number: line.number, place, text, matches }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(words: &[&str], id: &str, text: &str) -> Option<(f64, Option<HitLine>)> {
        find(&Query::parse(words.iter().copied()).unwrap(), id, text.as_bytes())
    }

    fn file(task: &str, phase: &str, warning: &str, file: &str, body: &str) -> String {
        format!(
            "---\nsession_id: \"2026-01-15-x\"\ntask: \"{task}\"\nstatus: \"completed\"\nphases:\n  - id: 1\n    \
             name: \"{phase}\"\n    agents:\n      - \"coder\"\n    files_created:\n      - \"{file}\"\n    \
             downstream_context:\n      warnings:\n        - \"{warning}\"\n---\n# Log\n{body}\n"
        )
    }

    #[test]
    fn all_words_must_be_there_and_keys_do_not_count() {
        let text = file("Token bucket", "Core", "not async-safe", "src/a.rs", "it works");
        assert!(found(&["BUCKET", "async"], "x", &text).is_some());
        assert!(found(&["bucket", "absent"], "x", &text).is_none());
        for key in ["session_id", "coder", "completed", "files_created", "async bucket"] {
            assert!(found(&[key], "x", &text).is_none(), "{key}");
        }
        assert!(found(&["not async"], "x", &text).is_some(), "a phrase");
        let (_, line) = found(&["x-2"], "2026-01-15-x-2", &text).unwrap();
        assert_eq!(line, None, "only the name of the file has it");
    }

    #[test]
    fn the_best_line_is_shown_with_what_was_found_in_it() {
        let text = file("Names for all", "Name the name", "none", "src/name.rs", "name");
        let (_, line) = found(&["name"], "x", &text).unwrap();
        let line = line.unwrap();
        assert_eq!((line.number, line.place), (3, HitPlace::Task));
        assert_eq!(line.text, "task: \"Names for all\"");
        assert_eq!((line.matches.len(), line.matches.first()), (1, Some(&(7..11))));
        let (_, line) = found(&["name", "the"], "x", &text).unwrap();
        let line = line.unwrap();
        assert_eq!(line.text, "task: \"Names for all\"", "a task outweighs a phase with both");
        let (_, line) = found(&["the"], "x", &text).unwrap();
        let line = line.unwrap();
        assert_eq!(line.text, "name: \"Name the name\"");
        let texts: Vec<&str> = line.matches.iter().map(|at| &line.text[at.clone()]).collect();
        assert_eq!(texts, ["the"]);
    }

    #[test]
    fn a_long_line_is_cut_around_what_was_found() {
        let body = format!("{} Ärger mit dem Bucket {}", "ä ".repeat(300), "ö ".repeat(300));
        let text = file("t", "p", "w", "f", &body);
        let line = found(&["bucket"], "x", &text).unwrap().1.unwrap();
        assert!(line.text.starts_with('…') && line.text.ends_with('…'), "{}", line.text);
        assert!(line.text.len() < 300);
        assert_eq!(line.matches.len(), 1);
        assert_eq!(&line.text[line.matches[0].clone()], "Bucket");
    }

    #[test]
    fn other_scripts_are_found_in_any_case() {
        let text = file("Übersicht der ΟΔΟΣ", "p", "w", "f", "b ✓");
        let line = found(&["ÜBERSICHT", "οδος"], "x", &text).unwrap().1.unwrap();
        let texts: Vec<&str> = line.matches.iter().map(|at| &line.text[at.clone()]).collect();
        assert_eq!(texts, ["Übersicht", "ΟΔΟΣ"]);
    }

    #[test]
    fn damaged_files_are_searched() {
        let mut bytes = b"---\ntask: \"cut off".to_vec();
        bytes.extend_from_slice(b"\n\xff\xfe bucket");
        let query = Query::parse(["bucket"]).unwrap();
        assert!(find(&query, "x", &bytes).is_some());
        assert!(find(&Query::parse(["cut"]).unwrap(), "x", &bytes).is_some());
    }

    proptest! {
        /// What a word is worth in one place is never made up for by lesser ones.
        #[test]
        fn a_better_place_outweighs_all_lesser_ones(n in proptest::array::uniform5(0_u32..1_000_000)) {
            for (at, _) in HitPlace::ALL.iter().enumerate() {
                let mut better = Tally::default();
                better.0[at] = 1;
                let mut lesser = Tally(n);
                lesser.0[..=at].fill(0);
                prop_assert!(lesser.score() < better.score());
            }
        }

        /// Whatever is in a file, a search ends, and says what can be shown.
        #[test]
        fn any_bytes_can_be_searched(
            lines in proptest::collection::vec(
                prop_oneof![
                    Just(b"---".to_vec()),
                    "[ -]{0,4}(\"?[a-z_]{1,9}\"?:)?[ |>{\"'#]{0,3}[aAäİ\u{212a}]{0,300}".prop_map(String::into_bytes),
                    proptest::collection::vec(any::<u8>(), 0..20),
                ],
                0..12,
            ),
            word in "[aAäİk\u{212a}\"' ]{1,4}",
        ) {
            let bytes = lines.join(&b'\n');
            let Ok(query) = Query::parse([word.as_str()]) else { return Ok(()) };
            if let Some((score, line)) = find(&query, "a-1", &bytes) {
                prop_assert!(0.0 < score && score.is_finite());
                for found in line.iter().flat_map(|line| &line.matches) {
                    let text = &line.as_ref().unwrap().text;
                    prop_assert!(text.get(found.clone()).is_some_and(|found| !found.is_empty()));
                }
            }
        }

        /// Finds in any text exactly what a plain search of its values finds.
        #[test]
        fn finds_what_is_there(
            word in "[a-zäK✓]{1,3}",
            values in proptest::array::uniform5("[a-zA-ZäÄkK\u{212a}✓ ]{0,12}"),
        ) {
            let [task, phase, warning, path, body] = &values;
            let text = file(task, phase, warning, path, body);
            let searched = ["x", "2026-01-15-x", task, phase, warning, path, "# Log", body];
            let is_in = searched.iter().any(|value| fold(value).contains(&fold(&word)));
            prop_assert_eq!(found(&[&word], "x", &text).is_some(), is_in);
        }
    }
}
