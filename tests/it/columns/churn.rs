//! Churn: what the probabilities give rise to.

use super::facts::{self, order_days};
use super::{ensure, holds, mean, near, says, Found, Frame, World};

const HORIZON_REVENUE: &str = "net_revenue_365d";
/// Days since the last order up to which a customer is one to learn from.
const ELIGIBLE_DAYS: f64 = 180.0;
const OFFER_COST: f64 = 0.4;
/// What an offer brings of the money at stake: the response rate times the value saved.
const SAVED: f64 = 0.3 * 0.5;

/// Tenths by probability, 1 the most likely; equal ones share that of the first of them.
pub fn deciles(p: &[f64]) -> Vec<f64> {
    let ahead = |q: f64| p.iter().filter(|p| **p > q).count();
    p.iter().map(|q| (ahead(*q) * 10 / p.len()) as f64 + 1.0).collect()
}

/// Reasons come in turn: there is no third without a second, and no reason stands twice.
pub fn reasons(frame: &Frame) -> Found {
    let of = |n: usize| frame.t(&format!("churn_reason_{n}"));
    let (one, two, three) = (of(1), of(2), of(3));
    for i in 0..frame.rows {
        ensure(!two[i].is_empty() || three[i].is_empty(), "a third reason without a second")?;
        ensure(!one[i].is_empty() || two[i].is_empty(), "a second reason without a first")?;
        ensure(one[i].is_empty() || (one[i] != two[i] && one[i] != three[i]), "a reason stands twice")?;
    }
    ensure((0..frame.rows).any(|i| !two[i].is_empty() && three[i].is_empty()), "nobody has two reasons")?;
    ensure((0..frame.rows).any(|i| !one[i].is_empty() && two[i].is_empty()), "nobody has one reason")
}

pub fn scores(world: &World) -> Found {
    let frame = world.table("customers");
    let p = frame.n("churn_probability");
    ensure(p.iter().all(|p| (0.0..=1.0).contains(p)), "a probability")?;
    // Those who came lately stay more often than those who did not.
    let days = frame.n("days_since_last");
    let of = |recent: bool| mean((0..frame.rows).filter(|i| (days[*i] < 30.0) == recent).map(|i| p[i]));
    ensure(of(true) < of(false), "the silent are likelier to stay away")?;
    let eligible: Vec<usize> = (0..frame.rows).filter(|i| days[*i] < ELIGIBLE_DAYS).collect();
    ensure(eligible.len() < frame.rows, "everyone is eligible")?;
    let mut decile = vec![f64::NAN; frame.rows];
    let of_eligible = deciles(&eligible.iter().map(|i| p[*i]).collect::<Vec<f64>>());
    eligible.iter().zip(of_eligible).for_each(|(i, d)| decile[*i] = d);
    holds(frame, "churn_decile", decile)?;
    holds(frame, "churn_eligible", days.iter().map(|d| f64::from(u8::from(*d < ELIGIBLE_DAYS))))?;
    let value = frame.n(HORIZON_REVENUE);
    holds(
        frame,
        "churn_offer_profit",
        (0..frame.rows).map(|i| p[i] * SAVED * value[i].max(0.0) - OFFER_COST),
    )?;
    reasons(frame)?;
    // Whoever is worth an offer is among the targets, with rule and reason.
    let targets = world.table("churn_targets");
    let places = world.places();
    let at: Vec<usize> =
        targets.t("customer_id").iter().filter_map(|id| places.get(id.as_str()).copied()).collect();
    holds(targets, "churn_rule_id", at.iter().map(|i| frame.n("churn_rule_id")[*i]))?;
    says(targets, "reason", at.iter().map(|i| &frame.t("churn_reason_1")[*i]))
}

pub fn targets(world: &World) -> Found {
    let frame = world.table("churn_targets");
    let customers = world.table("customers");
    let worth =
        |i: &usize| customers.n("churn_eligible")[*i] == 1.0 && customers.n("churn_offer_profit")[*i] > 0.0;
    let mut expected: Vec<usize> = (0..customers.rows).filter(worth).collect();
    let profit = customers.n("churn_offer_profit");
    expected.sort_by(|a, b| profit[*b].total_cmp(&profit[*a]));
    ensure(expected.len() >= 5, "some customers are worth an offer")?;
    let of = |column: &str| expected.iter().map(|i| customers.n(column)[*i]).collect::<Vec<_>>();
    let texts = |column: &str| expected.iter().map(|i| customers.t(column)[*i].clone()).collect::<Vec<_>>();
    holds(frame, "place", (1..=expected.len()).map(|n| n as f64))?;
    says(frame, "customer_id", texts("customer_id"))?;
    holds(frame, "churn_probability", of("churn_probability"))?;
    holds(frame, "customer_value", of(HORIZON_REVENUE))?;
    holds(frame, "expected_profit", of("churn_offer_profit"))?;
    holds(frame, "cumulative_cost", (1..=expected.len()).map(|n| n as f64 * OFFER_COST))?;
    holds(frame, "churn_rule_id", of("churn_rule_id"))?;
    says(frame, "reason", texts("churn_reason_1"))
}

pub fn rules(world: &World) -> Found {
    let frame = world.table("churn_rules");
    let customers = world.table("customers");
    let p = customers.n("churn_probability");
    let within = |id: f64| {
        let own =
            |i: &usize| customers.n("churn_eligible")[*i] == 1.0 && customers.n("churn_rule_id")[*i] == id;
        (0..customers.rows).filter(own).collect::<Vec<usize>>()
    };
    let leaves: Vec<Vec<usize>> = frame.n("churn_rule_id").iter().map(|id| within(*id)).collect();
    let money = |rows: &Vec<usize>, share: &dyn Fn(usize) -> f64| {
        rows.iter().map(|i| customers.n(HORIZON_REVENUE)[*i] * share(*i)).sum::<f64>()
    };
    holds(frame, "churn_rule_id", (1..=frame.rows).map(|n| n as f64))?;
    ensure(frame.n("churn_probability").is_sorted_by(|a, b| a >= b), "the likeliest leaf first")?;
    holds(frame, "customers", leaves.iter().map(|l| l.len() as f64))?;
    holds(frame, "expected_churners", leaves.iter().map(|l| l.iter().map(|i| p[*i]).sum()))?;
    holds(frame, "net_revenue_365d", leaves.iter().map(|l| money(l, &|_| 1.0)))?;
    holds(frame, "revenue_at_stake", leaves.iter().map(|l| money(l, &|i| p[i])))?;
    // A leaf's probability is its share of churners, drawn towards those above it.
    let (rows, churners) = (frame.n("training_rows"), frame.n("training_churners"));
    let all = churners.iter().sum::<f64>() / rows.iter().sum::<f64>();
    for i in 0..frame.rows {
        let (share, told) = (churners[i] / rows[i], frame.n("churn_probability")[i]);
        ensure((0.0..=1.0).contains(&share), "churners are some of the rows")?;
        ensure(
            (told - share).abs() < 0.25 && (told - all).abs() < (share - all).abs() + 0.1,
            "drawn towards the others",
        )?;
        ensure(frame.t("rule")[i].contains(['<', '>', '=']), "a rule compares")?;
    }
    ensure(rows.iter().sum::<f64>() > 2.0 * customers.rows as f64 / 3.0, "rows of several cutoffs")
}

pub fn metrics(world: &World) -> Found {
    let frame = world.table("churn_metrics");
    let judged = &world.record["analyses"]["churn"]["report"];
    let cutoff: tillwise_core::Day = judged["judged_cutoff"].as_str().unwrap().parse().unwrap();
    holds(frame, "cutoff", (0..frame.rows).map(|_| f64::from(cutoff.0)))?;
    ensure(frame.t("model").contains(&"recency_only".to_owned()), "a baseline is a model")?;
    ensure(frame.t("metric").iter().filter(|m| *m == "auc").count() >= 4, "an AUC for each model")?;
    let chosen = judged["model"].as_str().unwrap();
    holds(frame, "chosen", frame.t("model").iter().map(|m| f64::from(u8::from(m == chosen))))?;
    let (value, low, high) = (frame.n("value"), frame.n("low"), frame.n("high"));
    let mut wide = 0;
    for i in (0..frame.rows).filter(|i| low[*i].is_finite() && value[*i].is_finite()) {
        // A draw of rows may move a whole tenth; the middle of the draws is near the value.
        ensure(low[i] <= high[i], "low is below high")?;
        wide += usize::from(low[i] < value[i] && value[i] < high[i]);
    }
    ensure(wide * 10 >= 6 * frame.rows, "values lie within their intervals")?;
    // A share of a share: the chance that a churner is ranked first, and errors below what a coin makes.
    for (metric, value) in frame.t("metric").iter().zip(value) {
        match metric.as_str() {
            "auc" => ensure((0.5..=1.0).contains(value), "an AUC")?,
            "brier" => ensure((0.0..=0.3).contains(value), "a Brier score")?,
            _ => {}
        }
    }
    Ok(())
}

pub fn reliability(world: &World) -> Found {
    let frame = world.table("churn_reliability");
    let (rows, churners) = (frame.n("rows"), frame.n("churners"));
    holds(frame, "bin", (1..=frame.rows).map(|n| n as f64))?;
    holds(frame, "actual", (0..frame.rows).map(|i| churners[i] / rows[i]))?;
    ensure(frame.n("expected").is_sorted(), "the least likely first")?;
    let gains = world.table("churn_gains");
    let last = gains.rows - 1;
    ensure(near(rows.iter().sum(), gains.n("rows")[last], 1e-9), "the rows that were judged")?;
    ensure(near(churners.iter().sum(), gains.n("churners")[last], 1e-9), "and the churners among them")?;
    // Calibrated on other rows, they are about right over all.
    let expected: f64 = (0..frame.rows).map(|i| rows[i] * frame.n("expected")[i]).sum();
    ensure((expected / churners.iter().sum::<f64>() - 1.0).abs() < 0.5, "about as many as came")
}

pub fn gains(world: &World) -> Found {
    let frame = world.table("churn_gains");
    let (rows, churners) = (frame.n("rows"), frame.n("churners"));
    let last = frame.rows - 1;
    holds(frame, "decile", (1..=10).map(f64::from))?;
    holds(frame, "captured", churners.iter().map(|c| c / churners[last]))?;
    holds(frame, "lift", (0..frame.rows).map(|i| churners[i] / rows[i] / (churners[last] / rows[last])))?;
    ensure(rows.iter().zip(churners).all(|(r, c)| c <= r), "churners are some of the rows")?;
    ensure(
        (0..frame.rows).all(|i| near(rows[i], rows[last] * (i + 1) as f64 / 10.0, 0.1)),
        "tenths of the rows",
    )
}

pub fn importance(world: &World) -> Found {
    let frame = world.table("churn_importance");
    let impurity = frame.n("impurity");
    ensure(near(impurity.iter().sum(), 1.0, 1e-9), "shares of all that was gained")?;
    ensure(impurity.iter().all(|v| (0.0..=1.0).contains(v)), "a share")?;
    let permutation = frame.n("permutation");
    ensure(
        permutation.iter().all(|v| v.abs() < 0.5) && !near(permutation.iter().sum(), 1.0, 1e-3),
        "losses of an AUC",
    )
}

/// Days without an order that are churn, in the config of these tests.
const HORIZON: i32 = 60;

pub fn cutoffs(world: &World) -> Found {
    let frame = world.table("churn_cutoffs");
    // Six that are judged, a horizon apart, the last a horizon before the picture.
    let cutoffs: Vec<i32> = (1..=6).rev().map(|n| facts::as_of().0 - n * HORIZON).collect();
    holds(frame, "cutoff", cutoffs.iter().map(|day| f64::from(*day)))?;
    let bought = world.facts.customers(i32::MAX);
    let (mut customers, mut actual) = (Vec::new(), Vec::new());
    for cutoff in cutoffs {
        let stayed_away: Vec<bool> = bought
            .values()
            .map(|lines| order_days(lines))
            .filter(|days| days.iter().any(|d| *d <= cutoff && f64::from(cutoff - d) < ELIGIBLE_DAYS))
            .map(|days| !days.iter().any(|d| *d > cutoff && *d <= cutoff + HORIZON))
            .collect();
        customers.push(stayed_away.len() as f64);
        actual.push(mean(stayed_away.iter().map(|c| f64::from(u8::from(*c)))));
    }
    holds(frame, "customers", customers)?;
    holds(frame, "actual", actual)?;
    for frame in [frame, world.table("fading: churn_cutoffs")] {
        let (expected, corrected, level) = (frame.n("expected"), frame.n("corrected"), frame.t("level"));
        for i in 0..frame.rows {
            ensure((0.0..=1.0).contains(&expected[i]) && (0.0..=1.0).contains(&corrected[i]), "shares")?;
            ensure((level[i] == "model") == (expected[i] == corrected[i]), "only a level corrects")?;
            ensure(i >= 2 || level[i] == "model", "the first have nothing to go by")?;
        }
    }
    // Where a shop fades, models say too little each time, and what would have mended the last cutoff is carried on.
    let fading = world.table("fading: churn_cutoffs");
    ensure(fading.t("level").iter().filter(|level| *level == "last").count() >= 2, "a level is carried on")?;
    let (actual, last) = (fading.n("actual"), fading.rows - 1);
    ensure(fading.n("expected")[last] < actual[last] - 0.02, "the model says too little")?;
    ensure((fading.n("corrected")[last] - actual[last]).abs() < 0.01, "and its level mends it")
}
