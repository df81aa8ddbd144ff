//! What files came to, once all of them are known: strays and repeats are rejected, and everything is accounted for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use rayon::prelude::*;
use tillwise_core::schema::REJECTS;
use tillwise_core::told::Message;
use tillwise_core::{VALUE, shortened};
use tillwise_table::{Compression, TableWriter, arrow_schema, assemble};

use crate::repeats::RepeatLog;
use crate::rows::{PARTS, Reason, Reject, Stats};
use crate::{FileQuality, IngestError, Plan, Quality, StrayDates, months, source};

/// What files came to, before repeats are looked for.
pub struct Harvest {
    /// The files of every month, in the order their lines were read.
    pub parts: BTreeMap<i32, Vec<PathBuf>>,
    pub log: RepeatLog,
    /// The files and lines of months with few rows: they may turn out to stand alone.
    pub few: BTreeMap<i32, Vec<(u32, u64)>>,
    pub notes: Vec<Message>,
    pub rejects: Rejects,
    pub stats: Stats,
    pub files: Vec<FileQuality>,
}

impl Harvest {
    /// Rejects strays and repeats, and accounts for everything.
    pub fn settle(mut self, plan: &Plan) -> Result<Quality, IngestError> {
        let strays = match plan.cleaning.stray_dates {
            StrayDates::Reject => self.stray_months(),
            StrayDates::Keep => Vec::new(),
        };
        let mut logged = self.log.months();
        logged.retain(|(month, _)| !strays.contains(month));
        let parts = std::mem::take(&mut self.parts);
        let had_strays = !strays.is_empty();
        for month in strays {
            let rows = self.few.remove(&month).unwrap_or_default();
            let dropped = months::drop_lines(&parts[&month], &(0..rows.len() as u64).collect::<Vec<_>>())?;
            self.take_off(&dropped);
            months::remove(&parts[&month])?;
            let refused: Vec<(u32, u64, Reason)> =
                rows.into_iter().map(|(file, line)| (file, line, Reason::StrayDate)).collect();
            self.reject_later(&refused)?;
            self.stats.unreadable.remove(&month);
        }
        if had_strays && let (Some((first, _)), Some((last, _))) = (logged.first(), logged.last()) {
            self.stats.first = months::days(&parts[first])?.map(|d| d.0);
            self.stats.last = months::days(&parts[last])?.map(|d| d.1);
        }
        let log = &self.log;
        let found = logged
            .par_iter()
            .map(|(month, rows)| Ok((*month, log.search(*month, *rows)?)))
            .collect::<Result<Vec<_>, IngestError>>()?;
        let mut repeats = RepeatCounts::default();
        for (month, found) in &found {
            repeats.within += found.within;
            repeats.across += found.across;
            repeats.changed += found.changed;
            if found.drop.is_empty() {
                continue;
            }
            let dropped =
                months::drop_lines(&parts[month], &found.drop.iter().map(|d| d.0).collect::<Vec<_>>())?;
            self.take_off(&dropped);
            let refused: Vec<(u32, u64, Reason)> =
                found.drop.iter().map(|&(_, file, line, reason)| (file, line, reason)).collect();
            self.reject_later(&refused)?;
        }
        let by_reason = self.rejects.by_reason;
        let first_of = self.rejects.first_of;
        self.rejects.writer.close()?;
        if self.stats.accepted == 0 {
            return Err(nothing_accepted(self.stats.rows, &by_reason, &first_of));
        }
        let month_rows = logged.into_iter().collect();
        Ok(Quality::new(plan, self.stats, self.files, &by_reason, repeats, &month_rows, self.notes))
    }

    /// Months of a few rows, years from all others.
    fn stray_months(&self) -> Vec<i32> {
        let months = self.log.months();
        let most = FEW_ROWS.min((self.stats.accepted / 1000).max(2) as usize) as u64;
        let mut strays = Vec::new();
        for (far, near) in [(true, false), (false, true)] {
            // From either end: what lies beyond a gap, as long as it is little in all.
            let mut ordered = months.clone();
            if near {
                ordered.reverse();
            }
            let mut rows = 0;
            for pair in ordered.windows(2) {
                rows += pair[0].1;
                if rows > most {
                    break;
                }
                if (pair[1].0 - pair[0].0).abs() >= STRAY_MONTHS {
                    let beyond = |m: i32| if far { m <= pair[0].0 } else { m >= pair[0].0 };
                    strays.extend(months.iter().map(|m| m.0).filter(|m| beyond(*m)));
                }
            }
        }
        strays.sort_unstable();
        strays.dedup();
        // Two halves that are both little tell nothing.
        if strays.len() == months.len() { Vec::new() } else { strays }
    }

    /// Subtracts rows that were accepted at first.
    fn take_off(&mut self, dropped: &Stats) {
        self.stats.accepted -= dropped.accepted;
        self.stats.returns -= dropped.returns;
        self.stats.gross -= dropped.gross;
        self.stats.returned -= dropped.returned;
        self.stats.units -= dropped.units;
        for (nulls, gone) in self.stats.nulls.iter_mut().zip(dropped.nulls) {
            *nulls -= gone;
        }
    }

    /// Rejects rows that were accepted at first: file, line, reason.
    fn reject_later(&mut self, refused: &[(u32, u64, Reason)]) -> Result<(), IngestError> {
        for same_file in refused.chunk_by(|a, b| a.0 == b.0) {
            let file = &mut self.files[same_file[0].0 as usize];
            file.accepted -= same_file.len() as u64;
            file.rejected += same_file.len() as u64;
            let rejects: Vec<Reject> = same_file
                .iter()
                .map(|&(_, line, reason)| Reject { line, part: None, value: String::new(), reason })
                .collect();
            for some in rejects.chunks(source::BLOCK_ROWS) {
                self.rejects.add(&file.file, &[const { None }; PARTS.len()], some)?;
                self.rejects.writer.flush_full()?;
            }
        }
        Ok(())
    }
}

/// Rows of a month, at most, that may be strays.
pub const FEW_ROWS: usize = 1000;
/// Months between strays and all others, at least.
const STRAY_MONTHS: i32 = 60;

/// How many accepted rows repeat others.
#[derive(Clone, Copy, Debug, Default)]
pub struct RepeatCounts {
    pub within: u64,
    pub across: u64,
    pub changed: u64,
}

fn nothing_accepted(
    rows: u64,
    by_reason: &BTreeMap<Reason, u64>,
    first_of: &BTreeMap<Reason, String>,
) -> IngestError {
    let Some((reason, count)) = by_reason.iter().max_by_key(|(_, n)| **n) else {
        return IngestError::config("[input] files", "the files hold blank lines only", "check the export");
    };
    let hint = match reason.remedy() {
        "" => String::new(),
        remedy => format!("; {remedy}"),
    };
    IngestError::NothingAccepted {
        rows,
        reason: reason.code().to_owned(),
        count: *count,
        place: first_of.get(reason).cloned().unwrap_or_default(),
        hint,
    }
}

/// Writes rejects and counts them.
pub struct Rejects {
    pub writer: TableWriter,
    pub by_reason: BTreeMap<Reason, u64>,
    pub first_of: BTreeMap<Reason, String>,
}

impl Rejects {
    pub fn create(path: &Path) -> Result<Rejects, IngestError> {
        let writer = TableWriter::create(path, arrow_schema(REJECTS), Compression::Snappy, &[])?;
        Ok(Rejects { writer, by_reason: BTreeMap::new(), first_of: BTreeMap::new() })
    }

    pub fn add(
        &mut self,
        file: &str,
        names: &[Option<String>; PARTS.len()],
        rejects: &[Reject],
    ) -> Result<(), IngestError> {
        if rejects.is_empty() {
            return Ok(());
        }
        let column = |r: &Reject| r.part.and_then(|p| names[p as usize].clone());
        for reject in rejects {
            *self.by_reason.entry(reject.reason).or_default() += 1;
            self.first_of.entry(reject.reason).or_insert_with(|| {
                let column = column(reject).map(|c| format!(", column `{c}`")).unwrap_or_default();
                format!("{file}, line {}{column}: `{}`", reject.line, shortened(&reject.value, VALUE))
            });
        }
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("file", files(file, rejects.len())),
            ("line", Arc::new(Int64Array::from_iter_values(rejects.iter().map(|r| r.line as i64)))),
            ("column", Arc::new(rejects.iter().map(column).collect::<StringArray>())),
            ("value", Arc::new(StringArray::from_iter_values(rejects.iter().map(|r| &r.value)))),
            ("reason", Arc::new(StringArray::from_iter_values(rejects.iter().map(|r| r.reason.code())))),
        ];
        let batch = assemble("rejects", REJECTS, columns)?;
        self.writer.push(batch);
        Ok(())
    }

    /// Writes rejects of a file as they are.
    pub fn push(&mut self, file: &str, batch: &RecordBatch) -> Result<(), IngestError> {
        let mut columns = vec![("file", files(file, batch.num_rows()))];
        for name in ["line", "column", "value", "reason"] {
            columns.extend(batch.column_by_name(name).map(|column| (name, column.clone())));
        }
        self.writer.push(assemble("rejects", REJECTS, columns)?);
        Ok(())
    }
}

/// The name of a file, row by row.
fn files(file: &str, rows: usize) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(std::iter::repeat_n(file, rows)))
}
