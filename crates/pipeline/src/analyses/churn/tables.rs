//! The tables of a churn model, the same for shops and for contracts.

use std::path::Path;

use tillwise_core::Day;
use tillwise_mine::churn::act::{OfferTerms, targets};
use tillwise_mine::churn::level::Outcome;
use tillwise_mine::churn::metrics::METRICS;
use tillwise_mine::churn::train::Judged;
use tillwise_mine::churn::{Churn, TrainReport};
use tillwise_table::TableError;

use super::JudgedCutoff;
use super::schema::{
    CHURN_CUTOFFS, CHURN_GAINS, CHURN_IMPORTANCE, CHURN_METRICS, CHURN_RELIABILITY, CHURN_RULES,
    CHURN_TARGETS,
};
use crate::PipelineError;
use crate::analyses::{Made, booleans, counts, days, floats, ints, make, maybe_days, texts};

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

/// A rule of the tree, with the customers in it.
pub struct RuleRow {
    /// Its number.
    pub id: u32,
    /// Its conditions, in words.
    pub words: String,
    /// Probability of churn.
    pub probability: f64,
    /// Training rows in it.
    pub training_rows: u64,
    /// Churners among them.
    pub training_churners: u64,
    /// Customers in it.
    pub customers: u64,
    /// Churners to expect of them.
    pub expected_churners: f64,
    /// What they are worth: of shops, their net revenue of 365 days.
    pub value: f64,
    /// That times the probability of each.
    pub at_stake: f64,
}

/// The rules of the tree.
pub struct Rules(pub Vec<RuleRow>);

impl Rules {
    /// The rules, with the customers in each.
    pub fn of(model: &Churn, scores: &Scores, values: &[f64]) -> Rules {
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
        let row = |rule: tillwise_mine::churn::Rule| {
            let (customers, expected_churners, value, at_stake) = sums[rule.id as usize];
            RuleRow {
                id: rule.id,
                words: rule.words,
                probability: rule.probability,
                training_rows: rule.rows as u64,
                training_churners: rule.churners.round() as u64,
                customers,
                expected_churners,
                value,
                at_stake,
            }
        };
        Rules(rules.into_iter().map(row).collect())
    }

    /// As the published table.
    ///
    /// # Errors
    /// If it does not fit the schema: a defect.
    pub fn table(&self) -> Result<Made, TableError> {
        let rows = || self.0.iter();
        make(
            &CHURN_RULES,
            vec![
                ("churn_rule_id", ints(rows().map(|r| r.id as i32))),
                ("rule", texts(rows().map(|r| Some(&r.words)))),
                ("churn_probability", floats(rows().map(|r| Some(r.probability)))),
                ("training_rows", counts(rows().map(|r| Some(r.training_rows)))),
                ("training_churners", counts(rows().map(|r| Some(r.training_churners)))),
                ("customers", counts(rows().map(|r| Some(r.customers)))),
                ("expected_churners", floats(rows().map(|r| Some(r.expected_churners)))),
                ("net_revenue_365d", floats(rows().map(|r| Some(r.value)))),
                ("revenue_at_stake", floats(rows().map(|r| Some(r.at_stake)))),
            ],
        )
    }
}

/// Customers worth an offer, the most profitable first.
pub struct Targets<'a> {
    ids: &'a [&'a str],
    scores: &'a Scores,
    values: &'a [f64],
    offer_cost: f64,
    /// The customer's place, and the expected profit of an offer.
    pub chosen: Vec<(usize, f64)>,
}

/// Picks the customers worth an offer.
pub fn pick_targets<'a>(
    ids: &'a [&'a str],
    scores: &'a Scores,
    values: &'a [f64],
    terms: &OfferTerms,
    budget: Option<f64>,
) -> Targets<'a> {
    let chosen = targets(&scores.probabilities, values, terms, budget);
    Targets { ids, scores, values, offer_cost: terms.offer_cost, chosen }
}

impl Targets<'_> {
    /// As the published table.
    ///
    /// # Errors
    /// If it does not fit the schema: a defect.
    pub fn table(&self) -> Result<Made, TableError> {
        let each = || self.chosen.iter().map(|(i, _)| *i);
        let n = self.chosen.len();
        make(
            &CHURN_TARGETS,
            vec![
                ("place", ints(1..=n as i32)),
                ("customer_id", texts(each().map(|i| Some(self.ids[i])))),
                ("churn_probability", floats(each().map(|i| Some(self.scores.probabilities[i])))),
                ("customer_value", floats(each().map(|i| Some(self.values[i])))),
                ("expected_profit", floats(self.chosen.iter().map(|(_, profit)| Some(*profit)))),
                ("cumulative_cost", floats((1..=n).map(|n| Some(n as f64 * self.offer_cost)))),
                ("churn_rule_id", ints(each().map(|i| self.scores.explained[i].0 as i32))),
                ("reason", texts(each().map(|i| self.scores.explained[i].1.first()))),
            ],
        )
    }
}

/// What the report of a training holds, as tables.
///
/// # Errors
/// If one does not fit its schema: a defect.
pub fn from_report(report: &TrainReport, cutoff: Option<Day>) -> Result<Vec<Made>, TableError> {
    let rows: Vec<(&Judged, usize)> =
        report.judged.iter().flat_map(|j| (0..METRICS.len()).map(move |m| (j, m))).collect();
    let interval = |j: &Judged, m: usize| j.intervals.get(m).copied().flatten();
    let metrics = make(
        &CHURN_METRICS,
        vec![
            ("model", texts(rows.iter().map(|(j, _)| Some(&j.model)))),
            ("chosen", booleans(rows.iter().map(|(j, _)| Some(j.chosen)))),
            ("cutoff", maybe_days(rows.iter().map(|_| cutoff))),
            ("metric", texts(rows.iter().map(|(_, m)| Some(METRICS[*m])))),
            ("value", floats(rows.iter().map(|(j, m)| j.values.get(*m).copied().flatten()))),
            ("low", floats(rows.iter().map(|(j, m)| interval(j, *m).map(|i| i.0)))),
            ("high", floats(rows.iter().map(|(j, m)| interval(j, *m).map(|i| i.1)))),
        ],
    )?;
    let bins = || report.reliability.iter();
    let reliability = make(
        &CHURN_RELIABILITY,
        vec![
            ("bin", ints(1..=report.reliability.len() as i32)),
            ("rows", counts(bins().map(|b| Some(b.rows as u64)))),
            ("churners", counts(bins().map(|b| Some(b.churners as u64)))),
            ("expected", floats(bins().map(|b| Some(b.expected)))),
            ("actual", floats(bins().map(|b| Some(b.actual)))),
        ],
    )?;
    let steps = || report.gains.iter();
    let gains = make(
        &CHURN_GAINS,
        vec![
            ("decile", ints(steps().map(|g| i32::from(g.decile)))),
            ("rows", floats(steps().map(|g| Some(g.rows)))),
            ("churners", floats(steps().map(|g| Some(g.churners)))),
            ("captured", floats(steps().map(|g| Some(g.captured)))),
            ("lift", floats(steps().map(|g| Some(g.lift)))),
        ],
    )?;
    let features = || report.importance.iter();
    let importance = make(
        &CHURN_IMPORTANCE,
        vec![
            ("feature", texts(features().map(|f| Some(&f.feature)))),
            ("impurity", floats(features().map(|f| Some(f.impurity)))),
            ("permutation", floats(features().map(|f| f.permutation))),
        ],
    )?;
    Ok(vec![metrics, reliability, gains, importance])
}

/// The judged cutoffs.
pub fn cutoffs(judged: &[JudgedCutoff]) -> Result<Made, TableError> {
    let of = |value: fn(&Outcome) -> f64| floats(judged.iter().map(move |j| Some(value(&j.outcome))));
    make(
        &CHURN_CUTOFFS,
        vec![
            ("cutoff", days(judged.iter().map(|j| j.cutoff))),
            ("customers", counts(judged.iter().map(|j| Some(j.outcome.rows as u64)))),
            ("actual", of(|o| o.actual)),
            ("expected", of(|o| o.expected)),
            ("level", texts(judged.iter().map(|j| Some(j.outcome.way.name())))),
            ("corrected", of(|o| o.corrected)),
        ],
    )
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
