//! Churn: labelled tables at earlier dates, a model, its judgement, its rules, and whom to save.

pub mod features;
pub mod schema;
pub mod settings;
pub mod tables;
pub mod tell;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use tillwise_core::Day;
use tillwise_core::message;
use tillwise_core::told::{Cell, Message};
use tillwise_mine::churn::level::{self, Outcome, Past, Way, shifted};
use tillwise_mine::churn::train::{Trained, clean, expect, train};
use tillwise_mine::churn::{Baseline, Churn, Examples, Judge, ModelSettings, TrainReport, deciles};
use tillwise_mine::stats::Steps;

use super::{Context, Done, booleans, floats, ints, maybe_ints, texts};
use crate::analysis::{Analysis, Ask, CustomerTable, Needs};
use crate::charts::{ChartOf, Picture, Unit};
use crate::{NotDone, PipelineError, config};
use features::{ATTRIBUTES_FILE, Attributes, Columns};
pub use settings::{ChurnModel, Label, Settings};
use tables::Scores;

/// Pictures of its tables.
const CHARTS: &[ChartOf] = &[
    ChartOf {
        key: "churn_reliability",
        table: "churn_reliability",
        only: &[],
        picture: Picture::Lines {
            x: ("expected", Unit::Share),
            y: &["actual"],
            unit: Unit::Share,
            by: None,
            band: None,
            diagonal: true,
        },
    },
    ChartOf {
        key: "churn_gains",
        table: "churn_gains",
        only: &[],
        picture: Picture::Lines {
            x: ("decile", Unit::Count),
            y: &["captured"],
            unit: Unit::Share,
            by: None,
            band: None,
            diagonal: false,
        },
    },
    ChartOf {
        key: "churn_importance",
        table: "churn_importance",
        only: &[],
        picture: Picture::Bars { names: "feature", bars: "impurity", unit: Unit::Share, most: 10 },
    },
];

/// Churn.
pub const ANALYSIS: Analysis = Analysis {
    name: "churn",
    about: "Only churn",
    manual: include_str!("manual.toml"),
    proposes: &["horizon_days"],
    tables: schema::TABLES,
    charts: CHARTS,
    scores: schema::SCORES,
    has_model: true,
    files: |config| config.churn.attributes_file.iter().map(|f| (ATTRIBUTES_FILE, f.as_path())).collect(),
    needs,
    run,
    ..Analysis::NONE
};

fn needs(ask: &Ask<'_>) -> Needs {
    let settings = &ask.config.churn;
    let cutoffs = if ask.fits { cutoffs(settings, ask.first, ask.as_of).ok() } else { None };
    let days = cutoffs.into_iter().flat_map(|c| c.grid);
    Needs { tables: days.map(|day| labelled(settings, day)).collect(), ..Needs::default() }
}

/// A customer table at a cutoff, with its label.
fn labelled(settings: &Settings, cutoff: Day) -> CustomerTable {
    // P(alive) is learned from everyone; the eligible are picked afterwards.
    let needs_everyone = settings.features.iter().any(|f| f == "p_alive");
    CustomerTable {
        label_until: Some(cutoff + settings.horizon_days),
        active_within_days: (!needs_everyone).then_some(settings.eligible_days),
        ..CustomerTable::of(cutoff)
    }
}

/// The dates of a churn model: it is trained at some and judged at a later one.
#[derive(Clone, Debug)]
struct Cutoffs {
    /// The latest first; their label windows end before the judged cutoff's begins.
    training: Vec<Day>,
    /// The latest cutoff with a complete label window.
    judged: Day,
    /// Cutoffs before it that are judged too, by models of then; the latest first.
    earlier: Vec<Day>,
    /// All that need a customer table, a horizon apart, the latest first.
    grid: Vec<Day>,
}

/// The cutoffs that the history from `first` to `as_of` allows, or why there are none.
fn cutoffs(settings: &Settings, first: Day, as_of: Day) -> Result<Cutoffs, String> {
    let horizon = settings.horizon_days;
    let judged = as_of - horizon;
    // A cutoff needs a horizon of history before it, else its features say little.
    let most = settings.training_cutoffs + settings.judged_cutoffs - 1;
    let before: Vec<Day> = (1..=most as i32)
        .map(|i| judged - horizon * i)
        .take_while(|cutoff| cutoff.since(first) >= horizon)
        .collect();
    let training: Vec<Day> = before.iter().copied().take(settings.training_cutoffs).collect();
    // Each needs one before it to learn from.
    let earlier: Vec<Day> = before
        .iter()
        .copied()
        .take(before.len().saturating_sub(1))
        .take(settings.judged_cutoffs - 1)
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
    let grid = std::iter::once(judged).chain(before).collect();
    Ok(Cutoffs { training, judged, earlier, grid })
}

#[derive(Serialize, Deserialize)]
struct Report {
    training_cutoffs: Vec<Day>,
    judged_cutoff: Day,
    /// Every judged cutoff, the earliest first.
    #[serde(default)]
    cutoffs: Vec<JudgedCutoff>,
    /// How the level of the scores is set.
    #[serde(default)]
    level: Way,
    #[serde(flatten)]
    train: TrainReport,
}

/// What a model of then expected at a cutoff, and what came.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JudgedCutoff {
    cutoff: Day,
    #[serde(flatten)]
    outcome: Outcome,
}

/// Reasons that are told of a customer.
const REASONS: usize = 3;

fn run(context: &Context<'_>) -> Result<Done, NotDone> {
    let settings = &context.config.churn;
    let attributes = Attributes::read(context)?;
    let (file, mut report) = context.model(None, || fit(context, settings, &attributes))?;
    let model = &file.parameters;
    let table = context.customers;
    let names: Vec<String> = model.features.iter().map(|f| f.name.clone()).collect();
    // What a model asks for that is neither a column nor an attribute is blank.
    let known = known_features(&names);
    let missing: Vec<&String> = names.iter().filter(|n| !known.contains(n) && !attributes.has(n)).collect();
    let (columns, unseen) =
        Columns::of(table, &known, &attributes, model.alive.as_ref())?.encode(&model.features, table.rows());
    let probabilities = model.score(&columns);
    let scores = Scores { explained: model.explain(&columns, REASONS), probabilities };
    let values = table.f64s("net_revenue_365d")?;
    let terms = settings.terms;
    report.train.warnings.extend(
        unseen.into_iter().map(|(feature, rows)| message!("unknown_values", feature = feature, rows = rows)),
    );
    if let Some(first) = missing.first() {
        report.train.warnings.push(message!("features_missing", features = missing.len(), first = *first));
    }
    // Rules and targets are of those that the model was trained and judged on.
    let days = table.f64s("days_since_last")?;
    let active: Vec<usize> = (0..days.len()).filter(|i| days[*i] < f64::from(model.eligible_days)).collect();
    let ids = table.texts("customer_id")?;
    let their_ids: Vec<&str> = active.iter().map(|i| ids[*i]).collect();
    let their_values: Vec<f64> = active.iter().map(|i| values[*i]).collect();
    let theirs = scores.pick(&active);
    let targets = tables::pick_targets(&their_ids, &theirs, &their_values, &terms, settings.budget);
    let rules = tables::Rules::of(model, &theirs, &their_values);
    let mut told = tell::tell(&report.train, Some(report.judged_cutoff), &theirs, model, &targets, &rules);
    tell::levels(&mut told, &report.cutoffs, report.level);
    let told = vec![told];
    let mut small = vec![rules.table()?, targets.table()?];
    small.extend(tables::from_report(&report.train, Some(report.judged_cutoff))?);
    small.push(tables::cutoffs(&report.cutoffs)?);
    tables::draw(model, context.models)?;

    let eligible = days.iter().map(|d| Some(*d < f64::from(model.eligible_days)));
    let p = &scores.probabilities;
    // Of others the model has seen nobody: they stand in no decile.
    let mut decile = vec![None; p.len()];
    let of_active = deciles(&active.iter().map(|i| p[*i]).collect::<Vec<f64>>());
    active.iter().zip(of_active).for_each(|(i, d)| decile[*i] = Some(i32::from(d)));
    let reason = |n: usize| texts(scores.explained.iter().map(|e| e.1.get(n)));
    let profit = p.iter().zip(&values).map(|(p, v)| Some(terms.profit(*p, *v)));
    Ok(Done {
        columns: vec![
            ("churn_probability", floats(p.iter().map(|p| Some(*p)))),
            ("churn_decile", maybe_ints(decile)),
            ("churn_eligible", booleans(eligible)),
            ("churn_rule_id", ints(scores.explained.iter().map(|e| e.0 as i32))),
            ("churn_reason_1", reason(0)),
            ("churn_reason_2", reason(1)),
            ("churn_reason_3", reason(2)),
            ("churn_offer_profit", floats(profit)),
        ],
        tables: small,
        told,
        warnings: report.train.warnings.clone(),
        report: serde_json::to_value(report)?,
    })
}

/// What to say where days since the last order alone rank better and are calibrated better than the model.
fn beaten_by_recency(report: &TrainReport) -> Option<Message> {
    let chosen = report.judged.iter().find(|j| j.chosen)?;
    let simple = report.judged.iter().find(|j| j.model == "recency_only")?;
    let [(ours, theirs), (our_brier, their_brier)] =
        ["auc", "brier"].map(|m| (chosen.value(m).unwrap_or(f64::NAN), simple.value(m).unwrap_or(f64::NAN)));
    (theirs > ours && their_brier < our_brier).then(|| {
        let number = |v: f64| Cell::Number(v, 3);
        message!(
            "recency_does_better",
            model = Cell::word(&chosen.model),
            theirs = number(theirs),
            ours = number(ours),
            their_brier = number(their_brier),
            our_brier = number(our_brier)
        )
    })
}

/// Eligible customers at a cutoff: columns, labels, ids, and what baselines and values need.
struct Rows {
    columns: Columns,
    churned: Vec<bool>,
    ids: Vec<String>,
    days_since_last: Vec<f64>,
    p_alive: Vec<f64>,
    values: Vec<f64>,
}

fn rows(context: &Context<'_>, cutoff: Day, attributes: &Attributes) -> Result<Rows, NotDone> {
    let settings = &context.config.churn;
    let table = context.table(&labelled(settings, cutoff))?;
    // Everyone seen up to the cutoff tells how customers drop out; only the eligible are learned from.
    let wants_alive = settings.features.iter().any(|f| f == "p_alive");
    let alive = if wants_alive { features::alive(&table)? } else { None };
    let days = table.f64s("days_since_last")?;
    let kept: Vec<usize> = (0..days.len()).filter(|i| days[*i] < f64::from(settings.eligible_days)).collect();
    let pick = |name: &str| -> Result<Vec<f64>, PipelineError> {
        let all = table.f64s(name)?;
        Ok(kept.iter().map(|i| all[*i]).collect())
    };
    let ids = table.texts("customer_id")?;
    let columns = Columns::of(&table, &settings.features, attributes, alive.as_ref())?.pick(&kept);
    let p_alive = columns.0.iter().find(|(name, _)| name == "p_alive").map(|(_, raw)| match raw {
        features::Raw::Number(v) => v.clone(),
        features::Raw::Text(_) => Vec::new(),
    });
    let (next, p90, gaps) = (pick("days_to_next_order")?, pick("p90_gap_days")?, pick("x")?);
    let churned = |i: usize| settings.label.churned(next[i], p90[i], gaps[i], settings.horizon_days);
    Ok(Rows {
        churned: (0..kept.len()).map(churned).collect(),
        ids: kept.iter().map(|i| ids[*i].to_owned()).collect(),
        days_since_last: pick("days_since_last")?,
        values: pick("net_revenue_365d")?,
        p_alive: p_alive.unwrap_or_default(),
        columns,
    })
}

/// Those that the engine makes.
fn known_features(names: &[String]) -> Vec<String> {
    names.iter().filter(|n| config::is_churn_feature(n)).cloned().collect()
}

/// How many cutoffs ago a year was; 0 where none was within a tenth of a year.
fn cutoffs_a_year(horizon_days: i32) -> usize {
    let cutoffs = (365.0 / f64::from(horizon_days)).round();
    if (cutoffs * f64::from(horizon_days) - 365.0).abs() <= 36.5 { cutoffs as usize } else { 0 }
}

/// Rows of earlier cutoffs, to learn from.
struct Training {
    examples: Examples,
    days_since_last: Vec<f64>,
    warnings: Vec<Message>,
}

fn training(parts: &[Rows]) -> Training {
    let (mut columns, mut churned, mut days) = (Columns::default(), Vec::new(), Vec::new());
    let (mut numbers, mut customers) = (HashMap::new(), Vec::new());
    let mut drops_out = true;
    for part in parts {
        drops_out &= part.p_alive.iter().any(|p| p.is_finite());
        columns.append(part.columns.clone());
        churned.extend(&part.churned);
        days.extend(&part.days_since_last);
        for id in &part.ids {
            let next = numbers.len() as u32;
            customers.push(*numbers.entry(id).or_insert(next));
        }
    }
    let mut warnings = Vec::new();
    if !drops_out && columns.remove("p_alive") {
        warnings.push(message!("p_alive_left_out"));
    }
    let (features, columns) = columns.learn();
    let mut examples = Examples { features, columns, churned, weights: Vec::new(), customers };
    warnings.append(&mut clean(&mut examples));
    Training { examples, days_since_last: days, warnings }
}

/// Rows of a later cutoff, as a model of the training rows sees them.
fn later(of: &Rows, training: &Examples) -> Examples {
    Examples {
        columns: of.columns.clone().encode(&training.features, of.churned.len()).0,
        features: training.features.clone(),
        churned: of.churned.clone(),
        ..Examples::default()
    }
}

/// Rows that a model of a past cutoff learns from, at most: its mean is all that is asked of it.
const MOST_ROWS_OF_A_PAST: usize = 60_000;

/// Every so many-th row, where there are more than are needed.
fn thinned(examples: Examples) -> Examples {
    let step = examples.len().div_ceil(MOST_ROWS_OF_A_PAST).max(1);
    if step == 1 { examples } else { examples.pick(&(0..examples.len()).step_by(step).collect::<Vec<_>>()) }
}

fn fit(
    context: &Context<'_>,
    settings: &Settings,
    attributes: &Attributes,
) -> Result<(Churn, Report), NotDone> {
    let cutoffs = cutoffs(settings, context.first, context.as_of).map_err(NotDone::Skipped)?;
    let grid = cutoffs
        .grid
        .iter()
        .map(|day| rows(context, *day, attributes))
        .collect::<Result<Vec<Rows>, NotDone>>()?;
    let now = &grid[0];
    let Training { examples, days_since_last, mut warnings } = training(&grid[1..=cutoffs.training.len()]);
    examples.check("to train on")?;
    let judged = later(now, &examples);
    judged.check("to judge on")?;
    let points: Vec<(f64, bool)> =
        days_since_last.iter().copied().zip(examples.churned.iter().copied()).collect();
    let by_recency = Steps::fit(&points);
    let mut baselines = vec![Baseline {
        name: "recency_only",
        judged: now.days_since_last.iter().map(|d| by_recency.at(*d)).collect(),
    }];
    if now.p_alive.iter().any(|p| p.is_finite()) {
        baselines.push(Baseline { name: "p_alive", judged: now.p_alive.iter().map(|p| 1.0 - p).collect() });
    }
    let names: Vec<String> = examples.features.iter().map(|f| f.name.clone()).collect();
    let how = settings.train(&names, context.config.run.seed);
    // The earliest first; of those before the earlier cutoffs only the share is known.
    let mut pasts: Vec<Past> = Vec::new();
    let mut days: Vec<Day> = Vec::new();
    let a_year = cutoffs_a_year(settings.horizon_days);
    let mut level_of = |kind, models: &ModelSettings, judged: &[f64]| {
        for at in (1..grid.len()).rev() {
            let mut past = Past { churned: grid[at].churned.clone(), ..Past::default() };
            if at <= cutoffs.earlier.len() {
                let end = (at + settings.training_cutoffs).min(grid.len() - 1);
                let then = training(&grid[at + 1..=end]);
                let rows = later(&grid[at], &then.examples);
                let learned = thinned(then.examples);
                if learned.check("").is_ok() && rows.check("").is_ok() {
                    // Features may have been left out then: directions go by name.
                    let mut models = models.clone();
                    models.tree.monotone = settings.directions(&learned.features);
                    past.probabilities = expect(&learned, &rows, kind, &models, &how)?;
                    days.push(cutoffs.grid[at]);
                }
            }
            pasts.push(past);
        }
        Ok(level::next(&pasts, a_year, judged).1)
    };
    let against = Judge::Later(&judged, &now.values);
    let Trained { mut model, mut report, judged: probabilities } =
        train(&examples, against, &baselines, &how, &mut level_of)?;
    let probabilities = probabilities.iter().map(|p| shifted(*p, -model.level)).collect();
    pasts.push(Past { probabilities, churned: judged.churned });
    days.push(cutoffs.judged);
    let outcomes = level::outcomes(&pasts, a_year);
    model.horizon_days = settings.horizon_days;
    model.eligible_days = settings.eligible_days;
    model.alive =
        if names.iter().any(|n| n == "p_alive") { features::alive(context.customers)? } else { None };
    if settings.attributes_file.is_some() {
        warnings.push(message!("attributes_of_today"));
    }
    warnings.append(&mut report.warnings);
    warnings.extend(beaten_by_recency(&report));
    report.warnings = warnings;
    // Of today's customers, without a level: it is set by them.
    model.level = 0.0;
    let columns = Columns::of(context.customers, &known_features(&names), attributes, model.alive.as_ref())?
        .encode(&model.features, context.customers.rows())
        .0;
    let today = context.customers.f64s("days_since_last")?;
    let eligible = today.iter().map(|d| *d < f64::from(settings.eligible_days));
    let p =
        model.score(&columns).into_iter().zip(eligible).filter(|p| p.1).map(|p| p.0).collect::<Vec<f64>>();
    let way;
    (way, model.level) = level::next(&pasts, a_year, &p);
    let cutoffs_judged =
        days.into_iter().zip(outcomes).map(|(cutoff, outcome)| JudgedCutoff { cutoff, outcome }).collect();
    let report = Report {
        training_cutoffs: cutoffs.training,
        judged_cutoff: cutoffs.judged,
        cutoffs: cutoffs_judged,
        level: way,
        train: report,
    };
    Ok((model, report))
}

#[cfg(test)]
mod tests {
    use tillwise_mine::churn::metrics::METRICS;

    use super::*;

    #[test]
    fn a_simpler_rule_that_does_better_is_said() {
        let judged = |model: &str, chosen, auc: f64, brier: f64| tillwise_mine::churn::train::Judged {
            model: model.to_owned(),
            chosen,
            values: METRICS
                .iter()
                .map(|m| match *m {
                    "auc" => Some(auc),
                    "brier" => Some(brier),
                    _ => None,
                })
                .collect(),
            intervals: vec![None; METRICS.len()],
        };
        let said = |auc, brier| {
            let judged = vec![judged("tree", true, 0.67, 0.229), judged("recency_only", false, auc, brier)];
            beaten_by_recency(&TrainReport { judged, ..TrainReport::default() })
        };
        let found = said(0.718, 0.215).unwrap();
        let number = |v| Cell::Number(v, 3);
        let values: Vec<&Cell> = found.values.iter().map(|v| &v.1).skip(1).collect();
        assert_eq!(values, [&number(0.718), &number(0.670), &number(0.215), &number(0.229)]);
        assert_eq!((said(0.6, 0.215), said(0.718, 0.24)), (None, None));
    }

    #[test]
    fn label_windows_end_before_the_judged_cutoff() {
        let settings = Settings::default();
        let (first, as_of) = (Day(0), Day(730));
        assert_eq!([30, 60, 90, 180, 365, 250, 1].map(cutoffs_a_year), [12, 6, 4, 2, 1, 0, 365]);
        let c = cutoffs(&settings, first, as_of).unwrap();
        assert_eq!(c.judged, Day(640));
        assert_eq!(c.training, [Day(550), Day(460), Day(370)]);
        assert_eq!(c.earlier, [Day(550), Day(460), Day(370), Day(280), Day(190)]);
        assert_eq!(c.grid.last(), Some(&Day(100)), "the earliest judged cutoff has one to learn from");
        assert!(c.training.iter().all(|t| (*t + settings.horizon_days) <= c.judged));
    }

    #[test]
    fn short_histories_are_told_what_is_needed() {
        let why = cutoffs(&Settings::default(), Day(0), Day(123)).unwrap_err();
        assert!(
            why.contains("at least 271 days") && why.contains("there are 124") && why.contains("41 or less"),
            "{why}"
        );
        assert_eq!(cutoffs(&Settings::default(), Day(0), Day(270)).unwrap().training, [Day(90)]);
    }
}
