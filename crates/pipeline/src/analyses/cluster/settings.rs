//! `[cluster]`.

use serde::{Deserialize, Serialize};
use tillwise_mine::cluster::kmeans::{Start, Steps};
use tillwise_mine::cluster::{Criterion, FeatureSpec, K, Method, Settings as ClusterSettings, Transform};

use crate::PipelineError;
use crate::config::{Auto, check_features, is_feature, is_money, range, wrong};

/// The settings of `[cluster]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How clusters are found.
    pub method: Method,
    /// A number, or `"auto"` for the best by `choose` between `k_min` and `k_max`.
    pub k: KChoice,
    /// Fewest clusters for `"auto"`.
    pub k_min: usize,
    /// Most clusters for `"auto"`.
    pub k_max: usize,
    /// What `"auto"` goes by.
    pub choose: Criterion,
    /// How first centres are drawn.
    pub start: Start,
    /// Starts; the best wins.
    pub starts: usize,
    /// Steps at most, per start.
    pub max_iterations: usize,
    /// Where to stop: squared movement of the centres, relative to the features' variance.
    pub tolerance: f64,
    /// Customers that `k` and the starts are tried on, and that mixtures and density are fitted on.
    pub sample: usize,
    /// Customers of a mini-batch.
    pub batch: usize,
    /// For density: customers near each other that make a cluster.
    pub min_points: usize,
    /// For density: how near, in the scaled space; without it, the knee of the distances.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eps: Option<f64>,
    /// Whether clusters keep the ids of the last run's that they overlap most.
    pub follow_last: bool,
    /// Days for which the last run's clusters are used again; at 0 every run finds its own.
    pub refresh_days: i32,
    /// Columns of the customer table, or tables such as `{ column = "orders", transform = "yeo_johnson" }`.
    pub features: Vec<FeatureChoice>,
}

/// See [`Settings::features`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "a feature is a column, or a table with column, transform (log, relative_log, yeo_johnson, none), scale (standard, robust, none), winsor, weight"
)]
pub enum FeatureChoice {
    /// With the defaults: money by its logarithm in units of its median, all else by the plain logarithm.
    Column(String),
    /// As said.
    Spec(FeatureSpec),
}

impl FeatureChoice {
    fn column(&self) -> &str {
        match self {
            FeatureChoice::Column(column) => column,
            FeatureChoice::Spec(spec) => &spec.column,
        }
    }
}

/// See [`Settings::k`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum KChoice {
    /// That many.
    Fixed(usize),
    /// Chosen.
    Auto(Auto),
}

impl Default for Settings {
    fn default() -> Self {
        let d = ClusterSettings::default();
        let features = [
            "days_since_last",
            "orders",
            "net_revenue",
            "avg_order_value",
            "tenure_days",
            "distinct_products",
        ];
        Settings {
            method: d.method,
            k: KChoice::Auto(Auto::Auto),
            k_min: 3,
            k_max: 8,
            choose: d.criterion,
            start: d.steps.start,
            starts: d.steps.starts,
            max_iterations: d.steps.max_iterations,
            tolerance: d.steps.tolerance,
            sample: d.sample,
            batch: d.batch,
            min_points: d.min_points,
            eps: None,
            follow_last: true,
            refresh_days: 0,
            features: features.map(|f| FeatureChoice::Column(f.to_owned())).to_vec(),
        }
    }
}

impl Settings {
    pub(crate) fn settings(&self, seed: u64) -> ClusterSettings {
        let spec = |f: &FeatureChoice| match f {
            FeatureChoice::Column(column) => {
                let transform = if is_money(column) { Transform::RelativeLog } else { Transform::default() };
                FeatureSpec { transform, ..FeatureSpec::new(column) }
            }
            FeatureChoice::Spec(spec) => spec.clone(),
        };
        ClusterSettings {
            method: self.method,
            k: match self.k {
                KChoice::Fixed(k) => K::Fixed(k),
                KChoice::Auto(_) => K::Auto { min: self.k_min, max: self.k_max },
            },
            criterion: self.choose,
            features: self.features.iter().map(spec).collect(),
            steps: Steps {
                start: self.start,
                starts: self.starts,
                max_iterations: self.max_iterations,
                tolerance: self.tolerance,
                seed,
            },
            sample: self.sample,
            batch: self.batch,
            min_points: self.min_points,
            eps: self.eps,
        }
    }

    /// Checks every value.
    ///
    /// # Errors
    /// If one is out of range.
    pub fn check(&self) -> Result<(), PipelineError> {
        let c = self;
        if let KChoice::Fixed(k) = c.k {
            range("[cluster] k", (1..=1000).contains(&k), "within 1 to 1000, or \"auto\"", k.to_string())?;
        }
        range(
            "[cluster] k_min, k_max",
            2 <= c.k_min && c.k_min <= c.k_max && c.k_max <= 100,
            "2 <= k_min <= k_max <= 100",
            format!("{} and {}", c.k_min, c.k_max),
        )?;
        range("[cluster] starts", (1..=1000).contains(&c.starts), "within 1 to 1000", c.starts.to_string())?;
        range("[cluster] max_iterations", c.max_iterations >= 1, "at least 1", "0".into())?;
        range("[cluster] tolerance", c.tolerance >= 0.0, "at least 0", c.tolerance.to_string())?;
        range("[cluster] sample", c.sample >= 100, "at least 100", c.sample.to_string())?;
        range("[cluster] batch", c.batch >= 1, "at least 1", c.batch.to_string())?;
        range("[cluster] min_points", c.min_points >= 2, "at least 2", c.min_points.to_string())?;
        range(
            "[cluster] eps",
            c.eps.is_none_or(|e| e > 0.0),
            "above 0",
            c.eps.unwrap_or_default().to_string(),
        )?;
        range(
            "[cluster] refresh_days",
            (0..=36_500).contains(&c.refresh_days),
            "within 0 to 36500",
            c.refresh_days.to_string(),
        )?;
        let features: Vec<String> = c.features.iter().map(|f| f.column().to_owned()).collect();
        check_features("[cluster] features", &features, is_feature)?;
        for spec in c.settings(0).features {
            spec.check().map_err(|e| wrong("[cluster] features", format!("`{}`: {e}", spec.column)))?;
        }
        Ok(())
    }
}
