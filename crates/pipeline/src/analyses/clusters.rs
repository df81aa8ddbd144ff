//! Clusters and their table.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, StringArray};
use tillwise_core::schema::CLUSTERS;
use tillwise_mine::cluster::Clusters;

use super::{Context, Done, Sums, batch, feature};
use crate::NotDone;

pub fn run(context: &Context<'_>) -> Result<Done, NotDone> {
    let table = context.customers;
    let settings = &context.config.cluster;
    let needed = match context.mode {
        crate::Mode::Fit => settings.features.clone(),
        crate::Mode::Score { .. } => every_feature(),
    };
    let columns = needed
        .into_iter()
        .map(|name| Ok((feature(table, &name)?, name)))
        .collect::<Result<Vec<(Vec<f64>, String)>, NotDone>>()?;
    let features: Vec<(&str, &[f64])> =
        columns.iter().map(|(v, name)| (name.as_str(), v.as_slice())).collect();
    let revenue = table.f64s("net_revenue")?;
    let file = context
        .model(|| Ok(Clusters::fit(&features, &revenue, &settings.settings(context.config.run.seed))?))?;
    let model = &file.parameters;
    let labels = model.score(&features)?;

    let mut sums = vec![Sums::<5>::new(); model.names.len()];
    let (days, orders) = (table.f64s("days_since_last")?, table.f64s("orders")?);
    let (value, tenure) = (table.f64s("avg_order_value")?, table.f64s("tenure_days")?);
    for (i, label) in labels.iter().enumerate() {
        sums[*label].add([revenue[i], days[i], orders[i], value[i], tenure[i]]);
    }
    let total_revenue: f64 = sums.iter().map(|s| s.sums[0]).sum();
    // When saved clusters score new customers, one may stay empty.
    let present: Vec<usize> = (0..sums.len()).filter(|c| sums[*c].customers > 0).collect();
    let float = |f: &dyn Fn(&Sums<5>) -> Option<f64>| {
        Arc::new(present.iter().map(|c| f(&sums[*c])).collect::<Float64Array>()) as ArrayRef
    };
    let n = labels.len() as f64;
    let clusters_table = batch(
        "clusters",
        CLUSTERS,
        vec![
            Arc::new(present.iter().map(|c| *c as i32 + 1).collect::<Int32Array>()),
            Arc::new(StringArray::from_iter_values(present.iter().map(|c| &model.names[*c]))),
            Arc::new(present.iter().map(|c| sums[*c].customers as i64).collect::<Int64Array>()),
            float(&|s| Some(s.customers as f64 / n)),
            float(&|s| Some(s.sums[0])),
            float(&|s| (total_revenue != 0.0).then(|| s.sums[0] / total_revenue)),
            float(&|s| Some(s.mean(1))),
            float(&|s| Some(s.mean(2))),
            float(&|s| Some(s.mean(0))),
            float(&|s| Some(s.mean(3))),
            float(&|s| Some(s.mean(4))),
        ],
    )?;
    Ok(Done {
        columns: vec![
            ("cluster_id", Arc::new(labels.iter().map(|l| *l as i32 + 1).collect::<Int32Array>())),
            (
                "cluster_name",
                Arc::new(StringArray::from_iter_values(labels.iter().map(|l| &model.names[*l]))),
            ),
        ],
        tables: vec![("clusters.parquet", clusters_table)],
        report: file.report.clone(),
    })
}

fn every_feature() -> Vec<String> {
    let summary = tillwise_core::schema::SUMMARY.iter().map(|c| c.name);
    summary.chain(["lateness"]).filter(|n| crate::config::is_feature(n)).map(str::to_owned).collect()
}
