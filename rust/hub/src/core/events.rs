//! Frames about an agent, for observers and listening agents (sections 6 and 9).

use orochi_protocol::delivery::{PresenceChange, PresenceEvent, StatusEvent};
use orochi_protocol::request::EventKind;

use super::outcome::Event;
use super::router::Router;
use super::stamp::Stamper;
use crate::frame::Frame;
use crate::links::ConnectionIndex;
use crate::roster::Agent;

impl Router {
    /// Sends an event to observers and listening agents.
    pub(super) fn send_event(&mut self, event: Event) {
        let Event { agent, kind, frame } = event;
        let number = self.known.links.number_event(agent);
        for index in self.known.links.listeners(kind) {
            let connection = self.known.links.connection_mut(index);
            if connection.is_live && connection.outbox.is_full() {
                connection.leave_live();
                self.touched.push(index);
            }
            let connection = self.known.links.connection_mut(index);
            if connection.is_live {
                self.stage_reply(index, frame.clone());
            } else {
                // The connection gets the agent's state when it has caught up.
                connection.events_missed_from.get_or_insert(number);
            }
        }
    }

    /// Sends a connection that has caught up the present state of each agent that changed meanwhile.
    pub(super) fn send_missed_events(&mut self, index: ConnectionIndex) {
        let connection = self.known.links.connection_mut(index);
        let Some(from) = connection.events_missed_from.take() else { return };
        let wants_presence = connection.wants_event(EventKind::PresenceChange);
        let wants_status = connection.wants_event(EventKind::StatusUpdate);
        for agent in self.known.links.changed_since(from) {
            if wants_presence {
                let frame = event_frame(&mut self.stamper, EventKind::PresenceChange, self.known.roster.agent(agent));
                self.stage_reply(index, frame);
            }
            if wants_status {
                let frame = event_frame(&mut self.stamper, EventKind::StatusUpdate, self.known.roster.agent(agent));
                self.stage_reply(index, frame);
            }
        }
    }
}

/// Encodes an event about an agent.
pub(super) fn event_frame(stamper: &mut Stamper, kind: EventKind, agent: &Agent) -> Frame {
    match kind {
        EventKind::PresenceChange => presence_frame(stamper, agent),
        EventKind::StatusUpdate => status_frame(stamper, agent),
    }
}

/// The frame of an agent that came online or went offline.
fn presence_frame(stamper: &mut Stamper, agent: &Agent) -> Frame {
    let event = if agent.is_online() { PresenceEvent::Connected } else { PresenceEvent::Disconnected };
    let record = &agent.record;
    let change = PresenceChange {
        agent: &record.name,
        event,
        channels: record.channels.clone(),
        agent_id: &record.identity.agent_id,
        project: &record.identity.project,
    };
    stamper.frame("presence_change", &change)
}

/// The frame of an agent's status.
fn status_frame(stamper: &mut Stamper, agent: &Agent) -> Frame {
    let record = &agent.record;
    let status = StatusEvent {
        agent: &record.name,
        status: &record.status,
        current_task: &record.current_task,
        identity: &record.identity,
        progress: record.progress,
        reach: agent.reach(),
    };
    stamper.frame_from(&record.name, "status_update", &status)
}
