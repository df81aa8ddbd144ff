//! Exports as strangers write them: the same orders in many layouts, each read by `init` with nothing edited, and held against
//! the truth that they were made from.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use chrono::NaiveDate;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use tillwise_core::calendar::to_jalali;

use crate::support::Scene;

/// A line of an order.
#[derive(Clone, Debug)]
struct Line {
    customer: u32,
    order: u32,
    date: NaiveDate,
    seconds: u32,
    sku: u32,
    quantity: i64,
    /// In hundredths.
    price: i64,
}

impl Line {
    fn amount(&self) -> i64 {
        self.quantity * self.price
    }

    fn time(&self) -> String {
        format!("{:02}:{:02}:{:02}", self.seconds / 3600, self.seconds / 60 % 60, self.seconds % 60)
    }
}

/// A shop of 60 customers and some 400 orders over a year and a half, sorted by day.
fn shop(scale: i64) -> Vec<Line> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(20);
    let start = NaiveDate::from_ymd_opt(2023, 1, 3).unwrap();
    let mut lines = Vec::new();
    for order in 0..400u32 {
        let date = start + chrono::TimeDelta::days(i64::from(order) * 530 / 400);
        let customer = 10_001 + 7 * rng.gen_range(0..60);
        let seconds = 8 * 3600 + rng.gen_range(0..43_000);
        for n in 0..rng.gen_range(1..4u32) {
            let sku = (rng.gen_range(0..30u32) + n * 31) % 90;
            let price = scale * (199 + i64::from(sku) * 397 % 11_000);
            let quantity = [1, 1, 1, 2, 3][rng.gen_range(0..5)];
            lines.push(Line { customer, order: 500_001 + order, date, seconds, sku, quantity, price });
        }
    }
    lines
}

/// One line an order, with the order's money.
fn orders(lines: &[Line]) -> Vec<Line> {
    let of = |chunk: &[Line]| Line {
        quantity: 1,
        price: chunk.iter().map(Line::amount).sum(),
        ..chunk[0].clone()
    };
    lines.chunk_by(|a, b| a.order == b.order).map(of).collect()
}

/// What is true of some lines: customers, orders, net money in hundredths, last day.
fn truth<'a>(lines: impl IntoIterator<Item = &'a Line>) -> (usize, usize, i64, NaiveDate) {
    let (mut customers, mut orders, mut net, mut last) =
        (BTreeSet::new(), BTreeSet::new(), 0, NaiveDate::MIN);
    for line in lines {
        customers.insert(line.customer);
        orders.insert(line.order);
        net += line.amount();
        last = last.max(line.date);
    }
    (customers.len(), orders.len(), net, last)
}

fn money(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", hundredths.abs() / 100, hundredths.abs() % 100)
}

/// With marks: `1.234,50`.
fn marked(hundredths: i64, thousands: &str, decimal: &str) -> String {
    let plain = money(hundredths.abs());
    let (whole, part) = plain.split_once('.').unwrap();
    let mut text = String::new();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            text.push_str(thousands);
        }
        text.push(digit);
    }
    format!("{}{text}{decimal}{part}", if hundredths < 0 { "-" } else { "" })
}

/// A file with a header and a row a line.
fn file(header: &str, lines: &[Line], row: impl Fn(&Line) -> String) -> Vec<u8> {
    let mut text = format!("{header}\n");
    for line in lines {
        text.push_str(&row(line));
        text.push('\n');
    }
    text.into_bytes()
}

const PLAIN: &str = "customer_id,order_id,order_date,sku,quantity,unit_price";

fn plain(l: &Line) -> String {
    format!("{},{},{},SKU-{},{},{}", l.customer, l.order, l.date, l.sku, l.quantity, money(l.price))
}

fn dated(lines: &[Line], date: impl Fn(&Line) -> String) -> Vec<u8> {
    file(PLAIN, lines, |l| {
        let date = date(l);
        let date = if date.contains(',') { format!("\"{date}\"") } else { date };
        format!("{},{},{date},SKU-{},{},{}", l.customer, l.order, l.sku, l.quantity, money(l.price))
    })
}

fn priced(lines: &[Line], delimiter: &str, amount: impl Fn(i64) -> String) -> Vec<u8> {
    let header = ["customer_id", "order_id", "order_date", "sku", "quantity", "amount"].join(delimiter);
    file(&header, lines, |l| {
        let amount = amount(l.amount());
        let amount = if amount.contains(delimiter) || amount.contains('"') {
            format!("\"{}\"", amount.replace('"', "\"\""))
        } else {
            amount
        };
        let (customer, order, sku) = (l.customer.to_string(), l.order.to_string(), format!("SKU-{}", l.sku));
        [customer, order, l.date.to_string(), sku, l.quantity.to_string(), amount].join(delimiter)
    })
}

struct Case {
    name: &'static str,
    files: Vec<(&'static str, Vec<u8>)>,
    truth: (usize, usize, i64, NaiveDate),
}

/// How a case came out.
#[derive(Debug, PartialEq)]
enum Outcome {
    Right,
    /// Wrong, and `init` says that it is unsure.
    Said(String),
    /// Nothing came out: what was said.
    Refused(String),
    Silent(String),
}

fn outcome(case: &Case) -> (Outcome, bool) {
    let scene = Scene::new();
    for (name, content) in &case.files {
        scene.write(name, content);
    }
    let mut args = vec!["init"];
    args.extend(case.files.iter().map(|f| f.0));
    let init = scene.tillwise(&args);
    if init.code != 0 {
        return (Outcome::Refused(init.stderr), false);
    }
    let unsure = init.stdout.contains("UNSURE");
    let run = scene.tillwise(&["customers"]);
    if run.code != 0 {
        return (Outcome::Refused(run.stderr), unsure);
    }
    let line: serde_json::Value = serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap();
    let count = |key: &str| line[key].as_u64().unwrap();
    assert_eq!(count("rows_read"), count("rows_accepted") + count("rows_rejected"), "{}", case.name);
    let table = scene.table("out/stages/customers/customers.parquet");
    let sum = |name: &str| table.f64s(name).unwrap().iter().sum::<f64>();
    let got = (table.rows(), sum("orders") as usize, (100.0 * sum("net_revenue")).round() as i64);
    let as_of = line["as_of"].as_str().unwrap().to_owned();
    let (customers, orders, net, last) = case.truth;
    if got == (customers, orders, net) && as_of == last.to_string() {
        return (Outcome::Right, unsure);
    }
    let why = format!("{got:?} as of {as_of} for {:?}\n{}", case.truth, init.stdout);
    (if unsure { Outcome::Said(why) } else { Outcome::Silent(why) }, unsure)
}

fn check(cases: Vec<Case>) {
    let (mut problems, mut unsure) = (String::new(), 0);
    let n = cases.len();
    for case in cases {
        let (outcome, was_unsure) = outcome(&case);
        unsure += usize::from(was_unsure);
        if outcome != Outcome::Right {
            let _ = writeln!(problems, "{}: {outcome:?}", case.name);
        }
    }
    assert!(problems.is_empty(), "{problems}");
    assert!(10 * unsure <= n.max(10), "{unsure} of {n} are right and unsure");
}

fn one(name: &'static str, file: &'static str, content: Vec<u8>, lines: &[Line]) -> Case {
    Case { name, files: vec![(file, content)], truth: truth(lines) }
}

#[test]
fn dates_in_their_spellings() {
    let lines = shop(1);
    let d = |name, date: &dyn Fn(&Line) -> String| one(name, "orders.csv", dated(&lines, date), &lines);
    let f = |pattern: &'static str| move |l: &Line| l.date.format(pattern).to_string();
    check(vec![
        d("day first", &f("%d/%m/%Y")),
        d("month first", &f("%m/%d/%Y")),
        d("unpadded, twelve hours", &|l: &Line| format!("{} {}", l.date.format("%-m/%-d/%Y"), twelve(l))),
        d("two digits of the year", &f("%d.%m.%y")),
        d("month in words", &f("%d-%b-%Y")),
        d("weekday in words", &f("%A, %d %B %Y")),
        d("rfc 2822", &|l: &Line| format!("{} {} +0000", l.date.format("%a, %d %b %Y"), l.time())),
        d("apache", &|l: &Line| format!("{}:{} +0000", l.date.format("%d/%b/%Y"), l.time())),
        d("hungarian", &f("%Y.%m.%d.")),
        d("japanese", &f("%Y年%m月%d日")),
        d("spanish words", &|l: &Line| {
            const MONTHS: [&str; 12] = [
                "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre",
                "octubre", "noviembre", "diciembre",
            ];
            let month = l.date.format("%m").to_string().parse::<usize>().unwrap();
            format!("{} de {} de {}", l.date.format("%-d"), MONTHS[month - 1], l.date.format("%Y"))
        }),
        d("compact with time", &|l: &Line| {
            format!("{}{}", l.date.format("%Y%m%d"), l.time().replace(':', ""))
        }),
        d("century", &f("1%y%m%d")),
        d("seconds since 1970", &|l: &Line| epoch(l).to_string()),
        d("milliseconds since 1970", &|l: &Line| format!("{}000", epoch(l))),
        d("days of Excel", &|l: &Line| {
            let days =
                l.date.signed_duration_since(NaiveDate::from_ymd_opt(1899, 12, 30).unwrap()).num_days();
            format!("{:.5}", days as f64 + f64::from(l.seconds) / 86_400.0)
        }),
        d("jalali", &|l: &Line| {
            let (y, m, d) = to_jalali(l.date).unwrap();
            format!("{y}/{m:02}/{d:02}")
        }),
        d("jalali in Persian words and digits", &|l: &Line| {
            const MONTHS: [&str; 12] = [
                "فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور", "مهر", "آبان", "آذر", "دی", "بهمن",
                "اسفند",
            ];
            let (y, m, d) = to_jalali(l.date).unwrap();
            persian(&format!("{d} {} {y}", MONTHS[m as usize - 1]))
        }),
        d("two formats in one file", &|l: &Line| {
            let format = if l.order < 500_200 { "%Y-%m-%d" } else { "%d.%m.%Y" };
            l.date.format(format).to_string()
        }),
    ]);
}

fn twelve(l: &Line) -> String {
    let (hour, minute) = (l.seconds / 3600, l.seconds / 60 % 60);
    format!(
        "{}:{minute:02} {}",
        if hour % 12 == 0 { 12 } else { hour % 12 },
        if hour < 12 { "AM" } else { "PM" }
    )
}

fn epoch(l: &Line) -> i64 {
    l.date.and_hms_opt(0, 0, 0).unwrap().and_utc().timestamp() + i64::from(l.seconds)
}

fn persian(text: &str) -> String {
    text.chars().map(|c| c.to_digit(10).map_or(c, |d| char::from_u32(0x06F0 + d).unwrap())).collect()
}

/// A head whose days are all below the thirteenth does not decide for the whole file.
#[test]
fn the_whole_file_decides() {
    let mut lines = shop(1);
    let start = NaiveDate::from_ymd_opt(2023, 1, 1).unwrap();
    // A thousand lines a day: the first megabyte is of early January alone.
    lines = (0..40)
        .flat_map(|day| {
            let date = start + chrono::TimeDelta::days(day);
            lines
                .iter()
                .cycle()
                .take(1000)
                .cloned()
                .enumerate()
                .map(move |(i, l)| Line { date, order: 600_000 + day as u32 * 1000 + i as u32, ..l })
                .collect::<Vec<Line>>()
        })
        .collect();
    let us = dated(&lines, |l| l.date.format("%-m/%-d/%Y").to_string());
    let late = priced(&lines, ",", |a| if a > 30_000 { marked(a, ",", ".") } else { money(a) });
    check(vec![
        one("sorted, month first", "orders.csv", us, &lines),
        one("rare thousands", "orders.csv", late, &lines),
    ]);
}

#[test]
fn numbers_in_their_spellings() {
    let (lines, large) = (shop(1), shop(40));
    let p = |name, lines: &[Line], delimiter: &str, amount: &dyn Fn(i64) -> String| {
        one(name, "orders.csv", priced(lines, delimiter, amount), lines)
    };
    let whole: Vec<Line> =
        shop(1).into_iter().map(|l| Line { price: l.price * 1000 / 100 * 100, ..l }).collect();
    let returned: Vec<Line> = {
        let mut all = orders(&lines);
        let back = all.iter().step_by(19).map(|l| Line { price: -l.price, order: l.order, ..l.clone() });
        let back: Vec<Line> = back.collect();
        all.extend(back);
        all
    };
    check(vec![
        p("comma and points", &large, ";", &|a| marked(a, ".", ",")),
        p("blanks", &large, ";", &|a| marked(a, " ", ",")),
        p("hard blanks", &large, ";", &|a| marked(a, "\u{202f}", ",")),
        p("apostrophes", &large, ",", &|a| marked(a, "’", ".")),
        p("whole thousands with commas", &whole, ",", &|a| {
            marked(a, ",", ".").trim_end_matches(".00").to_owned()
        }),
        p("whole thousands with points", &whole, ";", &|a| {
            marked(a, ".", ",").trim_end_matches(",00").to_owned()
        }),
        p("euro behind", &large, ";", &|a| format!("{} €", marked(a, ".", ","))),
        p("dollars in front", &large, ",", &|a| format!("US${}", marked(a, ",", "."))),
        p("word behind", &whole, ",", &|a| format!("{} تومان", marked(a, ",", ".").trim_end_matches(".00"))),
        p("guarded", &lines, ",", &|a| format!("=\"{}\"", money(a))),
        p("exponents", &lines, ",", &|a| format!("{:.4E}", a as f64 / 100.0)),
        p("Persian digits", &lines, ",", &|a| persian(&money(a).replace('.', "٫"))),
        p("trailing minus", &returned, ",", &|a| if a < 0 { format!("{}-", money(-a)) } else { money(a) }),
        p("parentheses", &returned, ",", &|a| if a < 0 { format!("({})", money(-a)) } else { money(a) }),
        p("credit and debit words", &returned, ",", &|a| {
            format!("{} {}", money(a.abs()), if a < 0 { "CR" } else { "DR" })
        }),
        one(
            "cents",
            "orders.csv",
            file("customer_id,order_id,order_date,sku,quantity,unit_price_cents", &lines, |l| {
                format!("{},{},{},S{},{},{}", l.customer, l.order, l.date, l.sku, l.quantity, l.price)
            }),
            &lines,
        ),
        one(
            "units behind quantities",
            "orders.csv",
            file(PLAIN, &lines, |l| {
                format!(
                    "{},{},{},S{},{} pcs,{}",
                    l.customer,
                    l.order,
                    l.date,
                    l.sku,
                    l.quantity,
                    money(l.price)
                )
            }),
            &lines,
        ),
    ]);
}

#[test]
fn money_is_found_by_arithmetic_and_whole_words() {
    let lines = shop(1);
    let single = orders(&lines);
    let f = |name, header: &str, lines: &[Line], row: &dyn Fn(&Line) -> String| {
        one(name, "orders.csv", file(header, lines, row), lines)
    };
    let discounted: Vec<Line> =
        lines.iter().map(|l| Line { price: l.price - l.price / 5, quantity: 1, ..l.clone() }).collect();
    check(vec![
        Case {
            name: "a discount that is not yet off",
            files: vec![(
                "orders.csv",
                file(
                    "order_id,customer_id,order_date,sku,quantity,unit_price,discount_amount",
                    &lines,
                    |l| {
                        format!(
                            "{},{},{},S{},1,{},{}",
                            l.order,
                            l.customer,
                            l.date,
                            l.sku,
                            money(l.price),
                            money(l.price / 5)
                        )
                    },
                ),
            )],
            truth: truth(&discounted),
        },
        f("account before price", "order_id,order_date,customer_id,account_id,price", &single, &|l| {
            format!("{},{},{},70002,{}", l.order, l.date, l.customer, money(l.price))
        }),
        f(
            "tax before the total",
            "Order ID,Customer ID,Order Date,Tax Amount,Shipping Amount,Grand Total",
            &single,
            &|l| {
                format!(
                    "{},{},{},{},4.90,{}",
                    l.order,
                    l.customer,
                    l.date,
                    money(l.price / 6),
                    money(l.price)
                )
            },
        ),
        f("points", "receipt,member_no,date,loyalty_value,basket", &single, &|l| {
            format!("{},{},{},{},{}", l.order, l.customer, l.date, l.price / 1000, money(l.price))
        }),
        f(
            "list price and sale price",
            "order_id,customer_id,order_date,sku,list price,sale price,qty",
            &lines,
            &|l| {
                format!(
                    "{},{},{},S{},{},{},{}",
                    l.order,
                    l.customer,
                    l.date,
                    l.sku,
                    money(2 * l.price),
                    money(l.price),
                    l.quantity
                )
            },
        ),
        f(
            "a total that is the line's",
            "order_id,customer_id,order_date,sku,quantity,total_price",
            &lines,
            &|l| {
                format!(
                    "{},{},{},S{},{},{}",
                    l.order,
                    l.customer,
                    l.date,
                    l.sku,
                    l.quantity,
                    money(l.amount())
                )
            },
        ),
        f(
            "an item price that is the line's",
            "order-id,buyer-email,purchase-date,sku,quantity-purchased,item-price,item-tax",
            &lines,
            &|l| {
                format!(
                    "{},b{}@example.org,{},S{},{},{},0.00",
                    l.order,
                    l.customer,
                    l.date,
                    l.sku,
                    l.quantity,
                    money(l.amount())
                )
            },
        ),
        f("a number of the sale", "Sales Order,Customer,Order Date,Net Value", &single, &|l| {
            format!("{},{},{},{}", l.order, l.customer, l.date, money(l.price))
        }),
        f("a share of discount", "order_id,customer_id,order_date,discount_pct,revenue", &single, &|l| {
            format!("{},{},{},{},{}", l.order, l.customer, l.date, l.sku % 4 * 5, money(l.price))
        }),
        f(
            "German words",
            "Kundennummer;Rechnungsnummer;Rechnungsdatum;Artikelnummer;Menge;Einzelpreis",
            &lines,
            &|l| {
                format!(
                    "{};{};{};A{};{};{}",
                    l.customer,
                    l.order,
                    l.date.format("%d.%m.%Y"),
                    l.sku,
                    l.quantity,
                    money(l.price).replace('.', ",")
                )
            },
        ),
        f(
            "French words",
            "client;commande;date de commande;référence article;quantité;prix unitaire",
            &lines,
            &|l| {
                format!(
                    "{};{};{};R{};{};{}",
                    l.customer,
                    l.order,
                    l.date.format("%d/%m/%Y"),
                    l.sku,
                    l.quantity,
                    money(l.price).replace('.', ",")
                )
            },
        ),
        f(
            "Japanese words",
            "注文番号,注文日時,会員ID,商品番号,単価,個数,小計",
            &lines,
            &|l| {
                format!(
                    "{},{} {},{},P{},{},{},{}",
                    l.order,
                    l.date.format("%Y/%m/%d"),
                    l.time(),
                    l.customer,
                    l.sku,
                    money(l.price),
                    l.quantity,
                    money(l.amount())
                )
            },
        ),
        f(
            "Persian words",
            "شماره سفارش,تاریخ سفارش,کد مشتری,کد کالا,تعداد,مبلغ کل",
            &lines,
            &|l| {
                format!(
                    "{},{},{},K{},{},{}",
                    l.order,
                    l.date.format("%Y/%m/%d"),
                    l.customer,
                    l.sku,
                    l.quantity,
                    money(l.amount())
                )
            },
        ),
        f("manager before company", "Account Manager,Company,Invoice,Date,Amount", &single, &|l| {
            format!(
                "{},Company {} Ltd,{},{},{}",
                ["Bo", "Ann"][l.sku as usize % 2],
                l.customer,
                l.order,
                l.date,
                money(l.price)
            )
        }),
        f("status before number", "Customer ID,Order Status,Doc No,Date,Amount", &single, &|l| {
            format!("{},Shipped,{},{},{}", l.customer, l.order, l.date, money(l.price))
        }),
        f("born and changed", "customer_id,birth_date,order_id,purchased,updated_at,total", &single, &|l| {
            format!(
                "{},19{}-05-0{},{},{},2024-07-0{} 02:00:00,{}",
                l.customer,
                50 + l.customer % 49,
                1 + l.customer % 8,
                l.order,
                l.date,
                1 + l.sku % 4,
                money(l.price)
            )
        }),
        f(
            "items side by side",
            "order_id,customer_id,order_date,item1_qty,item1_price,item2_qty,item2_price,order_total",
            &single,
            &|l| {
                format!(
                    "{},{},{},1,{},1,1.00,{}",
                    l.order,
                    l.customer,
                    l.date,
                    money(l.price - 100),
                    money(l.price)
                )
            },
        ),
        f("debit and credit", "customer_id,document,date,debit,credit", &single, &|l| {
            format!("{},{},{},{},", l.customer, l.order, l.date, money(l.price))
        }),
    ]);
}

#[test]
fn layouts_of_text() {
    let lines = shop(1);
    let text = || String::from_utf8(file(PLAIN, &lines, plain)).unwrap();
    let t = |name, content: String| one(name, "orders.csv", content.into_bytes(), &lines);
    let swapped = |delimiter: &str| text().replace(',', delimiter);
    let with_note = |note: &dyn Fn(&Line) -> String| {
        String::from_utf8(file(&format!("{PLAIN},note"), &lines, |l| format!("{},{}", plain(l), note(l))))
            .unwrap()
    };
    check(vec![
        t("caret", swapped("^")),
        t("tilde", swapped("~")),
        t("two bars", swapped("||")),
        t("colon", swapped(":")),
        t("semicolons in a text", with_note(&|_| "red;small;gift".into())),
        t("Excel says the delimiter", format!("sep=;\n{}", swapped(";"))),
        t("titles above", format!("Report:,Sales by line\nPeriod:,2023-01-01 to 2024-06-30\n\n{}", text())),
        t("a ruled line and a footer", {
            let body = text();
            let (head, rest) = body.split_once('\n').unwrap();
            format!("{head}\n-----------,--------,----------,---,--------,----------\n{rest}\n(800 rows affected)\n")
        }),
        t("an aligned table", {
            let body: Vec<String> = text()
                .lines()
                .map(|l| l.split(',').map(|f| format!(" {f:>12} ")).collect::<Vec<_>>().join("|"))
                .collect();
            format!(
                "{}\n{}\n{}\n(400 rows)\n",
                body[0],
                vec!["-".repeat(14); 6].join("+"),
                body[1..].join("\n")
            )
        }),
        t("the header once more", {
            let body = text();
            let middle = body.len() / 2 + body[body.len() / 2..].find('\n').unwrap() + 1;
            format!("{}{PLAIN}\n{}", &body[..middle], &body[middle..])
        }),
        t("carriage returns alone", text().replace('\n', "\r")),
        t("a comma too many in rows", text().replace('\n', ",\n").replacen(",\n", "\n", 1)),
        t("a comma too many in the header", text().replacen('\n', ",\n", 1)),
        t("quotes behind blanks", {
            let body = text();
            let (head, rest) = body.split_once('\n').unwrap();
            let rows: Vec<String> = rest
                .lines()
                .map(|l| l.split(',').map(|f| format!("\"{f}\"")).collect::<Vec<_>>().join(", "))
                .collect();
            format!("{}\n{}\n", head.replace(',', ", "), rows.join("\n"))
        }),
        t("quotes behind backslashes", with_note(&|_| "\"ring \\\"twice\\\", then wait\"".into())),
        t("lines within quotes", with_note(&|_| "\"line one\nline \"\"two\"\", three\"".into())),
        t(
            "a quote that stays open",
            with_note(&|l| if l.sku == 7 { "\"half open".into() } else { "5\" disc".into() }),
        ),
        t(
            "commas without quotes",
            with_note(&|l| if l.sku % 3 == 0 { "Bowl, large".into() } else { "Bowl".into() }),
        ),
        t("NUL bytes", text().replace("SKU-1,", "SKU-1\0\0,")),
        t("totals between and at the end", {
            let mut rows = orders(&lines);
            rows.sort_by_key(|l| l.customer);
            let mut out = "customer,order_id,order_date,amount\n".to_owned();
            for of in rows.chunk_by(|a, b| a.customer == b.customer) {
                for l in of {
                    let _ = writeln!(out, "{},{},{},{}", l.customer, l.order, l.date, money(l.price));
                }
                let sum: i64 = of.iter().map(|l| l.price).sum();
                let _ = writeln!(out, "{} Total,,{},{}", of[0].customer, of[0].date, money(sum));
            }
            let all: i64 = rows.iter().map(|l| l.price).sum();
            out + &format!("Grand Total,,2024-06-15,{}\n", money(all))
        }),
    ]);
}

#[test]
fn encodings() {
    let lines = shop(1);
    let named = |name: &str| {
        String::from_utf8(file(&PLAIN.replace("customer_id", "customer"), &lines, |l| {
            plain(l).replacen(&l.customer.to_string(), &format!("{name} {}", l.customer), 1)
        }))
        .unwrap()
    };
    let e = |name, encoding: &'static encoding_rs::Encoding, words: &str| {
        let text = named(words);
        let (bytes, _, lost) = encoding.encode(&text);
        assert!(!lost, "{name}");
        one(name, "orders.csv", bytes.into_owned(), &lines)
    };
    let cases = vec![
        e("Western", encoding_rs::WINDOWS_1252, "Zoë Müller"),
        e("Hebrew", encoding_rs::WINDOWS_1255, "רותי לוי"),
        e("Turkish", encoding_rs::WINDOWS_1254, "Işıl Güneş Şahin"),
        e("Cyrillic", encoding_rs::WINDOWS_1251, "Иван Петров"),
        e("Persian", encoding_rs::WINDOWS_1256, "مينا راد"),
        e("Korean", encoding_rs::EUC_KR, "홍길동 상점"),
        e("Japanese", encoding_rs::SHIFT_JIS, "山田 表示"),
        e("Chinese", encoding_rs::GB18030, "买家 测试"),
        e("old Macs", encoding_rs::MACINTOSH, "Zoë Müller"),
    ];
    for case in &cases {
        let text = case.files[0].1.clone();
        let scene = Scene::new();
        scene.write("orders.csv", text);
        assert_eq!(scene.tillwise(&["init", "orders.csv"]).code, 0);
        scene.done(&["customers"]);
        let table = scene.table("out/stages/customers/customers.parquet");
        let words = [
            "Zoë Müller",
            "רותי לוי",
            "Işıl Güneş Şahin",
            "Иван Петров",
            "مینا راد",
            "홍길동 상점",
            "山田 表示",
            "买家 测试",
        ];
        let id = table.texts("customer_id").unwrap()[0].to_owned();
        assert!(words.iter().any(|w| id.starts_with(w)), "{}: {id}", case.name);
    }
    check(cases);
}

#[test]
fn customers_are_told_apart_and_drawn_together() {
    let single = orders(&shop(1));
    let c = |name, id: &dyn Fn(&Line) -> String| {
        one(
            name,
            "orders.csv",
            file("customer,order_id,order_date,total", &single, |l| {
                format!("{},{},{},{}", id(l), l.order, l.date, money(l.price))
            }),
            &single,
        )
    };
    let some = |l: &Line| l.order.is_multiple_of(3);
    let known: Vec<&Line> = single.iter().filter(|l| l.order % 4 != 0).collect();
    let guests = |guest: &str| Case {
        name: "guests",
        files: vec![(
            "orders.csv",
            file("customer_id,order_id,order_date,total", &single, |l| {
                let id = if l.order % 4 == 0 { guest.to_owned() } else { l.customer.to_string() };
                format!("{id},{},{},{}", l.order, l.date, money(l.price))
            }),
        )],
        truth: truth(known.iter().copied()),
    };
    check(vec![
        c("capitals", &|l| if some(l) { format!("C{}X", l.customer) } else { format!("c{}x", l.customer) }),
        c("hard blanks", &|l| format!("C{}{}", l.customer, if some(l) { "\u{a0}" } else { "" })),
        c("nothing to see", &|l| format!("{}C{}", if some(l) { "\u{200b}" } else { "" }, l.customer)),
        c("composed letters", &|l| format!("{} {}", if some(l) { "Zoe\u{308}" } else { "Zoë" }, l.customer)),
        c("two letters of one look", &|l| format!("{} {}", if some(l) { "علي" } else { "علی" }, l.customer)),
        c("Persian digits", &|l| {
            if some(l) {
                persian(&l.customer.to_string())
            } else {
                l.customer.to_string()
            }
        }),
        c("thousands", &|l| {
            if some(l) {
                format!("\"{}\"", marked(i64::from(l.customer) * 100, ",", ".").trim_end_matches(".00"))
            } else {
                l.customer.to_string()
            }
        }),
        c("mail in capitals", &|l| {
            if some(l) {
                format!("C{}@Example.org", l.customer)
            } else {
                format!("c{}@example.org", l.customer)
            }
        }),
        c("two numbers with a point", &|l| format!("{}.16000{}", l.customer, l.customer)),
        guests("N/A"),
        guests("guest@example.org"),
        guests("Walk-in"),
        Case {
            name: "leading zeros lost in one file",
            files: ["2023.csv", "2024.csv"]
                .into_iter()
                .map(|name| {
                    let of: Vec<Line> = single
                        .iter()
                        .filter(|l| name.starts_with(&l.date.format("%Y").to_string()))
                        .cloned()
                        .collect();
                    (
                        name,
                        file("customer_id,order_id,order_date,total", &of, |l| {
                            let id = if name == "2023.csv" {
                                format!("{:08}", l.customer)
                            } else {
                                l.customer.to_string()
                            };
                            format!("{id},{},{},{}", l.order, l.date, money(l.price))
                        }),
                    )
                })
                .collect(),
            truth: truth(&single),
        },
        Case {
            name: "numbers that begin anew each day",
            files: vec![("orders.csv", {
                let mut rows = String::from("customer_id,receipt,date,amount\n");
                for day in single.chunk_by(|a, b| a.date == b.date) {
                    for (n, l) in day.iter().enumerate() {
                        let _ = writeln!(rows, "{},{},{},{}", l.customer, n + 1, l.date, money(l.price));
                    }
                }
                rows.into_bytes()
            })],
            truth: truth(&single),
        },
        one(
            "numbers of several stores",
            "orders.csv",
            file("store,customer_id,order_id,order_date,total", &single, |l| {
                format!(
                    "{},{},{},{},{}",
                    ["A", "B", "C"][l.order as usize % 3],
                    l.customer,
                    1000 + l.order / 3,
                    l.date,
                    money(l.price)
                )
            }),
            &single,
        ),
    ]);
}

#[test]
fn rows_that_are_no_sales() {
    let single = orders(&shop(1));
    let live =
        |keep: &dyn Fn(&Line) -> bool| single.iter().filter(|l| keep(l)).cloned().collect::<Vec<Line>>();
    let s = |name, header: &str, kept: Vec<Line>, row: &dyn Fn(&Line) -> String| Case {
        name,
        files: vec![("orders.csv", file(header, &single, row))],
        truth: truth(&kept),
    };
    let base = |l: &Line| format!("{},{},{},{}", l.order, l.customer, l.date, money(l.price));
    let tenth = |l: &Line| l.order.is_multiple_of(10);
    check(vec![
        s("cancelled", "order_id,customer_id,order_date,total,status", live(&|l| !tenth(l)), &|l| {
            format!("{},{}", base(l), if tenth(l) { "cancelled" } else { "completed" })
        }),
        s("failed payments", "id,Customer ID,Created (UTC),Amount,Status", live(&|l| !tenth(l)), &|l| {
            format!("{},{}", base(l), if tenth(l) { "Failed" } else { "Paid" })
        }),
        s(
            "the moment of a cancellation",
            "order_id,customer_id,created_at,total,cancelled_at",
            live(&|l| !tenth(l)),
            &|l| {
                format!(
                    "{},{}",
                    base(l),
                    if tenth(l) { format!("{} 23:00:00", l.date) } else { String::new() }
                )
            },
        ),
        s("tests", "order_id,customer_id,order_date,total,test", live(&|l| !tenth(l)), &|l| {
            format!("{},{}", base(l), tenth(l))
        }),
        s("in Persian", "order_id,customer_id,order_date,total,وضعیت", live(&|l| !tenth(l)), &|l| {
            format!("{},{}", base(l), if tenth(l) { "لغو شده" } else { "تکمیل شده" })
        }),
        Case {
            name: "views and purchases",
            files: vec![("events.csv", {
                let mut rows = "event_time,event_type,product_id,price,user_id,user_session\n".to_owned();
                for l in &single {
                    for (n, kind) in ["view", "view", "cart", "purchase"].into_iter().enumerate() {
                        let _ = writeln!(
                            rows,
                            "{} 10:0{n}:00 UTC,{kind},{},{},{},s-{}",
                            l.date,
                            l.sku,
                            money(l.price),
                            l.customer,
                            l.order
                        );
                    }
                }
                rows.into_bytes()
            })],
            truth: truth(&single),
        },
        Case {
            name: "refunds of a kind",
            files: vec![("orders.csv", {
                let mut rows = "order_id,customer_id,order_date,total,transaction_type\n".to_owned();
                for l in &single {
                    let _ = writeln!(rows, "{},sale", base(l));
                    if tenth(l) {
                        let _ = writeln!(rows, "{},refund", base(l));
                    }
                }
                rows.into_bytes()
            })],
            truth: {
                let t = truth(&single);
                (t.0, t.1, t.2 - single.iter().filter(|l| tenth(l)).map(|l| l.price).sum::<i64>(), t.3)
            },
        },
        Case {
            name: "blank below an order's first row",
            files: vec![("orders.csv", {
                let mut rows =
                    "Name,Email,Created at,Lineitem quantity,Lineitem name,Lineitem price\n".to_owned();
                for of in shop(1).chunk_by(|a, b| a.order == b.order) {
                    for (n, l) in of.iter().enumerate() {
                        let (mail, day) = if n == 0 {
                            (format!("c{}@example.org", l.customer), l.date.to_string())
                        } else {
                            Default::default()
                        };
                        let _ = writeln!(
                            rows,
                            "#{},{mail},{day},{},Bowl {},{}",
                            l.order,
                            l.quantity,
                            l.sku,
                            money(l.price)
                        );
                    }
                }
                rows.into_bytes()
            })],
            truth: truth(&shop(1)),
        },
    ]);
}

#[test]
fn formats_that_are_no_csv() {
    let lines = shop(1);
    let single = orders(&lines);
    let html: String = lines
        .iter()
        .map(|l| {
            format!("<tr>{}</tr>\n", plain(l).split(',').map(|f| format!("<td>{f}</td>")).collect::<String>())
        })
        .collect();
    let head: String = PLAIN.split(',').map(|f| format!("<td>{f}</td>")).collect();
    let objects: Vec<String> = single.iter().map(|l| format!("{{\"order_id\": {}, \"customer\": {{\"id\": {}}}, \"created_at\": \"{}T10:00:00Z\", \"total\": {}}}", l.order, l.customer, l.date, money(l.price))).collect();
    let european: Vec<String> = single
        .iter()
        .map(|l| {
            format!(
                "{{\"order_id\":{},\"customer_id\":{},\"order_date\":\"{}\",\"amount\":\"{}\"}}",
                l.order,
                l.customer,
                l.date,
                marked(l.price * 40, ".", ",")
            )
        })
        .collect();
    let large = orders(&shop(40));
    let sheets = {
        let mut book = rust_xlsxwriter::Workbook::new();
        book.add_worksheet().set_name("Cover").unwrap().write(0, 0, "Sales report").unwrap();
        for (name, year) in [("2023", 2023), ("2024", 2024)] {
            let sheet = book.add_worksheet().set_name(name).unwrap();
            for (c, head) in ["customer_id", "order_id", "order_date", "total"].into_iter().enumerate() {
                sheet.write(0, c as u16, head).unwrap();
            }
            for (r, l) in
                single.iter().filter(|l| l.date.format("%Y").to_string() == year.to_string()).enumerate()
            {
                let r = r as u32 + 1;
                sheet.write(r, 0, l.customer).unwrap();
                sheet.write(r, 1, l.order).unwrap();
                sheet.write(r, 2, l.date.to_string()).unwrap();
                sheet.write(r, 3, l.price as f64 / 100.0).unwrap();
            }
        }
        book.save_to_buffer().unwrap()
    };
    check(vec![
        one(
            "HTML named xls",
            "report.xls",
            format!("<html><body><table><tr>{head}</tr>{html}</table></body></html>").into_bytes(),
            &lines,
        ),
        one(
            "an array of objects",
            "orders.json",
            format!("[\n{}\n]", objects.join(",\n")).into_bytes(),
            &single,
        ),
        one(
            "an array under a key",
            "orders.json",
            format!("{{\"count\": 2, \"orders\": [{}]}}", objects.join(", ")).into_bytes(),
            &single,
        ),
        one("objects a line", "orders.jsonl", objects.join("\n").into_bytes(), &single),
        one("numbers as European texts", "orders.jsonl", european.join("\n").into_bytes(), &large),
        one("two sheets and a cover", "orders.xlsx", sheets, &single),
        one("zipped", "orders.zip", zipped("export/orders.csv", &file(PLAIN, &lines, plain)), &lines),
    ]);
}

/// A zip with one file, stored as it is.
fn zipped(name: &str, content: &[u8]) -> Vec<u8> {
    let crc = {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        crc.sum()
    };
    let (n, size) = (name.len() as u16, content.len() as u32);
    let mut head = Vec::new();
    head.extend(20u16.to_le_bytes());
    head.extend([0u8; 8]);
    head.extend(crc.to_le_bytes());
    head.extend(size.to_le_bytes());
    head.extend(size.to_le_bytes());
    head.extend(n.to_le_bytes());
    head.extend(0u16.to_le_bytes());
    let mut out = b"PK\x03\x04".to_vec();
    out.extend(&head);
    out.extend(name.as_bytes());
    out.extend(content);
    let at = out.len() as u32;
    out.extend(b"PK\x01\x02");
    out.extend(20u16.to_le_bytes());
    out.extend(&head);
    out.extend([0u8; 10]);
    out.extend(0u32.to_le_bytes());
    out.extend(name.as_bytes());
    let length = out.len() as u32 - at;
    out.extend(b"PK\x05\x06");
    out.extend([0u8; 4]);
    out.extend(1u16.to_le_bytes());
    out.extend(1u16.to_le_bytes());
    out.extend(length.to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend(0u16.to_le_bytes());
    out
}

#[test]
fn several_files() {
    let single = orders(&shop(1));
    let lines = shop(1);
    let half: Vec<Line> = single.iter().filter(|l| l.order < 500_250).cloned().collect();
    let rest: Vec<Line> = single.iter().filter(|l| l.order >= 500_250).cloned().collect();
    let overlapping: Vec<Line> = single.iter().filter(|l| l.order >= 500_200).cloned().collect();
    let head = "customer_id,order_id,order_date,state,total";
    let row = |state: &'static str| {
        move |l: &Line| format!("{},{},{},{state},{}", l.customer, l.order, l.date, money(l.price))
    };
    let case = |name, files| Case { name, files, truth: truth(&single) };
    check(vec![
        case(
            "another format of dates",
            vec![
                ("a.csv", file(head, &half, row("fulfilled"))),
                (
                    "b.csv",
                    file(head, &rest, |l| {
                        format!(
                            "{},{},{},fulfilled,{}",
                            l.customer,
                            l.order,
                            l.date.format("%d/%m/%Y"),
                            money(l.price)
                        )
                    }),
                ),
            ],
        ),
        case(
            "another delimiter",
            vec![
                ("a.csv", file(head, &half, row("fulfilled"))),
                (
                    "b.csv",
                    String::from_utf8(file(head, &rest, row("fulfilled")))
                        .unwrap()
                        .replace(',', ";")
                        .into_bytes(),
                ),
            ],
        ),
        case(
            "the same orders with another state",
            vec![
                ("a.csv", file(head, &half, row("unfulfilled"))),
                ("b.csv", file(head, &overlapping, row("fulfilled"))),
            ],
        ),
        Case {
            name: "orders, items and customers",
            files: vec![
                (
                    "orders.csv",
                    file("order_id,customer_key,order_purchase_timestamp", &single, |l| {
                        format!("{},k{},{} {}", l.order, l.order, l.date, l.time())
                    }),
                ),
                (
                    "items.csv",
                    file(
                        "order_id,order_item_id,product_id,price,freight_value",
                        &lines
                            .iter()
                            .flat_map(|l| (0..l.quantity).map(|_| Line { quantity: 1, ..l.clone() }))
                            .collect::<Vec<_>>(),
                        |l| format!("{},1,P{},{},8.72", l.order, l.sku, money(l.price)),
                    ),
                ),
                (
                    "customers.csv",
                    file("customer_key,customer_unique_id,customer_city", &single, |l| {
                        format!("k{},u{},sao paulo", l.order, l.customer)
                    }),
                ),
            ],
            truth: truth(&lines),
        },
    ]);
}

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
            file("customer_phone,order_id,order_date,total", &single, |l| {
                format!("4.91701E+11,{},{},{}", l.order, l.date, money(l.price))
            }),
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
