//! Transactions to customer tables, with Polars.
//!
//! Polars groups the lines of each month into *cells*, one per (customer, order, day), and into the
//! products and attribute values that each customer met. Cells are a fraction of the lines, and every
//! requested date is summed from them: the lines are read once, however many dates there are.
//! [`fold`] then walks the sorted cells and writes one row per customer.
//!
//! Customers are handled in ranges of their ids, small enough for the memory limit. With more than one
//! range, cells wait in scratch files, so memory grows neither with lines nor with all customers' cells.

mod fold;
mod spill;

use std::fs;
use std::path::{Path, PathBuf};

use polars::prelude::*;
use tillwise_core::schema::{LABEL, MODES, SUMMARY};
use tillwise_core::{Engine, EngineError, SummaryRequest, SummaryStats};
use tillwise_table::{Compression, TableError, TableWriter, arrow_schema};

use fold::Frames;
use spill::Spill;

/// Memory that the cells of one line take while a range is summed, with the hash tables over them.
const BYTES_PER_LINE: u64 = 160;
/// Memory for a range of customers where no limit is set.
const DEFAULT_RANGE_BYTES: u64 = 320 << 20;
/// Customer ids looked at to cut the ranges, per range.
const SAMPLE_PER_RANGE: usize = 2_000;

/// The engine. One process has one Polars thread pool, sized by `POLARS_MAX_THREADS`.
#[derive(Clone, Debug, Default)]
pub struct PolarsEngine {
    /// Bytes that summing may take; lines beyond that are spilled to disk. `None` for the default.
    pub memory_limit: Option<u64>,
}

impl Engine for PolarsEngine {
    fn name(&self) -> &'static str {
        "polars"
    }

    fn summarise(
        &self,
        transactions: &Path,
        net_returns: bool,
        requests: &[SummaryRequest],
    ) -> Result<Vec<SummaryStats>, EngineError> {
        let months = months(transactions)?;
        let lines = count_lines(&months)?;
        let range_bytes = self.memory_limit.map_or(DEFAULT_RANGE_BYTES, |limit| (limit / 4).max(1 << 20));
        let ranges = (lines * BYTES_PER_LINE).div_ceil(range_bytes).max(1) as usize;
        let bounds = if ranges == 1 { Vec::new() } else { bounds(&months, lines as usize, ranges)? };

        let scratch = transactions.with_extension("cells.tmp");
        let mut spill = Spill::create(&scratch, bounds)?;
        for month in &months {
            spill.add(group_month(month).map_err(failed("grouping lines"))?)?;
        }
        let mut outputs = Vec::new();
        for request in requests {
            let mut columns = SUMMARY.to_vec();
            columns.extend(request.label_until.is_some().then_some(LABEL));
            let writer = TableWriter::create(&request.out, arrow_schema(&columns), Compression::Snappy, &[])
                .map_err(table)?;
            outputs.push((request, writer, SummaryStats::default()));
        }
        for range in 0..spill.ranges() {
            let frames = spill.take(range)?;
            let sorted = Frames::prepare(frames).map_err(failed("sorting cells"))?;
            for (request, writer, stats) in &mut outputs {
                let (batch, return_only) =
                    sorted.summarise(request, net_returns).map_err(failed("summing customers"))?;
                stats.customers += batch.num_rows();
                stats.return_only += return_only;
                writer.push(batch);
                writer.flush_full().map_err(table)?;
            }
        }
        if scratch.exists() {
            fs::remove_dir_all(&scratch).map_err(io(&scratch))?;
        }
        outputs.into_iter().map(|(_, writer, stats)| writer.close().map(|_| stats).map_err(table)).collect()
    }
}

/// The grouped lines of a month, or of a range of customers over all months.
#[derive(Clone, Default)]
pub(crate) struct Grouped {
    /// One row per customer, order and day.
    pub cells: DataFrame,
    /// First day of each product that a customer bought.
    pub products: DataFrame,
    /// Lines per customer, day and value, for each column of [`MODES`].
    pub values: [DataFrame; MODES.len()],
}

/// The Parquet files of each month, in order.
fn months(transactions: &Path) -> Result<Vec<Vec<PathBuf>>, EngineError> {
    let list = |folder: &Path| -> Result<Vec<PathBuf>, EngineError> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(io(folder))? {
            paths.push(entry.map_err(io(folder))?.path());
        }
        paths.sort();
        Ok(paths)
    };
    list(transactions)?.iter().filter(|p| p.is_dir()).map(|month| list(month)).collect()
}

fn scan(parts: &[PathBuf]) -> PolarsResult<LazyFrame> {
    let paths: Vec<PlRefPath> =
        parts.iter().map(|p| PlRefPath::try_from_path(p)).collect::<PolarsResult<_>>()?;
    let args = ScanArgsParquet { glob: false, cache: false, ..ScanArgsParquet::default() };
    LazyFrame::scan_parquet_files(paths.into(), args)
}

fn count_lines(months: &[Vec<PathBuf>]) -> Result<u64, EngineError> {
    let mut lines = 0;
    for month in months {
        let count =
            scan(month).and_then(|lf| lf.select([len()]).collect()).map_err(failed("counting lines"))?;
        lines +=
            count.columns().first().and_then(|c| c.get(0).ok()).and_then(|v| v.extract::<u64>()).unwrap_or(0);
    }
    Ok(lines)
}

/// Ids that cut the customers into `ranges` of about equally many lines: the first id of each range
/// but the first.
fn bounds(months: &[Vec<PathBuf>], lines: usize, ranges: usize) -> Result<Vec<String>, EngineError> {
    let step = (lines / (ranges * SAMPLE_PER_RANGE)).max(1);
    let mut sample: Vec<String> = Vec::new();
    for month in months {
        let ids = scan(month)
            .and_then(|lf| lf.select([col("customer_id")]).collect())
            .map_err(failed("sampling customers"))?;
        let ids =
            ids.column("customer_id").and_then(|c| c.str().cloned()).map_err(failed("sampling customers"))?;
        sample.extend(ids.iter().flatten().step_by(step).map(str::to_owned));
    }
    sample.sort_unstable();
    let mut bounds: Vec<String> =
        (1..ranges).filter_map(|i| sample.get(i * sample.len() / ranges).cloned()).collect();
    bounds.dedup();
    Ok(bounds)
}

fn group_month(parts: &[PathBuf]) -> PolarsResult<Grouped> {
    let columns: Vec<Expr> = [
        "customer_id",
        "order_id",
        "order_date",
        "is_return",
        "quantity_e4",
        "amount_e4",
        "cost_e4",
        "product",
    ]
    .into_iter()
    .chain(MODES)
    .map(col)
    .collect();
    let lines = scan(parts)?.select(columns).collect()?;
    let sale = lit(1i64) - col("is_return").cast(DataType::Int64);
    let back = col("is_return").cast(DataType::Int64);
    let cells = lines
        .clone()
        .lazy()
        .select([
            col("customer_id"),
            col("order_id"),
            col("order_date"),
            (col("quantity_e4") * sale.clone()).alias("units"),
            (col("amount_e4") * sale.clone()).alias("gross"),
            (lit(0i64) - col("amount_e4") * back).alias("returned"),
            sale.alias("lines"),
            col("cost_e4").is_not_null().cast(DataType::Int64).alias("costed"),
            col("cost_e4").alias("cost"),
        ])
        .group_by([col("customer_id"), col("order_id"), col("order_date")])
        .agg([
            col("lines").sum(),
            col("units").sum(),
            col("gross").sum(),
            col("returned").sum(),
            col("cost").sum(),
            col("costed").sum(),
        ])
        .collect()?;
    let present = |name: &str| lines.column(name).map(|c| c.null_count() < c.len());
    let sales = || lines.clone().lazy().filter(col("is_return").not());
    let products = if present("product")? {
        sales()
            .filter(col("product").is_not_null())
            .group_by([col("customer_id"), col("product")])
            .agg([col("order_date").min()])
            .collect()?
    } else {
        DataFrame::empty()
    };
    let mut values: [DataFrame; MODES.len()] = Default::default();
    for (frame, name) in values.iter_mut().zip(MODES) {
        if present(name)? {
            *frame = sales()
                .filter(col(name).is_not_null())
                .group_by([col("customer_id"), col("order_date"), col(name).alias("value")])
                .agg([len().cast(DataType::Int64).alias("lines")])
                .collect()?;
        }
    }
    Ok(Grouped { cells, products, values })
}

pub(crate) fn failed(doing: &'static str) -> impl Fn(PolarsError) -> EngineError {
    move |e| EngineError::Failed { engine: "polars", doing, message: e.to_string() }
}

pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> EngineError + '_ {
    move |source| EngineError::Io { path: path.to_owned(), source }
}

fn table(e: TableError) -> EngineError {
    EngineError::Failed { engine: "polars", doing: "writing a customer table", message: e.to_string() }
}
