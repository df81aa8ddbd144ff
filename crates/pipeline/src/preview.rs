//! What a run would do, without doing it.

use std::path::PathBuf;

use serde::Serialize;
use tillwise_store::{Output, hash_file};

use crate::analysis::Analysis;
use crate::history::{self, History, Keep};
use crate::runs::published;
use crate::{InputRecord, Mode, PipelineError, Plan, StoreRecord, Until};

/// What a run would read, write and fit, and about how long it would take.
#[derive(Clone, Debug, Serialize)]
pub struct Preview {
    /// Files that count.
    pub files: usize,
    /// Their size.
    pub bytes: u64,
    /// How the store would be used, if there is one.
    pub store: Option<StoreRecord>,
    /// The output folder.
    pub out: PathBuf,
    /// Analyses that would be done.
    pub analyses: Vec<&'static str>,
    /// Those of them whose models would be fitted.
    pub fitted: Vec<&'static str>,
    /// The run that is published already, of the same files and config, if there is one.
    pub published: Option<PathBuf>,
    /// Seconds, by the size of the files and the time of the run that `current` leads to.
    pub seconds: Option<f64>,
}

/// Looks at config, files and output folder as [`crate::run()`] would, and writes nothing but an output folder that is not there.
///
/// # Errors
/// Those that a run would begin with.
pub fn preview(plan: &Plan) -> Result<Preview, PipelineError> {
    let config = &plan.config;
    let out = plan.base.join(&config.run.out);
    let keep = config.store.files;
    let found = match plan.as_known_on {
        Some(_) => Vec::new(),
        None => history::find_files(&config.input.files, &plan.base, &out, keep)?,
    };
    let ingest = plan.ingest(found);
    ingest.check()?;
    let output = Output::open(&out)?;
    let mut inputs = Vec::new();
    for file in &ingest.files {
        let (blake3, bytes) = hash_file(file.on_disk())?;
        inputs.push(InputRecord { file: file.name.clone(), bytes, blake3 });
    }
    let history = match (plan.as_known_on, keep) {
        (Some(day), _) => Some(History::as_known_on(&output, &ingest, day)?),
        (None, Keep::None) => None,
        (None, keep) => Some(History::open(&output, &ingest, &inputs, keep, plan.full_refresh)?),
    };
    let inputs = history.as_ref().map_or(inputs, History::inputs);
    let wanted =
        || Analysis::all().filter(|a| plan.until == Until::Analyses && config.run.analyses.contains(a));
    let fits = |a: &Analysis| {
        a.has_model
            && match &plan.mode {
                Mode::Fit => true,
                Mode::Score { models } => !models.join(format!("{}.json", a.name)).exists(),
            }
    };
    let bytes: u64 = inputs.iter().map(|i| i.bytes).sum();
    let current = published(output.root())?.into_iter().find(|run| run.is_current);
    Ok(Preview {
        files: inputs.len(),
        bytes,
        store: history.as_ref().map(History::record),
        analyses: wanted().map(|a| a.name).collect(),
        fitted: wanted().filter(fits).map(|a| a.name).collect(),
        published: plan.published(&output, &inputs)?.map(|found| found.1).filter(|_| !plan.force),
        seconds: current.and_then(|run| run.seconds_for(bytes)),
        out,
    })
}
