//! What is read generously, and what is refused.

use maestro_session_model::{Document, DocumentError, PhaseStatus};

fn front(lines: &str) -> String {
    format!(
        "---\nsession_id: a\ncreated: 2026-01-15T10:00:00Z\nupdated: 2026-01-15T10:00:00Z\n\
         status: in_progress\n{lines}---\n"
    )
}

fn error(text: &str) -> String {
    Document::parse(text.to_owned()).expect_err("the document is not readable").to_string()
}

/// The session that the oldest form of the protocol shows, before tasks, modes and contexts were recorded.
const OLDEST: &str = r#"---
session_id: "2026-01-15-old"
created: "2026-01-15T10:00:00Z"
updated: "2026-01-15T10:00:00Z"
status: "in_progress"
design_document: ".gemini/plans/design.md"
implementation_plan: ".gemini/plans/plan.md"
current_phase: 1
total_phases: 1
token_usage:
  total_input: 0
  total_output: 0
  total_cached: 0
  by_agent: {}
phases:
  - id: 1
    name: "Core"
    status: "pending"
    agents: []
    parallel: false
    started: null
    completed: null
    blocked_by: []
    files_created: []
    files_modified: []
    files_deleted: []
    errors: []
    retry_count: 0
---
# Old Orchestration Log
"#;

#[test]
fn the_oldest_form_is_read_with_defaults() {
    let document = Document::parse(OLDEST.to_owned()).unwrap();
    let phase = &document.session().phases[0];
    assert_eq!(phase.status, PhaseStatus::Pending);
    assert!(phase.downstream_context.is_empty() && phase.planned_files.is_empty());
    assert_eq!(document.session().task, "");
}

#[test]
fn an_error_says_line_column_field_and_what_is_expected() {
    let phases = "phases:\n- id: 1\n  status: pending\n- id: 2\n  status: bogus\n";
    insta::assert_snapshot!(error(&front(phases)), @"line 10, column 11: `phases[1].status`: unknown variant `bogus`, expected one of `pending`, `in_progress`, `completed`, `failed`, `skipped`");
    insta::assert_snapshot!(error(&front("phases: 5\n")), @"line 6, column 9: `phases`: invalid type: integer `5`, expected a sequence");
    insta::assert_snapshot!(error(&front("phases: []\nphases: []\n")), @"line 7, column 1: duplicate field `phases`");
    insta::assert_snapshot!(error(&front("x: 1\nx: 2\nphases: []\n")), @r#"line 7, column 1: duplicate entry with key "x""#);
    insta::assert_snapshot!(error(&front("phases: [\n")), @"line 7, column 1: did not find expected node content");
    insta::assert_snapshot!(
        error(&front("token_usage: {by_agent: {a: {input: 1}, a: {input: 2}}}\nphases: []\n")), @r#"line 6, column 41: `token_usage.by_agent`: duplicate entry with key "a""#);
    insta::assert_snapshot!(error(&front("token_usage: {total_input: -1}\nphases: []\n")), @"line 6, column 28: `token_usage.total_input`: invalid type: integer `-1`, expected u64");
    insta::assert_snapshot!(error(&front("token_usage: {total_input: '5'}\nphases: []\n")), @r#"line 6, column 28: `token_usage.total_input`: invalid type: string "5", expected u64"#);
    insta::assert_snapshot!(error("---\nstatus: in_progress\nphases: []\n---\n"), @"line 2, column 1: missing field `session_id`");
    insta::assert_snapshot!(
        error(&front("phases:\n- {id: 1, status: pending, files_created: [a, null]}\n")), @"line 7, column 43: `phases[0].files_created`: invalid type: null, expected a string");
    insta::assert_snapshot!(
        error(&front("phases:\n- {id: 0, status: pending}\n")), @"line 7, column 8: `phases[0].id`: `0` is not a phase id: use a positive integer or a text of up to 256 bytes in one line");
    insta::assert_snapshot!(
        error(&front("phases: []\n").replace("session_id: a", "session_id: ../x")), @"line 2, column 13: `session_id`: `../x` is not a session id: use 1 to 128 ASCII letters, digits, `-` and `_`");
    insta::assert_snapshot!(
        error(&front("phases: []\n").replace("2026-01-15T10:00:00Z", "yesterday")), @"line 3, column 10: `created`: `yesterday` is not a time such as 2026-01-15T10:00:00.000Z");
}

#[test]
fn what_is_not_a_document_is_refused() {
    insta::assert_snapshot!(error(""), @"line 1: the file is empty");
    insta::assert_snapshot!(error("# Only a heading\n"), @"line 1: there is no front matter: the first line must be `---`");
    insta::assert_snapshot!(error("---\nsession_id: a\n"), @"line 2: the front matter is not closed: a line `---` is missing, the file may be cut off");
    insta::assert_snapshot!(error("---\n---\n"), @"line 2, column 1: missing field `session_id`");
    insta::assert_snapshot!(error("---\n[1, 2]\n---\n"), @"line 2, column 1: invalid type: sequence, expected the fields of a session");
    insta::assert_snapshot!(error(&front("phases: []\n...\nsession_id: b\n")), @"line 7, column 1: a second YAML document begins here; a session is one");
}

#[test]
fn hostile_yaml_is_refused_before_it_costs_anything() {
    let bomb = {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for i in 1..10 {
            let list = vec![format!("*a{}", i - 1); 9].join(", ");
            bomb += &format!("a{i}: &a{i} [{list}]\n");
        }
        front(&(bomb + "phases: []\n"))
    };
    for (name, text) in [
        ("brackets", front(&format!("x: {}\nphases: []\n", "[".repeat(100_000)))),
        ("braces", front(&format!("x: {}\nphases: []\n", "{".repeat(100_000)))),
        (
            "closed brackets",
            front(&format!("x: {}{}\nphases: []\n", "[".repeat(50_000), "]".repeat(50_000))),
        ),
        (
            "block nesting",
            front(&format!(
                "x:\n{}\nphases: []\n",
                (0..2_000).map(|i| " ".repeat(i) + "- \n").collect::<String>()
            )),
        ),
        ("alias bomb", bomb),
    ] {
        let found = Document::parse(text);
        assert!(
            matches!(found, Err(DocumentError::Syntax { .. } | DocumentError::Field { .. })),
            "{name}: {found:?}"
        );
    }
}

#[test]
fn a_tag_on_a_key_of_ones_own_is_kept() {
    let text = front("mine: !note hello\nphases:\n- {id: 1, status: pending, x: !t {a: !u 1}}\n");
    let document = Document::parse(text.clone()).unwrap();
    let mut after = document.session().clone();
    after.phases[0].status = PhaseStatus::InProgress;
    let update = document.update(after, "").unwrap();
    assert_eq!(update.document.text(), text.replace("pending", "\"in_progress\""));
}

#[test]
fn many_brackets_in_a_recorded_text_are_no_nesting() {
    let colours = "\u{1b}[31m".replace('\u{1b}', "\\e").repeat(20_000);
    let document = Document::parse(front(&format!("task: \"{colours}\"\nphases: []\n"))).unwrap();
    assert_eq!(document.session().task.matches('[').count(), 20_000);
}

#[test]
fn json_with_escapes_that_yaml_does_not_know_is_read() {
    let text = "---\n{\"session_id\": \"a\", \"task\": \"\\ud83d\\ude00\", \
        \"created\": \"2026-01-15T10:00:00Z\", \"updated\": \"2026-01-15T10:00:00Z\", \
        \"status\": \"in_progress\", \"phases\": []}\n---\n";
    assert_eq!(Document::parse(text.to_owned()).unwrap().session().task, "😀");
}
