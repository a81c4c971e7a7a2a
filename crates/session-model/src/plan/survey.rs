//! A first look at a front matter, before it is read.
//!
//! Owns what keeps YAML by others from costing more than its length: the typed reader takes seconds for deep nesting,
//! and copies a value once for each alias of it. Also finds what that reader does not tell: keys that are there twice,
//! and the lines in which phases start. Knows nothing of types.

use std::collections::{BTreeMap, BTreeSet};

use granit_parser::{Event, Marker, Options, Parser};

use super::front_matter::FrontMatter;
use super::{MAX_PLAN_BYTES, PlanError};

/// What is known of a front matter before it is read.
#[derive(Default)]
pub(super) struct Survey {
    /// Whether it is a mapping: two rules with words between them look like a front matter too.
    pub(super) is_mapping: bool,
    /// The lines of the plan in which the entries of `phases` start.
    pub(super) phase_lines: Vec<usize>,
    open: Vec<Open>,
    /// What each anchor stands for, in bytes.
    anchored: BTreeMap<usize, usize>,
}

/// A collection that the survey is in.
struct Open {
    /// The keys so far, if it is a mapping.
    keys: Option<BTreeSet<String>>,
    /// The key whose value is next or being surveyed, in a mapping.
    key: Option<String>,
    /// Whether it is itself a key.
    is_key: bool,
    anchor: usize,
    /// What it holds, with aliases replaced by what they stand for.
    bytes: usize,
}

impl Survey {
    pub(super) fn of(matter: &FrontMatter) -> Result<Self, PlanError> {
        let mut options = Options::default();
        options.set_emit_comments(false);
        let mut survey = Self::default();
        let mut documents = 0;
        let line = |marker: &Marker| matter.line + marker.line().saturating_sub(1);
        for event in Parser::new_from_str_with_options(&matter.yaml, options) {
            let (event, span) = event.map_err(|error| PlanError::NotYaml {
                line: line(error.marker()),
                reason: error.info(),
            })?;
            let line = line(&span.start);
            match event {
                Event::Scalar(text, _, anchor, _) => {
                    let is_key = survey.enter(Some(&text), line)?;
                    survey.leave(is_key, anchor, text.len() + 1, line)?;
                }
                Event::Alias(id) => {
                    let is_key = survey.enter(None, line)?;
                    // What contains itself has no size yet, and would have none in the end.
                    let bytes = survey.anchored.get(&id).copied().unwrap_or(usize::MAX);
                    survey.leave(is_key, 0, bytes, line)?;
                }
                Event::SequenceStart(_, anchor, _) => survey.open(None, anchor, line)?,
                Event::MappingStart(_, anchor, _) => {
                    survey.is_mapping |= survey.open.is_empty();
                    survey.open(Some(BTreeSet::new()), anchor, line)?;
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    if let Some(closed) = survey.open.pop() {
                        survey.leave(closed.is_key, closed.anchor, closed.bytes, line)?;
                    }
                }
                Event::DocumentStart(..) if documents > 0 => {
                    let reason = "a second document starts here".to_owned();
                    return Err(PlanError::NotYaml { line, reason });
                }
                Event::DocumentStart(..) => documents += 1,
                _ => {}
            }
        }
        Ok(survey)
    }

    /// Notes that a value starts, and returns whether it is a key.
    fn enter(&mut self, text: Option<&str>, line: usize) -> Result<bool, PlanError> {
        if let [root, list] = self.open.as_slice()
            && root.key.as_deref() == Some("phases")
            && list.keys.is_none()
        {
            self.phase_lines.push(line);
        }
        let Some(Open { keys: Some(keys), key: key @ None, .. }) = self.open.last_mut() else {
            return Ok(false);
        };
        let name = text.unwrap_or("?").to_owned();
        if text.is_some() && !keys.insert(name.clone()) {
            return Err(PlanError::DuplicateKey { line, key: name });
        }
        *key = Some(name);
        Ok(true)
    }

    fn open(
        &mut self,
        keys: Option<BTreeSet<String>>,
        anchor: usize,
        line: usize,
    ) -> Result<(), PlanError> {
        let is_key = self.enter(None, line)?;
        self.open.push(Open { keys, key: None, is_key, anchor, bytes: 1 });
        Ok(())
    }

    /// Notes that a value has ended.
    fn leave(
        &mut self,
        was_key: bool,
        anchor: usize,
        bytes: usize,
        line: usize,
    ) -> Result<(), PlanError> {
        if anchor != 0 {
            self.anchored.insert(anchor, bytes);
        }
        if let Some(parent) = self.open.last_mut() {
            if !was_key {
                parent.key = None;
            }
            parent.bytes = parent.bytes.saturating_add(bytes);
            if parent.bytes > MAX_PLAN_BYTES {
                return Err(PlanError::TooManyAliases { line });
            }
        }
        Ok(())
    }
}
