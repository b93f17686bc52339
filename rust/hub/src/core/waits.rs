//! HTTP requests that wait for the next message to an agent or in a channel. They are woken after the commit and read
//! the log themselves: a wake carries no data.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// All waiting requests. A clone is another handle to the same list.
#[derive(Debug, Clone, Default)]
pub(super) struct Waits(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// The number of waiting requests. The core takes no lock while it is zero.
    count: AtomicUsize,
    /// By key: an agent's name, or a channel with its `#`.
    by_key: Mutex<HashMap<String, Vec<Arc<Notify>>>>,
}

/// One waiting request, until it is dropped. Every matching message that is committed after its creation wakes it.
#[derive(Debug)]
pub struct Watch {
    waits: Waits,
    keys: Vec<String>,
    woken: Arc<Notify>,
}

impl Waits {
    /// Watches for messages to these agents and in these channels.
    pub(super) fn watch(&self, keys: Vec<String>) -> Watch {
        let woken = Arc::new(Notify::new());
        self.0.count.fetch_add(1, Ordering::SeqCst);
        let mut by_key = self.lock();
        for key in &keys {
            by_key.entry(key.clone()).or_default().push(Arc::clone(&woken));
        }
        drop(by_key);
        Watch { waits: self.clone(), keys, woken }
    }

    /// Wakes requests after a message to these agents and in this channel was committed.
    pub(super) fn wake(&self, agents: &[String], channel: &str) {
        if self.0.count.load(Ordering::SeqCst) == 0 {
            return;
        }
        let by_key = self.lock();
        let keys = agents.iter().map(String::as_str).chain([channel]);
        for woken in keys.filter_map(|key| by_key.get(key)).flatten() {
            woken.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<Arc<Notify>>>> {
        self.0.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    /// Resolves when a matching message was committed since the last call. Cancelling loses no wake.
    pub async fn woken(&self) {
        self.woken.notified().await;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut by_key = self.waits.lock();
        for key in &self.keys {
            let Some(waiting) = by_key.get_mut(key) else { continue };
            waiting.retain(|other| !Arc::ptr_eq(other, &self.woken));
            if waiting.is_empty() {
                by_key.remove(key);
            }
        }
        drop(by_key);
        self.waits.0.count.fetch_sub(1, Ordering::SeqCst);
    }
}
