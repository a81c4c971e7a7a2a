//! What a client of the MCP server waits for: its start, a status, a transition.
//!
//! The server is this binary, called again, as `maestro mcp` would be; so is the empty process that its start is compared
//! with. What is measured is what a client sees, from the writing of a request to the reading of the whole answer.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command as Process, Stdio};
use std::sync::Arc;
use std::time::Duration;

use maestro_mcp::Server;
use maestro_state_store::OsDisk;
use xtask::Failure;

use super::{Bench, begun, env};
use crate::measure::{Bar, Floor, Row, alternate};

/// What the process is called that serves.
const SERVE: &str = "mcp";

/// What the process is called that does nothing.
const NOTHING: &str = "nothing";

/// A process takes a while, so that fewer of them must do.
const MAX_STARTS: usize = 100;

/// Measures what a client waits for.
pub(super) fn rows(bench: &Bench) -> Result<Vec<Row>, Failure> {
    let no_more = Bar { times: 2.0, plus: Duration::ZERO };
    let a_little_more = Bar { times: 2.0, plus: Duration::from_millis(1) };
    Ok(vec![
        start(bench)?,
        status(bench, 10)?,
        status(bench, 1_000)?,
        transition(bench, 10, no_more)?,
        transition(bench, 1_000, a_little_more)?,
    ])
}

/// From the start of the server to its first answer, against the life of an empty process.
fn start(bench: &Bench) -> Result<Row, Failure> {
    let folder = bench.scratch.join("mcp-start");
    drop(begun(&folder, 10)?);
    let empty = || {
        let mut process = process(NOTHING, &folder)?;
        process.wait().map(drop).map_err(Failure::from)
    };
    let first_answer = || {
        let mut client = Client::start(&folder)?;
        client.initialize()?;
        client.end()
    };
    let (low, ours) = alternate(bench.rounds.min(MAX_STARTS), empty, first_answer)?;
    Ok(Row {
        name: "MCP: start, first answer and end".to_owned(),
        floor: low.median,
        measured: Some(ours.median),
        bar: Some(Bar { times: 10.0, plus: Duration::ZERO }),
        kept: None,
    })
}

/// The status of a session that does not change, against the shortest answer there is.
fn status(bench: &Bench, phases: usize) -> Result<Row, Failure> {
    let folder = bench.scratch.join(format!("mcp-status-{phases}"));
    drop(begun(&folder, phases)?);
    let mut client = Client::start(&folder)?;
    client.initialize()?;
    let bytes = client.call("get_session_status", "{}")?.len();
    let mut other = Client::start(&folder)?;
    other.initialize()?;
    let ping = || other.request("ping", "{}").map(drop);
    let status = || client.call("get_session_status", "{}").map(drop);
    let (low, ours) = alternate(bench.rounds, ping, status)?;
    Ok(Row {
        name: format!("MCP: status, {phases} phases ({} kB)", bytes / 1_000),
        floor: low.median,
        measured: Some(ours.median),
        bar: Some(Bar { times: 0.0, plus: Duration::from_micros(500) }),
        kept: None,
    })
}

/// A transition of one phase, against the bare calls for a document of that size.
fn transition(bench: &Bench, phases: usize, bar: Bar) -> Result<Row, Failure> {
    let sessions = bench.rounds / (2 * phases) + 1;
    let mut clients = Vec::new();
    let mut size = 0;
    for i in 0..sessions {
        let folder = bench.scratch.join(format!("mcp-session-{phases}-{i}"));
        let workspace = begun(&folder, phases)?;
        size = fs_err::metadata(workspace.state_dir().active_session())?.len();
        let mut client = Client::start(&folder)?;
        client.initialize()?;
        client.call("get_session_status", "{}")?;
        clients.push(client);
    }
    let mut floor = Floor::new(&bench.scratch, usize::try_from(size).unwrap_or(usize::MAX))?;
    let mut done = 0;
    let step = || {
        let (session, step) = (done / (2 * phases), done % (2 * phases));
        done += 1;
        clients[session].call("transition_phase", &arguments(step)).map(drop)
    };
    let (low, ours) = alternate(bench.rounds, || floor.write(), step)?;
    Ok(Row {
        name: format!("MCP: transition, {phases} phases ({} kB)", size / 1_000),
        floor: low.median,
        measured: Some(ours.median),
        bar: Some(bar),
        kept: None,
    })
}

/// The arguments of a step: even ones start a phase, odd ones complete it.
fn arguments(step: usize) -> String {
    let phase = step / 2 + 1;
    if step.is_multiple_of(2) {
        return format!("{{\"next_phase_id\":{phase}}}");
    }
    format!(
        "{{\"completed_phase_id\":{phase},\"files_created\":[\"src/step_{step}.rs\"],\
         \"downstream_context\":{{\"key_interfaces_introduced\":[\"step_{step}(input: &str) -> Output\"]}}}}"
    )
}

/// A client with its server.
struct Client {
    server: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    line: String,
}

impl Client {
    fn start(folder: &Path) -> Result<Self, Failure> {
        let mut server = process(SERVE, folder)?;
        let none = || Failure::Found("bench: the server has no streams".to_owned());
        let stdout = server.stdout.take().ok_or_else(none)?;
        let stdin = server.stdin.take();
        let stdout = BufReader::with_capacity(1 << 20, stdout);
        Ok(Self { server, stdin, stdout, line: String::new() })
    }

    fn initialize(&mut self) -> Result<(), Failure> {
        let params = r#"{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}"#;
        let answer = self.request("initialize", params)?;
        if answer.contains(r#""protocolVersion""#) {
            return Ok(());
        }
        Err(Failure::Found(format!("bench: the server did not begin: {answer}")))
    }

    fn call(&mut self, tool: &str, arguments: &str) -> Result<&str, Failure> {
        let answer =
            self.request("tools/call", &format!(r#"{{"name":"{tool}","arguments":{arguments}}}"#))?;
        if answer.trim_end().ends_with(r#""isError":false}}"#) {
            return Ok(answer);
        }
        Err(Failure::Found(format!("bench: {tool} failed: {answer}")))
    }

    /// Sends a request in one piece, and reads the answer.
    fn request(&mut self, method: &str, params: &str) -> Result<&str, Failure> {
        let request = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{method}\",\"params\":{params}}}\n"
        );
        if let Some(stdin) = &mut self.stdin {
            stdin.write_all(request.as_bytes())?;
        }
        self.line.clear();
        self.stdout.read_line(&mut self.line)?;
        Ok(&self.line)
    }

    /// Ends the input, and waits for the server to end.
    fn end(mut self) -> Result<(), Failure> {
        drop(self.stdin.take());
        match self.server.wait()? {
            status if status.success() => Ok(()),
            status => Err(Failure::Found(format!("bench: the server ended with {status}"))),
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Ends the server, whose input this is.
        drop(self.stdin.take());
        drop(self.server.wait());
    }
}

fn process(work: &str, folder: &Path) -> io::Result<Child> {
    let mut process = Process::new(std::env::current_exe()?);
    process.args([super::WORKER, work]).arg(folder);
    process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
}

/// What one of the processes does; nothing where it is none of these.
pub(super) fn work(args: &[&str]) -> Option<Result<(), Failure>> {
    match args {
        [NOTHING, _] => Some(Ok(())),
        [SERVE, folder] => Some(serve(Path::new(folder))),
        _ => None,
    }
}

fn serve(folder: &Path) -> Result<(), Failure> {
    let server = Server {
        env: env(),
        cwd: folder.to_owned(),
        disk: Arc::new(OsDisk),
        stdin: Box::new(io::stdin()),
        stdout: Box::new(io::stdout()),
        stderr: Box::new(io::stderr()),
    };
    Ok(server.serve()?)
}
