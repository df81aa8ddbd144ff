//! Static covariates: customers who differ in what is known of them.
//!
//! **Story** (Fader & Hardie 2007, "Incorporating time-invariant covariates into the Pareto/NBD and BG/NBD models"). What is known of a
//! customer from the start (country, channel, the first basket) shifts the scale of the buying rates and of the drop-out, as in a
//! proportional-hazards model. With covariates `z` of the purchase side and `w` of the drop-out side:
//!
//! * BG/NBD: `alpha_i = alpha e^(-g z)`, `a_i = a e^(h w)`, `b_i = b e^(l w)`;
//! * Pareto/NBD: `alpha_i = alpha e^(-g z)`, `beta_i = beta e^(-h w)`.
//!
//! So a positive purchase coefficient `g` multiplies the buying rate by `e^g` for a unit of `z`. The fit maximises the mean log-likelihood
//! less `l2` times the sum of the squared coefficients: with many covariates, or few customers, that keeps them
//! near zero. Covariates should be of like scale; the pipeline turns texts into 0/1 columns ([`Levels`]).

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::History;
use super::beta_geometric::BetaGeometric;
use super::lifetime::ParetoNbd;
use super::likelihood::{Fit, Likelihood, SAMPLE, check, not_converged, search};
use crate::MineError;

/// Where a set of coefficients acts: on which log parameter, with which sign.
pub(super) struct Side {
    name: &'static str,
    log: usize,
    sign: f64,
    drop_out: bool,
}

/// A model that covariates can shift.
pub(super) trait Shifted: Likelihood {
    /// The coefficients' places.
    fn sides() -> Vec<Side>;
}

impl Shifted for BetaGeometric {
    fn sides() -> Vec<Side> {
        vec![
            Side { name: "purchase", log: 1, sign: -1.0, drop_out: false },
            Side { name: "drop_out_a", log: 2, sign: 1.0, drop_out: true },
            Side { name: "drop_out_b", log: 3, sign: 1.0, drop_out: true },
        ]
    }
}

impl Shifted for ParetoNbd {
    fn sides() -> Vec<Side> {
        vec![
            Side { name: "purchase", log: 1, sign: -1.0, drop_out: false },
            Side { name: "drop_out", log: 3, sign: -1.0, drop_out: true },
        ]
    }
}

/// What is known of one customer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// Covariates of the purchase side.
    pub purchase: Vec<f64>,
    /// Covariates of the drop-out side.
    pub drop_out: Vec<f64>,
}

/// A text column as covariates: one of 0 or 1 for each frequent text but the most frequent, which all zeros stand for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Levels {
    /// The column.
    pub column: String,
    /// What all zeros stand for: the most frequent text, and every rare or later one.
    pub base: String,
    /// The texts that have a covariate each.
    pub levels: Vec<String>,
}

impl Levels {
    /// Texts of at least a hundredth of the customers, at most twenty, the most frequent first.
    pub fn of(column: &str, texts: &[&str]) -> Levels {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for text in texts {
            *counts.entry(text).or_default() += 1;
        }
        let mut frequent: Vec<(&str, usize)> =
            counts.into_iter().filter(|(_, n)| *n * 100 >= texts.len()).collect();
        frequent.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        let mut names = frequent.into_iter().map(|(text, _)| text.to_owned());
        let base = names.next().unwrap_or_default();
        Levels { column: column.to_owned(), base, levels: names.take(20).collect() }
    }

    /// Names of the covariates, such as `top_country = FR`.
    pub fn names(&self) -> impl Iterator<Item = String> + '_ {
        self.levels.iter().map(|level| format!("{} = {level}", self.column))
    }

    /// The covariates of a text.
    pub fn encode<'a>(&'a self, text: &'a str) -> impl Iterator<Item = f64> + 'a {
        self.levels.iter().map(move |level| f64::from(u8::from(level == text)))
    }
}

/// A model with covariates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithCovariates<M> {
    /// The model of a customer whose covariates are all zero.
    pub base: M,
    /// Coefficients of the purchase side, then of the drop-out side (for BG/NBD: of `a`, then of `b`).
    pub coefficients: Vec<Vec<f64>>,
}

#[expect(private_bounds, reason = "there are two such models, and no way to add one from outside")]
impl<M: Shifted> WithCovariates<M> {
    /// Fits by penalised maximum likelihood: one row of covariates a customer, named for the report.
    ///
    /// # Errors
    /// If covariates are missing or not finite, a history is impossible, there are no repeat orders, `l2` is negative, or
    /// the fit does not converge.
    pub fn fit(
        template: &M,
        histories: &[History],
        known: &[Known],
        names: (&[String], &[String]),
        l2: f64,
    ) -> Result<(WithCovariates<M>, Fit), MineError> {
        let longest = check(template.name(), histories)?;
        if !(l2 >= 0.0 && l2.is_finite()) {
            return Err(MineError::parameter("l2", "at least 0", l2));
        }
        let fits = |k: &Known| {
            k.purchase.len() == names.0.len()
                && k.drop_out.len() == names.1.len()
                && k.purchase.iter().chain(&k.drop_out).all(|v| v.is_finite())
        };
        if known.len() != histories.len() || !known.iter().all(fits) {
            return Err(MineError::defect(
                format!("{} needs finite covariates for every customer", template.name()),
                format!(
                    "{} of {} customers have them",
                    known.iter().filter(|k| fits(k)).count(),
                    histories.len()
                ),
            ));
        }
        let scale = 10.0 / longest;
        let template = template.with_time_times(scale);
        let rows: Vec<(History, &Known)> = histories
            .iter()
            .zip(known)
            .map(|(h, k)| (History { x: h.x, t_x: h.t_x * scale, age: h.age * scale }, k))
            .collect();
        let base = M::NAMES.len();
        let coefficients = |k: &Known| -> usize {
            M::sides().iter().map(|s| if s.drop_out { k.drop_out.len() } else { k.purchase.len() }).sum()
        };
        let parameters = base + known.first().map_or(0, coefficients);
        let penalised = |rows: &[(History, &Known)], at: &[f64]| objective(&template, rows, at, l2);
        let starts: Vec<Vec<f64>> = template
            .starts()
            .into_iter()
            .map(|mut s| {
                s.resize(parameters, 0.0);
                s
            })
            .collect();
        let whole = |at: &[f64]| penalised(&rows, at);
        let every = rows.len() / SAMPLE;
        let sample: Vec<_> = rows.iter().skip(every / 2).step_by(every.max(1)).copied().collect();
        let on_sample = (every > 1).then_some(|at: &[f64]| penalised(&sample, at));
        let optimum = search(&whole, on_sample.as_ref(), &starts);
        let mut labels: Vec<String> = M::NAMES.iter().map(|n| (*n).to_owned()).collect();
        let mut from = base;
        let mut split = Vec::new();
        for side in M::sides() {
            let of = if side.drop_out { names.1 } else { names.0 };
            labels.extend(of.iter().map(|n| format!("{}: {n}", side.name)));
            split.push(optimum.at[from..from + of.len()].to_vec());
            from += of.len();
        }
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        let model = template.at(&optimum.at[..base]).with_time_times(1.0 / scale);
        let mut values = model.values();
        values.extend(&optimum.at[base..]);
        if !optimum.converged {
            return Err(not_converged(model.name(), &labels, values, &optimum));
        }
        let name = format!("{} with covariates", model.name());
        let customers = rows.len() as f64;
        let mut fit = Fit::new(&name, &labels, values, base, customers, &optimum, &whole);
        let penalty: f64 = optimum.at[base..].iter().map(|c| l2 * c * c).sum();
        let repeats: f64 = histories.iter().map(|h| h.x).sum();
        fit.shift(repeats * scale.ln() + customers * penalty);
        Ok((WithCovariates { base: model, coefficients: split }, fit))
    }

    /// The model of a customer of whom this is known. Covariates beyond the coefficients count as nothing.
    pub fn of(&self, known: &Known) -> M {
        let mut logs: Vec<f64> = self.base.values().iter().map(|v| v.ln()).collect();
        for (side, coefficients) in M::sides().iter().zip(&self.coefficients) {
            let z = if side.drop_out { &known.drop_out } else { &known.purchase };
            logs[side.log] += side.sign * coefficients.iter().zip(z).map(|(c, z)| c * z).sum::<f64>();
        }
        self.base.at(&logs)
    }
}

/// The penalised mean negative log-likelihood and its gradient.
fn objective<M: Shifted>(template: &M, rows: &[(History, &Known)], at: &[f64], l2: f64) -> (f64, Vec<f64>) {
    const CHUNK: usize = 1024;
    let base = M::NAMES.len();
    let sides = M::sides();
    let parts: Vec<Vec<f64>> = rows
        .par_chunks(CHUNK)
        .map(|chunk| {
            let mut sums = vec![0.0; at.len() + 1];
            let mut logs = at[..base].to_vec();
            for (h, known) in chunk {
                logs.copy_from_slice(&at[..base]);
                let mut from = base;
                for side in &sides {
                    let z = if side.drop_out { &known.drop_out } else { &known.purchase };
                    let shift: f64 = z.iter().zip(&at[from..]).map(|(z, c)| z * c).sum();
                    logs[side.log] += side.sign * shift;
                    from += z.len();
                }
                let model = template.at(&logs);
                let (per_x, first) = model.per_x(h.x);
                let second = model.row(&per_x, [&model.per_time(h.t_x), &model.per_time(h.age)], *h);
                for (s, (a, b)) in sums.iter_mut().zip(first.iter().zip(&second)).take(base + 1) {
                    *s += a + b;
                }
                let mut from = base + 1;
                for side in &sides {
                    let z = if side.drop_out { &known.drop_out } else { &known.purchase };
                    let by = side.sign * (first[side.log + 1] + second[side.log + 1]);
                    sums[from..].iter_mut().zip(z).for_each(|(s, z)| *s += by * z);
                    from += z.len();
                }
            }
            sums
        })
        .collect();
    let mut total = vec![0.0; at.len() + 1];
    for part in parts {
        total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
    }
    let n = rows.len() as f64;
    let mut gradient: Vec<f64> = total[1..].iter().map(|g| -g / n).collect();
    let mut value = -total[0] / n;
    for (g, c) in gradient[base..].iter_mut().zip(&at[base..]) {
        value += l2 * c * c;
        *g += 2.0 * l2 * c;
    }
    (value, gradient)
}
