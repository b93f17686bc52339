//! What is done for an agent over HTTP, where no connection of its own speaks for it: it says what it has dealt with
//! and what it is doing, its channels change, and it is online while somebody waits in its name.

use orochi_protocol::Refusal;
use orochi_protocol::request::EventKind;

use super::agents::{presence_frame, status_frame};
use super::command::NamedAction;
use super::entry::{Event, Named};
use super::place::check_reached;
use super::{CoreThread, shutting_down};

impl CoreThread {
    /// Changes the roster.
    pub(super) fn order_named(&mut self, named: &mut Named) {
        named.outcome = Some(self.named_outcome(named));
    }

    fn named_outcome(&mut self, named: &mut Named) -> Result<Option<Event>, Refusal> {
        let (now, committed, head) = (self.stamper.now(), self.committed(), self.head);
        if let NamedAction::Seen(seen) = named.action {
            check_reached("seen", seen, committed)?;
        }
        let roster = &mut self.registry.roster;
        let agent = roster.find_or_add(&named.name, head, now);
        match &mut named.action {
            NamedAction::Attend(connection) => {
                if roster.attend(*connection, agent, now) {
                    let frame = presence_frame(&mut self.stamper, roster.agent(agent));
                    return Ok(Some(Event { agent, kind: EventKind::PresenceChange, frame }));
                }
            }
            NamedAction::Seen(seen) => {
                roster.touch(agent, now);
                roster.move_cursor(agent, *seen);
            }
            NamedAction::Status(update) => {
                roster.update_status(agent, std::mem::take(update), now);
                let frame = status_frame(&mut self.stamper, roster.agent(agent));
                return Ok(Some(Event { agent, kind: EventKind::StatusUpdate, frame }));
            }
            NamedAction::Join(channel) => roster.keep_channel(agent, channel.as_str(), Some(committed)),
            NamedAction::Leave(channel) => roster.keep_channel(agent, channel.as_str(), None),
        }
        Ok(None)
    }

    /// After the commit: others are told, and whoever asked is answered. Presence needs no disk.
    pub(super) fn finish_named(&mut self, named: Named, refusal: Option<&Refusal>) {
        let Named { action, answer, outcome, .. } = named;
        let needs_disk = !matches!(action, NamedAction::Attend(_));
        let done = match (outcome, refusal) {
            (Some(Ok(_)), Some(refusal)) if needs_disk => Err(refusal.clone()),
            (Some(Ok(event)), _) => {
                if let Some(event) = event {
                    self.send_event(event);
                }
                Ok(())
            }
            (Some(Err(refused)), _) => Err(refused),
            (None, _) => Err(shutting_down()),
        };
        // Whoever asked may have gone.
        let _ = answer.send(done);
    }
}
