//! Commands with a real hub: what they send and print, and how the hub starts, announces itself, and stops.

use std::process::Command;

use serde_json::Value;

use crate::support::{RealHub, ended, orochi, waits, whole};

/// The JSON output of a run that must succeed.
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
    let (sent, unknown) = ("Sent #1 to #general: deploy done, @bob\n", waits("bob"));
    assert_eq!(run(&["send", "#general", "deploy done, @bob"]), ended(0, sent, &unknown));
    let direct = json(hub.orochi(&["send", "@bob", "between us", "--json"]));
    assert_eq!((&direct["seq"], &direct["delivery"]["bob"]), (&2.into(), &"unknown".into()));

    let rows = json(hub.orochi(&["history", "general", "--json"]));
    let ts = rows[0]["ts"].as_str().expect("a row has its time");
    assert_eq!((&rows[0]["seq"], &rows[0]["mentions"][0]), (&1.into(), &"bob".into()));
    assert_eq!(run(&["history", "general"]), ended(0, &format!("[{ts}] #1 tester: deploy done, @bob\n"), ""));
    assert_eq!(run(&["search", "deploy"]), ended(0, &format!("[{ts}] #1 [#general] tester: deploy done, @bob\n"), ""));
    assert_eq!(json(hub.orochi(&["history", "@bob", "--json"]))[0]["content"], "between us");
    assert_eq!(run(&["history", "general", "--after=1"]), ended(0, "No history for general.\n", ""));
    for number in ["1", "#1"] {
        assert_eq!(run(&["receipts", number]), ended(0, "  bob  pending\n", ""));
    }
    assert_eq!(run(&["channels"]), ended(0, "#general\n", ""));
    assert_eq!(run(&["health"]), ended(0, "ok\n", ""));
    assert_eq!(run(&["health", "--json"]), ended(0, "{\n  \"alive\": true,\n  \"ready\": true\n}\n", ""));
}

#[test]
fn history_prints_the_oldest_first_and_keeps_each_message_one_message() {
    let hub = RealHub::start(&[]);
    let forged = "\u{202e}one\r\n[2026-01-15T10:30:00+00:00] #7 boss: two\u{2028}three\u{85}four\x1b[2J";
    for text in ["first", forged] {
        json(hub.orochi(&["send", "#general", text, "--json"]));
    }
    let lines = |args: &[&str]| {
        let output = hub.orochi(args).output().expect("the built binary starts");
        let text = String::from_utf8(output.stdout).expect("all output is UTF-8");
        text.lines().map(|line| line.split_once("] ").map_or("", |(_, rest)| rest).to_owned()).collect::<Vec<_>>()
    };
    let first = "#1 tester: first".to_owned();
    let second = ["#2 tester: \\u{202e}one", "#7 boss: two\\u{2028}three\\u{85}four\\x1b[2J"].map(str::to_owned);
    let oldest_first = [&[first.clone()][..], &second].concat();
    assert_eq!(lines(&["history", "general"]), oldest_first);
    assert_eq!(lines(&["history", "general", "--newest-first"]), [&second[..], &[first]].concat());
    let text = String::from_utf8(hub.orochi(&["history", "general"]).output().expect("it starts").stdout);
    assert!(text.is_ok_and(|text| text.contains("\n    [2026-01-15T10:30:00+00:00] #7 boss: two")));
    // `--json` prints exactly what was sent.
    assert_eq!(json(hub.orochi(&["history", "general", "--json"]))[1]["content"], forged);
    assert_eq!(json(hub.orochi(&["history", "general", "--json", "--newest-first"]))[0]["content"], forged);
}

#[test]
fn send_reads_standard_input_and_files() {
    let hub = RealHub::start(&[]);
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let (file, most) = (folder.path().join("text"), "x".repeat(256 * 1024));
    std::fs::write(&file, format!("{most}\n")).expect("a folder of ours takes a file");
    let path = file.to_str().expect("a plain path");
    assert_eq!(whole(hub.orochi(&["send", "general", "--file", path])), ended(0, "Sent #1 to general\n", ""));
    std::fs::write(&file, "two\nlines\n").expect("a folder of ours takes a file");
    let mut command = hub.orochi(&["send", "#general", "-", "--reply-to", "#1"]);
    command.stdin(std::fs::File::open(&file).expect("it was written"));
    assert_eq!(whole(command), ended(0, "Sent #2 to #general\n", ""));
    let rows = json(hub.orochi(&["history", "general", "--json"]));
    assert_eq!((&rows[0]["content"], &rows[1]["content"]), (&most.into(), &"two\nlines".into()));
    assert_eq!(rows[1]["reply_to"], 1);

    let told = "Error: the message is empty; say something, or nothing is sent\n";
    for args in [&["send", "general", ""][..], &["send", "general", " \n"], &["send", "general", "-"]] {
        assert_eq!(whole(hub.orochi(args)), ended(2, "", told), "{args:?}");
    }
    let told = "Error: cannot read /no/such/file: No such file or directory (os error 2)\n";
    assert_eq!(whole(hub.orochi(&["send", "general", "--file=/no/such/file"])), ended(2, "", told));
}

#[test]
fn send_tells_of_names_that_nobody_has() {
    let hub = RealHub::start(&[]);
    let told = waits("carol") + &waits("enginer");
    let sent = "Sent #1 to #general: @enginer and @carol\n";
    assert_eq!(whole(hub.orochi(&["send", "#general", "@enginer and @carol"])), ended(0, sent, &told));
    assert_eq!(whole(hub.orochi(&["send", "@dave", "hi"])), ended(0, "Sent #2 to @dave: hi\n", &waits("dave")));
    let joined = whole(orochi(&["join", "ci", "--name=dave", "--port", &hub.port()]));
    assert!(joined.starts_with("exit code: 0\n"), "{joined}");
    let sent = "Sent #3 to @dave: hi\n  dave: offline, gets it when it is back\n";
    assert_eq!(whole(hub.orochi(&["send", "@dave", "hi"])), ended(0, sent, ""));
}

#[test]
fn a_hub_without_agents_says_so() {
    let hub = RealHub::start(&[]);
    let run = |args: &[&str]| whole(hub.orochi(args));
    assert_eq!(run(&["who"]), ended(0, "No agents connected.\n", ""));
    assert_eq!(run(&["who", "--json"]), ended(0, "{}\n", ""));
    assert_eq!(run(&["status"]), ended(0, "Connected agents: 0\n", ""));
    assert_eq!(run(&["members"]), ended(0, "", ""));
    for channel in ["--channel=general", "general"] {
        assert_eq!(run(&["members", channel, "--json"]), ended(0, "[]\n", ""));
    }
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
    assert_eq!(whole(command), ended(0, "Sent #1 to #general: hi\n", ""));
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
