//! The config file: what a user states, checked before anything runs.

mod churn;
mod cluster;
mod market;
mod rfm;

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tillwise_core::Day;
use tillwise_ingest::{Cleaning, Columns, Input};
use tillwise_mine::clv::{Margin, Model as OrdersModel, NonPositiveSpend, TimeUnit, Value};
use tillwise_table::Compression;

use crate::PipelineError;
pub use churn::{Churn, ChurnModel, Label};
pub use cluster::{Cluster, FeatureChoice, KChoice};
pub use market::{Basket, Cohort, CohortBy, Level, Offer, OfferRank, Unit, ValueSettings, Worth, Written};
pub use rfm::{Bins, Rfm, Segments};

/// A whole config file. Every table and key may be left out, but for the input's files and columns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How to read the export.
    pub input: Input,
    /// What its columns mean.
    pub columns: Columns,
    /// What to clean.
    pub cleaning: Cleaning,
    /// When to fail rather than publish.
    pub gates: Gates,
    /// Where, when, and what.
    pub run: Run,
    /// RFM.
    pub rfm: Rfm,
    /// Clusters.
    pub cluster: Cluster,
    /// Churn.
    pub churn: Churn,
    /// Customer lifetime value.
    pub clv: Clv,
    /// Baskets.
    pub basket: Basket,
    /// Next best offers.
    pub offer: Offer,
    /// Cohorts.
    pub cohort: Cohort,
    /// Where the value sits.
    pub value: ValueSettings,
}

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
}

impl Default for Gates {
    fn default() -> Self {
        Gates { max_reject_share: 0.5, max_unreadable_share: 0.5, min_rows_vs_last: None, max_age_days: None }
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

impl Default for Run {
    fn default() -> Self {
        Run {
            out: "out".into(),
            as_of: AsOf::Last(0),
            seed: 20_111_209,
            analyses: Analysis::ALL.to_vec(),
            memory_limit: None,
            compression: Codec::Snappy,
            keep_transactions: true,
        }
    }
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

/// One of the analyses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Analysis {
    /// RFM scores and segments.
    Rfm,
    /// Clusters.
    Cluster,
    /// Churn.
    Churn,
    /// Customer lifetime value.
    Clv,
    /// Itemsets, rules and sequences.
    Basket,
    /// Next best offers.
    Offer,
    /// Cohorts.
    Cohort,
    /// Concentration, classes and the revenue bridge.
    Value,
}

impl Analysis {
    /// All of them, in the order of their columns.
    pub const ALL: [Analysis; 8] = [
        Analysis::Rfm,
        Analysis::Cluster,
        Analysis::Churn,
        Analysis::Clv,
        Analysis::Basket,
        Analysis::Offer,
        Analysis::Cohort,
        Analysis::Value,
    ];

    /// Whether it looks at orders and what is in them, rather than at the customer table alone.
    pub fn needs_orders(self) -> bool {
        matches!(self, Analysis::Basket | Analysis::Offer | Analysis::Cohort | Analysis::Value)
    }

    /// Whether it keeps a model; the others describe what is there.
    pub fn has_model(self) -> bool {
        !matches!(self, Analysis::Basket | Analysis::Cohort | Analysis::Value)
    }

    /// The names of all.
    pub fn names() -> String {
        Analysis::ALL.map(Analysis::name).join(", ")
    }

    /// The name in configs, commands and files.
    pub fn name(self) -> &'static str {
        match self {
            Analysis::Rfm => "rfm",
            Analysis::Cluster => "cluster",
            Analysis::Churn => "churn",
            Analysis::Clv => "clv",
            Analysis::Basket => "basket",
            Analysis::Offer => "offer",
            Analysis::Cohort => "cohort",
            Analysis::Value => "value",
        }
    }
}

impl std::str::FromStr for Analysis {
    type Err = String;
    fn from_str(text: &str) -> Result<Analysis, String> {
        Analysis::ALL
            .into_iter()
            .find(|a| a.name() == text)
            .ok_or_else(|| format!("`{text}` is not an analysis; there are {}", Analysis::names()))
    }
}

/// The word `"auto"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Auto {
    /// Chosen by the data.
    #[serde(rename = "auto")]
    Auto,
}

/// CLV settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Clv {
    /// The model of orders, or `"auto"` for the one that does best in the holdout.
    pub model: ModelChoice,
    /// How far CLV looks.
    pub horizon_days: f64,
    /// Margin per unit of revenue, or `"unit_cost"`; at 1, CLV is revenue.
    pub margin: Margin,
    /// Discount rate per year, 0.1 for 10 %.
    pub annual_discount_rate: f64,
    /// What it costs to serve an order.
    pub cost_per_order: f64,
    /// What it costs to keep a living customer for a year.
    pub cost_per_year: f64,
    /// What it cost to win a customer.
    pub acquisition_cost: f64,
    /// What customers whose net spend is not above zero are expected to spend.
    pub nonpositive_spend: NonPositiveSpend,
    /// Coverage of the intervals; at 0 there are none.
    pub interval: f64,
    /// What the model's time is counted in; only the parameters' scale depends on it.
    pub time_unit: TimeUnit,
    /// For BG/BB: days of an occasion.
    pub occasion_days: i32,
    /// The last days, on which models are judged that are fitted to the days before; at 0 there is no judgement.
    pub holdout_days: i32,
    /// A text column of the customer table: each of its values gets a fit of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Fewest customers of a group with its own fit.
    pub min_group: usize,
    /// Text columns that the buying rates depend on.
    pub purchase_covariates: Vec<String>,
    /// Text columns that the drop-out depends on.
    pub dropout_covariates: Vec<String>,
    /// Penalty on the squared coefficients of covariates.
    pub l2: f64,
    /// Writes each customer's probabilities of 0, 1, ... order days up to this many; at 0 none.
    pub distribution_up_to: usize,
}

/// See [`Clv::model`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "the model is nbd, bg_nbd, mbg_nbd, bg_cnbd_k, mbg_cnbd_k, pareto_nbd, ggompertz_nbd, bg_bb or auto"
)]
pub enum ModelChoice {
    /// Chosen by the holdout.
    Auto(Auto),
    /// That one.
    Fixed(OrdersModel),
}

impl Default for Clv {
    fn default() -> Self {
        let value = Value::default();
        Clv {
            model: ModelChoice::Fixed(OrdersModel::BgNbd),
            horizon_days: value.horizon_days,
            margin: value.margin,
            annual_discount_rate: value.annual_discount_rate,
            cost_per_order: value.cost_per_order,
            cost_per_year: value.cost_per_year,
            acquisition_cost: value.acquisition_cost,
            nonpositive_spend: value.nonpositive_spend,
            interval: value.interval,
            time_unit: TimeUnit::Week,
            occasion_days: 30,
            holdout_days: 180,
            by: None,
            min_group: 500,
            purchase_covariates: Vec::new(),
            dropout_covariates: Vec::new(),
            l2: 0.01,
            distribution_up_to: 0,
        }
    }
}

impl Clv {
    pub(crate) fn value(&self) -> Value {
        Value {
            horizon_days: self.horizon_days,
            margin: self.margin,
            annual_discount_rate: self.annual_discount_rate,
            cost_per_order: self.cost_per_order,
            cost_per_year: self.cost_per_year,
            acquisition_cost: self.acquisition_cost,
            nonpositive_spend: self.nonpositive_spend,
            interval: self.interval,
        }
    }

    /// Whether time is to be cut into occasions.
    pub(crate) fn counts_occasions(&self) -> bool {
        self.model == ModelChoice::Fixed(OrdersModel::BgBb)
    }

    fn check(&self) -> Result<(), PipelineError> {
        self.value().check().map_err(|e| wrong("[clv]", e.to_string()))?;
        range(
            "[clv] occasion_days",
            (1..=3650).contains(&self.occasion_days),
            "within 1 to 3650",
            self.occasion_days.to_string(),
        )?;
        range(
            "[clv] holdout_days",
            (0..=3650).contains(&self.holdout_days),
            "within 0 to 3650",
            self.holdout_days.to_string(),
        )?;
        let auto = matches!(self.model, ModelChoice::Auto(_));
        range(
            "[clv] holdout_days",
            !auto || self.holdout_days > 0,
            "above 0 for model = \"auto\"",
            "0".into(),
        )?;
        range("[clv] l2", self.l2 >= 0.0 && self.l2.is_finite(), "at least 0", self.l2.to_string())?;
        range(
            "[clv] distribution_up_to",
            self.distribution_up_to <= 1000,
            "at most 1000",
            self.distribution_up_to.to_string(),
        )?;
        let texts = [
            ("[clv] by", self.by.as_slice()),
            ("[clv] purchase_covariates", &self.purchase_covariates),
            ("[clv] dropout_covariates", &self.dropout_covariates),
        ];
        for (key, columns) in texts {
            for (i, column) in columns.iter().enumerate() {
                let known = "one of top_category, top_country, top_channel, top_store";
                range(key, is_text(column), known, format!("`{column}`"))?;
                range(key, !columns[..i].contains(column), "different columns", format!("`{column}` twice"))?;
            }
        }
        let with_covariates = !self.purchase_covariates.is_empty() || !self.dropout_covariates.is_empty();
        let named = match self.model {
            ModelChoice::Auto(_) => "auto",
            ModelChoice::Fixed(model) => model.name(),
        };
        range(
            "[clv] model",
            !with_covariates || matches!(named, "bg_nbd" | "pareto_nbd"),
            "\"bg_nbd\" or \"pareto_nbd\" with covariates",
            format!("\"{named}\""),
        )?;
        let occasion = f64::from(self.occasion_days);
        range(
            "[clv] horizon_days",
            !self.counts_occasions() || self.horizon_days >= occasion,
            "at least occasion_days for bg_bb",
            self.horizon_days.to_string(),
        )?;
        range(
            "[clv] holdout_days",
            !self.counts_occasions() || self.holdout_days == 0 || self.holdout_days >= self.occasion_days,
            "0 or at least occasion_days for bg_bb",
            self.holdout_days.to_string(),
        )
    }
}

/// What is wrong with a value of the config.
fn wrong(key: &str, problem: String) -> PipelineError {
    PipelineError::Setting { key: key.to_owned(), problem }
}

/// An error unless a value is as it must be.
fn range(key: &str, ok: bool, must: &str, got: String) -> Result<(), PipelineError> {
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
        self.rfm.check()?;
        let c = &self.cluster;
        c.check()?;
        let h = &self.churn;
        h.check()?;
        let of_clusters: Vec<String> = c.features.iter().map(|f| f.column().to_owned()).collect();
        for (key, features) in [("[cluster] features", &of_clusters), ("[churn] features", &h.features)] {
            range(key, !features.is_empty(), "a list of columns", "empty".into())?;
            for (i, f) in features.iter().enumerate() {
                let fits = if key == "[churn] features" { is_churn_feature(f) } else { is_feature(f) };
                if !fits {
                    return Err(wrong(
                        key,
                        format!("`{f}` is not a number in the customer table{}", nearest_feature(f)),
                    ));
                }
                range(key, !features[..i].contains(f), "different columns", format!("`{f}` twice"))?;
            }
        }
        self.clv.check()?;
        self.basket.check()?;
        self.offer.check()?;
        self.cohort.check()?;
        self.value.check()
    }
}

fn nearest_feature(name: &str) -> String {
    let known = tillwise_core::schema::SUMMARY.iter().map(|c| c.name).filter(|n| is_feature(n));
    nearest(name, known.chain(["lateness"]).chain(COMPUTED))
        .map(|n| format!("; did you mean `{n}`?"))
        .unwrap_or_default()
}

fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
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
