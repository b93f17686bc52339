//! Runs the requested command, and handles Ctrl-C and closed pipes.

use std::io;
use std::thread;

use clap::CommandFactory;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::args::{Cli, Command};
use crate::commands::{Identity, licences, serve};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::hub::Hub;
use crate::output;

/// Runs a command to its end.
///
/// # Errors
/// Any end other than success.
pub fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Serve(config) => serve::run(*config),
        Command::Licences => licences::run(),
        Command::Manual(manual) => manual.run(Cli::command()),
        Command::Forget(forget) => forget.run(),
        Command::Hook(hook) => hook.run(),
        Command::Statusline(line) => line.run(),
        Command::Completions(completions) => completions.run(Cli::command()),
        Command::Init(init) => init.run(&cli.connection),
        Command::Doctor(doctor) => doctor.run(&cli.connection),
        command => use_hub(command, cli.connection),
    }
}

/// Runs a command on its own thread, so that Ctrl-C works even while it waits for a reader of its stdout.
fn use_hub(command: Command, connection: Connection) -> Result<(), Failure> {
    // Ctrl-C is the normal end of commands that run until then. For others it means that their work is not done.
    let streams = matches!(command, Command::Listen(_) | Command::Login(_));
    let (sender, result) = oneshot::channel();
    let working = runtime()?;
    // If the receiver is gone, the command was interrupted.
    let run = move || _ = sender.send(working.block_on(work(command, connection)));
    runtime()?.block_on(async {
        // Set up before the work starts: a user who sees the first output may interrupt at once.
        let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot_start)?;
        thread::Builder::new().name("command".to_owned()).spawn(run).map_err(cannot_start)?;
        tokio::select! {
            result = result => {
                result.unwrap_or_else(|_| Err(Failure::Hub("this is a bug in orochi; please report it".to_owned())))
            }
            _ = interrupt.recv() => if streams { Ok(()) } else { Err(Failure::Interrupted) },
            () = output::closed(), if streams => Err(Failure::PipeClosed),
        }
    })
}

fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot_start)
}

fn cannot_start(error: io::Error) -> Failure {
    Failure::Hub(format!("cannot start: {error}"))
}

async fn work(command: Command, connection: Connection) -> Result<(), Failure> {
    // It sends its own requests to the hub, and must be ready at once.
    if let Command::Mcp(mcp) = command {
        return mcp.run(&connection).await;
    }
    let hub = Hub::new(&connection)?;
    match command {
        Command::Serve(_)
        | Command::Licences
        | Command::Manual(_)
        | Command::Forget(_)
        | Command::Hook(_)
        | Command::Statusline(_)
        | Command::Completions(_)
        | Command::Init(_)
        | Command::Mcp(_)
        | Command::Doctor(_) => unreachable!("these run without it"),
        Command::Inbox(inbox) => inbox.run(&hub, &Identity::new(&connection)?).await,
        Command::Ask(ask) => ask.run(&hub, &Identity::new(&connection)?).await,
        Command::Send(send) => send.run(&hub, &Identity::new(&connection)?).await,
        Command::Listen(listen) => listen.run(&connection).await,
        Command::Login(login) => login.run(&hub, &connection).await,
        Command::Join(join) => join.run(&connection).await,
        Command::Who(who) => who.run(&hub).await,
        Command::Status(status) => status.run(&hub, &Identity::new(&connection)?).await,
        Command::Channels(channels) => channels.run(&hub).await,
        Command::Members(members) => members.run(&hub).await,
        Command::History(history) => history.run(&hub, &Identity::new(&connection)?).await,
        Command::Search(search) => search.run(&hub, &Identity::new(&connection)?).await,
        Command::Receipts(receipts) => receipts.run(&hub, &Identity::new(&connection)?).await,
        Command::Gitea(gitea) => gitea.run(&hub, &Identity::new(&connection)?).await,
        Command::Health(health) => health.run(&hub).await,
    }
}
