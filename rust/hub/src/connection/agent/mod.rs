//! An agent's connection. Parses each request and checks it against the registered name. Then the core answers it, or
//! the log's readers, or Gitea (sections 3, 5, 8 and 9).
//!
//! A request that needs more than the core has a file here, of its name.

mod gitea;
mod heartbeat;
mod message;
mod presence;
mod query;
mod receipts;
mod register;

use orochi_protocol::letters::nfc;
use orochi_protocol::names::shown;
use orochi_protocol::reply::{Ack, Ok as AckStatus};
use orochi_protocol::request::{self, BadFrame, Request, RequestFrame};
use orochi_protocol::{AgentName, ErrorCode, Refusal};
use serde::Serialize;

use super::link::Link;
use crate::clock::new_id;
use crate::core::{AgentAction, Command, not_registered, stray_frame};
use crate::frame::Frame;
use crate::gitea::once::Calls;

/// Serves an agent until it leaves or the hub stops.
pub(crate) async fn serve(link: Box<Link>, calls: Calls) {
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
    link: Box<Link>,
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
            // Boxed, so that the memory for these rare requests is not part of every connection's future.
            rare => Box::pin(self.dispatch_rare(id, sender, rare)).await,
        }
    }

    /// One line for each request. Requests that only the core handles are sent to it; the others have a file here.
    async fn dispatch_rare(&mut self, id: &str, sender: Option<String>, request: Request) -> Result<(), Refusal> {
        match request {
            Request::Register(register) => self.register(id, sender, register).await,
            Request::Message(draft) => self.message(id, draft).await,
            Request::Subscribe(subscribe) => self.act(id, AgentAction::Subscribe(subscribe)).await,
            Request::Unsubscribe(unsubscribe) => self.act(id, AgentAction::Unsubscribe(unsubscribe)).await,
            Request::StatusUpdate(update) => self.act(id, AgentAction::Status(update)).await,
            Request::Heartbeat(heartbeat) => self.heartbeat(id, heartbeat).await,
            Request::Presence(presence) => self.presence(id, presence).await,
            Request::Query(query) => self.query(id, *query).await,
            Request::Receipts(receipts) => self.receipts(id, receipts).await,
            Request::Gitea(call) => self.gitea(id, call),
        }
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
    let detail = format!("sender is {}: this connection is registered as {name}", shown(sender));
    Refusal::new(ErrorCode::SenderMismatch, detail)
}
