//! Several connections of one name, and events about agents (sections 6 and 9).

use serde_json::{Value, json};

use crate::harness::{Socket, TestHub};

async fn event(socket: &mut Socket, kind: &str) -> Value {
    let frame = socket.next().await;
    assert_eq!(frame["type"], kind, "{frame}");
    frame
}

#[tokio::test]
async fn two_connections_of_a_name_both_get_all_and_one_leaves_without_taking_anything() {
    let hub = TestHub::open().await;
    let mut observer = hub.observer("").await;
    let one = hub.agent("bob", &["#a", "#both"]).await;
    let mut two = hub.agent("bob", &["#b", "#both"]).await;
    let mut alice = hub.agent("alice", &[]).await;
    let presence = alice.answer("presence", json!({"detail": true})).await;
    assert_eq!(presence["agents"], json!({"alice": [], "bob": ["#a", "#b", "#both"]}));
    assert_eq!(presence["detail"]["bob"]["connections"], 2);

    let mut one = one;
    for (channel, content) in [("#a", "to a"), ("#b", "to b"), ("#both", "to both"), ("@bob", "to bob"), ("#x", "@bob")]
    {
        alice.say(channel, content).await;
    }
    assert_eq!(one.contents(4).await, ["to a", "to both", "to bob", "@bob"], "each connection has its own channels");
    assert_eq!(two.contents(4).await, ["to b", "to both", "to bob", "@bob"]);

    one.leave().await;
    alice.say("@bob", "still there?").await;
    assert_eq!(two.contents(1).await, ["still there?"]);
    assert_eq!(alice.answer("presence", json!({})).await["agents"]["bob"], json!(["#b", "#both"]));
    two.leave().await;
    alice.nothing_more().await;

    let mut changes = Vec::new();
    while changes.len() < 3 {
        let frame = observer.next().await;
        if frame["type"] == "presence_change" {
            assert_eq!(frame["sender"], "orochi-server");
            changes.push((frame["payload"]["agent"].to_string(), frame["payload"]["event"].to_string()));
        }
    }
    let expected = [("bob", "connected"), ("alice", "connected"), ("bob", "disconnected")];
    let expected: Vec<_> = expected.iter().map(|(a, e)| (format!("{a:?}"), format!("{e:?}"))).collect();
    assert_eq!(changes, expected, "once when the first comes, once when the last leaves");
}

#[tokio::test]
async fn session_is_over_for_everybody_once_its_close_is_answered() {
    let hub = TestHub::open().await;
    for _ in 0..200 {
        let (bob, _) = hub.register("bob", json!({"channels": [], "conflict": "refuse"})).await;
        bob.leave().await;
        assert_eq!(hub.get("/api/agents").await, json!([]));
    }
}

#[tokio::test]
async fn replace_closes_the_others_with_4009_and_refuse_refuses() {
    let hub = TestHub::open().await;
    let mut old = hub.agent("bob", &["#old"]).await;
    let mut older = hub.agent("bob", &["#older"]).await;
    let mut rival = hub.connect().await;
    rival.send(&json!({"type": "register", "sender": "bob", "id": "q", "payload": {"conflict": "refuse"}})).await;
    let error = rival.reply("q").await;
    assert_eq!(error["payload"]["code"], "NAME_IN_USE");
    assert_eq!(rival.refused("message", json!({"channel": "#c", "content": "x"})).await, "NOT_REGISTERED");

    let (mut new, _) = hub.register("bob", json!({"channels": ["#new"], "conflict": "replace"})).await;
    for socket in [&mut old, &mut older] {
        let error = event(socket, "error").await;
        assert_eq!((&error["payload"]["code"], error["payload"].get("ref")), (&json!("SESSION_REPLACED"), None));
        assert_eq!(socket.closed().await, 4009);
    }
    assert_eq!(new.answer("presence", json!({})).await["agents"], json!({"bob": ["#new"]}));
    // The agent's own connection does not count as a conflict.
    new.register("bob", json!({"channels": ["#new"], "conflict": "refuse"})).await;
    new.register("bob", json!({"channels": ["#new"], "conflict": "replace"})).await;
    hub.agent("alice", &[]).await.say("#new", "hi").await;
    assert_eq!(new.contents(1).await, ["hi"]);
    new.leave().await;
    rival.register("bob", json!({"conflict": "refuse"})).await;
}

#[tokio::test]
async fn a_replaced_connection_that_still_sends_says_nothing_in_the_name() {
    let hub = TestHub::open().await;
    let mut old = hub.agent("bob", &[]).await;
    let mut new = hub.register("bob", json!({"conflict": "replace"})).await.0;
    // The hub may have closed the socket already; then sending fails.
    let frame = json!({"type": "message", "id": "late", "payload": {"channel": "#c", "content": "late"}});
    let _ =
        futures_util::SinkExt::send(&mut old.stream, tokio_tungstenite::tungstenite::Message::text(frame.to_string()))
            .await;
    assert_eq!(old.closed().await, 4009);
    assert!(new.history(json!({"channel": "#c"})).await.is_empty());
}

#[tokio::test]
async fn a_second_connection_that_says_less_blanks_nothing() {
    let hub = TestHub::open().await;
    let identity = json!({"machine": "gpu-1", "role": "trainer", "model": "m-1", "project": "p", "agent_id": "id-1"});
    let (mut bob, _) = hub.register("bob", identity.clone()).await;
    bob.ask("status_update", json!({"status": "busy", "current_task": "epoch 3", "progress": 0.5})).await;
    let mut second = hub.agent("bob", &[]).await;
    let row = second.answer("presence", json!({"detail": true})).await["detail"]["bob"].clone();
    for (key, value) in identity.as_object().unwrap() {
        assert_eq!(&row[key], value, "{key}");
    }
    assert_eq!(
        (&row["status"], &row["current_task"], &row["progress"]),
        (&json!("busy"), &json!("epoch 3"), &json!(0.5))
    );
    second.leave().await;
    let row = bob.answer("presence", json!({"detail": true})).await["detail"]["bob"].clone();
    assert_eq!((&row["role"], &row["connections"]), (&json!("trainer"), &json!(1)));
}

#[tokio::test]
async fn a_second_connection_adds_what_was_not_known_and_changes_nothing() {
    let hub = TestHub::open().await;
    let (mut bob, _) = hub.register("bob", json!({"machine": "gpu-1", "agent_id": "id-1"})).await;
    let passing = json!({"machine": "laptop", "agent_id": "bob@laptop", "role": "trainer"});
    let (second, _) = hub.register("bob", passing).await;
    second.leave().await;
    let row = bob.answer("presence", json!({"detail": true})).await["detail"]["bob"].clone();
    assert_eq!((&row["machine"], &row["agent_id"], &row["role"]), (&json!("gpu-1"), &json!("id-1"), &json!("trainer")));
    // The agent can change it at any time, and so can another one once the agent is gone.
    bob.register("bob", json!({"machine": "gpu-2"})).await;
    let row = bob.answer("presence", json!({"detail": true})).await["detail"]["bob"].clone();
    assert_eq!((&row["machine"], &row["agent_id"]), (&json!("gpu-2"), &json!("id-1")));
    bob.leave().await;
    let mut bob = hub.agent("bob", &[]).await;
    let row = bob.answer("presence", json!({"detail": true})).await["detail"]["bob"].clone();
    assert_eq!((&row["machine"], &row["agent_id"], &row["role"]), (&json!(""), &json!("bob"), &json!("")));
}

#[tokio::test]
async fn without_an_agent_id_an_agent_is_its_name_at_its_machine() {
    let hub = TestHub::open().await;
    let (mut bob, _) = hub.register("bob", json!({"machine": "gpu-1"})).await;
    let rows = bob.answer("presence", json!({"detail": true})).await["detail"].clone();
    assert_eq!(rows["bob"]["agent_id"], "bob@gpu-1");
}

#[tokio::test]
async fn agents_that_ask_for_events_get_them_as_observers_do() {
    let hub = TestHub::open().await;
    let mut deaf = hub.agent("deaf", &[]).await;
    let both = json!({"channels": [], "events": ["presence_change", "status_update"]});
    let (mut all, _) = hub.register("all-1", both).await;
    let (mut some, _) = hub.register("some", json!({"channels": [], "events": ["status_update"]})).await;
    let mut observer = hub.observer("").await;
    all.nothing_more_but("presence_change", 2).await;

    let (mut bob, _) = hub.register("bob", json!({"channels": ["#b"], "machine": "gpu", "project": "p"})).await;
    let status = json!({"status": "busy", "current_task": "x", "progress": 0.25, "role": "r", "model": "m"});
    bob.ask("status_update", status).await;
    bob.leave().await;
    deaf.nothing_more().await;

    let connected =
        json!({"agent": "bob", "event": "connected", "channels": ["#b"], "agent_id": "bob@gpu", "project": "p"});
    let mut disconnected = connected.clone();
    disconnected["event"] = "disconnected".into();
    let busy = json!({"agent": "bob", "status": "busy", "current_task": "x", "machine": "gpu", "role": "r",
        "agent_id": "bob@gpu", "project": "p", "model": "m", "progress": 0.25, "reach": "poll"});
    for socket in [&mut all, &mut observer] {
        assert_eq!(event(socket, "presence_change").await["payload"], connected);
        let frame = event(socket, "status_update").await;
        assert_eq!((&frame["sender"], &frame["payload"]), (&json!("bob"), &busy));
        assert_eq!(event(socket, "presence_change").await["payload"], disconnected);
    }
    assert_eq!(event(&mut some, "status_update").await["payload"], busy);
    some.nothing_more().await;
}

#[tokio::test]
async fn a_status_is_kept_for_an_agent_that_is_gone_and_fresh_when_it_is_back() {
    let hub = TestHub::open().await;
    let mut bob = hub.agent("bob", &["#b"]).await;
    bob.ask("status_update", json!({"status": "busy", "current_task": "epoch 3", "progress": 0.5})).await;
    bob.ask("status_update", json!({"progress": null})).await;
    bob.leave().await;
    let mut alice = hub.agent("alice", &[]).await;
    alice.nothing_more().await;
    assert_eq!(alice.answer("presence", json!({"detail": true})).await["agents"], json!({"alice": []}));
    let rows = hub.get("/api/agents?all=true").await;
    let row = rows.as_array().unwrap().iter().find(|row| row["name"] == "bob").unwrap();
    assert_eq!(
        (&row["online"], &row["status"], &row["current_task"]),
        (&json!(false), &json!("busy"), &json!("epoch 3"))
    );
    assert_eq!((&row["progress"], &row["channels"]), (&Value::Null, &json!(["#b"])));
}

#[tokio::test]
async fn a_register_that_renews_a_connection_loses_no_reply_and_no_message() {
    const COUNT: usize = 60;
    let hub = TestHub::open().await;
    let mut alice = hub.agent("alice", &[]).await;
    let mut bob = hub.agent("bob", &["#c"]).await;
    for round in 0..5 {
        // No waiting in between, so that the second register is in the same batch as messages.
        let mut asked = Vec::new();
        for n in 0..COUNT {
            let said = alice.request("message", json!({"channel": "#c", "content": n.to_string()})).await;
            let replied = bob.request("message", json!({"channel": "#other", "content": n.to_string()})).await;
            asked.push((said, replied));
        }
        let renewal = json!({"type": "register", "sender": "bob", "id": "renew", "payload": {"channels": ["#c"]}});
        bob.send(&renewal).await;
        assert_eq!(bob.reply("renew").await["type"], "ack");
        for (said, replied) in asked {
            assert_eq!(alice.reply(&said).await["type"], "ack");
            assert!(bob.has_reply(&replied).await, "round {round}: no reply to {replied}");
        }
        let expected: Vec<_> = (0..COUNT).map(|n| n.to_string()).collect();
        assert_eq!(bob.contents(COUNT).await, expected, "round {round}");
    }
}
