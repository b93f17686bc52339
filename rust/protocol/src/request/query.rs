//! `query`: message history (sections 5 and 9). The HTTP routes use the same filter.

use serde::Serialize;

use super::payload::Payload;
use crate::codes::Refusal;
use crate::fields::{Fields, invalid};
use crate::limits::{HISTORY_LIMIT_DEFAULT, HISTORY_LIMIT_MAX, SEARCH_CHARS_MAX};
use crate::names::{AgentName, ChannelName, Target};
use crate::seq::Seq;
use crate::time::Timestamp;

/// A query for a channel's or a conversation's messages.
#[derive(Debug, Clone)]
pub struct HistoryQuery {
    /// A channel, or the other agent of a conversation.
    pub target: Target,
    pub filter: HistoryFilter,
}

/// Selects messages and their order.
#[derive(Debug, Clone)]
pub struct HistoryFilter {
    /// Not before this time; inclusive.
    pub since: Option<Timestamp>,
    /// Not after this time; inclusive.
    pub until: Option<Timestamp>,
    /// Only seqs below this one.
    pub before: Option<Seq>,
    /// Only seqs above this one.
    pub after: Option<Seq>,
    /// Only this sender's.
    pub sender: Option<AgentName>,
    /// Only answers to this message.
    pub reply_to: Option<Seq>,
    /// Only messages that match this text.
    pub search: Option<String>,
    /// The largest number of rows, 1 to 1000.
    pub limit: u32,
    /// The order of the rows.
    pub order: Order,
}

/// The order of rows. It decides which of them a limit keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Newest first.
    #[default]
    Desc,
    /// Oldest first: to continue reading from a position in the log.
    Asc,
}

impl Order {
    /// Parses `asc` or `desc`.
    ///
    /// # Errors
    /// `INVALID_FIELD` for anything else.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        match text {
            "asc" => Ok(Self::Asc),
            "desc" => Ok(Self::Desc),
            other => Err(invalid("order", "\"asc\" or \"desc\"", &format!("{other:?}"))),
        }
    }
}

impl Default for HistoryFilter {
    fn default() -> Self {
        Self {
            since: None,
            until: None,
            before: None,
            after: None,
            sender: None,
            reply_to: None,
            search: None,
            limit: HISTORY_LIMIT_DEFAULT,
            order: Order::Desc,
        }
    }
}

impl HistoryFilter {
    /// Checks that the conditions work together.
    ///
    /// # Errors
    /// `INVALID_FIELD` for a search in ascending order: searches start at the newest message.
    pub fn checked(self) -> Result<Self, Refusal> {
        if self.search.is_some() && self.order == Order::Asc {
            return Err(invalid(
                "order",
                "\"desc\" together with search, which goes from the newest message back",
                "\"asc\"",
            ));
        }
        Ok(self)
    }
}

impl Payload for HistoryQuery {
    const TYPE: &'static str = "query";
    const NEEDS_REGISTER: bool = false;

    fn parse(fields: &Fields<'_>) -> Result<Self, Refusal> {
        let target = match fields.text("channel")? {
            None => Target::Channel(ChannelName::general()),
            Some(text) => Target::parse(&text)?,
        };
        let filter = HistoryFilter {
            since: fields.time("since")?,
            until: fields.end_time("until")?,
            before: fields.seq("before")?,
            after: fields.seq("after")?,
            sender: fields.agent("sender")?,
            reply_to: fields.seq("reply_to")?,
            search: fields.short_text("search", SEARCH_CHARS_MAX)?,
            limit: fields.whole("limit", 1..=HISTORY_LIMIT_MAX)?.unwrap_or(HISTORY_LIMIT_DEFAULT),
            order: fields.text("order")?.map_or(Ok(Order::Desc), |order| Order::parse(&order))?,
        };
        Ok(Self { target, filter: filter.checked()? })
    }
}
