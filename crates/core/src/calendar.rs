//! Calendars: the Solar Hijri one of Iran beside the Gregorian one, and the day that weeks begin with.
//!
//! The arithmetic is that of ICU4X (`calendrical_calculations`): the 33-year cycle with the known exceptions, which is
//! what the official calendar says of the years 1178 to 3000.

use calendrical_calculations::persian;
use calendrical_calculations::rata_die::RataDie;
use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::Day;

/// Whose months and years are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Months {
    /// January to December.
    #[default]
    Gregorian,
    /// Farvardin to Esfand.
    Jalali,
}

/// The day that weeks begin with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WeekStart {
    /// As ISO 8601 says.
    #[default]
    Monday,
    /// As in Iran.
    Saturday,
    /// As in the United States.
    Sunday,
}

impl Months {
    /// A number that orders and identifies the month of a day: twelve a year.
    pub fn index(self, day: Day) -> i32 {
        match self {
            Months::Gregorian => day.month_index(),
            // Every day that an export may hold has a date.
            Months::Jalali => {
                to_jalali(day.date()).map_or(0, |(year, month, _)| year * 12 + i32::from(month) - 1)
            }
        }
    }

    /// The first day of such a month.
    pub fn start(self, index: i32) -> Day {
        match self {
            Months::Gregorian => Day::month_end(index - 1) + 1,
            Months::Jalali => from_jalali(index.div_euclid(12), index.rem_euclid(12) as u8 + 1, 1)
                .and_then(Day::from_date)
                .unwrap_or(Day::MAX),
        }
    }
}

impl WeekStart {
    /// Days from 1970-01-01, a Thursday, back to the beginning of its week.
    pub fn before_1970(self) -> i32 {
        match self {
            WeekStart::Monday => 3,
            WeekStart::Saturday => 5,
            WeekStart::Sunday => 4,
        }
    }
}

/// The date of a Solar Hijri year (1 to 3000), month (1 to 12) and day; `None` if there is no such day.
///
/// ```
/// use chrono::NaiveDate;
/// use tillwise_core::calendar::from_jalali;
/// assert_eq!(from_jalali(1399, 1, 1), NaiveDate::from_ymd_opt(2020, 3, 20));
/// assert_eq!(from_jalali(1400, 12, 30), None, "1400 was no leap year");
/// ```
pub fn from_jalali(year: i32, month: u8, day: u8) -> Option<NaiveDate> {
    let last = match month {
        1..=6 => 31,
        7..=11 => 30,
        12 if (1..=3000).contains(&year) => 29 + u8::from(persian::is_leap_year(year)),
        _ => return None,
    };
    if !(1..=3000).contains(&year) || !(1..=last).contains(&day) {
        return None;
    }
    let days = persian::fixed_from_fast_persian(year, month, day).to_i64_date();
    NaiveDate::from_num_days_from_ce_opt(i32::try_from(days).ok()?)
}

/// The Solar Hijri year, month and day of a date.
pub fn to_jalali(date: NaiveDate) -> Option<(i32, u8, u8)> {
    persian::fast_persian_from_fixed(RataDie::new(i64::from(date.num_days_from_ce()))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_that_the_official_calendar_names() {
        for (jalali, gregorian) in [
            ((1348, 10, 11), (1970, 1, 1)),
            ((1399, 1, 1), (2020, 3, 20)),
            ((1403, 12, 30), (2025, 3, 20)),
            ((1404, 1, 1), (2025, 3, 21)),
            ((1408, 12, 30), (2030, 3, 20)),
        ] {
            let date = NaiveDate::from_ymd_opt(gregorian.0, gregorian.1, gregorian.2).unwrap();
            assert_eq!(from_jalali(jalali.0, jalali.1, jalali.2), Some(date));
            assert_eq!(to_jalali(date), Some(jalali));
        }
        for not in [(1402, 12, 30), (1402, 13, 1), (1402, 7, 31), (0, 1, 1), (1402, 1, 0)] {
            assert_eq!(from_jalali(not.0, not.1, not.2), None, "{not:?}");
        }
    }
}
