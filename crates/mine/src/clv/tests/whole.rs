//! The whole model: fit, scores, groups, money, judgement.

use std::fmt::Write as _;

use super::*;
use crate::clv::value::MarginName;

/// Customers of a small shop, written down rather than drawn: 600 of them over 300 days.
struct Shop {
    x: Vec<f64>,
    t_x_days: Vec<f64>,
    age_days: Vec<f64>,
    mean_ln_gap_days: Vec<f64>,
    mean_repeat_spend: Vec<f64>,
    orders: Vec<f64>,
    net_revenue: Vec<f64>,
    cost: Vec<f64>,
    groups: Vec<String>,
    known: Vec<Known>,
}

impl Shop {
    fn new() -> Shop {
        let mut s = Shop {
            x: vec![],
            t_x_days: vec![],
            age_days: vec![],
            mean_ln_gap_days: vec![],
            mean_repeat_spend: vec![],
            orders: vec![],
            net_revenue: vec![],
            cost: vec![],
            groups: vec![],
            known: vec![],
        };
        for i in 0..600u32 {
            let x = f64::from(match i % 10 {
                0..=4 => 0,
                5 | 6 => 1,
                7 => 2 + i % 3,
                _ => 3 + i % 11,
            });
            let age = 60.0 + f64::from(i * 37 % 240);
            let t_x = if x == 0.0 { 0.0 } else { (age * f64::from(30 + i * 13 % 65) / 100.0).floor().max(x) };
            s.x.push(x);
            s.t_x_days.push(t_x);
            s.age_days.push(age);
            s.mean_ln_gap_days.push(if x > 0.0 { (t_x / x).ln() - 0.2 } else { f64::NAN });
            s.mean_repeat_spend.push(if x > 0.0 { 20.0 + f64::from(i * 7919 % 97) } else { f64::NAN });
            s.orders.push(x + 1.0);
            s.net_revenue.push(if i == 599 { -5.0 } else { 30.0 * (x + 1.0) });
            s.cost.push(if i % 4 == 0 { f64::NAN } else { 18.0 * (x + 1.0) });
            s.groups.push(if i % 3 == 0 { "a" } else { "b" }.to_owned());
            s.known.push(Known { purchase: vec![f64::from(i % 2)], drop_out: vec![] });
        }
        s
    }

    fn input(&self) -> Input<'_> {
        Input {
            x: &self.x,
            t_x_days: &self.t_x_days,
            age_days: &self.age_days,
            mean_ln_gap_days: &self.mean_ln_gap_days,
            mean_repeat_spend: &self.mean_repeat_spend,
            orders: &self.orders,
            net_revenue: &self.net_revenue,
            cost: &self.cost,
            groups: &[],
            known: &[],
            occasions: None,
        }
    }

    fn histories(&self) -> Vec<History> {
        (0..self.x.len()).map(|i| self.input().in_time(i, 7.0)).collect()
    }
}

fn settings(model: Model) -> Settings {
    Settings {
        model,
        time_unit: TimeUnit::Week,
        occasion_days: 30.0,
        min_group: 50,
        by: None,
        purchase: vec![],
        drop_out: vec![],
        l2: 0.0,
        value: Value { margin: Margin::Rate(0.3), ..Value::default() },
    }
}

#[test]
fn every_model_scores_everyone_with_numbers_in_order() {
    let shop = Shop::new();
    for model in Model::IN_TIME {
        let (clv, report) = Clv::fit(shop.input(), &settings(model)).unwrap();
        assert_eq!(report.fits.len(), 1);
        let scores = clv.score(shop.input());
        assert_eq!(scores.len(), 600);
        for s in &scores {
            let what = format!("{model:?} {s:?}");
            assert!((0.0..=1.0).contains(&s.p_alive) && s.p_alive_at_horizon <= s.p_alive + 1e-12, "{what}");
            assert!(
                s.clv.is_finite() && s.expected_orders >= 0.0 && (0.0..=1.0).contains(&s.p_no_order),
                "{what}"
            );
            assert!(s.residual_clv >= s.clv * (1.0 - 1e-6), "{what}");
            if s.expected_orders_low.is_finite() {
                assert!(
                    s.expected_orders_low <= s.expected_orders && s.expected_orders <= s.expected_orders_high
                );
                assert!(s.clv_low <= s.clv + 1e-12 && s.clv <= s.clv_high + 1e-12, "{what}");
            }
            close(s.customer_equity, s.past_value + s.clv, 1e-12);
        }
        // The months add up to the customers.
        let months = clv.forecast(shop.input());
        assert_eq!(months.len(), 12);
        close(months.iter().map(|m| m.orders).sum(), scores.iter().map(|s| s.expected_orders).sum(), 1e-9);
        close(months.iter().map(|m| m.value).sum(), scores.iter().map(|s| s.clv).sum(), 2e-3);
        let revenue: f64 = scores.iter().map(|s| s.expected_orders * s.expected_order_value).sum();
        close(months.iter().map(|m| m.revenue).sum(), revenue, 1e-9);
        close(months[11].alive, scores.iter().map(|s| s.p_alive_at_horizon).sum(), 1e-9);
        // And distributions have the scores' means and zeros.
        let p = clv.distributions(shop.input(), 300);
        for (s, p) in scores.iter().zip(&p).step_by(97) {
            close(p.iter().enumerate().map(|(n, p)| n as f64 * p).sum(), s.expected_orders, 1e-4);
            close(p[0], s.p_no_order, 1e-9);
        }
    }
}

#[test]
fn months_add_up_to_customers_whatever_the_horizon_and_the_costs() {
    let shop = Shop::new();
    for horizon_days in [10.0, 31.0, 45.0, 365.0] {
        let value =
            Value { horizon_days, cost_per_order: 1.5, cost_per_year: 12.0, ..settings(Model::Nbd).value };
        let (clv, _) = Clv::fit(shop.input(), &Settings { value, ..settings(Model::ParetoNbd) }).unwrap();
        let months = clv.forecast(shop.input());
        let scores = clv.score(shop.input());
        close(months.iter().map(|m| m.value).sum(), scores.iter().map(|s| s.clv).sum(), 2e-3);
        close(months.iter().map(|m| m.orders).sum(), scores.iter().map(|s| s.expected_orders).sum(), 1e-9);
    }
}

#[test]
fn intervals_are_those_of_the_delta_method() {
    let shop = Shop::new();
    let value = Value { cost_per_order: 2.0, cost_per_year: 5.0, ..settings(Model::Nbd).value };
    let (clv, _) = Clv::fit(shop.input(), &Settings { value, ..settings(Model::ParetoNbd) }).unwrap();
    let scores = clv.score(shop.input());
    let (unit, delta) = (clv.unit_days, clv.value.delta(clv.unit_days));
    let horizon = clv.value.horizon_days / unit;
    let mut compared = 0;
    for i in (0..590).step_by(53) {
        let h = clv.history(shop.input(), i);
        let none = Known::default();
        // By hand: central differences by each parameter's logarithm, and the whole covariance.
        let figures = |orders: &Orders, spend: &GammaGamma| {
            let (expected, discounted, time) = orders.ask(h, &none, |alive, f| {
                (
                    alive * f.expected_orders(horizon),
                    alive * f.discounted_orders(horizon, delta),
                    alive * f.discounted_time(horizon, delta),
                )
            });
            let spend = spend.expected_spend(shop.x[i], shop.mean_repeat_spend[i]);
            let years = unit / DAYS_PER_YEAR;
            [expected.ln(), discounted * (0.3 * spend - 2.0) - 5.0 * time * years]
        };
        let fitted = &clv.pooled;
        let step = 1e-4;
        let gradient = |k: usize, n: usize, of: &dyn Fn(&[f64]) -> [f64; 2]| {
            let at = |by: f64| {
                let mut move_by = vec![0.0; n];
                move_by[k] = by;
                of(&move_by)
            };
            let (up, down) = (at(step), at(-step));
            [0, 1].map(|j| (up[j] - down[j]) / (2.0 * step))
        };
        let by_orders: Vec<[f64; 2]> =
            (0..4).map(|k| gradient(k, 4, &|d| figures(&fitted.orders.moved(d), &fitted.spend))).collect();
        let by_spend: Vec<[f64; 2]> = (0..3)
            .map(|k| {
                gradient(k, 3, &|d| {
                    let GammaGamma { p, q, v } = fitted.spend;
                    let spend = GammaGamma { p: p * d[0].exp(), q: q * d[1].exp(), v: v * d[2].exp() };
                    figures(&fitted.orders, &spend)
                })
            })
            .collect();
        let variance = |g: &[[f64; 2]], c: &[Vec<f64>], j: usize| -> f64 {
            (0..g.len()).map(|a| (0..g.len()).map(|b| g[a][j] * c[a][b] * g[b][j]).sum::<f64>()).sum()
        };
        let s = &scores[i];
        let z = 1.959963984540054;
        let se = variance(&by_orders, &fitted.orders_covariance, 0).sqrt();
        close((s.expected_orders_high / s.expected_orders).ln(), z * se, 0.15);
        let both = variance(&by_orders, &fitted.orders_covariance, 1)
            + variance(&by_spend, &fitted.spend_covariance, 1);
        close(s.clv_high - s.clv, z * both.sqrt(), 0.15);
        close(s.clv - s.clv_low, z * both.sqrt(), 0.15);
        compared += 1;
    }
    assert_eq!(compared, 12);
}

#[test]
fn parameters_that_run_off_together_leave_their_ratio_uncertain() {
    // Poisson buyers of one rate: r and alpha run off, the rate is known to one over the root of all orders.
    let histories: Vec<History> = (0..400)
        .map(|i| {
            let x = f64::from([0, 1, 1, 2, 2, 2, 3, 3, 4, 5][i % 10]);
            history(x, if x > 0.0 { 9.0 } else { 0.0 }, 10.0)
        })
        .collect();
    let (orders, fit) = Model::Nbd.fit(&histories, 0.0).unwrap();
    assert!(!fit.run_off.is_empty() && fit.parameters.iter().all(|p| p.standard_error.is_none()), "{fit:?}");
    let total: f64 = histories.iter().map(|h| h.x).sum();
    let rate = |d: [f64; 2]| orders.moved(&d).expected_orders_of_new_customer(1.0).ln();
    let g =
        [(rate([1e-4, 0.0]) - rate([-1e-4, 0.0])) / 2e-4, (rate([0.0, 1e-4]) - rate([0.0, -1e-4])) / 2e-4];
    let c = &fit.covariance;
    let se = (0..2).map(|a| (0..2).map(|b| g[a] * c[a][b] * g[b]).sum::<f64>()).sum::<f64>().sqrt();
    close(se, 1.0 / total.sqrt(), 0.05);
}

#[test]
fn a_model_comes_back_from_its_file_with_the_same_scores() {
    let mut shop = Shop::new();
    shop.groups = vec![];
    for model in Model::IN_TIME {
        let (clv, _) = Clv::fit(shop.input(), &settings(model)).unwrap();
        let text = serde_json::to_string(&clv).unwrap();
        let back: Clv = serde_json::from_str(&text).unwrap();
        assert!(back.check().is_ok());
        assert_eq!(format!("{:?}", back.score(shop.input())), format!("{:?}", clv.score(shop.input())));
    }
}

#[test]
fn subsets_and_orders_of_customers_change_no_score() {
    let shop = Shop::new();
    let (clv, _) = Clv::fit(shop.input(), &settings(Model::ParetoNbd)).unwrap();
    let all = clv.score(shop.input());
    let reversed = |v: &[f64]| v.iter().rev().copied().collect::<Vec<_>>();
    let (x, t_x_days, age_days) = (reversed(&shop.x), reversed(&shop.t_x_days), reversed(&shop.age_days));
    let (gaps, spend, orders) =
        (reversed(&shop.mean_ln_gap_days), reversed(&shop.mean_repeat_spend), reversed(&shop.orders));
    let (net, cost) = (reversed(&shop.net_revenue), reversed(&shop.cost));
    let half = 300;
    let input = Input {
        x: &x[..half],
        t_x_days: &t_x_days[..half],
        age_days: &age_days[..half],
        mean_ln_gap_days: &gaps[..half],
        mean_repeat_spend: &spend[..half],
        orders: &orders[..half],
        net_revenue: &net[..half],
        cost: &cost[..half],
        ..shop.input()
    };
    let some = clv.score(input);
    let mut differences = String::new();
    for (i, s) in some.iter().enumerate() {
        if format!("{s:?}") != format!("{:?}", all[599 - i]) {
            let _ = writeln!(differences, "{i}: {s:?} {:?}", all[599 - i]);
        }
    }
    assert_eq!(differences, "");
}

#[test]
fn groups_have_models_of_their_own_and_small_ones_the_pooled() {
    let mut shop = Shop::new();
    for i in 0..20 {
        shop.groups[i * 30] = "few".to_owned();
    }
    let input = Input { groups: &shop.groups, ..shop.input() };
    let (clv, report) = Clv::fit(input, &settings(Model::BgNbd)).unwrap();
    assert_eq!(clv.groups.keys().collect::<Vec<_>>(), ["a", "b"]);
    let few = report.fits.iter().find(|f| f.group.as_deref() == Some("few")).unwrap();
    assert_eq!(few.pooled_because, Some(message!("fewer_customers", least = 50usize)));
    let scores = clv.score(input);
    // A customer of the group scores by the group's parameters.
    let i = (0..600).find(|i| shop.groups[*i] == "b" && shop.x[*i] > 2.0).unwrap();
    let h = input.in_time(i, 7.0);
    close(scores[i].p_alive, clv.groups["b"].orders.p_alive(h), 1e-14);
    close(scores[0].p_alive, clv.pooled.orders.p_alive(input.in_time(0, 7.0)), 1e-14);
}

#[test]
fn costs_margins_and_policies_change_money_as_they_say() {
    let shop = Shop::new();
    let with = |value: Value| {
        let (clv, _) = Clv::fit(shop.input(), &Settings { value, ..settings(Model::ParetoNbd) }).unwrap();
        clv.score(shop.input())
    };
    let plain = Value { margin: Margin::Rate(0.3), annual_discount_rate: 0.0, ..Value::default() };
    let base = with(plain);
    let i = 8;
    close(base[i].clv, 0.3 * base[i].expected_orders * base[i].expected_order_value, 1e-12);
    close(base[i].past_value, 0.3 * shop.net_revenue[i], 1e-12);
    let costly = with(Value { cost_per_order: 2.0, acquisition_cost: 7.0, ..plain });
    close(costly[i].clv, base[i].clv - 2.0 * base[i].expected_orders, 1e-12);
    close(costly[i].past_value, base[i].past_value - 2.0 * shop.orders[i] - 7.0, 1e-12);
    // A customer who lives all year costs a year.
    let kept = with(Value { cost_per_year: 12.0, ..plain });
    let lost = base[i].clv - kept[i].clv;
    let (most, least) = (
        12.0 * base[i].p_alive * 365.0 / DAYS_PER_YEAR,
        12.0 * base[i].p_alive_at_horizon * 365.0 / DAYS_PER_YEAR,
    );
    assert!(least < lost && lost < most, "{least} {lost} {most}");
    // The more the future is discounted, the less it is worth.
    let rates = [0.0, 0.05, 0.2, 1.0]
        .map(|annual_discount_rate| with(Value { annual_discount_rate, ..plain })[i].clv);
    assert!(rates.windows(2).all(|w| w[1] < w[0]), "{rates:?}");
    // Unit costs: 18 of 30 where they are known, and all known ones together elsewhere.
    let own = with(Value { margin: Margin::Named(MarginName::UnitCost), ..plain });
    for i in [8, 9] {
        close(own[i].clv, 0.4 * base[i].expected_orders * base[i].expected_order_value, 1e-12);
    }
    // The one whose net spend is negative.
    let policy = |nonpositive_spend| with(Value { nonpositive_spend, ..plain })[599];
    assert!(policy(NonPositiveSpend::Population).expected_order_value > 0.0);
    assert_eq!(policy(NonPositiveSpend::Zero).clv, 0.0);
    let null = policy(NonPositiveSpend::Null);
    assert!(null.clv.is_nan() && null.expected_order_value.is_nan() && null.expected_orders.is_finite());
}

#[test]
fn annual_rates_become_weekly_ones() {
    let value = Value { annual_discount_rate: 0.1, ..Value::default() };
    close(value.delta(7.0) * DAYS_PER_YEAR / 7.0, 1.1f64.ln(), 1e-12);
    let wrong = |v: Value| v.check().unwrap_err().to_string();
    assert!(wrong(Value { annual_discount_rate: 10.5, ..value }).contains("as 0.1 for 10 %"));
    assert!(wrong(Value { horizon_days: 0.0, ..value }).contains("horizon_days"));
    assert!(wrong(Value { margin: Margin::Rate(30.0), ..value }).contains("within -1 to 1"));
    assert!(wrong(Value { cost_per_year: -1.0, ..value }).contains("cost_per_year"));
    assert!(wrong(Value { interval: 1.0, ..value }).contains("0.95"));
}

#[test]
fn covariates_are_asked_of_every_customer() {
    let shop = Shop::new();
    let input = Input { known: &shop.known, ..shop.input() };
    let mut s = settings(Model::BgNbd);
    s.purchase = vec![Levels { column: "odd".into(), base: "no".into(), levels: vec!["yes".into()] }];
    let (clv, report) = Clv::fit(input, &s).unwrap();
    assert_eq!(report.fits[0].orders.as_ref().unwrap().parameters[4].name, "purchase: odd = yes");
    assert_eq!(clv.score(input).len(), 600);
    let refused = Clv::fit(shop.input(), &s).unwrap_err().to_string();
    assert!(refused.contains("covariates for every customer"), "{refused}");
    s.model = Model::Nbd;
    assert!(Clv::fit(input, &s).unwrap_err().to_string().contains("bg_nbd or pareto_nbd"));
}

#[test]
fn a_judged_model_is_measured_and_the_best_is_chosen_with_a_reason() {
    let shop = Shop::new();
    let histories = shop.histories();
    let (orders, _) = Model::ParetoNbd.fit(&histories, 0.0).unwrap();
    // Customers who do exactly what one model expects, rounded.
    let actual: Vec<f64> = histories.iter().map(|h| orders.expected_orders(*h, 20.0).round()).collect();
    let judged = judge(&orders, &histories, &[], &actual, 20.0, 1.0);
    assert_eq!(judged.customers, 600);
    assert_eq!(judged.actual, actual.iter().sum::<f64>());
    close(judged.expected, histories.iter().map(|h| orders.expected_orders(*h, 20.0)).sum(), 1e-12);
    assert!(judged.mae < 0.5 && judged.rmse < 0.5 && judged.correlation.unwrap() > 0.9);
    let by_hand: f64 = histories
        .iter()
        .zip(&actual)
        .map(|(h, a)| orders.distribution(*h, 20.0, *a as usize)[*a as usize].ln())
        .sum();
    close(judged.log_score.unwrap(), by_hand / 600.0, 1e-10);
    assert_eq!(judged.by_frequency.iter().map(|b| b.customers).sum::<usize>(), 600);
    let (tried, chosen) = choose(&histories, -200.0, &actual, 20.0);
    assert_eq!(tried.len(), 7);
    let (model, why) = chosen.unwrap();
    let outcome = |m: Model| tried.iter().find(|c| c.model == m).unwrap().outcome.as_ref().unwrap();
    let (_, fit, judged) = outcome(model);
    // The truth is among those as good as the best; what is chosen has no more parameters than it.
    let truth = outcome(Model::ParetoNbd);
    assert!(fit.parameters.len() <= truth.1.parameters.len() && fit.run_off.is_empty());
    assert!((judged.log_score.unwrap() - truth.2.log_score.unwrap()).abs() < 0.02, "{why:?}");
    assert_eq!(why.key, "model_chosen");
}

#[test]
fn tracking_adds_up_new_customers() {
    let orders = Orders::BetaGeometric(BetaGeometric::bg_nbd(0.243, 4.414, 0.793, 2.426));
    let path = track(&orders, 7.0, &[10.0, 0.0, 5.0, 0.0]).unwrap();
    let new = |d: f64| orders.expected_orders_of_new_customer(d / 7.0);
    assert_eq!(path[0], 0.0);
    close(path[3], 10.0 * new(3.0) + 5.0 * new(1.0), 1e-12);
    let donors = Orders::BetaBernoulli(BetaBernoulli { alpha: 1.0, beta: 1.0, gamma: 1.0, delta: 1.0 });
    assert!(track(&donors, 30.0, &[1.0]).is_none());
}

#[test]
fn data_that_cannot_carry_the_models_are_refused() {
    for model in Model::IN_TIME {
        let e = model.fit(&[history(0.0, 0.0, 10.0); 50], 0.0).unwrap_err().to_string();
        assert!(e.ends_with("needs at least 3 customers with repeat orders, but 0 of 50 have any"), "{e}");
        assert!(
            model.fit(&[history(1.0, 12.0, 10.0); 50], 0.0).unwrap_err().to_string().contains("t_x <= age")
        );
        assert!(model.fit(&[], 0.0).is_err());
    }
    assert!(
        Model::BgBb
            .fit(&[history(1.0, 1.5, 3.0); 9], 0.0)
            .unwrap_err()
            .to_string()
            .contains("whole occasions")
    );
    assert!(GammaGamma::fit(&[(1.0, 5.0)]).is_err());
    assert!(BetaGeometric::fit(&[], 13, false, 0.0).unwrap_err().to_string().contains("within 1 to 12"));
}

#[test]
fn customers_who_do_not_differ_end_on_the_boundary_and_it_is_said() {
    let (model, fit) = Model::BgNbd.fit(&[history(2.0, 8.0, 10.0); 50], 0.0).unwrap();
    assert!(fit.run_off.iter().any(|p| p == "r towards infinity"), "{fit:?}");
    assert!(fit.warnings()[0].key == "on_the_boundary");
    // Two orders in ten: so many are to come.
    close(model.expected_orders(history(2.0, 8.0, 10.0), 10.0), 2.0, 0.05);
    let (spend, fit) = GammaGamma::fit(&[(2.0, 10.0); 50]).unwrap();
    assert!(!fit.run_off.is_empty());
    close(spend.expected_spend(2.0, 10.0), 10.0, 0.01);
}

#[test]
fn the_mean_spend_is_held_at_the_observed_one_where_the_tail_or_nothing_decides() {
    let held = |rows: &[(f64, f64)]| {
        let (model, fit) = GammaGamma::fit(rows).unwrap();
        let observed = rows.iter().map(|r| r.1).sum::<f64>() / rows.len() as f64;
        close(model.population_mean(), observed, 1e-9 * observed);
        close(model.expected_spend(0.0, f64::NAN), observed, 1e-9 * observed);
        assert_eq!(fit.ridge.as_ref().unwrap().key, "mean_taken");
        // Its uncertainty is that of a mean: the variance of the logarithm.
        let spread = rows.iter().map(|r| (r.1 - observed).powi(2)).sum::<f64>() / (rows.len() as f64 - 1.0);
        close(fit.covariance[2][2], spread / observed.powi(2) / rows.len() as f64, 1e-9);
        model
    };
    // Spend without a finite mean: q at or below one.
    let tail: Vec<(f64, f64)> =
        (1..400).map(|i| (1.0 + f64::from(i % 3), 1.5f64.powi(i % 60) + f64::from(i))).collect();
    let model = held(&tail);
    // Customers are drawn towards the mean, the less the more they ordered.
    let [once, often] = [1.0, 50.0].map(|x| model.expected_spend(x, 10.0));
    assert!(10.0 < often && often < once && once < model.population_mean());
    // Five prices in turn for everyone: customers do not differ, and all are expected to spend the same.
    let turn: Vec<(f64, f64)> = (0..300)
        .map(|i| {
            let x = 1 + i % 6;
            (f64::from(x), (0..x).map(|k| f64::from(8 + 2 * ((i + k) % 5))).sum::<f64>() / f64::from(x))
        })
        .collect();
    let (model, fit) = GammaGamma::fit(&turn).unwrap();
    assert!(!fit.warnings().is_empty());
    let same = [(1.0, 8.0), (6.0, 11.0), (3.0, 16.0)].map(|(x, m)| model.expected_spend(x, m));
    assert!(same.iter().all(|s| (s - 12.0).abs() < 0.5), "{same:?}");
}

#[test]
fn texts_become_covariates_with_the_most_frequent_as_base() {
    let mut texts = vec!["UK"; 900];
    texts.extend(["FR"; 60]);
    texts.extend(["DE"; 37]);
    texts.extend(["rare"; 3]);
    let levels = Levels::of("top_country", &texts);
    assert_eq!((levels.base.as_str(), levels.levels.join(" ")), ("UK", "FR DE".to_owned()));
    assert_eq!(levels.names().collect::<Vec<_>>(), ["top_country = FR", "top_country = DE"]);
    assert_eq!(levels.encode("DE").collect::<Vec<_>>(), [0.0, 1.0]);
    assert_eq!(levels.encode("rare").collect::<Vec<_>>(), [0.0, 0.0]);
    let known = Settings::known(&[levels], &[], 1000, |_| Some(&texts));
    assert_eq!(known[950].purchase, [1.0, 0.0]);
    assert!(Settings::known(&[], &[], 5, |_| None).is_empty());
}
