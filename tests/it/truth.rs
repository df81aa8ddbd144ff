//! Small shops whose right answer is known, where a plausible program says something else.

use std::fmt::Write as _;

use crate::support::{assert_same, Scene};

const COLUMNS: &str = "[input]\nfiles = [\"orders.csv\"]\n[columns]\ncustomer = \"customer\"\norder = \"order\"\ndate = \"date\"\namount = \"amount\"\nproduct = \"product\"\n";

/// A shop of lines `customer,order,date,amount,product`, with these settings.
fn shop(lines: &str, settings: &str) -> Scene {
    let scene = Scene::new();
    scene.write("orders.csv", format!("customer,order,date,amount,product\n{lines}"));
    scene.write("tillwise.toml", format!("{COLUMNS}{settings}"));
    scene
}

/// Customers with orders of about a hundred each, on days that differ from customer to customer.
fn usual(customers: u32) -> String {
    let mut lines = String::new();
    for c in 0..customers {
        for k in 0..2 + c % 7 {
            let day = (c * 5 + k * (11 + c % 13)) % 330;
            let (month, day) = (1 + day / 28, 1 + day % 28);
            let amount = 20 + (c * 37 + k * 53) % 160;
            let _ = writeln!(lines, "u{c},u{c}-{k},2022-{month:02}-{day:02},{amount},p{}", (c + k) % 9);
        }
    }
    lines
}

/// A column of customers by id.
fn of(scene: &Scene, id: &str, column: &str) -> f64 {
    let table = scene.table("out/current/customers.parquet");
    let at = table.texts("customer_id").unwrap().iter().position(|i| *i == id).unwrap();
    table.f64s(column).unwrap()[at]
}

#[test]
fn repeat_spend_is_of_later_orders_less_what_came_back_of_them() {
    let lines = usual(60)
        // An order over midnight is one order, on its first day.
        + "night,n1,2022-01-10 23:58:00,10,p1\nnight,n1,2022-01-11 00:03:00,90,p2\nnight,n2,2022-02-10 12:00:00,40,p1\n"
        // The first order came back, whatever day that was: the repeat orders were kept.
        + "first,f1,2022-02-01,1000,p1\nfirst,f1r,2022-02-09,-1000,p1\nfirst,f2,2022-05-01,50,p2\nfirst,f3,2022-08-01,50,p2\n"
        // A return meets the latest earlier sale of its product, by another number and after other orders.
        + "later,l1,2022-02-01,50,p1\nlater,l2,2022-05-01,1000,p1\nlater,l3,2022-05-03,20,p2\nlater,l9,2022-05-05,-1000,p1\n"
        // Without a product it belongs to its own order, else to the latest.
        + "bare,b1,2022-01-05,70,\nbare,b2,2022-03-05,80,\nbare,b1,2022-03-09,-30,\nbare,b7,2022-03-10,-10,\n"
        // Everything came back: there is no repeat spend.
        + "none,o1,2022-01-05,70,p1\nnone,o2,2022-03-05,80,p2\nnone,o2,2022-03-09,-80,p2\n";
    let scene = shop(&lines, "[run]\nanalyses = [\"rfm\"]\n");
    scene.done(&["run"]);
    for (id, expected) in [("night", 40.0), ("first", 50.0), ("later", 10.0), ("bare", 70.0)] {
        assert_eq!(of(&scene, id, "mean_repeat_spend"), expected, "{id}");
    }
    assert!(of(&scene, "none", "mean_repeat_spend").is_nan());
    // Kept apart, returns take nothing off.
    scene.write(
        "tillwise.toml",
        format!("{COLUMNS}[cleaning]\nreturns = \"separate\"\n[run]\nanalyses = [\"rfm\"]\n"),
    );
    scene.done(&["run"]);
    assert_eq!(of(&scene, "later", "mean_repeat_spend"), 510.0);
}

#[test]
fn what_is_taken_back_in_the_same_order_is_not_bought() {
    let mut lines = String::new();
    for i in 0..40 {
        let head = format!("c{},o{i},2022-{:02}-10", i % 20, 1 + i / 20);
        let _ = write!(lines, "{head},5,A\n{head},7,B\n");
        if i % 2 == 0 {
            let _ = writeln!(lines, "{head},-7,B");
        }
    }
    let scene = shop(&lines, "[basket]\nmin_support = 1\n");
    scene.done(&["run", "--only", "basket"]);
    let sets = scene.table("out/current/itemsets.parquet");
    let (items, baskets) = (sets.texts("items").unwrap(), sets.f64s("baskets").unwrap());
    let of = |wanted: &str| baskets[items.iter().position(|i| *i == wanted).unwrap()];
    assert_eq!((of("[\"A\"]"), of("[\"B\"]"), of("[\"A\",\"B\"]")), (40.0, 20.0, 20.0));
}

#[test]
fn clusters_do_not_depend_on_the_unit_of_money() {
    // Three customers brought back more than they are known to have bought.
    let small = usual(300) + "m1,m1,2022-03-01,10,p1\nm1,m2,2022-03-04,-900,p1\nm2,m3,2022-04-01,8,p2\nm2,m4,2022-04-02,-300,p2\nm3,m5,2022-05-01,9,p3\nm3,m6,2022-05-02,-9,p3\n";
    let large: String = small
        .lines()
        .map(|line| {
            let mut fields: Vec<String> = line.split(',').map(str::to_owned).collect();
            fields[3] = format!("{}00000", fields[3]);
            fields.join(",") + "\n"
        })
        .collect();
    let clusters = |lines: &str| {
        let scene = shop(lines, "[run]\nanalyses = [\"cluster\"]\n");
        scene.done(&["run"]);
        scene.table("out/current/customers.parquet").f64s("cluster_id").unwrap()
    };
    assert_eq!(clusters(&small), clusters(&large));
}

#[test]
fn two_heaps_of_equal_customers_are_two_dense_clusters() {
    let mut lines = String::new();
    for c in 0..40 {
        for k in 0..1 + c % 2 {
            let _ = writeln!(lines, "c{c},c{c}-{k},2022-0{}-10,{},p", 1 + k, 10 + 90 * (c % 2));
        }
    }
    let scene = shop(&lines, "[run]\nanalyses = [\"cluster\"]\n[cluster]\nmethod = \"density\"\nmin_points = 10\nfeatures = [\"days_since_last\", \"net_revenue\"]\n");
    scene.done(&["run"]);
    let clusters = scene.table("out/current/customers.parquet").f64s("cluster_id").unwrap();
    assert_eq!(clusters.iter().filter(|c| **c == 1.0).count(), 20);
    assert_eq!(clusters.iter().filter(|c| **c == 2.0).count(), 20);
}

#[test]
fn a_holdout_in_which_nobody_ordered_has_no_percentage() {
    let scene =
        shop(&usual(200), "[run]\nanalyses = [\"clv\"]\nas_of = \"2023-01-15\"\n[clv]\nholdout_days = 20\n");
    let ended = scene.tillwise(&["run"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stdout.contains("and 0 came (-); mean error"), "{}", ended.stdout);
}

#[test]
fn a_customer_sold_to_at_a_loss_has_the_loss_for_a_margin() {
    let scene = Scene::new();
    let mut text = "customer,order,date,amount,quantity,cost\n".to_owned();
    for c in 0..80 {
        for k in 0..2 + c % 4 {
            let day = 1 + (c * 7 + k * 9) % 28;
            // One customer's goods cost three and a half times what they are sold for.
            let cost = if c == 0 { "35" } else { "4" };
            let _ = writeln!(text, "c{c},c{c}-{k},2022-{:02}-{day:02},10,1,{cost}", 1 + k * 2);
        }
    }
    scene.write("orders.csv", text);
    scene.write("tillwise.toml", "[input]\nfiles = [\"orders.csv\"]\n[columns]\ncustomer = \"customer\"\norder = \"order\"\ndate = \"date\"\namount = \"amount\"\nquantity = \"quantity\"\nunit_cost = \"cost\"\n[clv]\nmargin = \"unit_cost\"\nannual_discount_rate = 0.0\nholdout_days = 0\n");
    scene.done(&["run", "--only", "clv"]);
    for (id, margin) in [("c0", -2.5), ("c1", 0.6)] {
        let expected = of(&scene, id, "expected_orders") * of(&scene, id, "expected_order_value") * margin;
        assert!((of(&scene, id, "clv") - expected).abs() < 1e-9 * expected.abs(), "{id}");
    }
    // Everyone spends ten: the spend is known, and intervals come from the orders.
    let table = scene.table("out/current/customers.parquet");
    assert!(table.f64s("clv_high").unwrap().iter().all(|v| v.is_finite()));
}

#[test]
fn without_a_positive_total_nobody_has_a_share() {
    let scene = shop(
        "a,1,2022-01-01,5,p\na,2,2022-01-02,-9,p\nb,3,2022-01-01,5,p\nb,4,2022-01-03,-5,p\nc,5,2022-01-01,1,p\nc,6,2022-01-03,-4,p\n",
        "",
    );
    let ended = scene.tillwise(&["run", "--only", "value"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stdout.contains("so nobody has a share"), "{}", ended.stdout);
}

#[test]
fn customers_who_came_once_leave_no_figure_that_is_none() {
    let lines: String = (0..120)
        .map(|c| format!("c{c},o{c},2022-{:02}-{:02},{},p{}\n", 1 + c % 9, 1 + c % 28, 5 + c % 11, c % 4))
        .collect();
    let scene = shop(&lines, "");
    assert_eq!(scene.tillwise(&["run", "--only", "rfm,basket,offer,cohort,value"]).code, 0);
}

/// Freireich and others 1963, the remission of leukaemia: weeks, and whether it ended. Log-rank 16.79 and a coefficient of 1.5721
/// with Efron's ties are printed in many textbooks. There are 12 who stayed: too few for a model of who leaves.
#[test]
fn survival_is_told_with_too_few_customers_for_a_model() {
    const TREATED: &str = "6 6 6 7 10 13 16 22 23 6+ 9+ 10+ 11+ 17+ 19+ 20+ 25+ 32+ 32+ 34+ 35+";
    const PLACEBO: &str = "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23";
    let mut text = "id,weeks,arm,left\n".to_owned();
    for (arm, weeks) in [("a", TREATED), ("b", PLACEBO)] {
        for (i, week) in weeks.split(' ').enumerate() {
            let left = if week.ends_with('+') { "No" } else { "Yes" };
            let _ = writeln!(text, "{arm}-{i},{},{arm},{left}", week.trim_end_matches('+'));
        }
    }
    let scene = Scene::new();
    scene.write("t.csv", text);
    let args = ["contract", "t.csv", "--label", "left", "--id", "id", "--tenure", "weeks", "--out", "c"];
    let ended = scene.tillwise(&args);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stdout.contains("no model of who leaves: churn needs at least 20"), "{}", ended.stdout);
    assert!(ended.stdout.contains("only 30 rows churned"), "{}", ended.stdout);
    let test = scene.table("c/survival_tests.parquet");
    assert!((test.f64s("statistic").unwrap()[0] - 16.79).abs() < 0.005);
    assert_eq!(test.f64s("degrees").unwrap(), [1.0]);
    let cox = scene.table("c/cox.parquet");
    assert!((cox.f64s("coefficient").unwrap()[0].abs() - 1.5721).abs() < 5e-5);
    assert!((cox.f64s("standard_error").unwrap()[0] - 0.4124).abs() < 5e-5);
    // Survival at 10 weeks of the treated, by hand: 18/21 * 16/17 * 14/15.
    let curve = scene.table("c/survival.parquet");
    let (group, time, s) =
        (curve.texts("group").unwrap(), curve.f64s("time").unwrap(), curve.f64s("survival").unwrap());
    let at = (0..s.len()).find(|i| group[*i] == "a" && time[*i] == 10.0).unwrap();
    assert!((s[at] - 18.0 / 21.0 * 16.0 / 17.0 * 14.0 / 15.0).abs() < 1e-12);
}

#[test]
fn what_cannot_be_estimated_is_left_out_by_name() {
    let mut text = "id,months,plan,fee,fee2,same,left\n".to_owned();
    for i in 0..240u32 {
        let plan = ["basic", "plus", "new"][(i % 12 / 5) as usize];
        // The new plan began last month: none of its customers was there when anyone left.
        let (months, left) = match plan {
            "new" => (0, false),
            "plus" => (2 + i % 9, i % 3 == 0),
            _ => (2 + i % 11, i % 2 == 0),
        };
        let fee = 20 + i * 7 % 31;
        let left = if left { "Yes" } else { "No" };
        let _ = writeln!(text, "{i},{months},{plan},{fee},{},7,{left}", 2 * fee);
    }
    let scene = Scene::new();
    scene.write("t.csv", &text);
    let args = ["contract", "t.csv", "--label", "left", "--id", "id", "--tenure", "months", "--out", "c"];
    let ended = scene.tillwise(&args);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for said in [
        "log-rank test of `plan` without new: none of them was there when anyone left",
        "Cox regression without `same`: it is constant",
        "Cox regression without `fee2`: it follows from the others",
    ] {
        assert!(ended.stdout.contains(said), "{said}\n{}", ended.stdout);
    }
    let tests = scene.table("c/survival_tests.parquet");
    assert_eq!((tests.f64s("groups").unwrap(), tests.f64s("degrees").unwrap()), (vec![2.0], vec![1.0]));
    // The same test without those customers.
    let others: String = text.lines().filter(|l| !l.contains(",new,")).map(|l| format!("{l}\n")).collect();
    scene.write("t.csv", others);
    assert_eq!(scene.tillwise(&args).code, 0);
    let without = scene.table("c/survival_tests.parquet").f64s("statistic").unwrap()[0];
    assert!((tests.f64s("statistic").unwrap()[0] - without).abs() < 1e-9);
}

#[test]
fn a_name_of_many_values_does_not_spoil_a_model() {
    // Who leaves depends on the fee; the surname says nothing.
    let auc = |ignore: bool, model: &str| {
        let mut text = "id,surname,fee,left\n".to_owned();
        let mut state = 7u64;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / f64::from(1u32 << 31)
        };
        let mut left = Vec::new();
        for i in 0..3_000 {
            let (name, fee, chance) = ((draw().powi(2) * 700.0) as u32, draw(), draw());
            left.push(chance < 0.1 + 0.5 * fee);
            let _ = writeln!(text, "{i},s{name},{:.3},{}", fee, if left[i] { "Yes" } else { "No" });
        }
        let scene = Scene::new();
        scene.write("t.csv", text);
        let mut args =
            vec!["contract", "t.csv", "--label", "left", "--id", "id", "--model", model, "--out", "c"];
        if ignore {
            args.extend(["--ignore", "surname"]);
        }
        let ended = scene.tillwise(&args);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_eq!(ignore, !ended.stdout.contains("`surname` has "), "{}", ended.stdout);
        let p = scene.table("c/contract_customers.parquet").f64s("churn_probability_unseen").unwrap();
        let mut ranked: Vec<(f64, bool)> = p.into_iter().zip(left).collect();
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
        // Ranks of those who left, equal ones in their middle (Mann and Whitney).
        let (mut ranks, mut before) = (0.0, 0.0);
        for same in ranked.chunk_by(|a, b| a.0 == b.0) {
            let n = same.len() as f64;
            ranks += same.iter().filter(|s| s.1).count() as f64 * (before + (n + 1.0) / 2.0);
            before += n;
        }
        let churners = ranked.iter().filter(|r| r.1).count() as f64;
        (ranks - churners * (churners + 1.0) / 2.0) / (churners * (before - churners))
    };
    for model in ["tree", "forest", "boosting"] {
        let (with, without) = (auc(false, model), auc(true, model));
        assert!(
            with > without - 0.02 && without > 0.6,
            "{model}: {with} with the surname, {without} without"
        );
    }
}

#[test]
fn dates_of_several_offsets_are_pointed_out() {
    let lines: String = (0..60)
        .map(|i| {
            format!(
                "c{},o{i},2022-01-{:02}T23:30:00{},5,p\n",
                i % 20,
                1 + i % 28,
                ["-05:00", "+01:00"][i % 2]
            )
        })
        .collect();
    let scene = shop(&lines, "[run]\nanalyses = [\"rfm\"]\n");
    let said = "there are dates with 2 different offsets from UTC, -05:00 to +01:00; each counts on the day that is written; set [input] zone";
    assert!(scene.tillwise(&["run"]).stdout.contains(said));
    scene.write(
        "tillwise.toml",
        COLUMNS.replace("[columns]", "zone = \"Europe/Berlin\"\n[columns]") + "[run]\nanalyses = [\"rfm\"]\n",
    );
    assert!(!scene.tillwise(&["run"]).stdout.contains("different offsets"));
    // An hour apart is summer time.
    scene.write(
        "orders.csv",
        format!("customer,order,date,amount,product\n{}", lines.replace("-05:00", "+02:00")),
    );
    scene.write("tillwise.toml", format!("{COLUMNS}[run]\nanalyses = [\"rfm\"]\n"));
    assert!(!scene.tillwise(&["run"]).stdout.contains("different offsets"));
}

/// The same table of contracts, however it was saved.
#[test]
fn contracts_are_read_however_they_were_saved() {
    let scene = Scene::new();
    let (mut comma, mut semicolon) =
        (String::from("id,months,fee,left\n"), String::from("id;months;fee;left\n"));
    for i in 0..200 {
        let (months, fee) = (1 + i * 7 % 23, 1000.25 + f64::from(i * 31 % 40) / 4.0);
        let left = if i * 13 % 10 < 4 { "Yes" } else { "No" };
        let _ = writeln!(comma, "k{i},{months},{fee},{left}");
        let written = format!("{fee}").replace('.', ",").replacen("10", "1.0", 1);
        let _ = writeln!(semicolon, "k{i};{months};{written};{left}");
    }
    scene.write("comma.csv", &comma);
    scene.write("semicolon.csv", &semicolon);
    scene.write("packed.csv.zst", zstd::encode_all(comma.as_bytes(), 1).unwrap());
    let run = |file: &str, more: &[&str]| {
        let out = format!("{file}.out");
        let args = ["contract", file, "--label", "left", "--id", "id", "--tenure", "months", "--out", &out];
        scene.tillwise(&[&args, more].concat())
    };
    // Another delimiter is said, not guessed.
    let asked = run("semicolon.csv", &[]);
    assert!(asked.code == 2 && asked.stderr.contains("--delimiter \";\""), "{}", asked.stderr);
    for (file, more) in
        [("comma.csv", &[][..]), ("semicolon.csv", &["--delimiter", ";"][..]), ("packed.csv.zst", &[][..])]
    {
        let ended = run(file, more);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        for table in ["cox", "survival", "contract_customers"] {
            assert_same(
                &scene.table(&format!("comma.csv.out/{table}.parquet")),
                &scene.table(&format!("{file}.out/{table}.parquet")),
            );
        }
    }
    // All of it is one run: a record, a page, and no second process at the same time.
    let record = scene.json("comma.csv.out/contract/run.json");
    assert_eq!(
        (record["mode"].as_str(), record["report"]["customers"].as_u64()),
        (Some("contract"), Some(200))
    );
    assert!(
        scene.path("comma.csv.out/contract/report.html").exists()
            && scene.path("comma.csv.out/.lock").exists()
    );
    let model = scene.json("comma.csv.out/churn.json");
    assert!(model["fitted_as_of"].is_null(), "a table has no day");
}
