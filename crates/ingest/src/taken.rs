//! Files that were taken in: what the reading of one file came to, kept so that it need not be read again.
//!
//! ```text
//! FOLDER/transactions/month=2011-12/part-0.parquet   accepted lines, before repeats are looked for
//! FOLDER/hashes/503.hashes, 503.gone                 what the lines of a month are known by
//! FOLDER/rejects.parquet                             rejected rows
//! FOLDER/file.json                                   sums, accounting, and a hash of every other file; written last
//! ```
//!
//! [`take_in`] makes such a folder from one file, and knows nothing of others. [`combine`] puts any number of them together, in an
//! order, as [`crate::ingest`] does with files that it reads: the result is the same.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tillwise_core::told::Message;
use tillwise_table::RowGroup;
use xxhash_rust::xxh3::Xxh3;

use crate::repeats::RepeatLog;
use crate::rows::{Reason, Stats};
use crate::settle::{FEW_ROWS, Harvest, Rejects};
use crate::{FileQuality, IngestError, InputFile, Plan, Quality, read, rejects};

/// A file that was taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its name, as it stands in rejects and records.
    pub file: String,
    /// Its folder.
    pub folder: PathBuf,
}

/// What is known of a file beside its lines.
#[derive(Serialize, Deserialize)]
struct Card {
    stats: Stats,
    quality: FileQuality,
    /// Accepted rows by month.
    months: BTreeMap<i32, u64>,
    /// The files of every month.
    parts: BTreeMap<i32, Vec<String>>,
    /// Lines of months with few rows.
    few: BTreeMap<i32, Vec<u64>>,
    by_reason: BTreeMap<Reason, u64>,
    first_of: BTreeMap<Reason, String>,
    notes: Vec<Message>,
    /// Hashes of all files.
    hashes: BTreeMap<String, String>,
}

const CARD: &str = "file.json";
const REJECTS: &str = "rejects.parquet";
const HASHES: &str = "hashes";
const TRANSACTIONS: &str = "transactions";

/// Reads one file into a folder. `number` is that of no other file: rows without an order's number are told apart by it.
///
/// # Errors
/// If the file cannot be read, lacks a mapped column, or the folder cannot be written. Bad rows are not errors.
pub fn take_in(plan: &Plan, file: &InputFile, number: usize, folder: &Path) -> Result<(), IngestError> {
    fs::create_dir_all(folder).map_err(IngestError::write(folder))?;
    let plan = &Plan { files: vec![file.clone()], ..plan.clone() };
    let (hashes, rejects) = (folder.join(HASHES), folder.join(REJECTS));
    let transactions = folder.join(TRANSACTIONS);
    let harvest = read(plan, &plan.rules(true)?, Some(number), &transactions, &hashes, &rejects)?;
    let months: BTreeMap<i32, u64> = harvest.log.months().into_iter().collect();
    let few = harvest.few.into_iter().filter(|(month, _)| months[month] <= FEW_ROWS as u64);
    let Rejects { writer, by_reason, first_of } = harvest.rejects;
    writer.close()?;
    let within = |path: PathBuf| path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
    let mut card = Card {
        few: few.map(|(month, lines)| (month, lines.into_iter().map(|(_, line)| line).collect())).collect(),
        parts: harvest
            .parts
            .into_iter()
            .map(|(month, parts)| (month, parts.into_iter().map(within).collect()))
            .collect(),
        months,
        stats: harvest.stats,
        quality: harvest.files.into_iter().next().unwrap_or_default(),
        by_reason,
        first_of,
        notes: harvest.notes,
        hashes: BTreeMap::new(),
    };
    for path in files_below(folder)? {
        let hash = hash(&path)?;
        card.hashes.insert(within(path), hash);
    }
    let path = folder.join(CARD);
    let text = serde_json::to_string(&card)
        .map_err(|e| IngestError::Write { path: path.clone(), source: e.into() })?;
    fs::write(&path, text).map_err(IngestError::write(&path))
}

/// The first file of a folder that is missing or not as it was written.
pub fn damaged(folder: &Path) -> Option<PathBuf> {
    let card = match Card::read(folder) {
        Ok(card) => card,
        Err(_) => return Some(folder.join(CARD)),
    };
    let is_other = |path: &PathBuf, expected: &String| hash(path).map_or(true, |hash| hash != *expected);
    card.hashes
        .iter()
        .map(|(name, hash)| (folder.join(name), hash))
        .find(|(p, h)| is_other(p, h))
        .map(|f| f.0)
}

/// Puts files together, the earlier taken in first, into `out/transactions/` and `out/rejects/`.
///
/// # Errors
/// If a folder cannot be read, no row is accepted, there is more than one currency, or the result cannot be written.
pub fn combine(plan: &Plan, files: &[Taken], out: &Path) -> Result<Quality, IngestError> {
    let transactions = out.join(TRANSACTIONS);
    let mut parts: BTreeMap<i32, Vec<PathBuf>> = BTreeMap::new();
    let mut months: BTreeMap<i32, u64> = BTreeMap::new();
    let mut few: BTreeMap<i32, Vec<(u32, u64)>> = BTreeMap::new();
    let mut rejects = Rejects::create(&rejects(out)?)?;
    let (mut stats, mut accounts, mut notes) = (Stats::default(), Vec::new(), Vec::new());
    for (number, taken) in files.iter().enumerate() {
        let card = Card::read(&taken.folder)?;
        for (month, rows) in &card.months {
            *months.entry(*month).or_default() += rows;
            let lines = card.few.get(month).into_iter().flatten();
            few.entry(*month).or_default().extend(lines.map(|line| (number as u32, *line)));
        }
        for (month, theirs) in card.parts {
            let all = parts.entry(month).or_default();
            for part in theirs {
                let from = taken.folder.join(&part);
                // The folder of the month has the same name in both places.
                let month = transactions.join(from.parent().and_then(Path::file_name).unwrap_or_default());
                fs::create_dir_all(&month).map_err(IngestError::write(&month))?;
                // In the order of their names.
                let to = month.join(format!("part-{:06}.parquet", all.len()));
                link(&from, &to).map_err(IngestError::write(&to))?;
                all.push(to);
            }
        }
        rejects.take_over(&taken.folder.join(REJECTS), &taken.file, card.by_reason, card.first_of)?;
        accounts.push(FileQuality { file: taken.file.clone(), ..card.quality });
        stats.add(&card.stats);
        notes.extend(card.notes);
        if let (Some(first), Some(second)) = (&stats.currency, &stats.other_currency) {
            let (first, second, place) = (first.clone(), second.clone(), taken.file.clone());
            return Err(IngestError::Currencies { first, second, place });
        }
    }
    let log = RepeatLog::of_taken(
        files.iter().map(|t| t.folder.join(HASHES)).collect(),
        months,
        &plan.cleaning,
        files.iter().map(|t| plan.input.adds(&t.file)).collect(),
        plan.columns.order.is_some(),
    );
    Harvest { parts, log, few, notes, rejects, stats, files: accounts }.settle(plan)
}

/// One file under two names, where the disk can do that; it is never written to again.
fn link(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(|_| ()))
}

impl Card {
    fn read(folder: &Path) -> Result<Card, IngestError> {
        let path = folder.join(CARD);
        let text = fs::read_to_string(&path).map_err(IngestError::read(&path))?;
        serde_json::from_str(&text).map_err(|e| IngestError::Read { path, source: e.into() })
    }
}

impl Rejects {
    /// Takes over the rejects of a file that was taken in.
    fn take_over(
        &mut self,
        path: &Path,
        file: &str,
        by_reason: BTreeMap<Reason, u64>,
        first_of: BTreeMap<Reason, String>,
    ) -> Result<(), IngestError> {
        for (reason, rows) in by_reason {
            *self.by_reason.entry(reason).or_default() += rows;
        }
        for (reason, first) in first_of {
            self.first_of.entry(reason).or_insert(first);
        }
        for group in RowGroup::all(path)? {
            // The file may have another name by now.
            self.push(file, group.read(&["line", "column", "value", "reason"])?.batch())?;
            self.writer.flush_full()?;
        }
        Ok(())
    }
}

/// Every file below a folder, in the order of their names.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>, IngestError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(IngestError::read(folder))? {
        let path = entry.map_err(IngestError::read(folder))?.path();
        if path.is_dir() { files.append(&mut files_below(&path)?) } else { files.push(path) }
    }
    files.sort();
    Ok(files)
}

fn hash(path: &Path) -> Result<String, IngestError> {
    use std::io::Read;
    let mut file = fs::File::open(path).map_err(IngestError::read(path))?;
    let (mut hasher, mut buffer) = (Xxh3::new(), vec![0; 1 << 18]);
    loop {
        match file.read(&mut buffer).map_err(IngestError::read(path))? {
            0 => return Ok(format!("{:032x}", hasher.digest128())),
            n => hasher.update(&buffer[..n]),
        }
    }
}

#[cfg(test)]
mod tests {
    use tillwise_table::Table;

    use super::*;
    use crate::{Cleaning, Columns, Input, find_files, ingest};

    const FILES: [(&str, &str); 3] = [
        (
            "a.csv",
            "customer,order,date,amount\nann,1,2024-01-03,5.50\nbob,2,2024-01-04,7\nbob,2,2024-01-04,7\n\
             ,3,2024-01-05,1\ncleo,9,1999-01-01,4\n",
        ),
        ("b.csv", "customer,order,date,amount\nbob,2,2024-01-04,7\nbob,2,2024-01-04,7\nann,4,2024-02-29,x\n"),
        ("c.csv", "customer,order,date,amount\nann,1,2024-01-03,6.50\ndora,5,2024-03-01,2\n"),
    ];

    fn plan(base: &Path, columns: Columns) -> Plan {
        let input = Input { files: vec!["*.csv".into()], ..Input::default() };
        let files = find_files(&input.files, base).unwrap();
        Plan {
            input,
            columns,
            cleaning: Cleaning::default(),
            files,
            base: base.to_owned(),
            memory_limit: None,
        }
    }

    fn columns(text: &str) -> Columns {
        serde_json::from_str(text).unwrap()
    }

    /// The rows of every folder below a folder, as text: how they lie in files does not count.
    fn rows(out: &Path) -> Vec<String> {
        let files = files_below(out).unwrap();
        let same = files.chunk_by(|a, b| a.parent() == b.parent());
        same.map(|files| {
            let batches: Vec<_> = files.iter().map(|f| Table::read(f).unwrap().batch().clone()).collect();
            let rows = arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap();
            format!("{:?} {rows:?}", files[0].parent().and_then(Path::file_name))
        })
        .collect()
    }

    #[test]
    fn files_taken_in_one_by_one_come_to_what_all_come_to_at_once() {
        for mapped in [
            r#"{"customer":"customer","order":"order","date":"date","amount":"amount"}"#,
            r#"{"customer":"customer","date":"date","amount":"amount"}"#,
        ] {
            let folder = tempfile::tempdir().unwrap();
            FILES.iter().for_each(|(name, text)| fs::write(folder.path().join(name), text).unwrap());
            let plan = plan(folder.path(), columns(mapped));
            let at_once = folder.path().join("at-once");
            let expected = ingest(&plan, &at_once).unwrap();
            let mut taken = Vec::new();
            for (number, file) in plan.files.iter().enumerate() {
                let own = folder.path().join(format!("taken-{number}"));
                take_in(&plan, file, number, &own).unwrap();
                taken.push(Taken { file: file.name.clone(), folder: own });
            }
            assert!(expected.repeats_across_files > 0 && expected.rows_rejected > 2);
            for name in ["one", "again"] {
                let out = folder.path().join(name);
                assert_eq!(combine(&plan, &taken, &out).unwrap(), expected);
                for folder in [TRANSACTIONS, "rejects"] {
                    assert_eq!(rows(&out.join(folder)), rows(&at_once.join(folder)));
                }
            }
            // Nothing that was kept has changed.
            assert!(taken.iter().all(|t| damaged(&t.folder).is_none()));
            let part = files_below(&taken[0].folder.join(TRANSACTIONS)).unwrap().remove(0);
            let mut bytes = fs::read(&part).unwrap();
            bytes[10] ^= 1;
            fs::write(&part, bytes).unwrap();
            assert_eq!(damaged(&taken[0].folder), Some(part));
            fs::remove_file(taken[1].folder.join(CARD)).unwrap();
            assert!(damaged(&taken[1].folder).is_some());
        }
    }

    #[test]
    fn reasons_are_written_by_their_codes() {
        for reason in [Reason::RaggedRow, Reason::NotAProduct, Reason::RepeatAcrossFiles] {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.code());
        }
    }
}
