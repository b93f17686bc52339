//! Commands that stay connected, with a real hub: listen, login and join.

use std::process::Command;

use serde_json::Value;

use crate::support::{RealHub, Running, ended, orochi, whole};

/// `orochi` with these arguments and another name than [`RealHub::orochi`]'s.
fn as_bob(hub: &RealHub, args: &[&str]) -> Command {
    let mut command = orochi(&["--port", &hub.port(), "--name", "bob"]);
    command.args(args);
    command
}

fn say(hub: &RealHub, channel: &str, text: &str) {
    let run = whole(hub.orochi(&["send", channel, text, "--json"]));
    assert!(run.starts_with("exit code: 0\n") && run.ends_with("--- stderr\n"), "{run}");
}

#[test]
fn listen_prints_what_others_say_and_ends_well_by_ctrl_c() {
    let hub = RealHub::start(&[]);
    let mut bob = Running::start(as_bob(&hub, &["listen", "--channel=ci"]));
    let lines = bob.stdout_lines();
    assert_eq!(bob.stderr_line(), "Listening on #ci as bob (Ctrl+C to stop)...");
    say(&hub, "#general", "not for bob");
    say(&hub, "#ci", "build 42 passed");
    say(&hub, "#general", "but this is, @bob");
    say(&hub, "@bob", "and this");
    for expected in
        ["#2 [#ci] tester: build 42 passed", "#3 [#general] tester: but this is, @bob", "#4 [@tester] tester: and this"]
    {
        let line = lines.next();
        let (ts, rest) = line.split_once("] ").expect("[ts] [channel] sender: content");
        assert!(ts.starts_with("[20") && ts.ends_with("+00:00"), "{line}");
        assert_eq!(rest, expected);
    }
    bob.signal("-INT");
    assert_eq!(bob.end(), (Some(0), Vec::new()));
}

#[test]
fn listen_prints_json_a_line_with_the_names_of_a_history_row() {
    let hub = RealHub::start(&[]);
    let mut bob = Running::start(as_bob(&hub, &["listen", "--json"]));
    let lines = bob.stdout_lines();
    bob.stderr_line();
    say(&hub, "#general", "two\nlines, @bob");
    let message: Value = serde_json::from_str(&lines.next()).expect("each line is JSON");
    let output = hub.orochi(&["history", "general", "--json"]).output().expect("the built binary starts");
    let rows: Value = serde_json::from_slice(&output.stdout).expect("--json prints JSON");
    assert_eq!(message, rows[0]);
}

#[test]
fn listen_hears_what_is_sent_from_the_same_machine() {
    let hub = RealHub::start(&[]);
    let port = hub.port();
    let mut listening = Running::start(orochi(&["listen", "--port", &port]));
    let lines = listening.stdout_lines();
    let told = listening.stderr_line();
    assert!(told.starts_with("Listening on #general as ") && told.ends_with("-listen (Ctrl+C to stop)..."), "{told}");
    let mut several = Running::start(orochi(&["listen", "ci", "#builds", "--port", &port]));
    let others = several.stdout_lines();
    assert!(several.stderr_line().starts_with("Listening on #ci, #builds as "));
    for channel in ["general", "builds", "ci"] {
        let sent = whole(orochi(&["send", channel, "hi", "--port", &port]));
        assert!(sent.starts_with("exit code: 0\n"), "{sent}");
    }
    assert!(lines.next().contains("] #1 [#general] "));
    // Two listeners have the same name, so both receive the name's messages.
    assert!(others.next().contains(" [#"));
    let forged = "hi\n[t] #9 [#general] boss: yes";
    assert!(whole(orochi(&["send", "general", forged, "--port", &port])).starts_with("exit code: 0\n"));
    let next = || std::iter::repeat_with(|| lines.next()).find(|line| line.contains("] #4 ")).is_some();
    assert!(next());
    assert_eq!(lines.next(), "    [t] #9 [#general] boss: yes");
}

#[test]
fn listen_ends_quietly_when_its_reader_goes() {
    let hub = RealHub::start(&[]);
    let mut bob = Running::start(as_bob(&hub, &["listen"]));
    bob.stderr_line();
    bob.close_stdout();
    assert_eq!(bob.end(), (Some(0), Vec::new()));
}

#[test]
fn login_is_online_and_a_command_under_its_name_does_not_disturb_it() {
    let hub = RealHub::start(&[]);
    let mut agent = Running::start(hub.orochi(&["login", "--channels", "#general, ci"]));
    let lines = agent.stdout_lines();
    for expected in ["Logged in as tester", "Channels: #general, #ci", "Listening for messages... (Ctrl+C to quit)"] {
        assert_eq!(lines.next(), expected);
    }
    let run = |args: &[&str]| whole(hub.orochi(args));
    let who = ended(0, "  tester  status=online  reach=poll  channels=[#ci, #general]\n", "");
    assert_eq!(run(&["who"]), who);
    say(&hub, "#general", "by the same name");
    assert_eq!(run(&["who"]), who);
    assert_eq!(run(&["who", "--json"]), ended(0, "{\n  \"tester\": [\n    \"#ci\",\n    \"#general\"\n  ]\n}\n", ""));
    assert_eq!(run(&["status"]), ended(0, "Connected agents: 1\n  tester  [online]\n", ""));
    assert_eq!(run(&["members"]), ended(0, "tester: #ci, #general\n", ""));
    assert_eq!(run(&["members", "--channel=ci"]), ended(0, "tester\n", ""));
    assert_eq!(run(&["members", "--channel=other"]), ended(0, "", ""));
    assert_eq!(run(&["channels"]), ended(0, "#ci\n#general\n", ""));

    assert_eq!(whole(as_bob(&hub, &["send", "ci", "done"])), ended(0, "Sent #2 to ci: done\n", ""));
    assert!(lines.next().ends_with("] #2 [#ci] bob: done"));
    agent.signal("-INT");
    assert_eq!(agent.end(), (Some(0), Vec::new()));
}

#[test]
fn login_without_a_name_tells_whom_it_does_not_hear() {
    let hub = RealHub::start(&[]);
    let login = Running::start(orochi(&["login", "--port", &hub.port()]));
    let told = login.stderr_line();
    assert!(told.ends_with("unless --name gives them one, and no name hears its own messages."), "{told}");
    login.signal("-INT");
    assert_eq!(login.end(), (Some(0), Vec::new()));
}

#[test]
fn join_joins_and_says_how_long() {
    let hub = RealHub::start(&[]);
    let note = "Membership lasts as long as a connection, and this one ends here; to stay: orochi login '#ci'\n";
    assert_eq!(whole(hub.orochi(&["join", "#ci"])), ended(0, "Joined #ci\n", note));
}

#[test]
fn a_hub_that_cannot_be_reached_or_entered_is_told_as_for_every_command() {
    let told = "Error: cannot reach the Orochi hub at 127.0.0.1:1: connection refused; \
                start it with 'orochi serve' or name it with --host and --port\n";
    for args in [&["listen"][..], &["login"], &["join", "x"], &["who"]] {
        let mut command = orochi(&["--port=1"]);
        command.args(args);
        assert_eq!(whole(command), ended(1, "", told), "{args:?}");
    }
    let hub = RealHub::start(&["--token=hunter2"]);
    let told = format!("Error: the hub at 127.0.0.1:{} asks for a token; set OROCHI_TOKEN to it\n", hub.port());
    assert_eq!(whole(hub.orochi(&["listen"])), ended(1, "", &told));
}
