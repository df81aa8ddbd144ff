//! One run, from files to published tables.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use rayon::prelude::*;
use tillwise_core::schema::{Column, SCORES, SUMMARY, published};
use tillwise_core::{Day, Engine, PurchasesRequest, SummaryRequest};
use tillwise_ingest::{IngestError, InputFile, Quality, Returns, find_files, ingest};
use tillwise_report::html;
use tillwise_store::{Output, Watched, hash_file, run_id};
use tillwise_table::{Table, TableError, arrow_schema, arrow_type, assemble, write_table};
use tracing::{info, warn};

use crate::analyses::{
    Calibration, Context, Cutoffs, Earlier, LabelledTable, Orders, Picture, calibration_end, cutoffs,
    earlier_days,
};
use crate::{Analysis, AnalysisRecord, AsOf, Config, InputRecord, NotDone, PipelineError, RunRecord, Status};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    let files = find_files(&config.input.files, &plan.base)?;
    let ingest_plan = tillwise_ingest::Plan {
        input: config.input.clone(),
        columns: config.columns.clone(),
        cleaning: config.cleaning.clone(),
        files,
        base: plan.base.clone(),
        memory_limit: config.run.memory_limit.map(|s| s.0),
    };
    ingest_plan.check()?;
    let output = Output::open(&plan.base.join(&config.run.out))?;

    let watched = plan.watch(&ingest_plan.files)?;
    let inputs = ingest_plan
        .files
        .par_iter()
        .map(|f| {
            let (blake3, bytes) = hash_file(&f.path)?;
            Ok(InputRecord { file: f.name.clone(), bytes, blake3 })
        })
        .collect::<Result<Vec<_>, PipelineError>>()?;
    let id = plan.id(&inputs)?;
    // Published already, from the same earlier run's models if those count.
    let same = |(day, folder): &(Day, PathBuf)| {
        let name = plan.run_id(&id, &earlier(plan, &output, *day));
        name.is_ok_and(|name| tillwise_store::id_of(folder) == Some(name.as_str()))
    };
    let published = output.find(&id).into_iter().find(same).filter(|_| plan.stage.is_none() && !plan.force);
    if let Some((_, folder)) = published {
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
    let quality = ingest(&ingest_plan, &work).map_err(|e| {
        if matches!(e, IngestError::NothingAccepted { .. }) {
            // The rejects tell more than the message; if they cannot be kept, the message must do.
            let _ = output.keep_failed(&work);
        }
        e
    })?;
    clock.lap("ingest");
    for warning in &quality.warnings {
        warn!("{warning}");
    }
    let mut record = plan.record(engine, id, inputs, quality);
    record.started_at = clock.started_at;
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
        let tables = summarise(plan, engine, &work, as_of, first, &mut record)?;
        clock.lap("customers");
        models_failed = analyse(plan, &work, as_of, &tables, &earlier, &mut record)?;
        clock.lap("analyses");
        fs::remove_dir_all(work.join("tables.tmp"))
            .map_err(|source| PipelineError::Write { path: work.clone(), source })?;
    }
    let transactions = work.join("transactions");
    if !config.run.keep_transactions && plan.until != Until::Ingest {
        fs::remove_dir_all(&transactions)
            .map_err(|source| PipelineError::Write { path: transactions, source })?;
    }
    for file in &watched {
        file.end()?;
    }
    record.seconds = clock.seconds();
    write_record(&work, &mut record)?;
    let folder = match &plan.stage {
        Some(stage) => output.publish_stage(&work, stage)?,
        None => output.publish(&work, as_of, &record.run_id)?,
    };
    Ok(Outcome::Finished(Box::new(Finished {
        record,
        folder,
        out: output.root().to_owned(),
        is_current: plan.stage.is_none(),
        models_failed,
    })))
}

impl Plan {
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
    fn id(&self, inputs: &[InputRecord]) -> Result<String, PipelineError> {
        let mut config = self.config.clone();
        // Where the result lies does not change it.
        config.run.out = PathBuf::new();
        let broken = |e: serde_json::Error| PipelineError::defect("the run's id", e);
        let config = serde_json::to_string(&config).map_err(broken)?;
        let inputs = serde_json::to_string(inputs).map_err(broken)?;
        let mut parts =
            vec![env!("CARGO_PKG_VERSION").to_owned(), config, inputs, format!("{:?}", self.until)];
        for (key, path) in self.side_files() {
            let (hash, _) = hash_file(&path)
                .map_err(|e| PipelineError::Setting { key: key.to_owned(), problem: e.to_string() })?;
            parts.push(format!("{key} {hash}"));
        }
        if let Mode::Score { models } = &self.mode {
            for analysis in Analysis::ALL.into_iter().filter(|a| a.has_model()) {
                let path = models.join(format!("{}.json", analysis.name()));
                let model = if path.exists() { hash_file(&path)?.0 } else { "none".to_owned() };
                parts.push(format!("score {} {model}", analysis.name()));
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
            quality,
            customers: 0,
            return_only_customers: 0,
            analyses: BTreeMap::new(),
            seed: self.config.run.seed,
            config: self.config.clone(),
            files: Vec::new(),
            seconds: BTreeMap::new(),
            started_at: 0,
        }
    }

    /// Files beside the export that a run reads, each with the key that names it.
    fn side_files(&self) -> Vec<(&'static str, PathBuf)> {
        let (basket, offer) = (&self.config.basket, &self.config.offer);
        let files = [
            (Analysis::Churn, "[churn] attributes_file", &self.config.churn.attributes_file),
            (Analysis::Basket, "[basket] hierarchy_file", &basket.hierarchy_file),
            (Analysis::Offer, "[offer] exclude_file", &offer.exclude_file),
            (Analysis::Offer, "[offer] stock_file", &offer.stock_file),
        ];
        let read = files.into_iter().filter(|(analysis, _, _)| self.wants(*analysis));
        let read = read.filter_map(|(_, key, path)| Some((key, self.base.join(path.as_ref()?))));
        let joined = self.config.input.join.iter().map(|j| ("[[input.join]] file", self.base.join(&j.file)));
        joined.chain(read).collect()
    }

    /// Looks at all files before they are hashed and read, so that a change meanwhile is found.
    fn watch(&self, files: &[InputFile]) -> Result<Vec<Watched>, PipelineError> {
        let mut watched = Vec::new();
        for file in files {
            watched.push(Watched::begin(&file.path)?);
        }
        for (key, path) in self.side_files() {
            watched.push(
                Watched::begin(&path)
                    .map_err(|e| PipelineError::Setting { key: key.to_owned(), problem: e.to_string() })?,
            );
        }
        Ok(watched)
    }

    fn wants(&self, analysis: Analysis) -> bool {
        self.until == Until::Analyses && self.config.run.analyses.contains(&analysis)
    }
}

/// For each analysis that looks at an earlier model: the models of the last run of an earlier day that has one.
fn earlier(plan: &Plan, output: &Output, as_of: Day) -> Earlier {
    let (rfm, cluster) = (&plan.config.rfm, &plan.config.cluster);
    let reuses = [
        (Analysis::Rfm, rfm.refresh_days > 0),
        (Analysis::Cluster, cluster.follow_last || cluster.refresh_days > 0),
    ];
    let wanted = reuses.into_iter().filter(|(a, reuses)| *reuses && plan.wants(*a) && plan.mode == Mode::Fit);
    let names: Vec<&'static str> = wanted.map(|(a, _)| a.name()).collect();
    if names.is_empty() {
        return Earlier::new();
    }
    let runs = output.before(as_of);
    let last =
        |name: &str| runs.iter().map(|r| r.join("models")).find(|m| m.join(format!("{name}.json")).exists());
    names.into_iter().filter_map(|name| Some((name, last(name)?))).collect()
}

/// Seconds by stage.
struct Clock {
    started_at: u64,
    start: Instant,
    last: Instant,
    laps: BTreeMap<String, f64>,
}

impl Clock {
    fn start() -> Clock {
        let now = Instant::now();
        let started_at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        Clock { started_at, start: now, last: now, laps: BTreeMap::new() }
    }

    fn lap(&mut self, stage: &str) {
        let now = Instant::now();
        let seconds = (now - self.last).as_secs_f64();
        info!(stage, seconds = format!("{seconds:.2}"), "done");
        self.laps.insert(stage.to_owned(), seconds);
        self.last = now;
    }

    fn seconds(mut self) -> BTreeMap<String, f64> {
        self.laps.insert("total".to_owned(), self.start.elapsed().as_secs_f64());
        self.laps
    }
}

fn failed_gate(gates: &crate::Gates, quality: &Quality, output: &Output) -> Option<(&'static str, String)> {
    let share = quality.reject_share();
    if share > gates.max_reject_share {
        let reasons: Vec<String> =
            quality.rejected_by_reason.iter().map(|(r, n)| format!("{r} {n}")).collect();
        return Some((
            "max_reject_share",
            format!(
                "{:.1} % of {} rows were rejected ({}), more than the {:.1} % allowed",
                100.0 * share,
                quality.rows_read,
                reasons.join(", "),
                100.0 * gates.max_reject_share
            ),
        ));
    }
    // A file or a month may be lost while the total looks well.
    let unreadable = |what: &str, bad: u64, rows: u64| {
        let share = bad as f64 / rows.max(1) as f64;
        (rows >= 20 && share > gates.max_unreadable_share).then(|| {
            (
                "max_unreadable_share",
                format!("{what}: {bad} of {rows} rows hold something that cannot be read; look at the rejects, and mend [input]"),
            )
        })
    };
    let of_file = quality.files.iter().find_map(|f| unreadable(&f.file, f.unreadable, f.rows));
    let of_month =
        || quality.months.iter().find_map(|m| unreadable(&m.month, m.unreadable, m.accepted + m.unreadable));
    if let Some(found) = of_file.or_else(of_month) {
        return Some(found);
    }
    if let (Some(least), Some(last)) = (gates.min_rows_vs_last, output.current_record()) {
        let before = last["quality"]["rows_accepted"].as_u64().unwrap_or(0);
        if (quality.rows_accepted as f64) < least * before as f64 {
            return Some((
                "min_rows_vs_last",
                format!(
                    "{} rows were accepted, and {before} in the last run: less than the share of {least} asked for",
                    quality.rows_accepted
                ),
            ));
        }
    }
    quality.last_date.and_then(|last| too_old(gates, last)).map(|found| ("max_age_days", found))
}

/// What is wrong, if the last order is older than allowed.
fn too_old(gates: &crate::Gates, last: Day) -> Option<String> {
    let most = gates.max_age_days?;
    let today = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| (d.as_secs() / 86_400) as i32);
    let age = Day(today).since(last);
    // Zones are less than a day apart.
    if age < -1 {
        return Some(format!(
            "the clock says {}, before the last order, of {last}; set it, or check the dates",
            Day(today)
        ));
    }
    (age > most).then(|| format!("the last order is of {last}, {age} days ago, and {most} are allowed"))
}

fn last_date_of(run: &Path) -> Option<Day> {
    let record: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(run.join("run.json")).ok()?).ok()?;
    record["quality"]["last_date"].as_str()?.parse().ok()
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

/// The customer tables that the analyses look at.
struct Tables {
    customers: Table,
    labelled: Result<Cutoffs<LabelledTable>, String>,
    calibration: Result<Calibration, String>,
    pictures: Vec<Picture>,
    orders: Option<Orders>,
}

fn summarise(
    plan: &Plan,
    engine: &dyn Engine,
    work: &Path,
    as_of: Day,
    first: Day,
    record: &mut RunRecord,
) -> Result<Tables, PipelineError> {
    let folder = work.join("tables.tmp");
    fs::create_dir_all(&folder).map_err(|source| PipelineError::Write { path: folder.clone(), source })?;
    let config = &plan.config;
    let path = folder.join("customers.parquet");
    let clv = plan.wants(Analysis::Clv);
    let occasion_days = (clv && config.clv.counts_occasions()).then_some(config.clv.occasion_days);
    let mut requests = vec![SummaryRequest {
        as_of,
        label_until: None,
        occasion_days,
        daily: None,
        active_within_days: None,
        only: None,
        out: path.clone(),
    }];
    let horizon = config.churn.horizon_days;
    // P(alive) is learned from everyone; the eligible are picked afterwards.
    let needs_everyone = config.churn.features.iter().any(|f| f == "p_alive");
    let mut labelled_at = |cutoff: Day| {
        let out = folder.join(format!("labelled-{cutoff}.parquet"));
        requests.push(SummaryRequest {
            as_of: cutoff,
            label_until: Some(cutoff + horizon),
            occasion_days: None,
            daily: None,
            active_within_days: (!needs_everyone).then_some(config.churn.eligible_days),
            only: None,
            out: out.clone(),
        });
        LabelledTable { cutoff, path: out }
    };
    let labelled = if plan.wants(Analysis::Churn) && plan.mode == Mode::Fit {
        cutoffs(&config.churn, first, as_of).map(|c| Cutoffs {
            training: c.training.into_iter().map(&mut labelled_at).collect(),
            judged: labelled_at(c.judged),
        })
    } else {
        Err("churn was not asked for".to_owned())
    };
    let calibration = if clv && plan.mode == Mode::Fit {
        calibration_end(&config.clv, first, as_of).map(|end| {
            let calibration = Calibration {
                end,
                customers: folder.join("calibration.parquet"),
                daily: folder.join("daily.parquet"),
            };
            requests.push(SummaryRequest {
                as_of: end,
                label_until: Some(as_of),
                occasion_days,
                daily: Some(calibration.daily.clone()),
                active_within_days: None,
                only: None,
                out: calibration.customers.clone(),
            });
            calibration
        })
    } else {
        Err("CLV models are not fitted in this run".to_owned())
    };
    let pictures =
        if plan.wants(Analysis::Rfm) { earlier_days(&config.rfm, first, as_of) } else { Vec::new() };
    let pictures: Vec<Picture> = pictures
        .into_iter()
        .map(|as_of| Picture { as_of, path: folder.join(format!("picture-{as_of}.parquet")) })
        .collect();
    requests.extend(pictures.iter().map(|p| SummaryRequest {
        as_of: p.as_of,
        label_until: None,
        occasion_days: None,
        daily: None,
        active_within_days: None,
        only: Some(crate::analyses::rfm::columns(&config.rfm)),
        out: p.path.clone(),
    }));
    info!(dates = requests.len(), "summing customers");
    let net_returns = config.cleaning.returns == Returns::Net;
    let needed = Analysis::ALL.into_iter().any(|a| a.needs_orders() && plan.wants(a));
    let purchases = needed.then(|| PurchasesRequest { as_of, folder: folder.clone() });
    let stats = engine.summarise(&work.join("transactions"), net_returns, &requests, purchases.as_ref())?;
    record.customers = stats[0].customers;
    record.return_only_customers = stats[0].return_only;
    if stats[0].customers == 0 {
        return Err(PipelineError::NoCustomers { as_of });
    }
    let orders = purchases.map(|_| Orders::read(&folder, net_returns)).transpose()?;
    Ok(Tables { customers: Table::read(&path)?, labelled, calibration, pictures, orders })
}

/// Runs the analyses side by side and writes all tables; whether one failed.
fn analyse(
    plan: &Plan,
    work: &Path,
    as_of: Day,
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
        as_of,
        customers: &tables.customers,
        labelled: &tables.labelled,
        calibration: &tables.calibration,
        pictures: &tables.pictures,
        earlier,
        orders: tables.orders.as_ref(),
        base: &plan.base,
    };
    let results: Vec<_> = Analysis::ALL
        .into_par_iter()
        .with_max_len(1)
        .map(|analysis| {
            let start = Instant::now();
            let result = plan.wants(analysis).then(|| context.run(analysis));
            (analysis, start.elapsed().as_secs_f64(), result)
        })
        .collect();

    let metadata = metadata(record);
    let compression = plan.config.run.compression.into();
    let mut scores = BTreeMap::new();
    let mut any_failed = false;
    for (analysis, seconds, result) in results {
        let mut entry =
            AnalysisRecord { status: Status::Done, reason: None, model: None, report: None, seconds };
        match result {
            None => entry.status = Status::NotAsked,
            Some(Ok(done)) => {
                scores.insert(analysis.name(), done.columns);
                entry.report = Some(done.report);
                entry.model = analysis.has_model().then(|| format!("models/{}.json", analysis.name()));
                for (name, batch) in done.tables {
                    check_published(name, &batch)?;
                    write_table(&work.join(name), batch, compression, &metadata)?;
                }
            }
            Some(Err(NotDone::Broken(e))) => return Err(e),
            Some(Err(NotDone::Skipped(reason))) => {
                warn!(analysis = analysis.name(), "skipped: {reason}");
                any_failed |= plan.by_name;
                (entry.status, entry.reason) = (Status::Skipped, Some(reason));
            }
            Some(Err(NotDone::Failed(reason, report))) => {
                warn!(analysis = analysis.name(), "failed: {reason}");
                any_failed = true;
                (entry.status, entry.reason, entry.report) = (Status::Failed, Some(reason), report);
            }
        }
        record.analyses.insert(analysis.name().to_owned(), entry);
    }
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
        for (analysis, own) in SCORES {
            columns.extend_from_slice(own);
            // An analysis that was done gives all of its columns, or `assemble` says which are missing.
            match scores.remove(analysis) {
                Some(done) => arrays.extend(done),
                None => arrays.extend(
                    own.iter().map(|c| (c.name, new_null_array(&arrow_type(c.kind), customers.rows()))),
                ),
            }
        }
    }
    arrays.extend(scores.into_values().flatten());
    assemble("customers", &columns, arrays)
}

/// Whether a table has the schema that is published under the name of its file.
fn check_published(file: &str, batch: &RecordBatch) -> Result<(), PipelineError> {
    let columns = file.strip_suffix(".parquet").and_then(published);
    match columns.map(arrow_schema) {
        Some(schema) if schema == batch.schema() => Ok(()),
        Some(_) => Err(PipelineError::defect(file, "it is another table's schema")),
        None => Err(PipelineError::defect(file, "no table is published under this name")),
    }
}

/// What every published table says of its origin.
fn metadata(record: &RunRecord) -> Vec<(&'static str, String)> {
    let as_of = record.as_of.map(|d| d.to_string()).unwrap_or_default();
    vec![
        ("tillwise.run_id", record.run_id.clone()),
        ("tillwise.version", record.version.clone()),
        ("tillwise.as_of", as_of),
        ("tillwise.schema_version", SCHEMA_VERSION.to_string()),
    ]
}

/// Raised whenever a published column is renamed, retyped or removed.
const SCHEMA_VERSION: u32 = 2;

/// Writes `run.json`, and `report.html` from it.
fn write_record(work: &Path, record: &mut RunRecord) -> Result<(), PipelineError> {
    let mut files = Vec::new();
    list_files(work, work, &mut files)
        .map_err(|source| PipelineError::Write { path: work.to_owned(), source })?;
    files.extend(["run.json".to_owned(), "report.html".to_owned()]);
    files.sort();
    record.files = files;
    let broken = |e: serde_json::Error| PipelineError::defect("run.json", e);
    let value = serde_json::to_value(&*record).map_err(broken)?;
    let text = serde_json::to_string_pretty(record).map_err(broken)?;
    for (name, text) in [("run.json", text + "\n"), ("report.html", html(&value, work)?)] {
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
