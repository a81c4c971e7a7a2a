//! The words that are searched for, and where they are in a text. Pure.
//!
//! Upper and lower case are the same: both sides are folded character by character, as Unicode lowers them; ς is σ.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memmem;

/// Words that must all be there.
#[derive(Clone, Debug)]
pub struct Query {
    words: Vec<Word>,
}

/// Nothing was given to search for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no word to search for")]
pub struct NoWords;

/// A word, or a phrase: then there are blanks in it.
#[derive(Clone, Debug)]
pub(crate) struct Word {
    folded: String,
    /// Finds it in folded text.
    finder: memmem::Finder<'static>,
    /// Finds parts of it that look the same in every text that has the word, once ASCII is lowered.
    parts: Vec<memmem::Finder<'static>>,
    /// Characters beyond ASCII that become one of its letters.
    lookalikes: Vec<memmem::Finder<'static>>,
}

/// The only characters beyond ASCII that lowering makes ASCII of: İ (to i and a dot) and the Kelvin sign.
const LOOKALIKES: [(char, char); 2] = [('i', '\u{130}'), ('k', '\u{212a}')];

/// What lowering İ leaves behind an i.
const DOT_ABOVE: char = '\u{307}';

impl Query {
    /// Takes each of `arguments` for a word, and one with blanks for a phrase. Where there are double quotes in it, those say
    /// what is a phrase, and blanks part words.
    pub fn parse<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Result<Self, NoWords> {
        let mut words: Vec<String> = Vec::new();
        for argument in arguments {
            if !argument.contains('"') {
                words.push(argument.to_owned());
                continue;
            }
            for (n, part) in argument.split('"').enumerate() {
                if n % 2 == 1 {
                    words.push(part.to_owned());
                } else {
                    words.extend(part.split_whitespace().map(str::to_owned));
                }
            }
        }
        let mut words: Vec<String> = words.iter().map(|word| fold(&one_blank(word))).collect();
        words.retain(|word| !word.is_empty());
        words.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        words.dedup();
        if words.is_empty() {
            return Err(NoWords);
        }
        Ok(Self { words: words.into_iter().map(Word::new).collect() })
    }

    /// Takes a line as people type it: blanks part words, and double quotes hold phrases together.
    pub fn parse_line(line: &str) -> Result<Self, NoWords> {
        if line.contains('"') { Self::parse([line]) } else { Self::parse(line.split_whitespace()) }
    }

    /// The words, the longest first, which tends to be the rarest.
    pub(crate) fn words(&self) -> &[Word] {
        &self.words
    }

    /// Whether all words are in some of `texts`.
    pub(crate) fn is_in(&self, texts: &[&str]) -> bool {
        let folded: Vec<String> = texts.iter().map(|text| fold(text)).collect();
        self.words.iter().all(|word| folded.iter().any(|text| word.is_in_folded(text.as_bytes())))
    }

    /// Where the words are in `text`: byte ranges in order, those that touch made one.
    pub(crate) fn places_in(&self, text: &str) -> Vec<Range<usize>> {
        let mut folded = String::with_capacity(text.len());
        // For each byte of the folded text: the character that it comes from.
        let mut origins: Vec<Range<usize>> = Vec::new();
        for (at, c) in text.char_indices() {
            fold_char(c).for_each(|c| folded.push(c));
            origins.resize(folded.len(), at..at + c.len_utf8());
        }
        let mut places: Vec<Range<usize>> = Vec::new();
        for word in &self.words {
            let found = word.finder.find_iter(folded.as_bytes());
            places
                .extend(found.map(|at| origins[at].start..origins[at + word.folded.len() - 1].end));
        }
        places.sort_unstable_by_key(|place| (place.start, place.end));
        let mut merged: Vec<Range<usize>> = Vec::new();
        for place in places {
            match merged.last_mut() {
                Some(last) if place.start <= last.end => last.end = last.end.max(place.end),
                Some(_) | None => merged.push(place),
            }
        }
        merged
    }
}

impl Word {
    fn new(folded: String) -> Self {
        let finder = memmem::Finder::new(folded.as_bytes()).into_owned();
        let parts = folded.split(|c: char| !is_same_in_every_text(c));
        let parts = parts.filter(|part| !part.is_empty());
        let parts = parts.map(|part| memmem::Finder::new(part.as_bytes()).into_owned()).collect();
        let lookalikes = LOOKALIKES.iter().filter(|(letter, _)| folded.contains(*letter));
        let lookalikes = lookalikes.map(|(_, lookalike)| {
            memmem::Finder::new(lookalike.encode_utf8(&mut [0; 4]).as_bytes()).into_owned()
        });
        let lookalikes = lookalikes.collect();
        Self { folded, finder, parts, lookalikes }
    }

    /// Whether lowering the ASCII of a text is enough to find the word in it: the word is ASCII, and nothing in the text
    /// becomes ASCII.
    pub(crate) fn is_plain_in(&self, lowered: &[u8]) -> bool {
        self.folded.is_ascii() && !self.has_lookalike_in(lowered)
    }

    /// Whether the word may be in a text whose ASCII is lowered. A no is certain.
    pub(crate) fn may_be_in(&self, lowered: &[u8]) -> bool {
        self.parts.iter().all(|part| part.find(lowered).is_some()) || self.has_lookalike_in(lowered)
    }

    fn has_lookalike_in(&self, lowered: &[u8]) -> bool {
        self.lookalikes.iter().any(|lookalike| lookalike.find(lowered).is_some())
    }

    /// Whether the word is in a folded text, or one of which folding is [no more than lowering](Self::is_plain_in).
    pub(crate) fn is_in_folded(&self, folded: &[u8]) -> bool {
        self.finder.find(folded).is_some()
    }
}

/// Whether a folded character comes from nothing but itself, or if it is a letter of ASCII, its capital or a lookalike.
fn is_same_in_every_text(c: char) -> bool {
    if c.is_ascii() {
        return true;
    }
    c != DOT_ABOVE && c != 'σ' && c.to_uppercase().eq([c]) && c.to_lowercase().eq([c])
}

/// Folds a text.
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().flat_map(fold_char).collect()
}

fn fold_char(c: char) -> impl Iterator<Item = char> {
    // The small sigma at the end of a word is the same letter, and what is searched for may go on.
    c.to_lowercase().map(|c| if c == 'ς' { 'σ' } else { c })
}

/// A phrase with single blanks between its words.
fn one_blank(text: &str) -> Cow<'_, str> {
    let is_so = text.trim() == text && !text.contains("  ") && !text.contains(['\t', '\n']);
    if is_so {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn query(arguments: &[&str]) -> Query {
        Query::parse(arguments.iter().copied()).unwrap()
    }

    fn words(arguments: &[&str]) -> Vec<String> {
        query(arguments).words.into_iter().map(|word| word.folded).collect()
    }

    #[test]
    fn an_argument_is_a_word_and_quotes_make_phrases() {
        assert_eq!(words(&["Bucket", "rate"]), ["bucket", "rate"]);
        assert_eq!(words(&["token  bucket"]), ["token bucket"]);
        assert_eq!(words(&["rate \"token bucket\" x"]), ["token bucket", "rate", "x"]);
        assert_eq!(words(&["a", "A", "\"\""]), ["a"]);
        assert!(Query::parse([]).is_err());
        assert!(Query::parse(["", "  ", "\" \""]).is_err());
    }

    #[test]
    fn case_makes_no_difference_in_any_script() {
        for (word, text) in [
            ("über", "ÜBERSICHT"),
            ("οδοσ", "ΟΔΟΣ και"),
            ("οδος", "ΟΔΟΣ"),
            ("kelvin", "\u{212a}ELVIN"),
            ("istanbul", "ISTANBUL"),
            ("世界", "hello 世界"),
            ("ångström", "\u{212b}NGSTRÖM"),
        ] {
            let query = query(&[word]);
            assert!(query.is_in(&[text]), "{word} in {text}");
            assert!(query.words[0].may_be_in(text.to_ascii_lowercase().as_bytes()), "{word}");
        }
        assert!(!query(&["rate", "bucket"]).is_in(&["rate"]));
        assert!(query(&["rate", "bucket"]).is_in(&["rate", "the bucket"]));
    }

    #[test]
    fn what_is_found_is_named_in_the_text_as_it_is() {
        let text = "Ein İglu, ÜBER dem iglu über";
        let iglu = query(&["über", "iglu"]);
        let found: Vec<&str> = iglu.places_in(text).into_iter().map(|place| &text[place]).collect();
        assert_eq!(found, ["ÜBER", "iglu", "über"]);
        let both = query(&["token b", "bucket"]).places_in("a Token Bucket");
        assert_eq!((both.len(), both.first()), (1, Some(&(2..14))));
    }

    /// Every character that folding changes becomes only characters that are looked for in more than one form.
    #[test]
    fn no_character_becomes_one_that_counts_as_the_same_in_every_text() {
        for c in '\0'..=char::MAX {
            let folded: Vec<char> = fold_char(c).collect();
            if folded == [c] || c.is_ascii() {
                continue;
            }
            for becomes in folded {
                let is_known = LOOKALIKES.contains(&(becomes, c));
                assert!(is_known || !is_same_in_every_text(becomes), "{c} becomes {becomes}");
            }
        }
    }

    proptest! {
        /// The quick look never says no where the word is.
        #[test]
        fn the_quick_look_misses_nothing(
            word in "[a-zA-ZäöüÄÖÜßİıKkςσΣé世界 ]{1,5}",
            text in "[a-zA-ZäöüÄÖÜßİıKkςσΣé世界 \u{212a}\u{307}]{0,40}",
        ) {
            let Ok(query) = Query::parse([word.as_str()]) else { return Ok(()) };
            let lowered = text.to_ascii_lowercase();
            for word in &query.words {
                let folded = fold(&text);
                let is_in = folded.contains(&word.folded);
                prop_assert!(!is_in || word.may_be_in(lowered.as_bytes()));
                if word.is_plain_in(lowered.as_bytes()) {
                    prop_assert_eq!(is_in, word.is_in_folded(lowered.as_bytes()));
                }
            }
            for place in query.places_in(&text) {
                prop_assert!(text.is_char_boundary(place.start) && text.is_char_boundary(place.end));
            }
        }
    }
}
