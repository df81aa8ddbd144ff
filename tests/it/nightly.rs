//! From night to night: what the store keeps, and that it never makes a difference to what is published.
//!
//! A shop is followed for some nights here; `TILLWISE_NIGHTS=365 cargo test --release --workspace nightly` follows it for a year.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;
use tillwise_table::Table;

use crate::support::{content, Scene};

const COLUMNS: &str = "[columns]\ncustomer = \"customer\"\norder = \"order\"\ndate = \"date\"\nproduct = \"product\"\namount = \"amount\"\n\
    status = \"status\"\n[cleaning]\nnot_sales = [\"cancelled\"]\n";
const ANALYSES: &str =
    "[run]\nanalyses = [\"rfm\", \"cluster\", \"churn\", \"basket\", \"cohort\", \"value\"]\n";
const HEADER: &str = "customer,order,date,product,amount,status\n";

fn config(files: &str, more: &str) -> String {
    format!("[input]\nfiles = {files}\n{COLUMNS}{ANALYSES}{more}")
}

/// A sequence of numbers that looks like chance.
struct Draw(u64);

impl Draw {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n
    }
}

/// A shop whose files come as they do in life.
struct Shop {
    draw: Draw,
    orders: usize,
    /// Lines that wait for a file, and the lines of orders that may be cancelled yet.
    waiting: String,
    open: Vec<String>,
}

const FIRST: i32 = 19_700;

impl Shop {
    fn new() -> Shop {
        Shop { draw: Draw(5), orders: 0, waiting: String::new(), open: Vec::new() }
    }

    fn day(&mut self, day: i32) {
        for _ in 0..3 + self.draw.below(8) {
            // Some orders are known late.
            let late = if self.draw.below(12) == 0 { self.draw.below(60) as i32 } else { 0 };
            self.orders += 1;
            let customer = self.draw.below(40) * self.draw.below(5);
            for _ in 0..1 + self.draw.below(3) {
                let date = tillwise_core::Day(FIRST + (day - late).max(0));
                let (product, cents) = (self.draw.below(12), 100 + self.draw.below(4000));
                let line = format!(
                    "c{customer},{},{date},p{product},{}.{:02},paid\n",
                    self.orders,
                    cents / 100,
                    cents % 100
                );
                self.waiting.push_str(&line);
                self.open.push(line);
            }
        }
        // A line of the past is cancelled.
        if self.draw.below(4) == 0 && self.open.len() > 50 {
            let at = self.draw.below(self.open.len() - 20);
            let line = self.open.swap_remove(at);
            self.waiting.push_str(&line.replace("paid", "cancelled"));
        }
    }

    fn file(&mut self) -> String {
        HEADER.to_owned() + &std::mem::take(&mut self.waiting)
    }
}

/// The lines of a run by month, whatever files they lie in.
fn transactions(scene: &Scene) -> BTreeMap<String, Vec<String>> {
    let mut months: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, _) in content(&scene.path("out/current/transactions")) {
        let table = Table::read(&scene.path("out/current/transactions").join(&name)).unwrap();
        let rows = (0..table.rows()).map(|i| format!("{:?}", table.batch().slice(i, 1).columns()));
        months.entry(name.split('/').next().unwrap().to_owned()).or_default().extend(rows);
    }
    months
}

/// Everything that is published but the lines.
fn published(scene: &Scene) -> Vec<(String, Vec<u8>)> {
    let all = content(&scene.path("out/current").canonicalize().unwrap());
    all.into_iter().filter(|(name, _)| !name.starts_with("transactions")).collect()
}

#[test]
fn every_night_is_what_a_rebuild_from_all_files_would_be() {
    let nights = std::env::var("TILLWISE_NIGHTS").ok().and_then(|n| n.parse().ok()).unwrap_or(20);
    let (kept, rebuilt) = (Scene::new(), Scene::new());
    kept.write("tillwise.toml", config("[\"exports/*.csv\"]", "[store]\nfiles = \"all\"\n"));
    let mut shop = Shop::new();
    (0..200).for_each(|day| shop.day(day));
    // In the order that they were taken in; those that are gone are no longer in the folder.
    let mut files: Vec<(String, String)> = Vec::new();
    let mut seen = BTreeMap::<&str, usize>::new();
    for night in 0..nights {
        shop.day(200 + night);
        let mut read = 0;
        let (mut new, mut event) = (Vec::new(), |what| *seen.entry(what).or_default() += 1);
        let luck = shop.draw.below(20);
        if night > 3 && luck < 3 {
            let at = shop.draw.below(files.len());
            let (name, text) = files[at].clone();
            let there = kept.path(&name).exists();
            if luck == 0 && there {
                event("corrected");
                // A row is missing now: the file takes the place of what it was, as the newest.
                files.remove(at);
                let cut = text.trim_end().rfind('\n').unwrap() + 1;
                new.push((name, text[..cut].to_owned()));
            } else if luck == 1 && there {
                event("repeated");
                new.push((format!("exports/copy-{night:04}.csv"), text));
            } else if luck == 1 {
                event("came back under another name");
                let back = format!("exports/back-{night:04}.csv");
                kept.write(&back, text);
                files[at].0 = back;
            } else if luck == 2 && there {
                event("renamed");
                let renamed = format!("exports/renamed-{night:04}.csv");
                fs::rename(kept.path(&name), kept.path(&renamed)).unwrap();
                files[at].0 = renamed;
            }
        }
        if luck == 4 {
            event("missing");
        } else {
            new.push((format!("exports/night-{night:04}.csv"), shop.file()));
        }
        if luck >= 15 && files.len() > 2 {
            let gone = shop.draw.below(files.len());
            event("gone");
            let _ = fs::remove_file(kept.path(&files[gone].0));
        }
        // Several new ones are taken in by their names.
        new.sort();
        for (name, text) in new {
            kept.write(&name, &text);
            read += 1;
            files.push((name, text));
        }
        let code = kept.tillwise(&["run"]).code;

        // Beside it, all files there ever were, in that order, and nothing kept but earlier runs.
        fs::remove_dir_all(rebuilt.path("exports")).ok();
        files.iter().for_each(|(name, text)| rebuilt.write(name, text));
        let names: Vec<&String> = files.iter().map(|f| &f.0).collect();
        rebuilt.write("tillwise.toml", config(&format!("{names:?}"), ""));
        assert_eq!(code, rebuilt.tillwise(&["run"]).code, "night {night}");
        let (ours, theirs) = (published(&kept), published(&rebuilt));
        let other: Vec<&str> =
            ours.iter().filter(|file| !theirs.contains(file)).map(|f| f.0.as_str()).collect();
        assert!(other.is_empty() && ours.len() == theirs.len(), "night {night}, after {seen:?}: {other:?}");
        assert!(transactions(&kept) == transactions(&rebuilt), "night {night}, after {seen:?}");
        if code == 0 {
            let record = kept.json("out/run.json");
            assert_eq!(record["store"]["read"], read, "night {night}: {record}");
            assert_eq!(record["store"]["files"], files.len());
        } else {
            assert!(code == 99 && read == 0, "night {night}: {code}");
        }
    }
    assert!(nights < 100 || seen.len() == 6, "{seen:?}");
    // The whole store made again from the files that are there changes nothing.
    let before = published(&kept);
    assert_eq!(kept.done(&["run", "--full-refresh"])["status"], "done");
    assert!(published(&kept) == before);
}

/// A store of two nights; the first file is gone.
fn two_nights() -> Scene {
    let scene = Scene::new();
    scene.write("tillwise.toml", config("[\"exports/*.csv\"]", "[store]\nfiles = \"all\"\n"));
    let mut shop = Shop::new();
    (0..100).for_each(|day| shop.day(day));
    scene.write("exports/a.csv", shop.file());
    scene.done(&["run"]);
    (100..140).for_each(|day| shop.day(day));
    scene.write("exports/b.csv", shop.file());
    fs::remove_file(scene.path("exports/a.csv")).unwrap();
    scene.done(&["run"]);
    scene
}

fn store(scene: &Scene) -> Value {
    scene.json("out/run.json")["store"].clone()
}

/// Kept files of the transactions of a file that was taken in, by the file's name.
fn part_of(scene: &Scene, file: &str) -> std::path::PathBuf {
    for entry in fs::read_dir(scene.path("out/store/files")).unwrap() {
        let folder = entry.unwrap().path();
        let card = fs::read_to_string(folder.join("file.json")).unwrap();
        if card.contains(&format!("\"file\":\"{file}\"")) {
            let parts = content(&folder.join("transactions"));
            return folder.join("transactions").join(&parts[0].0);
        }
    }
    panic!("{file} is not in the store");
}

fn damage(path: &std::path::Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    fs::write(path, bytes).unwrap();
}

#[test]
fn nothing_new_is_nothing_to_do() {
    let scene = two_nights();
    assert_eq!(store(&scene), serde_json::json!({ "files": 2, "read": 1, "replaced": 0, "gone": 1 }));
    assert_eq!(scene.tillwise(&["run"]).code, 99);
    let customers = scene.table("out/current/customers.parquet").rows();
    // Without what was kept, half of the history is lost.
    scene.write("named.toml", config("[\"exports/*.csv\"]", "out = \"named\"\n[store]\nfiles = \"named\"\n"));
    scene.done(&["run", "named.toml"]);
    assert!(scene.table("named/current/customers.parquet").rows() < customers);
}

#[test]
fn what_is_damaged_is_read_again_or_said() {
    let scene = two_nights();
    let before = published(&scene);
    damage(&part_of(&scene, "exports/b.csv"));
    assert_eq!(scene.tillwise(&["run", "--force"]).code, 0);
    assert_eq!(store(&scene)["read"], 1);
    assert!(published(&scene) == before);

    damage(&part_of(&scene, "exports/a.csv"));
    let ended = scene.tillwise(&["run", "--force"]);
    assert_eq!(ended.code, 1);
    assert!(
        ended.stderr.contains("it came from exports/a.csv, which is no longer there; restore it"),
        "{}",
        ended.stderr
    );
    assert!(published(&scene) == before, "current stays");
    // A manifest that does not read is no empty store.
    scene.write("out/store/manifest-000002.json", "{");
    let ended = scene.tillwise(&["run", "--force"]);
    assert!(ended.code == 1 && ended.stderr.contains("manifest-000002.json is damaged"), "{}", ended.stderr);
}

#[test]
fn other_settings_read_again_what_is_there_and_refuse_what_is_gone() {
    let scene = two_nights();
    let other =
        config("[\"exports/*.csv\"]", "[store]\nfiles = \"all\"\n").replace("[\"cancelled\"]", "[\"void\"]");
    scene.write("tillwise.toml", other);
    let ended = scene.tillwise(&["run"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("`exports/a.csv` was taken in under other settings"), "{}", ended.stderr);
    // With the file back, both are read again.
    let mut shop = Shop::new();
    (0..100).for_each(|day| shop.day(day));
    scene.write("exports/a.csv", shop.file());
    scene.done(&["run"]);
    assert_eq!(store(&scene), serde_json::json!({ "files": 2, "read": 2, "replaced": 0, "gone": 0 }));
}

#[test]
fn a_night_that_failed_a_gate_leaves_nothing_behind() {
    let scene = two_nights();
    let before = published(&scene);
    let broken: String = (0..60).map(|i| format!("c1,x{i},2024-13-{i},p1,1,paid\n")).collect();
    scene.write("exports/c.csv", HEADER.to_owned() + &broken);
    assert_eq!(scene.tillwise(&["run"]).code, 3);
    assert!(published(&scene) == before);
    // The broken file is taken away: it never counted.
    fs::remove_file(scene.path("exports/c.csv")).unwrap();
    assert_eq!(scene.tillwise(&["run"]).code, 99);
}

#[test]
fn a_past_night_is_as_it_was_known() {
    let scene = two_nights();
    let first = scene.path("out/store/manifest-000001.json");
    let mut manifest: Value = serde_json::from_str(&fs::read_to_string(&first).unwrap()).unwrap();
    // The first night was long ago.
    manifest["taken_in_at"] = (86_400 * 19_900_u64).into();
    fs::write(&first, manifest.to_string()).unwrap();
    let day = tillwise_core::Day(19_900);
    let line = scene.done(&["run", "--as-known-on", &day.to_string()]);
    assert_eq!(scene.json("out/run.json")["inputs"].as_array().unwrap().len(), 1);
    assert_eq!(line["status"], "current_moved", "that night's run is still there");
    // The store itself did not go back.
    assert_eq!(scene.done(&["run"])["status"], "current_moved");
    let ended = scene.tillwise(&["run", "--as-known-on", "2020-01-01"]);
    assert!(
        ended.code == 2 && ended.stderr.contains("nothing was in the store on that day"),
        "{}",
        ended.stderr
    );
}

#[test]
fn other_customers_raise_an_alarm_and_the_same_do_not() {
    let scene = Scene::new();
    let config = |gate: &str| {
        config("[\"orders.csv\"]", &format!("[gates]\n{gate}\n"))
            .replace("\"cluster\", \"churn\", \"basket\", \"cohort\", \"value\"", "\"drift\"")
    };
    let export = |days: i32, cents: usize| {
        let mut shop = Shop::new();
        (0..days).for_each(|day| shop.day(day));
        let mut text = shop.file();
        if cents > 0 {
            // From here on everybody comes anew, and spends ten times as much.
            let (draw, last) = (&mut Draw(9), tillwise_core::Day(FIRST + days));
            (0..400).for_each(|i| {
                text.push_str(&format!("n{},n{i},{last},p1,{},paid\n", draw.below(200), cents))
            });
        }
        text
    };
    scene.write("tillwise.toml", config(""));
    scene.write("orders.csv", export(150, 0));
    scene.done(&["run"]);
    assert_eq!(scene.table("out/current/drift.parquet").rows(), 0, "nothing to compare with");
    // Three more days of the same shop.
    scene.write("orders.csv", export(153, 0));
    scene.done(&["run"]);
    let alarms = |scene: &Scene| scene.json("out/run.json")["analyses"]["drift"]["report"]["alarms"].clone();
    assert_eq!((scene.table("out/current/drift.parquet").rows(), alarms(&scene)), (7, serde_json::json!([])));
    scene.write("tillwise.toml", config("drift = \"fail\""));
    scene.write("orders.csv", export(156, 1000));
    let ended = scene.tillwise(&["run"]);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert!(ended.stderr.starts_with("error: gate drift: customers are others than on"), "{}", ended.stderr);
    assert!(scene.path("out/failed/drift.parquet").exists(), "the new results are there to be looked at");
    assert_eq!(alarms(&scene), serde_json::json!([]), "current stays");
    scene.write("tillwise.toml", config(""));
    let line = scene.done(&["run"]);
    assert_eq!(line["analyses"]["drift"], "done");
    assert!(alarms(&scene).as_array().unwrap().iter().any(|a| a == "avg_order_value"));
}
