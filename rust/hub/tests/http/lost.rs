//! Agents that disappear during their work, and states that survive a restart.

use serde_json::{Value, json};

use crate::harness::{Socket, TestHub, in_time};

async fn working(hub: &TestHub, name: &str, status: &str) -> Socket {
    let mut socket = hub.agent(name, &[]).await;
    socket.send(json!({"type": "status_update", "id": "s", "payload": {"status": status}})).await;
    while socket.next().await["payload"]["ref"] != "s" {}
    socket
}

/// The overview's agents, once `is_there` is true.
async fn overview_when(hub: &TestHub, is_there: impl Fn(&dyn Fn(&str) -> Value) -> bool) -> Vec<Value> {
    in_time(async {
        loop {
            let overview = hub.get("/api/overview").await;
            let agents = overview["agents"].as_array().unwrap().clone();
            let named = |name: &str| agents.iter().find(|agent| agent["name"] == name).cloned().unwrap_or_default();
            if is_there(&named) {
                return agents;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

#[tokio::test]
async fn lost_is_an_agent_that_vanished_at_work_until_it_is_back() {
    let hub = TestHub::open().await;
    for (name, status) in [("busy", "busy"), ("blocked", "blocked"), ("failed", "error"), ("idle", "idle")] {
        drop(working(&hub, name, status).await);
    }
    working(&hub, "left", "busy").await.close().await;
    let is_lost = |agent: &Value| !agent["lost"].is_null();
    let agents =
        overview_when(&hub, |named| ["busy", "blocked", "failed"].iter().all(|name| is_lost(&named(name)))).await;
    let found: Vec<_> = agents.iter().filter(|agent| is_lost(agent)).collect();
    assert_eq!(found.iter().map(|agent| &agent["name"]).collect::<Vec<_>>(), ["blocked", "busy", "failed"]);
    assert_eq!(found.iter().map(|agent| &agent["lost"]["was"]).collect::<Vec<_>>(), ["blocked", "busy", "error"]);
    assert!(agents.iter().all(|agent| agent["online"] == false));
    let _back = hub.agent("busy", &[]).await;
    overview_when(&hub, |named| named("busy")["online"] == true && !is_lost(&named("busy"))).await;
    let states = hub.get("/api/agents/blocked/timeline").await;
    assert_eq!(states.as_array().unwrap().last().unwrap()["state"], "lost");
}

#[tokio::test]
async fn lost_is_no_agent_whose_other_connection_stays() {
    let hub = TestHub::open().await;
    let _stays = working(&hub, "alice", "busy").await;
    drop(working(&hub, "alice", "busy").await);
    let agents = overview_when(&hub, |named| named("alice")["connections"] == 1).await;
    assert_eq!((&agents[0]["online"], &agents[0]["lost"]), (&json!(true), &Value::Null));
}
