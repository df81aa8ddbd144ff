//! Decimal numbers as exports write them, read without going through a double.

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
}

fn within(value: Option<Money>) -> Option<Money> {
    value.filter(|m| m.0.abs() <= Money::LINE_LIMIT.0)
}

/// How numbers are written in an export.
#[derive(Clone, Debug)]
pub struct NumberFormat {
    decimal: u8,
    thousands: Option<Thousands>,
}

#[derive(Clone, Copy, Debug)]
enum Thousands {
    Blank,
    Byte(u8),
}

impl NumberFormat {
    /// The format of numbers that a file holds as numbers, not as text.
    pub fn typed() -> Self {
        NumberFormat { decimal: b'.', thousands: None }
    }

    /// `decimal` and `thousands` as in [`crate::Input`].
    ///
    /// # Errors
    /// A sentence, if the marks are not ASCII, are digits, or are equal.
    pub fn new(decimal: char, thousands: &str) -> Result<Self, String> {
        let fits = |c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && !"+-()".contains(c);
        if !fits(decimal) || decimal == ' ' {
            return Err(format!("`{decimal}` cannot be a decimal mark"));
        }
        let mut marks = thousands.chars();
        let thousands = match (marks.next(), marks.next()) {
            (None, _) => None,
            (Some(' '), None) => Some(Thousands::Blank),
            (Some(c), None) if fits(c) && c != decimal => Some(Thousands::Byte(c as u8)),
            _ => {
                return Err(format!(
                    "`{thousands}` cannot be a thousands separator beside the decimal mark `{decimal}`"
                ));
            }
        };
        Ok(NumberFormat { decimal: decimal as u8, thousands })
    }

    /// Reads a number: digits with an optional sign (before or after, or parentheses for negative),
    /// currency sign, thousands separators, and exponent. Persian and Arabic digits count as digits.
    pub fn parse(&self, text: &[u8]) -> Option<Decimal> {
        if text.is_ascii() {
            self.parse_ascii(text)
        } else {
            self.parse_ascii(&fold(std::str::from_utf8(text).ok()?, self.decimal))
        }
    }

    fn parse_ascii(&self, text: &[u8]) -> Option<Decimal> {
        let mut text = text.trim_ascii();
        let mut negative = false;
        if let Some(inner) = text.strip_prefix(b"(").and_then(|t| t.strip_suffix(b")")) {
            negative = true;
            text = inner.trim_ascii();
        }
        let mut signs = 0;
        loop {
            text = match text {
                [b'-', rest @ ..] | [rest @ .., b'-'] => {
                    negative = !negative;
                    signs += 1;
                    rest
                }
                [b'+', rest @ ..] => {
                    signs += 1;
                    rest
                }
                [b'$', rest @ ..] | [rest @ .., b'$'] => rest,
                _ => break,
            }
            .trim_ascii();
        }
        if signs > 1 {
            return None;
        }
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
                b if b == self.decimal && !after => after = true,
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
                b if !after && seen && self.separates(b) && groups(&text[at..]) => {}
                _ => return None,
            }
        }
        seen.then_some(Decimal { mantissa: if negative { -mantissa } else { mantissa }, decimals })
    }

    fn separates(&self, byte: u8) -> bool {
        match self.thousands {
            Some(Thousands::Blank) => byte == b' ',
            Some(Thousands::Byte(b)) => byte == b,
            None => false,
        }
    }
}

/// Whether what follows a thousands separator is a group: three digits, or two before another group, as
/// lakhs are written.
fn groups(rest: &[u8]) -> bool {
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    digits == 3 || (digits == 2 && rest.len() > 3)
}

/// Text with other scripts' digits and marks turned into ASCII; currency signs are left out.
fn fold(text: &str, decimal: u8) -> Vec<u8> {
    text.chars()
        .filter_map(|c| match c {
            '\u{06F0}'..='\u{06F9}' => Some(b'0' + (c as u32 - 0x06F0) as u8),
            '\u{0660}'..='\u{0669}' => Some(b'0' + (c as u32 - 0x0660) as u8),
            '\u{066B}' => Some(decimal),
            '\u{066C}' | '€' | '£' | '¥' | '₹' | '﷼' | '₽' | '₺' | '\u{200E}' | '\u{200F}' => {
                None
            }
            '\u{2212}' => Some(b'-'),
            '\u{00A0}' | '\u{202F}' | '\u{2009}' => Some(b' '),
            c if c.is_ascii() => Some(c as u8),
            _ => Some(b'?'),
        })
        .collect()
}

/// Text with Persian and Arabic digits turned into ASCII, for dates.
pub fn fold_digits(text: &[u8]) -> Option<Vec<u8>> {
    Some(fold(std::str::from_utf8(text).ok()?, b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Option<(i64, u32)> {
        parse('.', ",", text)
    }

    fn parse(decimal: char, thousands: &str, text: &str) -> Option<(i64, u32)> {
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
        assert_eq!(parse(',', ".", "1.234,5"), Some((12345, 1)));
        assert_eq!(parse(',', " ", "1\u{a0}234,5"), Some((12345, 1)));
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
        assert_eq!(parse('.', "", "1,234"), None, "no separator was configured");
    }

    #[test]
    fn products_are_exact() {
        let price = Decimal { mantissa: 1, decimals: 3 };
        let quantity = Decimal { mantissa: 7, decimals: 0 };
        assert_eq!(quantity.times(price), Some(Money(70)));
        assert_eq!(Decimal { mantissa: i64::MAX, decimals: 0 }.times(Decimal::ONE), None);
    }
}
