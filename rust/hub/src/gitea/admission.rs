//! Bounds on running calls: for all requesters together, and for each one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use orochi_protocol::{AgentName, ErrorCode, Refusal};

/// Counts the running calls. Clones share the count.
#[derive(Debug, Clone)]
pub(super) struct UnderWay(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// A std mutex: it is held to change a number, never over an await.
    counts: Mutex<HashMap<Option<AgentName>, usize>>,
    max: usize,
    max_of_one: usize,
}

/// The permission for one call; dropping it makes room for another.
#[derive(Debug)]
pub(crate) struct Admission {
    under_way: UnderWay,
    asker: Option<AgentName>,
}

impl UnderWay {
    pub(super) fn new(max: usize, max_of_one: usize) -> Self {
        Self(Arc::new(Inner { counts: Mutex::default(), max, max_of_one }))
    }

    /// # Errors
    /// `GITEA_BUSY`.
    pub(super) fn admit(&self, asker: Option<&AgentName>) -> Result<Admission, Refusal> {
        let Inner { counts, max, max_of_one } = &*self.0;
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        let asker = asker.cloned();
        if counts.get(&asker).is_some_and(|count| count >= max_of_one) {
            let who = asker.map_or_else(|| "programs without a name have".to_owned(), |name| format!("{name} has"));
            let detail = format!("{who} {max_of_one} running calls to Gitea: try again when one of them has ended");
            return Err(Refusal::new(ErrorCode::GiteaBusy, detail));
        }
        if counts.values().sum::<usize>() >= *max {
            let detail = format!("{max} calls to Gitea are running: try again when one has ended");
            return Err(Refusal::new(ErrorCode::GiteaBusy, detail));
        }
        *counts.entry(asker.clone()).or_default() += 1;
        Ok(Admission { under_way: self.clone(), asker })
    }
}

impl Admission {
    /// The requester; None for a program without a name.
    pub(crate) fn asker(&self) -> Option<&AgentName> {
        self.asker.as_ref()
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut counts = self.under_way.0.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.asker) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.asker);
            }
        }
    }
}
