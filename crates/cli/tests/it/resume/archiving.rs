//! `maestro resume` of a session whose archiving was interrupted.

use insta::assert_snapshot;
use serde_json::Value;

use crate::env::{SMALL_PLAN, TestEnv};

/// The archive has the session and its plan, and the machine has died before the session file went.
#[test]
fn an_archiving_that_was_interrupted_is_told_first() {
    let env = TestEnv::new();
    env.begin(SMALL_PLAN);
    let active = env.read("docs/maestro/state/active-session.md");
    env.ok(["archive", "--force"]);
    let [moved, place] =
        ["archive/2026-01-15-rate-limiting.journal", "journal/2026-01-15-rate-limiting"]
            .map(|name| format!("docs/maestro/state/{name}.jsonl"));
    let lines = env.read(&moved);
    let lines: Vec<&str> = lines.split_inclusive('\n').collect();
    let intent = lines.iter().rposition(|line| line.contains("\"archived_as\"")).unwrap();
    env.write(&place, lines[..=intent].concat());
    fs_err::remove_file(env.path(&moved)).unwrap();
    env.write("docs/maestro/state/active-session.md", active);
    let shown = env.run(["resume"]).stdout;
    let note = shown.lines().find(|line| line.starts_with("note: ")).unwrap();
    assert_snapshot!(note, @"note: the archiving of this session was begun and has not come to its end; the next command that changes something finishes it, or takes it back for an edit that came first");
    let report: Value = serde_json::from_str(&env.run(["resume", "--json"]).stdout).unwrap();
    assert_eq!(report["conflicts"], serde_json::json!([]));
    assert!(report["notes"][0].as_str().unwrap().starts_with("the archiving of this session"));
    assert_snapshot!(env.run(["resume", "--apply"]), @r#"
    ------- stderr
    note: the archiving of session 2026-01-15-rate-limiting, which had been interrupted, was finished: `docs/maestro/state/archive/2026-01-15-rate-limiting.md`
    error: there is no active session in `[root]/project/docs/maestro`

    hint: begin one with `maestro new "<task>" --plan FILE`
    [exit status: 3]
    "#);
}
