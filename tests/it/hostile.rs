//! What strangers write into exports, side files, models and folders: it is told and bounded, and nothing repeats it raw.

use std::fs;

use tillwise_simulate::Shop;

use crate::support::{Ended, Scene};

const CONFIG: &str = "[input]\nfiles = [\"*.csv\"]\n[columns]\ncustomer = \"customer\"\norder = \"order\"\ndate = \"date\"\namount = \"amount\"\n";

/// Orders of a few customers, each of these amounts, on days one after another.
fn orders(customers: u32, amounts: &[&str]) -> String {
    let mut text = "customer,order,date,amount\n".to_owned();
    for customer in 0..customers {
        for (i, amount) in amounts.iter().enumerate() {
            let day = 1 + (i as u32 * 3 + customer) % 28;
            text += &format!("c{customer},o{customer}-{i},2023-{:02}-{day:02},{amount}\n", 1 + i % 12);
        }
    }
    text
}

fn scene(config: &str, export: &str) -> Scene {
    let scene = Scene::new();
    scene.write("tillwise.toml", config);
    scene.write("orders.csv", export);
    scene
}

fn refused(ended: &Ended, code: i32, message: &str) {
    assert_eq!((ended.code, ended.stderr.trim()), (code, message));
}

#[test]
fn money_beyond_64_bits_is_summed_exactly() {
    // 9,400 lines of a hundred billion less one: 64 bits end at 9,223 such lines.
    let mut text = "customer,order,date,amount\n".to_owned();
    for i in 0..9_400 {
        text += &format!("big,o{i},2023-{:02}-{:02},99999999999\n", 1 + i % 12, 1 + i % 28);
    }
    text += &orders(20, &["10.50", "20"])["customer,order,date,amount\n".len()..];
    let scene = scene(CONFIG, &text);
    scene.done(&["run", "--only", "rfm,value,cohort"]);
    let customers = scene.table("out/current/customers.parquet");
    let big = customers.texts("customer_id").unwrap().iter().position(|id| *id == "big").unwrap();
    let expected = 9_400.0 * 99_999_999_999.0;
    assert_eq!(customers.f64s("net_revenue").unwrap()[big], expected);
    let whole = &scene.table("out/current/concentration.parquet").f64s("net_revenue").unwrap()[0].to_owned();
    assert_eq!(*whole, expected + 20.0 * 30.5);
    // One order of as many lines is more than a cell of 64 bits holds.
    let one_order = text.lines().map(|l| match l.strip_prefix("big,") {
        Some(_) => "big,o1,2023-01-01,99999999999\n".to_owned(),
        None => format!("{l}\n"),
    });
    scene.write("orders.csv", one_order.collect::<String>());
    refused(
        &scene.tillwise(&["run", "--only", "rfm"]),
        1,
        "error: the lines of one order may add up to more than 922 trillion in money or units, which cannot be summed exactly; \
         give the export in a larger unit, such as thousands",
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_glob_leaves_nothing_out_without_a_word() {
    use std::os::unix::ffi::OsStrExt;
    let scene = scene(CONFIG, &orders(30, &["10", "20", "30"]));
    let odd = scene.path("").join(std::ffi::OsStr::from_bytes(b"b\xef.csv"));
    fs::copy(scene.path("orders.csv"), &odd).unwrap();
    let ended = scene.tillwise(&["run"]);
    refused(
        &ended,
        2,
        "error: the name of ./b\u{FFFD}.csv is not UTF-8, so `*.csv` in [input] files cannot match it; rename the file",
    );
    fs::remove_file(&odd).unwrap();
    std::os::unix::fs::symlink("/mnt/nowhere/b.csv", scene.path("b.csv")).unwrap();
    refused(
        &scene.tillwise(&["run"]),
        2,
        "error: b.csv is not a file that can be read (a link that leads nowhere, a pipe or a device); remove it, or name the files in [input] files",
    );
    fs::remove_file(scene.path("b.csv")).unwrap();
    assert_eq!(scene.done(&["run", "--only", "rfm"])["rows_read"], 90);
}

#[test]
fn what_is_not_ours_in_the_output_folder_is_never_touched() {
    for (name, folder) in [("report.html", false), (".work", true), (".old", true), ("run.json", false)] {
        let config = format!("{CONFIG}[run]\nout = \".\"\n");
        let scene = scene(&config, &orders(30, &["10", "20", "30"]));
        let mine = if folder { format!("{name}/mine.txt") } else { name.to_owned() };
        scene.write(&mine, "mine");
        refused(
            &scene.tillwise(&["run", "--only", "rfm"]),
            2,
            &format!("error: {name} is not of Tillwise, and a run would replace it; choose another folder with --out or [run] out"),
        );
        assert_eq!(fs::read_to_string(scene.path(&mine)).unwrap(), "mine");
        // A file that comes later, under the name of a link, stays too.
        fs::remove_file(scene.path(&mine)).unwrap();
        let _ = fs::remove_dir(scene.path(name));
        scene.done(&["run", "--only", "rfm"]);
        fs::remove_file(scene.path("report.html")).unwrap();
        scene.write("report.html", "mine");
        assert_eq!(scene.tillwise(&["run", "--only", "rfm", "--force"]).code, 2);
        assert_eq!(fs::read_to_string(scene.path("report.html")).unwrap(), "mine");
    }
}

#[test]
fn earlier_files_that_come_back_are_current_again_and_that_is_new() {
    let first = orders(30, &["10", "20", "30"]);
    let scene = scene(CONFIG, &first);
    let one = scene.done(&["run", "--only", "rfm"]);
    scene.write("orders.csv", orders(31, &["10", "20", "30"]));
    scene.done(&["run", "--only", "rfm"]);
    scene.write("orders.csv", first);
    let back = scene.done(&["run", "--only", "rfm"]);
    assert_eq!((&back["status"], &back["run_id"]), (&"current_moved".into(), &one["run_id"]));
    assert_eq!(scene.json("out/run.json")["run_id"], one["run_id"]);
    assert_eq!(scene.tillwise(&["run", "--only", "rfm"]).code, 99);
}

#[test]
fn a_changed_side_file_is_another_run() {
    let config = "[input]\nfiles = [\"orders.csv\"]\n[columns]\ncustomer = \"customer\"\norder = \"order\"\ndate = \"date\"\namount = \"amount\"\nchannel = \"shop\"\n\
                  [[input.join]]\nfile = \"shops.csv\"\nkey = \"customer\"\n";
    let scene = scene(config, &orders(30, &["10", "20", "30"]));
    let shops = |shop: &str| {
        "customer,shop\n".to_owned() + &(0..30).map(|c| format!("c{c},{shop}\n")).collect::<String>()
    };
    scene.write("shops.csv", shops("north"));
    scene.done(&["run", "--only", "rfm"]);
    scene.write("shops.csv", shops("south"));
    scene.done(&["run", "--only", "rfm"]);
    assert_eq!(scene.table("out/current/customers.parquet").texts("top_channel").unwrap()[0], "south");
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_no_file_is_not_waited_for() {
    let base = scene(CONFIG, &orders(30, &["10", "20", "30"]));
    refused(
        &base.tillwise(&["run", "/dev/zero"]),
        2,
        "error: cannot read the config /dev/zero: it is not a file; `tillwise init FILE` writes one",
    );
    for (table, key) in [("churn", "attributes_file"), ("offer", "stock_file"), ("offer", "exclude_file")] {
        base.write("tillwise.toml", format!("{CONFIG}[{table}]\n{key} = \"/dev/zero\"\n"));
        refused(
            &base.tillwise(&["run"]),
            2,
            &format!("error: [{table}] {key}: cannot read /dev/zero: it is not a file"),
        );
    }
    assert_eq!(base.tillwise(&["contract", "/dev/zero", "--label", "left", "--out", "c"]).code, 2);
}

#[test]
fn a_deep_hierarchy_is_refused_by_its_depth() {
    let scene = scene(CONFIG, "customer,order,date,amount,product\n");
    let mut orders = "customer,order,date,amount,product\n".to_owned();
    for i in 0..60 {
        orders += &format!("c{},o{i},2023-01-{:02},5,p{}\n", i % 20, 1 + i % 28, i % 3);
    }
    scene.write("orders.csv", orders);
    let config = format!(
        "{}product = \"product\"\n[basket]\nlevel = \"mixed\"\nhierarchy_file = \"levels.txt\"\n",
        CONFIG
    );
    scene.write("tillwise.toml", config);
    let chain = (0..100_000).map(|i| format!("n{i},n{}\n", i + 1)).collect::<String>();
    scene.write("levels.txt", format!("item,parent\np0,n0\n{chain}"));
    let ended = scene.tillwise(&["run", "--only", "basket"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("has more than 64 levels above it"), "{}", ended.stderr);
    // A circle of as many is told by its ends.
    scene.write("levels.txt", format!("item,parent\np0,n0\n{chain}n100000,n0\n"));
    let ended = scene.tillwise(&["run", "--only", "basket"]);
    assert!(ended.stderr.contains("is above itself") && ended.stderr.len() < 400, "{}", ended.stderr);
}

#[test]
fn orders_of_thousands_of_products_are_left_out_of_pairs_aloud() {
    let mut text = "customer,order,date,amount,product\n".to_owned();
    for customer in 0..6 {
        for order in 0..2 {
            for product in 0..1_200 {
                text += &format!("c{customer},o{customer}-{order},2023-0{}-01,5,p{product}\n", 1 + order);
            }
        }
    }
    let scene = scene(&format!("{CONFIG}product = \"product\"\n[basket]\nsequence_length = 0\n"), &text);
    let ended = scene.tillwise(&["run", "--only", "basket"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(
        ended.stdout.contains("note (basket): max_basket: 6 customers with more than"),
        "{}",
        ended.stdout
    );
    assert_eq!(scene.table("out/current/first_to_second.parquet").rows(), 0);
}

#[test]
fn a_model_beyond_what_a_fit_gives_is_damaged() {
    let scene = Scene::with_shop(&Shop { customers: 300, ..Shop::default() });
    assert_eq!(scene.tillwise(&["init", "orders.csv"]).code, 0);
    scene.done(&["run", "--only", "clv"]);
    let fitted = scene.json("out/current/models/clv.json");
    let orders = &fitted["parameters"]["pooled"]["orders"];
    let names: Vec<String> = orders
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, v)| v.is_f64())
        .map(|(name, _)| name.clone())
        .collect();
    assert!(names.len() >= 2, "{orders}");
    let values = ["p", "q", "v"].map(|name| ("spend", name.to_owned()));
    for (part, name) in names.into_iter().map(|name| ("orders", name)).chain(values) {
        for absurd in [1e-300, 1e13, 1e308] {
            let mut model = fitted.clone();
            // A scale of money may be of this size.
            if (part, name.as_str(), absurd) == ("spend", "v", 1e13) {
                continue;
            }
            model["parameters"]["pooled"][part][&name] = absurd.into();
            scene.write("bad/clv.json", model.to_string());
            let ended = scene.tillwise(&["score", "tillwise.toml", "--models", "bad"]);
            assert_eq!(ended.code, 1, "{part} {name} {absurd}: {}", ended.stdout);
            assert!(ended.stderr.starts_with("error: bad/clv.json is damaged: "), "{}", ended.stderr);
        }
    }
    // At the bounds of the check a model still answers.
    for (name, value) in [("r", 1.6e5), ("alpha", 2e-10), ("a", 7e-6), ("b", 2e10)] {
        let mut model = fitted.clone();
        let pooled = &mut model["parameters"]["pooled"];
        if pooled["orders"][name].is_f64() {
            pooled["orders"][name] = value.into();
            scene.write("edge/clv.json", model.to_string());
            let ended = scene.tillwise(&["score", "tillwise.toml", "--models", "edge", "--force"]);
            assert_eq!(ended.code, 0, "{name} {value}: {}", ended.stderr);
        }
    }
}

#[test]
fn commands_to_a_terminal_are_shown_not_sent() {
    // A title, a colour, a clear, and a turn of the direction of writing.
    let evil = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}red";
    let mut text = format!("customer,order,date,amount,product{evil},country\n");
    for i in 0..400u32 {
        let (customer, day) = (i % 50, 1 + i % 28);
        // Two products that go together, and customers of one country who stay away.
        for product in ["left", "right"] {
            let month = if customer % 2 == 0 { 1 + i % 3 } else { 1 + i % 12 };
            text += &format!(
                "c{customer}{evil},o{i},2023-{month:02}-{day:02},5,{product}{evil},{evil}{}\n",
                customer % 2
            );
        }
    }
    text += &format!("c1,o999,{evil},5,left,x\n");
    let config = format!("{CONFIG}product = 5\ncountry = \"country\"\n[churn]\nhorizon_days = 60\n");
    let scene = scene(&config, &text);
    let mut outputs = Vec::new();
    let ended = scene.tillwise(&["run"]);
    assert!([0, 4].contains(&ended.code), "{}", ended.stderr);
    outputs.extend([ended.stdout, ended.stderr]);
    let init = scene.tillwise(&["init", "orders.csv", "-o", "new.toml"]);
    outputs.extend([init.stdout, init.stderr, fs::read_to_string(scene.path("new.toml")).unwrap()]);
    scene.write("tillwise.toml", config.replace("max", "") + "[gates]\nmax_reject_share = 0.0\n");
    let gate = scene.tillwise(&["run"]);
    assert_eq!(gate.code, 3);
    outputs.extend([gate.stdout, gate.stderr]);
    let run = scene.path("out/current");
    for name in ["report.html", "models/churn_tree.svg", "models/churn_tree.dot", "models/churn_tree.txt"] {
        if run.join(name).exists() {
            outputs.push(fs::read_to_string(run.join(name)).unwrap());
        }
    }
    assert!(outputs.len() >= 8, "the shop has no tree to look at");
    let is_command = |c: char| c.is_control() && !"\n\t\r".contains(c) || c == '\u{202e}';
    for text in outputs {
        assert!(!text.contains(is_command), "{}", text.escape_debug());
    }
}

#[test]
fn threads_are_capped_aloud() {
    let scene = scene(CONFIG, &orders(30, &["10", "20", "30"]));
    let ended = scene.tillwise(&["run", "--only", "rfm", "--threads", "1024"]);
    assert_eq!(ended.code, 0);
    assert!(ended.stderr.contains("warning: --threads 1024 is more than 4 to a core"), "{}", ended.stderr);
}

#[test]
fn a_chain_of_quotes_is_read_once() {
    // Every line closes a quote and opens another: 2 MB would be looked through again for each of its lines.
    let text = orders(30, &["10", "20"]) + &"b\",\"a\n".repeat(300_000);
    let scene = scene(CONFIG, &text);
    let ended = scene.tillwise(&["ingest"]);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("of 300060 rows were rejected (unclosed_quote 300000)"),
        "{}",
        ended.stderr
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_that_is_published_has_not_failed_because_nobody_listens() {
    let scene = scene(CONFIG, &orders(30, &["10", "20", "30"]));
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = std::process::Command::new(assert_cmd::cargo::cargo_bin("tillwise"))
        .args(["run", "--only", "rfm"])
        .current_dir(scene.path(""))
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stderr).contains("error: cannot write to stdout: "));
    assert_eq!(scene.tillwise(&["run", "--only", "rfm"]).code, 99);
}

#[test]
fn a_clock_before_the_data_fails_the_gate_of_age() {
    let export = orders(30, &["10", "20", "30"]).replace(",2023-", ",2093-");
    let scene = scene(&format!("{CONFIG}[gates]\nmax_age_days = 7\n"), &export);
    let ended = scene.tillwise(&["run", "--only", "rfm"]);
    assert_eq!(ended.code, 3, "{}", ended.stdout);
    assert!(ended.stderr.starts_with("error: gate max_age_days: the clock says 20"), "{}", ended.stderr);
    assert!(ended.stderr.contains("before the last order, of 2093-"), "{}", ended.stderr);
}
