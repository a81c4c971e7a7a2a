//! The operations, each on a state dir in which it has much to do.

use std::cell::OnceCell;

use maestro_session::{
    AcceptedConflicts, Consent, DocumentSource, NewSessionRequest, PlanSource, SessionError,
    Workspace,
};
use maestro_session_model::{Adjustment, Command, SessionId, read_plan};
use maestro_testutils::{Reach, SecondCrash, SimDisk};

use crate::fixture::{ARCHIVE, FORCE, PLAN, complete, fail, id, retry, skip, start, transition};
use crate::power::world::{FILE, JOURNAL, at, bare, begun, open, put, request, text};

type Prepare = Box<dyn Fn(&SimDisk)>;
pub(crate) type Operation = Box<dyn Fn(&Workspace) -> Result<(), SessionError>>;

/// What brings a disk in order after something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settles {
    NextCommand,
    Repair,
}

pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    from: fn() -> SimDisk,
    disk: OnceCell<SimDisk>,
    prepare: Prepare,
    pub(crate) operation: Operation,
    pub(crate) settles: Settles,
    /// Which recoveries are interrupted in turn. Commands that go the same way through the store need not all be tried so.
    pub(crate) second_crash: SecondCrash,
    /// What may be left of an operation that has not happened.
    pub(crate) may_leave: &'static [&'static str],
    /// What has come about on the way, if that is a state of its own: an operation that is two has an end of the first.
    pub(crate) half: Option<Operation>,
    /// Whether it is in the journal, so that whoever sees it has made sure that it is durable.
    pub(crate) is_recorded: bool,
}

impl Scenario {
    /// A disk on which the operation can be done, all of it durable.
    pub(crate) fn prepared(&self) -> SimDisk {
        let disk = self.disk.get_or_init(|| {
            let disk = (self.from)();
            (self.prepare)(&disk);
            disk.sync_everything();
            disk
        });
        disk.copy()
    }
}

fn scenario(
    name: &'static str,
    prepare: impl Fn(&SimDisk) + 'static,
    operation: impl Fn(&Workspace) -> Result<(), SessionError> + 'static,
) -> Scenario {
    Scenario {
        name,
        from: begun,
        disk: OnceCell::new(),
        prepare: Box::new(prepare),
        operation: Box::new(operation),
        settles: Settles::NextCommand,
        second_crash: SecondCrash::AfterDeath,
        may_leave: &[],
        half: None,
        is_recorded: true,
    }
}

/// A command on a session on which others were carried out before.
fn command(name: &'static str, before: Vec<Command>, command: Command) -> Scenario {
    Scenario {
        second_crash: SecondCrash::Never,
        ..scenario(name, move |disk| apply(disk, &before), move |w| w.apply(&command).map(drop))
    }
}

fn apply(disk: &SimDisk, commands: &[Command]) {
    for command in commands {
        open(disk).apply(command).unwrap();
    }
}

fn done() -> Vec<Command> {
    let mut commands = vec![start("1"), complete("1", "src/a.rs")];
    commands.extend(["2", "3", "review"].map(|phase| skip(phase, true)));
    commands
}

fn reconcile() -> Command {
    let Command::Complete { phase, handoff } = complete("1", "src/more.rs") else { unreachable!() };
    Command::Reconcile { phase, handoff, reason: None }
}

/// Saves the session file by hand, durably.
fn edit(disk: &SimDisk, change: impl Fn(String) -> String) {
    let edited = change(text(disk, FILE));
    disk.replace(&at(FILE), edited.as_bytes(), Reach::Disk);
}

/// Everything that changes the session file.
pub(crate) fn operations() -> Vec<Scenario> {
    let adjustment = Adjustment { name: Some("Better".to_owned()), ..Adjustment::default() };
    let failed = || vec![start("1"), fail("1", "no answer")];
    vec![
        Scenario {
            from: bare,
            // The next one uses it.
            may_leave: &["docs/maestro/plans/plan.md"],
            ..scenario("create", |_| {}, |w| w.create_session(&request()).map(drop))
        },
        Scenario { second_crash: SecondCrash::Always, ..command("start", vec![], start("1")) },
        command("complete", vec![start("1")], complete("1", "src/a.rs")),
        command("transition", vec![start("1")], transition("1", "src/a.rs", &["2", "3"])),
        command("fail", vec![start("1")], fail("1", "no answer")),
        command("retry", failed(), retry("1")),
        command("skip", failed(), skip("1", true)),
        command(
            "redelegate",
            vec![start("1")],
            Command::Redelegate { phase: id("1"), agent: None, reason: None },
        ),
        scenario(
            "resume",
            |disk| apply(disk, &[start("1")]),
            |w| {
                // A document that cannot be read is a conflict, and no failure.
                let consent = Consent { brief: false, conflicts: AcceptedConflicts::All };
                w.resume(&consent, &mut |_, _| {}).map(drop)
            },
        ),
        command("adjust", vec![], Command::Adjust { phase: id("2"), changes: adjustment }),
        command("reconcile", vec![start("1"), complete("1", "src/a.rs")], reconcile()),
        command("abort", vec![start("1")], Command::Abort { by_user: true, reason: None }),
        scenario("undo", |disk| apply(disk, &[start("1")]), |w| w.undo(None).map(drop)),
        scenario(
            "undo of an older operation",
            |disk| apply(disk, &[skip("3", true), start("1"), complete("1", "src/a.rs")]),
            |w| w.undo(Some("2")).map(drop),
        ),
        scenario(
            "undo of an undo",
            |disk| {
                apply(disk, &[start("1")]);
                open(disk).undo(None).unwrap();
            },
            |w| w.undo(Some("3")).map(drop),
        ),
        scenario(
            "start after an edit by hand",
            |disk| edit(disk, |text| text + "by hand\n"),
            |w| w.apply(&start("1")).map(drop),
        ),
        scenario(
            "start after a late edit",
            |disk| {
                let late = text(disk, FILE) + "by hand\n";
                apply(disk, &[start("1"), complete("1", "src/a.rs")]);
                edit(disk, |_| late.clone());
            },
            |w| w.apply(&start("2")).map(drop),
        ),
        scenario(
            "state write of the session file",
            |disk| apply(disk, &[start("1")]),
            |w| {
                let text = w.active()?.unwrap_or_default() + "by command\n";
                w.write_state("state/active-session.md", text.as_bytes()).map(drop)
            },
        ),
        Scenario {
            is_recorded: false,
            ..scenario(
                "state write of a plan",
                |_| {},
                |w| w.write_state("plans/notes.md", b"# Notes\n").map(drop),
            )
        },
    ]
}

/// The session whose design is being worked out.
fn designed() -> SessionId {
    "2026-01-15-limits".parse().unwrap()
}

fn as_text(name: &str, text: &str) -> DocumentSource {
    DocumentSource::Text { name: name.parse().unwrap(), text: text.to_owned() }
}

fn approve(workspace: &Workspace) -> Result<(), SessionError> {
    workspace.approve_design(&designed(), &as_text("design.md", "# Design\n")).map(drop)
}

/// Everything that leads from a design to its session.
pub(crate) fn beginnings() -> Vec<Scenario> {
    const GATE: &str =
        "docs/maestro/state/2026-01-15-add-a-token-bucket-rate-limiter.design-gate.json";
    vec![
        Scenario {
            from: bare,
            may_leave: &["docs/maestro/plans/text.md"],
            ..scenario(
                "create from phases, with a plan that is a text and an approved design",
                |disk| approve(&open(disk)).unwrap(),
                |w| {
                    let request = NewSessionRequest {
                        id: Some(designed()),
                        plan: PlanSource::Phases {
                            phases: read_plan(PLAN).unwrap().phases,
                            document: Some(as_text("text.md", "# The plan\n")),
                        },
                        begins: true,
                        ..request()
                    };
                    w.create_session(&request).map(drop)
                },
            )
        },
        Scenario {
            from: bare,
            is_recorded: false,
            may_leave: &["docs/maestro/plans/design.md"],
            ..scenario("approve a design that is a text", |_| {}, approve)
        },
        Scenario {
            is_recorded: false,
            // A copy of what is still in its place.
            may_leave: &[
                "docs/maestro/state/quarantine/2026-01-15-add-a-token-bucket-rate-limiter.design-gate.json",
            ],
            ..scenario(
                "enter a damaged design gate",
                |disk| put(disk, GATE, "{\"session_id\": \"2026"),
                |w| {
                    // The doctor asks nothing of the gate of the active session.
                    let id = "2026-01-15-add-a-token-bucket-rate-limiter".parse()?;
                    w.enter_design_gate(&id).map(drop)
                },
            )
        },
    ]
}

/// Everything that puts a session away.
pub(crate) fn archivings() -> Vec<Scenario> {
    let gate = "docs/maestro/state/2026-01-15-add-a-token-bucket-rate-limiter.design-gate.json";
    vec![
        scenario(
            "archive",
            move |disk| {
                apply(disk, &done());
                put(disk, gate, "{}");
            },
            |w| w.archive(ARCHIVE).map(drop),
        ),
        scenario(
            "archive by force, where names are taken",
            |disk| {
                apply(disk, &[start("1")]);
                put(disk, "docs/maestro/plans/archive/plan.md", "another\n");
            },
            |w| w.archive(FORCE).map(drop),
        ),
        scenario("skip after an archiving that was interrupted, and an edit", interrupted, |w| {
            w.apply(&skip("3", true)).map(drop)
        }),
        Scenario {
            half: Some(Box::new(|w| w.archive(FORCE).map(drop))),
            may_leave: &["docs/maestro/plans/plan.md"],
            ..scenario("create in the place of another", |_| {}, |w| replace(w, "plan.md"))
        },
        Scenario {
            half: Some(Box::new(|w| w.archive(FORCE).map(drop))),
            may_leave: &["docs/maestro/plans/plan.md"],
            ..scenario(
                "create in the place of another, with its plan",
                |_| {},
                |w| replace(w, "docs/maestro/plans/plan.md"),
            )
        },
    ]
}

/// Archives the active session and creates another.
fn replace(workspace: &Workspace, plan: &str) -> Result<(), SessionError> {
    let request = NewSessionRequest {
        archive_active: Some(FORCE),
        plan: PlanSource::file(plan),
        task: "Something else".to_owned(),
        ..request()
    };
    workspace.create_session(&request).map(drop)
}

/// Leaves an archiving with nothing but its intent, whose mark has not come to the disk, and a plan that was edited since.
fn interrupted(disk: &SimDisk) {
    const PLAN: &str = "docs/maestro/plans/plan.md";
    apply(disk, &[start("1")]);
    let (session, plan) = (text(disk, FILE), text(disk, PLAN));
    archived(disk);
    let journal = text(disk, &format!("{ARCHIVED}.journal.jsonl"));
    let lines: Vec<&str> = journal.lines().collect();
    put(disk, JOURNAL, &(lines[..lines.len() - 2].join("\n") + "\n"));
    put(disk, FILE, &session);
    put(disk, PLAN, &(plan + "by hand\n"));
    for ending in ["md", "journal.jsonl"] {
        disk.take_away(&at(&format!("{ARCHIVED}.{ending}")), Reach::Disk);
    }
    disk.take_away(&at("docs/maestro/plans/archive/plan.md"), Reach::Disk);
}

/// Archives what is there.
fn archived(disk: &SimDisk) {
    open(disk).archive(FORCE).unwrap();
}

/// The name of the archived session, without its ending.
const ARCHIVED: &str = "docs/maestro/state/archive/2026-01-15-add-a-token-bucket-rate-limiter";

/// Everything that brings a session back.
pub(crate) fn restorations() -> Vec<Scenario> {
    let restore = |w: &Workspace| w.restore("2026-01-15").map(drop);
    vec![
        scenario(
            "restore",
            |disk| {
                apply(disk, &done());
                archived(disk);
                put(disk, &format!("{ARCHIVED}.ledger.jsonl"), "{}\n");
            },
            restore,
        ),
        scenario(
            "restore where the name of the plan is taken, of a file that was edited",
            |disk| {
                apply(disk, &[start("1")]);
                archived(disk);
                put(disk, "docs/maestro/plans/plan.md", "another\n");
                let edited = text(disk, &format!("{ARCHIVED}.md")) + "by hand\n";
                put(disk, &format!("{ARCHIVED}.md"), &edited);
            },
            restore,
        ),
        scenario(
            "restore of a session without a journal",
            |disk| {
                apply(disk, &[start("1")]);
                archived(disk);
                disk.take_away(&at(&format!("{ARCHIVED}.journal.jsonl")), Reach::Disk);
            },
            restore,
        ),
        scenario(
            "restore for the second time",
            |disk| {
                apply(disk, &[start("1")]);
                archived(disk);
                open(disk).restore("2026").unwrap();
                apply(disk, &[complete("1", "src/a.rs")]);
                archived(disk);
            },
            restore,
        ),
    ]
}

fn repair(name: &'static str, prepare: impl Fn(&SimDisk) + 'static) -> Scenario {
    let prepare = move |disk: &SimDisk| {
        apply(disk, &[start("1"), complete("1", "src/a.rs")]);
        prepare(disk);
    };
    let fix = |w: &Workspace| w.doctor(true, &mut |_, _| {}).map(drop);
    // The state store's own tests interrupt the recovery of each kind of write; here two of them stand for all.
    let second_crash = match name {
        "a missing session file" | "the file of another session" => SecondCrash::AfterDeath,
        _ => SecondCrash::Never,
    };
    Scenario { settles: Settles::Repair, second_crash, ..scenario(name, prepare, fix) }
}

/// Destroys a line of the journal, counted from the end.
fn damage(disk: &SimDisk, from_end: usize) {
    let journal = text(disk, JOURNAL);
    let mut lines: Vec<String> = journal.split_inclusive('\n').map(str::to_owned).collect();
    let at_line = lines.len() - 1 - from_end;
    lines[at_line] = lines[at_line].replacen("\"v\":1", "\"v\";1", 1);
    disk.put(&at(JOURNAL), lines.concat().as_bytes(), Reach::Disk);
}

/// Everything that the doctor repairs in more than one step.
pub(crate) fn repairs() -> Vec<Scenario> {
    vec![
        repair("a corrupt session file", |disk| edit(disk, |_| "garbage".to_owned())),
        repair("a missing session file", |disk| disk.take_away(&at(FILE), Reach::Disk)),
        repair("a journal that is damaged in the past", |disk| damage(disk, 3)),
        repair("a journal that is damaged at its end", |disk| damage(disk, 1)),
        repair("a damaged journal without a session file", |disk| {
            damage(disk, 1);
            disk.take_away(&at(FILE), Reach::Disk);
        }),
        repair("the file of another session", |disk| {
            edit(disk, |text| text.replacen("2026-01-15-add-a", "2026-01-16-other", 1));
        }),
        repair("a stranded gate and a strange temporary file", |disk| {
            put(disk, "docs/maestro/state/2026-01-01-x.design-gate.json", "{");
            put(disk, "docs/maestro/plans/.plan.md.tmp", "half a plan");
        }),
    ]
}
