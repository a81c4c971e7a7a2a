//! How the phases of a plan can be run.
//!
//! Owns the numbers that a person weighs before choosing to run phases side by side. Judges nothing.

use std::collections::BTreeMap;

use serde::Serialize;

use super::PhaseOutline;
use crate::PhaseId;
use crate::graph::PhaseOrder;

/// How the phases of a plan can be run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Profile {
    /// How many phases there are.
    pub total_phases: usize,
    /// For each phase the length of its longest chain of blockers.
    pub depths: BTreeMap<PhaseId, usize>,
    /// The phases of each depth.
    pub batches: Vec<Batch>,
    /// How many phases the largest batch has.
    pub max_batch_size: usize,
    /// How many phases share their batch with another one.
    pub parallel_eligible: usize,
    /// How many batches there are.
    pub effective_batches: usize,
    /// A longest chain of phases of which each waits for the one before.
    pub critical_path: Vec<PhaseId>,
}

/// The phases of one depth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Batch {
    /// The length of their longest chains of blockers.
    pub depth: usize,
    /// The phases, in the order of the plan.
    pub phase_ids: Vec<PhaseId>,
    /// Whether at least two of them are marked as parallel.
    pub parallel: bool,
}

impl Profile {
    pub(super) fn of(phases: &[PhaseOutline<'_>], order: &PhaseOrder<'_>) -> Self {
        let batches: Vec<Batch> = order
            .batches()
            .into_iter()
            .enumerate()
            .map(|(depth, positions)| Batch {
                depth,
                parallel: positions.iter().filter(|position| phases[**position].parallel).count()
                    > 1,
                phase_ids: positions
                    .into_iter()
                    .map(|position| phases[position].id.clone())
                    .collect(),
            })
            .collect();
        let sizes = || batches.iter().map(|batch| batch.phase_ids.len());
        let ids = phases.iter().map(|phase| phase.id.clone());
        Self {
            total_phases: phases.len(),
            depths: ids.zip(order.depths().iter().copied()).collect(),
            max_batch_size: sizes().max().unwrap_or(0),
            parallel_eligible: sizes().filter(|size| *size > 1).sum(),
            effective_batches: batches.len(),
            batches,
            critical_path: order.critical_path().into_iter().cloned().collect(),
        }
    }
}
