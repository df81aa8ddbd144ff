//! Published results, and independent recomputations with 40 digits. Where data are needed, see `tests/it/clv.rs`.

use super::*;

/// Fader, Hardie & Lee (2005), table 1, CDNOW.
fn paper() -> Orders {
    Orders::BetaGeometric(BetaGeometric::bg_nbd(0.243, 4.414, 0.793, 2.426))
}

/// BTYD 2.4.3, walkthrough.
fn btyd() -> Orders {
    Orders::BetaGeometric(BetaGeometric::bg_nbd(0.2425967, 4.413659, 0.7929869, 2.426164))
}

fn pareto(r: f64, alpha: f64, s: f64, beta: f64) -> Orders {
    Orders::ParetoNbd(ParetoNbd { r, alpha, s, beta })
}

#[test]
fn bg_nbd_expects_of_new_customers_what_was_published() {
    // lifetimes, tests/test_estimation.py, from Hardie's spreadsheet; four decimals, at the optimum.
    for (t, expected) in [(0.1429, 0.0078), (1.0, 0.0532), (3.0, 0.1506), (31.8571, 1.0405), (32.0, 1.0437)] {
        near(btyd().expected_orders_of_new_customer(t), expected, 6e-5);
    }
    near(btyd().expected_orders_of_new_customer(78.0), 1.8576, 1e-3);
    // BTYD walkthrough.
    close(btyd().expected_orders_of_new_customer(52.0), 1.444004, 1e-6);
}

#[test]
fn bg_nbd_conditional_expectations_are_as_published() {
    // lifetimes, from Hardie's spreadsheet; tolerance 0.001 there.
    near(paper().expected_orders(history(2.0, 30.43, 38.86), 39.0), 1.226, 1e-3);
    // BTYD walkthrough, at its own parameters.
    let frequent = history(26.0, 30.85714, 31.0);
    close(btyd().expected_orders(frequent, 52.0), 25.75659, 1e-6);
    close(btyd().p_alive(frequent), 0.9688523, 1e-6);
    for (x, expected) in [(10.0, 0.3474606), (15.0, 0.04283391), (20.0, 0.004158973), (25.0, 0.0003583685)] {
        close(btyd().expected_orders(history(x, 20.0, 39.0), 52.0), expected, 1e-6);
    }
    assert_eq!(paper().p_alive(history(0.0, 0.0, 38.0)), 1.0);
}

#[test]
fn bg_nbd_counts_are_distributed_as_published() {
    // lifetimes, from the BTYD manual.
    let p = |t: f64, n: usize| paper().distribution(History::NEW, t, n)[n];
    close(p(2.0, 10), 1.07869e-7, 1e-5);
    close(p(39.0, 0), 0.5737864, 1e-6);
    let thirty = paper().distribution(History::NEW, 30.0, 20);
    let expected = [
        0.0019995214, 0.0015170236, 0.0011633150, 0.0009003148, 0.0007023638, 0.0005517902, 0.0004361913,
        0.0003467171, 0.0002769613, 0.0002222260,
    ];
    for (got, expected) in thirty[11..].iter().zip(expected) {
        near(*got, expected, 1e-10);
    }
}

#[test]
fn bg_nbd_hard_cases_stay_finite_and_exact() {
    // Recomputed with 40 digits by quadrature; lifetimes issue 302 has NaN for the first.
    let odd = BetaGeometric::bg_nbd(0.11, 2.24, 0.31, 0.50);
    let new = history(0.0, 0.0, 1.0);
    close(odd.log_likelihood(new), -0.0406007210331, 1e-10);
    close(Orders::BetaGeometric(odd).expected_orders(new, 30.0), 0.564588615533, 1e-10);
    let many = history(1000.0, 10.0, 100.0);
    let model = BetaGeometric::bg_nbd(0.243, 4.414, 0.793, 2.426);
    close(model.log_likelihood(many), 3225.14298368, 1e-10);
    assert_eq!(model.p_alive(many), 0.0);
    assert_eq!(paper().expected_orders(many, 30.0), 0.0);
    // PyMC-Marketing, test_beta_geo.py, after Hardie's note 027.
    let note = BetaGeometric::bg_nbd(0.25, 4.0, 0.8, 2.5);
    close(note.log_likelihood(history(0.0, 0.0, 40.0)), -0.59947382, 1e-7);
    close(note.log_likelihood(history(200.0, 38.0, 40.0)), 100.7957, 1e-6);
}

#[test]
fn mbg_nbd_is_as_published() {
    // PyMC-Marketing, the same customers.
    let note = BetaGeometric::mbg_nbd(0.25, 4.0, 0.8, 2.5);
    close(note.log_likelihood(history(0.0, 0.0, 40.0)), -0.41792826, 1e-7);
    close(note.log_likelihood(history(200.0, 38.0, 40.0)), 100.7869, 1e-6);
    assert!(note.p_alive(history(0.0, 0.0, 40.0)) < 1.0);
}

#[test]
fn pareto_nbd_is_as_published() {
    // lifetimes, from the BTYD manual: E[X(t)], t = 0..9.
    let manual = pareto(0.55, 10.56, 0.61, 11.64);
    let path = [
        0.0, 0.05077821, 0.09916088, 0.14542507, 0.18979930, 0.23247466, 0.27361274, 0.31335159, 0.35181024,
        0.38909211,
    ];
    for (t, expected) in path.into_iter().enumerate() {
        near(manual.expected_orders_of_new_customer(t as f64), expected, 6e-9);
    }
    // BTYD walkthrough, at its estimates.
    let btyd = pareto(0.55339714, 10.58019854, 0.6060625, 11.65622367);
    // That of new customers is printed from the unrounded fit, recomputed from the transactions.
    let unrounded = pareto(0.55327706, 10.57768406, 0.60623995, 11.66873501);
    close(unrounded.expected_orders_of_new_customer(52.0), 1.473434, 1e-6);
    let frequent = history(26.0, 30.85714, 31.0);
    // Printed as 25.45647; with 30 digits these estimates give 25.45418, the unrounded fit 25.45518.
    close(btyd.expected_orders(frequent, 52.0), 25.45647, 1e-4);
    close(btyd.expected_orders(frequent, 52.0), 25.4541821056127, 1e-11);
    close(btyd.p_alive(frequent), 0.997874, 1e-6);
    for (x, expected) in [(10.0, 0.7062289), (15.0, 0.1442396), (20.0, 0.02250658), (25.0, 0.00309267)] {
        // The printed digits are those of the unrounded fit; at these estimates they hold to 4e-4.
        close(btyd.expected_orders(history(x, 20.0, 39.0), 52.0), expected, 1e-3);
    }
    // Recomputed with 40 digits.
    close(manual.distribution(History::NEW, 2.0, 10)[10], 1.89370759668e-9, 1e-8);
    close(manual.distribution(History::NEW, 39.0, 0)[0], 0.595938069598, 1e-9);
    close(manual.p_no_order(History::NEW, 39.0), 0.595938069598, 1e-9);
    close(manual.distribution(History::NEW, 30.0, 11)[11], 0.00188994147309, 1e-9);
}

#[test]
fn pareto_nbd_hard_cases_are_exact() {
    // Recomputed with 40 digits by quadrature: ln L, P(alive), E in the next 52, DERT at 0.0027.
    let walkthrough = ParetoNbd { r: 0.5534, alpha: 10.5802, s: 0.6061, beta: 11.6562 };
    let manual = ParetoNbd { r: 0.5629966, alpha: 12.5590370, s: 0.4081095, beta: 10.5148048 };
    let clvtools = ParetoNbd { r: 0.5143, alpha: 2.8845, s: 0.2856, beta: 14.1087 };
    let cases = [
        (walkthrough, (26.0, 30.86, 31.0), [-39.1321278835, 0.997917766552, 25.4549135115, 86.0303756154]),
        (manual, (7.0, 35.0, 77.86), [-24.0167160448, 0.100746308354, 0.396413445934, 1.86418332807]),
        (manual, (1.0, 30.0, 77.86), [-6.50584770715, 0.575085374094, 0.46764434422, 2.1991554497]),
        (manual, (5.0, 30.0, 77.86), [-18.8997364226, 0.135226531327, 0.39137766074, 1.84050192448]),
        (manual, (10.0, 30.0, 77.86), [-28.3603262508, 0.00649784176842, 0.0357093217901, 0.167927508566]),
        (
            clvtools,
            (221.0, 103.42857, 103.57143),
            [-61.5846485617, 0.999596052318, 102.37180578, 559.0997652],
        ),
        (
            clvtools,
            (254.0, 97.14286, 97.28571),
            [-19.6232922175, 0.999558226123, 124.660527207, 676.452108888],
        ),
        (clvtools, (161.0, 94.71429, 98.0), [-87.4292548633, 0.749487752258, 58.916630728, 319.943106088]),
        (
            clvtools,
            (204.0, 98.57143, 99.42857),
            [-65.1983421893, 0.994255079638, 97.645379826, 531.047534403],
        ),
    ];
    for (model, (x, t_x, age), [ll, alive, expected, dert]) in cases {
        let (h, orders) = (history(x, t_x, age), Orders::ParetoNbd(model));
        close(model.log_likelihood(h), ll, 1e-10);
        close(orders.p_alive(h), alive, 1e-9);
        close(orders.expected_orders(h, 52.0), expected, 1e-9);
        close(orders.residual_orders(h, 0.0027), dert, 1e-8);
    }
    // Windows of 39: alpha = beta, and t_x = T.
    let equal = ParetoNbd { r: 0.55, alpha: 10.0, s: 0.6, beta: 10.0 };
    let h = history(3.0, 20.0, 39.0);
    close(equal.log_likelihood(h), -12.052110161, 1e-10);
    close(equal.p_alive(h), 0.50943147503, 1e-9);
    close(Orders::ParetoNbd(equal).expected_orders(h, 39.0), 1.19317112805, 1e-9);
    close(Orders::ParetoNbd(equal).residual_orders(h, 0.0027), 5.3105252898, 1e-8);
    let just = ParetoNbd { r: 0.55, alpha: 10.58, s: 0.61, beta: 11.66 };
    let h = history(3.0, 39.0, 39.0);
    close(just.log_likelihood(h), -12.6798666484, 1e-10);
    assert_eq!(just.p_alive(h), 1.0);
    close(Orders::ParetoNbd(just).expected_orders(h, 39.0), 2.31943228619, 1e-10);
    close(Orders::ParetoNbd(just).residual_orders(h, 0.0027), 10.2985069783, 1e-8);
}

#[test]
fn pareto_nbd_does_not_overflow_where_others_did() {
    // lifetimes, test_estimation.py.
    let steep = pareto(10.465, 7.98565181e-03, 3.0516, 2.820);
    for (x, t_x, age) in [(40.0, 5.0, 6.0), (50.0, 1.0, 37.0), (50.0, 4.0, 37.0)] {
        let alive = steep.p_alive(history(x, t_x, age));
        assert!((0.0..=1.0).contains(&alive), "{alive}");
    }
    let busy = pareto(0.55, 10.58, 0.61, 11.67);
    close(busy.expected_orders(history(132.0, 200.0, 200.0), 10.0), 6.206_051_788_963_242, 1e-10);
    close(busy.expected_orders(history(133.0, 200.0, 200.0), 10.0), 6.252_872_247_574_811, 1e-10);
}

#[test]
fn ggompertz_nbd_becomes_pareto_nbd() {
    // As b and beta go to zero with beta/b = 11.67; CLVTools finds such a fit for CDNOW.
    let pareto = ParetoNbd { r: 0.553, alpha: 10.578, s: 0.606, beta: 11.669 };
    let b = 1e-9;
    let bent = GGompertzNbd { r: 0.553, alpha: 10.578, b, s: 0.606, beta: 11.669 * b };
    for h in [history(0.0, 0.0, 39.0), history(7.0, 20.0, 30.0)] {
        close(bent.log_likelihood(h), pareto.log_likelihood(h), 1e-6);
        let (one, other) = (Orders::GgompertzNbd(bent), Orders::ParetoNbd(pareto));
        close(one.expected_orders(h, 52.0), other.expected_orders(h, 52.0), 1e-6);
        close(one.residual_orders(h, 0.0027), other.residual_orders(h, 0.0027), 1e-5);
        close(one.distribution(h, 20.0, 3)[2], other.distribution(h, 20.0, 3)[2], 1e-6);
    }
}

#[test]
fn bg_bb_is_as_published() {
    // Fader, Hardie & Shang (2010), table 6, for the year after the last: two decimals, at the paper's estimates.
    let model = BetaBernoulli { alpha: 1.204, beta: 0.750, gamma: 0.657, delta: 2.783 };
    for (x, t_x, expected) in [(0.0, 0.0, 0.11), (2.0, 4.0, 0.59), (6.0, 6.0, 0.93)] {
        near(model.p_alive_next(history(x, t_x, 6.0)), expected, 0.006);
    }
    // PyMC-Marketing, from Hardie's note 010, at its estimates; and the BTYD walkthrough.
    let pymc = BetaBernoulli { alpha: 1.2035, beta: 0.7497, gamma: 0.6567, delta: 2.7834 };
    let btyd = BetaBernoulli { alpha: 1.203528, beta: 0.7497260, gamma: 0.6567808, delta: 2.783796 };
    let orders = Orders::BetaBernoulli(btyd);
    let path = [0.4985, 0.9233, 1.2969, 1.6323, 1.9381, 2.2202, 2.4826, 2.7285, 2.9603, 3.1798, 3.3887];
    for (n, expected) in path.into_iter().enumerate() {
        near(Orders::BetaBernoulli(pymc).expected_orders_of_new_customer(n as f64 + 1.0), expected, 1e-4);
    }
    close(orders.expected_orders_of_new_customer(10.0), 3.179805, 1e-6);
    close(orders.expected_orders(history(0.0, 0.0, 6.0), 10.0), 0.1302169, 1e-6);
    close(orders.expected_orders(history(4.0, 5.0, 6.0), 10.0), 3.627858, 1e-6);
    // lifetimes: of 11,104 donors, expected with 0 and 6 gifts in 6 years.
    let p = orders.distribution(History::NEW, 6.0, 6);
    near(p[0] * 11_104.0, 3454.9, 0.06);
    near(p[6] * 11_104.0, 1253.1, 0.06);
    close(p.iter().sum(), 1.0, 1e-12);
    // The discounted sum, term by term.
    let delta = 0.1f64.ln_1p();
    let by_hand: f64 = (1..3000)
        .map(|n| {
            let t = f64::from(n);
            let step =
                orders.expected_orders_of_new_customer(t) - orders.expected_orders_of_new_customer(t - 1.0);
            step * (-delta * t).exp()
        })
        .sum();
    close(orders.residual_orders(History::NEW, delta), by_hand, 1e-8);
}

#[test]
fn expected_spend_is_as_published() {
    // Hardie's note 025, by way of lifetimes: parameters of the paper, first customers of CDNOW.
    let model = GammaGamma { p: 6.25, q: 3.74, v: 15.44 };
    near(model.expected_spend(2.0, 22.35), 24.65, 0.1);
    near(model.expected_spend(1.0, 11.77), 18.91, 0.1);
    near(model.expected_spend(0.0, f64::NAN), 35.17, 0.1);
    assert_eq!(model.expected_spend(2.0, -5.0), model.population_mean());
}
