//! Senders and receivers that continue through any fault, and note every ack and message.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use orochi_client::{Client, Error, Options, Outgoing, Receipt};
use orochi_protocol::request::Resume;
use orochi_protocol::{ChannelName, Seq};
use serde::Deserialize;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::checker::Acked;
use super::hub::DEADLINE;
use crate::frames;

/// Unacked sends at the same time.
const WINDOW: usize = 32;
/// The number of a receiver's frames that are checked against the schema; the rest of a flood is similar.
const FRAMES_CHECKED: usize = 500;

/// Counts acks, so that a test can wait for further acks and not for a time.
#[derive(Default)]
pub struct Progress {
    acks: AtomicUsize,
    changed: Notify,
}

impl Progress {
    /// Waits until there are `more` acks than now, or until no more can come.
    pub async fn acks(&self, more: usize, all: usize) {
        let until = (self.acks.load(Ordering::Relaxed) + more).min(all);
        loop {
            let changed = self.changed.notified();
            if self.acks.load(Ordering::Relaxed) >= until {
                return;
            }
            changed.await;
        }
    }

    /// The number of acks so far.
    pub fn count_so_far(&self) -> usize {
        self.acks.load(Ordering::Relaxed)
    }

    fn count(&self) {
        self.acks.fetch_add(1, Ordering::Relaxed);
        self.changed.notify_waiters();
    }
}

/// The options of an agent in `#load` that gets everything from the log's beginning.
pub fn options(url: &str, name: &str) -> Options {
    let mut options = Options::new(url, name);
    options.register.channels = Some(vec![ChannelName::parse("#load").expect("a channel's name")]);
    options.register.resume = Some(Resume::After(Seq::ZERO));
    options
}

/// Sends `count` numbered messages, with at most [`WINDOW`] unacked. Returns every ack.
pub fn send(client: Client, count: usize, progress: Arc<Progress>) -> JoinHandle<Vec<Acked>> {
    tokio::spawn(async move {
        let mut waiting = FuturesOrdered::new();
        let mut acks = Vec::with_capacity(count);
        let mut next = 0;
        while acks.len() < count {
            while next < count && waiting.len() < WINDOW {
                waiting.push_back(send_one(&client, next));
                next += 1;
            }
            let receipt = waiting.next().await.expect("one is on its way");
            let receipt = receipt.expect("a send survives what happens to the hub");
            acks.push(Acked { id: receipt.id, seq: receipt.seq.expect("this hub gives seqs") });
            progress.count();
        }
        acks
    })
}

fn send_one(client: &Client, n: usize) -> impl Future<Output = Result<Receipt, Error>> + use<> {
    let content = format!("{} {n} for @receiver-0", client.name());
    client.send(Outgoing { channel: "#load".to_owned(), content, metadata: None, reply_to: None, id: None })
}

/// Receives until `count` messages have arrived. Returns each message's seq and id.
pub fn receive(client: Client, count: usize) -> JoinHandle<Vec<(Seq, String)>> {
    #[derive(Deserialize)]
    struct Frame {
        r#type: String,
        id: String,
        seq: Option<Seq>,
    }
    tokio::spawn(async move {
        let mut received = Vec::with_capacity(count);
        while received.len() < count {
            let incoming = match timeout(DEADLINE, client.inbox().recv()).await {
                Ok(incoming) => incoming.expect("the connection comes back"),
                Err(_) => {
                    panic!("{} got {} of {count}, then nothing: {:?}", client.name(), received.len(), received.last())
                }
            };
            if received.len() < FRAMES_CHECKED {
                frames::from_hub(&incoming.text);
            }
            let frame: Frame = serde_json::from_str(&incoming.text).expect("a frame is JSON");
            if frame.r#type == "message" {
                let seq = frame.seq.expect("a message has a seq");
                client.finished(seq);
                received.push((seq, frame.id));
            }
        }
        received
    })
}
