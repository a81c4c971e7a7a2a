//! The JSON that `--json` prints.

use serde::Serialize;

use crate::failure::ErrorReport;

/// The version of the objects that `--json` prints.
///
/// It changes when a field is removed or gets another meaning; new fields come without a change.
pub const OUTPUT_VERSION: u32 = 1;

/// An object with its version in front.
#[derive(Serialize)]
pub(crate) struct Versioned<'a, T> {
    version: u32,
    #[serde(flatten)]
    fields: &'a T,
}

impl<'a, T: Serialize> Versioned<'a, T> {
    pub(crate) fn new(fields: &'a T) -> Self {
        Self { version: OUTPUT_VERSION, fields }
    }
}

/// A failure, under a name that no result has.
#[derive(Serialize)]
pub(crate) struct ErrorObject<'a> {
    pub(crate) error: &'a ErrorReport,
}
