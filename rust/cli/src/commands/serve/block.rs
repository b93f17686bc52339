//! The block that a starting hub prints: everything that is needed to connect.

use std::fmt::Write;

use orochi_hub::Checked;
use orochi_hub::Ready;

/// The block, with a line end after each line. It has no token. The sign-in address is printed only to a terminal, so
/// that it is in no log file.
pub fn text(config: &Checked, ready: &Ready, is_terminal: bool) -> String {
    let mut lines = vec![
        ("agents", ready.agent_url.clone()),
        ("dashboard", ready.dashboard_url.clone()),
        ("log", ready.db.display().to_string()),
    ];
    lines.extend(ready.db_note.iter().map(|note| ("", note.clone())));
    lines.extend(
        ready.upgraded_from.iter().map(|old| ("", format!("upgraded; the old file is kept as {}", old.display()))),
    );
    lines.push(("token", token(config, ready).to_owned()));
    let link = ready.sign_in_url.iter().filter(|_| is_terminal);
    lines.extend(link.map(|url| ("sign in", format!("{url} (works once, within 10 minutes)"))));
    lines.push(("stop", "Ctrl-C or SIGTERM".to_owned()));

    let mut block = format!("Orochi {} is ready\n", env!("CARGO_PKG_VERSION"));
    for (what, value) in lines {
        writeln!(block, "  {what:<10} {value}").expect("writing to a String can't fail");
    }
    block
}

fn token(config: &Checked, ready: &Ready) -> &'static str {
    if ready.token_required {
        return "required; clients give it in OROCHI_TOKEN, as ?token= or as 'Authorization: Bearer'";
    }
    if config.is_loopback() {
        "not required; only programs on this machine can connect"
    } else {
        "not required; everyone who can reach this machine may use the hub"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orochi_hub::Config;

    fn ready() -> Ready {
        Ready {
            agent_url: "ws://127.0.0.1:9559".into(),
            dashboard_url: "http://127.0.0.1:8559".into(),
            db: "/data/orochi.db".into(),
            db_note: None,
            token_required: false,
            sign_in_url: None,
            upgraded_from: None,
        }
    }

    #[test]
    fn it_says_where_everything_is() {
        assert_eq!(
            text(&Config::default().check().unwrap(), &ready(), true),
            concat!(
                "Orochi ",
                env!("CARGO_PKG_VERSION"),
                " is ready\n",
                "  agents     ws://127.0.0.1:9559\n",
                "  dashboard  http://127.0.0.1:8559\n",
                "  log        /data/orochi.db\n",
                "  token      not required; only programs on this machine can connect\n",
                "  stop       Ctrl-C or SIGTERM\n",
            )
        );
    }

    #[test]
    fn notes_stand_under_the_log_and_the_token_is_not_shown() {
        let config = Config { token: "hunter2".into(), ..Config::default() };
        let ready = Ready {
            db_note: Some("here, because".into()),
            token_required: true,
            upgraded_from: Some("/data/orochi.db.0.1.0".into()),
            ..ready()
        };
        let text = text(&config.check().unwrap(), &ready, true);
        assert!(text.contains("             here, because\n             upgraded;"), "{text}");
        assert!(text.contains("  token      required"), "{text}");
        assert!(!text.contains("hunter2"));
    }

    #[test]
    fn an_open_hub_is_called_open() {
        let config = Config { host: "0.0.0.0".into(), allow_anonymous: true, ..Config::default() };
        assert!(text(&config.check().unwrap(), &ready(), true).contains("everyone who can reach this machine"));
    }
}
