//! What is told of clusters.

use tillwise_report::Section;

use crate::analyses::{Sums, tell_groups};

/// The clusters that have customers.
pub fn tell<'a>(
    present: &[usize],
    sums: &[Sums<5>],
    id: &dyn Fn(usize) -> i32,
    name: &dyn Fn(usize) -> &'a str,
) -> Section {
    let mut section = Section::new("cluster");
    let groups: Vec<(String, usize, [f64; 3])> = present
        .iter()
        .map(|c| {
            let s = &sums[*c];
            (format!("{} {}", id(*c), name(*c)), s.customers, [s.sums[0], s.sums[1], s.sums[2]])
        })
        .collect();
    tell_groups(&mut section, "cluster", &groups);
    section
}
