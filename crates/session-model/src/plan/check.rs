//! Whether a plan may be carried out.
//!
//! Owns the rules that phases must keep before a session starts and whenever one of them is adjusted. Says everything
//! that is wrong at once, and changes nothing.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::nearest::Suggestions;
use super::profile::Profile;
use super::{Plan, PlannedPhase};
use crate::graph::{Circle, PhaseGraph, PhaseOrder};
use crate::rules::{PlanRules, Strictness};
use crate::{AgentName, Phase, PhaseId, RelPath, Session, TaskComplexity, agent_key};

/// What the rules need to know of a phase, wherever it stands.
#[derive(Clone, Debug)]
pub struct PhaseOutline<'a> {
    /// The identity.
    pub id: &'a PhaseId,
    /// What the step is called.
    pub name: &'a str,
    /// Who carries it out.
    pub agents: Vec<&'a str>,
    /// Whether it may run beside others of its depth.
    pub parallel: bool,
    /// The phases that must be completed or skipped first.
    pub blocked_by: &'a [PhaseId],
    /// The files it owns.
    pub files: Vec<&'a str>,
    /// Whether its agents are to write files.
    pub writes: bool,
    /// The line of the plan in which it starts, if it comes from a plan.
    pub line: Option<usize>,
}

impl Plan {
    /// Returns what the rules need to know of each phase.
    pub fn outlines(&self) -> Vec<PhaseOutline<'_>> {
        self.phases.iter().map(PlannedPhase::outline).collect()
    }
}

impl PlannedPhase {
    /// Returns what the rules need to know of this phase.
    pub fn outline(&self) -> PhaseOutline<'_> {
        let files: Vec<&str> = self.planned_files().into_iter().map(RelPath::as_str).collect();
        PhaseOutline {
            id: &self.id,
            name: &self.name,
            agents: self.agents.iter().map(AgentName::as_str).collect(),
            parallel: self.parallel,
            blocked_by: &self.blocked_by,
            writes: !files.is_empty(),
            files,
            line: self.line,
        }
    }
}

/// Returns what the rules need to know of each phase of a session; a phase owns its planned files.
pub fn session_outlines(session: &Session) -> Vec<PhaseOutline<'_>> {
    session.phases.iter().map(phase_outline).collect()
}

fn phase_outline(phase: &Phase) -> PhaseOutline<'_> {
    PhaseOutline {
        id: &phase.id,
        name: &phase.name,
        agents: phase.agents.iter().map(String::as_str).collect(),
        parallel: phase.parallel,
        blocked_by: &phase.blocked_by,
        files: phase.planned_files.iter().map(String::as_str).collect(),
        writes: !phase.planned_files.is_empty(),
        line: None,
    }
}

/// What was found about a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanReport {
    /// What breaks a rule: phase by phase, then what concerns several.
    pub violations: Vec<Violation>,
    /// How the phases can be run; absent if their ids and blockers make no order.
    pub profile: Option<Profile>,
}

impl PlanReport {
    /// Whether no violation is an error.
    pub fn is_accepted(&self) -> bool {
        !self.violations.iter().any(Violation::is_error)
    }
}

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The rule.
    pub rule: PlanRule,
    /// Whether it keeps the plan from being accepted.
    pub severity: Severity,
    /// The phase that breaks it; of several, the later one.
    pub phase: Option<PhaseId>,
    /// The line of the plan in which that phase starts.
    pub line: Option<usize>,
    /// What is wrong, in one sentence without capital and full stop.
    pub message: String,
    /// What to do about it, likewise.
    pub hint: Option<String>,
}

impl Violation {
    /// Whether it keeps the plan from being accepted.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Whether a violation keeps a plan from being accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It does.
    Error,
    /// It does not.
    Warning,
}

/// The rules for plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PlanRule {
    /// There is at least one phase.
    NoPhases,
    /// A task has no more phases than one of its complexity may have.
    PhaseCount,
    /// A phase has a name.
    EmptyName,
    /// No two phases have one id.
    DuplicateId,
    /// Blockers are phases.
    DanglingBlocker,
    /// A phase does not wait for itself.
    SelfBlocker,
    /// Phases do not wait for each other.
    Cycle,
    /// Phases that may run at the same time own different files.
    FileOverlap,
    /// A phase names no blocker that it waits for anyway.
    RedundantBlocker,
    /// Someone carries a phase out.
    NoAgent,
    /// Disabled agents are not assigned.
    DisabledAgent,
    /// Agents are on the roster.
    UnknownAgent,
    /// Read-only agents get no files to write.
    ReadOnlyAgentWithFiles,
}

impl PlanRule {
    /// Returns the rule as the JSON output writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoPhases => "no_phases",
            Self::PhaseCount => "phase_count",
            Self::EmptyName => "empty_name",
            Self::DuplicateId => "duplicate_id",
            Self::DanglingBlocker => "dangling_blocker",
            Self::SelfBlocker => "self_blocker",
            Self::Cycle => "cycle",
            Self::FileOverlap => "file_overlap",
            Self::RedundantBlocker => "redundant_blocker",
            Self::NoAgent => "no_agent",
            Self::DisabledAgent => "disabled_agent",
            Self::UnknownAgent => "unknown_agent",
            Self::ReadOnlyAgentWithFiles => "read_only_agent_with_files",
        }
    }
}

impl fmt::Display for PlanRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Checks `phases` against the rules that every plan must keep and those that `rules` adds.
pub fn check(phases: &[PhaseOutline<'_>], rules: &PlanRules) -> PlanReport {
    check_for(phases, None, rules)
}

/// Checks `phases` like [`check`], and besides, if the task has a `complexity`, that they are not too many for it.
///
/// A session may have more phases than that: the number is for whoever is still planning.
pub fn check_for(
    phases: &[PhaseOutline<'_>],
    complexity: Option<TaskComplexity>,
    rules: &PlanRules,
) -> PlanReport {
    let graph = graph(phases);
    let mut check = Check { phases, rules, violations: Vec::new() };
    if let Some(complexity) = complexity {
        check.phase_count(complexity);
    }
    let order = check.what_must_be(&graph);
    if let Some(order) = &order {
        check.redundant_blockers(order);
    }
    let profile = order.map(|order| Profile::of(phases, &order));
    PlanReport { violations: check.violations, profile }
}

/// Returns the errors that [`check`] finds, without looking for what is no error anyway.
pub(crate) fn errors(phases: &[PhaseOutline<'_>], rules: &PlanRules) -> Vec<Violation> {
    let graph = graph(phases);
    let mut check = Check { phases, rules, violations: Vec::new() };
    check.what_must_be(&graph);
    check.violations.retain(Violation::is_error);
    check.violations
}

/// Returns the violation of an adjustment that takes away all agents of a phase: a plan may come without agents, but nobody
/// is dismissed without somebody in their place.
pub(crate) fn left_to_nobody(phase: &PhaseId) -> Violation {
    let (message, hint) = no_agent(phase);
    Violation {
        rule: PlanRule::NoAgent,
        severity: Severity::Error,
        phase: Some(phase.clone()),
        line: None,
        message,
        hint,
    }
}

fn no_agent(phase: &PhaseId) -> (String, Option<String>) {
    (format!("phase {phase} has no agent"), Some("name who carries it out".to_owned()))
}

fn graph<'a>(phases: &[PhaseOutline<'a>]) -> PhaseGraph<'a> {
    PhaseGraph::new(phases.iter().map(|phase| (phase.id, phase.blocked_by)))
}

struct Check<'c> {
    phases: &'c [PhaseOutline<'c>],
    rules: &'c PlanRules,
    violations: Vec<Violation>,
}

impl Check<'_> {
    fn report(
        &mut self,
        rule: PlanRule,
        position: Option<usize>,
        message: String,
        hint: Option<String>,
    ) {
        let lenient = self.rules.strictness == Strictness::Lenient;
        let severity = match rule {
            PlanRule::RedundantBlocker | PlanRule::NoAgent => Severity::Warning,
            PlanRule::UnknownAgent | PlanRule::ReadOnlyAgentWithFiles if lenient => {
                Severity::Warning
            }
            PlanRule::NoPhases
            | PlanRule::PhaseCount
            | PlanRule::EmptyName
            | PlanRule::DuplicateId
            | PlanRule::DanglingBlocker
            | PlanRule::SelfBlocker
            | PlanRule::Cycle
            | PlanRule::FileOverlap
            | PlanRule::DisabledAgent
            | PlanRule::UnknownAgent
            | PlanRule::ReadOnlyAgentWithFiles => Severity::Error,
        };
        let phase = position.map(|position| &self.phases[position]);
        self.violations.push(Violation {
            rule,
            severity,
            phase: phase.map(|phase| phase.id.clone()),
            line: phase.and_then(|phase| phase.line),
            message,
            hint,
        });
    }

    fn phase_count(&mut self, complexity: TaskComplexity) {
        const MOST_IF_SIMPLE: usize = 3;
        const MOST_IF_MEDIUM: usize = 5;
        let (name, most) = match complexity {
            TaskComplexity::Simple => ("simple", MOST_IF_SIMPLE),
            TaskComplexity::Medium => ("medium", MOST_IF_MEDIUM),
            TaskComplexity::Complex => return,
        };
        let phases = self.phases.len();
        if most < phases {
            let enough = if phases <= MOST_IF_MEDIUM { "medium" } else { "complex" };
            let message =
                format!("a {name} task has at most {most} phases, and this plan has {phases}");
            let hint = Some(format!("make one phase of several, or call the task {enough}"));
            self.report(PlanRule::PhaseCount, None, message, hint);
        }
    }

    /// Looks for everything that a plan must keep, and returns the order of the phases if their ids and blockers make one.
    fn what_must_be<'g>(&mut self, graph: &'g PhaseGraph<'g>) -> Option<PhaseOrder<'g>> {
        if self.phases.is_empty() {
            let message = "the plan has no phases".to_owned();
            let hint = Some("describe at least one phase".to_owned());
            self.report(PlanRule::NoPhases, None, message, hint);
        }
        self.each_phase(graph);
        let order = match graph.order() {
            Ok(order) => order,
            Err(error) => {
                self.circles(&error.circles);
                return None;
            }
        };
        let ids_are_sound = graph.duplicates().is_empty() && graph.dangling().is_empty();
        if !ids_are_sound || self.phases.is_empty() {
            return None;
        }
        self.shared_files(&order);
        Some(order)
    }

    fn each_phase(&mut self, graph: &PhaseGraph<'_>) {
        let mut suggestions =
            Suggestions::new(self.phases.iter().map(|phase| phase.id.to_string()));
        let mut agent_suggestions = self.agent_suggestions();
        let mut duplicates = graph.duplicates().iter().peekable();
        let mut dangling = graph.dangling().iter().peekable();
        let disabled: Vec<String> = self.rules.disabled_agents.iter().map(AgentName::key).collect();
        for (position, phase) in self.phases.iter().enumerate() {
            if phase.name.trim().is_empty() {
                let message = format!("phase {} has no name", phase.id);
                let hint = Some("say in a few words what the step is".to_owned());
                self.report(PlanRule::EmptyName, Some(position), message, hint);
            }
            if let Some(duplicate) = duplicates.next_if(|found| found.again == position) {
                let first = &self.phases[duplicate.first];
                let at = first.line.map(|line| format!(" in line {line}")).unwrap_or_default();
                let message = format!("the id {} is taken by another phase{at}", phase.id);
                let hint = Some("give each phase an id of its own; 1 and \"1\" are one id".into());
                self.report(PlanRule::DuplicateId, Some(position), message, hint);
            }
            if phase.blocked_by.contains(phase.id) {
                let message = format!("phase {} waits for itself", phase.id);
                let hint = Some("remove its own id from its blockers".to_owned());
                self.report(PlanRule::SelfBlocker, Some(position), message, hint);
            }
            while let Some(found) = dangling.next_if(|found| found.phase == position) {
                let blocker = found.blocker;
                let message = format!("phase {} waits for {blocker}, which is no phase", phase.id);
                let meant = suggestions.nearest(&blocker.to_string());
                let hint = match meant.filter(|meant| *meant != phase.id.to_string()) {
                    Some(meant) => format!("did you mean phase {meant}?"),
                    None => format!("the phases are {}", self.some_ids()),
                };
                let hint = Some(hint);
                self.report(PlanRule::DanglingBlocker, Some(position), message, hint);
            }
            self.agents(position, &disabled, &mut agent_suggestions);
        }
    }

    /// Lists the first ids, as many as a hint can show.
    fn some_ids(&self) -> String {
        const MOST_SHOWN: usize = 8;
        let ids = self.phases.iter().take(MOST_SHOWN).map(|phase| phase.id.to_string());
        let more = (self.phases.len() > MOST_SHOWN).then(|| "…".to_owned());
        ids.chain(more).collect::<Vec<_>>().join(", ")
    }

    fn agent_suggestions(&self) -> Option<Suggestions> {
        let roster = self.rules.roster.as_ref()?;
        Some(Suggestions::new(roster.names().map(ToString::to_string)))
    }

    fn agents(
        &mut self,
        position: usize,
        disabled: &[String],
        suggestions: &mut Option<Suggestions>,
    ) {
        let phase = &self.phases[position];
        if phase.agents.iter().all(|agent| agent.trim().is_empty()) {
            let (message, hint) = no_agent(phase.id);
            self.report(PlanRule::NoAgent, Some(position), message, hint);
            return;
        }
        let mut roles = Vec::new();
        for agent in &phase.agents {
            if disabled.contains(&agent_key(agent)) {
                let message =
                    format!("phase {} is given to `{agent}`, which is disabled", phase.id);
                let hint = "choose another agent, or take it out of MAESTRO_DISABLED_AGENTS";
                self.report(PlanRule::DisabledAgent, Some(position), message, Some(hint.into()));
            }
            if let (Some(roster), Some(suggestions)) = (&self.rules.roster, suggestions.as_mut()) {
                let role = roster.role(agent);
                if role.is_none() {
                    let message =
                        format!("phase {} is given to `{agent}`, which is no agent", phase.id);
                    let hint = match suggestions.nearest(agent) {
                        Some(name) => format!("did you mean `{name}`?"),
                        None => "choose an agent that the host has".to_owned(),
                    };
                    self.report(PlanRule::UnknownAgent, Some(position), message, Some(hint));
                }
                roles.push(role);
            }
        }
        // With a second agent that can write, the files are that one's.
        let nobody_writes =
            !roles.is_empty() && roles.iter().all(|role| role.is_some_and(|role| role.read_only));
        if phase.writes && nobody_writes {
            let names: Vec<String> =
                phase.agents.iter().map(|agent| format!("`{agent}`")).collect();
            let message = format!(
                "phase {} has files to write, but {} can only read",
                phase.id,
                names.join(" and ")
            );
            let hint = "let it report, and give the files to an agent that can write";
            self.report(
                PlanRule::ReadOnlyAgentWithFiles,
                Some(position),
                message,
                Some(hint.into()),
            );
        }
    }

    fn circles(&mut self, circles: &[Circle]) {
        let positions = self.phases.iter().enumerate().rev().map(|(at, phase)| (phase.id, at));
        let positions: BTreeMap<&PhaseId, usize> = positions.collect();
        // A circle of one is a phase that waits for itself, which has been said.
        for circle in circles.iter().filter(|circle| circle.phases.len() > 1) {
            let position = circle.phases.first().and_then(|id| positions.get(id)).copied();
            let message = format!("phases wait for each other in a circle: {circle}");
            let hint = Some("remove one of these blockers".to_owned());
            self.report(PlanRule::Cycle, position, message, hint);
        }
    }

    fn shared_files(&mut self, order: &PhaseOrder<'_>) {
        let mut owners: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (position, phase) in self.phases.iter().enumerate() {
            for file in &phase.files {
                // A session may hold what a person wrote by hand; what is no path is compared as it stands.
                let file = RelPath::parse(file)
                    .map_or_else(|_| (*file).to_owned(), |path| path.as_str().to_owned());
                owners.entry(file).or_default().push(position);
            }
        }
        let (files, owners): (Vec<String>, Vec<Vec<usize>>) =
            owners.into_iter().filter(|(_, owners)| owners.len() > 1).unzip();
        for pair in order.unordered_pairs(&owners) {
            let (one, other) = (self.phases[pair.one].id, self.phases[pair.other].id);
            let message = format!(
                "`{}` belongs to phases {one} and {other}, which may run at the same time",
                files[pair.file]
            );
            let hint = format!(
                "let one wait for the other (`Blocked by: {one}` in phase {other}), or give the file to one of them"
            );
            self.report(PlanRule::FileOverlap, Some(pair.other), message, Some(hint));
        }
    }

    fn redundant_blockers(&mut self, order: &PhaseOrder<'_>) {
        for found in order.redundant_blockers() {
            let id = |position: usize| self.phases[position].id;
            let (phase, blocker) = (id(found.phase), id(found.blocker));
            let message =
                format!("phase {phase} waits for {blocker} anyway, through {}", id(found.through));
            let hint = Some(format!("remove {blocker} from its blockers"));
            self.report(PlanRule::RedundantBlocker, Some(found.phase), message, hint);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_plan;
    use crate::rules::{AgentRole, Roster};

    fn no_rules() -> PlanRules {
        PlanRules { disabled_agents: Vec::new(), roster: None, strictness: Strictness::Normal }
    }

    fn roster() -> Roster {
        let agents = [("coder", false), ("technical-writer", false), ("architect", true)];
        let agents =
            agents.map(|(name, read_only)| (name.parse().unwrap(), AgentRole { read_only }));
        agents.into_iter().collect()
    }

    /// The phases of a plan in short: `id; name; agents; blockers; files; parallel`, one on a line.
    fn plan(lines: &str) -> Plan {
        let phase = |line: &str| {
            let fields: Vec<&str> = line.split(';').map(str::trim).collect();
            let list = |at: usize| format!("[{}]", fields.get(at).unwrap_or(&""));
            format!(
                "- {{id: {}, name: '{}', agents: {}, blocked_by: {}, files: {}, parallel: {}}}\n",
                fields[0],
                fields[1],
                list(2),
                list(3),
                list(4),
                fields.get(5).is_some()
            )
        };
        let phases: String = lines.lines().map(phase).collect();
        read_plan(&format!("---\nphases:\n{phases}---\n")).unwrap()
    }

    fn shown(report: &PlanReport) -> String {
        let show = |violation: &Violation| {
            let phase = violation.phase.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
            let line = violation.line.map(|line| format!(":{line}")).unwrap_or_default();
            let hint = violation.hint.as_deref().unwrap_or("-");
            let severity = if violation.is_error() { "error" } else { "warning" };
            format!("{severity} {}{phase}{line}: {}\n  {hint}\n", violation.rule, violation.message)
        };
        report.violations.iter().map(show).collect()
    }

    fn violations(lines: &str, rules: &PlanRules) -> String {
        shown(&check(&plan(lines).outlines(), rules))
    }

    #[test]
    fn a_sound_plan_is_accepted_and_profiled() {
        let plan = plan(
            "1; Types; coder; ; a.rs\n\
             2; Server; coder; 1; b.rs, a.rs; parallel\n\
             3; Client; coder; 1; c.rs; parallel\n\
             docs; Docs; coder; 3; c.rs",
        );
        let report = check(&plan.outlines(), &no_rules());
        assert!(report.is_accepted());
        let json = serde_json::to_string_pretty(&report).unwrap();
        insta::assert_snapshot!(json.replace("\n        ", " ").replace("\n      ", " "), @r#"
        {
          "violations": [],
          "profile": {
            "total_phases": 4,
            "depths": { "1": 0, "2": 1, "3": 1, "docs": 2
            },
            "batches": [ { "depth": 0, "phase_ids": [   1 ], "parallel": false }, { "depth": 1, "phase_ids": [   2,   3 ], "parallel": true }, { "depth": 2, "phase_ids": [   "docs" ], "parallel": false }
            ],
            "max_batch_size": 2,
            "parallel_eligible": 2,
            "effective_batches": 3,
            "critical_path": [ 1, 3, "docs"
            ]
          }
        }
        "#);
    }

    #[test]
    fn no_phases_are_no_plan() {
        let report = check(&[], &no_rules());
        assert!(!report.is_accepted() && report.profile.is_none());
        insta::assert_snapshot!(shown(&report), @"
        error no_phases: the plan has no phases
          describe at least one phase
        ");
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let wrong = "1; ; coder\n\
                     '1'; Again; coder\n\
                     3; Self; coder; 3\n\
                     review; Round; coder; 5, 9, Abut\n\
                     5; About; ; review";
        insta::assert_snapshot!(violations(wrong, &no_rules()), @r#"
        error empty_name 1:3: phase 1 has no name
          say in a few words what the step is
        error duplicate_id 1:4: the id 1 is taken by another phase in line 3
          give each phase an id of its own; 1 and "1" are one id
        error self_blocker 3:5: phase 3 waits for itself
          remove its own id from its blockers
        error dangling_blocker review:6: phase review waits for 9, which is no phase
          the phases are 1, 1, 3, review, 5
        error dangling_blocker review:6: phase review waits for Abut, which is no phase
          the phases are 1, 1, 3, review, 5
        warning no_agent 5:7: phase 5 has no agent
          name who carries it out
        error cycle review:6: phases wait for each other in a circle: review → 5 → review
          remove one of these blockers
        "#);
        assert!(check(&plan(wrong).outlines(), &no_rules()).profile.is_none());
    }

    #[test]
    fn two_phases_without_a_path_between_them_may_not_own_one_file() {
        let shared =
            "1; A; x; ; ./src/a.rs\n2; B; x; ; src//a.rs\n3; C; x; 1; src/a.rs\n4; D; x; 3; b";
        insta::assert_snapshot!(violations(shared, &no_rules()), @"
        error file_overlap 2:4: `src/a.rs` belongs to phases 1 and 2, which may run at the same time
          let one wait for the other (`Blocked by: 1` in phase 2), or give the file to one of them
        error file_overlap 3:5: `src/a.rs` belongs to phases 2 and 3, which may run at the same time
          let one wait for the other (`Blocked by: 2` in phase 3), or give the file to one of them
        ");
    }

    #[test]
    fn phases_with_a_path_between_them_may_own_one_file() {
        assert_eq!(
            violations("1; A; x; 3; a\n2; B; x; ; a, constructor\n3; C; x; 2; b", &no_rules()),
            ""
        );
    }

    #[test]
    fn a_blocker_that_comes_with_another_one_is_named_once_a_phase() {
        let plan = plan(
            "1; A; x\n2; B; x; 1\n3; C; x; 2\ndocs; D; x; 3, 2, 1\n5; E; x; 1, 3\n6; F; x; 3, 3",
        );
        let report = check(&plan.outlines(), &no_rules());
        insta::assert_snapshot!(shown(&report), @"
        warning redundant_blocker docs:6: phase docs waits for 2 anyway, through 3
          remove 2 from its blockers
        warning redundant_blocker 5:7: phase 5 waits for 1 anyway, through 3
          remove 1 from its blockers
        ");
        assert!(report.is_accepted());
        let strict = PlanRules { strictness: Strictness::Strict, ..no_rules() };
        assert!(check(&plan.outlines(), &strict).is_accepted());
    }

    #[test]
    fn without_an_order_no_blocker_is_redundant() {
        let rules = |lines: &str| {
            let report = check(&plan(lines).outlines(), &no_rules());
            report.violations.iter().map(|found| found.rule).collect::<Vec<_>>()
        };
        let redundant = "1; A; x\n2; B; x; 1\n3; C; x; 1, 2\n";
        assert_eq!(rules(redundant), [PlanRule::RedundantBlocker]);
        assert_eq!(rules(&format!("{redundant}2; D; x")), [PlanRule::DuplicateId]);
        assert_eq!(rules(&format!("{redundant}4; D; x; 9")), [PlanRule::DanglingBlocker]);
        assert_eq!(rules(&format!("{redundant}4; D; x; 4")), [PlanRule::SelfBlocker]);
    }

    #[test]
    fn a_task_has_as_many_phases_as_its_complexity_allows() {
        use TaskComplexity::{Complex, Medium, Simple};
        let check = |phases: usize, complexity| {
            let lines: Vec<String> = (1..=phases).map(|n| format!("{n}; A; x")).collect();
            check_for(&plan(&lines.join("\n")).outlines(), complexity, &no_rules())
        };
        let accepted = |phases, complexity| check(phases, complexity).is_accepted();
        assert!(accepted(3, Some(Simple)) && !accepted(4, Some(Simple)));
        assert!(accepted(5, Some(Medium)) && !accepted(6, Some(Medium)));
        assert!(accepted(60, Some(Complex)) && accepted(60, None));
        let hint = check(6, Some(Simple)).violations[0].hint.clone();
        assert_eq!(hint.as_deref(), Some("make one phase of several, or call the task complex"));
    }

    #[test]
    fn too_many_phases_are_said_first_and_the_plan_is_profiled_anyway() {
        let plan = plan("1; ; x\n2; B; x\n3; C; x\n4; D; x\n5; E; x");
        let report = check_for(&plan.outlines(), Some(TaskComplexity::Simple), &no_rules());
        insta::assert_snapshot!(shown(&report), @"
        error phase_count: a simple task has at most 3 phases, and this plan has 5
          make one phase of several, or call the task medium
        error empty_name 1:3: phase 1 has no name
          say in a few words what the step is
        ");
        assert!(report.profile.is_some());
    }

    #[test]
    fn the_errors_are_those_of_a_whole_check() {
        let wrong =
            plan("1; ; coder; ; a\n2; B; ; 1; b\n3; C; gardener; 1, 2; c\n4; D; coder; 1; b");
        let rules = PlanRules { roster: Some(roster()), ..no_rules() };
        let mut found = check(&wrong.outlines(), &rules).violations;
        found.retain(Violation::is_error);
        assert_eq!(errors(&wrong.outlines(), &rules), found);
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn a_missing_blocker_is_no_reason_to_complain_of_files() {
        let rules = no_rules();
        let report = check(&plan("1; A; x; ; a\n2; B; x; 7; a").outlines(), &rules);
        assert_eq!(report.violations.len(), 1, "{}", shown(&report));
    }

    #[test]
    fn a_disabled_agent_is_found_in_every_spelling() {
        let rules =
            PlanRules { disabled_agents: vec!["Technical_Writer".parse().unwrap()], ..no_rules() };
        insta::assert_snapshot!(violations("1; A; coder, technical-writer", &rules), @"
        error disabled_agent 1:3: phase 1 is given to `technical-writer`, which is disabled
          choose another agent, or take it out of MAESTRO_DISABLED_AGENTS
        ");
    }

    #[test]
    fn agents_are_on_the_roster_and_readers_get_no_files() {
        let phases = "1; A; codr; ; a.rs\n2; B; architect; ; b.rs\n3; C; Architect\n4; D; architect, Technical_Writer; ; d.rs\n5; E; architect, gardener; ; e.rs";
        let rules = PlanRules { roster: Some(roster()), ..no_rules() };
        insta::assert_snapshot!(violations(phases, &rules), @"
        error unknown_agent 1:3: phase 1 is given to `codr`, which is no agent
          did you mean `coder`?
        error read_only_agent_with_files 2:4: phase 2 has files to write, but `architect` can only read
          let it report, and give the files to an agent that can write
        error unknown_agent 5:7: phase 5 is given to `gardener`, which is no agent
          choose an agent that the host has
        ");
        let lenient = PlanRules { strictness: Strictness::Lenient, ..rules };
        let report = check(&plan(phases).outlines(), &lenient);
        assert_eq!((report.violations.len(), report.is_accepted()), (3, true));
        assert_eq!(violations(phases, &no_rules()), "");
    }

    #[test]
    fn a_session_is_checked_like_a_plan() {
        let id = |n| PhaseId::from_number(n).unwrap();
        let mut phases =
            [Phase::pending(id(1), "A".to_owned()), Phase::pending(id(2), "B".to_owned())];
        for (phase, spelling) in phases.iter_mut().zip(["./src/a.rs", "src//a.rs"]) {
            phase.agents.push("coder".to_owned());
            phase.planned_files = vec!["/no/path/of/ours".to_owned(), spelling.to_owned()];
        }
        let outlines: Vec<_> = phases.iter().map(phase_outline).collect();
        let report = check(&outlines, &no_rules());
        let rules: Vec<PlanRule> = report.violations.iter().map(|found| found.rule).collect();
        assert_eq!(rules, [PlanRule::FileOverlap, PlanRule::FileOverlap]);
        assert_eq!(report.violations[0].line, None);
    }

    #[test]
    fn a_rule_is_called_the_same_everywhere() {
        use PlanRule as R;
        for rule in [R::NoPhases, R::PhaseCount, R::RedundantBlocker, R::ReadOnlyAgentWithFiles] {
            assert_eq!(serde_json::to_string(&rule).unwrap(), format!("\"{rule}\""));
        }
    }

    /// Ten thousand phases with everything wrong about them, in a build that is not optimised.
    #[test]
    fn a_plan_full_of_slips_is_checked_in_one_pass() {
        let ids: Vec<PhaseId> =
            (0..10_000).map(|n| format!("phase-number-{n}").parse().unwrap()).collect();
        let blockers: Vec<Vec<PhaseId>> = (0..10_000)
            .map(|n: usize| vec![ids[n ^ 1].clone(), format!("fase-numbr-{n}").parse().unwrap()])
            .collect();
        let outlines: Vec<PhaseOutline<'_>> = ids
            .iter()
            .zip(&blockers)
            .map(|(id, blocked_by)| PhaseOutline {
                id,
                name: "",
                agents: vec!["codr"],
                parallel: true,
                blocked_by,
                files: vec!["a.rs"],
                writes: true,
                line: None,
            })
            .collect();
        let report = check(&outlines, &PlanRules { roster: Some(roster()), ..no_rules() });
        assert_eq!(report.violations.len(), 35_000);
    }
}
