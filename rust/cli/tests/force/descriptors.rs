//! Few descriptors, and strangers that use as many as they can. Agents, health checks and the log continue to work.

use std::fs;
use std::path::Path;

use orochi_client::Client;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::disk::send;
use super::hub::{DEADLINE, HubProcess};
use super::traffic::options;

/// The hub's limit on open files.
const LIMIT: usize = 160;
/// The number of silent connections: more than the limit.
const STRANGERS: usize = 400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn descriptors_that_strangers_take_are_not_those_of_agents_health_and_log() {
    let folder = TempDir::new().expect("a temporary folder");
    let lines = folder.path().join("hub.log");
    // The soft limit is even lower: the hub raises it.
    let limited = format!("ulimit -S -n 60; ulimit -H -n {LIMIT}; exec \"$@\"");
    let mut hub = HubProcess::start_logging_to(lines.clone(), folder, &["bash", "-c", &limited, "bash"]);
    let client = Client::connect(options(&hub.url(), "writer")).await.expect("the hub is there");
    let address = format!("127.0.0.1:{}", hub.port);
    let mut strangers = Vec::new();
    for n in 0..STRANGERS {
        strangers.push(in_time(TcpStream::connect(&address)).await.expect("the system takes it"));
        if n % 50 == 0 {
            send(&client, n / 50).await.expect("an agent goes on");
            assert!(get(&address, "/healthz").await.starts_with("HTTP/1.1 200 "));
        }
    }
    assert!(get(&address, "/readyz").await.starts_with("HTTP/1.1 200 "));
    let mut late = Vec::new();
    for n in 0..40 {
        late.push(Client::connect(options(&hub.url(), &format!("late{n}"))).await.expect("there is a seat for it"));
    }
    let history = json!({"channel": "#general"});
    client.request("query", &history).await.expect("the log's readers have their descriptors");
    // The oldest strangers were closed to make room.
    assert_eq!(in_time(strangers[0].read(&mut [0])).await.expect("closed in order"), 0);
    drop(strangers);
    hub.terminate();
    tokio::task::block_in_place(|| assert!(hub.ended().success()));
    let said = fs::read_to_string(&lines).expect("the log is text");
    let warnings: Vec<&str> = said.lines().filter(|line| line.contains("have not authenticated")).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(!said.contains("Too many open files"), "{said}");
}

/// Agents above the limit are refused with a sentence; connected ones stay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn descriptors_of_agents_run_out_in_a_sentence() {
    let folder = TempDir::new().expect("a temporary folder");
    let lines = folder.path().join("hub.log");
    let limited = format!("ulimit -n {LIMIT}; exec \"$@\"");
    let hub = HubProcess::start_logging_to(lines.clone(), folder, &["bash", "-c", &limited, "bash"]);
    let client = Client::connect(options(&hub.url(), "writer")).await.expect("the hub is there");
    let address = format!("127.0.0.1:{}", hub.port);
    let mut seated = Vec::new();
    let refused = loop {
        assert!(seated.len() < LIMIT, "there is a bound");
        let mut stream = in_time(TcpStream::connect(&address)).await.expect("the system takes it");
        stream.write_all(b"GET /api/agents HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("it is open");
        let mut answer = vec![0; 12];
        in_time(stream.read_exact(&mut answer)).await.expect("an answer");
        if answer != b"HTTP/1.1 200" {
            break String::from_utf8(answer).expect("a status line");
        }
        seated.push(stream);
    };
    assert_eq!(refused, "HTTP/1.1 429");
    assert!(seated.len() >= LIMIT / 4, "only {} got a seat", seated.len());
    send(&client, 0).await.expect("an agent goes on");
    assert!(get(&address, "/healthz").await.starts_with("HTTP/1.1 200 "));
    let said = in_time(log_with(&lines, "LimitNOFILE")).await;
    assert_eq!(said.matches("LimitNOFILE").count(), 1, "{said}");
    drop(seated);
}

/// Waits until the hub's own log contains `text`. The log is written asynchronously.
async fn log_with(lines: &Path, text: &str) -> String {
    loop {
        let said = fs::read_to_string(lines).expect("the log is text");
        if said.contains(text) {
            return said;
        }
        tokio::task::yield_now().await;
    }
}

async fn get(address: &str, path: &str) -> String {
    in_time(async {
        let mut stream = TcpStream::connect(address).await.expect("the system takes it");
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("it is open");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        answer
    })
    .await
}

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future).await.expect("it should not take so long")
}
