//! Fitting by maximum likelihood, the same way for every model of orders.
//!
//! Parameters are optimised as logarithms, with analytic gradients. Equal rows are drawn together and weighted, what depends on
//! `x` alone is computed once for each distinct `x`, and time is scaled so that the longest age is ten. Large data are
//! fitted in two steps: every start on a systematic sample of the rows, then a few steps on all of them from
//! where the sample led. Standard errors come from the Hessian of all rows at the optimum, by central differences of the
//! gradient; those of the parameters themselves follow by the delta method (se = value * se of the log).

use serde::Serialize;

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
    /// The rest of a customer's log-likelihood.
    fn row(&self, per_x: &Self::PerX, h: History) -> Terms;
    /// Where searches begin, with time scaled so that the longest age is ten.
    fn starts(&self) -> Vec<Vec<f64>>;

    /// The whole log-likelihood of a customer, without `-ln x!`.
    fn log_likelihood_of(&self, h: History) -> f64 {
        let (per_x, terms) = self.per_x(h.x);
        terms[0] + self.row(&per_x, h)[0]
    }
}

/// A parameter as fitted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// Its standard error; `None` on the boundary, or where the likelihood is flat.
    pub standard_error: Option<f64>,
}

/// How a fit went.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
    pub log_likelihood: f64,
    /// Akaike's criterion, `2 k - 2 ln L`.
    pub aic: f64,
    /// Schwarz's criterion, `k ln n - 2 ln L`.
    pub bic: f64,
    /// Steps of the optimiser.
    pub iterations: usize,
    /// Largest absolute element of the mean log-likelihood's gradient by log parameters.
    pub gradient: f64,
    /// Parameters that ran off towards zero or infinity: customers do not differ in what they describe.
    pub run_off: Vec<String>,
    /// A direction in which the likelihood hardly changes, in words.
    pub ridge: Option<String>,
}

impl Fit {
    /// The warnings that a reader of the fit should see.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.run_off.is_empty() {
            warnings.push(format!(
                "{}: {} - on the boundary, for the customers differ too little in what these describe",
                self.model,
                self.run_off.join(", ")
            ));
        }
        if let Some(ridge) = &self.ridge {
            warnings.push(format!("{}: {ridge}", self.model));
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
            run_off: optimum.run_off(names),
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
    /// By log parameter; zero where a parameter is on the boundary. Empty if the Hessian is not positive definite.
    covariance: Vec<Vec<f64>>,
    /// Of the mean log-likelihood, for free parameters: smallest eigenvalue, and its vector by parameter.
    flattest: Option<(f64, Vec<f64>)>,
}

/// Below this curvature of the mean log-likelihood a direction counts as flat: a change by a factor e costs
/// each customer less than this.
const FLAT: f64 = 2e-6;

impl Curvature {
    fn at(optimum: &Optimum, customers: f64, f: &impl Fn(&[f64]) -> (f64, Vec<f64>)) -> Curvature {
        const STEP: f64 = 1e-4;
        let p = optimum.at.len();
        let free: Vec<usize> = (0..p).filter(|i| !optimum.is_off(*i)).collect();
        let columns: Vec<Vec<f64>> = free
            .iter()
            .map(|&i| {
                let shifted = |by: f64| {
                    let mut at = optimum.at.clone();
                    at[i] += by;
                    f(&at).1
                };
                let (up, down) = (shifted(STEP), shifted(-STEP));
                free.iter().map(|&j| (up[j] - down[j]) / (2.0 * STEP)).collect()
            })
            .collect();
        let n = free.len();
        let hessian: Vec<Vec<f64>> =
            (0..n).map(|i| (0..n).map(|j| 0.5 * (columns[i][j] + columns[j][i])).collect()).collect();
        let (values, vectors) = crate::stats::symmetric_eigen(&hessian);
        let flattest = (0..n).min_by(|a, b| values[*a].total_cmp(&values[*b])).map(|least| {
            let mut vector = vec![0.0; p];
            for (i, &parameter) in free.iter().enumerate() {
                vector[parameter] = vectors[i][least];
            }
            (values[least], vector)
        });
        let highest = values.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        // Differences of gradients carry about nine digits.
        let definite = n > 0 && values.iter().all(|v| *v > 1e-9 * highest);
        let mut covariance = Vec::new();
        if definite {
            covariance = vec![vec![0.0; p]; p];
            for (i, &a) in free.iter().enumerate() {
                for (j, &b) in free.iter().enumerate() {
                    covariance[a][b] =
                        (0..n).map(|e| vectors[i][e] * vectors[j][e] / values[e]).sum::<f64>() / customers;
                }
            }
        }
        Curvature { covariance, flattest }
    }

    fn standard_error(&self, i: usize) -> Option<f64> {
        self.covariance.get(i).map(|row| row[i].sqrt()).filter(|se| *se > 0.0)
    }

    fn correlation(&self) -> Vec<Vec<f64>> {
        let c = &self.covariance;
        let of = |i: usize, j: usize| {
            let scale = (c[i][i] * c[j][j]).sqrt();
            if scale > 0.0 { c[i][j] / scale } else { f64::from(u8::from(i == j)) }
        };
        (0..c.len()).map(|i| (0..c.len()).map(|j| of(i, j)).collect()).collect()
    }

    fn ridge(&self, names: &[&str]) -> Option<String> {
        let (value, vector) = self.flattest.as_ref().filter(|(value, _)| *value < FLAT)?;
        let moved: Vec<String> = names
            .iter()
            .zip(vector)
            .filter(|(_, v)| v.abs() > 0.2)
            .map(|(name, v)| format!("{name} {}", if *v > 0.0 { "up" } else { "down" }))
            .collect();
        Some(format!(
            "a flat ridge: with {} together (or all the other way) the likelihood hardly changes (curvature {value:.0e}); \
             the predictions are determined, these parameters are not",
            moved.join(", ")
        ))
    }
}

/// Equal histories drawn together, ordered by `x`.
pub(super) struct Collapsed {
    /// Rows with the index of their `x` and their number of customers.
    rows: Vec<(History, usize, f64)>,
    /// Each distinct `x`, with its customers.
    counts: Vec<(f64, f64)>,
    customers: f64,
}

impl Collapsed {
    pub fn new(mut sorted: Vec<History>) -> Collapsed {
        let order = |a: &History, b: &History| {
            a.x.total_cmp(&b.x).then(a.t_x.total_cmp(&b.t_x)).then(a.age.total_cmp(&b.age))
        };
        let customers = sorted.len() as f64;
        {
            use rayon::slice::ParallelSliceMut;
            sorted.par_sort_unstable_by(order);
        }
        let mut rows: Vec<(History, f64)> = Vec::new();
        for h in sorted {
            match rows.last_mut() {
                Some((last, n)) if *last == h => *n += 1.0,
                _ => rows.push((h, 1.0)),
            }
        }
        Collapsed::of(rows, customers)
    }

    fn of(weighted: Vec<(History, f64)>, customers: f64) -> Collapsed {
        let mut counts: Vec<(f64, f64)> = Vec::new();
        let rows = weighted
            .into_iter()
            .map(|(h, n)| {
                match counts.last_mut() {
                    Some(last) if last.0 == h.x => last.1 += n,
                    _ => counts.push((h.x, n)),
                }
                (h, counts.len() - 1, n)
            })
            .collect();
        Collapsed { rows, counts, customers }
    }

    /// Every so many rows: about `SAMPLE` of them.
    fn sample(&self) -> Option<Collapsed> {
        const SAMPLE: usize = 8_000;
        let every = self.rows.len() / SAMPLE;
        (every > 1).then(|| {
            let rows: Vec<_> =
                self.rows.iter().skip(every / 2).step_by(every).map(|(h, _, n)| (*h, *n)).collect();
            let customers = rows.iter().map(|r| r.1).sum();
            Collapsed::of(rows, customers)
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
        let rows: Terms = parallel::sum(self.rows.len(), |i, sums: &mut Terms| {
            let (h, x, n) = &self.rows[i];
            let terms = model.row(&per_x[*x], *h);
            for (s, t) in sums.iter_mut().zip(terms) {
                *s += n * t;
            }
        });
        total.iter_mut().zip(rows).for_each(|(t, r)| *t = -(*t + r) / self.customers);
        (total[0], total[1..=logs.len()].to_vec())
    }
}

/// Checks histories; the longest age.
pub(super) fn check(model: &str, histories: &[History]) -> Result<f64, MineError> {
    let wrong = |h: &&History| {
        !(h.x >= 0.0 && h.x.fract() == 0.0 && h.t_x >= 0.0 && h.t_x <= h.age && h.age.is_finite())
    };
    if let Some(h) = histories.iter().find(wrong) {
        return Err(MineError::data(
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

/// Fits a model to histories, from every start; the template's fixed parts stay.
pub(super) fn fit<M: Likelihood>(template: &M, histories: &[History]) -> Result<(M, Fit), MineError> {
    let longest = check(template.name(), histories)?;
    let scale = if M::OCCASIONS { 1.0 } else { 10.0 / longest };
    let data = Collapsed::new(
        histories.iter().map(|h| History { x: h.x, t_x: h.t_x * scale, age: h.age * scale }).collect(),
    );
    let template = template.with_time_times(scale);
    let objective = |logs: &[f64]| data.objective(&template, logs);
    let starts = template.starts();
    let optimum = match data.sample() {
        Some(sample) => {
            let coarse = minimize(&|logs: &[f64]| sample.objective(&template, logs), &starts);
            let fine = if coarse.converged { Some(refine(&objective, &coarse)) } else { None };
            fine.filter(|o| o.converged).unwrap_or_else(|| minimize(&objective, &starts))
        }
        None => minimize(&objective, &starts),
    };
    let model = template.at(&optimum.at).with_time_times(1.0 / scale);
    if !optimum.converged {
        return Err(not_converged(model.name(), M::NAMES, model.values(), &optimum));
    }
    let mut fit =
        Fit::new(model.name(), M::NAMES, model.values(), M::NAMES.len(), data.customers, &optimum, &objective);
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
    let data = Collapsed::new(histories.to_vec());
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
