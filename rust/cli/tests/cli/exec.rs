//! `orochi listen --mentions --exec`: a shell command as an agent, against a real hub.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{RealHub, Running, ended, orochi, whole};

/// Far above what a few commands take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// A home of its own for the agent `ci`, and a file that its commands write to.
struct Machine {
    hub: RealHub,
    home: TempDir,
}

impl Machine {
    fn start() -> Self {
        Self { hub: RealHub::start(&[]), home: TempDir::new().expect("a temporary folder") }
    }

    fn listen(&self, command: &str, more: &[&str]) -> Running {
        let mut listening = orochi(&["--port", &self.hub.port(), "--name", "ci", "listen", "--mentions", "--exec"]);
        listening.arg(command).args(more).env("HOME", self.home.path()).env("PATH", "/usr/bin:/bin");
        listening.env("OUT", self.out());
        Running::start(listening)
    }

    fn out(&self) -> PathBuf {
        self.home.path().join("out")
    }

    fn lines(&self) -> Vec<String> {
        fs::read_to_string(self.out()).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    fn run(&self, args: &[&str]) -> String {
        whole(self.hub.orochi(args))
    }

    /// Asks again until the run says it.
    fn until(&self, args: &[&str], told: &str) {
        until(|| self.run(args).contains(told), &format!("{told:?} of {args:?}"));
    }
}

fn until(holds: impl Fn() -> bool, what: &str) {
    let deadline = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        thread::yield_now();
    }
}

#[test]
fn exec_runs_a_command_for_what_waited_and_for_what_comes_and_says_seen() {
    let machine = Machine::start();
    assert!(machine.run(&["send", "#ops", "before it started, @ci", "--intent=inform"]).starts_with("exit code: 0\n"));
    let answer = "printf '%s|' $OROCHI_SEQ $OROCHI_FROM $OROCHI_CHANNEL $OROCHI_INTENT >>$OUT; cat >>$OUT";
    let ci = machine.listen(answer, &[]);
    assert_eq!(ci.stderr_line(), "Listening for @ci; each message runs the command (Ctrl+C to stop)...");
    machine.until(&["receipts", "1"], "ci  seen");
    machine.until(&["who"], "  ci  status=online  reach=wake  channels=[]\n");
    assert_eq!(
        machine.run(&["send", "@ci", "now", "--wait=seen"]),
        ended(0, "Sent #2 to @ci: now\n  ci: online, wakes on it\n", "")
    );
    assert!(machine.run(&["send", "#ops", "not for it"]).starts_with("exit code: 0\n"));
    let lines = machine.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    for (line, (start, content)) in
        lines.iter().zip([("1|tester|#ops|inform|", "before it started, @ci"), ("2|tester|@tester|request|", "now")])
    {
        let message: Value = serde_json::from_str(line.strip_prefix(start).expect(line)).expect("JSON on stdin");
        assert_eq!((&message["content"], &message["sender"]), (&content.into(), &"tester".into()));
    }
    ci.signal("-INT");
    assert_eq!(ci.end(), (Some(0), Vec::new()));
}

#[test]
fn exec_command_answers_as_the_agent_at_the_same_hub() {
    let machine = Machine::start();
    let program = env!("CARGO_BIN_EXE_orochi");
    let answer = format!("{program} send \"$OROCHI_CHANNEL\" 'done' --reply-to $OROCHI_SEQ --intent ack");
    let ci = machine.listen(&answer, &[]);
    ci.stderr_line();
    machine.until(&["who"], "reach=wake");
    assert_eq!(
        machine.run(&["ask", "@ci", "deploy"]),
        ended(0, "done\n", "Asked @ci (#1); waiting for its answer...\n")
    );
}

#[test]
fn exec_tells_of_a_failed_run_and_runs_the_command_again() {
    let machine = Machine::start();
    let ci = machine.listen("echo run >>$OUT; test $(wc -l <$OUT) = 2 || exit 3", &[]);
    ci.stderr_line();
    machine.until(&["who"], "reach=wake");
    assert!(machine.run(&["send", "@ci", "go", "--wait=seen"]).starts_with("exit code: 0\n"));
    assert_eq!(ci.stderr_line(), "#1 by tester: exit status: 3; the command runs again in 1 s");
    assert_eq!(machine.lines().len(), 2);
}

#[test]
fn exec_holds_requests_over_the_budget_and_tells_both_sides() {
    let machine = Machine::start();
    let ci = machine.listen("echo $OROCHI_SEQ >>$OUT", &["--budget=3/h"]);
    ci.stderr_line();
    machine.until(&["who"], "reach=wake");
    for _ in 0..4 {
        assert!(machine.run(&["send", "@ci", "again"]).starts_with("exit code: 0\n"));
    }
    machine.until(&["status"], "task: wake budget spent");
    machine.until(&["who"], "reach=turn");
    assert_eq!(machine.lines(), ["1", "2", "3"]);
    let told = "  ci: online, reads it in its next turn\n";
    assert!(machine.run(&["send", "@ci", "fyi", "--intent=inform"]).contains(told));
    assert_eq!(machine.run(&["receipts", "4"]), ended(0, "  ci  delivered\n", ""));
}

/// Each death can cost one run of its message, never a message, and no handled message runs again.
#[test]
fn exec_loses_nothing_and_repeats_only_what_was_cut_off_when_it_is_killed() {
    const KILLS: usize = 12;
    let machine = Machine::start();
    for n in 0..4 * KILLS {
        assert!(machine.run(&["send", "@ci", &n.to_string(), "--intent=inform"]).starts_with("exit code: 0\n"));
    }
    for kill in 0..KILLS {
        let ci = machine.listen("echo $OROCHI_SEQ >>$OUT", &[]);
        let wanted = machine.lines().len() + 1 + kill % 3;
        until(|| machine.lines().len() >= wanted.min(4 * KILLS), "commands that ran");
        ci.signal("-KILL");
        ci.end();
    }
    let ci = machine.listen("echo $OROCHI_SEQ >>$OUT", &[]);
    let last = (4 * KILLS).to_string();
    machine.until(&["receipts", &last], "ci  seen");
    ci.signal("-INT");
    ci.end();
    let lines = machine.lines();
    let distinct: BTreeSet<&String> = lines.iter().collect();
    assert_eq!(distinct.len(), 4 * KILLS, "nothing is lost");
    assert!(lines.len() <= 5 * KILLS, "{} runs of {} messages with {KILLS} deaths", lines.len(), 4 * KILLS);
}

#[test]
fn exec_that_makes_no_sense_is_told_before_anything_runs() {
    let run = |args: &[&str]| {
        let mut command: Command = orochi(&["--port=1", "--name=ci", "listen"]);
        command.args(args).env("HOME", "/").env("XDG_STATE_HOME", "/dev/null");
        whole(command)
    };
    for (args, told) in [
        (&["--exec=true"][..], "--mentions"),
        (&["--mentions", "general"], "cannot be used with"),
        (&["--mentions", "--exec=true", "--budget=off"], "30/h"),
        (&["--mentions", "--exec=true", "--budget=7"], "30/h"),
        (&["--mentions", "--budget=7/h"], "--exec"),
    ] {
        let ran = run(args);
        assert!(ran.starts_with("exit code: 2\n") && ran.contains(told), "{ran}");
    }
    let ran = run(&["--mentions", "--exec=true"]);
    assert!(ran.starts_with("exit code: 1\n") && ran.contains("cannot use /dev/null/orochi/exec"), "{ran}");
}
