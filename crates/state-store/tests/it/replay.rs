//! A journal gives back every document, byte for byte.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::fixture::{Workspace, commit, doc, lock, open, operation, put, session_id};

#[derive(Clone, Debug)]
enum Step {
    Commit(String),
    Edit(String),
}

fn arb_text() -> impl Strategy<Value = String> {
    vec(
        prop_oneof![Just("errors: []\n".to_owned()), Just("é\r\n".to_owned()), "[a-c\\n]{0,4}"],
        0..12,
    )
    .prop_map(|lines| doc(&lines.concat()))
}

fn arb_step() -> impl Strategy<Value = Step> {
    prop_oneof![3 => arb_text().prop_map(Step::Commit), 1 => arb_text().prop_map(Step::Edit)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn replay_gives_every_document(first in arb_text(), steps in vec(arb_step(), 1..12)) {
        let workspace = Workspace::new();
        let store = workspace.store();
        let mut locked = lock(&store);
        locked.create(&session_id(), first.clone(), operation(1)).unwrap();
        let mut expected = vec![first];
        for (n, step) in (2_u128..).zip(steps) {
            match step {
                Step::Commit(text) => {
                    commit(&mut locked, n, &text);
                    expected.push(text);
                }
                Step::Edit(text) => {
                    put(&workspace.active(), &text);
                    let current = open(&mut locked, n).unwrap().unwrap();
                    prop_assert_eq!(&current.text, &text);
                    if expected.last() != Some(&text) {
                        expected.push(text);
                    }
                }
            }
        }
        drop(locked);
        prop_assert_eq!(workspace.replayed(), expected.clone());
        let history = workspace.store().history(&session_id()).unwrap().unwrap();
        for (seq, text) in (1..).zip(&expected) {
            prop_assert_eq!(&history.text_after(seq).unwrap(), text);
        }
        prop_assert_eq!(history.last_document().unwrap(), expected.pop());
    }
}
