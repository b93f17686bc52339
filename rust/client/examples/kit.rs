//! The client, driven by the conformance kit over stdin and stdout (tests/conformance/kit/README.md).

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::time::Duration;

use orochi_client::{Client, Error, Options, Outgoing, State};
use orochi_protocol::request::{Register, Resume};
use orochi_protocol::{ChannelName, ErrorCode, Seq};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
enum Command {
    Connect { url: String, token: String, name: String, channels: Vec<String> },
    Join { channel: String },
    Send { key: String, channel: String, content: String },
    Seen { seq: Seq },
    Close,
}

#[tokio::main]
async fn main() {
    let mut commands = read_commands();
    // Requests wait for the first connection.
    let (found, client) = watch::channel(None::<Client>);
    let found = Arc::new(found);
    while let Some(command) = commands.recv().await {
        match command {
            Command::Connect { url, token, name, channels } => {
                let register = Register {
                    channels: Some(channels.iter().filter_map(|channel| ChannelName::parse(channel).ok()).collect()),
                    resume: Some(Resume::Stored),
                    ..Register::default()
                };
                // Its own time limits are for programs that give up; here a hub may be away for long.
                let connect_timeout = Duration::from_secs(40);
                let options = Options {
                    token: token.into(),
                    register,
                    connect_timeout,
                    ..Options::new(url.trim_end_matches('/'), name)
                };
                tokio::spawn(connect(options, Arc::clone(&found)));
            }
            Command::Close => break,
            command => request(command, client.clone()).await,
        }
    }
    let client = client.borrow().clone();
    if let Some(client) = client {
        client.close().await;
    }
}

/// A thread of its own reads stdin; the channel ends with it.
fn read_commands() -> mpsc::UnboundedReceiver<Command> {
    let (sender, commands) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let command = serde_json::from_str(&line).expect("a command of the kit");
            if sender.send(command).is_err() {
                break;
            }
        }
    });
    commands
}

async fn connect(options: Options, found: Arc<watch::Sender<Option<Client>>>) {
    let client = match Client::connect(options).await {
        Ok(client) => client,
        Err(error) => return tell(&json!({ "event": "final", "code": code(&error) })),
    };
    tell(&json!({ "event": "registered" }));
    let mut states = client.states();
    found.send_replace(Some(client.clone()));
    tokio::spawn(async move {
        while states.changed().await.is_ok() {
            if *states.borrow_and_update() == State::Connected {
                tell(&json!({ "event": "registered" }));
            }
        }
    });
    while let Some(frame) = client.inbox().recv().await {
        let Ok(message) = serde_json::from_str::<Value>(&frame.text) else { continue };
        if let Some(seq) = frame.seq {
            let payload = &message["payload"];
            tell(&json!({ "event": "message", "seq": seq, "sender": message["sender"],
                "channel": payload["channel"], "content": payload["content"] }));
        }
    }
}

/// Queues a request in the order of the commands, and tells its answer when it comes.
async fn request(command: Command, mut found: watch::Receiver<Option<Client>>) {
    let Ok(client) = found.wait_for(Option::is_some).await.map(|client| client.clone()) else { return };
    let Some(client) = client else { return };
    match command {
        Command::Join { channel } => {
            tokio::spawn(async move {
                if client.subscribe(&channel).await.is_ok() {
                    tell(&json!({ "event": "joined", "channel": channel }));
                }
            });
        }
        Command::Send { key, channel, content } => {
            let answer = client.send(Outgoing { channel, content, metadata: None, reply_to: None, id: None });
            tokio::spawn(async move {
                match answer.await {
                    Ok(receipt) => tell(&json!({ "event": "acked", "key": key, "seq": receipt.seq })),
                    Err(error) => tell(&json!({ "event": "refused", "key": key, "code": code(&error) })),
                }
            });
        }
        Command::Seen { seq } => client.finished(seq),
        Command::Connect { .. } | Command::Close => {}
    }
}

fn code(error: &Error) -> String {
    match error {
        Error::AuthFailed { .. } => ErrorCode::AuthFailed.to_string(),
        Error::Refused { code, .. } => code.to_string(),
        other => other.to_string(),
    }
}

fn tell(event: &Value) {
    let mut stdout = std::io::stdout().lock();
    // The kit has ended where nobody reads.
    let _ = writeln!(stdout, "{event}").and_then(|()| stdout.flush());
}
