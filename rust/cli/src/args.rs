//! The command line: its commands and options, and how they are parsed.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use orochi_agent::identity::hub::{HubFile, address};
use orochi_hub::Config;
use orochi_hub::variables::{self, SETTINGS, Setting};

use crate::commands::{
    ask, channels, completions, doctor, forget, gitea, health, history, hook, inbox, init, join, listen, login, manual,
    mcp, members, receipts, search, send, status, statusline, who,
};
use crate::connection::Connection;
use crate::failure::Failure;

/// The variables of those settings in [`Connection`] that [`Config`] does not have.
const OWN_SETTINGS: &[Setting] =
    &[("name", &["SCITEX_OROCHI_AGENT", "OROCHI_AGENT"]), ("url", &["SCITEX_OROCHI_URL", "OROCHI_URL"])];

const EXAMPLES: &str = "\
Examples:
  orochi serve                              start a hub on this machine
  orochi send '#general' 'Build 42 passed'  say something
  orochi listen '#general'                  read along
  orochi who                                see who is online
  orochi history '#general' --limit 20      see what was said
  orochi init claude-code                   let a coding agent take part

Exit codes:
  0    done
  1    the hub refused, or can't be reached or started; stderr says why
  2    the command or a variable makes no sense
  4    what was waited for did not come in time (ask, send --wait)
  130  interrupted by Ctrl-C (listen and login, which run until then, end with 0)";

/// A hub through which agents talk: start it, and use it from the shell.
#[derive(Debug, Parser)]
#[command(name = "orochi", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    pub connection: Connection,
    #[command(subcommand)]
    pub command: Command,
}

/// The commands, in the order of `--help`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the hub
    Serve(Box<Config>),
    /// Send a message to a channel, or to one agent as @name
    Send(send::Send),
    /// Print messages as they come
    Listen(listen::Listen),
    /// Stay online under a name, printing messages as they come
    Login(login::Login),
    /// Join a channel and leave again, to see whether it can be joined
    Join(join::Join),
    /// List the agents that are online
    Who(who::Who),
    /// Show what the hub and its agents are doing
    Status(status::Status),
    /// List the channels
    Channels(channels::Channels),
    /// List the members of a channel, or all agents with their channels
    Members(members::Members),
    /// Show what was said in a channel, oldest first
    History(history::History),
    /// Find messages by their words, best match first
    Search(search::Search),
    /// Show how far a message got with each of its agents
    Receipts(receipts::Receipts),
    /// Use issues and repositories at Gitea, with the hub's own token
    Gitea(gitea::Gitea),
    /// Remove agents and channels that are no longer needed from a log's lists, while its hub is stopped
    Forget(forget::Forget),
    /// Exit with 0 if the hub is alive and accepts messages, else with 1; for container health checks
    Health(health::Health),
    /// Show the messages that wait for an agent
    Inbox(inbox::Inbox),
    /// Send an agent a request and print its answer
    Ask(ask::Ask),
    /// Connect a coding agent: write the entries that its files need
    Init(init::Init),
    /// Check the hub, the token and the coding agents' files
    Doctor(doctor::Doctor),
    /// Run by coding agents at certain moments of a session; 'orochi init' writes it into their files
    Hook(hook::Hook),
    /// Stay connected beside a coding agent, with tools over stdin and stdout; 'orochi init' writes it into their
    /// files
    Mcp(mcp::Mcp),
    /// One line for a coding agent's status bar
    Statusline(statusline::Statusline),
    /// Print a script for a shell's completion of commands
    Completions(completions::Completions),
    /// Print the licences of the libraries in this program
    #[command(alias = "licenses")]
    Licences,
    /// Write the manual pages to a folder
    #[command(hide = true)]
    Manual(manual::Manual),
}

/// Parses the arguments and the process's environment.
///
/// # Errors
/// Fails on help, version, and everything that can't be parsed.
pub fn parse(args: &[OsString]) -> Result<Cli, Failure> {
    let mut args = args.to_vec();
    let other_names = [("orochi-server", "serve"), ("orochi-mcp", "mcp")];
    let named = |(own, _): &(&str, &str)| args.first().is_some_and(|name| program(name) == Some(own));
    if let Some((_, command)) = other_names.into_iter().find(named) {
        args.splice(..1, ["orochi".into(), command.into()]);
    }
    // Without arguments the answer is the help. For clap, a set variable would be an argument, so variables are ignored
    // here.
    let lookup = if args.len() < 2 { unset } else { environment };
    let matches = command(lookup).try_get_matches_from(&args).map_err(|error| explain(error, &args))?;
    let mut cli = Cli::from_arg_matches(&matches)?;
    cli.connection.host = reachable(cli.connection.host);
    if !matches!(cli.command, Command::Serve(_) | Command::Forget(_) | Command::Hook(_)) && args.len() > 1 {
        locate(&mut cli.connection, &matches, || HubFile::read().map_err(Failure::Usage))?;
    }
    Ok(cli)
}

/// Chooses the hub from the first of these: host and port as flags, `--url` or `OROCHI_URL`, host and port as
/// variables, hub.toml. The token of hub.toml is only for the hub in that file.
fn locate(
    connection: &mut Connection,
    matches: &ArgMatches,
    file: impl FnOnce() -> Result<HubFile, Failure>,
) -> Result<(), Failure> {
    let given = |what: &str, source| matches.value_source(what) == Some(source);
    let as_flag = given("host", ValueSource::CommandLine) || given("port", ValueSource::CommandLine);
    let as_variable = given("host", ValueSource::EnvVariable) || given("port", ValueSource::EnvVariable);
    let file = file()?;
    let of_file = file.url.as_deref().map(address).transpose().map_err(Failure::Usage)?;
    let url = match (&connection.url, as_flag, as_variable) {
        (_, true, _) | (None, false, true) => None,
        (Some(url), false, _) => Some(url.clone()),
        (None, false, false) => of_file.clone(),
    };
    if let Some((host, port)) = url.as_deref().and_then(split) {
        (connection.host, connection.port) = (host, port);
    }
    if connection.token.is_empty()
        && let (Some(token), Some((host, _))) = (file.token, of_file.as_deref().and_then(split))
        && host == connection.host
    {
        connection.token = token;
    }
    Ok(())
}

/// The host and port of `http://host:port`.
fn split(url: &str) -> Option<(String, u16)> {
    let (host, port) = url.strip_prefix("http://")?.rsplit_once(':')?;
    Some((reachable(host.trim_matches(['[', ']']).to_owned()), port.parse().ok()?))
}

fn explain(error: clap::Error, args: &[OsString]) -> Failure {
    if let Some(sentence) = variables::bad_value(&error, SETTINGS, args, environment) {
        return Failure::Usage(sentence);
    }
    // Parse again without variables: the usage line should not require options that variables already set.
    let mut error = command(unset).try_get_matches_from(args).err().unwrap_or(error);
    let is_channel = |missing: &ContextValue| match missing {
        ContextValue::Strings(names) => names.iter().any(|name| name == "<CHANNEL>"),
        _ => false,
    };
    if error.kind() == ErrorKind::MissingRequiredArgument && error.get(ContextKind::InvalidArg).is_some_and(is_channel)
    {
        let tip = "a shell takes an unquoted #name for a comment: write '#name', or name without its #";
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error.into()
}

fn unset(_: &str) -> Option<OsString> {
    None
}

fn command(lookup: impl Fn(&str) -> Option<OsString> + Copy) -> clap::Command {
    let tie = |command| variables::apply(variables::apply(command, SETTINGS, lookup), OWN_SETTINGS, lookup);
    // `orochi-server --version` should answer like `orochi --version`.
    tie(Cli::command()).mut_subcommand("forget", tie).mut_subcommand("serve", |serve| {
        let unused_name = clap::Arg::new("name").long("name").hide(true);
        let unused_url = clap::Arg::new("url").long("url").hide(true);
        tie(serve.arg(unused_name).arg(unused_url)).display_name("orochi").version(env!("CARGO_PKG_VERSION"))
    })
}

fn environment(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

fn program(name: &OsStr) -> Option<&str> {
    Path::new(name).file_stem().and_then(OsStr::to_str)
}

/// A hub can listen on `0.0.0.0`. A client on the same machine reaches it at the loopback address.
fn reachable(host: String) -> String {
    match host.as_str() {
        "0.0.0.0" => "127.0.0.1".to_owned(),
        "::" | "[::]" => "::1".to_owned(),
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Cli {
        parse(&args.iter().map(OsString::from).collect::<Vec<_>>()).unwrap_or_else(|failure| panic!("{failure:?}"))
    }

    fn served(args: &[&str]) -> (String, u16) {
        let Command::Serve(config) = parsed(args).command else { panic!("{args:?} is not serve") };
        (config.host, config.port)
    }

    #[test]
    fn the_definition_holds_together() {
        command(unset).debug_assert();
    }

    #[test]
    fn serve_takes_its_host_and_port_before_and_after_its_name() {
        let wanted = ("::1".to_owned(), 7);
        assert_eq!(served(&["orochi", "--port", "7", "--host=::1", "serve"]), wanted);
        assert_eq!(served(&["orochi", "serve", "--host=::1", "--port=7"]), wanted);
    }

    #[test]
    fn the_old_program_name_starts_the_hub() {
        for name in ["orochi-server", "/usr/bin/orochi-server", "orochi-server.exe"] {
            assert_eq!(served(&[name, "--port=7"]).1, 7, "{name}");
        }
    }

    #[test]
    fn the_old_program_name_speaks_mcp() {
        assert!(matches!(parsed(&["/usr/bin/orochi-mcp"]).command, Command::Mcp(_)));
    }

    #[test]
    fn a_client_finds_a_hub_that_listens_everywhere() {
        for (given, used) in [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("hub.lab", "hub.lab")] {
            assert_eq!(parsed(&["orochi", "--host", given, "who"]).connection.host, used);
        }
    }

    #[test]
    fn the_connection_is_named_before_or_after_the_command() {
        let connection = parsed(&["orochi", "--host=hub.lab", "who", "--port=7", "--name=me"]).connection;
        assert_eq!((connection.host.as_str(), connection.port), ("hub.lab", 7));
        assert_eq!(connection.name.as_deref(), Some("me"));
    }
}
