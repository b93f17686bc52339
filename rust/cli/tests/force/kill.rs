//! The hub is killed at random points while agents send and receive.

use std::collections::HashMap;
use std::sync::Arc;

use orochi_client::Client;
use tokio::time::timeout;

use super::checker::{check_log, check_received, read_log};
use super::hub::{DEADLINE, HubProcess};
use super::traffic::{Progress, options, receive, send};

const ROUNDS: usize = 20;
const SENDERS: usize = 3;
const RECEIVERS: usize = 2;
const MESSAGES: usize = 3000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_lose_nothing_double_nothing_and_keep_the_order() {
    let seed = std::process::id();
    println!("seed {seed}");
    let mut hub = HubProcess::start();
    let progress = Arc::new(Progress::default());
    let all = SENDERS * MESSAGES;
    let mut receivers = Vec::new();
    for n in 0..RECEIVERS {
        let name = format!("receiver-{n}");
        let client = Client::connect(options(&hub.url(), &name)).await.expect("the hub is there");
        receivers.push((name, receive(client, all)));
    }
    let mut senders = Vec::new();
    let mut sent_by = HashMap::new();
    for n in 0..SENDERS {
        let client = Client::connect(options(&hub.url(), &format!("sender-{n}"))).await.expect("the hub is there");
        sent_by.insert(client.name().to_owned(), MESSAGES);
        senders.push(send(client, MESSAGES, Arc::clone(&progress)));
    }
    let mut random = u64::from(seed);
    for _ in 0..ROUNDS {
        // The point is a number of further acks, not a time.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let more = 1 + (random >> 33) as usize % (all / ROUNDS / 2);
        timeout(DEADLINE, progress.acks(more, all)).await.expect("sending goes on after a kill");
        tokio::task::block_in_place(|| hub.kill_and_restart());
    }
    let mut acks = Vec::new();
    for sender in senders {
        acks.extend(timeout(DEADLINE, sender).await.expect("all sends are acked").expect("a sender"));
    }
    let mut received = Vec::new();
    for (name, receiver) in receivers {
        let messages =
            timeout(2 * DEADLINE, receiver).await.unwrap_or_else(|_| panic!("{name} waits for what is lost"));
        received.push((name, messages.expect("a receiver")));
    }
    hub.terminate();
    tokio::task::block_in_place(|| assert!(hub.ended().success()));
    let log = read_log(&hub.db()).await;
    check_log(&log, &acks, &sent_by);
    for (name, messages) in &received {
        check_received(name, messages, &log);
    }
}
