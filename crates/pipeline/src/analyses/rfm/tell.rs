//! What is told of segments.

use std::collections::BTreeMap;

use tillwise_report::{Cell, Section};

use super::{Sums, Ways};

/// Segments with their customers, who is new, active, lapsing and lost, and how many changed segment.
pub fn tell(
    names: &[&str],
    sums: &BTreeMap<usize, Sums<3>>,
    rhythms: &[Option<&str>],
    compare_days: i32,
    ways: Option<&Ways>,
) -> Section {
    let mut section = Section::new("rfm");
    let customers: usize = sums.values().map(|s| s.customers).sum();
    let revenue: f64 = sums.values().map(|s| s.sums[2]).sum();
    let of_revenue = |s: &Sums<3>| if revenue > 0.0 { s.sums[2] / revenue } else { f64::NAN };
    section.grid(
        [
            "segment", "customers", "share", "net_revenue", "of_revenue", "bar", "days_since_last",
            "mean_orders",
        ],
        usize::MAX,
        sums.iter().map(|(segment, s)| {
            [
                Cell::text(names.get(*segment).copied().unwrap_or_default()),
                Cell::count(s.customers),
                Cell::Share(s.customers as f64 / customers as f64),
                Cell::Count(s.sums[2]),
                Cell::Share(of_revenue(s)),
                Cell::Bar(of_revenue(s)),
                Cell::Number(s.mean(0), 0),
                Cell::Number(s.mean(1), 1),
            ]
        }),
    );
    let with = |rhythm: &str| Cell::count(rhythms.iter().filter(|r| **r == Some(rhythm)).count());
    let values = ["active", "new", "lapsing", "lost"].map(|rhythm| (rhythm, with(rhythm)));
    section.say("rhythm", values.to_vec());
    if let Some(ways) = ways {
        let count = |keep: &dyn Fn(Option<usize>, usize) -> bool| {
            Cell::count(
                ways.iter().filter(|((then, now), _)| keep(*then, *now)).map(|(_, s)| s.customers).sum(),
            )
        };
        section.say(
            "segments_moved",
            vec![
                ("days", Cell::Count(f64::from(compare_days))),
                ("moved", count(&|then, now| then.is_some_and(|then| then != now))),
                ("new", count(&|then, _| then.is_none())),
            ],
        );
    }
    section
}
