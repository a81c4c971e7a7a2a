//! The connection to one client over stdin and stdout: one JSON-RPC message a line.
//!
//! Beside what the SDK's own transport does, this one
//! * answers what cannot be read, under the id of the request wherever that can be made out, so that nobody waits in vain;
//! * gives every tool call its [`Turn`] the moment it is read;
//! * ends when the input has ended *and* everything that was asked is answered;
//! * passes by what a client must not send before it has begun, instead of ending;
//! * writes the result of a tool as text and as structure from one text, in the order of its fields.

use std::collections::BTreeSet;
use std::future;
use std::io;

use rmcp::RoleServer;
use rmcp::model::{
    CallToolResult, ClientNotification, ClientRequest, ContentBlock, ErrorCode, ErrorData,
    GetExtensions as _, GetMeta as _, JsonRpcMessage, ProtocolVersion, RequestId, ServerResult,
};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde_json::Value;
use tokio::sync::mpsc::Receiver;

use crate::lines::{Line, LineSender, MAX_LINE_BYTES};
use crate::log::Log;
use crate::request_id;
use crate::turn::Turns;

/// How many requests may wait for their answers; more are read when some of those are answered.
const MAX_OPEN: usize = 1 << 16;

/// A connection over lines.
pub(crate) struct Stdio<W> {
    input: Receiver<Line>,
    output: LineSender,
    turns: Turns<W>,
    log: Log,
    /// The requests that are not answered.
    open: BTreeSet<String>,
    /// Whether a request has said how the client speaks.
    has_begun: bool,
    /// Whether the input has ended.
    has_ended: bool,
}

impl<W> Stdio<W> {
    pub(crate) fn new(
        input: Receiver<Line>,
        output: LineSender,
        turns: Turns<W>,
        log: Log,
    ) -> Self {
        let open = BTreeSet::new();
        Self { input, output, turns, log, open, has_begun: false, has_ended: false }
    }
}

impl<W: 'static> Stdio<W> {
    /// Makes a message of a line; nothing if it is none, or none that anybody has to see.
    fn read(&mut self, line: &Line) -> Option<RxJsonRpcMessage<RoleServer>> {
        let bytes = match line {
            Line::Whole(bytes) => bytes.as_slice(),
            Line::TooLong(begins) => {
                let problem = format!("the message has more than {MAX_LINE_BYTES} bytes");
                self.refuse(ErrorCode::INVALID_REQUEST, problem, request_id::find(begins));
                return None;
            }
        };
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii();
        if text.is_empty() {
            return None;
        }
        match serde_json::from_slice(text) {
            Ok(message) => self.admit(message),
            Err(error) => {
                self.refuse_unreadable(text, &error);
                None
            }
        }
    }

    /// Notes what a message means for the connection.
    fn admit(
        &mut self,
        mut message: RxJsonRpcMessage<RoleServer>,
    ) -> Option<RxJsonRpcMessage<RoleServer>> {
        match &mut message {
            JsonRpcMessage::Request(asked) => {
                self.has_begun |= begins(&asked.request);
                self.open.insert(key(&asked.id));
                if matches!(asked.request, ClientRequest::CallToolRequest(_)) {
                    let turn = self.turns.next();
                    asked.request.extensions_mut().insert(turn);
                }
            }
            JsonRpcMessage::Notification(told) => {
                if let ClientNotification::CancelledNotification(cancelled) = &told.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    // It gets no answer.
                    self.open.remove(&key(id));
                }
                if !self.has_begun {
                    self.log.info("a notification before the first request was passed by");
                    return None;
                }
            }
            JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_) if !self.has_begun => {
                self.log.info("an answer to nothing was passed by");
                return None;
            }
            JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_) => {}
        }
        Some(message)
    }

    /// Answers what is no message that is known.
    fn refuse_unreadable(&self, text: &[u8], error: &serde_json::Error) {
        let Ok(value) = serde_json::from_slice::<Value>(text) else {
            let problem = match std::str::from_utf8(text) {
                Ok(_) => format!("the message is not JSON: {error}"),
                Err(error) => {
                    format!("the message is not UTF-8 text from byte {} on", error.valid_up_to())
                }
            };
            self.log.error(&format!("Failed to parse MCP message: {problem}"));
            return self.refuse(ErrorCode::PARSE_ERROR, problem, request_id::find(text));
        };
        let id = value.get("id").and_then(|id| serde_json::from_value(id.clone()).ok());
        let method = value.get("method").and_then(Value::as_str);
        let (code, problem) = match method {
            _ if value.is_array() => (
                ErrorCode::INVALID_REQUEST,
                "batches are not supported: send one message a line".to_owned(),
            ),
            Some(_) if id.is_none() => {
                self.log.info("a notification that is not understood was passed by");
                return;
            }
            _ if value.get("jsonrpc").and_then(Value::as_str) != Some("2.0") => (
                ErrorCode::INVALID_REQUEST,
                "the message is not JSON-RPC: `jsonrpc` must be \"2.0\"".to_owned(),
            ),
            Some(method) => (
                ErrorCode::INVALID_PARAMS,
                format!("the parameters of `{method}` are not those of the protocol"),
            ),
            None => (
                ErrorCode::INVALID_REQUEST,
                "the message is neither a request nor an answer".to_owned(),
            ),
        };
        self.log.error(&format!("Failed to parse MCP message: {problem}"));
        self.refuse(code, problem, id);
    }

    fn refuse(&self, code: ErrorCode, problem: String, id: Option<RequestId>) {
        let error = ErrorData::new(code, problem, None);
        self.output.send(line_of(&TxJsonRpcMessage::<RoleServer>::error(error, id)));
    }
}

impl<W: 'static> Transport<RoleServer> for Stdio<W> {
    type Error = io::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let answered = match &message {
            JsonRpcMessage::Response(answer) => Some(&answer.id),
            JsonRpcMessage::Error(answer) => answer.id.as_ref(),
            JsonRpcMessage::Request(_) | JsonRpcMessage::Notification(_) => None,
        };
        if let Some(id) = answered {
            self.open.remove(&key(id));
        }
        self.output.send(line_of(&message));
        future::ready(Ok(()))
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            if self.output.is_closed() || self.has_ended && self.open.is_empty() {
                return None;
            }
            if self.has_ended || MAX_OPEN <= self.open.len() {
                // Asked again as soon as an answer has been sent.
                return future::pending().await;
            }
            let Some(line) = self.input.recv().await else {
                self.has_ended = true;
                continue;
            };
            if let Some(message) = self.read(&line) {
                return Some(message);
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether a request says how the client speaks: the handshake of the earlier revisions, or a request that brings along what
/// the handshake would have said. What comes before it is answered, and says nothing.
fn begins(request: &ClientRequest) -> bool {
    let needed = |request: &ClientRequest| {
        request.get_meta().missing_required_keys(&ProtocolVersion::V_2026_07_28)
    };
    match request {
        ClientRequest::InitializeRequest(_) => true,
        ClientRequest::PingRequest(_) | ClientRequest::DiscoverRequest(_) => false,
        request => needed(request).is_empty(),
    }
}

/// A request's id in a form that can be sorted. A number and a string never have the same one.
fn key(id: &RequestId) -> String {
    format!("{id:?}")
}

/// The line of a message.
fn line_of(message: &TxJsonRpcMessage<RoleServer>) -> Vec<u8> {
    let mut line = match message {
        JsonRpcMessage::Response(answer) => match &answer.result {
            ServerResult::CallToolResult(result) => result_line(&answer.id, result),
            _ => None,
        },
        _ => None,
    }
    // Whatever the SDK makes has a form in JSON.
    .unwrap_or_else(|| serde_json::to_vec(message).unwrap_or_default());
    line.push(b'\n');
    line
}

/// The answer to a tool call that succeeded with one text of JSON: the text, and the same as a structure. The structure is
/// that very text, so its fields keep their order, and a large result is not taken apart and put together again.
///
/// A failure has no structure: it would not fit the output schema of the tool, against which clients check every structure.
fn result_line(id: &RequestId, result: &CallToolResult) -> Option<Vec<u8>> {
    let CallToolResult { result_type, content, structured_content, is_error, meta, .. } = result;
    let [ContentBlock::Text(text)] = content.as_slice() else { return None };
    let is_plain = structured_content.is_none() && meta.is_none() && text.text.starts_with('{');
    if !is_plain || *is_error != Some(false) {
        return None;
    }
    let mut line = Vec::with_capacity(256 + 2 * text.text.len() + text.text.len() / 4);
    line.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    serde_json::to_writer(&mut line, id).ok()?;
    line.extend_from_slice(br#","result":{"#);
    if let Some(result_type) = result_type {
        line.extend_from_slice(br#""resultType":"#);
        serde_json::to_writer(&mut line, result_type).ok()?;
        line.push(b',');
    }
    line.extend_from_slice(br#""content":[{"type":"text","text":"#);
    serde_json::to_writer(&mut line, &text.text).ok()?;
    line.extend_from_slice(br#"}],"structuredContent":"#);
    line.extend_from_slice(text.text.as_bytes());
    line.extend_from_slice(br#","isError":false}}"#);
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(result: CallToolResult) -> Value {
        let id = RequestId::String("a\"b".into());
        let message =
            TxJsonRpcMessage::<RoleServer>::response(ServerResult::CallToolResult(result), id);
        let line = line_of(&message);
        assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1));
        serde_json::from_slice(&line).unwrap()
    }

    #[test]
    fn a_result_is_written_as_the_sdk_would_write_it() {
        let text = "{\"b\":\"line\\n \\u2028 \\\"quoted\\\"\",\"a\":[1,null]}";
        let structure: Value = serde_json::from_str(text).unwrap();
        let mut ours = CallToolResult::success(vec![ContentBlock::text(text)]);
        let mut theirs = ours.clone();
        theirs.structured_content = Some(structure);
        assert_eq!(written(ours.clone()), written(theirs.clone()));
        // As it is for the clients of earlier revisions.
        (ours.result_type, theirs.result_type) = (None, None);
        assert_eq!(written(ours), written(theirs));
    }

    #[test]
    fn a_failure_has_no_structure_that_could_break_the_output_schema() {
        let text = r#"{"error":"no active session","code":"NO_SESSION"}"#;
        let failure = written(CallToolResult::error(vec![ContentBlock::text(text)]));
        assert_eq!(failure["result"]["isError"], true);
        assert_eq!(failure["result"]["content"][0]["text"], text);
        assert_eq!(failure["result"].get("structuredContent"), None);
    }

    #[test]
    fn another_content_is_left_to_the_sdk() {
        let plain = written(CallToolResult::success(vec![ContentBlock::text("no JSON")]));
        assert_eq!(plain["result"]["content"][0]["text"], "no JSON");
        assert_eq!(plain["result"].get("structuredContent"), None);
    }
}
