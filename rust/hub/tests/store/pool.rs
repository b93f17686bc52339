//! The log's readers: their number, their lanes, and their deadlines.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use orochi_hub::parts::store::{Lane, Reader, Reads, StoreError};
use orochi_protocol::Seq;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::harness::{Folder, append, seq};

/// Longer than anything here takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(20);

fn log() -> Folder {
    let folder = Folder::new();
    let (mut store, _) = folder.open();
    append(&mut store, 1..=10).unwrap();
    store.close();
    folder
}

/// Reads until interrupted.
fn for_ever(reader: &Reader) -> Result<(), StoreError> {
    loop {
        reader.message(seq(1))?;
    }
}

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future).await.expect("it should not take so long")
}

#[tokio::test]
async fn read_is_interrupted_when_its_asker_has_gone() {
    let folder = log();
    let reads = Reads::open(&folder.db(), 1, Seq::ZERO).unwrap();
    for lane in [Lane::Quick, Lane::Search] {
        let (began, has_begun) = oneshot::channel();
        let (ended, has_ended) = oneshot::channel();
        let asker = tokio::spawn({
            let reads = reads.clone();
            async move {
                let read = move |reader: &Reader| {
                    began.send(()).unwrap();
                    let result = for_ever(reader);
                    ended.send(()).unwrap();
                    result
                };
                reads.run_in(lane, read).await
            }
        });
        in_time(has_begun).await.unwrap();
        asker.abort();
        in_time(has_ended).await.unwrap();
        in_time(reads.run_in(lane, |reader| reader.message(seq(1)))).await.unwrap();
    }
}

#[tokio::test]
async fn read_that_nobody_waits_for_keeps_its_place_until_it_has_ended() {
    let folder = log();
    let reads = Reads::open(&folder.db(), 2, Seq::ZERO).unwrap();
    let (under_way, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (release, released) = mpsc::channel::<()>();
    let released = Arc::new(std::sync::Mutex::new(released));
    for n in 0..10 {
        let (reads, under_way, most) = (reads.clone(), Arc::clone(&under_way), Arc::clone(&most));
        let released = Arc::clone(&released);
        let (began, has_begun) = oneshot::channel();
        let asker = tokio::spawn(async move {
            let read = move |_: &Reader| {
                most.fetch_max(under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let _ = began.send(());
                // Waits until the test drops the sender.
                let _ = released.lock().unwrap().recv();
                under_way.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            };
            reads.run_in(Lane::Search, read).await
        });
        if n < 2 {
            // The first two reads have the permits, and are cancelled while they run.
            in_time(has_begun).await.unwrap();
            asker.abort();
        }
    }
    // Pages of the log are read nevertheless.
    for _ in 0..20 {
        in_time(reads.run(|reader| reader.message(seq(1)))).await.unwrap();
    }
    drop(release);
    in_time(reads.run_in(Lane::Search, |reader| reader.message(seq(1)))).await.unwrap();
    assert_eq!(most.load(Ordering::SeqCst), 2, "at once, on two places");
}

#[tokio::test]
async fn read_ends_at_its_deadline_with_a_sentence() {
    let folder = log();
    let reads = Reads::open_with(&folder.db(), 1, Seq::ZERO, Duration::from_millis(50)).unwrap();
    let error = in_time(reads.run(for_ever)).await.unwrap_err();
    assert!(matches!(error, StoreError::Deadline { .. }), "{error:?}");
    assert!(error.to_string().contains("took longer"), "{error}");
    in_time(reads.run(|reader| reader.message(seq(1)))).await.unwrap();
}

#[tokio::test]
async fn read_is_interrupted_when_the_hub_stops() {
    let folder = log();
    let reads = Reads::open(&folder.db(), 1, Seq::ZERO).unwrap();
    let (began, has_begun) = oneshot::channel();
    let read = tokio::spawn({
        let reads = reads.clone();
        async move {
            let read = move |reader: &Reader| {
                began.send(()).unwrap();
                for_ever(reader)
            };
            reads.run_in(Lane::Count, read).await
        }
    });
    in_time(has_begun).await.unwrap();
    reads.stop();
    let error = in_time(read).await.unwrap().unwrap_err();
    assert!(matches!(error, StoreError::ReaderGone), "{error:?}");
}

#[tokio::test]
async fn search_that_finds_no_place_in_time_is_refused() {
    let folder = log();
    let reads = Reads::open_with(&folder.db(), 1, Seq::ZERO, Duration::from_millis(50)).unwrap();
    let (release, released) = mpsc::channel::<()>();
    let (began, has_begun) = oneshot::channel();
    let first = tokio::spawn({
        let reads = reads.clone();
        async move {
            let read = move |_: &Reader| {
                began.send(()).unwrap();
                let _ = released.recv();
                Ok(())
            };
            reads.run_in(Lane::Search, read).await
        }
    });
    in_time(has_begun).await.unwrap();
    let error = in_time(reads.run_in(Lane::Search, |_| Ok(()))).await.unwrap_err();
    assert!(matches!(error, StoreError::Busy), "{error:?}");
    drop(release);
    in_time(first).await.unwrap().unwrap();
}
