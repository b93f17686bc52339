//! One log has one hub, whatever its path, and only its owner can read it, whatever the umask.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use super::hub::HubProcess;

/// Starts a second hub on the log at `db`, which must end at once.
fn second(db: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orochi"));
    command.args(["serve", "--port=0", "--dashboard-port=0", "--db"]).arg(db);
    for name in std::env::vars().map(|(name, _)| name).filter(|name| name.contains("OROCHI_")) {
        command.env_remove(name);
    }
    command.output().expect("the built binary starts")
}

#[test]
fn second_hub_on_a_log_is_refused_by_whatever_path() {
    let hub = HubProcess::start();
    let elsewhere = TempDir::new().expect("a temporary folder");
    let link = elsewhere.path().join("link.db");
    std::os::unix::fs::symlink(hub.db(), &link).expect("a link");
    let mut lock = hub.db().into_os_string();
    lock.push(".lock");
    std::fs::remove_file(lock).expect("the note is there");
    for path in [hub.db(), link] {
        let refused = second(&path);
        let text = String::from_utf8_lossy(&refused.stderr);
        assert!(refused.status.code() == Some(1) && text.contains("in use by another hub"), "{path:?}: {text}");
    }
    let hard = hub.db().with_file_name("hard.db");
    std::fs::hard_link(hub.db(), &hard).expect("a hard link");
    let refused = second(&hard);
    let text = String::from_utf8_lossy(&refused.stderr);
    assert!(refused.status.code() == Some(1) && text.contains("hard links"), "{text}");
}

#[test]
fn log_and_new_folders_are_private_whatever_the_umask() {
    for umask in ["000", "277"] {
        let folder = TempDir::new().expect("a temporary folder");
        // The file is in folders that don't exist yet.
        let script = format!("umask {umask}; exec \"${{@/%orochi.db/new/deep/orochi.db}}\"");
        let hub = HubProcess::start_in(folder, &["bash", "-c", &script, "bash"]);
        let mode = |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        let deep = hub.db().parent().expect("a folder").join("new/deep");
        for folder in [&deep, &deep.parent().expect("a folder").to_owned()] {
            assert_eq!(mode(folder), 0o700, "{folder:?} under umask {umask}");
        }
        let files: Vec<_> =
            std::fs::read_dir(&deep).expect("a folder").map(|entry| entry.expect("a file").path()).collect();
        assert!(files.len() >= 4, "{files:?}");
        for file in files {
            assert_eq!(mode(&file), 0o600, "{file:?} under umask {umask}");
        }
    }
}
