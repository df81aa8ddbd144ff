//! What the next weeks bring: orders and revenue, of every customer, of all of them, and of those still to come.
//!
//! **Story.** A model of orders (see [`crate::clv`]) knows who tends to come back, and nothing of the season, of a shop that grows,
//! or of a year that differs from the last. So its forecasts are held against what came, at every *origin* that the history
//! carries: days a *step* apart, each looking `horizon` steps ahead, fitted on nothing later than itself. What the origins teach
//! makes today's forecast better, and says how far it can be trusted.
//!
//! **Totals** ([`totals`]). Besides the model there are simple corrections and simple rules: the model times half the logarithm of its last
//! error (*level*), times its error of a year ago (*season*), times both changes (*level and season*), and what the last window
//! brought, as it is or with last year's change. A combination takes them by weights: the smaller a method's errors at origins that were
//! over by then, the more it counts. No origin is judged by weights that have seen it.
//!
//! **Customers** ([`customers`]). A customer's forecast mixes the model with what the last two windows brought, by the share that had
//! the least absolute error at past origins; then all are scaled to the total.
//!
//! **Ranges** are *conformal* (Vovk, Gammerman and Shafer 2005): they come from errors that were made, not from the likelihood. A
//! customer's is the range of what customers of like forecasts did at past origins; a total's is a t interval of the logarithms of past
//! errors. In their spread overlapping windows count for as many as would stand side by side; the degrees of freedom are those of all windows,
//! which held nine in ten on simulated shops (see the card).
//!
//! **Limits.** A range knows only what the past held: the first Christmas of a shop surprises it. Before three origins are over, ranges
//! lean on a prior error of eight percent.

pub mod customers;
pub mod totals;

use serde::Serialize;
use tillwise_core::Day;

use crate::stats::rank_correlation;
use customers::{Mix, Mixed, NEW_DAYS, Pool, Range};
use totals::{Combined, Series};

/// How a history is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Days from one origin to the next.
    pub step_days: i32,
    /// Steps that a forecast looks ahead.
    pub horizon: usize,
    /// Steps of about a year.
    pub year: usize,
    /// Share of what comes that ranges are to hold.
    pub coverage: f64,
}

/// What is known of the customers on a day. Every column has a value for each of *today's* customers, NaN for those who
/// came later.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The day.
    pub day: Day,
    /// Order days so far.
    pub orders: Vec<f32>,
    /// Net revenue so far.
    pub revenue: Vec<f64>,
    /// Days since the first order.
    pub age_days: Vec<f32>,
    /// What a model expects of the horizon: order days and revenue. `None` where none could be fitted.
    pub expected: Option<[Vec<f32>; 2]>,
}

/// What is forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Order days of the customers known at the origin.
    KnownOrders,
    /// Their net revenue.
    KnownRevenue,
    /// Order days of everyone, those still to come included.
    AllOrders,
    /// The net revenue of everyone.
    AllRevenue,
}

impl Target {
    /// All of them.
    pub const ALL: [Target; 4] =
        [Target::KnownOrders, Target::KnownRevenue, Target::AllOrders, Target::AllRevenue];

    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Target::KnownOrders => "known_orders",
            Target::KnownRevenue => "known_revenue",
            Target::AllOrders => "all_orders",
            Target::AllRevenue => "all_revenue",
        }
    }
}

/// How well the customers of an origin were forecast, one by one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ByCustomer {
    /// Mean absolute error.
    pub mae: f64,
    /// Spearman's rank correlation of expected and actual.
    pub rank_correlation: Option<f64>,
}

/// One method at one origin.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The day of the origin.
    pub origin: Day,
    /// The last day of its window.
    pub window_end: Day,
    /// What is forecast.
    pub target: Target,
    /// The method; `combined` is what counts.
    pub method: &'static str,
    /// Its share in the combination; `None` of the combination itself.
    pub weight: Option<f64>,
    /// What it expected.
    pub expected: f64,
    /// What came; `None` where the window is not over.
    pub actual: Option<f64>,
    /// The range of the combination.
    pub range: Option<(f64, f64)>,
    /// Customer by customer, where the method tells.
    pub by_customer: Option<ByCustomer>,
}

/// How often ranges of customers held what came, at origins that they had not seen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Coverage {
    /// What is forecast: of known customers.
    pub target: Target,
    /// `all`, `new`, `old`, or `tenth 1` (least expected) to `tenth 10`.
    pub group: String,
    /// Customers, over all origins.
    pub customers: usize,
    /// Those whose range held what came.
    pub covered: usize,
    /// Mean width of the ranges.
    pub width: f64,
}

/// Today's forecast of a customer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ahead {
    /// Expected.
    pub expected: f64,
    /// The range; NaN before an origin is over.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Forecast {
    /// Every method at every origin, today's last.
    pub rows: Vec<Row>,
    /// How ranges of customers did.
    pub coverage: Vec<Coverage>,
    /// Order days and revenue of today's customers.
    pub ahead: [Vec<Ahead>; 2],
}

/// Takes snapshots one after the other and keeps only what later ones need.
#[derive(Debug)]
pub struct Forecaster {
    settings: Settings,
    /// The last ones, as far back as two windows and one horizon.
    held: Vec<Snapshot>,
    days: Vec<Day>,
    /// Known orders, known revenue, orders and revenue of those to come.
    series: [Series; 4],
    mixes: [Mix; 2],
    pools: [Pool; 2],
    rows: Vec<Row>,
    /// How ranges of customers did, in each of [`group`]'s groups.
    covered: [[Covered; GROUPS]; 2],
}

/// Customers of an origin that ranges are learned from, at most.
const POOLED: usize = 20_000;

impl Forecaster {
    /// Nothing taken yet.
    pub fn new(settings: Settings) -> Forecaster {
        let series = || Series::new(settings.horizon, settings.year);
        Forecaster {
            settings,
            held: Vec::new(),
            days: Vec::new(),
            series: [series(), series(), series(), series()],
            mixes: [Mix::default(), Mix::default()],
            pools: [Pool::default(), Pool::default()],
            rows: Vec::new(),
            covered: Default::default(),
        }
    }

    /// A snapshot so many steps before the last one.
    fn back(&self, steps: usize) -> Option<&Snapshot> {
        self.held.len().checked_sub(1 + steps).map(|i| &self.held[i])
    }

    /// Takes the next snapshot, a step later than the one before.
    pub fn take(&mut self, snapshot: Snapshot) {
        let h = self.settings.horizon;
        self.days.push(snapshot.day);
        self.held.push(snapshot);
        if self.held.len() > 3 * h + 1 {
            self.held.remove(0);
        }
        // What came in the window that ends now closes the origin that it began at.
        if self.back(h).is_some() {
            self.close(self.days.len() - 1 - h);
        }
        for column in 0..2 {
            let (modelled, window) = self.opening(column);
            self.series[column].open(modelled, window.map(|w| w.known + w.new));
            self.series[2 + column].open(None, window.map(|w| w.new));
        }
    }

    /// What the model expects of the last snapshot's customers together, and what the window up to it brought.
    fn opening(&self, column: usize) -> (Option<f64>, Option<Window>) {
        let Some(now) = self.back(0) else { return (None, None) };
        let finite =
            |e: &[Vec<f32>; 2]| e[column].iter().filter(|v| v.is_finite()).map(|v| f64::from(*v)).sum();
        let window = self.back(self.settings.horizon).map(|before| came(before, now, column));
        (now.expected.as_ref().map(finite), window)
    }

    /// Judges an origin by what has come since.
    fn close(&mut self, origin: usize) {
        let h = self.settings.horizon;
        for (column, of_all) in OF_ALL.into_iter().enumerate() {
            let (Some(then), Some(now)) = (self.back(h), self.back(0)) else { return };
            let window = came(then, now, column);
            let actual = [window.known, window.new];
            if origin < h {
                // There is no window before it: it is not judged, and only what came is kept.
                self.series[column].close(origin, actual[0], None);
                self.series[2 + column].close(origin, actual[1], None);
                self.series[column].close_whole(None, None);
                continue;
            }
            let known = self.series[column].combined(origin);
            let new = self.series[2 + column].combined(origin);
            let customers = self.customers_of(h, origin, column, known.as_ref());
            let came: Vec<f64> = then_to_now(then, now, column).collect();
            let rows = self.rows_of(
                origin,
                column,
                (known.as_ref(), new.as_ref()),
                Some(actual),
                customers.as_ref().map(|c| (c, came.as_slice())),
            );
            // From here on this origin is known.
            let age = &self.held[self.held.len() - 1 - h].age_days;
            match customers {
                Some(found) => {
                    count_covered(&mut self.covered[column], &found, &came, age);
                    self.mixes[column].learn(&found.mixed, &came);
                    self.pools[column].learn(&found.expected, &came, age, (POOLED, h));
                }
                None => {
                    self.mixes[column].skip();
                    self.pools[column].skip();
                }
            }
            let whole = rows.iter().find(|r| r.target == of_all);
            self.series[column].close_whole(whole.and_then(|r| r.actual), whole.map(|r| r.expected));
            self.series[column].close(origin, actual[0], known.as_ref().map(|c| c.expected));
            self.series[2 + column].close(origin, actual[1], new.as_ref().map(|c| c.expected));
            self.rows.extend(rows);
        }
    }

    /// Forecasts of single customers at the snapshot so many steps back.
    fn customers_of(
        &self,
        steps: usize,
        origin: usize,
        column: usize,
        total: Option<&Combined>,
    ) -> Option<Customers> {
        let h = self.settings.horizon;
        let now = self.back(steps)?;
        let model = now.expected.as_ref()?;
        let earlier = self.back(steps + 2 * h).or_else(|| self.back(steps + h));
        let windows = if self.back(steps + 2 * h).is_some() { 2.0 } else { 1.0 };
        let recent: Vec<f64> = match earlier {
            Some(earlier) => before_to_now(earlier, now, column).map(|v| v.max(0.0) / windows).collect(),
            None => vec![f64::NAN; model[column].len()],
        };
        let model: Vec<f64> = model[column].iter().map(|v| f64::from(*v)).collect();
        let mixed = Mixed { model, recent };
        // Origins that were over by then; the first ones are not judged.
        let known = (origin + 1).saturating_sub(2 * h);
        let best = self.mixes[column].best(known);
        let mut expected = mixed.of(best);
        let sum: f64 = expected.iter().filter(|v| v.is_finite()).sum();
        if let Some(total) = total.filter(|_| sum > 0.0) {
            expected.iter_mut().for_each(|v| *v *= total.expected / sum);
        }
        let ranges = self.pools[column].ranges(known, self.settings.coverage);
        let range = |(v, age): (&f64, &f32)| ranges.as_ref().map(|r| r.of(*v, *age));
        let range = expected.iter().zip(&now.age_days).map(range).collect();
        Some(Customers { mixed, expected, range })
    }

    /// The rows of an origin: each method, and the combination, of known customers and of everyone.
    fn rows_of(
        &self,
        origin: usize,
        column: usize,
        (known, new): (Option<&Combined>, Option<&Combined>),
        actual: Option<[f64; 2]>,
        customers: Option<(&Customers, &[f64])>,
    ) -> Vec<Row> {
        let (Some(known), Some(&origin_day)) = (known, self.days.get(origin)) else { return Vec::new() };
        let window_end = origin_day + self.settings.step_days * self.settings.horizon as i32;
        let row = |target, method, weight, expected, actual, range, by_customer| Row {
            origin: origin_day,
            window_end,
            target,
            method,
            weight,
            expected,
            actual,
            range,
            by_customer,
        };
        let (of_known, of_all) = (OF_KNOWN[column], OF_ALL[column]);
        let judged = |expected: &[f64]| customers.map(|(_, came)| by_customer(expected, came));
        let mut rows: Vec<Row> = Vec::new();
        for (method, expected, weight) in &known.parts {
            let customer = customers.and_then(|(c, _)| match *method {
                "model" => judged(&c.mixed.model),
                "last_window" => judged(&c.mixed.recent),
                _ => None,
            });
            rows.push(row(of_known, method, Some(*weight), *expected, actual.map(|a| a[0]), None, customer));
        }
        let of_customers = customers.and_then(|(c, _)| judged(&c.expected));
        let range = self.series[column].range(origin, known.expected, self.settings.coverage);
        let actual_known = actual.map(|a| a[0]);
        rows.push(row(of_known, COMBINED, None, known.expected, actual_known, Some(range), of_customers));
        // Where nobody came in the last window, nobody is expected to.
        let last_window = origin >= self.settings.horizon;
        if let Some(newcomers) = new.map(|n| n.expected).or(last_window.then_some(0.0)) {
            let expected = known.expected + newcomers;
            let range = self.series[column].range_of_whole(origin, expected, self.settings.coverage);
            let actual_all = actual.map(|a| a[0] + a[1]);
            rows.push(row(of_all, COMBINED, None, expected, actual_all, Some(range), None));
        }
        rows
    }

    /// Today's forecast: of the snapshot that was taken last.
    pub fn finish(mut self) -> Forecast {
        let today = self.days.len().saturating_sub(1);
        let mut ahead = [Vec::new(), Vec::new()];
        for (column, ahead) in ahead.iter_mut().enumerate() {
            let known = self.series[column].combined(today);
            let new = self.series[2 + column].combined(today);
            let customers = self.customers_of(0, today, column, known.as_ref());
            let rows = self.rows_of(today, column, (known.as_ref(), new.as_ref()), None, None);
            self.rows.extend(rows);
            if let Some(found) = customers {
                let each = found.expected.iter().zip(found.range);
                *ahead = each
                    .map(|(expected, range)| {
                        let (low, high) = range
                            .map_or((f64::NAN, f64::NAN), |r| (r.low.min(*expected), r.high.max(*expected)));
                        Ahead { expected: *expected, low, high }
                    })
                    .collect();
            }
        }
        let mut coverage = Vec::new();
        for (target, groups) in OF_KNOWN.into_iter().zip(self.covered) {
            for (i, c) in groups.into_iter().enumerate().filter(|(_, c)| c.customers > 0) {
                let width = c.width / c.customers as f64;
                let (customers, covered) = (c.customers, c.covered);
                coverage.push(Coverage { target, group: group(i), customers, covered, width });
            }
        }
        coverage.sort_by_key(|c| (c.target.name(), c.group.len(), c.group.clone()));
        Forecast { rows: self.rows, coverage, ahead }
    }
}

/// The targets of both columns, orders and revenue.
const OF_KNOWN: [Target; 2] = [Target::KnownOrders, Target::KnownRevenue];
const OF_ALL: [Target; 2] = [Target::AllOrders, Target::AllRevenue];

/// All, new, old, and the tenths.
const GROUPS: usize = 13;

/// The name of a group.
fn group(number: usize) -> String {
    match number {
        0 => "all".to_owned(),
        1 => "new".to_owned(),
        2 => "old".to_owned(),
        tenth => format!("tenth {}", tenth - 2),
    }
}

/// Ranges of a group of customers, over all origins.
#[derive(Clone, Copy, Debug, Default)]
struct Covered {
    customers: usize,
    /// Those whose range held what came.
    covered: usize,
    /// The sum of the widths.
    width: f64,
}

/// Adds the customers of an origin to the groups that they are in.
fn count_covered(groups: &mut [Covered; GROUPS], found: &Customers, came: &[f64], age: &[f32]) {
    let mut order: Vec<usize> =
        (0..came.len()).filter(|i| came[*i].is_finite() && found.range[*i].is_some()).collect();
    order.sort_by(|a, b| found.expected[*a].total_cmp(&found.expected[*b]));
    let n = order.len();
    for (place, i) in order.into_iter().enumerate() {
        let Some(range) = found.range[i] else { continue };
        let held = (range.low..=range.high).contains(&came[i]);
        let kind = if age[i] < NEW_DAYS { 1 } else { 2 };
        for number in [0, kind, 3 + 10 * place / n] {
            let group = &mut groups[number];
            group.customers += 1;
            group.covered += usize::from(held);
            group.width += range.high - range.low;
        }
    }
}

/// The method that counts.
pub const COMBINED: &str = "combined";

/// Forecasts of the customers of one origin.
struct Customers {
    mixed: Mixed,
    expected: Vec<f64>,
    range: Vec<Option<Range>>,
}

/// What came between two snapshots.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    /// From customers of the first.
    known: f64,
    /// From those who came in between.
    new: f64,
}

fn value(snapshot: &Snapshot, column: usize, i: usize) -> f64 {
    if column == 0 { f64::from(snapshot.orders[i]) } else { snapshot.revenue[i] }
}

/// Money is whole ten-thousandths; so a difference is exact again, and equal ones are equal.
fn whole(difference: f64) -> f64 {
    (difference * 1e4).round() / 1e4
}

/// What each customer of the first snapshot did up to the second; NaN for all others.
fn then_to_now<'a>(then: &'a Snapshot, now: &'a Snapshot, column: usize) -> impl Iterator<Item = f64> + 'a {
    (0..now.orders.len()).map(move |i| whole(value(now, column, i) - value(then, column, i)))
}

/// What each customer of the second snapshot did since the first, those who came in between from their first order on.
fn before_to_now<'a>(
    before: &'a Snapshot,
    now: &'a Snapshot,
    column: usize,
) -> impl Iterator<Item = f64> + 'a {
    let since = |v: f64| if v.is_nan() { 0.0 } else { v };
    (0..now.orders.len()).map(move |i| whole(value(now, column, i) - since(value(before, column, i))))
}

fn came(then: &Snapshot, now: &Snapshot, column: usize) -> Window {
    let mut window = Window::default();
    for i in 0..now.orders.len() {
        let (before, after) = (value(then, column, i), value(now, column, i));
        match (before.is_nan(), after.is_nan()) {
            (_, true) => {}
            (true, false) => window.new += after,
            (false, false) => window.known += after - before,
        }
    }
    window
}

fn by_customer(expected: &[f64], came: &[f64]) -> ByCustomer {
    let (mut e, mut a) = (Vec::new(), Vec::new());
    for (expected, came) in expected.iter().zip(came).filter(|(e, c)| e.is_finite() && c.is_finite()) {
        e.push(*expected);
        a.push(*came);
    }
    let error: f64 = e.iter().zip(&a).map(|(e, a)| (e - a).abs()).sum();
    let correlation = rank_correlation(&e, &a);
    ByCustomer { mae: error / e.len() as f64, rank_correlation: Some(correlation).filter(|c| c.is_finite()) }
}

#[cfg(test)]
mod tests;
