//! Session documents that other programs wrote: two versions of the Node server, with JSON and with block YAML.

/// A document as it was found on disk.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Its file name.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

macro_rules! sample {
    ($name:literal) => {
        Sample { name: $name, text: include_str!(concat!("../samples/", $name)) }
    };
}

/// Returns all samples, in the order of their names.
pub fn samples() -> Vec<Sample> {
    vec![
        sample!("1-after-create.md"),
        sample!("2-mid-run.md"),
        sample!("2b-mid-run-with-errors.md"),
        sample!("3-after-archive.md"),
        sample!("4-express-after-create.md"),
        sample!("5-express-completed-phase.md"),
        sample!("6-express-archived.md"),
        sample!("v140-1-after-create.md"),
        sample!("v140-2-mid-run.md"),
        sample!("v140-3-after-archive.md"),
    ]
}
