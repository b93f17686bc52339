//! `orochi init`: writes the entries that a coding agent needs, and removes them again.

mod checks;
mod confirm;
mod shell;

use std::path::PathBuf;

use clap::Args;
use orochi_agent::identity::naming;
use orochi_agent::identity::registry::{Registry, key};
use orochi_agent::init::change::Change;
use orochi_agent::init::clients::{ALL, Client, Scope, Setup};
use orochi_agent::init::programs;
use orochi_agent::init::undo::Journal;
use orochi_protocol::{AgentName, ChannelName};

use self::confirm::{Word, confirm};
use super::credentials;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::{output, text};

/// `orochi init`.
#[derive(Debug, Args)]
pub struct Init {
    /// The coding agent; without it, init asks for each one that it finds
    #[arg(value_parser = ["claude-code", "codex", "cursor", "gemini", "opencode", "shell"])]
    client: Option<String>,
    /// The files to change: yours, for all projects, or this project's
    #[arg(long, default_value = "user", value_parser = ["user", "project"])]
    scope: String,
    /// Channels to join, separated by commas
    #[arg(long, value_delimiter = ',')]
    channels: Vec<String>,
    /// File with the hub's token, - for standard input; the token is stored in ~/.config/orochi/hub.toml
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Write no hooks: messages wait until the agent reads its inbox
    #[arg(long)]
    no_hooks: bool,
    /// Let no message start a turn. Otherwise other agents' requests run with the rights that the session has
    #[arg(long)]
    no_wake: bool,
    /// Print the changes, and write nothing
    #[arg(long)]
    print: bool,
    /// Write without asking
    #[arg(long, short)]
    yes: bool,
    /// Remove what init wrote
    #[arg(long)]
    undo: bool,
}

impl Init {
    /// Runs the command.
    ///
    /// # Errors
    /// Fails if a file can't be edited or written. Then no file is changed.
    pub fn run(self, connection: &Connection) -> Result<(), Failure> {
        let name = connection.name.as_deref().map(AgentName::parse).transpose();
        let name = name.map_err(|refusal| Failure::Usage(refusal.detail))?;
        let setup = self.setup()?;
        if self.client.as_deref() == Some("shell") {
            return if self.undo {
                shell::undo(self.yes)
            } else {
                shell::run(connection, &setup, self.token_file.as_deref(), self.print)
            };
        }
        let chosen: Vec<Client> = match &self.client {
            Some(word) => ALL.into_iter().filter(|client| client.as_str() == word).collect(),
            None => ALL.into_iter().filter(|client| client.is_found()).collect(),
        };
        if chosen.is_empty() {
            let known: Vec<&str> = ALL.iter().map(|client| client.as_str()).collect();
            let known = known.join(", ");
            return Err(Failure::Hub(format!("no coding agent was found here; name one: {known}, or shell")));
        }
        if self.undo {
            return chosen.into_iter().try_for_each(|client| self.undo(client, &setup));
        }
        if !self.print {
            credentials::write(connection, self.token_file.as_deref())?;
        }
        let mut done = Vec::new();
        for client in chosen {
            if self.add(client, &setup, name.as_ref())? == Word::Yes {
                done.push(client);
            }
        }
        if done.is_empty() { Ok(()) } else { checks::run(connection, &setup) }
    }

    fn setup(&self) -> Result<Setup, Failure> {
        let channels: Result<Vec<String>, _> = self
            .channels
            .iter()
            .map(|text| ChannelName::parse(text.trim()).map(|name| name.as_str().to_owned()))
            .collect();
        let program = std::env::current_exe()
            .map_err(|error| Failure::Hub(format!("cannot find this program's own path: {error}")))?;
        let folder = std::env::current_dir()
            .map_err(|error| Failure::Hub(format!("cannot find the working folder: {error}")))?;
        Ok(Setup {
            program: program.to_string_lossy().into_owned(),
            scope: if self.scope == "project" { Scope::Project } else { Scope::User },
            root: naming::root(&folder),
            channels: channels.map_err(|refusal| Failure::Usage(refusal.detail))?,
            has_hooks: !self.no_hooks,
            may_wake: !self.no_wake,
        })
    }

    /// Adds our entries for one client. All files are checked before the first one is written.
    fn add(&self, client: Client, setup: &Setup, name: Option<&AgentName>) -> Result<Word, Failure> {
        let files = client.files(setup);
        if self.print {
            for file in &files {
                output::line(&format!("# {}\n{}", file.path.display(), file.snippet()))?;
            }
            if let Some(command) = client.add_command(setup) {
                output::line(&programs::shown(&command))?;
            }
            return Ok(Word::No);
        }
        let mut changes = Vec::new();
        for file in &files {
            if let Some(change) = Change::adding(file).map_err(Failure::Hub)? {
                change.check().map_err(Failure::Hub)?;
                changes.push((file, change));
            }
        }
        let command = client.add_command(setup).filter(|command| programs::find(&command[0]).is_some());
        for (_, change) in &changes {
            output::all(&change.diff())?;
        }
        if let Some(command) = &command {
            output::line(&format!("$ {}", programs::shown(command)))?;
        }
        if setup.may_wake && client == Client::ClaudeCode {
            output::line(
                "Other agents' requests will start turns, with the session's rights; --no-wake prevents this.",
            )?;
        }
        if confirm(self.yes, &format!("Set up {}?", client.as_str()))? == Word::No {
            output::line(&format!("{}: nothing was changed.", client.as_str()))?;
            return Ok(Word::No);
        }
        let mut journal = Journal::read();
        for (file, change) in &changes {
            journal.note(file, change);
        }
        journal
            .save()
            .map_err(|error| Failure::Hub(format!("cannot record the changes, so nothing was written: {error}")))?;
        for (_, change) in &changes {
            change.apply().map_err(Failure::Hub)?;
        }
        enter(client, setup, name)?;
        match (command, client.add_command(setup)) {
            (Some(command), _) => run(&command, client.remove_command(setup))?,
            (None, Some(missing)) => output::line(&format!(
                "{} is not on the path; run this once it is:\n  {}",
                missing[0],
                programs::shown(&missing)
            ))?,
            (None, None) => {}
        }
        let state = if changes.is_empty() { "was set up already" } else { "is set up" };
        output::line(&format!("{} {state}. {}", client.as_str(), client.last_step(setup)))?;
        Ok(Word::Yes)
    }

    fn undo(&self, client: Client, setup: &Setup) -> Result<(), Failure> {
        let mut journal = Journal::read();
        let mut changes = Vec::new();
        for file in client.files(&Setup { has_hooks: true, ..setup.clone() }) {
            if let Some(change) = journal.undoing(&file).map_err(Failure::Hub)? {
                change.check().map_err(Failure::Hub)?;
                output::all(&change.diff())?;
                changes.push(change);
            }
        }
        let command = client.remove_command(setup).filter(|command| programs::find(&command[0]).is_some());
        if changes.is_empty() && command.is_none() {
            return output::line(&format!("{}: nothing of orochi's is there.", client.as_str()));
        }
        if confirm(self.yes, &format!("Remove orochi from {}?", client.as_str()))? == Word::No {
            return output::line(&format!("{}: nothing was changed.", client.as_str()));
        }
        for change in &changes {
            change.apply().map_err(Failure::Hub)?;
            journal.forget(change);
        }
        journal.save().map_err(|error| Failure::Hub(format!("cannot record the undo: {error}")))?;
        if let Some(command) = command {
            // A client without this server reports an error, and the result is the same.
            let _ = programs::run(&command);
        }
        let project = key(client.kind(), &setup.root.to_string_lossy());
        Registry::change(|registry| registry.projects.remove(&project))
            .map_err(|error| Failure::Hub(format!("cannot write agents.json: {error}")))?;
        output::line(&format!("{}: orochi is removed.", client.as_str()))
    }
}

/// Stores the project's entry. It makes the project's sessions agents even if no resident runs.
fn enter(client: Client, setup: &Setup, name: Option<&AgentName>) -> Result<(), Failure> {
    let project = key(client.kind(), &setup.root.to_string_lossy());
    let made_up = naming::made_up(&setup.root, client.kind());
    let name = Registry::change(|registry| {
        let own = registry.projects.get(&project).cloned();
        let name = name.map(|name| name.as_str().to_owned()).or(own).unwrap_or(made_up);
        registry.projects.insert(project, name.clone());
        name
    });
    let name = name.map_err(|error| Failure::Hub(format!("cannot write agents.json: {error}")))?;
    output::line(&format!("In {} the agent is called {name}.", text::inline(&setup.root.to_string_lossy())))
}

/// Runs the client's own command. An existing entry is replaced.
fn run(command: &[String], remove: Option<Vec<String>>) -> Result<(), Failure> {
    let failed =
        |reason: String| Failure::Hub(format!("{} failed: {reason}; run it by hand", programs::shown(command)));
    let once = || programs::run(command).map_err(|error| failed(error.to_string()));
    let mut ended = once()?;
    if let (false, Some(remove)) = (ended.status.success(), remove) {
        // Ignore this result: the second try shows whether it helped.
        let _ = programs::run(&remove);
        ended = once()?;
    }
    if ended.status.success() { Ok(()) } else { Err(failed(String::from_utf8_lossy(&ended.stderr).trim().to_owned())) }
}
