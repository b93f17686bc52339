//! The log's file system becomes read-only, as Linux makes it after a disk error. Sends are refused, and acked messages
//! are there once the disk is repaired.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use orochi_client::{Client, Error};
use orochi_protocol::ErrorCode;
use tempfile::TempDir;

use super::checker::{check_log, read_log};
use super::disk::send;
use super::hub::HubProcess;
use super::traffic::options;

/// A small ext4 in a file, mounted for this test. Dropping it unmounts it.
struct Disk {
    folder: TempDir,
}

impl Disk {
    /// Returns None if this user may not mount, or ext4 can't simulate an error.
    fn mount() -> Option<Self> {
        let disk = Self { folder: TempDir::new().expect("a temporary folder") };
        let image = disk.image();
        fs::create_dir(disk.path()).expect("a folder");
        fs::File::create(&image).and_then(|file| file.set_len(64 << 20)).expect("a sparse file");
        let made = run(Command::new("mkfs.ext4").args(["-q", "-F", "-e", "remount-ro"]).arg(&image));
        if made && disk.mount_again() && disk.trigger().is_some_and(|trigger| trigger.exists()) {
            return Some(disk);
        }
        eprintln!("skipped: a disk that fails needs root, a loop device and ext4 (mkfs.ext4)");
        None
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("image")
    }

    fn mount_again(&self) -> bool {
        run(Command::new("mount").args(["-o", "loop"]).arg(self.image()).arg(self.path()))
    }

    fn unmount(&self) -> bool {
        run(Command::new("umount").arg(self.path()))
    }

    /// The kernel's trigger for an error of this file system.
    fn trigger(&self) -> Option<PathBuf> {
        let found = Command::new("findmnt").args(["-no", "SOURCE"]).arg(self.path()).output().ok()?;
        let device = String::from_utf8(found.stdout).ok()?;
        Some(Path::new("/sys/fs/ext4").join(Path::new(device.trim()).file_name()?).join("trigger_fs_error"))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.unmount();
    }
}

fn run(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_turns_read_only_refuses_and_loses_nothing() {
    let Some(disk) = Disk::mount() else { return };
    let folder = tempfile::tempdir_in(disk.path()).expect("a folder on it");
    let db = folder.path().join("orochi.db");
    let mut hub = HubProcess::start_in(folder, &[]);
    let client = Client::connect(options(&hub.url(), "writer")).await.expect("the hub is there");
    let mut acks = Vec::new();
    for n in 0..50 {
        acks.push(send(&client, n).await.expect("the disk takes writes"));
    }
    fs::write(disk.trigger().expect("looked for before"), "1").expect("root may");
    let Err(Error::Refused { code, detail, .. }) = send(&client, 50).await else { panic!("it can't be on disk") };
    assert_eq!(code, ErrorCode::StoreUnavailable, "{detail}");
    client.request("presence", &serde_json::json!({})).await.expect("presence needs no disk");
    hub.terminate();
    tokio::task::block_in_place(|| hub.ended());
    assert!(disk.unmount());
    run(Command::new("e2fsck").arg("-fy").arg(disk.image()));
    assert!(disk.mount_again());
    let log = read_log(&db).await;
    check_log(&log, &acks, &std::collections::HashMap::from([("writer".to_owned(), 50)]));
}
