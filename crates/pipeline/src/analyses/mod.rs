//! The analyses, and what they share. Each has a folder: `settings`, `schema` (its tables), `mod` (needs, fit, score), `tell`.

pub mod basket;
pub mod churn;
pub mod cluster;
pub mod clv;
pub mod cohort;
pub mod drift;
#[cfg(test)]
pub mod example;
pub mod forecast;
pub mod offer;
mod orders;
pub mod rfm;
pub mod side;
pub mod value;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tillwise_core::schema::PublishedTable;
use tillwise_core::{Day, ModelError, ModelFile, Parameters};
use tillwise_ingest::{Cleaning, Columns, Input};
use tillwise_report::{Cell, Message, Section};
use tillwise_table::{Table, TableError, assemble};

use crate::analysis::{Analysis, CustomerTable, MadeTable};
use crate::config::{Gates, Run, Store};
use crate::{Mode, NotDone, PipelineError};
pub use orders::Orders;

/// Makes the list of analyses and the config from their names: the line to add for a new one.
macro_rules! analyses {
    ($($(#[$only:meta])? $name:ident,)*) => {
        /// All analyses, in the order of their columns in `customers.parquet`.
        pub const ALL: &[Analysis] = &[$($(#[$only])? $name::ANALYSIS,)*];

        /// A whole config file. Every table and key may be left out, but for the input's files and columns.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Config {
            /// How to read the export.
            pub input: Input,
            /// What its columns mean.
            pub columns: Columns,
            /// What to clean.
            pub cleaning: Cleaning,
            /// When to fail rather than publish.
            pub gates: Gates,
            /// Where, when, and what.
            pub run: Run,
            /// What is kept of files that were read.
            pub store: Store,
            $(
                $(#[$only])?
                #[doc = concat!("`[", stringify!($name), "]`.")]
                pub $name: $name::Settings,
            )*
        }

        impl Config {
            /// Checks the settings of every analysis.
            pub(crate) fn check_analyses(&self) -> Result<(), PipelineError> {
                $($(#[$only])? self.$name.check()?;)*
                Ok(())
            }
        }
    };
}

analyses! {
    rfm,
    cluster,
    churn,
    clv,
    forecast,
    basket,
    offer,
    cohort,
    value,
    drift,
    #[cfg(test)] example,
}

/// What every analysis may look at.
pub struct Context<'a> {
    /// The config.
    pub config: &'a Config,
    /// Whether models are fitted or loaded.
    pub mode: &'a Mode,
    /// The folder that models are written to.
    pub models: &'a Path,
    /// The day of the first order.
    pub first: Day,
    /// The day of the picture.
    pub as_of: Day,
    /// Today's customer table.
    pub customers: &'a Table,
    /// Customer tables of earlier days: see [`Context::table`].
    pub tables: &'a [MadeTable],
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
    /// Its tables.
    pub tables: Vec<Made>,
    /// What the fit or the description found, for `run.json`.
    pub report: serde_json::Value,
    /// What people are told.
    pub told: Vec<Section>,
    /// What they should bear in mind.
    pub warnings: Vec<Message>,
}

/// A published table with its rows.
#[derive(Clone)]
pub struct Made {
    /// The table.
    pub of: &'static PublishedTable,
    /// Its rows.
    pub batch: RecordBatch,
}

/// Puts columns into a published table by name.
///
/// # Errors
/// If one is missing, given twice, of another type, or not finite: a defect.
pub fn make(of: &'static PublishedTable, columns: Vec<(&str, ArrayRef)>) -> Result<Made, TableError> {
    Ok(Made { of, batch: assemble(of.name, of.columns, columns)? })
}

impl Context<'_> {
    fn orders(&self) -> Result<&Orders, NotDone> {
        let missing = || PipelineError::defect("orders", "an analysis reads them that did not ask for them");
        Ok(self.orders.ok_or_else(missing)?)
    }

    fn made(&self, wanted: &CustomerTable) -> Result<&MadeTable, PipelineError> {
        let missing = || {
            PipelineError::defect(format!("the customer table of {}", wanted.as_of), "nobody asked for it")
        };
        self.tables.iter().find(|t| t.wanted == *wanted).ok_or_else(missing)
    }

    /// A customer table of an earlier day, asked for by the analysis's needs.
    fn table(&self, wanted: &CustomerTable) -> Result<Table, PipelineError> {
        Ok(Table::read(&self.made(wanted)?.path)?)
    }

    /// Its order days, day by day.
    fn daily(&self, wanted: &CustomerTable) -> Result<Table, PipelineError> {
        let missing = || PipelineError::defect("order days by day", "nobody asked for them");
        Ok(Table::read(self.made(wanted)?.daily.as_ref().ok_or_else(missing)?)?)
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
        let age = self.as_of.since(last.fitted_as_of?);
        (age < refresh_days && suits(&last.parameters)).then_some(last)
    }

    /// The model and what was reported of its fit: fitted here and saved, an earlier one, or loaded. Either way the run
    /// has its file.
    fn model<P: Parameters, R: Serialize + DeserializeOwned>(
        &self,
        reused: Option<ModelFile<P>>,
        fit: impl FnOnce() -> Result<(P, R), NotDone>,
    ) -> Result<(ModelFile<P>, R), NotDone> {
        let loaded = match (reused, self.mode) {
            (Some(file), _) => file,
            (None, Mode::Fit) => {
                let (parameters, report) = fit()?;
                let value = serde_json::to_value(&report)?;
                let file = ModelFile::new(Some(self.as_of), self.customers.rows(), parameters, value);
                file.save(self.models)?;
                return Ok((file, report));
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
        let path = loaded.save(self.models)?;
        let report = serde_json::from_value(loaded.report.clone())
            .map_err(|source| ModelError::Malformed { path, source })?;
        Ok((loaded, report))
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

/// Whole numbers, where they are known.
pub fn maybe_ints(values: impl IntoIterator<Item = Option<i32>>) -> ArrayRef {
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

/// Days.
pub fn days(values: impl IntoIterator<Item = Day>) -> ArrayRef {
    Arc::new(values.into_iter().map(|d| Some(d.0)).collect::<Date32Array>())
}

/// Days, where they are known.
pub fn maybe_days(values: impl IntoIterator<Item = Option<Day>>) -> ArrayRef {
    Arc::new(values.into_iter().map(|d| d.map(|d| d.0)).collect::<Date32Array>())
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
pub(crate) struct Sums<const K: usize> {
    /// How many.
    pub customers: usize,
    /// Their sums.
    pub sums: [f64; K],
}

impl<const K: usize> Sums<K> {
    pub fn new() -> Self {
        Sums { customers: 0, sums: [0.0; K] }
    }

    pub fn add(&mut self, values: [f64; K]) {
        self.customers += 1;
        self.sums.iter_mut().zip(values).for_each(|(s, v)| *s += v);
    }

    fn mean(&self, i: usize) -> f64 {
        self.sums[i] / self.customers.max(1) as f64
    }
}

/// Tells groups of customers as a table: each with its name, how many there are, and the sums of net revenue, days since the last order
/// and orders.
pub(crate) fn tell_groups(section: &mut Section, head: &'static str, groups: &[(String, usize, [f64; 3])]) {
    let customers: usize = groups.iter().map(|g| g.1).sum();
    let revenue: f64 = groups.iter().map(|g| g.2[0]).sum();
    section.grid(
        [head, "customers", "share", "net_revenue", "of_revenue", "bar", "days_since_last", "mean_orders"],
        usize::MAX,
        groups.iter().map(|(name, n, [own, days, orders])| {
            let of_revenue = if revenue > 0.0 { own / revenue } else { f64::NAN };
            let mean = |sum: &f64| sum / (*n).max(1) as f64;
            [
                Cell::text(name),
                Cell::count(*n),
                Cell::Share(*n as f64 / customers as f64),
                Cell::Count(*own),
                Cell::Share(of_revenue),
                Cell::Bar(of_revenue),
                Cell::Number(mean(days), 0),
                Cell::Number(mean(orders), 1),
            ]
        }),
    );
}
