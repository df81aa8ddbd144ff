#![doc = include_str!("card.md")]

pub mod beta_bernoulli;
pub mod beta_geometric;
pub mod contractual;
pub mod covariates;
pub mod future;
pub mod gamma_gamma;
mod judge;
pub mod lifetime;
mod likelihood;
pub mod nbd;
mod optimize;
mod orders;
mod score;
mod special;
mod value;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tillwise_core::told::{Cell, Message};
use tillwise_core::{Parameters, message};

use crate::MineError;
pub use beta_bernoulli::BetaBernoulli;
pub use beta_geometric::BetaGeometric;
pub use contractual::Retention;
pub use covariates::{Known, Levels};
pub use future::Future;
pub use gamma_gamma::GammaGamma;
pub use judge::{Candidate, FrequencyBin, Judged, choose, judge, track};
pub use lifetime::{GGompertzNbd, ParetoNbd};
pub use likelihood::{Estimate, Fit};
pub use nbd::Nbd;
use optimize::LOG_BOUND;
pub use orders::{Model, Orders};
pub use score::{MOST_SPREAD, Month, Score};
pub use value::{DAYS_PER_YEAR, Margin, NonPositiveSpend, Value};

/// One customer's buying, in the model's time unit (for BG/BB, in occasions).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct History {
    /// Repeat order days.
    pub x: f64,
    /// From the first to the last order day, in `[0, age]`.
    pub t_x: f64,
    /// From the first order day to the end of observation: BTYD's `T`.
    pub age: f64,
}

impl History {
    /// A customer on the day of the first order.
    pub const NEW: History = History { x: 0.0, t_x: 0.0, age: 0.0 };
}

/// What a model's time is counted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeUnit {
    /// Days.
    Day,
    /// Weeks of seven days.
    #[default]
    Week,
}

impl TimeUnit {
    /// Days in one unit.
    pub fn days(self) -> f64 {
        match self {
            TimeUnit::Day => 1.0,
            TimeUnit::Week => 7.0,
        }
    }
}

/// Histories in occasions, one value a customer: what BG/BB reads instead of days.
#[derive(Clone, Copy, Debug)]
pub struct Occasions<'a> {
    /// Occasions with an order, after the first order.
    pub x: &'a [f64],
    /// The last of them.
    pub t_x: &'a [f64],
    /// All occasions since the first order.
    pub age: &'a [f64],
    /// Repeat order days within them.
    pub order_days: &'a [f64],
}

/// The columns that CLV reads, one value a customer.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Repeat order days.
    pub x: &'a [f64],
    /// Days from the first to the last order day.
    pub t_x_days: &'a [f64],
    /// Days from the first order day to `as_of`.
    pub age_days: &'a [f64],
    /// Mean logarithm of the days between order days; NaN where there are none.
    pub mean_ln_gap_days: &'a [f64],
    /// Mean spend of an order day, the first excluded; NaN where there is none.
    pub mean_repeat_spend: &'a [f64],
    /// Orders.
    pub orders: &'a [f64],
    /// Net revenue.
    pub net_revenue: &'a [f64],
    /// Cost of the units kept; NaN where it is not known.
    pub cost: &'a [f64],
    /// Which group a customer belongs to; empty where there are no groups.
    pub groups: &'a [String],
    /// What is known of each customer; empty where there are no covariates.
    pub known: &'a [Known],
    /// For BG/BB.
    pub occasions: Option<Occasions<'a>>,
}

impl Input<'_> {
    fn len(&self) -> usize {
        self.x.len()
    }

    fn in_time(&self, i: usize, unit_days: f64) -> History {
        History { x: self.x[i], t_x: self.t_x_days[i] / unit_days, age: self.age_days[i] / unit_days }
    }

    /// Everyone's history in time units of so many days.
    pub fn histories(&self, unit_days: f64) -> Vec<History> {
        (0..self.len()).map(|i| self.in_time(i, unit_days)).collect()
    }

    /// Everyone's history as a model counts time.
    pub fn histories_of(&self, model: &Clv) -> Vec<History> {
        (0..self.len()).map(|i| model.history(*self, i)).collect()
    }

    /// Sum of the logarithms of all times between order days, in units of so many days.
    pub fn sum_of_ln_gaps(&self, unit_days: f64) -> f64 {
        self.sum_ln_gaps(0..self.len(), unit_days)
    }

    fn in_occasions(&self, i: usize) -> History {
        // Without occasions nothing is known but that the customer came once.
        self.occasions.map_or(History::NEW, |o| History { x: o.x[i], t_x: o.t_x[i], age: o.age[i] })
    }

    fn repeat_spend(&self, i: usize) -> Option<(f64, f64)> {
        let (x, m) = (self.x[i], self.mean_repeat_spend[i]);
        (x > 0.0 && m > 0.0 && m.is_finite()).then_some((x, m))
    }

    /// The margin of a customer's own orders, where their cost is known.
    fn own_margin(&self, i: usize) -> Option<f64> {
        let (net, cost) = (self.net_revenue[i], self.cost[i]);
        (net > 0.0 && cost.is_finite()).then(|| (net - cost) / net)
    }

    /// Sum of the logarithms of the gaps of some customers, in the model's unit.
    fn sum_ln_gaps(&self, who: impl Iterator<Item = usize>, unit_days: f64) -> f64 {
        let ln_unit = unit_days.ln();
        who.filter(|i| self.x[*i] > 0.0 && self.mean_ln_gap_days[*i].is_finite())
            .map(|i| self.x[i] * (self.mean_ln_gap_days[i] - ln_unit))
            .sum()
    }
}

/// What to fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The model of orders.
    pub model: Model,
    /// What its time is counted in.
    pub time_unit: TimeUnit,
    /// For BG/BB: days of an occasion.
    pub occasion_days: f64,
    /// Fewest customers of a group that gets its own fit.
    pub min_group: usize,
    /// The column that `Input::groups` comes from.
    pub by: Option<String>,
    /// Covariates of the purchase side, as `Input::known` has them.
    pub purchase: Vec<Levels>,
    /// Covariates of the drop-out side.
    pub drop_out: Vec<Levels>,
    /// Their penalty, see [`covariates`].
    pub l2: f64,
    /// Orders to money.
    pub value: Value,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            model: Model::BgNbd,
            time_unit: TimeUnit::Week,
            occasion_days: 30.0,
            min_group: 500,
            by: None,
            purchase: Vec::new(),
            drop_out: Vec::new(),
            l2: 0.01,
            value: Value::default(),
        }
    }
}

/// By how much the NBD, which knows no drop-out, has the lower Schwarz's criterion than a fit to the same histories that knows one;
/// `None` where the fit is better. Where it is not, P(alive) says nothing of anyone.
pub fn no_drop_out(histories: &[History], fit: &Fit) -> Option<f64> {
    let (_, simple) = Model::Nbd.fit(histories, 0.0).ok()?;
    Some(fit.bic - simple.bic).filter(|lower| *lower >= 0.0)
}

/// Orders and spend of a group of customers, with how uncertain they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fitted {
    /// Orders.
    pub orders: Orders,
    /// Spend.
    pub spend: GammaGamma,
    /// Covariances of the orders' free parameters (logs, and coefficients); empty where they are not determined.
    pub orders_covariance: Vec<Vec<f64>>,
    /// Covariances of the logs of the spend's parameters.
    pub spend_covariance: Vec<Vec<f64>>,
}

/// A fitted CLV model.
///
/// ```
/// use tillwise_mine::clv::{Clv, Input, Model, Settings};
///
/// // Customers of the same age who came back 0 to 9 times; the more often, the later the last time.
/// let column = |f: fn(f64) -> f64| (0..400).map(|i| f(f64::from(i % 10))).collect::<Vec<f64>>();
/// let (x, t_x, age) = (column(|x| x), column(|x| 30.0 * x), column(|_| 365.0));
/// let (ln_gaps, spend) = (column(|x| if x > 0.0 { 3.4 } else { f64::NAN }), column(|x| if x > 0.0 { 40.0 + x } else { f64::NAN }));
/// let (orders, revenue, cost) = (column(|x| x + 1.0), column(|x| 50.0 * (x + 1.0)), column(|_| f64::NAN));
/// let input = Input {
///     x: &x, t_x_days: &t_x, age_days: &age, mean_ln_gap_days: &ln_gaps, mean_repeat_spend: &spend, orders: &orders,
///     net_revenue: &revenue, cost: &cost, groups: &[], known: &[], occasions: None,
/// };
/// let (clv, report) = Clv::fit(input, &Settings { model: Model::BgNbd, ..Settings::default() })?;
/// assert_eq!(report.fits[0].orders.as_ref().unwrap().model, "BG/NBD");
/// let scores = clv.score(input);
/// // Who came back nine times and lately is expected to order most.
/// assert!(scores[9].expected_orders > scores[1].expected_orders && scores[9].clv > 0.0);
/// # Ok::<(), tillwise_mine::MineError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clv {
    /// Days of one unit of the model's time: 1, 7, or those of an occasion.
    pub unit_days: f64,
    /// Order days to an occasion with an order, for BG/BB; else 1.
    pub order_days_per_occasion: f64,
    /// The column of the groups.
    pub by: Option<String>,
    /// Covariates of the purchase side.
    pub purchase: Vec<Levels>,
    /// Covariates of the drop-out side.
    pub drop_out: Vec<Levels>,
    /// Everyone together.
    pub pooled: Fitted,
    /// Groups that are fitted on their own.
    pub groups: BTreeMap<String, Fitted>,
    /// Margin of all revenue whose cost is known, for `margin = "unit_cost"`.
    pub pooled_margin: Option<f64>,
    /// Orders to money.
    pub value: Value,
}

impl Parameters for Clv {
    const KIND: &'static str = "clv";
    const VERSION: u32 = 2;

    fn check(&self) -> Result<(), String> {
        let columns = |levels: &[Levels]| levels.iter().map(|l| l.levels.len()).sum::<usize>();
        let known = (columns(&self.purchase), columns(&self.drop_out));
        for fitted in std::iter::once(&self.pooled).chain(self.groups.values()) {
            fitted.orders.check(known)?;
            let square = |c: &[Vec<f64>], k: usize| {
                c.is_empty()
                    || (c.len() == k && c.iter().all(|r| r.len() == k && r.iter().all(|v| v.is_finite())))
            };
            if !square(&fitted.orders_covariance, fitted.orders.free_parameters())
                || !square(&fitted.spend_covariance, 3)
            {
                return Err("covariances must be square, a row for each parameter, or empty".to_owned());
            }
            let s = fitted.spend;
            if ![s.p, s.q - 1.0, s.v].iter().all(|v| *v > 0.0 && v.is_finite()) {
                return Err("p and v must be above zero, and q above one".to_owned());
            }
            // A fit keeps shapes within this; a scale is in units of money.
            let bounds = [(s.p, LOG_BOUND), (s.q, LOG_BOUND), (s.v, LOG_BOUND + MOST_LOG_MONEY)];
            if bounds.iter().any(|(value, most)| value.ln().abs() > *most) || s.population_mean() > MOST_SPEND
            {
                return Err("p, q and v of the spend are beyond what a fit gives".to_owned());
            }
            if fitted.orders.counts_occasions() != self.pooled.orders.counts_occasions() {
                return Err("groups must count time as all together do".to_owned());
            }
        }
        if !(self.unit_days > 0.0 && self.unit_days.is_finite() && self.order_days_per_occasion > 0.0)
            || self.unit_days > 3660.0
            || self.order_days_per_occasion > 3660.0
        {
            return Err(
                "unit_days and order_days_per_occasion must be above zero, and ten years at most".to_owned()
            );
        }
        if self.value.margin == Margin::UnitCost && !self.pooled_margin.is_some_and(f64::is_finite) {
            return Err("margin = \"unit_cost\" needs a pooled_margin".to_owned());
        }
        self.value.check().map_err(|e| e.to_string())
    }
}

/// The logarithm of the largest amount of money that an order may have.
const MOST_LOG_MONEY: f64 = 35.0;
/// A mean spend of an order, at most: that of a line is a hundred billion at most, and there may be many.
const MOST_SPEND: f64 = 1e15;

impl Settings {
    /// What is known of customers whose covariate columns hold these texts: a function from a column's name to its texts.
    pub fn known<'a>(
        purchase: &[Levels],
        drop_out: &[Levels],
        customers: usize,
        texts: impl Fn(&str) -> Option<&'a [&'a str]>,
    ) -> Vec<Known> {
        if purchase.is_empty() && drop_out.is_empty() {
            return Vec::new();
        }
        let encode = |levels: &[Levels], i: usize| -> Vec<f64> {
            let of = |l: &Levels| {
                let text = texts(&l.column).and_then(|t| t.get(i)).copied().unwrap_or_default();
                l.encode(text).collect::<Vec<_>>()
            };
            levels.iter().flat_map(of).collect()
        };
        (0..customers)
            .map(|i| Known { purchase: encode(purchase, i), drop_out: encode(drop_out, i) })
            .collect()
    }
}

/// The fits of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupReport {
    /// The group; `None` for everyone together.
    pub group: Option<String>,
    /// Customers in it.
    pub customers: usize,
    /// The orders' fit; `None` where the group uses the pooled model.
    pub orders: Option<Fit>,
    /// The spend's fit; `None` where there is too little of it.
    pub spend: Option<Fit>,
    /// What stands in for a fit of the spend.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spend_note: Option<Message>,
    /// Why the pooled model stands in, if it does.
    pub pooled_because: Option<Message>,
}

/// What a reader wants to know of a fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Everyone together first, then the groups.
    pub fits: Vec<GroupReport>,
    /// Correlation of repeat order days and mean repeat spend. Gamma-Gamma takes it to be zero.
    pub spend_frequency_correlation: Option<f64>,
    /// What to bear in mind.
    pub warnings: Vec<Message>,
}

/// Above this the Gamma-Gamma assumption is called into question.
const CORRELATION_LIMIT: f64 = 0.3;

impl Clv {
    /// Fits the models of orders and spend by maximum likelihood, for everyone and for each group that is large enough.
    ///
    /// # Errors
    /// If there are too few customers or repeat buyers, or a pooled fit does not converge. A group's fit that fails
    /// leaves its customers with the pooled model, and the report says why.
    pub fn fit(input: Input<'_>, settings: &Settings) -> Result<(Clv, Report), MineError> {
        settings.value.check()?;
        let everyone: Vec<usize> = (0..input.len()).collect();
        let (pooled, mut first) = fit_group(input, &everyone, settings)?;
        first.group = None;
        let mut members: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        // Whoever has no group stays with everyone.
        for (i, group) in input.groups.iter().enumerate().filter(|(_, group)| !group.is_empty()) {
            members.entry(group).or_default().push(i);
        }
        let fitted: Vec<(GroupReport, Option<Fitted>)> = members
            .into_par_iter()
            .map(|(group, who)| {
                let stays = |why: Message| GroupReport {
                    group: Some(group.to_owned()),
                    customers: who.len(),
                    orders: None,
                    spend: None,
                    spend_note: None,
                    pooled_because: Some(why),
                };
                if who.len() < settings.min_group {
                    return (stays(message!("fewer_customers", least = settings.min_group)), None);
                }
                match fit_group(input, &who, settings) {
                    Ok((fitted, report)) => {
                        (GroupReport { group: Some(group.to_owned()), ..report }, Some(fitted))
                    }
                    Err(e) => (stays(message!("said", words = e.to_string())), None),
                }
            })
            .collect();
        let mut fits = vec![first];
        let mut failed = Vec::new();
        let mut groups = BTreeMap::new();
        for (report, group) in fitted {
            if let (Some(name), Some(group)) = (&report.group, group) {
                groups.insert(name.clone(), group);
            } else if report.customers >= settings.min_group {
                failed.extend(report.group.iter().zip(&report.pooled_because).map(|(group, why)| {
                    message!("pooled", group = group, customers = report.customers, why = why.clone())
                }));
            }
            fits.push(report);
        }
        let correlation = spend_correlation(input);
        let pooled_margin = pooled_margin(input);
        let mut warnings = failed;
        if pooled.orders.model() == Model::BgNbd || pooled.orders.model() == Model::BgCnbdK {
            let model = fits[0].orders.as_ref().map_or("BG/NBD", |f| f.model.as_str());
            warnings.push(message!("alive_without_repeat", model = model));
        }
        if let Some(fit) = &fits[0].orders
            && settings.purchase.is_empty()
            && settings.drop_out.is_empty()
            && matches!(settings.model, Model::BgNbd | Model::MbgNbd | Model::ParetoNbd)
        {
            let unit = settings.time_unit.days();
            let histories: Vec<History> = (0..input.len()).map(|i| input.in_time(i, unit)).collect();
            if let Some(lower) = no_drop_out(&histories, fit) {
                let lower = Cell::Number(lower, 1);
                warnings.push(message!("no_drop_out_seen", model = &fit.model, lower = lower));
            }
        }
        if pooled.orders.model() == Model::Nbd {
            warnings.push(message!("no_drop_out"));
        }
        if let Some(c) = correlation.filter(|c| c.abs() > CORRELATION_LIMIT) {
            warnings.push(message!("frequency_and_spend", correlation = Cell::Number(c, 2)));
        }
        for report in &fits {
            let fits = report.orders.iter().chain(&report.spend);
            let said = fits.flat_map(Fit::warnings).chain(report.spend_note.clone());
            warnings.extend(said.map(|note| match &report.group {
                Some(group) => message!("of_group", group = group, note = note),
                None => note,
            }));
        }
        let unit_days =
            if settings.model == Model::BgBb { settings.occasion_days } else { settings.time_unit.days() };
        if settings.value.margin == Margin::UnitCost && pooled_margin.is_none() {
            return Err(MineError::data(
                "margin = \"unit_cost\" needs costs: name the column in [columns] unit_cost",
                "no customer has any",
            ));
        }
        let clv = Clv {
            unit_days,
            order_days_per_occasion: order_days_per_occasion(input, settings.model),
            by: settings.by.clone(),
            purchase: settings.purchase.clone(),
            drop_out: settings.drop_out.clone(),
            pooled,
            groups,
            pooled_margin,
            value: settings.value,
        };
        Ok((clv, Report { fits, spend_frequency_correlation: correlation, warnings }))
    }

    /// A customer's history as the model counts time.
    fn history(&self, input: Input<'_>, i: usize) -> History {
        if self.pooled.orders.counts_occasions() {
            input.in_occasions(i)
        } else {
            input.in_time(i, self.unit_days)
        }
    }

    /// The model of a group, or of everyone.
    fn fitted(&self, group: Option<&String>) -> &Fitted {
        group.and_then(|g| self.groups.get(g)).unwrap_or(&self.pooled)
    }
}

/// Fits orders and spend of some customers, side by side.
fn fit_group(
    input: Input<'_>,
    who: &[usize],
    settings: &Settings,
) -> Result<(Fitted, GroupReport), MineError> {
    let unit = settings.time_unit.days();
    let histories: Vec<History> = who
        .iter()
        .map(|&i| if settings.model == Model::BgBb { input.in_occasions(i) } else { input.in_time(i, unit) })
        .collect();
    let repeat: Vec<(f64, f64)> = who.iter().filter_map(|&i| input.repeat_spend(i)).collect();
    let fit_orders = || {
        let names = |levels: &[Levels]| levels.iter().flat_map(|l| l.names().collect::<Vec<_>>()).collect();
        let (purchase, drop_out): (Vec<String>, Vec<String>) =
            (names(&settings.purchase), names(&settings.drop_out));
        if settings.purchase.is_empty() && settings.drop_out.is_empty() {
            settings.model.fit(&histories, input.sum_ln_gaps(who.iter().copied(), unit))
        } else {
            let known: Vec<Known> = who.iter().filter_map(|&i| input.known.get(i).cloned()).collect();
            settings.model.fit_with_covariates(&histories, &known, (&purchase, &drop_out), settings.l2)
        }
    };
    let (orders, spend) = rayon::join(fit_orders, || GammaGamma::fit(&repeat));
    let (orders, orders_fit) = orders?;
    let (spend, spend_fit, said) = match (spend, mean_order_value(input, who)) {
        (Ok((spend, fit)), _) => (spend, Some(fit), None),
        // Orders are told without repeat spend too.
        (Err(MineError::Data { .. }), Some(mean)) => {
            let said = message!("no_repeat_spend", mean = Cell::Number(mean, 2));
            (GammaGamma::constant(mean), None, Some(said))
        }
        (Err(e), _) => return Err(e),
    };
    let spend_covariance = spend_fit.as_ref().map(|fit| fit.covariance.clone()).unwrap_or_default();
    let fitted = Fitted { orders, spend, orders_covariance: orders_fit.covariance.clone(), spend_covariance };
    let report = GroupReport {
        group: None,
        customers: who.len(),
        orders: Some(orders_fit),
        spend: spend_fit,
        spend_note: said,
        pooled_because: None,
    };
    Ok((fitted, report))
}

/// Net revenue of an order, of customers who kept something.
fn mean_order_value(input: Input<'_>, who: &[usize]) -> Option<f64> {
    let kept = who.iter().filter(|i| input.net_revenue[**i] > 0.0);
    let (net, orders) =
        kept.fold((0.0, 0.0), |(net, orders), i| (net + input.net_revenue[*i], orders + input.orders[*i]));
    (net > 0.0 && orders > 0.0).then(|| net / orders)
}

fn spend_correlation(input: Input<'_>) -> Option<f64> {
    let (xs, ms): (Vec<f64>, Vec<f64>) = (0..input.len()).filter_map(|i| input.repeat_spend(i)).unzip();
    Some(crate::stats::correlation(&xs, &ms)).filter(|c| c.is_finite())
}

/// The margin of all revenue whose cost is known.
fn pooled_margin(input: Input<'_>) -> Option<f64> {
    let known = (0..input.len()).filter(|i| input.own_margin(*i).is_some());
    let (net, cost) =
        known.fold((0.0, 0.0), |(net, cost), i| (net + input.net_revenue[i], cost + input.cost[i]));
    (net > 0.0).then(|| (net - cost) / net)
}

/// BG/BB counts occasions; money comes by order days.
fn order_days_per_occasion(input: Input<'_>, model: Model) -> f64 {
    match input.occasions {
        Some(o) if model == Model::BgBb => {
            let (days, occasions): (f64, f64) = (o.order_days.iter().sum(), o.x.iter().sum());
            if occasions > 0.0 { (days / occasions).max(1.0) } else { 1.0 }
        }
        _ => 1.0,
    }
}
