//! Reads the argument of `--tokens`.

use maestro_session_model::TokenCounts;

/// Reads `input=N,output=N,cached=N`: any of the three, in any order, each at most once.
pub(crate) fn parse(text: &str) -> Result<TokenCounts, TokensError> {
    let (mut input, mut output, mut cached) = (None, None, None);
    for part in text.split(',') {
        let part = part.trim();
        let Some((name, number)) = part.split_once('=') else {
            return Err(TokensError::NotAnAssignment { part: part.to_owned() });
        };
        let name = name.trim();
        let slot = match name {
            "input" => &mut input,
            "output" => &mut output,
            "cached" => &mut cached,
            _ => return Err(TokensError::UnknownCount { name: name.to_owned() }),
        };
        let number = number.trim();
        // `u64::from_str` takes a leading `+`, which nobody means.
        let count =
            if number.bytes().all(|b| b.is_ascii_digit()) { number.parse().ok() } else { None };
        let count: u64 = count.ok_or_else(|| TokensError::NotACount {
            name: name.to_owned(),
            value: number.to_owned(),
        })?;
        if slot.replace(count).is_some() {
            return Err(TokensError::Twice { name: name.to_owned() });
        }
    }
    Ok(TokenCounts {
        input: input.unwrap_or(0),
        output: output.unwrap_or(0),
        cached: cached.unwrap_or(0),
    })
}

/// A text that does not say how many tokens were used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokensError {
    #[error("`{part}` is not of the form NAME=N, as in `input=1200,output=300,cached=800`")]
    NotAnAssignment { part: String },
    #[error("`{name}` is not a count; the counts are `input`, `output` and `cached`")]
    UnknownCount { name: String },
    #[error("`{value}` is not a whole number from 0 to {max} for `{name}`", max = u64::MAX)]
    NotACount { name: String, value: String },
    #[error("`{name}` is given twice")]
    Twice { name: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_come_in_any_order_and_any_may_be_absent() {
        let counts = |input, output, cached| Ok(TokenCounts { input, output, cached });
        assert_eq!(parse("input=3,output=2,cached=1"), counts(3, 2, 1));
        assert_eq!(parse("cached=1, input=3"), counts(3, 0, 1));
        assert_eq!(parse("output=18446744073709551615"), counts(0, u64::MAX, 0));
    }

    #[test]
    fn what_is_wrong_is_said_in_full() {
        let say = |text| parse(text).unwrap_err().to_string();
        let said = [
            say(""),
            say("12"),
            say("input=1,"),
            say("total=5"),
            say("input=-1"),
            say("input=+1"),
            say("output=1e3"),
            say("cached=18446744073709551616"),
            say("input=1,input=1"),
        ];
        insta::assert_snapshot!(said.join("\n"), @"
        `` is not of the form NAME=N, as in `input=1200,output=300,cached=800`
        `12` is not of the form NAME=N, as in `input=1200,output=300,cached=800`
        `` is not of the form NAME=N, as in `input=1200,output=300,cached=800`
        `total` is not a count; the counts are `input`, `output` and `cached`
        `-1` is not a whole number from 0 to 18446744073709551615 for `input`
        `+1` is not a whole number from 0 to 18446744073709551615 for `input`
        `1e3` is not a whole number from 0 to 18446744073709551615 for `output`
        `18446744073709551616` is not a whole number from 0 to 18446744073709551615 for `cached`
        `input` is given twice
        ");
    }
}
