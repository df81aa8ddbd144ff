//! Rows that repeat an earlier one, found a month at a time from 128-bit hashes kept on disk.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::IngestError;
use crate::config::{Cleaning, Repeats};
use crate::rows::Reason;
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

/// One accepted row: its hash, its file, its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    hash: u128,
    file: u32,
    /// Place among the month's accepted rows.
    ordinal: u64,
    line: u64,
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
            Kept::Place => 28,
        }
    }
}

/// Rows taken into memory at once; a month with more is done in ranges of the hash.
const ROWS_AT_ONCE: u64 = 2_000_000;

/// The hashes of every accepted row, a file a month.
pub struct RepeatLog {
    folder: PathBuf,
    kept: Kept,
    within: Repeats,
    across: Repeats,
    /// Rows by month.
    months: BTreeMap<i32, u64>,
}

/// Repeats of one month.
#[derive(Debug, Default)]
pub struct MonthRepeats {
    pub within: u64,
    pub across: u64,
    /// Rows to drop: place among the month's rows, file, line, reason; ascending.
    pub drop: Vec<(u64, u32, u64, Reason)>,
}

impl RepeatLog {
    pub fn create(folder: &Path, cleaning: &Cleaning, files: usize) -> Result<RepeatLog, IngestError> {
        fs::create_dir_all(folder).map_err(IngestError::write(folder))?;
        let (within, across) = (cleaning.repeats_within_file, cleaning.repeats_across_files);
        let kept = if files > 1 || within == Repeats::Drop { Kept::Place } else { Kept::Hash };
        Ok(RepeatLog { folder: folder.to_owned(), kept, within, across, months: BTreeMap::new() })
    }

    fn path(&self, month: i32) -> PathBuf {
        self.folder.join(format!("{month}.hashes"))
    }

    pub fn add(&mut self, month: i32, file: u32, hashes: &[u128], lines: &[u64]) -> Result<(), IngestError> {
        let mut bytes = Vec::with_capacity(hashes.len() * self.kept.bytes());
        for (hash, line) in hashes.iter().zip(lines) {
            match self.kept {
                Kept::Hash => bytes.extend_from_slice(&(*hash as u64).to_le_bytes()),
                Kept::Place => {
                    bytes.extend_from_slice(&hash.to_le_bytes());
                    bytes.extend_from_slice(&file.to_le_bytes());
                    bytes.extend_from_slice(&line.to_le_bytes());
                }
            }
        }
        *self.months.entry(month).or_default() += hashes.len() as u64;
        // Opened anew each time: an export in no order has more months than a process may have files.
        let path = self.path(month);
        let mut log =
            File::options().create(true).append(true).open(&path).map_err(IngestError::write(&path))?;
        log.write_all(&bytes).map_err(IngestError::write(&path))
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
                    self.read(month, |bytes, _| {
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
                    self.read(month, |bytes, ordinal| {
                        let hash = u128::from_le_bytes(first(bytes));
                        if (hash as u64) % ranges == range {
                            let (file, line) = (
                                u32::from_le_bytes(first(&bytes[16..])),
                                u64::from_le_bytes(first(&bytes[20..])),
                            );
                            entries.push(Entry { hash, file, ordinal, line });
                        }
                    })?;
                    entries.sort_unstable();
                    for group in entries.chunk_by(|a, b| a.hash == b.hash).filter(|g| g.len() > 1) {
                        settle(group, self.within, self.across, &mut found);
                    }
                }
            }
        }
        found.drop.sort_unstable_by_key(|d| d.0);
        Ok(found)
    }

    /// Hands over every row of a month, with its place.
    fn read(&self, month: i32, mut take: impl FnMut(&[u8], u64)) -> Result<(), IngestError> {
        let path = self.path(month);
        let mut source = File::open(&path).map_err(IngestError::read(&path))?;
        let mut buffer = vec![0; self.kept.bytes() * 8192];
        let mut ordinal = 0;
        loop {
            let n = read_full(&mut source, &mut buffer).map_err(IngestError::read(&path))?;
            if n == 0 {
                return Ok(());
            }
            for bytes in buffer[..n].chunks_exact(self.kept.bytes()) {
                take(bytes, ordinal);
                ordinal += 1;
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(files: &[u32]) -> Vec<Entry> {
        files
            .iter()
            .enumerate()
            .map(|(i, f)| Entry { hash: 1, file: *f, ordinal: i as u64, line: i as u64 })
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
    fn fields_and_their_borders_count() {
        assert_ne!(hash_fields(&[b"ab", b"c"], b','), hash_fields(&[b"a", b"bc"], b','));
        assert_ne!(hash_fields(&[b"a,b", b"c"], b','), hash_fields(&[b"a", b"b,c"], b','));
        assert_eq!(hash_fields(&[b"ab", b"c"], b','), hash_bytes(b"ab,c"), "quoted or not");
    }
}
