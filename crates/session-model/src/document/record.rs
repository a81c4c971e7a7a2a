//! Reads the front matter into a [`Session`].
//!
//! Generous with what is absent (older forms lack keys, hand-written ones lack values), strict with what is there:
//! wrong types, unknown statuses and repeated keys are errors. Keys that we do not know are collected, so that an edit
//! can prove that it left them alone.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde_yaml::Mapping;

use crate::session::{
    DownstreamContext, ErrorKind, Phase, PhaseError, Session, TokenCounts, TokenUsage,
};
use crate::{
    ExecutionMode, PhaseId, PhaseStatus, SessionId, SessionStatus, TaskComplexity, Timestamp,
    WorkflowMode,
};

/// What a front matter says, and what it says beyond what we know.
pub(super) struct Read {
    pub(super) session: Session,
    pub(super) unknown: Unknown,
}

/// Unknown keys with their values, by the place they stand in. Places without any are left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Unknown(Vec<(String, Mapping)>);

impl Unknown {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn note(&mut self, place: impl FnOnce() -> String, rest: Mapping) {
        if !rest.is_empty() {
            self.0.push((place(), rest));
        }
    }
}

#[derive(Deserialize)]
#[serde(expecting = "the fields of a session")]
pub(super) struct SessionRecord {
    session_id: SessionId,
    #[serde(default)]
    task: Option<String>,
    created: Timestamp,
    updated: Timestamp,
    status: SessionStatus,
    #[serde(default)]
    workflow_mode: Option<WorkflowMode>,
    #[serde(default)]
    design_document: Option<String>,
    #[serde(default)]
    implementation_plan: Option<String>,
    #[serde(default)]
    current_phase: Option<PhaseId>,
    #[serde(default)]
    total_phases: Option<u64>,
    #[serde(default)]
    execution_mode: Option<ExecutionMode>,
    #[serde(default)]
    execution_backend: Option<String>,
    #[serde(default)]
    current_batch: Option<String>,
    #[serde(default)]
    task_complexity: Option<TaskComplexity>,
    #[serde(default)]
    token_usage: Option<TokenUsageRecord>,
    #[serde(deserialize_with = "list")]
    phases: Vec<PhaseRecord>,
    #[serde(flatten)]
    rest: Mapping,
}

#[derive(Deserialize)]
#[serde(expecting = "the fields of token usage")]
struct TokenUsageRecord {
    #[serde(default)]
    total_input: u64,
    #[serde(default)]
    total_output: u64,
    #[serde(default)]
    total_cached: u64,
    #[serde(default, deserialize_with = "by_name")]
    by_agent: BTreeMap<String, TokenCountsRecord>,
    #[serde(flatten)]
    rest: Mapping,
}

#[derive(Deserialize)]
#[serde(expecting = "the token counts of an agent")]
struct TokenCountsRecord {
    #[serde(default)]
    input: u64,
    #[serde(default)]
    output: u64,
    #[serde(default)]
    cached: u64,
    #[serde(flatten)]
    rest: Mapping,
}

#[derive(Deserialize)]
#[serde(expecting = "the fields of a phase")]
struct PhaseRecord {
    id: PhaseId,
    #[serde(default)]
    name: Option<String>,
    status: PhaseStatus,
    #[serde(default, deserialize_with = "texts")]
    agents: Vec<String>,
    #[serde(default)]
    parallel: Option<bool>,
    #[serde(default)]
    started: Option<Timestamp>,
    #[serde(default)]
    completed: Option<Timestamp>,
    #[serde(default, deserialize_with = "list")]
    blocked_by: Vec<PhaseId>,
    #[serde(default, deserialize_with = "texts")]
    files_created: Vec<String>,
    #[serde(default, deserialize_with = "texts")]
    files_modified: Vec<String>,
    #[serde(default, deserialize_with = "texts")]
    files_deleted: Vec<String>,
    #[serde(default, deserialize_with = "texts")]
    planned_files: Vec<String>,
    #[serde(default)]
    downstream_context: Option<ContextRecord>,
    #[serde(default, deserialize_with = "list")]
    errors: Vec<ErrorRecord>,
    #[serde(default)]
    retry_count: Option<u64>,
    #[serde(default)]
    requires_reconciliation: Option<bool>,
    #[serde(default)]
    reconciliation_reason: Option<String>,
    #[serde(flatten)]
    rest: Mapping,
}

#[derive(Deserialize)]
#[serde(expecting = "the lists of a downstream context")]
struct ContextRecord {
    #[serde(default, deserialize_with = "texts")]
    key_interfaces_introduced: Vec<String>,
    #[serde(default, deserialize_with = "texts")]
    patterns_established: Vec<String>,
    #[serde(default, deserialize_with = "texts")]
    integration_points: Vec<String>,
    #[serde(default, deserialize_with = "texts")]
    assumptions: Vec<String>,
    #[serde(default, deserialize_with = "texts")]
    warnings: Vec<String>,
    #[serde(flatten)]
    rest: Mapping,
}

#[derive(Deserialize)]
#[serde(expecting = "the fields of an error")]
struct ErrorRecord {
    #[serde(default)]
    agent: Option<String>,
    timestamp: Timestamp,
    #[serde(rename = "type")]
    kind: ErrorKind,
    message: String,
    #[serde(default)]
    resolution: Option<String>,
    #[serde(default)]
    resolved: Option<bool>,
    #[serde(flatten)]
    rest: Mapping,
}

impl From<SessionRecord> for Read {
    fn from(record: SessionRecord) -> Self {
        let mut unknown = Unknown::default();
        unknown.note(String::new, record.rest);
        let token_usage = record
            .token_usage
            .map_or_else(TokenUsage::default, |usage| token_usage(usage, &mut unknown));
        let phases: Vec<Phase> =
            record.phases.into_iter().map(|record| phase(record, &mut unknown)).collect();
        let total_phases = record.total_phases.unwrap_or(phases.len() as u64);
        let session = Session {
            session_id: record.session_id,
            task: record.task.unwrap_or_default(),
            created: record.created,
            updated: record.updated,
            status: record.status,
            workflow_mode: record.workflow_mode.unwrap_or_default(),
            design_document: record.design_document,
            implementation_plan: record.implementation_plan,
            current_phase: record.current_phase,
            total_phases,
            execution_mode: record.execution_mode,
            execution_backend: record.execution_backend,
            current_batch: record.current_batch,
            task_complexity: record.task_complexity,
            token_usage,
            phases,
        };
        Self { session, unknown }
    }
}

fn token_usage(record: TokenUsageRecord, unknown: &mut Unknown) -> TokenUsage {
    unknown.note(|| "token_usage".to_owned(), record.rest);
    let by_agent = record.by_agent.into_iter().map(|(agent, counts)| {
        let TokenCountsRecord { input, output, cached, rest } = counts;
        unknown.note(|| format!("token_usage.by_agent.{agent}"), rest);
        (agent, TokenCounts { input, output, cached })
    });
    TokenUsage {
        by_agent: by_agent.collect(),
        total_input: record.total_input,
        total_output: record.total_output,
        total_cached: record.total_cached,
    }
}

fn phase(record: PhaseRecord, unknown: &mut Unknown) -> Phase {
    let id = record.id;
    unknown.note(|| format!("phase {id}"), record.rest);
    let downstream_context =
        record.downstream_context.map_or_else(DownstreamContext::default, |context| {
            unknown.note(|| format!("phase {id} context"), context.rest);
            DownstreamContext {
                key_interfaces_introduced: context.key_interfaces_introduced,
                patterns_established: context.patterns_established,
                integration_points: context.integration_points,
                assumptions: context.assumptions,
                warnings: context.warnings,
            }
        });
    let errors = record.errors.into_iter().enumerate().map(|(i, error)| {
        unknown.note(|| format!("phase {id} error {i}"), error.rest);
        PhaseError {
            agent: error.agent.unwrap_or_default(),
            timestamp: error.timestamp,
            kind: error.kind,
            message: error.message,
            resolution: error.resolution.unwrap_or_else(|| "pending".to_owned()),
            resolved: error.resolved.unwrap_or_default(),
        }
    });
    Phase {
        errors: errors.collect(),
        name: record.name.unwrap_or_default(),
        status: record.status,
        agents: record.agents,
        parallel: record.parallel.unwrap_or_default(),
        started: record.started,
        completed: record.completed,
        blocked_by: record.blocked_by,
        files_created: record.files_created,
        files_modified: record.files_modified,
        files_deleted: record.files_deleted,
        planned_files: record.planned_files,
        downstream_context,
        retry_count: record.retry_count.unwrap_or_default(),
        requires_reconciliation: record.requires_reconciliation,
        reconciliation_reason: record.reconciliation_reason,
        id,
    }
}

/// A list, or nothing at all where its value was left out.
fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A list of strings. `null` is no string, though the YAML reader would make one of it.
fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct Text(String);

    impl<'de> Deserialize<'de> for Text {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = Option::<String>::deserialize(deserializer)?;
            text.map(Text).ok_or_else(|| de::Error::custom("invalid type: null, expected a string"))
        }
    }

    let items: Vec<Text> = list(deserializer)?;
    Ok(items.into_iter().map(|Text(text)| text).collect())
}

/// A map whose keys may not repeat; the standard maps would silently keep the last.
fn by_name<'de, D, T>(deserializer: D) -> Result<BTreeMap<String, T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Unique<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Unique<T> {
        type Value = BTreeMap<String, T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map")
        }

        fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
            Ok(BTreeMap::new())
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut entries = BTreeMap::new();
            while let Some(key) = map.next_key::<String>()? {
                if entries.contains_key(&key) {
                    return Err(de::Error::custom(format_args!(
                        "duplicate entry with key \"{key}\""
                    )));
                }
                let value = map.next_value()?;
                entries.insert(key, value);
            }
            Ok(entries)
        }
    }

    deserializer.deserialize_any(Unique(PhantomData))
}
