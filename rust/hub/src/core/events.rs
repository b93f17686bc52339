//! What observers and listening agents are told of an agent, as frames (sections 6 and 9).

use axum::extract::ws::Utf8Bytes;
use orochi_protocol::delivery::{PresenceChange, PresenceEvent, StatusEvent};
use orochi_protocol::request::EventKind;

use super::stamp::Stamper;
use crate::roster::Agent;

/// What others are told of an agent.
pub(super) fn event_frame(stamper: &mut Stamper, kind: EventKind, agent: &Agent) -> Utf8Bytes {
    match kind {
        EventKind::PresenceChange => presence_frame(stamper, agent),
        EventKind::StatusUpdate => status_frame(stamper, agent),
    }
}

/// What others are told of an agent that came or went.
fn presence_frame(stamper: &mut Stamper, agent: &Agent) -> Utf8Bytes {
    let event = if agent.is_online() { PresenceEvent::Connected } else { PresenceEvent::Disconnected };
    let record = &agent.record;
    let change = PresenceChange {
        agent: &record.name,
        event,
        channels: record.channels.clone(),
        agent_id: &record.agent_id,
        project: &record.project,
    };
    stamper.frame("presence_change", &change)
}

/// What others are told of what an agent is doing.
fn status_frame(stamper: &mut Stamper, agent: &Agent) -> Utf8Bytes {
    let record = &agent.record;
    let status = StatusEvent {
        agent: &record.name,
        status: &record.status,
        current_task: &record.current_task,
        machine: &record.machine,
        role: &record.role,
        agent_id: &record.agent_id,
        project: &record.project,
        model: &record.model,
        progress: record.progress,
        reach: agent.reach(),
    };
    stamper.frame_from(&record.name, "status_update", &status)
}
