//! What is told of cohorts.

use tillwise_mine::cohort::{Cell as Found, Length};
use tillwise_report::{Cell, Section};

/// How many of a cohort come back, over all cohorts whose period is over.
pub fn tell(cells: &[Found], period: Length) -> Section {
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
    section
}
