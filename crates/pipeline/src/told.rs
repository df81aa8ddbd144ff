//! What every run tells, whatever its analyses: where the rows went, and what to bear in mind.

use tillwise_core::figures::grouped;
use tillwise_report::{Block, Cell, Message, Section};

use crate::RunRecord;

/// Rows, dates, revenue and customers.
pub fn rows(run: &RunRecord) -> Vec<Section> {
    let q = &run.quality;
    let count = |n: u64| Cell::Count(n as f64);
    let mut section = Section::new("rows");
    section.blocks.push(Block::Figures(vec![
        ("customers", Cell::count(run.customers)),
        ("accepted", count(q.rows_accepted)),
        ("gross_revenue", Cell::Count(q.gross_revenue)),
        ("returned", Cell::Count(q.returns_value)),
    ]));
    section.say(
        "rows_read",
        vec![
            ("read", count(q.rows_read)),
            ("accepted", count(q.rows_accepted)),
            ("rejected", count(q.rows_rejected)),
        ],
    );
    if q.rows_rejected > 0 {
        let reason = |(reason, n): (&String, &u64)| Cell::text(format!("{reason} {}", grouped(*n as f64)));
        section.say(
            "rejected",
            vec![("reasons", Cell::List(q.rejected_by_reason.iter().map(reason).collect()))],
        );
    }
    let repeats = q.repeats_within_file + q.repeats_across_files;
    if repeats > 0 {
        section.say("repeats", vec![("rows", count(repeats))]);
    }
    for warning in &q.warnings {
        section.say("warning", vec![("warning", Cell::from(warning.clone()))]);
    }
    if let (Some(first), Some(last)) = (q.first_date, q.last_date) {
        section.say("dates", vec![("first", Cell::Day(first)), ("last", Cell::Day(last))]);
    }
    let revenue = vec![("gross", Cell::Count(q.gross_revenue)), ("returned", Cell::Count(q.returns_value))];
    section.say("revenue", revenue);
    match (run.customers, run.return_only_customers) {
        (0, _) => {}
        (n, 0) => section.say("customers", vec![("customers", Cell::count(n))]),
        (n, only) => section
            .say("customers_and_returners", vec![("customers", Cell::count(n)), ("only", Cell::count(only))]),
    }
    section.grid(
        ["rows", "count", "share"],
        0,
        [("read", q.rows_read), ("accepted", q.rows_accepted)]
            .into_iter()
            .chain(q.rejected_by_reason.iter().map(|(reason, n)| (reason.as_str(), *n)))
            .map(|(name, n)| [Cell::word(name), count(n), Cell::Share(n as f64 / q.rows_read as f64)]),
    );
    vec![section]
}

/// Adds something to bear in mind.
pub fn note(notes: &mut Section, of: &'static str, note: &Message) {
    notes.say("note", vec![("of", Cell::text(of)), ("note", Cell::from(note.clone()))]);
}

/// Adds that an analysis was not done, and why.
pub fn not_done(notes: &mut Section, how: &'static str, of: &'static str, why: &str) {
    notes.say(how, vec![("of", Cell::text(of)), ("why", Cell::text(why))]);
}
