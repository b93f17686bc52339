//! Runs that need no hub: help, versions, usage, and invalid variables.

use crate::support::{ended, orochi, whole};

const VERSION: &str = concat!("orochi ", env!("CARGO_PKG_VERSION"), "\n");

#[test]
fn the_version_is_one_line() {
    for args in [&["--version"][..], &["-V"], &["serve", "--version"]] {
        assert_eq!(whole(orochi(args)), ended(0, VERSION, ""), "{args:?}");
    }
}

#[test]
fn a_missing_argument_is_told_with_the_usage() {
    let told = "error: the following required arguments were not provided:\n  <MESSAGE>\n\n\
                Usage: orochi send [OPTIONS] <CHANNEL> <MESSAGE>\n       \
                orochi send [OPTIONS] <CHANNEL> --file <FILE>\n\nFor more information, try '--help'.\n";
    assert_eq!(whole(orochi(&["send", "#general"])), ended(2, "", told));
}

#[test]
fn usage_does_not_require_what_a_variable_has_set() {
    let told = "error: the following required arguments were not provided:\n  <CHANNEL>\n\n  \
                tip: a shell takes an unquoted #name for a comment: write '#name', or name without its #\n\n\
                Usage: orochi history <CHANNEL>\n\nFor more information, try '--help'.\n";
    let mut command = orochi(&["history"]);
    command.env("OROCHI_PORT", "9559").env("OROCHI_HOST", "hub.lab").env("OROCHI_TOKEN", "t").env("OROCHI_AGENT", "a");
    assert_eq!(whole(command), ended(2, "", told));
}

#[test]
fn help_names_every_command_and_exit_code() {
    let help = whole(orochi(&["--help"]));
    for command in [
        "serve", "send", "listen", "login", "join", "who", "status", "channels", "members", "history", "search",
        "receipts", "gitea", "health", "inbox", "ask", "init", "doctor", "hook", "mcp", "licences",
    ] {
        assert!(help.contains(&format!("\n  {command:<9} ")), "{command} in {help}");
    }
    for told in ["exit code: 0\n", "\nExamples:\n", "\n  1    ", "\n  2    ", "\n  4    ", "\n  130  "] {
        assert!(help.contains(told), "{told:?} in {help}");
    }
}

#[test]
fn manual_has_a_page_for_each_command_and_says_where_it_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("new/man1");
    assert_eq!(whole(orochi(&["manual", pages.to_str().unwrap()])), ended(0, "", ""));
    for (page, told) in [("orochi.1", "orochi\\-send(1)"), ("orochi-send.1", "\\-\\-reply\\-to")] {
        let page = std::fs::read_to_string(pages.join(page)).unwrap();
        assert!(page.contains(told), "{told} in {page}");
    }
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let refused = whole(orochi(&["manual", file.join("man1").to_str().unwrap()]));
    assert!(refused.starts_with("exit code: 1\n") && refused.contains("name another folder"), "{refused}");
}

#[test]
fn no_command_shows_the_help_as_an_error() {
    let run = whole(orochi(&[]));
    assert!(run.starts_with("exit code: 2\n--- stdout\n--- stderr\nA hub through which agents talk"), "{run}");
    for port in ["9559", "x"] {
        let mut command = orochi(&[]);
        command.env("OROCHI_PORT", port).env("OROCHI_AGENT", "me");
        assert_eq!(whole(command), run, "OROCHI_PORT={port}");
    }
    let mut command = orochi(&["gitea"]);
    command.env("OROCHI_PORT", "9559");
    let run = whole(command);
    assert!(run.contains("Usage: orochi gitea [OPTIONS] <COMMAND>") && run.contains("Commands:"), "{run}");
}

#[test]
fn licences_have_the_text_of_every_crate() {
    let run = whole(orochi(&["licences"]));
    assert!(run.starts_with("exit code: 0\n--- stdout\nOrochi is under AGPL-3.0"), "{}", &run[..200]);
    assert!(!run.contains("Without a licence file"), "{}", &run[run.len() - 500..]);
    for told in
        ["\ntokio 1.", "\nring 0.", "\npyo3 0.", "\nlibsqlite3-sys 0.", "Permission is hereby granted, free of charge"]
    {
        assert!(run.contains(told), "{told}");
    }
    let mut command = orochi(&["licenses"]);
    command.stdout(std::process::Stdio::piped());
    let mut child = command.spawn().expect("the built binary starts");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("it is our child").code(), Some(0), "`orochi licences | head` ends well");
}

#[test]
fn help_shows_no_token() {
    for args in [&["--help"][..], &["serve", "--help"], &["send", "--help"]] {
        let mut command = orochi(args);
        command.env("OROCHI_TOKEN", "hunter2").env("SCITEX_OROCHI_TOKEN", "hunter3").env("GITEA_TOKEN", "hunter4");
        let run = whole(command);
        assert!(run.contains("SCITEX_OROCHI_TOKEN, OROCHI_TOKEN") && !run.contains("hunter"), "{run}");
    }
}

#[test]
fn a_variable_that_makes_no_sense_is_one_sentence() {
    let cases: [(&[&str], &str, &str, &str); 7] = [
        (&["who"], "OROCHI_PORT", "95x9", "a port number from 0 to 65535"),
        (&["serve"], "SCITEX_OROCHI_PORT", "70000", "a port number from 0 to 65535"),
        (&["serve"], "OROCHI_DASHBOARD_PORT", "-1", "a port number from 0 to 65535"),
        (&["serve"], "OROCHI_ALLOW_ANONYMOUS", "maybe", "1, true or yes, or 0, false or no"),
        (&["serve"], "GITEA_URL", "git.lab", "an address such as http://localhost:3000"),
        (&["serve"], "OROCHI_GITEA_CHANNELS", "lab", "rules such as lab/api=#api,lab/*=#lab,*=#git"),
        (
            &["serve"],
            "OROCHI_LOG",
            "a=b=c",
            "error, warn, info, debug, trace or a filter such as warn,orochi_hub=debug",
        ),
    ];
    for (args, variable, value, expected) in cases {
        let mut command = orochi(args);
        command.env(variable, value);
        assert_eq!(whole(command), ended(2, "", &format!("Error: {variable} is {value:?}; expected {expected}\n")));
    }
}

#[test]
fn a_flag_that_makes_no_sense_is_named_as_the_flag() {
    let mut command = orochi(&["who", "--port=x"]);
    command.env("OROCHI_PORT", "9559");
    let told = "Error: --port is \"x\"; expected a port number from 0 to 65535\n";
    assert_eq!(whole(command), ended(2, "", told));
}

#[test]
fn an_empty_variable_counts_as_unset_and_the_longer_name_wins() {
    let mut command = orochi(&["who"]);
    command.env("SCITEX_OROCHI_HOST", "").env("OROCHI_HOST", "").env("SCITEX_OROCHI_PORT", "1").env("OROCHI_PORT", "2");
    let told = "Error: cannot reach the Orochi hub at 127.0.0.1:1: connection refused; \
                start it with 'orochi serve' or name it with --host and --port\n";
    assert_eq!(whole(command), ended(1, "", told));
}

#[test]
fn a_reachable_address_without_a_token_names_both_ways_out() {
    let told = "Error: 0.0.0.0 can be reached by other machines and OROCHI_TOKEN is not set; \
                set OROCHI_TOKEN to a secret, or OROCHI_ALLOW_ANONYMOUS=1 if everyone who can reach this address \
                may use the hub\n";
    assert_eq!(whole(orochi(&["serve", "--host=0.0.0.0"])), ended(2, "", told));
}

#[test]
fn a_token_with_a_line_end_is_refused_and_not_shown() {
    let told = "Error: OROCHI_TOKEN holds a space, a line end or a control character; \
                use letters, digits, '-', '_', '.' and '~'\n";
    for args in [&["serve"][..], &["who"], &["send", "#general", "hi"]] {
        let mut command = orochi(args);
        command.env("OROCHI_TOKEN", "hunter2\n");
        assert_eq!(whole(command), ended(2, "", told), "{args:?}");
    }
}

#[test]
fn names_that_are_none_are_told_before_anything_is_sent() {
    let run = whole(orochi(&["send", "#no way", "hi"]));
    assert!(run.starts_with("exit code: 2\n--- stdout\n--- stderr\nError: \"#no way\" is not a channel name"), "{run}");
    let run = whole(orochi(&["--name", "-x y", "send", "#general", "hi"]));
    assert!(run.starts_with("exit code: 2\n"), "{run}");
}

#[test]
fn a_ready_file_that_cannot_be_written_keeps_the_hub_from_starting() {
    let run = whole(orochi(&["serve", "--port=0", "--dashboard-port=0", "--ready-file=/no/such/folder/ready"]));
    let told = "Error: cannot write the ready file /no/such/folder/ready: No such file or directory (os error 2); \
                name another with --ready-file\n";
    assert_eq!(run, ended(1, "", told));
}
