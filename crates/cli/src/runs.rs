//! `runs`: what was published.

use std::path::PathBuf;

use tillwise_pipeline::runs::{diff, find, list, prune, published, show};
use tillwise_pipeline::Config;
use tillwise_report::{text, Language, Section};

use crate::args::{Place, Runs};
use crate::commands::{print, Ended, Failure};

pub fn runs(what: &Runs) -> Result<Ended, Failure> {
    let told = match what {
        Runs::List { place } => {
            let out = folder(place)?;
            let all = published(&out)?;
            if all.is_empty() {
                print(&format!("there are no runs in {}\n", out.display()))?;
            }
            vec![list(&all)]
        }
        Runs::Show { run, place } => show(&find(&folder(place)?, run)?),
        Runs::Diff { before, after, place } => {
            let out = folder(place)?;
            diff(&find(&out, before)?, &find(&out, after)?)?
        }
        Runs::Prune { keep, days, place } => {
            let pruned = prune(&folder(place)?, *keep as usize, *days)?;
            print(&format!(
                "Removed {} runs, {} versions of the store and {} files in it\n",
                pruned.runs.len(),
                pruned.versions,
                pruned.files
            ))?;
            Vec::new()
        }
    };
    tell(&told)
}

fn tell(sections: &[Section]) -> Result<Ended, Failure> {
    print(
        &text(sections, &Language::english().map_err(tillwise_pipeline::PipelineError::from)?)
            .map_err(tillwise_pipeline::PipelineError::from)?,
    )?;
    Ok(Ended::Done)
}

/// The output folder that is meant.
fn folder(place: &Place) -> Result<PathBuf, Failure> {
    if let Some(out) = &place.out {
        return Ok(out.clone());
    }
    let config = Config::read(&place.config)?;
    Ok(place.config.parent().map(PathBuf::from).unwrap_or_default().join(&config.run.out))
}
