//! `listen --exec` with real commands, without a hub.

use std::fs;
use std::path::Path;
use std::time::Duration;

use orochi_agent::budget::Allowance;
use orochi_agent::exec::{Job, Options, Runner};
use tempfile::TempDir;

fn runner(folder: &Path, command: &str) -> Runner {
    let options = Options {
        name: "ci".to_owned(),
        command: command.to_owned(),
        environment: vec![("OUT".to_owned(), folder.join("out").display().to_string())],
        budget: Allowance::default(),
        pauses: [Duration::from_millis(1); 3],
        folder: folder.to_owned(),
        tell: |_| (),
    };
    Runner::new(options).expect("the folder can be used")
}

fn job(seq: u64, text: &str) -> Job {
    Job {
        seq,
        id: format!("id-{seq}"),
        sender: "alice".to_owned(),
        channel: "@alice".to_owned(),
        intent: "inform",
        text: text.to_owned(),
        json: format!("{{\"seq\":{seq},\"content\":{}}}", serde_json::json!(text)),
    }
}

async fn dealt_up_to(runner: &mut Runner, seq: u64) {
    let all = async {
        while runner.cursor() < seq {
            runner.changed().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), all).await.expect("the commands end");
}

fn out(folder: &TempDir) -> String {
    fs::read_to_string(folder.path().join("out")).unwrap_or_default()
}

#[tokio::test]
async fn exec_hands_the_message_over_in_variables_and_on_stdin_and_never_in_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let command = "printf '%s %s %s %s %s %s|' $OROCHI_SEQ $OROCHI_FROM $OROCHI_CHANNEL $OROCHI_INTENT $OROCHI_AGENT \
                   \"$OROCHI_TEXT\" >>$OUT; cat >>$OUT";
    let mut runner = runner(folder.path(), command);
    runner.deliver(job(7, "$(touch injected) `id`\0; \"quoted\""));
    dealt_up_to(&mut runner, 7).await;
    let expected = "7 alice @alice inform ci $(touch injected) `id`; \"quoted\"|\
                    {\"seq\":7,\"content\":\"$(touch injected) `id`\\u0000; \\\"quoted\\\"\"}\n";
    assert_eq!(out(&folder), expected);
}

#[tokio::test]
async fn exec_takes_long_messages_whether_or_not_the_command_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut counting = runner(folder.path(), "wc -c >>$OUT");
    counting.deliver(job(1, &"x".repeat(256 * 1024)));
    dealt_up_to(&mut counting, 1).await;
    assert!(out(&folder).trim().parse::<usize>().unwrap() > 256 * 1024);
    drop(counting);
    let mut deaf = runner(folder.path(), "true");
    deaf.deliver(job(2, &"x".repeat(256 * 1024)));
    dealt_up_to(&mut deaf, 2).await;
}

#[tokio::test]
async fn exec_runs_a_failing_command_three_times_more_then_keeps_the_message_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut runner = runner(folder.path(), "echo $OROCHI_SEQ >>$OUT; test $OROCHI_SEQ != 1 || exit 9");
    runner.deliver(job(1, "fails"));
    runner.deliver(job(2, "works"));
    dealt_up_to(&mut runner, 2).await;
    assert_eq!(out(&folder), "1\n1\n1\n1\n2\n", "one at a time, in order");
    let kept: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("failed/1.json")).unwrap()).unwrap();
    assert_eq!(kept["message"]["content"], "fails");
    assert_eq!(kept["reason"], "exit status: 9");
    assert!(!folder.path().join("failed/2.json").exists());
}

#[tokio::test]
async fn exec_goes_on_after_a_run_that_worked_at_last() {
    let folder = tempfile::tempdir().unwrap();
    let mut runner = runner(folder.path(), "echo run >>$OUT; test $(wc -l <$OUT) = 3");
    runner.deliver(job(1, "twice wrong"));
    dealt_up_to(&mut runner, 1).await;
    assert_eq!(out(&folder), "run\nrun\nrun\n");
    assert!(!folder.path().join("failed").exists());
}

#[tokio::test]
async fn exec_runs_nothing_again_that_was_dealt_with_before_a_death() {
    let folder = tempfile::tempdir().unwrap();
    let command = "echo $OROCHI_SEQ >>$OUT";
    let mut first = runner(folder.path(), command);
    first.deliver(job(1, "a"));
    dealt_up_to(&mut first, 1).await;
    drop(first);
    let mut second = runner(folder.path(), command);
    // The hub's cursor did not get so far.
    second.deliver(job(1, "a"));
    second.deliver(job(2, "b"));
    dealt_up_to(&mut second, 2).await;
    assert_eq!(out(&folder), "1\n2\n");
}

#[tokio::test]
async fn exec_of_one_name_runs_once_on_a_machine() {
    let folder = tempfile::tempdir().unwrap();
    let first = runner(folder.path(), "true");
    let options = Options {
        name: "ci".to_owned(),
        command: "true".to_owned(),
        environment: Vec::new(),
        budget: Allowance::default(),
        pauses: [Duration::ZERO; 3],
        folder: folder.path().to_owned(),
        tell: |_| (),
    };
    let told = Runner::new(options.clone()).expect_err("the name is taken");
    assert!(told.contains("as ci") && told.contains("--name"), "{told}");
    drop(first);
    assert!(Runner::new(options).is_ok());
}
