//! Contracts: who leaves, survival, retention.

use super::{auc, churn, ensure, facts, holds, holds_about, near, normal_cdf, says, Found, World};

/// The table of contracts as it was read: id, months, plan, fee, visits, whether the customer left.
fn rows() -> Vec<(String, f64, String, bool)> {
    let text = facts::contracts();
    let of = |line: &str| {
        let f: Vec<&str> = line.split(',').collect();
        (f[0].to_owned(), f[1].parse().unwrap(), f[2].to_owned(), f[5] == "Yes")
    };
    text.lines().skip(1).map(of).collect()
}

pub fn customers(world: &World) -> Found {
    let frame = world.table("contract_customers");
    let rows = rows();
    says(frame, "customer_id", rows.iter().map(|r| &r.0))?;
    holds(frame, "has_left", rows.iter().map(|r| f64::from(u8::from(r.3))))?;
    let left: Vec<bool> = rows.iter().map(|r| r.3).collect();
    let (seen, unseen) = (frame.n("churn_probability"), frame.n("churn_probability_unseen"));
    // What was judged are the probabilities of models that had not seen the customer.
    let metrics = world.table("contract: churn_metrics");
    let judged = (0..metrics.rows)
        .find(|i| metrics.n("chosen")[*i] == 1.0 && metrics.t("metric")[*i] == "auc")
        .unwrap();
    ensure(near(auc(unseen, &left), metrics.n("value")[judged], 1e-9), "the AUC that was judged")?;
    ensure(auc(seen, &left) > auc(unseen, &left), "a model knows best whom it has seen")?;
    holds(frame, "churn_decile", churn::deciles(seen))?;
    // One leaf has one probability of the tree, so deciles do not cross within it.
    let rules = frame.n("churn_rule_id");
    ensure(
        (0..frame.rows).all(|i| (0..i).all(|j| rules[i] != rules[j] || near(seen[i], seen[j], 1e-9))),
        "a leaf's probability",
    )?;
    churn::reasons(frame)
}

/// Kaplan and Meier's curve of some rows: time, at risk, left, share that stays, Greenwood's error.
fn curve(rows: &[(f64, bool)]) -> Vec<[f64; 5]> {
    let mut times: Vec<f64> = rows.iter().map(|r| r.0).collect();
    times.sort_by(f64::total_cmp);
    times.dedup();
    let (mut share, mut sum) = (1.0, 0.0);
    let mut steps = Vec::new();
    for time in times {
        let n = rows.iter().filter(|r| r.0 >= time).count() as f64;
        let d = rows.iter().filter(|r| r.0 == time && r.1).count() as f64;
        share *= 1.0 - d / n;
        sum += if d < n { d / (n * (n - d)) } else { 0.0 };
        steps.push([time, n, d, share, share * sum.sqrt()]);
    }
    steps
}

pub fn survival(world: &World) -> Found {
    let frame = world.table("survival");
    let rows = rows();
    let mut expected: Vec<(&str, &str, [f64; 5])> = Vec::new();
    for (by, group) in [("all", ""), ("plan", "basic"), ("plan", "gold"), ("plan", "plus")] {
        let own: Vec<(f64, bool)> =
            rows.iter().filter(|r| group.is_empty() || r.2 == group).map(|r| (r.1, r.3)).collect();
        expected.extend(curve(&own).into_iter().map(|step| (by, group, step)));
    }
    says(frame, "group_by", expected.iter().map(|e| e.0))?;
    says(frame, "group", expected.iter().map(|e| e.1))?;
    for (place, column) in ["time", "at_risk", "events", "survival", "standard_error"].into_iter().enumerate()
    {
        holds(frame, column, expected.iter().map(|e| e.2[place]))?;
    }
    Ok(())
}

pub fn tests(world: &World) -> Found {
    let frame = world.table("survival_tests");
    says(frame, "group_by", ["plan"])?;
    holds(frame, "groups", [3.0])?;
    holds(frame, "degrees", [2.0])?;
    // Of two degrees of freedom chi-squared has a plain tail.
    holds_about(frame, "p_value", [(-frame.n("statistic")[0] / 2.0).exp()], 1e-6)?;
    // Mantel's statistic of three groups by the inverse of a two by two matrix.
    let rows = rows();
    let group =
        |r: &(String, f64, String, bool)| ["basic", "gold", "plus"].iter().position(|g| *g == r.2).unwrap();
    let mut times: Vec<f64> = rows.iter().filter(|r| r.3).map(|r| r.1).collect();
    times.sort_by(f64::total_cmp);
    times.dedup();
    let (mut u, mut v) = ([0.0; 2], [[0.0; 2]; 2]);
    for time in times {
        let at_risk = |g: Option<usize>| {
            rows.iter().filter(|r| r.1 >= time && g.is_none_or(|g| group(r) == g)).count() as f64
        };
        let events = |g: Option<usize>| {
            rows.iter().filter(|r| r.1 == time && r.3 && g.is_none_or(|g| group(r) == g)).count() as f64
        };
        let (n, d) = (at_risk(None), events(None));
        for a in 0..2 {
            u[a] += events(Some(a)) - d * at_risk(Some(a)) / n;
            for (b, cell) in v[a].iter_mut().enumerate() {
                let same = if a == b { 1.0 } else { 0.0 };
                if n > 1.0 {
                    *cell += d * (n - d) / (n - 1.0) * at_risk(Some(a)) / n * (same - at_risk(Some(b)) / n);
                }
            }
        }
    }
    let determinant = v[0][0] * v[1][1] - v[0][1] * v[1][0];
    let statistic =
        (v[1][1] * u[0] * u[0] - 2.0 * v[0][1] * u[0] * u[1] + v[0][0] * u[1] * u[1]) / determinant;
    holds_about(frame, "statistic", [statistic], 1e-9)
}

pub fn cox(world: &World) -> Found {
    let frame = world.table("cox");
    let (coefficient, error) = (frame.n("coefficient"), frame.n("standard_error"));
    ensure(frame.t("covariate").contains(&"fee".to_owned()) && frame.rows == 4, "fee, visits and two plans")?;
    holds(frame, "hazard_ratio", coefficient.iter().map(|c| c.exp()))?;
    holds_about(
        frame,
        "p_value",
        (0..frame.rows).map(|i| 2.0 * (1.0 - normal_cdf((coefficient[i] / error[i]).abs()))),
        1e-6,
    )?;
    // What the contracts were made with: a higher fee drives people out, a visit keeps them.
    let of = |name: &str| coefficient[frame.t("covariate").iter().position(|c| c == name).unwrap()];
    ensure(of("fee") > 0.0 && of("visits") < 0.0, "the signs of the effects")?;
    ensure(error.iter().all(|e| *e > 0.0), "errors are above zero")
}

pub fn retention(world: &World) -> Found {
    let frame = world.table("retention");
    let cohort = frame.t("cohort");
    let period = frame.n("period");
    let mut seen = std::collections::BTreeMap::new();
    for line in facts::SURVIVORS.lines().skip(1) {
        let f: Vec<&str> = line.split(',').collect();
        let (name, at, left): (&str, usize, f64) = (f[0], f[1].parse().unwrap(), f[2].parse().unwrap());
        *seen.entry((name, at)).or_insert(0.0) += left;
        *seen.entry(("all", at)).or_insert(0.0) += left;
    }
    let of = |i: usize, at: f64| seen.get(&(cohort[i].as_str(), at as usize)).copied().unwrap_or(f64::NAN);
    ensure(cohort.iter().any(|c| c == "all"), "all cohorts together")?;
    holds(frame, "survivors", (0..frame.rows).map(|i| of(i, period[i])))?;
    holds(frame, "survival", (0..frame.rows).map(|i| of(i, period[i]) / of(i, 0.0)))?;
    for model in ["sbg", "bdw"] {
        let survival = frame.n(&format!("survival_{model}"));
        let retention = frame.n(&format!("retention_{model}"));
        let residual = frame.n(&format!("residual_payments_{model}"));
        let before = |i: usize| if period[i] == 0.0 { f64::NAN } else { survival[i] / survival[i - 1] };
        holds_about(frame, &format!("retention_{model}"), (0..frame.rows).map(before), 1e-9)?;
        // A renewal pays, and then the next one is decided on: R(n) = r(n) (1 + R(n + 1) / (1 + d)).
        for i in (0..frame.rows - 1).filter(|i| period[*i] >= 1.0 && cohort[*i] == cohort[*i + 1]) {
            let expected = retention[i] * (1.0 + residual[i + 1] / 1.1);
            ensure(near(residual[i], expected, 1e-6), "payments to come follow from the next")?;
        }
        ensure((0..frame.rows).all(|i| period[i] > 0.0 || survival[i] == 1.0), "everyone is there at first")?;
    }
    // sBG's customers are loyal from the start or not: its retention only rises. The Weibull may bend.
    let sbg = frame.n("retention_sbg");
    ensure(
        (0..frame.rows - 1).all(|i| period[i] < 1.0 || cohort[i] != cohort[i + 1] || sbg[i] < sbg[i + 1]),
        "sBG's rises",
    )?;
    let fit = |model: &str| -> f64 {
        let told = frame.n(&format!("survival_{model}"));
        (0..frame.rows)
            .filter(|i| frame.n("survival")[*i].is_finite())
            .map(|i| (told[i] - frame.n("survival")[i]).powi(2))
            .sum()
    };
    ensure(fit("bdw") < fit("sbg"), "a parameter more fits better")
}
