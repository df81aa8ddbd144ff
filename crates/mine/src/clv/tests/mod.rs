//! Tests of the CLV models: published numbers, hard cases, invariants, recovery, and the whole.

mod published;
mod recovery;
mod whole;
mod wild;

use super::*;

fn history(x: f64, t_x: f64, age: f64) -> History {
    History { x, t_x, age }
}

fn close(got: f64, expected: f64, relative: f64) {
    assert!((got - expected).abs() <= relative * expected.abs(), "{got} is not {expected} within {relative}");
}

/// Within an absolute tolerance, for numbers printed with so many decimals.
fn near(got: f64, expected: f64, absolute: f64) {
    assert!((got - expected).abs() <= absolute, "{got} is not {expected} within {absolute}");
}
