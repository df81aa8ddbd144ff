//! What becomes of a run when the world is unkind: it is killed, the disk fails or fills, an input changes under its hands.
//!
//! `unkind/shim.c` stands between the program and the C library, and makes the n-th call that changes a file go wrong. The
//! number of trials is small here; `TILLWISE_FAULTS=10000 cargo test --release --workspace unkind` makes as many as are
//! asked for.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tillwise_simulate::Shop;

use crate::support::{content, Ended, Scene};

const CONFIG: &str = "[input]\nfiles = [\"orders.csv\"]\n[columns]\ncustomer = \"customer_id\"\norder = \"order_no\"\ndate = \"ordered_at\"\nproduct = \"sku\"\nquantity = \"quantity\"\nprice = \"unit_price\"\n[run]\nanalyses = [\"rfm\", \"value\"]\n";
const EIO: &str = "5";
const ENOSPC: &str = "28";

/// The library that makes calls fail, compiled once.
fn shim() -> &'static Path {
    static SHIM: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = SHIM.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shim.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/it/unkind/shim.c");
        let compiled = Command::new("cc")
            .args(["-O1", "-shared", "-fPIC", "-o"])
            .args([&path, &source])
            .arg("-ldl")
            .status()
            .unwrap();
        assert!(compiled.success());
        (folder, path)
    });
    path
}

/// A folder with an export, and an output folder of an earlier run or none.
struct Setting {
    scene: Scene,
    args: Vec<&'static str>,
}

impl Setting {
    /// Runs with the shim: the number of the call that goes wrong, and how.
    fn run(&self, at: usize, what: &str) -> Ended {
        let under = self.scene.path("out");
        let at = at.to_string();
        let log = self.scene.path("calls");
        let env = [
            ("LD_PRELOAD", shim().to_str().unwrap()),
            ("FAULT_UNDER", under.to_str().unwrap()),
            ("FAULT_AT", &at),
            ("FAULT_DO", what),
            ("FAULT_LOG", log.to_str().unwrap()),
        ];
        let _ = fs::remove_file(&log);
        self.scene.tillwise_with(&self.args, &env)
    }

    /// What the last run did to files: name and path of each call.
    fn calls(&self) -> Vec<(String, String)> {
        let text = fs::read_to_string(self.scene.path("calls")).unwrap();
        let of = |line: &str| {
            let mut parts = line.splitn(3, ' ').skip(1).map(str::to_owned);
            (parts.next().unwrap(), parts.next().unwrap())
        };
        text.lines().map(of).collect()
    }

    /// Puts the output folder back to what it was.
    fn restore(&self) {
        let out = self.scene.path("out");
        let _ = fs::remove_dir_all(&out);
        if self.scene.path("before").exists() {
            let copied = Command::new("cp").arg("-a").args([&self.scene.path("before"), &out]).status();
            assert!(copied.unwrap().success());
        }
    }
}

fn export(customers: usize) -> Vec<u8> {
    let mut text = Vec::new();
    let shop = Shop { customers, seed: 4, ..Shop::default() };
    tillwise_simulate::write_shop(&shop, &mut text).unwrap();
    text
}

/// Two nights with a store: what is known, what changed and what is gone. The second night is the one that is disturbed.
fn with_store() -> Setting {
    let scene = Scene::new();
    let store = CONFIG.replace("orders.csv", "*.csv") + "[store]\nfiles = \"all\"\n";
    scene.write("tillwise.toml", store);
    for (name, customers) in [("known.csv", 30), ("changed.csv", 40), ("gone.csv", 50)] {
        scene.write(name, export(customers));
    }
    scene.done(&["run"]);
    fs::rename(scene.path("out"), scene.path("before")).unwrap();
    scene.write("changed.csv", export(45));
    scene.write("new.csv", export(60));
    fs::remove_file(scene.path("gone.csv")).unwrap();
    Setting { scene, args: vec!["run", "--threads", "1"] }
}

/// A first run, a run after another, and one that is made again.
fn settings() -> [Setting; 3] {
    let new = |published: Option<usize>, args: &[&'static str]| {
        let scene = Scene::new();
        scene.write("tillwise.toml", CONFIG);
        if let Some(customers) = published {
            scene.write("orders.csv", export(customers));
            scene.done(&["run"]);
            fs::rename(scene.path("out"), scene.path("before")).unwrap();
        }
        scene.write("orders.csv", export(60));
        Setting { scene, args: [&["run", "--threads", "1"], args].concat() }
    };
    [new(None, &[]), new(Some(40), &[]), new(Some(60), &["--force"])]
}

/// Every file that the record of a run names is there.
fn is_whole(run: &Path) -> bool {
    let Ok(text) = fs::read_to_string(run.join("run.json")) else { return false };
    let record: serde_json::Value = serde_json::from_str(&text).unwrap();
    record["files"].as_array().unwrap().iter().all(|f| run.join(f.as_str().unwrap()).is_file())
}

#[test]
fn after_any_kill_or_failing_call_comes_a_whole_run() {
    let asked = std::env::var("TILLWISE_FAULTS").ok().and_then(|n| n.parse::<usize>().ok());
    for (number, setting) in settings().into_iter().chain([with_store()]).enumerate() {
        let current = setting.scene.path("out/current");
        setting.restore();
        let undisturbed = setting.run(0, "");
        assert_eq!(undisturbed.code, 0, "{}", undisturbed.stderr);
        let expected = content(&current.canonicalize().unwrap());
        let calls = setting.calls().len();
        let trials = asked.map_or(60, |n| n / 4);
        for trial in 0..trials {
            let at = 1 + (trial * calls / trials) % calls;
            let what = ["kill", EIO, "kill", ENOSPC][trial % 4];
            let place = || format!("setting {number}, {what} at call {at} of {calls}");
            setting.restore();
            let ended = setting.run(at, what);
            assert!(!ended.stderr.contains("panicked"), "{}: {}", place(), ended.stderr);
            match ended.code {
                // Nothing that matters went wrong: the lock, or the removal of what is no longer needed.
                0 => assert!(content(&current.canonicalize().unwrap()) == expected, "{}", place()),
                1 => assert!(ended.stderr.starts_with("error: "), "{}: {}", place(), ended.stderr),
                code => assert!(what == "kill" && code == -1, "{}: {code} {}", place(), ended.stderr),
            }
            if number > 0 {
                assert!(is_whole(&current), "{}: current leads to no whole run", place());
            }
            let after = setting.scene.tillwise(&["run", "--threads", "1"]);
            assert!([0, 99].contains(&after.code), "{}: {}", place(), after.stderr);
            assert!(
                is_whole(&current) && content(&current.canonicalize().unwrap()) == expected,
                "{}",
                place()
            );
            for left in [".work", ".old"] {
                assert!(!setting.scene.path("out").join(left).exists(), "{}: {left} is left", place());
            }
        }
    }
}

#[test]
fn everything_is_on_disk_before_anything_points_at_it() {
    let [_, setting, _] = settings();
    setting.restore();
    assert_eq!(setting.run(0, "").code, 0);
    let calls = setting.calls();
    let root = setting.scene.path("out").canonicalize().unwrap().display().to_string();
    let work = format!("{root}/.work/");
    let last = |name: &str, path: &str| calls.iter().rposition(|c| c.0 == name && c.1 == path);
    let moved = calls.iter().position(|c| c.0 == "rename" && c.1.contains("/runs/")).unwrap();
    let swapped = last("rename", &format!("{root}/current")).unwrap();
    let run = setting.scene.path("out/current").canonicalize().unwrap();
    let mut files = 0;
    for (name, _) in content(&run).into_iter().chain([("run.json".to_owned(), Vec::new())]) {
        let path = format!("{work}{name}");
        let synced = last("fsync", &path).unwrap_or_else(|| panic!("{name} is not synced"));
        let written = last("write", &path).or(last("writev", &path)).unwrap_or(0);
        assert!(written < synced && synced < moved, "{name}");
        files += 1;
    }
    assert!(files > 10);
    for folder in [format!("{root}/.work"), format!("{root}/.work/models")] {
        assert!(last("fsync", &folder).unwrap() < moved, "{folder}");
    }
    // The new name of the run is on disk before `current` leads there, and so is that of `current` at the end.
    let day = run.parent().unwrap().display().to_string();
    let between = |path: &str| calls[moved..swapped].iter().any(|c| c.0 == "fsync" && c.1 == path);
    assert!(between(&day) && between(&format!("{root}/runs")) && between(&root));
    assert!(last("fsync", &root).unwrap() > swapped);
}

#[test]
fn an_input_that_changes_while_it_is_read_is_no_run() {
    let [_, setting, _] = settings();
    setting.restore();
    let orders = setting.scene.path("orders.csv");
    let ended = setting.run(5, &format!("touch:{}", orders.display()));
    assert_eq!(ended.code, 1);
    assert_eq!(
        ended.stderr.trim(),
        "error: orders.csv changed while it was read; run again when it is complete"
    );
    assert!(is_whole(&setting.scene.path("out/current")));
    // The next run takes the file as it is by then.
    assert_eq!(setting.scene.done(&["run"])["status"], "done");
}
