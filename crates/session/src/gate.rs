//! Design gates: a session is begun with the design that the user has approved.
//!
//! A gate is a file beside the session file, as the Node server has it. It holds back the session that it is of, and no other:
//! one that is forgotten is in nobody's way, and the doctor puts it away. One that is damaged holds back its session too,
//! because nobody knows any more what was approved.

use maestro_session_model::{DesignGate, NewSession, SessionId, listed};
use maestro_state_store::state_dir::DESIGN_GATE_ENDING;
use maestro_state_store::store::LockedStore;

use crate::documents::DocumentSource;
use crate::error::SessionError;
use crate::workspace::Workspace;

/// What became of a design gate.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// goes to the quarantine, and is entered anew.
    ///
    /// Makes the state dir if it is not there.
    pub fn enter_design_gate(&self, id: &SessionId) -> Result<GateChanged, SessionError> {
        self.state_dir().create()?;
        let mut locked = self.lock()?;
        let (gate, warnings) = self.gate_or_room(&mut locked, id)?;
        if let Some(gate) = gate {
            return Ok(GateChanged { gate, was_entered: true, warnings });
        }
        let gate = DesignGate::entered(id.clone(), self.env.now());
        write(&mut locked, &gate)?;
        Ok(GateChanged { gate, was_entered: false, warnings })
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
            DocumentSource::File(path) => Some(self.relative(path)?),
            DocumentSource::Text { .. } => None,
        };
        self.state_dir().create()?;
        let mut locked = self.lock()?;
        let (gate, mut warnings) = self.gate_or_room(&mut locked, id)?;
        let was_entered = gate.is_some();
        let now = self.env.now();
        let gate = gate.unwrap_or_else(|| DesignGate::entered(id.clone(), now));
        let (path, placed) = match (named, design) {
            (Some(path), _) => (path, None),
            (None, design) => {
                let document = self.document(design, self.state_dir().workspace())?;
                let place = self.place(&mut locked, &document)?;
                if place.path != document.path {
                    warnings.push(format!(
                        "`{}` is another document, so the design was written to `{}`",
                        document.path, place.path
                    ));
                }
                (place.path.clone(), Some(place))
            }
        };
        let gate = gate.approved(path.to_string(), now);
        if let Err(error) = write(&mut locked, &gate) {
            if let Some(place) = placed {
                place.take_back(&mut locked);
            }
            return Err(error);
        }
        Ok(GateChanged { gate, was_entered, warnings })
    }

    /// The design that was approved for a session; nothing where its gate was never entered. Fails where it was entered and
    /// nothing is approved.
    pub(crate) fn approved_design(
        &self,
        id: &SessionId,
    ) -> Result<Option<DocumentSource>, SessionError> {
        let Some(gate) = self.design_gate(id)? else { return Ok(None) };
        if !gate.is_approved() {
            return Err(SessionError::GateUnapproved { session_id: id.clone() });
        }
        let workspace = self.state_dir().workspace();
        Ok(gate
            .design_document_path
            .map(|path| DocumentSource::File(workspace.join(path).to_string_lossy().into_owned())))
    }

    /// Says which other sessions have a design that was approved and that waits, where `new` has none: perhaps one of them
    /// was meant.
    pub(crate) fn waiting_designs(&self, new: &NewSession) -> Result<Option<String>, SessionError> {
        const SHOWN: usize = 3;
        if new.design_document.is_some() {
            return Ok(None);
        }
        let mut waiting = Vec::new();
        for listed in self.store.list(&self.state_dir().state())? {
            let id = listed.name.strip_suffix(DESIGN_GATE_ENDING).and_then(|id| id.parse().ok());
            let Some(id): Option<SessionId> = id else { continue };
            // One that cannot be read is the doctor's.
            let gate = self.design_gate(&id).ok().flatten();
            if id != new.session_id && gate.is_some_and(|gate| gate.is_approved()) {
                waiting.push(format!("`{id}`"));
            }
        }
        Ok((!waiting.is_empty()).then(|| {
            format!(
                "this session has no design; an approved one waits for a session called {}",
                listed(&waiting, SHOWN, ", ")
            )
        }))
    }

    /// The gate of a session, or that there is room for one, with what had to be put away for it.
    fn gate_or_room(
        &self,
        locked: &mut LockedStore<'_>,
        id: &SessionId,
    ) -> Result<(Option<DesignGate>, Vec<String>), SessionError> {
        let archived = format!("{id}.md");
        if locked.list(&self.state_dir().archive())?.iter().any(|found| found.name == archived) {
            return Err(SessionError::IdTaken { session_id: id.clone() });
        }
        match self.design_gate(id) {
            Ok(gate) => Ok((gate, Vec::new())),
            Err(SessionError::GateUnreadable { path, .. }) => {
                let put = locked.quarantine(&path)?;
                let (dir, path) = (self.state_dir(), self.state_dir().show(&path));
                let note = format!(
                    "the design gate `{path}` was damaged; it is in `{}`, and the design has to be approved again",
                    dir.show(&put)
                );
                Ok((None, vec![note]))
            }
            Err(error) => Err(error),
        }
    }
}

fn write(locked: &mut LockedStore<'_>, gate: &DesignGate) -> Result<(), SessionError> {
    let path = format!("state/{}{DESIGN_GATE_ENDING}", gate.session_id);
    Ok(locked.write_state_file(&path, gate.to_text().as_bytes())?)
}
