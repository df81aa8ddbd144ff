//! Forecasts against the lines of the export: what came, what the last windows brought, and the arithmetic between columns.

use std::collections::BTreeMap;

use super::facts::{as_of, net, order_days, FIRST};
use super::{ensure, holds, near, Found, Frame, World};

const HORIZON: i32 = 90;
const STEP: i32 = 30;

/// What each customer known on a day did in the days after `from` up to `to`.
fn did(world: &World, known: i32, from: i32, to: i32, orders: bool) -> Vec<f64> {
    let (then, all) = (world.facts.customers(known), world.facts.customers(as_of().0));
    let of = |id: &&str| {
        let within: Vec<_> = all[*id].iter().copied().filter(|l| l.day > from && l.day <= to).collect();
        if orders {
            // A day counts for the customer's first order on it.
            order_days(&within).len() as f64
        } else {
            // In cents, as the lines are.
            net(&within)
        }
    };
    then.keys().map(of).collect()
}

/// The same of everyone, those who came since included.
fn everyone(world: &World, from: i32, to: i32, orders: bool) -> f64 {
    did(world, as_of().0, from, to, orders).iter().sum()
}

fn spearman(a: &[f64], b: &[f64]) -> f64 {
    let rank = |v: &[f64]| -> Vec<f64> {
        let below = |x: f64| v.iter().filter(|y| **y < x).count() as f64;
        let same = |x: f64| v.iter().filter(|y| **y == x).count() as f64;
        v.iter().map(|x| below(*x) + (same(*x) + 1.0) / 2.0).collect()
    };
    let (a, b) = (rank(a), rank(b));
    let middle = (a.len() as f64 + 1.0) / 2.0;
    let product =
        |x: &[f64], y: &[f64]| -> f64 { x.iter().zip(y).map(|(x, y)| (x - middle) * (y - middle)).sum() };
    product(&a, &b) / (product(&a, &a) * product(&b, &b)).sqrt()
}

pub fn origins(world: &World) -> Found {
    let frame = world.table("forecast_origins");
    let (origin, end) = (frame.n("origin"), frame.n("window_end"));
    let (target, method) = (frame.t("target"), frame.t("method"));
    let (expected, weight) = (frame.n("expected"), frame.n("weight"));
    let actual = |i: usize| {
        let (from, to) = (origin[i] as i32, end[i] as i32);
        let orders = target[i].ends_with("orders");
        if to > as_of().0 {
            f64::NAN
        } else if target[i].starts_with("known") {
            did(world, from, from, to, orders).iter().sum()
        } else {
            everyone(world, from, to, orders)
        }
    };
    holds(frame, "window_end", origin.iter().map(|o| o + f64::from(HORIZON)))?;
    ensure(
        origin.iter().all(|o| (as_of().0 - *o as i32) % STEP == 0 && *o as i32 - HORIZON >= FIRST),
        "origins are thirty days apart, and the first has a window before it",
    )?;
    holds(frame, "actual", (0..frame.rows).map(actual))?;
    let came = frame.n("actual");
    let error = |i: usize| if came[i] > 0.0 { expected[i] / came[i] - 1.0 } else { f64::NAN };
    holds(frame, "error", (0..frame.rows).map(error))?;
    // The combination is the weighted geometric mean of its parts; everyone's adds those still to come.
    let mut parts: BTreeMap<(i64, &str), Vec<usize>> = BTreeMap::new();
    for i in 0..frame.rows {
        parts.entry((origin[i] as i64, &target[i])).or_default().push(i);
    }
    for ((day, what), rows) in &parts {
        let combined = *rows.iter().find(|i| method[**i] == "combined").ok_or("no combination")?;
        ensure(weight[combined].is_nan(), "the combination has no weight")?;
        let (low, high) = (frame.n("low")[combined], frame.n("high")[combined]);
        ensure(
            low < expected[combined] && near(low * high, expected[combined].powi(2), 1e-9),
            "a range lies about what is expected, in ratios",
        )?;
        if !what.starts_with("known") {
            let of_known = what.replace("all", "known");
            let known = parts[&(*day, of_known.as_str())].iter().find(|i| method[**i] == "combined");
            let from = *day as i32;
            let orders = what.ends_with("orders");
            let came = everyone(world, from - HORIZON, from, orders)
                - did(world, from - HORIZON, from - HORIZON, from, orders).iter().sum::<f64>();
            let on_top =
                |k: f64| if came > 0.0 { k < expected[combined] } else { near(k, expected[combined], 1e-12) };
            ensure(
                known.is_some_and(|k| on_top(expected[*k])),
                "newcomers come on top, if any came of late",
            )?;
            continue;
        }
        let of_parts = || rows.iter().filter(|i| **i != combined);
        let log: f64 = of_parts().map(|i| weight[*i] * expected[*i].ln()).sum();
        ensure(near(log.exp(), expected[combined], 1e-9), "a weighted geometric mean")?;
        ensure(near(of_parts().map(|i| weight[*i]).sum(), 1.0, 1e-9), "weights add up to one")?;
        ensure(of_parts().all(|i| frame.n("low")[*i].is_nan()), "parts have no range")?;
    }
    // What the last window brought, in all and customer by customer.
    for i in (0..frame.rows).filter(|i| method[*i] == "last_window") {
        let (at, orders) = (origin[i] as i32, target[i].ends_with("orders"));
        let last: f64 = did(world, at, at - HORIZON, at, orders).iter().sum();
        ensure(near(expected[i], last, 1e-6), "the last window again")?;
        if came[i].is_nan() {
            continue;
        }
        let windows = if at - 2 * HORIZON >= (as_of().0 - FIRST) % STEP + FIRST { 2 } else { 1 };
        let before = did(world, at, at - windows * HORIZON, at, orders);
        let before: Vec<f64> = before.iter().map(|v| v.max(0.0) / f64::from(windows)).collect();
        let after = did(world, at, at, at + HORIZON, orders);
        let off = before.iter().zip(&after).map(|(b, a)| (b - a).abs()).sum::<f64>() / after.len() as f64;
        ensure(
            near(frame.n("customer_mae")[i], off, 1e-6),
            "the mean absolute error of the last windows again",
        )?;
        let rank = spearman(&before, &after);
        ensure(near(frame.n("customer_rank_correlation")[i], rank, 1e-6), "their rank correlation")?;
    }
    Ok(())
}

pub fn coverage(world: &World) -> Found {
    let frame = world.table("forecast_coverage");
    let (customers, covered, width) = (frame.n("customers"), frame.n("covered"), frame.n("mean_width"));
    holds(frame, "coverage", covered.iter().zip(customers).map(|(c, n)| c / n))?;
    for target in ["known_orders", "known_revenue"] {
        let rows = |keep: &dyn Fn(&str) -> bool| -> Vec<usize> {
            (0..frame.rows)
                .filter(|i| frame.t("target")[*i] == target && keep(&frame.t("customer_group")[*i]))
                .collect()
        };
        let all = *rows(&|g| g == "all").first().ok_or("no row of all")?;
        for split in [rows(&|g| g.starts_with("tenth")), rows(&|g| g == "new" || g == "old")] {
            let sum = |column: &[f64]| split.iter().map(|i| column[*i]).sum::<f64>();
            ensure(sum(customers) == customers[all] && sum(covered) == covered[all], "parts make the whole")?;
            let widths: f64 = split.iter().map(|i| width[*i] * customers[*i]).sum();
            ensure(near(widths, width[all] * customers[all], 1e-9), "widths are means")?;
        }
        ensure(rows(&|g| g.starts_with("tenth")).len() == 10, "ten tenths")?;
        ensure(covered[all] / customers[all] > 0.5, "ranges hold about what they promise")?;
    }
    Ok(())
}

/// Today's forecasts of single customers.
pub fn scores(world: &World) -> Found {
    let (customers, origins) = (world.table("customers"), world.table("forecast_origins"));
    let today = |target: &str| {
        let is = |i: &usize| {
            origins.t("target")[*i] == target
                && origins.t("method")[*i] == "combined"
                && origins.n("origin")[*i] == f64::from(as_of().0)
        };
        (0..origins.rows).find(is).map(|i| origins.n("expected")[i]).unwrap_or(f64::NAN)
    };
    for (what, target) in [("orders_ahead", "known_orders"), ("revenue_ahead", "known_revenue")] {
        let ahead = customers.n(what);
        ensure(near(ahead.iter().sum(), today(target), 1e-5), "customers add up to the total")?;
        let [low, high] = ["low", "high"].map(|end| customers.n(&format!("{what}_{end}")));
        ensure(
            (0..customers.rows).all(|i| low[i] <= ahead[i] && ahead[i] <= high[i]),
            "a range holds what is expected",
        )?;
        ensure((0..customers.rows).any(|i| low[i] < ahead[i] && ahead[i] < high[i]), "and is wider")?;
        // Its ends are what others did: whole order days, or cents.
        let unit = if what == "orders_ahead" { 1.0 } else { 100.0 };
        let done = |v: f64, i: usize| v == ahead[i] || near(v * unit, (v * unit).round(), 1e-7);
        ensure((0..customers.rows).all(|i| done(low[i], i) && done(high[i], i)), "ends are what others did")?;
        distinct(customers, what)?;
    }
    Ok(())
}

/// Frequent customers are expected to order more than those who came once.
fn distinct(customers: &Frame, what: &str) -> Found {
    let (x, high) = (customers.n("x"), customers.n(&format!("{what}_high")));
    let mean = |keep: &dyn Fn(f64) -> bool| {
        let of: Vec<f64> = (0..customers.rows).filter(|i| keep(x[*i])).map(|i| high[i]).collect();
        of.iter().sum::<f64>() / of.len() as f64
    };
    ensure(mean(&|x| x > 8.0) > mean(&|x| x < 1.0), "frequent customers' ranges reach further")
}
