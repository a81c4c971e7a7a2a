//! The phases of a plan, as `validate_plan` and `create_session` take them.
//!
//! Says everything that is wrong with them at once, under the names that clients of the Node server know.

use maestro_session::Workspace;
use maestro_session::model::{
    AgentName, InvalidPath, PhaseId, PlanRule, PlannedPhase, RelPath, Violation,
};
use schemars::JsonSchema;
use serde::{Deserialize as _, Serialize};
use serde_json::{Map, Value};

use crate::args::Id;
use crate::context::kind;

// For its schema alone; it is read by `read`.
/// A phase of a plan. Members beyond these are passed by.
#[derive(Debug, JsonSchema)]
#[expect(
    dead_code,
    reason = "only its schema is used: what is wrong with a phase is said all at once"
)]
pub(crate) struct PhaseItem {
    /// The id: a positive integer or a string.
    id: Id,
    /// What the phase is called.
    #[schemars(length(min = 1))]
    name: String,
    /// Who carries it out.
    #[schemars(length(min = 1))]
    agent: String,
    /// Whether it may run beside others.
    parallel: bool,
    /// The phases that must be completed or skipped first.
    blocked_by: Vec<Id>,
    /// The files that it owns, relative to the workspace. Two phases that may run at the same time own different files.
    #[serde(default)]
    files: Option<Vec<String>>,
    /// Files that it creates, where the plan tells them from the others.
    #[serde(default)]
    files_created: Option<Vec<String>>,
    /// Files that it changes.
    #[serde(default)]
    files_modified: Option<Vec<String>>,
    /// Files that it deletes.
    #[serde(default)]
    files_deleted: Option<Vec<String>>,
}

/// Something that is wrong with a plan.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct PlanViolation {
    /// The rule.
    pub(crate) rule: &'static str,
    /// What is wrong.
    pub(crate) detail: String,
    /// `error` keeps the plan from being accepted, `warning` does not.
    pub(crate) severity: &'static str,
    /// The phase that breaks it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phase_id: Option<Id>,
    /// The field that it is about, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) field: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

/// Returns a broken rule of the session model under the name that clients know, where there is one.
pub(crate) fn violation_of(violation: &Violation) -> PlanViolation {
    PlanViolation {
        rule: match violation.rule {
            PlanRule::DanglingBlocker => "dangling_dependency",
            PlanRule::SelfBlocker | PlanRule::Cycle => "cyclic_dependency",
            PlanRule::ReadOnlyAgentWithFiles => "agent_capability_mismatch",
            PlanRule::RedundantBlocker => "redundant_dependency",
            rule => rule.as_str(),
        },
        detail: violation.message.clone(),
        severity: if violation.is_error() { "error" } else { "warning" },
        phase_id: violation.phase.as_ref().map(Id::from),
        field: None,
        hint: violation.hint.clone(),
    }
}

/// Reads the phases, or returns everything that is wrong with them. Paths may be absolute where the workspace is known.
pub(crate) fn read(
    items: &[Value],
    workspace: Option<&Workspace>,
) -> Result<Vec<PlannedPhase>, Vec<PlanViolation>> {
    let mut violations = Vec::new();
    let mut phases = Vec::new();
    for (index, value) in items.iter().enumerate() {
        let mut item = Item { index, id: None, workspace, violations: &mut violations };
        phases.extend(item.read(value));
    }
    if violations.is_empty() { Ok(phases) } else { Err(violations) }
}

/// One phase that is being read.
struct Item<'i> {
    index: usize,
    id: Option<PhaseId>,
    workspace: Option<&'i Workspace>,
    violations: &'i mut Vec<PlanViolation>,
}

impl Item<'_> {
    /// Reads the phase; nothing if something is wrong with it.
    fn read(&mut self, value: &Value) -> Option<PlannedPhase> {
        let Value::Object(fields) = value else {
            let problem = format!("expected an object, not {}", kind(value));
            self.report("invalid_field_type", "", &problem);
            return None;
        };
        let id = self.required(fields, "id").and_then(|value| self.phase_id("id", value));
        self.id.clone_from(&id);
        let name = self.required(fields, "name").and_then(|value| self.text("name", value));
        let agent = self.required(fields, "agent").and_then(|value| self.agent(value));
        let parallel = self.required(fields, "parallel").and_then(|value| self.boolean(value));
        let blocked_by = self.required(fields, "blocked_by").and_then(|value| self.ids(value));
        // Where the plan says more than whose a file is.
        let [create, any, modify, delete] =
            ["files_created", "files", "files_modified", "files_deleted"]
                .map(|name| self.files(name, fields.get(name)));
        let (create, mut modify, delete) = (create?, modify?, delete?);
        modify.extend(any?);
        Some(PlannedPhase {
            id: id?,
            name: name?,
            agents: vec![agent?],
            parallel: parallel?,
            blocked_by: blocked_by?,
            files_to_create: create,
            files_to_modify: modify,
            files_to_delete: delete,
            line: None,
        })
    }

    fn report(&mut self, rule: &'static str, field: &str, problem: &str) {
        let place = format!("phases[{}]", self.index);
        let field = if field.is_empty() { place } else { format!("{place}.{field}") };
        self.violations.push(PlanViolation {
            rule,
            detail: format!("{field}: {problem}"),
            severity: "error",
            phase_id: self.id.as_ref().map(Id::from),
            field: Some(field),
            hint: None,
        });
    }

    fn required<'v>(&mut self, fields: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
        let value = fields.get(name);
        if value.is_none() {
            self.report("missing_required_field", name, "is missing");
        }
        value
    }

    fn wrong_type<T>(&mut self, field: &str, expected: &str, value: &Value) -> Option<T> {
        let problem = format!("expected {expected}, not {}", kind(value));
        self.report("invalid_field_type", field, &problem);
        None
    }

    fn wrong_value<T>(&mut self, field: &str, problem: &str) -> Option<T> {
        self.report("invalid_field_value", field, problem);
        None
    }

    fn phase_id(&mut self, field: &str, value: &Value) -> Option<PhaseId> {
        match PhaseId::deserialize(value) {
            Ok(id) => Some(id),
            Err(error) => {
                self.report("invalid_field_type", field, &error.to_string());
                None
            }
        }
    }

    fn text(&mut self, field: &str, value: &Value) -> Option<String> {
        match value {
            Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            Value::String(_) => self.wrong_value(field, "is empty"),
            other => self.wrong_type(field, "a string", other),
        }
    }

    fn agent(&mut self, value: &Value) -> Option<AgentName> {
        match self.text("agent", value)?.parse() {
            Ok(agent) => Some(agent),
            Err(error) => self.wrong_value("agent", &error.to_string()),
        }
    }

    fn boolean(&mut self, value: &Value) -> Option<bool> {
        match value {
            Value::Bool(value) => Some(*value),
            other => self.wrong_type("parallel", "a boolean", other),
        }
    }

    fn ids(&mut self, value: &Value) -> Option<Vec<PhaseId>> {
        let Value::Array(items) = value else {
            return self.wrong_type("blocked_by", "an array of phase ids", value);
        };
        let ids: Vec<Option<PhaseId>> = items
            .iter()
            .enumerate()
            .map(|(index, item)| self.phase_id(&format!("blocked_by[{index}]"), item))
            .collect();
        ids.into_iter().collect()
    }

    fn files(&mut self, field: &str, value: Option<&Value>) -> Option<Vec<RelPath>> {
        let items = match value {
            None | Some(Value::Null) => return Some(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(other) => return self.wrong_type(field, "an array of strings", other),
        };
        let files: Vec<Option<RelPath>> = items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                let field = format!("{field}[{index}]");
                let Value::String(text) = item else {
                    return self.wrong_type(&field, "a string", item);
                };
                match self.path(text) {
                    Ok(path) => Some(path),
                    Err(error) => self.wrong_value(&field, &error.to_string()),
                }
            })
            .collect();
        files.into_iter().collect()
    }

    fn path(&self, text: &str) -> Result<RelPath, InvalidPath> {
        match self.workspace {
            Some(workspace) => workspace.relative(text),
            None => RelPath::parse(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_member_that_is_advertised_is_read() {
        let schema = json!(schemars::schema_for!(PhaseItem));
        let phase =
            json!({ "id": 1, "name": "A", "agent": "coder", "parallel": false, "blocked_by": [] });
        assert_eq!(read(std::slice::from_ref(&phase), None).unwrap().len(), 1);
        for name in schema["properties"].as_object().unwrap().keys() {
            let mut odd = phase.clone();
            odd[name] = json!({});
            let violations = read(&[odd], None).unwrap_err();
            assert_eq!(violations[0].field.as_deref(), Some(format!("phases[0].{name}").as_str()));
        }
    }
}
