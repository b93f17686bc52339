//! The model: a list of messages, and a rule for each connection that decides which ones it gets.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

/// All agents.
pub const AGENTS: [&str; 3] = ["ann", "ben", "cem"];
/// All channels.
pub const CHANNELS: [&str; 3] = ["#x", "#y", "#z"];

#[derive(Debug, Clone)]
pub enum Command {
    Register {
        hub: usize,
        agent: usize,
        channels: Vec<usize>,
        resume: Resume,
    },
    Send {
        connection: usize,
        target: Target,
        mention: Option<usize>,
        id: Id,
    },
    Join {
        connection: usize,
        channel: usize,
    },
    Leave {
        connection: usize,
        channel: usize,
    },
    Seen {
        connection: usize,
        seq: u64,
    },
    Disconnect {
        connection: usize,
    },
    /// A hub stops and starts; its connections are gone.
    Restart {
        hub: usize,
        end: End,
    },
    /// A message is sent, and its hub is killed before it answers: the message is sent again by another hub.
    Cut {
        connection: usize,
        target: Target,
        mention: Option<usize>,
    },
}

/// The way in which a hub ends.
#[derive(Debug, Clone, Copy)]
pub enum End {
    Stop,
    Kill,
    /// Another hub says that it is gone, while it lives.
    Fence,
}

#[derive(Debug, Clone, Copy)]
pub enum Resume {
    Live,
    After(u64),
    Stored,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Channel(usize),
    Agent(usize),
}

/// The id of a message.
#[derive(Debug, Clone, Copy)]
pub enum Id {
    New,
    /// The id of this sender's last message, with the same content.
    Again,
    /// The id of this sender's last message, with other content.
    Reused,
}

/// The number of answers of each kind to a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Ack,
    MessageAck {
        seq: u64,
        duplicate: bool,
        delivery: BTreeMap<String, String>,
    },
    RegisterAck {
        seq: u64,
        cursor: Option<u64>,
        resumed: Option<bool>,
    },
    Error(&'static str),
    /// The message is in the log, once.
    Sent {
        seq: u64,
    },
    /// The step sends no request to the hub.
    Nothing,
}

pub fn resume() -> impl Strategy<Value = Resume> {
    prop_oneof![2 => Just(Resume::Live), 2 => (0..12_u64).prop_map(Resume::After), 2 => Just(Resume::Stored)]
}

pub fn target() -> impl Strategy<Value = Target> {
    prop_oneof![3 => (0..3_usize).prop_map(Target::Channel), 1 => (0..3_usize).prop_map(Target::Agent)]
}

pub fn id() -> impl Strategy<Value = Id> {
    prop_oneof![6 => Just(Id::New), 1 => Just(Id::Again), 1 => Just(Id::Reused)]
}

/// A message of the log. Its seq is its position in the list, from 1.
#[derive(Debug, Clone)]
struct Said {
    sender: usize,
    target: Target,
    mention: Option<usize>,
}

#[derive(Debug, Default, Clone)]
struct Agent {
    cursor: Option<u64>,
    first_head: u64,
}

/// A connection and the seqs that it must have received.
#[derive(Debug)]
pub struct Connection {
    pub hub: usize,
    pub agent: usize,
    channels: BTreeSet<usize>,
    pub expected: Vec<u64>,
}

#[derive(Debug)]
pub struct Model {
    hubs: usize,
    log: Vec<Said>,
    agents: BTreeMap<usize, Agent>,
    pub connections: Vec<Connection>,
    /// Each sender's last message, whose id can be used again.
    last: BTreeMap<usize, u64>,
}

impl Model {
    pub fn new(hubs: usize) -> Self {
        Self { hubs, log: Vec::new(), agents: BTreeMap::new(), connections: Vec::new(), last: BTreeMap::new() }
    }

    pub fn apply(&mut self, command: &Command) -> Answer {
        match command {
            Command::Register { hub, agent, channels, resume } => {
                self.register(*hub % self.hubs, *agent, channels, *resume)
            }
            Command::Send { connection, target, mention, id } => match self.at(*connection) {
                Some(at) => self.send(self.connections[at].agent, *target, *mention, *id),
                None => Answer::Nothing,
            },
            Command::Join { connection, channel } => self.with(*connection, |c| c.channels.insert(*channel)),
            Command::Leave { connection, channel } => self.with(*connection, |c| c.channels.remove(channel)),
            Command::Seen { connection, seq } => self.seen(*connection, *seq),
            Command::Disconnect { connection } => {
                if let Some(at) = self.at(*connection) {
                    self.connections.remove(at);
                }
                Answer::Nothing
            }
            Command::Restart { hub, .. } => {
                let hub = *hub % self.hubs;
                self.connections.retain(|connection| connection.hub != hub);
                Answer::Nothing
            }
            Command::Cut { connection, target, mention } => match self.at(*connection) {
                Some(at) => self.cut(at, *target, *mention),
                None => Answer::Nothing,
            },
        }
    }

    /// The connection for a step's number, among the present ones.
    pub fn at(&self, connection: usize) -> Option<usize> {
        connection.checked_rem(self.connections.len())
    }

    fn head(&self) -> u64 {
        self.log.len() as u64
    }

    fn with<T>(&mut self, connection: usize, change: impl FnOnce(&mut Connection) -> T) -> Answer {
        let Some(at) = self.at(connection) else { return Answer::Nothing };
        change(&mut self.connections[at]);
        Answer::Ack
    }

    fn cut(&mut self, at: usize, target: Target, mention: Option<usize>) -> Answer {
        let Connection { hub, agent, .. } = self.connections[at];
        self.connections.retain(|connection| connection.hub != hub);
        match self.send(agent, target, mention, Id::New) {
            Answer::MessageAck { seq, .. } => Answer::Sent { seq },
            other => other,
        }
    }

    fn register(&mut self, hub: usize, agent: usize, channels: &[usize], resume: Resume) -> Answer {
        let head = self.head();
        let known = self.agents.get(&agent).cloned();
        let (in_channels_after, addressed_after, resumed) = match (resume, &known) {
            (Resume::Live, _) => (head, head, None),
            (Resume::After(seq), _) if seq > head => return Answer::Error("RESUME_BEYOND"),
            (Resume::After(seq), _) => (seq, seq, Some(true)),
            (Resume::Stored, None) => (head, 0, Some(true)),
            (Resume::Stored, Some(Agent { cursor: Some(cursor), first_head })) => {
                ((*cursor).max(*first_head), *cursor, Some(true))
            }
            (Resume::Stored, Some(Agent { first_head, .. })) => (*first_head, 0, Some(true)),
        };
        let cursor = self.agents.entry(agent).or_insert(Agent { cursor: None, first_head: head }).cursor;
        let channels: BTreeSet<usize> = channels.iter().copied().collect();
        let expected = (1..=head).filter(|seq| {
            let said = &self.log[*seq as usize - 1];
            said.sender != agent
                && ((*seq > in_channels_after && said.is_in(&channels))
                    || (*seq > addressed_after && said.is_to(agent)))
        });
        let expected = expected.collect();
        self.connections.push(Connection { hub, agent, channels, expected });
        Answer::RegisterAck { seq: head, cursor, resumed }
    }

    fn send(&mut self, sender: usize, target: Target, mention: Option<usize>, id: Id) -> Answer {
        match (id, self.last.get(&sender).copied()) {
            (Id::Again, Some(seq)) => {
                let said = self.log[seq as usize - 1].clone();
                return Answer::MessageAck { seq, duplicate: true, delivery: self.delivery(&said) };
            }
            (Id::Reused, Some(_)) => return Answer::Error("ID_REUSED"),
            (Id::New | Id::Again | Id::Reused, _) => {}
        }
        if target == Target::Agent(sender) {
            return Answer::Error("INVALID_CHANNEL");
        }
        let said = Said { sender, target, mention };
        let delivery = self.delivery(&said);
        self.log.push(said.clone());
        let seq = self.head();
        self.last.insert(sender, seq);
        for connection in self.connections.iter_mut().filter(|connection| connection.agent != sender) {
            if said.is_in(&connection.channels) || said.is_to(connection.agent) {
                connection.expected.push(seq);
            }
        }
        Answer::MessageAck { seq, duplicate: false, delivery }
    }

    fn delivery(&self, said: &Said) -> BTreeMap<String, String> {
        let addressed = (0..AGENTS.len()).filter(|agent| said.is_to(*agent) && *agent != said.sender);
        let state = |agent: usize| match () {
            () if self.connections.iter().any(|connection| connection.agent == agent) => "online",
            () if self.agents.contains_key(&agent) => "offline",
            () => "unknown",
        };
        addressed.map(|agent| (AGENTS[agent].to_owned(), state(agent).to_owned())).collect()
    }

    fn seen(&mut self, connection: usize, seq: u64) -> Answer {
        let Some(at) = self.at(connection) else { return Answer::Nothing };
        if seq > self.head() {
            return Answer::Error("INVALID_FIELD");
        }
        let agent = self.agents.get_mut(&self.connections[at].agent).expect("it has registered");
        agent.cursor = agent.cursor.max(Some(seq));
        Answer::Ack
    }
}

impl Said {
    fn is_in(&self, channels: &BTreeSet<usize>) -> bool {
        matches!(self.target, Target::Channel(channel) if channels.contains(&channel))
    }

    /// Returns whether the message is addressed to the agent: a direct message, or a mention in a channel.
    fn is_to(&self, agent: usize) -> bool {
        match self.target {
            Target::Agent(target) => target == agent,
            Target::Channel(_) => self.mention == Some(agent),
        }
    }
}
