//! The settings: what each one is, where its value comes from, and what may be in it.
//!
//! Owns the names, the defaults and the order of the sources. Reads the workspace's marker file, if there is a workspace,
//! and the two `.env` files, and nothing of the process: the environment is an argument. Acts on no setting itself but the state dir's.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use maestro_session_model::{AgentName, InvalidPath, RelPath, Strictness};

use crate::disk::{Access, Disk, Kind, io_hint};
use crate::environment::{Environment, extension_path};
use crate::settings::dotenv::Assignment;

mod dotenv;
mod value;

pub use crate::settings::value::{ExecutionModeSetting, FrontMatterForm};

/// The file in the workspace that names the state dir that its user chose.
pub const MARKER_FILE: &str = ".maestro-state-dir";

/// The file in the workspace, and in the directory of an extension, that has assignments of variables.
const ENV_FILE: &str = ".env";

/// The state dir when no setting names another.
pub const DEFAULT_STATE_DIR: &str = "docs/maestro";

const STATE_DIR: &str = "MAESTRO_STATE_DIR";

/// The largest `.env` or marker file that is read.
pub const MAX_SETTINGS_FILE_BYTES: u64 = 1024 * 1024;

/// Every setting, each with the place that its value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `MAESTRO_STATE_DIR`: the state dir, relative to the workspace.
    pub state_dir: Setting<RelPath>,
    /// `MAESTRO_AUTO_ARCHIVE`: whether the CLI archives a session whose phases are all done.
    pub auto_archive: Setting<bool>,
    /// `MAESTRO_MAX_RETRIES`: how often a failed phase may be retried without the user's order.
    pub max_retries: Setting<u32>,
    /// `MAESTRO_MAX_CONCURRENT`: how many phases may run side by side; 0 for no limit.
    pub max_concurrent: Setting<u32>,
    /// `MAESTRO_EXECUTION_MODE`: how phases that could run side by side are run.
    pub execution_mode: Setting<ExecutionModeSetting>,
    /// `MAESTRO_VALIDATION_STRICTNESS`: how incomplete handoffs are taken.
    pub strictness: Setting<Strictness>,
    /// `MAESTRO_DISABLED_AGENTS`: agents that may not be assigned, separated by commas.
    pub disabled_agents: Setting<Vec<AgentName>>,
    /// `MAESTRO_HOOKS_DIR`: where hooks keep their transient state; a relative path is taken from the workspace.
    pub hooks_dir: Setting<Option<PathBuf>>,
    /// `MAESTRO_FRONT_MATTER`: the form of the front matter of new documents.
    pub front_matter: Setting<FrontMatterForm>,
}

/// A value and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where the value of a setting comes from. The first that has one wins, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The environment.
    Environment,
    /// The marker file of the workspace (only the state dir).
    MarkerFile(PathBuf),
    /// The `.env` of the workspace.
    WorkspaceEnv {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// The `.env` of the extension, whose directory `MAESTRO_EXTENSION_PATH` or `CLAUDE_PLUGIN_ROOT` names.
    ExtensionEnv {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// Nowhere: the default.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("environment"),
            Self::MarkerFile(path) => write!(f, "{}", path.display()),
            Self::WorkspaceEnv { path, line } | Self::ExtensionEnv { path, line } => {
                write!(f, "{}:{line}", path.display())
            }
            Self::Default => f.write_str("default"),
        }
    }
}

/// A setting as text, for display.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedSetting {
    /// The name of the variable.
    pub name: &'static str,
    /// The value; empty when nothing is set and there is no default.
    pub value: String,
    /// Where it comes from.
    pub origin: Origin,
}

impl Settings {
    /// Reads the settings of `workspace`: from the environment, its marker file, its `.env`, the extension's `.env`,
    /// and the defaults.
    ///
    /// Every setting is read, also those that the caller does not need, so that a bad value shows at once.
    pub fn resolve(
        workspace: &Path,
        environment: &Environment,
        disk: &dyn Disk,
    ) -> Result<Self, SettingsError> {
        let sources = Sources::of_workspace(workspace, environment, disk)?;
        // An absolute path may name the workspace through a link, or past one.
        let resolved = disk.canonicalize(workspace).unwrap_or_else(|_| workspace.to_owned());
        let state_dir = sources
            .state_dir(|text| state_dir(workspace, text).or_else(|| state_dir(&resolved, text)))?;
        Self::read(&sources, state_dir, |text| workspace.join(text))
    }

    /// Reads the settings of someone who has no workspace yet: from the environment, the extension's `.env`, and the
    /// defaults.
    ///
    /// No file is read that is relative to the current directory, so an extension counts only under an absolute path. A
    /// state dir that is an absolute path is the default here: it says something in one workspace alone. A relative hooks
    /// dir stays relative.
    pub fn without_workspace(
        environment: &Environment,
        disk: &dyn Disk,
    ) -> Result<Self, SettingsError> {
        let sources = Sources::without_workspace(environment, disk)?;
        let is_absolute =
            |text: &str| matches!(RelPath::parse(text.trim()), Err(InvalidPath::Absolute { .. }));
        let state_dir = match sources.find(STATE_DIR) {
            Some((text, _)) if is_absolute(text) => {
                Setting { value: default_state_dir(), origin: Origin::Default }
            }
            _ => sources.state_dir(relative_state_dir)?,
        };
        Self::read(&sources, state_dir, |text| PathBuf::from(text))
    }

    fn read(
        sources: &Sources<'_>,
        state_dir: Setting<RelPath>,
        hooks_dir: impl Fn(&str) -> PathBuf,
    ) -> Result<Self, SettingsError> {
        Ok(Self {
            state_dir,
            auto_archive: sources.setting(
                "MAESTRO_AUTO_ARCHIVE",
                "true or false",
                true,
                value::boolean,
            )?,
            max_retries: sources.setting("MAESTRO_MAX_RETRIES", value::COUNT, 2, value::count)?,
            max_concurrent: sources.setting(
                "MAESTRO_MAX_CONCURRENT",
                "a whole number, 0 for no limit",
                0,
                value::count,
            )?,
            execution_mode: sources.setting(
                "MAESTRO_EXECUTION_MODE",
                "ask, parallel or sequential",
                ExecutionModeSetting::Ask,
                |text| text.parse().ok(),
            )?,
            strictness: sources.setting(
                "MAESTRO_VALIDATION_STRICTNESS",
                "lenient, normal or strict",
                Strictness::Normal,
                |text| text.parse().ok(),
            )?,
            disabled_agents: sources.setting(
                "MAESTRO_DISABLED_AGENTS",
                "agent names separated by commas",
                Vec::new(),
                value::agents,
            )?,
            hooks_dir: sources.setting("MAESTRO_HOOKS_DIR", "a directory", None, |text| {
                Some(Some(hooks_dir(text)))
            })?,
            front_matter: sources.setting(
                "MAESTRO_FRONT_MATTER",
                "yaml or json",
                FrontMatterForm::Yaml,
                |text| text.parse().ok(),
            )?,
        })
    }

    /// Puts a state dir in the place of what is set, as if the environment said so.
    pub fn choose_state_dir(&mut self, dir: RelPath) -> Result<(), SettingsError> {
        if is_taken(&dir) {
            return Err(SettingsError::StateDirTaken { dir });
        }
        self.state_dir = Setting { value: dir, origin: Origin::Environment };
        Ok(())
    }

    /// Returns every setting as text, in the order of the documentation.
    pub fn list(&self) -> Vec<ListedSetting> {
        let agents: Vec<&str> = self.disabled_agents.value.iter().map(AgentName::as_str).collect();
        let hooks_dir = self.hooks_dir.value.as_ref();
        vec![
            self.state_dir.listed(STATE_DIR, self.state_dir.value.to_string()),
            self.auto_archive.listed("MAESTRO_AUTO_ARCHIVE", self.auto_archive.value.to_string()),
            self.max_retries.listed("MAESTRO_MAX_RETRIES", self.max_retries.value.to_string()),
            self.max_concurrent
                .listed("MAESTRO_MAX_CONCURRENT", self.max_concurrent.value.to_string()),
            self.execution_mode
                .listed("MAESTRO_EXECUTION_MODE", self.execution_mode.value.to_string()),
            self.strictness
                .listed("MAESTRO_VALIDATION_STRICTNESS", self.strictness.value.to_string()),
            self.disabled_agents.listed("MAESTRO_DISABLED_AGENTS", agents.join(", ")),
            self.hooks_dir.listed(
                "MAESTRO_HOOKS_DIR",
                hooks_dir.map(|dir| dir.display().to_string()).unwrap_or_default(),
            ),
            self.front_matter.listed("MAESTRO_FRONT_MATTER", self.front_matter.value.to_string()),
        ]
    }
}

impl<T> Setting<T> {
    fn listed(&self, name: &'static str, value: String) -> ListedSetting {
        ListedSetting { name, value, origin: self.origin.clone() }
    }
}

/// Returns the state dir that is set for `workspace`, or the default; nothing where a setting is unusable.
///
/// For the search for a workspace, which passes directories that are none of our business and must not fail on them.
pub(crate) fn state_dir_for_search(
    workspace: &Path,
    environment: &Environment,
    disk: &dyn Disk,
) -> Option<RelPath> {
    if let Some(text) = environment.get(STATE_DIR) {
        return state_dir(workspace, text.trim());
    }
    let file = env_file(&workspace.join(ENV_FILE), disk).unwrap_or_default();
    match last(&file, STATE_DIR) {
        Some(assignment) => state_dir(workspace, assignment.value.trim()),
        None => RelPath::parse(DEFAULT_STATE_DIR).ok(),
    }
}

fn default_state_dir() -> RelPath {
    RelPath::parse(DEFAULT_STATE_DIR).expect("the default state dir is a legal path")
}

/// Reads the path of a state dir: inside the workspace, and spelt without `..` even where that would lead back inside,
/// because a link on the way would lead elsewhere.
fn state_dir(workspace: &Path, text: &str) -> Option<RelPath> {
    if names_a_parent(text) {
        return None;
    }
    RelPath::within(workspace.to_str()?, text).ok().filter(|dir| !is_taken(dir))
}

/// Reads the path of a state dir as long as there is no workspace that it could be absolute in.
fn relative_state_dir(text: &str) -> Option<RelPath> {
    RelPath::parse(text).ok().filter(|dir| !names_a_parent(text) && !is_taken(dir))
}

/// Whether a path leads into a directory of git, or to where a file with settings is looked for, whatever the file system
/// makes of capitals.
fn is_taken(dir: &RelPath) -> bool {
    let mut components = dir.as_str().split('/');
    let first = components.clone().next().unwrap_or_default();
    components.any(|component| component.eq_ignore_ascii_case(".git"))
        || [MARKER_FILE, ENV_FILE].iter().any(|file| first.eq_ignore_ascii_case(file))
}

fn names_a_parent(text: &str) -> bool {
    text.split(['/', '\\']).any(|component| component == "..")
}

/// The places that values come from, read once.
struct Sources<'e> {
    environment: &'e Environment,
    /// Absent where there is no workspace.
    workspace: Option<WorkspaceSources>,
    extension: Option<(PathBuf, Vec<Assignment>)>,
}

struct WorkspaceSources {
    marker: Option<(PathBuf, String)>,
    env: (PathBuf, Vec<Assignment>),
}

impl<'e> Sources<'e> {
    fn of_workspace(
        workspace: &Path,
        environment: &'e Environment,
        disk: &dyn Disk,
    ) -> Result<Self, SettingsError> {
        let marker = workspace.join(MARKER_FILE);
        let marker = read_file(&marker, disk)?.map(|text| (marker, text.trim().to_owned()));
        let path = workspace.join(ENV_FILE);
        let extension = extension_path(environment)
            .map(|dir| dir.join(ENV_FILE))
            .filter(|extension| *extension != path);
        let env = with_assignments(path, disk)?;
        let extension = extension.map(|path| with_assignments(path, disk)).transpose()?;
        Ok(Self { environment, workspace: Some(WorkspaceSources { marker, env }), extension })
    }

    fn without_workspace(
        environment: &'e Environment,
        disk: &dyn Disk,
    ) -> Result<Self, SettingsError> {
        let extension = extension_path(environment).filter(|dir| dir.is_absolute());
        let extension =
            extension.map(|dir| with_assignments(dir.join(ENV_FILE), disk)).transpose()?;
        Ok(Self { environment, workspace: None, extension })
    }

    fn find(&self, name: &str) -> Option<(&str, Origin)> {
        if let Some(value) = self.environment.get(name) {
            return Some((value, Origin::Environment));
        }
        if let Some(WorkspaceSources { marker, env: (path, assignments) }) = &self.workspace {
            if name == STATE_DIR
                && let Some((path, text)) = marker
            {
                return Some((text, Origin::MarkerFile(path.clone())));
            }
            if let Some(Assignment { line, key: _, value }) = last(assignments, name) {
                return Some((value, Origin::WorkspaceEnv { path: path.clone(), line: *line }));
            }
        }
        let (path, assignments) = self.extension.as_ref()?;
        let Assignment { line, key: _, value } = last(assignments, name)?;
        Some((value, Origin::ExtensionEnv { path: path.clone(), line: *line }))
    }

    fn state_dir(
        &self,
        parse: impl FnOnce(&str) -> Option<RelPath>,
    ) -> Result<Setting<RelPath>, SettingsError> {
        let allowed = "a path inside the workspace without `..` and outside `.git`";
        self.setting(STATE_DIR, allowed, default_state_dir(), parse)
    }

    fn setting<T>(
        &self,
        name: &'static str,
        allowed: &'static str,
        default: T,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Setting<T>, SettingsError> {
        let Some((text, origin)) = self.find(name) else {
            return Ok(Setting { value: default, origin: Origin::Default });
        };
        match parse(text.trim()) {
            Some(value) => Ok(Setting { value, origin }),
            None => Err(SettingsError::BadValue {
                name,
                value: value::shortened(text),
                origin,
                allowed,
            }),
        }
    }
}

/// The assignment that counts; an empty value is as good as none.
fn last<'a>(assignments: &'a [Assignment], name: &str) -> Option<&'a Assignment> {
    assignments.iter().rfind(|a| a.key == name).filter(|a| !a.value.trim().is_empty())
}

fn with_assignments(
    path: PathBuf,
    disk: &dyn Disk,
) -> Result<(PathBuf, Vec<Assignment>), SettingsError> {
    let assignments = env_file(&path, disk)?;
    Ok((path, assignments))
}

fn env_file(path: &Path, disk: &dyn Disk) -> Result<Vec<Assignment>, SettingsError> {
    Ok(read_file(path, disk)?.map(|text| dotenv::parse(&text)).unwrap_or_default())
}

/// Reads a small text file of the user's, who may well keep it behind a link.
fn read_file(path: &Path, disk: &dyn Disk) -> Result<Option<String>, SettingsError> {
    let unusable = |reason| SettingsError::UnusableFile { path: path.to_owned(), reason };
    let mut file = match disk.open(path, Access::ReadFollowing) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let entry = file.entry()?;
    if entry.kind != Kind::File {
        return Err(unusable(UnusableReason::NotAFile(entry.kind)));
    }
    if MAX_SETTINGS_FILE_BYTES < entry.len {
        return Err(unusable(UnusableReason::TooLarge(entry.len)));
    }
    let most = usize::try_from(MAX_SETTINGS_FILE_BYTES).unwrap_or(usize::MAX);
    let bytes = file.read_at(0, usize::try_from(entry.len).map_or(most, |len| len + 1))?;
    String::from_utf8(bytes).map(Some).map_err(|_| unusable(UnusableReason::NotUtf8))
}

/// An error from reading the settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A setting has a value that it cannot have.
    #[error("{name} is `{value}` ({origin}), which must be {allowed}")]
    BadValue {
        /// The name of the setting.
        name: &'static str,
        /// The value, shortened.
        value: String,
        /// Where it comes from.
        origin: Origin,
        /// What would be legal.
        allowed: &'static str,
    },
    /// The state dir that was chosen is in a directory of git, or where a file with settings is looked for.
    #[error("the state dir cannot be `{dir}`: that name has a meaning of its own")]
    StateDirTaken {
        /// The state dir.
        dir: RelPath,
    },
    /// A file that settings are read from is not a small text file.
    #[error("`{}` cannot be read for settings: it {reason}", path.display())]
    UnusableFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: UnusableReason,
    },
    /// The file system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What is wrong with a file that settings are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnusableReason {
    /// It is a directory or a device.
    NotAFile(Kind),
    /// It has more than [`MAX_SETTINGS_FILE_BYTES`].
    TooLarge(u64),
    /// It is not UTF-8.
    NotUtf8,
}

impl fmt::Display for UnusableReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAFile(kind) => write!(f, "is {kind}"),
            Self::TooLarge(len) => {
                write!(f, "has {len} bytes, more than {MAX_SETTINGS_FILE_BYTES}")
            }
            Self::NotUtf8 => f.write_str("is not UTF-8 text"),
        }
    }
}

impl SettingsError {
    /// Returns the stable code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadValue { .. } | Self::StateDirTaken { .. } | Self::UnusableFile { .. } => {
                "BAD_SETTING"
            }
            Self::Io(_) => "IO",
        }
    }

    /// Returns the next step for the user.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::BadValue { name, origin: Origin::MarkerFile(path), .. } => Some(format!(
                "correct or remove `{}`, or set {name} in the environment",
                path.display()
            )),
            Self::BadValue { name, .. } => Some(format!(
                "set {name} to another value or remove it; `maestro settings` shows where each value comes from"
            )),
            Self::StateDirTaken { .. } => {
                Some("choose another directory, `docs/maestro` for example".to_owned())
            }
            Self::UnusableFile { path, .. } => {
                Some(format!("correct or move `{}`", path.display()))
            }
            Self::Io(error) => io_hint(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::OsDisk;

    fn resolve(dir: &Path, variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let environment =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::resolve(dir, &environment.collect(), &OsDisk)
    }

    #[expect(clippy::disallowed_methods, reason = "a test writes what a user would")]
    fn write(path: &Path, text: impl AsRef<[u8]>) {
        fs_err::write(path, text).unwrap();
    }

    #[test]
    fn every_setting_has_a_default() {
        let dir = tempfile::tempdir().unwrap();
        let settings = resolve(dir.path(), &[]).unwrap();
        let lines: Vec<String> = settings
            .list()
            .into_iter()
            .map(|s| format!("{}={} ({})", s.name, s.value, s.origin))
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        MAESTRO_STATE_DIR=docs/maestro (default)
        MAESTRO_AUTO_ARCHIVE=true (default)
        MAESTRO_MAX_RETRIES=2 (default)
        MAESTRO_MAX_CONCURRENT=0 (default)
        MAESTRO_EXECUTION_MODE=ask (default)
        MAESTRO_VALIDATION_STRICTNESS=normal (default)
        MAESTRO_DISABLED_AGENTS= (default)
        MAESTRO_HOOKS_DIR= (default)
        MAESTRO_FRONT_MATTER=yaml (default)
        ");
    }

    #[test]
    fn the_first_source_that_has_a_value_wins() {
        let (workspace, extension) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (dir, outer) = (workspace.path(), extension.path().to_str().unwrap());
        let state_dir = |variables: &[(&str, &str)]| {
            let setting = resolve(dir, variables).unwrap().state_dir;
            (setting.value.to_string(), setting.origin)
        };
        let extension_path = ("MAESTRO_EXTENSION_PATH", outer);
        let plugin_root = ("CLAUDE_PLUGIN_ROOT", outer);

        write(&extension.path().join(".env"), "X=1\nMAESTRO_STATE_DIR=from/extension\n");
        let path = extension.path().join(".env");
        let expected =
            ("from/extension".to_owned(), Origin::ExtensionEnv { path: path.clone(), line: 2 });
        assert_eq!(state_dir(&[extension_path]), expected);
        assert_eq!(state_dir(&[plugin_root]), expected);

        write(&dir.join(".env"), "MAESTRO_STATE_DIR=\"from/workspace\" # ours\n");
        let origin = Origin::WorkspaceEnv { path: dir.join(".env"), line: 1 };
        assert_eq!(state_dir(&[extension_path]), ("from/workspace".to_owned(), origin));

        write(&dir.join(MARKER_FILE), "from/marker\n");
        let origin = Origin::MarkerFile(dir.join(MARKER_FILE));
        assert_eq!(state_dir(&[extension_path]), ("from/marker".to_owned(), origin));

        let found = state_dir(&[extension_path, ("MAESTRO_STATE_DIR", "from/environment")]);
        assert_eq!(found, ("from/environment".to_owned(), Origin::Environment));
        let found = state_dir(&[("MAESTRO_STATE_DIR", "")]);
        assert_eq!(found.0, "from/marker", "an empty variable is not set");
    }

    #[test]
    fn every_setting_can_be_set() {
        let dir = tempfile::tempdir().unwrap();
        let settings = resolve(
            dir.path(),
            &[
                ("MAESTRO_STATE_DIR", dir.path().join("a/b").to_str().unwrap()),
                ("MAESTRO_AUTO_ARCHIVE", "false"),
                ("MAESTRO_MAX_RETRIES", "5"),
                ("MAESTRO_MAX_CONCURRENT", "3"),
                ("MAESTRO_EXECUTION_MODE", "Sequential"),
                ("MAESTRO_VALIDATION_STRICTNESS", "strict"),
                ("MAESTRO_DISABLED_AGENTS", "coder, technical-writer,,"),
                ("MAESTRO_HOOKS_DIR", "/run/hooks"),
                ("MAESTRO_FRONT_MATTER", "json"),
            ],
        )
        .unwrap();
        assert_eq!(settings.state_dir.value.as_str(), "a/b");
        assert!(!settings.auto_archive.value);
        assert_eq!((settings.max_retries.value, settings.max_concurrent.value), (5, 3));
        assert_eq!(settings.execution_mode.value, ExecutionModeSetting::Sequential);
        assert_eq!(settings.strictness.value, Strictness::Strict);
        assert_eq!(settings.disabled_agents.value.len(), 2);
        assert_eq!(settings.hooks_dir.value, Some(PathBuf::from("/run/hooks")));
        assert_eq!(settings.front_matter.value, FrontMatterForm::Json);
        assert!(settings.list().iter().all(|setting| setting.origin == Origin::Environment));
    }

    #[test]
    fn a_bad_value_names_the_setting_the_place_and_what_is_allowed() {
        let dir = tempfile::tempdir().unwrap();
        for (name, value) in [
            ("MAESTRO_STATE_DIR", "../elsewhere"),
            ("MAESTRO_STATE_DIR", "a/../b"),
            ("MAESTRO_STATE_DIR", "/elsewhere"),
            ("MAESTRO_STATE_DIR", "."),
            ("MAESTRO_AUTO_ARCHIVE", "perhaps"),
            ("MAESTRO_MAX_RETRIES", "-1"),
            ("MAESTRO_MAX_CONCURRENT", "many"),
            ("MAESTRO_EXECUTION_MODE", "both"),
            ("MAESTRO_VALIDATION_STRICTNESS", "very"),
            ("MAESTRO_FRONT_MATTER", "toml"),
            ("MAESTRO_DISABLED_AGENTS", "a\nb"),
        ] {
            let error = resolve(dir.path(), &[(name, value)]).unwrap_err();
            assert_eq!(error.code(), "BAD_SETTING");
            assert!(error.to_string().contains(name), "{error}");
        }
        write(&dir.path().join(".env"), "\nMAESTRO_MAX_RETRIES=two\n");
        let error = resolve(dir.path(), &[]).unwrap_err();
        let text = error.to_string().replace(dir.path().to_str().unwrap(), "…");
        assert_eq!(text, "MAESTRO_MAX_RETRIES is `two` (…/.env:2), which must be a whole number");
    }

    fn of_no_workspace(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let environment =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::without_workspace(&environment.collect(), &OsDisk)
    }

    #[test]
    fn without_a_workspace_the_environment_and_the_extension_say_what_is_set() {
        let extension = tempfile::tempdir().unwrap();
        let path = extension.path().join(".env");
        write(&path, "MAESTRO_MAX_RETRIES=7\nMAESTRO_STATE_DIR=.maestro\n");
        // Nobody asks for the marker file of an extension.
        write(&extension.path().join(MARKER_FILE), "from/marker");
        let outer = ("MAESTRO_EXTENSION_PATH", extension.path().to_str().unwrap());
        let settings = of_no_workspace(&[outer, ("MAESTRO_DISABLED_AGENTS", "coder")]).unwrap();
        let set: Vec<String> = settings
            .list()
            .into_iter()
            .filter(|setting| setting.origin != Origin::Default)
            .map(|setting| format!("{}={}", setting.name, setting.value))
            .collect();
        let expected = [
            "MAESTRO_STATE_DIR=.maestro",
            "MAESTRO_MAX_RETRIES=7",
            "MAESTRO_DISABLED_AGENTS=coder",
        ];
        assert_eq!(set, expected);
        assert_eq!(settings.max_retries.origin, Origin::ExtensionEnv { path, line: 1 });
        let overridden = of_no_workspace(&[outer, ("MAESTRO_MAX_RETRIES", "1")]).unwrap();
        assert_eq!(overridden.max_retries, Setting { value: 1, origin: Origin::Environment });
    }

    #[cfg(unix)]
    #[test]
    fn without_a_workspace_nothing_comes_from_the_current_directory() {
        let extension = tempfile::tempdir().unwrap();
        write(&extension.path().join(".env"), "MAESTRO_MAX_RETRIES=7\n");
        // Leads there from wherever the test runs.
        let relative = format!("{}{}", "../".repeat(40), extension.path().display());
        let read = Settings::resolve(
            &extension.path().join("workspace"),
            &[("MAESTRO_EXTENSION_PATH".to_owned(), relative.clone())].into_iter().collect(),
            &OsDisk,
        );
        assert_eq!(read.unwrap().max_retries.value, 7);
        let settings = of_no_workspace(&[("MAESTRO_EXTENSION_PATH", &relative)]).unwrap();
        assert!(settings.list().iter().all(|setting| setting.origin == Origin::Default));
    }

    #[test]
    fn without_a_workspace_an_absolute_state_dir_says_nothing() {
        for absolute in ["/home/u/docs/maestro", r"C:\docs", "/home/../etc"] {
            let settings = of_no_workspace(&[("MAESTRO_STATE_DIR", absolute)]).unwrap();
            assert_eq!(settings.state_dir.value.as_str(), DEFAULT_STATE_DIR);
            assert_eq!(settings.state_dir.origin, Origin::Default);
        }
        for nowhere in ["../docs", "a/../b", "."] {
            let error = of_no_workspace(&[("MAESTRO_STATE_DIR", nowhere)]).unwrap_err();
            assert_eq!(error.code(), "BAD_SETTING");
        }
    }

    #[test]
    fn the_state_dir_is_not_in_a_directory_of_git() {
        let dir = tempfile::tempdir().unwrap();
        for text in [
            ".git",
            ".git/state",
            ".GIT/x",
            "sub/.git/x",
            "./.git",
            ".env",
            ".ENV/x",
            ".maestro-state-dir",
        ] {
            let error = resolve(dir.path(), &[("MAESTRO_STATE_DIR", text)]).unwrap_err();
            assert_eq!(error.code(), "BAD_SETTING", "{text}");
            let environment = [("MAESTRO_STATE_DIR".to_owned(), text.to_owned())];
            let error = Settings::without_workspace(&environment.into_iter().collect(), &OsDisk)
                .unwrap_err();
            assert_eq!(error.code(), "BAD_SETTING", "{text}");
        }
        let absolute = dir.path().join(".git/state").to_string_lossy().into_owned();
        let error = resolve(dir.path(), &[("MAESTRO_STATE_DIR", &absolute)]).unwrap_err();
        assert!(error.to_string().ends_with("without `..` and outside `.git`"), "{error}");
        let mut settings =
            resolve(dir.path(), &[("MAESTRO_STATE_DIR", ".github/maestro")]).unwrap();
        let before = settings.clone();
        let refusal = settings.choose_state_dir(RelPath::parse(".git/x").unwrap()).unwrap_err();
        let hint = refusal.hint().unwrap();
        insta::assert_snapshot!(format!("{}: {refusal}; {hint}", refusal.code()), @"BAD_SETTING: the state dir cannot be `.git/x`: that name has a meaning of its own; choose another directory, `docs/maestro` for example");
        assert_eq!(settings, before);
    }

    #[test]
    fn an_unusable_file_is_an_error_that_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".env");
        write(&path, [b'A', b'=', 0xff]);
        let error = resolve(dir.path(), &[]).unwrap_err();
        assert!(error.to_string().contains(".env` cannot be read"), "{error}");
        write(&path, vec![b'#'; 1024 * 1024 + 1]);
        assert_eq!(resolve(dir.path(), &[]).unwrap_err().code(), "BAD_SETTING");
        fs_err::remove_file(&path).unwrap();
        fs_err::create_dir(&path).unwrap();
        let error = resolve(dir.path(), &[]).unwrap_err();
        assert_eq!(error.code(), "BAD_SETTING");
        assert!(error.to_string().contains("is a directory"), "{error}");
    }

    #[test]
    fn an_empty_marker_is_a_bad_value() {
        let dir = tempfile::tempdir().unwrap();
        write(&dir.path().join(MARKER_FILE), "\n");
        let error = resolve(dir.path(), &[]).unwrap_err();
        assert_eq!(error.code(), "BAD_SETTING");
        assert!(error.hint().unwrap().contains(MARKER_FILE));
    }
}
