//! The real core and the real store, on a real file, driven by the model's commands without sockets.

use std::ops::ControlFlow;
use std::sync::Arc;

use orochi_hub::core::{self, AgentAction, Command as CoreCommand, ConnectionId, Core, Writing};
use orochi_hub::delivery::outbox::{Feed, Item, Next, Outbox};
use orochi_hub::store::{Reads, Store};
use orochi_protocol::request::{self, Draft, Heartbeat, Register};
use orochi_protocol::{AgentName, ChannelName, Seq};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::frames;
use crate::model::{AGENTS, Answer, CHANNELS, Command, Id, Model, Resume, Target};

pub struct System {
    folder: TempDir,
    /// The thread that commits batches.
    writing: Writing,
    core: Core,
    connections: Vec<Connection>,
    /// Each sender's last message: its id, target and content.
    last: [Option<(String, Target, String)>; 3],
    requests: u64,
}

struct Connection {
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
    pub async fn start(writing: Writing) -> Self {
        let folder = TempDir::new().unwrap();
        let core = open_writing(&folder, writing);
        Self { folder, writing, core, connections: Vec::new(), last: [None, None, None], requests: 0 }
    }

    pub async fn stop(self) {
        self.core.send(CoreCommand::Shutdown).await.unwrap();
        self.core.stopped().await;
    }

    pub async fn apply(&mut self, command: &Command) -> Answer {
        let at = |connection: usize| connection.checked_rem(self.connections.len());
        match command {
            Command::Register { agent, channels, resume } => self.register(*agent, channels, *resume).await,
            Command::Send { connection, target, mention, id } => match at(*connection) {
                Some(at) => self.send(at, *target, *mention, *id).await,
                None => Answer::Nothing,
            },
            Command::Join { connection, channel } => {
                self.act(at(*connection), AgentAction::Subscribe(name(*channel))).await
            }
            Command::Leave { connection, channel } => {
                self.act(at(*connection), AgentAction::Unsubscribe(name(*channel))).await
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
                    self.core.send(CoreCommand::Disconnect(gone.id)).await.unwrap();
                }
                Answer::Nothing
            }
            Command::Restart => {
                self.core.send(CoreCommand::Shutdown).await.unwrap();
                self.core.stopped().await;
                self.connections.clear();
                self.core = open_writing(&self.folder, self.writing);
                Answer::Nothing
            }
        }
    }

    /// Checks that every connection received exactly the model's messages.
    pub async fn check(&mut self, model: &Model) {
        self.settle().await;
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

    async fn register(&mut self, agent: usize, channels: &[usize], resume: Resume) -> Answer {
        let id = self.core.new_connection();
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
        self.core.send(command).await.unwrap();
        let resumes = !matches!(resume, Resume::Live);
        let mut connection = Connection { id, agent, outbox, received: Vec::new(), resumes, caught_up: None };
        let is_accepted = answered.await.unwrap();
        self.flushed().await;
        let reply = connection.take().expect("a register is answered first of all");
        if is_accepted {
            self.connections.push(connection);
        }
        reply
    }

    async fn send(&mut self, at: usize, target: Target, mention: Option<usize>, id: Id) -> Answer {
        self.requests += 1;
        let sender = self.connections[at].agent;
        let text =
            format!("{} {}", self.requests, mention.map_or(String::new(), |agent| format!("@{}", AGENTS[agent])));
        let (id, target, content) = match (id, self.last[sender].clone()) {
            (Id::Again, Some(last)) => last,
            (Id::Reused, Some((id, target, _))) => (id, target, text),
            (Id::New | Id::Again | Id::Reused, _) => (format!("m-{}", self.requests), target, text),
        };
        let channel = match target {
            Target::Channel(channel) => CHANNELS[channel].to_owned(),
            Target::Agent(agent) => format!("@{}", AGENTS[agent]),
        };
        let draft = Draft::new(orochi_protocol::Target::parse(&channel).unwrap(), content.clone()).unwrap();
        let answer = self.request(at, id.clone(), AgentAction::Message(Box::new(draft))).await;
        if matches!(answer, Answer::MessageAck { duplicate: false, .. }) {
            self.last[sender] = Some((id, target, content));
        }
        answer
    }

    async fn act(&mut self, at: Option<usize>, action: AgentAction) -> Answer {
        let Some(at) = at else { return Answer::Nothing };
        self.requests += 1;
        self.request(at, format!("r-{}", self.requests), action).await
    }

    async fn request(&mut self, at: usize, id: String, action: AgentAction) -> Answer {
        let connection = self.connections[at].id;
        self.core.send(CoreCommand::Agent { connection, id, action }).await.unwrap();
        self.flushed().await;
        self.connections[at].take().expect("every request is answered")
    }

    /// Lets every connection read the log until it is live and its outbox is empty.
    async fn settle(&mut self) {
        self.flushed().await;
        for at in 0..self.connections.len() {
            while self.connections[at].read_log(&self.core).await {
                self.flushed().await;
            }
        }
    }

    /// The core hands frames over at the end of a turn, so the second answer comes from a later turn.
    async fn flushed(&self) {
        self.core.barrier().await.unwrap();
        self.core.barrier().await.unwrap();
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

fn name(channel: usize) -> ChannelName {
    ChannelName::parse(CHANNELS[channel]).unwrap()
}

fn read_answer(frame: &Value) -> Option<Answer> {
    let payload = &frame["payload"];
    match frame["type"].as_str().unwrap() {
        "error" => {
            let codes = ["INVALID_FIELD", "INVALID_CHANNEL", "ID_REUSED", "RESUME_BEYOND"];
            let code = payload["code"].as_str().unwrap();
            Some(Answer::Error(codes.into_iter().find(|known| *known == code).unwrap_or("another")))
        }
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
