//! RFM of a table of customers that gives the sums: one row a customer, with silence, orders and revenue.

pub mod schema;

use std::collections::HashSet;
use std::path::Path;

use serde::Serialize;
use tillwise_core::{Day, ModelFile};
use tillwise_ingest::inspect::PlainTable;
use tillwise_mine::rfm::{Input, Rfm};
use tillwise_report::Section;

use super::{OfTable, TableDone};
use crate::analyses::rfm::Settings as RfmSettings;
use crate::analyses::{Done, Sums, floats, ints, make, side, tell_groups, texts};
use crate::{NotDone, PipelineError};
use schema::RFM_CUSTOMERS;

/// What one call of `tillwise rfm-table` asks for.
#[derive(Clone, Debug, Serialize)]
pub struct Settings {
    /// The column with the id; without it, rows are numbered.
    pub id: Option<String>,
    /// Where the silence stands.
    pub recency: Recency,
    /// The column with the number of orders.
    pub orders: String,
    /// The column with the net revenue.
    pub revenue: String,
    /// How scores come about, and the map of segments: those of `[rfm]`.
    pub rfm: RfmSettings,
    /// What stands between two cells of the table; without it, it is found.
    pub delimiter: Option<String>,
}

/// Where a table says how long a customer has been silent.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Recency {
    /// A column of days since the last order.
    DaysSince(String),
    /// A column with the day of the last order, and the day of the picture; without it, the last of all orders.
    LastOrder(String, Option<Day>),
}

impl OfTable for Settings {
    const NAME: &'static str = "rfm-table";

    fn run(&self, file: &Path, work: &Path) -> Result<TableDone, NotDone> {
        let table = Columns { table: side::read(file, "TABLE", self.delimiter.as_deref())?, file };
        let (orders, net_revenue) = (table.numbers(&self.orders)?, table.numbers(&self.revenue)?);
        let (days_since_last, as_of) = match &self.recency {
            Recency::DaysSince(column) => (table.numbers(column)?, None),
            Recency::LastOrder(column, as_of) => {
                let (days, as_of) = table.silence(column, *as_of)?;
                (days, Some(as_of))
            }
        };
        if let Some(row) = orders.iter().position(|n| *n < 0.0 || n.fract() != 0.0) {
            return Err(table.wrong(row, &self.orders, "orders are whole numbers from 0").into());
        }
        if let Some(row) = days_since_last.iter().position(|days| *days < 0.0) {
            return Err(table.wrong(row, "days since the last order", "they are not below 0").into());
        }
        let ids = table.ids(self.id.as_deref())?;
        let names: Vec<&str> = ids.iter().map(String::as_str).collect();
        // Gaps between orders are not known, so nobody has a rhythm.
        let unknown = vec![f64::NAN; orders.len()];
        let input = Input {
            days_since_last: &days_since_last,
            orders: &orders,
            net_revenue: &net_revenue,
            mean_gap_days: &unknown,
            x: &unknown,
            ids: &names,
            groups: &[],
        };
        let model = Rfm::fit(input, &self.rfm.settings()?)?;
        let scores = model.score(input);
        let segments: Vec<&str> = scores.iter().map(|s| model.segment(*s)).collect();
        let score = |f: fn(&tillwise_mine::rfm::Score) -> u8| ints(scores.iter().map(|s| i32::from(f(s))));
        let customers = make(
            &RFM_CUSTOMERS,
            vec![
                ("customer_id", texts(ids.iter().map(Some))),
                ("days_since_last", floats(days_since_last.iter().copied().map(Some))),
                ("orders", floats(orders.iter().copied().map(Some))),
                ("net_revenue", floats(net_revenue.iter().copied().map(Some))),
                ("r_score", score(|s| s.r)),
                ("f_score", score(|s| s.f)),
                ("m_score", score(|s| s.m)),
                ("rfm_score", texts(scores.iter().map(|s| Some(s.to_string())))),
                ("rfm_segment", texts(segments.iter().map(Some))),
            ],
        )?;
        let mut groups = Vec::new();
        for name in model.segments.names() {
            let mut sums = Sums::<3>::new();
            for i in (0..ids.len()).filter(|i| segments[*i] == name) {
                sums.add([net_revenue[i], days_since_last[i], orders[i]]);
            }
            if sums.customers > 0 {
                groups.push((name.to_owned(), sums.customers, sums.sums));
            }
        }
        let mut section = Section::new("rfm");
        tell_groups(&mut section, "segment", &groups);
        ModelFile::new(as_of, ids.len(), model, serde_json::Value::Null).save(work)?;
        let done = Done {
            columns: Vec::new(),
            tables: vec![customers],
            told: vec![section],
            warnings: Vec::new(),
            report: serde_json::json!({ "customers": ids.len(), "as_of": as_of }),
        };
        let line = [("customers".to_owned(), ids.len().into())].into_iter().collect();
        Ok(TableDone { done, model_failed: false, line })
    }
}

/// The columns of a table.
struct Columns<'a> {
    table: PlainTable,
    file: &'a Path,
}

impl Columns<'_> {
    /// What is wrong, with the name of the table.
    fn named(&self, problem: String) -> PipelineError {
        PipelineError::Setting { key: self.file.display().to_string(), problem }
    }

    fn place(&self, column: &str) -> Result<usize, PipelineError> {
        side::place(&self.table, column).map_err(|problem| self.named(problem))
    }

    fn numbers(&self, column: &str) -> Result<Vec<f64>, PipelineError> {
        let at = self.place(column)?;
        side::numbers(&self.table, at, column).map_err(|problem| self.named(problem))
    }

    fn wrong(&self, row: usize, column: &str, problem: &str) -> PipelineError {
        self.named(format!("line {}, {column}: {problem}", self.table.lines[row]))
    }

    /// Days from each day of a column to the day of the picture, and that.
    fn silence(&self, column: &str, as_of: Option<Day>) -> Result<(Vec<f64>, Day), PipelineError> {
        let c = self.place(column)?;
        let mut days = Vec::new();
        for (row, cells) in self.table.rows.iter().enumerate() {
            let unread = || self.wrong(row, column, &format!("`{}` is not a date that is known", cells[c]));
            days.push(self.table.day(c, &cells[c]).ok_or_else(unread)?);
        }
        let last = days.iter().max().copied().unwrap_or(Day(0));
        let as_of = as_of.unwrap_or(last);
        if let Some(row) = days.iter().position(|day| *day > as_of) {
            return Err(self.wrong(row, column, &format!("it lies after {as_of}, the day of the picture")));
        }
        Ok((days.into_iter().map(|day| f64::from(as_of.since(day))).collect(), as_of))
    }

    fn ids(&self, column: Option<&str>) -> Result<Vec<String>, PipelineError> {
        let Some(column) = column else {
            return Ok((1..=self.table.rows.len()).map(|n| n.to_string()).collect());
        };
        let c = self.place(column)?;
        let mut seen = HashSet::new();
        for (row, cells) in self.table.rows.iter().enumerate() {
            if cells[c].is_empty() {
                return Err(self.wrong(row, column, "the id is blank"));
            }
            if !seen.insert(&cells[c]) {
                let twice = format!("`{}` stands twice; one row a customer is needed", cells[c]);
                return Err(self.wrong(row, column, &twice));
            }
        }
        Ok(self.table.rows.iter().map(|cells| cells[c].clone()).collect())
    }
}
