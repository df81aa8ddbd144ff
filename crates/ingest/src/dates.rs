//! Dates as exports write them.
//!
//! A [`DateFormat`] is ISO 8601, a strftime pattern, a pattern after the word `jalali` (the Solar Hijri calendar of
//! Iran), or a number: seconds, milliseconds or microseconds since 1970, Excel's days, or a century, year, month and
//! day as AS/400 writes them. Month names are known in the languages of [`names`]. [`infer`] finds the formats that
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
        jalali: bool,
    },
    /// Units since 1970, so many a second.
    Epoch(i64),
    Excel,
    Century,
}

/// A piece of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Year,
    ShortYear,
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
const WORDS: [(&str, Kind); 6] = [
    ("iso", Kind::Iso),
    ("epoch", Kind::Epoch(1)),
    ("epoch_ms", Kind::Epoch(1_000)),
    ("epoch_us", Kind::Epoch(1_000_000)),
    ("excel", Kind::Excel),
    ("cyymmdd", Kind::Century),
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
        let (jalali, shown) = match pattern.strip_prefix("jalali ") {
            Some(rest) => (true, rest),
            None => (false, pattern),
        };
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
        let gives_day = has(&[Piece::Year, Piece::ShortYear])
            && has(&[Piece::Month, Piece::MonthName])
            && has(&[Piece::Day]);
        if !gives_day {
            return Err(format!("`{pattern}` does not give a year, a month and a day"));
        }
        Ok(DateFormat(Kind::Pattern { pieces, jalali }))
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
            Kind::Pattern { pieces, jalali } => by_pieces(pieces, *jalali, text),
            Kind::Epoch(a_second) => {
                let ticks: i64 = whole(text)?;
                let micros = ticks.checked_mul(1_000_000 / a_second)?;
                Some(Moment { offset_minutes: Some(0), ..at_micros(micros)? })
            }
            Kind::Excel => excel(text),
            Kind::Century => {
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

fn by_pieces(pieces: &[Piece], jalali: bool, text: &str) -> Option<Moment> {
    let mut text = text.as_bytes();
    let (mut year, mut month, mut day, mut hour, mut minute, mut second) = (0i32, 0, 0, 0, 0, 0);
    let (mut nanos, mut afternoon, mut offset) = (0, None, None);
    for piece in pieces {
        match piece {
            Piece::Year => year = fixed(&mut text, 4)? as i32,
            Piece::ShortYear => {
                let y = fixed(&mut text, 2)? as i32;
                year = match (jalali, y < 70) {
                    (true, true) => 1400 + y,
                    (true, false) => 1300 + y,
                    (false, true) => 2000 + y,
                    (false, false) => 1900 + y,
                };
            }
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
    let date = if jalali {
        calendar::from_jalali(year, u8::try_from(month).ok()?, u8::try_from(day).ok()?)?
    } else {
        NaiveDate::from_ymd_opt(year, month, day)?
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
            *text = rest.trim_start().as_bytes();
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
            ("jalali %Y/%m/%d", "1398/01/01", "2019-03-21 00:00:00"),
            ("jalali %Y-%m-%d %H:%M", "۱۳۹۸-۱-۱ ۱۲:۳۰", "2019-03-21 12:30:00"),
            ("jalali %d %B %Y", "۱ فروردین ۱۳۹۸", "2019-03-21 00:00:00"),
        ] {
            let read = day(format, text).unwrap_or_default();
            assert!(read.starts_with(day_is), "{format} {text}: {read}");
        }
    }
}
