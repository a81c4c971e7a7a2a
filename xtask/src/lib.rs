//! The tasks of this repository, run with `cargo xtask <task>`.
//!
//! One module for each task. What decides is pure and tested here; what runs a program or reads a file is a thin shell
//! around it. Tasks print, because that is what they are for; they read neither the environment nor the arguments,
//! which `main` passes in.
//!
//! **Invariant:** this crate stays cheap to compile. A task that needs heavy dependencies becomes its own binary.
#![expect(clippy::print_stdout, reason = "what a task prints is its result")]

pub mod ci;
pub mod e2e;
pub mod failure;
pub mod fuzz;
pub mod metadata;
pub mod project;
pub mod tidy;

pub use crate::failure::Failure;
pub use crate::project::Project;
