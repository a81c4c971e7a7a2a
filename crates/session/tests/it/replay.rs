//! A journal gives back every document, byte for byte.

use maestro_session_model::Command;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::fixture::{Fixture, begin, complete, fail, id, retry, skip, start, transition};

fn arb_command() -> impl Strategy<Value = Command> {
    let phase = prop::sample::select(vec!["1", "2", "3", "review"]);
    (phase, 0..8).prop_map(|(phase, what)| match what {
        0 | 1 => start(phase),
        2 => complete(phase, "src/a.rs"),
        3 => fail(phase, "it broke:\n  there"),
        4 => retry(phase),
        5 => transition(phase, "src/b.rs", &["2", "3"]),
        6 => begin(&[phase]),
        _ => skip(phase, true),
    })
}

/// A command, or a line that someone puts at the end of the file.
#[derive(Clone, Debug)]
enum Step {
    Command(Box<Command>),
    Edit(String),
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn replaying_a_journal_gives_every_document_byte_for_byte(
        steps in vec(
            prop_oneof![
                5 => arb_command().prop_map(|command| Step::Command(Box::new(command))),
                1 => "[a-z#é -]{1,12}".prop_map(Step::Edit),
            ],
            1..80,
        )
    ) {
        let fixture = Fixture::begun();
        let file = "docs/maestro/state/active-session.md";
        let mut texts = vec![fixture.text(file)];
        for step in steps {
            match step {
                Step::Command(command) => {
                    let before = fixture.text(file);
                    if fixture.apply(&command).is_ok() {
                        texts.push(fixture.text(file));
                    } else {
                        prop_assert_eq!(fixture.text(file), before, "a refused command changes nothing");
                    }
                }
                Step::Edit(line) => {
                    let edited = format!("{}{line}\n", fixture.text(file));
                    fixture.write(file, &edited);
                    texts.push(edited);
                    // Recorded by the next command, even by one that is refused.
                    let refused = fixture.apply(&Command::Start { phase: id("none") });
                    prop_assert!(refused.is_err());
                }
            }
        }
        for (i, text) in texts.iter().enumerate() {
            let seq = (i + 1).to_string();
            prop_assert_eq!(&fixture.workspace().recorded_document(Some(&seq)).unwrap(), text);
        }
        let next = (texts.len() + 1).to_string();
        prop_assert!(fixture.workspace().recorded_document(Some(&next)).is_err());
    }
}
