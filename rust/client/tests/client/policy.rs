//! A client's policy decides whether and when it connects again, and a program can replace it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use orochi_client::reconnect::{Failure, Next, Reconnect};
use orochi_client::{Client, Error, State};
use orochi_protocol::ErrorCode;

use crate::scripted::{Hub, Peer, within};

const AT_ONCE: Next = Next::After(Duration::ZERO);

/// Gives these answers, then gives up, and notes each failure.
struct Scripted {
    answers: VecDeque<Next>,
    noted: Arc<Mutex<Vec<String>>>,
}

impl Reconnect for Scripted {
    fn next(&mut self, failure: Failure<'_>, chance: f64) -> Next {
        assert!((0.0..=1.0).contains(&chance));
        self.noted.lock().expect("no panic").push(match failure {
            Failure::Lost { has_carried, .. } => format!("lost, has carried: {has_carried}"),
            Failure::Attempt(error) => error.to_string(),
            Failure::OlderLog => "older log".to_owned(),
        });
        self.answers.pop_front().unwrap_or(Next::GiveUp)
    }
}

async fn client(hub: &Hub, answers: impl Into<VecDeque<Next>>) -> (Client, Peer, Arc<Mutex<Vec<String>>>) {
    let noted = Arc::default();
    let policy = Scripted { answers: answers.into(), noted: Arc::clone(&noted) };
    let (client, peer) = tokio::join!(Client::connect_with(hub.options(), Box::new(policy)), hub.accept());
    (client.expect("accepted"), peer, noted)
}

#[tokio::test]
async fn policy_that_gives_up_closes_the_client_with_the_attempts_error() {
    let hub = Hub::bind().await;
    let (client, mut peer, noted) = client(&hub, [AT_ONCE]).await;
    peer.message(1, "hello").await;
    within(client.inbox().recv()).await.expect("open");
    drop(peer);
    let mut peer = hub.accept_silent().await;
    let register = peer.expect("register").await;
    peer.refuse(&register, "NAME_IN_USE").await;
    within(client.states().wait_for(|state| *state == State::Closed)).await.expect("alive");
    assert!(matches!(client.inbox().end(), Some(Error::Refused { code, .. }) if code == ErrorCode::NameInUse));
    assert_eq!(*noted.lock().expect("no panic"), ["lost, has carried: true", "NAME_IN_USE: no"]);
}

#[tokio::test]
async fn policy_that_gives_up_at_once_leaves_the_connection_lost() {
    let hub = Hub::bind().await;
    let (client, peer, noted) = client(&hub, VecDeque::new()).await;
    drop(peer);
    within(client.states().wait_for(|state| *state == State::Closed)).await.expect("alive");
    assert!(matches!(client.inbox().end(), Some(Error::ConnectionLost { .. })));
    assert_eq!(*noted.lock().expect("no panic"), ["lost, has carried: false"]);
}

#[tokio::test]
async fn policy_hears_of_an_older_log_and_the_next_register_is_stored() {
    let hub = Hub::bind().await;
    let (_client, peer, noted) = client(&hub, [AT_ONCE, AT_ONCE]).await;
    drop(peer);
    let mut peer = hub.accept_silent().await;
    let register = peer.expect("register").await;
    assert_eq!(register["payload"]["resume"], 0);
    peer.refuse(&register, "RESUME_BEYOND").await;
    let mut peer = hub.accept_silent().await;
    let register = peer.expect("register").await;
    assert_eq!(register["payload"]["resume"], "stored");
    assert_eq!(noted.lock().expect("no panic")[1..], ["older log"]);
}
