//! Requests that the hub itself sends to Gitea to find missed events. They don't count against agents' bounds.

use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::Gitea;
use super::failure::{Failure, unavailable};
use super::http::Call;
use super::pages::{self, Shape};

/// Deadline for one query with all pages of its answer.
const LOOK_MAX: Duration = Duration::from_secs(30);

impl Gitea {
    /// Reads a list of up to `entries_max` entries; `path` is below `/api/v1`.
    ///
    /// # Errors
    /// Fails like [`Gitea::call`].
    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        entries_max: usize,
    ) -> Result<Vec<T>, Failure> {
        let entries = self.look(async |call| pages::all(call, path, query, Shape::List, entries_max).await).await?;
        let parsed = entries.iter().map(|entry| serde_json::from_str(entry.get())).collect::<Result<_, _>>();
        parsed.map_err(|error| unavailable(&format!("its answer has an unexpected form ({error})")))
    }

    /// Reads one object.
    ///
    /// # Errors
    /// Fails like [`Gitea::call`].
    pub(crate) async fn one<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, Failure> {
        self.look(async |call| call.get(path, &[]).await).await?.read()
    }

    /// Reads a list that Gitea returns on one page.
    ///
    /// # Errors
    /// Fails like [`Gitea::call`].
    pub(crate) async fn whole_list<T: DeserializeOwned>(&self, path: &[&str]) -> Result<Vec<T>, Failure> {
        self.one(path).await
    }

    async fn look<T>(&self, ask: impl AsyncFnOnce(&mut Call<'_>) -> Result<T, Failure>) -> Result<T, Failure> {
        let http = self.0.http.as_ref().map_err(Clone::clone)?;
        let mut call = Call::new(http, None, None, self.0.limits.answer_bytes);
        let asked = timeout(LOOK_MAX, ask(&mut call)).await;
        asked.unwrap_or_else(|_| Err(unavailable(&format!("no whole answer within {LOOK_MAX:?}"))))
    }
}
