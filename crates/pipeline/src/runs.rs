//! Runs that are published: listed, shown, set side by side, and pruned.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tillwise_core::Day;
use tillwise_report::{Cell, Section};
use tillwise_store::{Output, hash_file, id_of, runs};
use tillwise_table::Table;

use crate::config::wrong;
use crate::schema::score_columns;
use crate::{PipelineError, history};

/// A run that is published.
#[derive(Clone, Debug)]
pub struct Published {
    /// Its id.
    pub run_id: String,
    /// The day of the picture.
    pub as_of: Day,
    /// Its folder.
    pub folder: PathBuf,
    /// Whether `current` leads to it.
    pub is_current: bool,
    record: Value,
}

impl Published {
    fn count(&self, path: &str) -> f64 {
        self.record.pointer(path).and_then(Value::as_f64).unwrap_or(f64::NAN)
    }

    /// How long a run of files of such a size would take, if it took as long as this one for its own.
    pub(crate) fn seconds_for(&self, bytes: u64) -> Option<f64> {
        let own: f64 = self.record["inputs"].as_array()?.iter().filter_map(|i| i["bytes"].as_f64()).sum();
        let seconds = self.record["seconds"]["total"].as_f64()?;
        (own > 0.0).then(|| seconds * bytes as f64 / own)
    }

    fn name(&self) -> String {
        format!("{} {}", self.as_of, self.run_id)
    }
}

/// Every published run of an output folder, the latest day first, and on one day the latest made first.
///
/// # Errors
/// If the record of one cannot be read.
pub fn published(out: &Path) -> Result<Vec<Published>, PipelineError> {
    let current = out.join("current").canonicalize().ok();
    let one = |(as_of, folder): (Day, PathBuf)| {
        let path = folder.join("run.json");
        let text = fs::read_to_string(&path)
            .map_err(|e| PipelineError::Damaged { path: path.clone(), of: e.to_string() })?;
        let record = serde_json::from_str(&text)
            .map_err(|e| PipelineError::Damaged { path: path.clone(), of: e.to_string() })?;
        Ok(Published {
            run_id: id_of(&folder).unwrap_or_default().to_owned(),
            as_of,
            is_current: current.is_some() && folder.canonicalize().ok() == current,
            folder,
            record,
        })
    };
    runs(out).into_iter().map(one).collect()
}

/// The run that a name means: an id or its beginning, a day, or `current`.
///
/// # Errors
/// If none or more than one is meant.
pub fn find(out: &Path, name: &str) -> Result<Published, PipelineError> {
    let all = published(out)?;
    let is_it = |run: &&Published| match name {
        "current" => run.is_current,
        _ => run.run_id == name || run.as_of.to_string() == name,
    };
    // Of one day the latest made is meant.
    if let Some(run) = all.iter().find(is_it) {
        return Ok(run.clone());
    }
    let beginning: Vec<&Published> = all.iter().filter(|run| run.run_id.starts_with(name)).collect();
    match beginning.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(wrong(
            name,
            format!("no run in {} has this id or day; `tillwise runs list` shows them", out.display()),
        )),
        more => Err(wrong(name, format!("{} runs begin so; say more of the id", more.len()))),
    }
}

/// The runs as a table.
pub fn list(runs: &[Published]) -> Section {
    let mut section = Section::new("runs");
    let row = |run: &Published| {
        let made = run.record["started_at"].as_u64().unwrap_or(0);
        [
            Cell::text(&run.run_id),
            Cell::Day(run.as_of),
            Cell::Day(Day((made / 86_400) as i32)),
            Cell::text(run.record["mode"].as_str().unwrap_or_default()),
            Cell::Count(run.count("/quality/rows_accepted")),
            Cell::Count(run.count("/customers")),
            Cell::Number(run.count("/seconds/total"), 1),
            if run.is_current { Cell::word("current") } else { Cell::Blank },
        ]
    };
    let heads = ["run", "as_of", "made_on", "mode", "accepted_rows", "customers", "seconds", "is_current"];
    section.grid(heads, usize::MAX, runs.iter().map(row));
    section
}

/// What one run did.
pub fn show(run: &Published) -> Vec<Section> {
    let mut about = Section::new("runs");
    let text = |path: &str| Cell::text(run.record.pointer(path).and_then(Value::as_str).unwrap_or_default());
    about.grid(
        ["item", "value"],
        usize::MAX,
        [
            ("run", Cell::text(&run.run_id)),
            ("as_of", Cell::Day(run.as_of)),
            ("version", text("/version")),
            ("mode", text("/mode")),
            ("folder", Cell::text(run.folder.display().to_string())),
            ("input_files", Cell::count(run.record["inputs"].as_array().map_or(0, Vec::len))),
            ("rows_read", Cell::Count(run.count("/quality/rows_read"))),
            ("accepted_rows", Cell::Count(run.count("/quality/rows_accepted"))),
            ("rejected_rows", Cell::Count(run.count("/quality/rows_rejected"))),
            ("customers", Cell::Count(run.count("/customers"))),
            ("seconds", Cell::Number(run.count("/seconds/total"), 1)),
        ]
        .map(|(name, value)| [Cell::word(name), value]),
    );
    let mut analyses = Section::new("runs");
    let done = run.record["analyses"].as_object().into_iter().flatten();
    analyses.grid(
        ["analysis", "status", "seconds", "reason"],
        usize::MAX,
        done.map(|(name, a)| {
            let text = |key: &str| Cell::text(a[key].as_str().unwrap_or_default());
            [
                Cell::text(name),
                text("status"),
                Cell::Number(a["seconds"].as_f64().unwrap_or(0.0), 2),
                text("reason"),
            ]
        }),
    );
    vec![about, analyses]
}

/// Two runs side by side: rows, segments, scores and models.
///
/// # Errors
/// If a table of one cannot be read.
pub fn diff(a: &Published, b: &Published) -> Result<Vec<Section>, PipelineError> {
    let mut rows = Section::new("runs");
    let counts = [
        ("rows_read", "/quality/rows_read"),
        ("accepted_rows", "/quality/rows_accepted"),
        ("rejected_rows", "/quality/rows_rejected"),
        ("gross_revenue", "/quality/gross_revenue"),
        ("returned", "/quality/returns_value"),
        ("customers", "/customers"),
    ];
    let heads = ["item", "before", "after", "difference"];
    let both = |name: Cell, before: f64, after: f64| {
        [name, Cell::Count(before), Cell::Count(after), Cell::Count(after - before)]
    };
    rows.say("runs_compared", vec![("before", Cell::text(a.name())), ("after", Cell::text(b.name()))]);
    rows.grid(
        heads,
        usize::MAX,
        counts.map(|(name, path)| both(Cell::word(name), a.count(path), b.count(path))),
    );
    let tables = [a, b].map(|run| run.folder.join("customers.parquet"));
    let mut sections = vec![rows];
    if tables.iter().all(|path| path.is_file()) {
        sections.extend(customers(&Table::read(&tables[0])?, &Table::read(&tables[1])?)?);
    }
    let mut models = Section::new("runs");
    let names: BTreeSet<String> = [a, b].iter().flat_map(|run| models_of(&run.folder)).collect();
    let mut lines = Vec::new();
    for name in names {
        let hash = |run: &Published| hash_file(&run.folder.join("models").join(&name)).ok().map(|h| h.0);
        let how = match (hash(a), hash(b)) {
            (Some(x), Some(y)) if x == y => "the_same",
            (Some(_), Some(_)) => "another",
            (None, _) => "new",
            (_, None) => "gone",
        };
        let stem = name.trim_end_matches(".json");
        let of = |run: &Published| {
            let report = &run.record["analyses"][stem]["report"];
            Cell::text(["model", "method"].iter().find_map(|k| report[k].as_str()).unwrap_or_default())
        };
        lines.push([Cell::text(stem), Cell::word(how), of(a), of(b)]);
    }
    models.grid(["model", "file", "before", "after"], usize::MAX, lines);
    sections.push(models);
    Ok(sections)
}

fn models_of(run: &Path) -> Vec<String> {
    let entries = fs::read_dir(run.join("models")).into_iter().flatten().flatten();
    entries.filter_map(|e| e.file_name().into_string().ok()).filter(|n| n.ends_with(".json")).collect()
}

/// Customers who came and went, segments, and how far scores moved.
fn customers(before: &Table, after: &Table) -> Result<Vec<Section>, PipelineError> {
    let place: BTreeMap<&str, usize> =
        before.texts("customer_id")?.into_iter().enumerate().map(|(i, id)| (id, i)).collect();
    let ids = after.texts("customer_id")?;
    // Rows of those who are in both.
    let shared: Vec<(usize, usize)> =
        ids.iter().enumerate().filter_map(|(i, id)| Some((*place.get(id)?, i))).collect();
    let mut people = Section::new("runs");
    people.say(
        "runs_customers",
        vec![
            ("shared", Cell::count(shared.len())),
            ("new", Cell::count(ids.len() - shared.len())),
            ("gone", Cell::count(place.len() - shared.len())),
        ],
    );
    let (mut words, mut numbers) = (Vec::new(), Vec::new());
    for column in score_columns().map(|c| c.name) {
        let (Ok(x), Ok(y)) = (before.array(column), after.array(column)) else { continue };
        // A mean of ids says nothing.
        if x.data_type() != y.data_type() || column.ends_with("_id") {
            continue;
        }
        if let (Ok(x), Ok(y)) = (before.f64s(column), after.f64s(column)) {
            let known: Vec<f64> =
                shared.iter().map(|(i, j)| y[*j] - x[*i]).filter(|d| d.is_finite()).collect();
            if known.is_empty() {
                continue;
            }
            let mean = |of: &[f64]| {
                let known: Vec<f64> = of.iter().copied().filter(|v| v.is_finite()).collect();
                known.iter().sum::<f64>() / known.len().max(1) as f64
            };
            let moved = known.iter().map(|d| d.abs()).sum::<f64>() / known.len() as f64;
            let cells = [mean(&x), mean(&y), moved].map(|v| Cell::Number(v, 3));
            let [x, y, moved] = cells;
            numbers.push([Cell::text(column), x, y, moved, Cell::count(known.len())]);
        } else if column.ends_with("_segment") {
            let (x, y) = (before.texts(column)?, after.texts(column)?);
            let names: BTreeSet<&str> = x.iter().chain(&y).copied().collect();
            let of = |all: &[&str], name: &str| all.iter().filter(|n| **n == name).count() as f64;
            for name in names {
                let (x, y) = (of(&x, name), of(&y, name));
                words.push([Cell::text(name), Cell::Count(x), Cell::Count(y), Cell::Count(y - x)]);
            }
        }
    }
    let mut segments = Section::new("runs");
    segments.grid(["segment", "before", "after", "difference"], usize::MAX, words);
    let mut scores = Section::new("runs");
    scores.grid(["score", "mean_before", "mean_after", "mean_move", "customers"], usize::MAX, numbers);
    Ok(vec![people, segments, scores])
}

/// What was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Runs.
    pub runs: Vec<String>,
    /// Versions of the store that nothing asks for any more.
    pub versions: usize,
    /// Folders of files that no version names.
    pub files: usize,
}

/// Removes all runs but the newest `keep`, those that are younger than so many days, and the one that `current` leads to; and the
/// versions of the store that are older.
///
/// # Errors
/// If another run works in the folder, or something cannot be removed.
pub fn prune(out: &Path, keep: usize, days: Option<u32>) -> Result<Pruned, PipelineError> {
    let output = Output::open(out)?;
    prune_open(&output, keep, days)
}

/// The same in a folder that is open.
///
/// # Errors
/// If something cannot be removed.
pub fn prune_open(output: &Output, keep: usize, days: Option<u32>) -> Result<Pruned, PipelineError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let mut all = published(output.root())?;
    let made = |run: &Published| run.record["started_at"].as_u64().unwrap_or(0);
    all.sort_by_key(|run| std::cmp::Reverse(made(run)));
    let is_young =
        |run: &Published| days.is_some_and(|d| now.saturating_sub(made(run)) < u64::from(d) * 86_400);
    let mut pruned = Pruned::default();
    for run in all.iter().skip(keep.max(1)).filter(|run| !run.is_current && !is_young(run)) {
        output.remove_run(&run.folder)?;
        pruned.runs.push(run.run_id.clone());
    }
    (pruned.versions, pruned.files) =
        history::prune(output, keep, days.map(|d| now.saturating_sub(u64::from(d) * 86_400)))?;
    Ok(pruned)
}
