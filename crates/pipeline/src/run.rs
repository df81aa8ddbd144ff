//! One run, from files to published tables.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use rayon::prelude::*;
use serde::Serialize;
use tillwise_core::schema::{Column, SUMMARY};
use tillwise_core::{Day, Engine, PurchasesRequest, SummaryRequest};
use tillwise_ingest::{IngestError, InputFile, Quality, Returns, ingest};
use tillwise_report::{Block, Language, Section};
use tillwise_store::{Output, Watched, hash_file, run_id};
use tillwise_table::{Table, TableError, arrow_type, assemble, write_table};
use tracing::{info, warn};

use crate::analyses::{Context, Earlier, Orders};
use crate::analysis::{Ask, CustomerTable, MadeTable, Needs};
use crate::clock::Clock;
use crate::gates::{drifted, failed_gate, last_date_of, too_old};
use crate::history::{self, History, Keep};
use crate::publish::{metadata, write_made, write_record};
use crate::runs::prune_open;
use crate::{
    Analysis, AnalysisRecord, AsOf, Config, InputRecord, NotDone, PipelineError, RunRecord, Status, Store,
    told,
};

/// Whether models are fitted or only applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Fit, save, score.
    Fit,
    /// Score with the models of a folder.
    Score {
        /// The folder with `rfm.json` and so on.
        models: PathBuf,
    },
}

/// How far to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Until {
    /// Clean transactions.
    Ingest,
    /// The customer table.
    Customers,
    /// The analyses.
    Analyses,
}

/// A checked config and what was asked of it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The config.
    pub config: Config,
    /// The folder that the config's paths are relative to.
    pub base: PathBuf,
    /// Fit or score.
    pub mode: Mode,
    /// How far to go.
    pub until: Until,
    /// Analyses asked for by name: those that cannot be done are failures, not omissions.
    pub by_name: bool,
    /// The name under `stages/`, for single-stage commands; `None` publishes to `current`.
    pub stage: Option<String>,
    /// Whether to compute a run again that is already published.
    pub force: bool,
    /// Whether to read every file again, known or not.
    pub full_refresh: bool,
    /// The night whose store is meant, rather than the files that are there.
    pub as_known_on: Option<Day>,
}

/// How a run ended.
#[derive(Debug)]
pub enum Outcome {
    /// Everything is in place.
    Finished(Box<Finished>),
    /// The same run, with the same inputs and config, is already published.
    Published {
        /// Its folder.
        folder: PathBuf,
        /// Its id.
        run_id: String,
        /// Whether `current` led elsewhere and leads to it now.
        moved: bool,
    },
}

/// A run that is in place.
#[derive(Debug)]
pub struct Finished {
    /// Its record.
    pub record: RunRecord,
    /// Its folder.
    pub folder: PathBuf,
    /// The output folder, with `current` in it.
    pub out: PathBuf,
    /// Whether `current` points at it.
    pub is_current: bool,
    /// Whether a model did not converge, or an analysis asked for by name was not done.
    pub models_failed: bool,
}

/// Days after the last order that the picture may be taken: nothing is known of what lies between.
const LATEST_AS_OF: i32 = 31;

/// Carries out a plan.
///
/// # Errors
/// If the input, the config or the output folder is at fault, or a gate fails. Analyses that cannot be
/// done are not errors: see [`Finished::models_failed`].
pub fn run(plan: &Plan, engine: &dyn Engine) -> Result<Outcome, PipelineError> {
    let mut clock = Clock::start();
    let config = &plan.config;
    let Begun { ingest: ingest_plan, output, watched, inputs } = plan.begin()?;
    let history = plan.history(&output, &ingest_plan, &inputs)?;
    let inputs = history.as_ref().map_or(inputs, History::inputs);
    let id = plan.id(&inputs)?;
    if let Some((_, folder)) = plan.published(&output, &id).filter(|_| plan.stage.is_none() && !plan.force) {
        // Nothing new, but perhaps too old: an export that is no longer refreshed is the same every night.
        if let Some(last) = last_date_of(&folder)
            && let Some(found) = too_old(&config.gates, last)
        {
            return Err(PipelineError::Gate { gate: "max_age_days", found, kept: folder });
        }
        let moved = !output.is_current(&folder);
        if moved {
            output.point_current(&folder)?;
        }
        let run_id = tillwise_store::id_of(&folder).unwrap_or_default().to_owned();
        return Ok(Outcome::Published { folder, run_id, moved });
    }
    clock.lap("hash");

    let work = output.begin()?;
    info!(files = ingest_plan.files.len(), "reading");
    let quality = match &history {
        Some(history) => history.ingest(&ingest_plan, &watched, &work),
        None => ingest(&ingest_plan, &work).map_err(PipelineError::from),
    };
    let quality = quality.map_err(|e| {
        if matches!(e, PipelineError::Ingest(IngestError::NothingAccepted { .. })) {
            // The rejects tell more than the message; if they cannot be kept, the message must do.
            let _ = output.keep_failed(&work);
        }
        e
    })?;
    clock.lap("ingest");
    let english = Language::english()?;
    for warning in &quality.warnings {
        warn!("{}", english.sentence(warning)?);
    }
    let mut record = plan.record(engine, id, inputs, quality);
    record.started_at = clock.started_at;
    record.store = history.as_ref().map(History::record);
    if let Some((gate, found)) = failed_gate(&config.gates, &record.quality, &output) {
        write_record(&work, &mut record)?;
        let kept = output.keep_failed(&work)?;
        return Err(PipelineError::Gate { gate, found, kept });
    }
    let (first, last) = match (record.quality.first_date, record.quality.last_date) {
        (Some(first), Some(last)) => (first, last),
        // Ingest accepts at least one row or fails.
        _ => return Err(PipelineError::NoCustomers { as_of: Day(0) }),
    };
    let as_of = as_of(config.run.as_of, first, last)?;
    record.as_of = Some(as_of);
    let earlier = earlier(plan, &output, as_of);
    record.run_id = plan.run_id(&record.run_id, &earlier)?;

    let mut models_failed = false;
    if plan.until != Until::Ingest {
        let tables = summarise(plan, engine, &work, (first, as_of), &mut record)?;
        clock.lap("customers");
        models_failed = analyse(plan, &work, (first, as_of), &tables, &earlier, &mut record)?;
        clock.lap("analyses");
        fs::remove_dir_all(work.join("tables.tmp"))
            .map_err(|source| PipelineError::Write { path: work.clone(), source })?;
    }
    if let Some(found) = drifted(&config.gates, &record) {
        write_record(&work, &mut record)?;
        let kept = output.keep_failed(&work)?;
        return Err(PipelineError::Gate { gate: "drift", found, kept });
    }
    let transactions = work.join("transactions");
    if !config.run.keep_transactions && plan.until != Until::Ingest {
        fs::remove_dir_all(&transactions)
            .map_err(|source| PipelineError::Write { path: transactions, source })?;
    }
    for file in &watched {
        file.end()?;
    }
    let now = clock.started_at;
    record.seconds = clock.seconds();
    write_record(&work, &mut record)?;
    if let Some(history) = history.filter(|_| plan.as_known_on.is_none()) {
        history.commit(now)?;
    }
    let folder = match &plan.stage {
        Some(stage) => output.publish_stage(&work, stage)?,
        None => output.publish(&work, as_of, &record.run_id)?,
    };
    if let (Some(keep), None) = (config.store.keep_runs, &plan.stage) {
        let pruned = prune_open(&output, keep, config.store.keep_days)?;
        info!(runs = pruned.runs.len(), files = pruned.files, "pruned");
    }
    Ok(Outcome::Finished(Box::new(Finished {
        record,
        folder,
        out: output.root().to_owned(),
        is_current: plan.stage.is_none(),
        models_failed,
    })))
}

/// What a run begins with.
pub(crate) struct Begun {
    /// What is to be read.
    pub(crate) ingest: tillwise_ingest::Plan,
    /// The output folder, locked.
    pub(crate) output: Output,
    /// The files, and those beside them, as they were before anything was read.
    watched: Vec<Watched>,
    /// The files with their hashes.
    pub(crate) inputs: Vec<InputRecord>,
}

impl Plan {
    /// Finds, looks at and hashes the files, and locks the output folder.
    pub(crate) fn begin(&self) -> Result<Begun, PipelineError> {
        let config = &self.config;
        let out = self.base.join(&config.run.out);
        let files = match self.as_known_on {
            Some(_) => Vec::new(),
            None => history::find_files(&config.input.files, &self.base, &out, config.store.files)?,
        };
        let ingest = tillwise_ingest::Plan {
            input: config.input.clone(),
            columns: config.columns.clone(),
            cleaning: config.cleaning.clone(),
            files,
            base: self.base.clone(),
            memory_limit: config.run.memory_limit.map(|s| s.0),
        };
        ingest.check()?;
        let output = Output::open(&out)?;
        let watched = self.watch(&ingest.files)?;
        let hashed = ingest.files.par_iter().map(|f| {
            let (blake3, bytes) = hash_file(f.on_disk())?;
            Ok(InputRecord { file: f.name.clone(), bytes, blake3 })
        });
        let inputs = hashed.collect::<Result<Vec<_>, PipelineError>>()?;
        Ok(Begun { ingest, output, watched, inputs })
    }

    /// The store, if files are kept.
    pub(crate) fn history<'a>(
        &self,
        output: &'a Output,
        ingest: &tillwise_ingest::Plan,
        inputs: &[InputRecord],
    ) -> Result<Option<History<'a>>, PipelineError> {
        Ok(match (self.as_known_on, self.config.store.files) {
            (Some(day), _) => Some(History::as_known_on(output, ingest, day)?),
            (None, Keep::None) => None,
            (None, keep) => Some(History::open(output, ingest, inputs, keep, self.full_refresh)?),
        })
    }

    /// The run that is published already, of the same files and config, and from the same earlier run's models if those count.
    pub(crate) fn published(&self, output: &Output, id: &str) -> Option<(Day, PathBuf)> {
        let same = |(day, folder): &(Day, PathBuf)| {
            let name = self.run_id(id, &earlier(self, output, *day));
            name.is_ok_and(|name| tillwise_store::id_of(folder) == Some(name.as_str()))
        };
        output.find(id).into_iter().find(same)
    }

    /// The run's id: that of its files and config, and where an earlier run's models count, a hash of those.
    fn run_id(&self, id: &str, earlier: &Earlier) -> Result<String, PipelineError> {
        if earlier.is_empty() {
            return Ok(id.to_owned());
        }
        let mut parts = Vec::new();
        for (kind, models) in earlier {
            parts.push(format!("{kind} {}", hash_file(&models.join(format!("{kind}.json")))?.0));
        }
        let hash = run_id(&parts.iter().map(String::as_str).collect::<Vec<_>>());
        Ok(format!("{id}-{}", &hash[..8]))
    }

    /// The hash of everything that decides the result, but for an earlier run.
    pub(crate) fn id(&self, inputs: &[InputRecord]) -> Result<String, PipelineError> {
        let mut config = self.config.clone();
        // Where the result lies does not change it, and which patterns its files were found by neither.
        config.run.out = PathBuf::new();
        config.input.files.clear();
        // Nor do ways to come to the same lines.
        config.store = Store::default();
        let broken = |e: serde_json::Error| PipelineError::defect("the run's id", e);
        let config = serde_json::to_string(&config).map_err(broken)?;
        let inputs = serde_json::to_string(inputs).map_err(broken)?;
        let until = serde_json::to_string(&self.until).map_err(broken)?;
        let mut parts = vec![env!("CARGO_PKG_VERSION").to_owned(), config, inputs, until];
        for (key, path) in self.side_files() {
            let (hash, _) = hash_file(&path)
                .map_err(|e| PipelineError::Setting { key: key.to_owned(), problem: e.to_string() })?;
            parts.push(format!("{key} {hash}"));
        }
        if let Mode::Score { models } = &self.mode {
            for analysis in Analysis::all().filter(|a| a.has_model) {
                let path = models.join(format!("{}.json", analysis.name));
                let model = if path.exists() { hash_file(&path)?.0 } else { "none".to_owned() };
                parts.push(format!("score {} {model}", analysis.name));
            }
        }
        Ok(run_id(&parts.iter().map(String::as_str).collect::<Vec<_>>()))
    }

    fn record(
        &self,
        engine: &dyn Engine,
        run_id: String,
        inputs: Vec<InputRecord>,
        quality: Quality,
    ) -> RunRecord {
        RunRecord {
            run_id,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            mode: match self.mode {
                Mode::Fit => "fit".to_owned(),
                Mode::Score { .. } => "score".to_owned(),
            },
            as_of: None,
            engine: engine.name().to_owned(),
            inputs,
            store: None,
            quality,
            customers: 0,
            return_only_customers: 0,
            analyses: BTreeMap::new(),
            told: Vec::new(),
            seed: self.config.run.seed,
            config: self.config.clone(),
            files: Vec::new(),
            seconds: BTreeMap::new(),
            started_at: 0,
        }
    }

    /// Files beside the export that a run reads, each with the key that names it.
    fn side_files(&self) -> Vec<(&'static str, PathBuf)> {
        let wanted = Analysis::all().filter(|a| self.wants(*a));
        let read =
            wanted.flat_map(|a| (a.files)(&self.config)).map(|(key, path)| (key, self.base.join(path)));
        let joined = self.config.input.join.iter().map(|j| ("[[input.join]] file", self.base.join(&j.file)));
        joined.chain(read).collect()
    }

    /// Looks at all files before they are hashed and read, so that a change meanwhile is found.
    fn watch(&self, files: &[InputFile]) -> Result<Vec<Watched>, PipelineError> {
        let mut watched = Vec::new();
        for file in files {
            watched.push(Watched::begin(file.on_disk())?);
        }
        for (key, path) in self.side_files() {
            watched.push(
                Watched::begin(&path)
                    .map_err(|e| PipelineError::Setting { key: key.to_owned(), problem: e.to_string() })?,
            );
        }
        Ok(watched)
    }

    pub(crate) fn wants(&self, analysis: Analysis) -> bool {
        self.until == Until::Analyses && self.config.run.analyses.contains(&analysis)
    }
}

/// For each analysis that looks at an earlier model: the models of the last run of an earlier day that has one.
fn earlier(plan: &Plan, output: &Output, as_of: Day) -> Earlier {
    let looks = |a: &Analysis| (a.looks_back)(&plan.config) && plan.wants(*a) && plan.mode == Mode::Fit;
    let names: Vec<&'static str> = Analysis::all().filter(looks).map(|a| a.name).collect();
    if names.is_empty() {
        return Earlier::new();
    }
    let runs = output.before(as_of);
    let last =
        |name: &str| runs.iter().map(|r| r.join("models")).find(|m| m.join(format!("{name}.json")).exists());
    names.into_iter().filter_map(|name| Some((name, last(name)?))).collect()
}

fn as_of(asked: AsOf, first: Day, last: Day) -> Result<Day, PipelineError> {
    let as_of = match asked {
        AsOf::Last(days) => return Ok(last + days),
        AsOf::Day(day) => day,
    };
    let problem = if as_of < first {
        format!("the first accepted row is of {first}; name a day from then on")
    } else if as_of.since(last) > LATEST_AS_OF {
        format!(
            "it lies {} days after the last accepted row, of {last}, and nothing is known of the days between; \
             name a day up to {}, or leave it out",
            as_of.since(last),
            last + LATEST_AS_OF
        )
    } else {
        return Ok(as_of);
    };
    Err(PipelineError::AsOf { as_of, problem })
}

/// What the engine made for the analyses.
struct Tables {
    customers: Table,
    earlier: Vec<MadeTable>,
    orders: Option<Orders>,
}

/// Asks the engine for today's customer table and for all that the analyses need, each table once.
fn summarise(
    plan: &Plan,
    engine: &dyn Engine,
    work: &Path,
    (first, as_of): (Day, Day),
    record: &mut RunRecord,
) -> Result<Tables, PipelineError> {
    let folder = work.join("tables.tmp");
    fs::create_dir_all(&folder).map_err(|source| PipelineError::Write { path: folder.clone(), source })?;
    let ask = Ask { config: &plan.config, fits: plan.mode == Mode::Fit, first, as_of };
    let needs: Vec<Needs> = Analysis::all().filter(|a| plan.wants(*a)).map(|a| (a.needs)(&ask)).collect();
    let occasion_days = needs.iter().find_map(|n| n.occasion_days);
    let today = folder.join("customers.parquet");
    let mut requests =
        vec![request(CustomerTable { occasion_days, ..CustomerTable::of(as_of) }, &today, None)];
    let mut earlier: Vec<MadeTable> = Vec::new();
    for wanted in needs.iter().flat_map(|n| &n.tables) {
        if earlier.iter().any(|made| made.wanted == *wanted) {
            continue;
        }
        let path = folder.join(format!("earlier-{}.parquet", earlier.len()));
        let daily = wanted.daily.then(|| folder.join(format!("daily-{}.parquet", earlier.len())));
        requests.push(request(wanted.clone(), &path, daily.clone()));
        earlier.push(MadeTable { wanted: wanted.clone(), path, daily });
    }
    info!(dates = requests.len(), "summing customers");
    let net_returns = plan.config.cleaning.returns == Returns::Net;
    let purchases =
        needs.iter().any(|n| n.orders).then(|| PurchasesRequest { as_of, folder: folder.clone() });
    let stats = engine.summarise(&work.join("transactions"), net_returns, &requests, purchases.as_ref())?;
    let of_today = stats.first().copied().unwrap_or_default();
    record.customers = of_today.customers;
    record.return_only_customers = of_today.return_only;
    if of_today.customers == 0 {
        return Err(PipelineError::NoCustomers { as_of });
    }
    let orders = purchases.map(|_| Orders::read(&folder, net_returns)).transpose()?;
    Ok(Tables { customers: Table::read(&today)?, earlier, orders })
}

fn request(wanted: CustomerTable, out: &Path, daily: Option<PathBuf>) -> SummaryRequest {
    SummaryRequest {
        as_of: wanted.as_of,
        label_until: wanted.label_until,
        occasion_days: wanted.occasion_days,
        daily,
        active_within_days: wanted.active_within_days,
        only: wanted.only,
        out: out.to_owned(),
    }
}

/// Runs the analyses side by side and writes all tables; whether one failed.
fn analyse(
    plan: &Plan,
    work: &Path,
    (first, as_of): (Day, Day),
    tables: &Tables,
    earlier: &Earlier,
    record: &mut RunRecord,
) -> Result<bool, PipelineError> {
    let models = work.join("models");
    if plan.until == Until::Analyses {
        fs::create_dir_all(&models)
            .map_err(|source| PipelineError::Write { path: models.clone(), source })?;
    }
    let context = Context {
        config: &plan.config,
        mode: &plan.mode,
        models: &models,
        first,
        as_of,
        customers: &tables.customers,
        tables: &tables.earlier,
        earlier,
        orders: tables.orders.as_ref(),
        base: &plan.base,
    };
    let all: Vec<Analysis> = Analysis::all().collect();
    let results: Vec<_> = all
        .into_par_iter()
        .with_max_len(1)
        .map(|analysis| {
            let start = Instant::now();
            let result = plan.wants(analysis).then(|| (analysis.run)(&context));
            (analysis, start.elapsed().as_secs_f64(), result)
        })
        .collect();

    let metadata = metadata(&record.run_id, &record.version, record.as_of);
    let compression = plan.config.run.compression.into();
    let mut scores = BTreeMap::new();
    let mut notes = Section::new("notes");
    let mut any_failed = false;
    record.told = told::rows(record);
    for (analysis, seconds, result) in results {
        let name = analysis.name;
        let mut entry =
            AnalysisRecord { status: Status::Done, reason: None, model: None, report: None, seconds };
        match result {
            None => entry.status = Status::NotAsked,
            Some(Ok(done)) => {
                scores.insert(name, done.columns);
                entry.report = Some(done.report);
                entry.model = analysis.has_model.then(|| format!("models/{name}.json"));
                let mut told = done.told;
                for wanted in analysis.charts {
                    if let (Some(chart), Some(section)) = (wanted.of(&done.tables)?, told.last_mut()) {
                        section.blocks.push(Block::Chart(Box::new(chart)));
                    }
                }
                write_made(work, name, analysis.tables, done.tables, compression, &metadata)?;
                record.told.extend(told);
                done.warnings.iter().for_each(|warning| told::note(&mut notes, name, warning));
            }
            Some(Err(NotDone::Broken(e))) => return Err(e),
            Some(Err(NotDone::Skipped(reason))) => {
                warn!(analysis = name, "skipped: {reason}");
                any_failed |= plan.by_name;
                told::not_done(&mut notes, "skipped", name, &reason);
                (entry.status, entry.reason) = (Status::Skipped, Some(reason));
            }
            Some(Err(NotDone::Failed(reason, report))) => {
                warn!(analysis = name, "failed: {reason}");
                any_failed = true;
                told::not_done(&mut notes, "failed", name, &reason);
                (entry.status, entry.reason, entry.report) = (Status::Failed, Some(reason), report);
            }
        }
        record.analyses.insert(name.to_owned(), entry);
    }
    record.told.push(notes);
    let customers = with_scores(&tables.customers, scores, plan.until)?;
    write_table(&work.join("customers.parquet"), customers, compression, &metadata)?;
    Ok(any_failed)
}

/// The customer table with every score column, by name; null where an analysis was not done.
fn with_scores(
    customers: &Table,
    mut scores: BTreeMap<&'static str, Vec<(&'static str, ArrayRef)>>,
    until: Until,
) -> Result<RecordBatch, TableError> {
    let mut columns: Vec<Column> = SUMMARY.to_vec();
    // Occasions, if there are any, are not published.
    let mut arrays = Vec::new();
    for column in SUMMARY {
        arrays.push((column.name, customers.array(column.name)?.clone()));
    }
    if until == Until::Analyses {
        for analysis in Analysis::all() {
            let own = analysis.scores;
            columns.extend_from_slice(own);
            // An analysis that was done gives all of its columns, or `assemble` says which are missing.
            match scores.remove(analysis.name) {
                Some(done) => arrays.extend(done),
                None => arrays.extend(
                    own.iter().map(|c| (c.name, new_null_array(&arrow_type(c.kind), customers.rows()))),
                ),
            }
        }
    }
    assemble("customers", &columns, arrays)
}
