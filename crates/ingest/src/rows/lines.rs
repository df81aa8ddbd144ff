//! What the rows of a block come to: accepted lines by month, rejects, sums.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Int64Builder, RecordBatch, StringBuilder,
    TimestampMicrosecondBuilder, new_null_array,
};
use arrow::datatypes::DataType;
use serde::{Deserialize, Serialize};
use tillwise_core::Day;
use tillwise_core::schema::TRANSACTIONS;
use tillwise_table::{TableError, assemble};

use super::{CARRIED, Part, Reject, Rules};
use crate::IngestError;

/// Accepted lines of one month, in the order read.
pub struct Lines {
    pub(super) customer: StringBuilder,
    pub(super) order: StringBuilder,
    pub(super) date: Date32Builder,
    pub(super) at: TimestampMicrosecondBuilder,
    pub(super) is_return: BooleanBuilder,
    pub(super) quantity: Int64Builder,
    pub(super) amount: Int64Builder,
    pub(super) cost: Int64Builder,
    pub(super) carried: [StringBuilder; CARRIED.len()],
    pub hashes: Vec<u128>,
    /// Where rows are known by their order line: the hashes of that.
    pub keys: Vec<u128>,
    pub line_numbers: Vec<u64>,
}

impl Lines {
    pub(super) fn new() -> Lines {
        Lines {
            customer: StringBuilder::new(),
            order: StringBuilder::new(),
            date: Date32Builder::new(),
            at: TimestampMicrosecondBuilder::new(),
            is_return: BooleanBuilder::new(),
            quantity: Int64Builder::new(),
            amount: Int64Builder::new(),
            cost: Int64Builder::new(),
            carried: std::array::from_fn(|_| StringBuilder::new()),
            hashes: Vec::new(),
            keys: Vec::new(),
            line_numbers: Vec::new(),
        }
    }

    /// The lines as a table of transactions.
    pub fn finish(&mut self, rules: &Rules) -> Result<RecordBatch, TableError> {
        let n = self.line_numbers.len();
        let cost: ArrayRef = if rules.mapped[Part::UnitCost as usize] {
            Arc::new(self.cost.finish())
        } else {
            new_null_array(&DataType::Int64, n)
        };
        let mut columns: Vec<(&str, ArrayRef)> = vec![
            ("customer_id", Arc::new(self.customer.finish())),
            ("order_id", Arc::new(self.order.finish())),
            ("order_date", Arc::new(self.date.finish())),
            ("ordered_at", Arc::new(self.at.finish())),
            ("is_return", Arc::new(self.is_return.finish())),
            ("quantity_e4", Arc::new(self.quantity.finish())),
            ("amount_e4", Arc::new(self.amount.finish())),
            ("cost_e4", cost),
        ];
        for (builder, part) in self.carried.iter_mut().zip(CARRIED) {
            let carried: ArrayRef = if rules.mapped[part as usize] {
                Arc::new(builder.finish())
            } else {
                new_null_array(&DataType::Utf8, n)
            };
            columns.push((part.key(), carried));
        }
        assemble("transactions", TRANSACTIONS, columns)
    }
}

/// A row that is no sale, by what its order line is known by.
#[derive(Clone, Copy, Debug)]
pub struct Gone {
    pub month: i32,
    pub key: u128,
    pub line: u64,
    pub full: u128,
}

/// What one block of rows came to.
#[derive(Default)]
pub struct Parsed {
    /// Rows that are no sales, where an earlier file may have them as sales.
    pub gone: Vec<Gone>,
    pub months: BTreeMap<i32, Lines>,
    pub rejects: Vec<Reject>,
    pub stats: Stats,
    pub fatal: Option<IngestError>,
}

/// Sums over accepted lines; they add up in any order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    pub rows: u64,
    pub blank: u64,
    pub accepted: u64,
    pub returns: u64,
    #[serde(with = "digits")]
    pub gross: i128,
    #[serde(with = "digits")]
    pub returned: i128,
    #[serde(with = "digits")]
    pub units: i128,
    pub first: Option<Day>,
    pub last: Option<Day>,
    pub nulls: [u64; CARRIED.len()],
    pub currency: Option<String>,
    pub other_currency: Option<String>,
    /// Rows with a date that hold something else that could not be read, by month.
    pub unreadable: BTreeMap<i32, u64>,
    /// How far from UTC dates say they are, in minutes; `None` for those that do not say.
    pub offsets: BTreeSet<Option<i32>>,
}

/// Whole numbers of any size as text: JSON's readers round large ones.
mod digits {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(number: &i128, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(number)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<i128, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Stats {
    pub fn add(&mut self, other: &Stats) {
        self.rows += other.rows;
        self.blank += other.blank;
        self.accepted += other.accepted;
        self.returns += other.returns;
        self.gross += other.gross;
        self.returned += other.returned;
        self.units += other.units;
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = self.last.max(other.last);
        for (mine, theirs) in self.nulls.iter_mut().zip(other.nulls) {
            *mine += theirs;
        }
        for (month, rows) in &other.unreadable {
            *self.unreadable.entry(*month).or_default() += rows;
        }
        self.offsets.extend(&other.offsets);
        match (&self.currency, &other.currency) {
            (None, _) => self.currency.clone_from(&other.currency),
            (Some(a), Some(b)) if a != b => self.other_currency = Some(b.clone()),
            _ => {}
        }
        if other.other_currency.is_some() {
            self.other_currency.clone_from(&other.other_currency);
        }
    }

    pub(super) fn see_currency(&mut self, seen: &str) {
        match &self.currency {
            None => self.currency = Some(seen.to_owned()),
            Some(known) if known != seen => self.other_currency = Some(seen.to_owned()),
            Some(_) => {}
        }
    }
}
