//! RFM scores, segments, and their table.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, StringArray};
use serde::Serialize;
use tillwise_core::schema::SEGMENTS;
use tillwise_mine::rfm::{Input, Rfm};

use super::{Context, Done, Sums, batch};
use crate::NotDone;

#[derive(Serialize)]
struct Report {
    customers: usize,
}

pub fn run(context: &Context<'_>) -> Result<Done, NotDone> {
    let table = context.customers;
    let (days, orders, revenue) =
        (table.f64s("days_since_last")?, table.f64s("orders")?, table.f64s("net_revenue")?);
    let input = Input { days_since_last: &days, orders: &orders, net_revenue: &revenue };
    let settings = &context.config.rfm;
    let file = context.model(|| {
        let model = Rfm::fit(input, settings.bins, settings.segments.clone())?;
        Ok((model, Report { customers: orders.len() }))
    })?;
    let model = &file.parameters;
    let scores = model.score(input);
    let segments: Vec<&str> = scores.iter().map(|s| model.segment(*s)).collect();

    // In the order of the map, so that the best come first.
    let mut sums: BTreeMap<usize, (&str, Sums<3>)> = BTreeMap::new();
    let place = |name: &str| model.segments.0.iter().position(|s| s.name == name).unwrap_or(usize::MAX);
    for (i, segment) in segments.iter().enumerate() {
        let entry = sums.entry(place(segment)).or_insert((segment, Sums::new()));
        entry.1.add([days[i], orders[i], revenue[i]]);
    }
    let total_revenue: f64 = sums.values().map(|(_, s)| s.sums[2]).sum();
    let n = orders.len() as f64;
    let rows: Vec<&(&str, Sums<3>)> = sums.values().collect();
    let float = |f: &dyn Fn(&Sums<3>) -> f64| {
        Arc::new(rows.iter().map(|r| Some(f(&r.1))).collect::<Float64Array>()) as ArrayRef
    };
    let segments_table = batch(
        "segments",
        SEGMENTS,
        vec![
            Arc::new(rows.iter().map(|r| Some(r.0)).collect::<StringArray>()),
            Arc::new(rows.iter().map(|r| r.1.customers as i64).collect::<Int64Array>()),
            float(&|s| s.customers as f64 / n),
            Arc::new(rows.iter().map(|r| r.1.sums[1] as i64).collect::<Int64Array>()),
            float(&|s| s.sums[2]),
            Arc::new(
                rows.iter()
                    .map(|r| (total_revenue != 0.0).then(|| r.1.sums[2] / total_revenue))
                    .collect::<Float64Array>(),
            ),
            float(&|s| s.mean(0)),
            float(&|s| s.mean(1)),
            float(&|s| s.mean(2)),
        ],
    )?;
    let int = |f: &dyn Fn(usize) -> u8| {
        Arc::new((0..scores.len()).map(|i| i32::from(f(i))).collect::<Int32Array>()) as ArrayRef
    };
    Ok(Done {
        columns: vec![
            ("r_score", int(&|i| scores[i].r)),
            ("f_score", int(&|i| scores[i].f)),
            ("m_score", int(&|i| scores[i].m)),
            ("rfm_score", Arc::new(StringArray::from_iter_values(scores.iter().map(ToString::to_string)))),
            ("rfm_segment", Arc::new(StringArray::from_iter_values(&segments))),
        ],
        tables: vec![("segments.parquet", segments_table)],
        report: file.report.clone(),
    })
}
