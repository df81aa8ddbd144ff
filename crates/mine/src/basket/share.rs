//! Exact thresholds.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A decimal number from 0, such as 0.8, held as a fraction: `part / whole`.
///
/// ```
/// use tillwise_mine::basket::Share;
/// let share: Share = "0.8".parse()?;
/// assert!(share.reached_by(4, 5) && !share.reached_by(799, 1000));
/// assert_eq!(share.of(9835), 7868);
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    part: u64,
    whole: u64,
}

impl Share {
    /// Nothing: every fraction reaches it.
    pub const ZERO: Share = Share { part: 0, whole: 1 };

    /// `part / 10^places`.
    pub const fn decimal(part: u64, places: u32) -> Share {
        Share { part, whole: 10u64.pow(places) }
    }

    /// Whether `part / whole` is at least this much.
    pub fn reached_by(self, part: u64, whole: u64) -> bool {
        u128::from(part) * u128::from(self.whole) >= u128::from(whole) * u128::from(self.part)
    }

    /// The least whole number that is at least this share of `n`.
    pub fn of(self, n: u64) -> u64 {
        let least = (u128::from(n) * u128::from(self.part)).div_ceil(u128::from(self.whole));
        u64::try_from(least).unwrap_or(u64::MAX)
    }

    /// Nearest double.
    pub fn to_f64(self) -> f64 {
        self.part as f64 / self.whole as f64
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Share, String> {
        let bad = || format!("`{text}` is not a decimal number from 0 with up to 12 places");
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((m, e)) => (m, e.parse::<i32>().map_err(|_| bad())?),
            None => (text, 0),
        };
        let (whole, places) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{places}");
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad());
        }
        let part: u64 = digits.parse().map_err(|_| bad())?;
        let down = places.len() as i32 - exponent;
        if !(-6..=12).contains(&down) {
            return Err(bad());
        }
        let power = 10u64.pow(down.unsigned_abs());
        if down >= 0 {
            Ok(Share { part, whole: power })
        } else {
            Ok(Share { part: part.checked_mul(power).ok_or_else(bad)?, whole: 1 })
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_f64())
    }
}

impl Serialize for Share {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_f64(self.to_f64())
    }
}

impl<'de> Deserialize<'de> for Share {
    /// From a number: its shortest decimal form is what was meant.
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Share, D::Error> {
        f64::deserialize(d)?.to_string().parse().map_err(serde::de::Error::custom)
    }
}

/// A least support: baskets, or a share of all baskets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Least {
    /// So many.
    Count(u64),
    /// Such a share of all, rounded up.
    Share(Share),
}

impl Least {
    /// In baskets, of `n`; at least one.
    pub fn of(self, n: u64) -> u64 {
        match self {
            Least::Count(count) => count.max(1),
            Least::Share(share) => share.of(n).max(1),
        }
    }
}

impl Serialize for Least {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Least::Count(count) => s.serialize_u64(*count),
            Least::Share(share) => share.serialize(s),
        }
    }
}

impl<'de> Deserialize<'de> for Least {
    /// A whole number is a count, one with a point a share: `100`, `0.01`.
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Least, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a count of baskets, such as 100, or a share of them, such as 0.01")]
        enum Either {
            Count(u64),
            Share(Share),
        }
        Ok(match Either::deserialize(d)? {
            Either::Count(count) => Least::Count(count),
            Either::Share(share) => Least::Share(share),
        })
    }
}
