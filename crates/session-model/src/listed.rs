//! Many things in one line.
//!
//! Owns how a message names the first of them and says how many more there are. How many are shown is for the caller to say.

use std::fmt::Display;

/// Joins the first `most` of `all`, and says how many more there are.
///
/// ```
/// # use maestro_session_model::listed;
/// assert_eq!(listed(&[1, 2, 3], 8, ", "), "1, 2, 3");
/// assert_eq!(listed(&[1, 2, 3], 2, ", "), "1, 2 and 1 more");
/// ```
pub fn listed<T: Display>(all: &[T], most: usize, separator: &str) -> String {
    let shown: Vec<String> = all.iter().take(most).map(ToString::to_string).collect();
    and_more(shown.join(separator), all.len().saturating_sub(most))
}

/// Returns what is `shown` of many, and says that there are `more`, if there are.
pub fn and_more(shown: String, more: usize) -> String {
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}
