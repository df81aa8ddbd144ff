//! Parameters that data were simulated from are found again within three standard errors.

use rand::{Rng, SeedableRng};
use rand_distr::{Beta, Distribution, Exp, Exp1, Gamma};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;
use crate::clv::covariates::WithCovariates;

type R = Xoshiro256PlusPlus;

/// Whether a customer is gone: at a time, after that order (`usize::MAX` before one).
type Dies = Box<dyn FnMut(&mut R, f64, usize) -> bool>;

const CUSTOMERS: usize = 6_000;
const SEEDS: [u64; 3] = [11, 12, 13];

/// Histories, and the sum of the logarithms of the gaps.
struct Simulated {
    histories: Vec<History>,
    sum_ln_gaps: f64,
}

/// Customers who buy at Erlang-`k` gaps of Gamma(`r`, `alpha`) rates until `dies` says so, which sees the time of each order and its
/// number (0 is the first order).
fn simulate<D: FnMut(&mut R) -> L, L: FnMut(&mut R, f64, usize) -> bool>(
    seed: u64,
    (r, alpha): (f64, f64),
    k: u32,
    mut lives: D,
) -> Simulated {
    let mut rng = R::seed_from_u64(seed);
    let rates = Gamma::new(r, 1.0 / alpha).unwrap();
    let mut sum_ln_gaps = 0.0;
    let histories = (0..CUSTOMERS)
        .map(|_| {
            let age = rng.gen_range(40.0..100.0);
            let rate: f64 = rates.sample(&mut rng);
            let mut dies = lives(&mut rng);
            let (mut x, mut t_x) = (0.0, 0.0);
            if dies(&mut rng, 0.0, 0) {
                return history(0.0, 0.0, age);
            }
            loop {
                let gap: f64 = (0..k).map(|_| rng.sample::<f64, _>(Exp1)).sum::<f64>() / rate.max(1e-12);
                let t = t_x + gap;
                // A lifetime may end before the order comes.
                if t > age || dies(&mut rng, t, usize::MAX) {
                    return history(x, t_x, age);
                }
                (x, t_x) = (x + 1.0, t);
                sum_ln_gaps += gap.ln();
                if dies(&mut rng, t, x as usize) {
                    return history(x, t_x, age);
                }
            }
        })
        .collect();
    Simulated { histories, sum_ln_gaps }
}

/// Drop-out after orders, with Beta(`a`, `b`) probabilities; after the first one only if `at_once`.
fn after_orders(a: f64, b: f64, at_once: bool) -> impl FnMut(&mut R) -> Dies {
    let drops = Beta::new(a, b).unwrap();
    move |rng| {
        let p: f64 = drops.sample(rng);
        Box::new(move |rng, _, n| n != usize::MAX && (n > 0 || at_once) && rng.gen_bool(p))
    }
}

/// Death at a time.
fn at_a_time(mut time: impl FnMut(&mut R) -> f64) -> impl FnMut(&mut R) -> Dies {
    move |rng| {
        let dies = time(rng);
        Box::new(move |_, t, n| n == usize::MAX && t > dies)
    }
}

fn recovered(fit: &Fit, truth: &[f64]) {
    assert!(fit.gradient < 1e-6 && fit.run_off.is_empty(), "{fit:?}");
    assert_eq!(fit.parameters.len(), truth.len());
    for (p, t) in fit.parameters.iter().zip(truth) {
        // Three standard errors, on the scale on which the estimates are about normal.
        let se = p.standard_error.unwrap_or_else(|| panic!("{p:?} has no standard error"));
        let away = if *t > 0.0 && !p.name.contains(':') { (p.value / t).ln() * p.value } else { p.value - t };
        assert!(away.abs() < 3.0 * se, "{}: {p:?} is not {t}", fit.model);
    }
}

#[test]
fn nbd() {
    for seed in SEEDS {
        let s = simulate(seed, (0.8, 12.0), 1, at_a_time(|_| f64::INFINITY));
        recovered(&Nbd::fit(&s.histories).unwrap().1, &[0.8, 12.0]);
    }
}

#[test]
fn bg_nbd_and_mbg_nbd() {
    for seed in SEEDS {
        for at_once in [false, true] {
            let s = simulate(seed, (0.8, 6.0), 1, after_orders(0.9, 3.0, at_once));
            let (_, fit) = BetaGeometric::fit(&s.histories, 1, at_once, 0.0).unwrap();
            recovered(&fit, &[0.8, 6.0, 0.9, 3.0]);
        }
    }
}

#[test]
fn regular_buyers_and_their_regularity() {
    for seed in SEEDS {
        for (k, at_once) in [(2, true), (3, false)] {
            let s = simulate(seed, (1.2, 3.0), k, after_orders(0.9, 4.0, at_once));
            let (model, fit) = BetaGeometric::fit_regularity(&s.histories, at_once, s.sum_ln_gaps).unwrap();
            assert_eq!(model.k, k);
            recovered(&fit, &[1.2, 3.0, 0.9, 4.0]);
        }
        // Poisson buyers are not taken for regular ones.
        let s = simulate(seed, (1.2, 3.0), 1, after_orders(0.9, 4.0, true));
        assert_eq!(BetaGeometric::fit_regularity(&s.histories, true, s.sum_ln_gaps).unwrap().0.k, 1);
    }
}

#[test]
fn pareto_nbd() {
    for seed in SEEDS {
        let levels = Gamma::new(1.1, 1.0 / 25.0).unwrap();
        let s = simulate(
            seed,
            (0.8, 6.0),
            1,
            at_a_time(|rng| {
                let mu: f64 = levels.sample(rng);
                Exp::new(mu.max(1e-12)).unwrap().sample(rng)
            }),
        );
        recovered(&ParetoNbd::fit(&s.histories).unwrap().1, &[0.8, 6.0, 1.1, 25.0]);
    }
}

#[test]
fn ggompertz_nbd() {
    // A hazard that grows fast enough to be told from Pareto/NBD's.
    let (b, s, beta) = (0.08, 1.5, 6.0);
    for seed in SEEDS {
        let levels = Gamma::new(s, 1.0 / beta).unwrap();
        let data = simulate(
            seed,
            (0.9, 3.0),
            1,
            at_a_time(|rng| {
                let eta: f64 = levels.sample(rng);
                let u: f64 = rng.sample(Exp1);
                (u / eta).ln_1p() / b
            }),
        );
        let histories = &data.histories[..3_000];
        let (_, fit) = GGompertzNbd::fit(histories).unwrap();
        recovered(&fit, &[0.9, 3.0, b, s, beta]);
        if seed == SEEDS[0] {
            let (_, narrow) = ParetoNbd::fit(histories).unwrap();
            assert!(fit.log_likelihood > narrow.log_likelihood + 3.0, "{fit:?} {narrow:?}");
        }
    }
}

#[test]
fn bg_bb() {
    for seed in SEEDS {
        let mut rng = R::seed_from_u64(seed);
        let (buys, drops) = (Beta::new(1.2, 0.8).unwrap(), Beta::new(0.7, 2.8).unwrap());
        let histories: Vec<History> = (0..CUSTOMERS)
            .map(|_| {
                let (p, theta): (f64, f64) = (buys.sample(&mut rng), drops.sample(&mut rng));
                let n = rng.gen_range(5..12);
                let (mut x, mut t_x) = (0.0, 0.0);
                for t in 1..=n {
                    if rng.gen_bool(theta) {
                        break;
                    }
                    if rng.gen_bool(p) {
                        (x, t_x) = (x + 1.0, f64::from(t));
                    }
                }
                history(x, t_x, f64::from(n))
            })
            .collect();
        recovered(&BetaBernoulli::fit(&histories).unwrap().1, &[1.2, 0.8, 0.7, 2.8]);
    }
}

#[test]
fn gamma_gamma() {
    let (p, q, v) = (6.0, 4.0, 15.0);
    for seed in SEEDS {
        let mut rng = R::seed_from_u64(seed);
        let rates = Gamma::new(q, 1.0 / v).unwrap();
        let rows: Vec<(f64, f64)> = (0..CUSTOMERS)
            .map(|i| {
                let x = (1 + i % 6) as f64;
                let nu: f64 = rates.sample(&mut rng);
                (x, Gamma::new(p * x, 1.0 / (nu * x)).unwrap().sample(&mut rng))
            })
            .collect();
        let (model, fit) = GammaGamma::fit(&rows).unwrap();
        recovered(&fit, &[p, q, v]);
        let sum: f64 = rows.iter().map(|(x, m)| model.log_likelihood(*x, *m)).sum();
        close(fit.log_likelihood, sum, 1e-10);
    }
}

#[test]
fn covariates() {
    let names = (["purchase covariate".to_owned()], ["drop-out covariate".to_owned()]);
    for seed in SEEDS {
        // Each customer is simulated from its own parameters.
        let mut rng = R::seed_from_u64(seed);
        let (mut pareto, mut geometric, mut known) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..2 * CUSTOMERS {
            let z = f64::from(u8::from(rng.gen_bool(0.4)));
            let w: f64 = rng.gen_range(-1.0..1.0);
            let age = rng.gen_range(40.0..100.0);
            // Rates are multiplied by e^(0.5 z), death rates by e^(0.6 w).
            let rate: f64 = Gamma::new(0.8, (0.5 * z).exp() / 6.0).unwrap().sample(&mut rng);
            let mu: f64 = Gamma::new(1.1, (0.6 * w).exp() / 25.0).unwrap().sample(&mut rng);
            let dies: f64 = rng.sample::<f64, _>(Exp1) / mu;
            let drop: f64 =
                Beta::new(0.9 * (0.5 * w).exp(), 3.0 * (-0.2 * w).exp()).unwrap().sample(&mut rng);
            for (histories, by_time) in [(&mut pareto, true), (&mut geometric, false)] {
                let (mut x, mut t_x) = (0.0, 0.0);
                loop {
                    let t = t_x + rng.sample::<f64, _>(Exp1) / rate.max(1e-12);
                    if t > age || (by_time && t > dies) {
                        break;
                    }
                    (x, t_x) = (x + 1.0, t);
                    if !by_time && rng.gen_bool(drop) {
                        break;
                    }
                }
                histories.push(history(x, t_x, age));
            }
            known.push(Known { purchase: vec![z], drop_out: vec![w] });
        }
        let names = (&names.0[..], &names.1[..]);
        let template = ParetoNbd { r: 1.0, alpha: 1.0, s: 1.0, beta: 1.0 };
        let (model, fit) = WithCovariates::fit(&template, &pareto, &known, names, 0.0).unwrap();
        recovered(&fit, &[0.8, 6.0, 1.1, 25.0, 0.5, 0.6]);
        // The likelihood is that of each customer's own model.
        let sum: f64 = pareto.iter().zip(&known).map(|(h, k)| model.of(k).log_likelihood(*h)).sum();
        close(fit.log_likelihood, sum, 1e-9);
        let (_, narrow) = ParetoNbd::fit(&pareto).unwrap();
        assert!(fit.log_likelihood > narrow.log_likelihood + 10.0);
        let template = BetaGeometric::bg_nbd(1.0, 1.0, 1.0, 1.0);
        let (_, fit) = WithCovariates::fit(&template, &geometric, &known, names, 0.0).unwrap();
        recovered(&fit, &[0.8, 6.0, 0.9, 3.0, 0.5, 0.5, -0.2]);
        // A penalty draws the coefficients to zero, and all but removes them in the end.
        let size = |l2: f64| {
            let (m, _) = WithCovariates::fit(&template, &geometric, &known, names, l2).unwrap();
            m.coefficients.iter().flatten().map(|c| c.abs()).sum::<f64>()
        };
        let (free, held, tight) = (size(0.0), size(0.05), size(100.0));
        assert!(free > held && held > tight && tight < 0.01, "{free} {held} {tight}");
    }
}

/// What customers do in the next 26 weeks, drawn from a model that knows them.
fn ahead(seed: u64, orders: &Orders, histories: &[History]) -> Vec<f64> {
    let mut rng = R::seed_from_u64(seed ^ 0xA11);
    let mut draw = |h: &History| {
        let p = orders.p_alive_of(*h, &Known::default());
        if !rng.gen_bool(p.clamp(0.0, 1.0)) {
            return 0.0;
        }
        // Poisson by its gaps.
        let (mean, mut t, mut n) = (orders.expected_orders(*h, 26.0) / p, 0.0, 0.0);
        loop {
            t += rng.sample::<f64, _>(Exp1);
            if t > mean {
                return n;
            }
            n += 1.0;
        }
    };
    histories.iter().map(&mut draw).collect()
}

/// The notes of a fit to histories in weeks.
fn notes(model: Model, histories: &[History]) -> Vec<String> {
    let of = |f: fn(&History) -> f64| histories.iter().map(f).collect::<Vec<f64>>();
    let (x, orders) = (of(|h| h.x), of(|h| h.x + 1.0));
    let (t_x_days, age_days) = (of(|h| 7.0 * h.t_x), of(|h| 7.0 * h.age));
    let spend: Vec<f64> = (0..x.len()).map(|i| 20.0 + (i * 7919 % 97) as f64).collect();
    let input = Input {
        x: &x,
        t_x_days: &t_x_days,
        age_days: &age_days,
        mean_ln_gap_days: &vec![f64::NAN; x.len()],
        mean_repeat_spend: &spend,
        orders: &orders,
        net_revenue: &spend,
        cost: &vec![f64::NAN; x.len()],
        groups: &[],
        known: &[],
        occasions: None,
    };
    let (_, report) = Clv::fit(input, &Settings { model, ..Settings::default() }).unwrap();
    report.warnings.iter().map(|w| w.key.to_string()).collect()
}

/// Where nobody drops out, the model that knows no drop-out is the plainest of those as good as the best, and whoever asks for
/// another is told; where customers do drop out, neither happens.
#[test]
fn drop_out_is_seen_where_there_is_some_and_nowhere_else() {
    for seed in SEEDS {
        let stays = simulate(seed, (0.8, 12.0), 1, at_a_time(|_| f64::INFINITY));
        let leaves = simulate(seed, (0.8, 6.0), 1, after_orders(0.9, 3.0, true));
        for (s, drops) in [(&stays, false), (&leaves, true)] {
            let truth = if drops { Model::MbgNbd } else { Model::Nbd };
            let (orders, _) = truth.fit(&s.histories, 0.0).unwrap();
            let (tried, chosen) =
                choose(&s.histories, s.sum_ln_gaps, &ahead(seed, &orders, &s.histories), 26.0);
            let (model, why) = chosen.unwrap();
            assert_eq!(model == Model::Nbd, !drops, "{why:?}");
            let fit = |m: Model| &tried.iter().find(|c| c.model == m).unwrap().outcome.as_ref().unwrap().1;
            assert!(fit(model).run_off.is_empty() && fit(model).ridge.is_none(), "{:?}", fit(model));
            for model in [Model::BgNbd, Model::MbgNbd, Model::ParetoNbd] {
                let told = notes(model, &s.histories).contains(&"no_drop_out_seen".to_owned());
                assert_eq!(told, !drops, "{model:?}");
            }
        }
    }
}
