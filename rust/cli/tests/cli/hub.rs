//! Commands and a real hub: what goes in comes out, and the hub starts, says where it is, and stops.

use std::process::Command;

use serde_json::Value;

use crate::support::{RealHub, ended, orochi, whole};

/// What a run that must succeed prints as JSON.
fn json(mut command: Command) -> Value {
    let output = command.output().expect("the built binary starts");
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("--json prints JSON")
}

#[test]
fn what_was_said_is_found_again() {
    let hub = RealHub::start(&[]);
    let run = |args: &[&str]| whole(hub.orochi(args));
    assert_eq!(run(&["history", "general"]), ended(0, "No history for general.\n", ""));
    assert_eq!(run(&["send", "#general", "deploy done, @bob"]), ended(0, "Sent to #general: deploy done, @bob\n", ""));
    let direct = json(hub.orochi(&["send", "@bob", "between us", "--json"]));
    assert_eq!((&direct["seq"], &direct["delivery"]["bob"]), (&2.into(), &"unknown".into()));

    let rows = json(hub.orochi(&["history", "general", "--json"]));
    let ts = rows[0]["ts"].as_str().expect("a row has its time");
    assert_eq!((&rows[0]["seq"], &rows[0]["mentions"][0]), (&1.into(), &"bob".into()));
    assert_eq!(run(&["history", "general"]), ended(0, &format!("[{ts}] tester: deploy done, @bob\n"), ""));
    assert_eq!(run(&["search", "deploy"]), ended(0, &format!("[{ts}] [#general] tester: deploy done, @bob\n"), ""));
    assert_eq!(json(hub.orochi(&["history", "@bob", "--json"]))[0]["content"], "between us");
    assert_eq!(run(&["history", "general", "--after=1"]), ended(0, "No history for general.\n", ""));
    assert_eq!(run(&["receipts", "1"]), ended(0, "  bob  pending\n", ""));
    assert_eq!(run(&["channels"]), ended(0, "#general\n", ""));
    assert_eq!(run(&["health"]), ended(0, "ok\n", ""));
}

#[test]
fn a_hub_without_agents_says_so() {
    let hub = RealHub::start(&[]);
    let run = |args: &[&str]| whole(hub.orochi(args));
    assert_eq!(run(&["who"]), ended(0, "No agents connected.\n", ""));
    assert_eq!(run(&["who", "--json"]), ended(0, "{}\n", ""));
    assert_eq!(run(&["status"]), ended(0, "Connected agents: 0\n", ""));
    assert_eq!(run(&["members"]), ended(0, "", ""));
    assert_eq!(run(&["members", "--channel=general", "--json"]), ended(0, "[]\n", ""));
    let told = "Error: the hub refused: limit is \"5000\": expected an integer from 1 to 1000 (INVALID_FIELD)\n";
    assert_eq!(run(&["history", "general", "--limit=5000"]), ended(1, "", told));
}

#[test]
fn a_starting_hub_says_where_it_is_and_a_stopping_one_takes_its_ready_file_along() {
    let hub = RealHub::start(&["--log-format=text"]);
    let (agents, dashboard) = (hub.ready["agent_url"].as_str(), hub.ready["dashboard_url"].as_str());
    let db = hub.ready["db"].as_str().expect("the log's path");
    let block = [
        format!("Orochi {} is ready", env!("CARGO_PKG_VERSION")),
        format!("  agents     {}", agents.expect("an address")),
        format!("  dashboard  {}", dashboard.expect("an address")),
        format!("  log        {db}"),
        "  token      not required; only programs on this machine can connect".to_owned(),
        "  stop       Ctrl-C or SIGTERM".to_owned(),
    ];
    let printed: Vec<&String> = hub.block.iter().skip_while(|line| !line.starts_with("Orochi ")).collect();
    assert_eq!(printed, block.iter().collect::<Vec<_>>());
    let (folder, ready_file) = hub.stop_keeping_folder();
    assert!(folder.path().join("orochi.db").exists());
    assert!(!ready_file.exists());
}

#[test]
fn a_hub_told_to_log_json_writes_nothing_else() {
    let hub = RealHub::start(&["--log-format=json", "--token=hunter2"]);
    let mut lines = hub.block.clone();
    let (code, rest) = hub.terminate();
    assert_eq!(code, Some(0));
    lines.extend(rest);
    for line in &lines {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
        assert!(event["level"].is_string() && !line.contains("hunter2"), "{line}");
    }
    let ready: Value = serde_json::from_str(&lines[lines.len() - 1]).expect("checked above");
    assert_eq!(ready["message"], "stopped");
}

#[test]
fn a_token_opens_the_hub_and_is_in_no_line_of_its_log() {
    let hub = RealHub::start(&["--token=hunter2", "--log=trace"]);
    assert!(hub.block.iter().any(|line| line.starts_with("  token      required; ")), "{:?}", hub.block);
    let place = format!("127.0.0.1:{}", hub.port());
    let told = format!("Error: the hub at {place} asks for a token; set OROCHI_TOKEN to it\n");
    assert_eq!(whole(hub.orochi(&["send", "#general", "hi"])), ended(1, "", &told));
    let mut command = hub.orochi(&["send", "#general", "hi"]);
    command.env("OROCHI_TOKEN", "hunter2");
    assert_eq!(whole(command), ended(0, "Sent to #general: hi\n", ""));
    let mut lines = hub.block.clone();
    lines.extend(hub.terminate().1);
    assert!(!lines.iter().any(|line| line.contains("hunter2")), "{lines:#?}");
}

#[test]
fn a_port_or_a_log_that_is_taken_is_one_sentence() {
    let hub = RealHub::start(&[]);
    let port = hub.port();
    let told = format!(
        "Error: cannot listen on 127.0.0.1:{port} for agents: another program listens there; \
         stop it or name another port with --port\n"
    );
    assert_eq!(whole(orochi(&["serve", "--port", &port])), ended(1, "", &told));

    let db = hub.ready["db"].as_str().expect("the log's path");
    let run = whole(orochi(&["serve", "--port=0", "--dashboard-port=0", "--db", db]));
    assert!(run.starts_with("exit code: 1\n--- stdout\n--- stderr\nError: ") && run.contains(db), "{run}");
    assert_eq!(run.lines().count(), 4, "{run}");
}

#[test]
fn the_old_program_name_starts_the_hub_too() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let program = folder.path().join("orochi-server");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_orochi"), &program).expect("a folder of ours takes a link");
    let mut command = Command::new(program);
    command.env_clear().args(["--port", "x"]);
    assert_eq!(whole(command), ended(2, "", "Error: --port is \"x\"; expected a port number from 0 to 65535\n"));
}
