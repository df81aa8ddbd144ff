//! Which channels bring orders: credit for the touches on the way to one.
//!
//! A [`Path`] is what a customer was touched by before an order, or since the last one where none came (a *null path*). Rules give credit
//! by the place on the path: first, last, linear, by time (halved for every half-life before the order), by position (40 % to the first and to the last, the
//! rest to those between). Two models ask what would be missing without a channel:
//!
//! * **Markov** (Anderl, Becker, von Wangenheim and Schumann, "Mapping the customer journey", International Journal of Research in Marketing
//!   33, 2016): paths are walks from touch to touch until an order or nothing. Without a channel, every walk that comes to it ends with
//!   nothing; the share of orders that is lost is its *removal effect*. It needs no simulation: with the fundamental matrix `N = (I - Q)^-1`
//!   of the walk, a channel is reached from the start with probability `N[s, c] / N[c, c]`, and leads on to an order with the
//!   probability of absorption from `c`; the product is what is lost, exactly (Kemeny and Snell, Finite Markov chains, 1960, chapter 3).
//!   Credit is in proportion to removal effects.
//! * **Shapley** (1953): the credit of a channel is what it adds to the orders of any coalition of the others, in the mean over all orders of joining. A
//!   coalition is worth the orders of paths whose channels all belong to it. Then every order is shared evenly among the different channels of its
//!   path (Zhao, Mahboobi and Bagheri, "Shapley value methods for attribution modeling in online advertising", 2018): exact for any number of channels.

use std::collections::BTreeMap;

use crate::MineError;

/// Touches on the way to an order, or to none.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// The channel of each touch, the earliest first.
    pub channels: Vec<u16>,
    /// How many days before its end each touch was.
    pub days_before: Vec<f64>,
    /// Whether an order came.
    pub converted: bool,
    /// What it was worth.
    pub value: f64,
}

/// How credit is given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// All to the first touch.
    First,
    /// All to the last.
    Last,
    /// Evenly to all touches.
    Linear,
    /// Halved for every so many days before the order.
    TimeDecay(f64),
    /// 40 % to the first and to the last, the rest evenly between.
    Position,
    /// By removal effects.
    Markov,
    /// By Shapley values.
    Shapley,
}

impl Rule {
    /// All rules; `half_life` is in days.
    pub fn all(half_life: f64) -> [Rule; 7] {
        [
            Rule::First,
            Rule::Last,
            Rule::Linear,
            Rule::TimeDecay(half_life),
            Rule::Position,
            Rule::Markov,
            Rule::Shapley,
        ]
    }

    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Rule::First => "first",
            Rule::Last => "last",
            Rule::Linear => "linear",
            Rule::TimeDecay(_) => "time_decay",
            Rule::Position => "position",
            Rule::Markov => "markov",
            Rule::Shapley => "shapley",
        }
    }

    /// The weight of each touch of a path, 1 in all; none for the rules that look at all paths.
    fn weights(self, path: &Path) -> Vec<f64> {
        let n = path.channels.len();
        let even = |of: &dyn Fn(usize) -> f64| {
            let weights: Vec<f64> = (0..n).map(of).collect();
            let sum: f64 = weights.iter().sum();
            weights.into_iter().map(|w| w / sum).collect::<Vec<f64>>()
        };
        match self {
            Rule::First => even(&|i| f64::from(u8::from(i == 0))),
            Rule::Last => even(&|i| f64::from(u8::from(i == n - 1))),
            Rule::Linear => even(&|_| 1.0),
            Rule::TimeDecay(half_life) => {
                // Against the latest touch, so that touches of long ago do not all become nothing.
                let latest = path.days_before.iter().copied().fold(f64::INFINITY, f64::min);
                even(&|i| f64::exp2(-(path.days_before[i] - latest) / half_life))
            }
            Rule::Position if n <= 2 => even(&|_| 1.0),
            Rule::Position => even(&|i| if i == 0 || i == n - 1 { 0.4 } else { 0.2 / (n - 2) as f64 }),
            Rule::Shapley => {
                let times = |c: u16| path.channels.iter().filter(|d| **d == c).count() as f64;
                even(&|i| 1.0 / times(path.channels[i]))
            }
            Rule::Markov => Vec::new(),
        }
    }
}

/// What a channel is credited with.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Credit {
    /// Orders, in parts.
    pub conversions: f64,
    /// Their value.
    pub value: f64,
}

/// The credit of every channel by a rule. Rules give out exactly the orders and the value that there are.
///
/// ```
/// use tillwise_mine::channels::{Path, Rule, credit};
/// let path = |channels: &[u16], converted| Path {
///     channels: channels.to_vec(), days_before: vec![0.0; channels.len()], converted, value: 10.0,
/// };
/// let paths = [path(&[0, 1], true), path(&[1], false), path(&[0], true)];
/// let first = credit(&paths, 2, Rule::First)?;
/// assert_eq!((first[0].conversions, first[1].conversions), (2.0, 0.0));
/// assert_eq!(credit(&paths, 2, Rule::Shapley)?[1].value, 5.0);
/// # Ok::<(), tillwise_mine::MineError>(())
/// ```
///
/// # Errors
/// If the walk cannot be solved: a defect.
pub fn credit(paths: &[Path], channels: usize, rule: Rule) -> Result<Vec<Credit>, MineError> {
    let mut credit = vec![Credit::default(); channels];
    let converted = || paths.iter().filter(|p| p.converted && !p.channels.is_empty());
    if rule == Rule::Markov {
        let effects = Walk::of(paths, channels).removal_effects()?;
        let all: f64 = effects.iter().sum();
        if all > 0.0 {
            let (orders, value) = converted().fold((0.0, 0.0), |(n, v), p| (n + 1.0, v + p.value));
            for (one, effect) in credit.iter_mut().zip(effects) {
                *one = Credit { conversions: orders * effect / all, value: value * effect / all };
            }
        }
        return Ok(credit);
    }
    for path in converted() {
        for (channel, weight) in path.channels.iter().zip(rule.weights(path)) {
            let one = &mut credit[*channel as usize];
            one.conversions += weight;
            one.value += weight * path.value;
        }
    }
    Ok(credit)
}

/// Walks from touch to touch: state 0 is the start, then the channels, then an order and nothing.
#[derive(Clone, Debug)]
pub struct Walk {
    channels: usize,
    /// How often each state followed another.
    pub counts: BTreeMap<(usize, usize), u64>,
}

impl Walk {
    /// Counts the steps of all paths that have a touch.
    pub fn of(paths: &[Path], channels: usize) -> Walk {
        let mut counts: BTreeMap<(usize, usize), u64> = BTreeMap::new();
        for path in paths.iter().filter(|p| !p.channels.is_empty()) {
            let mut at = 0;
            for channel in &path.channels {
                let next = *channel as usize + 1;
                *counts.entry((at, next)).or_default() += 1;
                at = next;
            }
            let end = channels + if path.converted { 1 } else { 2 };
            *counts.entry((at, end)).or_default() += 1;
        }
        Walk { channels, counts }
    }

    /// The name of a state by those of the channels.
    pub fn state<'a>(&self, names: &'a [String], state: usize) -> &'a str {
        match state {
            0 => "(start)",
            s if s <= self.channels => &names[s - 1],
            s if s == self.channels + 1 => "(order)",
            _ => "(none)",
        }
    }

    /// The probability of each step from its state.
    pub fn probability(&self, from: usize, to: usize) -> f64 {
        let all: u64 = self.counts.range((from, 0)..(from + 1, 0)).map(|c| *c.1).sum();
        self.counts.get(&(from, to)).copied().unwrap_or(0) as f64 / all as f64
    }

    /// The share of orders that would be lost without each channel.
    ///
    /// # Errors
    /// If the walk cannot be solved: a defect.
    pub fn removal_effects(&self) -> Result<Vec<f64>, MineError> {
        let n = self.channels + 1;
        // I - Q, and beside it the unit matrix that becomes its inverse.
        let mut matrix = vec![vec![0.0; 2 * n]; n];
        let mut order = vec![0.0; n];
        for (i, row) in matrix.iter_mut().enumerate() {
            row[i] = 1.0;
            row[n + i] = 1.0;
        }
        for (from, to) in self.counts.keys() {
            let p = self.probability(*from, *to);
            if *to < n {
                matrix[*from][*to] -= p;
            } else if *to == n {
                order[*from] = p;
            }
        }
        invert(&mut matrix)?;
        let reach = |from: usize, to: usize| matrix[from][n + to];
        let absorbed = |from: usize| (0..n).map(|k| reach(from, k) * order[k]).sum::<f64>();
        let all = absorbed(0);
        if all <= 0.0 {
            return Ok(vec![0.0; self.channels]);
        }
        Ok((1..n).map(|c| reach(0, c) / reach(c, c) * absorbed(c) / all).collect())
    }
}

/// Gauss and Jordan, with the largest pivot of each column.
fn invert(matrix: &mut [Vec<f64>]) -> Result<(), MineError> {
    let n = matrix.len();
    for column in 0..n {
        let pivot = (column..n).max_by(|a, b| matrix[*a][column].abs().total_cmp(&matrix[*b][column].abs()));
        let Some(pivot) = pivot.filter(|p| matrix[*p][column].abs() > 1e-12) else {
            // From every channel of a path its end can be reached, so the walk always ends.
            return Err(MineError::Defect {
                promise: "a walk over channels ends".to_owned(),
                found: format!("no pivot in column {column}"),
            });
        };
        matrix.swap(column, pivot);
        let lead = matrix[column][column];
        matrix[column].iter_mut().for_each(|v| *v /= lead);
        let own = matrix[column].clone();
        for (i, row) in matrix.iter_mut().enumerate() {
            let factor = row[column];
            if i != column && factor != 0.0 {
                row.iter_mut().zip(&own).for_each(|(v, o)| *v -= factor * o);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(channels: &[u16], converted: bool, value: f64) -> Path {
        let days_before = (0..channels.len()).rev().map(|i| i as f64 * 7.0).collect();
        Path { channels: channels.to_vec(), days_before, converted, value }
    }

    /// An example that many texts work by hand: C1 > C2 > C3 > order, C1 > nothing, C2 > C3 > nothing.
    #[test]
    fn removal_effects_by_hand() {
        let paths = [path(&[0, 1, 2], true, 1.0), path(&[0], false, 0.0), path(&[1, 2], false, 0.0)];
        // From the start to C1 2/3, to C2 1/3; C1 to C2 1/2; C2 to C3; C3 to an order 1/2.
        // An order comes with 2/3 * 1/2 * 1/2 + 1/3 * 1/2 = 1/3; without C1 1/6, without C2 or C3 never.
        let effects = Walk::of(&paths, 3).removal_effects().unwrap();
        assert!([0.5, 1.0, 1.0].iter().zip(&effects).all(|(a, b)| (a - b).abs() < 1e-12), "{effects:?}");
        let credit = credit(&paths, 3, Rule::Markov).unwrap();
        assert!((credit[0].conversions - 0.2).abs() < 1e-12 && (credit[1].conversions - 0.4).abs() < 1e-12);
    }

    #[test]
    fn rules_by_hand() {
        let paths = [path(&[0, 1, 1, 2], true, 100.0), path(&[2, 0], false, 0.0)];
        let of = |rule| credit(&paths, 3, rule).unwrap().iter().map(|c| c.value).collect::<Vec<f64>>();
        assert_eq!(of(Rule::First), [100.0, 0.0, 0.0]);
        assert_eq!(of(Rule::Last), [0.0, 0.0, 100.0]);
        assert_eq!(of(Rule::Linear), [25.0, 50.0, 25.0]);
        assert!(of(Rule::Position).iter().zip([40.0, 20.0, 40.0]).all(|(a, b)| (a - b).abs() < 1e-9));
        // Weekly touches and a half-life of a week: 1, 2, 4 and 8 parts.
        assert!(
            of(Rule::TimeDecay(7.0))
                .iter()
                .zip([1.0, 6.0, 8.0])
                .all(|(a, b)| (a - b * 100.0 / 15.0).abs() < 1e-9)
        );
        assert!(of(Rule::Shapley).iter().all(|v| (v - 100.0 / 3.0).abs() < 1e-9));
        // A touch years ago, and a half-life of a day.
        let old = Path { days_before: vec![9000.0, 8999.0], ..path(&[0, 1], true, 3.0) };
        let old = credit(&[old], 2, Rule::TimeDecay(1.0)).unwrap();
        assert!((old[1].value - 2.0).abs() < 1e-9);
    }

    fn random_paths(seed: u64, channels: u64, n: usize) -> Vec<Path> {
        use rand::{RngCore, SeedableRng};
        let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(seed);
        (0..n)
            .map(|_| {
                let length = 1 + rng.next_u64() % 5;
                let touches: Vec<u16> = (0..length).map(|_| (rng.next_u64() % channels) as u16).collect();
                path(&touches, rng.next_u64() % 3 == 0, (rng.next_u64() % 90) as f64)
            })
            .collect()
    }

    /// Every channel taken out, and the walk followed step by step until nobody is on the way.
    #[test]
    fn removal_effects_are_those_of_walking() {
        for seed in 0..6 {
            let channels = 5;
            let walk = Walk::of(&random_paths(seed, channels as u64, 60), channels);
            let orders = |without: Option<usize>| {
                let (mut at, mut arrived) = (vec![0.0; channels + 3], 0.0);
                at[0] = 1.0;
                for _ in 0..2000 {
                    let mut next = vec![0.0; channels + 3];
                    for (from, to) in walk.counts.keys() {
                        if Some(*to) != without {
                            next[*to] += at[*from] * walk.probability(*from, *to);
                        }
                    }
                    arrived += next[channels + 1];
                    next[channels + 1] = 0.0;
                    at = next;
                }
                arrived
            };
            let all = orders(None);
            for (c, effect) in walk.removal_effects().unwrap().iter().enumerate() {
                assert!((effect - (1.0 - orders(Some(c + 1)) / all)).abs() < 1e-10);
            }
        }
    }

    /// Shapley's own definition, over all coalitions.
    #[test]
    fn shapley_is_that_of_all_coalitions() {
        let channels = 6;
        let paths = random_paths(9, channels as u64, 80);
        let worth = |coalition: u32| -> f64 {
            let within = |p: &&Path| p.converted && p.channels.iter().all(|c| coalition >> c & 1 == 1);
            paths.iter().filter(within).map(|p| p.value).sum()
        };
        let factorial = |n: u32| (1..=n).map(f64::from).product::<f64>();
        let found = credit(&paths, channels, Rule::Shapley).unwrap();
        for c in 0..channels as u32 {
            let mut value = 0.0;
            for others in (0..1u32 << channels).filter(|s| s >> c & 1 == 0) {
                let (size, n) = (others.count_ones(), channels as u32);
                let weight = factorial(size) * factorial(n - size - 1) / factorial(n);
                value += weight * (worth(others | 1 << c) - worth(others));
            }
            assert!((found[c as usize].value - value).abs() < 1e-9);
        }
    }

    #[test]
    fn all_is_given_out_and_nothing_more() {
        let paths = random_paths(3, 4, 200);
        let converted: Vec<&Path> = paths.iter().filter(|p| p.converted).collect();
        for rule in Rule::all(7.0) {
            let found = credit(&paths, 4, rule).unwrap();
            let sums = found.iter().fold((0.0, 0.0), |(n, v), c| (n + c.conversions, v + c.value));
            assert!((sums.0 - converted.len() as f64).abs() < 1e-9, "{rule:?}");
            assert!((sums.1 - converted.iter().map(|p| p.value).sum::<f64>()).abs() < 1e-6, "{rule:?}");
        }
        // Nobody orders; a channel that nobody came by.
        let none = credit(&[path(&[0], false, 0.0)], 2, Rule::Markov).unwrap();
        assert_eq!(none, [Credit::default(); 2]);
        assert_eq!(credit(&[], 0, Rule::Markov).unwrap(), []);
    }
}
