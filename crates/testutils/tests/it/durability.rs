//! What the loss of power leaves of a disk in memory.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use maestro_state_store::disk::{Access, Disk as _, DiskFile, Privacy};
use maestro_testutils::{Call, Image, Reach, SimDisk};

const ROOT: &str = "/home/u/app";

fn disk() -> SimDisk {
    let disk = SimDisk::new(Path::new(ROOT));
    disk.make_dirs(Path::new("/home/u/app/d"));
    disk
}

fn at(name: &str) -> PathBuf {
    Path::new(ROOT).join(name)
}

fn create(disk: &SimDisk, name: &str, text: &str) -> Box<dyn DiskFile> {
    let mut file = disk.open(&at(name), Access::CreateNew).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

/// The files of a disk, as `name=text`, in one line.
fn line(disk: &SimDisk) -> String {
    let files = disk.files().into_iter().map(|(path, bytes)| {
        let name = path.strip_prefix(ROOT).unwrap().display().to_string();
        format!("{name}={}", String::from_utf8_lossy(&bytes).replace('\0', "0"))
    });
    files.collect::<Vec<_>>().join(" ")
}

fn lines(images: &[Image]) -> BTreeSet<String> {
    images.iter().map(|image| line(&image.disk())).collect()
}

fn left(disk: &SimDisk) -> BTreeSet<String> {
    lines(&disk.snapshot().after_power_loss())
}

fn set(lines: &[&str]) -> BTreeSet<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

#[test]
fn what_was_not_synced_may_be_there_in_any_part() {
    let disk = disk();
    let mut file = create(&disk, "a", "0");
    file.sync_all().unwrap();
    disk.sync_dir(Path::new(ROOT)).unwrap();
    assert_eq!(left(&disk), set(&["a=0"]));
    file.write_all(b"12").unwrap();
    assert_eq!(left(&disk), set(&["a=0", "a=01", "a=000", "a=002", "a=012"]));
    file.write_all(b"34").unwrap();
    let expected = [
        "a=0", "a=012", "a=01", "a=0123", "a=00034", "a=00234", "a=01200", "a=01204", "a=00000",
        "a=01234",
    ];
    assert_eq!(left(&disk), set(&expected));
    file.sync_data().unwrap();
    assert_eq!(left(&disk), set(&["a=01234"]));
    file.set_len(1).unwrap();
    assert_eq!(left(&disk), set(&["a=01234", "a=0"]));
}

#[test]
fn a_file_that_is_written_over_keeps_its_old_bytes_or_has_the_new() {
    let disk = disk();
    disk.put(&at("a"), b"old", Reach::Disk);
    let mut file = disk.open(&at("a"), Access::Overwrite).unwrap();
    file.write_all(b"newer").unwrap();
    assert_eq!(left(&disk), set(&["a=old", "a=ned", "a=old00", "a=olwer", "a=newer"]));
}

#[test]
fn a_file_that_is_synced_may_have_no_name() {
    let disk = disk();
    create(&disk, "a", "x").sync_all().unwrap();
    assert_eq!(left(&disk), set(&["", "a=x"]));
    disk.sync_dir(Path::new(ROOT)).unwrap();
    assert_eq!(left(&disk), set(&["a=x"]));
}

#[test]
fn a_name_that_is_synced_may_have_no_bytes() {
    let disk = disk();
    drop(create(&disk, "a", "xy"));
    disk.sync_dir(Path::new(ROOT)).unwrap();
    assert_eq!(left(&disk), set(&["a=", "a=x", "a=00", "a=0y", "a=xy"]));
}

#[test]
fn changes_of_a_directory_are_whole_but_in_any_order() {
    let disk = disk();
    disk.put(&at("a"), b"1", Reach::Disk);
    disk.put(&at("b"), b"2", Reach::Disk);
    disk.exchange(&at("a"), &at("b")).map(drop).unwrap();
    assert_eq!(left(&disk), set(&["a=1 b=2", "a=2 b=1"]));
    disk.remove_file(&at("a")).unwrap();
    assert_eq!(left(&disk), set(&["a=1 b=2", "a=2 b=1", "b=2", "b=1"]));
    disk.sync_dir(Path::new(ROOT)).unwrap();
    assert_eq!(left(&disk), set(&["b=1"]));
}

#[test]
fn a_file_has_one_name_in_a_directory() {
    let disk = disk();
    disk.put(&at("a"), b"1", Reach::Disk);
    disk.rename(&at("a"), &at("b")).unwrap();
    disk.rename(&at("b"), &at("c")).unwrap();
    assert_eq!(left(&disk), set(&["a=1", "b=1", "c=1"]));
}

#[test]
fn a_file_that_goes_to_another_directory_is_never_lost() {
    for first in [ROOT, "/home/u/app/d"] {
        let disk = disk();
        disk.put(&at("a"), b"1", Reach::Disk);
        disk.rename_new(&at("a"), &at("d/b")).unwrap();
        let anywhere = set(&["a=1", "a=1 d/b=1", "d/b=1"]);
        assert_eq!(left(&disk), anywhere);
        disk.sync_dir(Path::new(first)).unwrap();
        let expected = if first == ROOT { anywhere } else { set(&["a=1 d/b=1", "d/b=1"]) };
        assert_eq!(left(&disk), expected, "{first}");
        let other = if first == ROOT { "/home/u/app/d" } else { ROOT };
        disk.sync_dir(Path::new(other)).unwrap();
        assert_eq!(left(&disk), set(&["d/b=1"]), "{first}");
    }
}

#[test]
fn a_name_that_was_left_may_be_used_again_and_loses_nothing() {
    let disk = disk();
    disk.put(&at("a"), b"1", Reach::Disk);
    disk.rename_new(&at("a"), &at("d/b")).unwrap();
    disk.put(&at("a"), b"2", Reach::Disk);
    assert_eq!(left(&disk), set(&["a=2 d/b=1"]));
}

#[test]
fn a_directory_that_is_gone_takes_along_what_is_in_it() {
    let disk = disk();
    disk.create_dir(&at("e"), Privacy::Private).unwrap();
    create(&disk, "e/a", "x").sync_all().unwrap();
    disk.sync_dir(&at("e")).unwrap();
    assert_eq!(left(&disk), set(&["", "e/a=x"]));
}

#[test]
fn a_death_loses_nothing_and_makes_nothing_durable() {
    let disk = disk();
    drop(create(&disk, "a", "xy"));
    let killed = disk.snapshot().after_kill().disk();
    assert_eq!(line(&killed), "a=xy");
    assert_eq!(left(&killed), left(&disk));
}

#[test]
fn every_instant_is_recorded_and_the_middle_of_each_write() {
    let disk = disk();
    disk.record();
    let mut file = create(&disk, "a", "xy");
    disk.acknowledge();
    file.sync_all().unwrap();
    let recorded = disk.stop_recording();
    let now: Vec<String> = recorded.iter().map(|now| line(&now.after_kill().disk())).collect();
    assert_eq!(now, ["", "a=", "a=x", "a=xy", "a=xy"]);
    let acknowledged: Vec<usize> =
        recorded.iter().map(|snapshot| snapshot.progress().acknowledged).collect();
    assert_eq!(acknowledged, [0, 0, 0, 1, 1]);
}

#[test]
fn many_changes_leave_a_selection_that_is_always_the_same() {
    let disk = disk();
    for n in 0..9 {
        create(&disk, &format!("f{n}"), "text").sync_all().unwrap();
        drop(create(&disk, &format!("d/f{n}"), "text"));
    }
    let first = left(&disk);
    assert_eq!(first, left(&disk));
    assert!(first.contains("") && first.contains(&line(&disk)));
    assert!((40..1000).contains(&first.len()), "{}", first.len());
}

#[test]
fn a_deed_is_done_before_the_call_or_in_the_middle_of_the_write() {
    let disk = disk();
    let mut file = create(&disk, "a", "");
    disk.count_calls();
    let (seen, hand) = (Arc::new(Mutex::new(String::new())), disk.clone());
    let found = Arc::clone(&seen);
    disk.at(0, move || *found.lock().unwrap() = line(&hand));
    let hand = disk.clone();
    disk.before(Call::Sync, move || hand.put(&at("b"), b"2", Reach::Cache));
    file.write_all(b"xy").unwrap();
    assert_eq!((seen.lock().unwrap().as_str(), line(&disk).as_str()), ("a=x", "a=xy"));
    file.sync_all().unwrap();
    assert_eq!(line(&disk), "a=xy b=2");
}
