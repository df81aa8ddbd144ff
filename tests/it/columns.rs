//! Every published column against what it should hold, computed apart from the code that fills it: from the lines of the
//! export, or from an identity that the column's definition gives. And a check of those checks: columns of one type are
//! swapped, pair by pair, in every table, and each swap must be noticed.
//!
//! A shop is simulated here, with everything clean, so that what is expected can be worked out from its lines in a few words.

mod acquisition;
mod baskets;
mod churn;
mod clv;
mod contracts;
mod facts;
mod forecast;
mod market;
mod segments;
mod summary;

pub use acquisition::{campaign_export, leads_export, touches_export};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use arrow::array::{Array, AsArray};
use arrow::datatypes::DataType;
use rayon::prelude::*;
use tillwise_core::schema::SUMMARY;
use tillwise_pipeline::schema::{published, score_columns};
use tillwise_table::Table;

use crate::support::Scene;
use facts::Facts;

/// A table as the checks see it.
#[derive(Clone, Default)]
struct Frame {
    types: BTreeMap<String, DataType>,
    numbers: BTreeMap<String, Vec<f64>>,
    texts: BTreeMap<String, Vec<String>>,
    rows: usize,
}

impl Frame {
    fn read(path: &Path) -> Frame {
        let table = Table::read(path).unwrap();
        let mut frame = Frame { rows: table.rows(), ..Frame::default() };
        for (field, column) in table.batch().schema().fields().iter().zip(table.batch().columns()) {
            let name = field.name().clone();
            match field.data_type() {
                DataType::Utf8 => {
                    let texts = table.texts(&name).unwrap().into_iter().map(str::to_owned).collect();
                    frame.texts.insert(name.clone(), texts);
                }
                DataType::Boolean => {
                    let c = column.as_boolean();
                    let number = |i| if c.is_null(i) { f64::NAN } else { f64::from(u8::from(c.value(i))) };
                    frame.numbers.insert(name.clone(), (0..c.len()).map(number).collect());
                }
                _ => {
                    frame.numbers.insert(name.clone(), table.f64s(&name).unwrap());
                }
            }
            frame.types.insert(name, field.data_type().clone());
        }
        frame
    }

    /// A column of numbers, days or flags; NaN for null.
    fn n(&self, name: &str) -> &[f64] {
        self.numbers.get(name).unwrap_or_else(|| panic!("no column {name}"))
    }

    /// A column of text; empty for null.
    fn t(&self, name: &str) -> &[String] {
        self.texts.get(name).unwrap_or_else(|| panic!("no column {name}"))
    }

    fn swap(&mut self, a: &str, b: &str) {
        if let (Some(x), Some(y)) = (self.numbers.remove(a), self.numbers.remove(b)) {
            self.numbers.insert(a.to_owned(), y);
            self.numbers.insert(b.to_owned(), x);
        } else if let (Some(x), Some(y)) = (self.texts.remove(a), self.texts.remove(b)) {
            self.texts.insert(a.to_owned(), y);
            self.texts.insert(b.to_owned(), x);
        }
    }
}

/// Tables by name, what the export says, and the records beside the tables.
#[derive(Clone)]
struct World {
    tables: BTreeMap<String, Frame>,
    facts: Arc<Facts>,
    record: serde_json::Value,
    /// The models' files.
    clv: serde_json::Value,
    cluster: serde_json::Value,
}

impl World {
    fn table(&self, name: &str) -> &Frame {
        self.tables.get(name).unwrap_or_else(|| panic!("no table {name}"))
    }

    /// Rows of customers by id.
    fn places(&self) -> BTreeMap<&str, usize> {
        let ids = self.table("customers").t("customer_id");
        ids.iter().enumerate().map(|(i, id)| (id.as_str(), i)).collect()
    }
}

/// What a check found wrong, if anything.
type Found = Result<(), String>;

/// Two numbers are the same but for rounding; NaN is like NaN.
fn near(a: f64, b: f64, relative: f64) -> bool {
    (a.is_nan() && b.is_nan()) || (a - b).abs() <= relative * a.abs().max(b.abs()).max(1e-9)
}

/// A column holds these numbers.
fn holds(frame: &Frame, column: &str, expected: impl IntoIterator<Item = f64>) -> Found {
    holds_about(frame, column, expected, 1e-9)
}

fn holds_about(frame: &Frame, column: &str, expected: impl IntoIterator<Item = f64>, relative: f64) -> Found {
    let expected: Vec<f64> = expected.into_iter().collect();
    let got = frame.n(column);
    if got.len() != expected.len() {
        return Err(format!("{column} has {} rows, expected {}", got.len(), expected.len()));
    }
    match got.iter().zip(&expected).position(|(a, b)| !near(*a, *b, relative)) {
        Some(i) => Err(format!("{column}, row {i}: {} but expected {}", got[i], expected[i])),
        None => Ok(()),
    }
}

/// A column holds these texts.
fn says<S: AsRef<str>>(frame: &Frame, column: &str, expected: impl IntoIterator<Item = S>) -> Found {
    let expected: Vec<S> = expected.into_iter().collect();
    let got = frame.t(column);
    if got.len() != expected.len() {
        return Err(format!("{column} has {} rows, expected {}", got.len(), expected.len()));
    }
    match got.iter().zip(&expected).position(|(a, b)| a != b.as_ref()) {
        Some(i) => Err(format!("{column}, row {i}: `{}` but expected `{}`", got[i], expected[i].as_ref())),
        None => Ok(()),
    }
}

fn ensure(holds: bool, what: &str) -> Found {
    if holds {
        Ok(())
    } else {
        Err(what.to_owned())
    }
}

/// The standard normal distribution function, by its series and, far out, its continued fraction.
fn normal_cdf(z: f64) -> f64 {
    if z < 0.0 {
        return 1.0 - normal_cdf(-z);
    }
    let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    if z < 5.0 {
        let (mut term, mut sum, mut k) = (z, z, 1.0);
        while term.abs() > 1e-18 * sum.abs() && k < 400.0 {
            term *= z * z / (2.0 * k + 1.0);
            sum += term;
            k += 1.0;
        }
        0.5 + density * sum
    } else {
        1.0 - normal_above(z)
    }
}

/// The standard normal distribution above a point, to its own last digits.
fn normal_above(z: f64) -> f64 {
    if z < 5.0 {
        return 1.0 - normal_cdf(z);
    }
    let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    density / (1..60).rev().fold(z, |below, k| z + f64::from(k) / below)
}

/// The type-7 quantile.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    if sorted.is_empty() {
        return f64::NAN;
    }
    let at = share * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (at - at.floor()) * (high - low)
}

fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let (n, sum) = values.into_iter().fold((0.0, 0.0), |(n, sum), v| (n + 1.0, sum + v));
    sum / n
}

/// The area under the curve: the chance that a random churner has the higher probability (Mann and Whitney).
fn auc(probabilities: &[f64], churned: &[bool]) -> f64 {
    let (mut wins, mut pairs) = (0.0, 0.0);
    for (p, _) in probabilities.iter().zip(churned).filter(|c| *c.1) {
        for (q, _) in probabilities.iter().zip(churned).filter(|c| !*c.1) {
            pairs += 1.0;
            wins += if p > q {
                1.0
            } else if p == q {
                0.5
            } else {
                0.0
            };
        }
    }
    wins / pairs
}

/// The checks of a table, by its name.
fn check(world: &World, table: &str) -> Found {
    match table {
        "customers" => {
            summary::customers(world)?;
            segments::scores(world)?;
            churn::scores(world)?;
            clv::scores(world)?;
            forecast::scores(world)?;
            market::scores(world)
        }
        "segments" => segments::segments(world),
        "segment_migration" => segments::migration(world),
        "segment_history" => segments::history(world),
        "segment_groups" => segments::groups(world),
        "rfm_breaks" => segments::breaks(world),
        "clusters" => segments::clusters(world),
        "cluster_profiles" => segments::profiles(world),
        "cluster_rules" => segments::cluster_rules(world),
        "cluster_choice" => segments::choice(world),
        "cluster_drift" => segments::drift(world),
        "churn_rules" => churn::rules(world),
        "churn_metrics" => churn::metrics(world),
        "churn_reliability" => churn::reliability(world),
        "churn_gains" => churn::gains(world),
        "churn_importance" => churn::importance(world),
        "churn_targets" => churn::targets(world),
        "churn_cutoffs" => churn::cutoffs(world),
        "contract_customers" => contracts::customers(world),
        "survival" => contracts::survival(world),
        "survival_tests" => contracts::tests(world),
        "cox" => contracts::cox(world),
        "retention" => contracts::retention(world),
        "rfm_customers" => segments::rfm_table(world),
        "clv_parameters" => clv::parameters(world),
        "clv_models" => clv::models(world),
        "clv_calibration" => clv::calibration(world),
        "clv_tracking" => clv::tracking(world),
        "clv_forecast" => clv::forecast(world),
        "clv_distribution" => clv::distribution(world),
        "forecast_origins" => forecast::origins(world),
        "forecast_coverage" => forecast::coverage(world),
        "itemsets" => baskets::itemsets(world),
        "rules" => baskets::rules(world),
        "sequences" => baskets::sequences(world),
        "first_to_second" => baskets::first_to_second(world),
        "next_purchase" => baskets::next_purchase(world),
        "offers" => market::offers(world),
        "offer_metrics" => market::offer_metrics(world),
        "cohorts" => market::cohorts(world),
        "cohorts_wide" => market::cohorts_wide(world),
        "concentration" => market::concentration(world),
        "lorenz" => market::lorenz(world),
        "key_customers" => market::key_customers(world),
        "products" => market::products(world),
        "funnel" => acquisition::funnel(world),
        "funnel_times" => acquisition::funnel_times(world),
        "funnel_people" => acquisition::funnel_people(world),
        "funnel_rejects" => acquisition::funnel_rejects(world),
        "channel_rejects" => acquisition::channel_rejects(world),
        "channels" => acquisition::channels(world),
        "channel_transitions" => acquisition::transitions(world),
        "channel_paths" => acquisition::paths(world),
        "channel_people" => acquisition::channel_people(world),
        "channel_mix" => acquisition::mix(world),
        "channel_moves" => acquisition::moves(world),
        "campaign_lift" => acquisition::lift(world),
        "campaign_balance" => acquisition::balance(world),
        "campaign_models" => acquisition::models(world),
        "campaign_tenths" => acquisition::tenths(world),
        "campaign_people" => acquisition::campaign_people(world),
        "drift" => segments::drift_of_customers(world),
        "revenue_bridge" => market::bridge(world),
        _ => Err(format!("no check looks at the table {table}: write one")),
    }
}

const CONFIG: &str = r#"
[input]
files = ["orders.csv"]
[columns]
customer = "customer"
order = "order"
date = "date"
quantity = "quantity"
amount = "amount"
unit_cost = "unit_cost"
product = "product"
product_name = "name"
category = "category"
country = "country"
channel = "channel"
store = "store"
[run]
out = "out"
[rfm]
by = "top_country"
min_group = 60
weights = [0.5, 0.3, 0.2]
refresh_days = 60
[cluster]
k = "auto"
k_min = 3
k_max = 5
choose = "stability"
[churn]
horizon_days = 60
model = "auto"
offer_cost = 0.4
response_rate = 0.3
value_saved = 0.5
[clv]
margin = "unit_cost"
distribution_up_to = 4
holdout_days = 180
[forecast]
coverage = 0.5
[basket]
min_support = 0.008
min_confidence = 0.1
min_lift = 0.0
drop_redundant = false
max_p_value = 1.0
max_right = 2
sequence_support = 0.05
[offer]
per_customer = 4
[cohort]
period = "week"
by = ["country"]
[value]
key_customers = 12
bridge_days = 300
"#;

/// Two nights of the simulated shop, a table of contracts and one of survivors, run once for all tests.
fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let facts = Arc::new(Facts::simulate());
        let scene = Scene::new();
        scene.write("orders.csv", facts.export());
        scene.write("tillwise.toml", CONFIG);
        // The night before gives break points and clusters to compare with.
        let before = facts::earlier().to_string();
        scene.done(&["run", "--as-of", &before, "--only", "rfm,cluster"]);
        // Longer ago there were fewer customers.
        let long_before = facts::long_before().to_string();
        scene.done(&["run", "--as-of", &long_before, "--only", "drift"]);
        scene.done(&["run"]);
        // Columns that only other methods fill.
        let mixture = CONFIG.replace("k = \"auto\"", "method = \"gaussian_mixture\"\nk = \"auto\"");
        scene.write("mixture.toml", mixture.replace("out = \"out\"", "out = \"mixture\""));
        scene.done(&["run", "mixture.toml", "--only", "cluster"]);
        scene.write("fading.csv", facts::fading());
        scene.write(
            "fading.toml",
            "[input]\nfiles = [\"fading.csv\"]\n[columns]\ncustomer = \"customer\"\norder = \"order\"\ndate = \"date\"\n\
             amount = \"amount\"\n[run]\nout = \"fading\"\n[churn]\nhorizon_days = 60\n",
        );
        scene.done(&["run", "fading.toml", "--only", "churn"]);
        scene.write("contracts.csv", facts::contracts());
        let args = [
            "contract", "contracts.csv", "--label", "left", "--id", "id", "--tenure", "months", "--out",
            "contract",
        ];
        assert_eq!(scene.tillwise(&args).code, 0);
        scene.write("survivors.csv", facts::SURVIVORS);
        let args = ["retention", "survivors.csv", "--out", "retention"];
        let ended = scene.tillwise(&args);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        scene.write("sums.csv", segments::sums(&facts));
        let args = [
            "rfm-table", "sums.csv", "--id", "id", "--last-order", "last", "--orders", "orders", "--revenue",
            "revenue", "--out", "sums",
        ];
        let ended = scene.tillwise(&args);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        scene.write("leads.csv", acquisition::leads_export());
        let args = [
            "funnel", "leads.csv", "--id", "who", "--time", "at", "--stage", "what", "--stages", "visit,offer,talk,deal",
            "--by", "source", "--roll-up", "place", "--horizon", "20", "--out", "fun",
        ];
        let ended = scene.tillwise(&args);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        scene.write("touches.csv", acquisition::touches_export());
        let window = acquisition::WINDOW.to_string();
        let ended = scene.tillwise(&["channels", "touches.csv", "--value", "worth", "--window", &window, "--out", "chan"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        scene.write("campaign.csv", acquisition::campaign_export());
        let [cost, budget] = [acquisition::CAMPAIGN_COST, acquisition::CAMPAIGN_BUDGET].map(|m| m.to_string());
        let args = [
            "campaign", "campaign.csv", "--treatment", "contacted", "--outcome", "spent", "--id", "who", "--past", "past",
            "--value", "2", "--cost", &cost, "--budget", &budget, "--out", "camp",
        ];
        let ended = scene.tillwise(&args);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let mut tables = BTreeMap::new();
        // Tables that both a run and a contract write are the run's.
        for folder in ["retention", "contract", "sums", "chan", "fun", "camp", "out/current"] {
            for entry in fs::read_dir(scene.path(folder)).unwrap() {
                let path = entry.unwrap().path();
                if let Some(name) = path.file_name().unwrap().to_str().unwrap().strip_suffix(".parquet") {
                    tables.insert(name.to_owned(), Frame::read(&path));
                }
            }
        }
        for name in ["customers", "cluster_choice"] {
            let frame = Frame::read(&scene.path(&format!("mixture/current/{name}.parquet")));
            tables.insert(format!("mixture: {name}"), frame);
        }
        let night_before = std::fs::read_dir(scene.path(&format!("out/runs/as_of={long_before}")));
        let night_before = night_before.unwrap().next().unwrap().unwrap().path();
        tables.insert("before: customers".to_owned(), Frame::read(&night_before.join("customers.parquet")));
        let fading = Frame::read(&scene.path("fading/current/churn_cutoffs.parquet"));
        tables.insert("fading: churn_cutoffs".to_owned(), fading);
        let contract_metrics = Frame::read(&scene.path("contract/churn_metrics.parquet"));
        tables.insert("contract: churn_metrics".to_owned(), contract_metrics);
        let record = scene.json("out/current/run.json");
        let [clv, cluster] =
            ["clv", "cluster"].map(|name| scene.json(&format!("out/current/models/{name}.json")));
        World { tables, facts, record, clv, cluster }
    })
}

fn names() -> impl Iterator<Item = &'static str> {
    std::iter::once("customers").chain(published().into_iter().map(|t| t.name))
}

#[test]
fn every_table_holds_what_it_should() {
    let world = world();
    let columns = SUMMARY.len() + score_columns().count();
    assert_eq!(world.table("customers").types.len(), columns);
    let wrong: Vec<String> =
        names().filter_map(|name| check(world, name).err().map(|e| format!("{name}: {e}"))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Columns that are one number by definition, so that no swap can be seen.
const ALWAYS_EQUAL: [(&str, &str, &str); 1] = [("customers", "tenure_days", "age_days")];

#[test]
fn every_swap_of_two_columns_is_noticed() {
    let world = world();
    // Columns of one type, two by two.
    let mut pairs: Vec<(&str, &String, &String)> = Vec::new();
    for name in names() {
        let types: Vec<(&String, &DataType)> = world.table(name).types.iter().collect();
        for (i, (a, kind)) in types.iter().enumerate() {
            for (b, _) in types[i + 1..].iter().filter(|(_, other)| other == kind) {
                let known =
                    |e: &(&str, &str, &str)| e.0 == name && [e.1, e.2].iter().all(|c| *c == *a || *c == *b);
                if ALWAYS_EQUAL.iter().any(known) {
                    continue;
                }
                pairs.push((name, a, b));
            }
        }
    }
    let unseen = |mutant: &mut World, (name, a, b): &(&str, &String, &String)| {
        // Wherever the table is written; and back.
        let swap = |mutant: &mut World| {
            for written in [(*name).to_owned(), format!("mixture: {name}"), format!("fading: {name}")] {
                if let Some(frame) = mutant.tables.get_mut(&written) {
                    frame.swap(a, b);
                }
            }
        };
        swap(mutant);
        let found = check(mutant, name);
        swap(mutant);
        found.is_ok().then(|| format!("{name}: {a} and {b}"))
    };
    let missed: Vec<String> =
        pairs.par_iter().map_init(|| world.clone(), |mutant, pair| unseen(mutant, pair)).flatten().collect();
    assert!(
        missed.is_empty(),
        "{} of {} swaps went unseen:\n{}",
        missed.len(),
        pairs.len(),
        missed.join("\n")
    );
    assert!(pairs.len() > 1_900, "{}", pairs.len());
    eprintln!("{} swaps of two columns, all of them noticed", pairs.len());
}
