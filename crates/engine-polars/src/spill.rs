//! Groups lines by range of customers: in memory for one range, else in scratch files.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use polars::prelude::*;

use crate::{EngineError, Groups, failed, io};

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
        for (table, frame) in tables(&groups).into_iter().enumerate() {
            if frame.width() == 0 {
                continue;
            }
            for range in 0..self.ranges {
                let within = col("range").eq(lit(range as u32));
                let mut part =
                    frame.clone().lazy().filter(within).collect().map_err(failed("spilling groups"))?;
                let path = self.path(range, table, self.spilled);
                let file = File::create(&path).map_err(io(&path))?;
                ParquetWriter::new(file)
                    .with_compression(ParquetCompression::Uncompressed)
                    .with_statistics(StatisticsOptions::empty())
                    .finish(&mut part)
                    .map_err(failed("spilling groups"))?;
            }
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
            for (table, frame) in tables_mut(&mut groups).into_iter().enumerate() {
                let path = self.path(range, table, spilled);
                if path.exists() {
                    let file = File::open(&path).map_err(io(&path))?;
                    *frame = ParquetReader::new(file).finish().map_err(failed("reading spilled groups"))?;
                    fs::remove_file(&path).map_err(io(&path))?;
                }
            }
            parts.push(groups);
        }
        join(&parts).map_err(failed("joining groups"))
    }
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
