//! What is told of churn, the same for shops and for contracts.

use tillwise_core::Day;
use tillwise_mine::churn::level::Way;
use tillwise_mine::churn::metrics::METRICS;
use tillwise_mine::churn::train::Judged;
use tillwise_mine::churn::{Churn, TrainReport};
use tillwise_report::{Cell, Section};

use super::JudgedCutoff;
use super::tables::{Rules, Scores, Targets};

/// How many of the active customers are expected to leave, how the models did, whom an offer is worth, and the rules.
pub fn tell(
    report: &TrainReport,
    cutoff: Option<Day>,
    active: &Scores,
    model: &Churn,
    targets: &Targets<'_>,
    rules: &Rules,
) -> Section {
    let mut section = Section::new("churn");
    section.say(
        "churn_expected",
        vec![
            ("expected", Cell::Count(active.probabilities.iter().sum())),
            ("active", Cell::count(active.probabilities.len())),
            ("days", Cell::Count(f64::from(model.horizon_days))),
        ],
    );
    section.say(
        "churn_targets",
        vec![
            ("customers", Cell::count(targets.chosen.len())),
            ("profit", Cell::Count(targets.chosen.iter().map(|(_, profit)| profit).sum())),
        ],
    );
    judged(&mut section, report, cutoff);
    section.grid(
        ["rule", "probability", "customers", "revenue_365d"],
        0,
        rules.0.iter().map(|r| {
            [
                Cell::text(&r.words),
                Cell::Share(r.probability),
                Cell::Count(r.customers as f64),
                Cell::Count(r.value),
            ]
        }),
    );
    section
}

/// One row for each model that was judged.
pub fn judged(section: &mut Section, report: &TrainReport, cutoff: Option<Day>) {
    match cutoff {
        Some(day) => section.say("churn_judged_at", vec![("day", Cell::Day(day))]),
        None => section.say("churn_judged_in_folds", Vec::new()),
    }
    let measure = |j: &Judged, metric: &str, decimals: usize| {
        let interval =
            METRICS.iter().position(|m| *m == metric).and_then(|m| j.intervals.get(m).copied().flatten());
        let (low, high) = interval.unwrap_or((f64::NAN, f64::NAN));
        Cell::Range { value: j.value(metric).unwrap_or(f64::NAN), low, high, decimals }
    };
    let plain = |j: &Judged, metric: &str, decimals: usize| {
        Cell::Number(j.value(metric).unwrap_or(f64::NAN), decimals)
    };
    section.grid(
        ["model", "chosen", "auc", "average_precision", "brier", "calibration_error", "lift_decile_1"],
        usize::MAX,
        report.judged.iter().map(|j| {
            [
                Cell::word(&j.model),
                if j.chosen { Cell::word("yes") } else { Cell::Blank },
                measure(j, "auc", 3),
                plain(j, "average_precision", 3),
                plain(j, "brier", 3),
                plain(j, "calibration_error", 3),
                plain(j, "lift_decile_1", 2),
            ]
        }),
    );
}

/// How far off the level was at past cutoffs, and what is carried on.
pub fn levels(section: &mut Section, cutoffs: &[JudgedCutoff], now: Way) {
    let n = cutoffs.len();
    if n < 2 {
        return;
    }
    let mean = |error: &dyn Fn(&JudgedCutoff) -> f64| cutoffs.iter().map(error).sum::<f64>() / n as f64;
    section.say(
        "churn_levels",
        vec![
            ("cutoffs", Cell::count(n)),
            ("plain", Cell::Share(mean(&|j| (j.outcome.expected - j.outcome.actual).abs()))),
            ("corrected", Cell::Share(mean(&|j| (j.outcome.corrected - j.outcome.actual).abs()))),
            ("now", Cell::word(format!("level_{}", now.name()))),
        ],
    );
}
