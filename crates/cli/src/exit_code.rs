//! The exit codes, which scripts rely on.

use std::process;

use maestro_session::ErrorClass;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExitCode(u8);

impl ExitCode {
    /// The command did what it was asked for.
    pub const DONE: Self = Self(0);
    /// A rule of the state forbids it, or the system refused to read or write. Nothing has changed.
    pub const REFUSED: Self = Self(1);
    /// The command line, a setting, or a file it names is wrong.
    pub const USAGE: Self = Self(2);
    /// There is no active session.
    pub const NO_SESSION: Self = Self(3);
    /// Another process has the lock, and had it for as long as `--wait` allows.
    pub const LOCKED: Self = Self(4);
    /// A file of the state dir cannot be understood.
    pub const CORRUPT: Self = Self(5);
    /// Two things contradict each other, and only a person can say which holds.
    pub const CONFLICT: Self = Self(6);
    /// A bug in this program.
    pub const BUG: Self = Self(70);

    /// All codes, each with what it means in a few words.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::DONE, "done"),
        (Self::REFUSED, "refused by a rule of the state, or by the system"),
        (Self::USAGE, "wrong usage: arguments, settings, files that cannot be read"),
        (Self::NO_SESSION, "no active session"),
        (Self::LOCKED, "locked by another process"),
        (Self::CORRUPT, "a file of the state dir cannot be understood"),
        (Self::CONFLICT, "conflict that a person has to settle"),
        (Self::BUG, "a bug of maestro"),
    ];

    /// Returns the number.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl From<ErrorClass> for ExitCode {
    fn from(class: ErrorClass) -> Self {
        match class {
            ErrorClass::Refused => Self::REFUSED,
            ErrorClass::Usage => Self::USAGE,
            ErrorClass::NoSession => Self::NO_SESSION,
            ErrorClass::Locked => Self::LOCKED,
            ErrorClass::Corrupt => Self::CORRUPT,
            ErrorClass::Conflict => Self::CONFLICT,
        }
    }
}

impl From<ExitCode> for process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.0)
    }
}
