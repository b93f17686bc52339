//! Replies to registered agents, and the events that tell others of them (sections 5, 6 and 9).

use axum::extract::ws::Utf8Bytes;
use orochi_protocol::delivery::{PresenceChange, PresenceEvent, StatusEvent};
use orochi_protocol::reply::{Ack, Ok as AckStatus, SubscribeAck};
use orochi_protocol::request::{EventKind, Heartbeat};
use orochi_protocol::{ErrorCode, Refusal};

use super::entry::{Change, ChangeKind, Event};
use super::stamp::Stamper;
use super::{Command, CoreThread, shutting_down};
use crate::registry::{Agent, ConnectionIndex};

impl CoreThread {
    /// After the commit: the connection changes, and its request is answered.
    pub(super) fn finish_change(&mut self, change: Change, refusal: Option<&Refusal>) {
        let Change { connection, id, kind, outcome } = change;
        let Some(index) = self.registry.find_connection(connection) else { return };
        self.registry.connection_mut(index).answered += 1;
        let event = match outcome {
            Some(Ok(event)) => event,
            Some(Err(refused)) => return self.refuse(index, &refused, Some(&id)),
            None => return,
        };
        match kind {
            ChangeKind::Join(channel) => {
                self.registry.join(index, channel.as_str(), self.head);
                return self.ack_subscribe(index, &id);
            }
            ChangeKind::Leave(channel) => self.registry.leave(index, channel.as_str(), self.head),
            ChangeKind::Alive(Heartbeat { seen, .. }) => {
                // Its ack would say that the cursor is on disk.
                if let (Some(_), Some(refusal)) = (seen, refusal) {
                    return self.refuse(index, refusal, Some(&id));
                }
            }
            ChangeKind::Status(_) => {}
        }
        if let Some(event) = event {
            self.send_event(event);
        }
        self.ack(index, &id);
    }

    /// Tells observers and listening agents what happened to an agent.
    pub(super) fn send_event(&mut self, event: Event) {
        let Event { agent, kind, frame } = event;
        let number = self.registry.number_event(agent);
        for index in self.registry.listeners(kind) {
            let connection = self.registry.connection_mut(index);
            if connection.is_live && connection.outbox.is_full() {
                connection.leave_live();
                self.touched.push(index);
            }
            let connection = self.registry.connection_mut(index);
            if connection.is_live {
                self.stage_reply(index, frame.clone());
            } else {
                // It is told of the agent's state when it has caught up.
                connection.events_missed_from.get_or_insert(number);
            }
        }
    }

    /// Tells a connection that has caught up how the agents are that changed meanwhile.
    pub(super) fn send_missed_events(&mut self, index: ConnectionIndex) {
        let connection = self.registry.connection_mut(index);
        let Some(from) = connection.events_missed_from.take() else { return };
        let wants_presence = connection.wants_event(EventKind::PresenceChange);
        let wants_status = connection.wants_event(EventKind::StatusUpdate);
        for agent in self.registry.changed_since(from) {
            if wants_presence {
                let frame = presence_frame(&mut self.stamper, self.registry.roster.agent(agent));
                self.stage_reply(index, frame);
            }
            if wants_status {
                let frame = status_frame(&mut self.stamper, self.registry.roster.agent(agent));
                self.stage_reply(index, frame);
            }
        }
    }

    /// Stages the plain ack of the request `id`.
    pub(super) fn ack(&mut self, index: ConnectionIndex, id: &str) {
        let frame = self.stamper.frame("ack", &Ack { status: AckStatus::Ok, r#ref: id });
        self.stage_reply(index, frame);
    }

    fn ack_subscribe(&mut self, index: ConnectionIndex, id: &str) {
        let ack = SubscribeAck { status: AckStatus::Ok, r#ref: id, seq: self.head };
        let frame = self.stamper.frame("ack", &ack);
        self.stage_reply(index, frame);
    }

    /// Stages the refusal of the request `id`.
    pub(super) fn refuse(&mut self, index: ConnectionIndex, refusal: &Refusal, id: Option<&str>) {
        let frame = self.stamper.error(refusal, id);
        self.stage_reply(index, frame);
    }

    pub(super) fn stage_reply(&mut self, index: ConnectionIndex, frame: Utf8Bytes) {
        if self.registry.connection_mut(index).stage_reply(frame) {
            self.touched.push(index);
        }
    }

    /// Answers a command that came too late: the hub is stopping.
    pub(super) fn refuse_stopping(&mut self, command: Command) {
        let refusal = shutting_down();
        match command {
            Command::Agent { connection, id, .. } => {
                if let Some(index) = self.registry.find_connection(connection) {
                    self.refuse(index, &refusal, Some(&id));
                }
            }
            Command::Register { id, outbox, .. } => {
                outbox.reply(self.stamper.error(&refusal, Some(&id)));
                outbox.close(orochi_protocol::CloseCode::GoingAway);
            }
            Command::Post { answer, .. } => {
                let _ = answer.send(Err(refusal));
            }
            Command::Observe { answer, .. } | Command::Named { answer, .. } => {
                let _ = answer.send(Err(refusal));
            }
            Command::Reply { connection, frames } => {
                if let Some(index) = self.registry.find_connection(connection) {
                    frames.into_iter().for_each(|frame| self.stage_reply(index, frame));
                }
            }
            // Whoever waits for one of these finds its answer's channel closed, which says the same.
            Command::Presence { .. }
            | Command::BeginCall { .. }
            | Command::EndCall { .. }
            | Command::EndSession { .. }
            | Command::Barrier(_)
            | Command::LookUp
            | Command::Written
            | Command::Receipts { .. }
            | Command::ResetWal(_)
            | Command::Probe(_)
            | Command::Unattend(_)
            | Command::Disconnect(_)
            | Command::Shutdown => {}
        }
    }
}

/// The refusal of a request that only an agent can make.
pub fn not_registered(what: &str) -> Refusal {
    Refusal::new(ErrorCode::NotRegistered, format!("{what} needs a register on this connection first"))
}

/// What others are told of an agent that came or went.
pub(super) fn presence_frame(stamper: &mut Stamper, agent: &Agent) -> Utf8Bytes {
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
pub(super) fn status_frame(stamper: &mut Stamper, agent: &Agent) -> Utf8Bytes {
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
