//! RFM and clusters as a user meets them: published results, night after night, bad input.

use std::collections::BTreeMap;
use std::fs;

use ndarray::Array2;
use tillwise_mine::cluster::kmeans::{fit, Start, Steps};
use tillwise_simulate::Shop;
use tillwise_table::Table;

use crate::support::{content, dataset, Scene};

/// A folder with a config that `init` wrote for a file, and lines of `tables` put in place of its `[rfm]`.
fn scene_of(file: &str, rfm: &str) -> Scene {
    let scene = Scene::new();
    set_up(&scene, file, rfm);
    scene
}

fn set_up(scene: &Scene, file: &str, rfm: &str) {
    let init = scene.tillwise(&["init", "--force", file]);
    assert_eq!(init.code, 0, "{}", init.stderr);
    let config = fs::read_to_string(scene.path("tillwise.toml")).unwrap();
    let (from, to) = (config.find("[rfm]").unwrap(), config.find("[cluster]").unwrap());
    let config = format!("{}{rfm}\n{}", &config[..from], &config[to..]);
    scene.write("tillwise.toml", config.replace("zero_amount = \"reject\"", "zero_amount = \"keep\""));
}

fn segments(scene: &Scene) -> BTreeMap<String, (f64, f64, f64)> {
    let table = scene.table("out/current/segments.parquet");
    let number = |name: &str| table.f64s(name).unwrap();
    let (n, orders, revenue) = (number("customers"), number("orders"), number("net_revenue"));
    let names = table.texts("rfm_segment").unwrap();
    names.iter().enumerate().map(|(i, name)| ((*name).to_owned(), (n[i], orders[i], revenue[i]))).collect()
}

#[test]
fn r_rfm_s_published_results_come_out_exactly() {
    let Some(file) = dataset("rfm_orders/rfm_data_orders.csv") else { return };
    // Recomputed from R's package `rfm`: thresholds and segments of its README; the counts below hold to the customer.
    let scene = scene_of(
        file.to_str().unwrap(),
        "[rfm]\nbinning = \"r_rfm\"\nsegments = \"r_rfm\"\ncompare_days = 0",
    );
    scene.done(&["run", "--only", "rfm", "--as-of", "2006-12-31"]);
    let breaks = scene.table("out/current/rfm_breaks.parquet");
    let (measures, at) = (breaks.texts("measure").unwrap(), breaks.f64s("break_value").unwrap());
    for (measure, expected) in [
        ("days_since_last", [115.0, 181.0, 297.4, 482.0]),
        ("orders", [4.0, 5.0, 6.0, 8.0]),
        ("net_revenue", [255.8, 382.0, 506.4, 666.0]),
    ] {
        let got: Vec<f64> = (0..at.len()).filter(|i| measures[*i] == measure).map(|i| at[i]).collect();
        assert!(
            got.iter().zip(expected).all(|(g, e)| (g - e).abs() < 1e-9) && got.len() == 4,
            "{measure} {got:?}"
        );
    }
    let counts: BTreeMap<String, f64> = segments(&scene).into_iter().map(|(name, s)| (name, s.0)).collect();
    let expected = [
        ("Potential Loyalist", 342.0),
        ("Loyal Customers", 170.0),
        ("Lost", 148.0),
        ("New Customers", 104.0),
        ("About To Sleep", 102.0),
        ("Can't Lose Them", 47.0),
        ("Champions", 35.0),
        ("At Risk", 28.0),
        ("Need Attention", 10.0),
        ("Promising", 9.0),
    ];
    assert_eq!(counts, expected.map(|(name, n)| (name.to_owned(), n)).into());
    let customers = scene.table("out/current/customers.parquet");
    let ids = customers.texts("customer_id").unwrap();
    for (id, days, orders, revenue, score) in [
        ("Abbey O'Reilly", 205.0, 6.0, 472.0, "343"),
        ("Add Senger", 140.0, 3.0, 340.0, "412"),
        ("Aden Lesch", 194.0, 4.0, 405.0, "323"),
        ("Aden Murphy", 98.0, 7.0, 596.0, "544"),
    ] {
        let at = ids.iter().position(|i| *i == id).unwrap_or_else(|| unreachable!("{id}"));
        let number = |name: &str| customers.f64s(name).unwrap()[at];
        assert_eq!(
            (number("days_since_last"), number("orders"), number("net_revenue")),
            (days, orders, revenue),
            "{id}"
        );
        assert_eq!(customers.texts("rfm_score").unwrap()[at], score, "{id}");
    }

    set_up(
        &scene,
        file.to_str().unwrap(),
        "[rfm]\nbinning = \"r_rfm\"\nsegments = \"r_rfm_classic\"\ncompare_days = 0",
    );
    scene.done(&["run", "--only", "rfm", "--as-of", "2006-12-31"]);
    let expected = [
        ("Champions", (158.0, 1234.0, 120_178.0)),
        ("Loyal Customers", (278.0, 1708.0, 166_712.0)),
        ("Potential Loyalist", (229.0, 801.0, 65_873.0)),
        ("At Risk", (86.0, 438.0, 44_178.0)),
        ("Lost", (111.0, 244.0, 20_955.0)),
        ("About To Sleep", (50.0, 127.0, 10_914.0)),
        ("Need Attention", (35.0, 144.0, 13_287.0)),
        ("Others", (48.0, 210.0, 22_061.0)),
    ];
    assert_eq!(segments(&scene), expected.map(|(name, s)| (name.to_owned(), s)).into());
}

#[test]
fn the_iranian_shop_is_clustered_at_least_as_well_as_published() {
    let Some(file) = dataset("iranian_shop/CS_09.csv") else { return };
    let scene = scene_of(file.to_str().unwrap(), "[rfm]\ncompare_days = 0");
    let line = scene.done(&["run", "--only", "rfm", "--as-of", "2019-07-23"]);
    assert_eq!((line["rows_accepted"].as_u64(), line["customers"].as_u64()), (Some(40_537), Some(14_964)));
    let customers = scene.table("out/current/customers.parquet");
    let number = |name: &str| customers.f64s(name).unwrap();
    let (days, orders, revenue) = (number("days_since_last"), number("orders"), number("net_revenue"));
    let correlation = tillwise_mine::stats::correlation(&orders, &revenue);
    assert!((correlation - 0.9477864).abs() < 5e-8, "{correlation}");

    // Scaled as R's `scale` does, by the sample standard deviation.
    let scaled = |values: &[f64]| -> Vec<f64> {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        let deviation = (squares / (values.len() - 1) as f64).sqrt();
        values.iter().map(|v| (v - mean) / deviation).collect()
    };
    let (x, y) = (scaled(&orders), scaled(&days));
    let points = Array2::from_shape_fn((x.len(), 2), |(i, j)| if j == 0 { x[i] } else { y[i] });
    // The best published partition has 4,675.98.
    for start in [Start::PlusPlus, Start::Parallel] {
        let steps = Steps { start, starts: 40, tolerance: 0.0, seed: 1, ..Steps::default() };
        let fit = fit(points.view(), 5, &steps).unwrap();
        assert!(fit.inertia <= 4675.98, "{start:?}: {}", fit.inertia);
        assert!(fit.inertia > 4670.3, "better than the best found in a long search? {}", fit.inertia);
    }
}

fn shop() -> Scene {
    let scene = Scene::with_shop(&Shop { customers: 900, ..Shop::default() });
    set_up(&scene, "orders.csv", "[rfm]\nrefresh_days = 20\nby = \"top_country\"\nmin_group = 50");
    scene
}

fn replace(scene: &Scene, from: &str, to: &str) {
    let config = fs::read_to_string(scene.path("tillwise.toml")).unwrap();
    assert!(config.contains(from), "{from} is not in\n{config}");
    scene.write("tillwise.toml", config.replace(from, to));
}

#[test]
fn history_and_migration_add_up() {
    let scene = shop();
    replace(&scene, "[rfm]\n", "[rfm]\ncompare_days = 200\n");
    scene.done(&["run", "--only", "rfm"]);
    let migration = scene.table("out/current/segment_migration.parquet");
    let segments = scene.table("out/current/segments.parquet");
    let names = segments.texts("rfm_segment").unwrap();
    let number = |t: &Table, name: &str| t.f64s(name).unwrap();
    let (before, now) = (migration.texts("segment_before").unwrap(), migration.texts("segment").unwrap());
    let ways = number(&migration, "customers");
    let sum =
        |keep: &dyn Fn(usize) -> bool| -> f64 { (0..ways.len()).filter(|i| keep(*i)).map(|i| ways[i]).sum() };
    let (n, then) = (number(&segments, "customers"), number(&segments, "customers_before"));
    let (entered, left) = (number(&segments, "entered"), number(&segments, "left"));
    assert!(sum(&|i| before[i].is_empty()) > 0.0, "somebody came for the first time");
    for (s, name) in names.iter().enumerate() {
        assert_eq!(sum(&|i| now[i] == *name), n[s], "{name}");
        assert_eq!(sum(&|i| before[i] == *name), then[s], "{name}");
        assert_eq!(n[s], then[s] + entered[s] - left[s], "{name}");
    }
    // The earlier segments are those of a run on the earlier day, by the same breaks.
    let models = scene.path("out/current/models").canonicalize().unwrap();
    let day = &scene.json("out/run.json")["as_of"].as_str().unwrap().to_owned();
    let earlier = day.parse::<tillwise_core::Day>().unwrap() - 200;
    let args =
        ["score", "--models", models.to_str().unwrap(), "--as-of", &earlier.to_string(), "--out", "then"];
    scene.done(&args);
    let (a, b) =
        (scene.table("then/current/customers.parquet"), scene.table("out/current/customers.parquet"));
    let of_then: BTreeMap<&str, &str> =
        a.texts("customer_id").unwrap().into_iter().zip(a.texts("rfm_segment").unwrap()).collect();
    for (id, before) in b.texts("customer_id").unwrap().iter().zip(b.texts("rfm_segment_before").unwrap()) {
        assert_eq!(of_then.get(id).copied().unwrap_or_default(), before, "{id}");
    }
    let history = scene.table("out/current/segment_history.parquet");
    let mut dates = number(&history, "as_of");
    let last = *dates.last().unwrap();
    let shares = number(&history, "customer_share");
    let of_last: f64 = (0..dates.len()).filter(|i| dates[*i] == last).map(|i| shares[i]).sum();
    assert!((of_last - 1.0).abs() < 1e-12);
    dates.dedup();
    assert_eq!(dates.len(), 13, "twelve month ends and the day itself");
    let groups = scene.table("out/current/segment_groups.parquet");
    assert_eq!(number(&groups, "customers").iter().sum::<f64>(), n.iter().sum::<f64>());
}

#[test]
fn breaks_are_reused_refreshed_and_clusters_keep_their_ids() {
    let scene = shop();
    let nights = ["2023-06-10", "2023-06-20", "2023-07-05"];
    let mut lines = Vec::new();
    for night in nights {
        if night == nights[2] {
            // A night without clusters between: the ones before it are followed all the same.
            scene.done(&["run", "--only", "rfm", "--as-of", "2023-06-25"]);
        }
        lines.push(scene.done(&["run", "--only", "rfm,cluster", "--as-of", night]));
        let rfm = scene.json("out/current/models/rfm.json");
        let reused = !scene.json("out/run.json")["analyses"]["rfm"]["report"]["reused"].is_null();
        // Twenty days later at the latest there are new ones.
        let fitted = if night == "2023-06-20" { "2023-06-10" } else { night };
        assert_eq!((rfm["fitted_as_of"].as_str(), reused), (Some(fitted), night == "2023-06-20"));
        let breaks = scene.table("out/current/rfm_breaks.parquet");
        let (at, fresh) = (breaks.f64s("break_value").unwrap(), breaks.f64s("fresh_value").unwrap());
        assert_eq!(at.iter().zip(&fresh).all(|(a, b)| a == b), !reused, "{night}");
        let drift = scene.path("out/current/cluster_drift.parquet");
        assert_eq!(drift.exists(), night != nights[0]);
        if drift.exists() {
            let table = scene.table("out/current/cluster_drift.parquet");
            let (now, both) = (table.f64s("customers").unwrap(), table.f64s("customers_in_both").unwrap());
            let customers = lines[lines.len() - 1]["customers"].as_f64().unwrap();
            assert_eq!(now.iter().sum::<f64>(), customers);
            let kept = both.iter().sum::<f64>() / customers;
            let moved =
                scene.json("out/run.json")["analyses"]["cluster"]["report"]["drift"]["moved_share"].as_f64();
            assert!((moved.unwrap() - (1.0 - kept)).abs() < 1e-12);
        }
    }
    // The same night again is nothing new, for the earlier run's models are the same.
    let again = scene.tillwise(&["run", "--only", "rfm,cluster", "--as-of", nights[2]]);
    assert_eq!(again.code, 99, "{}", again.stderr);
    let run_id = |i: usize| lines[i]["run_id"].as_str().unwrap().to_owned();
    assert!(again.stdout.contains(&run_id(2)) && run_id(2).contains('-') && !run_id(0).contains('-'));
    // And the same bits, if it is forced.
    let before = content(&scene.path("out/current").canonicalize().unwrap());
    scene.done(&["run", "--only", "rfm,cluster", "--as-of", nights[2], "--force"]);
    assert!(before == content(&scene.path("out/current").canonicalize().unwrap()));
    // Frozen clusters: the last run's model, unchanged.
    replace(&scene, "[cluster]\n", "[cluster]\nrefresh_days = 100\n");
    scene.done(&["run", "--only", "rfm,cluster", "--as-of", "2023-07-20"]);
    assert_eq!(scene.json("out/current/models/cluster.json")["fitted_as_of"], "2023-07-05");
}

#[test]
fn every_method_and_transformation_runs() {
    let scene = shop();
    replace(&scene, "[rfm]\n", "[rfm]\nnested = true\nbinning = \"ntile\"\nweights = [100, 10, 1]\n");
    let features =
        "features = [\"days_since_last\", { column = \"orders\", transform = \"yeo_johnson\", weight = 2 }, \
                    { column = \"net_revenue\", scale = \"robust\", winsor = 0.01 }, \"gross_revenue\"]";
    for (method, more) in [
        ("kmeans", "k_max = 4\nchoose = \"gap\"\nstart = \"k-means||\""),
        ("mini_batch", "k_max = 4\nbatch = 100"),
        ("gaussian_mixture", "k_max = 4"),
        ("density", "min_points = 8"),
    ] {
        let config = fs::read_to_string(scene.path("tillwise.toml")).unwrap();
        let from = config.find("[cluster]").unwrap();
        let to = config.find("[churn]").unwrap();
        let cluster = format!("[cluster]\nmethod = \"{method}\"\n{more}\n{features}\n\n");
        scene.write("tillwise.toml", config[..from].to_owned() + &cluster + &config[to..]);
        let line = scene.done(&["run", "--only", "rfm,cluster", "--out", method]);
        let table = scene.table(&format!("{method}/current/customers.parquet"));
        let column = |name: &str| table.f64s(name).unwrap();
        let sure = column("cluster_probability").iter().all(|p| (0.0..=1.0 + 1e-9).contains(p));
        assert_eq!(sure, method == "gaussian_mixture");
        assert!(column("cluster_map_x").iter().chain(&column("cluster_map_y")).all(|v| v.is_finite()));
        let clusters = scene.table(&format!("{method}/current/clusters.parquet"));
        assert_eq!(
            clusters.f64s("customers").unwrap().iter().sum::<f64>(),
            line["customers"].as_f64().unwrap()
        );
        let weighted = column("rfm_weighted_score");
        let digits = table.texts("rfm_score").unwrap();
        assert!(weighted.iter().zip(digits).all(|(w, d)| d.parse() == Ok(*w)), "as SPSS has it");
        let warnings =
            scene.json(&format!("{method}/run.json"))["analyses"]["cluster"]["report"]["warnings"].clone();
        let told = warnings.as_array().unwrap().iter().any(|w| w["key"] == "features_alike");
        assert!(told, "gross and net revenue correlate: {warnings}");
        let models = scene.path(&format!("{method}/current/models"));
        scene.done(&["score", "--models", models.to_str().unwrap(), "--out", "scored", "--force"]);
        let again = scene.table("scored/current/customers.parquet");
        assert_eq!(column("cluster_id"), again.f64s("cluster_id").unwrap(), "{method}");
        assert_eq!(digits_of(&table), digits_of(&again));
    }
}

fn digits_of(table: &Table) -> Vec<String> {
    table.texts("rfm_score").unwrap().into_iter().map(str::to_owned).collect()
}

#[test]
fn maps_are_listed_shown_and_checked() {
    let scene = Scene::with_shop(&Shop { customers: 60, ..Shop::default() });
    let list = scene.tillwise(&["segments"]);
    assert!(list.code == 0 && list.stdout.contains("mean_grid       5 bins"), "{}", list.stdout);
    let shown = scene.tillwise(&["segments", "r_rfm"]);
    assert!(
        shown.stdout.contains("M 1 to 1\n") && shown.stdout.contains("first_match = true"),
        "{}",
        shown.stdout
    );
    // What is shown works as a config.
    let toml = &shown.stdout[shown.stdout.find("[rfm]").unwrap()..];
    set_up(&scene, "orders.csv", toml);
    let config = scene.tillwise(&["segments", "tillwise.toml"]);
    assert_eq!(config.stdout, shown.stdout);
    scene.done(&["run", "--only", "rfm"]);
    let says = |rfm: &str, message: &str| {
        set_up(&scene, "orders.csv", rfm);
        let ended = scene.tillwise(&["run"]);
        assert_eq!(ended.code, 2, "{}", ended.stdout);
        assert!(ended.stderr.contains(message), "{message} is not in\n{}", ended.stderr);
    };
    says("[rfm]\nsegments = \"shopfy_like\"", "there is no map \"shopfy_like\"; there are ten, r_rfm,");
    says("[rfm]\nsegments = \"shopfy_like\"", "did you mean \"shopify_like\"?");
    says(
        "[rfm]\nsegments = \"quartile_codes\"",
        "the map \"quartile_codes\" is for 4 bins of R, F and M each",
    );
    says("[rfm]\nbins = 4", "the map \"ten\" is for 5 bins of R, F and M each, but bins is [4, 4, 4]");
    let own = "segments = [{ name = \"A\", r = [4, 5] }, { name = \"B\", r = [1, 3] }]";
    says(
        &format!("[rfm]\nbins = 4\n{own}"),
        "`segments.r` must be [low, high] within 1 to 4, but is [4, 5] in `A`",
    );
    says(&format!("[rfm]\nbins = [6, 2, 1]\n{own}"), "2 cells in no segment (`.`); name the rest with other");
    says(&format!("[rfm]\nbins = [6, 2, 1]\n{own}"), "    6   .  .\n    5   A  A");
    says("[rfm]\nfirst_match = true", "are for a list of segments; the map \"ten\" has its own");
    says("[rfm]\nbinning = \"fixed\"", "`days_since_last_breaks` must be 4 ascending numbers for 5 bins");
    says("[rfm]\norders_breaks = [1, 2]", "`orders_breaks` must be left out unless binning = \"fixed\"");
    says("[rfm]\nby = \"country\"", "[rfm] by: must be one of top_category, top_country");
    says("[rfm]\nheavy_share = 0.9\nmedium_share = 0.3", "shares that leave some for light buyers");
    says(
        "[rfm]\nsegments = [{ name = \"A\", x = 1 }]",
        "segments is the name of a map, or a list of segments",
    );
    set_up(&scene, "orders.csv", "[rfm]");
    replace(
        &scene,
        "method = \"kmeans\"",
        "features = [{ column = \"orders\", winsor = 0.9 }]\nmethod = \"kmeans\"",
    );
    let ended = scene.tillwise(&["run"]);
    assert!(
        ended.code == 2 && ended.stderr.contains("`orders`: the parameter `winsor` must be"),
        "{}",
        ended.stderr
    );
}

#[test]
fn more_clusters_than_customers_is_skipped_with_the_reason() {
    let scene = Scene::with_shop(&Shop { customers: 60, ..Shop::default() });
    set_up(&scene, "orders.csv", "[rfm]");
    replace(&scene, "k = \"auto\"", "k = 900");
    let ended = scene.tillwise(&["run"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stdout.contains("cluster skipped: 900 clusters need at least as many different customers"));
}
