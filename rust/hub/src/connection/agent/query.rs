//! `query`: the log's readers answer it, or the index of words (sections 5 and 9).

use orochi_protocol::paging::ENTRIES_BYTES_MAX;
use orochi_protocol::reply::HistoryAnswer;
use orochi_protocol::request::HistoryQuery;
use orochi_protocol::{AgentName, Refusal, Target};

use super::RequestLoop;
use crate::core::{not_registered, unavailable};
use crate::delivery::view::{self, Viewer};
use crate::search;
use crate::store::{Lane, Message, Place};

impl RequestLoop {
    pub(super) async fn query(&mut self, id: &str, query: HistoryQuery) -> Result<(), Refusal> {
        let place = Place::of(&query.target, self.name.as_ref().map(AgentName::as_str))
            .ok_or_else(|| not_registered("a query for direct messages"))?;
        let viewer = match query.target {
            Target::Channel(_) => None,
            Target::Direct(_) => self.name.clone(),
        };
        self.link.core.barrier().await?;
        let filter = query.filter;
        let (messages, is_cut, indexed_up_to) = if filter.search.is_some() {
            let request = search::Request::in_history(place, viewer.clone(), &filter)?;
            let found = self.link.core.search(request).await?;
            let messages: Vec<Message> = found.hits.into_iter().map(|hit| hit.message).collect();
            (messages, false, found.indexed_up_to)
        } else {
            let (reads, lane) = (self.link.core.reads(), Lane::for_history(&filter));
            let read = reads.run_in(lane, move |reader| reader.history_within(&place, &filter, ENTRIES_BYTES_MAX));
            let (messages, is_cut) = read.await.map_err(|error| unavailable(&error))?;
            (messages, is_cut, None)
        };
        let viewer = viewer.as_ref().map_or(Viewer::Observer, |name| Viewer::Agent(name.as_str()));
        let (rows, more) = view::rows_that_fit(&messages, viewer, is_cut);
        let channel = query.target.to_string();
        let answer = HistoryAnswer { channel: &channel, content: "", history: &rows, more, r#ref: id, indexed_up_to };
        self.answer("message", &answer, id).await;
        Ok(())
    }
}
