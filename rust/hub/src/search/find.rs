//! Finds one page of hits. Candidates come from the index, and each is checked against its message in the log. The
//! newest messages, which the index does not have yet, are read directly.

use std::ops::ControlFlow;

use orochi_protocol::request::HistoryFilter;
use orochi_protocol::{AgentName, ErrorCode, Refusal, Seq, Timestamp};

use super::file::{IndexError, Snapshot};
use super::query::Query;
use super::tokens::{Expression, Term};
use super::units::Units;
use super::{matching, snippet, tokens};
use crate::store::{ANSWER_TEXT_MAX, Message, Place, Reader, StoreError, TextRoom};

/// The largest number of hits that are ranked. With more, the newest come first instead, because ranking reads all.
const RANKED_MAX: usize = 1000;
/// Messages read for one page. A page that stops here has fewer hits and a cursor.
const READ_MAX: u32 = 20_000;

/// The order of hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Best match first; among equal ones, newest first. Newest first if over a thousand match.
    #[default]
    Rank,
    /// Newest first.
    Time,
}

/// The conditions of a search.
#[derive(Debug, Default)]
pub struct Request {
    /// The parsed text.
    pub query: Query,
    /// Only this channel or conversation.
    pub place: Option<Place>,
    /// Only this sender.
    pub sender: Option<AgentName>,
    /// Only answers to this message.
    pub reply_to: Option<Seq>,
    /// Not before this time; inclusive.
    pub since: Option<Timestamp>,
    /// Not after this time; inclusive.
    pub until: Option<Timestamp>,
    /// Only seqs above this one.
    pub after: Option<Seq>,
    /// Only seqs below this one.
    pub before: Option<Seq>,
    /// The searching agent. Direct messages are found only by one of their two agents.
    pub agent: Option<AgentName>,
    pub order: Order,
    /// The end of the previous page.
    pub cursor: Option<Cursor>,
    /// The largest number of hits.
    pub limit: u32,
}

impl Request {
    /// Builds a search within a channel's or a conversation's history, newest first.
    ///
    /// # Errors
    /// `INVALID_FIELD` if [`Query`] refuses the text.
    pub fn in_history(place: Place, agent: Option<AgentName>, filter: &HistoryFilter) -> Result<Self, Refusal> {
        let query = Query::parse("search", filter.search.as_deref().unwrap_or_default())?;
        query.check_asker("agent", agent.as_ref())?;
        Ok(Self {
            query,
            place: Some(place),
            sender: filter.sender.clone(),
            reply_to: filter.reply_to,
            since: filter.since,
            until: filter.until,
            after: filter.after,
            before: filter.before,
            agent,
            order: Order::Time,
            cursor: None,
            limit: filter.limit,
        })
    }
}

/// The end of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cursor {
    /// Newest first: continue below this seq.
    Before(Seq),
    /// By rank: skip the first `skip` hits among the messages up to `head`.
    Ranked {
        /// The newest message at the time of the first page.
        head: Seq,
        /// Hits on the previous pages.
        skip: u32,
    },
}

impl Cursor {
    /// Parses a cursor.
    ///
    /// # Errors
    /// `INVALID_FIELD`.
    pub fn parse(field: &str, text: &str) -> Result<Self, Refusal> {
        let seq = |digits: &str| digits.parse().ok().and_then(Seq::new);
        let parsed = match text.split('-').collect::<Vec<_>>()[..] {
            ["t", before] => seq(before).map(Self::Before),
            ["r", head, skip] => seq(head).zip(skip.parse().ok()).map(|(head, skip)| Self::Ranked { head, skip }),
            _ => None,
        };
        parsed.ok_or_else(|| {
            let detail = format!("{field} is {text:?}: expected the \"next\" of a page of the same search");
            Refusal::new(ErrorCode::InvalidField, detail)
        })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Before(seq) => write!(f, "t-{seq}"),
            Self::Ranked { head, skip } => write!(f, "r-{head}-{skip}"),
        }
    }
}

/// A matching message.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    pub message: Message,
    /// The matching part, see [`snippet::snippet`].
    pub snippet: String,
    /// All matches in the content, `[start, end)` in code points.
    pub ranges: Vec<(u32, u32)>,
}

/// A page of hits.
#[derive(Debug, Default)]
pub struct Found {
    /// The hits, in the requested order.
    pub hits: Vec<Hit>,
    /// The cursor of the next page, if there may be more.
    pub next: Option<Cursor>,
    /// The seq up to which messages were searched, if that is not the head.
    pub indexed_up_to: Option<Seq>,
}

/// A reason why a page can't be made.
#[derive(Debug)]
pub(super) enum FindError {
    /// The log failed.
    Log(StoreError),
    /// The index failed.
    Index(IndexError),
}

impl From<IndexError> for FindError {
    fn from(error: IndexError) -> Self {
        Self::Index(error)
    }
}

impl From<StoreError> for FindError {
    fn from(error: StoreError) -> Self {
        Self::Log(error)
    }
}

/// One search on one state of log and index.
pub(super) struct Finder<'a> {
    reader: &'a Reader,
    index: &'a Snapshot<'a>,
    request: &'a Request,
    /// The newest message to search.
    head: Seq,
    expression: Option<Expression>,
    units: Units,
    read: u32,
}

impl<'a> Finder<'a> {
    /// Prepares a search up to `head`.
    pub(super) fn new(reader: &'a Reader, index: &'a Snapshot<'a>, request: &'a Request, head: Seq) -> Self {
        let expression = expression(request);
        Self { reader, index, request, head, expression, units: Units::default(), read: 0 }
    }

    /// Finds the page.
    ///
    /// # Errors
    /// Fails if log or index can't be read.
    pub(super) fn page(mut self) -> Result<Found, FindError> {
        if self.request.limit == 0 || !self.selects() {
            return Ok(Found::default());
        }
        match (self.request.cursor, self.request.order) {
            (Some(Cursor::Before(before)), _) => self.newest(before),
            (Some(Cursor::Ranked { head, skip }), _) => {
                self.head = self.head.min(head);
                self.ranked(skip)
            }
            (None, Order::Time) => self.newest(self.head.next()),
            (None, Order::Rank) => self.ranked(0),
        }
    }

    fn selects(&self) -> bool {
        // Only the text counts. A search with a channel alone would be a history.
        self.request.query.selects()
    }

    /// Finds hits below `before`, newest first.
    fn newest(&mut self, before: Seq) -> Result<Found, FindError> {
        let limit = self.request.limit as usize;
        let (mut found, mut room) = (Found::default(), TextRoom::new(ANSWER_TEXT_MAX));
        let mut last_read = None;
        self.candidates(before, |finder, message| {
            last_read = Some(message.seq);
            if finder.is_hit(message) {
                if found.hits.len() == limit || !room.take(message) {
                    // One more hit exists, so the page is full and not the last.
                    found.next = found.hits.last().map(|hit| Cursor::Before(hit.message.seq));
                    return Ok(false);
                }
                found.hits.push(finder.hit(message.clone()));
            }
            if finder.read >= READ_MAX {
                found.next = last_read.map(Cursor::Before);
                return Ok(false);
            }
            Ok(true)
        })?;
        Ok(found)
    }

    /// Finds hits after the first `skip`, best first. Falls back to newest first if too many match to rank them.
    fn ranked(&mut self, skip: u32) -> Result<Found, FindError> {
        // Without words, all match equally well.
        if self.request.query.phrases.is_empty() || (skip == 0 && self.is_common()?) {
            return self.newest(self.head.next());
        }
        let mut hits: Vec<(f64, Seq)> = Vec::new();
        self.candidates(self.head.next(), |finder, message| {
            if finder.is_hit(message) {
                hits.push((matching::score(&finder.request.query, &finder.units), message.seq));
            }
            Ok(true)
        })?;
        hits.sort_by(|(one, first), (other, second)| other.total_cmp(one).then(second.cmp(first)));
        let (mut page, mut room) = (Vec::new(), TextRoom::new(ANSWER_TEXT_MAX));
        let mut end = skip as usize;
        for (_, seq) in hits.iter().skip(end).take(self.request.limit as usize) {
            // Read these messages again: keeping all of them since the first read may need hundreds of megabytes.
            if let Some(message) = self.reader.message(*seq)? {
                if !room.take(&message) {
                    break;
                }
                page.push(self.hit_of(message));
            }
            end += 1;
        }
        let skip = u32::try_from(end).unwrap_or(u32::MAX);
        let next = (hits.len() > end).then_some(Cursor::Ranked { head: self.head, skip });
        Ok(Found { hits: page, next, indexed_up_to: None })
    }

    /// Returns whether more messages may match than can be ranked. Reads only the index.
    fn is_common(&self) -> Result<bool, FindError> {
        let (Some(expression), Some((from, before))) = (&self.expression, self.bounds(self.head.next())?) else {
            return Ok(false);
        };
        let mut count = 0;
        self.index.matches(expression, from, before, |_| {
            count += 1;
            Ok::<_, FindError>(count <= RANKED_MAX)
        })?;
        Ok(count > RANKED_MAX)
    }

    /// Calls `visit` with messages that may be hits, newest first, until it returns false.
    fn candidates(
        &mut self,
        before: Seq,
        mut visit: impl FnMut(&mut Self, &Message) -> Result<bool, FindError>,
    ) -> Result<(), FindError> {
        let Some((from, before)) = self.bounds(before)? else { return Ok(()) };
        let indexed = self.index.indexed_up_to;
        let is_scan = self.expression.is_none();
        if is_scan || before > indexed.next() {
            let from = if is_scan { from } else { from.max(indexed.next()) };
            if !self.scan(from, before, &mut visit)? {
                return Ok(());
            }
        }
        let Some(expression) = self.expression.clone() else { return Ok(()) };
        let (index, reader) = (self.index, self.reader);
        index.matches(&expression, from, before.min(indexed.next()), |seq| {
            match reader.message(seq)? {
                Some(message) => {
                    self.read += 1;
                    visit(self, &message)
                }
                // The index still has a message that was removed from the log.
                None => Ok(true),
            }
        })
    }

    /// Does the same without the index.
    fn scan(
        &mut self,
        from: Seq,
        before: Seq,
        visit: &mut impl FnMut(&mut Self, &Message) -> Result<bool, FindError>,
    ) -> Result<bool, FindError> {
        let mut result = Ok(true);
        self.reader.scan_back(from, before, |message| {
            self.read += 1;
            result = visit(self, message);
            if matches!(result, Ok(true)) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        result
    }

    /// The range of seqs to search, with an exclusive end; None if it is empty.
    fn bounds(&self, before: Seq) -> Result<Option<(Seq, Seq)>, FindError> {
        let request = self.request;
        let (mut from, mut before) = (Seq::ZERO.next(), before.min(self.head.next()));
        if let Some(after) = request.after {
            from = from.max(after.next());
        }
        if let Some(limit) = request.before {
            before = before.min(limit);
        }
        let since = request.since.max(request.query.since);
        let (first, end) = self.reader.seq_range(since, self.last_time())?;
        (from, before) = (from.max(first), before.min(end));
        Ok((from < before).then_some((from, before)))
    }

    /// The last matching time. `until` is inclusive, `before:` is exclusive.
    fn last_time(&self) -> Option<Timestamp> {
        let before = self.request.query.before.map(|time| Timestamp::from_micros(time.as_micros() - 1));
        match (self.request.until, before) {
            (Some(until), Some(before)) => Some(until.min(before)),
            (until, before) => until.or(before),
        }
    }

    /// Returns whether a candidate is a hit. Afterwards `units` has its text.
    fn is_hit(&mut self, message: &Message) -> bool {
        let request = self.request;
        let agent = request.agent.as_ref().map(AgentName::as_str);
        let may_see = match &message.place {
            Place::Conversation(pair) => agent.is_some_and(|agent| pair.partner(agent).is_some()),
            Place::Channel(_) | Place::Other(_) => true,
        };
        let since = request.since.max(request.query.since);
        let is_in_time =
            since.is_none_or(|since| message.ts >= since) && self.last_time().is_none_or(|until| message.ts <= until);
        if !(may_see && is_in_time && self.is_from(message) && self.is_within(message)) {
            return false;
        }
        self.units.read(&message.content);
        matching::matches(&request.query, &self.units)
    }

    fn is_from(&self, message: &Message) -> bool {
        let request = self.request;
        let is = |name: &AgentName| name.as_str() == message.sender;
        request.sender.as_ref().is_none_or(is)
            && request.query.from.iter().all(is)
            && !request.query.not_from.iter().any(is)
            && request.reply_to.is_none_or(|seq| message.reply_to == Some(seq))
    }

    fn is_within(&self, message: &Message) -> bool {
        let request = self.request;
        let agent = request.agent.as_ref().map(AgentName::as_str);
        let is = |target| Place::of(target, agent).is_some_and(|place| place == message.place);
        request.place.as_ref().is_none_or(|place| *place == message.place)
            && request.query.within.iter().all(is)
            && !request.query.not_within.iter().any(is)
    }

    fn hit_of(&mut self, message: Message) -> Hit {
        self.units.read(&message.content);
        self.hit(message)
    }

    /// Builds the hit for a message whose text is in `units`.
    fn hit(&self, message: Message) -> Hit {
        let ranges = matching::ranges(&self.request.query, &self.units);
        Hit { snippet: snippet::snippet(&message.content, &ranges), ranges, message }
    }
}

/// The terms that all candidates have; None if the index can't narrow the search.
fn expression(request: &Request) -> Option<Expression> {
    let query = &request.query;
    let mut terms: Vec<Term> =
        query.phrases.iter().flat_map(|phrase| tokens::of_query(&phrase.units, phrase.is_prefix)).collect();
    terms.extend(request.sender.iter().chain(&query.from).map(|name| Term::whole(tokens::sender(name.as_str()))));
    let agent = request.agent.as_ref().map(AgentName::as_str);
    let within = query.within.iter().filter_map(|target| Place::of(target, agent));
    let places = request.place.iter().cloned().chain(within);
    terms.extend(places.map(|place| Term::whole(tokens::place(&place))));
    Expression::new(terms, agent)
}
