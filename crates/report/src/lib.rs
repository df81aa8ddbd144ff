//! The page that people look at after a run: `report.html`, one file, nothing loaded from elsewhere.
//!
//! It shows what `run.json` and the small tables hold, and nothing of its own: where the rows went, who the
//! customers are, how good the models are, what is still to come, and what to bear in mind. It is the same for the same
//! run: times stand in `run.json` only.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;
use tillwise_core::escaped;
use tillwise_core::figures::{fixed, grouped, percent};
use tillwise_table::{Table, TableError};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#222}\
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem;border-bottom:1px solid #ddd}table{border-collapse:collapse;width:100%}\
th,td{padding:.3rem .6rem;text-align:right;border-bottom:1px solid #eee;vertical-align:top}th:first-child,td:first-child{text-align:left}\
.bar{background:#3b7ea1;height:.7rem;display:inline-block;border-radius:2px}.note{background:#fff6df;padding:.4rem .8rem;margin:.4rem 0}\
.num{font-size:1.4rem;font-weight:600}.row{display:flex;flex-wrap:wrap;gap:2rem}";

/// The page of the run in `folder`, whose record is `run`.
///
/// # Errors
/// If one of the run's tables cannot be read.
pub fn html(run: &Value, folder: &Path) -> Result<String, TableError> {
    let mut page = Page(String::new());
    let as_of = run["as_of"].as_str().unwrap_or("?");
    let _ = write!(
        page.0,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Tillwise, {as_of}</title><style>{STYLE}</style></head><body><h1>Customers as of {as_of}</h1>\n"
    );
    overview(&mut page, run);
    rows(&mut page, run);
    let table = |name: &str| {
        let path = folder.join(name);
        path.exists().then(|| Table::read(&path)).transpose()
    };
    if let Some(segments) = table("segments.parquet")? {
        groups(&mut page, "RFM segments", "rfm_segment", &segments)?;
    }
    if let Some(clusters) = table("clusters.parquet")? {
        groups(&mut page, "Clusters", "cluster_name", &clusters)?;
    }
    if let Some(rules) = table("churn_rules.parquet")? {
        churn(&mut page, run, &rules, table("churn_metrics.parquet")?)?;
    }
    if let Some(forecast) = table("clv_forecast.parquet")? {
        value(&mut page, run, &forecast)?;
    }
    if let Some(concentration) = table("concentration.parquet")? {
        pareto(&mut page, &concentration, table("key_customers.parquet")?, table("revenue_bridge.parquet")?)?;
    }
    if let Some(cohorts) = table("cohorts_wide.parquet")? {
        retention(&mut page, &cohorts)?;
    }
    if let Some(rules) = table("rules.parquet")? {
        baskets(&mut page, &rules)?;
    }
    if let Some(metrics) = table("offer_metrics.parquet")? {
        offers(&mut page, &metrics)?;
    }
    notes(&mut page, run);
    let _ = writeln!(
        page.0,
        "<p>Run {} of Tillwise {}. Every figure here is in run.json or in the Parquet tables beside this page.</p></body></html>",
        escaped(run["run_id"].as_str().unwrap_or("?")),
        escaped(run["version"].as_str().unwrap_or("?"))
    );
    Ok(page.0)
}

struct Page(String);

impl Page {
    fn heading(&mut self, text: &str) {
        let _ = writeln!(self.0, "<h2>{}</h2>", escaped(text));
    }

    fn table(&mut self, heads: &[&str], rows: impl Iterator<Item = Vec<String>>) {
        self.0.push_str("<table><tr>");
        for head in heads {
            let _ = write!(self.0, "<th>{}</th>", escaped(head));
        }
        self.0.push_str("</tr>\n");
        for row in rows {
            self.0.push_str("<tr>");
            for cell in row {
                let _ = write!(self.0, "<td>{cell}</td>");
            }
            self.0.push_str("</tr>\n");
        }
        self.0.push_str("</table>\n");
    }
}

fn pareto(
    page: &mut Page,
    concentration: &Table,
    keys: Option<Table>,
    bridge: Option<Table>,
) -> Result<(), TableError> {
    page.heading("Where the value sits");
    let first = |name: &str| concentration.f64s(name).map(|v| v.first().copied().unwrap_or(f64::NAN));
    let shares = ["top_1_share", "top_5_share", "top_10_share", "top_20_share", "top_50_share"];
    let row = shares.iter().map(|name| first(name).map(percent)).collect::<Result<Vec<_>, _>>()?;
    let heads = ["the largest 1 %", "5 %", "10 %", "20 %", "50 % of customers make"];
    page.table(&heads, std::iter::once(row));
    let _ = writeln!(
        page.0,
        "<p>Gini {}. {} customers of class A make the first 80 % of net revenue, {} of class B the next 15 %, {} of class C the rest.</p>",
        fixed(first("gini")?, 3),
        grouped(first("class_a")?),
        grouped(first("class_b")?),
        grouped(first("class_c")?)
    );
    if let Some(keys) = keys {
        let (ids, revenue) = (keys.texts("customer_id")?, keys.f64s("net_revenue")?);
        let (share, days) = (keys.f64s("cumulative_share")?, keys.f64s("days_since_last")?);
        let rows = (0..ids.len().min(10))
            .map(|i| vec![escaped(ids[i]), grouped(revenue[i]), percent(share[i]), grouped(days[i])]);
        page.table(&["Key customer", "net revenue", "share with all above", "days since last order"], rows);
    }
    if let Some(bridge) = bridge.filter(|b| b.rows() > 0) {
        let (view, part) = (bridge.texts("view")?, bridge.texts("part")?);
        let (amount, members) = (bridge.f64s("amount")?, bridge.f64s("members")?);
        let rows = (0..view.len()).map(|i| {
            let n = if members[i].is_nan() { String::new() } else { grouped(members[i]) };
            vec![format!("{}: {}", view[i], part[i].replace('_', " ")), grouped(amount[i]), n]
        });
        page.heading("What moved revenue");
        page.table(&["Part", "amount", "customers or products"], rows);
    }
    Ok(())
}

/// Retention of the cohorts of all customers, a year of periods.
fn retention(page: &mut Page, wide: &Table) -> Result<(), TableError> {
    page.heading("Cohorts: customers who order again, by periods since the first order");
    let (by, measure) = (wide.texts("cohort_by")?, wide.texts("measure")?);
    let (cohort, customers) = (wide.f64s("cohort")?, wide.f64s("customers")?);
    let periods: Vec<Vec<f64>> =
        (1..=12).map(|p| wide.f64s(&format!("period_{p}"))).collect::<Result<_, _>>()?;
    let heads: Vec<String> = ["Cohort", "customers"]
        .map(str::to_owned)
        .into_iter()
        .chain((1..=12).map(|p| p.to_string()))
        .collect();
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let rows = (0..by.len()).filter(|i| by[*i] == "all" && measure[*i] == "retention").map(|i| {
        let share = |p: &Vec<f64>| if p[i].is_nan() { String::new() } else { fixed(100.0 * p[i], 0) + " %" };
        let start = tillwise_core::Day(cohort[i] as i32).to_string();
        [start, grouped(customers[i])].into_iter().chain(periods.iter().map(share)).collect()
    });
    page.table(&heads, rows);
    Ok(())
}

fn baskets(page: &mut Page, rules: &Table) -> Result<(), TableError> {
    page.heading("Bought together");
    let (said, baskets) = (rules.texts("rule")?, rules.f64s("baskets_both")?);
    let (confidence, lift) = (rules.f64s("confidence")?, rules.f64s("lift")?);
    let rows = (0..said.len().min(15))
        .map(|i| vec![escaped(said[i]), grouped(baskets[i]), percent(confidence[i]), fixed(lift[i], 1)]);
    page.table(&["Rule", "baskets", "confidence", "lift"], rows);
    Ok(())
}

fn offers(page: &mut Page, metrics: &Table) -> Result<(), TableError> {
    page.heading("Offers: how often they would have hit the last order");
    let (task, model) = (metrics.texts("task")?, metrics.texts("model")?);
    let (length, rate, ndcg) =
        (metrics.f64s("list_length")?, metrics.f64s("hit_rate")?, metrics.f64s("ndcg")?);
    let rows = (0..task.len()).map(|i| {
        let what = if task[i] == "new" { "products not bought before" } else { "any product" };
        let name = format!("{}, {what}, lists of {}", model[i].replace('_', " "), length[i]);
        vec![name, percent(rate[i]), fixed(ndcg[i], 3)]
    });
    page.table(&["Offers", "hit rate", "NDCG"], rows);
    Ok(())
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn overview(page: &mut Page, run: &Value) {
    let q = &run["quality"];
    page.0.push_str("<div class=\"row\">");
    for (label, value) in [
        ("customers", &run["customers"]),
        ("accepted rows", &q["rows_accepted"]),
        ("gross revenue", &q["gross_revenue"]),
        ("returned", &q["returns_value"]),
    ] {
        let _ = write!(page.0, "<div><div class=\"num\">{}</div>{label}</div>", grouped(number(value)));
    }
    let date = |key: &str| q[key].as_str().unwrap_or("?");
    let _ = writeln!(
        page.0,
        "<div><div class=\"num\">{} - {}</div>dates</div></div>",
        date("first_date"),
        date("last_date")
    );
}

fn rows(page: &mut Page, run: &Value) {
    let q = &run["quality"];
    page.heading("Where the rows went");
    let read = number(&q["rows_read"]);
    let mut lines = vec![("read".to_owned(), read), ("accepted".to_owned(), number(&q["rows_accepted"]))];
    for (reason, count) in q["rejected_by_reason"].as_object().into_iter().flatten() {
        lines.push((format!("rejected: {reason}"), number(count)));
    }
    page.table(
        &["rows", "count", "share"],
        lines.iter().map(|(name, n)| vec![escaped(name), grouped(*n), percent(n / read)]),
    );
}

fn groups(page: &mut Page, title: &str, name: &str, table: &Table) -> Result<(), TableError> {
    page.heading(title);
    let names = table.texts(name)?;
    let (n, share) = (table.f64s("customers")?, table.f64s("customer_share")?);
    let (revenue, of_revenue) = (table.f64s("net_revenue")?, table.f64s("revenue_share")?);
    let (days, orders) = (table.f64s("mean_days_since_last")?, table.f64s("mean_orders")?);
    let bar =
        |s: f64| format!("<span class=\"bar\" style=\"width:{:.0}px\"></span>", 160.0 * s.clamp(0.0, 1.0));
    page.table(
        &["", "customers", "share", "net revenue", "of revenue", "", "days since last", "orders"],
        (0..names.len()).map(|i| {
            vec![
                escaped(names[i]),
                grouped(n[i]),
                percent(share[i]),
                grouped(revenue[i]),
                percent(of_revenue[i]),
                bar(of_revenue[i]),
                fixed(days[i], 0),
                fixed(orders[i], 1),
            ]
        }),
    );
    Ok(())
}

fn churn(page: &mut Page, run: &Value, rules: &Table, metrics: Option<Table>) -> Result<(), TableError> {
    page.heading("Churn");
    if let Some(metrics) = metrics {
        if let Some(cutoff) = run["analyses"]["churn"]["report"]["judged_cutoff"].as_str() {
            let _ = writeln!(page.0, "<p>Judged out of time, at {}:</p>", escaped(cutoff));
        }
        let (model, metric) = (metrics.texts("model")?, metrics.texts("metric")?);
        let (value, low, high) = (metrics.f64s("value")?, metrics.f64s("low")?, metrics.f64s("high")?);
        let mut models = model.clone();
        models.dedup();
        let heads: Vec<String> =
            std::iter::once(String::new()).chain(models.iter().map(|m| m.replace('_', " "))).collect();
        let wanted = ["auc", "average_precision", "brier", "log_loss", "calibration_error", "lift_decile_1"];
        let rows = wanted.iter().map(|name| {
            let cell = |m: &&str| {
                let at = (0..model.len()).find(|i| model[*i] == *m && metric[*i] == *name);
                at.map_or(String::new(), |i| {
                    let range = if low[i].is_nan() {
                        String::new()
                    } else {
                        format!(" ({}-{})", fixed(low[i], 3), fixed(high[i], 3))
                    };
                    fixed(value[i], 3) + &range
                })
            };
            std::iter::once(name.replace('_', " ")).chain(models.iter().map(cell)).collect()
        });
        page.table(&heads.iter().map(String::as_str).collect::<Vec<_>>(), rows);
    }
    let (words, p) = (rules.texts("rule")?, rules.f64s("churn_probability")?);
    let (n, at_stake) = (rules.f64s("customers")?, rules.f64s("net_revenue_365d")?);
    page.table(
        &["rule", "probability", "customers", "revenue of 365 days"],
        (0..words.len()).map(|i| vec![escaped(words[i]), percent(p[i]), grouped(n[i]), grouped(at_stake[i])]),
    );
    Ok(())
}

fn value(page: &mut Page, run: &Value, forecast: &Table) -> Result<(), TableError> {
    page.heading("Value to come");
    let report = &run["analyses"]["clv"]["report"];
    if let Some(model) = report["fits"][0]["orders"]["model"].as_str() {
        let _ = writeln!(
            page.0,
            "<p>Orders by {}: {}.</p>",
            escaped(model),
            escaped(report["chosen"].as_str().unwrap_or("?"))
        );
    }
    let judged = &report["judged"];
    if let Some(from) = judged["calibration_end"].as_str() {
        let (expected, actual) = (number(&judged["expected"]), number(&judged["actual"]));
        let _ = writeln!(
            page.0,
            "<p>Fitted up to {} and held against what came: {} order days were expected and {} came, {} a customer off on average.</p>",
            escaped(from),
            grouped(expected),
            grouped(actual),
            fixed(number(&judged["mae"]), 2)
        );
    }
    let month = forecast.f64s("month")?;
    let (alive, orders) = (forecast.f64s("expected_customers")?, forecast.f64s("expected_order_days")?);
    let (revenue, value) = (forecast.f64s("expected_revenue")?, forecast.f64s("expected_value")?);
    page.table(
        &["month ahead", "customers alive", "order days", "revenue", "value, discounted"],
        (0..month.len()).map(|i| {
            vec![
                fixed(month[i], 0),
                grouped(alive[i]),
                grouped(orders[i]),
                grouped(revenue[i]),
                grouped(value[i]),
            ]
        }),
    );
    Ok(())
}

fn notes(page: &mut Page, run: &Value) {
    let mut notes: Vec<String> = Vec::new();
    let texts = |v: &Value| {
        v.as_array().into_iter().flatten().filter_map(|w| w.as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    notes.extend(texts(&run["quality"]["warnings"]));
    for (name, analysis) in run["analyses"].as_object().into_iter().flatten() {
        if let (Some(status), Some(reason)) = (analysis["status"].as_str(), analysis["reason"].as_str()) {
            notes.push(format!("{name} {status}: {reason}"));
        }
        notes.extend(texts(&analysis["report"]["warnings"]).into_iter().map(|w| format!("{name}: {w}")));
    }
    if !notes.is_empty() {
        page.heading("To bear in mind");
        for note in notes {
            let _ = writeln!(page.0, "<div class=\"note\">{}</div>", escaped(&note));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_data_cannot_break_the_page() {
        let run = serde_json::json!({
            "run_id": "x", "version": "0", "as_of": "2023-01-01", "customers": 1234567,
            "quality": {"rows_read": 10, "rows_accepted": 9, "rejected_by_reason": {"bad_date": 1}, "warnings": ["<script>"]},
            "analyses": {"clv": {"status": "skipped", "reason": "a & b"}}
        });
        let page = html(&run, Path::new("nowhere")).unwrap();
        assert!(
            page.contains("1,234,567")
                && page.contains("&lt;script&gt;")
                && page.contains("clv skipped: a &amp; b")
        );
        assert!(!page.contains("<script>") && page.contains("10.0 %"));
    }
}
