//! The environment variables of each setting.
//!
//! clap reads one variable for each argument. A setting here has several, in order of priority, and an empty variable
//! counts as unset. So this module chooses the variable before clap reads it. The environment is a function, so that
//! tests need not change the process's own.

use std::ffi::{OsStr, OsString};

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

/// A setting: its argument id, which is the flag with `_` for `-`, and its variables, the most important first.
pub type Setting = (&'static str, &'static [&'static str]);

pub const SETTINGS: &[Setting] = &[
    ("host", &["SCITEX_OROCHI_HOST", "OROCHI_HOST"]),
    ("port", &["SCITEX_OROCHI_PORT", "OROCHI_PORT"]),
    ("dashboard_port", &["SCITEX_OROCHI_DASHBOARD_PORT", "OROCHI_DASHBOARD_PORT"]),
    ("token", &["SCITEX_OROCHI_TOKEN", "OROCHI_TOKEN"]),
    ("db", &["SCITEX_OROCHI_DB", "OROCHI_DB"]),
    ("allow_anonymous", &["SCITEX_OROCHI_ALLOW_ANONYMOUS", "OROCHI_ALLOW_ANONYMOUS"]),
    ("allowed_origins", &["SCITEX_OROCHI_ALLOWED_ORIGINS", "OROCHI_ALLOWED_ORIGINS"]),
    ("allowed_hosts", &["SCITEX_OROCHI_ALLOWED_HOSTS", "OROCHI_ALLOWED_HOSTS"]),
    ("ready_file", &["SCITEX_OROCHI_READY_FILE", "OROCHI_READY_FILE"]),
    ("log", &["SCITEX_OROCHI_LOG", "OROCHI_LOG"]),
    ("log_format", &["SCITEX_OROCHI_LOG_FORMAT", "OROCHI_LOG_FORMAT"]),
    ("gitea_url", &["SCITEX_OROCHI_GITEA_URL", "OROCHI_GITEA_URL", "GITEA_URL"]),
    ("gitea_token", &["SCITEX_OROCHI_GITEA_TOKEN", "OROCHI_GITEA_TOKEN", "GITEA_TOKEN"]),
    ("gitea_users", &["SCITEX_OROCHI_GITEA_USERS", "OROCHI_GITEA_USERS"]),
    ("hub_name", &["SCITEX_OROCHI_NAME", "OROCHI_NAME"]),
    ("public_url", &["SCITEX_OROCHI_PUBLIC_URL", "OROCHI_PUBLIC_URL"]),
    ("gitea_webhook_secret", &["SCITEX_OROCHI_GITEA_WEBHOOK_SECRET", "OROCHI_GITEA_WEBHOOK_SECRET"]),
    ("gitea_channels", &["SCITEX_OROCHI_GITEA_CHANNELS", "OROCHI_GITEA_CHANNELS"]),
    ("gitea_webhook_bytes", &["SCITEX_OROCHI_GITEA_WEBHOOK_BYTES", "OROCHI_GITEA_WEBHOOK_BYTES"]),
    ("gitea_catch_up", &["SCITEX_OROCHI_GITEA_CATCH_UP", "OROCHI_GITEA_CATCH_UP"]),
];

/// The first of `names` whose variable is not empty.
pub fn chosen<'a>(names: &[&'a str], lookup: impl Fn(&str) -> Option<OsString>) -> Option<&'a str> {
    names.iter().copied().find(|name| lookup(name).is_some_and(|value| !value.is_empty()))
}

/// Connects each of the command's arguments in `settings` to its chosen variable, and lists all its variables in the
/// help.
pub fn apply(mut command: Command, settings: &[Setting], lookup: impl Fn(&str) -> Option<OsString>) -> Command {
    for (id, names) in settings {
        if command.get_arguments().any(|arg| arg.get_id() == id) {
            command = command.mut_arg(id, |arg| tie(arg, names, chosen(names, &lookup)));
        }
    }
    command
}

fn tie(arg: Arg, names: &[&'static str], counts: Option<&'static str>) -> Arg {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    // hide_env: clap would show one variable only, and its value, which may be a token.
    arg.env(counts.map_or(Resettable::Reset, |name| Resettable::Value(OsStr::new(name).into())))
        .hide_env(true)
        .hide_env_values(true)
        .help(format!("{help} [env: {}]", names.join(", ")))
}

/// For an invalid setting, a sentence with the flag or variable, the value, and what is expected. `None` for other
/// errors and other arguments.
pub fn bad_value(
    error: &clap::Error,
    settings: &[Setting],
    args: &[OsString],
    lookup: impl Fn(&str) -> Option<OsString>,
) -> Option<String> {
    if error.kind() != ErrorKind::ValueValidation {
        return None;
    }
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    // clap writes the argument as in the usage: `--port <PORT>`.
    let flag = text(ContextKind::InvalidArg)?.split([' ', '[', '=']).next()?;
    let on_command_line = args.iter().any(|arg| {
        arg.to_str().and_then(|arg| arg.strip_prefix(flag)).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    });
    let id = flag.trim_start_matches('-').replace('-', "_");
    let (_, names) = settings.iter().find(|(setting, _)| *setting == id)?;
    let origin = if on_command_line { flag } else { chosen(names, lookup).unwrap_or(flag) };
    let value = text(ContextKind::InvalidValue).unwrap_or_default();
    let expected = std::error::Error::source(error).map(ToString::to_string)?;
    Some(format!("{origin} is {value:?}; expected {expected}"))
}

#[cfg(test)]
mod tests {
    use clap::Args;

    use super::*;

    fn environment(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
        |name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
    }

    fn command() -> Command {
        super::super::Config::augment_args(Command::new("orochi"))
    }

    #[test]
    fn the_longer_name_wins_and_an_empty_variable_counts_as_unset() {
        let names = &["SCITEX_OROCHI_GITEA_URL", "OROCHI_GITEA_URL", "GITEA_URL"];
        let choose = |pairs| chosen(names, environment(pairs));
        assert_eq!(choose(&[]), None);
        assert_eq!(choose(&[("GITEA_URL", "a"), ("OROCHI_GITEA_URL", "b")]), Some("OROCHI_GITEA_URL"));
        assert_eq!(choose(&[("GITEA_URL", "a"), ("SCITEX_OROCHI_GITEA_URL", "")]), Some("GITEA_URL"));
        assert_eq!(
            choose(&[("OROCHI_GITEA_URL", "b"), ("SCITEX_OROCHI_GITEA_URL", "c")]),
            Some("SCITEX_OROCHI_GITEA_URL")
        );
    }

    #[test]
    fn every_setting_is_an_argument_and_every_argument_a_setting() {
        let command = command();
        let arguments: Vec<&str> = command.get_arguments().map(|arg| arg.get_id().as_str()).collect();
        let settings: Vec<&str> = SETTINGS.iter().map(|(id, _)| *id).collect();
        assert_eq!(arguments, settings);
    }

    #[test]
    fn help_lists_all_variables_with_their_defaults_and_no_value() {
        let help = apply(command(), SETTINGS, |_| Some("secret-value".into())).render_help().to_string();
        for (_, names) in SETTINGS {
            assert!(help.contains(&format!("[env: {}]", names.join(", "))), "{names:?} in {help}");
        }
        for default in ["127.0.0.1", "9559", "8559", "http://localhost:3000", "info", "auto"] {
            assert!(help.contains(&format!("[default: {default}]")), "{default} in {help}");
        }
        assert!(!help.contains("secret-value"), "{help}");
    }

    #[test]
    fn the_variable_that_counts_is_the_one_clap_reads() {
        let command = apply(command(), SETTINGS, environment(&[("OROCHI_PORT", "1"), ("SCITEX_OROCHI_PORT", "2")]));
        let read = |id: &str| command.get_arguments().find(|arg| arg.get_id() == id).and_then(|arg| arg.get_env());
        assert_eq!(read("port"), Some(OsStr::new("SCITEX_OROCHI_PORT")));
        assert_eq!(read("host"), None);
    }

    #[test]
    fn a_bad_value_names_where_it_came_from() {
        let told = |args: &[&str], pairs| {
            let args: Vec<OsString> = args.iter().map(Into::into).collect();
            let error = command().try_get_matches_from(&args).unwrap_err();
            bad_value(&error, SETTINGS, &args, environment(pairs))
        };
        assert_eq!(
            told(&["orochi", "--port", "80x"], &[]).unwrap(),
            "--port is \"80x\"; expected a port number from 0 to 65535"
        );
        assert_eq!(
            told(&["orochi", "--port=80x"], &[("OROCHI_PORT", "9")]).unwrap(),
            "--port is \"80x\"; expected a port number from 0 to 65535"
        );
        assert_eq!(told(&["orochi", "--nonsense"], &[]), None);
        // clap reports a value from a variable in the same way; the flag is not among the arguments.
        let error = command().try_get_matches_from(["orochi", "--gitea-url", "x"]).unwrap_err();
        assert_eq!(
            bad_value(&error, SETTINGS, &[], environment(&[("GITEA_URL", "x")])).unwrap(),
            "GITEA_URL is \"x\"; expected an address such as http://localhost:3000"
        );
    }
}
