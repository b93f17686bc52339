//! A stored message as one receiver sees it. In the log a conversation has one name for both sides; on the wire it is
//! named after the other side (section 9, Direct messages).

use orochi_protocol::Seq;
use orochi_protocol::delivery::{HitView, MessageView};
use orochi_protocol::paging::{ENTRIES_BYTES_MAX, More};
use serde_json::value::RawValue;

use crate::store::{Message, Place};

/// The receiver of a message.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Viewer<'a> {
    /// An agent, by its name: a conversation is named after the other side.
    Agent(&'a str),
    /// An observer, or a route that shows all traffic: a conversation is named after the receiver.
    Observer,
}

/// Returns the channel as `viewer` sees it: its name, or `@name` for a direct message. An agent outside the
/// conversation sees it as an observer does; other code decides if it may see the message at all.
pub(crate) fn channel_seen<'a>(place: &'a Place, sender: &str, viewer: Viewer<'_>) -> &'a str {
    let Place::Conversation(pair) = place else { return place.as_str() };
    // A row of 0.1.0 may have a channel that looks like a conversation; then its sender is neither side.
    let Some(receiver) = pair.seen_by(sender) else { return place.as_str() };
    match viewer {
        Viewer::Agent(name) => pair.seen_by(name).unwrap_or(receiver),
        Viewer::Observer => receiver,
    }
}

/// Encodes the message as a `message` frame for `viewer`.
pub(crate) fn frame(message: &Message, viewer: Viewer<'_>) -> String {
    of(message, seen_by(message, viewer), &message.ts.to_string()).to_frame()
}

/// Encodes the message as a history row for `viewer`; `hit` has the matches of a search.
pub(crate) fn row(message: &Message, viewer: Viewer<'_>, hit: Option<HitView<'_>>) -> Box<RawValue> {
    of(message, seen_by(message, viewer), &message.ts.to_string()).to_row(hit)
}

/// Encodes messages as rows for `viewer`, as many as fit one answer, and returns where to continue. `is_cut` says that
/// the log has more messages. A row that is larger than an answer comes alone.
pub(crate) fn rows_that_fit(
    messages: &[Message],
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

fn seen_by<'a>(message: &'a Message, viewer: Viewer<'_>) -> &'a str {
    channel_seen(&message.place, &message.sender, viewer)
}

/// The message for the writers of frames and rows, under the channel that its receiver sees and with its time as text.
pub(crate) fn of<'a>(message: &'a Message, channel: &'a str, ts: &'a str) -> MessageView<'a> {
    MessageView {
        seq: message.seq,
        id: &message.id,
        ts,
        channel,
        sender: &message.sender,
        content: &message.content,
        mentions: &message.mentions,
        metadata: &message.metadata,
        reply_to: message.reply_to,
        extra: message.extra.as_deref(),
    }
}

#[cfg(test)]
mod tests {
    use orochi_protocol::Timestamp;

    use super::*;
    use crate::store::Pair;

    fn message(place: Place, sender: &str) -> Message {
        Message {
            seq: Seq::ZERO.next(),
            id: "i-1".to_owned(),
            ts: Timestamp::from_micros(0),
            place,
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
        let direct = message(Place::Conversation(Pair::new("bob", "alice")), "alice");
        for (viewer, seen) in [
            (Viewer::Agent("alice"), "@bob"),
            (Viewer::Agent("bob"), "@alice"),
            (Viewer::Observer, "@bob"),
            (Viewer::Agent("carol"), "@bob"),
        ] {
            assert_eq!(seen_by(&direct, viewer), seen, "{viewer:?}");
        }
    }

    #[test]
    fn a_channel_keeps_its_name_whatever_it_is() {
        for channel in ["#general", "general", "@bob", "@a @b", "", "# odd \n name"] {
            for viewer in [Viewer::Agent("a"), Viewer::Observer] {
                assert_eq!(seen_by(&message(Place::parse(channel), "carol"), viewer), channel, "{viewer:?}");
            }
        }
    }

    #[test]
    fn frames_and_rows_carry_the_channel_as_it_is_seen() {
        let direct = message(Place::Conversation(Pair::new("bob", "alice")), "alice");
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
