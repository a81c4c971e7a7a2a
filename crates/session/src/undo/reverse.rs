//! The text without an operation: from the texts before and after it, and the present one.
//!
//! Pure. Where nothing came after the operation, the text before it comes back byte for byte. Otherwise its lines are put
//! back as they were, wherever they are now; where something came after it on the same lines, it is refused.

use maestro_session_model::{Document, PhaseId, Session, Timestamp, broken_rules, current_phase};
use maestro_state_store::splice;

/// Why an operation cannot be undone by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Blocked {
    /// Something that came after it changed the same lines.
    Entangled,
    /// The session would break rules that it keeps now.
    BreaksRules(Vec<String>),
    /// What would be left is no session, or another one.
    NoSession,
}

/// Returns the document without an operation on `phase` that led from `before` to `after`.
///
/// With `keeps_tokens`, tokens that were counted stay counted: they were used.
pub(crate) fn reverse(
    present: &Document,
    before: &str,
    after: &str,
    phase: Option<&PhaseId>,
    keeps_tokens: bool,
    now: Timestamp,
) -> Result<Document, Blocked> {
    let before = Document::parse(before.to_owned()).map_err(|_| Blocked::NoSession)?;
    if before.session().session_id != present.session().session_id {
        return Err(Blocked::NoSession);
    }
    if present.text() == after {
        return if keeps_tokens { keep_tokens(before, present.session(), now) } else { Ok(before) };
    }
    let after = Document::parse(after.to_owned()).map_err(|_| Blocked::NoSession)?;
    let text = without(present, &before, &after, keeps_tokens).ok_or(Blocked::Entangled)?;
    let left = Document::parse(text).map_err(|_| Blocked::Entangled)?;
    let mut session = left.session().clone();
    session.updated = now.max(present.session().updated.next());
    if let Some(phase) = phase {
        session.current_phase = current_phase(&session, phase);
    }
    let left = left.update(session, "").map_err(|_| Blocked::Entangled)?.document;
    let known = broken_rules(present.session());
    let broken: Vec<String> =
        broken_rules(left.session()).into_iter().filter(|rule| !known.contains(rule)).collect();
    if broken.is_empty() { Ok(left) } else { Err(Blocked::BreaksRules(broken)) }
}

/// The present text without what is between `before` and `after`; nothing where that is entangled with what came later.
fn without(
    present: &Document,
    before: &Document,
    after: &Document,
    keeps_tokens: bool,
) -> Option<String> {
    // What every operation changes, and nobody means to undo, is made the same in all three.
    let like = |document| like(document, present.session(), keeps_tokens);
    let (before, after) = (like(before)?, like(after)?);
    let back = splice::diff(after.text(), before.text());
    let later = splice::diff(after.text(), present.text());
    let back = splice::rebase(after.text(), &back, &later)?;
    splice::apply(present.text(), &back).ok()
}

/// The document with what follows from all operations taken from another session.
fn like(document: &Document, other: &Session, keeps_tokens: bool) -> Option<Document> {
    let mut session = document.session().clone();
    session.updated = other.updated;
    session.current_phase.clone_from(&other.current_phase);
    if keeps_tokens {
        session.token_usage = other.token_usage.clone();
    }
    Some(document.update(session, "").ok()?.document)
}

fn keep_tokens(before: Document, present: &Session, now: Timestamp) -> Result<Document, Blocked> {
    if before.session().token_usage == present.token_usage {
        return Ok(before);
    }
    let mut session = before.session().clone();
    session.token_usage = present.token_usage.clone();
    session.updated = now.max(present.updated.next());
    Ok(before.update(session, "").map_err(|_| Blocked::Entangled)?.document)
}
