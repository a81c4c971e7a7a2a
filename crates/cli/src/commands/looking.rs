//! Telling how far a look at many or large files has come.

use crate::terminal::Terminal;

/// After how many steps it is told again; a step is a file, or a MiB of one.
const EVERY: usize = 128;

/// Returns what is to be told of each step: how many files were looked at, of how many; 0 while that is not known. Small
/// work ends before anything is shown.
pub(super) fn at_files(terminal: &mut Terminal) -> impl FnMut(usize, usize) {
    let mut steps = 0_usize;
    move |done, all| {
        steps += 1;
        if steps.is_multiple_of(EVERY) {
            terminal.progress(&match all {
                0 => format!("looking at files: {done}"),
                all => format!("comparing files: {done} of {all}"),
            });
        }
    }
}
