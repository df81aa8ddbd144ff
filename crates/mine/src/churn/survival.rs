//! Survival: how long customers stay, where a contract says when they left.
//!
//! Every customer has a time, such as the tenure in months, and an event: left then, or still there (*censored*: known to have stayed so
//! long).
//!
//! * [`kaplan_meier`]: `S(t) = prod (1 - d_i / n_i)` over the times with events, `d` of `n` at risk (Kaplan & Meier 1958); standard error by
//!   Greenwood (1926), `S^2 sum d / (n (n - d))`.
//! * [`log_rank`]: do groups differ (Mantel 1966)? Observed less expected events, in units of their hypergeometric covariance.
//! * [`Cox`]: proportional hazards, `h(t | x) = h0(t) exp(x b)` (Cox 1972), by the partial likelihood with Efron's (1977) handling of ties;
//!   standard errors from the information matrix; Harrell's concordance.

use serde::Serialize;
use statrs::distribution::{ChiSquared, ContinuousCDF, Normal};

use crate::MineError;

/// Customers with a time and whether they left then.
#[derive(Clone, Copy, Debug)]
pub struct Times<'a> {
    /// From 0, finite.
    pub time: &'a [f64],
    /// Whether the customer left at that time.
    pub left: &'a [bool],
}

/// One step of a survival curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Step {
    /// The time.
    pub time: f64,
    /// Customers still there just before.
    pub at_risk: usize,
    /// Those who left at it.
    pub events: usize,
    /// Share that stays longer.
    pub survival: f64,
    /// Its standard error.
    pub standard_error: f64,
}

impl Times<'_> {
    fn check(&self) -> Result<(), MineError> {
        let sound =
            self.time.len() == self.left.len() && self.time.iter().all(|t| t.is_finite() && *t >= 0.0);
        if sound {
            Ok(())
        } else {
            Err(MineError::data(
                "survival needs a time from 0 for every customer",
                "one is missing or below 0",
            ))
        }
    }

    /// Rows by time, the earliest first.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.time.len()).collect();
        order.sort_by(|a, b| self.time[*a].total_cmp(&self.time[*b]).then(a.cmp(b)));
        order
    }
}

/// The survival curve of customers, a step at every time that occurs.
///
/// # Errors
/// If a time is missing or below zero.
pub fn kaplan_meier(times: Times<'_>) -> Result<Vec<Step>, MineError> {
    times.check()?;
    let order = times.order();
    let (mut at_risk, mut survival, mut variance) = (order.len(), 1.0, 0.0);
    let mut steps = Vec::new();
    for same in order.chunk_by(|a, b| times.time[*a] == times.time[*b]) {
        let events = same.iter().filter(|i| times.left[**i]).count();
        let (d, n) = (events as f64, at_risk as f64);
        survival *= 1.0 - d / n;
        if events < at_risk {
            variance += d / (n * (n - d));
        }
        let standard_error = survival * f64::sqrt(variance);
        steps.push(Step { time: times.time[same[0]], at_risk, events, survival, standard_error });
        at_risk -= same.len();
    }
    Ok(steps)
}

/// What a survival curve says of a time: the last step up to it.
pub fn survival_at(steps: &[Step], time: f64) -> (f64, f64) {
    let upto = steps.partition_point(|s| s.time <= time);
    upto.checked_sub(1).map_or((1.0, 0.0), |i| (steps[i].survival, steps[i].standard_error))
}

/// The time by which half have left; `None` if fewer ever do.
pub fn median_time(steps: &[Step]) -> Option<f64> {
    steps.iter().find(|s| s.survival <= 0.5 + 1e-9).map(|s| s.time)
}

/// A test of whether groups differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LogRank {
    /// Chi-squared.
    pub statistic: f64,
    /// Groups that were at risk when anyone left, less one.
    pub degrees: usize,
    /// Probability of so large a statistic, were there no difference.
    pub p_value: f64,
    /// Events of each group.
    pub observed: Vec<f64>,
    /// Events to be expected of each, were there no difference.
    pub expected: Vec<f64>,
}

impl LogRank {
    /// Groups that the test leaves out: none of theirs was at risk when anyone left.
    pub fn never_at_risk(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.expected.len()).filter(|g| self.expected[*g] <= 0.0)
    }
}

/// Mantel's log-rank test; `group[i]` is below `groups`.
///
/// # Errors
/// If a time is missing, or there are fewer than two groups that are at risk when anyone leaves.
pub fn log_rank(times: Times<'_>, group: &[usize], groups: usize) -> Result<LogRank, MineError> {
    times.check()?;
    if groups < 2 || group.len() != times.time.len() || group.iter().any(|g| *g >= groups) {
        return Err(MineError::data(
            "the log-rank test compares at least two groups",
            format!("there are {groups}"),
        ));
    }
    let order = times.order();
    let mut at_risk = vec![0.0; groups];
    group.iter().for_each(|g| at_risk[*g] += 1.0);
    let (mut observed, mut expected) = (vec![0.0; groups], vec![0.0; groups]);
    let mut covariance = vec![vec![0.0; groups]; groups];
    for same in order.chunk_by(|a, b| times.time[*a] == times.time[*b]) {
        let n: f64 = at_risk.iter().sum();
        let mut events = vec![0.0; groups];
        same.iter().filter(|i| times.left[**i]).for_each(|i| events[group[*i]] += 1.0);
        let d: f64 = events.iter().sum();
        if d > 0.0 {
            for g in 0..groups {
                observed[g] += events[g];
                expected[g] += d * at_risk[g] / n;
                for h in 0..groups {
                    let own = if g == h { 1.0 } else { 0.0 };
                    if n > 1.0 {
                        covariance[g][h] += d * (n - d) / (n - 1.0) * at_risk[g] / n * (own - at_risk[h] / n);
                    }
                }
            }
        }
        same.iter().for_each(|i| at_risk[group[*i]] -= 1.0);
    }
    // A group that is never at risk when anyone leaves says nothing; of the others one follows from the rest.
    let mut told: Vec<usize> = (0..groups).filter(|g| expected[*g] > 0.0).collect();
    told.pop();
    let degrees = told.len();
    if degrees == 0 {
        return Err(MineError::data(
            "the log-rank test compares at least two groups at risk",
            "there are fewer",
        ));
    }
    let difference: Vec<f64> = told.iter().map(|g| observed[*g] - expected[*g]).collect();
    let part: Vec<Vec<f64>> =
        told.iter().map(|g| told.iter().map(|h| covariance[*g][*h]).collect()).collect();
    let solved = solve(&part, &difference).ok_or_else(|| {
        MineError::data("the log-rank test needs events in its groups", "one has none at risk")
    })?;
    let statistic = difference.iter().zip(&solved).map(|(a, b)| a * b).sum();
    let p_value = ChiSquared::new(degrees as f64).map_or(f64::NAN, |c| c.sf(statistic));
    Ok(LogRank { statistic, degrees, p_value, observed, expected })
}

/// A fitted Cox regression.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cox {
    /// For each covariate the change of the log hazard by one unit.
    pub coefficients: Vec<f64>,
    /// Their standard errors.
    pub standard_errors: Vec<f64>,
    /// Log of the partial likelihood.
    pub log_likelihood: f64,
    /// The same with all coefficients zero.
    pub null_log_likelihood: f64,
    /// Harrell's concordance: of pairs that can be compared, the share in which the higher hazard left first.
    pub concordance: Option<f64>,
    /// Customers who left.
    pub events: usize,
}

impl Cox {
    /// Two-sided probability of so large a coefficient, were there no effect (Wald).
    pub fn p_value(&self, covariate: usize) -> f64 {
        let z = self.coefficients[covariate] / self.standard_errors[covariate];
        Normal::new(0.0, 1.0).map_or(f64::NAN, |n| 2.0 * n.sf(z.abs()))
    }

    /// Fits by Newton's method; `columns` are the covariates.
    ///
    /// # Errors
    /// If a value is missing, nobody left, the covariates say the same, or the search does not converge.
    pub fn fit(times: Times<'_>, columns: &[Vec<f64>]) -> Result<Cox, MineError> {
        times.check()?;
        let (n, k) = (times.time.len(), columns.len());
        let events = times.left.iter().filter(|l| **l).count();
        if events == 0 || columns.iter().any(|c| c.len() != n || c.iter().any(|v| !v.is_finite())) {
            return Err(MineError::data(
                "a Cox regression needs customers who left, and a number for every covariate",
                format!("{events} of {n} left"),
            ));
        }
        // Centred, which changes no coefficient and keeps the exponentials in range; scaled, for the solver's sake.
        let scale: Vec<(f64, f64)> = columns
            .iter()
            .map(|c| {
                let mean = crate::stats::mean(c);
                let deviation = (c.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n as f64).sqrt();
                (mean, if deviation > 0.0 { deviation } else { 1.0 })
            })
            .collect();
        let mut order = times.order();
        order.reverse();
        let rows: Vec<Vec<f64>> = order
            .iter()
            .map(|i| columns.iter().zip(&scale).map(|(c, (m, s))| (c[*i] - m) / s).collect())
            .collect();
        let (time, left): (Vec<f64>, Vec<bool>) =
            order.iter().map(|i| (times.time[*i], times.left[*i])).unzip();
        let mut b = vec![0.0; k];
        let mut at = partial(&rows, &time, &left, &b);
        let null_log_likelihood = at.0;
        let mut converged = k == 0;
        for _ in 0..50 {
            if converged {
                break;
            }
            let step = solve(&at.2, &at.1).ok_or_else(|| {
                MineError::data(
                    "the covariates of a Cox regression must differ",
                    "one follows from the others",
                )
            })?;
            let mut length = 1.0;
            loop {
                let next: Vec<f64> = b.iter().zip(&step).map(|(b, s)| b + length * s).collect();
                let there = partial(&rows, &time, &left, &next);
                if there.0.is_finite() && there.0 >= at.0 - 1e-12 * at.0.abs() {
                    let gained = there.0 - at.0;
                    let moved = step.iter().map(|s| (length * s).abs()).fold(0.0, f64::max);
                    converged = gained.abs() < 1e-10 * at.0.abs().max(1.0) && moved < 1e-7;
                    (b, at) = (next, there);
                    break;
                }
                length /= 2.0;
                if length < 1e-6 {
                    converged = true;
                    break;
                }
            }
        }
        if !converged || b.iter().any(|v| v.abs() > 50.0) {
            return Err(MineError::data(
                "a Cox regression must converge",
                "a covariate tells who left without fail; leave it out",
            ));
        }
        let variances: Option<Vec<f64>> = (0..k)
            .map(|j| {
                let unit: Vec<f64> = (0..k).map(|i| f64::from(u8::from(i == j))).collect();
                solve(&at.2, &unit).map(|column| column[j])
            })
            .collect();
        let variances = variances.unwrap_or_else(|| vec![f64::NAN; k]);
        let hazard: Vec<f64> = rows.iter().map(|r| r.iter().zip(&b).map(|(x, b)| x * b).sum()).collect();
        Ok(Cox {
            coefficients: b.iter().zip(&scale).map(|(b, (_, s))| b / s).collect(),
            standard_errors: variances.iter().zip(&scale).map(|(v, (_, s))| v.sqrt() / s).collect(),
            log_likelihood: at.0,
            null_log_likelihood,
            concordance: concordance(&time, &left, &hazard),
            events,
        })
    }
}

/// Log partial likelihood with Efron's ties, its gradient, and the information matrix; rows run from the latest time to the earliest.
fn partial(rows: &[Vec<f64>], time: &[f64], left: &[bool], b: &[f64]) -> (f64, Vec<f64>, Vec<Vec<f64>>) {
    let k = b.len();
    let (mut value, mut gradient, mut information) = (0.0, vec![0.0; k], vec![vec![0.0; k]; k]);
    // Sums over those at risk.
    let (mut s0, mut s1, mut s2) = (0.0, vec![0.0; k], vec![vec![0.0; k]; k]);
    let mut from = 0;
    while from < rows.len() {
        let upto = from + time[from..].iter().take_while(|t| **t == time[from]).count();
        let (mut d, mut d0, mut d1, mut d2) = (0.0, 0.0, vec![0.0; k], vec![vec![0.0; k]; k]);
        for i in from..upto {
            let x = &rows[i];
            let score: f64 = x.iter().zip(b).map(|(x, b)| x * b).sum();
            let e = score.exp();
            s0 += e;
            for p in 0..k {
                s1[p] += e * x[p];
                for q in 0..k {
                    s2[p][q] += e * x[p] * x[q];
                }
            }
            if left[i] {
                d += 1.0;
                d0 += e;
                value += score;
                for p in 0..k {
                    gradient[p] += x[p];
                    d1[p] += e * x[p];
                    for q in 0..k {
                        d2[p][q] += e * x[p] * x[q];
                    }
                }
            }
        }
        for tie in 0..d as usize {
            let share = tie as f64 / d;
            let w0 = s0 - share * d0;
            value -= w0.ln();
            for p in 0..k {
                let mean_p = (s1[p] - share * d1[p]) / w0;
                gradient[p] -= mean_p;
                for q in 0..k {
                    let mean_q = (s1[q] - share * d1[q]) / w0;
                    information[p][q] += (s2[p][q] - share * d2[p][q]) / w0 - mean_p * mean_q;
                }
            }
        }
        from = upto;
    }
    (value, gradient, information)
}

/// Harrell's concordance; hazards that are equal count half. Rows run from the latest time to the earliest.
fn concordance(time: &[f64], left: &[bool], hazard: &[f64]) -> Option<f64> {
    // For each event: those with a later time, or censored at the same, had a lower hazard if the model is right. Hazards as ranks in a
    // tree of counts: n log n.
    let mut ranks: Vec<f64> = hazard.to_vec();
    ranks.sort_unstable_by(f64::total_cmp);
    ranks.dedup();
    let rank = |h: f64| ranks.partition_point(|r| *r < h);
    let mut counts = vec![0u64; ranks.len() + 1];
    let add = |counts: &mut Vec<u64>, at: usize| {
        let mut i = at + 1;
        while i < counts.len() {
            counts[i] += 1;
            i += i & i.wrapping_neg();
        }
    };
    let below = |counts: &Vec<u64>, at: usize| {
        let (mut i, mut sum) = (at, 0);
        while i > 0 {
            sum += counts[i];
            i &= i - 1;
        }
        sum
    };
    let (mut right, mut pairs, mut seen) = (0.0, 0.0, 0u64);
    let mut from = 0;
    while from < time.len() {
        let upto = from + time[from..].iter().take_while(|t| **t == time[from]).count();
        for i in (from..upto).filter(|i| !left[*i]) {
            add(&mut counts, rank(hazard[i]));
            seen += 1;
        }
        for i in (from..upto).filter(|i| left[*i]) {
            let at = rank(hazard[i]);
            let (lower, not_higher) = (below(&counts, at), below(&counts, at + 1));
            right += lower as f64 + 0.5 * (not_higher - lower) as f64;
            pairs += seen as f64;
        }
        for i in (from..upto).filter(|i| left[*i]) {
            add(&mut counts, rank(hazard[i]));
            seen += 1;
        }
        from = upto;
    }
    (pairs > 0.0).then(|| right / pairs)
}

/// Solves a symmetric positive system by Cholesky's method; `None` if it is not positive.
fn solve(matrix: &[Vec<f64>], right: &[f64]) -> Option<Vec<f64>> {
    let n = right.len();
    let mut l = vec![vec![0.0; n]; n];
    for i in 0..n {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|m| l[i][m] * l[j][m]).sum();
            if i == j {
                let rest = matrix[i][i] - sum;
                if rest <= 1e-10 * matrix[i][i].abs() || !rest.is_finite() {
                    return None;
                }
                l[i][i] = rest.sqrt();
            } else {
                l[i][j] = (matrix[i][j] - sum) / l[j][j];
            }
        }
    }
    let mut y = vec![0.0; n];
    for i in 0..n {
        y[i] = (right[i] - (0..i).map(|m| l[i][m] * y[m]).sum::<f64>()) / l[i][i];
    }
    for i in (0..n).rev() {
        y[i] = (y[i] - (i + 1..n).map(|m| l[m][i] * y[m]).sum::<f64>()) / l[i][i];
    }
    Some(y)
}
