//! The schemas of the tools, made of the types that read arguments and write answers.
//!
//! They are what clients show to models: plain, without references, and the same at every start.

use schemars::generate::{Contract, SchemaSettings};
use schemars::transform::{RecursiveTransform, Transform as _};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::tool::{Scope, Tool};

/// The name of the argument that says in which workspace.
pub(crate) const WORKSPACE_PATH: &str = "workspace_path";

/// The name of the argument that says for which session.
pub(crate) const SESSION_ID: &str = "session_id";

/// The schema of the arguments of a tool.
pub(crate) fn input<T: Tool>() -> Map<String, Value> {
    let mut schema = of::<T::Args>(Contract::Deserialize);
    let own = match schema.remove("properties") {
        Some(Value::Object(own)) => own,
        _ => Map::new(),
    };
    let mut required: Vec<Value> = match schema.remove("required") {
        Some(Value::Array(required)) => required,
        _ => Vec::new(),
    };
    let mut properties = Map::new();
    if matches!(T::SCOPE, Scope::Session | Scope::NamedSession) {
        properties.insert(SESSION_ID.to_owned(), session_id(T::SCOPE));
    }
    properties.extend(own);
    if T::SCOPE != Scope::None {
        properties.insert(WORKSPACE_PATH.to_owned(), workspace_path());
    }
    if T::SCOPE == Scope::NamedSession {
        required.insert(0, SESSION_ID.into());
    }
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), Value::Object(properties));
    if !required.is_empty() {
        schema.insert("required".to_owned(), Value::Array(required));
    }
    schema.insert("additionalProperties".to_owned(), false.into());
    if let Ok(example) = serde_json::from_str::<Value>(T::EXAMPLE) {
        schema.insert("examples".to_owned(), json!([example]));
    }
    schema
}

/// The schema of what a tool answers.
pub(crate) fn output<T: Tool>() -> Map<String, Value> {
    let mut schema = of::<T::Answer>(Contract::Serialize);
    schema.insert("type".to_owned(), "object".into());
    schema
}

fn session_id(scope: Scope) -> Value {
    let which = match scope {
        Scope::NamedSession => "The session.",
        Scope::None | Scope::Workspace | Scope::Session => {
            "The session that is meant: the call is refused if another one is active."
        }
    };
    json!({
        "type": if scope == Scope::NamedSession { json!("string") } else { json!(["string", "null"]) },
        "pattern": "^[a-zA-Z0-9_-]{1,128}$",
        "description": format!("{which} YYYY-MM-DD-<topic-slug>.")
    })
}

fn workspace_path() -> Value {
    json!({
        "type": ["string", "null"],
        "description": "The workspace, as an absolute path: exactly this directory. Leave it out after `initialize_workspace`."
    })
}

/// The schema of what is read, or of what is written: what is left out where it says nothing is not required then.
fn of<T: JsonSchema>(contract: Contract) -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.contract = contract;
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = SchemaGenerator::new(settings).into_root_schema_for::<T>();
    RecursiveTransform(plain).transform(&mut schema);
    match Value::from(schema) {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}

/// Takes out what says nothing to a model: names of Rust types, formats that other languages do not know, that what is absent
/// is null, and choices among choices.
fn plain(schema: &mut Schema) {
    schema.remove("title");
    schema.remove("format");
    if schema.get("default") == Some(&Value::Null) {
        schema.remove("default");
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        let flat = std::mem::take(choices).into_iter().flat_map(|choice| match choice {
            Value::Object(mut only) if only.len() == 1 && only.contains_key("anyOf") => {
                match only.remove("anyOf") {
                    Some(Value::Array(inner)) => inner,
                    _ => Vec::new(),
                }
            }
            choice => vec![choice],
        });
        *choices = flat.collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::entries;

    #[test]
    fn what_an_answer_may_leave_out_is_not_required() {
        let required = |tool: &str| {
            let entry = entries().iter().find(|entry| entry.name == tool).expect("it is a tool");
            (entry.output)().remove("required").unwrap_or_default()
        };
        assert_eq!(required("get_resume_report"), json!(["exists", "conflicts_to_confirm"]));
        assert_eq!(required("get_session_status"), json!(["exists"]));
        assert_eq!(
            required("update_session"),
            json!(["success", "updated_fields", "operation"]),
            "there are no warnings as a rule"
        );
    }

    #[test]
    fn what_is_null_is_required_all_the_same() {
        let gate = entries().iter().find(|entry| entry.name == "get_design_gate_status");
        let schema = (gate.expect("it is a tool").output)();
        assert_eq!(
            schema["required"],
            json!(["session_id", "entered_at", "approved_at", "design_document_path"])
        );
    }
}
