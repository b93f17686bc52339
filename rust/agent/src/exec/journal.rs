//! The handled messages, one line each. The file survives the listener's death.

use std::collections::{HashSet, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::queue::SPAN_MAX;
use crate::files;

/// More than can be handled after the hub's cursor.
const KEPT_MAX: usize = 2 * SPAN_MAX;

/// The journal of one name.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    kept: VecDeque<String>,
    known: HashSet<String>,
    /// Lines in the file; memory has only the newer ones.
    lines: usize,
}

impl Journal {
    /// Reads the journal; a missing one is empty.
    ///
    /// # Errors
    /// The system's error.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let text = match fs::read(path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let mut file = append(path)?;
        if !text.is_empty() && !text.ends_with('\n') {
            // A kill cut the last line short.
            file.write_all(b"\n")?;
        }
        let lines = text.lines().count();
        let kept: VecDeque<String> = text.lines().skip(lines.saturating_sub(KEPT_MAX)).map(str::to_owned).collect();
        let known = kept.iter().cloned().collect();
        Ok(Self { path: path.to_owned(), file, kept, known, lines })
    }

    /// The file's path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// True if this message was handled.
    pub(super) fn contains(&self, key: &str) -> bool {
        self.known.contains(key)
    }

    /// Adds a message. If the disk refuses, it still counts in memory.
    ///
    /// # Errors
    /// The system's error.
    pub(super) fn add(&mut self, key: String) -> io::Result<()> {
        let line = format!("{key}\n");
        self.known.insert(key.clone());
        self.kept.push_back(key);
        if self.kept.len() > KEPT_MAX
            && let Some(oldest) = self.kept.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.lines += 1;
        if self.lines <= 2 * KEPT_MAX {
            return self.file.write_all(line.as_bytes());
        }
        let mut all = String::new();
        for key in &self.kept {
            all.push_str(key);
            all.push('\n');
        }
        files::write(&self.path, all.as_bytes(), 0o600)?;
        (self.file, self.lines) = (append(&self.path)?, self.kept.len());
        Ok(())
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exec_journal_outlives_its_process_and_a_line_that_was_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.done");
        let mut journal = Journal::open(&path).unwrap();
        journal.add("one".to_owned()).unwrap();
        drop(journal);
        fs::write(&path, fs::read_to_string(&path).unwrap() + "tw").unwrap();
        let mut journal = Journal::open(&path).unwrap();
        assert!(journal.contains("one") && !journal.contains("two"));
        journal.add("two".to_owned()).unwrap();
        assert!(Journal::open(&path).unwrap().contains("two"));
    }

    #[test]
    fn exec_journal_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.done");
        let mut journal = Journal::open(&path).unwrap();
        (0..=2 * KEPT_MAX).for_each(|n| journal.add(n.to_string()).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), KEPT_MAX);
        assert!(!journal.contains("0") && journal.contains(&(2 * KEPT_MAX).to_string()));
    }
}
