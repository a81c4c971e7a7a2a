//! Edits that were begun before a change and are saved after it, with the old statuses in their text.

use maestro_session_model::{Document, Timestamp};

use super::edits::{assert_nothing_lost, project, work};
use crate::editor::{Editor, Save};
use crate::processes::until;

fn updated(text: &str) -> Timestamp {
    Document::parse(text.to_owned()).unwrap().session().updated
}

#[test]
fn a_late_edit_takes_no_acknowledged_change_back() {
    let project = project();
    let mut editor = Editor::new(&project);
    let acknowledged = work(&project, |progress| {
        for save in [Save::ByRename, Save::InPlace].into_iter().cycle() {
            let text = editor.read();
            progress.wait_for(2);
            if progress.is_over() {
                return;
            }
            let edited = editor.edited(&text);
            if editor.save(&edited, save) {
                // The next edit is to be made on a text that has this one and what it took back.
                until("a command has found the edit", || {
                    progress.is_over() || updated(&editor.read()) > updated(&edited)
                });
            }
        }
    });
    assert!(editor.saved > 2, "only {} edits were saved", editor.saved);
    assert_nothing_lost(&project, &acknowledged, &editor);
}

#[test]
fn an_edit_while_changes_are_made_again_does_not_end_that() {
    let project = project();
    let mut editor = Editor::new(&project);
    let acknowledged = work(&project, |progress| {
        while !progress.is_over() {
            let text = editor.read();
            progress.wait_for(6);
            let edited = editor.edited(&text);
            assert!(editor.save(&edited, Save::ByRename));
            until("a command has begun to make changes again", || {
                progress.is_over() || updated(&editor.read()) > updated(&edited)
            });
            editor.edit(Save::ByRename);
        }
    });
    assert_nothing_lost(&project, &acknowledged, &editor);
}

#[test]
fn an_editor_that_never_looks_again_takes_no_acknowledged_change_back() {
    const EDITS: usize = 3;
    let project = project();
    let mut editor = Editor::new(&project);
    let mut text = editor.read();
    let acknowledged = work(&project, |progress| {
        for _ in 0..EDITS {
            progress.wait_for(12);
            text = editor.edited(&text);
            assert!(editor.save(&text, Save::ByRename));
        }
    });
    assert_nothing_lost(&project, &acknowledged, &editor);
}
