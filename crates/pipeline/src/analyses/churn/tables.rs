//! The tables of a churn model, the same for shops and for contracts.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{BooleanArray, Date32Array, RecordBatch};
use serde_json::Value;
use tillwise_core::Day;
use tillwise_core::schema::{
    CHURN_GAINS, CHURN_IMPORTANCE, CHURN_METRICS, CHURN_RELIABILITY, CHURN_RULES, CHURN_TARGETS,
};
use tillwise_mine::churn::Churn;
use tillwise_mine::churn::act::{OfferTerms, targets};
use tillwise_mine::churn::metrics::METRICS;
use tillwise_table::{TableError, assemble};

use crate::PipelineError;
use crate::analyses::{counts, floats, ints, texts};

/// What a customer is told: the probability, the rule and the reasons.
pub struct Scores {
    /// Of churn, by customer.
    pub probabilities: Vec<f64>,
    /// The rule of each customer, and what raises the probability.
    pub explained: Vec<(u32, Vec<String>)>,
}

impl Scores {
    /// Those of some customers.
    pub fn pick(&self, rows: &[usize]) -> Scores {
        Scores {
            probabilities: rows.iter().map(|i| self.probabilities[*i]).collect(),
            explained: rows.iter().map(|i| self.explained[*i].clone()).collect(),
        }
    }
}

/// Small tables by file name.
pub type Tables = Vec<(&'static str, RecordBatch)>;

/// The rules, with the customers in each.
pub fn rules(model: &Churn, scores: &Scores, values: &[f64]) -> Result<RecordBatch, TableError> {
    let rules = model.tree.rules(&model.features, &model.blanks);
    let mut sums = vec![(0u64, 0.0, 0.0, 0.0); rules.len() + 1];
    for ((p, (rule, _)), value) in scores.probabilities.iter().zip(&scores.explained).zip(values) {
        if let Some(sum) = sums.get_mut(*rule as usize) {
            sum.0 += 1;
            sum.1 += p;
            sum.2 += value;
            sum.3 += p * value.max(0.0);
        }
    }
    let of = |id: u32| sums[id as usize];
    assemble(
        "churn_rules",
        CHURN_RULES,
        vec![
            ("churn_rule_id", ints(rules.iter().map(|r| r.id as i32))),
            ("rule", texts(rules.iter().map(|r| Some(&r.words)))),
            ("churn_probability", floats(rules.iter().map(|r| Some(r.probability)))),
            ("training_rows", counts(rules.iter().map(|r| Some(r.rows as u64)))),
            ("training_churners", counts(rules.iter().map(|r| Some(r.churners.round() as u64)))),
            ("customers", counts(rules.iter().map(|r| Some(of(r.id).0)))),
            ("expected_churners", floats(rules.iter().map(|r| Some(of(r.id).1)))),
            ("net_revenue_365d", floats(rules.iter().map(|r| Some(of(r.id).2)))),
            ("revenue_at_stake", floats(rules.iter().map(|r| Some(of(r.id).3)))),
        ],
    )
}

/// Customers worth an offer.
pub fn target_table(
    ids: &[&str],
    scores: &Scores,
    values: &[f64],
    terms: &OfferTerms,
    budget: Option<f64>,
) -> Result<RecordBatch, TableError> {
    let chosen = targets(&scores.probabilities, values, terms, budget);
    let each = || chosen.iter().map(|(i, _)| *i);
    assemble(
        "churn_targets",
        CHURN_TARGETS,
        vec![
            ("place", ints(1..=chosen.len() as i32)),
            ("customer_id", texts(each().map(|i| Some(ids[i])))),
            ("churn_probability", floats(each().map(|i| Some(scores.probabilities[i])))),
            ("customer_value", floats(each().map(|i| Some(values[i])))),
            ("expected_profit", floats(chosen.iter().map(|(_, profit)| Some(*profit)))),
            ("cumulative_cost", floats((1..=chosen.len()).map(|n| Some(n as f64 * terms.offer_cost)))),
            ("churn_rule_id", ints(each().map(|i| scores.explained[i].0 as i32))),
            ("reason", texts(each().map(|i| scores.explained[i].1.first()))),
        ],
    )
}

/// What stands in the model's report, as tables.
pub fn from_report(report: &Value, cutoff: Option<Day>) -> Result<Tables, PipelineError> {
    let Some(judged) = report["judged"].as_array() else { return Ok(Vec::new()) };
    let rows: Vec<(&Value, usize)> =
        judged.iter().flat_map(|j| (0..METRICS.len()).map(move |m| (j, m))).collect();
    let metrics = assemble(
        "churn_metrics",
        CHURN_METRICS,
        vec![
            ("model", texts(rows.iter().map(|(j, _)| j["model"].as_str()))),
            ("chosen", Arc::new(rows.iter().map(|(j, _)| j["chosen"].as_bool()).collect::<BooleanArray>())),
            ("cutoff", Arc::new(rows.iter().map(|_| cutoff.map(|c| c.0)).collect::<Date32Array>())),
            ("metric", texts(rows.iter().map(|(_, m)| Some(METRICS[*m])))),
            ("value", floats(rows.iter().map(|(j, m)| j["values"][*m].as_f64()))),
            ("low", floats(rows.iter().map(|(j, m)| j["intervals"][*m][0].as_f64()))),
            ("high", floats(rows.iter().map(|(j, m)| j["intervals"][*m][1].as_f64()))),
        ],
    )?;
    let list = |key: &str| report[key].as_array().cloned().unwrap_or_default();
    let number = |rows: &[Value], key: &str| floats(rows.iter().map(|r| r[key].as_f64()).collect::<Vec<_>>());
    let whole = |rows: &[Value], key: &str| counts(rows.iter().map(|r| r[key].as_u64()).collect::<Vec<_>>());
    let bins = list("reliability");
    let reliability = assemble(
        "churn_reliability",
        CHURN_RELIABILITY,
        vec![
            ("bin", ints(1..=bins.len() as i32)),
            ("rows", whole(&bins, "rows")),
            ("churners", whole(&bins, "churners")),
            ("expected", number(&bins, "expected")),
            ("actual", number(&bins, "actual")),
        ],
    )?;
    let steps = list("gains");
    let gains = assemble(
        "churn_gains",
        CHURN_GAINS,
        vec![
            ("decile", ints(steps.iter().map(|s| s["decile"].as_i64().unwrap_or(0) as i32))),
            ("rows", number(&steps, "rows")),
            ("churners", number(&steps, "churners")),
            ("captured", number(&steps, "captured")),
            ("lift", number(&steps, "lift")),
        ],
    )?;
    let features = list("importance");
    let importance = assemble(
        "churn_importance",
        CHURN_IMPORTANCE,
        vec![
            ("feature", texts(features.iter().map(|f| f["feature"].as_str()))),
            ("impurity", number(&features, "impurity")),
            ("permutation", number(&features, "permutation")),
        ],
    )?;
    Ok(vec![
        ("churn_metrics.parquet", metrics),
        ("churn_reliability.parquet", reliability),
        ("churn_gains.parquet", gains),
        ("churn_importance.parquet", importance),
    ])
}

/// The tree as text, Graphviz and a picture, beside the model.
pub fn draw(model: &Churn, folder: &Path) -> Result<(), PipelineError> {
    let tree = &model.tree;
    for (name, text) in [
        ("churn_tree.txt", tree.text(&model.features)),
        ("churn_tree.dot", tree.dot(&model.features)),
        ("churn_tree.svg", tree.svg(&model.features)),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|source| PipelineError::Write { path, source })?;
    }
    Ok(())
}
