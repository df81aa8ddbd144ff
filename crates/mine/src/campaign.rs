//! What a campaign really did: the lift of an experiment, and whom it moves.
//!
//! People were contacted (*treated*) or left alone (*control*), and each has an outcome. What the campaign did is the difference of the two arms
//! ([`lift`]), where chance decided who is in which. Whether it did can be looked at ([`balance`], [`told_apart`]), and a past value of the
//! outcome makes the difference sharper (CUPED, Deng, Xu, Kohavi and Walker, WSDM 2013).
//!
//! Whom it moves most is a question of *uplift*: the effect given what is known of a person. Six learners answer it ([`Learner`]), all with
//! boosted trees, each person scored by models that have not seen them. They are judged by the **Qini** coefficient, as it is defined here: sort
//! people by score, the highest first; `Q(k) = Y_t - Y_c n_t / n_c` is what the first `k` of them gained, over those among them in each arm (Radcliffe, Direct
//! Marketing Analytics Journal, 2007); the coefficient is the area between `Q(k) / n` and the straight line to its end, over `k / n` from 0 to 1: outcome per
//! person. `scikit-uplift` divides it by that of a perfect order, `causalml` by that of its own end. **AUUC** is the area under
//! `(Y_t / n_t - Y_c / n_c) k / n` (Gutierrez and Gérardy, PMLR 67, 2016).
//!
//! Noise can always be ranked. If everybody is moved alike, scores from unseen folds are independent of the effect, and the coefficient is 0 in the
//! mean; [`judge`] holds each against its bootstrap error, all learners at one rate of false alarms (Holm). Where none is beyond chance, there is **nobody to
//! single out**, and that is the result.

use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, Normal};

use crate::MineError;
use crate::churn::boost::{Boost, BoostSettings};
use crate::churn::metrics::auc;
use crate::churn::{Examples, Feature, UNKNOWN, Values};
use crate::stats::holm;

/// An experiment.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// What is known of people; the label is not looked at.
    pub people: Examples,
    /// Who was contacted.
    pub treated: Vec<bool>,
    /// What came of each.
    pub outcome: Vec<f64>,
}

/// The difference of the two arms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lift {
    /// People contacted, and left alone.
    pub people: [usize; 2],
    /// Mean outcome of each.
    pub mean: [f64; 2],
    /// The difference; NaN where an arm is empty.
    pub difference: f64,
    /// Its standard error, the arms' own variances apart (Welch); NaN with fewer than two people in an arm.
    pub standard_error: f64,
}

impl Lift {
    /// The 95 % interval.
    pub fn interval(&self) -> (f64, f64) {
        let half = 1.959_963_984_540_054 * self.standard_error;
        (self.difference - half, self.difference + half)
    }

    /// How often so large a difference comes by chance alone, either way.
    pub fn p_value(&self) -> f64 {
        two_sided(self.difference / self.standard_error)
    }
}

fn standard() -> Option<Normal> {
    Normal::new(0.0, 1.0).ok()
}

fn two_sided(z: f64) -> f64 {
    if z.is_nan() { f64::NAN } else { standard().map_or(f64::NAN, |n| 2.0 * n.sf(z.abs())) }
}

/// The lift among some of the people.
pub fn lift(outcome: &[f64], treated: &[bool], rows: impl Iterator<Item = usize> + Clone) -> Lift {
    let arm = |wanted: bool| {
        let own = || rows.clone().filter(|i| treated[*i] == wanted).map(|i| outcome[i]);
        let n = own().count();
        let mean = own().sum::<f64>() / n as f64;
        let variance = own().map(|y| (y - mean) * (y - mean)).sum::<f64>() / (n as f64 - 1.0);
        (n, mean, if n < 2 { f64::NAN } else { variance / n as f64 })
    };
    let ((n, mean, error), (m, other, its)) = (arm(true), arm(false));
    Lift {
        people: [n, m],
        mean: [mean, other],
        difference: mean - other,
        standard_error: (error + its).sqrt(),
    }
}

/// Outcomes less what a past value foretells of them, and by which share that lowers their variance: `y - theta (x - mean x)`, `theta = cov(x, y) / var(x)`.
///
/// ```
/// use tillwise_mine::campaign::adjusted;
/// let (outcome, saved) = adjusted(&[3.0, 5.0, 8.0, 8.0], &[1.0, 2.0, 3.0, 4.0]);
/// assert!((saved - 0.9).abs() < 0.02 && (outcome.iter().sum::<f64>() - 24.0).abs() < 1e-9);
/// ```
pub fn adjusted(outcome: &[f64], past: &[f64]) -> (Vec<f64>, f64) {
    let n = outcome.len() as f64;
    let mean = |v: &[f64]| v.iter().sum::<f64>() / n;
    let (mx, my) = (mean(past), mean(outcome));
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in past.iter().zip(outcome) {
        xy += (x - mx) * (y - my);
        xx += (x - mx) * (x - mx);
        yy += (y - my) * (y - my);
    }
    let theta = if xx > 0.0 { xy / xx } else { 0.0 };
    let saved = if xx * yy > 0.0 { xy * xy / (xx * yy) } else { 0.0 };
    (outcome.iter().zip(past).map(|(y, x)| y - theta * (x - mx)).collect(), saved)
}

/// How alike the arms are in a column, or in a value of a category.
#[derive(Clone, Debug, PartialEq)]
pub struct Balance {
    /// The place of the feature.
    pub feature: usize,
    /// The value of a category; none for a number.
    pub value: Option<String>,
    /// Mean of each arm, contacted first; of a category, the share with the value.
    pub mean: [f64; 2],
    /// Difference in units of the pooled standard deviation; 0 where nobody differs.
    pub standardised: f64,
}

/// Values of a category that are compared, at most: the most frequent.
const MOST_VALUES: usize = 20;

/// How alike the arms are, column by column (Austin, Statistics in Medicine 28, 2009: beyond .1 they are not).
pub fn balance(experiment: &Experiment) -> Vec<Balance> {
    let mut found = Vec::new();
    let Experiment { people, treated, .. } = experiment;
    let mut add = |feature: usize, value: Option<String>, numbers: &dyn Fn(usize) -> f64| {
        let arm = |wanted: bool| {
            let own: Vec<f64> = (0..treated.len())
                .filter(|i| treated[*i] == wanted)
                .map(numbers)
                .filter(|v| v.is_finite())
                .collect();
            let mean = own.iter().sum::<f64>() / own.len() as f64;
            let variance =
                own.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (own.len() as f64 - 1.0).max(1.0);
            (mean, variance)
        };
        let ((mean, variance), (other, its)) = (arm(true), arm(false));
        let unit = (0.5 * (variance + its)).sqrt();
        let difference = mean - other;
        let standardised = if difference == 0.0 { 0.0 } else { difference / unit };
        found.push(Balance { feature, value, mean: [mean, other], standardised });
    };
    for (f, (feature, values)) in people.features.iter().zip(&people.columns).enumerate() {
        match values {
            Values::Number(numbers) => add(f, None, &|i| numbers[i]),
            Values::Category(codes) => {
                let names = feature.categories.as_deref().unwrap_or_default();
                let mut count = vec![0; names.len()];
                for code in codes.iter().filter(|c| **c != UNKNOWN) {
                    count[*code as usize] += 1;
                }
                let mut sizes: Vec<(usize, u32, &String)> =
                    names.iter().enumerate().map(|(c, name)| (count[c], c as u32, name)).collect();
                sizes.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
                for (_, code, name) in sizes.into_iter().take(MOST_VALUES).filter(|s| s.0 > 0) {
                    add(f, Some(name.clone()), &|i| f64::from(u8::from(codes[i] == code)));
                }
            }
        }
    }
    found
}

/// How well the arms can be told apart by what is known: the AUC of who was contacted, out of fold, and its standard error where they cannot (Hanley and McNeil,
/// Radiology 143, 1982).
///
/// # Errors
/// If there is nothing to fit.
pub fn told_apart(experiment: &Experiment, seed: u64) -> Result<(f64, f64), MineError> {
    let scores = propensity(experiment, seed)?;
    let n = experiment.treated.iter().filter(|t| **t).count() as f64;
    let m = experiment.treated.len() as f64 - n;
    let error = ((n + m + 1.0) / (12.0 * n * m)).sqrt();
    Ok((auc(&scores, &experiment.treated).unwrap_or(0.5), error))
}

fn propensity(experiment: &Experiment, seed: u64) -> Result<Vec<f64>, MineError> {
    let mut people = experiment.people.clone();
    people.churned.clone_from(&experiment.treated);
    out_of_fold(&people, seed, |training, rows| {
        let boost = Boost::fit(training, &trees(50))?;
        Ok(rows.iter().map(|row| boost.predict_row(&people.columns, *row)).collect())
    })
}

const FOLDS: usize = 5;

/// What models of the other folds say of everybody.
fn out_of_fold(
    people: &Examples,
    seed: u64,
    mut of: impl FnMut(&Examples, &[usize]) -> Result<Vec<f64>, MineError>,
) -> Result<Vec<f64>, MineError> {
    let fold = people.folds(FOLDS, seed);
    let mut all = vec![f64::NAN; people.len()];
    for k in 0..FOLDS as u8 {
        let (rows, others): (Vec<usize>, Vec<usize>) = (0..people.len()).partition(|i| fold[*i] == k);
        for (row, value) in rows.iter().zip(of(&people.pick(&others), &rows)?) {
            all[*row] = value;
        }
    }
    Ok(all)
}

fn trees(rounds: usize) -> BoostSettings {
    BoostSettings {
        boost_rounds: rounds,
        boost_leaves: 8,
        boost_depth: 3,
        boost_rate: 0.05,
        boost_min_leaf: 50,
        boost_l2: 20.0,
    }
}

/// A way to an effect of each person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learner {
    /// A model of each arm, and their difference.
    TwoModel,
    /// One model, with the contact as a feature (S).
    Single,
    /// Effects that each arm's people had by the other arm's model, both fitted, weighted by the share contacted (X; Künzel, Sekhon, Bickel and Yu, PNAS 116,
    /// 2019).
    Cross,
    /// What is left of the outcome over what is left of the contact, weighted by the square of the latter (R; Nie and Wager, Biometrika 108, 2021).
    Residual,
    /// Doubly robust pseudo-outcomes (DR; Kennedy, Electronic Journal of Statistics 17, 2023).
    DoublyRobust,
    /// `y (t - e) / (e (1 - e))` (Athey and Imbens, 2015; Jaskowski and Jaroszewicz, 2012).
    Transformed,
}

impl Learner {
    /// All of them.
    pub const ALL: [Learner; 6] = [
        Learner::TwoModel,
        Learner::Single,
        Learner::Cross,
        Learner::Residual,
        Learner::DoublyRobust,
        Learner::Transformed,
    ];

    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Learner::TwoModel => "two_model",
            Learner::Single => "s_learner",
            Learner::Cross => "x_learner",
            Learner::Residual => "r_learner",
            Learner::DoublyRobust => "dr_learner",
            Learner::Transformed => "transformed_outcome",
        }
    }
}

/// Fits values with boosted trees, on a scale of their own spread: penalties mean the same whatever the unit.
fn fit(
    people: &Examples,
    rows: &[usize],
    values: &[f64],
    weights: Option<&[f64]>,
    rounds: usize,
) -> Result<Fitted, MineError> {
    let mut own = people.pick(rows);
    own.weights = weights.map(<[f64]>::to_vec).unwrap_or_default();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let spread = (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / values.len() as f64).sqrt();
    let unit = if spread > 0.0 { spread } else { 1.0 };
    let scaled: Vec<f64> = values.iter().map(|v| (v - mean) / unit).collect();
    Ok(Fitted { boost: Boost::of_values(&own, &scaled, &trees(rounds))?, mean, unit })
}

struct Fitted {
    boost: Boost,
    mean: f64,
    unit: f64,
}

impl Fitted {
    fn at(&self, columns: &[Values], row: usize) -> f64 {
        self.mean + self.unit * self.boost.sum(columns, row)
    }
}

const OUTCOME_ROUNDS: usize = 100;
const EFFECT_ROUNDS: usize = 60;

/// The effect on everybody by a learner, each by models of the other folds. `contact` is the probability of contact of each, out of fold too.
///
/// # Errors
/// If an arm is too small to fit.
pub fn effects(
    experiment: &Experiment,
    learner: Learner,
    contact: &[f64],
    seed: u64,
) -> Result<Vec<f64>, MineError> {
    let fold = experiment.people.folds(FOLDS, seed);
    let learning = Learning { experiment, contact };
    let mut all = vec![f64::NAN; fold.len()];
    for k in 0..FOLDS as u8 {
        let (rows, others): (Vec<usize>, Vec<usize>) = (0..fold.len()).partition(|i| fold[*i] == k);
        // What a learner takes for granted of its own rows comes from a half that does not hold them.
        let half = |i: usize| (fold[i] + u8::from(fold[i] > k)) % 2;
        let halves = [0, 1].map(|h| others.iter().copied().filter(|i| half(*i) == h).collect::<Vec<usize>>());
        let found = learning.effects(learner, &rows, &others, &halves)?;
        rows.iter().zip(found).for_each(|(i, effect)| all[*i] = effect);
    }
    Ok(all)
}

/// An experiment that is being learned from.
struct Learning<'a> {
    experiment: &'a Experiment,
    contact: &'a [f64],
}

/// What stands in for the effect on each of some people, and how much it counts for.
#[derive(Default)]
struct Pseudo {
    rows: Vec<usize>,
    effects: Vec<f64>,
    weights: Vec<f64>,
}

impl Learning<'_> {
    fn treated(&self, row: usize) -> f64 {
        f64::from(u8::from(self.experiment.treated[row]))
    }

    fn outcomes(&self, rows: &[usize]) -> Vec<f64> {
        rows.iter().map(|i| self.experiment.outcome[*i]).collect()
    }

    /// Those of some people who are in one arm.
    fn arm(&self, rows: &[usize], contacted: bool) -> Vec<usize> {
        rows.iter().copied().filter(|i| self.experiment.treated[*i] == contacted).collect()
    }

    /// A model of each arm's outcomes, of those contacted first.
    fn arms(&self, rows: &[usize]) -> Result<[Fitted; 2], MineError> {
        let of = |contacted| {
            let own = self.arm(rows, contacted);
            fit(&self.experiment.people, &own, &self.outcomes(&own), None, OUTCOME_ROUNDS)
        };
        Ok([of(true)?, of(false)?])
    }

    /// Pseudo-outcomes of each half, by models of the other.
    fn pseudo(
        &self,
        halves: &[Vec<usize>; 2],
        of: impl Fn(usize, &[Fitted; 2]) -> (f64, f64) + Sync,
    ) -> Result<Pseudo, MineError> {
        let mut all = Pseudo::default();
        for half in 0..2 {
            let models = self.arms(&halves[1 - half])?;
            let found: Vec<(f64, f64)> = halves[half].par_iter().map(|i| of(*i, &models)).collect();
            all.rows.extend(&halves[half]);
            all.effects.extend(found.iter().map(|f| f.0));
            all.weights.extend(found.iter().map(|f| f.1));
        }
        Ok(all)
    }

    /// The effect on some people, learned from others.
    fn effects(
        &self,
        learner: Learner,
        rows: &[usize],
        others: &[usize],
        halves: &[Vec<usize>; 2],
    ) -> Result<Vec<f64>, MineError> {
        let Experiment { people, outcome, .. } = self.experiment;
        let columns = &people.columns;
        let said = |model: &Fitted| rows.par_iter().map(|i| model.at(columns, *i)).collect::<Vec<f64>>();
        let less = |a: Vec<f64>, b: Vec<f64>| a.into_iter().zip(b).map(|(a, b)| a - b).collect::<Vec<f64>>();
        match learner {
            Learner::TwoModel => {
                let [one, other] = self.arms(others)?;
                Ok(less(said(&one), said(&other)))
            }
            Learner::Single => {
                let mut with = people.clone();
                with.features.push(Feature::number("contact"));
                with.columns.push(Values::Number((0..people.len()).map(|i| self.treated(i)).collect()));
                let model = fit(&with, others, &self.outcomes(others), None, OUTCOME_ROUNDS)?;
                let said = |contact: f64| {
                    let mut columns = people.columns.clone();
                    columns.push(Values::Number(vec![contact; people.len()]));
                    rows.par_iter().map(|i| model.at(&columns, *i)).collect::<Vec<f64>>()
                };
                Ok(less(said(1.0), said(0.0)))
            }
            Learner::Cross => {
                let [one, other] = self.arms(others)?;
                let (contacted, left) = (self.arm(others, true), self.arm(others, false));
                let gained: Vec<f64> =
                    contacted.par_iter().map(|i| outcome[*i] - other.at(columns, *i)).collect();
                let missed: Vec<f64> = left.par_iter().map(|i| one.at(columns, *i) - outcome[*i]).collect();
                let gained = fit(people, &contacted, &gained, None, EFFECT_ROUNDS)?;
                let missed = fit(people, &left, &missed, None, EFFECT_ROUNDS)?;
                let mixed = |i: &usize| {
                    let e = self.contact[*i];
                    e * missed.at(columns, *i) + (1.0 - e) * gained.at(columns, *i)
                };
                Ok(rows.par_iter().map(mixed).collect())
            }
            Learner::Residual => {
                let found = self.pseudo(halves, |i, [one, other]| {
                    let e = self.contact[i];
                    let expected = e * one.at(columns, i) + (1.0 - e) * other.at(columns, i);
                    let left = self.treated(i) - e;
                    ((outcome[i] - expected) / left, left * left)
                })?;
                // Weights of one in the mean, so that penalties count for as much as elsewhere.
                let mean = found.weights.iter().sum::<f64>() / found.weights.len() as f64;
                let weights: Vec<f64> = found.weights.iter().map(|w| w / mean).collect();
                Ok(said(&fit(people, &found.rows, &found.effects, Some(&weights), EFFECT_ROUNDS)?))
            }
            Learner::DoublyRobust => {
                let found = self.pseudo(halves, |i, [one, other]| {
                    let (e, t, y) = (self.contact[i], self.treated(i), outcome[i]);
                    let (a, b) = (one.at(columns, i), other.at(columns, i));
                    (a - b + t * (y - a) / e - (1.0 - t) * (y - b) / (1.0 - e), 1.0)
                })?;
                Ok(said(&fit(people, &found.rows, &found.effects, None, EFFECT_ROUNDS)?))
            }
            Learner::Transformed => {
                let target = |i: &usize| {
                    let e = self.contact[*i];
                    outcome[*i] * (self.treated(*i) - e) / (e * (1.0 - e))
                };
                let targets: Vec<f64> = others.iter().map(target).collect();
                Ok(said(&fit(people, others, &targets, None, EFFECT_ROUNDS)?))
            }
        }
    }
}

/// The probability of contact of each: the share contacted where chance decided, else by what is known of them, out of fold and within .05 of either end.
///
/// # Errors
/// If there is nothing to fit.
pub fn contact(experiment: &Experiment, by_chance: bool, seed: u64) -> Result<Vec<f64>, MineError> {
    let n = experiment.treated.len();
    if by_chance {
        let share = experiment.treated.iter().filter(|t| **t).count() as f64 / n as f64;
        return Ok(vec![share; n]);
    }
    Ok(propensity(experiment, seed)?.into_iter().map(|p| p.clamp(0.05, 0.95)).collect())
}

/// How well scores order people by what the campaign does to them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranking {
    /// The Qini coefficient: see the head of the module.
    pub qini: f64,
    /// Its bootstrap standard error.
    pub standard_error: f64,
    /// The area under the uplift curve.
    pub auuc: f64,
    /// How often so high a coefficient comes where scores tell nothing; one-sided.
    pub p_value: f64,
    /// That, for all learners together.
    pub p_adjusted: f64,
}

const RESAMPLES: u64 = 200;

/// Judges the scores of several learners.
pub fn judge(scores: &[Vec<f64>], treated: &[bool], outcome: &[f64], seed: u64) -> Vec<Ranking> {
    let mut found: Vec<Ranking> = scores
        .iter()
        .map(|scores| {
            let mut order: Vec<u32> = (0..scores.len() as u32).collect();
            order.sort_by(|a, b| scores[*b as usize].total_cmp(&scores[*a as usize]).then(a.cmp(b)));
            let (qini, auuc) = areas(scores, &order, treated, outcome, |_| 1.0);
            let drawn: Vec<f64> = (0..RESAMPLES)
                .into_par_iter()
                .map(|draw| areas(scores, &order, treated, outcome, |row| poisson(seed, draw, row)).0)
                .collect();
            let mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
            let variance =
                drawn.iter().map(|q| (q - mean) * (q - mean)).sum::<f64>() / (drawn.len() as f64 - 1.0);
            let standard_error = variance.sqrt();
            let z = qini / standard_error;
            let p_value = if z.is_finite() { standard().map_or(1.0, |n| n.sf(z)) } else { 1.0 };
            Ranking { qini, standard_error, auuc, p_value, p_adjusted: f64::NAN }
        })
        .collect();
    let adjusted = holm(&found.iter().map(|r| r.p_value).collect::<Vec<f64>>());
    found.iter_mut().zip(adjusted).for_each(|(r, p)| r.p_adjusted = p);
    found
}

/// How often a person is drawn: Poisson with mean one, the same for the same numbers (Chamandy and others' bootstrap for streams, 2012).
fn poisson(seed: u64, draw: u64, row: u32) -> f64 {
    // SplitMix64 of the three numbers.
    let mut z =
        seed ^ draw.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(row).wrapping_mul(0xd1b5_4a32_d192_ed03);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let u = ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64;
    // Of the distribution's steps e^-1, e^-1, e^-1 / 2, ...
    let (mut below, mut step, mut k) = (0.0, (-1.0f64).exp(), 0.0);
    loop {
        below += step;
        if u < below || k > 20.0 {
            return k;
        }
        k += 1.0;
        step /= k;
    }
}

/// The Qini coefficient and the area under the uplift curve; people of one score come all at once.
fn areas(
    scores: &[f64],
    order: &[u32],
    treated: &[bool],
    outcome: &[f64],
    weight: impl Fn(u32) -> f64,
) -> (f64, f64) {
    let all: f64 = order.iter().map(|i| weight(*i)).sum();
    let mut sums = [[0.0f64; 2]; 2];
    let (mut at, mut gained, mut raised) = (0.0, 0.0, 0.0);
    let (mut under_gained, mut under_raised) = (0.0, 0.0);
    for same in order.chunk_by(|a, b| scores[*a as usize] == scores[*b as usize]) {
        let before = (at, gained, raised);
        for i in same {
            let (w, arm) = (weight(*i), usize::from(!treated[*i as usize]));
            sums[arm][0] += w;
            sums[arm][1] += w * outcome[*i as usize];
            at += w / all;
        }
        let [[n, y], [m, z]] = sums;
        gained = if m > 0.0 { (y - z * n / m) / all } else { y / all };
        raised = match (n > 0.0, m > 0.0) {
            (true, true) => (y / n - z / m) * at,
            _ => raised,
        };
        under_gained += 0.5 * (gained + before.1) * (at - before.0);
        under_raised += 0.5 * (raised + before.2) * (at - before.0);
    }
    (under_gained - 0.5 * gained, under_raised)
}

/// People that each arm needs, so that a difference is found: of means with a standard deviation, two-sided at `alpha`, with a probability of `power` (Fleiss, Levin and
/// Paik, Statistical methods for rates and proportions, 2003, with arms of unequal size).
///
/// ```
/// // Of shares of 10 % and 12 %, at 5 % and with power 80 %: R's power.prop.test says 3841 in each.
/// let sd = (0.5 * (0.1f64 * 0.9 + 0.12 * 0.88)).sqrt();
/// let [contacted, control] = tillwise_mine::campaign::arms_needed(0.02, sd, 0.05, 0.8, 0.5);
/// assert!(contacted.abs_diff(3841) < 3 && control == contacted);
/// ```
pub fn arms_needed(
    difference: f64,
    deviation: f64,
    alpha: f64,
    power: f64,
    share_contacted: f64,
) -> [u64; 2] {
    let z = |p: f64| standard().map_or(f64::NAN, |n| n.inverse_cdf(p));
    let sum = z(1.0 - alpha / 2.0) + z(power);
    let all = (sum * deviation / difference).powi(2) / (share_contacted * (1.0 - share_contacted));
    [share_contacted, 1.0 - share_contacted].map(|share| (all * share).ceil() as u64)
}

#[cfg(test)]
mod tests;
