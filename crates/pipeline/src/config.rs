//! The config file: what a user states, checked before anything runs.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tillwise_core::Day;
use tillwise_core::calendar::{Months, WeekStart};
use tillwise_mine::MineError;
use tillwise_mine::cohort::{Calendar, Length};
use tillwise_table::Compression;

pub use crate::analyses::Config;
use crate::history::Keep;
use crate::{Analysis, PipelineError};

/// Data-quality gates. A run that fails one publishes nothing and exits 3.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gates {
    /// Most of the rows that may be rejected, as a share.
    pub max_reject_share: f64,
    /// Rows of a file or a month of 20 rows or more that may be unreadable, as a share.
    pub max_unreadable_share: f64,
    /// Accepted rows, at least, as a share of the last run's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_rows_vs_last: Option<f64>,
    /// Days from the last accepted order to today, at most: is the export stale?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age_days: Option<i32>,
    /// What an alarm of `[drift]` does.
    pub drift: OnDrift,
}

/// See [`Gates::drift`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnDrift {
    /// It is told.
    #[default]
    Warn,
    /// Nothing is published.
    Fail,
}

impl Default for Gates {
    fn default() -> Self {
        Gates {
            max_reject_share: 0.5,
            max_unreadable_share: 0.5,
            min_rows_vs_last: None,
            max_age_days: None,
            drift: OnDrift::Warn,
        }
    }
}

/// Where, when, and what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Run {
    /// The output folder, relative to the config file.
    pub out: PathBuf,
    /// The day of the picture: `"last"` (the last accepted order's), `"last+1"`, or a date.
    pub as_of: AsOf,
    /// Whose months, quarters and years are meant wherever an analysis counts by them.
    pub calendar: Months,
    /// The day that weeks begin with.
    pub week_start: WeekStart,
    /// Where chance begins.
    pub seed: u64,
    /// The analyses to run.
    pub analyses: Vec<Analysis>,
    /// Memory that the run may take, such as `"1GB"`; lines that do not fit wait on disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_limit: Option<Size>,
    /// `"snappy"` or `"zstd"`.
    pub compression: Codec,
    /// Whether the run keeps its clean transactions.
    pub keep_transactions: bool,
}

impl Run {
    /// The calendar for periods of a length.
    ///
    /// # Errors
    /// If the month that years begin with is not within 1 to 12.
    pub fn calendar_of(&self, length: Length, fiscal_start: u8) -> Result<Calendar, MineError> {
        let calendar = Calendar::new(length, fiscal_start)?;
        Ok(Calendar { months: self.calendar, week_start: self.week_start, ..calendar })
    }
}

impl Default for Run {
    fn default() -> Self {
        Run {
            out: "out".into(),
            as_of: AsOf::Last(0),
            calendar: Months::Gregorian,
            week_start: WeekStart::Monday,
            seed: 20_111_209,
            analyses: Analysis::all().collect(),
            memory_limit: None,
            compression: Codec::Snappy,
            keep_transactions: true,
        }
    }
}

/// A value that stands in place of one in the config file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instead {
    /// The table and the key, such as `run.as_of`.
    pub key: String,
    /// The value, as TOML; text needs no quotes.
    pub value: String,
    /// Where it was said, for messages: a flag, or a variable of the environment.
    pub from: String,
}

/// What is kept of files that were read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// Which files count, and whether known ones are read again.
    pub files: Keep,
    /// Runs that are kept when a run is published, the newest of them; all without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_runs: Option<usize>,
    /// Days for which runs are kept however many there are, with `keep_runs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_days: Option<u32>,
}

/// The day of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// This many days after the last accepted order's day.
    Last(i32),
    /// A given day.
    Day(Day),
}

impl std::str::FromStr for AsOf {
    type Err = String;
    fn from_str(text: &str) -> Result<AsOf, String> {
        if let Some(rest) = text.strip_prefix("last") {
            let days =
                if rest.is_empty() { Some(0) } else { rest.strip_prefix('+').and_then(|d| d.parse().ok()) };
            if let Some(days) = days.filter(|d| (0..=365).contains(d)) {
                return Ok(AsOf::Last(days));
            }
        }
        let bad = |_| format!("`{text}` is neither a date such as 2011-12-09 nor \"last\" or \"last+1\"");
        text.parse().map(AsOf::Day).map_err(bad)
    }
}

impl std::fmt::Display for AsOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            AsOf::Last(0) => f.write_str("last"),
            AsOf::Last(days) => write!(f, "last+{days}"),
            AsOf::Day(day) => write!(f, "{day}"),
        }
    }
}

/// A size in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

impl std::str::FromStr for Size {
    type Err = String;
    fn from_str(text: &str) -> Result<Size, String> {
        let bad = || format!("`{text}` is not a size such as \"512MB\" or \"2GB\"");
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let unit = match text[digits..].trim().to_ascii_uppercase().as_str() {
            "B" | "" => 1.0,
            "KB" | "K" => 1e3,
            "MB" | "M" => 1e6,
            "GB" | "G" => 1e9,
            "KIB" => 1024.0,
            "MIB" => 1024.0 * 1024.0,
            "GIB" => 1024.0 * 1024.0 * 1024.0,
            _ => return Err(bad()),
        };
        let number: f64 = text[..digits].parse().map_err(|_| bad())?;
        let bytes = number * unit;
        if bytes >= 1e6 { Ok(Size(bytes as u64)) } else { Err(format!("`{text}` is less than a megabyte")) }
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}B", self.0)
    }
}

macro_rules! as_text {
    ($($t:ty),*) => {$(
        impl Serialize for $t {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $t {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}
as_text!(AsOf, Size);

/// See [`Run::compression`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// Read by every tool.
    #[default]
    Snappy,
    /// Smaller.
    Zstd,
}

impl From<Codec> for Compression {
    fn from(codec: Codec) -> Compression {
        match codec {
            Codec::Snappy => Compression::Snappy,
            Codec::Zstd => Compression::Zstd,
        }
    }
}

/// The word `"auto"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Auto {
    /// Chosen by the data.
    #[serde(rename = "auto")]
    Auto,
}

/// What is wrong with a value of the config.
pub(crate) fn wrong(key: &str, problem: String) -> PipelineError {
    PipelineError::Setting { key: key.to_owned(), problem }
}

/// An error unless a value is as it must be.
pub(crate) fn range(key: &str, ok: bool, must: &str, got: String) -> Result<(), PipelineError> {
    if ok { Ok(()) } else { Err(wrong(key, format!("must be {must}, but is {got}"))) }
}

/// Columns of the customer table that hold a text beside the id.
pub(crate) fn is_text(name: &str) -> bool {
    tillwise_core::schema::MODES.iter().any(|mode| name.strip_prefix("top_") == Some(mode))
}

/// Columns of the customer table whose unit is the money's.
pub(crate) fn is_money(name: &str) -> bool {
    const MONEY: [&str; 6] =
        ["gross_revenue", "returns_value", "net_revenue", "cost", "avg_order_value", "mean_repeat_spend"];
    MONEY.contains(&name) || name.starts_with("net_revenue_")
}

/// Features of churn that are computed from columns of the customer table.
pub(crate) const COMPUTED: [&str; 5] =
    ["orders_trend", "revenue_trend", "returns_share", "lines_per_order", "p_alive"];

/// Whether a churn model can ask for it of a customer table.
pub(crate) fn is_churn_feature(name: &str) -> bool {
    is_feature(name) || is_text(name) || is_computed(name)
}

fn is_computed(name: &str) -> bool {
    COMPUTED.contains(&name)
}

/// Columns of the customer table that are numbers, and so can be features.
pub(crate) fn is_feature(name: &str) -> bool {
    use tillwise_core::schema::{Kind, SUMMARY};
    name == "lateness"
        || SUMMARY.iter().any(|c| c.name == name && matches!(c.kind, Kind::Int32 | Kind::Int64 | Kind::Float))
}

impl Config {
    /// Reads and checks a config file.
    ///
    /// # Errors
    /// If it cannot be read, is not TOML, has an unknown key (the nearest known one is named), or a value
    /// is out of range.
    pub fn read(path: &Path) -> Result<Config, PipelineError> {
        let failed = |source| PipelineError::ReadConfig { path: path.to_owned(), source };
        if !fs::metadata(path).map_err(failed)?.is_file() {
            return Err(failed(std::io::Error::other("it is not a file")));
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        if let Some((i, open)) =
            text.lines().enumerate().find(|(_, l)| l.trim_start().starts_with("# FILL IN "))
        {
            let what = open.trim_start().trim_start_matches("# FILL IN ");
            return Err(PipelineError::MalformedConfig {
                path: path.to_owned(),
                line: i + 1,
                message: format!("something is still to be filled in: {what}"),
            });
        }
        let config: Config = toml::from_str(&text).map_err(|e| malformed(path, &text, &e))?;
        config.check()?;
        Ok(config)
    }

    /// Reads a config file, and puts other values in place of some of its own; later ones win.
    ///
    /// # Errors
    /// Those of [`Config::read`], and if a value or its key does not fit.
    pub fn read_with(path: &Path, instead: &[Instead]) -> Result<Config, PipelineError> {
        let mut config = Config::read(path)?;
        for one in instead {
            let (table, key) = one
                .key
                .split_once('.')
                .ok_or_else(|| wrong(&one.from, format!("`{}` is not a key such as run.as_of", one.key)))?;
            // As TOML has it; what is no TOML, or does not fit as such, is text.
            let typed = toml::from_str::<toml::Table>(&format!("v = {}", one.value)).ok();
            let typed = typed.and_then(|mut t| t.remove("v"));
            let text = toml::Value::String(one.value.clone());
            let set = |value: toml::Value| {
                let mut all = toml::Table::try_from(&config).map_err(|e| e.to_string())?;
                let own = all.entry(table).or_insert_with(|| toml::Table::new().into());
                own.as_table_mut().ok_or("it is no table")?.insert(key.to_owned(), value);
                Config::deserialize(all).map_err(|e| e.message().trim().to_owned())
            };
            config = match typed.map(set) {
                Some(Ok(config)) => config,
                Some(Err(problem)) => set(text).map_err(|_| wrong(&one.from, problem))?,
                None => set(text).map_err(|problem| wrong(&one.from, problem))?,
            };
        }
        config.check()?;
        Ok(config)
    }

    /// Checks every value that can be checked without the data.
    ///
    /// # Errors
    /// If one is out of range.
    pub fn check(&self) -> Result<(), PipelineError> {
        let g = &self.gates;
        range(
            "[gates] max_reject_share",
            (0.0..=1.0).contains(&g.max_reject_share),
            "within 0 to 1",
            g.max_reject_share.to_string(),
        )?;
        range(
            "[gates] max_unreadable_share",
            (0.0..=1.0).contains(&g.max_unreadable_share),
            "within 0 to 1",
            g.max_unreadable_share.to_string(),
        )?;
        if let Some(share) = g.min_rows_vs_last {
            range("[gates] min_rows_vs_last", share >= 0.0, "at least 0", share.to_string())?;
        }
        if let Some(days) = g.max_age_days {
            range("[gates] max_age_days", days >= 0, "at least 0", days.to_string())?;
        }
        range(
            "[run] analyses",
            !self.run.analyses.is_empty(),
            &format!("a list of {}", Analysis::names()),
            "empty".into(),
        )?;
        self.check_analyses()
    }
}

/// Checks a list of features: there are some, each is known, and none stands twice.
pub(crate) fn check_features(
    key: &str,
    features: &[String],
    is_known: fn(&str) -> bool,
) -> Result<(), PipelineError> {
    range(key, !features.is_empty(), "a list of columns", "empty".into())?;
    for (i, f) in features.iter().enumerate() {
        if !is_known(f) {
            let near = nearest_feature(f);
            return Err(wrong(key, format!("`{f}` is not a number in the customer table{near}")));
        }
        range(key, !features[..i].contains(f), "different columns", format!("`{f}` twice"))?;
    }
    Ok(())
}

fn nearest_feature(name: &str) -> String {
    let known = tillwise_core::schema::SUMMARY.iter().map(|c| c.name).filter(|n| is_feature(n));
    nearest(name, known.chain(["lateness"]).chain(COMPUTED))
        .map(|n| format!("; did you mean `{n}`?"))
        .unwrap_or_default()
}

pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|k| (strsim::jaro_winkler(name, k), k))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, k)| k)
}

fn malformed(path: &Path, text: &str, error: &toml::de::Error) -> PipelineError {
    let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    let mut message = error.message().to_owned();
    // serde's own words: "unknown field `x`, expected one of `a`, `b`".
    if let Some(rest) = message.strip_prefix("unknown field `") {
        let mut quoted = rest.split('`');
        let key = quoted.next().unwrap_or_default().to_owned();
        let known: Vec<&str> = quoted.skip(1).step_by(2).collect();
        let hint = match nearest(&key, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known keys are {}", known.join(", ")),
        };
        message = format!("unknown key `{key}`; {hint}");
    }
    PipelineError::MalformedConfig { path: path.to_owned(), line, message }
}
