//! Runs on disk: a working folder, published all at once or not at all.
//!
//! ```text
//! OUT/runs/as_of=2011-12-09/run=4f1c.../   everything of a run; run=4f1c....2 if it was made again with --force
//! OUT/current -> runs/as_of=.../run=...      swapped by rename, the last act of a run
//! OUT/run.json, report.html, rejects          links through `current`
//! OUT/stages/rfm/                            what a single-stage command made; `current` does not move
//! OUT/tables/contract=4f1c.../               what an analysis of a table made
//! OUT/contract -> tables/contract=...        swapped by rename; OUT/survival.parquet and the like are links through it
//! OUT/store/                                 what was taken in, from night to night
//! OUT/failed/                                what a run that failed a gate left behind
//! OUT/.lock                                  held while a process works here; it marks the folder as one of Tillwise's
//! ```
//!
//! Files and folders are synced to disk before anything points at them. A run that is made again is published beside the
//! old one; the old one goes when `current` has moved. So `current` leads to a whole run at every moment.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

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
    /// A file or folder that Tillwise would replace is somebody else's.
    #[error("{} is not of Tillwise, and a run would replace it; choose another folder with --out or [run] out", path.display())]
    Foreign {
        /// The file or folder.
        path: PathBuf,
    },
    /// An input was written to while it was read.
    #[error("{} changed while it was read; run again when it is complete", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
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
/// If the file cannot be read, or is a pipe or a device.
pub fn hash_file(path: &Path) -> Result<(String, u64), StoreError> {
    let read = |source| StoreError::Read { path: path.to_owned(), source };
    if !fs::metadata(path).map_err(read)?.is_file() {
        return Err(read(io::Error::other("it is not a file")));
    }
    let mut hasher = blake3::Hasher::new();
    let size = io::copy(&mut File::open(path).map_err(read)?, &mut hasher).map_err(read)?;
    Ok((hasher.finalize().to_hex().to_string(), size))
}

/// What a file was like at one moment: enough to tell that it was written to since.
#[derive(Clone, Debug)]
pub struct Watched {
    path: PathBuf,
    state: FileState,
}

/// Which file it is, how long, and when it was last written to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct FileState {
    bytes: u64,
    modified: Option<SystemTime>,
    /// Device, number, and the time of the last change to content or attributes, where the system tells them.
    identity: Option<(u64, u64, i64, i64)>,
}

impl Watched {
    /// Looks at a file before it is read.
    ///
    /// # Errors
    /// If it cannot be looked at.
    pub fn begin(path: &Path) -> Result<Watched, StoreError> {
        Ok(Watched { path: path.to_owned(), state: FileState::of(path)? })
    }

    /// Looks at it again after it was read.
    ///
    /// # Errors
    /// [`StoreError::Changed`] if it was written to or replaced in between.
    pub fn end(&self) -> Result<(), StoreError> {
        match FileState::of(&self.path) {
            Ok(state) if state == self.state => Ok(()),
            _ => Err(StoreError::Changed { path: self.path.clone() }),
        }
    }
}

impl FileState {
    fn of(path: &Path) -> Result<FileState, StoreError> {
        let about =
            fs::metadata(path).map_err(|source| StoreError::Read { path: path.to_owned(), source })?;
        #[cfg(unix)]
        let identity = {
            use std::os::unix::fs::MetadataExt;
            Some((about.dev(), about.ino(), about.ctime(), about.ctime_nsec()))
        };
        #[cfg(not(unix))]
        let identity = None;
        Ok(FileState { bytes: about.len(), modified: about.modified().ok(), identity })
    }
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
    /// If it is not writable, another process holds it, or it holds a file or folder of somebody else's under a name that
    /// runs use.
    pub fn open(root: &Path) -> Result<Output, StoreError> {
        fs::create_dir_all(root).map_err(at(root))?;
        let root = root.canonicalize().map_err(at(root))?;
        let path = root.join(".lock");
        if !path.exists() {
            // No run has worked here yet, so whatever has one of our names is not ours.
            let taken = NAMES.iter().map(|name| root.join(name)).find(|p| p.symlink_metadata().is_ok());
            if let Some(path) = taken {
                return Err(StoreError::Foreign { path });
            }
        }
        let lock = File::options().create(true).append(true).open(&path).map_err(at(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::Locked { path: root }),
            Err(TryLockError::Error(source)) => return Err(StoreError::Io { path, source }),
        }
        let output = Output { root, _lock: lock };
        for left in [output.work(), output.old()] {
            if left.exists() {
                fs::remove_dir_all(&left).map_err(at(&left))?;
            }
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

    fn old(&self) -> PathBuf {
        self.root.join(".old")
    }

    /// A fresh working folder, on the same file system as the runs.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn begin(&self) -> Result<PathBuf, StoreError> {
        let work = self.work();
        fs::create_dir_all(&work).map_err(at(&work))?;
        *WORKING.lock().unwrap_or_else(PoisonError::into_inner) = Some(work.clone());
        Ok(work)
    }

    fn runs(&self) -> Vec<(Day, PathBuf)> {
        runs(&self.root)
    }

    /// Removes a run: first its record, so that what is left of it is no run.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn remove_run(&self, run: &Path) -> Result<(), StoreError> {
        let record = run.join("run.json");
        fs::remove_file(&record).map_err(at(&record))?;
        fs::remove_dir_all(run).map_err(at(run))?;
        if let Some(day) = run.parent() {
            // Fails where the day has another run.
            let _ = fs::remove_dir(day);
        }
        Ok(())
    }

    /// The complete runs whose id is this one, or begins with it and a hyphen: those that came from the same files and config.
    pub fn find(&self, run_id: &str) -> Vec<(Day, PathBuf)> {
        let same = |run: &Path| {
            id_of(run)
                .and_then(|id| id.strip_prefix(run_id))
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

    /// Moves the working folder to a free place among the runs, points `current` at it, and removes what it was made again
    /// for.
    ///
    /// # Errors
    /// If a folder cannot be moved or a link cannot be made. `current` then leads where it did.
    pub fn publish(&self, work: &Path, as_of: Day, run_id: &str) -> Result<PathBuf, StoreError> {
        let run = free_place(&self.root.join(format!("runs/as_of={as_of}")), &format!("run={run_id}"));
        self.place(work, &run)?;
        self.point_current(&run)?;
        Ok(run)
    }

    /// Points `current`, and the links through it, at a run; the same run made before goes.
    ///
    /// # Errors
    /// If a link cannot be made.
    pub fn point_current(&self, run: &Path) -> Result<(), StoreError> {
        let target = run.strip_prefix(&self.root).unwrap_or(run);
        for link in LINKS {
            self.link(&Path::new("current").join(link), link)?;
        }
        self.link(target, "current")?;
        sync_folder(&self.root)?;
        let same = self
            .runs()
            .into_iter()
            .map(|r| r.1)
            .filter(|other| other != run && other.parent() == run.parent() && id_of(other) == id_of(run));
        for other in same {
            fs::remove_dir_all(&other).map_err(at(&other))?;
        }
        Ok(())
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

    /// Moves the working folder to a free place under `tables`, points `NAME` at it, and links its files into the output
    /// folder. What `NAME` led to before goes.
    ///
    /// # Errors
    /// If a folder cannot be moved, or a file of somebody else's has the name of a link.
    pub fn publish_table_run(&self, work: &Path, name: &str, run_id: &str) -> Result<PathBuf, StoreError> {
        let tables = self.root.join("tables");
        let run = free_place(&tables, &format!("{name}={run_id}"));
        let names = |folder: &Path| -> Result<Vec<String>, StoreError> {
            let mut names = Vec::new();
            for entry in fs::read_dir(folder).map_err(at(folder))? {
                names.push(entry.map_err(at(folder))?.file_name().to_string_lossy().into_owned());
            }
            names.sort();
            Ok(names)
        };
        // Its own record and page are found in its folder: these names in the output folder are a run's.
        let own: Vec<String> =
            names(work)?.into_iter().filter(|file| !LINKS.contains(&file.as_str())).collect();
        // Nothing is moved before every name is known to be free or a link of ours.
        for link in own.iter().map(String::as_str).chain([name]) {
            let path = self.root.join(link);
            let ours = |to: &PathBuf| to.starts_with(name) || to.starts_with("tables");
            if path.symlink_metadata().is_ok() && !fs::read_link(&path).is_ok_and(|to| ours(&to)) {
                return Err(StoreError::Foreign { path });
            }
        }
        self.place(work, &run)?;
        for file in &own {
            self.link(&Path::new(name).join(file), file)?;
        }
        self.link(run.strip_prefix(&self.root).unwrap_or(&run), name)?;
        // Links to files that this run does not have lead nowhere now.
        for file in names(&self.root)? {
            let link = self.root.join(&file);
            if !own.contains(&file) && fs::read_link(&link).is_ok_and(|to| to.starts_with(name)) {
                fs::remove_file(&link).map_err(at(&link))?;
            }
        }
        sync_folder(&self.root)?;
        for other in names(&tables)? {
            let folder = tables.join(&other);
            if other.starts_with(&format!("{name}=")) && folder != run {
                fs::remove_dir_all(&folder).map_err(at(&folder))?;
            }
        }
        Ok(self.root.join(name))
    }

    /// Moves a folder of the working folder to a place of its own, in place of what is there, and brings it to disk.
    ///
    /// # Errors
    /// If it cannot be moved.
    pub fn keep(&self, from: &Path, to: &Path) -> Result<(), StoreError> {
        if to.exists() {
            fs::remove_dir_all(to).map_err(at(to))?;
        }
        self.place(from, to)
    }

    /// Writes a file that is there whole or not at all.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_whole(&self, path: &Path, text: &str) -> Result<(), StoreError> {
        let (fresh, parent) = (path.with_extension("tmp"), path.parent().unwrap_or(&self.root));
        fs::create_dir_all(parent).map_err(at(parent))?;
        fs::write(&fresh, text).map_err(at(&fresh))?;
        File::open(&fresh).and_then(|file| file.sync_all()).map_err(at(&fresh))?;
        fs::rename(&fresh, path).map_err(at(path))?;
        sync_folder(parent)?;
        sync_folder(&self.root)
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

    /// Moves a folder to a place of the same name that is overwritten by every call.
    fn replace(&self, from: &Path, to: &Path) -> Result<(), StoreError> {
        let old = self.old();
        if to.exists() {
            fs::rename(to, &old).map_err(at(to))?;
        }
        self.place(from, to)?;
        if old.exists() {
            fs::remove_dir_all(&old).map_err(at(&old))?;
        }
        Ok(())
    }

    /// Moves a folder to a free place, whole on disk before it is seen there.
    fn place(&self, from: &Path, to: &Path) -> Result<(), StoreError> {
        let _working = WORKING.lock().unwrap_or_else(PoisonError::into_inner);
        sync_all(from)?;
        let parent = to.parent().unwrap_or(&self.root);
        fs::create_dir_all(parent).map_err(at(parent))?;
        fs::rename(from, to).map_err(at(to))?;
        // The new name, and those of the folders above it.
        for folder in parent.ancestors().take_while(|folder| folder.starts_with(&self.root)) {
            sync_folder(folder)?;
        }
        Ok(())
    }

    /// Makes or swaps a link, in one step for any reader.
    fn link(&self, target: &Path, name: &str) -> Result<(), StoreError> {
        let link = self.root.join(name);
        if fs::read_link(&link).is_ok_and(|t| t == target) {
            return Ok(());
        }
        if link.symlink_metadata().is_ok_and(|about| !about.is_symlink()) {
            return Err(StoreError::Foreign { path: link });
        }
        let fresh = self.root.join(format!(".{name}.link"));
        if fresh.symlink_metadata().is_ok() {
            fs::remove_file(&fresh).map_err(at(&fresh))?;
        }
        symlink(target, &fresh).map_err(at(&fresh))?;
        fs::rename(&fresh, &link).map_err(at(&link))
    }
}

impl Drop for Output {
    /// A run that failed leaves no working folder: a full disk is not kept full.
    fn drop(&mut self) {
        // If it cannot be removed now, the next run sweeps it.
        let _ = fs::remove_dir_all(self.work());
    }
}

/// Every complete run of an output folder with its day, the latest day first and on one day the latest made first.
pub fn runs(out: &Path) -> Vec<(Day, PathBuf)> {
    let list = |folder: &Path| {
        fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect::<Vec<_>>()
    };
    let day = |folder: &Path| folder.file_name()?.to_str()?.strip_prefix("as_of=")?.parse::<Day>().ok();
    let made = |run: &Path| -> Option<u64> {
        let record: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(run.join("run.json")).ok()?).ok()?;
        Some(record["started_at"].as_u64().unwrap_or(0))
    };
    let mut runs: Vec<(Day, PathBuf)> = list(&out.join("runs"))
        .into_iter()
        .filter_map(|folder| Some((day(&folder)?, list(&folder))))
        .flat_map(|(day, runs)| runs.into_iter().map(move |run| (day, run)))
        .filter(|(_, run)| run.join("run.json").is_file())
        .collect();
    // Records are read only where a day has more than one run.
    runs.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| made(&b.1).cmp(&made(&a.1))).then_with(|| b.1.cmp(&a.1)));
    runs
}

/// The working folder of this process. Whoever moves it to its place holds this lock, and so does whoever sweeps it out.
static WORKING: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Whether the process is about to end.
static GIVEN_UP: AtomicBool = AtomicBool::new(false);

/// Waits for ever if the process is about to end: what fails then fails because its folder is swept out.
pub fn wait_if_given_up() {
    while GIVEN_UP.load(Ordering::SeqCst) {
        std::thread::park();
    }
}

/// Sweeps out the working folder, and lets nothing be published any more: for a process that is about to end.
pub fn give_up() {
    GIVEN_UP.store(true, Ordering::SeqCst);
    let working = WORKING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(work) = working.as_ref() {
        // Other threads may still be writing there; what is left is swept out by the next run.
        let _ = fs::remove_dir_all(work).or_else(|_| fs::remove_dir_all(work));
    }
    // Held for ever.
    std::mem::forget(working);
}

/// A name in a folder that nothing has yet: this one, or with the number of another time behind it.
fn free_place(folder: &Path, name: &str) -> PathBuf {
    let place = |number: u32| match number {
        1 => folder.join(name),
        again => folder.join(format!("{name}.{again}")),
    };
    (1..).map(place).find(|place| !place.exists()).unwrap_or_else(|| place(1))
}

/// Links in the output folder that lead through `current`.
const LINKS: [&str; 3] = ["run.json", "report.html", "rejects"];
/// Everything else that runs make in the output folder.
const NAMES: [&str; 11] =
    ["current", "runs", "stages", "tables", "store", "failed", ".work", ".old", LINKS[0], LINKS[1], LINKS[2]];

/// The id in the name of a run's folder, without the number of a run that was made again.
pub fn id_of(run: &Path) -> Option<&str> {
    let name = run.file_name()?.to_str()?.strip_prefix("run=")?;
    Some(name.split_once('.').map_or(name, |(id, _)| id))
}

/// Brings every file and folder below a folder to disk, and the folder itself.
fn sync_all(folder: &Path) -> Result<(), StoreError> {
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let path = entry.map_err(at(folder))?.path();
        if path.is_dir() {
            sync_all(&path)?;
        } else {
            File::open(&path).and_then(|file| file.sync_all()).map_err(at(&path))?;
        }
    }
    sync_folder(folder)
}

/// Brings the names in a folder to disk, where the system has a call for it.
fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    if cfg!(unix) {
        File::open(folder).and_then(|file| file.sync_all()).map_err(at(folder))?;
    }
    Ok(())
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
