//! The connection to one client over stdin and stdout: one JSON-RPC message a line.
//!
//! Beside what the SDK's own transport does, this one
//! * answers what cannot be read, under the id of the request wherever that can be made out, so that nobody waits in vain;
//! * gives every tool call its [`Turn`] the moment it is read;
//! * ends when the input has ended *and* everything that was asked is answered;
//! * passes by what a client must not send before it has begun, instead of ending;
//! * writes the result of a tool as text and as structure from one text, in the order of its fields.

use std::future;
use std::io;

use rmcp::RoleServer;
use rmcp::model::{
    CallToolResult, ClientNotification, ClientRequest, ContentBlock, ErrorCode, ErrorData,
    GetExtensions as _, JsonRpcMessage, RequestId, ServerResult,
};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde_json::Value;
use tokio::sync::mpsc::Receiver;

use crate::backlog::Backlog;
use crate::handshake::{self, Says};
use crate::lines::{Line, LineSender, MAX_LINE_BYTES};
use crate::log::Log;
use crate::request_id;
use crate::roots::Roots;
use crate::turn::Turns;

/// A connection over lines.
pub(crate) struct Stdio<W> {
    input: Receiver<Line>,
    output: LineSender,
    turns: Turns<W>,
    roots: Roots,
    log: Log,
    backlog: Backlog,
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
        roots: Roots,
        log: Log,
    ) -> Self {
        let backlog = Backlog::default();
        Self { input, output, turns, roots, log, backlog, has_begun: false, has_ended: false }
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
            Ok(message) => self.admit(message, text),
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
        text: &[u8],
    ) -> Option<RxJsonRpcMessage<RoleServer>> {
        if !self.has_begun && is_custom(&message, "initialize") {
            message = handshake::completed(text).unwrap_or(message);
        }
        match &mut message {
            JsonRpcMessage::Request(asked) => {
                if !self.has_begun && !self.begins(&asked.request, &asked.id) {
                    return None;
                }
                if !self.backlog.opened(&asked.id, text.len()) {
                    let problem = "a request with this id is not answered yet".to_owned();
                    self.refuse(ErrorCode::INVALID_REQUEST, problem, Some(asked.id.clone()));
                    return None;
                }
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
                    self.backlog.closed(id);
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
            JsonRpcMessage::Response(told) => self.backlog.told(&told.id),
            JsonRpcMessage::Error(told) => {
                if let Some(id) = &told.id {
                    self.backlog.told(id);
                }
            }
        }
        Some(message)
    }

    /// Whether a request that comes before the connection has begun may go on; else it is answered.
    fn begins(&mut self, request: &ClientRequest, id: &RequestId) -> bool {
        match handshake::says(request) {
            Says::Enough => self.has_begun = true,
            Says::Nothing => {}
            Says::TooLittle(missing) => {
                let (code, problem) = if is_custom_request(request, "initialize") {
                    let problem = "the parameters of `initialize` are not those of the protocol";
                    (ErrorCode::INVALID_PARAMS, problem.to_owned())
                } else {
                    let problem = "nothing is known of the client yet: send `initialize` first";
                    let missing = missing.join(", ");
                    let problem =
                        format!("{problem}, or add {missing} to `_meta` of every request");
                    (ErrorCode::INVALID_PARAMS, problem)
                };
                self.refuse(code, problem, Some(id.clone()));
                return false;
            }
        }
        true
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
            Some(_) if value.get("id").is_none() => {
                self.log.info("a notification that is not understood was passed by");
                return;
            }
            _ if value.get("jsonrpc").and_then(Value::as_str) != Some("2.0") => (
                ErrorCode::INVALID_REQUEST,
                "the message is not JSON-RPC: `jsonrpc` must be \"2.0\"".to_owned(),
            ),
            Some(_) if id.is_none() => (
                ErrorCode::INVALID_REQUEST,
                "the id of a request must be a whole number or a string".to_owned(),
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

    /// Once the input has ended, the client answers nothing any more.
    fn expect_no_more(&self) {
        if self.has_ended && self.backlog.awaits_the_client() {
            self.roots.give_up();
        }
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
        mut message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        match &mut message {
            JsonRpcMessage::Response(answer) => self.backlog.closed(&answer.id),
            JsonRpcMessage::Error(answer) => {
                name_the_problem(&mut answer.error);
                if let Some(id) = &answer.id {
                    self.backlog.closed(id);
                }
            }
            JsonRpcMessage::Request(asked) => {
                self.backlog.asked(&asked.id);
                self.expect_no_more();
            }
            JsonRpcMessage::Notification(_) => {}
        }
        self.output.send(line_of(&message));
        future::ready(Ok(()))
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            if self.output.is_closed() || self.has_ended && self.backlog.is_empty() {
                return None;
            }
            if self.has_ended || self.backlog.is_full() {
                // Asked again as soon as an answer has been sent.
                return future::pending().await;
            }
            // Answers that nobody reads are kept, so no more is asked for.
            self.output.room().await;
            let Some(line) = self.input.recv().await else {
                self.has_ended = true;
                self.expect_no_more();
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

/// Whether a message is a request of this method that is none of the protocol's.
fn is_custom(message: &RxJsonRpcMessage<RoleServer>, method: &str) -> bool {
    matches!(message, JsonRpcMessage::Request(asked) if is_custom_request(&asked.request, method))
}

fn is_custom_request(request: &ClientRequest, method: &str) -> bool {
    matches!(request, ClientRequest::CustomRequest(request) if request.method == method)
}

/// The SDK says of some methods nothing but their name.
fn name_the_problem(error: &mut ErrorData) {
    const NOT_FOUND: &str = "Method not found";
    if error.code == ErrorCode::METHOD_NOT_FOUND && !error.message.starts_with(NOT_FOUND) {
        error.message = format!("{NOT_FOUND}: {}", error.message).into();
    }
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
