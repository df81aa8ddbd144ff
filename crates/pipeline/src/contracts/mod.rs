//! Analyses of a table in place of orders: who leaves, where a contract says who left, retention by cohort, and RFM of sums. They keep what
//! every analysis promises (tables by name, sections to tell, models as plain numbers), and are published as runs are:
//! locked, all at once, with a record.

pub mod campaign;
pub mod channels;
pub mod contract;
mod events;
pub mod funnel;
pub mod retention;
pub mod rfm_table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tillwise_core::schema::PublishedTable;
use tillwise_report::{About, Section};
use tillwise_store::{Output, Watched, hash_file, run_id};
use tillwise_table::Compression;

use crate::analyses::Done;
use crate::clock::Clock;
use crate::publish::{Record, metadata, write_made, write_record};
use crate::{InputRecord, NotDone, PipelineError, schema, told};

/// Whether a cell, in small letters, says no.
fn says_no(text: &str) -> bool {
    ["0", "0.0", "no", "n", "false", "f"].contains(&text)
}

/// An analysis of a table: the settings of one call.
pub trait OfTable: Serialize {
    /// Its command, and the name of its folder.
    const NAME: &'static str;

    /// Does it. Models and pictures are written into `work`.
    ///
    /// # Errors
    /// If the table is at fault, a model did not converge, or the run cannot go on.
    fn run(&self, table: &Path, work: &Path) -> Result<TableDone, NotDone>;
}

/// What an analysis of a table came to.
pub struct TableDone {
    /// Tables, report and what is told.
    pub done: Done,
    /// Whether a model of several did not converge.
    pub model_failed: bool,
    /// What the last line for scripts says of it.
    pub line: Line,
}

/// Keys and values of a line of JSON.
pub type Line = serde_json::Map<String, serde_json::Value>;

/// The tables of each, beside those that they share with churn.
pub const TABLES: &[&[PublishedTable]] = &[
    contract::schema::TABLES,
    retention::schema::TABLES,
    rfm_table::schema::TABLES,
    funnel::schema::TABLES,
    channels::schema::TABLES,
    campaign::schema::TABLES,
];

/// The record of such a run.
#[derive(Clone, Debug, Serialize)]
pub struct TableRecord<S> {
    /// Hash of the table, the settings and the version.
    pub run_id: String,
    /// Tillwise's version.
    pub version: String,
    /// The command.
    pub mode: &'static str,
    /// The table.
    pub inputs: Vec<InputRecord>,
    /// Its settings.
    pub settings: S,
    /// What the analysis reports.
    pub report: serde_json::Value,
    /// What people are told.
    pub told: Vec<Section>,
    /// Every file of the run.
    pub files: Vec<String>,
    /// Seconds by stage.
    pub seconds: BTreeMap<String, f64>,
    /// Seconds since 1970-01-01 when the run began.
    pub started_at: u64,
}

impl<S: Serialize> Record for TableRecord<S> {
    fn told(&self) -> &[Section] {
        &self.told
    }

    fn about(&self) -> About {
        let version = self.version.clone();
        About { as_of: String::new(), run_id: self.run_id.clone(), version }
    }

    fn files(&mut self) -> &mut Vec<String> {
        &mut self.files
    }
}

/// A run that is in place.
pub struct TableFinished<S> {
    /// Its record.
    pub record: TableRecord<S>,
    /// Its folder: `OUT/NAME`. Its files have links of their names in `OUT`.
    pub folder: PathBuf,
    /// The output folder.
    pub out: PathBuf,
    /// Whether a model did not converge.
    pub model_failed: bool,
    /// What the last line for scripts says of it.
    pub line: Line,
}

/// Analyses a table and publishes what was found.
///
/// # Errors
/// If the table or the output folder is at fault, or a model that is needed does not converge.
pub fn run<A: OfTable + Clone>(
    analysis: &A,
    table: &Path,
    out: &Path,
) -> Result<TableFinished<A>, PipelineError> {
    let mut clock = Clock::start();
    let name = table.display().to_string();
    // Opened by its name in the message, whatever is wrong with it.
    let unreadable = |e| PipelineError::Setting { key: name.clone(), problem: format!("{e}") };
    let watched = Watched::begin(table).map_err(unreadable)?;
    let (blake3, bytes) = hash_file(table).map_err(unreadable)?;
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let settings = serde_json::to_string(analysis).map_err(|e| PipelineError::defect(A::NAME, e))?;
    let id = run_id(&[&version, A::NAME, &settings, &blake3]);
    let output = Output::open(out)?;
    let work = output.begin()?;
    let TableDone { done, model_failed, line } = match analysis.run(table, &work) {
        Ok(done) => done,
        Err(NotDone::Broken(e)) => return Err(e),
        Err(NotDone::Skipped(problem)) => return Err(PipelineError::Setting { key: name, problem }),
        Err(NotDone::Failed(why, _)) => return Err(PipelineError::NotConverged { table: name, why }),
    };
    watched.end()?;
    clock.lap(A::NAME);
    let mut notes = Section::new("notes");
    done.warnings.iter().for_each(|warning| told::note(&mut notes, A::NAME, warning));
    let mut record = TableRecord {
        run_id: id,
        version,
        mode: A::NAME,
        inputs: vec![InputRecord { file: name, bytes, blake3 }],
        settings: analysis.clone(),
        report: done.report,
        told: done.told.into_iter().chain([notes]).collect(),
        files: Vec::new(),
        seconds: BTreeMap::new(),
        started_at: clock.started_at,
    };
    let metadata = metadata(&record.run_id, &record.version, None);
    write_made(&work, A::NAME, &schema::published(), done.tables, Compression::Snappy, &metadata)?;
    record.seconds = clock.seconds();
    write_record(&work, &mut record)?;
    let folder = output.publish_table_run(&work, A::NAME, &record.run_id)?;
    Ok(TableFinished { record, folder, out: out.to_owned(), model_failed, line })
}
