//! Watches the log's files while the hub runs: reports when they are removed, moved or replaced, and resets the
//! write-ahead log when readers have kept SQLite from it for too long.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::core::Core;
use crate::store::StoreError;

/// The interval between checks of an idle hub's files. Each write checks them too.
const EVERY: Duration = Duration::from_secs(1);
/// The time from a write to the check, and the interval while the hub writes: a fast disk writes hundreds of megabytes
/// a second.
const EVERY_BUSY: Duration = Duration::from_millis(100);
/// The write-ahead log grows while overlapping reads use older states of it. Above this size, reads pause for a moment.
/// SQLite alone keeps it at a quarter of this.
pub(crate) const WAL_MAX: u64 = 64 * 1024 * 1024;
/// The wait after a pause that did not help, because another program's reader blocks the reset.
const PAUSE_AGAIN: Duration = Duration::from_secs(30);

/// Watches the log until the core has stopped, and resets a write-ahead log of more than `wal_max` bytes.
pub async fn watch(core: Core, wal_max: u64) {
    let mut is_in_place = true;
    let mut not_before = Instant::now();
    loop {
        tokio::select! {
            () = core.stopped() => return,
            () = sleep(EVERY) => {}
            () = written(&core) => {}
        }
        let files = core.reads().files().clone();
        // A hanging disk blocks only this check, not the runtime's threads.
        let looked = tokio::task::spawn_blocking(move || (files.check(), files.wal_bytes())).await;
        let Ok((checked, wal_bytes)) = looked else { continue };
        tell(&checked, is_in_place);
        is_in_place = checked.is_ok();
        if is_in_place && wal_bytes > wal_max && Instant::now() >= not_before {
            tokio::select! {
                () = core.stopped() => return,
                is_reset = reset_wal(&core) => if !is_reset {
                    tracing::warn!(wal_bytes, "the write-ahead log could not be reset: does another program read the log?");
                    not_before = Instant::now() + PAUSE_AGAIN;
                }
            }
        }
    }
}

/// Waits until some time after a write.
async fn written(core: &Core) {
    core.next_write().await;
    sleep(EVERY_BUSY).await;
}

fn tell(checked: &Result<(), StoreError>, was_in_place: bool) {
    match checked {
        Err(error) if was_in_place => tracing::error!(%error, "the log is not in its place: writes are refused"),
        Ok(()) if !was_in_place => tracing::info!("the log is in its place again: writes are accepted"),
        Ok(()) | Err(_) => {}
    }
}

/// Pauses reads and empties the write-ahead log. Returns whether this succeeded. New searches wait until the running
/// ones have ended; reads of pages wait only for the last moment.
pub async fn reset_wal(core: &Core) -> bool {
    let paused = core.reads().pause_slow().await;
    core.reads().pause_all(&paused).await;
    core.reset_wal().await.unwrap_or(false)
}
