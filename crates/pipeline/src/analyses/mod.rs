//! The analyses as the pipeline sees them: a customer table in, columns and small tables out.

mod churn;
mod clusters;
mod clv;
mod rfm;

use std::path::Path;

use arrow::array::{ArrayRef, RecordBatch};
use serde::Serialize;
use tillwise_core::schema::Column;
use tillwise_core::{Day, ModelFile, Parameters};
use tillwise_table::{Table, arrow_schema};

use crate::{Analysis, Config, Mode, NotDone, PipelineError};
pub use churn::{Cutoffs, LabelledTable, cutoffs};
pub use clv::{Calibration, calibration_end};

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
}

/// What an analysis came to.
pub struct Done {
    /// Score columns by name, in the order of the customers.
    pub columns: Vec<(&'static str, ArrayRef)>,
    /// Small tables, by file name.
    pub tables: Vec<(&'static str, RecordBatch)>,
    pub report: serde_json::Value,
}

impl Context<'_> {
    pub fn run(&self, analysis: Analysis) -> Result<Done, NotDone> {
        match analysis {
            Analysis::Rfm => rfm::run(self),
            Analysis::Cluster => clusters::run(self),
            Analysis::Churn => churn::run(self),
            Analysis::Clv => clv::run(self),
        }
    }

    /// The model: fitted here and saved, or loaded. Either way the run has its file.
    fn model<P: Parameters, R: Serialize>(
        &self,
        fit: impl FnOnce() -> Result<(P, R), NotDone>,
    ) -> Result<ModelFile<P>, NotDone> {
        let file = match self.mode {
            Mode::Fit => {
                let (parameters, report) = fit()?;
                let report = serde_json::to_value(report)
                    .map_err(|e| PipelineError::Assemble { table: "fit report", message: e.to_string() })?;
                ModelFile::new(self.as_of, self.customers.rows(), parameters, report)
            }
            Mode::Score { models } => {
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

fn batch(
    table: &'static str,
    columns: &[Column],
    arrays: Vec<ArrayRef>,
) -> Result<RecordBatch, PipelineError> {
    RecordBatch::try_new(arrow_schema(columns), arrays)
        .map_err(|e| PipelineError::Assemble { table, message: e.to_string() })
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
