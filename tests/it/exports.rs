//! Exports as strangers write them: the same orders in many layouts, each read by `init` with nothing edited, and held against
//! the truth that they were made from.

mod asking;
mod cells;
mod columns;
mod layouts;
mod leftovers;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use chrono::NaiveDate;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

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

/// A row by a template, such as `"{customer},{date},{price}"`.
fn row(template: &'static str) -> impl Fn(&Line) -> String {
    move |l| {
        [
            ("{customer}", l.customer.to_string()),
            ("{order}", l.order.to_string()),
            ("{date}", l.date.to_string()),
            ("{time}", l.time()),
            ("{sku}", l.sku.to_string()),
            ("{quantity}", l.quantity.to_string()),
            ("{price}", money(l.price)),
            ("{amount}", money(l.amount())),
        ]
        .iter()
        .fold(template.to_owned(), |text, (name, value)| text.replace(name, value))
    }
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

#[expect(clippy::print_stdout, reason = "the documentation has these counts")]
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
    println!("{n} exports, {} of them right, {unsure} with a word of doubt", n - problems.lines().count());
    assert!(problems.is_empty(), "{problems}");
    assert!(10 * unsure <= n.max(10), "{unsure} of {n} are right and unsure");
}

fn one(name: &'static str, file: &'static str, content: Vec<u8>, lines: &[Line]) -> Case {
    Case { name, files: vec![(file, content)], truth: truth(lines) }
}

fn persian(text: &str) -> String {
    text.chars().map(|c| c.to_digit(10).map_or(c, |d| char::from_u32(0x06F0 + d).unwrap())).collect()
}
