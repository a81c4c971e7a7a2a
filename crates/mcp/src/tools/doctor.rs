//! What is wrong with the state dir.

use maestro_session::{Finding, Remedy};
use schemars::JsonSchema;
use serde::Serialize;

use crate::context::Context;
use crate::error::ToolError;
use crate::tool::{Effect, Scope, Tool};
use crate::tools::status::NoArgs;

/// Says what is wrong with the state dir.
pub(crate) struct Doctor;

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DoctorAnswer {
    /// Whether nothing is wrong, or nothing that the next call does not put in order by itself.
    healthy: bool,
    /// Whether there is a state dir.
    initialised: bool,
    /// The state dir, relative to the workspace.
    state_dir: String,
    /// What is wrong, the most pressing first.
    findings: Vec<FindingAnswer>,
    /// What was set aside earlier, relative to the workspace.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    quarantine: Vec<String>,
    /// What to tell the user if something is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_hint: Option<&'static str>,
}

/// Something that is wrong.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FindingAnswer {
    /// The stable code for programs.
    code: &'static str,
    /// What is wrong.
    message: String,
    /// What lies behind it, the nearest first.
    because: Vec<String>,
    /// The file that it is about.
    path: Option<String>,
    /// Who puts it in order: the next call by itself (by_itself), `maestro doctor --fix` (by_repair), or a person (by_person).
    remedy: &'static str,
    /// What will be done about it, or what a person can do.
    advice: String,
}

impl From<Finding> for FindingAnswer {
    fn from(finding: Finding) -> Self {
        Self {
            code: finding.code,
            message: finding.message,
            because: finding.because,
            path: finding.path,
            remedy: match finding.remedy {
                Remedy::ByItself => "by_itself",
                Remedy::ByRepair => "by_repair",
                Remedy::ByPerson => "by_person",
            },
            advice: finding.advice,
        }
    }
}

impl Tool for Doctor {
    const NAME: &'static str = "run_doctor";
    const TITLE: &'static str = "Run doctor";
    const DESCRIPTION: &'static str = "Check the state dir and explain what is wrong: a damaged or missing session file, an interrupted archiving, journals, design gates, leftovers, totals. Use it when another \
        tool says that something is corrupt, missing or in conflict. Repairs nothing: that is for the user, with `maestro doctor --fix`.";
    const SCOPE: Scope = Scope::Workspace;
    const EFFECT: Effect = Effect::Reads;
    const EXAMPLE: &'static str = "{}";

    type Args = NoArgs;
    type Answer = DoctorAnswer;

    fn call(context: &mut Context<'_>, _: NoArgs) -> Result<DoctorAnswer, ToolError> {
        let diagnosis = context.whole_workspace()?.doctor(false, &mut |_, _| {})?;
        let has_repairs =
            diagnosis.findings.iter().any(|finding| finding.remedy == Remedy::ByRepair);
        Ok(DoctorAnswer {
            healthy: diagnosis.is_healthy(),
            initialised: diagnosis.initialised,
            state_dir: diagnosis.state_dir,
            findings: diagnosis.findings.into_iter().map(Into::into).collect(),
            quarantine: diagnosis.quarantine,
            recovery_hint: has_repairs.then_some(
                "tell the user; `maestro doctor --fix` repairs what needs no judgement, and deletes nothing",
            ),
        })
    }
}
