//! Forecasts on shops whose future is known, and on real data.

use tillwise_simulate::Shop;

use crate::support::{dataset, Scene};

/// The rows of the combination that are over: target, expected, low, high, actual.
fn judged(scene: &Scene, out: &str) -> Vec<(String, [f64; 4])> {
    let table = scene.table(&format!("{out}/forecast_origins.parquet"));
    let (target, method) = (table.texts("target").unwrap(), table.texts("method").unwrap());
    let columns = ["expected", "low", "high", "actual"].map(|name| table.f64s(name).unwrap());
    (0..table.rows())
        .filter(|i| method[*i] == "combined" && columns[3][*i].is_finite())
        .map(|i| (target[i].to_owned(), [0, 1, 2, 3].map(|c| columns[c][i])))
        .collect()
}

/// Mean absolute errors of a method, over the origins at which the last window says something too.
fn errors(scene: &Scene, out: &str, target: &str, method: &str) -> Vec<f64> {
    let table = scene.table(&format!("{out}/forecast_origins.parquet"));
    let (of, by) = (table.texts("target").unwrap(), table.texts("method").unwrap());
    let error = table.f64s("error").unwrap();
    (0..table.rows())
        .filter(|i| of[*i] == target && by[*i] == method && error[*i].is_finite())
        .map(|i| error[i].abs())
        .collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// `TILLWISE_SHOPS=16 cargo test --release --workspace forecast` looks at as many; the figures of sixteen are in
/// `crates/mine/src/forecast/card.md`.
#[test]
fn ranges_of_totals_hold_on_simulated_shops() {
    let shops: u64 = std::env::var("TILLWISE_SHOPS").ok().and_then(|n| n.parse().ok()).unwrap_or(3);
    let (mut held, mut all) = (0.0, 0.0);
    let (mut ours, mut last) = (Vec::new(), Vec::new());
    for seed in 101..101 + shops {
        let scene = Scene::with_shop(&Shop { customers: 2000, seed, ..Shop::default() });
        assert_eq!(scene.tillwise(&["init", "orders.csv"]).code, 0);
        scene.done(&["run", "--only", "forecast"]);
        for (_, [_, low, high, actual]) in judged(&scene, "out/current") {
            held += f64::from(u8::from((low..=high).contains(&actual)));
            all += 1.0;
        }
        ours.extend(errors(&scene, "out/current", "known_orders", "combined"));
        last.extend(errors(&scene, "out/current", "known_orders", "last_window"));
        let coverage = scene.table("out/current/forecast_coverage.parquet");
        let (group, share) = (coverage.texts("customer_group").unwrap(), coverage.f64s("coverage").unwrap());
        for i in (0..group.len()).filter(|i| group[*i] == "all") {
            assert!(share[i] >= 0.88, "shop {seed}: {}", share[i]);
        }
    }
    // Nine in ten were promised. Origins of one shop overlap, so a few shops say it roughly.
    let share = held / all;
    let (least, most) = if shops >= 16 { (0.88, 0.94) } else { (0.75, 1.0) };
    assert!((least..=most).contains(&share), "{held} of {all}");
    assert!(mean(&ours) < 0.12 && mean(&ours) < 0.5 * mean(&last), "{} {}", mean(&ours), mean(&last));
}

/// At 19 origins of a real shop with two Christmases: better than the model alone and than the last window again, in total and
/// customer by customer; and the last six, which have a whole year before them, are within ten percent.
#[test]
fn online_retail_is_forecast_better_than_by_the_last_window() {
    let Some(data) = dataset("online_retail_ii/online_retail_II.csv.zst") else { return };
    let scene = Scene::new();
    let file = data.display().to_string();
    assert_eq!(scene.tillwise(&["init", &file]).code, 0);
    scene.done(&["run", "--only", "forecast"]);
    let of = |target: &str, method: &str| errors(&scene, "out/current", target, method);
    for target in ["known_orders", "known_revenue"] {
        let (ours, model, last) = (of(target, "combined"), of(target, "model"), of(target, "last_window"));
        assert_eq!((ours.len(), model.len(), last.len()), (19, 19, 19));
        assert!(mean(&ours) < mean(&model) && mean(&ours) < mean(&last), "{target}");
        assert!(mean(&ours[13..]) < 0.12, "{target}: {ours:?}");
    }
    assert!(of("known_orders", "combined")[13..].iter().all(|e| *e < 0.1));
    let table = scene.table("out/current/forecast_origins.parquet");
    let (target, method) = (table.texts("target").unwrap(), table.texts("method").unwrap());
    let (mae, rank) = (table.f64s("customer_mae").unwrap(), table.f64s("customer_rank_correlation").unwrap());
    for wanted in ["known_orders", "known_revenue"] {
        let mean_of = |by: &str, column: &[f64]| {
            let rows = (0..target.len()).filter(|i| target[*i] == wanted && method[*i] == by);
            mean(&rows.map(|i| column[i]).filter(|v| v.is_finite()).collect::<Vec<_>>())
        };
        assert!(mean_of("combined", &mae) < mean_of("last_window", &mae), "{wanted}");
        assert!(mean_of("combined", &rank) > mean_of("last_window", &rank), "{wanted}");
    }
}

#[test]
fn a_history_of_weeks_is_forecast_and_says_what_it_lacks() {
    let scene = Scene::with_shop(&Shop { customers: 400, days: 100, ..Shop::default() });
    assert_eq!(scene.tillwise(&["init", "orders.csv"]).code, 0);
    let ended = scene.tillwise(&["run", "--only", "forecast"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stdout.contains("0 past forecasts of 90 days are over"), "{}", ended.stdout);
    let ahead = scene.table("out/current/customers.parquet");
    assert!(ahead.f64s("orders_ahead").unwrap().iter().all(|v| v.is_finite()));
    assert!(ahead.f64s("orders_ahead_low").unwrap().iter().all(|v| v.is_nan()));
}
