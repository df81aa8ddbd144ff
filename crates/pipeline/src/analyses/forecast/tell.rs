//! What is told of forecasts.

use tillwise_mine::forecast::{COMBINED, Coverage, Row, Target};
use tillwise_report::{Cell, Section};

use super::{ErrorOf, Settings};

/// What is expected of the next weeks, with ranges, and how forecasts did at past days.
pub fn tell(settings: &Settings, rows: &[Row], errors: &[ErrorOf], coverage: &[Coverage]) -> Section {
    let mut section = Section::new("forecast");
    let today = |target: Target| {
        rows.iter().rev().find(|r| r.target == target && r.method == COMBINED && r.actual.is_none())
    };
    let days = Cell::Count(f64::from(settings.horizon_days));
    for (key, targets) in [
        ("forecast_all", [Target::AllOrders, Target::AllRevenue]),
        ("forecast_known", [Target::KnownOrders, Target::KnownRevenue]),
    ] {
        let [orders, revenue] = targets.map(today);
        let Some(orders) = orders else { continue };
        let end = |row: Option<&Row>, f: fn((f64, f64)) -> f64| {
            Cell::Count(row.and_then(|r| r.range).map_or(f64::NAN, f))
        };
        section.say(
            key,
            vec![
                ("days", days.clone()),
                ("orders", Cell::Count(orders.expected)),
                ("orders_low", end(Some(orders), |r| r.0)),
                ("orders_high", end(Some(orders), |r| r.1)),
                ("revenue", Cell::Count(revenue.map_or(f64::NAN, |r| r.expected))),
                ("revenue_low", end(revenue, |r| r.0)),
                ("revenue_high", end(revenue, |r| r.1)),
            ],
        );
    }
    let of = |target: Target, method: &str| errors.iter().find(|e| e.target == target && e.method == method);
    for (key, target) in
        [("forecast_orders_judged", Target::KnownOrders), ("forecast_revenue_judged", Target::KnownRevenue)]
    {
        let Some(ours) = of(target, COMBINED) else { continue };
        let mean = |method: &str| Cell::share(of(target, method).map(|e| e.mean_absolute_error));
        section.say(
            key,
            vec![
                ("origins", Cell::count(ours.origins)),
                ("mean", Cell::Share(ours.mean_absolute_error)),
                ("least", Cell::Change(ours.least)),
                ("most", Cell::Change(ours.most)),
                ("model", mean("model")),
                ("last_window", mean("last_window")),
            ],
        );
    }
    if let Some(all) = coverage.iter().find(|c| c.target == Target::KnownOrders && c.group == "all") {
        section.say(
            "forecast_coverage",
            vec![
                ("coverage", Cell::Share(all.covered as f64 / all.customers as f64)),
                ("asked", Cell::Share(settings.coverage)),
            ],
        );
    }
    section.grid(
        ["origin", "target", "expected", "low", "high", "actual", "error"],
        0,
        rows.iter().filter(|r| r.method == COMBINED).map(|r| {
            let (low, high) = r.range.unwrap_or((f64::NAN, f64::NAN));
            [
                Cell::Day(r.origin),
                Cell::word(r.target.name()),
                Cell::Count(r.expected),
                Cell::Count(low),
                Cell::Count(high),
                r.actual.map_or(Cell::Blank, Cell::Count),
                r.actual.filter(|a| *a > 0.0).map_or(Cell::Blank, |a| Cell::Change(r.expected / a - 1.0)),
            ]
        }),
    );
    section
}
