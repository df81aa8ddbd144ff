//! What a run tells the user: a page to read, and one JSON line for scripts.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;
use tillwise_core::figures::{fixed, grouped, off_by, percent};
use tillwise_core::{shortened, VALUE};
use tillwise_mine::churn::metrics::METRICS;
use tillwise_mine::offer::Kind as OfferKind;
use tillwise_pipeline::{Finished, PipelineError, RunRecord, Status};
use tillwise_table::Table;

/// The last line of `run`.
#[derive(Serialize)]
struct Line<'a> {
    status: &'a str,
    run_id: &'a str,
    as_of: Option<String>,
    run: String,
    current: Option<String>,
    customers_parquet: Option<String>,
    rows_read: u64,
    rows_accepted: u64,
    rows_rejected: u64,
    customers: usize,
    analyses: std::collections::BTreeMap<&'a str, Status>,
}

/// One JSON object: run id, paths, row counts.
pub fn json(f: &Finished) -> String {
    let r = &f.record;
    let folder = if f.is_current { f.out.join("current") } else { f.folder.clone() };
    let table = folder.join("customers.parquet");
    let line = Line {
        status: if f.models_failed { "model_failed" } else { "done" },
        run_id: &r.run_id,
        as_of: r.as_of.map(|d| d.to_string()),
        run: f.folder.display().to_string(),
        current: f.is_current.then(|| folder.display().to_string()),
        customers_parquet: table.exists().then(|| table.display().to_string()),
        rows_read: r.quality.rows_read,
        rows_accepted: r.quality.rows_accepted,
        rows_rejected: r.quality.rows_rejected,
        customers: r.customers,
        analyses: r.analyses.iter().map(|(name, a)| (name.as_str(), a.status)).collect(),
    };
    serde_json::to_string(&line).unwrap_or_default()
}

/// The last line when the run was published before.
pub fn published_json(folder: &Path, run_id: &str, moved: bool) -> String {
    let status = if moved { "current_moved" } else { "nothing_new" };
    serde_json::json!({ "status": status, "run_id": run_id, "run": folder.display().to_string() }).to_string()
}

/// A short page: rows, segments, clusters, churn, value, where the files are.
pub fn summary(f: &Finished) -> Result<String, PipelineError> {
    let r = &f.record;
    let mut t = String::new();
    let as_of = r.as_of.map(|d| format!(", as of {d}")).unwrap_or_default();
    let _ = writeln!(t, "Tillwise {}: run {}{as_of}", r.version, r.run_id);
    rows(&mut t, r);
    let done = |name: &str| r.analyses.get(name).is_some_and(|a| a.status == Status::Done);
    let path = |name: &str| f.folder.join(name);
    if done("rfm") {
        segments(&mut t, &Table::read(&path("segments.parquet"))?)?;
        let columns = ["rfm_segment", "rfm_segment_before", "buying_rhythm"];
        moves(&mut t, &Table::read_columns(&path("customers.parquet"), &columns)?, r)?;
    }
    if done("cluster") {
        clusters(&mut t, &Table::read(&path("clusters.parquet"))?)?;
    }
    if done("churn") || done("clv") {
        let customers = Table::read(&path("customers.parquet"))?;
        if done("churn") {
            churn(&mut t, f, &customers)?;
        }
        if done("clv") {
            value(&mut t, f, &customers)?;
        }
    }
    if done("value") {
        concentration(&mut t, &Table::read(&path("concentration.parquet"))?)?;
    }
    if done("basket") {
        baskets(&mut t, f, &Table::read_columns(&path("rules.parquet"), &["rule", "confidence", "lift"])?)?;
    }
    if done("offer") && path("offer_metrics.parquet").exists() {
        offers(&mut t, f, &Table::read(&path("offer_metrics.parquet"))?)?;
    }
    if done("cohort") {
        cohorts(&mut t, f, &Table::read(&path("cohorts.parquet"))?)?;
    }
    for (name, a) in &r.analyses {
        if let Some(reason) = &a.reason {
            let how = if a.status == Status::Failed { "failed" } else { "skipped" };
            let _ = writeln!(t, "\n{name} {how}: {reason}");
        }
        let warnings = a.report.as_ref().and_then(|r| r["warnings"].as_array());
        for warning in warnings.into_iter().flatten().filter_map(|w| w.as_str()) {
            let _ = writeln!(t, "note ({name}): {warning}");
        }
    }
    let shown = if f.is_current { f.out.join("current") } else { f.folder.clone() };
    let _ = writeln!(t, "\nFiles: {}", shown.display());
    if r.customers > 0 {
        let _ = writeln!(
            t,
            "Next: look at report.html there, and open customers.parquet in any BI tool; what was rejected, and why, is in rejects/."
        );
    }
    Ok(t)
}

fn rows(t: &mut String, r: &RunRecord) {
    let q = &r.quality;
    let _ = writeln!(
        t,
        "rows       {} read = {} accepted + {} rejected",
        grouped(q.rows_read as f64),
        grouped(q.rows_accepted as f64),
        grouped(q.rows_rejected as f64)
    );
    if q.rows_rejected > 0 {
        let reasons: Vec<String> = q
            .rejected_by_reason
            .iter()
            .map(|(reason, n)| format!("{reason} {}", grouped(*n as f64)))
            .collect();
        let _ = writeln!(t, "rejected   {}", reasons.join(", "));
    }
    let repeats = q.repeats_within_file + q.repeats_across_files;
    if repeats > 0 {
        let _ = writeln!(
            t,
            "repeats    {} rows repeat another: see [cleaning] repeats_within_file",
            grouped(repeats as f64)
        );
    }
    for warning in &q.warnings {
        let _ = writeln!(t, "warning    {warning}");
    }
    let dates = |d: Option<tillwise_core::Day>| d.map(|d| d.to_string()).unwrap_or_default();
    let _ = writeln!(
        t,
        "dates      {} to {}\nrevenue    {} gross, {} returned",
        dates(q.first_date),
        dates(q.last_date),
        grouped(q.gross_revenue),
        grouped(q.returns_value)
    );
    if r.customers > 0 {
        let only = match r.return_only_customers {
            0 => String::new(),
            n => format!(" (and {} with returns only)", grouped(n as f64)),
        };
        let _ = writeln!(t, "customers  {}{only}", grouped(r.customers as f64));
    }
}

fn segments(t: &mut String, table: &Table) -> Result<(), PipelineError> {
    let _ = writeln!(
        t,
        "\n{:<22}{:>10}{:>9}{:>11}{:>12}{:>9}",
        "RFM segment", "customers", "share", "of revenue", "days since", "orders"
    );
    let (names, n, share) =
        (table.texts("rfm_segment")?, table.f64s("customers")?, table.f64s("customer_share")?);
    let (revenue, days, orders) =
        (table.f64s("revenue_share")?, table.f64s("mean_days_since_last")?, table.f64s("mean_orders")?);
    for i in 0..names.len() {
        let _ = writeln!(
            t,
            "{:<22}{:>10}{:>9}{:>11}{:>12}{:>9}",
            names[i],
            grouped(n[i]),
            percent(share[i]),
            percent(revenue[i]),
            fixed(days[i], 0),
            fixed(orders[i], 1)
        );
    }
    Ok(())
}

/// Who is new, active, lapsing and lost, and how many changed segment.
fn moves(t: &mut String, customers: &Table, r: &RunRecord) -> Result<(), PipelineError> {
    let rhythm = customers.texts("buying_rhythm")?;
    let counts = ["active", "new", "lapsing", "lost"].map(|status| {
        format!("{} {status}", grouped(rhythm.iter().filter(|s| **s == status).count() as f64))
    });
    let _ = writeln!(t, "\nBy their own rhythm of buying: {}", counts.join(", "));
    let (now, before) = (customers.texts("rfm_segment")?, customers.texts("rfm_segment_before")?);
    let new = before.iter().filter(|b| b.is_empty()).count();
    if new < before.len() {
        let moved =
            now.iter().zip(&before).filter(|(now, before)| !before.is_empty() && now != before).count();
        let _ = writeln!(
            t,
            "In the last {} days {} customers changed segment and {} came for the first time: segment_migration.parquet",
            r.config.rfm.compare_days,
            grouped(moved as f64),
            grouped(new as f64)
        );
    }
    Ok(())
}

fn clusters(t: &mut String, table: &Table) -> Result<(), PipelineError> {
    let _ = writeln!(
        t,
        "\n{:<34}{:>10}{:>9}{:>11}{:>12}",
        "Cluster", "customers", "share", "of revenue", "days since"
    );
    let (ids, names) = (table.f64s("cluster_id")?, table.texts("cluster_name")?);
    let (n, share) = (table.f64s("customers")?, table.f64s("customer_share")?);
    let (revenue, days) = (table.f64s("revenue_share")?, table.f64s("mean_days_since_last")?);
    for i in 0..names.len() {
        let name = format!("{} {}", ids[i], names[i]);
        let _ = writeln!(
            t,
            "{name:<34}{:>10}{:>9}{:>11}{:>12}",
            grouped(n[i]),
            percent(share[i]),
            percent(revenue[i]),
            fixed(days[i], 0)
        );
    }
    Ok(())
}

/// A parameter of a model as it scored: `score` goes by the model, not by the config.
fn parameter(f: &Finished, model: &str, key: &str) -> serde_json::Value {
    let text = std::fs::read_to_string(f.folder.join(format!("models/{model}.json"))).unwrap_or_default();
    let file: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    file["parameters"][key].clone()
}

fn churn(t: &mut String, f: &Finished, customers: &Table) -> Result<(), PipelineError> {
    let p = customers.f64s("churn_probability")?;
    let days = parameter(f, "churn", "horizon_days");
    let eligible = parameter(f, "churn", "eligible_days").as_f64().unwrap_or(f64::INFINITY);
    let silent = customers.f64s("days_since_last")?;
    let active: Vec<f64> = p.iter().zip(silent).filter(|(_, d)| *d < eligible).map(|(p, _)| *p).collect();
    let _ = writeln!(
        t,
        "\nChurn      {} of {} active customers are expected not to order within {days} days",
        grouped(active.iter().sum()),
        grouped(active.len() as f64)
    );
    let report = f.record.analyses.get("churn").and_then(|a| a.report.as_ref());
    for line in report.map(judged_models).unwrap_or_default() {
        let _ = writeln!(t, "           {line}");
    }
    let targets = Table::read_columns(&f.folder.join("churn_targets.parquet"), &["expected_profit"])?;
    let profit: f64 = targets.f64s("expected_profit")?.iter().sum();
    let _ = writeln!(
        t,
        "           an offer to stay pays for {} customers: {} expected in all, see churn_targets",
        grouped(targets.rows() as f64),
        grouped(profit)
    );
    Ok(())
}

fn value(t: &mut String, f: &Finished, customers: &Table) -> Result<(), PipelineError> {
    let value = |key: &str| parameter(f, "clv", "value")[key].clone();
    let (orders, mut values) = (customers.f64s("expected_orders")?, customers.f64s("clv")?);
    // Customers without a statement have none.
    values.retain(|v| v.is_finite());
    values.sort_by(|a, b| b.total_cmp(a));
    let total: f64 = values.iter().sum();
    let top: f64 = values.iter().take(values.len().div_ceil(10)).sum();
    let _ = writeln!(
        t,
        "\nCLV        {} orders and {} of discounted {} expected in {} days; the top tenth of customers holds {}",
        grouped(orders.iter().sum()),
        grouped(total),
        if value("margin") == 1.0 && value("cost_per_order") == 0.0 && value("cost_per_year") == 0.0 { "revenue" } else { "margin" },
        grouped(value("horizon_days").as_f64().unwrap_or(f64::NAN)),
        percent(top / total)
    );
    let report = f.record.analyses.get("clv").and_then(|a| a.report.as_ref());
    if let Some(judged) = report.map(|r| &r["judged"]).filter(|j| j.is_object()) {
        let number = |key: &str| judged[key].as_f64().unwrap_or(f64::NAN);
        let _ = writeln!(
            t,
            "           judged from {} on: {} order days were expected and {} came ({}); mean error {} a customer",
            judged["calibration_end"].as_str().unwrap_or("?"),
            grouped(number("expected")),
            grouped(number("actual")),
            off_by(number("expected"), number("actual")),
            fixed(number("mae"), 2)
        );
    }
    if let Some(why) = report.and_then(|r| r["chosen"].as_str()).filter(|why| why.contains("probability")) {
        let _ = writeln!(t, "           {why}");
    }
    Ok(())
}

fn concentration(t: &mut String, table: &Table) -> Result<(), PipelineError> {
    let first = |name: &str| table.f64s(name).map(|v| v.first().copied().unwrap_or(f64::NAN));
    if !first("gini")?.is_finite() {
        let _ = writeln!(
            t,
            "\nValue      no customer has brought in more than was taken back, so nobody has a share"
        );
        return Ok(());
    }
    let _ = writeln!(
        t,
        "\nValue      the top 20 % of customers make {} of net revenue, the top 1 % {}; Gini {}; {} customers (class A) make the first 80 %",
        percent(first("top_20_share")?),
        percent(first("top_1_share")?),
        fixed(first("gini")?, 2),
        grouped(first("class_a")?)
    );
    Ok(())
}

fn baskets(t: &mut String, f: &Finished, rules: &Table) -> Result<(), PipelineError> {
    let report = f.record.analyses.get("basket").and_then(|a| a.report.as_ref());
    let number = |part: &str, key: &str| report.and_then(|r| r[part][key].as_f64()).unwrap_or(0.0);
    let _ = writeln!(
        t,
        "\nBaskets    {} frequent sets in {} baskets, {} rules, {} sequences",
        grouped(number("itemsets", "itemsets")),
        grouped(number("itemsets", "baskets")),
        grouped(number("rules", "rules")),
        grouped(number("sequences", "sequences"))
    );
    let (said, confidence, lift) = (rules.texts("rule")?, rules.f64s("confidence")?, rules.f64s("lift")?);
    for i in 0..said.len().min(3) {
        let _ = writeln!(
            t,
            "           {} (confidence {}, lift {})",
            shortened(said[i], VALUE),
            percent(confidence[i]),
            fixed(lift[i], 1)
        );
    }
    Ok(())
}

fn offers(t: &mut String, f: &Finished, metrics: &Table) -> Result<(), PipelineError> {
    let (task, model) = (metrics.texts("task")?, metrics.texts("model")?);
    let (length, rate) = (metrics.f64s("list_length")?, metrics.f64s("hit_rate")?);
    let of = |wanted: (&str, &str)| {
        let row = (0..task.len()).find(|i| (task[*i], model[*i]) == wanted && length[*i] == 5.0);
        percent(row.map_or(f64::NAN, |i| rate[i]))
    };
    let _ = writeln!(
        t,
        "\nOffers     up to {} to every customer. The last orders left out, five offers hit {} of them (bought before {}, most popular {})",
        f.record.config.offer.per_customer,
        of(("any", "offers")),
        of(("any", "bought_before")),
        of(("any", "most_popular"))
    );
    if f.record.config.offer.kinds.contains(&OfferKind::New) {
        let _ = writeln!(
            t,
            "           five products not bought before hit {} (most popular {})",
            of(("new", "offers")),
            of(("new", "most_popular"))
        );
    }
    Ok(())
}

/// How many of a cohort come back, over all cohorts whose period was over.
fn cohorts(t: &mut String, f: &Finished, table: &Table) -> Result<(), PipelineError> {
    let (by, period) = (table.texts("cohort_by")?, table.f64s("period")?);
    let (customers, active) = (table.f64s("customers")?, table.f64s("active_customers")?);
    let complete = table.batch().column_by_name("is_complete");
    let complete = complete.and_then(|c| arrow::array::AsArray::as_boolean_opt(c));
    let over = |i: usize| complete.is_some_and(|c| arrow::array::Array::is_valid(c, i) && c.value(i));
    let share = |wanted: f64| {
        let rows = || (0..by.len()).filter(|i| by[*i] == "all" && period[*i] == wanted && over(*i));
        percent(rows().map(|i| active[i]).sum::<f64>() / rows().map(|i| customers[i]).sum::<f64>())
    };
    let length = format!("{:?}", f.record.config.cohort.period).to_lowercase();
    let _ = writeln!(
        t,
        "\nCohorts    of customers by the {length} of their first order, {} order in the next {length}, {} in the third, {} in the sixth",
        share(1.0),
        share(3.0),
        share(6.0)
    );
    Ok(())
}

/// One line for each model that was judged.
pub fn judged_models(report: &serde_json::Value) -> Vec<String> {
    let place = |metric: &str| METRICS.iter().position(|m| *m == metric).unwrap_or(0);
    let when = report["judged_cutoff"].as_str().map_or("in folds".to_owned(), |d| format!("at {d}"));
    let line = |j: &serde_json::Value| {
        let number = |metric: &str| j["values"][place(metric)].as_f64().unwrap_or(f64::NAN);
        let interval = &j["intervals"][place("auc")];
        let range = match (interval[0].as_f64(), interval[1].as_f64()) {
            (Some(low), Some(high)) => format!(" ({}-{})", fixed(low, 3), fixed(high, 3)),
            _ => String::new(),
        };
        format!(
            "{:<13}{} AUC {}{range}, Brier {}, lift in decile 1 {}",
            j["model"].as_str().unwrap_or("?"),
            if j["chosen"] == true { "*" } else { " " },
            fixed(number("auc"), 3),
            fixed(number("brier"), 3),
            fixed(number("lift_decile_1"), 2)
        )
    };
    let judged = report["judged"].as_array();
    let lines: Vec<String> = judged.into_iter().flatten().map(line).collect();
    std::iter::once(format!("judged {when}; * gives the probabilities")).chain(lines).collect()
}
