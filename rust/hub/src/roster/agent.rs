//! One agent: what is kept of it, and its sessions.

use std::collections::BTreeSet;

use orochi_protocol::request::{Register, StatusUpdate};
use orochi_protocol::{Reach, Seq, Timestamp};
use serde::{Deserialize, Serialize};

use super::{HubId, SessionId};
use crate::store::AgentRecord;
use crate::store::states::{HUB_DOWN, LOST, OFFLINE, is_work};

/// What a register's connection is to its agent: how much it may change of what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The agent was offline: what was known of it is replaced.
    First,
    /// The agent's only connection registers again: what it does not say stays.
    Renewal,
    /// The agent has other connections: what they said stays. A command that is run for a moment under a running
    /// agent's name, on another machine say, must not change what others see of it.
    OneOfMany,
}

/// An agent that has registered at least once.
#[derive(Debug)]
pub struct Agent {
    /// What is kept over restarts.
    pub record: AgentRecord,
    /// Its connections' sessions; it is online while it has one.
    pub sessions: Vec<Session>,
    /// How its last session ended.
    away: Away,
    /// The cursor that is on disk: what others are told of it.
    pub(super) stored_cursor: Option<Seq>,
}

/// How an agent without sessions went away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Away {
    /// It said goodbye, or never was there.
    Left,
    /// It did not say goodbye.
    Vanished,
    /// Its hub was gone at this time.
    HubGone(Timestamp),
    /// The log was closed while it was online: its hub is gone, which the log does not say yet.
    Open,
}

/// One registered connection.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Session {
    /// Its number.
    pub id: SessionId,
    /// The channels that it is in.
    pub channels: BTreeSet<String>,
    /// How messages reach the agent behind it.
    pub reach: Reach,
    /// Everything up to here was put before the agent.
    pub offered: Seq,
    /// Whether it is of somebody who waits over HTTP, and no connection.
    pub attends: bool,
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goodbye {
    /// With a close frame: its agent left, or was told to.
    Said,
    /// Without one: its process died, or its network broke.
    Missing,
}

impl Agent {
    /// An agent as the log knows it: its record, and the state that was written last.
    pub(super) fn new(record: AgentRecord, state: &str) -> Self {
        let stored_cursor = record.cursor;
        let away = match state {
            OFFLINE => Away::Left,
            LOST => Away::Vanished,
            HUB_DOWN => Away::HubGone(record.last_seen),
            _ => Away::Open,
        };
        Self { record, sessions: Vec::new(), away, stored_cursor }
    }

    /// Whether it has a connection.
    pub fn is_online(&self) -> bool {
        !self.sessions.is_empty()
    }

    /// Its state: what it says it is doing, or how it is away.
    pub fn state(&self) -> &str {
        match self.away {
            _ if self.is_online() => &self.record.status,
            Away::Vanished if is_work(&self.record.status) => LOST,
            Away::HubGone(_) => HUB_DOWN,
            Away::Left | Away::Vanished | Away::Open => OFFLINE,
        }
    }

    /// Since when it is in its state, where that is known from elsewhere than the clock.
    pub(super) fn state_since(&self) -> Option<Timestamp> {
        match self.away {
            Away::HubGone(since) if !self.is_online() => Some(since),
            Away::Left | Away::Vanished | Away::HubGone(_) | Away::Open => None,
        }
    }

    /// How messages reach it: the best of its sessions; None where it has none.
    pub fn reach(&self) -> Option<Reach> {
        self.sessions.iter().map(|session| session.reach).min()
    }

    /// Everything up to here was put before it. What a session that has ended was offered is offered again.
    pub fn offered(&self) -> Seq {
        self.sessions.iter().map(|session| session.offered).max().unwrap_or_default()
    }

    pub(super) fn session_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        self.sessions.iter_mut().find(|session| session.id == id)
    }

    /// Ends a session. What an agent without any was in stays in its record.
    pub(super) fn end_session(&mut self, id: SessionId, goodbye: Goodbye) {
        self.sessions.retain(|session| session.id != id);
        self.away = match goodbye {
            Goodbye::Said => Away::Left,
            Goodbye::Missing => Away::Vanished,
        };
        if self.is_online() {
            self.keep_channels();
        }
    }

    /// Whether it has sessions of this hub, or was online when the log was closed.
    pub(super) fn is_of_hub(&self, hub: HubId) -> bool {
        self.away == Away::Open && !self.is_online() || self.sessions.iter().any(|session| session.id.hub == hub)
    }

    /// Ends the sessions that a hub had, which was alive until `at`.
    pub(super) fn end_hub(&mut self, hub: HubId, at: Timestamp) {
        if self.is_online() {
            self.record.last_seen = self.record.last_seen.max(at);
        }
        self.sessions.retain(|session| session.id.hub != hub);
        if self.is_online() {
            self.keep_channels();
        } else {
            self.away = Away::HubGone(at);
        }
    }

    /// Keeps the channels of all sessions in the record, in order; true where they changed.
    pub(super) fn keep_channels(&mut self) -> bool {
        let channels: BTreeSet<&String> = self.sessions.iter().flat_map(|session| &session.channels).collect();
        if channels.iter().copied().eq(&self.record.channels) {
            return false;
        }
        self.record.channels = channels.into_iter().cloned().collect();
        true
    }

    /// Keeps the channels that a register names for the name's next connections, with messages after `since`. None
    /// named is no choice: commands that are run for a moment under an agent's name are in no channel.
    pub(super) fn keep_membership(&mut self, named: &[String], since: impl Fn(&str) -> Seq, standing: Standing) {
        if named.is_empty() {
            return;
        }
        let kept = self.record.kept.get_or_insert_default();
        if standing != Standing::OneOfMany {
            kept.retain(|channel, _| named.contains(channel));
        }
        for channel in named {
            kept.entry(channel.clone()).or_insert_with(|| since(channel));
        }
    }

    /// Keeps one channel, or no longer. One that another session is in stays.
    pub(super) fn keep_channel(&mut self, channel: &str, since: Option<Seq>) {
        match since {
            Some(since) => {
                self.record.kept.get_or_insert_default().entry(channel.to_owned()).or_insert(since);
            }
            None if self.sessions.iter().any(|session| session.channels.contains(channel)) => {}
            None => {
                self.record.kept.get_or_insert_default().remove(channel);
            }
        }
    }

    /// Takes over what a register says of the agent, as far as the connection's standing allows.
    pub fn introduce(&mut self, register: &Register, standing: Standing, now: Timestamp) {
        let record = &mut self.record;
        let set = |field: &mut String, value: &str| {
            let takes = match standing {
                Standing::First => true,
                Standing::Renewal => !value.is_empty(),
                Standing::OneOfMany => field.is_empty(),
            };
            if takes {
                value.clone_into(field);
            }
        };
        set(&mut record.machine, &register.machine);
        set(&mut record.role, &register.role);
        set(&mut record.model, &register.model);
        set(&mut record.project, &register.project);
        set(&mut record.agent_id, &register.agent_id);
        if record.agent_id.is_empty() {
            record.agent_id = default_agent_id(&record.name, &record.machine);
        }
        record.last_seen = now;
        if matches!(standing, Standing::First) {
            record.registered_at = now;
        }
    }

    /// A new session starts without the last one's status.
    pub fn reset_status(&mut self) {
        "online".clone_into(&mut self.record.status);
        self.record.current_task.clear();
        self.record.progress = None;
    }

    /// Takes over what the agent says it is doing.
    pub fn update_status(&mut self, update: StatusUpdate, now: Timestamp) {
        let record = &mut self.record;
        let set = |field: &mut String, value: Option<String>| {
            if let Some(value) = value {
                *field = value;
            }
        };
        set(&mut record.status, update.status);
        set(&mut record.current_task, update.current_task);
        set(&mut record.machine, update.machine);
        set(&mut record.role, update.role);
        set(&mut record.project, update.project);
        set(&mut record.agent_id, update.agent_id);
        set(&mut record.model, update.model);
        if let Some(progress) = update.progress {
            record.progress = progress;
        }
        record.last_seen = now;
    }
}

/// The record of an agent that registers for the first time, when the log's head is `head`.
pub(super) fn new_record(name: &str, head: Seq, now: Timestamp) -> AgentRecord {
    AgentRecord {
        name: name.to_owned(),
        machine: String::new(),
        role: String::new(),
        model: String::new(),
        agent_id: String::new(),
        project: String::new(),
        status: "online".to_owned(),
        current_task: String::new(),
        progress: None,
        channels: Vec::new(),
        kept: None,
        cursor: None,
        first_head: head,
        first_seen: now,
        registered_at: now,
        last_seen: now,
    }
}

fn default_agent_id(name: &str, machine: &str) -> String {
    if machine.is_empty() { name.to_owned() } else { format!("{name}@{machine}") }
}
