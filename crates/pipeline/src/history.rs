//! What was taken in, from night to night: `OUT/store`.
//!
//! ```text
//! OUT/store/files/4f1c.../              what a file came to; never written to again
//! OUT/store/manifest-000012.json        the files that counted from one night on, in the order they were taken in
//! ```
//!
//! A file is known by the hash of its content and by the part of the config that decides how it is read. One that is known is not read
//! again; one that changed takes the place of what it was, as the newest. With `files = "all"` a file that is no longer there counts as
//! long as the store does. A manifest is written when everything of a run is in place but the run itself, and none is ever changed: so
//! the store as it stood on a past night can be asked for.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tillwise_core::Day;
use tillwise_ingest::taken::{Taken, combine, damaged, take_in};
use tillwise_ingest::{Cleaning, InputFile, Plan, Quality};
use tillwise_store::{Output, Watched, run_id};
use tracing::{info, warn};

use crate::config::wrong;
use crate::{InputRecord, PipelineError};

/// Changes whenever the same file would be read to other lines, or kept in another way.
const FORMAT: &str = "1";
const FILES: &str = "files";

/// Which files count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// Those that are named, and all of them are read each time.
    #[default]
    None,
    /// Those that are named; those that are known are not read again.
    Named,
    /// Those that are named, and those that were.
    All,
}

/// A file that was taken in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    input: InputRecord,
    /// What decided how it was read.
    reading: String,
    /// Its place among all that were ever taken in.
    number: usize,
}

impl Entry {
    /// The name of its folder.
    fn folder(&self) -> String {
        run_id(&[&self.input.blake3, within_zip(&self.input.file), &self.reading, &self.number.to_string()])
    }

    /// Whether it is the file of this name and content, or would be under another name.
    fn is(&self, input: &InputRecord) -> bool {
        self.input.blake3 == input.blake3 && within_zip(&self.input.file) == within_zip(&input.file)
    }
}

/// Where a file lies in a zip of several; the hash is that of the zip.
fn within_zip(name: &str) -> &str {
    name.find(".zip/").map_or("", |at| &name[at..])
}

/// The files that counted from one night on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Manifest {
    format: String,
    /// Seconds since 1970-01-01.
    taken_in_at: u64,
    /// In the order they were taken in.
    files: Vec<Entry>,
    /// How many were ever taken in.
    taken_in: usize,
}

/// A file that counts, and where it is read if it must be.
struct Wanted {
    entry: Entry,
    /// Its place among the files of the run.
    named: Option<usize>,
    read: bool,
}

/// The store of an output folder, and what a run makes of it.
pub struct History<'a> {
    output: &'a Output,
    last: Manifest,
    number: usize,
    files: Vec<Wanted>,
    taken_in: usize,
    replaced: usize,
}

/// How a run used the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct StoreRecord {
    /// Files that count.
    pub files: usize,
    /// Those of them that were read.
    pub read: usize,
    /// Those of them that took the place of an earlier content of theirs.
    pub replaced: usize,
    /// Those of them that are no longer there.
    pub gone: usize,
}

impl<'a> History<'a> {
    /// Compares the files that are there with those that were taken in. `full_refresh` reads every file that is there.
    ///
    /// # Errors
    /// If the store cannot be read, or a file that is gone would have to be read again.
    pub fn open(
        output: &'a Output,
        plan: &Plan,
        inputs: &[InputRecord],
        keep: Keep,
        full_refresh: bool,
    ) -> Result<History<'a>, PipelineError> {
        let (number, last) = latest(output.root(), None)?.unwrap_or_default();
        let mut history =
            History { output, number, files: Vec::new(), taken_in: last.taken_in, replaced: 0, last };
        let joined = history.joined(plan)?;
        let is_named = |entry: &Entry| inputs.iter().position(|input| input.file == entry.input.file);
        let mut named = vec![false; inputs.len()];
        // Those that were taken in, in their order: the same, renamed, gone, or changed.
        for entry in history.last.files.clone() {
            let same = is_named(&entry).filter(|at| entry.is(&inputs[*at]));
            let renamed = || {
                let known =
                    |input: &InputRecord| history.last.files.iter().any(|e| e.input.file == input.file);
                (0..inputs.len()).find(|at| !named[*at] && entry.is(&inputs[*at]) && !known(&inputs[*at]))
            };
            let at = same.or_else(renamed);
            let mut entry = entry;
            match at {
                Some(at) => {
                    named[at] = true;
                    entry.input.file.clone_from(&inputs[at].file);
                }
                // It changed, and is taken in below.
                None if is_named(&entry).is_some() => {
                    history.replaced += 1;
                    continue;
                }
                None if keep != Keep::All => continue,
                None => {}
            }
            let reading = reading(plan, &entry.input.file, &joined)?;
            let mut read = full_refresh || entry.reading != reading;
            if read && at.is_none() && entry.reading != reading {
                return Err(wrong(
                    "[store] files",
                    format!(
                        "`{}` was taken in under other settings of [input], [columns], [cleaning] or other joined files, \
                         and is no longer there to be read again; put the file or the settings back, or remove {} to \
                         begin anew",
                        entry.input.file,
                        output.root().join("store").display()
                    ),
                ));
            }
            read &= at.is_some();
            entry.reading = reading;
            history.files.push(Wanted { entry, named: at, read });
        }
        for (at, input) in inputs.iter().enumerate().filter(|(at, _)| !named[*at]) {
            let reading = reading(plan, &input.file, &joined)?;
            let entry = Entry { input: input.clone(), reading, number: history.taken_in };
            history.taken_in += 1;
            history.files.push(Wanted { entry, named: Some(at), read: true });
        }
        history.look_for_damage(full_refresh)?;
        Ok(history)
    }

    /// The store as it stood at the end of a day.
    ///
    /// # Errors
    /// If there was none, it cannot be read, or was read under other settings.
    pub fn as_known_on(output: &'a Output, plan: &Plan, day: Day) -> Result<History<'a>, PipelineError> {
        let Some((number, last)) = latest(output.root(), Some(day))? else {
            return Err(PipelineError::AsOf {
                as_of: day,
                problem: "nothing was in the store on that day; leave --as-known-on out, or name a later day"
                    .to_owned(),
            });
        };
        let (taken_in, replaced) = (last.taken_in, 0);
        let mut history = History { output, number, files: Vec::new(), taken_in, replaced, last };
        let joined = history.joined(plan)?;
        for entry in history.last.files.clone() {
            if entry.reading != reading(plan, &entry.input.file, &joined)? {
                return Err(wrong(
                    "[store] files",
                    format!(
                        "`{}` was taken in under other settings of [input], [columns] or [cleaning] than now; put them back",
                        entry.input.file
                    ),
                ));
            }
            history.files.push(Wanted { entry, named: None, read: false });
        }
        history.look_for_damage(false)?;
        Ok(history)
    }

    /// The hashes of files that others are joined with.
    fn joined(&self, plan: &Plan) -> Result<Vec<String>, PipelineError> {
        let hash =
            |join: &tillwise_ingest::Join| Ok(tillwise_store::hash_file(&plan.base.join(&join.file))?.0);
        plan.input.join.iter().map(hash).collect()
    }

    fn folder(&self, entry: &Entry) -> PathBuf {
        self.output.root().join("store").join(FILES).join(entry.folder())
    }

    /// Files whose folders are not as they were written are read again.
    fn look_for_damage(&mut self, full_refresh: bool) -> Result<(), PipelineError> {
        for i in 0..self.files.len() {
            let Wanted { entry, named, read } = &self.files[i];
            let folder = self.folder(entry);
            if *read {
                // A run that was stopped may have read it already.
                self.files[i].read = full_refresh || !folder.exists() || damaged(&folder).is_some();
                continue;
            }
            let Some(path) = damaged(&folder) else { continue };
            if named.is_none() {
                return Err(PipelineError::Damaged {
                    path,
                    of: format!("it came from {}, which is no longer there", entry.input.file),
                });
            }
            warn!(file = entry.input.file, damaged = %path.display(), "what was kept of a file is damaged; it is read again");
            self.files[i].read = true;
        }
        Ok(())
    }

    /// The files that count, for the record.
    pub fn inputs(&self) -> Vec<InputRecord> {
        self.files.iter().map(|wanted| wanted.entry.input.clone()).collect()
    }

    /// How the store is used.
    pub fn record(&self) -> StoreRecord {
        StoreRecord {
            files: self.files.len(),
            read: self.files.iter().filter(|w| w.read).count(),
            replaced: self.replaced,
            gone: self.files.iter().filter(|w| w.named.is_none()).count(),
        }
    }

    /// Reads what is new or changed into the store, and puts all that counts together in `work`. `watched` are the files of
    /// the plan.
    ///
    /// # Errors
    /// If a file cannot be read or changes meanwhile, no row is accepted, or the store cannot be written.
    pub fn ingest(&self, plan: &Plan, watched: &[Watched], work: &Path) -> Result<Quality, PipelineError> {
        let StoreRecord { files, read, replaced, gone } = self.record();
        info!(files, read, replaced, gone, "taking in");
        for Wanted { entry, named, read } in &self.files {
            let (Some(at), true) = (*named, *read) else { continue };
            let fresh = work.join("taken.tmp");
            take_in(plan, &plan.files[at], entry.number, &fresh)?;
            // What is kept must be what the hash stands for.
            watched[at].end()?;
            self.output.keep(&fresh, &self.folder(entry))?;
        }
        let taken = |wanted: &Wanted| Taken {
            file: wanted.entry.input.file.clone(),
            folder: self.folder(&wanted.entry),
        };
        let files: Vec<Taken> = self.files.iter().map(taken).collect();
        Ok(combine(plan, &files, work)?)
    }

    /// Writes down what counts from now on, if that changed.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn commit(&self, now: u64) -> Result<(), PipelineError> {
        let files: Vec<Entry> = self.files.iter().map(|w| w.entry.clone()).collect();
        if files == self.last.files {
            return Ok(());
        }
        let taken_in_at = now.max(self.last.taken_in_at);
        let manifest = Manifest { format: FORMAT.to_owned(), taken_in_at, files, taken_in: self.taken_in };
        let text = serde_json::to_string_pretty(&manifest).map_err(untold)?;
        let path = self.output.root().join("store").join(name(self.number + 1));
        Ok(self.output.write_whole(&path, &text)?)
    }
}

impl Manifest {
    fn read(path: &Path) -> Result<Manifest, PipelineError> {
        let broken = |e: String| PipelineError::Damaged { path: path.to_owned(), of: e };
        let text = fs::read_to_string(path).map_err(|e| broken(e.to_string()))?;
        serde_json::from_str(&text).map_err(|e| broken(e.to_string()))
    }
}

fn name(number: usize) -> String {
    format!("manifest-{number:06}.json")
}

/// What decides how a file is read.
fn reading(plan: &Plan, file: &str, joined: &[String]) -> Result<String, PipelineError> {
    let mut input = plan.input.of_file(file);
    input.files.clear();
    input.file.clear();
    let as_usual = Cleaning::default();
    // Repeats and strays are looked for when all files are known.
    let cleaning = Cleaning {
        repeats_within_file: as_usual.repeats_within_file,
        repeats_across_files: as_usual.repeats_across_files,
        stray_dates: as_usual.stray_dates,
        ..plan.cleaning.clone()
    };
    let columns = serde_json::to_string(&plan.columns).map_err(untold)?;
    // An order's number may be its own only together with the file's name.
    let name = if plan.columns.order_within.iter().any(|c| c.is_file()) { file } else { "" };
    let input = serde_json::to_string(&input).map_err(untold)?;
    let cleaning = serde_json::to_string(&cleaning).map_err(untold)?;
    let mut parts = vec![FORMAT.to_owned(), input, columns, cleaning, name.to_owned()];
    parts.extend(joined.iter().cloned());
    Ok(run_id(&parts.iter().map(String::as_str).collect::<Vec<_>>()))
}

fn untold(e: serde_json::Error) -> PipelineError {
    PipelineError::defect("the store", e)
}

/// The manifests of an output folder, the latest first.
fn manifests(root: &Path) -> Vec<(usize, PathBuf)> {
    let number = |path: &Path| {
        path.file_name()?.to_str()?.strip_prefix("manifest-")?.strip_suffix(".json")?.parse().ok()
    };
    let entries = fs::read_dir(root.join("store")).into_iter().flatten().flatten();
    let mut found: Vec<(usize, PathBuf)> =
        entries.filter_map(|e| Some((number(&e.path())?, e.path()))).collect();
    found.sort_by(|a, b| b.cmp(a));
    found
}

/// The latest manifest, or that of the end of a day.
fn latest(root: &Path, day: Option<Day>) -> Result<Option<(usize, Manifest)>, PipelineError> {
    for (number, path) in manifests(root) {
        let manifest = Manifest::read(&path)?;
        if manifest.format != FORMAT {
            return Err(wrong(
                "[store] files",
                format!(
                    "{} was written by another version of Tillwise; remove {} to begin anew",
                    path.display(),
                    root.join("store").display()
                ),
            ));
        }
        if day.is_none_or(|day| manifest.taken_in_at / 86_400 <= day.0.max(0) as u64) {
            return Ok(Some((number, manifest)));
        }
    }
    Ok(None)
}

/// Removes manifests but the latest so many and those written since a second, and folders of files that none of the others
/// names; how many of each.
///
/// # Errors
/// If a manifest cannot be read, or something cannot be removed.
pub fn prune(output: &Output, keep: usize, since: Option<u64>) -> Result<(usize, usize), PipelineError> {
    let all = manifests(output.root());
    let (mut named, mut kept) = (Vec::new(), 0);
    for (i, (_, path)) in all.iter().enumerate() {
        let manifest = Manifest::read(path)?;
        if i >= keep.max(1) && since.is_none_or(|since| manifest.taken_in_at < since) {
            break;
        }
        kept = i + 1;
        named.extend(manifest.files.iter().map(Entry::folder));
    }
    let remaining = |path: PathBuf| move |source| PipelineError::Write { path, source };
    let mut old = 0;
    // The earliest first: whatever is left is whole.
    for (_, path) in all.iter().skip(kept).rev() {
        fs::remove_file(path).map_err(remaining(path.clone()))?;
        old += 1;
    }
    let mut folders = 0;
    for entry in fs::read_dir(output.root().join("store").join(FILES)).into_iter().flatten().flatten() {
        if !named.contains(&entry.file_name().to_string_lossy().into_owned()) {
            fs::remove_dir_all(entry.path()).map_err(remaining(entry.path()))?;
            folders += 1;
        }
    }
    Ok((old, folders))
}

/// Finds the files of a run. Where all that were taken in count, a pattern may match nothing.
///
/// # Errors
/// Those of [`tillwise_ingest::find_files`].
pub fn find_files(
    patterns: &[String],
    base: &Path,
    out: &Path,
    keep: Keep,
) -> Result<Vec<InputFile>, PipelineError> {
    if keep != Keep::All || manifests(out).is_empty() {
        return Ok(tillwise_ingest::find_files(patterns, base)?);
    }
    let mut files: Vec<InputFile> = Vec::new();
    for pattern in patterns {
        match tillwise_ingest::find_files(std::slice::from_ref(pattern), base) {
            Ok(found) => {
                let new: Vec<InputFile> =
                    found.into_iter().filter(|f| !files.iter().any(|known| known.path == f.path)).collect();
                files.extend(new);
            }
            Err(tillwise_ingest::IngestError::NoFiles { .. }) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(files)
}
