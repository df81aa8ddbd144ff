//! What goes wrong at a user's desk, one by one, with the message that tells what to do.

use std::fmt::Write as _;

use tillwise_simulate::Shop;

use crate::support::Scene;

const HEADER: &str = "customer_id,order_id,order_date,amount\n";
const CONFIG: &str = "[input]\nfiles = [\"orders.csv\"]\n[columns]\ncustomer = \"customer_id\"\norder = \"order_id\"\ndate = \"order_date\"\namount = \"amount\"\n";

/// Runs an export under a config; the exit code and the message.
fn run(orders: Option<&str>, config: &str, args: &[&str]) -> (i32, String) {
    let scene = Scene::new();
    if let Some(orders) = orders {
        scene.write("orders.csv", orders);
    }
    scene.write("tillwise.toml", config);
    let ended = scene.tillwise(&[&["run"], args].concat());
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    assert!(!scene.path("out/current").exists() || ended.code == 0 || ended.code == 4);
    (ended.code, ended.stderr.trim().to_owned())
}

fn rows(n: u32) -> String {
    let row =
        |i: u32| format!("c{},o{i},2023-{:02}-{:02},{}.50\n", i % 40, 1 + i / 3 % 12, 1 + i % 28, 1 + i % 90);
    HEADER.to_owned() + &(0..n).map(row).collect::<String>()
}

fn says(got: (i32, String), code: i32, message: &str) {
    assert_eq!(got, (code, message.to_owned()));
}

#[test]
fn missing_config() {
    let scene = Scene::new();
    let ended = scene.tillwise(&["run"]);
    assert_eq!(ended.code, 2);
    assert_eq!(
        ended.stderr.trim(),
        "error: cannot read the config tillwise.toml: No such file or directory (os error 2); `tillwise init FILE` writes one"
    );
}

#[test]
fn missing_file() {
    says(run(None, CONFIG, &[]), 2, "error: no file matches `orders.csv`; check [input] files");
    let scene = Scene::new();
    let ended = scene.tillwise(&["init", "nowhere.csv"]);
    assert_eq!(ended.code, 1);
    assert_eq!(ended.stderr.trim(), "error: cannot read nowhere.csv: No such file or directory (os error 2)");
}

/// A mark of the encoding and nothing else, which a fuzzer found.
#[test]
fn a_file_of_a_mark_alone_is_empty() {
    for mark in [&b"\xff\xfe"[..], b"\xfe\xff", b"\xef\xbb\xbf", b"\xff\xfe\n\0"] {
        let scene = Scene::new();
        scene.write("orders.csv", mark);
        let ended = scene.tillwise(&["init", "orders.csv"]);
        assert!(
            ended.code != 0 && ended.stderr.contains("orders.csv is empty"),
            "{mark:?}: {}",
            ended.stderr
        );
    }
}

#[test]
fn empty_file() {
    says(run(Some(""), CONFIG, &[]), 1, "error: orders.csv is empty; is the export complete?");
    says(run(Some("\n \n"), CONFIG, &[]), 1, "error: orders.csv is empty; is the export complete?");
    let scene = Scene::new();
    scene.write("orders.csv", "");
    assert_eq!(
        scene.tillwise(&["init", "orders.csv"]).stderr.trim(),
        "error: orders.csv is empty; is the export complete?"
    );
}

#[test]
fn header_only() {
    says(
        run(Some(HEADER), CONFIG, &[]),
        1,
        "error: orders.csv has a header and no rows; is the export complete?",
    );
}

#[test]
fn wrong_separator() {
    says(
        run(Some(&rows(50).replace(',', ";")), CONFIG, &[]),
        2,
        "error: orders.csv: there is no column `customer_id`; the columns are `customer_id;order_id;order_date;amount`. \
         Correct [columns] customer, or [input] delimiter: the lines have one field only",
    );
}

#[test]
fn a_column_that_is_not_there() {
    says(
        run(Some(&rows(50)), &CONFIG.replace("\"customer_id\"", "\"Customer ID\""), &[]),
        2,
        "error: orders.csv: there is no column `Customer ID` (did you mean `customer_id`?); the columns are `customer_id`, `order_id`, \
         `order_date`, `amount`. Correct [columns] customer",
    );
}

#[test]
fn unparsable_dates() {
    let orders = rows(50).replace("2023-", "On 2023-");
    says(
        run(Some(&orders), CONFIG, &[]),
        1,
        "error: none of the 50 rows was accepted; the most frequent reason is `bad_date` (50 rows), first at orders.csv, line 2, \
         column `order_date`: `On 2023-01-01`; state [input] date_format, for example \"%d/%m/%Y\", and check [columns] date",
    );
    says(
        run(Some(&rows(50)), &CONFIG.replace("[columns]", "date_format = \"%d/%m\"\n[columns]"), &[]),
        2,
        "error: [input] date_format: `%d/%m` does not give a year, a month and a day; use \"iso\" or a pattern such as \"%d/%m/%Y %H:%M\", or a list of them",
    );
}

#[test]
fn unknown_config_key() {
    says(
        run(Some(&rows(50)), &format!("{CONFIG}[churn]\nhorizon_day = 90\n"), &[]),
        2,
        "error: tillwise.toml, line 9: unknown key `horizon_day`; did you mean `horizon_days`?",
    );
    says(
        run(Some(&rows(50)), &format!("{CONFIG}[clustre]\nk = 3\n"), &[]),
        2,
        "error: tillwise.toml, line 8: unknown key `clustre`; did you mean `cluster`?",
    );
    says(
        run(Some(&rows(50)), &format!("{CONFIG}[cluster]\nfeatures = [\"recency\"]\n"), &[]),
        2,
        "error: [cluster] features: `recency` is not a number in the customer table",
    );
}

#[test]
fn values_out_of_range() {
    says(
        run(Some(&rows(50)), &format!("{CONFIG}[clv]\nmargin = 30.0\n"), &[]),
        2,
        "error: [clv]: the parameter `margin` must be within -1 to 1, or \"unit_cost\", but is 30",
    );
    says(
        run(Some(&rows(50)), &format!("{CONFIG}[churn]\nmax_depth = 0\n"), &[]),
        2,
        "error: [churn] max_depth: must be within 1 to 30, but is 0",
    );
}

#[test]
fn a_future_as_of() {
    says(
        run(Some(&rows(50)), CONFIG, &["--as-of", "2031-01-01"]),
        2,
        "error: as_of 2031-01-01: it lies 2581 days after the last accepted row, of 2023-12-08, and nothing is known of the days \
         between; name a day up to 2024-01-08, or leave it out",
    );
    says(
        run(Some(&rows(50)), CONFIG, &["--as-of", "2001-01-01"]),
        2,
        "error: as_of 2001-01-01: the first accepted row is of 2023-01-01; name a day from then on",
    );
}

#[test]
fn one_customer() {
    let scene = Scene::new();
    scene.write("orders.csv", HEADER.to_owned() + "a,1,2023-01-01,5.00\na,2,2023-02-01,7.00\n");
    scene.write("tillwise.toml", CONFIG);
    let ended = scene.tillwise(&["run"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for message in [
        "churn skipped: a 90-day churn model judged out of time needs at least 271 days of orders",
        "cluster skipped: clusters need a feature that varies between customers, but",
        "clv skipped: BG/NBD needs at least 3 customers with repeat orders, but 1 of 1 have any",
    ] {
        assert!(ended.stdout.contains(message), "{message} is not in\n{}", ended.stdout);
    }
    assert_eq!(scene.table("out/current/customers.parquet").texts("rfm_score").unwrap(), ["511"]);
}

#[test]
fn all_customers_identical() {
    let scene = Scene::new();
    let row = |i: u32| format!("c{i},o{i}a,2022-01-01,5.00\nc{i},o{i}b,2022-12-31,5.00\n");
    scene.write("orders.csv", HEADER.to_owned() + &(0..200).map(row).collect::<String>());
    scene.write("tillwise.toml", CONFIG);
    let ended = scene.tillwise(&["run"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    for message in [
        "churn skipped: churn needs at least 20 customers who left and 20 who stayed to train on, but there are",
        "cluster skipped: clusters need a feature that varies between customers",
        "note (clv): BG/NBD: r towards infinity",
    ] {
        assert!(ended.stdout.contains(message), "{message} is not in\n{}", ended.stdout);
    }
    assert_eq!(scene.table("out/current/customers.parquet").rows(), 200);
}

#[test]
fn out_dir_not_writable() {
    let scene = Scene::new();
    scene.write("orders.csv", rows(50));
    scene.write("tillwise.toml", CONFIG);
    scene.write("taken", "a file, not a folder");
    let ended = scene.tillwise(&["run", "--out", "taken/out"]);
    assert_eq!(ended.code, 1);
    assert_eq!(
        ended.stderr.trim(),
        "error: cannot write taken/out: Not a directory (os error 20); choose another folder with --out or [run] out"
    );
}

#[test]
fn two_currencies() {
    let config = format!("{CONFIG}currency = \"currency\"\n");
    let orders =
        "customer_id,order_id,order_date,amount,currency\na,1,2023-01-01,5.00,EUR\nb,2,2023-01-02,5.00,USD\n";
    says(
        run(Some(orders), &config, &[]),
        1,
        "error: more than one currency: `EUR` and, in orders.csv, `USD`; convert or split the export",
    );
}

#[test]
fn returns_only() {
    let orders = HEADER.to_owned() + "a,1,2023-01-01,-5.00\n";
    says(
        run(Some(&orders), CONFIG, &[]),
        1,
        "error: no customer has an order up to 2023-01-01: the accepted lines are returns only; check the sign of the amounts",
    );
}

#[test]
fn not_the_format_it_says() {
    let scene = Scene::new();
    scene.write("orders.parquet", "customer_id,order_id\n");
    scene.write("orders.xlsx", "customer_id,order_id\n");
    for (name, format) in [("orders.parquet", "Parquet"), ("orders.xlsx", "Excel")] {
        scene.write("tillwise.toml", CONFIG.replace("orders.csv", name));
        let ended = scene.tillwise(&["run"]);
        assert_eq!(ended.code, 1);
        assert!(
            ended.stderr.starts_with(&format!("error: {name} is not a readable {format} file: ")),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn models_that_are_not_there() {
    let scene = Scene::with_shop(&Shop { customers: 100, ..Shop::default() });
    assert_eq!(scene.tillwise(&["init", "orders.csv"]).code, 0);
    let ended = scene.tillwise(&["score", "--models", "nowhere"]);
    assert_eq!(
        (ended.code, ended.stderr.trim()),
        (2, "error: there is no folder nowhere; a run's models lie in its `models` folder")
    );
    // A damaged model is an error, not a guess.
    scene.write("models/rfm.json", "{\"kind\": \"rfm\", \"version\": 99}");
    let ended = scene.tillwise(&["score", "--models", "models"]);
    assert_eq!(ended.code, 1);
    assert_eq!(
        ended.stderr.trim(),
        "error: models/rfm.json holds rfm version 99, but rfm version 2 is needed; fit it again"
    );
}

#[test]
fn init_does_not_overwrite() {
    let scene = Scene::with_shop(&Shop { customers: 60, ..Shop::default() });
    assert_eq!(scene.tillwise(&["init", "orders.csv"]).code, 0);
    let ended = scene.tillwise(&["init", "orders.csv"]);
    assert_eq!(ended.code, 2);
    assert_eq!(
        ended.stderr.trim(),
        "error: tillwise.toml exists already; name another with -o, or replace it with --force"
    );
    assert_eq!(scene.tillwise(&["init", "orders.csv", "--force"]).code, 0);
}

#[test]
fn a_failure_in_a_large_file_ends_the_run() {
    // More blocks than the reading thread may be ahead.
    let row = "c,o1,2023-01-01,5.00\n";
    let orders = HEADER.to_owned() + ",o1,2023-01-01,5.00\n" + &row.repeat(24_000_000 / row.len());
    let (code, message) =
        run(Some(&orders), &format!("{CONFIG}[cleaning]\nmissing_customer = \"fail\"\n"), &[]);
    assert_eq!(
        (code, message.as_str()),
        (1, "error: orders.csv, line 2: no customer, and [cleaning] missing_customer = \"fail\"")
    );
}

#[test]
fn a_header_with_an_open_quote() {
    let orders = HEADER.replace("amount", "amount,\"note") + &"a,1,2023-01-01,5.00,x\n".repeat(10);
    let (code, message) = run(Some(&orders), CONFIG, &[]);
    assert_eq!(code, 1);
    assert!(message.contains("its first line opens a quote that is never closed: customer_id,order_id,order_date,amount,\"note"), "{message}");
}

#[test]
fn headers_twice_and_line_ends_in_values_still_give_a_config_that_reads() {
    let scene = Scene::new();
    let row = |i: u32| format!("c{i},{i},2023-01-{:02},\"1 Main St\r\nTown\",{i}.50,{i}.50\r\n", 1 + i % 28);
    let header = "customer_id,order_id,order_date,\"address\nof customer\",amount,amount\r\n";
    scene.write("orders.csv", header.to_owned() + &(0..30).map(row).collect::<String>());
    let init = scene.tillwise(&["init", "orders.csv"]);
    assert_eq!(init.code, 0, "{}", init.stderr);
    assert_eq!(scene.done(&["ingest"])["rows_accepted"], 30);
}

#[test]
fn damaged_models() {
    let scene = Scene::with_shop(&Shop { customers: 300, ..Shop::default() });
    assert_eq!(scene.tillwise(&["init", "orders.csv"]).code, 0);
    scene.done(&["run"]);
    let damage = [
        ("cluster", "\"map_origin\": [", "\"map_origin\": [1.0, "),
        ("churn", "\"probability\": ", "\"probability\": 9"),
        ("rfm", "\"lost_gaps\": 3", "\"lost_gaps\": 0"),
        ("clv", "\"alpha\": ", "\"alpha\": -"),
    ];
    for (model, from, to) in damage {
        let text = std::fs::read_to_string(scene.path(&format!("out/current/models/{model}.json"))).unwrap();
        assert!(text.contains(from));
        scene.write(&format!("bad/{model}.json"), text.replace(from, to));
        let ended = scene.tillwise(&["score", "--models", "bad", "--out", "scored"]);
        assert_eq!(ended.code, 1, "{model}");
        assert!(
            ended.stderr.starts_with(&format!("error: bad/{model}.json is damaged: ")),
            "{}",
            ended.stderr
        );
        std::fs::remove_file(scene.path(&format!("bad/{model}.json"))).unwrap();
    }
    let ended = scene.tillwise(&["score", "--models", "bad"]);
    assert_eq!(
        (ended.code, ended.stderr.trim()),
        (2, "error: bad holds none of the models; a run's lie in its `models` folder")
    );
}

/// Rejected rows are saved as the export has them, mended, and read beside it.
#[test]
fn rejected_rows_are_saved_mended_and_read_again() {
    let scene = Scene::with_shop(&Shop { customers: 300, ..Shop::default() });
    assert_eq!(scene.tillwise(&["init", "orders.csv"]).code, 0);
    let before = scene.done(&["run"]);
    let ended = scene.tillwise(&["rejects", "-o", "mend.csv", "--reason", "zero_amount,missing_number"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let saved = std::fs::read_to_string(scene.path("mend.csv")).unwrap();
    let export = std::fs::read_to_string(scene.path("orders.csv")).unwrap();
    // Line by line as in the export, the header too.
    let lines: std::collections::BTreeSet<&str> = export.lines().collect();
    assert!(saved.lines().all(|l| lines.contains(l)), "{saved}");
    assert_eq!(saved.lines().next(), export.lines().next());
    let rows = saved.lines().count() as u64 - 1;
    assert!(rows > 10 && ended.stdout.contains(&format!("mend.csv: {rows} rows")), "{}", ended.stdout);
    let mended = |line: &str| {
        let units = if line.starts_with('C') { ",-1," } else { ",2," };
        line.replace(",n/a,", units).replace(",0.00,", ",3.00,") + "\n"
    };
    scene.write("mend.csv", saved.lines().map(mended).collect::<String>());
    let config = std::fs::read_to_string(scene.path("tillwise.toml")).unwrap();
    let (_, keys) = ended.stdout.split_once("[input.file").unwrap();
    let both = config.replace("[\"orders.csv\"]", "[\"orders.csv\", \"mend.csv\"]");
    scene.write("tillwise.toml", format!("{both}\n[input.file{keys}"));
    let after = scene.done(&["run"]);
    let count = |line: &serde_json::Value, key: &str| line[key].as_u64().unwrap();
    assert_eq!(count(&after, "rows_accepted"), count(&before, "rows_accepted") + rows);
    assert_eq!(count(&after, "rows_rejected"), count(&before, "rows_rejected"));
    // It is never overwritten, and a reason that nothing was rejected for is named.
    assert!(scene.tillwise(&["rejects", "-o", "mend.csv"]).stderr.contains("exists already"));
    let odd = scene.tillwise(&["rejects", "-o", "odd.csv", "--reason", "no_such"]);
    assert!(odd.code == 2 && odd.stderr.contains("missing_customer"), "{}", odd.stderr);
}

/// In its own encoding, with its own delimiter, whatever stands in its cells.
#[test]
fn rejected_rows_keep_encoding_and_delimiter() {
    let scene = Scene::new();
    let mut text = String::from("مشتري;فاکتور;تاريخ;نام کالا;مبلغ\r\n");
    for i in 0..60 {
        let money = if i % 20 == 7 { "?".to_owned() } else { (1000 + i).to_string() };
        let _ =
            writeln!(text, "c{:02};f{i};2023/01/{:02};\"چاي; \"\"سياه\"\"\";{money}\r", i % 9, 1 + i % 28);
    }
    let (bytes, _, lost) = encoding_rs::WINDOWS_1256.encode(&text);
    assert!(!lost);
    scene.write("orders.csv", &bytes);
    let init = scene.tillwise(&["init", "orders.csv"]);
    assert_eq!(init.code, 0, "{}", init.stderr);
    scene.done(&["run", "--only", "rfm"]);
    assert_eq!(scene.tillwise(&["rejects"]).code, 0);
    let saved = std::fs::read(scene.path("rejected.csv")).unwrap();
    let (saved, _, broken) = encoding_rs::WINDOWS_1256.decode(&saved);
    assert!(!broken);
    let expected: Vec<&str> =
        text.lines().enumerate().filter(|(i, l)| *i == 0 || l.ends_with('?')).map(|l| l.1).collect();
    assert_eq!(saved.lines().collect::<Vec<_>>(), expected);
}

/// A mended row beside an accepted one of the same order and product takes nothing away; an export that has changed is refused.
#[test]
fn mended_rows_replace_no_others() {
    let scene = Scene::new();
    let mut text = String::from("customer,order,date,product,quantity,amount\n");
    for i in 0..40 {
        let _ = writeln!(
            text,
            "c{},o{i},2023-01-{:02},a,2,10\nc{},o{i},2023-01-{:02},a,1,{}",
            i % 7,
            1 + i % 28,
            i % 7,
            1 + i % 28,
            if i == 5 { "?" } else { "5" }
        );
    }
    scene.write("orders.csv", &text);
    assert_eq!(scene.tillwise(&["init", "orders.csv"]).code, 0);
    let before = scene.done(&["run", "--only", "rfm"]);
    let saved = scene.tillwise(&["rejects", "-o", "mend.csv"]);
    assert_eq!(saved.code, 0, "{}", saved.stderr);
    assert!(saved.stdout.contains("adds = true"), "{}", saved.stdout);
    let mend = std::fs::read_to_string(scene.path("mend.csv")).unwrap();
    scene.write("mend.csv", mend.replace('?', "5"));
    let config = std::fs::read_to_string(scene.path("tillwise.toml")).unwrap();
    let both = config.replace("[\"orders.csv\"]", "[\"orders.csv\", \"mend.csv\"]");
    scene.write("tillwise.toml", format!("{both}\n[input.file.\"mend.csv\"]\nadds = true\n"));
    let after = scene.done(&["run", "--only", "rfm"]);
    let accepted = |line: &serde_json::Value| line["rows_accepted"].as_u64().unwrap();
    assert_eq!((accepted(&before), accepted(&after)), (79, 80));
    scene.write("orders.csv", format!("{text}c1,o99,2023-02-01,a,1,5\n"));
    let changed = scene.tillwise(&["rejects", "-o", "again.csv"]);
    assert!(changed.code == 2 && changed.stderr.contains("not as the run read it"), "{}", changed.stderr);
}
