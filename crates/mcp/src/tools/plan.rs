//! What is known before there is a session: how large the task is, and whether a plan may be carried out.

use std::collections::BTreeMap;

use maestro_session::check_phases_of_no_workspace;
use maestro_session::model::{PlanReport, Profile};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::args::{Complexity, Id, ids};
use crate::context::Context;
use crate::error::ToolError;
use crate::phases::{self, PhaseItem, PlanViolation, violation_of};
use crate::tool::{Effect, Scope, Tool};
use crate::tools::status::word;

/// Counts what there is in the workspace.
pub(crate) struct Assess;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AssessArgs {
    /// What the user asked for. It does not change the answer.
    #[serde(rename = "task_description")]
    _task_description: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Assessment {
    /// How many files there are. What git ignores does not count.
    file_count: usize,
    /// How deep they lie.
    directory_depth: usize,
    /// Whether there is a package.json.
    has_package_json: bool,
    /// Configuration files in the workspace itself.
    has_config_files: Vec<String>,
    /// Frameworks that its manifests name.
    frameworks_detected: Vec<String>,
    /// Whether there is a directory for tests.
    existing_test_infrastructure: bool,
    /// low, moderate or high.
    lines_of_code_estimate: String,
    /// Whether there are no files.
    repo_is_empty: bool,
    /// empty, small, medium or large.
    repo_size_estimate: String,
}

impl Tool for Assess {
    const NAME: &'static str = "assess_task_complexity";
    const TITLE: &'static str = "Assess task complexity";
    const DESCRIPTION: &'static str = "Count what there is in the workspace: files, depth, configuration, frameworks, tests. Use it before planning, to \
        judge whether a task is simple, medium or complex. The judgement itself is yours.";
    const SCOPE: Scope = Scope::Workspace;
    const EFFECT: Effect = Effect::Reads;
    const EXAMPLE: &'static str = r#"{"task_description": "Add rate limiting to the gateway"}"#;

    type Args = AssessArgs;
    type Answer = Assessment;

    fn call(context: &mut Context<'_>, _: AssessArgs) -> Result<Assessment, ToolError> {
        let found = context.whole_workspace()?.assess(&mut |_| {})?;
        Ok(Assessment {
            file_count: found.file_count,
            directory_depth: found.directory_depth,
            has_package_json: found.has_package_json,
            has_config_files: found.has_config_files,
            frameworks_detected: found.frameworks_detected,
            existing_test_infrastructure: found.existing_test_infrastructure,
            lines_of_code_estimate: word(&found.lines_of_code_estimate),
            repo_is_empty: found.repo_is_empty,
            repo_size_estimate: word(&found.repo_size_estimate),
        })
    }
}

/// Checks a plan, without making anything of it.
pub(crate) struct Validate;

/// The plan, for its schema: what is wrong with it is part of the answer.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct PlanArg {
    /// The phases, in their order.
    phases: Vec<PhaseItem>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ValidateArgs {
    /// The plan.
    #[schemars(with = "PlanArg")]
    plan: Value,
    /// How demanding the task is: a simple one has at most 3 phases, a medium one at most 5.
    task_complexity: Complexity,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Validated {
    /// Whether a session can be created of it: no violation is an error.
    valid: bool,
    /// What is wrong with it.
    violations: Vec<PlanViolation>,
    /// How its phases can run; null if they make no order.
    parallelization_profile: Option<ParallelizationProfile>,
}

/// How the phases of a plan can run.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ParallelizationProfile {
    /// How many phases there are.
    total_phases: usize,
    /// For each phase the length of its longest chain of blockers.
    depth_map: BTreeMap<String, usize>,
    /// The phases of each depth.
    batches: Vec<Batch>,
    /// How many phases the largest batch has.
    max_batch_size: usize,
    /// How many phases share their batch with another one.
    parallel_eligible: usize,
    /// How many batches there are.
    effective_batches: usize,
    /// A longest chain of phases of which each waits for the one before.
    critical_path: Vec<Id>,
}

/// The phases of one depth.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Batch {
    /// The length of their longest chains of blockers.
    depth: usize,
    /// The phases.
    phase_ids: Vec<Id>,
}

impl Tool for Validate {
    const NAME: &'static str = "validate_plan";
    const TITLE: &'static str = "Validate plan";
    const DESCRIPTION: &'static str = "Check an implementation plan before the user approves it: ids, blockers, cycles, agents, files that two phases would \
        write at the same time, number of phases. Says everything that is wrong at once, and how the phases can run side by \
        side. Creates nothing, and works without a workspace; with one, its roster of agents is used.";
    const SCOPE: Scope = Scope::Workspace;
    const EFFECT: Effect = Effect::Reads;
    const EXAMPLE: &'static str = r#"{"task_complexity": "medium", "plan": {"phases": [
        {"id": 1, "name": "Core bucket", "agent": "coder", "parallel": false, "blocked_by": [], "files": ["src/bucket.rs"]},
        {"id": 2, "name": "Tests", "agent": "tester", "parallel": false, "blocked_by": [1], "files": ["tests/bucket.rs"]}]}}"#;

    type Args = ValidateArgs;
    type Answer = Validated;

    fn call(context: &mut Context<'_>, args: ValidateArgs) -> Result<Validated, ToolError> {
        let Some(items) = args.plan.get("phases").and_then(Value::as_array) else {
            return Ok(refused(vec![PlanViolation {
                rule: "invalid_plan",
                detail: "plan must be an object with an array `phases`".to_owned(),
                severity: "error",
                phase_id: None,
                field: Some("phases".to_owned()),
                hint: None,
            }]));
        };
        let workspace = context.workspace_if_known()?;
        let phases = match phases::read(items, workspace.as_ref()) {
            Ok(phases) => phases,
            Err(violations) => return Ok(refused(violations)),
        };
        let complexity = Some(args.task_complexity.into());
        let report = if let Some(workspace) = workspace {
            workspace.check_phases(&phases, complexity)
        } else {
            let (environment, disk) = (&context.env().environment, context.disk().as_ref());
            check_phases_of_no_workspace(&phases, complexity, environment, disk)?
        };
        let valid = report.is_accepted();
        let PlanReport { violations, profile } = report;
        Ok(Validated {
            valid,
            violations: violations.iter().map(violation_of).collect(),
            parallelization_profile: profile.map(profile_of),
        })
    }
}

/// A plan whose phases cannot be read.
fn refused(violations: Vec<PlanViolation>) -> Validated {
    Validated { valid: false, violations, parallelization_profile: None }
}

fn profile_of(profile: Profile) -> ParallelizationProfile {
    let Profile {
        total_phases,
        depths,
        batches,
        max_batch_size,
        parallel_eligible,
        effective_batches,
        critical_path,
    } = profile;
    let batches = batches.into_iter();
    let batches =
        batches.map(|batch| Batch { depth: batch.depth, phase_ids: ids(&batch.phase_ids) });
    ParallelizationProfile {
        total_phases,
        depth_map: depths.into_iter().map(|(id, depth)| (id.to_string(), depth)).collect(),
        batches: batches.collect(),
        max_batch_size,
        parallel_eligible,
        effective_batches,
        critical_path: ids(&critical_path),
    }
}
