//! `orochi listen --mentions --exec`: the agent that is a shell command.

use orochi_agent::budget::Allowance;
use orochi_agent::dirs;
use orochi_agent::exec::{Job, Options, PAUSES, Runner};
use orochi_protocol::{AgentName, Seq};

use crate::agent::{Agent, Message};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::hub::place;
use crate::{stderr, text};

/// Runs the command for each message until the connection is over for good.
pub(super) async fn run(
    connection: &Connection,
    name: &AgentName,
    command: String,
    budget: Allowance,
) -> Result<(), Failure> {
    let folder = dirs::state()
        .ok_or_else(|| Failure::Usage("there is no home folder to keep failed messages in: set HOME".to_owned()))?;
    let mut runner = Runner::new(Options {
        name: name.to_string(),
        command,
        environment: vec![("OROCHI_URL".to_owned(), format!("http://{}", place(connection)))],
        budget,
        pauses: PAUSES,
        folder,
        tell: |sentence| stderr::say(&format!("{}\n", text::inline(sentence))),
    })
    .map_err(Failure::Hub)?;
    let agent = Agent::connect_for_work(connection, name).await?;
    stderr::say(&format!("Listening for @{name}; each message runs the command (Ctrl+C to stop)...\n"));
    let mut was_held = false;
    loop {
        tokio::select! {
            message = agent.next(), if runner.has_room() => take(&mut runner, &message?),
            () = runner.changed() => {}
        }
        agent.finished(runner.cursor());
        if runner.is_held() != was_held {
            was_held = runner.is_held();
            agent.set_held(was_held);
        }
    }
}

fn take(runner: &mut Runner, message: &Message) {
    let Some(seq) = message.seq.map(Seq::get) else { return };
    let payload = &message.payload;
    match serde_json::to_string(message) {
        Ok(json) => runner.deliver(Job {
            seq,
            id: message.msg_id.clone(),
            sender: message.sender.clone(),
            channel: payload.channel.clone(),
            intent: Job::intent_of(&payload.metadata),
            text: payload.content.clone(),
            json,
        }),
        // This can't fail: a message has only text keys.
        Err(_) => runner.pass(seq),
    }
}
