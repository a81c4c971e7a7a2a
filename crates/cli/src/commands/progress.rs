//! Telling how far something long has come.

use crate::terminal::Terminal;

/// From how many archived sessions on, and after how many more, progress is shown: telling of each would take longer than
/// reading it.
const FROM: usize = 1_000;
const EVERY: usize = 250;

/// Returns what tells how many archived sessions were read. Whoever is done clears the line.
pub(super) fn reading(terminal: &mut Terminal) -> impl FnMut(usize, usize) {
    let mut shown: Option<usize> = None;
    move |done, all| {
        let is_due = shown.is_none_or(|shown| done < shown || shown + EVERY <= done);
        if FROM < all && is_due {
            shown = Some(done);
            terminal.progress(&format!("reading archived sessions: {done} of {all}"));
        }
    }
}
