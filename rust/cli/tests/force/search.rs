//! The hub is killed at random points between the log and its search index. Every acked message is found.

use std::sync::Arc;

use orochi_client::Client;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::hub::{DEADLINE, HubProcess};
use super::traffic::{Progress, options, send};

const ROUNDS: usize = 20;
const MESSAGES: usize = 20_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn search_finds_every_acked_message_after_twenty_kills() {
    let seed = std::process::id();
    println!("seed {seed}");
    let mut hub = HubProcess::start();
    let progress = Arc::new(Progress::default());
    let sender = Client::connect(options(&hub.url(), "sender")).await.expect("the hub is there");
    let asker = Client::connect(options(&hub.url(), "asker")).await.expect("the hub is there");
    let sending = send(sender, MESSAGES, Arc::clone(&progress));
    let mut random = u64::from(seed);
    for _ in 0..ROUNDS {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let more = 1 + (random >> 33) as usize % (MESSAGES / ROUNDS);
        timeout(DEADLINE, progress.acks(more, MESSAGES)).await.expect("sending goes on after a kill");
        let acked = progress.count_so_far();
        tokio::task::block_in_place(|| hub.kill_and_restart());
        for n in [0, acked / 2, acked - 1] {
            assert_found(&asker, n).await;
        }
    }
    timeout(2 * DEADLINE, sending).await.expect("all sends are acked").expect("a sender");
    for n in (0..MESSAGES).step_by(97) {
        assert_found(&asker, n).await;
    }
}

/// Messages are numbered in their text, and acked in this order.
async fn assert_found(asker: &Client, n: usize) {
    let payload = json!({"channel": "#load", "search": format!("\"sender {n} for\"")});
    let payload = to_raw_value(&payload).expect("it is JSON");
    let answer = timeout(DEADLINE, asker.request("query", &payload)).await.expect("an answer").expect("a query");
    let data: Value = serde_json::from_str(answer.data.expect("rows").get()).expect("it is JSON");
    let contents: Vec<&str> =
        data["history"].as_array().expect("rows").iter().filter_map(|row| row["content"].as_str()).collect();
    assert_eq!(contents, [format!("sender {n} for @receiver-0")], "message {n}: {data}");
    assert_eq!(data.get("indexed_up_to"), None, "the index is near the head: {data}");
}
