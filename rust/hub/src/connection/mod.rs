//! One task for each WebSocket. It reads requests, passes them to the core, and writes its outbox.
//!
//! - [`link`]: the socket: writing, pings, closing, and reading the log while behind.
//! - [`agent`]: an agent's requests. [`observer`]: observers, which send nothing.
//! - [`wire`]: limits and buffers, and the close codes for broken protocol rules.
//! - [`life`]: decides when a connection is silent.
//! - [`progress`]: follows how a peer reads what is written to it.

pub(crate) mod agent;
mod life;
mod link;
pub(crate) mod observer;
pub(crate) mod progress;
pub mod wire;

use axum::extract::ws::{Message, WebSocket};
use futures_util::SinkExt;
use orochi_protocol::reply::ErrorReply;
use orochi_protocol::{CloseCode, ErrorCode, Refusal};
use tokio::time::timeout;

use crate::core::stray_frame;
pub(crate) use link::Link;
use wire::close_frame;

/// Refuses a client whose token is wrong or missing with `detail`, and closes with 4001 (section 2).
pub(crate) async fn refuse_auth(mut socket: WebSocket, detail: &str) {
    let refusal = Refusal::new(ErrorCode::AuthFailed, detail);
    let frame = stray_frame("error", &ErrorReply::new(&refusal, None));
    // A client that left or does not read needs no answer.
    let _ = timeout(link::CLOSE_MAX, async {
        socket.send(Message::Text(frame.into())).await?;
        socket.send(close_frame(CloseCode::AuthFailed)).await?;
        socket.close().await
    })
    .await;
}
