//! What `init` asks, keeps and says, and what `run` makes of it.

use std::fmt::Write as _;

use super::*;

/// Where no config can be right, there is a question, with a config half filled in, and `run` names what is open.
#[test]
fn what_cannot_be_known_is_asked() {
    let single = orders(&shop(1));
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        (
            "no customer",
            file("Invoice ID,Customer type,Date,Total", &single, |l| {
                format!(
                    "{},{},{},{}",
                    l.order,
                    ["Member", "Normal"][l.sku as usize % 2],
                    l.date,
                    money(l.price)
                )
            }),
            "customer",
        ),
        (
            "two currencies",
            file("customer_id,order_id,order_date,currency,total", &single, |l| {
                format!(
                    "{},{},{},{},{}",
                    l.customer,
                    l.order,
                    l.date,
                    if l.order % 9 == 0 { "USD" } else { "EUR" },
                    money(l.price)
                )
            }),
            "currency",
        ),
        (
            "two signs",
            file("customer_id,order_id,order_date,total", &single, |l| {
                format!(
                    "{},{},{},{}{}",
                    l.customer,
                    l.order,
                    l.date,
                    if l.order % 9 == 0 { "$" } else { "€" },
                    money(l.price)
                )
            }),
            "currency",
        ),
        (
            "ids that Excel has rounded",
            file(
                "customer_phone,order_id,order_date,total",
                &single,
                row("4.91701E+11,{order},{date},{price}"),
            ),
            "customer",
        ),
        (
            "a pivot",
            b"customer_id,2023-01,2023-02,2023-03\n100,11,6,25\n101,63,18,16\n102,49,39,19\n".to_vec(),
            "date",
        ),
    ];
    for (name, content, key) in cases {
        let scene = Scene::new();
        scene.write("orders.csv", content);
        let init = scene.tillwise(&["init", "orders.csv"]);
        assert_eq!(init.code, 0, "{name}: {}", init.stderr);
        assert!(init.stdout.contains("FILL IN"), "{name}: {}", init.stdout);
        let run = scene.tillwise(&["run"]);
        assert_eq!(run.code, 2, "{name}: {}", run.stdout);
        assert!(
            run.stderr.contains("still to be filled in") && run.stderr.contains(key),
            "{name}: {}",
            run.stderr
        );
        assert!(!scene.path("out/current").exists());
    }
}

#[test]
fn what_is_known_may_be_said_at_once() {
    let lines = shop(1);
    let scene = Scene::new();
    let strange = file("zug,order_id,order_date,sku,quantity,unit_price", &lines, |l| {
        format!("x{},{},{},SKU-{},{},{}", l.customer, l.order, l.date, l.sku, l.quantity, money(l.price))
    });
    scene.write("a.csv", &strange);
    let wrong = scene.tillwise(&["init", "a.csv", "--column", "customer=nobody"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("there is no column `nobody`; the columns are zug"), "{}", wrong.stderr);
    let unknown = scene.tillwise(&["init", "a.csv", "--column", "buyer=zug"]);
    assert!(unknown.code == 2 && unknown.stderr.contains("`buyer` is no key"), "{}", unknown.stderr);
    let init = scene.tillwise(&["init", "a.csv", "--column", "customer=zug", "--yes"]);
    assert_eq!(init.code, 0, "{}", init.stderr);
    assert!(!init.stdout.contains("FILL IN"), "{}", init.stdout);
    assert_eq!(scene.tillwise(&["customers"]).code, 0);
    let table = scene.table("out/stages/customers/customers.parquet");
    assert_eq!(table.rows(), truth(&lines).0);

    // A config beside the export's folder names it from there.
    std::fs::create_dir(scene.path("configs")).unwrap();
    std::fs::create_dir(scene.path("exports")).unwrap();
    scene.write("exports/b.csv", file(PLAIN, &lines, plain));
    assert_eq!(scene.tillwise(&["init", "exports/b.csv", "-o", "configs/b.toml"]).code, 0);
    let config = std::fs::read_to_string(scene.path("configs/b.toml")).unwrap();
    assert!(config.contains("files = [\"../exports/b.csv\"]"));
}

/// A config that somebody has edited is put aside, not overwritten.
#[test]
fn an_edited_config_is_kept() {
    let scene = Scene::new();
    scene.write("orders.csv", file(PLAIN, &shop(1), plain));
    assert_eq!(scene.tillwise(&["init", "orders.csv"]).code, 0);
    assert_eq!(scene.tillwise(&["init", "orders.csv"]).code, 2, "it exists");
    assert_eq!(scene.tillwise(&["init", "orders.csv", "--force"]).code, 0, "nobody has edited it");
    assert!(!scene.path("tillwise.toml.1").exists());
    let edited =
        std::fs::read_to_string(scene.path("tillwise.toml")).unwrap().replace("seed = 20111209", "seed = 5");
    scene.write("tillwise.toml", &edited);
    assert_eq!(scene.tillwise(&["init", "orders.csv", "--force"]).code, 0);
    assert_eq!(std::fs::read_to_string(scene.path("tillwise.toml.1")).unwrap(), edited);
}

/// A file or a month may be lost while the total looks well.
#[test]
fn a_lost_file_fails_the_run() {
    let single = orders(&shop(1));
    let (half, rest): (Vec<Line>, Vec<Line>) = single.iter().cloned().partition(|l| l.order < 500_350);
    let head = "customer_id,order_id,order_date,total";
    let scene = Scene::new();
    let row = |l: &Line| format!("{},{},{},{}", l.customer, l.order, l.date, money(l.price));
    scene.write("a.csv", file(head, &half, row));
    assert_eq!(scene.tillwise(&["init", "a.csv"]).code, 0);
    let config =
        std::fs::read_to_string(scene.path("tillwise.toml")).unwrap().replace("\"a.csv\"", "\"*.csv\"");
    scene.write("tillwise.toml", config);
    scene.write("b.csv", file(head, &rest, |l| row(l).replace(&l.date.to_string(), "soon")));
    let run = scene.tillwise(&["customers"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("gate max_unreadable_share: b.csv: 51 of 51 rows"), "{}", run.stderr);
}

/// Dates that stand for none, or are typed wrongly, are rejected by a rule, and do not move the day of the picture.
#[test]
fn far_dates_are_rejected_by_a_rule() {
    let single = orders(&shop(1));
    for (far, reason) in [
        ("9999-12-31", "date_out_of_range"),
        ("2204-04-29", "date_out_of_range"),
        ("2046-01-05", "stray_date"),
    ] {
        let scene = Scene::new();
        scene.write(
            "orders.csv",
            file("customer_id,order_id,order_date,total", &single, |l| {
                let date = if l.order == 500_077 { far.to_owned() } else { l.date.to_string() };
                format!("{},{},{date},{}", l.customer, l.order, money(l.price))
            }),
        );
        assert_eq!(scene.tillwise(&["init", "orders.csv"]).code, 0);
        let line = scene.done(&["customers"]);
        assert_eq!(
            (line["rows_rejected"].as_u64(), line["rows_accepted"].as_u64()),
            (Some(1), Some(399)),
            "{far}"
        );
        assert_eq!(line["as_of"], truth(&single).3.to_string());
        assert_eq!(
            scene.json("out/stages/customers/run.json")["quality"]["rejected_by_reason"][reason],
            1,
            "{far}"
        );
    }
}

/// What `init` writes does not depend on anything but the files.
#[test]
fn init_says_the_same_every_time() {
    let single = orders(&shop(1));
    let mut text = String::from("customer,order_date,amount\n");
    for l in &single {
        let id =
            if l.order.is_multiple_of(3) { format!("C{}X", l.customer) } else { format!("c{}x", l.customer) };
        let _ = writeln!(text, "{id},{},{}", l.date, money(l.price));
        if l.order.is_multiple_of(2) {
            let _ = writeln!(text, "{id} Total,{},{}", l.date, money(l.price));
        }
    }
    let init = || {
        let scene = Scene::new();
        scene.write("orders.csv", &text);
        let said = scene.tillwise(&["init", "orders.csv"]);
        assert_eq!(said.code, 0, "{}", said.stderr);
        assert!(
            said.stdout.contains("sum up others") && said.stdout.contains("in capital letters"),
            "{}",
            said.stdout
        );
        (said.stdout, std::fs::read_to_string(scene.path("tillwise.toml")).unwrap())
    };
    let first = init();
    for _ in 0..3 {
        assert_eq!(init(), first);
    }
}

/// A table with one row a customer has sums, not orders: read as orders, everyone would have one.
#[test]
fn a_table_of_customers_is_no_export_of_orders() {
    let lines = shop(1);
    let mut sums = std::collections::BTreeMap::new();
    for line in &lines {
        let sum = sums.entry(line.customer).or_insert((BTreeSet::new(), 0, line.date));
        sum.0.insert(line.order);
        sum.1 += line.amount();
        sum.2 = sum.2.max(line.date);
    }
    for header in [
        "Customer ID,Orders Count,Total Spent,Last Order Date",
        "customer_id,frequency,monetary,signup_date",
        "Kundennummer,Anzahl Bestellungen,Umsatz,Letzte Bestellung",
        "شناسه مشتری,تعداد سفارش,مبلغ خرید,تاریخ آخرین سفارش",
    ] {
        let mut table = format!("{header}\n");
        for (id, (orders, spent, last)) in &sums {
            let _ = writeln!(table, "{id},{},{},{last}", orders.len(), money(*spent));
        }
        let scene = Scene::new();
        scene.write("customers.csv", &table);
        let init = scene.tillwise(&["init", "customers.csv"]);
        assert!(init.stdout.contains("FILL IN [columns] customer") && init.code == 0, "{}", init.stdout);
        assert!(init.stdout.contains("`tillwise rfm-table` scores the table as it is"), "{}", init.stdout);
        assert_eq!(scene.tillwise(&["run"]).code, 2);

        let names: Vec<&str> = header.split(',').collect();
        let mut args = vec!["rfm-table", "customers.csv", "--id", names[0], "--orders", names[1]];
        args.extend(["--revenue", names[2], "--last-order", names[3]]);
        let line = scene.done(&args);
        assert_eq!(line["customers"].as_u64().unwrap() as usize, sums.len());
        args.extend(["--as-of", "2023-02-01"]);
        let early = scene.tillwise(&args);
        assert!(early.code == 2 && early.stderr.contains("it lies after 2023-02-01"), "{}", early.stderr);
        args.truncate(8);
        args.extend(["--days-since", names[2], "--delimiter", ","]);
        assert_eq!(scene.tillwise(&args).code, 0);
        // The same rows twice are no table of customers.
        let body = table.split_once('\n').unwrap().1.to_owned();
        scene.write("customers.csv", table + &body);
        let twice = scene.tillwise(&args);
        assert!(twice.code == 2 && twice.stderr.contains("stands twice"), "{}", twice.stderr);
    }
}
