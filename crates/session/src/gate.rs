//! Design gates: a session is begun with the design that the user has approved.
//!
//! A gate is a file beside the session file, as the Node server has it. It holds back the session that it is of, and no other:
//! one that is forgotten is in nobody's way, and the doctor puts it away. One that is damaged holds back its session too,
//! because nobody knows any more what was approved.

use maestro_session_model::{DesignGate, NewSession, RelPath, SessionId, listed};
use maestro_state_store::state_dir::{DESIGN_GATE_ENDING, StateDirError};
use maestro_state_store::store::LockedStore;

use crate::documents::DocumentSource;
use crate::error::SessionError;
use crate::workspace::Workspace;

/// What became of a design gate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GateChanged {
    /// The gate as it is now.
    pub gate: DesignGate,
    /// Whether it had been entered before.
    pub was_entered: bool,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl Workspace {
    /// Returns the design gate of a session, if it was entered. Takes no lock.
    pub fn design_gate(&self, id: &SessionId) -> Result<Option<DesignGate>, SessionError> {
        let path = self.state_dir().design_gate(id);
        let Some(bytes) = self.store.read_file(&path)? else { return Ok(None) };
        let gate = DesignGate::parse(&bytes).and_then(|gate| gate.of_session(id));
        gate.map(Some).map_err(|source| SessionError::GateUnreadable {
            session_id: id.clone(),
            path,
            source,
        })
    }

    /// Records that the design of a session is being worked out. A gate that was entered stays as it is; one that is damaged
    /// is entered anew, and what it was is in the quarantine.
    ///
    /// Makes the state dir if it is not there.
    pub fn enter_design_gate(&self, id: &SessionId) -> Result<GateChanged, SessionError> {
        self.state_dir().create()?;
        let mut locked = self.lock()?;
        let mut warnings: Vec<String> = self.finish_archiving(&mut locked)?.into_iter().collect();
        let entered = self.enter(&mut locked, id, &mut warnings);
        let (gate, was_entered) = entered.map_err(|error| error.noting(warnings.clone()))?;
        warnings.extend(self.begun_already(id));
        Ok(GateChanged { gate, was_entered, warnings })
    }

    /// Records that the user has approved a design: the session `id` is begun with it.
    ///
    /// A text is written to `plans/` at once, and overwrites nothing. A file need not be there yet, but it must be one of the
    /// workspace. What was approved before no longer counts. Makes the state dir if it is not there.
    pub fn approve_design(
        &self,
        id: &SessionId,
        design: &DocumentSource,
    ) -> Result<GateChanged, SessionError> {
        // Refuses before anything is written.
        let named = match design {
            DocumentSource::File(path) => {
                let named = self.relative(path)?;
                match self.state_dir().resolve_document(named.as_str()) {
                    Ok(_) | Err(StateDirError::DocumentMissing { .. }) => Some(named),
                    Err(error) => return Err(error.into()),
                }
            }
            DocumentSource::Text { .. } => None,
        };
        self.state_dir().create()?;
        let mut locked = self.lock()?;
        // Whoever archives a session may be about to take a document of this name along.
        let mut warnings: Vec<String> = self.finish_archiving(&mut locked)?.into_iter().collect();
        let approved = self.approve(&mut locked, id, design, named, &mut warnings);
        let (gate, was_entered) = approved.map_err(|error| error.noting(warnings.clone()))?;
        warnings.extend(self.begun_already(id));
        Ok(GateChanged { gate, was_entered, warnings })
    }

    /// Enters a gate, unless that was done before; says whether it was.
    fn enter(
        &self,
        locked: &mut LockedStore<'_>,
        id: &SessionId,
        warnings: &mut Vec<String>,
    ) -> Result<(DesignGate, bool), SessionError> {
        let damage = match self.gate_or_room(locked, id)? {
            Room::Gate(gate) => return Ok((gate, true)),
            Room::Free => None,
            Room::Damaged(note) => Some(note),
        };
        let gate = DesignGate::entered(id.clone(), self.env.now());
        write(locked, &gate)?;
        warnings.extend(damage.map(|note| note + ", and the design has to be approved again"));
        Ok((gate, false))
    }

    /// Approves a design that is a text, or a file that has this path in the workspace; says whether the gate was entered
    /// before.
    fn approve(
        &self,
        locked: &mut LockedStore<'_>,
        id: &SessionId,
        design: &DocumentSource,
        named: Option<RelPath>,
        warnings: &mut Vec<String>,
    ) -> Result<(DesignGate, bool), SessionError> {
        let now = self.env.now();
        let (gate, was_entered, damage) = match self.gate_or_room(locked, id)? {
            Room::Gate(gate) => (gate, true, None),
            Room::Free => (DesignGate::entered(id.clone(), now), false, None),
            Room::Damaged(note) => (DesignGate::entered(id.clone(), now), false, Some(note)),
        };
        let Some(path) = named else {
            let document = self.document(design, self.state_dir().workspace())?;
            let place = self.place(locked, &document)?;
            let gate = gate.approved(place.path.to_string(), now);
            if let Err(error) = write(locked, &gate) {
                // Where it is not certain whether the gate names it, it stays.
                if error.code() != "IN_DOUBT" {
                    place.take_back(locked);
                }
                return Err(error);
            }
            if place.path != document.path {
                warnings.push(format!(
                    "`{}` is another document, so the design was written to `{}`",
                    document.path, place.path
                ));
            }
            warnings.extend(damage);
            return Ok((gate, was_entered));
        };
        let gate = gate.approved(path.to_string(), now);
        write(locked, &gate)?;
        warnings.extend(damage);
        Ok((gate, was_entered))
    }

    /// The gate of a session; nothing where it was never entered. Fails where it was entered and no design is approved.
    pub(crate) fn approved_gate(&self, id: &SessionId) -> Result<Option<DesignGate>, SessionError> {
        match self.design_gate(id)? {
            Some(gate) if !gate.is_approved() => {
                Err(SessionError::GateUnapproved { session_id: id.clone() })
            }
            gate => Ok(gate),
        }
    }

    /// The design that was approved in a gate.
    pub(crate) fn approved_design(&self, gate: &DesignGate) -> Option<DocumentSource> {
        let path = gate.design_document_path.as_ref()?;
        let path = self.state_dir().workspace().join(path);
        Some(DocumentSource::File(path.to_string_lossy().into_owned()))
    }

    /// Says that a session is begun with another design than the one that was approved for it.
    pub(crate) fn unapproved(&self, gate: &DesignGate, design: &RelPath) -> Option<String> {
        let approved = gate.design_document_path.as_ref()?;
        let is_it = self.relative(approved).is_ok_and(|approved| approved == *design);
        (!is_it).then(|| {
            format!("the user approved `{approved}`, and the session is begun with `{design}`")
        })
    }

    /// Says that a gate comes too late.
    fn begun_already(&self, id: &SessionId) -> Option<String> {
        let note = "has begun already, and goes on with the design that it has";
        self.is_active_id(id).then(|| format!("the session `{id}` {note}"))
    }

    /// Says which other sessions have a design that was approved and that waits, where `new` has none: perhaps one of them
    /// was meant.
    pub(crate) fn waiting_designs(&self, new: &NewSession) -> Option<String> {
        const SHOWN: usize = 3;
        if new.design_document.is_some() {
            return None;
        }
        let mut waiting = Vec::new();
        // The session is begun: a directory that cannot be listed is no reason to say that it is not.
        for listed in self.store.list(&self.state_dir().state()).unwrap_or_default() {
            let id = listed.name.strip_suffix(DESIGN_GATE_ENDING).and_then(|id| id.parse().ok());
            let Some(id): Option<SessionId> = id else { continue };
            // One that cannot be read is the doctor's.
            let gate = self.design_gate(&id).ok().flatten();
            if id != new.session_id && gate.is_some_and(|gate| gate.is_approved()) {
                waiting.push(format!("`{id}`"));
            }
        }
        (!waiting.is_empty()).then(|| {
            format!(
                "this session has no design; an approved one waits for a session called {}",
                listed(&waiting, SHOWN, ", ")
            )
        })
    }

    /// The gate of a session, or that there is room for one. A damaged one has a copy in the quarantine, and stays until it is
    /// replaced: without any gate, the session could be begun.
    fn gate_or_room(
        &self,
        locked: &mut LockedStore<'_>,
        id: &SessionId,
    ) -> Result<Room, SessionError> {
        self.free_id(true, id.clone())?;
        match self.design_gate(id) {
            Ok(Some(gate)) => Ok(Room::Gate(gate)),
            Ok(None) => Ok(Room::Free),
            Err(SessionError::GateUnreadable { path, .. }) => {
                let put = locked.quarantine_copy(&path)?;
                let dir = self.state_dir();
                let (path, put) = (dir.show(&path), dir.show(&put));
                Ok(Room::Damaged(format!(
                    "the design gate `{path}` was damaged; what it was is in `{put}`"
                )))
            }
            Err(error) => Err(error),
        }
    }
}

/// What there is where the gate of a session belongs.
enum Room {
    Gate(DesignGate),
    Free,
    /// A file that is no gate of that session; with what the user should know of it.
    Damaged(String),
}

fn write(locked: &mut LockedStore<'_>, gate: &DesignGate) -> Result<(), SessionError> {
    let path = format!("state/{}{DESIGN_GATE_ENDING}", gate.session_id);
    Ok(locked.write_state_file(&path, gate.to_text().as_bytes())?)
}
