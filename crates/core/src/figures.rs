//! Numbers as people read them: one place for the terminal and for pages.
//!
//! What is not finite is no number, and is shown as a dash.

/// What stands where there is no number.
const NO_FIGURE: &str = "-";

/// A whole number with thousands set apart: `1,234,567`.
pub fn grouped(value: f64) -> String {
    if !value.is_finite() {
        return NO_FIGURE.to_owned();
    }
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if value < -0.5 { format!("-{text}") } else { text }
}

/// A share in percent: `12.5 %`.
pub fn percent(share: f64) -> String {
    if share.is_finite() { format!("{:.1} %", 100.0 * share) } else { NO_FIGURE.to_owned() }
}

/// A difference as a share, in percent with its sign: `+12.5 %`.
pub fn signed_percent(share: f64) -> String {
    if share.is_finite() { format!("{:+.1} %", 100.0 * share) } else { NO_FIGURE.to_owned() }
}

/// How far a number is from another, as a share of that. There is none where the other is not above zero.
pub fn off_by(value: f64, from: f64) -> f64 {
    if from > 0.0 { value / from - 1.0 } else { f64::NAN }
}

/// A number with so many decimals.
pub fn fixed(value: f64, decimals: usize) -> String {
    if value.is_finite() { format!("{value:.decimals$}") } else { NO_FIGURE.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_readable() {
        assert_eq!(
            (grouped(1_234_567.4), grouped(-1000.0), grouped(-0.2)),
            ("1,234,567".into(), "-1,000".into(), "0".into())
        );
        assert_eq!((percent(0.1234), fixed(2.0, 2)), ("12.3 %".into(), "2.00".into()));
        assert_eq!(signed_percent(off_by(90.0, 100.0)), "-10.0 %");
        assert_eq!(signed_percent(off_by(3.0, 0.0)), "-");
    }

    #[test]
    fn what_is_no_number_is_a_dash() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!([grouped(value), percent(value), fixed(value, 1), signed_percent(value)], ["-"; 4]);
        }
    }
}
