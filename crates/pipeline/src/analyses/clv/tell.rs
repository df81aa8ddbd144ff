//! What is told of customer lifetime value.

use tillwise_core::figures::off_by;
use tillwise_mine::clv::{Month, Score, Value};
use tillwise_report::{Cell, Section};

use super::FullReport;

/// What is expected of everyone, what it was judged by, and the months ahead.
pub fn tell(report: &FullReport, scores: &[Score], value: &Value, months: &[Month]) -> Section {
    let mut section = Section::new("clv");
    // Customers without a statement have none.
    let mut values: Vec<f64> = scores.iter().map(|s| s.clv).filter(|v| v.is_finite()).collect();
    values.sort_by(|a, b| b.total_cmp(a));
    let total: f64 = values.iter().sum();
    let top: f64 = values.iter().take(values.len().div_ceil(10)).sum();
    section.say(
        "clv_expected",
        vec![
            ("orders", Cell::Count(scores.iter().map(|s| s.expected_orders).sum())),
            ("clv", Cell::Count(total)),
            ("of", Cell::word(if value.is_revenue() { "revenue" } else { "margin" })),
            ("days", Cell::Count(value.horizon_days)),
            ("top_tenth", Cell::Share(if total > 0.0 { top / total } else { f64::NAN })),
        ],
    );
    if let Some(judged) = &report.judged {
        let (expected, actual) = (judged.judged.expected, judged.judged.actual);
        section.say(
            "clv_judged",
            vec![
                ("day", Cell::Day(judged.calibration_end)),
                ("expected", Cell::Count(expected)),
                ("actual", Cell::Count(actual)),
                ("off", Cell::Change(off_by(expected, actual))),
                ("mae", Cell::Number(judged.judged.mae, 2)),
            ],
        );
    }
    if let Some(fit) = report.fit.fits.first().and_then(|f| f.orders.as_ref()) {
        let values = vec![("model", Cell::text(&fit.model)), ("why", Cell::from(report.chosen.clone()))];
        section.say("clv_model", values);
    }
    section.grid(
        ["month_ahead", "expected_customers", "expected_order_days", "expected_revenue", "expected_value"],
        0,
        months.iter().map(|m| {
            [
                Cell::count(m.month),
                Cell::Count(m.alive),
                Cell::Count(m.orders),
                Cell::Count(m.revenue),
                Cell::Count(m.value),
            ]
        }),
    );
    section
}
