//! The seam between data engines and everything after them: Parquet in, Parquet out.

use std::path::{Path, PathBuf};

use crate::Day;
use crate::schema::{Column, LABELS, OCCASIONS, SUMMARY};

/// One customer table to make.
#[derive(Clone, Debug)]
pub struct SummaryRequest {
    /// The day the picture is taken, inclusive. Nothing dated later enters any column but the label.
    pub as_of: Day,
    /// Adds [`crate::schema::LABELS`]: orders dated after `as_of`, up to and including this day.
    pub label_until: Option<Day>,
    /// Adds [`crate::schema::OCCASIONS`]: time cut into stretches of so many days from the day after the first order day.
    pub occasion_days: Option<i32>,
    /// Writes [`crate::schema::DAILY`] to this file: the order days of the table's customers, up to the end of the label window.
    pub daily: Option<PathBuf>,
    /// Only customers with an order in this many days up to `as_of`; `None` takes everyone.
    pub active_within_days: Option<i32>,
    /// The only columns to make, those of options besides; `None` makes all.
    pub only: Option<Vec<&'static str>>,
    /// The Parquet file to write, one row per customer, ascending `customer_id` (bytewise).
    pub out: PathBuf,
}

impl SummaryRequest {
    /// The columns of the table.
    pub fn columns(&self) -> Vec<Column> {
        let mut columns = SUMMARY.to_vec();
        if let Some(only) = &self.only {
            columns.retain(|c| only.contains(&c.name));
        }
        if self.occasion_days.is_some() {
            columns.extend(OCCASIONS);
        }
        if self.label_until.is_some() {
            columns.extend(LABELS);
        }
        columns
    }
}

/// The orders and what is in them, line by line: [`crate::schema::ORDERS`], [`crate::schema::PURCHASES`] and
/// [`crate::schema::PRODUCT_NAMES`], of customers with at least one order.
#[derive(Clone, Debug)]
pub struct PurchasesRequest {
    /// The last day that is seen.
    pub as_of: Day,
    /// The folder, which exists, for `orders.parquet`, `purchases.parquet` and `products.parquet`.
    pub folder: PathBuf,
}

/// What one request came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SummaryStats {
    /// Rows written: customers with at least one accepted order up to `as_of`.
    pub customers: usize,
    /// Customers seen up to `as_of` with returns only; they get no row.
    pub return_only: usize,
}

/// Turns a folder of transactions into customer tables.
///
/// The folder holds `month=YYYY-MM/*.parquet` files of the [`crate::schema::TRANSACTIONS`] schema; the tables
/// follow [`crate::schema::SUMMARY`]. Every engine gives the same values, whatever the order of the
/// lines: money and days are whole numbers until the last division.
///
/// * An order is one (customer, order id), dated by its earliest line that is not a return.
/// * `x` counts order *days* less one; `t_x_days` spans first to last order day.
/// * `net_revenue` is gross less returns if `net_returns`, else gross.
/// * `mean_repeat_spend` is what was paid with orders dated after the first order day, over `x`; with `net_returns`, less what
///   was taken back of it. A return meets the latest sale of its product up to its day; where there is none, its own order;
///   else the latest order. Null where `x = 0` or nothing is left.
/// * Gaps are days between successive order days; their spread is the sample standard deviation, their quantile of type 7.
/// * Occasion `n` holds the days `(n-1) d + 1` to `n d` after the first order day; one that `as_of` cuts short does not count.
/// * The mode of a column counts order lines; ties go to the bytewise smallest value.
pub trait Engine: Send + Sync {
    /// The engine's name, for run records.
    fn name(&self) -> &'static str;

    /// Writes one customer table per request, and the orders if they are asked for.
    ///
    /// # Errors
    /// If the transactions cannot be read or a table cannot be written.
    fn summarise(
        &self,
        transactions: &Path,
        net_returns: bool,
        requests: &[SummaryRequest],
        purchases: Option<&PurchasesRequest>,
    ) -> Result<Vec<SummaryStats>, EngineError>;
}

/// Why an engine gave up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A file could not be read or written.
    #[error("cannot access {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The lines of one order add up to more than 64 bits hold.
    #[error(
        "the lines of one order may add up to more than 922 trillion in money or units, which cannot be summed exactly; \
         give the export in a larger unit, such as thousands"
    )]
    TooMuchMoney,
    /// The engine's own library failed.
    #[error("the {engine} engine failed while {doing}: {message}")]
    Failed {
        /// [`Engine::name`].
        engine: &'static str,
        /// The step.
        doing: &'static str,
        /// What the library said.
        message: String,
    },
}
