//! An update changes what it is about and keeps every other byte.

use maestro_session_model::{
    Document, FrontMatter, PhaseStatus, SessionStatus, Splice, Timestamp, UpdateError,
};
use maestro_testutils::{Dice, arb_operation, arb_session, operate, samples, written_by_hand};
use proptest::prelude::*;

fn now() -> Timestamp {
    "2026-02-01T12:00:00.000Z".parse().unwrap()
}

/// Applies splices to a text, checking that what they remove is there.
fn apply(text: &str, splices: &[Splice]) -> String {
    let mut out = String::new();
    let mut at = 0;
    for splice in splices {
        out += &text[at..splice.at];
        assert!(
            text[splice.at..].starts_with(&splice.remove),
            "{splice:?} removes what is not there"
        );
        out += &splice.insert;
        at = splice.at + splice.remove.len();
    }
    out + &text[at..]
}

/// The lines of `old` that are not in `new`, and the other way round.
fn changed_lines(old: &str, new: &str) -> String {
    let only = |a: &str, b: &str, sign: char| {
        let b: Vec<&str> = b.lines().collect();
        let gone = a.lines().filter(|line| !b.contains(line)).map(|line| format!("{sign}{line}\n"));
        gone.collect::<String>()
    };
    only(old, new, '-') + &only(new, old, '+')
}

#[test]
fn every_sample_changes_only_in_the_lines_that_the_operation_is_about() {
    for sample in samples() {
        let document = Document::parse(sample.text.to_owned()).expect(sample.name);
        let mut after = document.session().clone();
        after.updated = now();
        after.phases[0].status = PhaseStatus::Failed;
        let update = document.update(after.clone(), "").expect(sample.name);
        let old: Vec<&str> = sample.text.lines().collect();
        let new: Vec<&str> = update.document.text().lines().collect();
        assert_eq!(old.len(), new.len(), "{}", sample.name);
        let changed = old.iter().zip(&new).filter(|(old, new)| old != new).count();
        assert_eq!(
            changed,
            2,
            "{}: {}",
            sample.name,
            changed_lines(sample.text, update.document.text())
        );
        assert_eq!(update.document.session(), &after);
    }
}

#[test]
fn every_sample_is_written_back_unchanged_when_nothing_changed() {
    for sample in samples() {
        let document = Document::parse(sample.text.to_owned()).expect(sample.name);
        let update = document.update(document.session().clone(), "").expect(sample.name);
        assert_eq!(update.document.text(), sample.text, "{}", sample.name);
        assert_eq!(update.splices, []);
    }
}

#[test]
fn a_sample_of_the_node_server_is_what_we_would_write() {
    for sample in samples().iter().filter(|sample| !sample.name.starts_with("v140")) {
        let document = Document::parse(sample.text.to_owned()).expect(sample.name);
        assert!(document.is_canonical(), "{}", sample.name);
    }
}

const BY_HAND: &str = "\
--- \r
# what a person wrote\r
x_owner: &me 'ada'   # kept\r
session_id: \"2026-01-15-odd\"\r
status:   'in_progress'   # do not touch\r
created: 2026-01-15T10:00:00Z\r
updated: 2026-01-15T10:00:00Z # when?\r
token_usage: {total_input: 5, x: [1, 2,], by_agent: {coder: {input: 5}}}\r
\r
phases:\r
# first\r
- status: in_progress # running\r
  id: '1'\r
  name: >-\r
    a folded\r
    name\r
  downstream_context: &none\r
    warnings: []   # none yet\r
    x_extra: *me\r
  files_created:\r
  - a.rs # the first\r
\r
  files_modified:   # nothing\r
- {id: 2, name: two, status: pending, blocked_by: [1], downstream_context: *none}\r
x_last: |+\r
  kept\r
\r
---\r
# Log\r
\r
---\r
session_id: forged\r
---";

#[test]
fn a_document_written_by_hand_keeps_its_hand() {
    let document = Document::parse(BY_HAND.to_owned()).unwrap();
    let mut after = document.session().clone();
    after.updated = now();
    after.token_usage.total_input = 9;
    after.token_usage.by_agent.entry("tester".to_owned()).or_default().output = 4;
    let phase = &mut after.phases[0];
    phase.status = PhaseStatus::Completed;
    phase.completed = Some(now());
    phase.files_created.push("b.rs".to_owned());
    phase.files_modified.push("c.rs".to_owned());
    phase.downstream_context.warnings.push("careful".to_owned());
    let update = document.update(after.clone(), "## Done\n").unwrap();
    let text = update.document.text();
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count(), "line ends are kept");
    assert_eq!(apply(BY_HAND, &update.splices), text);
    insta::assert_snapshot!(text.replace("\r\n", "\n"));
}

const EXPLICIT_KEYS: &str = "\
---
? session_id # the name
: 2026-01-15-odd
? status
: in_progress
created: 2026-01-15T10:00:00Z
? updated
# when?
: 2026-01-15T10:00:00Z
? current_phase # none yet
# nothing here

token_usage:
  ? total_input
  : 5
  ? by_agent
  : coder:
      &first input: 5
? phases
: - ? id
    : 1
    ? name
    : one
    ? status
    : in_progress
    ? files_created
    : - a.rs # the first
    ? errors
    :
    - agent: coder
      type: runtime
      timestamp: 2026-01-15T10:00:00Z
      message: bad
      resolved: false
      ? resolution # how?
    ? started
    # when?
---
# Log
";

#[test]
fn what_stands_behind_an_explicit_key_is_changed_in_place() {
    let document = Document::parse(EXPLICIT_KEYS.to_owned()).unwrap();
    let mut after = document.session().clone();
    after.updated = now();
    after.current_phase = Some("1".parse().unwrap());
    after.total_phases = 1;
    after.token_usage.total_output = 4;
    after.token_usage.by_agent.entry("coder".to_owned()).or_default().output = 2;
    after.token_usage.by_agent.entry("tester".to_owned()).or_default().output = 4;
    let phase = &mut after.phases[0];
    phase.status = PhaseStatus::Failed;
    phase.started = Some(now());
    phase.files_created.push("b.rs".to_owned());
    phase.files_modified.push("c.rs".to_owned());
    let mut error = phase.errors[0].clone();
    error.message = "worse".to_owned();
    phase.errors.push(error);
    let update = document.update(after.clone(), "").unwrap();
    assert_eq!(update.document.session(), &after);
    assert_eq!(apply(EXPLICIT_KEYS, &update.splices), update.document.text());
    insta::assert_snapshot!(update.document.text());
}

#[test]
fn an_edit_in_place_that_leaves_no_yaml_is_told_without_a_line() {
    // Line ends that YAML knows and we do not.
    let front = "session_id: a\rcreated: 2026-01-15T10:00:00Z\rupdated: 2026-01-15T10:00:00Z\r\
                 status: in_progress\rtoken_usage:\r  total_input: 5\rphases: []\n";
    let document = Document::parse(format!("---\n{front}---\n")).unwrap();
    let mut after = document.session().clone();
    after.token_usage.total_output = 4;
    assert_eq!(document.update(after, "").err(), Some(UpdateError::NotLossless));
}

#[test]
fn json_that_is_no_yaml_is_changed_in_place() {
    for task in
        ["\u{7f}", "\u{80}\u{9f}", "\u{feff}", "\u{ffff}", "\\ud83d\\ude00", "\\\\ud83d", "\\\""]
    {
        let text = format!(
            "---\n{{\"session_id\": \"a\", \"task\": \"{task}\", \"created\": \"2026-01-15T10:00:00Z\", \
             \"updated\": \"2026-01-15T10:00:00Z\", \"status\": \"in_progress\", \"phases\": []}}\n---\n"
        );
        let document = Document::parse(text.clone()).unwrap();
        let mut after = document.session().clone();
        after.status = SessionStatus::Aborted;
        let update = document.update(after, "").unwrap();
        assert_eq!(update.document.text(), text.replace("in_progress", "aborted"));
    }
}

#[test]
fn comments_in_flow_lists_stay_with_their_items() {
    let list = |files: &str| {
        format!(
            "---\nsession_id: a\ncreated: 2026-01-15T10:00:00Z\nupdated: 2026-01-15T10:00:00Z\n\
             status: in_progress\nphases:\n- id: 1\n  status: pending\n  planned_files: {files}\n---\n"
        )
    };
    for (before, after) in [
        ("[\n    # none yet\n  ]", "[\n    # none yet\n    \"new\"\n  ]"),
        ("[\n    a, # why a\n  ]", "[\n    a, # why a\n    \"new\"\n  ]"),
        ("[\n    a # why a\n  ]", "[\n    a, # why a\n    \"new\"\n  ]"),
        ("[\n    a # why a\n    ,\n  ]", "[\n    a # why a\n    ,\n    \"new\"\n  ]"),
        ("[ a, ]", "[ a,  \"new\"]"),
        ("[a]", "[a, \"new\"]"),
    ] {
        let document = Document::parse(list(before)).unwrap();
        let mut session = document.session().clone();
        session.phases[0].planned_files.push("new".to_owned());
        let update = document.update(session, "").unwrap();
        assert_eq!(update.document.text(), list(after), "{before}");
    }
}

#[test]
fn an_alias_keeps_its_value_when_the_list_with_the_anchor_is_written_anew() {
    let text = "---\nsession_id: a\ncreated: 2026-01-15T10:00:00Z\nupdated: 2026-01-15T10:00:00Z\n\
                status: in_progress\nphases:\n- id: 1\n  status: pending\n  planned_files:\n  - &f a.rs\n  - b.rs\n\
                - id: 2\n  status: pending\n  planned_files: [*f]\n  files_created: [*f]\n---\n";
    let document = Document::parse(text.to_owned()).unwrap();
    let mut session = document.session().clone();
    session.phases[0].planned_files = Vec::new();
    let update = document.update(session.clone(), "").unwrap();
    assert_eq!(update.document.session(), &session);
    let rest = "  planned_files: [&f a.rs]\n  files_created: [*f]\n---\n";
    assert!(update.document.text().ends_with(rest), "{}", update.document.text());
}

#[test]
fn an_operation_appends_to_the_body_behind_one_blank_line() {
    for (body, expected) in [
        ("", "S\n"),
        ("# Log\n", "# Log\n\nS\n"),
        ("# Log\n\n", "# Log\n\nS\n"),
        ("# Log", "# Log\n\nS\n"),
    ] {
        let front = "session_id: a\ncreated: 2026-01-15T10:00:00Z\nupdated: 2026-01-15T10:00:00Z\n\
                     status: in_progress\nphases: []\n";
        let document = Document::parse(format!("---\n{front}---\n{body}")).unwrap();
        let update = document.update(document.session().clone(), "S\n").unwrap();
        assert_eq!(update.document.body(), expected, "{body:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn a_new_document_is_canonical_and_says_what_the_session_says(
        session in arb_session(),
        json in any::<bool>(),
    ) {
        let style = if json { FrontMatter::Json } else { FrontMatter::Yaml };
        let made = Document::create(session.clone(), style);
        let read = Document::parse(made.text().to_owned()).unwrap();
        prop_assert_eq!(read.session(), &session);
        prop_assert!(read.is_canonical());
    }

    #[test]
    fn a_canonical_document_stays_canonical(
        session in arb_session(),
        json in any::<bool>(),
        operations in proptest::collection::vec((any::<usize>(), arb_operation()), 1..5),
    ) {
        let style = if json { FrontMatter::Json } else { FrontMatter::Yaml };
        let mut document = Document::create(session, style);
        for (index, operation) in operations {
            let after = operate(document.session(), index, &operation, now());
            let update = document.update(after.clone(), "## Section\n").unwrap();
            let text = update.document.text();
            prop_assert_eq!(&apply(document.text(), &update.splices), text);
            let read = Document::parse(text.to_owned()).unwrap();
            prop_assert_eq!(read.session(), &after);
            prop_assert!(read.is_canonical());
            prop_assert_eq!(read.body(), update.document.body());
            document = update.document;
        }
    }

    #[test]
    fn a_document_in_any_style_is_read_as_what_it_says(
        session in arb_session(),
        throws in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let (text, _) = written_by_hand(&session, Dice::new(throws));
        let document = Document::parse(text.clone());
        prop_assert!(document.is_ok(), "{:?}\n{}", document.err(), text);
        let document = document.unwrap();
        prop_assert_eq!(document.session(), &session, "{}", text);
    }

    #[test]
    fn an_update_of_a_document_in_any_style_is_lossless(
        session in arb_session(),
        throws in proptest::collection::vec(any::<u8>(), 0..400),
        index in any::<usize>(),
        operation in arb_operation(),
    ) {
        let (text, comments) = written_by_hand(&session, Dice::new(throws));
        let document = Document::parse(text.clone()).unwrap();
        let after = operate(&session, index, &operation, now());
        let update = document.update(after.clone(), "## Section\n");
        prop_assert!(update.is_ok(), "{:?}: {:?}\n{}", operation, update.err(), text);
        let update = update.unwrap();
        let new = update.document.text();
        prop_assert_eq!(apply(&text, &update.splices), new);
        prop_assert_eq!(update.document.session(), &after);
        let replans = matches!(operation, maestro_testutils::Operation::Adjust(..));
        if !replans {
            for n in 1..=comments {
                let comment = format!("# note {n} ");
                prop_assert!(new.contains(&comment), "lost {}\n{}\n{}", comment, text, new);
            }
        }
        if text.contains("\r\n") {
            prop_assert_eq!(new.matches('\n').count(), new.matches("\r\n").count());
        }
    }
}
