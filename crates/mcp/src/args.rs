//! The arguments that several tools take, and their schemas.
//!
//! Each type reads exactly what its schema describes, so that what a client checks before it calls is what is checked here.

use std::borrow::Cow;
use std::marker::PhantomData;

use maestro_session::Workspace;
use maestro_session::model::{
    AgentName, DownstreamContext, ErrorKind, ExecutionMode, Handoff, PhaseId, RelPath,
    TaskComplexity, TokenCounts, means_nothing,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::ToolError;

/// The id of a phase: a positive integer or a non-empty string; `1` and `"1"` are the same phase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Id(pub(crate) PhaseId);

impl JsonSchema for Id {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "PhaseId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [{ "type": "integer", "minimum": 1 }, { "type": "string", "minLength": 1 }]
        })
    }
}

impl From<&PhaseId> for Id {
    fn from(id: &PhaseId) -> Self {
        Self(id.clone())
    }
}

/// Returns ids as they are answered.
pub(crate) fn ids<'i>(ids: impl IntoIterator<Item = &'i PhaseId>) -> Vec<Id> {
    ids.into_iter().map(Id::from).collect()
}

/// The name of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Agent(pub(crate) AgentName);

impl<'de> Deserialize<'de> for Agent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(de::Error::custom)
    }
}

impl JsonSchema for Agent {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "AgentName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": 256 })
    }
}

/// How demanding a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Complexity {
    Simple,
    Medium,
    Complex,
}

impl From<Complexity> for TaskComplexity {
    fn from(complexity: Complexity) -> Self {
        match complexity {
            Complexity::Simple => Self::Simple,
            Complexity::Medium => Self::Medium,
            Complexity::Complex => Self::Complex,
        }
    }
}

/// Whether phases may run side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    Parallel,
    Sequential,
}

impl From<Mode> for ExecutionMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Parallel => Self::Parallel,
            Mode::Sequential => Self::Sequential,
        }
    }
}

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FailureKind {
    Validation,
    Timeout,
    FileConflict,
    #[default]
    Runtime,
    Dependency,
}

impl From<FailureKind> for ErrorKind {
    fn from(kind: FailureKind) -> Self {
        match kind {
            FailureKind::Validation => Self::Validation,
            FailureKind::Timeout => Self::Timeout,
            FailureKind::FileConflict => Self::FileConflict,
            FailureKind::Runtime => Self::Runtime,
            FailureKind::Dependency => Self::Dependency,
        }
    }
}

/// The tokens that were used.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub(crate) struct Tokens {
    /// All input tokens, those read from a cache included.
    #[serde(default, deserialize_with = "null_is_none")]
    #[schemars(with = "Option<u64>")]
    pub(crate) input: u64,
    /// All output tokens.
    #[serde(default, deserialize_with = "null_is_none")]
    #[schemars(with = "Option<u64>")]
    pub(crate) output: u64,
    /// How many of the input tokens were read from a cache.
    #[serde(default, deserialize_with = "null_is_none")]
    #[schemars(with = "Option<u64>")]
    pub(crate) cached: u64,
    /// Who used them; the agent of the phase when absent.
    #[serde(default)]
    pub(crate) agent: Option<Agent>,
}

impl<'de> Fields<'de> for Tokens {
    fn read<D: Deserializer<'de>>(fields: D) -> Result<Self, D::Error> {
        Self::deserialize(fields)
    }
}

impl<'de> Deserialize<'de> for Tokens {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Object(PhantomData))
    }
}

impl Tokens {
    pub(crate) fn counts(&self) -> TokenCounts {
        TokenCounts { input: self.input, output: self.output, cached: self.cached }
    }
}

/// What later phases need to know. Each list may be a single text. `none`, `n/a`, empty texts and their like say nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, remote = "Self")]
pub(crate) struct DownstreamArgs {
    /// Interfaces that were introduced: signature and place.
    key_interfaces_introduced: Texts,
    /// Patterns to follow.
    patterns_established: Texts,
    /// Where later work connects.
    integration_points: Texts,
    /// What was taken for granted.
    assumptions: Texts,
    /// What to look out for.
    warnings: Texts,
}

impl<'de> Fields<'de> for DownstreamArgs {
    fn read<D: Deserializer<'de>>(fields: D) -> Result<Self, D::Error> {
        Self::deserialize(fields)
    }
}

impl<'de> Deserialize<'de> for DownstreamArgs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Object(PhantomData))
    }
}

impl DownstreamArgs {
    /// Returns the context as the call gave it.
    pub(crate) fn as_given(&self) -> Value {
        let all = [
            ("key_interfaces_introduced", &self.key_interfaces_introduced),
            ("patterns_established", &self.patterns_established),
            ("integration_points", &self.integration_points),
            ("assumptions", &self.assumptions),
            ("warnings", &self.warnings),
        ];
        let given = all.into_iter().filter(|(_, texts)| **texts != Texts::default());
        given.map(|(name, texts)| (name.to_owned(), json!(texts))).collect()
    }

    /// Returns the context without texts that say nothing.
    pub(crate) fn normalised(&self) -> DownstreamContext {
        DownstreamContext {
            key_interfaces_introduced: self.key_interfaces_introduced.telling(),
            patterns_established: self.patterns_established.telling(),
            integration_points: self.integration_points.telling(),
            assumptions: self.assumptions.telling(),
            warnings: self.warnings.telling(),
        }
    }
}

/// One text or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
enum Texts {
    One(String),
    Several(Vec<String>),
}

impl Default for Texts {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> de::Visitor<'de> for Either {
            type Value = Texts;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of strings, or a string")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Texts, E> {
                Ok(Texts::One(text.to_owned()))
            }

            fn visit_unit<E: de::Error>(self) -> Result<Texts, E> {
                Ok(Texts::default())
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Texts, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = list.next_element()? {
                    texts.push(text);
                }
                Ok(Texts::Several(texts))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl Texts {
    fn telling(&self) -> Vec<String> {
        let texts = match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Several(texts) => texts,
        };
        let texts = texts.iter().map(|text| text.trim()).filter(|text| !means_nothing(text));
        texts.map(str::to_owned).collect()
    }
}

/// The files of a manifest, as a call names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Files<'f> {
    pub(crate) created: &'f [String],
    pub(crate) modified: &'f [String],
    pub(crate) deleted: &'f [String],
}

impl Files<'_> {
    /// Adds the files to a handoff.
    pub(crate) fn add_to(
        &self,
        handoff: &mut Handoff,
        workspace: &Workspace,
    ) -> Result<(), ToolError> {
        handoff.files_created.extend(paths(workspace, "files_created", self.created)?);
        handoff.files_modified.extend(paths(workspace, "files_modified", self.modified)?);
        handoff.files_deleted.extend(paths(workspace, "files_deleted", self.deleted)?);
        Ok(())
    }
}

/// Returns paths relative to the workspace, or which of them is none.
pub(crate) fn paths(
    workspace: &Workspace,
    field: &str,
    texts: &[String],
) -> Result<Vec<RelPath>, ToolError> {
    let path = |(index, text): (usize, &String)| {
        workspace.relative(text).map_err(|error| {
            let field = format!("{field}[{index}]");
            ToolError::invalid(format!("`{field}`: {error}"))
                .hint("give paths relative to the workspace, or absolute ones inside it")
                .detail("field", field)
        })
    };
    texts.iter().enumerate().map(path).collect()
}

/// Adds what the call says of the context to what a report says.
pub(crate) fn add_context(handoff: &mut Handoff, context: &DownstreamArgs) {
    let more = context.normalised();
    let context = &mut handoff.downstream_context;
    context.key_interfaces_introduced.extend(more.key_interfaces_introduced);
    context.patterns_established.extend(more.patterns_established);
    context.integration_points.extend(more.integration_points);
    context.assumptions.extend(more.assumptions);
    context.warnings.extend(more.warnings);
}

/// What is read of an object, by a reader that would take a list of the values of its fields too.
trait Fields<'de>: Sized {
    fn read<D: Deserializer<'de>>(fields: D) -> Result<Self, D::Error>;
}

/// Reads an object, and nothing else.
struct Object<T>(PhantomData<T>);

impl<'de, T: Fields<'de>> de::Visitor<'de> for Object<T> {
    type Value = T;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
        T::read(MapAccessDeserializer::new(fields))
    }
}

/// Reads `null` as what an argument is when it is absent: some models fill in all that there is.
pub(crate) fn null_is_none<'de, T: Deserialize<'de> + Default, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Tells an argument that is `null` from one that is absent.
#[expect(clippy::option_option, reason = "null and absence are two answers")]
pub(crate) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
