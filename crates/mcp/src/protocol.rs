//! What the server answers to the protocol's own requests, and how a call gets to be carried out.

use std::sync::{Arc, LazyLock};

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, CustomRequest,
    CustomResult, ErrorCode, ErrorData, Implementation, InitializeResult, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ProtocolVersion, ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::{NotificationContext, RequestContext};
use rmcp::{RoleServer, ServerHandler};
use tokio::sync::oneshot;

use crate::roots::{ROOTS_WAIT, Roots};
use crate::tool::{Effect, Entry};
use crate::tools::entries;
use crate::turn::Turn;
use crate::worker::{Call, Worker};

/// What the server tells models about itself. The first sentence has to stand alone: some hosts show no more.
pub(crate) const INSTRUCTIONS: &str = "Maestro keeps the thread of a multi-agent orchestration: its session, phases, handoffs, \
files, errors and token use survive crashes, races and hand edits. Call `initialize_workspace` once with the project \
directory, then `get_session_status`. `create_session` begins a session from a plan, `transition_phase` completes phases and \
starts the next ones, `fail_phase`, `retry_phase` and `skip_phase` deal with failures, `get_resume_report` says how an \
interrupted session goes on, `archive_session` ends it. Every error has a `recovery_hint`.";

/// How long a client may go by the list of tools, in milliseconds. It is the same as long as the process runs.
const LIST_TTL_MS: u64 = 60_000;

/// The server, as the protocol sees it.
#[derive(Clone, Debug)]
pub(crate) struct Protocol {
    info: ServerConfig,
    roots: Roots,
}

impl Protocol {
    pub(crate) fn new(roots: Roots) -> Self {
        let server = Implementation::new("maestro", env!("CARGO_PKG_VERSION"))
            .with_title("Maestro Sessions");
        let capabilities = ServerCapabilities::builder().enable_tools().build();
        let info = InitializeResult::new(capabilities)
            .with_server_info(server)
            .with_instructions(INSTRUCTIONS)
            .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE);
        Self { info, roots }
    }

    async fn ask_for_roots(&self, context: NotificationContext<RoleServer>) {
        let has_roots =
            context.peer.peer_info().is_some_and(|client| client.capabilities.roots.is_some());
        if !has_roots {
            return;
        }
        // Before anything else is awaited: a call that comes right behind waits for the answer.
        self.roots.ask();
        let answer = tokio::time::timeout(ROOTS_WAIT, roots_of(&context)).await;
        self.roots.answer(&answer.unwrap_or_default());
    }
}

/// Asks a client what its roots are. One that fails to say has none.
#[expect(
    deprecated,
    reason = "the earlier revisions know no other way to tell a server where they work"
)]
async fn roots_of(context: &NotificationContext<RoleServer>) -> Vec<String> {
    let answer = context.peer.list_roots().await;
    answer.map(|answer| answer.roots.into_iter().map(|root| root.uri).collect()).unwrap_or_default()
}

/// The tools as clients see them. Their schemas are made when somebody asks for them first.
fn listed() -> &'static [Tool] {
    static LISTED: LazyLock<Vec<Tool>> = LazyLock::new(|| entries().iter().map(tool_of).collect());
    &LISTED
}

fn tool_of(entry: &Entry) -> Tool {
    let annotations = ToolAnnotations::with_title(entry.title)
        .read_only(entry.effect == Effect::Reads)
        .destructive(entry.effect == Effect::Ends)
        .idempotent(matches!(entry.effect, Effect::Reads | Effect::AddsOnce))
        .open_world(false);
    let mut tool = Tool::new(entry.name, entry.description, (entry.input)());
    tool.title = Some(entry.title.to_owned());
    tool.output_schema = Some(Arc::new((entry.output)()));
    tool.annotations = Some(annotations);
    tool
}

impl ServerHandler for Protocol {
    fn get_info(&self) -> ServerConfig {
        self.info.clone()
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(listed().to_vec()).with_ttl_ms(LIST_TTL_MS))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let lost = |why| ErrorData::new(ErrorCode::INTERNAL_ERROR, why, None);
        let turn = context.extensions.get::<Turn<Worker>>();
        let turn = turn.ok_or_else(|| lost("the call did not come in over the connection"))?;
        let (reply, answer) = oneshot::channel();
        let call = Call {
            tool: request.name.into_owned(),
            arguments: request.arguments.unwrap_or_default(),
            roots: self.roots.clone(),
        };
        let cancelled = context.ct.clone();
        turn.take(Box::new(move |worker| {
            // What nobody waits for any more is not begun; what was begun is brought to its end.
            if !cancelled.is_cancelled() {
                drop(reply.send(worker.carry_out(call)));
            }
        }));
        let answer = answer.await.map_err(|_| lost("the call was cancelled"))?;
        let texts = vec![ContentBlock::text(answer.text)];
        let result = if answer.is_error {
            CallToolResult::error(texts)
        } else {
            CallToolResult::success(texts)
        };
        Ok(result.into())
    }

    // Some clients ask for these at their start, whatever the capabilities say, and wait.

    async fn list_prompts(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(ListPromptsResult::default())
    }

    async fn list_resources(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::default())
    }

    async fn list_resource_templates(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::default())
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        let method = request.method;
        if ["initialize", "tools/call", "tools/list"].contains(&method.as_str()) {
            let problem = format!("the parameters of `{method}` are not those of the protocol");
            return Err(ErrorData::invalid_params(problem, None));
        }
        let problem = format!("Method not found: {method}");
        Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, problem, None))
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        self.ask_for_roots(context).await;
    }

    async fn on_roots_list_changed(&self, context: NotificationContext<RoleServer>) {
        self.ask_for_roots(context).await;
    }
}
