//! A stored message as one receiver sees it. In the log a conversation has one key for both sides; on the wire it is
//! named after the other side (section 9, Direct messages).

use std::borrow::Cow;

use orochi_protocol::Seq;
use orochi_protocol::delivery::{HitView, MessageView};
use orochi_protocol::paging::{ENTRIES_BYTES_MAX, More};
use serde_json::value::RawValue;

use crate::store::{StoredMessage, conversation_partner};

/// The receiver of a message.
#[derive(Debug, Clone, Copy)]
pub enum Viewer<'a> {
    /// An agent, by its name: a conversation is named after the other side.
    Agent(&'a str),
    /// An observer, or a route that shows all traffic: a conversation is named after the receiver.
    Observer,
}

/// Returns the channel as `viewer` sees it: its name, or `@name` for a direct message. An agent outside the
/// conversation sees it as an observer does; other code decides if it may see the message at all.
pub fn channel_seen<'a>(message: &'a StoredMessage, viewer: Viewer<'_>) -> Cow<'a, str> {
    let channel = message.channel.as_str();
    let seen_by_observer = || conversation_partner(channel, &message.sender);
    let partner = match viewer {
        // A row of an old log may have a channel that looks like a key; then its sender is no side of it.
        _ if seen_by_observer().is_none() => None,
        Viewer::Agent(name) => conversation_partner(channel, name).or_else(seen_by_observer),
        Viewer::Observer => seen_by_observer(),
    };
    partner.map_or(Cow::Borrowed(channel), |name| Cow::Owned(format!("@{name}")))
}

/// Encodes the message as a `message` frame for `viewer`.
pub fn frame(message: &StoredMessage, viewer: Viewer<'_>) -> String {
    with_view(message, viewer, |view| view.to_frame())
}

/// Encodes the message as a history row for `viewer`; `hit` has the matches of a search.
pub fn row(message: &StoredMessage, viewer: Viewer<'_>, hit: Option<HitView<'_>>) -> Box<RawValue> {
    with_view(message, viewer, |view| view.to_row(hit))
}

/// Encodes messages as rows for `viewer`, as many as fit one answer, and returns where to continue. `is_cut` says that
/// the log has more messages. A row that is larger than an answer comes alone.
pub fn rows_that_fit(
    messages: &[StoredMessage],
    viewer: Viewer<'_>,
    mut is_cut: bool,
) -> (Vec<Box<RawValue>>, Option<More<Seq>>) {
    let (mut rows, mut room) = (Vec::new(), ENTRIES_BYTES_MAX);
    for message in messages {
        let row = row(message, viewer, None);
        let bytes = row.get().len() + 1;
        if bytes > room && !rows.is_empty() {
            is_cut = true;
            break;
        }
        room = room.saturating_sub(bytes);
        rows.push(row);
    }
    let last = rows.len().checked_sub(1).map(|last| messages[last].seq);
    (rows, last.filter(|_| is_cut).map(More::from))
}

fn with_view<T>(message: &StoredMessage, viewer: Viewer<'_>, write: impl FnOnce(&MessageView<'_>) -> T) -> T {
    let channel = channel_seen(message, viewer);
    let ts = message.ts.to_string();
    write(&MessageView {
        seq: message.seq,
        id: &message.id,
        ts: &ts,
        channel: &channel,
        sender: &message.sender,
        content: &message.content,
        mentions: &message.mentions,
        metadata: &message.metadata,
        reply_to: message.reply_to,
        extra: message.extra.as_deref(),
    })
}

#[cfg(test)]
mod tests {
    use orochi_protocol::Timestamp;

    use super::*;
    use crate::store::conversation_key;

    fn message(channel: &str, sender: &str) -> StoredMessage {
        StoredMessage {
            seq: Seq::ZERO.next(),
            id: "i-1".to_owned(),
            ts: Timestamp::from_micros(0),
            channel: channel.to_owned(),
            sender: sender.to_owned(),
            content: "hi".to_owned(),
            mentions: "[]".to_owned(),
            metadata: "{}".to_owned(),
            reply_to: None,
            extra: None,
        }
    }

    #[test]
    fn a_conversation_is_named_after_the_other_side_and_for_observers_after_the_receiver() {
        let direct = message(&conversation_key("bob", "alice"), "alice");
        for (viewer, seen) in [
            (Viewer::Agent("alice"), "@bob"),
            (Viewer::Agent("bob"), "@alice"),
            (Viewer::Observer, "@bob"),
            (Viewer::Agent("carol"), "@bob"),
        ] {
            assert_eq!(channel_seen(&direct, viewer), seen, "{viewer:?}");
        }
    }

    #[test]
    fn a_channel_keeps_its_name_whatever_it_is() {
        for channel in ["#general", "general", "@bob", "@a @b", "", "# odd \n name"] {
            for viewer in [Viewer::Agent("a"), Viewer::Observer] {
                assert_eq!(channel_seen(&message(channel, "carol"), viewer), channel, "{viewer:?}");
            }
        }
    }

    #[test]
    fn frames_and_rows_carry_the_channel_as_it_is_seen() {
        let direct = message(&conversation_key("bob", "alice"), "alice");
        let frame: serde_json::Value = serde_json::from_str(&frame(&direct, Viewer::Agent("bob"))).unwrap();
        assert_eq!(frame["payload"]["channel"], "@alice");
        assert_eq!(frame["ts"], "1970-01-01T00:00:00.000000+00:00");
        let row: serde_json::Value = serde_json::from_str(
            row(&direct, Viewer::Observer, Some(HitView { snippet: "<hi>", ranges: &[(0, 2)] })).get(),
        )
        .unwrap();
        assert_eq!((&row["channel"], &row["snippet"]), (&"@bob".into(), &"<hi>".into()));
        assert_eq!(row["ranges"], serde_json::json!([[0, 2]]));
    }
}
