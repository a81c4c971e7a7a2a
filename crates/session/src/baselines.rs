//! Remembering what phases left behind, in the journal.
//!
//! Owns which operations say something of files, what of it still holds, and what goes from one segment of the journal to the
//! next. What a record looks like is in `maestro_resume`; how files compare to it too.

use std::collections::{BTreeMap, BTreeSet};

use maestro_resume::{Baseline, Baselines, DocumentRecord, DocumentRecords, Survey};
use maestro_session_model::{
    Command, CommandError, PhaseId, PhaseStatus, RelPath, Session, SessionId, Timestamp, decide,
};
use maestro_state_store::journal::{History, Newest};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::documents::FoundDocument;
use crate::error::SessionError;
use crate::overtaken::{AGAIN_OF, again_of};
use crate::undo::{gone_of, target_of};
use crate::workspace::Workspace;

/// The member of a recorded command that says what the files of its phase were.
const BASELINE: &str = "baseline";

/// The member of a recorded creation that says what design and plan were.
pub(crate) const DOCUMENTS: &str = "documents";

/// How many records of a file are carried over that hold, and how many that do not: as often an undo can bring an older
/// one back after the operations themselves are forgotten.
const MAX_CARRIED_OF_A_FILE: usize = 8;

/// What a command takes, besides itself, from one segment of the journal to the next.
const CARRIED_MEMBERS: [&str; 6] = ["command", "phase", "undoes", AGAIN_OF, BASELINE, DOCUMENTS];

impl Workspace {
    /// Looks at the files of the phase that `command` ends, and returns what its record is to say of them; nothing for a
    /// command that is refused as the session stands, of which it reads no file.
    ///
    /// To be called before the lock is taken: it may have gigabytes to read. What the session says meanwhile of further
    /// files of the phase is not in it; those are compared by time.
    pub(crate) fn baseline_for(
        &self,
        command: &Command,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Option<Map<String, Value>> {
        if !ends_a_phase(command) {
            return Some(Map::new());
        }
        // Whatever is wrong with the session says the command itself.
        let document = self.read().ok()??;
        self.baseline_in(document.session(), command, progress).ok()
    }

    /// Does the same for `session`, which may be that of a workspace that is locked. Fails if the command is refused.
    pub(crate) fn baseline_in(
        &self,
        session: &Session,
        command: &Command,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Map<String, Value>, CommandError> {
        let files = self.files_to_record(session, command);
        let mut marks = Map::new();
        if files.is_empty() {
            return Ok(marks);
        }
        let taken = self.env.now();
        // Asked only whether it would be refused.
        drop(decide(session, command, &self.rules(command), taken)?);
        let dir = self.state_dir();
        let mut survey = Survey::new(dir.disk(), dir.workspace());
        let all = files.len();
        let mut found = Vec::with_capacity(all);
        progress(0, all);
        for path in files {
            let done = found.len();
            let state = survey.look(&path, |_| true, &mut || progress(done, all));
            found.push((path, state));
            progress(found.len(), all);
        }
        marks.insert(BASELINE.to_owned(), json!(Baseline::of(taken, found)));
        Ok(marks)
    }

    /// The files that are recorded when `command` is carried out: the whole manifest of a phase that ends well, what is added
    /// to that of one that had ended, the planned ones of a phase that is left half done.
    fn files_to_record(&self, session: &Session, command: &Command) -> BTreeSet<RelPath> {
        let to_path = |text: &String| self.relative(text).ok();
        match command {
            // Nobody has looked at the other files of its phase: what others did to them stays to be found.
            Command::Reconcile { handoff, .. } => handoff.files().cloned().collect(),
            Command::Complete { phase, handoff }
            | Command::Transition { phase: Some(phase), handoff, .. } => {
                let manifest = session.phase(phase).into_iter().flat_map(|phase| {
                    [&phase.files_created, &phase.files_modified, &phase.files_deleted]
                });
                manifest.flatten().filter_map(to_path).chain(handoff.files().cloned()).collect()
            }
            // What it did to files of phases before it, the user takes as it is.
            Command::Skip { phase, .. } => {
                let left = session.phase(phase).filter(|phase| phase.status == PhaseStatus::Failed);
                left.into_iter().flat_map(|left| &left.planned_files).filter_map(to_path).collect()
            }
            Command::Start { .. }
            | Command::Transition { phase: None, .. }
            | Command::Fail { .. }
            | Command::RecordError { .. }
            | Command::Retry { .. }
            | Command::Redelegate { .. }
            | Command::Adjust { .. }
            | Command::Configure { .. }
            | Command::Abort { .. } => BTreeSet::new(),
        }
    }

    /// Returns what is remembered of the files of a session. Reads the newest segment of its journal, of one that is
    /// damaged what is sound; a session without a journal has nothing.
    pub(crate) fn baselines(&self, id: &SessionId) -> Result<Baselines, SessionError> {
        let history = match self.store.recent_history(id, &|_| false) {
            Err(error) if error.code() == "CORRUPT" => self.store.sound_operations(id)?,
            history => history?,
        };
        Ok(history.map(|history| remembered(&history)).unwrap_or_default())
    }
}

/// Whether a command may leave files behind that are recorded with it.
fn ends_a_phase(command: &Command) -> bool {
    match command {
        Command::Complete { .. }
        | Command::Transition { phase: Some(_), .. }
        | Command::Reconcile { .. }
        | Command::Skip { .. } => true,
        // What a failed phase left is told by its plan and by times, until it is tried again or skipped.
        Command::Start { .. }
        | Command::Transition { phase: None, .. }
        | Command::Fail { .. }
        | Command::RecordError { .. }
        | Command::Retry { .. }
        | Command::Redelegate { .. }
        | Command::Adjust { .. }
        | Command::Configure { .. }
        | Command::Abort { .. } => false,
    }
}

/// What a recorded command says of files, for one that makes it again: its files are as they were at the first time.
pub(crate) fn recorded_with(command: &Value) -> Map<String, Value> {
    let baseline = command.get(BASELINE).map(|baseline| (BASELINE.to_owned(), baseline.clone()));
    baseline.into_iter().collect()
}

/// What the record of a creation says of design and plan.
pub(crate) fn documents_of(
    design: Option<(&RelPath, &FoundDocument)>,
    plan: Option<(&RelPath, &FoundDocument)>,
) -> Value {
    let record =
        |(path, document): (&RelPath, &FoundDocument)| DocumentRecord::of(path, &document.text);
    json!(DocumentRecords { design: design.map(record), plan: plan.map(record) })
}

/// Says what goes from one segment of a journal to the next. It is read by [`remembered`] in the place of the operations.
pub(crate) fn carry(history: &History) -> Option<Value> {
    let kept = pruned(said(history));
    (!kept.is_empty()).then(|| json!(kept))
}

/// What holds of everything that a journal says of files.
fn remembered(history: &History) -> Baselines {
    let said = said(history);
    let gone = gone_of(said.iter().map(Said::outline));
    let mut baselines = Baselines::default();
    for said in said.iter().filter(|said| !gone.contains_key(&said.op)) {
        if let Some(documents) = said.command.get(DOCUMENTS) {
            baselines.documents = DocumentRecords::deserialize(documents).unwrap_or_default();
        }
        if let Some((phase, baseline)) = said.phase().zip(said.baseline()) {
            baselines.add(&phase, said.time, baseline);
        }
    }
    baselines
}

/// An operation that says something of files, or whether another one that does still holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Said {
    seq: u64,
    op: Uuid,
    time: Timestamp,
    command: Value,
}

impl Said {
    /// What an operation says of files, if it took effect.
    fn by(operation: &Newest) -> Option<Self> {
        let record = &operation.record;
        let command = record.operation.command.as_object().filter(|_| !operation.abandoned)?;
        let says = command.contains_key(BASELINE)
            || command.contains_key(DOCUMENTS)
            || command.contains_key("undoes")
            || command.contains_key(AGAIN_OF);
        let members = CARRIED_MEMBERS
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), command.get(*name)?.clone())));
        says.then(|| Self {
            seq: record.seq,
            op: record.operation.id,
            time: record.operation.time,
            command: Value::Object(members.collect()),
        })
    }

    fn outline(&self) -> (u64, Uuid, &Value) {
        (self.seq, self.op, &self.command)
    }

    fn phase(&self) -> Option<PhaseId> {
        PhaseId::deserialize(self.command.get("phase")?).ok()
    }

    fn baseline(&self) -> Option<Baseline> {
        Baseline::read(self.command.get(BASELINE)?)
    }

    /// The operations that do not hold because of this one.
    fn targets(&self) -> impl Iterator<Item = Uuid> {
        target_of(&self.command).into_iter().chain(again_of(&self.command))
    }

    /// Whether it says something itself.
    fn says_something(&self) -> bool {
        self.command.get(BASELINE).is_some() || self.command.get(DOCUMENTS).is_some()
    }
}

/// Everything that a journal says of files, the oldest first: what was carried over, then its operations.
fn said(history: &History) -> Vec<Said> {
    let carried = history.carried().and_then(Value::as_array).into_iter().flatten();
    let mut said: Vec<Said> = carried.filter_map(|said| Said::deserialize(said).ok()).collect();
    let last = said.last().map_or(0, |said| said.seq);
    // The operation that a segment begins with is carried over as well.
    let operations = history.operations().iter().filter(|op| last < op.record.seq);
    said.extend(operations.filter_map(Said::by));
    said
}

/// Leaves out what nobody will ask for: records of a file that newer ones stand before, and undos of nothing that is kept.
fn pruned(mut said: Vec<Said>) -> Vec<Said> {
    let gone: BTreeSet<Uuid> = gone_of(said.iter().map(Said::outline)).into_keys().collect();
    let mut seen: BTreeMap<(bool, String), usize> = BTreeMap::new();
    for said in said.iter_mut().rev() {
        let is_gone = gone.contains(&said.op);
        let Some(baseline) = said.command.get_mut(BASELINE) else { continue };
        let Some(files) = baseline.get_mut("files").and_then(Value::as_array_mut) else { continue };
        files.retain(|file| {
            let Some(path) = file.get("path").and_then(Value::as_str) else { return false };
            let count = seen.entry((is_gone, path.to_owned())).or_default();
            *count += 1;
            *count <= MAX_CARRIED_OF_A_FILE
        });
        if files.is_empty()
            && let Some(fields) = said.command.as_object_mut()
        {
            fields.remove(BASELINE);
        }
    }
    let mut known = BTreeSet::new();
    said.retain(|said| {
        let is_kept = said.says_something() || said.targets().any(|target| known.contains(&target));
        if is_kept {
            known.insert(said.op);
        }
        is_kept
    });
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(seq: u64, command: Value) -> Said {
        let time = "2026-01-15T10:00:00Z".parse().unwrap();
        Said { seq, op: Uuid::from_u128(seq.into()), time, command }
    }

    fn ends(seq: u64, paths: &[&str]) -> Said {
        let files: Vec<Value> =
            paths.iter().map(|path| json!({ "path": path, "absent": true })).collect();
        let baseline = json!({ "taken": "2026-01-15T10:00:00Z", "files": files });
        said(seq, json!({ "command": "reconcile", "phase": 1, BASELINE: baseline }))
    }

    fn undoes(seq: u64, target: u64) -> Said {
        let target = Uuid::from_u128(target.into());
        said(seq, json!({ "command": "undo", "undoes": target }))
    }

    fn kept(all: Vec<Said>) -> Vec<u64> {
        pruned(all).iter().map(|said| said.seq).collect()
    }

    #[test]
    fn of_many_records_of_a_file_the_newest_are_carried_over() {
        let many: Vec<Said> = (1..=20).map(|seq| ends(seq, &["a"])).collect();
        assert_eq!(kept(many.clone()), (13..=20).collect::<Vec<_>>());
        // Those that do not hold are counted by themselves: they crowd nothing out.
        let mut undone = vec![ends(1, &["a"])];
        for seq in (2..40).step_by(2) {
            undone.extend([ends(seq, &["a"]), undoes(seq + 1, seq)]);
        }
        let left = kept(undone);
        assert_eq!(left.len(), 1 + 8 * 2, "{left:?}");
        assert_eq!(left[0], 1);
        // A record loses the files of which there are newer ones, and keeps the others.
        let mut mixed = vec![ends(0, &["a", "b"])];
        mixed.extend(many);
        let oldest = pruned(mixed).remove(0);
        let files = oldest.baseline().unwrap().files;
        assert_eq!(files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn undos_are_carried_over_as_long_as_what_they_undo_is() {
        let all = vec![
            undoes(5, 1),
            ends(6, &["a"]),
            undoes(7, 6),
            undoes(8, 7),
            undoes(9, 3),
            said(10, json!({ "command": "complete", AGAIN_OF: Uuid::from_u128(6) })),
        ];
        assert_eq!(kept(all), [6, 7, 8, 10]);
    }
}
