//! `orochi doctor`: checks everything that a coding agent needs, and prints one line of advice for each problem.

use std::time::Duration;

use clap::Args;
use orochi_agent::http::exchange;
use orochi_agent::identity::hub::{Hub, HubFile};
use orochi_agent::identity::naming;
use orochi_agent::identity::registry::{Registry, key};
use orochi_agent::init::change::read;
use orochi_agent::init::clients::{ALL, Client, Scope, Setup};
use orochi_agent::ipc::{Ask, Conversation};

use crate::connection::Connection;
use crate::failure::Failure;
use crate::{output, text};

const HUB_MAX: Duration = Duration::from_secs(5);
const RESIDENT_MAX: Duration = Duration::from_millis(500);

/// `orochi doctor`.
#[derive(Debug, Args)]
pub struct Doctor {}

/// The state of the hub.
pub struct Found {
    /// The hub answers and accepts the token.
    pub is_well: bool,
    /// The result as a sentence.
    pub line: String,
}

/// Queries the hub as a session would.
pub fn hub_line(connection: &Connection) -> Found {
    let place = crate::hub::place(connection);
    let hub = Hub { url: format!("http://{place}"), token: connection.token.clone() };
    let (is_well, said) = match exchange(&hub, HUB_MAX, "GET", "/api/stats", None) {
        Ok(answer) if answer.status == 200 => (true, "answers and takes the token".to_owned()),
        Ok(answer) if answer.status == 401 && hub.token.is_empty() => {
            (false, "asks for a token: orochi init --token-file FILE keeps it".to_owned())
        }
        Ok(answer) if answer.status == 401 => {
            (false, "refuses the token: orochi init --token-file FILE with the one it was started with".to_owned())
        }
        Ok(answer) => (false, format!("answers HTTP {}: is this an Orochi hub?", answer.status)),
        Err(error) => {
            (false, format!("can't be reached ({error}): start it with 'orochi serve', or name it with --url"))
        }
    };
    Found { is_well, line: format!("hub: {place} {said}") }
}

impl Doctor {
    /// Checks everything.
    ///
    /// # Errors
    /// Fails if the hub is down or refuses.
    pub fn run(&self, connection: &Connection) -> Result<(), Failure> {
        let Found { is_well, line } = hub_line(connection);
        output::line(&line)?;
        let path = HubFile::path().map(|path| path.display().to_string()).unwrap_or_default();
        output::line(&match HubFile::read() {
            Ok(HubFile { url: Some(url), token, .. }) => {
                let token = if token.is_some() { "with a token" } else { "without a token" };
                format!("credentials: {path} names {url}, {token}")
            }
            Ok(_) => "credentials: none kept: orochi init writes them".to_owned(),
            Err(reason) => format!("credentials: {reason}"),
        })?;
        let folder = std::env::current_dir().unwrap_or_default();
        let registry = Registry::read();
        let root = naming::root(&folder);
        for client in ALL {
            output::line(&client_line(client, &registry, &root))?;
        }
        output::line(&resident_line())?;
        if is_well { Ok(()) } else { Err(Failure::Hub(line)) }
    }
}

fn client_line(client: Client, registry: &Registry, root: &std::path::Path) -> String {
    let word = client.as_str();
    let setup = |scope| Setup {
        program: "orochi".to_owned(),
        scope,
        root: root.to_owned(),
        channels: Vec::new(),
        has_hooks: true,
        may_wake: true,
    };
    let files: Vec<_> =
        [Scope::User, Scope::Project].into_iter().flat_map(|scope| client.files(&setup(scope))).collect();
    let mut ours = Vec::new();
    for file in &files {
        match read(&file.path).and_then(|text| text.map_or(Ok(None), |text| file.removed(&text))) {
            Ok(Some(_)) => ours.push(file.path.display().to_string()),
            Ok(None) => {}
            Err(reason) => return format!("{word}: {}", text::inline(reason.lines().next().unwrap_or_default())),
        }
    }
    if ours.is_empty() {
        let found = if client.is_found() { "not set up" } else { "not found on this machine" };
        return format!("{word}: {found}: orochi init {word}");
    }
    let name = registry.projects.get(&key(client.kind(), &root.to_string_lossy()));
    let name = name.map_or_else(|| "made up when it starts".to_owned(), |name| text::inline(name));
    format!("{word}: set up in {}; its name here: {name}", text::inline(&ours.join(", ")))
}

fn resident_line() -> String {
    let ask = Ask { event: "status".to_owned(), ..Ask::default() };
    match Conversation::with_own_resident(&ask, RESIDENT_MAX).map(|conversation| conversation.answer) {
        Some(answer) => {
            let hub = match (answer.is_connected, answer.refused.is_empty()) {
                (true, _) => "connected".to_owned(),
                (false, true) => "not connected to the hub".to_owned(),
                (false, false) => format!("not connected: {}", text::inline(&answer.refused)),
            };
            let name = text::inline(&answer.name);
            format!("resident: {name}, {hub}, {} wait, a mention reaches it by: {}", answer.waiting, answer.reach)
        }
        None => "resident: none above this shell: run this inside a coding agent's session to see it".to_owned(),
    }
}
