//! The resident's connection to the hub: made as soon as there is one, and made anew for ever.

use std::io::Write;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use orochi_client::{Client, Error, Options, State};
use orochi_mcp::backend::Fault;
use orochi_protocol::request::{Register, Resume};
use tokio::time::sleep;

use super::state::{Say, Shared};
use crate::delivery::OPEN_MAX;
use crate::message::Delivered;

/// Waits between tries to connect the first time: short, then longer.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(10);
/// The same after a refusal, which a person has to do something about.
const REFUSED_LONGEST: Duration = Duration::from_secs(600);
/// Text that waits in the client's inbox while the delivery rules have no room.
const BYTES_MAX: usize = 2 * 1024 * 1024;

/// Runs for as long as the process.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut wait = FIRST;
    let to_say = shared.to_say.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(to_say) = to_say {
        tokio::spawn(tell(Arc::clone(&shared), to_say));
    }
    loop {
        match Client::connect(options(&shared)).await {
            Ok(client) => {
                wait = FIRST;
                for channel in &shared.options.channels {
                    if let Err(error) = client.subscribe(channel).await {
                        tracing::warn!(%error, channel, "this channel can't be joined");
                    }
                }
                shared.connected(&client);
                receive(&shared, &client).await;
            }
            Err(error) => {
                tracing::debug!(%error, "not connected yet");
                let refusal = refusal(&shared, &error);
                if let Some(fault) = &refusal {
                    tell_once(&shared, &fault.detail);
                    shared.failed(refusal);
                    // The hub may be started with this token later; until then each try is for nothing.
                    sleep(wait).await;
                    wait = (wait * 2).min(REFUSED_LONGEST);
                    continue;
                }
                shared.failed(None);
            }
        }
        sleep(wait.min(LONGEST)).await;
        wait = (wait * 2).min(LONGEST);
    }
}

/// Says on stderr, which clients keep in their logs, why the hub refuses this agent, unless it was the last thing said.
fn tell_once(shared: &Shared, detail: &str) {
    let is_known = shared.look(|state| state.trouble.as_ref().is_some_and(|known| known.detail == detail));
    if !is_known {
        // A stderr that is gone takes nothing.
        let _ = writeln!(std::io::stderr(), "orochi: {detail}");
    }
}

/// What tools say of a hub that is there and would not have this agent.
fn refusal(shared: &Shared, error: &Error) -> Option<Fault> {
    match error {
        Error::AuthFailed { .. } => {
            let url = &shared.options.hub.url;
            let detail = format!(
                "the Orochi hub at {url} refuses the token: set it in OROCHI_TOKEN or ~/.config/orochi/hub.toml, and start \
                 this session anew"
            );
            Some(Fault::new("AUTH_FAILED", detail))
        }
        Error::Refused { code, detail, .. } => Some(Fault::new(code, detail.clone())),
        Error::Invalid(refusal) => Some(Fault::from(refusal.clone())),
        Error::OldHub { .. } => Some(Fault::new("UNKNOWN_TYPE", error.to_string())),
        Error::Unreachable { .. } | Error::ConnectionLost { .. } | Error::Closed => None,
    }
}

fn options(shared: &Shared) -> Options {
    let hub = &shared.options.hub;
    let mut options = Options::new(hub.agent_url(), shared.name.as_str());
    options.token = Some(hub.token.clone()).filter(|token| !token.is_empty());
    let project = crate::identity::naming::root(&shared.options.folder);
    options.register = Register {
        channels: None,
        reach: Some(shared.look(|state| state.reach)),
        machine: hostname(),
        role: std::env::var("OROCHI_ROLE").unwrap_or_default().chars().take(256).collect(),
        project: project.file_name().unwrap_or_default().to_string_lossy().chars().take(256).collect(),
        resume: Some(Resume::Stored),
        ..Register::default()
    };
    options.inbox_frames_max = OPEN_MAX;
    options.inbox_bytes_max = BYTES_MAX;
    options
}

fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().chars().take(64).collect()
}

/// Takes messages while there is room for them; the rest stays in the log.
async fn receive(shared: &Arc<Shared>, client: &Client) {
    let mut states = client.states();
    loop {
        let has_room = shared.look(|state| state.machine.has_room());
        tokio::select! {
            frame = client.inbox().recv(), if has_room => {
                let Some(frame) = frame else { return };
                if let Some(delivered) = Delivered::from_frame(&frame.text, shared.name.as_str()) {
                    shared.deliver(delivered);
                }
            }
            () = shared.changed.notified() => {}
            Ok(()) = states.changed() => {
                if *states.borrow_and_update() == State::Connected {
                    shared.connected(client);
                }
            }
            () = sleep(shared.next_tick()) => shared.with(|_, _| ()),
        }
        if client.inbox().is_closed() && !has_room {
            return;
        }
    }
}

/// Tells the hub what the agent does. While the hub is away, the last word of each kind is told when it is back.
async fn tell(shared: Arc<Shared>, mut to_say: tokio::sync::mpsc::UnboundedReceiver<Say>) {
    while let Some(say) = to_say.recv().await {
        // Without a connection it is told with the next one, which starts from nothing.
        let Some(client) = shared.client() else { continue };
        let told = match say {
            Say::Status(update) => client.status(&update).await,
            Say::Reach(reach) => client.set_reach(reach).await,
            Say::Offered(seq) => client.offered(seq).await,
        };
        if let Err(error) = told {
            tracing::debug!(%error, "the hub was not told");
        }
    }
}
