//! The newest messages in memory, encoded. A connection that has read the log to within this ring gets the rest from it
//! and goes live in the same step, so a busy hub can't outrun it for ever.

use std::collections::VecDeque;

use orochi_protocol::Seq;

use crate::delivery::interest::Interest;
use crate::frame::Frame;
use crate::store::Message;

/// Messages kept: three of the largest batches. One may be finished while a connection reads its last page, one may be
/// under way, and one is spare.
const MESSAGES_MAX: usize = 6 * 1024;
/// Bytes kept.
const BYTES_MAX: usize = 3 * 1024 * 1024;

/// The newest messages, in log order, without a gap up to the head.
#[derive(Debug)]
pub(crate) struct Ring {
    recent: VecDeque<Recent>,
    bytes: usize,
    /// Everything after this seq is in the ring.
    floor: Seq,
}

/// A message and its frames.
#[derive(Debug)]
pub(crate) struct Recent {
    /// The message, reduced to its seq and its receivers.
    pub message: Box<Message>,
    /// The frame for agents.
    pub frame: Frame,
    /// The frame for observers, to whom a direct message's channel is shown differently.
    pub observed: Frame,
}

impl Recent {
    fn bytes(&self) -> usize {
        self.frame.len() + self.message.mentions.len()
    }

    /// Returns the frame for a connection with this interest; None if the message is not for it.
    pub(crate) fn frame_for(&self, interest: &Interest) -> Option<&Frame> {
        let frame = match interest {
            Interest::Everything => &self.observed,
            Interest::Agent(_) => &self.frame,
        };
        interest.wants(&self.message).then_some(frame)
    }
}

impl Ring {
    /// An empty ring at the log's head.
    pub(crate) fn new(head: Seq) -> Self {
        Self { recent: VecDeque::new(), bytes: 0, floor: head }
    }

    /// Adds the newest message. Texts that do not decide its receivers are dropped: the frames have them.
    pub(crate) fn push(&mut self, mut recent: Recent) {
        let Message { id, content, metadata, extra, .. } = &mut *recent.message;
        (*id, *content, *metadata, *extra) = (String::new(), String::new(), String::new(), None);
        self.bytes += recent.bytes();
        self.recent.push_back(recent);
        while self.recent.len() > MESSAGES_MAX || self.bytes > BYTES_MAX {
            let Some(oldest) = self.recent.pop_front() else { break };
            self.bytes -= oldest.bytes();
            self.floor = oldest.message.seq;
        }
    }

    /// Returns the messages after `position`; None if some of them are only in the log.
    pub(crate) fn after(&self, position: Seq) -> Option<impl Iterator<Item = &Recent>> {
        let first = self.recent.partition_point(|recent| recent.message.seq <= position);
        (position >= self.floor).then(|| self.recent.range(first..))
    }
}
