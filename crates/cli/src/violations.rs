//! What is wrong with a plan, as compilers tell it.

use maestro_session_model::{Severity, Violation};

use crate::text::{Text, cyan, plain, red, yellow};

/// Appends `plan.md:12: error: …` and a hint for each violation.
pub(crate) fn append(text: &mut Text, plan: &str, violations: &[Violation]) {
    for violation in violations {
        let place = match violation.line {
            Some(line) => format!("{plan}:{line}: "),
            None => format!("{plan}: "),
        };
        let severity = match violation.severity {
            Severity::Error => red("error: "),
            Severity::Warning => yellow("warning: "),
        };
        text.line([plain(place), severity, plain(&violation.message)]);
        if let Some(hint) = &violation.hint {
            text.line([plain("  "), cyan("hint: "), plain(hint)]);
        }
    }
}
