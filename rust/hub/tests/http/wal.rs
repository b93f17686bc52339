//! The write-ahead log while readers overlap.

use orochi_hub::core;
use orochi_hub::log_watch::reset_wal;
use orochi_hub::store::{Reads, Store};
use orochi_protocol::request::{Draft, HistoryFilter};
use orochi_protocol::{AgentName, Target};
use tokio::sync::mpsc;

use crate::harness::in_time;

fn draft(content: String) -> Draft {
    Draft::new(Target::parse("#load").unwrap(), content).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wal_is_reset_while_readers_overlap() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("log.db");
    let (store, loaded) = Store::open(&db).unwrap();
    let reads = Reads::open(&db, 2, loaded.legacy_head).unwrap();
    let (core, _thread) = core::start(store, loaded, reads).unwrap();
    // Two readers in turn, each of which begins before the other has ended.
    let (to_one, at_one) = mpsc::channel::<()>(1);
    let (to_other, at_other) = mpsc::channel::<()>(1);
    let mut readers = Vec::new();
    for (mut turn, next) in [(at_one, to_other), (at_other, to_one.clone())] {
        let core = core.clone();
        readers.push(tokio::spawn(async move {
            while turn.recv().await.is_some() {
                let next = next.clone();
                let read = core.reads().run(move |reader| {
                    let mut rows = 0;
                    let filter = HistoryFilter { limit: 10, ..HistoryFilter::default() };
                    rows += reader.history("#load", &filter)?.len();
                    let _ = next.try_send(());
                    rows += reader.history("#load", &filter)?.len();
                    Ok(rows)
                });
                if read.await.is_err() {
                    return;
                }
            }
        }));
    }
    to_one.send(()).await.unwrap();
    let sender = AgentName::parse("ci").unwrap();
    for n in 0..200 {
        core.post(sender.clone(), n.to_string(), draft("x".repeat(10_000))).await.unwrap();
    }
    assert!(core.reads().files().wal_bytes() > 1_000_000);
    assert!(in_time(reset_wal(&core)).await, "readers kept it");
    assert_eq!(core.reads().files().wal_bytes(), 0);
    // Reads go on.
    let filter = HistoryFilter { limit: 10, ..HistoryFilter::default() };
    let rows = in_time(core.reads().run(move |reader| reader.history("#load", &filter))).await.unwrap();
    assert_eq!(rows.len(), 10);
    readers.iter().for_each(tokio::task::JoinHandle::abort);
}
