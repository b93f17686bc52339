//! Looks after the log's files while the hub runs: says when they are removed, moved or replaced.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::core::Core;

/// How often the files are looked at. A write looks for itself; this is for an idle hub.
const EVERY: Duration = Duration::from_secs(2);

/// Looks after the log until the core has stopped.
pub async fn watch(core: Core) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_in_place = true;
    loop {
        tokio::select! {
            () = core.stopped() => return,
            _ = ticks.tick() => {}
        }
        let files = core.reads().files().clone();
        // A disk that hangs holds up this one question, not the runtime's threads.
        let Ok(checked) = tokio::task::spawn_blocking(move || files.check()).await else { continue };
        match &checked {
            Err(error) if is_in_place => tracing::error!(%error, "the log is not in its place: writes are refused"),
            Ok(()) if !is_in_place => tracing::info!("the log is in its place again: writes are accepted"),
            Ok(()) | Err(_) => {}
        }
        is_in_place = checked.is_ok();
    }
}
