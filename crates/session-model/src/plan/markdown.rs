//! The Markdown form of a plan.
//!
//! Owns which headings are phases and what the fields below them mean. A heading in a code block, a quote or a list is
//! no phase.

use super::blockers::{Blocker, KnownIds, split_blockers};
use super::front_matter::distinct;
use super::{PlanError, PlannedPhase};
use crate::id::excerpt;
use crate::markdown::{
    Block, BlockKind, Field, FieldKind, Lines, Listed, Named, Part, Place, fields, label,
    listed_files, means_nothing, outline, simplified, top_level, without_note,
};
use crate::{AgentName, PhaseId, PhaseStatus, RelPath};

/// Reads the title and the phases of `body`, which starts in `first_line` of the plan.
pub(super) fn read(
    body: &str,
    first_line: usize,
) -> Result<(Option<String>, Vec<PlannedPhase>), PlanError> {
    let blocks = outline(body);
    let reader = Reader { lines: Lines::new(body), first_line };
    let title = blocks.iter().find_map(|block| match &block.kind {
        BlockKind::Heading { level: 1, plain, .. } if block.is_structure() => Some(plain.trim()),
        _ => None,
    });
    let mut phases = Vec::new();
    let mut waiting = Vec::new();
    for heading in phase_headings(&blocks) {
        let section = &blocks[heading.at + 1..section_end(&blocks, &heading)];
        let (phase, blockers) = reader.phase(&heading, &blocks[heading.at], section)?;
        phases.push(phase);
        waiting.push(blockers);
    }
    let mut known = KnownIds::new(phases.iter().map(|phase| phase.id.clone()));
    for (phase, blockers) in phases.iter_mut().zip(waiting) {
        let mut ids = Vec::new();
        for blocker in blockers {
            known.meant_by(&blocker, &mut ids)?;
        }
        phase.blocked_by = distinct(ids.into_iter());
    }
    Ok((title.filter(|title| !title.is_empty()).map(str::to_owned), phases))
}

/// A heading that starts a phase.
struct PhaseHeading<'a> {
    /// Its place among the blocks.
    at: usize,
    level: usize,
    id: &'a str,
    name: &'a str,
}

/// Finds the headings of the phases, which all have one level.
///
/// Where two levels have such headings, the one with numbered phases wins, and then the higher one: `## Phase overview:
/// three steps` may stand above `### Phase 1: Types`, and `### Phase 1 notes` below `## Phase 1: Types`.
fn phase_headings<'a>(blocks: &'a [Block<'a>]) -> Vec<PhaseHeading<'a>> {
    let headings = blocks.iter().enumerate().filter(|(_, block)| block.is_structure());
    let mut headings: Vec<PhaseHeading<'_>> = headings
        .filter_map(|(at, block)| match &block.kind {
            BlockKind::Heading { level: level @ (2 | 3), plain, .. } => {
                let (id, name) = id_and_name(plain)?;
                Some(PhaseHeading { at, level: *level, id, name })
            }
            _ => None,
        })
        .collect();
    let rank = |heading: &PhaseHeading<'_>| (!is_numbered(heading.id), heading.level);
    if let Some((_, level)) = headings.iter().map(rank).min() {
        headings.retain(|heading| heading.level == level);
    }
    headings
}

fn is_numbered(id: &str) -> bool {
    id.starts_with(|c: char| c.is_ascii_digit())
}

/// Splits `Phase 1: name`, `Phase 1 - name`, `Phase review: name` and `Phase 1 name`.
fn id_and_name(heading: &str) -> Option<(&str, &str)> {
    const WORD: &str = "phase";
    let heading = heading.trim_start_matches(|c: char| !c.is_alphanumeric());
    let word = heading.get(..WORD.len()).filter(|word| word.eq_ignore_ascii_case(WORD))?;
    let after_word = &heading[word.len()..];
    let rest = after_word.trim_start_matches(|c: char| c.is_whitespace() || c == '#');
    if rest.len() == after_word.len() || rest.is_empty() {
        return None;
    }
    let sign = |rest: &str| {
        let signs = [":", " - ", " – ", " — ", "—"];
        signs.into_iter().find(|sign| rest.starts_with(sign)).map(str::len)
    };
    let (first, after_first) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let pieces = top_level(rest, 2, sign);
    let (id, name) = match pieces.as_slice() {
        [id, name] if !id.trim().contains(char::is_whitespace) => (*id, *name),
        // "Phase 1 of 3: name"
        [of, name] if is_numbered(first) && of[first.len()..].trim_start().starts_with("of ") => {
            (first, *name)
        }
        _ if is_numbered(first) => (first, after_first),
        _ => return None,
    };
    let id = id.trim_matches(|c: char| c.is_whitespace() || "[]<>()`*#.".contains(c));
    (!id.is_empty()).then(|| (id, without_mark(name)))
}

/// Takes the mark of a status off the end of a name, and signs such as ✅.
fn without_mark(name: &str) -> &str {
    let mut name = name.trim();
    for status in PhaseStatus::ALL {
        name = name.strip_suffix(status.mark()).unwrap_or(name);
    }
    let is_sign = |c: char| !c.is_ascii() && !c.is_alphanumeric() && !"”’»…）】」".contains(c);
    name.trim_end_matches(|c: char| c.is_whitespace() || is_sign(c))
}

/// Returns the place of the first block that is no longer part of a phase.
fn section_end(blocks: &[Block<'_>], heading: &PhaseHeading<'_>) -> usize {
    // A rule right below "Blocked by: Phase 1" makes a heading of it.
    let by_accident = |block: &Block<'_>| block.text.lines().any(|line| label(line).is_some());
    let ends = |block: &Block<'_>| match block.kind {
        BlockKind::Heading { level, underlined, .. } => {
            let meant = !(underlined && level == 2 && by_accident(block));
            level <= heading.level && block.is_structure() && meant
        }
        BlockKind::Text | BlockKind::Code(_) => false,
    };
    let after = heading.at + 1;
    blocks[after..].iter().position(ends).map_or(blocks.len(), |steps| after + steps)
}

/// What a field of a phase says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Agents,
    Parallel,
    Create,
    Modify,
    Delete,
    /// The phases that it waits for, and those that wait for it.
    Dependencies,
    BlockedBy,
    /// Something for the agent in its own words.
    Text,
    /// Anything else.
    Other,
}

impl FieldKind for Key {
    fn is_prose(self) -> bool {
        self == Self::Text
    }
}

fn key(name: &str, is_heading: bool) -> Option<Key> {
    Some(match simplified(name).as_str() {
        "agent" | "agents" | "assigned agent" | "assigned agents" => Key::Agents,
        "parallel" | "parallelizable" => Key::Parallel,
        "files to create" | "files created" | "new files" => Key::Create,
        "files"
        | "planned files"
        | "files to modify"
        | "files modified"
        | "files to change"
        | "files to edit"
        | "files to update"
        | "files to create modify" => Key::Modify,
        "files to delete" | "files deleted" | "files to remove" => Key::Delete,
        "dependencies" | "dependency" => Key::Dependencies,
        "blocked by" | "depends on" | "blockers" => Key::BlockedBy,
        "objective" | "validation" | "implementation details" => Key::Text,
        "blocks" => Key::Other,
        _ if is_heading => Key::Other,
        _ => return None,
    })
}

struct Reader {
    lines: Lines,
    first_line: usize,
}

impl Reader {
    fn line(&self, offset: usize) -> usize {
        self.first_line + self.lines.of(offset) - 1
    }

    fn phase<'a>(
        &self,
        heading: &PhaseHeading<'_>,
        block: &Block<'_>,
        section: &'a [Block<'a>],
    ) -> Result<(PlannedPhase, Vec<Blocker<'a>>), PlanError> {
        let line = self.line(block.offset);
        let id: PhaseId = heading.id.parse().map_err(|source| PlanError::Id {
            line,
            field: "Phase".to_owned(),
            source,
        })?;
        let mut phase = PlannedPhase {
            id,
            name: heading.name.to_owned(),
            agents: Vec::new(),
            parallel: false,
            blocked_by: Vec::new(),
            files_to_create: Vec::new(),
            files_to_modify: Vec::new(),
            files_to_delete: Vec::new(),
            line: Some(line),
        };
        let mut blockers = Vec::new();
        let (fields, _) = fields(section, key);
        for field in &fields {
            match field.kind {
                Some(Key::Agents) => self.agents(field, &mut phase.agents)?,
                Some(Key::Parallel) => phase.parallel = self.parallel(field)?,
                Some(Key::Create) => self.files(field, &mut phase.files_to_create)?,
                Some(Key::Modify) => self.files(field, &mut phase.files_to_modify)?,
                Some(Key::Delete) => self.files(field, &mut phase.files_to_delete)?,
                Some(Key::Dependencies) => self.dependencies(field, &mut blockers),
                Some(Key::BlockedBy) => self.blocked_by(field, &mut blockers),
                Some(Key::Text | Key::Other) | None => {}
            }
        }
        Ok((
            PlannedPhase {
                agents: distinct(phase.agents.into_iter()),
                files_to_create: distinct(phase.files_to_create.into_iter()),
                files_to_modify: distinct(phase.files_to_modify.into_iter()),
                files_to_delete: distinct(phase.files_to_delete.into_iter()),
                ..phase
            },
            blockers,
        ))
    }

    fn agents(&self, field: &Field<'_, Key>, agents: &mut Vec<AgentName>) -> Result<(), PlanError> {
        for part in values(field) {
            let text = without_note(part.text.trim_matches(['[', ']', '<', '>']));
            let sign = |rest: &str| {
                let signs = [",", ";", "/", "+", "&", " and "];
                signs.into_iter().find(|sign| rest.starts_with(sign)).map(str::len)
            };
            for name in top_level(text, usize::MAX, sign) {
                let name = name.split(" (").next().unwrap_or(name);
                let name = name.trim().trim_matches(['`', '*', '"', '\'', '@', '[', ']']);
                if means_nothing(name) {
                    continue;
                }
                let agent = name.parse().map_err(|source| PlanError::Id {
                    line: self.line(part.offset),
                    field: field.name.to_owned(),
                    source,
                })?;
                agents.push(agent);
            }
        }
        Ok(())
    }

    fn parallel(&self, field: &Field<'_, Key>) -> Result<bool, PlanError> {
        let Some(part) = values(field).next() else {
            return Ok(false);
        };
        let answer = part.text.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty());
        match answer.unwrap_or_default().to_lowercase().as_str() {
            "yes" | "true" | "y" => Ok(true),
            "no" | "false" | "n" => Ok(false),
            _ if means_nothing(part.text) => Ok(false),
            _ => Err(PlanError::Value {
                line: self.line(part.offset),
                field: field.name.to_owned(),
                found: excerpt(part.text),
                expected: "`Yes` or `No`",
            }),
        }
    }

    fn files(&self, field: &Field<'_, Key>, files: &mut Vec<RelPath>) -> Result<(), PlanError> {
        let is_other = |name: &str| {
            let lists_files = |key| matches!(key, Key::Create | Key::Modify | Key::Delete);
            key(name, false).is_some_and(|key| !lists_files(key))
        };
        for (offset, listed) in listed_files(&field.parts, is_other) {
            let line = self.line(offset);
            let field = || field.name.to_owned();
            match listed {
                Listed::Named(Named::File(path)) => {
                    let path = RelPath::parse(path);
                    files.push(path.map_err(|source| PlanError::Path {
                        line,
                        field: field(),
                        source,
                    })?);
                }
                // "Various legacy files" names none, and nobody can own it.
                Listed::Named(Named::Unclear(_)) => {}
                Listed::Field(text) => {
                    return Err(PlanError::Value {
                        line,
                        field: field(),
                        found: excerpt(text),
                        expected: "the path of a file",
                    });
                }
            }
        }
        Ok(())
    }

    fn blocked_by<'a>(&self, field: &Field<'a, Key>, blockers: &mut Vec<Blocker<'a>>) {
        for part in values(field) {
            self.push_blockers(field.name, part, part.text, blockers);
        }
    }

    /// Reads `- Blocked by: 1` and `- Blocks: 3`, and phases that stand there without either.
    fn dependencies<'a>(&self, field: &Field<'a, Key>, blockers: &mut Vec<Blocker<'a>>) {
        let mut waits = false;
        // Whether the value of "Blocked by:" is still to come.
        let mut is_open = false;
        for part in field.parts.iter().filter(|part| part.place != Place::Code) {
            waits &= is_open || part.place == Place::Detail;
            for line in part.text.lines() {
                match label(line).map(|(name, value)| (name, key(name, false), value)) {
                    Some((name, Some(Key::BlockedBy), value)) => {
                        waits = true;
                        is_open = value.is_empty();
                        self.push_blockers(name, part, value, blockers);
                    }
                    Some((_, Some(_), _)) => waits = false,
                    // A dependency may also be a library.
                    _ if waits || (part.place != Place::Detail && names_phases(line)) => {
                        is_open &= part.place != Place::Detail;
                        self.push_blockers(field.name, part, line, blockers);
                    }
                    _ => {}
                }
            }
        }
    }

    fn push_blockers<'a>(
        &self,
        field: &'a str,
        part: &Part<'a>,
        text: &'a str,
        blockers: &mut Vec<Blocker<'a>>,
    ) {
        let line = self.line(part.offset);
        blockers.extend(split_blockers(text).map(|text| Blocker { field, line, text }));
    }
}

/// Returns the parts that are the value of a field, without those that only comment on it.
fn values<'f, 'a>(field: &'f Field<'a, Key>) -> impl Iterator<Item = &'f Part<'a>> {
    let is_value = |(at, part): (usize, &'f Part<'a>)| match part.place {
        Place::Line | Place::Item => Some(part),
        Place::Paragraph => (at == 0).then_some(part),
        Place::Detail | Place::Code => None,
    };
    field.parts.iter().enumerate().filter_map(is_value)
}

fn names_phases(line: &str) -> bool {
    let line = line.trim_start_matches(|c: char| !c.is_alphanumeric());
    let word = line.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    word.eq_ignore_ascii_case("phase")
        || word.eq_ignore_ascii_case("phases")
        || (!word.is_empty() && line.chars().all(|c| c.is_ascii_digit() || " ,[]".contains(c)))
}
