//! What runs a pipeline beside the run itself: `runs`, `config`, values from the environment, dry runs, signals.

use std::fs;

use tillwise_simulate::Shop;

use crate::support::{content, Scene};

const CONFIG: &str = "[input]\nfiles = [\"orders.csv\"]\n[columns]\ncustomer = \"customer_id\"\norder = \"order_no\"\n\
    date = \"ordered_at\"\nproduct = \"sku\"\nquantity = \"quantity\"\nprice = \"unit_price\"\n[run]\nanalyses = [\"rfm\", \"clv\"]\n";

fn shop() -> Scene {
    let scene = Scene::with_shop(&Shop { customers: 120, seed: 3, ..Shop::default() });
    scene.write("tillwise.toml", CONFIG);
    scene
}

/// The words of each line.
fn lines(text: &str) -> Vec<Vec<&str>> {
    text.lines().map(|line| line.split_whitespace().collect()).collect()
}

#[test]
fn runs_are_listed_shown_compared_and_pruned() {
    let scene = shop();
    assert_eq!(scene.tillwise(&["runs", "list"]).stdout.trim(), "there are no runs in out");
    let id = |as_of: &str| scene.done(&["run", "--as-of", as_of])["run_id"].as_str().unwrap().to_owned();
    let days = ["2023-06-30", "2023-09-30", "2023-12-31"];
    let ids = days.map(id);
    let counts = days.map(|day| {
        scene
            .table(&format!(
                "out/runs/as_of={day}/run={}/customers.parquet",
                ids[days.iter().position(|d| *d == day).unwrap()]
            ))
            .rows()
    });
    let listed = scene.tillwise(&["runs", "list"]).stdout;
    let listed = lines(&listed);
    assert_eq!(listed.len(), 4);
    for (i, line) in listed[1..].iter().enumerate() {
        assert_eq!((line[0], line[1]), (ids[2 - i].as_str(), days[2 - i]), "the latest first");
        assert_eq!(line[5], counts[2 - i].to_string());
        assert_eq!(line.last() == Some(&"current"), i == 0);
    }
    let shown = scene.tillwise(&["runs", "show", &ids[0][..6]]).stdout;
    assert!(shown.contains(&ids[0]) && shown.contains("rfm") && shown.contains("done"), "{shown}");

    let diff = scene.tillwise(&["runs", "diff", days[0]]).stdout;
    let diff = lines(&diff);
    let row = |name: &str| {
        diff.iter().find(|l| l.first() == Some(&name)).unwrap_or_else(|| panic!("{name}: {diff:?}"))
    };
    assert_eq!(
        row("customers")[1..4],
        [counts[0].to_string(), counts[2].to_string(), (counts[2] - counts[0]).to_string()]
    );
    assert_eq!(row("rfm")[1], "another", "the break points moved");
    assert!(row("p_alive").len() == 5 && row("Champions").len() == 4);
    let none = scene.tillwise(&["runs", "diff", "zzz"]);
    assert!(none.code == 2 && none.stderr.contains("no run in out has this id or day"), "{}", none.stderr);

    scene.done(&["run", "--as-of", days[0]]);
    let pruned = scene.tillwise(&["runs", "prune", "--keep", "1"]);
    assert_eq!(pruned.stdout.trim(), "Removed 1 runs, 0 versions of the store and 0 files in it");
    // The newest was kept, and the one that `current` leads to.
    let left = scene.tillwise(&["runs", "list"]).stdout;
    assert_eq!(lines(&left)[1..].iter().map(|l| l[1]).collect::<Vec<_>>(), [days[2], days[0]]);
    assert_eq!(scene.tillwise(&["runs", "prune", "--keep", "0"]).code, 2);
}

#[test]
fn runs_and_files_of_the_past_are_pruned_as_the_config_says() {
    let scene = shop();
    let orders = fs::read_to_string(scene.path("orders.csv")).unwrap();
    scene.write("tillwise.toml", format!("{CONFIG}[store]\nfiles = \"named\"\nkeep_runs = 2\n"));
    for cut in [2, 3, 4, 5] {
        let lines: Vec<&str> = orders.lines().collect();
        scene.write("orders.csv", lines[..lines.len() - lines.len() / cut].join("\n") + "\n");
        scene.done(&["run"]);
    }
    assert_eq!(lines(&scene.tillwise(&["runs", "list"]).stdout).len(), 3);
    assert_eq!(
        fs::read_dir(scene.path("out/store/files")).unwrap().count(),
        2,
        "those that two versions name"
    );
    let ended = scene.tillwise(&["run", "--force"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

#[test]
fn values_come_from_the_file_then_the_environment_then_flags() {
    let scene = shop();
    let shown = |args: &[&str], env: &[(&str, &str)]| {
        let ended = scene.tillwise_with(&[&["config", "show"], args].concat(), env);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        toml::from_str::<toml::Table>(&ended.stdout).unwrap()
    };
    let run = |config: &toml::Table, key: &str| config["run"][key].to_string();
    let env = [("TILLWISE_RUN__AS_OF", "2023-06-30"), ("TILLWISE_RUN__SEED", "5"), ("TILLWISE_LOG", "off")];
    assert_eq!(run(&shown(&[], &[]), "as_of"), "\"last\"");
    let config = shown(&[], &env);
    assert_eq!((run(&config, "as_of"), run(&config, "seed")), ("\"2023-06-30\"".to_owned(), "5".to_owned()));
    let config =
        shown(&["--set", "run.seed=6", "--set", "rfm.weights=[0.5,0.3,0.2]", "--as-of", "last+1"], &env);
    assert_eq!((run(&config, "as_of"), run(&config, "seed")), ("\"last+1\"".to_owned(), "6".to_owned()));
    assert_eq!(config["rfm"]["weights"].as_array().unwrap().len(), 3);
    // What does not fit is named by where it was said.
    for (env, said) in [
        (("TILLWISE_RUN__SEAD", "5"), "error: TILLWISE_RUN__SEAD: unknown field `sead`"),
        (("TILLWISE_RUN__SEED", "five"), "error: TILLWISE_RUN__SEED: invalid type: string"),
        (("TILLWISE_RUNS__SEED", "5"), "error: TILLWISE_RUNS__SEED: unknown field `runs`"),
        (("TILLWISE_GATES__MAX_REJECT_SHARE", "3"), "error: [gates] max_reject_share: must be within 0 to 1"),
    ] {
        let ended = scene.tillwise_with(&["config", "show"], &[env]);
        assert!(ended.code == 2 && ended.stderr.starts_with(said), "{}", ended.stderr);
    }
    // A run made so is the one that the file would make.
    let with = scene.tillwise_with(&["run"], &[("TILLWISE_RUN__AS_OF", "2023-06-30")]);
    let line: serde_json::Value = serde_json::from_str(with.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(line["as_of"], "2023-06-30");
    assert_eq!(scene.tillwise(&["run", "--as-of", "2023-06-30"]).code, 99);
}

#[test]
fn the_schema_knows_every_key() {
    let scene = shop();
    let schema: serde_json::Value =
        serde_json::from_str(&scene.tillwise(&["config", "schema"]).stdout).unwrap();
    let shown = scene.tillwise(&["config", "show"]).stdout;
    let config: toml::Table = toml::from_str(&shown).unwrap();
    for (table, keys) in &config {
        let known = &schema["properties"][table]["properties"];
        for key in keys.as_table().unwrap().keys() {
            assert!(known[key]["description"].is_string(), "[{table}] {key} is not in the schema");
        }
    }
    assert_eq!(schema["properties"]["churn"]["properties"]["horizon_days"]["default"], 90);
}

#[test]
fn a_dry_run_says_what_a_run_would_do_and_does_nothing() {
    let scene = shop();
    let dry = |args: &[&str]| {
        let ended = scene.tillwise(&[&["run", "--dry-run"], args].concat());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let line = serde_json::from_str::<serde_json::Value>(ended.stdout.lines().last().unwrap()).unwrap();
        (ended.stdout, line)
    };
    let (text, line) = dry(&[]);
    assert_eq!(
        (&line["files"], &line["seconds"], &line["published"]),
        (&1.into(), &().into(), &().into()),
        "{text}"
    );
    assert_eq!(line["fitted"], serde_json::json!(["rfm", "clv"]));
    assert!(!scene.path("out/current").exists());
    scene.done(&["run"]);
    let before = content(&scene.path("out"));
    let (text, line) = dry(&[]);
    assert!(text.contains("nothing new") && line["published"].is_string(), "{text}");
    let (text, line) = dry(&["--as-of", "2023-06-30"]);
    assert!(text.contains("by the last run") && line["seconds"].as_f64().unwrap() > 0.0, "{text}");
    assert!(content(&scene.path("out")) == before);
    let checked = scene.tillwise(&["config", "check"]);
    assert!(checked.stdout.starts_with("tillwise.toml is in order: 1 files"), "{}", checked.stdout);
    fs::remove_file(scene.path("orders.csv")).unwrap();
    assert_eq!(scene.tillwise(&["config", "check"]).code, 2);
}

#[cfg(unix)]
#[test]
fn signals_end_a_run_cleanly_and_the_next_one_is_undisturbed() {
    use std::process::{Command, Stdio};
    let scene = Scene::with_shop(&Shop { customers: 3000, seed: 3, ..Shop::default() });
    scene.write("tillwise.toml", CONFIG);
    scene.write("calm.toml", format!("{CONFIG}out = \"calm\"\n"));
    scene.done(&["run", "calm.toml"]);
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        for milliseconds in [30, 80, 200] {
            let mut child = Command::new(assert_cmd::cargo::cargo_bin("tillwise"))
                .args(["run", "--force"])
                .current_dir(scene.path("."))
                .stderr(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            std::thread::sleep(std::time::Duration::from_millis(milliseconds));
            Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
            let ended = child.wait().unwrap().code();
            // It may have been over before.
            assert!(ended == Some(code) || ended == Some(0), "{ended:?}");
            if ended == Some(code) {
                let mut said = String::new();
                std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
                assert!(said.contains("stopped by SIG"), "{said}");
            }
        }
    }
    assert!([0, 99].contains(&scene.tillwise(&["run"]).code));
    let runs =
        [scene.path("out/current"), scene.path("calm/current")].map(|c| content(&c.canonicalize().unwrap()));
    assert!(runs[0] == runs[1]);
    assert!(!scene.path("out/.work").exists());
}
