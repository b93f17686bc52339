//! Frames about an agent, for observers and listening agents (sections 6 and 9).

use orochi_protocol::delivery::{PresenceChange, PresenceEvent, StatusEvent};
use orochi_protocol::request::EventKind;

use super::stamp::Stamper;
use crate::frame::Frame;
use crate::roster::Agent;

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
