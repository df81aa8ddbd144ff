//! Churn: labelled tables at earlier dates, a tree, its judgement and its rules.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, StringArray};
use rayon::prelude::*;
use serde::Serialize;
use tillwise_core::Day;
use tillwise_core::schema::{CHURN_METRICS, CHURN_RULES};
use tillwise_mine::churn::metrics::{Judgement, auc, average_precision, judge, lift};
use tillwise_mine::churn::{Churn, Examples, RecencyRule, Tree, TreeSettings, deciles};
use tillwise_table::Table;

use super::{Context, Done, batch, feature};
use crate::{NotDone, PipelineError, config};

/// The dates of a churn model: it is trained at some and judged at a later one.
#[derive(Clone, Debug)]
pub struct Cutoffs<T> {
    /// The latest first; their label windows end before the judged cutoff's begins.
    pub training: Vec<T>,
    /// The latest cutoff with a complete label window.
    pub judged: T,
}

/// A customer table at a cutoff, with its label.
#[derive(Clone, Debug)]
pub struct LabelledTable {
    pub cutoff: Day,
    pub path: PathBuf,
}

/// The cutoffs that the history from `first` to `as_of` allows, or why there are none.
pub fn cutoffs(settings: &config::Churn, first: Day, as_of: Day) -> Result<Cutoffs<Day>, String> {
    let horizon = settings.horizon_days;
    let judged = as_of - horizon;
    // A cutoff needs a horizon of history before it, else its features say little.
    let training: Vec<Day> = (1..=settings.training_cutoffs as i32)
        .map(|i| judged - horizon * i)
        .take_while(|cutoff| cutoff.since(first) >= horizon)
        .collect();
    if training.is_empty() {
        return Err(format!(
            "a {horizon}-day churn model judged out of time needs at least {} days of orders (a horizon of history, \
             one to train on, one to judge on), but there are {}; set [churn] horizon_days to {} or less",
            3 * horizon + 1,
            as_of.since(first) + 1,
            (as_of.since(first) / 3).max(1)
        ));
    }
    Ok(Cutoffs { training, judged })
}

#[derive(Serialize)]
struct Report {
    training_cutoffs: Vec<Day>,
    judged_cutoff: Day,
    training_rows: usize,
    tree: Judgement,
    recency_only: Judgement,
    leaves: usize,
    warnings: Vec<String>,
}

pub fn run(context: &Context<'_>) -> Result<Done, NotDone> {
    let settings = &context.config.churn;
    let file = context.model(None, || fit(context, settings))?;
    let model = &file.parameters;
    let table = context.customers;
    let columns = features(table, &model.features)?;
    let scored: Vec<(f64, u32)> =
        (0..table.rows()).into_par_iter().map(|i| model.tree.predict(|f| columns[f][i])).collect();
    let probabilities: Vec<f64> = scored.iter().map(|s| s.0).collect();
    let days = table.f64s("days_since_last")?;

    let rules = model.tree.rules(&model.features);
    let spent = table.f64s("net_revenue_365d")?;
    let mut in_rule = vec![(0i64, 0.0); rules.len() + 1];
    for (i, (_, rule)) in scored.iter().enumerate() {
        if let Some(sums) = in_rule.get_mut(*rule as usize) {
            sums.0 += 1;
            sums.1 += spent[i];
        }
    }
    let rules_table = batch(
        "churn_rules",
        CHURN_RULES,
        vec![
            Arc::new(rules.iter().map(|r| r.id as i32).collect::<Int32Array>()),
            Arc::new(StringArray::from_iter_values(rules.iter().map(|r| &r.words))),
            Arc::new(rules.iter().map(|r| Some(r.probability)).collect::<Float64Array>()),
            Arc::new(rules.iter().map(|r| r.rows as i64).collect::<Int64Array>()),
            Arc::new(rules.iter().map(|r| r.churners as i64).collect::<Int64Array>()),
            Arc::new((1..=rules.len()).map(|r| in_rule[r].0).collect::<Int64Array>()),
            Arc::new((1..=rules.len()).map(|r| Some(in_rule[r].1)).collect::<Float64Array>()),
        ],
    )?;
    let mut tables = vec![("churn_rules.parquet", rules_table)];
    tables.extend(metrics_table(&file.report)?.map(|t| ("churn_metrics.parquet", t)));
    let eligible = days.iter().map(|d| Some(*d < f64::from(model.eligible_days))).collect::<BooleanArray>();
    Ok(Done {
        columns: vec![
            ("churn_probability", Arc::new(Float64Array::from(probabilities.clone())) as ArrayRef),
            (
                "churn_decile",
                Arc::new(deciles(&probabilities).into_iter().map(i32::from).collect::<Int32Array>()),
            ),
            ("churn_eligible", Arc::new(eligible)),
            ("churn_rule_id", Arc::new(scored.iter().map(|s| s.1 as i32).collect::<Int32Array>())),
        ],
        tables,
        report: file.report.clone(),
    })
}

fn features(table: &Table, names: &[String]) -> Result<Vec<Vec<f64>>, PipelineError> {
    names.iter().map(|name| feature(table, name)).collect()
}

fn examples(table: &LabelledTable, names: &[String]) -> Result<(Examples, Vec<f64>), PipelineError> {
    let table = Table::read(&table.path)?;
    let churned = table.f64s("orders_in_horizon")?.iter().map(|n| *n == 0.0).collect();
    Ok((Examples { features: features(&table, names)?, churned }, table.f64s("days_since_last")?))
}

fn fit(context: &Context<'_>, settings: &config::Churn) -> Result<(Churn, Report), NotDone> {
    let cutoffs = context.labelled.as_ref().map_err(|why| NotDone::Skipped(why.clone()))?;
    let names = &settings.features;
    let mut training = Examples { features: vec![Vec::new(); names.len()], churned: Vec::new() };
    let mut recency = Vec::new();
    for table in &cutoffs.training {
        let (part, days) = examples(table, names)?;
        training.features.iter_mut().zip(part.features).for_each(|(all, more)| all.extend(more));
        training.churned.extend(part.churned);
        recency.extend(days);
    }
    training.check("to train on")?;
    let (judged, judged_recency) = examples(&cutoffs.judged, names)?;
    judged.check("to judge on")?;

    let tree =
        Tree::fit(&training, &TreeSettings { max_depth: settings.max_depth, min_leaf: settings.min_leaf })?;
    let probabilities: Vec<f64> =
        (0..judged.churned.len()).map(|i| tree.predict(|f| judged.features[f][i]).0).collect();
    let rule = RecencyRule::fit(&recency, &training.churned);
    let by_recency: Vec<f64> = judged_recency.iter().map(|d| rule.probability(*d)).collect();
    // The rule ranks by the days themselves; its shares, for calibration, are coarser.
    let recency_only = Judgement {
        auc: auc(&judged_recency, &judged.churned),
        average_precision: average_precision(&judged_recency, &judged.churned),
        lift_decile_1: lift(&judged_recency, &judged.churned, 0.1),
        ..judge(&by_recency, &judged.churned)
    };
    let judgement = judge(&probabilities, &judged.churned);
    let mut warnings = Vec::new();
    if judgement.auc <= recency_only.auc {
        warnings.push("the tree ranks no better than days since the last order alone".to_owned());
    }
    let gap = judgement.mean_probability - judgement.churn_rate;
    if gap.abs() > 0.1 {
        warnings.push(format!(
            "out of time the tree expects {:.0} % to churn and {:.0} % did: the season or the trend has changed",
            100.0 * judgement.mean_probability,
            100.0 * judgement.churn_rate
        ));
    }
    let report = Report {
        training_cutoffs: cutoffs.training.iter().map(|t| t.cutoff).collect(),
        judged_cutoff: cutoffs.judged.cutoff,
        training_rows: training.churned.len(),
        tree: judgement,
        recency_only,
        leaves: tree.rules(names).len(),
        warnings,
    };
    let model = Churn {
        horizon_days: settings.horizon_days,
        eligible_days: settings.eligible_days,
        features: names.clone(),
        tree,
    };
    Ok((model, report))
}

/// The judgement that stands in the model's report, as a long table.
fn metrics_table(report: &serde_json::Value) -> Result<Option<arrow::array::RecordBatch>, PipelineError> {
    let Some(cutoff) = report["judged_cutoff"].as_str().and_then(|d| d.parse::<Day>().ok()) else {
        return Ok(None);
    };
    let (mut models, mut metrics, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for model in ["tree", "recency_only"] {
        for metric in METRICS {
            models.push(model);
            metrics.push(metric);
            values.push(report[model][metric].as_f64());
        }
    }
    let n = models.len();
    batch(
        "churn_metrics",
        CHURN_METRICS,
        vec![
            Arc::new(StringArray::from(models)),
            Arc::new(Date32Array::from(vec![cutoff.0; n])),
            Arc::new(StringArray::from(metrics)),
            Arc::new(Float64Array::from(values)),
        ],
    )
    .map(Some)
}

/// The fields of a judgement, in the order of the table.
const METRICS: [&str; 9] = [
    "rows",
    "churners",
    "churn_rate",
    "mean_probability",
    "auc",
    "average_precision",
    "brier",
    "log_loss",
    "lift_decile_1",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_windows_end_before_the_judged_cutoff() {
        let settings = config::Churn::default();
        let (first, as_of) = (Day(0), Day(730));
        let c = cutoffs(&settings, first, as_of).unwrap();
        assert_eq!(c.judged, Day(640));
        assert_eq!(c.training, [Day(550), Day(460), Day(370)]);
        assert!(c.training.iter().all(|t| (*t + settings.horizon_days) <= c.judged));
    }

    #[test]
    fn short_histories_are_told_what_is_needed() {
        let why = cutoffs(&config::Churn::default(), Day(0), Day(123)).unwrap_err();
        assert!(
            why.contains("at least 271 days") && why.contains("there are 124") && why.contains("41 or less"),
            "{why}"
        );
        assert_eq!(cutoffs(&config::Churn::default(), Day(0), Day(270)).unwrap().training, [Day(90)]);
    }
}
