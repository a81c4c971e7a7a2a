//! Someone who edits the session file and knows nothing of the lock, as people and models do.

use std::fs::Metadata;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;

use crate::processes::{Project, names, until};

/// How an edited text gets to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Save {
    /// As a new file that takes the place of the old one.
    ByRename,
    /// Into the old file, which is emptied first.
    InPlace,
}

/// An editor who makes one edit after the other: a note in the body, and the number of notes in a comment and in a key
/// that is their own.
pub(crate) struct Editor<'p> {
    project: &'p Project,
    /// How many edits are saved.
    pub(crate) saved: usize,
}

impl<'p> Editor<'p> {
    /// Makes the first edit, before anybody else is at work.
    pub(crate) fn new(project: &'p Project) -> Self {
        let editor = Self { project, saved: 1 };
        let text = project.text();
        assert!(text.contains("\nphases:\n"), "{text}");
        let text = text.replacen("\nphases:\n", &format!("\n{}phases:\n", counted(1)), 1);
        editor.rename(&(text + &note(1)));
        editor
    }

    /// Reads the file; looks again as long as it lacks an earlier edit, as it does for an instant when a command has to
    /// give way to that edit.
    pub(crate) fn read(&self) -> String {
        let mut text = String::new();
        until("every edit is in the session file", || {
            text = self.project.text();
            self.lacks(&text).is_none()
        });
        text
    }

    /// The first edit that a text lacks.
    pub(crate) fn lacks(&self, text: &str) -> Option<String> {
        let notes = (1..=self.saved).map(note);
        notes.chain([counted(self.saved)]).find(|edit| !text.contains(edit.as_str()))
    }

    /// Edits the file, and looks again just before saving, to read it anew if it has changed. Returns what was saved.
    pub(crate) fn edit(&mut self, save: Save) -> String {
        loop {
            let text = self.read();
            let edited = self.edited(&text);
            if self.project.text() == text && self.save(&edited, save) {
                return edited;
            }
        }
    }

    /// The text after one more edit.
    pub(crate) fn edited(&self, text: &str) -> String {
        let next = self.saved + 1;
        text.replacen(&counted(self.saved), &counted(next), 1) + &note(next)
    }

    /// Saves a text after one more edit. Says whether that worked out: who writes in place may write into a file that
    /// was replaced between opening and writing, and only sees then that the new one lacks the edit.
    pub(crate) fn save(&mut self, edited: &str, save: Save) -> bool {
        match save {
            Save::ByRename => self.rename(edited),
            Save::InPlace if self.overwrite(edited) => {}
            Save::InPlace => return false,
        }
        self.saved += 1;
        true
    }

    #[expect(clippy::disallowed_methods, reason = "an editor saves as editors do")]
    fn rename(&self, edited: &str) {
        let temp = self.project.state("state/.active-session.md.swp");
        fs_err::write(&temp, edited).unwrap();
        fs_err::rename(&temp, self.project.env().session_file()).unwrap();
    }

    fn overwrite(&self, edited: &str) -> bool {
        let path = self.project.env().session_file();
        let mut file = fs_err::OpenOptions::new().write(true).truncate(true).open(&path).unwrap();
        file.write_all(edited.as_bytes()).unwrap();
        let is_there = || self.project.text().contains(&note(self.saved + 1));
        let mut is_saved = false;
        until("the edit is in the session file, or in one that was replaced", || {
            is_saved = is_there();
            is_saved || self.is_gone(&file.metadata().unwrap())
        });
        // Between these two looks a command may have made a new file, with the edit.
        is_saved || is_there()
    }

    /// Whether a file has no name any more, or was set aside.
    fn is_gone(&self, file: &Metadata) -> bool {
        let quarantine = self.project.state("state/quarantine");
        let is_it = |name| fs_err::metadata(quarantine.join(name)).unwrap().ino() == file.ino();
        file.nlink() == 0 || quarantine.exists() && names(&quarantine).into_iter().any(is_it)
    }
}

/// The n-th note.
pub(crate) fn note(n: usize) -> String {
    format!("- note {n} of the editor\n")
}

/// A key that no command knows, and a comment.
fn counted(n: usize) -> String {
    format!("x_notes: {n}  # {n} so far\n")
}
