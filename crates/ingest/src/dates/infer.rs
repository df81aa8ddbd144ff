//! The formats that a date may be written in, from the way it looks.

use super::{DateFormat, ERAS, Moment};
use crate::numbers::fold_digits;

/// Days that an order may be of, for a format to be believed: 1900 to 2100. What a sentinel says, such as 9999-12-31, is no
/// evidence.
const FIRST: i32 = -25_567;
const LAST: i32 = 47_847;

/// 1980 to 2070.
const OUR_TIMES: std::ops::Range<i32> = 3_652..36_890;

/// Whether a day is one that an order may be of.
pub fn plausible(moment: &Moment) -> bool {
    (FIRST..=LAST).contains(&moment.day.0)
}

/// A format by its pattern.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub pattern: String,
    pub format: DateFormat,
}

/// Every format that reads a date of this look, the likelier first.
pub fn candidates(example: &str) -> Vec<Candidate> {
    let text = fold_digits(example.trim());
    let mut found = Vec::new();
    let mut add = |pattern: String| {
        if found.iter().any(|c: &Candidate| c.pattern == pattern) {
            return;
        }
        let Ok(format) = DateFormat::new(&pattern) else { return };
        let Some(moment) = format.parse(text.as_bytes()) else { return };
        // A serial of Excel, or seconds, are any number: only those of our times are believed.
        let counted =
            matches!(pattern.as_str(), "excel" | "epoch" | "epoch_ms" | "epoch_us" | "cyyddd" | "%Y%j");
        if !counted || OUR_TIMES.contains(&moment.day.0) {
            found.push(Candidate { pattern, format });
        }
    };
    add("iso".to_owned());
    let is_iso = DateFormat::iso().parse(text.as_bytes()).is_some_and(|m| plausible(&m));
    if is_iso && !text.bytes().all(|b| b.is_ascii_digit()) {
        return found;
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        for pattern in of_digits(text.len()) {
            add((*pattern).to_owned());
        }
        return found;
    }
    if text.bytes().all(|b| b.is_ascii_digit() || b == b'.') && text.matches('.').count() == 1 {
        for pattern in ["excel", "epoch", "epoch_ms"] {
            add(pattern.to_owned());
        }
        return found;
    }
    if text.starts_with("/Date(") {
        add("dotnet".to_owned());
        return found;
    }
    let tokens = tokens(&text);
    for dates in dates_of(&tokens) {
        add(dates);
    }
    found
}

fn of_digits(n: usize) -> &'static [&'static str] {
    match n {
        5 => &["excel"],
        6 => &["%y%m%d", "%d%m%y", "%m%d%y", "cyyddd"],
        7 => &["cyymmdd", "%Y%j", "%d%m%Y", "%m%d%Y"],
        8 => &["%Y%m%d", "%d%m%Y", "%m%d%Y", "jalali %Y%m%d", "buddhist %Y%m%d"],
        10 => &["epoch"],
        12 => &["%Y%m%d%H%M", "%y%m%d%H%M%S", "%d%m%Y%H%M"],
        13 => &["epoch_ms"],
        14 => &["%Y%m%d%H%M%S", "jalali %Y%m%d%H%M%S"],
        16 => &["epoch_us"],
        _ => &[],
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Digits(String),
    Word(String),
    Other(char),
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    for c in text.chars() {
        match (c, tokens.last_mut()) {
            (c, Some(Token::Digits(digits))) if c.is_ascii_digit() => digits.push(c),
            (c, _) if c.is_ascii_digit() => tokens.push(Token::Digits(c.to_string())),
            // Signs of years, months and days stand by themselves.
            ('年' | '月' | '日' | '時' | '分' | '秒' | '년' | '월' | '일', _) => {
                tokens.push(Token::Other(c))
            }
            (c, Some(Token::Word(word))) if c.is_alphabetic() || c == '\u{200c}' => word.push(c),
            (c, _) if c.is_alphabetic() => tokens.push(Token::Word(c.to_string())),
            (c, _) => tokens.push(Token::Other(c)),
        }
    }
    tokens
}

/// Patterns for the tokens: the time is found first, then the orders that the rest can be in are tried.
fn dates_of(tokens: &[Token]) -> Vec<String> {
    let time = find_time(tokens);
    let time_at = time.as_ref().map_or(tokens.len(), |t| t.0);
    let (head, rest) = tokens.split_at(time_at);
    // Korean, Japanese and Chinese exports write the half of the day before the hour.
    let half = time.as_ref().and(head.iter().rposition(is_half_of_day));
    let after_half = half.map_or(&[][..], |at| &head[at + 1..]);
    let half = half.filter(|_| after_half.iter().all(is_blank));
    let head = &head[..half.unwrap_or(head.len())];
    let tail = match &time {
        Some((_, used, pattern)) if half.is_some() => match tail(&rest[*used..]) {
            Some((after, false)) => {
                let blank = if after_half.is_empty() { "" } else { " " };
                format!("%p{blank}{}{after}", pattern.replacen("%H", "%I", 1))
            }
            _ => return Vec::new(),
        },
        Some((_, used, pattern)) => match tail(&rest[*used..]) {
            Some((after, twelve)) => {
                let pattern = if twelve { pattern.replacen("%H", "%I", 1) } else { pattern.clone() };
                format!("{pattern}{after}")
            }
            None => return Vec::new(),
        },
        None => String::new(),
    };
    // What is left is the date: numbers, and perhaps the name of a month, an era, or the number of the week.
    let behind_word = |i: usize, words: &[&str]| match i.checked_sub(1).map(|before| &head[before]) {
        Some(Token::Word(word)) => words.contains(&word.as_str()),
        _ => false,
    };
    let eras: Vec<&str> = ERAS.iter().flat_map(|(sign, letter, _)| [*sign, *letter]).collect();
    let is_first_year = |token: &Token| match token {
        Token::Word(word) => word.strip_suffix('元').is_some_and(|era| eras.contains(&era)),
        _ => false,
    };
    let of_era = |i: usize| i == 1 && behind_word(i, &eras);
    let of_week = |i: usize| behind_word(i, &["W", "KW", "CW"]);
    let has_era = head.len() > 1 && (of_era(1) || is_first_year(&head[0]));
    let numbers: Vec<usize> = (0..head.len())
        .filter(|i| matches!(head[*i], Token::Digits(_)) && !of_era(*i) && !of_week(*i))
        .collect();
    let of_month = |i: &usize| match &head[*i] {
        Token::Word(word) => {
            super::names::month(word, false).is_some() || super::names::month(word, true).is_some()
        }
        _ => false,
    };
    let months: Vec<usize> = (0..head.len()).filter(of_month).collect();
    let orders: &[&[&str]] = match (numbers.len(), months.len()) {
        (3, 0) => &[
            &["%Y", "%m", "%d"],
            &["%d", "%m", "%Y"],
            &["%m", "%d", "%Y"],
            &["%d", "%m", "%y"],
            &["%m", "%d", "%y"],
            &["%y", "%m", "%d"],
            &["%Y", "%d", "%m"],
        ],
        (2, 0) if has_era => &[&["%m", "%d"]],
        (2, 0) => &[&["%Y", "%j"]],
        (2, 1) => &[&["%d", "%Y"], &["%Y", "%d"], &["%d", "%y"], &["%y", "%d"]],
        _ => return Vec::new(),
    };
    let mut patterns = Vec::new();
    for calendar in ["", "jalali ", "buddhist "] {
        for order in orders {
            let fits = numbers.iter().zip(*order).all(|(i, specifier)| match (&head[*i], *specifier) {
                (Token::Digits(d), "%Y") => {
                    // Years of the Solar Hijri calendar are of another time.
                    let year: i32 = d.parse().unwrap_or(0);
                    let wanted = match calendar {
                        "" => 1800..=2442,
                        "jalali " => 1250..=1500,
                        _ => 2443..=2642,
                    };
                    d.len() == 4 && (wanted.contains(&year) || year == 9999)
                }
                (Token::Digits(d), "%j") => d.len() == 3,
                // Two digits of a year of the Solar Hijri calendar cannot be told from others.
                (Token::Digits(d), "%y") => d.len() == 2 && calendar.is_empty(),
                (Token::Digits(d), _) => d.len() <= 2,
                _ => false,
            });
            if !fits {
                continue;
            }
            let mut specifiers = order.iter();
            let mut pattern = calendar.to_owned();
            for (i, token) in head.iter().enumerate() {
                match token {
                    Token::Digits(_) if of_era(i) => {}
                    Token::Digits(_) if of_week(i) => pattern.push_str("%V"),
                    Token::Digits(_) => pattern.push_str(specifiers.next().unwrap_or(&"")),
                    Token::Word(_) if has_era && i == 0 => pattern.push_str("%E"),
                    Token::Word(_) if months.contains(&i) => {
                        pattern.push_str("%b");
                        // The point of a short name belongs to it.
                    }
                    // Before the weekdays, of which `th` and `st` are beginnings.
                    Token::Word(word)
                        if ["st", "nd", "rd", "th"].contains(&word.as_str())
                            && i > 0
                            && matches!(head[i - 1], Token::Digits(_)) =>
                    {
                        pattern.push_str("%o");
                    }
                    Token::Word(word) if super::names::is_weekday(word) => pattern.push_str("%a"),
                    Token::Word(word) => pattern.push_str(word),
                    Token::Other('.') if i > 0 && matches!(head[i - 1], Token::Word(_)) => {}
                    Token::Other(c) => pattern.push(*c),
                }
            }
            patterns.push(format!("{pattern}{tail}"));
        }
    }
    patterns
}

fn is_blank(token: &Token) -> bool {
    matches!(token, Token::Other(c) if c.is_whitespace())
}

fn is_half_of_day(token: &Token) -> bool {
    let Token::Word(word) = token else { return false };
    let mut rest = word.as_bytes();
    super::half_of_day(&mut rest).is_some() && rest.is_empty()
}

/// Where the time begins, how many tokens it has, and its pattern.
fn find_time(tokens: &[Token]) -> Option<(usize, usize, String)> {
    let digits = |i: usize, most: usize| matches!(tokens.get(i), Some(Token::Digits(d)) if d.len() <= most);
    let mark = |i: usize| match tokens.get(i) {
        Some(Token::Other(c)) => Some(*c),
        _ => None,
    };
    for i in 0..tokens.len() {
        // Apache: `03/Jan/2023:11:43:24`, where a colon stands before the hour too.
        let is_hour = digits(i, 2) && mark(i + 1) == Some(':') && digits(i + 2, 2);
        let follows = i > 0
            && (matches!(mark(i - 1), Some(c) if c.is_whitespace() || c == ':')
                || matches!(&tokens[i - 1], Token::Word(w) if w == "T")
                || is_half_of_day(&tokens[i - 1]));
        // Northern and southern exports write `11.43`; only behind a blank it can be told from a date.
        let dotted = digits(i, 2)
            && mark(i + 1) == Some('.')
            && digits(i + 2, 2)
            && i > 4
            && matches!(mark(i - 1), Some(c) if c.is_whitespace());
        if !follows || !(is_hour || dotted) {
            continue;
        }
        let part = if is_hour { ':' } else { '.' };
        let mut pattern = format!("%H{part}%M");
        let mut used = 3;
        if mark(i + used) == Some(part) && digits(i + used + 1, 2) {
            pattern.push(part);
            pattern.push_str("%S");
            used += 2;
            if let (Some(c @ ('.' | ',')), true) = (mark(i + used), digits(i + used + 1, 9)) {
                pattern.push(c);
                pattern.push_str("%f");
                used += 2;
            }
        }
        return Some((i, used, pattern));
    }
    None
}

/// What stands behind a time: half of the day, a zone; and whether hours run to twelve.
fn tail(tokens: &[Token]) -> Option<(String, bool)> {
    let text: String = tokens
        .iter()
        .map(|t| match t {
            Token::Digits(d) | Token::Word(d) => d.clone(),
            Token::Other(c) => c.to_string(),
        })
        .collect();
    let blank = if text.starts_with(char::is_whitespace) { " " } else { "" };
    let rest = text.trim();
    if rest.is_empty() {
        return Some((String::new(), false));
    }
    let mut after = rest.as_bytes();
    if super::half_of_day(&mut after).is_some() {
        let zone = after.trim_ascii();
        if zone.is_empty() {
            return Some((format!("{blank}%p"), true));
        }
        if zone.len() < after.len() && super::zone_offset(zone).is_some() {
            return Some((format!("{blank}%p %z"), true));
        }
    }
    if super::zone_offset(rest.as_bytes()).is_some() {
        return Some((format!("{blank}%z"), false));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(example: &str) -> Vec<String> {
        candidates(example).into_iter().map(|c| c.pattern).collect()
    }

    #[test]
    fn looks_give_formats() {
        for (example, first) in [
            ("2023-01-03 11:43:24", "iso"),
            ("03/01/2023", "%d/%m/%Y"),
            ("13/01/2023 9:05", "%d/%m/%Y %H:%M"),
            ("1/13/2023 11:43:24 AM", "%m/%d/%Y %I:%M:%S %p"),
            ("03.01.2023, 11:43:24", "%d.%m.%Y, %H:%M:%S"),
            ("03/Jan/2023:11:43:24 +0000", "%d/%b/%Y:%H:%M:%S %z"),
            ("Tue, 03 Jan 2023 11:43:24 GMT", "%a, %d %b %Y %H:%M:%S %z"),
            ("Tuesday, 03 January 2023", "%a, %d %b %Y"),
            ("Jan 3, 2023, 8:12:49 AM", "%b %d, %Y, %I:%M:%S %p"),
            ("2023.01.03.", "%Y.%m.%d."),
            ("2023/01/05 08:22:53", "%Y/%m/%d %H:%M:%S"),
            ("2023年1月5日", "%Y年%m月%d日"),
            ("1398/01/01", "jalali %Y/%m/%d"),
            ("۱ فروردین ۱۳۹۸", "jalali %d %b %Y"),
            ("03-JAN-23", "%d-%b-%y"),
            ("1672746204000", "epoch_ms"),
            ("44929.48847", "excel"),
            ("1230103", "cyymmdd"),
            ("230103", "%y%m%d"),
            ("January 3rd, 2023", "%b %d%o, %Y"),
            ("3 de enero de 2023", "%d de %b de %Y"),
            ("令和5年1月11日", "%E年%m月%d日"),
            ("平成元年1月11日", "%E年%m月%d日"),
            ("R5.1.11", "%E.%m.%d"),
            ("15/01/2566", "buddhist %d/%m/%Y"),
            ("2023-01-11 (W02)", "%Y-%m-%d (W%V)"),
            ("2023-01-09 오후 6:55:02", "%Y-%m-%d %p %I:%M:%S"),
            ("2023年1月9日 午後6:55", "%Y年%m月%d日 %p%I:%M"),
            ("2023-060", "%Y-%j"),
            ("2023060", "%Y%j"),
            ("123360", "cyyddd"),
            ("123123", "%m%d%y"),
            ("/Date(1673622079000)/", "dotnet"),
            ("1673437019.25", "epoch"),
            ("9012023", "%d%m%Y"),
            ("1st Mar 2023", "%d%o %b %Y"),
            ("13th Jan 2023", "%d%o %b %Y"),
            ("11-Jan-2023 08:46 AM EST", "%d-%b-%Y %I:%M %p %z"),
            ("Tue Jan 10 2023 19:49:39 GMT+0100 (Central European Standard Time)", "%a %b %d %Y %H:%M:%S %z"),
        ] {
            assert_eq!(
                patterns(example).first().map(String::as_str),
                Some(first),
                "{example}: {:?}",
                patterns(example)
            );
        }
        for not in ["12", "4.50", "192.168.0.1", "SKU-1001", "1/2", "2023-13-45", "Wool Bowl 32", ""] {
            assert!(patterns(not).is_empty(), "{not}: {:?}", patterns(not));
        }
        assert!(patterns("03/04/2023").contains(&"%m/%d/%Y".to_owned()), "both are said");
    }
}
