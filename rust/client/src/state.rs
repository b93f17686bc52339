//! The reports of the task that owns the socket to the program.

use orochi_protocol::incoming::AckPayload;
use tokio::sync::watch;

/// The state of a client's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Registered.
    Connected,
    /// Lost; the client reconnects.
    Reconnecting,
    /// Closed by the program, or refused for good; [`crate::Inbox::end`] has the reason.
    Closed,
}

/// The task's side: it sends each change.
#[derive(Debug)]
pub(crate) struct Reports {
    state: watch::Sender<State>,
    epoch: watch::Sender<Option<String>>,
    caught_up: watch::Sender<bool>,
}

/// The handle's side: it holds the newest values.
#[derive(Debug, Clone)]
pub(crate) struct Reported {
    pub(crate) state: watch::Receiver<State>,
    /// The log's epoch; None from a 0.1.0 hub.
    pub(crate) epoch: watch::Receiver<Option<String>>,
    /// Everything missed is in the inbox.
    pub(crate) caught_up: watch::Receiver<bool>,
}

impl Reports {
    /// The reports of a connection that has registered. `is_caught_up`: nothing can be missing.
    pub(crate) fn new(ack: &AckPayload, is_caught_up: bool) -> (Self, Reported) {
        let (state, states) = watch::channel(State::Connected);
        let (epoch, epochs) = watch::channel(ack.epoch.clone());
        let (caught_up, caught_ups) = watch::channel(is_caught_up);
        (Self { state, epoch, caught_up }, Reported { state: states, epoch: epochs, caught_up: caught_ups })
    }

    /// The connection is lost, and messages may be missed.
    pub(crate) fn reconnecting(&self) {
        self.state.send_replace(State::Reconnecting);
        self.set_caught_up(false);
    }

    /// A new connection has registered.
    pub(crate) fn connected(&self, ack: &AckPayload) {
        self.epoch.send_replace(ack.epoch.clone());
        self.state.send_replace(State::Connected);
    }

    /// The client is closed.
    pub(crate) fn closed(&self) {
        self.state.send_replace(State::Closed);
    }

    pub(crate) fn set_caught_up(&self, is_caught_up: bool) {
        self.caught_up.send_replace(is_caught_up);
    }
}
