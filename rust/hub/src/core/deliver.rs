//! The delivery of a message that is on disk: its receivers, and its frames for them (section 9, Durability).

use orochi_protocol::Seq;

use super::router::Router;
use crate::delivery::ring::Recent;
use crate::delivery::view::{self, Viewer};
use crate::frame::Frame;
use crate::links::ConnectionIndex;
use crate::store::{Message, Place};

impl Router {
    /// Stages a message for its receivers: the channel's members, mentioned agents outside the channel, or a direct
    /// message's target; and for observers.
    pub(super) fn deliver(&mut self, message: Box<Message>, addressed: &[String]) {
        let (frame, observed) = self.frames(&message);
        let mut receivers = std::mem::take(&mut self.receivers);
        self.find_receivers(&message, addressed, &mut receivers);
        for index in receivers.drain(..) {
            self.stage_message(index, message.seq, &frame);
        }
        self.receivers = receivers;
        for at in 0..self.known.links.observers().len() {
            self.stage_message(self.known.links.observers()[at], message.seq, &observed);
        }
        if let Place::Channel(channel) = &message.place {
            self.known.links.note_channel(channel.as_str());
        }
        self.waits.wake(addressed, message.place.as_str());
        self.ring.push(Recent { message, frame, observed });
    }

    /// The message's frame for agents, and its frame for observers, who see a direct message's channel otherwise.
    fn frames(&mut self, message: &Message) -> (Frame, Frame) {
        let ts = self.stamper.written_of(message.ts);
        let frame = |viewer: Viewer<'_>| {
            let channel = view::channel_seen(&message.place, &message.sender, viewer);
            Frame::from(view::of(message, channel, ts).to_frame())
        };
        let observed = frame(Viewer::Observer);
        match message.receiver() {
            Some(receiver) => (frame(Viewer::Agent(receiver)), observed),
            None => (observed.clone(), observed),
        }
    }

    fn find_receivers(&self, message: &Message, addressed: &[String], receivers: &mut Vec<ConnectionIndex>) {
        let sender = self.known.roster.find(&message.sender);
        let mut in_channel = None;
        if let Place::Channel(channel) = &message.place {
            let others = |index: &&ConnectionIndex| self.known.links.connection(**index).agent_index() != sender;
            receivers.extend(self.known.links.members(channel.as_str()).iter().filter(others));
            in_channel = Some(channel.as_str());
        }
        for name in addressed {
            let Some(agent) = self.known.roster.find(name) else { continue };
            for index in self.known.links.connections_of(agent) {
                let is_member = in_channel.is_some_and(|channel| self.known.links.connection(*index).is_in(channel));
                if !is_member {
                    receivers.push(*index);
                }
            }
        }
    }

    fn stage_message(&mut self, index: ConnectionIndex, seq: Seq, frame: &Frame) {
        let connection = self.known.links.connection_mut(index);
        // A connection that is behind reads the message from the log.
        if connection.is_live && connection.stage_message(seq, frame) {
            self.touched.push(index);
        }
    }
}
