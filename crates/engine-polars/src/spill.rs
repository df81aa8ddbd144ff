//! Groups lines by range of customers: in memory for one range, else in scratch files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int32Array, Int64Array, RecordBatch, UInt32Array, UInt64Array};
use arrow::datatypes::{Int32Type, Int64Type, UInt32Type, UInt64Type};
use polars::prelude::{Column, DataFrame, DataType, PolarsError, PolarsResult};
use rayon::prelude::*;
use tillwise_table::{Compression, Table, write_table};

use crate::{EngineError, Groups, failed, io, table};

/// Collects groups of lines and gives them back a range of customers at a time.
pub(crate) struct Spill {
    scratch: PathBuf,
    ranges: usize,
    in_memory: Vec<Groups>,
    spilled: usize,
}

impl Spill {
    pub fn create(scratch: &Path, ranges: usize) -> Result<Spill, EngineError> {
        if ranges > 1 {
            fs::create_dir_all(scratch).map_err(io(scratch))?;
        }
        Ok(Spill { scratch: scratch.to_owned(), ranges, in_memory: Vec::new(), spilled: 0 })
    }

    /// Takes the groups of some lines.
    pub fn add(&mut self, groups: Groups) -> Result<(), EngineError> {
        if self.ranges == 1 {
            self.in_memory.push(groups);
            return Ok(());
        }
        for (number, frame) in tables(&groups).into_iter().enumerate() {
            if frame.width() == 0 {
                continue;
            }
            let mut frame = frame.clone();
            frame.rechunk_mut();
            let rows = by_range(&frame, self.ranges).map_err(failed("spilling groups"))?;
            let written = (0..self.ranges).into_par_iter().filter(|range| !rows[*range].is_empty());
            written.try_for_each(|range| {
                let batch = batch(&frame, &rows[range]).map_err(failed("spilling groups"))?;
                let path = self.path(range, number, self.spilled);
                write_table(&path, batch, Compression::None, &[]).map(|_| ()).map_err(table)
            })?;
        }
        self.spilled += 1;
        Ok(())
    }

    fn path(&self, range: usize, table: usize, spilled: usize) -> PathBuf {
        self.scratch.join(format!("{range}-{table}-{spilled}.parquet"))
    }

    /// The groups of one range, over all lines.
    pub fn take(&mut self, range: usize) -> Result<Groups, EngineError> {
        if self.ranges == 1 {
            let parts = std::mem::take(&mut self.in_memory);
            return join(&parts).map_err(failed("joining groups"));
        }
        let mut parts = Vec::new();
        for spilled in 0..self.spilled {
            let mut groups = Groups::default();
            for (number, frame) in tables_mut(&mut groups).into_iter().enumerate() {
                let path = self.path(range, number, spilled);
                if path.exists() {
                    let read = Table::read(&path).map_err(table)?;
                    *frame = self::frame(read.batch()).map_err(failed("reading spilled groups"))?;
                    fs::remove_file(&path).map_err(io(&path))?;
                }
            }
            parts.push(groups);
        }
        join(&parts).map_err(failed("joining groups"))
    }
}

/// The rows of each range.
fn by_range(frame: &DataFrame, ranges: usize) -> PolarsResult<Vec<Vec<u32>>> {
    let mut rows = vec![Vec::new(); ranges];
    for (row, range) in frame.column("range")?.u32()?.cont_slice()?.iter().enumerate() {
        rows[*range as usize].push(row as u32);
    }
    Ok(rows)
}

/// Some rows of a frame of whole numbers.
fn batch(frame: &DataFrame, rows: &[u32]) -> PolarsResult<RecordBatch> {
    fn pick<T: Copy>(values: &[T], rows: &[u32]) -> Vec<T> {
        rows.iter().map(|row| values[*row as usize]).collect()
    }
    let mut columns: Vec<(&str, ArrayRef)> = Vec::new();
    for column in frame.columns() {
        let array: ArrayRef = match column.dtype() {
            DataType::UInt32 => Arc::new(UInt32Array::from(pick(column.u32()?.cont_slice()?, rows))),
            DataType::UInt64 => Arc::new(UInt64Array::from(pick(column.u64()?.cont_slice()?, rows))),
            DataType::Int32 => Arc::new(Int32Array::from(pick(column.i32()?.cont_slice()?, rows))),
            _ => Arc::new(Int64Array::from(pick(column.i64()?.cont_slice()?, rows))),
        };
        columns.push((column.name().as_str(), array));
    }
    RecordBatch::try_from_iter(columns).map_err(|e| PolarsError::ComputeError(e.to_string().into()))
}

/// A frame of what [`batch`] made.
fn frame(batch: &RecordBatch) -> PolarsResult<DataFrame> {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, array)| {
        let name = field.name().as_str().into();
        if let Some(values) = array.as_primitive_opt::<UInt32Type>() {
            Column::new(name, values.values().as_ref())
        } else if let Some(values) = array.as_primitive_opt::<UInt64Type>() {
            Column::new(name, values.values().as_ref())
        } else if let Some(values) = array.as_primitive_opt::<Int32Type>() {
            Column::new(name, values.values().as_ref())
        } else {
            Column::new(name, array.as_primitive::<Int64Type>().values().as_ref())
        }
    });
    DataFrame::new(batch.num_rows(), columns.collect())
}

fn tables(groups: &Groups) -> Vec<&DataFrame> {
    [&groups.cells, &groups.products, &groups.returns, &groups.lines]
        .into_iter()
        .chain(&groups.values)
        .collect()
}

fn tables_mut(groups: &mut Groups) -> Vec<&mut DataFrame> {
    [&mut groups.cells, &mut groups.products, &mut groups.returns, &mut groups.lines]
        .into_iter()
        .chain(&mut groups.values)
        .collect()
}

/// Puts groups one below the other.
pub(crate) fn join(parts: &[Groups]) -> PolarsResult<Groups> {
    let mut all = Groups::default();
    for groups in parts {
        for (whole, part) in tables_mut(&mut all).into_iter().zip(tables(groups)) {
            if whole.width() == 0 {
                *whole = part.clone();
            } else if part.width() > 0 {
                whole.vstack_mut(part)?;
            }
        }
    }
    Ok(all)
}
