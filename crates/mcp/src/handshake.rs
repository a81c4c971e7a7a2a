//! How a client says what it speaks: the handshake of the earlier revisions, or what each request of the stateless one
//! brings along.
//!
//! Until then the SDK ends the connection at what it does not expect, so nothing else gets through to it.

use rmcp::RoleServer;
use rmcp::model::{ClientRequest, GetMeta as _, ProtocolVersion};
use rmcp::service::RxJsonRpcMessage;
use serde_json::{Map, Value, json};

/// What a request says of how the client speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    /// Enough to begin.
    Enough,
    /// Nothing, and it need not.
    Nothing,
    /// Too little; these members of `_meta` are missing.
    TooLittle(Vec<&'static str>),
}

/// Returns what a request says.
pub(crate) fn says(request: &ClientRequest) -> Says {
    if matches!(request, ClientRequest::InitializeRequest(_)) {
        return Says::Enough;
    }
    if matches!(request, ClientRequest::PingRequest(_) | ClientRequest::DiscoverRequest(_)) {
        return Says::Nothing;
    }
    let meta = request.get_meta();
    let missing = meta.missing_required_keys(&ProtocolVersion::V_2026_07_28);
    if !missing.is_empty() {
        return Says::TooLittle(missing);
    }
    // Another revision is refused, and the client may try again.
    let is_known = |version| ProtocolVersion::KNOWN_VERSIONS.contains(&version);
    if meta.protocol_version().is_some_and(is_known) { Says::Enough } else { Says::Nothing }
}

/// Reads an `initialize` that leaves out what the Node server does without.
pub(crate) fn completed(text: &[u8]) -> Option<RxJsonRpcMessage<RoleServer>> {
    let mut message: Value = serde_json::from_slice(text).ok()?;
    let params = fill(message.as_object_mut()?, "params", none()).as_object_mut()?;
    let newest = json!(ProtocolVersion::LATEST_WITH_INITIALIZE.as_str());
    fill(params, "protocolVersion", newest);
    fill(params, "capabilities", none());
    let client = fill(params, "clientInfo", none()).as_object_mut()?;
    fill(client, "name", "unknown".into());
    fill(client, "version", "unknown".into());
    serde_json::from_value(message).ok()
}

fn none() -> Value {
    Value::Object(Map::new())
}

/// Returns a member, after giving it a value if it has none.
fn fill<'m>(members: &'m mut Map<String, Value>, name: &str, value: Value) -> &'m mut Value {
    let member = members.entry(name).or_insert(Value::Null);
    if member.is_null() {
        *member = value;
    }
    member
}

#[cfg(test)]
mod tests {
    use super::*;
    use rmcp::model::JsonRpcMessage;

    #[test]
    fn an_initialize_may_leave_out_what_it_likes_but_not_say_nonsense() {
        let is_read = |params: &str| {
            let text =
                format!(r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{params}}}"#);
            let message = completed(text.as_bytes());
            matches!(message, Some(JsonRpcMessage::Request(asked))
                if says(&asked.request) == Says::Enough)
        };
        for params in [
            "{}",
            "null",
            r#"{"protocolVersion":"2025-06-18"}"#,
            r#"{"clientInfo":{"name":"x"},"capabilities":null}"#,
        ] {
            assert!(is_read(params), "{params}");
        }
        for params in ["[]", r#"{"clientInfo":"x"}"#, r#"{"protocolVersion":3}"#] {
            assert!(!is_read(params), "{params}");
        }
    }
}
