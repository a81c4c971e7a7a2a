//! A command of `maestro` as it is to be typed.
//!
//! Owns the quoting. A phase id can be any text, and so can the name of an archived file: what is shown must still be one
//! argument when it is typed. Which commands there are, and what they take, is not known here.

use std::fmt;

use serde::Serialize;

use crate::PhaseId;

/// A command to type.
///
/// ```
/// use maestro_session_model::{CommandLine, PhaseId};
///
/// let phase = PhaseId::from_text("tidy; up")?;
/// assert_eq!(CommandLine::of_phase("start", &phase, &[]).shell, "maestro phase start 'tidy; up'");
/// # Ok::<(), maestro_session_model::InvalidId>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CommandLine {
    /// The arguments, the program first.
    pub argv: Vec<String>,
    /// The same as one line for a POSIX shell.
    pub shell: String,
    /// Those of the arguments that stand for something only the caller knows, such as `FILE`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub placeholders: Vec<&'static str>,
}

impl CommandLine {
    /// Makes a command of its words, what it is about (one argument, whatever is in it), and its options.
    ///
    /// Arguments of `options` in capitals are placeholders.
    pub fn new(words: &[&str], about: Option<&str>, options: &[&'static str]) -> Self {
        let mut argv = vec!["maestro".to_owned()];
        argv.extend(words.iter().map(|word| (*word).to_owned()));
        // What looks like an option comes last, where nothing is an option any more.
        let (first, last) = match about {
            Some(about) if about.starts_with('-') => (None, Some(about)),
            about => (about, None),
        };
        argv.extend(first.map(str::to_owned));
        argv.extend(options.iter().map(|option| (*option).to_owned()));
        if let Some(last) = last {
            argv.extend(["--".to_owned(), last.to_owned()]);
        }
        let shell = argv.iter().map(|arg| quoted(arg)).collect::<Vec<_>>().join(" ");
        let placeholders = options.iter().copied().filter(|option| is_placeholder(option));
        Self { placeholders: placeholders.collect(), argv, shell }
    }

    /// Makes the command `maestro phase <verb>` about a phase.
    pub fn of_phase(verb: &str, phase: &PhaseId, options: &[&'static str]) -> Self {
        Self::new(&["phase", verb], Some(&phase.to_string()), options)
    }
}

/// The line for a shell.
impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shell)
    }
}

fn is_placeholder(option: &str) -> bool {
    option.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// One argument of a POSIX shell.
fn quoted(arg: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"@%+=:,./_-".contains(&byte);
    if !arg.is_empty() && arg.bytes().all(is_plain) {
        return arg.to_owned();
    }
    format!("'{}'", arg.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a POSIX shell makes of a line that has nothing but words, single quotes and backslashes outside of them.
    fn split(line: &str) -> Vec<String> {
        let mut args = Vec::new();
        let mut arg: Option<String> = None;
        let mut chars = line.chars();
        while let Some(c) = chars.next() {
            match c {
                ' ' => args.extend(arg.take()),
                '\'' => {
                    let arg = arg.get_or_insert_default();
                    arg.extend(chars.by_ref().take_while(|c| *c != '\''));
                }
                '\\' => arg.get_or_insert_default().extend(chars.next()),
                c => {
                    assert!(!"\"$`&|;<>()*?[#~!{}\n".contains(c), "`{c}` is not quoted in {line}");
                    arg.get_or_insert_default().push(c);
                }
            }
        }
        args.extend(arg);
        args
    }

    #[test]
    fn an_id_that_looks_like_an_option_is_none() {
        let id = PhaseId::from_text("--by-user").unwrap();
        let line = CommandLine::of_phase("retry", &id, &["--agent", "NAME"]);
        assert_eq!(line.shell, "maestro phase retry --agent NAME -- --by-user");
        assert_eq!(line.placeholders, ["NAME"]);
    }

    #[test]
    fn an_ordinary_id_comes_first_and_is_not_quoted() {
        let id = PhaseId::from_number(3).unwrap();
        let line = CommandLine::of_phase("skip", &id, &["--by-user"]);
        assert_eq!(line.shell, "maestro phase skip 3 --by-user");
        assert_eq!(line.placeholders, [""; 0]);
    }

    proptest! {
        #[test]
        fn a_shell_gives_back_the_arguments(text in "\\PC{1,12}") {
            prop_assume!(PhaseId::from_text(&text).is_ok());
            let id = PhaseId::from_text(&text).unwrap();
            let line = CommandLine::of_phase("retry", &id, &["--by-user"]);
            prop_assert_eq!(split(&line.shell), line.argv);
        }
    }
}
