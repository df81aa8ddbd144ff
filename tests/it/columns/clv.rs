//! Customer lifetime value, from the formulas of the papers and the parameters in the model's file.

use std::collections::BTreeMap;

use super::facts::{as_of, order_days, FIRST};
use super::{ensure, holds, holds_about, mean, near, says, Found, World};

const WEEK: f64 = 7.0;
const HORIZON_DAYS: f64 = 365.0;
const HOLDOUT_DAYS: i32 = 180;
const YEARLY: f64 = 0.1;

/// BG/NBD (Fader, Hardie and Lee 2005) and Gamma-Gamma (Fader and Hardie 2013).
struct Model {
    r: f64,
    alpha: f64,
    a: f64,
    b: f64,
    p: f64,
    q: f64,
    v: f64,
}

impl Model {
    fn of(world: &World) -> Model {
        let pooled = &world.clv["parameters"]["pooled"];
        let n = |part: &str, name: &str| pooled[part][name].as_f64().unwrap();
        Model {
            r: n("orders", "r"),
            alpha: n("orders", "alpha"),
            a: n("orders", "a"),
            b: n("orders", "b"),
            p: n("spend", "p"),
            q: n("spend", "q"),
            v: n("spend", "v"),
        }
    }

    fn p_alive(&self, x: f64, t_x: f64, age: f64) -> f64 {
        if x == 0.0 {
            return 1.0;
        }
        let odds = self.a / (self.b + x - 1.0) * ((self.alpha + age) / (self.alpha + t_x)).powf(self.r + x);
        1.0 / (1.0 + odds)
    }

    /// Expected orders within `t`, of a customer who is alive: equation 10 without its denominator.
    fn ahead(&self, x: f64, age: f64, t: f64) -> f64 {
        let (a, b) = (self.a, self.b + x);
        let z = t / (self.alpha + age + t);
        let shrink = ((self.alpha + age) / (self.alpha + age + t)).powf(self.r + x);
        (a + b - 1.0) / (a - 1.0) * (1.0 - shrink * hypergeometric(self.r + x, b, a + b - 1.0, z))
    }

    fn population_mean(&self) -> f64 {
        self.v * self.p / (self.q - 1.0)
    }

    fn spend(&self, x: f64, m: f64) -> f64 {
        if x == 0.0 || m.is_nan() {
            return self.population_mean();
        }
        let own = self.p * x / (self.p * x + self.q - 1.0);
        (1.0 - own) * self.population_mean() + own * m
    }

    /// Expected orders within a horizon, each discounted from the middle of a small step.
    fn discounted(&self, x: f64, age: f64, days: f64) -> f64 {
        let steps = 200;
        let at = |i: usize| self.ahead(x, age, days * i as f64 / steps as f64 / WEEK);
        let rate = |i: usize| (1.0 + YEARLY).powf(-days * (i as f64 + 0.5) / steps as f64 / 365.25);
        (0..steps).map(|i| (at(i + 1) - at(i)) * rate(i)).sum()
    }
}

/// Gauss' series.
fn hypergeometric(a: f64, b: f64, c: f64, z: f64) -> f64 {
    let (mut term, mut sum, mut n): (f64, f64, f64) = (1.0, 1.0, 0.0);
    while term.abs() > 1e-15 * sum.abs() && n < 100_000.0 {
        term *= (a + n) * (b + n) / (c + n) * z / (n + 1.0);
        sum += term;
        n += 1.0;
    }
    sum
}

pub fn scores(world: &World) -> Found {
    let frame = world.table("customers");
    let model = Model::of(world);
    let each = |f: &dyn Fn(f64, f64, f64, usize) -> f64| {
        let (x, t_x, age) = (frame.n("x"), frame.n("t_x_days"), frame.n("age_days"));
        (0..frame.rows).map(|i| f(x[i], t_x[i] / WEEK, age[i] / WEEK, i)).collect::<Vec<f64>>()
    };
    let alive = each(&|x, t_x, age, _| model.p_alive(x, t_x, age));
    let t = HORIZON_DAYS / WEEK;
    holds_about(frame, "p_alive", alive.iter().copied(), 1e-9)?;
    let expected = each(&|x, _, age, i| alive[i] * model.ahead(x, age, t));
    holds_about(frame, "expected_orders", expected.iter().copied(), 1e-7)?;
    let spend = each(&|x, _, _, i| model.spend(x, frame.n("mean_repeat_spend")[i]));
    let known = |i: usize| frame.n("net_revenue")[i] > 0.0;
    let spend: Vec<f64> =
        (0..frame.rows).map(|i| if known(i) { spend[i] } else { model.population_mean() }).collect();
    holds_about(frame, "expected_order_value", spend.iter().copied(), 1e-9)?;
    let (net, cost) = (frame.n("net_revenue"), frame.n("cost"));
    let pooled = {
        let rows = || (0..frame.rows).filter(|i| known(*i));
        rows().map(|i| net[i] - cost[i]).sum::<f64>() / rows().map(|i| net[i]).sum::<f64>()
    };
    let margin = |i: usize| if known(i) { (net[i] - cost[i]) / net[i] } else { pooled };
    let clv = each(&|x, _, age, i| alive[i] * model.discounted(x, age, HORIZON_DAYS) * spend[i] * margin(i));
    holds_about(frame, "clv", clv.iter().copied(), 1e-5)?;
    holds(frame, "past_value", (0..frame.rows).map(|i| net[i] - cost[i]))?;
    holds(frame, "customer_equity", (0..frame.rows).map(|i| net[i] - cost[i] + frame.n("clv")[i]))?;
    // Intervals are as wide above as below, on the logarithm, but where nobody can have more.
    for (low, middle, high) in
        [("expected_orders_low", "expected_orders", "expected_orders_high"), ("clv_low", "clv", "clv_high")]
    {
        let (low, middle, high) = (frame.n(low), frame.n(middle), frame.n(high));
        for i in (0..frame.rows).filter(|i| high[*i].is_finite()) {
            ensure(low[i] <= middle[i] && middle[i] <= high[i], "low, estimate, high")?;
            ensure(near(low[i] * high[i], middle[i] * middle[i], 1e-6), "as wide above as below")?;
        }
        ensure(
            high.iter().filter(|h| h.is_finite()).count() * 10 >= 9 * frame.rows,
            "nearly all have an interval",
        )?;
        ensure(middle.iter().zip(high).any(|(m, h)| h - m > 0.01 * m), "some of them wide")?;
    }
    // For ever is more than a year, and not more than what is discounted could bring.
    let forever = frame.n("residual_clv");
    ensure(
        (0..frame.rows).all(|i| forever[i].is_nan() || forever[i].abs() >= frame.n("clv")[i].abs()),
        "more than the horizon's",
    )?;
    ensure((0..frame.rows).any(|i| forever[i] > 1.2 * frame.n("clv")[i]), "much more for some")?;
    let later = frame.n("p_alive_at_horizon");
    ensure((0..frame.rows).all(|i| later[i] <= alive[i] + 1e-12), "nobody comes back to life")?;
    ensure(
        later.iter().zip(&alive).filter(|(l, a)| **l < 0.98 * **a).count() * 2 > frame.rows,
        "many leave",
    )?;
    // Whoever does not order is dead or rests: the first probability of the distribution.
    let distribution = world.table("clv_distribution");
    let none = (0..distribution.rows).filter(|i| distribution.n("order_days")[*i] == 0.0);
    holds(frame, "p_no_order", none.map(|i| distribution.n("probability")[i]))?;
    ensure(
        (0..frame.rows).all(|i| frame.n("p_no_order")[i] >= 1.0 - alive[i] - 1e-9),
        "the dead do not order",
    )
}

pub fn distribution(world: &World) -> Found {
    let frame = world.table("clv_distribution");
    let customers = world.table("customers");
    let most = 4;
    let ids: Vec<&String> =
        customers.t("customer_id").iter().flat_map(|id| std::iter::repeat_n(id, most + 1)).collect();
    says(frame, "customer_id", ids)?;
    holds(frame, "order_days", (0..frame.rows).map(|i| (i % (most + 1)) as f64))?;
    for (i, rows) in frame.n("probability").chunks(most + 1).enumerate() {
        ensure(
            near(rows.iter().sum(), 1.0, 1e-9) && rows.iter().all(|p| (0.0..=1.0).contains(p)),
            "a distribution",
        )?;
        // At least so many orders are expected as the counts below the last one tell.
        let least: f64 = rows.iter().enumerate().map(|(n, p)| n as f64 * p).sum();
        ensure(least <= customers.n("expected_orders")[i] + 1e-9, "no more than are expected")?;
    }
    Ok(())
}

pub fn parameters(world: &World) -> Found {
    let frame = world.table("clv_parameters");
    let pooled = &world.clv["parameters"]["pooled"];
    says(frame, "customer_group", (0..frame.rows).map(|_| ""))?;
    says(frame, "part", ["orders", "orders", "orders", "orders", "spend", "spend", "spend"])?;
    says(
        frame,
        "model",
        ["BG/NBD", "BG/NBD", "BG/NBD", "BG/NBD", "Gamma-Gamma", "Gamma-Gamma", "Gamma-Gamma"],
    )?;
    says(frame, "parameter", ["r", "alpha", "a", "b", "p", "q", "v"])?;
    let value = |i: usize| pooled[frame.t("part")[i].as_str()][frame.t("parameter")[i].as_str()].as_f64();
    holds(frame, "value", (0..frame.rows).map(|i| value(i).unwrap_or(f64::NAN)))?;
    // The covariance in the file is of logarithms.
    let error = |i: usize| {
        let at = if i < 4 { i } else { i - 4 };
        let variance = pooled[format!("{}_covariance", frame.t("part")[i])][at][at].as_f64();
        value(i).zip(variance).map_or(f64::NAN, |(v, variance)| v * variance.sqrt())
    };
    holds_about(frame, "standard_error", (0..frame.rows).map(error), 1e-6)
}

/// By customer of the calibration: repeat order days in it, and order days in the holdout.
fn holdout(world: &World) -> Vec<(usize, f64)> {
    let end = as_of().0 - HOLDOUT_DAYS;
    let later = world.facts.customers(as_of().0);
    let days = |id: &str| order_days(&later[id]).into_iter().filter(|d| *d > end).count() as f64;
    world
        .facts
        .customers(end)
        .into_iter()
        .map(|(id, lines)| (order_days(&lines).len() - 1, days(id)))
        .collect()
}

pub fn models(world: &World) -> Found {
    let frame = world.table("clv_models");
    let judged = &world.record["analyses"]["clv"]["report"]["judged"];
    let n = |key: &str| judged[key].as_f64().unwrap_or(f64::NAN);
    let customers = holdout(world);
    let count = customers.len() as f64;
    says(frame, "model", ["bg_nbd"])?;
    says(frame, "problem", [""])?;
    holds(frame, "chosen", [1.0])?;
    holds(frame, "calibration_end", [f64::from(as_of().0 - HOLDOUT_DAYS)])?;
    holds(frame, "holdout_end", [f64::from(as_of().0)])?;
    holds(frame, "parameters", [4.0])?;
    holds(frame, "customers", [count])?;
    let fit = frame.n("log_likelihood")[0];
    ensure(fit < 0.0, "a log-likelihood of densities over weeks")?;
    holds(frame, "aic", [2.0 * 4.0 - 2.0 * fit])?;
    holds(frame, "bic", [4.0 * count.ln() - 2.0 * fit])?;
    let actual: f64 = customers.iter().map(|c| c.1).sum();
    holds(frame, "actual_order_days", [actual])?;
    let calibration = world.table("clv_calibration");
    let expected =
        (0..calibration.rows).map(|i| calibration.n("customers")[i] * calibration.n("expected")[i]).sum();
    holds(frame, "expected_order_days", [expected])?;
    for key in ["mae", "rmse", "correlation", "log_score"] {
        holds(frame, key, [n(key)])?;
    }
    let (mae, rmse) = (frame.n("mae")[0], frame.n("rmse")[0]);
    ensure(
        (expected - actual).abs() / count <= mae && mae < rmse,
        "errors do not cancel, and large ones count more squared",
    )?;
    ensure(frame.n("log_score")[0] < 0.0 && frame.n("correlation")[0] > 0.0, "a logarithm of probabilities")
}

pub fn calibration(world: &World) -> Found {
    let frame = world.table("clv_calibration");
    let mut bins: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    holdout(world).into_iter().for_each(|(x, days)| bins.entry(x.min(7)).or_default().push(days));
    says(frame, "model", bins.iter().map(|_| "bg_nbd"))?;
    holds(frame, "x", bins.keys().map(|x| *x as f64))?;
    holds(frame, "customers", bins.values().map(|b| b.len() as f64))?;
    holds(frame, "actual", bins.values().map(|b| mean(b.iter().copied())))?;
    let total: f64 = (0..frame.rows).map(|i| frame.n("customers")[i] * frame.n("expected")[i]).sum();
    let judged = world.record["analyses"]["clv"]["report"]["judged"]["expected"].as_f64().unwrap();
    ensure(near(total, judged, 1e-9), "as many as were expected in all")
}

pub fn tracking(world: &World) -> Found {
    let frame = world.table("clv_tracking");
    let end = as_of().0 - HOLDOUT_DAYS;
    // Of customers who came in the calibration.
    let later = world.facts.customers(as_of().0);
    let mut repeats: Vec<i32> = Vec::new();
    for id in world.facts.customers(end).keys() {
        repeats.extend(&order_days(&later[*id])[1..]);
    }
    let start = world.facts.lines.iter().map(|l| l.day).min().unwrap_or(FIRST);
    let week_end = |week: usize| start + 7 * week as i32 - 1;
    let weeks: Vec<usize> = (1..=frame.rows).collect();
    says(frame, "model", weeks.iter().map(|_| "bg_nbd"))?;
    holds(frame, "week", weeks.iter().map(|w| *w as f64))?;
    holds(frame, "week_end", weeks.iter().map(|w| f64::from(week_end(*w))))?;
    holds(frame, "holdout", weeks.iter().map(|w| f64::from(u8::from(week_end(*w) > end))))?;
    let upto = |w: usize| repeats.iter().filter(|d| **d <= week_end(w)).count() as f64;
    holds(frame, "actual_cumulative", weeks.iter().map(|w| upto(*w)))?;
    holds(frame, "actual", weeks.iter().map(|w| upto(*w) - if *w == 1 { 0.0 } else { upto(w - 1) }))?;
    let mut sum = 0.0;
    let cumulative: Vec<f64> = frame
        .n("expected")
        .iter()
        .map(|e| {
            sum += e;
            sum
        })
        .collect();
    holds(frame, "expected_cumulative", cumulative)?;
    let last = frame.rows - 1;
    ensure(
        (frame.n("expected_cumulative")[last] / upto(frame.rows) - 1.0).abs() < 0.5,
        "about as many as came",
    )
}

pub fn forecast(world: &World) -> Found {
    let frame = world.table("clv_forecast");
    let customers = world.table("customers");
    let model = Model::of(world);
    let month = |m: usize| (m as f64 * 365.25 / 12.0).min(HORIZON_DAYS);
    holds(frame, "month", (1..=12).map(f64::from))?;
    holds(frame, "month_end", (1..=12).map(|m| f64::from(as_of().0) + month(m).round()))?;
    let sum = |column: &str| customers.n(column).iter().sum::<f64>();
    let total = |column: &str| frame.n(column).iter().sum::<f64>();
    let alive = frame.n("expected_customers");
    ensure(near(alive[11], sum("p_alive_at_horizon"), 1e-9), "the last month's are those at the horizon")?;
    ensure(alive.is_sorted_by(|a, b| a >= b) && alive[0] < sum("p_alive"), "fewer and fewer")?;
    // Month by month, from the formula.
    let (x, t_x, age) = (customers.n("x"), customers.n("t_x_days"), customers.n("age_days"));
    let upto = |m: usize, i: usize| {
        let (x, t_x, age) = (x[i], t_x[i] / WEEK, age[i] / WEEK);
        if m == 0 {
            0.0
        } else {
            model.p_alive(x, t_x, age) * model.ahead(x, age, month(m) / WEEK)
        }
    };
    let of = |m: usize, weight: &dyn Fn(usize) -> f64| {
        (0..customers.rows).map(|i| (upto(m, i) - upto(m - 1, i)) * weight(i)).sum::<f64>()
    };
    let spend = customers.n("expected_order_value");
    holds_about(frame, "expected_order_days", (1..=12).map(|m| of(m, &|_| 1.0)), 1e-7)?;
    holds_about(frame, "expected_revenue", (1..=12).map(|m| of(m, &|i| spend[i])), 1e-7)?;
    ensure(near(total("expected_value"), sum("clv"), 0.01), "the months' value is the customers'")?;
    holds_about(
        frame,
        "new_customer_orders",
        (1..=12).map(|m| model.ahead(0.0, 0.0, month(m) / WEEK)),
        1e-7,
    )?;
    let (net, cost) = (customers.n("net_revenue"), customers.n("cost"));
    let kept = || (0..customers.rows).filter(|i| net[*i] > 0.0);
    let margin = kept().map(|i| net[i] - cost[i]).sum::<f64>() / kept().map(|i| net[i]).sum::<f64>();
    let new = |m: usize| model.discounted(0.0, 0.0, month(m)) * model.population_mean() * margin;
    holds_about(frame, "new_customer_clv", (1..=12).map(new), 1e-4)
}
