//! Shops whose future is known.

use super::*;

const SETTINGS: Settings = Settings { step_days: 30, horizon: 3, year: 12, coverage: 0.9 };

/// A shop of 400 customers: what each orders in a step, and what the model says of a horizon.
fn forecast(
    steps: usize,
    rate: impl Fn(usize, usize) -> f64,
    model: impl Fn(usize, usize) -> f64,
) -> Forecast {
    let mut forecaster = Forecaster::new(SETTINGS);
    let mut orders = vec![1.0f64; 400];
    for step in 0..steps {
        for (i, orders) in orders.iter_mut().enumerate() {
            *orders += rate(step, i);
        }
        let expected = |scale: f64| (0..400).map(|i| (scale * model(step, i)) as f32).collect::<Vec<f32>>();
        forecaster.take(Snapshot {
            day: Day(30 * step as i32),
            orders: orders.iter().map(|o| *o as f32).collect(),
            revenue: orders.iter().map(|o| 20.0 * o).collect(),
            age_days: (0..400).map(|i| if i % 4 == 0 { 30.0 } else { 400.0 }).collect(),
            expected: Some([expected(1.0), expected(20.0)]),
        });
    }
    forecaster.finish()
}

fn combined(found: &Forecast, target: Target) -> Vec<&Row> {
    found.rows.iter().filter(|r| r.target == target && r.method == COMBINED).collect()
}

/// Customers differ: from one to four orders a horizon.
fn own(i: usize) -> f64 {
    1.0 + (i % 4) as f64
}

#[test]
fn a_model_that_is_right_is_left_alone() {
    let found = forecast(20, |_, i| own(i) / 3.0, |_, i| own(i));
    for row in combined(&found, Target::KnownOrders).iter().filter(|r| r.actual.is_some()) {
        assert!((row.expected / row.actual.unwrap() - 1.0).abs() < 1e-5, "{row:?}");
    }
    assert!(
        (found.ahead[0][3].expected - 4.0).abs() < 1e-4 && (found.ahead[1][0].expected - 20.0).abs() < 1e-3
    );
    assert_eq!(
        combined(&found, Target::KnownRevenue).len(),
        14 + 1,
        "an origin without a window before it is not judged"
    );
}

#[test]
fn a_model_that_is_off_by_the_same_again_and_again_is_corrected() {
    let found = forecast(30, |_, i| own(i) / 3.0, |_, i| 0.6 * own(i));
    let rows = combined(&found, Target::KnownOrders);
    let errors: Vec<f64> = rows.iter().filter_map(|r| Some(r.expected / r.actual? - 1.0)).collect();
    assert!(errors[0] < -0.25, "nothing is known yet: {errors:?}");
    assert!(errors.last().unwrap().abs() < 0.02, "{errors:?}");
    let model = found.rows.iter().rev().find(|r| r.method == "model").unwrap();
    assert!(model.weight.unwrap() < 0.01, "{model:?}");
}

#[test]
fn a_season_is_seen_a_year_later() {
    let season = |step: usize| if step % 12 == 11 { 3.0 } else { 1.0 };
    let found = forecast(49, |step, i| season(step) * own(i) / 3.0, |_, i| own(i));
    // Forecasts made a month before the strong one, in the first and in the fourth year.
    let before = |year: i32| {
        let day = Day(30 * (12 * year + 10));
        let row = combined(&found, Target::KnownOrders).into_iter().find(|r| r.origin == day).unwrap();
        (row.expected / row.actual.unwrap() - 1.0).abs()
    };
    assert!(before(0) > 0.3 && before(2) < 0.1, "{} {}", before(0), before(2));
}

#[test]
fn what_comes_later_changes_no_earlier_forecast() {
    let rate = |change: f64| move |step: usize, i: usize| if step > 15 { change } else { 1.0 } * own(i) / 3.0;
    let (a, b) = (forecast(20, rate(1.0), |_, i| own(i)), forecast(20, rate(5.0), |_, i| own(i)));
    let early = |found: &Forecast| -> Vec<Row> {
        let known_then = |r: &&Row| r.origin <= Day(30 * 15);
        // What came is another thing.
        let forecast = |r: &Row| Row { actual: None, by_customer: None, ..r.clone() };
        found.rows.iter().filter(known_then).map(forecast).collect()
    };
    assert!(!early(&a).is_empty());
    assert_eq!(early(&a), early(&b));
}

#[test]
fn customers_are_ranked_by_what_they_did_where_the_model_knows_nothing() {
    let found = forecast(20, |_, i| own(i) / 3.0, |_, _| 2.5);
    let last = combined(&found, Target::KnownOrders).into_iter().rfind(|r| r.actual.is_some()).unwrap();
    assert!(last.by_customer.unwrap().rank_correlation.unwrap() > 0.95, "{last:?}");
    let model = found.rows.iter().rfind(|r| r.method == "model" && r.by_customer.is_some()).unwrap();
    assert!(last.by_customer.unwrap().mae < 0.3 * model.by_customer.unwrap().mae);
}

/// Each customer of a step draws from the same distribution, so ranges must hold nine in ten.
#[test]
fn ranges_of_customers_hold_as_many_as_they_promise() {
    let chance = |step: usize, i: usize| {
        let mixed = (step as u64 * 400 + i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        ((mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 11) as f64 / (1u64 << 53) as f64
    };
    let found = forecast(60, |step, i| -own(i) / 3.0 * (1.0 - chance(step, i)).ln(), |_, i| own(i));
    let of = |target: Target, group: &str| {
        let c = found.coverage.iter().find(|c| c.target == target && c.group == group).unwrap();
        (c.covered as f64 / c.customers as f64, c.customers)
    };
    for target in [Target::KnownOrders, Target::KnownRevenue] {
        for group in ["all", "new", "old"] {
            let (share, customers) = of(target, group);
            assert!(customers > 4000 && (0.88..0.94).contains(&share), "{group}: {share} of {customers}");
        }
    }
}

#[test]
fn a_shop_without_a_past_is_forecast_by_its_model() {
    let found = forecast(1, |_, i| own(i), |_, i| own(i));
    assert_eq!(
        found.rows.iter().map(|r| r.method).collect::<Vec<_>>(),
        ["model", "combined", "model", "combined"]
    );
    assert!(found.ahead[0][0].expected > 0.0 && found.ahead[0][0].low.is_nan());
    assert!(Forecaster::new(SETTINGS).finish().rows.is_empty());
}
