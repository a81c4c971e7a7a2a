//! Input that breaks other tools: each gets an error that says where and what to do, and changes nothing.

use std::fmt::Write as _;

use insta::assert_snapshot;
use maestro_cli::ExitCode;

use crate::env::{PLAN, TestEnv};

const SESSION: &str = "docs/maestro/state/active-session.md";

/// Runs a reading and a changing command on a session file with `content`, and shows what they say.
fn told_of(content: &[u8]) -> String {
    let env = TestEnv::new();
    env.ok(["init"]);
    env.write(SESSION, content);
    told(&env)
}

fn told(env: &TestEnv) -> String {
    let before = env.listing();
    let status = env.run(["status"]);
    assert_eq!(status.code, ExitCode::CORRUPT, "{status}");
    let start = env.run(["phase", "start", "1"]);
    assert_eq!(start.code, ExitCode::CORRUPT, "{start}");
    let new = env.run(["new", "x", "--plan", "plan.md"]);
    assert_ne!(new.code, ExitCode::DONE, "an unreadable session is never replaced: {new}");
    let archive = env.run(["archive"]);
    assert_eq!(archive.code, ExitCode::CORRUPT, "{archive}");
    let doctor = env.run(["doctor"]);
    assert_eq!(doctor.code, ExitCode::CORRUPT, "{doctor}");
    assert!(doctor.stdout.contains("SESSION_FILE_CORRUPT"), "{doctor}");
    assert_eq!(env.listing(), before, "nothing changes");
    for ended in [&status, &start, &archive] {
        assert!(ended.stderr.contains("active-session.md"), "the file is named: {ended}");
        assert!(ended.stderr.contains("hint: "), "there is a way out: {ended}");
    }
    // The way out for whoever does not want to mend it: the file is put away as it is, and work goes on.
    let archive = env.run(["archive", "--force"]);
    assert_eq!(archive.code, ExitCode::DONE, "{archive}");
    assert_eq!(env.run(["status"]).code, ExitCode::NO_SESSION);
    status.stderr
}

/// A session file as we write it.
fn sound() -> String {
    TestEnv::with_session().read(SESSION)
}

#[test]
fn an_empty_session_file() {
    assert_snapshot!(told_of(b""), @"
    error: `[root]/project/docs/maestro/state/active-session.md` is not a valid session
      caused by: line 1: the file is empty

    hint: mend the file where the error points, or let `maestro doctor --fix` put the last recorded text back (what is there now goes to the quarantine)
    ");
}

#[test]
fn a_session_file_that_is_cut_off() {
    let text = sound();
    assert_snapshot!(told_of(&text.as_bytes()[..text.len() / 3]), @"
    error: `[root]/project/docs/maestro/state/active-session.md` is not a valid session
      caused by: line 37: the front matter is not closed: a line `---` is missing, the file may be cut off

    hint: mend the file where the error points, or let `maestro doctor --fix` put the last recorded text back (what is there now goes to the quarantine)
    ");
}

#[test]
fn a_session_file_that_is_not_utf_8() {
    let text = sound().replace("HTTP layer", "HTTP l\u{e4}yer");
    let latin1: Vec<u8> =
        text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'-')).collect();
    assert_snapshot!(told_of(&latin1), @"
    error: `[root]/project/docs/maestro/state/active-session.md` is not UTF-8 text: line 67 has an illegal byte at offset 1412

    hint: correct `[root]/project/docs/maestro/state/active-session.md` by hand, or let `maestro doctor --fix` put the last recorded text back (what is there now goes to the quarantine)
    ");
}

#[test]
fn a_session_file_of_200_megabytes() {
    let env = TestEnv::new();
    env.ok(["init"]);
    env.write(SESSION, sound());
    let file = fs_err::OpenOptions::new().write(true).open(env.session_file()).unwrap();
    file.set_len(200 * 1024 * 1024).unwrap();
    assert_snapshot!(told(&env), @"
    error: `[root]/project/docs/maestro/state/active-session.md` has 209715200 bytes, more than the 67108864 of the largest document

    hint: correct `[root]/project/docs/maestro/state/active-session.md` by hand, or let `maestro doctor --fix` put the last recorded text back (what is there now goes to the quarantine)
    ");
}

#[test]
fn a_session_file_with_a_bomb_of_aliases() {
    let mut text = "---\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let before = format!("*a{}", n - 1);
        writeln!(text, "a{n}: &a{n} [{}]", [before.as_str(); 10].join(", ")).unwrap();
    }
    text += "---\n";
    assert_snapshot!(told_of(text.as_bytes()), @"
    error: `[root]/project/docs/maestro/state/active-session.md` is not a valid session
      caused by: line 2, column 1: repetition limit exceeded

    hint: mend the file where the error points, or let `maestro doctor --fix` put the last recorded text back (what is there now goes to the quarantine)
    ");
}

#[test]
fn a_session_file_with_endless_nesting() {
    let text = format!("---\nphases: {}\n---\n", "[".repeat(100_000));
    assert_snapshot!(told_of(text.as_bytes()), @"
    error: `[root]/project/docs/maestro/state/active-session.md` is not a valid session
      caused by: line 2, column 264: recursion limit exceeded

    hint: mend the file where the error points, or let `maestro doctor --fix` put the last recorded text back (what is there now goes to the quarantine)
    ");
}

#[test]
fn a_session_file_with_two_documents() {
    let text = sound().replacen("\nphases:", "\n--- \nphases:", 1);
    let text = text.replacen("\n--- \n", "\n...\n--- !x\n", 1);
    assert_snapshot!(told_of(text.as_bytes()), @"
    error: `[root]/project/docs/maestro/state/active-session.md` is not a valid session
      caused by: line 21, column 1: a second YAML document begins here; a session is one

    hint: mend the file where the error points, or let `maestro doctor --fix` put the last recorded text back (what is there now goes to the quarantine)
    ");
}

#[test]
fn a_session_file_with_a_key_twice() {
    let text = sound().replacen("\ncreated:", "\ntask: \"another\"\ncreated:", 1);
    assert_snapshot!(told_of(text.as_bytes()), @"
    error: `[root]/project/docs/maestro/state/active-session.md` is not a valid session
      caused by: line 4, column 1: duplicate field `task`

    hint: mend the file where the error points, or let `maestro doctor --fix` put the last recorded text back (what is there now goes to the quarantine)
    ");
}

#[test]
fn a_session_file_with_a_status_that_is_none() {
    let text = sound().replacen("status: \"pending\"", "status: \"almost\"", 1);
    assert_snapshot!(told_of(text.as_bytes()), @"
    error: `[root]/project/docs/maestro/state/active-session.md` is not a valid session
      caused by: line 24, column 13: `phases[0].status`: unknown variant `almost`, expected one of `pending`, `in_progress`, `completed`, `failed`, `skipped`

    hint: mend the file where the error points, or let `maestro doctor --fix` put the last recorded text back (what is there now goes to the quarantine)
    ");
}

/// Checks a plan and tries to begin a session with it, and shows what is said.
fn told_of_plan(plan: &str) -> String {
    let env = TestEnv::new();
    env.write("plan.md", plan);
    let before = env.listing();
    let new = env.run(["new", "Rate limiting", "--plan", "plan.md"]);
    let check = env.run(["plan", "check", "plan.md"]);
    assert_eq!(env.listing(), before, "nothing changes");
    assert_eq!((new.code, check.code), (ExitCode::REFUSED, ExitCode::REFUSED), "{new}\n{check}");
    for ended in [&new, &check] {
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert!(said.contains("plan.md"), "the plan is named: {ended}");
        assert!(said.contains("hint: "), "there is a way out: {ended}");
    }
    format!("{new}\n{check}")
}

#[test]
fn a_plan_with_an_id_twice() {
    assert_snapshot!(told_of_plan(&PLAN.replace("Phase 3:", "Phase 2:")), @r#"
    ------- stderr
    error: `plan.md` breaks the rules of plans, and nothing was made of it
    plan.md:27: error: the id 2 is taken by another phase in line 13
      hint: give each phase an id of its own; 1 and "1" are one id
    plan.md:41: error: phase 4 waits for 3, which is no phase
      hint: the phases are 1, 2, 2, 4

    hint: mend the plan until `maestro plan check plan.md` accepts it
    [exit status: 1]
    plan.md: refused
    plan.md:27: error: the id 2 is taken by another phase in line 13
      hint: give each phase an id of its own; 1 and "1" are one id
    plan.md:41: error: phase 4 waits for 3, which is no phase
      hint: the phases are 1, 2, 2, 4
    [exit status: 1]
    "#);
}

#[test]
fn a_plan_with_a_blocker_that_does_not_exist() {
    assert_snapshot!(told_of_plan(&PLAN.replace("Blocked by: 2, 3", "Blocked by: 2, 5")), @"
    ------- stderr
    error: `plan.md` breaks the rules of plans, and nothing was made of it
    plan.md:41: error: phase 4 waits for 5, which is no phase
      hint: the phases are 1, 2, 3, 4

    hint: mend the plan until `maestro plan check plan.md` accepts it
    [exit status: 1]
    plan.md: refused
    plan.md:41: error: phase 4 waits for 5, which is no phase
      hint: the phases are 1, 2, 3, 4
    [exit status: 1]
    ");
}

#[test]
fn a_plan_that_goes_in_circles() {
    assert_snapshot!(told_of_plan(&PLAN.replace("Blocked by: None", "Blocked by: 4")), @"
    ------- stderr
    error: `plan.md` breaks the rules of plans, and nothing was made of it
    plan.md:3: error: phases wait for each other in a circle: 1 → 4 → 2 → 1
      hint: remove one of these blockers

    hint: mend the plan until `maestro plan check plan.md` accepts it
    [exit status: 1]
    plan.md: refused
    plan.md:3: error: phases wait for each other in a circle: 1 → 4 → 2 → 1
      hint: remove one of these blockers
    [exit status: 1]
    ");
}

#[test]
fn a_plan_in_which_two_phases_own_a_file() {
    assert_snapshot!(told_of_plan(&PLAN.replace("src/http.rs", "./src/../src/limit.rs")), @"
    ------- stderr
    error: `plan.md` breaks the rules of plans, and nothing was made of it
    plan.md:27: error: `src/limit.rs` belongs to phases 2 and 3, which may run at the same time
      hint: let one wait for the other (`Blocked by: 2` in phase 3), or give the file to one of them

    hint: mend the plan until `maestro plan check plan.md` accepts it
    [exit status: 1]
    plan.md: refused
    plan.md:27: error: `src/limit.rs` belongs to phases 2 and 3, which may run at the same time
      hint: let one wait for the other (`Blocked by: 2` in phase 3), or give the file to one of them

    4 phases in 3 batches
      batch 1  phase 1
      batch 2  phases 2, 3  side by side
      batch 3  phase 4
    critical path: 1 → 2 → 4
    [exit status: 1]
    ");
}

#[test]
fn a_plan_without_phases() {
    assert_snapshot!(told_of_plan("# A plan\n\nTo be done.\n"), @"
    ------- stderr
    error: `[root]/project/plan.md` is not a readable plan
      caused by: the plan has no phases

    hint: write a heading for each phase:

      ## Phase 1: <name>
      ### Agent: <agent>
      ### Files to Create
      - `path/to/file`
      ### Dependencies
      - Blocked by: None

      or list the phases in the front matter:

      ---
      phases:
        - id: 1
          name: <name>
          agent: <agent>
          files: [path/to/file]
          blocked_by: []
      ---
    [exit status: 1]
    ------- stderr
    error: `[root]/project/plan.md` is not a readable plan
      caused by: the plan has no phases

    hint: write a heading for each phase:

      ## Phase 1: <name>
      ### Agent: <agent>
      ### Files to Create
      - `path/to/file`
      ### Dependencies
      - Blocked by: None

      or list the phases in the front matter:

      ---
      phases:
        - id: 1
          name: <name>
          agent: <agent>
          files: [path/to/file]
          blocked_by: []
      ---
    [exit status: 1]
    ");
    assert_snapshot!(told_of_plan(""), @"
    ------- stderr
    error: `[root]/project/plan.md` is not a readable plan
      caused by: the plan has no phases

    hint: write a heading for each phase:

      ## Phase 1: <name>
      ### Agent: <agent>
      ### Files to Create
      - `path/to/file`
      ### Dependencies
      - Blocked by: None

      or list the phases in the front matter:

      ---
      phases:
        - id: 1
          name: <name>
          agent: <agent>
          files: [path/to/file]
          blocked_by: []
      ---
    [exit status: 1]
    ------- stderr
    error: `[root]/project/plan.md` is not a readable plan
      caused by: the plan has no phases

    hint: write a heading for each phase:

      ## Phase 1: <name>
      ### Agent: <agent>
      ### Files to Create
      - `path/to/file`
      ### Dependencies
      - Blocked by: None

      or list the phases in the front matter:

      ---
      phases:
        - id: 1
          name: <name>
          agent: <agent>
          files: [path/to/file]
          blocked_by: []
      ---
    [exit status: 1]
    ");
}

#[test]
fn a_plan_outside_the_workspace() {
    let env = TestEnv::new();
    env.write("../plan.md", PLAN);
    let before = env.listing();
    assert_snapshot!(env.run(["new", "x", "--plan", "../plan.md"]), @"
    ------- stderr
    error: `[root]/plan.md` lies outside the directory that it must stay in

    hint: give a path that stays inside after links are resolved
    [exit status: 2]
    ");
    assert_eq!(env.listing(), before);
}

/// Tries to begin a session where the state dir is unusable, and shows what is said.
fn told_of_state_dir(env: &TestEnv) -> String {
    env.write("plan.md", PLAN);
    let before = env.listing();
    let mut said = String::new();
    for ended in
        [env.run(["init"]), env.run(["new", "x", "--plan", "plan.md"]), env.run(["status"])]
    {
        assert!(matches!(ended.code, ExitCode::REFUSED | ExitCode::USAGE), "{ended}");
        assert!(ended.stderr.contains("hint: "), "there is a way out: {ended}");
        writeln!(said, "{ended}").unwrap();
    }
    assert_eq!(env.listing(), before, "nothing changes");
    said
}

#[cfg(unix)]
#[test]
fn a_state_dir_that_is_a_link() {
    let env = TestEnv::new();
    env.write("docs/readme", "");
    env.write("../elsewhere/readme", "");
    fs_err::os::unix::fs::symlink(env.path("../elsewhere"), env.path("docs/maestro")).unwrap();
    assert_snapshot!(told_of_state_dir(&env), @"
    ------- stderr
    error: `[root]/project/docs/maestro` is a symbolic link, which is not followed inside the state dir

    hint: replace `[root]/project/docs/maestro` by what it points to, or set MAESTRO_STATE_DIR to a path without links
    [exit status: 1]
    ------- stderr
    error: `[root]/project/docs/maestro` is a symbolic link, which is not followed inside the state dir

    hint: replace `[root]/project/docs/maestro` by what it points to, or set MAESTRO_STATE_DIR to a path without links
    [exit status: 1]
    ------- stderr
    error: `[root]/project/docs/maestro` is a symbolic link, which is not followed inside the state dir

    hint: replace `[root]/project/docs/maestro` by what it points to, or set MAESTRO_STATE_DIR to a path without links
    [exit status: 1]
    ");
}

#[test]
fn a_state_dir_that_is_a_file() {
    let env = TestEnv::new();
    env.write("docs/maestro", "a file");
    assert_snapshot!(told_of_state_dir(&env), @"
    ------- stderr
    error: `[root]/project/docs/maestro` is not a directory

    hint: move `[root]/project/docs/maestro` out of the way, or set MAESTRO_STATE_DIR to another path
    [exit status: 1]
    ------- stderr
    error: `[root]/project/docs/maestro` is not a directory

    hint: move `[root]/project/docs/maestro` out of the way, or set MAESTRO_STATE_DIR to another path
    [exit status: 1]
    ------- stderr
    error: `[root]/project/docs/maestro` is not a directory

    hint: move `[root]/project/docs/maestro` out of the way, or set MAESTRO_STATE_DIR to another path
    [exit status: 1]
    ");
}

#[test]
fn a_state_dir_outside_the_workspace() {
    for dir in ["../elsewhere", "/var/lib/maestro", "docs/../../elsewhere"] {
        let mut env = TestEnv::new();
        env.set("MAESTRO_STATE_DIR", dir);
        let said = told_of_state_dir(&env);
        assert!(said.contains(dir), "{said}");
        assert!(said.contains("MAESTRO_STATE_DIR"), "{said}");
    }
}

#[cfg(unix)]
#[test]
fn a_state_dir_that_is_read_only() {
    use std::os::unix::fs::PermissionsExt as _;

    let env = TestEnv::with_session();
    let dir = env.path("docs/maestro/state");
    let set = |mode| {
        fs_err::set_permissions(&dir, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    set(0o500);
    if fs_err::File::create_new(dir.join("probe")).is_ok() {
        // Root may write everywhere: there is nothing to see.
        fs_err::remove_file(dir.join("probe")).unwrap();
        set(0o700);
        return;
    }
    let before = env.listing();
    let ended = env.run(["phase", "start", "1"]);
    let after = env.listing();
    set(0o700);
    assert_eq!(ended.code, ExitCode::REFUSED, "{ended}");
    assert!(ended.stderr.contains("docs/maestro/state"), "{ended}");
    assert_eq!(after, before);
}

#[test]
fn ids_that_are_paths() {
    let env = TestEnv::new();
    env.write("plan.md", PLAN);
    let before = env.listing();
    let mut said = String::new();
    for id in ["../x", "a/b", "", ".", "x\ny", "\u{1b}[31m", "C:x"] {
        let ended = env.run(["new", "x", "--plan", "plan.md", "--id", id]);
        assert_eq!(ended.code, ExitCode::USAGE, "{ended}");
        said += ended.stderr.lines().next().unwrap_or_default();
        said += "\n";
    }
    assert_eq!(env.listing(), before);
    assert_snapshot!(said, @r"
    error: invalid value '../x' for '--id <ID>': `../x` is not a session id: use 1 to 128 ASCII letters, digits, `-` and `_`
    error: invalid value 'a/b' for '--id <ID>': `a/b` is not a session id: use 1 to 128 ASCII letters, digits, `-` and `_`
    error: invalid value '' for '--id <ID>': `` is not a session id: use 1 to 128 ASCII letters, digits, `-` and `_`
    error: invalid value '.' for '--id <ID>': `.` is not a session id: use 1 to 128 ASCII letters, digits, `-` and `_`
    error: invalid value 'x
    error: invalid value '' for '--id <ID>': `\u{1b}[31m` is not a session id: use 1 to 128 ASCII letters, digits, `-` and `_`
    error: invalid value 'C:x' for '--id <ID>': `C:x` is not a session id: use 1 to 128 ASCII letters, digits, `-` and `_`
    ");
}
