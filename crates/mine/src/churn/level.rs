//! The level of churn, and what past cutoffs say of it.
//!
//! A model learns how likely customers were to stay away at earlier cutoffs. Before Christmas more of them come back, in a shop that fades fewer
//! do, and every probability is off in the same direction. So the model is made anew at every cutoff whose window has ended, each time
//! from what was known then, and its mean probability is held against the share that stayed away. A constant added to the log-odds (King & Zeng
//! 2001, for another base rate) sets the level. It may be what would have mended the cutoff before, or half of it, or what brings the
//! mean to the share of a year ago ([`Way`]). Whether there is one, and which, is decided by the cutoffs before: by the largest gain over doing nothing,
//! and none is believed that fewer than [`FEWEST`] cutoffs could be looked at with.

use serde::{Deserialize, Serialize};

use super::calibrate::log_odds;

/// Cutoffs that a way must be looked at with, before it is believed.
pub const FEWEST: usize = 2;

/// Rows of a past cutoff.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// Calibrated probabilities by the model of then, without a level; none where there was no model yet.
    pub probabilities: Vec<f64>,
    /// Who stayed away.
    pub churned: Vec<bool>,
}

/// How the level is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// As the model has it.
    #[default]
    Model,
    /// By half of what would have mended the cutoff before.
    HalfOfLast,
    /// By what would have mended the cutoff before.
    Last,
    /// The share of a year ago.
    YearAgo,
}

impl Way {
    /// All but [`Way::Model`].
    const OTHERS: [Way; 3] = [Way::HalfOfLast, Way::Last, Way::YearAgo];

    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Way::Model => "model",
            Way::HalfOfLast => "half_of_last",
            Way::Last => "last",
            Way::YearAgo => "year_ago",
        }
    }
}

/// How one cutoff came out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Rows.
    pub rows: usize,
    /// Share that stayed away.
    pub actual: f64,
    /// Mean probability of the model.
    pub expected: f64,
    /// How the cutoffs before would have set the level.
    pub way: Way,
    /// Mean probability with that.
    pub corrected: f64,
}

/// The cutoffs, the earliest first.
struct Pasts<'a> {
    all: &'a [Past],
    /// How many cutoffs ago a year was.
    a_year: usize,
    /// What would have mended each.
    right: Vec<f64>,
}

/// A probability after a constant was added to its log-odds.
pub fn shifted(p: f64, shift: f64) -> f64 {
    if shift == 0.0 { p } else { 1.0 / (1.0 + (-(log_odds(p) + shift)).exp()) }
}

fn mean(p: &[f64], shift: f64) -> f64 {
    p.iter().map(|p| shifted(*p, shift)).sum::<f64>() / p.len().max(1) as f64
}

/// The constant by which the mean probability becomes a share, within 4 either way; the mean rises with it.
fn shift_to(probabilities: &[f64], share: f64) -> f64 {
    let (mut low, mut high) = (-4.0, 4.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if mean(probabilities, middle) < share { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

impl Past {
    fn is_judged(&self) -> bool {
        !self.probabilities.is_empty()
    }

    fn share(&self) -> f64 {
        self.churned.iter().filter(|c| **c).count() as f64 / self.churned.len().max(1) as f64
    }
}

impl Pasts<'_> {
    /// The constant by a way for probabilities at the place of a cutoff, by what was known before it.
    fn shift(&self, way: Way, at: usize, probabilities: &[f64]) -> Option<f64> {
        let last = || at.checked_sub(1).filter(|i| self.all[*i].is_judged()).map(|i| self.right[i]);
        match way {
            Way::Model => Some(0.0),
            Way::HalfOfLast => last().map(|shift| 0.5 * shift),
            Way::Last => last(),
            Way::YearAgo => {
                let ago = at.checked_sub(self.a_year).filter(|_| self.a_year > 0)?;
                Some(shift_to(probabilities, self.all[ago].share()))
            }
        }
    }

    /// How much nearer a way came to a cutoff than the model alone.
    fn gain(&self, way: Way, at: usize) -> Option<f64> {
        let past = &self.all[at];
        let shift = self.shift(way, at, &past.probabilities).filter(|_| past.is_judged())?;
        let error = |shift| (mean(&past.probabilities, shift) - past.share()).abs();
        Some(error(0.0) - error(shift))
    }

    /// The way that the cutoffs before a place speak for.
    fn way(&self, at: usize) -> Way {
        let mut best = (Way::Model, 0.0);
        for way in Way::OTHERS {
            let gains: Vec<f64> = (0..at).filter_map(|i| self.gain(way, i)).collect();
            let gain = gains.iter().sum::<f64>() / gains.len().max(1) as f64;
            if gains.len() >= FEWEST && gain > best.1 + 1e-12 {
                best = (way, gain);
            }
        }
        best.0
    }
}

/// What comes of cutoffs, the earliest first, each with the level that those before it speak for. `a_year` is how many cutoffs ago a
/// year was, 0 where none was near.
///
/// ```
/// use tillwise_mine::churn::level::{Past, Way, outcomes};
/// // The model always says 40 %, and 60 % stay away: once two cutoffs agree, the level is believed.
/// let past = Past { probabilities: vec![0.4; 50], churned: (0..50).map(|i| i % 5 < 3).collect() };
/// let outcomes = outcomes(&vec![past; 5], 0);
/// assert_eq!((outcomes[1].way, outcomes[4].way), (Way::Model, Way::Last));
/// assert!((outcomes[4].corrected - 0.6).abs() < 1e-9);
/// ```
pub fn outcomes(pasts: &[Past], a_year: usize) -> Vec<Outcome> {
    let pasts = Pasts::of(pasts, a_year);
    let judged = pasts.all.iter().enumerate().filter(|(_, past)| past.is_judged());
    judged
        .map(|(at, past)| {
            let way = pasts.way(at);
            let shift = pasts.shift(way, at, &past.probabilities).unwrap_or(0.0);
            Outcome {
                rows: past.churned.len(),
                actual: past.share(),
                expected: mean(&past.probabilities, 0.0),
                way,
                corrected: mean(&past.probabilities, shift),
            }
        })
        .collect()
}

/// The constant to add to the log-odds of probabilities at the cutoff behind the last one, and how it was found.
pub fn next(pasts: &[Past], a_year: usize, probabilities: &[f64]) -> (Way, f64) {
    let pasts = Pasts::of(pasts, a_year);
    let at = pasts.all.len();
    let way = pasts.way(at);
    match pasts.shift(way, at, probabilities).filter(|_| !probabilities.is_empty()) {
        Some(shift) => (way, shift),
        None => (Way::Model, 0.0),
    }
}

impl<'a> Pasts<'a> {
    fn of(all: &'a [Past], a_year: usize) -> Pasts<'a> {
        let right = all.iter().map(|p| shift_to(&p.probabilities, p.share())).collect();
        Pasts { all, a_year, right }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(says: f64, churners: usize) -> Past {
        Past { probabilities: vec![says; 100], churned: (0..100).map(|i| i < churners).collect() }
    }

    #[test]
    fn nothing_is_carried_where_it_would_not_have_helped() {
        // Errors that change their sign each time: carrying one on doubles the next.
        let pasts = [past(0.5, 60), past(0.5, 40), past(0.5, 60), past(0.5, 40)];
        assert!(outcomes(&pasts, 0).iter().all(|o| o.way == Way::Model && o.corrected == o.expected));
        assert_eq!(next(&pasts, 0, &[0.5]), (Way::Model, 0.0));
        // One cutoff, or two, say nothing.
        assert_eq!(next(&pasts[..2], 0, &[0.5]), (Way::Model, 0.0));
        assert_eq!(next(&[], 4, &[0.5]), (Way::Model, 0.0));
    }

    #[test]
    fn a_lasting_error_is_carried_and_hindsight_is_not() {
        let pasts = [past(0.3, 50), past(0.3, 50), past(0.3, 50), past(0.3, 50)];
        let found = outcomes(&pasts, 0);
        let corrected: Vec<f64> = found.iter().map(|o| (o.corrected * 1e6).round() / 1e6).collect();
        // The third has one cutoff that carrying on was looked at with; the fourth has two.
        assert_eq!(corrected, [0.3, 0.3, 0.3, 0.5]);
        // The odds of a half over the odds of 30 %.
        let (way, shift) = next(&pasts, 0, &[0.3]);
        assert!(way == Way::Last && (shift - (0.7f64 / 0.3).ln()).abs() < 1e-9);
        // What comes at a cutoff does not change what was said of it.
        let other = outcomes(&[past(0.3, 50), past(0.3, 50), past(0.3, 50), past(0.3, 20)], 0);
        assert_eq!(found[3].corrected, other[3].corrected);
    }

    #[test]
    fn a_season_comes_back() {
        // Every second cutoff is before Christmas; the first has no model yet.
        let first = Past { probabilities: Vec::new(), ..past(0.0, 60) };
        let pasts = [first, past(0.5, 30), past(0.5, 60), past(0.5, 30), past(0.5, 60)];
        let found = outcomes(&pasts, 2);
        let ways: Vec<Way> = found.iter().map(|o| o.way).collect();
        assert_eq!(ways, [Way::Model, Way::Model, Way::Model, Way::YearAgo]);
        assert!((found[3].corrected - 0.6).abs() < 1e-9);
        let (way, shift) = next(&pasts, 2, &[0.4, 0.6]);
        assert_eq!(way, Way::YearAgo);
        assert!((mean(&[0.4, 0.6], shift) - 0.3).abs() < 1e-9);
    }

    #[test]
    fn levels_stay_within_bounds() {
        let (_, shift) = next(&[past(0.5, 100), past(0.5, 100), past(0.5, 100)], 0, &[0.5]);
        assert!(shift.is_finite() && shift <= 4.0);
    }
}
