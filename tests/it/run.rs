//! Whole runs on a simulated shop.

use std::fs;

use arrow::array::Array;
use arrow::array::AsArray;
use arrow::datatypes::DataType;
use serde_json::Value;
use tillwise_core::schema::{Column, REJECTS, SUMMARY};
use tillwise_pipeline::schema::{published, score_columns};
use tillwise_simulate::{Shop, COMPANIONS};
use tillwise_table::arrow_schema;

use crate::support::{assert_same, content, Scene};

fn shop() -> Shop {
    Shop { customers: 600, ..Shop::default() }
}

/// A shop with its config, not yet run.
fn ready() -> Scene {
    let scene = Scene::with_shop(&shop());
    let init = scene.tillwise(&["init", "orders.csv"]);
    assert_eq!(init.code, 0, "{}", init.stderr);
    scene
}

#[test]
fn demo_runs_on_nothing_and_says_what_to_do_next() {
    let scene = Scene::new();
    let ended = scene.tillwise(&["demo", "--customers", "400"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for part in [
        "Simulated a shop",
        "RFM segment",
        "Champions",
        "Cluster",
        "Churn",
        "judged at",
        "Value",
        "Next: look at report.html",
    ] {
        assert!(ended.stdout.contains(part), "{part} is not in\n{}", ended.stdout);
    }
    assert!(scene.path("tillwise-demo/out/current/customers.parquet").exists());
    let page = fs::read_to_string(scene.path("tillwise-demo/out/report.html")).unwrap();
    assert!(page.contains("Champions") && page.contains("models judged at") && page.ends_with("</html>\n"));
}

#[test]
fn every_customer_has_every_score_in_plain_types() {
    let scene = ready();
    let line = scene.done(&["run"]);
    assert_eq!(line["status"], "done");
    let table = scene.table("out/current/customers.parquet");
    assert_eq!(table.rows() as u64, line["customers"].as_u64().unwrap());
    let nullable = [
        "mean_repeat_spend",
        "mean_gap_days",
        "std_gap_days",
        "mean_ln_gap_days",
        "p90_gap_days",
        "cost",
        "top_category",
        "top_country",
        "top_channel",
        "top_store",
        "rfm_segment_before",
        "cluster_probability",
        "churn_decile",
        "churn_reason_1",
        "churn_reason_2",
        "churn_reason_3",
    ];
    for (field, column) in table.batch().schema().fields().iter().zip(table.batch().columns()) {
        assert!(
            matches!(
                field.data_type(),
                DataType::Utf8
                    | DataType::Int32
                    | DataType::Int64
                    | DataType::Float64
                    | DataType::Boolean
                    | DataType::Date32
            ),
            "{field:?}"
        );
        if !nullable.contains(&field.name().as_str()) {
            assert_eq!(column.null_count(), 0, "{}", field.name());
        }
        if field.data_type() == &DataType::Float64 {
            let values = table.f64s(field.name()).unwrap();
            assert_eq!(values.iter().filter(|v| v.is_nan()).count(), column.null_count(), "{}", field.name());
        }
    }
    let ids = table.texts("customer_id").unwrap();
    assert!(ids.windows(2).all(|w| w[0] < w[1]), "ascending, one row a customer");
    for (name, low, high) in [("churn_probability", 0.0, 1.0), ("p_alive", 0.0, 1.0), ("r_score", 1.0, 5.0)] {
        assert!(table.f64s(name).unwrap().iter().all(|v| (low..=high).contains(v)), "{name}");
    }
    // Whoever the churn model has seen nobody like stands in no decile.
    let eligible = table.array("churn_eligible").unwrap().as_boolean().clone();
    for (decile, eligible) in table.f64s("churn_decile").unwrap().iter().zip(&eligible) {
        assert_eq!((1.0..=10.0).contains(decile), eligible.unwrap());
    }
    for name in ["segments", "clusters", "churn_rules", "churn_metrics"] {
        assert!(scene.table(&format!("out/current/{name}.parquet")).rows() > 0);
    }
}

/// The columns that BI tools rely on: a change here is a change for users. The list is the schema's own, so that no
/// table can be forgotten; a run refuses to write a table that differs from it.
#[test]
fn the_published_schema_does_not_move() {
    let customers: Vec<Column> = SUMMARY.iter().chain(score_columns()).copied().collect();
    let mut tables: Vec<(&str, &[Column])> = vec![("customers", &customers)];
    tables.extend(published().into_iter().map(|t| (t.name, t.columns)));
    tables.push(("rejects/rejects", REJECTS));
    let mut text = String::new();
    for (name, columns) in &tables {
        text.push_str(&format!("[{name}]\n"));
        for field in arrow_schema(columns).fields() {
            let null = if field.is_nullable() { "?" } else { "" };
            text.push_str(&format!("{}: {}{null}\n", field.name(), field.data_type()));
        }
    }
    let approved = include_str!("schema.txt");
    assert!(text == approved, "if the change is meant, write it to tests/it/schema.txt:\n{text}");

    let scene = ready();
    scene.done(&["run"]);
    for (name, columns) in &tables {
        let path = format!("out/current/{name}.parquet");
        if scene.path(&path).exists() {
            assert_eq!(scene.table(&path).batch().schema(), arrow_schema(columns), "{name}");
        }
    }
}

#[test]
fn every_row_read_is_accepted_or_rejected() {
    let scene = ready();
    let line = scene.done(&["run"]);
    let rows = fs::read_to_string(scene.path("orders.csv")).unwrap().lines().count() as u64 - 1;
    let number = |key: &str| line[key].as_u64().unwrap();
    assert_eq!(number("rows_read"), rows);
    assert_eq!(number("rows_accepted") + number("rows_rejected"), rows);
    let rejects = scene.table("out/rejects/rejects.parquet");
    assert_eq!(rejects.rows() as u64, number("rows_rejected"));
    // A reject leads back to its line.
    let text = fs::read_to_string(scene.path("orders.csv")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let (reasons, values, at) =
        (rejects.texts("reason").unwrap(), rejects.texts("value").unwrap(), rejects.f64s("line").unwrap());
    let bad = (0..reasons.len()).filter(|i| reasons[*i] == "missing_number").collect::<Vec<_>>();
    assert!(!bad.is_empty());
    for i in bad {
        assert!(lines[at[i] as usize - 1].contains(values[i]) && values[i] == "n/a");
    }
}

#[test]
fn same_input_same_bytes_on_any_number_of_threads() {
    let scene = ready();
    scene.done(&["run", "--threads", "1", "--out", "one"]);
    scene.done(&["run", "--threads", "3", "--out", "three"]);
    let (one, three) = (content(&scene.path("one/runs")), content(&scene.path("three/runs")));
    assert_eq!(one.len(), three.len());
    for (a, b) in one.iter().zip(&three) {
        assert!(a == b, "{} differs", a.0);
    }
}

#[test]
fn the_same_run_twice_is_nothing_new() {
    let scene = ready();
    let first = scene.done(&["run"]);
    let again = scene.tillwise(&["run"]);
    assert_eq!(again.code, 99);
    assert!(again.stdout.lines().last().unwrap().contains(first["run_id"].as_str().unwrap()));
    scene.done(&["run", "--force"]);
    // Another day is another run.
    let other = scene.done(&["run", "--as-of", "2023-06-30"]);
    assert_ne!(other["run_id"], first["run_id"]);
    assert_eq!(scene.json("out/run.json")["as_of"], "2023-06-30");
}

#[test]
fn nothing_after_as_of_leaks_in() {
    let scene = ready();
    scene.done(&["run", "--as-of", "2023-06-30", "--out", "full"]);
    let text = fs::read_to_string(scene.path("orders.csv")).unwrap();
    let cut: Vec<&str> = text
        .lines()
        .filter(|l| l.split(',').nth(1).is_none_or(|d| d < "2023-07-01" || d == "ordered_at"))
        .collect();
    scene.write("orders.csv", cut.join("\n") + "\n");
    scene.done(&["run", "--as-of", "2023-06-30", "--out", "cut"]);
    let (full, cut) =
        (scene.table("full/current/customers.parquet"), scene.table("cut/current/customers.parquet"));
    assert_same(&full, &cut);
}

#[test]
fn only_what_was_asked_for_is_filled() {
    let scene = ready();
    let line = scene.done(&["run", "--only", "rfm,clv"]);
    assert_eq!(line["analyses"]["rfm"], "done");
    assert_eq!(line["analyses"]["churn"], "not_asked");
    let table = scene.table("out/current/customers.parquet");
    let column = |name: &str| table.batch().column_by_name(name).unwrap();
    assert_eq!(column("clv").null_count(), 0);
    assert_eq!(column("cluster_id").null_count(), table.rows());
    assert!(!scene.path("out/current/models/cluster.json").exists());
}

#[test]
fn stages_leave_current_alone() {
    let scene = ready();
    let run = scene.done(&["run"]);
    for stage in ["ingest", "customers", "rfm", "cluster", "churn", "clv"] {
        let line = scene.done(&[stage]);
        assert!(line["current"].is_null());
        assert!(scene.path(&format!("out/stages/{stage}/run.json")).exists());
    }
    assert_eq!(scene.json("out/run.json")["run_id"], run["run_id"]);
    assert!(!scene.path("out/stages/ingest/customers.parquet").exists());
    assert_eq!(
        scene.table("out/stages/customers/customers.parquet").batch().num_columns(),
        tillwise_core::schema::SUMMARY.len()
    );
}

#[test]
fn saved_models_score_without_fitting() {
    let scene = ready();
    scene.done(&["run"]);
    let models = scene.path("out/current/models").canonicalize().unwrap();
    let line = scene.done(&["score", "--models", models.to_str().unwrap(), "--out", "scored"]);
    assert_eq!(line["analyses"]["churn"], "done");
    let (fitted, scored) =
        (scene.table("out/current/customers.parquet"), scene.table("scored/current/customers.parquet"));
    assert_same(&fitted, &scored);
    for name in ["rfm", "cluster", "churn", "clv"] {
        let read =
            |folder: &str| fs::read(scene.path(&format!("{folder}/current/models/{name}.json"))).unwrap();
        assert_eq!(read("out"), read("scored"), "{name}.json went round unchanged");
    }
}

#[test]
fn a_short_history_skips_churn_and_says_why() {
    let scene = Scene::with_shop(&Shop { days: 124, ..shop() });
    assert_eq!(scene.tillwise(&["init", "orders.csv"]).code, 0);
    let ended = scene.tillwise(&["run"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    assert!(
        ended
            .stdout
            .contains("churn skipped: a 90-day churn model judged out of time needs at least 271 days"),
        "{}",
        ended.stdout
    );
    assert_eq!(
        scene
            .table("out/current/customers.parquet")
            .batch()
            .column_by_name("churn_probability")
            .unwrap()
            .null_count(),
        scene.table("out/current/customers.parquet").rows()
    );
    // Asked for by name, it is a failure; the rest is published all the same.
    assert_eq!(scene.tillwise(&["run", "--only", "churn,rfm"]).code, 4);
}

#[test]
fn memory_limits_change_no_value() {
    let scene = ready();
    scene.done(&["run", "--out", "free"]);
    let config = fs::read_to_string(scene.path("tillwise.toml")).unwrap();
    scene.write("tillwise.toml", config.replace("# memory_limit = \"1GB\"", "memory_limit = \"1MB\""));
    scene.done(&["run", "--out", "tight"]);
    assert_same(
        &scene.table("free/current/customers.parquet"),
        &scene.table("tight/current/customers.parquet"),
    );
}

#[test]
fn repeats_across_overlapping_files_count_once() {
    let scene = Scene::new();
    let row = |n: u32| format!("o{n},2023-01-{:02},c{},p,2,1.50\n", 1 + n % 28, n % 7);
    let rows = |range: std::ops::Range<u32>| range.map(row).collect::<String>();
    let header = "order_id,order_date,customer_id,sku,quantity,unit_price\n";
    scene.write("a.csv", format!("{header}{}{}", rows(0..40), row(39)));
    scene.write("b.csv", format!("{header}{}", rows(20..60)));
    assert_eq!(scene.tillwise(&["init", "a.csv", "b.csv"]).code, 0);
    let line = scene.done(&["ingest"]);
    // o39 stands twice in the first file: the fuller file's copies are kept.
    assert_eq!((line["rows_read"].as_u64(), line["rows_accepted"].as_u64()), (Some(81), Some(61)));
    let record = scene.json("out/stages/ingest/run.json");
    assert_eq!(record["quality"]["rejected_by_reason"]["repeat_across_files"], 20);
    assert_eq!(record["quality"]["repeats_within_file"], 1);
    assert_eq!(record["quality"]["gross_revenue"], 61.0 * 3.0);
    assert_eq!(scene.table("out/stages/ingest/transactions/month=2023-01/part-0.parquet").rows(), 61);
}

#[test]
fn gates_fail_the_run_and_keep_what_was_read() {
    let scene = ready();
    scene.done(&["run"]);
    let config = fs::read_to_string(scene.path("tillwise.toml")).unwrap();
    for (gate, line) in [
        ("max_reject_share", "max_reject_share = 0.001"),
        ("min_rows_vs_last", "max_reject_share = 0.5\nmin_rows_vs_last = 1.5"),
        ("max_age_days", "max_reject_share = 0.5\nmax_age_days = 3"),
    ] {
        scene.write("tillwise.toml", config.replace("max_reject_share = 0.5 ", &format!("{line} ")));
        let before = scene.json("out/run.json")["run_id"].clone();
        let ended = scene.tillwise(&["run"]);
        assert_eq!(ended.code, 3, "{gate}: {}", ended.stderr);
        assert!(ended.stderr.starts_with(&format!("error: gate {gate}: ")), "{}", ended.stderr);
        assert!(scene.path("out/failed/rejects/rejects.parquet").exists());
        assert_eq!(scene.json("out/run.json")["run_id"], before, "nothing was published");
    }
}

/// The models in `models/` are those that the config beside them gives on the export in `datasets/`.
#[test]
fn the_kept_models_are_what_the_kept_export_gives() {
    fn close(a: &Value, b: &Value, at: &str) {
        match (a, b) {
            (Value::Object(x), Value::Object(y)) => {
                assert_eq!(x.keys().collect::<Vec<_>>(), y.keys().collect::<Vec<_>>(), "{at}");
                x.keys().for_each(|k| close(&x[k], &y[k], &format!("{at}.{k}")));
            }
            (Value::Array(x), Value::Array(y)) => {
                assert_eq!(x.len(), y.len(), "{at}");
                x.iter().zip(y).enumerate().for_each(|(i, (x, y))| close(x, y, &format!("{at}[{i}]")));
            }
            // How the optimiser got there may differ between machines' mathematics libraries.
            _ if at.ends_with("_gradient") || at.ends_with("_iterations") => {}
            (Value::Number(x), Value::Number(y)) => {
                let (x, y) = (x.as_f64().unwrap(), y.as_f64().unwrap());
                assert!((x - y).abs() <= 1e-5 * x.abs().max(1.0), "{at}: {x} is not {y}");
            }
            _ => assert_eq!(a, b, "{at}"),
        }
    }
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let scene = Scene::new();
    scene.done(&["run", root.join("models/tillwise.toml").to_str().unwrap(), "--out", "out"]);
    for name in ["rfm", "cluster", "churn", "clv", "offer"] {
        let kept = fs::read_to_string(root.join(format!("models/{name}.json"))).unwrap();
        let fresh = scene.json(&format!("out/current/models/{name}.json"));
        close(&serde_json::from_str(&kept).unwrap(), &fresh, name);
    }
}

#[test]
fn the_kept_export_is_what_its_card_says() {
    let scene = Scene::new();
    let demo =
        scene.tillwise(&["demo", "--customers", "260", "--seed", "11", "--out", "shop", "--export-only"]);
    assert_eq!(demo.code, 0, "{}", demo.stderr);
    let kept = include_str!("../../datasets/simulated_shop.csv");
    assert!(fs::read_to_string(scene.path("shop/orders.csv")).unwrap() == kept, "made again, it differs");
}

#[test]
fn globs_take_many_files_in_the_order_of_their_names() {
    let scene = Scene::new();
    for (name, customer) in [("b", "x"), ("a", "y"), ("c", "z")] {
        let text = format!("customer_id,order_id,order_date,amount\n{customer},1,2023-01-01,2.00\n");
        scene.write(&format!("exports/{name}.csv"), text);
    }
    assert_eq!(scene.tillwise(&["init", "exports/a.csv"]).code, 0);
    let config = fs::read_to_string(scene.path("tillwise.toml")).unwrap();
    scene.write("tillwise.toml", config.replace("exports/a.csv", "exports/*.csv"));
    assert_eq!(scene.done(&["ingest"])["rows_accepted"], 3);
    let inputs = scene.json("out/stages/ingest/run.json")["inputs"].clone();
    let names: Vec<&str> = inputs.as_array().unwrap().iter().map(|i| i["file"].as_str().unwrap()).collect();
    assert_eq!(names, ["exports/a.csv", "exports/b.csv", "exports/c.csv"]);
}

/// The shop of the demo is simulated, so its truth is known: what goes together, rates and lifetimes.
#[test]
fn the_demo_finds_what_its_shop_holds() {
    let scene = Scene::new();
    scene.done(&["demo"]);
    let table = |name: &str| scene.table(&format!("tillwise-demo/out/current/{name}.parquet"));
    let rules = table("rules");
    let (left, right) = (rules.texts("left_items").unwrap(), rules.texts("right_items").unwrap());
    let (confidence, said) = (rules.f64s("confidence").unwrap(), rules.texts("rule").unwrap());
    assert!(left.len() >= 20, "{}", left.len());
    let mut found = std::collections::BTreeSet::new();
    for i in 0..left.len() {
        // `Teapot Basic (KI1010) => Tea cups Basic (KI1030)`.
        let things: Vec<&str> = said[i].split(" => ").map(|s| s.rsplit_once(" (").unwrap().0).collect();
        let thing = |of: &str| of.rsplit_once(' ').unwrap().0.to_owned();
        let (a, b) = (thing(things[0]), thing(things[1]));
        let pair = COMPANIONS.iter().find(|(x, y, _)| (a == *x && b == *y) || (a == *y && b == *x));
        let (first, _, share) = pair.unwrap_or_else(|| panic!("{} goes together by chance alone", said[i]));
        if a == *first {
            found.insert(*first);
            // Some have the second by habit, or choose it themselves.
            assert!((share - 0.08..share + 0.15).contains(&confidence[i]), "{}: {}", said[i], confidence[i]);
        }
        assert_ne!(left[i], right[i]);
    }
    assert!(found.len() >= 6, "{found:?}");

    let parameters = table("clv_parameters");
    let (name, value) = (parameters.texts("parameter").unwrap(), parameters.f64s("value").unwrap());
    let error = parameters.f64s("standard_error").unwrap();
    let shop = Shop::default();
    // Two orders in a hundred name no customer, so rates are that much lower.
    let truth = [("r", shop.r), ("alpha", shop.alpha / 7.0 / 0.98), ("a", shop.a), ("b", shop.b)];
    for (parameter, truth) in truth {
        let i = name.iter().position(|n| *n == parameter).unwrap();
        assert!((value[i] - truth).abs() < 3.0 * error[i], "{parameter}: {} +- {}", value[i], error[i]);
    }

    let metrics = table("offer_metrics");
    let (task, model) = (metrics.texts("task").unwrap(), metrics.texts("model").unwrap());
    let rate = metrics.f64s("hit_rate").unwrap();
    let of = |wanted: (&str, &str)| rate[(0..task.len()).find(|i| (task[*i], model[*i]) == wanted).unwrap()];
    assert!(of(("any", "offers")) > of(("any", "bought_before")).max(of(("any", "most_popular"))));
    assert!(of(("new", "offers")) > 1.3 * of(("new", "most_popular")));
}
