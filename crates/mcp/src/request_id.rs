//! Finds the id of a request that cannot be read as a whole: one that is cut off, too long, or no JSON in some other place.
//!
//! Whoever sent it waits for an answer with that id. Looks at the outermost object alone, and guesses nothing.

use rmcp::model::RequestId;

/// Returns the value of `id` in the outermost object of `text`, if it is there before the text ends or goes wrong.
pub(crate) fn find(text: &[u8]) -> Option<RequestId> {
    let mut depth = 0_u32;
    let mut at = 0;
    let mut is_key = false;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                let end = end_of_string(text, at)?;
                if depth == 1 && is_key && &text[at..end] == br#""id""# {
                    return value(&text[end..]);
                }
                at = end;
                is_key = false;
                continue;
            }
            b'{' => {
                depth += 1;
                is_key = depth == 1;
            }
            b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1).filter(|depth| *depth > 0)?,
            b',' => is_key = depth == 1,
            _ => {}
        }
        at += 1;
    }
    None
}

/// The place behind the string that begins at `start`.
fn end_of_string(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The id that follows a key: behind a colon, a whole number or a string, and whole.
fn value(text: &[u8]) -> Option<RequestId> {
    let text = text.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    let end = match text.first()? {
        b'"' => end_of_string(text, 0)?,
        _ => text.iter().position(|byte| matches!(byte, b',' | b'}' | b' ' | b'\t' | b'\r'))?,
    };
    serde_json::from_slice(&text[..end]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_that_of_the_outermost_object() {
        let number = Some(RequestId::Number(7));
        let text = Some(RequestId::String("a\"b".into()));
        for (message, id) in [
            (r#"{"jsonrpc":"2.0","id":7,"method":"x","params":{"#, number.clone()),
            (r#"{"params":{"id":3,"a":[{"id":4}]},"id" : 7 ,"#, number.clone()),
            (r#"{"id":"a\"b","method":"\ud800"}"#, text),
            (r#"{"a":"id","b":{"id":1}"#, None),
            (r#"{"method":"id","id":1.5}"#, None),
            (r#"{"id":null}"#, None),
            (r#"{"id":12"#, None),
            (r#"[{"id":1}]"#, None),
            (r#"{"a":1}{"id":7}"#, None),
            ("", None),
            ("\"", None),
        ] {
            assert_eq!(find(message.as_bytes()), id, "{message}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_stumble(bytes: Vec<u8>) {
            find(&bytes);
        }

        #[test]
        fn an_id_is_found_however_the_message_goes_on(id: i64, rest: Vec<u8>) {
            let mut message = format!(r#"{{"jsonrpc":"2.0","id":{id},"#).into_bytes();
            message.extend(rest);
            proptest::prop_assert_eq!(find(&message), Some(RequestId::Number(id)));
        }
    }
}
