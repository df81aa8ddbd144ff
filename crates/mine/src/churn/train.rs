//! From examples to a calibrated, judged and explained model.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tillwise_core::told::{Cell, Message};
use tillwise_core::{message, number_or_nan};

use super::act::{OfferTerms, best_threshold};
use super::calibrate::{Calibration, Method};
use super::data::{Examples, FEW, Feature, UNKNOWN, Values};
use super::level::shifted;
use super::metrics::{
    Bin, Confusion, Gain, Judgement, METRICS, auc, confusion, gains, intervals, judge, reliability,
};
use super::tree::Tree;
use super::tune::{Choice, Tuning, out_of_fold, tune, tune_boosting};
use super::{BoostSettings, Churn, Kind, ModelSettings, Scorer};
use crate::MineError;

/// How a model is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainSettings {
    /// The model that gives the probabilities; `None` for the tree, unless a challenger beats it.
    pub model: Option<Kind>,
    /// For `None`: the AUC by which a challenger must beat the tree.
    pub margin: f64,
    /// Each model, where nothing is tuned.
    pub models: ModelSettings,
    /// What is tried.
    pub tuning: Option<Tuning>,
    /// Folds that calibration looks at.
    pub folds: usize,
    /// Where chance begins.
    pub seed: u64,
    /// How probabilities are calibrated.
    pub calibration: Method,
    /// Draws for the intervals of the measures; 0 for none.
    pub bootstrap: usize,
    /// What an offer costs and brings.
    pub terms: OfferTerms,
}

/// What a model is judged on, with the value of each row's customer.
#[derive(Clone, Copy, Debug)]
pub enum Judge<'a> {
    /// Rows of a later time.
    Later(&'a Examples, &'a [f64]),
    /// The training rows, each by a model of the other folds.
    Folds(&'a [f64]),
}

/// Scores of something simpler, for training rows and for judged ones.
#[derive(Clone, Debug)]
pub struct Baseline {
    /// Its name in tables.
    pub name: &'static str,
    /// The judged rows by it, probabilities or not: only their order counts for some measures.
    pub judged: Vec<f64>,
}

/// How one model did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// Its name.
    pub model: String,
    /// Whether it gives the probabilities.
    pub chosen: bool,
    /// Each of [`METRICS`].
    pub values: Vec<Option<f64>>,
    /// Their bootstrap intervals, 95 %.
    pub intervals: Vec<Option<(f64, f64)>>,
}

impl Judged {
    /// One of the measures.
    pub fn value(&self, metric: &str) -> Option<f64> {
        METRICS.iter().position(|m| *m == metric).and_then(|i| self.values.get(i).copied().flatten())
    }
}

/// A feature's part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    /// The feature.
    pub feature: String,
    /// Its share of what the tree's splits lower the impurity by.
    #[serde(deserialize_with = "number_or_nan")]
    pub impurity: f64,
    /// What the chosen model's AUC on judged rows loses when the feature's values are shuffled; `None` where rows are judged in folds.
    pub permutation: Option<f64>,
}

/// What training came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainReport {
    /// Training rows.
    pub training_rows: usize,
    /// Of them churners.
    pub training_churners: usize,
    /// The model that gives the probabilities.
    pub model: String,
    /// Depth, leaf size, pruning and shrinkage of the tree; its cross-validated loss and AUC.
    pub tree: Option<Choice>,
    /// How boosting went on, where it was fitted: chosen on rows not seen, where it was tuned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boosting: Option<BoostSettings>,
    /// Leaves of the tree.
    pub leaves: usize,
    /// Every model and baseline.
    pub judged: Vec<Judged>,
    /// Reliability table of the chosen model.
    pub reliability: Vec<Bin>,
    /// Gains of the chosen model.
    pub gains: Vec<Gain>,
    /// From this probability on an offer pays.
    #[serde(deserialize_with = "number_or_nan")]
    pub threshold: f64,
    /// What offers to all judged rows from there on would have brought.
    #[serde(deserialize_with = "number_or_nan")]
    pub profit: f64,
    /// The confusion matrix there.
    pub confusion: Confusion,
    /// Features, the most important first.
    pub importance: Vec<Importance>,
    /// What to bear in mind.
    pub warnings: Vec<Message>,
}

/// A model, how it was come by, and its probabilities of the judged rows: by [`Judge::Folds`] those of models that had not seen them.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The model.
    pub model: Churn,
    /// How it was come by.
    pub report: TrainReport,
    /// Of each judged row.
    pub judged: Vec<f64>,
}

/// Leaves out features that say nothing or name single customers, and warns of those that say too much.
pub fn clean(examples: &mut Examples) -> Vec<Message> {
    let mut warnings = Vec::new();
    let customers = match examples.customers.iter().max() {
        Some(last) => *last as usize + 1,
        None => examples.len(),
    };
    let mut keep = Vec::new();
    for (i, (feature, column)) in examples.features.iter().zip(&examples.columns).enumerate() {
        let known = match column {
            Values::Number(v) => v.iter().filter(|v| v.is_finite()).count(),
            Values::Category(c) => c.iter().filter(|c| **c != UNKNOWN).count(),
        };
        let kinds = feature.categories.as_ref().map_or(0, Vec::len);
        if known == 0 {
            warnings.push(message!("feature_blank", feature = &feature.name));
        } else if kinds > 50 && 2 * kinds > customers {
            warnings.push(message!(
                "feature_id",
                feature = &feature.name,
                values = kinds,
                customers = customers
            ));
        } else if is_count(column, customers, examples) {
            warnings.push(message!("feature_number_id", feature = &feature.name));
        } else {
            if let Some(tells) = alone(column, &examples.churned).filter(|a| *a > 0.995) {
                let auc = Cell::Number(tells, 3);
                warnings.push(message!("feature_tells", feature = &feature.name, auc = auc));
            }
            keep.push(i);
        }
    }
    examples.features = keep.iter().map(|i| examples.features[*i].clone()).collect();
    examples.columns = keep.iter().map(|i| examples.columns[*i].clone()).collect();
    for (feature, column) in examples.features.iter_mut().zip(&mut examples.columns) {
        warnings.extend(pool_rare(feature, column));
    }
    if examples.churners() < FEW {
        warnings.push(message!("few_churners", rows = examples.churners()));
    }
    warnings
}

/// Values of a category that no model has to know one by one.
const FEW_VALUES: usize = 32;
/// Values that are told apart, at most: those with the most rows.
const MOST_VALUES: usize = 254;
/// Rows of a value that is told apart, at least, and the same as a share of all.
const FEWEST_ROWS: (usize, f64) = (20, 0.001);

/// Takes the rare ones of many values as unknown: a model would learn who has them by heart. What was done.
fn pool_rare(feature: &mut Feature, column: &mut Values) -> Option<Message> {
    let (Some(names), Values::Category(codes)) = (&mut feature.categories, column) else { return None };
    let kinds = names.len();
    if kinds <= FEW_VALUES {
        return None;
    }
    let mut rows = vec![0usize; kinds];
    codes.iter().filter(|c| **c != UNKNOWN).for_each(|c| rows[*c as usize] += 1);
    let fewest = FEWEST_ROWS.0.max((FEWEST_ROWS.1 * codes.len() as f64).ceil() as usize);
    let mut kept: Vec<usize> = (0..kinds).filter(|k| rows[*k] >= fewest).collect();
    kept.sort_by_key(|k| (std::cmp::Reverse(rows[*k]), *k));
    kept.truncate(MOST_VALUES);
    // Codes stay in the order of their names.
    kept.sort_unstable();
    if kept.len() == kinds {
        return None;
    }
    let mut code = vec![UNKNOWN; kinds];
    kept.iter().enumerate().for_each(|(new, old)| code[*old] = new as u32);
    codes.iter_mut().filter(|c| **c != UNKNOWN).for_each(|c| *c = code[*c as usize]);
    *names = kept.iter().map(|k| std::mem::take(&mut names[*k])).collect();
    Some(message!(
        "rare_values",
        feature = &feature.name,
        values = kinds,
        unknown = kinds - kept.len(),
        rows = fewest,
        most = MOST_VALUES
    ))
}

/// Whether a number is an id: whole, and of as many values as there are customers, who number more than a handful.
fn is_count(column: &Values, customers: usize, examples: &Examples) -> bool {
    let Values::Number(values) = column else { return false };
    if customers < 100 || values.iter().any(|v| v.fract() != 0.0) {
        return false;
    }
    let mut pairs: Vec<(u64, u32)> = (values.iter().enumerate())
        .map(|(row, v)| (v.to_bits(), examples.customers.get(row).copied().unwrap_or(row as u32)))
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    // One value a customer, one customer a value.
    pairs.len() == customers && pairs.windows(2).all(|w| w[0].0 != w[1].0)
}

/// The AUC of one feature, in whichever direction it is above a half.
fn alone(column: &Values, churned: &[bool]) -> Option<f64> {
    let scores: Vec<f64> = match column {
        Values::Number(v) => v.iter().map(|v| if v.is_finite() { *v } else { f64::MIN }).collect(),
        Values::Category(codes) => {
            let most = codes.iter().filter(|c| **c != UNKNOWN).max().map_or(0, |c| *c as usize + 1);
            let mut counts = vec![(0.0, 0.0); most + 1];
            let place = |c: u32| (c as usize).min(most);
            for (code, churned) in codes.iter().zip(churned) {
                let count = &mut counts[place(*code)];
                count.0 += f64::from(u8::from(*churned));
                count.1 += 1.0;
            }
            codes.iter().map(|c| counts[place(*c)].0 / counts[place(*c)].1).collect()
        }
    };
    auc(&scores, churned).map(|a| a.max(1.0 - a))
}

/// What is added to the log-odds of the chosen model's judged rows, by the model, how it is fitted, and its probabilities without a level.
pub type LevelOf<'l> = &'l mut dyn FnMut(Kind, &ModelSettings, &[f64]) -> Result<f64, MineError>;

/// The level that the model has by itself.
///
/// # Errors
/// None.
pub fn own_level(_: Kind, _: &ModelSettings, _: &[f64]) -> Result<f64, MineError> {
    Ok(0.0)
}

/// Calibrated probabilities of later rows, by a model that is fitted to the training rows in a known way.
///
/// # Errors
/// If the examples do not carry the model.
pub fn expect(
    training: &Examples,
    later: &Examples,
    kind: Kind,
    models: &ModelSettings,
    settings: &TrainSettings,
) -> Result<Vec<f64>, MineError> {
    training.check_shape()?;
    let fold = training.folds(settings.folds, settings.seed);
    let unseen = out_of_fold(kind, training, models, &fold, settings.seed)?;
    let calibration = Calibration::fit(settings.calibration, &unseen, &training.churned);
    let scorer = Scorer::fit(kind, training, models, settings.seed)?;
    Ok(scorer.predict(&later.columns).into_iter().map(|p| calibration.apply(p)).collect())
}

/// Trains the tree and what is asked for beside it, calibrates and judges all, and chooses; the chosen model's level is what `level` says.
///
/// # Errors
/// If the examples do not carry a tree.
pub fn train(
    training: &Examples,
    against: Judge<'_>,
    baselines: &[Baseline],
    settings: &TrainSettings,
    level: LevelOf<'_>,
) -> Result<Trained, MineError> {
    training.check_shape()?;
    let mut models = settings.models.clone();
    let mut tried = Vec::new();
    if let Some(tuning) = &settings.tuning {
        (models.tree, tried) = tune(training, &models.tree, tuning)?;
        if settings.model.is_none_or(|kind| kind == Kind::Boosting) {
            models.boost = tune_boosting(training, &models.boost, tuning)?;
        }
    }
    let fold = training.folds(settings.folds, settings.seed);
    let mut kinds: Vec<Kind> = match settings.model {
        None => Kind::ALL.into_iter().chain(cfg!(feature = "neural").then_some(Kind::Neural)).collect(),
        Some(kind) => vec![Kind::Tree, kind],
    };
    kinds.dedup();
    let (judged_rows, values) = match against {
        Judge::Later(examples, values) => (examples, values),
        Judge::Folds(values) => (training, values),
    };
    // Rows that choose a kind are not those that it is reported on. At a later cutoff the training rows choose, out of fold; where
    // there are folds only, every other one does.
    let (choosing, reported): (Vec<usize>, Vec<usize>) = match (&against, settings.model) {
        (Judge::Folds(_), None) => (0..training.len()).partition(|row| fold[*row].is_multiple_of(2)),
        _ => ((0..training.len()).collect(), (0..judged_rows.len()).collect()),
    };
    let pick = |of: &[f64], rows: &[usize]| rows.iter().map(|row| of[*row]).collect::<Vec<f64>>();
    let outcomes =
        |of: &Examples, rows: &[usize]| rows.iter().map(|row| of.churned[*row]).collect::<Vec<bool>>();
    let to_choose = outcomes(training, &choosing);
    let churned = outcomes(judged_rows, &reported);
    let mut warnings = Vec::new();
    let mut fitted: Vec<(Kind, Scorer, Calibration, Vec<f64>)> = Vec::new();
    let mut merits = Vec::new();
    for kind in kinds {
        let unseen = out_of_fold(kind, training, &models, &fold, settings.seed);
        let scorer = Scorer::fit(kind, training, &models, settings.seed);
        let (unseen, scorer) = match (unseen, scorer) {
            (Ok(unseen), Ok(scorer)) => (unseen, scorer),
            (Err(e), _) | (_, Err(e)) if kind == Kind::Tree || settings.model == Some(kind) => return Err(e),
            (Err(e), _) | (_, Err(e)) => {
                warnings.push(message!("not_fitted", model = Cell::word(kind.name()), why = e.to_string()));
                continue;
            }
        };
        let calibration = Calibration::fit(settings.calibration, &unseen, &training.churned);
        if auc(&unseen, &training.churned).is_some_and(|a| a <= 0.5) {
            warnings.push(message!("ranks_nothing", model = Cell::word(kind.name())));
        }
        merits.push(auc(&pick(&unseen, &choosing), &to_choose).unwrap_or(0.5));
        let raw = match against {
            Judge::Later(examples, _) => scorer.predict(&examples.columns),
            Judge::Folds(_) => unseen,
        };
        let p = raw.into_iter().map(|p| calibration.apply(p)).collect();
        fitted.push((kind, scorer, calibration, p));
    }
    let score = |p: &[f64]| auc(&pick(p, &reported), &churned).unwrap_or(0.5);
    let chosen = match settings.model {
        Some(kind) => fitted.iter().position(|f| f.0 == kind).unwrap_or(0),
        None => {
            let best = (0..fitted.len()).fold(0, |best, i| if merits[i] > merits[best] { i } else { best });
            if merits[best] > merits[0] + settings.margin { best } else { 0 }
        }
    };
    let level = level(fitted[chosen].0, &models, &fitted[chosen].3)?;
    fitted[chosen].3.iter_mut().for_each(|p| *p = shifted(*p, level));

    let measure = |model: &str, chosen: bool, p: &[f64]| {
        let p = &pick(p, &reported);
        let intervals = if settings.bootstrap > 0 {
            intervals(p, &churned, settings.bootstrap, settings.seed).to_vec()
        } else {
            vec![None; METRICS.len()]
        };
        let judgement: Judgement = judge(p, &churned);
        Judged { model: model.to_owned(), chosen, values: judgement.values().to_vec(), intervals }
    };
    let mut judged: Vec<Judged> =
        fitted.iter().enumerate().map(|(i, f)| measure(f.0.name(), i == chosen, &f.3)).collect();
    judged.extend(baselines.iter().map(|b| measure(b.name, false, &b.judged)));
    let best_baseline =
        baselines.iter().map(|b| (b.name, score(&b.judged))).fold(None, |best: Option<(&str, f64)>, b| {
            if best.is_some_and(|k| k.1 >= b.1) { best } else { Some(b) }
        });
    let all = fitted[chosen].3.clone();
    let probabilities = pick(&all, &reported);
    let values = pick(values, &reported);
    if let Some((name, theirs)) = best_baseline.filter(|b| b.1 >= score(&all)) {
        warnings.push(message!(
            "ranks_no_better",
            model = Cell::word(fitted[chosen].0.name()),
            ours = Cell::Number(score(&all), 3),
            baseline = Cell::word(name),
            theirs = Cell::Number(theirs, 3)
        ));
    }
    let j = judge(&probabilities, &churned);
    if (j.mean_probability - j.churn_rate).abs() > 0.1 {
        warnings.push(message!(
            "churn_level",
            expected = Cell::Share(j.mean_probability),
            actual = Cell::Share(j.churn_rate)
        ));
    }
    let (threshold, profit) = best_threshold(&probabilities, &churned, &values, &settings.terms);
    let (kind, scorer, calibration, _) = fitted.swap_remove(chosen);
    let tree = match &scorer {
        Scorer::Tree(tree) => tree.clone(),
        _ => Tree::fit(training, &models.tree)?,
    };
    let blank = |c: &Values| match c {
        Values::Number(v) => v.iter().any(|v| !v.is_finite()),
        Values::Category(c) => c.contains(&UNKNOWN),
    };
    let permuted = match against {
        Judge::Later(examples, _) => Some(permutation(&scorer, examples, settings.seed)),
        Judge::Folds(_) => None,
    };
    let impurity = tree.importance(training.features.len());
    let mut importance: Vec<Importance> = training
        .features
        .iter()
        .enumerate()
        .map(|(i, f)| Importance {
            feature: f.name.clone(),
            impurity: impurity[i],
            permutation: permuted.as_ref().map(|p| p[i]),
        })
        .collect();
    importance.sort_by(|a, b| b.impurity.total_cmp(&a.impurity).then(a.feature.cmp(&b.feature)));
    let report = TrainReport {
        training_rows: training.len(),
        training_churners: training.churners(),
        model: kind.name().to_owned(),
        tree: tried.into_iter().next(),
        boosting: judged.iter().any(|j| j.model == Kind::Boosting.name()).then_some(models.boost),
        leaves: tree.leaves(),
        judged,
        reliability: reliability(&probabilities, &churned),
        gains: gains(&probabilities, &churned),
        threshold,
        profit,
        confusion: confusion(&probabilities, &churned, threshold),
        importance,
        warnings,
    };
    let model = Churn {
        horizon_days: 0,
        eligible_days: 0,
        features: training.features.clone(),
        blanks: training.columns.iter().map(blank).collect(),
        tree,
        scorer: (kind != Kind::Tree).then_some(scorer),
        alive: None,
        calibration,
        level,
        threshold,
    };
    Ok(Trained { model, report, judged: all })
}

/// What the AUC loses when one feature after the other is shuffled (Breiman 2001), on up to ten thousand rows.
fn permutation(scorer: &Scorer, examples: &Examples, seed: u64) -> Vec<f64> {
    let most = examples.len().min(10_000);
    let rows: Vec<usize> = (0..most).map(|i| i * examples.len() / most.max(1)).collect();
    let sample = examples.pick(&rows);
    let whole = auc(&scorer.predict(&sample.columns), &sample.churned).unwrap_or(0.5);
    (0..sample.columns.len())
        .into_par_iter()
        .map(|feature| {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed.wrapping_add(feature as u64));
            let mut order: Vec<usize> = (0..sample.len()).collect();
            order.shuffle(&mut rng);
            let mut columns = sample.columns.clone();
            columns[feature] = columns[feature].pick(&order);
            whole - auc(&scorer.predict(&columns), &sample.churned).unwrap_or(0.5)
        })
        .collect()
}
