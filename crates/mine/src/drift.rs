//! Whether customers of today are still those that a model was fitted on: population stability with calibrated alarms.
//!
//! A column is cut at the deciles of the reference, and the shares of both populations in each bin are held against each other by the
//! *population stability index*, `PSI = sum (q - p) ln(q / p)`. A fixed border (such as "above 0.1") means nothing by itself: with a hundred
//! customers in both, ten bins go above it in most months in which nothing changed, and with a million none ever does. Without a change, `PSI / (1/n + 1/m)`
//! follows a chi-squared distribution with one degree of freedom less than there are bins (Yurdakul and Naranjo, "Statistical properties of
//! the population stability index", Journal of Risk Model Validation 14, 2020). That gives a p-value; all columns together are held to
//! one rate of false alarms (Holm, Scandinavian Journal of Statistics 6, 1979). Beside it stands the size of the change, the largest
//! distance between the two cumulative shares: of many customers even a change that nobody would act on is beyond chance, so an alarm needs both.
//!
//! The test takes the two populations as drawn apart. Nights of one shop share most customers, whose values hardly move: there alarms are rarer than the
//! stated rate.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ChiSquared, ContinuousCDF};

/// A column of the reference: where it is cut, and how many customers lie in each bin.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// Upper ends of all bins but the last, ascending; a value at an end lies below it.
    pub breaks: Vec<f64>,
    /// Customers in each bin; the last is for those without a value.
    pub counts: Vec<u64>,
}

/// How far a population is from the reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// The population stability index.
    pub psi: f64,
    /// What it is in the mean without a change.
    pub psi_unchanged: f64,
    /// How often it is that large without a change.
    pub p_value: f64,
    /// The largest distance of the two cumulative shares, 0 to 1.
    pub distance: f64,
}

impl Reference {
    /// Cuts a column at its quantiles into at most `bins` bins; NaN is no value.
    pub fn of(values: &[f64], bins: usize) -> Reference {
        let mut known: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
        known.sort_by(f64::total_cmp);
        let at = |i: usize| known[(i * known.len() / bins).saturating_sub(1)];
        let mut breaks: Vec<f64> = if known.is_empty() { Vec::new() } else { (1..bins).map(at).collect() };
        breaks.dedup();
        // Nothing lies above a break at the largest value.
        if breaks.last() == known.last() {
            breaks.pop();
        }
        let counts = count(&breaks, values);
        Reference { breaks, counts }
    }

    /// Customers of the reference.
    pub fn customers(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// What is wrong with numbers that come from a file.
    ///
    /// # Errors
    /// If the breaks do not ascend or the counts are not those of the bins.
    pub fn check(&self) -> Result<(), String> {
        if !self.breaks.is_sorted_by(|a, b| a < b) || self.breaks.iter().any(|b| !b.is_finite()) {
            return Err("its breaks do not ascend".to_owned());
        }
        if self.counts.len() != self.breaks.len() + 2 {
            return Err("it has other counts than bins".to_owned());
        }
        Ok(())
    }

    /// Holds a population against it; `None` where one of the two is empty or there is one bin.
    ///
    /// ```
    /// use tillwise_mine::drift::Reference;
    /// let reference = Reference::of(&(0..1000).map(f64::from).collect::<Vec<f64>>(), 10);
    /// let same: Vec<f64> = (0..500).map(|i| f64::from(i) * 2.0).collect();
    /// let later: Vec<f64> = same.iter().map(|v| v + 200.0).collect();
    /// assert!(reference.shift(&same).unwrap().p_value > 0.5);
    /// let shift = reference.shift(&later).unwrap();
    /// assert!(shift.p_value < 1e-9 && (shift.distance - 0.2).abs() < 0.01);
    /// ```
    pub fn shift(&self, values: &[f64]) -> Option<Shift> {
        let now = count(&self.breaks, values);
        // A bin that is empty on both sides is none.
        let bins: Vec<(f64, f64)> = self
            .counts
            .iter()
            .zip(&now)
            .filter(|(a, b)| **a + **b > 0)
            .map(|(a, b)| (*a as f64, *b as f64))
            .collect();
        let (n, m) = (self.customers() as f64, values.len() as f64);
        if n == 0.0 || m == 0.0 || bins.len() < 2 {
            return None;
        }
        // A half in every bin, where one is empty on one side: its logarithm would have no end.
        let half = if bins.iter().any(|(a, b)| *a == 0.0 || *b == 0.0) { 0.5 } else { 0.0 };
        let (of_n, of_m) = (n + half * bins.len() as f64, m + half * bins.len() as f64);
        let (mut psi, mut distance, mut below) = (0.0, 0.0f64, 0.0);
        for (a, b) in &bins {
            let (p, q) = ((a + half) / of_n, (b + half) / of_m);
            psi += (q - p) * (q / p).ln();
            below += b / m - a / n;
            distance = distance.max(below.abs());
        }
        let unit = 1.0 / n + 1.0 / m;
        let freedom = (bins.len() - 1) as f64;
        let p_value = ChiSquared::new(freedom).map_or(f64::NAN, |chi| chi.sf(psi / unit));
        Some(Shift { psi, psi_unchanged: unit * freedom, p_value, distance: distance.min(1.0) })
    }
}

/// Values in each bin, and those that are none.
fn count(breaks: &[f64], values: &[f64]) -> Vec<u64> {
    let mut counts = vec![0; breaks.len() + 2];
    for value in values {
        let bin = if value.is_finite() { breaks.partition_point(|b| b < value) } else { breaks.len() + 1 };
        counts[bin] += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngCore, SeedableRng};
    use rand_distr::{Distribution, LogNormal, Poisson};
    use rand_xoshiro::Xoshiro256PlusPlus;

    /// The share of draws without a change that are beyond 5 %.
    fn false_alarms(n: usize, m: usize, draw: impl Fn(&mut Xoshiro256PlusPlus) -> f64) -> f64 {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64((n * 7 + m) as u64);
        let trials = 4000;
        let alarms = (0..trials)
            .filter(|_| {
                let [a, b] = [n, m].map(|size| (0..size).map(|_| draw(&mut rng)).collect::<Vec<f64>>());
                Reference::of(&a, 10).shift(&b).is_some_and(|s| s.p_value < 0.05)
            })
            .count();
        alarms as f64 / trials as f64
    }

    #[test]
    fn alarms_without_a_change_come_at_the_stated_rate() {
        let money = LogNormal::new(3.0, 1.0).unwrap();
        let orders = Poisson::new(2.0).unwrap();
        for (n, m) in [(300, 300), (1000, 400), (400, 2000)] {
            for rate in [
                false_alarms(n, m, |rng| money.sample(rng)),
                false_alarms(n, m, |rng| orders.sample(rng)),
                false_alarms(n, m, |rng| if rng.next_u64() % 10 < 3 { f64::NAN } else { money.sample(rng) }),
            ] {
                // Three standard errors of a share of 4000 are one in a hundred; few customers give a few more.
                assert!((0.035..0.07).contains(&rate), "{n} and {m}: {rate}");
            }
        }
        // The customary border, on a hundred customers and on a thousand.
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let mut above = |n: usize| {
            (0..400)
                .filter(|_| {
                    let [a, b] = [0, 1].map(|_| (0..n).map(|_| money.sample(&mut rng)).collect::<Vec<f64>>());
                    Reference::of(&a, 10).shift(&b).unwrap().psi > 0.1
                })
                .count()
        };
        assert!(above(100) > 280 && above(1000) == 0);
    }

    #[test]
    fn changes_are_found_and_measured() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
        let draw = |rng: &mut Xoshiro256PlusPlus, mean: f64| -> Vec<f64> {
            let d = LogNormal::new(mean, 1.0).unwrap();
            (0..600).map(|_| d.sample(rng)).collect()
        };
        let found = (0..200)
            .filter(|_| {
                let (a, b) = (draw(&mut rng, 3.0), draw(&mut rng, 3.4));
                Reference::of(&a, 10).shift(&b).unwrap().p_value < 0.01
            })
            .count();
        assert!(found > 195, "{found}");
        // By hand: shares of a half each become 3 and 1 in four.
        let reference = Reference::of(&[1.0, 1.0, 2.0, 2.0], 2);
        assert_eq!(
            (reference.breaks.as_slice(), reference.counts.as_slice()),
            ([1.0].as_slice(), [2, 2, 0].as_slice())
        );
        let shift = reference.shift(&[1.0, 1.0, 1.0, 2.0]).unwrap();
        assert!((shift.psi - 0.25 * 3f64.ln()).abs() < 1e-12 && (shift.distance - 0.25).abs() < 1e-12);
        assert!((shift.psi_unchanged - 0.5).abs() < 1e-12);
        // erfc(sqrt(0.25 ln 3))
        assert!((shift.p_value - 0.458_601_341_8).abs() < 1e-9, "{}", shift.p_value);
    }

    #[test]
    fn what_cannot_be_compared_is_not() {
        assert!(Reference::of(&[], 10).shift(&[1.0]).is_none());
        assert!(Reference::of(&[1.0; 50], 10).shift(&[1.0; 50]).is_none(), "one bin");
        assert!(Reference::of(&[1.0; 50], 10).shift(&[]).is_none());
        let blank = Reference::of(&[1.0; 50], 10).shift(&[f64::NAN; 50]).unwrap();
        assert!(blank.p_value < 1e-6 && blank.distance == 1.0 && blank.psi.is_finite());
        assert!(Reference { breaks: vec![2.0, 1.0], counts: vec![0; 4] }.check().is_err());
        assert!(Reference { breaks: vec![1.0], counts: vec![0; 2] }.check().is_err());
    }
}
