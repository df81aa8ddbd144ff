//! What customers did, from the lines of the export.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{as_of, category, net, order_days, Line};
use super::{ensure, holds, quantile, says, Found, World};

/// The most frequent value of the sales, the smallest of several.
fn mode(lines: &[&Line], value: impl Fn(&Line) -> &str) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for line in lines.iter().filter(|l| !l.is_return()) {
        *counts.entry(value(line).to_owned()).or_default() += 1;
    }
    let most = counts.values().max().copied().unwrap_or(0);
    counts.into_iter().find(|c| c.1 == most).map(|c| c.0).unwrap_or_default()
}

/// Money of the order days after the first, less what was taken back of them: a return meets the latest earlier sale of its
/// product.
pub fn repeat_spend(lines: &[&Line]) -> Option<f64> {
    let days = order_days(lines);
    let repeats = days.len() - 1;
    let mut cents = 0;
    for line in lines {
        let paid = if line.is_return() {
            let sold =
                lines.iter().filter(|s| !s.is_return() && s.product == line.product && s.day <= line.day);
            sold.map(|s| s.day).max().unwrap_or(line.day)
        } else {
            line.day
        };
        cents += if paid > days[0] { line.amount } else { 0 };
    }
    (repeats > 0 && cents > 0).then(|| cents as f64 / 100.0 / repeats as f64)
}

/// The lines that are no returns.
fn sales<'a>(lines: &[&'a Line]) -> Vec<&'a Line> {
    lines.iter().filter(|l| !l.is_return()).copied().collect()
}

pub fn customers(world: &World) -> Found {
    let frame = world.table("customers");
    let as_of = as_of().0;
    let customers = world.facts.customers(as_of);
    let all: Vec<&Vec<&Line>> = customers.values().collect();
    let each = |f: &dyn Fn(&[&Line]) -> f64| all.iter().map(|lines| f(lines)).collect::<Vec<f64>>();
    let orders = |lines: &[&Line], from: i32| {
        let ids: BTreeSet<&str> =
            lines.iter().filter(|l| !l.is_return() && l.day > from).map(|l| l.order.as_str()).collect();
        ids.len() as f64
    };
    let gaps =
        |lines: &[&Line]| order_days(lines).windows(2).map(|w| f64::from(w[1] - w[0])).collect::<Vec<f64>>();
    says(frame, "customer_id", customers.keys())?;
    holds(frame, "as_of", all.iter().map(|_| f64::from(as_of)))?;
    holds(frame, "first_order_date", each(&|l| f64::from(order_days(l)[0])))?;
    holds(frame, "last_order_date", each(&|l| f64::from(*order_days(l).last().unwrap())))?;
    holds(frame, "orders", each(&|l| orders(l, 0)))?;
    holds(frame, "order_days", each(&|l| order_days(l).len() as f64))?;
    holds(frame, "lines", each(&|l| sales(l).len() as f64))?;
    holds(frame, "units", each(&|l| sales(l).iter().map(|l| l.quantity).sum::<i64>() as f64))?;
    holds(frame, "gross_revenue", each(&|l| net(&sales(l))))?;
    holds(frame, "returns_value", each(&|l| net(&sales(l)) - net(l)))?;
    holds(frame, "net_revenue", each(&|l| net(l)))?;
    holds(frame, "cost", each(&|l| l.iter().map(|l| l.quantity * l.unit_cost).sum::<i64>() as f64 / 100.0))?;
    holds(frame, "avg_order_value", each(&|l| net(l) / orders(l, 0)))?;
    holds(frame, "days_since_last", each(&|l| f64::from(as_of - order_days(l).last().unwrap())))?;
    for column in ["tenure_days", "age_days"] {
        holds(frame, column, each(&|l| f64::from(as_of - order_days(l)[0])))?;
    }
    holds(frame, "x", each(&|l| order_days(l).len() as f64 - 1.0))?;
    holds(frame, "t_x_days", each(&|l| f64::from(order_days(l).last().unwrap() - order_days(l)[0])))?;
    holds(frame, "mean_repeat_spend", each(&|l| repeat_spend(l).unwrap_or(f64::NAN)))?;
    holds(
        frame,
        "distinct_products",
        each(&|l| sales(l).iter().map(|l| l.product).collect::<BTreeSet<_>>().len() as f64),
    )?;
    holds(frame, "mean_gap_days", each(&|l| super::mean(gaps(l))))?;
    holds(
        frame,
        "std_gap_days",
        each(&|l| {
            let (gaps, middle) = (gaps(l), super::mean(gaps(l)));
            let squares: f64 = gaps.iter().map(|g| (g - middle).powi(2)).sum();
            if gaps.len() < 2 {
                f64::NAN
            } else {
                (squares / (gaps.len() - 1) as f64).sqrt()
            }
        }),
    )?;
    holds(frame, "mean_ln_gap_days", each(&|l| super::mean(gaps(l).into_iter().map(f64::ln))))?;
    holds(frame, "p90_gap_days", each(&|l| quantile(&gaps(l), 0.9)))?;
    for days in [30, 90, 180, 365] {
        holds(frame, &format!("orders_{days}d"), each(&|l| orders(l, as_of - days)))?;
        let late = |l: &[&Line]| net(l.iter().filter(|l| l.day > as_of - days));
        holds(frame, &format!("net_revenue_{days}d"), each(&late))?;
    }
    says(frame, "top_category", all.iter().map(|l| mode(l, |l| category(l.product))))?;
    says(frame, "top_country", all.iter().map(|l| mode(l, |l| l.country)))?;
    says(frame, "top_channel", all.iter().map(|l| mode(l, |l| l.channel)))?;
    says(frame, "top_store", all.iter().map(|l| mode(l, |l| l.store)))?;
    ensure(all.iter().any(|l| l.iter().any(|l| l.is_return())), "the shop has no returns")
}
