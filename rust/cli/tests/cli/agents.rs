//! The commands of an agent in a terminal: inbox, ask, status, receipts, hub.toml, against a real hub.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::Value;

use crate::support::{RealHub, Running, ended, orochi, waits, whole};

fn as_bob(hub: &RealHub, args: &[&str]) -> Command {
    let mut command = orochi(&["--port", &hub.port(), "--name", "bob"]);
    command.args(args);
    command
}

#[test]
fn inbox_lists_what_waits_until_it_is_acknowledged() {
    let hub = RealHub::start(&[]);
    let bob = |args: &[&str]| whole(as_bob(&hub, args));
    assert_eq!(bob(&["inbox"]), ended(0, "Nothing waits for bob.\n", ""));
    for text in ["first, @bob", "second, @bob", "third, @bob"] {
        assert!(whole(hub.orochi(&["send", "#ops", text])).starts_with("exit code: 0\n"));
    }
    let listed = bob(&["inbox", "--limit=2"]);
    assert!(listed.contains("#1 [#ops] tester: first, @bob\n") && listed.contains("More wait: say --ack"), "{listed}");
    assert_eq!(bob(&["inbox", "--limit=2"]), listed, "looking changes nothing");
    assert_eq!(bob(&["inbox", "--limit=2", "--ack"]), listed);
    let rest = bob(&["inbox", "--ack"]);
    assert!(rest.starts_with("exit code: 0\n") && rest.contains("#3 [#ops] tester: third, @bob\n"), "{rest}");
    assert!(!rest.contains("second"), "{rest}");
    assert_eq!(bob(&["inbox"]), ended(0, "Nothing waits for bob.\n", ""));
    assert_eq!(whole(hub.orochi(&["receipts", "3"])), ended(0, "  bob  seen\n", ""));
}

#[test]
fn ask_prints_the_answer_and_exits_with_4_where_none_comes() {
    let hub = RealHub::start(&[]);
    let asked = "Asked @bob (#1); waiting for its answer...\n";
    let told = "Error: no answer from @bob to #1 within 1 s; it will wait: orochi --name tester inbox\n";
    let silent = whole(hub.orochi(&["ask", "bob", "Which branch?", "--timeout=1"]));
    assert_eq!(silent, ended(4, "", &format!("{}{asked}{told}", waits("bob"))));
    let asking = Running::start(hub.orochi(&["ask", "@bob", "Which branch?", "--timeout=60"]));
    assert_eq!(format!("{}\n", asking.stderr_line()), waits("bob"));
    assert_eq!(asking.stderr_line(), "Asked @bob (#2); waiting for its answer...");
    // An answer to the first question is none to the second.
    assert!(whole(as_bob(&hub, &["send", "@tester", "late", "--reply-to=1"])).starts_with("exit code: 0\n"));
    let mut asking = asking;
    let lines = asking.stdout_lines();
    assert!(whole(as_bob(&hub, &["send", "@tester", "main\nof api", "--reply-to=2"])).starts_with("exit code: 0\n"));
    assert_eq!((lines.next(), lines.next()), ("main".to_owned(), "    of api".to_owned()));
    assert_eq!(asking.end(), (Some(0), Vec::new()));
    let run = whole(hub.orochi(&["ask", "#ops", "anyone?"]));
    assert!(run.starts_with("exit code: 2\n"), "{run}");
}

#[test]
fn ask_ends_with_130_by_ctrl_c() {
    let hub = RealHub::start(&[]);
    let asking = Running::start(hub.orochi(&["ask", "@bob", "Which branch?"]));
    asking.stderr_line();
    asking.stderr_line();
    asking.signal("-INT");
    assert_eq!(asking.end(), (Some(130), Vec::new()));
}

#[test]
fn send_waits_until_seen_and_exits_with_4_where_nobody_looks() {
    let hub = RealHub::start(&[]);
    let sent = "Sent #1 to @bob: hi\n";
    let told = "Error: #1 is not seen within 1 s by bob (pending); it is kept for them\n";
    let unseen = whole(hub.orochi(&["send", "@bob", "hi", "--wait=seen=1s"]));
    assert_eq!(unseen, ended(4, sent, &format!("{}{told}", waits("bob"))));
    let waiting = Running::start(hub.orochi(&["send", "@bob", "hi again", "--wait=seen"]));
    waiting.stderr_line();
    assert!(whole(as_bob(&hub, &["inbox", "--ack"])).starts_with("exit code: 0\n"));
    assert_eq!(waiting.end(), (Some(0), Vec::new()));
    for wrong in ["read", "seen=", "seen=soon"] {
        let run = whole(hub.orochi(&["send", "@bob", "hi", "--wait", wrong]));
        assert!(run.starts_with("exit code: 2\n") && run.contains("write seen, or seen=60s"), "{run}");
    }
}

#[test]
fn status_set_is_what_others_see() {
    let hub = RealHub::start(&[]);
    let bob = |args: &[&str]| whole(as_bob(&hub, args));
    let listening = Running::start(as_bob(&hub, &["listen", "--mentions"]));
    assert_eq!(listening.stderr_line(), "Listening for @bob as bob (Ctrl+C to stop)...");
    let set = bob(&["status", "--set", "busy", "--task", "tests", "--progress", "0.4"]);
    assert_eq!(set, ended(0, "bob is busy: tests, 40 %\n", ""));
    assert_eq!(bob(&["status"]), ended(0, "Connected agents: 1\n  bob  [busy]  task: tests\n", ""));
    let output = as_bob(&hub, &["status", "--json"]).output().expect("the built binary starts");
    let all: Value = serde_json::from_slice(&output.stdout).expect("--json prints JSON");
    assert_eq!(all["agents"]["bob"]["progress"], 0.4);
    assert_eq!(bob(&["status", "--set=idle", "--task=", "--progress=none"]), ended(0, "bob is idle\n", ""));
    assert_eq!(bob(&["status"]), ended(0, "Connected agents: 1\n  bob  [idle]\n", ""));
    for wrong in [&["--progress=0.4"][..], &["--set=busy", "--progress=40"], &["--set=busy", "--json"]] {
        let run = bob(&[&["status"][..], wrong].concat());
        assert!(run.starts_with("exit code: 2\n"), "{run}");
    }
    let long = bob(&["status", "--set", &"x".repeat(33)]);
    assert!(long.starts_with("exit code: 1\n") && long.contains("TOO_LARGE"), "{long}");
}

#[test]
fn login_save_keeps_the_hub_for_other_commands() {
    let hub = RealHub::start(&["--token=hunter2"]);
    let home = tempfile::tempdir().expect("a temporary folder");
    let kept = home.path().join(".config/orochi/hub.toml");
    let run = |args: &[&str]| {
        let mut command = orochi(args);
        command.env("HOME", home.path());
        whole(command)
    };
    let dashboard = hub.ready["dashboard_url"].as_str().expect("the dashboard's address").trim_end_matches('/');
    let refused = run(&["login", "--save", "--url", dashboard, "--token=wrong"]);
    assert!(refused.starts_with("exit code: 1\n") && refused.contains("refuses this token"), "{refused}");
    assert!(!kept.exists());
    let saved = run(&["login", "--save", "--url", dashboard, "--token=hunter2"]);
    let told = format!("{} names the hub {dashboard} (readable by you alone).\n", kept.display());
    assert_eq!(saved, ended(0, &told, ""));
    assert_eq!(fs::metadata(&kept).expect("it was written").permissions().mode() & 0o777, 0o600);
    assert_eq!(run(&["who"]), ended(0, "No agents connected.\n", ""));
    // The dashboard's port takes agents, too.
    let mut listening = orochi(&["--name=bob", "listen", "ops"]);
    listening.env("HOME", home.path());
    let listening = Running::start(listening);
    assert_eq!(listening.stderr_line(), "Listening on #ops as bob (Ctrl+C to stop)...");
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o644)).expect("it is ours");
    let again = run(&["login", "--save", "--url", &dashboard.replace("127.0.0.1", "localhost"), "--token=hunter2"]);
    assert!(again.starts_with("exit code: 0\n"), "{again}");
    assert_eq!(fs::metadata(&kept).expect("it was written").permissions().mode() & 0o777, 0o600);
}

#[test]
fn statusline_and_completions_need_no_hub() {
    let mut statusline = orochi(&["statusline"]);
    statusline.env("HOME", "/nonexistent").env("XDG_RUNTIME_DIR", "/nonexistent");
    assert_eq!(whole(statusline), ended(0, "orochi · not running\n", ""));
    for (shell, told) in [("bash", "_orochi()"), ("zsh", "#compdef orochi"), ("fish", "complete -c orochi")] {
        let run = whole(orochi(&["completions", shell]));
        assert!(run.starts_with("exit code: 0\n") && run.contains(told), "{}", &run[..200]);
        assert!(run.contains("receipts") && run.contains("mentions"), "{shell} completes commands and options");
    }
    assert!(whole(orochi(&["completions", "tcsh"])).starts_with("exit code: 2\n"));
}
