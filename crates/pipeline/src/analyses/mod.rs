//! The analyses as the pipeline sees them: a customer table in, columns and small tables out.

mod basket;
pub mod churn;
mod clusters;
mod clv;
mod cohort;
mod offer;
mod orders;
pub mod rfm;
pub mod side;
mod value;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
};
use serde::Serialize;
use tillwise_core::{Day, ModelFile, Parameters};
use tillwise_table::Table;

use crate::{Analysis, Config, Mode, NotDone, PipelineError};
pub use churn::{Cutoffs, LabelledTable, cutoffs};
pub use clv::{Calibration, calibration_end};
pub use orders::Orders;
pub use rfm::{Picture, earlier_days};

/// What every analysis may look at.
pub struct Context<'a> {
    pub config: &'a Config,
    pub mode: &'a Mode,
    /// The folder that models are written to.
    pub models: &'a Path,
    pub as_of: Day,
    pub customers: &'a Table,
    /// The labelled tables for churn, or why there are none.
    pub labelled: &'a Result<Cutoffs<LabelledTable>, String>,
    /// The tables that CLV models are judged on, or why there are none.
    pub calibration: &'a Result<Calibration, String>,
    /// Customer tables of earlier days, the latest first.
    pub pictures: &'a [Picture],
    /// Models of earlier days that this run looks at.
    pub earlier: &'a Earlier,
    /// Orders and what is in them, where an analysis needs them.
    pub orders: Option<&'a Orders>,
    /// The folder that the config's paths are relative to.
    pub base: &'a Path,
}

/// By analysis, the folder with the model of the last run of an earlier day.
pub type Earlier = BTreeMap<&'static str, PathBuf>;

/// What an analysis came to.
pub struct Done {
    /// Score columns by name, in the order of the customers.
    pub columns: Vec<(&'static str, ArrayRef)>,
    /// Small tables, by file name.
    pub tables: Vec<(&'static str, RecordBatch)>,
    pub report: serde_json::Value,
}

impl Done {
    /// Of an analysis that keeps no model and adds no columns.
    fn described(tables: Vec<(&'static str, RecordBatch)>, report: impl Serialize) -> Result<Done, NotDone> {
        let report = serde_json::to_value(report)?;
        Ok(Done { columns: Vec::new(), tables, report })
    }
}

impl Context<'_> {
    pub(crate) fn run(&self, analysis: Analysis) -> Result<Done, NotDone> {
        match analysis {
            Analysis::Rfm => rfm::run(self),
            Analysis::Cluster => clusters::run(self),
            Analysis::Churn => churn::run(self),
            Analysis::Clv => clv::run(self),
            Analysis::Basket => basket::run(self),
            Analysis::Offer => offer::run(self),
            Analysis::Cohort => cohort::run(self),
            Analysis::Value => value::run(self),
        }
    }

    fn orders(&self) -> Result<&Orders, NotDone> {
        self.orders.ok_or_else(|| NotDone::Skipped("orders were not asked for".to_owned()))
    }

    /// The model of the last run of an earlier day, or why it cannot be used; `None` where there is none.
    fn last<P: Parameters>(&self) -> Option<Result<ModelFile<P>, String>> {
        let models = self.earlier.get(P::KIND)?;
        Some(ModelFile::load(models).map_err(|e| e.to_string()))
    }

    /// That model, where it is young enough, and suits the settings, to stand in for a fit.
    fn reused<P: Parameters>(
        &self,
        refresh_days: i32,
        suits: impl FnOnce(&P) -> bool,
    ) -> Option<ModelFile<P>> {
        let last = self.last::<P>()?.ok()?;
        let age = self.as_of.since(last.fitted_as_of);
        (age < refresh_days && suits(&last.parameters)).then_some(last)
    }

    /// The model: fitted here and saved, an earlier one, or loaded. Either way the run has its file.
    fn model<P: Parameters, R: Serialize>(
        &self,
        reused: Option<ModelFile<P>>,
        fit: impl FnOnce() -> Result<(P, R), NotDone>,
    ) -> Result<ModelFile<P>, NotDone> {
        let file = match (reused, self.mode) {
            (Some(file), _) => file,
            (None, Mode::Fit) => {
                let (parameters, report) = fit()?;
                let report = serde_json::to_value(report)?;
                ModelFile::new(self.as_of, self.customers.rows(), parameters, report)
            }
            (None, Mode::Score { models }) => {
                if !models.join(ModelFile::<P>::file_name()).exists() {
                    return Err(NotDone::Skipped(format!(
                        "there is no {} in {}",
                        ModelFile::<P>::file_name(),
                        models.display()
                    )));
                }
                ModelFile::load(models)?
            }
        };
        file.save(self.models)?;
        Ok(file)
    }
}

/// Columns of small tables. What is not finite becomes null.
pub fn floats(values: impl IntoIterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(values.into_iter().map(|v| v.filter(|v| v.is_finite())).collect::<Float64Array>())
}

/// Whole numbers.
pub fn ints(values: impl IntoIterator<Item = i32>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<Int32Array>())
}

/// True or false.
pub fn booleans(values: impl IntoIterator<Item = Option<bool>>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<BooleanArray>())
}

/// Counts.
pub fn counts(values: impl IntoIterator<Item = Option<u64>>) -> ArrayRef {
    Arc::new(values.into_iter().map(|v| v.map(|v| v as i64)).collect::<Int64Array>())
}

/// Texts.
pub fn texts<S: AsRef<str>>(values: impl IntoIterator<Item = Option<S>>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<StringArray>())
}

fn days(values: impl IntoIterator<Item = Day>) -> ArrayRef {
    Arc::new(values.into_iter().map(|d| Some(d.0)).collect::<Date32Array>())
}

/// A number column of the customer table, or `lateness`.
fn feature(table: &Table, name: &str) -> Result<Vec<f64>, PipelineError> {
    if name != "lateness" {
        return Ok(table.f64s(name)?);
    }
    let (days, gaps) = (table.f64s("days_since_last")?, table.f64s("mean_gap_days")?);
    Ok(days.iter().zip(gaps).map(|(d, g)| d / g).collect())
}

/// Sums of a group of customers.
#[derive(Clone, Copy)]
struct Sums<const K: usize> {
    customers: usize,
    sums: [f64; K],
}

impl<const K: usize> Sums<K> {
    fn new() -> Self {
        Sums { customers: 0, sums: [0.0; K] }
    }

    fn add(&mut self, values: [f64; K]) {
        self.customers += 1;
        self.sums.iter_mut().zip(values).for_each(|(s, v)| *s += v);
    }

    fn mean(&self, i: usize) -> f64 {
        self.sums[i] / self.customers.max(1) as f64
    }
}
