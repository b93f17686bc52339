//! The real core and the real store, on a real file, driven by the model's commands without sockets; or several of
//! them that share a log.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use orochi_hub::parts::core::sim::World;
use orochi_hub::parts::core::{self, AgentAction, Command as CoreCommand, ConnectionId, Core, HubId, Writing};
use orochi_hub::parts::outbox::{Feed, Item, Next, Outbox};
use orochi_hub::parts::store::{Reads, Store};
use orochi_protocol::request::{self, Draft, Heartbeat, Register, Subscribe, Unsubscribe};
use orochi_protocol::{AgentName, ChannelName, Seq};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::digest;
use crate::frames;
use crate::model::{AGENTS, Answer, CHANNELS, Command, End, Id, Model, Resume, Target};

pub struct System {
    hubs: Vec<Hub>,
    /// The order that they share; None for a hub alone.
    world: Option<World>,
    /// The thread that writes the cores' batches.
    writing: Writing,
    connections: Vec<Connection>,
    /// Each sender's last message: its id, target and content.
    last: [Option<(String, Target, String)>; 3],
    requests: u64,
}

struct Hub {
    folder: TempDir,
    core: Core,
    /// Its number in the shared order.
    id: Option<HubId>,
}

struct Connection {
    hub: usize,
    id: ConnectionId,
    agent: usize,
    outbox: Arc<Outbox>,
    /// Seqs in the order of arrival.
    received: Vec<u64>,
    /// The connection resumes, so it gets `caught_up` once.
    resumes: bool,
    /// The seq in `caught_up`, and the number of messages received before it.
    caught_up: Option<(u64, usize)>,
}

impl System {
    pub fn start(writing: Writing) -> Self {
        let folder = TempDir::new().unwrap();
        let core = open_writing(&folder, writing);
        Self::new(vec![Hub { folder, core, id: None }], None, writing)
    }

    /// Hubs that share a log. What their files promise of a power cut is no part of this test: they are in memory where
    /// the system has such a place.
    pub fn start_shared(hubs: usize, seed: u64, writing: Writing) -> Self {
        let world = World::new(seed);
        let memory = Path::new("/dev/shm");
        let hub = |_| {
            let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap();
            let (core, id) = open_shared(&folder, &world, None, writing);
            Hub { folder, core, id: Some(id) }
        };
        let hubs = (0..hubs).map(hub).collect();
        Self::new(hubs, Some(world), writing)
    }

    fn new(hubs: Vec<Hub>, world: Option<World>, writing: Writing) -> Self {
        Self { hubs, world, writing, connections: Vec::new(), last: [None, None, None], requests: 0 }
    }

    pub fn hubs(&self) -> usize {
        self.hubs.len()
    }

    pub async fn stop(self) {
        for hub in self.hubs {
            hub.core.send(CoreCommand::Shutdown).await.unwrap();
            hub.core.stopped().await;
        }
    }

    /// All rosters, and what all files hold, are the same.
    pub async fn compare(&self) {
        self.flushed().await;
        let mut seen = Vec::new();
        for hub in &self.hubs {
            seen.push((hub.core.roster_text().await.unwrap(), digest::text(&hub.folder.path().join("orochi.db"))));
        }
        for (number, (roster, file)) in seen.iter().enumerate() {
            assert_eq!(roster, &seen[0].0, "the roster of hub {number}");
            assert_eq!(file, &seen[0].1, "the file of hub {number}");
        }
    }

    pub async fn apply(&mut self, command: &Command) -> Answer {
        let at = |connection: usize| connection.checked_rem(self.connections.len());
        match command {
            Command::Register { hub, agent, channels, resume } => {
                self.register(*hub % self.hubs.len(), *agent, channels, *resume).await
            }
            Command::Send { connection, target, mention, id } => match at(*connection) {
                Some(at) => self.send(at, *target, *mention, *id).await,
                None => Answer::Nothing,
            },
            Command::Join { connection, channel } => {
                self.act(at(*connection), AgentAction::Subscribe(Subscribe { channel: name(*channel) })).await
            }
            Command::Leave { connection, channel } => {
                self.act(at(*connection), AgentAction::Unsubscribe(Unsubscribe { channel: name(*channel) })).await
            }
            Command::Seen { connection, seq } => {
                self.act(
                    at(*connection),
                    AgentAction::Heartbeat(Heartbeat { seen: Seq::new(*seq), ..Heartbeat::default() }),
                )
                .await
            }
            Command::Disconnect { connection } => {
                if let Some(at) = at(*connection) {
                    let gone = self.connections.remove(at);
                    self.hubs[gone.hub].core.send(CoreCommand::Disconnect(gone.id)).await.unwrap();
                }
                Answer::Nothing
            }
            Command::Restart { hub, end } => {
                self.restart(*hub % self.hubs.len(), *end).await;
                Answer::Nothing
            }
            Command::Cut { connection, target, mention } => match at(*connection) {
                Some(at) => self.cut(at, *target, *mention).await,
                None => Answer::Nothing,
            },
        }
    }

    async fn restart(&mut self, hub: usize, end: End) {
        let Hub { core, id, .. } = &self.hubs[hub];
        match (&self.world, id, end) {
            (Some(world), Some(id), End::Kill) => world.kill(*id),
            (Some(_), Some(id), End::Fence) => {
                let other = &self.hubs[(hub + 1) % self.hubs.len()];
                other.core.send(CoreCommand::Fence(*id)).await.unwrap();
            }
            _ => core.send(CoreCommand::Shutdown).await.unwrap(),
        }
        core.stopped().await;
        self.connections.retain(|connection| connection.hub != hub);
        let Hub { folder, id, .. } = &self.hubs[hub];
        (self.hubs[hub].core, self.hubs[hub].id) = match &self.world {
            None => (open_writing(folder, self.writing), None),
            Some(world) => {
                let (core, id) = open_shared(folder, world, *id, self.writing);
                (core, Some(id))
            }
        };
        self.flushed().await;
    }

    /// The sender does not know what became of its message, and sends it again.
    async fn cut(&mut self, at: usize, target: Target, mention: Option<usize>) -> Answer {
        let Connection { hub, id: connection, agent: sender, .. } = self.connections[at];
        let (id, content) = self.text(mention);
        let draft = || Box::new(draft(target, &content));
        let action = AgentAction::Message(draft());
        self.hubs[hub].core.send(CoreCommand::Agent { connection, id: id.clone(), action }).await.unwrap();
        self.restart(hub, End::Kill).await;
        let other = self.hubs[(hub + 1) % self.hubs.len()].core.clone();
        let again = other.post(AgentName::parse(AGENTS[sender]).unwrap(), id.clone(), *draft()).await;
        match again {
            Ok(accepted) => {
                self.last[sender] = Some((id, target, content));
                Answer::Sent { seq: accepted.seq.get() }
            }
            Err(refusal) => known_error(refusal.code.as_str()),
        }
    }

    /// Checks that every connection received exactly the model's messages.
    pub async fn check(&mut self, model: &Model) {
        self.settle().await;
        self.check_sessions(model).await;
        for (connection, expected) in self.connections.iter().zip(&model.connections) {
            assert_eq!(connection.received, expected.expected, "what a connection of {} got", AGENTS[expected.agent]);
            assert_eq!(
                connection.caught_up.is_some(),
                connection.resumes,
                "whoever resumes is told when it has caught up"
            );
            if let Some((seq, came)) = connection.caught_up {
                let before = expected.expected.iter().filter(|expected| **expected <= seq).count();
                assert_eq!(came, before, "caught_up {seq} comes after what lies before its place");
            }
        }
    }

    /// Every hub knows the same connections.
    async fn check_sessions(&self, model: &Model) {
        for hub in &self.hubs {
            for row in hub.core.agents(true).await.unwrap() {
                let of_agent = model.connections.iter().filter(|connection| AGENTS[connection.agent] == row.name);
                assert_eq!(row.connections as usize, of_agent.count(), "the sessions of {}", row.name);
            }
        }
    }

    async fn register(&mut self, hub: usize, agent: usize, channels: &[usize], resume: Resume) -> Answer {
        let core = self.hubs[hub].core.clone();
        let id = core.new_connection();
        let outbox = Arc::new(Outbox::default());
        let register = Register {
            channels: Some(channels.iter().map(|channel| name(*channel)).collect()),
            resume: match resume {
                Resume::Live => None,
                Resume::After(seq) => Some(request::Resume::After(Seq::new(seq).unwrap())),
                Resume::Stored => Some(request::Resume::Stored),
            },
            ..Register::default()
        };
        let (answer, answered) = oneshot::channel();
        let command = CoreCommand::Register {
            connection: id,
            id: "register".to_owned(),
            name: AgentName::parse(AGENTS[agent]).unwrap(),
            register: Box::new(register),
            outbox: Arc::clone(&outbox),
            answer,
        };
        core.send(command).await.unwrap();
        let resumes = !matches!(resume, Resume::Live);
        let mut connection = Connection { hub, id, agent, outbox, received: Vec::new(), resumes, caught_up: None };
        let is_accepted = answered.await.unwrap();
        self.flushed().await;
        let reply = connection.take().expect("a register is answered first of all");
        if is_accepted {
            self.connections.push(connection);
        }
        reply
    }

    async fn send(&mut self, at: usize, target: Target, mention: Option<usize>, id: Id) -> Answer {
        let sender = self.connections[at].agent;
        let (new, text) = self.text(mention);
        let (id, target, content) = match (id, self.last[sender].clone()) {
            (Id::Again, Some(last)) => last,
            (Id::Reused, Some((id, target, _))) => (id, target, text),
            (Id::New | Id::Again | Id::Reused, _) => (new, target, text),
        };
        let draft = draft(target, &content);
        let answer = self.request(at, id.clone(), AgentAction::Message(Box::new(draft))).await;
        if matches!(answer, Answer::MessageAck { duplicate: false, .. }) {
            self.last[sender] = Some((id, target, content));
        }
        answer
    }

    /// The id and the content of another message.
    fn text(&mut self, mention: Option<usize>) -> (String, String) {
        self.requests += 1;
        let mention = mention.map_or(String::new(), |agent| format!("@{}", AGENTS[agent]));
        (format!("m-{}", self.requests), format!("{} {mention}", self.requests))
    }

    async fn act(&mut self, at: Option<usize>, action: AgentAction) -> Answer {
        let Some(at) = at else { return Answer::Nothing };
        self.requests += 1;
        self.request(at, format!("r-{}", self.requests), action).await
    }

    async fn request(&mut self, at: usize, id: String, action: AgentAction) -> Answer {
        let Connection { hub, id: connection, .. } = self.connections[at];
        self.hubs[hub].core.send(CoreCommand::Agent { connection, id, action }).await.unwrap();
        self.flushed().await;
        self.connections[at].take().expect("every request is answered")
    }

    /// Lets every connection read the log until it is live and its outbox is empty.
    async fn settle(&mut self) {
        self.flushed().await;
        for at in 0..self.connections.len() {
            let core = self.hubs[self.connections[at].hub].core.clone();
            while self.connections[at].read_log(&core).await {
                self.flushed().await;
            }
        }
    }

    /// The core hands frames over at the end of a turn, so the second answer comes from a later turn.
    async fn flushed(&self) {
        let ids: Vec<HubId> = self.hubs.iter().filter_map(|hub| hub.id).collect();
        self.barriers().await;
        // Of hubs that share a log, once each of them has read what the others took meanwhile.
        while let Some(world) = &self.world
            && !world.is_settled(&ids)
        {
            self.barriers().await;
        }
        if self.world.is_some() {
            self.barriers().await;
        }
    }

    async fn barriers(&self) {
        for hub in &self.hubs {
            hub.core.barrier().await.unwrap();
            hub.core.barrier().await.unwrap();
        }
    }
}

impl Connection {
    /// Takes the frames from the outbox. Returns the answer among them.
    fn take(&mut self) -> Option<Answer> {
        let mut items: Vec<Item> = Vec::new();
        self.outbox.take(&mut items);
        let mut answer = None;
        for item in items {
            let frame = frames::from_hub(item.frame.as_str());
            match item.seq {
                Some(seq) => self.received.push(seq.get()),
                None => {
                    if frame["type"] == "caught_up" {
                        let place = (frame["payload"]["seq"].as_u64().unwrap(), self.received.len());
                        assert_eq!(self.caught_up.replace(place), None, "caught_up came twice");
                    }
                    answer = answer.or(read_answer(&frame));
                }
            }
        }
        answer
    }

    /// Reads the log if the core requires it, as the connection's task does. Returns whether it did.
    async fn read_log(&mut self, core: &Core) -> bool {
        self.take();
        let Next::Read(position) = self.outbox.take(&mut Vec::new()) else { return false };
        let head = core.head();
        let Some(interest) = self.outbox.interest() else { return true };
        let seqs = core.reads().run(move |reader| {
            let mut seqs = Vec::new();
            reader.scan(position, head, |message| {
                seqs.extend(interest.wants(message).then_some(message.seq.get()));
                ControlFlow::Continue(())
            })?;
            Ok(seqs)
        });
        self.received.extend(seqs.await.unwrap());
        self.outbox.advance(head);
        self.outbox.set_feed(Feed::Asked);
        core.caught_up(self.id, head);
        true
    }
}

pub fn open(folder: &TempDir) -> Core {
    open_writing(folder, Writing::AsLoadHasIt)
}

pub fn open_writing(folder: &TempDir, writing: Writing) -> Core {
    let path = folder.path().join("orochi.db");
    let (store, loaded) = Store::open(&path).unwrap();
    let reads = Reads::open(&path, 1, loaded.legacy_head).unwrap();
    core::start_writing(store, loaded, reads, writing).unwrap().0
}

fn open_shared(folder: &TempDir, world: &World, previous: Option<HubId>, writing: Writing) -> (Core, HubId) {
    let path = folder.path().join("orochi.db");
    let opened = Store::open(&path).unwrap();
    let reads = Reads::open(&path, 1, opened.1.legacy_head).unwrap();
    let (core, _) = core::start_in(world, previous, opened, reads, writing).unwrap();
    (core, world.newest())
}

fn draft(target: Target, content: &str) -> Draft {
    let channel = match target {
        Target::Channel(channel) => CHANNELS[channel].to_owned(),
        Target::Agent(agent) => format!("@{}", AGENTS[agent]),
    };
    Draft::new(orochi_protocol::Target::parse(&channel).unwrap(), content.to_owned()).unwrap()
}

fn known_error(code: &str) -> Answer {
    let codes = ["INVALID_FIELD", "INVALID_CHANNEL", "ID_REUSED", "RESUME_BEYOND"];
    Answer::Error(codes.into_iter().find(|known| *known == code).unwrap_or("another"))
}

fn name(channel: usize) -> ChannelName {
    ChannelName::parse(CHANNELS[channel]).unwrap()
}

fn read_answer(frame: &Value) -> Option<Answer> {
    let payload = &frame["payload"];
    match frame["type"].as_str().unwrap() {
        "error" => Some(known_error(payload["code"].as_str().unwrap())),
        "ack" if payload["epoch"].is_string() => Some(Answer::RegisterAck {
            seq: payload["seq"].as_u64().unwrap(),
            cursor: payload["cursor"].as_u64(),
            resumed: payload["resumed"].as_bool(),
        }),
        "ack" if payload["delivery"].is_object() => Some(Answer::MessageAck {
            seq: payload["seq"].as_u64().unwrap(),
            duplicate: payload["duplicate"].as_bool().unwrap_or(false),
            delivery: serde_json::from_value(payload["delivery"].clone()).unwrap(),
        }),
        "ack" => Some(Answer::Ack),
        _ => None,
    }
}
