//! Thousands of agents register at once, and resume at once after the hub was killed.

use futures_util::future::join_all;
use orochi_client::{Client, Options, Outgoing, State};
use orochi_protocol::request::Resume;
use tokio::time::timeout;

use super::hub::{DEADLINE, HubProcess};

/// The number of agents. Each one needs a descriptor in this process and in the hub.
const AGENTS: usize = 5000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_agents_register_at_once_and_all_resume_after_a_kill() {
    let mut hub = HubProcess::start();
    let url = hub.url();
    let connecting = (0..AGENTS).map(|n| {
        let mut options = Options::new(url.clone(), format!("agent-{n}"));
        options.register.resume = Some(Resume::Stored);
        options.connect_timeout = DEADLINE;
        Client::connect(options)
    });
    let agents: Vec<Client> = timeout(2 * DEADLINE, join_all(connecting))
        .await
        .expect("all register in time")
        .into_iter()
        .map(|client| client.expect("every register is accepted"))
        .collect();
    let answer = agents[0].request("presence", &serde_json::json!({})).await.expect("it is connected");
    let presence: serde_json::Value = serde_json::from_str(answer.data.expect("presence").get()).expect("JSON");
    assert_eq!(presence["agents"].as_object().expect("a map").len(), AGENTS);

    tokio::task::block_in_place(|| hub.kill_and_restart());
    let mut states: Vec<_> = agents.iter().map(Client::states).collect();
    for (agent, states) in agents.iter().zip(&mut states) {
        // Only the new connection can answer a heartbeat.
        timeout(2 * DEADLINE, agent.heartbeat()).await.expect("it comes back").expect("it is taken back");
        timeout(DEADLINE, states.wait_for(|state| *state == State::Connected)).await.expect("in time").expect("open");
    }
    let hello = Outgoing {
        channel: "#general".to_owned(),
        content: "everyone?".to_owned(),
        metadata: None,
        reply_to: None,
        id: None,
    };
    agents[0].send(hello).await.expect("it is connected");
    for agent in &agents[1..] {
        let message = timeout(DEADLINE, agent.inbox().recv()).await.expect("it gets the message").expect("open");
        assert!(message.text.contains("everyone?"), "{}", message.text);
    }
}
