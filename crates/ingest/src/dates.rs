//! Dates as exports write them.
//!
//! A [`DateFormat`] is ISO 8601, a strftime pattern, a pattern after the name of a calendar (`jalali`, the Solar Hijri
//! calendar of Iran, or `buddhist`, whose years are 543 ahead), or a number: seconds, milliseconds or microseconds since
//! 1970, Excel's days, or a century, year and day as AS/400 and JD Edwards write them. Beside strftime's specifiers, `%E` is a
//! Japanese era and its year (`令和5`, `R5`), and `%o` the ending of an ordinal (`3rd`). Month names are known in the languages of [`names`]. [`infer`] finds the formats that
//! fit given values.

pub mod infer;
mod names;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use tillwise_core::{Day, calendar};

use crate::numbers::fold_digits;

/// A moment as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The day.
    pub day: Day,
    /// Microseconds since 1970-01-01T00:00:00.
    pub micros: i64,
    /// Minutes ahead of UTC, where the text says so.
    pub offset_minutes: Option<i32>,
}

/// A parsed `date_format`.
#[derive(Clone, Debug)]
pub struct DateFormat(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Iso,
    Pattern {
        pieces: Vec<Piece>,
        calendar: Calendar,
        /// How many digits a date has, where it has nothing else: a spreadsheet loses a zero at the front.
        digits: Option<usize>,
    },
    /// Units since 1970, so many a second.
    Epoch(i64),
    /// Milliseconds since 1970, as .NET writes them: `/Date(1673622079000)/`.
    DotNet,
    Excel,
    /// Century, year, month and day: `1230103`.
    CenturyMonth,
    /// Century, year and day of the year: `123003`.
    CenturyDay,
}

/// The calendar that a pattern's numbers are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Calendar {
    Gregorian,
    Jalali,
    Buddhist,
}

/// The words that stand before a pattern of another calendar than the Gregorian.
const CALENDARS: [(&str, Calendar); 2] = [("jalali ", Calendar::Jalali), ("buddhist ", Calendar::Buddhist)];

/// How far years of the Thai calendar are ahead.
const BUDDHIST_AHEAD: i32 = 543;

/// Eras of Japan, by sign and letter, and the year before their first.
pub(crate) const ERAS: [(&str, &str, i32); 5] =
    [("令和", "R", 2018), ("平成", "H", 1988), ("昭和", "S", 1925), ("大正", "T", 1911), ("明治", "M", 1867)];

/// A piece of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Year,
    ShortYear,
    /// A Japanese era and its year.
    Era,
    DayOfYear,
    /// The number of the week, which adds nothing.
    Week,
    Month,
    MonthName,
    Day,
    /// `st`, `nd`, `rd` or `th`.
    Ordinal,
    WeekdayName,
    Hour,
    Hour12,
    HalfOfDay,
    Minute,
    Second,
    Fraction,
    Zone,
    Blank,
    Literal(char),
}

/// The words that a `date_format` may be, beside patterns.
const WORDS: [(&str, Kind); 8] = [
    ("iso", Kind::Iso),
    ("epoch", Kind::Epoch(1)),
    ("epoch_ms", Kind::Epoch(1_000)),
    ("epoch_us", Kind::Epoch(1_000_000)),
    ("excel", Kind::Excel),
    ("cyymmdd", Kind::CenturyMonth),
    ("cyyddd", Kind::CenturyDay),
    ("dotnet", Kind::DotNet),
];

impl DateFormat {
    /// See the module for what it may be.
    ///
    /// # Errors
    /// A sentence, if the pattern has an unknown specifier or does not give a day.
    pub fn new(pattern: &str) -> Result<Self, String> {
        if let Some((_, kind)) = WORDS.iter().find(|(word, _)| pattern.eq_ignore_ascii_case(word)) {
            return Ok(DateFormat(kind.clone()));
        }
        let (calendar, shown) = CALENDARS
            .iter()
            .find_map(|(word, calendar)| Some((*calendar, pattern.strip_prefix(word)?)))
            .unwrap_or((Calendar::Gregorian, pattern));
        let mut pieces = Vec::new();
        let mut chars = shown.chars();
        while let Some(c) = chars.next() {
            match c {
                '%' => match chars.next() {
                    Some(specifier) => pieces.extend(specified(specifier).ok_or_else(|| {
                        format!("`%{specifier}` is not known in a date pattern; `{pattern}` has one")
                    })?),
                    None => return Err(format!("`{pattern}` ends with a `%`")),
                },
                c if c.is_whitespace() => pieces.push(Piece::Blank),
                c => pieces.push(Piece::Literal(c)),
            }
        }
        let has = |any: &[Piece]| pieces.iter().any(|p| any.contains(p));
        let gives_day = has(&[Piece::Year, Piece::ShortYear, Piece::Era])
            && (has(&[Piece::DayOfYear]) || (has(&[Piece::Month, Piece::MonthName]) && has(&[Piece::Day])));
        if !gives_day {
            return Err(format!("`{pattern}` does not give a year, a month and a day"));
        }
        let widths: Option<Vec<usize>> = pieces
            .iter()
            .map(|p| match p {
                Piece::Year => Some(4),
                Piece::DayOfYear => Some(3),
                Piece::ShortYear | Piece::Month | Piece::Day => Some(2),
                _ => None,
            })
            .collect();
        let digits = widths.map(|w| w.iter().sum());
        Ok(DateFormat(Kind::Pattern { pieces, calendar, digits }))
    }

    /// The format of dates such as `2011-12-09 12:50:00`.
    pub fn iso() -> Self {
        DateFormat(Kind::Iso)
    }

    /// Reads a date or a moment; `None` if the text is not one.
    pub fn parse(&self, text: &[u8]) -> Option<Moment> {
        let text = text.trim_ascii();
        if text.is_ascii() {
            // Safe for what follows: ASCII is UTF-8.
            return self.parse_folded(std::str::from_utf8(text).ok()?);
        }
        self.parse_folded(fold_digits(std::str::from_utf8(text).ok()?).trim())
    }

    fn parse_folded(&self, text: &str) -> Option<Moment> {
        match &self.0 {
            Kind::Iso => iso(text.as_bytes()),
            Kind::Pattern { pieces, calendar, digits: Some(n) } if text.len() + 1 == *n => {
                by_pieces(pieces, *calendar, &format!("0{text}"))
            }
            Kind::Pattern { pieces, calendar, .. } => by_pieces(pieces, *calendar, text),
            Kind::Epoch(a_second) => {
                let (ticks, part) = text.split_once('.').unwrap_or((text, "0"));
                let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
                if ticks.is_empty() || part.is_empty() || part.len() > 18 || !digits(ticks) || !digits(part) {
                    return None;
                }
                let tick = 1_000_000 / a_second;
                let part = part.parse::<i64>().ok()? as f64 / 10f64.powi(part.len() as i32);
                let within = (part * tick as f64) as i64;
                let micros = ticks.parse::<i64>().ok()?.checked_mul(tick)?.checked_add(within)?;
                Some(Moment { offset_minutes: Some(0), ..at_micros(micros)? })
            }
            Kind::DotNet => dot_net(text),
            Kind::Excel => excel(text),
            Kind::CenturyDay => {
                let number: i64 = whole(text).filter(|n| (1_001..=999_366).contains(n))?;
                let (year, day) = (1900 + number / 1_000, number % 1_000);
                moment(NaiveDate::from_yo_opt(year as i32, day as u32)?, NaiveTime::MIN)
            }
            Kind::CenturyMonth => {
                // A leading zero may be lost: 991231 is of 1999.
                let number: i64 = whole(text).filter(|n| (10_101..=9_991_231).contains(n))?;
                let (year, month, day) = (1900 + number / 10_000, number / 100 % 100, number % 100);
                moment(NaiveDate::from_ymd_opt(year as i32, month as u32, day as u32)?, NaiveTime::MIN)
            }
        }
    }
}

fn whole(text: &str) -> Option<i64> {
    let whole = text.strip_suffix(".0").unwrap_or(text);
    whole.bytes().all(|b| b.is_ascii_digit()).then(|| whole.parse().ok())?
}

/// `/Date(1673622079000)/`, with or without how far from UTC it was written: the day is the one that was seen there.
fn dot_net(text: &str) -> Option<Moment> {
    let inner = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    let sign = inner.char_indices().skip(1).find(|(_, c)| matches!(c, '+' | '-'));
    let (ticks, zone) = inner.split_at(sign.map_or(inner.len(), |(i, _)| i));
    let offset = if zone.is_empty() { 0 } else { zone_offset(zone.as_bytes())? };
    let there = ticks.parse::<i64>().ok()?.checked_add(i64::from(offset) * 60_000)?;
    Some(Moment { offset_minutes: Some(offset), ..at_micros(there.checked_mul(1_000)?)? })
}

fn at_micros(micros: i64) -> Option<Moment> {
    let at = chrono::DateTime::from_timestamp_micros(micros)?.naive_utc();
    moment(at.date(), at.time())
}

/// Days since 1899-12-30, as Excel counts from March 1900 on.
fn excel(text: &str) -> Option<Moment> {
    let (days, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if days.is_empty() || days.len() > 7 || !digits(days) || !digits(part) {
        return None;
    }
    let days: i64 = days.parse().ok().filter(|d| (61..=2_958_465).contains(d))?;
    let part: f64 = if part.is_empty() { 0.0 } else { format!("0.{part}").parse().ok()? };
    // To the second: a serial of five places is exact to the second, and no more.
    let seconds = (part * 86_400.0).round() as i64;
    let start = NaiveDate::from_ymd_opt(1899, 12, 30)?.and_time(NaiveTime::MIN);
    let at = start.checked_add_signed(TimeDelta::seconds(days * 86_400 + seconds))?;
    moment(at.date(), at.time())
}

fn moment(date: NaiveDate, time: NaiveTime) -> Option<Moment> {
    let day = Day::from_date(date)?;
    let micros = NaiveDateTime::new(date, time).and_utc().timestamp_micros();
    Some(Moment { day, micros, offset_minutes: None })
}

/// What a specifier stands for.
fn specified(specifier: char) -> Option<Vec<Piece>> {
    use Piece::*;
    Some(match specifier {
        'Y' => vec![Year],
        'y' => vec![ShortYear],
        'E' => vec![Era],
        'j' => vec![DayOfYear],
        'V' => vec![Week],
        'm' => vec![Month],
        'b' | 'B' | 'h' => vec![MonthName],
        'd' | 'e' => vec![Day],
        'o' => vec![Ordinal],
        'a' | 'A' => vec![WeekdayName],
        'H' | 'k' => vec![Hour],
        'I' | 'l' => vec![Hour12],
        'p' | 'P' => vec![HalfOfDay],
        'M' => vec![Minute],
        'S' => vec![Second],
        'f' => vec![Fraction],
        'z' | 'Z' => vec![Zone],
        'F' => vec![Year, Literal('-'), Month, Literal('-'), Day],
        'D' => vec![Month, Literal('/'), Day, Literal('/'), ShortYear],
        'T' => vec![Hour, Literal(':'), Minute, Literal(':'), Second],
        'R' => vec![Hour, Literal(':'), Minute],
        '%' => vec![Literal('%')],
        _ => return None,
    })
}

/// Up to `most` digits from the front; all of them if a literal follows, so `3/9/2019` and
/// `03/09/2019` both read.
fn digits(text: &mut &[u8], most: usize) -> Option<u32> {
    let n = text.iter().take(most).take_while(|b| b.is_ascii_digit()).count();
    if n == 0 {
        return None;
    }
    let value = text[..n].iter().fold(0u32, |v, b| v * 10 + u32::from(b - b'0'));
    *text = &text[n..];
    Some(value)
}

/// The letters at the front of a text, and a point behind them.
fn word<'a>(text: &mut &'a [u8]) -> Option<&'a str> {
    let all = std::str::from_utf8(text).ok()?;
    let end = all.find(|c: char| !c.is_alphabetic() && c != '\u{200c}').unwrap_or(all.len());
    let found = &all[..end];
    *text = all[end..].strip_prefix('.').unwrap_or(&all[end..]).as_bytes();
    (!found.is_empty()).then_some(found)
}

/// A Japanese era and its year, the first of which is `元`.
fn era(text: &mut &[u8]) -> Option<i32> {
    for (sign, letter, before) in ERAS {
        let rest = text.strip_prefix(sign.as_bytes()).or_else(|| text.strip_prefix(letter.as_bytes()));
        let Some(mut rest) = rest.map(<[u8]>::trim_ascii_start) else { continue };
        let year = match rest.strip_prefix("元".as_bytes()) {
            Some(behind) => {
                rest = behind;
                1
            }
            None => digits(&mut rest, 2)?,
        };
        *text = rest;
        return Some(before + year as i32);
    }
    None
}

fn by_pieces(pieces: &[Piece], calendar: Calendar, text: &str) -> Option<Moment> {
    let jalali = calendar == Calendar::Jalali;
    let mut day_of_year = None;
    let mut text = text.as_bytes();
    let (mut year, mut month, mut day, mut hour, mut minute, mut second) = (0i32, 0, 0, 0, 0, 0);
    let (mut nanos, mut afternoon, mut offset) = (0, None, None);
    for piece in pieces {
        match piece {
            Piece::Year => year = fixed(&mut text, 4)? as i32,
            Piece::ShortYear => {
                let y = fixed(&mut text, 2)? as i32;
                year = match (calendar, y < 70) {
                    (Calendar::Jalali, true) => 1400 + y,
                    (Calendar::Jalali, false) => 1300 + y,
                    (Calendar::Buddhist, _) => 2500 + y,
                    (Calendar::Gregorian, true) => 2000 + y,
                    (Calendar::Gregorian, false) => 1900 + y,
                };
            }
            Piece::Era => year = era(&mut text)?,
            Piece::DayOfYear => day_of_year = Some(fixed(&mut text, 3)?),
            Piece::Week => drop(digits(&mut text, 2)?),
            Piece::Month => month = digits(&mut text, 2)?,
            Piece::MonthName => month = names::month(word(&mut text)?, jalali)?,
            Piece::Day => day = digits(&mut text, 2)?,
            Piece::Ordinal => {
                let suffix = ["st", "nd", "rd", "th"]
                    .iter()
                    .find(|s| text.len() >= 2 && text[..2].eq_ignore_ascii_case(s.as_bytes()));
                text = &text[suffix.map_or(0, |s| s.len())..];
            }
            Piece::WeekdayName => names::is_weekday(word(&mut text)?).then_some(())?,
            Piece::Hour => hour = digits(&mut text, 2)?,
            Piece::Hour12 => hour = digits(&mut text, 2).filter(|h| (1..=12).contains(h))?,
            Piece::HalfOfDay => afternoon = Some(half_of_day(&mut text)?),
            Piece::Minute => minute = digits(&mut text, 2)?,
            Piece::Second => second = digits(&mut text, 2)?,
            Piece::Fraction => {
                let n = text.iter().take_while(|b| b.is_ascii_digit()).count();
                let places = text[..n].iter().map(|b| u32::from(b - b'0')).chain(std::iter::repeat(0));
                nanos = places.take(9).fold(0, |v, digit| v * 10 + digit);
                text = &text[n..];
                (n > 0).then_some(())?;
            }
            Piece::Zone => {
                offset = Some(zone_offset(text.trim_ascii())?);
                text = &[];
            }
            Piece::Blank => {
                let trimmed = text.trim_ascii_start();
                if trimmed.len() == text.len() {
                    return None;
                }
                text = trimmed;
            }
            Piece::Literal(c) => text = text.strip_prefix(c.encode_utf8(&mut [0; 4]).as_bytes())?,
        }
    }
    if !text.trim_ascii().is_empty() {
        return None;
    }
    if let Some(afternoon) = afternoon {
        hour = hour % 12 + if afternoon { 12 } else { 0 };
    }
    let date = match (calendar, day_of_year) {
        (Calendar::Jalali, _) => {
            calendar::from_jalali(year, u8::try_from(month).ok()?, u8::try_from(day).ok()?)?
        }
        (Calendar::Buddhist, _) => NaiveDate::from_ymd_opt(year - BUDDHIST_AHEAD, month, day)?,
        (Calendar::Gregorian, Some(day)) => NaiveDate::from_yo_opt(year, day)?,
        (Calendar::Gregorian, None) => NaiveDate::from_ymd_opt(year, month, day)?,
    };
    let read = moment(date, NaiveTime::from_hms_nano_opt(hour, minute, second, nanos)?)?;
    Some(Moment { offset_minutes: offset, ..read })
}

/// Whether it is afternoon: `PM`, `p. m.`, and what other languages write.
fn half_of_day(text: &mut &[u8]) -> Option<bool> {
    let all = std::str::from_utf8(text).ok()?;
    for (name, afternoon) in
        [("午前", false), ("午後", true), ("上午", false), ("下午", true), ("오전", false), ("오후", true)]
    {
        if let Some(rest) = all.strip_prefix(name) {
            *text = rest.as_bytes();
            return Some(afternoon);
        }
    }
    for (name, afternoon) in [("ق.ظ", false), ("ب.ظ", true), ("ص", false), ("م", true)] {
        if let Some(rest) = all.strip_prefix(name) {
            *text = rest.strip_prefix('.').unwrap_or(rest).as_bytes();
            return Some(afternoon);
        }
    }
    let mut rest = *text;
    let afternoon = match rest.first()?.to_ascii_lowercase() {
        b'a' => false,
        b'p' => true,
        _ => return None,
    };
    rest = &rest[1..];
    rest = rest.strip_prefix(b".").unwrap_or(rest).trim_ascii_start();
    if !rest.first()?.eq_ignore_ascii_case(&b'm') {
        return None;
    }
    rest = &rest[1..];
    *text = rest.strip_prefix(b".").unwrap_or(rest);
    Some(afternoon)
}

/// Minutes ahead of UTC: `Z`, `UTC`, `+03:30`, `-0500`, `GMT+2`, and the common short names.
pub fn zone_offset(zone: &[u8]) -> Option<i32> {
    let text = std::str::from_utf8(zone).ok()?;
    // As JavaScript writes it: `GMT+0100 (Central European Standard Time)`.
    let text = text.split('(').next()?.trim();
    let numeric = |t: &str| -> Option<i32> {
        let sign = match t.as_bytes().first()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let digits: String = t[1..].chars().filter(|c| *c != ':').collect();
        let number: i32 = digits.parse().ok()?;
        let (hours, minutes) = match digits.len() {
            1 | 2 => (number, 0),
            4 => (number / 100, number % 100),
            _ => return None,
        };
        (hours <= 14 && minutes < 60).then_some(sign * (60 * hours + minutes))
    };
    match text {
        "Z" | "z" | "UTC" | "GMT" | "UT" | "utc" | "gmt" => Some(0),
        "CET" | "MEZ" | "BST" | "WEST" => Some(60),
        "CEST" | "MESZ" | "EET" => Some(120),
        "EEST" | "MSK" => Some(180),
        "EST" => Some(-300),
        "EDT" => Some(-240),
        "CST" => Some(-360),
        "CDT" | "MST" => Some(if text == "CDT" { -300 } else { -420 }),
        "MDT" => Some(-360),
        "PST" => Some(-480),
        "PDT" => Some(-420),
        "JST" | "KST" => Some(540),
        "IRST" => Some(210),
        _ => match text.strip_prefix("UTC").or_else(|| text.strip_prefix("GMT")) {
            Some(rest) => numeric(rest.trim()),
            None => numeric(text),
        },
    }
}

/// ISO 8601: `2011-12-09`, `20111209`, with ` ` or `T`, a time to any precision, and a zone that is
/// not applied.
fn iso(text: &[u8]) -> Option<Moment> {
    let mut rest = text;
    let year = fixed(&mut rest, 4)? as i32;
    let dashed = skip(&mut rest, b'-');
    let month = fixed(&mut rest, 2)?;
    if dashed && !skip(&mut rest, b'-') {
        return None;
    }
    let day = fixed(&mut rest, 2)?;
    let date = NaiveDate::from_ymd_opt(year, month, day)?;
    if rest.is_empty() {
        return moment(date, NaiveTime::MIN);
    }
    if !(skip(&mut rest, b' ') || skip(&mut rest, b'T')) {
        return None;
    }
    let hour = fixed(&mut rest, 2)?;
    let colons = skip(&mut rest, b':');
    let minute = fixed(&mut rest, 2)?;
    let (mut second, mut nanos) = (0, 0);
    if (colons && skip(&mut rest, b':')) || (!colons && rest.first().is_some_and(u8::is_ascii_digit)) {
        second = fixed(&mut rest, 2)?;
        if skip(&mut rest, b'.') || skip(&mut rest, b',') {
            let n = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            if n == 0 {
                return None;
            }
            let places = rest[..n].iter().map(|b| u32::from(b - b'0')).chain(std::iter::repeat(0));
            nanos = places.take(9).fold(0, |v, digit| v * 10 + digit);
            rest = &rest[n..];
        }
    }
    let zone = rest.trim_ascii();
    let offset = if zone.is_empty() { None } else { Some(zone_offset(zone)?) };
    let read = moment(date, NaiveTime::from_hms_nano_opt(hour, minute, second, nanos)?)?;
    Some(Moment { offset_minutes: offset, ..read })
}

fn fixed(text: &mut &[u8], n: usize) -> Option<u32> {
    let before = text.len();
    let value = digits(text, n)?;
    (before - text.len() == n).then_some(value)
}

fn skip(text: &mut &[u8], byte: u8) -> bool {
    match text.strip_prefix(&[byte]) {
        Some(rest) => {
            *text = rest;
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(format: &str, text: &str) -> Option<String> {
        DateFormat::new(format).unwrap().parse(text.as_bytes()).map(|m| {
            chrono::DateTime::from_timestamp_micros(m.micros).unwrap().naive_utc().to_string()
                + &format!(" {}", m.day)
        })
    }

    #[test]
    fn iso_in_its_forms() {
        let at = Some("2011-12-09 12:50:07 2011-12-09".to_owned());
        for text in
            ["2011-12-09 12:50:07", "2011-12-09T12:50:07Z", "20111209T125007", " 2011-12-09T12:50:07+03:30 "]
        {
            assert_eq!(day("iso", text), at, "{text}");
        }
        assert_eq!(day("iso", "19970101").unwrap(), "1997-01-01 00:00:00 1997-01-01");
        assert_eq!(
            day("iso", "2011-12-09 12:50:07.123456789").unwrap(),
            "2011-12-09 12:50:07.123456 2011-12-09"
        );
    }

    #[test]
    fn not_dates() {
        for text in [
            "",
            "2011-13-01",
            "2011-02-30",
            "12/09/2011",
            "2011-12-09 25:00",
            "2011-12-09 12:50:07 x",
            "2011-1-1",
            "20111",
            "0000-01-01",
        ] {
            assert_eq!(day("iso", text), None, "{text}");
        }
        assert_eq!(day("%m/%d/%Y", "3/21/19"), None);
        assert_eq!(day("%m/%d/%Y", "3/21/2019x"), None);
    }

    #[test]
    fn stated_formats() {
        assert_eq!(day("%m/%d/%Y %H:%M", "3/21/2019 0:04").unwrap(), "2019-03-21 00:04:00 2019-03-21");
        assert_eq!(day("%d.%m.%y", "09.12.11").unwrap(), "2011-12-09 00:00:00 2011-12-09");
        assert_eq!(day("%d %b %Y", "09 Dec 2011").unwrap(), "2011-12-09 00:00:00 2011-12-09");
        assert_eq!(
            day("%m/%d/%Y %I:%M %p", "12/09/2011 01:05 PM").unwrap(),
            "2011-12-09 13:05:00 2011-12-09"
        );
        assert_eq!(day("%Y/%m/%d", "۲۰۱۱/۱۲/۰۹").unwrap(), "2011-12-09 00:00:00 2011-12-09");
    }

    #[test]
    fn zones_are_read_and_not_applied() {
        assert_eq!(
            day("%d/%m/%Y %H:%M %z", "09/12/2011 12:50 +0330").unwrap(),
            "2011-12-09 12:50:00 2011-12-09"
        );
        assert_eq!(
            DateFormat::new("%d/%m/%Y %H:%M %z")
                .unwrap()
                .parse(b"09/12/2011 12:50 +0330")
                .unwrap()
                .offset_minutes,
            Some(210)
        );
        assert_eq!(DateFormat::iso().parse(b"2011-12-09T12:50:07-05:00").unwrap().offset_minutes, Some(-300));
        for odd in ["%+", "%s", "%c"] {
            assert!(DateFormat::new(odd).is_err());
        }
    }

    #[test]
    fn patterns_without_a_day_are_refused() {
        assert!(DateFormat::new("%Y-%m").is_err());
        assert!(DateFormat::new("%Q").is_err());
        assert!(DateFormat::new("hello").is_err());
    }

    #[test]
    fn spellings_of_exports() {
        for (format, text, day_is) in [
            ("%d/%b/%Y:%H:%M:%S %z", "03/Jan/2023:11:43:24 +0000", "2023-01-03 11:43:24"),
            ("%d/%m/%Y %I:%M %p", "03/01/2023 11:43 a. m.", "2023-01-03 11:43:00"),
            ("%m/%d/%Y, %I:%M:%S %p", "1/3/2023, 12:43:24 AM", "2023-01-03 00:43:24"),
            ("%d-%b-%y", "03-JAN-23", "2023-01-03 00:00:00"),
            ("%d. %B %Y", "3. März 2023", "2023-03-03 00:00:00"),
            ("%d de %B de %Y", "3 de enero de 2023", "2023-01-03 00:00:00"),
            ("%a, %d %b %Y %H:%M:%S %z", "Tue, 03 Jan 2023 11:43:24 GMT", "2023-01-03 11:43:24"),
            ("%A, %d %B %Y", "Tuesday, 03 January 2023", "2023-01-03 00:00:00"),
            ("%Y年%m月%d日", "2023年1月3日", "2023-01-03 00:00:00"),
            ("%Y.%m.%d.", "2023.01.03.", "2023-01-03 00:00:00"),
            ("%B %d%o, %Y", "January 3rd, 2023", "2023-01-03 00:00:00"),
            ("%Y%m%d%H%M%S", "20230103114324", "2023-01-03 11:43:24"),
            ("epoch", "1672746204", "2023-01-03 11:43:24"),
            ("epoch_ms", "1672746204000", "2023-01-03 11:43:24"),
            ("epoch_us", "1672746204000000", "2023-01-03 11:43:24"),
            ("excel", "44929.48847", "2023-01-03 11:43:24"),
            ("cyymmdd", "1230103", "2023-01-03 00:00:00"),
            ("cyymmdd", "991231", "1999-12-31 00:00:00"),
            ("cyyddd", "123013", "2023-01-13 00:00:00"),
            ("%Y%j", "2023366", ""),
            ("%Y%j", "2024366", "2024-12-31 00:00:00"),
            ("%Y-%j", "2023-060", "2023-03-01 00:00:00"),
            ("epoch", "1672746204.75", "2023-01-03 11:43:24.750"),
            ("dotnet", "/Date(1672746204000)/", "2023-01-03 11:43:24"),
            ("dotnet", "/Date(1672786800000+0100)/", "2023-01-04 00:00:00"),
            ("dotnet", "/Date(-1000)/", "1969-12-31 23:59:59"),
            ("%d%m%Y", "9012023", "2023-01-09 00:00:00"),
            ("%d%m%Y", "19012023", "2023-01-19 00:00:00"),
            ("%E年%m月%d日", "令和5年1月11日", "2023-01-11 00:00:00"),
            ("%E年%m月%d日", "平成元年1月11日", "1989-01-11 00:00:00"),
            ("%E.%m.%d", "R5.1.11", "2023-01-11 00:00:00"),
            ("%E.%m.%d", "X5.1.11", ""),
            ("buddhist %d/%m/%Y", "15/01/2566", "2023-01-15 00:00:00"),
            ("%Y-%m-%d (W%V)", "2023-01-11 (W02)", "2023-01-11 00:00:00"),
            ("%Y-%m-%d %p %I:%M:%S", "2023-01-09 오후 6:55:02", "2023-01-09 18:55:02"),
            ("jalali %Y/%m/%d", "1398/01/01", "2019-03-21 00:00:00"),
            ("jalali %Y-%m-%d %H:%M", "۱۳۹۸-۱-۱ ۱۲:۳۰", "2019-03-21 12:30:00"),
            ("jalali %d %B %Y", "۱ فروردین ۱۳۹۸", "2019-03-21 00:00:00"),
        ] {
            let read = day(format, text).unwrap_or_default();
            assert!(
                read.starts_with(day_is) && read.is_empty() == day_is.is_empty(),
                "{format} {text}: {read}"
            );
        }
    }
}
