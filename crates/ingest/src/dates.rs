//! Dates as exports write them.

use std::fmt::Write as _;

use chrono::format::{Item, Parsed, StrftimeItems, parse as chrono_parse};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use tillwise_core::Day;

use crate::numbers::fold_digits;

/// A moment as written, without a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The day.
    pub day: Day,
    /// Microseconds since 1970-01-01T00:00:00.
    pub micros: i64,
}

/// A parsed `date_format`.
#[derive(Clone, Debug)]
pub struct DateFormat(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Iso,
    /// Digits and literals only: read without chrono, in one pass.
    Numeric(Vec<Token>),
    Strftime(Vec<Item<'static>>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Year,
    ShortYear,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Literal(u8),
}

impl DateFormat {
    /// `"iso"` or a strftime pattern.
    ///
    /// # Errors
    /// A sentence, if the pattern has an unknown specifier or does not give a day.
    pub fn new(pattern: &str) -> Result<Self, String> {
        if pattern.eq_ignore_ascii_case("iso") {
            return Ok(DateFormat::iso());
        }
        if let Some(tokens) = numeric(pattern) {
            return Ok(DateFormat(Kind::Numeric(tokens)));
        }
        let items: Vec<Item<'static>> = StrftimeItems::new(pattern).map(Item::to_owned).collect();
        if items.iter().any(|i| matches!(i, Item::Error)) {
            return Err(format!("`{pattern}` is not a strftime pattern"));
        }
        let day = NaiveDate::from_ymd_opt(2011, 12, 9);
        let sample = day.and_then(|d| d.and_hms_opt(13, 5, 7)).map(|s| s.and_utc().fixed_offset());
        let mut written = String::new();
        let format = DateFormat(Kind::Strftime(items.clone()));
        // Writing fails where an item stands for something that a moment does not have.
        let wrote = sample.is_some_and(|s| write!(written, "{}", s.format_with_items(items.iter())).is_ok());
        match format.parse(written.as_bytes()) {
            Some(moment) if wrote && Some(moment.day) == day.and_then(Day::from_date) => Ok(format),
            _ => Err(format!("`{pattern}` does not give a year, a month and a day")),
        }
    }

    /// The format of dates such as `2011-12-09 12:50:00`.
    pub fn iso() -> Self {
        DateFormat(Kind::Iso)
    }

    /// Reads a date or a moment; `None` if the text is not one.
    pub fn parse(&self, text: &[u8]) -> Option<Moment> {
        let text = text.trim_ascii();
        if !text.is_ascii() {
            return self.parse_ascii(&fold_digits(text)?);
        }
        self.parse_ascii(text)
    }

    fn parse_ascii(&self, text: &[u8]) -> Option<Moment> {
        match &self.0 {
            Kind::Iso => iso(text),
            Kind::Numeric(tokens) => by_tokens(tokens, text),
            Kind::Strftime(items) => {
                let text = std::str::from_utf8(text).ok()?;
                let mut parsed = Parsed::new();
                chrono_parse(&mut parsed, text, items.iter()).ok()?;
                let date = parsed.to_naive_date().ok()?;
                moment(date, parsed.to_naive_time().unwrap_or(NaiveTime::MIN))
            }
        }
    }
}

fn moment(date: NaiveDate, time: NaiveTime) -> Option<Moment> {
    let day = Day::from_date(date)?;
    Some(Moment { day, micros: NaiveDateTime::new(date, time).and_utc().timestamp_micros() })
}

/// A pattern made of numeric specifiers and literals, or `None`.
fn numeric(pattern: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut bytes = pattern.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            if !byte.is_ascii() || byte.is_ascii_digit() {
                return None;
            }
            tokens.push(Token::Literal(byte));
            continue;
        }
        match bytes.next()? {
            b'Y' => tokens.push(Token::Year),
            b'y' => tokens.push(Token::ShortYear),
            b'm' => tokens.push(Token::Month),
            b'd' | b'e' => tokens.push(Token::Day),
            b'H' => tokens.push(Token::Hour),
            b'M' => tokens.push(Token::Minute),
            b'S' => tokens.push(Token::Second),
            b'F' => tokens.extend([
                Token::Year,
                Token::Literal(b'-'),
                Token::Month,
                Token::Literal(b'-'),
                Token::Day,
            ]),
            b'T' => tokens.extend([
                Token::Hour,
                Token::Literal(b':'),
                Token::Minute,
                Token::Literal(b':'),
                Token::Second,
            ]),
            _ => return None,
        }
    }
    let has = |t| tokens.contains(&t);
    ((has(Token::Year) || has(Token::ShortYear)) && has(Token::Month) && has(Token::Day)).then_some(tokens)
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

fn by_tokens(tokens: &[Token], mut text: &[u8]) -> Option<Moment> {
    let (mut year, mut month, mut day, mut hour, mut minute, mut second) = (0i32, 0, 0, 0, 0, 0);
    for token in tokens {
        match token {
            Token::Year => {
                let before = text.len();
                year = digits(&mut text, 4)? as i32;
                if before - text.len() != 4 {
                    return None;
                }
            }
            Token::ShortYear => {
                let y = digits(&mut text, 2)? as i32;
                year = if y < 70 { 2000 + y } else { 1900 + y };
            }
            Token::Month => month = digits(&mut text, 2)?,
            Token::Day => day = digits(&mut text, 2)?,
            Token::Hour => hour = digits(&mut text, 2)?,
            Token::Minute => minute = digits(&mut text, 2)?,
            Token::Second => second = digits(&mut text, 2)?,
            Token::Literal(b' ') => {
                let trimmed = text.trim_ascii_start();
                if trimmed.len() == text.len() {
                    return None;
                }
                text = trimmed;
            }
            Token::Literal(b) => text = text.strip_prefix(&[*b])?,
        }
    }
    if !text.is_empty() {
        return None;
    }
    moment(NaiveDate::from_ymd_opt(year, month, day)?, NaiveTime::from_hms_opt(hour, minute, second)?)
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
    let zoned = match zone {
        [] | b"Z" | b"z" | b"UTC" => true,
        [b'+' | b'-', digits @ ..] => {
            matches!(digits.len(), 2 | 4 | 5) && digits.iter().all(|b| b.is_ascii_digit() || *b == b':')
        }
        _ => false,
    };
    if !zoned {
        return None;
    }
    moment(date, NaiveTime::from_hms_nano_opt(hour, minute, second, nanos)?)
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
        for odd in ["%Y-%m-%d %Z", "%+", "%s", "%c"] {
            let _ = DateFormat::new(odd);
        }
    }

    #[test]
    fn patterns_without_a_day_are_refused() {
        assert!(DateFormat::new("%Y-%m").is_err());
        assert!(DateFormat::new("%Q").is_err());
        assert!(DateFormat::new("hello").is_err());
    }
}
