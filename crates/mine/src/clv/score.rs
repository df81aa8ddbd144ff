//! Scores: what a fitted model says of every customer, and of all of them together.
//!
//! What lies ahead of a living customer depends on `x` and the age alone (for regular buyers on `t_x` too), and is computed once for
//! all who share them; P(alive) once for each history. **Intervals** are by the delta method: with
//! the eigenvectors of the covariance of the parameters' estimates, scaled to one standard deviation, the variance of a quantity is
//! the sum of its squared differences along each: of the logarithm of expected orders, of CLV itself (on its logarithm where there are no
//! costs, so that it keeps its sign). They say how well the parameters are known, not how much
//! customers with equal histories will differ: for that there is the distribution of the number of orders.

use std::collections::BTreeMap;

use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, Normal};

use super::orders::mixed;
use super::value::{Margin, NonPositiveSpend};
use super::{Clv, Fitted, GammaGamma, History, Input, Known, Orders};

/// A customer's scores. What cannot be said is NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Probability of still being a customer.
    pub p_alive: f64,
    /// Probability of still being one at the end of the horizon.
    pub p_alive_at_horizon: f64,
    /// Expected order days within the horizon (for BG/BB: occasions).
    pub expected_orders: f64,
    /// Lower end of its interval.
    pub expected_orders_low: f64,
    /// Upper end.
    pub expected_orders_high: f64,
    /// Probability of no order within the horizon.
    pub p_no_order: f64,
    /// Expected spend of an order day.
    pub expected_order_value: f64,
    /// Expected discounted margin within the horizon, less the costs to serve.
    pub clv: f64,
    /// Lower end of its interval.
    pub clv_low: f64,
    /// Upper end.
    pub clv_high: f64,
    /// The same for ever; NaN where it does not converge.
    pub residual_clv: f64,
    /// Margin of the past, less the costs to serve and to acquire; not discounted.
    pub past_value: f64,
    /// Past value and CLV.
    pub customer_equity: f64,
}

/// What all customers together are expected to do within so many months.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Month {
    /// Months ahead, the first is 1.
    pub month: usize,
    /// Days ahead: months of a twelfth of a year, the last one cut at the horizon.
    pub days: f64,
    /// Customers expected to be alive then.
    pub alive: f64,
    /// Order days expected within the month.
    pub orders: f64,
    /// Revenue expected within the month.
    pub revenue: f64,
    /// Its margin less costs to serve, discounted from the middle of the month.
    pub value: f64,
    /// Repeat order days of one customer within so many months of the first order (with covariates: of the base level).
    pub new_customer_orders: f64,
    /// CLV of such a customer over that time, less the cost to acquire; the first order not counted.
    pub new_customer_clv: f64,
}

/// What is equal for living customers with the same future.
#[derive(Clone, Default)]
struct Ahead {
    p_alive_at_horizon: f64,
    expected: f64,
    p_none: f64,
    discounted: f64,
    time: f64,
    residual: f64,
    residual_time: f64,
    /// Expected orders, discounted orders and discounted time of each moved model.
    moved: Vec<[f64; 3]>,
}

/// What is equal for customers with the same history: [`Ahead`] times P(alive).
struct Shared<'a> {
    p_alive: f64,
    ahead: &'a Ahead,
    /// Standard error of the log of expected orders.
    se_expected: f64,
    /// Discounted orders and discounted time of each moved model, P(alive) included.
    moved: Vec<[f64; 2]>,
}

/// A fitted group, ready to be asked.
struct Ready<'a> {
    fitted: &'a Fitted,
    /// The model moved along each direction of its uncertainty.
    moved: Vec<Orders>,
    moved_spend: Vec<GammaGamma>,
}

/// The ends of an interval over the estimate, at most: parameters that leave more open say nothing, and there is no interval.
pub const MOST_SPREAD: f64 = 20.0;

/// How far along a standard deviation differences are taken.
const NUDGE: f64 = 0.1;

impl<'a> Ready<'a> {
    fn new(fitted: &'a Fitted, intervals: bool) -> Ready<'a> {
        let (mut moved, mut moved_spend) = (Vec::new(), Vec::new());
        if intervals {
            moved = directions(&fitted.orders_covariance).iter().map(|d| fitted.orders.moved(d)).collect();
            moved_spend = directions(&fitted.spend_covariance)
                .iter()
                .map(|d| {
                    // Towards the greater q: below one there is no mean to differ from.
                    let sign = if d[1] < 0.0 { -1.0 } else { 1.0 };
                    let moved = |value: f64, i: usize| value * (sign * d[i]).exp();
                    let GammaGamma { p, q, v } = fitted.spend;
                    GammaGamma { p: moved(p, 0), q: moved(q, 1), v: moved(v, 2) }
                })
                .collect();
        }
        Ready { fitted, moved, moved_spend }
    }

    fn ahead(&self, clv: &Clv, h: History, known: &Known) -> Ahead {
        let unit = clv.unit_days;
        let (horizon, delta) = (clv.value.horizon_days / unit, clv.value.delta(unit));
        let timed = clv.value.cost_per_year > 0.0;
        let all = |orders: &Orders| {
            orders.ask(h, known, |_, future| {
                let time = if timed { future.discounted_time(horizon, delta) } else { 0.0 };
                [future.expected_orders(horizon), future.discounted_orders(horizon, delta), time]
            })
        };
        let [expected, discounted, time] = all(&self.fitted.orders);
        self.fitted.orders.ask(h, known, |_, future| Ahead {
            p_alive_at_horizon: future.p_alive(horizon),
            expected,
            p_none: future.p_no_order(horizon),
            discounted,
            time,
            residual: future.residual_orders(delta),
            residual_time: if timed { future.residual_time(delta) } else { 0.0 },
            moved: self.moved.iter().map(all).collect(),
        })
    }

    fn shared<'b>(&self, ahead: &'b Ahead, h: History, known: &Known) -> Shared<'b> {
        let p_alive = self.fitted.orders.p_alive_of(h, known);
        let mut variance = if self.moved.is_empty() { f64::NAN } else { 0.0 };
        let mut moved = Vec::with_capacity(self.moved.len());
        for (orders, [expected, discounted, time]) in self.moved.iter().zip(&ahead.moved) {
            let alive = orders.p_alive_of(h, known);
            variance += ((alive * expected / (p_alive * ahead.expected)).ln() / NUDGE).powi(2);
            moved.push([alive * discounted, alive * time]);
        }
        Shared { p_alive, ahead, se_expected: variance.sqrt(), moved }
    }

    /// Expected spend of an order day, and the standard error of its log.
    fn spend(&self, x: f64, m: f64) -> (f64, f64) {
        let spend = self.fitted.spend.expected_spend(x, m);
        let variance: f64 =
            self.moved_spend.iter().map(|s| ((s.expected_spend(x, m) / spend).ln() / NUDGE).powi(2)).sum();
        (spend, if self.fitted.spend_covariance.is_empty() { f64::NAN } else { variance.sqrt() })
    }
}

/// The ends of an interval in order; neither where one is not finite.
fn both_finite(one: f64, other: f64) -> (f64, f64) {
    if one.is_finite() && other.is_finite() { (one.min(other), one.max(other)) } else { (f64::NAN, f64::NAN) }
}

/// The eigenvectors of a covariance matrix, as long as [`NUDGE`] of a standard deviation.
fn directions(covariance: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let (values, vectors) = crate::stats::symmetric_eigen(covariance);
    let n = covariance.len();
    (0..n)
        .filter(|e| values[*e] > 0.0)
        .map(|e| (0..n).map(|i| NUDGE * values[e].sqrt() * vectors[i][e]).collect())
        .collect()
}

/// Equal covariates have equal numbers; and how many numbers there are, at least one.
pub(super) fn patterns(known: &[Known]) -> (Vec<usize>, usize) {
    let mut seen: BTreeMap<Vec<u64>, usize> = BTreeMap::new();
    let numbers = known
        .iter()
        .map(|k| {
            let bits = k.purchase.iter().chain(&k.drop_out).map(|v| v.to_bits()).collect();
            let next = seen.len();
            *seen.entry(bits).or_insert(next)
        })
        .collect();
    (numbers, seen.len().max(1))
}

/// The customers, those of equal future next to each other, and within those, those of equal history.
pub(super) struct Runs {
    order: Vec<u32>,
    /// Ends of runs of equal futures in `order`.
    ends: Vec<usize>,
}

impl Runs {
    /// Of so many customers, of whom those of different `kind` (group, and what is known of them) never share.
    pub fn new(
        customers: usize,
        with_t_x: bool,
        kind: impl Fn(usize) -> usize + Sync,
        history: impl Fn(usize) -> History + Sync,
    ) -> Runs {
        let n = customers;
        let mut keyed: Vec<(History, usize, u32)> =
            (0..n).into_par_iter().map(|i| (history(i), kind(i), i as u32)).collect();
        keyed.par_sort_unstable_by(|(h, g, i), (l, k, j)| {
            h.x.total_cmp(&l.x)
                .then(h.age.total_cmp(&l.age))
                .then(g.cmp(k))
                .then(h.t_x.total_cmp(&l.t_x))
                .then(i.cmp(j))
        });
        let same = |a: &(History, usize, u32), b: &(History, usize, u32)| {
            a.0.x == b.0.x && a.0.age == b.0.age && a.1 == b.1 && (!with_t_x || a.0.t_x == b.0.t_x)
        };
        let ends = (1..=n).filter(|&i| i == n || !same(&keyed[i - 1], &keyed[i])).collect();
        Runs { order: keyed.into_iter().map(|k| k.2).collect(), ends }
    }

    /// Sums over runs of a row of figures for each of so many months: fixed chunks side by side, then the chunks in order.
    fn sums(&self, months: usize, f: impl Fn(&[u32]) -> Vec<[f64; 4]> + Sync + Send) -> Vec<[f64; 4]> {
        const CHUNK: usize = 512;
        let add = |mut sums: Vec<[f64; 4]>, row: Vec<[f64; 4]>| {
            for (sum, month) in sums.iter_mut().zip(row) {
                sum.iter_mut().zip(month).for_each(|(s, v)| *s += v);
            }
            sums
        };
        let chunks: Vec<Vec<[f64; 4]>> = self
            .ends
            .par_chunks(CHUNK)
            .enumerate()
            .map(|(chunk, ends)| {
                let mut from = if chunk == 0 { 0 } else { self.ends[chunk * CHUNK - 1] };
                ends.iter().fold(vec![[0.0; 4]; months], |sums, &end| {
                    let row = f(&self.order[from..end]);
                    from = end;
                    add(sums, row)
                })
            })
            .collect();
        chunks.into_iter().fold(vec![[0.0; 4]; months], add)
    }

    /// Runs of equal futures.
    pub fn each(&self) -> impl IndexedParallelIterator<Item = &[u32]> {
        (0..self.ends.len()).into_par_iter().with_min_len(16).map(|r| {
            let from = if r == 0 { 0 } else { self.ends[r - 1] };
            &self.order[from..self.ends[r]]
        })
    }
}

impl Clv {
    fn ready(&self) -> (Ready<'_>, BTreeMap<&String, Ready<'_>>) {
        let intervals = self.value.interval > 0.0;
        let groups = self.groups.iter().map(|(name, f)| (name, Ready::new(f, intervals))).collect();
        (Ready::new(&self.pooled, intervals), groups)
    }

    /// The scores of every customer.
    pub fn score(&self, input: Input<'_>) -> Vec<Score> {
        let (pooled, groups) = self.ready();
        let quantile = if self.value.interval > 0.0 {
            Normal::standard().inverse_cdf(0.5 + 0.5 * self.value.interval)
        } else {
            f64::NAN
        };
        let runs = self.runs(input);
        let none = Known::default();
        let scored: Vec<Vec<(u32, Score)>> = runs
            .each()
            .map(|run| {
                let first = run[0] as usize;
                let ready = input.groups.get(first).and_then(|g| groups.get(g)).unwrap_or(&pooled);
                let known = input.known.get(first).unwrap_or(&none);
                let ahead = ready.ahead(self, self.history(input, first), known);
                let history = |i: &u32| self.history(input, *i as usize);
                run.chunk_by(|a, b| history(a) == history(b))
                    .flat_map(|equal| {
                        let shared = ready.shared(&ahead, history(&equal[0]), known);
                        let score =
                            |&i: &u32| (i, self.customer(input, i as usize, ready, &shared, quantile));
                        equal.iter().map(score).collect::<Vec<_>>()
                    })
                    .collect()
            })
            .collect();
        let mut scores = vec![None; input.len()];
        for (i, score) in scored.into_iter().flatten() {
            scores[i as usize] = Some(score);
        }
        scores.into_iter().flatten().collect()
    }

    fn runs(&self, input: Input<'_>) -> Runs {
        let names: BTreeMap<&String, usize> = self.groups.keys().zip(1..).collect();
        let (patterns, distinct) = patterns(input.known);
        let with_t_x = !std::iter::once(&self.pooled)
            .chain(self.groups.values())
            .all(|fitted| fitted.orders.future_ignores_t_x());
        let kind = |i: usize| {
            let group = input.groups.get(i).and_then(|g| names.get(g)).copied().unwrap_or(0);
            group * distinct + patterns.get(i).copied().unwrap_or(0)
        };
        Runs::new(input.len(), with_t_x, kind, |i| self.history(input, i))
    }

    fn customer(
        &self,
        input: Input<'_>,
        i: usize,
        ready: &Ready<'_>,
        s: &Shared<'_>,
        quantile: f64,
    ) -> Score {
        let (value, unit) = (&self.value, self.unit_days);
        let (spend, se_spend) = match (input.net_revenue[i] > 0.0, value.nonpositive_spend) {
            (true, _) => ready.spend(input.x[i], input.mean_repeat_spend[i]),
            (false, NonPositiveSpend::Population) => ready.spend(0.0, f64::NAN),
            (false, NonPositiveSpend::Zero) => (0.0, f64::NAN),
            (false, NonPositiveSpend::Null) => (f64::NAN, f64::NAN),
        };
        let margin = self.margin(input, i);
        // Money comes by order days.
        let days = self.order_days_per_occasion;
        let (alive, ahead) = (s.p_alive, s.ahead);
        let money =
            |orders: f64, time: f64| value.of(margin, spend, alive * orders * days, alive * time, unit);
        let clv = money(ahead.discounted, ahead.time);
        let (clv_low, clv_high) = {
            // The delta method for CLV itself: by the orders' directions, and by the spend's.
            let by_orders: f64 = s
                .moved
                .iter()
                .map(|[orders, time]| {
                    ((value.of(margin, spend, orders * days, *time, unit) - clv) / NUDGE).powi(2)
                })
                .sum();
            let by_spend = margin * spend * alive * ahead.discounted * days * se_spend;
            let unknown = if s.moved.is_empty() { f64::NAN } else { 0.0 };
            let reach = quantile * (by_orders + by_spend * by_spend + unknown).sqrt();
            if value.cost_per_order == 0.0 && value.cost_per_year == 0.0 && clv != 0.0 {
                // Without costs CLV keeps its sign.
                let factor = (reach / clv.abs()).exp();
                let factor = if factor <= MOST_SPREAD { factor } else { f64::NAN };
                both_finite(clv / factor, clv * factor)
            } else {
                both_finite(clv - reach, clv + reach)
            }
        };
        // Nobody is there to order for ever.
        let residual = if alive == 0.0 { 0.0 } else { money(ahead.residual, ahead.residual_time) };
        let expected = alive * ahead.expected;
        let years = input.age_days[i] / super::DAYS_PER_YEAR;
        let earned = match (value.margin, input.cost[i]) {
            (Margin::Named(_), cost) if cost.is_finite() => input.net_revenue[i] - cost,
            _ => margin * input.net_revenue[i],
        };
        let past_value = earned
            - value.cost_per_order * input.orders[i]
            - value.cost_per_year * years
            - value.acquisition_cost;
        let spread = (quantile * s.se_expected).exp();
        // Nobody has more order days than days.
        let most = value.horizon_days / unit;
        let (expected_orders_low, expected_orders_high) = if spread <= MOST_SPREAD {
            both_finite(expected / spread, (expected * spread).min(most.max(expected)))
        } else {
            (f64::NAN, f64::NAN)
        };
        Score {
            p_alive: alive,
            p_alive_at_horizon: alive * ahead.p_alive_at_horizon,
            expected_orders: expected,
            expected_orders_low,
            expected_orders_high,
            p_no_order: (1.0 - alive + alive * ahead.p_none).clamp(0.0, 1.0),
            expected_order_value: spend,
            clv,
            clv_low,
            clv_high,
            residual_clv: if residual.is_finite() { residual } else { f64::NAN },
            past_value,
            customer_equity: past_value + clv,
        }
    }

    fn margin(&self, input: Input<'_>, i: usize) -> f64 {
        match self.value.margin {
            Margin::Rate(rate) => rate,
            Margin::Named(_) => input.own_margin(i).or(self.pooled_margin).unwrap_or(f64::NAN),
        }
    }

    /// Probabilities of `0, 1, ..., most` order days (for BG/BB: occasions) within the horizon, for every customer.
    pub fn distributions(&self, input: Input<'_>, most: usize) -> Vec<Vec<f64>> {
        let none = Known::default();
        let horizon = self.value.horizon_days / self.unit_days;
        let runs = self.runs(input);
        let found: Vec<Vec<(u32, Vec<f64>)>> = runs
            .each()
            .map(|run| {
                let first = run[0] as usize;
                let orders = &self.fitted(input.groups.get(first)).orders;
                let known = input.known.get(first).unwrap_or(&none);
                let ahead = orders
                    .ask(self.history(input, first), known, |_, future| future.distribution(horizon, most));
                run.iter()
                    .map(|&i| {
                        let alive = orders.p_alive_of(self.history(input, i as usize), known);
                        (i, mixed(alive, ahead.clone()))
                    })
                    .collect()
            })
            .collect();
        let mut all = vec![Vec::new(); input.len()];
        for (i, p) in found.into_iter().flatten() {
            all[i as usize] = p;
        }
        all
    }

    /// The months ahead, up to the horizon: all customers together, and one new customer.
    pub fn forecast(&self, input: Input<'_>) -> Vec<Month> {
        const DAYS: f64 = super::DAYS_PER_YEAR / 12.0;
        let unit = self.unit_days;
        let horizon = self.value.horizon_days;
        let days: Vec<f64> =
            (1..=(horizon / DAYS).ceil().max(1.0) as usize).map(|m| (m as f64 * DAYS).min(horizon)).collect();
        let delta = self.value.delta(unit);
        let none = Known::default();
        let runs = self.runs(input);
        let months = days.len();
        let sums = runs.sums(months, |run| {
            let first = run[0] as usize;
            let fitted = self.fitted(input.groups.get(first));
            let known = input.known.get(first).unwrap_or(&none);
            // The living, what an order of theirs brings, and what of it is earned.
            let (mut living, mut revenue, mut earned) = (0.0, 0.0, 0.0);
            let history = |i: &u32| self.history(input, *i as usize);
            for equal in run.chunk_by(|a, b| history(a) == history(b)) {
                let alive = fitted.orders.p_alive_of(history(&equal[0]), known);
                for &i in equal {
                    let i = i as usize;
                    living += alive;
                    let positive = input.net_revenue[i] > 0.0;
                    let spend = match self.value.nonpositive_spend {
                        _ if positive => fitted.spend.expected_spend(input.x[i], input.mean_repeat_spend[i]),
                        NonPositiveSpend::Population => fitted.spend.population_mean(),
                        NonPositiveSpend::Zero => 0.0,
                        // No statement, no money.
                        NonPositiveSpend::Null => continue,
                    };
                    revenue += alive * spend;
                    earned += alive * (self.margin(input, i) * spend - self.value.cost_per_order);
                }
            }
            fitted.orders.ask(self.history(input, first), known, |_, future| {
                let (mut before, mut alive_before, mut day_before) = (0.0, 1.0, 0.0);
                days.iter()
                    .map(|d| {
                        let t = d / unit;
                        let (orders, lives) = (future.expected_orders(t), future.p_alive(t));
                        let within = (orders - before) * self.order_days_per_occasion;
                        let years = (d - day_before) / super::DAYS_PER_YEAR;
                        let cost = 0.5 * (alive_before + lives) * self.value.cost_per_year * years;
                        (before, alive_before, day_before) = (orders, lives, *d);
                        [living * lives, living * within, revenue * within, earned * within - living * cost]
                    })
                    .collect()
            })
        });
        let new = |d: f64| {
            let t = d / unit;
            self.pooled.orders.ask(History::NEW, &none, |alive, future| {
                let spend = self.pooled.spend.population_mean();
                let margin = match self.value.margin {
                    Margin::Rate(rate) => rate,
                    Margin::Named(_) => self.pooled_margin.unwrap_or(f64::NAN),
                };
                let orders = alive * future.expected_orders(t) * self.order_days_per_occasion;
                let discounted = alive * future.discounted_orders(t, delta) * self.order_days_per_occasion;
                let time = if self.value.cost_per_year > 0.0 {
                    alive * future.discounted_time(t, delta)
                } else {
                    0.0
                };
                (orders, self.value.of(margin, spend, discounted, time, unit) - self.value.acquisition_cost)
            })
        };
        (0..months)
            .map(|m| {
                let from = if m == 0 { 0.0 } else { days[m - 1] };
                let [alive, orders, revenue, value] = sums[m];
                let (new_customer_orders, new_customer_clv) = new(days[m]);
                let discount = (-delta * 0.5 * (from + days[m]) / unit).exp();
                let value = value * discount;
                Month {
                    month: m + 1,
                    days: days[m],
                    alive,
                    orders,
                    revenue,
                    value,
                    new_customer_orders,
                    new_customer_clv,
                }
            })
            .collect()
    }
}
