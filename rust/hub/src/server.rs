//! Starts and stops the hub. At the start it opens the log, binds both ports and runs the core. On SIGTERM or SIGINT it
//! answers everything accepted, closes every socket with 1001, and closes the log.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::api::{self, App, Logins};
use crate::config::{Checked, ConfigError};
use crate::core::{self, Command, Core};
use crate::log_watch;
use crate::ports::{self, Doors, Patience, Room, descriptors};
use crate::store::{Reads, Store, StoreError, path};

/// Connections that the system may queue for acceptance: thousands of agents reconnect at once when a hub restarts.
const BACKLOG: u32 = 4096;
/// Read-only connections to the log for pages, and as many for searches.
const READERS: usize = 2;
/// The longest waits of a stopping hub, for its core and then for its connections.
const CORE_STOP_MAX: Duration = Duration::from_millis(2500);
const CONNECTIONS_STOP_MAX: Duration = Duration::from_millis(1500);

/// The facts about a started hub.
#[derive(Debug, Clone)]
pub struct Ready {
    /// The address for agents: `ws://host:port`.
    pub agent_url: String,
    /// The dashboard's address: `http://host:port`.
    pub dashboard_url: String,
    pub db: PathBuf,
    /// The reason why the log has this path, if the settings name another one.
    pub db_note: Option<String>,
    /// Clients need a token.
    pub token_required: bool,
    /// An address that signs a browser in once, within some minutes; None without a token.
    pub sign_in_url: Option<String>,
    /// The copy of the old file, if a 0.1.0 log was upgraded.
    pub upgraded_from: Option<PathBuf>,
}

/// An error of starting or stopping the hub. Each text is one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The settings don't work together.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The log can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A port can't be bound.
    #[error("cannot listen on {address} for {what}: {}; {}", reason(.source), way_out(.source, .flag))]
    Bind {
        address: SocketAddr,
        /// The users of the port.
        what: &'static str,
        /// The flag for another port.
        flag: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// The system refused a thread or a signal handler.
    #[error("cannot start: {0}; the system's limits on threads or files may be reached")]
    System(#[from] io::Error),
    /// The core ended unexpectedly.
    #[error("the hub's core stopped; the log on disk is whole, start the hub again")]
    CoreEnded,
}

/// Runs the hub until SIGTERM or SIGINT; `on_ready` is called once both ports accept.
///
/// # Errors
/// Anything that keeps the hub from starting.
pub async fn serve(config: &Checked, on_ready: impl FnOnce(&Ready)) -> Result<(), ServeError> {
    descriptors::raise_limit();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let hub = Hub::start(config).await?;
    on_ready(&hub.ready);
    tokio::select! {
        _ = terminate.recv() => tracing::info!("SIGTERM: stopping"),
        _ = interrupt.recv() => tracing::info!("interrupted: stopping"),
        () = hub.core.stopped() => return Err(ServeError::CoreEnded),
    }
    hub.stop().await;
    tracing::info!("stopped");
    Ok(())
}

/// A running hub.
#[derive(Debug)]
pub struct Hub {
    /// The hub's addresses.
    pub ready: Ready,
    core: Core,
    ports: JoinSet<()>,
}

impl Hub {
    /// Opens the log, binds both ports and starts accepting.
    ///
    /// # Errors
    /// Anything that keeps the hub from starting. Then nothing is left running.
    pub async fn start(config: &Checked) -> Result<Self, ServeError> {
        Self::start_with(config, Patience::default()).await
    }

    /// Does the same with other deadlines than the protocol's.
    ///
    /// # Errors
    /// As [`Hub::start`].
    pub async fn start_with(config: &Checked, patience: Patience) -> Result<Self, ServeError> {
        Self::start_within(config, patience, descriptors::room()).await
    }

    /// Does the same with this number of seats for connections.
    ///
    /// # Errors
    /// As [`Hub::start`].
    pub async fn start_within(config: &Checked, patience: Patience, room: Room) -> Result<Self, ServeError> {
        let agents = bind(config, config.port, "agents", "--port").await?;
        let dashboard = bind(config, config.dashboard_port, "the dashboard", "--dashboard-port").await?;
        let (db, db_note) = path::resolve(config.db.as_deref())?;
        let (store, mut loaded) = Store::open(&db)?;
        let mut ready = Ready {
            agent_url: format!("ws://{}", agents.local_addr()?),
            dashboard_url: format!("http://{}", dashboard.local_addr()?),
            db: db.clone(),
            db_note,
            token_required: !config.token.is_empty(),
            sign_in_url: None,
            upgraded_from: loaded.upgraded_from.clone(),
        };
        let reads = Reads::open(&db, READERS, loaded.legacy_head)?;
        let ended = std::mem::take(&mut loaded.ended_logins);
        let logins = Logins::new(&loaded.login_key, &config.token, ended, patience.login);
        let (core, _thread) = core::start(store, loaded, reads)?;
        tokio::spawn(log_watch::watch(core.clone(), log_watch::WAL_MAX));
        let app = App::new(core.clone(), config, logins, patience)?;
        // Before deliveries arrive, because they would hide the position of the former run.
        app.bridge.catch_up().await;
        if ready.token_required {
            ready.sign_in_url = Some(format!("{}/?login={}", ready.dashboard_url, app.logins.link_code()));
        }
        let doors = Doors::new(room);
        let mut servers = JoinSet::new();
        for (listener, router) in [(agents, api::agent_router(app.clone())), (dashboard, api::dashboard_router(app))] {
            let stopped = core.clone();
            let stopped = async move { stopped.stopped().await };
            servers.spawn(ports::serve(listener, router, doors.clone(), patience, stopped));
        }
        Ok(Self { ready, core, ports: servers })
    }

    /// Stops in order: the core answers the commands it has, connections are closed, ports end.
    pub async fn stop(mut self) {
        // An error means that the core has stopped already.
        let _ = self.core.send(Command::Shutdown).await;
        if timeout(CORE_STOP_MAX, self.core.stopped()).await.is_err() {
            tracing::error!("the core did not stop within {CORE_STOP_MAX:?}");
        }
        let all_ended = async {
            self.core.all_left().await;
            while self.ports.join_next().await.is_some() {}
        };
        if timeout(CONNECTIONS_STOP_MAX, all_ended).await.is_err() {
            tracing::warn!("some connections did not take their close within {CONNECTIONS_STOP_MAX:?}");
        }
        // Nobody waits for the reads that are still running.
        self.core.reads().stop();
        self.ports.shutdown().await;
    }
}

async fn bind(config: &Checked, port: u16, what: &'static str, flag: &'static str) -> Result<TcpListener, ServeError> {
    let mut last = None;
    for ip in config.addresses() {
        let address = SocketAddr::new(*ip, port);
        match listen(address) {
            Ok(listener) => return Ok(listener),
            Err(source) => last = Some(ServeError::Bind { address, what, flag, source }),
        }
    }
    Err(last.unwrap_or(ServeError::System(io::Error::other("the host has no address"))))
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restarting hub must not wait until the system has forgotten its old connections.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn reason(source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::AddrInUse => "another program listens there".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine does not have that address".to_owned(),
        io::ErrorKind::PermissionDenied => "not permitted".to_owned(),
        _ => source.to_string(),
    }
}

fn way_out(source: &io::Error, flag: &str) -> String {
    match source.kind() {
        io::ErrorKind::AddrNotAvailable => "name another with --host".to_owned(),
        io::ErrorKind::PermissionDenied => format!("ports below 1024 need privileges, name another with {flag}"),
        _ => format!("stop it or name another port with {flag}"),
    }
}
