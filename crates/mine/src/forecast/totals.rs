//! Totals at every origin: methods, and their combination by what each did before.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// Squared error that a method is taken to have before it has shown any, and for how many origins that counts. The model is
/// trusted at first, all else has to earn it.
const PRIOR_OF_MODEL: f64 = 0.02;
const PRIOR: f64 = 0.1;
const PRIOR_ORIGINS: f64 = 2.0;
/// How much less an origin counts than the next.
const FADE: f64 = 0.9;
/// The squared error that ranges lean on, and for how many origins.
const PRIOR_OF_RANGE: f64 = 0.006;
const PRIOR_ORIGINS_OF_RANGE: f64 = 2.0;

/// One total over the origins.
#[derive(Clone, Debug)]
pub struct Series {
    horizon: usize,
    year: usize,
    origins: Vec<Origin>,
    /// By origin, the logarithm of actual over expected of the combination, where it was judged; the same of known and new
    /// together.
    errors: Vec<Option<f64>>,
    whole: Vec<Option<f64>>,
}

#[derive(Clone, Debug, Default)]
struct Origin {
    /// What the model expects.
    model: Option<f64>,
    /// What the window before brought.
    last: Option<f64>,
    /// What came.
    actual: Option<f64>,
}

/// A combination of methods.
#[derive(Clone, Debug, PartialEq)]
pub struct Combined {
    /// What it expects.
    pub expected: f64,
    /// Each method, what it expects, and what it counts for.
    pub parts: Vec<(&'static str, f64, f64)>,
}

/// A ratio that says something: both parts above zero.
fn ratio(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    let (a, b) = (a?, b?);
    (a > 0.0 && b > 0.0).then(|| a / b)
}

impl Series {
    /// No origin yet.
    pub fn new(horizon: usize, year: usize) -> Series {
        Series { horizon, year, origins: Vec::new(), errors: Vec::new(), whole: Vec::new() }
    }

    /// An origin with what the model expects, and what the window before it brought.
    pub fn open(&mut self, model: Option<f64>, last: Option<f64>) {
        self.origins.push(Origin { model, last, actual: None });
    }

    /// What came of an origin, and what the combination had expected.
    pub fn close(&mut self, origin: usize, actual: f64, expected: Option<f64>) {
        if let Some(o) = self.origins.get_mut(origin) {
            o.actual = Some(actual);
        }
        self.errors.push(ratio(Some(actual), expected).map(f64::ln));
    }

    /// The same of known and new customers together.
    pub fn close_whole(&mut self, actual: Option<f64>, expected: Option<f64>) {
        self.whole.push(ratio(actual, expected).map(f64::ln));
    }

    /// What each method says at an origin, by nothing later than it.
    fn methods(&self, at: usize) -> Vec<(&'static str, f64)> {
        let (h, y) = (self.horizon, self.year);
        let origin = |at: Option<usize>| at.and_then(|at| self.origins.get(at));
        let Some(now) = origin(Some(at)) else { return Vec::new() };
        // Over by now: a window that began a horizon ago.
        let before = origin(at.checked_sub(h));
        let year_ago = origin(at.checked_sub(y));
        let before_year = origin(at.checked_sub(y + h));
        let error = |o: Option<&Origin>| o.and_then(|o| ratio(o.actual, o.model));
        let mut found = Vec::new();
        if let Some(model) = now.model.filter(|m| *m > 0.0) {
            found.push(("model", model));
            if let Some(level) = error(before) {
                found.push(("level", model * level.sqrt()));
            }
            if let Some(season) = error(year_ago) {
                found.push(("season", model * season));
                if let (Some(level), Some(then)) = (error(before), error(before_year)) {
                    found.push(("level_and_season", model * level * season / then));
                }
            }
        }
        if let Some(last) = now.last.filter(|l| *l > 0.0) {
            found.push(("last_window", last));
            // The window that began a year ago, over the one before it.
            let next = origin(at.checked_sub(y).map(|a| a + h)).and_then(|o| o.last);
            if let Some(change) = ratio(next, year_ago.and_then(|o| o.last)) {
                found.push(("last_year", last * change));
            }
        }
        found
    }

    /// The combination at an origin: a geometric mean of the methods, weighted by the inverse square of their mean squared
    /// logarithmic errors at origins that were over by then. `None` without a method.
    pub fn combined(&self, at: usize) -> Option<Combined> {
        let over = at.checked_sub(self.horizon);
        let mut parts = Vec::new();
        for (method, expected) in self.methods(at) {
            let (mut sum, mut count) = (0.0, 0.0);
            // An origin without a window before it says little.
            for past in self.horizon..over.map_or(0, |o| o + 1) {
                let of_past = self.methods(past).into_iter().find(|(m, _)| *m == method).map(|(_, e)| e);
                if let Some(error) = ratio(of_past, self.origins[past].actual) {
                    let fade = FADE.powi((at - self.horizon - past) as i32);
                    sum += fade * error.ln().powi(2);
                    count += fade;
                }
            }
            let prior = if method == "model" { PRIOR_OF_MODEL } else { PRIOR };
            let squared = (sum + PRIOR_ORIGINS * prior) / (count + PRIOR_ORIGINS);
            parts.push((method, expected, squared.powi(-2)));
        }
        let all: f64 = parts.iter().map(|p| p.2).sum();
        if parts.is_empty() {
            return None;
        }
        parts.iter_mut().for_each(|p| p.2 /= all);
        let log: f64 = parts.iter().map(|(_, expected, weight)| weight * expected.ln()).sum();
        Some(Combined { expected: log.exp(), parts })
    }

    /// The range of a total that the combination expects at an origin, by errors that were known then.
    pub fn range(&self, at: usize, expected: f64, coverage: f64) -> (f64, f64) {
        self.range_by(&self.errors, at, expected, coverage)
    }

    /// The range of known and new customers together.
    pub fn range_of_whole(&self, at: usize, expected: f64, coverage: f64) -> (f64, f64) {
        self.range_by(&self.whole, at, expected, coverage)
    }

    fn range_by(&self, errors: &[Option<f64>], at: usize, expected: f64, coverage: f64) -> (f64, f64) {
        let over = (at + 1).saturating_sub(self.horizon).min(errors.len());
        let known: Vec<f64> = errors[..over].iter().copied().flatten().collect();
        range(&known, self.horizon, expected, coverage)
    }
}

/// A t interval of the logarithms of past errors. In their spread windows that overlap count for as many as would stand side by side.
fn range(errors: &[f64], horizon: usize, expected: f64, coverage: f64) -> (f64, f64) {
    let apart = errors.len() as f64 / horizon as f64;
    let mean_square = errors.iter().map(|e| e * e).sum::<f64>() / errors.len().max(1) as f64;
    let count = apart + PRIOR_ORIGINS_OF_RANGE;
    let square = (apart * mean_square + PRIOR_ORIGINS_OF_RANGE * PRIOR_OF_RANGE) / count;
    let degrees = errors.len() as f64 + PRIOR_ORIGINS_OF_RANGE;
    let t = StudentsT::new(0.0, 1.0, degrees).map_or(2.0, |t| t.inverse_cdf(0.5 + coverage / 2.0));
    let reach = (t * square.sqrt()).exp();
    (expected / reach, expected * reach)
}
