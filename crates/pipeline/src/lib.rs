//! Config, the order of stages, what runs side by side.
//!
//! [`Plan`] is a checked config with its files found; [`run`] carries it out: ingest, gates, customer
//! tables, the analyses in parallel, publish. Nothing here knows a data engine: that comes in as
//! `&dyn Engine`.

pub mod analyses;
pub mod analysis;
mod charts;
mod clock;
mod config;
pub mod contracts;
mod gates;
mod history;
mod preview;
mod publish;
mod record;
mod rejected;
mod run;
pub mod runs;
pub mod schema;
mod told;

use std::path::PathBuf;

use tillwise_core::{EngineError, ModelError};
use tillwise_ingest::IngestError;
use tillwise_mine::MineError;
use tillwise_report::ReportError;
use tillwise_store::StoreError;
use tillwise_table::TableError;

pub use analyses::Config;
pub use analysis::Analysis;
pub use config::{AsOf, Codec, Gates, Instead, Run, Size, Store};
pub use history::{Keep, StoreRecord};
pub use preview::{Preview, preview};
pub use record::{AnalysisRecord, InputRecord, RunRecord, Status};
pub use rejected::{Saved, save_rejected};
pub use run::{Finished, Mode, Outcome, Plan, Until, run};

/// The manual, with every key of the config.
pub const MANUAL: &str = include_str!("../manual.md");

/// The hash of a text, to know it again.
pub fn hash_text(text: &str) -> String {
    tillwise_store::run_id(&[text])
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// The config file could not be read.
    #[error("cannot read the config {}: {source}; `tillwise init FILE` writes one", path.display())]
    ReadConfig {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The config file is not valid TOML, or has an unknown key.
    #[error("{}, line {line}: {message}", path.display())]
    MalformedConfig {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// A value in the config is out of range.
    #[error("{key}: {problem}")]
    Setting {
        /// The table and key.
        key: String,
        /// What is wrong.
        problem: String,
    },
    /// The export could not be ingested.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// A data-quality gate failed.
    #[error("gate {gate}: {found}; nothing was published; look at {}", kept.display())]
    Gate {
        /// The gate's key.
        gate: &'static str,
        /// What it found.
        found: String,
        /// The folder with the rejects and the record.
        kept: PathBuf,
    },
    /// `as_of` cannot be used with these orders.
    #[error("as_of {as_of}: {problem}")]
    AsOf {
        /// The day asked for.
        as_of: tillwise_core::Day,
        /// What is wrong, and the remedy.
        problem: String,
    },
    /// There is no customer with an order.
    #[error(
        "no customer has an order up to {as_of}: the accepted lines are returns only; check the sign of the amounts"
    )]
    NoCustomers {
        /// The day of the picture.
        as_of: tillwise_core::Day,
    },
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A model file could not be read or written.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The output folder could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A table could not be read or written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Something cannot be told: a defect.
    #[error("{0}; this is a defect of Tillwise, please report it")]
    Report(#[from] ReportError),
    /// A file could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// What was kept of a file is not as it was written.
    #[error("{} is damaged: {of}; restore it from a backup, or remove the store to begin anew with the files that are there", path.display())]
    Damaged {
        /// What is damaged.
        path: PathBuf,
        /// What it is, or what is wrong.
        of: String,
    },
    /// No model of a table converged.
    #[error("{table}: {why}")]
    NotConverged {
        /// The table.
        table: String,
        /// What the search said.
        why: String,
    },
    /// Something that the data cannot cause: a defect of Tillwise.
    #[error("{what}: {found}; this is a defect of Tillwise, please report it")]
    Defect {
        /// What went wrong.
        what: String,
        /// What was found.
        found: String,
    },
}

impl PipelineError {
    /// A defect of Tillwise: where, and what was found there.
    pub fn defect(what: impl Into<String>, found: impl ToString) -> PipelineError {
        PipelineError::Defect { what: what.into(), found: found.to_string() }
    }

    /// Whether the user's config or command is at fault, rather than the run.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            PipelineError::ReadConfig { .. }
                | PipelineError::MalformedConfig { .. }
                | PipelineError::Setting { .. }
                | PipelineError::AsOf { .. }
                | PipelineError::Store(StoreError::Foreign { .. })
                | PipelineError::Ingest(
                    IngestError::Config { .. }
                        | IngestError::NoColumn { .. }
                        | IngestError::NoFiles { .. }
                        | IngestError::NotAFile { .. }
                        | IngestError::Name { .. }
                )
        )
    }

    /// Whether a data-quality gate failed.
    pub fn is_gate(&self) -> bool {
        matches!(self, PipelineError::Gate { .. })
    }
}

/// Why an analysis was not done.
#[derive(Debug)]
pub enum NotDone {
    /// The data cannot carry it.
    Skipped(String),
    /// A model did not converge: why, and where its search stopped.
    Failed(String, Option<serde_json::Value>),
    /// The run cannot go on.
    Broken(PipelineError),
}

impl From<MineError> for NotDone {
    fn from(e: MineError) -> NotDone {
        match e {
            MineError::NotConverged { model, ref stopped, .. } => {
                let report = serde_json::json!({ "model": model, "stopped": stopped });
                NotDone::Failed(e.to_string(), Some(report))
            }
            MineError::Data { .. } => NotDone::Skipped(e.to_string()),
            // Settings are checked before a run; what only the data show to be out of range is still the config's.
            MineError::Parameter { parameter, must_be, got } => NotDone::Broken(PipelineError::Setting {
                key: parameter.to_owned(),
                problem: format!("must be {must_be}, but is {got}"),
            }),
            MineError::Defect { promise, found } => {
                NotDone::Broken(PipelineError::Defect { what: promise, found })
            }
            other => NotDone::Broken(PipelineError::defect("an analysis", other)),
        }
    }
}

impl From<serde_json::Error> for NotDone {
    fn from(e: serde_json::Error) -> NotDone {
        NotDone::Broken(PipelineError::defect("a report", e))
    }
}

impl From<TableError> for NotDone {
    fn from(e: TableError) -> NotDone {
        NotDone::Broken(e.into())
    }
}

impl From<ModelError> for NotDone {
    fn from(e: ModelError) -> NotDone {
        NotDone::Broken(e.into())
    }
}

impl From<PipelineError> for NotDone {
    fn from(e: PipelineError) -> NotDone {
        NotDone::Broken(e)
    }
}
