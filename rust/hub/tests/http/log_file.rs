//! The log's file is removed, moved, replaced, or locked by another program while the hub runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use rusqlite::Connection;
use serde_json::json;

use crate::harness::{TestHub, in_time, send};

fn beside(db: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", db.display()))
}

async fn expect_refused(hub: &TestHub, case: &str) {
    let (status, answer) = hub.post(json!({"sender": "alice", "channel": "#a", "content": "lost?"})).await;
    assert_eq!((status, &answer["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("STORE_UNAVAILABLE")), "{case}");
    let detail = answer["detail"].as_str().unwrap();
    assert!(detail.contains("removed, moved or replaced"), "{case}: {detail}");
    let ready = send(hub.request("GET", "/readyz")).await;
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE, "{case}");
    let body = ready.text().await.unwrap();
    assert!(body.contains("removed, moved or replaced"), "{case}: {body}");
}

#[tokio::test]
async fn log_file_that_is_not_in_its_place_takes_no_writes() {
    for suffix in ["", "-wal", "-shm"] {
        for case in ["removed", "moved", "replaced"] {
            let hub = TestHub::open().await;
            hub.say("alice", "#a", "kept").await;
            let file = beside(&hub.hub.ready.db, suffix);
            let aside = beside(&file, ".aside");
            match case {
                "removed" => fs::remove_file(&file).unwrap(),
                "moved" => fs::rename(&file, &aside).unwrap(),
                _ => {
                    fs::copy(&file, &aside).unwrap();
                    fs::rename(&aside, &file).unwrap();
                }
            }
            expect_refused(&hub, &format!("{file:?} {case}")).await;
        }
    }
}

#[tokio::test]
async fn log_file_that_is_put_back_takes_writes_again() {
    let hub = TestHub::open().await;
    let aside = beside(&hub.hub.ready.db, ".aside");
    fs::rename(&hub.hub.ready.db, &aside).unwrap();
    expect_refused(&hub, "moved").await;
    fs::rename(&aside, &hub.hub.ready.db).unwrap();
    assert_eq!(hub.say("alice", "#a", "here again").await["seq"], 1, "what was refused used no seq");
}

#[tokio::test]
async fn readiness_within_max_age_writes_nothing() {
    let hub = TestHub::open().await;
    let log = Connection::open(&hub.hub.ready.db).unwrap();
    let probe = || log.query_row("SELECT value FROM meta WHERE key = 'probe'", [], |row| row.get::<_, i64>(0)).unwrap();
    let ask = |path: &'static str| async { send(hub.request("GET", path)).await.status() };
    assert_eq!(ask("/readyz").await, StatusCode::OK);
    let (first, started) = (probe(), Instant::now());
    // Longer than a result is otherwise valid.
    while started.elapsed() < Duration::from_secs(1) {
        assert_eq!(ask("/readyz?max_age=3600").await, StatusCode::OK);
        assert_eq!(probe(), first);
    }
    assert_eq!(ask("/readyz").await, StatusCode::OK);
    assert_ne!(probe(), first);
    assert_eq!(ask("/readyz?max_age=3601").await, StatusCode::UNPROCESSABLE_ENTITY);
    fs::rename(&hub.hub.ready.db, beside(&hub.hub.ready.db, ".aside")).unwrap();
    assert_eq!(ask("/readyz?max_age=3600").await, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn write_lock_held_by_another_program_delays_nothing_that_memory_answers() {
    let hub = TestHub::open().await;
    let _alice = hub.agent("alice", &["#a"]).await;
    let other = Connection::open(&hub.hub.ready.db).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let say = json!({"sender": "ci", "channel": "#a", "content": "waits"}).to_string();
    let post = send(hub.request("POST", "/api/messages").body(say.clone()));
    let looks = async {
        // The post has reached the disk, or soon will. Both ports answer meanwhile.
        for path in ["/api/agents", "/api/channels", "/api/stats", "/api/overview"] {
            hub.get(path).await;
        }
    };
    tokio::pin!(post);
    tokio::select! {
        biased;
        answer = &mut post => panic!("memory waited for the disk: {}", answer.status()),
        () = looks => {}
    }
    assert_eq!(post.await.status(), StatusCode::SERVICE_UNAVAILABLE);
    let ready = in_time(hub.request("GET", "/readyz").timeout(std::time::Duration::from_secs(2)).send()).await;
    assert_eq!(ready.expect("an answer within 2 s").status(), StatusCode::SERVICE_UNAVAILABLE);
    other.execute_batch("ROLLBACK").unwrap();
    let status = send(hub.request("POST", "/api/messages").body(say)).await.status();
    assert_eq!(status, StatusCode::CREATED);
}
