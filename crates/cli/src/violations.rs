//! What is wrong with a plan, as compilers tell it.

use maestro_session_model::{Severity, Violation};

use crate::commands::words::more;
use crate::text::{Text, cyan, plain, red, yellow};

/// How many violations are shown; more would scroll the first away. `--json` has them all.
const SHOWN: usize = 20;

/// Appends `plan.md:12: error: …` and a hint for each violation, up to a number that can be read.
pub(crate) fn append(text: &mut Text, plan: &str, violations: &[Violation]) {
    for violation in violations.iter().take(SHOWN) {
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
    if SHOWN < violations.len() {
        text.line([plain(more(violations.len() - SHOWN))]);
    }
}
