//! Clients' connections are cut at random bytes while they send and receive.

use std::collections::HashMap;
use std::sync::Arc;

use orochi_client::{Client, Error, Options};
use tokio::time::timeout;

use super::checker::{check_log, check_received, read_log};
use super::hub::{DEADLINE, HubProcess};
use super::proxy::Proxy;
use super::traffic::{Progress, options, receive, send};

const CUTS: i64 = 60;
const SENDERS: usize = 3;
const MESSAGES: usize = 3000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_connections_lose_nothing_double_nothing_and_keep_the_order() {
    let seed = std::process::id();
    println!("seed {seed}");
    let mut hub = HubProcess::start();
    let proxy = Proxy::start(hub.port, CUTS, u64::from(seed)).await;
    let receiver = connect(options(&proxy.url, "receiver-0")).await;
    let received = receive(receiver, SENDERS * MESSAGES);
    let progress = Arc::new(Progress::default());
    let mut sent_by = HashMap::new();
    let mut senders = Vec::new();
    for n in 0..SENDERS {
        let client = connect(options(&proxy.url, &format!("sender-{n}"))).await;
        sent_by.insert(client.name().to_owned(), MESSAGES);
        senders.push(send(client, MESSAGES, Arc::clone(&progress)));
    }
    let mut acks = Vec::new();
    for sender in senders {
        acks.extend(timeout(DEADLINE, sender).await.expect("all sends are acked").expect("a sender"));
    }
    let received = timeout(2 * DEADLINE, received).await.expect("nothing is lost").expect("a receiver");
    assert!(proxy.cuts() >= 10, "only {} connections were cut: the test tests little", proxy.cuts());
    hub.terminate();
    tokio::task::block_in_place(|| assert!(hub.ended().success()));
    let log = read_log(&hub.db()).await;
    check_log(&log, &acks, &sent_by);
    check_received("receiver-0", &received, &log);
}

/// Repeats the first connection: before it is made, the client does not try again by itself.
async fn connect(options: Options) -> Client {
    loop {
        match Client::connect(options.clone()).await {
            Ok(client) => return client,
            Err(Error::Unreachable { .. } | Error::ConnectionLost { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}
