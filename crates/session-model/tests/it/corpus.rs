//! The inputs that fuzzing left behind, and the seeds it began with.

use maestro_testutils::fuzz;

#[test]
fn the_corpus_of_documents_keeps_every_promise() {
    fuzz::replay("document", fuzz::document);
}

#[test]
fn the_corpus_of_plans_keeps_every_promise() {
    fuzz::replay("plan", fuzz::plan);
}

#[test]
fn the_corpus_of_handoff_reports_keeps_every_promise() {
    fuzz::replay("handoff", fuzz::handoff);
}
