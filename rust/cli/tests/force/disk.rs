//! The disk runs full. Messages that can't be stored are refused, nothing acked is lost, and writing continues once
//! there is space again.

use std::fs;
use std::process::Command;

use orochi_client::{Client, Error, Outgoing};
use orochi_protocol::ErrorCode;
use tempfile::TempDir;
use tokio::time::timeout;

use super::checker::{Acked, check_log, read_log};
use super::hub::{DEADLINE, HubProcess};
use super::traffic::options;

/// The largest size of the hub's files, in KiB. Exceeding it is a real error of the system, as with a full disk.
const LIMIT_KIB: u64 = 2048;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_refused_and_forgotten_when_there_is_space_again() {
    let limited = format!("ulimit -S -f {LIMIT_KIB}; exec \"$@\"");
    let folder = TempDir::new().expect("a temporary folder");
    // The hub's own log is on the full disk too, so no line of it can be written either.
    let lines = folder.path().join("hub.log");
    let full = usize::try_from(LIMIT_KIB * 1024).expect("a small number");
    fs::write(&lines, vec![b'\n'; full]).expect("the test has no limit");
    let mut hub = HubProcess::start_logging_to(lines.clone(), folder, &["bash", "-c", &limited, "bash"]);
    let client = Client::connect(options(&hub.url(), "writer")).await.expect("the hub is there");
    let mut acks = Vec::new();
    let mut n = 0;
    let refused = loop {
        match send(&client, n).await {
            Ok(acked) => acks.push(acked),
            Err(error) => break error,
        }
        n += 1;
        assert!(n < 10_000, "the limit was never reached");
    };
    let Error::Refused { code, detail, retry_after, .. } = refused else { panic!("{refused}") };
    assert_eq!(code, ErrorCode::StoreUnavailable);
    assert!(retry_after.is_some(), "trying again can help: {detail}");
    // Lookups and refusals continue while the disk is full.
    client.request("presence", &serde_json::json!({})).await.expect("presence needs no disk");
    assert!(send(&client, n).await.is_err());
    let status = Command::new("prlimit").args(["--pid", &hub.pid().to_string(), "--fsize=unlimited"]).status();
    assert!(status.expect("prlimit is there").success());
    for _ in 0..100 {
        acks.push(send(&client, n).await.expect("there is space again"));
        n += 1;
    }
    hub.terminate();
    tokio::task::block_in_place(|| assert!(hub.ended().success()));
    let said = fs::read_to_string(&lines).expect("the log is text");
    assert!(said.contains("lines of this log were lost") && said.contains("stopped"), "{}", said.trim());
    let log = read_log(&hub.db()).await;
    assert_eq!(log.len(), acks.len(), "what was refused is in the log");
    check_log(&log, &acks, &std::collections::HashMap::from([("writer".to_owned(), n)]));
}

pub async fn send(client: &Client, n: usize) -> Result<Acked, Error> {
    let content = format!("writer {n} {}", "x".repeat(8 * 1024));
    let message = Outgoing { channel: "#load".to_owned(), content, metadata: None, reply_to: None, id: None };
    let receipt = timeout(DEADLINE, client.send(message)).await.expect("the hub answers")?;
    Ok(Acked { id: receipt.id, seq: receipt.seq.expect("this hub gives seqs") })
}
