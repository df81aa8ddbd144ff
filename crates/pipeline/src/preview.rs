//! What a run would do, without doing it.

use std::path::PathBuf;

use serde::Serialize;

use crate::analysis::Analysis;
use crate::history::History;
use crate::run::Begun;
use crate::runs::published;
use crate::{PipelineError, Plan, StoreRecord};

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
    let Begun { ingest, output, inputs, .. } = plan.begin()?;
    let history = plan.history(&output, &ingest, &inputs)?;
    let inputs = history.as_ref().map_or(inputs, History::inputs);
    let wanted = || Analysis::all().filter(|a| plan.wants(*a));
    let bytes: u64 = inputs.iter().map(|i| i.bytes).sum();
    let current = published(output.root())?.into_iter().find(|run| run.is_current);
    Ok(Preview {
        files: inputs.len(),
        bytes,
        store: history.as_ref().map(History::record),
        analyses: wanted().map(|a| a.name).collect(),
        fitted: wanted().filter(|a| a.has_model).map(|a| a.name).collect(),
        published: plan.published(&output, &plan.id(&inputs)?).map(|found| found.1).filter(|_| !plan.force),
        seconds: current.and_then(|run| run.seconds_for(bytes)),
        out: plan.base.join(&plan.config.run.out),
    })
}
