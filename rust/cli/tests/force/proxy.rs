//! A TCP proxy that cuts every connection after a random number of bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// The proxy. It ends with the test's runtime.
pub struct Proxy {
    /// The address on which it listens.
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    cuts: AtomicUsize,
    /// The remaining number of cuts.
    left: AtomicI64,
    random: AtomicU64,
}

impl Proxy {
    /// Starts a proxy in front of `port` that makes `cuts` cuts.
    pub async fn start(port: u16, cuts: i64, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("ws://{}", listener.local_addr().expect("it is bound"));
        let shared = Arc::new(Shared {
            cuts: AtomicUsize::new(0),
            left: AtomicI64::new(cuts),
            random: AtomicU64::new(seed | 1),
        });
        let accepting = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, port, Arc::clone(&accepting)));
            }
        });
        Self { url, shared }
    }

    /// The number of connections cut so far.
    pub fn cuts(&self) -> usize {
        self.shared.cuts.load(Ordering::Relaxed)
    }
}

impl Shared {
    /// The bytes until the next cut: often within a handshake or a frame's header, sometimes much later.
    fn budget(&self) -> i64 {
        let mut x = self.random.load(Ordering::Relaxed);
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.random.store(x, Ordering::Relaxed);
        let most = if x.is_multiple_of(4) { 2_000 } else { 120_000 };
        (x >> 8) as i64 % most
    }
}

async fn carry(client: TcpStream, port: u16, shared: Arc<Shared>) {
    let Ok(hub) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let budget = Arc::new(AtomicI64::new(if shared.left.fetch_sub(1, Ordering::Relaxed) > 0 {
        shared.budget()
    } else {
        i64::MAX
    }));
    let (from_client, to_client) = client.into_split();
    let (from_hub, to_hub) = hub.into_split();
    // The end of one direction ends the other.
    tokio::select! {
        () = pass(from_client, to_hub, Arc::clone(&budget)) => {}
        () = pass(from_hub, to_client, Arc::clone(&budget)) => {}
    }
    if budget.load(Ordering::Relaxed) <= 0 {
        shared.cuts.fetch_add(1, Ordering::Relaxed);
    }
}

/// Forwards bytes until the budget of both directions is used up. The last frame is cut at that byte.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, budget: Arc<AtomicI64>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let left = budget.fetch_sub(count as i64, Ordering::Relaxed);
        let allowed = usize::try_from(left.max(0)).unwrap_or(0).min(count);
        if to.write_all(&buffer[..allowed]).await.is_err() || allowed < count {
            return;
        }
    }
}
