//! A WebSocket server with the hub's own settings that sends back what it gets: what Autobahn's cases are run against
//! (tests/conformance). Prints its port.

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::routing::get;
use futures_util::{SinkExt, StreamExt};
use orochi_hub::parts::wire::{close_frame, close_frame_after, configure, is_too_big};
use orochi_protocol::CloseCode;
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let upgrade = |upgrade: WebSocketUpgrade| async { configure(upgrade).on_upgrade(echo) };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    axum::serve(listener, Router::new().route("/", get(upgrade))).await
}

async fn echo(mut socket: WebSocket) {
    let last = loop {
        match socket.next().await {
            Some(Ok(message)) if is_too_big(&message) => break Some(close_frame(CloseCode::TooBig)),
            Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => {
                if socket.send(message).await.is_err() {
                    return;
                }
            }
            // tungstenite answers pings by itself with the next write.
            Some(Ok(Message::Ping(_))) => {
                if socket.flush().await.is_err() {
                    return;
                }
            }
            Some(Ok(Message::Pong(_))) => {}
            Some(Ok(Message::Close(_))) | None => break None,
            Some(Err(error)) => break close_frame_after(&error),
        }
    };
    if let Some(last) = last {
        let _ = socket.send(last).await;
        while let Some(Ok(_)) = socket.next().await {}
    } else {
        // The close is answered by the next write.
        let _ = socket.close().await;
    }
}
