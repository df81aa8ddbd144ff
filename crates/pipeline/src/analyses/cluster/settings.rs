//! `[cluster]`.

use serde::{Deserialize, Serialize};
use tillwise_core::{settings, settings_table};
use tillwise_mine::cluster::{FeatureSpec, How, K, Settings as ClusterSettings, Transform};

use crate::PipelineError;
use crate::config::{Auto, check_features, is_feature, is_money, range, wrong};

/// The features of clusters, where none are given.
const FEATURES: [&str; 6] =
    ["days_since_last", "orders", "net_revenue", "avg_order_value", "tenure_days", "distinct_products"];

settings! {
    /// The settings of `[cluster]`.
    #[derive(Clone, Debug, PartialEq, Serialize)]
    pub struct Settings {
        /// A number, or `"auto"` for the best by `choose` between `k_min` and `k_max`.
        pub k: KChoice = KChoice::Auto(Auto::Auto),
        /// Fewest clusters for `"auto"`.
        pub k_min: usize = 3,
        /// Most clusters for `"auto"`.
        pub k_max: usize = 8,
        /// Whether clusters keep the ids of the last run's that they overlap most.
        pub follow_last: bool = true,
        /// Days for which the last run's clusters are used again; at 0 every run finds its own.
        pub refresh_days: i32 = 0,
        /// Columns of the customer table, or tables such as `{ column = "orders", transform = "yeo_johnson" }`.
        pub features: Vec<FeatureChoice> = FEATURES.map(|f| FeatureChoice::Column(f.to_owned())).to_vec(),
        ..
        /// How clusters are found.
        pub how: How,
    }
}
settings_table!(Settings);

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
            k: match self.k {
                KChoice::Fixed(k) => K::Fixed(k),
                KChoice::Auto(_) => K::Auto { min: self.k_min, max: self.k_max },
            },
            features: self.features.iter().map(spec).collect(),
            how: self.how.clone(),
            seed,
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
        range(
            "[cluster] starts",
            (1..=1000).contains(&c.how.starts),
            "within 1 to 1000",
            c.how.starts.to_string(),
        )?;
        range("[cluster] max_iterations", c.how.max_iterations >= 1, "at least 1", "0".into())?;
        range("[cluster] tolerance", c.how.tolerance >= 0.0, "at least 0", c.how.tolerance.to_string())?;
        range("[cluster] sample", c.how.sample >= 100, "at least 100", c.how.sample.to_string())?;
        range("[cluster] batch", c.how.batch >= 1, "at least 1", c.how.batch.to_string())?;
        range("[cluster] min_points", c.how.min_points >= 2, "at least 2", c.how.min_points.to_string())?;
        range(
            "[cluster] eps",
            c.how.eps.is_none_or(|e| e > 0.0),
            "above 0",
            c.how.eps.unwrap_or_default().to_string(),
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
