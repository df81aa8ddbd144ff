//! Cohorts: customers by the period of their first order, followed period by period.
//!
//! Periods are of the calendar: weeks from Monday (ISO 8601), Saturday or Sunday, months of the Gregorian or the Solar Hijri calendar, and quarters
//! and years from any month on. Period 0 of a cohort
//! is that of its first orders. Money counts on the day of its order or credit note; a credit note before
//! the first order counts in period 0. What lies after `as_of` is not yet seen, which is not the same as nothing.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tillwise_core::Day;
use tillwise_core::calendar::{Months, WeekStart};

use crate::MineError;
use crate::ledger::Ledger;

/// The length of a cohort's periods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Length {
    /// Seven days.
    Week,
    /// A calendar month.
    #[default]
    Month,
    /// Three months.
    Quarter,
    /// Twelve months.
    Year,
}

impl FromStr for Length {
    type Err = String;
    fn from_str(text: &str) -> Result<Length, String> {
        match text {
            "week" => Ok(Length::Week),
            "month" => Ok(Length::Month),
            "quarter" => Ok(Length::Quarter),
            "year" => Ok(Length::Year),
            _ => Err(format!("`{text}` is not week, month, quarter or year")),
        }
    }
}

/// The calendar that cohorts follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// The length of a period.
    pub length: Length,
    /// The month, 1 to 12, that years and quarters begin with.
    pub fiscal_start: u8,
    /// Whose months they are.
    pub months: Months,
    /// The day that weeks begin with.
    pub week_start: WeekStart,
}

impl Calendar {
    /// Of Gregorian months, and weeks from Monday.
    ///
    /// # Errors
    /// If the month is not within 1 to 12.
    pub fn new(length: Length, fiscal_start: u8) -> Result<Calendar, MineError> {
        if (1..=12).contains(&fiscal_start) {
            let (months, week_start) = (Months::Gregorian, WeekStart::Monday);
            Ok(Calendar { length, fiscal_start, months, week_start })
        } else {
            Err(MineError::parameter("fiscal_start_month", "within 1 to 12", fiscal_start))
        }
    }

    fn months_of_period(self) -> Option<i32> {
        match self.length {
            Length::Week => None,
            Length::Month => Some(1),
            Length::Quarter => Some(3),
            Length::Year => Some(12),
        }
    }

    /// The number of the period that holds a day; the next period has the next number.
    pub fn period(self, day: Day) -> i32 {
        match self.months_of_period() {
            None => (day.0 + self.week_start.before_1970()).div_euclid(7),
            Some(months) => (self.months.index(day) - i32::from(self.fiscal_start - 1)).div_euclid(months),
        }
    }

    /// The first day of a period.
    pub fn start(self, period: i32) -> Day {
        match self.months_of_period() {
            None => Day(period * 7 - self.week_start.before_1970()),
            Some(months) => self.months.start(period * months + i32::from(self.fiscal_start - 1)),
        }
    }
}

/// One cohort in one period.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// The group of its customers.
    pub group: u32,
    /// The number of the period of the first orders: [`Calendar::start`] gives its day.
    pub cohort: i32,
    /// Periods since then.
    pub period: u32,
    /// Customers of the cohort.
    pub customers: usize,
    /// What was seen; `None` for a period that begins after `as_of`.
    pub seen: Option<Seen>,
}

/// What a cohort did in a period.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Seen {
    /// Whether the period was over on the last day.
    pub complete: bool,
    /// Customers with an order.
    pub active: usize,
    /// Their orders.
    pub orders: usize,
    /// Net revenue, in ten-thousandths.
    pub revenue_e4: i128,
    /// Revenue less cost; `None` where a line has no cost.
    pub margin_e4: Option<i128>,
    /// Revenue of this and all periods before.
    pub cumulative_revenue_e4: i128,
    /// Margin of this and all periods before.
    pub cumulative_margin_e4: Option<i128>,
}

/// Cells of a rectangle of cohorts, at most: one row with a date far away would stretch all of them.
pub const MOST_CELLS: usize = 5_000_000;

/// Every cohort of every group, period by period up to that of `as_of`, and unseen ones up to as many as the oldest
/// cohort has: a full rectangle. `groups[customer]` is the customer's group. Sorted by group, cohort and period.
///
/// # Errors
/// If there are more than [`MOST_CELLS`].
pub fn cohorts(
    ledger: &Ledger<'_>,
    groups: &[u32],
    calendar: Calendar,
    as_of: Day,
) -> Result<Vec<Cell>, MineError> {
    let mut first = vec![i32::MAX; ledger.customers];
    let sold = || {
        let orders = ledger.order_customer.iter().zip(ledger.order_day).zip(ledger.order_sales);
        orders.filter(|(_, sales)| **sales > 0).map(|((customer, day), _)| (*customer as usize, *day))
    };
    sold().for_each(|(customer, day)| first[customer] = first[customer].min(day));
    let Some(oldest) = first.iter().filter(|d| **d != i32::MAX).min() else { return Ok(Vec::new()) };
    let (oldest, last) = (calendar.period(Day(*oldest)), calendar.period(as_of));
    let width = (last - oldest + 1).max(1) as usize;

    #[derive(Clone, Copy, Default)]
    struct Sums {
        active: usize,
        orders: usize,
        revenue: i128,
        cost: i128,
        uncosted: i64,
    }
    // Only groups and cohorts that there are, each with the periods that it has seen.
    let key = |customer: usize| -> Option<(u32, i32)> {
        let day = first[customer];
        (day != i32::MAX).then(|| calendar.period(Day(day))).and_then(|c| Some((*groups.get(customer)?, c)))
    };
    let mut sizes: BTreeMap<(u32, i32), usize> = BTreeMap::new();
    (0..ledger.customers).filter_map(key).for_each(|k| *sizes.entry(k).or_default() += 1);
    if sizes.len() * width > MOST_CELLS {
        return Err(MineError::data(
            format!("cohorts make at most {MOST_CELLS} cells"),
            format!(
                "{} cohorts over {width} periods make more; choose a longer period, or check the first and the last day",
                sizes.len()
            ),
        ));
    }
    let mut starts: BTreeMap<(u32, i32), usize> = BTreeMap::new();
    let mut length = 0;
    for (group, cohort) in sizes.keys() {
        starts.insert((*group, *cohort), length);
        length += (last - cohort + 1).max(1) as usize;
    }
    let place_of: Vec<Option<(usize, i32)>> = (0..ledger.customers)
        .map(|customer| key(customer).and_then(|k| Some((*starts.get(&k)?, k.1))))
        .collect();
    let mut sums = vec![Sums::default(); length];
    let place = |customer: usize, day: Day| {
        let (start, cohort) = place_of[customer]?;
        let period = (calendar.period(day) - cohort).clamp(0, (last - cohort).max(0));
        Some(start + period as usize)
    };
    let mut last_seen = (usize::MAX, usize::MAX);
    for (customer, day) in sold() {
        let Some(at) = place(customer, Day(day)) else { continue };
        sums[at].orders += 1;
        // Orders of a customer stand together, by day.
        if last_seen != (customer, at) {
            last_seen = (customer, at);
            sums[at].active += 1;
        }
    }
    for row in 0..ledger.order.len() {
        let Some(at) = place(ledger.customer(row), ledger.day(row)) else { continue };
        sums[at].revenue += i128::from(ledger.net_e4(row));
        sums[at].cost += i128::from(ledger.net_cost_e4(row));
        sums[at].uncosted += i64::from(ledger.uncosted[row]);
    }

    let mut cells = Vec::new();
    for ((group, cohort), size) in &sizes {
        let start = starts.get(&(*group, *cohort)).copied().unwrap_or(0);
        let (mut revenue, mut margin) = (0, Some(0));
        for period in 0..width {
            let number = cohort + period as i32;
            let seen = (number <= last).then(|| {
                let s = sums[start + period];
                let own = (s.uncosted == 0).then(|| s.revenue - s.cost);
                revenue += s.revenue;
                margin = margin.zip(own).map(|(sum, own)| sum + own);
                Seen {
                    complete: calendar.start(number + 1) + -1 <= as_of,
                    active: s.active,
                    orders: s.orders,
                    revenue_e4: s.revenue,
                    margin_e4: own,
                    cumulative_revenue_e4: revenue,
                    cumulative_margin_e4: margin,
                }
            });
            cells.push(Cell {
                group: *group,
                cohort: *cohort,
                period: period as u32,
                customers: *size,
                seen,
            });
        }
    }
    Ok(cells)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{LedgerLine, OwnedLedger};

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn periods_follow_the_calendar() {
        let start = |length, fiscal, of: &str| {
            let calendar = Calendar::new(length, fiscal).unwrap();
            calendar.start(calendar.period(day(of))).to_string()
        };
        assert_eq!(start(Length::Week, 1, "2011-12-11"), "2011-12-05");
        assert_eq!(start(Length::Week, 1, "2011-12-12"), "2011-12-12");
        assert_eq!(start(Length::Month, 4, "2011-12-31"), "2011-12-01");
        assert_eq!(start(Length::Quarter, 1, "2011-12-31"), "2011-10-01");
        assert_eq!(start(Length::Quarter, 2, "2012-01-31"), "2011-11-01");
        assert_eq!(start(Length::Year, 4, "2012-03-31"), "2011-04-01");
        assert_eq!(start(Length::Year, 4, "2012-04-01"), "2012-04-01");
        assert_eq!(start(Length::Year, 1, "1969-06-01"), "1969-01-01");
        assert!(Calendar::new(Length::Year, 13).is_err());
    }

    /// New Year's Days and month lengths of the official calendar of Iran; weeks there begin on Saturday.
    #[test]
    fn periods_follow_other_calendars() {
        let start = |length, week_start, of: &str| {
            let months = Months::Jalali;
            let calendar = Calendar { length, fiscal_start: 1, months, week_start };
            let period = calendar.period(day(of));
            assert_eq!(calendar.period(calendar.start(period)), period);
            assert_eq!(calendar.period(calendar.start(period) - 1), period - 1);
            calendar.start(period).to_string()
        };
        let saturday = WeekStart::Saturday;
        assert_eq!(start(Length::Year, saturday, "2020-03-19"), "2019-03-21");
        assert_eq!(start(Length::Year, saturday, "2020-03-20"), "2020-03-20");
        assert_eq!(start(Length::Month, saturday, "2019-07-22"), "2019-06-22");
        assert_eq!(start(Length::Month, saturday, "2019-07-23"), "2019-07-23");
        assert_eq!(start(Length::Quarter, saturday, "2019-12-31"), "2019-12-22");
        // 2019-07-20 was a Saturday.
        assert_eq!(start(Length::Week, saturday, "2019-07-20"), "2019-07-20");
        assert_eq!(start(Length::Week, saturday, "2019-07-19"), "2019-07-13");
        assert_eq!(start(Length::Week, WeekStart::Sunday, "2019-07-20"), "2019-07-14");
        assert_eq!(start(Length::Week, WeekStart::Monday, "2019-07-20"), "2019-07-15");
    }

    #[test]
    fn the_edge_is_missing_and_the_rest_is_counted() {
        let line = |customer, date: &str, money: i64, cost: Option<i64>| LedgerLine {
            customer,
            day: day(date).0,
            order: day(date).0,
            product: 0,
            units_e4: 1,
            money_e4: money,
            cost_e4: cost,
        };
        let owned = OwnedLedger::from_lines(&[
            line(0, "2023-01-05", 100, Some(60)),
            line(0, "2023-01-20", 50, Some(20)),
            line(0, "2023-03-01", 30, Some(10)),
            line(0, "2023-03-02", -30, Some(-10)),
            line(1, "2023-01-31", 10, Some(4)),
            line(2, "2023-02-10", 7, None),
            // A credit note for something bought before the export begins.
            line(2, "2023-01-01", -5, None),
        ]);
        let calendar = Calendar::new(Length::Month, 1).unwrap();
        let cells = cohorts(&owned.ledger(true), &[0, 0, 0], calendar, day("2023-03-15")).unwrap();
        assert_eq!(cells.len(), 2 * 3);
        let seen = |i: usize| cells[i].seen.unwrap();
        assert_eq!((cells[0].customers, seen(0).active, seen(0).orders), (2, 2, 3));
        assert_eq!((seen(0).revenue_e4, seen(0).margin_e4, seen(0).complete), (160, Some(76), true));
        // February: nothing, but seen. March: an order and its return, the month not over.
        assert_eq!((seen(1).active, seen(1).revenue_e4, seen(1).cumulative_margin_e4), (0, 0, Some(76)));
        assert_eq!((seen(2).active, seen(2).revenue_e4, seen(2).complete), (1, 0, false));
        assert_eq!((seen(3).revenue_e4, seen(3).margin_e4), (2, None));
        assert_eq!(seen(4).cumulative_margin_e4, None);
        assert_eq!(cells[5].seen, None);
    }
}
