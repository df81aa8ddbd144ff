//! Fixed-point amounts, so that sums do not depend on their order.

use std::fmt;

/// Units of [`Money`] in one unit of currency: four decimal places.
pub const SCALE: i64 = 10_000;

/// An amount of money (or a quantity) as a whole number of ten-thousandths.
///
/// Sums of `Money` are exact and the same in any order; conversion to `f64` happens once, when a
/// result is written. The largest magnitude is about 922 trillion; what is summed over lines is an `i128`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(pub i64);

impl Money {
    /// The largest magnitude that one input line may carry: a hundred billion.
    pub const LINE_LIMIT: Money = Money(100_000_000_000 * SCALE);

    /// The value `mantissa * 10^-decimals`, rounded half away from zero to four places; `None` if
    /// it does not fit.
    pub fn from_decimal(mantissa: i128, decimals: u32) -> Option<Money> {
        let value = match decimals {
            0..=4 => mantissa.checked_mul(10i128.pow(4 - decimals))?,
            5..=38 => {
                let divisor = 10i128.pow(decimals - 4);
                let (quotient, rest) = (mantissa / divisor, mantissa % divisor);
                if rest.unsigned_abs() * 2 >= divisor.unsigned_abs() {
                    quotient + mantissa.signum()
                } else {
                    quotient
                }
            }
            _ => 0,
        };
        i64::try_from(value).ok().map(Money)
    }

    /// The nearest double.
    pub fn to_f64(self) -> f64 {
        sum_to_f64(i128::from(self.0))
    }
}

/// The nearest double to a sum of [`Money`]: sums of many lines are kept in 128 bits, which no export fills.
pub fn sum_to_f64(e4: i128) -> f64 {
    const EXACT: u128 = 1 << 53;
    let scale = i128::from(SCALE);
    if e4.unsigned_abs() < EXACT {
        return e4 as f64 / SCALE as f64;
    }
    // The double of so many ten-thousandths is rounded already: whole units and their parts are turned into one apart.
    (e4 / scale) as f64 + (e4 % scale) as f64 / SCALE as f64
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, v) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let decimals = format!("{:04}", v % SCALE as u64);
        let keep = decimals.trim_end_matches('0').len().max(2);
        write!(f, "{sign}{}.{}", v / SCALE as u64, &decimals[..keep])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_half_away_from_zero_at_the_fourth_place() {
        assert_eq!(Money::from_decimal(123_450, 5), Some(Money(12_345)));
        assert_eq!(Money::from_decimal(5, 5), Some(Money(1)));
        assert_eq!(Money::from_decimal(-5, 5), Some(Money(-1)));
        assert_eq!(Money::from_decimal(4, 5), Some(Money(0)));
        assert_eq!(Money::from_decimal(i128::MAX, 0), None);
    }

    #[test]
    fn sums_beyond_64_bits_are_doubles_of_whole_units() {
        let sum = 9_400 * 99_999_999_999 * i128::from(SCALE);
        assert_eq!(sum_to_f64(sum), 9_400.0 * 99_999_999_999.0);
        assert_eq!(sum_to_f64(-sum - 5_000), -939_999_999_990_600.5);
        assert_eq!(sum_to_f64(123_456_789), 12_345.678_9);
    }

    #[test]
    fn displays_at_least_two_places() {
        assert_eq!(Money(25_500).to_string(), "2.55");
        assert_eq!(Money(10).to_string(), "0.001");
        assert_eq!(Money(-10_000).to_string(), "-1.00");
        assert_eq!(Money(15_000).to_string(), "1.50");
    }
}
