//! Churn: who will leave, how sure we are, and why.
//!
//! **Story.** Customers of a shop do not cancel, they stay away. So churn is defined by a window: at a
//! *cutoff* day, a customer churns if no order follows within `horizon_days`. A model is trained on
//! earlier cutoffs, whose windows have all ended before the judged cutoff begins, and judged on the
//! latest cutoff whose window is complete: out of time, as it will be used. Where there is a contract, a label says who left.
//!
//! **Models.** A decision tree ([`tree`]), each leaf a rule in words; and challengers behind one interface ([`Scorer`]): random forest
//! ([`forest`]), gradient boosting ([`boost`]), logistic regression ([`logistic`]), a small neural network ([`neural`]), days since the last order alone, and
//! P(alive) of a CLV model. Depth, leaf size, pruning and shrinkage of the tree are chosen by cross-validation ([`tune`]), with folds that keep
//! the rows of a customer together.
//!
//! **Calibrated** ([`calibrate`]) on rows that the model has not seen; the level of all probabilities follows what came at past cutoffs
//! ([`level`]), where that would have helped.
//!
//! **Judged** ([`metrics`]). Ranking (AUC, average precision, lift), calibration (Brier score and its parts, log loss, calibration
//! error, mean predicted against actual), with bootstrap intervals, beside a recency-only rule: most of what a churn model knows is how
//! long ago the last order was, and a model that does not beat that is not worth its keep.
//!
//! **Explained** ([`draw`]): rules, reasons of each customer, the tree as text, Graphviz and SVG. **Acted on** ([`act`]): the threshold with the
//! highest expected profit, and whom to save within a budget.
//!
//! **Contracts** ([`survival`]): Kaplan-Meier, log-rank, Cox regression.

pub mod act;
pub mod bins;
pub mod boost;
pub mod calibrate;
pub mod data;
pub mod design;
pub mod draw;
pub mod forest;
mod grow;
pub mod level;
pub mod logistic;
pub mod metrics;
pub mod neural;
pub mod survival;
pub mod train;
pub mod tree;
pub mod tune;

#[cfg(test)]
mod tests;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tillwise_core::Parameters;

use crate::MineError;
use crate::clv::BetaGeometric;
pub use boost::{Boost, BoostSettings};
pub use calibrate::Calibration;
pub use data::{Examples, FEW, FEWEST, Feature, UNKNOWN, Value, Values};
pub use draw::Rule;
pub use forest::{Forest, ForestSettings};
pub use logistic::Logistic;
pub use neural::Neural;
pub use train::{Baseline, Judge, TrainReport, TrainSettings, Trained, train};
pub use tree::{Criterion, Tree, TreeSettings};
pub use tune::{Choice, Tuning};

/// A kind of model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A decision tree.
    #[default]
    Tree,
    /// A random forest.
    Forest,
    /// Gradient boosting.
    Boosting,
    /// Logistic regression.
    Logistic,
    /// A small neural network, where it is built in.
    Neural,
}

impl Kind {
    /// All that are always there.
    pub const ALL: [Kind; 4] = [Kind::Tree, Kind::Forest, Kind::Boosting, Kind::Logistic];

    /// The name in configs and tables.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Tree => "tree",
            Kind::Forest => "forest",
            Kind::Boosting => "boosting",
            Kind::Logistic => "logistic",
            Kind::Neural => "neural",
        }
    }
}

/// How each kind of model is fitted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelSettings {
    /// The tree.
    pub tree: TreeSettings,
    /// Boosting.
    pub boost: BoostSettings,
    /// The forest.
    pub forest: ForestSettings,
}

impl From<TreeSettings> for ModelSettings {
    fn from(tree: TreeSettings) -> Self {
        ModelSettings { tree, ..ModelSettings::default() }
    }
}

/// A fitted model of any kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scorer {
    /// A decision tree.
    Tree(Tree),
    /// A random forest.
    Forest(Forest),
    /// Gradient boosting.
    Boosting(Boost),
    /// Logistic regression.
    Logistic(Logistic),
    /// A small neural network.
    Neural(Neural),
}

impl Scorer {
    /// Fits a model of a kind.
    ///
    /// # Errors
    /// If the examples do not carry it.
    pub fn fit(
        kind: Kind,
        examples: &Examples,
        settings: &ModelSettings,
        seed: u64,
    ) -> Result<Scorer, MineError> {
        Ok(match kind {
            Kind::Tree => Scorer::Tree(Tree::fit(examples, &settings.tree)?),
            Kind::Forest => Scorer::Forest(Forest::fit(examples, &settings.forest, seed)?),
            Kind::Boosting => Scorer::Boosting(Boost::fit(examples, &settings.boost)?),
            Kind::Logistic => Scorer::Logistic(Logistic::fit(examples, 1.0)?),
            Kind::Neural => Scorer::Neural(Neural::fit(examples, seed)?),
        })
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Scorer::Tree(_) => Kind::Tree,
            Scorer::Forest(_) => Kind::Forest,
            Scorer::Boosting(_) => Kind::Boosting,
            Scorer::Logistic(_) => Kind::Logistic,
            Scorer::Neural(_) => Kind::Neural,
        }
    }

    /// The probability of a row.
    pub fn predict_row(&self, columns: &[Values], row: usize) -> f64 {
        match self {
            Scorer::Tree(tree) => tree.predict_row(columns, row).0,
            Scorer::Forest(forest) => forest.predict_row(columns, row),
            Scorer::Boosting(boost) => boost.predict_row(columns, row),
            Scorer::Logistic(line) => line.predict_row(columns, row),
            Scorer::Neural(net) => net.predict_row(columns, row),
        }
    }

    /// Checks numbers that come from a file.
    fn check(&self, features: &[Feature]) -> Result<(), String> {
        match self {
            Scorer::Tree(tree) => tree.check(features),
            Scorer::Forest(forest) => forest.trees.iter().try_for_each(|t| t.check(features)),
            Scorer::Boosting(boost) => boost.check(features),
            Scorer::Logistic(line) => line.check(features),
            Scorer::Neural(net) => net.check(features),
        }
    }

    /// The probabilities of all rows.
    pub fn predict(&self, columns: &[Values]) -> Vec<f64> {
        let n = columns.first().map_or(0, Values::len);
        (0..n).into_par_iter().with_min_len(1024).map(|row| self.predict_row(columns, row)).collect()
    }
}

/// A fitted churn model.
///
/// ```
/// use tillwise_mine::churn::act::OfferTerms;
/// use tillwise_mine::churn::calibrate::Method;
/// use tillwise_mine::churn::train::own_level;
/// use tillwise_mine::churn::{Examples, Judge, Kind, ModelSettings, TrainSettings, Trained, train};
///
/// // Whoever has been silent for more than a hundred days leaves, with an exception in ten.
/// let days: Vec<f64> = (0..400).map(|i| f64::from(i % 200)).collect();
/// let left: Vec<bool> = (0..400).map(|i| (i % 200 > 100) != (i % 10 == 0)).collect();
/// let examples = Examples::of_numbers(&["days_since_last"], vec![days], left);
/// let settings = TrainSettings {
///     model: Some(Kind::Tree), margin: 0.01, models: ModelSettings::default(), tuning: None, folds: 5, seed: 1,
///     calibration: Method::Platt, bootstrap: 0,
///     terms: OfferTerms { offer_cost: 1.0, response_rate: 0.1, value_saved: 0.3 },
/// };
/// let values = vec![50.0; 400];
/// let Trained { model, report, .. } = train(&examples, Judge::Folds(&values), &[], &settings, &mut own_level)?;
/// assert!(report.judged[0].value("auc").unwrap() > 0.85);
/// let rules = model.tree.rules(&model.features, &model.blanks);
/// assert!(rules.iter().any(|r| r.words.contains("days_since_last") && r.probability > 0.8));
/// # Ok::<(), tillwise_mine::MineError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Churn {
    /// No order in this many days is churn; 0 where a label says who left.
    pub horizon_days: i32,
    /// Trained and judged on customers with an order in this many days before the cutoff; 0 where a label says who left.
    pub eligible_days: i32,
    /// What the model looks at.
    pub features: Vec<Feature>,
    /// For each feature, whether a training row was blank.
    pub blanks: Vec<bool>,
    /// The tree: it gives the rules and the reasons, whichever model gives the probabilities.
    pub tree: Tree,
    /// What gives the probabilities, if it is not the tree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scorer: Option<Scorer>,
    /// What P(alive) is computed by, where that is a feature: MBG/NBD in weeks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alive: Option<BetaGeometric>,
    /// From its scores to probabilities.
    pub calibration: Calibration,
    /// What is added to the log-odds of a calibrated probability, by what came at past cutoffs.
    #[serde(default)]
    pub level: f64,
    /// Customers from this probability on are worth an offer.
    pub threshold: f64,
}

impl Parameters for Churn {
    const KIND: &'static str = "churn";
    const VERSION: u32 = 2;

    fn check(&self) -> Result<(), String> {
        self.calibration.check()?;
        if !self.level.is_finite() {
            return Err("its level is not a number".to_owned());
        }
        if let Some(scorer) = &self.scorer {
            scorer.check(&self.features)?;
        }
        self.tree.check(&self.features)
    }
}

impl Churn {
    /// Calibrated probabilities of all rows.
    pub fn score(&self, columns: &[Values]) -> Vec<f64> {
        let n = columns.first().map_or(0, Values::len);
        let score = |row| match &self.scorer {
            Some(scorer) => scorer.predict_row(columns, row),
            None => self.tree.predict_row(columns, row).0,
        };
        (0..n)
            .into_par_iter()
            .with_min_len(1024)
            .map(|row| level::shifted(self.calibration.apply(score(row)), self.level))
            .collect()
    }

    /// The rule of each row, and up to `most` reasons that raise its probability.
    pub fn explain(&self, columns: &[Values], most: usize) -> Vec<(u32, Vec<String>)> {
        let n = columns.first().map_or(0, Values::len);
        (0..n)
            .into_par_iter()
            .with_min_len(1024)
            .map(|row| {
                let path = self.tree.path(|f| columns[f].at(row));
                let rule = path.last().map_or(0, |leaf| self.tree.nodes()[*leaf].rule);
                let reasons = self.tree.reasons(&path, &self.features);
                (rule, reasons.into_iter().filter(|r| r.1 > 0.0).take(most).map(|r| r.0).collect())
            })
            .collect()
    }
}

/// Tenths of the customers by probability, 1 the most likely to churn. Equal probabilities share a decile,
/// that of the best placed among them.
pub fn deciles(probabilities: &[f64]) -> Vec<u8> {
    let n = probabilities.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_unstable_by(|a, b| probabilities[*b].total_cmp(&probabilities[*a]));
    let mut deciles = vec![0; n];
    let mut ahead = 0;
    for (place, i) in order.iter().enumerate() {
        if place > 0 && probabilities[*i] < probabilities[order[place - 1]] {
            ahead = place;
        }
        deciles[*i] = (ahead * 10 / n.max(1)) as u8 + 1;
    }
    deciles
}
