//! `maestro mcp` as hosts start it: real processes, several at once, killed at any moment, beside the command line.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::thread;

use serde_json::{Value, json};

use crate::binary::maestro;
use crate::env::TestEnv;
use crate::processes::Project;

/// A server that runs in a process of its own.
struct Server {
    process: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Server {
    /// Starts a server in the workspace, and shakes hands with it.
    fn start(env: &TestEnv) -> Self {
        let mut command = maestro(env);
        command.args(["mcp", "--wait", "600"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let stdin = process.stdin.take().unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let mut server = Self { process, stdin, stdout };
        let client = json!({ "name": "test", "version": "1" });
        server.send(
            "initialize",
            &json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client }),
        );
        assert_eq!(server.answer().unwrap()["result"]["serverInfo"]["name"], "maestro");
        server
    }

    fn send(&mut self, method: &str, params: &Value) {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        // A server that was killed reads nothing any more.
        drop(self.stdin.write_all(format!("{request}\n").as_bytes()));
    }

    /// The next answer; nothing if the server has ended.
    fn answer(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.ends_with('\n').then(|| serde_json::from_str(&line).unwrap())
    }

    fn begin(&mut self, tool: &str, arguments: &Value) {
        self.send("tools/call", &json!({ "name": tool, "arguments": arguments }));
    }

    /// Calls a tool that must succeed.
    fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        self.begin(tool, arguments);
        let answer = self.answer().unwrap();
        assert_eq!(answer["result"]["isError"], false, "{answer}");
        answer["result"]["structuredContent"].clone()
    }

    fn status(&mut self) -> Value {
        self.call("get_session_status", &json!({}))
    }

    /// Ends the input, and returns the exit code.
    fn end(self) -> Option<i32> {
        let Self { mut process, stdin, stdout } = self;
        drop((stdin, stdout));
        process.wait().unwrap().code()
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// The arguments that rename a phase.
fn rename(phase: usize, n: usize) -> Value {
    json!({ "phase_id": phase, "name": format!("Step {phase}, named {n} times") })
}

#[test]
fn a_server_finds_the_workspace_and_ends_with_its_input() {
    let project = Project::begun(2);
    let mut server = Server::start(project.env());
    assert_eq!(server.status()["total_phases"], 2);
    assert_eq!(server.end(), Some(0));
}

#[test]
fn what_a_server_does_is_told_apart_from_what_the_command_line_does() {
    let project = Project::begun(2);
    let mut server = Server::start(project.env());
    server.call("transition_phase", &json!({ "next_phase_id": 1 }));
    project.ok(&["phase", "start", "2"]);
    // The file changed under the server.
    assert_eq!(server.status()["progress"]["in_progress"], 2);
    let log = project.ok(&["log"]);
    let entries = log.answer["entries"].as_array().unwrap();
    let actors: Vec<&str> = entries.iter().map(|entry| entry["actor"].as_str().unwrap()).collect();
    assert_eq!(actors, ["cli", "mcp", "cli"]);
}

#[test]
fn servers_side_by_side_lose_no_update() {
    const SERVERS: usize = 4;
    const UPDATES: usize = 25;
    let project = Project::begun(SERVERS + 1);
    thread::scope(|scope| {
        for phase in 1..=SERVERS {
            let env = project.env();
            scope.spawn(move || {
                let mut server = Server::start(env);
                for n in 1..=UPDATES {
                    server.call("adjust_phase", &rename(phase, n));
                }
                assert_eq!(server.end(), Some(0));
            });
        }
        for n in 1..=UPDATES {
            let (phase, name) = ((SERVERS + 1).to_string(), format!("Step, named {n} times"));
            project.ok(&["phase", "adjust", &phase, "--name", &name]);
        }
    });
    let log = project.ok(&["log"]);
    let adjusted = log.answer["entries"].as_array().unwrap().iter();
    let adjusted =
        adjusted.filter(|entry| entry["command"] == "adjust" && entry["state"] == "done");
    assert_eq!(adjusted.count(), (SERVERS + 1) * UPDATES);
    project.assert_in_order();
}

/// However the process ends, what was acknowledged is there, and the next one goes on.
#[test]
fn a_server_that_is_killed_has_lost_nothing_that_it_acknowledged() {
    let project = Project::begun(1);
    let name = |n: usize| rename(1, n)["name"].as_str().unwrap().to_owned();
    let mut acknowledged = vec![];
    let mut last = 0;
    for life in 0..8 {
        let mut server = Server::start(project.env());
        for _ in 0..=life {
            last += 1;
            server.call("adjust_phase", &rename(1, last));
            acknowledged.push(name(last));
        }
        // Killed somewhere in the middle of the next one.
        last += 1;
        server.begin("adjust_phase", &rename(1, last));
        for _ in 0..life * 100_000 {
            std::hint::spin_loop();
        }
        server.kill();
        let mut next = Server::start(project.env());
        let shown = next.status()["phases"][0]["name"].as_str().unwrap().to_owned();
        assert!([name(last - 1), name(last)].contains(&shown), "{shown}: {acknowledged:?}");
        assert_eq!(next.end(), Some(0));
    }
    project.ok(&["phase", "start", "1"]);
    let texts = project.journal().texts;
    for name in acknowledged {
        assert!(texts.iter().any(|text| text.contains(&name)), "{name} is lost");
    }
    project.assert_in_order();
}

#[cfg(target_os = "linux")]
#[test]
fn ten_thousand_calls_in_a_row_leave_the_memory_as_it_was() {
    let project = Project::begun(100);
    let mut server = Server::start(project.env());
    let pid = server.process.id();
    let kilobytes = || -> u64 {
        let status = fs_err::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim_end_matches("kB").trim().parse().unwrap()
    };
    let mut calls = |n: usize| {
        for n in 0..n {
            server.status();
            // Some are refused, and some change something, so that the session is read again.
            if n % 10 == 0 {
                server.begin("skip_phase", &json!({ "phase_id": 1, "user_decided": n }));
                assert_eq!(server.answer().unwrap()["result"]["isError"], true);
            }
            if n % 100 == 0 {
                server.call("adjust_phase", &rename(1, n));
            }
        }
    };
    calls(1_000);
    let before = kilobytes();
    calls(10_000);
    let after = kilobytes();
    assert!(after < before + 4_096, "from {before} kB to {after} kB");
}
