//! An agent's connection. Parses each request and checks it against the registered name. Then the core answers it, or
//! the log's readers, or Gitea (sections 3, 5, 8 and 9).

use std::sync::Arc;

use orochi_protocol::letters::nfc;
use orochi_protocol::paging::ENTRIES_BYTES_MAX;
use orochi_protocol::reply::{
    Ack, ErrorReply, GiteaResult, HistoryAnswer, Ok as AckStatus, PresenceAnswer, ReceiptsAnswer,
};
use orochi_protocol::request::{
    self, BadFrame, Draft, GiteaCall, Heartbeat, HistoryQuery, Presence, Receipts, Register, Request, RequestFrame,
};
use orochi_protocol::{AgentName, ErrorCode, Refusal, Target};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use super::link::Link;
use crate::clock::new_id;
use crate::core::{AgentAction, Command, not_registered, shutting_down, stray_frame, unavailable};
use crate::delivery::view::{self, Viewer};
use crate::frame::Frame;
use crate::gitea::once::{Asked, Calls, RequestDigest};
use crate::gitea::{Action, Failure};
use crate::search;
use crate::store::{Lane, Message, Place};

/// Serves an agent until it leaves or the hub stops.
pub(crate) async fn serve(link: Link, calls: Calls) {
    let core = link.core.clone();
    let _open = core.enter();
    let mut requests = RequestLoop { link, name: None, has_asked: false, is_over: false, calls };
    while !requests.is_over
        && let Ok(text) = requests.link.next_request().await
    {
        requests.handle(&text).await;
    }
    if requests.has_asked {
        requests.link.leave().await;
    } else {
        requests.link.answer_close().await;
    }
}

struct RequestLoop {
    link: Link,
    /// Set once the core has accepted the register.
    name: Option<AgentName>,
    /// A register was sent to the core. It may be accepted after the connection has ended.
    has_asked: bool,
    /// The connection ended while a request waited.
    is_over: bool,
    calls: Calls,
}

impl RequestLoop {
    /// Handles one frame. Each request gets one ack or error, here or from the core.
    async fn handle(&mut self, text: &str) {
        match request::parse(text) {
            Err(bad) => {
                let refusal = self.first_fault(&bad);
                self.link.refuse(&refusal, bad.id.as_deref()).await;
            }
            Ok(RequestFrame { id, sender, request }) => {
                let id = id.unwrap_or_else(new_id);
                let checked = self.check_sender(&request, sender.as_deref());
                let handled = match checked {
                    Ok(()) => self.dispatch(&id, sender, request).await,
                    Err(refusal) => Err(refusal),
                };
                if let Err(refusal) = handled {
                    self.link.refuse(&refusal, Some(&id)).await;
                }
            }
        }
    }

    /// The first error of a frame, in the order in which a client fixes them: the sender, then the content.
    fn first_fault(&self, bad: &BadFrame) -> Refusal {
        match (&self.name, &bad.sender) {
            (None, _) if bad.needs_register => not_registered("this request"),
            (Some(name), Some(sender)) if !is_name(name, sender) => sender_mismatch(name, sender),
            _ => bad.refusal.clone(),
        }
    }

    fn check_sender(&self, request: &Request, sender: Option<&str>) -> Result<(), Refusal> {
        match (&self.name, sender) {
            (None, _) if request.needs_register() => Err(not_registered("this request")),
            (None, _) | (Some(_), None) => Ok(()),
            (Some(name), Some(sender)) if is_name(name, sender) => Ok(()),
            (Some(name), Some(_)) if matches!(request, Request::Register(_)) => {
                let detail =
                    format!("this connection is registered as {name}: open another connection for another name");
                Err(Refusal::new(ErrorCode::AlreadyRegistered, detail))
            }
            (Some(name), Some(sender)) => Err(sender_mismatch(name, sender)),
        }
    }

    async fn dispatch(&mut self, id: &str, sender: Option<String>, request: Request) -> Result<(), Refusal> {
        match request {
            Request::Message(draft) if draft.reply_to.is_none() => self.act(id, AgentAction::Message(draft)).await,
            Request::Heartbeat(_)
            | Request::Subscribe(_)
            | Request::Unsubscribe(_)
            | Request::StatusUpdate(_)
            | Request::Message(_)
            | Request::Register(_)
            | Request::Presence(_)
            | Request::Query(_)
            | Request::Receipts(_)
            | Request::Gitea(_) => {
                // Boxed, so that the memory for these rare requests is not part of every connection's future.
                Box::pin(self.dispatch_rare(id, sender, request)).await
            }
        }
    }

    async fn dispatch_rare(&mut self, id: &str, sender: Option<String>, request: Request) -> Result<(), Refusal> {
        match request {
            Request::Register(register) => self.register(id, sender, register).await,
            Request::Message(draft) => self.message(id, draft).await,
            Request::Subscribe(subscribe) => self.act(id, AgentAction::Subscribe(subscribe.channel)).await,
            Request::Unsubscribe(unsubscribe) => self.act(id, AgentAction::Unsubscribe(unsubscribe.channel)).await,
            Request::StatusUpdate(update) => self.act(id, AgentAction::Status(update)).await,
            Request::Heartbeat(heartbeat) => self.heartbeat(id, heartbeat).await,
            Request::Presence(Presence { detail, after }) => {
                let answer = self.link.core.presence(detail).await?;
                let answer = answer.page(after.as_ref().map(AgentName::as_str))?;
                let answer = PresenceAnswer { r#ref: Some(id.to_owned()), ..answer };
                self.answer("presence", &answer, id).await;
                Ok(())
            }
            Request::Query(query) => self.query(id, *query).await,
            Request::Receipts(Receipts { seq, after }) => {
                let answer = self.link.core.receipts(self.name.clone(), seq).await?;
                let answer = answer.page(after.as_ref().map(AgentName::as_str))?;
                let answer = ReceiptsAnswer { r#ref: Some(id.to_owned()), ..answer };
                self.answer("receipts", &answer, id).await;
                Ok(())
            }
            Request::Gitea(GiteaCall { action, params }) => self.gitea(id, action, &params),
        }
    }

    async fn register(&mut self, id: &str, sender: Option<String>, register: Box<Register>) -> Result<(), Refusal> {
        let name = match (&self.name, sender) {
            (Some(name), _) => name.clone(),
            (None, Some(sender)) => AgentName::parse(&sender)?,
            (None, None) => {
                let detail = "register has no sender: the frame's \"sender\" is the agent's name";
                return Err(Refusal::new(ErrorCode::InvalidName, detail));
            }
        };
        self.link.core.check_free(&name)?;
        let (answer, answered) = oneshot::channel();
        let command = Command::Register {
            connection: self.link.id,
            id: id.to_owned(),
            name: name.clone(),
            register,
            outbox: Arc::clone(&self.link.outbox),
            answer,
        };
        self.has_asked = true;
        let core = self.link.core.clone();
        let accepted = self.link.while_open(async move {
            core.send(command).await?;
            answered.await.map_err(|_| shutting_down())
        });
        let Ok(accepted) = accepted.await else {
            self.is_over = true;
            return Ok(());
        };
        if accepted? {
            self.name = Some(name);
            self.link.is_registered = true;
        }
        Ok(())
    }

    async fn message(&mut self, id: &str, draft: Box<Draft>) -> Result<(), Refusal> {
        if let (Some(seq), Some(name)) = (draft.reply_to, &self.name) {
            self.link.core.check_reply_to(name, seq).await?;
        }
        self.act(id, AgentAction::Message(draft)).await
    }

    async fn heartbeat(&mut self, id: &str, heartbeat: Heartbeat) -> Result<(), Refusal> {
        if self.name.is_some() {
            return self.act(id, AgentAction::Heartbeat(heartbeat)).await;
        }
        if heartbeat != Heartbeat::default() {
            return Err(not_registered("heartbeat with seen, offered or reach"));
        }
        self.link.reply(vec![ack(id)]).await;
        Ok(())
    }

    async fn query(&mut self, id: &str, query: HistoryQuery) -> Result<(), Refusal> {
        let place = Place::of(&query.target, self.name.as_ref().map(AgentName::as_str))
            .ok_or_else(|| not_registered("a query for direct messages"))?;
        let viewer = match query.target {
            Target::Channel(_) => None,
            Target::Direct(_) => self.name.clone(),
        };
        self.link.core.barrier().await?;
        let filter = query.filter;
        let (messages, is_cut, indexed_up_to) = if filter.search.is_some() {
            let request = search::Request::in_history(place, viewer.clone(), &filter)?;
            let found = self.link.core.search(request).await?;
            let messages: Vec<Message> = found.hits.into_iter().map(|hit| hit.message).collect();
            (messages, false, found.indexed_up_to)
        } else {
            let (reads, lane) = (self.link.core.reads(), Lane::for_history(&filter));
            let read = reads.run_in(lane, move |reader| reader.history_within(&place, &filter, ENTRIES_BYTES_MAX));
            let (messages, is_cut) = read.await.map_err(|error| unavailable(&error))?;
            (messages, is_cut, None)
        };
        let viewer = viewer.as_ref().map_or(Viewer::Observer, |name| Viewer::Agent(name.as_str()));
        let (rows, more) = view::rows_that_fit(&messages, viewer, is_cut);
        let channel = query.target.to_string();
        let answer = HistoryAnswer { channel: &channel, content: "", history: &rows, more, r#ref: id, indexed_up_to };
        self.answer("message", &answer, id).await;
        Ok(())
    }

    /// Starts a call to Gitea. The connection continues and the answer follows later. With too many calls running, the
    /// connection is not read.
    fn gitea(&self, id: &str, name: String, params: &RawValue) -> Result<(), Refusal> {
        let action = Action::parse(&name, params)?;
        let request = RequestDigest::new(&name, params.get().as_bytes());
        let asked = Asked { asker: self.name.clone(), id: Some(id.to_owned()), request, action };
        // This succeeds, because the connection is only read while there is room.
        let room = self.link.room_for_call()?;
        let (calls, outbox, id) = (self.calls.clone(), Arc::clone(&self.link.outbox), id.to_owned());
        tokio::spawn(async move {
            let answer = calls.call(asked).await;
            // Dropped before the reply: the reply wakes the connection, which then finds the room.
            drop(room);
            match answer {
                Ok(result) => {
                    let answer = GiteaResult { action: &name, result: &result, r#ref: &id };
                    outbox.replies(vec![stray_frame("gitea_result", &answer), ack(&id)]);
                }
                Err(Failure { refusal, status, .. }) => {
                    let reply = ErrorReply { status, ..ErrorReply::new(&refusal, Some(&id)) };
                    outbox.reply(stray_frame("error", &reply));
                }
            }
        });
        Ok(())
    }

    async fn act(&mut self, id: &str, action: AgentAction) -> Result<(), Refusal> {
        self.link.outbox.note_asked();
        let command = Command::Agent { connection: self.link.id, id: id.to_owned(), action };
        self.link.core.send(command).await.inspect_err(|_| self.link.outbox.note_answered(1))
    }

    /// Answers the request `id` with a data frame, directly followed by its ack.
    async fn answer<T: Serialize + Sync>(&mut self, kind: &str, payload: &T, id: &str) {
        self.link.reply(vec![stray_frame(kind, payload), ack(id)]).await;
    }
}

/// Returns whether a frame's `sender` is the registered name, in any normal form.
fn is_name(name: &AgentName, sender: &str) -> bool {
    name.as_str() == sender || name.as_str() == nfc(sender)
}

fn ack(id: &str) -> Frame {
    stray_frame("ack", &Ack { status: AckStatus::Ok, r#ref: id })
}

fn sender_mismatch(name: &AgentName, sender: &str) -> Refusal {
    let detail =
        format!("sender is {}: this connection is registered as {name}", orochi_protocol::names::shown(sender));
    Refusal::new(ErrorCode::SenderMismatch, detail)
}
