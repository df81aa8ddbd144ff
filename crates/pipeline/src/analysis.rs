//! What an analysis promises, so that everything else can treat all of them alike.
//!
//! An analysis *needs* customer tables and orders, *runs* (fits a model or takes a kept one, scores, makes its tables),
//! and *tells* what it found. [`crate::analyses::ALL`] lists them. `ANALYSES.md` beside this crate shows how to add one.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tillwise_core::Day;
use tillwise_core::schema::{Column, PublishedTable};

use crate::analyses::{ALL, Context, Done};
use crate::charts::ChartOf;
use crate::{Config, NotDone, PipelineError};

/// One analysis, and what it promises: its folder under `analyses/` holds everything that is its own.
#[derive(Clone, Copy)]
pub struct Analysis {
    /// Its name in configs, commands and files, such as `rfm`.
    pub name: &'static str,
    /// What its command does, in a line of help.
    pub about: &'static str,
    /// Its table of the config, key by key with defaults and comments, as the manual shows it.
    pub manual: &'static str,
    /// The keys that `init` writes into a new config.
    pub proposes: &'static [&'static str],
    /// The tables that it publishes.
    pub tables: &'static [PublishedTable],
    /// Pictures of its tables.
    pub charts: &'static [ChartOf],
    /// The columns that it adds to `customers.parquet`.
    pub scores: &'static [Column],
    /// Whether it keeps a model, in `models/NAME.json`; the others describe what is there.
    pub has_model: bool,
    /// Files beside the export that it reads, each with the key of the config that names it.
    pub files: fn(&Config) -> Vec<(&'static str, &Path)>,
    /// Whether it looks at the model of the last run of an earlier day.
    pub looks_back: fn(&Config) -> bool,
    /// What it asks of the engine beside today's customer table.
    pub needs: fn(&Ask<'_>) -> Needs,
    /// Does it. The error says that the data cannot carry it, that a model did not converge, or that the run cannot go on.
    pub run: fn(&Context<'_>) -> Result<Done, NotDone>,
}

/// What an analysis may go by when it says what it needs.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The config.
    pub config: &'a Config,
    /// Whether models are fitted in this run.
    pub fits: bool,
    /// The day of the first order.
    pub first: Day,
    /// The day of the picture.
    pub as_of: Day,
}

/// What an analysis asks of the engine beside today's customer table.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// Customer tables of other days.
    pub tables: Vec<CustomerTable>,
    /// Whether it looks at orders and what is in them.
    pub orders: bool,
    /// The days of an occasion, if today's table is to count occasions.
    pub occasion_days: Option<i32>,
}

/// A customer table of an earlier day. The same words that ask for it find it again: [`Context::table`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerTable {
    /// The day of its picture; nothing later is seen but by the label.
    pub as_of: Day,
    /// Adds what was ordered from then on to this day.
    pub label_until: Option<Day>,
    /// Adds occasions of so many days.
    pub occasion_days: Option<i32>,
    /// Whether order days are counted day by day too: [`Context::daily`].
    pub daily: bool,
    /// Only customers with an order in this many days before.
    pub active_within_days: Option<i32>,
    /// The only columns to make; `None` makes all.
    pub only: Option<Vec<&'static str>>,
}

impl CustomerTable {
    /// The whole table of a day.
    pub fn of(as_of: Day) -> CustomerTable {
        CustomerTable {
            as_of,
            label_until: None,
            occasion_days: None,
            daily: false,
            active_within_days: None,
            only: None,
        }
    }
}

/// A customer table that the engine made.
#[derive(Clone, Debug)]
pub struct MadeTable {
    /// As it was asked for.
    pub wanted: CustomerTable,
    /// Its file.
    pub path: PathBuf,
    /// The file of its order days, where they were asked for.
    pub daily: Option<PathBuf>,
}

impl Analysis {
    /// An analysis without anything of its own, to start from.
    pub(crate) const NONE: Analysis = Analysis {
        name: "",
        about: "",
        manual: "",
        proposes: &[],
        tables: &[],
        charts: &[],
        scores: &[],
        has_model: false,
        files: |_| Vec::new(),
        looks_back: |_| false,
        needs: |_| Needs::default(),
        run: |_| Err(PipelineError::defect("an analysis", "it does nothing").into()),
    };

    /// All of them, in the order of their columns.
    pub fn all() -> impl Iterator<Item = Analysis> {
        ALL.iter().copied()
    }

    /// Its table of a new config: the lines of the manual for the keys that it proposes.
    pub fn proposal(self) -> String {
        let lines = |key: &&str| {
            let of_key = |line: &&str| line.trim_start_matches("# ").starts_with(&format!("{key} ="));
            self.manual.lines().find(of_key).unwrap_or_default().to_owned()
        };
        let own: Vec<String> = self.proposes.iter().map(lines).collect();
        format!("[{}]\n{}\n", self.name, own.join("\n"))
    }

    /// The names of all.
    pub fn names() -> String {
        Analysis::all().map(|a| a.name).collect::<Vec<_>>().join(", ")
    }
}

impl PartialEq for Analysis {
    fn eq(&self, other: &Analysis) -> bool {
        self.name == other.name
    }
}

impl std::fmt::Debug for Analysis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl FromStr for Analysis {
    type Err = String;
    fn from_str(text: &str) -> Result<Analysis, String> {
        Analysis::all()
            .find(|a| a.name == text)
            .ok_or_else(|| format!("`{text}` is not an analysis; there are {}", Analysis::names()))
    }
}

impl Serialize for Analysis {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.name)
    }
}

impl<'de> Deserialize<'de> for Analysis {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}
