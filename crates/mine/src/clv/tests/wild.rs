//! Over wide grids of parameters and histories nothing is NaN, and what must hold, holds.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;
use crate::clv::likelihood::{Likelihood, gradients};

/// Parameters from 1e-4 to 1e4, `x` to 5,000, `T` from a day to 30 years, in weeks.
struct Wild(Xoshiro256PlusPlus);

impl Wild {
    fn parameter(&mut self) -> f64 {
        10f64.powf(self.0.gen_range(-4.0..4.0))
    }

    fn history(&mut self) -> History {
        let age = 10f64.powf(self.0.gen_range(-0.85..3.19));
        let most = 10f64.powf(self.0.gen_range(0.0..3.7));
        let x = (self.0.gen_range(0.0..most) * f64::from(self.0.gen_range(0u8..4).min(1))).floor();
        let t_x = match self.0.gen_range(0..4) {
            _ if x == 0.0 => 0.0,
            0 => age,
            1 => age * 1e-3,
            _ => age * self.0.r#gen::<f64>(),
        };
        history(x, t_x, age)
    }

    fn orders(&mut self, kind: usize) -> Orders {
        let [a, b, c, d] = [self.parameter(), self.parameter(), self.parameter(), self.parameter()];
        let geometric = |k, drop_at_once| {
            Orders::BetaGeometric(BetaGeometric { r: a, alpha: b, a: c, b: d, k, drop_at_once })
        };
        match kind {
            0 => Orders::Nbd(Nbd { r: a, alpha: b }),
            1 => geometric(1, false),
            2 => geometric(1, true),
            3 => geometric(2, self.0.r#gen()),
            4 => geometric(3, self.0.r#gen()),
            5 => Orders::ParetoNbd(ParetoNbd { r: a, alpha: b, s: c, beta: d }),
            _ => Orders::GgompertzNbd(GGompertzNbd { r: a, alpha: b, b: c, s: d, beta: self.parameter() }),
        }
    }
}

fn log_likelihood(orders: &Orders, h: History) -> f64 {
    match orders {
        Orders::Nbd(m) => m.log_likelihood(h),
        Orders::BetaGeometric(m) => m.log_likelihood(h),
        Orders::ParetoNbd(m) => m.log_likelihood(h),
        Orders::GgompertzNbd(m) => m.log_likelihood(h),
        Orders::BetaBernoulli(m) => m.log_likelihood(h),
        Orders::BetaGeometricCovariates(_) | Orders::ParetoNbdCovariates(_) => f64::NAN,
    }
}

/// Everything that is asked of a model, checked; `whole` times are for models that count occasions.
fn examine(orders: &Orders, h: History, whole: bool) {
    let what = format!("{orders:?} {h:?}");
    let probability = |p: f64, name: &str| assert!((0.0..=1.0).contains(&p), "{name} {p}: {what}");
    assert!(log_likelihood(orders, h).is_finite(), "{what}");
    probability(orders.p_alive(h), "p_alive");
    let (mut last, mut alive_last, mut none_last) = (0.0, 1.0, 1.0);
    for t in [1.0, 13.0, 52.0, 520.0] {
        let expected = orders.expected_orders(h, t);
        assert!(
            expected.is_finite() && expected >= last * (1.0 - 1e-6) - 1e-12,
            "{t} {expected} {last}: {what}"
        );
        let alive = orders.p_alive_at(h, t);
        probability(alive, "p_alive_at");
        assert!(alive <= alive_last * (1.0 + 1e-8) + 1e-200, "{t} alive {alive} after {alive_last}: {what}");
        let none = orders.p_no_order(h, t);
        probability(none, "p_no_order");
        assert!(none <= none_last + 1e-8, "{t} none {none} after {none_last}: {what}");
        let counts = orders.distribution(h, t, 4);
        counts.iter().for_each(|p| assert!((-1e-9..=1.0 + 1e-9).contains(p), "{t} {counts:?}: {what}"));
        assert!(counts.iter().sum::<f64>() <= 1.0 + 1e-7, "{t} {counts:?}: {what}");
        assert!((counts[0] - none).abs() < 1e-7, "{t} {} {none}: {what}", counts[0]);
        // Whoever orders, orders at least once.
        assert!(expected >= (1.0 - none) * (1.0 - 1e-6) - 1e-9, "{t} {expected} {none}: {what}");
        (last, alive_last, none_last) = (expected, alive, none);
    }
    let discounted = |horizon: f64, delta: f64| orders.discounted_orders(h, horizon, delta);
    let (free, low, high) = (discounted(52.0, 0.0), discounted(52.0, 0.001), discounted(52.0, 0.01));
    assert!(
        low.is_finite() && high <= low * (1.0 + 1e-6) && low <= free * (1.0 + 1e-6),
        "{free} {low} {high}: {what}"
    );
    // CLV is linear in these and in the residual, so it falls as the rate rises.
    let (long, longer) = (orders.residual_orders(h, 0.002), orders.residual_orders(h, 0.001));
    assert!(long.is_finite() && long <= longer * (1.0 + 1e-6), "{long} {longer}: {what}");
    let tail = if whole { 1e-6 } else { 1e-4 };
    assert!(
        long >= discounted(520.0, 0.002) * (1.0 - tail) - 1e-12,
        "{long} {}: {what}",
        discounted(520.0, 0.002)
    );
}

#[test]
fn nothing_is_nan_and_everything_is_in_order() {
    let mut wild = Wild(Xoshiro256PlusPlus::seed_from_u64(5));
    for i in 0..3500 {
        let orders = wild.orders(i % 7);
        let h = wild.history();
        examine(&orders, h, false);
    }
}

#[test]
fn occasions_are_in_order_too() {
    let mut wild = Wild(Xoshiro256PlusPlus::seed_from_u64(6));
    for _ in 0..300 {
        let [alpha, beta, gamma, delta] =
            [wild.parameter(), wild.parameter(), wild.parameter(), wild.parameter()];
        let age = f64::from(wild.0.gen_range(0..360));
        let t_x = (age * wild.0.r#gen::<f64>()).floor();
        let x = if t_x > 0.0 { (1.0 + (t_x - 1.0) * wild.0.r#gen::<f64>()).floor() } else { 0.0 };
        examine(
            &Orders::BetaBernoulli(BetaBernoulli { alpha, beta, gamma, delta }),
            history(x, t_x, age),
            true,
        );
    }
}

fn check_gradient<M: Likelihood>(template: &M, wholes: bool) {
    let histories: Vec<History> = (0..60)
        .map(|i| {
            let x = f64::from(i % 5);
            let (t_x, age) = (3.0 + f64::from(i) / 10.0, 12.0 + f64::from(i % 7));
            let t_x = if x > 0.0 { t_x } else { 0.0 };
            if wholes { history(x, t_x.floor().max(x), age) } else { history(x, t_x, age) }
        })
        .collect();
    let points =
        [[0.0; 5], [-1.4, 1.5, -0.2, 0.9, 0.4], [1.0, -2.0, 1.5, -1.0, 2.0], [0.3, 0.7, -6.0, -0.5, -5.0]];
    for logs in points {
        let (analytic, numeric) = gradients(template, &histories, &logs[..M::NAMES.len()]);
        for (a, n) in analytic.iter().zip(&numeric) {
            assert!(
                (a - n).abs() < 2e-7 * (1.0 + a.abs()),
                "{} {logs:?}: {analytic:?} {numeric:?}",
                template.name()
            );
        }
    }
}

#[test]
fn gradients_are_those_of_the_likelihoods() {
    check_gradient(&Nbd { r: 1.0, alpha: 1.0 }, false);
    for k in [1, 2, 5] {
        for drop_at_once in [false, true] {
            check_gradient(&BetaGeometric { r: 1.0, alpha: 1.0, a: 1.0, b: 1.0, k, drop_at_once }, false);
        }
    }
    check_gradient(&ParetoNbd { r: 1.0, alpha: 1.0, s: 1.0, beta: 1.0 }, false);
    check_gradient(&GGompertzNbd { r: 1.0, alpha: 1.0, b: 1.0, s: 1.0, beta: 1.0 }, false);
    check_gradient(&BetaBernoulli { alpha: 1.0, beta: 1.0, gamma: 1.0, delta: 1.0 }, true);
}

#[test]
fn series_and_integral_agree_and_a_equal_to_one_is_smooth() {
    for a in [0.3, 0.999999, 1.0, 1.000001, 2.5] {
        let future = BetaGeometric::bg_nbd(0.243, 4.414, a, 2.426).future(history(3.0, 10.0, 14.0));
        close(future.expected_orders(20.0), future.expected_by_integral(20.0), 1e-11);
    }
}

#[test]
fn sums_over_hidden_events_and_roots_of_unity_agree() {
    // Just below and above the number of events at which the roots take over.
    for (k, r) in [(2, 200.0), (3, 900.0), (5, 1500.0)] {
        let model = BetaGeometric { r, alpha: 10.0, a: 0.8, b: 3.0, k, drop_at_once: false };
        let future = model.future(history(4.0, 10.0, 12.0));
        let (below, above) = (21.0 * 200.0 / r, 22.0 * 200.0 / r);
        // Between the two the expectation is smooth: three points of each side fit one curve.
        for t in [below, above] {
            let direct = future.expected_regular(t);
            let roots = future.by_roots_for_tests(t);
            close(roots.0, direct, 1e-8);
            close(roots.1, future.p_alive_regular(t), 1e-8);
        }
    }
}

#[test]
fn distributions_have_the_expected_means() {
    // Enough counts to hold nearly all of the probability.
    for orders in [
        Orders::Nbd(Nbd { r: 0.7, alpha: 5.0 }),
        Orders::BetaGeometric(BetaGeometric::bg_nbd(0.7, 5.0, 0.9, 2.0)),
        Orders::BetaGeometric(BetaGeometric::mbg_nbd(0.7, 5.0, 0.9, 2.0)),
        Orders::BetaGeometric(BetaGeometric { k: 3, ..BetaGeometric::mbg_nbd(2.0, 3.0, 0.9, 2.0) }),
        Orders::ParetoNbd(ParetoNbd { r: 0.7, alpha: 5.0, s: 0.8, beta: 9.0 }),
        Orders::GgompertzNbd(GGompertzNbd { r: 0.7, alpha: 5.0, b: 0.05, s: 0.8, beta: 0.5 }),
    ] {
        for h in [History::NEW, history(3.0, 12.0, 20.0)] {
            let p = orders.distribution(h, 15.0, 400);
            close(p.iter().sum(), 1.0, 1e-9);
            let mean: f64 = p.iter().enumerate().map(|(n, p)| n as f64 * p).sum();
            close(mean, orders.expected_orders(h, 15.0), 1e-8);
        }
    }
}

#[test]
fn discounting_agrees_with_a_fine_sum() {
    let h = history(2.0, 30.43, 38.86);
    let delta = 0.01;
    for orders in [
        Orders::BetaGeometric(BetaGeometric::bg_nbd(0.243, 4.414, 0.793, 2.426)),
        Orders::BetaGeometric(BetaGeometric { k: 2, ..BetaGeometric::mbg_nbd(0.5, 4.0, 0.8, 2.0) }),
        Orders::ParetoNbd(ParetoNbd { r: 0.55, alpha: 10.6, s: 0.6, beta: 11.7 }),
        Orders::GgompertzNbd(GGompertzNbd { r: 0.55, alpha: 10.6, b: 0.02, s: 0.6, beta: 0.3 }),
    ] {
        close(orders.discounted_orders(h, 52.0, 0.0), orders.expected_orders(h, 52.0), 1e-14);
        let steps = 2600;
        let (mut sum, mut before, mut long) = (0.0, 0.0, 0.0);
        for i in 1..=steps {
            let t = 52.0 * f64::from(i) / f64::from(steps);
            let now = orders.expected_orders(h, t);
            sum += (now - before) * (-delta * (t - 0.01)).exp();
            before = now;
        }
        close(orders.discounted_orders(h, 52.0, delta), sum, 1e-6);
        // For ever, by growing steps: the discount leaves e^-30 at the end.
        (before, sum) = (0.0, 0.0);
        while long < 3000.0 {
            let next = long + 0.02 + 0.002 * long;
            let now = orders.expected_orders(h, next);
            sum += (now - before) * (-delta * 0.5 * (long + next)).exp();
            (before, long) = (now, next);
        }
        close(orders.residual_orders(h, delta), sum, 1e-4);
    }
}

#[test]
fn without_discount_residual_orders_end_only_where_buying_does() {
    let h = history(2.0, 8.0, 10.0);
    let geometric =
        |a: f64| Orders::BetaGeometric(BetaGeometric::bg_nbd(0.5, 4.0, a, 2.0)).residual_orders(h, 0.0);
    assert!(geometric(0.9).is_infinite());
    // E[1/p] with a, b + x.
    let alive = Orders::BetaGeometric(BetaGeometric::bg_nbd(0.5, 4.0, 2.0, 2.0)).p_alive(h);
    close(geometric(2.0), alive * 5.0, 1e-12);
    let pareto =
        |s: f64| Orders::ParetoNbd(ParetoNbd { r: 0.5, alpha: 4.0, s, beta: 9.0 }).residual_orders(h, 0.0);
    assert!(pareto(0.9).is_infinite() && pareto(1.5).is_finite());
}
