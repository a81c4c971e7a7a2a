//! A disk in memory that fails, or does not do what it should.

use std::path::{Path, PathBuf};

use maestro_state_store::Disk as _;
use maestro_state_store::disk::{Access, Privacy};
use maestro_testutils::{Call, Reach, Role, SimDisk, Trouble, Weakness};

const STATE: &str = "/home/u/app/state";

fn disk() -> SimDisk {
    SimDisk::new(Path::new(STATE))
}

fn session() -> PathBuf {
    Path::new(STATE).join("active-session.md")
}

/// What the loss of power may leave of the session file.
fn left(disk: &SimDisk) -> Vec<Option<Vec<u8>>> {
    let images = disk.snapshot().after_power_loss();
    images.iter().map(|image| image.disk().bytes(&session())).collect()
}

#[test]
fn a_call_fails_once_and_a_write_has_written_half() {
    for trouble in Trouble::ALL {
        let disk = disk();
        let mut file = disk.open(&session(), Access::CreateNew).unwrap();
        disk.fail_at(1, trouble);
        file.write_all(b"12").unwrap();
        let failed = file.write_all(b"34").map_err(|error| error.kind());
        let (expected, bytes): (_, &[u8]) = match trouble {
            Trouble::TooManyFiles => (Ok(()), b"1234"),
            Trouble::ReadOnly => (Err(trouble.kind()), b"12"),
            Trouble::Full | Trouble::Io => (Err(trouble.kind()), b"123"),
        };
        assert_eq!((failed, disk.bytes(&session()).unwrap()), (expected, bytes.to_vec()));
        assert_eq!(disk.has_failed(), trouble != Trouble::TooManyFiles);
        file.sync_all().unwrap();
        assert_eq!(
            disk.log(),
            ["write active-session.md", "write active-session.md", "sync active-session.md"]
        );
    }
}

#[test]
fn a_disk_that_is_full_or_read_only_stays_so() {
    let disk = disk();
    let mut file = disk.open(&session(), Access::CreateNew).unwrap();
    disk.fail_from(1, Trouble::ReadOnly);
    file.write_all(b"12").unwrap();
    assert_eq!(file.write_all(b"34").unwrap_err().kind(), Trouble::ReadOnly.kind());
    assert_eq!(file.sync_all().unwrap_err().kind(), Trouble::ReadOnly.kind());
    assert!(disk.open(&session(), Access::Append).is_err());
    assert!(disk.open(&session(), Access::Read).is_ok());
    disk.fill_from(0);
    assert_eq!(file.write_all(b"34").unwrap_err().kind(), Trouble::Full.kind());
    file.set_len(1).unwrap();
    disk.remove_file(&session()).unwrap();
    disk.heal();
    file.write_all(b"34").unwrap();
}

#[test]
fn a_sync_that_fails_makes_nothing_durable() {
    let disk = disk();
    let mut file = disk.open(&session(), Access::CreateNew).unwrap();
    file.write_all(b"12").unwrap();
    disk.sync_dir(Path::new(STATE)).unwrap();
    let before = left(&disk);
    disk.fail_at(0, Trouble::Io);
    file.sync_all().unwrap_err();
    assert_eq!(left(&disk), before);
}

#[test]
fn a_sync_that_is_skipped_does_nothing_and_others_work() {
    let disk = disk();
    disk.weaken(Weakness::Skip(Call::SyncDir, Role::StateDir));
    let mut file = disk.open(&session(), Access::CreateNew).unwrap();
    file.write_all(b"12").unwrap();
    file.sync_all().unwrap();
    disk.sync_dir(Path::new(STATE)).unwrap();
    assert_eq!(left(&disk), [None, Some(b"12".to_vec())]);
    let image = &disk.snapshot().after_power_loss()[1];
    image.disk().remove_file(&session()).unwrap();
    let later = image.disk();
    later.remove_file(&session()).unwrap();
    later.sync_dir(Path::new(STATE)).unwrap();
    assert_eq!(left(&later).len(), 2, "a disk that comes from a weak one is weak");
}

#[test]
fn one_sync_can_be_skipped_here_alone() {
    let disk = disk();
    let mut file = disk.open(&session(), Access::CreateNew).unwrap();
    file.write_all(b"12").unwrap();
    file.sync_all().unwrap();
    disk.skip_sync_at(0);
    disk.sync_dir(Path::new(STATE)).unwrap();
    assert_eq!(left(&disk), [None, Some(b"12".to_vec())]);
    let elsewhere = disk.copy();
    elsewhere.sync_dir(Path::new(STATE)).unwrap();
    assert_eq!(left(&elsewhere), [Some(b"12".to_vec())]);
    disk.sync_dir(Path::new(STATE)).unwrap();
    assert_eq!(left(&disk), [Some(b"12".to_vec())]);
}

#[test]
fn a_directory_made_by_hand_may_not_be_durable() {
    let disk = disk();
    let path = Path::new(STATE).join("journal");
    for (reach, images) in [(Reach::Cache, 2), (Reach::Disk, 1)] {
        let disk = disk.copy();
        disk.make_dir(&path, reach);
        assert_eq!(disk.snapshot().after_power_loss().len(), images, "{reach:?}");
        assert!(disk.list(&path).unwrap().is_empty());
    }
}

#[test]
fn a_sync_that_is_late_takes_effect_after_the_next_call() {
    let disk = disk();
    disk.weaken(Weakness::Late(Call::SyncDir, Role::StateDir));
    drop(disk.open(&session(), Access::CreateNew).unwrap());
    disk.sync_dir(Path::new(STATE)).unwrap();
    assert_eq!(left(&disk).len(), 2);
    let other = Path::new(STATE).join("x");
    drop(disk.open(&other, Access::CreateNew).unwrap());
    assert_eq!(left(&disk).len(), 4, "not yet");
    disk.record();
    disk.create_dir(Path::new("/home/u/app/y"), Privacy::Shared).unwrap();
    assert_eq!(disk.stop_recording()[0].after_power_loss().len(), 4, "until the next call");
    assert_eq!(left(&disk), vec![Some(Vec::new()); 2], "but for the directory in the other");
}

#[test]
fn two_processes_exclude_each_other_unless_there_is_no_lock() {
    for is_weak in [false, true] {
        let disk = disk();
        if is_weak {
            disk.weaken(Weakness::NoLock);
        }
        let path = Path::new(STATE).join("lock");
        let first = disk.open_lock(&path).unwrap();
        let second = disk.another().open_lock(&path).unwrap();
        first.try_lock().unwrap();
        assert_eq!(second.try_lock().is_ok(), is_weak);
        let elsewhere = disk.copy().open_lock(&path).unwrap();
        elsewhere.try_lock().unwrap();
    }
}
