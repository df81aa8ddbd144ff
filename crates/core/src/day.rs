//! A calendar day, the only clock the analyses know.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A calendar day, counted from 1970-01-01 (day 0), as Arrow's `date32` counts it.
///
/// ```
/// use tillwise_core::Day;
/// let as_of: Day = "1997-09-30".parse().unwrap();
/// assert_eq!((as_of - 30).to_string(), "1997-08-31");
/// assert_eq!(as_of.since(as_of - 30), 30);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

impl Day {
    /// The earliest day that any input may name, 0001-01-01.
    pub const MIN: Day = Day(-719_162);
    /// The latest day that any input may name, 9999-12-31.
    pub const MAX: Day = Day(2_932_896);

    /// The day of a calendar date, or `None` outside the years 1 to 9999.
    pub fn from_date(date: NaiveDate) -> Option<Day> {
        let day = Day(date.num_days_from_ce() - 719_163);
        (Day::MIN..=Day::MAX).contains(&day).then_some(day)
    }

    /// Microseconds of a day.
    pub const MICROS: i64 = 86_400_000_000;

    /// The day of a moment, in microseconds since 1970-01-01.
    pub fn of_micros(moment: i64) -> Day {
        Day(moment.div_euclid(Day::MICROS) as i32)
    }

    /// The calendar date of this day.
    pub fn date(self) -> NaiveDate {
        NaiveDate::from_num_days_from_ce_opt(self.0.saturating_add(719_163)).unwrap_or(NaiveDate::MAX)
    }

    /// Days from `earlier` to `self`; negative if `earlier` is later.
    pub fn since(self, earlier: Day) -> i32 {
        self.0 - earlier.0
    }

    /// Months since year 0, a number that orders and identifies the calendar month.
    pub fn month_index(self) -> i32 {
        let d = self.date();
        d.year() * 12 + d.month0() as i32
    }

    /// The last day of the calendar month of [`Day::month_index`].
    pub fn month_end(index: i32) -> Day {
        let next = index + 1;
        let first = NaiveDate::from_ymd_opt(next.div_euclid(12), next.rem_euclid(12) as u32 + 1, 1);
        first.and_then(Day::from_date).map_or(Day::MAX, |day| day - 1)
    }

    /// The calendar month of [`Day::month_index`] as `YYYY-MM`.
    pub fn month_name(index: i32) -> String {
        format!("{:04}-{:02}", index.div_euclid(12), index.rem_euclid(12) + 1)
    }
}

impl std::ops::Add<i32> for Day {
    type Output = Day;
    fn add(self, days: i32) -> Day {
        Day(self.0.saturating_add(days))
    }
}

impl std::ops::Sub<i32> for Day {
    type Output = Day;
    fn sub(self, days: i32) -> Day {
        Day(self.0.saturating_sub(days))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.date().format("%Y-%m-%d"))
    }
}

impl FromStr for Day {
    type Err = String;
    fn from_str(text: &str) -> Result<Day, String> {
        NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()
            .and_then(Day::from_date)
            .ok_or_else(|| format!("`{text}` is not a date such as 2011-12-09"))
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Day, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epoch_and_bounds_agree_with_the_calendar() {
        assert_eq!("1970-01-01".parse::<Day>().unwrap(), Day(0));
        assert_eq!(Day::MIN.to_string(), "0001-01-01");
        assert_eq!(Day::MAX.to_string(), "9999-12-31");
        assert_eq!("2000-02-29".parse::<Day>().unwrap().since(Day(0)), 11_016);
    }

    #[test]
    fn months_have_stable_names() {
        let day: Day = "2010-12-31".parse().unwrap();
        assert_eq!(Day::month_name(day.month_index()), "2010-12");
        assert_eq!(Day::month_name((day + 1).month_index()), "2011-01");
    }

    #[test]
    fn a_bad_date_is_quoted_back() {
        assert!("31/12/2010".parse::<Day>().unwrap_err().contains("31/12/2010"));
    }
}
