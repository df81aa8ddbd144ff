//! What is told of segments.

use std::collections::BTreeMap;

use tillwise_report::{Cell, Section};

use super::Ways;
use crate::analyses::{Sums, tell_groups};

/// Segments with their customers, who is new, active, lapsing and lost, and how many changed segment.
pub fn tell(
    names: &[&str],
    sums: &BTreeMap<usize, Sums<3>>,
    rhythms: &[Option<&str>],
    compare_days: i32,
    ways: Option<&Ways>,
) -> Section {
    let mut section = Section::new("rfm");
    let groups: Vec<(String, usize, [f64; 3])> = sums
        .iter()
        .map(|(segment, s)| {
            let name = names.get(*segment).copied().unwrap_or_default().to_owned();
            (name, s.customers, [s.sums[2], s.sums[0], s.sums[1]])
        })
        .collect();
    tell_groups(&mut section, "segment", &groups);
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
