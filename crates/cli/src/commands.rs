//! One function a command.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Component, Path, PathBuf};

use tillwise_core::{shown, Engine};
use tillwise_engine_polars::PolarsEngine;
use tillwise_ingest::inspect::{self, Answers};
use tillwise_ingest::InputFile;
use tillwise_pipeline::{
    run as carry_out, save_rejected, Analysis, Config, Mode, Outcome, PipelineError, Plan, Until,
};
use tillwise_simulate::{write_shop, Shop};

use crate::args::{Common, Demo, Init, Only, Rejects, Run, Score, Segments, Stage};
use crate::{ask, config, config_text, restart, summary};
use tillwise_mine::rfm::{SegmentMap, PRESETS};

/// How a command ended that did not fail.
pub enum Ended {
    Done,
    ModelFailed,
    NothingNew,
}

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    Usage(String),
    Pipeline(PipelineError),
    Write(PathBuf, io::Error),
    Print(io::Error),
}

impl<E: Into<PipelineError>> From<E> for Failure {
    fn from(e: E) -> Failure {
        Failure::Pipeline(e.into())
    }
}

/// Says on stderr what went wrong.
pub fn complain(failure: &Failure) {
    let message = match failure {
        Failure::Usage(message) => message.clone(),
        Failure::Pipeline(e) => e.to_string(),
        Failure::Write(path, e) => format!("cannot write {}: {e}", path.display()),
        Failure::Print(e) => format!("cannot write to stdout: {e}"),
    };
    // If stderr is gone, there is nobody to tell.
    let _ = writeln!(io::stderr(), "error: {}", shown(&message));
}

pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(shown(text).as_bytes()).and_then(|()| out.flush()).map_err(Failure::Print)
}

/// Prints what was published. It is in place whether or not it can be told, so a failure is only complained of.
pub fn print_published(text: &str) {
    match print(text) {
        Err(Failure::Print(e)) if e.kind() == io::ErrorKind::BrokenPipe => {}
        Err(failure) => complain(&failure),
        Ok(()) => {}
    }
}

pub fn init(init: &Init) -> Result<Ended, Failure> {
    let mut answers =
        Answers { columns: init.column.iter().cloned().collect(), currency: init.currency.clone() };
    let may_ask = !init.yes && io::stdin().is_terminal() && io::stdout().is_terminal();
    let text = propose(&init.files, &init.output, init.force, &mut answers, may_ask)?;
    print(&text)?;
    Ok(Ended::Done)
}

/// Writes a config for the files; returns what to tell the user.
fn propose(
    files: &[PathBuf],
    output: &Path,
    force: bool,
    answers: &mut Answers,
    may_ask: bool,
) -> Result<String, Failure> {
    if output.exists() && !force {
        return Err(Failure::Usage(format!(
            "{} exists already; name another with -o, or replace it with --force",
            output.display()
        )));
    }
    if let Some(odd) = files.iter().find(|f| f.to_str().is_none()) {
        return Err(Failure::Usage(format!(
            "the name of {} is not UTF-8, so no config can hold it; rename the file",
            odd.display()
        )));
    }
    let (mut inputs, mut left) = (Vec::new(), Vec::new());
    for file in files {
        let (unzipped, others) =
            InputFile { name: file.display().to_string(), path: file.clone() }.unzipped()?;
        inputs.extend(unzipped);
        left.extend(others.iter().map(|other| format!("{}/{other}", file.display())));
    }
    let mut proposal = inspect::inspect(&inputs, answers)?;
    if !left.is_empty() {
        proposal.notes.push(format!("not read, for they hold no tables: {}", left.join(", ")));
    }
    let mut declined = Vec::new();
    let mut asked = |proposal: &inspect::Proposal, answers: &mut Answers| {
        let (mut input, mut output) = (io::stdin().lock(), io::stdout());
        ask::ask(proposal, &mut declined, answers, &mut input, &mut output).map_err(Failure::Print)
    };
    while may_ask && asked(&proposal, answers)? {
        proposal = inspect::inspect(&inputs, answers)?;
    }
    let folder = output.parent().unwrap_or(Path::new(""));
    proposal.input.files = proposal.files.iter().map(|i| relative_to(&inputs[*i].path, folder)).collect();
    for join in &mut proposal.input.join {
        join.file = relative_to(Path::new(&join.file), folder);
    }
    proposal.input.file = std::mem::take(&mut proposal.input.file)
        .into_iter()
        .map(|(name, different)| (relative_to(Path::new(&name), folder), different))
        .collect();
    let kept = keep_edited(output)?;
    let text = config_text::config_text(&proposal);
    let signed = format!("{}{}\n{text}", SIGNED, tillwise_pipeline::hash_text(&text));
    fs::write(output, signed).map_err(|e| Failure::Write(output.to_owned(), e))?;
    let kept = kept.map(|k| format!("The edited config is kept as {}\n", k.display())).unwrap_or_default();
    Ok(kept + &config_text::findings(&proposal, output))
}

/// How a config begins that `init` wrote; a hash of what follows comes next.
const SIGNED: &str = "# tillwise init ";

/// Puts a config aside that somebody has edited; where it is now.
fn keep_edited(output: &Path) -> Result<Option<PathBuf>, Failure> {
    let Ok(text) = fs::read_to_string(output) else { return Ok(None) };
    let own = text.strip_prefix(SIGNED).and_then(|rest| rest.split_once('\n'));
    if own.is_some_and(|(hash, rest)| hash == tillwise_pipeline::hash_text(rest)) {
        return Ok(None);
    }
    let mut number = 1;
    let kept = loop {
        let free = output.with_extension(format!("toml.{number}"));
        if !free.exists() {
            break free;
        }
        number += 1;
    };
    fs::rename(output, &kept).map_err(|e| Failure::Write(kept.clone(), e))?;
    Ok(Some(kept))
}

/// A path as it must stand in a config in `folder`.
fn relative_to(file: &Path, folder: &Path) -> String {
    if folder.as_os_str().is_empty() || file.is_absolute() {
        return file.display().to_string();
    }
    // A file within a zip has no path of its own.
    let there = file.ancestors().find(|f| f.exists()).unwrap_or(file);
    let within = file.strip_prefix(there).unwrap_or(Path::new(""));
    let (Ok(there), Ok(base)) = (there.canonicalize(), folder.canonicalize()) else {
        return file.display().to_string();
    };
    let full = if within.as_os_str().is_empty() { there } else { there.join(within) };
    let shared = full.components().zip(base.components()).take_while(|(a, b)| a == b).count();
    // Two folders that share nothing but the root are not moved together.
    if shared < 2 && base.components().count() > 1 {
        return full.display().to_string();
    }
    let up = base.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(full.components().skip(shared)).collect::<PathBuf>().display().to_string()
}

pub fn demo(demo: &Demo) -> Result<Ended, Failure> {
    let shop = Shop { customers: demo.customers as usize, seed: demo.seed, ..Shop::default() };
    fs::create_dir_all(&demo.out).map_err(|e| Failure::Write(demo.out.clone(), e))?;
    let (orders, config) = (demo.out.join("orders.csv"), demo.out.join("tillwise.toml"));
    let write = |e| Failure::Write(orders.clone(), e);
    let mut file = BufWriter::new(fs::File::create(&orders).map_err(write)?);
    let rows = write_shop(&shop, &mut file).and_then(|rows| file.flush().map(|()| rows)).map_err(write)?;
    print(&format!(
        "Simulated a shop of {} customers: {rows} rows in {}\n\n",
        shop.customers,
        orders.display()
    ))?;
    print(&propose(&[orders], &config, true, &mut Answers::default(), false)?)?;
    if demo.export_only {
        return Ok(Ended::Done);
    }
    print("\n")?;
    let common = Common { config, out: None, as_of: None, set: Vec::new() };
    run(&Run {
        common,
        only: Vec::new(),
        force: true,
        dry_run: false,
        full_refresh: false,
        as_known_on: None,
    })
}

pub fn run(run: &Run) -> Result<Ended, Failure> {
    let mut plan = plan(&run.common)?;
    if !run.only.is_empty() {
        plan.config.run.analyses.clone_from(&run.only);
        plan.by_name = true;
    }
    plan.force = run.force || run.full_refresh;
    plan.full_refresh = run.full_refresh;
    plan.as_known_on = run.as_known_on;
    if run.dry_run {
        return config::dry_run(&plan);
    }
    finish(&plan)
}

pub fn score(score: &Score) -> Result<Ended, Failure> {
    if !score.models.is_dir() {
        return Err(Failure::Usage(format!(
            "there is no folder {}; a run's models lie in its `models` folder",
            score.models.display()
        )));
    }
    let mut plan = plan(&score.common)?;
    let there = |a: &Analysis| score.models.join(format!("{}.json", a.name)).exists();
    if !plan.config.run.analyses.iter().any(there) {
        return Err(Failure::Usage(format!(
            "{} holds none of the models; a run's lie in its `models` folder",
            score.models.display()
        )));
    }
    plan.mode = Mode::Score { models: score.models.clone() };
    plan.force = score.force;
    finish(&plan)
}

pub fn rejects(rejects: &Rejects) -> Result<Ended, Failure> {
    let plan = plan(&rejects.common)?;
    let saved = save_rejected(&plan.config, &plan.base, &rejects.output, &rejects.reason)?;
    let reasons: Vec<String> = saved.reasons.iter().map(|(reason, n)| format!("{reason} {n}")).collect();
    let output = rejects.output.display();
    let said = format!(
        "Wrote {output}: {} rows, {}\nMend them, name the file in [input] files beside the export, and put this into the config:\n\n\
         [input.file.{}]\n{}",
        saved.rows,
        reasons.join(", "),
        config_text::quoted(&output.to_string()),
        saved.different
    );
    print(&said)?;
    Ok(Ended::Done)
}

pub fn segments(segments: &Segments) -> Result<Ended, Failure> {
    let Some(name) = &segments.map else {
        let list: String =
            PRESETS.iter().map(|(name, bins, what)| format!("{name:<16}{bins} bins  {what}\n")).collect();
        print(&format!(
            "{list}\nUse one with segments = \"NAME\" under [rfm]; see it with: tillwise segments NAME\n"
        ))?;
        return Ok(Ended::Done);
    };
    let (map, bins) = match PRESETS.iter().find(|p| p.0 == name) {
        Some((_, bins, _)) => (SegmentMap::preset(name).unwrap_or_default(), [*bins; 3]),
        None if Path::new(name).exists() => {
            let settings = Config::read(Path::new(name))?.rfm.settings()?;
            (settings.segments, settings.scoring.bins.each())
        }
        None => {
            let known: Vec<&str> = PRESETS.iter().map(|p| p.0).collect();
            return Err(Failure::Usage(format!(
                "there is no map and no config file `{name}`; maps are {}",
                known.join(", ")
            )));
        }
    };
    let mut toml = String::from("[rfm]\n");
    let _ = writeln!(toml, "bins = {bins:?}");
    if map.first_match {
        let _ = writeln!(toml, "first_match = true");
    }
    if let Some(other) = &map.other {
        let _ = writeln!(toml, "other = {}", config_text::quoted(other));
    }
    let _ = writeln!(toml, "segments = [");
    for s in &map.segments {
        let mut keys = vec![format!("name = {}", config_text::quoted(&s.name))];
        for (key, bounds) in [("r", s.r), ("f", s.f), ("m", s.m), ("fm", s.fm)] {
            keys.extend(bounds.map(|b| format!("{key} = {b:?}")));
        }
        if !s.codes.is_empty() {
            keys.push(format!("codes = {:?}", s.codes));
        }
        let _ = writeln!(toml, "    {{ {} }},", keys.join(", "));
    }
    print(&format!("{}\n{toml}]\n", map.draw(bins)))?;
    Ok(Ended::Done)
}

pub fn stage(stage: &Stage, name: &str, until: Until) -> Result<Ended, Failure> {
    let mut plan = plan(&stage.common)?;
    plan.stage = Some(name.to_owned());
    plan.until = until;
    finish(&plan)
}

pub fn only(only: &Only) -> Result<Ended, Failure> {
    let mut plan = plan(&only.stage.common)?;
    plan.stage = Some(only.analysis.name.to_owned());
    plan.config.run.analyses = vec![only.analysis];
    plan.by_name = true;
    finish(&plan)
}

pub fn plan(common: &Common) -> Result<Plan, Failure> {
    let mut config = Config::read_with(&common.config, &config::instead(&common.set))?;
    let base = common.config.parent().map(Path::to_owned).unwrap_or_default();
    if let Some(out) = &common.out {
        // Named on the command line, it is relative to where the command was typed.
        let here = std::env::current_dir().map_err(|e| Failure::Write(out.clone(), e))?;
        config.run.out = here.join(out);
    }
    if let Some(as_of) = common.as_of {
        config.run.as_of = as_of;
    }
    Ok(Plan {
        config,
        base,
        mode: Mode::Fit,
        until: Until::Analyses,
        by_name: false,
        stage: None,
        force: false,
        full_refresh: false,
        as_known_on: None,
    })
}

fn finish(plan: &Plan) -> Result<Ended, Failure> {
    if plan.config.run.memory_limit.is_some() {
        restart::returning_memory_at_once();
    }
    let engine = PolarsEngine { memory_limit: plan.config.run.memory_limit.map(|s| s.0) };
    match carry_out(plan, &engine as &dyn Engine)? {
        Outcome::Finished(finished) => {
            let text = summary::summary(&finished)?;
            print_published(&format!("{text}{}\n", summary::json(&finished)));
            Ok(if finished.models_failed { Ended::ModelFailed } else { Ended::Done })
        }
        Outcome::Published { folder, run_id, moved } => {
            let said = if moved {
                "This run, of the same files and config, was published before; `current` leads to it again. --force runs it again."
            } else {
                "Nothing new: this run, of the same files and config, is published already. --force runs it again."
            };
            let json = summary::published_json(&folder, &run_id, moved);
            print_published(&format!("{said}\n{json}\n"));
            Ok(if moved { Ended::Done } else { Ended::NothingNew })
        }
    }
}
