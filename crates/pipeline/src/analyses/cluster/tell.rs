//! What is told of clusters.

use tillwise_report::{Cell, Section};

use super::Sums;

/// The clusters that have customers.
pub fn tell<'a>(
    present: &[usize],
    sums: &[Sums<5>],
    id: &dyn Fn(usize) -> i32,
    name: &dyn Fn(usize) -> &'a str,
) -> Section {
    let mut section = Section::new("cluster");
    let customers: usize = sums.iter().map(|s| s.customers).sum();
    let revenue: f64 = sums.iter().map(|s| s.sums[0]).sum();
    let of_revenue = |s: &Sums<5>| if revenue > 0.0 { s.sums[0] / revenue } else { f64::NAN };
    section.grid(
        [
            "cluster", "customers", "share", "net_revenue", "of_revenue", "bar", "days_since_last",
            "mean_orders",
        ],
        usize::MAX,
        present.iter().map(|c| {
            let s = &sums[*c];
            [
                Cell::text(format!("{} {}", id(*c), name(*c))),
                Cell::count(s.customers),
                Cell::Share(s.customers as f64 / customers as f64),
                Cell::Count(s.sums[0]),
                Cell::Share(of_revenue(s)),
                Cell::Bar(of_revenue(s)),
                Cell::Number(s.mean(1), 0),
                Cell::Number(s.mean(2), 1),
            ]
        }),
    );
    section
}
