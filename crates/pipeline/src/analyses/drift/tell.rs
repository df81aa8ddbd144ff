//! What is told of drift.

use tillwise_core::Day;
use tillwise_report::{Cell, Section};

use super::Row;

/// Which columns moved, and how far.
pub fn tell(rows: &[Row], reference: Option<Day>, rate: f64) -> Section {
    let mut section = Section::new("drift");
    let alarms = rows.iter().filter(|r| r.alarm).count();
    let largest = rows.iter().max_by(|a, b| a.shift.distance.total_cmp(&b.shift.distance));
    let Some(largest) = largest else { return section };
    section.say(
        if alarms > 0 { "drift_alarm" } else { "drift_none" },
        vec![
            ("alarms", Cell::count(alarms)),
            ("columns", Cell::count(rows.len())),
            ("day", reference.map_or(Cell::Blank, Cell::Day)),
            ("column", Cell::text(&largest.column)),
            ("distance", Cell::Share(largest.shift.distance)),
            ("rate", Cell::Share(rate)),
        ],
    );
    section.grid(
        ["column", "psi", "psi_unchanged", "p_adjusted", "distance", "alarm"],
        0,
        rows.iter().map(|r| {
            [
                Cell::text(&r.column),
                Cell::Number(r.shift.psi, 4),
                Cell::Number(r.shift.psi_unchanged, 4),
                Cell::Number(r.p_adjusted, 4),
                Cell::Share(r.shift.distance),
                if r.alarm { Cell::word("alarm") } else { Cell::Blank },
            ]
        }),
    );
    section
}
