//! The disk of the operating system.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::fs::Metadata;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::disk::{Access, Disk, DiskFile, Entry, Exchange, FileId, Kind, Listed, Privacy};

/// The disk of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsDisk;

impl Disk for OsDisk {
    fn entry(&self, path: &Path) -> io::Result<Option<Entry>> {
        match fs_err::symlink_metadata(path) {
            Ok(metadata) => Ok(Some(entry(&metadata))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>> {
        let mut options = fs_err::OpenOptions::new();
        match access {
            Access::Read | Access::ReadFollowing => options.read(true),
            // Not the system's append mode, in which Windows would not let us cut the file off.
            Access::Append => options.read(true).write(true),
            Access::CreateNew => options.write(true).create_new(true),
            Access::Overwrite => options.write(true).create(true).truncate(false),
        };
        restrict(&mut options, access);
        let file = options.open(path)?;
        Ok(Box::new(OsFile { file, access }))
    }

    fn open_lock(&self, path: &Path) -> io::Result<fs_err::File> {
        let mut options = fs_err::OpenOptions::new();
        // Write access too: some network file systems refuse an exclusive lock on a file that is open for reading only.
        options.read(true).write(true).create(true).truncate(false);
        restrict(&mut options, Access::Overwrite);
        options.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs_err::rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        match rename_without_replacing(from, to)? {
            Exchange::Done => return Ok(()),
            Exchange::Unsupported => {}
        }
        match fs_err::hard_link(from, to) {
            Ok(()) => fs_err::remove_file(from),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(error),
            Err(_) if self.entry(to)?.is_some() => {
                Err(pair_error("rename", from, to, io::ErrorKind::AlreadyExists.into()))
            }
            Err(_) => fs_err::rename(from, to),
        }
    }

    fn exchange(&self, a: &Path, b: &Path) -> io::Result<Exchange> {
        swap_names(a, b)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs_err::remove_file(path)
    }

    fn create_dir(&self, path: &Path, privacy: Privacy) -> io::Result<()> {
        create_dir(path, privacy)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        if cfg!(unix) { fs_err::File::open(path)?.sync_all() } else { Ok(()) }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Listed>> {
        let mut listed = Vec::new();
        for entry in fs_err::read_dir(path)? {
            let entry = entry?;
            let is_file = entry.file_type()?.is_file();
            if let Ok(name) = entry.file_name().into_string() {
                listed.push(Listed { name, is_file });
            }
        }
        listed.sort_unstable();
        Ok(listed)
    }

    /// Asks for each entry below the open directory, which saves the system the way there.
    fn list_entries(
        &self,
        path: &Path,
        wants: &dyn Fn(&str) -> bool,
    ) -> io::Result<Vec<(String, Entry)>> {
        let mut found = Vec::new();
        for listed in fs_err::read_dir(path)? {
            let listed = listed?;
            let Some(name) = listed.file_name().into_string().ok().filter(|name| wants(name))
            else {
                continue;
            };
            match listed.metadata() {
                Ok(metadata) => found.push((name, entry(&metadata))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        found.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Ok(found)
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        let path = fs_err::canonicalize(path)?;
        match path.to_str() {
            Some(text) if cfg!(windows) => {
                Ok(PathBuf::from(without_verbatim_prefix(text).as_ref()))
            }
            Some(_) | None => Ok(path),
        }
    }
}

/// Returns a path of Windows in the form that people write and other programs understand.
///
/// A verbatim path that has no other form stays what it is.
fn without_verbatim_prefix(path: &str) -> Cow<'_, str> {
    let Some(rest) = path.strip_prefix(r"\\?\") else { return Cow::Borrowed(path) };
    if let Some(share) = rest.strip_prefix(r"UNC\") {
        return Cow::Owned(format!(r"\\{share}"));
    }
    match rest.as_bytes() {
        [drive, b':', b'\\', ..] if drive.is_ascii_alphabetic() => Cow::Borrowed(rest),
        _ => Cow::Borrowed(path),
    }
}

#[derive(Debug)]
struct OsFile {
    file: fs_err::File,
    access: Access,
}

impl OsFile {
    /// Windows flushes only what is open for writing; Unix makes durable what others have written as well.
    fn can_sync(&self) -> bool {
        cfg!(unix) || !matches!(self.access, Access::Read | Access::ReadFollowing)
    }
}

impl DiskFile for OsFile {
    fn entry(&self) -> io::Result<Entry> {
        self.file.metadata().map(|metadata| entry(&metadata))
    }

    fn read_at(&mut self, offset: u64, max: usize) -> io::Result<Vec<u8>> {
        self.file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::with_capacity(max);
        (&mut self.file).take(u64::try_from(max).unwrap_or(u64::MAX)).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.access == Access::Append {
            self.file.seek(SeekFrom::End(0))?;
        }
        self.file.write_all(bytes)
    }

    fn sync_all(&mut self) -> io::Result<()> {
        if self.can_sync() { self.file.sync_all() } else { Ok(()) }
    }

    fn sync_data(&mut self) -> io::Result<()> {
        if self.can_sync() { self.file.sync_data() } else { Ok(()) }
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn set_mode(&mut self, mode: u32) -> io::Result<()> {
        set_mode(&self.file, mode)
    }
}

/// Which file this handle is open on; nothing where the system does not say.
pub(crate) fn file_id(file: &fs_err::File) -> io::Result<Option<FileId>> {
    Ok(entry(&file.metadata()?).id)
}

fn entry(metadata: &Metadata) -> Entry {
    let kind = if metadata.is_symlink() {
        Kind::Symlink
    } else if metadata.is_file() {
        Kind::File
    } else if metadata.is_dir() {
        Kind::Directory
    } else {
        Kind::Other
    };
    let Platform { id, mode, changed } = platform(metadata);
    Entry {
        kind,
        len: metadata.len(),
        id,
        mode,
        modified: metadata.modified().ok(),
        changed,
        born: metadata.created().ok(),
    }
}

/// What only some systems know about a file.
struct Platform {
    id: Option<FileId>,
    mode: Option<u32>,
    changed: Option<(i64, i64)>,
}

#[cfg(unix)]
fn platform(metadata: &Metadata) -> Platform {
    use std::os::unix::fs::MetadataExt as _;
    Platform {
        id: Some(FileId { device: metadata.dev(), inode: metadata.ino() }),
        mode: Some(metadata.mode() & 0o7777),
        changed: Some((metadata.ctime(), metadata.ctime_nsec())),
    }
}

#[cfg(not(unix))]
fn platform(_metadata: &Metadata) -> Platform {
    Platform { id: None, mode: None, changed: None }
}

/// Makes new files private, refuses a link at the end of the path, and never waits for the other end of a pipe.
#[cfg(unix)]
fn restrict(options: &mut fs_err::OpenOptions, access: Access) {
    use fs_err::os::unix::fs::OpenOptionsExt as _;
    use rustix::fs::OFlags;

    let mut flags = OFlags::NONBLOCK;
    if access != Access::ReadFollowing {
        flags |= OFlags::NOFOLLOW;
    }
    // The flags are small positive numbers on every system.
    options.mode(0o600).custom_flags(i32::try_from(flags.bits()).unwrap_or(0));
}

#[cfg(not(unix))]
fn restrict(_options: &mut fs_err::OpenOptions, _access: Access) {}

#[cfg(unix)]
fn set_mode(file: &fs_err::File, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_file: &fs_err::File, _mode: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn create_dir(path: &Path, privacy: Privacy) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let mode = match privacy {
        Privacy::Private => 0o700,
        Privacy::Shared => 0o777,
    };
    std::fs::DirBuilder::new()
        .mode(mode)
        .create(path)
        .map_err(|source| path_error("create directory", path, source))
}

#[cfg(not(unix))]
fn create_dir(path: &Path, _privacy: Privacy) -> io::Result<()> {
    fs_err::create_dir(path)
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn rename_with(
    from: &Path,
    to: &Path,
    verb: &'static str,
    flags: rustix::fs::RenameFlags,
) -> io::Result<Exchange> {
    use rustix::fs::{CWD, renameat_with};
    use rustix::io::Errno;

    match renameat_with(CWD, from, CWD, to, flags) {
        Ok(()) => Ok(Exchange::Done),
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => Ok(Exchange::Unsupported),
        Err(errno) => Err(pair_error(verb, from, to, errno.into())),
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn rename_without_replacing(from: &Path, to: &Path) -> io::Result<Exchange> {
    rename_with(from, to, "rename", rustix::fs::RenameFlags::NOREPLACE)
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn swap_names(a: &Path, b: &Path) -> io::Result<Exchange> {
    rename_with(a, b, "exchange", rustix::fs::RenameFlags::EXCHANGE)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
#[expect(clippy::unnecessary_wraps, reason = "other systems can fail here")]
fn rename_without_replacing(_from: &Path, _to: &Path) -> io::Result<Exchange> {
    Ok(Exchange::Unsupported)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
#[expect(clippy::unnecessary_wraps, reason = "other systems can fail here")]
fn swap_names(_a: &Path, _b: &Path) -> io::Result<Exchange> {
    Ok(Exchange::Unsupported)
}

#[cfg(unix)]
fn path_error(verb: &'static str, path: &Path, source: io::Error) -> io::Error {
    let error = CallError { verb, path: path.to_owned(), other: None, source };
    io::Error::new(error.source.kind(), error)
}

fn pair_error(verb: &'static str, from: &Path, to: &Path, source: io::Error) -> io::Error {
    let error = CallError { verb, path: from.to_owned(), other: Some(to.to_owned()), source };
    io::Error::new(error.source.kind(), error)
}

/// A failed call that fs-err does not wrap, in the words that fs-err would use.
#[derive(Debug)]
struct CallError {
    verb: &'static str,
    path: PathBuf,
    other: Option<PathBuf>,
    source: io::Error,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to {} `{}`", self.verb, self.path.display())?;
        match &self.other {
            Some(other) => write!(f, " with `{}`: {}", other.display(), self.source),
            None => write!(f, ": {}", self.source),
        }
    }
}

impl Error for CallError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rename_new_never_replaces() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        for path in [&a, &b] {
            let mut file = OsDisk.open(path, Access::CreateNew).unwrap();
            file.write_all(path.file_name().unwrap().as_encoded_bytes()).unwrap();
        }
        let error = OsDisk.rename_new(&a, &b).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs_err::read(&b).unwrap(), b"b");
        OsDisk.rename_new(&a, &dir.path().join("c")).unwrap();
        assert_eq!(fs_err::read(dir.path().join("c")).unwrap(), b"a");
    }

    #[test]
    fn exchange_swaps_or_says_that_it_cannot() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        for path in [&a, &b] {
            let mut file = OsDisk.open(path, Access::CreateNew).unwrap();
            file.write_all(path.file_name().unwrap().as_encoded_bytes()).unwrap();
        }
        let (in_a, in_b) = match OsDisk.exchange(&a, &b).unwrap() {
            Exchange::Done => (b"b", b"a"),
            Exchange::Unsupported => (b"a", b"b"),
        };
        assert_eq!(fs_err::read(&a).unwrap(), in_a);
        assert_eq!(fs_err::read(&b).unwrap(), in_b);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_opened_and_new_files_are_private() {
        let dir = tempfile::tempdir().unwrap();
        let (target, link) = (dir.path().join("target"), dir.path().join("link"));
        let file = OsDisk.open(&target, Access::CreateNew).unwrap();
        assert_eq!(file.entry().unwrap().mode, Some(0o600));
        fs_err::os::unix::fs::symlink(&target, &link).unwrap();
        for access in [Access::Read, Access::Append, Access::CreateNew, Access::Overwrite] {
            assert!(OsDisk.open(&link, access).is_err(), "{access:?}");
        }
        assert!(OsDisk.open(&link, Access::ReadFollowing).is_ok());
        assert!(OsDisk.open_lock(&link).is_err());
        assert_eq!(OsDisk.entry(&link).unwrap().unwrap().kind, Kind::Symlink);
    }

    #[test]
    fn a_verbatim_prefix_goes_where_the_path_has_another_form() {
        for (verbatim, plain) in [
            (r"\\?\C:\w", r"C:\w"),
            (r"\\?\c:\", r"c:\"),
            (r"\\?\UNC\host\share", r"\\host\share"),
            (r"\\?\UNC\host\share\w", r"\\host\share\w"),
            (
                r"\\?\Volume{b75e2c83-0000-0000-0000-602f00000000}\w",
                r"\\?\Volume{b75e2c83-0000-0000-0000-602f00000000}\w",
            ),
            (r"\\?\C:", r"\\?\C:"),
            (r"\\.\pipe\w", r"\\.\pipe\w"),
            (r"C:\w", r"C:\w"),
            ("/home/w", "/home/w"),
        ] {
            assert_eq!(without_verbatim_prefix(verbatim), plain);
        }
    }

    #[test]
    fn entries_are_listed_as_they_are_described() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.md", "a.md", "c.txt"] {
            drop(OsDisk.open(&dir.path().join(name), Access::CreateNew).unwrap());
        }
        OsDisk.create_dir(&dir.path().join("d.md"), Privacy::Private).unwrap();
        let listed = OsDisk.list_entries(dir.path(), &|name| name != "c.txt").unwrap();
        let names: Vec<&str> = listed.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a.md", "b.md", "d.md"]);
        for (name, entry) in &listed {
            assert_eq!(OsDisk.entry(&dir.path().join(name)).unwrap().as_ref(), Some(entry));
        }
    }

    #[test]
    fn errors_name_the_path() {
        let dir = tempfile::tempdir().unwrap();
        let absent = dir.path().join("absent");
        let error = OsDisk.exchange(&absent, &dir.path().join("b")).map(|_| ()).err();
        if let Some(error) = error {
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
            assert!(error.to_string().contains("absent"), "{error}");
        }
    }
}
