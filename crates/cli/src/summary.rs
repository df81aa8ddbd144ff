//! What a run tells the user: a page to read, and one JSON line for scripts.

use std::path::Path;

use serde::Serialize;
use tillwise_pipeline::contracts::{OfTable, TableFinished};
use tillwise_pipeline::{Finished, PipelineError, Status};
use tillwise_report::{text, Language};

/// The last line of `run`.
#[derive(Serialize)]
struct Line<'a> {
    status: &'a str,
    run_id: &'a str,
    as_of: Option<String>,
    run: String,
    current: Option<String>,
    customers_parquet: Option<String>,
    rows_read: u64,
    rows_accepted: u64,
    rows_rejected: u64,
    customers: usize,
    analyses: std::collections::BTreeMap<&'a str, Status>,
}

/// One JSON object: run id, paths, row counts.
pub fn json(f: &Finished) -> String {
    let r = &f.record;
    let folder = if f.is_current { f.out.join("current") } else { f.folder.clone() };
    let table = folder.join("customers.parquet");
    let line = Line {
        status: if f.models_failed { "model_failed" } else { "done" },
        run_id: &r.run_id,
        as_of: r.as_of.map(|d| d.to_string()),
        run: f.folder.display().to_string(),
        current: f.is_current.then(|| folder.display().to_string()),
        customers_parquet: table.exists().then(|| table.display().to_string()),
        rows_read: r.quality.rows_read,
        rows_accepted: r.quality.rows_accepted,
        rows_rejected: r.quality.rows_rejected,
        customers: r.customers,
        analyses: r.analyses.iter().map(|(name, a)| (name.as_str(), a.status)).collect(),
    };
    serde_json::to_string(&line).unwrap_or_default()
}

/// The last line when the run was published before.
pub fn published_json(folder: &Path, run_id: &str, moved: bool) -> String {
    let status = if moved { "current_moved" } else { "nothing_new" };
    serde_json::json!({ "status": status, "run_id": run_id, "run": folder.display().to_string() }).to_string()
}

/// A short page: what the run tells, and where the files are.
///
/// # Errors
/// If something has no words: a defect.
pub fn summary(f: &Finished) -> Result<String, PipelineError> {
    let r = &f.record;
    let as_of = r.as_of.map(|d| format!(", as of {d}")).unwrap_or_default();
    let told = text(&r.told, &Language::english()?)?;
    let shown = if f.is_current { f.out.join("current") } else { f.folder.clone() };
    let mut t =
        format!("Tillwise {}: run {}{as_of}\n{told}\nFiles: {}\n", r.version, r.run_id, shown.display());
    if r.customers > 0 {
        t.push_str(
            "Next: look at report.html there, and open customers.parquet in any BI tool; what was rejected, and why, is in rejects/.\n",
        );
    }
    Ok(t)
}

/// The same of an analysis of a table, with its last line.
///
/// # Errors
/// If something has no words: a defect.
pub fn of_table<S: OfTable>(f: &TableFinished<S>) -> Result<String, PipelineError> {
    let r = &f.record;
    let told = text(&r.told, &Language::english()?)?;
    let mut line = serde_json::json!({
        "status": if f.model_failed { "model_failed" } else { "done" },
        "run_id": r.run_id,
        "run": f.folder.display().to_string(),
        "out": f.out.display().to_string(),
    });
    if let Some(line) = line.as_object_mut() {
        line.extend(f.line.clone());
    }
    Ok(format!("Tillwise {}: {}\n{told}\nFiles: {}\n{line}\n", r.version, r.mode, f.out.display()))
}
