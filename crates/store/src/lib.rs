//! Runs on disk: a working folder, published all at once or not at all.
//!
//! ```text
//! OUT/runs/as_of=2011-12-09/run=4f1c.../   everything of a run
//! OUT/current -> runs/as_of=.../run=...      swapped by rename, the last act of a run
//! OUT/run.json, report.html, rejects          links through `current`
//! OUT/stages/rfm/                            what a single-stage command made; `current` does not move
//! OUT/failed/                                what a run that failed a gate left behind
//! ```

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use tillwise_core::Day;

/// Why a run could not be stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A file or folder could not be read or written.
    #[error("cannot write {}: {source}; choose another folder with --out or [run] out", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// An input could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Another process works in the folder.
    #[error("another run is working in {}; wait for it, or choose another folder with --out", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> StoreError + '_ {
    move |source| StoreError::Io { path: path.to_owned(), source }
}

/// The BLAKE3 hash of a file's content, in hex, and its size.
///
/// # Errors
/// If the file cannot be read.
pub fn hash_file(path: &Path) -> Result<(String, u64), StoreError> {
    let read = |source| StoreError::Read { path: path.to_owned(), source };
    let mut hasher = blake3::Hasher::new();
    let size = io::copy(&mut File::open(path).map_err(read)?, &mut hasher).map_err(read)?;
    Ok((hasher.finalize().to_hex().to_string(), size))
}

/// A run's id: sixteen hex digits of the hash of everything that decides its result.
pub fn run_id(parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

/// An output folder, locked for one process.
#[derive(Debug)]
pub struct Output {
    root: PathBuf,
    /// Held until drop.
    _lock: File,
}

impl Output {
    /// Creates the folder if need be, locks it, and sweeps out what a killed run left.
    ///
    /// # Errors
    /// If it is not writable, or another process holds it.
    pub fn open(root: &Path) -> Result<Output, StoreError> {
        fs::create_dir_all(root).map_err(at(root))?;
        let root = root.canonicalize().map_err(at(root))?;
        let path = root.join(".lock");
        let lock = File::create(&path).map_err(at(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::Locked { path: root }),
            Err(TryLockError::Error(source)) => return Err(StoreError::Io { path, source }),
        }
        let output = Output { root, _lock: lock };
        let work = output.work();
        if work.exists() {
            fs::remove_dir_all(&work).map_err(at(&work))?;
        }
        Ok(output)
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn work(&self) -> PathBuf {
        self.root.join(".work")
    }

    /// A fresh working folder, on the same file system as the runs.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn begin(&self) -> Result<PathBuf, StoreError> {
        let work = self.work();
        fs::create_dir_all(&work).map_err(at(&work))?;
        Ok(work)
    }

    /// Every complete run with its day, the latest day first and on one day the latest made first.
    fn runs(&self) -> Vec<(Day, PathBuf)> {
        let list = |folder: &Path| {
            fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect::<Vec<_>>()
        };
        let day = |folder: &Path| folder.file_name()?.to_str()?.strip_prefix("as_of=")?.parse::<Day>().ok();
        let made = |run: &Path| -> Option<u64> {
            let record: serde_json::Value =
                serde_json::from_str(&fs::read_to_string(run.join("run.json")).ok()?).ok()?;
            Some(record["started_at"].as_u64().unwrap_or(0))
        };
        let mut runs: Vec<(Day, PathBuf)> = list(&self.root.join("runs"))
            .into_iter()
            .filter_map(|folder| Some((day(&folder)?, list(&folder))))
            .flat_map(|(day, runs)| runs.into_iter().map(move |run| (day, run)))
            .filter(|(_, run)| run.join("run.json").is_file())
            .collect();
        // Records are read only where a day has more than one run.
        runs.sort_by(|a, b| {
            b.0.cmp(&a.0).then_with(|| made(&b.1).cmp(&made(&a.1))).then_with(|| b.1.cmp(&a.1))
        });
        runs
    }

    /// The complete runs whose id is this one, or begins with it and a hyphen: those that came from the same files and config.
    pub fn find(&self, run_id: &str) -> Vec<(Day, PathBuf)> {
        let same = |run: &Path| {
            let name = run.file_name().and_then(|n| n.to_str()).and_then(|n| n.strip_prefix("run="));
            name.and_then(|n| n.strip_prefix(run_id))
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        self.runs().into_iter().filter(|(_, run)| same(run)).collect()
    }

    /// The runs of earlier days, the last one first.
    pub fn before(&self, as_of: Day) -> Vec<PathBuf> {
        self.runs().into_iter().filter(|(day, _)| *day < as_of).map(|(_, run)| run).collect()
    }

    /// Whether `current` points at this run.
    pub fn is_current(&self, run: &Path) -> bool {
        self.root.join("current").canonicalize().ok() == run.canonicalize().ok()
    }

    /// The record of the current run, if there is one that reads.
    pub fn current_record(&self) -> Option<serde_json::Value> {
        serde_json::from_str(&fs::read_to_string(self.root.join("current/run.json")).ok()?).ok()
    }

    /// Moves the working folder to its place among the runs and points `current` at it.
    ///
    /// # Errors
    /// If a folder cannot be moved or a link cannot be made.
    pub fn publish(&self, work: &Path, as_of: Day, run_id: &str) -> Result<PathBuf, StoreError> {
        let name = format!("runs/as_of={as_of}/run={run_id}");
        let run = self.root.join(&name);
        self.replace(work, &run)?;
        self.point_current(&run)?;
        Ok(run)
    }

    /// Points `current`, and the links through it, at a run.
    ///
    /// # Errors
    /// If a link cannot be made.
    pub fn point_current(&self, run: &Path) -> Result<(), StoreError> {
        let target = run.strip_prefix(&self.root).unwrap_or(run);
        for link in ["run.json", "report.html", "rejects"] {
            self.link(&Path::new("current").join(link), link)?;
        }
        self.link(target, "current")
    }

    /// Moves the working folder to `stages/NAME`, in place of what an earlier call left there.
    ///
    /// # Errors
    /// If a folder cannot be moved.
    pub fn publish_stage(&self, work: &Path, name: &str) -> Result<PathBuf, StoreError> {
        let folder = self.root.join("stages").join(name);
        self.replace(work, &folder)?;
        Ok(folder)
    }

    /// Moves the working folder to `failed`, to be looked at.
    ///
    /// # Errors
    /// If a folder cannot be moved.
    pub fn keep_failed(&self, work: &Path) -> Result<PathBuf, StoreError> {
        let folder = self.root.join("failed");
        self.replace(work, &folder)?;
        Ok(folder)
    }

    fn replace(&self, from: &Path, to: &Path) -> Result<(), StoreError> {
        let old = self.root.join(".old");
        if old.exists() {
            fs::remove_dir_all(&old).map_err(at(&old))?;
        }
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(at(parent))?;
        }
        if to.exists() {
            fs::rename(to, &old).map_err(at(to))?;
        }
        fs::rename(from, to).map_err(at(to))?;
        if old.exists() {
            fs::remove_dir_all(&old).map_err(at(&old))?;
        }
        Ok(())
    }

    /// Makes or swaps a link, in one step for any reader.
    fn link(&self, target: &Path, name: &str) -> Result<(), StoreError> {
        let link = self.root.join(name);
        if fs::read_link(&link).is_ok_and(|t| t == target) {
            return Ok(());
        }
        let fresh = self.root.join(format!(".{name}.link"));
        if fresh.symlink_metadata().is_ok() {
            fs::remove_file(&fresh).map_err(at(&fresh))?;
        }
        symlink(target, &fresh).map_err(at(&fresh))?;
        fs::rename(&fresh, &link).map_err(at(&link))
    }
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(windows)]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    if target.extension().is_some() {
        std::os::windows::fs::symlink_file(target, link)
    } else {
        std::os::windows::fs::symlink_dir(target, link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(output: &Output, text: &str) -> PathBuf {
        let work = output.begin().unwrap();
        fs::write(work.join("run.json"), format!("{{\"text\":\"{text}\"}}")).unwrap();
        work
    }

    #[test]
    fn current_moves_from_run_to_run() {
        let folder = tempfile::tempdir().unwrap();
        let output = Output::open(folder.path()).unwrap();
        for (id, text) in [("a1", "first"), ("b2", "second"), ("b2", "again")] {
            let work = finished(&output, text);
            let run = output.publish(&work, Day(0), id).unwrap();
            assert!(output.is_current(&run));
            assert_eq!(output.current_record().unwrap()["text"], text);
            assert!(fs::read_to_string(output.root().join("run.json")).unwrap().contains(text));
        }
        assert!(output.find("c3").is_empty());
        assert!(!output.is_current(&output.find("a1")[0].1));
        let later = output.publish(&finished(&output, "later"), Day(9), "a1-77").unwrap();
        assert_eq!(output.find("a1").iter().map(|r| r.0).collect::<Vec<_>>(), [Day(9), Day(0)]);
        assert_eq!(output.before(Day(10))[0], later);
        assert!(output.before(Day(9)).len() == 2 && output.before(Day(0)).is_empty());
    }

    #[test]
    fn a_second_process_is_kept_out() {
        let folder = tempfile::tempdir().unwrap();
        let first = Output::open(folder.path()).unwrap();
        assert!(matches!(Output::open(folder.path()), Err(StoreError::Locked { .. })));
        drop(first);
        assert!(Output::open(folder.path()).is_ok());
    }

    #[test]
    fn leftovers_of_a_killed_run_are_swept_out() {
        let folder = tempfile::tempdir().unwrap();
        let output = Output::open(folder.path()).unwrap();
        finished(&output, "half");
        drop(output);
        let output = Output::open(folder.path()).unwrap();
        assert!(!output.begin().unwrap().join("run.json").exists());
    }

    #[test]
    fn ids_depend_on_every_part_and_its_borders() {
        assert_eq!(run_id(&["a", "b"]), run_id(&["a", "b"]));
        assert_ne!(run_id(&["ab", "c"]), run_id(&["a", "bc"]));
        assert_eq!(run_id(&["a"]).len(), 16);
    }
}
