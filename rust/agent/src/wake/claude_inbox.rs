//! Claude Code's inbox socket: two frames, and never an answer.

use std::path::Path;
use std::time::Duration;

use orochi_protocol::Secret;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::outcome::Outcome;

/// The reader verifies the poster, so the connection stays open for this time.
const HELD: Duration = Duration::from_millis(300);
/// A socket that accepts nothing for this time is not being read.
const WRITE_MAX: Duration = Duration::from_secs(2);

/// Posts a text as a prompt.
pub async fn post(socket: &Path, token: &Secret, sender: &str, text: &str) -> Outcome {
    let auth = json!({"type": "auth", "token": token.expose()});
    // Never with a priority: "now" would keep the hook of the running tool from running.
    let user = json!({
        "type": "user",
        "message": {"role": "user", "content": text},
        "from": format!("orochi:{sender}"),
        "msg_id": Uuid::now_v7().to_string(),
    });
    let frames = format!("{auth}\n{user}\n");
    let posted = timeout(WRITE_MAX, async {
        let mut stream = UnixStream::connect(socket).await?;
        stream.write_all(frames.as_bytes()).await?;
        Ok::<_, std::io::Error>(stream)
    });
    match posted.await {
        Ok(Ok(stream)) => {
            tokio::spawn(async move {
                sleep(HELD).await;
                drop(stream);
            });
            Outcome::Posted
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, socket = %socket.display(), "the client's inbox socket takes no wake");
            Outcome::Failed
        }
        Err(_) => Outcome::Failed,
    }
}
