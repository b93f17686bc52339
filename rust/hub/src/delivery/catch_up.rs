//! One page of the log for a connection that is behind: its messages, encoded as they would have been live.

use std::ops::ControlFlow;
use std::sync::Arc;

use orochi_protocol::Seq;

use crate::delivery::interest::Interest;
use crate::delivery::outbox::Item;
use crate::delivery::view::{self, Viewer};
use crate::store::{Message, Reader, Reads, StoreError};

/// Rows read for one page: a few milliseconds of work.
const ROWS_MAX: usize = 1024;
/// Bytes of frames in one page, as much as a live connection's outbox takes in a few batches.
const BYTES_MAX: usize = 512 * 1024;

/// The result of reading one page.
pub(crate) struct Page {
    /// The frames, in log order.
    pub(crate) items: Vec<Item>,
    /// All messages up to this seq were checked.
    pub(crate) position: Seq,
}

/// Reads a connection's messages after `position` and up to `head`, as far as one page goes.
pub(crate) async fn read_page(
    reads: &Reads,
    position: Seq,
    head: Seq,
    interest: Arc<Interest>,
) -> Result<Page, StoreError> {
    reads.run(move |reader| read(reader, position, head, &interest)).await
}

fn read(reader: &Reader, position: Seq, head: Seq, interest: &Interest) -> Result<Page, StoreError> {
    let mut page = Page { items: Vec::new(), position };
    let mut bytes = 0;
    let mut rows = 0;
    let mut take = |message: &Message| {
        rows += 1;
        page.position = message.seq;
        if interest.wants(message) {
            let frame = view::frame(message, viewer(interest));
            bytes += frame.len();
            page.items.push(Item { frame: frame.into(), seq: Some(message.seq) });
        }
        if rows >= ROWS_MAX || bytes >= BYTES_MAX { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    // Before the connection was in any channel, only messages addressed to its agent can be for it.
    let end = match interest {
        Interest::Agent(agent) if position < agent.channels_after().unwrap_or(head).min(head) => {
            let end = agent.channels_after().unwrap_or(head).min(head);
            reader.addressed(&agent.name, position, end, &mut take)?;
            end
        }
        Interest::Agent(_) | Interest::Everything => {
            reader.scan(position, head, &mut take)?;
            head
        }
    };
    if rows < ROWS_MAX && bytes < BYTES_MAX {
        page.position = end;
    }
    Ok(page)
}

fn viewer(interest: &Interest) -> Viewer<'_> {
    match interest {
        Interest::Everything => Viewer::Observer,
        Interest::Agent(agent) => Viewer::Agent(&agent.name),
    }
}
