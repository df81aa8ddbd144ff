//! Grouped lines by range of customers: in memory for one range, else in scratch files.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use polars::prelude::*;

use crate::{EngineError, Grouped, failed, io};

/// Collects the months' groups and gives them back a range of customers at a time.
pub(crate) struct Spill {
    scratch: PathBuf,
    /// The first id of each range but the first.
    bounds: Vec<String>,
    in_memory: Vec<Grouped>,
    months: usize,
}

impl Spill {
    pub fn create(scratch: &Path, bounds: Vec<String>) -> Result<Spill, EngineError> {
        if !bounds.is_empty() {
            fs::create_dir_all(scratch).map_err(io(scratch))?;
        }
        Ok(Spill { scratch: scratch.to_owned(), bounds, in_memory: Vec::new(), months: 0 })
    }

    pub fn ranges(&self) -> usize {
        self.bounds.len() + 1
    }

    /// Takes the groups of one month.
    pub fn add(&mut self, month: Grouped) -> Result<(), EngineError> {
        if self.bounds.is_empty() {
            self.in_memory.push(month);
            return Ok(());
        }
        for (table, frame) in tables(&month).into_iter().enumerate() {
            if frame.width() == 0 {
                continue;
            }
            for range in 0..self.ranges() {
                let mut within = lit(true);
                if range > 0 {
                    within = within.and(col("customer_id").gt_eq(lit(self.bounds[range - 1].as_str())));
                }
                if let Some(end) = self.bounds.get(range) {
                    within = within.and(col("customer_id").lt(lit(end.as_str())));
                }
                let mut part =
                    frame.clone().lazy().filter(within).collect().map_err(failed("spilling cells"))?;
                let path = self.path(range, table, self.months);
                let file = File::create(&path).map_err(io(&path))?;
                ParquetWriter::new(file)
                    .with_compression(ParquetCompression::Snappy)
                    .finish(&mut part)
                    .map_err(failed("spilling cells"))?;
            }
        }
        self.months += 1;
        Ok(())
    }

    fn path(&self, range: usize, table: usize, month: usize) -> PathBuf {
        self.scratch.join(format!("{range}-{table}-{month}.parquet"))
    }

    /// The groups of one range, over all months.
    pub fn take(&mut self, range: usize) -> Result<Grouped, EngineError> {
        if self.bounds.is_empty() {
            let months = std::mem::take(&mut self.in_memory);
            return join(&months).map_err(failed("joining months"));
        }
        let mut months = Vec::new();
        for month in 0..self.months {
            let mut grouped = Grouped::default();
            for (table, frame) in tables_mut(&mut grouped).into_iter().enumerate() {
                let path = self.path(range, table, month);
                if path.exists() {
                    let file = File::open(&path).map_err(io(&path))?;
                    *frame = ParquetReader::new(file).finish().map_err(failed("reading spilled cells"))?;
                    fs::remove_file(&path).map_err(io(&path))?;
                }
            }
            months.push(grouped);
        }
        join(&months).map_err(failed("joining months"))
    }
}

fn tables(grouped: &Grouped) -> Vec<&DataFrame> {
    [&grouped.cells, &grouped.products].into_iter().chain(&grouped.values).collect()
}

fn tables_mut(grouped: &mut Grouped) -> Vec<&mut DataFrame> {
    [&mut grouped.cells, &mut grouped.products].into_iter().chain(&mut grouped.values).collect()
}

fn join(months: &[Grouped]) -> PolarsResult<Grouped> {
    let mut all = Grouped::default();
    for month in months {
        for (whole, part) in tables_mut(&mut all).into_iter().zip(tables(month)) {
            if whole.width() == 0 {
                *whole = part.clone();
            } else if part.width() > 0 {
                whole.vstack_mut(part)?;
            }
        }
    }
    Ok(all)
}
