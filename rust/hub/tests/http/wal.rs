//! The size of the write-ahead log while readers overlap.

use futures_util::StreamExt;
use futures_util::stream;
use orochi_hub::parts::core::{self, Core};
use orochi_hub::parts::log_watch;
use orochi_hub::parts::store::{Place, Reads, Store};
use orochi_protocol::request::{Draft, HistoryFilter};
use orochi_protocol::{AgentName, Target};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::harness::in_time;

const MIB: u64 = 1024 * 1024;

fn start(folder: &TempDir) -> Core {
    let db = folder.path().join("log.db");
    let (store, loaded) = Store::open(&db).unwrap();
    let reads = Reads::open(&db, 2, loaded.legacy_head).unwrap();
    core::start(store, loaded, reads).unwrap().0
}

/// Two alternating readers. Each begins before the other has ended, so one of them always reads an older state.
async fn overlap(core: &Core) -> JoinSet<()> {
    let (to_one, at_one) = mpsc::channel::<()>(1);
    let (to_other, at_other) = mpsc::channel::<()>(1);
    let mut readers = JoinSet::new();
    for (mut turn, next) in [(at_one, to_other), (at_other, to_one.clone())] {
        let core = core.clone();
        readers.spawn(async move {
            while turn.recv().await.is_some() {
                let next = next.clone();
                let read = core.reads().run(move |reader| {
                    let filter = HistoryFilter { limit: 10, ..HistoryFilter::default() };
                    reader.history(&Place::parse("#load"), &filter)?;
                    let _ = next.try_send(());
                    reader.history(&Place::parse("#load"), &filter)
                });
                if read.await.is_err() {
                    return;
                }
            }
        });
    }
    to_one.send(()).await.unwrap();
    readers
}

async fn post(core: &Core, n: u64, bytes: usize) {
    let draft = Draft::new(Target::parse("#load").unwrap(), "x".repeat(bytes)).unwrap();
    core.post(AgentName::parse("ci").unwrap(), n.to_string(), draft).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wal_is_reset_while_readers_overlap() {
    let folder = tempfile::tempdir().unwrap();
    let core = start(&folder);
    let _readers = overlap(&core).await;
    for n in 0..200 {
        post(&core, n, 10_000).await;
    }
    assert!(core.reads().files().wal_bytes() > 1_000_000);
    assert!(in_time(log_watch::reset_wal(&core)).await, "readers kept it");
    assert_eq!(core.reads().files().wal_bytes(), 0);
    // Reads still work.
    let filter = HistoryFilter { limit: 10, ..HistoryFilter::default() };
    let rows = in_time(core.reads().run(move |reader| reader.history(&Place::parse("#load"), &filter))).await.unwrap();
    assert_eq!(rows.len(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wal_stays_near_its_limit_while_readers_overlap() {
    // WAL_LIMIT_MIB=64 WAL_WRITTEN_MIB=580 is the hub's own limit, with writes that once caused 871 MiB.
    let number = |name: &str, default: u64| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (limit, written) = (number("WAL_LIMIT_MIB", 4) * MIB, number("WAL_WRITTEN_MIB", 64) * MIB);
    let folder = tempfile::tempdir().unwrap();
    let core = start(&folder);
    let _readers = overlap(&core).await;
    tokio::spawn(log_watch::watch(core.clone(), limit));
    let bytes = 100_000;
    let mut posts = stream::iter(0..written / bytes).map(|n| post(&core, n, bytes as usize)).buffer_unordered(16);
    let mut most = 0;
    while posts.next().await.is_some() {
        most = most.max(core.reads().files().wal_bytes());
    }
    println!("{} MiB written: at most {:.1} MiB of write-ahead log", written / MIB, most as f64 / MIB as f64);
    // Beyond the limit is only what is written within a tenth of a second and until the running reads end.
    assert!(most <= written / 2, "{most} bytes");
}
