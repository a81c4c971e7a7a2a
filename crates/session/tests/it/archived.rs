//! Archived sessions are found and read where they are, and nothing that helps to find them is in anybody's way.

use maestro_session::{ArchivedFilter, Content, LogFilter, Page, Query};
use maestro_session_model::SessionStatus;
use maestro_testutils::samples;

use crate::fixture::{FORCE, Fixture, code};

fn archived(name: &str) -> String {
    format!("docs/maestro/state/archive/{name}")
}

/// The ids of the archived sessions that a filter admits.
fn ids(fixture: &Fixture, filter: &ArchivedFilter) -> Vec<String> {
    let list = fixture.workspace().archived(filter, Page::default(), &mut |_, _| {}).unwrap();
    list.sessions.into_iter().map(|session| session.id).collect()
}

fn found(fixture: &Fixture, words: &[&str]) -> Vec<String> {
    let query = Query::parse(words.iter().copied()).unwrap();
    let all = ArchivedFilter::default();
    let found = fixture.workspace().search_archived(&query, &all, Page::default(), &mut |_, _| {});
    found.unwrap().hits.into_iter().map(|hit| hit.session.id).collect()
}

fn document(id: &str, task: &str, updated: &str, body: &str) -> String {
    format!(
        "---\nsession_id: {id}\ntask: {task}\ncreated: 2026-01-01T00:00:00Z\nupdated: {updated}\nstatus: failed\n\
         phases: []\n---\n{body}\n"
    )
}

#[test]
fn every_file_is_listed_and_foreign_ones_are_not() {
    let fixture = Fixture::begun();
    fixture.workspace().archive(FORCE).unwrap();
    for sample in samples() {
        fixture.write(&archived(sample.name), sample.text);
    }
    fixture.write(&archived("broken.md"), "---\nsession_id: x\n");
    fixture.write(&archived("strange.ledger.jsonl"), "{}\n");
    fixture.write(&archived("README.txt"), "mine\n");
    let all = ArchivedFilter::default();
    let list = fixture.workspace().archived(&all, Page::default(), &mut |_, _| {}).unwrap();
    assert_eq!(list.archived, samples().len() + 2);
    assert!(list.sessions.is_sorted_by(|a, b| a.time >= b.time), "the newest comes first");
    let broken = list.sessions.iter().find(|session| session.id == "broken").unwrap();
    assert!(
        matches!(&broken.content, Content::Unreadable { problem } if problem.contains("line 2"))
    );
    let failed = ArchivedFilter { status: Some(SessionStatus::Failed), ..all.clone() };
    assert_eq!(ids(&fixture, &failed), [""; 0]);
    for session in &list.sessions {
        if session.id != "broken" {
            let view = fixture.workspace().archived_session(&session.id).unwrap();
            assert_eq!(Some(view.session.updated), session.time);
        }
    }
}

#[test]
fn pages_cover_all_and_do_not_overlap() {
    let fixture = Fixture::new();
    for n in 0..7 {
        let updated = format!("2026-01-0{}T00:00:00Z", n / 2 + 1);
        fixture.write(&archived(&format!("s-{n}.md")), document("s", "t", &updated, ""));
    }
    let all = ArchivedFilter::default();
    let mut seen = Vec::new();
    for offset in (0..9).step_by(3) {
        let page = Page { offset, limit: Some(3) };
        let list = fixture.workspace().archived(&all, page, &mut |_, _| {}).unwrap();
        assert_eq!((list.total, list.offset), (7, offset));
        seen.extend(list.sessions.into_iter().map(|session| session.id));
    }
    assert_eq!(seen, ["s-6", "s-4", "s-5", "s-2", "s-3", "s-0", "s-1"]);
    assert_eq!(seen, ids(&fixture, &all));
    let until = ArchivedFilter { until: "2026-01-02T00:00:00Z".parse().ok(), ..all.clone() };
    assert_eq!(ids(&fixture, &until), ["s-2", "s-3", "s-0", "s-1"]);
    let since = ArchivedFilter { since: "2026-01-03T00:00:00Z".parse().ok(), ..until };
    assert_eq!(ids(&fixture, &since), [""; 0]);
}

#[test]
fn the_better_place_comes_first_and_then_the_newer() {
    let fixture = Fixture::new();
    let new = "2026-01-03T00:00:00Z";
    let old = "2026-01-02T00:00:00Z";
    fixture.write(&archived("in-body.md"), document("a", "t", new, &"bucket\n".repeat(99)));
    fixture.write(&archived("in-task.md"), document("b", "a Bucket", old, ""));
    fixture.write(&archived("older.md"), document("c", "t", old, &"bucket\n".repeat(99)));
    fixture.write(&archived("once.md"), document("d", "t", new, "bucket"));
    fixture.write(&archived("broken.md"), "---\ntask: bucket\n");
    assert_eq!(found(&fixture, &["bucket"])[0], "broken", "its file is the newest");
    let order = found(&fixture, &["bucket"]);
    assert_eq!(order[1..], ["in-task", "in-body", "older", "once"]);
    assert_eq!(found(&fixture, &["bucket", "absent"]), [""; 0]);
}

#[test]
fn the_index_is_in_nobodys_way_and_nobody_writes_it() {
    let fixture = Fixture::begun();
    fixture.write(&archived(".index"), "junk");
    let before = fixture.text(&archived(".index"));
    let workspace = fixture.workspace();
    assert_eq!(code(workspace.write_state("state/archive/.index", b"x")), "PROTECTED");
    let receipt = workspace.archive(FORCE).unwrap();
    assert!(receipt.archive_path.ends_with("limiter.md"));
    assert_eq!(ids(&fixture, &ArchivedFilter::default()).len(), 1);
    assert!(fixture.workspace().doctor(true, &mut |_, _| {}).unwrap().findings.is_empty());
    fixture.workspace().restore("2026").unwrap();
    fixture.workspace().archive(FORCE).unwrap();
    fixture.create().unwrap();
    assert_eq!(fixture.text(&archived(".index")), before, "few sessions need none");
}

#[test]
fn looking_changes_nothing() {
    let fixture = Fixture::begun();
    fixture.workspace().archive(FORCE).unwrap();
    let before = fixture.snapshot();
    let workspace = fixture.workspace();
    assert_eq!(ids(&fixture, &ArchivedFilter::default()).len(), 1);
    assert_eq!(found(&fixture, &["bucket"]).len(), 1);
    workspace.archived_session("2026").unwrap();
    workspace.archived_document("2026").unwrap();
    assert_eq!(workspace.archived_log("2026", &LogFilter::default()).unwrap().entries.len(), 2);
    assert_eq!(fixture.snapshot(), before);
}
