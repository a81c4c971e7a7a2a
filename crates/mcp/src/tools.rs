//! The tools, in the order in which clients see them: those of the Node server first, in its order, then ours.

use std::sync::LazyLock;

use crate::tool::Entry;

mod archive;
mod changed;
mod create;
mod doctor;
mod gate;
mod log;
mod next;
mod phase;
mod plan;
mod resume;
mod scan;
pub(crate) mod status;
mod transition;
mod update;
mod workspace;

/// The tools of the Node server that deliver its agents and skills, which are not ours.
const LEFT_OUT: [&str; 3] = ["get_skill_content", "get_agent", "get_runtime_context"];

/// Returns all tools.
pub(crate) fn entries() -> &'static [Entry] {
    static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
        vec![
            Entry::of::<workspace::Initialize>(),
            Entry::of::<plan::Assess>(),
            Entry::of::<plan::Validate>(),
            Entry::of::<workspace::Settings>(),
            Entry::of::<create::Create>(),
            Entry::of::<status::GetStatus>(),
            Entry::of::<update::Update>(),
            Entry::of::<transition::Transition>(),
            Entry::of::<archive::Archive>(),
            Entry::of::<gate::Enter>(),
            Entry::of::<gate::Approve>(),
            Entry::of::<gate::GetGate>(),
            Entry::of::<scan::Scan>(),
            Entry::of::<scan::Reconcile>(),
            Entry::of::<next::GetNext>(),
            Entry::of::<phase::Fail>(),
            Entry::of::<phase::Retry>(),
            Entry::of::<phase::Skip>(),
            Entry::of::<phase::Redelegate>(),
            Entry::of::<phase::Adjust>(),
            Entry::of::<phase::RecordError>(),
            Entry::of::<phase::Abort>(),
            Entry::of::<resume::GetReport>(),
            Entry::of::<log::GetLog>(),
            Entry::of::<log::Undo>(),
            Entry::of::<doctor::Doctor>(),
        ]
    });
    &ENTRIES
}

/// Whether a tool is one of the Node server's that this server does not have.
pub(crate) fn is_left_out(name: &str) -> bool {
    LEFT_OUT.contains(&name)
}
