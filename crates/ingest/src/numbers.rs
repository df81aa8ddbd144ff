//! Decimal numbers as exports write them, read without going through a double.
//!
//! A number may carry a sign before or behind it, parentheses, `CR` and `DR`, a currency's sign or word, Excel's guard
//! `="12"`, and digits of other scripts. What its marks mean is stated once for a file ([`NumberFormat`]); where the
//! marks change within a file, `either` reads each number that can mean one thing only.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use tillwise_core::Money;

/// A decimal number: `mantissa * 10^-decimals`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    /// All digits, with the sign.
    pub mantissa: i64,
    /// Digits after the decimal mark.
    pub decimals: u32,
}

impl Decimal {
    /// Nothing.
    pub const ZERO: Decimal = Decimal { mantissa: 0, decimals: 0 };
    /// One.
    pub const ONE: Decimal = Decimal { mantissa: 1, decimals: 0 };

    /// The value in fixed point, if it is within [`Money::LINE_LIMIT`].
    pub fn money(self) -> Option<Money> {
        within(Money::from_decimal(self.mantissa.into(), self.decimals))
    }

    /// The exact product, rounded once, if it is within [`Money::LINE_LIMIT`].
    pub fn times(self, other: Decimal) -> Option<Money> {
        let product = i128::from(self.mantissa) * i128::from(other.mantissa);
        within(Money::from_decimal(product, self.decimals + other.decimals))
    }

    /// The same number of hundredths.
    pub fn hundredths(self) -> Decimal {
        Decimal { decimals: self.decimals + 2, ..self }
    }

    /// The nearest double.
    pub fn to_f64(self) -> f64 {
        self.mantissa as f64 / 10f64.powi(self.decimals as i32)
    }
}

fn within(value: Option<Money>) -> Option<Money> {
    value.filter(|m| m.0.abs() <= Money::LINE_LIMIT.0)
}

/// How numbers are written in an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberFormat {
    decimal: Mark,
    thousands: Option<Thousands>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Byte(u8),
    /// Point or comma, whichever can be meant.
    Either,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thousands {
    Blank,
    Byte(u8),
}

impl NumberFormat {
    /// The format of numbers that a file holds as numbers, not as text.
    pub fn typed() -> Self {
        NumberFormat { decimal: Mark::Byte(b'.'), thousands: None }
    }

    /// `decimal` and `thousands` as in [`crate::Input`].
    ///
    /// # Errors
    /// A sentence, if the marks are not ASCII, are digits, or are equal.
    pub fn new(decimal: &str, thousands: &str) -> Result<Self, String> {
        let fits = |c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && !"+-()".contains(c);
        let one = |text: &str| {
            let mut chars = text.chars();
            chars.next().filter(|_| chars.next().is_none())
        };
        let decimal = match decimal {
            "either" => Mark::Either,
            mark => match one(mark).filter(|c| fits(*c) && *c != ' ') {
                Some(c) => Mark::Byte(c as u8),
                None => return Err(format!("`{mark}` cannot be a decimal mark")),
            },
        };
        let thousands = match one(thousands) {
            None if thousands.is_empty() => None,
            Some(' ') => Some(Thousands::Blank),
            Some('’') => Some(Thousands::Byte(b'\'')),
            Some(c) if fits(c) && decimal != Mark::Byte(c as u8) => Some(Thousands::Byte(c as u8)),
            _ => {
                return Err(format!(
                    "`{thousands}` cannot be a thousands separator beside that decimal mark"
                ));
            }
        };
        Ok(NumberFormat { decimal, thousands })
    }

    /// Reads a number.
    pub fn parse(&self, text: &[u8]) -> Option<Decimal> {
        Some(self.parse_money(text)?.0)
    }

    /// Reads a number, and the currency that stands beside it, if there is one.
    pub fn parse_money(&self, text: &[u8]) -> Option<(Decimal, Option<&'static str>)> {
        if let Some(plain) = self.digits(text.trim_ascii(), false) {
            return Some((plain, None));
        }
        let bare = Bare::of(text)?;
        Some((self.digits(bare.digits.as_bytes(), bare.negative)?, bare.currency))
    }

    /// Reads a number that a unit may stand behind, such as `3 pcs`.
    pub fn parse_quantity(&self, text: &[u8]) -> Option<Decimal> {
        if let Some(number) = self.parse(text) {
            return Some(number);
        }
        let text = std::str::from_utf8(text).ok()?.trim();
        let end = text
            .rfind(|c: char| c.is_numeric())
            .map(|at| at + text[at..].chars().next().map_or(1, char::len_utf8))?;
        let unit = text[end..].trim().trim_end_matches('.').to_lowercase();
        (!unit.is_empty() && UNITS.contains(&unit.as_str())).then(|| self.parse(&text.as_bytes()[..end]))?
    }

    /// Reads digits, marks and an exponent, with a sign in front.
    fn digits(&self, text: &[u8], negative: bool) -> Option<Decimal> {
        let (negative, text) = match text {
            [b'-', rest @ ..] if !negative => (true, rest),
            rest => (negative, rest),
        };
        let (decimal, thousands) = match self.decimal {
            Mark::Byte(mark) => (mark, self.thousands),
            Mark::Either => self.marks_of(text)?,
        };
        let (mut mantissa, mut decimals, mut seen, mut after) = (0i64, 0u32, false, false);
        let mut at = 0;
        while at < text.len() {
            let byte = text[at];
            at += 1;
            match byte {
                b'0'..=b'9' => {
                    seen = true;
                    let digit = i64::from(byte - b'0');
                    match mantissa.checked_mul(10).and_then(|m| m.checked_add(digit)) {
                        Some(m) => {
                            mantissa = m;
                            decimals += u32::from(after);
                        }
                        // More digits than fit: those after the mark no longer matter.
                        None if after => {}
                        None => return None,
                    }
                }
                b if b == decimal && !after => after = true,
                b'e' | b'E' if seen => {
                    let exponent: i32 = std::str::from_utf8(&text[at..]).ok()?.parse().ok()?;
                    let scale = i32::try_from(decimals).ok()?.checked_sub(exponent)?;
                    if scale >= 0 {
                        decimals = u32::try_from(scale).ok()?.min(38);
                    } else {
                        mantissa = mantissa.checked_mul(10i64.checked_pow(scale.unsigned_abs())?)?;
                        decimals = 0;
                    }
                    break;
                }
                b if !after && seen && separates(thousands, b) && groups(&text[at..]) => {}
                _ => return None,
            }
        }
        seen.then_some(Decimal { mantissa: if negative { -mantissa } else { mantissa }, decimals })
    }

    /// The marks of a number by itself; `None` if they can mean two things.
    fn marks_of(&self, text: &[u8]) -> Option<(u8, Option<Thousands>)> {
        let form = Form::of_digits(text)?;
        let blank =
            form.blanks.then_some(Thousands::Blank).or(form.apostrophes.then_some(Thousands::Byte(b'\'')));
        match form.meaning() {
            Meaning::Whole => Some((b'.', blank)),
            Meaning::Decimal(mark) => {
                let other = if mark == b'.' { b',' } else { b'.' };
                Some((mark, blank.or(Some(Thousands::Byte(other)))))
            }
            Meaning::Groups(mark) => {
                Some((if mark == b'.' { b',' } else { b'.' }, Some(Thousands::Byte(mark))))
            }
            Meaning::Open(mark) => match self.thousands {
                Some(Thousands::Byte(stated)) if stated == mark => {
                    Some((if mark == b'.' { b',' } else { b'.' }, self.thousands))
                }
                _ => None,
            },
        }
    }
}

fn separates(thousands: Option<Thousands>, byte: u8) -> bool {
    match thousands {
        Some(Thousands::Blank) => byte == b' ',
        Some(Thousands::Byte(b)) => byte == b,
        None => false,
    }
}

/// Whether what follows a thousands separator is a group: three digits, or two before another group, as
/// lakhs are written.
fn groups(rest: &[u8]) -> bool {
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    digits == 3 || (digits == 2 && rest.len() > 3)
}

/// A number without what stands around it.
struct Bare<'a> {
    /// Digits, marks and exponent, in ASCII.
    digits: Cow<'a, str>,
    negative: bool,
    currency: Option<&'static str>,
}

impl<'a> Bare<'a> {
    fn of(text: &'a [u8]) -> Option<Bare<'a>> {
        let text = std::str::from_utf8(text).ok()?;
        // Longer texts are no numbers, whatever is in them.
        if text.len() > 64 {
            return None;
        }
        let folded = fold(text);
        let mut text = folded.trim();
        if let Some(inner) = text.strip_prefix("=\"").and_then(|t| t.strip_suffix('"')) {
            text = inner.trim();
        }
        text = text.strip_prefix('\'').unwrap_or(text);
        let (mut negative, mut currency) = (false, None);
        if let Some(inner) = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
            negative = true;
            text = inner.trim();
        }
        let mut signs = 0;
        loop {
            let before = text;
            if let Some(rest) = text.strip_prefix('-').or_else(|| text.strip_suffix('-')) {
                // Behind a currency a dash may close the number, as in `12,- kr`.
                negative = !negative;
                signs += 1;
                text = rest.trim();
            } else if let Some(rest) = text.strip_prefix('+') {
                signs += 1;
                text = rest.trim();
            } else if let Some((rest, found)) = without_currency(text).filter(|_| currency.is_none()) {
                currency = Some(found);
                text = rest;
                // Parentheses may stand inside the sign: `$(12.00)`.
                if let Some(inner) = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
                    (negative, signs) = (true, signs + 1);
                    text = inner.trim();
                }
            } else if let Some(rest) = strip_word(text, "cr") {
                (negative, signs) = (true, signs + 1);
                text = rest;
            } else if let Some(rest) = strip_word(text, "dr") {
                text = rest;
            }
            if text.len() == before.len() {
                break;
            }
        }
        let digits = match text {
            t if t.len() == folded.len() => folded,
            t => Cow::Owned(t.to_owned()),
        };
        (signs <= 1).then_some(Bare { digits, negative, currency })
    }
}

/// A text without a word behind it that stands apart from digits by case or blanks.
fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let at = text.len().checked_sub(word.len()).filter(|at| text.is_char_boundary(*at))?;
    (text[at..].eq_ignore_ascii_case(word) && at > 0).then(|| text[..at].trim_end())
}

/// A text without the currency in front of it or behind it, and the currency's name.
fn without_currency(text: &str) -> Option<(&str, &'static str)> {
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '+' | '(' | ')' | '\'');
    let front = text.find(is_number).unwrap_or(text.len());
    // A point behind letters belongs to them: `Rs.500`, `kr.`
    let front_end = if front > 0 && text[front..].starts_with('.') { front + 1 } else { front };
    for end in [front_end, front] {
        if end > 0
            && let Some(name) = currency(text[..end].trim())
        {
            return Some((text[end..].trim_start(), name));
        }
    }
    let back = text.rfind(|c: char| c.is_ascii_digit() || c == ')').map_or(0, |at| at + 1);
    let tail = text[back..].trim_start_matches([',', '.', '-']);
    let at = text.len() - tail.len();
    if back > 0
        && let Some(name) = currency(tail.trim())
    {
        let rest = text[..at].trim_end();
        // `12,-` is twelve without hundredths.
        return Some((rest.strip_suffix(",-").or_else(|| rest.strip_suffix(".-")).unwrap_or(rest), name));
    }
    None
}

/// The name of a currency by a sign or a word; signs that several currencies share are their own name.
pub fn currency(text: &str) -> Option<&'static str> {
    if text.is_empty() || text.len() > 16 {
        return None;
    }
    // Every cell with a letter beside a digit is looked up.
    static BY_NAME: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
        CURRENCIES.iter().flat_map(|(currency, names)| names.iter().map(move |n| (*n, *currency))).collect()
    });
    let lower = text.to_lowercase();
    BY_NAME.get(lower.as_str()).or_else(|| BY_NAME.get(lower.trim_end_matches('.'))).copied()
}

/// Currencies, each with what exports call it.
const CURRENCIES: &[(&str, &[&str])] = &[
    ("USD", &["$", "us$", "usd", "u.s.$", "dollar", "dollars"]),
    ("EUR", &["€", "eur", "euro", "euros"]),
    ("GBP", &["£", "gbp", "£ stg"]),
    ("JPY", &["円", "jpy", "jp¥", "￥"]),
    ("CNY", &["元", "cny", "rmb", "cn¥", "人民币"]),
    ("¥", &["¥"]),
    ("kr", &["kr"]),
    ("SEK", &["sek", "skr"]),
    ("NOK", &["nok", "nkr"]),
    ("DKK", &["dkk", "dkr"]),
    ("ISK", &["isk"]),
    ("PLN", &["zł", "zl", "pln"]),
    ("BRL", &["r$", "brl"]),
    ("IDR", &["rp", "idr"]),
    ("INR", &["₹", "rs", "inr"]),
    ("PKR", &["₨", "pkr"]),
    ("NGN", &["₦", "ngn"]),
    ("RUB", &["₽", "руб", "р", "rub"]),
    ("TRY", &["₺", "tl", "try"]),
    ("KRW", &["₩", "원", "krw"]),
    ("VND", &["₫", "đ", "vnd"]),
    ("THB", &["฿", "บาท", "thb"]),
    ("UAH", &["₴", "грн", "uah"]),
    ("ILS", &["₪", "ils", "nis"]),
    ("CZK", &["kč", "czk"]),
    ("HUF", &["ft", "huf"]),
    ("RON", &["lei", "ron"]),
    ("BGN", &["лв", "bgn"]),
    ("CHF", &["chf", "fr", "sfr"]),
    ("AUD", &["a$", "au$", "aud"]),
    ("CAD", &["c$", "ca$", "cad"]),
    ("NZD", &["nz$", "nzd"]),
    ("HKD", &["hk$", "hkd"]),
    ("SGD", &["s$", "sgd"]),
    ("TWD", &["nt$", "twd"]),
    ("MXN", &["mx$", "mxn"]),
    ("ARS", &["ar$", "ars"]),
    ("CLP", &["clp", "clp$"]),
    ("COP", &["cop", "col$"]),
    ("PEN", &["s/", "pen"]),
    ("PHP", &["₱", "php"]),
    ("MYR", &["rm", "myr"]),
    ("ZAR", &["r", "zar"]),
    ("KES", &["ksh", "kes"]),
    ("GHS", &["₵", "gh₵", "ghs"]),
    ("EGP", &["e£", "ج.م", "egp"]),
    ("SAR", &["ر.س", "sar", "sr"]),
    ("AED", &["د.إ", "aed", "dhs"]),
    ("QAR", &["ر.ق", "qar"]),
    ("KWD", &["د.ك", "kwd"]),
    ("IQD", &["د.ع", "iqd"]),
    ("MAD", &["د.م", "mad"]),
    ("KZT", &["₸", "kzt"]),
    ("GEL", &["₾", "gel"]),
    ("BDT", &["৳", "bdt"]),
    ("rial", &["﷼", "ریال", "ريال", "rial", "rials", "irr"]),
    ("toman", &["تومان", "تومن", "toman", "tomans", "irt"]),
    ("BTC", &["₿", "btc"]),
];

/// Units that stand behind quantities.
const UNITS: &[&str] = &[
    "pc", "pcs", "piece", "pieces", "unit", "units", "ea", "each", "x", "st", "stk", "stck", "stück",
    "stuks", "szt", "ks", "db", "adet", "ud", "uds", "un", "und", "pz", "kpl", "шт", "個", "件", "点", "개",
    "عدد", "kg", "g", "lb", "lbs", "oz", "l", "ml", "m", "cm", "box", "boxes", "pack", "packs", "pk", "set",
    "sets", "pair", "pairs", "dz", "doz",
];

/// Text with other scripts' digits and marks turned into ASCII, and without marks of direction.
fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let folded = text
        .chars()
        .filter_map(|c| {
            Some(match c {
                // The decimal mark of Persian and Arabic numbers is a mark of its own, so it needs no setting.
                '\u{066B}' => '٫',
                '\u{066C}' => return None,
                '\u{2212}' | '\u{2012}' | '\u{2013}' | '\u{FE63}' | '\u{FF0D}' => '-',
                '\u{2018}' | '\u{2019}' | '\u{02BC}' => '\'',
                c => return western(c),
            })
        })
        .collect::<String>();
    if !folded.contains('٫') {
        return Cow::Owned(folded);
    }
    // Beside such a mark any point or comma parts thousands.
    Cow::Owned(folded.replace([',', '.'], "").replace('٫', "."))
}

/// An ASCII digit for a digit of another script.
pub fn digit(c: char) -> Option<char> {
    let zero = match c {
        '\u{0660}'..='\u{0669}' => 0x0660,
        '\u{06F0}'..='\u{06F9}' => 0x06F0,
        '\u{0966}'..='\u{096F}' => 0x0966,
        '\u{09E6}'..='\u{09EF}' => 0x09E6,
        '\u{0E50}'..='\u{0E59}' => 0x0E50,
        '\u{FF10}'..='\u{FF19}' => 0xFF10,
        _ => return None,
    };
    char::from_digit(c as u32 - zero, 10)
}

/// A blank that is not ASCII's.
pub fn is_blank(c: char) -> bool {
    matches!(c, '\u{00A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}')
}

/// A character that only says in which direction a text runs, or nothing at all.
pub fn is_mark_of_direction(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

/// Text with digits of other scripts turned into ASCII, for dates.
pub fn fold_digits(text: &str) -> String {
    text.chars().filter_map(western).collect()
}

/// A character as ASCII has it, where it is a blank or a digit; `None` for marks of direction.
fn western(c: char) -> Option<char> {
    match c {
        c if is_blank(c) => Some(' '),
        c if is_mark_of_direction(c) => None,
        c => Some(digit(c).unwrap_or(c)),
    }
}

/// How the marks of one number stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Form {
    commas: u32,
    points: u32,
    /// The last of them.
    last: u8,
    /// Digits behind the last mark, and before the first.
    behind: u32,
    before: u32,
    /// Whether the digits begin with a zero that others follow.
    zero: bool,
    /// Whether blanks or apostrophes part groups of three.
    pub blanks: bool,
    pub apostrophes: bool,
    /// Digits in all.
    digits: u32,
    /// Whether a group between two marks has not three digits (or two, as lakhs are written).
    uneven: bool,
}

/// What the marks of one number must mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// There are none.
    Whole,
    /// The last of them is a decimal mark.
    Decimal(u8),
    /// They part thousands.
    Groups(u8),
    /// One mark before three digits: either.
    Open(u8),
}

impl Form {
    /// The form of a number with whatever stands around it; `None` if it is no number. Also the currency beside it.
    pub fn of(text: &[u8]) -> Option<(Form, Option<&'static str>)> {
        if let Some(form) = Form::of_digits(text.trim_ascii()) {
            return Some((form, None));
        }
        let bare = Bare::of(text)?;
        Some((Form::of_digits(bare.digits.as_bytes())?, bare.currency))
    }

    fn of_digits(text: &[u8]) -> Option<Form> {
        let text = text.strip_prefix(b"-").unwrap_or(text);
        let mut form = Form::default();
        let mut run = 0;
        for (i, byte) in text.iter().enumerate() {
            match byte {
                b'0'..=b'9' => {
                    run += 1;
                    form.digits += 1;
                    continue;
                }
                b',' => form.commas += 1,
                b'.' => form.points += 1,
                b' ' if run > 0 && groups(&text[i + 1..]) => form.blanks = true,
                b'\'' if run > 0 && groups(&text[i + 1..]) => form.apostrophes = true,
                b'e' | b'E' if form.digits > 0 => {
                    let exponent = std::str::from_utf8(&text[i + 1..]).ok()?;
                    exponent.parse::<i32>().ok()?;
                    break;
                }
                _ => return None,
            }
            if matches!(byte, b',' | b'.') {
                if form.commas + form.points == 1 {
                    form.before = run;
                    form.zero = run == 1 && text[i - 1] == b'0';
                } else {
                    form.uneven |= !matches!(run, 2 | 3);
                }
                form.last = *byte;
            }
            run = 0;
        }
        form.behind = run;
        let only_groups = form.commas + form.points > 1 && (form.commas == 0 || form.points == 0);
        let even = !(form.uneven || only_groups && run != 3) && form.before <= 3;
        // A mark that stands once can be a decimal one whatever is around it.
        let sound = form.commas + form.points < 2 || even;
        let once = form.commas.min(form.points) <= 1;
        (form.digits > 0 && sound && once).then_some(form)
    }

    /// What the marks must mean.
    pub fn meaning(&self) -> Meaning {
        match (self.commas, self.points) {
            (0, 0) => Meaning::Whole,
            (1.., 1..) => Meaning::Decimal(self.last),
            (n, m) if n + m > 1 => Meaning::Groups(self.last),
            _ if self.behind != 3 || self.before == 0 || self.before > 3 || self.zero => {
                Meaning::Decimal(self.last)
            }
            _ if self.blanks || self.apostrophes => Meaning::Decimal(self.last),
            _ => Meaning::Open(self.last),
        }
    }

    /// Whether both a point and a comma are in it.
    pub fn has_both(&self) -> bool {
        self.commas > 0 && self.points > 0
    }

    /// Digits of a number without marks.
    pub fn whole_digits(&self) -> u32 {
        self.digits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Option<(i64, u32)> {
        parse(".", ",", text)
    }

    fn parse(decimal: &str, thousands: &str, text: &str) -> Option<(i64, u32)> {
        NumberFormat::new(decimal, thousands)
            .unwrap()
            .parse(text.as_bytes())
            .map(|d| (d.mantissa, d.decimals))
    }

    #[test]
    fn reads_what_exports_write() {
        assert_eq!(plain("6.95"), Some((695, 2)));
        assert_eq!(plain(" -12 "), Some((-12, 0)));
        assert_eq!(plain("1,234,567.50"), Some((123_456_750, 2)));
        assert_eq!(plain("12,34,567"), Some((1_234_567, 0)));
        assert_eq!(plain("$1,234.00"), Some((123_400, 2)));
        assert_eq!(plain("£2.55"), Some((255, 2)));
        assert_eq!(plain("(12.00)"), Some((-1200, 2)));
        assert_eq!(plain("12.5-"), Some((-125, 1)));
        assert_eq!(plain("1e-3"), Some((1, 3)));
        assert_eq!(plain("2.5E3"), Some((2500, 0)));
        assert_eq!(parse(",", ".", "1.234,5"), Some((12345, 1)));
        assert_eq!(parse(",", " ", "1\u{a0}234,5"), Some((12345, 1)));
        assert_eq!(plain("۱۲۳٫۵"), Some((1235, 1)));
        assert_eq!(plain(".5"), Some((5, 1)));
    }

    #[test]
    fn refuses_what_is_not_a_number() {
        for text in [
            "",
            "-",
            ".",
            "abc",
            "1.2.3",
            "1-2",
            "--5",
            "12a",
            "1e",
            "nan",
            "1,5,",
            "99999999999999999999",
            "12,50",
            "1,5",
            "1,2345",
        ] {
            assert_eq!(plain(text), None, "{text}");
        }
        assert_eq!(parse(".", "", "1,234"), None, "no separator was configured");
    }

    #[test]
    fn products_are_exact() {
        let price = Decimal { mantissa: 1, decimals: 3 };
        let quantity = Decimal { mantissa: 7, decimals: 0 };
        assert_eq!(quantity.times(price), Some(Money(70)));
        assert_eq!(Decimal { mantissa: i64::MAX, decimals: 0 }.times(Decimal::ONE), None);
    }

    #[test]
    fn signs_and_words_around_a_number() {
        for (text, value, name) in [
            ("R$ 1,720.00", 172_000, Some("BRL")),
            ("1,720.00 kr", 172_000, Some("kr")),
            ("1,720.00 zł", 172_000, Some("PLN")),
            ("₦1,720.00", 172_000, Some("NGN")),
            ("US$1,720.00", 172_000, Some("USD")),
            ("USD 12.00", 1200, Some("USD")),
            ("-$12.00", -1200, Some("USD")),
            ("$-12.00", -1200, Some("USD")),
            ("$(12.00)", -1200, Some("USD")),
            ("($12.00)", -1200, Some("USD")),
            ("Rs.500.00", 50_000, Some("INR")),
            ("12.00 DR", 1200, None),
            ("12.00 CR", -1200, None),
            ("=\"12.00\"", 1200, None),
            ("−12.00", -1200, None),
            ("'12.00", 1200, None),
        ] {
            let read = NumberFormat::new(".", ",").unwrap().parse_money(text.as_bytes());
            assert_eq!(read, Some((Decimal { mantissa: value, decimals: 2 }, name)), "{text}");
        }
        assert_eq!(plain("27,188 تومان"), Some((27188, 0)));
        assert_eq!(plain("۸۲۷٬۳۷۰"), Some((827_370, 0)));
        assert_eq!(parse(".", "'", "1’720.00"), Some((172_000, 2)));
        assert_eq!(parse(",", " ", "1\u{202f}720,00"), Some((172_000, 2)));
        assert_eq!(parse(",", ".", "12,- kr").map(|d| d.0), Some(12));
        for not in ["12 apples", "USD", "12 %", "#####", "-", "n/a", "EUR 12 EUR"] {
            assert_eq!(plain(not), None, "{not}");
        }
    }

    #[test]
    fn either_mark_where_it_can_mean_one_thing_only() {
        let either = |text: &str| parse("either", "", text);
        assert_eq!(either("114.18"), Some((11418, 2)));
        assert_eq!(either("114,18"), Some((11418, 2)));
        assert_eq!(either("1.234,50"), Some((123_450, 2)));
        assert_eq!(either("1,234.50"), Some((123_450, 2)));
        assert_eq!(either("1,234,567"), Some((1_234_567, 0)));
        assert_eq!(either("0,125"), Some((125, 3)));
        assert_eq!(either("1,234"), None, "a thousand, or one and a bit");
        assert_eq!(either("1234"), Some((1234, 0)));
    }

    #[test]
    fn quantities_with_units() {
        let quantity = |text: &str| {
            NumberFormat::new(".", "").unwrap().parse_quantity(text.as_bytes()).map(|d| d.mantissa)
        };
        assert_eq!(
            (quantity("3 pcs"), quantity("2Stk."), quantity("5 個"), quantity("4")),
            (Some(3), Some(2), Some(5), Some(4))
        );
        assert_eq!((quantity("3 apples"), quantity("pcs")), (None, None));
    }
}
