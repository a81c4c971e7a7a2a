//! The MCP server of Maestro sessions.
//!
//! Serves every operation on a session over stdin and stdout, through the official Rust SDK. A tool reads its arguments, calls
//! one operation of [`maestro_session::Workspace`], and shows what comes back; no rule of a session is known here. The first
//! fourteen tools are those of the Node server, with its names, arguments, results and codes, so that its users can swap it; the others
//! are what it lacks. `docs/MCP.md` describes each.
//!
//! # Guarantees
//!
//! * Calls are carried out one after the other, in the order in which they came in, however many are under way.
//! * A call that is answered with success has survived whatever happens to the process afterwards. The process can be ended at
//!   any moment.
//! * Whatever comes in is answered, under its id if it has one: nothing is too long, too deep or too broken to be told so.
//! * What is advertised is what is checked: arguments are read by the types that their schemas are made of, and a wrong one is
//!   named by the way to it.
//! * When the input ends, everything that was asked is still answered, and then the server ends.
//! * Nothing but messages goes to stdout. Nothing is read from the process: clock, ids, environment and streams come in.
//!
//! # Limitations
//!
//! One client for each process, no batches of messages, no progress notifications. A call that has begun cannot be cancelled.
//!
//! ```
//! use std::io::Cursor;
//! use std::sync::Arc;
//!
//! use maestro_mcp::Server;
//! use maestro_session::Env;
//! use maestro_session::model::Timestamp;
//! use maestro_session::store::{Actor, ActorKind, Environment, Holder, OsDisk};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // In a program, `main` reads the clock and makes the ids.
//! let noon: Timestamp = "2026-01-15T12:00:00Z".parse()?;
//! let holder = Holder { pid: 1, host: "here".to_owned(), command: "example".to_owned(), started: noon };
//! let actor = Actor { kind: ActorKind::Mcp, name: None };
//! let env = Env::new(Environment::default(), actor, holder, move || noon, || uuid::Uuid::from_u128(1));
//!
//! let asks = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
//! let server = Server {
//!     env,
//!     cwd: std::path::PathBuf::from("/"),
//!     disk: Arc::new(OsDisk),
//!     stdin: Box::new(Cursor::new(asks)),
//!     stdout: Box::new(std::io::sink()),
//!     stderr: Box::new(std::io::sink()),
//! };
//! server.serve()?;
//! # Ok(())
//! # }
//! ```

mod serve;

mod protocol;

mod transport;

mod backlog;

mod handshake;

mod turn;

mod worker;

mod context;

mod place;

mod roots;

mod tool;

#[expect(
    clippy::doc_markdown,
    clippy::option_option,
    clippy::struct_field_names,
    reason = "arguments and results are as the wire has them, their descriptions are for models, and null is not absence"
)]
mod tools;

mod args;

mod phases;

mod schema;

mod error;

mod hint;

mod lines;

mod log;

mod request_id;

mod reference;

pub use crate::reference::{CODES, COMMON_ARGUMENTS, ToolReference, tools};
pub use crate::serve::Server;
