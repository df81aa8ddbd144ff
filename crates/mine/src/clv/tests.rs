use rand::{Rng, SeedableRng};
use rand_distr::{Beta, Distribution, Exp, Gamma};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;

/// Fader, Hardie & Lee (2005), table 1, CDNOW.
const PUBLISHED: BgNbd = BgNbd { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 };
/// BTYD 2.4.3, walkthrough.
const BTYD: BgNbd = BgNbd { r: 0.2425967, alpha: 4.413659, a: 0.7929869, b: 2.426164 };

fn history(x: f64, t_x: f64, age: f64) -> History {
    History { x, t_x, age }
}

fn close(got: f64, expected: f64, relative: f64) {
    assert!((got - expected).abs() <= relative * expected.abs(), "{got} is not {expected} within {relative}");
}

#[test]
fn expected_orders_of_a_new_customer_are_as_published() {
    // lifetimes, tests/test_estimation.py, from Hardie's spreadsheet; four decimals, at the optimum.
    for (t, expected) in [(0.1429, 0.0078), (1.0, 0.0532), (3.0, 0.1506), (31.8571, 1.0405), (32.0, 1.0437)] {
        let got = BTYD.expected_orders_of_new_customer(t);
        assert!((got - expected).abs() < 6e-5, "{t}: {got}");
    }
    close(BTYD.expected_orders_of_new_customer(52.0), 1.444004, 1e-6);
}

#[test]
fn conditional_expectations_are_as_published() {
    // lifetimes, from Hardie's spreadsheet; tolerance 0.001 there.
    assert!((PUBLISHED.expected_orders(history(2.0, 30.43, 38.86), 39.0) - 1.226).abs() < 1e-3);
    // BTYD walkthrough, at its own parameters.
    let frequent = history(26.0, 30.85714, 31.0);
    close(BTYD.expected_orders(frequent, 52.0), 25.75659, 1e-6);
    close(BTYD.p_alive(frequent), 0.9688523, 1e-6);
    for (x, expected) in [(10.0, 0.3474606), (15.0, 0.04283391), (20.0, 0.004158973), (25.0, 0.0003583685)] {
        close(BTYD.expected_orders(history(x, 20.0, 39.0), 52.0), expected, 1e-6);
    }
}

#[test]
fn hard_cases_stay_finite_and_exact() {
    // Recomputed with 40 digits by quadrature.
    let odd = BgNbd { r: 0.11, alpha: 2.24, a: 0.31, b: 0.50 };
    let new = history(0.0, 0.0, 1.0);
    close(odd.log_likelihood(new), -0.0406007210331, 1e-10);
    close(odd.expected_orders(new, 30.0), 0.564588615533, 1e-10);
    let many = history(1000.0, 10.0, 100.0);
    close(PUBLISHED.log_likelihood(many), 3225.14298368, 1e-10);
    assert_eq!(PUBLISHED.p_alive(many), 0.0);
    assert_eq!(PUBLISHED.expected_orders(many, 30.0), 0.0);
    // PyMC-Marketing, test_beta_geo.py, after Hardie's note 027.
    let note = BgNbd { r: 0.25, alpha: 4.0, a: 0.8, b: 2.5 };
    close(note.log_likelihood(history(0.0, 0.0, 40.0)), -0.59947382, 1e-7);
    close(note.log_likelihood(history(200.0, 38.0, 40.0)), 100.7957, 1e-6);
}

#[test]
fn series_and_integral_agree_and_a_equal_to_one_is_smooth() {
    let h = history(3.0, 10.0, 14.0);
    for a in [0.3, 0.999999, 1.0, 1.000001, 2.5] {
        let m = BgNbd { a, ..PUBLISHED };
        let t = 20.0;
        let integral = m.p_alive(h) * m.expected_if_alive_by_integral(h, t);
        close(m.expected_orders(h, t), integral, 1e-11);
    }
}

#[test]
fn the_gradient_is_that_of_the_likelihood() {
    let histories: Vec<History> = (0..60)
        .map(|i| {
            let x = f64::from(i % 5);
            history(x, if x > 0.0 { 3.0 + f64::from(i) / 10.0 } else { 0.0 }, 12.0 + f64::from(i % 7))
        })
        .collect();
    for logs in [[0.0, 0.0, 0.0, 0.0], [-1.4, 1.5, -0.2, 0.9], [1.0, -2.0, 1.5, -1.0]] {
        let (analytic, numeric) = bgnbd::gradient_check(&histories, &logs);
        for (a, n) in analytic.iter().zip(&numeric) {
            assert!((a - n).abs() < 1e-7 * (1.0 + a.abs()), "{analytic:?} {numeric:?}");
        }
    }
}

#[test]
fn no_history_and_no_parameters_give_nan() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
    for _ in 0..4000 {
        let mut wide = || 10f64.powf(rng.gen_range(-4.0..4.0));
        let model = BgNbd { r: wide(), alpha: wide(), a: wide(), b: wide() };
        let age = rng.gen_range(0.1..1600.0);
        let x = f64::from(rng.gen_range(0..5000) * rng.gen_range(0..2));
        let t_x = if x > 0.0 { age * rng.r#gen::<f64>() } else { 0.0 };
        let h = history(x, t_x, age);
        let p = model.p_alive(h);
        assert!((0.0..=1.0).contains(&p), "{model:?} {h:?} {p}");
        let mut last = 0.0;
        for t in [1.0, 13.0, 52.0, 520.0] {
            let e = model.expected_orders(h, t);
            assert!(e.is_finite() && e >= last * (1.0 - 1e-6), "{model:?} {h:?} {t}: {e} after {last}");
            last = e;
        }
        assert!(model.log_likelihood(h).is_finite(), "{model:?} {h:?}");
        let (low, high) = (model.discounted_orders(h, 52.0, 0.001), model.discounted_orders(h, 52.0, 0.01));
        assert!(low.is_finite() && high <= low * (1.0 + 1e-6), "{model:?} {h:?} {low} {high}");
    }
}

#[test]
fn discounting_at_rate_zero_counts_orders() {
    let h = history(2.0, 30.43, 38.86);
    close(PUBLISHED.discounted_orders(h, 52.0, 0.0), PUBLISHED.expected_orders(h, 52.0), 1e-15);
    // Against a fine Riemann-Stieltjes sum.
    let delta = 0.01;
    let steps = 5200;
    let mut sum = 0.0;
    let mut before = 0.0;
    for i in 1..=steps {
        let t = 52.0 * f64::from(i) / f64::from(steps);
        let now = PUBLISHED.expected_orders(h, t);
        sum += (now - before) * (-delta * (t - 0.005)).exp();
        before = now;
    }
    close(PUBLISHED.discounted_orders(h, 52.0, delta), sum, 1e-7);
}

#[test]
fn annual_rates_become_weekly_ones() {
    let value = Value::new(365.0, 0.3, 0.1).unwrap();
    close(value.delta(TimeUnit::Week) * 365.25 / 7.0, 1.1f64.ln(), 1e-12);
    assert!(Value::new(365.0, 0.3, 10.5).is_err() && Value::new(0.0, 0.3, 0.1).is_err());
    assert!(Value::new(365.0, 30.0, 0.1).unwrap_err().to_string().contains("within -1 to 1"));
}

fn simulate_orders(truth: BgNbd, n: usize, seed: u64) -> Vec<History> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let rates = Gamma::new(truth.r, 1.0 / truth.alpha).unwrap();
    let drops = Beta::new(truth.a, truth.b).unwrap();
    (0..n)
        .map(|_| {
            let age = rng.gen_range(20.0..60.0);
            let (rate, drop) = (rates.sample(&mut rng), drops.sample(&mut rng));
            let (mut x, mut t_x, mut t) = (0.0, 0.0, 0.0);
            loop {
                t += Exp::new(rate).unwrap().sample(&mut rng);
                if t > age {
                    break;
                }
                (x, t_x) = (x + 1.0, t);
                if rng.gen_bool(drop) {
                    break;
                }
            }
            history(x, t_x, age)
        })
        .collect()
}

#[test]
fn recovers_the_parameters_it_was_simulated_from() {
    let truth = BgNbd { r: 0.8, alpha: 6.0, a: 0.9, b: 3.0 };
    for seed in 1..=3 {
        let (fit, report) = BgNbd::fit(&simulate_orders(truth, 20_000, seed)).unwrap();
        assert!(report.gradient < 1e-5);
        // Three standard errors at 20,000 customers, from the spread over simulated fits.
        for (got, expected) in
            [(fit.r, truth.r), (fit.alpha, truth.alpha), (fit.a, truth.a), (fit.b, truth.b)]
        {
            assert!((got / expected).ln().abs() < 0.2, "{fit:?}");
        }
        close(fit.a / (fit.a + fit.b), truth.a / (truth.a + truth.b), 0.05);
        close(fit.r / fit.alpha, truth.r / truth.alpha, 0.05);
    }
}

#[test]
fn gamma_gamma_recovers_its_parameters() {
    let (p, q, v) = (6.0, 4.0, 15.0);
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(9);
    let rates = Gamma::new(q, 1.0 / v).unwrap();
    let rows: Vec<(f64, f64)> = (0..20_000)
        .map(|i| {
            let x = f64::from(1 + i % 6);
            let nu = rates.sample(&mut rng);
            (x, Gamma::new(p * x, 1.0 / (nu * x)).unwrap().sample(&mut rng))
        })
        .collect();
    let (fit, report) = GammaGamma::fit(&rows).unwrap();
    close(fit.population_mean(), v * p / (q - 1.0), 0.02);
    close(fit.p, p, 0.05);
    close(fit.q, q, 0.08);
    let sum: f64 = rows.iter().map(|(x, m)| fit.log_likelihood(*x, *m)).sum();
    close(report.log_likelihood, sum, 1e-10);
}

#[test]
fn expected_spend_is_as_published() {
    // Hardie's note 025, by way of lifetimes: parameters of the paper, first customers of CDNOW.
    let model = GammaGamma { p: 6.25, q: 3.74, v: 15.44 };
    assert!((model.expected_spend(2.0, 22.35) - 24.65).abs() < 0.1);
    assert!((model.expected_spend(1.0, 11.77) - 18.91).abs() < 0.1);
    assert!((model.expected_spend(0.0, f64::NAN) - 35.17).abs() < 0.1);
    assert_eq!(model.expected_spend(2.0, -5.0), model.population_mean());
}

#[test]
fn data_that_cannot_carry_the_models_are_refused() {
    let e = BgNbd::fit(&[history(0.0, 0.0, 10.0); 50]).unwrap_err().to_string();
    assert_eq!(e, "BG/NBD needs at least 3 customers with repeat orders, but 0 of 50 have any");
    assert!(BgNbd::fit(&[history(1.0, 12.0, 10.0); 50]).unwrap_err().to_string().contains("t_x <= age"));
    assert!(GammaGamma::fit(&[(1.0, 5.0)]).is_err());
}

#[test]
fn customers_who_do_not_differ_end_on_the_boundary_and_it_is_said() {
    let (model, fit) = BgNbd::fit(&[history(2.0, 8.0, 10.0); 50]).unwrap();
    assert!(fit.run_off.iter().any(|p| p == "r towards infinity"), "{fit:?}");
    // Two orders in ten: so many are to come.
    close(model.r / model.alpha, 0.2, 0.01);
    close(model.expected_orders(history(2.0, 8.0, 10.0), 10.0), 2.0, 0.05);
    let (spend, fit) = GammaGamma::fit(&[(2.0, 10.0); 50]).unwrap();
    assert!(!fit.run_off.is_empty());
    close(spend.expected_spend(2.0, 10.0), 10.0, 0.01);
}
