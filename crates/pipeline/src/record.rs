//! `run.json`: what went in, what was done, what came out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tillwise_core::Day;
use tillwise_ingest::Quality;
use tillwise_report::{About, Section};

use crate::Config;
use crate::history::StoreRecord;
use crate::publish::Record;

/// The record of a run. Wall-clock times stand here and nowhere else.
#[derive(Clone, Debug, Serialize)]
pub struct RunRecord {
    /// Hash of inputs, config, `as_of` and version.
    pub run_id: String,
    /// Tillwise's version.
    pub version: String,
    /// `"fit"` or `"score"`.
    pub mode: String,
    /// The day of the picture; null if a gate failed before it was known.
    pub as_of: Option<Day>,
    /// The data engine.
    pub engine: String,
    /// The input files.
    pub inputs: Vec<InputRecord>,
    /// How the store was used, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreRecord>,
    /// Row accounting and data quality.
    pub quality: Quality,
    /// Customers in the table.
    pub customers: usize,
    /// Customers who only returned things; they have no row.
    pub return_only_customers: usize,
    /// Each analysis.
    pub analyses: BTreeMap<String, AnalysisRecord>,
    /// What people are told of all of it.
    pub told: Vec<Section>,
    /// The seed that all chance began with.
    pub seed: u64,
    /// The whole config, defaults included.
    pub config: Config,
    /// Every file of the run.
    pub files: Vec<String>,
    /// Seconds by stage.
    pub seconds: BTreeMap<String, f64>,
    /// Seconds since 1970-01-01 when the run began.
    pub started_at: u64,
}

impl Record for RunRecord {
    fn told(&self) -> &[Section] {
        &self.told
    }

    fn about(&self) -> About {
        About {
            as_of: self.as_of.map(|d| d.to_string()).unwrap_or_default(),
            run_id: self.run_id.clone(),
            version: self.version.clone(),
        }
    }

    fn files(&mut self) -> &mut Vec<String> {
        &mut self.files
    }
}

/// One input file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputRecord {
    /// Its name, relative to the config where it can be.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// The BLAKE3 hash of its content.
    pub blake3: String,
}

/// How an analysis ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Its columns are filled.
    Done,
    /// The data cannot carry it; its columns are null.
    Skipped,
    /// A model did not converge; its columns are null.
    Failed,
    /// It was not asked for; its columns are null.
    NotAsked,
}

/// One analysis.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AnalysisRecord {
    /// How it ended.
    pub status: Status,
    /// Why it was not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The model file, within the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What the fit reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<serde_json::Value>,
    /// Seconds it took.
    pub seconds: f64,
}
