//! Transactions to customer tables, with Polars.
//!
//! The lines are read a row group at a time. In one pass customers, products and attribute values become small
//! numbers, and neighbouring lines of an order are drawn together ([`encode`]); on those numbers Polars
//! groups *cells*, one per (customer, order, day), the first day of each product that a customer bought, and
//! the lines of each attribute value. Every requested date is then summed from them ([`fold`]): the lines are
//! read once, however many dates there are. Where orders are asked for, the lines themselves are kept as numbers ([`purchases`]).
//!
//! Customers are handled in ranges of their ids, small enough for the memory limit. With more than one
//! range, groups wait in scratch files, so memory grows with customers and not with lines.

mod encode;
mod fold;
mod purchases;
mod spill;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use polars::prelude::{ChunkAgg, Column, DataFrame, PolarsError, PolarsResult};
use rayon::prelude::*;
use tillwise_core::schema::MODES;
use tillwise_core::{Engine, EngineError, PurchasesRequest, SummaryRequest, SummaryStats};
use tillwise_table::{Compression, RowGroup, TableError, TableWriter, arrow_schema, write_table};

use xxhash_rust::xxh3::xxh3_64;

use encode::Dictionaries;
use fold::{Daily, Folded};
use purchases::Purchases;
use spill::{Spill, join};

/// Memory that the groups of one line take while a range is summed.
const BYTES_PER_LINE: u64 = 64;
/// The same where the lines themselves are kept.
const BYTES_PER_KEPT_LINE: u64 = 192;
/// Memory that a customer takes while a range is summed: a row of the whole table, of two dates at a time.
const BYTES_PER_CUSTOMER: u64 = 1_700;
/// Memory for a range of customers where no limit is set.
const DEFAULT_RANGE_BYTES: u64 = 128 << 20;
/// Pieces that are grouped together before they wait on disk.
const PIECES_A_SPILL: usize = 4;
/// Lines whose customer ids the ranges are cut by, at most.
const SAMPLE: usize = 200_000;
/// One id in so many is counted, by its hash, to know how many customers there are.
const COUNTED: u64 = 64;

/// The engine. One process has one Polars thread pool, sized by `POLARS_MAX_THREADS`.
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{ArrayRef, BooleanArray, Date32Array, Int64Array, StringArray, TimestampMicrosecondArray, new_null_array};
/// use arrow::datatypes::DataType;
/// use tillwise_core::schema::TRANSACTIONS;
/// use tillwise_core::{Day, Engine, SummaryRequest};
/// use tillwise_engine_polars::PolarsEngine;
/// use tillwise_table::{Compression, Table, assemble, write_table};
///
/// // Ann orders on two days, Bob on one; money and units are whole ten-thousandths.
/// let text = |values: [&str; 3]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
/// let whole = |values: [i64; 3]| Arc::new(Int64Array::from(values.to_vec())) as ArrayRef;
/// let mut columns = vec![
///     ("customer_id", text(["ann", "ann", "bob"])),
///     ("order_id", text(["1", "2", "3"])),
///     ("order_date", Arc::new(Date32Array::from(vec![19_000, 19_030, 19_010])) as ArrayRef),
///     ("ordered_at", Arc::new(TimestampMicrosecondArray::from(vec![0, 0, 0])) as ArrayRef),
///     ("is_return", Arc::new(BooleanArray::from(vec![false; 3])) as ArrayRef),
///     ("quantity_e4", whole([10_000; 3])),
///     ("amount_e4", whole([100_000, 300_000, 50_000])),
///     ("cost_e4", new_null_array(&DataType::Int64, 3)),
/// ];
/// for name in ["product", "product_name", "category", "country", "channel", "store", "currency"] {
///     columns.push((name, new_null_array(&DataType::Utf8, 3)));
/// }
/// let folder = std::env::temp_dir().join(format!("tillwise-doc-{}", std::process::id()));
/// let month = folder.join("transactions/month=2022-01");
/// std::fs::create_dir_all(&month)?;
/// write_table(&month.join("part-0.parquet"), assemble("transactions", TRANSACTIONS, columns)?, Compression::Snappy, &[])?;
///
/// let request = SummaryRequest {
///     as_of: Day(19_040), label_until: None, occasion_days: None, daily: None, active_within_days: None, only: None,
///     out: folder.join("customers.parquet"),
/// };
/// let stats = PolarsEngine::default().summarise(&folder.join("transactions"), true, &[request.clone()], None)?;
/// assert_eq!(stats[0].customers, 2);
/// let customers = Table::read(&request.out)?;
/// assert_eq!(customers.texts("customer_id")?, ["ann", "bob"]);
/// assert_eq!(customers.f64s("net_revenue")?, [40.0, 5.0]);
/// assert_eq!(customers.f64s("days_since_last")?, [10.0, 30.0]);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct PolarsEngine {
    /// Bytes that the process may take; an eighth of it is given to a range of customers, and what does
    /// not fit waits on disk. `None` for the default.
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
        purchases: Option<&PurchasesRequest>,
    ) -> Result<Vec<SummaryStats>, EngineError> {
        let pieces = pieces(transactions)?;
        let lines: usize = pieces.iter().map(RowGroup::rows).sum();
        let range_bytes = self
            .memory_limit
            .map_or(DEFAULT_RANGE_BYTES, |limit| (limit / 8).clamp(1 << 16, DEFAULT_RANGE_BYTES));
        let bytes = if purchases.is_some() { BYTES_PER_KEPT_LINE } else { BYTES_PER_LINE };
        let lines_bytes = lines as u64 * bytes;
        // Below this, one range holds whatever there is.
        let bounds = if lines_bytes.max(lines as u64 * BYTES_PER_CUSTOMER) <= range_bytes {
            Vec::new()
        } else {
            let ids = Ids::of(&pieces, lines)?;
            let all = lines_bytes + ids.customers * BYTES_PER_CUSTOMER;
            ids.bounds(all.div_ceil(range_bytes) as usize)
        };

        let scratch = transactions.with_extension("groups.tmp");
        let mut dictionaries = Dictionaries::new(bounds, purchases.is_some());
        let mut spill = Spill::create(&scratch, dictionaries.ranges())?;
        // While one piece is read and encoded, those before are grouped and spilled.
        let (send, receive) = std::sync::mpsc::sync_channel(1);
        std::thread::scope(|scope| {
            let (pieces, dictionaries) = (&pieces, &mut dictionaries);
            // The receiver is dropped when this closure returns: a sender that waits is then released after an error.
            let receive = receive;
            scope.spawn(move || {
                for piece in pieces {
                    let lines = piece.read(&COLUMNS).map_err(table);
                    let runs = lines.and_then(|lines| dictionaries.encode(&lines));
                    // The receiver is gone only when a piece has failed already.
                    if send.send(runs).is_err() {
                        return;
                    }
                }
            });
            loop {
                let runs: Vec<Groups> = receive.iter().take(PIECES_A_SPILL).collect::<Result<_, _>>()?;
                if runs.is_empty() {
                    return Ok::<(), EngineError>(());
                }
                spill.add(join(&runs).and_then(Groups::group).map_err(failed("grouping lines"))?)?;
            }
        })?;
        let mut outputs = Vec::new();
        for request in requests {
            let schema = arrow_schema(&request.columns());
            let writer =
                TableWriter::create(&request.out, schema, Compression::Snappy, &[]).map_err(table)?;
            outputs.push((request, writer, SummaryStats::default(), Daily::default()));
        }
        let mut kept = purchases.map(|request| Purchases::create(request, &dictionaries)).transpose()?;
        for range in 0..dictionaries.ranges() {
            let mut grouped = spill.take(range)?.group().map_err(failed("grouping spilled lines"))?;
            let lines = std::mem::take(&mut grouped.lines);
            let folded = Folded::new(grouped, &dictionaries).map_err(failed("sorting cells"))?;
            if folded.may_have_wrapped() {
                return Err(EngineError::TooMuchMoney);
            }
            // Dates do not depend on each other.
            outputs.par_iter_mut().with_max_len(1).try_for_each(|(request, writer, stats, daily)| {
                let (batch, return_only) = folded.summarise(request, net_returns, daily).map_err(table)?;
                stats.customers += batch.num_rows();
                stats.return_only += return_only;
                writer.push(batch);
                writer.flush_full().map_err(table)
            })?;
            if let Some(kept) = &mut kept {
                kept.add(&lines, &folded)?;
            }
        }
        if let Some(kept) = kept {
            kept.close()?;
        }
        if scratch.exists() {
            fs::remove_dir_all(&scratch).map_err(io(&scratch))?;
        }
        outputs
            .into_iter()
            .map(|(request, writer, stats, daily)| {
                if let Some(path) = &request.daily {
                    let batch = daily.batch().map_err(table)?;
                    write_table(path, batch, Compression::Snappy, &[]).map_err(table)?;
                }
                writer.close().map(|_| stats).map_err(table)
            })
            .collect()
    }
}

/// The groups of some lines, or of a range of customers over all lines; all columns are whole numbers.
///
/// `key` holds the customer in its upper half and the product or value in its lower half.
#[derive(Clone, Default)]
pub(crate) struct Groups {
    /// `range, customer, order, day` and sums: one row per customer, order and day.
    pub cells: DataFrame,
    /// `range, key, day`: the products that a customer bought, not drawn together: few repeat early on.
    pub products: DataFrame,
    /// `range, key, day, lines`, for each column of [`MODES`].
    pub values: [DataFrame; MODES.len()],
    /// `range, key, order, day, amount`: lines that take money back.
    pub returns: DataFrame,
    /// The lines as numbers, where they are kept: see [`purchases`].
    pub lines: DataFrame,
}

impl Groups {
    /// Draws cells and values with equal keys together.
    pub fn group(self) -> PolarsResult<Groups> {
        let cells = group(self.cells, &["customer", "order", "day"], &encode::SUMS)?;
        let mut values = self.values;
        for frame in values.iter_mut().filter(|f| f.width() > 0) {
            *frame = group(std::mem::take(frame), &["key", "day"], &["lines"])?;
        }
        Ok(Groups { cells, values, ..self })
    }
}

/// One row for each combination of the keys, with sums.
fn group(frame: DataFrame, keys: &[&str], sums: &[&str]) -> PolarsResult<DataFrame> {
    // The range follows from the customer; where there is one only, it would cost as a key.
    let ranges = frame.column("range")?.u32()?.max().unwrap_or(0);
    let mut by = keys.to_vec();
    if ranges > 0 {
        by.push("range");
    }
    #[expect(
        deprecated,
        reason = "the lazy way brings half of Polars, and eager sums of whole numbers are the same"
    )]
    let mut grouped = frame.group_by(by)?.select(sums.iter().copied()).sum()?;
    for name in sums {
        grouped.rename(&format!("{name}_sum"), (*name).into())?;
    }
    if ranges == 0 {
        grouped.with_column(Column::new("range".into(), vec![0u32; grouped.height()]))?;
    }
    // In one order, whether the range was a key or not: groups of all pieces are put one below the other.
    grouped.select(["range"].into_iter().chain(keys.iter().copied()).chain(sums.iter().copied()))
}

/// What the engine needs of a line.
const COLUMNS: [&str; 10 + MODES.len()] = [
    "customer_id", "order_id", "order_date", "ordered_at", "is_return", "quantity_e4", "amount_e4",
    "cost_e4", "product", "product_name", MODES[0], MODES[1], MODES[2], MODES[3],
];

/// All lines, months and parts in order, in pieces of a row group.
fn pieces(transactions: &Path) -> Result<Vec<RowGroup>, EngineError> {
    let list = |folder: &Path| -> Result<Vec<PathBuf>, EngineError> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(io(folder))? {
            paths.push(entry.map_err(io(folder))?.path());
        }
        paths.sort();
        Ok(paths)
    };
    let mut pieces = Vec::new();
    for month in list(transactions)?.into_iter().filter(|p| p.is_dir()) {
        for path in list(&month)? {
            pieces.extend(RowGroup::all(&path).map_err(table)?);
        }
    }
    Ok(pieces)
}

/// What the lines say of the customers.
struct Ids {
    /// The ids of some lines, sorted.
    sample: Vec<String>,
    /// About how many customers there are.
    customers: u64,
}

impl Ids {
    fn of(pieces: &[RowGroup], lines: usize) -> Result<Ids, EngineError> {
        let step = (lines / SAMPLE).max(1);
        let mut sample: Vec<String> = Vec::new();
        let mut counted: HashSet<u64> = HashSet::new();
        for piece in pieces {
            let read = piece.read(&["customer_id"]).map_err(table)?;
            let ids = read.texts("customer_id").map_err(table)?;
            counted.extend(ids.iter().map(|id| xxh3_64(id.as_bytes())).filter(|hash| hash % COUNTED == 0));
            sample.extend(ids.into_iter().step_by(step).map(str::to_owned));
        }
        sample.sort_unstable();
        Ok(Ids { sample, customers: counted.len() as u64 * COUNTED })
    }

    /// Ids that cut the customers into `ranges` of about equally many lines: the first id of each range but the first.
    fn bounds(&self, ranges: usize) -> Vec<String> {
        let sample = &self.sample;
        let mut bounds: Vec<String> =
            (1..ranges).filter_map(|i| sample.get(i * sample.len() / ranges).cloned()).collect();
        bounds.dedup();
        bounds
    }
}

pub(crate) fn failed(doing: &'static str) -> impl Fn(PolarsError) -> EngineError {
    move |e| EngineError::Failed { engine: "polars", doing, message: e.to_string() }
}

pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> EngineError + '_ {
    move |source| EngineError::Io { path: path.to_owned(), source }
}

pub(crate) fn table(e: TableError) -> EngineError {
    EngineError::Failed { engine: "polars", doing: "reading or writing tables", message: e.to_string() }
}
