//! Serves one client, from the first line to the last.

use std::fmt;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::Builder;

use maestro_session::Env;
use maestro_session::store::Disk;
use rmcp::ServiceExt as _;
use rmcp::service::ServerInitializeError;

use crate::lines::{read_lines, write_lines};
use crate::log::Log;
use crate::protocol::Protocol;
use crate::roots::Roots;
use crate::transport::Stdio;
use crate::turn::Turns;
use crate::worker::Worker;

/// What the server gets from the world.
pub struct Server {
    /// Clock, ids, environment, and who is recorded as the author of changes.
    pub env: Env,
    /// The current directory, absolute.
    pub cwd: PathBuf,
    /// The file system.
    pub disk: Arc<dyn Disk>,
    /// Where messages come from.
    pub stdin: Box<dyn Read + Send>,
    /// Where answers go, and nothing else.
    pub stdout: Box<dyn Write + Send>,
    /// Where the log goes.
    pub stderr: Box<dyn Write + Send>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("env", &self.env)
            .field("cwd", &self.cwd)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Serves until the input has ended and everything that was asked is answered, or an answer cannot be written because nobody
    /// reads any more.
    ///
    /// Fails if the system gives no threads. What a client sends is never a reason to fail.
    pub fn serve(self) -> io::Result<()> {
        let Self { env, cwd, disk, stdin, stdout, stderr } = self;
        let (log, logging) = Log::begin(stderr)?;
        log.info("MCP server starting");
        let (output, writing) = write_lines(stdout)?;
        let input = read_lines(stdin)?;
        let (turns, queue) = Turns::new();
        let mut worker = Worker::new(Arc::new(env), disk, cwd, log.clone());
        let working =
            Builder::new().name("calls".to_owned()).spawn(move || queue.work(&mut worker))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let roots = Roots::default();
        let transport = Stdio::new(input, output, turns, roots.clone(), log.clone());
        log.info("MCP server connected");
        runtime.block_on(async {
            match Protocol::new(roots).serve(transport).await {
                Ok(running) => drop(running.waiting().await),
                // The client went away before it began.
                Err(ServerInitializeError::ConnectionClosed(_)) => {}
                Err(error) => log.error(&format!("the connection ended: {error}")),
            }
        });
        // Drops the last turns and the last sender of lines.
        drop(runtime);
        drop(working.join());
        writing.finish();
        drop(log);
        logging.finish();
        Ok(())
    }
}
