//! Single customers at every origin: the mix of model and recent windows, and the ranges.

/// Customers whose first order is younger than so many days are new: little is known of them.
pub const NEW_DAYS: f32 = 90.0;

/// Shares of the model in the mix that are tried.
const SHARES: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

/// Absolute errors of each share, at the origins in order.
#[derive(Clone, Debug, Default)]
pub struct Mix {
    errors: Vec<[f64; SHARES.len()]>,
}

/// What the mix is made of.
#[derive(Clone, Debug)]
pub struct Mixed {
    /// What the model expects of each customer; NaN for who came later.
    pub model: Vec<f64>,
    /// What the last windows brought, a window's worth.
    pub recent: Vec<f64>,
}

impl Mixed {
    /// The mix with a share of the model.
    pub fn of(&self, share: f64) -> Vec<f64> {
        let mix = |(model, recent): (&f64, &f64)| {
            if recent.is_nan() { *model } else { share * model + (1.0 - share) * recent }
        };
        self.model.iter().zip(&self.recent).map(mix).collect()
    }
}

impl Mix {
    /// The share with the least absolute error over the first `known` origins; the model alone before any.
    pub fn best(&self, known: usize) -> f64 {
        let sum = |share: usize| self.errors.iter().take(known).map(|e| e[share]).sum::<f64>();
        let least = (0..SHARES.len()).rev().min_by(|a, b| sum(*a).total_cmp(&sum(*b)));
        SHARES[least.unwrap_or(SHARES.len() - 1)]
    }

    /// Passes over an origin without forecasts.
    pub fn skip(&mut self) {
        self.errors.push([0.0; SHARES.len()]);
    }

    /// Learns from the next origin: what came of each customer, NaN for who came later.
    pub fn learn(&mut self, mixed: &Mixed, came: &[f64]) {
        self.errors.push(SHARES.map(|share| {
            let each = mixed.of(share);
            let off = |(e, a): (&f64, &f64)| (e - a).abs();
            each.iter().zip(came).map(off).filter(|off| off.is_finite()).sum()
        }));
    }
}

/// What was expected of customers, and what came, at the last closed origins.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    /// The origins in order, each with its customers: expected, came, whether new. Those too old to be asked for are empty.
    origins: Vec<Vec<(f64, f64, bool)>>,
}

/// Origins that ranges are learned from, at most: the last ones.
const ORIGINS: usize = 6;
/// Bins of like forecasts, of old and of new customers each.
const BINS: usize = 20;
/// Customers of a bin, at least.
const LEAST: usize = 50;

/// A range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// Ranges by what is expected, of old and of new customers.
#[derive(Clone, Debug)]
pub struct Ranges([Vec<(f64, Range)>; 2]);

impl Pool {
    /// Passes over an origin without forecasts.
    pub fn skip(&mut self) {
        self.origins.push(Vec::new());
    }

    /// Learns from the next origin, from evenly spread customers if there are many. Origins are asked for at most `horizon` later.
    pub fn learn(
        &mut self,
        expected: &[f64],
        came: &[f64],
        age_days: &[f32],
        (most, horizon): (usize, usize),
    ) {
        let known: Vec<usize> =
            (0..came.len()).filter(|i| came[*i].is_finite() && expected[*i].is_finite()).collect();
        let step = known.len().div_ceil(most).max(1);
        let row = |i: &usize| (expected[*i], came[*i], age_days[*i] < NEW_DAYS);
        self.origins.push(known.iter().step_by(step).map(row).collect());
        if let Some(old) = self.origins.len().checked_sub(ORIGINS + horizon + 1) {
            self.origins[old] = Vec::new();
        }
    }

    /// The ranges that held a share of what came, in every bin, at the last of the first `known` origins; `None` before any.
    pub fn ranges(&self, known: usize, coverage: f64) -> Option<Ranges> {
        let known = &self.origins[..known.min(self.origins.len())];
        let last = &known[known.len().saturating_sub(ORIGINS)..];
        if last.iter().all(Vec::is_empty) {
            return None;
        }
        let of = |new: bool| {
            let mut rows: Vec<(f64, f64)> =
                last.iter().flatten().filter(|r| r.2 == new).map(|r| (r.0, r.1)).collect();
            rows.sort_by(|a, b| a.0.total_cmp(&b.0));
            let size = rows.len().div_ceil(BINS).max(LEAST);
            let mut bins: Vec<(f64, Range)> = Vec::new();
            let mut from = 0;
            while from < rows.len() {
                // Equal forecasts share a bin.
                let mut to = (from + size).min(rows.len());
                while to < rows.len() && rows[to].0 == rows[to - 1].0 {
                    to += 1;
                }
                bins.push(bounds(&rows[from..to], coverage));
                from = to;
            }
            // The last bin is open.
            if let Some(last) = bins.last_mut() {
                last.0 = f64::INFINITY;
            }
            bins
        };
        let (old, new) = (of(false), of(true));
        Some(match (old.is_empty(), new.is_empty()) {
            (false, false) => Ranges([old, new]),
            (false, true) => Ranges([old.clone(), old]),
            _ => Ranges([new.clone(), new]),
        })
    }
}

/// The largest forecast of a bin, and the range of what came: at both ends, half of what may be missed, and the finite number of
/// customers taken into account.
fn bounds(bin: &[(f64, f64)], coverage: f64) -> (f64, Range) {
    let mut came: Vec<f64> = bin.iter().map(|r| r.1).collect();
    came.sort_by(f64::total_cmp);
    let n = came.len();
    let missed = (1.0 - coverage) / 2.0;
    // The k-th of n + 1 places, so that a new customer of the bin is missed with at most that probability.
    let k = (missed * (n as f64 + 1.0)).floor() as usize;
    let (low, high) = if k == 0 { (came[0], came[n - 1]) } else { (came[k - 1], came[n - k]) };
    (bin.last().map_or(f64::NAN, |r| r.0), Range { low, high })
}

impl Ranges {
    /// The range of a customer: of the first bin whose forecasts reach theirs.
    pub fn of(&self, expected: f64, age_days: f32) -> Range {
        let bins = &self.0[usize::from(age_days < NEW_DAYS)];
        let at = bins.partition_point(|(end, _)| *end < expected).min(bins.len().saturating_sub(1));
        bins.get(at).map_or(Range { low: f64::NAN, high: f64::NAN }, |b| b.1)
    }
}
