//! The simulated shop, and what its lines say of customers, in the plainest way.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use tillwise_core::Day;

/// A line of the export.
#[derive(Clone, Debug)]
pub struct Line {
    pub customer: String,
    pub order: String,
    pub day: i32,
    pub quantity: i64,
    /// In cents, as costs are.
    pub amount: i64,
    pub unit_cost: i64,
    pub product: usize,
    pub country: &'static str,
    pub channel: &'static str,
    pub store: &'static str,
}

impl Line {
    pub fn is_return(&self) -> bool {
        self.amount < 0
    }

    pub fn money(&self) -> f64 {
        self.amount as f64 / 100.0
    }

    pub fn cost(&self) -> f64 {
        (self.quantity * self.unit_cost) as f64 / 100.0
    }

    pub fn product(&self) -> String {
        product(self.product)
    }
}

pub fn product(number: usize) -> String {
    format!("p{number:02}")
}

/// What a product is called.
pub fn name(number: usize) -> String {
    format!("{} no. {}", ["Cup", "Lamp", "Kite"][number % 3], number + 1)
}

/// A product in the words of rules and reasons.
pub fn said(number: usize) -> String {
    format!("{} ({})", name(number), product(number))
}

const CATEGORIES: [&str; 4] = ["kitchen", "garden", "toys", "light"];

pub fn category(number: usize) -> &'static str {
    CATEGORIES[number % CATEGORIES.len()]
}

const PRODUCTS: usize = 24;

#[derive(Clone)]
pub struct Facts {
    pub lines: Vec<Line>,
}

/// A sequence of numbers from 0 to 1 that looks like chance.
pub struct Draw(pub u64);

impl Draw {
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() * n as f64) as usize
    }
}

pub const FIRST: i32 = 18_993; // 2022-01-01

/// The day of the picture: that of the last order.
pub fn as_of() -> Day {
    Day(FIRST + 729)
}

/// That of the night before.
pub fn earlier() -> Day {
    Day(FIRST + 690)
}

/// That of the reference for drift.
pub fn long_before() -> Day {
    Day(FIRST + 500)
}

impl Facts {
    pub fn simulate() -> Facts {
        let mut draw = Draw(41);
        let mut lines = Vec::new();
        for c in 0..260usize {
            let customer = format!("c{c:03}");
            // Customers differ in how often they come, how long they stay, and what they spend.
            let gap = 8.0 + 70.0 * draw.next().powi(2) + if c % 5 == 0 { 60.0 } else { 0.0 };
            let stays = 0.75 + 0.24 * draw.next();
            let level = 0.5 + 3.0 * draw.next().powi(3);
            let country = ["DE", "FR", "NL"][[0, 0, 0, 1, 1, 2][draw.below(6)]];
            let taste = draw.below(PRODUCTS);
            let mut t = 640.0 * draw.next();
            let mut number = 0;
            while t < 729.5 {
                let day = FIRST + t as i32;
                number += 1;
                let order = format!("o{c:03}-{number:02}");
                let channel = ["web", "shop", "phone"][[0, 0, 1, 2][draw.below(4)]];
                let store = ["north", "south"][[0, 1, 1][draw.below(3)]];
                let mut products: BTreeSet<usize> = BTreeSet::new();
                for _ in 0..1 + draw.below(3) {
                    products.insert(if draw.next() < 0.6 {
                        taste
                    } else {
                        (draw.next().powi(2) * PRODUCTS as f64) as usize
                    });
                }
                // Some things go together.
                if products.contains(&0) && draw.next() < 0.7 {
                    products.insert(1);
                }
                if products.contains(&4) && draw.next() < 0.5 {
                    products.insert(7);
                }
                for product in products {
                    let quantity = 1 + (level * 2.0 * draw.next()) as i64;
                    let price = 300 + 170 * product as i64 + 10 * (c as i64 % 7);
                    let line = Line {
                        customer: customer.clone(),
                        order: order.clone(),
                        day,
                        quantity,
                        amount: quantity * price,
                        unit_cost: price * (35 + 2 * product as i64) / 100,
                        product,
                        country,
                        channel,
                        store,
                    };
                    // A few come back, some days later and under a number of their own.
                    let back = day + 3 + draw.below(12) as i32;
                    if draw.next() < 0.05 && back <= as_of().0 {
                        lines.push(Line {
                            order: format!("r{c:03}-{number:02}-{product}"),
                            day: back,
                            quantity: -1,
                            amount: -price,
                            ..line.clone()
                        });
                    }
                    lines.push(line);
                }
                if draw.next() > stays {
                    break;
                }
                // Now and then a second order on the same day.
                t += if draw.next() < 0.05 && number > 2 {
                    0.0
                } else {
                    1.0 + gap * -(1.0 - draw.next()).ln()
                };
            }
        }
        // The last day has an order, so that it is the day of the picture.
        let last = lines.iter().rev().find(|l| !l.is_return()).unwrap().clone();
        lines.push(Line {
            order: "o-last".to_owned(),
            day: as_of().0,
            customer: "c000".to_owned(),
            country: "DE",
            ..last
        });
        lines.sort_by(|a, b| (a.day, &a.order, a.product).cmp(&(b.day, &b.order, b.product)));
        Facts { lines }
    }

    pub fn export(&self) -> String {
        let mut text =
            "customer,order,date,quantity,amount,unit_cost,product,name,category,country,channel,store\n"
                .to_owned();
        for l in &self.lines {
            let sign = if l.amount < 0 { "-" } else { "" };
            let _ = writeln!(
                text,
                "{},{},{},{},{sign}{}.{:02},{}.{:02},{},{},{},{},{},{}",
                l.customer,
                l.order,
                Day(l.day),
                l.quantity,
                l.amount.abs() / 100,
                l.amount.abs() % 100,
                l.unit_cost / 100,
                l.unit_cost % 100,
                l.product(),
                name(l.product),
                category(l.product),
                l.country,
                l.channel,
                l.store
            );
        }
        text
    }

    /// The lines of each customer who had an order by a day, up to it, in the order of ids.
    pub fn customers(&self, as_of: i32) -> BTreeMap<&str, Vec<&Line>> {
        let mut all: BTreeMap<&str, Vec<&Line>> = BTreeMap::new();
        for line in self.lines.iter().filter(|l| l.day <= as_of) {
            all.entry(&line.customer).or_default().push(line);
        }
        all.retain(|_, lines| lines.iter().any(|l| !l.is_return()));
        all
    }

    /// Orders up to a day, by customer and time: number, day and products.
    pub fn orders(&self, as_of: i32) -> Vec<Order<'_>> {
        let mut orders: BTreeMap<(&str, i32, &str), Order<'_>> = BTreeMap::new();
        for line in self.lines.iter().filter(|l| l.day <= as_of && !l.is_return()) {
            let order = orders.entry((&line.customer, line.day, &line.order)).or_insert_with(|| Order {
                customer: &line.customer,
                day: line.day,
                products: BTreeSet::new(),
                lines: Vec::new(),
            });
            order.products.insert(line.product);
            order.lines.push(line);
        }
        orders.into_values().collect()
    }
}

/// An order and what is in it.
pub struct Order<'a> {
    pub customer: &'a str,
    pub day: i32,
    pub products: BTreeSet<usize>,
    pub lines: Vec<&'a Line>,
}

/// Net money of lines.
pub fn net<'a>(lines: impl IntoIterator<Item = &'a &'a Line>) -> f64 {
    lines.into_iter().map(|l| l.amount).sum::<i64>() as f64 / 100.0
}

/// Distinct order days.
pub fn order_days(lines: &[&Line]) -> Vec<i32> {
    let days: BTreeSet<i32> = lines.iter().filter(|l| !l.is_return()).map(|l| l.day).collect();
    days.into_iter().collect()
}

/// A shop that customers leave ever faster: models of then expect too many of them to come back.
pub fn fading() -> String {
    let (mut draw, mut text, mut number) = (Draw(11), "customer,order,date,amount\n".to_owned(), 0);
    for customer in 0..2000 {
        let mut day = draw.below(20) as i32;
        while day < 900 {
            number += 1;
            text.push_str(&format!("f{customer},{number},{},{}\n", Day(FIRST + day), 5 + draw.below(20)));
            let until = day + 1 + draw.below(30) as i32;
            let leaves = |day: i32| 0.0002 * (f64::from(day) / 180.0).exp();
            if (day..until).any(|day| draw.next() < leaves(day).min(0.02)) {
                break;
            }
            day = until;
        }
    }
    text
}

/// A table of contracts: who left, by plan and fee.
pub fn contracts() -> String {
    let mut draw = Draw(5);
    let mut text = "id,months,plan,fee,visits,left\n".to_owned();
    for i in 0..400 {
        let plan = ["basic", "plus", "gold"][draw.below(3)];
        let (fee, visits) = (20 + draw.below(60), draw.below(9));
        let risk =
            0.1 + 0.4 * f64::from(u8::from(plan == "basic")) + 0.004 * fee as f64 - 0.02 * visits as f64;
        let left = draw.next() < risk;
        let months = 1 + draw.below(if left { 14 } else { 30 });
        let _ = writeln!(text, "k{i:03},{months},{plan},{fee},{visits},{}", if left { "Yes" } else { "No" });
    }
    text
}

/// Survivors of two cohorts (Fader and Hardie 2007), in numbers of our own for the third.
pub const SURVIVORS: &str = "cohort,period,survivors
a,0,1000\na,1,631\na,2,468\na,3,382\na,4,326\na,5,289\na,6,262\na,7,241
b,0,1000\nb,1,869\nb,2,743\nb,3,653\nb,4,593\nb,5,551\nb,6,517\nb,7,491
";
