//! Connections that stop. Each one is closed after a while, on both ports. The tests shorten the hub's deadlines.

use std::time::Duration;

use orochi_hub::Patience;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{TestHub, in_time};

const SHORT: Duration = Duration::from_millis(300);

async fn hub(change: impl FnOnce(&mut Patience)) -> TestHub {
    let mut patience = Patience::default();
    change(&mut patience);
    TestHub::start(|_| {}, patience).await
}

/// Writes a text and reads until the hub closes.
async fn until_closed(host: &str, written: &str) -> String {
    in_time(async {
        let mut stream = TcpStream::connect(host).await.unwrap();
        stream.write_all(written.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    })
    .await
}

#[tokio::test]
async fn deadline_closes_who_says_nothing_and_who_says_half_a_head() {
    let hub = hub(|patience| patience.head = SHORT).await;
    for host in [hub.agent_host(), hub.dashboard_host()] {
        for said in ["", "\r\n", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n", "GET /ws HTTP/1.1\r\nUpgrade: websock"]
        {
            assert_eq!(until_closed(host, said).await, "", "{said:?}");
        }
    }
    assert_eq!(hub.get("/healthz").await, json!({"status": "ok"}));
}

/// Single bytes now and then don't complete the head in time.
#[tokio::test]
async fn deadline_of_a_head_is_not_moved_on_by_single_bytes() {
    let hub = hub(|patience| patience.head = SHORT).await;
    let mut stream = TcpStream::connect(hub.agent_host()).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    let mut ticks = tokio::time::interval(SHORT / 10);
    let drip = async {
        loop {
            ticks.tick().await;
            // The hub may be gone.
            let _ = writer.write_all(b"G").await;
        }
    };
    let closed = async {
        let mut byte = [0];
        !matches!(reader.read(&mut byte).await, Ok(read) if read > 0)
    };
    tokio::select! {
        () = drip => {}
        closed = in_time(closed) => assert!(closed),
    }
}

#[tokio::test]
async fn deadline_of_a_body_gets_a_sentence_and_the_close() {
    let hub = hub(|patience| patience.body = SHORT).await;
    for sent in ["", "{\"sender\":\"ci\","] {
        let head = "POST /api/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n";
        let answer = until_closed(hub.dashboard_host(), &format!("{head}{sent}")).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(answer.contains("PARSE_ERROR") && answer.contains("no data arrived for 300ms"), "{answer}");
    }
}

#[tokio::test]
async fn deadline_between_requests_closes_an_idle_connection() {
    let hub = hub(|patience| patience.idle = SHORT).await;
    for host in [hub.agent_host(), hub.dashboard_host()] {
        let request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let answers = until_closed(host, &request.repeat(2)).await;
        assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deadline_of_an_answer_that_nobody_reads() {
    let hub = hub(|patience| patience.stuck = SHORT).await;
    let text = "x".repeat(250 * 1024);
    for _ in 0..80 {
        hub.say("alice", "#c", &text).await;
    }
    let mut stream = TcpStream::connect(hub.dashboard_host()).await.unwrap();
    stream.write_all(b"GET /api/messages?limit=500 HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    // The test reads nothing. A closed socket refuses further bytes.
    let mut ticks = tokio::time::interval(SHORT / 10);
    in_time(async {
        while stream.write_all(b"\r\n").await.is_ok() {
            ticks.tick().await;
        }
    })
    .await;
}

/// On a slow line, the system accepts more of an answer only once much of its buffer is free, unless the buffer is
/// small.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deadline_of_an_answer_is_moved_on_by_who_reads_it_slowly() {
    let hub = hub(|patience| patience.stuck = 20 * SHORT).await;
    let text = "x".repeat(250 * 1024);
    for _ in 0..80 {
        hub.say("alice", "#c", &text).await;
    }
    let mut stream = TcpStream::connect(hub.dashboard_host()).await.unwrap();
    stream.write_all(b"GET /api/messages?limit=500 HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut ticks = tokio::time::interval(SHORT / 3);
    let mut piece = vec![0; 8 * 1024];
    for _ in 0..100 {
        ticks.tick().await;
        in_time(stream.read_exact(&mut piece)).await.unwrap();
        // This fails once the hub has closed.
        stream.write_all(b"\r\n").await.unwrap();
    }
}
