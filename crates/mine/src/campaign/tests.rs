use super::*;
use rand::{RngCore, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

struct Chance(Xoshiro256PlusPlus);

impl Chance {
    fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.uniform()).ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// A campaign on people of five numbers: the outcome's share without a contact, and what a contact adds, by the numbers.
fn campaign(seed: u64, n: usize, adds: impl Fn(&[f64]) -> f64) -> (Experiment, Vec<f64>) {
    let mut chance = Chance(Xoshiro256PlusPlus::seed_from_u64(seed));
    let mut columns = vec![Vec::new(); 5];
    let (mut treated, mut outcome, mut truth) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..n {
        let x: Vec<f64> = (0..5).map(|_| chance.normal()).collect();
        let contacted = chance.uniform() < 0.5;
        let base = 0.1 + 0.15 / (1.0 + (-x[1]).exp());
        let effect = adds(&x);
        let p = base + if contacted { effect } else { 0.0 };
        columns.iter_mut().zip(&x).for_each(|(c, v)| c.push(*v));
        treated.push(contacted);
        outcome.push(f64::from(u8::from(chance.uniform() < p)));
        truth.push(effect);
    }
    let people = Examples::of_numbers(&["a", "b", "c", "d", "e"], columns, treated.clone());
    (Experiment { people, treated, outcome }, truth)
}

fn judged(experiment: &Experiment) -> (Vec<Vec<f64>>, Vec<Ranking>) {
    let e = contact(experiment, true, 1).unwrap();
    let scores: Vec<Vec<f64>> =
        Learner::ALL.iter().map(|l| effects(experiment, *l, &e, 1).unwrap()).collect();
    let found = judge(&scores, &experiment.treated, &experiment.outcome, 1);
    (scores, found)
}

#[test]
fn effects_are_found_where_they_are() {
    // Only those with a first number above 0 are moved.
    let (experiment, truth) = campaign(4, 8000, |x| if x[0] > 0.0 { 0.2 } else { 0.0 });
    let (scores, found) = judged(&experiment);
    for ((learner, scores), ranking) in Learner::ALL.iter().zip(&scores).zip(&found) {
        let moved = |yes: bool| {
            let own: Vec<f64> =
                scores.iter().zip(&truth).filter(|(_, t)| (**t > 0.0) == yes).map(|(s, _)| *s).collect();
            own.iter().sum::<f64>() / own.len() as f64
        };
        assert!(ranking.p_adjusted < 1e-3, "{learner:?}: {ranking:?}");
        assert!(moved(true) > moved(false) + 0.07, "{learner:?}: {} {}", moved(true), moved(false));
        assert!(ranking.auuc > 0.05 && ranking.qini > 0.0075, "{learner:?}: {ranking:?}");
    }
    // The best order, those who are moved first: half of the people are contacted, and half of those moved by .2, so the curve climbs
    // to .05 a person half of the way and stays there; the line leaves half of .05 * .5 of it.
    let best = judge(&[truth], &experiment.treated, &experiment.outcome, 1)[0];
    assert!((best.qini - 0.0125).abs() < 3.0 * best.standard_error, "{best:?}");
    assert!(found.iter().all(|r| r.qini < best.qini + 0.002));
}

#[test]
fn where_everybody_is_moved_alike_nobody_is_singled_out() {
    // Campaigns of which half move nobody and half everybody; at 5 % one may be wrong in the mean.
    let trials = 16;
    let alarms = (0..trials)
        .filter(|seed| {
            let (experiment, _) = campaign(100 + seed, 1200, |_| if seed % 2 == 0 { 0.0 } else { 0.1 });
            judged(&experiment).1.iter().any(|r| r.p_adjusted < 0.05)
        })
        .count();
    assert!(alarms <= 3, "{alarms} of {trials}");
}

#[test]
fn lift_by_hand_and_its_interval_by_simulation() {
    let found = lift(&[1.0, 0.0, 1.0, 0.0, 0.0, 1.0], &[true, true, true, false, false, false], 0..6);
    assert_eq!((found.people, found.mean[0]), ([3, 3], 2.0 / 3.0));
    assert!((found.difference - 1.0 / 3.0).abs() < 1e-12);
    // R: t.test's standard error, sqrt(1/9 + 1/9).
    assert!((found.standard_error - (2.0f64 / 9.0).sqrt()).abs() < 1e-12);
    let covered = (0..400)
        .filter(|seed| {
            let (e, _) = campaign(1000 + seed, 400, |_| 0.1);
            let (low, high) = lift(&e.outcome, &e.treated, 0..400).interval();
            low < 0.1 && 0.1 < high
        })
        .count();
    assert!((366..=394).contains(&covered), "{covered} of 400");
    assert!(lift(&[1.0], &[true], 0..1).difference.is_nan());
}

#[test]
fn a_past_value_sharpens_and_does_not_shift() {
    let mut chance = Chance(Xoshiro256PlusPlus::seed_from_u64(3));
    let past: Vec<f64> = (0..4000).map(|_| 50.0 + 10.0 * chance.normal()).collect();
    let treated: Vec<bool> = past.iter().map(|_| chance.uniform() < 0.3).collect();
    let outcome: Vec<f64> =
        past.iter().zip(&treated).map(|(x, t)| x + 5.0 * chance.normal() + f64::from(u8::from(*t))).collect();
    let (sharper, saved) = adjusted(&outcome, &past);
    // Of a variance of 125, 100 are the past's.
    assert!((saved - 0.8).abs() < 0.02, "{saved}");
    let (plain, with) = (lift(&outcome, &treated, 0..4000), lift(&sharper, &treated, 0..4000));
    assert!((with.standard_error / plain.standard_error - 0.2f64.sqrt()).abs() < 0.03);
    assert!((with.difference - 1.0).abs() < 3.0 * with.standard_error);
    assert_eq!(adjusted(&[1.0, 2.0], &[3.0, 3.0]), (vec![1.0, 2.0], 0.0));
}

#[test]
fn arms_that_differ_are_told_apart() {
    let (mut experiment, _) = campaign(7, 3000, |_| 0.0);
    let (auc, error) = told_apart(&experiment, 1).unwrap();
    assert!((auc - 0.5).abs() < 3.0 * error, "{auc} {error}");
    assert!(balance(&experiment).iter().all(|b| b.standardised.abs() < 0.1));
    // Now those with a high first number are contacted more often.
    let mut chance = Chance(Xoshiro256PlusPlus::seed_from_u64(8));
    let Values::Number(first) = &experiment.people.columns[0] else { panic!() };
    experiment.treated = first.iter().map(|x| chance.uniform() < 1.0 / (1.0 + (-x).exp())).collect();
    experiment.people.churned.clone_from(&experiment.treated);
    let (auc, error) = told_apart(&experiment, 1).unwrap();
    assert!(auc > 0.5 + 5.0 * error, "{auc} {error}");
    let found = balance(&experiment);
    assert!(found[0].standardised > 0.5 && found[1].standardised.abs() < 0.1, "{found:?}");
}

#[test]
fn qini_by_hand() {
    // Four people: contacted with an outcome, control without, contacted without, control with.
    let (treated, outcome) = ([true, false, true, false], [1.0, 0.0, 0.0, 1.0]);
    let order = [0, 1, 2, 3];
    // Gained after each: 1, 1, 1, 0 (1 - 1 * 2 / 2), over four people.
    let (qini, auuc) = areas(&[4.0, 3.0, 2.0, 1.0], &order, &treated, &outcome, |_| 1.0);
    assert!((qini - (0.125 + 0.25 + 0.25 + 0.125) / 4.0).abs() < 1e-12, "{qini}");
    // Raised: not known, 1 / 2, (1/2 - 0) 3 / 4, 0.
    assert!((auuc - (0.25 + 0.4375 + 0.1875) / 4.0).abs() < 1e-12, "{auuc}");
    // All of one score come at once: nothing is ranked.
    assert_eq!(areas(&[1.0; 4], &order, &treated, &outcome, |_| 1.0).0, 0.0);
    let mean = (0..20_000).map(|i| poisson(5, 3, i)).sum::<f64>() / 20_000.0;
    assert!((mean - 1.0).abs() < 0.02, "{mean}");
}
