//! Rows that repeat an earlier one, found a month at a time from 128-bit hashes kept on disk.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::IngestError;
use crate::config::{Cleaning, Repeats};
use crate::rows::{Gone, Lines, Reason};
use crate::source::read_full;

/// The hash of a row whose text has no quotes.
pub fn hash_bytes(text: &[u8]) -> u128 {
    xxh3_128(text)
}

/// The hash of a row by its fields: that of its text, if it can be written without quotes, so that the
/// same row has the same hash however a tool quotes it.
pub fn hash_fields(fields: &[&[u8]], separator: u8) -> u128 {
    let plain =
        fields.iter().all(|f| !f.iter().any(|b| *b == separator || matches!(b, b'"' | b'\r' | b'\n')));
    if plain {
        return hash_bytes(&fields.join(&separator));
    }
    let mut hasher = Xxh3::new();
    for field in fields {
        hasher.update(&(field.len() as u64).to_le_bytes());
        hasher.update(field);
    }
    hasher.digest128()
}

/// One accepted row: what it is known by, its file, its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    /// The hash of all fields, or of the order line.
    hash: u128,
    file: u32,
    /// Place among the month's accepted rows.
    ordinal: u64,
    line: u64,
    /// Half of the hash of all fields.
    full: u64,
}

/// What is kept of a row while the export is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    /// Half of the hash: enough to count repeats within one file.
    Hash,
    /// Hash, file and line: to drop repeats, or to tell those of a file from those of another.
    Place,
}

impl Kept {
    fn bytes(self) -> usize {
        match self {
            Kept::Hash => 8,
            Kept::Place => 36,
        }
    }
}

/// The place of rows that are no sales: behind all others of their file.
const GONE: u64 = u64::MAX;
/// Rows taken into memory at once; a month with more is done in ranges of the hash.
const ROWS_AT_ONCE: u64 = 2_000_000;

/// The hashes of every accepted row, a file a month.
pub struct RepeatLog {
    /// The folder that is written to; or those of files that were taken in before, one a file.
    folders: Vec<PathBuf>,
    /// Whether the folders are those of files that were taken in: a file's number is its place then.
    taken: bool,
    kept: Kept,
    within: Repeats,
    across: Repeats,
    /// Whether rows are known by their order line, so that a later file can change one.
    by_order_line: bool,
    /// By file, whether its rows stand in no other.
    adds: Vec<bool>,
    /// Rows by month.
    months: BTreeMap<i32, u64>,
}

/// Repeats of one month.
#[derive(Debug, Default)]
pub struct MonthRepeats {
    pub within: u64,
    pub across: u64,
    /// Rows across files that a later file has with other values.
    pub changed: u64,
    /// Rows to drop: place among the month's rows, file, line, reason; ascending.
    pub drop: Vec<(u64, u32, u64, Reason)>,
}

impl RepeatLog {
    /// `taken_in` keeps all that other files may ask for later.
    pub fn create(
        folder: &Path,
        cleaning: &Cleaning,
        adds: Vec<bool>,
        by_order_line: bool,
        taken_in: bool,
    ) -> Result<RepeatLog, IngestError> {
        fs::create_dir_all(folder).map_err(IngestError::write(folder))?;
        let (within, across) = (cleaning.repeats_within_file, cleaning.repeats_across_files);
        let places = taken_in || adds.len() > 1 || within == Repeats::Drop;
        let kept = if places { Kept::Place } else { Kept::Hash };
        let folders = vec![folder.to_owned()];
        let months = BTreeMap::new();
        Ok(RepeatLog { folders, taken: false, kept, within, across, by_order_line, adds, months })
    }

    /// The log of files that were taken in, from the folder of each and their rows by month.
    pub fn of_taken(
        folders: Vec<PathBuf>,
        months: BTreeMap<i32, u64>,
        cleaning: &Cleaning,
        adds: Vec<bool>,
        by_order_line: bool,
    ) -> RepeatLog {
        let (within, across) = (cleaning.repeats_within_file, cleaning.repeats_across_files);
        RepeatLog { folders, taken: true, kept: Kept::Place, within, across, by_order_line, adds, months }
    }

    fn hashes(folder: &Path, month: i32) -> PathBuf {
        folder.join(format!("{month}.hashes"))
    }

    fn gone(folder: &Path, month: i32) -> PathBuf {
        folder.join(format!("{month}.gone"))
    }

    pub fn add(&mut self, month: i32, file: u32, lines: &Lines) -> Result<(), IngestError> {
        let hashes = &lines.hashes;
        let mut bytes = Vec::with_capacity(hashes.len() * self.kept.bytes());
        for (i, (hash, line)) in hashes.iter().zip(&lines.line_numbers).enumerate() {
            match self.kept {
                Kept::Hash => bytes.extend_from_slice(&(*hash as u64).to_le_bytes()),
                Kept::Place => {
                    let known_by = if self.by_order_line { &lines.keys[i] } else { hash };
                    bytes.extend_from_slice(&known_by.to_le_bytes());
                    bytes.extend_from_slice(&file.to_le_bytes());
                    bytes.extend_from_slice(&line.to_le_bytes());
                    bytes.extend_from_slice(&(*hash as u64).to_le_bytes());
                }
            }
        }
        *self.months.entry(month).or_default() += hashes.len() as u64;
        // Opened anew each time: an export in no order has more months than a process may have files.
        let path = RepeatLog::hashes(&self.folders[0], month);
        let mut log =
            File::options().create(true).append(true).open(&path).map_err(IngestError::write(&path))?;
        log.write_all(&bytes).map_err(IngestError::write(&path))
    }

    /// Takes down rows that are no sales: they take the place of a row of an earlier file, and are none themselves.
    pub fn add_gone(&mut self, file: u32, gone: &[Gone]) -> Result<(), IngestError> {
        if self.kept != Kept::Place {
            return Ok(());
        }
        let mut by_month: BTreeMap<i32, Vec<u8>> = BTreeMap::new();
        for row in gone {
            let bytes = by_month.entry(row.month).or_default();
            bytes.extend_from_slice(&row.key.to_le_bytes());
            bytes.extend_from_slice(&file.to_le_bytes());
            bytes.extend_from_slice(&row.line.to_le_bytes());
            bytes.extend_from_slice(&(row.full as u64).to_le_bytes());
        }
        for (month, bytes) in by_month {
            let path = RepeatLog::gone(&self.folders[0], month);
            let mut log =
                File::options().create(true).append(true).open(&path).map_err(IngestError::write(&path))?;
            log.write_all(&bytes).map_err(IngestError::write(&path))?;
        }
        Ok(())
    }

    /// Every month with its number of rows.
    pub fn months(&self) -> Vec<(i32, u64)> {
        self.months.iter().map(|(month, rows)| (*month, *rows)).collect()
    }

    /// Finds the repeats of one month.
    pub fn search(&self, month: i32, rows: u64) -> Result<MonthRepeats, IngestError> {
        let mut found = MonthRepeats::default();
        let ranges = rows.div_ceil(ROWS_AT_ONCE).max(1);
        for range in 0..ranges {
            match self.kept {
                Kept::Hash => {
                    let mut hashes = Vec::new();
                    self.read(RepeatLog::hashes, month, |bytes, _, _| {
                        let hash = u64::from_le_bytes(first(bytes));
                        if hash % ranges == range {
                            hashes.push(hash);
                        }
                    })?;
                    hashes.sort_unstable();
                    found.within += hashes.windows(2).filter(|w| w[0] == w[1]).count() as u64;
                }
                Kept::Place => {
                    let mut entries = Vec::new();
                    let entry = |bytes: &[u8], place: u32, ordinal| Entry {
                        hash: u128::from_le_bytes(first(bytes)),
                        file: if self.taken { place } else { u32::from_le_bytes(first(&bytes[16..])) },
                        ordinal,
                        line: u64::from_le_bytes(first(&bytes[20..])),
                        full: u64::from_le_bytes(first(&bytes[28..])),
                    };
                    let within = |entry: &Entry| (entry.hash as u64) % ranges == range;
                    self.read(RepeatLog::hashes, month, |bytes, file, ordinal| {
                        entries.extend(Some(entry(bytes, file, ordinal)).filter(within));
                    })?;
                    self.read(RepeatLog::gone, month, |bytes, file, _| {
                        entries.extend(Some(entry(bytes, file, GONE)).filter(within));
                    })?;
                    entries.sort_unstable();
                    for group in entries.chunk_by(|a, b| a.hash == b.hash).filter(|g| g.len() > 1) {
                        // Rows that stand in no other file are held against those of their own alone.
                        let adds = |e: &&Entry| self.adds.get(e.file as usize) == Some(&true);
                        let (added, others): (Vec<Entry>, Vec<Entry>) = (
                            group.iter().filter(adds).copied().collect(),
                            group.iter().filter(|e| !adds(e)).copied().collect(),
                        );
                        for group in added.chunk_by(|a, b| a.file == b.file).chain([others.as_slice()]) {
                            if self.by_order_line {
                                settle_lines(group, self.within, self.across, &mut found);
                            } else {
                                settle(group, self.within, self.across, &mut found);
                            }
                        }
                    }
                }
            }
        }
        found.drop.sort_unstable_by_key(|d| d.0);
        Ok(found)
    }

    /// Hands over every row of a month, with the place of its folder and its own.
    fn read(
        &self,
        path: fn(&Path, i32) -> PathBuf,
        month: i32,
        mut take: impl FnMut(&[u8], u32, u64),
    ) -> Result<(), IngestError> {
        let mut buffer = vec![0; self.kept.bytes() * 8192];
        let mut ordinal = 0;
        for (place, folder) in self.folders.iter().enumerate() {
            let path = path(folder, month);
            if !path.exists() {
                continue;
            }
            let mut source = File::open(&path).map_err(IngestError::read(&path))?;
            loop {
                let n = read_full(&mut source, &mut buffer).map_err(IngestError::read(&path))?;
                if n == 0 {
                    break;
                }
                for bytes in buffer[..n].chunks_exact(self.kept.bytes()) {
                    take(bytes, place as u32, ordinal);
                    ordinal += 1;
                }
            }
        }
        Ok(())
    }
}

/// The first bytes of a row, as many as are asked for.
fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[..N]);
    out
}

/// Decides over rows that are equal in every field, in the order read.
///
/// Across files the most copies that any one file holds are kept, those of the first such file: a
/// product bought twice in an order stands twice in both of two overlapping exports.
fn settle(group: &[Entry], within: Repeats, across: Repeats, found: &mut MonthRepeats) {
    let by_file: Vec<&[Entry]> = group.chunk_by(|a, b| a.file == b.file).collect();
    let mut kept = 0;
    for (i, file) in by_file.iter().enumerate() {
        if file.len() > by_file[kept].len() {
            kept = i;
        }
    }
    for (i, file) in by_file.iter().enumerate() {
        found.within += file.len() as u64 - 1;
        found.across += u64::from(i > 0) * file.len() as u64;
        for (copy, entry) in file.iter().enumerate() {
            let reason = match (i != kept && across == Repeats::Drop, copy > 0 && within == Repeats::Drop) {
                (true, _) => Reason::RepeatAcrossFiles,
                (false, true) => Reason::RepeatWithinFile,
                (false, false) => continue,
            };
            found.drop.push((entry.ordinal, entry.file, entry.line, reason));
        }
    }
}

/// Decides over rows of one order line: same customer, order, day and product.
///
/// The n-th of them in one file and the n-th in another are the same line, and the later file knows more of it: its status
/// may have changed.
fn settle_lines(group: &[Entry], within: Repeats, across: Repeats, found: &mut MonthRepeats) {
    let mut by_file: Vec<Vec<&Entry>> = Vec::new();
    for file in group.chunk_by(|a, b| a.file == b.file) {
        let mut kept: Vec<&Entry> = Vec::new();
        for entry in file {
            if entry.ordinal == GONE {
                kept.push(entry);
                continue;
            }
            let repeats = kept.iter().any(|k| k.full == entry.full);
            found.within += u64::from(repeats);
            if repeats && within == Repeats::Drop {
                found.drop.push((entry.ordinal, entry.file, entry.line, Reason::RepeatWithinFile));
            } else {
                kept.push(entry);
            }
        }
        by_file.push(kept);
    }
    for (i, file) in by_file.iter().enumerate() {
        for (n, entry) in file.iter().enumerate().filter(|(_, entry)| entry.ordinal != GONE) {
            let Some(later) = by_file[i + 1..].iter().rev().find_map(|f| f.get(n)) else { continue };
            found.across += 1;
            found.changed += u64::from(later.full != entry.full);
            if across == Repeats::Drop {
                found.drop.push((entry.ordinal, entry.file, entry.line, Reason::RepeatAcrossFiles));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(files: &[u32]) -> Vec<Entry> {
        files
            .iter()
            .enumerate()
            .map(|(i, f)| Entry { hash: 1, file: *f, ordinal: i as u64, line: i as u64, full: 1 })
            .collect()
    }

    fn dropped(files: &[u32], within: Repeats, across: Repeats) -> Vec<u64> {
        let mut found = MonthRepeats::default();
        settle(&entries(files), within, across, &mut found);
        found.drop.iter().map(|d| d.0).collect()
    }

    #[test]
    fn overlapping_files_keep_the_copies_of_one() {
        assert_eq!(dropped(&[0, 0, 1, 1], Repeats::Keep, Repeats::Drop), [2, 3]);
        assert_eq!(dropped(&[0, 1, 1], Repeats::Keep, Repeats::Drop), [0], "the fuller file wins");
        assert_eq!(dropped(&[0, 0, 1], Repeats::Drop, Repeats::Drop), [1, 2]);
        assert_eq!(dropped(&[0, 0, 1, 1], Repeats::Drop, Repeats::Keep), [1, 3]);
        assert!(dropped(&[0, 0, 1], Repeats::Keep, Repeats::Keep).is_empty());
    }

    #[test]
    fn of_an_order_line_the_later_file_knows_more() {
        let line = |file: u32, ordinal: u64, full: u64| Entry { hash: 1, file, ordinal, line: ordinal, full };
        let dropped = |entries: &[Entry]| {
            let mut found = MonthRepeats::default();
            settle_lines(entries, Repeats::Keep, Repeats::Drop, &mut found);
            (found.drop.iter().map(|d| d.0).collect::<Vec<u64>>(), found.changed)
        };
        assert_eq!(dropped(&[line(0, 0, 5), line(1, 1, 6)]), (vec![0], 1), "the status has changed");
        assert_eq!(dropped(&[line(0, 0, 5), line(0, 1, 5), line(1, 2, 5)]), (vec![0], 0), "the second stays");
        assert_eq!(dropped(&[line(0, 0, 5), line(0, 1, 7)]), (vec![], 0), "one file, two lines");
        assert_eq!(dropped(&[line(0, 0, 5), line(1, GONE, 6)]), (vec![0], 1), "cancelled since");
        assert_eq!(dropped(&[line(0, GONE, 5), line(1, 0, 6)]), (vec![], 0), "paid since");
        assert_eq!(
            dropped(&[line(0, 0, 5), line(0, 1, 7), line(1, 2, 5), line(1, GONE, 6)]),
            (vec![0, 1], 1),
            "one of two"
        );
    }

    #[test]
    fn fields_and_their_borders_count() {
        assert_ne!(hash_fields(&[b"ab", b"c"], b','), hash_fields(&[b"a", b"bc"], b','));
        assert_ne!(hash_fields(&[b"a,b", b"c"], b','), hash_fields(&[b"a", b"b,c"], b','));
        assert_eq!(hash_fields(&[b"ab", b"c"], b','), hash_bytes(b"ab,c"), "quoted or not");
    }
}
