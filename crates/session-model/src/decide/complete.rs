//! What is handed over at the end of a phase, and how it is recorded.

use std::collections::BTreeSet;

use super::{CommandError, Decider, resolve_errors};
use crate::body::{self, Delivery};
use crate::command::Handoff;
use crate::rules::Strictness;
use crate::session::{DownstreamContext, Phase, Session, TokenCounts, TokenUsage};
use crate::{PhaseEvent, PhaseId, RelPath};

pub(super) fn complete(
    decider: &Decider<'_>,
    after: &mut Session,
    id: &PhaseId,
    handoff: &Handoff,
    warnings: &mut Vec<String>,
) -> Result<String, CommandError> {
    let (index, status) = decider.guards.step(id, PhaseEvent::Complete)?;
    record_tokens(decider, after, index, handoff)?;
    let phase = &mut after.phases[index];
    record(phase, handoff);
    let has_files = [&phase.files_created, &phase.files_modified, &phase.files_deleted]
        .iter()
        .any(|files| !files.is_empty());
    let has_context = !phase.downstream_context.is_empty();
    let strictness = decider.rules.plan.strictness;
    let incomplete = match strictness {
        Strictness::Lenient | Strictness::Normal => has_files && !has_context,
        Strictness::Strict => !has_context,
    };
    if incomplete {
        let error = CommandError::HandoffIncomplete { phase: id.clone(), has_files };
        if strictness != Strictness::Lenient {
            return Err(error);
        }
        warnings.push(error.to_string());
    }
    if !has_files && !has_context {
        warnings.push(format!(
            "phase {id} says nothing of what it did and has to be reconciled before the session is archived"
        ));
    }
    for blocker in &handoff.blockers {
        warnings.push(format!("phase {id} reports a blocker: {blocker}"));
    }
    phase.requires_reconciliation = Some(!has_files && !has_context);
    phase.status = status;
    phase.completed = Some(decider.now);
    resolve_errors(phase, "phase completed");
    Ok(body::delivered(phase, &delivery(handoff), None))
}

pub(super) fn reconcile(
    decider: &Decider<'_>,
    after: &mut Session,
    id: &PhaseId,
    handoff: &Handoff,
    reason: Option<&str>,
) -> Result<String, CommandError> {
    let index = decider.guards.reconcilable(id)?;
    if handoff.is_empty() {
        return Err(CommandError::ReconciliationEmpty { phase: id.clone() });
    }
    record_tokens(decider, after, index, handoff)?;
    let phase = &mut after.phases[index];
    record(phase, handoff);
    phase.requires_reconciliation = Some(false);
    if let Some(reason) = reason {
        phase.reconciliation_reason = Some(reason.to_owned());
    }
    let reason = reason.unwrap_or("no reason given");
    Ok(body::delivered(phase, &delivery(handoff), Some(reason)))
}

/// Adds what was handed over to what is already recorded; nothing that an earlier handoff said is taken away.
fn record(phase: &mut Phase, handoff: &Handoff) {
    append_files(&mut phase.files_created, &handoff.files_created);
    append_files(&mut phase.files_modified, &handoff.files_modified);
    append_files(&mut phase.files_deleted, &handoff.files_deleted);
    let DownstreamContext {
        key_interfaces_introduced,
        patterns_established,
        integration_points,
        assumptions,
        warnings,
    } = &handoff.downstream_context;
    let context = &mut phase.downstream_context;
    append(&mut context.key_interfaces_introduced, key_interfaces_introduced);
    append(&mut context.patterns_established, patterns_established);
    append(&mut context.integration_points, integration_points);
    append(&mut context.assumptions, assumptions);
    append(&mut context.warnings, warnings);
}

fn append_files(list: &mut Vec<String>, new: &[RelPath]) {
    let new: Vec<String> = new.iter().map(ToString::to_string).collect();
    append(list, &new);
}

fn append(list: &mut Vec<String>, new: &[String]) {
    let mut there: BTreeSet<String> = list.iter().cloned().collect();
    for item in new {
        if there.insert(item.clone()) {
            list.push(item.clone());
        }
    }
}

fn record_tokens(
    decider: &Decider<'_>,
    after: &mut Session,
    index: usize,
    handoff: &Handoff,
) -> Result<(), CommandError> {
    let Some(tokens) = handoff.tokens else { return Ok(()) };
    let agent = decider.agent(index, handoff.agent.as_ref()).ok_or_else(|| {
        CommandError::AgentUnknown { phase: decider.session.phases[index].id.clone() }
    })?;
    count_tokens(&mut after.token_usage, &agent, tokens)
}

/// Adds tokens to an agent and to the totals.
///
/// Totals are the sums of the agents. Where a session brings totals that no agent accounts for (the Node server keeps no
/// agents), that remainder stays in them.
pub(super) fn count_tokens(
    usage: &mut TokenUsage,
    agent: &str,
    tokens: TokenCounts,
) -> Result<(), CommandError> {
    let TokenCounts { input, output, cached } = tokens;
    if cached > input {
        return Err(CommandError::CachedExceedsInput { input, cached });
    }
    let overflow = || CommandError::TokensOverflow { agent: agent.to_owned() };
    let add = |counter: &mut u64, more: u64| {
        *counter = counter.checked_add(more).ok_or_else(overflow)?;
        Ok(())
    };
    let counts = usage.by_agent.entry(agent.to_owned()).or_default();
    add(&mut counts.input, input)?;
    add(&mut counts.output, output)?;
    add(&mut counts.cached, cached)?;
    add(&mut usage.total_input, input)?;
    add(&mut usage.total_output, output)?;
    add(&mut usage.total_cached, cached)
}

fn delivery(handoff: &Handoff) -> Delivery<'_> {
    let names =
        |files: &'_ [RelPath]| -> Vec<String> { files.iter().map(ToString::to_string).collect() };
    Delivery {
        agent: handoff.agent.as_ref().map(crate::AgentName::as_str),
        output: handoff.output.as_deref(),
        created: names(&handoff.files_created),
        modified: names(&handoff.files_modified),
        deleted: names(&handoff.files_deleted),
        context: &handoff.downstream_context,
        blockers: &handoff.blockers,
        validation: handoff.validation.as_deref(),
    }
}
