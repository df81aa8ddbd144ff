//! The page: its pictures show what the published tables hold.

use std::collections::BTreeSet;

use serde_json::Value;
use tillwise_simulate::Shop;
use tillwise_table::Table;

use crate::support::Scene;

/// A value of a picture as text: numbers with nine digits, days as they are counted.
fn plain(cell: &Value) -> Option<String> {
    let number = |v: &Value| v.as_f64().map(|v| format!("{v:.9e}"));
    let (kind, value) = cell.as_object()?.iter().next()?;
    match kind.as_str() {
        "text" | "word" => value.as_str().map(str::to_owned),
        "number" => number(&value[0]),
        "day" => {
            let day: chrono::NaiveDate = value.as_str()?.parse().ok()?;
            let epoch = chrono::NaiveDate::from_ymd_opt(1970, 1, 1)?;
            Some(format!("{:.9e}", (day - epoch).num_days() as f64))
        }
        _ => number(value),
    }
}

/// A column of a table in the same way.
fn column(table: &Table, name: &str) -> Vec<Option<String>> {
    match table.f64s(name) {
        Ok(numbers) => numbers.iter().map(|v| v.is_finite().then(|| format!("{v:.9e}"))).collect(),
        Err(_) => table.texts(name).unwrap().iter().map(|t| Some((*t).to_owned())).collect(),
    }
}

/// Rows of a picture: columns of the table, and their values.
fn rows(drawn: &Value) -> Vec<Vec<(String, Option<String>)>> {
    let (kind, parts) = drawn.as_object().unwrap().iter().next().unwrap();
    let of = |values: &Value, i: usize| {
        (values["column"].as_str().unwrap().to_owned(), plain(&values["cells"][i]))
    };
    let len = |values: &Value| values["cells"].as_array().unwrap().len();
    match kind.as_str() {
        "bars" => {
            (0..len(&parts["names"])).map(|i| vec![of(&parts["names"], i), of(&parts["bars"], i)]).collect()
        }
        "bridge" => {
            (0..len(&parts["names"])).map(|i| vec![of(&parts["names"], i), of(&parts["steps"], i)]).collect()
        }
        "lines" => {
            let lines = parts["lines"].as_array().unwrap();
            let band = parts["band"].as_array().cloned().unwrap_or_default();
            let row = |i: usize| {
                lines.iter().chain(&band).map(move |l| vec![of(&parts["x"], i), of(l, i)]).collect::<Vec<_>>()
            };
            (0..len(&parts["x"])).flat_map(row).collect()
        }
        "heat" => {
            let wide = len(&parts["columns"]);
            (0..len(&parts["shades"]))
                .map(|i| {
                    vec![
                        of(&parts["rows"], i / wide),
                        of(&parts["columns"], i % wide),
                        of(&parts["shades"], i),
                    ]
                })
                .collect()
        }
        other => panic!("{other}"),
    }
}

#[test]
fn every_number_of_a_picture_is_in_its_table() {
    let scene = Scene::with_shop(&Shop { customers: 900, seed: 7, ..Shop::default() });
    assert_eq!(scene.tillwise(&["init", "orders.csv"]).code, 0);
    scene.done(&["run"]);
    let record = scene.json("out/current/run.json");
    let page = std::fs::read_to_string(scene.path("out/current/report.html")).unwrap();
    let (mut seen, mut numbers) = (BTreeSet::new(), 0);
    for section in record["told"].as_array().unwrap() {
        for chart in section["blocks"].as_array().unwrap().iter().filter_map(|b| b.get("chart")) {
            let (key, name) = (chart["key"].as_str().unwrap(), chart["table"].as_str().unwrap());
            let table = scene.table(&format!("out/current/{name}.parquet"));
            assert!(page.contains(&format!("id=\"chart-{key}\"")), "{key} is not drawn");
            for row in rows(&chart["drawn"]) {
                // Blanks are pairs that the table has no value for.
                let Some(last) = &row[row.len() - 1].1 else { continue };
                let columns: Vec<_> = row.iter().map(|(c, _)| column(&table, c)).collect();
                let found = (0..table.rows()).any(|i| columns.iter().zip(&row).all(|(c, (_, v))| c[i] == *v));
                assert!(found, "{key}: {name} has no row {row:?} ({last})");
                numbers += 1;
            }
            seen.insert(key.to_owned());
        }
    }
    let expected = [
        "bridge_by_customers",
        "bridge_by_products",
        "churn_gains",
        "churn_importance",
        "churn_reliability",
        "clusters_revenue",
        "clv_tracking",
        "cohort_retention",
        "forecast_orders",
        "forecast_revenue",
        "lorenz",
        "segment_moves",
        "segments_over_time",
        "segments_revenue",
    ];
    assert_eq!(seen.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    assert!(numbers > 500, "{numbers}");
}
