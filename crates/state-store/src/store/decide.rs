//! What to do about a document and a journal that may have been left in the middle of something.
//!
//! One total function, tested as a table. Touches nothing.

/// What the journal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LastLine {
    /// There is no journal of a session that is not archived.
    NoJournal,
    /// It ends with bytes that no append completed.
    Torn,
    /// The newest operation made the file.
    Creation { done: bool },
    /// The newest operation changed the file.
    Change { done: bool },
    /// The newest operation was abandoned; the one before it counts.
    Abandoned,
}

/// What is at the place of the document, as the journal knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileState {
    /// Nothing.
    Absent,
    /// The text after the newest operation that was not abandoned.
    Current,
    /// The text after the newest operation, which was abandoned.
    Abandoned,
    /// The text before the newest operation.
    Before,
    /// Another text of the same session, or of any session where no journal says which.
    Edited,
    /// A text of another session.
    OtherSession,
    /// Nothing that can be read as a session.
    Unreadable,
}

/// What is at the place of the temporary file of the newest operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TempState {
    /// Nothing.
    Absent,
    /// The text after the operation: it did not take its place yet, or it was taken back, or the loss of power undid it.
    After,
    /// The text before the operation: it took its place.
    Before,
    /// Another text: one that came out when the operation's text went in.
    Displaced,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// All is in order.
    Nothing,
    /// All is in order, and there is no session.
    NoSession,
    /// Cut the torn end off and look again.
    CutOff,
    /// Mark the newest operation as done.
    Finish,
    /// Put the text of the newest operation in its place, which is free.
    FinishCreation,
    /// Put the text of the newest operation in the place of the text before it.
    RollForward,
    /// Mark the newest operation as abandoned, put the displaced text back, and look again.
    TakeBack,
    /// Put the displaced text back, and look again.
    SwapBack,
    /// Mark the newest operation as abandoned, because the file was edited before its text took its place, and look
    /// again.
    Abandon,
    /// Record that someone edited the file.
    RecordEdit,
    /// Begin a journal with what is there.
    Adopt,
    /// Fail: the file is gone.
    FileMissing,
    /// Fail: the file cannot be read as a session.
    Corrupt,
    /// Fail: the file is another session's.
    Conflict,
}

/// Decides what to do next.
pub(super) fn decide(last: LastLine, file: FileState, temp: TempState) -> Action {
    use {Action as A, FileState as F, LastLine as L, TempState as T};
    match (last, file) {
        // What cannot be read, or is another session's, is left as it is, whatever the journal says.
        (
            L::NoJournal | L::Torn | L::Creation { .. } | L::Change { .. } | L::Abandoned,
            F::Unreadable,
        ) => A::Corrupt,
        (L::Torn | L::Creation { .. } | L::Change { .. } | L::Abandoned, F::OtherSession) => {
            A::Conflict
        }

        (L::NoJournal, F::Absent) => A::NoSession,
        (L::NoJournal, F::Current | F::Abandoned | F::Before | F::Edited | F::OtherSession) => {
            A::Adopt
        }

        (L::Torn, F::Absent | F::Current | F::Abandoned | F::Before | F::Edited) => A::CutOff,

        (L::Creation { done: false }, F::Absent) => A::FinishCreation,
        // The temporary file is gone before the mark is written: if it is back, the loss of power has undone the rename.
        (L::Creation { done: true }, F::Absent) => match temp {
            T::After => A::FinishCreation,
            T::Absent | T::Before | T::Displaced => A::FileMissing,
        },
        (L::Change { .. } | L::Abandoned, F::Absent) => A::FileMissing,

        (L::Creation { done: true } | L::Change { done: true } | L::Abandoned, F::Current) => {
            A::Nothing
        }
        // A creation takes a free place, so it displaces nothing.
        (L::Creation { done: false }, F::Current) => A::Finish,
        (L::Change { done: false }, F::Current) => match temp {
            T::Displaced => A::TakeBack,
            T::Absent | T::After | T::Before => A::Finish,
        },

        (L::Change { done: false }, F::Before) => A::RollForward,
        // As above. Whoever puts the text before back by hand does not bring the temporary file back.
        (L::Change { done: true }, F::Before) => match temp {
            T::After => A::RollForward,
            T::Absent | T::Before | T::Displaced => A::RecordEdit,
        },
        // The text of the operation is still where it was before the exchange, so it never was the document.
        (L::Creation { done: false } | L::Change { done: false }, F::Edited) => match temp {
            T::After => A::Abandon,
            T::Absent | T::Before | T::Displaced => A::RecordEdit,
        },
        (L::Abandoned, F::Abandoned) => match temp {
            T::Displaced => A::SwapBack,
            T::Absent | T::After | T::Before => A::RecordEdit,
        },
        (L::Creation { .. } | L::Abandoned, F::Before)
        | (L::Creation { done: true } | L::Change { done: true } | L::Abandoned, F::Edited)
        | (L::Creation { .. } | L::Change { .. }, F::Abandoned) => A::RecordEdit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAST: [LastLine; 7] = [
        LastLine::NoJournal,
        LastLine::Torn,
        LastLine::Creation { done: false },
        LastLine::Creation { done: true },
        LastLine::Change { done: false },
        LastLine::Change { done: true },
        LastLine::Abandoned,
    ];
    const FILE: [FileState; 7] = [
        FileState::Absent,
        FileState::Current,
        FileState::Abandoned,
        FileState::Before,
        FileState::Edited,
        FileState::OtherSession,
        FileState::Unreadable,
    ];
    const TEMP: [TempState; 4] =
        [TempState::Absent, TempState::After, TempState::Before, TempState::Displaced];

    /// Every cell of the table. The temporary file is named only where it matters.
    #[test]
    fn the_table() {
        let mut lines = Vec::new();
        for last in LAST {
            for file in FILE {
                let actions = TEMP.map(|temp| decide(last, file, temp));
                if actions.iter().all(|action| *action == actions[0]) {
                    lines.push(format!("{last:?} + {file:?} -> {:?}", actions[0]));
                } else {
                    for (temp, action) in TEMP.iter().zip(actions) {
                        lines.push(format!("{last:?} + {file:?} + {temp:?} -> {action:?}"));
                    }
                }
            }
        }
        insta::assert_snapshot!(lines.join("\n"), @"
        NoJournal + Absent -> NoSession
        NoJournal + Current -> Adopt
        NoJournal + Abandoned -> Adopt
        NoJournal + Before -> Adopt
        NoJournal + Edited -> Adopt
        NoJournal + OtherSession -> Adopt
        NoJournal + Unreadable -> Corrupt
        Torn + Absent -> CutOff
        Torn + Current -> CutOff
        Torn + Abandoned -> CutOff
        Torn + Before -> CutOff
        Torn + Edited -> CutOff
        Torn + OtherSession -> Conflict
        Torn + Unreadable -> Corrupt
        Creation { done: false } + Absent -> FinishCreation
        Creation { done: false } + Current -> Finish
        Creation { done: false } + Abandoned -> RecordEdit
        Creation { done: false } + Before -> RecordEdit
        Creation { done: false } + Edited + Absent -> RecordEdit
        Creation { done: false } + Edited + After -> Abandon
        Creation { done: false } + Edited + Before -> RecordEdit
        Creation { done: false } + Edited + Displaced -> RecordEdit
        Creation { done: false } + OtherSession -> Conflict
        Creation { done: false } + Unreadable -> Corrupt
        Creation { done: true } + Absent + Absent -> FileMissing
        Creation { done: true } + Absent + After -> FinishCreation
        Creation { done: true } + Absent + Before -> FileMissing
        Creation { done: true } + Absent + Displaced -> FileMissing
        Creation { done: true } + Current -> Nothing
        Creation { done: true } + Abandoned -> RecordEdit
        Creation { done: true } + Before -> RecordEdit
        Creation { done: true } + Edited -> RecordEdit
        Creation { done: true } + OtherSession -> Conflict
        Creation { done: true } + Unreadable -> Corrupt
        Change { done: false } + Absent -> FileMissing
        Change { done: false } + Current + Absent -> Finish
        Change { done: false } + Current + After -> Finish
        Change { done: false } + Current + Before -> Finish
        Change { done: false } + Current + Displaced -> TakeBack
        Change { done: false } + Abandoned -> RecordEdit
        Change { done: false } + Before -> RollForward
        Change { done: false } + Edited + Absent -> RecordEdit
        Change { done: false } + Edited + After -> Abandon
        Change { done: false } + Edited + Before -> RecordEdit
        Change { done: false } + Edited + Displaced -> RecordEdit
        Change { done: false } + OtherSession -> Conflict
        Change { done: false } + Unreadable -> Corrupt
        Change { done: true } + Absent -> FileMissing
        Change { done: true } + Current -> Nothing
        Change { done: true } + Abandoned -> RecordEdit
        Change { done: true } + Before + Absent -> RecordEdit
        Change { done: true } + Before + After -> RollForward
        Change { done: true } + Before + Before -> RecordEdit
        Change { done: true } + Before + Displaced -> RecordEdit
        Change { done: true } + Edited -> RecordEdit
        Change { done: true } + OtherSession -> Conflict
        Change { done: true } + Unreadable -> Corrupt
        Abandoned + Absent -> FileMissing
        Abandoned + Current -> Nothing
        Abandoned + Abandoned + Absent -> RecordEdit
        Abandoned + Abandoned + After -> RecordEdit
        Abandoned + Abandoned + Before -> RecordEdit
        Abandoned + Abandoned + Displaced -> SwapBack
        Abandoned + Before -> RecordEdit
        Abandoned + Edited -> RecordEdit
        Abandoned + OtherSession -> Conflict
        Abandoned + Unreadable -> Corrupt
        ");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_never_touched() {
        for last in LAST {
            for temp in TEMP {
                assert_eq!(decide(last, FileState::Unreadable, temp), Action::Corrupt);
            }
        }
    }
}
