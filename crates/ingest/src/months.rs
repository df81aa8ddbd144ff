//! The transactions folder: one Parquet file a month (`month=2011-12/part-0.parquet`).

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int64Type, SchemaRef};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rayon::prelude::*;
use tillwise_core::Day;
use tillwise_table::{Compression, ROW_GROUP, Table, TableError, TableWriter};

use crate::IngestError;
use crate::rows::{CARRIED, Stats};

/// Lines that may wait for their row groups to fill, over all months, where no memory limit is set:
/// what bounds memory when the export is in no order.
const PENDING_LIMIT: usize = 8 * ROW_GROUP;
/// What a waiting line takes in memory, about.
const BYTES_PER_LINE: u64 = 160;
/// Files that may be open at once.
const OPEN_LIMIT: usize = 200;

/// Writes lines to their months.
pub struct Months {
    folder: PathBuf,
    schema: SchemaRef,
    open: BTreeMap<i32, TableWriter>,
    parts: BTreeMap<i32, Vec<PathBuf>>,
    pending_limit: usize,
}

impl Months {
    /// `memory_limit` is for the process; a quarter of it is given to lines that wait.
    pub fn create(
        folder: &Path,
        schema: SchemaRef,
        memory_limit: Option<u64>,
    ) -> Result<Months, IngestError> {
        fs::create_dir_all(folder).map_err(IngestError::write(folder))?;
        let pending_limit =
            memory_limit.map_or(PENDING_LIMIT, |l| PENDING_LIMIT.min((l / 4 / BYTES_PER_LINE) as usize));
        let (open, parts) = (BTreeMap::new(), BTreeMap::new());
        Ok(Months { folder: folder.to_owned(), schema, open, parts, pending_limit })
    }

    pub fn push(&mut self, month: i32, lines: RecordBatch) -> Result<(), IngestError> {
        if !self.open.contains_key(&month) {
            if self.open.len() >= OPEN_LIMIT {
                self.close_open()?;
            }
            let folder = self.folder.join(format!("month={}", Day::month_name(month)));
            fs::create_dir_all(&folder).map_err(IngestError::write(&folder))?;
            let parts = self.parts.entry(month).or_default();
            let path = folder.join(format!("part-{}.parquet", parts.len()));
            let writer = TableWriter::create(&path, self.schema.clone(), Compression::Snappy, &[])?;
            parts.push(path);
            self.open.insert(month, writer);
        }
        if let Some(writer) = self.open.get_mut(&month) {
            writer.push(lines);
        }
        Ok(())
    }

    /// Writes what is full, and everything if too much is waiting.
    pub fn flush(&mut self) -> Result<(), IngestError> {
        let pending: usize = self.open.values().map(TableWriter::pending_rows).sum();
        self.open.par_iter_mut().try_for_each(|(_, writer)| {
            if pending > self.pending_limit { writer.flush() } else { writer.flush_full() }
        })?;
        Ok(())
    }

    fn close_open(&mut self) -> Result<(), IngestError> {
        std::mem::take(&mut self.open)
            .into_par_iter()
            .map(|(_, writer)| writer.close())
            .collect::<Result<Vec<usize>, TableError>>()?;
        Ok(())
    }

    /// Writes everything; the parts of every month, in the order their lines were read.
    pub fn close(&mut self) -> Result<BTreeMap<i32, Vec<PathBuf>>, IngestError> {
        self.close_open()?;
        Ok(std::mem::take(&mut self.parts))
    }
}

/// Writes a month again without the lines at the given places (ascending); returns what they summed to.
pub fn drop_lines(parts: &[PathBuf], drop: &[u64]) -> Result<Stats, IngestError> {
    let mut dropped = Stats::default();
    let Some(first) = parts.first() else { return Ok(dropped) };
    let rewritten = first.with_extension("tmp");
    let mut writer: Option<TableWriter> = None;
    let (mut place, mut drop) = (0u64, drop.iter().copied().peekable());
    for part in parts {
        let broken = |e: String| TableError::Parquet { path: part.clone(), message: e };
        let file = File::open(part).map_err(IngestError::read(part))?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| broken(e.to_string()))?;
        for batch in builder.with_batch_size(ROW_GROUP).build().map_err(|e| broken(e.to_string()))? {
            let batch = batch.map_err(|e| broken(e.to_string()))?;
            let keep: BooleanArray =
                (0..batch.num_rows() as u64).map(|i| Some(drop.next_if_eq(&(place + i)).is_none())).collect();
            place += batch.num_rows() as u64;
            sum_dropped(&batch, &keep, &mut dropped);
            let kept = filter_record_batch(&batch, &keep).map_err(|e| broken(e.to_string()))?;
            if writer.is_none() {
                writer = Some(TableWriter::create(&rewritten, batch.schema(), Compression::Snappy, &[])?);
            }
            if let Some(writer) = &mut writer {
                writer.push(kept);
                writer.flush_full()?;
            }
        }
    }
    if let Some(writer) = writer {
        writer.close()?;
        for part in parts {
            fs::remove_file(part).map_err(IngestError::write(part))?;
        }
        fs::rename(&rewritten, first).map_err(IngestError::write(first))?;
    }
    Ok(dropped)
}

/// Removes a month.
pub fn remove(parts: &[PathBuf]) -> Result<(), IngestError> {
    for part in parts {
        if part.exists() {
            fs::remove_file(part).map_err(IngestError::write(part))?;
        }
    }
    if let Some(folder) = parts.first().and_then(|p| p.parent()) {
        fs::remove_dir(folder).map_err(IngestError::write(folder))?;
    }
    Ok(())
}

/// The first and the last day of a month's lines.
pub fn days(parts: &[PathBuf]) -> Result<Option<(Day, Day)>, IngestError> {
    let mut found: Option<(Day, Day)> = None;
    for part in parts.iter().filter(|p| p.exists()) {
        let table = Table::read_columns(part, &["order_date"])?;
        for day in table.i32s("order_date")? {
            let day = Day(*day);
            found = Some(found.map_or((day, day), |(first, last)| (first.min(day), last.max(day))));
        }
    }
    Ok(found)
}

fn sum_dropped(batch: &RecordBatch, keep: &BooleanArray, dropped: &mut Stats) {
    let column = |name: &str| batch.column_by_name(name);
    let (Some(is_return), Some(quantity), Some(amount)) =
        (column("is_return"), column("quantity_e4"), column("amount_e4"))
    else {
        return;
    };
    let (is_return, quantity) = (is_return.as_boolean(), quantity.as_primitive::<Int64Type>());
    let amount = amount.as_primitive::<Int64Type>();
    let carried: Vec<_> = CARRIED.iter().map(|part| column(part.key())).collect();
    for i in (0..batch.num_rows()).filter(|i| !keep.value(*i)) {
        dropped.accepted += 1;
        if is_return.value(i) {
            dropped.returns += 1;
            dropped.returned -= i128::from(amount.value(i));
        } else {
            dropped.gross += i128::from(amount.value(i));
            dropped.units += i128::from(quantity.value(i));
        }
        for (nulls, column) in dropped.nulls.iter_mut().zip(&carried) {
            *nulls += u64::from(column.is_none_or(|c| c.is_null(i)));
        }
    }
}
