//! Fitting by maximum likelihood, the same way for every model of orders.
//!
//! Parameters are optimised as logarithms, with analytic gradients. Equal rows are drawn together and weighted, what depends on
//! `x` alone is computed once for each distinct `x`, and time is scaled so that the longest age is ten. Large data are
//! fitted in two steps: every start on a systematic sample of the rows, then a few steps on all of them from
//! where the sample led. Standard errors come from the Hessian of all rows at the optimum, by differences of the
//! gradient; those of the parameters themselves follow by the delta method (se = value * se of the log).

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tillwise_core::told::Message;
use tillwise_core::{message, number_or_nan};

use super::History;
use super::optimize::{Optimum, minimize, refine};
use crate::parallel;
use crate::{MineError, Stopped};

/// A log-likelihood term and its derivatives by the log parameters (the rest is zero).
pub(super) type Terms = [f64; 8];

/// What a model must tell to be fitted.
pub(super) trait Likelihood: Sized + Clone + Send + Sync {
    /// Whether time is counted in whole occasions, which must not be scaled.
    const OCCASIONS: bool = false;
    /// Of the free parameters, in the order of their logs.
    const NAMES: &'static [&'static str];
    /// What is computed once for each distinct `x`.
    type PerX: Send + Sync;
    /// What is computed once for each distinct time, be it a `t_x` or an age: exports count whole days.
    type PerTime: Send + Sync;
    /// Hidden events to an order: times scaled by `s` multiply the likelihood by `s^(-x events)`.
    fn events(&self) -> f64 {
        1.0
    }
    /// The model's name, for messages.
    fn name(&self) -> &'static str;
    /// The model with these log parameters; what is not fitted stays as it is.
    fn at(&self, logs: &[f64]) -> Self;
    /// The free parameters.
    fn values(&self) -> Vec<f64>;
    /// The model in another time unit: times are multiplied by `factor`.
    fn with_time_times(&self, factor: f64) -> Self;
    /// What depends on `x` alone.
    fn per_x(&self, x: f64) -> (Self::PerX, Terms);
    /// What depends on a time alone.
    fn per_time(&self, t: f64) -> Self::PerTime;
    /// The rest of a customer's log-likelihood; the times' parts are those of `t_x` and of the age.
    fn row(&self, per_x: &Self::PerX, per_time: [&Self::PerTime; 2], h: History) -> Terms;
    /// Where searches begin, with time scaled so that the longest age is ten.
    fn starts(&self) -> Vec<Vec<f64>>;

    /// The whole log-likelihood of a customer, without `-ln x!`.
    fn log_likelihood_of(&self, h: History) -> f64 {
        let (per_x, terms) = self.per_x(h.x);
        terms[0] + self.row(&per_x, [&self.per_time(h.t_x), &self.per_time(h.age)], h)[0]
    }
}

/// A parameter as fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Its name.
    pub name: String,
    /// Its value.
    #[serde(deserialize_with = "number_or_nan")]
    pub value: f64,
    /// Its standard error; `None` on the boundary, or where the likelihood is flat.
    pub standard_error: Option<f64>,
}

/// How a fit went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// The model.
    pub model: String,
    /// Customers that it was fitted to.
    pub customers: usize,
    /// The parameters.
    pub parameters: Vec<Estimate>,
    /// Correlations of the log parameters' estimates, a row each; empty where there are no standard errors.
    pub correlation: Vec<Vec<f64>>,
    /// Covariances of the log parameters' estimates (for covariates' coefficients: of themselves).
    #[serde(skip)]
    pub covariance: Vec<Vec<f64>>,
    /// Log-likelihood at the optimum, without the constant `-sum ln x!`.
    #[serde(deserialize_with = "number_or_nan")]
    pub log_likelihood: f64,
    /// Akaike's criterion, `2 k - 2 ln L`.
    #[serde(deserialize_with = "number_or_nan")]
    pub aic: f64,
    /// Schwarz's criterion, `k ln n - 2 ln L`.
    #[serde(deserialize_with = "number_or_nan")]
    pub bic: f64,
    /// Steps of the optimiser.
    pub iterations: usize,
    /// Largest absolute element of the mean log-likelihood's gradient by log parameters.
    #[serde(deserialize_with = "number_or_nan")]
    pub gradient: f64,
    /// Parameters that ran off towards zero or infinity: customers do not differ in what they describe.
    pub run_off: Vec<String>,
    /// A direction in which the likelihood hardly changes, or what else the parameters leave open.
    pub ridge: Option<Message>,
}

impl Fit {
    /// The warnings that a reader of the fit should see.
    pub fn warnings(&self) -> Vec<Message> {
        let mut warnings = Vec::new();
        if !self.run_off.is_empty() {
            let parameters = self.run_off.join(", ");
            warnings.push(message!("on_the_boundary", model = &self.model, parameters = parameters));
        }
        if let Some(ridge) = &self.ridge {
            warnings.push(message!("of_model", model = &self.model, note = ridge.clone()));
        }
        warnings
    }

    /// Puts a fit together from an optimum of the mean negative log-likelihood. The first `logs` parameters are optimised as
    /// logarithms.
    pub(super) fn new(
        model: &str,
        names: &[&str],
        values: Vec<f64>,
        logs: usize,
        customers: f64,
        optimum: &Optimum,
        objective: &impl Fn(&[f64]) -> (f64, Vec<f64>),
    ) -> Fit {
        let k = names.len() as f64;
        let log_likelihood = -optimum.value * customers;
        let curvature = Curvature::at(optimum, customers, objective);
        let parameters = names
            .iter()
            .zip(values)
            .enumerate()
            .map(|(i, (name, value))| Estimate {
                name: (*name).to_owned(),
                value,
                standard_error: curvature.standard_error(i).map(|se| if i < logs { se * value } else { se }),
            })
            .collect();
        Fit {
            model: model.to_owned(),
            customers: customers as usize,
            parameters,
            correlation: curvature.correlation(),
            ridge: curvature.ridge(names),
            covariance: curvature.covariance,
            log_likelihood,
            aic: 2.0 * k - 2.0 * log_likelihood,
            bic: k * customers.ln() - 2.0 * log_likelihood,
            iterations: optimum.iterations,
            gradient: optimum.gradient,
            run_off: optimum.run_off(names, logs),
        }
    }

    /// A fit that needed no search: the parameters in `off` are as good as infinite.
    pub(super) fn on_the_boundary(
        model: &str,
        names: &[&str],
        values: &[f64],
        off: &[&str],
        customers: usize,
        log_likelihood: f64,
    ) -> Fit {
        let k = names.len() as f64;
        let estimate = |(name, value): (&&str, &f64)| Estimate {
            name: (*name).to_owned(),
            value: *value,
            standard_error: None,
        };
        Fit {
            model: model.to_owned(),
            customers,
            parameters: names.iter().zip(values).map(estimate).collect(),
            correlation: Vec::new(),
            covariance: Vec::new(),
            log_likelihood,
            aic: 2.0 * k - 2.0 * log_likelihood,
            bic: k * (customers as f64).ln() - 2.0 * log_likelihood,
            iterations: 0,
            gradient: 0.0,
            run_off: off.iter().map(|name| format!("{name} towards infinity")).collect(),
            ridge: None,
        }
    }

    /// Adds a constant to the log-likelihood.
    pub(super) fn shift(&mut self, by: f64) {
        self.log_likelihood += by;
        self.aic -= 2.0 * by;
        self.bic -= 2.0 * by;
    }
}

/// The error of a search that did not end at an optimum: with where it stopped.
pub(super) fn not_converged(
    model: &'static str,
    names: &[&str],
    values: Vec<f64>,
    optimum: &Optimum,
) -> MineError {
    MineError::NotConverged {
        model,
        why: format!("after {} steps the gradient is still {:.1e}", optimum.iterations, optimum.gradient),
        stopped: Box::new(Stopped {
            parameters: names.iter().map(|n| (*n).to_owned()).zip(values).collect(),
            iterations: optimum.iterations,
            gradient: optimum.gradient,
            mean_log_likelihood: -optimum.value,
        }),
    }
}

/// The curvature of a log-likelihood at its maximum.
struct Curvature {
    /// Of the free parameters' estimates, but for directions that the data do not determine. Empty if there is nothing else.
    covariance: Vec<Vec<f64>>,
    /// Parameters that are determined.
    known: Vec<bool>,
    /// Of the mean log-likelihood: smallest eigenvalue, and its vector.
    flattest: Option<(f64, Vec<f64>)>,
}

/// Below this curvature of the mean log-likelihood a direction counts as flat: a change by a factor e costs
/// each customer less than this.
const FLAT: f64 = 2e-6;

impl Curvature {
    fn at(optimum: &Optimum, customers: f64, f: &impl Fn(&[f64]) -> (f64, Vec<f64>)) -> Curvature {
        let n = optimum.at.len();
        let (values, vectors) = crate::stats::symmetric_eigen(&hessian(optimum, f));
        let determined = determined(&values);
        // Parameters that run off together keep a determined ratio, which the predictions live on: only the direction in which
        // nothing changes is left out.
        let known = (0..n)
            .map(|i| !optimum.is_off(i) && (0..n).all(|e| determined[e] || vectors[i][e].abs() < 0.05))
            .collect();
        let mut covariance = Vec::new();
        if determined.contains(&true) {
            let element = |i: usize, j: usize| {
                let kept = (0..n).filter(|e| determined[*e]);
                kept.map(|e| vectors[i][e] * vectors[j][e] / values[e]).sum::<f64>() / customers
            };
            covariance = (0..n).map(|i| (0..n).map(|j| element(i, j)).collect()).collect();
        }
        let flattest = (0..n)
            .min_by(|a, b| values[*a].total_cmp(&values[*b]))
            .filter(|_| (0..n).all(|i| !optimum.is_off(i)))
            .map(|least| (values[least], (0..n).map(|i| vectors[i][least]).collect()));
        Curvature { covariance, known, flattest }
    }

    fn standard_error(&self, i: usize) -> Option<f64> {
        self.covariance.get(i).map(|row| row[i].sqrt()).filter(|se| *se > 0.0 && self.known[i])
    }

    fn correlation(&self) -> Vec<Vec<f64>> {
        let c = &self.covariance;
        let of = |i: usize, j: usize| {
            let scale = (c[i][i] * c[j][j]).sqrt();
            if scale > 0.0 { c[i][j] / scale } else { f64::from(u8::from(i == j)) }
        };
        (0..c.len()).map(|i| (0..c.len()).map(|j| of(i, j)).collect()).collect()
    }

    fn ridge(&self, names: &[&str]) -> Option<Message> {
        let (value, vector) = self.flattest.as_ref().filter(|(value, _)| *value < FLAT)?;
        let moved: Vec<String> = names
            .iter()
            .zip(vector)
            .filter(|(_, v)| v.abs() > 0.2)
            .map(|(name, v)| format!("{name} {}", if *v > 0.0 { "up" } else { "down" }))
            .collect();
        let curvature = format!("{value:.0e}");
        Some(message!("flat_ridge", parameters = moved.join(", "), curvature = curvature))
    }
}

/// Which eigenvalues of a Hessian are more than noise: differences of gradients carry about nine digits.
fn determined(values: &[f64]) -> Vec<bool> {
    let highest = values.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    values.iter().map(|v| *v > 1e-9 * highest).collect()
}

/// The inverse of a positive definite matrix.
fn inverse(matrix: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    let (values, vectors) = crate::stats::symmetric_eigen(matrix);
    let n = matrix.len();
    if n == 0 || determined(&values).contains(&false) {
        return None;
    }
    let element = |i: usize, j: usize| (0..n).map(|e| vectors[i][e] * vectors[j][e] / values[e]).sum();
    Some((0..n).map(|i| (0..n).map(|j| element(i, j)).collect()).collect())
}

/// The Hessian, as differences of the gradient at an optimum and a short step away; symmetric.
fn hessian(optimum: &Optimum, f: &impl Fn(&[f64]) -> (f64, Vec<f64>)) -> Vec<Vec<f64>> {
    const STEP: f64 = 2e-5;
    let n = optimum.at.len();
    let at = f(&optimum.at).1;
    let columns: Vec<Vec<f64>> = (0..n)
        .map(|i| {
            let mut there = optimum.at.clone();
            there[i] += STEP;
            f(&there).1.iter().zip(&at).map(|(g, g0)| (g - g0) / STEP).collect()
        })
        .collect();
    (0..n).map(|i| (0..n).map(|j| 0.5 * (columns[i][j] + columns[j][i])).collect()).collect()
}

/// Equal histories drawn together, ordered by `x`.
pub(super) struct Collapsed {
    rows: Vec<Row>,
    /// Each distinct `x`, with its customers.
    counts: Vec<(f64, f64)>,
    /// Each distinct time, ascending.
    times: Vec<f64>,
    customers: f64,
}

/// Customers with the same history: positions of `x` among the counts and of `t_x` and age among the times.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    x: u32,
    age: u32,
    t_x: u32,
    customers: u32,
}

impl Collapsed {
    /// With times multiplied by `scale`.
    pub fn new(histories: &[History], scale: f64) -> Collapsed {
        let times = distinct(histories.par_iter().flat_map_iter(|h| [h.t_x, h.age]));
        let xs = distinct(histories.par_iter().map(|h| h.x));
        let position = |values: &Numbers, v: f64| values.positions.get(&v.to_bits()).copied().unwrap_or(0);
        let mut each: Vec<Row> = histories
            .par_iter()
            .map(|h| Row {
                x: position(&xs, h.x),
                age: position(&times, h.age),
                t_x: position(&times, h.t_x),
                customers: 1,
            })
            .collect();
        each.par_sort_unstable();
        let mut rows: Vec<Row> = Vec::new();
        for row in each {
            match rows.last_mut() {
                Some(last) if (last.x, last.age, last.t_x) == (row.x, row.age, row.t_x) => {
                    last.customers += 1
                }
                _ => rows.push(row),
            }
        }
        Collapsed::of(rows, &xs.values, times.values.into_iter().map(|t| t * scale).collect())
    }

    fn of(rows: Vec<Row>, xs: &[f64], times: Vec<f64>) -> Collapsed {
        let mut counts: Vec<(f64, f64)> = xs.iter().map(|x| (*x, 0.0)).collect();
        for row in &rows {
            counts[row.x as usize].1 += f64::from(row.customers);
        }
        let customers = counts.iter().map(|c| c.1).sum();
        Collapsed { rows, counts, times, customers }
    }

    /// Every so many rows: about [`SAMPLE`] of them.
    fn sample(&self) -> Option<Collapsed> {
        let every = self.rows.len() / SAMPLE;
        (every > 1).then(|| {
            let rows = self.rows.iter().skip(every / 2).step_by(every).copied().collect();
            let xs: Vec<f64> = self.counts.iter().map(|c| c.0).collect();
            Collapsed::of(rows, &xs, self.times.clone())
        })
    }

    /// The mean negative log-likelihood and its gradient by the log parameters.
    pub fn objective<M: Likelihood>(&self, template: &M, logs: &[f64]) -> (f64, Vec<f64>) {
        let model = template.at(logs);
        let mut total = [0.0; 8];
        let per_x: Vec<M::PerX> = self
            .counts
            .iter()
            .map(|(x, n)| {
                let (per_x, terms) = model.per_x(*x);
                total.iter_mut().zip(terms).for_each(|(t, v)| *t += n * v);
                per_x
            })
            .collect();
        let per_time: Vec<M::PerTime> = self.times.par_iter().map(|t| model.per_time(*t)).collect();
        let rows: Terms = parallel::sum(self.rows.len(), |i, sums: &mut Terms| {
            let row = &self.rows[i];
            let [x, t_x, age] = [row.x, row.t_x, row.age].map(|i| i as usize);
            let h = History { x: self.counts[x].0, t_x: self.times[t_x], age: self.times[age] };
            let terms = model.row(&per_x[x], [&per_time[t_x], &per_time[age]], h);
            let n = f64::from(row.customers);
            for (s, t) in sums.iter_mut().zip(terms) {
                *s += n * t;
            }
        });
        total.iter_mut().zip(rows).for_each(|(t, r)| *t = -(*t + r) / self.customers);
        (total[0], total[1..=logs.len()].to_vec())
    }
}

/// Distinct numbers, ascending, and where each stands.
struct Numbers {
    values: Vec<f64>,
    positions: HashMap<u64, u32, BuildHasherDefault<Bits>>,
}

fn distinct(numbers: impl ParallelIterator<Item = f64>) -> Numbers {
    type Set = HashSet<u64, BuildHasherDefault<Bits>>;
    let found = numbers
        .fold(Set::default, |mut set, v| {
            set.insert(v.to_bits());
            set
        })
        .reduce(Set::default, |mut a, b| {
            a.extend(b);
            a
        });
    let mut values: Vec<f64> = found.into_iter().map(f64::from_bits).collect();
    values.par_sort_unstable_by(f64::total_cmp);
    let positions = values.iter().enumerate().map(|(i, v)| (v.to_bits(), i as u32)).collect();
    Numbers { values, positions }
}

/// A quick hash of a number's bits: nobody chooses them to collide.
#[derive(Default)]
struct Bits(u64);

impl Hasher for Bits {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|b| self.write_u64(u64::from(*b)));
    }

    fn write_u64(&mut self, v: u64) {
        let product = u128::from(self.0 ^ v) * 0x9e37_79b9_7f4a_7c15;
        self.0 = (product >> 64) as u64 ^ product as u64;
    }
}

/// Rows that are enough to find out where to begin.
pub(super) const SAMPLE: usize = 8_000;

/// Checks histories; the longest age.
pub(super) fn check(model: &str, histories: &[History]) -> Result<f64, MineError> {
    let wrong = |h: &&History| {
        !(h.x >= 0.0 && h.x.fract() == 0.0 && h.t_x >= 0.0 && h.t_x <= h.age && h.age.is_finite())
    };
    if let Some(h) = histories.iter().find(wrong) {
        return Err(MineError::defect(
            format!("{model} needs whole x >= 0 and 0 <= t_x <= age"),
            format!("a customer has {h:?}"),
        ));
    }
    let repeaters = histories.iter().filter(|h| h.x > 0.0).count();
    let longest = histories.iter().map(|h| h.age).fold(0.0, f64::max);
    if repeaters < 3 || longest == 0.0 {
        return Err(MineError::data(
            format!("{model} needs at least 3 customers with repeat orders"),
            format!("{repeaters} of {} have any", histories.len()),
        ));
    }
    Ok(longest)
}

/// Where the minimum of `whole` is: from every start on the sample, if there is one, and from its end on the whole.
pub(super) fn search(
    whole: &(impl Fn(&[f64]) -> (f64, Vec<f64>) + Sync),
    sample: Option<&(impl Fn(&[f64]) -> (f64, Vec<f64>) + Sync)>,
    starts: &[Vec<f64>],
) -> Optimum {
    if let Some(sample) = sample {
        let mut coarse = minimize(sample, starts);
        if coarse.converged {
            // The sample's curvature is nearly that of the whole: most of the way is one step.
            if let Some(inverse) = inverse(&hessian(&coarse, sample)) {
                coarse.inverse = inverse;
            }
            let fine = refine(whole, &coarse);
            if fine.converged {
                return fine;
            }
        }
    }
    minimize(whole, starts)
}

/// Fits a model to histories, from every start; the template's fixed parts stay.
pub(super) fn fit<M: Likelihood>(template: &M, histories: &[History]) -> Result<(M, Fit), MineError> {
    let longest = check(template.name(), histories)?;
    let scale = if M::OCCASIONS { 1.0 } else { 10.0 / longest };
    let data = Collapsed::new(histories, scale);
    let template = template.with_time_times(scale);
    let objective = |logs: &[f64]| data.objective(&template, logs);
    let sample = data.sample();
    let on_sample = sample.as_ref().map(|sample| |logs: &[f64]| sample.objective(&template, logs));
    let optimum = search(&objective, on_sample.as_ref(), &template.starts());
    let model = template.at(&optimum.at).with_time_times(1.0 / scale);
    if !optimum.converged {
        return Err(not_converged(model.name(), M::NAMES, model.values(), &optimum));
    }
    let mut fit = Fit::new(
        model.name(),
        M::NAMES,
        model.values(),
        M::NAMES.len(),
        data.customers,
        &optimum,
        &objective,
    );
    let repeats: f64 = histories.iter().map(|h| h.x).sum();
    fit.shift(repeats * model.events() * scale.ln());
    Ok((model, fit))
}

/// The gradient as computed and as differences of the value, for tests.
#[cfg(test)]
pub(super) fn gradients<M: Likelihood>(
    template: &M,
    histories: &[History],
    logs: &[f64],
) -> (Vec<f64>, Vec<f64>) {
    let data = Collapsed::new(histories, 1.0);
    let (_, gradient) = data.objective(template, logs);
    let numeric = (0..logs.len())
        .map(|i| {
            let step = 1e-5;
            let shifted = |s: f64| {
                let mut at = logs.to_vec();
                at[i] += s;
                data.objective(template, &at).0
            };
            (shifted(step) - shifted(-step)) / (2.0 * step)
        })
        .collect();
    (gradient, numeric)
}
