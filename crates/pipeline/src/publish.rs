//! What every published folder holds beside its tables: metadata, the record, and the page.

use std::fs;
use std::path::Path;

use serde::Serialize;
use tillwise_core::Day;
use tillwise_core::schema::PublishedTable;
use tillwise_report::{About, Language, Section, page};
use tillwise_table::{Compression, write_table};

use crate::PipelineError;
use crate::analyses::Made;

/// Raised whenever a published column is renamed, retyped or removed.
const SCHEMA_VERSION: u32 = 2;

/// What every published table says of its origin.
pub fn metadata(run_id: &str, version: &str, as_of: Option<Day>) -> Vec<(&'static str, String)> {
    vec![
        ("tillwise.run_id", run_id.to_owned()),
        ("tillwise.version", version.to_owned()),
        ("tillwise.as_of", as_of.map(|d| d.to_string()).unwrap_or_default()),
        ("tillwise.schema_version", SCHEMA_VERSION.to_string()),
    ]
}

/// Writes the tables of an analysis, which are among those that it promised.
pub fn write_made(
    work: &Path,
    analysis: &str,
    promised: &[PublishedTable],
    made: Vec<Made>,
    compression: Compression,
    metadata: &[(&'static str, String)],
) -> Result<(), PipelineError> {
    for table in made {
        if !promised.iter().any(|p| p.name == table.of.name) {
            return Err(PipelineError::defect(
                table.of.name,
                format!("{analysis} did not promise this table"),
            ));
        }
        write_table(&work.join(format!("{}.parquet", table.of.name)), table.batch, compression, metadata)?;
    }
    Ok(())
}

/// A record that lists the files it stands beside.
pub trait Record: Serialize {
    /// What people are told.
    fn told(&self) -> &[Section];
    /// The head of the page.
    fn about(&self) -> About;
    /// Every file of the run.
    fn files(&mut self) -> &mut Vec<String>;
}

/// Writes `run.json`, and `report.html` from it.
pub fn write_record(work: &Path, record: &mut impl Record) -> Result<(), PipelineError> {
    let mut files = Vec::new();
    list_files(work, work, &mut files)
        .map_err(|source| PipelineError::Write { path: work.to_owned(), source })?;
    files.extend(["run.json".to_owned(), "report.html".to_owned()]);
    files.sort();
    *record.files() = files;
    let broken = |e: serde_json::Error| PipelineError::defect("run.json", e);
    let text = serde_json::to_string_pretty(record).map_err(broken)? + "\n";
    let html = page(record.told(), &record.about(), &Language::english()?)?;
    for (name, text) in [("run.json", text), ("report.html", html)] {
        let path = work.join(name);
        fs::write(&path, text).map_err(|source| PipelineError::Write { path, source })?;
    }
    Ok(())
}

fn list_files(root: &Path, folder: &Path, files: &mut Vec<String>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list_files(root, &path, files)?;
        } else if let Ok(name) = path.strip_prefix(root) {
            files.push(name.to_string_lossy().into_owned());
        }
    }
    Ok(())
}
