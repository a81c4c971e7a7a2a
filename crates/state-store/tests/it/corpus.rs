//! The inputs that fuzzing left behind, and the seeds it began with.

use maestro_testutils::fuzz;

#[test]
fn the_corpus_of_journals_keeps_every_promise() {
    fuzz::replay("journal", fuzz::journal);
}
