//! `[churn]`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tillwise_core::{settings, settings_table};
use tillwise_mine::churn::act::OfferTerms;
use tillwise_mine::churn::calibrate::Method;
use tillwise_mine::churn::{
    BoostSettings, Criterion, Feature, ForestSettings, Kind, ModelSettings, TrainSettings, TreeSettings,
    Tuning,
};

use crate::PipelineError;
use crate::config::{Auto, check_features, is_churn_feature, is_text, range};

/// What models look at, where no features are given.
const FEATURES: [&str; 27] = [
    "days_since_last",
    "tenure_days",
    "orders",
    "order_days",
    "lines",
    "units",
    "net_revenue",
    "avg_order_value",
    "returns_share",
    "distinct_products",
    "lines_per_order",
    "mean_gap_days",
    "std_gap_days",
    "lateness",
    "orders_30d",
    "orders_90d",
    "orders_180d",
    "orders_365d",
    "orders_trend",
    "net_revenue_30d",
    "net_revenue_90d",
    "net_revenue_180d",
    "net_revenue_365d",
    "revenue_trend",
    "p_alive",
    "top_country",
    "top_channel",
];

settings! {
    /// The settings of `[churn]`.
    #[derive(Clone, Debug, PartialEq, Serialize)]
    pub struct Settings {
        /// No order in this many days is churn.
        pub horizon_days: i32 = 90,
        /// What churn is.
        pub label: Label = Label::Horizon,
        /// Earlier cutoffs to train on, a horizon apart.
        pub training_cutoffs: usize = 3,
        /// Cutoffs that are judged, a horizon apart, each by a model of then: they tell whether the level of the last is carried on.
        pub judged_cutoffs: usize = 6,
        /// Train and judge on customers with an order in this many days before the cutoff.
        pub eligible_days: i32 = 180,
        /// What gives the probabilities: a model, or `"auto"` for the tree unless a challenger beats it out of time.
        pub model: ChurnModel = ChurnModel::Fixed(Kind::Tree),
        /// For `"auto"`: the AUC by which a challenger must beat the tree.
        pub margin: f64 = 0.01,
        /// What a split of the tree lowers.
        pub criterion: Criterion = Criterion::Gini,
        /// Whether depth, leaf size, pruning and shrinkage are chosen by cross-validation.
        pub tune: bool = true,
        /// Splits from the root to a leaf, at most.
        pub max_depth: usize = 8,
        /// Rows in a leaf, at least.
        pub min_leaf: usize = 20,
        /// Without `tune`: what a leaf must lower the impurity by.
        pub pruning: f64 = 0.0,
        /// Without `tune`: rows that the share above counts for in a leaf's probability.
        pub shrinkage: f64 = 10.0,
        /// Features with which churn may only rise.
        pub increasing: Vec<String> = Vec::new(),
        /// Features with which churn may only fall.
        pub decreasing: Vec<String> = Vec::new(),
        /// Folds of the cross-validation.
        pub folds: usize = 5,
        /// How probabilities are calibrated.
        pub calibration: Method = Method::Platt,
        /// Draws for the intervals of the measures; 0 for none.
        pub bootstrap: usize = 200,
        /// Most that offers may cost together; without it, all that pay are listed.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub budget: Option<f64> = None,
        /// A CSV file with a column customer_id and attributes of your own, numbers or categories.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub attributes_file: Option<PathBuf> = None,
        /// What models look at.
        pub features: Vec<String> = FEATURES.map(str::to_owned).to_vec(),
        ..
        /// Boosting: with `tune`, leaves, depth and rounds are chosen up to these.
        pub boost: BoostSettings,
        /// The forest.
        pub forest: ForestSettings,
        /// What an offer to stay costs and brings. A customer's value is the revenue of the last 365 days.
        pub terms: OfferTerms,
    }
}
settings_table!(Settings);

/// See [`Settings::label`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// No order within `horizon_days`.
    #[default]
    Horizon,
    /// No order within the 90 % quantile of the customer's own gaps, or `horizon_days` where that is shorter; customers with fewer than three gaps
    /// are given all of `horizon_days`.
    OwnRhythm,
}

impl Label {
    /// Whether a customer churned.
    pub fn churned(self, next_order: f64, p90_gap: f64, gaps: f64, horizon_days: i32) -> bool {
        let horizon = f64::from(horizon_days);
        let window = match self {
            Label::OwnRhythm if gaps >= 3.0 && p90_gap.is_finite() => p90_gap.min(horizon),
            _ => horizon,
        };
        // NaN where there was no order.
        next_order.is_nan() || next_order > window
    }
}

/// See [`Settings::model`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "the model is tree, forest, boosting, logistic, neural or auto")]
pub enum ChurnModel {
    /// The tree, unless a challenger beats it.
    Auto(Auto),
    /// That one.
    Fixed(Kind),
}

impl Settings {
    fn direction(&self, feature: &String) -> i8 {
        i8::from(self.increasing.contains(feature)) - i8::from(self.decreasing.contains(feature))
    }

    /// Whether churn may only rise (1) or fall (-1) with each feature.
    pub fn directions(&self, features: &[Feature]) -> Vec<i8> {
        features.iter().map(|f| self.direction(&f.name)).collect()
    }

    /// Settings of the training, for features in this order.
    pub fn train(&self, features: &[String], seed: u64) -> TrainSettings {
        let tuning = Tuning::default();
        TrainSettings {
            model: match self.model {
                ChurnModel::Auto(_) => None,
                ChurnModel::Fixed(kind) => Some(kind),
            },
            margin: self.margin,
            models: ModelSettings {
                tree: TreeSettings {
                    criterion: self.criterion,
                    max_depth: self.max_depth,
                    min_leaf: self.min_leaf,
                    pruning: self.pruning,
                    shrinkage: self.shrinkage,
                    monotone: features.iter().map(|f| self.direction(f)).collect(),
                },
                boost: self.boost.clone(),
                forest: self.forest.clone(),
            },
            tuning: self.tune.then(|| {
                let up_to = |all: Vec<usize>, fits: &dyn Fn(usize) -> bool, own: usize| {
                    let mut kept: Vec<usize> = all.into_iter().filter(|v| fits(*v)).chain([own]).collect();
                    kept.sort_unstable();
                    kept.dedup();
                    kept
                };
                Tuning {
                    folds: self.folds,
                    seed,
                    depths: up_to(tuning.depths, &|d| d <= self.max_depth, self.max_depth),
                    leaves: up_to(tuning.leaves, &|l| l >= self.min_leaf, self.min_leaf),
                    ..Tuning::default()
                }
            }),
            folds: self.folds,
            seed,
            calibration: self.calibration,
            bootstrap: self.bootstrap,
            terms: self.terms,
        }
    }

    /// Checks every value.
    ///
    /// # Errors
    /// If one is out of range.
    pub fn check(&self) -> Result<(), PipelineError> {
        let within = |key: &str, value: usize, least: usize, most: usize| {
            let must = format!("within {least} to {most}");
            range(key, (least..=most).contains(&value), &must, value.to_string())
        };
        let days = |key: &str, value: i32, most: i32| {
            range(key, (1..=most).contains(&value), &format!("within 1 to {most}"), value.to_string())
        };
        check_features("[churn] features", &self.features, is_churn_feature)?;
        days("[churn] horizon_days", self.horizon_days, 3650)?;
        days("[churn] eligible_days", self.eligible_days, 36_500)?;
        within("[churn] training_cutoffs", self.training_cutoffs, 1, 100)?;
        within("[churn] judged_cutoffs", self.judged_cutoffs, 1, 100)?;
        within("[churn] max_depth", self.max_depth, 1, 30)?;
        within("[churn] min_leaf", self.min_leaf, 1, 1_000_000_000)?;
        within("[churn] folds", self.folds, 2, 20)?;
        within("[churn] boost_rounds", self.boost.boost_rounds, 1, 10_000)?;
        within("[churn] boost_leaves", self.boost.boost_leaves, 2, 1_000)?;
        within("[churn] boost_depth", self.boost.boost_depth, 1, 30)?;
        within("[churn] boost_min_leaf", self.boost.boost_min_leaf, 1, 1_000_000_000)?;
        within("[churn] forest_trees", self.forest.forest_trees, 1, 10_000)?;
        within("[churn] forest_depth", self.forest.forest_depth, 1, 30)?;
        within("[churn] forest_min_leaf", self.forest.forest_min_leaf, 1, 1_000_000_000)?;
        let rate = self.boost.boost_rate;
        range("[churn] boost_rate", rate > 0.0 && rate <= 1.0, "above 0 and up to 1", rate.to_string())?;
        within("[churn] bootstrap", self.bootstrap, 0, 10_000)?;
        for (key, value) in [
            ("[churn] margin", self.margin),
            ("[churn] pruning", self.pruning),
            ("[churn] shrinkage", self.shrinkage),
            ("[churn] boost_l2", self.boost.boost_l2),
            ("[churn] offer_cost", self.terms.offer_cost),
            ("[churn] budget", self.budget.unwrap_or(0.0)),
        ] {
            range(key, value.is_finite() && value >= 0.0, "a number from 0", value.to_string())?;
        }
        for (key, value) in [
            ("[churn] response_rate", self.terms.response_rate),
            ("[churn] value_saved", self.terms.value_saved),
        ] {
            range(key, (0.0..=1.0).contains(&value), "within 0 to 1", value.to_string())?;
        }
        for (key, list) in
            [("[churn] increasing", &self.increasing), ("[churn] decreasing", &self.decreasing)]
        {
            for feature in list {
                let known = self.features.contains(feature) && !is_text(feature);
                range(key, known, "number columns among the features", format!("`{feature}`"))?;
            }
        }
        let both = self.increasing.iter().find(|f| self.decreasing.contains(f));
        range(
            "[churn] increasing",
            both.is_none(),
            "other features than decreasing",
            format!("`{}`", both.map_or("", String::as_str)),
        )
    }
}
