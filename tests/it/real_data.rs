//! Public data sets, against published and counted figures.

use crate::support::{dataset, Scene};

/// A config made by `init` alone, with some of its lines replaced.
fn init(scene: &Scene, file: &std::path::Path, replace: &[(&str, &str)]) -> String {
    let ended = scene.tillwise(&["init", file.to_str().unwrap(), "--force"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let mut config = std::fs::read_to_string(scene.path("tillwise.toml")).unwrap();
    for (from, to) in replace {
        assert!(config.contains(from), "{from} is not in\n{config}");
        config = config.replace(from, to);
    }
    scene.write("tillwise.toml", config);
    ended.stdout
}

#[test]
fn online_retail_ii_reads_right_by_itself() {
    let Some(file) = dataset("online_retail_ii/online_retail_II.csv.zst") else { return };
    let scene = Scene::new();
    let said = init(&scene, &file, &[("returns = \"net\"", "returns = \"exclude\"")]);
    assert!(said.contains("26478 rows repeat an earlier row"), "{said}");
    assert!(said.contains("the days from 2010-12-01 to 2010-12-09 stand in the export twice"), "{said}");

    let line = scene.done(&["run"]);
    assert_eq!(
        (line["rows_read"].as_u64(), line["rows_accepted"].as_u64()),
        (Some(1_067_370), Some(805_548))
    );
    assert_eq!(line["rows_rejected"], 1_067_370 - 805_548);
    assert_eq!(line["customers"], 5878);
    for analysis in ["rfm", "cluster", "churn", "clv"] {
        assert_eq!(line["analyses"][analysis], "done");
    }
    let quality = &scene.json("out/run.json")["quality"];
    assert_eq!(quality["gross_revenue"], 17_743_411.178);
    let customers = scene.table("out/current/customers.parquet");
    assert_eq!(customers.f64s("orders").unwrap().iter().sum::<f64>(), 36_969.0);
    // Null where there is nothing to say: customers who came since, and probabilities that k-means does not have.
    let sparse = [
        "rfm_segment_before",
        "cluster_probability",
        "churn_decile",
        "churn_reason_1",
        "churn_reason_2",
        "churn_reason_3",
    ];
    for column in tillwise_pipeline::schema::score_columns().filter(|c| !sparse.contains(&c.name)) {
        let values = customers.batch().column_by_name(column.name).unwrap();
        assert_eq!(arrow::array::Array::null_count(values), 0, "{}", column.name);
    }
    // The eligible stand in deciles, and nobody else does.
    let recent = customers.f64s("days_since_last").unwrap();
    for (decile, days) in customers.f64s("churn_decile").unwrap().iter().zip(recent) {
        assert_eq!(decile.is_finite(), days < 180.0);
    }
    // Counted elsewhere: recency alone has an AUC of .66 among customers with an order in 180 days.
    let report = &scene.json("out/run.json")["analyses"]["churn"]["report"];
    let judged = report["judged"].as_array().unwrap();
    let auc = |model: &str| {
        let of = judged.iter().find(|j| j["model"] == model).unwrap();
        of["values"][4].as_f64().unwrap()
    };
    assert!((auc("recency_only") - 0.66).abs() < 0.006);
    assert!(auc("tree") > auc("recency_only") + 0.05);

    init(
        &scene,
        &file,
        &[
            ("returns = \"net\"", "returns = \"exclude\""),
            ("repeats_within_file = \"keep\"", "repeats_within_file = \"drop\""),
        ],
    );
    let line = scene.done(&["ingest"]);
    assert_eq!(line["rows_accepted"], 779_424);
    assert_eq!(scene.json("out/stages/ingest/run.json")["quality"]["gross_revenue"], 17_374_786.268);
}

#[test]
fn cdnow_sample_gives_the_published_parameters() {
    let Some(file) = dataset("cdnow/CDNOW_sample.txt") else { return };
    let scene = Scene::new();
    init(
        &scene,
        &file,
        &[("zero_amount = \"reject\"", "zero_amount = \"keep\""), ("quantity = 4", "# quantity = 4")],
    );
    let line = scene.done(&["run", "--as-of", "1997-09-30"]);
    assert_eq!((line["rows_read"].as_u64(), line["rows_accepted"].as_u64()), (Some(6919), Some(6919)));
    assert_eq!(line["customers"], 2357);
    let model = scene.json("out/current/models/clv.json");
    let close = |path: [&str; 3], expected: f64, tolerance: f64| {
        let got = model["parameters"][path[0]][path[1]][path[2]].as_f64().unwrap();
        assert!((got - expected).abs() <= tolerance, "{path:?} is {got}, not {expected}");
    };
    // Recomputed from the transactions, unrounded weeks; Fader, Hardie & Lee (2005) print .243, 4.414, .793, 2.426.
    close(["pooled", "orders", "r"], 0.24259453, 1e-6);
    close(["pooled", "orders", "alpha"], 4.41360218, 2e-5);
    close(["pooled", "orders", "a"], 0.79292187, 1e-5);
    close(["pooled", "orders", "b"], 2.42590623, 4e-5);
    // Recomputed; Fader & Hardie (2013) print 6.25, 3.74, 15.44.
    close(["pooled", "spend", "p"], 6.24957, 1e-4);
    close(["pooled", "spend", "q"], 3.74422, 1e-4);
    close(["pooled", "spend", "v"], 15.44352, 1e-3);
    let fit = &model["report"]["fits"][0];
    assert!((fit["orders"]["log_likelihood"].as_f64().unwrap() + 9582.4292067).abs() < 1e-5);
    assert!((fit["spend"]["log_likelihood"].as_f64().unwrap() + 4055.9177).abs() < 1e-3);
    assert_eq!(fit["spend"]["customers"], 946);
}

#[test]
fn cdnow_master_has_a_header_and_zero_amounts() {
    let Some(file) = dataset("cdnow/CDNOW_master.txt") else { return };
    let scene = Scene::new();
    init(&scene, &file, &[("zero_amount = \"reject\"", "zero_amount = \"keep\"")]);
    let line = scene.done(&["run"]);
    assert_eq!((line["rows_accepted"].as_u64(), line["customers"].as_u64()), (Some(69_659), Some(23_570)));
    let quality = &scene.json("out/run.json")["quality"];
    assert_eq!(quality["gross_revenue"], 2_500_315.63);
    assert_eq!(quality["units"], 167_881.0);
    assert_eq!(
        (quality["first_date"].as_str(), quality["last_date"].as_str()),
        (Some("1997-01-01"), Some("1998-06-30"))
    );
    let customers = scene.table("out/current/customers.parquet");
    assert_eq!(customers.f64s("order_days").unwrap().iter().sum::<f64>(), 69_659.0 - 2_068.0);
}

#[test]
fn the_iranian_shop_is_too_short_for_churn_and_says_so() {
    let Some(file) = dataset("iranian_shop/CS_09.csv") else { return };
    let scene = Scene::new();
    let said = init(&scene, &file, &[]);
    assert!(said.contains("dates %m/%d/%Y %H:%M"), "{said}");
    let ended = scene.tillwise(&["run"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(
        ended.stdout.contains(
            "churn skipped: a 90-day churn model judged out of time needs at least 271 days of orders"
        ),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains("but there are 124"), "{}", ended.stdout);
    let line: serde_json::Value = serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(line["customers"], 14_964);
    let customers = scene.table("out/current/customers.parquet");
    assert_eq!(customers.f64s("orders").unwrap().iter().sum::<f64>(), 40_537.0);
}

#[test]
fn rfm_orders_name_their_customers() {
    let Some(file) = dataset("rfm_orders/rfm_data_orders.csv") else { return };
    let scene = Scene::new();
    init(&scene, &file, &[]);
    let line = scene.done(&["run", "--as-of", "2006-12-31", "--only", "rfm"]);
    assert_eq!((line["rows_accepted"].as_u64(), line["customers"].as_u64()), (Some(4_906), Some(995)));
    let parameters = &scene.json("out/current/models/rfm.json")["parameters"]["pooled"];
    // Published thresholds of R's rfm are these quantiles plus one.
    let breaks = |name: &str| -> Vec<f64> {
        let list = if parameters[name].is_array() { &parameters[name][0] } else { &parameters[name] };
        list["at"].as_array().unwrap().iter().map(|b| b.as_f64().unwrap()).collect()
    };
    let close = |got: Vec<f64>, expected: [f64; 4]| {
        for (g, e) in got.iter().zip(expected) {
            assert!((g + 1.0 - e).abs() < 1e-9, "{got:?}");
        }
    };
    close(breaks("days_since_last"), [115.0, 181.0, 297.4, 482.0]);
    close(breaks("orders"), [4.0, 5.0, 6.0, 8.0]);
    close(breaks("net_revenue"), [255.8, 382.0, 506.4, 666.0]);
}
