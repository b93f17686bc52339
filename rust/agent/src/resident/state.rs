//! The resident's state, behind one lock. Every event (a message, a hook, a tool, the clock) goes through
//! [`Shared::with`], which then does what the delivery rules require.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{Local, Timelike};
use orochi_client::Client;
use orochi_mcp::backend::{Fault, Intent};
use orochi_protocol::request::StatusUpdate;
use orochi_protocol::{AgentName, Identity, Reach, Seq};
use tokio::sync::{Notify, mpsc};

use super::options::Options;
use crate::delivery::{Activity, HookEvent, HookKind, Ledger, Machine, Offer, Wake};
use crate::identity::registry::{self, key};
use crate::identity::{Kind, Registry};
use crate::ipc::{Answer, Ask};
use crate::message::Delivered;
use crate::{Millis, text, wake};

/// The part of a resident that several tasks share.
#[derive(Debug)]
pub struct Shared {
    pub options: Options,
    /// The agent's name.
    pub name: AgentName,
    /// The client's kind.
    pub kind: Kind,
    // A std mutex: held for moves in memory and a small file, never across an await.
    state: Mutex<State>,
    /// Notifies of a message.
    pub arrived: Notify,
    /// Notifies that the delivery rules' next deadline may have changed, or that there is room for messages.
    pub changed: Notify,
    /// Notifies of a connection, or of its failure.
    pub joined: Notify,
    started: Instant,
    /// Reports for the hub, in the order of the events.
    said: mpsc::UnboundedSender<Say>,
    /// The other end of `said`, until the reporting task takes it.
    pub(super) to_say: Mutex<Option<mpsc::UnboundedReceiver<Say>>>,
}

/// A report for the hub.
#[derive(Debug)]
pub enum Say {
    /// The agent's status.
    Status(Box<StatusUpdate>),
    /// The agent's reach.
    Reach(Reach),
    /// The newest message that was shown to the agent.
    Offered(Seq),
}

/// The state behind the lock.
#[derive(Debug)]
pub struct State {
    /// The delivery rules.
    pub machine: Machine,
    /// The newest connection.
    pub client: Option<Client>,
    /// The hub's last refusal of this agent.
    pub trouble: Option<Fault>,
    /// Waiting messages that a tool has returned to this session.
    pub returned: BTreeSet<u64>,
    /// For each channel that a tool waited in, the seq up to which it was read.
    pub overheard: HashMap<String, u64>,
    /// The task that the agent itself reported.
    pub own_task: Option<String>,
    session: wake::Session,
    /// The session with an entry in agents.json.
    entered: Option<String>,
    epoch: String,
    saved: Ledger,
    has_hooks: bool,
    /// The reach as last reported.
    pub reach: Reach,
    offered: Seq,
    doing: Option<(Activity, String)>,
    prompt: String,
}

impl Shared {
    /// Creates a resident's state before it is connected.
    pub fn new(options: &Options, name: &AgentName, kind: Kind, before: Ledger, started: Instant) -> Arc<Self> {
        let mut machine = Machine::new(name.as_str(), before.clone(), options.allowance);
        machine.set_wake(options.can_wake(&options.session));
        if !options.may_wake {
            machine.decline_wake();
        }
        if let Some(entry) =
            options.session_id.as_deref().and_then(|session| Registry::read().session(kind, session).cloned())
        {
            machine.offered_elsewhere(entry.offered);
        }
        let can_wake = machine.can_wake(0);
        let (said, to_say) = mpsc::unbounded_channel();
        let state = State {
            machine,
            client: None,
            trouble: None,
            returned: BTreeSet::new(),
            overheard: HashMap::new(),
            own_task: None,
            session: options.session.clone(),
            entered: None,
            epoch: before.epoch.clone(),
            saved: before,
            has_hooks: false,
            reach: if can_wake { Reach::Wake } else { Reach::Poll },
            offered: Seq::ZERO,
            doing: None,
            prompt: String::new(),
        };
        Arc::new(Self {
            options: options.clone(),
            name: name.clone(),
            kind,
            state: Mutex::new(state),
            arrived: Notify::new(),
            changed: Notify::new(),
            joined: Notify::new(),
            started,
            said,
            to_say: Mutex::new(Some(to_say)),
        })
    }

    /// Reads or changes the state, without consequences.
    pub fn look<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        // A panic elsewhere leaves only complete messages in the state.
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the state, then acts on the consequences.
    pub fn with<T>(self: &Arc<Self>, change: impl FnOnce(&mut State, Millis) -> T) -> T {
        let (result, wake) = self.look(|state| {
            let now = self.now();
            let result = change(state, now);
            (result, self.follow(state, now))
        });
        self.changed.notify_one();
        if let Some((session, wake)) = wake {
            self.post(session, wake);
        }
        result
    }

    /// The time until the delivery rules have to run again.
    pub fn next_tick(&self) -> Duration {
        let deadline = self.look(|state| state.machine.deadline());
        let left = deadline.map_or(3_600_000, |deadline| deadline.saturating_sub(self.now()));
        Duration::from_millis(left.clamp(1_000, 3_600_000))
    }

    /// Returns the connection, if it is up.
    pub fn client(&self) -> Option<Client> {
        self.look(|state| state.client.clone()).filter(|client| client.state() == orochi_client::State::Connected)
    }

    /// Notes a new connection. If it is to another log, the kept state of the old log is dropped.
    pub fn connected(self: &Arc<Self>, client: &Client) {
        let epoch = client.epoch().unwrap_or_default();
        self.look(|state| {
            if !state.epoch.is_empty() && state.epoch != epoch {
                state.machine.begin_log();
                state.saved = Ledger::default();
                state.returned.clear();
                state.overheard.clear();
            }
            state.epoch = epoch;
            state.trouble = None;
            state.client = Some(client.clone());
            // The new connection needs all reports again.
            (state.doing, state.offered) = (None, Seq::ZERO);
        });
        self.with(|_, _| ());
        self.joined.notify_waiters();
    }

    /// Notes that the hub can't be reached, or refuses this agent: tools report the reason.
    pub fn failed(&self, trouble: Option<Fault>) {
        self.look(|state| state.trouble = trouble);
        self.joined.notify_waiters();
    }

    /// Handles a message from the hub.
    pub fn deliver(self: &Arc<Self>, delivered: Delivered) {
        let pushed = match (&self.options.channel, &delivered) {
            (Some(channel), Delivered::Mine(message) | Delivered::Overheard(message)) => {
                Some((channel, message.clone())).filter(|(_, message)| message.intent() != Some(Intent::Ack))
            }
            (None, _) | (_, Delivered::Unread(_)) => None,
        };
        let is_quiet = self.is_quiet();
        self.with(|state, now| {
            let is_new = state.machine.deliver(delivered);
            if let Some((channel, message)) = pushed
                && is_new
                && state.machine.may_push(&message, is_quiet, now)
            {
                // Without a receiver the process is about to end.
                let _ = channel.send(message);
            }
        });
        self.arrived.notify_waiters();
    }

    /// Notes the client's thread from a call: Codex needs its thread to be woken.
    pub fn note_thread(self: &Arc<Self>, thread: &str) {
        let is_known = |state: &mut State| state.session.codex_thread.is_some();
        if self.kind == Kind::Codex && !self.look(is_known) {
            self.with(|state, _| state.session.codex_thread = Some(thread.to_owned()));
        }
    }

    /// Answers a hook.
    pub fn hook(self: &Arc<Self>, ask: &Ask, kind: Option<HookKind>) -> (Offer, Answer) {
        let (offer, mut answer) = self.with(|state, now| {
            let offer = kind.map(|kind| self.run_hook(state, ask, kind, now)).unwrap_or_default();
            let waiting = state.machine.waiting().count();
            let mut context = state.machine.context(&offer);
            if matches!(kind, Some(HookKind::Start { is_compaction: false, .. })) {
                let introduction = text::introduction(self.name.as_str(), &self.options.hub.url, waiting);
                context = Some(context.map_or(introduction.clone(), |context| format!("{introduction}\n\n{context}")));
            }
            let answer = Answer { name: self.name.as_str().to_owned(), waiting, context, ..Answer::default() };
            (offer, answer)
        });
        answer.is_connected = self.client().is_some();
        (answer.reach, answer.refused) = self.look(|state| {
            let refused = state.trouble.as_ref().map(|fault| fault.detail.clone());
            (state.reach.as_str().to_owned(), refused.unwrap_or_default())
        });
        answer.hub = self.options.hub.url.clone();
        (offer, answer)
    }

    fn run_hook(&self, state: &mut State, ask: &Ask, kind: HookKind, now: Millis) -> Offer {
        state.has_hooks = true;
        state.take_session(self, ask);
        if kind == HookKind::Prompt {
            state.prompt.clone_from(&ask.prompt);
        }
        if matches!(kind, HookKind::Start { .. }) && !ask.model.is_empty() {
            let identity = Identity { model: Some(ask.model.clone()), ..Identity::default() };
            let update = StatusUpdate { identity, ..StatusUpdate::default() };
            self.say(Say::Status(Box::new(update)));
        }
        let event = HookEvent { kind, session: ask.session.clone(), marks: ask.marks.clone(), can_show: ask.can_show };
        state.machine.hook(&event, now)
    }

    /// Acts on a change: saves the cursor and the ledger, reports to the hub, and returns a wake to post.
    fn follow(&self, state: &mut State, now: Millis) -> Option<(wake::Session, Wake)> {
        state.machine.set_wake(self.options.can_wake(&state.session));
        state.machine.tick(now);
        // Messages that are pushed into the session's channel are not posted as well.
        let wake = match self.options.channel {
            Some(_) => None,
            None => state.machine.next_wake(self.is_quiet(), now),
        };
        self.keep(state);
        if let Some(client) = &state.client {
            client.finished(Seq::new(state.machine.cursor()).unwrap_or_default());
        }
        let reach = match (state.machine.can_wake(now), state.has_hooks) {
            (true, _) => Reach::Wake,
            (false, true) => Reach::Turn,
            (false, false) => Reach::Poll,
        };
        if state.reach != reach {
            state.reach = reach;
            self.say(Say::Reach(reach));
        }
        let offered = Seq::new(state.machine.offered()).unwrap_or_default();
        if offered > state.offered {
            state.offered = offered;
            self.say(Say::Offered(offered));
        }
        self.tell_status(state, now);
        wake.map(|wake| (state.session.clone(), wake))
    }

    /// Saves the ledger. The handled messages after a cursor must be on disk before the hub gets that cursor.
    fn keep(&self, state: &mut State) {
        let ledger = state.machine.ledger(&state.epoch);
        let was_dealt = ledger.open != state.saved.open || (ledger.head != state.saved.head && ledger.open.is_empty());
        if state.epoch.is_empty() || !was_dealt {
            return;
        }
        let name = self.name.as_str().to_owned();
        match Registry::change(|registry| registry.ledgers.insert(name, ledger.clone())) {
            Ok(_) => state.saved = ledger,
            Err(error) => {
                tracing::warn!(%error, "agents.json can't be written: after a crash some messages come again")
            }
        }
    }

    fn tell_status(&self, state: &mut State, now: Millis) {
        if !state.has_hooks {
            return;
        }
        let activity = state.machine.activity();
        let task = if state.machine.is_spent(now) {
            "wake budget spent".to_owned()
        } else {
            match (&state.own_task, activity) {
                (Some(task), _) => task.clone(),
                (None, Activity::Busy | Activity::Blocked) if self.options.share_task => state.prompt.clone(),
                (None, Activity::Busy | Activity::Blocked) => "working".to_owned(),
                (None, Activity::Idle | Activity::Error | Activity::Ended) => String::new(),
            }
        };
        if state.doing.as_ref().is_some_and(|(was, what)| *was == activity && *what == task) {
            return;
        }
        let status = match activity {
            Activity::Idle | Activity::Ended => "idle",
            Activity::Busy => "busy",
            Activity::Blocked => "blocked",
            Activity::Error => "error",
        };
        state.doing = Some((activity, task.clone()));
        let update =
            StatusUpdate { status: Some(status.to_owned()), current_task: Some(task), ..StatusUpdate::default() };
        self.say(Say::Status(Box::new(update)));
    }

    fn say(&self, what: Say) {
        // The reporting task ends with the process.
        let _ = self.said.send(what);
    }

    /// Posts a wake in a task of its own.
    fn post(self: &Arc<Self>, session: wake::Session, wake: Wake) {
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            if session.wake(&wake.sender, &wake.text).await != wake::Outcome::Posted {
                shared.with(|state, _| state.machine.wake_failed());
            }
        });
    }

    fn is_quiet(&self) -> bool {
        self.options.quiet.is_some_and(|quiet| {
            let now = Local::now();
            quiet.holds(now.hour() * 60 + now.minute())
        })
    }

    fn now(&self) -> Millis {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl State {
    /// Notes that a tool returned these messages to the session.
    pub fn note_returned(&mut self, seqs: impl IntoIterator<Item = u64>) {
        let seqs: Vec<u64> = seqs.into_iter().collect();
        self.machine.returned(&seqs);
        self.returned.extend(seqs);
        let machine = &self.machine;
        self.returned.retain(|seq| machine.message(*seq).is_some());
    }

    /// Takes the session's id and its present inbox from a hook, which knows more than the environment.
    fn take_session(&mut self, shared: &Shared, ask: &Ask) {
        if !ask.inbox_socket.is_empty() {
            self.session.inbox_socket = Some(ask.inbox_socket.clone().into());
            self.session.inbox_token.clone_from(&ask.inbox_token);
        }
        if shared.kind == Kind::Codex && !ask.session.is_empty() {
            self.session.codex_thread = Some(ask.session.clone());
        }
        if ask.session.is_empty() || self.entered.as_ref() == Some(&ask.session) {
            return;
        }
        self.entered = Some(ask.session.clone());
        let (kind, pid) = (shared.kind, shared.options.client_pid);
        let changed = Registry::change(|registry| {
            registry.sessions.remove(&key(kind, &format!("pid-{pid}")));
            let entry = registry.sessions.entry(key(kind, &ask.session)).or_default();
            (entry.name, entry.seen_at, entry.pid) = (shared.name.as_str().to_owned(), registry::now(), pid);
            // From now on the resident counts.
            std::mem::take(&mut entry.offered)
        });
        match changed {
            Ok(offered) => self.machine.offered_elsewhere(offered),
            Err(error) => tracing::warn!(%error, "agents.json can't be written: this session's name may not be kept"),
        }
    }
}
