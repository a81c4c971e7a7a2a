//! The Node server's way with the session file: its reader, which accepts less than ours, and what it writes.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::fixture::Fixture;

pub(super) const SESSION_FILE: &str = "app/docs/maestro/state/active-session.md";

/// The members of a session, in their order.
pub(super) const SESSION_KEYS: [&str; 16] = [
    "session_id",
    "task",
    "created",
    "updated",
    "status",
    "workflow_mode",
    "design_document",
    "implementation_plan",
    "current_phase",
    "total_phases",
    "execution_mode",
    "execution_backend",
    "current_batch",
    "task_complexity",
    "token_usage",
    "phases",
];

/// The members of a phase, in their order; the last two only once it is completed.
pub(super) const PHASE_KEYS: [&str; 17] = [
    "id",
    "name",
    "status",
    "agents",
    "parallel",
    "started",
    "completed",
    "blocked_by",
    "files_created",
    "files_modified",
    "files_deleted",
    "planned_files",
    "downstream_context",
    "errors",
    "retry_count",
    "requires_reconciliation",
    "reconciliation_reason",
];

const CONTEXT_KEYS: [&str; 5] = [
    "key_interfaces_introduced",
    "patterns_established",
    "integration_points",
    "assumptions",
    "warnings",
];

/// A JSON value whose objects keep the order of their members.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(i64),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Json;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON with whole numbers")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Json, E> {
                Ok(Json::Null)
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Json, E> {
                Ok(Json::Bool(value))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Json, E> {
                Ok(Json::Number(value))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Json, E> {
                i64::try_from(value).map(Json::Number).map_err(E::custom)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Json, E> {
                Ok(Json::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Json::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
                let mut members: Vec<(String, Json)> = Vec::new();
                while let Some((key, value)) = entries.next_entry::<String, Json>()? {
                    if members.iter().any(|(other, _)| *other == key) {
                        return Err(de::Error::custom(format!("`{key}` is there twice")));
                    }
                    members.push((key, value));
                }
                Ok(Json::Object(members))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

impl Json {
    pub(super) fn texts(texts: &[&str]) -> Self {
        Self::List(texts.iter().map(|text| Self::Text((*text).to_owned())).collect())
    }

    pub(super) fn keys(&self) -> Vec<&str> {
        match self {
            Self::Object(members) => members.iter().map(|(key, _)| key.as_str()).collect(),
            other => panic!("no object: {other:?}"),
        }
    }

    pub(super) fn get(&self, key: &str) -> &Self {
        match self {
            Self::Object(members) => {
                let found = members.iter().find(|(name, _)| name == key);
                &found.unwrap_or_else(|| panic!("no {key}")).1
            }
            other => panic!("no object: {other:?}"),
        }
    }

    /// Sets a member: in its place if it is there, else at the end, as JavaScript does.
    pub(super) fn set(&mut self, key: &str, value: Self) {
        let Self::Object(members) = self else { panic!("no object") };
        match members.iter_mut().find(|(name, _)| name == key) {
            Some((_, old)) => *old = value,
            None => members.push((key.to_owned(), value)),
        }
    }

    pub(super) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            other => panic!("no list: {other:?}"),
        }
    }

    /// `JSON.stringify(value, null, 2)`.
    fn write(&self, indent: usize, out: &mut String) {
        let line = |indent: usize| format!("\n{}", " ".repeat(indent));
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => *out += &value.to_string(),
            Self::Number(value) => *out += &value.to_string(),
            Self::Text(text) => *out += &serde_json::to_string(text).unwrap(),
            Self::List(items) if items.is_empty() => out.push_str("[]"),
            Self::Object(members) if members.is_empty() => out.push_str("{}"),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    *out += if index > 0 { "," } else { "" };
                    *out += &line(indent + 2);
                    item.write(indent + 2, out);
                }
                *out += &line(indent);
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (index, (key, value)) in members.iter().enumerate() {
                    *out += if index > 0 { "," } else { "" };
                    *out += &line(indent + 2);
                    *out += &serde_json::to_string(key).unwrap();
                    *out += ": ";
                    value.write(indent + 2, out);
                }
                *out += &line(indent);
                out.push('}');
            }
        }
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        self.write(0, &mut out);
        f.write_str(&out)
    }
}

/// Reads a session file by the rules of the Node server: fences of three dashes and nothing else, strict JSON between them.
pub(super) fn read(text: &str) -> Result<(Json, String), String> {
    let rest = text.strip_prefix("---\n").ok_or("No YAML frontmatter found in session state")?;
    let (front, body) =
        rest.split_once("\n---").ok_or("No YAML frontmatter found in session state")?;
    let front = serde_json::from_str(front).map_err(|error| error.to_string())?;
    Ok((front, body.strip_prefix('\n').unwrap_or(body).to_owned()))
}

/// Writes a session file as the Node server does.
pub(super) fn written(front: &Json, body: &str) -> String {
    format!("---\n{front}\n---\n{body}")
}

/// What the Node server would read of the active session. The text must be one that it could have written itself.
pub(super) fn session(fixture: &Fixture) -> Json {
    let text = fixture.session_file();
    let (front, body) = read(&text).unwrap_or_else(|error| panic!("{error}:\n{text}"));
    assert_eq!(written(&front, &body), text, "not as `JSON.stringify` writes it");
    assert_eq!(in_order(&front.keys(), &SESSION_KEYS), SESSION_KEYS, "{text}");
    for phase in front.get("phases").items() {
        let keys = phase.keys();
        assert!(keys.len() >= 13, "{keys:?}");
        let known: Vec<&str> = PHASE_KEYS.into_iter().filter(|key| keys.contains(key)).collect();
        assert_eq!(in_order(&keys, &PHASE_KEYS), known, "{text}");
    }
    front
}

/// The keys that are known, in the order in which they stand.
fn in_order<'k>(keys: &[&'k str], known: &[&str]) -> Vec<&'k str> {
    keys.iter().filter(|key| known.contains(key)).copied().collect()
}

/// Replaces the session file as the Node server does, by renaming a file over it.
#[expect(clippy::disallowed_methods, reason = "the Node server writes as any program would")]
pub(super) fn replace(fixture: &Fixture, front: &Json) {
    let (_, body) = read(&fixture.session_file()).unwrap();
    let path = fixture.path(SESSION_FILE);
    let temp = path.with_extension("md.tmp.4712.1");
    fs_err::write(&temp, written(front, &body)).unwrap();
    fs_err::rename(&temp, &path).unwrap();
}

/// What the Node server does for `transition_phase`.
pub(super) struct Transition<'t> {
    pub(super) completed: i64,
    pub(super) next: Json,
    pub(super) files_created: &'t [&'t str],
    pub(super) warnings: &'t [&'t str],
    pub(super) tokens: i64,
    pub(super) now: &'t str,
}

impl Transition<'_> {
    /// Carries it out on the active session, without a look at statuses or blockers.
    pub(super) fn carry_out(&self, fixture: &Fixture) {
        let mut front = session(fixture);
        let now = || Json::Text(self.now.to_owned());
        let mut phases = front.get("phases").items().to_vec();
        for phase in &mut phases {
            if *phase.get("id") == Json::Number(self.completed) {
                phase.set("status", Json::Text("completed".to_owned()));
                phase.set("completed", now());
                let context = CONTEXT_KEYS.map(|key| {
                    let texts: &[&str] = if key == "warnings" { self.warnings } else { &[] };
                    (key.to_owned(), Json::texts(texts))
                });
                phase.set("downstream_context", Json::Object(context.to_vec()));
                phase.set("files_created", Json::texts(self.files_created));
                phase.set("files_modified", Json::List(Vec::new()));
                phase.set("files_deleted", Json::List(Vec::new()));
                let says_nothing = self.files_created.is_empty() && self.warnings.is_empty();
                phase.set("requires_reconciliation", Json::Bool(says_nothing));
            }
            if *phase.get("id") == self.next
                && *phase.get("status") == Json::Text("pending".to_owned())
            {
                phase.set("status", Json::Text("in_progress".to_owned()));
                phase.set("started", now());
            }
        }
        front.set("phases", Json::List(phases));
        front.set("current_phase", self.next.clone());
        let mut usage = front.get("token_usage").clone();
        let Json::Number(total) = *usage.get("total_input") else { panic!("no number") };
        usage.set("total_input", Json::Number(total + self.tokens));
        front.set("token_usage", usage);
        front.set("updated", now());
        replace(fixture, &front);
    }
}
