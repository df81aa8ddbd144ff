//! Gamma-Gamma: what an order day is worth.
//!
//! **Story** (Fader & Hardie 2013, "The Gamma-Gamma model of monetary value"). A customer's order days vary
//! around the customer's own mean as Gamma(`p`, rate `nu`); the rates `nu` differ between customers as Gamma(`q`,
//! rate `v`). How much a customer spends is taken to be independent of how often.
//!
//! **Likelihood** (equation 1a) of a mean spend `m` over `x` repeat order days:
//!
//! `f(m | x) = G(px+q) / (G(px) G(q)) * v^q m^(px-1) x^(px) / (v + m x)^(px+q)`
//!
//! **Expected spend** (equation 5): the customer's own mean, drawn towards everyone's mean `v p / (q-1)` the
//! more, the fewer orders there are: `E = v p / (q-1) * (q-1)/(px+q-1) + m * px/(px+q-1)`.
//!
//! The first order day is excluded from `m`, so that spend and the repeat orders it is multiplied with
//! are of the same kind. With `q <= 1` the mean over customers is infinite, and with `q` just above one it is what few
//! customers in the tail make it. There, and where the likelihood has no maximum because customers do not differ, the mean is
//! held at the observed one, and the rest is fitted around it.

use rayon::slice::ParallelSliceMut;
use serde::{Deserialize, Serialize};
use statrs::function::gamma::{digamma, ln_gamma};
use tillwise_core::message;
use tillwise_core::told::{Cell, Message};

use super::likelihood::{Fit, SAMPLE, search};
use super::optimize::minimize;
use crate::MineError;
use crate::parallel;

/// Parameters of Gamma-Gamma, all above zero, `q` above one. `v` is money.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GammaGamma {
    /// Shape of one customer's order days.
    pub p: f64,
    /// Shape of the rates between customers.
    pub q: f64,
    /// Rate parameter of those rates.
    pub v: f64,
}

const NAME: &str = "Gamma-Gamma";
const NAMES: [&str; 3] = ["p", "q", "v"];

impl GammaGamma {
    /// Fits by maximum likelihood to `(x, mean spend)` pairs, both above zero.
    ///
    /// # Errors
    /// If there are fewer than three pairs, or a value is not above zero.
    pub fn fit(repeat: &[(f64, f64)]) -> Result<(GammaGamma, Fit), MineError> {
        if repeat.len() < 3 {
            return Err(MineError::data(
                "Gamma-Gamma needs at least 3 customers with repeat spend above zero",
                format!("there are {}", repeat.len()),
            ));
        }
        if let Some((x, m)) =
            repeat.iter().find(|(x, m)| !(*x > 0.0 && *m > 0.0 && x.is_finite() && m.is_finite()))
        {
            return Err(MineError::defect(
                "Gamma-Gamma needs x and mean spend above zero",
                format!("a customer has {x} and {m}"),
            ));
        }
        if let Some(constant) = all_alike(repeat) {
            return Ok(constant);
        }
        let scale = repeat.len() as f64 / repeat.iter().map(|r| r.1).sum::<f64>();
        let mut rows: Vec<(f64, f64)> = repeat.iter().map(|(x, m)| (*x, m * scale)).collect();
        rows.par_sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let data = Grouped::new(rows);
        let f = |logs: &[f64]| data.negative_mean_log_likelihood(logs);
        let every = data.rows.len() / SAMPLE;
        let sample = (every > 1)
            .then(|| Grouped::new(data.rows.iter().skip(every / 2).step_by(every).copied().collect()));
        let on_sample =
            sample.as_ref().map(|sample| |logs: &[f64]| sample.negative_mean_log_likelihood(logs));
        let starts = [[0.0, 0.7, 0.0], [1.5, 1.2, -0.5], [-1.0, 0.5, 1.0], [3.0, 2.0, -2.0]];
        let optimum = search(&f, on_sample.as_ref(), &starts.map(|s| s.to_vec()));
        let l: Vec<f64> = optimum.at.iter().map(|l| l.exp()).collect();
        let model = GammaGamma { p: l[0], q: l[1], v: l[2] / scale };
        let observed = 1.0 / scale;
        if !optimum.converged || model.q <= 1.0 {
            return Ok(around_the_mean(&data, scale, message!("no_finite_mean")));
        }
        if model.population_mean() > MOST_ABOVE_OBSERVED * observed {
            let times = Cell::Number(model.population_mean() / observed, 1);
            let why = message!("mean_far_off", q = Cell::Number(model.q, 2), times = times);
            return Ok(around_the_mean(&data, scale, why));
        }
        // A density in units of 1/scale: ln f changes by ln scale a row; and the constant of x^(px) m^(px-1).
        let customers = data.rows.len() as f64;
        let mut fit = Fit::new(NAME, &NAMES, vec![model.p, model.q, model.v], 3, customers, &optimum, &f);
        fit.shift(customers * scale.ln());
        Ok((model, fit))
    }

    /// Customers who all spend the same.
    pub fn constant(spend: f64) -> GammaGamma {
        let (p, q) = (AS_GOOD_AS_INFINITE, AS_GOOD_AS_INFINITE);
        GammaGamma { p, q, v: spend * (q - 1.0) / p }
    }

    /// The log-likelihood of a mean spend `m` over `x` repeat order days.
    pub fn log_likelihood(&self, x: f64, m: f64) -> f64 {
        let GammaGamma { p, q, v } = *self;
        let px = p * x;
        ln_gamma(px + q) - ln_gamma(px) - ln_gamma(q) + q * v.ln() + (px - 1.0) * m.ln() + px * x.ln()
            - (px + q) * (v + m * x).ln()
    }

    /// Mean spend of an order day over all customers.
    pub fn population_mean(&self) -> f64 {
        self.v * self.p / (self.q - 1.0)
    }

    /// Expected spend of an order day of a customer with `x` repeat order days of mean spend `m`. Without
    /// repeat spend (`x = 0`, or `m` not above zero or NaN) it is the population's mean.
    pub fn expected_spend(&self, x: f64, m: f64) -> f64 {
        if x <= 0.0 || m.is_nan() || m <= 0.0 {
            return self.population_mean();
        }
        let px = self.p * x;
        let own = px / (px + self.q - 1.0);
        (1.0 - own) * self.population_mean() + own * m
    }
}

/// The mean over customers of a fit, at most, in means of those observed: beyond it the tail decides, which few customers tell of.
const MOST_ABOVE_OBSERVED: f64 = 1.5;
/// Shapes as large as this are as good as infinite: nobody differs.
const AS_GOOD_AS_INFINITE: f64 = 1e5;

/// The model of customers who all spend the same, whose likelihood has no maximum: as good as constant.
fn all_alike(repeat: &[(f64, f64)]) -> Option<(GammaGamma, Fit)> {
    let spends = || repeat.iter().map(|r| r.1);
    let (low, high) = (spends().fold(f64::INFINITY, f64::min), spends().fold(0.0, f64::max));
    if high - low > 1e-9 * high {
        return None;
    }
    let model = GammaGamma::constant(high);
    let log_likelihood = repeat.iter().map(|(x, m)| model.log_likelihood(*x, *m)).sum();
    let values = [model.p, model.q, model.v];
    let mut fit = Fit::on_the_boundary(NAME, &NAMES, &values, &["p", "q"], repeat.len(), log_likelihood);
    // Nothing about the spend is uncertain.
    fit.covariance = vec![vec![0.0; 3]; 3];
    Some((model, fit))
}

/// The model whose mean over customers is the observed one: `v = mean (q - 1) / p`, with `p` and `q` of greatest likelihood.
/// Where customers do not differ, `q` grows to its bound, and everyone is expected to spend the mean. `data` are in units of
/// `1/scale`, so that their mean is one.
fn around_the_mean(data: &Grouped, scale: f64, why: Message) -> (GammaGamma, Fit) {
    // By ln p and ln(q - 1): ln v = ln(q - 1) - ln p.
    let f = |logs: &[f64]| {
        let (a, b) = (logs[0], logs[1]);
        let (value, g) = data.negative_mean_log_likelihood(&[a, b.exp().ln_1p(), b - a]);
        (value, vec![g[0] - g[2], g[1] * b.exp() / (1.0 + b.exp()) + g[2]])
    };
    let optimum = minimize(&f, &[vec![0.0, 0.7], vec![1.5, 1.2], vec![-1.0, 0.0], vec![3.0, 3.0]]);
    let (p, above_one) = (optimum.at[0].exp(), optimum.at[1].exp());
    let model = GammaGamma { p, q: 1.0 + above_one, v: above_one / p / scale };
    let n = data.rows.len() as f64;
    let log_likelihood = -optimum.value * n + n * scale.ln();
    let values = [model.p, model.q, model.v];
    let mut fit = Fit::on_the_boundary(NAME, &NAMES, &values, &[], data.rows.len(), log_likelihood);
    fit.ridge = Some(message!("mean_taken", why = why, mean = Cell::Number(1.0 / scale, 2)));
    // How well the mean is known is all that is told: the variance of its logarithm, as one of v.
    let spread = data.rows.iter().map(|r| (r.1 - 1.0).powi(2)).sum::<f64>() / (n - 1.0);
    fit.covariance = vec![vec![0.0; 3]; 3];
    fit.covariance[2][2] = spread / n;
    (model, fit)
}

/// Pairs of `x` and mean spend, by `x`.
struct Grouped {
    rows: Vec<(f64, f64)>,
    /// For each distinct `x`: customers, and the sum of `ln m + ln x`.
    groups: Vec<(f64, f64, f64)>,
}

impl Grouped {
    /// Of rows in ascending order of `x`.
    fn new(rows: Vec<(f64, f64)>) -> Grouped {
        let mut groups: Vec<(f64, f64, f64)> = Vec::new();
        for (x, m) in &rows {
            let ln = m.ln() + x.ln();
            match groups.last_mut() {
                Some(last) if last.0 == *x => {
                    last.1 += 1.0;
                    last.2 += ln;
                }
                _ => groups.push((*x, 1.0, ln)),
            }
        }
        Grouped { rows, groups }
    }

    /// With its gradient by the logs of `p, q, v`.
    fn negative_mean_log_likelihood(&self, logs: &[f64]) -> (f64, Vec<f64>) {
        let [p, q, v] = [logs[0].exp(), logs[1].exp(), logs[2].exp()];
        let (ln_v, psi_q, ln_gamma_q) = (v.ln(), digamma(q), ln_gamma(q));
        let (mut value, mut dp, mut dq, mut dv) = (0.0, 0.0, 0.0, 0.0);
        for &(x, n, ln) in &self.groups {
            let px = p * x;
            let psi = digamma(px + q);
            // (px - 1) ln m + px ln x = px (ln m + ln x) - ln m, and ln m = ln - n ln x.
            value +=
                n * (ln_gamma(px + q) - ln_gamma(px) - ln_gamma_q + q * ln_v) + px * ln - (ln - n * x.ln());
            dp += n * x * (psi - digamma(px)) + x * ln;
            dq += n * (psi - psi_q + ln_v);
            dv += n * q / v;
        }
        let sums: [f64; 4] = parallel::sum(self.rows.len(), |i, s: &mut [f64; 4]| {
            let (x, m) = self.rows[i];
            let (total, pxq) = (v + m * x, p * x + q);
            let ln = total.ln();
            s[0] -= pxq * ln;
            s[1] -= x * ln;
            s[2] -= ln;
            s[3] -= pxq / total;
        });
        value += sums[0];
        dp += sums[1];
        dq += sums[2];
        dv += sums[3];
        let n = self.rows.len() as f64;
        (-value / n, vec![-p * dp / n, -q * dq / n, -v * dv / n])
    }
}
