//! One agent: its record and its sessions.

use std::collections::BTreeSet;

use orochi_protocol::request::{Register, StatusUpdate};
use orochi_protocol::{Identity, Reach, Seq, Timestamp};
use serde::{Deserialize, Serialize};

use super::{HubId, SessionId};
use crate::store::AgentRecord;
use crate::store::states::{HUB_DOWN, LOST, OFFLINE, is_work};

/// The identity fields that a registering connection may overwrite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The agent was offline: all fields are replaced.
    First,
    /// The agent's only connection registers again: empty fields leave the known values.
    Renewal,
    /// The agent has other connections: only unset fields are filled. A command that runs briefly under the agent's
    /// name, on another machine for example, must not change what others see.
    OneOfMany,
}

/// An agent that has registered at least once.
#[derive(Debug)]
pub(crate) struct Agent {
    /// The stored part, which survives restarts.
    pub record: AgentRecord,
    /// Its sessions; the agent is online while it has one.
    pub sessions: Vec<Session>,
    /// The end of its last session.
    away: Away,
    /// The cursor that is on disk. Only this one is shown to others.
    pub(super) stored_cursor: Option<Seq>,
}

/// The way in which an agent without sessions left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Away {
    /// It closed its connection properly, or was never connected.
    Left,
    /// Its connection broke without a close frame.
    Vanished,
    /// Its hub ended at this time.
    HubGone(Timestamp),
    /// The log was closed while it was online: its hub is gone, but the log does not say so yet.
    Open,
}

/// A registered connection, or a request that waits over HTTP.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    pub id: SessionId,
    pub channels: BTreeSet<String>,
    /// The reach that it reported.
    pub reach: Reach,
    /// The agent was shown everything up to this seq.
    pub offered: Seq,
    /// True for a request that waits over HTTP.
    pub attends: bool,
}

/// The way in which a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goodbye {
    /// On purpose: by a close frame, by a replacement, or as the end of a wait over HTTP.
    Said,
    /// Without a close frame: its process died, or its network broke.
    Missing,
}

impl Agent {
    /// An agent as loaded from the log: its record and its last state.
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

    /// True if it has a session.
    pub(crate) fn is_online(&self) -> bool {
        !self.sessions.is_empty()
    }

    /// Its state: its status, or the way in which it left.
    pub(crate) fn state(&self) -> &str {
        match self.away {
            _ if self.is_online() => &self.record.status,
            Away::Vanished if is_work(&self.record.status) => LOST,
            Away::HubGone(_) => HUB_DOWN,
            Away::Left | Away::Vanished | Away::Open => OFFLINE,
        }
    }

    /// The beginning of its state, if it is not the time of the entry.
    pub(super) fn state_since(&self) -> Option<Timestamp> {
        match self.away {
            Away::HubGone(since) if !self.is_online() => Some(since),
            Away::Left | Away::Vanished | Away::HubGone(_) | Away::Open => None,
        }
    }

    /// Its reach: the best of its sessions; None without any.
    pub(crate) fn reach(&self) -> Option<Reach> {
        self.sessions.iter().map(|session| session.reach).min()
    }

    /// The agent was shown everything up to this seq. Messages shown by a session that has ended are shown again.
    pub(crate) fn offered(&self) -> Seq {
        self.sessions.iter().map(|session| session.offered).max().unwrap_or_default()
    }

    pub(super) fn session_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        self.sessions.iter_mut().find(|session| session.id == id)
    }

    /// Ends a session. The channels of the last session stay in the record.
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

    /// True if it has sessions of this hub, or was online when the log was closed.
    pub(super) fn is_of_hub(&self, hub: HubId) -> bool {
        self.away == Away::Open && !self.is_online() || self.sessions.iter().any(|session| session.id.hub == hub)
    }

    /// Ends the sessions of a hub that was alive until `at`.
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

    /// Writes the channels of all sessions to the record, in order. Returns true if they changed.
    pub(super) fn keep_channels(&mut self) -> bool {
        let channels: BTreeSet<&String> = self.sessions.iter().flat_map(|session| &session.channels).collect();
        if channels.iter().copied().eq(&self.record.channels) {
            return false;
        }
        self.record.channels = channels.into_iter().cloned().collect();
        true
    }

    /// Keeps the channels of a register for the name's later connections, each with messages after `since`. A register
    /// without channels changes nothing: commands that run briefly under an agent's name are in no channel.
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

    /// Keeps one channel, or removes it if `since` is None. A channel that another session is in stays.
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

    /// Takes over a register's identity fields, as far as `standing` allows.
    pub(crate) fn introduce(&mut self, register: &Register, standing: Standing, now: Timestamp) {
        let record = &mut self.record;
        for (known, said) in record.identity.texts_mut().into_iter().zip(register.identity.texts()) {
            let is_replaced = match standing {
                Standing::First => true,
                Standing::Renewal => !said.is_empty(),
                Standing::OneOfMany => known.is_empty(),
            };
            if is_replaced {
                known.clone_from(said);
            }
        }
        if record.identity.agent_id.is_empty() {
            record.identity.agent_id = default_agent_id(&record.name, &record.identity.machine);
        }
        record.last_seen = now;
        if matches!(standing, Standing::First) {
            record.registered_at = now;
        }
    }

    /// Clears the status: a new session starts without the last one's.
    pub(crate) fn reset_status(&mut self) {
        "online".clone_into(&mut self.record.status);
        self.record.current_task.clear();
        self.record.progress = None;
    }

    /// Applies a status update.
    pub(crate) fn update_status(&mut self, update: StatusUpdate, now: Timestamp) {
        let record = &mut self.record;
        let set = |field: &mut String, value: Option<String>| {
            if let Some(value) = value {
                *field = value;
            }
        };
        set(&mut record.status, update.status);
        set(&mut record.current_task, update.current_task);
        record.identity.update(update.identity);
        if let Some(progress) = update.progress {
            record.progress = progress;
        }
        record.last_seen = now;
    }
}

/// Creates the record of an agent that registers for the first time, when the log's head is `head`.
pub(super) fn new_record(name: &str, head: Seq, now: Timestamp) -> AgentRecord {
    AgentRecord {
        name: name.to_owned(),
        identity: Identity::default(),
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
