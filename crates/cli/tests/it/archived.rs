//! `maestro archive list | show | search | restore`

use insta::assert_snapshot;
use maestro_cli::ExitCode;
use serde_json::Value;

use crate::env::{Input, SMALL_PLAN, TestEnv};

/// A document of the Node server as it archived it.
const OF_NODE: &str = "---\n{\n  \"session_id\": \"2025-12-01-login\",\n  \"task\": \"Log in with a passkey\",\n  \
    \"created\": \"2025-12-01T08:00:00.000Z\",\n  \"updated\": \"2025-12-02T09:30:00.000Z\",\n  \"status\": \"completed\",\n  \
    \"phases\": [\n    {\n      \"id\": 1,\n      \"name\": \"Ceremony\",\n      \"status\": \"completed\",\n      \
    \"agents\": [\n        \"coder\"\n      ],\n      \"files_created\": [\n        \"src/passkey.rs\"\n      ]\n    }\n  ]\n}\n---\n\
    # Log in with a passkey Orchestration Log\n";

/// Two sessions: one of ours, of which a phase is done, and one of the Node server.
fn two() -> TestEnv {
    let env = TestEnv::with_session();
    env.ok(["phase", "start", "1"]);
    env.ok([
        "phase",
        "complete",
        "1",
        "--created",
        "src/contract.rs",
        "--warning",
        "Not async-safe",
    ]);
    env.ok(["archive", "--force"]);
    env.write("docs/maestro/state/archive/2025-12-01-login.md", OF_NODE);
    env
}

#[test]
fn an_empty_archive_is_told_in_a_sentence() {
    let env = TestEnv::new();
    assert_snapshot!(env.run(["archive", "list"]), @"
    No archived sessions
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["archive", "search", "x"]), @"
    Nothing found in 0 archived sessions
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["archive", "list", "--json"]), @r#"
    {"version":1,"archived":0,"total":0,"offset":0,"sessions":[]}
    [exit status: 0]
    "#);
}

#[test]
fn the_list_is_the_newest_first_and_says_what_cannot_be_read() {
    let env = two();
    assert_snapshot!(env.run(["archive", "list"]), @"
    2026-01-15  2026-01-15-rate-limiting  aborted    1 of 4  Rate limiting
    2025-12-02  2025-12-01-login          completed  1 of 1  Log in with a passkey
    [exit status: 0]
    ");
    env.write("docs/maestro/state/archive/2025-11-30-broken.md", "---\nsession_id: x\n");
    env.write("docs/maestro/state/archive/notes.txt", "not ours");
    let ended = env.run(["archive", "list"]);
    assert_eq!(ended.code, ExitCode::DONE);
    let row = ended.stdout.lines().find(|line| line.contains("broken")).unwrap();
    assert!(row.contains("unreadable  ") && row.contains("line 2: "), "{row}");
    assert_eq!(ended.stdout.lines().count(), 3, "{ended}");
}

#[test]
fn filters_and_pages() {
    let env = two();
    assert_snapshot!(env.run(["archive", "list", "--status", "completed"]), @"
    2025-12-02  2025-12-01-login  completed  1 of 1  Log in with a passkey
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["archive", "list", "--until", "2025-12-02"]), @"
    2025-12-02  2025-12-01-login  completed  1 of 1  Log in with a passkey
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["archive", "list", "--since", "2025-12-03", "--until", "2026-12-31"]), @"
    2026-01-15  2026-01-15-rate-limiting  aborted  1 of 4  Rate limiting
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["archive", "list", "--text", "PASSKEY log"]), @"
    2025-12-02  2025-12-01-login  completed  1 of 1  Log in with a passkey
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["archive", "list", "--text", "passkey rate"]), @"
    None of 2 archived sessions fits
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["archive", "list", "--limit", "1"]), @"
    2026-01-15  2026-01-15-rate-limiting  aborted  1 of 4  Rate limiting

    1 to 1 of 2; go on with --offset 1
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["archive", "list", "--limit", "1", "--offset", "1"]), @"
    2025-12-02  2025-12-01-login  completed  1 of 1  Log in with a passkey

    2 to 2 of 2
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["archive", "list", "--offset", "7"]), @"
    None of 2
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["archive", "list", "--since", "yesterday"]), @"
    ------- stderr
    error: invalid value 'yesterday' for '--since <DATE>': give a date such as 2026-01-15, or a time such as 2026-01-15T10:00:00Z

    For more information, try '--help'.
    [exit status: 2]
    ");
    assert_snapshot!(env.run(["archive", "--force", "list"]), @"
    ------- stderr
    error: `--force` and `--status` in front of another command say nothing

    hint: put options behind the command: `maestro archive list --status failed`
    [exit status: 2]
    ");
}

#[test]
fn the_list_as_data() {
    let env = two();
    let value: Value = serde_json::from_str(&env.ok(["archive", "list", "--json"]).stdout).unwrap();
    assert_eq!((&value["archived"], &value["total"]), (&2.into(), &2.into()));
    assert_snapshot!(value["sessions"][1], @r#"{"created":"2025-12-01T08:00:00.000Z","done":1,"id":"2025-12-01-login","phases":1,"session_id":"2025-12-01-login","status":"completed","task":"Log in with a passkey","time":"2025-12-02T09:30:00.000Z","updated":"2025-12-02T09:30:00.000Z","workflow_mode":"standard"}"#);
}

#[test]
fn a_session_is_shown_with_its_files() {
    let env = two();
    assert_snapshot!(env.run(["archive", "show", "2026"]), @"
    Session  2026-01-15-rate-limiting
    Task     Rate limiting
    Status   aborted, 1 of 4 phases done
    Mode     standard
    Plan     docs/maestro/plans/archive/plan.md
    Updated  2026-01-15T10:00:03.000Z

    ✓ completed  1  Contract       architect  1 file
    □ pending    2  Token buckets  coder
    □ pending    3  HTTP layer     coder
    □ pending    4  End to end     tester     waits for 2, 3

    Archived  2026-01-15T10:00:03.000Z by cli (tester)
    File      docs/maestro/state/archive/2026-01-15-rate-limiting.md
    Plan      docs/maestro/plans/archive/plan.md
    Journal   docs/maestro/state/archive/2026-01-15-rate-limiting.journal.jsonl
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["archive", "show", "2025-12-01-login"]), @"
    Session  2025-12-01-login
    Task     Log in with a passkey
    Status   completed, 1 of 1 phase done
    Mode     standard
    Updated  2025-12-02T09:30:00.000Z

    ✓ completed  1  Ceremony  coder  1 file

    File  docs/maestro/state/archive/2025-12-01-login.md
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["archive", "show", "2026", "--log"]), @"
    1  2026-01-15T10:00:00.000Z  cli (tester)  create      Rate limiting
    2  2026-01-15T10:00:01.000Z  cli (tester)  start 1
    3  2026-01-15T10:00:02.000Z  cli (tester)  complete 1  1 created
    4  2026-01-15T10:00:03.000Z  cli (tester)  archive     aborted
    [exit status: 0]
    ");
    let printed = env.ok(["archive", "show", "2025", "--document"]);
    assert_eq!(printed.stdout, OF_NODE);
}

#[test]
fn what_cannot_be_shown_says_why() {
    let env = two();
    env.write("docs/maestro/state/archive/broken.md", "---\nsession_id: x\n");
    assert_snapshot!(env.run(["archive", "show", "1999"]), @"
    ------- stderr
    error: there is no archived session whose id begins with `1999`

    hint: `maestro archive list` shows all of them
    [exit status: 1]
    ");
    assert_snapshot!(env.run(["archive", "show", "20"]), @"
    ------- stderr
    error: more than one archived session begins with `20`: 2025-12-01-login, 2026-01-15-rate-limiting

    hint: give more of the id
    [exit status: 1]
    ");
    assert_snapshot!(env.run(["archive", "show", "broken"]), @"
    ------- stderr
    error: `[root]/project/docs/maestro/state/archive/broken.md` cannot be read as a session
      caused by: line 2: the front matter is not closed: a line `---` is missing, the file may be cut off

    hint: correct `[root]/project/docs/maestro/state/archive/broken.md` where the error points; `maestro archive show ID --document` prints it as it is
    [exit status: 5]
    ");
    assert_snapshot!(env.run(["archive", "show", "2025", "--log"]), @"
    ------- stderr
    error: the archived session `2025-12-01-login` has no journal that can be read

    hint: `maestro archive show` says where its files are
    [exit status: 1]
    ");
    assert_eq!(env.ok(["archive", "show", "broken", "--document"]).stdout, "---\nsession_id: x\n");
}

#[test]
fn what_is_found_is_shown_with_its_line() {
    let env = two();
    assert_snapshot!(env.run(["archive", "search", "passkey"]), @r#"
    2025-12-01-login  completed  2025-12-02
      4: "task": "Log in with a passkey",
    [exit status: 0]
    "#);
    assert_snapshot!(env.run(["archive", "search", "async", "contract"]), @r#"
    2026-01-15-rate-limiting  aborted  2026-01-15
      23: name: "Contract"
    [exit status: 0]
    "#);
    assert_snapshot!(env.run(["archive", "search", "not async-safe"]), @r#"
    2026-01-15-rate-limiting  aborted  2026-01-15
      42: - "Not async-safe"
    [exit status: 0]
    "#);
    assert_snapshot!(env.run(["archive", "search", "src/", "--status", "completed"]), @r#"
    2025-12-01-login  completed  2025-12-02
      17: "src/passkey.rs"
    [exit status: 0]
    "#);
    assert_snapshot!(env.run(["archive", "search", "passkey", "async"]), @"
    Nothing found in 2 archived sessions
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["archive", "search", " "]), @"
    ------- stderr
    error: there is no word to search for

    hint: give at least one word
    [exit status: 2]
    ");
    assert_snapshot!(env.run(["archive", "search", "ceremony", "--json"]), @r#"
    {"version":1,"searched":2,"unread":0,"total":1,"offset":0,"hits":[{"id":"2025-12-01-login","time":"2025-12-02T09:30:00.000Z","session_id":"2025-12-01-login","task":"Log in with a passkey","status":"completed","workflow_mode":"standard","done":1,"phases":1,"created":"2025-12-01T08:00:00.000Z","updated":"2025-12-02T09:30:00.000Z","score":32.0,"line":{"number":11,"place":"phase","text":"\"name\": \"Ceremony\",","matches":[{"start":9,"end":17}]}}]}
    [exit status: 0]
    "#);
}

#[test]
fn what_is_found_stands_out_in_colour_and_is_readable_without() {
    let env = two();
    let in_colour = Input { colour: true, ..Input::default() };
    let coloured = env.run_with(&in_colour, ["archive", "search", "passkey"]).stdout;
    assert!(coloured.contains("Log in with a \u{1b}[1mpasskey\u{1b}[0m"), "{coloured:?}");
    let plain = env.run(["archive", "search", "passkey"]).stdout;
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
}

#[test]
fn a_session_comes_back() {
    let env = two();
    assert_snapshot!(env.run(["archive", "restore", "2026"]), @"
    Session 2026-01-15-rate-limiting is active again
      docs/maestro/state/active-session.md
      docs/maestro/plans/plan.md
    Next: maestro status
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["status"]), @"
    Session  2026-01-15-rate-limiting
    Task     Rate limiting
    Status   in progress, 1 of 4 phases done
    Mode     standard
    Plan     docs/maestro/plans/plan.md
    Updated  2026-01-15T10:00:04.000Z

    ✓ completed  1  Contract       architect  1 file
    □ pending    2  Token buckets  coder
    □ pending    3  HTTP layer     coder
    □ pending    4  End to end     tester     waits for 2, 3

    Next: maestro phase start 2  Token buckets (coder)
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["log"]), @"
    1  2026-01-15T10:00:00.000Z  cli (tester)  create      Rate limiting
    2  2026-01-15T10:00:01.000Z  cli (tester)  start 1
    3  2026-01-15T10:00:02.000Z  cli (tester)  complete 1  1 created
    4  2026-01-15T10:00:03.000Z  cli (tester)  archive     aborted
    5  2026-01-15T10:00:04.000Z  cli (tester)  restore     2026-01-15-rate-limiting
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["archive", "restore", "2025"]), @"
    ------- stderr
    error: session `2026-01-15-rate-limiting` is active (in_progress)

    hint: go on with it: `maestro resume`; or archive it first: `maestro archive` (`--force` if it is unfinished), which `maestro new --archive-active` does too
    [exit status: 1]
    ");
    assert_snapshot!(env.run(["undo"]), @"
    ------- stderr
    error: operation 5 brought the session back from the archive

    hint: to put it back, archive it: `maestro archive --force`; what was done before that can be undone by its number: `maestro undo --op N`
    [exit status: 1]
    ");
    env.ok(["archive", "--force"]);
    assert_snapshot!(env.run(["undo"]), @"
    ------- stderr
    error: there is no active session; `2026-01-15-rate-limiting` was archived last

    hint: to undo its archiving: `maestro archive restore 2026-01-15-rate-limiting`
    [exit status: 3]
    ");
    assert_snapshot!(env.run(["archive", "restore", "2025"]), @"
    Session 2025-12-01-login is active again
      docs/maestro/state/active-session.md
    Next: maestro status
    [exit status: 0]
    ");
}

#[test]
fn what_is_in_the_way_of_a_restoration_is_told() {
    let env = TestEnv::new();
    env.begin(SMALL_PLAN);
    env.ok(["archive", "--force"]);
    env.write("docs/maestro/plans/plan.md", "another\n");
    let file = "docs/maestro/state/archive/2026-01-15-rate-limiting.md";
    env.write(file, env.read(file).replace("Rate limiting", "Rate limits"));
    assert_snapshot!(env.run(["archive", "restore", "2026-01-15-rate-limiting"]), @"
    Session 2026-01-15-rate-limiting is active again
      docs/maestro/state/active-session.md
      docs/maestro/plans/plan-2.md
    renamed: docs/maestro/plans/archive/plan.md is now docs/maestro/plans/plan-2.md
    note: it was edited while it was archived, and is as it was then
    Next: maestro status
    [exit status: 0]
    ");
}

#[test]
fn an_archived_file_cannot_speak_to_the_terminal() {
    let env = two();
    let file = "docs/maestro/state/archive/2025-12-01-login.md";
    env.write(file, OF_NODE.replace("Log in", "Log\\u001b[2J in"));
    let raw = OF_NODE.replace("passkey Orch", "passkey \u{1b}[2J\u{202e} Orch");
    env.write("docs/maestro/state/archive/raw.md", raw);
    for args in
        [&["archive", "list"][..], &["archive", "show", "2025"], &["archive", "search", "orch"]]
    {
        let shown = env.run_line(&Input::default(), args).stdout;
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
    }
}

#[test]
fn what_takes_long_is_told_to_a_person_and_to_nobody_else() {
    let env = TestEnv::new();
    for n in 0..1_100 {
        let text = OF_NODE.replace("2025-12-01-login", &format!("s-{n}"));
        env.write(&format!("docs/maestro/state/archive/s-{n}.md"), text);
    }
    let person = Input { terminal: true, ..Input::default() };
    for args in [["archive", "list", "--limit=1"], ["archive", "search", "passkey"]] {
        let told = env.run_with(&person, args);
        assert!(told.stderr.contains("reading archived sessions: "), "{args:?}: {}", told.stderr);
        assert!(told.stderr.ends_with(" \r"), "the line is cleared: {:?}", told.stderr);
        assert_eq!(env.ok(args).stderr, "");
    }
}
