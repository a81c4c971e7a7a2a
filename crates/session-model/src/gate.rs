//! The design gate: that the design of a session is being worked out, and that the user has approved it.
//!
//! Owns the text form, which is that of the Node server, and what can be made of a gate. Where it lies, and whether the
//! document is there, is for others to know.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{SessionId, Timestamp};

/// The design gate of a session that is still to be begun.
///
/// ```
/// use maestro_session_model::DesignGate;
///
/// let gate = DesignGate::entered("2026-01-15-typo".parse()?, "2026-01-15T10:00:00Z".parse()?);
/// assert!(!gate.is_approved());
/// assert_eq!(DesignGate::parse(gate.to_text().as_bytes())?, gate);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesignGate {
    /// The session that the design is for.
    pub session_id: SessionId,
    /// When work on the design began.
    pub entered_at: Timestamp,
    /// When the user approved it.
    pub approved_at: Option<Timestamp>,
    /// The document that was approved, relative to the workspace; absolute where the Node server wrote it.
    pub design_document_path: Option<String>,
    /// What others have written into the gate: it is written back as it was.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl DesignGate {
    /// Returns the gate of a session whose design is begun at `now`.
    pub fn entered(session_id: SessionId, now: Timestamp) -> Self {
        Self {
            session_id,
            entered_at: now,
            approved_at: None,
            design_document_path: None,
            rest: Map::new(),
        }
    }

    /// Returns the gate with `document` approved at `now`, whatever was approved before.
    #[must_use]
    pub fn approved(self, document: String, now: Timestamp) -> Self {
        Self { approved_at: Some(now), design_document_path: Some(document), ..self }
    }

    /// Whether the user has approved a design.
    pub fn is_approved(&self) -> bool {
        self.approved_at.is_some()
    }

    /// Reads the text of a gate.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidGate> {
        serde_json::from_slice(bytes).map_err(|source| InvalidGate { problem: source.to_string() })
    }

    /// Returns the gate if it is that of the session `id`.
    pub fn of_session(self, id: &SessionId) -> Result<Self, InvalidGate> {
        if self.session_id == *id {
            return Ok(self);
        }
        Err(InvalidGate { problem: format!("it is of session `{}`", self.session_id) })
    }

    /// Returns the text of the gate: JSON with two blanks a level, without a line end after it.
    pub fn to_text(&self) -> String {
        // Texts, times and what was read from JSON: they always fit.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// A text that is no design gate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no design gate of this session: {problem}")]
pub struct InvalidGate {
    /// What is wrong with it, and where.
    pub problem: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_is_written_as_the_node_server_writes_it() {
        let entered: Timestamp = "2026-11-20T10:10:32.699Z".parse().unwrap();
        let gate = DesignGate::entered("2026-01-15-rate-limiter".parse().unwrap(), entered);
        insta::assert_snapshot!(gate.to_text(), @r#"
        {
          "session_id": "2026-01-15-rate-limiter",
          "entered_at": "2026-11-20T10:10:32.699Z",
          "approved_at": null,
          "design_document_path": null
        }
        "#);
        let approved = gate.approved("docs/maestro/plans/design.md".to_owned(), entered.next());
        assert_eq!(DesignGate::parse(approved.to_text().as_bytes()), Ok(approved));
    }

    #[test]
    fn what_others_have_written_into_a_gate_stays() {
        let text = r#"{
          "reviewers": ["ada", { "name": "bo", "rounds": 2 }],
          "session_id": "2026-01-15-rate-limiter",
          "entered_at": "2026-11-20T10:10:32.699Z",
          "approved_at": null,
          "note": null,
          "design_document_path": null
        }"#;
        let gate = DesignGate::parse(text.as_bytes()).unwrap();
        let approved = gate.clone().approved("design.md".to_owned(), gate.entered_at.next());
        insta::assert_snapshot!(approved.to_text(), @r#"
        {
          "session_id": "2026-01-15-rate-limiter",
          "entered_at": "2026-11-20T10:10:32.699Z",
          "approved_at": "2026-11-20T10:10:32.700Z",
          "design_document_path": "design.md",
          "note": null,
          "reviewers": [
            "ada",
            {
              "name": "bo",
              "rounds": 2
            }
          ]
        }
        "#);
        let plain = DesignGate::entered(gate.session_id.clone(), gate.entered_at);
        assert_ne!(gate, plain);
    }

    #[test]
    fn what_is_no_gate_says_where() {
        let cut = "{\n  \"session_id\": \"2026-01-15-rate";
        let error = DesignGate::parse(cut.as_bytes()).unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
        assert!(DesignGate::parse(b"[]").is_err());
    }
}
