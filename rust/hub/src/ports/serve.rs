//! Accepts connections and serves HTTP on each of them.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::body::{RequestBody, ResponseBody};
use super::deadline::Deadline;
use super::peer::{Peer, Socket};
use super::{Doors, Patience};

/// The largest head of a request. An address may have a token and a search, and browsers add other servers' cookies.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Bytes waiting in the system's buffer, in addition to those in transit.
#[cfg(target_os = "linux")]
const UNSENT_BYTES_MAX: u32 = 128 * 1024;
/// The wait before the next try after a failed accept.
const RETRY_EVERY: Duration = Duration::from_millis(100);

/// Serves one port until `stopped`, and then until each running request is answered. Every request has its connection's
/// [`Peer`] as an extension.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    doors: Doors,
    patience: Patience,
    stopped: impl Future,
) {
    let mut stopped = pin!(stopped);
    let (stop, stopping) = watch::channel(());
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            _ = &mut stopped => break,
            Some(_) = connections.join_next() => {}
            stream = accept(&listener, &doors) => {
                let connection = Connection { router: router.clone(), patience, stopping: stopping.clone() };
                connections.spawn(connection.wait_for_request(Socket::new(stream, doors.enter())));
            }
        }
    }
    drop((listener, stop));
    while connections.join_next().await.is_some() {}
}

async fn accept(listener: &TcpListener, doors: &Doors) -> TcpStream {
    loop {
        doors.may_enter().await;
        match listener.accept().await {
            Ok((stream, _)) => {
                if let Err(error) = set_up(&stream) {
                    tracing::debug!(%error, "a socket's option was refused");
                }
                return stream;
            }
            Err(error) if is_of_the_peer(&error) => {}
            Err(error) => {
                doors.cannot_accept(&error);
                tokio::time::sleep(RETRY_EVERY).await;
            }
        }
    }
}

fn set_up(stream: &TcpStream) -> io::Result<()> {
    // We already gather frames before writing, so Nagle's algorithm would only delay them.
    stream.set_nodelay(true)?;
    // By default, a third of the system's buffer must be free before the system accepts more. The buffer can have
    // megabytes: on a slow line, it would look as if the peer read nothing for minutes.
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT_BYTES_MAX)?;
    Ok(())
}

/// Returns whether the error means that the peer left before it was accepted.
fn is_of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// The parts for serving one connection.
struct Connection {
    router: Router,
    patience: Patience,
    stopping: watch::Receiver<()>,
}

impl Connection {
    /// Waits for the first byte. HTTP's state is created only then, so a silent connection costs little.
    async fn wait_for_request(mut self, socket: Socket) {
        let since = Instant::now();
        let peer = socket.peer.clone();
        let says_something = tokio::select! {
            biased;
            ready = timeout_at(since + self.patience.head, socket.stream.readable()) => matches!(ready, Ok(Ok(()))),
            () = peer.evicted() => false,
            _ = self.stopping.changed() => false,
        };
        if says_something {
            Box::pin(self.serve_http(socket, since)).await;
        }
    }

    /// Serves requests until the connection ends, is upgraded, or reaches its deadline.
    async fn serve_http(mut self, socket: Socket, since: Instant) {
        let peer = socket.peer.clone();
        let mut deadline = Deadline::new(peer.clone(), self.patience, since);
        let service = answer_with(self.router, peer.clone(), self.patience.body);
        let http = Builder::new()
            // Our own deadlines are more precise.
            .header_read_timeout(None)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(socket), service)
            .with_upgrades();
        let mut http = pin!(http);
        let mut evicted = pin!(peer.evicted());
        let mut stopping = pin!(self.stopping.changed());
        let mut is_stopping = false;
        poll_fn(|cx| {
            if !is_stopping && stopping.as_mut().poll(cx).is_ready() {
                is_stopping = true;
                http.as_mut().graceful_shutdown();
            }
            if let Poll::Ready(ended) = http.as_mut().poll(cx) {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection broke off");
                }
                return Poll::Ready(());
            }
            if evicted.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            deadline.poll(cx).map(|phase| tracing::debug!(?phase, "a connection was closed: it took too long"))
        })
        .await;
    }
}

/// Wraps the router as the service of one connection.
fn answer_with(
    router: Router,
    peer: Peer,
    body_patience: Duration,
) -> impl Service<Request<Incoming>, Response = hyper::Response<ResponseBody>, Error = std::convert::Infallible, Future: Send>
{
    let router = TowerToHyperService::new(router);
    service_fn(move |request: Request<Incoming>| {
        let answering = peer.begin();
        let mut request = request.map(|body| Body::new(RequestBody::new(body, body_patience)));
        request.extensions_mut().insert(peer.clone());
        let answer = router.call(request);
        async move { Ok(answer.await?.map(|body| ResponseBody { body, _answering: answering })) }
    })
}
