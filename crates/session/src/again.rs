//! Making operations again that were recorded, but that the session file lacks: a change that an edit by hand displaced, or
//! that an edit took back that was made on an older text.
//!
//! They may have been acknowledged, so they come before anything else. Each is decided anew, by the rules, on the text as
//! it is now; what can no longer be made is said, in the journal too.

use std::sync::Arc;

use maestro_session_model::{Command, Document};
use maestro_state_store::store::{FileError, LockedStore};
use maestro_state_store::{Current, Operation};
use serde_json::json;

use crate::baselines::recorded_with;
use crate::change::{Carried, Origin};
use crate::error::SessionError;
use crate::overtaken::{again, marks};
use crate::undo::{Target, target_of};
use crate::workspace::Workspace;

/// What became of an operation that was decided again.
enum Again {
    /// It was made.
    Made(Carried),
    /// Someone edited the file meanwhile.
    Displaced,
    /// The state of the session forbids it now.
    Refused(SessionError),
    /// It is none that is ordered: it only recorded what had happened.
    Unknown,
}

impl Workspace {
    /// Makes `left` again, in order, on the session that was opened as `current`. Says whether it came to the end; if not,
    /// someone edited the file meanwhile, and the session has to be opened again.
    pub(crate) fn make_all_again(
        &self,
        locked: &mut LockedStore<'_>,
        current: &mut Current,
        document: &mut Arc<Document>,
        left: &[Operation],
        notes: &mut Vec<String>,
    ) -> Result<bool, SessionError> {
        let mut refused = Vec::new();
        for (index, operation) in left.iter().enumerate() {
            let rest = &left[index + 1..];
            match self.make_again(locked, current.clone(), document, operation, rest)? {
                Again::Made(carried) => {
                    notes.push(format!(
                        "the change of {} was made again on the edited file",
                        operation.time
                    ));
                    if let Some(error) = carried.unfinished {
                        return Err(FileError::from(error).into());
                    }
                    (*current, *document) = (carried.current, carried.document);
                }
                Again::Displaced => return Ok(false),
                Again::Refused(error) => {
                    refused.push(operation.id);
                    locked.settle_abandoned(operation.id)?;
                    notes.push(format!(
                        "the change of {} can no longer be made: {error}",
                        operation.time
                    ));
                }
                Again::Unknown => locked.settle_abandoned(operation.id)?,
            }
        }
        if !refused.is_empty() && !again(&current.operation.command).is_empty() {
            // Or else the newest operation would go on to say that they are left.
            locked.append_operation(Operation {
                id: self.env.new_id(),
                time: self.now_after(current),
                actor: self.env.actor.clone(),
                command: json!({ "command": "not_made_again", "operations": refused }),
                canonical: current.operation.canonical,
            })?;
        }
        Ok(true)
    }

    fn make_again(
        &self,
        locked: &mut LockedStore<'_>,
        current: Current,
        document: &Document,
        operation: &Operation,
        rest: &[Operation],
    ) -> Result<Again, SessionError> {
        let mut marks = marks(operation.id, rest);
        marks.extend(recorded_with(&operation.command));
        let origin = Origin { actor: operation.actor.clone(), marks };
        let is_undo = target_of(&operation.command).is_some();
        let made = if let Some(target) = target_of(&operation.command) {
            let target = target.to_string();
            let target = Target::Again(&target);
            self.carry_out_undo(locked, current, document, target, &origin)
                .map(|made| made.map(|(carried, _)| carried))
        } else if let Ok(command) = serde_json::from_value::<Command>(operation.command.clone()) {
            self.carry_out(locked, current, document, &command, &origin)
        } else {
            return Ok(Again::Unknown);
        };
        match made {
            Ok(Some(carried)) => Ok(Again::Made(carried)),
            Ok(None) => Ok(Again::Displaced),
            Err(error @ (SessionError::Command(_) | SessionError::Undo(_))) => {
                Ok(Again::Refused(error))
            }
            // What an undo was to take back is not kept any more, or cannot be read.
            Err(error)
                if is_undo
                    && ["OPERATION_NOT_FOUND", "NOT_FOUND", "CORRUPT"].contains(&error.code()) =>
            {
                Ok(Again::Refused(error))
            }
            Err(error) => Err(error),
        }
    }
}
