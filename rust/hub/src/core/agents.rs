//! What registered agents ask besides joining: messages are passed on, heartbeats, status, channels are
//! dealt with here; and the events that tell others of it (sections 5, 6 and 9).

use axum::extract::ws::Utf8Bytes;
use orochi_protocol::delivery::{PresenceChange, PresenceEvent, StatusEvent};
use orochi_protocol::reply::{Ack, Ok as AckStatus, SubscribeAck};
use orochi_protocol::request::{EventKind, StatusUpdate};
use orochi_protocol::{ErrorCode, Refusal, Seq};

use super::{AfterCommit, AgentAction, Command, CoreThread, shutting_down};
use crate::registry::{AgentIndex, ConnectionId, ConnectionIndex};

impl CoreThread {
    pub(super) fn apply_action(&mut self, connection: ConnectionId, id: String, action: AgentAction) {
        // A connection that is gone, or was replaced, has nobody to answer.
        let Some(index) = self.registry.find_connection(connection) else { return };
        let Some(agent) = self.registry.connection(index).agent_index() else { return };
        let done = match action {
            AgentAction::Message(draft) => {
                let sender = self.registry.agent(agent).record.name.clone();
                return self.collect_message(connection, &sender, id, *draft);
            }
            AgentAction::Subscribe(channel) => {
                self.commit();
                match self.subscribe(index, channel.as_str()) {
                    Ok(()) => return self.ack_subscribe(index, &id),
                    Err(refusal) => Err(refusal),
                }
            }
            AgentAction::Unsubscribe(channel) => {
                self.commit();
                self.unsubscribe(index, channel.as_str())
            }
            AgentAction::Heartbeat { seen } => return self.heartbeat(index, agent, id, seen),
            AgentAction::Status(update) => {
                self.update_status(agent, *update);
                Ok(())
            }
        };
        match done {
            Ok(()) => self.ack(index, &id),
            Err(refusal) => self.refuse(index, &refusal, Some(&id)),
        }
    }

    fn heartbeat(&mut self, index: ConnectionIndex, agent: AgentIndex, id: String, seen: Option<Seq>) {
        let now = self.stamper.now();
        self.registry.touch(agent, now);
        let Some(seen) = seen else { return self.ack(index, &id) };
        if let Err(refusal) = self.check_within_log("seen", seen) {
            return self.refuse(index, &refusal, Some(&id));
        }
        if self.registry.agent(agent).record.cursor.is_none_or(|cursor| seen > cursor) {
            self.registry.agent_mut(agent).record.cursor = Some(seen);
        }
        // Its ack says that the cursor is on disk.
        self.after_commit.push(AfterCommit { connection: index, id });
    }

    fn update_status(&mut self, agent: AgentIndex, update: StatusUpdate) {
        let now = self.stamper.now();
        self.registry.agent_mut(agent).update_status(update, now);
        let number = self.registry.next_event();
        self.registry.agent_entry(agent).last_event = number;
        let frame = self.status_frame(agent);
        self.send_event(EventKind::StatusUpdate, number, &frame);
    }

    /// Tells observers and listening agents that an agent came or went.
    pub(super) fn announce_presence(&mut self, agent: AgentIndex) {
        let number = self.registry.next_event();
        self.registry.agent_entry(agent).last_event = number;
        let frame = self.presence_frame(agent);
        self.send_event(EventKind::PresenceChange, number, &frame);
    }

    fn send_event(&mut self, kind: EventKind, number: u64, frame: &Utf8Bytes) {
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
                let frame = self.presence_frame(agent);
                self.stage_reply(index, frame);
            }
            if wants_status {
                let frame = self.status_frame(agent);
                self.stage_reply(index, frame);
            }
        }
    }

    fn presence_frame(&mut self, agent: AgentIndex) -> Utf8Bytes {
        let agent = self.registry.agent(agent);
        let event = if agent.is_online() { PresenceEvent::Connected } else { PresenceEvent::Disconnected };
        let record = &agent.record;
        let change = PresenceChange {
            agent: &record.name,
            event,
            channels: record.channels.clone(),
            agent_id: &record.agent_id,
            project: &record.project,
        };
        self.stamper.frame("presence_change", &change)
    }

    fn status_frame(&mut self, agent: AgentIndex) -> Utf8Bytes {
        let record = &self.registry.agent(agent).record;
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
        };
        self.stamper.frame_from(&record.name, "status_update", &status)
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
            Command::Observe { answer, .. } => {
                let _ = answer.send(Err(refusal));
            }
            // Whoever waits for one of these finds its answer's channel closed, which says the same.
            Command::Presence { .. }
            | Command::BeginCall { .. }
            | Command::EndCall { .. }
            | Command::EndSession { .. }
            | Command::Barrier(_)
            | Command::LookUp
            | Command::Receipts { .. }
            | Command::CaughtUp { .. }
            | Command::ResetWal(_)
            | Command::Probe(_)
            | Command::Disconnect(_)
            | Command::Shutdown => {}
        }
    }
}

/// The refusal of a request that only an agent can make.
pub fn not_registered(what: &str) -> Refusal {
    Refusal::new(ErrorCode::NotRegistered, format!("{what} needs a register on this connection first"))
}
