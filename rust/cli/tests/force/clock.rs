//! Sets the system's clock years ahead and back, before 1970 and after 9999. Nothing stops, and times follow the clock.
//!
//! A small library overrides the system's `clock_gettime` and adds the offset from a file.

use std::path::{Path, PathBuf};
use std::process::Command;

use orochi_client::{Client, Outgoing};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::checker::read_log;
use super::hub::{DEADLINE, HubProcess};
use super::traffic::options;

const SHIFTED_CLOCK: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(id, now);
    const char *path = getenv("CLOCK_SHIFT");
    if (id != CLOCK_REALTIME || !path) return result;
    char text[32] = {0};
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return result;
    if (read(file, text, sizeof text - 1) > 0) now->tv_sec += atoll(text);
    close(file);
    return result;
}
"#;

/// Builds the library into `folder`. Returns None without a C compiler.
fn library(folder: &Path) -> Option<PathBuf> {
    let (source, built) = (folder.join("clock.c"), folder.join("clock.so"));
    std::fs::write(&source, SHIFTED_CLOCK).expect("the folder takes files");
    let made = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&built).arg(&source).arg("-ldl").status();
    match made {
        Ok(status) if status.success() => Some(built),
        Ok(_) | Err(_) => {
            eprintln!("skipped: a clock that is set needs a C compiler");
            None
        }
    }
}

async fn send(client: &Client, content: &str) {
    let message = Outgoing {
        channel: "#clock".to_owned(),
        content: content.to_owned(),
        metadata: None,
        reply_to: None,
        id: None,
    };
    timeout(DEADLINE, client.send(message)).await.expect("the hub answers").expect("it is accepted");
}

/// The hub's answer to one request.
async fn http(address: &str, line: &str, body: &Value) -> String {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let head = "Host: localhost\r\nConnection: close\r\nContent-Type: application/json";
    let request = format!("{line} HTTP/1.1\r\n{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let asking = async {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        stream.write_all(request.as_bytes()).await.expect("it is open");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        answer
    };
    timeout(DEADLINE, asking).await.expect("the hub answers")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clock_that_is_set_by_years_stops_nothing_and_times_follow_it() {
    const YEAR: i64 = 365 * 86_400;
    let folder = TempDir::new().expect("a temporary folder");
    let shift = folder.path().join("shift");
    let set = |seconds: i64| {
        let next = shift.with_extension("next");
        std::fs::write(&next, seconds.to_string()).expect("the folder takes files");
        std::fs::rename(&next, &shift).expect("in one step");
    };
    set(0);
    let Some(library) = library(folder.path()) else { return };
    let (preload, path) = (format!("LD_PRELOAD={}", library.display()), format!("CLOCK_SHIFT={}", shift.display()));
    let mut hub = HubProcess::start_in(folder, &["env", &preload, &path]);
    let client = Client::connect(options(&hub.url(), "writer")).await.expect("the hub is there");
    let shifts = [0, 400 * 86_400, 0, -400 * 86_400, 0, -80 * YEAR, 0, 9000 * YEAR, 0];
    for (n, seconds) in shifts.iter().enumerate() {
        set(*seconds);
        send(&client, &n.to_string()).await;
        client.request("presence", &serde_json::json!({"detail": true})).await.expect("it answers");
    }
    // Starts at such times, and once more after them: the client reconnects, others connect, and HTTP is answered.
    let address = format!("127.0.0.1:{}", hub.port);
    for (n, seconds) in [(9, -80 * YEAR), (10, 9000 * YEAR), (11, 200 * YEAR), (12, 0)] {
        set(seconds);
        tokio::task::block_in_place(|| hub.kill_and_restart());
        send(&client, &n.to_string()).await;
        let newcomer = Client::connect(options(&hub.url(), &format!("newcomer-{n}"))).await.expect("it is there");
        send(&newcomer, &format!("{n} by a newcomer")).await;
        newcomer.close().await;
        let message = json!({"sender": "ci", "channel": "#clock", "content": format!("{n} by HTTP")});
        assert!(http(&address, "POST /api/messages", &message).await.starts_with("HTTP/1.1 201 "));
        for path in ["/healthz", "/readyz", "/api/agents", "/api/overview", "/api/stats/timeline", "/api/stats/states"]
        {
            let answer = http(&address, &format!("GET {path}"), &Value::Null).await;
            assert!(answer.starts_with("HTTP/1.1 200 "), "{path}, {seconds} s: {answer}");
        }
    }
    hub.terminate();
    tokio::task::block_in_place(|| assert!(hub.ended().success()));
    let log = read_log(&hub.db()).await;
    let contents: Vec<&str> = log.iter().map(|row| row.content.as_str()).collect();
    let ways = ["", " by a newcomer", " by HTTP"];
    let restarted = (9..13).flat_map(|n| ways.map(|way| format!("{n}{way}")));
    assert_eq!(contents, (0..9).map(|n| n.to_string()).chain(restarted).collect::<Vec<_>>());
    let years: Vec<String> = log.iter().map(|row| row.ts.to_string()[..4].to_owned()).collect();
    let now = &years[0];
    for at in [2, 4, 6, 8, 18, 19, 20] {
        assert_eq!(&years[at], now, "the right time again: {years:?}");
    }
    assert!(years[1] > *now && years[3] < *now, "{years:?}");
    assert_eq!((years[5].as_str(), years[7].as_str()), ("1970", "9999"), "{years:?}");
    assert_eq!((years[9].as_str(), years[12].as_str()), ("1970", "9999"), "{years:?}");
}
