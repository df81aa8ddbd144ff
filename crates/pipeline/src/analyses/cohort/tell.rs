//! What is told of cohorts.

use tillwise_mine::cohort::{Calendar, Cell as Found, Length};
use tillwise_report::{Block, Cell, Grid, Section};

/// Periods of the table on the page.
const SHOWN: u32 = 12;

/// How many of a cohort come back, over all cohorts whose period is over, and each cohort for itself.
pub fn tell(cells: &[Found], calendar: Calendar, period: Length) -> Section {
    let mut section = Section::new("cohort");
    let share = |after: u32| {
        let over = || {
            let of_period = cells.iter().filter(|c| c.period == after);
            of_period.filter_map(|c| Some((c, c.seen.filter(|s| s.complete)?)))
        };
        let customers: usize = over().map(|(c, _)| c.customers).sum();
        Cell::Share(over().map(|(_, s)| s.active).sum::<usize>() as f64 / customers as f64)
    };
    let length = match period {
        Length::Week => "week",
        Length::Month => "month",
        Length::Quarter => "quarter",
        Length::Year => "year",
    };
    section.say(
        "cohorts",
        vec![("length", Cell::word(length)), ("next", share(1)), ("third", share(3)), ("sixth", share(6))],
    );
    let mut heads = vec![Cell::word("cohort"), Cell::word("customers")];
    heads.extend((1..=SHOWN).map(|period| Cell::Count(f64::from(period))));
    let row = |cohort: &[Found]| {
        let retention = |after: u32| {
            let seen = cohort.iter().find(|c| c.period == after).and_then(|c| Some((c, c.seen?)));
            seen.map_or(Cell::Blank, |(c, s)| Cell::Share(s.active as f64 / c.customers as f64))
        };
        let mut row = vec![Cell::Day(calendar.start(cohort[0].cohort)), Cell::count(cohort[0].customers)];
        row.extend((1..=SHOWN).map(retention));
        row
    };
    let rows = cells.chunk_by(|a, b| a.cohort == b.cohort).map(row).collect();
    section.blocks.push(Block::Grid(Grid { heads, rows, brief: 0 }));
    section
}
