//! A server in a thread, a client that speaks to it, and a workspace of its own for each test.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, UNIX_EPOCH};

use maestro_mcp::Server;
use maestro_session::Env;
use maestro_session::model::Timestamp;
use maestro_session::store::{Actor, ActorKind, Environment, Holder, OsDisk};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// How long a test waits for an answer before it calls it missing.
const PATIENCE: Duration = Duration::from_secs(30);

/// The session of most tests.
pub(crate) const SESSION: &str = "2026-01-15-rate-limiter";

/// A directory that is the workspace, and what a server in it knows of the world.
pub(crate) struct Fixture {
    dir: tempfile::TempDir,
    variables: BTreeMap<String, String>,
    /// Where servers are started, relative to the root.
    cwd: PathBuf,
    seconds: Arc<AtomicU64>,
    ids: Arc<AtomicU64>,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            variables: BTreeMap::new(),
            cwd: PathBuf::from("app"),
            // 2026-01-15T10:00:00Z
            seconds: Arc::new(AtomicU64::new(1_768_471_200)),
            ids: Arc::new(AtomicU64::new(1)),
        }
        .having("app/README.md", "# App\n")
    }

    /// Sets a variable for the servers to come.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Starts the servers to come in another directory, relative to the root.
    pub(crate) fn started_in(mut self, cwd: &str) -> Self {
        self.cwd = PathBuf::from(cwd);
        fs_err::create_dir_all(self.root().join(cwd)).unwrap();
        self
    }

    pub(crate) fn having(self, name: &str, text: &str) -> Self {
        self.write(name, text);
        self
    }

    /// The directory around the workspace, without links.
    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap()
    }

    /// The workspace.
    pub(crate) fn app(&self) -> PathBuf {
        self.root().join("app")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    #[expect(clippy::disallowed_methods, reason = "a test writes files as any program would")]
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs_err::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn session_file(&self) -> String {
        self.text("app/docs/maestro/state/active-session.md")
    }

    /// Every file below the root with what is in it, but for the lock's holder.
    pub(crate) fn snapshot(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut open = vec![self.root()];
        while let Some(dir) = open.pop() {
            for entry in fs_err::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && !path.is_symlink() {
                    open.push(path);
                } else if !path.ends_with("lock.holder") {
                    let bytes = fs_err::read(&path).unwrap_or_default();
                    found.insert(path, bytes);
                }
            }
        }
        found
    }

    /// What a process here knows. Its clock goes on by a second with each look, its ids count.
    pub(crate) fn env(&self) -> Env {
        let (seconds, ids) = (Arc::clone(&self.seconds), Arc::clone(&self.ids));
        let clock = move || {
            let seconds = seconds.fetch_add(1, Ordering::Relaxed);
            Timestamp::from(UNIX_EPOCH + Duration::from_secs(seconds))
        };
        let holder = Holder {
            pid: 4711,
            host: "test".to_owned(),
            command: "maestro mcp".to_owned(),
            started: Timestamp::from(UNIX_EPOCH),
        };
        let actor = Actor { kind: ActorKind::Mcp, name: Some("tester".to_owned()) };
        let environment = Environment::from(self.variables.clone());
        let ids = move || Uuid::from_u128(ids.fetch_add(1, Ordering::Relaxed).into());
        Env::new(environment, actor, holder, clock, ids)
    }

    /// Calls a tool that must fail, and must change no byte on disk.
    pub(crate) fn refused(&self, client: &mut Client, tool: &str, arguments: Value) -> Called {
        let before = self.snapshot();
        let called = client.call(tool, arguments);
        assert!(called.is_error, "{tool}: {called}");
        assert!(self.snapshot() == before, "{tool} changed something: {called}");
        called
    }

    /// Starts a server and speaks to it, without any handshake.
    pub(crate) fn connect(&self) -> Client {
        Client::of(self.env(), self.root().join(&self.cwd), self.root())
    }

    /// Starts a server and shakes hands with it.
    pub(crate) fn client(&self) -> Client {
        let mut client = self.connect();
        client.initialize("2025-06-18", &json!({}));
        client
    }

    /// Does the same, with the workspace initialised.
    pub(crate) fn ready(&self) -> Client {
        let mut client = self.client();
        client.ok("initialize_workspace", json!({ "workspace_path": self.app() }));
        client
    }

    /// Does the same, with a session of four phases, of which the first is in progress.
    pub(crate) fn begun(&self) -> Client {
        let mut client = self.ready();
        client.ok("create_session", create(SESSION));
        client
    }
}

/// The arguments that create a session: two phases that may run beside each other between a first and a last one.
pub(crate) fn create(session_id: &str) -> Value {
    json!({
        "session_id": session_id,
        "task": "Add a token bucket rate limiter",
        "phases": [
            phase(&json!(1), "Core bucket", "coder", false, &json!([]), &["src/bucket.rs"]),
            phase(&json!(2), "HTTP middleware", "coder", true, &json!([1]), &["src/mw.rs"]),
            phase(&json!(3), "Docs", "technical-writer", true, &json!([1]), &["docs/limits.md"]),
            phase(&json!("review"), "Review", "code-reviewer", false, &json!([2, 3]), &[]),
        ],
    })
}

pub(crate) fn phase(
    id: &Value,
    name: &str,
    agent: &str,
    parallel: bool,
    blocked_by: &Value,
    files: &[&str],
) -> Value {
    json!({
        "id": id, "name": name, "agent": agent, "parallel": parallel, "blocked_by": blocked_by, "files": files,
    })
}

/// A client, and the server that it speaks to.
pub(crate) struct Client {
    to_server: Option<Sender<Vec<u8>>>,
    from_server: Receiver<Vec<u8>>,
    log: Arc<Mutex<Vec<u8>>>,
    serving: Option<JoinHandle<io::Result<()>>>,
    root: PathBuf,
    last_id: i64,
    /// Answers that came before those that were waited for.
    early: Vec<Value>,
}

impl Client {
    fn of(env: Env, cwd: PathBuf, root: PathBuf) -> Self {
        let (to_server, stdin) = channel();
        let (stdout, from_server) = channel();
        let log = Arc::new(Mutex::new(Vec::new()));
        let server = Server {
            env,
            cwd,
            disk: Arc::new(OsDisk),
            stdin: Box::new(Input { pieces: stdin, rest: io::Cursor::default() }),
            stdout: Box::new(Output(stdout)),
            stderr: Box::new(Shared(Arc::clone(&log))),
        };
        let serving = Some(std::thread::spawn(move || server.serve()));
        let to_server = Some(to_server);
        Self { to_server, from_server, log, serving, root, last_id: 0, early: Vec::new() }
    }

    /// Sends bytes as they are.
    pub(crate) fn send_bytes(&self, bytes: &[u8]) {
        self.to_server.as_ref().unwrap().send(bytes.to_vec()).unwrap();
    }

    pub(crate) fn send(&self, message: &Value) {
        let mut line = serde_json::to_vec(message).unwrap();
        line.push(b'\n');
        self.send_bytes(&line);
    }

    /// Sends a request and returns its id, without waiting for the answer.
    pub(crate) fn ask(&mut self, method: &str, params: Value) -> i64 {
        self.last_id += 1;
        let id = self.last_id;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        id
    }

    pub(crate) fn notify(&self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Returns the next message of the server.
    pub(crate) fn next(&mut self) -> Value {
        if !self.early.is_empty() {
            return self.early.remove(0);
        }
        self.receive()
    }

    fn receive(&self) -> Value {
        let line = match self.from_server.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => panic!("no answer; the log:\n{}", self.log()),
            Err(RecvTimeoutError::Disconnected) => panic!("the server is gone:\n{}", self.log()),
        };
        let text = String::from_utf8(line).unwrap();
        let text = text.strip_suffix('\n').unwrap_or_else(|| panic!("no whole line: {text}"));
        assert!(!text.contains('\n'), "several lines in one: {text}");
        serde_json::from_str(text).unwrap()
    }

    /// Waits for the answer to a request.
    pub(crate) fn answer(&mut self, id: i64) -> Value {
        if let Some(place) = self.early.iter().position(|message| message["id"] == id) {
            return self.early.remove(place);
        }
        loop {
            let message = self.receive();
            if message["id"] == id && message.get("method").is_none() {
                return message;
            }
            self.early.push(message);
        }
    }

    /// Sends a request and waits for its answer.
    pub(crate) fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.ask(method, params);
        self.answer(id)
    }

    /// Shakes hands as clients of the earlier revisions do.
    pub(crate) fn initialize(&mut self, revision: &str, capabilities: &Value) -> Value {
        let client = json!({ "name": "test", "version": "1" });
        let answer = self.request(
            "initialize",
            json!({ "protocolVersion": revision, "capabilities": capabilities, "clientInfo": client }),
        );
        self.notify("notifications/initialized", json!({}));
        answer
    }

    /// Calls a tool without waiting for its answer.
    pub(crate) fn begin(&mut self, tool: &str, arguments: Value) -> i64 {
        self.ask("tools/call", json!({ "name": tool, "arguments": arguments }))
    }

    /// Calls a tool and returns its result, which is the same as text and as structure.
    pub(crate) fn call(&mut self, tool: &str, arguments: Value) -> Called {
        let id = self.begin(tool, arguments);
        self.called(id)
    }

    pub(crate) fn called(&mut self, id: i64) -> Called {
        let answer = self.answer(id);
        let result = &answer["result"];
        let text = result["content"][0]["text"].as_str();
        let text = text.unwrap_or_else(|| panic!("no result: {answer}"));
        let is_error = result["isError"].as_bool().unwrap();
        if is_error {
            assert_eq!(result.get("structuredContent"), None);
        } else {
            assert_eq!(serde_json::from_str::<Value>(text).unwrap(), result["structuredContent"]);
        }
        assert_eq!(result["content"].as_array().map(Vec::len), Some(1));
        let text = text.replace(&self.root.to_string_lossy().into_owned(), "[root]");
        let value: Value = serde_json::from_str(&text).unwrap();
        if is_error {
            let code = value["code"].as_str().unwrap();
            let is_known = maestro_mcp::CODES.iter().any(|(known, _)| *known == code);
            assert!(is_known, "{code} is not in the list of codes");
            assert!(value["recovery_hint"].is_string(), "{code} does not say what to do next");
        }
        Called { value, is_error, text }
    }

    /// Calls a tool that must succeed.
    pub(crate) fn ok(&mut self, tool: &str, arguments: Value) -> Value {
        let called = self.call(tool, arguments);
        assert!(!called.is_error, "{tool}: {called}");
        called.value
    }

    /// Calls a tool that must fail, and returns the code. Whatever fails says what to do next.
    pub(crate) fn code(&mut self, tool: &str, arguments: Value) -> String {
        let called = self.call(tool, arguments);
        assert!(called.is_error, "{tool}: {called}");
        called.value["code"].as_str().unwrap().to_owned()
    }

    /// Calls a tool on the session of most tests.
    pub(crate) fn of_session(&mut self, tool: &str, mut arguments: Value) -> Called {
        arguments["session_id"] = SESSION.into();
        self.call(tool, arguments)
    }

    /// Returns the log so far. It is written when there is time.
    fn log(&self) -> String {
        let log = String::from_utf8(self.log.lock().unwrap().clone()).unwrap();
        log.replace(&self.root.to_string_lossy().into_owned(), "[root]")
    }

    /// Reads no more answers.
    pub(crate) fn stop_reading(&mut self) {
        self.from_server = channel().1;
    }

    /// Waits until the server has ended, though its input goes on.
    pub(crate) fn wait(mut self) {
        let serving = self.serving.take().unwrap();
        let to_server = self.to_server.take().unwrap();
        // It looks whether somebody reads when something comes in, until it takes in no more.
        while to_server.send(b"\n".to_vec()).is_ok() {
            std::thread::yield_now();
        }
        serving.join().unwrap().unwrap();
    }

    /// Ends the input, and returns what the server still says until it has ended.
    pub(crate) fn end(mut self) -> Vec<Value> {
        self.finish()
    }

    /// Does the same, and returns the whole log.
    pub(crate) fn end_with_log(mut self) -> String {
        self.finish();
        self.log()
    }

    fn finish(&mut self) -> Vec<Value> {
        drop(self.to_server.take());
        let mut rest = std::mem::take(&mut self.early);
        loop {
            match self.from_server.recv_timeout(PATIENCE) {
                Ok(line) => rest.push(serde_json::from_slice(&line).unwrap()),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("the server goes on:\n{}", self.log()),
            }
        }
        self.serving.take().unwrap().join().unwrap().unwrap();
        rest
    }
}

/// What a tool answered.
pub(crate) struct Called {
    pub(crate) value: Value,
    pub(crate) is_error: bool,
    /// The text, with its fields in their order.
    pub(crate) text: String,
}

impl std::fmt::Display for Called {
    /// Shows the answer as people would lay it out, with its fields in their order.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_error {
            f.write_str("ERROR ")?;
        }
        f.write_str(&laid_out(&self.text))
    }
}

/// JSON with a line for each member of the outermost object, and of objects in it as long as they are large.
fn laid_out(text: &str) -> String {
    const WIDE: usize = 100;
    let mut out = String::new();
    let mut depth = 0;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let end = end_of_value(rest);
        let is_short = end <= WIDE && depth > 0;
        if (c == '{' || c == '[') && !is_short && end > 2 {
            depth += 1;
            out.push(c);
            out += &format!("\n{}", "  ".repeat(depth));
            rest = &rest[1..];
        } else if c == '{' || c == '[' || c == '"' {
            out += &rest[..end];
            rest = &rest[end..];
        } else if c == '}' || c == ']' {
            depth -= 1;
            out += &format!("\n{}{c}", "  ".repeat(depth));
            rest = &rest[1..];
        } else if c == ',' {
            out += &format!(",\n{}", "  ".repeat(depth));
            rest = &rest[1..];
        } else {
            out += if c == ':' { ": " } else { rest.get(..c.len_utf8()).unwrap() };
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// How long the string, list or object at the beginning of `text` is; 1 for anything else.
fn end_of_value(text: &str) -> usize {
    let mut depth = 0;
    let mut in_string = false;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            _ if in_string => {}
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            _ => {}
        }
        if depth <= 0 && !in_string {
            return at + c.len_utf8();
        }
    }
    text.len()
}

/// Leaves members out that say nothing in a test.
pub(crate) fn without(mut value: Value, names: &[&str]) -> Value {
    let members: Option<&mut Map<String, Value>> = value.as_object_mut();
    if let Some(members) = members {
        for name in names {
            members.remove(*name);
        }
    }
    value
}

/// Whether a path below `dir` exists.
pub(crate) fn exists(dir: &Path, name: &str) -> bool {
    dir.join(name).exists()
}

/// The server's end of what the client sends.
struct Input {
    pieces: Receiver<Vec<u8>>,
    rest: io::Cursor<Vec<u8>>,
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.rest.read(into)?;
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
            match self.pieces.recv() {
                Ok(piece) => self.rest = io::Cursor::new(piece),
                Err(_) => return Ok(0),
            }
        }
    }
}

/// The server's end of what the client receives: each write is one line.
struct Output(Sender<Vec<u8>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(bytes.to_vec()).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A stream that keeps what is written to it.
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
