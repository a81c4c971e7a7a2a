//! What a tool is: a name, what it says of itself, what it takes, what it answers, and the operation behind it.

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::context::Context;
use crate::error::ToolError;
use crate::schema;

/// One tool. A tool parses, calls an operation of the session, and shows what comes back; it has no rule of its own.
pub(crate) trait Tool {
    /// The name that clients call.
    const NAME: &'static str;
    /// The name that people see.
    const TITLE: &'static str;
    /// When to use it, for models.
    const DESCRIPTION: &'static str;
    /// What the call says beside the arguments of its own.
    const SCOPE: Scope;
    /// What it does to the session.
    const EFFECT: Effect;
    /// Arguments as a client would send them, as JSON.
    const EXAMPLE: &'static str;

    /// The arguments of its own.
    type Args: DeserializeOwned + JsonSchema;
    /// What it answers.
    type Answer: Serialize + JsonSchema;

    /// Carries it out.
    fn call(context: &mut Context<'_>, args: Self::Args) -> Result<Self::Answer, ToolError>;

    /// Carries it out, and returns the answer as JSON text.
    fn answer(context: &mut Context<'_>, args: Self::Args) -> Result<String, ToolError> {
        rendered(&Self::call(context, args)?)
    }
}

/// Returns an answer as JSON text.
pub(crate) fn rendered(answer: &impl Serialize) -> Result<String, ToolError> {
    serde_json::to_string(answer).map_err(|error| {
        ToolError::new("INTERNAL_TOOL_ERROR", format!("the answer cannot be written: {error}"))
    })
}

/// What a call says beside the arguments of the tool itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Nothing.
    None,
    /// In which workspace, unless that is known.
    Workspace,
    /// In which workspace, and for which session, unless that is the active one.
    Session,
    /// In which workspace, unless that is known, and for which session.
    NamedSession,
}

/// What a tool does to the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing.
    Reads,
    /// Adds to what is recorded.
    Adds,
    /// The same, and doing it again adds nothing.
    AddsOnce,
    /// Ends something, or takes something back.
    Ends,
}

/// A tool in the list of tools.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) description: &'static str,
    pub(crate) scope: Scope,
    pub(crate) effect: Effect,
    pub(crate) input: fn() -> Map<String, Value>,
    pub(crate) output: fn() -> Map<String, Value>,
    pub(crate) run: fn(&mut Context<'_>, Map<String, Value>) -> Result<String, ToolError>,
}

impl Entry {
    /// The entry of a tool.
    pub(crate) fn of<T: Tool>() -> Self {
        Self {
            name: T::NAME,
            title: T::TITLE,
            description: T::DESCRIPTION,
            scope: T::SCOPE,
            effect: T::EFFECT,
            input: schema::input::<T>,
            output: schema::output::<T>,
            run: run::<T>,
        }
    }
}

/// Reads the arguments and carries the tool out.
fn run<T: Tool>(
    context: &mut Context<'_>,
    arguments: Map<String, Value>,
) -> Result<String, ToolError> {
    let mut arguments = Value::Object(arguments);
    write_whole_numbers_whole(&mut arguments);
    let args: T::Args = serde_path_to_error::deserialize(arguments).map_err(|error| {
        let way = error.path().to_string();
        let way = if way == "." { String::new() } else { way };
        let (field, problem) = of_problem(way, &error.into_inner().to_string());
        wrong_field(T::NAME, Some(field.as_str()).filter(|field| !field.is_empty()), &problem)
    })?;
    T::answer(context, args)
}

/// Writes `1.0` as `1`: JSON Schema, and most programs that write JSON, know no difference.
fn write_whole_numbers_whole(value: &mut Value) {
    // The largest below which every whole number has a form of its own.
    const LARGEST: f64 = 9_007_199_254_740_991.0;
    match value {
        Value::Number(number) => {
            let whole = number
                .as_f64()
                .filter(|float| number.is_f64() && float.fract() == 0.0 && float.abs() <= LARGEST);
            if let Some(float) = whole {
                #[expect(clippy::cast_possible_truncation, reason = "it is whole and not large")]
                let whole = float as i64;
                *value = whole.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(write_whole_numbers_whole),
        Value::Object(members) => members.values_mut().for_each(write_whole_numbers_whole),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// Returns the way to the argument that a reader found something wrong with, and what is wrong, in the words of JSON. Where
/// an argument is missing, `way` only leads to where it should be.
fn of_problem(way: String, problem: &str) -> (String, String) {
    let missing = problem.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
    if let Some(name) = missing {
        let field = if way.is_empty() { name.to_owned() } else { format!("{way}.{name}") };
        return (field, "missing field".to_owned());
    }
    let Some((found, expected)) = problem.rsplit_once(", expected ") else {
        return (way, problem.to_owned());
    };
    let found = match found {
        "invalid type: sequence" => "invalid type: array",
        "invalid type: map" => "invalid type: object",
        found => found,
    };
    let expected = match expected {
        "a sequence" => "an array",
        "a map" => "an object",
        "u32" | "u64" | "usize" => "a whole number that is not negative",
        expected => expected,
    };
    (way, format!("{found}, expected {expected}"))
}

/// An argument that cannot be used, with the way to it.
pub(crate) fn wrong_field(tool: &str, field: Option<&str>, problem: &str) -> ToolError {
    let error = match field {
        Some(field) => format!("`{field}`: {problem}"),
        None => problem.to_owned(),
    };
    let error = ToolError::invalid(error)
        .hint(format!(
            "correct the arguments of `{tool}`; its input schema has each of them, with an example"
        ))
        .detail("tool", tool);
    match field {
        Some(field) => error.detail("field", field),
        None => error,
    }
}
